/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stock of numbers from 0 on: what core/pool.h and core/pool4.h hand out, whatever the numbers
 * stand for. Private to the two.
 *
 * Numbers are handed out densely from 0; one that was released is the last to be handed out again.
 * Every call is O(1), but for steps over what was asked for by name, by thousands. Memory follows
 * what was ever handed out, not the size.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define STOCK_SIZE_MAX UINT32_MAX

struct stock;

int stock_new(struct stock **out, uint32_t size); /* 0 or -ENOMEM */
void stock_free(struct stock **s);

uint32_t stock_size(const struct stock *s);
uint32_t stock_used(const struct stock *s);

/* The lowest number never handed out, else the one released longest ago. -ENOSPC when all are in
 * use, -ENOMEM. */
int stock_take(struct stock *s, uint32_t *out);
/* This very number. -ENOENT when it is not below the size, -EEXIST when in use, -ENOMEM. */
int stock_take_this(struct stock *s, uint32_t n);
/* One that is not in use is left alone. Cannot fail. */
void stock_release(struct stock *s, uint32_t n);
bool stock_in_use(const struct stock *s, uint32_t n);
