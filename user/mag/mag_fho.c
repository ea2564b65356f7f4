/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fast handovers (RFC 5949) as objects: neighbours, rule table, timers.
 *
 *	the gateway that the node leaves		the one that it comes to
 *
 *	predictive: somebody knows where it goes
 *	OFFERED ---HI, context--->			EXPECTED   its packets are kept
 *	FORWARDING <--HAck---
 *	    ==== packets to the node ===>		(it attaches)
 *	    <=== packets from it ========		ARRIVED    served; PBU is sent
 *							SETTLING   registered
 *	(over) <--HI, code 2---				ENDING
 *	       ---HAck-->				(over)
 *
 *	reactive: it is there, and came from here
 *							ASKED
 *	<--HI, F---
 *	FORWARDING ---HAck, context--->			ARRIVED ...
 *
 * Forwarding that is to begin later is asked for by the new gateway: U has the old one keep packets
 * (BUFFERING), F has it hand them over (RFC 5949 4.1 (e), 4.2).
 *
 * The end. RFC 5949 leaves to the gateways when forwarding is over, and has the old one say so.
 *Here the new one says it, too, because it alone knows: with F set when the anchor sends to it,
 *without F when the node never came. The old one de-registers the node then as RFC 5213 6.9.1.4 has
 *every gateway do that lost a node: an anchor that knows better ignores that, and no binding is
 *left behind when a node got lost between the two. A guard timer ends what nobody ends.
 */
#include "mag/mag_fho.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_ROW(sym, name) name,
static const char *const state_names[] = {HO_STATES(NAME_ROW)};
static const char *const event_names[] = {HO_EVENTS(NAME_ROW)};

const char *mag_ho_state_name(uint8_t state)
{
	return state < HST_MAX ? state_names[state] : "?";
}

/* ---- guards */

static bool asked_to_forward(void *obj, void *arg)
{
	const struct mag_ho *h = obj;

	return h->hi_flags & MH_HI_F;
}

static bool is_open(void *obj, void *arg)
{
	const struct mag_ho *h = obj;

	return h->open;
}

static bool is_registered(void *obj, void *arg)
{
	const struct mag_ho *h = obj;

	return h->s && h->s->registered && h->s->serving;
}

/* ---- rules */

// clang-format off
#define IGNORED(st, ev, clause) {st, ev, NULL, NULL, FSM_SAME, clause}
/* What ends it, whatever the old gateway had been doing. */
#define OLD_ENDS(st)                                                                                           \
	{st, HEV_DONE,     NULL, mag_ho_act_over,     HST_GONE,   "RFC 5949 6.1.1"},                           \
	{st, HEV_RETURNED, NULL, mag_ho_act_returned, HST_ENDING, "RFC 5949 4.1"},                             \
	{st, HEV_CUT,      NULL, mag_ho_act_cancel,   HST_ENDING, "RFC 5949 4.2"},                             \
	{st, HEV_GUARD,    NULL, mag_ho_act_expired,  HST_ENDING, "RFC 5949 4.1"},                             \
	{st, HEV_FAILED,   NULL, mag_ho_act_cancel,   HST_ENDING, "RFC 5949 4.2"}

