/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is learnt about routing: from messages made here, and from a real kernel in a network
 * namespace of our own (needs root; without it, those tests say that they were skipped).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_ether.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/cu.h"
#include "lib/kernel.h"
#include "net/nl_priv.h"
#include "net/routes.h"

/* ---- messages */

static char buf[1024];

static struct nlmsghdr *route(uint16_t type, uint8_t family, uint8_t src_len, uint8_t tos,
			      uint8_t table)
{
	struct nlmsghdr *h;
	struct rtmsg *rtm;

	memset(buf, 0, sizeof(buf));
	h = mnl_nlmsg_put_header(buf);
	h->nlmsg_type = type;
	rtm = mnl_nlmsg_put_extra_header(h, sizeof(*rtm));
	rtm->rtm_family = family;
	rtm->rtm_src_len = src_len;
	rtm->rtm_tos = tos;
	rtm->rtm_table = table;
	return h;
}

static struct nlmsghdr *rule(uint8_t family, uint8_t src_len, uint8_t tos)
{
	struct nlmsghdr *h;
	struct fib_rule_hdr *frh;

	memset(buf, 0, sizeof(buf));
	h = mnl_nlmsg_put_header(buf);
	h->nlmsg_type = RTM_NEWRULE;
	frh = mnl_nlmsg_put_extra_header(h, sizeof(*frh));
	frh->family = family;
	frh->src_len = src_len;
	frh->tos = tos;
	return h;
}

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	CU_ASSERT_EQUAL_FATAL(addr_parse(s, &a), 0);
	return a;
}

static void test_route_gateways(void)
{
	const struct in6_addr six = addr("2001:db8::1"), mapped = addr("192.0.2.1");
	const struct in_addr four = addr_to_ip4(&mapped);
	struct nl_routing r;
	struct nlmsghdr *h;
	struct nlattr *nest;
	struct {
		uint16_t family;
		struct in6_addr addr;
	} __attribute__((packed)) via = {AF_INET6, six};

	h = route(RTM_NEWROUTE, AF_INET6, 0, 0, RT_TABLE_MAIN);
	mnl_attr_put(h, RTA_GATEWAY, sizeof(six), &six);
	mnl_attr_put_u32(h, RTA_OIF, 5);
	CU_ASSERT_EQUAL(nl_parse_routing(h, &r), 0);
	CU_ASSERT_EQUAL(r.what, NL_ROUTING_ROUTE);
	CU_ASSERT_FALSE(r.gone || r.by_source || r.multipath || r.opaque);
	CU_ASSERT_EQUAL(r.n_gateways, 1);
	CU_ASSERT_EQUAL(r.gateway[0].ifindex, 5);
	CU_ASSERT_TRUE(addr6_eq(&r.gateway[0].addr, &six));

	h = route(RTM_DELROUTE, AF_INET, 0, 0, RT_TABLE_MAIN);
	mnl_attr_put(h, RTA_GATEWAY, sizeof(four), &four);
	mnl_attr_put_u32(h, RTA_OIF, 6);
	CU_ASSERT_EQUAL(nl_parse_routing(h, &r), 0);
	CU_ASSERT_TRUE(r.gone);
	CU_ASSERT_EQUAL(r.n_gateways, 1);
	CU_ASSERT_TRUE(addr6_eq(&r.gateway[0].addr, &mapped));

	/* IPv4 by way of an IPv6 router */
	h = route(RTM_NEWROUTE, AF_INET, 0, 0, RT_TABLE_MAIN);
	mnl_attr_put(h, RTA_VIA, sizeof(via), &via);
	mnl_attr_put_u32(h, RTA_OIF, 7);
	CU_ASSERT_EQUAL(nl_parse_routing(h, &r), 0);
	CU_ASSERT_EQUAL(r.n_gateways, 1);
	CU_ASSERT_TRUE(addr6_eq(&r.gateway[0].addr, &six));

	h = route(RTM_NEWROUTE, AF_INET6, 0, 0, RT_TABLE_MAIN);
	nest = mnl_attr_nest_start(h, RTA_MULTIPATH);
	for (int i = 1; i <= 20; i++) {
		struct rtnexthop *nh = (void *)mnl_nlmsg_get_payload_tail(h);

		memset(nh, 0, sizeof(*nh));
		nh->rtnh_len = sizeof(*nh) + MNL_ATTR_HDRLEN + sizeof(six);
		nh->rtnh_ifindex = i;
		h->nlmsg_len += sizeof(*nh);
		mnl_attr_put(h, RTA_GATEWAY, sizeof(six), &six);
	}
	mnl_attr_nest_end(h, nest);
	CU_ASSERT_EQUAL(nl_parse_routing(h, &r), 0);
	CU_ASSERT_TRUE(r.multipath);
	CU_ASSERT_EQUAL(r.n_gateways, NL_GATEWAYS_MAX);
	CU_ASSERT_EQUAL(r.gateway[0].ifindex, 1);
	CU_ASSERT_EQUAL(r.gateway[NL_GATEWAYS_MAX - 1].ifindex, NL_GATEWAYS_MAX);
}

