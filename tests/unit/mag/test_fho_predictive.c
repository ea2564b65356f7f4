/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fast handovers that the old MAG begins (RFC 5949 4.1, figure 2). */
#include "fho_harness.h"

#include "mag/mag_fho.h"

extern const struct fsm mag_ho_fsm;

static void test_rules(void)
{
	const char *fault = fsm_lint(&mag_ho_fsm);

	if (fault)
		printf("\n%s\n", fault);
	CU_ASSERT_PTR_NULL(fault);
}

/* a ---HI(F, 3)---> b ---HAck(5)---> a ===> b; node: a ... b; b --PBU--> LMA; b ---HI(2)---> a */
static void test_whole(void)
{
	struct pair p;
	struct bench *a, *b;
	const struct dp_session *d;
	const struct mh_msg *m;
	struct in6_addr lmaa;
	size_t before;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);

	/* F-1: identity, addresses, anchor, link-layer identifier, all at once */
	m = &sent_last(a, MH_HI)->msg;
	CU_ASSERT_EQUAL(m->ho.flags, MH_HI_P | MH_HI_F);
	CU_ASSERT_EQUAL(m->ho.code, HI_CODE_ALL_CONTEXT);
	CU_ASSERT_TRUE(mnid_eq(&mh_opt(m, MHO_MN_ID)->mnid, &(struct mnid){1, 29, id_of(1).id}));
	CU_ASSERT_EQUAL(mh_opt_count(m, MHO_HNP), 1);
	CU_ASSERT_TRUE(prefix6_eq(&mh_opt(m, MHO_HNP)->hnp.prefix,
				  &(struct prefix6){ADDR("2001:db8:100:1::"), 64}));
	CU_ASSERT_TRUE(mh_lma_addr(mh_opt(m, MHO_LMA_ADDRESS), &lmaa));
	CU_ASSERT_TRUE(addr6_eq(&lmaa, &a->lmas[0].addr));
	CU_ASSERT_EQUAL(memcmp(mh_opt(m, MHO_MN_LLID)->llid.id, MAC(1).b, 6), 0);
	CU_ASSERT_TRUE(addr6_is_linklocal(&mh_opt(m, MHO_LINK_LOCAL)->addr));
	CU_ASSERT_PTR_NULL(mh_opt(m, MHO_GRE_KEY));
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));

	/* F-2, F-4, F-5: the new MAG is ready and keeps what comes */
	carry_a(&p);
	m = &sent_last(b, MH_HACK)->msg;
	CU_ASSERT_EQUAL(m->ho.flags, MH_HACK_P | MH_HACK_F);
	CU_ASSERT_EQUAL(m->ho.code, HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_EQUAL(m->ho.seq, sent_last(a, MH_HI)->msg.ho.seq);
	CU_ASSERT_TRUE(mnid_eq(&mh_opt(m, MHO_MN_ID)->mnid, &(struct mnid){1, 29, id_of(1).id}));
	CU_ASSERT_TRUE(in_state(b, 1, "EXPECTED"));
	d = forwarding(b, HNP1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL(d->down.kind, DP_TO_NOWHERE);
	CU_ASSERT_EQUAL(d->mode, DP_BUFFER);
	CU_ASSERT_STRING_EQUAL(far_end(b, d->up.peer), MAG_A);
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
	CU_ASSERT_EQUAL(sent_count(b, MH_BU), 0);

	/* the old one hands over, and says nothing to the anchor when the node is gone */
	carry(&p);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	d = forwarding(a, HNP1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL(d->down.kind, DP_TO_PEER);
	CU_ASSERT_STRING_EQUAL(far_end(a, d->down.peer), MAG_B);
	CU_ASSERT_STRING_EQUAL(far_end(a, d->up.peer), LMA1);
	CU_ASSERT_EQUAL(d->mode, DP_FORWARD);
	CU_ASSERT_FALSE(last_call(a, CALL_WITHDRAW)->deprecate);
	before = a->n_sent;
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	pair_run(&p, 300);
	CU_ASSERT_EQUAL(a->n_sent, before);
	CU_ASSERT_EQUAL(dp_fake_arrive(b->fake, shown(b, 1).b.session, 10, 100), 0);

	/* F-6, F-8, F-35, F-36: it arrives, is advertised to at once, and registered by name, HI 3
	 */
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	d = forwarding(b, HNP1);
	CU_ASSERT_EQUAL(d->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(d->down.ifindex, 9);
	CU_ASSERT_EQUAL(d->mode, DP_FORWARD);
	CU_ASSERT_STRING_EQUAL(far_end(b, d->up.peer), MAG_A);
	/* the anchor sends here as soon as it has accepted, before its answer is here */
	CU_ASSERT_STRING_EQUAL(far_end(b, d->also_from), LMA1);
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 1);
	CU_ASSERT_EQUAL(last_call(b, CALL_ADVERTISE)->valid_s, 3600);
	m = &last_sent(b)->msg;
	CU_ASSERT_EQUAL(m->type, MH_BU);
	CU_ASSERT_EQUAL(opt_value(m, MHO_HANDOFF_IND), HI_BETWEEN_MAGS);
	CU_ASSERT_TRUE(prefix6_eq(&mh_opt(m, MHO_HNP)->hnp.prefix,
				  &(struct prefix6){ADDR("2001:db8:100:1::"), 64}));
	CU_ASSERT_STRING_EQUAL(addr6_str(&last_sent(b)->dst, (char[ADDR6_STRLEN]){0}), LMA1);

	/* from then on around the old MAG; its last packets are taken */
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	d = forwarding(b, HNP1);
	CU_ASSERT_STRING_EQUAL(far_end(b, d->up.peer), LMA1);
	CU_ASSERT_STRING_EQUAL(far_end(b, d->also_from), MAG_A);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));

	/* F-9: the end */
	pair_run(&p, 499);
	CU_ASSERT_TRUE(forwarding(b, HNP1)->also_from != 0);
	pair_run(&p, 1);
	m = &sent_last(b, MH_HI)->msg;
	CU_ASSERT_EQUAL(m->ho.flags, MH_HI_P | MH_HI_F);
	CU_ASSERT_EQUAL(m->ho.code, HI_CODE_FORWARDING_DONE);
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_ACCEPTED);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->also_from, 0);
	CU_ASSERT_TRUE(in_state(a, 1, "DEREGISTERING"));
	CU_ASSERT_EQUAL(last_sent(a)->msg.bu.lifetime, 0);
	CU_ASSERT_PTR_NULL(forwarding(a, HNP1));
	pair_run(&p, 2000);
	CU_ASSERT_EQUAL(mag_count(a->m), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(a->fake), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 1);
	CU_ASSERT_EQUAL(ho_counter(a, "completed"), 1);
	CU_ASSERT_EQUAL(ho_counter(b, "completed"), 1);
	CU_ASSERT_STRING_EQUAL(seen(b).result, "completed");
	CU_ASSERT_STRING_EQUAL(seen(b).first.mode, "predictive");
	CU_ASSERT_STRING_EQUAL(seen(a).first.role, "old");
	pair_free(&p);
}

