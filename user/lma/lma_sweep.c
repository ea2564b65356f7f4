/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many bindings that end at once: those of a MAG that failed, restarted, or was told by or told us
 * of a global revocation. The cache is gone through in slices, for as many as there are must not
 * stop the signalling of the others.
 *
 * A doom says which bindings of a MAG end and when; a binding registered after its `before` is not
 * meant, so that a node that comes back in the meantime keeps what it has got. Dooms hang on their
 * MAG; one pass serves all that are due when it begins, and those that come during it wait for the
 * next.
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

void lma_sweep_arm(struct lma *l)
{
	nsec_t at = NSEC_NEVER;

	if (l->sweeping)
		return; /* what is due comes after this one */
	for (const struct lma_mag *m = l->conf.mags; m; m = m->hh.next)
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
	const nsec_t registered = nsec_sub(b->deadline.at, nsec_from_s(b->reg.lifetime_s));

	return d->under_way && registered <= d->before && in_realm(d, b) &&
	       (addr6_is_zero(&d->lmaa) || addr6_eq(&d->lmaa, &b->reg.lmaa));
}

static void sweep_binding(void *ctx, struct bce *b)
{
	const struct sweep *s = ctx;
	struct lma_mag *m = lma_conf_mag(&s->l->conf, &b->reg.proxy_coa);
	const struct lma_doom *d = m ? m->dooms : NULL;

	if (b->state != LMA_ST_ACTIVE)
		return;
	while (d && !is_meant(d, b))
		d = d->next;
	if (!d)
		return;
	if (d->trigger >= 0)
		lma_owe(s->l, m, b, &b->reg, (uint8_t)d->trigger, s->now);
	lma_binding_step(s->l, b, d->event, s->now);
}

/* ---- passes */

static void begin(struct lma *l, nsec_t now)
{
	l->sweeping = true;
	for (struct lma_mag *m = l->conf.mags; m; m = m->hh.next)
		for (struct lma_doom *d = m->dooms; d; d = d->next)
			d->under_way = d->at <= now;
	bce_sweep_start(l->cache);
}

static void end(struct lma *l)
{
	for (struct lma_mag *m = l->conf.mags; m; m = m->hh.next) {
		struct lma_doom **p = &m->dooms;

		while (*p) {
			struct lma_doom *d = *p;

			if (!d->under_way) {
				p = &d->next;
				continue;
			}
			*p = d->next;
			free(d);
		}
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
		end(l);
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

int lma_doom(struct lma *l, struct lma_mag *m, const struct lma_doom *d, const uint8_t *realm)
{
	struct lma_doom *new = m->dooms;

	while (new && (new->under_way || !same_kind(new, d, realm)))
		new = new->next;
	if (new) {
		new->at = d->at;
		new->before = d->before;
		lma_sweep_arm(l);
		return 0;
	}
	new = calloc(1, sizeof(*new) + d->realm_len);
	if (!new)
		return -ENOMEM;
	*new = *d;
	if (d->realm_len)
		memcpy(new->realm, realm, d->realm_len);
	new->under_way = false;
	new->next = m->dooms;
	m->dooms = new;
	lma_sweep_arm(l);
	return 0;
}

void lma_dooms_free(struct lma_mag *m)
{
	while (m->dooms) {
		struct lma_doom *d = m->dooms;

		m->dooms = d->next;
		free(d);
	}
}
