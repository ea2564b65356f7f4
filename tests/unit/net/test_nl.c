/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages from and to bytes; no socket is opened. */
#include "lib/cu.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "net/nl_priv.h"

static char buf[4096];
static struct in6_addr addr1, gw;

static struct nlmsghdr *message(uint16_t type, const void *fixed, size_t len)
{
	struct nlmsghdr *h;

	memset(buf, 0, sizeof(buf));
	h = mnl_nlmsg_put_header(buf);
	h->nlmsg_type = type;
	memcpy(mnl_nlmsg_put_extra_header(h, len), fixed, len);
	return h;
}

static struct nlmsghdr *veth_message(unsigned flags)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	struct ifinfomsg ifi = {.ifi_type = ARPHRD_ETHER, .ifi_index = 5, .ifi_flags = flags};
	struct nlmsghdr *h = message(RTM_NEWLINK, &ifi, sizeof(ifi));
	struct nlattr *info;

	mnl_attr_put_strz(h, IFLA_IFNAME, "acc0");
	mnl_attr_put_u32(h, IFLA_MTU, 1400);
	mnl_attr_put_u32(h, IFLA_MASTER, 7);
	mnl_attr_put(h, IFLA_ADDRESS, 6, mac);
	mnl_attr_put_u32(h, IFLA_LINK, 8);
	mnl_attr_put_str(h, IFLA_IFALIAS, "for a test");
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	mnl_attr_nest_end(h, info);
	return h;
}

static void test_parse_link(void)
{
	const unsigned lower_up = 1u << 16;
	struct ifinfomsg bridge = {.ifi_family = AF_BRIDGE, .ifi_index = 5};
	struct nl_link l = {.ifindex = 99};
	struct nlmsghdr *h;

	CU_ASSERT_EQUAL(nl_parse_link(veth_message(IFF_UP | IFF_RUNNING | lower_up), &l), 0);
	CU_ASSERT_EQUAL(l.ifindex, 5);
	CU_ASSERT_STRING_EQUAL(l.name, "acc0");
	CU_ASSERT_STRING_EQUAL(l.kind, "veth");
	CU_ASSERT_EQUAL(l.mtu, 1400);
	CU_ASSERT_EQUAL(l.master, 7);
	CU_ASSERT(l.up && l.running && l.ethernet && l.mac.b[5] == 9);
	CU_ASSERT_EQUAL(l.peer, 8);
	CU_ASSERT_STRING_EQUAL(l.alias, "for a test");
	h = veth_message(IFF_UP); /* the other end is in another namespace, where numbers differ */
	mnl_attr_put_u32(h, IFLA_LINK_NETNSID, 0);
	CU_ASSERT_EQUAL(nl_parse_link(h, &l), 0);
	CU_ASSERT_EQUAL(l.peer, 0);

	/* the carrier is what counts; the operational state follows late */
	CU_ASSERT_EQUAL(nl_parse_link(veth_message(IFF_UP | lower_up), &l), 0);
	CU_ASSERT(l.up && l.running);
	CU_ASSERT_EQUAL(nl_parse_link(veth_message(IFF_UP | lower_up | 1u << 17), &l), 0);
	CU_ASSERT_FALSE(l.running); /* dormant */
	CU_ASSERT_EQUAL(nl_parse_link(veth_message(IFF_UP | IFF_RUNNING), &l), 0);
	CU_ASSERT_FALSE(l.running);
	CU_ASSERT_EQUAL(nl_parse_link(veth_message(IFF_RUNNING | lower_up), &l), 0);
	CU_ASSERT(!l.up && !l.running);

	l.ifindex = 99;
	CU_ASSERT_EQUAL(nl_parse_link(message(RTM_NEWLINK, &bridge, sizeof(bridge)), &l), -ENOMSG);
	bridge.ifi_family = AF_UNSPEC; /* without a name */
	h = message(RTM_NEWLINK, &bridge, sizeof(bridge));
	CU_ASSERT_EQUAL(nl_parse_link(h, &l), -EBADMSG);
	h->nlmsg_len = sizeof(*h) + 4;
	CU_ASSERT_EQUAL(nl_parse_link(h, &l), -EBADMSG);
	CU_ASSERT_EQUAL(l.ifindex, 99);
}

