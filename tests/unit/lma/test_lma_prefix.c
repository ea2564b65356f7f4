/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5213 5.3.2 (1) to (3): which prefixes a new session gets. */
#include "unit/lma/lma_harness.h"

static int attach(struct bed *b, const char *mnid, struct prefix6 *out)
{
	struct pbu p = pbu(b, MAG1);
	int status;

	p.mnid = mnid;
	status = bed_send(b, &p);
	if (status == PBA_ACCEPTED && out)
		*out = bed_hnp(b);
	return status;
}

static int ask(struct bed *b, const char *mnid, const char *hnp)
{
	struct pbu p = pbu(b, MAG1);

	p.mnid = mnid;
	pbu_prefix(&p, hnp);
	return bed_send(b, &p);
}

static bool is(const struct prefix6 *p, const char *s)
{
	const struct prefix6 want = prefix(s);

	return prefix6_eq(p, &want);
}

static void test_l34(void)
{
	struct bed b;
	struct prefix6 p;

	bed_init(&b);
	bed_profile(&b, "three@example.com", NULL, NULL, 3);
	bed_start(&b);
	CU_ASSERT_EQUAL(attach(&b, "mn1@example.com", &p), 0);
	CU_ASSERT(is(&p, "2001:db8:100::/64"));
	CU_ASSERT_EQUAL(attach(&b, "three@example.com", &p), 0);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct prefix6 *got = &mh_opt_nth(&b.pba, MHO_HNP, i)->hnp.prefix;

		CU_ASSERT_EQUAL(got->len, 64);
		CU_ASSERT_EQUAL(bed_forwards(&b, got), MAG1);
	}
	CU_ASSERT_EQUAL(attach(&b, "mn2@example.com", &p), 0);
	CU_ASSERT(is(&p, "2001:db8:100:4::/64"));
	bed_down(&b);
}

static void test_l34_named_pool(void)
{
	struct bed b;
	struct prefix6 p;

	bed_init(&b);
	strcpy(b.pools[1].name, "gold");
	b.pools[1].prefix = prefix("2001:db8:200::/48");
	b.cfg.n_pools = 2;
	bed_profile(&b, "gold@example.com", NULL, "gold", 1);
	bed_profile(&b, "lost@example.com", NULL, "nosuch", 1);
	bed_start(&b);
	CU_ASSERT_EQUAL(attach(&b, "gold@example.com", &p), 0);
	CU_ASSERT(is(&p, "2001:db8:200::/64"));
	CU_ASSERT_EQUAL(attach(&b, "lost@example.com", NULL), PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_EQUAL(ask(&b, "gold@example.com", "2001:db8:100:5::/64"),
			PBA_NOT_AUTHORIZED_FOR_HNP);
	CU_ASSERT_EQUAL(ask(&b, "mn1@example.com", "2001:db8:200:5::/64"), 0);
	bed_down(&b);
}

static void test_l35(void)
{
	struct bed b;
	struct prefix6 p;

	bed_init(&b);
	b.pools[0].prefix = prefix("2001:db8:100::/62");
	strcpy(b.pools[1].name, "more");
	b.pools[1].prefix = prefix("2001:db8:200::/64");
	b.cfg.n_pools = 2;
	bed_profile(&b, "many@example.com", NULL, NULL, 4);
	bed_start(&b);
	CU_ASSERT_EQUAL(attach(&b, "mn1@example.com", NULL), 0);
	CU_ASSERT_EQUAL(attach(&b, "mn2@example.com", NULL), 0);
	CU_ASSERT_EQUAL(attach(&b, "many@example.com", NULL),
			0); /* three are left: better than none */
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 3);
	CU_ASSERT_EQUAL(attach(&b, "mn3@example.com", NULL), PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_EQUAL(lma_count(b.l), 3);
	CU_ASSERT_EQUAL(attach(&b, "mn1@example.com", &p), 0); /* who has one keeps it */
	CU_ASSERT(is(&p, "2001:db8:100::/64"));
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_insufficient_resources"), 1);
	bed_down(&b);
}

static void test_l36(void)
{
	static const char *const fixed[] = {"2001:db8:f00:1::/64", NULL};
	struct bed b;
	struct pbu p;

	bed_init(&b);
	bed_profile(&b, "fixed@example.com", fixed, NULL, 1);
	bed_start(&b);
	CU_ASSERT_EQUAL(ask(&b, "mn1@example.com", "2001:db8:dead::/64"),
			PBA_NOT_AUTHORIZED_FOR_HNP); /* not ours */
	CU_ASSERT_EQUAL(ask(&b, "mn1@example.com", "2001:db8:f00:1::/64"),
			PBA_NOT_AUTHORIZED_FOR_HNP); /* another node's */
	CU_ASSERT_EQUAL(ask(&b, "fixed@example.com", "2001:db8:f00:2::/64"),
			PBA_NOT_AUTHORIZED_FOR_HNP); /* nobody's */
	CU_ASSERT_EQUAL(ask(&b, "mn1@example.com", "2001:db8:100::/48"),
			PBA_NOT_AUTHORIZED_FOR_HNP); /* pools are cut into /64s */
	p = pbu(&b, MAG1); /* one bad prefix spoils all, and leaves none taken */
	p.hnp[0] = prefix("2001:db8:100:9::/64");
	p.hnp[1] = prefix("2001:db8:dead::/64");
	p.n_hnp = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_AUTHORIZED_FOR_HNP);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(ask(&b, "mn2@example.com", "2001:db8:100:9::/64"), 0);
	CU_ASSERT_EQUAL(ask(&b, "fixed@example.com", "2001:db8:f00:1::/64"), 0);
	bed_down(&b);
}

