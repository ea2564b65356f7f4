/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Revocations that outlive the daemon, as far as they stand in no binding's record: what MAGs are
 * owed, global ones, and dooms (core/record_revocation.h). Each has a record from the order until
 * it is carried out. Bindings come back before these, so that all that they are about is there.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

/* A lifetime of RFC 6275 6.1.7: nothing is owed for longer, whatever the clock was set to. */
#define LIFETIME_MAX nsec_from_s(65535 * MH_LIFETIME_UNIT)

_Static_assert(RECORD_REVOCATION_MAX <= STORE_LEN_MAX, "a revocation fits a record");

/* ---- clocks */

static uint64_t wallclock(const struct lma *l)
{
	return l->env->wallclock(l->env->ctx);
}

static uint64_t to_wall(const struct lma *l, int64_t at, nsec_t now)
{
	const int64_t wall = (int64_t)wallclock(l) + at - (int64_t)now;

	return wall > 0 ? (uint64_t)wall : 0;
}

/* Of the past, mostly; it may lie before the present clock began. */
static int64_t from_wall(const struct lma *l, uint64_t wall, nsec_t now)
{
	return (int64_t)now - (int64_t)(wallclock(l) - wall);
}

/* ---- writing */

static void write_owed(const struct lma *l, const struct lma_owed *o, struct record_revocation *v,
		       nsec_t now)
{
	v->lmaa = o->path.local;
	v->mag = o->path.peer;
	v->port = o->path.port;
	v->tells = true;
	v->trigger = o->trigger;
	v->at = to_wall(l, (int64_t)o->until, now);
	v->mnid = (struct mnid){MNID_NAI, o->id_len, (const uint8_t *)&o->prefixes[o->n_prefixes]};
	v->n_prefixes = o->n_prefixes;
	memcpy(v->prefixes, o->prefixes, o->n_prefixes * sizeof(o->prefixes[0]));
	v->home4 = o->home4;
}

static void write_realm(struct record_revocation *v, const uint8_t *realm, uint8_t len)
{
	if (len)
		v->mnid = (struct mnid){MNID_NAI, len, realm};
}

static void write_global(const struct lma *l, const struct lma_rev *r, struct record_revocation *v,
			 nsec_t now)
{
	v->lmaa = r->path.local;
	v->mag = r->path.peer;
	v->port = r->path.port;
	v->tells = true;
	v->trigger = r->trigger;
	v->at = to_wall(l, r->since, now);
	write_realm(v, r->realm, r->realm_len);
}

static const struct {
	enum lma_event event;
	enum record_doom doom;
} dooms[] = {
	{LMA_EV_ORPHANED,  RECORD_DOOM_ORPHANED },
	{LMA_EV_REVOKED,	 RECORD_DOOM_REVOKED  },
	{LMA_EV_WITHDRAWN, RECORD_DOOM_WITHDRAWN},
};

static void write_doom(const struct lma *l, const struct lma_doom *d, struct record_revocation *v,
		       nsec_t now)
{
	v->lmaa = d->lmaa;
	v->mag = d->mag;
	v->tells = d->trigger >= 0;
	v->trigger = d->trigger >= 0 ? (uint8_t)d->trigger : 0;
	v->at = to_wall(l, (int64_t)d->at, now);
	v->before = to_wall(l, d->before, now);
	write_realm(v, d->realm, d->realm_len);
	for (size_t i = 0; i < ARRAY_SIZE(dooms); i++)
		if (dooms[i].event == d->event)
			v->doom = dooms[i].doom;
}

static size_t write_note(void *ctx, const void *owner, uint8_t *buf, nsec_t now)
{
	const struct lma_note *n = owner;
	struct record_revocation v = {.type = n->type};
	const struct lma *l = ctx;

	switch (v.type) {
	case RECORD_OWED:
		write_owed(l, container_of(n, const struct lma_owed, note), &v, now);
		break;
	case RECORD_GLOBAL:
		write_global(l, container_of(n, const struct lma_rev, note), &v, now);
		break;
	case RECORD_DOOM:
		write_doom(l, container_of(n, const struct lma_doom, note), &v, now);
		break;
	}
	return record_revocation_write(&v, buf, STORE_LEN_MAX);
}

