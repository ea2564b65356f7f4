/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define GAP    nsec_from_ms(5) /* between two notices */
#define RETRY  nsec_from_s(10) /* for what the kernel does not keep resolved by itself */
#define RESCAN nsec_from_s(5)  /* after a dump that failed */

struct gateway {
	unsigned ifindex;
	struct in6_addr addr;
	enum nl_kept kept;
	uint64_t seen; /* order in which routes named it */
};

struct routes {
	struct nl *nl;
	struct nl_listener listener;
	routes_fn cb;
	void *ctx;

	struct routes_kind by_route, by_rule;
	bool rules_changed, changed, incomplete;
	nsec_t told;	      /* the last notice */
	nsec_t retry, rescan; /* NSEC_NEVER: not due */
	struct gateway gateway[ROUTES_GATEWAYS_MAX];
	unsigned n;
	uint64_t seen;
	struct log_limit log;
	bool left; /* neighbours stay as they are */
};

/* ---- routers ---- */

static bool usable(const struct routes *r, unsigned ifindex)
{
	const struct nl_link *l = nl_link_by_index(r->nl, ifindex);

	return l && l->ethernet && l->running;
}

static void keep(struct routes *r, struct gateway *g)
{
	int kept;

	if (!usable(r, g->ifindex))
		return;
	kept = nl_neigh_keep(r->nl, g->ifindex, &g->addr);
	g->kept = kept < 0 ? NL_KEPT_NOT : (enum nl_kept)kept;
}

/* A managed entry would stay for ever. Without the flag it comes back when it is needed. */
static void let_go(struct routes *r, const struct gateway *g)
{
	if (g->kept == NL_KEPT_MANAGED && !r->left)
		nl_neigh_del(r->nl, g->ifindex, &g->addr);
}

static struct gateway *find(struct routes *r, unsigned ifindex, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->gateway[i].ifindex == ifindex && addr6_eq(&r->gateway[i].addr, addr))
			return &r->gateway[i];
	return NULL;
}

static void arm_retry(struct routes *r, nsec_t now)
{
	r->retry = NSEC_NEVER;
	for (unsigned i = 0; i < r->n; i++)
		if (r->gateway[i].kept == NL_KEPT_NOT)
			r->retry = nsec_add(now, RETRY);
}

static void note_gateway(struct routes *r, unsigned ifindex, const struct in6_addr *addr)
{
	struct gateway *g = find(r, ifindex, addr);

	if (g) {
		g->seen = ++r->seen;
		return;
	}
	if (r->n < ROUTES_GATEWAYS_MAX) {
		g = &r->gateway[r->n++];
	} else {
		g = &r->gateway[0];
		for (unsigned i = 1; i < r->n; i++)
			if (r->gateway[i].seen < g->seen)
				g = &r->gateway[i];
		let_go(r, g);
	}
	*g = (struct gateway){.ifindex = ifindex, .addr = *addr, .seen = ++r->seen};
	keep(r, g);
}

/* ---- notices ---- */

static int read_rules(struct routes *r)
{
	struct nl_routing all;
	int rc = nl_rules_get(r->nl, &all);

	if (!rc)
		r->by_rule = (struct routes_kind){.by_source = all.by_source, .opaque = all.opaque};
	return rc;
}

static void tell(struct routes *r, nsec_t now)
{
	struct routes_kind k;

	if (r->rules_changed && read_rules(r))
		r->by_rule = (struct routes_kind){.by_source = true, .opaque = true};
	r->rules_changed = r->changed = false;
	r->told = now;
	k = (struct routes_kind){
		.by_source = r->by_route.by_source || r->by_rule.by_source || r->incomplete,
		.multipath = r->by_route.multipath || r->incomplete,
		.opaque = r->by_route.opaque || r->by_rule.opaque,
	};
	r->cb(r->ctx, &k);
}

static void note_route(void *ctx, const struct nl_routing *n)
{
	struct routes *r = ctx;

	if (n->gone)
		return;
	r->by_route.by_source |= n->by_source;
	r->by_route.multipath |= n->multipath;
	r->by_route.opaque |= n->opaque;
	for (unsigned i = 0; i < n->n_gateways; i++)
		note_gateway(r, n->gateway[i].ifindex, &n->gateway[i].addr);
}

