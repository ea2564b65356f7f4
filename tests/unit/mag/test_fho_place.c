/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places of nodes that are being handed over, where somebody else shows up. */
#include "fho_harness.h"

#include "mag_life.h"

static struct mnid other_id(void)
{
	return NAI("other@example.com");
}

/* The other node, at the place of node 1. */
static void take_place(struct bench *b)
{
	struct mag_attachment at = attachment(7, 1);
	struct mnid other = other_id();

	at.mnid = &other;
	CU_ASSERT_EQUAL_FATAL(mag_attach(b->m, &at, b->now), 0);
	answer(b, &(struct reply){.to = sent_last(b, MH_BU), .prefix = {HNP2}});
	CU_ASSERT_PTR_NOT_NULL_FATAL(forwarding(b, HNP2));
	CU_ASSERT_EQUAL(forwarding(b, HNP2)->down.ifindex, 7);
}

/* Packets to node 1 go to `b`, and what comes from its place is not its any more. */
static void check_forwarded(struct bench *a)
{
	const struct dp_session *s = forwarding(a, HNP1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(s->down.kind, DP_TO_PEER);
	CU_ASSERT_STRING_EQUAL(far_end(a, s->down.peer), MAG_B);
	CU_ASSERT_EQUAL(s->down.ifindex, 0);
}

static void test_replaced(void)
{
	const struct link_node place = node_at(7, 1);
	struct pair p;
	struct bench *a, *b;
	const struct sent *last;
	struct mnid id;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	take_place(a);
	check_forwarded(a);
	/* what happens there happens to the other one */
	confirm(a, 7, 1);
	CU_ASSERT_EQUAL(mag_detach(a->m, &place, "gone", a->now), 0);
	CU_ASSERT_PTR_NULL(forwarding(a, HNP2));
	check_forwarded(a);
	accept_last_pbu(a);
	/* and the handover ends as any other */
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	pair_run(&p, 1000);
	CU_ASSERT_EQUAL(ho_counter(a, "completed"), 1);
	CU_ASSERT_PTR_NULL(forwarding(a, HNP1));
	last = sent_last(a, MH_BU);
	id = id_of(1);
	CU_ASSERT_EQUAL(last->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(mnid_eq(&mh_opt(&last->msg, MHO_MN_ID)->mnid, &id));
	pair_run(&p, 3000);
	CU_ASSERT_EQUAL(mag_count(a->m), 0);
	pair_free(&p);
}

static void test_replaced_returns(void)
{
	struct mnid id;
	struct mag_attachment at = attachment(8, 1);
	struct pair p;
	struct bench *a;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	take_place(a);
	id = id_of(1);
	at.mnid = &id;
	CU_ASSERT_EQUAL(mag_attach(a->m, &at, a->now), 0);
	carry(&p);
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.ifindex, 8);
	CU_ASSERT_EQUAL(forwarding(a, HNP2)->down.ifindex, 7);
	CU_ASSERT_EQUAL(last_call(a, CALL_ADVERTISE)->node.ifindex, 8);
	CU_ASSERT_EQUAL(ho_counter(a, "returned"), 1);
	CU_ASSERT_EQUAL(mag_count(a->m), 2);
	pair_free(&p);
}

/* Announced, and not answered yet: what is for it is kept, and is nothing for the other one. */
static void test_replaced_while_offered(void)
{
	struct pair p;
	struct bench *a;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	take_place(a);
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->mode, DP_BUFFER);
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_NOWHERE);
	carry(&p);
	check_forwarded(a);
	CU_ASSERT_TRUE(in_state(p.b.bench, 1, "EXPECTED"));
	pair_free(&p);
}

/* The link became another operator's: the same node is registered anew, and nothing ends that. */
static void test_other_domain(void)
{
	for (int i = 0; i < 2; i++) {
		struct mag_attachment at = attachment(i ? 8 : 7, 1);
		struct pair p;
		struct bench *a;

		pair_up(&p);
		a = p.a.bench;
		pair_active(&p);
		CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
		carry(&p);
		at.domain = 1;
		CU_ASSERT_EQUAL(mag_attach(a->m, &at, a->now), 0);
		carry(&p);
		CU_ASSERT_EQUAL(mag_count(a->m), 1);
		CU_ASSERT_TRUE(in_state(a, 1, "REGISTERING"));
		run_ms(a, 1000);
		CU_ASSERT_NOT_EQUAL(sent_last(a, MH_BU)->msg.bu.lifetime, 0);
		accept_last_pbu(a);
		pair_run(&p, 20000);
		CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
		CU_ASSERT_NOT_EQUAL(sent_last(a, MH_BU)->msg.bu.lifetime, 0);
		pair_free(&p);
	}
}

static void test_restart(void)
{
	struct mnid id;
	struct pair p;
	struct bench *a;

	pair_init(&p);
	a = p.a.bench;
	bench_start(p.b.bench);
	with_store(a);
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	take_place(a);
	flush(a);
	dies(a);
	lives(a);
	CU_ASSERT_EQUAL(keep, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(forwarding(a, HNP2));
	CU_ASSERT_EQUAL(forwarding(a, HNP2)->down.ifindex, 7);
	CU_ASSERT_PTR_NULL(forwarding(a, HNP1));
	run_ms(a, 2000);
	id = id_of(1);
	CU_ASSERT_EQUAL(sent_last(a, MH_BU)->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(mnid_eq(&mh_opt(&sent_last(a, MH_BU)->msg, MHO_MN_ID)->mnid, &id));
	bench_free(p.b.bench);
	end(a);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"another identity at the place of a node that leaves is a session of its own", test_replaced},
		{"a node whose place was taken returns to another one", test_replaced_returns},
		{"another identity at the place of a node whose handover is open", test_replaced_while_offered},
		{"an open handover does not outlast another domain at its place", test_other_domain},
		{"a restart gives the place to the node that is there", test_restart},
		{0},
	};
	// clang-format on
	return cu_main("fho_place", tests, argc, argv);
}
