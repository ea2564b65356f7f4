/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 transport and negotiated encapsulation on the MAG (RFC 5844 4.2, RFC 5845 4.2, 7.3). */
#include "mag_harness.h"

#include "mag/mag_int.h"

#define COA4 "192.0.2.1"
#define LMA4 "192.0.2.2"
#define HOA  "10.1.0.5"

static const struct profile dual = {.enabled = true, .ipv4 = true, .local_routing = -1};

static struct bench *bench_gre(enum mag_gre gre)
{
	struct bench *b = bench_new();
	struct profile p = dual;

	add_profile(b, &p, "mn1@example.com", 1);
	b->cfg.gre = gre;
	return b;
}

/* The default LMA is an IPv4 one. */
static struct bench *bench_ip4(enum mag_gre gre)
{
	struct bench *b = bench_gre(gre);

	b->lmas[0].addr = ADDR(LMA4);
	b->cfg.ipv4_proxy_coa = ADDR(COA4);
	return b;
}

static void ask(struct bench *b)
{
	if (!b->m)
		bench_start(b);
	CU_ASSERT_EQUAL_FATAL(attach(b, 7, 1), 0);
	CU_ASSERT_FATAL(in_state(b, 1, "REGISTERING"));
}

static void run_to_refresh(struct bench *b)
{
	size_t n = b->n_sent;

	b->confirm_at_once = true;
	while (b->n_sent == n && mag_next(b->m) != NSEC_NEVER)
		run_to(b, mag_next(b->m));
	CU_ASSERT_EQUAL_FATAL(b->n_sent, n + 1);
	CU_ASSERT_FATAL(in_state(b, 1, "REFRESHING"));
}

static enum dp_encap encap(struct bench *b)
{
	const struct dp_session *d = forwarding(b, HNP1);
	const struct dp_peer *p;

	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	p = dp_fake_peer(b->fake, d->up.peer);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(shown(b, 1).b.encap, p->encap);
	CU_ASSERT_EQUAL(shown(b, 1).b.tunnel, d->up.peer);
	CU_ASSERT_EQUAL(d->keyed, dp_encap_keyed(p->encap));
	return p->encap;
}

static const struct mh_opt *gre_option(struct bench *b)
{
	const struct mh_msg *m = &last_sent(b)->msg;

	CU_ASSERT_TRUE(mh_opt_count(m, MHO_GRE_KEY) <= 1);
	return mh_opt(m, MHO_GRE_KEY);
}

/* ---- IPv4 transport */

static void test_transport(void)
{
	struct bench *b = bench_ip4(MAG_GRE_NONE);
	struct in6_addr coa = ADDR(COA4), lma = ADDR(LMA4);
	const struct dp_peer *p;
	const struct sent *s;

	ask(b);
	s = last_sent(b);
	CU_ASSERT_TRUE(addr6_eq(&s->src, &coa));
	CU_ASSERT_TRUE(addr6_eq(&s->dst, &lma));
	/* the well-known port, 5436 */
	CU_ASSERT_EQUAL(s->port, 0);
	/* RFC 5844 4.2.2.1: the checksum is UDP's */
	CU_ASSERT_EQUAL(s->buf[4] | s->buf[5], 0);
	CU_ASSERT_EQUAL(s->msg.bu.flags, MH_BU_A | MH_BU_P);
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_IP);
	p = dp_fake_peer(b->fake, shown(b, 1).b.tunnel);
	CU_ASSERT_TRUE(addr6_eq(&p->local, &coa));
	CU_ASSERT_TRUE(addr6_eq(&p->remote, &lma));
	CU_ASSERT_EQUAL(forwarding4(b, 0, HOA)->up.peer, shown(b, 1).b.tunnel);
	bench_free(b);
}

static void test_transport_answers(void)
{
	struct bench *b = bench_ip4(MAG_GRE_NONE);

	ask(b);
	answer(b, &(struct reply){.at = "2001:db8:1::1"});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_destination"), 1);
	answer(b, &(struct reply){.at = "192.0.2.9"});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_destination"), 2);
	answer(b, &(struct reply){.from = "192.0.2.9"});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_source"), 1);
	/* whoever may use a port on the LMA's host; RFC 5844 4.1.3.2: the source port is 5436 */
	answer(b, &(struct reply){.port = 5437});
	answer(b, &(struct reply){.port = 40000});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_port"), 2);
	CU_ASSERT_FALSE(in_state(b, 1, "ACTIVE"));
	/* an LMA of the other family, which was not asked */
	answer(b, &(struct reply){.from = "2001:db8:2::2", .at = "2001:db8:1::1"});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_unmatched"), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	bench_free(b);
	b = bench_gre(MAG_GRE_NONE);
	b->cfg.ipv4_proxy_coa = ADDR(COA4);
	ask(b);
	answer(b, &(struct reply){.at = COA4});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_destination"), 1);
	bench_free(b);
}

