/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handover messages that nobody should send, and handovers in any order whatever. */
#include "fho_harness.h"

static const uint8_t F = MH_HI_P | MH_HI_F;

/* F-37, RFC 5949 7: only configured MAGs are heard; the rest is counted and not answered */
static void test_not_heard(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *b;
	struct mh_msg m;
	struct sent s;
	int len;

	pair_up(&p);
	b = p.b.bench;
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(b, "2001:db8:bad::1", with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_EQUAL(ho_counter(b, "ignored_source"), 1);
	/* the anchor itself is no MAG either */
	receive_ho(b, LMA1, &m);
	CU_ASSERT_EQUAL(ho_counter(b, "ignored_source"), 2);
	m.ho.flags = MH_HI_F;
	receive_ho(b, MAG_A, &m);
	CU_ASSERT_EQUAL(ho_counter(b, "ignored_not_proxy"), 1);
	/* P of the one message is F of the other */
	m.type = MH_HACK;
	m.ho.flags = MH_HACK_F;
	receive_ho(b, MAG_A, &m);
	CU_ASSERT_EQUAL(ho_counter(b, "ignored_not_proxy"), 2);
	m = (struct mh_msg){
		.type = MH_HI, .ho = {1, F, HI_CODE_ALL_CONTEXT}
	};
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
	mh_opt_add(&m, MHO_MN_ID)->mnid = NAI("");
	receive_ho(b, MAG_A, &m);
	CU_ASSERT_EQUAL(ho_counter(b, "ignored_no_mn_id"), 2);
	m = hi_msg(5, MH_HACK_P, HACK_ACCEPTED, 1);
	m.type = MH_HACK;
	receive_ho(b, MAG_A, &m);
	CU_ASSERT_EQUAL(ho_counter(b, "ignored_unmatched"), 1);
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 1);
	s = (struct sent){.src = ADDR(MAG_A), .dst = ADDR("2001:db8:11::2")};
	len = mh_encode(with_context(&m, HNP1, LMA1, &mac), s.buf, sizeof(s.buf), &s.src, &s.dst);
	s.len = (size_t)len;
	hand_over_message(b, &s);
	CU_ASSERT_EQUAL(ho_counter(b, "ignored_destination"), 1);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
	pair_free(&p);
}

/* F-32: what cannot be is answered at once, with the cause, and leaves nothing behind */
static void test_refused(void)
{
	static const struct {
		const char *prefix, *lma;
		uint8_t code;
		const char *counter;
	} rows[] = {
		{HNP1,		       "2001:db8:bad::2", HACK_PROHIBITED,  "foreign_anchor"},
		{"fe80::/64",	      LMA1,		    HACK_UNSPECIFIED, "bad_context"   },
		{"ff02::/16",	      LMA1,		    HACK_UNSPECIFIED, "bad_context"   },
		{"::/0",		 LMA1,	       HACK_UNSPECIFIED, "bad_context"   },
		{"2001:db8:1:2:3::/80", LMA1,	      HACK_UNSPECIFIED, "bad_context"   },
		{NULL,		       LMA1,		     HACK_UNSPECIFIED, "bad_context"   },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pair p;
		struct bench *b;
		struct mh_msg m;

		pair_up(&p);
		b = p.b.bench;
		m = hi_msg((uint16_t)i, F, HI_CODE_ALL_CONTEXT, 1);
		receive_ho(b, MAG_A, with_context(&m, rows[i].prefix, rows[i].lma, NULL));
		CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
		CU_ASSERT_EQUAL(last_sent(b)->msg.type, MH_HACK);
		CU_ASSERT_EQUAL(last_sent(b)->msg.ho.code, rows[i].code);
		CU_ASSERT_EQUAL(last_sent(b)->msg.ho.flags, MH_HACK_P);
		CU_ASSERT_EQUAL(ho_counter(b, rows[i].counter), 1);
		CU_ASSERT_EQUAL(mag_count(b->m), 0);
		CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
		pair_free(&p);
	}
}

