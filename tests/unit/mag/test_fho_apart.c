/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fast handovers beside each other: a node's interfaces, neighbours that share what room there is,
 * and what a MAG believes of a node against what another one says of it.
 */
#include "fho_harness.h"

#define F     (MH_HI_P | MH_HI_F)
#define MAG_C "2001:db8:12::1"
#define NODE  "mn1@example.com"

/* ---- a node's interfaces */

static int attach_as(struct bench *b, unsigned ifindex, unsigned i)
{
	const struct mnid id = NAI(NODE);
	struct mag_attachment a = attachment(ifindex, i);

	a.mnid = &id;
	return mag_attach(b->m, &a, b->now);
}

static int leave_for(struct bench *b, const char *ap)
{
	const struct mnid id = NAI(NODE);

	return mag_handover(b->m, &id, ap, b->now);
}

/* Both interfaces of the node are at `a`, each with a prefix of its own. */
static void both_active(struct pair *p)
{
	struct bench *a = p->a.bench;

	CU_ASSERT_EQUAL_FATAL(attach_as(a, 7, 1), 0);
	answer(a, &(struct reply){.prefix = {HNP1}});
	CU_ASSERT_EQUAL_FATAL(attach_as(a, 7, 2), 0);
	answer(a, &(struct reply){.prefix = {HNP2}});
	CU_ASSERT_FATAL(in_state(a, 1, "ACTIVE") && in_state(a, 2, "ACTIVE"));
}

static const struct mac *llid_of(const struct mh_msg *m)
{
	const struct mh_opt *o = mh_opt(m, MHO_MN_LLID);

	return o && o->llid.len == 6 ? (const struct mac *)o->llid.id : NULL;
}

static bool is_about(const struct mh_msg *m, unsigned i)
{
	const struct mac want = MAC(i), *have = llid_of(m);

	return have && mac_eq(have, &want);
}

/* Both go to the same MAG, and arrive there in the other order. */
static void test_two_interfaces(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	both_active(&p);
	CU_ASSERT_EQUAL(leave_for(a, AP_B), 0);
	CU_ASSERT_EQUAL(leave_for(a, AP_B), 0);
	CU_ASSERT_EQUAL(leave_for(a, AP_B), -EALREADY);
	CU_ASSERT_EQUAL_FATAL(sent_count(a, MH_HI), 2);
	carry(&p);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING") && in_state(a, 2, "LEAVING"));
	CU_ASSERT_TRUE(in_state(b, 1, "EXPECTED") && in_state(b, 2, "EXPECTED"));
	CU_ASSERT_EQUAL(mag_count(b->m), 2);
	CU_ASSERT_EQUAL(ho_counter(b, "offered"), 2);
	CU_ASSERT_EQUAL(attach_as(b, 9, 2), 0);
	CU_ASSERT_TRUE(in_state(b, 2, "ARRIVING") && in_state(b, 1, "EXPECTED"));
	CU_ASSERT_EQUAL(forwarding(b, HNP2)->mode, DP_FORWARD);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->mode, DP_BUFFER);
	answer(b, &(struct reply){.to = sent_last(b, MH_BU), .prefix = {HNP2}});
	/* the end of the one says so, and leaves the other alone */
	pair_run(&p, 1000);
	CU_ASSERT_EQUAL(sent_last(b, MH_HI)->msg.ho.code, HI_CODE_FORWARDING_DONE);
	CU_ASSERT_TRUE(is_about(&sent_last(b, MH_HI)->msg, 2));
	CU_ASSERT_FALSE(in_state(a, 2, "LEAVING"));
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	CU_ASSERT_EQUAL(attach_as(b, 9, 1), 0);
	answer(b, &(struct reply){.to = sent_last(b, MH_BU), .prefix = {HNP1}});
	pair_run(&p, 3000);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	CU_ASSERT_EQUAL(ho_counter(b, "completed"), 2);
	CU_ASSERT_EQUAL(mag_count(a->m), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE") && in_state(b, 2, "ACTIVE"));
	pair_free(&p);
}

