/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a MAG makes of answers: matching, echo check, status table. */
#include "mag_harness.h"

#include "mag/mag_int.h"

static void test_rules(void)
{
	const char *fault = fsm_lint(&mag_fsm);

	if (fault)
		printf("%s\n", fault);
	CU_ASSERT_PTR_NULL(fault);
	CU_ASSERT_EQUAL(mag_fsm.n_states, MST_MAX);
	CU_ASSERT_EQUAL(mag_fsm.n_events, MEV_MAX);
}

static void test_every_state_leaves(void)
{
	/* whoever has a place on a link can lose it */
	static const uint8_t here[] = {MST_REGISTERING, MST_ACTIVE, MST_VERIFYING, MST_REFRESHING, MST_STALLED,
				       MST_BACKOFF, MST_ROLLBACK, MST_REJECTED, MST_BARRED};
	static const uint8_t events[] = {MEV_DETACH, MEV_MOVED, MEV_SUPERSEDED};
	size_t i, j, r;

	for (i = 0; i < sizeof(here); i++) {
		for (j = 0; j < sizeof(events); j++) {
			bool found = false;

			for (r = 0; r < mag_fsm.n_rules; r++)
				found |= mag_fsm.rules[r].state == here[i] &&
					 mag_fsm.rules[r].event == events[j] && !mag_fsm.rules[r].guard;
			CU_ASSERT_TRUE(found);
		}
	}
}

static void test_source(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	answer(b, &(struct reply){.from = "2001:db8:bad::1"});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_source"), 1);
	/* configured, but not the one that was asked */
	answer(b, &(struct reply){.from = "2001:db8:2::2"});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_unmatched"), 1);
	answer(b, &(struct reply){.at = "2001:db8:1::99"});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_destination"), 1);
	answer(b, &(struct reply){.not_proxy = true});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_not_proxy"), 1);
	answer(b, &(struct reply){.no_mnid = true});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_no_mn_id"), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(counter(b, "pba_received"), 5);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	bench_free(b);
}

static void test_match(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	/* the answer to the first transmission is late */
	answer(b, &(struct reply){.to = &b->sent[0]});
	answer(b, &(struct reply){.seq = last_sent(b)->msg.bu.seq + 77});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_unmatched"), 2);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	/* the same once more: nothing is open */
	accept_it(b);
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_unmatched"), 3);
	CU_ASSERT_EQUAL(b->ups, 1);
	bench_free(b);
}

static void test_match_interfaces(void)
{
	struct bench *b = bench_up();
	struct mnid id = NAI("mn1@example.com");
	struct mag_attachment a1 = attachment(7, 1), a2 = attachment(8, 2);

	a1.mnid = a2.mnid = &id;
	mag_attach(b->m, &a1, b->now);
	mag_attach(b->m, &a2, b->now);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	answer(b, &(struct reply){.to = &b->sent[1], .prefix = {HNP2}});
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_TRUE(in_state(b, 2, "ACTIVE"));
	answer(b, &(struct reply){.to = &b->sent[0], .prefix = {HNP1}});
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.ifindex, 7);
	CU_ASSERT_EQUAL(forwarding(b, HNP2)->down.ifindex, 8);
	bench_free(b);
}

