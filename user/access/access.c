/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access/access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_priv.h"

static const struct counter_desc counter_desc[] = {ACCESS_COUNTERS(COUNTER_DESC)};

static const struct counter_desc nd_counter_desc[] = {ND_VERDICTS(COUNTER_DESC)};
static const struct counter_desc arp_counter_desc[] = {ARP_FATES(COUNTER_DESC)};
static const struct counter_desc dhcp4_counter_desc[] = {DHCP4_VERDICTS(COUNTER_DESC)};
static const struct counter_desc dhcp4_server_counter_desc[] = {DHCP4_FATES(COUNTER_DESC)};

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

/* ---- external triggers and hints ---- */

int access_attach(struct access *a, const struct link_node *id, uint8_t handoff_hint,
		  const struct mnid *mnid, const char *prev_ap, const char *cause, nsec_t now)
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
		access_offer_replace(a, l, n, now);
	return access_offer(a, n, cause, handoff_hint, mnid, prev_ap, now);
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
	struct home4 before = {0};
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
	/* what is heard of the node counts more */
	if (addr6_is_zero(&n->link_local))
		n->link_local = ad->node;
	if (access_home4(n))
		before = n->ad.home4;
	access_ra_advertise(a, n, ad);
	access_arp_advertised(a, n);
	access_dhcp4_advertised(a, n, &before);
}

static void unserve(struct access *a, struct access_node *n, bool deprecate)
{
	access_ra_withdraw(a, n, deprecate);
	n->lease_end = 0;
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

static void op_resume(void *ctx, const struct link_node *id, const struct link_advert *ad,
		      const struct in6_addr *own)
{
	struct access *a = ctx;
	struct access_node *n = access_node_get(a, id);
	char mac[MAC_STRLEN];

	if (!n) {
		log_msg(LOG_C_LOCAL, "access[%u %s] cannot go on: no such link, or table full",
			id->ifindex, mac_str(&id->mac, mac));
		return;
	}
	access_node_serve(n, true);
	n->announced = true;
	if (addr6_is_zero(&n->link_local))
		n->link_local = *own;
	access_ra_resume(a, n, ad);
	access_nud_rest(a, n);
}

static struct in6_addr op_address(void *ctx, const struct link_node *id)
{
	const struct access_node *n = access_node_find(ctx, id);

	return n ? n->link_local : in6addr_any;
}

static unsigned op_ifindex(void *ctx, const char *name)
{
	const struct access *a = ctx;
	struct access_link *l, *tmp;

	HASH_ITER (hh, a->links, l, tmp)
		if (!strcmp(l->cfg.name, name))
			return l->cfg.ifindex;
	return 0;
}

static const char *op_ifname(void *ctx, unsigned ifindex)
{
	const struct access_link *l = access_link_find(ctx, ifindex);

	return l ? l->cfg.name : NULL;
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
		.resume = op_resume,
		.address = op_address,
		.ifindex = op_ifindex,
		.ifname = op_ifname,
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
	if (access_dhcp4_new(a)) {
		free(a);
		return -ENOMEM;
	}
	if (htable_init(&a->nodes, seed)) {
		access_dhcp4_free(a);
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
		access_link_free_nodes(a, l);
		HASH_DEL(a->links, l);
		free(l);
	}
	htable_clear(&a->nodes);
	access_dhcp4_free(a);
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
			.home4 = n->ad.home4,
			.dhcp4_relay = n->ad.dhcp_relay,
			.lease_end = n->lease_end,
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

struct counter_set access_arp_counters(const struct access *a)
{
	return (struct counter_set){"arp", arp_counter_desc, a->arp_counter, ARP_FATE_MAX};
}

struct counter_set access_dhcp4_counters(const struct access *a)
{
	return (struct counter_set){"dhcpv4", dhcp4_counter_desc, a->dhcp4_counter,
				    DHCP4_VERDICT_MAX};
}

struct counter_set access_dhcp4_server_counters(const struct access *a)
{
	return (struct counter_set){"dhcpv4_server", dhcp4_server_counter_desc,
				    a->dhcp4_server_counter, DHCP4_FATE_MAX};
}

struct counter_set access_dhcp4_relay_counters(const struct access *a)
{
	return dhcp4_relay_counters(a->dhcp4_relay);
}