static void test_route_kinds(void)
{
	struct nl_routing r;
	struct nlmsghdr *h;

	CU_ASSERT_EQUAL(nl_parse_routing(route(RTM_NEWROUTE, AF_INET6, 64, 0, 254), &r), 0);
	CU_ASSERT_TRUE(r.by_source && !r.multipath && !r.opaque);
	CU_ASSERT_EQUAL(nl_parse_routing(route(RTM_NEWROUTE, AF_INET, 0, 0x10, 254), &r), 0);
	CU_ASSERT_TRUE(!r.by_source && !r.multipath && r.opaque);
	h = route(RTM_NEWROUTE, AF_INET, 0, 0, 254);
	mnl_attr_put_u32(h, RTA_NH_ID, 17);
	CU_ASSERT_EQUAL(nl_parse_routing(h, &r), 0);
	CU_ASSERT_TRUE(!r.by_source && r.multipath && !r.opaque);
	CU_ASSERT_EQUAL(nl_parse_routing(route(RTM_NEWROUTE, AF_INET6, 0, 0, RT_TABLE_LOCAL), &r),
			-ENOMSG);
	CU_ASSERT_EQUAL(nl_parse_routing(route(RTM_NEWROUTE, AF_MPLS, 0, 0, 254), &r), -ENOMSG);
}

static void test_rules(void)
{
	static const uint16_t harmless[] = {
		FRA_PRIORITY, FRA_TABLE,  FRA_IIFNAME,		 FRA_DST,
		FRA_FWMARK,   FRA_L3MDEV, FRA_SUPPRESS_PREFIXLEN};
	static const uint16_t others[] = {FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE, 60};
	struct nl_routing r;
	struct nlmsghdr *h;

	CU_ASSERT_EQUAL(nl_parse_routing(rule(AF_INET6, 0, 0), &r), 0);
	CU_ASSERT_EQUAL(r.what, NL_ROUTING_RULE);
	CU_ASSERT_FALSE(r.by_source || r.opaque);
	CU_ASSERT_EQUAL(nl_parse_routing(rule(AF_INET, 24, 0), &r), 0);
	CU_ASSERT_TRUE(r.by_source && !r.opaque);
	CU_ASSERT_EQUAL(nl_parse_routing(rule(AF_INET6, 0, 0x20), &r), 0);
	CU_ASSERT_TRUE(!r.by_source && r.opaque);
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		h = rule(AF_INET6, 0, 0);
		mnl_attr_put_u32(h, harmless[i], 1);
		CU_ASSERT_EQUAL(nl_parse_routing(h, &r), 0);
		CU_ASSERT_FALSE(r.by_source || r.opaque);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		h = rule(AF_INET6, 0, 0);
		mnl_attr_put_u32(h, others[i], 1);
		CU_ASSERT_EQUAL(nl_parse_routing(h, &r), 0);
		CU_ASSERT_TRUE(r.opaque);
	}
}

