/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interfaces are configured by name and may appear, vanish, lose their carrier and come back at any
 * time. Every change that netlink reports ends in settle(), which compares what an interface should
 * have with what it has and does the rest.
 *
 * An access interface gets, beside the programs: the domain's fixed link-layer and link-local
 * address (RFC 6543), and no other link-local address, so that every MAG looks the same to a node.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"

static enum dp_bpf_want want_of(enum config_hook h)
{
	switch (h) {
	case CONFIG_HOOK_XDP:
		return DP_BPF_XDP;
	case CONFIG_HOOK_TC:
		return DP_BPF_TC;
	case CONFIG_HOOK_XDP_GENERIC:
		return DP_BPF_XDP_GENERIC;
	case CONFIG_HOOK_AUTO:
		break;
	}
	return DP_BPF_AUTO;
}

struct iface *link_by_name(const struct daemon *d, const char *name)
{
	for (unsigned i = 0; i < d->n_ifaces; i++)
		if (!strcmp(d->ifaces[i].name, name))
			return &d->ifaces[i];
	return NULL;
}

struct iface *link_by_index(const struct daemon *d, unsigned ifindex)
{
	for (unsigned i = 0; ifindex && i < d->n_ifaces; i++)
		if (d->ifaces[i].ifindex == ifindex)
			return &d->ifaces[i];
	return NULL;
}

static const struct in6_addr *fixed_link_local(const struct daemon *d)
{
	return &d->cfg->mag.fixed_mag_link_local_address_on_all_access_links;
}

static const struct mac *fixed_mac(const struct daemon *d)
{
	return &d->cfg->mag.fixed_mag_link_layer_address_on_all_access_links;
}

static void set_sysctl(struct iface *i, const char *key, const char *value)
{
	const int err = nl_sysctl_ipv6(i->name, key, value);

	if (err)
		log_msg(LOG_C_LOCAL, "%s: cannot set net.ipv6.conf.%s.%s=%s: %s", i->name, i->name,
			key, value, strerror(-err));
}

/* IPv4 is left alone where it is not served. */
static void set_sysctl4(const struct daemon *d, struct iface *i, const char *key, const char *value)
{
	int err;

	if (!preset_features(d->cfg).ip4)
		return;
	err = nl_sysctl_ipv4(i->name, key, value);
	if (err)
		log_msg(LOG_C_LOCAL, "%s: cannot set net.ipv4.conf.%s.%s=%s: %s", i->name, i->name,
			key, value, strerror(-err));
}

/* The kernel forwards what the programs leave to it, and its route lookup serves them. */
static void enable_forwarding(const struct daemon *d, struct iface *i)
{
	set_sysctl(i, "forwarding", "1");
	set_sysctl4(d, i, "forwarding", "1");
}

static void put_gateway_address(struct daemon *d, struct iface *i, const struct in6_addr *ll)
{
	int err;

	if (addr6_is_zero(ll))
		return;
	err = nl_addr_add(d->nl, i->ifindex, ll, 64, true);
	if (err)
		log_msg(LOG_C_LOCAL, "%s: cannot add the gateway's link-local address: %s", i->name,
			strerror(-err));
}

static void prepare_access(struct daemon *d, struct iface *i, const struct nl_link *l)
{
	const struct left_link *was = left_link(d, i->name);
	const struct mac *mac = fixed_mac(d);

	d->left_changed = true;
	enable_forwarding(d, i);
	set_sysctl(i, "accept_ra", "0");
	set_sysctl(i, "addr_gen_mode", "1"); /* none: the gateway's address is the only one */
	/* ARP is the access side's to answer; the kernel would for any address of this machine */
	set_sysctl4(d, i, "arp_ignore", "1");
	if (was && !mac_is_zero(&was->as) && mac_eq(&was->as, &l->mac) && !i->mac_changed) {
		i->mac_changed = true;
		i->original_mac = was->was;
		i->set_mac = was->as;
	}
	if (!mac_is_zero(mac) && !mac_eq(mac, &l->mac)) {
		const int err = nl_link_set_mac(d->nl, i->ifindex, mac);

		if (err) {
			log_msg(LOG_C_LOCAL, "%s: cannot set the gateway's link-layer address: %s",
				i->name, strerror(-err));
		} else {
			if (!i->mac_changed)
				i->original_mac = l->mac;
			i->mac_changed = true;
			i->set_mac = *mac;
		}
	}
	put_gateway_address(d, i, fixed_link_local(d));
}