static const struct fsm_rule rules[] = {
	{HST_NEW,        HEV_OFFER,            NULL,             mag_ho_act_offer,        HST_OFFERED,    "RFC 5949 4.1 (c)"},
	{HST_NEW,        HEV_ASK,              NULL,             mag_ho_act_ask,          HST_ASKED,      "RFC 5949 4.1"},
	{HST_NEW,        HEV_CONTEXT,          NULL,             mag_ho_act_expect,       HST_EXPECTED,   "RFC 5949 4.1 (d)"},
	{HST_NEW,        HEV_ARRIVED,          is_registered,    mag_ho_act_settle,       HST_SETTLING,   "RFC 5949 4.2"},
	{HST_NEW,        HEV_ARRIVED,          NULL,             mag_ho_act_context,      HST_ARRIVED,    "RFC 5949 4.2"},
	{HST_NEW,        HEV_WANTS_FORWARDING, NULL,             mag_ho_act_forward,      HST_FORWARDING, "RFC 5949 4.1 (e)"},
	{HST_NEW,        HEV_WANTS_BUFFERING,  NULL,             mag_ho_act_buffer,       HST_BUFFERING,  "RFC 5949 4.2"},
	{HST_NEW,        HEV_FAILED,           NULL,             mag_ho_act_ended,        HST_GONE,       "RFC 5949 4.2"},

	{HST_OFFERED,    HEV_ACCEPTED,         asked_to_forward, mag_ho_act_forward,      HST_FORWARDING, "RFC 5949 4.1 (f)"},
	{HST_OFFERED,    HEV_ACCEPTED,         NULL,             mag_ho_act_agreed,       HST_AGREED,     "RFC 5949 4.1 (e)"},
	{HST_OFFERED,    HEV_REFUSED,          NULL,             mag_ho_act_gave_up,      HST_GONE,       "RFC 5949 6.1.2"},
	{HST_OFFERED,    HEV_SILENCE,          NULL,             mag_ho_act_gave_up,      HST_GONE,       "RFC 5568 6.2.1.1"},
	{HST_OFFERED,    HEV_WANTS_FORWARDING, NULL,             mag_ho_act_forward,      HST_FORWARDING, "RFC 5949 4.1 (e)"},
	{HST_OFFERED,    HEV_WANTS_BUFFERING,  NULL,             mag_ho_act_buffer,       HST_BUFFERING,  "RFC 5949 4.2"},
	OLD_ENDS(HST_OFFERED),

	{HST_AGREED,     HEV_WANTS_FORWARDING, NULL,             mag_ho_act_forward,      HST_FORWARDING, "RFC 5949 4.1 (e)"},
	{HST_AGREED,     HEV_WANTS_BUFFERING,  NULL,             mag_ho_act_buffer,       HST_BUFFERING,  "RFC 5949 4.2"},
	OLD_ENDS(HST_AGREED),

	{HST_BUFFERING,  HEV_WANTS_FORWARDING, NULL,             mag_ho_act_forward,      HST_FORWARDING, "RFC 5949 4.2"},
	IGNORED(HST_BUFFERING, HEV_WANTS_BUFFERING, "RFC 5949 4.2"),
	/* the other one asked before it could answer */
	IGNORED(HST_BUFFERING, HEV_ACCEPTED, "RFC 5949 4.2"),
	IGNORED(HST_BUFFERING, HEV_REFUSED, "RFC 5949 4.2"),
	IGNORED(HST_BUFFERING, HEV_SILENCE, "RFC 5949 4.2"),
	OLD_ENDS(HST_BUFFERING),

	IGNORED(HST_FORWARDING, HEV_WANTS_FORWARDING, "RFC 5949 4.2"),
	IGNORED(HST_FORWARDING, HEV_WANTS_BUFFERING, "RFC 5949 4.2"),
	IGNORED(HST_FORWARDING, HEV_ACCEPTED, "RFC 5949 4.2"),
	IGNORED(HST_FORWARDING, HEV_REFUSED, "RFC 5949 4.2"),
	IGNORED(HST_FORWARDING, HEV_SILENCE, "RFC 5949 4.2"),
	OLD_ENDS(HST_FORWARDING),

	{HST_ASKED,      HEV_ACCEPTED,         is_registered,    mag_ho_act_context_late, HST_SETTLING,   "RFC 5949 4.1 (d)"},
	{HST_ASKED,      HEV_ACCEPTED,         NULL,             mag_ho_act_context,      HST_ARRIVED,    "RFC 5949 4.1 (d)"},
	{HST_ASKED,      HEV_CONTEXT,          is_registered,    mag_ho_act_context_late, HST_SETTLING,   "RFC 5949 4.1 (c)"},
	{HST_ASKED,      HEV_CONTEXT,          NULL,             mag_ho_act_context,      HST_ARRIVED,    "RFC 5949 4.1 (c)"},
	{HST_ASKED,      HEV_REFUSED,          NULL,             mag_ho_act_no_context,   HST_GONE,       "RFC 5949 6.1.2"},
	{HST_ASKED,      HEV_SILENCE,          NULL,             mag_ho_act_no_context,   HST_GONE,       "RFC 5568 6.2.1.1"},
	IGNORED(HST_ASKED, HEV_REGISTERED, "RFC 5949 4.1"),
	IGNORED(HST_ASKED, HEV_WANTS_FORWARDING, "RFC 5949 4.1"),
	IGNORED(HST_ASKED, HEV_WANTS_BUFFERING, "RFC 5949 4.1"),
	{HST_ASKED,      HEV_DONE,             NULL,             mag_ho_act_no_context,   HST_GONE,       "RFC 5949 6.1.1"},
	{HST_ASKED,      HEV_CUT,              NULL,             mag_ho_act_left_new,     HST_ENDING,     "RFC 5949 4.2"},
	{HST_ASKED,      HEV_GUARD,            NULL,             mag_ho_act_no_context,   HST_GONE,       "RFC 5949 4.1"},

	{HST_EXPECTED,   HEV_ARRIVED,          NULL,             mag_ho_act_arrived,      HST_ARRIVED,    "RFC 5949 4.1 (h)"},
	{HST_EXPECTED,   HEV_CONTEXT,          NULL,             mag_ho_act_more_context, FSM_SAME,       "RFC 5949 6.1.1"},
	IGNORED(HST_EXPECTED, HEV_WANTS_FORWARDING, "RFC 5949 4.2"),
	IGNORED(HST_EXPECTED, HEV_WANTS_BUFFERING, "RFC 5949 4.2"),
	IGNORED(HST_EXPECTED, HEV_ACCEPTED, "RFC 5949 4.2"),
	IGNORED(HST_EXPECTED, HEV_REFUSED, "RFC 5949 4.2"),
	IGNORED(HST_EXPECTED, HEV_SILENCE, "RFC 5949 4.2"),
	{HST_EXPECTED,   HEV_DONE,             NULL,             mag_ho_act_over,         HST_GONE,       "RFC 5949 6.1.1"},
	{HST_EXPECTED,   HEV_CUT,              NULL,             mag_ho_act_left_new,     HST_ENDING,     "RFC 5949 4.2"},
	{HST_EXPECTED,   HEV_GUARD,            NULL,             mag_ho_act_never,        HST_ENDING,     "RFC 5949 4.1"},

	{HST_ARRIVED,    HEV_REGISTERED,       NULL,             mag_ho_act_settle,       HST_SETTLING,   "RFC 5949 4.1 (l)"},
	IGNORED(HST_ARRIVED, HEV_CONTEXT, "RFC 5949 4.1"),
	IGNORED(HST_ARRIVED, HEV_WANTS_FORWARDING, "RFC 5949 4.1"),
	IGNORED(HST_ARRIVED, HEV_WANTS_BUFFERING, "RFC 5949 4.1"),
	IGNORED(HST_ARRIVED, HEV_ACCEPTED, "RFC 5949 4.1"),
	IGNORED(HST_ARRIVED, HEV_REFUSED, "RFC 5949 4.1"),
	IGNORED(HST_ARRIVED, HEV_SILENCE, "RFC 5949 4.1"),
	{HST_ARRIVED,    HEV_DONE,             NULL,             mag_ho_act_over,         HST_GONE,       "RFC 5949 6.1.1"},
	{HST_ARRIVED,    HEV_CUT,              NULL,             mag_ho_act_left_new,     HST_ENDING,     "RFC 5949 4.2"},
	{HST_ARRIVED,    HEV_FAILED,           NULL,             mag_ho_act_left_new,     HST_ENDING,     "RFC 5949 4.2"},
	{HST_ARRIVED,    HEV_GUARD,            NULL,             mag_ho_act_expired,      HST_ENDING,     "RFC 5949 4.1"},

	/* the guard timer is its only one: it has settled then */
	{HST_SETTLING,   HEV_GUARD,            NULL,             mag_ho_act_settled,      HST_ENDING,     "RFC 5949 4.1"},
	IGNORED(HST_SETTLING, HEV_REGISTERED, "RFC 5949 4.1"),
	IGNORED(HST_SETTLING, HEV_CONTEXT, "RFC 5949 4.1"),
	IGNORED(HST_SETTLING, HEV_WANTS_FORWARDING, "RFC 5949 4.1"),
	IGNORED(HST_SETTLING, HEV_WANTS_BUFFERING, "RFC 5949 4.1"),
	IGNORED(HST_SETTLING, HEV_ACCEPTED, "RFC 5949 4.1"),
	IGNORED(HST_SETTLING, HEV_REFUSED, "RFC 5949 4.1"),
	IGNORED(HST_SETTLING, HEV_SILENCE, "RFC 5949 4.1"),
	{HST_SETTLING,   HEV_DONE,             NULL,             mag_ho_act_over,         HST_GONE,       "RFC 5949 6.1.1"},
	{HST_SETTLING,   HEV_CUT,              NULL,             mag_ho_act_settled,      HST_ENDING,     "RFC 5949 4.2"},
	{HST_SETTLING,   HEV_FAILED,           NULL,             mag_ho_act_settled,      HST_ENDING,     "RFC 5949 4.2"},

	{HST_ENDING,     HEV_ACCEPTED,         NULL,             mag_ho_act_ended,        HST_GONE,       "RFC 5949 6.1.1"},
	{HST_ENDING,     HEV_REFUSED,          NULL,             mag_ho_act_ended,        HST_GONE,       "RFC 5949 6.1.1"},
	{HST_ENDING,     HEV_SILENCE,          NULL,             mag_ho_act_ended,        HST_GONE,       "RFC 5568 6.2.1.1"},
	{HST_ENDING,     HEV_DONE,             is_open,          NULL,                    FSM_SAME,       "RFC 5949 6.1.1"},
	{HST_ENDING,     HEV_DONE,             NULL,             mag_ho_act_ended,        HST_GONE,       "RFC 5949 6.1.1"},
	{HST_ENDING,     HEV_GUARD,            NULL,             mag_ho_act_ended,        HST_GONE,       "RFC 5949 4.1"},
	IGNORED(HST_ENDING, HEV_CUT, "RFC 5949 4.2"),
	IGNORED(HST_ENDING, HEV_REGISTERED, "RFC 5949 4.2"),
	IGNORED(HST_ENDING, HEV_WANTS_FORWARDING, "RFC 5949 4.2"),
	IGNORED(HST_ENDING, HEV_WANTS_BUFFERING, "RFC 5949 4.2"),
	IGNORED(HST_ENDING, HEV_FAILED, "RFC 5949 4.2"),
};
// clang-format on

