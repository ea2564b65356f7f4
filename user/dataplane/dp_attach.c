/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_attach.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "base/util.h"
#include "dataplane/dp_err.h"
#include "dataplane/dp_state.h"

/* Our place among the filters of an interface, so that we replace and remove only what is ours. */
#define TC_HANDLE   DP_TC_PLACE
#define TC_PRIORITY DP_TC_PLACE

static const char *const mode_name[] = {
	[DP_BPF_MODE_TC] = "tc",
	[DP_BPF_MODE_XDP] = "xdp",
	[DP_BPF_MODE_XDP_GENERIC] = "xdp-generic",
};

static const char *const want_name[] = {
	[DP_BPF_AUTO] = "auto",
	[DP_BPF_XDP] = "xdp",
	[DP_BPF_TC] = "tc",
	[DP_BPF_XDP_GENERIC] = "xdp-generic",
};

const char *dp_bpf_mode_name(enum dp_bpf_mode m)
{
	return m < ARRAY_SIZE(mode_name) ? mode_name[m] : "?";
}

const char *dp_bpf_want_name(enum dp_bpf_want w)
{
	return w < ARRAY_SIZE(want_name) ? want_name[w] : "?";
}

int dp_bpf_want_parse(const char *s, enum dp_bpf_want *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(want_name); i++) {
		if (!strcmp(s, want_name[i])) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* ---- access indices */

static uint64_t access_hash(const void *ctx, uint32_t i)
{
	return dp_hash64(((const struct dp_ifaces *)ctx)->access[i].ifindex);
}

int dp_attach_init(struct dp_ifaces *x)
{
	memset(x, 0, sizeof(*x));
	x->access = calloc(PM_MAX_ACCESS, sizeof(*x->access));
	if (!x->access || dp_fifo_init(&x->free, 1, PM_MAX_ACCESS - 1) < 0 ||
	    dp_index_init(&x->by_ifindex, PM_MAX_ACCESS, access_hash, x) < 0)
		return -ENOMEM;
	dp_netdev_open(&x->netdev);
	return 0;
}

uint32_t dp_access_get(struct dp_bpf *dp, unsigned ifindex)
{
	struct dp_ifaces *x = &dp->ifaces;
	uint32_t a;

	for (uint32_t i = dp_index_first(&x->by_ifindex, dp_hash64(ifindex));
	     (a = x->by_ifindex.tab[i]); i = dp_index_next(&x->by_ifindex, i)) {
		if (x->access[a].ifindex == ifindex) {
			x->access[a].users++;
			return a;
		}
	}
	a = dp_fifo_take(&x->free);
	if (!a)
		return 0;
	x->access[a] = (struct dp_access){.ifindex = ifindex, .users = 1};
	dp_index_add(&x->by_ifindex, a);
	return a;
}

void dp_access_put(struct dp_bpf *dp, uint32_t access)
{
	struct dp_ifaces *x = &dp->ifaces;

	if (!access || --x->access[access].users)
		return;
	dp_index_del(&x->by_ifindex, access);
	x->access[access].ifindex = 0;
	dp_fifo_give(&x->free, access);
}

/* ---- the tables */

struct dp_iface *dp_iface_find(const struct dp_bpf *dp, unsigned ifindex)
{
	for (unsigned i = 0; i < dp->ifaces.n; i++) {
		if (dp->ifaces.iface[i].pub.ifindex == ifindex)
			return &dp->ifaces.iface[i];
	}
	return NULL;
}

bool dp_iface_takes_xdp(const struct dp_bpf *dp, unsigned ifindex)
{
	const struct dp_iface *f = dp_iface_find(dp, ifindex);
	const struct dp_vlan *v = dp_vlan_find(dp, ifindex);

	return (f && f->pub.xdp_tx) || (v && v->takes_xdp);
}

static int write_access(struct dp_bpf *dp, const struct dp_iface *f, bool valid)
{
	struct pm_access a = {0};

	if (!f->access)
		return 0;
	if (valid) {
		a.ifindex = f->pub.ifindex;
		a.flags = PM_A_VALID;
		if (dp_iface_takes_xdp(dp, f->pub.ifindex))
			a.flags |= PM_A_XDP;
		if (dp_vlan_find(dp, f->pub.ifindex))
			a.flags |= PM_A_VLAN;
		memcpy(a.smac, f->pub.mac.b, sizeof(a.smac));
		a.mtu = f->pub.mtu;
	}
	if (bpf_map_update_elem(dp->maps.fd[DP_MAP_ACCESS], &f->access, &a, BPF_ANY) < 0)
		return -errno;
	return 0;
}

int dp_iface_write(struct dp_bpf *dp, unsigned ifindex)
{
	const int map = dp->maps.fd[DP_MAP_IFACE];
	const struct dp_iface *f = dp_iface_find(dp, ifindex);
	const struct dp_vlan *v = dp_vlan_find(dp, ifindex);
	struct pm_iface e = {.ifindex = ifindex}, is = {0};
	uint32_t key = ifindex % PM_IFACE_SLOTS;
	bool attached = f && f->written;
	int r = 0;

	if (bpf_map_lookup_elem(map, &key, &is) < 0)
		return -errno;
	if (attached) {
		e.access = f->access;
		e.domain = f->pub.domain;
		if (f->link >= 0)
			e.flags |= PM_I_XDP;
		if (f->link >= 0 && f->pub.mode == DP_BPF_MODE_XDP_GENERIC)
			e.flags |= PM_I_XDP_GENERIC;
		if (f->pub.xdp_tx)
			e.flags |= PM_I_XDP_OUT;
		if (f->host)
			e.flags |= PM_I_HOST;
		if (f->leaves_tags)
			e.flags |= PM_I_TAGS;
		memcpy(e.mac, f->own.b, sizeof(e.mac));
	}
	if (v)
		dp_vlan_describe(v, &e);
	else if (!attached)
		e.ifindex = 0;
	if (e.flags & PM_I_XDP_OUT &&
	    dp_netdev_takes_pieces(&dp->ifaces.netdev, v ? v->pub.parent : ifindex))
		e.flags |= PM_I_XDP_SG;
	/* the element of an attached interface is left alone; TC does what is needed there */
	if (attached || !is.ifindex || is.ifindex == ifindex)
		r = bpf_map_update_elem(map, &key, &e, BPF_ANY) < 0 ? -errno : 0;
	if (r == 0 && attached)
		r = write_access(dp, f, true);
	dp_bpf_routes_changed(dp);
	return r;
}

static int write_iface(struct dp_bpf *dp, struct dp_iface *f)
{
	f->written = true;
	return dp_iface_write(dp, f->pub.ifindex);
}

/* The interface that has the element of `f` in pm_iface; 0: none other has. */
static unsigned iface_in_the_way(const struct dp_bpf *dp, const struct dp_iface *f)
{
	for (unsigned i = 0; i < dp->ifaces.n; i++) {
		unsigned other = dp->ifaces.iface[i].pub.ifindex;

		if (other != f->pub.ifindex &&
		    other % PM_IFACE_SLOTS == f->pub.ifindex % PM_IFACE_SLOTS)
			return other;
	}
	return 0;
}

/* ---- the TC hook */

static uint32_t prog_id(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) < 0 ? 0 : info.id;
}

