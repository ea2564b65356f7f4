/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>

#include "net/nl_priv.h"

static struct nlmsghdr *start(void *buf, uint16_t type, uint16_t flags, struct ifinfomsg **ifi)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	*ifi = mnl_nlmsg_put_extra_header(h, sizeof(**ifi));
	return h;
}

static struct nlmsghdr *change(void *buf, unsigned ifindex, struct ifinfomsg **ifi)
{
	struct nlmsghdr *h = start(buf, RTM_NEWLINK, NLM_F_ACK, ifi);

	(*ifi)->ifi_index = (int)ifindex;
	return h;
}

struct nlmsghdr *nl_build_link_mac(void *buf, unsigned ifindex, const struct mac *mac)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *h = change(buf, ifindex, &ifi);

	mnl_attr_put(h, IFLA_ADDRESS, sizeof(mac->b), mac->b);
	return h;
}

struct nlmsghdr *nl_build_link_up(void *buf, unsigned ifindex, bool up)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *h = change(buf, ifindex, &ifi);

	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	return h;
}

static void put_end(struct nlmsghdr *h, struct ifinfomsg *ifi, const char *name, uint32_t mtu)
{
	ifi->ifi_change = IFF_NOARP;
	ifi->ifi_flags = IFF_NOARP;
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put_u32(h, IFLA_MTU, mtu);
}

struct nlmsghdr *nl_build_veth(void *buf, const char *name, const char *peer, uint32_t mtu)
{
	struct nlattr *info, *data, *end;
	struct ifinfomsg *ifi;
	struct nlmsghdr *h;

	h = start(buf, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &ifi);
	put_end(h, ifi, name, mtu);
	info = mnl_attr_nest_start(h, IFLA_LINKINFO);
	mnl_attr_put_strz(h, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(h, IFLA_INFO_DATA);
	end = mnl_attr_nest_start(h, VETH_INFO_PEER);
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	put_end(h, ifi, peer, mtu);
	mnl_attr_nest_end(h, end);
	mnl_attr_nest_end(h, data);
	mnl_attr_nest_end(h, info);
	return h;
}

int nl_link_set_up(struct nl *nl, unsigned ifindex, bool up)
{
	char buf[NL_REQUEST_MAX];

	return nl_talk(nl, nl_build_link_up(buf, ifindex, up), NULL, NULL);
}

int nl_link_set_mac(struct nl *nl, unsigned ifindex, const struct mac *mac)
{
	const struct nl_link *l = nl_link_by_index(nl, ifindex);
	char buf[NL_REQUEST_MAX];
	int rc;

	if (l && mac_eq(&l->mac, mac))
		return 0;
	rc = nl_talk(nl, nl_build_link_mac(buf, ifindex, mac), NULL, NULL);
	if (rc != -EBUSY)
		return rc;
	/* Some drivers change it only while the interface is down. */
	rc = nl_link_set_up(nl, ifindex, false);
	if (rc)
		return rc;
	rc = nl_talk(nl, nl_build_link_mac(buf, ifindex, mac), NULL, NULL);
	return nl_link_set_up(nl, ifindex, true) ? -ENETDOWN : rc;
}

int nl_link_set_mtu(struct nl *nl, unsigned ifindex, uint32_t mtu)
{
	char buf[NL_REQUEST_MAX];
	struct ifinfomsg *ifi;
	struct nlmsghdr *h = change(buf, ifindex, &ifi);

	mnl_attr_put_u32(h, IFLA_MTU, mtu);
	return nl_talk(nl, h, NULL, NULL);
}

int nl_link_set_alias(struct nl *nl, unsigned ifindex, const char *alias)
{
	char buf[NL_REQUEST_MAX];
	struct ifinfomsg *ifi;
	struct nlmsghdr *h = change(buf, ifindex, &ifi);

	if (!mnl_attr_put_check(h, sizeof(buf), IFLA_IFALIAS, strlen(alias), alias))
		return -EINVAL;
	return nl_talk(nl, h, NULL, NULL);
}

int nl_link_del(struct nl *nl, unsigned ifindex)
{
	char buf[NL_REQUEST_MAX];
	struct ifinfomsg *ifi;
	struct nlmsghdr *h = start(buf, RTM_DELLINK, NLM_F_ACK, &ifi);
	int rc;

	ifi->ifi_index = (int)ifindex;
	rc = nl_talk(nl, h, NULL, NULL);
	return rc == -ENODEV ? 0 : rc;
}

int nl_veth_add(struct nl *nl, const char *name, const char *peer, uint32_t mtu)
{
	char buf[NL_REQUEST_MAX];

	if (strlen(name) >= IFNAMSIZ || strlen(peer) >= IFNAMSIZ)
		return -EINVAL;
	return nl_talk(nl, nl_build_veth(buf, name, peer, mtu), NULL, NULL);
}

struct link_answer {
	struct nl_link link;
	bool found;
};

static int link_answer(void *ctx, const struct nlmsghdr *h)
{
	struct link_answer *a = ctx;
	int rc;

	if (h->nlmsg_type != RTM_NEWLINK)
		return -EBADMSG;
	rc = nl_parse_link(h, &a->link);
	a->found = !rc;
	return rc;
}

int nl_link_get(struct nl *nl, const char *name, struct nl_link *out)
{
	struct link_answer a = {0};
	char buf[NL_REQUEST_MAX];
	struct ifinfomsg *ifi;
	struct nlmsghdr *h = start(buf, RTM_GETLINK, 0, &ifi);
	int rc;

	if (strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	rc = nl_talk(nl, h, link_answer, &a);
	if (rc)
		return rc;
	if (!a.found)
		return -EBADMSG;
	*out = a.link;
	return 0;
}
