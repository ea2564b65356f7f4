/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which IPv4 home address a mobility session gets (RFC 5844 3.1.2.2).
 *
 * Every address is of a pool, also the static ones of profiles: the pool knows the home network's
 * length, the default router, and the domain that tells it from an equal address elsewhere. A node
 * may use the address of its profile, or else any free one of the pools its profile allows that is
 * in no profile. One of a profile that a pool hands out is set aside for its node: it is in use in
 * the pool and in no binding.
 *
 * Addresses of a domain other than 0 may exist twice and need GRE keys (RFC 5845 5.2): a request
 * that offers none gets none of them.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <string.h>

bool lma_home4_pool_allowed(const struct profile *prof, const struct lma_pool4 *p)
{
	return !prof->pool4[0] || !strcmp(prof->pool4, p->name);
}

static bool key_offered(const struct lma_job *j, const struct lma_pool4 *p)
{
	return !p->domain || j->req->has_key;
}

static struct home4 home4_of(const struct lma_pool4 *p, struct in_addr addr)
{
	return (struct home4){
		.addr = addr,
		.router = pool4_router(p->pool),
		.len = pool4_network(p->pool)->len,
		.domain = p->domain,
	};
}

static bool in_allowed_pool(const struct lma_job *j, struct in_addr addr)
{
	const struct lma_conf *c = &j->l->conf;

	for (unsigned i = 0; i < c->n_pools4; i++)
		if (lma_home4_pool_allowed(j->profile, &c->pools4[i]) &&
		    pool4_owns(c->pools4[i].pool, addr))
			return true;
	return false;
}

static bool is_of_a_profile(const struct lma *l, const struct lma_pool4 *p, struct in_addr addr)
{
	const struct profiles *prof = &l->profiles;

	return prof->has_home4 && prof->has_home4(prof->ctx, addr, p->name);
}

bool lma_home4_fits(const struct lma *l, const struct profile *prof, const struct home4 *h)
{
	const struct lma_pool4 *p = lma_conf_pool4_of(&l->conf, h->domain, h->addr);
	struct home4 is;

	if (!p || !prof->ipv4 || !lma_home4_pool_allowed(prof, p) ||
	    (prof->home4.s_addr != h->addr.s_addr && is_of_a_profile(l, p, h->addr)))
		return false;
	is = home4_of(p, h->addr);
	return home4_eq(&is, h);
}

/* Takes this very address, also where it has been set aside. */
static int take_own(const struct lma_job *j, struct lma_pool4 *p, struct in_addr addr)
{
	int err = pool4_take_this(p->pool, addr);

	if (err != -EEXIST || !p->aside || bce_by_addr4(j->l->cache, p->domain, addr))
		return err;
	p->aside--;
	return 0;
}

static const char no_key[] = "its IPv4 home address may exist twice and needs GRE keys";

static enum pba_status take_this(const struct lma_job *j, struct lma_pool4 *p, struct in_addr addr,
				 struct home4 *out, const char **why)
{
	int err;

	if (!key_offered(j, p)) {
		*why = no_key;
		return PBA_GRE_KEY_REQUIRED;
	}
	if (j->profile->home4.s_addr != addr.s_addr && is_of_a_profile(j->l, p, addr)) {
		*why = "the IPv4 home address of another node's profile";
		return PBA_NOT_AUTHORIZED_FOR_IPV4_HOA;
	}
	err = take_own(j, p, addr);
	if (!err) {
		*out = home4_of(p, addr);
		return PBA_ACCEPTED;
	}
	*why = err == -ENOMEM ? "no memory" : "an IPv4 home address that is in use";
	return err == -ENOMEM ? PBA_INSUFFICIENT_RESOURCES : PBA_NOT_AUTHORIZED_FOR_IPV4_HOA;
}

