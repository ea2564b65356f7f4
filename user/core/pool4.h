/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool of IPv4 home addresses (RFC 5844 3.1.2.2): as core/pool.h, for single addresses of one
 * home network. The network's own address, its broadcast address and the default router's are never
 * handed out (in a /31 or /32 there are no such, but for the router's).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct pool4;

/* -EINVAL: length 0, bits beyond the length, or a router that is not in the network; -ENOMEM. A
 * router of 0.0.0.0 excludes nothing. */
int pool4_new(struct pool4 **out, const struct prefix4 *network, struct in_addr router);
void pool4_free(struct pool4 **p);

const struct prefix4 *pool4_network(const struct pool4 *p);
struct in_addr pool4_router(const struct pool4 *p);
uint64_t pool4_size(const struct pool4 *p); /* how many it can hand out */
uint64_t pool4_used(const struct pool4 *p);

/* The lowest address never handed out, else the one released longest ago. -ENOSPC, -ENOMEM. */
int pool4_take(struct pool4 *p, struct in_addr *out);
/* This very address. -ENOENT when it is none that this pool can hand out, -EEXIST, -ENOMEM. */
int pool4_take_this(struct pool4 *p, struct in_addr addr);
/* One that is not in use, or not of this pool, is left alone. Cannot fail. */
void pool4_release(struct pool4 *p, struct in_addr addr);

bool pool4_owns(const struct pool4 *p, struct in_addr addr);
bool pool4_in_use(const struct pool4 *p, struct in_addr addr);
