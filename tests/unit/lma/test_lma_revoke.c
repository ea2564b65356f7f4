/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFC 5846 at the LMA, as initiator. The fake network keeps the indications apart from the replies.
 */
#include <errno.h>

#include "lma_harness.h"

static const struct mnid mn1 = {MNID_NAI, 15, (const uint8_t *)"mn1@example.com"};

static void start_with(struct bed *b, enum lma_orphans policy, bool heartbeats)
{
	bed_init(b);
	bed_add_profile(b, "mn1@example.com", (struct profile){.ipv4 = true});
	b->cfg.binding_revocation = true;
	b->cfg.revocation = (struct revocation_cfg){
		REVOCATION_INIT_MIN_DELAY_MS, REVOCATION_MAX_TIMEOUT_MS, REVOCATION_MAX_RETRIES};
	if (heartbeats)
		b->cfg.heartbeat = (struct heartbeat_cfg){.interval_s = 10, .missing_allowed = 1};
	b->cfg.on_mag_failure = b->cfg.on_mag_restart = policy;
	bed_start(b);
}

static void start(struct bed *b)
{
	start_with(b, LMA_ORPHANS_HOLD, false);
}

static const struct bed_br *last_br(const struct bed *b)
{
	CU_ASSERT_FATAL(b->n_br > 0);
	return &b->br[(b->n_br - 1) % 4];
}

/* The latest message is this indication to that MAG. */
static void expect_bri(const struct bed *b, unsigned mag, uint8_t trigger, uint16_t flags)
{
	const struct bed_br *br = last_br(b);

	CU_ASSERT_EQUAL(br->msg.br.type, BR_INDICATION);
	CU_ASSERT_EQUAL(br->msg.br.code, trigger);
	CU_ASSERT_EQUAL(br->msg.br.flags, MH_BR_P | flags);
	CU_ASSERT(addr6_eq(&br->pkt.dst, &b->mags[mag].addr));
	CU_ASSERT(addr6_eq(&br->pkt.src, &b->cfg.addrs[mag >= MAG4A ? 2 : 0]));
}

static void expect_names(const struct bed *b, const struct mnid *id, unsigned hnps, unsigned hoas)
{
	const struct mh_msg *m = &last_br(b)->msg;
	const struct mh_opt *o = mh_opt(m, MHO_MN_ID);

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT(mnid_eq(&o->mnid, id));
	CU_ASSERT_EQUAL(mh_opt_count(m, MHO_HNP), hnps);
	CU_ASSERT_EQUAL(mh_opt_count(m, MHO_IPV4_HOA_REQUEST), hoas);
	CU_ASSERT_EQUAL(m->n_opts, 1 + hnps + hoas);
}

static void receive(struct bed *b, unsigned mag, const struct mh_msg *m)
{
	const struct in6_addr dst = b->cfg.addrs[mag >= MAG4A ? 2 : 0];
	uint8_t buf[MH_MAX_LEN];
	int len = mh_encode(m, buf, sizeof(buf), &b->mags[mag].addr, &dst);

	CU_ASSERT_FATAL(len > 0);
	b->port = mag >= MAG4A ? 5436 : 0;
	bed_send_raw(b, &b->mags[mag].addr, &dst, buf, (size_t)len);
}

/* The MAG's acknowledgement of `br`. */
static void bra_to(struct bed *b, unsigned mag, const struct mh_msg *bri, uint8_t status)
{
	struct mh_msg m;

	revocation_bra(&m, bri, (enum bra_status)status);
	receive(b, mag, &m);
}

static void bra(struct bed *b, unsigned mag, uint8_t status)
{
	bra_to(b, mag, &last_br(b)->msg, status);
}

static void binding_error(struct bed *b, unsigned mag)
{
	struct mh_msg m = {.type = MH_BE};

	m.be.status = BE_UNKNOWN_MH_TYPE;
	receive(b, mag, &m);
}

static int revoke(struct bed *b, uint8_t trigger)
{
	const struct lma_revoke_order o = {.id = mn1, .trigger = trigger};

	return lma_revoke(b->l, &o, b->now);
}

static uint64_t rev_counter(const struct bed *b, enum revocation_counter c)
{
	return lma_revocation_counters(b->l).value[c];
}

/* Another interface of mn1, or another node. */
static struct pbu other_pbu(struct bed *b, unsigned mag, const char *id, uint8_t interface)
{
	struct pbu p = pbu(b, mag);

	p.mnid = id;
	p.hi = HI_NEW_INTERFACE;
	p.llid[5] = interface;
	return p;
}

static int move(struct bed *b, unsigned mag, int hi)
{
	struct pbu p = pbu(b, mag);

	p.hi = hi;
	return bed_send(b, &p);
}

static int deregister(struct bed *b, unsigned mag, struct prefix6 hnp)
{
	struct pbu p = pbu(b, mag);

	p.lifetime = 0;
	p.hnp[0] = hnp;
	return bed_send(b, &p);
}

static const char *shown_revocation(const struct bed *b)
{
	struct bed_pick p;

	return bed_binding(b, "mn1@example.com", 0, &p) ? p.b.revocation : NULL;
}

/* ---- by order */