/* RFC 5846 8.1: the anchor tells the old MAG as soon as it sends the packets to the new one. */
static void test_revoked(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	carry(&p);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	hear_bri(a, &(struct bri){.trigger = BR_HANDOVER_SAME_ATT,
				  .id = "02-00-00-00-00-01@example.com",
				  .hnp = {HNP1},
				  .at = MAG_A});
	CU_ASSERT_EQUAL(last_sent(a)->msg.type, MH_BINDING_REVOCATION);
	CU_ASSERT_EQUAL(last_sent(a)->msg.br.code, BRA_SUCCESS);
	CU_ASSERT_EQUAL(calls(a, CALL_VERIFY), 0);
	/* what is under way still goes to the new MAG */
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(forwarding(a, HNP1));
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_PEER);
	pair_run(&p, 3000);
	CU_ASSERT_EQUAL(mag_count(a->m), 0);
	CU_ASSERT_PTR_NULL(forwarding(a, HNP1));
	CU_ASSERT_EQUAL(dp_fake_peers(a->fake), 0);
	CU_ASSERT_EQUAL(sent_last(a, MH_BU)->msg.bu.lifetime, 900);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	pair_free(&p);
}

static void test_trigger_refused(void)
{
	struct pair p;
	struct bench *a;

	pair_up(&p);
	a = p.a.bench;
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), -ENOENT);
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, "nowhere"), -ENXIO);
	CU_ASSERT_EQUAL(ho_counter(a, "unknown_access_point"), 1);
	CU_ASSERT_EQUAL(trigger(a, 1, "mag-b"), 0); /* by name, too */
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), -EALREADY);
	CU_ASSERT_EQUAL(sent_count(a, MH_HI), 1);
	pair_free(&p);
}