static void emit(const struct ho_ctx *c, const struct mag_ho *h, const char *from, const char *to,
		 const char *cause, const char *clause)
{
	event_emit(c->m->sink, &(struct event){.type = EV_STATE,
					       .role = "mag",
					       .now = c->now,
					       .mnid = &h->mnid,
					       .peer = &h->n->cfg.addr,
					       .machine = "handover",
					       .from = from,
					       .to = to,
					       .cause = cause,
					       .clause = clause});
}

static void observe(void *obj, void *arg, uint8_t from, uint8_t event, uint8_t to,
		    const struct fsm_rule *rule)
{
	const struct mag_ho *h = obj;
	const struct ho_ctx *c = arg;

	if (!rule) {
		ho_count_up(c->m, HO_C_UNEXPECTED);
		mag_ho_log(c->m, h, c->now, LOG_C_BUG, "no rule for '%s'", event_names[event]);
		return;
	}
	if (from == to)
		return;
	mag_ho_log(c->m, h, c->now, LOG_C_DEBUG, "%s -> %s: %s [%s]", state_names[from],
		   state_names[to], event_names[event], rule->clause);
	emit(c, h, state_names[from], state_names[to], c->cause ? c->cause : event_names[event],
	     rule->clause);
}

const struct fsm mag_ho_fsm = {
	.name = "handover",
	.rules = rules,
	.n_rules = ARRAY_SIZE(rules),
	.states = state_names,
	.n_states = ARRAY_SIZE(state_names),
	.events = event_names,
	.n_events = ARRAY_SIZE(event_names),
	.observe = observe,
};

