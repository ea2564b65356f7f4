/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/bce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cu.h"
#include "lib/oom.h"

static const uint8_t seed[HTABLE_SEED_LEN] = "sixteen octets!";

static struct prefix6 prefix(const char *s)
{
	struct prefix6 p;

	CU_ASSERT_EQUAL_FATAL(prefix6_parse(s, &p), 0);
	return p;
}

static struct mnid nai(const char *s)
{
	return (struct mnid){MNID_NAI, (uint8_t)strlen(s), (const uint8_t *)s};
}

static struct bce_cache *cache(void)
{
	struct bce_cache *c = NULL;

	CU_ASSERT_EQUAL_FATAL(bce_cache_new(&c, seed), 0);
	return c;
}

static struct bce *add(struct bce_cache *c, const char *id, const char *p)
{
	const struct mnid m = nai(id);
	const struct prefix6 x = prefix(p);
	struct bce *b = NULL;

	CU_ASSERT_EQUAL_FATAL(bce_add(c, &m, &x, 1, NULL, &b), 0);
	return b;
}

static void set_llid(struct bce *b, const char *octets, uint8_t len)
{
	const struct llid id = {len, (const uint8_t *)octets};

	CU_ASSERT_EQUAL(bce_reg_set_llid(&b->reg, &id), 0);
}

