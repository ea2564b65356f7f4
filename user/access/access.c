/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access/access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_priv.h"
#include "base/util.h"

#define PENDING_MAX nsec_from_s(1) /* a frame this old no longer announces a node at link-up */

static const struct counter_desc counter_desc[] = {ACCESS_COUNTERS(COUNTER_DESC)};

#define ND_COUNTER_DESC(sym, name, help) {name, help},
static const struct counter_desc nd_counter_desc[] = {ND_VERDICTS(ND_COUNTER_DESC)};

void access_cfg_init(struct access_cfg *cfg)
{
	*cfg = (struct access_cfg){
		.mac = nd_rfc6543_mac,
		.link_local = nd_rfc6543_linklocal,
		.cur_hop_limit = 64,
		.router_lifetime_s = 1800,
		.max_rtr_adv_interval_s = 600,
		.min_rtr_adv_interval_s = 200,
		.max_ra_delay_ms = 500,
		.min_delay_between_ras_ms = 3000,
		.max_nodes = 100000,
		.max_nodes_per_link = 65536,
		.attach_rate = 100,
		.retrigger_ms = 1000,
		.suspect_probe_ms = 100,
		.dhcp4_max_lease_s = 3600,
	};
}

/* ---- triggers ---- */

/* Token bucket of `rate` per second with bursts of twice that; *spent_until is its state. */
static bool bucket_take(nsec_t *spent_until, uint32_t rate, nsec_t now)
{
	nsec_t step = NSEC_PER_SEC / (rate ? rate : 1);

	if (*spent_until < now)
		*spent_until = now;
	if (*spent_until - now > step * (2 * (nsec_t)rate - 1))
		return false;
	*spent_until += step;
	return true;
}

static int offer(struct access *a, struct access_node *n, const char *cause, uint8_t hint,
		 const struct mnid *mnid, nsec_t now)
{
	const struct link_node id = n->id;
	struct mag_attachment at = {
		.node = id,
		.att = n->link->cfg.att,
		.handoff_hint = hint,
		.access_mtu = n->link->cfg.mtu,
		.mnid = mnid,
		.cause = cause,
	};
	char mac[MAC_STRLEN];
	int rc;

	n->last_offer = now;
	n->pending_cause = NULL;
	deadline_cancel(&a->deadlines, &n->offer_timer);
	if (!a->triggers.attach)
		return -ENOTCONN;
	if (!n->announced) {
		n->announced = true;
		access_emit(a, EV_ATTACH, n, cause, now);
	}
	rc = a->triggers.attach(a->triggers.ctx, &at, now);
	n = access_node_find(a, &id); /* attach may have moved things */
	if (!n)
		return rc;
	if (rc == 0) {
		if (!n->served) {
			a->counter[ACCESS_C_ATTACH]++;
			access_node_serve(n, true);
			access_nud_idle(a, n);
		}
	} else {
		a->counter[ACCESS_C_REFUSED]++;
		access_ra_withdraw(a, n, false);
		access_node_serve(n, false);
		n->announced = true; /* told once; being refused again is no news */
		access_nud_idle(a, n);
		log_limited(&n->link->log, now, LOG_C_AUTH, "access[%s %s] not served: %s (%s)",
			    n->link->cfg.name, mac_str(&id.mac, mac), strerror(-rc), cause);
	}
	return rc;
}

/* A frame or the link's coming up says that the node is there, and the MAG does not advertise to
 * it yet: tells the MAG, within the rates. */
static void offer_limited(struct access *a, struct access_node *n, const char *cause, nsec_t now)
{
	struct access_link *l = n->link;
	char mac[MAC_STRLEN];

	if (!l->up) {
		a->counter[ACCESS_C_LINK_DOWN]++;
		n->pending_cause = cause;
		return;
	}
	if (n->last_offer && now < nsec_add(n->last_offer, nsec_from_ms(a->cfg.retrigger_ms))) {
		if (!n->served)
			a->counter[ACCESS_C_RETRIGGER_LIMITED]++;
		return;
	}
	if (!bucket_take(&l->bucket, a->cfg.attach_rate, now)) {
		a->counter[ACCESS_C_RATE_LIMITED]++;
		log_limited(&l->log, now, LOG_C_REMOTE,
			    "access[%s %s] too many new nodes on this link", l->cfg.name,
			    mac_str(&n->id.mac, mac));
		return;
	}
	offer(a, n, cause, HI_RESERVED, NULL, now);
}

