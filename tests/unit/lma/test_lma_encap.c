/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5844 4.1.3, RFC 5845 5.2 and 7.4: the encapsulation is negotiated, and GRE keys with it. */
#include "unit/lma/lma_harness.h"

#include <errno.h>

#define F MH_BU_F
#define T MH_BU_T

enum ask { NO, PLAIN, KEY };

static struct pbu request(struct bed *b, unsigned mag, unsigned flags, enum ask gre)
{
	struct pbu p = pbu(b, mag);

	p.flags |= (uint16_t)flags;
	p.has_gre = gre != NO;
	p.has_key = gre == KEY;
	p.key = 0x1000u + mag;
	return p;
}

static void up(struct bed *b, enum lma_gre gre, bool tlv)
{
	bed_init(b);
	bed_add_profile(b, "mn1@example.com", (struct profile){.ipv4 = true});
	b->cfg.accept_forced_ipv4_udp_encapsulation_request = true;
	b->cfg.gre = gre;
	b->cfg.gre_tlv = tlv;
	bed_start(b);
}

static void reload(struct bed *b)
{
	const struct profiles profiles = profile_table_profiles(b->profiles);
	const char *why = NULL;

	CU_ASSERT_EQUAL_FATAL(lma_reload(b->l, &b->cfg, &profiles, &why, b->now), 0);
}

/* The uplink key of the latest reply; 0: none. */
static uint32_t up_key(const struct bed *b)
{
	const struct mh_opt *o = mh_opt(&b->pba, MHO_GRE_KEY);

	return o && o->gre.has_key ? o->gre.key : 0;
}

/* The only session in the data plane. */
static const struct dp_fake_session *session(struct bed *b)
{
	struct bed_pick pick;

	CU_ASSERT_FATAL(bed_binding(b, "mn1@example.com", 0, &pick));
	return dp_fake_by_ref(b->dp, pick.b.session);
}

/* Reply, binding and data plane agree. */
static void check(struct bed *b, unsigned mag, enum dp_encap encap)
{
	const struct dp_fake_session *s = session(b);
	const struct dp_peer *peer;
	struct bed_pick pick;

	CU_ASSERT_FATAL(bed_binding(b, "mn1@example.com", 0, &pick));
	CU_ASSERT_EQUAL(pick.b.encap, encap);
	CU_ASSERT_EQUAL(bed_leads(b, s), (int)mag);
	CU_ASSERT_EQUAL(dp_fake_peers(b->dp), 1);
	peer = dp_fake_peer(b->dp, s->s.down.peer);
	CU_ASSERT_EQUAL(peer->encap, encap);
	CU_ASSERT(addr6_eq(&peer->local, &b->cfg.addrs[mag >= MAG4A ? 2 : 0]));
	if (dp_encap_keyed(encap)) {
		CU_ASSERT(s->s.keyed);
		CU_ASSERT_EQUAL(s->s.down.key, 0x1000u + mag);
		CU_ASSERT_PTR_EQUAL(dp_fake_by_key(b->dp, up_key(b)), s);
		CU_ASSERT_EQUAL(pick.b.down_key, 0x1000u + mag);
		CU_ASSERT_EQUAL(pick.b.up_key, up_key(b));
	} else {
		CU_ASSERT_EQUAL(s->s.down.key, 0);
		CU_ASSERT_EQUAL(up_key(b), 0);
		CU_ASSERT_EQUAL(pick.b.down_key | pick.b.up_key, 0);
	}
}

