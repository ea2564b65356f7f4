/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which home network prefixes a new mobility session gets (RFC 5213 5.3.2 (1) to (3), section 4).
 *
 * A prefix is owned when it lies in a pool or in a static aggregate. A node may use the prefixes of
 * its profile, and any free /64 of the pools its profile allows: that is how a session comes back
 * under its old prefix after the anchor forgot it.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

struct choice {
	struct lma_job *j;
	struct prefix6 *out;
	unsigned n;
};

static bool may_serve(const struct lma_job *j, const struct prefix6 *p)
{
	return lma_mag_may_serve_prefix(j->mag, p) && lma_mag_may_serve_prefix(j->coa_mag, p);
}

static bool in_profile(const struct profile *prof, const struct prefix6 *p)
{
	for (unsigned i = 0; i < prof->n_prefixes; i++)
		if (prefix6_eq(&prof->prefixes[i], p))
			return true;
	return false;
}

static bool pool_allowed(const struct profile *prof, const struct lma_pool *p)
{
	return !prof->pool[0] || !strcmp(prof->pool, p->name);
}

static bool in_allowed_pool(const struct lma_conf *c, const struct profile *prof,
			    const struct prefix6 *p)
{

	for (unsigned i = 0; i < c->n_pools; i++)
		if (pool_owns(c->pools[i].pool, p))
			return pool_allowed(prof, &c->pools[i]);
	return false;
}

bool lma_prefix_allowed(const struct lma *l, const struct profile *prof, const struct prefix6 *p)
{
	return lma_conf_owns(&l->conf, p) &&
	       (in_profile(prof, p) || in_allowed_pool(&l->conf, prof, p));
}

/* Takes this very prefix; whatever is in no pool has the binding cache as its only register. */
static int take_this(struct choice *c, const struct prefix6 *p)
{
	struct lma *l = c->j->l;
	struct pool *pool = lma_conf_pool_of(&l->conf, p);
	int err;

	if (c->n == DP_PREFIXES_MAX)
		return -ENOSPC;
	if (bce_by_prefix(l->cache, p))
		return -EEXIST;
	err = pool ? pool_take_this(pool, p) : 0;
	if (!err)
		c->out[c->n++] = *p;
	return err;
}

static bool chosen(const struct choice *c, const struct prefix6 *p)
{
	for (unsigned i = 0; i < c->n; i++)
		if (prefix6_eq(&c->out[i], p))
			return true;
	return false;
}

/* RFC 5213 5.3.2 (3) */
static enum pba_status take_asked(struct choice *c, const char **why)
{
	const struct lma_job *j = c->j;

	for (unsigned i = 0; i < j->req->n_hnp; i++) {
		const struct lma_hnp *h = &j->req->hnp[i];

		if (h->zero || chosen(c, &h->prefix))
			continue;
		if (!lma_conf_owns(&j->l->conf, &h->prefix)) {
			*why = "a prefix that is not ours";
			return PBA_NOT_AUTHORIZED_FOR_HNP;
		}
		if (!lma_prefix_allowed(j->l, j->profile, &h->prefix)) {
			*why = "a prefix that is not this node's";
			return PBA_NOT_AUTHORIZED_FOR_HNP;
		}
		switch (take_this(c, &h->prefix)) {
		case 0:
			break;
		case -EEXIST:
			*why = "a prefix that is in use";
			return PBA_NOT_AUTHORIZED_FOR_HNP;
		default:
			*why = "no room for the prefixes";
			return PBA_INSUFFICIENT_RESOURCES;
		}
	}
	return PBA_ACCEPTED;
}

/* The profile's own prefixes, as far as no other session of the node has them. */
static enum pba_status take_static(struct choice *c, const char **why)
{
	const struct lma_job *j = c->j;
	bool foreign = false, forbidden = false;

	for (unsigned i = 0; i < j->profile->n_prefixes; i++) {
		const struct prefix6 *p = &j->profile->prefixes[i];

		if (!lma_conf_owns(&j->l->conf, p))
			foreign = true;
		else if (!may_serve(j, p))
			forbidden = true;
		else
			take_this(c, p);
	}
	if (c->n)
		return PBA_ACCEPTED;
	if (forbidden) {
		*why = "the MAG may not serve the node's prefix";
		return PBA_MAG_NOT_AUTHORIZED;
	}
	if (foreign) {
		*why = "the profile has a prefix that is in no pool and no static aggregate";
		return PBA_INSUFFICIENT_RESOURCES;
	}
	return PBA_ACCEPTED;
}

static enum pba_status take_from_pools(struct choice *c, unsigned want, const char **why)
{
	const struct lma_job *j = c->j;
	const struct lma_conf *conf = &j->l->conf;
	bool forbidden = false, may = false;

	for (unsigned i = 0; i < conf->n_pools && c->n < want; i++) {
		const struct lma_pool *p = &conf->pools[i];

		if (!pool_allowed(j->profile, p))
			continue;
		if (!may_serve(j, pool_aggregate(p->pool))) {
			forbidden = true;
			continue;
		}
		may = true;
		while (c->n < want && !pool_take(p->pool, &c->out[c->n]))
			c->n++;
	}
	if (c->n)
		return PBA_ACCEPTED;
	if (forbidden && !may) {
		*why = "the MAG may not serve any pool of the node";
		return PBA_MAG_NOT_AUTHORIZED;
	}
	*why = may ? "the prefix pools are used up" : "no prefix pool for the node";
	return PBA_INSUFFICIENT_RESOURCES;
}

/* RFC 5213 5.3.2 (1), (2) */
static enum pba_status take_any(struct choice *c, const char **why)
{
	const unsigned had = c->n;
	unsigned want = c->j->profile->prefix_count;
	enum pba_status s;

	if (c->j->profile->n_prefixes) {
		s = take_static(c, why);
		if (s != PBA_ACCEPTED || c->n > had)
			return s;
	}
	if (want <= had)
		want = had + 1;
	if (want > DP_PREFIXES_MAX)
		want = DP_PREFIXES_MAX;
	return take_from_pools(c, want, why);
}

enum pba_status lma_prefix_assign(struct lma_job *j, struct prefix6 out[DP_PREFIXES_MAX],
				  unsigned *n, const char **why)
{
	struct choice c = {.j = j, .out = out};
	enum pba_status s = take_asked(&c, why);

	if (s == PBA_ACCEPTED && j->req->any_prefix)
		s = take_any(&c, why);
	if (s != PBA_ACCEPTED) {
		lma_prefix_release(j->l, out, c.n);
		return s;
	}
	*n = c.n;
	return PBA_ACCEPTED;
}

void lma_prefix_release(struct lma *l, const struct prefix6 *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct pool *pool = lma_conf_pool_of(&l->conf, &p[i]);

		if (pool)
			pool_release(pool, &p[i]);
	}
}
