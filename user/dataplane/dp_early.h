/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunnel packets that came before the session they belong to (PM_V_EARLY). Kept in order of
 * arrival, bounded in number and age. A packet is believed when it came through a tunnel the core
 * knows; it is put back as the frame it was, at the interface where it arrived, and judged anew.
 */
#pragma once

#include "base/counter.h"
#include "base/nsec.h"
#include "core/dataplane.h"

struct dp_bpf;
struct ring_buffer;

#define DP_EARLY_MAX 256
#define DP_EARLY_AGE nsec_from_ms(100)

#define DP_EARLY_COUNTERS(X)                                                          \
	X(DP_EARLY_C_KEPT, "kept", "tunnel packets that came before their session")   \
	X(DP_EARLY_C_DELIVERED, "delivered", "put back when the session came")        \
	X(DP_EARLY_C_EXPIRED, "expired", "discarded: no session came in time")        \
	X(DP_EARLY_C_OVERFLOW, "overflow", "discarded: too many were waiting")        \
	X(DP_EARLY_C_STRANGER, "stranger", "discarded: not through a tunnel of ours") \
	X(DP_EARLY_C_FAILED, "failed", "discarded: the kernel did not take it back")

enum dp_early_counter { DP_EARLY_COUNTERS(COUNTER_ENUM) DP_EARLY_C_MAX };

struct dp_early_packet;

struct dp_early {
	struct ring_buffer *ring;
	nsec_t now;				       /* of the last dp_bpf_early() */
	struct dp_early_packet *waiting[DP_EARLY_MAX]; /* oldest first */
	unsigned n;
	uint64_t counter[DP_EARLY_C_MAX];
};

int dp_early_init(struct dp_bpf *dp); /* 0 or -errno */
void dp_early_free(struct dp_early *e);
/* Sessions for these prefixes are in force now. */
void dp_early_arrived(struct dp_bpf *dp, const struct prefix6 *prefixes, unsigned n);