static void test_link_name_is_bounded(void)
{
	struct ifinfomsg ifi = {.ifi_index = 5};
	struct nlmsghdr *h = message(RTM_NEWLINK, &ifi, sizeof(ifi));
	struct nl_link l;

	mnl_attr_put(h, IFLA_IFNAME, 40, "0123456789012345678901234567890123456789");
	CU_ASSERT_EQUAL(nl_parse_link(h, &l), 0);
	CU_ASSERT_EQUAL(strlen(l.name), IFNAMSIZ - 1);
}

static void test_parse_addr(void)
{
	struct ifaddrmsg ifa = {.ifa_family = AF_INET6, .ifa_prefixlen = 64, .ifa_index = 3};
	struct nlmsghdr *h = message(RTM_NEWADDR, &ifa, sizeof(ifa));
	struct nl_addr a;

	CU_ASSERT_EQUAL(nl_parse_addr(h, &a), -EBADMSG);
	mnl_attr_put(h, IFA_ADDRESS, 16, &gw);
	CU_ASSERT_EQUAL(nl_parse_addr(h, &a), 0);
	CU_ASSERT(addr6_eq(&a.addr, &gw));
	mnl_attr_put(h, IFA_LOCAL, 16, &addr1); /* IFA_ADDRESS is the peer's then */
	mnl_attr_put_u32(h, IFA_FLAGS, IFA_F_TENTATIVE | IFA_F_DADFAILED);
	CU_ASSERT_EQUAL(nl_parse_addr(h, &a), 0);
	CU_ASSERT(addr6_eq(&a.addr, &addr1));
	CU_ASSERT(a.ifindex == 3 && a.prefix_len == 64 && a.tentative && a.dad_failed);
	ifa.ifa_family = AF_INET;
	CU_ASSERT_EQUAL(nl_parse_addr(message(RTM_NEWADDR, &ifa, sizeof(ifa)), &a), -ENOMSG);
}

static void test_parse_route(void)
{
	struct rtmsg rtm = {.rtm_family = AF_INET6, .rtm_dst_len = 48};
	struct nlmsghdr *h = message(RTM_NEWROUTE, &rtm, sizeof(rtm));
	struct prefix6 p;

	CU_ASSERT_EQUAL(nl_parse_route(h, &p), -EBADMSG);
	mnl_attr_put(h, RTA_DST, 16, &addr1);
	CU_ASSERT_EQUAL(nl_parse_route(h, &p), 0);
	CU_ASSERT(p.len == 48 && addr6_eq(&p.addr, &addr1));
	rtm.rtm_dst_len = 0;
	CU_ASSERT_EQUAL(nl_parse_route(message(RTM_NEWROUTE, &rtm, sizeof(rtm)), &p), 0);
	CU_ASSERT(p.len == 0 && addr6_is_zero(&p.addr)); /* default route */
	rtm.rtm_dst_len = 129;
	CU_ASSERT_EQUAL(nl_parse_route(message(RTM_NEWROUTE, &rtm, sizeof(rtm)), &p), -EBADMSG);
	rtm.rtm_flags = RTM_F_CLONED;
	CU_ASSERT_EQUAL(nl_parse_route(message(RTM_NEWROUTE, &rtm, sizeof(rtm)), &p), -ENOMSG);
}

