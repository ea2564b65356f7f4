/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lma/lma_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* RFC 6275 6.1.7: a lifetime shorter than its unit would be a de-registration */
#define LIFETIME_MIN MH_LIFETIME_UNIT

static bool overlap(const struct prefix6 *a, const struct prefix6 *b)
{
	return prefix6_contains(a, b) || prefix6_contains(b, a);
}

bool lma_conf_addr_ok(const struct in6_addr *addr)
{
	return addr_is_ip4(addr) ? addr4_is_unicast_routable(addr_to_ip4(addr))
				 : addr6_is_unicast_routable(addr);
}

static bool addrs_ok(const struct lma_cfg *cfg)
{
	if (!cfg->n_addrs || cfg->n_addrs > LMA_ADDRS_MAX)
		return false;
	for (unsigned i = 0; i < cfg->n_addrs; i++) {
		if (!lma_conf_addr_ok(&cfg->addrs[i]))
			return false;
		for (unsigned j = 0; j < i; j++)
			if (addr6_eq(&cfg->addrs[i], &cfg->addrs[j]))
				return false;
	}
	return true;
}

static bool pools_ok(const struct lma_cfg *cfg)
{
	for (unsigned i = 0; i < cfg->n_pools; i++)
		for (unsigned j = 0; j < i; j++)
			if (overlap(&cfg->pools[i].prefix, &cfg->pools[j].prefix) ||
			    !strcmp(cfg->pools[i].name, cfg->pools[j].name))
				return false;
	return true;
}

/* Networks of several domains may overlap, which is what domains are for. */
static bool pools4_ok(const struct lma_cfg *cfg)
{
	for (unsigned i = 0; i < cfg->n_pools4; i++) {
		const struct lma_pool4_cfg *a = &cfg->pools4[i];

		if (!addr4_is_unicast_routable(lma_pool4_router(a)))
			return false;
		for (unsigned j = 0; j < i; j++) {
			const struct lma_pool4_cfg *b = &cfg->pools4[j];

			if (!strcmp(a->name, b->name) ||
			    (a->domain == b->domain && prefix4_overlaps(&a->prefix, &b->prefix)))
				return false;
		}
	}
	return true;
}

static bool mag_ok(const struct lma_mag_cfg *m)
{
	return lma_conf_addr_ok(&m->addr) && m->n_allow <= ARRAY_SIZE(m->allow) &&
	       m->n_realms <= ARRAY_SIZE(m->realms);
}

static bool cfg_ok(const struct lma_cfg *cfg)
{
	/* RFC 5213 9.3: the second flag is relevant only with the first */
	if (cfg->mobile_node_generated_timestamp_in_use && !cfg->timestamp_based_approach_in_use)
		return false;
	return cfg->max_bindings && cfg->max_lifetime >= LIFETIME_MIN &&
	       cfg->n_services <= LMA_SERVICES_MAX && addrs_ok(cfg) && pools_ok(cfg) &&
	       pools4_ok(cfg);
}

static int add_pools(struct lma_conf *c, const struct lma_cfg *cfg)
{
	c->pools = calloc(cfg->n_pools ? cfg->n_pools : 1, sizeof(*c->pools));
	if (!c->pools)
		return -ENOMEM;
	for (unsigned i = 0; i < cfg->n_pools; i++) {
		int err = pool_new(&c->pools[i].pool, &cfg->pools[i].prefix);

		if (err)
			return err;
		memcpy(c->pools[i].name, cfg->pools[i].name, sizeof(c->pools[i].name));
		c->pools[i].name[sizeof(c->pools[i].name) - 1] = '\0';
		c->n_pools++;
	}
	return 0;
}

static int add_pools4(struct lma_conf *c, const struct lma_cfg *cfg)
{
	c->pools4 = calloc(cfg->n_pools4 ? cfg->n_pools4 : 1, sizeof(*c->pools4));
	if (!c->pools4)
		return -ENOMEM;
	for (unsigned i = 0; i < cfg->n_pools4; i++) {
		const struct lma_pool4_cfg *from = &cfg->pools4[i];
		struct lma_pool4 *to = &c->pools4[i];
		int err = pool4_new(&to->pool, &from->prefix, lma_pool4_router(from));

		if (err)
			return err;
		memcpy(to->name, from->name, sizeof(to->name));
		to->name[sizeof(to->name) - 1] = '\0';
		to->domain = from->domain;
		c->n_pools4++;
	}
	return 0;
}

static int add_statics(struct lma_conf *c, const struct lma_cfg *cfg)
{
	const unsigned n = cfg->n_static_prefixes;

	c->statics = calloc(n ? n : 1, sizeof(*c->statics));
	if (!c->statics)
		return -ENOMEM;
	if (n)
		memcpy(c->statics, cfg->static_prefixes, n * sizeof(*c->statics));
	c->n_statics = n;
	return 0;
}

