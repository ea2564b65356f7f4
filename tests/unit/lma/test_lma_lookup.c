/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5213 5.4.1: every row of the binding cache entry look-up. */
#include "unit/lma/lma_harness.h"

#define OWN   "2001:db8:100::/64"
#define OTHER "2001:db8:100:77::/64"

/* ---- branch A */

static void test_l20(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	pbu_prefix(&p, OTHER);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT_EQUAL(bed_forwards(&b, &p.hnp[0]), MAG2);
	bed_down(&b);
}

static void test_l21(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	p.mnid = "thief@example.com";
	p.hnp[0] = own;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_AUTHORIZED_FOR_HNP);
	CU_ASSERT(bed_at(&b, MAG1));
	/* also when only the second prefix is another node's, and as a de-registration */
	pbu_again(&b, &p);
	p.hnp[0] = prefix(OTHER);
	p.hnp[1] = own;
	p.n_hnp = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_AUTHORIZED_FOR_HNP);
	pbu_again(&b, &p);
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_AUTHORIZED_FOR_HNP);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	bed_down(&b);
}

static void test_l22(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG1);
	p.hnp[0] = own;
	p.hnp[1] = prefix(OTHER); /* one too many */
	p.n_hnp = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_PREFIX_SET_MISMATCH);
	pbu_again(&b, &p);
	p.hnp[1] = own; /* the same one twice is not the same count */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_PREFIX_SET_MISMATCH);
	pbu_again(&b, &p);
	p.hnp[1] = (struct prefix6){0}; /* with an ALL_ZERO one */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_PREFIX_SET_MISMATCH);
	pbu_again(&b, &p);
	p.n_hnp = 1;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_l22_fewer(void)
{
	struct bed b;
	struct prefix6 all[2];
	struct pbu p;

	bed_init(&b);
	bed_profile(&b, "two@example.com", NULL, NULL, 2);
	bed_start(&b);
	p = pbu(&b, MAG1);
	p.mnid = "two@example.com";
	CU_ASSERT_EQUAL_FATAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL_FATAL(mh_opt_count(&b.pba, MHO_HNP), 2);
	all[0] = mh_opt_nth(&b.pba, MHO_HNP, 0)->hnp.prefix;
	all[1] = mh_opt_nth(&b.pba, MHO_HNP, 1)->hnp.prefix;
	pbu_again(&b, &p);
	p.hnp[0] = all[1];
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_PREFIX_SET_MISMATCH);
	/* in any order, and from elsewhere */
	pbu_again(&b, &p);
	p.src = b.mags[MAG2].addr;
	p.hnp[1] = all[0];
	p.n_hnp = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_forwards(&b, &all[0]), MAG2);
	CU_ASSERT_EQUAL(bed_forwards(&b, &all[1]), MAG2);
	bed_down(&b);
}

static void test_l23a(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	for (int hi = 0; hi <= 6; hi++) {
		bed_wait(&b, 32000); /* or 5 is too soon after the move */
		p = pbu(&b, hi % 2 ? MAG1 : MAG2);
		p.hnp[0] = own;
		p.hi = hi;
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
		CU_ASSERT_EQUAL(bed_forwards(&b, &own), hi % 2 ? MAG1 : MAG2);
	}
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_l23b(void)
{
	struct bed b;
	struct prefix6 own;
	struct bed_pick k;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	p.hnp[0] = own;
	p.hi = HI_BETWEEN_INTERFACES;
	p.att = ATT_ETHERNET;
	p.llid[5] = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT_EQUAL(k.b.att, ATT_ETHERNET);
	CU_ASSERT_EQUAL(k.b.llid.id[5], 2);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	bed_down(&b);
}

static void test_l23c(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach_unnamed(&b, MAG1);
	p = pbu(&b, MAG2);
	p.hnp[0] = own;
	p.has_llid = false;
	p.hi = HI_BETWEEN_MAGS;
	p.att = ATT_ETHERNET; /* another technology: not this rule */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_AUTHORIZED_FOR_HNP);
	CU_ASSERT(bed_at(&b, MAG1));
	pbu_again(&b, &p);
	p.att = ATT_WIFI;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(bed_at(&b, MAG2));
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_l23d(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach_unnamed(&b, MAG1);
	p = pbu(&b, MAG1);
	p.hnp[0] = own;
	p.has_llid = false;
	p.hi = HI_NO_CHANGE;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	pbu_again(&b, &p); /* the link-layer identifier became known */
	p.has_llid = true;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "sessions_extended"), 2);
	bed_down(&b);
}