static void test_indexes(void)
{
	struct bce_cache *c = cache();
	struct bce *a = add(c, "a@x", "2001:db8:1::/64"), *b = add(c, "b@x", "2001:db8:2::/64");
	struct bce *a2 = add(c, "a@x", "2001:db8:3::/56"), *masked = NULL;
	struct prefix6 p = prefix("2001:db8:2::/64"), q = prefix("2001:db8:3::/64");
	struct mnid id = nai("a@x"), none = nai("A@x");
	struct bce_node *n = bce_node_find(c, &id);

	CU_ASSERT_PTR_EQUAL(bce_by_prefix(c, &p), b);
	p.addr.s6_addr[15] = 9; /* bits behind the length do not count */
	CU_ASSERT_PTR_EQUAL(bce_by_prefix(c, &p), b);
	p.len = 48; /* nor do they when an entry is made */
	CU_ASSERT_EQUAL(bce_add(c, &id, &p, 1, NULL, &masked), 0);
	CU_ASSERT_EQUAL(bce_prefix(masked, 0).addr.s6_addr[15], 0);
	CU_ASSERT_PTR_EQUAL(bce_by_prefix(c, &p), masked);
	bce_del(c, &masked);
	CU_ASSERT_PTR_NULL(bce_by_prefix(c, &q)); /* same address, other length */
	q.len = 56;
	CU_ASSERT_PTR_EQUAL(bce_by_prefix(c, &q), a2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(n);
	CU_ASSERT_EQUAL(bce_node_count(n), 2);
	CU_ASSERT_PTR_EQUAL(bce_first(n), a2); /* newest first */
	CU_ASSERT_PTR_EQUAL(a2->next, a);
	CU_ASSERT_PTR_EQUAL(a->node, n);
	CU_ASSERT_PTR_NULL(bce_node_find(c, &none));
	id.subtype = 3; /* the same octets of another kind */
	CU_ASSERT_PTR_NULL(bce_node_find(c, &id));
	CU_ASSERT_EQUAL(bce_count(c), 3);
	CU_ASSERT(a->proxy);
	bce_cache_free(&c);
}

static void test_interface(void)
{
	struct bce_cache *c = cache();
	struct bce *a = add(c, "a@x", "2001:db8:1::/64"), *b = add(c, "a@x", "2001:db8:2::/64");
	const struct mnid id = nai("a@x");
	const struct bce_node *n = bce_node_find(c, &id);
	const struct llid one = {6, (const uint8_t *)"\2\0\0\0\0\1"};
	const struct llid two = {6, (const uint8_t *)"\2\0\0\0\0\2"};
	const struct llid five = {5, (const uint8_t *)"\2\0\0\0\0"};

	a->reg.att = ATT_WIFI;
	set_llid(a, "\2\0\0\0\0\1", 6);
	b->reg.att = ATT_ETHERNET;
	set_llid(b, "\2\0\0\0\0\1", 6);
	CU_ASSERT_PTR_EQUAL(bce_by_interface(n, ATT_WIFI, &one), a);
	CU_ASSERT_PTR_EQUAL(bce_by_interface(n, ATT_ETHERNET, &one), b);
	CU_ASSERT_PTR_NULL(bce_by_interface(n, ATT_PPP, &one));
	CU_ASSERT_PTR_NULL(bce_by_interface(n, ATT_WIFI, &two));
	CU_ASSERT_PTR_NULL(bce_by_interface(n, ATT_WIFI, &five));
	CU_ASSERT_PTR_NULL(bce_by_interface(NULL, ATT_WIFI, &one));
	CU_ASSERT_PTR_NULL(bce_first(NULL));
	CU_ASSERT_EQUAL(bce_node_count(NULL), 0);
	bce_cache_free(&c);
}

static void test_llid(void)
{
	struct bce_cache *c = cache();
	struct bce *b = add(c, "a@x", "2001:db8:1::/64");
	char octets[253];

	CU_ASSERT_EQUAL(bce_llid(b).len, 0);
	for (unsigned len = 1; len <= sizeof(octets); len += 3) {
		memset(octets, (int)len, sizeof(octets));
		set_llid(b, octets, (uint8_t)len);
		CU_ASSERT_EQUAL(bce_llid(b).len, len);
		CU_ASSERT_EQUAL(memcmp(bce_llid(b).id, octets, len), 0);
	}
	memset(octets, 0, sizeof(octets));
	set_llid(b, octets, 6); /* zeros only: none */
	CU_ASSERT_EQUAL(bce_llid(b).len, 0);
	set_llid(b, "\2\0\0\0\0\1\0\0\0", 9);
	bce_cache_free(&c);
}

static void test_refusals(void)
{
	struct bce_cache *c = cache();
	const struct mnid id = nai("a@x"), other = nai("b@x"), empty = nai("");
	struct prefix6 p[DP_PREFIXES_MAX + 1];
	struct bce *b = NULL, *keep;

	for (unsigned i = 0; i <= DP_PREFIXES_MAX; i++) {
		p[i] = prefix("2001:db8::/64");
		p[i].addr.s6_addr[7] = (uint8_t)i;
	}
	CU_ASSERT_EQUAL(bce_add(c, &id, p, 0, NULL, &b), -EINVAL);
	CU_ASSERT_EQUAL(bce_add(c, &id, p, DP_PREFIXES_MAX + 1, NULL, &b), -EINVAL);
	CU_ASSERT_EQUAL(bce_add(c, &empty, p, 1, NULL, &b), -EINVAL);
	CU_ASSERT_EQUAL(bce_add(c, &id, p, 3, NULL, &b), 0);
	keep = b;
	CU_ASSERT_EQUAL(bce_add(c, &other, p + 2, 2, NULL, &b), -EEXIST);
	CU_ASSERT_EQUAL(bce_add(c, &id, p, 3, NULL, &b), -EEXIST);
	p[5] = p[4];
	CU_ASSERT_EQUAL(bce_add(c, &other, p + 3, 3, NULL, &b), -EINVAL); /* one twice */
	CU_ASSERT_PTR_EQUAL(b, keep);
	CU_ASSERT_PTR_NULL(bce_by_prefix(c, &p[3])); /* nothing was left behind */
	CU_ASSERT_PTR_NULL(bce_node_find(c, &other));
	CU_ASSERT_EQUAL(bce_count(c), 1);
	CU_ASSERT_PTR_EQUAL(bce_by_prefix(c, &p[2]), keep);
	bce_cache_free(&c);
}

static void test_per_node(void)
{
	struct bce_cache *c = cache();
	const struct mnid id = nai("a@x");
	struct prefix6 p = prefix("2001:db8::/64");
	struct bce *b;

	for (unsigned i = 0; i < BCE_PER_NODE_MAX; i++) {
		p.addr.s6_addr[7] = (uint8_t)i;
		CU_ASSERT_EQUAL(bce_add(c, &id, &p, 1, NULL, &b), 0);
	}
	p.addr.s6_addr[7] = 0xff;
	CU_ASSERT_EQUAL(bce_add(c, &id, &p, 1, NULL, &b), -ENOSPC);
	CU_ASSERT_PTR_NULL(bce_by_prefix(c, &p));
	b = bce_first(bce_node_find(c, &id))->next;
	bce_del(c, &b);
	CU_ASSERT_PTR_NULL(b);
	CU_ASSERT_EQUAL(bce_add(c, &id, &p, 1, NULL, &b), 0);
	bce_cache_free(&c);
}

static void test_newest(void)
{
	struct bce_cache *c = cache();
	struct bce *a = add(c, "a@x", "2001:db8:1::/64"), *b = add(c, "a@x", "2001:db8:2::/64");

	CU_ASSERT_EQUAL(bce_node_newest(NULL), 0);
	CU_ASSERT_EQUAL(bce_node_newest(a->node), 0);
	bce_node_accept(a->node, 10);
	bce_node_accept(b->node, 7);
	CU_ASSERT_EQUAL(bce_node_newest(b->node), 10);
	bce_del(c, &a); /* the node remembers while it has a session */
	CU_ASSERT_EQUAL(bce_node_newest(b->node), 10);
	bce_del(c, &b);
	CU_ASSERT_EQUAL(bce_count(c), 0);
	bce_cache_free(&c);
}

static void test_no_memory(void)
{
	struct bce_cache *c = NULL;
	struct mnid id = nai("a@x"), other = nai("b@x");
	struct prefix6 p[3] = {prefix("2001:db8:1::/64"), prefix("2001:db8:2::/64"),
			       prefix("2001:db8:3::/64")};
	const struct llid llid = {9, (const uint8_t *)"\2\0\0\0\0\1\0\0\0"};
	unsigned at, needed;
	struct bce *b = NULL;

	oom.calls = 0;
	CU_ASSERT_EQUAL_FATAL(bce_cache_new(&c, seed), 0);
	needed = oom.calls;
	bce_cache_free(&c);
	for (at = 1; at <= needed; at++) {
		oom.left = at;
		CU_ASSERT_EQUAL(bce_cache_new(&c, seed), -ENOMEM);
		CU_ASSERT_PTR_NULL(c);
		oom.now = false;
	}
	c = cache();
	CU_ASSERT_EQUAL_FATAL(bce_add(c, &other, p + 2, 1, NULL, &b), 0);
	b = NULL;
	oom.calls = 0;
	CU_ASSERT_EQUAL_FATAL(bce_add(c, &id, p, 2, NULL, &b), 0);
	needed = oom.calls;
	bce_del(c, &b);
	CU_ASSERT(needed >= 2);
	for (at = 1; at <= needed; at++) {
		oom.left = at;
		CU_ASSERT_EQUAL(bce_add(c, &id, p, 2, NULL, &b), -ENOMEM);
		oom.now = false;
		CU_ASSERT_PTR_NULL(b);
		CU_ASSERT_PTR_NULL(bce_node_find(c, &id));
		CU_ASSERT_PTR_NULL(bce_by_prefix(c, &p[0]));
		CU_ASSERT_PTR_NOT_NULL(bce_by_prefix(c, &p[2]));
		CU_ASSERT_EQUAL(bce_count(c), 1);
	}
	oom.left = 0;
	b = bce_by_prefix(c, &p[2]);
	set_llid(b, "\2\0\0\0\0\2", 6);
	oom.now = true;
	CU_ASSERT_EQUAL(bce_reg_set_llid(&b->reg, &llid), -ENOMEM);
	oom.now = false;
	CU_ASSERT_EQUAL(bce_llid(b).len, 6); /* the old one stays */
	bce_cache_free(&c);
}

static struct home4 home4(const char *addr, uint16_t domain)
{
	struct home4 h = {.len = 24, .domain = domain};

	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET, addr, &h.addr), 1);
	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET, "192.0.2.254", &h.router), 1);
	return h;
}