static void tc_detach(unsigned ifindex, uint32_t id)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, query, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);

	/* A filter that somebody else put in our place is not ours to remove. */
	if (bpf_tc_query(&hook, &query) < 0 || query.prog_id != id)
		return;
	bpf_tc_detach(&hook, &opts);
}

static int tc_attach(struct dp_bpf *dp, struct dp_iface *f, char *err, size_t errlen)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)f->pub.ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY,
		    .flags = BPF_TC_F_REPLACE);
	int prog = dp->maps.prog[f->access ? DP_PROG_TC_ACCESS : DP_PROG_TC_TRANSPORT];
	char path[DP_PIN_PATH + 64], fresh[DP_PIN_PATH + 64];
	int r = bpf_tc_hook_create(&hook);

	if (r < 0 && r != -EEXIST)
		return dp_fail(err, errlen, -r,
			       "%s: no clsact hook: %s; it needs CONFIG_NET_SCH_INGRESS and "
			       "CONFIG_NET_CLS_BPF",
			       f->pub.ifname, strerror(-r));
	/* pinned before and after, so that whoever comes after us knows it for ours */
	dp_pin_path(&dp->maps.pins, fresh, "new-tc", (int)f->pub.ifindex);
	unlink(fresh);
	if (bpf_obj_pin(prog, fresh) < 0)
		return dp_fail(err, errlen, errno, "cannot pin %s: %s", fresh, strerror(errno));
	opts.prog_fd = prog;
	r = bpf_tc_attach(&hook, &opts);
	if (r < 0) {
		unlink(fresh);
		return dp_fail(err, errlen, -r, "%s: cannot attach to TC: %s", f->pub.ifname,
			       strerror(-r));
	}
	f->tc_prog = prog_id(prog);
	dp_pin_path(&dp->maps.pins, path, "tc", (int)f->pub.ifindex);
	if (rename(fresh, path) < 0) {
		r = -errno;
		tc_detach(f->pub.ifindex, f->tc_prog);
		unlink(fresh);
		return dp_fail(err, errlen, -r, "cannot pin %s: %s", path, strerror(-r));
	}
	return 0;
}