bool mag_ho_step(struct mag_ho *h, enum ho_event ev, struct ho_ctx *c)
{
	return fsm_step(&mag_ho_fsm, &h->state, (uint8_t)ev, h, c) != NULL;
}

void mag_ho_log(struct mag *m, const struct mag_ho *h, nsec_t now, enum log_class cls,
		const char *fmt, ...)
{
	char id[MH_NAI_MAX + 1], text[256];
	va_list ap;

	if (cls > log_level())
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_limited(cls <= LOG_C_REMOTE ? &h->n->limit : &m->news, now, cls,
		    "mag[%s]{%s} handover %s %s: %s", mnid_str(&h->mnid, id, sizeof(id)),
		    state_names[h->state], h->role == HO_OLD ? "to" : "from", h->n->cfg.name, text);
}

/* ---- objects */

static void guard_fired(struct deadline *d, void *ctx, nsec_t now)
{
	struct mag_ho *h = container_of(d, struct mag_ho, guard);
	struct ho_ctx c = {.m = ctx, .now = now};

	/* a session that ended has left it behind */
	mag_ho_step(h, h->s || h->state == HST_ENDING ? HEV_GUARD : HEV_CUT, &c);
}

static void hi_timer_fired(struct deadline *d, void *ctx, nsec_t now)
{
	struct mag_ho *h = container_of(d, struct mag_ho, hi_timer);
	struct mag *m = ctx;
	struct ho_ctx c = {.m = m, .now = now};

	if (h->hi_len && h->rtx.sent <= m->cfg.fho.hi_retries) {
		mag_ho_resend_hi(m, h, now);
		return;
	}
	if (h->hi_len) {
		ho_count_up(m, HO_C_UNANSWERED);
		mag_ho_log(m, h, now, LOG_C_REMOTE, "no answer to %u Handover Initiates",
			   h->rtx.sent);
	}
	mag_ho_close_hi(m, h);
	mag_ho_step(h, HEV_SILENCE, &c);
}

