/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nexthop.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM	 1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>
#include <utlist.h>

#include "base/deadline.h"
#include "base/util.h"

#define SETTLE	   nsec_from_ms(3) /* events within this time cost one look */
#define RECHECK	   nsec_from_s(60) /* a good next hop, for what nobody announces */
#define RETRY	   nsec_from_s(1)  /* one that is not usable yet */
#define KEEP_FRESH nsec_from_s(10) /* where the kernel does not keep neighbours by itself */
#define NARROW	   nsec_from_s(10) /* a path MTU that the kernel lets expire */

/* A neighbour that some tracked addresses are reached through. */
struct via {
	struct {
		struct in6_addr addr;
		unsigned ifindex;
	} key;
	UT_hash_handle hh;
	bool oom;
	struct entry *users;
	enum nl_kept kept; /* does the kernel keep it resolved? */
};

/* A remote address: tunnels to it share what is known of the path. */
struct dest {
	struct in6_addr addr;
	UT_hash_handle hh;
	bool oom;
	struct entry *entries;
};

struct entry {
	uint32_t id;
	UT_hash_handle hh;
	bool oom;
	struct in6_addr remote, local;
	struct nexthop nh;
	bool told;
	struct deadline due;
	struct via *via;
	struct entry *prev, *next; /* of via */
	struct dest *dest;
	struct entry *prev_of_dest, *next_of_dest;
};

struct nexthops {
	struct nl *nl;
	struct nl_listener listener;
	nexthop_fn cb;
	void *ctx;
	struct entry *entries;
	struct via *vias;
	struct dest *dests;
	struct deadlines deadlines;
	bool left; /* neighbours stay as they are */
};

/* ---- neighbours ---- */

static void leave_via(struct nexthops *t, struct entry *e)
{
	struct via *v = e->via;

	if (!v)
		return;
	e->via = NULL;
	DL_DELETE(v->users, e);
	if (v->users)
		return;
	/* A managed entry would stay for ever. Without the flag it comes back when needed. */
	if (v->kept == NL_KEPT_MANAGED && !t->left)
		nl_neigh_del(t->nl, v->key.ifindex, &v->key.addr);
	HASH_DEL(t->vias, v);
	free(v);
}

static struct via *find_via(struct nexthops *t, unsigned ifindex, const struct in6_addr *addr)
{
	struct via *v, key;

	memset(&key, 0, sizeof(key));
	key.key.addr = *addr;
	key.key.ifindex = ifindex;
	HASH_FIND(hh, t->vias, &key.key, sizeof(key.key), v);
	return v;
}

static struct via *enter_via(struct nexthops *t, struct entry *e, unsigned ifindex,
			     const struct in6_addr *addr)
{
	struct via *v = find_via(t, ifindex, addr);

	if (v && e->via == v)
		return v;
	leave_via(t, e);
	if (!v) {
		v = calloc(1, sizeof(*v));
		if (!v)
			return NULL;
		v->key.addr = *addr;
		v->key.ifindex = ifindex;
		HASH_ADD(hh, t->vias, key, sizeof(v->key), v);
		if (v->oom) {
			free(v);
			return NULL;
		}
	}
	DL_APPEND(v->users, e);
	e->via = v;
	return v;
}

/* ---- destinations ---- */

static struct dest *find_dest(const struct nexthops *t, const struct in6_addr *addr)
{
	struct dest *d;

	HASH_FIND(hh, t->dests, addr, sizeof(*addr), d);
	return d;
}

static int enter_dest(struct nexthops *t, struct entry *e)
{
	struct dest *d = find_dest(t, &e->remote);

	if (!d) {
		d = calloc(1, sizeof(*d));
		if (!d)
			return -ENOMEM;
		d->addr = e->remote;
		HASH_ADD(hh, t->dests, addr, sizeof(d->addr), d);
		if (d->oom) {
			free(d);
			return -ENOMEM;
		}
	}
	DL_APPEND2(d->entries, e, prev_of_dest, next_of_dest);
	e->dest = d;
	return 0;
}

