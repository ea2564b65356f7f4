/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a session: refresh, detachment, coming back, moving. */
#include "mag_harness.h"

static void test_refresh(void)
{
	struct bench *b = bench_active();
	const struct mh_msg *first = &b->sent[0].msg, *q;
	size_t i;

	b->confirm_at_once = true;
	run_ms(b, 2700000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	q = &last_sent(b)->msg;
	CU_ASSERT_EQUAL(q->bu.flags, MH_BU_A | MH_BU_P);
	CU_ASSERT_EQUAL(q->bu.lifetime, 900);
	CU_ASSERT_EQUAL_FATAL(q->n_opts, first->n_opts);
	for (i = 0; i < q->n_opts; i++)
		CU_ASSERT_EQUAL(q->opt[i].type, first->opt[i].type);
	CU_ASSERT_EQUAL(opt_value(q, MHO_HANDOFF_IND), HI_NO_CHANGE);
	CU_ASSERT_EQUAL(mh_opt(q, MHO_HNP)->hnp.prefix.len, 64);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	CU_ASSERT_EQUAL(shown(b, 1).b.remaining_s, 900);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(shown(b, 1).b.remaining_s, 3600);
	/* forwarding was not touched, the node was told anew */
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 2);
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
	CU_ASSERT_EQUAL(b->ups, 1);
	CU_ASSERT_EQUAL(b->downs, 0);
	/* and so on */
	run_ms(b, 2700000);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	bench_free(b);
}

static void test_refresh_several(void)
{
	struct bench *b = bench_up();
	const struct mh_msg *q;

	b->confirm_at_once = true;
	attach(b, 7, 1);
	answer(b, &(struct reply){.prefix = {HNP1, HNP2, HNP3}});
	run_ms(b, 2700000);
	q = &last_sent(b)->msg;
	CU_ASSERT_EQUAL(mh_opt_count(q, MHO_HNP), 3);
	accept_it(b);
	detach_node(b, 7, 1);
	q = &last_sent(b)->msg;
	CU_ASSERT_EQUAL(mh_opt_count(q, MHO_HNP), 3);
	CU_ASSERT_FALSE(prefix6_is_zero(&mh_opt_nth(q, MHO_HNP, 2)->hnp.prefix));
	bench_free(b);
}

static void test_verify_first(void)
{
	struct bench *b = bench_active();

	run_ms(b, 2700000);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "VERIFYING"));
	CU_ASSERT_EQUAL(b->n_sent, 1);
	run_ms(b, 3000);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	confirm(b, 7, 1);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_NO_CHANGE);
	/* being confirmed at other times changes nothing */
	confirm(b, 7, 1);
	confirm(b, 8, 1);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

static void test_verify_denied(void)
{
	struct bench *b = bench_active();

	run_ms(b, 2700000);
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	bench_free(b);
}

