/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restored sessions: is the node still there? (RFC 5213 6.9.1.3, 6.13)
 *
 * The node may have left while nobody looked, and be at another MAG: until it has proved to be
 * here nothing is registered for it, or this MAG would take the binding from that one. Any sign of
 * it is a proof. One that is here may have been there meanwhile, or the LMA may have ended its
 * binding without being heard: it is registered again at once, and served on. A session whose node
 * gives none is asked for in its turn; one whose link is not there, or has no carrier, waits for
 * that, MAG_LINK_WAIT_MS at most. A barred node is asked for as well, and its bar ends where it is
 * not there any more.
 *
 * A link that is not there has no index. A number that none has stands in for it, so that sessions
 * of several such links keep apart.
 */
#include "mag/mag_act.h"

#include <stdlib.h>

#define MISSING_BASE 0x80000000u /* indexes are positive ints */

/* ---- links that are not there */

bool mag_find_is_missing(unsigned ifindex)
{
	return ifindex >= MISSING_BASE;
}

static struct mag_missing *missing_by_name(const struct mag *m, const char *name)
{
	struct mag_missing *k;

	for (k = m->missing; k; k = k->next) {
		if (!strcmp(k->name, name))
			return k;
	}
	return NULL;
}

unsigned mag_find_link(struct mag *m, const char *name)
{
	const unsigned ifindex = m->links->ifindex(m->links->ctx, name);
	struct mag_missing *k;

	if (ifindex)
		return ifindex;
	k = missing_by_name(m, name);
	if (k)
		return k->ifindex;
	k = calloc(1, sizeof(*k));
	if (!k)
		return 0;
	strncpy(k->name, name, sizeof(k->name) - 1);
	k->ifindex = m->missing ? m->missing->ifindex + 1 : MISSING_BASE;
	k->next = m->missing;
	m->missing = k;
	return k->ifindex;
}

void mag_find_free(struct mag *m)
{
	struct mag_missing *next;

	for (struct mag_missing *k = m->missing; k; k = next) {
		next = k->next;
		free(k);
	}
	m->missing = NULL;
}

/* ---- waiting */

/* The end of the wait, or of the binding meanwhile. */
static void arm(struct mag *m, struct mag_session *s)
{
	const nsec_t at = s->serving ? nsec_min(s->find_until, s->b.expires) : s->find_until;

	if (at == NSEC_NEVER)
		deadline_cancel(&m->timers, &s->timer);
	else
		deadline_arm(&m->timers, &s->timer, at);
}

static void await_turn(struct mag *m, struct mag_session *s, nsec_t now)
{
	s->waits = false;
	s->find_until = NSEC_NEVER;
	arm(m, s);
	mag_peer_await_turn(m, s, now);
}

void mag_find_start(struct mag *m, struct mag_session *s, nsec_t now)
{
	const struct link_node node = mag_node(s);

	if (s->state == MST_BARRED) {
		s->waits = true;
		s->find_until = s->quiet_until = nsec_add(now, nsec_from_ms(MAG_LINK_WAIT_MS));
		arm(m, s);
		if (!s->no_link)
			mag_peer_await_turn(m, s, now);
		return;
	}
	if (s->leave_cause || (!s->no_link && m->links->attached(m->links->ctx, &node))) {
		await_turn(m, s, now);
		return;
	}
	s->waits = true;
	s->find_until = nsec_add(now, nsec_from_ms(MAG_LINK_WAIT_MS));
	arm(m, s);
}

