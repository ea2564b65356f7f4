/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 1024u /* prefixes */
#define BLOCK 1024u /* chunks */

enum entry_state { ENTRY_FRESH, ENTRY_USED, ENTRY_RELEASED };

/*
 * One entry per /64, in chunks, and those in blocks, which are allocated at the first touch: no
 * request makes the pool allocate or look at much at once. Released ones are a doubly
 * linked queue, so that a particular one can leave its middle. Links are the neighbour's number
 * + 1, 0 for none.
 */
struct pool_chunk {
	uint32_t next[CHUNK], prev[CHUNK];
	uint8_t state[CHUNK]; /* enum entry_state */
	uint32_t n_touched;   /* not fresh any more */
};

struct pool_block {
	struct pool_chunk *chunk[BLOCK];
};

struct pool {
	struct prefix6 aggregate;
	uint64_t size;
	uint64_t used;
	uint64_t bump;		 /* everything below was handed out at some time */
	uint32_t oldest, newest; /* ends of the queue of released ones */
	size_t n_blocks;
	struct pool_block *block[]; /* NULL where nothing was handed out yet */
};

int pool_new(struct pool **out, const struct prefix6 *aggregate)
{
	struct prefix6 masked = *aggregate;
	struct pool *p;
	uint64_t size;
	size_t blocks;

	if (aggregate->len == 0 || aggregate->len > 64)
		return -EINVAL;
	prefix6_mask(&masked);
	if (!prefix6_eq(&masked, aggregate))
		return -EINVAL;
	size = 64 - masked.len >= 32 ? POOL_SIZE_MAX : 1ull << (64 - masked.len);
	blocks = (size + CHUNK * BLOCK - 1) / (CHUNK * BLOCK);
	p = calloc(1, sizeof(*p) + blocks * sizeof(*p->block));
	if (!p)
		return -ENOMEM;
	p->aggregate = masked;
	p->size = size;
	p->n_blocks = blocks;
	*out = p;
	return 0;
}

void pool_free(struct pool **pp)
{
	struct pool *p = *pp;

	if (!p)
		return;
	for (size_t i = 0; i < p->n_blocks; i++) {
		for (unsigned k = 0; p->block[i] && k < BLOCK; k++)
			free(p->block[i]->chunk[k]);
		free(p->block[i]);
	}
	free(p);
	*pp = NULL;
}

const struct prefix6 *pool_aggregate(const struct pool *p)
{
	return &p->aggregate;
}

uint64_t pool_size(const struct pool *p)
{
	return p->size;
}

uint64_t pool_used(const struct pool *p)
{
	return p->used;
}

static uint64_t upper64(const struct in6_addr *a)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | a->s6_addr[i];
	return v;
}

static struct prefix6 nth(const struct pool *p, uint64_t n)
{
	uint64_t v = upper64(&p->aggregate.addr) | n;
	struct prefix6 out = {.len = 64};

	for (unsigned i = 8; i-- > 0; v >>= 8)
		out.addr.s6_addr[i] = (uint8_t)v;
	return out;
}

static bool number_of(const struct pool *p, const struct prefix6 *prefix, uint64_t *n)
{
	if (prefix->len != 64 || !prefix6_contains(&p->aggregate, prefix))
		return false;
	*n = upper64(&prefix->addr) ^ upper64(&p->aggregate.addr);
	return *n < p->size;
}

static struct pool_chunk *chunk_of(const struct pool *p, uint64_t n)
{
	const struct pool_block *b = p->block[n / (CHUNK * BLOCK)];

	return b ? b->chunk[n / CHUNK % BLOCK] : NULL;
}

static enum entry_state state_of(const struct pool *p, uint64_t n)
{
	const struct pool_chunk *c = chunk_of(p, n);

	return c ? (enum entry_state)c->state[n % CHUNK] : ENTRY_FRESH;
}

/* Makes sure that the entry of number n exists. */
static int touch(struct pool *p, uint64_t n)
{
	struct pool_block **b = &p->block[n / (CHUNK * BLOCK)];
	struct pool_chunk **c;

	if (!*b)
		*b = calloc(1, sizeof(**b));
	if (!*b)
		return -ENOMEM;
	c = &(*b)->chunk[n / CHUNK % BLOCK];
	if (!*c)
		*c = calloc(1, sizeof(**c));
	return *c ? 0 : -ENOMEM;
}

static void unlink_released(struct pool *p, uint32_t n)
{
	struct pool_chunk *c = chunk_of(p, n);
	const uint32_t next = c->next[n % CHUNK], prev = c->prev[n % CHUNK];

	if (prev)
		chunk_of(p, prev - 1)->next[(prev - 1) % CHUNK] = next;
	else
		p->oldest = next;
	if (next)
		chunk_of(p, next - 1)->prev[(next - 1) % CHUNK] = prev;
	else
		p->newest = prev;
}

static int take(struct pool *p, uint64_t n)
{
	struct pool_chunk *c;

	if (touch(p, n))
		return -ENOMEM;
	c = chunk_of(p, n);
	if (c->state[n % CHUNK] == ENTRY_RELEASED)
		unlink_released(p, (uint32_t)n);
	else
		c->n_touched++;
	c->state[n % CHUNK] = ENTRY_USED;
	p->used++;
	return 0;
}

/* Steps over what was asked for by name, by whole chunks where it can: that may be everything, in
 * the first call of a pool's life. */
static void find_fresh(struct pool *p)
{
	while (p->bump < p->size && state_of(p, p->bump) != ENTRY_FRESH)
		p->bump += p->bump % CHUNK || chunk_of(p, p->bump)->n_touched < CHUNK ? 1 : CHUNK;
}

int pool_take(struct pool *p, struct prefix6 *out)
{
	uint64_t n;
	int err;

	find_fresh(p);
	if (p->bump < p->size)
		n = p->bump;
	else if (p->oldest)
		n = p->oldest - 1;
	else
		return -ENOSPC;
	err = take(p, n);
	if (!err)
		*out = nth(p, n);
	return err;
}

int pool_take_this(struct pool *p, const struct prefix6 *prefix)
{
	uint64_t n;

	if (!number_of(p, prefix, &n))
		return -ENOENT;
	if (state_of(p, n) == ENTRY_USED)
		return -EEXIST;
	return take(p, n);
}

void pool_release(struct pool *p, const struct prefix6 *prefix)
{
	struct pool_chunk *c;
	uint64_t n;

	if (!number_of(p, prefix, &n) || state_of(p, n) != ENTRY_USED)
		return;
	c = chunk_of(p, n);
	c->state[n % CHUNK] = ENTRY_RELEASED;
	c->next[n % CHUNK] = 0;
	c->prev[n % CHUNK] = p->newest;
	if (p->newest)
		chunk_of(p, p->newest - 1)->next[(p->newest - 1) % CHUNK] = (uint32_t)n + 1;
	else
		p->oldest = (uint32_t)n + 1;
	p->newest = (uint32_t)n + 1;
	p->used--;
}

bool pool_owns(const struct pool *p, const struct prefix6 *prefix)
{
	uint64_t n;

	return number_of(p, prefix, &n);
}

bool pool_in_use(const struct pool *p, const struct prefix6 *prefix)
{
	uint64_t n;

	return number_of(p, prefix, &n) && state_of(p, n) == ENTRY_USED;
}
