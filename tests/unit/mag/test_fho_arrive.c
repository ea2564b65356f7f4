/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes that arrive by fast handover: between their service and their registration. */
#include "fho_harness.h"

/* Node 1 has gone from `a` to `b`, whose registration is open; a packet waited for it. */
static void arrive(struct pair *p)
{
	struct bench *b = p->b.bench;

	pair_active(p);
	CU_ASSERT_EQUAL_FATAL(trigger(p->a.bench, 1, AP_B), 0);
	carry(p);
	dp_fake_arrive(b->fake, shown(b, 1).b.session, 9, 100);
	CU_ASSERT_EQUAL_FATAL(attach(b, 9, 1), 0);
	CU_ASSERT_FATAL(in_state(b, 1, "ARRIVING"));
}

/* Sequence numbers decide in the domain if `seq`. */
static void arrive_in_domain(struct pair *p, bool seq)
{
	pair_init(p);
	if (seq)
		p->a.bench->cfg.timestamp_based_approach_in_use =
			p->b.bench->cfg.timestamp_based_approach_in_use = false;
	pair_start(p);
	arrive(p);
}

static uint16_t last_seq(const struct bench *b)
{
	return sent_last(b, MH_BU)->msg.bu.seq;
}

/* 135 tells the number that is the newest there, 157 the time. */
static void refuse_as_old(struct bench *b, bool seq, uint16_t newest)
{
	answer(b, &(struct reply){.to = sent_last(b, MH_BU),
				  .status = seq ? PBA_SEQ_OUT_OF_WINDOW : PBA_TIMESTAMP_LOWER,
				  .seq = seq ? newest : 0});
}

static void check_served(struct pair *p)
{
	struct bench *a = p->a.bench, *b = p->b.bench;

	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->mode, DP_FORWARD);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->up.kind, DP_TO_PEER);
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	CU_ASSERT_STRING_EQUAL(seen(a).first.state, "FORWARDING");
}

/* The number and the time are about order, not about what the node is served by. */
static void test_again(void)
{
	for (int seq = 0; seq < 2; seq++) {
		struct pair p;
		struct bench *b;
		uint16_t newest;

		arrive_in_domain(&p, seq);
		b = p.b.bench;
		newest = (uint16_t)(last_seq(b) + 100);
		CU_ASSERT_EQUAL(sent_count(b, MH_BU), 1);
		refuse_as_old(b, seq, newest);
		carry(&p);
		check_served(&p);
		CU_ASSERT_EQUAL_FATAL(sent_count(b, MH_BU), 2);
		CU_ASSERT_EQUAL(opt_value(&sent_last(b, MH_BU)->msg, MHO_HANDOFF_IND),
				HI_BETWEEN_MAGS);
		if (seq)
			CU_ASSERT_EQUAL(last_seq(b), (uint16_t)(newest + 1));
		accept_last_pbu(b);
		pair_run(&p, 2000);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
		CU_ASSERT_EQUAL(ho_counter(b, "completed"), 1);
		pair_free(&p);
	}
}

/* An answer that was long on its way may mean that the node has moved on. */
static void test_again_late(void)
{
	for (int seq = 0; seq < 2; seq++) {
		struct pair p;
		struct bench *b;
		uint16_t newest;

		arrive_in_domain(&p, seq);
		b = p.b.bench;
		newest = (uint16_t)(last_seq(b) + 100);
		pair_run(&p, 200);
		refuse_as_old(b, seq, newest);
		carry(&p);
		check_served(&p);
		CU_ASSERT_EQUAL(sent_count(b, MH_BU), 1);
		CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
		pair_run(&p, 1000);
		CU_ASSERT_EQUAL(sent_count(b, MH_BU), 1);
		confirm(b, 9, 1);
		CU_ASSERT_EQUAL_FATAL(sent_count(b, MH_BU), 2);
		CU_ASSERT_EQUAL(opt_value(&sent_last(b, MH_BU)->msg, MHO_HANDOFF_IND),
				HI_BETWEEN_MAGS);
		if (seq)
			CU_ASSERT_EQUAL(last_seq(b), (uint16_t)(newest + 1));
		/* what shows that it is here asks no more than once */
		confirm(b, 9, 1);
		CU_ASSERT_EQUAL(sent_count(b, MH_BU), 2);
		accept_last_pbu(b);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
		pair_free(&p);
	}
}

