/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5213 5.3.2 to 5.3.5: registration, extension, handoff, de-registration, expiry. */
#include <errno.h>

#include "unit/lma/lma_harness.h"

static void test_l37(void)
{
	struct bed b;
	struct prefix6 own;
	struct bed_pick k;
	const struct dp_fake_session *s;
	const struct dp_peer *peer;

	bed_up(&b);
	CU_ASSERT_EQUAL(dp_fake_pools(b.dp), 1);
	own = bed_attach(&b, MAG1);
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT_STRING_EQUAL(k.b.state, "ACTIVE");
	CU_ASSERT_EQUAL(k.b.n_prefixes, 1);
	CU_ASSERT(prefix6_eq(&k.b.prefixes[0], &own));
	CU_ASSERT_EQUAL(k.b.lifetime_s, 3600);
	CU_ASSERT_EQUAL(k.b.remaining_s, 3600);
	CU_ASSERT_STRING_EQUAL(k.b.mag_name, "mag1");
	CU_ASSERT(addr6_eq(&k.b.lmaa, &b.cfg.addrs[0]));
	s = dp_fake_by_prefix(b.dp, DP_ANCHOR, &own);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(s->ref, k.b.session);
	CU_ASSERT_EQUAL(s->s.up.kind, DP_TO_ROUTE);
	CU_ASSERT_EQUAL(s->s.mode, DP_FORWARD);
	CU_ASSERT(mnid_eq(&s->s.mnid, &k.b.mnid));
	peer = dp_fake_peer(b.dp, s->s.down.peer);
	CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
	CU_ASSERT(addr6_eq(&peer->local, &b.cfg.addrs[0]));
	CU_ASSERT(addr6_eq(&peer->remote, &b.mags[MAG1].addr));
	CU_ASSERT_EQUAL(bed_saw(&b, EV_MSG_RCVD), 1);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_MSG_SENT), 1);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_SESSION_UP), 1);
	CU_ASSERT(bed_saw_state(&b, "PENDING", "ACTIVE"));
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_accepted"), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "sessions_created"), 1);
	bed_down(&b);
}

static void test_no_llid_shown(void)
{
	struct bed b;
	struct bed_pick k;

	bed_up(&b);
	bed_attach_unnamed(&b, MAG1);
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT_EQUAL(k.b.llid.len, 2);
	CU_ASSERT(llid_is_zero(&k.b.llid));
	bed_down(&b);
}

static void test_l38(void)
{
	struct bed b;
	struct prefix6 own;
	struct bed_pick k;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	bed_wait(&b, 1800000);
	bed_forget(&b);
	p = pbu(&b, MAG1);
	p.hnp[0] = own;
	p.hi = HI_NO_CHANGE;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT_EQUAL(k.b.remaining_s, 3600);
	CU_ASSERT_EQUAL(k.b.seq, p.seq);
	CU_ASSERT_EQUAL(k.b.timestamp, p.timestamp);
	CU_ASSERT_EQUAL(k.b.handovers, 0);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_HANDOVER), 0);
	CU_ASSERT_EQUAL(dp_fake_by_prefix(b.dp, DP_ANCHOR, &own)->moves, 0);
	bed_wait(&b, 3599000);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_l39(void)
{
	struct bed b;
	struct prefix6 own;
	struct bed_pick k;
	struct pbu p;
	dp_ref session;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	session = dp_fake_by_prefix(b.dp, DP_ANCHOR, &own)->ref;
	bed_wait(&b, 5000);
	bed_forget(&b);
	p = pbu(&b, MAG2);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	CU_ASSERT_EQUAL(dp_fake_by_prefix(b.dp, DP_ANCHOR, &own)->ref, session);
	CU_ASSERT_EQUAL(dp_fake_by_prefix(b.dp, DP_ANCHOR, &own)->moves, 1); /* one store */
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 1); /* the old tunnel went with its last user */
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT_EQUAL(k.b.handovers, 1);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_HANDOVER), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "handovers"), 1);
	bed_down(&b);
}

static void test_l64(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	bed_attach(&b, MAG1);
	p = pbu(&b, MAG1);
	p.mnid = "mn2@example.com";
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 1); /* shared */
	p = pbu(&b, MAG2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 2); /* mn2 still uses the first */
	bed_down(&b);
}

