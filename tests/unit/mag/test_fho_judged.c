/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What neighbours say of nodes is judged before anything is given up for it, and it counts less
 * than what anchors grant and what is configured here.
 */
#include "fho_harness.h"

static const uint8_t F = MH_HI_P | MH_HI_F;

/* ---- what is refused changes nothing */

/* A MAG with one place for handovers, which another node's takes, is told that its node comes. */
static void test_no_place_left(void)
{
	const struct mac mac = MAC(1), mac2 = MAC(2);
	struct pair p;
	struct bench *a;
	struct mh_msg m;

	pair_init(&p);
	p.a.bench->cfg.fho.max = 1;
	pair_start(&p);
	a = p.a.bench;
	pair_active(&p);
	pair_run(&p, 5000);
	m = hi_msg(4, F, HI_CODE_ALL_CONTEXT, 2);
	receive_ho(a, MAG_B, with_context(&m, "2001:db8:300::/64", LMA1, &mac2));
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	m = hi_msg(5, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(a, MAG_B, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_RESOURCES);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->mode, DP_FORWARD);
	CU_ASSERT_EQUAL(sent_count(a, MH_BU), 1);
	CU_ASSERT_EQUAL(calls(a, CALL_VERIFY), 0);
	CU_ASSERT_EQUAL(ho_counter(a, "left_unnoticed"), 0);
	pair_free(&p);
}

