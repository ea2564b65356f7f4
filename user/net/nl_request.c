/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/nl_priv.h"

#ifndef NTF_EXT_MANAGED /* Linux 5.16 */
#define NTF_EXT_MANAGED (1 << 0)
#endif
#define ATTR_IFA_PROTO 11 /* Linux 5.18; not in the headers of before */

/* Header plus a zeroed fixed part of `len` octets, which is returned through *fixed. */
static struct nlmsghdr *start(void *buf, uint16_t type, uint16_t flags, void **fixed, size_t len)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	*fixed = mnl_nlmsg_put_extra_header(h, len);
	return h;
}

static uint8_t family_of(const struct in6_addr *a)
{
	return addr_is_ip4(a) ? AF_INET : AF_INET6;
}

static uint8_t bits_of(const struct in6_addr *a)
{
	return addr_is_ip4(a) ? 32 : 128;
}

static void put_addr(struct nlmsghdr *h, uint16_t type, const struct in6_addr *a)
{
	if (addr_is_ip4(a))
		mnl_attr_put(h, type, sizeof(struct in_addr), &a->s6_addr[12]);
	else
		mnl_attr_put(h, type, sizeof(*a), a);
}

struct nlmsghdr *nl_build_addr(void *buf, bool add, unsigned ifindex, const struct in6_addr *a,
			       uint8_t prefix_len, bool nodad)
{
	struct ifaddrmsg *ifa;
	struct nlmsghdr *h;
	void *fixed;

	h = start(buf, add ? RTM_NEWADDR : RTM_DELADDR,
		  NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0), &fixed, sizeof(*ifa));
	ifa = fixed;
	ifa->ifa_family = AF_INET6;
	ifa->ifa_prefixlen = prefix_len;
	ifa->ifa_index = ifindex;
	put_addr(h, IFA_LOCAL, a);
	put_addr(h, IFA_ADDRESS, a);
	if (add && nodad)
		mnl_attr_put_u32(h, IFA_FLAGS, IFA_F_NODAD);
	if (add)
		mnl_attr_put_u8(h, ATTR_IFA_PROTO, NL_ROUTE_PROTO);
	return h;
}

/* IPv6 has no scopes; in IPv4 a destination is behind a router, on the link, or this host. */
static uint8_t scope_of(const struct nl_route *r)
{
	if (!addr_is_ip4(&r->dst.addr))
		return RT_SCOPE_UNIVERSE;
	if (r->type == NL_ROUTE_LOCAL)
		return RT_SCOPE_HOST;
	return r->type == NL_ROUTE_UNICAST && addr6_is_zero(&r->gateway) ? RT_SCOPE_LINK
									 : RT_SCOPE_UNIVERSE;
}

struct nlmsghdr *nl_build_route(void *buf, bool add, const struct nl_route *r)
{
	static const uint8_t types[] = {
		[NL_ROUTE_UNICAST] = RTN_UNICAST,
		[NL_ROUTE_LOCAL] = RTN_LOCAL,
		[NL_ROUTE_UNREACHABLE] = RTN_UNREACHABLE,
		[NL_ROUTE_BLACKHOLE] = RTN_BLACKHOLE,
	};
	const uint32_t usual = r->type == NL_ROUTE_LOCAL ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
	struct rtmsg *rtm;
	struct nlmsghdr *h;
	void *fixed;

	h = start(buf, add ? RTM_NEWROUTE : RTM_DELROUTE,
		  NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0), &fixed, sizeof(*rtm));
	rtm = fixed;
	rtm->rtm_family = family_of(&r->dst.addr);
	rtm->rtm_dst_len = addr_is_ip4(&r->dst.addr) ? r->dst.len - 96 : r->dst.len;
	rtm->rtm_protocol = NL_ROUTE_PROTO;
	rtm->rtm_type = types[r->type];
	rtm->rtm_scope = scope_of(r);
	rtm->rtm_table = r->table && r->table < 256 ? r->table : usual;
	if (r->table >= 256) {
		rtm->rtm_table = RT_TABLE_UNSPEC;
		mnl_attr_put_u32(h, RTA_TABLE, r->table);
	}
	put_addr(h, RTA_DST, &r->dst.addr);
	if ((r->type == NL_ROUTE_UNICAST || r->type == NL_ROUTE_LOCAL) && r->ifindex)
		mnl_attr_put_u32(h, RTA_OIF, r->ifindex);
	if (r->type == NL_ROUTE_UNICAST && !addr6_is_zero(&r->gateway))
		put_addr(h, RTA_GATEWAY, &r->gateway);
	if (r->metric)
		mnl_attr_put_u32(h, RTA_PRIORITY, r->metric);
	return h;
}

