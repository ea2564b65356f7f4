/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a MAG asks for, and at what pace. */
#include "mag_harness.h"

static void test_first_pbu(void)
{
	/* options in the order of RFC 5213 8; node 02:00:00:00:00:01, Wi-Fi, 3600 s */
	static const uint8_t order[] = {MHO_MN_ID, MHO_HNP, MHO_HANDOFF_IND, MHO_ATT, MHO_MN_LLID,
					MHO_TIMESTAMP};
	struct bench *b = bench_up();
	const struct mh_msg *q;
	char id[64];
	size_t i;

	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
	q = &b->sent[0].msg;
	CU_ASSERT_TRUE(addr6_eq(&b->sent[0].src, &b->cfg.proxy_coa));
	CU_ASSERT_TRUE(addr6_eq(&b->sent[0].dst, &b->lmas[0].addr));
	CU_ASSERT_EQUAL(q->type, MH_BU);
	CU_ASSERT_EQUAL(q->bu.flags, MH_BU_A | MH_BU_P);
	CU_ASSERT_EQUAL(q->bu.lifetime, 900);
	CU_ASSERT_EQUAL_FATAL(q->n_opts, sizeof(order));
	for (i = 0; i < sizeof(order); i++)
		CU_ASSERT_EQUAL(q->opt[i].type, order[i]);
	CU_ASSERT_STRING_EQUAL(mnid_str(&q->opt[0].mnid, id, sizeof(id)), "02-00-00-00-00-01@example.com");
	CU_ASSERT_EQUAL(q->opt[0].mnid.subtype, MNID_NAI);
	CU_ASSERT_TRUE(prefix6_is_zero(&q->opt[1].hnp.prefix));
	CU_ASSERT_EQUAL(q->opt[2].value, HI_UNKNOWN);
	CU_ASSERT_EQUAL(q->opt[3].value, ATT_WIFI);
	CU_ASSERT_EQUAL(q->opt[4].llid.len, 6);
	CU_ASSERT_EQUAL(q->opt[4].llid.id[5], 1);
	CU_ASSERT_EQUAL(q->opt[5].timestamp, timestamp_from_wallclock(bench_wallclock(b)));
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	CU_ASSERT_EQUAL(counter(b, "pbu_sent"), 1);
	/* the same trigger again changes nothing */
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	bench_free(b);
}

static void test_identity(void)
{
	struct bench *b = bench_new();
	struct profile p = {.enabled = true, .local_routing = -1};
	struct profile off = {.enabled = false, .local_routing = -1};
	struct mnid given = NAI("given@example.com");
	struct mag_attachment a = attachment(7, 2);
	char id[64];

	add_profile(b, &p, "mn1@example.com", 1);
	add_profile(b, &off, "mn3@example.com", 3);
	b->cfg.realm[0] = 0;
	bench_start(b);
	/* by profile */
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_STRING_EQUAL(mnid_str(&mh_opt(&last_sent(b)->msg, MHO_MN_ID)->mnid, id, sizeof(id)),
			       "mn1@example.com");
	/* nobody knows it, and there is no realm */
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), -EPERM);
	CU_ASSERT_EQUAL(counter(b, "attach_no_identity"), 1);
	CU_ASSERT_EQUAL(b->refusals, 1);
	/* an external trigger knows it */
	a.mnid = &given;
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
	CU_ASSERT_STRING_EQUAL(mnid_str(&mh_opt(&last_sent(b)->msg, MHO_MN_ID)->mnid, id, sizeof(id)),
			       "given@example.com");
	/* known and not entitled */
	CU_ASSERT_EQUAL(attach(b, 7, 3), -EPERM);
	CU_ASSERT_EQUAL(counter(b, "attach_not_entitled"), 1);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(mag_count(b->m), 2);
	bench_free(b);
}

