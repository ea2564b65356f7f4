/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/bul.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cu.h"

static const uint8_t seed[HTABLE_SEED_LEN] = "sixteen octets!";

static struct mac mac_of(unsigned i)
{
	return (struct mac){{2, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static struct prefix6 prefix_of(unsigned i)
{
	struct prefix6 p = {.len = 64};

	p.addr.s6_addr[0] = 0x20;
	p.addr.s6_addr[4] = (uint8_t)(i >> 24);
	p.addr.s6_addr[5] = (uint8_t)(i >> 16);
	p.addr.s6_addr[6] = (uint8_t)(i >> 8);
	p.addr.s6_addr[7] = (uint8_t)i;
	return p;
}

static struct mnid nai(const char *s)
{
	return (struct mnid){.subtype = MNID_NAI, .len = (uint8_t)strlen(s), .id = (const uint8_t *)s};
}

static struct bul *new_list(void)
{
	struct bul *l = NULL;

	CU_ASSERT_EQUAL_FATAL(bul_new(&l, seed), 0);
	return l;
}

static void add(struct bul *l, struct bule *e, const char *id, unsigned ifindex, unsigned mac)
{
	memset(e, 0, sizeof(*e));
	e->mnid = nai(id);
	e->ifindex = ifindex;
	e->mac = mac_of(mac);
	CU_ASSERT_EQUAL_FATAL(bul_add(l, e), 0);
}

static void test_keys(void)
{
	struct bul *l = new_list();
	struct mac m1 = mac_of(1), m2 = mac_of(2), m3 = mac_of(3);
	struct mnid mn = nai("mn1"), imsi = mn, nobody = nai("mn9");
	struct bule a, b, c;

	add(l, &a, "mn1", 7, 1);
	add(l, &b, "mn1", 7, 2);
	add(l, &c, "mn2", 8, 1);
	imsi.subtype = 3;
	CU_ASSERT_EQUAL(bul_count(l), 3);
	CU_ASSERT_PTR_EQUAL(bul_by_node(l, 7, &m1), &a);
	CU_ASSERT_PTR_EQUAL(bul_by_node(l, 7, &m2), &b);
	CU_ASSERT_PTR_EQUAL(bul_by_node(l, 8, &m1), &c);
	CU_ASSERT_PTR_NULL(bul_by_node(l, 8, &m2));
	CU_ASSERT_PTR_NULL(bul_by_node(l, 7, &m3));
	CU_ASSERT_PTR_EQUAL(bul_by_mnid(l, &mn, NULL), &a);
	CU_ASSERT_PTR_EQUAL(bul_by_mnid(l, &mn, &a), &b);
	CU_ASSERT_PTR_NULL(bul_by_mnid(l, &mn, &b));
	CU_ASSERT_PTR_NULL(bul_by_mnid(l, &imsi, NULL));
	CU_ASSERT_PTR_NULL(bul_by_mnid(l, &nobody, NULL));
	bul_del(l, &a);
	CU_ASSERT_PTR_NULL(bul_by_node(l, 7, &m1));
	CU_ASSERT_PTR_EQUAL(bul_by_mnid(l, &mn, NULL), &b);
	bul_del(l, &b);
	bul_del(l, &c);
	CU_ASSERT_EQUAL(bul_count(l), 0);
	CU_ASSERT_PTR_NULL(bul_first(l));
	bul_free(&l);
	CU_ASSERT_PTR_NULL(l);
}

static void test_prefixes(void)
{
	struct bul *l = new_list();
	struct prefix6 p[3] = {prefix_of(1), prefix_of(2), prefix_of(3)};
	struct prefix6 wider = p[0];
	struct bule a, b;

	wider.len = 60;
	add(l, &a, "mn1", 7, 1);
	add(l, &b, "mn2", 7, 2);
	CU_ASSERT_EQUAL(bul_set_prefixes(l, &a, p, 2), 0);
	CU_ASSERT_EQUAL(a.n_prefixes, 2);
	CU_ASSERT_PTR_EQUAL(bul_by_prefix(l, &p[0], NULL), &a);
	CU_ASSERT_PTR_EQUAL(bul_by_prefix(l, &p[1], NULL), &a);
	CU_ASSERT_PTR_NULL(bul_by_prefix(l, &p[2], NULL));
	CU_ASSERT_PTR_NULL(bul_by_prefix(l, &wider, NULL));
	/* replaced by part of itself */
	CU_ASSERT_EQUAL(bul_set_prefixes(l, &a, &a.prefixes[1], 1), 0);
	CU_ASSERT_TRUE(prefix6_eq(&a.prefixes[0], &p[1]));
	CU_ASSERT_PTR_NULL(bul_by_prefix(l, &p[0], NULL));
	/* the same prefix twice: both are found, in order */
	CU_ASSERT_EQUAL(bul_set_prefixes(l, &b, p, 3), 0);
	CU_ASSERT_PTR_EQUAL(bul_by_prefix(l, &p[1], NULL), &a);
	CU_ASSERT_PTR_EQUAL(bul_by_prefix(l, &p[1], &a), &b);
	CU_ASSERT_PTR_NULL(bul_by_prefix(l, &p[1], &b));
	CU_ASSERT_EQUAL(bul_set_prefixes(l, &b, NULL, 0), 0);
	CU_ASSERT_PTR_NULL(b.prefixes);
	CU_ASSERT_PTR_NULL(bul_by_prefix(l, &p[2], NULL));
	bul_del(l, &a);
	CU_ASSERT_PTR_NULL(bul_by_prefix(l, &p[1], NULL));
	bul_del(l, &b);
	bul_free(&l);
}

static void test_move(void)
{
	struct bul *l = new_list();
	struct mac m1 = mac_of(1), m2 = mac_of(2);
	struct bule a, b;

	add(l, &a, "mn1", 7, 1);
	add(l, &b, "mn2", 8, 2);
	CU_ASSERT_EQUAL(bul_move(l, &a, 8, &m1), 0);
	CU_ASSERT_PTR_NULL(bul_by_node(l, 7, &m1));
	CU_ASSERT_PTR_NULL(bul_link_first(l, 7));
	CU_ASSERT_PTR_EQUAL(bul_by_node(l, 8, &m1), &a);
	CU_ASSERT_PTR_EQUAL(bul_link_first(l, 8), &b);
	CU_ASSERT_PTR_EQUAL(b.next, &a);
	CU_ASSERT_EQUAL(bul_move(l, &b, 8, &m2), 0);
	CU_ASSERT_PTR_EQUAL(bul_by_node(l, 8, &m2), &b);
	bul_del(l, &a);
	bul_del(l, &b);
	bul_free(&l);
}

static void test_park(void)
{
	struct bul *l = new_list();
	struct prefix6 p = prefix_of(1);
	struct mac m1 = mac_of(1);
	struct mnid mn = nai("mn1");
	struct bule a, b;

	add(l, &a, "mn1", 7, 1);
	CU_ASSERT_EQUAL(bul_set_prefixes(l, &a, &p, 1), 0);
	bul_park(l, &a);
	bul_park(l, &a);
	CU_ASSERT_PTR_NULL(bul_by_node(l, 7, &m1));
	CU_ASSERT_PTR_NULL(bul_by_prefix(l, &p, NULL));
	CU_ASSERT_PTR_NULL(bul_link_first(l, 7));
	CU_ASSERT_PTR_EQUAL(bul_by_mnid(l, &mn, NULL), &a);
	CU_ASSERT_EQUAL(a.n_prefixes, 1);
	/* a newcomer takes its place and its prefix */
	add(l, &b, "mn1", 7, 1);
	CU_ASSERT_EQUAL(bul_set_prefixes(l, &b, &p, 1), 0);
	CU_ASSERT_PTR_EQUAL(bul_by_node(l, 7, &m1), &b);
	CU_ASSERT_PTR_EQUAL(bul_by_prefix(l, &p, NULL), &b);
	CU_ASSERT_PTR_EQUAL(bul_first(l), &b);
	CU_ASSERT_PTR_EQUAL(bul_next(&b), &a);
	CU_ASSERT_PTR_NULL(bul_next(&a));
	bul_del(l, &b);
	CU_ASSERT_PTR_EQUAL(bul_first(l), &a);
	bul_del(l, &a);
	CU_ASSERT_PTR_NULL(bul_first(l));
	bul_free(&l);
}

static void test_walk(void)
{
	struct bul *l = new_list();
	struct bule e[30], *p, *next;
	char id[30][8];
	unsigned i, n = 0, on7 = 0;

	for (i = 0; i < 30; i++) {
		snprintf(id[i], sizeof(id[i]), "mn%u", i);
		add(l, &e[i], id[i], 5 + i % 3, i);
	}
	bul_park(l, &e[4]);
	for (p = bul_first(l); p; p = bul_next(p))
		n++;
	CU_ASSERT_EQUAL(n, 30);
	for (p = bul_link_first(l, 7); p; p = p->next) {
		CU_ASSERT_EQUAL(p->ifindex, 7);
		on7++;
	}
	CU_ASSERT_EQUAL(on7, 10);
	/* emptied while walked */
	for (n = 0, p = bul_first(l); p; p = next, n++) {
		next = bul_next(p);
		bul_del(l, p);
	}
	CU_ASSERT_EQUAL(n, 30);
	CU_ASSERT_EQUAL(bul_count(l), 0);
	bul_free(&l);
}

static void test_many(void)
{
	enum { N = 100000 };
	struct bul *l = new_list();
	struct bule *e = calloc(N, sizeof(*e));
	char (*id)[12] = calloc(N, sizeof(*id));
	unsigned i, lost = 0, kept = 0;

	CU_ASSERT_FATAL(e && id);
	for (i = 0; i < N; i++) {
		struct prefix6 p = prefix_of(i);

		snprintf(id[i], sizeof(id[i]), "mn%u", i);
		add(l, &e[i], id[i], 1 + i % 1000, i);
		CU_ASSERT_EQUAL_FATAL(bul_set_prefixes(l, &e[i], &p, 1), 0);
	}
	CU_ASSERT_EQUAL(bul_count(l), N);
	for (i = 0; i < N; i += 2)
		bul_del(l, &e[i]);
	for (i = 0; i < N; i++) {
		struct mac m = mac_of(i);
		struct mnid mn = nai(id[i]);
		struct prefix6 p = prefix_of(i);
		struct bule *want = i % 2 ? &e[i] : NULL;

		if (bul_by_node(l, 1 + i % 1000, &m) != want || bul_by_mnid(l, &mn, NULL) != want ||
		    bul_by_prefix(l, &p, NULL) != want)
			lost++;
		kept += want != NULL;
	}
	CU_ASSERT_EQUAL(lost, 0);
	CU_ASSERT_EQUAL(kept, N / 2);
	for (i = 1; i < N; i += 2)
		bul_del(l, &e[i]);
	bul_free(&l);
	free(id);
	free(e);
}

static void test_frugal(void)
{
	/* a million entries in a third of a gigabyte, prefixes and identifiers included */
	CU_ASSERT(sizeof(struct bule) <= 256);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"RFC 5213 6.1: entries are found by place and by MN-Identifier, several per node", test_keys},
		{"RFC 5213 6.1: entries are found by each of their prefixes", test_prefixes},
		{"an entry that moves is found at its new place only", test_move},
		{"a parked entry is found by MN-Identifier only and gives way to a newcomer", test_park},
		{"every entry is walked once, and may be deleted on the way", test_walk},
		{"none is lost while the tables grow to 100000 entries", test_many},
		{"an entry stays small", test_frugal},
		{0},
	};
	return cu_main("bul", tests, argc, argv);
}
