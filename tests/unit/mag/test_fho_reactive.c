/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fast handovers that the new MAG begins (RFC 5949 4.1, figure 3), and those of both at once. */
#include "fho_harness.h"

/* node: a ... b; b ---HI(F, what?)---> a ---HAck(6, context)---> b; a ===> b; b --PBU--> LMA */
static void test_whole(void)
{
	struct pair p;
	struct bench *a, *b;
	const struct dp_session *d;
	const struct mh_msg *m;
	struct mh_context want;
	unsigned at = 0, types = 0;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);

	/* F-20: identity, what is wanted, and the wish to have packets forwarded */
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
	m = &last_sent(b)->msg;
	CU_ASSERT_EQUAL(m->type, MH_HI);
	CU_ASSERT_EQUAL(m->ho.flags, MH_HI_P | MH_HI_F);
	CU_ASSERT_EQUAL(m->ho.code, HI_CODE_DEFAULT);
	CU_ASSERT_PTR_NOT_NULL(mh_opt(m, MHO_MN_ID));
	while (mh_context_next(mh_opt(m, MHO_CONTEXT_REQUEST), &at, &want))
		types += want.type == MHO_HNP || want.type == MHO_MN_LLID ||
			 want.type == MHO_LMA_ADDRESS || want.type == MHO_IPV4_HOA_REQUEST;
	CU_ASSERT_EQUAL(types, 4);
	CU_ASSERT_TRUE(in_state(b, 1, "FETCHING"));

	/* F-21: everything, code 6; the old MAG forwards from then on */
	carry_b(&p);
	m = &sent_last(a, MH_HACK)->msg;
	CU_ASSERT_EQUAL(m->ho.flags, MH_HACK_P | MH_HACK_F);
	CU_ASSERT_EQUAL(m->ho.code, HACK_ALL_CONTEXT);
	CU_ASSERT_PTR_NOT_NULL(mh_opt(m, MHO_HNP));
	CU_ASSERT_PTR_NOT_NULL(mh_opt(m, MHO_LMA_ADDRESS));
	CU_ASSERT_PTR_NOT_NULL(mh_opt(m, MHO_MN_LLID));
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	d = forwarding(a, HNP1);
	CU_ASSERT_EQUAL(d->down.kind, DP_TO_PEER);
	CU_ASSERT_STRING_EQUAL(far_end(a, d->down.peer), MAG_B);
	CU_ASSERT_FALSE(d->local_routing);

	/* F-22: served at once, through the old MAG, and registered by name */
	carry_a(&p);
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	d = forwarding(b, HNP1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL(d->down.kind, DP_TO_LINK);
	CU_ASSERT_STRING_EQUAL(far_end(b, d->up.peer), MAG_A);
	CU_ASSERT_EQUAL(d->mode, DP_FORWARD);
	CU_ASSERT_STRING_EQUAL(far_end(b, d->also_from), LMA1);
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 1);
	m = &last_sent(b)->msg;
	CU_ASSERT_EQUAL(m->type, MH_BU);
	CU_ASSERT_EQUAL(opt_value(m, MHO_HANDOFF_IND), HI_BETWEEN_MAGS);
	CU_ASSERT_TRUE(prefix6_eq(&mh_opt(m, MHO_HNP)->hnp.prefix,
				  &(struct prefix6){ADDR("2001:db8:100:1::"), 64}));
	accept_last_pbu(b);
	CU_ASSERT_STRING_EQUAL(far_end(b, forwarding(b, HNP1)->up.peer), LMA1);
	CU_ASSERT_STRING_EQUAL(far_end(b, forwarding(b, HNP1)->also_from), MAG_A);

	/* nobody saw it leave the old one; the new one's word will do */
	pair_run(&p, 500);
	CU_ASSERT_TRUE(in_state(a, 1, "DEREGISTERING"));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->also_from, 0);
	CU_ASSERT_EQUAL(ho_counter(b, "completed"), 1);
	CU_ASSERT_STRING_EQUAL(seen(b).first.mode, "reactive");
	pair_free(&p);
}

