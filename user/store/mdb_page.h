/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A page of LMDB 0.9's tree, held against its own rules; for mdb_file.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PAGE_HEAD  16
#define P_BRANCH   0x01
#define P_LEAF	   0x02
#define P_OVERFLOW 0x04
#define P_META	   0x08
#define F_BIGDATA  0x01

struct bound {
	const uint8_t *key; /* NULL: none */
	size_t len;
};

struct node {
	const uint8_t *key, *data;
	size_t key_len, len;
	uint64_t child; /* on branch pages */
	uint16_t flags;
};

/* The file is an image of memory: numbers have the machine's order and width. */
static inline uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

bool page_head_ok(const uint8_t *page, size_t page_size, uint16_t kind);
/* Of a page whose head is: */
unsigned page_nodes(const uint8_t *page);
bool page_node(const uint8_t *page, size_t page_size, uint16_t kind, unsigned i, struct node *out);
/* All nodes inside the page, in order and between the parent's separators: lo <= key < hi. */
bool page_keys_ok(const uint8_t *page, size_t page_size, uint16_t kind, const struct bound *lo,
		  const struct bound *hi);
/* As memcmp(3), the shorter one first. */
int bound_cmp(const struct bound *a, const struct bound *b);