static void test_parse_path(void)
{
	struct rtmsg rtm = {.rtm_family = AF_INET6, .rtm_dst_len = 128, .rtm_type = RTN_UNICAST};
	struct nlmsghdr *h = message(RTM_NEWROUTE, &rtm, sizeof(rtm));
	struct nl_path p;
	struct nlattr *nest;

	CU_ASSERT_EQUAL(nl_parse_path(h, &addr1, &p), -EBADMSG);
	mnl_attr_put_u32(h, RTA_OIF, 4);
	CU_ASSERT_EQUAL(nl_parse_path(h, &addr1, &p), 0);
	CU_ASSERT(p.ifindex == 4 && addr6_eq(&p.gateway, &addr1) && p.mtu == 0 && !p.local);
	mnl_attr_put(h, RTA_GATEWAY, 16, &gw);
	mnl_attr_put(h, RTA_PREFSRC, 16, &addr1);
	nest = mnl_attr_nest_start(h, RTA_METRICS);
	mnl_attr_put_u32(h, RTAX_HOPLIMIT, 64);
	mnl_attr_put_u32(h, RTAX_MTU, 1280);
	mnl_attr_nest_end(h, nest);
	CU_ASSERT_EQUAL(nl_parse_path(h, &addr1, &p), 0);
	CU_ASSERT(addr6_eq(&p.gateway, &gw) && addr6_eq(&p.src, &addr1) && p.mtu == 1280);

	rtm.rtm_type = RTN_UNREACHABLE;
	CU_ASSERT_EQUAL(nl_parse_path(message(RTM_NEWROUTE, &rtm, sizeof(rtm)), &addr1, &p),
			-ENETUNREACH);
}

static void test_parse_neigh(void)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	struct ndmsg ndm = {.ndm_family = AF_INET6, .ndm_ifindex = 4, .ndm_state = NUD_REACHABLE};
	struct nlmsghdr *h = message(RTM_NEWNEIGH, &ndm, sizeof(ndm));
	struct nl_neigh_raw r;

	CU_ASSERT_EQUAL(nl_parse_neigh(h, &r), -EBADMSG);
	mnl_attr_put(h, NDA_DST, 16, &addr1);
	CU_ASSERT_EQUAL(nl_parse_neigh(h, &r), 0);
	CU_ASSERT(!r.neigh.has_mac && !r.neigh.reachable); /* no address, no use */
	mnl_attr_put(h, NDA_LLADDR, 6, mac);
	mnl_attr_put_u32(h, NDA_FLAGS_EXT, 1);
	CU_ASSERT_EQUAL(nl_parse_neigh(h, &r), 0);
	CU_ASSERT(r.neigh.has_mac && r.neigh.reachable && !r.neigh.failed && r.flags_ext == 1);
	((struct ndmsg *)mnl_nlmsg_get_payload(h))->ndm_state = NUD_FAILED;
	CU_ASSERT_EQUAL(nl_parse_neigh(h, &r), 0);
	CU_ASSERT(r.neigh.failed && !r.neigh.reachable);
}

