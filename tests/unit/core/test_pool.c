/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cu.h"

static struct prefix6 prefix(const char *s)
{
	struct prefix6 p;

	CU_ASSERT_EQUAL_FATAL(prefix6_parse(s, &p), 0);
	return p;
}

static struct pool *pool(const char *s)
{
	const struct prefix6 p = prefix(s);
	struct pool *out = NULL;

	CU_ASSERT_EQUAL_FATAL(pool_new(&out, &p), 0);
	return out;
}

static bool takes(struct pool *p, const char *s)
{
	const struct prefix6 want = prefix(s);
	struct prefix6 got;

	return !pool_take(p, &got) && prefix6_eq(&got, &want);
}

static void test_bounds(void)
{
	struct prefix6 p = prefix("2001:db8::/65");
	struct pool *out = NULL;

	CU_ASSERT_EQUAL(pool_new(&out, &p), -EINVAL);
	p = prefix("::/0");
	CU_ASSERT_EQUAL(pool_new(&out, &p), -EINVAL);
	p = prefix("2001:db8::/32");
	p.addr.s6_addr[15] = 1;
	CU_ASSERT_EQUAL(pool_new(&out, &p), -EINVAL);
	CU_ASSERT_PTR_NULL(out);
}

static void test_dense(void)
{
	struct pool *p = pool("2001:db8:100::/62");

	CU_ASSERT_EQUAL(pool_size(p), 4);
	CU_ASSERT(takes(p, "2001:db8:100::/64"));
	CU_ASSERT(takes(p, "2001:db8:100:1::/64"));
	CU_ASSERT(takes(p, "2001:db8:100:2::/64"));
	CU_ASSERT_EQUAL(pool_used(p), 3);
	CU_ASSERT(takes(p, "2001:db8:100:3::/64"));
	CU_ASSERT_FALSE(takes(p, "2001:db8:100::/64"));
	pool_free(&p);
	CU_ASSERT_PTR_NULL(p);
}

static void test_exhaustion_keeps_output(void)
{
	struct pool *p = pool("2001:db8:100::/64");
	struct prefix6 out = prefix("2001:db8:777::/64"), same = out;

	CU_ASSERT(takes(p, "2001:db8:100::/64"));
	CU_ASSERT_EQUAL(pool_take(p, &out), -ENOSPC);
	CU_ASSERT(prefix6_eq(&out, &same));
	pool_free(&p);
}