static void test_access_points_compared(void)
{
	struct pair p;

	pair_init(&p);
	snprintf(p.a.neighbour.ap_ids[0], MAG_AP_ID_LEN, "02:AA:bb:00:00:01");
	pair_start(&p);
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(p.a.bench, 1, "02:aa:bb:00:00:02"), -ENXIO);
	CU_ASSERT_EQUAL(trigger(p.a.bench, 1, "02:aa:BB:00:00:01"), 0);
	pair_free(&p);
}

/* RFC 5568 9: 100 ms, doubled, HI_RETRIES times, always the same octets */
static void test_nobody_answers(void)
{
	static const unsigned at_ms[] = {0, 100, 300, 700};
	struct pair p;
	struct bench *a;
	nsec_t start;
	size_t first;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	start = a->now;
	first = a->n_sent;
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	run_ms(a, 1499);
	CU_ASSERT_EQUAL_FATAL(a->n_sent, first + 4);
	for (size_t i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(a->sent[first + i].at - start, nsec_from_ms(at_ms[i]));
		CU_ASSERT_EQUAL(
			memcmp(a->sent[first + i].buf, a->sent[first].buf, a->sent[first].len), 0);
	}
	CU_ASSERT_EQUAL(seen(a).open, 1);
	run_ms(a, 1);
	CU_ASSERT_EQUAL(seen(a).open, 0);
	CU_ASSERT_EQUAL(ho_counter(a, "unanswered"), 1);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0); /* may be tried again */
	pair_free(&p);
}

static void test_messages_lost(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	p.lose = 1; /* the request */
	carry(&p);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	run_ms(a, 100);
	b->now = a->now;
	carry_a(&p);
	p.lose = 1; /* the answer */
	carry_b(&p);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	CU_ASSERT_TRUE(in_state(b, 1, "EXPECTED"));
	run_ms(a, 200);
	b->now = a->now;
	carry(&p);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	CU_ASSERT_EQUAL(ho_counter(b, "hi_repeated"), 1);
	CU_ASSERT_EQUAL(ho_counter(b, "offered"), 1);
	/* the same answer, octet by octet */
	CU_ASSERT_EQUAL(b->sent[0].len, b->sent[1].len);
	CU_ASSERT_EQUAL(memcmp(b->sent[0].buf, b->sent[1].buf, b->sent[0].len), 0);
	/* the last message of a handover is lost: the old one's guard ends it */
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	lose_all(&p);
	for (unsigned i = 0; i < 100; i++) {
		run_ms(a, 100);
		run_ms(b, 100);
		lose_all(&p);
	}
	CU_ASSERT_FALSE(in_state(a, 1, "LEAVING"));
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->also_from, 0);
	run_ms(a, 70000);
	run_ms(b, 70000);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	CU_ASSERT_EQUAL(mag_count(a->m), 0);
	pair_free(&p);
}