static void test_transport_per_lma(void)
{
	struct bench *b = bench_ip4(MAG_GRE_NONE);
	struct in6_addr coa4 = ADDR(COA4), other = ADDR("192.0.2.9"), none = {0};
	struct profile p = dual;

	/* node 2 belongs to the IPv6 one */
	p.lmaa = b->lmas[1].addr;
	add_profile(b, &p, "mn2@example.com", 2);
	b->cfg.force_ipv4_udp_encapsulation_support = true;
	ask(b);
	CU_ASSERT_TRUE(last_sent(b)->msg.bu.flags & MH_BU_F);
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_UDP);
	attach(b, 7, 2);
	CU_ASSERT_TRUE(addr6_eq(&last_sent(b)->src, &b->cfg.proxy_coa));
	CU_ASSERT_FALSE(last_sent(b)->msg.bu.flags & MH_BU_F);
	CU_ASSERT_TRUE(mag_serves_addr(b->m, &coa4));
	CU_ASSERT_TRUE(mag_serves_addr(b->m, &b->cfg.proxy_coa));
	CU_ASSERT_FALSE(mag_serves_addr(b->m, &other));
	CU_ASSERT_FALSE(mag_serves_addr(b->m, &none));
	bench_free(b);
}

static void test_forced_udp(void)
{
	// clang-format off
	static const struct {
		bool over_ip4, force, nat, no_nat, udp;
	} cases[] = {
		{true,  false, false, false, false},
		{true,  true,  false, false, true},
		{true,  true,  false, true,  false},  /* the LMA did not confirm */
		{true,  false, true,  false, true},   /* it is the answer that decides */
		{false, true,  true,  false, false},  /* not over IPv6 */
	};
	// clang-format on
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench *b = cases[i].over_ip4 ? bench_ip4(MAG_GRE_NONE) : bench_gre(MAG_GRE_NONE);

		b->cfg.force_ipv4_udp_encapsulation_support = cases[i].force;
		ask(b);
		CU_ASSERT_EQUAL(!!(last_sent(b)->msg.bu.flags & MH_BU_F), cases[i].force && cases[i].over_ip4);
		CU_ASSERT_FALSE(last_sent(b)->msg.bu.flags & MH_BU_T);
		answer(b, &(struct reply){.nat = cases[i].nat, .no_nat = cases[i].no_nat});
		CU_ASSERT_EQUAL(encap(b), cases[i].udp ? DP_ENCAP_UDP : DP_ENCAP_IP);
		/* as the initial request, RFC 5844 4.2.2 */
		detach_node(b, 7, 1);
		CU_ASSERT_EQUAL(!!(last_sent(b)->msg.bu.flags & MH_BU_F), cases[i].force && cases[i].over_ip4);
		bench_free(b);
	}
}

static void test_forced_udp_denied(void)
{
	struct bench *b = bench_ip4(MAG_GRE_NONE);

	b->cfg.force_ipv4_udp_encapsulation_support = true;
	ask(b);
	answer_status(b, PBA_ADMIN_PROHIBITED);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	bench_free(b);
}

static void test_encap_changes(void)
{
	struct bench *b = bench_ip4(MAG_GRE_NONE);
	dp_ref session;

	ask(b);
	accept_it(b);
	session = shown(b, 1).b.session;
	run_to_refresh(b);
	answer(b, &(struct reply){.nat = true});
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_UDP);
	CU_ASSERT_EQUAL(shown(b, 1).b.session, session);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 1);
	CU_ASSERT_EQUAL(counter(b, "renumbered"), 0);
	/* no room for the next one: no service by halves */
	run_to_refresh(b);
	dp_fake_fail(b->fake, DP_FAKE_PEER_PUT, 1, ENOSPC);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ROLLBACK"));
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
}

/* ---- GRE */

static void test_plain(void)
{
	struct bench *b = bench_gre(MAG_GRE_PLAIN);

	ask(b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(gre_option(b));
	CU_ASSERT_FALSE(gre_option(b)->gre.has_key);
	/* no key, nothing in the data plane yet */
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE);
	CU_ASSERT_EQUAL(shown(b, 1).b.down_key, 0);
	run_to_refresh(b);
	CU_ASSERT_FALSE(gre_option(b)->gre.has_key);
	bench_free(b);
}

