/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which hook runs on which kind of interface, and what the tables say about it. */
#include <errno.h>
#include <linux/if_link.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/dp_netdev.h"
#include "dp_env.h"
#include "lib/cu.h"

static struct dp_bpf *dp;
static struct dataplane *d;
static int iface_fd, access_fd;
static const struct pm_tunnel *tunnel;
static char err[DP_BPF_ERRLEN];

static void setup(void)
{
	const struct dp_bpf_cfg cfg = {.instance = "attach",
				       .roles = DP_BPF_LMA | DP_BPF_MAG,
				       .max_sessions = 16,
				       .max_peers = 8};

	env_sh(true, "ip link add v0 address 02:00:00:00:00:aa type veth peer name v1");
	env_sh(true, "ip link set v0 up; ip link set v1 up");
	env_sh(true, "ip link add br0 type bridge; ip link set br0 up");
	dp = env_dp(&cfg);
	d = dp_bpf_dataplane(dp);
	iface_fd = env_pin(dp, "pm_iface");
	access_fd = env_pin(dp, "pm_access");
	tunnel = env_map(env_pin(dp, "pm_tunnel"));
	err[0] = '\0';
}

static void teardown(void)
{
	dp_bpf_free(&dp, true);
	env_sh(false, "ip link del v0");
	env_sh(false, "ip link del br0");
}

static int attach(const char *ifname, enum dp_bpf_kind kind, enum dp_bpf_want want,
		  struct dp_bpf_iface *got)
{
	const struct dp_bpf_attach a = {.ifindex = env_ifindex(ifname),
					.ifname = ifname,
					.kind = kind,
					.want = want,
					.mac = {{0, 0, 0x5e, 0, 0x52, 0x13}},
					.mtu = 1500};

	return dp_bpf_attach(dp, &a, got, err, sizeof(err));
}

static bool iface_entry(unsigned ifindex, struct pm_iface *out)
{
	uint32_t key = ifindex % PM_IFACE_SLOTS;

	CU_ASSERT_EQUAL(bpf_map_lookup_elem(iface_fd, &key, out), 0);
	return out->ifindex == ifindex;
}

static struct pm_access access_entry(uint32_t index)
{
	struct pm_access a = {0};

	CU_ASSERT_EQUAL(bpf_map_lookup_elem(access_fd, &index, &a), 0);
	return a;
}

/* What the kernel says is attached there. */
static unsigned xdp_mode(const char *ifname)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);

	if (bpf_xdp_query((int)env_ifindex(ifname), 0, &q) < 0)
		return 99;
	return q.attach_mode;
}

static bool has_tc(const char *ifname, const char *prog)
{
	return env_sh(false, "tc filter show dev %s ingress | grep -q %s", ifname, prog) == 0;
}

static void test_native(void)
{
	struct dp_bpf_iface got;
	struct pm_iface e;

	setup();
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_TRANSPORT, DP_BPF_AUTO, &got), 0);
	CU_ASSERT_EQUAL(got.mode, DP_BPF_MODE_XDP);
	CU_ASSERT_STRING_EQUAL(got.ifname, "v0");
	CU_ASSERT_STRING_EQUAL(got.why, "");
	CU_ASSERT_EQUAL(xdp_mode("v0"), XDP_ATTACHED_DRV);
	CU_ASSERT_TRUE(has_tc("v0", "tc_transport"));
	CU_ASSERT_TRUE(iface_entry(env_ifindex("v0"), &e));
	CU_ASSERT_EQUAL(e.flags & PM_I_XDP, PM_I_XDP);
	CU_ASSERT_EQUAL(e.access, 0);
	CU_ASSERT_EQUAL(e.mac[5], 0xaa);
	/* again is fine and changes nothing */
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_TRANSPORT, DP_BPF_AUTO, &got), 0);
	CU_ASSERT_EQUAL(got.mode, DP_BPF_MODE_XDP);
	CU_ASSERT_EQUAL(env_sh(false, "test $(tc filter show dev v0 ingress | grep -c tc_) = 1"),
			0);

	dp_bpf_detach(dp, env_ifindex("v0"));
	dp_bpf_detach(dp, env_ifindex("v0"));
	CU_ASSERT_EQUAL(xdp_mode("v0"), XDP_ATTACHED_NONE);
	CU_ASSERT_FALSE(has_tc("v0", "tc_"));
	CU_ASSERT_FALSE(iface_entry(env_ifindex("v0"), &e));
	teardown();
}

