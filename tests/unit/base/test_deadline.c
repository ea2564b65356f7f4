/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cu.h"

#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "base/util.h"

#define N_ITEMS 400
#define N_OPS	100000

struct item {
	struct deadline d;
	int id;
	/* the model: what a plain array says about the same item */
	bool armed;
	nsec_t at;
	uint64_t order;
};

static struct {
	struct deadlines heap;
	struct item item[N_ITEMS];
	int fired[N_ITEMS * 2];
	size_t n_fired;
	uint64_t order;
} world;

static void record(struct deadline *d, void *ctx, nsec_t now)
{
	struct item *it = container_of(d, struct item, d);

	CU_ASSERT_PTR_EQUAL(ctx, &world);
	CU_ASSERT_FALSE(d->armed);
	CU_ASSERT_TRUE(d->at <= now);
	world.fired[world.n_fired++] = it->id;
}

static void reset(void)
{
	memset(&world, 0, sizeof(world));
	for (int i = 0; i < N_ITEMS; i++) {
		world.item[i].id = i;
		world.item[i].d.fire = record;
	}
}

static void arm(int i, nsec_t at)
{
	deadline_arm(&world.heap, &world.item[i].d, at);
	world.item[i].armed = true;
	world.item[i].at = at;
	world.item[i].order = world.order++;
}

/* Checks what lies below d, and returns how many black nodes each way down has. */
static unsigned check_below(const struct deadline *d, unsigned depth, unsigned *deepest, size_t *n)
{
	unsigned black[2];

	if (depth > *deepest)
		*deepest = depth;
	if (!d)
		return 1;
	++*n;
	for (int i = 0; i < 2; i++) {
		const struct deadline *c = d->child[i];

		black[i] = check_below(c, depth + 1, deepest, n);
		if (!c)
			continue;
		CU_ASSERT_PTR_EQUAL_FATAL(c->parent, d);
		CU_ASSERT_FALSE_FATAL(c->red && d->red);
		CU_ASSERT_FATAL(i ? c->at > d->at || (c->at == d->at && c->order > d->order)
				  : c->at < d->at || (c->at == d->at && c->order < d->order));
	}
	CU_ASSERT_EQUAL_FATAL(black[0], black[1]);
	return black[0] + !d->red;
}

/* The tree is one, and balanced: no way down is longer than twice the logarithm. */
static void check_tree(const struct deadlines *h)
{
	const struct deadline *first = h->tree.root, *last = first;
	unsigned deepest = 0, log2 = 0;
	size_t n = 0;

	if (first) {
		CU_ASSERT_PTR_NULL_FATAL(first->parent);
		CU_ASSERT_FALSE_FATAL(first->red);
		while (first->child[0])
			first = first->child[0];
		while (last->child[1])
			last = last->child[1];
	}
	CU_ASSERT_PTR_EQUAL_FATAL(h->tree.first, first);
	CU_ASSERT_PTR_EQUAL_FATAL(h->tree.last, last);
	check_below(h->tree.root, 0, &deepest, &n);
	CU_ASSERT_EQUAL_FATAL(n, h->n);
	while (n + 1 > 1ull << log2)
		log2++;
	CU_ASSERT_FATAL(deepest <= 2 * log2);
}

/* The armed item that is first by time, then by order of arming; -1 when there is none. */
static int model_first(void)
{
	int best = -1;

	for (int i = 0; i < N_ITEMS; i++) {
		const struct item *a = &world.item[i], *b = &world.item[best < 0 ? 0 : best];

		if (a->armed &&
		    (best < 0 || a->at < b->at || (a->at == b->at && a->order < b->order)))
			best = i;
	}
	return best;
}

static void test_against_model(void)
{
	size_t n_model = 0;
	nsec_t now = 0;

	reset();
	srandom(3);
	for (int op = 0; op < N_OPS; op++) {
		int i = (int)(random() % N_ITEMS), first;

		switch (random() % 8) {
		case 0:
		case 1:
		case 2:
		case 3: /* few distinct times, so that the order of arming decides often */
			n_model += !world.item[i].armed;
			arm(i, now + (nsec_t)(random() % 50));
			break;
		case 4:
		case 5:
			n_model -= world.item[i].armed;
			world.item[i].armed = false;
			deadline_cancel(&world.heap, &world.item[i].d);
			break;
		case 6:
			break;
		default:
			now += (nsec_t)(random() % 8);
			world.n_fired = 0;
			deadline_run(&world.heap, &world, now);
			for (size_t k = 0; k < world.n_fired; k++) {
				first = model_first();
				CU_ASSERT_EQUAL_FATAL(world.fired[k], first);
				world.item[first].armed = false;
				n_model--;
			}
		}
		CU_ASSERT_EQUAL_FATAL(world.heap.n, n_model);
		if (op % 64 == 0)
			check_tree(&world.heap);
		first = op % 16 ? -2 : model_first();
		if (first != -2)
			CU_ASSERT_EQUAL_FATAL(deadline_next(&world.heap),
					      first < 0 ? NSEC_NEVER : world.item[first].at);
	}
}