/* Every code that refuses: the node stays where it is, and the reason is shown. */
static void test_refusals(void)
{
	static const uint8_t codes[] = {HACK_UNSPECIFIED, HACK_PROHIBITED,    HACK_RESOURCES,
					HACK_NO_CONTEXT,  HACK_NO_FORWARDING, 200};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		struct pair p;
		struct bench *a;
		struct mh_msg m;

		pair_up(&p);
		a = p.a.bench;
		pair_active(&p);
		CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
		m = hi_msg(last_sent(a)->msg.ho.seq, MH_HACK_P, codes[i], 1);
		m.type = MH_HACK;
		receive_ho(a, MAG_B, &m);
		CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
		CU_ASSERT_EQUAL(ho_counter(a, "refused"), 1);
		CU_ASSERT_EQUAL(seen(a).open, 0);
		CU_ASSERT_STRING_EQUAL(seen(a).result, hack_code_name(codes[i], true));
		CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_LINK);
		CU_ASSERT_EQUAL(dp_fake_peers(a->fake), 1);
		pair_free(&p);
	}
}

/* The node leaves before the answer is here: its packets are kept until that is known. */
static void test_leaves_early(void)
{
	for (int refused = 0; refused < 2; refused++) {
		struct pair p;
		struct bench *a, *b;
		struct mh_msg m;
		dp_ref ref;

		pair_up(&p);
		a = p.a.bench;
		b = p.b.bench;
		pair_active(&p);
		ref = shown(a, 1).b.session;
		CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
		CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
		CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
		CU_ASSERT_EQUAL(forwarding(a, HNP1)->mode, DP_BUFFER);
		CU_ASSERT_EQUAL(sent_count(a, MH_BU), 1);
		CU_ASSERT_EQUAL(dp_fake_arrive(a->fake, ref, 5, 100), 0);
		if (refused) {
			m = hi_msg(last_sent(a)->msg.ho.seq, MH_HACK_P, HACK_RESOURCES, 1);
			m.type = MH_HACK;
			receive_ho(a, MAG_B, &m);
			CU_ASSERT_TRUE(in_state(a, 1, "DEREGISTERING"));
			CU_ASSERT_PTR_NULL(forwarding(a, HNP1));
		} else {
			carry(&p);
			CU_ASSERT_EQUAL(forwarding(a, HNP1)->mode, DP_FORWARD);
			CU_ASSERT_STRING_EQUAL(far_end(a, forwarding(a, HNP1)->down.peer), MAG_B);
			CU_ASSERT_EQUAL(dp_fake_by_ref(a->fake, ref)->arrived, 5);
			CU_ASSERT_TRUE(in_state(b, 1, "EXPECTED"));
		}
		pair_free(&p);
	}
}

/* F-9 and the guard timer at the new MAG; the old one looks whether the node stayed. */
static void test_never_arrives(void)
{
	for (int left = 0; left < 2; left++) {
		struct pair p;
		struct bench *a, *b;
		const struct mh_msg *m;

		pair_init(&p);
		p.a.bench->cfg.fho.forwarding_ms = 20000;
		pair_start(&p);
		a = p.a.bench;
		b = p.b.bench;
		pair_active(&p);
		CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
		carry(&p);
		if (left)
			CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
		CU_ASSERT_EQUAL(dp_fake_arrive(b->fake, shown(b, 1).b.session, 3, 100), 0);
		pair_run(&p, 10000);
		CU_ASSERT_EQUAL(mag_count(b->m), 0);
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
		CU_ASSERT_EQUAL(ho_counter(b, "never_arrived"), 1);
		m = &sent_last(b, MH_HI)->msg;
		CU_ASSERT_EQUAL(m->ho.flags, MH_HI_P);
		CU_ASSERT_EQUAL(m->ho.code, HI_CODE_FORWARDING_DONE);
		CU_ASSERT_EQUAL(sent_count(b, MH_BU), 0);
		if (left) {
			CU_ASSERT_TRUE(in_state(a, 1, "DEREGISTERING"));
		} else {
			CU_ASSERT_TRUE(in_state(a, 1, "VERIFYING"));
			CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_LINK);
			CU_ASSERT_EQUAL(calls(a, CALL_VERIFY), 1);
			confirm(a, 7, 1);
			CU_ASSERT_TRUE(in_state(a, 1, "REFRESHING"));
		}
		pair_free(&p);
	}
}

