/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole Ethernet frames of Neighbor Discovery, MLD, ARP and DHCP clients on the access interfaces.
 *
 * One AF_PACKET socket per interface behind one epoll descriptor. A classic BPF filter in the
 * kernel lets through, of ICMPv6, Router and Neighbor Solicitations and Advertisements, MLD
 * reports (also behind the Router Alert hop-by-hop header) and Echo Replies, of UDP what goes
 * to port 547 of ff02::1:2 or to port 67 of any IPv4 address, and ARP. Data traffic never reaches
 * user space, nor do frames of VLANs, which have interfaces of their own. Frames that this machine
 * sends itself are not shown.
 *
 * An interface may go down and come back while it is added (its socket stays). When it is deleted
 * from the system, remove it here and add it again under its new index.
 */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/counter.h"
#include "base/nsec.h"

struct frame_sock;

struct frame_rx {
	unsigned ifindex;
	struct mac src;	     /* Ethernet source, as in the frame */
	const uint8_t *data; /* from the Ethernet destination on; lent for the call */
	size_t len;
	bool csum_partial; /* sent on this machine, checksum not filled in yet: do not check it */
};

typedef void (*frame_rx_fn)(void *ctx, const struct frame_rx *f, nsec_t now);

#define FRAME_SOCK_COUNTERS(X)                                                                  \
	X(FRAME_SOCK_C_RECEIVED, "received", "frames received")                                 \
	X(FRAME_SOCK_C_TRUNCATED, "truncated", "frames longer than the buffer, discarded")      \
	X(FRAME_SOCK_C_DROPPED, "kernel_dropped", "frames that the kernel dropped, queue full") \
	X(FRAME_SOCK_C_RECV_FAILED, "receive_failed", "receive calls that failed")              \
	X(FRAME_SOCK_C_SENT, "sent", "frames sent")                                             \
	X(FRAME_SOCK_C_SEND_FAILED, "send_failed", "frames that the kernel refused")

enum frame_sock_counter { FRAME_SOCK_COUNTERS(COUNTER_ENUM) FRAME_SOCK_C_MAX };

int frame_sock_new(struct frame_sock **out, frame_rx_fn rx, void *ctx);
void frame_sock_free(struct frame_sock **p);

int frame_sock_fd(const struct frame_sock *s); /* poll for reading */
/* Receives up to `budget` frames (0: 1024) over all interfaces. Returns how many. Callbacks may
 * send, but neither add nor remove interfaces. */
unsigned frame_sock_read(struct frame_sock *s, unsigned budget, nsec_t now);

/* Listens on that interface; adding it again succeeds. -ENODEV, -EPERM, -ENOMEM. */
int frame_sock_add(struct frame_sock *s, unsigned ifindex);
void frame_sock_del(struct frame_sock *s, unsigned ifindex); /* absent: no-op */

/* Sends a whole frame. -ENODEV when the interface was not added; a full queue is -EAGAIN; an
 * interface that is down is -ENETDOWN. Losing a frame is always tolerable to the caller. */
int frame_sock_send(struct frame_sock *s, unsigned ifindex, const void *frame, size_t len);

struct counter_set frame_sock_counters(struct frame_sock *s); /* asks the kernel for its drops */