static void test_keys(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);
	const struct dp_fake_session *f;
	uint32_t key;
	dp_ref ref;

	ask(b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(gre_option(b));
	CU_ASSERT_TRUE(gre_option(b)->gre.has_key);
	key = gre_option(b)->gre.key;
	CU_ASSERT_NOT_EQUAL(key, 0);
	/* the data plane has the key and nothing to forward by it */
	f = dp_fake_by_key(b->fake, key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	ref = f->ref;
	CU_ASSERT_TRUE(f->s.keyed);
	CU_ASSERT_EQUAL(f->s.n_prefixes, 0);
	CU_ASSERT_EQUAL(f->s.addr4.s_addr, 0);
	CU_ASSERT_EQUAL(f->s.down.kind, DP_TO_NOWHERE);
	CU_ASSERT_EQUAL(f->s.up.kind, DP_TO_NOWHERE);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE_KEY);
	CU_ASSERT_PTR_EQUAL(dp_fake_by_key(b->fake, key), dp_fake_by_ref(b->fake, ref));
	CU_ASSERT_EQUAL(shown(b, 1).b.session, ref);
	CU_ASSERT_EQUAL(shown(b, 1).b.down_key, key);
	CU_ASSERT_EQUAL(shown(b, 1).b.up_key, 0x5000);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->up.key, 0x5000);
	CU_ASSERT_PTR_EQUAL(forwarding(b, HNP1), forwarding4(b, 0, HOA));
	bench_free(b);
}

static void test_key_in_extension(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);
	struct link_node n = node_at(7, 1);
	uint32_t key;

	ask(b);
	key = gre_option(b)->gre.key;
	accept_it(b);
	run_to_refresh(b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(gre_option(b));
	CU_ASSERT_TRUE(gre_option(b)->gre.has_key);
	CU_ASSERT_EQUAL(gre_option(b)->gre.key, key);
	accept_it(b);
	/* from link to link */
	attach(b, 8, 1);
	CU_ASSERT_EQUAL(gre_option(b)->gre.key, key);
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE_KEY);
	n.ifindex = 8;
	run_ms(b, 2000);
	CU_ASSERT_EQUAL(mag_release_ipv4(b->m, &n, ADDR4(HOA), "dhcp-release", b->now), 0);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_PTR_NULL(gre_option(b));
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE_KEY);
	CU_ASSERT_EQUAL(shown(b, 1).b.down_key, key);
	detach_node(b, 8, 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_PTR_NULL(gre_option(b));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
}

/* Service ends with the rejection; the binding that is extended keeps its key. */
static void test_key_kept_when_repeated(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);
	uint32_t key;

	ask(b);
	key = gre_option(b)->gre.key;
	answer_status(b, PBA_TIMESTAMP_LOWER);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(gre_option(b)->gre.key, key);
	accept_it(b);
	run_to_refresh(b);
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(early_halves(b), 1);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
	CU_ASSERT_EQUAL(gre_option(b)->gre.key, key);
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE_KEY);
	/* overtaken: until the node has proved to be here */
	run_to_refresh(b);
	b->confirm_at_once = false;
	answer_status(b, PBA_TIMESTAMP_LOWER);
	CU_ASSERT_TRUE(in_state(b, 1, "REASSERTING"));
	CU_ASSERT_EQUAL(early_halves(b), 1);
	confirm(b, 7, 1);
	CU_ASSERT_EQUAL(gre_option(b)->gre.key, key);
	answer_status(b, 130);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
	/* not even that can be had */
	b = bench_gre(MAG_GRE_KEYS);
	ask(b);
	accept_it(b);
	run_to_refresh(b);
	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, EBUSY);
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY);
	CU_ASSERT_EQUAL(early_halves(b), 1);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE_KEY);
	bench_free(b);
}

static void test_key_kept_while_repeating(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);
	uint32_t key;
	unsigned i;

	ask(b);
	key = gre_option(b)->gre.key;
	for (i = 0; i < 4; i++) {
		run_ms(b, 16000);
		CU_ASSERT_EQUAL(gre_option(b)->gre.key, key);
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	}
	CU_ASSERT_TRUE(b->n_sent > 4);
	bench_free(b);
}

