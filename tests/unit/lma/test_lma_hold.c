/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5213 5.4.1.2 (4), 5.4.1.3 (3): waiting for the previous MAG's de-registration. */
#include "unit/lma/lma_harness.h"

/* mn1 is at MAG1; MAG2 asks with "handoff state unknown" for another interface. */
static struct pbu hold(struct bed *b, struct prefix6 *own)
{
	struct pbu p;

	bed_up(b);
	*own = bed_attach(b, MAG1);
	bed_wait(b, 10);
	p = pbu(b, MAG2);
	p.llid[5] = 2;
	CU_ASSERT_EQUAL_FATAL(bed_send(b, &p), NO_REPLY);
	return p;
}

static struct pbu dereg(struct bed *b, unsigned mag, const struct prefix6 *own)
{
	struct pbu p = pbu(b, mag);

	p.hnp[0] = *own;
	p.lifetime = 0;
	return p;
}

/*
 *	MAG1                LMA                 MAG2
 *	 |                   |<---- PBU HI 4 ----|
 *	 |---- PBU life 0 -->|    (held)         |
 *	 |<--- PBA 0 --------|---- PBA 0 ------->|  same prefix
 */
static void test_released(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p, d;
	struct bed_pick k;

	p = hold(&b, &own);
	bed_wait(&b, 700);
	bed_forget(&b);
	d = dereg(&b, MAG1, &own);
	CU_ASSERT_EQUAL(bed_send(&b, &d), PBA_ACCEPTED); /* the last of two replies */
	CU_ASSERT_EQUAL(b.n_sent, 3);
	CU_ASSERT(addr6_eq(&b.last.dst, &b.mags[MAG2].addr));
	CU_ASSERT_EQUAL(b.pba.ba.seq, p.seq);
	CU_ASSERT_EQUAL(b.pba.ba.lifetime, 900);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_TIMESTAMP)->timestamp, p.timestamp);
	got = bed_hnp(&b);
	CU_ASSERT(prefix6_eq(&own, &got));
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT(bed_saw_state(&b, "ACTIVE", "DEREGISTERING"));
	CU_ASSERT(bed_saw_state(&b, "HELD", "SETTLED"));
	CU_ASSERT(bed_saw_state(&b, "DEREGISTERING", "ACTIVE"));
	CU_ASSERT_EQUAL(bed_saw(&b, EV_HANDOVER), 1);
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT_EQUAL(k.b.llid.id[5], 2);
	bed_wait(&b, 60000); /* neither timer is left behind */
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	CU_ASSERT_EQUAL(bed_counter(&b, "hold_released"), 1);
	bed_down(&b);
}

static void test_timeout(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;

	p = hold(&b, &own);
	bed_wait(&b, 1499);
	CU_ASSERT_EQUAL(b.n_sent, 1);
	bed_wait(&b, 1);
	CU_ASSERT_EQUAL(b.n_sent, 2);
	CU_ASSERT_EQUAL(b.pba.ba.status, PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.seq, p.seq);
	got = bed_hnp(&b);
	CU_ASSERT_FALSE(prefix6_eq(&own, &got));
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &got), MAG2);
	CU_ASSERT_EQUAL(bed_counter(&b, "hold_timeout"), 1);
	bed_down(&b);
}

static void test_retransmission(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p, first;

	first = p = hold(&b, &own);
	bed_wait(&b, 1000);
	pbu_again(&b, &p);
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "hold_replaced"), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "held"), 1);
	bed_wait(&b, 500); /* counted from the first */
	CU_ASSERT_EQUAL(b.n_sent, 2);
	CU_ASSERT_EQUAL(b.pba.ba.seq, p.seq);
	CU_ASSERT_NOT_EQUAL(b.pba.ba.seq, first.seq);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_TIMESTAMP)->timestamp, p.timestamp);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	bed_wait(&b, 5000);
	CU_ASSERT_EQUAL(b.n_sent, 2); /* one reply, not two */
	bed_down(&b);
}

static void test_older_ignored(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p, first;

	first = p = hold(&b, &own);
	pbu_again(&b, &p);
	p.src = b.mags[MAG3].addr; /* the node went on to MAG3 */
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_send(&b, &first), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_older_than_held"), 1);
	bed_wait(&b, 1500);
	CU_ASSERT(addr6_eq(&b.last.dst, &b.mags[MAG3].addr));
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	bed_down(&b);
}