static uint32_t hash_of(const struct mag *m, const struct mnid *id)
{
	return htable_hash(&m->fho->by_mnid, id->id, id->len);
}

/*
 * Half of all places is divided among the neighbours and kept for each, the rest is for whoever
 * comes first: none of them can take all.
 */
static bool has_place(struct mag *m, const struct mag_neighbour *n, unsigned spare)
{
	const struct mag_fho *f = m->fho;
	const struct mag_neighbour *i;
	unsigned share, neighbours = 0, kept = 0;

	for (i = f->neighbours; i; i = i->next)
		neighbours++;
	share = m->cfg.fho.max / 2 / neighbours;
	for (i = f->neighbours; i; i = i->next) {
		if (i != n && i->handovers < share)
			kept += share - i->handovers;
	}
	return n->handovers < share + spare || f->n + kept < m->cfg.fho.max + spare;
}

int mag_ho_new_instead(struct mag *m, const struct mag_ho *instead, struct mag_neighbour *n,
		       const struct mnid *id, const struct mac *mac, enum ho_role role, nsec_t now,
		       struct mag_ho **out)
{
	const unsigned spare = instead && instead->n == n;
	struct mag_fho *f = m->fho;
	struct mag_ho *h;

	if (f->n >= m->cfg.fho.max + spare)
		return -ENOSPC;
	if (!has_place(m, n, spare)) {
		ho_count_up(m, HO_C_SHARE);
		log_limited(&n->limit, now, LOG_C_REMOTE,
			    "mag: neighbour %s has its share of handovers, %u of %u", n->cfg.name,
			    n->handovers, m->cfg.fho.max);
		return -ENOSPC;
	}
	h = calloc(1, sizeof(*h) + id->len);
	if (!h)
		return -ENOMEM;
	memcpy(h->id, id->id, id->len);
	h->mnid = (struct mnid){.subtype = id->subtype, .len = id->len, .id = h->id};
	h->n = n;
	n->handovers++;
	h->mac = *mac;
	h->role = (uint8_t)role;
	h->began = now;
	h->answer = h->registration = NSEC_NEVER;
	h->guard.fire = guard_fired;
	h->hi_timer.fire = hi_timer_fired;
	htable_add(&f->by_mnid, &h->by_mnid, hash_of(m, id));
	h->prev = f->last;
	if (h->prev)
		h->prev->next = h;
	else
		f->first = h;
	f->last = h;
	f->n++;
	mag_ho_arm_guard(m, h, m->cfg.fho.forwarding_ms, now);
	*out = h;
	return 0;
}

int mag_ho_new(struct mag *m, struct mag_neighbour *n, const struct mnid *id, const struct mac *mac,
	       enum ho_role role, nsec_t now, struct mag_ho **out)
{
	return mag_ho_new_instead(m, NULL, n, id, mac, role, now, out);
}

void mag_ho_arm_guard(struct mag *m, struct mag_ho *h, uint32_t ms, nsec_t now)
{
	deadline_arm(&m->timers, &h->guard, nsec_add(now, nsec_from_ms(ms)));
}

