/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors about tunnel packets, turned into what the source of the inner packet gets (RFC 2473
 * 8, RFC 4213 3.4):
 *
 *	from inside the tunnel		an IPv6 source gets	an IPv4 source gets
 *	------------------------------	----------------------	--------------------------------
 *	hop limit, unreachable node,	type 1 code 3		type 3 code 1
 *	encapsulation limit
 *	too big				type 2, if above 1280	type 3 code 4, if DF
 *
 * Bytes in, bytes out: whether the tunnel and the session exist is the caller's question.
 */
#pragma once

#include "base/counter.h"
#include "base/ip_head.h"
#include "core/encap.h"

enum icmp_relay_kind { ICMP_RELAY_UNREACHABLE, ICMP_RELAY_TOO_BIG };

struct icmp_relay {
	struct dp_peer peer; /* the tunnel, by the outer header in the quotation */
	uint32_t key;	     /* which the quoted packet carried, where it is keyed */
	enum icmp_relay_kind kind;
	uint32_t mtu; /* ICMP_RELAY_TOO_BIG: octets an inner packet may have */
	struct ip_head inner;
	const uint8_t *quote; /* the inner packet as far as it was quoted; borrowed */
	size_t quote_len;
};

/* (SYMBOL, "name", "help"): what became of each message that was received. */
#define ICMP_RELAY_COUNTERS(X)                                                                   \
	X(ICMP_RELAY_OK, "relayed", "told to the source of the inner packet")                    \
	X(ICMP_RELAY_NOT_OURS, "not_ours", "about something else than a tunnel packet, ignored") \
	X(ICMP_RELAY_MALFORMED, "malformed",                                                     \
	  "ICMP message that is truncated or has a bad checksum")                                \
	X(ICMP_RELAY_SHORT, "short", "too little was quoted to know the inner packet")           \
	X(ICMP_RELAY_TYPE, "type",                                                               \
	  "types and codes that do not concern the inner packet's source")                       \
	X(ICMP_RELAY_SIZE, "size", "too big, about a packet whose source need not send less")    \
	X(ICMP_RELAY_ABOUT_ERROR, "about_error",                                                 \
	  "the inner packet is an ICMP error, or nothing that one may be sent about")            \
	X(ICMP_RELAY_STRANGER, "stranger",                                                       \
	  "quotes a packet that we have no tunnel or session for")                               \
	X(ICMP_RELAY_RATE, "rate_limited", "too many of them, discarded")                        \
	X(ICMP_RELAY_FAILED, "failed", "could not be sent")

enum icmp_relay_verdict { ICMP_RELAY_COUNTERS(COUNTER_ENUM) ICMP_RELAY_MAX };

/* Judges an ICMP message of the given family, checksum included for IPv4 (the kernel has checked
 * that of ICMPv6). *out is filled with ICMP_RELAY_OK alone. */
enum icmp_relay_verdict icmp_relay_read(struct icmp_relay *out, bool v4, const void *msg,
					size_t len);

/* Is the message about a packet that was too big? Then the tunnel's peer, else false. For whoever
 * follows path MTUs, which more messages tell about than are relayed. */
bool icmp_relay_too_big(bool v4, const void *msg, size_t len, struct in6_addr *remote);

#define ICMP_RELAY_PACKET_MAX 1280

/* The whole packet for the source of the inner packet, from `src`, an address of the same family.
 * Returns its length. */
size_t icmp_relay_write(const struct icmp_relay *r, const struct in6_addr *src,
			uint8_t buf[ICMP_RELAY_PACKET_MAX]);

struct counter_set icmp_relay_counters(const uint64_t counter[ICMP_RELAY_MAX]);
