/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MAG as an instance: configuration, reload, time, and what is shown of it. */
#include "mag/mag_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNTER_OF_STATUS(status, sym, name, ev, clause) \
	{name, "answers with status " #status ", " clause},

#define COUNTER_OF_BRA(status, sym, name) \
	{name, "revocations answered with status " #status ", RFC 5846 5.2"},

static const struct counter_desc counter_desc[] = {
	MAG_COUNTERS(COUNTER_DESC) MAG_STATUS_ROWS(COUNTER_OF_STATUS) MAG_BRA_ROWS(COUNTER_OF_BRA)};

struct mag_lma *mag_lma_by_addr(const struct mag *m, const struct in6_addr *addr)
{
	struct mag_lma *l;

	for (l = m->lmas; l; l = l->next) {
		if (addr6_eq(&l->info.addr, addr))
			return l;
	}
	return NULL;
}

const struct in6_addr *mag_coa(const struct mag *m, const struct in6_addr *lmaa)
{
	return addr_is_ip4(lmaa) ? &m->cfg.ipv4_proxy_coa : &m->cfg.proxy_coa;
}

bool mag_entitled(const struct profile *p)
{
	return !p || (p->enabled && (p->ipv4 || !p->no_ipv6));
}

const struct profile *mag_profile(const struct mag *m, const struct mnid *id)
{
	const struct profiles *ps = &m->profiles;
	const struct profile *p = ps->by_mnid(ps->ctx, id);

	return p ? p : ps->fallback(ps->ctx, id);
}

bool mag_wants_local_routing(const struct mag *m, const struct mnid *id)
{
	const struct profile *p = mag_profile(m, id);

	return p && p->local_routing >= 0 ? p->local_routing : m->cfg.enable_mag_local_routing;
}

void mag_log(struct mag *m, const struct mag_session *s, struct log_limit *limit, nsec_t now,
	     enum log_class cls, const char *fmt, ...)
{
	char id[MH_NAI_MAX + 1], text[256];
	va_list ap;

	if (cls > log_level())
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mnid_str(&s->b.mnid, id, sizeof(id));
	if (limit)
		log_limited(limit, now, cls, "mag[%s]{%s} %s", id, mag_state_name(s->state), text);
	else
		log_msg(cls, "mag[%s]{%s} %s", id, mag_state_name(s->state), text);
}

/* ---- configuration */

/* Fit to be a Proxy-CoA or an LMA's address, of one family or the other. */
static bool is_fit(const struct in6_addr *a, bool ip4)
{
	if (addr_is_ip4(a) != ip4)
		return false;
	return ip4 ? addr4_is_unicast_routable(addr_to_ip4(a)) : addr6_is_unicast_routable(a);
}

static const char *cfg_fault(const struct mag_cfg *cfg)
{
	bool need[2] = {false, false}; /* IPv6, IPv4 transport */
	unsigned i, j;

	if (!cfg->n_lmas)
		return "mag.lmas";
	for (i = 0; i < cfg->n_lmas; i++) {
		bool ip4 = addr_is_ip4(&cfg->lmas[i].addr);

		need[ip4] = true;
		if (!is_fit(&cfg->lmas[i].addr, ip4))
			return "mag.lmas";
		for (j = 0; j < i; j++) {
			if (addr6_eq(&cfg->lmas[i].addr, &cfg->lmas[j].addr))
				return "mag.lmas";
		}
	}
	if ((need[false] || !addr6_is_zero(&cfg->proxy_coa)) && !is_fit(&cfg->proxy_coa, false))
		return "mag.proxy-coa";
	if ((need[true] || !addr6_is_zero(&cfg->ipv4_proxy_coa)) &&
	    !is_fit(&cfg->ipv4_proxy_coa, true))
		return "mag.ipv4-proxy-coa";
	if (cfg->gre > MAG_GRE_KEYS)
		return "mag.gre";
	if (!cfg->max_bindings)
		return "mag.max-bindings";
	if (cfg->lifetime < MH_LIFETIME_UNIT)
		return "mag.lifetime";
	if (!cfg->refresh_percent || cfg->refresh_percent > 99)
		return "mag.refresh-percent";
	if (!cfg->initial_bindack_timeout_ms)
		return "mag.initial-bindack-timeout";
	if (cfg->max_bindack_timeout_ms < cfg->initial_bindack_timeout_ms)
		return "mag.max-bindack-timeout";
	/* RFC 5213 9.3 */
	if (cfg->mobile_node_generated_timestamp_in_use && !cfg->timestamp_based_approach_in_use)
		return "domain.mobile-node-generated-timestamp-in-use";
	if (!addr6_is_zero(&cfg->fixed_mag_link_local_address_on_all_access_links) &&
	    !addr6_is_linklocal(&cfg->fixed_mag_link_local_address_on_all_access_links))
		return "domain.fixed-mag-link-local-address-on-all-access-links";
	if (!memchr(cfg->realm, 0, sizeof(cfg->realm)))
		return "domain.realm";
	if (!memchr(cfg->identity, 0, sizeof(cfg->identity)))
		return "mag.identity";
	return mag_fho_fault(cfg);
}

static struct mag_lma *lma_new(const struct mag_lma_cfg *cfg)
{
	struct mag_lma *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	snprintf(l->name, sizeof(l->name), "%.*s", (int)sizeof(l->name) - 1, cfg->name);
	l->info.name = l->name;
	l->info.addr = cfg->addr;
	return l;
}

static void lmas_free(struct mag_lma *l)
{
	struct mag_lma *next;

	for (; l; l = next) {
		next = l->next;
		free(l);
	}
}

/* A fresh chain in the order of the configuration, or NULL without memory. */
static struct mag_lma *lmas_new(const struct mag_cfg *cfg)
{
	struct mag_lma *head = NULL, **tail = &head;
	unsigned i;

	for (i = 0; i < cfg->n_lmas; i++) {
		*tail = lma_new(&cfg->lmas[i]);
		if (!*tail) {
			lmas_free(head);
			return NULL;
		}
		tail = &(*tail)->next;
	}
	return head;
}

static void take_cfg(struct mag *m, const struct mag_cfg *cfg)
{
	m->cfg = *cfg;
	m->cfg.lmas = NULL;
	m->cfg.n_lmas = 0;
	m->cfg.neighbours = NULL;
	m->cfg.n_neighbours = 0;
}

int mag_new(struct mag **out, const struct mag_cfg *cfg, const struct env *env,
	    struct dataplane *dp, struct tunnels *tunnels, const struct profiles *profiles,
	    const struct link_ops *links, const struct event_sink *sink)
{
	uint8_t seed[HTABLE_SEED_LEN];
	struct mag *m;

	if (cfg_fault(cfg))
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->env = env;
	m->dp = dp;
	m->tunnels = tunnels;
	m->profiles = *profiles;
	m->links = links;
	m->sink = sink;
	mag_end_init(m);
	m->news = (struct log_limit){.burst = 50, .every = nsec_from_ms(20)};
	take_cfg(m, cfg);
	env->random(env->ctx, seed, sizeof(seed));
	env->random(env->ctx, &m->seq, sizeof(m->seq));
	m->lmas = lmas_new(cfg);
	if (!m->lmas || bul_new(&m->bul, seed) || mag_peers_new(m, cfg) ||
	    mag_fho_new(m, cfg, seed)) {
		mag_free(&m);
		return -ENOMEM;
	}
	*out = m;
	return 0;
}

void mag_free(struct mag **p)
{
	struct mag *m = *p;
	struct bule *e;

	if (!m)
		return;
	m->store = NULL;
	while (m->bul && (e = bul_first(m->bul)))
		mag_session_free(m, mag_session_of(e));
	mag_find_free(m);
	bul_free(&m->bul);
	mag_fho_free(m);
	mag_peers_free(m);
	mag_end_free(m);
	mag_revoke_free(m);
	lmas_free(m->lmas);
	free(m);
	*p = NULL;
}

/* An LMA that disappears from the configuration must have no sessions left. */
static bool lmas_in_use(struct mag *m, const struct mag_cfg *cfg)
{
	struct mag_lma *l;
	struct bule *e;
	unsigned i;

	for (l = m->lmas; l; l = l->next) {
		l->configured = false;
		for (i = 0; i < cfg->n_lmas; i++) {
			if (addr6_eq(&cfg->lmas[i].addr, &l->info.addr))
				l->configured = true;
		}
	}
	for (e = bul_first(m->bul); e; e = bul_next(e)) {
		if (!mag_session_of(e)->lma->configured)
			return true;
	}
	return false;
}

/* Known LMAs keep their object, for sessions point to it; `fresh` lends its place and its name. */
static void lmas_adopt(struct mag *m, struct mag_lma *fresh)
{
	struct mag_lma **at, *old, **from;

	for (at = &fresh; *at; at = &(*at)->next) {
		for (from = &m->lmas; *from; from = &(*from)->next) {
			if (addr6_eq(&(*from)->info.addr, &(*at)->info.addr))
				break;
		}
		if (!*from)
			continue;
		old = *from;
		*from = old->next;
		memcpy(old->name, (*at)->name, sizeof(old->name));
		old->no_gre = old->no_global = false;
		old->next = (*at)->next;
		free(*at);
		*at = old;
	}
	lmas_free(m->lmas);
	m->lmas = fresh;
}

/* Policy may have changed for nodes that are here, and on their LMAs too: what those refused may be
 * asked for again. */
static void apply_policy(struct mag *m, nsec_t now)
{
	struct bule *e, *next;

	for (e = bul_first(m->bul); e; e = next) {
		struct mag_session *s = mag_session_of(e);
		const struct profile *p = mag_profile(m, &e->mnid);
		struct mag_ctx c = {.m = m, .now = now, .cause = "no longer entitled"};

		next = bul_next(e);
		if (e->parked || s->end_link)
			continue;
		s->refused4 = s->refused6 = s->short4 = s->gre_demanded = false;
		if (!mag_entitled(p)) {
			mag_step(s, MEV_DETACH, &c);
			continue;
		}
		if (mag_serve_local_routing(m, s, mag_wants_local_routing(m, &e->mnid)))
			mag_log(m, s, &m->node_limit, now, LOG_C_LOCAL,
				"local routing not changed");
		if (s->serving && home4_is_set(&e->home4) && !mag_wants4(m, s))
			mag_return_home4(m, s, "no longer entitled to IPv4", now);
	}
}

int mag_reload(struct mag *m, const struct mag_cfg *cfg, const struct profiles *profiles,
	       const char **why, nsec_t now)
{
	struct mag_neighbour *neighbours = NULL;
	struct mag_lma *fresh;

	*why = cfg_fault(cfg);
	if (*why)
		return -EINVAL;
	if (!addr6_eq(&cfg->proxy_coa, &m->cfg.proxy_coa))
		*why = "mag.proxy-coa";
	else if (!addr6_eq(&cfg->ipv4_proxy_coa, &m->cfg.ipv4_proxy_coa))
		*why = "mag.ipv4-proxy-coa";
	else if (!addr6_eq(&cfg->fixed_mag_link_local_address_on_all_access_links,
			   &m->cfg.fixed_mag_link_local_address_on_all_access_links))
		*why = "domain.fixed-mag-link-local-address-on-all-access-links";
	else if (!mac_eq(&cfg->fixed_mag_link_layer_address_on_all_access_links,
			 &m->cfg.fixed_mag_link_layer_address_on_all_access_links))
		*why = "domain.fixed-mag-link-layer-address-on-all-access-links";
	else if (lmas_in_use(m, cfg))
		*why = "mag.lmas";
	if (*why)
		return -EBUSY;
	fresh = lmas_new(cfg);
	if (!fresh || mag_fho_prepare(cfg, &neighbours) || mag_peers_set(m, cfg)) {
		mag_fho_abandon(neighbours);
		lmas_free(fresh);
		*why = "out of memory";
		return -ENOMEM;
	}
	mag_fho_commit(m, neighbours, now);
	lmas_adopt(m, fresh);
	take_cfg(m, cfg);
	m->profiles = *profiles;
	mag_peers_reloaded(m, now);
	apply_policy(m, now);
	return 0;
}

/* ---- time */

nsec_t mag_next(const struct mag *m)
{
	return deadline_next(&m->timers);
}

void mag_tick(struct mag *m, nsec_t now)
{
	deadline_run(&m->timers, m, now);
}

/* ---- what is shown */

bool mag_serves_addr(const struct mag *m, const struct in6_addr *addr)
{
	if (addr6_is_zero(addr))
		return false;
	return addr6_eq(addr, &m->cfg.proxy_coa) || addr6_eq(addr, &m->cfg.ipv4_proxy_coa);
}

bool mag_knows_lma(const struct mag *m, const struct in6_addr *addr)
{
	return mag_lma_by_addr(m, addr) != NULL;
}

size_t mag_count(const struct mag *m)
{
	return bul_count(m->bul) - m->n_released;
}

void mag_walk(const struct mag *m, nsec_t now, void (*cb)(void *ctx, const struct mag_binding *b),
	      void *ctx)
{
	const struct in6_addr *fixed = &m->cfg.fixed_mag_link_local_address_on_all_access_links;
	struct bule *e;

	for (e = bul_first(m->bul); e; e = bul_next(e)) {
		const struct mag_session *s = mag_session_of(e);
		struct mag_binding b = {
			.mnid = e->mnid,
			.node = mag_node(s),
			.ifname = s->no_link ? s->ifname : NULL,
			.att = e->att,
			.lmaa = e->lmaa,
			.lma_name = s->lma->name,
			.prefixes = e->prefixes,
			.n_prefixes = e->n_prefixes,
			.home4 = e->home4,
			.encap = (enum dp_encap)s->encap,
			.down_key = s->down_key,
			.up_key = s->up_key,
			.dhcp_relay = s->dhcp_relay,
			.vendors = s->vendors,
			.link_local = addr6_is_zero(fixed) ? e->link_local : *fixed,
			.state = mag_state_name(s->state),
			.lifetime_s = e->lifetime_s,
			.remaining_s =
				s->unrouted ? 0
					    : (uint32_t)(nsec_sub(e->expires, now) / NSEC_PER_SEC),
			.seq = e->seq,
			.retransmissions = s->req.open && e->rtx.sent ? e->rtx.sent - 1 : 0,
			.last_status = s->last_status,
			.session = e->session,
			.tunnel = e->tunnel,
		};

		if (s->state != MST_RELEASED)
			cb(ctx, &b);
	}
}

void mag_walk_lmas(const struct mag *m, void (*cb)(void *ctx, const struct mag_lma_info *i),
		   void *ctx)
{
	const struct mag_lma *l;

	for (l = m->lmas; l; l = l->next) {
		struct mag_lma_info info = l->info;

		heartbeat_info(m->heartbeat, &info.addr, &info.heartbeat);
		cb(ctx, &info);
	}
}

struct counter_set mag_counters(const struct mag *m)
{
	return (struct counter_set){
		.module = "mag",
		.desc = counter_desc,
		.value = m->counter,
		.n = ARRAY_SIZE(counter_desc),
	};
}
