/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/pool4.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "core/stock.h"

#define NO_HOLE UINT32_MAX

/* Numbers of the stock are addresses that can be handed out, counted from the lowest one and
 * without the router. */
struct pool4 {
	struct prefix4 network;
	struct in_addr router;
	uint32_t first; /* the lowest address, host order; the router may be it */
	uint32_t hole;	/* from `first` to the router's address; NO_HOLE */
	struct stock *stock;
};

int pool4_new(struct pool4 **out, const struct prefix4 *network, struct in_addr router)
{
	const bool ends =
		network->len < 31; /* there is a network address and a broadcast address */
	const uint32_t base = ntohl(network->addr.s_addr) + (ends ? 1 : 0);
	uint32_t n, hole = NO_HOLE;
	struct pool4 *p;

	if (!network->len || network->len > 32 ||
	    network->addr.s_addr & ~prefix4_mask(network->len).s_addr)
		return -EINVAL;
	n = (1u << (32 - network->len)) - (ends ? 2 : 0);
	if (router.s_addr) {
		hole = ntohl(router.s_addr) - base;
		if (hole >= n)
			return -EINVAL;
		n--;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->network = *network;
	p->router = router;
	p->first = base;
	p->hole = hole;
	if (stock_new(&p->stock, n)) {
		free(p);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}

void pool4_free(struct pool4 **pp)
{
	struct pool4 *p = *pp;

	if (!p)
		return;
	stock_free(&p->stock);
	free(p);
	*pp = NULL;
}

const struct prefix4 *pool4_network(const struct pool4 *p)
{
	return &p->network;
}

struct in_addr pool4_router(const struct pool4 *p)
{
	return p->router;
}

uint64_t pool4_size(const struct pool4 *p)
{
	return stock_size(p->stock);
}

uint64_t pool4_used(const struct pool4 *p)
{
	return stock_used(p->stock);
}

static struct in_addr nth(const struct pool4 *p, uint32_t n)
{
	return (struct in_addr){htonl(p->first + n + (n >= p->hole ? 1 : 0))};
}

static bool number_of(const struct pool4 *p, struct in_addr addr, uint32_t *n)
{
	const uint32_t at = ntohl(addr.s_addr) - p->first; /* large for what lies below */

	if (!prefix4_has_addr(&p->network, addr) || at == p->hole)
		return false;
	*n = at - (at > p->hole ? 1 : 0);
	return *n < stock_size(p->stock);
}

int pool4_take(struct pool4 *p, struct in_addr *out)
{
	uint32_t n;
	int err = stock_take(p->stock, &n);

	if (!err)
		*out = nth(p, n);
	return err;
}

int pool4_take_this(struct pool4 *p, struct in_addr addr)
{
	uint32_t n;

	return number_of(p, addr, &n) ? stock_take_this(p->stock, n) : -ENOENT;
}

void pool4_release(struct pool4 *p, struct in_addr addr)
{
	uint32_t n;

	if (number_of(p, addr, &n))
		stock_release(p->stock, n);
}

bool pool4_owns(const struct pool4 *p, struct in_addr addr)
{
	uint32_t n;

	return number_of(p, addr, &n);
}

bool pool4_in_use(const struct pool4 *p, struct in_addr addr)
{
	uint32_t n;

	return number_of(p, addr, &n) && stock_in_use(p->stock, n);
}
