/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many bindings that end at once: those of a MAG that failed, restarted, or was told by or told us
 * of a global revocation. The cache is gone through in slices, for as many as there are must not
 * stop the signalling of the others.
 *
 * A doom says which bindings of a MAG end and when; a binding registered after its `before` is not
 * meant, so that a node that comes back in the meantime keeps what it has got. One pass serves all
 * dooms that are due when it begins, and those that come during it wait for the next. A doom stays
 * on disk until its pass is over, and it does not matter to it whether its MAG is still configured.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLICE_NODES 256
#define SLICE_EVERY nsec_from_ms(1)

struct sweep {
	struct lma *l;
	nsec_t now;
};

static struct lma_doomed *doomed_find(const struct lma *l, const struct in6_addr *mag)
{
	struct lma_doomed *m;

	HASH_FIND(hh, l->doomed, mag, sizeof(*mag), m);
	return m;
}

void lma_sweep_arm(struct lma *l)
{
	nsec_t at = NSEC_NEVER;

	if (l->sweeping)
		return; /* what is due comes after this one */
	for (const struct lma_doomed *m = l->doomed; m; m = m->hh.next)
		for (const struct lma_doom *d = m->dooms; d; d = d->next)
			at = nsec_min(at, d->at);
	if (at != NSEC_NEVER)
		deadline_arm(&l->deadlines, &l->sweep, at);
	else
		deadline_cancel(&l->deadlines, &l->sweep);
}

/* ---- which bindings */

static bool in_realm(const struct lma_doom *d, const struct bce *b)
{
	const struct mnid id = bce_mnid(b);
	const struct mnid realm = {MNID_NAI, d->realm_len, d->realm};

	return !d->realm_len || revocation_in_realm(&id, &realm);
}

static bool is_meant(const struct lma_doom *d, const struct bce *b)
{
	/* its deadline is the end of its lifetime */
	const int64_t registered =
		(int64_t)b->deadline.at - (int64_t)nsec_from_s(b->reg.lifetime_s);

	return d->under_way && registered <= d->before && in_realm(d, b) &&
	       (addr6_is_zero(&d->lmaa) || addr6_eq(&d->lmaa, &b->reg.lmaa));
}

static void sweep_binding(void *ctx, struct bce *b)
{
	const struct sweep *s = ctx;
	const struct lma_doomed *doomed = doomed_find(s->l, &b->reg.proxy_coa);
	const struct lma_doom *d = doomed ? doomed->dooms : NULL;
	struct lma_mag *m;

	if (b->state != LMA_ST_ACTIVE)
		return;
	while (d && !is_meant(d, b))
		d = d->next;
	if (!d)
		return;
	m = lma_conf_mag(&s->l->conf, &b->reg.proxy_coa);
	if (m && d->trigger >= 0)
		lma_owe(s->l, m, b, &b->reg, (uint8_t)d->trigger, s->now);
	lma_binding_step(s->l, b, d->event, s->now);
}

/* ---- passes */

static void begin(struct lma *l, nsec_t now)
{
	l->sweeping = true;
	for (struct lma_doomed *m = l->doomed; m; m = m->hh.next)
		for (struct lma_doom *d = m->dooms; d; d = d->next)
			d->under_way = d->at <= now;
	bce_sweep_start(l->cache);
}

static void forget(struct lma *l, struct lma_doomed *m)
{
	HASH_DEL(l->doomed, m);
	free(m);
}

static void end(struct lma *l, nsec_t now)
{
	struct lma_doomed *m, *next;

	HASH_ITER (hh, l->doomed, m, next) {
		struct lma_doom **p = &m->dooms;

		while (*p) {
			struct lma_doom *d = *p;

			if (!d->under_way) {
				p = &d->next;
				continue;
			}
			*p = d->next;
			lma_note_drop(l, &d->note, now);
			free(d);
		}
		if (!m->dooms)
			forget(l, m);
	}
	l->sweeping = false;
	lma_sweep_arm(l);
}

static void sweep_slice(struct deadline *d, void *ctx, nsec_t now)
{
	struct lma *l = ctx;
	struct sweep s = {l, now};

	if (!l->sweeping)
		begin(l, now);
	if (bce_sweep(l->cache, SLICE_NODES, sweep_binding, &s))
		deadline_arm(&l->deadlines, d, now + SLICE_EVERY);
	else
		end(l, now);
}

void lma_sweep_init(struct lma *l)
{
	l->sweep.fire = sweep_slice;
}

/* ---- dooms */

static bool same_kind(const struct lma_doom *a, const struct lma_doom *b, const uint8_t *realm)
{
	return a->event == b->event && a->trigger == b->trigger && a->realm_len == b->realm_len &&
	       (!a->realm_len || !memcmp(a->realm, realm, a->realm_len)) &&
	       addr6_eq(&a->lmaa, &b->lmaa);
}

static struct lma_doomed *doomed_get(struct lma *l, const struct in6_addr *mag)
{
	struct lma_doomed *m = doomed_find(l, mag);

	if (m)
		return m;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->mag = *mag;
	HASH_ADD(hh, l->doomed, mag, sizeof(m->mag), m);
	if (m->oom) {
		free(m);
		return NULL;
	}
	return m;
}

static struct lma_doom *doom_new(struct lma *l, const struct lma_doom *d, const uint8_t *realm)
{
	struct lma_doom *new = calloc(1, sizeof(*new) + d->realm_len);
	struct lma_doomed *m = new ? doomed_get(l, &d->mag) : NULL;

	if (!m) {
		free(new);
		return NULL;
	}
	*new = *d;
	if (d->realm_len)
		memcpy(new->realm, realm, d->realm_len);
	new->under_way = false;
	new->note = (struct lma_note){.type = RECORD_DOOM};
	new->next = m->dooms;
	m->dooms = new;
	return new;
}

int lma_doom(struct lma *l, const struct lma_doom *d, const uint8_t *realm, nsec_t now)
{
	const struct lma_doomed *m = doomed_find(l, &d->mag);
	struct lma_doom *known = m ? m->dooms : NULL, *new;

	while (known && (known->under_way || !same_kind(known, d, realm)))
		known = known->next;
	if (known) {
		known->at = d->at;
		known->before = d->before;
		lma_note_touch(l, &known->note, now);
	} else {
		new = doom_new(l, d, realm);
		if (!new)
			return -ENOMEM;
		lma_note_put(l, &new->note, RECORD_DOOM, now);
	}
	lma_sweep_arm(l);
	return 0;
}

int lma_doom_restore(struct lma *l, const struct lma_doom *d, const uint8_t *realm,
		     const struct store_record *rec)
{
	struct lma_doom *new = doom_new(l, d, realm);

	if (!new || store_adopt(l->store, rec, new, &new->note.item))
		return -ENOMEM;
	lma_sweep_arm(l);
	return 0;
}

void lma_dooms_free(struct lma *l)
{
	while (l->doomed) {
		struct lma_doomed *m = l->doomed;

		while (m->dooms) {
			struct lma_doom *d = m->dooms;

			m->dooms = d->next;
			free(d);
		}
		forget(l, m);
	}
}
