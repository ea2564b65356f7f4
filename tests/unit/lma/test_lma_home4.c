/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5844 3.1.2.2, 3.1.2.7: who gets which IPv4 home address, and whose session one names; pools,
 * domains, and what a configuration may say about them. */
#include "unit/lma/lma_harness.h"

#include <errno.h>

#define HNP "2001:db8:100::/64"

/* mnN at the MAG, with its own interface. */
static struct pbu node(struct bed *b, unsigned n, unsigned mag, const char *ask)
{
	static const char *const ids[] = {"", "mn1@example.com", "mn2@example.com",
					  "mn3@example.com", "mn4@example.com"};
	struct pbu p = pbu(b, mag);

	p.mnid = ids[n];
	p.hi = HI_NEW_INTERFACE;
	p.llid[5] = (uint8_t)n;
	if (ask)
		pbu_ask4(&p, ask);
	return p;
}

/* Sends it and expects this address. */
static void gets(struct bed *b, const struct pbu *p, const char *want)
{
	CU_ASSERT_EQUAL_FATAL(bed_send(b, p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_hoa4(b, HOA4_SUCCESS).s_addr, ip4(want).s_addr);
}

static void refused(struct bed *b, const struct pbu *p, int status, uint8_t reply)
{
	const size_t had = lma_count(b->l);
	const uint64_t used = bed_used4(b) + bed_used6(b);

	CU_ASSERT_EQUAL(bed_send(b, p), status);
	CU_ASSERT_EQUAL(bed_hoa4(b, reply).s_addr, p->hoa4[0].s_addr);
	CU_ASSERT_EQUAL(lma_count(b->l), had);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->dp), had);
	CU_ASSERT_EQUAL(bed_used4(b) + bed_used6(b), used);
}

static void test_v6(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	p = node(&b, 1, MAG1, "0.0.0.0");
	gets(&b, &p, "10.0.0.2"); /* the router is 10.0.0.1 */
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_IPV4_DEFAULT_ROUTER)->addr4.s_addr,
			ip4("10.0.0.1").s_addr);
	p = node(&b, 2, MAG1, "0.0.0.0");
	gets(&b, &p, "10.0.0.3");
	bed_down(&b);
}

static void test_v6_used_up(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	for (unsigned i = 1; i < 4; i++)
		bed_add_profile(&b,
				i == 1	 ? "mn1@example.com"
				: i == 2 ? "mn2@example.com"
					 : "mn3@example.com",
				(struct profile){.ipv4 = true});
	b.pools4[0].prefix = prefix4("10.0.0.0/30");
	bed_start(&b);
	p = node(&b, 1, MAG1, "0.0.0.0");
	gets(&b, &p, "10.0.0.2");
	p = node(&b, 2, MAG1, "0.0.0.0");
	refused(&b, &p, PBA_INSUFFICIENT_RESOURCES, HOA4_REASON_UNSPECIFIED);
	p.n_hnp = 0;
	refused(&b, &p, PBA_INSUFFICIENT_RESOURCES, HOA4_REASON_UNSPECIFIED);
	p.n_hnp = 1; /* RFC 5844 3.2.3.2: without IPv4 it is served */
	p.n_hoa4 = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	/* adding it later fails the same way and leaves the session alone */
	pbu_again(&b, &p);
	pbu_ask4(&p, "0.0.0.0");
	refused(&b, &p, PBA_INSUFFICIENT_RESOURCES, HOA4_REASON_UNSPECIFIED);
	bed_down(&b);
}

static void test_prefixes_used_up(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true});
	bed_add_profile(&b, "mn2@example.com", (struct profile){.ipv4 = true});
	b.pools[0].prefix = prefix(HNP);
	bed_start(&b);
	bed_attach_dual(&b, MAG1);
	p = node(&b, 2, MAG1, "0.0.0.0");
	refused(&b, &p, PBA_INSUFFICIENT_RESOURCES, HOA4_REASON_UNSPECIFIED);
	p = node(&b, 2, MAG1, "0.0.0.0");
	p.n_hnp = 0;
	gets(&b, &p, "10.0.0.3");
	/* and cannot be added to this session later */
	p = node(&b, 2, MAG1, "0.0.0.0");
	refused(&b, &p, PBA_INSUFFICIENT_RESOURCES, HOA4_REASON_UNSPECIFIED);
	bed_down(&b);
}

