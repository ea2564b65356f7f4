/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The anchor's own host as a correspondent of mobile nodes, and as a router towards them (RFC 5213
 * 5.6.2). What the programs on transport interfaces never see, because it starts here or comes in
 * by other interfaces, the kernel routes into one end of a veth pair; at the other end the ordinary
 * TC program puts it into the tunnels.
 *
 *	sockets, forwarding --> pmip0 ---- pmip0-dp --> TC program --> tunnel
 *	                          ^-- ICMP errors: no such node, too big --'
 *
 * Packets from nodes to this host leave the tunnel where it arrives and go up the stack there.
 *
 * The pair belongs to the daemon: made, or taken over from an earlier run, at the start; removed at
 * the end, unless forwarding goes on without the daemon. Its alias says whose it is. Somebody
 * else's interface of that name is left alone, and the log and `pmipctl interfaces` say so.
 *
 * Neither end resolves neighbours or has addresses. The pair's MTU is that of the widest tunnel, so
 * that sockets choose fitting segments and the kernel fragments datagrams; what a narrower tunnel
 * does not take is refused with Packet Too Big, as on any path. Checksums and segmentation are not
 * left to the pair: what enters a tunnel may meet an XDP program next, which cannot know that they
 * are still to be done.
 *
 * The interface is of domain 0: home networks of IPv4 in other domains are not reached by it.
 *
 * The default routers of these networks are nobody but this host, for which each has a local route:
 * nodes that ping their gateway, to see whether they have one, are answered from here.
 *
 * Under the route by this interface lies an unreachable one for each home network, so that packets
 * to a prefix that nobody has end here, and not in a loop, whatever becomes of the interface.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "net/ethtool.h"

#define TRANSPORT_MTU 1500 /* while no transport interface is there */
#define TUNNEL_HEADER 40   /* IPv6 in IPv6; for larger ones there is Packet Too Big */
#define IPV6_MIN_MTU  1280
#define HOST_METRIC   1 /* nothing else leads to nodes */
#define ALIAS_PREFIX  "pmipd "

/* ---- home networks: pools, static prefixes, and what static sessions have besides */

static bool within(const struct home_net *list, unsigned n, const struct prefix6 *p)
{
	for (unsigned i = 0; i < n; i++)
		if (prefix6_contains(&list[i].net, p))
			return true;
	return false;
}

static unsigned add_net(struct home_net *list, unsigned n, const struct prefix6 *p)
{
	list[n] = (struct home_net){.net = *p};
	return n + 1;
}

static unsigned add_static(struct home_net *list, unsigned n, unsigned n_aggregates,
			   const struct static_session *s)
{
	const struct prefix6 addr4 = {.addr = s->addr4, .len = 128};

	for (unsigned i = 0; i < s->n_prefixes; i++)
		if (!within(list, n_aggregates, &s->prefixes[i]))
			n = add_net(list, n, &s->prefixes[i]);
	/* the host interface is of the domain 0 */
	if (!addr6_is_zero(&s->addr4) && !s->domain)
		n = add_net(list, n, &addr4);
	return n;
}

static bool is_lmaa(const struct config *c, const struct in6_addr *a)
{
	for (unsigned i = 0; i < c->n_lma_addrs4; i++)
		if (addr6_eq(&c->lma_addrs4[i], a))
			return true;
	return false;
}

/* The host interface is of the domain 0. A router's address that this host has anyway stays as it
 * is. */
static unsigned add_pool4(struct home_net *list, unsigned n, const struct config *c,
			  const struct lma_pool4_cfg *p)
{
	const struct prefix6 net = {addr_from_ip4(p->prefix.addr), (uint8_t)(96 + p->prefix.len)};
	const struct in6_addr router = addr_from_ip4(lma_pool4_router(p));

	if (p->domain)
		return n;
	n = add_net(list, n, &net);
	if (!is_lmaa(c, &router))
		list[n++] = (struct home_net){
			.net = {router, 128},
			      .router = true
		    };
	return n;
}

/* 0 or -ENOMEM; the caller frees the list. */
static int home_networks(const struct config *c, struct home_net **out, unsigned *n)
{
	const struct lma_cfg *l = &c->lma;
	unsigned most = 1 + l->n_pools + l->n_static_prefixes + 2 * l->n_pools4, aggregates;
	struct home_net *list;

	for (unsigned i = 0; i < c->n_lma_statics; i++)
		most += c->lma_statics[i].n_prefixes + 1;
	list = calloc(most, sizeof(*list));
	if (!list)
		return -ENOMEM;
	*out = list;
	*n = 0;
	if (!c->has_lma)
		return 0;
	for (unsigned i = 0; i < l->n_pools; i++)
		*n = add_net(list, *n, &l->pools[i].prefix);
	for (unsigned i = 0; i < l->n_static_prefixes; i++)
		*n = add_net(list, *n, &l->static_prefixes[i]);
	aggregates = *n;
	for (unsigned i = 0; i < l->n_pools4; i++)
		*n = add_pool4(list, *n, c, &l->pools4[i]);
	for (unsigned i = 0; i < c->n_lma_statics; i++)
		*n = add_static(list, *n, aggregates, &c->lma_statics[i]);
	return 0;
}

