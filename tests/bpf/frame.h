/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for the packet tests, built from a flat description: what a case says about a field is
 * one designated initialiser. Knows nothing of the programs under test.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 2048

struct frame {
	size_t n;
	uint8_t b[FRAME_MAX];
};

enum frame_ext {
	EXT_NONE,
	EXT_HOPOPTS,
	EXT_ROUTING,
	EXT_DSTOPTS,
	EXT_FRAG_FIRST,	 /* offset 0, more fragments */
	EXT_FRAG_LATER,	 /* offset 1000: what follows is no header */
	EXT_FRAG_ATOMIC, /* offset 0, no more */
	EXT_TEL_ZERO,	 /* Tunnel Encapsulation Limit 0, RFC 2473 4.1.1 */
};

/* NULL addresses and zero numbers mean what the comment says. */
struct spec {
	const char *dmac, *smac;
	uint16_t ethertype;	 /* 0: IPv6 */
	uint16_t vlan;		 /* 0: untagged */
	const char *osrc, *odst; /* outer addresses; NULL: no outer header */
	uint8_t otc;
	uint8_t ohl;	     /* 0: 64 */
	uint8_t onh;	     /* 0: 41 */
	enum frame_ext oext; /* between the outer header and the inner packet */
	const char *src, *dst;
	uint8_t tc;
	uint8_t hl;	 /* 0: 64 */
	uint8_t hl_zero; /* really 0 */
	uint32_t flow;
	uint8_t nh;	 /* 0: UDP */
	uint8_t version; /* 0: 6 */
	enum frame_ext ext;
	uint16_t len;	 /* of the inner packet, its header included; 0: 128 */
	uint16_t sport;	 /* 0: 4000 */
	uint8_t l4[4];	 /* first octets of the payload where nh is not TCP or UDP */
	int plen_error;	 /* added to the inner payload length field */
	int oplen_error; /* added to the outer payload length field */
	unsigned pad;	 /* octets of Ethernet padding */
};

void frame_mac(uint8_t out[6], const char *text);
void frame_addr(uint8_t out[16], const char *text);
void frame_build(struct frame *f, const struct spec *s);

/* The ICMPv6 error that `in` deserves: from `src`, the offending packet at `quote` octets into it.
 */
struct frame_error {
	uint8_t type, code;
	uint32_t param;
	const char *src, *dst;
	const char *osrc, *odst; /* tunnel around the error; NULL: none */
};
void frame_build_error(struct frame *f, const struct frame *in, size_t quote,
		       const struct frame_error *e);

/* Octets of the inner packet by its own header, and its offset in a frame built from `s`. */
size_t frame_inner_len(const struct spec *s);
size_t frame_inner_at(const struct spec *s);
