/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5213 5.5: timestamps and sequence numbers. */
#include "unit/lma/lma_harness.h"

#define MS(x) ((uint64_t)(x)*65536 / 1000)

static uint64_t pba_timestamp(const struct bed *b)
{
	const struct mh_opt *o = mh_opt(&b->pba, MHO_TIMESTAMP);

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	return o->timestamp;
}

static uint64_t lma_clock(struct bed *b)
{
	return timestamp_from_wallclock(bed_env_wallclock(b));
}

static void test_l51(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.seq = 500;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.seq, 500);
	CU_ASSERT_EQUAL(pba_timestamp(&b), p.timestamp);
	pbu_again(&b, &p);
	p.seq = 3; /* does not matter */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.seq, 3);
	CU_ASSERT_EQUAL(pba_timestamp(&b), p.timestamp);
	bed_down(&b);
}

static void test_l52(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.timestamp = lma_clock(&b) - MS(300);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p.timestamp = lma_clock(&b) + MS(300);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p.mnid = "mn2@example.com";
	p.timestamp = lma_clock(&b) - MS(300) - 1;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_TIMESTAMP_MISMATCH);
	p.timestamp = lma_clock(&b) + MS(300) + 1;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_TIMESTAMP_MISMATCH);
	p.timestamp = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_TIMESTAMP_MISMATCH);
	p.timestamp = UINT64_MAX;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_TIMESTAMP_MISMATCH);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_l53(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	b.cfg.mobile_node_generated_timestamp_in_use = true;
	bed_start(&b);
	p = pbu(&b, MAG1);
	p.timestamp = 41;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(pba_timestamp(&b), 41);
	p.timestamp = 42;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p.timestamp = 41;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_TIMESTAMP_LOWER);
	CU_ASSERT_EQUAL(pba_timestamp(&b), lma_clock(&b));
	p.timestamp = 42;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_TIMESTAMP_MISMATCH);
	CU_ASSERT_EQUAL(pba_timestamp(&b), lma_clock(&b));
	bed_down(&b);
}

static void test_l54(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu late, p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	bed_wait(&b, 100);
	late = pbu(&b, MAG1);
	late.hnp[0] = own;
	late.hi = HI_NO_CHANGE;
	bed_wait(&b, 50);
	p = pbu(&b, MAG2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 50);
	CU_ASSERT_EQUAL(bed_send(&b, &late), PBA_TIMESTAMP_LOWER);
	CU_ASSERT_EQUAL(pba_timestamp(&b), lma_clock(&b));
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	bed_wait(&b, 5000); /* lower and outside the window: still 157 */
	CU_ASSERT_EQUAL(bed_send(&b, &late), PBA_TIMESTAMP_LOWER);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_timestamp_lower"), 2);
	bed_down(&b);
}

/* The old MAG's refresh was not answered at first: it comes again with a new timestamp, when the
 * node is elsewhere. */
static void test_overtaken(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	bed_wait(&b, 100);
	p = pbu(&b, MAG2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 50);
	p = pbu(&b, MAG1);
	p.hnp[0] = own;
	p.hi = HI_NO_CHANGE;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_TIMESTAMP_LOWER);
	CU_ASSERT_EQUAL(pba_timestamp(&b), lma_clock(&b));
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	CU_ASSERT_EQUAL(bed_counter(&b, "overtaken"), 1);
	/* the new MAG's own is one like any other */
	bed_wait(&b, 50);
	p = pbu(&b, MAG2);
	p.hnp[0] = own;
	p.hi = HI_NO_CHANGE;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	/* the node is at the old one indeed: that one has seen it */
	bed_wait(&b, 50);
	p = pbu(&b, MAG1);
	p.hnp[0] = own;
	p.hi = HI_NO_CHANGE;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_TIMESTAMP_LOWER);
	p = pbu(&b, MAG1);
	p.hnp[0] = own;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	/* and now it is the other that does not know */
	bed_wait(&b, 50);
	p = pbu(&b, MAG2);
	p.hnp[0] = own;
	p.hi = HI_NO_CHANGE;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_TIMESTAMP_LOWER);
	CU_ASSERT_EQUAL(bed_counter(&b, "overtaken"), 3);
	/* nothing is on its way any more: whoever insists is believed */
	bed_wait(&b, 32000);
	p = pbu(&b, MAG2);
	p.hnp[0] = own;
	p.hi = HI_NO_CHANGE;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