/* The address may be of several pools, each of another domain. */
static enum pba_status take_by_name(const struct lma_job *j, struct in_addr addr, struct home4 *out,
				    const char **why)
{
	const struct lma_conf *c = &j->l->conf;
	enum pba_status s = PBA_NOT_AUTHORIZED_FOR_IPV4_HOA;

	*why = "an IPv4 home address that is not ours, or of a pool that is not the node's";
	for (unsigned i = 0; i < c->n_pools4 && s != PBA_ACCEPTED; i++)
		if (lma_home4_pool_allowed(j->profile, &c->pools4[i]) &&
		    pool4_owns(c->pools4[i].pool, addr))
			s = take_this(j, &c->pools4[i], addr, out, why);
	return s;
}

static enum pba_status take_asked(const struct lma_job *j, struct home4 *out, const char **why)
{
	const struct in_addr asked = j->req->hoa4.addr, own = j->profile->home4;

	if (own.s_addr && own.s_addr != asked.s_addr) {
		*why = "not the IPv4 home address of the node's profile";
		return PBA_NOT_AUTHORIZED_FOR_IPV4_HOA;
	}
	return take_by_name(j, asked, out, why);
}

static enum pba_status take_from_pools(const struct lma_job *j, struct home4 *out, const char **why)
{
	const struct lma_conf *c = &j->l->conf;
	bool may = false, keyless = false;
	struct in_addr addr;

	for (unsigned i = 0; i < c->n_pools4; i++) {
		struct lma_pool4 *p = &c->pools4[i];

		if (!lma_home4_pool_allowed(j->profile, p))
			continue;
		if (!key_offered(j, p)) {
			keyless = true;
			continue;
		}
		may = true;
		while (!pool4_take(p->pool, &addr)) {
			if (is_of_a_profile(j->l, p, addr)) {
				p->aside++;
				continue;
			}
			*out = home4_of(p, addr);
			return PBA_ACCEPTED;
		}
	}
	if (keyless && !may) {
		*why = no_key;
		return PBA_GRE_KEY_REQUIRED;
	}
	*why = may ? "the IPv4 pools are used up" : "no IPv4 pool for the node";
	return PBA_INSUFFICIENT_RESOURCES;
}

/* The profile's own address, when no other session of the node has it. */
static enum pba_status take_any(const struct lma_job *j, struct home4 *out, const char **why)
{
	const struct in_addr own = j->profile->home4;
	enum pba_status s;

	if (!own.s_addr)
		return take_from_pools(j, out, why);
	if (!in_allowed_pool(j, own)) {
		*why = "the profile has an IPv4 home address that is in no pool";
		return PBA_INSUFFICIENT_RESOURCES;
	}
	s = take_by_name(j, own, out, why);
	return s == PBA_NOT_AUTHORIZED_FOR_IPV4_HOA ? take_from_pools(j, out, why) : s;
}

enum pba_status lma_home4_assign(struct lma_job *j, struct home4 *out, const char **why)
{
	return j->req->hoa4.addr.s_addr ? take_asked(j, out, why) : take_any(j, out, why);
}

/* Looks for the pool's own entries from its lowest address on, where most of them are. */
static void settle(struct lma *l, struct lma_pool4 *p)
{
	const struct prefix4 *net = pool4_network(p->pool);
	const uint32_t first = ntohl(net->addr.s_addr);
	uint32_t left = p->aside;

	for (uint32_t n = 0; left && n <= ~ntohl(prefix4_mask(net->len).s_addr); n++) {
		const struct in_addr addr = {htonl(first + n)};

		if (!pool4_in_use(p->pool, addr) || bce_by_addr4(l->cache, p->domain, addr))
			continue;
		left--;
		if (is_of_a_profile(l, p, addr))
			continue;
		pool4_release(p->pool, addr);
		p->aside--;
	}
}

void lma_home4_settle(struct lma *l)
{
	for (unsigned i = 0; i < l->conf.n_pools4; i++)
		settle(l, &l->conf.pools4[i]);
}

void lma_home4_release(struct lma *l, const struct home4 *h)
{
	struct lma_pool4 *p;

	if (!home4_is_set(h))
		return;
	p = lma_conf_pool4_of(&l->conf, h->domain, h->addr);
	if (p)
		pool4_release(p->pool, h->addr);
}