static void test_bad_triggers(void)
{
	struct bench *b = bench_up();
	struct mnid empty = {.subtype = MNID_NAI}, given = NAI("mn5@example.com");
	struct mag_attachment a = attachment(0, 1);

	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), -EINVAL);
	a = attachment(7, 1);
	a.node.mac.b[0] = 0x33;
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), -EINVAL);
	a = attachment(7, 1);
	a.mnid = &empty;
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), -EINVAL);
	a = attachment(7, 1);
	memset(&a.node.mac, 0, sizeof(a.node.mac));
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), -EINVAL);
	CU_ASSERT_EQUAL(counter(b, "attach_invalid"), 4);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	/* a link without link-layer addresses: no LLID option */
	a.mnid = &given;
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
	CU_ASSERT_PTR_NULL(mh_opt(&last_sent(b)->msg, MHO_MN_LLID));
	bench_free(b);
}

static void test_full(void)
{
	struct bench *b = bench_new();

	b->cfg.max_bindings = 2;
	bench_start(b);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL(attach(b, 7, 2), 0);
	CU_ASSERT_EQUAL(attach(b, 7, 3), -ENOSPC);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL(counter(b, "attach_full"), 1);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

static void test_lma_of_profile(void)
{
	struct bench *b = bench_new();
	struct profile second = {.enabled = true, .lmaa = ADDR("2001:db8:2::2"), .local_routing = -1};
	struct profile stranger = {.enabled = true, .lmaa = ADDR("2001:db8:9::9"), .local_routing = -1};

	add_profile(b, &second, "mn1@example.com", 1);
	add_profile(b, &stranger, "mn2@example.com", 2);
	bench_start(b);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_TRUE(addr6_eq(&last_sent(b)->dst, &b->lmas[1].addr));
	CU_ASSERT_EQUAL(attach(b, 7, 2), -EPERM);
	CU_ASSERT_EQUAL(counter(b, "attach_no_lma"), 1);
	bench_free(b);
}

static void test_hint(void)
{
	static const uint8_t cases[][2] = {{HI_RESERVED, 4}, {1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 4}, {6, 4}, {200, 4}};
	struct bench *b = bench_up();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mag_attachment a = attachment(7, 10 + (unsigned)i);

		a.handoff_hint = cases[i][0];
		CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
		CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), cases[i][1]);
	}
	bench_free(b);
}

/* What was certain at the arrival is not certain for ever; a new trigger knows anew. */
static void test_hint_ages(void)
{
	static const uint8_t cases[][2] = {{1, 1}, {2, 4}, {3, 4}, {4, 4}};
	struct bench *b;
	struct mag_attachment a;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		b = bench_up();
		a = attachment(7, 1);
		a.handoff_hint = cases[i][0];
		CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
		run_ms(b, 9999);
		CU_ASSERT_EQUAL_FATAL(b->n_sent, 4);
		CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), cases[i][0]);
		run_ms(b, 5001);
		CU_ASSERT_EQUAL_FATAL(b->n_sent, 5);
		CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), cases[i][1]);
		bench_free(b);
	}

	b = bench_up();
	a = attachment(7, 1);
	a.handoff_hint = HI_BETWEEN_INTERFACES;
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	run_ms(b, 4000);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_BETWEEN_INTERFACES);
	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	run_ms(b, 8000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	a.handoff_hint = HI_BETWEEN_MAGS;
	a.cause = MAG_CAUSE_CONTROL;
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 4);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_BETWEEN_MAGS);
	bench_free(b);
}

static void test_hint_kept(void)
{
	struct bench *b = bench_up();
	struct mag_attachment a = attachment(7, 1);

	a.handoff_hint = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_BETWEEN_MAGS);
	bench_free(b);
}

static void test_counter_seq(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	attach(b, 7, 2);
	attach(b, 8, 3);
	CU_ASSERT_EQUAL(b->sent[1].msg.bu.seq, (uint16_t)(b->sent[0].msg.bu.seq + 1));
	CU_ASSERT_EQUAL(b->sent[2].msg.bu.seq, (uint16_t)(b->sent[0].msg.bu.seq + 2));
	bench_free(b);
}