static void test_other_lmaa(void)
{
	struct bed b;
	struct prefix6 own;
	struct bed_pick k;
	const struct dp_fake_session *s;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	bed_forget(&b);
	p = pbu(&b, MAG1);
	p.hnp[0] = own;
	p.hi = HI_NO_CHANGE;
	p.dst = b.cfg.addrs[1];
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(addr6_eq(&b.last.src, &b.cfg.addrs[1]));
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT(addr6_eq(&k.b.lmaa, &b.cfg.addrs[1]));
	s = dp_fake_by_prefix(b.dp, DP_ANCHOR, &own);
	CU_ASSERT(addr6_eq(&dp_fake_peer(b.dp, s->s.down.peer)->local, &b.cfg.addrs[1]));
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 1);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_HANDOVER), 0);
	bed_down(&b);
}

static unsigned granted(struct bed *b, uint16_t asked)
{
	struct pbu p = pbu(b, MAG1);

	p.lifetime = asked;
	CU_ASSERT_EQUAL(bed_send(b, &p), PBA_ACCEPTED);
	return b->pba.ba.lifetime;
}

static void test_l40(void)
{
	struct profile slow = {.enabled = true, .prefix_count = 1, .lifetime = 100};
	struct profile tiny = {.enabled = true, .prefix_count = 1, .lifetime = 2};
	struct bed b;
	struct pbu p;
	struct bed_pick k;

	bed_init(&b);
	slow.mnid = (struct mnid){MNID_NAI, 16, (const uint8_t *)"slow@example.com"};
	tiny.mnid = (struct mnid){MNID_NAI, 16, (const uint8_t *)"tiny@example.com"};
	CU_ASSERT_EQUAL_FATAL(profile_table_add(b.profiles, &slow), 0);
	CU_ASSERT_EQUAL_FATAL(profile_table_add(b.profiles, &tiny), 0);
	bed_start(&b);
	CU_ASSERT_EQUAL(granted(&b, 1), 1);
	CU_ASSERT_EQUAL(granted(&b, 899), 899);
	CU_ASSERT_EQUAL(granted(&b, 900), 900);
	CU_ASSERT_EQUAL(granted(&b, 901), 900);
	CU_ASSERT_EQUAL(granted(&b, 0xffff), 900); /* no "infinite" in a Binding Update */
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT_EQUAL(k.b.lifetime_s, 3600);
	p = pbu(&b, MAG1);
	p.mnid = "slow@example.com";
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.lifetime, 25);
	p = pbu(&b, MAG1);
	p.mnid = "tiny@example.com"; /* never 0, which would read as a de-registration */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.lifetime, 1);
	bed_down(&b);
}

static void test_l40_longest(void)
{
	struct bed b;
	struct bed_pick k;

	bed_init(&b);
	b.cfg.max_lifetime = UINT32_MAX;
	bed_start(&b);
	CU_ASSERT_EQUAL(granted(&b, 0xffff), 0xffff);
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT_EQUAL(k.b.lifetime_s, 262140);
	bed_wait(&b, 262140000ull - 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_wait(&b, 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

static void test_l40_expiry(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	CU_ASSERT_EQUAL(lma_next(b.l), NSEC_NEVER);
	CU_ASSERT_EQUAL(granted(&b, 2), 2);
	own = bed_hnp(&b);
	CU_ASSERT_EQUAL(lma_next(b.l), b.now + nsec_from_s(8));
	bed_wait(&b, 7999);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	bed_forget(&b);
	bed_wait(&b, 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b.dp), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 0);
	CU_ASSERT_EQUAL(bed_counter(&b, "expired"), 1);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_SESSION_DOWN), 1);
	CU_ASSERT(bed_saw_state(&b, "ACTIVE", "GONE"));
	CU_ASSERT_EQUAL(b.n_sent, 1); /* silently */
	p = pbu(&b, MAG1);
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	bed_down(&b);
}

/* ---- de-registration */

static struct pbu dereg(struct bed *b, unsigned mag, const struct prefix6 *own)
{
	struct pbu p = pbu(b, mag);

	p.hnp[0] = *own;
	p.lifetime = 0;
	return p;
}

static void test_l41(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = dereg(&b, MAG1, &own); /* the old MAG notices late */
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_other_coa"), 1);
	CU_ASSERT(bed_state(&b, "ACTIVE"));
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	bed_down(&b);
}

static void test_t20(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach_unnamed(&b, MAG1);
	p = dereg(&b, MAG1, &own); /* HI 4, no link-layer identifier: CoA and ATT match */
	p.has_llid = false;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(bed_state(&b, "DEREGISTERING"));
	bed_down(&b);
}

