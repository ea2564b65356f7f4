/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts for the control socket that lie outside of the roles. */
#include <errno.h>
#include <stdio.h>

#include "daemon/daemon.h"

static const char *iface_state(const struct iface *i)
{
	if (!i->ifindex)
		return "absent";
	return i->running ? "up" : "down";
}

static const char *iface_hook(const struct iface *i)
{
	if (!i->attached)
		return "none";
	switch (i->mode) {
	case DP_BPF_MODE_XDP:
		return i->spreads ? "xdp-spread+tc" : "xdp+tc";
	case DP_BPF_MODE_XDP_GENERIC:
		return i->spreads ? "xdp-generic-spread+tc" : "xdp-generic+tc";
	case DP_BPF_MODE_TC:
		break;
	}
	return "tc";
}

struct count_nodes {
	unsigned ifindex;
	uint32_t n;
};

static void count_nodes(void *ctx, const struct access_link_info *info)
{
	struct count_nodes *c = ctx;

	if (info->cfg->ifindex == c->ifindex)
		c->n = info->nodes;
}

static void walk_interfaces(void *ctx, void (*cb)(void *arg, const struct control_iface *i),
			    void *arg)
{
	const struct daemon *d = ctx;

	for (unsigned n = 0; n < d->n_ifaces; n++) {
		const struct iface *i = &d->ifaces[n];
		struct count_nodes nodes = {.ifindex = i->ifindex};

		if (i->is_access && i->ifindex)
			access_walk_links(d->access, count_nodes, &nodes);
		const struct control_iface out = {
			.name = i->name,
			.kind = i->is_access ? "access" : "transport",
			.hook = iface_hook(i),
			.state = iface_state(i),
			.note = i->note[0] ? i->note : NULL,
			.ifindex = i->ifindex,
			.mtu = i->mtu,
			.nodes = nodes.n,
		};
		cb(arg, &out);
	}
	if (d->host.name[0]) {
		const struct host *h = &d->host;
		const struct control_iface out = {
			.name = h->name,
			.kind = "host",
			.hook = h->ifindex ? "tc" : "none",
			.state = !h->ifindex ? "absent"
				 : h->up     ? "up"
					     : "down",
			.note = h->note[0] ? h->note : NULL,
			.ifindex = h->ifindex,
			.mtu = h->mtu,
		};
		cb(arg, &out);
	}
}

struct walk_nodes {
	void (*cb)(void *arg, const struct control_node *n);
	void *arg;
};

static void show_node(void *ctx, const struct access_node_info *info)
{
	const struct walk_nodes *w = ctx;
	const struct control_node n = {
		.ifname = info->ifname,
		.mac = info->node.mac,
		.state = info->probing	? "probing"
			 : info->served ? "served"
					: "seen",
		.seen = info->last_seen,
		.prefixes = info->prefixes,
		.n_prefixes = info->n_prefixes,
		.home4 = info->home4,
		.dhcp_relay = info->dhcp4_relay,
		.lease_end = info->lease_end,
	};

	w->cb(w->arg, &n);
}

static void walk_nodes(void *ctx, void (*cb)(void *arg, const struct control_node *n), void *arg)
{
	const struct daemon *d = ctx;
	struct walk_nodes w = {cb, arg};

	if (d->access)
		access_walk(d->access, show_node, &w);
}

static void walk_profiles(void *ctx,
			  void (*cb)(void *arg, const char *pattern, const struct profile *p),
			  void *arg)
{
	const struct daemon *d = ctx;

	config_walk_profiles(d->cfg, cb, arg);
}

static size_t counters(void *ctx, struct counter_set *out, size_t max)
{
	const struct daemon *d = ctx;
	struct counter_set all[32];
	size_t n = 0;

	all[n++] = daemon_counters(d);
	all[n++] = inbox_counters(&d->inbox);
	all[n++] = mh_sock_counters(d->mh);
	if (d->udp)
		all[n++] = mh_udp_counters(d->udp);
	all[n++] = nl_counters(d->nl);
	all[n++] = statics_counters(d->statics);
	n += durable_counters(d, &all[n]);
	if (d->frames)
		all[n++] = frame_sock_counters(d->frames);
	if (d->access) {
		all[n++] = access_counters(d->access);
		all[n++] = access_nd_counters(d->access);
		all[n++] = access_arp_counters(d->access);
		all[n++] = access_dhcp4_counters(d->access);
		all[n++] = access_dhcp4_server_counters(d->access);
		all[n++] = access_dhcp4_relay_counters(d->access);
		all[n++] = dhcp6_relay_counters(d->dhcp6);
	}
	if (d->dhcp4_sock)
		all[n++] = dhcp_sock_counters(d->dhcp4_sock);
	if (d->dhcp6_sock)
		all[n++] = dhcp_sock_counters(d->dhcp6_sock);
	all[n++] = dp_bpf_early_counters(d->dp);
	all[n++] = dp_bpf_slow_counters(d->dp);
	all[n++] = dp_bpf_buffer_counters(d->dp);
	all[n++] = tunnel_sock_counters(d->ends);
	all[n++] = icmp_sock_counters(d->icmp);
	all[n++] = icmp_relay_counters(d->relayed);
	if (dp_bpf_verdicts(d->dp, &all[n], &all[n + 1]) == 0)
		n += 2;
	for (size_t i = 0; i < n && i < max; i++)
		out[i] = all[i];
	return n < max ? n : max;
}