static void check_mismatch(const struct reply *r, const char *name)
{
	struct bench *b = bench_up();
	struct mag_attachment a = attachment(7, 1);

	attach(b, 7, 1);
	answer(b, r);
	CU_ASSERT_EQUAL(counter(b, name), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
	/* neither time nor the node brings another PBU */
	run_ms(b, 300000);
	CU_ASSERT_EQUAL(attach(b, 7, 1), -EPERM);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	/* an operator does */
	a.cause = MAG_CAUSE_CONTROL;
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	bench_free(b);
}

static void test_mismatch(void)
{
	struct mac other = MAC(99);

	check_mismatch(&(struct reply){.hi = HI_BETWEEN_MAGS}, "pba_ignored_handoff_differs");
	check_mismatch(&(struct reply){.att = ATT_ETHERNET}, "pba_ignored_att_differs");
	check_mismatch(&(struct reply){.llid = &other}, "pba_ignored_llid_differs");
	check_mismatch(&(struct reply){.mnid = "mn9@example.com"}, "pba_ignored_mn_id_differs");
	/* a rejection that does not echo is ignored as well (T-21) */
	check_mismatch(&(struct reply){.status = 129, .hi = 1}, "pba_ignored_handoff_differs");
}

static void test_mismatch_reattach(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	answer(b, &(struct reply){.att = ATT_ETHERNET});
	/* leaving and coming back at once does not lift it, a while later it does */
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(attach(b, 7, 1), -EPERM);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	run_ms(b, 32000);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

static void test_mismatch_refresh(void)
{
	struct bench *b = bench_active();
	struct mag_attachment a = attachment(7, 1);

	b->confirm_at_once = true;
	run_ms(b, 2700000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	answer(b, &(struct reply){.hi = HI_UNKNOWN});
	/* ignored: the standing binding serves on, but nothing more is sent */
	CU_ASSERT_TRUE(in_state(b, 1, "STALLED"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	run_ms(b, 899000);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	run_ms(b, 2000);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_TRUE(last_call(b, CALL_WITHDRAW)->deprecate);
	a.cause = MAG_CAUSE_CONTROL;
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
	accept_it(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	bench_free(b);
}

static void test_bare_answer(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	answer(b, &(struct reply){.bare = true});
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	bench_free(b);
}

static void test_any_rejection_ends_service(void)
{
	unsigned status;

	for (status = 128; status < 256; status++) {
		struct bench *b = bench_active();
		struct call *c;

		b->confirm_at_once = true;
		run_ms(b, 2700000);
		CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
		if (status == PBA_SEQ_OUT_OF_WINDOW) {
			/* with timestamps it is no answer: the request stays open */
			answer_status(b, (uint8_t)status);
			CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
			CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
			CU_ASSERT_EQUAL(counter(b, "pba_ignored_unmatched"), 1);
			bench_free(b);
			continue;
		}
		b->n_calls = 0;
		answer(b, &(struct reply){.status = (uint8_t)status, .clock_ms = 5000});
		CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
		/* 163 is answered with a key: a half without addresses */
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), status == PBA_GRE_KEY_REQUIRED);
		CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
		CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
		CU_ASSERT_EQUAL_FATAL(calls(b, CALL_WITHDRAW), 1);
		c = &b->call[0];
		/* these two leave the node its addresses for the next round trip */
		CU_ASSERT_EQUAL(c->deprecate, status != PBA_TIMESTAMP_LOWER && status != PBA_GRE_KEY_REQUIRED);
		CU_ASSERT_EQUAL(b->downs, 1);
		CU_ASSERT_EQUAL(b->refusals, 1);
		bench_free(b);
	}
}

static void test_any_acceptance_counts(void)
{
	static const char *const known[] = {"pba_0_accepted", "pba_1_accepted_prefix_discovery",
					    "pba_2_gre_key_option_not_required", "pba_3_gre_without_tlv_header"};
	unsigned status;

	for (status = 0; status < 128; status++) {
		struct bench *b = bench_up();

		attach(b, 7, 1);
		answer_status(b, (uint8_t)status);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		CU_ASSERT_EQUAL(shown(b, 1).b.last_status, status);
		CU_ASSERT_EQUAL(counter(b, status < ARRAY_SIZE(known) ? known[status] : "pba_other_accepted"), 1);
		bench_free(b);
	}
}

struct status_case {
	uint8_t status;
	const char *counter;
	const char *state;
	bool teardown;
};

static void test_status_table(void)
{
	// clang-format off
	static const struct status_case cases[] = {
		{128, "pba_128_reason_unspecified",              "BACKOFF",     false},
		{129, "pba_129_administratively_prohibited",     "BARRED",      true},
		{130, "pba_130_insufficient_resources",          "BACKOFF",     false},
		{131, "pba_131_home_reg_not_supported",          "REJECTED",    true},
		{132, "pba_132_not_home_subnet",                 "REJECTED",    true},
		{133, "pba_133_not_home_agent",                  "REJECTED",    true},
		{134, "pba_134_dad_failed",                      "REJECTED",    true},
		{151, "pba_151_service_authorization_failed",    "REJECTED",    true},
		{152, "pba_152_proxy_reg_not_enabled",           "BARRED",      true},
		{153, "pba_153_not_lma_for_this_mn",             "REJECTED",    true},
		{154, "pba_154_mag_not_authorized",              "REJECTED",    true},
		{155, "pba_155_not_authorized_for_hnp",          "REJECTED",    true},
		{156, "pba_156_timestamp_mismatch",              "REGISTERING", false},
		{157, "pba_157_timestamp_lower",                 "REGISTERING", false},
		{158, "pba_158_missing_hnp",                     "REJECTED",    true},
		{159, "pba_159_prefix_set_mismatch",             "REJECTED",    true},
		{160, "pba_160_missing_mn_id",                   "REJECTED",    true},
		{161, "pba_161_missing_handoff_indicator",       "REJECTED",    true},
		{162, "pba_162_missing_access_tech_type",        "REJECTED",    true},
		{163, "pba_163_gre_key_option_required",         "REGISTERING", false},
		{170, "pba_170_not_authorized_for_ipv4",         "BARRED",      true},
		{171, "pba_171_not_authorized_for_ipv4_hoa",     "REJECTED",    true},
		{172, "pba_172_not_authorized_for_ipv6",         "BARRED",      true},
		{173, "pba_173_multiple_ipv4_hoa",               "REJECTED",    true},
		{255, "pba_other_rejected",                      "REJECTED",    true},
	};
	// clang-format on
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench *b = bench_up();

		attach(b, 7, 1);
		answer_status(b, cases[i].status);
		CU_ASSERT_EQUAL(counter(b, cases[i].counter), 1);
		CU_ASSERT_TRUE(in_state(b, 1, cases[i].state));
		CU_ASSERT_EQUAL(calls(b, CALL_TEARDOWN), cases[i].teardown);
		CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
		CU_ASSERT_STRING_EQUAL(b->last_cause, pba_status_name(cases[i].status));
		bench_free(b);
	}
}

static void test_denied(void)
{
	struct bench *b = bench_up();
	struct mag_attachment a = attachment(7, 1);
	struct mnid id = NAI("02-00-00-00-00-01@example.com");

	attach(b, 7, 1);
	answer_status(b, PBA_PROXY_REG_NOT_ENABLED);
	run_ms(b, 3600000);
	CU_ASSERT_EQUAL(attach(b, 7, 1), -EPERM);
	CU_ASSERT_EQUAL(counter(b, "attach_quiet"), 1);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	a.cause = MAG_CAUSE_CONTROL;
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	answer_status(b, PBA_PROXY_REG_NOT_ENABLED);
	/* an operator's detach forgets it */
	CU_ASSERT_EQUAL(mag_detach_mnid(b->m, &id, MAG_CAUSE_CONTROL, b->now), 0);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	bench_free(b);
}

static void test_quiet(void)
{
	struct bench *b = bench_up();
	unsigned i;

	attach(b, 7, 1);
	answer_status(b, PBA_MAG_NOT_AUTHORIZED);
	for (i = 0; i < 31; i++) {
		CU_ASSERT_EQUAL(attach(b, 7, 1), -EPERM);
		detach_node(b, 7, 1);
		run_ms(b, 1000);
	}
	CU_ASSERT_EQUAL(b->n_sent, 1);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

static void test_155(void)
{
	struct bench *b = bench_new();
	struct profile p = {.enabled = true, .local_routing = -1, .n_prefixes = 1};

	p.prefixes[0] = PREFIX(HNP2);
	add_profile(b, &p, "mn1@example.com", 1);
	bench_start(b);
	attach(b, 7, 1);
	CU_ASSERT_FALSE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_HNP);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 1);
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	/* a retransmission does not fall back */
	run_ms(b, 1000);
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	/* nothing left to ask for */
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_HNP);
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED"));
	CU_ASSERT_EQUAL(b->n_sent, 3);
	bench_free(b);
}

static void test_159_refresh(void)
{
	struct bench *b = bench_active();

	b->confirm_at_once = true;
	run_ms(b, 2700000);
	answer_status(b, PBA_PREFIX_SET_MISMATCH);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	CU_ASSERT_PTR_NOT_NULL(mh_opt(&last_sent(b)->msg, MHO_MN_LLID));
	answer(b, &(struct reply){.prefix = {HNP3}});
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP3));
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	bench_free(b);
}

