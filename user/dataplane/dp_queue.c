/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_queue.h"

#include <stdlib.h>
#include <string.h>

#include "core/segment.h"
#include "dataplane/dp_state.h"

#define WINDOW	nsec_from_ms(100) /* for metering */
#define ETH_LEN 14
/* The longest frame that can be put back: the kernel runs one page, and needs some of it. */
#define FRAME_MAX 3280

_Static_assert(sizeof(struct pm_buffer) == 64, "one cache line");

struct pm_buffer *dp_queue_shared(const struct dp_bpf *dp, const struct dp_queue *q)
{
	return &dp->maps.buffer[q - dp->buffers.queue];
}

struct dp_buffered *dp_queue_kept(const struct dp_bpf *dp, const struct dp_queue *q)
{
	return dp->halves.rec[q->half].kept;
}

void dp_queue_count_drops(struct dp_bpf *dp, struct dp_queue *q, enum dp_buffer_drop why,
			  uint64_t n)
{
	if (n)
		q->lost_for |= 1u << why;
	dp_queue_kept(dp, q)->dropped[why] += n;
	dp->buffers.counter[COUNT_DP_BUFFER_NODE_PACKETS + why] += n;
}

static void count_kept(struct dp_bpf *dp, const struct dp_queue *q, uint64_t n)
{
	dp_queue_kept(dp, q)->kept += n;
	dp->buffers.counter[COUNT_DP_BUFFER_C_KEPT] += n;
}

/* One packet more that no program need wait for. */
static void delivered(struct dp_bpf *dp, const struct dp_queue *q)
{
	struct pm_buffer *b = dp_queue_shared(dp, q);

	dp_store64(&b->delivered, b->delivered + 1);
}

bool dp_queue_idle(const struct dp_bpf *dp, const struct dp_queue *q)
{
	const struct pm_buffer *b = dp_queue_shared(dp, q);

	return !q->n && dp_load64(&b->queued) == b->delivered;
}

/* What programs could not queue. */
void dp_queue_count_refused(struct dp_bpf *dp, struct dp_queue *q)
{
	const struct pm_buffer *b = dp_queue_shared(dp, q);
	const uint64_t full = dp_load64(&b->full), lost = dp_load64(&b->lost);

	count_kept(dp, q, full - q->full + lost - q->lost);
	dp_queue_count_drops(dp, q, DP_BUFFER_NODE_PACKETS, full - q->full);
	dp_queue_count_drops(dp, q, DP_BUFFER_NO_ROOM, lost - q->lost);
	q->full = full;
	q->lost = lost;
}

static void push(struct dp_bpf *dp, struct dp_queue *q, struct dp_packet *p)
{
	struct dp_buffered *k = dp_queue_kept(dp, q);

	if (!q->n)
		q->last = &q->first;
	p->next = NULL;
	*q->last = p;
	q->last = &p->next;
	q->n++;
	k->packets++;
	k->octets += p->len;
	dp->buffers.counter[COUNT_DP_BUFFER_C_PACKETS]++;
	dp->buffers.counter[COUNT_DP_BUFFER_C_OCTETS] += p->len;
}

struct dp_packet *dp_queue_pop(struct dp_bpf *dp, struct dp_queue *q)
{
	struct dp_buffered *k = dp_queue_kept(dp, q);
	struct dp_packet *p = q->first;

	q->first = p->next;
	q->n--;
	k->packets--;
	k->octets -= p->len;
	dp->buffers.counter[COUNT_DP_BUFFER_C_PACKETS]--;
	dp->buffers.counter[COUNT_DP_BUFFER_C_OCTETS] -= p->len;
	return p;
}

/* It is nobody's any more. */
void dp_queue_done_with(struct dp_bpf *dp, const struct dp_queue *q, struct dp_packet *p)
{
	if (p->counts)
		delivered(dp, q);
	free(p);
}

