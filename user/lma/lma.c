/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lma/lma_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* ---- life */

int lma_new(struct lma **out, const struct lma_cfg *cfg, const struct env *env,
	    struct dataplane *dp, struct tunnels *tunnels, const struct profiles *profiles,
	    const struct event_sink *sink)
{
	struct lma *l = calloc(1, sizeof(*l));
	uint8_t seed[HTABLE_SEED_LEN];
	int err;

	if (!l)
		return -ENOMEM;
	l->env = env;
	l->dp = dp;
	l->tunnels = tunnels;
	l->sink = sink;
	l->profiles = *profiles;
	l->restores = (struct log_limit){.burst = 50, .every = nsec_from_ms(20)};
	(env->random)(env->ctx, seed, sizeof(seed));
	err = lma_conf_new(&l->conf, cfg);
	if (!err)
		err = bce_cache_new(&l->cache, seed);
	if (!err)
		err = lma_peers_new(l);
	if (err) {
		bce_cache_free(&l->cache);
		lma_conf_clear(&l->conf);
		free(l);
		return err;
	}
	for (unsigned i = 0; i < l->conf.n_pools; i++)
		lma_conf_announce_pool(l, l->conf.pools[i].pool);
	for (unsigned i = 0; i < l->conf.n_pools4; i++)
		lma_conf_announce_pool4(l, &l->conf.pools4[i]);
	*out = l;
	return 0;
}

static void withdraw(void *ctx, struct bce *b)
{
	struct lma *l = ctx;

	l->dp->ops->session_del(l->dp, b->session);
	lma_forward_forget_late(l, b);
	tunnel_put(l->tunnels, b->tunnel);
}

void lma_free(struct lma **p)
{
	struct lma *l = *p;

	if (!l)
		return;
	l->store = NULL; /* what is in it stays */
	while (l->holds)
		lma_hold_free(l->holds);
	lma_reply_clear(l);
	lma_peers_free(l);
	lma_dooms_free(l);
	bce_walk(l->cache, withdraw, l);
	bce_cache_free(&l->cache);
	lma_conf_clear(&l->conf);
	free(l);
	*p = NULL;
}

/* ---- messages and time */

static void tell_received(const struct lma *l, const struct lma_req *r, const struct mh_msg *msg,
			  nsec_t now)
{
	const struct event ev = {
		.type = EV_MSG_RCVD,
		.role = "lma",
		.now = now,
		.mnid = r->mnid.len ? &r->mnid : NULL,
		.peer = &r->src,
		.msg = msg,
	};

	event_emit(l->sink, &ev);
}

/* A stranger costs a look-up, a counter and, now and then, a line. */
static void ignore_stranger(struct lma *l, const struct packet *pkt, enum lma_counter c,
			    const char *why, nsec_t now)
{
	const struct event ev = {
		.type = EV_REFUSED,
		.role = "lma",
		.now = now,
		.peer = &pkt->src,
		.cause = why,
	};
	char src[ADDR6_STRLEN];

	lma_bump(l, c);
	if (log_level() >= LOG_C_AUTH)
		log_limited(&l->unknown_sources, now, LOG_C_AUTH, "lma: message of %s ignored: %s",
			    addr_str(&pkt->src, src), why);
	event_emit(l->sink, &ev);
}

static bool coa_ok(const struct lma_req *r)
{
	return lma_req_is_ip4(r) ? lma_conf_addr_ok(&r->coa) : addr6_is_unicast_routable(&r->coa);
}

/* RFC 5149 4.2: who may not have the service loses the binding as well. */
static void end_unserved(struct lma_job *j)
{
	lma_lookup(j->l, j->req, &j->lookup);
	if (j->lookup.kind != LMA_LOOKUP_UPDATE || !lma_mags_may_serve(j, j->lookup.bce))
		return;
	/* the refusal tells its MAG, unless that is another */
	if (addr6_eq(&j->lookup.bce->reg.proxy_coa, &j->req->coa))
		lma_binding_step(j->l, j->lookup.bce, LMA_EV_DELETED, j->now);
	else
		lma_revoke_end(j->l, j->lookup.bce, BR_ADMINISTRATIVE, j->now);
}

/* It does not say what it is about: hardly heartbeats, when they have been answered. */
static void receive_binding_error(struct lma *l, const struct packet *pkt, const struct mh_msg *msg,
				  nsec_t now)
{
	struct heartbeat_info info;

	if (heartbeat_info(l->heartbeat, &pkt->src, &info) && info.state == HB_UP &&
	    revocation_binding_error(l->revocation, pkt, msg, now))
		return;
	if (!heartbeat_binding_error(l->heartbeat, pkt, msg, now))
		revocation_binding_error(l->revocation, pkt, msg, now);
}

