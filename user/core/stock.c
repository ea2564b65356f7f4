/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/stock.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define CHUNK 1024u /* numbers */
#define BLOCK 1024u /* chunks */

enum entry_state { ENTRY_FRESH, ENTRY_USED, ENTRY_RELEASED };

/*
 * One entry per number, in chunks, and those in blocks, which are allocated at the first touch: no
 * request makes the stock allocate or look at much at once. Released ones are a doubly linked
 * queue, so that a particular one can leave its middle. Links are the neighbour's number + 1, 0 for
 * none.
 */
struct stock_chunk {
	uint32_t next[CHUNK], prev[CHUNK];
	uint8_t state[CHUNK]; /* enum entry_state */
	uint32_t n_touched;   /* not fresh any more */
};

struct stock_block {
	struct stock_chunk *chunk[BLOCK];
};

struct stock {
	uint32_t size;
	uint32_t used;
	uint32_t bump;		 /* everything below was handed out at some time */
	uint32_t oldest, newest; /* ends of the queue of released ones */
	uint32_t n_blocks;
	struct stock_block *block[]; /* NULL where nothing was handed out yet */
};

int stock_new(struct stock **out, uint32_t size)
{
	const uint32_t blocks = (uint32_t)(((uint64_t)size + CHUNK * BLOCK - 1) / (CHUNK * BLOCK));
	struct stock *s = calloc(1, sizeof(*s) + blocks * sizeof(*s->block));

	if (!s)
		return -ENOMEM;
	s->size = size;
	s->n_blocks = blocks;
	*out = s;
	return 0;
}

void stock_free(struct stock **p)
{
	struct stock *s = *p;

	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_blocks; i++) {
		for (unsigned k = 0; s->block[i] && k < BLOCK; k++)
			free(s->block[i]->chunk[k]);
		free(s->block[i]);
	}
	free(s);
	*p = NULL;
}

uint32_t stock_size(const struct stock *s)
{
	return s->size;
}

uint32_t stock_used(const struct stock *s)
{
	return s->used;
}

static struct stock_chunk *chunk_of(const struct stock *s, uint32_t n)
{
	const struct stock_block *b = s->block[n / (CHUNK * BLOCK)];

	return b ? b->chunk[n / CHUNK % BLOCK] : NULL;
}

static enum entry_state state_of(const struct stock *s, uint32_t n)
{
	const struct stock_chunk *c = chunk_of(s, n);

	return c ? (enum entry_state)c->state[n % CHUNK] : ENTRY_FRESH;
}

/* Makes sure that the entry of number n exists. */
static int touch(struct stock *s, uint32_t n)
{
	struct stock_block **b = &s->block[n / (CHUNK * BLOCK)];
	struct stock_chunk **c;

	if (!*b)
		*b = calloc(1, sizeof(**b));
	if (!*b)
		return -ENOMEM;
	c = &(*b)->chunk[n / CHUNK % BLOCK];
	if (!*c)
		*c = calloc(1, sizeof(**c));
	return *c ? 0 : -ENOMEM;
}

static void unlink_released(struct stock *s, uint32_t n)
{
	struct stock_chunk *c = chunk_of(s, n);
	const uint32_t next = c->next[n % CHUNK], prev = c->prev[n % CHUNK];

	if (prev)
		chunk_of(s, prev - 1)->next[(prev - 1) % CHUNK] = next;
	else
		s->oldest = next;
	if (next)
		chunk_of(s, next - 1)->prev[(next - 1) % CHUNK] = prev;
	else
		s->newest = prev;
}

static int take(struct stock *s, uint32_t n)
{
	struct stock_chunk *c;

	if (touch(s, n))
		return -ENOMEM;
	c = chunk_of(s, n);
	if (c->state[n % CHUNK] == ENTRY_RELEASED)
		unlink_released(s, n);
	else
		c->n_touched++;
	c->state[n % CHUNK] = ENTRY_USED;
	s->used++;
	return 0;
}

/* Steps over what was asked for by name, by whole chunks where it can: that may be everything, in
 * the first call of a stock's life. */
static void find_fresh(struct stock *s)
{
	while (s->bump < s->size && state_of(s, s->bump) != ENTRY_FRESH)
		s->bump += s->bump % CHUNK || chunk_of(s, s->bump)->n_touched < CHUNK ? 1 : CHUNK;
}

int stock_take(struct stock *s, uint32_t *out)
{
	uint32_t n;
	int err;

	find_fresh(s);
	if (s->bump < s->size)
		n = s->bump;
	else if (s->oldest)
		n = s->oldest - 1;
	else
		return -ENOSPC;
	err = take(s, n);
	if (!err)
		*out = n;
	return err;
}

int stock_take_this(struct stock *s, uint32_t n)
{
	if (n >= s->size)
		return -ENOENT;
	if (state_of(s, n) == ENTRY_USED)
		return -EEXIST;
	return take(s, n);
}

void stock_release(struct stock *s, uint32_t n)
{
	struct stock_chunk *c;

	if (!stock_in_use(s, n))
		return;
	c = chunk_of(s, n);
	c->state[n % CHUNK] = ENTRY_RELEASED;
	c->next[n % CHUNK] = 0;
	c->prev[n % CHUNK] = s->newest;
	if (s->newest)
		chunk_of(s, s->newest - 1)->next[(s->newest - 1) % CHUNK] = n + 1;
	else
		s->oldest = n + 1;
	s->newest = n + 1;
	s->used--;
}

bool stock_in_use(const struct stock *s, uint32_t n)
{
	return n < s->size && state_of(s, n) == ENTRY_USED;
}
