/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VLAN interfaces as the daemon tells of them, and a frame that really leaves through one:
 *
 *	g0 ~ g1 [xdp_transport], tunnel by v7, "VLAN 42 of e0"; e0 ~ f0
 *
 * v7 is half a veth pair; nothing may be seen to leave there.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/dp_netdev.h"
#include "dp_env.h"
#include "lib/cu.h"
#include "lib/kernel.h"

static struct dp_bpf *dp;
static struct dataplane *d;
static dp_ref mag, node;

static void setup(void)
{
	const struct dp_bpf_cfg cfg = {
		.instance = "vlan", .roles = DP_BPF_LMA, .max_sessions = 64, .max_peers = 16};
	const struct in6_addr ours = env_addr("2001:db8:2::1");
	const struct dp_peer peer = {ours, env_addr("2001:db8:11::1"), DP_ENCAP_IP};
	struct dp_bpf_nexthop nh = {.valid = true,
				    .smac = {{2, 0x50, 0, 0, 0, 1}},
				    .dmac = {{2, 0xd0, 0, 0, 0, 1}},
				    .mtu = 1500};

	dp = env_dp(&cfg);
	d = dp_bpf_dataplane(dp);
	env_veth("g0", "g1");
	env_veth("e0", "f0");
	env_veth("v7", "w7");
	env_pass_xdp("f0");
	env_pass_xdp("w7");
	env_attach(dp, "g1");
	env_attach(dp, "e0");
	CU_ASSERT_EQUAL(dp_bpf_local_add(dp, &ours), 0);
	CU_ASSERT_EQUAL_FATAL(d->ops->peer_put(d, &peer, &mag), 0);
	nh.ifindex = env_ifindex("v7");
	CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, mag, &nh), 0);
	node = env_anchor(dp, env_prefix("2001:db8:f00::/64"), mag);
}

static uint32_t tunnel_flags(void)
{
	const struct pm_tunnel *t = env_map(env_pin(dp, "pm_tunnel"));

	return t[mag].flags & (PM_T_NEXTHOP | PM_T_XDP | PM_T_VLAN);
}

static struct pm_iface iface(unsigned ifindex)
{
	struct pm_iface e = {0};
	uint32_t key = ifindex % PM_IFACE_SLOTS;

	CU_ASSERT_EQUAL(bpf_map_lookup_elem(env_pin(dp, "pm_iface"), &key, &e), 0);
	e.flags &= ~PM_I_XDP_SG; /* as the kernel may say */
	return e;
}

static uint32_t generation(void)
{
	return ((const struct pm_global *)env_map(env_pin(dp, "pm_global")))->generation;
}

static struct dp_bpf_vlan vlan(const char *parent)
{
	struct dp_bpf_vlan v = {.ifindex = env_ifindex("v7"),
				.parent = env_ifindex(parent),
				.proto = ETH_P_8021Q,
				.id = 42};

	strcpy(v.parent_name, parent);
	return v;
}

static int listen_at(const char *ifname)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)env_ifindex(ifname)};
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&ll, sizeof(ll)), 0);
	CU_ASSERT_EQUAL(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)), 0);
	return fd;
}

/* The tag of our tunnel packet, when it comes; -1: it does not, -2: it has none. */
static int tag_at(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (poll(&p, 1, ms) > 0) {
		char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		uint8_t b[256];
		struct iovec iov = {b, sizeof(b)};
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(fd, &m, 0);

		if (n < 54 || b[20] != IPPROTO_IPV6)
			continue; /* MLD and the like */
		CU_ASSERT_EQUAL(b[0], 2);
		CU_ASSERT_EQUAL(b[1], 0xd0);
		CU_ASSERT_EQUAL(n, 14 + 40 + 40);
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			struct tpacket_auxdata aux;

			if (c->cmsg_type != PACKET_AUXDATA)
				continue;
			memcpy(&aux, CMSG_DATA(c), sizeof(aux));
			return aux.tp_status & TP_STATUS_VLAN_VALID ? aux.tp_vlan_tci : -2;
		}
		return -2;
	}
	return -1;
}

static void send_packet(void)
{
	struct {
		struct ethhdr eth;
		struct ipv6hdr ip;
	} __attribute__((packed)) f = {.eth.h_proto = htons(ETH_P_IPV6)};
	int fd = listen_at("g0");
	struct mac m;

	CU_ASSERT_TRUE(dp_netdev_mac("g1", &m));
	memcpy(f.eth.h_dest, m.b, ETH_ALEN);
	f.eth.h_source[0] = 2;
	f.ip.version = 6;
	f.ip.nexthdr = IPPROTO_NONE;
	f.ip.hop_limit = 64;
	f.ip.saddr = env_addr("2001:db8:cc::1");
	f.ip.daddr = env_addr("2001:db8:f00::1");
	CU_ASSERT_EQUAL(send(fd, &f, sizeof(f), 0), sizeof(f));
	close(fd);
}