static void test_released_last(void)
{
	struct pool *p = pool("2001:db8:100::/61");
	struct prefix6 got[8], again;
	static const unsigned order[] = {3, 0, 5};

	for (unsigned i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(pool_take(p, &got[i]), 0);
	for (unsigned i = 0; i < 3; i++)
		pool_release(p, &got[order[i]]);
	CU_ASSERT_EQUAL(pool_used(p), 3);
	CU_ASSERT(takes(p, "2001:db8:100:6::/64")); /* fresh ones first */
	CU_ASSERT(takes(p, "2001:db8:100:7::/64"));
	for (unsigned i = 0; i < 3; i++) { /* then in the order of release */
		CU_ASSERT_EQUAL(pool_take(p, &again), 0);
		CU_ASSERT(prefix6_eq(&again, &got[order[i]]));
	}
	CU_ASSERT_EQUAL(pool_take(p, &again), -ENOSPC);
	pool_free(&p);
}

static void test_named(void)
{
	struct pool *p = pool("2001:db8:100::/61");
	struct prefix6 two = prefix("2001:db8:100:2::/64"), four = prefix("2001:db8:100:4::/64");
	struct prefix6 alien = prefix("2001:db8:200::/64"), wide = prefix("2001:db8:100::/63");

	CU_ASSERT_EQUAL(pool_take_this(p, &two), 0);
	CU_ASSERT_EQUAL(pool_take_this(p, &two), -EEXIST);
	CU_ASSERT_EQUAL(pool_take_this(p, &alien), -ENOENT);
	CU_ASSERT_EQUAL(pool_take_this(p, &wide), -ENOENT);
	CU_ASSERT(pool_owns(p, &four));
	CU_ASSERT_FALSE(pool_owns(p, &alien));
	CU_ASSERT_FALSE(pool_owns(p, &wide));
	CU_ASSERT(pool_in_use(p, &two));
	CU_ASSERT_FALSE(pool_in_use(p, &four));
	CU_ASSERT(takes(p, "2001:db8:100::/64"));
	CU_ASSERT(takes(p, "2001:db8:100:1::/64"));
	CU_ASSERT(takes(p, "2001:db8:100:3::/64")); /* steps over two */
	CU_ASSERT_EQUAL(pool_take_this(p, &four), 0);
	pool_release(p, &four); /* released before the index came there: still among the last */
	CU_ASSERT(takes(p, "2001:db8:100:5::/64"));
	CU_ASSERT(takes(p, "2001:db8:100:6::/64"));
	CU_ASSERT(takes(p, "2001:db8:100:7::/64"));
	CU_ASSERT(takes(p, "2001:db8:100:4::/64"));
	pool_free(&p);
}

static void test_out_of_the_middle(void)
{
	struct pool *p = pool("2001:db8:100::/62");
	struct prefix6 got[4];

	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(pool_take(p, &got[i]), 0);
	for (unsigned i = 0; i < 4; i++)
		pool_release(p, &got[i]);
	CU_ASSERT_EQUAL(pool_take_this(p, &got[1]), 0); /* middle, head, tail */
	CU_ASSERT_EQUAL(pool_take_this(p, &got[0]), 0);
	CU_ASSERT_EQUAL(pool_take_this(p, &got[3]), 0);
	CU_ASSERT(takes(p, "2001:db8:100:2::/64"));
	CU_ASSERT_FALSE(takes(p, "2001:db8:100:2::/64"));
	pool_free(&p);
}

static void test_release_strangers(void)
{
	struct pool *p = pool("2001:db8:100::/62");
	struct prefix6 a = prefix("2001:db8:100::/64"), alien = prefix("2001:db8:200::/64");

	pool_release(p, &a); /* never taken */
	pool_release(p, &alien);
	CU_ASSERT_EQUAL(pool_used(p), 0);
	CU_ASSERT(takes(p, "2001:db8:100::/64"));
	pool_release(p, &a);
	pool_release(p, &a); /* twice is once */
	CU_ASSERT_EQUAL(pool_used(p), 0);
	CU_ASSERT(takes(p, "2001:db8:100:1::/64"));
	pool_free(&p);
}

/* Nearly all of five thousand, so that whole chunks are stepped over and others are not. */
static void test_many_named(void)
{
	struct pool *p = pool("2001:db8::/48");
	struct prefix6 got, x = prefix("2001:db8::/64");

	for (unsigned i = 0; i < 5000; i++) {
		x.addr.s6_addr[6] = (uint8_t)(i >> 8);
		x.addr.s6_addr[7] = (uint8_t)i;
		if (i != 2047 && i != 2048 && i != 4500)
			CU_ASSERT_EQUAL_FATAL(pool_take_this(p, &x), 0);
		if (i % 7 == 0)
			pool_release(p, &x); /* is still not fresh */
	}
	CU_ASSERT(takes(p, "2001:db8:0:7ff::/64"));
	CU_ASSERT(takes(p, "2001:db8:0:800::/64"));
	CU_ASSERT(takes(p, "2001:db8:0:1194::/64"));
	for (unsigned i = 5000; i < 65536; i++)
		CU_ASSERT_EQUAL_FATAL(pool_take(p, &got), 0);
	CU_ASSERT(takes(p, "2001:db8::/64")); /* only released ones are left, the oldest first */
	CU_ASSERT(takes(p, "2001:db8:0:7::/64"));
	pool_free(&p);
}

static void test_large(void)
{
	struct pool *p = pool("2001:d00::/24");
	struct prefix6 last = prefix("2001:d00:ffff:fffe::/64");
	struct prefix6 beyond = prefix("2001:d00:ffff:ffff::/64");

	CU_ASSERT_EQUAL(pool_size(p), POOL_SIZE_MAX);
	CU_ASSERT(takes(p, "2001:d00::/64"));
	CU_ASSERT_EQUAL(pool_take_this(p, &beyond), -ENOENT); /* number 2^32 - 1 is out */
	CU_ASSERT_EQUAL(pool_take_this(p, &last), 0);
	pool_release(p, &last);
	CU_ASSERT_EQUAL(pool_take_this(p, &last), 0);
	CU_ASSERT_EQUAL(pool_used(p), 2);
	pool_free(&p);
}

static uint64_t next_random(uint64_t *s)
{
	*s = *s * 6364136223846793005ull + 1442695040888963407ull;
	return *s >> 33;
}

/* Against a naive model: an array of states and an array as queue. */
static void test_model(void)
{
	enum { SIZE = 64 };
	struct pool *p = pool("2001:db8:100::/58");
	bool used[SIZE] = {false}, touched[SIZE] = {false};
	unsigned queue[SIZE], n = 0, n_used = 0;
	uint64_t seed = 42;

	for (unsigned step = 0; step < 20000; step++) {
		const unsigned i = (unsigned)(next_random(&seed) % SIZE);
		struct prefix6 x = prefix("2001:db8:100::/64"), got;
		unsigned want = SIZE;

		x.addr.s6_addr[7] = (uint8_t)i;
		switch (next_random(&seed) % 3) {
		case 0: /* any */
			for (unsigned k = 0; k < SIZE && want == SIZE; k++)
				if (!touched[k])
					want = k;
			if (want == SIZE && n)
				want = queue[0];
			if (want == SIZE) {
				CU_ASSERT_EQUAL_FATAL(pool_take(p, &got), -ENOSPC);
				continue;
			}
			CU_ASSERT_EQUAL_FATAL(pool_take(p, &got), 0);
			CU_ASSERT_EQUAL_FATAL(got.addr.s6_addr[7], want);
			break;
		case 1: /* this */
			CU_ASSERT_EQUAL_FATAL(pool_take_this(p, &x), used[i] ? -EEXIST : 0);
			want = used[i] ? SIZE : i;
			break;
		default:
			pool_release(p, &x);
			if (used[i]) {
				used[i] = false;
				queue[n++] = i;
				n_used--;
			}
			break;
		}
		if (want < SIZE) {
			for (unsigned k = 0; k < n; k++)
				if (queue[k] == want)
					memmove(&queue[k], &queue[k + 1],
						(--n - k) * sizeof(queue[0]));
			used[want] = touched[want] = true;
			n_used++;
		}
		CU_ASSERT_EQUAL_FATAL(pool_used(p), n_used);
	}
	pool_free(&p);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"an aggregate is a masked prefix of 1 to 64 bits",	    test_bounds},
		{"prefixes are dense from the aggregate's start",							  test_dense},
		{"an exhausted pool leaves the output alone",test_exhaustion_keeps_output},
		{"a released prefix is the last to be handed out again",		 test_released_last},
		{"a particular prefix can be taken, and is stepped over",							  test_named},
		{"a particular prefix leaves the middle of the released ones",
		 test_out_of_the_middle},
		{"releasing what is not in use changes nothing", test_release_strangers},
		{"thousands taken by name are stepped over, one between them is found", test_many_named},
		{"an aggregate of more than 2^32 prefixes is used up to a limit",							  test_large},
		{"20000 random calls agree with a naive model",					test_model},
		{0	  },
	};

	return cu_main("pool", tests, argc, argv);
}