static struct access_link_cfg access_link_cfg(const struct daemon *d, const struct iface *i)
{
	const struct nl_link *l = nl_link_by_index(d->nl, i->ifindex);
	struct access_link_cfg c = {
		.ifindex = i->ifindex,
		.point_to_point = i->access.type == CONFIG_LINK_POINT_TO_POINT,
		.att = i->access.att,
		.mtu = i->mtu,
		.probe_interval_ms = i->access.probe_interval_ms,
		.probe_count = i->access.probe_count,
		.domain = i->domain,
	};

	snprintf(c.name, sizeof(c.name), "%s", i->name);
	if (l)
		c.mac = l->mac;
	if (i->access.trigger_rs)
		c.triggers |= ACCESS_TRIGGER_RS;
	if (i->access.trigger_ns)
		c.triggers |= ACCESS_TRIGGER_NS | ACCESS_TRIGGER_DAD | ACCESS_TRIGGER_MLD;
	if (i->access.trigger_arp)
		c.triggers |= ACCESS_TRIGGER_ARP;
	if (i->access.trigger_dhcp)
		c.triggers |= ACCESS_TRIGGER_DHCP;
	return c;
}

static int attach_programs(struct daemon *d, struct iface *i)
{
	struct dp_bpf_attach a = {
		.ifindex = i->ifindex,
		.ifname = i->name,
		.kind = i->is_access ? DP_BPF_ACCESS : DP_BPF_TRANSPORT,
		.want = i->want,
		.spread = i->spread,
		.domain = i->domain,
		.mtu = (uint16_t)(i->mtu < UINT16_MAX ? i->mtu : UINT16_MAX),
	};
	const struct nl_link *l = nl_link_by_index(d->nl, i->ifindex);
	struct dp_bpf_iface got;
	char err[DP_BPF_ERRLEN];
	int rc;

	if (i->is_access)
		a.mac = mac_is_zero(fixed_mac(d)) && l ? l->mac : *fixed_mac(d);
	rc = dp_bpf_attach(d->dp, &a, &got, err, sizeof(err));
	if (rc) {
		if (strcmp(i->note, err) != 0)
			log_msg(LOG_C_LOCAL, "%s: %s", i->name, err);
		snprintf(i->note, sizeof(i->note), "%s", err);
		return rc;
	}
	i->mode = got.mode;
	i->spreads = got.spread;
	snprintf(i->note, sizeof(i->note), "%s", got.why);
	return 0;
}

static void arrive(struct daemon *d, struct iface *i, const struct nl_link *l, nsec_t now)
{
	i->ifindex = l->ifindex;
	i->mtu = l->mtu;
	if (!l->ethernet) {
		snprintf(i->note, sizeof(i->note), "not an Ethernet interface");
		log_msg(LOG_C_LOCAL, "%s: not an Ethernet interface, left alone", i->name);
		return;
	}
	if (i->is_access)
		prepare_access(d, i, l);
	else
		enable_forwarding(d, i);
	if (attach_programs(d, i))
		return;
	if (i->is_access) {
		const struct access_link_cfg c = access_link_cfg(d, i);
		int rc = frame_sock_add(d->frames, i->ifindex);

		if (!rc)
			rc = access_link_put(d->access, &c);
		if (rc) {
			snprintf(i->note, sizeof(i->note), "cannot listen for nodes: %s",
				 strerror(-rc));
			log_msg(LOG_C_LOCAL, "%s: %s", i->name, i->note);
			return;
		}
	}
	i->attached = true;
	statics_link(d->statics, i->name, now);
	log_msg(LOG_C_INFO, "%s: %s interface, hook %s%s%s", i->name,
		i->is_access ? "access" : "transport", dp_bpf_mode_name(i->mode),
		i->note[0] ? ": " : "", i->note);
}

static void leave(struct daemon *d, struct iface *i, nsec_t now)
{
	if (!i->ifindex)
		return;
	if (i->is_access) {
		access_link_del(d->access, i->ifindex, now);
		frame_sock_del(d->frames, i->ifindex);
		d->left_changed = true;
	}
	dp_bpf_detach(d->dp, i->ifindex);
	log_msg(LOG_C_INFO, "%s: no longer served", i->name);
	i->ifindex = 0;
	i->attached = i->running = i->mac_changed = false;
	i->note[0] = '\0';
}

void links_give_back(struct daemon *d, const char *name, unsigned ifindex)
{
	nl_addrs_forget(d->nl, ifindex);
	nl_sysctl_ipv6(name, "addr_gen_mode", "0");
	nl_sysctl_ipv4(name, "arp_ignore", "0");
}

/* Gives back what a configured interface had before. */
static void release(struct daemon *d, struct iface *i, nsec_t now)
{
	struct iface was = *i;

	leave(d, i, now);
	if (!was.ifindex || !was.is_access)
		return;
	if (was.mac_changed)
		nl_link_set_mac(d->nl, was.ifindex, &was.original_mac);
	links_give_back(d, was.name, was.ifindex);
}