static void receive_from_peer(struct lma *l, const struct packet *pkt, const struct mh_msg *msg,
			      nsec_t now)
{
	if (!lma_conf_serves(&l->conf, &pkt->dst))
		ignore_stranger(l, pkt, LMA_C_IGNORED_ADDRESS, "not to an LMA address", now);
	else if (msg->type == MH_HEARTBEAT)
		heartbeat_receive(l->heartbeat, pkt, msg, now);
	else if (msg->type == MH_BE)
		receive_binding_error(l, pkt, msg, now);
	else if (revocation_receive(l->revocation, pkt, msg, now))
		lma_withdraw(l, pkt, msg, now);
}

void lma_receive(struct lma *l, const struct packet *pkt, const struct mh_msg *msg, nsec_t now)
{
	struct lma_hnp hnp[MH_OPTS_MAX];
	struct lma_req r;
	struct lma_job j;
	const char *why = NULL;
	enum pba_status status;

	if (msg->type == MH_HEARTBEAT || msg->type == MH_BE || msg->type == MH_BINDING_REVOCATION) {
		receive_from_peer(l, pkt, msg, now);
		return;
	}
	if (msg->type != MH_BU || !(msg->bu.flags & MH_BU_P)) {
		lma_bump(l, LMA_C_IGNORED_NOT_PROXY);
		return;
	}
	lma_bump(l, LMA_C_PBU_RECEIVED);
	if (!lma_conf_serves(&l->conf, &pkt->dst)) {
		ignore_stranger(l, pkt, LMA_C_IGNORED_ADDRESS, "not to an LMA address", now);
		return;
	}
	if (!lma_conf_addr_ok(&pkt->src)) {
		ignore_stranger(l, pkt, LMA_C_IGNORED_SOURCE, "source not unicast", now);
		return;
	}
	if (!lma_knows_mag(l, &pkt->src)) {
		ignore_stranger(l, pkt, LMA_C_IGNORED_UNKNOWN_MAG, "not a configured MAG", now);
		return;
	}
	lma_req_read(&r, hnp, pkt, msg);
	lma_job_init(&j, l, &r, now);
	j.mag->pbu_received++;
	tell_received(l, &r, msg, now);
	if (!coa_ok(&r)) {
		lma_ignore(&j, LMA_C_IGNORED_COA, "care-of address not unicast");
		return;
	}
	status = lma_admit(&j, &why);
	if (status == PBA_SERVICE_AUTHORIZATION_FAILED)
		end_unserved(&j);
	if (status != PBA_ACCEPTED)
		lma_refuse(&j, status, why);
	else
		lma_process(&j);
}

nsec_t lma_next(const struct lma *l)
{
	return deadline_next(&l->deadlines);
}

void lma_tick(struct lma *l, nsec_t now)
{
	deadline_run(&l->deadlines, l, now);
}

/* ---- reload */

struct reload {
	struct lma *l;
	struct lma_conf *next;
	const char *why;
	int err;
};

/* Pools that stay keep what they handed out; the others are still empty. */
static void keep_pools(struct lma_conf *from, struct lma_conf *to)
{
	for (unsigned i = 0; i < to->n_pools; i++) {
		for (unsigned k = 0; k < from->n_pools; k++) {
			struct pool *old = from->pools[k].pool;

			if (!prefix6_eq(pool_aggregate(old), pool_aggregate(to->pools[i].pool)))
				continue;
			from->pools[k].pool = to->pools[i].pool;
			to->pools[i].pool = old;
		}
	}
	for (unsigned i = 0; i < to->n_pools4; i++) {
		struct lma_pool4 *old = lma_conf_pool4_like(from, &to->pools4[i]);
		struct pool4 *fresh = to->pools4[i].pool;

		if (!old)
			continue;
		to->pools4[i].pool = old->pool;
		to->pools4[i].aside = old->aside;
		old->pool = fresh;
	}
}

static bool has_pool(const struct lma_conf *c, const struct pool *p)
{
	for (unsigned i = 0; i < c->n_pools; i++)
		if (prefix6_eq(pool_aggregate(c->pools[i].pool), pool_aggregate(p)))
			return true;
	return false;
}

