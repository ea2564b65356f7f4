/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for the packet tests, built from a flat description: what a case says about a field is
 * one designated initialiser. Families are told by the addresses as they are written. Knows nothing
 * of the programs under test; every checksum is computed over the finished header.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 9600

struct frame {
	size_t n;
	uint8_t b[FRAME_MAX];
};

enum frame_ext {
	EXT_NONE,
	EXT_HOPOPTS,
	EXT_ROUTING,
	EXT_DSTOPTS,
	EXT_FRAG_FIRST,	 /* offset 0, more fragments; these three of IPv4 as well */
	EXT_FRAG_LATER,	 /* offset 1000: what follows is no header */
	EXT_FRAG_ATOMIC, /* offset 0, no more; IPv4: an identification and nothing else */
	EXT_TEL_ZERO,	 /* Tunnel Encapsulation Limit 0, RFC 2473 4.1.1 */
	EXT_TEL,	 /* the same, 4 */
	EXT_AUTH,	 /* Authentication Header */
	EXT_OPTIONS,	 /* of IPv4: 8 octets */
	EXT_MAX
};

/* Between an outer IP header and the packet inside. */
enum frame_shim {
	SHIM_NONE,
	SHIM_GRE,
	SHIM_GRE_KEY,
	SHIM_UDP,
	SHIM_TLV,
	SHIM_TLV_GRE,
	SHIM_TLV_GRE_KEY,
	SHIM_MAX
};

/* NULL addresses and zero numbers mean what the comment says. */
struct spec {
	const char *dmac, *smac;
	uint16_t ethertype;	 /* 0: that of the first header */
	uint16_t vlan;		 /* 0: untagged */
	const char *osrc, *odst; /* outer addresses; NULL: no outer header */
	uint8_t otc;
	uint8_t ohl;	     /* 0: 64 */
	uint8_t onh;	     /* 0: what follows */
	uint8_t odf_clear;   /* IPv4 */
	uint16_t oid;	     /* IPv4 */
	enum frame_ext oext; /* of the outer header */
	int olen_error;	     /* added to the outer length field */
	uint16_t osum_error; /* added to the outer header checksum */
	enum frame_shim shim;
	uint32_t key;
	uint16_t gre_flags; /* besides the key's; with the fields that they announce */
	uint16_t gre_proto; /* 0: what the inner packet is */
	uint16_t usport;    /* 0: 50000 */
	uint16_t udport;    /* 0: 5437 */
	uint16_t usum;	    /* UDP checksum as it is */
	int ulen_error;	    /* added to the UDP length field */
	uint8_t tlv_type;   /* first octet */
	uint8_t tlv_next;   /* 0: what follows */
	int tlv_error;	    /* added to the length field */
	const char *src, *dst;
	uint8_t tc;
	uint8_t hl;	 /* 0: 64 */
	uint8_t hl_zero; /* really 0 */
	uint32_t flow;	 /* IPv6 */
	uint8_t nh;	 /* 0: UDP */
	uint8_t version; /* 0: that of the addresses */
	uint8_t df;	 /* IPv4 */
	enum frame_ext ext;
	uint16_t len;	    /* of the inner packet, its header included; 0: 128 */
	uint16_t sport;	    /* 0: 4000 */
	uint16_t dport;	    /* 0: 5001 */
	uint8_t l4[4];	    /* first octets of the payload where nh is not TCP or UDP */
	int len_error;	    /* added to the inner length field */
	int ihl_error;	    /* added to the inner IPv4 header length */
	uint16_t sum_error; /* added to the inner IPv4 header checksum */
	unsigned pad;	    /* octets of Ethernet padding */
};

bool frame_is4(const char *addr);
void frame_mac(uint8_t out[6], const char *text);
void frame_addr(uint8_t out[16], const char *text); /* IPv4-mapped for IPv4 */
void frame_build(struct frame *f, const struct spec *s);

/* The ICMP error that a packet deserves, plain or in a tunnel. */
struct frame_error {
	uint8_t type, code;
	uint32_t param;	       /* the 32 bits behind the checksum */
	const char *src, *dst; /* these say which ICMP */
	const char *osrc, *odst;
	enum frame_shim shim;
	uint32_t key;
};
/* `quote`: where the offending packet is in `in`. */
void frame_build_error(struct frame *f, const struct frame *in, size_t quote,
		       const struct frame_error *e);

/* Octets of the inner packet by its own header, and its offset in a frame built from `s`. */
size_t frame_inner_len(const struct spec *s);
size_t frame_inner_at(const struct spec *s);
size_t frame_shim_len(enum frame_shim shim);

/* One's complement sum of `n` octets, not complemented. */
uint16_t frame_sum(const uint8_t *b, size_t n);
