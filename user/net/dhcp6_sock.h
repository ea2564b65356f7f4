/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The relay agent's UDP socket towards the DHCPv6 servers (RFC 8415 7.2, 19): port 547 of the
 * Proxy-CoA, as source of what is relayed and as the place that answers come to. The address need
 * not be on an interface yet. Another relay agent or server on this machine keeps port 547 of its
 * own addresses.
 */
#pragma once

#include "base/addr.h"
#include "base/counter.h"
#include "base/nsec.h"

struct dhcp6_sock;

struct dhcp6_rx {
	struct in6_addr src;
	unsigned ifindex; /* that it came in by */
	const uint8_t *data;
	size_t len;
};

typedef void (*dhcp6_rx_fn)(void *ctx, const struct dhcp6_rx *rx, nsec_t now);

#define DHCP6_SOCK_COUNTERS(X)                                                                \
	X(DHCP6_SOCK_C_RECEIVED, "received", "datagrams received")                            \
	X(DHCP6_SOCK_C_TRUNCATED, "truncated", "datagrams longer than the buffer, discarded") \
	X(DHCP6_SOCK_C_RECV_FAILED, "receive_failed", "receive calls that failed")            \
	X(DHCP6_SOCK_C_SENT, "sent", "datagrams sent")                                        \
	X(DHCP6_SOCK_C_SEND_FAILED, "send_failed", "datagrams that the kernel refused")

enum dhcp6_sock_counter { DHCP6_SOCK_COUNTERS(COUNTER_ENUM) DHCP6_SOCK_C_MAX };

/* -EACCES: ports below 1024 are not permitted; -EADDRINUSE. */
int dhcp6_sock_new(struct dhcp6_sock **out, const struct in6_addr *local, dhcp6_rx_fn rx,
		   void *ctx);
void dhcp6_sock_free(struct dhcp6_sock **p);

int dhcp6_sock_fd(const struct dhcp6_sock *s); /* poll for reading */
/* Receives up to `budget` datagrams (0: 256). Returns how many. */
unsigned dhcp6_sock_read(struct dhcp6_sock *s, unsigned budget, nsec_t now);
/* To port 547 of that server, now, in a VRF (0: in none) that answers are received from as well. 0
 * or -errno; what is lost the client repeats. */
int dhcp6_sock_send(struct dhcp6_sock *s, unsigned vrf, const struct in6_addr *server,
		    const void *msg, size_t len);

struct counter_set dhcp6_sock_counters(const struct dhcp6_sock *s);