static void test_parse_ip4(void)
{
	static const uint8_t host[4] = {192, 0, 2, 7}, router[4] = {192, 0, 2, 254},
			     mac[6] = {2, 0, 0, 0, 0, 9};
	struct {
		struct rtvia via;
		uint8_t addr[16];
	} via = {.via = {.rtvia_family = AF_INET6}};
	struct rtmsg rtm = {.rtm_family = AF_INET, .rtm_dst_len = 24, .rtm_type = RTN_UNICAST};
	struct ndmsg ndm = {.ndm_family = AF_INET, .ndm_ifindex = 4, .ndm_state = NUD_REACHABLE};
	struct nlmsghdr *h = message(RTM_NEWROUTE, &rtm, sizeof(rtm));
	struct in6_addr dst = addr_from_ip4((struct in_addr){0});
	char text[ADDR6_STRLEN];
	struct nl_neigh_raw r;
	struct prefix6 p;
	struct nl_path path;

	memcpy(&dst.s6_addr[12], host, sizeof(host));
	CU_ASSERT_EQUAL(nl_parse_route(h, &p), -EBADMSG);
	mnl_attr_put(h, RTA_DST, 4, host);
	CU_ASSERT_EQUAL(nl_parse_route(h, &p), 0);
	CU_ASSERT(p.len == 96 + 24 && addr6_eq(&p.addr, &dst));
	rtm.rtm_dst_len = 33;
	CU_ASSERT_EQUAL(nl_parse_route(message(RTM_NEWROUTE, &rtm, sizeof(rtm)), &p), -EBADMSG);
	rtm.rtm_dst_len = 0; /* the default route has every IPv4 address and no other */
	CU_ASSERT_EQUAL(nl_parse_route(message(RTM_NEWROUTE, &rtm, sizeof(rtm)), &p), 0);
	CU_ASSERT(p.len == 96 && prefix6_has_addr(&p, &dst) && !prefix6_has_addr(&p, &addr1));

	h = message(RTM_NEWROUTE, &rtm, sizeof(rtm));
	mnl_attr_put_u32(h, RTA_OIF, 4);
	CU_ASSERT_EQUAL(nl_parse_path(h, &dst, &path), 0);
	CU_ASSERT(addr6_eq(&path.gateway, &dst)); /* on link */
	mnl_attr_put(h, RTA_GATEWAY, 4, router);
	CU_ASSERT_EQUAL(nl_parse_path(h, &dst, &path), 0);
	CU_ASSERT_STRING_EQUAL(addr_str(&path.gateway, text), "192.0.2.254");

	/* IPv4 by way of an IPv6 router */
	h = message(RTM_NEWROUTE, &rtm, sizeof(rtm));
	mnl_attr_put_u32(h, RTA_OIF, 4);
	memcpy(via.addr, &gw, sizeof(gw));
	mnl_attr_put(h, RTA_VIA, sizeof(via.via) + 16, &via);
	CU_ASSERT_EQUAL(nl_parse_path(h, &dst, &path), 0);
	CU_ASSERT(addr6_eq(&path.gateway, &gw));
	h = message(RTM_NEWROUTE, &rtm, sizeof(rtm));
	mnl_attr_put_u32(h, RTA_OIF, 4);
	mnl_attr_put(h, RTA_VIA, sizeof(via.via) + 15, &via);
	CU_ASSERT_EQUAL(nl_parse_path(h, &dst, &path), 0);
	CU_ASSERT(addr6_eq(&path.gateway, &dst)); /* too short to be one */

	h = message(RTM_NEWNEIGH, &ndm, sizeof(ndm));
	mnl_attr_put(h, NDA_DST, 4, host);
	mnl_attr_put(h, NDA_LLADDR, 6, mac);
	CU_ASSERT_EQUAL(nl_parse_neigh(h, &r), 0);
	CU_ASSERT(addr6_eq(&r.neigh.addr, &dst) && r.neigh.reachable);
	h = message(RTM_NEWNEIGH, &ndm, sizeof(ndm));
	mnl_attr_put(h, NDA_DST, 16, &addr1);
	CU_ASSERT_EQUAL(nl_parse_neigh(h, &r), -EBADMSG);
}

static void test_parse_fdb(void)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	struct ndmsg ndm = {.ndm_family = AF_BRIDGE, .ndm_ifindex = 4, .ndm_state = NUD_REACHABLE};
	struct nlmsghdr *h = message(RTM_DELNEIGH, &ndm, sizeof(ndm));
	struct nl_fdb f;

	CU_ASSERT_EQUAL(nl_parse_fdb(h, &f), -EBADMSG);
	mnl_attr_put(h, NDA_LLADDR, 6, mac);
	mnl_attr_put_u32(h, NDA_MASTER, 8);
	CU_ASSERT_EQUAL(nl_parse_fdb(h, &f), 0);
	CU_ASSERT(f.port == 4 && f.bridge == 8 && f.mac.b[5] == 9);
	((struct ndmsg *)mnl_nlmsg_get_payload(h))->ndm_state = NUD_PERMANENT;
	CU_ASSERT_EQUAL(nl_parse_fdb(h, &f), -ENOMSG); /* the port's own address */
	ndm.ndm_family = AF_INET6;
	CU_ASSERT_EQUAL(nl_parse_fdb(message(RTM_NEWNEIGH, &ndm, sizeof(ndm)), &f), -ENOMSG);
}

