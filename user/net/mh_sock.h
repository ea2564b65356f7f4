/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The raw IPv6 socket for Mobility Headers (protocol 135), and the ICMPv6 Parameter Problem
 * messages about them (RFC 6275 9.2, RFC 4443 2.4).
 *
 * The kernel neither fills nor checks the Mobility Header's checksum here: the codec does both, so
 * that a bad checksum is counted like every other discard. No socket filter is attached: with one,
 * the kernel would drop bad checksums by itself. Kernels built with Mobile IPv6 (CONFIG_IPV6_MIP6)
 * answer a wrong Payload Proto or a short Header Len on their own and do not show us such packets.
 *
 * Sending is batched: mh_sock_send() copies into a queue, mh_sock_flush() hands the queue to the
 * kernel with one system call per batch. The socket owns its queues; received packets are lent to
 * the callback for the call only.
 */
#pragma once

#include <stdbool.h>

#include "base/counter.h"
#include "base/nsec.h"
#include "core/env.h"

struct mh_sock;

/* What the IPv6 header and the kernel told about a received packet, beside struct packet. */
struct mh_rx {
	struct packet pkt;
	unsigned ifindex;
	uint8_t hop_limit;
	uint8_t tclass;
};

struct mh_sock_cfg {
	uint32_t rcvbuf;   /* octets; 0: 4 MiB. Tried with SO_RCVBUFFORCE first */
	uint32_t sndbuf;   /* octets; 0: 4 MiB */
	uint8_t hop_limit; /* 0: 64 */
	int dscp;	   /* 0..63; -1: CS6 (48), network control of RFC 4594 */
	void *ctx;
	/* The VRF to send in, by the source; 0: none. May be NULL. */
	unsigned (*vrf)(void *ctx, const struct in6_addr *src);
	void (*receive)(void *ctx, const struct mh_rx *rx, nsec_t now);
};

#define MH_SOCK_COUNTERS(X)                                                                   \
	X(MH_SOCK_C_RECEIVED, "received", "datagrams received")                               \
	X(MH_SOCK_C_TRUNCATED, "truncated", "datagrams longer than a Mobility Header can be") \
	X(MH_SOCK_C_NO_DESTINATION, "no_destination",                                         \
	  "datagrams whose destination the kernel did not tell")                              \
	X(MH_SOCK_C_RECV_FAILED, "receive_failed", "receive calls that failed")               \
	X(MH_SOCK_C_SENT, "sent", "datagrams handed to the kernel")                           \
	X(MH_SOCK_C_SEND_FAILED, "send_failed", "datagrams that the kernel refused")          \
	X(MH_SOCK_C_QUEUE_FULL, "send_queue_full", "datagrams not queued: queue full")        \
	X(MH_SOCK_C_PARAM_PROBLEM, "param_problem_sent", "ICMPv6 Parameter Problems sent")    \
	X(MH_SOCK_C_PARAM_PROBLEM_LIMITED, "param_problem_limited",                           \
	  "Parameter Problems not sent: rate limit")                                          \
	X(MH_SOCK_C_PARAM_PROBLEM_UNFIT, "param_problem_unfit",                               \
	  "Parameter Problems not sent: RFC 4443 2.4(e) forbids an answer")

enum mh_sock_counter { MH_SOCK_COUNTERS(COUNTER_ENUM) MH_SOCK_C_MAX };

/* -EPERM without CAP_NET_RAW, -EPROTONOSUPPORT without IPv6; *why (may be NULL) names the step. */
int mh_sock_new(struct mh_sock **out, const struct mh_sock_cfg *cfg, const char **why);
void mh_sock_free(struct mh_sock **p); /* what is still queued is lost */

int mh_sock_fd(const struct mh_sock *s); /* poll for reading; for writing while want_write */
/* Receives up to `budget` datagrams (0: 1024), calling back for each. Returns how many. */
unsigned mh_sock_read(struct mh_sock *s, unsigned budget, nsec_t now);

/* Queues a copy. 0, -EMSGSIZE, -EINVAL (destination multicast or unspecified), or -ENOBUFS when
 * the queue is full even after an attempt to flush it. Same shape as env->send. */
int mh_sock_send(struct mh_sock *s, const struct packet *pkt);
/* Sends what is queued. 0 when the queue is empty afterwards, -EAGAIN when the socket is full. */
int mh_sock_flush(struct mh_sock *s);
bool mh_sock_want_write(const struct mh_sock *s);

/* ICMPv6 Parameter Problem code 0 to pkt->src, pointing `mh_offset` octets into the Mobility
 * Header. Rate-limited (RFC 4443 2.4(f): bursts of 10, then 10 per second). Never sent where
 * RFC 4443 2.4(e) forbids it. Call it from within the receive callback, so that the header
 * quoted in it shows the packet's own hop limit and traffic class. */
void mh_sock_param_problem(struct mh_sock *s, const struct packet *about, uint32_t mh_offset,
			   nsec_t now);

struct counter_set mh_sock_counters(const struct mh_sock *s);