static void test_order(void)
{
	struct bed b;
	struct prefix6 hnp;

	start(&b);
	hnp = bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL(b.n_br, 0);
	CU_ASSERT_PTR_NULL(shown_revocation(&b));
	bed_forget(&b);

	CU_ASSERT_EQUAL(lma_delete(b.l, &mn1, b.now), 1); /* LMA --BRI--> MAG1 */
	CU_ASSERT_EQUAL(b.n_br, 1);
	expect_bri(&b, MAG1, BR_ADMINISTRATIVE, 0);
	expect_names(&b, &mn1, 1, 0);
	CU_ASSERT(prefix6_eq(&mh_opt(&last_br(&b)->msg, MHO_HNP)->hnp.prefix, &hnp));
	CU_ASSERT(bed_state(&b, "REVOKING"));
	CU_ASSERT_STRING_EQUAL(shown_revocation(&b), "Administrative Reason");
	CU_ASSERT_EQUAL(bed_forwards(&b, &hnp), -1);
	CU_ASSERT_EQUAL(revoke(&b, BR_ADMINISTRATIVE), -ENOENT); /* it is under way */

	bra(&b, MAG1, BRA_SUCCESS); /* LMA <--BRA-- MAG1 */
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(bed_used6(&b), 0);
	CU_ASSERT_EQUAL(bed_counter(&b, "revoked"), 1);
	CU_ASSERT(bed_saw_state(&b, "ACTIVE", "REVOKING"));
	CU_ASSERT(bed_saw_state(&b, "REVOKING", "GONE"));
	CU_ASSERT_EQUAL(bed_saw(&b, EV_SESSION_DOWN), 1);
	bed_wait(&b, 10000);
	CU_ASSERT_EQUAL(b.n_br, 1);
	bed_down(&b);
}

static void test_order_refused(void)
{
	static const uint8_t status[] = {BRA_PARTIAL_SUCCESS, BRA_NO_BINDING, BRA_MN_IS_ATTACHED,
					 BRA_FUNCTION_NOT_SUPPORTED};
	struct bed b;

	for (unsigned i = 0; i < sizeof(status); i++) {
		start(&b);
		bed_attach(&b, MAG1);
		CU_ASSERT_EQUAL(revoke(&b, BR_USER_TERMINATION), 1);
		expect_bri(&b, MAG1, BR_USER_TERMINATION, 0);
		bra(&b, MAG1, status[i]);
		CU_ASSERT_EQUAL(lma_count(b.l), 0);
		bed_down(&b);
	}
	start(&b);
	bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL(revoke(&b, BR_PER_PEER_POLICY), -EINVAL);
	CU_ASSERT_EQUAL(revoke(&b, 8), -EINVAL);
	CU_ASSERT_EQUAL(b.n_br, 0);
	bed_down(&b);
}

static void test_order_unanswered(void)
{
	struct bed b;
	nsec_t t0;

	start(&b);
	bed_attach(&b, MAG1);
	t0 = b.now;
	revoke(&b, BR_ADMINISTRATIVE);
	bed_wait(&b, 2999);
	CU_ASSERT_EQUAL(b.n_br, 2);
	CU_ASSERT_EQUAL(last_br(&b)->at - t0, NSEC_PER_SEC);
	CU_ASSERT(bed_state(&b, "REVOKING"));
	bed_wait(&b, 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b.dp), 0);
	CU_ASSERT_EQUAL(b.n_br, 2);
	bed_down(&b);
}

