/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cu.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/htable.h"
#include "base/util.h"
#include "lib/oom.h"

/* ---- items of a table */

static const uint8_t seed[HTABLE_SEED_LEN] = "sixteen octets!";

struct item {
	struct hnode node;
	uint32_t key;
	unsigned order; /* of adding */
	bool in;
};

static void init(struct htable *t)
{
	CU_ASSERT_EQUAL_FATAL(htable_init(t, seed), 0);
}

static uint32_t hash_of(const struct htable *t, uint32_t key)
{
	return htable_hash(t, &key, sizeof(key));
}

static void add(struct htable *t, struct item *i)
{
	htable_add(t, &i->node, hash_of(t, i->key));
	i->in = true;
}

static void del(struct htable *t, struct item *i)
{
	htable_del(t, &i->node);
	i->in = false;
}

static struct item *find(const struct htable *t, uint32_t key)
{
	for (struct hnode *n = htable_find(t, hash_of(t, key)); n; n = htable_next(n)) {
		struct item *i = container_of(n, struct item, node);

		if (i->key == key)
			return i;
	}
	return NULL;
}

/* The entries with that key come in the order of adding, and `n` of them. */
static bool key_is_right(const struct htable *t, uint32_t key, unsigned n)
{
	unsigned seen = 0, order = 0;

	for (struct hnode *h = htable_find(t, hash_of(t, key)); h; h = htable_next(h)) {
		const struct item *i = container_of(h, struct item, node);

		if (i->key != key)
			continue;
		if (!i->in || (seen && i->order <= order))
			return false;
		order = i->order;
		seen++;
	}
	return seen == n;
}

static size_t longest(const struct htable *t)
{
	size_t most = 0;

	for (uint32_t b = 0; b < t->n_buckets; b++) {
		size_t len = 0;

		for (const struct hnode *n = t->segment[b / 256][b % 256]; n; n = n->next)
			len++;
		if (len > most)
			most = len;
	}
	return most;
}

/* ---- tests */

static void test_against_model(void)
{
	enum { ITEMS = 4000, KEYS = 1000, OPS = 200000 };
	struct item *item = calloc(ITEMS, sizeof(*item));
	static unsigned per_key[KEYS];
	unsigned order = 0;
	size_t n = 0;
	struct htable t;

	init(&t);
	srandom(7);
	for (unsigned op = 0; op < OPS; op++) {
		struct item *i = &item[random() % ITEMS];
		/* the table fills and empties in turn */
		const bool filling = op / 20000 % 2 == 0;
		const bool want = random() % 10 < (filling ? 9 : 1);

		if (want && !i->in) {
			i->key = (uint32_t)(random() % KEYS);
			i->order = ++order;
			add(&t, i);
			per_key[i->key]++;
			n++;
		} else if (!want && i->in) {
			del(&t, i);
			per_key[i->key]--;
			n--;
		}
		CU_ASSERT_EQUAL_FATAL(htable_count(&t), n);
		CU_ASSERT_FATAL(key_is_right(&t, i->key, per_key[i->key]));
		if (op % 10000 == 0)
			for (uint32_t k = 0; k < KEYS; k++)
				CU_ASSERT_FATAL(key_is_right(&t, k, per_key[k]));
	}
	htable_clear(&t);
	free(item);
}