static void test_skip(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;

	bed_init(&b);
	b.cfg.hold_before_new_bce = false;
	bed_start(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	p.llid[5] = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	got = bed_hnp(&b);
	CU_ASSERT_FALSE(prefix6_eq(&own, &got));
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	bed_down(&b);
}

static void test_already_deregistered(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p, d;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	d = dereg(&b, MAG1, &own);
	CU_ASSERT_EQUAL(bed_send(&b, &d), PBA_ACCEPTED);
	p = pbu(&b, MAG2);
	p.llid[5] = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	got = bed_hnp(&b);
	CU_ASSERT(prefix6_eq(&own, &got));
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	bed_wait(&b, 20000);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_overtaken(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;

	p = hold(&b, &own);
	pbu_again(&b, &p); /* the MAG learned what it was */
	p.hi = HI_BETWEEN_INTERFACES;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	got = bed_hnp(&b);
	CU_ASSERT(prefix6_eq(&own, &got));
	CU_ASSERT_EQUAL(bed_counter(&b, "hold_dropped"), 1);
	bed_wait(&b, 5000);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(b.n_sent, 2);
	bed_down(&b);
}

static void test_node_left_again(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	p = hold(&b, &own);
	pbu_again(&b, &p);
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	bed_wait(&b, 5000);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(b.n_sent, 1);
	bed_down(&b);
}

static void test_refresh_does_not_end_it(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;

	bed_up(&b);
	own = bed_attach_unnamed(&b, MAG1);
	p = pbu(&b, MAG2);
	p.has_llid = false;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	p = pbu(&b, MAG1); /* has not noticed yet */
	p.hnp[0] = own;
	p.has_llid = false;
	p.hi = HI_NO_CHANGE;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 300);
	pbu_again(&b, &p);
	p.hi = HI_UNKNOWN;
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(addr6_eq(&b.last.dst, &b.mags[MAG2].addr));
	got = bed_hnp(&b);
	CU_ASSERT(prefix6_eq(&own, &got));
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	bed_down(&b);
}

static void test_binding_expires(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.hi = HI_NEW_INTERFACE;
	p.lifetime = 1; /* 4 s */
	CU_ASSERT_EQUAL_FATAL(bed_send(&b, &p), PBA_ACCEPTED);
	own = bed_hnp(&b);
	bed_wait(&b, 3500);
	p = pbu(&b, MAG2);
	p.llid[5] = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	bed_wait(&b, 500);
	CU_ASSERT_EQUAL(b.n_sent, 2); /* at once, not after the wait */
	CU_ASSERT_EQUAL(b.pba.ba.status, PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT(bed_at(&b, MAG2));
	CU_ASSERT_PTR_NULL(dp_fake_by_prefix(b.dp, DP_ANCHOR, &own));
	bed_down(&b);
}

static void test_operator_deletes(void)
{
	const struct mnid id = {MNID_NAI, 15, (const uint8_t *)"mn1@example.com"};
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	hold(&b, &own);
	CU_ASSERT_EQUAL(lma_delete(b.l, &id, b.now), 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_wait(&b, 0);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT(bed_at(&b, MAG2));
	bed_down(&b);
	p = hold(&b, &own); /* a message gets in between: one session, not two */
	CU_ASSERT_EQUAL(lma_delete(b.l, &id, b.now), 1);
	pbu_again(&b, &p);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 5000);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "hold_dropped"), 1);
	bed_down(&b);
}

static void test_freed_while_held(void)
{
	struct bed b;
	struct prefix6 own;

	hold(&b, &own);
	bed_down(&b);
}