/* ---- the XDP hook */

static const char *xdp_reason(int code)
{
	switch (code) {
	case EOPNOTSUPP:
		return "its driver has no XDP";
	case EBUSY:
	case EEXIST:
		return "another XDP program is attached";
	case ERANGE:
		return "its MTU, or that of its peer, is too large for XDP";
	case EINVAL:
		return "its driver refuses XDP with the present settings";
	default:
		return strerror(code);
	}
}

static int xdp_prog(const struct dp_bpf *dp, struct dp_iface *f)
{
	int prog = dp->maps.prog[f->access ? DP_PROG_XDP_ACCESS : DP_PROG_XDP_TRANSPORT];
	int spread = dp->maps.prog[f->access ? DP_PROG_SPREAD_ACCESS : DP_PROG_SPREAD_TRANSPORT];

	f->pub.spread = f->want_spread && spread >= 0;
	return f->pub.spread ? spread : prog;
}

static int xdp_attach(struct dp_bpf *dp, struct dp_iface *f, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd;
	char path[DP_PIN_PATH + 64];
	int r;

	fd = bpf_link_create(xdp_prog(dp, f), (int)f->pub.ifindex, BPF_XDP, &opts);
	if (fd < 0) {
		f->pub.spread = false;
		return fd;
	}
	dp_pin_path(&dp->maps.pins, path, "xdp", (int)f->pub.ifindex);
	unlink(path);
	if (bpf_obj_pin(fd, path) < 0) {
		r = -errno;
		bpf_link_detach(fd);
		close(fd);
		return r;
	}
	f->link = fd;
	return 0;
}

