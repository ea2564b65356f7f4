/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own stack at the ends of our tunnels, for what the programs cannot do: cut an outer
 * packet into fragments, and put fragments together again (RFC 2473 7, RFC 4213 3.2).
 *
 * One socket per protocol and family, for all of our addresses, open while there is a tunnel that
 * needs it: raw ones for protocols 41, 4 and 47, UDP port 5437 over IPv4. The programs take every
 * tunnel packet that is whole, so what is received here was in fragments (or had options).
 *
 * That they are there also makes the kernel believe what routers say about the size of tunnel
 * packets (RFC 8201, RFC 1191): those of the programs belong to no socket of theirs.
 */
#pragma once

#include "base/counter.h"
#include "base/nsec.h"
#include "core/encap.h"

struct tunnel_sock;

/* The payload of an outer packet, put together; lent for the call. For UDP without its header. */
struct tunnel_rx {
	struct in6_addr src, dst; /* of the outer header, IPv4-mapped for IPv4 */
	unsigned ifindex;	  /* that it came in by */
	uint8_t proto;
	uint8_t class;
	uint16_t port; /* UDP: the source's */
	const uint8_t *data;
	size_t len;
};

typedef void (*tunnel_rx_fn)(void *ctx, const struct tunnel_rx *rx, nsec_t now);

#define TUNNEL_SOCK_COUNTERS(X)                                                              \
	X(TUNNEL_SOCK_C_RECEIVED, "received", "tunnel packets that the kernel put together") \
	X(TUNNEL_SOCK_C_RATE, "rate_limited", "of these, discarded: too many of them")       \
	X(TUNNEL_SOCK_C_RECV_FAILED, "receive_failed", "receive calls that failed")          \
	X(TUNNEL_SOCK_C_SENT, "sent", "packets given to the kernel to be fragmented")        \
	X(TUNNEL_SOCK_C_SEND_FAILED, "send_failed", "of these, refused by the kernel")

enum tunnel_sock_counter { TUNNEL_SOCK_COUNTERS(COUNTER_ENUM) TUNNEL_SOCK_C_MAX };

int tunnel_sock_new(struct tunnel_sock **out, tunnel_rx_fn rx, void *ctx);
void tunnel_sock_free(struct tunnel_sock **p);

/* A tunnel comes, or goes: opens what it needs, closes what none needs any more. 0 or -errno; the
 * tunnel then goes without. */
int tunnel_sock_add(struct tunnel_sock *s, const struct dp_peer *peer);
void tunnel_sock_del(struct tunnel_sock *s, const struct dp_peer *peer);

int tunnel_sock_fd(const struct tunnel_sock *s);	  /* poll for reading */
void tunnel_sock_read(struct tunnel_sock *s, nsec_t now); /* a bounded number of packets */

/* Sends an inner packet through the tunnel, which is in a VRF (0: in none), in fragments where the
 * path asks for it. 0 or -errno. */
int tunnel_sock_send(struct tunnel_sock *s, const struct dp_peer *peer, unsigned vrf, uint32_t key,
		     uint8_t class, const void *inner, size_t len);

struct counter_set tunnel_sock_counters(const struct tunnel_sock *s);