static bool has_home4(const struct bce *b, const struct home4 *want)
{
	const struct home4 got = bce_home4(b);

	return home4_eq(&got, want);
}

static void test_home4(void)
{
	struct bce_cache *c = cache();
	const struct mnid id = nai("a@x"), other = nai("b@x");
	const struct prefix6 p = prefix("2001:db8:1::/64");
	const struct home4 one = home4("192.0.2.1", 0), far = home4("192.0.2.1", 7);
	const struct home4 two = home4("192.0.2.2", 0), none = {.len = 24};
	struct home4 bare = one;
	struct bce *dual = NULL, *v4only = NULL, *b = NULL;

	CU_ASSERT_EQUAL(bce_add(c, &id, &p, 1, &one, &dual), 0);
	CU_ASSERT_EQUAL(bce_add(c, &other, NULL, 0, &far, &v4only), 0);
	CU_ASSERT_EQUAL(v4only->n_prefixes, 0);
	CU_ASSERT(has_home4(dual, &one));
	CU_ASSERT(has_home4(v4only, &far));
	CU_ASSERT_PTR_EQUAL(bce_by_addr4(c, 0, one.addr), dual);
	CU_ASSERT_PTR_EQUAL(bce_by_addr4(c, 7, one.addr), v4only);
	CU_ASSERT_PTR_NULL(bce_by_addr4(c, 1, one.addr));
	CU_ASSERT_PTR_NULL(bce_by_addr4(c, 0, two.addr));

	bare.len = 32; /* whose address it is does not depend on the length or the router */
	bare.router.s_addr = 0;
	CU_ASSERT_EQUAL(bce_add(c, &other, NULL, 0, &bare, &b), -EEXIST);
	CU_ASSERT_EQUAL(bce_add(c, &other, &p, 1, &two, &b), -EEXIST);
	CU_ASSERT_PTR_NULL(bce_by_addr4(c, 0, two.addr)); /* nothing was left behind */
	CU_ASSERT_EQUAL(bce_add(c, &other, NULL, 0, &none, &b), -EINVAL);
	CU_ASSERT_EQUAL(bce_add(c, &other, NULL, 0, NULL, &b), -EINVAL);
	CU_ASSERT_PTR_NULL(b);

	bce_del(c, &dual);
	CU_ASSERT_PTR_NULL(bce_by_addr4(c, 0, one.addr));
	CU_ASSERT_EQUAL(bce_add(c, &other, &p, 1, &one, &b), 0);
	CU_ASSERT_PTR_EQUAL(bce_by_addr4(c, 0, one.addr), b);
	bce_cache_free(&c);
}