struct nlmsghdr *nl_build_route_get(void *buf, unsigned vrf, const struct in6_addr *dst,
				    const struct in6_addr *src)
{
	struct rtmsg *rtm;
	struct nlmsghdr *h;
	void *fixed;

	h = start(buf, RTM_GETROUTE, 0, &fixed, sizeof(*rtm));
	rtm = fixed;
	rtm->rtm_family = family_of(dst);
	rtm->rtm_dst_len = bits_of(dst);
	put_addr(h, RTA_DST, dst);
	if (src && !addr6_is_zero(src)) {
		rtm->rtm_src_len = bits_of(src);
		put_addr(h, RTA_SRC, src);
	}
	if (vrf)
		mnl_attr_put_u32(h, RTA_OIF, vrf);
	return h;
}

struct nlmsghdr *nl_build_neigh(void *buf, enum nl_neigh_op op, unsigned ifindex,
				const struct in6_addr *a)
{
	struct ndmsg *ndm;
	struct nlmsghdr *h;
	void *fixed;

	switch (op) {
	case NL_NEIGH_KEEP:
		h = start(buf, RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, &fixed,
			  sizeof(*ndm));
		break;
	case NL_NEIGH_DEL:
		h = start(buf, RTM_DELNEIGH, NLM_F_ACK, &fixed, sizeof(*ndm));
		break;
	default:
		h = start(buf, RTM_GETNEIGH, 0, &fixed, sizeof(*ndm));
		break;
	}
	ndm = fixed;
	ndm->ndm_family = family_of(a);
	ndm->ndm_ifindex = (int)ifindex;
	put_addr(h, NDA_DST, a);
	if (op == NL_NEIGH_KEEP) {
		/* NTF_USE starts resolution everywhere; the other flag keeps it going where the
		 * kernel knows it, and is skipped where not. */
		ndm->ndm_flags = NTF_USE;
		mnl_attr_put_u32(h, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
		mnl_attr_put_u8(h, NDA_PROTOCOL, NL_ROUTE_PROTO);
	}
	return h;
}

/* ---- the calls ---- */

static int ignore(int rc, int harmless)
{
	return rc == harmless ? 0 : rc;
}

int nl_addr_add(struct nl *nl, unsigned ifindex, const struct in6_addr *a, uint8_t prefix_len,
		bool nodad)
{
	char buf[NL_REQUEST_MAX];

	return ignore(
		nl_talk(nl, nl_build_addr(buf, true, ifindex, a, prefix_len, nodad), NULL, NULL),
		-EEXIST);
}

int nl_addr_del(struct nl *nl, unsigned ifindex, const struct in6_addr *a, uint8_t prefix_len)
{
	char buf[NL_REQUEST_MAX];
	int rc = nl_talk(nl, nl_build_addr(buf, false, ifindex, a, prefix_len, false), NULL, NULL);

	return ignore(ignore(rc, -EADDRNOTAVAIL), -ENODEV);
}

int nl_route_put(struct nl *nl, const struct nl_route *r)
{
	char buf[NL_REQUEST_MAX];

	return nl_talk(nl, nl_build_route(buf, true, r), NULL, NULL);
}

int nl_route_del(struct nl *nl, const struct nl_route *r)
{
	char buf[NL_REQUEST_MAX];

	return ignore(nl_talk(nl, nl_build_route(buf, false, r), NULL, NULL), -ESRCH);
}

struct path_answer {
	const struct in6_addr *dst;
	struct nl_path path;
	bool found;
};

static int path_answer(void *ctx, const struct nlmsghdr *h)
{
	struct path_answer *p = ctx;
	int rc;

	if (h->nlmsg_type != RTM_NEWROUTE)
		return -EBADMSG;
	rc = nl_parse_path(h, p->dst, &p->path);
	p->found = !rc;
	return rc;
}

int nl_route_get_in(struct nl *nl, unsigned vrf, const struct in6_addr *dst,
		    const struct in6_addr *src, struct nl_path *out)
{
	struct path_answer p = {.dst = dst};
	char buf[NL_REQUEST_MAX];
	int rc = nl_talk(nl, nl_build_route_get(buf, vrf, dst, src), path_answer, &p);

	if (rc)
		return rc;
	if (!p.found)
		return -EBADMSG;
	*out = p.path;
	return 0;
}

int nl_route_get(struct nl *nl, const struct in6_addr *dst, const struct in6_addr *src,
		 struct nl_path *out)
{
	return nl_route_get_in(nl, 0, dst, src, out);
}

struct neigh_answer {
	struct nl_neigh_raw raw;
	bool found;
};

static int neigh_answer(void *ctx, const struct nlmsghdr *h)
{
	struct neigh_answer *n = ctx;
	int rc;

	if (h->nlmsg_type != RTM_NEWNEIGH)
		return -EBADMSG;
	rc = nl_parse_neigh(h, &n->raw);
	n->found = !rc;
	return rc;
}

static int neigh_get_raw(struct nl *nl, unsigned ifindex, const struct in6_addr *a,
			 struct nl_neigh_raw *out)
{
	struct neigh_answer n = {0};
	char buf[NL_REQUEST_MAX];
	int rc = nl_talk(nl, nl_build_neigh(buf, NL_NEIGH_GET, ifindex, a), neigh_answer, &n);

	if (rc)
		return rc;
	if (!n.found)
		return -ENOENT;
	*out = n.raw;
	return 0;
}

int nl_neigh_get(struct nl *nl, unsigned ifindex, const struct in6_addr *a, struct nl_neigh *out)
{
	struct nl_neigh_raw raw;
	int rc = neigh_get_raw(nl, ifindex, a, &raw);

	if (!rc)
		*out = raw.neigh;
	return rc;
}

int nl_neigh_keep(struct nl *nl, unsigned ifindex, const struct in6_addr *a)
{
	struct nl_neigh_raw raw;
	char buf[NL_REQUEST_MAX];
	int rc;

	/* An operator's permanent entry needs no keeping, and would become an ordinary one. */
	if (!neigh_get_raw(nl, ifindex, a, &raw) && raw.state & (NUD_PERMANENT | NUD_NOARP))
		return NL_KEPT_PERMANENT;
	rc = nl_talk(nl, nl_build_neigh(buf, NL_NEIGH_KEEP, ifindex, a), NULL, NULL);
	if (rc)
		return rc;
	if (neigh_get_raw(nl, ifindex, a, &raw))
		return NL_KEPT_NOT;
	return raw.flags_ext & NTF_EXT_MANAGED ? NL_KEPT_MANAGED : NL_KEPT_NOT;
}

int nl_neigh_del(struct nl *nl, unsigned ifindex, const struct in6_addr *a)
{
	char buf[NL_REQUEST_MAX];
	int rc = nl_talk(nl, nl_build_neigh(buf, NL_NEIGH_DEL, ifindex, a), NULL, NULL);

	return ignore(ignore(rc, -ENOENT), -ENODEV);
}

static int sysctl_write(const char *family, const char *ifname, const char *key, const char *value)
{
	size_t len = strlen(value);
	char path[128];
	int n, fd, rc = 0;

	if (strchr(ifname, '/') || strchr(key, '/') || !strcmp(ifname, "..") ||
	    !strcmp(ifname, "."))
		return -EINVAL;
	n = snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, ifname, key);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, value, len) != (ssize_t)len)
		rc = errno ? -errno : -EIO;
	close(fd);
	return rc;
}

int nl_sysctl_ipv6(const char *ifname, const char *key, const char *value)
{
	return sysctl_write("ipv6", ifname, key, value);
}

int nl_sysctl_ipv4(const char *ifname, const char *key, const char *value)
{
	return sysctl_write("ipv4", ifname, key, value);
}