/* Nothing shows that it is here: it is asserted no more, and served no longer than it could be. */
static void test_again_never_proved(void)
{
	static const uint32_t forwarding_ms[] = {10000, 60000};

	for (int i = 0; i < 2; i++) {
		struct pair p;
		struct bench *b;

		pair_init(&p);
		p.a.bench->cfg.fho.forwarding_ms = p.b.bench->cfg.fho.forwarding_ms =
			forwarding_ms[i];
		pair_start(&p);
		arrive(&p);
		b = p.b.bench;
		pair_run(&p, 200);
		refuse_as_old(b, false, 0);
		run_ms(b, i ? 31999 : 9799);
		CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
		run_ms(b, 1);
		CU_ASSERT_TRUE(in_state(b, 1, "DEREGISTERING"));
		CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
		CU_ASSERT_EQUAL(sent_last(b, MH_BU)->msg.bu.lifetime, 0);
		pair_free(&p);
	}
}

/* ---- the router's link-local address, where it is not the same on all links */

#define ROUTER_LL "fe80::1234"

/* Node 1 is at `a`, whose router has ROUTER_LL there. */
static void pair_with_link_local(struct pair *p)
{
	pair_init(p);
	p->a.bench->cfg.fixed_mag_link_local_address_on_all_access_links =
		p->b.bench->cfg.fixed_mag_link_local_address_on_all_access_links = in6addr_any;
	pair_start(p);
	CU_ASSERT_EQUAL_FATAL(attach(p->a.bench, 7, 1), 0);
	answer(p->a.bench, &(struct reply){.link_local = ROUTER_LL});
	CU_ASSERT_FATAL(in_state(p->a.bench, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(calls(p->a.bench, CALL_LINK_LOCAL), 1);
}

/* The router has its address there, and had it before the node was told of it. */
static void check_link_local(const struct bench *b, unsigned ifindex)
{
	const struct in6_addr want = ADDR(ROUTER_LL);
	const struct call *set = last_call(b, CALL_LINK_LOCAL), *told = last_call(b, CALL_ADVERTISE);

	CU_ASSERT_TRUE(addr6_eq(&set->ll, &want));
	CU_ASSERT_EQUAL(set->node.ifindex, ifindex);
	CU_ASSERT_TRUE(addr6_eq(&told->ll, &want));
	CU_ASSERT_EQUAL(told->node.ifindex, ifindex);
	CU_ASSERT_TRUE(set < told);
}

static void test_link_local_predictive(void)
{
	struct pair p;
	struct bench *b;

	pair_with_link_local(&p);
	b = p.b.bench;
	CU_ASSERT_EQUAL(trigger(p.a.bench, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(calls(b, CALL_LINK_LOCAL), 0);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	check_link_local(b, 9);
	/* on to another link before the answer */
	CU_ASSERT_EQUAL(attach(b, 10, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	check_link_local(b, 10);
	answer(b, &(struct reply){.to = sent_last(b, MH_BU), .link_local = ROUTER_LL});
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(calls(b, CALL_LINK_LOCAL), 2);
	pair_free(&p);
}

static void test_link_local_reactive(void)
{
	struct pair p;
	struct bench *b;

	pair_with_link_local(&p);
	b = p.b.bench;
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	carry(&p);
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	check_link_local(b, 9);
	CU_ASSERT_EQUAL(calls(b, CALL_LINK_LOCAL), 1);
	pair_free(&p);
}

/* A node that comes back comes to the link that it left, or to another one. */
static void test_link_local_returned(void)
{
	struct pair p;
	struct bench *a;

	pair_with_link_local(&p);
	a = p.a.bench;
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	CU_ASSERT_EQUAL(attach(a, 8, 1), 0);
	CU_ASSERT_TRUE(in_state(a, 1, "REFRESHING"));
	check_link_local(a, 8);
	pair_free(&p);
}

/* Its handover failed, and with that its service; it moves before it has it again. */
static void test_link_local_again(void)
{
	struct pair p;
	struct bench *b;

	pair_with_link_local(&p);
	b = p.b.bench;
	CU_ASSERT_EQUAL(trigger(p.a.bench, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	answer(b, &(struct reply){.to = sent_last(b, MH_BU), .status = PBA_INSUFFICIENT_RESOURCES});
	CU_ASSERT_TRUE(in_state(b, 1, "BACKOFF"));
	CU_ASSERT_EQUAL(attach(b, 10, 1), 0);
	run_ms(b, 4000);
	answer(b, &(struct reply){.to = sent_last(b, MH_BU), .link_local = ROUTER_LL});
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	check_link_local(b, 10);
	pair_free(&p);
}

/* ---- the anchor */

#define LMA2 "2001:db8:2::2"

/* The old MAG's answer to what `b` asked it: `prefix` at `lma`. */
static void answer_hi(struct bench *b, const char *prefix, const char *lma)
{
	const struct mac mac = MAC(1);
	struct mh_msg m = hi_msg(sent_last(b, MH_HI)->msg.ho.seq, MH_HACK_P | MH_HACK_F,
				 HACK_ALL_CONTEXT, 1);

	m.type = MH_HACK;
	receive_ho(b, MAG_A, with_context(&m, prefix, lma, &mac));
}

static bool went_to(const struct sent *s, const char *lma)
{
	const struct in6_addr a = ADDR(lma);

	return addr6_eq(&s->dst, &a);
}

static void test_anchor_changes(void)
{
	struct pair p;
	struct bench *b;
	const struct sent *asked, *left, *again;
	struct shown s;

	pair_up(&p);
	b = p.b.bench;
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	run_ms(b, 100);
	CU_ASSERT_EQUAL_FATAL(sent_count(b, MH_BU), 1);
	asked = sent_last(b, MH_BU);
	CU_ASSERT_TRUE(went_to(asked, LMA1));
	answer_hi(b, HNP2, LMA2);
	CU_ASSERT_EQUAL_FATAL(sent_count(b, MH_BU), 3);
	again = sent_last(b, MH_BU);
	left = again - 1;
	CU_ASSERT_TRUE(went_to(again, LMA2));
	CU_ASSERT_NOT_EQUAL(again->msg.bu.lifetime, 0);
	/* all that the first one was asked for, and newer */
	CU_ASSERT_TRUE(went_to(left, LMA1));
	CU_ASSERT_EQUAL(left->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(mnid_eq(&mh_opt(&left->msg, MHO_MN_ID)->mnid,
			       &mh_opt(&asked->msg, MHO_MN_ID)->mnid));
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&left->msg, MHO_HNP)->hnp.prefix));
	CU_ASSERT_EQUAL(opt_value(&left->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	CU_ASSERT_TRUE(mh_opt(&left->msg, MHO_TIMESTAMP)->timestamp >
		       mh_opt(&asked->msg, MHO_TIMESTAMP)->timestamp);
	/* what the first one says now is about nothing */
	answer(b, &(struct reply){.to = asked});
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	answer(b, &(struct reply){.to = left});
	answer(b, &(struct reply){.to = again, .prefix = {HNP2}});
	run_ms(b, 20000);
	s = shown(b, 1);
	CU_ASSERT_EQUAL(s.n, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP2));
	CU_ASSERT_EQUAL(sent_count(b, MH_BU), 3);
	CU_ASSERT_EQUAL(calls(b, CALL_TEARDOWN), 0);
	pair_free(&p);
}

/* Never asked, or the same one: there is nothing to give back. */
static void test_anchor_stays(void)
{
	for (int i = 0; i < 2; i++) {
		struct pair p;
		struct bench *b;

		pair_up(&p);
		b = p.b.bench;
		CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
		if (i)
			run_ms(b, 100);
		answer_hi(b, HNP2, i ? LMA1 : LMA2);
		CU_ASSERT_EQUAL(sent_count(b, MH_BU), 1 + (unsigned)i);
		answer(b, &(struct reply){.to = sent_last(b, MH_BU), .prefix = {HNP2}});
		run_ms(b, 20000);
		for (size_t k = 0; k < b->n_sent; k++)
			CU_ASSERT_FALSE(b->sent[k].msg.type == MH_BU && !b->sent[k].msg.bu.lifetime);
		CU_ASSERT_EQUAL(mag_count(b->m), 1);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		pair_free(&p);
	}
}

/* ---- local routing */

static void set_local_routing(struct bench *b, bool on)
{
	const char *why;

	b->cfg.enable_mag_local_routing = on;
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), 0);
}

/* What a neighbour says of a prefix must not draw the traffic of others here. */
static void test_local_routing_confirmed(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_init(&p);
	p.b.bench->cfg.enable_mag_local_routing = true;
	pair_start(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_TRUE(in_state(b, 1, "EXPECTED"));
	CU_ASSERT_FALSE(forwarding(b, HNP1)->local_routing);
	set_local_routing(b, false);
	set_local_routing(b, true);
	CU_ASSERT_FALSE(forwarding(b, HNP1)->local_routing);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	CU_ASSERT_FALSE(forwarding(b, HNP1)->local_routing);
	set_local_routing(b, false);
	set_local_routing(b, true);
	CU_ASSERT_FALSE(forwarding(b, HNP1)->local_routing);
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_TRUE(forwarding(b, HNP1)->local_routing);
	set_local_routing(b, false);
	CU_ASSERT_FALSE(forwarding(b, HNP1)->local_routing);
	pair_free(&p);
}

/* A reload does not bring it back to a node that is being handed over; its return does. */
static void test_local_routing_reload(void)
{
	struct pair p;
	struct bench *a;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	set_local_routing(a, true);
	CU_ASSERT_FALSE(forwarding(a, HNP1)->local_routing);
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_PEER);
	detach_node(a, 7, 1);
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	CU_ASSERT_TRUE(in_state(a, 1, "REFRESHING"));
	CU_ASSERT_TRUE(forwarding(a, HNP1)->local_routing);
	pair_free(&p);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"RFC 5213 6.9.1.2 (8) status 135 and 157 take no service from a node that arrives", test_again},
		{"RFC 5213 6.9.1.2 (8) a node that arrives is served while it proves to be here", test_again_late},
		{"RFC 5213 6.13 a node that arrives and never proves to be here is given up", test_again_never_proved},
		{"RFC 5949 6.2.5 the router's link-local address comes to the link with the node", test_link_local_predictive},
		{"RFC 5949 6.2.5 the router's link-local address of an answer is set on the link", test_link_local_reactive},
		{"RFC 5213 6.8 a node that returns to another link finds its router's address there", test_link_local_returned},
		{"RFC 5213 6.8 service that begins anew on another link has its router's address", test_link_local_again},
		{"RFC 5213 6.9.1.4 an anchor that was asked before the context named another one is told", test_anchor_changes},
		{"an anchor that was never asked is told nothing", test_anchor_stays},
		{"RFC 5213 6.10.3 local routing begins when the anchor has confirmed the prefixes", test_local_routing_confirmed},
		{"RFC 5949 A.2 a reload does not bring local routing back to a node that leaves", test_local_routing_reload},
		{0},
	};
	// clang-format on
	return cu_main("fho_arrive", tests, argc, argv);
}