/* Which switch lets this message announce a node, and under what name. */
static unsigned trigger_of(const struct nd_msg *m, const char **cause)
{
	switch (m->kind) {
	case ND_RS:
		*cause = "rs";
		return ACCESS_TRIGGER_RS;
	case ND_NS:
		if (addr6_is_zero(&m->src)) {
			*cause = "dad";
			return ACCESS_TRIGGER_DAD;
		}
		*cause = "ns";
		return ACCESS_TRIGGER_NS;
	case ND_NA:
		*cause = "na";
		return ACCESS_TRIGGER_NS;
	case ND_MLD_REPORT:
		*cause = "mld";
		return ACCESS_TRIGGER_MLD;
	default:
		*cause = "other";
		return 0;
	}
}

/* A point-to-point link has one node: whoever was there before has left. */
static void replace(struct access *a, struct access_link *l, const struct access_node *by,
		    nsec_t now)
{
	struct access_node *old, *tmp;

	DL_FOREACH_SAFE (l->seen, old, tmp)
		if (old != by)
			access_node_free(a, old);
	DL_FOREACH_SAFE (l->served, old, tmp) {
		if (old == by)
			continue;
		a->counter[ACCESS_C_REPLACED]++;
		access_node_gone(a, old, "replaced", now);
	}
}

static struct access_node *new_node(struct access *a, struct access_link *l,
				    const struct link_node *id, const struct nd_msg *m, nsec_t now)
{
	struct access_node *n;
	const char *cause;
	char mac[MAC_STRLEN];

	if (!(trigger_of(m, &cause) & l->cfg.triggers)) {
		a->counter[ACCESS_C_TRIGGER_OFF]++;
		return NULL;
	}
	if (!bucket_take(&l->bucket, a->cfg.attach_rate, now)) {
		a->counter[ACCESS_C_RATE_LIMITED]++;
		log_limited(&l->log, now, LOG_C_REMOTE,
			    "access[%s %s] too many new nodes on this link", l->cfg.name,
			    mac_str(&id->mac, mac));
		return NULL;
	}
	n = access_node_get(a, id);
	if (!n) {
		log_limited(&l->log, now, LOG_C_REMOTE, "access[%s %s] no room for another node",
			    l->cfg.name, mac_str(&id->mac, mac));
		return NULL;
	}
	n->last_seen = now;
	if (l->cfg.point_to_point)
		replace(a, l, n, now);
	if (m->kind == ND_RS)
		n->rs_waiting = true;
	if (l->up) {
		offer(a, n, cause, HI_RESERVED, NULL, now);
	} else {
		a->counter[ACCESS_C_LINK_DOWN]++;
		n->pending_cause = cause;
	}
	return access_node_find(a, id);
}

/* What hosts send when they come to a link, and seldom otherwise. */
static bool is_arrival(const struct nd_msg *m)
{
	return m->kind == ND_RS || m->kind == ND_MLD_REPORT ||
	       (m->kind == ND_NS && addr6_is_zero(&m->src));
}

/* Between two offers of a served node; MAX_UPDATE_RATE is 3 per second (RFC 6275 12). */
#define OFFER_PACE nsec_from_ms(350)

/*
 * A served node behaves as if it had just come (`cause`), or was heard at all (NULL). It may have
 * been at another MAG for less time than it takes to miss it, and the LMA then points there: the
 * MAG has to register it anew (RFC 5213 6.9.1.1). What came too soon after the last time is not
 * lost, but the node may have left again when that time is over: it is asked first, and its answer
 * is the trigger. The pace is short, because what is asked late can take the binding away from a
 * MAG that the node moves to with both links up.
 */
static void offer_again(struct access *a, struct access_node *n, const char *cause, nsec_t now)
{
	const nsec_t due = nsec_add(n->last_offer, OFFER_PACE);

	if (cause)
		n->pending_cause = cause;
	if (!n->pending_cause || !n->link->up)
		return;
	if (now >= due)
		offer(a, n, n->pending_cause, HI_RESERVED, NULL, now);
	else if (!n->offer_timer.armed)
		deadline_arm(&a->deadlines, &n->offer_timer, due);
}

static void offer_fire(struct deadline *d, void *ctx, nsec_t now)
{
	struct access_node *n = container_of(d, struct access_node, offer_timer);

	if (n->advertised && n->pending_cause)
		access_nud_start(ctx, n, PROBE_VERIFY, "nud");
}