static void test_no_room(void)
{
	enum { BINDINGS, HANDOVERS, TUNNEL, SESSION, N };

	for (int what = 0; what < N; what++) {
		struct pair p;
		struct bench *b;
		struct mh_msg m;

		pair_init(&p);
		b = p.b.bench;
		if (what == BINDINGS)
			b->cfg.max_bindings = 1;
		if (what == HANDOVERS)
			b->cfg.fho.max = 1;
		pair_start(&p);
		m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 1);
		receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, NULL));
		CU_ASSERT_EQUAL(last_sent(b)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
		if (what == TUNNEL) {
			m = hi_msg(2, F, HI_CODE_FORWARDING_DONE, 1);
			receive_ho(b, MAG_A, &m);
			dp_fake_fail(b->fake, DP_FAKE_PEER_PUT, 1, ENOSPC);
		}
		if (what == SESSION)
			dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
		m = hi_msg(3, F, HI_CODE_ALL_CONTEXT, 2);
		receive_ho(b, MAG_A, with_context(&m, HNP2, LMA1, NULL));
		CU_ASSERT_EQUAL(last_sent(b)->msg.ho.code, HACK_RESOURCES);
		CU_ASSERT_EQUAL(mag_count(b->m), what != TUNNEL);
		pair_free(&p);
	}
}

/* A node that may not be served is not expected either. */
static void test_not_entitled(void)
{
	struct pair p;
	struct profile no = {.enabled = false};
	struct bench *b;
	struct mh_msg m;

	pair_init(&p);
	b = p.b.bench;
	add_profile(b, &no, (const char *)id_of(1).id, 0);
	pair_start(&p);
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, NULL));
	CU_ASSERT_EQUAL(last_sent(b)->msg.ho.code, HACK_PROHIBITED);
	pair_free(&p);
}

/* Prefixes of a node that is served here are not another's. */
static void test_foreign_prefix(void)
{
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_up(&p);
	b = p.b.bench;
	CU_ASSERT_EQUAL(attach(b, 9, 5), 0);
	accept_it(b);
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, NULL));
	CU_ASSERT_EQUAL(last_sent(b)->msg.ho.code, HACK_RESOURCES);
	CU_ASSERT_TRUE(in_state(b, 5, "ACTIVE"));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	pair_free(&p);
}

/* RFC 5949 6.1.1: context in several messages, the last of them with code 3 */
static void test_fragments(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_up(&p);
	b = p.b.bench;
	m = hi_msg(1, MH_HI_P, HI_CODE_DEFAULT, 1);
	receive_ho(b, MAG_A, with_context(&m, HNP1, NULL, &mac));
	CU_ASSERT_EQUAL(last_sent(b)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	m = hi_msg(2, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(b, MAG_A, with_context(&m, HNP2, "2001:db8:2::2", &mac));
	CU_ASSERT_EQUAL(last_sent(b)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP2));
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 2);
	CU_ASSERT_STRING_EQUAL(addr6_str(&last_sent(b)->dst, (char[ADDR6_STRLEN]){0}),
			       "2001:db8:2::2");
	pair_free(&p);
}

/* Each neighbour has its share of Handover Initiates per second. */
static void test_rate(void)
{
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_init(&p);
	p.b.bench->cfg.fho.hi_rate = 5;
	pair_start(&p);
	b = p.b.bench;
	for (uint16_t i = 0; i < 20; i++) {
		m = hi_msg(i, MH_HI_P, HI_CODE_DEFAULT, 1);
		receive_ho(b, MAG_A, &m);
	}
	CU_ASSERT_EQUAL(b->n_sent, 5);
	CU_ASSERT_EQUAL(ho_counter(b, "ignored_rate"), 15);
	b->now += nsec_from_ms(400);
	for (uint16_t i = 20; i < 30; i++) {
		m = hi_msg(i, MH_HI_P, HI_CODE_DEFAULT, 1);
		receive_ho(b, MAG_A, &m);
	}
	CU_ASSERT_EQUAL(b->n_sent, 7);
	pair_free(&p);
}

static void take_no_fho(void *ctx, const struct mag_neighbour_info *i)
{
	*(bool *)ctx = i->no_fho;
}