static void test_families_come_and_go(void)
{
	struct bce_cache *c = cache();
	struct bce *b = add(c, "a@x", "2001:db8:1::/64"), *other = add(c, "b@x", "2001:db8:2::/64");
	const struct home4 one = home4("192.0.2.1", 0), two = home4("192.0.2.2", 0);
	const struct prefix6 theirs = prefix("2001:db8:2::/64"), more = prefix("2001:db8:3::/64");
	struct prefix6 p[DP_PREFIXES_MAX + 1] = {prefix("2001:db8:1::/64"), more};
	const struct prefix6 mine = p[0];
	struct home4 none;

	/* an address is added, changed, and is all that is left */
	CU_ASSERT_EQUAL(bce_set_addresses(c, b, p, 1, &one), 0);
	CU_ASSERT_PTR_EQUAL(bce_by_addr4(c, 0, one.addr), b);
	CU_ASSERT_PTR_EQUAL(bce_by_prefix(c, &mine), b);
	CU_ASSERT_EQUAL(bce_set_addresses(c, b, p, 1, &one), 0); /* the same again */
	CU_ASSERT_EQUAL(bce_set_addresses(c, b, p, 2, &two), 0);
	CU_ASSERT_PTR_NULL(bce_by_addr4(c, 0, one.addr));
	CU_ASSERT_PTR_EQUAL(bce_by_addr4(c, 0, two.addr), b);
	CU_ASSERT_PTR_EQUAL(bce_by_prefix(c, &more), b);
	CU_ASSERT_EQUAL(bce_set_addresses(c, b, NULL, 0, &two), 0);
	CU_ASSERT_PTR_NULL(bce_by_prefix(c, &mine));
	CU_ASSERT_PTR_NULL(bce_by_prefix(c, &more));
	CU_ASSERT_EQUAL(b->n_prefixes, 0);
	CU_ASSERT(has_home4(b, &two));
	/* and the other way round */
	CU_ASSERT_EQUAL(bce_set_addresses(c, b, p, 1, NULL), 0);
	CU_ASSERT_PTR_NULL(bce_by_addr4(c, 0, two.addr));
	CU_ASSERT_PTR_EQUAL(bce_by_prefix(c, &mine), b);
	none = bce_home4(b);
	CU_ASSERT_FALSE(home4_is_set(&none));

	/* refused: the old ones hold */
	CU_ASSERT_EQUAL(bce_set_addresses(c, other, &theirs, 1, &one), 0);
	CU_ASSERT_EQUAL(bce_set_addresses(c, b, NULL, 0, NULL), -EINVAL);
	CU_ASSERT_EQUAL(bce_set_addresses(c, b, p, DP_PREFIXES_MAX + 1, NULL), -EINVAL);
	CU_ASSERT_EQUAL(bce_set_addresses(c, b, p, 1, &one), -EEXIST);
	CU_ASSERT_EQUAL(bce_set_addresses(c, b, &theirs, 1, &two), -EEXIST);
	p[1] = p[0];
	CU_ASSERT_EQUAL(bce_set_addresses(c, b, p, 2, &two), -EINVAL);
	CU_ASSERT_PTR_EQUAL(bce_by_prefix(c, &mine), b);
	CU_ASSERT_PTR_EQUAL(bce_by_prefix(c, &theirs), other);
	CU_ASSERT_PTR_EQUAL(bce_by_addr4(c, 0, one.addr), other);
	CU_ASSERT_PTR_NULL(bce_by_addr4(c, 0, two.addr));
	CU_ASSERT_EQUAL(b->n_prefixes, 1);
	CU_ASSERT_EQUAL(bce_count(c), 2);
	bce_cache_free(&c);
}