static void test_static_prefixes(void)
{
	struct bench *b = bench_new();
	struct profile p = {.enabled = true, .local_routing = -1, .n_prefixes = 2};
	const struct mh_msg *q;
	struct prefix6 want;

	p.prefixes[0] = PREFIX(HNP2);
	p.prefixes[1] = PREFIX(HNP3);
	add_profile(b, &p, "mn1@example.com", 1);
	bench_start(b);
	attach(b, 7, 1);
	q = &last_sent(b)->msg;
	CU_ASSERT_EQUAL_FATAL(mh_opt_count(q, MHO_HNP), 2);
	want = PREFIX(HNP2);
	CU_ASSERT_TRUE(prefix6_eq(&mh_opt_nth(q, MHO_HNP, 0)->hnp.prefix, &want));
	want = PREFIX(HNP3);
	CU_ASSERT_TRUE(prefix6_eq(&mh_opt_nth(q, MHO_HNP, 1)->hnp.prefix, &want));
	bench_free(b);
}

static void test_not_entitled_is_silent(void)
{
	struct bench *b = bench_new();

	b->cfg.realm[0] = 0;
	bench_start(b);
	CU_ASSERT_EQUAL(attach(b, 7, 1), -EPERM);
	run_ms(b, 60000);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	CU_ASSERT_EQUAL(b->n_calls, 0);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	bench_free(b);
}

static void test_lifetime(void)
{
	static const uint32_t cases[][2] = {{4, 1}, {7, 1}, {3601, 900}, {262140, 65535}, {4000000, 65535}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench *b = bench_new();

		b->cfg.lifetime = cases[i][0];
		bench_start(b);
		attach(b, 7, 1);
		CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, cases[i][1]);
		bench_free(b);
	}
}

static void test_profile_lifetime(void)
{
	struct bench *b = bench_new();
	struct profile p = {.enabled = true, .local_routing = -1, .lifetime = 120};

	add_profile(b, &p, "mn1@example.com", 1);
	bench_start(b);
	attach(b, 7, 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 30);
	bench_free(b);
}

static void test_schedule(void)
{
	static const unsigned at_s[] = {0, 1, 3, 7, 15, 31, 63, 95, 127};
	struct bench *b = bench_up();
	nsec_t t0 = b->now;
	size_t i;

	attach(b, 7, 1);
	run_to(b, t0 + nsec_from_s(130));
	CU_ASSERT_EQUAL_FATAL(b->n_sent, ARRAY_SIZE(at_s));
	for (i = 0; i < ARRAY_SIZE(at_s); i++)
		CU_ASSERT_EQUAL(b->sent[i].at, t0 + nsec_from_s(at_s[i]));
	CU_ASSERT_EQUAL(counter(b, "pbu_retransmitted"), ARRAY_SIZE(at_s) - 1);
	CU_ASSERT_EQUAL(shown(b, 1).b.retransmissions, ARRAY_SIZE(at_s) - 1);
	/* an answer ends it */
	accept_it(b);
	run_ms(b, 100000);
	CU_ASSERT_EQUAL(b->n_sent, ARRAY_SIZE(at_s));
	bench_free(b);
}

static void test_attached_first(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	b->attached = false;
	run_ms(b, 1000);
	/* not a retransmission: a de-registration, for the answer may have been lost */
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_EQUAL(counter(b, "gone_before_retransmit"), 1);
	run_ms(b, 60000);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	bench_free(b);
}

/* What is known of the node when a retransmission is due is no older than the last one. */
static void test_attached_is_asked(void)
{
	struct bench *b = bench_up();
	unsigned i;

	attach(b, 7, 1);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 0);
	for (i = 1; i <= 3; i++) {
		run_ms(b, 500u << i);
		CU_ASSERT_EQUAL(b->n_sent, i + 1);
		CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), i);
		CU_ASSERT_EQUAL(last_call(b, CALL_VERIFY)->node.ifindex, 7);
	}
	/* it does not answer: de-registered, not repeated */
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	bench_free(b);
}

static void test_fresh_timestamp(void)
{
	struct bench *b = bench_up();
	size_t i;

	attach(b, 7, 1);
	run_ms(b, 8000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 4);
	for (i = 1; i < b->n_sent; i++) {
		uint64_t ts = mh_opt(&b->sent[i].msg, MHO_TIMESTAMP)->timestamp;

		CU_ASSERT_EQUAL(ts, timestamp_from_wallclock(WALL0 + b->sent[i].at));
		CU_ASSERT(ts > mh_opt(&b->sent[i - 1].msg, MHO_TIMESTAMP)->timestamp);
	}
	bench_free(b);
}