void mag_ho_bind(struct mag *m, struct mag_ho *h, struct mag_session *s)
{
	mag_ho_note_buffer(m, h, s);
	h->s = s;
	s->ho = h;
	h->kept_in = 0;
}

void mag_ho_unbind(struct mag_ho *h)
{
	if (h->s) {
		h->kept_in = h->s->b.session;
		h->s->ho = NULL;
	}
	h->s = NULL;
}

static void destroy(struct mag *m, struct mag_ho *h)
{
	struct mag_fho *f = m->fho;

	mag_ho_unbind(h);
	mag_ho_close_hi(m, h);
	deadline_cancel(&m->timers, &h->guard);
	htable_del(&f->by_mnid, &h->by_mnid);
	if (h->prev)
		h->prev->next = h->next;
	else
		f->first = h->next;
	if (h->next)
		h->next->prev = h->prev;
	else
		f->last = h->prev;
	f->n--;
	h->n->handovers--;
	free(h->hi);
	free(h->reply);
	free(h);
}

void mag_ho_free(struct mag *m, struct mag_ho *h, nsec_t now)
{
	mag_ho_note_result(m, h, now);
	mag_ho_remember(m, h, now);
	mag_ho_close_tunnel(m, h);
	destroy(m, h);
}

struct mag_ho *mag_ho_about(const struct mag *m, const struct mnid *id, const struct mag_ho *prev)
{
	struct hnode *i =
		prev ? htable_next(&prev->by_mnid) : htable_find(&m->fho->by_mnid, hash_of(m, id));

	for (; i; i = htable_next(i)) {
		struct mag_ho *h = container_of(i, struct mag_ho, by_mnid);

		if (mnid_eq(&h->mnid, id))
			return h;
	}
	return NULL;
}

struct mag_ho *mag_ho_find(const struct mag *m, const struct mag_neighbour *n,
			   const struct mnid *id, const struct mac *mac)
{
	const bool known = mac && !mac_is_zero(mac);
	struct mag_ho *h = NULL, *any = NULL;

	while ((h = mag_ho_about(m, id, h))) {
		if (h->n != n)
			continue;
		if (known && mac_eq(&h->mac, mac))
			return h;
		if (!any && (!known || mac_is_zero(&h->mac)))
			any = h;
	}
	return any;
}

struct mag_ho *mag_ho_answered(const struct mag *m, const struct mag_neighbour *n,
			       const struct mnid *id, uint16_t seq)
{
	struct mag_ho *h = NULL;

	while ((h = mag_ho_about(m, id, h))) {
		if (h->n == n && h->reply && h->reply_to == seq)
			break;
	}
	return h;
}

struct mag_ho *mag_ho_still(const struct mag *m, const struct mnid *id, struct mag_ho *h)
{
	struct mag_ho *i = NULL;

	while ((i = mag_ho_about(m, id, i)) && i != h)
		;
	return i;
}

/* ---- neighbours */

struct mag_neighbour *mag_neighbour_by_addr(const struct mag *m, const struct in6_addr *addr)
{
	struct mag_neighbour *n;

	for (n = m->fho->neighbours; n; n = n->next) {
		if (addr6_eq(&n->cfg.addr, addr))
			return n;
	}
	return NULL;
}

/* Link-layer addresses are the same however they are written. */
static bool same_ap(const char *a, const char *b)
{
	struct mac x, y;

	if (!mac_parse(a, &x) && !mac_parse(b, &y))
		return mac_eq(&x, &y);
	return !strcmp(a, b);
}

struct mag_neighbour *mag_neighbour_by_ap(const struct mag *m, const char *ap)
{
	struct mag_neighbour *n;
	unsigned i;

	for (n = m->fho->neighbours; n; n = n->next) {
		if (!strcmp(n->cfg.name, ap))
			return n;
		for (i = 0; i < n->cfg.n_ap_ids; i++) {
			if (same_ap(n->cfg.ap_ids[i], ap))
				return n;
		}
	}
	return NULL;
}

/* From a Handover Initiate to its last repetition. */
static uint64_t repeated_for_ms(const struct mag_fho_cfg *f)
{
	uint64_t wait = f->hi_timeout_ms, sum = 0;
	uint32_t i;

	for (i = 0; i < f->hi_retries && sum <= UINT32_MAX; i++, wait *= 2)
		sum += wait;
	return sum;
}

