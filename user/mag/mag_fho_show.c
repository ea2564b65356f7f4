/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is shown of fast handovers: counters, latencies, those in progress and the last results. */
#include "mag/mag_fho.h"

#include <stdio.h>
#include <string.h>

static const struct counter_desc counter_desc[] = {HO_COUNTERS(COUNTER_DESC)
							   HO_LATENCIES(COUNTER_DESC)};

static const uint32_t below_ms[HO_BUCKETS_N - 1] = {1, 3, 10, 30, 100, 300, 1000, 3000};

static void note_latency(struct mag *m, enum ho_counter first, nsec_t since, nsec_t now)
{
	const nsec_t took = nsec_sub(now, since);
	unsigned i = 0;

	while (i < ARRAY_SIZE(below_ms) && took >= nsec_from_ms(below_ms[i]))
		i++;
	m->fho->counter[first + i]++;
}

void mag_ho_note_answer(struct mag *m, struct mag_ho *h, nsec_t now)
{
	note_latency(m, HO_L_ANSWER_1, h->hi_at, now);
	/* how long the last word takes to be heard is of no account to the node */
	if (h->answer == NSEC_NEVER && h->hi_code != HI_CODE_FORWARDING_DONE)
		h->answer = nsec_sub(now, h->hi_at);
}

void mag_ho_note_registration(struct mag *m, struct mag_ho *h, nsec_t now)
{
	if (!h->arrived_at || h->registration != NSEC_NEVER)
		return;
	h->registration = nsec_sub(now, h->arrived_at);
	note_latency(m, HO_L_REGISTER_1, h->arrived_at, now);
}

/* ---- what was kept */

static bool look(const struct mag *m, dp_ref ref, struct dp_buffered *out)
{
	return ref && !m->dp->ops->buffered(m->dp, ref, out);
}

/* `sum`, and what that buffer has had since `before`. */
static void add_buffer(const struct mag *m, dp_ref ref, const struct dp_buffered *before,
		       struct dp_buffered *sum)
{
	const uint64_t kept = sum->kept - before->kept, handed_on = sum->handed_on;
	uint64_t dropped[DP_BUFFER_DROP_MAX];

	memcpy(dropped, sum->dropped, sizeof(dropped));
	if (!look(m, ref, sum))
		return;
	sum->kept += kept;
	sum->handed_on += handed_on - before->handed_on;
	for (unsigned i = 0; i < DP_BUFFER_DROP_MAX; i++)
		sum->dropped[i] += dropped[i] - before->dropped[i];
}

/* No more is counted. What waits still is lost, or is somebody else's from now on. */
static void close_buffer(const struct mag *m, dp_ref ref, bool lost, struct dp_buffered *before,
			 struct dp_buffered *sum)
{
	add_buffer(m, ref, before, sum);
	if (lost)
		sum->dropped[DP_BUFFER_DISCARDED] += sum->packets;
	else
		sum->kept -= sum->packets;
	sum->packets = 0;
	sum->octets = 0;
	sum->oldest = 0;
	sum->draining = false;
	memset(before, 0, sizeof(*before));
}

/* Of all handovers of that node, those over included. */
static void close_buffers(struct mag *m, const struct mnid *id, dp_ref ref, bool lost)
{
	struct mag_ho *h = NULL;

	while ((h = mag_ho_about(m, id, h))) {
		if (ref != (h->s ? h->s->b.session : h->kept_in))
			continue;
		close_buffer(m, ref, lost, &h->before, &h->kept);
		h->kept_in = 0;
	}
	for (unsigned i = 0; i < HO_RESULTS; i++) {
		struct ho_result *r = &m->fho->result[i];

		if (r->view.session != ref)
			continue;
		close_buffer(m, ref, lost, &r->before, &r->view.buffered);
		r->view.session = 0;
	}
}

void mag_ho_note_buffer(struct mag *m, struct mag_ho *h, const struct mag_session *s)
{
	struct dp_buffered *b = &h->before;

	if (!look(m, s->b.session, b)) {
		memset(b, 0, sizeof(*b));
		return;
	}
	b->kept -= b->packets;
	close_buffers(m, &h->mnid, s->b.session, false);
}

void mag_fho_last_look(struct mag *m, const struct mag_session *s)
{
	close_buffers(m, &s->b.mnid, s->b.session, true);
}

/* ---- views */

static uint64_t in_ms(nsec_t since, nsec_t now)
{
	return nsec_sub(now, since) / (NSEC_PER_SEC / 1000);
}