static int add_mags(struct lma_conf *c, const struct lma_cfg *cfg)
{
	for (unsigned i = 0; i < cfg->n_mags; i++) {
		struct lma_mag *m;

		if (!mag_ok(&cfg->mags[i]) || lma_conf_mag(c, &cfg->mags[i].addr))
			return -EINVAL;
		m = calloc(1, sizeof(*m));
		if (!m)
			return -ENOMEM;
		m->cfg = cfg->mags[i];
		m->cfg.name[sizeof(m->cfg.name) - 1] = '\0';
		m->cfg.identity[sizeof(m->cfg.identity) - 1] = '\0';
		for (unsigned r = 0; r < m->cfg.n_realms; r++)
			m->cfg.realms[r][sizeof(m->cfg.realms[r]) - 1] = '\0';
		/* what sessions do is news, but a storm of them must not fill the log */
		m->sessions.burst = 50;
		m->sessions.every = nsec_from_ms(20);
		HASH_ADD(hh, c->mags, cfg.addr, sizeof(m->cfg.addr), m);
		if (m->oom) {
			free(m);
			return -ENOMEM;
		}
	}
	return 0;
}

int lma_conf_new(struct lma_conf *out, const struct lma_cfg *cfg)
{
	struct lma_conf c = {.cfg = *cfg};
	int err;

	if (!cfg_ok(cfg))
		return -EINVAL;
	c.cfg.pools = NULL;
	c.cfg.pools4 = NULL;
	c.cfg.mags = NULL;
	c.cfg.static_prefixes = NULL;
	for (unsigned i = 0; i < c.cfg.n_services; i++)
		c.cfg.services[i][sizeof(c.cfg.services[i]) - 1] = '\0';
	err = add_pools(&c, cfg);
	if (!err)
		err = add_pools4(&c, cfg);
	if (!err)
		err = add_statics(&c, cfg);
	if (!err)
		err = add_mags(&c, cfg);
	if (err) {
		lma_conf_clear(&c);
		return err;
	}
	*out = c;
	return 0;
}

void lma_conf_clear(struct lma_conf *c)
{
	struct lma_mag *m, *next;

	HASH_ITER (hh, c->mags, m, next) {
		HASH_DEL(c->mags, m);
		lma_owed_free(m);
		free(m);
	}
	for (unsigned i = 0; i < c->n_pools; i++)
		pool_free(&c->pools[i].pool);
	for (unsigned i = 0; i < c->n_pools4; i++)
		pool4_free(&c->pools4[i].pool);
	free(c->pools);
	free(c->pools4);
	free(c->statics);
	memset(c, 0, sizeof(*c));
}

struct lma_mag *lma_conf_mag(const struct lma_conf *c, const struct in6_addr *addr)
{
	struct lma_mag *m;

	HASH_FIND(hh, c->mags, addr, sizeof(*addr), m);
	return m;
}

bool lma_conf_serves(const struct lma_conf *c, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < c->cfg.n_addrs; i++)
		if (addr6_eq(&c->cfg.addrs[i], addr))
			return true;
	return false;
}

void lma_conf_note_path(const struct lma_conf *c, struct lma_mag *m, const struct bce_reg *reg)
{
	for (unsigned i = 0; i < c->cfg.n_addrs; i++)
		if (addr6_eq(&c->cfg.addrs[i], &reg->lmaa))
			m->lmaas |= (uint16_t)(1u << i);
	m->port = reg->port;
}

void lma_conf_announce_pool(struct lma *l, const struct pool *p)
{
	const struct prefix6 *aggregate = pool_aggregate(p);
	int err = l->dp->ops->pool_put(l->dp, aggregate, (uint32_t)pool_size(p));
	char text[PREFIX6_STRLEN];

	/* the prefixes work without the index, only slower */
	if (err)
		log_msg(LOG_C_LOCAL, "lma: the data plane does not index pool %s: %s",
			prefix6_str(aggregate, text), strerror(-err));
}

void lma_conf_announce_pool4(struct lma *l, const struct lma_pool4 *p)
{
	const struct prefix4 *net = pool4_network(p->pool);
	int err =
		l->dp->ops->pool4_put(l->dp, p->domain, net->addr, net->len, 1u << (32 - net->len));
	char text[PREFIX4_STRLEN];

	/* as with prefixes */
	if (err)
		log_msg(LOG_C_LOCAL, "lma: the data plane does not index pool %s: %s",
			prefix4_str(net, text), strerror(-err));
}

struct lma_pool4 *lma_conf_pool4_of(const struct lma_conf *c, uint16_t domain, struct in_addr addr)
{
	for (unsigned i = 0; i < c->n_pools4; i++)
		if (c->pools4[i].domain == domain &&
		    prefix4_has_addr(pool4_network(c->pools4[i].pool), addr))
			return &c->pools4[i];
	return NULL;
}

struct lma_pool4 *lma_conf_pool4_like(const struct lma_conf *c, const struct lma_pool4 *p)
{
	for (unsigned i = 0; i < c->n_pools4; i++) {
		struct lma_pool4 *q = &c->pools4[i];

		if (q->domain == p->domain &&
		    prefix4_eq(pool4_network(q->pool), pool4_network(p->pool)) &&
		    pool4_router(q->pool).s_addr == pool4_router(p->pool).s_addr)
			return q;
	}
	return NULL;
}

struct pool *lma_conf_pool_of(const struct lma_conf *c, const struct prefix6 *p)
{
	for (unsigned i = 0; i < c->n_pools; i++)
		if (pool_owns(c->pools[i].pool, p))
			return c->pools[i].pool;
	return NULL;
}

bool lma_conf_owns(const struct lma_conf *c, const struct prefix6 *p)
{
	for (unsigned i = 0; i < c->n_statics; i++)
		if (prefix6_contains(&c->statics[i], p))
			return true;
	return lma_conf_pool_of(c, p);
}