static int64_t offset_seen;

static void lma_cb(void *ctx, const struct mag_lma_info *i)
{
	if (!strcmp(i->name, "lma1"))
		offset_seen = i->clock_offset_ms;
}

static void test_156(void)
{
	struct bench *b = bench_up();
	uint64_t ours;

	attach(b, 7, 1);
	answer(b, &(struct reply){.status = PBA_TIMESTAMP_MISMATCH, .clock_ms = -5000});
	CU_ASSERT_EQUAL(counter(b, "clock_skew"), 1);
	mag_walk_lmas(b->m, lma_cb, NULL);
	CU_ASSERT(offset_seen <= -4999 && offset_seen >= -5001);
	/* slowly, and with our own time */
	run_ms(b, 31999);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	run_ms(b, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	ours = timestamp_from_wallclock(bench_wallclock(b));
	CU_ASSERT_EQUAL(mh_opt(&last_sent(b)->msg, MHO_TIMESTAMP)->timestamp, ours);
	answer(b, &(struct reply){.status = PBA_TIMESTAMP_MISMATCH, .clock_ms = 350});
	mag_walk_lmas(b->m, lma_cb, NULL);
	CU_ASSERT(offset_seen >= 349 && offset_seen <= 350);
	run_ms(b, 63999);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	run_ms(b, 1);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	bench_free(b);
}

/* The request lay in a queue for longer than the LMA's window; no clock is wrong. */
static void test_156_late(void)
{
	struct bench *b = bench_up();
	uint64_t first, ours;
	unsigned i;

	attach(b, 7, 1);
	first = mh_opt(&last_sent(b)->msg, MHO_TIMESTAMP)->timestamp;
	run_ms(b, 400);
	answer_status(b, PBA_TIMESTAMP_MISMATCH);
	CU_ASSERT_EQUAL(counter(b, "clock_skew"), 0);
	CU_ASSERT_EQUAL(counter(b, "timestamp_late"), 1);
	/* at once, with the time of now */
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	ours = timestamp_from_wallclock(bench_wallclock(b));
	CU_ASSERT_EQUAL(mh_opt(&last_sent(b)->msg, MHO_TIMESTAMP)->timestamp, ours);
	CU_ASSERT_NOT_EQUAL(first, ours);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	/* bounded, and then as after 130: 4 s, not a clock's 32 s */
	attach(b, 7, 2);
	for (i = 0; i < 10 && in_state(b, 2, "REGISTERING"); i++) {
		answer_status(b, PBA_TIMESTAMP_MISMATCH);
		run_ms(b, 400);
	}
	CU_ASSERT_EQUAL(i, 4);
	CU_ASSERT_TRUE(in_state(b, 2, "BACKOFF"));
	i = (unsigned)b->n_sent;
	run_ms(b, 3599);
	CU_ASSERT_EQUAL(b->n_sent, i);
	run_ms(b, 1);
	CU_ASSERT_EQUAL(b->n_sent, i + 1);
	bench_free(b);
}

/* 300 ms, the default of TimestampValidityWindow, is where the clocks begin to differ. */
static void test_156_edges(void)
{
	static const struct {
		int64_t ms;
		bool late;
	} cases[] = {{299, true}, {-299, true}, {302, false}, {-302, false}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench *b = bench_up();

		attach(b, 7, 1);
		answer(b, &(struct reply){.status = PBA_TIMESTAMP_MISMATCH, .clock_ms = cases[i].ms});
		CU_ASSERT_EQUAL(counter(b, "timestamp_late"), cases[i].late);
		CU_ASSERT_EQUAL(counter(b, "clock_skew"), !cases[i].late);
		CU_ASSERT_TRUE(in_state(b, 1, cases[i].late ? "REGISTERING" : "BACKOFF"));
		bench_free(b);
	}
}

/* A rejection ends service all the same; a refresh is repeated under its prefix, for a node that is
 * here. A de-registration is repeated too, or the LMA keeps a binding of nobody. */
static void test_156_late_refresh(void)
{
	struct bench *b = bench_active();

	b->confirm_at_once = true;
	run_ms(b, 2700000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	answer_status(b, PBA_TIMESTAMP_MISMATCH);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_NO_CHANGE);
	CU_ASSERT_FALSE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	accept_it(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	run_ms(b, 2700000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 4);
	b->attached = false;
	answer_status(b, PBA_TIMESTAMP_MISMATCH);
	CU_ASSERT_EQUAL(b->n_sent, 4);
	CU_ASSERT_TRUE(in_state(b, 1, "BACKOFF"));
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 5);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	run_ms(b, 400);
	answer_status(b, PBA_TIMESTAMP_MISMATCH);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 6);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	bench_free(b);
}