static void on_routing(void *ctx, const struct nl_routing *n, nsec_t now)
{
	struct routes *r = ctx;

	if (n->what == NL_ROUTING_ROUTE) {
		note_route(r, n);
		if (r->retry == NSEC_NEVER)
			arm_retry(r, now);
	}
	r->rules_changed |= n->what == NL_ROUTING_RULE;
	r->changed = true;
	if (now >= nsec_add(r->told, GAP))
		tell(r, now);
}

static void on_link(void *ctx, const struct nl_link *l, const struct nl_link *old, bool gone,
		    nsec_t now)
{
	struct routes *r = ctx;

	for (unsigned i = 0; i < r->n; i++) {
		if (r->gateway[i].ifindex != l->ifindex)
			continue;
		if (gone)
			r->gateway[i--] = r->gateway[--r->n];
		else if (l->running && old && !old->running)
			keep(r, &r->gateway[i]);
	}
	arm_retry(r, now);
}

static void on_neigh(void *ctx, const struct nl_neigh *n, bool gone, nsec_t now)
{
	struct routes *r = ctx;
	struct gateway *g = gone ? find(r, n->ifindex, &n->addr) : NULL;

	if (!g)
		return;
	/* somebody removed it, or the link went down */
	g->kept = NL_KEPT_NOT;
	r->retry = nsec_min(r->retry, nsec_add(now, nsec_from_ms(100)));
}

static int scan(struct routes *r, nsec_t now)
{
	int rc;

	r->by_route = (struct routes_kind){0};
	r->rules_changed = true;
	rc = nl_walk_routes(r->nl, note_route, r);
	r->incomplete = rc;
	r->rescan = rc ? nsec_add(now, RESCAN) : NSEC_NEVER;
	if (rc)
		log_limited(&r->log, now, LOG_C_LOCAL, "netlink: cannot read the routes: %s",
			    strerror(-rc));
	arm_retry(r, now);
	tell(r, now);
	return rc;
}

static void on_resync(void *ctx, nsec_t now)
{
	scan(ctx, now);
}

/* ---- the set ---- */

int routes_new(struct routes **out, struct nl *nl, routes_fn cb, void *ctx)
{
	struct routes *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->nl = nl;
	r->cb = cb;
	r->ctx = ctx;
	r->incomplete = true;
	r->rules_changed = true;
	r->retry = r->rescan = NSEC_NEVER;
	r->listener = (struct nl_listener){
		.ctx = r,
		.link = on_link,
		.neigh = on_neigh,
		.routing = on_routing,
		.resync = on_resync,
	};
	nl_listen(nl, &r->listener);
	*out = r;
	return 0;
}

void routes_leave(struct routes *r)
{
	r->left = true;
}

void routes_free(struct routes **p)
{
	struct routes *r = *p;

	if (!r)
		return;
	nl_unlisten(r->nl, &r->listener);
	for (unsigned i = 0; i < r->n; i++)
		let_go(r, &r->gateway[i]);
	free(r);
	*p = NULL;
}

int routes_start(struct routes *r, nsec_t now)
{
	return scan(r, now);
}

nsec_t routes_next(const struct routes *r)
{
	nsec_t next = nsec_min(r->retry, r->rescan);

	return r->changed ? nsec_min(next, nsec_add(r->told, GAP)) : next;
}

void routes_tick(struct routes *r, nsec_t now)
{
	if (r->rescan <= now)
		scan(r, now);
	if (r->retry <= now) {
		for (unsigned i = 0; i < r->n; i++)
			if (r->gateway[i].kept == NL_KEPT_NOT)
				keep(r, &r->gateway[i]);
		arm_retry(r, now);
	}
	if (r->changed && now >= nsec_add(r->told, GAP))
		tell(r, now);
}

void routes_walk_gateways(const struct routes *r,
			  void (*cb)(void *ctx, unsigned ifindex, const struct in6_addr *addr,
				     enum nl_kept kept),
			  void *ctx)
{
	for (unsigned i = 0; i < r->n; i++)
		cb(ctx, r->gateway[i].ifindex, &r->gateway[i].addr, r->gateway[i].kept);
}