static void leave_dest(struct nexthops *t, struct entry *e)
{
	struct dest *d = e->dest;

	DL_DELETE2(d->entries, e, prev_of_dest, next_of_dest);
	if (d->entries)
		return;
	HASH_DEL(t->dests, d);
	free(d);
}

/* ---- one look ---- */

/* Fills nh as far as the kernel knows; returns when to look again at the latest. */
static nsec_t look(struct nexthops *t, struct entry *e, struct nexthop *nh)
{
	const struct nl_link *link;
	struct nl_neigh neigh;
	struct nl_path path;
	struct via *v;
	int known;

	nh->vrf = nl_vrf_of_addr(t->nl, &e->local);
	if (nl_route_get_in(t->nl, nh->vrf, &e->remote, &e->local, &path)) {
		leave_via(t, e);
		return RETRY;
	}
	nh->local = path.local;
	if (path.local) {
		leave_via(t, e);
		return RECHECK;
	}
	nh->ifindex = path.ifindex;
	nh->gateway = path.gateway;
	link = nl_link_by_index(t->nl, path.ifindex);
	if (!link || !link->running) {
		leave_via(t, e);
		return RETRY;
	}
	nh->mtu = path.mtu && path.mtu < link->mtu ? path.mtu : link->mtu;
	if (!link->ethernet) {
		leave_via(t, e);
		return RECHECK; /* no Ethernet header to build */
	}
	v = enter_via(t, e, path.ifindex, &path.gateway);
	if (!v)
		return RETRY;
	known = nl_neigh_get(t->nl, path.ifindex, &path.gateway, &neigh);
	/* Asks for resolution when there is no good entry, and keeps a good one from going stale.
	 */
	if (v->kept == NL_KEPT_NOT || known || neigh.failed) {
		int kept = nl_neigh_keep(t->nl, path.ifindex, &path.gateway);

		v->kept = kept < 0 ? NL_KEPT_NOT : (enum nl_kept)kept;
	}
	if (known)
		known = nl_neigh_get(t->nl, path.ifindex, &path.gateway, &neigh);
	if (known || !neigh.reachable)
		return RETRY;
	nh->valid = true;
	nh->smac = link->mac;
	nh->dmac = neigh.mac;
	return nsec_min(v->kept == NL_KEPT_NOT ? KEEP_FRESH : RECHECK,
			path.mtu && path.mtu < link->mtu ? NARROW : RECHECK);
}

static bool same(const struct nexthop *a, const struct nexthop *b)
{
	return a->valid == b->valid && a->local == b->local && a->ifindex == b->ifindex &&
	       a->vrf == b->vrf && a->mtu == b->mtu && mac_eq(&a->smac, &b->smac) &&
	       mac_eq(&a->dmac, &b->dmac) && addr6_eq(&a->gateway, &b->gateway);
}

static void due_fire(struct deadline *d, void *ctx, nsec_t now)
{
	struct entry *e = container_of(d, struct entry, due);
	struct nexthops *t = ctx;
	struct nexthop nh = {0};
	nsec_t again = look(t, e, &nh);

	deadline_arm(&t->deadlines, d, nsec_add(now, again));
	if (e->told && same(&nh, &e->nh))
		return;
	e->told = true;
	e->nh = nh;
	t->cb(t->ctx, e->id, &e->nh, now);
}

static void look_soon(struct nexthops *t, struct entry *e, nsec_t now)
{
	nsec_t at = nsec_add(now, SETTLE);

	if (!e->due.armed || e->due.at > at)
		deadline_arm(&t->deadlines, &e->due, at);
}

/* ---- what starts a look ---- */

static void on_link(void *ctx, const struct nl_link *l, const struct nl_link *old, bool gone,
		    nsec_t now)
{
	struct nexthops *t = ctx;
	struct entry *e, *tmp;

	HASH_ITER (hh, t->entries, e, tmp)
		if (!e->nh.valid || e->nh.ifindex == l->ifindex)
			look_soon(t, e, now);
}

static void on_route(void *ctx, const struct prefix6 *dst, bool gone, nsec_t now)
{
	struct nexthops *t = ctx;
	struct entry *e, *tmp;

	HASH_ITER (hh, t->entries, e, tmp)
		if (prefix6_has_addr(dst, &e->remote))
			look_soon(t, e, now);
}