static void test_verify_silent(void)
{
	struct bench *b = bench_active();

	run_ms(b, 2700000);
	run_ms(b, 449999);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	run_ms(b, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	CU_ASSERT_EQUAL(counter(b, "verify_timeout"), 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	bench_free(b);
}

static void test_expiry(void)
{
	struct bench *b = bench_active();
	const struct call *c;

	b->confirm_at_once = true;
	run_ms(b, 3600000 - 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	run_ms(b, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
	c = last_call(b, CALL_WITHDRAW);
	CU_ASSERT_TRUE(c->deprecate);
	CU_ASSERT_EQUAL(counter(b, "expired"), 1);
	CU_ASSERT_EQUAL(b->downs, 1);
	/* it goes on asking, as for a new session, at the slow pace */
	CU_ASSERT_EQUAL(last_sent(b)->at, b->now);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	CU_ASSERT_EQUAL(mag_next(b->m), b->now + nsec_from_s(32));
	accept_it(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	bench_free(b);
}

static void test_expiry_forgets(void)
{
	struct bench *b = bench_new();
	struct profile p = {.enabled = true, .local_routing = -1, .n_prefixes = 1};
	struct mag_attachment a = attachment(7, 1);
	struct prefix6 want = PREFIX(HNP2);

	p.prefixes[0] = want;
	add_profile(b, &p, "mn1@example.com", 1);
	bench_start(b);
	b->confirm_at_once = true;
	a.handoff_hint = HI_BETWEEN_MAGS;
	mag_attach(b->m, &a, b->now);
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_HNP);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_BETWEEN_MAGS);
	accept_it(b);
	run_ms(b, 3600000);
	/* what the trigger knew of the arrival is no news any more, and policy may have changed */
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	CU_ASSERT_TRUE(prefix6_eq(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix, &want));
	bench_free(b);
}

/* Something is heard of the node when its binding has run out and the timer is still to come, as
 * after a pause of the whole machine: service ends before anything else. */
static void test_overdue(void)
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		struct bench *b = bench_active();

		b->now += nsec_from_s(4000);
		if (i == 0)
			attach(b, 7, 1);
		else if (i == 1)
			attach(b, 9, 1);
		else
			mag_tick(b->m, b->now);
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
		CU_ASSERT_EQUAL(counter(b, "expired"), 1);
		CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
		CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
		if (i == 1)
			CU_ASSERT_EQUAL(shown(b, 1).b.node.ifindex, 9);
		accept_it(b);
		CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
		bench_free(b);
	}
}

static void test_short_lifetime(void)
{
	struct bench *b = bench_up();

	b->confirm_at_once = true;
	attach(b, 7, 1);
	run_ms(b, 900);
	answer(b, &(struct reply){.lifetime_s = 4});
	run_ms(b, 2100);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	run_ms(b, 1000);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	bench_free(b);
}

static void test_detach(void)
{
	struct bench *b = bench_active();
	const struct mh_msg *first = &b->sent[0].msg, *q;
	const struct call *c;
	struct prefix6 want = PREFIX(HNP1);
	size_t i;

	CU_ASSERT_EQUAL(detach_node(b, 7, 1), 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	q = &last_sent(b)->msg;
	CU_ASSERT_EQUAL(q->bu.lifetime, 0);
	CU_ASSERT_EQUAL(q->bu.flags, MH_BU_A | MH_BU_P);
	CU_ASSERT_EQUAL_FATAL(q->n_opts, first->n_opts);
	for (i = 0; i < q->n_opts; i++)
		CU_ASSERT_EQUAL(q->opt[i].type, first->opt[i].type);
	CU_ASSERT_EQUAL(opt_value(q, MHO_HANDOFF_IND), HI_UNKNOWN);
	CU_ASSERT_TRUE(prefix6_eq(&mh_opt(q, MHO_HNP)->hnp.prefix, &want));
	/* nothing is forwarded any more, and that before the PBU left */
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
	c = last_call(b, CALL_WITHDRAW);
	CU_ASSERT_EQUAL(c->dp_sessions, 0);
	CU_ASSERT_EQUAL(c->n_sent, 1);
	CU_ASSERT_TRUE(c->deprecate);
	CU_ASSERT_TRUE(in_state(b, 1, "DEREGISTERING"));
	CU_ASSERT_EQUAL(detach_node(b, 7, 1), -ENOENT);
	accept_it(b);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(calls(b, CALL_TEARDOWN), 1);
	CU_ASSERT_EQUAL(b->downs, 1);
	run_ms(b, 60000);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(mag_next(b->m), NSEC_NEVER);
	bench_free(b);
}

static void test_detach_unanswered(void)
{
	struct bench *b = bench_active();

	detach_node(b, 7, 1);
	run_ms(b, 999);
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	run_ms(b, 1);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(counter(b, "deregister_unanswered"), 1);
	CU_ASSERT_EQUAL(calls(b, CALL_TEARDOWN), 1);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

static void test_detach_rejected(void)
{
	struct bench *b = bench_active();

	detach_node(b, 7, 1);
	answer(b, &(struct reply){.status = PBA_TIMESTAMP_MISMATCH, .clock_ms = 5000});
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

static void test_detach_before_answer(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	/* the answer to the registration comes too late to be served */
	answer(b, &(struct reply){.to = &b->sent[0]});
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
	bench_free(b);
}

static void test_detach_quietly(void)
{
	struct bench *b = bench_new();

	b->cfg.deprecate_on_detach = false;
	bench_start(b);
	attach(b, 7, 1);
	accept_it(b);
	detach_node(b, 7, 1);
	CU_ASSERT_FALSE(last_call(b, CALL_WITHDRAW)->deprecate);
	bench_free(b);
}

static void test_detach_link(void)
{
	struct bench *b = bench_up();
	struct mnid id = NAI("02-00-00-00-00-04@example.com");
	unsigned i;

	for (i = 1; i <= 3; i++)
		attach(b, 7, i);
	attach(b, 8, 4);
	CU_ASSERT_EQUAL(mag_detach_link(b->m, 7, "link-down", b->now), 3);
	CU_ASSERT_EQUAL(mag_detach_link(b->m, 7, "link-down", b->now), 0);
	CU_ASSERT_EQUAL(mag_detach_link(b->m, 99, "link-down", b->now), 0);
	CU_ASSERT_TRUE(in_state(b, 4, "REGISTERING"));
	CU_ASSERT_EQUAL(counter(b, "detach"), 3);
	CU_ASSERT_EQUAL(mag_detach_mnid(b->m, &id, "control", b->now), 0);
	CU_ASSERT_EQUAL(mag_detach_mnid(b->m, &id, "control", b->now), -ENOENT);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	bench_free(b);
}

static void test_come_back(void)
{
	struct bench *b = bench_active();
	const struct mh_msg *q;

	detach_node(b, 7, 1);
	run_ms(b, 300);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	q = &last_sent(b)->msg;
	CU_ASSERT(q->bu.lifetime > 0);
	CU_ASSERT_EQUAL(opt_value(q, MHO_HANDOFF_IND), HI_UNKNOWN);
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(q, MHO_HNP)->hnp.prefix));
	CU_ASSERT_PTR_NOT_NULL(mh_opt(q, MHO_MN_LLID));
	/* the answer to the de-registration is late and harmless */
	answer(b, &(struct reply){.to = &b->sent[1]});
	accept_it(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	run_ms(b, 5000);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	CU_ASSERT_EQUAL(calls(b, CALL_TEARDOWN), 0);
	bench_free(b);
}

static void test_owed_deregistration(void)
{
	struct bench *b = bench_active();

	detach_node(b, 7, 1);
	accept_it(b);
	attach(b, 7, 1);
	accept_it(b);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	/* the pace holds all of this back, yet the LMA is told in the end */
	detach_node(b, 7, 1);
	attach(b, 7, 1);
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 4);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	run_ms(b, 5000);
	CU_ASSERT_EQUAL(b->n_sent, 4);
	/* where it knows nothing it is told nothing */
	attach(b, 7, 2);
	accept_it(b);
	detach_node(b, 7, 2);
	accept_it(b);
	attach(b, 7, 2);
	detach_node(b, 7, 2);
	accept_it(b);
	attach(b, 7, 2);
	detach_node(b, 7, 2);
	run_ms(b, 5000);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	bench_free(b);
}

static void test_move(void)
{
	struct bench *b = bench_active();
	struct prefix6 p = PREFIX(HNP1);
	const struct dp_fake_session *f;
	const struct mh_msg *q;

	CU_ASSERT_EQUAL(attach(b, 8, 1), 0);
	f = dp_fake_by_prefix(b->fake, DP_ACCESS, &p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(f->moves, 1);
	CU_ASSERT_EQUAL(f->s.down.ifindex, 8);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	CU_ASSERT_EQUAL(last_call(b, CALL_WITHDRAW)->node.ifindex, 7);
	CU_ASSERT_FALSE(last_call(b, CALL_WITHDRAW)->deprecate);
	CU_ASSERT_EQUAL(last_call(b, CALL_ADVERTISE)->node.ifindex, 8);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	q = &last_sent(b)->msg;
	CU_ASSERT_EQUAL(opt_value(q, MHO_HANDOFF_IND), HI_NO_CHANGE);
	CU_ASSERT_TRUE(prefix6_eq(&mh_opt(q, MHO_HNP)->hnp.prefix, &p));
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	/* it is at one place only */
	CU_ASSERT_EQUAL(detach_node(b, 7, 1), -ENOENT);
	CU_ASSERT_EQUAL(detach_node(b, 8, 1), 0);
	CU_ASSERT_EQUAL(counter(b, "attach_moved"), 1);
	bench_free(b);
}

static void test_move_technology(void)
{
	struct bench *b = bench_active();
	struct mag_attachment a = attachment(8, 1);

	a.att = ATT_ETHERNET;
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_BETWEEN_INTERFACES);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_ATT), ATT_ETHERNET);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_BETWEEN_INTERFACES);
	/* back before the LMA answered: it still knows the first technology */
	a = attachment(7, 1);
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_NO_CHANGE);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	bench_free(b);
}