static int xdp_attach_wanted(struct dp_bpf *dp, struct dp_iface *f, char *err, size_t errlen)
{
	const char *ifname = f->pub.ifname;
	int r;

	f->pub.mode = DP_BPF_MODE_TC;
	f->pub.why[0] = '\0';
	switch (f->pub.want) {
	case DP_BPF_TC:
		return 0;
	case DP_BPF_AUTO:
	case DP_BPF_XDP:
		r = xdp_attach(dp, f, XDP_FLAGS_DRV_MODE);
		if (r == 0) {
			f->pub.mode = DP_BPF_MODE_XDP;
			return 0;
		}
		if (f->pub.want == DP_BPF_XDP)
			return dp_fail(err, errlen, -r,
				       "%s: hook xdp is not possible: %s; use hook auto, tc or "
				       "xdp-generic",
				       ifname, xdp_reason(-r));
		snprintf(f->pub.why, sizeof(f->pub.why), "%s", xdp_reason(-r));
		return 0;
	case DP_BPF_XDP_GENERIC:
		r = xdp_attach(dp, f, XDP_FLAGS_SKB_MODE);
		if (r < 0)
			return dp_fail(err, errlen, -r, "%s: hook xdp-generic is not possible: %s",
				       ifname,
				       -r == EBUSY || -r == EEXIST ? xdp_reason(-r) : strerror(-r));
		f->pub.mode = DP_BPF_MODE_XDP_GENERIC;
		return 0;
	}
	return -EINVAL;
}

/* The kernel takes a link off an interface that goes away; it stays as an empty shell. */
bool dp_iface_xdp_alive(const struct dp_iface *f)
{
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);

	return f->link >= 0 && bpf_obj_get_info_by_fd(f->link, &info, &len) == 0 &&
	       info.xdp.ifindex == f->pub.ifindex;
}

/* Our program in the place of the one that an earlier run left, between two packets. */
static bool xdp_renew(struct dp_bpf *dp, struct dp_iface *f)
{
	int r = bpf_link_update(f->link, xdp_prog(dp, f), NULL);

	if (r == 0)
		return true;
	log_msg(LOG_C_LOCAL,
		"%s: the XDP program of the earlier run must go before the present one comes: %s",
		f->pub.ifname, strerror(-r));
	bpf_link_detach(f->link);
	close(f->link);
	f->link = -1;
	return false;
}

/* ---- attach and detach */

static void unhook(struct dp_bpf *dp, struct dp_iface *f)
{
	char path[DP_PIN_PATH + 64];

	dp_complaint_reset();
	if (f->link >= 0) {
		bpf_link_detach(f->link);
		close(f->link);
		f->link = -1;
		f->pub.spread = false;
		dp_pin_path(&dp->maps.pins, path, "xdp", (int)f->pub.ifindex);
		unlink(path);
	}
	if (f->tc_prog) {
		tc_detach(f->pub.ifindex, f->tc_prog);
		f->tc_prog = 0;
		dp_pin_path(&dp->maps.pins, path, "tc", (int)f->pub.ifindex);
		unlink(path);
	}
	dp_vlan_keep_tags(dp, f);
	f->adopted = false;
	f->pub.xdp_tx = false;
	f->written = false;
	dp_iface_write(dp, f->pub.ifindex);
	write_access(dp, f, false);
	dp_access_put(dp, f->access);
	f->access = 0;
}

static bool ask_xdp_tx(struct dp_bpf *dp, const struct dp_iface *f)
{
	return dp_netdev_takes_xdp(&dp->ifaces.netdev, f->pub.ifindex, f->pub.ifname,
				   f->pub.mode == DP_BPF_MODE_XDP, f->pub.want == DP_BPF_XDP);
}

