/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What pm_hints and pm_seen say: a bit for every entry of a hash, so that programs look up nothing
 * that is surely not there. Bits are shared; each knows how many need it.
 */
#pragma once

#include <netinet/in.h>

#include "dataplane/dp_load.h"

struct dp_hints {
	const struct dp_maps *maps;
	uint32_t *users; /* of each bit of pm_seen */
};

int dp_hints_init(struct dp_hints *h, const struct dp_maps *maps); /* 0 or -ENOMEM */
void dp_hints_free(struct dp_hints *h);

/* Before an entry for this owner word (host order) is added to pm_prefix6 or pm_addr4; after it is
 * gone. */
void dp_hints_add(struct dp_hints *h, uint64_t owner);
void dp_hints_del(struct dp_hints *h, uint64_t owner);

/* The same for pm_framed. */
void dp_hints_framed(struct dp_hints *h, int change);

/* Maps of an earlier run: all owners have been added. Clears bits that none of them needs;
 * `framed`: entries of pm_framed. */
void dp_hints_settle(struct dp_hints *h, uint32_t framed);

/* Our own addresses, IPv4-mapped or not: all of them at once. */
void dp_hints_local(const struct dp_maps *maps, const struct in6_addr *addr, unsigned n);