/* Whatever ends the attempt gives the half back. */
static void test_key_given_back(void)
{
	// clang-format off
	static const struct {
		uint8_t status;
		const char *state;
	} cases[] = {
		{128, "BACKOFF"}, {156, "BACKOFF"}, {129, "BARRED"}, {152, "BARRED"},
		{153, "REJECTED"}, {155, "REJECTED"}, {163, "REJECTED"}, {171, "REJECTED"}, {173, "REJECTED"},
	};
	// clang-format on
	struct bench *b;
	const struct sent *s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		b = bench_gre(MAG_GRE_KEYS);
		ask(b);
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
		answer(b, &(struct reply){.status = cases[i].status, .clock_ms = 5000});
		CU_ASSERT_TRUE(in_state(b, 1, cases[i].state));
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
		CU_ASSERT_EQUAL(shown(b, 1).b.down_key, 0);
		bench_free(b);
	}
	/* not echoed */
	b = bench_gre(MAG_GRE_KEYS);
	ask(b);
	answer(b, &(struct reply){.hi = HI_NEW_INTERFACE});
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
	/* left before the answer */
	b = bench_gre(MAG_GRE_KEYS);
	ask(b);
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_PTR_NULL(gre_option(b));
	bench_free(b);
	/* gone when the retransmission is due */
	b = bench_gre(MAG_GRE_KEYS);
	ask(b);
	b->attached = false;
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
	/* forwarding fails: rolled back, asked again later with a new half */
	b = bench_gre(MAG_GRE_KEYS);
	ask(b);
	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ROLLBACK"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "BACKOFF"));
	while (in_state(b, 1, "BACKOFF"))
		run_ms(b, 1000);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE_KEY);
	/* expired while refreshing, then asked anew */
	run_to_refresh(b);
	s = last_sent(b);
	run_ms(b, 1000000);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_PTR_NOT_EQUAL(last_sent(b), s);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	CU_ASSERT_EQUAL(early_halves(b), 1);
	bench_free(b);
	/* MAX_UPDATE_RATE held the request back until the node was gone */
	b = bench_gre(MAG_GRE_KEYS);
	bench_start(b);
	for (i = 0; i < 3; i++) {
		attach(b, 7, 1);
		detach_node(b, 7, 1);
	}
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
}

/* Freeing the MAG leaves service alone, and nothing else. */
static void test_free(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);

	ask(b);
	accept_it(b);
	attach(b, 7, 2);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 2);
	mag_free(&b->m);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	bench_free(b);
}

static void test_early_fails(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);

	bench_start(b);
	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 2, ENOSPC);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	CU_ASSERT_EQUAL(counter(b, "early_key_failed"), 1);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	CU_ASSERT_EQUAL(counter(b, "early_key_failed"), 2);
	run_ms(b, 2000);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE_KEY);
	bench_free(b);
	/* never asked: nobody has to be told */
	b = bench_gre(MAG_GRE_KEYS);
	bench_start(b);
	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	attach(b, 7, 1);
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	bench_free(b);
}

static void test_answered_without_key(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);

	ask(b);
	answer(b, &(struct reply){.gre_plain = true});
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE);
	CU_ASSERT_EQUAL(shown(b, 1).b.down_key, 0);
	CU_ASSERT_EQUAL(shown(b, 1).b.up_key, 0);
	/* that is what was negotiated */
	run_to_refresh(b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(gre_option(b));
	CU_ASSERT_FALSE(gre_option(b)->gre.has_key);
	bench_free(b);
}

static void test_key_without_counterpart(void)
{
	struct bench *b = bench_gre(MAG_GRE_PLAIN);

	ask(b);
	answer(b, &(struct reply){.gre_keyed = true});
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_gre"), 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE);
	bench_free(b);
	/* nobody asked: it says nothing */
	b = bench_gre(MAG_GRE_NONE);
	ask(b);
	answer(b, &(struct reply){.gre_keyed = true});
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_IP);
	bench_free(b);
}

static void test_up_key_changes(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);
	dp_ref ref;

	ask(b);
	accept_it(b);
	ref = shown(b, 1).b.session;
	run_to_refresh(b);
	answer(b, &(struct reply){.up_key = 0x6000});
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->up.key, 0x6000);
	CU_ASSERT_EQUAL(shown(b, 1).b.up_key, 0x6000);
	CU_ASSERT_EQUAL(shown(b, 1).b.session, ref);
	CU_ASSERT_EQUAL(b->ups, 1);
	bench_free(b);
}

