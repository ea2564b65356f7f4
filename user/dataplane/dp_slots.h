/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots of pm_session: which prefix has which, and who owns it.
 *
 * A slot belongs to one prefix and to at most one session half of each kind. Slots
 * [1, pool_slots) are reserved for the /64s of announced pools (slot = base + index); the others
 * are handed out from a queue, the one freed last at its end. Each release raises the slot's
 * generation.
 *
 * Order of writes. Programs run on other CPUs all the time and load a slot's descriptor first,
 * then compare its owner:
 *
 *	claim	(descriptor invalid) owner, counters -> hash entry -> [caller: descriptor]
 *	release	descriptor invalid with the next generation -> hash entry
 *
 * So who sees a valid descriptor sees the owner that it belongs to, or a later one, and refuses.
 */
#pragma once

#include "base/addr.h"
#include "dataplane/dp_index.h"
#include "dataplane/dp_load.h"

struct dp_slot {
	uint64_t prefix; /* upper 64 bits, host order */
	dp_ref owner[2]; /* the session half of each enum dp_half; 0 none */
	uint16_t gen;
	uint8_t len; /* 0: the slot is free */
};

struct dp_pool {
	uint64_t prefix, mask; /* upper 64 bits, host order */
	uint32_t base, n;
};

struct dp_slots {
	const struct dp_maps *maps;
	struct dp_slot *slot; /* [maps->n_slots] */
	struct dp_fifo free;
	struct dp_index by_prefix; /* of slots that are not in a pool */
	struct dp_pool pool[PM_MAX_POOLS];
	unsigned n_pools;
	uint32_t pool_next; /* first slot that no pool has yet */
	uint32_t used;
};

int dp_slots_init(struct dp_slots *s, const struct dp_maps *maps);
void dp_slots_free(struct dp_slots *s);

/* 0; -EINVAL for an aggregate longer than /64, -ENOSPC when no slot or pool entry is left,
 * -EBUSY when a prefix of it has a slot elsewhere. The same aggregate again is fine. */
int dp_slots_pool(struct dp_slots *s, const struct prefix6 *aggregate, uint32_t n);

/* The slot of a prefix, 0 when it has none. */
uint32_t dp_slot_find(const struct dp_slots *s, const struct prefix6 *p);
/* Gives a prefix without a slot one that no half owns yet. -ENOSPC, -EINVAL (only prefixes of
 * 1 to 64 bits have slots), or -errno of the kernel's map. */
int dp_slot_claim(struct dp_slots *s, const struct prefix6 *p, uint32_t *out);
void dp_slot_release(struct dp_slots *s, uint32_t slot);
struct prefix6 dp_slot_prefix(const struct dp_slots *s, uint32_t slot);

/* Programs load each of these words once; so do not tear them. */
static inline void dp_store64(void *p, uint64_t v)
{
	__atomic_store_n((uint64_t *)p, v, __ATOMIC_RELEASE);
}

static inline uint64_t dp_load64(const void *p)
{
	return __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE);
}