/* The same identifier over another technology is another interface; so is it at the same MAG. */
static void test_l24_technology(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	for (unsigned mag = MAG1; mag <= MAG2; mag++) {
		p = pbu(&b, mag);
		p.hnp[0] = own;
		p.att = ATT_ETHERNET;
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_AUTHORIZED_FOR_HNP);
	}
	CU_ASSERT(bed_at(&b, MAG1));
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_l24(void)
{
	static const int his[] = {HI_RESERVED, HI_NEW_INTERFACE, HI_BETWEEN_MAGS,
				  HI_UNKNOWN,  HI_NO_CHANGE,	 99};
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	for (unsigned i = 0; i < sizeof(his) / sizeof(his[0]); i++) {
		p = pbu(&b, MAG2);
		p.hnp[0] = own;
		p.hi = his[i];
		p.llid[5] = 2; /* another interface */
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_AUTHORIZED_FOR_HNP);
		CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	}
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_l24_lingering(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG1);
	p.hnp[0] = own;
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = pbu(&b, MAG2);
	p.hnp[0] = own;
	p.has_llid = false;
	p.lifetime = 0; /* not with a de-registration, though */
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_no_session"), 1);
	pbu_again(&b, &p);
	p.lifetime = 900;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	bed_down(&b);
}

/* ---- branch B */

static void test_l25(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	for (int hi = 0; hi <= 7; hi++) {
		bed_wait(&b, 32000); /* or 5 is too soon after the move */
		p = pbu(&b, hi % 2 ? MAG1 : MAG2);
		p.hi = hi;
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
		got = bed_hnp(&b);
		CU_ASSERT(prefix6_eq(&own, &got));
		CU_ASSERT(bed_at(&b, hi % 2 ? MAG1 : MAG2));
	}
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_l26(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	p.hi = HI_BETWEEN_INTERFACES;
	p.llid[5] = 2;
	p.att = ATT_ETHERNET;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	got = bed_hnp(&b);
	CU_ASSERT(prefix6_eq(&own, &got));
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT(bed_at(&b, MAG2));
	bed_down(&b);
}

static void test_l26_several(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	p.hi = HI_NEW_INTERFACE;
	p.llid[5] = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	pbu_again(&b, &p); /* which of the two? */
	p.hi = HI_BETWEEN_INTERFACES;
	p.llid[5] = 3;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 3);
	bed_down(&b);
}

static void test_l27(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	p.llid[5] = 2;
	p.hi = HI_UNKNOWN;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "held"), 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_l28(void)
{
	static const int his[] = {HI_RESERVED,	HI_NEW_INTERFACE,	 HI_BETWEEN_MAGS,
				  HI_NO_CHANGE, HI_NEW_INTERFACE_SHARED, 200};
	struct bed b;
	struct pbu p;

	bed_up(&b);
	bed_attach(&b, MAG1);
	for (unsigned i = 0; i < sizeof(his) / sizeof(his[0]); i++) {
		p = pbu(&b, MAG2);
		p.hi = his[i];
		p.llid[5] = (uint8_t)(2 + i);
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
		CU_ASSERT_EQUAL(lma_count(b.l), 2 + i);
	}
	/* no entry at all: unknown and between interfaces are new sessions too */
	p = pbu(&b, MAG2);
	p.mnid = "mn2@example.com";
	p.hi = HI_BETWEEN_INTERFACES;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = pbu(&b, MAG2);
	p.mnid = "mn3@example.com";
	p.hi = HI_UNKNOWN;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

static void test_zero_llid(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;
	const struct mh_opt *o;

	bed_up(&b);
	own = bed_attach_unnamed(&b, MAG1);
	p = pbu(&b, MAG2);
	p.hi = HI_BETWEEN_MAGS; /* by node: update; by interface it would be a new session */
	memset(p.llid, 0, sizeof(p.llid));
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	got = bed_hnp(&b);
	CU_ASSERT(prefix6_eq(&own, &got));
	o = mh_opt(&b.pba, MHO_MN_LLID);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_EQUAL(o->llid.len, 6);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

/* ---- branch C */

static void test_l29(void)
{
	static const int his[] = {HI_BETWEEN_INTERFACES, HI_BETWEEN_MAGS};
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1); /* whatever its link-layer identifier */
	for (unsigned i = 0; i < 2; i++) {
		p = pbu(&b, i ? MAG1 : MAG2);
		p.has_llid = false;
		p.hi = his[i];
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
		got = bed_hnp(&b);
		CU_ASSERT(prefix6_eq(&own, &got));
		CU_ASSERT(bed_at(&b, i ? MAG1 : MAG2));
	}
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_l29a(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	bed_attach_unnamed(&b, MAG1);
	p = pbu(&b, MAG2);
	p.has_llid = false;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "held"), 1);
	bed_down(&b);
}

