/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots of pm_session: what each belongs to, and which session halves hold it.
 *
 * A slot belongs to one home address (a prefix, or an IPv4 address of a domain) or to a GRE key of
 * ours, and to at most one session half of each kind. Slots [1, pool_slots) are reserved for the
 * members of announced pools (slot = base + index); the others are handed out from a queue, the
 * one freed last at its end. Each release raises the slot's generation.
 *
 * A GRE key is the number of the slot that it leads to, and an address's slot may serve as a key
 * besides. Where the address goes and the key must stay, the slot becomes one of the key alone.
 *
 * Order of writes. Programs run on other CPUs all the time and load a slot's descriptor first,
 * then compare its owner:
 *
 *	claim	(descriptor invalid) owner, keys, counters -> hash entry -> [caller: descriptor]
 *	release	descriptor invalid with the next generation -> hash entry
 *
 * So who sees a valid descriptor sees the owner that it belongs to, or a later one, and refuses.
 */
#pragma once

#include "base/addr.h"
#include "dataplane/dp_index.h"
#include "dataplane/dp_hints.h"
#include "dataplane/dp_load.h"

/* What a slot belongs to: see pmip/abi.h. */
struct dp_owner {
	uint64_t word; /* owner word, host order */
	uint8_t len;   /* of a prefix; 64 for the others */
};

struct dp_slot {
	struct dp_owner of; /* len 0: the slot is free */
	dp_ref owner[2];    /* the session half of each enum dp_half; 0 none */
	uint16_t gen;
	uint16_t buffer; /* index into pm_buffer; 0 none */
};

struct dp_pool {
	uint64_t prefix, mask; /* of owner words, host order */
	uint32_t base, n;
};

struct dp_slots {
	const struct dp_maps *maps;
	struct dp_slot *slot; /* [maps->n_slots] */
	struct dp_fifo free;
	struct dp_index by_owner; /* of addresses that are in no pool */
	struct dp_hints hints;
	struct dp_pool pool[PM_MAX_POOLS];
	unsigned n_pools;
	uint32_t pool_next; /* first slot that no pool has yet */
	uint32_t used;
	uint8_t *framed; /* while adopting: lengths of other prefixes than /64, by slot */
};

int dp_slots_init(struct dp_slots *s, const struct dp_maps *maps);
void dp_slots_free(struct dp_slots *s);

/* ---- owners */

/* -EINVAL for what cannot have a slot: prefixes longer than /64, of length 0, and those in ::/8,
 * where the other kinds of owners are. */
int dp_owner_prefix(const struct prefix6 *p, struct dp_owner *out);
struct dp_owner dp_owner_addr4(uint16_t domain, struct in_addr addr);

bool dp_owner_is_addr4(const struct dp_owner *o);
bool dp_owner_is_key(const struct dp_owner *o);
bool dp_owner_is_prefix(const struct dp_owner *o);
struct prefix6 dp_owner_to_prefix(const struct dp_owner *o);
struct in_addr dp_owner_to_addr4(const struct dp_owner *o);

/* ---- pools */

/* 0; -EINVAL for an aggregate longer than its members or in ::/8, -ENOSPC when no slot or pool
 * entry is left, -EBUSY when a member of it has a slot elsewhere. The same again is fine. */
int dp_slots_pool(struct dp_slots *s, const struct prefix6 *aggregate, uint32_t n);
int dp_slots_pool4(struct dp_slots *s, uint16_t domain, struct in_addr aggregate, uint8_t len,
		   uint32_t n);

/* ---- slots */

/* The slot that belongs to an address, 0 when it has none. */
uint32_t dp_slot_find(const struct dp_slots *s, const struct dp_owner *o);
/* The slot of a pool that an address carries in its bits, whoever has it; 0: not of a pool. */
uint32_t dp_slot_of_pool(const struct dp_slots *s, const struct dp_owner *o);
/* Gives an address without a slot one that no half holds yet. -ENOSPC, -EBUSY when its slot still
 * serves as a key, or -errno of the kernel's map. */
int dp_slot_claim(struct dp_slots *s, const struct dp_owner *o, uint32_t *out);
/* A slot for a key alone: its number is the key. -ENOSPC. */
int dp_slot_claim_key(struct dp_slots *s, uint32_t *out);
void dp_slot_release(struct dp_slots *s, uint32_t slot);

/* The slot stays what it is for packets with its key; it no longer belongs to its address. */
void dp_slot_to_key(struct dp_slots *s, uint32_t slot);
/* The reverse, for a slot of a pool: it belongs to its member again. */
void dp_slot_to_member(struct dp_slots *s, uint32_t slot, const struct dp_owner *o);

/* ---- after an earlier run: begin, one call for each slot of each half, end */

int dp_slots_adopt_begin(struct dp_slots *s); /* 0 or -ENOMEM */
/* What a slot belongs to as the map has it; false when that cannot be. */
bool dp_slots_read(const struct dp_slots *s, uint32_t slot, struct dp_owner *out);
void dp_slots_adopt(struct dp_slots *s, uint32_t slot, unsigned half, dp_ref ref);
/* What no half has is free, and every way leads to the slots that halves have, and nowhere else. */
int dp_slots_adopt_end(struct dp_slots *s); /* 0, or -errno */

/* Programs load each of these words once; so do not tear them. */
static inline void dp_store64(void *p, uint64_t v)
{
	__atomic_store_n((uint64_t *)p, v, __ATOMIC_RELEASE);
}

static inline uint64_t dp_load64(const void *p)
{
	return __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE);
}
