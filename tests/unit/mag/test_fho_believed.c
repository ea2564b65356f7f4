/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a neighbour is believed: its contexts are held against anchors, profiles, addresses and
 * encapsulations that are configured here, in whatever message they come.
 */
#include "fho_harness.h"

static const uint8_t F = MH_HI_P | MH_HI_F;

#define FOREIGN "2001:db8:bad::2"

/* ---- anchors */

static void test_foreign_anchor_in_an_answer(void)
{
	struct pair p;
	struct bench *b;
	struct mh_msg m;
	const struct mac mac = MAC(1);

	pair_up(&p);
	b = p.b.bench;
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	m = hi_msg(sent_last(b, MH_HI)->msg.ho.seq, MH_HACK_P | MH_HACK_F, HACK_ALL_CONTEXT, 1);
	m.type = MH_HACK;
	receive_ho(b, MAG_A, with_context(&m, "2001:db8:bad:1::/64", FOREIGN, &mac));
	CU_ASSERT_EQUAL(ho_counter(b, "foreign_anchor"), 1);
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&sent_last(b, MH_BU)->msg, MHO_HNP)->hnp.prefix));
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	accept_last_pbu(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	pair_free(&p);
}

static void test_foreign_anchor_in_a_second_message(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_up(&p);
	b = p.b.bench;
	m = hi_msg(1, MH_HI_P, HI_CODE_DEFAULT, 1);
	receive_ho(b, MAG_A, with_context(&m, HNP1, NULL, &mac));
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	m = hi_msg(2, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(b, MAG_A, with_context(&m, HNP2, FOREIGN, &mac));
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_PROHIBITED);
	CU_ASSERT_FALSE(sent_last(b, MH_HACK)->msg.ho.flags & MH_HACK_F);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP2));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(ho_counter(b, "foreign_anchor"), 1);
	pair_free(&p);
}

/* The node has come, and is announced with a foreign anchor then. */
static void test_foreign_anchor_late(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_up(&p);
	b = p.b.bench;
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(b, MAG_A, with_context(&m, HNP1, FOREIGN, &mac));
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_PROHIBITED);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
	pair_free(&p);
}

/* One anchor with an address of each family, of which one is configured here (RFC 5949 6.2.2). */
static void test_two_anchors(void)
{
	const struct mac mac = MAC(1);
	const struct in_addr unknown = ADDR4("192.0.2.77");
	struct pair p;
	struct bench *b;
	struct mh_msg m;
	struct mh_opt *o;

	pair_up(&p);
	b = p.b.bench;
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 1);
	o = mh_opt_add(&m, MHO_LMA_ADDRESS);
	o->lma.code = LMA_ADDR_IPV4;
	o->lma.len = 4;
	o->lma.octets = (const uint8_t *)&unknown;
	receive_ho(b, MAG_A, with_context(&m, HNP1, "2001:db8:2::2", &mac));
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	CU_ASSERT_TRUE(addr6_eq(&sent_last(b, MH_BU)->dst, &b->lmas[1].addr));
	pair_free(&p);
}

/* ---- a second message that is refused changes nothing */

static void test_second_message_with_anothers_prefix(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_up(&p);
	b = p.b.bench;
	CU_ASSERT_EQUAL(attach(b, 9, 5), 0);
	answer(b, &(struct reply){.prefix = {"2001:db8:100:5::/64"}});
	m = hi_msg(1, F, HI_CODE_DEFAULT, 1);
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	m = hi_msg(2, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(b, MAG_A, with_context(&m, "2001:db8:100:5::/64", LMA1, &mac));
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_RESOURCES);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	CU_ASSERT_EQUAL(mh_opt_count(&sent_last(b, MH_BU)->msg, MHO_HNP), 1);
	CU_ASSERT_TRUE(in_state(b, 5, "ACTIVE"));
	pair_free(&p);
}

/* ---- who a node is */