static void test_growth(void)
{
	enum { N = 200000 };
	struct item *item = calloc(N, sizeof(*item));
	uint32_t buckets;
	struct htable t;

	init(&t);
	for (uint32_t i = 0; i < N; i++) {
		buckets = t.n_buckets;
		item[i].key = i;
		add(&t, &item[i]);
		/* one bucket for one entry: never a rehash */
		CU_ASSERT_FATAL(t.n_buckets - buckets <= 1);
		CU_ASSERT_FATAL(t.n_buckets >= t.n);
	}
	CU_ASSERT(longest(&t) < 20);
	for (uint32_t i = 0; i < N; i++)
		CU_ASSERT_PTR_EQUAL_FATAL(find(&t, i), &item[i]);
	CU_ASSERT_PTR_NULL(find(&t, N));
	for (uint32_t i = 0; i < N; i++) {
		buckets = t.n_buckets;
		oom.calls = 0;
		del(&t, &item[i]);
		CU_ASSERT_EQUAL_FATAL(oom.calls, 0);
		CU_ASSERT_FATAL(buckets - t.n_buckets <= 4);
		/* buckets go with their entries */
		CU_ASSERT_FATAL(t.n_buckets <= 4 * t.n + 16);
		if (i % 1000 == 0)
			for (uint32_t k = i + 1; k < N; k += 997)
				CU_ASSERT_PTR_EQUAL_FATAL(find(&t, k), &item[k]);
	}
	CU_ASSERT_EQUAL(t.n_buckets, 16);
	CU_ASSERT_EQUAL(t.n_segments, 1);
	CU_ASSERT_EQUAL(htable_count(&t), 0);
	htable_clear(&t);
	free(item);
}

static void test_no_memory(void)
{
	enum { N = 20000 };
	struct item *item = calloc(2 * N, sizeof(*item));
	struct htable t;
	uint32_t stuck;

	for (oom.left = 1; oom.left <= 2; oom.left++) {
		const unsigned at = oom.left;

		CU_ASSERT_EQUAL(htable_init(&t, seed), -ENOMEM);
		CU_ASSERT_PTR_NULL(t.segment);
		htable_clear(&t); /* is allowed, does nothing */
		oom.now = false;
		oom.left = at;
	}
	oom.left = 0;
	init(&t);
	for (uint32_t i = 0; i < N; i++) {
		if (i == 1000)
			oom.now = true;
		item[i].key = i;
		add(&t, &item[i]);
	}
	stuck = t.n_buckets;
	CU_ASSERT_EQUAL(htable_count(&t), N);
	CU_ASSERT(stuck < 2048);
	for (uint32_t i = 0; i < N; i++)
		CU_ASSERT_PTR_EQUAL_FATAL(find(&t, i), &item[i]);
	for (uint32_t i = 0; i < N; i += 2)
		del(&t, &item[i]); /* works without memory */
	CU_ASSERT_PTR_NULL(find(&t, 0));
	CU_ASSERT_PTR_EQUAL(find(&t, 1), &item[1]);
	oom.now = false; /* memory is back: what was missed is made up for */
	for (uint32_t i = N; i < 2 * N; i++) {
		item[i].key = i;
		add(&t, &item[i]);
	}
	CU_ASSERT(t.n_buckets >= t.n);
	for (uint32_t i = 0; i < 2 * N; i++)
		CU_ASSERT_PTR_EQUAL_FATAL(find(&t, i), item[i].in ? &item[i] : NULL);
	htable_clear(&t);
	free(item);
}

/* Memory that comes and goes, at every point of a table's life. */
static void test_flaky_memory(void)
{
	enum { N = 3000 };
	struct item *item = calloc(N, sizeof(*item));
	struct htable t;

	init(&t);
	srandom(11);
	for (unsigned op = 0; op < 100000; op++) {
		struct item *i = &item[random() % N];

		oom.now = random() % 3 == 0;
		i->key = (uint32_t)(i - item);
		if (i->in)
			del(&t, i);
		else if (op / 10000 % 2 == 0)
			add(&t, i);
	}
	oom.now = false;
	for (uint32_t i = 0; i < N; i++)
		CU_ASSERT_PTR_EQUAL_FATAL(find(&t, i), item[i].in ? &item[i] : NULL);
	htable_clear(&t);
	free(item);
}

