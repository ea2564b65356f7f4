/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets between the programs and the daemon.
 *
 * From the programs, through the ring buffer pm_slow:
 *
 *	early		came before the session that they belong to (PM_V_EARLY). Kept in order of
 *			arrival, bounded in number and age. One is believed when it came through a
 *			tunnel the core knows; it is put back as the frame it was, at the interface
 *			where it arrived, and judged anew.
 *	fragment	does not fit its tunnel and may not be refused (PM_V_FRAGMENT): to the hook.
 *
 * To the programs, as frames that have just arrived: what the kernel has put together out of
 * fragments, and errors for nodes. Frames enter at the XDP program whatever the interface has, and
 * what that leaves to the stack meets the TC program of the interface, as always.
 */
#pragma once

#include "base/counter.h"
#include "base/nsec.h"
#include "core/dataplane.h"

struct dp_bpf;
struct dp_bpf_tunnelled;
struct ring_buffer;

#define DP_EARLY_MAX 256
#define DP_EARLY_AGE nsec_from_ms(100)

/* The kernel runs a frame of one page at most, and needs some of it. */
#define DP_SLOW_FRAME_MAX 3300

#define DP_EARLY_COUNTERS(X)                                                          \
	X(DP_EARLY_C_KEPT, "kept", "tunnel packets that came before their session")   \
	X(DP_EARLY_C_DELIVERED, "delivered", "put back when the session came")        \
	X(DP_EARLY_C_EXPIRED, "expired", "discarded: no session came in time")        \
	X(DP_EARLY_C_OVERFLOW, "overflow", "discarded: too many were waiting")        \
	X(DP_EARLY_C_STRANGER, "stranger", "discarded: not through a tunnel of ours") \
	X(DP_EARLY_C_FAILED, "failed", "discarded: the kernel did not take it back")

enum dp_early_counter { DP_EARLY_COUNTERS(COUNTER_ENUM) DP_EARLY_C_MAX };

#define DP_SLOW_COUNTERS(X)                                                                        \
	X(DP_SLOW_C_FRAGMENT, "to_fragment", "packets that enter their tunnel in fragments")       \
	X(DP_SLOW_C_NO_TUNNEL, "no_tunnel", "of these, discarded: the tunnel has gone")            \
	X(DP_SLOW_C_WHOLE, "reassembled", "tunnel packets put together and given to the programs") \
	X(DP_SLOW_C_STRANGER, "stranger", "not given: between addresses that have no tunnel")      \
	X(DP_SLOW_C_INTERFACE, "interface", "not given: did not come by a transport interface")    \
	X(DP_SLOW_C_MALFORMED, "malformed", "not given: nothing that a tunnel may carry")          \
	X(DP_SLOW_C_TOO_LONG, "too_long", "not given: longer than the programs can be given")      \
	X(DP_SLOW_C_ERROR, "errors", "ICMP errors given to the programs, for nodes")               \
	X(DP_SLOW_C_OLD, "old", "discarded: came while no daemon was there")                       \
	X(DP_SLOW_C_FAILED, "failed", "not given: the kernel refused")

enum dp_slow_counter { DP_SLOW_COUNTERS(COUNTER_ENUM) DP_SLOW_C_MAX };

struct dp_early_packet;

struct dp_slow {
	struct ring_buffer *ring;
	nsec_t now;	 /* of the last dp_bpf_slow() */
	unsigned budget; /* records that may still be taken in this call */
	struct dp_early_packet *waiting[DP_EARLY_MAX]; /* oldest first */
	unsigned n;
	uint16_t domain[16]; /* that sessions have been in, beside 0 */
	unsigned n_domains;
	uint64_t early[DP_EARLY_C_MAX];
	uint64_t counter[DP_SLOW_C_MAX];
};

int dp_slow_init(struct dp_bpf *dp); /* 0 or -errno */
void dp_slow_free(struct dp_slow *s);
/* The session is in force now. */
void dp_slow_arrived(struct dp_bpf *dp, const struct dp_session *s);