static void test_order_and_request(void)
{
	struct bed b;
	struct mh_msg bri;

	start(&b);
	bed_attach(&b, MAG1);
	revoke(&b, BR_ADMINISTRATIVE);
	bri = last_br(&b)->msg;
	/* its MAG does not know yet */
	CU_ASSERT_EQUAL(move(&b, MAG1, HI_NO_CHANGE), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_revoking"), 1);
	CU_ASSERT(bed_state(&b, "REVOKING"));
	/* another one gets a binding of its own; the indication goes on */
	CU_ASSERT_EQUAL(move(&b, MAG2, HI_BETWEEN_MAGS), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT(bed_at(&b, MAG2));
	CU_ASSERT(bed_state(&b, "ACTIVE"));
	bed_wait(&b, 1000);
	CU_ASSERT_EQUAL(b.n_br, 2);
	expect_bri(&b, MAG1, BR_ADMINISTRATIVE, 0);
	bra_to(&b, MAG1, &bri, BRA_SUCCESS);
	bed_wait(&b, 5000);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(b.n_br, 2);
	bed_down(&b);
}

static void test_order_and_deregistration(void)
{
	struct bed b;
	struct prefix6 hnp;

	start(&b);
	hnp = bed_attach(&b, MAG1);
	revoke(&b, BR_ADMINISTRATIVE);
	CU_ASSERT_EQUAL(deregister(&b, MAG1, hnp), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_wait(&b, 10000);
	CU_ASSERT_EQUAL(b.n_br, 1);
	CU_ASSERT_EQUAL(rev_counter(&b, REV_C_CANCELLED), 1);
	bed_down(&b);
}

static void test_order_lingering(void)
{
	struct bed b;
	struct prefix6 hnp;

	start(&b);
	hnp = bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL(deregister(&b, MAG1, hnp), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(revoke(&b, BR_ADMINISTRATIVE), 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(b.n_br, 0);
	bed_down(&b);
}

static void test_order_expires(void)
{
	struct bed b;
	struct pbu p;

	start(&b);
	p = pbu(&b, MAG1);
	p.hi = HI_NEW_INTERFACE;
	p.lifetime = 1; /* 4 s */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 2000);
	revoke(&b, BR_ADMINISTRATIVE);
	bed_wait(&b, 2000);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(bed_counter(&b, "expired"), 1);
	bed_wait(&b, 5000); /* the indication ends without it */
	CU_ASSERT_EQUAL(rev_counter(&b, REV_C_NO_ANSWER), 1);
	/* what expires by itself is not revoked */
	p = pbu(&b, MAG1);
	p.hi = HI_NEW_INTERFACE;
	p.lifetime = 1;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	b.n_br = 0;
	bed_wait(&b, 5000);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(b.n_br, 0);
	bed_down(&b);
}

static void test_one_of_several(void)
{
	struct bed b;
	struct pbu p;
	struct prefix6 first, second;
	struct lma_revoke_order o = {.id = mn1, .trigger = BR_ADMINISTRATIVE};

	start(&b);
	first = bed_attach(&b, MAG1);
	p = other_pbu(&b, MAG1, "mn1@example.com", 2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	second = bed_hnp(&b);
	p = other_pbu(&b, MAG1, "mn1@example.com", 3); /* IPv4 alone */
	p.n_hnp = 0;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 3);

	o.prefix = &second;
	CU_ASSERT_EQUAL(lma_revoke(b.l, &o, b.now), 1);
	expect_bri(&b, MAG1, BR_ADMINISTRATIVE, 0);
	expect_names(&b, &mn1, 1, 0);
	CU_ASSERT(prefix6_eq(&mh_opt(&last_br(&b)->msg, MHO_HNP)->hnp.prefix, &second));
	bra(&b, MAG1, BRA_SUCCESS);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT_EQUAL(bed_forwards(&b, &first), MAG1);
	CU_ASSERT_EQUAL(lma_revoke(b.l, &o, b.now), -ENOENT);

	/* no prefix names the one without any */
	o.prefix = NULL;
	o.ipv4_only = true;
	CU_ASSERT_EQUAL(lma_revoke(b.l, &o, b.now), 1);
	expect_bri(&b, MAG1, BR_ADMINISTRATIVE, MH_BR_V);
	expect_names(&b, &mn1, 0, 1);
	bra(&b, MAG1, BRA_SUCCESS);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(bed_used4(&b), 0);
	bed_down(&b);
}

static void test_ipv4_only(void)
{
	static const int answers[] = {BRA_SUCCESS, BRA_NO_BINDING, -1};
	struct bed b;

	for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct lma_revoke_order o = {
			.id = mn1, .trigger = BR_USER_TERMINATION, .ipv4_only = true};
		struct in_addr a;
		struct prefix6 hnp;

		start(&b);
		a = bed_attach_dual(&b, MAG1);
		hnp = bed_hnp(&b);
		CU_ASSERT_EQUAL(lma_revoke(b.l, &o, b.now), 1);
		expect_bri(&b, MAG1, BR_USER_TERMINATION, MH_BR_V);
		expect_names(&b, &mn1, 0, 1);
		CU_ASSERT_EQUAL(mh_opt(&last_br(&b)->msg, MHO_IPV4_HOA_REQUEST)->hoa4.addr.s_addr,
				a.s_addr);
		CU_ASSERT(bed_state(&b, "ACTIVE"));
		CU_ASSERT_STRING_EQUAL(shown_revocation(&b),
				       "User-Initiated Session(s) Termination");
		if (answers[i] >= 0)
			bra(&b, MAG1, (uint8_t)answers[i]);
		else
			bed_wait(&b, 3000);
		CU_ASSERT_EQUAL(bed_forwards4(&b, a), -1);
		CU_ASSERT_EQUAL(bed_forwards(&b, &hnp), MAG1);
		CU_ASSERT_EQUAL(bed_used4(&b), 0);
		CU_ASSERT_PTR_NULL(shown_revocation(&b));
		CU_ASSERT_EQUAL(lma_revoke(b.l, &o, b.now), -ENOENT);
		bed_down(&b);
	}
}

static void test_ipv4_only_follows(void)
{
	const struct lma_revoke_order o = {
		.id = mn1, .trigger = BR_ADMINISTRATIVE, .ipv4_only = true};
	struct bed b;
	struct in_addr a;
	struct pbu p;

	start(&b);
	a = bed_attach_dual(&b, MAG1);
	CU_ASSERT_EQUAL(lma_revoke(b.l, &o, b.now), 1);
	p = pbu(&b, MAG2);
	p.hi = HI_BETWEEN_MAGS;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.n_br, 3); /* order, move, order anew */
	CU_ASSERT(addr6_eq(&b.br[1].pkt.dst, &b.mags[MAG1].addr));
	CU_ASSERT_EQUAL(b.br[1].msg.br.code, BR_HANDOVER_SAME_ATT);
	expect_bri(&b, MAG2, BR_ADMINISTRATIVE, MH_BR_V);
	bra(&b, MAG2, BRA_SUCCESS);
	CU_ASSERT_EQUAL(bed_forwards4(&b, a), -1);
	CU_ASSERT(bed_at(&b, MAG2));
	bed_down(&b);
}

static void test_over_ip4(void)
{
	struct bed b;
	struct pbu p;

	start(&b);
	p = pbu(&b, MAG4A);
	p.hi = HI_NEW_INTERFACE;
	p.port = 40123;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	revoke(&b, BR_ADMINISTRATIVE);
	expect_bri(&b, MAG4A, BR_ADMINISTRATIVE, 0);
	CU_ASSERT_EQUAL(last_br(&b)->pkt.port, 40123);
	bra(&b, MAG4A, BRA_SUCCESS);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

static void test_unsupported(void)
{
	struct bed b;

	start(&b);
	bed_attach(&b, MAG1);
	revoke(&b, BR_ADMINISTRATIVE);
	binding_error(&b, MAG1);
	bed_wait(&b, 0);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	/* it is not told any more: its bindings end at once */
	bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL(revoke(&b, BR_ADMINISTRATIVE), 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_wait(&b, 5000);
	CU_ASSERT_EQUAL(b.n_br, 1);
	CU_ASSERT_EQUAL(b.l->n_owed, 0);
	bed_down(&b);
}

static void test_switched_off(void)
{
	struct bed b;

	bed_up(&b);
	bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL(move(&b, MAG2, HI_BETWEEN_MAGS), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(revoke(&b, BR_ADMINISTRATIVE), 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, "mag1", NULL, b.now), 1);
	bed_wait(&b, 10);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(b.n_br, 0);
	bed_down(&b);
}

/* ---- globally */

static void test_global(void)
{
	struct bed b;
	struct pbu p;

	start(&b);
	bed_attach(&b, MAG1);
	p = other_pbu(&b, MAG1, "mn2@example.com", 2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = other_pbu(&b, MAG2, "mn3@example.com", 3);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);

	CU_ASSERT_EQUAL(lma_revoke_all(b.l, "mag1", NULL, b.now), 1);
	CU_ASSERT_EQUAL(b.n_br, 1);
	expect_bri(&b, MAG1, BR_PER_PEER_POLICY, MH_BR_G);
	CU_ASSERT_EQUAL(last_br(&b)->msg.n_opts, 0);
	CU_ASSERT_EQUAL(lma_count(b.l), 3);
	CU_ASSERT_STRING_EQUAL(shown_revocation(&b), "Per-Peer Policy");
	bed_wait(&b, 100);
	bra(&b, MAG1, BRA_SUCCESS);
	bed_wait(&b, 1);
	/* who comes back after it stays */
	bed_attach(&b, MAG1);
	bed_wait(&b, 100);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT(bed_at(&b, MAG1));
	CU_ASSERT_EQUAL(bed_counter(&b, "revoked"), 2);
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, "mag9", NULL, b.now), -ENOENT);
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, "mag3", NULL, b.now), -ENOENT);
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, NULL, NULL, b.now), -EINVAL);
	bed_down(&b);
}