static void test_not_known(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);
	struct profile p = dual;
	const char *why;

	p.lmaa = b->lmas[1].addr;
	add_profile(b, &p, "mn3@example.com", 3);
	ask(b);
	answer(b, &(struct reply){.no_gre = true});
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_IP);
	CU_ASSERT_EQUAL(counter(b, "gre_unknown"), 1);
	CU_ASSERT_EQUAL(shown(b, 1).b.down_key, 0);
	/* neither for this session nor for another */
	run_to_refresh(b);
	CU_ASSERT_PTR_NULL(gre_option(b));
	accept_it(b);
	attach(b, 7, 2);
	CU_ASSERT_PTR_NULL(gre_option(b));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	/* but to another LMA */
	attach(b, 7, 3);
	CU_ASSERT_PTR_NOT_NULL(gre_option(b));
	/* and to this one after a reload */
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), 0);
	attach(b, 7, 4);
	CU_ASSERT_PTR_NOT_NULL(gre_option(b));
	CU_ASSERT_EQUAL(counter(b, "gre_unknown"), 1);
	bench_free(b);
}

static void test_not_known_at_refresh(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);

	ask(b);
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE_KEY);
	run_to_refresh(b);
	answer(b, &(struct reply){.no_gre = true});
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_IP);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 1);
	bench_free(b);
}

static void test_demanded(void)
{
	static const enum mag_gre asked[] = {MAG_GRE_NONE, MAG_GRE_PLAIN};
	struct bench *b;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		b = bench_gre(asked[i]);
		ask(b);
		answer_status(b, PBA_GRE_KEY_REQUIRED);
		CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
		CU_ASSERT_PTR_NOT_NULL_FATAL(gre_option(b));
		CU_ASSERT_TRUE(gre_option(b)->gre.has_key);
		CU_ASSERT_EQUAL(counter(b, "asked_anew"), 1);
		accept_it(b);
		CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE_KEY);
		run_to_refresh(b);
		CU_ASSERT_PTR_NOT_NULL(gre_option(b));
		bench_free(b);
	}
	/* demanded again, although it was there */
	b = bench_gre(MAG_GRE_NONE);
	ask(b);
	answer_status(b, PBA_GRE_KEY_REQUIRED);
	answer_status(b, PBA_GRE_KEY_REQUIRED);
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED"));
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
	/* this data plane has no GRE */
	b = bench_gre(MAG_GRE_NONE);
	ask(b);
	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, EOPNOTSUPP);
	answer_status(b, PBA_GRE_KEY_REQUIRED);
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED"));
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(counter(b, "early_key_failed"), 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
	/* an LMA that was taken for one without GRE knows it after all */
	b = bench_gre(MAG_GRE_KEYS);
	ask(b);
	answer(b, &(struct reply){.no_gre = true});
	attach(b, 7, 2);
	CU_ASSERT_PTR_NULL(gre_option(b));
	answer_status(b, PBA_GRE_KEY_REQUIRED);
	CU_ASSERT_PTR_NOT_NULL(gre_option(b));
	bench_free(b);
}

static void test_demanded_at_refresh(void)
{
	struct bench *b = bench_gre(MAG_GRE_NONE);

	ask(b);
	accept_it(b);
	run_to_refresh(b);
	answer_status(b, PBA_GRE_KEY_REQUIRED);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_FALSE(last_call(b, CALL_WITHDRAW)->deprecate);
	CU_ASSERT_EQUAL(early_halves(b), 1);
	CU_ASSERT_TRUE(gre_option(b)->gre.has_key);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_NO_CHANGE);
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE_KEY);
	bench_free(b);
}

static void test_not_required(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);

	ask(b);
	/* RFC 5845 5.2: no option with it; what comes nevertheless is not believed */
	answer_status(b, PBA_GRE_KEY_NOT_REQUIRED);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_IP);
	CU_ASSERT_EQUAL(counter(b, "pba_2_gre_key_option_not_required"), 1);
	CU_ASSERT_EQUAL(counter(b, "gre_unknown"), 0);
	run_to_refresh(b);
	CU_ASSERT_PTR_NULL(gre_option(b));
	accept_it(b);
	/* never again in this session, not even on demand */
	run_to_refresh(b);
	answer_status(b, PBA_GRE_KEY_REQUIRED);
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED"));
	/* other sessions are not concerned */
	attach(b, 7, 2);
	CU_ASSERT_PTR_NOT_NULL(gre_option(b));
	bench_free(b);
}

static void test_not_required_at_refresh(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);

	ask(b);
	accept_it(b);
	run_to_refresh(b);
	answer(b, &(struct reply){.status = PBA_GRE_KEY_NOT_REQUIRED, .no_gre = true});
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_IP);
	CU_ASSERT_EQUAL(shown(b, 1).b.down_key, 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 1);
	bench_free(b);
}

/* ---- T flag */

