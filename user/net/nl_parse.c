/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if_arp.h>
#include <linux/neighbour.h>
#include <string.h>

#include "net/nl_priv.h"

#define TB_MAX	 64
#define LOWER_UP (1u << 16) /* IFF_LOWER_UP, which net/if.h does not know */
#define DORMANT	 (1u << 17) /* IFF_DORMANT: carrier, but e.g. not authenticated yet */

/* Attributes by type; the last of a type wins, types beyond TB_MAX are left out. */
struct attrs {
	const struct nlattr *tb[TB_MAX];
};

static bool attrs_read(struct attrs *a, const struct nlmsghdr *h, size_t header)
{
	const char *end = (const char *)h + h->nlmsg_len;
	const struct nlattr *attr;

	memset(a, 0, sizeof(*a));
	if (mnl_nlmsg_get_payload_len(h) < header)
		return false;
	/* mnl_attr_for_each() takes the padding behind the message for a part of it */
	for (attr = mnl_nlmsg_get_payload_offset(h, header);
	     mnl_attr_ok(attr, (int)(end - (const char *)attr)); attr = mnl_attr_next(attr))
		if (mnl_attr_get_type(attr) < TB_MAX)
			a->tb[mnl_attr_get_type(attr)] = attr;
	return true;
}

/* Copies an attribute of exactly that size; false when it is not there or of another size. */
static bool attr_get(const struct attrs *a, unsigned type, void *out, size_t len)
{
	const struct nlattr *attr = a->tb[type];

	if (!attr || mnl_attr_get_payload_len(attr) != len)
		return false;
	memcpy(out, mnl_attr_get_payload(attr), len);
	return true;
}

/* The octets an address of that family has; 0 for a family we do not deal in. */
static size_t addr_len(unsigned family)
{
	return family == AF_INET6  ? sizeof(struct in6_addr)
	       : family == AF_INET ? sizeof(struct in_addr)
				   : 0;
}

/* An address of that family; IPv4 becomes IPv4-mapped. */
static bool attr_addr(const struct attrs *a, unsigned type, unsigned family, struct in6_addr *out)
{
	struct in_addr four;

	if (family == AF_INET6)
		return attr_get(a, type, out, sizeof(*out));
	if (family != AF_INET || !attr_get(a, type, &four, sizeof(four)))
		return false;
	*out = addr_from_ip4(four);
	return true;
}

/* RTA_VIA: a gateway of another family than the route's (IPv4 by way of an IPv6 router). */
static bool attr_via(const struct attrs *a, struct in6_addr *out)
{
	const struct nlattr *attr = a->tb[RTA_VIA];
	const struct rtvia *via;
	size_t len;

	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(*via))
		return false;
	via = mnl_attr_get_payload(attr);
	len = addr_len(via->rtvia_family);
	if (!len || mnl_attr_get_payload_len(attr) < sizeof(*via) + len)
		return false;
	if (via->rtvia_family == AF_INET) {
		*out = addr_from_ip4((struct in_addr){0});
		memcpy(&out->s6_addr[12], via->rtvia_addr, len);
	} else {
		memcpy(out, via->rtvia_addr, len);
	}
	return true;
}

static void attr_str(const struct nlattr *attr, char *out, size_t cap)
{
	size_t len = mnl_attr_get_payload_len(attr);

	if (len >= cap)
		len = cap - 1;
	memcpy(out, mnl_attr_get_payload(attr), len);
	out[len] = '\0';
}

static void parse_vlan(const struct attrs *a, const struct nlattr *data, struct nl_link *l)
{
	const struct nlattr *attr;
	uint16_t id = 0, proto = 0;
	bool has_id = false;

	mnl_attr_for_each_nested(attr, data)
	{
		if (mnl_attr_get_payload_len(attr) != sizeof(id))
			continue;
		if (mnl_attr_get_type(attr) == IFLA_VLAN_ID) {
			memcpy(&id, mnl_attr_get_payload(attr), sizeof(id));
			has_id = true;
		}
		if (mnl_attr_get_type(attr) == IFLA_VLAN_PROTOCOL)
			memcpy(&proto, mnl_attr_get_payload(attr), sizeof(proto));
	}
	if (!has_id || !attr_get(a, IFLA_LINK, &l->vlan.lower, sizeof(l->vlan.lower)))
		return;
	l->vlan.id = id;
	l->vlan.proto = proto ? ntohs(proto) : ETH_P_8021Q;
}

