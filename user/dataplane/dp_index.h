/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two small containers of nonzero u32 numbers (slots, tunnels, references) whose memory is
 * fixed at birth, so that using them cannot fail later:
 *
 *	dp_index  finds a number by a key that its owner keeps; open addressing
 *	dp_fifo   free numbers; the one freed last is handed out last
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct dp_index {
	uint32_t *tab; /* 0: empty */
	uint32_t mask;
	uint64_t (*hash)(const void *ctx, uint32_t value); /* of the key that `value` stands for */
	const void *ctx;
};

/* Room for `max` numbers. 0 or -ENOMEM. */
int dp_index_init(struct dp_index *x, uint32_t max,
		  uint64_t (*hash)(const void *ctx, uint32_t value), const void *ctx);
void dp_index_free(struct dp_index *x);
void dp_index_add(struct dp_index *x, uint32_t value); /* not present before */
void dp_index_del(struct dp_index *x, uint32_t value); /* no-op when absent */

/* Walks the candidates for a hash; the caller compares keys:
 *	for (i = dp_index_first(x, h); (v = x->tab[i]); i = dp_index_next(x, i)) */
static inline uint32_t dp_index_first(const struct dp_index *x, uint64_t hash)
{
	return (uint32_t)(hash ^ hash >> 32) & x->mask;
}

static inline uint32_t dp_index_next(const struct dp_index *x, uint32_t i)
{
	return (i + 1) & x->mask;
}

/* Fair enough for addresses, which differ in few bits (the finaliser of MurmurHash3). */
static inline uint64_t dp_hash64(uint64_t h)
{
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdull;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ull;
	return h ^ h >> 33;
}

struct dp_fifo {
	uint32_t *ring;
	uint32_t cap, head, n;
};

/* Holds [first, first + n) at birth. 0 or -ENOMEM. */
int dp_fifo_init(struct dp_fifo *f, uint32_t first, uint32_t n);
void dp_fifo_free(struct dp_fifo *f);
uint32_t dp_fifo_take(struct dp_fifo *f); /* 0 when empty */
void dp_fifo_give(struct dp_fifo *f, uint32_t value);