static void test_move_early(void)
{
	struct bench *b = bench_up();
	struct mag_attachment a = attachment(9, 1);

	attach(b, 7, 1);
	/* the LMA knows no interface: the open request stands */
	attach(b, 8, 1);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	/* but it does know the technology */
	a.att = ATT_ETHERNET;
	mag_attach(b->m, &a, b->now);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_ATT), ATT_ETHERNET);
	answer(b, &(struct reply){.to = &b->sent[0]});
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	accept_it(b);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.ifindex, 9);
	bench_free(b);
}

static void test_second_interface(void)
{
	struct bench *b = bench_up();
	struct mnid id = NAI("mn1@example.com");
	struct mag_attachment a1 = attachment(7, 1), a2 = attachment(8, 2);

	a1.mnid = a2.mnid = &id;
	a2.handoff_hint = HI_BETWEEN_INTERFACES;
	mag_attach(b->m, &a1, b->now);
	accept_it(b);
	mag_attach(b->m, &a2, b->now);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_BETWEEN_INTERFACES);
	CU_ASSERT_EQUAL(mag_count(b->m), 2);
	/* the LMA moved the session: it is the new interface's now, without a de-registration */
	answer(b, &(struct reply){.prefix = {HNP1}});
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	CU_ASSERT_EQUAL(counter(b, "superseded"), 1);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.ifindex, 8);
	CU_ASSERT_EQUAL(last_call(b, CALL_WITHDRAW)->node.ifindex, 7);
	CU_ASSERT_EQUAL(last_call(b, CALL_TEARDOWN)->node.ifindex, 7);
	bench_free(b);
}

