/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request with "handoff state unknown" for a node that has one binding waits for the old MAG to
 * de-register it (RFC 5213 5.4.1.2 (4), 5.4.1.3 (3)). If that happens the request takes the binding
 * over, prefixes and all; after MaxDelayBeforeNewBCEAssign it becomes a new session. Where the old
 * MAG can be asked by a revocation, its answer decides, or that it gives none (RFC 5846 8.1).
 *
 * At most one request waits per binding, so the memory is bounded by max-bindings. A retransmission
 * replaces the request it repeats and does not prolong the wait; what is older than the one that
 * waits is ignored.
 */
#include "lma/lma_priv.h"

#include <stdlib.h>

#include "base/util.h"

void lma_hold_free(struct lma_hold *h)
{
	if (h->target)
		h->target->owner = NULL;
	deadline_cancel(&h->l->deadlines, &h->deadline);
	*h->link = h->next;
	if (h->next)
		h->next->link = h->link;
	free(h->req);
	free(h);
}

static void fire_hold(struct deadline *d, void *ctx, nsec_t now)
{
	lma_hold_step(ctx, container_of(d, struct lma_hold, deadline), LMA_HOLD_EV_TIMEOUT, now);
}

static bool newer(const struct lma *l, const struct lma_req *r, const struct lma_req *held)
{
	if (l->conf.cfg.timestamp_based_approach_in_use && r->has_timestamp && held->has_timestamp)
		return r->timestamp > held->timestamp;
	/* numbers of two MAGs do not compare */
	return !addr6_eq(&r->coa, &held->coa) ||
	       order_sequence(r->seq, held->seq, true) == ORDER_NEWER;
}

static struct lma_hold *hold_new(struct lma *l, struct bce *target, nsec_t now)
{
	struct lma_hold *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->l = l;
	h->target = target;
	h->began = now;
	h->deadline.fire = fire_hold;
	h->link = &l->holds;
	h->next = l->holds;
	if (h->next)
		h->next->link = &h->next;
	l->holds = h;
	target->owner = h;
	return h;
}

static void told_held(const struct lma_job *j)
{
	const struct event ev = {
		.type = EV_STATE,
		.role = "lma",
		.now = j->now,
		.mnid = &j->req->mnid,
		.peer = &j->req->coa,
		.from = "NONE",
		.to = lma_hold_fsm.states[LMA_HOLD_HELD],
		.cause = "handoff state unknown",
		.clause = j->lookup.clause,
	};

	event_emit(j->l->sink, &ev);
}

void lma_hold_wait(struct lma_hold *h)
{
	const uint32_t delay = h->l->conf.cfg.max_delay_before_new_bce_assign_ms;

	deadline_arm(&h->l->deadlines, &h->deadline, nsec_add(h->began, nsec_from_ms(delay)));
}

void lma_hold_request(struct lma_job *j)
{
	struct lma *l = j->l;
	struct lma_hold *h = j->lookup.bce->owner;
	struct lma_req *copy;

	if (h && !newer(l, j->req, h->req)) {
		lma_ignore(j, LMA_C_IGNORED_OLDER_HELD, "older than the request that waits");
		return;
	}
	copy = lma_req_dup(j->req);
	if (copy && h) {
		free(h->req);
		h->req = copy;
		lma_hold_step(l, h, LMA_HOLD_EV_REPLACED, j->now);
		return;
	}
	h = copy ? hold_new(l, j->lookup.bce, j->now) : NULL;
	if (!h) {
		free(copy);
		lma_refuse(j, PBA_INSUFFICIENT_RESOURCES, "no memory");
		return;
	}
	h->req = copy;
	lma_bump(l, LMA_C_HELD);
	told_held(j);
	switch (lma_revoke_held(l, j->lookup.bce, j->now)) {
	case LMA_ASKED:
		break;
	case LMA_ASKED_DEAD:
		deadline_arm(&l->deadlines, &h->deadline, j->now);
		break;
	case LMA_NOT_ASKED:
		lma_hold_wait(h);
		break;
	}
}

/* What the world may have changed meanwhile; false when the request died of it. */
static bool resume(struct lma_job *j, struct lma_hold *h, nsec_t now)
{
	enum pba_status status;
	const char *why;

	lma_job_init(j, h->l, h->req, now);
	if (!j->mag) {
		lma_bump(h->l, LMA_C_IGNORED_HELD_GONE);
		return false;
	}
	status = lma_admit_again(j, &why);
	if (status != PBA_ACCEPTED) {
		lma_refuse(j, status, why);
		return false;
	}
	return true;
}

void lma_hold_finish(struct lma_hold *h, nsec_t now)
{
	const struct bce_node *node = bce_node_find(h->l->cache, &h->req->mnid);
	struct lma_job j;

	/* came about after the binding it waited for had ended and nobody could tell */
	if (lma_req_has_interface(h->req) && bce_by_interface(node, h->req->att, &h->req->llid)) {
		lma_bump(h->l, LMA_C_HOLD_DROPPED);
		return;
	}
	if (resume(&j, h, now))
		lma_session_create(&j);
}

void lma_hold_release(struct lma *l, struct bce *b, nsec_t now)
{
	struct lma_hold *h = b->owner;
	struct lma_job j;

	if (!h)
		return;
	lma_hold_step(l, h, LMA_HOLD_EV_DEREGISTERED, now);
	h->target = NULL;
	b->owner = NULL;
	if (resume(&j, h, now))
		lma_session_update(&j, b);
	lma_hold_free(h);
}

void lma_hold_orphan(struct lma *l, struct bce *b, nsec_t now)
{
	if (b->owner)
		lma_hold_step(l, b->owner, LMA_HOLD_EV_TARGET_GONE, now);
}

/*
 * Whether the accepted `r` settles what became of the interface that `held` speaks of. A
 * de-registration speaks for its own MAG only; without a link-layer identifier two requests are
 * about the same interface only when they come from the same MAG.
 */
static bool overtakes(const struct lma *l, const struct lma_req *r, const struct lma_req *held)
{
	const bool same_mag = addr6_eq(&r->coa, &held->coa);
	const bool named = lma_req_has_interface(r);

	if (r->att != held->att || named != lma_req_has_interface(held))
		return false;
	if (named && !llid_eq(&r->llid, &held->llid))
		return false;
	if (!r->lifetime)
		return same_mag && newer(l, r, held);
	return named || same_mag;
}

void lma_hold_overtake(struct lma *l, const struct lma_req *r, nsec_t now)
{
	struct bce *b = l->holds ? bce_first(bce_node_find(l->cache, &r->mnid)) : NULL;

	for (; b; b = b->next) {
		struct lma_hold *h = b->owner;

		if (h && h->req != r && overtakes(l, r, h->req))
			lma_hold_step(l, h, LMA_HOLD_EV_OVERTAKEN, now);
	}
}