static void test_life(void)
{
	const struct dp_bpf_vlan v = vlan("e0");
	struct pm_iface e;
	uint32_t before;
	int at_f0, at_w7;

	CU_ASSERT_EQUAL(tunnel_flags(), PM_T_NEXTHOP);
	before = generation();
	CU_ASSERT_EQUAL(dp_bpf_vlan_put(dp, &v), 0);
	CU_ASSERT_NOT_EQUAL(generation(), before);
	CU_ASSERT_EQUAL(tunnel_flags(), PM_T_NEXTHOP | PM_T_XDP | PM_T_VLAN);
	e = iface(v.ifindex);
	CU_ASSERT_EQUAL(e.ifindex, v.ifindex);
	CU_ASSERT_EQUAL(e.flags, PM_I_VLAN | PM_I_XDP_OUT);
	CU_ASSERT_EQUAL(e.parent, v.parent);
	CU_ASSERT_EQUAL(ntohl(e.tag), 0x8100u << 16 | 42);
	before = generation();
	CU_ASSERT_EQUAL(dp_bpf_vlan_put(dp, &v), 0);
	CU_ASSERT_EQUAL(generation(), before);

	at_f0 = listen_at("f0");
	at_w7 = listen_at("w7");
	send_packet();
	CU_ASSERT_EQUAL(tag_at(at_f0, 1000), 42);
	CU_ASSERT_EQUAL(tag_at(at_w7, 100), -1);
	close(at_f0);
	close(at_w7);

	before = generation();
	dp_bpf_vlan_del(dp, v.ifindex);
	dp_bpf_vlan_del(dp, v.ifindex);
	CU_ASSERT_NOT_EQUAL(generation(), before);
	CU_ASSERT_EQUAL(tunnel_flags(), PM_T_NEXTHOP);
	CU_ASSERT_EQUAL(iface(v.ifindex).ifindex, 0);
}

/* The parent stops to take XDP frames, and takes them again. */
static void test_parent(void)
{
	const struct dp_bpf_vlan v = vlan("e0");

	if (dp_bpf_event_fd(dp) < 0) {
		printf("  skipped: this kernel does not tell what a veth can do\n");
		return;
	}
	CU_ASSERT_EQUAL(dp_bpf_vlan_put(dp, &v), 0);
	CU_ASSERT_EQUAL(tunnel_flags(), PM_T_NEXTHOP | PM_T_XDP | PM_T_VLAN);
	CU_ASSERT_EQUAL(bpf_xdp_detach((int)env_ifindex("f0"), XDP_FLAGS_DRV_MODE, NULL), 0);
	dp_bpf_refresh_iface(dp, v.parent);
	CU_ASSERT_EQUAL(tunnel_flags(), PM_T_NEXTHOP | PM_T_VLAN);
	CU_ASSERT_EQUAL(iface(v.ifindex).flags, PM_I_VLAN);
	env_pass_xdp("f0");
	dp_bpf_refresh_iface(dp, v.parent);
	CU_ASSERT_EQUAL(tunnel_flags(), PM_T_NEXTHOP | PM_T_XDP | PM_T_VLAN);
	dp_bpf_vlan_del(dp, v.ifindex);
}

/* Attached or not, in whatever order: what is known of an interface stays together. */
static void test_attached(void)
{
	const struct dp_bpf_vlan v = vlan("e0");
	const struct dp_bpf_attach a = {.ifindex = v.ifindex,
					.ifname = "v7",
					.kind = DP_BPF_TRANSPORT,
					.want = DP_BPF_TC,
					.mtu = 1500};
	char err[DP_BPF_ERRLEN];

	CU_ASSERT_EQUAL(dp_bpf_vlan_put(dp, &v), 0);
	CU_ASSERT_EQUAL(dp_bpf_attach(dp, &a, NULL, err, sizeof(err)), 0);
	CU_ASSERT_TRUE(iface(v.ifindex).flags & PM_I_VLAN);
	CU_ASSERT_NOT_EQUAL(iface(v.ifindex).mac[0] | iface(v.ifindex).mac[5], 0);
	CU_ASSERT_EQUAL(tunnel_flags(), PM_T_NEXTHOP | PM_T_XDP | PM_T_VLAN);
	dp_bpf_vlan_del(dp, v.ifindex);
	CU_ASSERT_EQUAL(iface(v.ifindex).ifindex, v.ifindex);
	CU_ASSERT_FALSE(iface(v.ifindex).flags & PM_I_VLAN);
	CU_ASSERT_EQUAL(dp_bpf_vlan_put(dp, &v), 0);
	dp_bpf_detach(dp, v.ifindex);
	CU_ASSERT_EQUAL(iface(v.ifindex).flags, PM_I_VLAN | PM_I_XDP_OUT);
	CU_ASSERT_EQUAL(tunnel_flags(), PM_T_NEXTHOP | PM_T_XDP | PM_T_VLAN);
	dp_bpf_vlan_del(dp, v.ifindex);
}

