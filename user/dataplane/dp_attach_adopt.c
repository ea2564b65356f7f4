/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces as an earlier run left them; part of dp_attach.h. */
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/dp_attach.h"
#include "dataplane/dp_err.h"
#include "dataplane/dp_state.h"

/* ---- access indices */

bool dp_access_adopt(struct dp_bpf *dp, unsigned ifindex, uint32_t access)
{
	struct dp_ifaces *x = &dp->ifaces;

	if (!ifindex || !access || access >= PM_MAX_ACCESS)
		return false;
	if (!x->access[access].ifindex) {
		for (uint32_t i = 1; i < PM_MAX_ACCESS; i++) {
			if (x->access[i].ifindex == ifindex)
				return false;
		}
		x->access[access].ifindex = ifindex;
		dp_index_add(&x->by_ifindex, access);
	}
	if (x->access[access].ifindex != ifindex)
		return false;
	x->access[access].users++;
	return true;
}

void dp_access_adopted(struct dp_bpf *dp)
{
	struct dp_ifaces *x = &dp->ifaces;

	for (uint32_t n = x->free.n; n; n--) {
		uint32_t a = dp_fifo_take(&x->free);

		if (!x->access[a].ifindex)
			dp_fifo_give(&x->free, a);
	}
}

/* ---- pins */

static void forget_pin(const struct dp_bpf *dp, const char *name)
{
	char path[DP_PIN_PATH + 64];

	dp_pin_path(&dp->maps.pins, path, name, -1);
	dp_attach_forget(name, path);
	unlink(path);
}

static void describe(struct dp_bpf *dp, struct dp_iface *f)
{
	const uint32_t key = f->pub.ifindex % PM_IFACE_SLOTS;
	struct pm_access a;
	struct pm_iface e;

	if (bpf_map_lookup_elem(dp->maps.fd[DP_MAP_IFACE], &key, &e) < 0 ||
	    e.ifindex != f->pub.ifindex)
		return;
	f->written = true;
	f->host = e.flags & PM_I_HOST;
	f->leaves_tags = e.flags & PM_I_TAGS;
	f->pub.xdp_tx = e.flags & PM_I_XDP_OUT;
	f->pub.domain = e.domain;
	memcpy(f->own.b, e.mac, sizeof(e.mac));
	if (!dp_access_adopt(dp, f->pub.ifindex, e.access))
		return;
	f->access = e.access;
	f->pub.kind = DP_BPF_ACCESS;
	if (bpf_map_lookup_elem(dp->maps.fd[DP_MAP_ACCESS], &e.access, &a) == 0) {
		memcpy(f->pub.mac.b, a.smac, sizeof(a.smac));
		f->pub.mtu = a.mtu;
	}
}

static struct dp_iface *iface_of(struct dp_bpf *dp, unsigned ifindex)
{
	struct dp_iface *f = dp_iface_find(dp, ifindex);
	char ifname[IF_NAMESIZE];

	if (f || !if_indextoname(ifindex, ifname))
		return f;
	f = dp_iface_new(dp);
	if (!f)
		return NULL;
	f->adopted = true;
	f->pub.ifindex = ifindex;
	f->pub.want = DP_BPF_TC;
	f->pub.kind = DP_BPF_TRANSPORT;
	snprintf(f->pub.ifname, sizeof(f->pub.ifname), "%s", ifname);
	describe(dp, f);
	return f;
}

static bool adopt_xdp(struct dp_bpf *dp, struct dp_iface *f, const char *path)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);

	(void)dp;
	f->link = bpf_obj_get(path);
	if (f->link < 0)
		return false;
	if (!dp_iface_xdp_alive(f)) {
		close(f->link);
		f->link = -1;
		return false;
	}
	f->pub.mode = DP_BPF_MODE_XDP;
	f->pub.want = DP_BPF_XDP;
	if (bpf_xdp_query((int)f->pub.ifindex, 0, &q) == 0 && q.skb_prog_id) {
		f->pub.mode = DP_BPF_MODE_XDP_GENERIC;
		f->pub.want = DP_BPF_XDP_GENERIC;
	}
	return true;
}

/* The filter may run the program of this pin, or, if a run was killed in between, of the other. */
static bool adopt_tc(struct dp_iface *f, const char *path)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)f->pub.ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, query, .handle = DP_TC_PLACE, .priority = DP_TC_PLACE);
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	int fd = bpf_obj_get(path), r;

	if (fd < 0)
		return false;
	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	close(fd);
	dp_complaint_reset();
	if (r < 0 || bpf_tc_query(&hook, &query) < 0 || query.prog_id != info.id)
		return false;
	f->tc_prog = info.id;
	return true;
}

static void adopt_pin(void *ctx, const char *name)
{
	const bool fresh = !strncmp(name, "new-", 4);
	const char *dash = strrchr(name, '-');
	char path[DP_PIN_PATH + 64], good[DP_PIN_PATH + 64];
	struct dp_bpf *dp = ctx;
	struct dp_iface *f;
	bool xdp, ok;

	if (!strncmp(name, "pm_", 3) || !dash)
		return;
	xdp = !strncmp(name, "xdp-", 4);
	dp_pin_path(&dp->maps.pins, path, name, -1);
	f = iface_of(dp, (unsigned)strtoul(dash + 1, NULL, 10));
	if (!f) {
		forget_pin(dp, name);
		return;
	}
	ok = xdp ? adopt_xdp(dp, f, path) : adopt_tc(f, path);
	if (!ok) {
		unlink(path);
	} else if (fresh) {
		dp_pin_path(&dp->maps.pins, good, "tc", (int)f->pub.ifindex);
		rename(path, good);
	}
}

/* ---- elements that nobody stands behind */

static void clear_elements(struct dp_bpf *dp)
{
	const struct pm_iface none = {0};
	const struct pm_access no_access = {0};
	struct pm_access a;
	struct pm_iface e;

	for (uint32_t i = 0; i < PM_IFACE_SLOTS; i++) {
		if (bpf_map_lookup_elem(dp->maps.fd[DP_MAP_IFACE], &i, &e) == 0 && e.ifindex &&
		    !dp_iface_find(dp, e.ifindex) && !dp_vlan_find(dp, e.ifindex))
			bpf_map_update_elem(dp->maps.fd[DP_MAP_IFACE], &i, &none, BPF_ANY);
	}
	for (uint32_t i = 1; i < PM_MAX_ACCESS; i++) {
		const struct dp_iface *f;

		if (bpf_map_lookup_elem(dp->maps.fd[DP_MAP_ACCESS], &i, &a) < 0 || !a.flags)
			continue;
		f = dp_iface_find(dp, a.ifindex);
		if (!f || f->access != i)
			bpf_map_update_elem(dp->maps.fd[DP_MAP_ACCESS], &i, &no_access, BPF_ANY);
	}
}

void dp_attach_adopt(struct dp_bpf *dp)
{
	dp_pins_walk(&dp->maps.pins, adopt_pin, dp);
}

void dp_attach_sweep(struct dp_bpf *dp)
{
	struct dp_ifaces *x = &dp->ifaces;

	if (!dp->maps.adopted)
		return;
	for (unsigned i = 0; i < x->n;) {
		if (x->iface[i].adopted)
			dp_bpf_detach(dp, x->iface[i].pub.ifindex); /* the last one comes here */
		else
			i++;
	}
	clear_elements(dp);
	for (unsigned i = 0; i < x->n; i++) {
		dp_vlan_keep_tags(dp, &x->iface[i]);
		dp_iface_write(dp, x->iface[i].pub.ifindex);
	}
}