void access_offer_init(struct access_node *n)
{
	n->offer_timer.fire = offer_fire;
}

/* ---- frames ---- */

static void discard(struct access *a, struct access_link *l, enum nd_verdict v,
		    const uint8_t *frame, size_t len, nsec_t now)
{
	struct mac src = {0};
	char mac[MAC_STRLEN];

	a->nd_counter[v]++;
	if (v == ND_NOT_ND)
		return;
	if (len >= 12)
		memcpy(src.b, frame + 6, sizeof(src.b));
	log_limited(&l->log, now, LOG_C_REMOTE, "access[%s %s] frame ignored: %s", l->cfg.name,
		    mac_str(&src, mac), nd_verdict_name(v));
}

static void count_kind(struct access *a, const struct nd_msg *m)
{
	static const enum access_counter by_kind[] = {
		[ND_RS] = ACCESS_C_RS,		 [ND_RA] = ACCESS_C_ROGUE_RA,
		[ND_NS] = ACCESS_C_NS,		 [ND_NA] = ACCESS_C_NA,
		[ND_MLD_REPORT] = ACCESS_C_MLD,	 [ND_MLD_DONE] = ACCESS_C_MLD,
		[ND_ECHO_REPLY] = ACCESS_C_ECHO,
	};
	bool dad = m->kind == ND_NS && addr6_is_zero(&m->src);

	a->counter[dad ? ACCESS_C_DAD : by_kind[m->kind]]++;
}

/* Where the router's link-local address is made per link, a node that has the same comes first.
 * A fixed one (RFC 6543) is defended instead. True: the message claims it. */
static bool claims_router_ll(struct access *a, const struct access_node *n, const struct nd_msg *m,
			     nsec_t now)
{
	bool dad = m->kind == ND_NS && addr6_is_zero(&m->src);
	const struct in6_addr *claimed = dad ? &m->target : &m->src;
	const struct in6_addr ll = *access_router_ll(a, n);

	if (!addr6_is_zero(&a->cfg.link_local) || !n->advertised || !addr6_eq(claimed, &ll))
		return false;
	a->counter[ACCESS_C_LL_IN_USE]++;
	if (a->triggers.link_local_in_use)
		a->triggers.link_local_in_use(a->triggers.ctx, &n->id, &ll, now);
	return true;
}

/* Which link-local address does this message show to be the node's? A DAD target is only wanted,
 * not owned yet, so it never replaces one that is. The router's own is never a node's. */
static void learn_address(const struct access *a, struct access_node *n, const struct nd_msg *m)
{
	bool dad = m->kind == ND_NS && addr6_is_zero(&m->src);
	const struct in6_addr *shown = dad ? &m->target : &m->src;

	if (!addr6_is_linklocal(shown) || addr6_eq(shown, access_router_ll(a, n)))
		return;
	if (!dad || addr6_is_zero(&n->link_local))
		n->link_local = *shown;
}