static void test_l42(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	bed_forget(&b);
	p = dereg(&b, MAG1, &own);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.lifetime, 0);
	got = bed_hnp(&b);
	CU_ASSERT(prefix6_eq(&own, &got));
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(dp_fake_by_prefix(b.dp, DP_ANCHOR, &own)->s.mode, DP_DROP); /* L-43 */
	CU_ASSERT_EQUAL(bed_saw(&b, EV_SESSION_DOWN), 0);
	bed_wait(&b, 9999);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_wait(&b, 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b.dp), 0);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_SESSION_DOWN), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "deletion_delay_over"), 1);
	bed_down(&b);
}

static void test_l42_again(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	p = dereg(&b, MAG1, &own);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 6000);
	pbu_again(&b, &p); /* the reply was lost */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 4000); /* counted from the first */
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

static void test_l44(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	p = dereg(&b, MAG1, &own);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 9000);
	p = pbu(&b, MAG1); /* back at the same MAG */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	CU_ASSERT(bed_state(&b, "ACTIVE"));
	bed_wait(&b, 20000);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	p = dereg(&b, MAG1, &own);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = pbu(&b, MAG2); /* or at another */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	bed_wait(&b, 20000);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "revived"), 2);
	bed_down(&b);
}

static void test_l44_refused(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	p = dereg(&b, MAG1, &own);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = pbu(&b, MAG2);
	p.hnp[0] = own;
	p.att = -1; /* not accepted: the wait goes on */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_MISSING_ATT);
	CU_ASSERT(bed_state(&b, "DEREGISTERING"));
	bed_wait(&b, 10000);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

static void test_l45(void)
{
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;

	bed_init(&b);
	b.pools[0].prefix = prefix("2001:db8:100::/63");
	bed_start(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG1);
	p.mnid = "mn2@example.com";
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = dereg(&b, MAG1, &own);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = pbu(&b, MAG1);
	p.mnid = "mn3@example.com";
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_INSUFFICIENT_RESOURCES); /* still reserved */
	bed_wait(&b, 10000);
	pbu_again(&b, &p);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	got = bed_hnp(&b);
	CU_ASSERT(prefix6_eq(&own, &got));
	bed_down(&b);
}

static void test_no_delay(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_init(&b);
	b.cfg.min_delay_before_bce_delete_ms = 0;
	bed_start(&b);
	own = bed_attach(&b, MAG1);
	p = dereg(&b, MAG1, &own);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 0);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

/* ---- the data plane fails */

static void test_dp_new(void)
{
	static const enum dp_fake_op ops[] = {DP_FAKE_PEER_PUT, DP_FAKE_SESSION_PUT};
	struct bed b;
	struct prefix6 got;
	struct pbu p;

	bed_up(&b);
	for (unsigned i = 0; i < 2; i++) {
		dp_fake_fail(b.dp, ops[i], 1, ENOSPC);
		p = pbu(&b, MAG1);
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_INSUFFICIENT_RESOURCES);
		CU_ASSERT_EQUAL(lma_count(b.l), 0);
		CU_ASSERT_EQUAL(dp_fake_sessions(b.dp), 0);
		CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 0);
	}
	CU_ASSERT_EQUAL(bed_counter(&b, "dataplane_failures"), 2);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_SESSION_UP), 0);
	pbu_again(&b, &p);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	got = bed_hnp(&b);
	CU_ASSERT_EQUAL(bed_forwards(&b, &got), MAG1);
	bed_down(&b);
}

static void test_dp_handoff(void)
{
	static const enum dp_fake_op ops[] = {DP_FAKE_PEER_PUT, DP_FAKE_SESSION_MOVE};
	struct bed b;
	struct prefix6 own;
	struct bed_pick before, after;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &before));
	for (unsigned i = 0; i < 2; i++) {
		dp_fake_fail(b.dp, ops[i], 1, EIO);
		p = pbu(&b, MAG2);
		p.hnp[0] = own;
		p.hi = HI_BETWEEN_INTERFACES;
		p.llid_len = 20; /* longer than what an entry keeps inside */
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_INSUFFICIENT_RESOURCES);
		CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &after));
		CU_ASSERT(addr6_eq(&after.b.proxy_coa, &before.b.proxy_coa));
		CU_ASSERT_EQUAL(after.b.timestamp, before.b.timestamp);
		CU_ASSERT_EQUAL(after.b.seq, before.b.seq);
		CU_ASSERT(llid_eq(&after.b.llid, &before.b.llid));
		CU_ASSERT_EQUAL(after.b.handovers, 0);
		CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
		CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 1);
	}
	pbu_again(&b, &p);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	bed_down(&b);
}