int nl_parse_link(const struct nlmsghdr *h, struct nl_link *out)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	const struct nlattr *data = NULL;
	struct nl_link l = {0};
	struct attrs a;

	if (!attrs_read(&a, h, sizeof(*ifi)))
		return -EBADMSG;
	if (ifi->ifi_family != AF_UNSPEC) /* a bridge speaks of its port, IPv6 of its settings */
		return -ENOMSG;
	if (ifi->ifi_index <= 0 || !a.tb[IFLA_IFNAME])
		return -EBADMSG;
	l.ifindex = (unsigned)ifi->ifi_index;
	attr_str(a.tb[IFLA_IFNAME], l.name, sizeof(l.name));
	l.up = ifi->ifi_flags & IFF_UP;
	/* Not IFF_RUNNING: the kernel raises that up to a second later than the carrier. */
	l.running = l.up && ifi->ifi_flags & LOWER_UP && !(ifi->ifi_flags & DORMANT);
	l.ethernet = ifi->ifi_type == ARPHRD_ETHER;
	attr_get(&a, IFLA_MASTER, &l.master, sizeof(l.master));
	attr_get(&a, IFLA_MTU, &l.mtu, sizeof(l.mtu));
	if (a.tb[IFLA_IFALIAS])
		attr_str(a.tb[IFLA_IFALIAS], l.alias, sizeof(l.alias));
	if (l.ethernet)
		attr_get(&a, IFLA_ADDRESS, l.mac.b, sizeof(l.mac.b));
	if (a.tb[IFLA_LINKINFO]) {
		const struct nlattr *attr;

		mnl_attr_for_each_nested(attr, a.tb[IFLA_LINKINFO])
		{
			if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
				attr_str(attr, l.kind, sizeof(l.kind));
			if (mnl_attr_get_type(attr) == IFLA_INFO_DATA)
				data = attr;
		}
	}
	/* one that hangs below an interface of another namespace is no VLAN of ours */
	if (!strcmp(l.kind, "vlan") && data && !a.tb[IFLA_LINK_NETNSID])
		parse_vlan(&a, data, &l);
	if (!strcmp(l.kind, "veth") && !a.tb[IFLA_LINK_NETNSID])
		attr_get(&a, IFLA_LINK, &l.peer, sizeof(l.peer));
	*out = l;
	return 0;
}

int nl_parse_addr(const struct nlmsghdr *h, struct nl_addr *out)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	struct nl_addr r = {0};
	struct attrs a;
	uint32_t flags;

	if (!attrs_read(&a, h, sizeof(*ifa)))
		return -EBADMSG;
	if (ifa->ifa_family != AF_INET6)
		return -ENOMSG;
	/* With a peer address, IFA_ADDRESS is the peer's and IFA_LOCAL ours. */
	if (!attr_get(&a, IFA_LOCAL, &r.addr, sizeof(r.addr)) &&
	    !attr_get(&a, IFA_ADDRESS, &r.addr, sizeof(r.addr)))
		return -EBADMSG;
	if (!attr_get(&a, IFA_FLAGS, &flags, sizeof(flags)))
		flags = ifa->ifa_flags;
	r.ifindex = ifa->ifa_index;
	r.prefix_len = ifa->ifa_prefixlen;
	r.tentative = flags & IFA_F_TENTATIVE;
	r.dad_failed = flags & IFA_F_DADFAILED;
	*out = r;
	return 0;
}

