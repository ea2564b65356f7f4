/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Global revocation by the MAG (RFC 5846 9.2): what is sent, and what each outcome leads to. */
#include "mag_harness.h"

/* Nodes 1 and 2 at LMA 1, 3 at LMA 2. */
static struct bench *bench_ready(const char *identity)
{
	struct bench *b = bench_new();
	struct profile p = {.enabled = true, .local_routing = -1, .lmaa = ADDR(LMA2)};
	static const char *const prefix[] = {HNP1, HNP2, HNP3};

	snprintf(b->cfg.identity, sizeof(b->cfg.identity), "%s", identity);
	b->cfg.revocation = (struct revocation_cfg){1000, 2000, 1};
	add_profile(b, &p, "mn3@example.com", 3);
	bench_start(b);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL_FATAL(attach(b, 7, i + 1), 0);
		answer(b, &(struct reply){.prefix = {prefix[i]}});
		CU_ASSERT_FATAL(in_state(b, i + 1, "ACTIVE"));
	}
	b->n_sent = 0;
	return b;
}

static int revoke_all(struct bench *b, const char *lma)
{
	struct in6_addr a = ADDR(lma);

	return mag_revoke_all(b->m, &a, b->now);
}

/* The LMA's answer to that indication. */
static void acknowledge(struct bench *b, const struct sent *to, uint8_t status)
{
	struct mh_msg m = {.type = MH_BINDING_REVOCATION}, in;
	uint8_t buf[MH_MAX_LEN];
	struct packet pkt = {.src = to->dst, .dst = to->src, .data = buf};
	int len;

	m.br.type = BR_ACKNOWLEDGEMENT;
	m.br.code = status;
	m.br.seq = to->msg.br.seq;
	m.br.flags = to->msg.br.flags;
	len = mh_encode(&m, buf, sizeof(buf), &pkt.src, &pkt.dst);
	CU_ASSERT_FATAL(len > 0);
	pkt.len = (size_t)len;
	CU_ASSERT_EQUAL_FATAL(mh_decode(&in, buf, pkt.len, &pkt.src, &pkt.dst), MH_OK);
	mag_receive(b->m, &pkt, &in, b->now);
}