void access_frame(struct access *a, unsigned ifindex, const uint8_t *frame, size_t len,
		  bool csum_partial, nsec_t now)
{
	struct access_link *l = access_link_find(a, ifindex);
	struct link_node id = {0};
	struct access_node *n;
	enum nd_verdict v;
	const char *cause;
	struct nd_msg m;
	char mac[MAC_STRLEN], claimed[MAC_STRLEN];

	a->counter[ACCESS_C_FRAMES]++;
	if (!l) {
		a->counter[ACCESS_C_UNKNOWN_LINK]++;
		return;
	}
	v = nd_parse(&m, frame, len, csum_partial);
	if (v != ND_OK) {
		discard(a, l, v, frame, len, now);
		return;
	}
	a->nd_counter[ND_OK]++;
	if (mac_eq(&m.eth_src, access_mac(a, l))) {
		a->counter[ACCESS_C_OWN_MAC]++;
		log_limited(&l->log, now, LOG_C_REMOTE,
			    "access[%s %s] somebody else uses the gateway's link-layer address",
			    l->cfg.name, mac_str(&m.eth_src, mac));
		return;
	}
	count_kind(a, &m);
	if (m.kind == ND_RA) {
		log_limited(&l->log, now, LOG_C_REMOTE,
			    "access[%s %s] Router Advertisement from an access link ignored",
			    l->cfg.name, mac_str(&m.eth_src, mac));
		return;
	}
	if (m.has_lladdr && !mac_eq(&m.lladdr, &m.eth_src)) {
		a->counter[ACCESS_C_LLADDR_MISMATCH]++;
		log_limited(&l->log, now, LOG_C_REMOTE,
			    "access[%s %s] %s claims link-layer address %s; not believed",
			    l->cfg.name, mac_str(&m.eth_src, mac), nd_kind_name(m.kind),
			    mac_str(&m.lladdr, claimed));
	}
	id.ifindex = ifindex;
	id.mac = m.eth_src;
	n = access_node_find(a, &id);
	if (!(n && claims_router_ll(a, n, &m, now)) && m.kind == ND_NS && addr6_is_zero(&m.src))
		access_ra_defend(a, l, &m);
	n = access_node_find(a, &id);
	if (m.kind == ND_ECHO_REPLY && (!n || m.echo_id != a->echo_id)) {
		a->counter[ACCESS_C_ECHO_FOREIGN]++;
		return;
	}
	if (!n) {
		n = new_node(a, l, &id, &m, now);
		if (!n)
			return;
		learn_address(a, n, &m);
		if (m.kind == ND_RS && !n->advertised)
			a->counter[ACCESS_C_RS_WAITING]++;
		return;
	}
	learn_address(a, n, &m);
	access_nud_alive(a, n, now);
	if (!n->advertised && (trigger_of(&m, &cause) & l->cfg.triggers)) {
		if (m.kind == ND_RS)
			access_ra_solicited(a, n, now); /* waits */
		offer_limited(a, n, cause, now);
		return;
	}
	if (m.kind == ND_RS)
		access_ra_solicited(a, n, now);
	if (n->advertised) {
		const bool told = trigger_of(&m, &cause) & l->cfg.triggers;

		offer_again(a, n, told && is_arrival(&m) ? cause : NULL, now);
	}
}

/* ---- links ---- */

int access_link_put(struct access *a, const struct access_link_cfg *cfg)
{
	struct access_link *l;

	if (!cfg->ifindex || !cfg->name[0])
		return -EINVAL;
	l = access_link_find(a, cfg->ifindex);
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return -ENOMEM;
		l->cfg.ifindex = cfg->ifindex;
		HASH_ADD(hh, a->links, cfg.ifindex, sizeof(cfg->ifindex), l);
		if (l->oom) {
			free(l);
			return -ENOMEM;
		}
	}
	l->cfg = *cfg;
	l->cfg.name[sizeof(l->cfg.name) - 1] = '\0';
	if (!l->cfg.probe_count)
		l->cfg.probe_count = 3;
	for (struct access_node *n = l->served; n; n = n->next)
		if (n->probe == PROBE_NONE && n->probe_wanted == PROBE_NONE)
			access_nud_idle(a, n); /* the interval may be another one now */
	return 0;
}

static void free_nodes(struct access *a, struct access_link *l)
{
	struct access_node *n, *tmp;

	DL_FOREACH_SAFE (l->seen, n, tmp)
		access_node_free(a, n);
	DL_FOREACH_SAFE (l->served, n, tmp)
		access_node_free(a, n);
}

static void detach_all(struct access *a, struct access_link *l, const char *cause, nsec_t now)
{
	struct access_node *n;

	l->up = false;
	DL_FOREACH (l->served, n) {
		a->counter[ACCESS_C_LINK_DETACH]++;
		access_emit(a, EV_DETACH, n, cause, now);
	}
	/* The MAG answers with withdraw(), which moves nodes from one list to the other. */
	if (l->served && a->triggers.detach_link)
		a->triggers.detach_link(a->triggers.ctx, l->cfg.ifindex, cause, now);
	free_nodes(a, l);
}

void access_link_del(struct access *a, unsigned ifindex, nsec_t now)
{
	struct access_link *l = access_link_find(a, ifindex);

	if (!l)
		return;
	detach_all(a, l, "link-gone", now);
	HASH_DEL(a->links, l);
	free(l);
}

void access_link_up(struct access *a, unsigned ifindex, nsec_t now)
{
	struct access_link *l = access_link_find(a, ifindex);
	struct access_node *n;

	if (!l || l->up)
		return;
	l->up = true;
	/* Frames and link events come on different ways, so a node may have spoken before. Each
	 * offer may change the list: look from its start again. */
	for (n = l->seen; n;) {
		const char *cause = n->pending_cause;

		n->pending_cause = NULL;
		if (cause && now <= nsec_add(n->last_seen, PENDING_MAX)) {
			offer(a, n, cause, HI_RESERVED, NULL, now);
			n = l->seen;
		} else {
			n = n->next;
		}
	}
}