static void test_l36_after_restart(void)
{
	struct bed b;
	struct prefix6 p;

	bed_up(&b); /* the anchor forgot everything, MAGs re-register */
	CU_ASSERT_EQUAL(ask(&b, "mn1@example.com", "2001:db8:100:1::/64"), 0);
	CU_ASSERT_EQUAL(ask(&b, "mn2@example.com", "2001:db8:100::/64"), 0);
	CU_ASSERT_EQUAL(attach(&b, "mn3@example.com", &p), 0);
	CU_ASSERT(is(&p, "2001:db8:100:2::/64"));
	bed_down(&b);
}

static void test_mixed(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.hnp[0] = prefix("2001:db8:100:9::/64");
	p.n_hnp = 3; /* and two ALL_ZERO, which count as one */
	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 2);
	CU_ASSERT(is(&mh_opt_nth(&b.pba, MHO_HNP, 0)->hnp.prefix, "2001:db8:100:9::/64"));
	CU_ASSERT(is(&mh_opt_nth(&b.pba, MHO_HNP, 1)->hnp.prefix, "2001:db8:100::/64"));
	p = pbu(&b, MAG1); /* one asked for twice is assigned once */
	p.mnid = "mn2@example.com";
	p.hnp[0] = p.hnp[1] = prefix("2001:db8:100:8::/64");
	p.n_hnp = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 1);
	bed_down(&b);
}

static void test_static(void)
{
	static const char *const fixed[] = {"2001:db8:f00:1::/64", "2001:db8:f00:2::/64", NULL};
	static const char *const wide[] = {"2001:db8:f00:100::/56", NULL};
	static const char *const lost[] = {"2001:db8:bad::/64", NULL};
	struct bed b;
	struct prefix6 p;
	struct pbu q;

	bed_init(&b);
	bed_profile(&b, "fixed@example.com", fixed, NULL, 1);
	bed_profile(&b, "wide@example.com", wide, NULL, 1);
	bed_profile(&b, "lost@example.com", lost, NULL, 1);
	bed_start(&b);
	CU_ASSERT_EQUAL(attach(&b, "fixed@example.com", &p), 0);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 2);
	CU_ASSERT(is(&p, "2001:db8:f00:1::/64"));
	CU_ASSERT_EQUAL(attach(&b, "wide@example.com", &p), 0);
	CU_ASSERT(is(&p, "2001:db8:f00:100::/56"));
	CU_ASSERT_EQUAL(attach(&b, "lost@example.com", NULL), PBA_INSUFFICIENT_RESOURCES);
	q = pbu(&b, MAG2); /* a second interface: the fixed ones are the first one's, 5.2 */
	q.mnid = "fixed@example.com";
	q.hi = HI_NEW_INTERFACE;
	q.llid[5] = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &q), 0);
	p = bed_hnp(&b);
	CU_ASSERT(is(&p, "2001:db8:100::/64"));
	bed_down(&b);
}