/* The MAG's first answer is lost, so that it serves a new node when the second one arrives, which
 * says nothing about that. */
static void test_global_late(void)
{
	static const struct mnid mn2 = {MNID_NAI, 15, (const uint8_t *)"mn2@example.com"};
	struct bed b;
	struct pbu p;

	start(&b);
	bed_attach(&b, MAG1);
	bed_wait(&b, 100);
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, "mag1", NULL, b.now), 1);
	bed_wait(&b, 500);
	p = other_pbu(&b, MAG1, "mn2@example.com", 2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 600);
	CU_ASSERT_EQUAL(b.n_br, 2);
	bra(&b, MAG1, BRA_SUCCESS);
	bed_wait(&b, 100);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(b.n_br, 3);
	expect_bri(&b, MAG1, BR_OUT_OF_SYNC, 0);
	expect_names(&b, &mn2, 1, 0);
	bed_down(&b);
}

static void test_global_unanswered(void)
{
	struct bed b;

	start(&b);
	bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, "mag1", NULL, b.now), 1);
	bed_wait(&b, 2990);
	CU_ASSERT_EQUAL(b.n_br, 2);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_wait(&b, 20);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(b.n_br, 2);
	bed_down(&b);
}

static void test_realm(void)
{
	static const char realm[] = "@example.org";
	struct bed b;
	struct pbu p;
	const struct mh_opt *o;
	const struct profile fallback = {.enabled = true, .prefix_count = 1, .local_routing = -1};

	start(&b);
	CU_ASSERT_EQUAL(profile_table_add_fallback(b.profiles, "@example.org", &fallback), 0);
	CU_ASSERT_EQUAL(profile_table_add_fallback(b.profiles, "@a.example.org", &fallback), 0);
	bed_attach(&b, MAG1);
	p = other_pbu(&b, MAG1, "mn2@example.org", 2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = other_pbu(&b, MAG2, "mn3@example.org", 3);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = other_pbu(&b, MAG2, "mn4@a.example.org", 4);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 4);

	CU_ASSERT_EQUAL(lma_revoke_all(b.l, NULL, "example.org", b.now), 2);
	CU_ASSERT_EQUAL(b.n_br, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct mh_msg *m = &b.br[i].msg;

		CU_ASSERT_EQUAL(m->br.code, BR_LOCAL_POLICY);
		CU_ASSERT_EQUAL(m->br.flags, MH_BR_P | MH_BR_G);
		o = mh_opt(m, MHO_MN_ID);
		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		CU_ASSERT_EQUAL(o->mnid.subtype, MNID_NAI);
		CU_ASSERT_EQUAL(o->mnid.len, strlen(realm));
		CU_ASSERT(!memcmp(o->mnid.id, realm, o->mnid.len));
	}
	CU_ASSERT_PTR_NULL(shown_revocation(&b)); /* mn1 is of another realm */
	bra_to(&b, MAG1, &b.br[0].msg, BRA_SUCCESS);
	bra_to(&b, MAG2, &b.br[0].msg, BRA_SUCCESS); /* not MAG2's */
	bed_wait(&b, 100);
	CU_ASSERT_EQUAL(lma_count(b.l), 3);
	bra_to(&b, MAG2, &b.br[1].msg, BRA_IDENTITY_REQUIRED);
	bed_wait(&b, 100);
	CU_ASSERT_EQUAL(lma_count(b.l), 2); /* mn1, mn4 */
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, NULL, "", b.now), -EINVAL);
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, NULL, "a@b", b.now), -EINVAL);
	bed_down(&b);
}

static void test_global_one_by_one(void)
{
	struct bed b;
	struct pbu p;

	start(&b);
	bed_attach(&b, MAG1);
	p = other_pbu(&b, MAG1, "mn2@example.com", 2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, "mag1", NULL, b.now), 1);
	bra(&b, MAG1, BRA_FUNCTION_NOT_SUPPORTED);
	bed_wait(&b, 100);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(b.n_br, 3);
	expect_bri(&b, MAG1, BR_UNSPECIFIED, 0);
	CU_ASSERT_EQUAL(mh_opt_count(&last_br(&b)->msg, MHO_HNP), 1);
	bra(&b, MAG1, BRA_SUCCESS);
	bed_wait(&b, 10000);
	CU_ASSERT_EQUAL(b.l->n_owed, 0);
	CU_ASSERT_EQUAL(revocation_outstanding(b.l->revocation), 0);
	bed_down(&b);
}