/* Every parser over every message cut at every length, in memory of exactly that size. */
static void test_truncation(void)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	struct nlmsghdr *h = veth_message(IFF_UP);

	mnl_attr_put(h, NDA_DST, 16, &addr1);
	mnl_attr_put(h, NDA_LLADDR, 6, mac);
	for (unsigned family = 0; family < 4; family++)
		for (uint32_t len = sizeof(*h); len <= h->nlmsg_len; len++) {
			struct nlmsghdr *cut = malloc(len);
			struct nl_neigh_raw neigh;
			struct nl_link link;
			struct nl_addr addr;
			struct nl_path path;
			struct prefix6 dst;
			struct nl_fdb fdb;

			memcpy(cut, h, len);
			cut->nlmsg_len = len;
			if (len > sizeof(*h))
				*(uint8_t *)mnl_nlmsg_get_payload(cut) = (uint8_t[]){
					AF_UNSPEC, AF_INET6, AF_INET, AF_BRIDGE}[family];
			nl_parse_link(cut, &link);
			nl_parse_addr(cut, &addr);
			nl_parse_route(cut, &dst);
			nl_parse_path(cut, &addr1, &path);
			nl_parse_neigh(cut, &neigh);
			nl_parse_fdb(cut, &fdb);
			if (len < sizeof(*h) + sizeof(struct rtmsg))
				CU_ASSERT_EQUAL(nl_parse_route(cut, &dst), -EBADMSG);
			free(cut);
		}
}

/* The attribute of that type, which must be of that size. */
static const void *attr_of(const struct nlmsghdr *h, size_t fixed, uint16_t type, size_t len)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, h, fixed) if (mnl_attr_get_type(a) == type &&
					   mnl_attr_get_payload_len(a) ==
						   len) return mnl_attr_get_payload(a);
	return NULL;
}

static void test_build_addr(void)
{
	char b[NL_REQUEST_MAX];
	struct nlmsghdr *h = nl_build_addr(b, true, 3, &addr1, 128, true);
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	const uint32_t *flags = attr_of(h, sizeof(*ifa), IFA_FLAGS, 4);
	const uint8_t *proto;

	CU_ASSERT_EQUAL(h->nlmsg_type, RTM_NEWADDR);
	CU_ASSERT(h->nlmsg_flags & NLM_F_ACK && h->nlmsg_flags & NLM_F_CREATE);
	CU_ASSERT(ifa->ifa_family == AF_INET6 && ifa->ifa_prefixlen == 128 && ifa->ifa_index == 3);
	CU_ASSERT(flags && *flags == IFA_F_NODAD);
	CU_ASSERT_PTR_NOT_NULL(attr_of(h, sizeof(*ifa), IFA_LOCAL, 16));
	proto = attr_of(h, sizeof(*ifa), 11 /* IFA_PROTO */, 1);
	CU_ASSERT(proto && *proto == NL_ROUTE_PROTO);
	h = nl_build_addr(b, false, 3, &addr1, 128, true);
	CU_ASSERT_EQUAL(h->nlmsg_type, RTM_DELADDR);
	CU_ASSERT_PTR_NULL(attr_of(h, sizeof(*ifa), IFA_FLAGS, 4));
}