/* Without what is in a buffer that still is. */
static struct mag_handover view_of(const struct mag_ho *h, nsec_t now)
{
	return (struct mag_handover){
		.role = h->role == HO_OLD ? "old" : "new",
		.mode = h->reactive ? "reactive" : "predictive",
		.state = mag_ho_state_name(h->state),
		.neighbour = h->n->cfg.name,
		.address = h->n->cfg.addr,
		.age_ms = in_ms(h->began, now),
		.answer = h->answer,
		.registration = h->registration,
		.retransmissions = h->resent,
		.session = h->s ? h->s->b.session : h->kept_in,
		.buffered = h->kept,
	};
}

static void tell_over(struct mag *m, const struct mag_ho *h, const struct mag_handover *v,
		      const struct dp_buffered *b, nsec_t now)
{
	const struct event_handover eh = {.side = v->role,
					  .mode = v->mode,
					  .answer = v->answer,
					  .registration = v->registration,
					  .retransmissions = v->retransmissions};

	event_emit(m->sink, &(struct event){.type = EV_HANDOVER_OVER,
					    .role = "mag",
					    .now = now,
					    .mnid = &h->mnid,
					    .peer = &h->n->cfg.addr,
					    .cause = v->result,
					    .took = nsec_sub(now, h->began),
					    .handover = &eh,
					    .buffer = b});
}

void mag_ho_note_result(struct mag *m, const struct mag_ho *h, nsec_t now)
{
	struct ho_result *r = &m->fho->result[m->fho->n_results++ % HO_RESULTS];
	struct mag_handover *v = &r->view;
	struct dp_buffered b;

	note_latency(m, HO_L_WHOLE_1, h->began, now);
	*v = view_of(h, now);
	v->result = h->result ? h->result : "ended";
	v->over_ms = now; /* until it is shown */
	snprintf(r->peer, sizeof(r->peer), "%s", h->n->cfg.name);
	mnid_str(&h->mnid, r->id, sizeof(r->id));
	v->neighbour = r->peer;
	v->mn_id = r->id;
	r->before = h->before;
	b = v->buffered;
	add_buffer(m, v->session, &h->before, &b);
	tell_over(m, h, v, &b, now);
	if (!b.packets && !b.draining) {
		v->buffered = b;
		v->session = 0;
	}
	mag_ho_log(m, h, now, LOG_C_INFO, "%s after %llu ms", v->result,
		   (unsigned long long)v->age_ms);
}

void mag_walk_handovers(const struct mag *m, nsec_t now,
			void (*cb)(void *ctx, const struct mag_handover *h), void *ctx)
{
	const struct mag_fho *f = m->fho;
	const unsigned n = f->n_results < HO_RESULTS ? f->n_results : HO_RESULTS;
	struct mag_ho *h;

	for (h = f->first; h; h = h->next) {
		struct mag_handover v = view_of(h, now);
		char id[MAG_HANDOVER_ID_MAX];

		v.mn_id = mnid_str(&h->mnid, id, sizeof(id));
		add_buffer(m, v.session, &h->before, &v.buffered);
		cb(ctx, &v);
	}
	for (unsigned i = 1; i <= n; i++) {
		const struct ho_result *r = &f->result[(f->n_results - i) % HO_RESULTS];
		struct mag_handover v = r->view;

		v.over_ms = in_ms(v.over_ms, now);
		add_buffer(m, v.session, &r->before, &v.buffered);
		cb(ctx, &v);
	}
}

unsigned mag_handovers(const struct mag *m)
{
	return m->fho->n;
}

void mag_walk_neighbours(const struct mag *m, nsec_t now,
			 void (*cb)(void *ctx, const struct mag_neighbour_info *i), void *ctx)
{
	const struct mag_neighbour *n;
	const struct mag_ho *h;

	for (n = m->fho->neighbours; n; n = n->next) {
		struct mag_neighbour_info i = {.cfg = &n->cfg, .no_fho = now < n->ask_at};

		for (h = m->fho->first; h; h = h->next)
			i.handovers += h->n == n;
		cb(ctx, &i);
	}
}

/* ---- latencies */

void mag_walk_latencies(const struct mag *m, void (*cb)(void *ctx, const struct mag_latency *l),
			void *ctx)
{
	const uint64_t *c = m->fho->counter;

	for (unsigned i = 0; i < HO_BUCKETS_N; i++) {
		const struct mag_latency l = {
			.from_ms = i ? below_ms[i - 1] : 0,
			.below_ms = i < HO_BUCKETS_N - 1 ? below_ms[i] : 0,
			.answer = c[HO_L_ANSWER_1 + i],
			.registration = c[HO_L_REGISTER_1 + i],
			.whole = c[HO_L_WHOLE_1 + i],
		};

		cb(ctx, &l);
	}
}

struct counter_set mag_handover_counters(const struct mag *m)
{
	return (struct counter_set){
		.module = "handover",
		.desc = counter_desc,
		.value = m->fho->counter,
		.n = ARRAY_SIZE(counter_desc),
	};
}