static void test_v7_asked(void)
{
	static const char *const foreign[] = {"192.168.0.1", "10.0.1.2",       "10.0.0.1",
					      "10.0.0.0",    "10.0.0.255",     "127.0.0.1",
					      "224.0.0.1",   "255.255.255.255"};
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	for (unsigned i = 0; i < 8; i++) {
		p = node(&b, 1, MAG1, foreign[i]);
		refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA, HOA4_NOT_AUTHORIZED);
	}
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_not_authorized_for_ipv4_address"), 8);
	p = node(&b, 1, MAG1, "10.0.0.200");
	gets(&b, &p, "10.0.0.200");
	bed_down(&b);
}

static void test_v7_anothers(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = node(&b, 2, MAG2, "10.0.0.2");
	refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA, HOA4_NOT_AUTHORIZED);
	p = node(&b, 2, MAG2, "0.0.0.0");
	gets(&b, &p, "10.0.0.3");
	/* named beside its own prefix: the prefix says which session, the address is not its own */
	p = node(&b, 2, MAG2, "10.0.0.2");
	pbu_prefix(&p, "2001:db8:100:1::/64");
	refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA, HOA4_NOT_AUTHORIZED);
	p = node(&b, 2, MAG2, "10.0.0.3"); /* another's prefix beside its own address */
	pbu_prefix(&p, HNP);
	refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_HNP, HOA4_REASON_UNSPECIFIED);
	/* and to let go of another's is not for it either */
	p = node(&b, 2, MAG2, "10.0.0.2");
	p.n_hnp = 0;
	p.lifetime = 0;
	refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA, HOA4_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(bed_forwards4(&b, ip4("10.0.0.2")), MAG1);
	bed_down(&b);
}

static void test_v7_static(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	bed_add_profile(&b, "mn1@example.com",
			(struct profile){.ipv4 = true, .home4 = ip4("10.0.0.50")});
	bed_add_profile(&b, "mn2@example.com",
			(struct profile){.ipv4 = true, .home4 = ip4("192.168.0.1")});
	bed_add_profile(&b, "mn3@example.com", (struct profile){.ipv4 = true});
	bed_start(&b);
	p = node(&b, 1, MAG1, "10.0.0.51");
	refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA, HOA4_NOT_AUTHORIZED);
	p = node(&b, 1, MAG1, "0.0.0.0");
	gets(&b, &p, "10.0.0.50");
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_IPV4_HOA_REPLY)->hoa4.len, 24);
	p = node(&b, 1, MAG2, "10.0.0.50"); /* by name at the next MAG */
	p.hi = HI_BETWEEN_MAGS;
	gets(&b, &p, "10.0.0.50");
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	p = node(&b, 2, MAG1, "0.0.0.0"); /* of no home network here */
	refused(&b, &p, PBA_INSUFFICIENT_RESOURCES, HOA4_REASON_UNSPECIFIED);
	p = node(&b, 2, MAG1, "192.168.0.1");
	refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA, HOA4_NOT_AUTHORIZED);
	/* the second interface of the node with the static address */
	p = node(&b, 1, MAG1, "0.0.0.0");
	p.llid[5] = 77;
	gets(&b, &p, "10.0.0.2");
	bed_down(&b);
}