static void test_bridge(void)
{
	struct dp_bpf_iface got;
	struct pm_access a;
	struct pm_iface e;

	setup();
	CU_ASSERT_EQUAL(attach("br0", DP_BPF_ACCESS, DP_BPF_AUTO, &got), 0);
	CU_ASSERT_EQUAL(got.mode, DP_BPF_MODE_TC);
	CU_ASSERT_STRING_EQUAL(got.why, "its driver has no XDP");
	CU_ASSERT_FALSE(got.xdp_tx);
	CU_ASSERT_EQUAL(xdp_mode("br0"), XDP_ATTACHED_NONE);
	CU_ASSERT_TRUE(has_tc("br0", "tc_access"));
	CU_ASSERT_TRUE(iface_entry(env_ifindex("br0"), &e));
	CU_ASSERT_EQUAL(e.flags, 0);
	CU_ASSERT_NOT_EQUAL(e.access, 0);
	a = access_entry(e.access);
	CU_ASSERT_EQUAL(a.ifindex, env_ifindex("br0"));
	CU_ASSERT_EQUAL(a.flags, PM_A_VALID);
	CU_ASSERT_EQUAL(a.smac[5], 0x13);
	CU_ASSERT_EQUAL(a.mtu, 1500);
	dp_bpf_detach(dp, env_ifindex("br0"));
	CU_ASSERT_EQUAL(access_entry(e.access).flags, 0);
	teardown();
}

static void test_explicit_refused(void)
{
	struct pm_iface e;

	setup();
	CU_ASSERT_EQUAL(attach("br0", DP_BPF_ACCESS, DP_BPF_XDP, NULL), -EOPNOTSUPP);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "br0: hook xdp is not possible: its driver has no XDP"));
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "use hook auto"));
	CU_ASSERT_FALSE(has_tc("br0", "tc_"));
	CU_ASSERT_FALSE(iface_entry(env_ifindex("br0"), &e));
	/* what ran there before goes on */
	CU_ASSERT_EQUAL(attach("br0", DP_BPF_ACCESS, DP_BPF_TC, NULL), 0);
	CU_ASSERT_EQUAL(attach("br0", DP_BPF_ACCESS, DP_BPF_XDP, NULL), -EOPNOTSUPP);
	CU_ASSERT_TRUE(has_tc("br0", "tc_access"));
	CU_ASSERT_TRUE(iface_entry(env_ifindex("br0"), &e));
	teardown();
}

static void test_asked_for(void)
{
	struct dp_bpf_iface got;
	struct pm_iface e;

	setup();
	CU_ASSERT_EQUAL(attach("br0", DP_BPF_ACCESS, DP_BPF_XDP_GENERIC, &got), 0);
	CU_ASSERT_EQUAL(got.mode, DP_BPF_MODE_XDP_GENERIC);
	CU_ASSERT_EQUAL(xdp_mode("br0"), XDP_ATTACHED_SKB);
	CU_ASSERT_TRUE(iface_entry(env_ifindex("br0"), &e));
	CU_ASSERT_EQUAL(e.flags & PM_I_XDP, PM_I_XDP);
	/* and changed while running */
	CU_ASSERT_EQUAL(attach("br0", DP_BPF_ACCESS, DP_BPF_TC, &got), 0);
	CU_ASSERT_EQUAL(got.mode, DP_BPF_MODE_TC);
	CU_ASSERT_EQUAL(xdp_mode("br0"), XDP_ATTACHED_NONE);

	CU_ASSERT_EQUAL(attach("v0", DP_BPF_TRANSPORT, DP_BPF_TC, &got), 0);
	CU_ASSERT_EQUAL(xdp_mode("v0"), XDP_ATTACHED_NONE);
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_ACCESS, DP_BPF_XDP, &got), 0);
	CU_ASSERT_EQUAL(xdp_mode("v0"), XDP_ATTACHED_DRV);
	CU_ASSERT_TRUE(has_tc("v0", "tc_access"));
	CU_ASSERT_FALSE(has_tc("v0", "tc_transport"));
	teardown();
}