/* Each address of ours that the MAG's bindings came to speaks for those. */
static void test_global_two_addresses(void)
{
	struct bed b;
	struct pbu p;

	start(&b);
	bed_attach(&b, MAG1);
	p = other_pbu(&b, MAG1, "mn2@example.com", 2);
	p.dst = b.cfg.addrs[1];
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, "mag1", NULL, b.now), 1);
	CU_ASSERT_EQUAL(b.n_br, 2);
	CU_ASSERT(addr6_eq(&b.br[0].pkt.src, &b.cfg.addrs[0]));
	CU_ASSERT(addr6_eq(&b.br[1].pkt.src, &b.cfg.addrs[1]));
	bra_to(&b, MAG1, &b.br[0].msg, BRA_SUCCESS);
	bed_wait(&b, 10);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_wait(&b, 3000);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

/* ---- handover */

static void test_moved(void)
{
	struct bed b;
	struct pbu p;
	struct prefix6 hnp;

	start(&b);
	hnp = bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL(move(&b, MAG2, HI_BETWEEN_MAGS), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.n_br, 1);
	expect_bri(&b, MAG1, BR_HANDOVER_SAME_ATT, 0);
	expect_names(&b, &mn1, 1, 0);
	CU_ASSERT_EQUAL(bed_forwards(&b, &hnp), MAG2);
	CU_ASSERT(bed_state(&b, "ACTIVE"));
	CU_ASSERT_PTR_NULL(shown_revocation(&b));
	bra(&b, MAG1, BRA_SUCCESS);
	CU_ASSERT_EQUAL(bed_forwards(&b, &hnp), MAG2);
	/* another access technology, and no answer */
	p = pbu(&b, MAG3);
	p.hi = HI_BETWEEN_INTERFACES;
	p.att = ATT_ETHERNET;
	p.hnp[0] = hnp;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	expect_bri(&b, MAG2, BR_HANDOVER_OTHER_ATT, 0);
	bed_wait(&b, 5000);
	CU_ASSERT_EQUAL(b.n_br, 3);
	CU_ASSERT(bed_at(&b, MAG3));
	CU_ASSERT(bed_state(&b, "ACTIVE"));
	/* a refresh is no move */
	p.seq++;
	p.timestamp = bed_timestamp(&b);
	p.hi = HI_NO_CHANGE;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.n_br, 3);
	bed_down(&b);
}