/* What a profile has is kept for its node, who else comes first, or asks for it by name. */
static void test_v7_kept(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	bed_add_profile(&b, "mn1@example.com",
			(struct profile){.ipv4 = true, .home4 = ip4("10.0.0.2")});
	bed_add_profile(&b, "mn2@example.com", (struct profile){.ipv4 = true});
	bed_add_profile(&b, "mn3@example.com", (struct profile){.ipv4 = true});
	bed_start(&b);
	p = node(&b, 2, MAG1, "10.0.0.2");
	refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA, HOA4_NOT_AUTHORIZED);
	p = node(&b, 2, MAG1, "0.0.0.0");
	gets(&b, &p, "10.0.0.3");
	CU_ASSERT_EQUAL(bed_used4(&b), 1);
	p = node(&b, 1, MAG1, "0.0.0.0");
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT_EQUAL(bed_used4(&b), 2);
	CU_ASSERT_EQUAL(
		lma_delete(b.l, &(struct mnid){MNID_NAI, 15, (uint8_t *)"mn1@example.com"}, b.now),
		1);
	CU_ASSERT_EQUAL(bed_used4(&b), 1);
	p = node(&b, 3, MAG1, "0.0.0.0");
	gets(&b, &p, "10.0.0.4");
	p = node(&b, 1, MAG1, "10.0.0.2");
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT_EQUAL(bed_used4(&b), 3);
	bed_down(&b);
}

static void three_pools(struct bed *b)
{
	bed_init(b);
	strcpy(b->pools4[1].name, "big");
	b->pools4[1].prefix = prefix4("172.16.0.0/12");
	b->pools4[1].router = ip4("172.16.255.1");
	strcpy(b->pools4[2].name, "tiny");
	b->pools4[2].prefix = prefix4("192.168.7.0/31");
	b->cfg.n_pools4 = 3;
}

static void test_pools_by_name(void)
{
	struct bed b;
	struct pbu p;

	three_pools(&b);
	bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true, .pool4 = "big"});
	bed_add_profile(&b, "mn2@example.com", (struct profile){.ipv4 = true, .pool4 = "tiny"});
	bed_add_profile(&b, "mn3@example.com", (struct profile){.ipv4 = true, .pool4 = "none"});
	bed_add_profile(&b, "mn4@example.com", (struct profile){.ipv4 = true, .pool4 = "tiny"});
	bed_start(&b);
	p = node(&b, 1, MAG1, "0.0.0.0");
	gets(&b, &p, "172.16.0.1");
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_IPV4_HOA_REPLY)->hoa4.len, 12);
	p = node(&b, 2, MAG1, "0.0.0.0"); /* the router has the first of two addresses */
	gets(&b, &p, "192.168.7.1");
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_IPV4_DEFAULT_ROUTER)->addr4.s_addr,
			ip4("192.168.7.0").s_addr);
	p = node(&b, 3, MAG1, "0.0.0.0");
	refused(&b, &p, PBA_INSUFFICIENT_RESOURCES, HOA4_REASON_UNSPECIFIED);
	p = node(&b, 4, MAG1, "0.0.0.0");
	refused(&b, &p, PBA_INSUFFICIENT_RESOURCES, HOA4_REASON_UNSPECIFIED);
	p = node(&b, 4, MAG1, "10.0.0.9"); /* a free one, but of another pool */
	refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA, HOA4_NOT_AUTHORIZED);
	bed_down(&b);
}

static void test_pools_in_turn(void)
{
	struct bed b;
	struct pbu p;

	three_pools(&b);
	b.pools4[0].prefix = prefix4("10.0.0.0/30");
	bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true});
	bed_add_profile(&b, "mn2@example.com", (struct profile){.ipv4 = true});
	bed_start(&b);
	p = node(&b, 1, MAG1, "0.0.0.0");
	gets(&b, &p, "10.0.0.2");
	p = node(&b, 2, MAG1, "0.0.0.0");
	gets(&b, &p, "172.16.0.1");
	bed_down(&b);
}

/* Two services with the same network, told apart by GRE keys. */
static void two_domains(struct bed *b)
{
	bed_init(b);
	strcpy(b->pools4[0].name, "red");
	b->pools4[0].domain = 1;
	strcpy(b->pools4[1].name, "blue");
	b->pools4[1].prefix = b->pools4[0].prefix;
	b->pools4[1].domain = 2;
	b->cfg.n_pools4 = 2;
	bed_add_profile(b, "mn1@example.com", (struct profile){.ipv4 = true, .pool4 = "red"});
	bed_add_profile(b, "mn2@example.com", (struct profile){.ipv4 = true, .pool4 = "blue"});
	bed_add_profile(b, "mn3@example.com", (struct profile){.ipv4 = true});
	bed_add_profile(b, "mn4@example.com", (struct profile){.ipv4 = true});
}

