/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>

#include "net/nl_priv.h"

#define ATTR_IFA_PROTO 11 /* Linux 5.18; not in the headers of before */

/* Collected first: whatever is deleted while the kernel lists may make it skip the next. */
struct found {
	struct one {
		unsigned ifindex;
		struct in6_addr addr;
		uint8_t len;
	} * one;
	size_t n, room;
	unsigned ifindex; /* only of this one; 0: of any */
};

static int note(struct found *f, unsigned ifindex, const struct in6_addr *addr, uint8_t len)
{
	if (f->n == f->room) {
		const size_t room = f->room ? 2 * f->room : 16;
		struct one *more = realloc(f->one, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		f->one = more;
		f->room = room;
	}
	f->one[f->n++] = (struct one){ifindex, *addr, len};
	return 0;
}

static bool is_ours(const struct nlmsghdr *h, size_t header, uint16_t attr)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, h, (unsigned)header) if (mnl_attr_get_type(a) ==
						      attr) return mnl_attr_get_payload_len(a) ==
			sizeof(uint8_t) &&
		mnl_attr_get_u8(a) == NL_ROUTE_PROTO;
	return false;
}

static int addr_answer(void *ctx, const struct nlmsghdr *h)
{
	struct found *f = ctx;
	struct nl_addr a;

	if (h->nlmsg_type != RTM_NEWADDR || nl_parse_addr(h, &a) || a.ifindex != f->ifindex ||
	    !is_ours(h, sizeof(struct ifaddrmsg), ATTR_IFA_PROTO))
		return 0;
	return note(f, a.ifindex, &a.addr, a.prefix_len);
}

static int neigh_answer(void *ctx, const struct nlmsghdr *h)
{
	struct nl_neigh_raw raw;

	if (h->nlmsg_type != RTM_NEWNEIGH || nl_parse_neigh(h, &raw) ||
	    !is_ours(h, sizeof(struct ndmsg), NDA_PROTOCOL))
		return 0;
	return note(ctx, raw.neigh.ifindex, &raw.neigh.addr, 0);
}

int nl_addrs_forget(struct nl *nl, unsigned ifindex)
{
	struct found f = {.ifindex = ifindex};
	int rc = nl_dump(nl, RTM_GETADDR, AF_INET6, sizeof(struct ifaddrmsg), addr_answer, &f);

	for (size_t i = 0; i < f.n && !rc; i++)
		rc = nl_addr_del(nl, f.one[i].ifindex, &f.one[i].addr, f.one[i].len);
	free(f.one);
	return rc;
}

int nl_neighs_forget(struct nl *nl)
{
	struct found f = {0};
	int rc = nl_dump(nl, RTM_GETNEIGH, AF_INET6, sizeof(struct ndmsg), neigh_answer, &f);

	if (!rc)
		rc = nl_dump(nl, RTM_GETNEIGH, AF_INET, sizeof(struct ndmsg), neigh_answer, &f);
	for (size_t i = 0; i < f.n && !rc; i++)
		rc = nl_neigh_del(nl, f.one[i].ifindex, &f.one[i].addr);
	free(f.one);
	return rc;
}