static void test_reserve(void)
{
	static struct item items[3000];
	struct htable t;

	init(&t);
	for (uint32_t k = 0; k < 100; k++) {
		items[k].key = k;
		add(&t, &items[k]);
	}
	htable_reserve(&t, ARRAY_SIZE(items));
	CU_ASSERT_EQUAL(t.n_buckets, ARRAY_SIZE(items));
	for (uint32_t k = 100; k < ARRAY_SIZE(items); k++) {
		items[k].key = k;
		add(&t, &items[k]);
	}
	CU_ASSERT_EQUAL(t.n_buckets, ARRAY_SIZE(items));
	for (uint32_t k = 0; k < ARRAY_SIZE(items); k++)
		CU_ASSERT_PTR_EQUAL(find(&t, k), &items[k]);
	htable_reserve(&t, 10); /* is no order to shrink */
	CU_ASSERT_EQUAL(t.n_buckets, ARRAY_SIZE(items));
	for (uint32_t k = 0; k < ARRAY_SIZE(items); k++)
		del(&t, &items[k]);
	CU_ASSERT(t.n_buckets < 100);
	oom.now = true;
	htable_reserve(&t, ARRAY_SIZE(items));
	oom.now = false;
	CU_ASSERT(t.n_buckets < ARRAY_SIZE(items));
	htable_clear(&t);
}

static void test_hash(void)
{
	struct htable a, b;
	uint8_t key[64], other[HTABLE_SEED_LEN];
	unsigned same = 0, bits = 0;

	memcpy(other, seed, sizeof(other));
	other[15] ^= 1;
	init(&a);
	CU_ASSERT_EQUAL_FATAL(htable_init(&b, other), 0);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t len = 0; len <= sizeof(key); len++) {
		const uint32_t h = htable_hash(&a, key, len);

		CU_ASSERT_EQUAL(htable_hash(&a, key, len), h);
		same += htable_hash(&b, key, len) == h; /* another seed, another hash */
		if (len) {
			key[len - 1] ^= 0x80; /* the last octet counts */
			bits += (unsigned)__builtin_popcount(h ^ htable_hash(&a, key, len));
			key[len - 1] ^= 0x80;
		}
		if (len > 1) /* so does the length, behind octets of zero too */
			CU_ASSERT_NOT_EQUAL(h, htable_hash(&a, key, len - 1));
	}
	CU_ASSERT_EQUAL(same, 0);
	CU_ASSERT(bits > 64 * 14 && bits < 64 * 18);
	htable_clear(&a);
	htable_clear(&b);
}

static void test_many_of_one_hash(void)
{
	struct item item[100] = {0};
	struct htable t;

	init(&t);
	for (unsigned i = 0; i < ARRAY_SIZE(item); i++) {
		item[i].key = i % 2;
		item[i].order = i + 1;
		htable_add(&t, &item[i].node, 5); /* all the same, whatever the key */
		item[i].in = true;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(item); i++) {
		const struct hnode *n = i ? htable_next(&item[i - 1].node) : htable_find(&t, 5);

		CU_ASSERT_PTR_EQUAL(n, &item[i].node);
	}
	CU_ASSERT_PTR_NULL(htable_next(&item[99].node));
	CU_ASSERT_PTR_NULL(htable_find(&t, 5 + 16)); /* the same bucket, another hash */
	del(&t, &item[0]);
	del(&t, &item[99]);
	del(&t, &item[50]);
	CU_ASSERT_PTR_EQUAL(htable_find(&t, 5), &item[1].node);
	CU_ASSERT_PTR_EQUAL(htable_next(&item[49].node), &item[51].node);
	CU_ASSERT_PTR_NULL(htable_next(&item[98].node));
	htable_clear(&t);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"the table equals a naive model over 200000 random operations",
		 test_against_model},
		{"it grows and shrinks by single buckets and forgets nobody",							      test_growth},
		{"without memory it goes on with the buckets it has",test_no_memory},
		{"memory that comes and goes loses no entry",	      test_flaky_memory},
		{"room that is made beforehand needs no growing",								  test_reserve},
		{"the hash depends on seed, octets and length",					test_hash},
		{"entries of one hash stay in the order of adding",		    test_many_of_one_hash},
		{0							     },
	};

	return cu_main("htable", tests, argc, argv);
}