static void test_domains(void)
{
	const struct dp_fake_session *red, *blue;
	struct bed_pick pick;
	struct bed b;
	struct pbu p;

	two_domains(&b); /* no policy wants GRE: the domains do */
	bed_start(&b);
	p = node(&b, 1, MAG1, "0.0.0.0");
	pbu_key(&p, 0x111);
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT(bed_has(&b, MHO_GRE_KEY));
	p = node(&b, 2, MAG1, "0.0.0.0");
	pbu_key(&p, 0x222);
	gets(&b, &p, "10.0.0.2");
	red = dp_fake_by_addr4(b.dp, DP_ANCHOR, 1, ip4("10.0.0.2"));
	blue = dp_fake_by_addr4(b.dp, DP_ANCHOR, 2, ip4("10.0.0.2"));
	CU_ASSERT_FATAL(red && blue && red != blue);
	CU_ASSERT_EQUAL(red->s.down.key, 0x111);
	CU_ASSERT_EQUAL(blue->s.down.key, 0x222);
	CU_ASSERT(bed_binding(&b, "mn2@example.com", 0, &pick));
	CU_ASSERT_EQUAL(pick.b.home4.domain, 2);
	/* by name each is its own, and only its own moves */
	p = node(&b, 2, MAG2, "10.0.0.2");
	p.hi = HI_BETWEEN_MAGS;
	p.n_hnp = 0;
	pbu_key(&p, 0x333);
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT_EQUAL(bed_leads(&b, red), MAG1);
	CU_ASSERT_EQUAL(bed_leads(&b, blue), MAG2);
	CU_ASSERT_EQUAL(blue->s.down.key, 0x333);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	bed_down(&b);
}

static void test_domain_needs_key(void)
{
	struct bed b;
	struct pbu p;

	two_domains(&b);
	bed_start(&b);
	for (unsigned n = 1; n <= 3; n++) {
		p = node(&b, n, MAG1, "0.0.0.0");
		refused(&b, &p, PBA_GRE_KEY_REQUIRED, HOA4_REASON_UNSPECIFIED);
		p = node(&b, n, MAG1, "10.0.0.7");
		refused(&b, &p, PBA_GRE_KEY_REQUIRED, HOA4_REASON_UNSPECIFIED);
		p.has_gre = true; /* GRE alone tells nobody apart */
		refused(&b, &p, PBA_GRE_KEY_REQUIRED, HOA4_REASON_UNSPECIFIED);
	}
	p = node(&b, 1, MAG1, NULL); /* for its prefixes the node needs none */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(!bed_has(&b, MHO_GRE_KEY));
	p = node(&b, 1, MAG1, "0.0.0.0"); /* but when the address is to be added */
	refused(&b, &p, PBA_GRE_KEY_REQUIRED, HOA4_REASON_UNSPECIFIED);
	pbu_again(&b, &p);
	pbu_key(&p, 5);
	gets(&b, &p, "10.0.0.2");
	p = node(&b, 1, MAG1, NULL); /* and as long as the session has it */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_GRE_KEY_REQUIRED);
	p.has_gre = true;
	pbu_again(&b, &p);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_GRE_KEY_REQUIRED);
	p = node(&b, 1, MAG2, "10.0.0.2");
	p.hi = HI_BETWEEN_MAGS;
	refused(&b, &p, PBA_GRE_KEY_REQUIRED, HOA4_REASON_UNSPECIFIED);
	CU_ASSERT(bed_at(&b, MAG1));
	p = node(&b, 1, MAG2, NULL); /* who leaves the address behind needs no key */
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_used4(&b), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b.dp), 1);
	p = node(&b, 2, MAG1, "0.0.0.0");
	p.n_hnp = 0;
	pbu_key(&p, 6);
	gets(&b, &p, "10.0.0.2");
	p = node(&b, 2, MAG1, "10.0.0.2"); /* nor are prefixes added without one */
	refused(&b, &p, PBA_GRE_KEY_REQUIRED, HOA4_REASON_UNSPECIFIED);
	bed_down(&b);
}