const char *mag_fho_fault(const struct mag_cfg *cfg)
{
	const struct mag_fho_cfg *f = &cfg->fho;
	unsigned i, j;

	for (i = 0; i < cfg->n_neighbours; i++) {
		const struct mag_neighbour_cfg *n = &cfg->neighbours[i];
		const bool ip4 = addr_is_ip4(&n->addr);
		const struct in6_addr *own = ip4 ? &cfg->ipv4_proxy_coa : &cfg->proxy_coa;

		if (addr6_is_zero(own) || addr6_eq(own, &n->addr) || n->encap > DP_ENCAP_MAX ||
		    (!ip4 && n->encap >= DP_ENCAP_UDP && n->encap != DP_ENCAP_MAX))
			return "mag.neighbours";
		if (n->n_ap_ids > MAG_AP_IDS_MAX || !memchr(n->name, 0, sizeof(n->name)))
			return "mag.neighbours";
		for (j = 0; j < i; j++) {
			if (addr6_eq(&n->addr, &cfg->neighbours[j].addr))
				return "mag.neighbours";
		}
	}
	if (!cfg->n_neighbours)
		return NULL;
	if (!f->hi_timeout_ms)
		return "mag.fast-handover.hi-timeout";
	/* an announcement that is repeated when its node has come would be of one that left */
	if (f->hi_retries && repeated_for_ms(f) >= f->leave_ms)
		return "mag.fast-handover.leave-time";
	if (!f->forwarding_ms)
		return "mag.fast-handover.forwarding-time";
	if (!f->max || f->max > HO_INFLIGHT)
		return "mag.fast-handover.max-handovers";
	return NULL;
}

static void neighbours_free(struct mag_neighbour *n)
{
	struct mag_neighbour *next;

	for (; n; n = next) {
		next = n->next;
		free(n);
	}
}

static int neighbours_new(const struct mag_cfg *cfg, struct mag_neighbour **out)
{
	struct mag_neighbour *head = NULL, **tail = &head;
	unsigned i;

	for (i = 0; i < cfg->n_neighbours; i++) {
		*tail = calloc(1, sizeof(**tail));
		if (!*tail) {
			neighbours_free(head);
			return -ENOMEM;
		}
		(*tail)->cfg = cfg->neighbours[i];
		(*tail)->tokens = cfg->fho.hi_rate;
		tail = &(*tail)->next;
	}
	*out = head;
	return 0;
}

int mag_fho_prepare(const struct mag_cfg *cfg, struct mag_neighbour **out)
{
	return neighbours_new(cfg, out);
}

void mag_fho_abandon(struct mag_neighbour *fresh)
{
	neighbours_free(fresh);
}

void mag_fho_commit(struct mag *m, struct mag_neighbour *fresh, nsec_t now)
{
	struct mag_neighbour *old = m->fho->neighbours, *n;
	struct mag_ho *h, *next;

	m->fho->neighbours = fresh;
	for (h = m->fho->first; h; h = next) {
		struct ho_ctx c = {.m = m, .now = now, .cause = "neighbour removed"};

		next = h->next;
		n = mag_neighbour_by_addr(m, &h->n->cfg.addr);
		if (n) {
			h->n = n;
			n->handovers++;
			continue;
		}
		/* it is no neighbour any more: nothing is said to it */
		mag_ho_close_hi(m, h);
		if (h->s)
			mag_ho_act_over(h, &c);
		else
			mag_ho_act_ended(h, &c);
	}
	neighbours_free(old);
}

int mag_fho_new(struct mag *m, const struct mag_cfg *cfg, const uint8_t seed[HTABLE_SEED_LEN])
{
	struct mag_fho *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	m->fho = f;
	if (htable_init(&f->by_mnid, seed) || htable_init(&f->past, seed) ||
	    neighbours_new(cfg, &f->neighbours))
		return -ENOMEM;
	f->seq = (uint16_t)htable_hash(&f->by_mnid, "", 0); /* any number will do */
	return 0;
}

void mag_fho_free(struct mag *m)
{
	if (!m->fho)
		return;
	/* tunnels stay, as forwarding does */
	while (m->fho->first)
		destroy(m, m->fho->first);
	neighbours_free(m->fho->neighbours);
	mag_ho_past_free(m);
	htable_clear(&m->fho->by_mnid);
	free(m->fho);
	m->fho = NULL;
}