static void ended(struct bench *b)
{
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED") && in_state(b, 2, "REJECTED"));
	CU_ASSERT_TRUE(in_state(b, 3, "ACTIVE"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	CU_ASSERT_EQUAL(counter(b, "global_revocation_done"), 1);
	CU_ASSERT_EQUAL(counter(b, "revoked"), 2);
	CU_ASSERT_TRUE(last_call(b, CALL_WITHDRAW)->deprecate);
}

static void stay(struct bench *b)
{
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE") && in_state(b, 2, "ACTIVE") && in_state(b, 3, "ACTIVE"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 3);
	CU_ASSERT_EQUAL(b->downs, 0);
}

static void test_contents(void)
{
	struct bench *b = bench_ready("mag1@example.com");
	struct mnid id = NAI("mag1@example.com");
	const struct mh_msg *m;

	CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
	m = &b->sent[0].msg;
	CU_ASSERT_EQUAL(m->type, MH_BINDING_REVOCATION);
	CU_ASSERT_EQUAL(m->br.type, BR_INDICATION);
	CU_ASSERT_EQUAL(m->br.code, BR_PER_PEER_POLICY);
	CU_ASSERT_EQUAL(m->br.flags, MH_BR_P | MH_BR_G);
	CU_ASSERT_EQUAL(m->n_opts, 2);
	CU_ASSERT_TRUE(mnid_eq(&mh_opt(m, MHO_MN_ID)->mnid, &id));
	CU_ASSERT_TRUE(addr6_eq(&mh_opt(m, MHO_ALT_COA)->addr, &b->cfg.proxy_coa));
	CU_ASSERT_TRUE(addr6_eq(&b->sent[0].src, &b->cfg.proxy_coa));
	CU_ASSERT_TRUE(addr6_eq(&b->sent[0].dst, &b->lmas[0].addr));
	/* nothing ends before the LMA says so */
	stay(b);
	bench_free(b);
}

static void test_accepted(void)
{
	for (uint8_t status = 0; status < 2; status++) {
		struct bench *b = bench_ready("mag1@example.com");

		CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
		acknowledge(b, &b->sent[0], status);
		ended(b);
		run_ms(b, 40000);
		/* no repetition, no de-registration; nodes may come again */
		CU_ASSERT_EQUAL(b->n_sent, 1);
		CU_ASSERT_EQUAL(mag_count(b->m), 1);
		CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
		CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
		bench_free(b);
	}
}

/* A registration that is open when the answer comes is newer than what the LMA has revoked. */
static void test_newcomer(void)
{
	struct bench *b = bench_ready("mag1@example.com");

	CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
	CU_ASSERT_EQUAL(attach(b, 7, 4), 0);
	acknowledge(b, &b->sent[0], 0);
	ended(b);
	CU_ASSERT_TRUE(in_state(b, 4, "REGISTERING"));
	bench_free(b);
}

/* Whom the LMA has accepted since it was asked may be gone again there, by a repetition. */
static void test_newcomer_accepted(void)
{
	struct bench *b = bench_ready("mag1@example.com");
	struct sent bri;

	CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
	bri = b->sent[0];
	CU_ASSERT_EQUAL(attach(b, 7, 4), 0);
	answer(b, &(struct reply){.prefix = {"2001:db8:100:4::/64"}});
	CU_ASSERT_TRUE(in_state(b, 4, "ACTIVE"));
	acknowledge(b, &bri, 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED") && in_state(b, 2, "REJECTED"));
	CU_ASSERT_TRUE(in_state(b, 3, "ACTIVE") && in_state(b, 4, "ACTIVE"));
	b->n_sent = 0;
	run_ms(b, 100);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(b->sent[0].msg.type, MH_BU);
	CU_ASSERT_TRUE(in_state(b, 4, "REFRESHING"));
	answer(b, &(struct reply){.prefix = {"2001:db8:100:4::/64"}});
	CU_ASSERT_TRUE(in_state(b, 4, "ACTIVE"));
	bench_free(b);
}

/* A refresh between question and answer would keep the binding at an LMA that has ended it. */
static void test_refresh_waits(void)
{
	static const int answers[] = {0, BRA_GLOBAL_NOT_AUTHORIZED, -1};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct bench *b = bench_ready("mag1@example.com");
		struct sent bri;
		const bool ends = answers[i] <= 0;

		CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
		bri = b->sent[0];
		b->n_sent = 0;
		attach(b, 7, 1); /* the node says something that has it refreshed */
		attach(b, 7, 3); /* of the other LMA */
		CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
		CU_ASSERT_TRUE(addr6_eq(&b->sent[0].dst, &b->lmas[1].addr));
		answer(b, &(struct reply){.prefix = {HNP3}});
		run_ms(b, 900);
		CU_ASSERT_EQUAL(b->n_sent, 1);
		CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 3);
		b->n_sent = 0;
		if (answers[i] >= 0)
			acknowledge(b, &bri, (uint8_t)answers[i]);
		run_ms(b, 3000);
		CU_ASSERT_TRUE(in_state(b, 1, ends ? "REJECTED" : "REFRESHING"));
		CU_ASSERT_TRUE(in_state(b, 2, ends ? "REJECTED" : "ACTIVE"));
		/* it is asked for as soon as it may be */
		for (unsigned k = 0; k < b->n_sent; k++)
			CU_ASSERT_EQUAL(b->sent[k].msg.type, ends ? MH_BINDING_REVOCATION : MH_BU);
		CU_ASSERT_EQUAL(b->n_sent > 0, answers[i] != 0);
		bench_free(b);
	}
}

/* A de-registration is what the LMA is asked for anyway. */
static void test_detach_goes_on(void)
{
	struct bench *b = bench_ready("mag1@example.com");

	CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
	CU_ASSERT_EQUAL(detach_node(b, 7, 1), 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(b->sent[1].msg.bu.lifetime, 0);
	acknowledge(b, &b->sent[0], 0);
	run_ms(b, 2000);
	CU_ASSERT_EQUAL(mag_count(b->m), 2);
	bench_free(b);
}

static void test_unanswered(void)
{
	struct bench *b = bench_ready("mag1@example.com");

	CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
	run_ms(b, 999);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	run_ms(b, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(b->sent[0].len, b->sent[1].len);
	CU_ASSERT_EQUAL(memcmp(b->sent[0].buf, b->sent[1].buf, b->sent[0].len), 0);
	stay(b);
	run_ms(b, 2000);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	ended(b);
	bench_free(b);
}

static void test_forbidden(void)
{
	struct bench *b = bench_ready("mag1@example.com");
	const char *why;

	CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
	acknowledge(b, &b->sent[0], BRA_GLOBAL_NOT_AUTHORIZED);
	stay(b);
	CU_ASSERT_EQUAL(counter(b, "global_revocation_not_authorized"), 1);
	/* not to be tried again */
	CU_ASSERT_EQUAL(revoke_all(b, LMA1), -EACCES);
	run_ms(b, 10000);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	/* the other one may */
	CU_ASSERT_EQUAL(mag_revoke_all(b->m, NULL, b->now), 1);
	CU_ASSERT_TRUE(addr6_eq(&last_sent(b)->dst, &b->lmas[1].addr));
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), 0);
	CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	bench_free(b);
}

static void test_refused(void)
{
	static const uint8_t status[] = {128, 129, 131, 132, 133, 134, 135, 255};

	for (size_t i = 0; i < sizeof(status); i++) {
		struct bench *b = bench_ready("mag1@example.com");

		CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
		acknowledge(b, &b->sent[0], status[i]);
		stay(b);
		CU_ASSERT_EQUAL(counter(b, "global_revocation_refused"), 1);
		run_ms(b, 10000);
		CU_ASSERT_EQUAL(b->n_sent, 1);
		bench_free(b);
	}
}

static void test_unknown_there(void)
{
	struct bench *b = bench_ready("mag1@example.com");
	struct mh_msg be = {.type = MH_BE, .be = {.status = BE_UNKNOWN_MH_TYPE}};
	struct packet pkt = {.src = ADDR(LMA1), .dst = b->cfg.proxy_coa};

	CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
	mag_receive(b->m, &pkt, &be, b->now);
	run_ms(b, 1);
	stay(b);
	CU_ASSERT_EQUAL(counter(b, "global_revocation_refused"), 1);
	CU_ASSERT_EQUAL(counter(b, "be_received"), 0);
	CU_ASSERT_EQUAL(revoke_all(b, LMA1), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	bench_free(b);
}

static void test_orders(void)
{
	struct bench *b = bench_ready("");

	CU_ASSERT_EQUAL(mag_revoke_all(b->m, NULL, b->now), -EINVAL);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	bench_free(b);

	b = bench_ready("mag1@example.com");
	CU_ASSERT_EQUAL(revoke_all(b, "2001:db8:2::9"), -ENOENT);
	CU_ASSERT_EQUAL(mag_revoke_all(b->m, NULL, b->now), 2);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_NOT_EQUAL(b->sent[0].msg.br.seq, b->sent[1].msg.br.seq);
	/* ordered again while it is open: it goes on */
	CU_ASSERT_EQUAL(mag_revoke_all(b->m, NULL, b->now), 2);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	acknowledge(b, &b->sent[0], 0);
	acknowledge(b, &b->sent[1], 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(counter(b, "revoked"), 3);
	/* nobody is left */
	CU_ASSERT_EQUAL(mag_revoke_all(b->m, NULL, b->now), -ENOENT);
	bench_free(b);
}

static void test_forged(void)
{
	struct bench *b = bench_ready("mag1@example.com");
	struct sent other;

	CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
	other = b->sent[0];
	other.dst = ADDR("2001:db8:6::6");
	acknowledge(b, &other, 0);
	other.dst = ADDR(LMA2);
	acknowledge(b, &other, 0);
	other.dst = ADDR(LMA1);
	other.msg.br.seq++;
	acknowledge(b, &other, 0);
	stay(b);
	acknowledge(b, &b->sent[0], 0);
	ended(b);
	bench_free(b);
}

static void test_ends_early(void)
{
	struct bench *b = bench_ready("mag1@example.com");
	const char *why;

	/* the LMA leaves the configuration with its last session while it is asked */
	CU_ASSERT_EQUAL(revoke_all(b, LMA2), 1);
	CU_ASSERT_EQUAL(detach_node(b, 7, 3), 0);
	run_ms(b, 1500);
	b->cfg.n_lmas = 1;
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), 0);
	run_ms(b, 10000);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	/* the MAG ends while it waits */
	CU_ASSERT_EQUAL(revoke_all(b, LMA1), 1);
	bench_free(b);
}

static void test_ipv4_transport(void)
{
	struct bench *b = bench_new();

	snprintf(b->cfg.identity, sizeof(b->cfg.identity), "mag1@example.com");
	b->lmas[0].addr = ADDR("192.0.2.1");
	b->cfg.n_lmas = 1;
	b->cfg.proxy_coa = (struct in6_addr){0};
	b->cfg.ipv4_proxy_coa = ADDR("192.0.2.9");
	bench_start(b);
	CU_ASSERT_EQUAL_FATAL(attach(b, 7, 1), 0);
	accept_it(b);
	CU_ASSERT_EQUAL(mag_revoke_all(b->m, NULL, b->now), 1);
	CU_ASSERT_EQUAL(last_sent(b)->port, 0);
	CU_ASSERT_TRUE(addr6_eq(&last_sent(b)->src, &b->cfg.ipv4_proxy_coa));
	CU_ASSERT_EQUAL(last_sent(b)->msg.n_opts, 1);
	acknowledge(b, last_sent(b), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED"));
	bench_free(b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"R-40 (RFC 5846 9.2): flags, trigger, the MAG's identity, its Proxy-CoA", test_contents},
		{"R-40 R-6 (RFC 5846 9.2, 6.2.2): all sessions with the LMA end when it accepts", test_accepted},
		{"RFC 5846 9.2: a registration that is open meanwhile goes on", test_newcomer},
		{"RFC 5846 9.2: one that is accepted meanwhile is registered again", test_newcomer_accepted},
		{"RFC 5846 9.2: no refresh between question and answer", test_refresh_waits},
		{"RFC 5846 9.2: a node that leaves meanwhile is de-registered", test_detach_goes_on},
		{"R-50 (RFC 5846 6.3): repeated once; sessions end without an answer, too", test_unanswered},
		{"R-43 (RFC 5846 9.2): after status 130 not tried again before a reload", test_forbidden},
		{"R-6 (RFC 5846 6.2.2): sessions stay when the LMA refuses", test_refused},
		{"RFC 5846 6.2: sessions stay when the LMA does not know revocation", test_unknown_there},
		{"R-40 (RFC 5846 9.2): which LMAs are asked, once; none without an identity", test_orders},
		{"R-6 (RFC 5846 6.2.2): answers of strangers or with other numbers end nothing", test_forged},
		{"RFC 5846 9.2: LMA or MAG end while an answer is awaited", test_ends_early},
		{"R-8 (RFC 5846 4, RFC 5844 4): IPv4 transport; the source is the care-of address", test_ipv4_transport},
		{0},
	};
	return cu_main("mag revoke all", tests, argc, argv);
}