/* Cut short at every octet: neither a crash nor a gateway made of what lies behind. */
static void test_cut(void)
{
	const struct in6_addr six = addr("2001:db8::1");
	struct nlmsghdr *h = route(RTM_NEWROUTE, AF_INET6, 0, 0, RT_TABLE_MAIN);
	struct nlattr *nest = mnl_attr_nest_start(h, RTA_MULTIPATH);
	struct rtnexthop *nh = (void *)mnl_nlmsg_get_payload_tail(h);
	struct nl_routing r;
	uint32_t len;

	memset(nh, 0, sizeof(*nh));
	nh->rtnh_len = sizeof(*nh) + MNL_ATTR_HDRLEN + sizeof(six);
	nh->rtnh_ifindex = 3;
	h->nlmsg_len += sizeof(*nh);
	mnl_attr_put(h, RTA_GATEWAY, sizeof(six), &six);
	mnl_attr_nest_end(h, nest);
	len = h->nlmsg_len;
	for (uint32_t n = sizeof(*h); n <= len; n++) {
		char *cut = malloc(n);

		memcpy(cut, buf, n);
		((struct nlmsghdr *)cut)->nlmsg_len = n;
		if (!nl_parse_routing((struct nlmsghdr *)cut, &r))
			CU_ASSERT_EQUAL(r.n_gateways, n == len ? 1 : 0);
		free(cut);
	}
}

static struct nlmsghdr *vlan_link(bool elsewhere)
{
	const uint16_t id = 42, proto = htons(ETH_P_8021AD);
	struct nlattr *info, *data;
	struct nlmsghdr *h;
	struct ifinfomsg *ifi;

	memset(buf, 0, sizeof(buf));
	h = mnl_nlmsg_put_header(buf);
	h->nlmsg_type = RTM_NEWLINK;
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_index = 9;
	mnl_attr_put_strz(h, IFLA_IFNAME, "v42");
	mnl_attr_put_u32(h, IFLA_LINK, 4);
	if (elsewhere)
		mnl_attr_put_u32(h, IFLA_LINK_NETNSID, 0);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "vlan");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	mnl_attr_put(h, IFLA_VLAN_ID, sizeof(id), &id);
	mnl_attr_put(h, IFLA_VLAN_PROTOCOL, sizeof(proto), &proto);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return h;
}

static void test_vlan(void)
{
	struct nl_link l;

	CU_ASSERT_EQUAL(nl_parse_link(vlan_link(false), &l), 0);
	CU_ASSERT_EQUAL(l.vlan.lower, 4);
	CU_ASSERT_EQUAL(l.vlan.id, 42);
	CU_ASSERT_EQUAL(l.vlan.proto, ETH_P_8021AD);
	CU_ASSERT_EQUAL(nl_parse_link(vlan_link(true), &l), 0);
	CU_ASSERT_EQUAL(l.vlan.lower, 0);
}

/* ---- a real kernel */

static bool have_ns;
static struct nl *nl;
static struct routes *routes;
static struct routes_kind last;
static unsigned notices;

static void on_change(void *ctx, const struct routes_kind *k)
{
	last = *k;
	notices++;
}

/* Serves the socket and the deadlines for that long. */
static void serve(int ms)
{
	const nsec_t end = nsec_add(kernel_now(), nsec_from_ms((uint64_t)ms));

	while (kernel_now() < end) {
		struct pollfd p = {.fd = nl_fd(nl), .events = POLLIN};

		poll(&p, 1, 1);
		nl_read(nl, kernel_now());
		if (routes_next(routes) <= kernel_now())
			routes_tick(routes, kernel_now());
	}
}

static void start(void)
{
	CU_ASSERT_EQUAL_FATAL(nl_new(&nl), 0);
	CU_ASSERT_EQUAL_FATAL(routes_new(&routes, nl, on_change, NULL), 0);
	CU_ASSERT_EQUAL(nl_start(nl, kernel_now()), 0);
	CU_ASSERT_EQUAL(routes_start(routes, kernel_now()), 0);
	serve(20);
}

static void stop(void)
{
	routes_free(&routes);
	CU_ASSERT_PTR_NULL(routes);
	nl_free(&nl);
}