static void test_profile_against_llid(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *b;
	struct profile prof = {.enabled = true};
	struct mnid mn1 = NAI("mn1@example.com");
	struct mh_msg m;

	pair_init(&p);
	b = p.b.bench;
	add_profile(b, &prof, "mn1@example.com", 1);
	pair_start(&p);
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 77);
	receive_ho(b, MAG_A, with_context(&m, "2001:db8:300::/64", LMA1, &mac));
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	CU_ASSERT_TRUE(mnid_eq(&mh_opt(&sent_last(b, MH_BU)->msg, MHO_MN_ID)->mnid, &mn1));
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&sent_last(b, MH_BU)->msg, MHO_HNP)->hnp.prefix));
	pair_free(&p);
}

/* Without a profile here, the announcement says whose link-layer address it is. */
static void test_llid_without_profile(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *b;
	struct mnid id;
	struct mh_msg m;

	pair_up(&p);
	b = p.b.bench;
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 77);
	receive_ho(b, MAG_A, with_context(&m, "2001:db8:300::/64", LMA1, &mac));
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	id = id_of(77);
	CU_ASSERT_TRUE(mnid_eq(&mh_opt(&sent_last(b, MH_BU)->msg, MHO_MN_ID)->mnid, &id));
	pair_free(&p);
}

/* Where nodes without a profile are refused, announced ones are as well. */
static void test_unknown_without_realm(void)
{
	const struct mac mac = MAC(77), mac1 = MAC(1);
	struct profile prof = {.enabled = true};
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_init(&p);
	b = p.b.bench;
	b->cfg.realm[0] = 0;
	add_profile(b, &prof, (const char *)id_of(1).id, 1);
	pair_start(&p);
	CU_ASSERT_EQUAL(attach(b, 9, 77), -EPERM);
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 77);
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_PROHIBITED);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	m = hi_msg(2, F, HI_CODE_ALL_CONTEXT, 1);
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac1));
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
	pair_free(&p);
}

/* A trigger told of the node that is here: its old MAG is believed without a realm. */
static void test_known_by_a_trigger(void)
{
	const struct mac mac = MAC(77);
	struct mag_attachment at = attachment(9, 77);
	struct mnid id = id_of(77);
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_init(&p);
	b = p.b.bench;
	b->cfg.realm[0] = 0;
	pair_start(&p);
	at.mnid = &id;
	at.prev_ap = AP_A;
	CU_ASSERT_EQUAL(mag_attach(b->m, &at, b->now), 0);
	m = hi_msg(sent_last(b, MH_HI)->msg.ho.seq, MH_HACK_P | MH_HACK_F, HACK_ALL_CONTEXT, 77);
	m.type = MH_HACK;
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_TRUE(in_state(b, 77, "ARRIVING"));
	pair_free(&p);
}

/* ---- IPv4 */

static struct mh_msg *with4(struct mh_msg *m, const char *addr, uint8_t len)
{
	struct mh_opt *o = mh_opt_add(m, MHO_IPV4_HOA_REQUEST);

	o->hoa4.addr = ADDR4(addr);
	o->hoa4.len = len;
	return m;
}

/* An IPv4 home address of a domain is not told: it would be taken for one of none. */
static void test_domain_is_not_told(void)
{
	struct pair p;
	struct bench *a, *b;
	struct profile pa = {.enabled = true, .ipv4 = true}, pb = pa;
	struct mag_attachment at = attachment(7, 1);
	struct mnid id = NAI("mn1@example.com");

	pair_init(&p);
	a = p.a.bench;
	b = p.b.bench;
	a->cfg.gre = b->cfg.gre = MAG_GRE_KEYS;
	add_profile(a, &pa, "mn1@example.com", 1);
	add_profile(b, &pb, "mn1@example.com", 1);
	pair_start(&p);
	at.domain = 5;
	CU_ASSERT_EQUAL(mag_attach(a->m, &at, a->now), 0);
	accept_it(a);
	CU_ASSERT_PTR_NOT_NULL(forwarding4(a, 5, "10.1.0.5"));
	CU_ASSERT_EQUAL(mag_handover(a->m, &id, AP_B, a->now), 0);
	CU_ASSERT_PTR_NULL(mh_opt(&sent_last(a, MH_HI)->msg, MHO_IPV4_HOA_REQUEST));
	carry(&p);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_PTR_NULL(forwarding4(b, 0, "10.1.0.5"));
	pair_free(&p);
}