void dp_queue_drop_first(struct dp_bpf *dp, struct dp_queue *q, enum dp_buffer_drop why)
{
	dp_queue_done_with(dp, q, dp_queue_pop(dp, q));
	dp_queue_count_drops(dp, q, why, 1);
}

void dp_queue_drop_all(struct dp_bpf *dp, struct dp_queue *q, enum dp_buffer_drop why)
{
	while (q->n)
		dp_queue_drop_first(dp, q, why);
	dp_buffer_tell_drops(dp, q);
}

/* The rate at which packets come, smoothed over windows. */
static void meter(struct dp_queue *q, nsec_t now)
{
	if (!q->window)
		q->window = now;
	q->in_window++;
	if (now - q->window < WINDOW)
		return;
	uint64_t rate = q->in_window * NSEC_PER_SEC / (now - q->window);

	q->rate = (uint32_t)(q->rate ? (q->rate + rate) / 2 : rate);
	q->window = now;
	q->in_window = 0;
}

/* Room for one more of `len` octets? Else why not. */
static bool has_room(const struct dp_bpf *dp, const struct dp_queue *q, uint32_t len,
		     enum dp_buffer_drop *why)
{
	const struct dp_bpf_buffer_cfg *c = &dp->cfg.buffer;
	const struct dp_buffered *k = dp_queue_kept(dp, q);
	const uint64_t *all = dp->buffers.counter;

	if (k->packets >= c->node_packets)
		*why = DP_BUFFER_NODE_PACKETS;
	else if (k->octets + len > c->node_octets)
		*why = DP_BUFFER_NODE_OCTETS;
	else if (all[COUNT_DP_BUFFER_C_PACKETS] >= c->all_packets)
		*why = DP_BUFFER_ALL_PACKETS;
	else if (all[COUNT_DP_BUFFER_C_OCTETS] + len > c->all_octets)
		*why = DP_BUFFER_ALL_OCTETS;
	else
		return true;
	return false;
}

/* One of the packets that a frame stands for; NULL: it was dropped. */
static struct dp_packet *take_one(struct dp_bpf *dp, struct dp_queue *q, const struct segments *s,
				  uint32_t i)
{
	const size_t len = segment_len(s, i);
	enum dp_buffer_drop why;
	struct dp_packet *p = NULL;

	count_kept(dp, q, 1);
	meter(q, dp->buffers.now);
	if (has_room(dp, q, (uint32_t)len, &why)) {
		p = malloc(sizeof(*p) + PM_MARK_LEN + len);
		why = DP_BUFFER_NO_ROOM;
	}
	if (!p) {
		dp_queue_count_drops(dp, q, why, 1);
		return NULL;
	}
	p->at = dp->buffers.now;
	p->len = (uint32_t)len;
	p->counts = false;
	memset(p->frame, 0, PM_MARK_LEN);
	memcpy(p->frame, &dp->maps.meta.mark, sizeof(dp->maps.meta.mark));
	segment_make(s, i, p->frame + PM_MARK_LEN);
	push(dp, q, p);
	return p;
}

/* What the programs have counted as one, which may be several. */
void dp_queue_take(struct dp_bpf *dp, struct dp_queue *q, const struct pm_slow *in,
		   const uint8_t *frame)
{
	struct dp_packet *last = NULL;
	struct segments s;

	if (segments_find(&s, frame, in->len, ETH_LEN, in->segment, FRAME_MAX) < 0) {
		count_kept(dp, q, 1);
		dp_queue_count_drops(dp, q, DP_BUFFER_NO_ROOM, 1);
		delivered(dp, q);
		return;
	}
	for (uint32_t i = 0; i < s.n; i++) {
		struct dp_packet *p = take_one(dp, q, &s, i);

		if (!p)
			continue;
		p->ifindex = in->ifindex;
		last = p;
	}
	if (!last) {
		delivered(dp, q);
		return;
	}
	last->counts = true;
	q->quiet = 0;
	if (!q->draining)
		dp_buffer_tell_keeping(dp, q);
}