/* RFC 5949 A.2 */
static void test_local_routing_stops(void)
{
	struct pair p;
	struct bench *a;

	pair_init(&p);
	p.a.bench->cfg.enable_mag_local_routing = true;
	pair_start(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_TRUE(forwarding(a, HNP1)->local_routing);
	CU_ASSERT_EQUAL(attach_from(p.b.bench, 9, 1, AP_A), 0);
	carry(&p);
	CU_ASSERT_FALSE(forwarding(a, HNP1)->local_routing);
	pair_free(&p);
}

static void test_unknown_there(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	carry_b(&p);
	CU_ASSERT_EQUAL(last_sent(a)->msg.ho.code, HACK_NO_CONTEXT);
	CU_ASSERT_EQUAL(last_sent(a)->msg.n_opts, 1); /* F-21: no context at all */
	carry_a(&p);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(last_sent(b)->msg.type, MH_BU);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	CU_ASSERT_EQUAL(ho_counter(b, "hack_131_no_context"), 1);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	pair_free(&p);
}

static void test_unknown_access_point(void)
{
	struct pair p;
	struct bench *b;
	struct mag_attachment at;

	pair_up(&p);
	b = p.b.bench;
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, "elsewhere"), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(ho_counter(b, "unknown_access_point"), 1);
	/* the trigger's hint survives a handover that comes to nothing */
	at = attachment(9, 2);
	at.prev_ap = AP_A;
	at.handoff_hint = HI_NEW_INTERFACE;
	CU_ASSERT_EQUAL(mag_attach(b->m, &at, b->now), 0);
	carry(&p);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_NEW_INTERFACE);
	pair_free(&p);
}

/* The registration waits for one Handover Initiate's time and no longer. */
static void test_old_is_silent(void)
{
	struct pair p;
	struct bench *b;

	pair_up(&p);
	b = p.b.bench;
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	run_ms(b, 99);
	CU_ASSERT_EQUAL(sent_count(b, MH_BU), 0);
	run_ms(b, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(sent_count(b, MH_BU), 1);
	CU_ASSERT_EQUAL(sent_count(b, MH_HI), 2);
	accept_last_pbu(b);
	run_ms(b, 2000);
	CU_ASSERT_EQUAL(sent_count(b, MH_HI), 4);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->also_from, 0);
	CU_ASSERT_EQUAL(seen(b).open, 0);
	CU_ASSERT_EQUAL(ho_counter(b, "unanswered"), 1);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 1);
	pair_free(&p);
}

/* The answer comes when the registration is under way: it is made anew, by name. */
static void test_context_during_registration(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	p.lose = 1;
	carry(&p);
	run_ms(b, 100);
	a->now = b->now;
	CU_ASSERT_EQUAL(opt_value(&sent_last(b, MH_BU)->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	carry(&p);
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	CU_ASSERT_EQUAL(sent_count(b, MH_BU), 2);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_BETWEEN_MAGS);
	CU_ASSERT_STRING_EQUAL(far_end(b, forwarding(b, HNP1)->up.peer), MAG_A);
	CU_ASSERT_EQUAL(ho_counter(b, "context_after_registration"), 1);
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	pair_run(&p, 1000);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	pair_free(&p);
}

/* ... and when it is done already: what the old MAG forwards is taken all the same. */
static void test_registered_before_answer(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	run_ms(b, 100);
	a->now = b->now;
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->also_from, 0);
	carry(&p);
	CU_ASSERT_STRING_EQUAL(far_end(b, forwarding(b, HNP1)->also_from), MAG_A);
	CU_ASSERT_STRING_EQUAL(far_end(b, forwarding(b, HNP1)->up.peer), LMA1);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	pair_run(&p, 1000);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->also_from, 0);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	CU_ASSERT_EQUAL(ho_counter(b, "completed"), 1);
	pair_free(&p);
}

/* F-21, code 132: what is known of the node comes, its packets do not */
static void test_no_forwarding(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	dp_fake_fail(a->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	carry_b(&p);
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_NO_FORWARDING);
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_LINK);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	carry(&p);
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->up.kind, DP_TO_NOWHERE);
	CU_ASSERT_EQUAL(opt_value(&sent_last(b, MH_BU)->msg, MHO_HANDOFF_IND), HI_BETWEEN_MAGS);
	accept_last_pbu(b);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->up.kind, DP_TO_PEER);
	pair_run(&p, 2000);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	pair_free(&p);
}

