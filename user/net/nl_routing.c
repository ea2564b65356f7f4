/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/fib_rules.h>
#include <string.h>

#include "net/nl_priv.h"

static size_t addr_len(unsigned family)
{
	return family == AF_INET6  ? sizeof(struct in6_addr)
	       : family == AF_INET ? sizeof(struct in_addr)
				   : 0;
}

/* mnl_attr_for_each() takes the padding behind the message for a part of it. */
static bool attr_there(const struct nlmsghdr *h, const struct nlattr *attr)
{
	return mnl_attr_ok(attr, (int)((const char *)h + h->nlmsg_len - (const char *)attr));
}

/* ---- routes ---- */

static bool get_addr(const void *from, size_t have, unsigned family, struct in6_addr *out)
{
	struct in_addr four;

	if (!addr_len(family) || have < addr_len(family))
		return false;
	if (family == AF_INET6) {
		memcpy(out, from, sizeof(*out));
	} else {
		memcpy(&four, from, sizeof(four));
		*out = addr_from_ip4(four);
	}
	return true;
}

/* RTA_GATEWAY or RTA_VIA, on its own or within RTA_MULTIPATH. */
static bool get_gateway(const struct nlattr *attr, unsigned family, struct in6_addr *out)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	switch (mnl_attr_get_type(attr)) {
	case RTA_GATEWAY:
		return get_addr(via, len, family, out);
	case RTA_VIA:
		return len >= sizeof(*via) &&
		       get_addr(via->rtvia_addr, len - sizeof(*via), via->rtvia_family, out);
	default:
		return false;
	}
}

static void add_gateway(struct nl_routing *r, unsigned ifindex, const struct in6_addr *addr)
{
	if (!ifindex || r->n_gateways == NL_GATEWAYS_MAX)
		return;
	r->gateway[r->n_gateways].ifindex = ifindex;
	r->gateway[r->n_gateways++].addr = *addr;
}

static void parse_multipath(const struct nlattr *attr, unsigned family, struct nl_routing *r)
{
	const char *at = mnl_attr_get_payload(attr);
	int left = mnl_attr_get_payload_len(attr);

	while (left >= (int)sizeof(struct rtnexthop)) {
		const struct rtnexthop *nh = (const void *)at;
		int len = nh->rtnh_len;
		const struct nlattr *in = (const void *)(at + sizeof(*nh));
		struct in6_addr addr;

		if (len < (int)sizeof(*nh) || len > left)
			return;
		while (mnl_attr_ok(in, (int)(at + len - (const char *)in))) {
			if (get_gateway(in, family, &addr))
				add_gateway(r, (unsigned)nh->rtnh_ifindex, &addr);
			in = mnl_attr_next(in);
		}
		len = (int)RTNH_ALIGN((unsigned)len);
		at += len;
		left -= len;
	}
}

static int parse_route(const struct nlmsghdr *h, struct nl_routing *out)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(h);
	struct nl_routing r = {.what = NL_ROUTING_ROUTE, .gone = h->nlmsg_type == RTM_DELROUTE};
	struct in6_addr gateway;
	bool has_gateway = false;
	const struct nlattr *attr;
	uint32_t oif = 0;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*rtm))
		return -EBADMSG;
	if (!addr_len(rtm->rtm_family) || rtm->rtm_flags & RTM_F_CLONED ||
	    rtm->rtm_table == RT_TABLE_LOCAL)
		return -ENOMSG;
	r.by_source = rtm->rtm_src_len;
	r.opaque = rtm->rtm_tos;
	for (attr = mnl_nlmsg_get_payload_offset(h, sizeof(*rtm)); attr_there(h, attr);
	     attr = mnl_attr_next(attr)) {
		switch (mnl_attr_get_type(attr)) {
		case RTA_OIF:
			if (mnl_attr_get_payload_len(attr) == sizeof(oif))
				memcpy(&oif, mnl_attr_get_payload(attr), sizeof(oif));
			break;
		case RTA_GATEWAY:
		case RTA_VIA:
			has_gateway |= get_gateway(attr, rtm->rtm_family, &gateway);
			break;
		case RTA_MULTIPATH:
			r.multipath = true;
			parse_multipath(attr, rtm->rtm_family, &r);
			break;
		case RTA_NH_ID:
			/* an object by itself, perhaps a group, which changes without the route */
			r.multipath = true;
			break;
		default:
			break;
		}
	}
	if (has_gateway)
		add_gateway(&r, oif, &gateway);
	*out = r;
	return 0;
}

