/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the data plane must know of the routing tables without reading them: that something has
 * changed, and what the choice of a route depends on. And the routers that routes name are kept
 * resolved by the kernel (managed neighbours), because packets that programs forward keep nothing
 * resolved.
 *
 * A change is told at once; of more that follow within a few milliseconds, once more afterwards. So
 * a storm of events costs the data plane little.
 *
 * What routes depend on is learnt from the routes themselves, at the start and as they come. It is
 * never unlearnt before everything is read anew (lost notifications, restart): a destination with
 * several next hops that had them once costs a little memory, no more. Rules are few; they are read
 * again whenever one changes.
 */
#pragma once

#include <stdbool.h>

#include "base/nsec.h"
#include "net/nl.h"

struct routes;

/* See struct nl_routing. */
struct routes_kind {
	bool by_source, multipath, opaque;
};

/* Something has changed, and this is what is known now. */
typedef void (*routes_fn)(void *ctx, const struct routes_kind *k);

#define ROUTES_GATEWAYS_MAX 64 /* of more, those are kept that routes named last */

int routes_new(struct routes **out, struct nl *nl, routes_fn cb, void *ctx);
void routes_free(struct routes **p);
/* What the kernel keeps resolved stays so afterwards, for packets that are forwarded on. */
void routes_leave(struct routes *r);

/* Reads routes and rules. Call once after nl_start(), which fills the table of links. */
int routes_start(struct routes *r, nsec_t now);

nsec_t routes_next(const struct routes *r);
void routes_tick(struct routes *r, nsec_t now);

void routes_walk_gateways(const struct routes *r,
			  void (*cb)(void *ctx, unsigned ifindex, const struct in6_addr *addr,
				     enum nl_kept kept),
			  void *ctx);