static void test_nested(void)
{
	struct dp_bpf_vlan outer = vlan("e0"), inner = vlan("v7");

	outer.ifindex = env_ifindex("v7");
	inner.ifindex = env_ifindex("w7");
	CU_ASSERT_EQUAL(dp_bpf_vlan_put(dp, &outer), 0);
	CU_ASSERT_EQUAL(dp_bpf_vlan_put(dp, &inner), 0);
	CU_ASSERT_EQUAL(iface(outer.ifindex).flags, PM_I_VLAN | PM_I_XDP_OUT);
	CU_ASSERT_EQUAL(iface(inner.ifindex).flags, PM_I_VLAN);
	dp_bpf_vlan_del(dp, inner.ifindex);
	dp_bpf_vlan_del(dp, outer.ifindex);
}

static bool takes_tags_out(const char *ifname)
{
	return sh("ethtool -k %s | grep -q '^rx-vlan-offload: on'", ifname) == 0;
}

static void test_tags_stay(void)
{
	struct dp_bpf_vlan v = vlan("e0");
	struct dp_bpf_attach a = {.ifindex = v.parent, .ifname = "e0", .want = DP_BPF_TC};
	char err[DP_BPF_ERRLEN];

	CU_ASSERT_TRUE(takes_tags_out("e0"));
	CU_ASSERT_TRUE(takes_tags_out("g1"));
	CU_ASSERT_EQUAL(dp_bpf_vlan_put(dp, &v), 0);
	CU_ASSERT_FALSE(takes_tags_out("e0"));
	CU_ASSERT_TRUE(takes_tags_out("g1")); /* nothing above it */
	/* XDP goes, comes back, and is there first or last */
	CU_ASSERT_EQUAL(dp_bpf_attach(dp, &a, NULL, err, sizeof(err)), 0);
	CU_ASSERT_TRUE(takes_tags_out("e0"));
	a.want = DP_BPF_XDP;
	CU_ASSERT_EQUAL(dp_bpf_attach(dp, &a, NULL, err, sizeof(err)), 0);
	CU_ASSERT_FALSE(takes_tags_out("e0"));
	CU_ASSERT_EQUAL(dp_bpf_attach(dp, &a, NULL, err, sizeof(err)), 0);
	CU_ASSERT_FALSE(takes_tags_out("e0"));
	/* to another parent, and away */
	v = vlan("g1");
	CU_ASSERT_EQUAL(dp_bpf_vlan_put(dp, &v), 0);
	CU_ASSERT_TRUE(takes_tags_out("e0"));
	CU_ASSERT_FALSE(takes_tags_out("g1"));
	dp_bpf_vlan_del(dp, v.ifindex);
	CU_ASSERT_TRUE(takes_tags_out("g1"));
	/* what an operator has switched off stays off */
	must_sh("ethtool -K e0 rxvlan off");
	v = vlan("e0");
	CU_ASSERT_EQUAL(dp_bpf_vlan_put(dp, &v), 0);
	dp_bpf_vlan_del(dp, v.ifindex);
	CU_ASSERT_FALSE(takes_tags_out("e0"));
	must_sh("ethtool -K e0 rxvlan on");
}

/* What the daemon says of routing is what programs see. */
static void test_routing(void)
{
	const struct pm_global *g = env_map(env_pin(dp, "pm_global"));
	struct dp_bpf_routing r = {0};
	uint32_t before = g->generation;

	CU_ASSERT_NOT_EQUAL(before, 0);
	CU_ASSERT_EQUAL(g->flags, PM_G_BY_SOURCE | PM_G_MULTIPATH); /* nothing said yet */
	dp_bpf_routing(dp, &r);
	CU_ASSERT_EQUAL(g->flags, 0);
	CU_ASSERT_NOT_EQUAL(g->generation, before);
	before = g->generation;
	dp_bpf_routes_changed(dp);
	CU_ASSERT_NOT_EQUAL(g->generation, before);
	r.opaque = true;
	dp_bpf_routing(dp, &r);
	CU_ASSERT_EQUAL(g->generation, 0);
	dp_bpf_routes_changed(dp);
	CU_ASSERT_EQUAL(g->generation, 0);
	r = (struct dp_bpf_routing){.by_source = true};
	dp_bpf_routing(dp, &r);
	CU_ASSERT_NOT_EQUAL(g->generation, 0);
	CU_ASSERT_NOT_EQUAL(g->generation, before);
	CU_ASSERT_EQUAL(g->flags, PM_G_BY_SOURCE);
}

static void test_setup(void)
{
	setup();
}

static void test_end(void)
{
	int fd = env_pin(dp, "pm_global");
	struct pm_global g = {0};
	uint32_t zero = 0;

	dp_bpf_free(&dp, false);
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(fd, &zero, &g), 0);
	CU_ASSERT_EQUAL(g.generation, 0);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a tunnel through an interface that is not known to be a VLAN",		 test_setup},
		{"what the daemon says of routing is what programs see",									 test_routing},
		{"a VLAN interface comes, carries a packet through its parent, and goes",
		 test_life},
		{"it follows what its parent can do", test_parent},
		{"attached and a VLAN, in any order",								       test_attached},
		{"a VLAN within a VLAN is left to TC",							    test_nested},
		{"where XDP runs below a VLAN, tags stay in frames", test_tags_stay},
		{"with nobody to say that routes change, nothing is remembered",					 test_end},
		{0								      }
	   };

	env_enter();
	return cu_main("dp_vlan", tests, argc, argv);
}