/* The tables come first: a program may run from the moment it is attached. */
static int hook(struct dp_bpf *dp, struct dp_iface *f, char *err, size_t errlen)
{
	int r;

	dp_complaint_reset();
	if (iface_in_the_way(dp, f))
		return dp_fail(
			err, errlen, EADDRINUSE,
			"%s: its index %u and index %u share an element of pm_iface; make the "
			"interface anew to get another index",
			f->pub.ifname, f->pub.ifindex, iface_in_the_way(dp, f));
	if (f->pub.kind == DP_BPF_ACCESS && !f->access) {
		f->access = dp_access_get(dp, f->pub.ifindex);
		if (!f->access)
			return dp_fail(err, errlen, ENOSPC, "%s: more than %d access interfaces",
				       f->pub.ifname, PM_MAX_ACCESS - 1);
	}
	r = write_iface(dp, f);
	if (r < 0)
		return dp_fail(err, errlen, -r, "%s: cannot enter it into the tables: %s",
			       f->pub.ifname, strerror(-r));
	r = tc_attach(dp, f, err, errlen);
	if (r == 0 && (f->link < 0 || (f->adopted && !xdp_renew(dp, f))))
		r = xdp_attach_wanted(dp, f, err, errlen);
	if (r < 0)
		return r;
	/* which VLANs there are may not be known yet; dp_attach_sweep() sees to it */
	if (!f->adopted)
		dp_vlan_keep_tags(dp, f);
	f->adopted = false;
	/* Drivers offer it only once a program runs. */
	f->pub.xdp_tx = ask_xdp_tx(dp, f);
	r = write_iface(dp, f);
	if (r < 0)
		return dp_fail(err, errlen, -r, "%s: cannot enter it into the tables: %s",
			       f->pub.ifname, strerror(-r));
	return 0;
}

static void forget(struct dp_bpf *dp, struct dp_iface *f)
{
	struct dp_ifaces *x = &dp->ifaces;

	*f = x->iface[--x->n];
}

struct dp_iface *dp_iface_new(struct dp_bpf *dp)
{
	struct dp_ifaces *x = &dp->ifaces;
	struct dp_iface *more = realloc(x->iface, (x->n + 1) * sizeof(*more));

	if (!more)
		return NULL;
	x->iface = more;
	more[x->n] = (struct dp_iface){.link = -1};
	return &more[x->n++];
}

/* The address that frames must be sent to. */
static struct mac ask_mac(const struct dp_iface *f)
{
	struct mac own = {0};

	if (!f->host)
		dp_netdev_mac(f->pub.ifname, &own);
	return own;
}

static void describe(struct dp_iface *f, const struct dp_bpf_attach *a)
{
	f->pub.ifindex = a->ifindex;
	snprintf(f->pub.ifname, sizeof(f->pub.ifname), "%s", a->ifname);
	f->pub.kind = a->kind;
	f->pub.want = a->want;
	f->pub.mac = a->mac;
	f->pub.domain = a->domain;
	f->pub.mtu = a->mtu;
	f->want_spread = a->spread;
	f->host = a->host;
	f->own = ask_mac(f);
}

/* Can what an earlier run left be brought to what is wanted without taking it off first? */
static bool serves(const struct dp_iface *f, const struct dp_bpf_attach *a)
{
	if (f->pub.kind != a->kind)
		return false;
	if (f->link < 0)
		return true;
	if (!dp_iface_xdp_alive(f) || a->want == DP_BPF_TC)
		return false;
	return (f->pub.mode == DP_BPF_MODE_XDP_GENERIC) == (a->want == DP_BPF_XDP_GENERIC);
}

int dp_bpf_attach(struct dp_bpf *dp, const struct dp_bpf_attach *a, struct dp_bpf_iface *got,
		  char *err, size_t errlen)
{
	struct dp_iface *f = dp_iface_find(dp, a->ifindex);
	char name[IF_NAMESIZE];
	struct dp_bpf_iface was = {0};
	bool had = f;
	int r;

	if (!a->ifindex || !if_indextoname(a->ifindex, name))
		return dp_fail(err, errlen, ENODEV, "%s: there is no such interface", a->ifname);
	if (had) {
		was = f->pub;
		/* What runs there can stay unless something else is wanted. */
		if (f->adopted ? !serves(f, a)
			       : f->pub.kind != a->kind || f->pub.want != a->want ||
					 f->want_spread != a->spread ||
					 (f->link >= 0 && !dp_iface_xdp_alive(f)))
			unhook(dp, f);
	} else {
		f = dp_iface_new(dp);
		if (!f)
			return dp_fail(err, errlen, ENOMEM, "%s: out of memory", a->ifname);
	}
	describe(f, a);
	r = hook(dp, f, err, errlen);
	if (r < 0) {
		char ignored[DP_BPF_ERRLEN];

		unhook(dp, f);
		if (had)
			f->pub = was;
		if (!had || hook(dp, f, ignored, sizeof(ignored)) < 0) {
			unhook(dp, f);
			forget(dp, f);
		}
		dp_peers_iface_changed(dp, a->ifindex);
		return r;
	}
	dp_peers_iface_changed(dp, a->ifindex);
	if (got)
		*got = f->pub;
	return 0;
}