static void test_l29a_same_mag(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;

	bed_up(&b);
	own = bed_attach_unnamed(&b, MAG1);
	p = pbu(&b, MAG1); /* the reply was lost, the MAG asks again */
	p.has_llid = false;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	got = bed_hnp(&b);
	CU_ASSERT(prefix6_eq(&own, &got));
	pbu_again(&b, &p); /* or gives up without having learned the prefix */
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(bed_state(&b, "DEREGISTERING"));
	bed_down(&b);
}

static void test_l29a_same_mag_other(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	bed_attach(&b, MAG1); /* has a name: the one without may be another interface */
	p = pbu(&b, MAG1);
	p.has_llid = false;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "held"), 1);
	bed_down(&b);
	bed_up(&b);
	bed_attach_unnamed(&b, MAG1);
	p = pbu(&b, MAG1);
	p.has_llid = false;
	p.att = ATT_ETHERNET; /* as is another technology */
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "held"), 1);
	bed_down(&b);
}

static void test_l29b(void)
{
	static const int his[] = {HI_RESERVED, HI_NEW_INTERFACE, HI_NO_CHANGE, 77};
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1); /* none */
	p.has_llid = false;
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	for (unsigned i = 0; i < 4; i++) { /* one, then several */
		p = pbu(&b, MAG2);
		p.has_llid = false;
		p.hi = his[i];
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
		CU_ASSERT_EQUAL(lma_count(b.l), 2 + i);
	}
	p = pbu(&b, MAG2); /* several: even "between MAGs" and "unknown" */
	p.has_llid = false;
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	pbu_again(&b, &p);
	p.hi = HI_UNKNOWN;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 7);
	bed_down(&b);
}

/* ---- all branches */

static void test_l32(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	p.lifetime = 0;
	p.llid[5] = 9;
	p.hnp[0] = own; /* by prefix, none of the four conditions */
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	pbu_again(&b, &p);
	pbu_prefix(&p, OTHER); /* by prefix, nobody's */
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	pbu_again(&b, &p);
	p.hnp[0] = (struct prefix6){0}; /* by interface, "unknown" must not wait */
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	pbu_again(&b, &p);
	p.has_llid = false; /* by node */
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	pbu_again(&b, &p);
	p.mnid = "mn2@example.com";
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_no_session"), 5);
	CU_ASSERT_EQUAL(bed_counter(&b, "held"), 0);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	bed_down(&b);
}

static void test_l33_update(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	p.hnp[0] = own;
	p.hi = HI_NEW_INTERFACE_SHARED;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT(bed_at(&b, MAG2));
	bed_down(&b);
}