static void check_home4(struct reload *r, const struct bce *b)
{
	const struct home4 h = bce_home4(b);
	const struct lma_pool4 *was;

	if (r->err || !home4_is_set(&h))
		return;
	was = lma_conf_pool4_of(&r->l->conf, h.domain, h.addr);
	if (was && lma_conf_pool4_like(r->next, was))
		return;
	r->err = -EBUSY;
	r->why = "lma.ipv4-pools: bindings use a pool that would go or change";
}

/* A binding must find its addresses in the new configuration, and an added pool must not hand out
 * what a binding has. */
static void check_binding(void *ctx, struct bce *b)
{
	struct reload *r = ctx;

	if (!lma_conf_serves(r->next, &b->reg.lmaa)) {
		r->err = -EBUSY;
		r->why = "lma.addresses: bindings use an address that would go";
	}
	for (unsigned i = 0; i < b->n_prefixes && !r->err; i++) {
		const struct prefix6 p = bce_prefix(b, i);
		const struct pool *was = lma_conf_pool_of(&r->l->conf, &p);
		struct pool *is = lma_conf_pool_of(r->next, &p);

		if (was && !has_pool(r->next, was)) {
			r->err = -EBUSY;
			r->why = "lma.pools: bindings use a pool that would go";
		} else if (!was && !lma_conf_owns(r->next, &p)) {
			r->err = -EBUSY;
			r->why = "lma.static-prefixes: bindings use a prefix that would go";
		} else if (!was && is && pool_take_this(is, &p)) {
			r->err = -ENOMEM;
			r->why = "no memory";
		}
	}
	check_home4(r, b);
}

static void recount(void *ctx, struct bce *b)
{
	struct lma *l = ctx;
	struct lma_mag *m = lma_conf_mag(&l->conf, &b->reg.proxy_coa);

	if (!m)
		return;
	m->bindings++;
	lma_conf_note_path(&l->conf, m, &b->reg);
}

static void keep_mag_state(const struct lma_conf *from, struct lma_conf *to)
{
	for (struct lma_mag *m = to->mags; m; m = m->hh.next) {
		struct lma_mag *old = lma_conf_mag(from, &m->cfg.addr);

		if (!old)
			continue;
		m->pbu_received = old->pbu_received;
		m->pbu_rejected = old->pbu_rejected;
		m->refusals = old->refusals;
		m->owed = old->owed;
		m->owed_last = old->owed_last;
		m->owed_open = old->owed_open;
		m->n_owed = old->n_owed;
		old->owed = NULL;
		while (old->paying)
			lma_rev_put(old->paying, &m->paying);
	}
}

int lma_reload(struct lma *l, const struct lma_cfg *cfg, const struct profiles *profiles,
	       const char **why, nsec_t now)
{
	struct lma_conf next;
	struct reload r = {.l = l, .next = &next};

	r.err = lma_conf_new(&next, cfg);
	if (r.err) {
		*why = r.err == -EINVAL ? "lma: the configuration contradicts itself" : "no memory";
		return r.err;
	}
	bce_walk(l->cache, check_binding, &r);
	if (!r.err && lma_peers_set(l, &next)) {
		r.err = -ENOMEM;
		r.why = "no memory";
	}
	if (r.err) {
		lma_conf_clear(&next);
		*why = r.why;
		return r.err;
	}
	for (unsigned i = 0; i < next.n_pools; i++)
		if (!has_pool(&l->conf, next.pools[i].pool))
			lma_conf_announce_pool(l, next.pools[i].pool);
	for (unsigned i = 0; i < next.n_pools4; i++)
		if (!lma_conf_pool4_like(&l->conf, &next.pools4[i]))
			lma_conf_announce_pool4(l, &next.pools4[i]);
	keep_pools(&l->conf, &next);
	keep_mag_state(&l->conf, &next);
	lma_owed_part(l, &l->conf, now);
	lma_conf_clear(&l->conf);
	l->conf = next;
	l->profiles = *profiles;
	lma_home4_settle(l);
	bce_walk(l->cache, recount, l);
	lma_peers_reloaded(l, now);
	return 0;
}

/* ---- views */

bool lma_serves_addr(const struct lma *l, const struct in6_addr *addr)
{
	return lma_conf_serves(&l->conf, addr);
}

bool lma_knows_mag(const struct lma *l, const struct in6_addr *addr)
{
	return lma_conf_mag(&l->conf, addr);
}

size_t lma_count(const struct lma *l)
{
	return bce_count(l->cache);
}

