/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the MAG's control plane needs from its access links. access/ implements it on real
 * interfaces, the simulation on imaginary ones. Triggers travel the other way: see mag.h.
 */
#pragma once

#include "base/addr.h"
#include "base/nsec.h"
#include "core/dataplane.h"
#include "core/home4.h"
#include "core/profile.h"

/* A place where one node is: interface and link-layer address. */
struct link_node {
	unsigned ifindex;
	struct mac mac;
};

/* What a node is told in its Router Advertisement (RFC 5213 6.9.2, RFC 4861 4.2), and by DHCP and
 * ARP (RFC 5844 3.4). Without prefixes there are no advertisements, without home4 no IPv4. */
struct link_advert {
	const struct prefix6 *prefixes;
	unsigned n_prefixes;
	uint32_t valid_s, preferred_s; /* both 0: the deprecating advertisement of RFC 5213 6.12 */
	uint32_t mtu;		       /* 0: no MTU option */
	struct in6_addr link_local;    /* router's address on this link, the RA's source */
	struct in6_addr node;	       /* the node's own, as it is known from elsewhere; ::, not known */
	struct home4 home4;
	uint32_t mtu4;	 /* Interface MTU of DHCP; 0: not told */
	bool dhcp_relay; /* the node's DHCP goes to a server behind us; else we are it */
	struct in_addr dns4[PROFILE_DNS_MAX];
	unsigned n_dns4;
};

struct link_ops {
	void *ctx;
	/* Advertises to that node alone, now, and from then on in answer to its solicitations and
	 * periodically, until withdrawn. Copies what it needs. */
	void (*advertise)(void *ctx, const struct link_node *n, const struct link_advert *ad);
	/* Stops advertising; tells the node with a final advertisement that these prefixes are
	 * deprecated when `deprecate`. */
	void (*withdraw)(void *ctx, const struct link_node *n, bool deprecate);
	/* Asks whether the node is still there. The answer comes as mag_confirmed() or
	 * mag_detach(), within the configured probe period times count. */
	void (*verify)(void *ctx, const struct link_node *n);
	/* Last known: is the node on the link? Used before a retransmission, RFC 5213 6.9.4. */
	bool (*attached)(void *ctx, const struct link_node *n);
	/* The node's service ended (rejected, revoked): tear its link down where the access can. */
	void (*teardown)(void *ctx, const struct link_node *n);
	/* The router's link-local address to hold on that interface (RFC 5213 6.8). */
	void (*set_link_local)(void *ctx, unsigned ifindex, const struct in6_addr *ll);

	/* The node's own link-local address; ::, not known. NULL: none ever is. */
	struct in6_addr (*address)(void *ctx, const struct link_node *n);

	/* What follows is asked of links whose MAG has a store, and may else be NULL. */

	/* As advertise(), for a node that was told the same before the MAG was started again:
	 * nothing is sent now, and it is not watched before it is heard or verify() asks for it.
	 * `own` is its link-local address, as address() had it. */
	void (*resume)(void *ctx, const struct link_node *n, const struct link_advert *ad,
		       const struct in6_addr *own);
	/* The access link of that name, 0: not there now; and back, NULL. */
	unsigned (*ifindex)(void *ctx, const char *name);
	const char *(*ifname)(void *ctx, unsigned ifindex);
};