static bool is_shown_unable(const struct bench *b)
{
	bool no_fho = false;

	mag_walk_neighbours(b->m, b->now, take_no_fho, &no_fho);
	return no_fho;
}

/* H-6 RFC 6275 9.2: it does not know the message, and is not asked for a while */
static void test_binding_error(void)
{
	struct pair p;
	struct bench *a;
	struct mh_msg m = {.type = MH_BE, .be = {.status = BE_UNKNOWN_MH_TYPE}};

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	receive_ho(a, MAG_B, &m);
	CU_ASSERT_EQUAL(seen(a).open, 0);
	CU_ASSERT_STRING_EQUAL(seen(a).result, "does not know fast handover");
	CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), -EOPNOTSUPP);
	CU_ASSERT_TRUE(is_shown_unable(a));
	CU_ASSERT_EQUAL(attach_from(a, 7, 3, AP_B), 0);
	CU_ASSERT_TRUE(in_state(a, 3, "REGISTERING"));
	/* its own question shows that it knows it by now */
	m = hi_msg(1, MH_HI_P, HI_CODE_DEFAULT, 2);
	receive_ho(a, MAG_B, &m);
	CU_ASSERT_FALSE(is_shown_unable(a));
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	/* one error, by whomever, does not hold for ever: it may be another daemon there by now */
	m = (struct mh_msg){.type = MH_BE, .be = {.status = BE_UNKNOWN_MH_TYPE}};
	receive_ho(a, MAG_B, &m);
	run_ms(a, 59999);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), -EOPNOTSUPP);
	CU_ASSERT_TRUE(is_shown_unable(a));
	run_ms(a, 1);
	CU_ASSERT_FALSE(is_shown_unable(a));
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	receive_ho(a, MAG_B, &m);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), -EOPNOTSUPP);
	pair_free(&p);
}

static void keep_line(void *ctx, enum log_class cls, const char *line)
{
	unsigned *lines = ctx;

	lines[0] += strstr(line, "no GRE key to forward with") != NULL;
	lines[1] += strstr(line, "its session has ended") != NULL;
}

/* The anchor forbade the node's service before the answer came; nobody has to be blamed. */
static void test_answer_after_the_end(void)
{
	unsigned lines[2] = {0};
	struct pair p;
	struct bench *a;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry_a(&p);
	hear_bri(a, &(struct bri){.trigger = BR_ADMINISTRATIVE, .id = "02-00-00-00-00-01@example.com"});
	CU_ASSERT_PTR_NULL(forwarding(a, HNP1));
	log_set_sink(keep_line, lines);
	carry_b(&p);
	log_set_sink(quiet_log, NULL);
	CU_ASSERT_EQUAL(lines[0], 0);
	CU_ASSERT_EQUAL(lines[1], 1);
	CU_ASSERT_EQUAL(ho_counter(a, "failed"), 0);
	CU_ASSERT_EQUAL(ho_counter(a, "cancelled"), 1);
	carry(&p);
	CU_ASSERT_STRING_EQUAL(seen(a).result, "session ended");
	CU_ASSERT_EQUAL(mag_count(p.b.bench->m), 0);
	pair_free(&p);
}

/* A node that went to another gateway is announced back: what is refused, or comes without a
 * link-layer address, leaves no session behind that nothing ends. */