static void test_build_route(void)
{
	char b[NL_REQUEST_MAX];
	struct nl_route r = {.type = NL_ROUTE_UNREACHABLE, .ifindex = 4, .metric = 77};
	struct nlmsghdr *h;
	const struct rtmsg *rtm;
	const uint32_t *v;

	CU_ASSERT_EQUAL(prefix6_parse("2001:db8:100::/44", &r.dst), 0);
	h = nl_build_route(b, true, &r);
	rtm = mnl_nlmsg_get_payload(h);
	CU_ASSERT(rtm->rtm_dst_len == 44 && rtm->rtm_type == RTN_UNREACHABLE);
	CU_ASSERT_EQUAL(rtm->rtm_protocol, NL_ROUTE_PROTO);
	CU_ASSERT_EQUAL(rtm->rtm_table, RT_TABLE_MAIN);
	CU_ASSERT_PTR_NULL(attr_of(h, sizeof(*rtm), RTA_OIF, 4)); /* leads nowhere */
	v = attr_of(h, sizeof(*rtm), RTA_PRIORITY, 4);
	CU_ASSERT(v && *v == 77);

	r.type = NL_ROUTE_UNICAST;
	r.gateway = gw;
	r.table = 1000;
	h = nl_build_route(b, false, &r);
	CU_ASSERT_EQUAL(h->nlmsg_type, RTM_DELROUTE);
	v = attr_of(h, sizeof(*rtm), RTA_OIF, 4);
	CU_ASSERT(v && *v == 4);
	CU_ASSERT_PTR_NOT_NULL(attr_of(h, sizeof(*rtm), RTA_GATEWAY, 16));
	v = attr_of(h, sizeof(*rtm), RTA_TABLE, 4);
	CU_ASSERT(v && *v == 1000);
	CU_ASSERT_EQUAL(rtm->rtm_table, RT_TABLE_UNSPEC);

	r = (struct nl_route){.type = NL_ROUTE_UNICAST, .ifindex = 4};
	r.dst.addr = addr_from_ip4((struct in_addr){htonl(0x0a010000)});
	r.dst.len = 96 + 16;
	h = nl_build_route(b, true, &r);
	rtm = mnl_nlmsg_get_payload(h);
	CU_ASSERT(rtm->rtm_family == AF_INET && rtm->rtm_dst_len == 16);
	CU_ASSERT_EQUAL(rtm->rtm_scope, RT_SCOPE_LINK);
	CU_ASSERT_PTR_NOT_NULL(attr_of(h, sizeof(*rtm), RTA_DST, 4));

	r.type = NL_ROUTE_LOCAL;
	h = nl_build_route(b, true, &r);
	rtm = mnl_nlmsg_get_payload(h);
	CU_ASSERT(rtm->rtm_type == RTN_LOCAL && rtm->rtm_scope == RT_SCOPE_HOST);
	CU_ASSERT_EQUAL(rtm->rtm_table, RT_TABLE_LOCAL);
	v = attr_of(h, sizeof(*rtm), RTA_OIF, 4);
	CU_ASSERT(v && *v == 4);
}

static void test_build_get_and_neigh(void)
{
	static const struct in6_addr any;
	char b[NL_REQUEST_MAX];
	struct nlmsghdr *h = nl_build_route_get(b, 0, &addr1, &gw);
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(h);
	const struct ndmsg *ndm;
	const uint8_t *proto;
	const uint32_t *v;

	CU_ASSERT(rtm->rtm_dst_len == 128 && rtm->rtm_src_len == 128);
	CU_ASSERT_FALSE(h->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP)); /* one answer, no more */
	CU_ASSERT_PTR_NULL(attr_of(h, sizeof(*rtm), RTA_OIF, 4));
	h = nl_build_route_get(b, 7, &addr1, &any);
	rtm = mnl_nlmsg_get_payload(h);
	v = attr_of(h, sizeof(*rtm), RTA_OIF, 4);
	CU_ASSERT(v && *v == 7);
	CU_ASSERT(((struct rtmsg *)mnl_nlmsg_get_payload(h))->rtm_src_len == 0);
	CU_ASSERT_PTR_NULL(attr_of(h, sizeof(*rtm), RTA_SRC, 16));

	h = nl_build_neigh(b, NL_NEIGH_KEEP, 4, &addr1);
	ndm = mnl_nlmsg_get_payload(h);
	v = attr_of(h, sizeof(*ndm), NDA_FLAGS_EXT, 4);
	CU_ASSERT(ndm->ndm_flags == NTF_USE && ndm->ndm_ifindex == 4 && v && *v == 1);
	proto = attr_of(h, sizeof(*ndm), NDA_PROTOCOL, 1);
	CU_ASSERT(proto && *proto == NL_ROUTE_PROTO);
	h = nl_build_neigh(b, NL_NEIGH_GET, 4, &addr1);
	CU_ASSERT_EQUAL(h->nlmsg_type, RTM_GETNEIGH);
	CU_ASSERT_PTR_NULL(attr_of(h, sizeof(*ndm), NDA_FLAGS_EXT, 4));
}