/* The old MAG's own guard timer, with a new one that is silent. */
static void test_guard_at_old(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_init(&p);
	p.b.bench->cfg.fho.forwarding_ms = 60000;
	pair_start(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	pair_run(&p, 9999);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	pair_run(&p, 1);
	CU_ASSERT_TRUE(in_state(a, 1, "DEREGISTERING"));
	CU_ASSERT_EQUAL(ho_counter(a, "expired"), 1);
	/* the new one is told, and forgets the node */
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	pair_free(&p);
}

static void test_node_returns(void)
{
	struct pair p;
	struct bench *a, *b;
	const struct dp_session *d;
	struct mag_attachment at;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	/* what it says before it has left is not its return */
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	CU_ASSERT_TRUE(in_state(a, 1, "REFRESHING"));
	d = forwarding(a, HNP1);
	CU_ASSERT_EQUAL(d->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(d->mode, DP_FORWARD);
	CU_ASSERT_EQUAL(last_sent(a)->msg.type, MH_BU);
	CU_ASSERT_EQUAL(last_call(a, CALL_ADVERTISE)->valid_s, 3600);
	carry(&p);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(ho_counter(a, "returned"), 1);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	accept_last_pbu(a);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));

	/* an order, and a trigger long after, say that it is here though nobody saw it leave */
	for (int order = 0; order < 2; order++) {
		pair_run(&p, 1000);
		CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
		carry(&p);
		CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
		at = attachment(7, 1);
		if (order)
			at.cause = MAG_CAUSE_CONTROL;
		else
			pair_run(&p, 2000);
		CU_ASSERT_EQUAL(mag_attach(a->m, &at, a->now), 0);
		CU_ASSERT_TRUE(in_state(a, 1, "REFRESHING"));
		carry(&p);
		accept_last_pbu(a);
	}
	/* on another link of the old MAG */
	pair_run(&p, 1000);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(attach(a, 8, 1), 0);
	CU_ASSERT_TRUE(in_state(a, 1, "REFRESHING"));
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.ifindex, 8);
	carry(&p);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	pair_free(&p);
}

/* The session that its node left by makes way for that of another of its interfaces, too. */
static void test_announced_back(void)
{
	for (unsigned i = 1; i <= 2; i++) {
		const struct mac mac = MAC(i);
		struct mh_msg hi;
		struct pair p;
		struct bench *a;

		pair_up(&p);
		a = p.a.bench;
		pair_active(&p);
		CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
		carry(&p);
		CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
		CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
		hi = hi_msg(7, MH_HI_P | MH_HI_F, HI_CODE_ALL_CONTEXT, 1);
		receive_ho(a, MAG_B, with_context(&hi, HNP1, LMA1, &mac));
		CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
		CU_ASSERT_FALSE(in_state(a, 1, "LEAVING"));
		CU_ASSERT_TRUE(in_state(a, i, "EXPECTED"));
		CU_ASSERT_EQUAL(mag_count(a->m), 1);
		CU_ASSERT_EQUAL(dp_fake_sessions(a->fake), 1);
		CU_ASSERT_EQUAL(sent_count(a, MH_BU), 1);
		pair_free(&p);
	}
}