static void test_no_memory_for_addresses(void)
{
	struct bce_cache *c = cache();
	struct bce *b = add(c, "a@x", "2001:db8:1::/64"), *fresh = NULL;
	const struct home4 one = home4("192.0.2.1", 0), two = home4("192.0.2.2", 0);
	const struct prefix6 mine = prefix("2001:db8:1::/64"), more = prefix("2001:db8:3::/64");
	const struct mnid id = nai("b@x");
	unsigned needed;

	CU_ASSERT_EQUAL_FATAL(bce_set_addresses(c, b, &mine, 1, &one), 0);
	oom.calls = 0;
	CU_ASSERT_EQUAL_FATAL(bce_set_addresses(c, b, &mine, 1, &one), 0);
	needed = oom.calls;
	CU_ASSERT(needed >= 2);
	for (unsigned at = 1; at <= needed; at++) {
		oom.left = at;
		CU_ASSERT_EQUAL(bce_set_addresses(c, b, &more, 1, &two), -ENOMEM);
		oom.now = false;
		CU_ASSERT_PTR_EQUAL(bce_by_prefix(c, &mine), b);
		CU_ASSERT_PTR_NULL(bce_by_prefix(c, &more));
		CU_ASSERT_PTR_EQUAL(bce_by_addr4(c, 0, one.addr), b);
		CU_ASSERT_PTR_NULL(bce_by_addr4(c, 0, two.addr));
	}
	oom.calls = 0;
	CU_ASSERT_EQUAL_FATAL(bce_add(c, &id, &more, 1, &two, &fresh), 0);
	needed = oom.calls;
	bce_del(c, &fresh);
	for (unsigned at = 1; at <= needed; at++) {
		oom.left = at;
		CU_ASSERT_EQUAL(bce_add(c, &id, &more, 1, &two, &fresh), -ENOMEM);
		oom.now = false;
		CU_ASSERT_PTR_NULL(fresh);
		CU_ASSERT_PTR_NULL(bce_by_addr4(c, 0, two.addr));
		CU_ASSERT_PTR_NULL(bce_by_prefix(c, &more));
		CU_ASSERT_PTR_NULL(bce_node_find(c, &id));
		CU_ASSERT_EQUAL(bce_count(c), 1);
	}
	oom.left = 0;
	bce_cache_free(&c);
}

static uint32_t next_random(uint64_t *s)
{
	*s = *s * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*s >> 33);
}