static void test_157(void)
{
	struct bench *b = bench_active();
	unsigned i;

	b->confirm_at_once = true;
	run_ms(b, 2700000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	answer_status(b, PBA_TIMESTAMP_LOWER);
	/* at once, still its own prefix */
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_EQUAL(last_sent(b)->at, b->now);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_BETWEEN_MAGS);
	CU_ASSERT_FALSE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	CU_ASSERT_NOT_EQUAL(mh_opt(&b->sent[2].msg, MHO_TIMESTAMP)->timestamp,
			    mh_opt(&b->sent[1].msg, MHO_TIMESTAMP)->timestamp);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	/* not without end */
	attach(b, 7, 2);
	for (i = 0; i < 10 && in_state(b, 2, "REGISTERING"); i++) {
		answer_status(b, PBA_TIMESTAMP_LOWER);
		run_ms(b, 1000);
	}
	CU_ASSERT_EQUAL(i, 4);
	CU_ASSERT_TRUE(in_state(b, 2, "BACKOFF"));
	bench_free(b);
}

/* what overtook the refresh may be the node's registration elsewhere */
static void test_157_moved(void)
{
	struct bench *b = bench_active();

	b->confirm_at_once = true;
	run_ms(b, 2700000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	b->confirm_at_once = false;
	b->n_calls = 0;
	answer_status(b, PBA_TIMESTAMP_LOWER);
	CU_ASSERT_TRUE(in_state(b, 1, "REASSERTING"));
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	/* it is not here: given up, not asserted */
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	bench_free(b);
}

/* The registration lay in a queue while the node went on to another MAG and was registered there. */
static void test_157_late(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	run_ms(b, 99);
	answer_status(b, PBA_TIMESTAMP_LOWER);
	CU_ASSERT_EQUAL(b->n_sent, 2); /* prompt: asserted at once */
	run_ms(b, 100);
	answer_status(b, PBA_TIMESTAMP_LOWER);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REASSERTING"));
	run_ms(b, 3000);
	confirm(b, 7, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	run_ms(b, 200);
	answer_status(b, PBA_TIMESTAMP_LOWER);
	CU_ASSERT_TRUE(in_state(b, 1, "REASSERTING"));
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 4);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	/* a link that never answers does not keep it for ever */
	attach(b, 7, 2);
	run_ms(b, 200);
	answer_status(b, PBA_TIMESTAMP_LOWER);
	CU_ASSERT_TRUE(in_state(b, 2, "REASSERTING"));
	run_ms(b, 31999);
	CU_ASSERT_TRUE(in_state(b, 2, "REASSERTING"));
	run_ms(b, 1);
	CU_ASSERT_TRUE(in_state(b, 2, "DEREGISTERING"));
	bench_free(b);
}

static void test_157_twice(void)
{
	struct bench *b = bench_active();
	unsigned round, i;

	b->confirm_at_once = true;
	/* the bound is on one exchange, not on the session */
	for (round = 0; round < 2; round++) {
		run_ms(b, 2700000);
		for (i = 0; i < 3; i++) {
			answer_status(b, PBA_TIMESTAMP_LOWER);
			run_ms(b, 500);
		}
		CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
		accept_it(b);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	}
	bench_free(b);
}

static void test_130_later(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	run_ms(b, 3999);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	run_ms(b, 1);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	run_ms(b, 7999);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	/* gone meanwhile: no more */
	b->attached = false;
	run_ms(b, 100000);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	bench_free(b);
}

static void test_lifetime_counting(void)
{
	struct bench *b = bench_up();
	nsec_t sent;

	attach(b, 7, 1);
	sent = b->now;
	run_ms(b, 900);
	/* max(L_remain - (L_update - L_ack), 0), from the sending time */
	answer(b, &(struct reply){.lifetime_s = 100});
	CU_ASSERT_EQUAL(shown(b, 1).b.lifetime_s, 100);
	CU_ASSERT_EQUAL(shown(b, 1).b.remaining_s, 99);
	run_to(b, sent + nsec_from_s(75) - 1);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	run_to(b, sent + nsec_from_s(75));
	CU_ASSERT_TRUE(in_state(b, 1, "VERIFYING"));
	bench_free(b);
}

static void test_lifetime_not_longer(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	answer(b, &(struct reply){.lifetime_s = 40000});
	CU_ASSERT_EQUAL(shown(b, 1).b.lifetime_s, 3600);
	bench_free(b);
}

static void test_no_lifetime(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	answer(b, &(struct reply){.no_lifetime = true});
	CU_ASSERT_EQUAL(counter(b, "pba_zero_lifetime"), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
}

static void test_advice(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	answer(b, &(struct reply){.advice_s = 60});
	run_ms(b, 59999);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	run_ms(b, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "VERIFYING"));
	bench_free(b);

	/* advice that is not shorter than the lifetime is none */
	b = bench_up();
	attach(b, 7, 1);
	answer(b, &(struct reply){.lifetime_s = 100, .advice_s = 100});
	run_ms(b, 75000);
	CU_ASSERT_TRUE(in_state(b, 1, "VERIFYING"));
	bench_free(b);
}

static void test_bad_prefixes(void)
{
	static const char *const bad[] = {"::/0", "fe80::/64", "ff02::/64", "2001:db8::1/128"};
	struct bench *b = bench_up();
	struct reply many = {0};
	char text[DP_PREFIXES_MAX + 1][32];
	size_t i;

	attach(b, 7, 1);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		answer(b, &(struct reply){.prefix = {HNP1, bad[i]}});
	answer(b, &(struct reply){.no_prefix = true});
	for (i = 0; i <= DP_PREFIXES_MAX; i++) {
		snprintf(text[i], sizeof(text[i]), "2001:db8:100:%x::/64", (unsigned)i + 1);
		many.prefix[i] = text[i];
	}
	answer(b, &many);
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_prefixes"), ARRAY_SIZE(bad) + 2);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	/* the request is still open */
	answer(b, &(struct reply){.prefix = {HNP1, HNP1, HNP2}, .host_bits = true});
	CU_ASSERT_EQUAL(shown(b, 1).b.n_prefixes, 2);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP2));
	bench_free(b);
}