static void test_table(void)
{
	// clang-format off
	static const struct {
		unsigned mag, flags;
		enum ask ask;
		enum lma_gre policy;
		bool tlv;
		int status;
		enum dp_encap encap;
		bool t, nat, option;
	} rows[] = {
		{MAG1,  0,     NO,    LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_IP,          false, false, false},
		{MAG1,  F,     NO,    LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_IP,          false, false, false},
		{MAG1,  T,     NO,    LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_IP,          false, false, false},
		{MAG1,  0,     PLAIN, LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_GRE,         false, false, true},
		{MAG1,  0,     KEY,   LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_GRE_KEY,     false, false, true},
		{MAG1,  T,     KEY,   LMA_GRE_ACCEPT,  true,  3,   DP_ENCAP_GRE_KEY,     false, false, true},
		{MAG1,  0,     KEY,   LMA_GRE_REFUSE,  true,  2,   DP_ENCAP_IP,          false, false, false},
		{MAG1,  0,     NO,    LMA_GRE_REQUIRE, true,  163, DP_ENCAP_MAX,         false, false, false},
		{MAG1,  0,     PLAIN, LMA_GRE_REQUIRE, true,  0,   DP_ENCAP_GRE,         false, false, true},
		{MAG1,  0,     KEY,   LMA_GRE_REQUIRE, true,  0,   DP_ENCAP_GRE_KEY,     false, false, true},

		{MAG4A, 0,     NO,    LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_IP,          false, false, false},
		{MAG4A, F,     NO,    LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_UDP,         false, true,  false},
		{MAG4A, 0,     PLAIN, LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_GRE,         false, false, true},
		{MAG4A, 0,     KEY,   LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_GRE_KEY,     false, false, true},
		{MAG4A, F,     KEY,   LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_GRE_KEY,     false, false, true},
		{MAG4A, T,     NO,    LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_UDP_TLV,     true,  false, false},
		{MAG4A, T | F, NO,    LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_UDP_TLV,     true,  false, false},
		{MAG4A, T | F, PLAIN, LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_UDP_GRE,     true,  false, true},
		{MAG4A, T | F, KEY,   LMA_GRE_ACCEPT,  true,  0,   DP_ENCAP_UDP_GRE_KEY, true,  false, true},
		{MAG4A, T,     KEY,   LMA_GRE_REQUIRE, true,  0,   DP_ENCAP_UDP_GRE_KEY, true,  false, true},
		{MAG4A, T,     NO,    LMA_GRE_ACCEPT,  false, 0,   DP_ENCAP_IP,          false, false, false},
		{MAG4A, T | F, NO,    LMA_GRE_ACCEPT,  false, 0,   DP_ENCAP_UDP,         false, true,  false},
		{MAG4A, T | F, PLAIN, LMA_GRE_ACCEPT,  false, 3,   DP_ENCAP_GRE,         false, false, true},
		{MAG4A, T | F, KEY,   LMA_GRE_ACCEPT,  false, 3,   DP_ENCAP_GRE_KEY,     false, false, true},
		{MAG4A, 0,     KEY,   LMA_GRE_REFUSE,  true,  2,   DP_ENCAP_IP,          false, false, false},
		{MAG4A, F,     KEY,   LMA_GRE_REFUSE,  true,  2,   DP_ENCAP_UDP,         false, true,  false},
		{MAG4A, T | F, PLAIN, LMA_GRE_REFUSE,  true,  2,   DP_ENCAP_UDP_TLV,     true,  false, false},
		{MAG4A, T | F, KEY,   LMA_GRE_REFUSE,  false, 2,   DP_ENCAP_UDP,         false, true,  false},
		{MAG4A, F,     NO,    LMA_GRE_REQUIRE, true,  163, DP_ENCAP_MAX,         false, false, false},
	};
	// clang-format on

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct mh_opt *nat;
		struct bed b;
		struct pbu p;

		up(&b, rows[i].policy, rows[i].tlv);
		p = request(&b, rows[i].mag, rows[i].flags, rows[i].ask);
		pbu_ask4(&p, "0.0.0.0");
		CU_ASSERT_EQUAL(bed_send(&b, &p), rows[i].status);
		CU_ASSERT_EQUAL(b.pba.ba.flags, rows[i].t ? MH_BA_P | MH_BA_T : MH_BA_P);
		CU_ASSERT_EQUAL(bed_has(&b, MHO_GRE_KEY), rows[i].option);
		CU_ASSERT_EQUAL(up_key(&b) != 0, rows[i].option && rows[i].ask == KEY);
		nat = mh_opt(&b.pba, MHO_NAT_DETECTION);
		CU_ASSERT_EQUAL(nat != NULL, rows[i].nat);
		if (nat) {
			CU_ASSERT(nat->nat.force);
			CU_ASSERT_EQUAL(nat->nat.refresh_s, UINT32_MAX);
		}
		CU_ASSERT_EQUAL(bed_has(&b, MHO_IPV4_DEFAULT_ROUTER), rows[i].status < 128);
		if (rows[i].status < 128)
			check(&b, rows[i].mag, rows[i].encap);
		else
			CU_ASSERT_EQUAL(lma_count(b.l), 0);
		bed_down(&b);
	}
}

static void test_statuses(void)
{
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_REFUSE, false);
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_GRE_KEY_NOT_REQUIRED);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_gre_key_not_required"), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "sessions_created"), 1);
	b.cfg.gre = LMA_GRE_ACCEPT;
	reload(&b);
	p = request(&b, MAG1, T, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_GRE_TLV_NOT_SUPPORTED);
	CU_ASSERT_EQUAL(b.pba.ba.lifetime, 900);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_gre_tlv_not_supported"), 1);
	b.cfg.gre = LMA_GRE_REQUIRE;
	reload(&b);
	p = request(&b, MAG1, 0, NO);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_GRE_KEY_REQUIRED);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_gre_key_required"), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_accepted"), 0);
	bed_down(&b);
}