static void expect(const char *after, bool by_source, bool multipath, bool opaque)
{
	unsigned before;

	serve(30); /* what came before is over */
	before = notices;
	must_sh("%s", after);
	KERNEL_WAIT(notices > before && last.by_source == by_source &&
			    last.multipath == multipath && last.opaque == opaque,
		    serve(1));
	CU_ASSERT_TRUE(notices > before);
	CU_ASSERT_EQUAL(last.by_source, by_source);
	CU_ASSERT_EQUAL(last.multipath, multipath);
	CU_ASSERT_EQUAL(last.opaque, opaque);
}

static void test_kinds_of_kernel(void)
{
	KERNEL_NEEDED(have_ns);
	start();
	CU_ASSERT_FALSE(last.by_source || last.multipath || last.opaque);
	expect("ip -6 rule add from 2001:db8:9::/48 lookup 99", true, false, false);
	expect("ip -6 rule del from 2001:db8:9::/48 lookup 99", false, false, false);
	expect("ip rule add from 192.0.2.0/24 lookup 99", true, false, false);
	expect("ip rule del from 192.0.2.0/24 lookup 99", false, false, false);
	expect("ip rule add ipproto tcp lookup 99", false, false, true);
	expect("ip rule del ipproto tcp lookup 99", false, false, false);
	expect("ip -6 rule add iif v0 to 2001:db8:9::/48 fwmark 3 lookup 99", false, false, false);
	expect("ip -6 rule del iif v0 to 2001:db8:9::/48 fwmark 3 lookup 99", false, false, false);
	expect("ip route add 198.51.100.0/24 nexthop via 192.0.2.2 nexthop via 192.0.2.3", false,
	       true, false);
	/* once there were several, each flow is told apart until everything is read anew */
	expect("ip route del 198.51.100.0/24", false, true, false);
	CU_ASSERT_EQUAL(routes_start(routes, kernel_now()), 0);
	CU_ASSERT_FALSE(last.multipath);
	stop();
}

static void test_start_finds_them(void)
{
	KERNEL_NEEDED(have_ns);
	must_sh("ip -6 rule add from 2001:db8:9::/48 lookup 99");
	must_sh("ip -6 route add 2001:db8:ec::/48 nexthop via 2001:db8:1::2 nexthop via "
		"2001:db8:1::3");
	start();
	CU_ASSERT_TRUE(last.by_source && last.multipath && !last.opaque);
	must_sh("ip -6 rule del from 2001:db8:9::/48 lookup 99");
	must_sh("ip -6 route del 2001:db8:ec::/48");
	stop();
}

static void test_every_event(void)
{
	static const char *const events[] = {
		"ip -6 route add 2001:db8:a::/48 via 2001:db8:1::2",
		"ip -6 route del 2001:db8:a::/48",
		"ip route add 203.0.113.0/24 via 192.0.2.2",
		"ip route del 203.0.113.0/24",
		"ip -6 neigh add 2001:db8:1::77 lladdr 02:00:00:00:00:77 dev v0",
		"ip -6 neigh del 2001:db8:1::77 dev v0",
		"ip neigh add 192.0.2.77 lladdr 02:00:00:00:00:77 dev v0",
		"ip neigh replace 192.0.2.77 lladdr 02:00:00:00:00:78 dev v0",
		"ip neigh del 192.0.2.77 dev v0",
		"ip addr add 192.0.2.9/24 dev v0",
		"ip addr del 192.0.2.9/24 dev v0",
		"ip addr add 2001:db8:1::9/64 dev v0 nodad",
		"ip addr del 2001:db8:1::9/64 dev v0",
		"ip link set v0 mtu 1400",
		"ip link set v0 mtu 1500",
		"ip link set v0 address 02:00:00:00:00:99",
		"ip nexthop add id 5 via 192.0.2.2 dev v0",
		"ip nexthop replace id 5 via 192.0.2.3 dev v0",
		"ip nexthop del id 5",
	};

	KERNEL_NEEDED(have_ns);
	start();
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		unsigned before;

		serve(30);
		before = notices;
		must_sh("%s", events[i]);
		KERNEL_WAIT(notices > before, serve(1));
		if (notices == before)
			printf("    not noticed: %s\n", events[i]);
		CU_ASSERT_TRUE(notices > before);
	}
	stop();
}