static void test_foreign_programs(void)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT				   },
	};
	struct dp_bpf_iface got;
	int fd;

	setup();
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "other", "GPL", pass, 2, NULL);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(bpf_xdp_attach((int)env_ifindex("v0"), fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	close(fd);
	CU_ASSERT_TRUE(attach("v0", DP_BPF_TRANSPORT, DP_BPF_XDP, NULL) < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "another XDP program is attached"));
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_TRANSPORT, DP_BPF_AUTO, &got), 0);
	CU_ASSERT_EQUAL(got.mode, DP_BPF_MODE_TC);
	CU_ASSERT_STRING_EQUAL(got.why, "another XDP program is attached");
	dp_bpf_detach(dp, env_ifindex("v0"));
	CU_ASSERT_EQUAL(xdp_mode("v0"), XDP_ATTACHED_DRV);
	teardown();
}

static void test_gone(void)
{
	const struct dp_bpf_attach none = {.ifindex = 12345, .ifname = "nope0", .mtu = 1500};
	unsigned old;

	setup();
	CU_ASSERT_EQUAL(dp_bpf_attach(dp, &none, NULL, err, sizeof(err)), -ENODEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "nope0: there is no such interface"));
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_TRANSPORT, DP_BPF_AUTO, NULL), 0);
	old = env_ifindex("v0");
	env_sh(true, "ip link del v0");
	CU_ASSERT_FALSE(dp_bpf_refresh_iface(dp, 999));
	dp_bpf_refresh_iface(dp, old);
	dp_bpf_detach(dp, old);
	/* it comes back under another index */
	env_sh(true, "ip link add v0 type veth peer name v1; ip link set v0 up");
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_TRANSPORT, DP_BPF_AUTO, NULL), 0);
	CU_ASSERT_EQUAL(xdp_mode("v0"), XDP_ATTACHED_DRV);
	teardown();
}

static dp_ref peer(void)
{
	const struct dp_peer p = {env_addr("2001:db8:2::1"), env_addr("2001:db8:11::1"),
				  DP_ENCAP_IP};
	dp_ref ref = 0;

	CU_ASSERT_EQUAL_FATAL(d->ops->peer_put(d, &p, &ref), 0);
	return ref;
}

/* Kernels tell through netlink from 6.3 on. */
static bool kernel_tells(void)
{
	struct dp_netdev n;
	bool tells;

	dp_netdev_open(&n);
	tells = n.nl;
	dp_netdev_close(&n);
	return tells;
}

/* Where nobody can say whether a veth takes frames it gets none, unless the operator says so. */
static void test_egress_untold(void)
{
	struct dp_bpf_nexthop nh = {.valid = true, .mtu = 1500};
	struct dp_bpf_iface got;
	dp_ref ref;

	setup();
	ref = peer();
	nh.ifindex = env_ifindex("v0");
	CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, ref, &nh), 0);
	CU_ASSERT_EQUAL(attach("v1", DP_BPF_TRANSPORT, DP_BPF_AUTO, NULL), 0);
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_ACCESS, DP_BPF_AUTO, &got), 0);
	CU_ASSERT_EQUAL(got.mode, DP_BPF_MODE_XDP);
	CU_ASSERT_FALSE(got.xdp_tx);
	CU_ASSERT_FALSE(dp_bpf_refresh_iface(dp, nh.ifindex));
	CU_ASSERT_EQUAL(tunnel[ref].flags & 0xffff, PM_T_VALID | PM_T_NEXTHOP);
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_ACCESS, DP_BPF_XDP, &got), 0);
	CU_ASSERT_TRUE(got.xdp_tx);
	CU_ASSERT_EQUAL(tunnel[ref].flags & 0xffff, PM_T_VALID | PM_T_NEXTHOP | PM_T_XDP);
	teardown();
}

