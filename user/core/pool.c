/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/pool.h"

#include <errno.h>
#include <stdlib.h>

#include "core/stock.h"

struct pool {
	struct prefix6 aggregate;
	struct stock *stock; /* of numbers of /64s from the aggregate's start */
};

int pool_new(struct pool **out, const struct prefix6 *aggregate)
{
	struct prefix6 masked = *aggregate;
	struct pool *p;

	if (aggregate->len == 0 || aggregate->len > 64)
		return -EINVAL;
	prefix6_mask(&masked);
	if (!prefix6_eq(&masked, aggregate))
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->aggregate = masked;
	if (stock_new(&p->stock, 64 - masked.len >= 32 ? POOL_SIZE_MAX : 1u << (64 - masked.len))) {
		free(p);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}

void pool_free(struct pool **pp)
{
	struct pool *p = *pp;

	if (!p)
		return;
	stock_free(&p->stock);
	free(p);
	*pp = NULL;
}

const struct prefix6 *pool_aggregate(const struct pool *p)
{
	return &p->aggregate;
}

uint64_t pool_size(const struct pool *p)
{
	return stock_size(p->stock);
}

uint64_t pool_used(const struct pool *p)
{
	return stock_used(p->stock);
}

static uint64_t upper64(const struct in6_addr *a)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | a->s6_addr[i];
	return v;
}

static struct prefix6 nth(const struct pool *p, uint32_t n)
{
	uint64_t v = upper64(&p->aggregate.addr) | n;
	struct prefix6 out = {.len = 64};

	for (unsigned i = 8; i-- > 0; v >>= 8)
		out.addr.s6_addr[i] = (uint8_t)v;
	return out;
}

static bool number_of(const struct pool *p, const struct prefix6 *prefix, uint32_t *n)
{
	uint64_t v;

	if (prefix->len != 64 || !prefix6_contains(&p->aggregate, prefix))
		return false;
	v = upper64(&prefix->addr) ^ upper64(&p->aggregate.addr);
	*n = (uint32_t)v;
	return v < stock_size(p->stock);
}

int pool_take(struct pool *p, struct prefix6 *out)
{
	uint32_t n;
	int err = stock_take(p->stock, &n);

	if (!err)
		*out = nth(p, n);
	return err;
}

int pool_take_this(struct pool *p, const struct prefix6 *prefix)
{
	uint32_t n;

	return number_of(p, prefix, &n) ? stock_take_this(p->stock, n) : -ENOENT;
}

void pool_release(struct pool *p, const struct prefix6 *prefix)
{
	uint32_t n;

	if (number_of(p, prefix, &n))
		stock_release(p->stock, n);
}

bool pool_owns(const struct pool *p, const struct prefix6 *prefix)
{
	uint32_t n;

	return number_of(p, prefix, &n);
}

bool pool_in_use(const struct pool *p, const struct prefix6 *prefix)
{
	uint32_t n;

	return number_of(p, prefix, &n) && stock_in_use(p->stock, n);
}
