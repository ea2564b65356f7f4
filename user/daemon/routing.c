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