static void test_dp_lost(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	/* somebody removed it behind our back */
	dp_fake_dataplane(b.dp)->ops->session_del(dp_fake_dataplane(b.dp),
						  dp_fake_by_prefix(b.dp, DP_ANCHOR, &own)->ref);
	dp_fake_fail(b.dp, DP_FAKE_SESSION_MOVE, 1, ENOENT);
	p = pbu(&b, MAG2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	bed_down(&b);
}

static void test_send_fails(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	b.send_err = -ENOBUFS;
	p = pbu(&b, MAG1);
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "send_failed"), 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	b.send_err = 0;
	pbu_again(&b, &p); /* loss on the way: the retransmission is answered */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_operator(void)
{
	const struct mnid id = {MNID_NAI, 15, (const uint8_t *)"mn1@example.com"};
	const struct mnid other = {MNID_NAI, 15, (const uint8_t *)"mn9@example.com"};
	struct bed b;
	struct pbu p;

	bed_up(&b);
	for (unsigned i = 0; i < 3; i++) {
		p = pbu(&b, i);
		p.hi = HI_NEW_INTERFACE;
		p.llid[5] = (uint8_t)(i + 1);
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	}
	CU_ASSERT_EQUAL(lma_delete(b.l, &other, b.now), 0);
	CU_ASSERT_EQUAL(lma_delete(b.l, &id, b.now), 3);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b.dp), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 0);
	CU_ASSERT_EQUAL(bed_counter(&b, "deleted_by_operator"), 3);
	CU_ASSERT_EQUAL(lma_next(b.l), NSEC_NEVER);
	bed_down(&b);
}

static void test_fsm(void)
{
	CU_ASSERT_PTR_NULL(fsm_lint(&lma_binding_fsm));
	CU_ASSERT_PTR_NULL(fsm_lint(&lma_hold_fsm));
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"L-37 L-61 RFC 5213 5.3.2 a new session: binding, tunnel, route, reply",	  test_l37},
		{"RFC 5213 5.1 no link-layer identifier is two octets of zero",										test_no_llid_shown},
		{"L-38 RFC 5213 5.3.3 extension by the same MAG",test_l38},
		{"L-39 RFC 5213 5.3.4 handoff moves the session with one store",				 test_l39},
		{"L-64 RFC 5213 5.6.1 a tunnel is shared and goes with its last user",									       test_l64},
		{"RFC 5213 5.6.1 a re-registration through another LMA address moves the tunnel",
		 test_other_lmaa},
		{"L-40 T-16 RFC 6275 10.3.1 granted is at most asked, maximum and profile",
		 test_l40},
		{"L-40 T-16 RFC 6275 6.1.7 lifetime 0xffff is 262140 s",									       test_l40_longest},
		{"L-40 RFC 6275 10.3.1 the binding ends with its lifetime",								    test_l40_expiry},
		{"L-41 RFC 5213 5.3.5 (1) de-registration by another MAG is ignored",	      test_l41},
		{"T-20 RFC 5213 5.4.1.1 (5) HI 4 de-registers by CoA and technology",										      test_t20},
		{"L-42 L-43 RFC 5213 5.3.5 (2) reply at once, drop, delete after the delay",
		 test_l42},
		{"L-42 RFC 5213 5.3.5 (2) a repeated de-registration does not prolong the delay",
		 test_l42_again},
		{"L-44 RFC 5213 5.3.5 (2) registered during the delay: the binding lives on",
		 test_l44},
		{"L-44 RFC 5213 5.3.5 (2) a refused request does not end the delay",
		 test_l44_refused},
		{"L-45 RFC 5213 5.3.5 (2) after the delay the prefix is free",	       test_l45},
		{"RFC 5213 9.1 MinDelayBeforeBCEDelete may be 0",									       test_no_delay},
		{"a data plane that fails at registration: 130 and nothing left",									  test_dp_new},
		{"a data plane that fails at handoff: 130 and the binding as it was",
		 test_dp_handoff},
		{"a data plane that lost a session gets it again",									       test_dp_lost},
		{"a reply that cannot be sent is like loss",									test_send_fails},
		{"the operator deletes all bindings of a node",		test_operator},
		{"the state machines cite their clauses and shadow no rule",									       test_fsm},
		{0							  },
	};

	return cu_main("lma sessions", tests, argc, argv);
}