/* F-3, RFC 5949 4.1 (e), 4.2: the new MAG asks for buffering first, then for forwarding */
static void test_kept_at_the_old(void)
{
	struct pair p;
	struct bench *a, *b;
	dp_ref ref;

	pair_init(&p);
	p.a.bench->cfg.fho.buffer_at_old = true;
	pair_start(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	ref = shown(a, 1).b.session;
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	CU_ASSERT_EQUAL(last_sent(a)->msg.ho.flags, MH_HI_P);
	carry_a(&p); /* HI */
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.flags, MH_HACK_P);
	CU_ASSERT_EQUAL(sent_last(b, MH_HI)->msg.ho.flags, MH_HI_P | MH_HI_U);
	carry_b(&p);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->mode, DP_BUFFER);
	CU_ASSERT_EQUAL(last_sent(a)->msg.ho.flags, MH_HACK_P | MH_HACK_U);
	CU_ASSERT_EQUAL(last_sent(a)->msg.ho.code, HACK_ACCEPTED);
	carry(&p);
	CU_ASSERT_EQUAL(dp_fake_arrive(a->fake, ref, 7, 100), 0);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	CU_ASSERT_EQUAL(sent_last(b, MH_HI)->msg.ho.flags, MH_HI_P | MH_HI_F);
	carry(&p);
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->mode, DP_FORWARD);
	CU_ASSERT_STRING_EQUAL(far_end(a, forwarding(a, HNP1)->down.peer), MAG_B);
	CU_ASSERT_EQUAL(dp_fake_by_ref(a->fake, ref)->arrived, 7);
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.flags, MH_HACK_P | MH_HACK_F);
	accept_last_pbu(b);
	pair_run(&p, 1000);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	CU_ASSERT_EQUAL(ho_counter(a, "buffering"), 1);
	CU_ASSERT_EQUAL(ho_counter(b, "completed"), 1);
	pair_free(&p);
}

/* F-33, F-34: as between anchor and MAG; each side's key is its own choice */
static void test_gre_keys(void)
{
	struct pair p;
	struct bench *a, *b;
	const struct dp_session *d;
	uint32_t of_a, of_b;

	pair_init(&p);
	p.a.bench->cfg.gre = p.b.bench->cfg.gre = MAG_GRE_KEYS;
	pair_start(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mh_opt(&last_sent(a)->msg, MHO_GRE_KEY));
	of_a = mh_opt(&last_sent(a)->msg, MHO_GRE_KEY)->gre.key;
	carry(&p);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mh_opt(&sent_last(b, MH_HACK)->msg, MHO_GRE_KEY));
	of_b = mh_opt(&sent_last(b, MH_HACK)->msg, MHO_GRE_KEY)->gre.key;
	CU_ASSERT_TRUE(of_a && of_b && of_a != of_b);
	d = forwarding(a, HNP1);
	CU_ASSERT_EQUAL(d->down.key, of_b);
	CU_ASSERT_EQUAL(dp_fake_peer(a->fake, d->down.peer)->encap, DP_ENCAP_GRE_KEY);
	d = forwarding(b, HNP1);
	CU_ASSERT_EQUAL(d->up.key, of_a);
	CU_ASSERT_EQUAL(dp_fake_peer(b->fake, d->up.peer)->encap, DP_ENCAP_GRE_KEY);
	CU_ASSERT_PTR_NOT_NULL(dp_fake_by_key(b->fake, of_b));
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	/* the same key is offered to the anchor */
	CU_ASSERT_EQUAL(mh_opt(&last_sent(b)->msg, MHO_GRE_KEY)->gre.key, of_b);
	accept_last_pbu(b);
	d = forwarding(b, HNP1);
	CU_ASSERT_EQUAL(d->up.key, 0x5000);
	CU_ASSERT_STRING_EQUAL(far_end(b, d->also_from), MAG_A);
	pair_run(&p, 3000);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	pair_free(&p);
}

/* The tunnel between the MAGs is keyed, that to the anchor is not until the anchor demands it. */
static void test_key_of_the_tunnel_alone(void)
{
	struct pair p;
	struct bench *a, *b;
	uint32_t of_b, of_lma;

	pair_init(&p);
	p.a.bench->cfg.gre = p.b.bench->cfg.gre = MAG_GRE_NONE;
	p.a.neighbour.encap = p.b.neighbour.encap = DP_ENCAP_GRE_KEY;
	pair_start(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	of_b = shown(b, 1).b.down_key;
	CU_ASSERT_NOT_EQUAL(of_b, 0);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	CU_ASSERT_PTR_NULL(mh_opt(&last_sent(b)->msg, MHO_GRE_KEY));
	accept_last_pbu(b);
	CU_ASSERT_EQUAL(shown(b, 1).b.down_key, of_b);
	pair_run(&p, 3000);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	CU_ASSERT_PTR_NULL(dp_fake_by_key(b->fake, of_b));
	CU_ASSERT_EQUAL(shown(b, 1).b.down_key, 0);
	/* what the anchor is told then is what the data plane expects */
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	answer_status(b, PBA_GRE_KEY_REQUIRED);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mh_opt(&last_sent(b)->msg, MHO_GRE_KEY));
	of_lma = mh_opt(&last_sent(b)->msg, MHO_GRE_KEY)->gre.key;
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(shown(b, 1).b.down_key, of_lma);
	CU_ASSERT_PTR_NOT_NULL(dp_fake_by_key(b->fake, of_lma));
	pair_free(&p);
}