/* Not where the old MAG has let it go itself, nor where sequence numbers decide. */
static void test_not_overtaken(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_init(&b);
	b.cfg.timestamp_based_approach_in_use = false;
	bed_start(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = pbu(&b, MAG1);
	p.hnp[0] = own;
	p.hi = HI_NO_CHANGE;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_counter(&b, "overtaken"), 0);
	bed_down(&b);
}

static void test_l55_equal(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 10);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_TIMESTAMP_MISMATCH);
	CU_ASSERT_EQUAL(pba_timestamp(&b), lma_clock(&b));
	CU_ASSERT_NOT_EQUAL(pba_timestamp(&b), p.timestamp);
	bed_down(&b);
}

static void test_l55_skew(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	b.skew_ns = -2000000000ll;
	p = pbu(&b, MAG1);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_TIMESTAMP_MISMATCH);
	CU_ASSERT_EQUAL(pba_timestamp(&b), lma_clock(&b));
	b.skew_ns = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED); /* a refused one leaves no trace */
	bed_down(&b);
}

/* RFC 5213 5.5 (6): "sent for that mobile node", whatever the session. */
static void test_per_node(void)
{
	struct bed b;
	struct pbu first, second;

	bed_up(&b);
	first = pbu(&b, MAG1);
	second = pbu(&b, MAG2);
	second.hi = HI_NEW_INTERFACE;
	second.llid[5] = 2;
	CU_ASSERT_EQUAL(bed_send(&b, &second), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_send(&b, &first), PBA_TIMESTAMP_LOWER);
	pbu_again(&b, &first);
	first.hi = HI_NEW_INTERFACE;
	CU_ASSERT_EQUAL(bed_send(&b, &first), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	first = pbu(&b, MAG1); /* another node's clock is its own */
	second = pbu(&b, MAG2);
	second.mnid = "mn2@example.com";
	CU_ASSERT_EQUAL(bed_send(&b, &second), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_send(&b, &first), PBA_ACCEPTED);
	bed_down(&b);
}

static void test_refused_is_not_accepted(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p, q;
	struct bed_pick k;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	q = pbu(&b, MAG1);
	q.hnp[0] = own;
	p = pbu(&b, MAG1); /* newer than q, but refused and, below, ignored */
	pbu_prefix(&p, "2001:db8:999::/64");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_AUTHORIZED_FOR_HNP);
	p = pbu(&b, MAG2);
	p.hnp[0] = own;
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_send(&b, &q), PBA_ACCEPTED);
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT_EQUAL(k.b.timestamp, q.timestamp);
	bed_down(&b);
}

static void test_deregistration_counts(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu late, p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	late = pbu(&b, MAG1);
	late.hnp[0] = own;
	p = pbu(&b, MAG1);
	p.hnp[0] = own;
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_send(&b, &late), PBA_TIMESTAMP_LOWER); /* must not revive it */
	CU_ASSERT(bed_state(&b, "DEREGISTERING"));
	p = pbu(&b, MAG1); /* the number counts as well */
	p.hnp[0] = own;
	p.lifetime = 0;
	p.seq = 9000;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p.has_timestamp = false;
	p.lifetime = 900;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_SEQ_OUT_OF_WINDOW);
	CU_ASSERT_EQUAL(b.pba.ba.seq, 9000);
	bed_down(&b);
}

static struct pbu unstamped(struct bed *b, unsigned mag, uint16_t seq)
{
	struct pbu p = pbu(b, mag);

	p.has_timestamp = false;
	p.seq = seq;
	return p;
}