void access_link_down(struct access *a, unsigned ifindex, nsec_t now)
{
	struct access_link *l = access_link_find(a, ifindex);

	if (l && l->up)
		detach_all(a, l, "link-down", now);
}

/* ---- external triggers and hints ---- */

int access_attach(struct access *a, const struct link_node *id, uint8_t handoff_hint,
		  const struct mnid *mnid, const char *cause, nsec_t now)
{
	struct access_link *l = access_link_find(a, id->ifindex);
	struct access_node *n;

	if (!l || !l->up)
		return -ENODEV;
	if (mac_is_zero(&id->mac) || mac_is_multicast(&id->mac))
		return -EINVAL;
	n = access_node_get(a, id);
	if (!n)
		return -ENOSPC;
	n->last_seen = now;
	if (l->cfg.point_to_point)
		replace(a, l, n, now);
	return offer(a, n, cause, handoff_hint, mnid, now);
}

int access_detach(struct access *a, const struct link_node *id, const char *cause, nsec_t now)
{
	struct access_node *n = access_node_find(a, id);

	return n ? access_node_gone(a, n, cause, now) : -ENOENT;
}

void access_fdb_gone(struct access *a, unsigned ifindex, const struct mac *mac, nsec_t now)
{
	struct link_node id = {.ifindex = ifindex, .mac = *mac};
	struct access_node *n = access_node_find(a, &id);

	if (n && n->served)
		access_nud_start(a, n, PROBE_SUSPECT, "fdb");
}

void access_neigh_failed(struct access *a, unsigned ifindex, const struct in6_addr *addr,
			 nsec_t now)
{
	struct access_link *l = access_link_find(a, ifindex);
	struct access_node *n;

	if (!l || !addr6_is_linklocal(addr))
		return;
	/* A failed entry has no link-layer address any more. */
	DL_FOREACH (l->served, n)
		if (addr6_eq(&n->link_local, addr))
			access_nud_start(a, n, PROBE_SUSPECT, "neighbour");
}

void access_confirm(struct access *a, const struct link_node *id, nsec_t now)
{
	struct access_node *n = access_node_find(a, id);

	if (n)
		access_nud_alive(a, n, now);
}

/* ---- struct link_ops: the MAG speaks ---- */

static void op_advertise(void *ctx, const struct link_node *id, const struct link_advert *ad)
{
	struct access *a = ctx;
	struct access_node *n = access_node_get(a, id);
	char mac[MAC_STRLEN];

	if (!n) {
		log_msg(LOG_C_LOCAL, "access[%u %s] cannot advertise: no such link, or table full",
			id->ifindex, mac_str(&id->mac, mac));
		return;
	}
	if (!n->served) {
		access_node_serve(n, true);
		access_nud_idle(a, n);
	}
	access_ra_advertise(a, n, ad);
}

static void unserve(struct access *a, struct access_node *n, bool deprecate)
{
	access_ra_withdraw(a, n, deprecate);
	access_node_serve(n, false);
	access_nud_idle(a, n);
}

static void op_withdraw(void *ctx, const struct link_node *id, bool deprecate)
{
	struct access *a = ctx;
	struct access_node *n = access_node_find(a, id);

	if (!n)
		return;
	unserve(a, n, deprecate);
	n->last_offer = 0; /* released, not refused: it may come back at once */
}

static void op_verify(void *ctx, const struct link_node *id)
{
	struct access *a = ctx;
	struct access_node *n = access_node_get(a, id);

	/* Without a link or room for the node the MAG hears nothing and gives up by its own timer.
	 */
	if (!n)
		return;
	access_node_serve(n, true);
	access_nud_start(a, n, PROBE_VERIFY, "nud");
}

static bool op_attached(void *ctx, const struct link_node *id)
{
	struct access_node *n = access_node_find(ctx, id);

	return n && n->link->up;
}

static void op_teardown(void *ctx, const struct link_node *id)
{
	struct access *a = ctx;
	struct access_node *n = access_node_find(a, id);

	if (a->ops.teardown)
		a->ops.teardown(a->ops.ctx, id);
	if (n)
		unserve(a, n, false);
}

static void op_set_link_local(void *ctx, unsigned ifindex, const struct in6_addr *ll)
{
	struct access *a = ctx;
	struct access_link *l = access_link_find(a, ifindex);

	if (!l || addr6_eq(&l->link_local, ll))
		return;
	l->link_local = *ll;
	if (a->ops.set_link_local)
		a->ops.set_link_local(a->ops.ctx, ifindex, ll);
}