/* A veth takes redirected frames while its peer runs XDP or GRO. */
static void test_egress(void)
{
	struct dp_bpf_nexthop nh = {.valid = true, .mtu = 1500};
	struct dp_bpf_iface got;
	struct pm_iface e;
	uint32_t access;
	dp_ref ref;

	if (!kernel_tells()) {
		test_egress_untold();
		return;
	}
	setup();
	ref = peer();
	nh.ifindex = env_ifindex("v0");
	CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, ref, &nh), 0);
	CU_ASSERT_EQUAL(tunnel[ref].flags & PM_T_XDP, 0);

	CU_ASSERT_EQUAL(attach("v0", DP_BPF_ACCESS, DP_BPF_AUTO, &got), 0);
	CU_ASSERT_FALSE(got.xdp_tx);
	CU_ASSERT_FALSE(dp_bpf_refresh_iface(dp, nh.ifindex));
	CU_ASSERT_TRUE(iface_entry(nh.ifindex, &e));
	access = e.access;
	CU_ASSERT_EQUAL(access_entry(access).flags, PM_A_VALID);

	CU_ASSERT_EQUAL(attach("v1", DP_BPF_TRANSPORT, DP_BPF_AUTO, NULL), 0);
	CU_ASSERT_TRUE(dp_bpf_refresh_iface(dp, nh.ifindex));
	CU_ASSERT_EQUAL(tunnel[ref].flags & 0xffff, PM_T_VALID | PM_T_NEXTHOP | PM_T_XDP);
	CU_ASSERT_EQUAL(access_entry(access).flags, PM_A_VALID | PM_A_XDP);
	CU_ASSERT_TRUE(iface_entry(nh.ifindex, &e));
	CU_ASSERT_EQUAL(e.flags & ~PM_I_XDP_SG, PM_I_XDP | PM_I_XDP_OUT);

	dp_bpf_detach(dp, env_ifindex("v1"));
	CU_ASSERT_TRUE(dp_bpf_refresh_iface(dp, nh.ifindex));
	CU_ASSERT_EQUAL(tunnel[ref].flags & PM_T_XDP, 0);
	CU_ASSERT_EQUAL(access_entry(access).flags, PM_A_VALID);

	env_sh(true, "ethtool -K v1 gro on");
	CU_ASSERT_TRUE(dp_bpf_refresh_iface(dp, nh.ifindex));
	CU_ASSERT_EQUAL(tunnel[ref].flags & PM_T_XDP, PM_T_XDP);
	/* detached, nothing is known of it any more */
	dp_bpf_detach(dp, nh.ifindex);
	CU_ASSERT_EQUAL(tunnel[ref].flags & PM_T_XDP, 0);
	teardown();
}

/* The peer in another namespace: no link event here, but the kernel tells. */
static void test_event(void)
{
	struct pollfd p = {.events = POLLIN};
	struct dp_bpf_iface got;
	struct pm_iface e;

	setup();
	p.fd = dp_bpf_event_fd(dp);
	if (!kernel_tells()) {
		CU_ASSERT_EQUAL(p.fd, -1);
		teardown();
		return;
	}
	CU_ASSERT_TRUE_FATAL(p.fd >= 0);
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_ACCESS, DP_BPF_AUTO, &got), 0);
	CU_ASSERT_FALSE(got.xdp_tx);
	dp_bpf_events(dp);
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 0);
	env_sh(true, "unshare -n sleep 60 & echo $! >/tmp/dp-attach-ns.$PPID; "
		     "while [ $(readlink /proc/$!/ns/net) = $(readlink /proc/$$/ns/net) ]; do "
		     "sleep 0.05; done; "
		     "ip link set v1 netns $(cat /tmp/dp-attach-ns.$PPID); "
		     "nsenter -n -t $(cat /tmp/dp-attach-ns.$PPID) ip link set v1 up; "
		     "nsenter -n -t $(cat /tmp/dp-attach-ns.$PPID) ethtool -K v1 gro on");
	CU_ASSERT_EQUAL(poll(&p, 1, 2000), 1);
	dp_bpf_events(dp);
	CU_ASSERT_TRUE(iface_entry(env_ifindex("v0"), &e));
	CU_ASSERT_EQUAL(e.flags & PM_I_XDP_OUT, PM_I_XDP_OUT);
	CU_ASSERT_FALSE(dp_bpf_refresh_iface(dp, env_ifindex("v0")));
	env_sh(true, "kill $(cat /tmp/dp-attach-ns.$PPID); rm /tmp/dp-attach-ns.$PPID");
	teardown();
}