static void sequence_scheme(struct bed *b)
{
	struct bed_pick k;
	struct pbu p = unstamped(b, MAG1, 60000); /* any to begin with */

	CU_ASSERT_EQUAL(bed_send(b, &p), PBA_ACCEPTED);
	CU_ASSERT_PTR_NULL(mh_opt(&b->pba, MHO_TIMESTAMP));
	p.seq = 60000;
	CU_ASSERT_EQUAL(bed_send(b, &p), PBA_SEQ_OUT_OF_WINDOW);
	CU_ASSERT_EQUAL(b->pba.ba.seq, 60000);
	CU_ASSERT_PTR_NULL(mh_opt(&b->pba, MHO_TIMESTAMP));
	p.seq = 59999;
	CU_ASSERT_EQUAL(bed_send(b, &p), PBA_SEQ_OUT_OF_WINDOW);
	CU_ASSERT_EQUAL(b->pba.ba.seq, 60000); /* the last accepted, not the one sent */
	p.seq = (uint16_t)(60000 + 32768);
	CU_ASSERT_EQUAL(bed_send(b, &p), PBA_SEQ_OUT_OF_WINDOW);
	p.seq = (uint16_t)(60000 + 32767);
	p.src = b->mags[MAG2].addr;
	CU_ASSERT_EQUAL(bed_send(b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b->pba.ba.seq, p.seq);
	CU_ASSERT(bed_binding(b, "mn1@example.com", 0, &k));
	CU_ASSERT_EQUAL(k.b.seq, p.seq);
	CU_ASSERT_EQUAL(k.b.timestamp, 0);
	CU_ASSERT_EQUAL(bed_counter(b, "pba_sequence_out_of_window"), 3);
	/* a late de-registration of the old MAG */
	p = unstamped(b, MAG1, 60001);
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(b, &p), PBA_SEQ_OUT_OF_WINDOW);
	CU_ASSERT(bed_at(b, MAG2));
	/* per session: another interface starts anywhere */
	p = unstamped(b, MAG1, 7);
	p.hi = HI_NEW_INTERFACE;
	p.llid[5] = 2;
	CU_ASSERT_EQUAL(bed_send(b, &p), PBA_ACCEPTED);
}

static void test_l56(void)
{
	struct bed b;

	bed_up(&b); /* the domain uses timestamps, this message has none */
	sequence_scheme(&b);
	bed_down(&b);
}

static void test_l56_domain(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	b.cfg.timestamp_based_approach_in_use = false;
	bed_start(&b);
	sequence_scheme(&b);
	p = pbu(&b, MAG3); /* a timestamp in a domain without: numbers decide, it is returned */
	p.mnid = "mn2@example.com";
	p.timestamp = 5;
	p.seq = 10;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(pba_timestamp(&b), 5);
	p.timestamp = 6;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_SEQ_OUT_OF_WINDOW);
	p.seq = 11;
	p.timestamp = 4;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

static void test_schemes_mix(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.seq = 100;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = unstamped(&b, MAG2, 50); /* the last valid Binding Update's number is 100 */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_SEQ_OUT_OF_WINDOW);
	CU_ASSERT_EQUAL(b.pba.ba.seq, 100);
	p.seq = 101;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = pbu(&b, MAG1); /* and back */
	p.seq = 1;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"L-51 RFC 5213 5.5 (5) with a Timestamp the sequence number is copied only",
		 test_l51},
		{"L-52 RFC 5213 5.5 (6) the window's edges to one part in 65536 of a second",
		 test_l52},
		{"L-53 RFC 5213 5.5 (6) node-generated timestamps need only grow",									   test_l53},
		{"L-54 RFC 5213 5.5 (8) a lower timestamp is refused 157 with our time",			 test_l54},
		{"RFC 5213 5.3.4 'not changed' from the MAG that the node left is refused 157 for 32 s",
		 test_overtaken},
		{"RFC 5213 5.3.4 ... and nowhere else",							test_not_overtaken},
		{"L-55 RFC 5213 5.5 (9) an equal timestamp is refused 156 with our time",
		 test_l55_equal},
		{"L-55 RFC 5213 5.5 (9) a skewed clock is refused 156 with our time",
		 test_l55_skew},
		{"T-7 RFC 5213 5.5 (6) newer than all accepted for that node",	       test_per_node},
		{"RFC 5213 5.5 (6) what was refused or ignored does not count",
		 test_refused_is_not_accepted},
		{"RFC 5213 5.5 (6) a de-registration counts",										  test_deregistration_counts},
		{"L-56 H-8 H-9 H-10 RFC 6275 9.5.1 sequence numbers without a Timestamp",									  test_l56},
		{"L-50 L-56 RFC 5213 9.3 sequence numbers where the domain says so",
		 test_l56_domain},
		{"RFC 6275 9.5.1 the last valid number counts whatever the scheme was",
		 test_schemes_mix},
		{0						      },
	};

	return cu_main("lma ordering", tests, argc, argv);
}
