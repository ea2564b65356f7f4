/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/htable.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 16u
#define SEGMENT	      256u /* buckets */
#define MAX_BUCKETS   (UINT32_MAX / 2)

/* Beyond one entry per bucket buckets are added, below one in SPARSE they are taken away. */
#define SPARSE 4u
/* Two additions make up for what failed for want of memory; SPARSE take-aways keep pace with
 * deletions. */
#define GROW_STEPS   2u
#define SHRINK_STEPS SPARSE

_Static_assert(FIRST_BUCKETS <= SEGMENT, "the first segment holds the first buckets");

static int add_segment(struct htable *t)
{
	struct hnode **s;

	if (t->n_segments == t->cap) {
		const uint32_t cap = t->cap ? 2 * t->cap : 1;
		void *p = realloc(t->segment, cap * sizeof(*t->segment));

		if (!p)
			return -ENOMEM;
		t->segment = p;
		t->cap = cap;
	}
	s = calloc(SEGMENT, sizeof(*s));
	if (!s)
		return -ENOMEM;
	t->segment[t->n_segments++] = s;
	return 0;
}

int htable_init(struct htable *t, const uint8_t seed[HTABLE_SEED_LEN])
{
	memset(t, 0, sizeof(*t));
	if (add_segment(t)) {
		htable_clear(t);
		return -ENOMEM;
	}
	memcpy(t->key, seed, sizeof(t->key));
	t->n_buckets = FIRST_BUCKETS;
	t->mask = 2 * FIRST_BUCKETS - 1;
	return 0;
}

void htable_clear(struct htable *t)
{
	for (uint32_t i = 0; i < t->n_segments; i++)
		free(t->segment[i]);
	free(t->segment);
	memset(t, 0, sizeof(*t));
}

size_t htable_count(const struct htable *t)
{
	return t->n;
}

/* ---- SipHash-1-3 */

static uint64_t rotl(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

uint32_t htable_hash(const struct htable *t, const void *key, size_t len)
{
	uint64_t v[4] = {t->key[0] ^ 0x736f6d6570736575ull, t->key[1] ^ 0x646f72616e646f6dull,
			 t->key[0] ^ 0x6c7967656e657261ull, t->key[1] ^ 0x7465646279746573ull};
	const uint8_t *p = key;
	uint64_t m;
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&m, p + i, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = 0;
	if (i < len)
		memcpy(&m, p + i, len - i);
	m |= (uint64_t)len << 56;
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

/* ---- buckets */

static struct hnode **bucket(const struct htable *t, uint32_t i)
{
	return &t->segment[i / SEGMENT][i % SEGMENT];
}

/* A hash that falls behind the last bucket uses one bit less. */
static struct hnode **home(const struct htable *t, uint32_t hash)
{
	const uint32_t i = hash & t->mask;

	return bucket(t, i < t->n_buckets ? i : hash & t->mask >> 1);
}

/* Adds a bucket at the end: it takes its half of the entries of the one it was split from. */
static bool split(struct htable *t)
{
	const uint32_t at = t->n_buckets;
	struct hnode *n, **keep, **out;

	if (at == MAX_BUCKETS || (at == t->n_segments * SEGMENT && add_segment(t)))
		return false;
	keep = bucket(t, at & t->mask >> 1);
	out = bucket(t, at);
	t->n_buckets++;
	while ((n = *keep)) {
		if ((n->hash & t->mask) == at) {
			*keep = n->next;
			*out = n;
			out = &n->next;
		} else {
			keep = &n->next;
		}
	}
	*out = NULL;
	if (t->n_buckets == t->mask + 1)
		t->mask = 2 * t->mask + 1;
	return true;
}

/* Takes the last bucket away: the reverse of split(). */
static void merge(struct htable *t)
{
	const uint32_t at = --t->n_buckets;
	struct hnode **from = bucket(t, at), **to;

	if (at == t->mask >> 1)
		t->mask >>= 1;
	to = bucket(t, at & t->mask >> 1);
	while (*to)
		to = &(*to)->next;
	*to = *from;
	*from = NULL;
	if (at % SEGMENT == 0)
		free(t->segment[--t->n_segments]);
}

void htable_reserve(struct htable *t, size_t n)
{
	while (t->n_buckets < n && split(t))
		;
}

void htable_prefetch(const struct htable *t, uint32_t hash)
{
	__builtin_prefetch(home(t, hash));
}

void htable_add(struct htable *t, struct hnode *n, uint32_t hash)
{
	struct hnode **p;

	t->n++;
	for (unsigned i = 0; i < GROW_STEPS && t->n > t->n_buckets; i++)
		if (!split(t))
			break;
	p = home(t, hash);
	while (*p)
		p = &(*p)->next;
	n->hash = hash;
	n->next = NULL;
	*p = n;
}

void htable_del(struct htable *t, struct hnode *n)
{
	struct hnode **p = home(t, n->hash);

	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
	n->next = NULL;
	t->n--;
	for (unsigned i = 0;
	     i < SHRINK_STEPS && t->n_buckets > FIRST_BUCKETS && t->n < t->n_buckets / SPARSE; i++)
		merge(t);
}

struct hnode *htable_find(const struct htable *t, uint32_t hash)
{
	struct hnode *n = *home(t, hash);

	while (n && n->hash != hash)
		n = n->next;
	return n;
}

struct hnode *htable_next(const struct hnode *n)
{
	struct hnode *next = n->next;

	while (next && next->hash != n->hash)
		next = next->next;
	return next;
}
