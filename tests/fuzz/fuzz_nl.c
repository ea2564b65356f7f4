/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages: one of any length with any attributes, read as each kind. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "net/nl_priv.h"

static void demand(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_nl: %s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct in6_addr dst;
	struct nl_neigh_raw neigh;
	struct nl_link link;
	struct nl_addr addr;
	struct nl_path path;
	struct prefix6 route;
	struct nl_routing routing;
	struct nl_fdb fdb;
	struct nlmsghdr *h;

	if (size < sizeof(*h))
		return 0;
	h = malloc(size); /* of exactly that size, so that an overrun shows */
	memcpy(h, data, size);
	h->nlmsg_len = (uint32_t)size; /* what mnl_nlmsg_ok() vouches for */
	if (!nl_parse_link(h, &link)) {
		demand(link.ifindex, "an interface without index");
		demand(memchr(link.name, '\0', sizeof(link.name)), "an endless name");
		demand(memchr(link.kind, '\0', sizeof(link.kind)), "an endless kind");
	}
	nl_parse_addr(h, &addr);
	if (!nl_parse_route(h, &route))
		demand(route.len <= 128, "an impossible prefix");
	nl_parse_path(h, &dst, &path);
	nl_parse_neigh(h, &neigh);
	nl_parse_fdb(h, &fdb);
	nl_parse_routing(h, &routing);
	free(h);
	return 0;
}
