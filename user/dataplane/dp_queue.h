/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packets of one queue of dp_buffer.h: taken in within the bounds, counted in the half's record
 * and over all, and told to the programs as delivered when they are nobody's any more.
 *
 * What the programs queue as one may be several packets (core/segment.h). It is delivered with the
 * last of them.
 */
#pragma once

#include "dataplane/dp_buffer.h"

struct pm_buffer;
struct pm_slow;

/* `frame` begins with the mark, as it is put back. */
struct dp_packet {
	struct dp_packet *next;
	nsec_t at;
	uint32_t ifindex;
	uint32_t len; /* without the mark */
	bool counts;  /* the last one of what the programs have queued as one */
	uint8_t frame[];
};

/* What it shares with the programs. */
struct pm_buffer *dp_queue_shared(const struct dp_bpf *dp, const struct dp_queue *q);
/* The counts in its half's record. */
struct dp_buffered *dp_queue_kept(const struct dp_bpf *dp, const struct dp_queue *q);
/* Nothing is here, nor on its way here. */
bool dp_queue_idle(const struct dp_bpf *dp, const struct dp_queue *q);

/* A frame from the programs: what of it may wait comes last, the rest is dropped. */
void dp_queue_take(struct dp_bpf *dp, struct dp_queue *q, const struct pm_slow *in,
		   const uint8_t *frame);
/* The one that has waited longest; there must be one. To be followed by dp_queue_done_with(). */
struct dp_packet *dp_queue_pop(struct dp_bpf *dp, struct dp_queue *q);
/* It is nobody's any more, and freed. */
void dp_queue_done_with(struct dp_bpf *dp, const struct dp_queue *q, struct dp_packet *p);
void dp_queue_drop_first(struct dp_bpf *dp, struct dp_queue *q, enum dp_buffer_drop why);
void dp_queue_drop_all(struct dp_bpf *dp, struct dp_queue *q, enum dp_buffer_drop why);

void dp_queue_count_drops(struct dp_bpf *dp, struct dp_queue *q, enum dp_buffer_drop why,
			  uint64_t n);
/* Those that programs could not queue. */
void dp_queue_count_refused(struct dp_bpf *dp, struct dp_queue *q);