/* F-33 (2): configured otherwise than between anchor and MAG */
static void test_encapsulation_configured(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_init(&p);
	p.a.neighbour.encap = p.b.neighbour.encap = DP_ENCAP_GRE_KEY;
	pair_start(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(dp_fake_peer(a->fake, forwarding(a, HNP1)->down.peer)->encap,
			DP_ENCAP_GRE_KEY);
	CU_ASSERT_EQUAL(dp_fake_peer(a->fake, forwarding(a, HNP1)->up.peer)->encap, DP_ENCAP_IP);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	CU_ASSERT_EQUAL(dp_fake_peer(b->fake, forwarding(b, HNP1)->up.peer)->encap, DP_ENCAP_IP);
	CU_ASSERT_TRUE(forwarding(b, HNP1)->keyed);
	pair_run(&p, 3000);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	pair_free(&p);
}

/* F-36, RFC 5949 A.1 */
static void test_handoff_indicator(void)
{
	const struct mac other = MAC(77), same = MAC(1);
	const struct {
		const struct mac *announced;
		uint8_t hi;
	} rows[] = {
		{&same,	HI_BETWEEN_MAGS      },
		  {&other, HI_BETWEEN_INTERFACES},
		   {NULL,	  HI_UNKNOWN	    }
	     };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pair p;
		struct bench *b;
		struct mh_msg m;

		pair_up(&p);
		b = p.b.bench;
		m = hi_msg(5, MH_HI_P | MH_HI_F, HI_CODE_ALL_CONTEXT, 1);
		receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, rows[i].announced));
		CU_ASSERT_EQUAL(last_sent(b)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
		CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
		CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), rows[i].hi);
		pair_free(&p);
	}
}

/* F-35: what the anchor does not give is withdrawn */
static void test_other_prefix_granted(void)
{
	struct pair p;
	struct bench *a, *b;
	const struct call *ad;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	answer(b, &(struct reply){.to = sent_last(b, MH_BU), .prefix = {HNP2}});
	ad = &b->call[b->n_calls - 2];
	CU_ASSERT_EQUAL(ad->kind, CALL_ADVERTISE);
	CU_ASSERT_EQUAL(ad->valid_s, 0);
	CU_ASSERT_TRUE(
		prefix6_eq(&ad->prefixes[0], &(struct prefix6){ADDR("2001:db8:100:1::"), 64}));
	CU_ASSERT_EQUAL(last_call(b, CALL_ADVERTISE)->valid_s, 3600);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	pair_free(&p);
}

static void test_registration_rejected(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	answer(b, &(struct reply){.to = sent_last(b, MH_BU), .status = PBA_ADMIN_PROHIBITED});
	CU_ASSERT_TRUE(last_call(b, CALL_WITHDRAW)->deprecate);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	/* the old one is told, and its node is gone as well */
	pair_run(&p, 1);
	CU_ASSERT_TRUE(in_state(a, 1, "DEREGISTERING"));
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	pair_free(&p);
}

/* The request waited on its way: nothing was said against the node's service by its old MAG. */
static void test_registration_late(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	for (int i = 0; i < 2; i++) {
		answer(b, &(struct reply){.to = sent_last(b, MH_BU),
					  .status = PBA_TIMESTAMP_MISMATCH});
		CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
		CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
		CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
	}
	CU_ASSERT_EQUAL(seen(a).open, 1);
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	pair_free(&p);
}

