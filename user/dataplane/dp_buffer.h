/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that wait for a node in handover (RFC 5949 4.1, 4.2; RFC 5568 5.4).
 *
 * The primary slot of a session half in DP_BUFFER has a buffer, an element of pm_buffer, and here
 * the queue of the same number. Programs hand whole frames over through pm_kept. They are put back
 * where they came in, at the hook that took them, and judged as if they had just arrived, but for
 * the mark in front of them. So what is put back goes the way of what came later, and the kernel is
 * done with it when the call returns: only then does the next one, or a live one, follow.
 *
 * A buffer that is empty stays open for a moment: a program may have found somebody waiting, and
 * not yet have put its packet into the ring.
 *
 * Owns the queues, the ring and its reader. What was kept of a half, and why not, is in its record.
 */
#pragma once

#include "base/counter.h"
#include "base/nsec.h"
#include "core/dataplane.h"
#include "dataplane/dp_index.h"

struct dp_bpf;
struct dp_packet;
struct ring_buffer;

#define DP_BUFFER_COUNTERS(X)                                                                    \
	X(DP_BUFFER_C_KEPT, "kept", "packets kept for nodes in handover")                        \
	X(DP_BUFFER_C_HANDED_ON, "handed_on", "of these, handed on when the node was there")     \
	DP_BUFFER_DROPS(X)                                                                       \
	X(DP_BUFFER_C_STRAY, "stray", "dropped: of a session that has ended, or an earlier run") \
	X(DP_BUFFER_C_PACKETS, "packets", "packets that wait now")                               \
	X(DP_BUFFER_C_OCTETS, "octets", "octets of packets that wait now")                       \
	X(DP_BUFFER_C_SESSIONS, "sessions", "nodes whose packets are kept now")

#define DP_BUFFER_COUNTER_ENUM(sym, name, help) COUNT_##sym,
enum dp_buffer_counter { DP_BUFFER_COUNTERS(DP_BUFFER_COUNTER_ENUM) DP_BUFFER_C_MAX };

enum { DP_TOLD_KEEPING = 1, DP_TOLD_DRAINING = 2 };

/* One queue, by the number of the buffer. */
struct dp_queue {
	uint32_t slot; /* 0: free */
	dp_ref half;
	struct dp_packet *first, **last;
	uint32_t n;
	bool draining;
	bool moved;    /* from another slot; packets that name that one are this queue's, too */
	nsec_t quiet;  /* draining: since when nobody has waited; 0: somebody does */
	nsec_t since;  /* draining: begun; 0: not yet */
	nsec_t due;    /* draining: of the next packet; 0: not yet begun */
	nsec_t window; /* metering: begin of the present one */
	uint32_t in_window, rate; /* packets; per second */
	uint64_t full, lost;	  /* of struct pm_buffer, as far as they have been counted */
	uint32_t place;		  /* in dp_buffers.active */
	/* what onlookers have been told, and what packets were lost for: bits of enum
	 * dp_buffer_drop */
	unsigned told, told_lost, lost_for;
};

struct dp_buffers {
	struct dp_queue *queue; /* [n]; NULL: nothing is ever kept */
	uint32_t n;
	struct dp_fifo free;
	uint32_t *active; /* [n_active], numbers */
	uint32_t n_active;
	struct ring_buffer *ring;
	nsec_t now; /* of the last dp_bpf_buffer() */
	unsigned budget;
	bool more;	   /* there is more to do at once, */
	bool behind;	   /* since more may be in the ring */
	unsigned sessions; /* halves in DP_BUFFER */
	uint64_t counter[DP_BUFFER_C_MAX];
};

/* After the maps, and before sessions are written. 0 or -errno. */
int dp_buffers_init(struct dp_bpf *dp);
void dp_buffers_free(struct dp_bpf *dp);

/* May one more half be in DP_BUFFER? 0, -ENOSPC or -ENOMEM. What is needed for it is there then. */
int dp_buffer_prepare(struct dp_bpf *dp, struct dp_buffered **kept);

/*
 * The descriptor for a slot whose packets are to go by `then`. While `keep` (flags for the
 * descriptor) is not zero they are kept instead; with zero, and before that kept, those that wait
 * go first, or are discarded when `then` drops packets.
 */
uint64_t dp_buffer_way(struct dp_bpf *dp, uint32_t slot, uint64_t then, uint16_t keep);
/* The slot is no longer the half's: what waits is discarded. */
void dp_buffer_forget(struct dp_bpf *dp, uint32_t slot);
/* The slot is no primary any more, but `to` is, of those slots whose primary it was, and is to be
 * written next. What waits goes on waiting there; it is discarded when that is another half's, or
 * has a queue. */
void dp_buffer_move(struct dp_bpf *dp, uint32_t slot, uint32_t to);
/* What a descriptor leads to, behind a buffer. */
uint64_t dp_buffer_then(const struct dp_bpf *dp, uint64_t desc);
/* Brings the counts of the half's record up to date; when the packet that has waited longest in
 * this slot's queue or the earlier ones came, and whether any of these is being emptied. */
void dp_buffer_look(struct dp_bpf *dp, uint32_t slot, nsec_t *oldest, bool *draining);
/* Hands on at once whatever may be handed on. */
void dp_buffers_leave(struct dp_bpf *dp);

/* ---- dp_buffer_tell.c: each is told once, until the buffer is empty */
void dp_buffer_tell_keeping(struct dp_bpf *dp, struct dp_queue *q);
void dp_buffer_tell_drops(struct dp_bpf *dp, struct dp_queue *q);
void dp_buffer_tell_draining(struct dp_bpf *dp, struct dp_queue *q);
void dp_buffer_tell_empty(struct dp_bpf *dp, struct dp_queue *q);
