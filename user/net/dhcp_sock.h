/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A relay agent's UDP socket towards its DHCP servers, one per family: port 547 of the Proxy-CoA
 * (RFC 8415 7.2, 19), port 67 of the relay address (RFC 2131 4.1, RFC 3046). That address, of which
 * an IPv4-mapped one makes it a DHCPv4 socket, is the source of what is relayed and the place that
 * answers come to. It need not be on an interface yet. Another relay agent or server on this
 * machine keeps the port of its own addresses.
 */
#pragma once

#include "base/addr.h"
#include "base/counter.h"
#include "base/nsec.h"

struct dhcp_sock;

struct dhcp_rx {
	struct in6_addr src; /* IPv4-mapped for DHCPv4 */
	unsigned ifindex;    /* that it came in by */
	const uint8_t *data;
	size_t len;
};

typedef void (*dhcp_rx_fn)(void *ctx, const struct dhcp_rx *rx, nsec_t now);

#define DHCP_SOCK_COUNTERS(X)                                                                \
	X(DHCP_SOCK_C_RECEIVED, "received", "datagrams received")                            \
	X(DHCP_SOCK_C_TRUNCATED, "truncated", "datagrams longer than the buffer, discarded") \
	X(DHCP_SOCK_C_RECV_FAILED, "receive_failed", "receive calls that failed")            \
	X(DHCP_SOCK_C_SENT, "sent", "datagrams sent")                                        \
	X(DHCP_SOCK_C_SEND_FAILED, "send_failed", "datagrams that the kernel refused")

enum dhcp_sock_counter { DHCP_SOCK_COUNTERS(COUNTER_ENUM) DHCP_SOCK_C_MAX };

/* -EACCES: ports below 1024 are not permitted; -EADDRINUSE. */
int dhcp_sock_new(struct dhcp_sock **out, const struct in6_addr *local, dhcp_rx_fn rx, void *ctx);
void dhcp_sock_free(struct dhcp_sock **p);

int dhcp_sock_fd(const struct dhcp_sock *s); /* poll for reading */
/* Receives up to `budget` datagrams (0: 256). Returns how many. */
unsigned dhcp_sock_read(struct dhcp_sock *s, unsigned budget, nsec_t now);
/* To that server, of the socket's family, now, in a VRF (0: in none) that answers are received from
 * as well. 0 or -errno; what is lost the client repeats. */
int dhcp_sock_send(struct dhcp_sock *s, unsigned vrf, const struct in6_addr *server,
		   const void *msg, size_t len);

struct counter_set dhcp_sock_counters(const struct dhcp_sock *s);