static void test_moved_after_deregistration(void)
{
	struct bed b;
	struct prefix6 hnp;

	start(&b);
	hnp = bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL(deregister(&b, MAG1, hnp), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(move(&b, MAG2, HI_BETWEEN_MAGS), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.n_br, 0);
	bed_down(&b);
}

static void test_back_again(void)
{
	struct bed b;

	start(&b);
	bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL(move(&b, MAG2, HI_BETWEEN_MAGS), PBA_ACCEPTED);
	expect_bri(&b, MAG1, BR_HANDOVER_SAME_ATT, 0);
	CU_ASSERT_EQUAL(move(&b, MAG1, HI_BETWEEN_MAGS), PBA_ACCEPTED);
	expect_bri(&b, MAG2, BR_HANDOVER_SAME_ATT, 0);
	CU_ASSERT_EQUAL(b.n_br, 2);
	bed_wait(&b, 1000);
	CU_ASSERT_EQUAL(b.n_br, 3); /* MAG1 is asked no more */
	expect_bri(&b, MAG2, BR_HANDOVER_SAME_ATT, 0);
	bra_to(&b, MAG1, &b.br[0].msg, BRA_SUCCESS); /* and what it says does not count */
	CU_ASSERT(bed_at(&b, MAG1));
	CU_ASSERT(bed_state(&b, "ACTIVE"));
	bed_down(&b);
}

/* MN moved with handoff state unknown: PBU of MAG2 is held, MAG1 is asked. */
static struct prefix6 ask(struct bed *b)
{
	struct prefix6 hnp = bed_attach_unnamed(b, MAG1);
	struct pbu p = pbu(b, MAG2);

	p.has_llid = false;
	CU_ASSERT_EQUAL(bed_send(b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(b->n_br, 1);
	expect_bri(b, MAG1, BR_HANDOVER_UNKNOWN, 0);
	expect_names(b, &mn1, 1, 0);
	CU_ASSERT_EQUAL(bed_forwards(b, &hnp), MAG1);
	CU_ASSERT_STRING_EQUAL(shown_revocation(b), "Inter-MAG Handover - Unknown");
	return hnp;
}

static void test_unknown_gone(void)
{
	static const uint8_t status[] = {BRA_SUCCESS, BRA_PARTIAL_SUCCESS, BRA_NO_BINDING};
	struct bed b;
	struct prefix6 hnp, got;

	for (unsigned i = 0; i < sizeof(status); i++) {
		start(&b);
		hnp = ask(&b);
		bed_wait(&b, 50);
		bra(&b, MAG1, status[i]);
		CU_ASSERT_EQUAL(b.pba.ba.status, PBA_ACCEPTED);
		got = bed_hnp(&b);
		CU_ASSERT(prefix6_eq(&got, &hnp));
		CU_ASSERT_EQUAL(bed_forwards(&b, &hnp), MAG2);
		CU_ASSERT_EQUAL(lma_count(b.l), 1);
		bed_wait(&b, 20000);
		CU_ASSERT_EQUAL(b.n_br, 1); /* MAG1 knows */
		CU_ASSERT(bed_state(&b, "ACTIVE"));
		bed_down(&b);
	}
}

static void test_unknown_attached(void)
{
	struct bed b;
	struct prefix6 hnp, got;

	start(&b);
	hnp = ask(&b);
	bra(&b, MAG1, BRA_MN_IS_ATTACHED);
	CU_ASSERT_EQUAL(b.pba.ba.status, PBA_ACCEPTED);
	got = bed_hnp(&b);
	CU_ASSERT_FALSE(prefix6_eq(&got, &hnp));
	CU_ASSERT_EQUAL(bed_forwards(&b, &hnp), MAG1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &got), MAG2);
	bed_wait(&b, 20000);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT_EQUAL(b.n_br, 1);
	bed_down(&b);
}

static void test_unknown_unanswered(void)
{
	struct bed b;
	struct prefix6 hnp;
	const nsec_t wait = nsec_from_ms(3000);
	nsec_t t0;

	start(&b);
	hnp = ask(&b);
	t0 = b.now;
	while (b.n_sent < 2 && b.now - t0 < 2 * wait)
		bed_wait(&b, 10);
	CU_ASSERT_EQUAL(b.now - t0, wait); /* not MaxDelayBeforeNewBCEAssign */
	CU_ASSERT_EQUAL(b.n_br, 2);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT_EQUAL(bed_forwards(&b, &hnp), MAG1);
	bed_down(&b);
}

static void test_unknown_deregistered(void)
{
	struct bed b;
	struct pbu p;
	struct prefix6 hnp;

	start(&b);
	hnp = ask(&b);
	p = pbu(&b, MAG1);
	p.has_llid = false;
	p.lifetime = 0;
	p.hnp[0] = hnp;
	bed_send(&b, &p);
	CU_ASSERT_EQUAL(bed_forwards(&b, &hnp), MAG2);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_wait(&b, 5000);
	CU_ASSERT_EQUAL(b.n_br, 1);
	CU_ASSERT_EQUAL(rev_counter(&b, REV_C_CANCELLED), 1);
	bed_down(&b);
}

static void test_unknown_unsupported(void)
{
	struct bed b;
	nsec_t t0;

	start(&b);
	ask(&b);
	t0 = b.now;
	bed_wait(&b, 100);
	binding_error(&b, MAG1);
	while (b.n_sent < 2 && b.now - t0 < nsec_from_ms(5000))
		bed_wait(&b, 10);
	CU_ASSERT_EQUAL(b.now - t0, nsec_from_ms(1500));
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT_EQUAL(b.n_br, 1);
	bed_down(&b);
}

/* The held request is repeated; the MAG is not asked again for that. */
static void test_unknown_repeated(void)
{
	struct bed b;
	struct pbu p;

	start(&b);
	ask(&b);
	bed_wait(&b, 500);
	p = pbu(&b, MAG2);
	p.has_llid = false;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(b.n_br, 1);
	bra(&b, MAG1, BRA_SUCCESS);
	CU_ASSERT(bed_at(&b, MAG2));
	CU_ASSERT_EQUAL(b.pba.ba.seq, p.seq);
	bed_down(&b);
}

/* The node's MAG refreshes while it is asked: its answer still decides. */
static void test_unknown_refreshed(void)
{
	struct bed b;
	struct pbu p;
	struct prefix6 hnp;

	start(&b);
	hnp = ask(&b);
	p = pbu(&b, MAG1);
	p.has_llid = false;
	p.hi = HI_NO_CHANGE;
	p.hnp[0] = hnp;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 2000); /* longer than MaxDelayBeforeNewBCEAssign */
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bra(&b, MAG1, BRA_MN_IS_ATTACHED);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT_EQUAL(bed_forwards(&b, &hnp), MAG1);
	bed_down(&b);
}

static void test_unknown_and_order(void)
{
	struct bed b;

	start(&b);
	ask(&b);
	CU_ASSERT_EQUAL(revoke(&b, BR_ADMINISTRATIVE), 1);
	CU_ASSERT_EQUAL(b.n_br, 2);
	bra_to(&b, MAG1, &b.br[1].msg, BRA_SUCCESS);
	bed_wait(&b, 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 1); /* the held request's own */
	CU_ASSERT(bed_at(&b, MAG2));
	bed_wait(&b, 10000);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

/* ---- MAGs that fail */

static void heartbeat_answer(struct bed *b, unsigned mag, const struct mh_msg *req)
{
	struct mh_msg m = {
		.type = MH_HEARTBEAT, .hb = {MH_HB_R, req->hb.seq}
	  };

	mh_opt_add(&m, MHO_RESTART_COUNTER)->restart_counter = 7;
	receive(b, mag, &m);
}

static struct mh_msg last_request[N_MAGS];
static bool answering[N_MAGS];

/* Heartbeat Requests do not go to the bed, which knows replies only. */
static int send_all(void *ctx, const struct packet *p)
{
	struct bed *b = ctx;

	if (p->len <= 2 || p->data[2] != MH_HEARTBEAT)
		return bed_env_send(ctx, p);
	for (unsigned i = 0; i < N_MAGS; i++)
		if (addr6_eq(&p->dst, &b->mags[i].addr))
			CU_ASSERT_EQUAL(mh_decode(&last_request[i], p->data, p->len, NULL, NULL),
					MH_OK);
	return 0;
}

static bool is_down(const struct bed *b, unsigned mag)
{
	struct heartbeat_info info;

	return heartbeat_info(b->l->heartbeat, &b->mags[mag].addr, &info) && info.state == HB_DOWN;
}

static void pass(struct bed *b, unsigned s)
{
	for (unsigned i = 0; i < s * 10; i++) {
		bed_wait(b, 100);
		for (unsigned m = 0; m < N_MAGS; m++) {
			if (answering[m] && last_request[m].type == MH_HEARTBEAT)
				heartbeat_answer(b, m, &last_request[m]);
			last_request[m].type = 0;
		}
	}
}

static void start_watched(struct bed *b, enum lma_orphans policy)
{
	memset(last_request, 0, sizeof(last_request));
	memset(answering, 1, sizeof(answering));
	start_with(b, policy, true);
	b->env.send = send_all;
}

static void test_dead_unknown(void)
{
	struct bed b;
	struct pbu p;

	start_watched(&b, LMA_ORPHANS_HOLD);
	bed_attach_unnamed(&b, MAG1);
	answering[MAG1] = false;
	pass(&b, 60);
	CU_ASSERT_TRUE_FATAL(is_down(&b, MAG1));
	p = pbu(&b, MAG2);
	p.has_llid = false;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	bed_wait(&b, 1); /* nobody is waited for */
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT_EQUAL(b.n_br, 0);
	bed_down(&b);
}

static void test_dead_and_back(void)
{
	struct bed b;
	struct pbu p;

	start_watched(&b, LMA_ORPHANS_HOLD);
	bed_attach(&b, MAG1);
	p = other_pbu(&b, MAG1, "mn2@example.com", 2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = other_pbu(&b, MAG1, "mn3@example.com", 3);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	answering[MAG1] = false;
	pass(&b, 60);
	CU_ASSERT_TRUE_FATAL(is_down(&b, MAG1));
	/* an order and a move, while nobody can be told */
	CU_ASSERT_EQUAL(revoke(&b, BR_ADMINISTRATIVE), 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	p = other_pbu(&b, MAG2, "mn2@example.com", 2);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	pass(&b, 10);
	CU_ASSERT_EQUAL(b.n_br, 0);
	CU_ASSERT_EQUAL(bed_counter(&b, "revocations_owed"), 2);
	answering[MAG1] = true;
	pass(&b, 12);
	CU_ASSERT_FALSE(is_down(&b, MAG1));
	CU_ASSERT_EQUAL(b.n_br % 2, 0); /* both, perhaps repeated */
	CU_ASSERT_EQUAL(b.br[0].msg.br.code, BR_ADMINISTRATIVE);
	CU_ASSERT_EQUAL(b.br[1].msg.br.code, BR_HANDOVER_SAME_ATT);
	CU_ASSERT(addr6_eq(&b.br[1].pkt.dst, &b.mags[MAG1].addr));
	CU_ASSERT_EQUAL(b.l->n_owed, 0);
	pass(&b, 10);
	CU_ASSERT_EQUAL(rev_counter(&b, REV_C_SENT), 2);
	bed_down(&b);
}

static void test_dropped_and_back(void)
{
	struct bed b;
	struct pbu p;
	struct prefix6 hnp;

	start_watched(&b, LMA_ORPHANS_DROP);
	hnp = bed_attach(&b, MAG1);
	p = other_pbu(&b, MAG1, "mn2@example.com", 2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = other_pbu(&b, MAG1, "mn3@example.com", 3);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	/* keeps MAG1 asked while its bindings are gone */
	answering[MAG1] = false;
	pass(&b, 60);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(b.l->n_owed, 3);
	CU_ASSERT_EQUAL(b.n_br, 0);
	/* mn1 registers anew, with what it had; so its MAG is asked again */
	p = pbu(&b, MAG1);
	p.hi = HI_NO_CHANGE;
	p.hnp[0] = hnp;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	answering[MAG1] = true;
	pass(&b, 12);
	CU_ASSERT_EQUAL(rev_counter(&b, REV_C_SENT), 2);
	expect_bri(&b, MAG1, BR_OUT_OF_SYNC, 0);
	CU_ASSERT_EQUAL(mh_opt_count(&last_br(&b)->msg, MHO_HNP), 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT(bed_state(&b, "ACTIVE"));
	bed_down(&b);
}

/* What is owed does not outlive the lifetime that the MAG was granted, nor the MAG. */
static void test_owed_ends(void)
{
	struct bed b;
	struct pbu p;
	const char *why = NULL;
	struct profiles prof;

	start_watched(&b, LMA_ORPHANS_DROP);
	p = other_pbu(&b, MAG1, "mn2@example.com", 2);
	p.lifetime = 25; /* 100 s */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = other_pbu(&b, MAG2, "mn3@example.com", 3);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	answering[MAG1] = answering[MAG2] = false;
	pass(&b, 60);
	CU_ASSERT_EQUAL(b.l->n_owed, 2);
	prof = profile_table_profiles(b.profiles);
	b.mags[MAG2].addr = b.mags[MAG3].addr;
	b.cfg.n_mags = 2;
	CU_ASSERT_EQUAL_FATAL(lma_reload(b.l, &b.cfg, &prof, &why, b.now), 0);
	CU_ASSERT_EQUAL(b.l->n_owed, 1);
	/* also when it never comes back */
	pass(&b, 60);
	CU_ASSERT_EQUAL(b.l->n_owed, 0);
	CU_ASSERT(is_down(&b, MAG1));
	answering[MAG1] = true;
	bed_attach(&b, MAG1); /* so that it is asked */
	pass(&b, 30);
	CU_ASSERT_FALSE(is_down(&b, MAG1));
	CU_ASSERT_EQUAL(b.l->n_owed, 0);
	CU_ASSERT_EQUAL(b.n_br, 0);
	bed_down(&b);
}

static void test_many_owed(void)
{
	struct bed b;
	unsigned answered = 0, most = 0;

	start_watched(&b, LMA_ORPHANS_DROP);
	for (unsigned i = 0; i < 300; i++) {
		char id[32];
		struct pbu p;

		snprintf(id, sizeof(id), "n%u@example.com", i);
		p = other_pbu(&b, MAG1, id, 9);
		CU_ASSERT_EQUAL_FATAL(bed_send(&b, &p), PBA_ACCEPTED);
	}
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, "mag1", NULL, b.now), 1);
	bra(&b, MAG1, BRA_FUNCTION_NOT_SUPPORTED);
	for (unsigned i = 0; i < 1000 && answered < 300; i++) {
		const unsigned was = b.n_br;

		bed_wait(&b, 1);
		if (revocation_outstanding(b.l->revocation) > most)
			most = (unsigned)revocation_outstanding(b.l->revocation);
		/* the ring keeps four; the others' numbers count up to the latest's */
		for (unsigned k = was; k < b.n_br; k++) {
			struct mh_msg m = last_br(&b)->msg;

			m.br.seq = (uint16_t)(m.br.seq - (b.n_br - 1 - k));
			bra_to(&b, MAG1, &m, BRA_SUCCESS);
			answered++;
		}
	}
	CU_ASSERT_EQUAL(answered, 300);
	CU_ASSERT_EQUAL(most, 64);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(revocation_outstanding(b.l->revocation), 0);
	bed_down(&b);
}

/* ---- */

static void test_free(void)
{
	struct bed b;
	struct pbu p;

	start_watched(&b, LMA_ORPHANS_DROP);
	bed_attach_dual(&b, MAG1);
	p = other_pbu(&b, MAG2, "mn2@example.com", 2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = other_pbu(&b, MAG3, "mn3@example.com", 3);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	answering[MAG3] = false;
	pass(&b, 40);
	CU_ASSERT_EQUAL(b.l->n_owed, 1);
	revoke(&b, BR_ADMINISTRATIVE);
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, "mag2", "example.com", b.now), 1);
	CU_ASSERT_EQUAL(revocation_outstanding(b.l->revocation), 2);
	bed_down(&b);
}

static void test_other_identifier(void)
{
	struct bed b;
	const struct mnid id = {3, 4, (const uint8_t *)"\x21\x43\x65\x87"};
	const struct lma_revoke_order o = {.id = id, .trigger = BR_ADMINISTRATIVE};
	struct profile prof = {.enabled = true, .prefix_count = 1, .local_routing = -1, .mnid = id};
	struct pbu p;

	start(&b);
	CU_ASSERT_EQUAL_FATAL(profile_table_add(b.profiles, &prof), 0);
	p = pbu(&b, MAG1);
	p.hi = HI_NEW_INTERFACE;
	p.mnid_raw_len = 4;
	p.mnid_subtype = 3;
	memcpy(p.mnid_raw, id.id, 4);
	CU_ASSERT_EQUAL_FATAL(bed_send(&b, &p), PBA_ACCEPTED);
	/* RFC 5846 5.1 knows no way to name it */
	CU_ASSERT_EQUAL(lma_revoke(b.l, &o, b.now), 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(b.n_br, 0);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"R-10 R-11 R-12 RFC 5846 8.1 an order is told to the MAG, and the binding ends with its answer", test_order},
		{"R-6 RFC 5846 6.2.2 whatever the answer, what was ordered ends", test_order_refused},
		{"R-50 RFC 5846 6.3 without an answer the binding ends after 3 s", test_order_unanswered},
		{"R-13 RFC 5846 8.1 a request meanwhile: silence for its MAG, a new binding for another", test_order_and_request},
		{"R-13 a de-registration meanwhile ends it", test_order_and_deregistration},
		{"a binding that its MAG let go ends at once", test_order_lingering},
		{"a lifetime that ends is not revoked, and ends a revocation's wait", test_order_expires},
		{"R-10 RFC 5846 8.1 one of several bindings is named by its prefix, or its IPv4 address", test_one_of_several},
		{"R-15 RFC 5846 8.1 the IPv4 home address alone", test_ipv4_only},
		{"R-15 an order about IPv4 follows the node to its next MAG", test_ipv4_only_follows},
		{"R-8 RFC 5846 4 over IPv4 to the port that the registration came from", test_over_ip4},
		{"RFC 5846 6.2 a MAG that answers with a Binding Error is told nothing more", test_unsupported},
		{"without binding-revocation none is sent", test_switched_off},
		{"R-14 RFC 5846 8.1 all bindings of a MAG", test_global},
		{"a binding younger than a global indication is ended at both ends", test_global_late},
		{"R-50 a global revocation without an answer", test_global_unanswered},
		{"R-14 RFC 5846 8.1 all bindings of a realm", test_realm},
		{"a MAG that knows no global revocation is told one by one", test_global_one_by_one},
		{"each LMA address revokes the bindings that came to it", test_global_two_addresses},
		{"RFC 5846 3.4.1 the MAG that a node left is told, with the trigger of the access", test_moved},
		{"a MAG that de-registered the node is told nothing", test_moved_after_deregistration},
		{"a node that is back makes the revocation there void",test_back_again},
		{"R-30 R-31 RFC 5846 8.1 handover unknown: the old MAG confirms, the session moves", test_unknown_gone},
		{"R-32 RFC 5846 8.1 handover unknown: the node is attached there, a new session", test_unknown_attached},
		{"R-33 RFC 5846 8.1 handover unknown: no answer, a new session", test_unknown_unanswered},
		{"R-31 RFC 5846 8.1 handover unknown: a de-registration comes first", test_unknown_deregistered},
		{"handover unknown at a MAG without revocation: MaxDelayBeforeNewBCEAssign", test_unknown_unsupported},
		{"handover unknown: the request is repeated, the indication is not", test_unknown_repeated},
		{"handover unknown: a refresh meanwhile decides nothing", test_unknown_refreshed},
		{"handover unknown: an order meanwhile ends the binding", test_unknown_and_order},
		{"handover unknown from a dead MAG: nobody is waited for", test_dead_unknown},
		{"a dead MAG is told when it is back", test_dead_and_back},
		{"R-1 trigger 7: bindings dropped by policy, but for those registered anew", test_dropped_and_back},
		{"what is owed ends with the lifetime, or with the MAG", test_owed_ends},
		{"many that are owed go 64 at a time", test_many_owed},
		{"the LMA ends while revocations are outstanding", test_free},
		{"R-7 identifiers other than NAIs are not revoked", test_other_identifier},
		{0},
	};
	// clang-format on

	return cu_main("lma_revoke", tests, argc, argv);
}