static void on_neigh(void *ctx, const struct nl_neigh *n, bool gone, nsec_t now)
{
	struct nexthops *t = ctx;
	struct via *v = find_via(t, n->ifindex, &n->addr);
	struct entry *e;

	if (!v)
		return;
	if (gone)
		v->kept = NL_KEPT_NOT;
	DL_FOREACH (v->users, e) {
		/* Most events only say that an entry is still good. */
		if (!gone && e->nh.valid && n->reachable && mac_eq(&n->mac, &e->nh.dmac))
			continue;
		look_soon(t, e, now);
	}
}

static void on_resync(void *ctx, nsec_t now)
{
	struct nexthops *t = ctx;
	struct entry *e, *tmp;

	HASH_ITER (hh, t->entries, e, tmp)
		look_soon(t, e, now);
}

/* ---- path MTU ---- */

void nexthops_path_changed(struct nexthops *t, const struct in6_addr *remote, nsec_t now)
{
	const struct dest *d = find_dest(t, remote);
	struct entry *e;

	if (d)
		DL_FOREACH2(d->entries, e, next_of_dest)
	look_soon(t, e, now);
}

/* ---- the set ---- */

int nexthops_new(struct nexthops **out, struct nl *nl, nexthop_fn cb, void *ctx)
{
	struct nexthops *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->nl = nl;
	t->cb = cb;
	t->ctx = ctx;
	t->listener = (struct nl_listener){
		.ctx = t,
		.link = on_link,
		.route = on_route,
		.neigh = on_neigh,
		.resync = on_resync,
	};
	nl_listen(nl, &t->listener);
	*out = t;
	return 0;
}

static void free_entry(struct nexthops *t, struct entry *e)
{
	deadline_cancel(&t->deadlines, &e->due);
	leave_via(t, e);
	leave_dest(t, e);
	HASH_DEL(t->entries, e);
	free(e);
}

void nexthops_leave(struct nexthops *t)
{
	t->left = true;
}

void nexthops_free(struct nexthops **p)
{
	struct nexthops *t = *p;
	struct entry *e, *tmp;

	if (!t)
		return;
	HASH_ITER (hh, t->entries, e, tmp)
		free_entry(t, e);
	nl_unlisten(t->nl, &t->listener);
	free(t);
	*p = NULL;
}

static struct entry *find(const struct nexthops *t, uint32_t id)
{
	struct entry *e;

	HASH_FIND(hh, t->entries, &id, sizeof(id), e);
	return e;
}

int nexthop_add(struct nexthops *t, uint32_t id, const struct in6_addr *remote,
		const struct in6_addr *local, nsec_t now)
{
	struct entry *old = find(t, id), *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->id = id;
	e->remote = *remote;
	e->local = *local;
	e->due.fire = due_fire;
	if (enter_dest(t, e)) {
		free(e);
		return -ENOMEM;
	}
	HASH_ADD(hh, t->entries, id, sizeof(e->id), e);
	if (e->oom) {
		leave_dest(t, e);
		free(e);
		return -ENOMEM;
	}
	if (old)
		free_entry(t, old);
	deadline_arm(&t->deadlines, &e->due, now);
	return 0;
}

void nexthop_del(struct nexthops *t, uint32_t id)
{
	struct entry *e = find(t, id);

	if (e)
		free_entry(t, e);
}

const struct nexthop *nexthop_get(const struct nexthops *t, uint32_t id)
{
	struct entry *e = find(t, id);

	return e ? &e->nh : NULL;
}

void nexthops_walk(const struct nexthops *t,
		   void (*cb)(void *ctx, uint32_t id, const struct in6_addr *remote,
			      const struct nexthop *nh),
		   void *ctx)
{
	struct entry *e, *tmp;

	HASH_ITER (hh, t->entries, e, tmp)
		cb(ctx, e->id, &e->remote, &e->nh);
}

nsec_t nexthops_next(const struct nexthops *t)
{
	return deadline_next(&t->deadlines);
}

void nexthops_tick(struct nexthops *t, nsec_t now)
{
	deadline_run(&t->deadlines, t, now);
}
