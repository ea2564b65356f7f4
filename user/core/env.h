/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core needs from outside: send, random, wall clock. Monotonic time is not here: it is
 * an argument (`now`) of every entry point. The daemon fills this in with sockets and clocks, the
 * simulation with a fake network.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "base/nsec.h"

#define MH_UDP_PORT 5436 /* "pmip6-cntl", RFC 5844 6 */

/* A Mobility Header on its way in or out. Borrowed by the callee for the call only. Between IPv4
 * addresses (IPv4-mapped here) it travels in UDP (RFC 5844 4.1). */
struct packet {
	struct in6_addr src;
	struct in6_addr dst;
	const uint8_t *data; /* from Payload Proto on */
	size_t len;
	uint16_t port; /* of the other end, host order; 0: the well-known one, 5436. UDP only */
};

struct env {
	void *ctx;
	/* Queues a datagram; the bytes are copied before it returns. 0 or -errno. A send that
	 * fails is treated like loss on the way: retransmission repairs it. */
	int (*send)(void *ctx, const struct packet *pkt);
	/* ICMPv6 Parameter Problem code 0 about a received Mobility Header, pointing at an octet
	 * of it (RFC 6275 9.2). Rate-limited by the implementation. */
	void (*param_problem)(void *ctx, const struct packet *about, uint32_t mh_offset);
	void (*random)(void *ctx, void *buf, size_t len);
	/* Wall clock for the Timestamp option: nanoseconds since 1970-01-01 UTC. */
	uint64_t (*wallclock)(void *ctx);
};

/* RFC 5213 8.8: upper 48 bits seconds since 1970, lower 16 bits fractions of 1/65536 s. */
uint64_t timestamp_from_wallclock(uint64_t ns);
uint64_t timestamp_to_wallclock(uint64_t ts); /* saturates */