static void test_link_local(void)
{
	struct bench *b = bench_new();
	const struct mh_opt *o;
	struct in6_addr given = ADDR("fe80::1234");

	memset(&b->cfg.fixed_mag_link_local_address_on_all_access_links, 0, 16);
	bench_start(b);
	attach(b, 7, 1);
	o = mh_opt(&last_sent(b)->msg, MHO_LINK_LOCAL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_TRUE(addr6_is_zero(&o->addr));
	answer(b, &(struct reply){.link_local = "fe80::1234"});
	CU_ASSERT_TRUE(addr6_eq(&last_call(b, CALL_LINK_LOCAL)->ll, &given));
	CU_ASSERT_EQUAL(last_call(b, CALL_LINK_LOCAL)->node.ifindex, 7);
	CU_ASSERT_TRUE(addr6_eq(&last_call(b, CALL_ADVERTISE)->ll, &given));
	CU_ASSERT_EQUAL(b->n_sent, 1);
	/* the same option set in a re-registration, with the address in use */
	b->confirm_at_once = true;
	run_ms(b, 2700000);
	o = mh_opt(&last_sent(b)->msg, MHO_LINK_LOCAL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_TRUE(addr6_eq(&o->addr, &given));
	accept_it(b);
	CU_ASSERT_EQUAL(calls(b, CALL_LINK_LOCAL), 1);
	bench_free(b);
}

static void test_link_local_conflict(void)
{
	struct bench *b = bench_new();
	struct mac mac = MAC(1);
	struct in6_addr nodes = mac_linklocal(&mac), mine;
	char text[ADDR6_STRLEN];
	struct link_node n = node_at(7, 1);

	memset(&b->cfg.fixed_mag_link_local_address_on_all_access_links, 0, 16);
	bench_start(b);
	attach(b, 7, 1);
	/* the LMA hands out what the node derives from its MAC */
	answer(b, &(struct reply){.link_local = addr6_str(&nodes, text)});
	CU_ASSERT_EQUAL(counter(b, "link_local_conflict"), 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	mine = mh_opt(&last_sent(b)->msg, MHO_LINK_LOCAL)->addr;
	CU_ASSERT_TRUE(addr6_is_linklocal(&mine));
	CU_ASSERT_FALSE(addr6_eq(&mine, &nodes));
	CU_ASSERT_TRUE(addr6_eq(&last_call(b, CALL_LINK_LOCAL)->ll, &mine));
	CU_ASSERT_TRUE(addr6_eq(&last_call(b, CALL_ADVERTISE)->ll, &mine));
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_NO_CHANGE);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	/* the access link finds the node using ours */
	mag_link_local_in_use(b->m, &n, &mine, b->now);
	CU_ASSERT_EQUAL(counter(b, "link_local_conflict"), 2);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_FALSE(addr6_eq(&mh_opt(&last_sent(b)->msg, MHO_LINK_LOCAL)->addr, &mine));
	/* somebody else's address is no conflict */
	mag_link_local_in_use(b->m, &n, &mine, b->now);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	bench_free(b);
}

static void test_link_local_missing(void)
{
	struct bench *b = bench_new();

	memset(&b->cfg.fixed_mag_link_local_address_on_all_access_links, 0, 16);
	bench_start(b);
	attach(b, 7, 1);
	answer(b, &(struct reply){.link_local = "::"});
	CU_ASSERT_EQUAL(counter(b, "link_local_made"), 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	/* once, even when the LMA does not take it */
	answer(b, &(struct reply){.link_local = "::"});
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	bench_free(b);
}

static void test_link_local_fixed(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	CU_ASSERT_PTR_NULL(mh_opt(&last_sent(b)->msg, MHO_LINK_LOCAL));
	answer(b, &(struct reply){.link_local = "fe80::1234"});
	CU_ASSERT_EQUAL(calls(b, CALL_LINK_LOCAL), 0);
	CU_ASSERT_TRUE(addr6_eq(&last_call(b, CALL_ADVERTISE)->ll,
				&b->cfg.fixed_mag_link_local_address_on_all_access_links));
	bench_free(b);
}

static void receive(struct bench *b, const char *from, struct mh_msg *m)
{
	struct packet pkt = {.src = ADDR(from), .dst = b->cfg.proxy_coa};

	mag_receive(b->m, &pkt, m, b->now);
}

static void test_brr(void)
{
	struct bench *b = bench_active();
	struct mh_msg m = {.type = MH_BRR};

	b->confirm_at_once = true;
	receive(b, "2001:db8:2::1", &m);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	mh_opt_add(&m, MHO_MN_ID)->mnid = NAI("02-00-00-00-00-01@example.com");
	receive(b, "2001:db8:2::2", &m);
	receive(b, "2001:db8:bad::1", &m);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(counter(b, "brr_ignored"), 3);
	receive(b, "2001:db8:2::1", &m);
	CU_ASSERT_EQUAL(counter(b, "brr_received"), 1);
	/* presence first, then the refresh */
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_NO_CHANGE);
	/* one is open already */
	receive(b, "2001:db8:2::1", &m);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

static void test_be(void)
{
	struct bench *b = bench_up();
	struct mh_msg m = {.type = MH_BE, .be = {.status = BE_UNKNOWN_MH_TYPE}};
	struct mh_msg other = {.type = MH_BU};

	attach(b, 7, 1);
	receive(b, "2001:db8:2::1", &m);
	receive(b, "2001:db8:bad::1", &m);
	receive(b, "2001:db8:2::1", &other);
	CU_ASSERT_EQUAL(counter(b, "be_received"), 1);
	CU_ASSERT_EQUAL(counter(b, "be_ignored"), 1);
	CU_ASSERT_EQUAL(counter(b, "unexpected_message"), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	bench_free(b);
}

static struct mag_lma_info info_of[2];

static void info_cb(void *ctx, const struct mag_lma_info *i)
{
	info_of[!strcmp(i->name, "lma2")] = *i;
}

static void test_lma_counters(void)
{
	struct bench *b = bench_active();

	attach(b, 7, 2);
	answer_status(b, 154);
	mag_walk_lmas(b->m, info_cb, NULL);
	CU_ASSERT_EQUAL(info_of[0].pbu_sent, 2);
	CU_ASSERT_EQUAL(info_of[0].pba_received, 2);
	CU_ASSERT_EQUAL(info_of[0].pba_rejected, 1);
	CU_ASSERT_EQUAL(info_of[0].bindings, 1);
	CU_ASSERT_EQUAL(info_of[1].pbu_sent, 0);
	CU_ASSERT_TRUE(mag_knows_lma(b->m, &b->lmas[1].addr));
	CU_ASSERT_FALSE(mag_knows_lma(b->m, &b->cfg.proxy_coa));
	CU_ASSERT_TRUE(mag_serves_addr(b->m, &b->cfg.proxy_coa));
	bench_free(b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"the rule table is consistent and every rule cites its clause", test_rules},
		{"every state with a node on a link takes detach, move and supersession", test_every_state_leaves},
		{"G-10 (RFC 5213 6.9.1.2 items 1 and 2): only proxy answers from the asked LMA to us are heard", test_source},
		{"G-11 (RFC 5213 6.9.1.2 item 5): an answer that matches no open request is ignored", test_match},
		{"G-11 (RFC 5213 6.9.1.2 item 5): the number tells two interfaces of a node apart", test_match_interfaces},
		{"G-12 T-21 (RFC 5213 6.9.1.2 item 6): an answer that does not echo is ignored and ends retransmission", test_mismatch},
		{"G-12 (RFC 5213 6.9.1.2 item 6): a new attachment lifts it, after the quiet time", test_mismatch_reattach},
		{"G-12 (RFC 5213 6.9.1.2 item 6): a standing binding serves on until it expires", test_mismatch_refresh},
		{"G-12 (RFC 5213 6.9.1.2 item 6): an option left out is no contradiction", test_bare_answer},
		{"G-13 T-19 (RFC 5213 6.9.1.2 item 11): every status from 128 ends forwarding and advertisement", test_any_rejection_ends_service},
		{"G-14 (RFC 6275 11.7.3): every status below 128 is an acceptance", test_any_acceptance_counts},
		{"G-13 (RFC 5213 8.9): each status has its counter and its consequence", test_status_table},
		{"G-13 (RFC 5213 6.9.1.2 item 7): 152 waits for administrative action", test_denied},
		{"G-13 (RFC 5213 6.9.1.2 item 11): a rejected node's triggers go unheard for a while", test_quiet},
		{"G-13 (RFC 5213 6.9.1.2 item 10): 155 asks once for any prefix, never again for the same", test_155},
		{"G-13 (RFC 5213 8.9): 159 to a refresh asks the LMA for the set it has", test_159_refresh},
		{"G-13 (RFC 5213 6.9.1.2 item 9): 156 is reported and retried slowly with our own time", test_156},
		{"G-13 (RFC 5213 6.9.1.2 item 9): 156 while the clocks agree is repeated at once, bounded", test_156_late},
		{"G-13 (RFC 5213 9.1): beyond 300 ms the clocks are to blame, up to there the way", test_156_edges},
		{"G-13 (RFC 5213 6.9.1.2 items 9, 11): a late refresh ends service until it is repeated", test_156_late_refresh},
		{"G-13 (RFC 5213 6.9.1.2 item 8): 157 registers again at once, a bounded number of times", test_157},
		{"G-13 G-21 (RFC 5213 6.9.1.2 item 8): 157 to a refresh registers again only who is here", test_157_moved},
		{"G-13 G-21 (RFC 5213 6.9.1.2 item 8): a late 157 registers again only who is here", test_157_late},
		{"G-13 (RFC 5213 6.9.1.2 item 8): the bound on 157 starts anew with an acceptance", test_157_twice},
		{"G-13 (RFC 6275 11.7.3): 130 is retried later, if the node is still there", test_130_later},
		{"G-16 (RFC 6275 11.7.3): the lifetime counts from the sending time of the PBU", test_lifetime_counting},
		{"G-16 (RFC 6275 11.7.3): never longer than asked for", test_lifetime_not_longer},
		{"G-16 (RFC 6275 11.7.3): accepted for no time is no service", test_no_lifetime},
		{"G-16 (RFC 6275 11.7.3): Binding Refresh Advice below the lifetime is followed", test_advice},
		{"G-14 (RFC 5213 5.3.6): an acceptance without usable prefixes answers nothing", test_bad_prefixes},
		{"G-15 (RFC 5213 6.9.1.1 item 9): the LMA's link-local address is asked for, configured and kept", test_link_local},
		{"G-15 (RFC 5213 6.9.1.2 item 15): one that the node uses is replaced and uploaded", test_link_local_conflict},
		{"G-15 (RFC 5213 6.9.1.2 item 15): without one from the LMA one is made and uploaded once", test_link_local_missing},
		{"G-15 (RFC 5213 6.9.1.1 item 9): with a fixed address the option is neither sent nor heeded", test_link_local_fixed},
		{"H-12 (RFC 6275 11.7.4): a BRR that names a node verifies and refreshes it at once", test_brr},
		{"H-6 (RFC 6275 9.3.3): Binding Errors and strange messages are counted, no more", test_be},
		{"counters per LMA", test_lma_counters},
		{0},
	};
	return cu_main("mag pba", tests, argc, argv);
}