/* Who has which of eight prefixes and eight addresses, kept as two arrays beside the cache. */
static void test_addresses_model(void)
{
	enum { N = 8, SESSIONS = 6 };
	struct bce_cache *c = cache();
	struct bce *all[SESSIONS] = {NULL};
	int prefix_of[N], addr_of[N];
	uint64_t random_state = 7;

	for (unsigned i = 0; i < N; i++)
		prefix_of[i] = addr_of[i] = -1;
	for (unsigned step = 0; step < 20000; step++) {
		const int s = (int)(next_random(&random_state) % SESSIONS);
		struct prefix6 p[2] = {prefix("2001:db8::/64"), prefix("2001:db8::/64")};
		struct home4 h = home4("192.0.2.0", 0);
		unsigned x[2] = {next_random(&random_state) % N, next_random(&random_state) % N};
		unsigned n = next_random(&random_state) % 3,
			 k = next_random(&random_state) % (N + 2);
		const struct mnid id = nai(s % 2 ? "a@x" : "b@x");
		int want = 0, got;

		if (next_random(&random_state) % 5 == 0) {
			bce_del(c, &all[s]);
			for (unsigned i = 0; i < N; i++) {
				prefix_of[i] = prefix_of[i] == s ? -1 : prefix_of[i];
				addr_of[i] = addr_of[i] == s ? -1 : addr_of[i];
			}
			continue;
		}
		for (unsigned i = 0; i < 2; i++)
			p[i].addr.s6_addr[7] = (uint8_t)x[i];
		h.addr.s_addr = k < N ? htonl(ntohl(h.addr.s_addr) + k / 2 + 1) : 0;
		h.domain = k % 2;
		if ((!n && k >= N) || (n == 2 && x[0] == x[1]))
			want = -EINVAL;
		for (unsigned i = 0; !want && i < n; i++)
			want = prefix_of[x[i]] >= 0 && prefix_of[x[i]] != s ? -EEXIST : 0;
		if (!want && k < N && addr_of[k] >= 0 && addr_of[k] != s)
			want = -EEXIST;
		got = all[s] ? bce_set_addresses(c, all[s], p, n, &h)
			     : bce_add(c, &id, p, n, &h, &all[s]);
		/* of two reasons either may be named */
		if (want && got != want)
			CU_ASSERT_FATAL(got == -EINVAL || got == -EEXIST);
		CU_ASSERT_EQUAL_FATAL(!got, !want);
		for (unsigned i = 0; !want && i < N; i++) {
			if (prefix_of[i] == s || (n && x[0] == i) || (n == 2 && x[1] == i))
				prefix_of[i] = (n && x[0] == i) || (n == 2 && x[1] == i) ? s : -1;
			if (addr_of[i] == s || k == i)
				addr_of[i] = k == i ? s : -1;
		}
		for (unsigned i = 0; i < N; i++) {
			p[0].addr.s6_addr[7] = (uint8_t)i;
			h = home4("192.0.2.1", 0);
			h.addr.s_addr = htonl(ntohl(h.addr.s_addr) + i / 2);
			CU_ASSERT_PTR_EQUAL_FATAL(bce_by_prefix(c, &p[0]),
						  prefix_of[i] < 0 ? NULL : all[prefix_of[i]]);
			CU_ASSERT_PTR_EQUAL_FATAL(bce_by_addr4(c, i % 2, h.addr),
						  addr_of[i] < 0 ? NULL : all[addr_of[i]]);
		}
	}
	bce_cache_free(&c);
}

struct walk {
	struct bce *seen[8];
	unsigned n;
};

static void note(void *ctx, struct bce *b)
{
	struct walk *w = ctx;

	w->seen[w->n++] = b;
}

static bool note_two(void *ctx, struct bce *b)
{
	struct walk *w = ctx;

	note(ctx, b);
	return w->n < 2;
}

/* What a walk in pages of two shows from there on. */
static bool goes_on(struct bce_cache *c, size_t skip, const struct bce *first,
		    const struct bce *second)
{
	struct walk w = {.n = 0};

	bce_walk_from(c, skip, note_two, &w);
	return w.n == (first ? 1u : 0u) + (second ? 1u : 0u) && (!first || w.seen[0] == first) &&
	       (!second || w.seen[1] == second);
}