int nl_parse_route(const struct nlmsghdr *h, struct prefix6 *dst)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(h);
	struct prefix6 p = {0};
	struct attrs a;

	if (!attrs_read(&a, h, sizeof(*rtm)))
		return -EBADMSG;
	if (!addr_len(rtm->rtm_family) || rtm->rtm_flags & RTM_F_CLONED)
		return -ENOMSG;
	if (rtm->rtm_dst_len > 8 * addr_len(rtm->rtm_family))
		return -EBADMSG;
	if (rtm->rtm_family == AF_INET)
		p.addr = addr_from_ip4((struct in_addr){0});
	if (rtm->rtm_dst_len && !attr_addr(&a, RTA_DST, rtm->rtm_family, &p.addr))
		return -EBADMSG;
	p.len = rtm->rtm_dst_len + (rtm->rtm_family == AF_INET ? 96 : 0);
	*dst = p;
	return 0;
}

static uint32_t metric_mtu(const struct nlattr *metrics)
{
	const struct nlattr *attr;
	uint32_t mtu = 0;

	mnl_attr_for_each_nested(attr, metrics) if (mnl_attr_get_type(attr) == RTAX_MTU &&
						    mnl_attr_get_payload_len(attr) == sizeof(mtu))
		memcpy(&mtu, mnl_attr_get_payload(attr), sizeof(mtu));
	return mtu;
}

int nl_parse_path(const struct nlmsghdr *h, const struct in6_addr *dst, struct nl_path *out)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(h);
	struct nl_path p = {0};
	struct attrs a;

	if (!attrs_read(&a, h, sizeof(*rtm)) || !addr_len(rtm->rtm_family))
		return -EBADMSG;
	if (rtm->rtm_type != RTN_UNICAST && rtm->rtm_type != RTN_LOCAL)
		return -ENETUNREACH;
	if (!attr_get(&a, RTA_OIF, &p.ifindex, sizeof(p.ifindex)))
		return -EBADMSG;
	p.local = rtm->rtm_type == RTN_LOCAL;
	if (!attr_addr(&a, RTA_GATEWAY, rtm->rtm_family, &p.gateway) && !attr_via(&a, &p.gateway))
		p.gateway = *dst;
	attr_addr(&a, RTA_PREFSRC, rtm->rtm_family, &p.src);
	if (a.tb[RTA_METRICS])
		p.mtu = metric_mtu(a.tb[RTA_METRICS]);
	*out = p;
	return 0;
}

int nl_parse_neigh(const struct nlmsghdr *h, struct nl_neigh_raw *out)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(h);
	struct nl_neigh_raw r = {0};
	struct attrs a;

	if (!attrs_read(&a, h, sizeof(*ndm)))
		return -EBADMSG;
	if (!addr_len(ndm->ndm_family) || ndm->ndm_flags & NTF_PROXY)
		return -ENOMSG;
	if (!attr_addr(&a, NDA_DST, ndm->ndm_family, &r.neigh.addr))
		return -EBADMSG;
	r.neigh.ifindex = (unsigned)ndm->ndm_ifindex;
	r.neigh.has_mac = attr_get(&a, NDA_LLADDR, r.neigh.mac.b, sizeof(r.neigh.mac.b));
	r.state = ndm->ndm_state;
	r.neigh.failed = ndm->ndm_state & NUD_FAILED;
	r.neigh.reachable =
		r.neigh.has_mac && ndm->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY |
						     NUD_PROBE | NUD_PERMANENT | NUD_NOARP);
	attr_get(&a, NDA_FLAGS_EXT, &r.flags_ext, sizeof(r.flags_ext));
	*out = r;
	return 0;
}

int nl_parse_fdb(const struct nlmsghdr *h, struct nl_fdb *out)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(h);
	struct nl_fdb f = {0};
	struct attrs a;

	if (!attrs_read(&a, h, sizeof(*ndm)))
		return -EBADMSG;
	if (ndm->ndm_family != AF_BRIDGE)
		return -ENOMSG;
	/* Permanent ones are the addresses of the bridge and its ports themselves; an entry with a
	 * destination belongs to a tunnel device. */
	if (ndm->ndm_state & NUD_PERMANENT || a.tb[NDA_DST])
		return -ENOMSG;
	if (!attr_get(&a, NDA_LLADDR, f.mac.b, sizeof(f.mac.b)))
		return -EBADMSG;
	f.port = (unsigned)ndm->ndm_ifindex;
	attr_get(&a, NDA_MASTER, &f.bridge, sizeof(f.bridge));
	*out = f;
	return 0;
}