/* Kept at the old MAG: the requests for buffering and forwarding name the interface. */
static void test_two_kept_at_the_old(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_init(&p);
	p.a.bench->cfg.fho.buffer_at_old = true;
	pair_start(&p);
	a = p.a.bench;
	b = p.b.bench;
	both_active(&p);
	CU_ASSERT_EQUAL(leave_for(a, AP_B), 0);
	CU_ASSERT_EQUAL(leave_for(a, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->mode, DP_BUFFER);
	CU_ASSERT_EQUAL(forwarding(a, HNP2)->mode, DP_BUFFER);
	CU_ASSERT_EQUAL(attach_as(b, 9, 2), 0);
	CU_ASSERT_EQUAL(sent_last(b, MH_HI)->msg.ho.flags, F);
	CU_ASSERT_TRUE(is_about(&sent_last(b, MH_HI)->msg, 2));
	carry(&p);
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->mode, DP_BUFFER);
	CU_ASSERT_EQUAL(forwarding(a, HNP2)->mode, DP_FORWARD);
	CU_ASSERT_STRING_EQUAL(far_end(a, forwarding(a, HNP2)->down.peer), MAG_B);
	pair_free(&p);
}

/* Asked for on each interface; the MAG that is asked knows them apart. */
static void test_two_asked_for(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	both_active(&p);
	for (unsigned i = 2; i >= 1; i--) {
		const struct mnid id = NAI(NODE);
		struct mag_attachment at = attachment(9, i);

		at.mnid = &id;
		at.prev_ap = AP_A;
		CU_ASSERT_EQUAL(mag_attach(b->m, &at, b->now), 0);
	}
	carry(&p);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING") && in_state(a, 2, "LEAVING"));
	CU_ASSERT_EQUAL(ho_counter(a, "asked"), 2);
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING") && in_state(b, 2, "ARRIVING"));
	CU_ASSERT_TRUE(shown(b, 1).prefix[0].addr.s6_addr[7] == 1);
	CU_ASSERT_TRUE(shown(b, 2).prefix[0].addr.s6_addr[7] == 2);
	pair_free(&p);
}

/* A neighbour that names no interface, or one that nobody knows, means the node's only handover. */
static void test_interface_unknown(void)
{
	for (int known = 0; known < 2; known++) {
		const struct mac other = MAC(77);
		struct pair p;
		struct bench *a;
		struct mh_msg m;

		pair_up(&p);
		a = p.a.bench;
		pair_active(&p);
		CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
		carry(&p);
		CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
		m = hi_msg(500, F, HI_CODE_FORWARDING_DONE, 1);
		if (known)
			with_context(&m, NULL, NULL, &other);
		receive_ho(a, MAG_B, &m);
		CU_ASSERT_FALSE(in_state(a, 1, "LEAVING"));
		CU_ASSERT_EQUAL(ho_counter(a, "completed"), 1);
		pair_free(&p);
	}
}

/* Announced by the old MAG with the old interface while the new one asks with the new interface. */
static void test_crossing_between_interfaces(void)
{
	for (int first = 0; first < 2; first++) {
		struct pair p;
		struct bench *a, *b;
		struct mag_attachment at = attachment(9, 2);
		const struct mnid id = NAI(NODE);

		pair_up(&p);
		a = p.a.bench;
		b = p.b.bench;
		CU_ASSERT_EQUAL(attach_as(a, 7, 1), 0);
		accept_it(a);
		CU_ASSERT_EQUAL(leave_for(a, AP_B), 0);
		at.mnid = &id;
		at.prev_ap = AP_A;
		CU_ASSERT_EQUAL(mag_attach(b->m, &at, b->now), 0);
		if (first)
			carry_b(&p);
		else
			carry_a(&p);
		carry(&p);
		CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
		CU_ASSERT_TRUE(in_state(b, 2, "ARRIVING"));
		CU_ASSERT_EQUAL(mag_count(b->m), 1);
		CU_ASSERT_EQUAL(opt_value(&sent_last(b, MH_BU)->msg, MHO_HANDOFF_IND),
				HI_BETWEEN_INTERFACES);
		accept_last_pbu(b);
		pair_run(&p, 3000);
		CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
		CU_ASSERT_EQUAL(mag_count(a->m), 0);
		pair_free(&p);
	}
}

/* ---- neighbours */

/* `a` has two neighbours and room for `max` handovers. */
static void with_three(struct pair *p, struct mag_neighbour_cfg two[2], uint32_t max)
{
	pair_init(p);
	two[0] = p->a.neighbour;
	two[1] = (struct mag_neighbour_cfg){.name = "mag-c", .encap = DP_ENCAP_MAX};
	two[1].addr = ADDR(MAG_C);
	p->a.bench->cfg.neighbours = two;
	p->a.bench->cfg.n_neighbours = 2;
	p->a.bench->cfg.fho.max = max;
	pair_start(p);
}

