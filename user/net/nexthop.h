/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Next hops of the tunnels: for each remote address, which interface, which Ethernet addresses and
 * which path MTU a packet to it needs right now.
 *
 * Each tracked address is resolved by the kernel's own route lookup, in the VRF that our end's
 * address lives in, and its neighbour is kept resolved by the kernel (managed neighbours). Route,
 * neighbour, link and address events start a new look, collected for a few milliseconds so that a
 * burst of events costs one look; a slow periodic one finds what the kernel does not announce
 * (expired path MTUs).
 *
 * Path MTU (RFC 5213 6.9.5): what the kernel has learnt from ICMP errors, which it lets expire
 * after ten minutes. It believes those about tunnel packets while net/tunnel_sock has its sockets
 * open; who hears one calls nexthops_path_changed().
 */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "base/nsec.h"
#include "net/nl.h"

struct nexthops;

struct nexthop {
	bool valid;	  /* ifindex, smac, dmac are good */
	bool local;	  /* the address is our own: no next hop */
	unsigned ifindex; /* known with valid = false too, once there is a route */
	unsigned vrf;	  /* that the tunnel is in, by our end's address; 0: none */
	struct mac smac, dmac;
	uint32_t mtu; /* octets of the outer packet: min(interface, path); 0 while unknown */
	struct in6_addr gateway;
};

/* Called on every change, and once as soon as the first look is done. May not add or remove. */
typedef void (*nexthop_fn)(void *ctx, uint32_t id, const struct nexthop *nh, nsec_t now);

int nexthops_new(struct nexthops **out, struct nl *nl, nexthop_fn cb, void *ctx);
void nexthops_free(struct nexthops **p);
/* What the kernel keeps resolved stays so afterwards, for packets that are forwarded on. */
void nexthops_leave(struct nexthops *t);

/* Tracks `remote`, as reached from `local` (:: any), under the caller's id. The first look happens
 * in the next tick. An id that exists is replaced. -ENOMEM. */
int nexthop_add(struct nexthops *t, uint32_t id, const struct in6_addr *remote,
		const struct in6_addr *local, nsec_t now);
void nexthop_del(struct nexthops *t, uint32_t id);			  /* absent: no-op */
const struct nexthop *nexthop_get(const struct nexthops *t, uint32_t id); /* NULL: not tracked */
void nexthops_walk(const struct nexthops *t,
		   void (*cb)(void *ctx, uint32_t id, const struct in6_addr *remote,
			      const struct nexthop *nh),
		   void *ctx);

nsec_t nexthops_next(const struct nexthops *t);
void nexthops_tick(struct nexthops *t, nsec_t now);

/* The kernel may have learnt something about the path to this address. */
void nexthops_path_changed(struct nexthops *t, const struct in6_addr *remote, nsec_t now);