static void test_stable_order(void)
{
	reset();
	for (int i = 0; i < 100; i++)
		arm(i, 7);
	arm(3, 7); /* armed again: goes behind the others */
	CU_ASSERT_EQUAL(deadline_run(&world.heap, &world, 6), 0);
	CU_ASSERT_EQUAL(deadline_run(&world.heap, &world, 7), 100);
	CU_ASSERT_EQUAL(world.fired[2], 2);
	CU_ASSERT_EQUAL(world.fired[3], 4);
	CU_ASSERT_EQUAL(world.fired[99], 3);
	CU_ASSERT_EQUAL(deadline_next(&world.heap), NSEC_NEVER);
}

static void rearm_due(struct deadline *d, void *ctx, nsec_t now)
{
	record(d, ctx, now);
	deadline_arm(&world.heap, d, 0);
}

static void test_rearm_in_callback_waits(void)
{
	reset();
	world.item[0].d.fire = rearm_due;
	arm(0, 1);
	arm(1, 2);
	arm(2, 3);
	/* item 0 comes back with a time before all others and must not hold them up */
	CU_ASSERT_EQUAL(deadline_run(&world.heap, &world, 5), 3);
	CU_ASSERT_EQUAL(world.n_fired, 3);
	CU_ASSERT_EQUAL(world.heap.n, 1);
	CU_ASSERT_EQUAL(deadline_next(&world.heap), 0);
	CU_ASSERT_EQUAL(deadline_run(&world.heap, &world, 5), 1);
}

static void cancel_others(struct deadline *d, void *ctx, nsec_t now)
{
	record(d, ctx, now);
	deadline_arm(&world.heap, d, 0); /* waits for the next run ... */
	deadline_cancel(&world.heap, d); /* ... and is withdrawn from there */
	for (int i = 1; i < 50; i++)
		deadline_cancel(&world.heap, &world.item[i].d);
}

static void test_cancel_in_callback(void)
{
	reset();
	for (int i = 0; i < 60; i++)
		arm(i, 1);
	world.item[0].d.fire = cancel_others;
	CU_ASSERT_EQUAL(deadline_run(&world.heap, &world, 1), 11);
	CU_ASSERT_EQUAL(world.fired[1], 50);
	CU_ASSERT_EQUAL(world.heap.n, 0);
	deadline_cancel(&world.heap, &world.item[1].d); /* not armed: nothing happens */
	CU_ASSERT_EQUAL(world.heap.n, 0);
}

static size_t freed;

static void free_self(struct deadline *d, void *ctx, nsec_t now)
{
	free(container_of(d, struct item, d));
	freed++;
}

static void test_owner_may_go_in_callback(void)
{
	reset();
	freed = 0;
	for (int i = 0; i < 1000; i++) {
		struct item *it = calloc(1, sizeof(*it));

		it->d.fire = free_self;
		deadline_arm(&world.heap, &it->d, (nsec_t)(i * 7919 % 1000));
	}
	CU_ASSERT_EQUAL(deadline_run(&world.heap, &world, 999), 1000);
	CU_ASSERT_EQUAL(freed, 1000);
}

static void nothing(struct deadline *d, void *ctx, nsec_t now)
{
}

static nsec_t in_random_order(size_t i)
{
	return 1000 + i * 2654435761u % 1000000;
}

static nsec_t forwards(size_t i)
{
	return 1000 + i;
}

static nsec_t backwards(size_t i)
{
	return 1000 + 1000000 - i;
}

static nsec_t at_once(size_t i)
{
	return 1000;
}

static void test_a_million(void)
{
	static nsec_t (*const when[])(size_t i) = {in_random_order, forwards, backwards, at_once};
	enum { N = 1000000 };
	struct deadline *d = calloc(N, sizeof(*d));

	for (size_t w = 0; w < ARRAY_SIZE(when); w++) {
		struct deadlines h = {0};

		for (size_t i = 0; i < N; i++) {
			d[i].fire = nothing;
			deadline_arm(&h, &d[i], when[w](i));
		}
		check_tree(&h);
		for (size_t i = 0; i < N; i += 2)
			deadline_cancel(&h, &d[i]);
		CU_ASSERT_EQUAL(h.n, N / 2);
		check_tree(&h);
		for (size_t i = 0; i < N; i += 4) {
			deadline_arm(&h, &d[i], when[w](N - i)); /* comes back */
			deadline_arm(&h, &d[i + 1], when[w](i)); /* moves */
		}
		check_tree(&h);
		CU_ASSERT_EQUAL(h.n, N / 2 + N / 4);
		CU_ASSERT_EQUAL(deadline_run(&h, NULL, 1000 + N), N / 2 + N / 4);
		CU_ASSERT_EQUAL(h.n, 0);
		CU_ASSERT_PTR_NULL(h.tree.root);
	}
	free(d);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"deadlines equal a naive model over 100000 random operations", test_against_model},
		{"equal times fire in the order of arming",							     test_stable_order},
		{"a callback's due deadline waits for the next run",test_rearm_in_callback_waits},
		{"a callback may cancel others and itself",	    test_cancel_in_callback},
		{"a callback may free what it is embedded in",							       test_owner_may_go_in_callback},
		{"a million deadlines in any order make a balanced tree",				  test_a_million},
		{0		  },
	};
	return cu_main("deadline", tests, argc, argv);
}