static void test_announced_back(void)
{
	enum { FOREIGN, NO_TUNNEL, NO_LLID, N };

	for (int what = 0; what < N; what++) {
		struct pair p;
		struct bench *a;
		struct mh_msg m;

		pair_up(&p);
		a = p.a.bench;
		pair_active(&p);
		CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
		carry(&p);
		CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
		if (what == NO_TUNNEL)
			dp_fake_fail(a->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
		m = hi_msg(1000, F, HI_CODE_ALL_CONTEXT, 1);
		receive_ho(a, MAG_B,
			   with_context(&m, HNP1, what == FOREIGN ? "2001:db8:bad::2" : LMA1, NULL));
		CU_ASSERT_EQUAL(sent_last(a, MH_HACK)->msg.ho.code, what == FOREIGN     ? HACK_PROHIBITED
							 : what == NO_TUNNEL ? HACK_RESOURCES
									     : HACK_CONTEXT_ACCEPTED);
		/* a refused one goes on as it was */
		CU_ASSERT_EQUAL(in_state(a, 1, "LEAVING"), what != NO_LLID);
		lose_all(&p);
		pair_run(&p, 200000);
		CU_ASSERT_EQUAL(mag_count(a->m), what != NO_LLID);
		detach_node(a, 7, 1);
		pair_run(&p, 200000);
		CU_ASSERT_EQUAL(mag_count(a->m), 0);
		CU_ASSERT_EQUAL(dp_fake_sessions(a->fake), 0);
		pair_free(&p);
	}
}

static void test_reload(void)
{
	struct pair p;
	struct bench *a, *b;
	const char *why;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(mag_reload(a->m, &a->cfg, &a->profiles, &why, a->now), 0);
	CU_ASSERT_TRUE(in_state(a, 1, "LEAVING"));
	CU_ASSERT_EQUAL(seen(a).open, 1);
	/* without that neighbour what it was given ends */
	a->cfg.n_neighbours = 0;
	CU_ASSERT_EQUAL(mag_reload(a->m, &a->cfg, &a->profiles, &why, a->now), 0);
	CU_ASSERT_EQUAL(seen(a).open, 0);
	CU_ASSERT_TRUE(in_state(a, 1, "VERIFYING"));
	CU_ASSERT_EQUAL(dp_fake_peers(a->fake), 1);
	b->cfg.n_neighbours = 0;
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), 0);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	pair_free(&p);
}

/* An order of the operator, and a node that moved its prefixes to another interface, at the MAG
 * that expects it. */
static void test_expected_ended(void)
{
	struct pair p;
	struct bench *a, *b;
	const struct mnid id = id_of(1);

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	CU_ASSERT_EQUAL(mag_detach_mnid(b->m, &id, "control", b->now), 0);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	pair_run(&p, 1);
	CU_ASSERT_TRUE(in_state(a, 1, "DEREGISTERING"));
	pair_free(&p);
}

/* ---- anything in any order */

static uint32_t rnd(uint32_t *s)
{
	*s = *s * 1664525 + 1013904223;
	return *s >> 8;
}

/* Where `twins`, interfaces 1 and 2 are one node's. */
static bool twins;

static struct mnid name_of(unsigned node)
{
	return id_of(twins && node == 2 ? 1 : node);
}

static bool is_of(const struct mh_msg *m, unsigned node)
{
	const struct mh_opt *o = mh_opt(m, MHO_MN_LLID);
	const struct mac mac = MAC(node);

	return o && !memcmp(o->llid.id, mac.b, sizeof(mac.b));
}

static void random_answer(struct bench *b, unsigned node, uint32_t *s)
{
	static const uint8_t status[] = {0, 0, 0, 0, 0, 0, 128, 129, 155, 157};
	char prefix[64];
	const struct told_vendor told = {node, 1, 4, "data"};
	struct reply r = {.status = status[rnd(s) % ARRAY_SIZE(status)]};

	snprintf(prefix, sizeof(prefix), "2001:db8:300:%x::/64", node);
	if (rnd(s) % 2) {
		r.vendors = &told;
		r.n_vendors = 1;
	}
	for (size_t i = b->n_sent; i-- > 0;) {
		if (b->sent[i].msg.type != MH_BU || !is_of(&b->sent[i].msg, node))
			continue;
		r.to = &b->sent[i];
		if (r.status < 128 && b->sent[i].msg.bu.lifetime)
			r.prefix[0] = prefix;
		answer(b, &r);
		return;
	}
}

