/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Call flows of RFC 5213 as the RFC draws them, state asserted after each hop. */
#include <string.h>

#include "sim/flows.h"
#include "sim/world.h"

/* One at a time, and large: kept out of the stack. */
static struct world w;

static void begin(struct world_cfg cfg)
{
	world_init(&w, &cfg);
}

static void end(void)
{
	world_check(&w);
	if (w.broken[0])
		CU_FAIL(w.broken);
	CU_ASSERT_STRING_EQUAL(w.broken, "");
	world_free(&w);
}

static void settle(void)
{
	world_run(&w, nsec_from_ms(500));
}

static const char *mag_state(int mag, unsigned node, unsigned iface)
{
	static struct mag_binding b;

	return world_update(&w, mag, node, iface, &b) ? b.state : "";
}

static const char *lma_state(unsigned node, unsigned iface)
{
	static struct lma_binding b;

	return world_binding(&w, node, iface, &b) ? b.state : "";
}

static bool lma_has(unsigned node, unsigned iface, int mag, struct prefix6 *prefix)
{
	struct lma_binding b;

	if (!world_binding(&w, node, iface, &b))
		return false;
	if (prefix)
		*prefix = b.prefixes[0];
	return addr6_eq(&b.proxy_coa, &w.mag[mag].addr);
}

static uint64_t lma_count_of(const char *name)
{
	const struct counter_set s = lma_counters(w.lma.lma);

	return world_counter(&s, name);
}

static uint64_t mag_count_of(int mag, const char *name)
{
	const struct counter_set s = mag_counters(w.mag[mag].mag);

	return world_counter(&s, name);
}

/* RFC 5213 figure 2: attachment */
static void test_attach(void)
{
	begin(world_defaults(1));
	/* MN ~> MAG: attaches; MAG -> LMA: PBU */
	CU_ASSERT_EQUAL(world_attach(&w, 0, 0, 0, HI_RESERVED), 0);
	CU_ASSERT_STRING_EQUAL(mag_state(0, 0, 0), "REGISTERING");
	CU_ASSERT_FALSE(w.mag[0].advert[0][0].on);
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), 0);
	/* LMA: accepts */
	CU_ASSERT(world_step(&w, w.now + NSEC_PER_SEC));
	CU_ASSERT_STRING_EQUAL(lma_state(0, 0), "ACTIVE");
	CU_ASSERT_FALSE(w.mag[0].advert[0][0].on);
	/* LMA -> MAG: PBA; MAG ~> MN: Router Advertisement with the prefix */
	CU_ASSERT(world_step(&w, w.now + NSEC_PER_SEC));
	CU_ASSERT_STRING_EQUAL(mag_state(0, 0, 0), "ACTIVE");
	CU_ASSERT(w.mag[0].advert[0][0].on);
	CU_ASSERT(prefix6_contains(&w.pool.prefix, &w.mag[0].advert[0][0].prefix[0]));
	CU_ASSERT_EQUAL(w.messages, 2);
	end();
}

/* RFC 5213 figure 3: handoff, the old MAG de-registers first */
static void test_handoff(void)
{
	struct prefix6 before, after;

	begin(world_defaults(2));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT(lma_has(0, 0, 0, &before));
	/* MN leaves p-MAG; p-MAG -> LMA: DeReg PBU; LMA -> p-MAG: PBA, delay starts */
	world_detach(&w, 0, 0, true);
	settle();
	CU_ASSERT_STRING_EQUAL(lma_state(0, 0), "DEREGISTERING");
	/* MN at n-MAG; n-MAG -> LMA: PBU; LMA -> n-MAG: PBA with the same prefix */
	world_attach(&w, 0, 0, 1, HI_BETWEEN_MAGS);
	settle();
	CU_ASSERT(lma_has(0, 0, 1, &after));
	CU_ASSERT(prefix6_eq(&before, &after));
	CU_ASSERT_STRING_EQUAL(lma_state(0, 0), "ACTIVE");
	CU_ASSERT(prefix6_eq(&w.mag[1].advert[0][0].prefix[0], &before));
	/* the timer of the old de-registration must not bite the new binding */
	world_run(&w, nsec_from_s(12));
	CU_ASSERT(lma_has(0, 0, 1, NULL));
	end();
}

/* the new MAG's PBU first, the old MAG's de-registration long after */
static void test_late_deregistration(void)
{
	struct prefix6 before, after;

	begin(world_defaults(3));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT(lma_has(0, 0, 0, &before));
	world_move(&w, 0, 0, 1, HI_RESERVED, nsec_from_ms(300));
	settle();
	world_run(&w, nsec_from_s(15));
	CU_ASSERT(lma_has(0, 0, 1, &after));
	CU_ASSERT(prefix6_eq(&before, &after));
	CU_ASSERT_STRING_EQUAL(lma_state(0, 0), "ACTIVE");
	CU_ASSERT_EQUAL(lma_count_of("handovers"), 1);
	CU_ASSERT_EQUAL(lma_count_of("deregistrations"), 0);
	CU_ASSERT_STRING_EQUAL(mag_state(1, 0, 0), "ACTIVE");
	end();
}

