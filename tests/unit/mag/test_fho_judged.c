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

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"F-32 without a place for its handover a node that is here stays served", test_no_place_left},
		{"a handover that is turned round leaves its place to the new one", test_place_of_the_handover_turned_round},
		{"F-32 a node that is here stays served when its context names another's prefix", test_another_nodes_prefix},
		{"F-32 a refused announcement leaves a de-registration as it is", test_refused_while_de_registering},
		{"F-32 a node that is here stays served when the data plane has no room", test_refused_by_the_data_plane},
		{0},
	};
	// clang-format on
	return cu_main("fho_judged", tests, argc, argv);
}