void mag_find_turn(struct mag *m, struct mag_session *s, nsec_t now)
{
	const struct link_node node = mag_node(s);
	struct mag_ctx c = {.m = m, .now = now, .cause = s->leave_cause};
	nsec_t wait = 0;

	if (s->state == MST_BARRED) {
		m->links->verify(m->links->ctx, &node);
		return;
	}
	if (s->leave_cause && s->b.parked) {
		s->leave_cause = NULL;
		mag_request(m, s, MRK_DEREGISTER, now);
		return;
	}
	if (s->leave_cause) {
		mag_step(s, MEV_DETACH, &c);
		return;
	}
	/* RFC 5213 6.13; as mag_act_verify() */
	if (s->registered)
		wait = nsec_sub(s->b.expires, now) / 2;
	if (wait < mag_quiet_time(m))
		wait = mag_quiet_time(m);
	s->find_until = nsec_add(now, wait);
	arm(m, s);
	m->links->verify(m->links->ctx, &node);
}

/* ---- links that come up */

/* A session of a link that was not there. It may be gone afterwards. */
static void arrive(struct mag *m, struct mag_session *s, unsigned ifindex, nsec_t now)
{
	struct mag_ctx c = {.m = m, .now = now, .cause = "another identity at its place"};

	if (bul_by_node(m->bul, ifindex, &s->b.mac) ||
	    bul_move(m->bul, &s->b, ifindex, &s->b.mac)) {
		mag_step(s, MEV_DETACH, &c);
		return;
	}
	s->no_link = false;
	if (s->state == MST_BARRED) {
		mag_peer_await_turn(m, s, now);
		return;
	}
	mag_serve_on_link(m, s, now);
	await_turn(m, s, now);
}

void mag_link_up(struct mag *m, unsigned ifindex, const char *name, nsec_t now)
{
	struct mag_missing **at, *k = missing_by_name(m, name);
	struct bule *e, *next;

	for (e = k ? bul_link_first(m->bul, k->ifindex) : NULL; e; e = next) {
		next = e->next;
		arrive(m, mag_session_of(e), ifindex, now);
	}
	for (at = &m->missing; *at && *at != k; at = &(*at)->next)
		;
	if (*at)
		*at = k->next;
	free(k);
	for (e = bul_link_first(m->bul, ifindex); e; e = e->next) {
		struct mag_session *s = mag_session_of(e);

		if (s->state == MST_BARRED && s->waits)
			mag_peer_await_turn(m, s, now);
		else if (s->state == MST_FINDING && s->waits)
			await_turn(m, s, now);
	}
}

/* ---- barred nodes */

void mag_find_heard(struct mag *m, struct mag_session *s)
{
	const struct link_node node = mag_node(s);

	if (s->state != MST_BARRED || !s->waits)
		return;
	s->absent = s->waits = false;
	mag_peer_forget(m, s);
	/* the link served it, for it to be asked */
	m->links->withdraw(m->links->ctx, &node, false);
}

/* ---- actions of the rule table */

static void found(struct mag_session *s, struct mag_ctx *c)
{
	mag_count_up(c->m, MAG_C_FOUND);
	mag_peer_forget(c->m, s);
	s->waits = false;
}

/* An IPv4 address is given back first: the registration would ask for it. */
void mag_act_found(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	found(s, c);
	if (home4_is_set(&s->b.home4) && !mag_wants4(c->m, s))
		mag_return_home4(c->m, s, "no longer entitled to IPv4", c->now);
	else
		mag_act_refresh(obj, arg);
}

/* The LMA has no binding, or one for packets that do not arrive: asks for the same addresses by
 * name. The node is told of its loss when it is certain, or there is no answer for so long. */
void mag_act_found_lapsed(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	found(s, c);
	if (home4_is_set(&s->b.home4) && !mag_wants4(c->m, s)) {
		s->returned4 = s->b.home4;
		s->b.home4 = (struct home4){0};
	}
	s->b.expires = nsec_add(c->now, mag_quiet_time(c->m));
	mag_act_refresh(obj, arg);
}

/* It is looked for on. */
void mag_act_lapse_unfound(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_EXPIRED);
	mag_serve_unroute(c->m, s);
	arm(c->m, s);
}

void mag_act_not_found(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	if (!s->leave_cause)
		mag_count_up(c->m, MAG_C_NOT_FOUND);
	s->leave_cause = NULL;
	mag_act_deregister(obj, arg);
}