/* ---- routes */

static struct nl_route backstop(const struct home_net *h)
{
	return (struct nl_route){
		.dst = h->net,
		.type = NL_ROUTE_UNREACHABLE,
		.metric = UINT32_MAX,
	};
}

static struct nl_route by_interface(const struct daemon *d, const struct home_net *h)
{
	return (struct nl_route){
		.dst = h->net,
		.type = h->router ? NL_ROUTE_LOCAL : NL_ROUTE_UNICAST,
		.ifindex = d->host.ifindex,
		.metric = HOST_METRIC,
	};
}

static void put_route(struct daemon *d, const struct nl_route *r)
{
	const int err = nl_route_put(d->nl, r);
	char text[PREFIX6_STRLEN];

	if (err)
		log_msg(LOG_C_LOCAL, "%s: cannot add its %s route: %s", prefix6_str(&r->dst, text),
			r->type == NL_ROUTE_UNREACHABLE ? "unreachable" : d->host.name,
			strerror(-err));
}

/* The kernel takes them away when the interface goes down. */
static void put_interface_routes(struct daemon *d)
{
	for (unsigned i = 0; d->host.up && i < d->n_home; i++) {
		const struct nl_route r = by_interface(d, &d->home[i]);

		put_route(d, &r);
	}
}

static void del_route(struct daemon *d, const struct home_net *h)
{
	const struct nl_route last = backstop(h), first = by_interface(d, h);

	if (d->host.up)
		nl_route_del(d->nl, &first);
	if (!h->router)
		nl_route_del(d->nl, &last);
}

static bool listed(const struct home_net *list, unsigned n, const struct home_net *h)
{
	for (unsigned i = 0; i < n; i++)
		if (prefix6_eq(&list[i].net, &h->net) && list[i].router == h->router)
			return true;
	return false;
}

/* Brings the routes to what d->cfg says. */
static void settle_routes(struct daemon *d)
{
	struct home_net *list;
	unsigned n;

	if (home_networks(d->cfg, &list, &n)) {
		log_msg(LOG_C_LOCAL, "no memory for the routes to home networks");
		return;
	}
	for (unsigned i = 0; i < d->n_home; i++)
		if (!listed(list, n, &d->home[i]))
			del_route(d, &d->home[i]);
	free(d->home);
	d->home = list;
	d->n_home = n;
	for (unsigned i = 0; i < n; i++) {
		const struct nl_route r = backstop(&list[i]);

		if (!list[i].router)
			put_route(d, &r);
	}
	put_interface_routes(d);
}

/* ---- the pair */

static uint32_t widest_tunnel(const struct daemon *d)
{
	uint32_t mtu = 0;

	for (unsigned i = 0; i < d->n_ifaces; i++)
		if (!d->ifaces[i].is_access && d->ifaces[i].ifindex && d->ifaces[i].mtu > mtu)
			mtu = d->ifaces[i].mtu;
	mtu = mtu ? mtu : TRANSPORT_MTU;
	if (mtu > UINT16_MAX)
		mtu = UINT16_MAX;
	mtu -= mtu > TUNNEL_HEADER ? TUNNEL_HEADER : 0;
	if (d->cfg->has_mag && d->cfg->mag.tunnel_mtu && mtu > d->cfg->mag.tunnel_mtu)
		mtu = d->cfg->mag.tunnel_mtu;
	return mtu < IPV6_MIN_MTU ? IPV6_MIN_MTU : mtu;
}

static void make_alias(const struct daemon *d, char out[IFNAMSIZ + 64])
{
	snprintf(out, IFNAMSIZ + 64, ALIAS_PREFIX "%s", d->cfg->instance);
}

static bool is_ours(const struct daemon *d, const struct nl_link *l)
{
	char alias[IFNAMSIZ + 64];

	make_alias(d, alias);
	return !strcmp(l->kind, "veth") && !strcmp(l->alias, alias);
}

static int fail(struct host *h, int code, const char *what)
{
	snprintf(h->note, sizeof(h->note), "%s: %s", what, strerror(-code));
	return code;
}

static int somebody_elses(struct host *h, const struct nl_link *l)
{
	const char *other = NULL;

	if (!strncmp(l->alias, ALIAS_PREFIX, strlen(ALIAS_PREFIX)))
		other = l->alias + strlen(ALIAS_PREFIX);
	snprintf(h->note, sizeof(h->note),
		 "an interface %s is there and belongs to %s%s; choose another lma.host-interface",
		 l->name, other ? "pmipd instance " : "somebody else", other ? other : "");
	return -EEXIST;
}