/* Nobody hands this MAG a timestamp of the node's: its own time rises at every attachment too. */
static void test_node_generated(void)
{
	struct bench *b = bench_new();

	b->cfg.mobile_node_generated_timestamp_in_use = true;
	bench_start(b);
	attach(b, 7, 1);
	CU_ASSERT_EQUAL(mh_opt(&last_sent(b)->msg, MHO_TIMESTAMP)->timestamp,
			timestamp_from_wallclock(bench_wallclock(b)));
	bench_free(b);
}

static void test_rising_timestamp(void)
{
	struct bench *b = bench_active();
	uint64_t first = mh_opt(&b->sent[0].msg, MHO_TIMESTAMP)->timestamp;

	/* the clock stands still while the node goes and comes */
	b->wall_stopped = true;
	b->wall_offset = b->now;
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(mh_opt(&last_sent(b)->msg, MHO_TIMESTAMP)->timestamp, first + 1);
	attach(b, 7, 1);
	CU_ASSERT_EQUAL(mh_opt(&last_sent(b)->msg, MHO_TIMESTAMP)->timestamp, first + 2);
	/* a real step back is not hidden */
	b->wall_offset -= 60 * NSEC_PER_SEC;
	run_ms(b, 1000);
	CU_ASSERT(mh_opt(&last_sent(b)->msg, MHO_TIMESTAMP)->timestamp < first);
	bench_free(b);
}

static struct bench *bench_sequence(void)
{
	struct bench *b = bench_new();

	b->cfg.timestamp_based_approach_in_use = false;
	bench_start(b);
	return b;
}

static void test_sequence_mode(void)
{
	struct bench *b = bench_sequence();
	uint16_t first;

	attach(b, 7, 1);
	CU_ASSERT_PTR_NULL(mh_opt(&last_sent(b)->msg, MHO_TIMESTAMP));
	first = last_sent(b)->msg.bu.seq;
	attach(b, 7, 2);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 4);
	/* per session, and higher with each transmission */
	CU_ASSERT_EQUAL(b->sent[2].msg.bu.seq, (uint16_t)(first + 1));
	CU_ASSERT_EQUAL(b->sent[3].msg.bu.seq, (uint16_t)(b->sent[1].msg.bu.seq + 1));
	bench_free(b);
}

static void test_sequence_learnt(void)
{
	struct bench *b = bench_sequence();
	uint16_t mine;

	attach(b, 7, 1);
	mine = last_sent(b)->msg.bu.seq;
	/* a number that does not explain the refusal is no answer to this */
	answer(b, &(struct reply){.status = PBA_SEQ_OUT_OF_WINDOW, .seq = (uint16_t)(mine - 5)});
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_unmatched"), 1);
	answer(b, &(struct reply){.status = PBA_SEQ_OUT_OF_WINDOW, .seq = (uint16_t)(mine + 500)});
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.seq, (uint16_t)(mine + 501));
	CU_ASSERT_EQUAL(counter(b, "pba_135_sequence_out_of_window"), 1);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	/* kept over a de-registration, and so for the de-registration itself */
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.seq, (uint16_t)(mine + 502));
	accept_it(b);
	attach(b, 7, 1);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.seq, (uint16_t)(mine + 503));
	bench_free(b);
}

static void test_rate(void)
{
	struct bench *b = bench_up();
	nsec_t t0 = b->now;
	size_t i;

	/* a node that comes and goes as fast as it can, with an LMA that answers at once */
	for (i = 0; i < 40; i++) {
		size_t before = b->n_sent;

		attach(b, 7, 1);
		if (b->n_sent > before)
			accept_it(b);
		before = b->n_sent;
		detach_node(b, 7, 1);
		if (b->n_sent > before)
			accept_it(b);
		run_ms(b, 50);
	}
	CU_ASSERT(b->n_sent >= 4);
	CU_ASSERT(b->n_sent <= 3 * 3);
	for (i = 3; i < b->n_sent; i++)
		CU_ASSERT(b->sent[i].at >= b->sent[i - 3].at + NSEC_PER_SEC);
	CU_ASSERT(counter(b, "pbu_rate_limited") > 0);
	CU_ASSERT_EQUAL(b->sent[0].at, t0);
	/* and it is served in the end */
	attach(b, 7, 1);
	run_ms(b, 3000);
	CU_ASSERT(last_sent(b)->msg.bu.lifetime > 0);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	bench_free(b);
}

