/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is shown of fast handovers: counters, latencies, those in progress and the last results. */
#include "mag/mag_fho.h"

#include <stdio.h>

static const struct counter_desc counter_desc[] = {HO_COUNTERS(COUNTER_DESC)
							   HO_LATENCIES(COUNTER_DESC)};

void mag_ho_note_latency(struct mag *m, enum ho_counter first, nsec_t since, nsec_t now)
{
	static const uint32_t below_ms[HO_BUCKETS_N - 1] = {1, 3, 10, 30, 100, 300, 1000, 3000};
	const nsec_t took = nsec_sub(now, since);
	unsigned i = 0;

	while (i < ARRAY_SIZE(below_ms) && took >= nsec_from_ms(below_ms[i]))
		i++;
	m->fho->counter[first + i]++;
}

static uint64_t in_ms(nsec_t since, nsec_t now)
{
	return nsec_sub(now, since) / (NSEC_PER_SEC / 1000);
}

static struct mag_handover view_of(const struct mag_ho *h, nsec_t now)
{
	return (struct mag_handover){
		.role = h->role == HO_OLD ? "old" : "new",
		.mode = h->reactive ? "reactive" : "predictive",
		.state = mag_ho_state_name(h->state),
		.neighbour = h->n->cfg.name,
		.age_ms = in_ms(h->began, now),
		.session = h->s ? h->s->b.session : 0,
	};
}

void mag_ho_note_result(struct mag *m, const struct mag_ho *h, nsec_t now)
{
	struct mag_fho *f = m->fho;
	const unsigned i = f->n_results++ % HO_RESULTS;
	struct mag_handover *r = &f->result[i];

	mag_ho_note_latency(m, HO_L_WHOLE_1, h->began, now);
	*r = view_of(h, now);
	r->result = h->result ? h->result : "ended";
	r->session = 0;
	r->over_ms = now; /* until it is shown */
	snprintf(f->result_peer[i], sizeof(f->result_peer[i]), "%s", h->n->cfg.name);
	mnid_str(&h->mnid, f->result_id[i], sizeof(f->result_id[i]));
	r->neighbour = f->result_peer[i];
	r->mn_id = f->result_id[i];
	mag_ho_log(m, h, now, LOG_C_INFO, "%s after %llu ms", r->result,
		   (unsigned long long)r->age_ms);
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
		if (v.session)
			(void)m->dp->ops->buffered(m->dp, v.session, &v.buffered);
		cb(ctx, &v);
	}
	for (unsigned i = 1; i <= n; i++) {
		struct mag_handover v = f->result[(f->n_results - i) % HO_RESULTS];

		v.over_ms = in_ms(v.over_ms, now);
		cb(ctx, &v);
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