static void carrier(struct daemon *d, struct iface *i, const struct nl_link *l, nsec_t now)
{
	const bool was = i->running;

	i->running = l->running;
	if (!i->is_access || was == i->running)
		return;
	if (i->running) {
		/* an interface that was down lost its addresses */
		put_gateway_address(d, i, fixed_link_local(d));
		access_link_up(d->access, i->ifindex, now);
	} else if (i->access.trigger_link_down) {
		access_link_down(d->access, i->ifindex, now);
	}
}

static void mtu_changed(struct daemon *d, struct iface *i, uint32_t mtu)
{
	i->mtu = mtu;
	attach_programs(d, i);
	if (i->is_access) {
		const struct access_link_cfg c = access_link_cfg(d, i);

		access_link_put(d->access, &c);
	}
}

static void settle(struct daemon *d, struct iface *i, const struct nl_link *l, nsec_t now)
{
	if (i->ifindex && i->ifindex != l->ifindex)
		leave(d, i, now);
	if (!i->attached)
		arrive(d, i, l, now);
	if (!i->attached)
		return;
	if (i->mtu != l->mtu)
		mtu_changed(d, i, l->mtu);
	dp_bpf_refresh_iface(d->dp, i->ifindex);
	carrier(d, i, l, now);
}

static void on_link(void *ctx, const struct nl_link *l, const struct nl_link *old, bool gone,
		    nsec_t now)
{
	struct daemon *d = ctx;
	struct iface *i = link_by_index(d, l->ifindex);

	host_link_changed(d, l, gone);
	/* gone, or renamed away from the name in the configuration */
	if (i && (gone || strcmp(i->name, l->name) != 0)) {
		leave(d, i, now);
		i = NULL;
	}
	if (!gone) {
		i = link_by_name(d, l->name);
		if (i)
			settle(d, i, l, now);
	}
	host_transport_changed(d);
	routing_domains(d);
	if (d->left_changed && d->serving)
		left_save(d);
}

static void on_addr(void *ctx, const struct nl_addr *a, bool gone, nsec_t now)
{
	struct daemon *d = ctx;
	struct iface *i = link_by_index(d, a->ifindex);

	if (!i || !i->is_access || gone || !addr6_is_linklocal(&a->addr))
		return;
	/* one gateway, one address: RFC 5213 6.8, RFC 6543 */
	if (!addr6_is_zero(fixed_link_local(d)) && !addr6_eq(&a->addr, fixed_link_local(d)))
		nl_addr_del(d->nl, a->ifindex, &a->addr, a->prefix_len);
}

static void on_neigh(void *ctx, const struct nl_neigh *n, bool gone, nsec_t now)
{
	struct daemon *d = ctx;
	const struct iface *i = link_by_index(d, n->ifindex);

	if (i && i->is_access && i->access.trigger_neighbour && n->failed)
		access_neigh_failed(d->access, n->ifindex, &n->addr, now);
}

static void on_fdb(void *ctx, const struct nl_fdb *f, bool gone, nsec_t now)
{
	struct daemon *d = ctx;
	const struct iface *i = link_by_index(d, f->bridge);

	if (gone && i && i->is_access && i->access.trigger_neighbour)
		access_fdb_gone(d->access, f->bridge, &f->mac, now);
}

static void check_own_address(struct daemon *d, const struct in6_addr *a, const char *what)
{
	const unsigned vrf = nl_vrf_of_addr(d->nl, a);
	const struct nl_link *l = nl_link_by_index(d->nl, vrf);
	struct nl_path path;
	char text[ADDR6_STRLEN];

	if (addr6_is_zero(a))
		return;
	if (nl_route_get_in(d->nl, vrf, a, NULL, &path) || !path.local)
		log_msg(LOG_C_LOCAL, "%s %s is not an address of this machine yet", what,
			addr_str(a, text));
	else if (l)
		log_msg(LOG_C_INFO, "%s %s is in the VRF %s", what, addr_str(a, text), l->name);
}

static struct iface *table_new(const struct config *c, unsigned *n)
{
	struct iface *t = calloc(c->n_transport + c->n_access + 1, sizeof(*t));

	if (!t)
		return NULL;
	*n = 0;
	for (unsigned i = 0; i < c->n_transport; i++) {
		struct iface *f = &t[(*n)++];

		snprintf(f->name, sizeof(f->name), "%s", c->transport[i].name);
		f->want = want_of(c->transport[i].hook);
		f->domain = c->transport[i].domain;
		f->spread = c->transport[i].spread;
	}
	for (unsigned i = 0; c->has_mag && i < c->n_access; i++) {
		struct iface *f = &t[(*n)++];

		snprintf(f->name, sizeof(f->name), "%s", c->access[i].name);
		f->want = want_of(c->access[i].hook);
		f->domain = c->access[i].domain;
		f->spread = c->access[i].spread;
		f->is_access = true;
		f->access = c->access[i];
	}
	return t;
}

