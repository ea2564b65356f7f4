/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_vlan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dataplane/dp_state.h"

const struct dp_vlan *dp_vlan_find(const struct dp_bpf *dp, unsigned ifindex)
{
	for (unsigned i = 0; i < dp->ifaces.n_vlans; i++) {
		if (dp->ifaces.vlan[i].pub.ifindex == ifindex)
			return &dp->ifaces.vlan[i];
	}
	return NULL;
}

void dp_vlan_describe(const struct dp_vlan *v, struct pm_iface *e)
{
	e->flags |= PM_I_VLAN;
	if (v->takes_xdp)
		e->flags |= PM_I_XDP_OUT;
	e->parent = v->pub.parent;
	e->tag = htonl((uint32_t)v->pub.proto << 16 | v->pub.id);
}

static bool ask(struct dp_bpf *dp, const struct dp_vlan *v)
{
	const struct dp_bpf_vlan *p = &v->pub;

	/* a VLAN within a VLAN would need two tags */
	if (dp_vlan_find(dp, p->parent))
		return false;
	return dp_iface_takes_xdp(dp, p->parent) ||
	       dp_netdev_takes_xdp(&dp->ifaces.netdev, p->parent, p->parent_name, false, false);
}

static bool is_parent(const struct dp_bpf *dp, unsigned ifindex)
{
	for (unsigned i = 0; i < dp->ifaces.n_vlans; i++)
		if (dp->ifaces.vlan[i].pub.parent == ifindex)
			return true;
	return false;
}

void dp_vlan_keep_tags(struct dp_bpf *dp, struct dp_iface *f)
{
	const bool leave = f->link >= 0 && is_parent(dp, f->pub.ifindex);
	int r;

	if (!leave && !f->leaves_tags)
		return;
	r = dp_netdev_leave_tags(f->pub.ifname, leave);
	f->leaves_tags = leave && (r > 0 || f->leaves_tags);
	if (leave && r < 0)
		log_msg(LOG_C_LOCAL,
			"%s: the device takes VLAN tags out of frames, and XDP takes these for "
			"frames "
			"of no VLAN: %s; use hook tc",
			f->pub.ifname, strerror(-r));
}

static void parent_changed(struct dp_bpf *dp, unsigned parent)
{
	struct dp_iface *f = dp_iface_find(dp, parent);

	if (!f)
		return;
	dp_vlan_keep_tags(dp, f);
	dp_iface_write(dp, parent);
}

static int put_into_force(struct dp_bpf *dp, unsigned ifindex)
{
	int r = dp_iface_write(dp, ifindex);

	dp_peers_iface_changed(dp, ifindex);
	return r;
}

int dp_bpf_vlan_put(struct dp_bpf *dp, const struct dp_bpf_vlan *v)
{
	struct dp_ifaces *x = &dp->ifaces;
	struct dp_vlan *is = (struct dp_vlan *)dp_vlan_find(dp, v->ifindex);
	unsigned parent;

	if (!is) {
		struct dp_vlan *more = realloc(x->vlan, (x->n_vlans + 1) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		x->vlan = more;
		is = &more[x->n_vlans++];
		*is = (struct dp_vlan){0};
	} else if (is->pub.parent == v->parent && is->pub.proto == v->proto &&
		   is->pub.id == v->id) {
		return 0;
	}
	parent = is->pub.parent;
	*is = (struct dp_vlan){.pub = *v};
	is->takes_xdp = ask(dp, is);
	parent_changed(dp, parent);
	parent_changed(dp, v->parent);
	return put_into_force(dp, v->ifindex);
}

void dp_bpf_vlan_del(struct dp_bpf *dp, unsigned ifindex)
{
	struct dp_ifaces *x = &dp->ifaces;
	struct dp_vlan *is = (struct dp_vlan *)dp_vlan_find(dp, ifindex);
	unsigned parent;

	if (!is || dp->left)
		return;
	parent = is->pub.parent;
	*is = x->vlan[--x->n_vlans];
	parent_changed(dp, parent);
	put_into_force(dp, ifindex);
}

void dp_vlan_parent_changed(struct dp_bpf *dp, unsigned parent)
{
	for (unsigned i = 0; i < dp->ifaces.n_vlans; i++) {
		struct dp_vlan *v = &dp->ifaces.vlan[i];
		bool takes;

		if (parent && v->pub.parent != parent)
			continue;
		takes = ask(dp, v);
		if (takes == v->takes_xdp)
			continue;
		v->takes_xdp = takes;
		put_into_force(dp, v->pub.ifindex);
	}
}
