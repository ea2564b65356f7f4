/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_hints.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int dp_hints_init(struct dp_hints *h, const struct dp_maps *maps)
{
	h->maps = maps;
	h->users = calloc((size_t)maps->n_seen * 64, sizeof(*h->users));
	return h->users ? 0 : -ENOMEM;
}

void dp_hints_free(struct dp_hints *h)
{
	free(h->users);
	h->users = NULL;
}

static uint32_t bit_of(const struct dp_hints *h, uint64_t owner)
{
	return PM_BIT(htobe64(owner)) & (h->maps->n_seen * 64 - 1);
}

void dp_hints_add(struct dp_hints *h, uint64_t owner)
{
	uint32_t bit = bit_of(h, owner);

	if (h->users[bit]++ == 0)
		__atomic_fetch_or(&h->maps->seen[bit / 64], 1ull << bit % 64, __ATOMIC_RELEASE);
}

void dp_hints_del(struct dp_hints *h, uint64_t owner)
{
	uint32_t bit = bit_of(h, owner);

	if (--h->users[bit] == 0)
		__atomic_fetch_and(&h->maps->seen[bit / 64], ~(1ull << bit % 64), __ATOMIC_RELEASE);
}

void dp_hints_framed(struct dp_hints *h, int change)
{
	__atomic_fetch_add(&h->maps->hints->framed, (uint32_t)change, __ATOMIC_RELEASE);
}

void dp_hints_settle(struct dp_hints *h, uint32_t framed)
{
	for (uint32_t i = 0; i < h->maps->n_seen; i++) {
		uint64_t needed = 0;

		for (unsigned bit = 0; bit < 64; bit++) {
			if (h->users[i * 64 + bit])
				needed |= 1ull << bit;
		}
		__atomic_store_n(&h->maps->seen[i], needed, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&h->maps->hints->framed, framed, __ATOMIC_RELEASE);
}

void dp_hints_local(const struct dp_maps *maps, const struct in6_addr *addr, unsigned n)
{
	uint64_t local[PM_LOCAL_WORDS] = {0};

	for (unsigned i = 0; i < n; i++) {
		const uint32_t *w = addr[i].s6_addr32;
		uint32_t bit = IN6_IS_ADDR_V4MAPPED(&addr[i]) ? PM_BIT(PM_LOCAL_WORD4(w + 3))
							      : PM_BIT(PM_LOCAL_WORD6(w));

		local[bit / 64 % PM_LOCAL_WORDS] |= 1ull << bit % 64;
	}
	for (unsigned i = 0; i < PM_LOCAL_WORDS; i++)
		__atomic_store_n(&maps->hints->local[i], local[i], __ATOMIC_RELEASE);
}