static void random_op(struct pair *p, uint32_t *s)
{
	const bool on_a = rnd(s) % 2;
	struct bench *b = on_a ? p->a.bench : p->b.bench;
	const unsigned node = 1 + rnd(s) % 4, link = 7 + rnd(s) % 2;
	struct mag_attachment at = attachment(link, node);
	const struct mnid id = name_of(node);

	at.mnid = &id;
	switch (rnd(s) % 13) {
	case 0:
		(void)mag_attach(b->m, &at, b->now);
		break;
	case 1:
		at.prev_ap = on_a ? AP_B : AP_A;
		(void)mag_attach(b->m, &at, b->now);
		break;
	case 12:
		confirm(b, link, node);
		break;
	case 2:
		(void)detach_node(b, link, node);
		break;
	case 3:
	case 4:
		(void)mag_handover(b->m, &id, on_a ? AP_B : AP_A, b->now);
		break;
	case 5:
		p->lose = rnd(s) % 3;
		break;
	case 6:
		carry_a(p);
		break;
	case 7:
		carry_b(p);
		break;
	case 8:
		pair_run(p, rnd(s) % 1000);
		break;
	case 9:
		pair_run(p, rnd(s) % 12000);
		break;
	default:
		random_answer(b, node, s);
		break;
	}
}

static void test_any_order(void)
{
	for (uint32_t seed = 1; seed <= 90; seed++) {
		struct pair p;
		uint32_t s = seed;

		pair_init(&p);
		p.a.bench->forgetful = p.b.bench->forgetful = true;
		p.a.bench->cfg.fho.buffer_at_old = seed % 3 == 0;
		p.b.bench->cfg.fho.buffer_at_old = seed % 5 == 0;
		twins = seed % 2 == 0;
		if (seed % 4 == 0)
			p.a.bench->cfg.gre = p.b.bench->cfg.gre = MAG_GRE_KEYS;
		if (seed % 7 == 0)
			p.a.neighbour.encap = p.b.neighbour.encap = DP_ENCAP_GRE_KEY;
		pair_start(&p);
		for (unsigned i = 0; i < 300; i++) {
			random_op(&p, &s);
			/* the records begin anew when they are full */
			if (p.a.carried > p.a.bench->n_sent)
				p.a.carried = 0;
			if (p.b.carried > p.b.bench->n_sent)
				p.b.carried = 0;
		}
		p.lose = 0;
		for (unsigned node = 1; node <= 4; node++) {
			for (unsigned link = 7; link <= 8; link++) {
				(void)detach_node(p.a.bench, link, node);
				(void)detach_node(p.b.bench, link, node);
			}
		}
		/* everything comes to rest, and nothing is left in the data plane */
		pair_run(&p, 200000);
		CU_ASSERT_EQUAL(seen(p.a.bench).open + seen(p.b.bench).open, 0);
		CU_ASSERT_EQUAL(dp_fake_sessions(p.a.bench->fake), 0);
		CU_ASSERT_EQUAL(dp_fake_sessions(p.b.bench->fake), 0);
		CU_ASSERT_EQUAL(dp_fake_peers(p.a.bench->fake), 0);
		CU_ASSERT_EQUAL(dp_fake_peers(p.b.bench->fake), 0);
		pair_free(&p);
	}
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"F-37 RFC 5949 7 messages of strangers, without P, MN-ID or an open request are counted only", test_not_heard},
		{"F-32 RFC 5949 4.2 contexts that are not fit are refused at once", test_refused},
		{"F-32 RFC 5949 4.2 without room the answer is code 130", test_no_room},
		{"a node that is not entitled is refused with code 129", test_not_entitled},
		{"a prefix in use is not given to an announced node", test_foreign_prefix},
		{"RFC 5949 6.1.1 context in several messages is put together", test_fragments},
		{"a neighbour's Handover Initiates are limited", test_rate},
		{"H-6 RFC 6275 9.2 a neighbour without fast handover is not asked for a minute", test_binding_error},
		{"an answer that comes after the session's end is nobody's failure", test_answer_after_the_end},
		{"a node announced back leaves nothing behind", test_announced_back},
		{"a reload keeps handovers with neighbours that stay", test_reload},
		{"an announced node may be given up by the operator", test_expected_ended},
		{"anything in any order comes to rest", test_any_order},
		{0},
	};
	// clang-format on
	return cu_main("fho_hostile", tests, argc, argv);
}