static void test_tlv(void)
{
	// clang-format off
	static const struct {
		enum mag_gre gre;
		struct reply answer;
		enum dp_encap want;
	} cases[] = {
		{MAG_GRE_KEYS,  {0},                                  DP_ENCAP_UDP_GRE_KEY},
		{MAG_GRE_PLAIN, {0},                                  DP_ENCAP_UDP_GRE},
		{MAG_GRE_KEYS,  {.gre_plain = true},                  DP_ENCAP_UDP_GRE},
		{MAG_GRE_KEYS,  {.no_tlv = true},                     DP_ENCAP_GRE_KEY},
		{MAG_GRE_KEYS,  {.status = 3, .no_tlv = true},        DP_ENCAP_GRE_KEY},
		{MAG_GRE_PLAIN, {.status = 3, .no_tlv = true},        DP_ENCAP_GRE},
		{MAG_GRE_KEYS,  {.no_gre = true},                     DP_ENCAP_UDP_TLV},
		{MAG_GRE_KEYS,  {.no_gre = true, .no_tlv = true},     DP_ENCAP_IP},
		{MAG_GRE_KEYS,  {.no_gre = true, .no_tlv = true, .nat = true}, DP_ENCAP_UDP},
		{MAG_GRE_KEYS,  {.status = 2, .no_gre = true, .no_tlv = true}, DP_ENCAP_IP},
	};
	// clang-format on
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench *b = bench_ip4(cases[i].gre);

		b->cfg.gre_tlv = true;
		ask(b);
		CU_ASSERT_TRUE(last_sent(b)->msg.bu.flags & MH_BU_T);
		answer(b, &cases[i].answer);
		CU_ASSERT_EQUAL(encap(b), cases[i].want);
		/* an LMA that stays the same is answered the same */
		run_to_refresh(b);
		answer(b, &cases[i].answer);
		CU_ASSERT_EQUAL(encap(b), cases[i].want);
		bench_free(b);
	}
}

static void test_tlv_not_asked(void)
{
	struct bench *b = bench_ip4(MAG_GRE_KEYS);

	ask(b);
	CU_ASSERT_FALSE(last_sent(b)->msg.bu.flags & MH_BU_T);
	answer(b, &(struct reply){.tlv = true});
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE_KEY);
	bench_free(b);
	/* over IPv6, and without GRE, there is nothing to put behind it */
	b = bench_gre(MAG_GRE_KEYS);
	b->cfg.gre_tlv = true;
	ask(b);
	CU_ASSERT_FALSE(last_sent(b)->msg.bu.flags & MH_BU_T);
	answer(b, &(struct reply){.tlv = true});
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_GRE_KEY);
	bench_free(b);
	b = bench_ip4(MAG_GRE_NONE);
	b->cfg.gre_tlv = true;
	ask(b);
	CU_ASSERT_FALSE(last_sent(b)->msg.bu.flags & MH_BU_T);
	answer(b, &(struct reply){.tlv = true});
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_IP);
	bench_free(b);
}

/* What no longer asks for GRE does not ask for a TLV header either, unless that is all there is. */
static void test_tlv_later(void)
{
	struct bench *b = bench_ip4(MAG_GRE_KEYS);

	b->cfg.gre_tlv = true;
	ask(b);
	answer(b, &(struct reply){.status = 2, .no_gre = true, .no_tlv = true});
	run_to_refresh(b);
	CU_ASSERT_FALSE(last_sent(b)->msg.bu.flags & MH_BU_T);
	answer(b, &(struct reply){.tlv = true});
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_IP);
	bench_free(b);
	b = bench_ip4(MAG_GRE_KEYS);
	b->cfg.gre_tlv = true;
	ask(b);
	answer(b, &(struct reply){.no_gre = true});
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_UDP_TLV);
	run_to_refresh(b);
	CU_ASSERT_TRUE(last_sent(b)->msg.bu.flags & MH_BU_T);
	CU_ASSERT_PTR_NULL(gre_option(b));
	detach_node(b, 7, 1);
	CU_ASSERT_TRUE(last_sent(b)->msg.bu.flags & MH_BU_T);
	bench_free(b);
}

static void test_terms_stay(void)
{
	struct bench *b = bench_ip4(MAG_GRE_KEYS);
	const char *why;

	b->cfg.gre_tlv = true;
	b->cfg.force_ipv4_udp_encapsulation_support = true;
	ask(b);
	accept_it(b);
	b->cfg.gre_tlv = false;
	b->cfg.gre = MAG_GRE_NONE;
	b->cfg.force_ipv4_udp_encapsulation_support = false;
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), 0);
	run_to_refresh(b);
	CU_ASSERT_TRUE(last_sent(b)->msg.bu.flags & MH_BU_T);
	CU_ASSERT_TRUE(last_sent(b)->msg.bu.flags & MH_BU_F);
	CU_ASSERT_PTR_NOT_NULL(gre_option(b));
	accept_it(b);
	CU_ASSERT_EQUAL(encap(b), DP_ENCAP_UDP_GRE_KEY);
	/* the next session is asked for as the configuration says now */
	attach(b, 7, 2);
	CU_ASSERT_FALSE(last_sent(b)->msg.bu.flags & (MH_BU_T | MH_BU_F));
	CU_ASSERT_PTR_NULL(gre_option(b));
	bench_free(b);
}

