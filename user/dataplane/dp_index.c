/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_index.h"

#include <errno.h>
#include <stdlib.h>

int dp_index_init(struct dp_index *x, uint32_t max,
		  uint64_t (*hash)(const void *ctx, uint32_t value), const void *ctx)
{
	uint64_t size = 16;

	while (size < (uint64_t)max * 2)
		size *= 2;
	x->tab = calloc(size, sizeof(*x->tab));
	if (!x->tab)
		return -ENOMEM;
	x->mask = (uint32_t)(size - 1);
	x->hash = hash;
	x->ctx = ctx;
	return 0;
}

void dp_index_free(struct dp_index *x)
{
	free(x->tab);
	x->tab = NULL;
}

void dp_index_add(struct dp_index *x, uint32_t value)
{
	uint32_t i = dp_index_first(x, x->hash(x->ctx, value));

	while (x->tab[i])
		i = dp_index_next(x, i);
	x->tab[i] = value;
}

void dp_index_del(struct dp_index *x, uint32_t value)
{
	uint32_t hole = dp_index_first(x, x->hash(x->ctx, value));

	while (x->tab[hole] != value) {
		if (!x->tab[hole])
			return;
		hole = dp_index_next(x, hole);
	}
	/* Pull later entries of the run into the hole, so that no search ends too early. */
	for (uint32_t i = dp_index_next(x, hole); x->tab[i]; i = dp_index_next(x, i)) {
		uint32_t home = dp_index_first(x, x->hash(x->ctx, x->tab[i]));

		if (((i - home) & x->mask) >= ((i - hole) & x->mask)) {
			x->tab[hole] = x->tab[i];
			hole = i;
		}
	}
	x->tab[hole] = 0;
}

int dp_fifo_init(struct dp_fifo *f, uint32_t first, uint32_t n)
{
	f->ring = calloc(n ? n : 1, sizeof(*f->ring));
	if (!f->ring)
		return -ENOMEM;
	f->cap = n;
	f->head = 0;
	f->n = n;
	for (uint32_t i = 0; i < n; i++)
		f->ring[i] = first + i;
	return 0;
}

void dp_fifo_free(struct dp_fifo *f)
{
	free(f->ring);
	f->ring = NULL;
}

uint32_t dp_fifo_take(struct dp_fifo *f)
{
	uint32_t value;

	if (!f->n)
		return 0;
	value = f->ring[f->head];
	f->head = f->head + 1 == f->cap ? 0 : f->head + 1;
	f->n--;
	return value;
}

void dp_fifo_give(struct dp_fifo *f, uint32_t value)
{
	uint32_t at = f->head + f->n;

	f->ring[at >= f->cap ? at - f->cap : at] = value;
	f->n++;
}