/* What no anchor could grant is not taken from a neighbour either. */
static void test_home4_that_is_not_fit(void)
{
	static const struct {
		const char *addr;
		uint8_t len;
	} rows[] = {
		{"192.0.2.1", 24}, /* an anchor's */
		{"192.0.2.9", 24}, /* ours */
		{"10.1.0.0", 24},  /* its network's */
		{"10.1.0.255", 24}, /* broadcast */
		{"10.1.0.5", 32}, /* no home network */
	};
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *b;
	struct profile pb = {.enabled = true, .ipv4 = true};
	struct mh_msg m;

	pair_init(&p);
	b = p.b.bench;
	add_profile(b, &pb, (const char *)id_of(1).id, 0);
	b->cfg.ipv4_proxy_coa = ADDR("192.0.2.9");
	b->lmas[1].addr = ADDR("192.0.2.1");
	pair_start(&p);
	for (uint16_t i = 0; i < ARRAY_SIZE(rows); i++) {
		m = hi_msg((uint16_t)(i + 1), F, HI_CODE_ALL_CONTEXT, 1);
		with4(&m, rows[i].addr, rows[i].len);
		receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
		CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_UNSPECIFIED);
		CU_ASSERT_PTR_NULL(forwarding4(b, 0, rows[i].addr));
	}
	CU_ASSERT_EQUAL(ho_counter(b, "bad_context"), ARRAY_SIZE(rows));
	m = hi_msg(100, F, HI_CODE_ALL_CONTEXT, 1);
	with4(&m, "10.1.0.5", 24);
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_PTR_NOT_NULL(forwarding4(b, 0, "10.1.0.5"));
	pair_free(&p);
}

/* A node of IPv4 alone, to which no IPv4 may be given here. */
static void test_nothing_usable(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_up(&p);
	b = p.b.bench;
	m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 1);
	with4(&m, "10.1.0.5", 24);
	receive_ho(b, MAG_A, with_context(&m, NULL, LMA1, &mac));
	CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_PROHIBITED);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	pair_free(&p);
}

/* ---- encapsulation */

static struct mh_msg *with_key(struct mh_msg *m, bool keyed)
{
	struct mh_opt *o = mh_opt_add(m, MHO_GRE_KEY);

	o->gre.has_key = keyed;
	o->gre.key = 0x1234;
	return m;
}

/* What is configured here, and what the other one does: 0 plain, 1 GRE, 2 GRE with keys. */
static void test_other_encapsulation(void)
{
	static const enum dp_encap encap[] = {DP_ENCAP_IP, DP_ENCAP_GRE, DP_ENCAP_GRE_KEY};
	const struct mac mac = MAC(1);

	for (int here = 0; here < 3; here++) {
		for (int there = 0; there < 3; there++) {
			struct pair p;
			struct bench *b;
			struct mh_msg m;

			pair_init(&p);
			b = p.b.bench;
			p.b.neighbour.encap = (uint8_t)encap[here];
			pair_start(&p);
			m = hi_msg(1, F, HI_CODE_ALL_CONTEXT, 1);
			if (there)
				with_key(&m, there == 2);
			receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
			CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code,
					here == there ? HACK_CONTEXT_ACCEPTED : HACK_NO_FORWARDING);
			CU_ASSERT_EQUAL(ho_counter(b, "other_encapsulation"), here != there);
			CU_ASSERT_EQUAL(mag_count(b->m), here == there);
			pair_free(&p);
		}
	}
}