struct show {
	const struct lma *l;
	nsec_t now;
	void (*cb)(void *ctx, const struct lma_binding *b);
	bool (*page)(void *ctx, const struct lma_binding *b);
	void *ctx;
};

static bool show_binding(void *ctx, struct bce *b)
{
	/* RFC 5213 5.1: what stands for "no link-layer identifier" */
	static const uint8_t none[2];
	const struct show *s = ctx;
	const struct lma_mag *m = lma_conf_mag(&s->l->conf, &b->reg.proxy_coa);
	const nsec_t left = nsec_sub(b->deadline.at, s->now);
	const int trigger = lma_revoke_trigger(s->l, b);
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	struct lma_binding out = {
		.mnid = bce_mnid(b),
		.llid = b->reg.llid_len ? bce_llid(b) : (struct llid){sizeof(none), none},
		.att = b->reg.att,
		.lmaa = b->reg.lmaa,
		.proxy_coa = b->reg.proxy_coa,
		.mag_name = m ? m->cfg.name : "",
		.prefixes = prefixes,
		.n_prefixes = bce_prefixes(b, prefixes),
		.home4 = bce_home4(b),
		.encap = (enum dp_encap)b->reg.encap,
		.link_local = b->reg.link_local,
		.state = lma_binding_fsm.states[b->state],
		.lifetime_s = b->reg.lifetime_s,
		.remaining_s = (uint32_t)((left + NSEC_PER_SEC - 1) / NSEC_PER_SEC),
		.timestamp = b->reg.timestamp,
		.seq = b->reg.seq,
		.handovers = b->handovers,
		.session = b->session,
		.tunnel = b->tunnel,
	};

	if (trigger >= 0)
		out.revocation = br_trigger_name((uint8_t)trigger);
	lma_forward_keys(s->l, b, &out.down_key, &out.up_key);
	if (s->page)
		return s->page(s->ctx, &out);
	s->cb(s->ctx, &out);
	return true;
}

void lma_walk(const struct lma *l, nsec_t now, void (*cb)(void *ctx, const struct lma_binding *b),
	      void *ctx)
{
	struct show s = {.l = l, .now = now, .cb = cb, .ctx = ctx};

	bce_walk_from(l->cache, 0, show_binding, &s);
}

void lma_walk_from(struct lma *l, size_t skip, nsec_t now,
		   bool (*cb)(void *ctx, const struct lma_binding *b), void *ctx)
{
	struct show s = {.l = l, .now = now, .page = cb, .ctx = ctx};

	bce_walk_from(l->cache, skip, show_binding, &s);
}

void lma_walk_pools(const struct lma *l, void (*cb)(void *ctx, const struct lma_pool_info *i),
		    void *ctx)
{
	for (unsigned i = 0; i < l->conf.n_pools; i++) {
		const struct pool *p = l->conf.pools[i].pool;
		const struct lma_pool_info info = {
			.name = l->conf.pools[i].name,
			.prefix = *pool_aggregate(p),
			.size = pool_size(p),
			.used = pool_used(p),
		};

		cb(ctx, &info);
	}
}

void lma_walk_pools4(const struct lma *l, void (*cb)(void *ctx, const struct lma_pool4_info *i),
		     void *ctx)
{
	for (unsigned i = 0; i < l->conf.n_pools4; i++) {
		const struct lma_pool4 *p = &l->conf.pools4[i];
		const struct lma_pool4_info info = {
			.name = p->name,
			.prefix = *pool4_network(p->pool),
			.domain = p->domain,
			.size = pool4_size(p->pool),
			.used = pool4_used(p->pool) - p->aside,
		};

		cb(ctx, &info);
	}
}

void lma_walk_mags(const struct lma *l, void (*cb)(void *ctx, const struct lma_mag_info *i),
		   void *ctx)
{
	for (const struct lma_mag *m = l->conf.mags; m; m = m->hh.next) {
		struct lma_mag_info info = {
			.name = m->cfg.name,
			.addr = m->cfg.addr,
			.pbu_received = m->pbu_received,
			.pbu_rejected = m->pbu_rejected,
			.bindings = m->bindings,
		};

		lma_peer_show(l, m, &info.heartbeat);
		cb(ctx, &info);
	}
}

struct counter_set lma_counters(const struct lma *l)
{
	static const struct counter_desc desc[] = {LMA_COUNTERS(COUNTER_DESC)};

	return (struct counter_set){
		.module = "lma",
		.desc = desc,
		.value = l->counter,
		.n = LMA_C_MAX,
	};
}