/* What is asked for by Context Request, and what the answer says of it. */
static void test_context_requests(void)
{
	static const struct {
		const char *what;
		uint8_t list[16], len;
		uint8_t code;
		bool hnp, link_local;
	} rows[] = {
		{"default",	    {0},				  0, HACK_CONTEXT_ACCEPTED, true,  false},
		{"a part of it", {MHO_HNP, 0},			       2, HACK_CONTEXT_ACCEPTED, true,  false},
		{"everything",   {MHO_HNP, 0, MHO_LINK_LOCAL, 0},	4, HACK_ALL_CONTEXT,	     true,  true },
		{"vendor",	   {MHO_VENDOR, 5, 0, 0, 0x7a, 0x79, 1}, 7, HACK_NO_CONTEXT,	     false, false},
		{"one of two",
		 {MHO_VENDOR, 5, 0, 0, 0x7a, 0x79, 1, MHO_MN_LLID, 0},
		 9,						       HACK_CONTEXT_ACCEPTED,
		 true,										  false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pair p;
		struct bench *a;
		struct mh_msg m;
		struct mh_opt *o;

		pair_up(&p);
		a = p.a.bench;
		pair_active(&p);
		m = hi_msg(9, MH_HI_P, HI_CODE_DEFAULT, 1);
		if (rows[i].len) {
			o = mh_opt_add(&m, MHO_CONTEXT_REQUEST);
			o->requests.data = rows[i].list;
			o->requests.len = rows[i].len;
		}
		receive_ho(a, MAG_B, &m);
		CU_ASSERT_EQUAL(last_sent(a)->msg.ho.code, rows[i].code);
		CU_ASSERT_EQUAL(last_sent(a)->msg.ho.flags, MH_HACK_P);
		CU_ASSERT_EQUAL(mh_opt(&last_sent(a)->msg, MHO_HNP) != NULL, rows[i].hnp);
		CU_ASSERT_EQUAL(mh_opt(&last_sent(a)->msg, MHO_LINK_LOCAL) != NULL,
				rows[i].link_local);
		/* without F nothing is forwarded */
		CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
		CU_ASSERT_EQUAL(seen(a).open, 0);
		pair_free(&p);
	}
}

/* Code 5 without anything of use: the new MAG asks again, a few times. */
static void test_more_to_be_had(void)
{
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_up(&p);
	b = p.b.bench;
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(sent_count(b, MH_HI), i + 1);
		m = hi_msg(sent_last(b, MH_HI)->msg.ho.seq, MH_HACK_P, HACK_CONTEXT_ACCEPTED, 1);
		m.type = MH_HACK;
		receive_ho(b, MAG_A, &m);
	}
	CU_ASSERT_EQUAL(sent_count(b, MH_HI), 3);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	pair_free(&p);
}

/* Both sides begin at once: one handover. */
static void test_crossing(void)
{
	for (int first = 0; first < 2; first++) {
		struct pair p;
		struct bench *a, *b;

		pair_up(&p);
		a = p.a.bench;
		b = p.b.bench;
		pair_active(&p);
		CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
		CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
		if (first)
			carry_b(&p);
		else
			carry_a(&p);
		carry(&p);
		CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
		CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
		CU_ASSERT_TRUE(ho_counter(a, "crossed") + ho_counter(b, "crossed") > 0);
		CU_ASSERT_EQUAL(seen(a).open, 1);
		CU_ASSERT_EQUAL(seen(b).open, 1);
		CU_ASSERT_STRING_EQUAL(far_end(a, forwarding(a, HNP1)->down.peer), MAG_B);
		CU_ASSERT_STRING_EQUAL(far_end(b, forwarding(b, HNP1)->up.peer), MAG_A);
		accept_last_pbu(b);
		pair_run(&p, 2000);
		CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
		CU_ASSERT_EQUAL(ho_counter(b, "completed"), 1);
		CU_ASSERT_EQUAL(mag_count(a->m), 0);
		pair_free(&p);
	}
}

