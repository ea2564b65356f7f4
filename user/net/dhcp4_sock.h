/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The relay agent's UDP socket towards the DHCPv4 servers (RFC 2131 4.1, RFC 3046): port 67 of the
 * relay address, as source of what is relayed and as the place that answers come to. The address
 * need not be on an interface yet. A server or relay agent on this machine keeps port 67 of its own
 * addresses.
 */
#pragma once

#include <netinet/in.h>

#include "base/counter.h"
#include "base/nsec.h"

struct dhcp4_sock;

struct dhcp4_rx {
	struct in_addr src;
	unsigned ifindex; /* that it came in by */
	const uint8_t *data;
	size_t len;
};

typedef void (*dhcp4_rx_fn)(void *ctx, const struct dhcp4_rx *rx, nsec_t now);

#define DHCP4_SOCK_COUNTERS(X)                                                                \
	X(DHCP4_SOCK_C_RECEIVED, "received", "datagrams received")                            \
	X(DHCP4_SOCK_C_TRUNCATED, "truncated", "datagrams longer than the buffer, discarded") \
	X(DHCP4_SOCK_C_RECV_FAILED, "receive_failed", "receive calls that failed")            \
	X(DHCP4_SOCK_C_SENT, "sent", "datagrams sent")                                        \
	X(DHCP4_SOCK_C_SEND_FAILED, "send_failed", "datagrams that the kernel refused")

enum dhcp4_sock_counter { DHCP4_SOCK_COUNTERS(COUNTER_ENUM) DHCP4_SOCK_C_MAX };

/* -EACCES: ports below 1024 are not permitted; -EADDRINUSE. */
int dhcp4_sock_new(struct dhcp4_sock **out, struct in_addr local, dhcp4_rx_fn rx, void *ctx);
void dhcp4_sock_free(struct dhcp4_sock **p);

int dhcp4_sock_fd(const struct dhcp4_sock *s); /* poll for reading */
/* Receives up to `budget` datagrams (0: 256). Returns how many. */
unsigned dhcp4_sock_read(struct dhcp4_sock *s, unsigned budget, nsec_t now);
/* To port 67 of that server, now, in a VRF (0: in none) that answers are received from as well. 0
 * or -errno; what is lost the client repeats. */
int dhcp4_sock_send(struct dhcp4_sock *s, unsigned vrf, struct in_addr server, const void *msg,
		    size_t len);

struct counter_set dhcp4_sock_counters(const struct dhcp4_sock *s);