void lma_note_init(struct lma *l)
{
	const struct store_source src = {l, write_note};

	store_set_source(l->store, STORE_REVOCATION, &src);
}

void lma_note_put(struct lma *l, struct lma_note *n, enum record_revocation_type type, nsec_t now)
{
	n->type = (uint8_t)type;
	if (!l->store)
		return;
	if (store_add(l->store, STORE_REVOCATION, n, &n->item))
		lma_bump(l, LMA_C_REVOCATION_UNNOTED);
	else
		store_touch(l->store, n->item, now);
}

void lma_note_touch(struct lma *l, struct lma_note *n, nsec_t now)
{
	if (l->store && n->item)
		store_touch(l->store, n->item, now);
}

void lma_note_drop(struct lma *l, struct lma_note *n, nsec_t now)
{
	if (l->store && n->item)
		store_remove(l->store, &n->item, now);
}

/* ---- reading */

static int restore_owed(struct lma *l, struct lma_mag *m, const struct record_revocation *v,
			const struct store_record *rec, nsec_t now)
{
	const nsec_t left = nsec_min(nsec_sub(v->at, wallclock(l)), LIFETIME_MAX);

	if (!left || !l->conf.cfg.binding_revocation)
		return STORE_DROP;
	return lma_owed_restore(l, m, v, nsec_add(now, left), rec, now);
}

static int restore_doom(struct lma *l, const struct record_revocation *v,
			const struct store_record *rec, nsec_t now)
{
	/* a restarted MAG's grace is as long at most as the configuration says */
	const nsec_t most = nsec_from_s(l->conf.cfg.mag_restart_grace_s);
	struct lma_doom d = {
		.mag = v->mag,
		.lmaa = v->lmaa,
		.at = nsec_add(now, nsec_min(nsec_sub(v->at, wallclock(l)), most)),
		.before = from_wall(l, v->before, now),
		.trigger = v->tells ? v->trigger : -1,
		.realm_len = v->mnid.len,
	};

	for (size_t i = 0; i < ARRAY_SIZE(dooms); i++)
		if (dooms[i].doom == v->doom)
			d.event = dooms[i].event;
	return lma_doom_restore(l, &d, v->mnid.id, rec);
}

static int drop(struct lma *l, const char *why, nsec_t now)
{
	lma_bump(l, LMA_C_REVOCATION_FORGONE);
	log_limited(&l->restores, now, LOG_C_LOCAL, "lma: a revocation does not go on: %s", why);
	return STORE_DROP;
}

int lma_note_restore(struct lma *l, const struct store_record *rec, nsec_t now)
{
	struct record_revocation v;
	struct lma_mag *m;
	int err = record_revocation_read(&v, rec->data, rec->len);

	if (err)
		return drop(l,
			    err == -EPROTONOSUPPORT ? "its record is of another version"
						    : "its record makes no sense",
			    now);
	m = lma_conf_mag(&l->conf, &v.mag);
	if (!m)
		return drop(l, "its MAG is not configured any more", now);
	if (!addr6_is_zero(&v.lmaa) && !lma_conf_serves(&l->conf, &v.lmaa))
		return drop(l, "its LMA address is not ours any more", now);
	if (v.type == RECORD_OWED)
		err = restore_owed(l, m, &v, rec, now);
	else if (v.type == RECORD_GLOBAL)
		err = lma_global_restore(l, &v, from_wall(l, v.at, now), rec, now);
	else
		err = restore_doom(l, &v, rec, now);
	return err == -ENOSPC ? drop(l, "too many", now) : err;
}