static void test_k20_k21(void)
{
	uint32_t key;
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_ACCEPT, true);
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	key = up_key(&b);
	CU_ASSERT(key != 0);
	for (unsigned i = 0; i < 3; i++) {
		p = request(&b, MAG1, 0, KEY);
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
		CU_ASSERT_EQUAL(up_key(&b), key);
		check(&b, MAG1, DP_ENCAP_GRE_KEY);
	}
	p = request(&b, MAG2, 0, KEY);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(up_key(&b), key);
	check(&b, MAG2, DP_ENCAP_GRE_KEY);
	CU_ASSERT_EQUAL(session(&b)->moves, 1);
	p = request(&b, MAG4A, T, KEY); /* over the other transport as well */
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(up_key(&b), key);
	check(&b, MAG4A, DP_ENCAP_UDP_GRE_KEY);
	/* let go and come back within the wait: it is the same session */
	p = request(&b, MAG4A, T, NO);
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.flags, MH_BA_P);
	CU_ASSERT(!bed_has(&b, MHO_GRE_KEY));
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(up_key(&b), key);
	check(&b, MAG1, DP_ENCAP_GRE_KEY);
	bed_down(&b);
}

static void test_new_downlink_key(void)
{
	uint32_t key;
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_ACCEPT, true);
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	key = up_key(&b);
	p = request(&b, MAG1, 0, KEY);
	p.key = 0xffffffff;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(session(&b)->s.down.key, 0xffffffff);
	CU_ASSERT_EQUAL(up_key(&b), key);
	bed_down(&b);
}

static void test_k21_gone(void)
{
	uint32_t key;
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_ACCEPT, true);
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	key = up_key(&b);
	p = request(&b, MAG1, 0, NO);
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 11000);
	CU_ASSERT_PTR_NULL(dp_fake_by_key(b.dp, key));
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

static void test_keyed_later(void)
{
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_ACCEPT, true);
	p = request(&b, MAG1, 0, NO);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(!session(&b)->s.keyed);
	p = request(&b, MAG2, 0, KEY);
	p.hi = HI_BETWEEN_MAGS;
	dp_fake_fail(b.dp, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT(!bed_has(&b, MHO_GRE_KEY));
	check(&b, MAG1, DP_ENCAP_IP);
	CU_ASSERT(!session(&b)->s.keyed);
	pbu_again(&b, &p);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	check(&b, MAG2, DP_ENCAP_GRE_KEY);
	/* the same MAG may ask for it later, too */
	bed_down(&b);
	up(&b, LMA_GRE_ACCEPT, true);
	p = request(&b, MAG1, 0, NO);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	check(&b, MAG1, DP_ENCAP_GRE_KEY);
	bed_down(&b);
}

static void test_k22(void)
{
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_REQUIRE, true);
	p = request(&b, MAG1, 0, NO);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_GRE_KEY_REQUIRED);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = request(&b, MAG1, 0, NO);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_GRE_KEY_REQUIRED);
	p = request(&b, MAG2, 0, NO);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_GRE_KEY_REQUIRED);
	CU_ASSERT(bed_at(&b, MAG1));
	p = request(&b, MAG1, 0, NO); /* RFC 5845 4.2: none in a de-registration */
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(bed_state(&b, "DEREGISTERING"));
	bed_down(&b);
}

static void test_k23_later(void)
{
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_ACCEPT, true);
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	b.cfg.gre = LMA_GRE_REFUSE;
	reload(&b);
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_GRE_KEY_NOT_REQUIRED);
	CU_ASSERT(!bed_has(&b, MHO_GRE_KEY));
	check(&b, MAG1, DP_ENCAP_IP);
	bed_down(&b);
}

static void test_k24(void)
{
	uint32_t key;
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_ACCEPT, true);
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	key = up_key(&b);
	p = request(&b, MAG2, 0, NO);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(!bed_has(&b, MHO_GRE_KEY));
	check(&b, MAG2, DP_ENCAP_IP);
	/* the session still has its key: K-21 at the next MAG that wants one */
	p = request(&b, MAG3, 0, KEY);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(up_key(&b), key);
	check(&b, MAG3, DP_ENCAP_GRE_KEY);
	CU_ASSERT_EQUAL(session(&b)->moves, 2);
	bed_down(&b);
}