/* Names whose they are before anything else happens to them. */
static int make_pair(struct daemon *d, const char *other)
{
	struct host *h = &d->host;
	const char *name[] = {h->name, other};
	char alias[IFNAMSIZ + 64];
	int rc;

	rc = nl_veth_add(d->nl, h->name, other, widest_tunnel(d));
	if (rc == -EEXIST) {
		snprintf(h->note, sizeof(h->note),
			 "an interface %s is there; choose another lma.host-interface", other);
		return rc;
	}
	if (rc == -EOPNOTSUPP)
		return fail(h, rc, "the kernel makes no veth pairs (CONFIG_VETH)");
	if (rc)
		return fail(h, rc, "cannot make the interface");
	make_alias(d, alias);
	for (unsigned i = 0; !rc && i < 2; i++) {
		const unsigned ifindex = if_nametoindex(name[i]);

		rc = ifindex ? nl_link_set_alias(d->nl, ifindex, alias) : -errno;
	}
	if (!rc)
		return 0;
	nl_link_del(d->nl, if_nametoindex(h->name));
	return fail(h, rc, "cannot name the interface's owner");
}

/* Finds the pair, or makes it. Nothing of somebody else's is touched. */
static int get_pair(struct daemon *d, const char *other, struct nl_link *up, struct nl_link *down)
{
	struct host *h = &d->host;
	int rc = nl_link_get(d->nl, h->name, up);

	if (!rc && !is_ours(d, up))
		return somebody_elses(h, up);
	if (rc == -ENODEV) {
		rc = make_pair(d, other);
		if (rc)
			return rc;
		rc = nl_link_get(d->nl, h->name, up);
	}
	if (!rc)
		rc = nl_link_get(d->nl, other, down);
	if (!rc && (!is_ours(d, down) || up->peer != down->ifindex))
		return somebody_elses(h, down);
	return rc ? fail(h, rc, "cannot look at the interface") : 0;
}

/* `family` is that of the key. What cannot be set is said and done without. */
static void set_sysctl(const char *ifname, bool ip4, const char *key, const char *value)
{
	const int err =
		ip4 ? nl_sysctl_ipv4(ifname, key, value) : nl_sysctl_ipv6(ifname, key, value);

	if (err)
		log_msg(LOG_C_LOCAL, "%s: cannot set net.%s.conf.%s.%s=%s: %s", ifname,
			ip4 ? "ipv4" : "ipv6", ifname, key, value, strerror(-err));
}

static void set_sysctls(const char *name, const char *other)
{
	set_sysctl(name, false, "disable_ipv6", "0");
	set_sysctl(name, false, "addr_gen_mode", "1"); /* none: nobody is on that link */
	set_sysctl(name, false, "accept_ra", "0");
	set_sysctl(name, false, "forwarding", "1");
	/* ICMP errors come from an address of this very host */
	set_sysctl(name, true, "accept_local", "1");
	set_sysctl(name, true, "rp_filter", "0");
	set_sysctl(name, true, "forwarding", "1");
	/* the stack has no business there; its route lookup serves the program */
	set_sysctl(other, false, "disable_ipv6", "1");
	set_sysctl(other, false, "forwarding", "1");
	set_sysctl(other, true, "forwarding", "1");
}

static int attach(struct daemon *d, const struct nl_link *down)
{
	const struct dp_bpf_attach a = {
		.ifindex = down->ifindex,
		.ifname = down->name,
		.kind = DP_BPF_TRANSPORT,
		.want = DP_BPF_TC,
		.mtu = (uint16_t)d->host.mtu,
		.host = true,
	};

	return dp_bpf_attach(d->dp, &a, NULL, d->host.note, sizeof(d->host.note));
}

static int set_mtu(struct daemon *d, uint32_t mtu)
{
	struct host *h = &d->host;
	int rc = nl_link_set_mtu(d->nl, h->ifindex, mtu);

	if (!rc)
		rc = nl_link_set_mtu(d->nl, h->other, mtu);
	if (!rc)
		h->mtu = mtu;
	return rc ? fail(h, rc, "cannot set the MTU") : 0;
}

static int prepare(struct daemon *d, const struct nl_link *down)
{
	struct host *h = &d->host;
	int rc;

	set_sysctls(h->name, down->name);
	rc = ethtool_send_complete(h->name);
	if (rc)
		return fail(h, rc, "cannot switch its checksum and segmentation offload off");
	rc = set_mtu(d, widest_tunnel(d));
	if (!rc)
		rc = attach(d, down);
	if (rc)
		return rc;
	rc = nl_link_set_up(d->nl, h->other, true);
	if (!rc)
		rc = nl_link_set_up(d->nl, h->ifindex, true);
	return rc ? fail(h, rc, "cannot bring it up") : 0;
}

