/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/util.h"
#include "dataplane/dp_queue.h"
#include "dataplane/dp_state.h"

#define BUDGET_TAKE 1024 /* packets per call */
#define BUDGET_GIVE 256
#define POLL	    nsec_from_ms(2)    /* programs do not wake us while they need not */
#define LINGER	    nsec_from_ms(100)  /* longer than any program runs, or */
#define STUCK	    nsec_from_ms(1000) /* even is kept from running */
#define BEHIND	    nsec_from_ms(10)   /* what a late timer may be made up for */
#define BURST	    5		       /* RFC 5568 5.4 */
#define RATE_LEAST  100		       /* packets per second, however slowly they came */

static const struct counter_desc counter_desc[] = {DP_BUFFER_COUNTERS(COUNTER_DESC)};
_Static_assert(ARRAY_SIZE(counter_desc) == DP_BUFFER_C_MAX, "every counter has a name");

static void set_open(const struct dp_bpf *dp, const struct dp_queue *q, bool open)
{
	struct pm_buffer *b = dp_queue_shared(dp, q);

	if (b->open != open)
		__atomic_store_n(&b->open, open, __ATOMIC_RELEASE);
}

static void take_packet(struct dp_bpf *dp, const struct pm_slow *in, const uint8_t *frame)
{
	struct dp_buffers *s = &dp->buffers;
	struct dp_queue *q = in->buffer < s->n ? &s->queue[in->buffer] : NULL;

	/* Whoever has that buffer now began with a count that has this one in it: see begin(). */
	if (q && q->slot && (q->slot == in->slot || q->moved))
		dp_queue_take(dp, q, in, frame);
	else
		s->counter[COUNT_DP_BUFFER_C_STRAY]++;
}

static int take(void *ctx, void *data, size_t size)
{
	struct dp_bpf *dp = ctx;
	const struct pm_slow *in = data;

	if (size >= sizeof(*in) && in->len <= size - sizeof(*in))
		take_packet(dp, in, (const uint8_t *)(in + 1));
	/* who else is to be served comes in between */
	return --dp->buffers.budget ? 0 : -EAGAIN;
}

static void take_some(struct dp_bpf *dp)
{
	struct dp_buffers *s = &dp->buffers;

	s->budget = BUDGET_TAKE;
	s->behind = ring_buffer__consume(s->ring) == -EAGAIN;
	s->more |= s->behind;
}

/* Nothing waits. */
static void end(struct dp_bpf *dp, struct dp_queue *q)
{
	struct dp_buffers *s = &dp->buffers;
	uint32_t n = (uint32_t)(q - s->queue), last = s->active[--s->n_active];

	dp_queue_count_refused(dp, q);
	s->active[q->place] = last;
	s->queue[last].place = q->place;
	dp->slots.slot[q->slot].buffer = 0;
	dp_queue_shared(dp, q)->slot = 0;
	q->slot = 0;
	dp_fifo_give(&s->free, n);
}

/* Its packets may go by its session's own descriptor from now on. */
static void finish(struct dp_bpf *dp, struct dp_queue *q)
{
	dp_store64(&dp->maps.session[q->slot].desc, dp_queue_shared(dp, q)->then);
	dp_buffer_tell_empty(dp, q);
	end(dp, q);
}

/* ---- handing on */

/* The program of the hook that took it. Where that is TC, the kernel gets the packet as it gets any
 * other. */
static int program_for(const struct dp_bpf *dp, unsigned ifindex)
{
	const struct dp_iface *f = dp_iface_find(dp, ifindex);

	if (!f)
		return -1;
	if (f->pub.mode != DP_BPF_MODE_XDP)
		return dp->maps.prog[DP_PROG_PASS];
	return dp->maps
		.prog[f->pub.kind == DP_BPF_ACCESS ? DP_PROG_XDP_ACCESS : DP_PROG_XDP_TRANSPORT];
}

