/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/daemon.h"

#include <string.h>

static void on_routes(void *ctx, const struct routes_kind *k)
{
	struct daemon *d = ctx;
	const struct dp_bpf_routing r = {
		.by_source = k->by_source,
		.multipath = k->multipath,
		.opaque = k->opaque,
	};

	dp_bpf_routing(d->dp, &r);
}

/* Every VLAN interface, configured or not: a route may lead out there. */
static void on_link(void *ctx, const struct nl_link *l, const struct nl_link *old, bool gone,
		    nsec_t now)
{
	struct daemon *d = ctx;
	struct dp_bpf_vlan v = {
		.ifindex = l->ifindex,
		.parent = l->vlan.lower,
		.proto = l->vlan.proto,
		.id = l->vlan.id,
	};
	const struct nl_link *lower = nl_link_by_index(d->nl, l->vlan.lower);

	if (gone || !l->vlan.lower) {
		dp_bpf_vlan_del(d->dp, l->ifindex);
		return;
	}
	if (lower)
		snprintf(v.parent_name, sizeof(v.parent_name), "%s", lower->name);
	if (dp_bpf_vlan_put(d->dp, &v))
		log_msg(LOG_C_LOCAL, "%s: cannot enter the VLAN into the tables", l->name);
}

/*
 * A domain's interface in a VRF says whose routes its packets take. Where all interfaces are in the
 * same VRF, or in none, the question does not arise.
 */
static bool is_apart(const struct daemon *d, unsigned vrf)
{
	for (unsigned i = 0; i < d->n_ifaces; i++)
		if (!d->ifaces[i].is_access && d->ifaces[i].ifindex &&
		    nl_vrf_of_link(d->nl, d->ifaces[i].ifindex) != vrf)
			return true;
	return false;
}

static unsigned routes_of(const struct daemon *d, uint16_t domain)
{
	for (unsigned i = 0; i < d->n_ifaces; i++) {
		const struct iface *f = &d->ifaces[i];

		if (f->is_access || f->domain != domain || !f->attached)
			continue;
		return is_apart(d, nl_vrf_of_link(d->nl, f->ifindex)) ? f->ifindex : 0;
	}
	return DP_BPF_SHUT;
}

void routing_domains(struct daemon *d)
{
	for (unsigned i = 0; d->cfg->has_lma && i < d->n_ifaces; i++) {
		const uint16_t domain = d->ifaces[i].domain;

		if (d->ifaces[i].is_access || !domain)
			continue;
		if (dp_bpf_domain(d->dp, domain, routes_of(d, domain)))
			log_msg(LOG_C_LOCAL, "%s: cannot enter the domain's routes into the tables",
				d->ifaces[i].name);
	}
}

void routing_forget_domain(struct daemon *d, uint16_t domain)
{
	for (unsigned i = 0; i < d->n_ifaces; i++)
		if (!d->ifaces[i].is_access && d->ifaces[i].domain == domain)
			return;
	dp_bpf_domain(d->dp, domain, 0);
}

int routing_prepare(struct daemon *d)
{
	int rc = routes_new(&d->routes, d->nl, on_routes, d);

	if (rc)
		return rc;
	/* before links.c hears of them, which asks what their tunnels can use */
	d->vlan_listener = (struct nl_listener){.ctx = d, .link = on_link};
	nl_listen(d->nl, &d->vlan_listener);
	return 0;
}

/* What cannot be read now is tried again later. */
void routing_start(struct daemon *d)
{
	routes_start(d->routes, daemon_now());
}

void routing_stop(struct daemon *d)
{
	if (d->vlan_listener.ctx)
		nl_unlisten(d->nl, &d->vlan_listener);
	d->vlan_listener.ctx = NULL;
	routes_free(&d->routes);
}
