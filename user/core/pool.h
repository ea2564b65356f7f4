/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pool cuts /64 home network prefixes from one aggregate (RFC 5213 5.3.2).
 *
 * Prefixes are handed out densely from the aggregate's start; one that was released is the last to
 * be handed out again, so that a node which comes back soon finds its prefix still free and packets
 * for a former owner do not reach a new one. Every call is O(1), but for steps over what was
 * asked for by name, by thousands. Memory follows what was ever handed out, not the size of the
 * aggregate.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define POOL_SIZE_MAX UINT32_MAX /* /64s; the rest of a larger aggregate stays unused */

struct pool;

/* -EINVAL: longer than a /64, length 0, or bits beyond the length; -ENOMEM. */
int pool_new(struct pool **out, const struct prefix6 *aggregate);
void pool_free(struct pool **p);

const struct prefix6 *pool_aggregate(const struct pool *p);
uint64_t pool_size(const struct pool *p);
uint64_t pool_used(const struct pool *p);

/* Hands out a /64: the lowest one never handed out, else the one released longest ago.
 * -ENOSPC when all are in use, -ENOMEM. */
int pool_take(struct pool *p, struct prefix6 *out);
/* Hands out this very /64. -ENOENT when it is none of this pool's, -EEXIST when in use, -ENOMEM. */
int pool_take_this(struct pool *p, const struct prefix6 *prefix);
/* A prefix that is not in use, or not of this pool, is left alone. Cannot fail. */
void pool_release(struct pool *p, const struct prefix6 *prefix);

/* Whether it is one of the /64s this pool can hand out. */
bool pool_owns(const struct pool *p, const struct prefix6 *prefix);
bool pool_in_use(const struct pool *p, const struct prefix6 *prefix);