/* However many events: few notices, and one that is later than the last event. */
static void test_storm(void)
{
	unsigned before, during;

	KERNEL_NEEDED(have_ns);
	start();
	serve(30);
	before = notices;
	must_sh("for i in $(seq 1 500); do echo route add 203.0.113.$((i %% 250)) via 192.0.2.2 "
		"metric $i; done | ip -force -b - ");
	nl_read(nl, kernel_now());
	during = notices;
	CU_ASSERT_TRUE(during > before && during - before <= 3);
	KERNEL_WAIT(notices > during, serve(1));
	serve(30);
	CU_ASSERT_TRUE(notices > during && notices - during <= 3);
	must_sh("ip route flush root 203.0.113.0/24");
	stop();
}

struct looked_for {
	struct in6_addr addr;
	enum nl_kept kept;
	bool found;
	unsigned n;
};

static void look(void *ctx, unsigned ifindex, const struct in6_addr *a, enum nl_kept kept)
{
	struct looked_for *l = ctx;

	l->n++;
	if (!addr6_eq(a, &l->addr))
		return;
	l->found = true;
	l->kept = kept;
}

static struct looked_for gateway(const char *text)
{
	struct looked_for l = {.addr = addr(text)};

	routes_walk_gateways(routes, look, &l);
	return l;
}

static bool is_kept(const char *text, enum nl_kept kept)
{
	const struct looked_for l = gateway(text);

	return l.found && l.kept == kept;
}

static void test_gateways(void)
{
	struct looked_for l;
	char gw[32] = "";

	KERNEL_NEEDED(have_ns);
	start();
	must_sh("ip -6 route add 2001:db8:a::/48 via 2001:db8:1::2");
	must_sh("ip route add 203.0.113.0/24 via 192.0.2.2");
	KERNEL_WAIT(is_kept("2001:db8:1::2", NL_KEPT_MANAGED) &&
			    is_kept("192.0.2.2", NL_KEPT_MANAGED),
		    serve(1));
	CU_ASSERT_TRUE(is_kept("2001:db8:1::2", NL_KEPT_MANAGED));
	CU_ASSERT_TRUE(is_kept("192.0.2.2", NL_KEPT_MANAGED));
	must_sh("ip -6 neigh show 2001:db8:1::2 dev v0 | grep -q managed");
	/* removed by somebody: it comes back */
	must_sh("ip -6 neigh del 2001:db8:1::2 dev v0");
	KERNEL_WAIT(!sh("ip -6 neigh show 2001:db8:1::2 dev v0 | grep -q managed"), serve(10));
	must_sh("ip -6 neigh show 2001:db8:1::2 dev v0 | grep -q managed");
	/* an operator's permanent entry stays as it is */
	must_sh("ip neigh replace 192.0.2.7 lladdr 02:00:00:00:00:07 nud permanent dev v0");
	must_sh("ip route add 203.0.112.0/24 via 192.0.2.7");
	KERNEL_WAIT(is_kept("192.0.2.7", NL_KEPT_PERMANENT), serve(1));
	CU_ASSERT_TRUE(is_kept("192.0.2.7", NL_KEPT_PERMANENT));
	/* more than there is room for: the last ones */
	for (int i = 1; i <= ROUTES_GATEWAYS_MAX; i++) {
		snprintf(gw, sizeof(gw), "2001:db8:1::1:%x", i);
		must_sh("ip -6 route add 2001:db8:b:%x::/64 via %s", i, gw);
	}
	KERNEL_WAIT(gateway("2001:db8:1::1:1").found && !gateway("2001:db8:1::2").found &&
			    gateway(gw).found,
		    serve(1));
	CU_ASSERT_TRUE(gateway(gw).found);
	l = gateway("2001:db8:1::1:1");
	CU_ASSERT_TRUE(l.found);
	CU_ASSERT_EQUAL(l.n, ROUTES_GATEWAYS_MAX);
	CU_ASSERT_FALSE(gateway("2001:db8:1::2").found);
	must_sh("! ip -6 neigh show 2001:db8:1::2 dev v0 | grep -q managed");
	stop();
	must_sh("! ip -6 neigh show dev v0 | grep -q managed");
	must_sh("! ip neigh show dev v0 | grep -q managed");
	must_sh("ip -6 route flush root 2001:db8:a::/47; ip route flush root 203.0.112.0/23; true");
}

