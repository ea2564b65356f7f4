/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbor Discovery and MLD on Ethernet frames: strict parsing of what nodes send, construction
 * of what a MAG sends. Pure functions over bytes.
 *
 * Parsing enforces RFC 4861 6.1.1, 6.1.2, 7.1.1, 7.1.2 and, of RFC 3810 5 and RFC 2710 3, what
 * matters for a sign of life: hop limit 1, source link-local or unspecified. Construction follows
 * RFC 4861 4.2 to 4.4 and RFC 6085: an IPv6 multicast packet for one node travels in a frame with
 * that node's unicast address.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define ND_FRAME_MAX 1514

/* RFC 6543 */
extern const struct mac nd_rfc6543_mac;		   /* 00-00-5E-00-52-13 */
extern const struct in6_addr nd_rfc6543_linklocal; /* fe80::200:5eff:fe00:5213 */
extern const struct in6_addr nd_all_nodes;	   /* ff02::1 */

enum nd_kind { ND_RS, ND_RA, ND_NS, ND_NA, ND_MLD_REPORT, ND_MLD_DONE, ND_ECHO_REPLY };

struct nd_msg {
	enum nd_kind kind;
	struct mac eth_src, eth_dst;
	struct in6_addr src, dst;
	struct in6_addr target; /* NS, NA */
	bool has_lladdr;	/* SLLA of RS, RA, NS; TLLA of NA */
	struct mac lladdr;	/* as claimed in the option; never to be trusted over eth_src */
	bool na_router, na_solicited, na_override;
	uint16_t echo_id, echo_seq;
};

/* (SYMBOL, "name", "help"): why a frame was not taken. */
#define ND_VERDICTS(X)                                                                             \
	X(ND_OK, "ok", "taken")                                                                    \
	X(ND_NOT_ND, "not_nd", "no ICMPv6 message of interest")                                    \
	X(ND_TRUNCATED, "truncated", "shorter than its headers say")                               \
	X(ND_BAD_ETHER, "bad_ether_source", "Ethernet source is multicast or zero")                \
	X(ND_BAD_HEADER, "bad_ip_header", "IPv6 or extension header inconsistent")                 \
	X(ND_BAD_SOURCE, "bad_ip_source", "IPv6 source not allowed for this message")              \
	X(ND_BAD_HOP_LIMIT, "bad_hop_limit", "hop limit not 255 (ND) or 1 (MLD)")                  \
	X(ND_BAD_CHECKSUM, "bad_checksum", "ICMPv6 checksum wrong")                                \
	X(ND_BAD_CODE, "bad_code", "ICMPv6 code not 0")                                            \
	X(ND_BAD_LENGTH, "bad_length", "ICMPv6 message shorter than its type's minimum")           \
	X(ND_BAD_OPTION, "bad_option", "option of length 0 or beyond the message")                 \
	X(ND_BAD_TARGET, "bad_target", "target is a multicast address")                            \
	X(ND_BAD_DAD, "bad_dad", "unspecified source with link-layer option or wrong destination") \
	X(ND_BAD_SOLICITED, "bad_solicited", "solicited flag in a multicast advertisement")

#define ND_VERDICT_ENUM(sym, name, help) sym,
enum nd_verdict { ND_VERDICTS(ND_VERDICT_ENUM) ND_VERDICT_MAX };
const char *nd_verdict_name(enum nd_verdict v);
const char *nd_kind_name(enum nd_kind k); /* "RS", "NS", ... */

/* `out` is untouched on anything but ND_OK. csum_partial: do not check the checksum. */
enum nd_verdict nd_parse(struct nd_msg *out, const uint8_t *frame, size_t len, bool csum_partial);

/* Everything a Router Advertisement says; lifetimes in seconds. */
struct nd_ra {
	uint8_t cur_hop_limit;
	bool managed, other; /* M, O */
	uint16_t router_lifetime;
	struct mac slla; /* option left out when zero */
	uint32_t mtu;	 /* option left out when 0 */
	unsigned n_prefixes;
	const struct prefix6 *prefixes; /* on-link and autonomous (RFC 5213 6.9.2) */
	uint32_t valid, preferred;
};

/* Builders write a whole frame and return its length, or -EMSGSIZE when cap is too small. */

/* To ff02::1 in a frame to `node` alone (RFC 6085). */
int nd_build_ra(uint8_t *buf, size_t cap, const struct mac *eth_src, const struct mac *node,
		const struct in6_addr *src, const struct nd_ra *ra);
/* Unicast probe (RFC 4861 7.3): to `target` itself, with SLLA option. */
int nd_build_probe(uint8_t *buf, size_t cap, const struct mac *eth_src, const struct mac *node,
		   const struct in6_addr *src, const struct in6_addr *target);
/* Defence of `target` against a node's DAD (RFC 4862 5.4.3, RFC 4861 7.2.4): to ff02::1, Router and
 * Override set, Solicited clear, TLLA option = eth_src; in a frame to `node` alone. */
int nd_build_defence(uint8_t *buf, size_t cap, const struct mac *eth_src, const struct mac *node,
		     const struct in6_addr *target);
/* Echo Request to ff02::1 in a frame to `node` alone: finds the addresses of a node of which only
 * the link-layer address is known. */
int nd_build_echo(uint8_t *buf, size_t cap, const struct mac *eth_src, const struct mac *node,
		  const struct in6_addr *src, uint16_t id, uint16_t seq);

/* Checksum of an ICMPv6 message whose checksum field is taken as it is; 0 over a correct one. */
uint16_t nd_checksum(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *icmp,
		     size_t len);
