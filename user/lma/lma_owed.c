/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bindings that are gone here and that their MAG may still serve: it did not answer when they went,
 * or they were too many to be told of at once. Each is revoked when the MAG answers heartbeats and
 * has room, unless the node has registered there again in the meantime.
 *
 * There are max-bindings of them at most, and none is kept longer than a lifetime. Each is on disk
 * until its MAG has answered or was given up; one that an earlier run had sent is sent again, as a
 * new indication.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW	   64 /* without an answer, per MAG */
#define WINDOW_ALL (REVOCATION_OUTSTANDING_MAX / 2)
#define POINTLESS  1024 /* dropped at once, per MAG */

/* Out of the MAG's list; whose it is then is the caller's business. */
static struct lma_owed *take_first(struct lma *l, struct lma_mag *m)
{
	struct lma_owed *o = m->owed;

	m->owed = o->next;
	if (!m->owed)
		m->owed_last = NULL;
	m->n_owed--;
	l->n_owed--;
	return o;
}

static void append(struct lma *l, struct lma_mag *m, struct lma_owed *o)
{
	if (m->owed_last)
		m->owed_last->next = o;
	else
		m->owed = o;
	m->owed_last = o;
	m->n_owed++;
	l->n_owed++;
}

void lma_owed_free(struct lma_mag *m)
{
	while (m->owed) {
		struct lma_owed *o = m->owed;

		m->owed = o->next;
		free(o);
	}
}

void lma_owed_drop(struct lma *l, struct lma_owed *o, nsec_t now)
{
	lma_note_drop(l, &o->note, now);
	free(o);
}

static void drop_all(struct lma *l, struct lma_mag *m, nsec_t now)
{
	while (m->owed)
		lma_owed_drop(l, take_first(l, m), now);
}

/* What is sent already has its end without the MAG. */
void lma_owed_part(struct lma *l, struct lma_conf *c, nsec_t now)
{
	for (struct lma_mag *m = c->mags; m; m = m->hh.next) {
		drop_all(l, m, now);
		while (m->paying)
			lma_rev_put(m->paying, &l->revs);
	}
}

/* ---- coming up */

static struct lma_owed *owed_new(const struct prefix6 *prefixes, unsigned n, const struct mnid *id)
{
	const size_t len = n * sizeof(struct prefix6);
	struct lma_owed *o = calloc(1, sizeof(*o) + len + id->len);

	if (!o)
		return NULL;
	o->note.type = RECORD_OWED;
	o->id_len = id->len;
	o->n_prefixes = (uint8_t)n;
	if (n)
		memcpy(o->prefixes, prefixes, len);
	memcpy(&o->prefixes[n], id->id, id->len);
	return o;
}

struct lma_owed *lma_owed_keep(struct lma *l, const struct bce *b, const struct bce_reg *was,
			       uint8_t trigger, nsec_t now)
{
	const struct mnid id = bce_mnid(b);
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	struct lma_owed *o = owed_new(prefixes, bce_prefixes(b, prefixes), &id);

	if (!o)
		return NULL;
	o->until = b->deadline.at;
	o->path = (struct revocation_path){was->lmaa, was->proxy_coa, was->port};
	o->trigger = trigger;
	o->home4 = bce_home4(b);
	lma_note_put(l, &o->note, RECORD_OWED, now);
	return o;
}

void lma_owe(struct lma *l, struct lma_mag *m, const struct bce *b, const struct bce_reg *was,
	     uint8_t trigger, nsec_t now)
{
	struct lma_owed *o = NULL;

	/* RFC 5846 5.1: other identifiers cannot be revoked */
	if (bce_mnid(b).subtype != MNID_NAI)
		return;
	if (l->n_owed < l->conf.cfg.max_bindings)
		o = lma_owed_keep(l, b, was, trigger, now);
	if (!o) {
		lma_bump(l, LMA_C_REVOCATION_FORGONE);
		return;
	}
	append(l, m, o);
	lma_bump(l, LMA_C_REVOCATION_OWED);
	lma_owed_arm(l, now);
}

int lma_owed_restore(struct lma *l, struct lma_mag *m, const struct record_revocation *v,
		     nsec_t until, const struct store_record *rec, nsec_t now)
{
	struct lma_owed *o;

	if (l->n_owed >= l->conf.cfg.max_bindings)
		return -ENOSPC;
	o = owed_new(v->prefixes, v->n_prefixes, &v->mnid);
	if (!o || store_adopt(l->store, rec, o, &o->note.item)) {
		free(o);
		return -ENOMEM;
	}
	o->until = until;
	o->path = (struct revocation_path){v->lmaa, v->mag, v->port};
	o->trigger = v->trigger;
	o->home4 = v->home4;
	append(l, m, o);
	lma_owed_arm(l, now);
	return 0;
}

/* ---- going */

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

bool lma_owed_means(const struct lma_owed *o, const struct bce *b)
{
	const struct mnid id = id_of(o), its = bce_mnid(b);

	return mnid_eq(&id, &its) && (!o->n_prefixes || shares_address(o, b));
}

/* Sends it, unless it is pointless. 0, or -errno: it cannot be sent. It is gone, or has a struct
 * lma_rev. */
static int pay_one(struct lma *l, struct lma_owed *o, nsec_t now)
{
	const struct mnid id = id_of(o);
	struct lma_addrs addrs = {.n = o->n_prefixes, .home4 = o->home4};
	bool others = false, pointless = o->until <= now;
	struct bce *b = bce_first(bce_node_find(l->cache, &id));
	struct lma_rev *rev = NULL;

	for (; b && !pointless; b = b->next) {
		if (!addr6_eq(&b->reg.proxy_coa, &o->path.peer))
			continue;
		pointless = shares_address(o, b);
		others = true;
	}
	if (!pointless)
		rev = lma_rev_new(l, LMA_REV_OWED, &o->path, o->trigger, NULL, 0);
	if (!rev) {
		lma_owed_drop(l, o, now);
		return pointless ? 0 : -ENOMEM;
	}
	memcpy(addrs.prefixes, o->prefixes, o->n_prefixes * sizeof(o->prefixes[0]));
	rev->owed = o;
	return lma_revoke_send(rev, &id, &addrs, others, now);
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
		const int err = pay_one(l, take_first(l, m), now);

		if (err == -EOPNOTSUPP) {
			drop_all(l, m, now);
			break;
		}
		if (err)
			lma_bump(l, LMA_C_REVOCATION_FORGONE);
		m->owed_open += revocation_outstanding(l->revocation) > open;
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
			lma_owed_drop(l, take_first(l, m), now);
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
		drop_all(l, m, now);
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