static void test_pages(void)
{
	struct bce_cache *c = cache();
	struct bce *a = add(c, "a@x", "2001:db8:1::/64"), *b = add(c, "b@x", "2001:db8:2::/64");
	struct bce *d = add(c, "d@x", "2001:db8:3::/64"), *d2 = add(c, "d@x", "2001:db8:4::/64");
	struct bce *e;

	CU_ASSERT(goes_on(c, 0, a, b));
	CU_ASSERT(goes_on(c, 2, d2, d));
	CU_ASSERT(goes_on(c, 3, d, NULL)); /* in the middle of a node's */
	CU_ASSERT(goes_on(c, 4, NULL, NULL));
	CU_ASSERT(goes_on(c, 1, b, d2)); /* back */
	CU_ASSERT(goes_on(c, 2, d2, d));
	e = add(c, "e@x", "2001:db8:5::/64");
	CU_ASSERT(goes_on(c, 4, e, NULL));
	bce_del(c, &a); /* one less before */
	CU_ASSERT(goes_on(c, 2, d, e));
	a = add(c, "b@x", "2001:db8:1::/64"); /* one more before */
	CU_ASSERT(goes_on(c, 2, d2, d));
	CU_ASSERT(goes_on(c, 4, e, NULL));
	bce_del(c, &e); /* where the last walk ended */
	CU_ASSERT(goes_on(c, 4, NULL, NULL));
	CU_ASSERT(goes_on(c, 0, a, b));
	bce_cache_free(&c);
}

static void test_order(void)
{
	struct bce_cache *c = cache();
	struct bce *a = add(c, "a@x", "2001:db8:1::/64"), *b = add(c, "b@x", "2001:db8:2::/64");
	struct bce *d = add(c, "d@x", "2001:db8:3::/64"), *a2 = add(c, "a@x", "2001:db8:4::/64");
	struct walk w = {.n = 0};

	bce_walk(c, note, &w);
	CU_ASSERT_EQUAL(w.n, 4);
	CU_ASSERT_PTR_EQUAL(w.seen[0], a2);
	CU_ASSERT_PTR_EQUAL(w.seen[1], a);
	CU_ASSERT_PTR_EQUAL(w.seen[2], b);
	CU_ASSERT_PTR_EQUAL(w.seen[3], d);
	bce_del(c, &b);
	bce_del(c, &d);
	bce_del(c, &a);
	bce_del(c, &a2);
	a = add(c, "a@x", "2001:db8:1::/64");
	b = add(c, "b@x", "2001:db8:2::/64");
	bce_del(c, &a);
	a = add(c, "a@x", "2001:db8:1::/64"); /* came later now */
	w.n = 0;
	bce_walk(c, note, &w);
	CU_ASSERT_EQUAL(w.n, 2);
	CU_ASSERT_PTR_EQUAL(w.seen[0], b);
	CU_ASSERT_PTR_EQUAL(w.seen[1], a);
	bce_cache_free(&c);
}

static void count(void *ctx, struct bce *b)
{
	++*(unsigned *)ctx;
}

struct swept {
	struct bce_cache *c;
	unsigned met, deleted;
	bool delete_odd;
};

static void sweep_one(void *ctx, struct bce *b)
{
	struct swept *s = ctx;

	s->met++;
	if (s->delete_odd && s->met % 2) {
		s->deleted++;
		bce_del(s->c, &b);
	}
}

static void test_sweep(void)
{
	struct bce_cache *c = cache();
	struct swept s = {.c = c, .delete_odd = true};
	struct bce *all[10], *late;
	char id[20], p[40];
	unsigned calls = 0;

	CU_ASSERT_FALSE(bce_sweep(c, 5, sweep_one, &s)); /* nothing began */
	for (unsigned i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "n%u@x", i / 2);
		snprintf(p, sizeof(p), "2001:db8:%x::/64", i + 1);
		all[i] = add(c, id, p);
	}
	bce_sweep_start(c);
	CU_ASSERT_TRUE(bce_sweep(c, 2, sweep_one, &s)); /* two nodes, two entries each */
	CU_ASSERT_EQUAL(s.met, 4);
	CU_ASSERT_EQUAL(s.deleted, 2);
	/* in between: the next node goes, another comes */
	bce_del(c, &all[4]);
	bce_del(c, &all[5]);
	late = add(c, "late@x", "2001:db8:99::/64");
	CU_ASSERT_PTR_NOT_NULL(late);
	s.delete_odd = false;
	while (bce_sweep(c, 1, sweep_one, &s))
		calls++;
	CU_ASSERT_EQUAL(calls, 2);
	CU_ASSERT_EQUAL(s.met, 4 + 4 + 1);
	/* all that is left goes, in one piece */
	bce_sweep_start(c);
	s = (struct swept){.c = c, .delete_odd = true};
	CU_ASSERT_FALSE(bce_sweep(c, 1000, sweep_one, &s));
	CU_ASSERT_EQUAL(s.met, 7);
	CU_ASSERT_EQUAL(bce_count(c), 3);
	bce_cache_free(&c);
}