static void test_k27(void)
{
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_ACCEPT, true);
	p = request(&b, MAG4A, T, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	b.cfg.gre_tlv = false;
	reload(&b);
	p = request(&b, MAG4A, T, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.flags, MH_BA_P | MH_BA_T);
	check(&b, MAG4A, DP_ENCAP_UDP_GRE_KEY);
	/* a handoff opens the question again */
	p = request(&b, MAG4B, T, KEY);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_GRE_TLV_NOT_SUPPORTED);
	check(&b, MAG4B, DP_ENCAP_GRE_KEY);
	b.cfg.gre_tlv = true;
	reload(&b);
	p = request(&b, MAG4B, T, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_GRE_TLV_NOT_SUPPORTED);
	check(&b, MAG4B, DP_ENCAP_GRE_KEY);
	p = request(&b, MAG4A, T, KEY);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	check(&b, MAG4A, DP_ENCAP_UDP_GRE_KEY);
	/* T of the MAG is a condition in any case */
	p = request(&b, MAG4A, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.flags, MH_BA_P);
	check(&b, MAG4A, DP_ENCAP_GRE_KEY);
	bed_down(&b);
}

static void test_duplicate(void)
{
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_ACCEPT, true);
	p = request(&b, MAG1, 0, KEY);
	p.twice = MHO_GRE_KEY;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_REASON_UNSPECIFIED);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

static void test_held(void)
{
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_ACCEPT, true);
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = request(&b, MAG4A, T, KEY);
	p.llid[5] = 9;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	p = request(&b, MAG1, 0, NO);
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.flags, MH_BA_P | MH_BA_T);
	check(&b, MAG4A, DP_ENCAP_UDP_GRE_KEY);
	/* the policy changed while it waited */
	p = request(&b, MAG2, 0, NO);
	p.llid[5] = 8;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	b.cfg.gre = LMA_GRE_REQUIRE;
	reload(&b);
	bed_wait(&b, 1600);
	CU_ASSERT_EQUAL(b.pba.ba.status, PBA_GRE_KEY_REQUIRED);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_lost_session(void)
{
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_ACCEPT, true);
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	dp_fake_dataplane(b.dp)->ops->session_del(dp_fake_dataplane(b.dp), session(&b)->ref);
	dp_fake_fail(b.dp, DP_FAKE_SESSION_MOVE, 1, ENOENT);
	p = request(&b, MAG2, 0, KEY);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	check(&b, MAG2, DP_ENCAP_GRE_KEY);
	bed_down(&b);
}

static void test_unsupported(void)
{
	struct bed b;
	struct pbu p;

	up(&b, LMA_GRE_ACCEPT, true);
	dp_fake_fail(b.dp, DP_FAKE_PEER_PUT, 1, EOPNOTSUPP);
	p = request(&b, MAG1, 0, KEY);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(bed_used6(&b), 0);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"V-43 K-20 K-22 K-23 K-25 RFC 5845 7.4 request, policy and transport make the tunnel and the reply", test_table},
		{"K-23 K-25 RFC 5845 6.4 the statuses 2 and 3 accept, 163 refuses, and each is counted", test_statuses},
		{"K-20 K-21 RFC 5845 3.3.2 the uplink key is the same at each registration and MAG", test_k20_k21},
		{"K-14 RFC 5845 3.3.2 a MAG may choose another downlink key", test_new_downlink_key},
		{"RFC 5845 5.2 the keys end with the session", test_k21_gone},
		{"K-20 RFC 5845 3.3.2 a session may get keys later, or is as it was", test_keyed_later},
		{"K-22 K-13 RFC 5845 5.2 no GRE Key option where the policy wants one: 163, but not to let go", test_k22},
		{"K-23 RFC 5845 5.2 a policy that changed takes GRE away at the next registration: 2", test_k23_later},
		{"K-24 K-21 RFC 5845 3.3.2 a handoff without the option is accepted without GRE", test_k24},
		{"K-27 RFC 5845 7.2 one MAG sees one format, the next one may see another", test_k27},
		{"L-12 RFC 5213 8.1 two GRE Key options: 128", test_duplicate},
		{"K-20 K-22 RFC 5845 5.2 a held request keeps its key and flags, and meets the policy of the day", test_held},
		{"K-21 RFC 5845 3.3.2 a session that the data plane lost gets a key again", test_lost_session},
		{"an encapsulation that the data plane was not made for: 130", test_unsupported},
		{0},
	};
	// clang-format on

	return cu_main("lma encapsulation", tests, argc, argv);
}
