/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Golden vectors: messages as octets and as text, each with the clause that decides it. They lie
 * in tests/vectors/ as text files of records; an empty line ends a record, '#' starts a comment,
 * "key: value" is one line, "key:" is followed by indented lines:
 *
 *	name:    unique in all files
 *	clause:  "RFC 5213 8.1"
 *	src, dst: addresses for the checksum; absent: the checksum is not looked at; IPv4: sent
 *		 in UDP, with a checksum of 0 (RFC 5844 4.1)
 *	hex:     the message from Payload Proto on
 *	verdict: what decoding says, the words of mh_verdict_name(); absent: ok
 *	text:    what mh_print() writes
 *	summary: what mh_summary() writes
 *	build:   the message described in words; encoding it gives exactly `hex`.
 *	         Absent: `hex` is not how we would encode it
 *	witness: "skip WHY", or "expert NAME WHY" with the expert mark tshark sets in error
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vector {
	char *name, *clause, *verdict, *text, *summary, *build, *witness;
	bool with_checksum; /* src and dst are there, and IPv6 */
	struct in6_addr src, dst;
	uint8_t *octets;
	size_t len;
};

struct vectors {
	struct vector *v;
	size_t n;
};

/* Reads all *.txt files of the directory in order of name. Prints what is wrong with a file and
 * returns -EINVAL, or -errno. */
int vectors_load(struct vectors *out, const char *dir);
void vectors_free(struct vectors *v);
/* tests/vectors of the source tree, as seen from its root. */
const char *vectors_dir(void);