static void test_gateways_left(void)
{
	KERNEL_NEEDED(have_ns);
	start();
	must_sh("ip -6 route add 2001:db8:a::/48 via 2001:db8:1::2");
	must_sh("ip route add 203.0.113.0/24 via 192.0.2.2");
	KERNEL_WAIT(is_kept("2001:db8:1::2", NL_KEPT_MANAGED) &&
			    is_kept("192.0.2.2", NL_KEPT_MANAGED),
		    serve(1));
	routes_leave(routes);
	stop();
	must_sh("ip -6 neigh show 2001:db8:1::2 dev v0 | grep -q managed");
	must_sh("ip neigh show 192.0.2.2 dev v0 | grep -q managed");
	/* whoever removes them removes nobody else's */
	must_sh("ip neigh add 192.0.2.9 dev v0 managed");
	CU_ASSERT_EQUAL_FATAL(nl_new(&nl), 0);
	CU_ASSERT_EQUAL(nl_neighs_forget(nl), 0);
	nl_free(&nl);
	must_sh("! ip -6 neigh show 2001:db8:1::2 dev v0 | grep -q managed");
	must_sh("! ip neigh show 192.0.2.2 dev v0 | grep -q managed");
	must_sh("ip neigh show 192.0.2.9 dev v0 | grep -q managed");
	must_sh("ip neigh del 192.0.2.9 dev v0; ip -6 route flush root 2001:db8:a::/47; "
		"ip route flush root 203.0.112.0/23; true");
}

static void test_gateway_of_gone_link(void)
{
	KERNEL_NEEDED(have_ns);
	start();
	must_sh("ip link add w0 type veth peer name w1; ip link set w0 up; ip link set w1 up; "
		"ip addr add 2001:db8:2::1/64 dev w0 nodad; "
		"ip -6 route add 2001:db8:c::/48 via 2001:db8:2::2");
	KERNEL_WAIT(gateway("2001:db8:2::2").found, serve(1));
	CU_ASSERT_TRUE(gateway("2001:db8:2::2").found);
	must_sh("ip link del w0");
	KERNEL_WAIT(!gateway("2001:db8:2::2").found, serve(1));
	CU_ASSERT_FALSE(gateway("2001:db8:2::2").found);
	stop();
}

static void setup_ns(void)
{
	have_ns = kernel_enter_new_ns() &&
		  !sh("ip link set lo up; ip link add v0 type veth peer name v1 && "
		      "ip link set v1 up && ip link set v0 up && "
		      "ip addr add 2001:db8:1::1/64 dev v0 nodad && "
		      "ip addr add 192.0.2.1/24 dev v0");
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"gateways of a route, of either family, behind each other and one of many",
		 test_route_gateways},
		{"what a route's choice depends on",									  test_route_kinds},
		{"what rules depend on; what is unknown counts as everything",test_rules},
		{"a message cut short at every octet",	       test_cut},
		{"a VLAN interface names the one below, its tag and its protocol",									   test_vlan},
		{"rules and routes of a kernel, as they come and go",						      test_kinds_of_kernel},
		{"what was there before the start",	    test_start_finds_them},
		{"every event that may change a packet's way is noticed",									  test_every_event},
		{"a storm of events makes few notices, one of them after the last",   test_storm},
		{"routers that routes name are kept resolved, and let go",					   test_gateways},
		{"routers that are left are kept on, until they are forgotten",										test_gateways_left},
		{"routers behind an interface that is gone are forgotten",
		 test_gateway_of_gone_link},
		{0	  }
	   };

	setup_ns();
	return cu_main("routes", tests, argc, argv);
}
