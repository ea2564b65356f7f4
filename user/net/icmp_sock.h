/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors that this host receives, of both families, and whole IP packets that it sends: raw
 * sockets. The error types alone are let in: unreachable, too big, time exceeded, parameter
 * problem.
 */
#pragma once

#include "base/addr.h"
#include "base/counter.h"
#include "base/nsec.h"

struct icmp_sock;

/* `msg` begins with the ICMP header and is lent for the call. The checksum of IPv4's ICMP is not
 * checked. */
typedef void (*icmp_rx_fn)(void *ctx, bool v4, const uint8_t *msg, size_t len, nsec_t now);

#define ICMP_SOCK_COUNTERS(X)                                                     \
	X(ICMP_SOCK_C_RECEIVED, "received", "ICMP errors received")               \
	X(ICMP_SOCK_C_RECV_FAILED, "receive_failed", "receive calls that failed") \
	X(ICMP_SOCK_C_SENT, "sent", "packets sent through the kernel")            \
	X(ICMP_SOCK_C_SEND_FAILED, "send_failed", "packets that the kernel refused")

enum icmp_sock_counter { ICMP_SOCK_COUNTERS(COUNTER_ENUM) ICMP_SOCK_C_MAX };

int icmp_sock_new(struct icmp_sock **out, icmp_rx_fn rx, void *ctx); /* 0 or -errno */
void icmp_sock_free(struct icmp_sock **p);

int icmp_sock_fd(const struct icmp_sock *s);	      /* poll for reading */
void icmp_sock_read(struct icmp_sock *s, nsec_t now); /* a bounded number of messages */

/* Sends a packet with its IP header, by the kernel's routes, in a VRF (0: in none). 0 or -errno. */
int icmp_sock_send(struct icmp_sock *s, unsigned vrf, const void *packet, size_t len);

struct counter_set icmp_sock_counters(const struct icmp_sock *s);
