/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/pool4.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "lib/cu.h"
#include "lib/oom.h"

static struct in_addr addr(const char *s)
{
	struct in_addr a = {0};

	CU_ASSERT_EQUAL_FATAL(*s ? inet_pton(AF_INET, s, &a) : 1, 1);
	return a;
}

static struct prefix4 network(const char *s)
{
	struct prefix4 p;

	CU_ASSERT_EQUAL_FATAL(prefix4_parse(s, &p), 0);
	return p;
}

static struct pool4 *pool(const char *net, const char *router)
{
	const struct prefix4 p = network(net);
	struct pool4 *out = NULL;

	CU_ASSERT_EQUAL_FATAL(pool4_new(&out, &p, addr(router)), 0);
	return out;
}

static bool takes(struct pool4 *p, const char *s)
{
	struct in_addr got;

	return !pool4_take(p, &got) && got.s_addr == addr(s).s_addr;
}

static void test_bounds(void)
{
	struct prefix4 net = {.len = 0};
	struct pool4 *out = NULL;

	CU_ASSERT_EQUAL(pool4_new(&out, &net, addr("")), -EINVAL);
	net = (struct prefix4){.addr = addr("192.0.2.1"), .len = 24};
	CU_ASSERT_EQUAL(pool4_new(&out, &net, addr("")), -EINVAL);
	net = (struct prefix4){.addr = addr("192.0.2.0"), .len = 33};
	CU_ASSERT_EQUAL(pool4_new(&out, &net, addr("")), -EINVAL);
	net = network("192.0.2.0/24");
	CU_ASSERT_EQUAL(pool4_new(&out, &net, addr("192.0.3.1")), -EINVAL);
	CU_ASSERT_EQUAL(pool4_new(&out, &net, addr("192.0.1.255")), -EINVAL);
	CU_ASSERT_EQUAL(pool4_new(&out, &net, addr("192.0.2.0")), -EINVAL);
	CU_ASSERT_EQUAL(pool4_new(&out, &net, addr("192.0.2.255")), -EINVAL);
	CU_ASSERT_PTR_NULL(out);
}