/* Returns when a device has the packet, or nobody. */
static bool put_back(const struct dp_bpf *dp, const struct dp_packet *p)
{
	const uint32_t len = (uint32_t)PM_MARK_LEN + p->len;
	struct xdp_md md = {
		.data = (uint32_t)PM_MARK_LEN, .data_end = len, .ingress_ifindex = p->ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->frame, .data_size_in = len,
		    .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = 1,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	const int prog = program_for(dp, p->ifindex);

	return prog >= 0 && !bpf_prog_test_run_opts(prog, &opts);
}

static void hand_on(struct dp_bpf *dp, struct dp_queue *q)
{
	struct dp_packet *p = dp_queue_pop(dp, q);

	if (put_back(dp, p)) {
		dp_queue_kept(dp, q)->handed_on++;
		dp->buffers.counter[COUNT_DP_BUFFER_C_HANDED_ON]++;
	} else {
		dp_queue_count_drops(dp, q, DP_BUFFER_NO_WAY, 1);
	}
	dp_queue_done_with(dp, q, p);
}

/* RFC 5568 5.4: a few at once, the others at a rate that follows the one at which they came. */
static nsec_t interval(const struct dp_bpf *dp, const struct dp_queue *q, nsec_t now)
{
	const struct dp_bpf_buffer_cfg *c = &dp->cfg.buffer;
	uint64_t rate = c->drain_rate;

	if (!rate) {
		rate = q->rate;
		if (!rate && q->window)
			rate = q->in_window * NSEC_PER_SEC / (now - q->window + nsec_from_ms(10));
		rate = rate * c->drain_speed / 100;
		if (rate < RATE_LEAST)
			rate = RATE_LEAST;
	}
	return NSEC_PER_SEC / rate;
}

static nsec_t latest(nsec_t a, nsec_t b)
{
	return a > b ? a : b;
}

/*
 * How long a queue may take: whoever waited when it began to be emptied is out by then. What waits
 * still came later, and faster than it is handed on. All packets of that node would go through here
 * for ever, and be lost at the pace's excess: after that time there is no pace, and after twice
 * that time no waiting.
 */
static nsec_t patience(const struct dp_bpf *dp, const struct dp_queue *q, nsec_t now)
{
	return nsec_add(dp->cfg.buffer.age, dp->cfg.buffer.node_packets * interval(dp, q, now));
}

static bool give_up(struct dp_bpf *dp, struct dp_queue *q, nsec_t now)
{
	if (now - q->since < 2 * patience(dp, q, now))
		return false;
	dp_queue_drop_all(dp, q, DP_BUFFER_TOO_OLD);
	finish(dp, q);
	return true;
}

static unsigned drain(struct dp_bpf *dp, struct dp_queue *q, nsec_t now, unsigned budget)
{
	const bool late = now - q->since >= patience(dp, q, now);
	const nsec_t each = late ? 0 : interval(dp, q, now);
	unsigned n = 0;

	if (late)
		q->due = now;
	if (!q->due)
		q->due = nsec_sub(now, (BURST - 1) * each);
	q->due = latest(q->due, nsec_sub(now, latest(BEHIND, (BURST - 1) * each)));
	for (; q->n && q->due <= now && n < budget; n++) {
		hand_on(dp, q);
		q->due += each;
	}
	return n;
}

/* ---- buffers */

static uint64_t waiting_desc(const struct dp_bpf *dp, const struct dp_queue *q, uint16_t flags,
			     uint64_t then)
{
	return PM_DESC((uint32_t)(q - dp->buffers.queue), flags | PM_F_BUFFER, PM_DESC_GEN(then));
}

static struct dp_queue *begin(struct dp_bpf *dp, uint32_t slot)
{
	struct dp_buffers *s = &dp->buffers;
	uint32_t n = s->queue ? dp_fifo_take(&s->free) : 0;
	struct dp_queue *q;
	struct pm_buffer *b;

	if (!n)
		return NULL;
	q = &s->queue[n];
	*q = (struct dp_queue){
		.slot = slot,
		.half = dp->slots.slot[slot].owner[DP_ACCESS],
		.place = s->n_active,
	};
	s->active[s->n_active++] = n;
	b = dp_queue_shared(dp, q);
	set_open(dp, q, false);
	/* the last one of all that are free: no program has it in its hands any more */
	dp_store64(&b->delivered, dp_load64(&b->queued));
	b->slot = slot;
	q->full = dp_load64(&b->full);
	q->lost = dp_load64(&b->lost);
	dp->slots.slot[slot].buffer = (uint16_t)n;
	return q;
}

static struct dp_queue *queue_of(const struct dp_bpf *dp, uint32_t slot)
{
	const uint32_t n = dp->slots.slot[slot].buffer;

	return n ? &dp->buffers.queue[n] : NULL;
}

uint64_t dp_buffer_way(struct dp_bpf *dp, uint32_t slot, uint64_t then, uint16_t keep)
{
	struct dp_queue *q = queue_of(dp, slot);
	struct pm_buffer *b;

	if (!q && keep)
		q = begin(dp, slot);
	if (!q)
		return keep ? then | (uint64_t)PM_F_DROP << 32 : then;
	b = dp_queue_shared(dp, q);
	dp_store64(&b->then, then);
	if (keep) {
		set_open(dp, q, false);
		q->draining = false;
		q->told &= ~(unsigned)DP_TOLD_DRAINING;
		return waiting_desc(dp, q, keep, then);
	}
	if (PM_DESC_FLAGS(then) & PM_F_DROP) {
		dp_queue_drop_all(dp, q,
				  dp->halves.rec[q->half].mode == DP_FORWARD ? DP_BUFFER_NO_WAY
									     : DP_BUFFER_DISCARDED);
		end(dp, q);
		return then;
	}
	if (!q->draining) {
		q->draining = true;
		q->since = 0;
		q->due = q->quiet = 0;
		dp->buffers.more = true;
		/* one that has just moved: see dp_buffer_move() */
		set_open(dp, q, !q->moved);
	}
	return waiting_desc(dp, q, PM_DESC_FLAGS(then), then);
}

void dp_buffer_forget(struct dp_bpf *dp, uint32_t slot)
{
	struct dp_queue *q = queue_of(dp, slot);

	if (!q)
		return;
	dp_queue_drop_all(dp, q, DP_BUFFER_DISCARDED);
	end(dp, q);
}

void dp_buffer_move(struct dp_bpf *dp, uint32_t slot, uint32_t to)
{
	struct dp_queue *q = queue_of(dp, slot);

	if (!q)
		return;
	if (dp->slots.slot[to].owner[DP_ACCESS] != q->half || queue_of(dp, to)) {
		dp_buffer_forget(dp, slot);
		return;
	}
	/* until the next turn: a program that has read the old slot's descriptor must not find that
	 * it need not wait, since `then` is to be the new slot's */
	set_open(dp, q, false);
	dp->slots.slot[slot].buffer = 0;
	dp->slots.slot[to].buffer = (uint16_t)(q - dp->buffers.queue);
	dp_queue_shared(dp, q)->slot = to;
	q->slot = to;
	q->moved = true;
	dp->buffers.more = true;
}

uint64_t dp_buffer_then(const struct dp_bpf *dp, uint64_t desc)
{
	if (!(PM_DESC_FLAGS(desc) & PM_F_BUFFER) || PM_DESC_TUNNEL(desc) >= dp->buffers.n)
		return desc;
	return dp_load64(&dp->maps.buffer[PM_DESC_TUNNEL(desc)].then);
}

void dp_buffer_look(struct dp_bpf *dp, uint32_t slot, nsec_t *oldest, bool *draining)
{
	struct dp_queue *q = queue_of(dp, slot);

	if (!q)
		return;
	dp_queue_count_refused(dp, q);
	if (q->n && (!*oldest || q->first->at < *oldest))
		*oldest = q->first->at;
	*draining |= q->draining && !dp_queue_idle(dp, q);
}

static void settle(struct dp_bpf *dp, struct dp_queue *q, nsec_t now)
{
	const bool nobody = dp_queue_idle(dp, q);

	if (q->n || !q->draining)
		return;
	/* behind what was taken out of the ring there may be more of this one's */
	if (!nobody && dp->buffers.behind)
		q->quiet = 0;
	else if (!q->quiet)
		q->quiet = now;
	if (!q->quiet || now - q->quiet < (nobody ? LINGER : STUCK))
		return;
	/* what was queued and never came out of the ring is nowhere */
	dp_store64(&dp_queue_shared(dp, q)->delivered, dp_load64(&dp_queue_shared(dp, q)->queued));
	finish(dp, q);
}

/* ---- the daemon's turn */

static void expire(struct dp_bpf *dp, struct dp_queue *q, nsec_t now)
{
	while (q->n && !q->draining && nsec_add(q->first->at, dp->cfg.buffer.age) <= now)
		dp_queue_drop_first(dp, q, DP_BUFFER_TOO_OLD);
}

void dp_bpf_buffer(struct dp_bpf *dp, nsec_t now)
{
	struct dp_buffers *s = &dp->buffers;
	unsigned budget = BUDGET_GIVE;

	s->now = now;
	s->more = false;
	if (!s->ring)
		return;
	take_some(dp);
	/* backwards, since one that ends is replaced by the last; each gets its share */
	for (uint32_t i = s->n_active; i--;) {
		struct dp_queue *q = &s->queue[s->active[i]];

		expire(dp, q, now);
		dp_queue_count_refused(dp, q);
		dp_buffer_tell_drops(dp, q);
		if (q->draining && !q->since)
			q->since = now;
		if (q->draining)
			set_open(dp, q, true);
		if (q->draining && q->n)
			dp_buffer_tell_draining(dp, q);
		if (q->draining && q->n && give_up(dp, q, now))
			continue;
		if (q->draining && q->n) {
			unsigned share = budget / (i + 1);

			budget -= drain(dp, q, now, share ? share : 1);
			s->more |= q->n && q->due <= now;
			if (!budget)
				budget = 1;
		}
		settle(dp, q, now);
	}
}

int dp_bpf_buffer_fd(const struct dp_bpf *dp)
{
	return dp->buffers.ring ? ring_buffer__epoll_fd(dp->buffers.ring) : -1;
}

nsec_t dp_bpf_buffer_next(const struct dp_bpf *dp)
{
	const struct dp_buffers *s = &dp->buffers;
	nsec_t next;

	if (!s->n_active)
		return NSEC_NEVER;
	if (s->more)
		return s->now;
	next = nsec_add(s->now, POLL);
	for (uint32_t i = 0; i < s->n_active; i++) {
		const struct dp_queue *q = &s->queue[s->active[i]];

		if (q->draining && q->n)
			next = nsec_min(next, q->due);
	}
	return next;
}

void dp_buffers_leave(struct dp_bpf *dp)
{
	struct dp_buffers *s = &dp->buffers;

	if (!s->ring)
		return;
	do
		take_some(dp);
	while (s->behind);
	for (uint32_t i = s->n_active; i--;) {
		struct dp_queue *q = &s->queue[s->active[i]];

		if (!q->draining)
			continue;
		while (q->n)
			hand_on(dp, q);
		finish(dp, q);
	}
}

int dp_buffer_prepare(struct dp_bpf *dp, struct dp_buffered **kept)
{
	if (!dp->buffers.queue || dp->buffers.sessions >= dp->cfg.buffer.sessions)
		return -ENOSPC;
	if (!*kept)
		*kept = calloc(1, sizeof(**kept));
	return *kept ? 0 : -ENOMEM;
}

/* ---- */

static int discard(void *ctx, void *data, size_t size)
{
	struct dp_bpf *dp = ctx;

	(void)data;
	(void)size;
	dp->buffers.counter[COUNT_DP_BUFFER_C_STRAY]++;
	return 0;
}

/* Whose packets an earlier run has kept cannot be told from the ring alone. */
static int discard_old(struct dp_bpf *dp)
{
	struct ring_buffer *ring = ring_buffer__new(dp->maps.fd[DP_MAP_KEPT], discard, dp, NULL);

	if (!ring)
		return -errno;
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return 0;
}

/* Buffers that programs may still have in their hands are used last. */
static int free_buffers(struct dp_bpf *dp)
{
	struct dp_buffers *s = &dp->buffers;

	if (dp_fifo_init(&s->free, 1, s->n - 1) < 0)
		return -ENOMEM;
	for (uint32_t n = s->free.n; n; n--) {
		uint32_t i = dp_fifo_take(&s->free);

		if (!dp->maps.buffer[i].slot)
			dp_fifo_give(&s->free, i);
	}
	for (uint32_t i = 1; i < s->n; i++) {
		if (!dp->maps.buffer[i].slot)
			continue;
		dp->maps.buffer[i].slot = 0;
		dp_fifo_give(&s->free, i);
	}
	return 0;
}

int dp_buffers_init(struct dp_bpf *dp)
{
	struct dp_buffers *s = &dp->buffers;
	int r = 0;

	if (!dp->maps.buffer)
		return 0;
	s->n = PM_BUFFERS;
	s->queue = calloc(s->n, sizeof(*s->queue));
	s->active = calloc(s->n, sizeof(*s->active));
	if (!s->queue || !s->active)
		return -ENOMEM;
	r = free_buffers(dp);
	if (r == 0 && dp->maps.adopted)
		r = discard_old(dp);
	if (r < 0)
		return r;
	s->ring = ring_buffer__new(dp->maps.fd[DP_MAP_KEPT], take, dp, NULL);
	return s->ring ? 0 : -errno;
}

void dp_buffers_free(struct dp_bpf *dp)
{
	struct dp_buffers *s = &dp->buffers;

	for (uint32_t i = 0; i < s->n_active; i++) {
		struct dp_queue *q = &s->queue[s->active[i]];

		while (q->n) {
			struct dp_packet *p = q->first;

			q->first = p->next;
			q->n--;
			free(p);
		}
	}
	ring_buffer__free(s->ring);
	dp_fifo_free(&s->free);
	free(s->queue);
	free(s->active);
	memset(s, 0, sizeof(*s));
}

struct counter_set dp_bpf_buffer_counters(const struct dp_bpf *dp)
{
	return (struct counter_set){"buffer", counter_desc, dp->buffers.counter,
				    ARRAY_SIZE(counter_desc)};
}
