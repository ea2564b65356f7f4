/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mobility Headers over IPv4: UDP port 5436 of our IPv4 addresses (RFC 5844 4.1).
 *
 * As net/mh_sock.h otherwise: batches, a queue of its own, received packets lent for the call. One
 * socket per address, behind one epoll descriptor: an address may come later or leave for a while,
 * several instances share a machine, and nothing is heard that was not meant for us. Packets are
 * struct packet with IPv4-mapped addresses; `port` is the other end's.
 *
 * The UDP checksum is mandatory (RFC 5844 4.1; the Mobility Header's own is zero there), although
 * IPv4 lets it be left out. The kernel takes such datagrams; a filter on the socket cuts their
 * payload off, by which they are recognised and counted.
 */
#pragma once

#include <stdbool.h>

#include "base/counter.h"
#include "base/nsec.h"
#include "core/env.h"

struct mh_udp;

struct mh_udp_rx {
	struct packet pkt;
	unsigned ifindex;
};

struct mh_udp_cfg {
	const struct in6_addr *addrs; /* ours, IPv4-mapped; copied */
	unsigned n_addrs;
	uint32_t rcvbuf; /* octets, of each socket; 0: 4 MiB. Tried with SO_RCVBUFFORCE first */
	uint32_t sndbuf; /* likewise */
	uint8_t ttl;	 /* 0: 64 */
	int dscp;	 /* 0..63; -1: CS6 (48), network control of RFC 4594 */
	void *ctx;
	/* The VRF that an address of ours is in; 0: none. May be NULL. */
	unsigned (*vrf)(void *ctx, const struct in6_addr *addr);
	void (*receive)(void *ctx, const struct mh_udp_rx *rx, nsec_t now);
};

#define MH_UDP_COUNTERS(X)                                                                   \
	X(MH_UDP_C_RECEIVED, "received", "datagrams received")                               \
	X(MH_UDP_C_NO_CHECKSUM, "no_checksum", "datagrams without UDP checksum, or empty")   \
	X(MH_UDP_C_NO_PORT, "no_source_port", "datagrams without a port to answer to")       \
	X(MH_UDP_C_TRUNCATED, "truncated", "datagrams longer than a Mobility Header can be") \
	X(MH_UDP_C_RECV_FAILED, "receive_failed", "receive calls that failed")               \
	X(MH_UDP_C_SENT, "sent", "datagrams handed to the kernel")                           \
	X(MH_UDP_C_SEND_FAILED, "send_failed", "datagrams that the kernel refused")          \
	X(MH_UDP_C_QUEUE_FULL, "send_queue_full", "datagrams not queued: queue full")        \
	X(MH_UDP_C_VRF_FAILED, "vrf_failed", "sockets that could not be put into their VRF")

enum mh_udp_counter { MH_UDP_COUNTERS(COUNTER_ENUM) MH_UDP_C_MAX };

/* -EINVAL: no address, or not of IPv4; -EADDRINUSE: the port is somebody else's; *why (may be NULL)
 * names the step. */
int mh_udp_new(struct mh_udp **out, const struct mh_udp_cfg *cfg, const char **why);
void mh_udp_free(struct mh_udp **p); /* what is still queued is lost */

/* Puts each socket into its address's VRF as it is now. */
void mh_udp_settle(struct mh_udp *u);

int mh_udp_fd(const struct mh_udp *u); /* poll for reading alone */
/* Receives up to `budget` datagrams (0: 1024), calling back for each, and goes on with sending
 * where a socket was full. Returns how many came. */
unsigned mh_udp_read(struct mh_udp *u, unsigned budget, nsec_t now);

/* Queues a copy. 0, -EMSGSIZE, -EINVAL (destination not unicast IPv4), -EADDRNOTAVAIL (the source
 * is none of ours), or -ENOBUFS when the queue is full even after an attempt to flush it. */
int mh_udp_send(struct mh_udp *u, const struct packet *pkt);
/* Sends what is queued. 0 when the queue is empty afterwards, -EAGAIN when a socket is full: then
 * the descriptor becomes readable when it no longer is. */
int mh_udp_flush(struct mh_udp *u);

struct counter_set mh_udp_counters(const struct mh_udp *u);
