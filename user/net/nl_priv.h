/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of nl: messages to structures and back, without sockets, so that tests can feed bytes.
 *
 *	nl.c		sockets, link table, listeners, dumps
 *	nl_parse.c	kernel messages -> struct nl_link, nl_addr, ...
 *	nl_routing.c	routes and rules: what decides about a packet's way
 *	nl_request.c	requests -> kernel messages, and the calls that send them
 *	nl_link.c	the same for links
 *	nl_forget.c	what an earlier run of ours has put there
 *	nl_vrf.c	VRFs: routing tables of their own for some interfaces
 */
#pragma once

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "net/nl.h"

/* Parsers return 0, -EBADMSG for a message that makes no sense, -ENOMSG for one that is none of
 * our business (another address family, a cloned route, ...). Outputs untouched on failure. */
int nl_parse_link(const struct nlmsghdr *h, struct nl_link *out);
int nl_parse_addr(const struct nlmsghdr *h, struct nl_addr *out);
int nl_parse_route(const struct nlmsghdr *h, struct prefix6 *dst);
/* An answer to RTM_GETROUTE; -ENETUNREACH when the route leads nowhere. */
int nl_parse_path(const struct nlmsghdr *h, const struct in6_addr *dst, struct nl_path *out);
struct nl_neigh_raw {
	struct nl_neigh neigh;
	uint16_t state;	    /* NUD_* */
	uint32_t flags_ext; /* NTF_EXT_* */
};
int nl_parse_neigh(const struct nlmsghdr *h, struct nl_neigh_raw *out);
int nl_parse_fdb(const struct nlmsghdr *h, struct nl_fdb *out);
/* Of a route or rule, of either family; cloned routes and those of host addresses are -ENOMSG. */
int nl_parse_routing(const struct nlmsghdr *h, struct nl_routing *out);

/* Builders write a whole request into buf of NL_REQUEST_MAX octets and return its header; the
 * sequence number is the sender's matter. */
#define NL_REQUEST_MAX 512
struct nlmsghdr *nl_build_addr(void *buf, bool add, unsigned ifindex, const struct in6_addr *a,
			       uint8_t prefix_len, bool nodad);
struct nlmsghdr *nl_build_link_mac(void *buf, unsigned ifindex, const struct mac *mac);
struct nlmsghdr *nl_build_link_up(void *buf, unsigned ifindex, bool up);
struct nlmsghdr *nl_build_veth(void *buf, const char *name, const char *peer, uint32_t mtu);
struct nlmsghdr *nl_build_route(void *buf, bool add, const struct nl_route *r);
struct nlmsghdr *nl_build_route_get(void *buf, unsigned vrf, const struct in6_addr *dst,
				    const struct in6_addr *src);
enum nl_neigh_op { NL_NEIGH_GET, NL_NEIGH_KEEP, NL_NEIGH_DEL };
struct nlmsghdr *nl_build_neigh(void *buf, enum nl_neigh_op op, unsigned ifindex,
				const struct in6_addr *a);

/* What nl_vrf_of_addr() remembers; forgotten with every change of links, addresses and routes. */
#define NL_VRFS_MAX 64 /* more are not looked through for an address */
struct nl_vrfs {
	bool known; /* which ones there are */
	unsigned ifindex[NL_VRFS_MAX];
	unsigned n;
	struct {
		struct in6_addr addr;
		unsigned vrf;
	} of[16];
	unsigned n_of, next;
};
struct nl_vrfs *nl_vrfs(struct nl *nl);

/* Sends a request and waits for its acknowledgement or answer. `answer` (may be NULL) is called
 * with each message that answers; what it returns, if not 0, is the result. */
/* A dump of that type and family; repeated when the kernel says that it is not of one piece. */
int nl_dump(struct nl *nl, uint16_t type, uint8_t family, size_t header,
	    int (*answer)(void *ctx, const struct nlmsghdr *h), void *ctx);
int nl_talk(struct nl *nl, struct nlmsghdr *req, int (*answer)(void *ctx, const struct nlmsghdr *h),
	    void *ctx);
