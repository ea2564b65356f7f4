/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Announcements of neighbours (RFC 5949 4.1 (c), (d)): we are the node's new gateway. It may be
 * unknown here, be here already, or have been here before.
 */
#include "mag/mag_fho.h"

/* The session that this node has here already, in whatever state; `mac` and prefixes tell the
 * node's interfaces from each other. */
static struct mag_session *present(const struct ho_heard *x)
{
	const struct mag_context *k = &x->context;
	struct bule *e = NULL;
	unsigned i, j;

	while ((e = bul_by_mnid(x->m->bul, x->id, e))) {
		if (e->parked)
			continue;
		if (mac_is_zero(&k->mac) || mac_eq(&e->mac, &k->mac))
			return mag_session_of(e);
		for (i = 0; i < e->n_prefixes; i++) {
			for (j = 0; j < k->n_prefixes; j++) {
				if (prefix6_eq(&e->prefixes[i], &k->prefixes[j]))
					return mag_session_of(e);
			}
		}
	}
	return NULL;
}

/* It was on its way to another gateway and comes back: the old session makes room for the one that
 * waits for it. */
static void yield(struct ho_heard *x, struct mag_session *s)
{
	struct mag_ho *h = s->ho;
	const bool same = h && h->n == x->n;

	ho_count_up(x->m, HO_C_RETURNED);
	if (h) {
		h->result = "node returned";
		mag_ho_unbind(h);
	}
	mag_serve_stop(x->m, s, false, "comes back", x->now);
	bul_park(x->m->bul, &s->b); /* its successor inherits what it knows */
	if (same)
		mag_ho_free(x->m, h, x->now);
	else if (h)
		deadline_arm(&x->m->timers, &h->guard, 0);
}

/*
 * The other gateway has it and says that it comes: so it has left, and nobody here has noticed.
 * Only an announcement that was slow is about a node that has come since; RFC 5949 does not say
 * what to do about either.
 */
static bool has_gone(const struct ho_heard *x, const struct mag_session *s)
{
	const bool served = mag_ho_may_go(s) || (s->state == MST_FINDING && s->serving);

	if (s->ho || s->state == MST_LEAVING || !served)
		return false;
	return x->now >= nsec_add(s->came_at, nsec_from_ms(x->m->cfg.fho.leave_ms));
}

static void note_gone(struct ho_heard *x, struct mag_session *s)
{
	struct mag_ctx c = {.m = x->m, .now = x->now, .cause = "announced by another MAG"};

	ho_count_up(x->m, HO_C_UNNOTICED);
	mag_log(x->m, s, &x->n->limit, x->now, LOG_C_INFO,
		"announced by neighbour %s: it has left unnoticed", x->n->cfg.name);
	if (!s->no_link)
		x->back = (struct mag_attachment){.node = mag_node(s),
						  .att = s->b.att,
						  .access_mtu = s->access_mtu,
						  .domain = s->domain,
						  .cause = "nud"};
	mag_step(s, MEV_HAND_OVER, &c);
	s->absent = true;
}

/* What is to be forwarded comes in another way than it is expected here (RFC 5949 4.2). Context
 * that comes in several messages need not say that in the first. */
static bool wants_other_encap(struct ho_heard *x, const struct mag_context *c)
{
	const bool all = x->forward || x->buffer || x->msg->ho.code == HI_CODE_ALL_CONTEXT;

	if (!all || mag_ho_same_encap(x->n, c))
		return false;
	mag_ho_other_encap(x->m, x->n, x->now);
	return true;
}

/* Announced when it is here already. */
static void announced_late(struct ho_heard *x, struct mag_session *s)
{
	struct ho_ctx c = mag_ho_ctx_of(x);
	struct mag_ho *h;

	if (s->ho || (s->state != MST_FETCHING && s->state != MST_REGISTERING &&
		      !(s->registered && s->serving))) {
		x->reply.code = HACK_UNSPECIFIED;
		return;
	}
	if (mag_ho_new(x->m, x->n, x->id, &x->context.mac, HO_NEW, x->now, &h)) {
		x->reply.code = HACK_RESOURCES;
		return;
	}
	mag_ho_bind(x->m, h, s);
	h->forwarding = x->forward;
	h->arrived_at = s->registered ? 0 : x->now;
	if (mag_ho_open_tunnel(x->m, h, mag_ho_encap_of(x->m, x->n, &x->context))) {
		mag_ho_unbind(h);
		mag_ho_free(x->m, h, x->now);
		x->reply.code = HACK_RESOURCES;
		return;
	}
	mag_ho_step(h, HEV_ARRIVED, &c);
	x->reply.flags = mag_ho_granted(x);
	x->reply.h = mag_ho_still(x->m, x->id, h);
}

