/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bindings that are gone here and that their MAG may still serve: it did not answer when they went,
 * or they were too many to be told of at once. Each is revoked when the MAG answers heartbeats and
 * has room, unless the node has registered there again in the meantime.
 *
 * There are max-bindings of them at most, and none is kept longer than a lifetime.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW	   64 /* without an answer, per MAG */
#define WINDOW_ALL (REVOCATION_OUTSTANDING_MAX / 2)
#define POINTLESS  1024 /* dropped at once, per MAG */

static void unlink_first(struct lma_mag *m)
{
	struct lma_owed *o = m->owed;

	m->owed = o->next;
	if (!m->owed)
		m->owed_last = NULL;
	m->n_owed--;
	free(o);
}

void lma_owed_free(struct lma_mag *m)
{
	while (m->owed)
		unlink_first(m);
}

void lma_owed_recount(struct lma *l)
{
	l->n_owed = 0;
	for (const struct lma_mag *m = l->conf.mags; m; m = m->hh.next)
		l->n_owed += m->n_owed;
}

static void drop_first(struct lma *l, struct lma_mag *m)
{
	unlink_first(m);
	l->n_owed--;
}

static void drop_all(struct lma *l, struct lma_mag *m)
{
	while (m->owed)
		drop_first(l, m);
}

void lma_owe(struct lma *l, struct lma_mag *m, const struct bce *b, const struct bce_reg *was,
	     uint8_t trigger, nsec_t now)
{
	const struct mnid id = bce_mnid(b);
	const size_t n = b->n_prefixes * sizeof(struct prefix6);
	struct lma_owed *o;

	/* RFC 5846 5.1: other identifiers cannot be revoked */
	if (id.subtype != MNID_NAI)
		return;
	o = l->n_owed < l->conf.cfg.max_bindings ? calloc(1, sizeof(*o) + n + id.len) : NULL;
	if (!o) {
		lma_bump(l, LMA_C_REVOCATION_FORGONE);
		return;
	}
	o->until = b->deadline.at;
	o->path = (struct revocation_path){was->lmaa, was->proxy_coa, was->port};
	o->trigger = trigger;
	o->home4 = bce_home4(b);
	o->id_len = id.len;
	o->n_prefixes = b->n_prefixes;
	for (unsigned i = 0; i < b->n_prefixes; i++)
		o->prefixes[i] = bce_prefix(b, i);
	memcpy(&o->prefixes[o->n_prefixes], id.id, id.len);
	if (m->owed_last)
		m->owed_last->next = o;
	else
		m->owed = o;
	m->owed_last = o;
	m->n_owed++;
	l->n_owed++;
	lma_bump(l, LMA_C_REVOCATION_OWED);
	lma_owed_arm(l, now);
}

static struct mnid id_of(const struct lma_owed *o)
{
	return (struct mnid){MNID_NAI, o->id_len, (const uint8_t *)&o->prefixes[o->n_prefixes]};
}

static bool shares_address(const struct lma_owed *o, const struct bce *b)
{
	const struct home4 h = bce_home4(b);

	for (unsigned i = 0; i < b->n_prefixes; i++) {
		const struct prefix6 p = bce_prefix(b, i);

		for (unsigned k = 0; k < o->n_prefixes; k++)
			if (prefix6_eq(&p, &o->prefixes[k]))
				return true;
	}
	return home4_is_set(&h) && h.addr.s_addr == o->home4.addr.s_addr &&
	       h.domain == o->home4.domain;
}

/* Sends it, unless it is pointless. 0, or -errno: it cannot be sent. */
static int pay_one(struct lma *l, const struct lma_owed *o, nsec_t now)
{
	const struct mnid id = id_of(o);
	struct lma_addrs addrs = {.n = o->n_prefixes, .home4 = o->home4};
	bool others = false;
	struct lma_rev *rev;

	if (o->until <= now)
		return 0;
	for (struct bce *b = bce_first(bce_node_find(l->cache, &id)); b; b = b->next) {
		if (!addr6_eq(&b->reg.proxy_coa, &o->path.peer))
			continue;
		if (shares_address(o, b))
			return 0;
		others = true;
	}
	memcpy(addrs.prefixes, o->prefixes, o->n_prefixes * sizeof(o->prefixes[0]));
	rev = lma_rev_new(l, LMA_REV_OWED, &o->path, o->trigger, NULL, 0);
	return rev ? lma_revoke_send(rev, &id, &addrs, others, now) : -ENOMEM;
}

static bool may_pay(const struct lma *l, const struct lma_mag *m)
{
	return m->owed && m->owed_open < WINDOW && !lma_peer_is_down(l, m) &&
	       revocation_outstanding(l->revocation) < WINDOW_ALL;
}

static void pay_mag(struct lma *l, struct lma_mag *m, nsec_t now)
{
	/* what is pointless costs too */
	for (unsigned n = 0; n < WINDOW && may_pay(l, m); n++) {
		const size_t open = revocation_outstanding(l->revocation);
		const int err = pay_one(l, m->owed, now);

		if (err == -EOPNOTSUPP) {
			drop_all(l, m);
			break;
		}
		if (err)
			lma_bump(l, LMA_C_REVOCATION_FORGONE);
		m->owed_open += revocation_outstanding(l->revocation) > open;
		drop_first(l, m);
	}
}

/* The oldest stands for those behind it, which are pointless soon, too. */
static nsec_t pointless_at(const struct lma_mag *m)
{
	return m->owed ? m->owed->until : NSEC_NEVER;
}

static void pay(struct deadline *d, void *ctx, nsec_t now)
{
	struct lma *l = ctx;
	nsec_t next = NSEC_NEVER;

	for (struct lma_mag *m = l->conf.mags; m; m = m->hh.next) {
		for (unsigned n = 0; n < POINTLESS && pointless_at(m) <= now; n++)
			drop_first(l, m);
		pay_mag(l, m, now);
		next = nsec_min(next, may_pay(l, m) ? now : pointless_at(m));
	}
	if (next != NSEC_NEVER)
		deadline_arm(&l->deadlines, d, next);
}

void lma_owed_done(struct lma *l, const struct in6_addr *mag, bool unsupported, nsec_t now)
{
	struct lma_mag *m = lma_conf_mag(&l->conf, mag);

	if (!m)
		return;
	if (m->owed_open)
		m->owed_open--;
	if (unsupported)
		drop_all(l, m);
	lma_owed_arm(l, now);
}

void lma_owed_arm(struct lma *l, nsec_t now)
{
	if (l->n_owed)
		deadline_arm(&l->deadlines, &l->pay, now);
}

void lma_owed_init(struct lma *l)
{
	l->pay.fire = pay;
}