/* ---- overlapping IPv4 home addresses */

static int attach_in(struct bench *b, unsigned ifindex, unsigned i, uint16_t domain)
{
	struct mag_attachment a = attachment(ifindex, i);

	a.domain = domain;
	return mag_attach(b->m, &a, b->now);
}

static void test_domain(void)
{
	struct bench *b = bench_gre(MAG_GRE_NONE);
	struct profile p = dual;
	uint32_t key;

	add_profile(b, &p, "mn2@example.com", 2);
	bench_start(b);
	/* keys whatever the configuration says: without them the address would be ambiguous */
	attach_in(b, 7, 1, 5);
	CU_ASSERT_TRUE(gre_option(b) && gre_option(b)->gre.has_key);
	key = gre_option(b)->gre.key;
	accept_it(b);
	attach_in(b, 8, 2, 6);
	CU_ASSERT_NOT_EQUAL(gre_option(b)->gre.key, key);
	answer(b, &(struct reply){.prefix = {HNP2}});
	CU_ASSERT_EQUAL(forwarding4(b, 5, HOA)->down.ifindex, 7);
	CU_ASSERT_EQUAL(forwarding4(b, 6, HOA)->down.ifindex, 8);
	CU_ASSERT_PTR_NULL(forwarding4(b, 0, HOA));
	CU_ASSERT_EQUAL(shown(b, 1).b.home4.domain, 5);
	CU_ASSERT_EQUAL(last_call(b, CALL_ADVERTISE)->home4.domain, 6);
	bench_free(b);
}

static void test_domain_without_key(void)
{
	static const struct reply unkeyed[] = {{.no_gre = true}, {.gre_plain = true}, {.status = 2, .no_gre = true}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unkeyed); i++) {
		struct bench *b = bench_gre(MAG_GRE_KEYS);

		bench_start(b);
		attach_in(b, 7, 1, 5);
		answer(b, &unkeyed[i]);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		CU_ASSERT_EQUAL(counter(b, "ipv4_without_key"), 1);
		CU_ASSERT_PTR_NULL(forwarding4(b, 5, HOA));
		CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
		CU_ASSERT_FALSE(home4_is_set(&last_call(b, CALL_ADVERTISE)->home4));
		bench_free(b);
	}
}

/* Its IPv4 address is another host's there. */
static void test_domain_move(void)
{
	struct bench *b = bench_gre(MAG_GRE_KEYS);

	bench_start(b);
	attach_in(b, 7, 1, 5);
	accept_it(b);
	run_ms(b, 5000);
	attach_in(b, 8, 1, 6);
	CU_ASSERT_PTR_NULL(forwarding4(b, 5, HOA));
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(b->downs, 1);
	accept_it(b);
	CU_ASSERT_EQUAL(forwarding4(b, 6, HOA)->down.ifindex, 8);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	bench_free(b);
}

/* ---- configuration */