/* The context names another anchor than the session has: it is de-registered there. */
static void leave_anchor(struct ho_heard *x, struct mag_session *s)
{
	struct mag_ctx c = {.m = x->m, .now = x->now, .cause = "announced with another anchor"};

	s->absent = true;
	mag_step(s, MEV_HANDED_OVER, &c);
}

/* `s`, or NULL, is given up when all that could stand against the announcement has been judged. */
static void announced(struct ho_heard *x, struct mag_session *s, bool gone)
{
	struct ho_ctx c = mag_ho_ctx_of(x);
	struct mag_ho *h;
	int err = mag_ho_new_instead(x->m, s ? s->ho : NULL, x->n, x->id, &x->context.mac, HO_NEW,
				     x->now, &h);

	if (err) {
		ho_count_up(x->m, HO_C_FAILED);
		x->reply.code = HACK_RESOURCES;
		return;
	}
	h->forwarding = x->forward;
	c.instead = s;
	ho_count_up(x->m, HO_C_OFFERED);
	mag_ho_step(h, HEV_CONTEXT, &c);
	if (c.code) {
		x->reply.code = c.code;
		h->result = "not accepted";
		mag_ho_free(x->m, h, x->now);
		return;
	}
	x->reply.h = h;
	x->reply.flags = mag_ho_granted(x);
	mag_session_inherit(x->m, h->s, x->now);
	if (gone)
		note_gone(x, s);
	if (s) {
		yield(x, s);
		if (s->lma == h->s->lma)
			mag_session_succeed(x->m, h->s, s, x->now);
		else
			leave_anchor(x, s);
	}
	h->back = x->back;
}

/* More of what is known already, or the answer to our own question on another way. */
static void announced_again(struct ho_heard *x, struct mag_ho *h)
{
	struct ho_ctx c = mag_ho_ctx_of(x);
	uint8_t code = mag_ho_judge(x->m, x->n, x->id, &x->context, x->now);
	struct mag_context all = x->context;

	if (h->state == HST_EXPECTED) {
		all.gre |= h->ctx.gre;
		all.keyed |= h->ctx.keyed;
	}
	if (code == HACK_CONTEXT_ACCEPTED && wants_other_encap(x, &all))
		code = HACK_NO_FORWARDING;
	if (code >= HACK_UNSPECIFIED) {
		x->reply.code = code;
		return;
	}
	if (h->state == HST_ASKED) {
		ho_count_up(x->m, HO_C_CROSSED);
		mag_ho_close_hi(x->m, h);
	}
	h->forwarding |= x->forward;
	mag_ho_step(h, HEV_CONTEXT, &c);
	x->reply.code = c.code ? c.code : HACK_CONTEXT_ACCEPTED;
	x->reply.flags = mag_ho_granted(x);
	x->reply.h = mag_ho_still(x->m, x->id, h);
}

void mag_ho_take_offer(struct ho_heard *x, struct mag_ho *h)
{
	struct mag_session *s;
	uint8_t code;
	bool gone;

	x->reply.code = HACK_CONTEXT_ACCEPTED;
	h = mag_ho_drop_ended(x, h);
	if (h && h->role == HO_NEW) {
		announced_again(x, h);
		return;
	}
	if (h && h->state == HST_OFFERED) {
		/* each says that the node goes to the other */
		ho_count_up(x->m, HO_C_CROSSED);
		x->reply.code = HACK_UNSPECIFIED;
		return;
	}
	if (!mag_ho_usable(&x->context) && (x->forward || x->msg->ho.code == HI_CODE_ALL_CONTEXT)) {
		ho_count_up(x->m, HO_C_BAD_CONTEXT);
		x->reply.code = HACK_UNSPECIFIED;
		return;
	}
	/* nothing is given up for what is refused anyway */
	code = mag_ho_judge(x->m, x->n, x->id, &x->context, x->now);
	if (code == HACK_CONTEXT_ACCEPTED && wants_other_encap(x, &x->context))
		code = HACK_NO_FORWARDING;
	if (code >= HACK_UNSPECIFIED) {
		x->reply.code = code;
		return;
	}
	s = present(x);
	gone = s && has_gone(x, s);
	if (s && s->state != MST_LEAVING && !gone)
		announced_late(x, s);
	else
		announced(x, s, gone);
}

void mag_fho_confirmed(struct mag *m, const struct link_node *n, nsec_t now)
{
	struct mag_session *s = mag_fho_expected(m, NULL, &n->mac);
	struct mag_attachment a;

	if (!s || !s->ho || s->ho->back.node.ifindex != n->ifindex)
		return;
	a = s->ho->back;
	a.mnid = &s->b.mnid; /* as it was known there */
	(void)mag_attach(m, &a, now);
}
