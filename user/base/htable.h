/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash table whose entries carry their own link (intrusive) and in which no single operation is
 * long: it grows and shrinks by one bucket at a time (linear hashing), in segments, so that nothing
 * is ever rehashed or copied as a whole. Meant for whatever a remote party can fill: keys are
 * hashed with a secret, so that nobody can choose keys that all meet in one bucket.
 *
 * The table knows hashes, not keys: its user computes htable_hash() of a key and compares keys
 * among the entries that htable_find() and htable_next() return. The entries are the user's; the
 * table owns only its buckets. Entries of the same hash stay in the order in which they were added.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HTABLE_SEED_LEN 16

struct hnode {
	struct hnode *next;
	uint32_t hash;
};

/* The members are for htable.c. */
struct htable {
	struct hnode ***segment;
	uint32_t n_segments, cap; /* of `segment` */
	uint32_t n_buckets, mask; /* mask + 1 is the power of two above n_buckets */
	size_t n;
	uint64_t key[2];
};

/* `seed` is the secret; equal seeds make equal tables. 0, or -ENOMEM and *t is zero. */
int htable_init(struct htable *t, const uint8_t seed[HTABLE_SEED_LEN]);
/* Releases the buckets, whatever is in them; *t is zero then. A zero table may be cleared too. */
void htable_clear(struct htable *t);

size_t htable_count(const struct htable *t);
uint32_t htable_hash(const struct htable *t, const void *key, size_t len);

/* Buckets for n entries at once, while there are few: what comes then needs no growing. Memory may
 * end before. */
void htable_reserve(struct htable *t, size_t n);

/* Has what htable_find() will look at come into the caches meanwhile. */
void htable_prefetch(const struct htable *t, uint32_t hash);

/* Cannot fail: where there is no memory for a bucket the others get longer, until there is. The
 * entry must not be in a table, and stay where it is while it is in this one. */
void htable_add(struct htable *t, struct hnode *n, uint32_t hash);
/* Allocates nothing. The entry must be in this table. */
void htable_del(struct htable *t, struct hnode *n);

/* The first entry with that hash, and the next one with the hash of `n`; NULL when there is none.
 */
struct hnode *htable_find(const struct htable *t, uint32_t hash);
struct hnode *htable_next(const struct hnode *n);