static void test_own_address(void)
{
	struct pm_iface e;

	setup();
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_TRANSPORT, DP_BPF_AUTO, NULL), 0);
	env_sh(true, "ip link set v0 address 02:00:00:00:00:bb");
	CU_ASSERT_TRUE(dp_bpf_refresh_iface(dp, env_ifindex("v0")));
	CU_ASSERT_TRUE(iface_entry(env_ifindex("v0"), &e));
	CU_ASSERT_EQUAL(e.mac[5], 0xbb);
	CU_ASSERT_FALSE(dp_bpf_refresh_iface(dp, env_ifindex("v0")));
	teardown();
}

/* A session may come before its interface, and outlive it. */
static void test_access_index(void)
{
	const struct prefix6 p = env_prefix("2001:db8:f00::/64");
	struct dp_session s = {
		.half = DP_ACCESS,
		.mnid = {1, 1, (const uint8_t *)"x"},
		.n_prefixes = 1,
		.prefixes = &p
	      };
	const struct pm_session *m;
	struct dp_bpf_session_info info;
	struct pm_iface e;
	dp_ref ref = 0;

	setup();
	m = env_map(env_pin(dp, "pm_session"));
	s.down = (struct dp_path){
		.kind = DP_TO_LINK, .ifindex = env_ifindex("v0"), .mac = {{2, 0, 0, 0, 0, 1}}};
	s.up = (struct dp_path){.kind = DP_TO_PEER, .peer = peer()};
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &ref), 0);
	CU_ASSERT_EQUAL(dp_bpf_session_info(dp, ref, &info), 0);
	CU_ASSERT_EQUAL(access_entry(m[info.slot].access).flags, 0);
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_ACCESS, DP_BPF_TC, NULL), 0);
	CU_ASSERT_TRUE(iface_entry(env_ifindex("v0"), &e));
	CU_ASSERT_EQUAL(e.access, m[info.slot].access);
	CU_ASSERT_EQUAL(access_entry(e.access).flags & PM_A_VALID, PM_A_VALID);
	CU_ASSERT_EQUAL(attach("br0", DP_BPF_ACCESS, DP_BPF_TC, NULL), 0);
	CU_ASSERT_TRUE(iface_entry(env_ifindex("br0"), &e));
	CU_ASSERT_NOT_EQUAL(e.access, m[info.slot].access);
	dp_bpf_detach(dp, env_ifindex("v0"));
	CU_ASSERT_EQUAL(access_entry(m[info.slot].access).flags, 0);
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_ACCESS, DP_BPF_TC, NULL), 0);
	CU_ASSERT_TRUE(iface_entry(env_ifindex("v0"), &e));
	CU_ASSERT_EQUAL(e.access, m[info.slot].access);
	teardown();
}

static void count_iface(void *ctx, const struct dp_bpf_iface *i)
{
	unsigned *n = ctx;

	(*n)++;
	CU_ASSERT_TRUE(!strcmp(i->ifname, "v0") || !strcmp(i->ifname, "br0"));
	CU_ASSERT_EQUAL(i->mode, strcmp(i->ifname, "v0") ? DP_BPF_MODE_TC : DP_BPF_MODE_XDP);
}