void dp_bpf_detach(struct dp_bpf *dp, unsigned ifindex)
{
	struct dp_iface *f = dp_iface_find(dp, ifindex);

	if (!f || dp->left)
		return;
	unhook(dp, f);
	forget(dp, f);
	dp_peers_iface_changed(dp, ifindex);
}

static bool refresh(struct dp_bpf *dp, unsigned ifindex)
{
	struct dp_iface *f = dp_iface_find(dp, ifindex);
	struct mac own;
	bool takes;

	if (!f)
		return false;
	takes = ask_xdp_tx(dp, f);
	own = ask_mac(f);
	if (takes == f->pub.xdp_tx && mac_eq(&own, &f->own))
		return false;
	f->pub.xdp_tx = takes;
	f->own = own;
	if (write_iface(dp, f) < 0)
		log_msg(LOG_C_LOCAL, "dataplane: cannot enter %s into the tables", f->pub.ifname);
	dp_peers_iface_changed(dp, ifindex);
	return true;
}

bool dp_bpf_refresh_iface(struct dp_bpf *dp, unsigned ifindex)
{
	bool changed = refresh(dp, ifindex);

	dp_vlan_parent_changed(dp, ifindex);
	return changed;
}

static void device_changed(void *ctx, unsigned ifindex)
{
	struct dp_bpf *dp = ctx;

	if (ifindex) {
		dp_bpf_refresh_iface(dp, ifindex);
		return;
	}
	for (unsigned i = 0; i < dp->ifaces.n; i++)
		refresh(dp, dp->ifaces.iface[i].pub.ifindex);
	dp_vlan_parent_changed(dp, 0);
}

int dp_bpf_event_fd(const struct dp_bpf *dp)
{
	return dp_netdev_event_fd(&dp->ifaces.netdev);
}

void dp_bpf_events(struct dp_bpf *dp)
{
	dp_netdev_events(&dp->ifaces.netdev, device_changed, dp);
}

void dp_bpf_walk_ifaces(const struct dp_bpf *dp,
			void (*cb)(void *ctx, const struct dp_bpf_iface *i), void *ctx)
{
	for (unsigned i = 0; i < dp->ifaces.n; i++)
		cb(ctx, &dp->ifaces.iface[i].pub);
}

void dp_attach_free(struct dp_bpf *dp, bool flush)
{
	struct dp_ifaces *x = &dp->ifaces;

	for (unsigned i = 0; i < x->n; i++) {
		if (flush)
			unhook(dp, &x->iface[i]);
		else if (x->iface[i].link >= 0)
			close(x->iface[i].link);
	}
	free(x->iface);
	x->iface = NULL;
	x->n = 0;
	free(x->vlan);
	x->vlan = NULL;
	x->n_vlans = 0;
	free(x->access);
	x->access = NULL;
	dp_fifo_free(&x->free);
	dp_index_free(&x->by_ifindex);
	dp_netdev_close(&x->netdev);
}

void dp_attach_forget(const char *name, const char *path)
{
	bool xdp, tc;
	int fd;

	if (!strncmp(name, "new-", 4))
		name += 4;
	xdp = !strncmp(name, "xdp-", 4);
	tc = !strncmp(name, "tc-", 3);
	if (!xdp && !tc)
		return;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return;
	if (xdp)
		bpf_link_detach(fd); /* at once; unlinking alone lets the kernel take its time */
	else
		tc_detach((unsigned)strtoul(name + 3, NULL, 10), prog_id(fd));
	close(fd);
}