static void test_other_identity(void)
{
	struct bench *b = bench_active();
	struct mnid id = NAI("other@example.com");
	struct mag_attachment a = attachment(7, 1);

	a.mnid = &id;
	CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_EQUAL(b->sent[1].msg.bu.lifetime, 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	answer(b, &(struct reply){.prefix = {HNP2}});
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP2));
	/* the end of the first session does not take the link from the second */
	answer(b, &(struct reply){.to = &b->sent[1]});
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(calls(b, CALL_TEARDOWN), 0);
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	/* an ordinary trigger registers it anew and does not change it back */
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL(b->n_sent, 4);
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	answer(b, &(struct reply){.prefix = {HNP2}});
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP2));
	bench_free(b);
}

static void test_dp_fails(void)
{
	struct bench *b = bench_up();

	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	attach(b, 7, 1);
	accept_it(b);
	CU_ASSERT_EQUAL(counter(b, "dataplane_failed"), 1);
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "ROLLBACK"));
	/* the LMA shall not tunnel into the void */
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_FALSE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "BACKOFF"));
	run_ms(b, 4000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	bench_free(b);
}

static void test_peer_fails(void)
{
	struct bench *b = bench_up();

	dp_fake_fail(b->fake, DP_FAKE_PEER_PUT, 1, ENOSPC);
	attach(b, 7, 1);
	accept_it(b);
	CU_ASSERT_EQUAL(counter(b, "dataplane_failed"), 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	/* the node leaves while the binding is given back */
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	bench_free(b);
}

static void test_foreign_prefix(void)
{
	struct bench *b = bench_active();

	/* the LMA gives the same prefix to another node */
	attach(b, 7, 2);
	answer(b, &(struct reply){.prefix = {HNP1}});
	CU_ASSERT_EQUAL(counter(b, "dataplane_failed"), 1);
	CU_ASSERT_EQUAL(mac_eq(&forwarding(b, HNP1)->down.mac, &(struct mac){{2, 0, 0, 0, 0, 1}}), true);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_TRUE(in_state(b, 2, "ROLLBACK"));
	bench_free(b);
}

static void test_renumber_fails(void)
{
	struct bench *b = bench_active();

	b->confirm_at_once = true;
	run_ms(b, 2700000);
	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	answer(b, &(struct reply){.prefix = {HNP2}});
	CU_ASSERT_TRUE(in_state(b, 1, "ROLLBACK"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_TRUE(last_call(b, CALL_WITHDRAW)->deprecate);
	bench_free(b);
}

static void test_vanished_while_refreshing(void)
{
	struct bench *b = bench_active();

	b->confirm_at_once = true;
	run_ms(b, 2700000);
	b->attached = false;
	run_ms(b, 1000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
}

static void test_rejected_refresh_then_gone(void)
{
	struct bench *b = bench_active();

	b->confirm_at_once = true;
	run_ms(b, 2700000);
	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_TRUE(in_state(b, 1, "BACKOFF"));
	/* its LMA may still hold the binding that stood: it is told */
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_FALSE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	bench_free(b);
}

static void test_move_fails(void)
{
	struct bench *b = bench_active();

	dp_fake_fail(b->fake, DP_FAKE_SESSION_MOVE, 1, ENOENT);
	CU_ASSERT_EQUAL(attach(b, 8, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "ROLLBACK"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	accept_it(b);
	run_ms(b, 4000);
	accept_it(b);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.ifindex, 8);
	bench_free(b);
}

static void test_move_link_local(void)
{
	struct bench *b = bench_new();
	struct in6_addr given = ADDR("fe80::1234");

	memset(&b->cfg.fixed_mag_link_local_address_on_all_access_links, 0, 16);
	bench_start(b);
	attach(b, 7, 1);
	answer(b, &(struct reply){.link_local = "fe80::1234"});
	attach(b, 8, 1);
	CU_ASSERT_EQUAL(last_call(b, CALL_LINK_LOCAL)->node.ifindex, 8);
	CU_ASSERT_TRUE(addr6_eq(&last_call(b, CALL_LINK_LOCAL)->ll, &given));
	CU_ASSERT_TRUE(addr6_eq(&last_call(b, CALL_ADVERTISE)->ll, &given));
	bench_free(b);
}

static void test_late_answer(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	run_ms(b, 35000);
	/* the last transmission was at 31 s, the binding was over at 35 s */
	answer(b, &(struct reply){.lifetime_s = 4});
	mag_tick(b->m, b->now);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(last_sent(b)->at, b->now);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	bench_free(b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"G-30 (RFC 5213 6.9.1.3): a refresh has the same options, the assigned prefix and indicator 5", test_refresh},
		{"G-30 G-32 (RFC 5213 6.9.1.3 item 2): one HNP option per assigned prefix", test_refresh_several},
		{"G-31 (RFC 5213 6.13): no refresh before the node's presence is confirmed", test_verify_first},
		{"G-31 (RFC 5213 6.13): a node that is gone when asked is de-registered", test_verify_denied},
		{"G-31 (RFC 5213 6.13): a node that cannot be confirmed is de-registered", test_verify_silent},
		{"G-23 (RFC 5213 6.9.2 item 2): an unanswered refresh ends service at expiry, asking goes on", test_expiry},
		{"G-3 (RFC 5213 6.9.1.1 item 5): after expiry the trigger's old hint is not repeated", test_expiry_forgets},
		{"G-23 (RFC 6275 11.8): the shortest lifetime refreshes and expires in order", test_short_lifetime},
		{"G-51 (RFC 5213 6.10.5): an overdue expiry comes before what is heard of the node", test_overdue},
		{"G-32 T-20 (RFC 5213 6.9.1.4): detachment stops forwarding, then de-registers with indicator 4", test_detach},
		{"G-33 (RFC 5213 6.9.1.4): without an answer the entry goes after INITIAL_BINDACK_TIMEOUT", test_detach_unanswered},
		{"G-33 (RFC 5213 6.9.1.4): a rejected de-registration is not repeated", test_detach_rejected},
		{"G-32 (RFC 5213 6.9.1.4): a node that leaves before its answer is de-registered too", test_detach_before_answer},
		{"G-32 (RFC 5213 6.12): the last advertisement deprecates only where configured", test_detach_quietly},
		{"G-34 (RFC 5213 6.13): a link that goes down takes its nodes and no others", test_detach_link},
		{"G-33 (RFC 5213 6.9.1.1): a node that comes back at once gets its binding by LLID", test_come_back},
		{"G-32 T-13 (RFC 5213 6.9.1.4): a de-registration held back by the pace is not lost", test_owed_deregistration},
		{"G-2 (RFC 5213 6.9.1.1 item 4): to another link of this MAG: one data-plane store, indicator 5", test_move},
		{"G-2 (RFC 5213 6.9.1.1 item 4): to another technology of this MAG: indicator 2", test_move_technology},
		{"G-2 (RFC 5213 6.9.1.1 item 4): moved before the answer: asked again only if the technology changed", test_move_early},
		{"G-1 (RFC 5213 5.4.1): a session moved to another interface here leaves no second owner", test_second_interface},
		{"G-1 (RFC 5213 6.6): another identity at the same place ends the first session", test_other_identity},
		{"G-14 (RFC 5213 6.9.1.2 item 13): what cannot be forwarded is given back and tried later", test_dp_fails},
		{"G-14 (RFC 5213 6.9.1.2 item 12): without a tunnel no advertisement", test_peer_fails},
		{"G-14 (RFC 5213 5.2): another node's prefix is not taken over", test_foreign_prefix},
		{"G-46 (RFC 5213 6.12): a renumbering that cannot be forwarded ends service", test_renumber_fails},
		{"G-21 (RFC 5213 6.9.4 item 2): a refresh is not repeated for a node that is gone", test_vanished_while_refreshing},
		{"G-32 (RFC 5213 6.9.1.4): a rejected refresh leaves the old binding to be de-registered", test_rejected_refresh_then_gone},
		{"G-14 (RFC 5213 6.9.1.2 item 13): a move that forwarding does not follow ends service", test_move_fails},
		{"G-15 (RFC 5213 6.8): the router's address follows the node to another link", test_move_link_local},
		{"G-16 (RFC 6275 11.7.3): an answer that comes after the lifetime it grants serves nobody", test_late_answer},
		{0},
	};
	return cu_main("mag session", tests, argc, argv);
}