static void test_host(void)
{
	static const struct mac none;
	struct dp_bpf_attach a = {
		.ifindex = 0,
		.ifname = "v0",
		.kind = DP_BPF_TRANSPORT,
		.want = DP_BPF_TC,
		.mtu = 1460,
		.host = true,
	};
	struct pm_iface e;

	setup();
	a.ifindex = env_ifindex("v0");
	CU_ASSERT_EQUAL(dp_bpf_attach(dp, &a, NULL, err, sizeof(err)), 0);
	CU_ASSERT_TRUE(has_tc("v0", "tc_transport"));
	CU_ASSERT_TRUE(iface_entry(a.ifindex, &e));
	CU_ASSERT_EQUAL(e.flags & ~PM_I_XDP_OUT, PM_I_HOST);
	CU_ASSERT_EQUAL(memcmp(e.mac, &none, sizeof(e.mac)), 0);
	/* nothing that the kernel says later changes that */
	env_sh(true, "ip link set v0 address 02:00:00:00:00:77");
	dp_bpf_refresh_iface(dp, a.ifindex);
	CU_ASSERT_TRUE(iface_entry(a.ifindex, &e));
	CU_ASSERT_EQUAL(memcmp(e.mac, &none, sizeof(e.mac)), 0);
	a.host = false;
	CU_ASSERT_EQUAL(dp_bpf_attach(dp, &a, NULL, err, sizeof(err)), 0);
	CU_ASSERT_TRUE(iface_entry(a.ifindex, &e));
	CU_ASSERT_EQUAL(e.flags & PM_I_HOST, 0);
	CU_ASSERT_EQUAL(e.mac[5], 0x77);
	teardown();
}

static void test_walk_and_names(void)
{
	enum dp_bpf_want w = DP_BPF_TC;
	unsigned n = 0;

	setup();
	CU_ASSERT_EQUAL(attach("v0", DP_BPF_TRANSPORT, DP_BPF_AUTO, NULL), 0);
	CU_ASSERT_EQUAL(attach("br0", DP_BPF_ACCESS, DP_BPF_AUTO, NULL), 0);
	dp_bpf_walk_ifaces(dp, count_iface, &n);
	CU_ASSERT_EQUAL(n, 2);
	CU_ASSERT_STRING_EQUAL(dp_bpf_mode_name(DP_BPF_MODE_XDP_GENERIC), "xdp-generic");
	CU_ASSERT_STRING_EQUAL(dp_bpf_want_name(DP_BPF_AUTO), "auto");
	CU_ASSERT_EQUAL(dp_bpf_want_parse("xdp-generic", &w), 0);
	CU_ASSERT_EQUAL(w, DP_BPF_XDP_GENERIC);
	CU_ASSERT_EQUAL(dp_bpf_want_parse("fast", &w), -EINVAL);
	CU_ASSERT_EQUAL(w, DP_BPF_XDP_GENERIC);
	teardown();
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a veth gets native XDP and TC, again is the same, detach removes both",
		 test_native},
		{"a bridge gets TC, and says why",								       test_bridge},
		{"explicit xdp on a bridge is refused and changes nothing",test_explicit_refused},
		{"generic XDP, TC alone and changes come as asked",		    test_asked_for},
		{"somebody else's XDP program is left alone",								       test_foreign_programs},
		{"an interface that is missing or vanishes does no harm",						  test_gone},
		{"a veth takes XDP frames while its peer has XDP or GRO",				  test_egress},
		{"a peer in another namespace that turns GRO on is noticed",									     test_event},
		{"a change of the interface's address reaches the programs",		     test_own_address},
		{"a host interface takes frames to any address and refuses",		     test_host},
		{"a session keeps its access index over attach and detach",									    test_access_index},
		{"interfaces can be walked, hooks have names",test_walk_and_names},
		{0		  }
	   };

	env_enter();
	return cu_main("dp_attach", tests, argc, argv);
}