static void test_rate_is_per_session(void)
{
	struct bench *b = bench_up();
	unsigned i;

	for (i = 1; i <= 50; i++)
		attach(b, 7, i);
	CU_ASSERT_EQUAL(b->n_sent, 50);
	CU_ASSERT_EQUAL(counter(b, "pbu_rate_limited"), 0);
	bench_free(b);
}

static void test_send_fails(void)
{
	struct bench *b = bench_up();

	b->send_error = -ENETUNREACH;
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL(counter(b, "pbu_send_failed"), 1);
	b->send_error = 0;
	run_ms(b, 1000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	bench_free(b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"G-1 (RFC 5213 6.9.1.1): an attachment sends the PBU that 6.9.1.5 describes, once", test_first_pbu},
		{"G-1 (RFC 5213 6.6): identity from the trigger, the profile or the realm; else refused", test_identity},
		{"G-1 (RFC 5213 6.9.1.1 item 7): unusable triggers are refused, no LLID without an address", test_bad_triggers},
		{"G-1 (RFC 5213 6.1): a full list refuses newcomers only", test_full},
		{"G-1 (RFC 5213 6.2): the PBU goes to the LMA of the profile, if it is one of ours", test_lma_of_profile},
		{"G-2 G-3 (RFC 5213 6.9.1.1 item 5): 4 unless the trigger knows 1, 2 or 3", test_hint},
		{"G-2 (RFC 5213 6.9.4): a retransmission keeps the handoff indicator", test_hint_kept},
		{"G-3 (RFC 5213 6.9.1.1 item 5): 2 and 3 become 4 after MinDelayBeforeBCEDelete", test_hint_ages},
		{"G-4 (RFC 5213 6.9.1.1 item 6): with timestamps one counter numbers all PBUs of the MAG", test_counter_seq},
		{"G-5 (RFC 5213 6.9.1.1 item 3): prefixes of the profile are asked for by name", test_static_prefixes},
		{"G-6 (RFC 5213 6.14): a node that is not entitled causes no signalling and no advertisement", test_not_entitled_is_silent},
		{"T-16 (RFC 6275 6.1.7): the lifetime is sent in units of 4 s within 16 bits", test_lifetime},
		{"RFC 5213 6.2: the profile's lifetime goes before the configured one", test_profile_lifetime},
		{"G-20 (RFC 5213 6.9.4 item 3): retransmissions after 1, 2, 4 ... 32, 32 s until answered", test_schedule},
		{"G-21 (RFC 5213 6.9.4 item 2): no retransmission for a node that is not attached", test_attached_first},
		{"G-21 (RFC 5213 6.9.4 item 2): between retransmissions the link asks for the node", test_attached_is_asked},
		{"G-22 (RFC 5213 6.9.4 item 4): each retransmission carries the latest time", test_fresh_timestamp},
		{"G-22 (RFC 5213 5.5 item 3): without a timestamp of the node its own time is sent", test_node_generated},
		{"G-22 (RFC 5213 5.5): timestamps of one session rise even when the clock stands", test_rising_timestamp},
		{"G-22 G-24 (RFC 5213 6.9.4 item 4): in sequence mode numbers rise per session", test_sequence_mode},
		{"G-24 (RFC 6275 11.7.3): status 135 teaches the number to go on from", test_sequence_learnt},
		{"T-13 (RFC 6275 11.8): a flapping node causes 3 PBUs per second at most", test_rate},
		{"T-13 (RFC 5213 6.9.4): the rate is limited per session, not per LMA", test_rate_is_per_session},
		{"G-20 (RFC 6275 11.8): a PBU that could not be sent is repeated like a lost one", test_send_fails},
		{0},
	};
	return cu_main("mag pbu", tests, argc, argv);
}