/* The anchor never answers: service without a registration has an end. */
static void test_registration_unanswered(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	pair_run(&p, 9999);
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	pair_run(&p, 2);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_TRUE(last_call(b, CALL_WITHDRAW)->deprecate);
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	pair_run(&p, 100);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	pair_free(&p);
}

static void test_many_at_once(void)
{
	enum { N = 40 };
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	for (unsigned i = 1; i <= N; i++) {
		char prefix[64];

		snprintf(prefix, sizeof(prefix), "2001:db8:200:%x::/64", i);
		CU_ASSERT_EQUAL(attach(a, 7, i), 0);
		answer(a, &(struct reply){.prefix = {prefix}});
		CU_ASSERT_EQUAL(trigger(a, i, AP_B), 0);
	}
	carry(&p);
	for (unsigned i = 1; i <= N; i++) {
		CU_ASSERT_TRUE(in_state(b, i, "EXPECTED"));
		CU_ASSERT_EQUAL(detach_node(a, 7, i), 0);
	}
	for (unsigned i = N; i >= 1; i--) {
		CU_ASSERT_EQUAL(attach(b, 9, i), 0);
		accept_last_pbu(b);
	}
	CU_ASSERT_EQUAL(seen(b).open, N);
	pair_run(&p, 3000);
	CU_ASSERT_EQUAL(ho_counter(a, "completed"), N);
	CU_ASSERT_EQUAL(mag_count(a->m), 0);
	CU_ASSERT_EQUAL(mag_count(b->m), N);
	CU_ASSERT_EQUAL(dp_fake_peers(a->fake), 0);
	pair_free(&p);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"every rule is sound and cites its clause", test_rules},
		{"F-1 F-2 F-4 F-5 F-6 F-7 F-8 F-9 RFC 5949 4.1 a predictive handover from trigger to end", test_whole},
		{"a trigger needs a node of ours and a neighbour's access point", test_trigger_refused},
		{"RFC 5846 8.1 the anchor revokes at the old MAG: packets under way still arrive", test_revoked},
		{"link-layer addresses of access points are compared as such", test_access_points_compared},
		{"RFC 5568 9 HI is sent again after 100, 200, 400 ms, HI_RETRIES times", test_nobody_answers},
		{"lost messages are repeated as they were, an unheard end has a guard timer", test_messages_lost},
		{"RFC 5949 6.1.2 each code that refuses leaves the node where it is", test_refusals},
		{"RFC 5949 4.1 packets of a node that leaves before the answer are kept", test_leaves_early},
		{"RFC 5949 4.1 a node that never arrives is given back", test_never_arrives},
		{"RFC 5949 4.1 the old MAG's guard timer ends forwarding", test_guard_at_old},
		{"a node that comes back gets its packets at the old MAG", test_node_returns},
		{"a node announced as it comes back, or another interface of it, takes the old session's place", test_announced_back},
		{"F-3 RFC 5949 4.1 (e) 4.2 buffering at the old MAG by U, forwarding by F", test_kept_at_the_old},
		{"F-34 RFC 5949 4.2 each MAG chooses the GRE key of what comes to it", test_gre_keys},
		{"F-34 RFC 5949 4.2 a key of the tunnel between MAGs alone ends with it", test_key_of_the_tunnel_alone},
		{"F-33 RFC 5949 4.2 another encapsulation between MAGs by configuration", test_encapsulation_configured},
		{"F-36 RFC 5949 A.1 the Handoff Indicator follows the link-layer identifiers", test_handoff_indicator},
		{"F-35 RFC 5949 5.2 a prefix that was advertised and not granted is withdrawn", test_other_prefix_granted},
		{"F-35 RFC 5949 5.2 a rejected registration withdraws what was advertised", test_registration_rejected},
		{"RFC 5213 6.9.1.2 (9) RFC 5949 4.1 a late registration is repeated, the node served on", test_registration_late},
		{"RFC 5949 5.2 service before registration ends in time", test_registration_unanswered},
		{"many nodes are handed over at once", test_many_at_once},
		{0},
	};
	// clang-format on
	return cu_main("fho_predictive", tests, argc, argv);
}