int links_start(struct daemon *d, char *err, size_t cap)
{
	int rc;

	d->ifaces = table_new(d->cfg, &d->n_ifaces);
	if (!d->ifaces) {
		snprintf(err, cap, "out of memory");
		return -ENOMEM;
	}
	d->nl_listener = (struct nl_listener){
		.ctx = d,
		.link = on_link,
		.addr = on_addr,
		.neigh = on_neigh,
		.fdb = on_fdb,
	};
	nl_listen(d->nl, &d->nl_listener);
	left_load(d);
	left_settle_links(d);
	routing_domains(d);
	rc = nl_start(d->nl, daemon_now());
	if (rc) {
		snprintf(err, cap, "netlink: cannot read the interfaces: %s", strerror(-rc));
		return rc;
	}
	for (unsigned i = 0; i < d->n_ifaces; i++)
		if (!d->ifaces[i].ifindex)
			log_msg(LOG_C_LOCAL, "%s: no such interface yet, waiting for it",
				d->ifaces[i].name);
	for (unsigned i = 0; d->cfg->has_lma && i < d->cfg->lma.n_addrs; i++)
		check_own_address(d, &d->cfg->lma.addrs[i],
				  i < d->cfg->n_lma_addrs6 ? "LMAA" : "IPv4-LMAA");
	if (d->cfg->has_mag) {
		check_own_address(d, &d->cfg->mag.proxy_coa, "Proxy-CoA");
		check_own_address(d, &d->cfg->mag.ipv4_proxy_coa, "IPv4-Proxy-CoA");
	}
	host_start(d);
	left_free(d);
	left_save(d);
	return 0;
}

void links_stop(struct daemon *d)
{
	if (!d->ifaces)
		return;
	host_stop(d);
	nl_unlisten(d->nl, &d->nl_listener);
	for (unsigned i = 0; i < d->n_ifaces && !d->leave; i++)
		release(d, &d->ifaces[i], daemon_now());
	left_free(d);
	if (!d->leave)
		left_remove(d);
	free(d->ifaces);
	d->ifaces = NULL;
	d->n_ifaces = 0;
}

struct adopt {
	struct daemon *d;
	nsec_t now;
};

static void settle_known(void *ctx, const struct nl_link *l)
{
	const struct adopt *a = ctx;
	struct iface *i = link_by_name(a->d, l->name);

	if (i)
		settle(a->d, i, l, a->now);
}

int links_reload(struct daemon *d, nsec_t now)
{
	struct iface *old = d->ifaces;
	const unsigned n_old = d->n_ifaces;
	struct adopt adopt = {d, now};
	unsigned n;
	struct iface *t = table_new(d->cfg, &n);

	if (!t)
		return -ENOMEM;
	for (unsigned i = 0; i < n_old; i++) {
		struct iface *keep = NULL;

		for (unsigned j = 0; j < n && !keep; j++)
			if (!strcmp(t[j].name, old[i].name) && t[j].is_access == old[i].is_access)
				keep = &t[j];
		if (!keep) {
			release(d, &old[i], now);
			continue;
		}
		keep->ifindex = old[i].ifindex;
		keep->attached = old[i].attached && keep->want == old[i].want &&
				 keep->domain == old[i].domain && keep->spread == old[i].spread;
		keep->running = old[i].running;
		keep->mac_changed = old[i].mac_changed;
		keep->original_mac = old[i].original_mac;
		keep->set_mac = old[i].set_mac;
		keep->mtu = old[i].mtu;
		keep->mode = old[i].mode;
		keep->spreads = old[i].spreads;
		memcpy(keep->note, old[i].note, sizeof(keep->note));
		if (keep->attached && keep->is_access) {
			const struct access_link_cfg c = access_link_cfg(d, keep);

			access_link_put(d->access, &c);
		}
	}
	d->ifaces = t;
	d->n_ifaces = n;
	for (unsigned i = 0; i < n_old; i++)
		if (!old[i].is_access && old[i].domain)
			routing_forget_domain(d, old[i].domain);
	free(old);
	nl_walk_links(d->nl, settle_known, &adopt);
	routing_domains(d);
	host_reload(d);
	left_save(d);
	return 0;
}

void links_set_link_local(struct daemon *d, unsigned ifindex, const struct in6_addr *ll)
{
	struct iface *i = link_by_index(d, ifindex);

	if (i)
		put_gateway_address(d, i, ll);
}