static void test_domain_any(void)
{
	struct bed b;
	struct pbu p;

	two_domains(&b);
	strcpy(b.pools4[2].name, "plain");
	b.pools4[2].prefix = prefix4("10.0.0.0/30");
	b.cfg.n_pools4 = 3;
	bed_start(&b);
	p = node(&b, 3, MAG1, "0.0.0.0"); /* any pool: the one that it can use without a key */
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT_PTR_NOT_NULL(dp_fake_by_addr4(b.dp, DP_ANCHOR, 0, ip4("10.0.0.2")));
	p = node(&b, 4, MAG1, "0.0.0.0"); /* which is used up */
	refused(&b, &p, PBA_INSUFFICIENT_RESOURCES, HOA4_REASON_UNSPECIFIED);
	pbu_key(&p, 4);
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT_PTR_NOT_NULL(dp_fake_by_addr4(b.dp, DP_ANCHOR, 1, ip4("10.0.0.2")));
	bed_down(&b);
}

/* An address that another node has in the one domain may be free in the other. */
static void test_domain_foreign(void)
{
	struct bed b;
	struct pbu p;

	two_domains(&b);
	bed_start(&b);
	p = node(&b, 1, MAG1, "10.0.0.9");
	pbu_key(&p, 1);
	gets(&b, &p, "10.0.0.9");
	p = node(&b, 4, MAG1, "10.0.0.9"); /* free in blue, which it may use as well */
	pbu_key(&p, 2);
	gets(&b, &p, "10.0.0.9");
	CU_ASSERT_PTR_NOT_NULL(dp_fake_by_addr4(b.dp, DP_ANCHOR, 2, ip4("10.0.0.9")));
	p = node(&b, 2, MAG1, "10.0.0.9");
	pbu_key(&p, 3);
	refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA, HOA4_NOT_AUTHORIZED);
	p = node(&b, 3, MAG1, "10.0.0.9"); /* taken in all that it may use */
	pbu_key(&p, 3);
	refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA, HOA4_NOT_AUTHORIZED);
	bed_down(&b);
}

/* ---- RFC 5844 3.1.2.7 */

static struct pbu by_addr4(struct bed *b, unsigned mag)
{
	struct pbu p = pbu(b, mag);

	p.n_hnp = 0;
	pbu_ask4(&p, "10.0.0.2");
	return p;
}

static void test_v5_updates(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach4(&b, MAG1);
	p = by_addr4(&b, MAG2); /* (5) first: same interface */
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT(bed_at(&b, MAG2));
	p = by_addr4(&b, MAG3); /* (5) second: HI 2, whatever the interface */
	p.hi = HI_BETWEEN_INTERFACES;
	p.att = ATT_ETHERNET;
	p.llid[5] = 9;
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT(bed_at(&b, MAG3));
	p = by_addr4(&b, MAG3); /* (5) fourth: same MAG and technology */
	p.has_llid = false;
	p.att = ATT_ETHERNET;
	p.hi = HI_NO_CHANGE;
	gets(&b, &p, "10.0.0.2");
	p = by_addr4(&b, MAG1); /* (5) third: no identifier in either, HI 3 */
	p.has_llid = false;
	p.att = ATT_ETHERNET;
	p.hi = HI_BETWEEN_MAGS;
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT(bed_at(&b, MAG1));
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(bed_used4(&b), 1);
	bed_down(&b);
}

static void test_v5_in_use(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach4(&b, MAG1);
	p = by_addr4(&b, MAG2);
	p.llid[5] = 9;
	p.hi = HI_NEW_INTERFACE; /* none of (5): a new session, but its address is in use */
	refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA, HOA4_NOT_AUTHORIZED);
	CU_ASSERT(bed_at(&b, MAG1));
	bed_down(&b);
}