/* In the answer of an old MAG: the context is taken, its forwarding is not. */
static void test_other_encapsulation_in_an_answer(void)
{
	const struct mac mac = MAC(1);
	struct pair p;
	struct bench *b;
	struct mh_msg m;

	pair_init(&p);
	b = p.b.bench;
	p.b.neighbour.encap = DP_ENCAP_GRE;
	pair_start(&p);
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	m = hi_msg(sent_last(b, MH_HI)->msg.ho.seq, MH_HACK_P | MH_HACK_F, HACK_ALL_CONTEXT, 1);
	m.type = MH_HACK;
	receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
	CU_ASSERT_EQUAL(ho_counter(b, "other_encapsulation"), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "ARRIVING"));
	CU_ASSERT_NOT_EQUAL(forwarding(b, HNP1)->up.kind, DP_TO_PEER);
	pair_free(&p);
}

/* Context in two messages, of which neither has the key that is configured here. */
static void test_other_encapsulation_in_the_end(void)
{
	const struct mac mac = MAC(1);

	for (int with = 0; with < 2; with++) {
		struct pair p;
		struct bench *b;
		struct mh_msg m;

		pair_init(&p);
		b = p.b.bench;
		p.b.neighbour.encap = DP_ENCAP_GRE_KEY;
		pair_start(&p);
		m = hi_msg(1, MH_HI_P, HI_CODE_DEFAULT, 1);
		if (with)
			with_key(&m, true);
		receive_ho(b, MAG_A, with_context(&m, HNP1, LMA1, &mac));
		CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code, HACK_CONTEXT_ACCEPTED);
		m = hi_msg(2, F, HI_CODE_ALL_CONTEXT, 1);
		receive_ho(b, MAG_A, with_context(&m, HNP2, LMA1, &mac));
		CU_ASSERT_EQUAL(sent_last(b, MH_HACK)->msg.ho.code,
				with ? HACK_CONTEXT_ACCEPTED : HACK_NO_FORWARDING);
		pair_free(&p);
	}
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"F-32 RFC 5949 4.1 (k) an answer with an anchor that is not configured is not used", test_foreign_anchor_in_an_answer},
		{"F-32 RFC 5949 4.1 (k) a second message with an anchor that is not configured is refused", test_foreign_anchor_in_a_second_message},
		{"F-32 RFC 5949 4.1 (k) a late announcement with an anchor that is not configured is refused", test_foreign_anchor_late},
		{"RFC 5949 6.2.2 of two LMA Addresses the configured one counts", test_two_anchors},
		{"F-32 a second message that is refused changes nothing", test_second_message_with_anothers_prefix},
		{"a profile knows whose link-layer address it is, whatever a neighbour announces", test_profile_against_llid},
		{"a node without a profile is known by the announced link-layer address", test_llid_without_profile},
		{"F-32 without a realm, announced nodes need a profile", test_unknown_without_realm},
		{"F-32 without a realm, a node that a trigger told of needs no profile", test_known_by_a_trigger},
		{"RFC 5949 6.2.7 an IPv4 home address of a domain is not told", test_domain_is_not_told},
		{"F-32 IPv4 home addresses that no anchor could grant are refused", test_home4_that_is_not_fit},
		{"F-32 a context of which the profile leaves nothing is refused with code 129", test_nothing_usable},
		{"F-33 RFC 5949 4.2 another encapsulation than the configured one is refused with code 132", test_other_encapsulation},
		{"F-33 RFC 5949 4.2 forwarding of another encapsulation is not used", test_other_encapsulation_in_an_answer},
		{"F-33 RFC 5949 4.2 a key that is configured must come in one of the messages", test_other_encapsulation_in_the_end},
		{0},
	};
	// clang-format on
	return cu_main("fho_believed", tests, argc, argv);
}