static void test_refresh(void)
{
	struct world_cfg cfg = world_defaults(4);

	cfg.lifetime_s = 40;
	begin(cfg);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	world_run(&w, nsec_from_s(400));
	CU_ASSERT_STRING_EQUAL(mag_state(0, 0, 0), "ACTIVE");
	CU_ASSERT_STRING_EQUAL(lma_state(0, 0), "ACTIVE");
	CU_ASSERT(lma_count_of("sessions_extended") >= 10);
	CU_ASSERT_EQUAL(lma_count_of("sessions_created"), 1);
	CU_ASSERT_EQUAL(lma_count_of("expired"), 0);
	end();
}

/* the node is gone when the refresh is due: no extension, but a de-registration */
static void test_refresh_without_node(void)
{
	struct world_cfg cfg = world_defaults(5);

	cfg.lifetime_s = 40;
	begin(cfg);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	world_detach(&w, 0, 0, false);
	world_run(&w, nsec_from_s(60));
	CU_ASSERT_STRING_EQUAL(lma_state(0, 0), "");
	CU_ASSERT_STRING_NOT_EQUAL(mag_state(0, 0, 0), "ACTIVE");
	CU_ASSERT_EQUAL(lma_count_of("sessions_extended"), 0);
	CU_ASSERT_EQUAL(lma_count_of("deregistrations"), 1);
	end();
}

static void test_several_prefixes(void)
{
	struct lma_binding b;
	struct prefix6 set[3];

	begin(world_defaults(6));
	world_attach(&w, 3, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT_FATAL(world_binding(&w, 3, 0, &b));
	CU_ASSERT_EQUAL_FATAL(b.n_prefixes, 3);
	memcpy(set, b.prefixes, sizeof(set));
	world_move(&w, 3, 0, 2, HI_RESERVED, 0);
	settle();
	CU_ASSERT_FATAL(world_binding(&w, 3, 0, &b));
	CU_ASSERT_EQUAL_FATAL(b.n_prefixes, 3);
	CU_ASSERT_EQUAL(memcmp(set, b.prefixes, sizeof(set)), 0);
	CU_ASSERT(lma_has(3, 0, 2, NULL));
	/* one store in the data plane moved them all */
	CU_ASSERT_EQUAL(dp_fake_by_ref(w.lma.dp, b.session)->moves, 1);
	end();
}

/* HI = 1: another interface, a session of its own */
static void test_hi_new_interface(void)
{
	struct prefix6 a, b;

	begin(world_defaults(7));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	world_attach(&w, 0, 1, 1, HI_NEW_INTERFACE);
	settle();
	CU_ASSERT(lma_has(0, 0, 0, &a));
	CU_ASSERT(lma_has(0, 1, 1, &b));
	CU_ASSERT_FALSE(prefix6_eq(&a, &b));
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), 2);
	end();
}

/* HI = 2: the session moves to another interface of the node */
static void test_hi_between_interfaces(void)
{
	struct prefix6 a, b;

	begin(world_defaults(8));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT(lma_has(0, 0, 0, &a));
	world_detach(&w, 0, 0, false);
	world_attach(&w, 0, 1, 1, HI_BETWEEN_INTERFACES);
	settle();
	CU_ASSERT(lma_has(0, 1, 1, &b));
	CU_ASSERT(prefix6_eq(&a, &b));
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), 1);
	end();
}

/* HI = 4 from another interface: held, and taken over when the old MAG de-registers */
static void test_hi_unknown_released(void)
{
	struct prefix6 a, b;

	begin(world_defaults(9));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT(lma_has(0, 0, 0, &a));
	world_attach(&w, 0, 1, 1, HI_UNKNOWN);
	settle();
	CU_ASSERT_EQUAL(lma_count_of("held"), 1);
	CU_ASSERT_STRING_EQUAL(mag_state(1, 0, 1), "REGISTERING");
	world_detach(&w, 0, 0, true);
	settle();
	CU_ASSERT(lma_has(0, 1, 1, &b));
	CU_ASSERT(prefix6_eq(&a, &b));
	CU_ASSERT_STRING_EQUAL(mag_state(1, 0, 1), "ACTIVE");
	CU_ASSERT_EQUAL(lma_count_of("hold_released"), 1);
	end();
}