static void test_many(void)
{
	enum { N = 5000 };
	struct bce_cache *c = cache();
	static struct bce *all[N];
	unsigned walked = 0;
	char id[32];

	for (unsigned i = 0; i < N; i++) {
		struct prefix6 p[2] = {prefix("2001:db8::/64"), prefix("2001:db9::/64")};
		struct mnid m;

		snprintf(id, sizeof(id), "n%u@x", i / 2);
		m = nai(id);
		for (unsigned k = 0; k < 2; k++) {
			p[k].addr.s6_addr[6] = (uint8_t)(i >> 8);
			p[k].addr.s6_addr[7] = (uint8_t)i;
		}
		CU_ASSERT_EQUAL_FATAL(bce_add(c, &m, p, 2, NULL, &all[i]), 0);
	}
	for (unsigned i = 0; i < N; i += 3)
		bce_del(c, &all[i]);
	for (unsigned i = 0; i < N; i++) {
		struct prefix6 p[DP_PREFIXES_MAX];
		struct mnid m;

		if (!all[i])
			continue;
		CU_ASSERT_EQUAL_FATAL(bce_prefixes(all[i], p), 2);
		CU_ASSERT_PTR_EQUAL_FATAL(bce_by_prefix(c, &p[0]), all[i]);
		CU_ASSERT_PTR_EQUAL_FATAL(bce_by_prefix(c, &p[1]), all[i]);
		snprintf(id, sizeof(id), "n%u@x", i / 2);
		m = bce_mnid(all[i]);
		CU_ASSERT_EQUAL_FATAL(m.len, strlen(id));
		CU_ASSERT_EQUAL_FATAL(memcmp(m.id, id, m.len), 0);
	}
	bce_walk(c, count, &walked);
	CU_ASSERT_EQUAL(walked, N - (N + 2) / 3);
	CU_ASSERT_EQUAL(bce_count(c), walked);
	bce_cache_free(&c);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"RFC 5213 5.1 found by each prefix and by MN-ID, several per node",	     test_indexes},
		{"RFC 5213 5.4.1.2 found by MN-ID, technology and link-layer identifier",
		 test_interface},
		{"a link-layer identifier of any length; zeros are none",								  test_llid},
		{"RFC 5213 5.2 a prefix belongs to one entry; a refusal leaves nothing behind",
		 test_refusals},
		{"the entries of one node are bounded",									      test_per_node},
		{"RFC 5213 5.5 (6) the newest timestamp is the node's",									test_newest},
		{"whatever allocation fails, nothing changed",					       test_no_memory},
		{"RFC 5844 3.1.1 found by IPv4 home address, which belongs to one entry of a "
		 "domain",									      test_home4},
		{"RFC 5844 3.1.2 a family is added and released; a refusal leaves the old ones",
		 test_families_come_and_go},
		{"whatever allocation fails, the old addresses hold",				      test_no_memory_for_addresses},
		{"20000 random changes of addresses agree with a naive model",
		 test_addresses_model},
		{"a walk meets nodes in the order in which they came",test_order},
		{"a walk in pages goes on where it ended, and where entries came and went",test_pages},
		{"thousands of entries with two prefixes each, a third of them deleted", test_many},
		{"a sweep in pieces meets all that stay, whatever comes and goes in between",
		 test_sweep},
		{0		  },
	};

	return cu_main("bce", tests, argc, argv);
}