static void test_v5_lingering(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach4(&b, MAG1);
	p = by_addr4(&b, MAG1);
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = by_addr4(&b, MAG2);
	p.llid[5] = 9;
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT(bed_at(&b, MAG2));
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_v5_new(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach4(&b, MAG1);
	p = by_addr4(&b, MAG1); /* nobody's: a new session, as with prefixes */
	p.hoa4[0] = ip4("10.0.0.99");
	p.llid[5] = 9;
	gets(&b, &p, "10.0.0.99");
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	bed_down(&b);
}

static void test_v5_prefix_first(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = pbu(&b, MAG2); /* the prefix is nobody's: a new session that wants a taken address */
	p.hi = HI_BETWEEN_MAGS;
	pbu_prefix(&p, "2001:db8:100:99::/64");
	pbu_ask4(&p, "10.0.0.2");
	refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA, HOA4_NOT_AUTHORIZED);
	p = pbu(&b, MAG2); /* ALL_ZERO prefix and NON_ZERO address: the address is the key */
	p.hi = HI_BETWEEN_INTERFACES;
	p.llid[5] = 9;
	pbu_ask4(&p, "10.0.0.2");
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT(bed_at(&b, MAG2));
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 1);
	bed_down(&b);
}

static void test_v5_any(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach4(&b, MAG1);
	p = by_addr4(&b, MAG2); /* 0.0.0.0: the rules of RFC 5213, here by interface */
	p.hoa4[0].s_addr = 0;
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT(bed_at(&b, MAG2));
	p = by_addr4(&b, MAG1); /* and by node */
	p.hoa4[0].s_addr = 0;
	p.has_llid = false;
	p.hi = HI_BETWEEN_MAGS;
	gets(&b, &p, "10.0.0.2");
	CU_ASSERT(bed_at(&b, MAG1));
	bed_down(&b);
}

static void test_v5_sequence(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true});
	b.cfg.timestamp_based_approach_in_use = false;
	bed_start(&b);
	bed_attach4(&b, MAG1);
	p = by_addr4(&b, MAG1);
	p.has_timestamp = false;
	p.seq = b.seq - 1; /* as old as the first one */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_SEQ_OUT_OF_WINDOW);
	p.seq = ++b.seq;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

/* ---- configuration */

static int try_new(struct bed *b)
{
	const struct profiles p = profile_table_profiles(b->profiles);
	struct lma *l = NULL;
	const int err =
		lma_new(&l, &b->cfg, &b->env, dp_fake_dataplane(b->dp), b->tunnels, &p, &b->sink);

	lma_free(&l);
	return err;
}

static void overlap(struct bed *b)
{
	b->pools4[1].prefix = prefix4("10.0.0.128/25");
}
static void same_name(struct bed *b)
{
	strcpy(b->pools4[1].name, "four");
}
static void router_outside(struct bed *b)
{
	b->pools4[1].router = ip4("10.0.0.1");
}
static void router_broadcast(struct bed *b)
{
	b->pools4[1].router = ip4("10.1.255.255");
}
static void no_length(struct bed *b)
{
	b->pools4[1].prefix.len = 0;
}
static void loopback(struct bed *b)
{
	b->pools4[1].prefix = prefix4("127.0.0.0/8");
}
static void mag_broadcast(struct bed *b)
{
	b->mags[MAG4A].addr = addr("255.255.255.255");
}
static void lmaa_loopback(struct bed *b)
{
	b->cfg.addrs[2] = addr("127.0.0.1");
}

static void test_conf(void)
{
	static void (*const bad[])(struct bed * b) = {
		overlap,   same_name, router_outside, router_broadcast,
		no_length, loopback,  mag_broadcast,  lmaa_loopback,
	};
	struct bed b;

	for (unsigned i = 0; i < 9; i++) {
		bed_init(&b);
		strcpy(b.pools4[1].name, "other");
		b.pools4[1].prefix = prefix4("10.1.0.0/16");
		b.cfg.n_pools4 = 2;
		if (i < 8)
			bad[i](&b);
		CU_ASSERT_EQUAL(try_new(&b), i < 8 ? -EINVAL : 0);
		if (i == 0) { /* which in two domains is allowed */
			b.pools4[1].domain = 1;
			CU_ASSERT_EQUAL(try_new(&b), 0);
		}
		bed_down(&b);
	}
}