static void test_cfg(void)
{
	struct mag_lma_cfg lmas[2] = {{.name = "a", .addr = ADDR(LMA4)}, {.name = "b", .addr = ADDR("192.0.2.3")}};
	struct bench *b = bench_ip4(MAG_GRE_NONE);
	const struct mag_cfg good = b->cfg;
	struct mag *m = NULL;
	const char *why;

#define TRY()                                                                                                         \
	mag_new(&m, &b->cfg, &b->env, dp_fake_dataplane(b->fake), b->tunnels, &b->profiles, &b->links, &b->sink)
	memset(&b->cfg.ipv4_proxy_coa, 0, 16);
	CU_ASSERT_EQUAL(TRY(), -EINVAL);
	b->cfg.ipv4_proxy_coa = ADDR("2001:db8:1::2");
	CU_ASSERT_EQUAL(TRY(), -EINVAL);
	b->cfg.ipv4_proxy_coa = ADDR("224.0.0.1");
	CU_ASSERT_EQUAL(TRY(), -EINVAL);
	b->cfg = good;
	memset(&b->cfg.proxy_coa, 0, 16);
	CU_ASSERT_EQUAL(TRY(), -EINVAL);
	b->cfg.proxy_coa = ADDR(COA4);
	CU_ASSERT_EQUAL(TRY(), -EINVAL);
	b->cfg = good;
	b->lmas[0].addr = ADDR("127.0.0.1");
	CU_ASSERT_EQUAL(TRY(), -EINVAL);
	b->lmas[0].addr = ADDR(LMA4);
	b->cfg.gre = (enum mag_gre)3;
	CU_ASSERT_EQUAL(TRY(), -EINVAL);
	b->cfg = good;
	/* IPv4 transport alone */
	b->cfg.lmas = lmas;
	memset(&b->cfg.proxy_coa, 0, 16);
	CU_ASSERT_EQUAL_FATAL(TRY(), 0);
#undef TRY
	mag_free(&m);
	b->cfg = good;
	bench_start(b);
	b->cfg.ipv4_proxy_coa = ADDR("192.0.2.7");
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), -EBUSY);
	CU_ASSERT_STRING_EQUAL(why, "mag.ipv4-proxy-coa");
	b->cfg = good;
	b->cfg.gre = MAG_GRE_KEYS;
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), 0);
	attach(b, 7, 1);
	CU_ASSERT_PTR_NOT_NULL(gre_option(b));
	bench_free(b);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"V-40 V-41 (RFC 5844 4.2.2.1): updates come from IPv4-Proxy-CoA, without checksum; so does the tunnel", test_transport},
		{"V-40 (RFC 5844 4.2.2): only answers from that LMA to our address of its family count", test_transport_answers},
		{"LMAs of both families at one MAG", test_transport_per_lma},
		{"V-44 (RFC 5844 4.2.2): F flag when configured; NAT Detection with F decides for UDP", test_forced_udp},
		{"V-42 (RFC 5844 4.1.3.1): refused forced encapsulation needs the administrator", test_forced_udp_denied},
		{"V-44: a refresh with another encapsulation moves the session to its tunnel", test_encap_changes},
		{"K-1 K-2 (RFC 5845 3.2, 4.2): GRE without keys", test_plain},
		{"K-1 K-2 (RFC 5845 3.3.1, 4.2): our key is known before the update, the LMA's is used on uplink packets", test_keys},
		{"K-13 (RFC 5845 3.3.2, 4.2): the same key in extensions, none in de-registrations", test_key_in_extension},
		{"the key stays while the request is repeated", test_key_kept_while_repeating},
		{"K-13 (RFC 5845 3.3.2): the key stays where a rejected request is made again", test_key_kept_when_repeated},
		{"whatever ends an attempt gives its key back", test_key_given_back},
		{"freeing the MAG leaves no half without addresses", test_free},
		{"no update without a key to offer", test_early_fails},
		{"K-2 (RFC 5845 4.2): answered without key, GRE has none", test_answered_without_key},
		{"a key that was not asked for says nothing, one without counterpart is no answer", test_key_without_counterpart},
		{"K-21 (RFC 5845 3.3.2): the LMA may change the uplink key", test_up_key_changes},
		{"K-3 (RFC 5845 4.2): an LMA without GRE is not asked again, by any session, until a reload", test_not_known},
		{"K-3 (RFC 5845 4.2): the option missing at a refresh ends GRE", test_not_known_at_refresh},
		{"K-10 (RFC 5845 4.2): status 163 is answered with a key, once", test_demanded},
		{"K-10 (RFC 5845 4.2): status 163 at a refresh", test_demanded_at_refresh},
		{"K-12 (RFC 5845 4.2): after status 2 this session never sends the option", test_not_required},
		{"K-12 (RFC 5845 4.2): status 2 at a refresh ends GRE", test_not_required_at_refresh},
		{"K-26 K-30 (RFC 5845 7.3): T flag, status 3 and GRE Key option give the encapsulation", test_tlv},
		{"K-25 (RFC 5845 7.2): a T flag that was not asked for says nothing", test_tlv_not_asked},
		{"K-27 (RFC 5845 7.2): without GRE the T flag stays where the LMA took it", test_tlv_later},
		{"K-27 (RFC 5845 7.2, RFC 5844 4.2.2): extensions ask for what the initial registration asked for", test_terms_stay},
		{"RFC 5845 3.1: the same IPv4 home address in two domains, told apart by keys", test_domain},
		{"RFC 5845 3.1: no IPv4 in a domain whose LMA gives no key", test_domain_without_key},
		{"a move to a link of another domain is a new session", test_domain_move},
		{"addresses of each family are checked; GRE may change while running", test_cfg},
		{0},
	};
	// clang-format on
	return cu_main("mag encap", tests, argc, argv);
}