struct link_ops access_link_ops(struct access *a)
{
	return (struct link_ops){
		.ctx = a,
		.advertise = op_advertise,
		.withdraw = op_withdraw,
		.verify = op_verify,
		.attached = op_attached,
		.teardown = op_teardown,
		.set_link_local = op_set_link_local,
	};
}

/* ---- instance ---- */

int access_new(struct access **out, const struct access_cfg *cfg, const struct access_ops *ops,
	       const struct event_sink *sink)
{
	struct access *a = calloc(1, sizeof(*a));
	uint8_t seed[HTABLE_SEED_LEN];

	if (!a)
		return -ENOMEM;
	a->cfg = *cfg;
	a->ops = *ops;
	if (sink)
		a->sink = *sink;
	a->ops.random(a->ops.ctx, &a->echo_id, sizeof(a->echo_id));
	a->ops.random(a->ops.ctx, seed, sizeof(seed));
	if (htable_init(&a->nodes, seed)) {
		free(a);
		return -ENOMEM;
	}
	*out = a;
	return 0;
}

void access_free(struct access **p)
{
	struct access_link *l, *tmp;
	struct access *a = *p;

	if (!a)
		return;
	HASH_ITER (hh, a->links, l, tmp) {
		free_nodes(a, l);
		HASH_DEL(a->links, l);
		free(l);
	}
	htable_clear(&a->nodes);
	free(a);
	*p = NULL;
}

void access_bind(struct access *a, const struct access_triggers *t)
{
	a->triggers = *t;
}

void access_reload(struct access *a, const struct access_cfg *cfg)
{
	a->cfg = *cfg;
}

nsec_t access_next(const struct access *a)
{
	return deadline_next(&a->deadlines);
}

void access_tick(struct access *a, nsec_t now)
{
	deadline_run(&a->deadlines, a, now);
}

static void show_nodes(const struct access_node *list,
		       void (*cb)(void *ctx, const struct access_node_info *i), void *ctx)
{
	for (const struct access_node *n = list; n; n = n->next) {
		const struct access_node_info i = {
			.node = n->id,
			.ifname = n->link->cfg.name,
			.served = n->served,
			.advertised = n->advertised,
			.probing = n->probe != PROBE_NONE || n->probe_wanted != PROBE_NONE,
			.link_local = n->link_local,
			.last_seen = n->last_seen,
			.unanswered = n->unanswered,
			.n_prefixes = n->advertised ? n->ad.n_prefixes : 0,
			.prefixes = n->prefixes,
		};

		cb(ctx, &i);
	}
}

void access_walk(const struct access *a, void (*cb)(void *ctx, const struct access_node_info *i),
		 void *ctx)
{
	const struct access_link *l, *tmp;

	HASH_ITER (hh, a->links, l, tmp) {
		show_nodes(l->served, cb, ctx);
		show_nodes(l->seen, cb, ctx);
	}
}

void access_walk_links(const struct access *a,
		       void (*cb)(void *ctx, const struct access_link_info *i), void *ctx)
{
	struct access_link *l, *tmp;

	HASH_ITER (hh, a->links, l, tmp) {
		const struct access_link_info i = {
			.cfg = &l->cfg,
			.up = l->up,
			.nodes = l->n_seen + l->n_served,
			.served = l->n_served,
		};

		cb(ctx, &i);
	}
}

bool access_dhcp6_node(struct access *a, const struct link_node *id, struct dhcp6_node *out)
{
	struct access_node *n = access_node_find(a, id);

	if (!n || !n->advertised || !n->ad.n_prefixes || !n->ad.valid_s)
		return false;
	*out = (struct dhcp6_node){
		.ifname = n->link->cfg.name,
		.mtu = n->link->cfg.mtu,
		.gateway_mac = *access_mac(a, n->link),
		.gateway_ll = *access_router_ll(a, n),
		.hnp = n->prefixes[0],
		.memory = &n->dhcp6,
	};
	return true;
}

struct counter_set access_counters(const struct access *a)
{
	return (struct counter_set){"access", counter_desc, a->counter, ACCESS_C_MAX};
}

struct counter_set access_nd_counters(const struct access *a)
{
	return (struct counter_set){"nd", nd_counter_desc, a->nd_counter, ND_VERDICT_MAX};
}