static void test_static_in_pool(void)
{
	static const char *const fixed[] = {"2001:db8:100:1::/64", NULL};
	struct bed b;
	struct prefix6 p;

	bed_init(&b);
	bed_profile(&b, "fixed@example.com", fixed, NULL, 1);
	bed_start(&b);
	CU_ASSERT_EQUAL(attach(&b, "fixed@example.com", &p), 0);
	CU_ASSERT(is(&p, "2001:db8:100:1::/64"));
	CU_ASSERT_EQUAL(attach(&b, "mn1@example.com", &p), 0);
	CU_ASSERT(is(&p, "2001:db8:100::/64"));
	CU_ASSERT_EQUAL(attach(&b, "mn2@example.com", &p), 0);
	CU_ASSERT(is(&p, "2001:db8:100:2::/64")); /* steps over it */
	bed_down(&b);
}

static void test_mag_allow_pool(void)
{
	struct bed b;
	struct prefix6 p;

	bed_init(&b);
	strcpy(b.pools[1].name, "second");
	b.pools[1].prefix = prefix("2001:db8:200::/48");
	b.cfg.n_pools = 2;
	b.mags[MAG1].n_allow = 1;
	b.mags[MAG1].allow[0] = prefix("2001:db8:200::/40");
	bed_start(&b);
	CU_ASSERT_EQUAL(attach(&b, "mn1@example.com", &p), 0); /* the pool that MAG may serve */
	CU_ASSERT(is(&p, "2001:db8:200::/64"));
	bed_down(&b);
}

static void test_max_bindings(void)
{
	struct bed b;
	char id[32];

	bed_init(&b);
	b.cfg.max_bindings = 5;
	bed_start(&b);
	for (unsigned i = 0; i < 7; i++) {
		snprintf(id, sizeof(id), "n%u@example.com", i);
		CU_ASSERT_EQUAL(attach(&b, id, NULL), i < 5 ? 0 : PBA_INSUFFICIENT_RESOURCES);
	}
	CU_ASSERT_EQUAL(lma_count(b.l), 5);
	bed_down(&b);
}

static void test_sessions_per_node(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	for (unsigned i = 0; i < BCE_PER_NODE_MAX + 3; i++) {
		p = pbu(&b, MAG1);
		p.hi = HI_NEW_INTERFACE;
		p.llid[5] = (uint8_t)(i + 1);
		CU_ASSERT_EQUAL(bed_send(&b, &p),
				i < BCE_PER_NODE_MAX ? 0 : PBA_INSUFFICIENT_RESOURCES);
	}
	CU_ASSERT_EQUAL(lma_count(b.l), BCE_PER_NODE_MAX);
	p.mnid = "mn2@example.com"; /* the refused ones gave their prefixes back */
	pbu_prefix(&p, "2001:db8:100:20::/64");
	pbu_again(&b, &p);
	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);
	bed_down(&b);
}

static void pool_info(void *ctx, const struct lma_pool_info *i)
{
	*(struct lma_pool_info *)ctx = *i;
}

static void test_pool_view(void)
{
	struct lma_pool_info i = {0};
	struct bed b;

	bed_up(&b);
	bed_attach(&b, MAG1);
	lma_walk_pools(b.l, pool_info, &i);
	CU_ASSERT_STRING_EQUAL(i.name, "default");
	CU_ASSERT_EQUAL(i.size, 1u << 20);
	CU_ASSERT_EQUAL(i.used, 1);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"L-34 RFC 5213 5.3.2 (1) ALL_ZERO: as many prefixes as the profile says",
		 test_l34},
		{"L-34 RFC 5213 5.3.2 (1) from the pool that the profile names",
		 test_l34_named_pool},
		{"L-35 RFC 5213 5.3.2 (2) nothing left: 130; something left: that",							    test_l35},
		{"L-36 RFC 5213 5.3.2 (3) a prefix that is not ours or not the node's: 155 for all",
		 test_l36},
		{"L-36 RFC 5213 5.3.2 (3) a free prefix of the pool may be asked for",
		 test_l36_after_restart},
		{"L-34 L-36 RFC 5213 5.3.2 NON_ZERO and ALL_ZERO in one request",								  test_mixed},
		{"L-34 RFC 5213 6.2 the profile's own prefixes come first",	    test_static},
		{"RFC 5213 5.2 a profile's prefix inside a pool goes to nobody else",
		 test_static_in_pool},
		{"RFC 5213 4 allocation keeps to the pools the MAG may serve",test_mag_allow_pool},
		{"L-35 max-bindings reached: 130",		   test_max_bindings},
		{"L-35 RFC 5213 5.4 the sessions of one node are bounded: 130",
		 test_sessions_per_node},
		{"the view of the pools",						      test_pool_view},
		{0		  },
	};

	return cu_main("lma prefixes", tests, argc, argv);
}