/* Every address that each of these networks hands out, in order, and nothing else. */
static void test_excluded(void)
{
	static const struct {
		const char *network, *router, *addr[8];
	} rows[] = {
		{"192.0.2.0/29",
		 "",				{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"}},
		{"192.0.2.0/29",
		 "192.0.2.1",		       {"192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"}		  },
		{"192.0.2.8/29",
		 "192.0.2.11",		      {"192.0.2.9", "192.0.2.10", "192.0.2.12", "192.0.2.13", "192.0.2.14"}	      },
		{"192.0.2.0/29",
		 "192.0.2.6",		       {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"}		  },
		{"192.0.2.4/30",	 "192.0.2.5", {"192.0.2.6"}								 },
		{"192.0.2.4/31",	 "",	     {"192.0.2.4", "192.0.2.5"}						       },
		{"192.0.2.4/31",	 "192.0.2.4", {"192.0.2.5"}								 },
		{"192.0.2.4/31",	 "192.0.2.5", {"192.0.2.4"}								 },
		{"192.0.2.4/32",	 "",	     {"192.0.2.4"}								 },
		{"192.0.2.4/32",	 "192.0.2.4", {NULL}									},
		{"255.255.255.252/30", "",	   {"255.255.255.253", "255.255.255.254"}					 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pool4 *p = pool(rows[i].network, rows[i].router);
		const struct prefix4 net = network(rows[i].network);
		struct in_addr got = addr("203.0.113.9");
		unsigned n = 0, owned = 0;

		CU_ASSERT(prefix4_eq(pool4_network(p), &net));
		CU_ASSERT_EQUAL(pool4_router(p).s_addr, addr(rows[i].router).s_addr);
		for (; rows[i].addr[n]; n++)
			CU_ASSERT(takes(p, rows[i].addr[n]));
		CU_ASSERT_EQUAL(pool4_size(p), n);
		CU_ASSERT_EQUAL(pool4_used(p), n);
		CU_ASSERT_EQUAL(pool4_take(p, &got), -ENOSPC);
		CU_ASSERT_EQUAL(got.s_addr, addr("203.0.113.9").s_addr); /* untouched */
		/* what lies around it is not its own either */
		for (int k = -4; k < 20; k++) {
			const struct in_addr a = {htonl(ntohl(net.addr.s_addr) + (uint32_t)k)};

			owned += pool4_owns(p, a);
			CU_ASSERT_EQUAL(pool4_owns(p, a), pool4_in_use(p, a));
			CU_ASSERT_EQUAL(pool4_take_this(p, a),
					pool4_owns(p, a) ? -EEXIST : -ENOENT);
		}
		CU_ASSERT_EQUAL(owned, n);
		pool4_free(&p);
		CU_ASSERT_PTR_NULL(p);
	}
}

static void test_released_last(void)
{
	struct pool4 *p = pool("192.0.2.0/29", "192.0.2.1");

	CU_ASSERT(takes(p, "192.0.2.2"));
	CU_ASSERT(takes(p, "192.0.2.3"));
	pool4_release(p, addr("192.0.2.3"));
	pool4_release(p, addr("192.0.2.2"));
	pool4_release(p, addr("192.0.2.2")); /* twice is once */
	pool4_release(p, addr("192.0.2.1")); /* none of its own */
	pool4_release(p, addr("10.0.0.1"));
	CU_ASSERT_EQUAL(pool4_used(p), 0);
	CU_ASSERT_EQUAL(pool4_take_this(p, addr("192.0.2.4")), 0);
	CU_ASSERT(takes(p, "192.0.2.5")); /* fresh ones first, over the named one */
	CU_ASSERT(takes(p, "192.0.2.6"));
	CU_ASSERT(takes(p, "192.0.2.3"));
	CU_ASSERT(takes(p, "192.0.2.2"));
	CU_ASSERT_FALSE(takes(p, "192.0.2.2"));
	pool4_free(&p);
}

static void test_large(void)
{
	struct pool4 *p = pool("128.0.0.0/1", "128.0.0.1");

	CU_ASSERT_EQUAL(pool4_size(p), (1u << 31) - 3);
	CU_ASSERT(takes(p, "128.0.0.2"));
	CU_ASSERT_EQUAL(pool4_take_this(p, addr("255.255.255.254")), 0);
	CU_ASSERT_EQUAL(pool4_take_this(p, addr("255.255.255.255")), -ENOENT);
	CU_ASSERT_EQUAL(pool4_take_this(p, addr("127.255.255.255")), -ENOENT);
	CU_ASSERT(pool4_in_use(p, addr("255.255.255.254")));
	CU_ASSERT_EQUAL(pool4_used(p), 2);
	pool4_free(&p);
}

static void test_no_memory(void)
{
	const struct prefix4 net = network("192.0.2.0/24");
	struct in_addr got = addr("203.0.113.9");
	struct pool4 *p = NULL;
	unsigned needed;

	oom.calls = 0;
	CU_ASSERT_EQUAL_FATAL(pool4_new(&p, &net, addr("192.0.2.1")), 0);
	needed = oom.calls;
	pool4_free(&p);
	for (unsigned at = 1; at <= needed; at++) {
		oom.left = at;
		CU_ASSERT_EQUAL(pool4_new(&p, &net, addr("192.0.2.1")), -ENOMEM);
		oom.now = false;
		CU_ASSERT_PTR_NULL(p);
	}
	oom.left = 0;
	p = pool("192.0.2.0/24", "192.0.2.1");
	oom.now = true;
	CU_ASSERT_EQUAL(pool4_take(p, &got), -ENOMEM);
	CU_ASSERT_EQUAL(pool4_take_this(p, addr("192.0.2.9")), -ENOMEM);
	oom.now = false;
	CU_ASSERT_EQUAL(got.s_addr, addr("203.0.113.9").s_addr);
	CU_ASSERT_EQUAL(pool4_used(p), 0);
	CU_ASSERT(takes(p, "192.0.2.2"));
	pool4_free(&p);
}

static uint64_t next_random(uint64_t *s)
{
	*s = *s * 6364136223846793005ull + 1442695040888963407ull;
	return *s >> 33;
}

/* A naive pool: states of the addresses of a /27 by last octet, and the released ones in order. */
struct model {
	bool usable[32], used[32], touched[32];
	unsigned queue[32], n;
};

static unsigned model_any(const struct model *m)
{
	for (unsigned k = 0; k < 32; k++) {
		if (m->usable[k] && !m->touched[k])
			return k;
	}
	return m->n ? m->queue[0] : 32;
}

static void model_take(struct model *m, unsigned k)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (m->queue[i] != k)
			continue;
		m->n--;
		memmove(&m->queue[i], &m->queue[i + 1], (m->n - i) * sizeof(m->queue[0]));
	}
	m->used[k] = m->touched[k] = true;
}

static void model_run(uint64_t seed, unsigned router)
{
	const struct prefix4 net = network("198.51.100.64/27");
	struct in_addr base = net.addr, a, got;
	struct model m = {.n = 0};
	struct pool4 *p = NULL;
	unsigned want, used;

	a.s_addr = router ? htonl(ntohl(base.s_addr) + router) : 0;
	CU_ASSERT_EQUAL_FATAL(pool4_new(&p, &net, a), 0);
	for (unsigned k = 1; k < 31; k++)
		m.usable[k] = k != router;
	for (unsigned step = 0; step < 3000; step++) {
		const unsigned i = (unsigned)(next_random(&seed) % 32);

		a.s_addr = htonl(ntohl(base.s_addr) + i);
		switch (next_random(&seed) % 3) {
		case 0:
			want = model_any(&m);
			CU_ASSERT_EQUAL_FATAL(pool4_take(p, &got), want < 32 ? 0 : -ENOSPC);
			if (want < 32) {
				CU_ASSERT_EQUAL_FATAL(ntohl(got.s_addr) - ntohl(base.s_addr), want);
				model_take(&m, want);
			}
			break;
		case 1:
			CU_ASSERT_EQUAL_FATAL(pool4_take_this(p, a), !m.usable[i] ? -ENOENT
								     : m.used[i]  ? -EEXIST
										  : 0);
			if (m.usable[i] && !m.used[i])
				model_take(&m, i);
			break;
		default:
			pool4_release(p, a);
			if (m.used[i]) {
				m.used[i] = false;
				m.queue[m.n++] = i;
			}
			break;
		}
		CU_ASSERT_EQUAL_FATAL(pool4_owns(p, a), m.usable[i]);
		CU_ASSERT_EQUAL_FATAL(pool4_in_use(p, a), m.used[i]);
		used = 0;
		for (unsigned k = 0; k < 32; k++)
			used += m.used[k];
		CU_ASSERT_EQUAL_FATAL(pool4_used(p), used);
	}
	pool4_free(&p);
}

static void test_model(void)
{
	for (unsigned router = 0; router < 31; router++)
		model_run(router + 1, router);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a network is masked, of 1 to 32 bits, with its router in it", test_bounds},
		{"network, broadcast and router address are never handed out",							       test_excluded},
		{"a released address is the last to be handed out again",test_released_last},
		{"whatever allocation fails, nothing is in use",	 test_no_memory},
		{"half of all addresses",							     test_large},
		{"random calls agree with a naive model, wherever the router is",					  test_model},
		{0				      },
	};

	return cu_main("pool4", tests, argc, argv);
}