/* ... and a session of its own when nobody de-registers */
static void test_hi_unknown_timeout(void)
{
	struct prefix6 a, b;

	begin(world_defaults(10));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	world_attach(&w, 0, 1, 1, HI_UNKNOWN);
	world_run(&w, nsec_from_ms(1400));
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), 1);
	CU_ASSERT(lma_count_of("hold_replaced") >= 1); /* the retransmission after 1 s */
	world_run(&w, nsec_from_ms(600));
	CU_ASSERT(lma_has(0, 0, 0, &a));
	CU_ASSERT(lma_has(0, 1, 1, &b));
	CU_ASSERT_FALSE(prefix6_eq(&a, &b));
	CU_ASSERT_EQUAL(lma_count_of("hold_timeout"), 1);
	end();
}

/* without link-layer identifiers the Handoff Indicator alone decides */
static void test_hi_without_llid(void)
{
	struct world_cfg cfg = world_defaults(11);
	struct prefix6 a, b;

	cfg.no_llid = true;
	begin(cfg);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT(lma_has(0, 0, 0, &a));
	world_move(&w, 0, 0, 1, HI_BETWEEN_MAGS, NSEC_NEVER);
	settle();
	CU_ASSERT(lma_has(0, 0, 1, &b));
	CU_ASSERT(prefix6_eq(&a, &b));
	/* unknown: waits for the old MAG */
	world_move(&w, 0, 0, 2, HI_UNKNOWN, nsec_from_ms(700));
	settle();
	CU_ASSERT(lma_has(0, 0, 1, NULL));
	settle();
	CU_ASSERT(lma_has(0, 0, 2, &b));
	CU_ASSERT(prefix6_eq(&a, &b));
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), 1);
	end();
}

static void test_sequence_mode(void)
{
	struct world_cfg cfg = world_defaults(12);
	struct prefix6 a, b;

	cfg.sequence_mode = true;
	begin(cfg);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT(lma_has(0, 0, 0, &a));
	for (int k = 1; k <= 6; k++) {
		world_move(&w, 0, 0, k % SIM_MAGS, HI_RESERVED, 0);
		world_run(&w, nsec_from_s(3));
		CU_ASSERT(lma_has(0, 0, k % SIM_MAGS, &b));
		CU_ASSERT(prefix6_eq(&a, &b));
	}
	/* a MAG that does not know the number learns it from status 135 */
	CU_ASSERT(lma_count_of("pba_sequence_out_of_window") > 0);
	CU_ASSERT(mag_count_of(1, "pba_135_sequence_out_of_window") +
			  mag_count_of(2, "pba_135_sequence_out_of_window") +
			  mag_count_of(0, "pba_135_sequence_out_of_window") >
		  0);
	end();
}

static void test_detach(void)
{
	begin(world_defaults(13));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	world_detach(&w, 0, 0, true);
	/* nothing is forwarded at the MAG any more, at once */
	CU_ASSERT_EQUAL(dp_fake_sessions(w.mag[0].dp), 0);
	CU_ASSERT_FALSE(w.mag[0].advert[0][0].on);
	settle();
	CU_ASSERT_STRING_EQUAL(lma_state(0, 0), "DEREGISTERING");
	world_run(&w, nsec_from_ms(9000));
	CU_ASSERT_STRING_EQUAL(lma_state(0, 0), "DEREGISTERING");
	world_run(&w, nsec_from_ms(1500));
	CU_ASSERT_STRING_EQUAL(lma_state(0, 0), "");
	CU_ASSERT_EQUAL(dp_fake_sessions(w.lma.dp), 0);
	end();
}

const struct cu_test flows_basic[] = {
	{"attach: PBU, PBA, advertisement (RFC 5213 figure 2)", test_attach},
	{"handoff keeps the prefix (RFC 5213 figure 3)", test_handoff},
	{"a late de-registration from the old MAG is harmless", test_late_deregistration},
	{"the binding is refreshed before it expires", test_refresh},
	{"a node that is gone is de-registered instead of refreshed", test_refresh_without_node},
	{"several prefixes move together", test_several_prefixes},
	{"HI 1: a new interface gets a session of its own", test_hi_new_interface},
	{"HI 2: the session moves to another interface", test_hi_between_interfaces},
	{"HI 4: held until the old MAG de-registers", test_hi_unknown_released},
	{"HI 4: a new session after MaxDelayBeforeNewBCEAssign", test_hi_unknown_timeout},
	{"HI 3 and 4 without link-layer identifiers", test_hi_without_llid},
	{"sequence numbers instead of timestamps", test_sequence_mode},
	{"detach drops traffic at once and deletes after MinDelayBeforeBCEDelete", test_detach},
	{0},
};