static void test_mag_gone(void)
{
	struct bed b;
	struct prefix6 own;
	const char *why = NULL;
	struct profiles p;

	hold(&b, &own);
	p = profile_table_profiles(b.profiles);
	b.mags[MAG2] = b.mags[MAG3];
	b.cfg.n_mags = 2;
	CU_ASSERT_EQUAL(lma_reload(b.l, &b.cfg, &p, &why, b.now), 0);
	bed_wait(&b, 2000);
	CU_ASSERT_EQUAL(b.n_sent, 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_held_mag_gone"), 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_realm_gone(void)
{
	struct bed b;
	struct prefix6 own;
	const char *why = NULL;
	struct profiles p;

	hold(&b, &own);
	p = profile_table_profiles(b.profiles);
	b.mags[MAG2].n_realms = 1;
	strcpy(b.mags[MAG2].realms[0], "example.org");
	CU_ASSERT_EQUAL(lma_reload(b.l, &b.cfg, &p, &why, b.now), 0);
	bed_wait(&b, 2000);
	CU_ASSERT_EQUAL(b.pba.ba.status, PBA_MAG_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_profile_gone(void)
{
	const struct profile off = {.enabled = false, .prefix_count = 1};
	struct bed b;
	struct prefix6 own;
	struct profile_table *t;
	struct profiles p;
	const char *why = NULL;

	hold(&b, &own);
	CU_ASSERT_EQUAL_FATAL(profile_table_new(&t), 0);
	p = profile_table_profiles(t);
	CU_ASSERT_EQUAL(lma_reload(b.l, &b.cfg, &p, &why, b.now), 0);
	bed_wait(&b, 2000);
	CU_ASSERT_EQUAL(b.pba.ba.status, PBA_NOT_LMA_FOR_THIS_MN);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
	hold(&b, &own); /* or disables it */
	CU_ASSERT_EQUAL_FATAL(profile_table_add_fallback(t, "*", &off), 0);
	CU_ASSERT_EQUAL(lma_reload(b.l, &b.cfg, &p, &why, b.now), 0);
	bed_wait(&b, 2000);
	CU_ASSERT_EQUAL(b.pba.ba.status, PBA_PROXY_REG_NOT_ENABLED);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
	profile_table_free(&t);
}

static void test_other_nodes_wait_not(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	hold(&b, &own);
	p = pbu(&b, MAG2);
	p.mnid = "mn2@example.com";
	p.llid[5] = 3;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

static void test_sequence_scheme(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;

	bed_init(&b);
	b.cfg.timestamp_based_approach_in_use = false;
	bed_start(&b);
	own = bed_attach_unnamed(&b, MAG1);
	p = pbu(&b, MAG2);
	p.has_timestamp = p.has_llid = false;
	p.seq = 10;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	p.seq = 9;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	p.seq = 11;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_older_than_held"), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "hold_replaced"), 1);
	p = pbu(&b, MAG1);
	p.has_timestamp = p.has_llid = false;
	p.seq = 20000;
	p.hnp[0] = own;
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.seq, 11);
	got = bed_hnp(&b);
	CU_ASSERT(prefix6_eq(&own, &got));
	bed_down(&b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"L-30 RFC 5213 5.4.1.2 (4) the de-registration in time hands the binding over",
		 test_released},
		{"L-30 RFC 5213 9.1 after MaxDelayBeforeNewBCEAssign it is a new session",
		 test_timeout},
		{"L-30 RFC 5213 9.1 a retransmission replaces the held request",
		 test_retransmission},
		{"L-30 RFC 5213 5.5 (6) an older request does not replace the held one",
		 test_older_ignored},
		{"L-30 RFC 5213 5.4.1.2 (4) the wait can be switched off",										test_skip},
		{"L-27 RFC 5213 5.4.1.2 (4) no wait for a de-registration that is here",
		 test_already_deregistered},
		{"L-30 a later accepted message of that interface voids the held one",
		 test_overtaken},
		{"L-30 the node leaves while its request is held",										test_node_left_again},
		{"L-30 L-29a RFC 5213 5.4.1.3 (3) a refresh of the old MAG does not end the wait",
		 test_refresh_does_not_end_it},
		{"L-30 the binding expires meanwhile: a new session at once",	      test_binding_expires},
		{"L-30 the operator deletes the binding: a new session at once",
		 test_operator_deletes},
		{"L-30 the LMA ends while a request is held",test_freed_while_held},
		{"L-30 a reload takes the asking MAG away", test_mag_gone},
		{"L-30 RFC 5213 4 a reload takes the node's realm from the asking MAG: 154", test_realm_gone},
		{"L-30 a reload takes the node's profile away",										test_profile_gone},
		{"L-30 other nodes do not wait",						 test_other_nodes_wait_not},
		{"L-30 H-8 the wait with sequence numbers",		    test_sequence_scheme},
		{0									       },
	};

	return cu_main("lma hold", tests, argc, argv);
}