/* The code of the answer when that neighbour announces node `i`. */
static uint8_t announce(struct bench *a, const char *from, unsigned i)
{
	const struct mac mac = MAC(i);
	struct mh_msg m = hi_msg((uint16_t)i, F, HI_CODE_ALL_CONTEXT, i);
	char prefix[64];

	snprintf(prefix, sizeof(prefix), "2001:db8:300:%x::/64", i);
	receive_ho(a, from, with_context(&m, prefix, LMA1, &mac));
	return sent_last(a, MH_HACK)->msg.ho.code;
}

static void test_share(void)
{
	struct mag_neighbour_cfg two[2];
	struct pair p;
	struct bench *a;
	const char *why;
	unsigned i;

	with_three(&p, two, 20);
	a = p.a.bench;
	/* 5 of 20 are kept for the other */
	for (i = 1; i <= 15; i++)
		CU_ASSERT_EQUAL(announce(a, MAG_B, i), HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_EQUAL(announce(a, MAG_B, i++), HACK_RESOURCES);
	CU_ASSERT_EQUAL(ho_counter(a, "over_share"), 1);
	CU_ASSERT_EQUAL(mag_count(a->m), 15);
	/* a reload keeps count */
	CU_ASSERT_EQUAL(mag_reload(a->m, &a->cfg, &a->profiles, &why, a->now), 0);
	CU_ASSERT_EQUAL(announce(a, MAG_B, i++), HACK_RESOURCES);
	for (unsigned k = 0; k < 5; k++)
		CU_ASSERT_EQUAL(announce(a, MAG_C, i++), HACK_CONTEXT_ACCEPTED);
	/* nothing is left at all */
	CU_ASSERT_EQUAL(announce(a, MAG_C, i++), HACK_RESOURCES);
	CU_ASSERT_EQUAL(ho_counter(a, "over_share"), 2);
	/* what ends is given back to whom it was kept for */
	run_ms(a, 100000);
	CU_ASSERT_EQUAL(seen(a).open, 0);
	for (unsigned k = 0; k < 15; k++)
		CU_ASSERT_EQUAL(announce(a, MAG_C, i++), HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_EQUAL(announce(a, MAG_C, i++), HACK_RESOURCES);
	CU_ASSERT_EQUAL(announce(a, MAG_B, i++), HACK_CONTEXT_ACCEPTED);
	pair_free(&p);
}

/* Our own triggers take from the share of the neighbour that the nodes go to. */
static void test_share_of_triggers(void)
{
	struct mag_neighbour_cfg two[2];
	struct pair p;
	struct bench *a;

	with_three(&p, two, 4);
	a = p.a.bench;
	for (unsigned i = 1; i <= 5; i++) {
		char prefix[64];

		snprintf(prefix, sizeof(prefix), "2001:db8:300:%x::/64", i);
		CU_ASSERT_EQUAL(attach(a, 7, i), 0);
		answer(a, &(struct reply){.prefix = {prefix}});
	}
	for (unsigned i = 1; i <= 3; i++)
		CU_ASSERT_EQUAL(trigger(a, i, AP_B), 0);
	CU_ASSERT_EQUAL(trigger(a, 4, AP_B), -ENOSPC);
	CU_ASSERT_EQUAL(ho_counter(a, "over_share"), 1);
	CU_ASSERT_EQUAL(trigger(a, 4, "mag-c"), 0);
	CU_ASSERT_EQUAL(trigger(a, 5, "mag-c"), -ENOSPC);
	pair_free(&p);
}

/* With one neighbour there is nobody to keep anything for. */
static void test_share_of_one(void)
{
	struct pair p;
	struct bench *a;

	pair_init(&p);
	p.a.bench->cfg.fho.max = 6;
	pair_start(&p);
	a = p.a.bench;
	for (unsigned i = 1; i <= 6; i++)
		CU_ASSERT_EQUAL(announce(a, MAG_B, i), HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_EQUAL(announce(a, MAG_B, 7), HACK_RESOURCES);
	CU_ASSERT_EQUAL(ho_counter(a, "over_share"), 0);
	pair_free(&p);
}

/* ---- believed, and told */

/* The other MAG says that it is over, the node being registered there, before anything was forwarded
 * to it: the node is asked. */
static void test_over_before_forwarding(void)
{
	enum { GONE, THERE, N };

	for (int agreed = 0; agreed < 2; agreed++) {
		for (int what = 0; what < N; what++) {
			struct pair p;
			struct bench *a;
			struct mh_msg m;

			pair_init(&p);
			p.a.bench->cfg.fho.buffer_at_old = agreed;
			pair_start(&p);
			a = p.a.bench;
			pair_active(&p);
			CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
			if (agreed) {
				m = hi_msg(sent_last(a, MH_HI)->msg.ho.seq, MH_HACK_P,
					   HACK_CONTEXT_ACCEPTED, 1);
				m.type = MH_HACK;
				receive_ho(a, MAG_B, &m);
			}
			CU_ASSERT_STRING_EQUAL(seen(a).first.state, agreed ? "AGREED" : "OFFERED");
			a->confirm_at_once = what == THERE;
			m = hi_msg(77, F, HI_CODE_FORWARDING_DONE, 1);
			receive_ho(a, MAG_B, &m);
			CU_ASSERT_EQUAL(seen(a).open, 0);
			CU_ASSERT_EQUAL(calls(a, CALL_VERIFY), 1);
			if (what == THERE) {
				CU_ASSERT_TRUE(in_state(a, 1, "REFRESHING"));
				accept_last_pbu(a);
				/* it has never left: the next handover holds its packets as ever */
				CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
				carry(&p);
				CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
				CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
			} else {
				CU_ASSERT_TRUE(in_state(a, 1, "VERIFYING"));
				CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
				CU_ASSERT_TRUE(in_state(a, 1, "DEREGISTERING"));
			}
			pair_free(&p);
		}
	}
}

/* The new MAG asks for the node, and refuses our announcement of it: what it asks for counts. */
static void test_refused_and_asked_for(void)
{
	for (int buffer = 0; buffer < 2; buffer++) {
		struct pair p;
		struct bench *a;
		struct mh_msg m, hack;

		pair_up(&p);
		a = p.a.bench;
		pair_active(&p);
		CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
		hack = hi_msg(sent_last(a, MH_HI)->msg.ho.seq, MH_HACK_P, HACK_UNSPECIFIED, 1);
		hack.type = MH_HACK;
		m = hi_msg(9, buffer ? MH_HI_P | MH_HI_U : F, HI_CODE_DEFAULT, 1);
		receive_ho(a, MAG_B, &m);
		receive_ho(a, MAG_B, &hack);
		CU_ASSERT_STRING_EQUAL(seen(a).first.state, buffer ? "BUFFERING" : "FORWARDING");
		CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
		m = hi_msg(10, F, HI_CODE_FORWARDING_DONE, 1);
		receive_ho(a, MAG_B, &m);
		CU_ASSERT_STRING_EQUAL(seen(a).result, "completed");
		pair_free(&p);
	}
}

/* RFC 5949 4.1 (f), (g): forwarding begins before the node is told to leave. What it sends until
 * then is taken from its link; once it was seen to leave, not. */
static void test_sends_until_it_leaves(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *a;
	const struct dp_session *d;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	d = forwarding(a, HNP1);
	CU_ASSERT_EQUAL(d->down.kind, DP_TO_PEER);
	CU_ASSERT_EQUAL(d->down.ifindex, 7);
	CU_ASSERT_TRUE(mac_eq(&d->down.mac, &mac));
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	d = forwarding(a, HNP1);
	CU_ASSERT_EQUAL(d->down.kind, DP_TO_PEER);
	CU_ASSERT_STRING_EQUAL(far_end(a, d->down.peer), MAG_B);
	CU_ASSERT_EQUAL(d->down.ifindex, 0);
	pair_free(&p);

	/* one that was asked for is at the other MAG already */
	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(attach_from(p.b.bench, 9, 1, AP_A), 0);
	carry(&p);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.ifindex, 0);
	pair_free(&p);
}

/* It went from `a` to `b` without a word, and `b` announces it back: nobody at `a` has noticed that
 * it was away. Its packets wait until it is there. */
static void test_left_unnoticed(void)
{
	struct pair p;
	struct bench *a, *b;
	const struct dp_session *d;
	dp_ref ref;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	pair_run(&p, 2000);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE") && in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(trigger(b, 1, AP_A), 0);
	carry(&p);
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.flags, MH_HACK_P | MH_HACK_F);
	CU_ASSERT_EQUAL(ho_counter(a, "left_unnoticed"), 1);
	CU_ASSERT_TRUE(in_state(a, 1, "EXPECTED"));
	CU_ASSERT_TRUE(in_state(b, 1, "LEAVING"));
	CU_ASSERT_EQUAL(mag_count(a->m), 1);
	d = forwarding(a, HNP1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL(d->mode, DP_BUFFER);
	CU_ASSERT_STRING_EQUAL(far_end(a, d->up.peer), MAG_B);
	/* it is asked for where it was believed to be, and the anchor is told nothing */
	CU_ASSERT_EQUAL(last_call(a, CALL_VERIFY)->node.ifindex, 7);
	CU_ASSERT_EQUAL(sent_count(a, MH_BU), 1);
	ref = shown(a, 1).b.session;
	CU_ASSERT_EQUAL(dp_fake_arrive(a->fake, ref, 9, 100), 0);
	detach_node(a, 7, 1); /* it did not answer */
	CU_ASSERT_TRUE(in_state(a, 1, "EXPECTED"));
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	CU_ASSERT_TRUE(in_state(a, 1, "ARRIVING"));
	CU_ASSERT_EQUAL(dp_fake_by_ref(a->fake, ref)->arrived, 9);
	CU_ASSERT_EQUAL(opt_value(&sent_last(a, MH_BU)->msg, MHO_HANDOFF_IND), HI_BETWEEN_MAGS);
	accept_last_pbu(a);
	pair_run(&p, 3000);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	CU_ASSERT_EQUAL(ho_counter(a, "completed"), 1);
	pair_free(&p);
}

/* It is at `a` all the time, whatever `b` believes: its answer is its arrival. */
static void test_there_after_all(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	pair_run(&p, 2000);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	CU_ASSERT_EQUAL(trigger(b, 1, AP_A), 0);
	a->confirm_at_once = true;
	carry(&p);
	CU_ASSERT_EQUAL(ho_counter(a, "left_unnoticed"), 1);
	CU_ASSERT_TRUE(in_state(a, 1, "ARRIVING"));
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.ifindex, 7);
	CU_ASSERT_EQUAL(sent_count(a, MH_BU), 2);
	accept_last_pbu(a);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	/* another node's answer, or one at another place, says nothing of it */
	confirm(a, 8, 1);
	confirm(a, 7, 3);
	pair_run(&p, 3000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
	pair_free(&p);
}

/* An announcement that may not be carried out changes nothing of what is believed. */
static void test_refused_announcement(void)
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
	receive_ho(a, MAG_B, with_context(&m, HNP1, "2001:db8:bad::2", &mac));
	CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, HACK_PROHIBITED);
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(forwarding(a, HNP1)->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(calls(a, CALL_VERIFY), 0);
	CU_ASSERT_EQUAL(ho_counter(a, "left_unnoticed"), 0);
	pair_free(&p);
}

/* Announced back and never seen: nothing is left behind, and the MAG that forwards keeps it. */
static void test_left_unnoticed_for_good(void)
{
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	pair_run(&p, 2000);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	CU_ASSERT_EQUAL(trigger(b, 1, AP_A), 0);
	carry(&p);
	pair_run(&p, 11000);
	CU_ASSERT_EQUAL(ho_counter(a, "never_arrived"), 1);
	CU_ASSERT_EQUAL(mag_count(a->m), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(a->fake), 0);
	/* an anchor that has registered it at the other one ignores that */
	CU_ASSERT_EQUAL(sent_count(a, MH_BU), 2);
	CU_ASSERT_EQUAL(sent_last(a, MH_BU)->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(in_state(b, 1, "VERIFYING"));
	pair_free(&p);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"two interfaces of a node are two handovers to the same MAG", test_two_interfaces},
		{"requests for buffering and forwarding name the interface", test_two_kept_at_the_old},
		{"two interfaces of a node are asked for apart", test_two_asked_for},
		{"RFC 5949 5.1 a handover whose interface is not known is the node's only one", test_interface_unknown},
		{"RFC 5949 5.1 crossing HIs with the node's old and new interface become one handover", test_crossing_between_interfaces},
		{"F-32 no neighbour takes all handovers, what is beyond its share is refused with code 130", test_share},
		{"triggers take from the share of the neighbour that nodes go to", test_share_of_triggers},
		{"a single neighbour may take all handovers", test_share_of_one},
		{"RFC 5949 6.1.1 an end that is told before forwarding began has the node asked", test_over_before_forwarding},
		{"a MAG that asks for a node gets it, whatever it thinks of its announcement", test_refused_and_asked_for},
		{"RFC 5949 4.1 what a node sends until it leaves is taken from its link", test_sends_until_it_leaves},
		{"a node announced where it is believed to be has left, and its packets wait", test_left_unnoticed},
		{"a node that was believed to have left arrives by its answer", test_there_after_all},
		{"an announcement that is refused leaves the node's session as it is", test_refused_announcement},
		{"a node announced back that never comes leaves nothing behind", test_left_unnoticed_for_good},
		{0},
	};
	// clang-format on
	return cu_main("fho_apart", tests, argc, argv);
}