static int drops(void *ctx, struct counter_set *out)
{
	const struct daemon *d = ctx;

	return dp_bpf_drops(d->dp, out);
}

static void store(void *ctx, struct control_store *out)
{
	const struct daemon *d = ctx;
	const struct store_lmdb_report *r = &d->store_report;

	*out = (struct control_store){
		.file = d->cfg->state_directory,
		.open = d->store,
		.found = r->fresh ? "new" : "sound",
		.records = r->saved,
		.restored = d->restored,
		.refused = d->refused,
		.took = d->restore_took,
		.lost = d->state_lost,
		.restart_counter = d->restart_counter,
	};
	if (d->store)
		store_status(d->store, &out->status);
	if (r->what[0])
		out->found = r->what;
	if (r->damaged) {
		out->aside = r->aside;
		out->missing = r->claimed > r->saved ? r->claimed - r->saved : 0;
	}
}

static int nexthop(void *ctx, dp_ref peer, struct control_nexthop *out)
{
	const struct daemon *d = ctx;
	const struct nexthop *nh = nexthop_get(d->hops, peer);
	const struct nl_link *l;

	if (!nh)
		return -ENOENT;
	*out = (struct control_nexthop){.gateway = nh->gateway, .mac = nh->dmac};
	l = nl_link_by_index(d->nl, nh->ifindex);
	if (l)
		snprintf(out->ifname, sizeof(out->ifname), "%s", l->name);
	if (nh->local)
		out->state = "local";
	else if (nh->valid)
		out->state = "reachable";
	else
		out->state = nh->ifindex ? "resolving" : "no-route";
	return 0;
}

static int attach(void *ctx, const char *ifname, const struct mac *mac, const struct mnid *mnid,
		  uint8_t hint, const char *prev_ap, nsec_t now)
{
	struct daemon *d = ctx;
	const struct iface *i = link_by_name(d, ifname);
	struct link_node n;

	if (!i || !i->is_access || !i->ifindex)
		return -ENODEV;
	n = (struct link_node){.ifindex = i->ifindex, .mac = *mac};
	return access_attach(d->access, &n, hint, mnid, prev_ap, MAG_CAUSE_CONTROL, now);
}

static int detach(void *ctx, const char *ifname, const struct mac *mac, nsec_t now)
{
	struct daemon *d = ctx;
	const struct iface *i = link_by_name(d, ifname);
	struct link_node n;

	if (!i || !i->is_access || !i->ifindex)
		return -ENODEV;
	n = (struct link_node){.ifindex = i->ifindex, .mac = *mac};
	return access_detach(d->access, &n, "control", now);
}

static const char *ifname(void *ctx, unsigned ifindex)
{
	const struct daemon *d = ctx;
	const struct nl_link *l = nl_link_by_index(d->nl, ifindex);

	return l ? l->name : NULL;
}

static int reload(void *ctx, char *msg, size_t cap, nsec_t now)
{
	return daemon_reload(ctx, msg, cap, now);
}

static int shut_down(void *ctx, bool flush, char *msg, size_t cap)
{
	struct daemon *d = ctx;

	daemon_shutdown(d, flush);
	log_msg(LOG_C_INFO, "stopping: shutdown%s asked for", flush ? " --flush" : "");
	snprintf(msg, cap, "%s",
		 flush || !d->cfg->leave_forwarding
			 ? "the daemon ends, nothing of the data plane stays"
			 : "the daemon ends, packets are forwarded on");
	return 0;
}

struct control_ops show_ops(struct daemon *d)
{
	return (struct control_ops){
		.ctx = d,
		.walk_interfaces = walk_interfaces,
		.walk_nodes = walk_nodes,
		.walk_profiles = walk_profiles,
		.counters = counters,
		.drops = drops,
		.store = store,
		.nexthop = nexthop,
		.attach = attach,
		.detach = detach,
		.ifname = ifname,
		.reload = reload,
		.shut_down = shut_down,
	};
}