/* Each says that the node goes to the other, which cannot be. */
static void test_opposite_directions(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *a;
	struct mh_msg m;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	m = hi_msg(77, MH_HI_P | MH_HI_F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(a, MAG_B, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_EQUAL(last_sent(a)->msg.ho.code, HACK_UNSPECIFIED);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(mag_count(a->m), 1);
	pair_free(&p);
}

/* It is announced when it has arrived already, and been registered perhaps. */
static void test_announced_late(void)
{
	for (int registered = 0; registered < 2; registered++) {
		struct pair p;
		struct bench *a, *b;

		pair_up(&p);
		a = p.a.bench;
		b = p.b.bench;
		pair_active(&p);
		CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
		if (registered)
			accept_last_pbu(b);
		CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
		carry(&p);
		CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
		CU_ASSERT_EQUAL(mag_count(b->m), 1);
		if (registered) {
			CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
			CU_ASSERT_STRING_EQUAL(far_end(b, forwarding(b, HNP1)->also_from), MAG_A);
		} else {
			CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
			CU_ASSERT_STRING_EQUAL(far_end(b, forwarding(b, HNP1)->up.peer), MAG_A);
			accept_last_pbu(b);
		}
		pair_run(&p, 2000);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
		CU_ASSERT_EQUAL(mag_count(a->m), 0);
		pair_free(&p);
	}
}

/* a -> b -> a, each time announced, before the first handover's forwarding has ended. */
static void test_back_and_forth(void)
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
	CU_ASSERT_EQUAL(trigger(b, 1, AP_A), -ENOENT); /* not registered yet */
	accept_last_pbu(b);
	pair_run(&p, 500);
	CU_ASSERT_EQUAL(trigger(b, 1, AP_A), 0);
	carry(&p);
	CU_ASSERT_TRUE(in_state(b, 1, "LEAVING"));
	CU_ASSERT_TRUE(in_state(a, 1, "EXPECTED"));
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	CU_ASSERT_EQUAL(last_sent(a)->msg.type, MH_BU);
	CU_ASSERT_EQUAL(opt_value(&last_sent(a)->msg, MHO_HANDOFF_IND), HI_BETWEEN_MAGS);
	accept_last_pbu(a);
	pair_run(&p, 3000);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(mag_count(a->m), 1);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	pair_free(&p);
}

/* The new MAG has registered it and announces it back while we still forward to it. */
static void test_comes_back_announced(void)
{
	struct pair p;
	struct bench *a;
	struct mh_msg m;
	const struct mac mac = MAC(1);

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	m = hi_msg(900, MH_HI_P | MH_HI_F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(a, MAG_B, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_EQUAL(last_sent(a)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_TRUE(in_state(a, 1, "EXPECTED"));
	CU_ASSERT_EQUAL(mag_count(a->m), 1);
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->mode, DP_BUFFER);
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	CU_ASSERT_TRUE(in_state(a, 1, "ARRIVING"));
	accept_last_pbu(a);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	pair_free(&p);
}

/* It came from there just now, and the last packets of the old path may still come. */
static void test_back_while_settling(void)
{
	struct pair p;
	struct bench *a, *b;
	unsigned done;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	/* not registered yet: there is nothing that could be handed over */
	CU_ASSERT_EQUAL(trigger(b, 1, AP_A), -ENOENT);
	accept_last_pbu(b);
	pair_run(&p, 100);
	CU_ASSERT_STRING_EQUAL(seen(b).first.state, "SETTLING");
	done = sent_count(b, MH_HI);
	CU_ASSERT_EQUAL(trigger(b, 1, AP_A), 0);
	CU_ASSERT_EQUAL(trigger(b, 1, AP_A), -EALREADY);
	CU_ASSERT_EQUAL(ho_counter(b, "completed"), 1);
	CU_ASSERT_EQUAL(seen(b).open, 1);
	CU_ASSERT_STRING_EQUAL(far_end(b, forwarding(b, HNP1)->also_from), MAG_A);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->mode, DP_FORWARD);
	carry(&p);
	/* the announcement, and nothing of the handover before it */
	CU_ASSERT_EQUAL(sent_count(b, MH_HI), done + 1);
	CU_ASSERT_TRUE(in_state(a, 1, "EXPECTED"));
	CU_ASSERT_TRUE(in_state(b, 1, "LEAVING"));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->also_from, 0);
	CU_ASSERT_STRING_EQUAL(far_end(b, forwarding(b, HNP1)->down.peer), MAG_A);
	CU_ASSERT_EQUAL(detach_node(b, 9, 1), 0);
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	accept_last_pbu(a);
	pair_run(&p, 100);
	/* and there again */
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_TRUE(in_state(b, 1, "EXPECTED"));
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	pair_run(&p, 20000);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(mag_count(a->m), 0);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	CU_ASSERT_EQUAL(ho_counter(a, "expired") + ho_counter(b, "expired"), 0);
	pair_free(&p);
}

/* It cannot be announced back: what has settled is not touched by that. */
static void test_back_without_place(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_init(&p);
	p.b.bench->cfg.fho.max = 1;
	pair_start(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	CU_ASSERT_EQUAL(trigger(b, 1, AP_A), -ENOSPC);
	CU_ASSERT_STRING_EQUAL(seen(b).first.state, "SETTLING");
	pair_run(&p, 1000);
	CU_ASSERT_EQUAL(ho_counter(a, "completed"), 1);
	CU_ASSERT_EQUAL(ho_counter(b, "completed"), 1);
	pair_free(&p);
}

/* A wrong prediction: another MAG asks for the node. */
static void test_goes_elsewhere(void)
{
	struct mag_neighbour_cfg three[2];
	struct pair p;
	struct bench *a, *b;
	struct mh_msg m;

	pair_init(&p);
	three[0] = p.a.neighbour;
	three[1] = (struct mag_neighbour_cfg){.name = "mag-c", .encap = DP_ENCAP_MAX};
	three[1].addr = ADDR("2001:db8:12::1");
	p.a.bench->cfg.neighbours = three;
	p.a.bench->cfg.n_neighbours = 2;
	pair_start(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	m = hi_msg(3, MH_HI_P | MH_HI_F, HI_CODE_DEFAULT, 1);
	receive_ho(a, "2001:db8:12::1", &m);
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_STRING_EQUAL(far_end(a, forwarding(a, HNP1)->down.peer), "2001:db8:12::1");
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	/* the one that expected it is told */
	carry(&p);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	pair_free(&p);
}

/* It has lost everything; what is forwarded to it goes nowhere until the guard timer ends that. */
static void test_new_restarts(void)
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
	bench_free(b);
	side_init(&p.b, MAG_B, "mag-a", MAG_A, AP_A);
	p.b.carried = 0;
	b = p.b.bench;
	bench_start(b);
	b->now = a->now;
	/* the node attaches there as any other */
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	accept_last_pbu(b);
	pair_run(&p, 12000);
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_ACCEPTED);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(mag_count(a->m), 0);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	pair_free(&p);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"F-20 F-21 F-22 RFC 5949 4.1 a reactive handover from attachment to end", test_whole},
		{"RFC 5949 A.2 HI with F stops local routing", test_local_routing_stops},
		{"F-21 a node that the old MAG does not know gets code 131", test_unknown_there},
		{"an access point that nobody has is no handover", test_unknown_access_point},
		{"a silent old MAG delays the registration by one timeout", test_old_is_silent},
		{"context that comes during the registration has it made anew", test_context_during_registration},
		{"a registration before HAck takes forwarded packets all the same", test_registered_before_answer},
		{"F-21 code 132 brings the context without forwarding", test_no_forwarding},
		{"F-21 RFC 5949 6.1.2 6.2.1 codes 5, 6 and 131 follow the Context Request", test_context_requests},
		{"RFC 5949 6.1.2 code 5 without use is asked about again", test_more_to_be_had},
		{"crossing HIs of both modes become one handover", test_crossing},
		{"HIs in opposite directions are refused", test_opposite_directions},
		{"a node may be announced after it has come", test_announced_late},
		{"a node may go back and forth", test_back_and_forth},
		{"a node may be announced back while it is forwarded", test_comes_back_announced},
		{"a node may be announced back as soon as it is registered", test_back_while_settling},
		{"a node that cannot be announced back settles as any other", test_back_without_place},
		{"a node may go to another MAG than was predicted", test_goes_elsewhere},
		{"a new MAG that restarts leaves nothing behind", test_new_restarts},
		{0},
	};
	// clang-format on
	return cu_main("fho_reactive", tests, argc, argv);
}