static int reload(struct bed *b, const char **why)
{
	const struct profiles p = profile_table_profiles(b->profiles);

	return lma_reload(b->l, &b->cfg, &p, why, b->now);
}

static void test_reload(void)
{
	const char *why = NULL;
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	strcpy(b.pools4[1].name, "more");
	b.pools4[1].prefix = prefix4("10.1.0.0/16");
	b.cfg.n_pools4 = 2;
	strcpy(b.pools4[0].name, "renamed");
	CU_ASSERT_EQUAL(reload(&b, &why), 0);
	CU_ASSERT_EQUAL(dp_fake_pools4(b.dp), 2); /* only what is new is announced */
	CU_ASSERT_EQUAL(bed_used4(&b), 1);
	p = node(&b, 2, MAG1, "0.0.0.0");
	gets(&b, &p, "10.0.0.3"); /* the pool knows what it has handed out */
	b.cfg.n_pools4 = 1;
	CU_ASSERT_EQUAL(reload(&b, &why), 0); /* nobody has an address of it */
	b.pools4[0].domain = 1;
	CU_ASSERT_EQUAL(reload(&b, &why), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "ipv4-pools"));
	b.pools4[0].domain = 0;
	b.pools4[0].router = ip4("10.0.0.77");
	CU_ASSERT_EQUAL(reload(&b, &why), -EBUSY);
	b.pools4[0].router.s_addr = 0;
	b.cfg.n_pools4 = 0;
	CU_ASSERT_EQUAL(reload(&b, &why), -EBUSY);
	b.cfg.n_pools4 = 1;
	CU_ASSERT_EQUAL(reload(&b, &why), 0);
	CU_ASSERT_EQUAL(bed_forwards4(&b, ip4("10.0.0.2")), MAG1);
	/* an LMA address goes only when no binding uses it, of either family */
	p = node(&b, 2, MAG4A, "10.0.0.3");
	gets(&b, &p, "10.0.0.3");
	b.cfg.n_addrs = 2;
	CU_ASSERT_EQUAL(reload(&b, &why), -EBUSY);
	b.cfg.n_addrs = 3;
	bed_down(&b);
}

/* What was set aside for a profile is anybody's when no profile has it any more. */
static void test_reload_kept(void)
{
	struct profile_table *fewer;
	const char *why = NULL;
	struct profiles ps;
	struct bed b;
	struct pbu p;

	bed_init(&b);
	b.pools4[0].prefix = prefix4("10.0.0.0/29"); /* .2 to .6 */
	bed_add_profile(&b, "mn1@example.com",
			(struct profile){.ipv4 = true, .home4 = ip4("10.0.0.2")});
	bed_add_profile(&b, "mn2@example.com",
			(struct profile){.ipv4 = true, .home4 = ip4("10.0.0.3")});
	bed_add_profile(&b, "mn3@example.com", (struct profile){.ipv4 = true});
	bed_start(&b);
	p = node(&b, 3, MAG1, "0.0.0.0");
	gets(&b, &p, "10.0.0.4"); /* sets the other two aside */
	CU_ASSERT_EQUAL_FATAL(profile_table_new(&fewer), 0);
	for (unsigned i = 2; i <= 4; i++) {
		const char *const id[] = {"mn2@example.com", "mn3@example.com", "mn4@example.com"};
		struct profile some = {.enabled = true, .ipv4 = true, .prefix_count = 1};

		some.mnid = (struct mnid){MNID_NAI, 15, (const uint8_t *)id[i - 2]};
		if (i == 2)
			some.home4 = ip4("10.0.0.3");
		CU_ASSERT_EQUAL_FATAL(profile_table_add(fewer, &some), 0);
	}
	ps = profile_table_profiles(fewer);
	CU_ASSERT_EQUAL(lma_reload(b.l, &b.cfg, &ps, &why, b.now), 0);
	CU_ASSERT_EQUAL(bed_used4(&b), 1);
	for (unsigned i = 0; i < 3; i++) {
		const char *const want[] = {"10.0.0.5", "10.0.0.6", "10.0.0.2"};

		p = node(&b, 4, MAG1, "0.0.0.0");
		p.llid[5] = (uint8_t)(100 + i);
		gets(&b, &p, want[i]);
	}
	p = node(&b, 4, MAG1, "0.0.0.0");
	p.llid[5] = 103;
	refused(&b, &p, PBA_INSUFFICIENT_RESOURCES, HOA4_REASON_UNSPECIFIED);
	p = node(&b, 2, MAG1, "0.0.0.0");
	gets(&b, &p, "10.0.0.3");
	bed_down(&b);
	profile_table_free(&fewer);
}