static void test_l33_sharing(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	p.hnp[0] = own;
	p.hi = HI_NEW_INTERFACE_SHARED;
	p.llid[5] = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_AUTHORIZED_FOR_HNP);
	pbu_again(&b, &p);
	p.src = b.mags[MAG1].addr; /* even where the fourth condition would hold */
	p.has_llid = false;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_AUTHORIZED_FOR_HNP);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_one_interface_of_many(void)
{
	struct bed b;
	struct prefix6 got[3];
	struct pbu p;

	bed_up(&b);
	for (unsigned i = 0; i < 3; i++) {
		p = pbu(&b, i);
		p.hi = HI_NEW_INTERFACE;
		p.llid[5] = (uint8_t)i;
		p.llid[0] = 2;
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
		got[i] = bed_hnp(&b);
	}
	p = pbu(&b, MAG3); /* the second interface moves, the others stay */
	p.hi = HI_BETWEEN_MAGS;
	p.llid[5] = 1;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_forwards(&b, &got[0]), MAG1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &got[1]), MAG3);
	CU_ASSERT_EQUAL(bed_forwards(&b, &got[2]), MAG3);
	CU_ASSERT_EQUAL(lma_count(b.l), 3);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"L-20 RFC 5213 5.4.1.1 (2) a prefix of nobody is a new session",			  test_l20},
		{"L-21 RFC 5213 5.4.1.1 (3) a prefix of another node is refused 155",										      test_l21},
		{"L-22 RFC 5213 5.4.1.1 (4) another set of prefixes is refused 159",test_l22},
		{"L-22 RFC 5213 5.4.1.1 (4) fewer prefixes are refused 159, order is free",
		 test_l22_fewer},
		{"L-23a RFC 5213 5.4.1.1 (5) same interface updates whatever the HI",										      test_l23a},
		{"L-23b RFC 5213 5.4.1.1 (5) HI 2 updates whatever the interface",									   test_l23b},
		{"L-23c RFC 5213 5.4.1.1 (5) HI 3 updates where no interface was ever named",
		 test_l23c},
		{"L-23d RFC 5213 5.4.1.1 (5) same MAG and technology update",										  test_l23d},
		{"L-24 RFC 5213 5.4.1.1 (6) a new session for prefixes in use is refused 155",
		 test_l24},
		{"L-24 RFC 5213 5.4.1.1 (5) another technology is another interface: 155",
		 test_l24_technology},
		{"L-24 RFC 5213 9.1 a lingering binding goes on at the next MAG",
		 test_l24_lingering},
		{"L-25 RFC 5213 5.4.1.2 (2) exact match updates whatever the HI",test_l25},
		{"L-26 RFC 5213 5.4.1.2 (3) HI 2 updates the node's only binding",	   test_l26},
		{"L-26 RFC 5213 5.4.1.2 (3) HI 2 with several bindings is a new session",
		 test_l26_several},
		{"L-27 RFC 5213 5.4.1.2 (4) HI 4 with one binding waits",								  test_l27},
		{"L-28 RFC 5213 5.4.1.2 (5) anything else is a new session",		     test_l28},
		{"RFC 5213 5.4.1.2 figure 8: an ALL_ZERO identifier counts as absent and is echoed",
		 test_zero_llid},
		{"L-29 RFC 5213 5.4.1.3 (2) HI 2 and 3 update the node's only binding",											test_l29},
		{"L-29a RFC 5213 5.4.1.3 (3) HI 4 with one binding waits",		   test_l29a},
		{"L-29a RFC 5213 5.4.1.3 (3) the serving MAG itself has nobody to wait for",
		 test_l29a_same_mag},
		{"L-29a RFC 5213 5.4.1.3 (3) at the serving MAG an interface of its own waits",
		 test_l29a_same_mag_other},
		{"L-29b RFC 5213 5.4.1.3 (4) anything else is a new session",			      test_l29b},
		{"L-32 RFC 5213 5.4.1 a de-registration without a session is ignored",										       test_l32},
		{"L-33 RFC 7864 3.2.1 (1) HI 6 for the same interface updates",							test_l33_update},
		{"L-33 RFC 7864 3.2.1 (2) HI 6 for another interface is refused 155",
		 test_l33_sharing},
		{"RFC 5213 5.4 one of several interfaces moves alone",										  test_one_interface_of_many},
		{0},
	};

	return cu_main("lma lookup", tests, argc, argv);
}