/* ---- rules ---- */

/* Destination and ingress are compared anyway. Marks and users belong to sockets, which packets
 * that are forwarded have not. */
static int parse_rule(const struct nlmsghdr *h, struct nl_routing *out)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(h);
	struct nl_routing r = {.what = NL_ROUTING_RULE, .gone = h->nlmsg_type == RTM_DELRULE};
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(h) < sizeof(*frh))
		return -EBADMSG;
	if (!addr_len(frh->family))
		return -ENOMSG;
	r.by_source = frh->src_len;
	r.opaque = frh->tos;
	for (attr = mnl_nlmsg_get_payload_offset(h, sizeof(*frh)); attr_there(h, attr);
	     attr = mnl_attr_next(attr)) {
		switch (mnl_attr_get_type(attr)) {
		case FRA_UNSPEC:
		case FRA_DST:
		case FRA_SRC: /* counts where it has a length */
		case FRA_IIFNAME:
		case FRA_OIFNAME:
		case FRA_GOTO:
		case FRA_FLOW:
		case FRA_PRIORITY:
		case FRA_FWMARK:
		case FRA_FWMASK:
		case FRA_SUPPRESS_IFGROUP:
		case FRA_SUPPRESS_PREFIXLEN:
		case FRA_TABLE:
		case FRA_PAD:
		case FRA_L3MDEV:
		case FRA_UID_RANGE:
		case FRA_PROTOCOL:
			break;
		default: /* ports, protocol, tunnel, DSCP, and what is invented yet */
			r.opaque = true;
			break;
		}
	}
	*out = r;
	return 0;
}

int nl_parse_routing(const struct nlmsghdr *h, struct nl_routing *out)
{
	switch (h->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return parse_route(h, out);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return parse_rule(h, out);
	default:
		return -ENOMSG;
	}
}

/* ---- the calls ---- */

struct walk {
	void (*cb)(void *ctx, const struct nl_routing *r);
	void *ctx;
};

static int walk_answer(void *ctx, const struct nlmsghdr *h)
{
	const struct walk *w = ctx;
	struct nl_routing r;

	if (!nl_parse_routing(h, &r))
		w->cb(w->ctx, &r);
	return 0;
}

int nl_walk_routes(struct nl *nl, void (*cb)(void *ctx, const struct nl_routing *r), void *ctx)
{
	struct walk w = {cb, ctx};
	int rc = nl_dump(nl, RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg), walk_answer, &w);

	if (!rc)
		rc = nl_dump(nl, RTM_GETROUTE, AF_INET, sizeof(struct rtmsg), walk_answer, &w);
	return rc;
}

/* As a request and not as nl_dump(): whoever is told of a change may ask this in the middle of a
 * dump. */
static int rules_of(struct nl *nl, uint8_t family, struct walk *w)
{
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < 5; i++) {
		char buf[NL_REQUEST_MAX];
		struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
		struct fib_rule_hdr *frh = mnl_nlmsg_put_extra_header(h, sizeof(*frh));

		h->nlmsg_type = RTM_GETRULE;
		h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		frh->family = family;
		rc = nl_talk(nl, h, walk_answer, w);
	}
	/* changes meanwhile come as notifications; a kernel without rules has none */
	return rc == -EINTR || rc == -EOPNOTSUPP ? 0 : rc;
}

static void add_rule(void *ctx, const struct nl_routing *r)
{
	struct nl_routing *all = ctx;

	all->by_source |= r->by_source;
	all->opaque |= r->opaque;
}

int nl_rules_get(struct nl *nl, struct nl_routing *out)
{
	struct nl_routing all = {.what = NL_ROUTING_RULE};
	struct walk w = {add_rule, &all};
	int rc = rules_of(nl, AF_INET6, &w);

	if (!rc)
		rc = rules_of(nl, AF_INET, &w);
	if (!rc)
		*out = all;
	return rc;
}