static void see_pool(void *ctx, const struct lma_pool4_info *i)
{
	struct lma_pool4_info *out = ctx;

	if (!strcmp(i->name, "blue"))
		*out = *i;
}

static void test_views(void)
{
	struct lma_pool4_info blue = {0};
	const struct prefix4 net = prefix4("10.0.0.0/24");
	struct bed b;
	struct pbu p;

	two_domains(&b);
	bed_start(&b);
	p = node(&b, 2, MAG1, "0.0.0.0");
	pbu_key(&p, 2);
	gets(&b, &p, "10.0.0.2");
	lma_walk_pools4(b.l, see_pool, &blue);
	CU_ASSERT(prefix4_eq(&blue.prefix, &net));
	CU_ASSERT_EQUAL(blue.domain, 2);
	CU_ASSERT_EQUAL(blue.size, 253);
	CU_ASSERT_EQUAL(blue.used, 1);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"V-6 RFC 5844 3.1.2.2 0.0.0.0 gets an address of a pool, and never the router's", test_v6},
		{"V-6 RFC 5844 3.1.2.2 no address left: 130 with Reply status 128, and nothing is kept", test_v6_used_up},
		{"V-6 L-35 RFC 5844 3.1.2.2 no prefix left: 130, and the address goes back", test_prefixes_used_up},
		{"V-7 RFC 5844 3.1.2.2 an address that is not of a home network: 171 with Reply status 129", test_v7_asked},
		{"V-7 V-5 RFC 5844 3.1.2.2 another node's address: 171 with Reply status 129", test_v7_anothers},
		{"V-7 RFC 5844 3.1.2.2 a static address is the node's, and no other is", test_v7_static},
		{"V-7 the address of a profile is kept for its node", test_v7_kept},
		{"V-6 V-7 pools by name, with lengths and routers of their own", test_pools_by_name},
		{"V-6 any pool will do when the profile names none", test_pools_in_turn},
		{"V-7 K-22 RFC 5845 3.1 one address in two domains is two addresses with two keys", test_domains},
		{"K-22 RFC 5845 5.2 an address that may exist twice needs keys: 163", test_domain_needs_key},
		{"K-22 who offers no key gets an address that needs none", test_domain_any},
		{"V-5 V-7 an address is free that is taken in another domain only", test_domain_foreign},
		{"V-5 L-23 RFC 5844 3.1.2.7 the address finds the session by the rules for one prefix", test_v5_updates},
		{"V-5 L-24 RFC 5844 3.1.2.7 none of them holds: a new session, and its address is in use", test_v5_in_use},
		{"V-5 L-44 RFC 5844 3.1.2.7 a session that waits for its end is taken over", test_v5_lingering},
		{"V-5 L-20 RFC 5844 3.1.2.7 an address that nobody has makes a new session", test_v5_new},
		{"V-5 RFC 5844 3.1.2.1 prefix and address named: the prefix finds the session", test_v5_prefix_first},
		{"V-5 L-25 L-29 RFC 5844 3.1.2.1 0.0.0.0 finds it by interface or node", test_v5_any},
		{"V-5 L-56 RFC 6275 9.5.1 sequence numbers count for the session of the address", test_v5_sequence},
		{"IPv4 pools and addresses that contradict each other are refused", test_conf},
		{"IPv4 pools come and go with a reload, unless a binding uses them", test_reload},
		{"V-7 a reload sets free what no profile has any more", test_reload_kept},
		{"IPv4 pools are shown with size and use", test_views},
		{0},
	};
	// clang-format on

	return cu_main("lma IPv4 home addresses", tests, argc, argv);
}