static void test_build_ip4(void)
{
	const struct in6_addr dst = addr_from_ip4((struct in_addr){0x01020304});
	char b[NL_REQUEST_MAX];
	struct nlmsghdr *h = nl_build_route_get(b, 0, &dst, &dst);
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(h);
	const struct ndmsg *ndm;

	CU_ASSERT(rtm->rtm_family == AF_INET && rtm->rtm_dst_len == 32 && rtm->rtm_src_len == 32);
	CU_ASSERT_PTR_NOT_NULL(attr_of(h, sizeof(*rtm), RTA_DST, 4));
	CU_ASSERT_PTR_NOT_NULL(attr_of(h, sizeof(*rtm), RTA_SRC, 4));
	h = nl_build_neigh(b, NL_NEIGH_KEEP, 4, &dst);
	ndm = mnl_nlmsg_get_payload(h);
	CU_ASSERT_EQUAL(ndm->ndm_family, AF_INET);
	CU_ASSERT_PTR_NOT_NULL(attr_of(h, sizeof(*ndm), NDA_DST, 4));
}

static void test_sysctl_names(void)
{
	CU_ASSERT_EQUAL(nl_sysctl_ipv6("../all", "forwarding", "1"), -EINVAL);
	CU_ASSERT_EQUAL(nl_sysctl_ipv6("..", "forwarding", "1"), -EINVAL);
	CU_ASSERT_EQUAL(nl_sysctl_ipv6("lo", "../lo/forwarding", "1"), -EINVAL);
	CU_ASSERT_EQUAL(nl_sysctl_ipv6("nosuchif0", "forwarding", "1"), -ENOENT);
	CU_ASSERT_EQUAL(nl_sysctl_ipv4("nosuchif0", "forwarding", "1"), -ENOENT);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a link message yields name, kind, master, carrier",	      test_parse_link},
		{"an over-long interface name is cut, not copied",							   test_link_name_is_bounded},
		{"an address message prefers IFA_LOCAL and the wide flags",test_parse_addr},
		{"a route message yields its destination; clones are skipped",  test_parse_route},
		{"a route answer yields egress, gateway, source, path MTU",							    test_parse_path},
		{"a neighbour is usable only with an address and a good state",						test_parse_neigh},
		{"a forwarding entry is a learnt one, not the bridge's own",  test_parse_fdb},
		{"messages cut anywhere are read within their bounds",							       test_truncation},
		{"IPv4 routes, routers and neighbours come IPv4-mapped",	 test_parse_ip4},
		{"requests about IPv4-mapped addresses are IPv4's", test_build_ip4},
		{"address requests",							  test_build_addr},
		{"route requests carry our protocol number, and either family",test_build_route},
		{"route and neighbour look-ups",	 test_build_get_and_neigh},
		{"sysctl names cannot leave their directory",							      test_sysctl_names},
		{0					   },
	};

	addr6_parse("2001:db8::1", &addr1);
	addr6_parse("fe80::1", &gw);
	return cu_main("nl", tests, argc, argv);
}
