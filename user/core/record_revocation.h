/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written down of revocations (RFC 5846) that a restart of the LMA must not lose, apart
 * from those that stand in the binding itself (core/record.h): what a MAG is still to be told of
 * bindings that are no more, global revocations under way, and bindings that are to end by and by.
 *
 * As core/record.h says of layout, versions, times and trust.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "core/dataplane.h"
#include "core/home4.h"
#include "wire/mh.h"

#define RECORD_REVOCATION_VERSION 1
#define RECORD_REVOCATION_MAX	  640 /* octets */

enum record_revocation_type {
	RECORD_OWED = 1, /* its MAG is to be told of a binding; pointless at `at` */
	RECORD_GLOBAL,	 /* ordered at `at`, not yet answered */
	RECORD_DOOM,	 /* bindings registered until `before` end at `at` */
};

/* As what the bindings of a doom end. */
enum record_doom {
	RECORD_DOOM_ORPHANED = 1,
	RECORD_DOOM_REVOKED,
	RECORD_DOOM_WITHDRAWN,
};

struct record_revocation {
	enum record_revocation_type type;
	struct in6_addr lmaa; /* ours; RECORD_DOOM: ::, any */
	struct in6_addr mag;
	uint16_t port;	 /* UDP port of the MAG, over IPv4; else 0 */
	bool tells;	 /* a MAG is told; else without trigger, and only of a doom */
	uint8_t trigger; /* enum br_trigger */
	uint64_t at;	 /* ns since 1970-01-01 UTC */
	/* RECORD_DOOM */
	enum record_doom doom; /* else 0 */
	uint64_t before;       /* ns since 1970-01-01 UTC */
	/* RECORD_OWED: the node's; else "@realm", or length 0: of any realm. Borrowed, both ends */
	struct mnid mnid;
	/* RECORD_OWED; neither: all the node has at the MAG */
	unsigned n_prefixes;
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	struct home4 home4; /* its router does not matter and is not kept */
};

/* Returns the length, or 0 for what cannot be written down. */
size_t record_revocation_write(const struct record_revocation *v, uint8_t *buf, size_t cap);

/* `out` borrows from the octets. 0; -EPROTONOSUPPORT: of another version; -EBADMSG: not one that
 * record_revocation_write() makes. */
int record_revocation_read(struct record_revocation *out, const uint8_t *data, size_t len);