static void close_pair(struct daemon *d)
{
	struct host *h = &d->host;
	const unsigned ifindex = h->ifindex;

	if (!ifindex)
		return;
	dp_bpf_detach(d->dp, h->other);
	h->ifindex = h->other = 0;
	h->up = false;
	nl_link_del(d->nl, ifindex);
}

static void open_pair(struct daemon *d)
{
	struct host *h = &d->host;
	struct nl_link up, down;
	char other[IFNAMSIZ];
	int rc;

	*h = (struct host){0};
	if (!d->cfg->has_lma || !d->cfg->host_interface[0])
		return;
	snprintf(h->name, sizeof(h->name), "%s", d->cfg->host_interface);
	snprintf(other, sizeof(other), "%.*s" CONFIG_HOST_SUFFIX,
		 (int)(sizeof(other) - sizeof(CONFIG_HOST_SUFFIX)), h->name);
	rc = get_pair(d, other, &up, &down);
	if (!rc) {
		h->ifindex = up.ifindex;
		h->other = down.ifindex;
		rc = prepare(d, &down);
	}
	if (rc) {
		close_pair(d);
		log_msg(LOG_C_LOCAL, "%s: this host does not reach mobile nodes: %s", h->name,
			h->note);
		return;
	}
	h->up = true;
	log_msg(LOG_C_INFO, "%s: host interface, MTU %u", h->name, h->mtu);
}

/* Pairs of ours under a name that is no longer wanted: an earlier run was killed. */
static void remove_leftover(void *ctx, const struct nl_link *l)
{
	struct daemon *d = ctx;
	const char *name = d->cfg->host_interface;
	const size_t n = strlen(name);

	if (!is_ours(d, l))
		return;
	if (d->cfg->has_lma && n && !strncmp(l->name, name, n) &&
	    (!l->name[n] || !strcmp(l->name + n, CONFIG_HOST_SUFFIX)))
		return;
	log_msg(LOG_C_INFO, "%s: removed, left by an earlier run", l->name);
	nl_link_del(d->nl, l->ifindex);
}

/* ---- life */

void host_start(struct daemon *d)
{
	nl_walk_links(d->nl, remove_leftover, d);
	open_pair(d);
	d->home = d->left.home;
	d->n_home = d->left.n_home;
	d->left.home = NULL;
	d->left.n_home = 0;
	settle_routes(d);
}

void host_stop(struct daemon *d)
{
	for (unsigned i = 0; i < d->n_home && !d->leave; i++)
		del_route(d, &d->home[i]);
	free(d->home);
	d->home = NULL;
	d->n_home = 0;
	if (!d->leave)
		close_pair(d);
}

static void remove_any(void *ctx, const struct nl_link *l)
{
	struct daemon *d = ctx;

	if (is_ours(d, l))
		nl_link_del(d->nl, l->ifindex);
}

void host_flush(struct daemon *d)
{
	struct home_net *list;
	unsigned n;

	for (unsigned i = 0; i < d->left.n_home; i++)
		del_route(d, &d->left.home[i]);
	if (!home_networks(d->cfg, &list, &n)) {
		for (unsigned i = 0; i < n; i++)
			del_route(d, &list[i]);
		free(list);
	}
	/* and with it the routes that lead there */
	nl_walk_links(d->nl, remove_any, d);
}

void host_reload(struct daemon *d)
{
	if (strcmp(d->host.name, d->cfg->host_interface) != 0 || !d->host.ifindex) {
		close_pair(d);
		open_pair(d);
	}
	host_transport_changed(d);
	settle_routes(d);
}

void host_transport_changed(struct daemon *d)
{
	struct host *h = &d->host;
	const uint32_t mtu = widest_tunnel(d);

	if (h->ifindex && h->mtu != mtu && set_mtu(d, mtu))
		log_msg(LOG_C_LOCAL, "%s: %s", h->name, h->note);
}

void host_link_changed(struct daemon *d, const struct nl_link *l, bool gone)
{
	struct host *h = &d->host;
	bool was;

	if (!h->ifindex || (l->ifindex != h->ifindex && l->ifindex != h->other))
		return;
	if (gone) {
		close_pair(d);
		snprintf(h->note, sizeof(h->note), "somebody removed it; a reload makes it anew");
		log_msg(LOG_C_LOCAL, "%s: this host does not reach mobile nodes: %s", h->name,
			h->note);
		return;
	}
	if (l->ifindex != h->ifindex)
		return;
	was = h->up;
	h->up = l->up;
	if (h->up && !was)
		put_interface_routes(d);
}