/* The place of a handover that is turned round by the announcement is free for it. */
static void test_place_of_the_handover_turned_round(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *a;
	struct mh_msg m;

	pair_init(&p);
	a = p.a.bench;
	a->cfg.fho.max = 1;
	pair_start(&p);
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	detach_node(a, 7, 1);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	m = hi_msg(5, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(a, MAG_B, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_TRUE(in_state(a, 1, "EXPECTED"));
	CU_ASSERT_EQUAL(seen(a).open, 1);
	pair_free(&p);
}

/* The context of a node that is here names another node's prefix. */
static void test_another_nodes_prefix(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *a;
	struct mh_msg m;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(attach(a, 7, 2), 0);
	answer(a, &(struct reply){.prefix = {"2001:db8:100:2::/64"}});
	CU_ASSERT_TRUE(in_state(a, 2, "ACTIVE"));
	pair_run(&p, 5000);
	m = hi_msg(5, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(a, MAG_B, with_context(&m, "2001:db8:100:2::/64", LMA1, &mac));
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_RESOURCES);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(sent_count(a, MH_BU), 2);
	/* it may be announced as it is */
	m = hi_msg(6, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(a, MAG_B, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_TRUE(in_state(a, 1, "EXPECTED"));
	pair_free(&p);
}

/* A de-registration that waits for its answer goes on when its node's announcement is refused. */
static void test_refused_while_de_registering(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *a;
	struct mh_msg m;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(attach(a, 7, 2), 0);
	answer(a, &(struct reply){.prefix = {"2001:db8:100:2::/64"}});
	detach_node(a, 7, 1);
	CU_ASSERT_TRUE(in_state(a, 1, "DEREGISTERING"));
	m = hi_msg(5, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(a, MAG_B, with_context(&m, "2001:db8:100:2::/64", LMA1, &mac));
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_RESOURCES);
	CU_ASSERT_TRUE(in_state(a, 1, "DEREGISTERING"));
	m = hi_msg(6, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(a, MAG_B, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_TRUE(in_state(a, 1, "EXPECTED"));
	pair_free(&p);
}

/* The data plane refuses what it is asked for at that moment. */
static void test_refused_by_the_data_plane(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *a;
	struct mh_msg m;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	pair_run(&p, 5000);
	dp_fake_fail(a->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	m = hi_msg(5, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(a, MAG_B, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_RESOURCES);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(dp_fake_sessions(a->fake), 1);
	pair_free(&p);
}

/* ---- announcements that come late or again */

/* The last repetition of an announcement arrives when its node has come and is registered. */
static void test_late_repetition(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_init(&p);
	a = p.a.bench;
	b = p.b.bench;
	a->cfg.fho.hi_timeout_ms = 500; /* 0, 0.5, 1.5, 3.5 s */
	a->cfg.fho.leave_ms = b->cfg.fho.leave_ms = 4000;
	pair_start(&p);
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	p.lose = 3;
	carry(&p);
	detach_node(a, 7, 1);
	pair_run(&p, 100);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	pair_run(&p, 3800);
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	pair_run(&p, 20000);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.kind, DP_TO_LINK);
	pair_free(&p);
}

/* Repetitions that go on for longer than an announcement counts as late. */
static void test_repetitions_and_leave_time(void)
{
	static const struct {
		uint32_t timeout, retries, leave;
		bool good;
	} rows[] = {
		{100, 3, 700, false}, {100, 3, 701, true},	{500, 3, 2000, false},
		{100, 0, 0, true},    {60000, 10, 60000, false},
	};

	const char *why;
	struct pair p;
	struct bench *a;

	pair_up(&p);
	a = p.a.bench;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		a->cfg.fho.hi_timeout_ms = rows[i].timeout;
		a->cfg.fho.hi_retries = rows[i].retries;
		a->cfg.fho.leave_ms = rows[i].leave;
		CU_ASSERT_EQUAL(mag_reload(a->m, &a->cfg, &a->profiles, &why, a->now),
				rows[i].good ? 0 : -EINVAL);
		if (!rows[i].good)
			CU_ASSERT_STRING_EQUAL(why, "mag.fast-handover.leave-time");
	}
	pair_free(&p);
}

/* Each message of a whole handover is repeated when it is over: the answers are those given before,
 * and the node's session is not touched. */
static void test_replay(void)
{
	struct pair p;
	struct bench *a, *b;
	struct sent hi, hack;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	hi = *sent_last(a, MH_HI);
	carry(&p);
	hack = *sent_last(b, MH_HACK);
	detach_node(a, 7, 1);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	pair_run(&p, 5000);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(seen(b).open, 0);
	hand_over_message(b, &hi);
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->len, hack.len);
	CU_ASSERT_EQUAL(memcmp(sent_last(b, MH_HACK)->buf, hack.buf, hack.len), 0);
	CU_ASSERT_EQUAL(ho_counter(b, "hi_repeated"), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 0);
	pair_run(&p, 15000);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.kind, DP_TO_LINK);
	/* not for ever: the number comes round */
	pair_run(&p, 60000);
	hand_over_message(b, &hi);
	CU_ASSERT_EQUAL(ho_counter(b, "hi_repeated"), 1);
	CU_ASSERT_EQUAL(ho_counter(b, "left_unnoticed"), 1);
	pair_free(&p);
}

/* The first of two announcements comes again after the second. */
static void test_replay_of_an_earlier_one(void)
{
	const struct mac mac = MAC(1), mac2 = MAC(2);
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_up(&p);
	b = p.b.bench;
	m = hi_msg(1, MH_HI_P, HI_CODE_DEFAULT, 1);
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
	m = hi_msg(2, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(b, MAG_A, with_context(&m, HNP2, LMA1, &mac));
	m = hi_msg(1, MH_HI_P, HI_CODE_DEFAULT, 1);
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_EQUAL(ho_counter(b, "hi_repeated"), 1);
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.seq, 1);
	/* another neighbour's, or another node's, is none of them */
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 2);
	receive_ho(b, MAG_A, with_context(&m, "2001:db8:300::/64", LMA1, &mac2));
	CU_ASSERT_EQUAL(ho_counter(b, "hi_repeated"), 1);
	CU_ASSERT_TRUE(in_state(b, 2, "EXPECTED"));
	pair_free(&p);
}

/* A node was registered here, is announced back and never comes: the anchor's binding is not left
 * behind. */
static void test_registered_and_never_back(void)
{
	const struct mac mac = MAC(1);

	for (int with_mac = 0; with_mac < 2; with_mac++) {
		struct pair p;
		struct bench *a;
		struct mh_msg m;
		const struct sent *pbu;

		pair_up(&p);
		a = p.a.bench;
		pair_active(&p);
		pair_run(&p, 5000);
		m = hi_msg(5, F, HI_CODE_ALL_CONTEXT, 1);
		receive_ho(a, MAG_B, with_context(&m, HNP1, LMA1, with_mac ? &mac : NULL));
		CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
		CU_ASSERT_EQUAL(sent_count(a, MH_BU), 1);
		lose_all(&p);
		run_to(a, a->now + nsec_from_ms(10500));
		CU_ASSERT_EQUAL(ho_counter(a, "never_arrived"), 1);
		CU_ASSERT_EQUAL(sent_count(a, MH_BU), 2);
		pbu = sent_last(a, MH_BU);
		CU_ASSERT_EQUAL(pbu->msg.bu.lifetime, 0);
		CU_ASSERT_TRUE(prefix6_eq(&mh_opt(&pbu->msg, MHO_HNP)->hnp.prefix,
					  &(struct prefix6){PREFIX(HNP1).addr, 64}));
		CU_ASSERT_EQUAL(mh_opt(&pbu->msg, MHO_ATT)->value, attachment(7, 1).att);
		accept_last_pbu(a);
		run_to(a, a->now + nsec_from_ms(5000));
		CU_ASSERT_EQUAL(mag_count(a->m), 0);
		CU_ASSERT_EQUAL(dp_fake_sessions(a->fake), 0);
		pair_free(&p);
	}
}

/* It comes back with another anchor than it was registered with here. */
static void test_announced_with_another_anchor(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *a;
	struct mh_msg m;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	pair_run(&p, 5000);
	m = hi_msg(5, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(a, MAG_B, with_context(&m, HNP2, "2001:db8:2::2", &mac));
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_EQUAL(sent_count(a, MH_BU), 2);
	CU_ASSERT_EQUAL(sent_last(a, MH_BU)->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(addr6_eq(&sent_last(a, MH_BU)->dst, &a->lmas[0].addr));
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	CU_ASSERT_TRUE(in_state(a, 1, "ARRIVING"));
	CU_ASSERT_TRUE(addr6_eq(&sent_last(a, MH_BU)->dst, &a->lmas[1].addr));
	accept_last_pbu(a);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	pair_run(&p, 20000);
	CU_ASSERT_EQUAL(mag_count(a->m), 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(a->fake), 1);
	pair_free(&p);
}

/* ---- what a neighbour says, and what an anchor grants */

/* A neighbour announces a node with the prefix that the anchor gives to another one here. */
static void test_grant_against_announcement(void)
{
	const struct mac mac = MAC(77);
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_up(&p);
	b = p.b.bench;
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 77);
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_TRUE(in_state(b, 77, "EXPECTED"));
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	CU_ASSERT_EQUAL(ho_counter(b, "outranked"), 1);
	/* the neighbour is told that the node it announced is not served here */
	pair_run(&p, 10);
	CU_ASSERT_EQUAL(sent_last(b, MH_HI)->msg.ho.code, HI_CODE_FORWARDING_DONE);
	CU_ASSERT_EQUAL(sent_last(b, MH_HI)->msg.ho.flags & MH_HI_F, 0);
	pair_free(&p);
}

/* The same when the announced node is here, and served before it is registered. */
static void test_grant_against_arrival(void)
{
	const struct mac mac = MAC(77);
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_up(&p);
	b = p.b.bench;
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 77);
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_EQUAL(attach(b, 9, 77), 0);
	CU_ASSERT_TRUE(in_state(b, 77, "ARRIVING"));
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_TRUE(in_state(b, 77, "REGISTERING"));
	CU_ASSERT_EQUAL(ho_counter(b, "outranked"), 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	/* it asks for what its anchor gives, not for that prefix */
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&sent_last(b, MH_BU)->msg, MHO_HNP)->hnp.prefix));
	answer(b, &(struct reply){.to = sent_last(b, MH_BU), .prefix = {"2001:db8:100:77::/64"}});
	CU_ASSERT_TRUE(in_state(b, 77, "ACTIVE"));
	pair_free(&p);
}

/* A registered session that holds what is granted is not the neighbour's word. */
static void test_grant_against_registered(void)
{
	struct pair p;
	struct bench *b;

	pair_up(&p);
	b = p.b.bench;
	CU_ASSERT_EQUAL(attach(b, 9, 2), 0);
	answer(b, &(struct reply){.to = sent_last(b, MH_BU), .prefix = {HNP1}});
	CU_ASSERT_TRUE(in_state(b, 2, "ACTIVE"));
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(b, 2, "ACTIVE"));
	CU_ASSERT_TRUE(in_state(b, 1, "ROLLBACK"));
	CU_ASSERT_EQUAL(ho_counter(b, "outranked"), 0);
	pair_free(&p);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"F-32 without a place for its handover a node that is here stays served", test_no_place_left},
		{"a handover that is turned round leaves its place to the new one", test_place_of_the_handover_turned_round},
		{"F-32 a node that is here stays served when its context names another's prefix", test_another_nodes_prefix},
		{"F-32 a refused announcement leaves a de-registration as it is", test_refused_while_de_registering},
		{"F-32 a node that is here stays served when the data plane has no room", test_refused_by_the_data_plane},
		{"RFC 5568 6.2.1 an announcement whose last repetition comes late ends no session", test_late_repetition},
		{"Handover Initiates must not be repeated for longer than leave-time", test_repetitions_and_leave_time},
		{"RFC 5568 6.2.1 what is repeated when its handover is over gets the same answer", test_replay},
		{"RFC 5568 6.2.1 an earlier announcement that comes again gets its answer", test_replay_of_an_earlier_one},
		{"a node that was registered, is announced back and never comes is de-registered", test_registered_and_never_back},
		{"a node that is announced with another anchor leaves the one it had here", test_announced_with_another_anchor},
		{"a prefix that the anchor grants is taken from an announced node", test_grant_against_announcement},
		{"a prefix that the anchor grants is taken from a node that arrived and is not registered", test_grant_against_arrival},
		{"a prefix that the anchor grants is not taken from a registered node", test_grant_against_registered},
		{0},
	};
	// clang-format on
	return cu_main("fho_judged", tests, argc, argv);
}
