/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 home addresses on the MAG (RFC 5844 3.2, 3.4.3): asked for, granted, given back. */
#include "mag_harness.h"

#include "mag/mag_int.h"

#define HOA    "10.1.0.5"
#define OTHER  "10.1.0.6"
#define ROUTER "10.1.0.1"

static const struct profile dual = {.enabled = true, .ipv4 = true, .local_routing = -1};
static const struct profile only4 = {.enabled = true, .ipv4 = true, .no_ipv6 = true, .local_routing = -1};

/* Everything but started: node 1 has that profile. */
static struct bench *bench_with(const struct profile *p)
{
	struct bench *b = bench_new();
	struct profile copy = *p;

	add_profile(b, &copy, "mn1@example.com", 1);
	return b;
}

static struct bench *bench_asked(const struct profile *p)
{
	struct bench *b = bench_with(p);

	bench_start(b);
	CU_ASSERT_EQUAL_FATAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
	return b;
}

/* Served with 10.1.0.5, and with a prefix unless the profile says no. */
static struct bench *bench_served(const struct profile *p)
{
	struct bench *b = bench_asked(p);

	accept_it(b);
	CU_ASSERT_FATAL(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(forwarding4(b, 0, HOA));
	return b;
}

static int release(struct bench *b, const char *addr)
{
	struct link_node n = node_at(7, 1);

	return mag_release_ipv4(b->m, &n, ADDR4(addr), "dhcp-release", b->now);
}

static int dhcp_asks(struct bench *b, unsigned ifindex)
{
	struct mag_attachment a = attachment(ifindex, 1);

	a.wants_ipv4 = true;
	a.cause = "dhcp";
	return mag_attach(b->m, &a, b->now);
}

/* The refresh is due: the node is asked for and answers. */
static void run_to_refresh(struct bench *b)
{
	size_t n = b->n_sent;

	b->confirm_at_once = true;
	while (b->n_sent == n && mag_next(b->m) != NSEC_NEVER)
		run_to(b, mag_next(b->m));
	CU_ASSERT_EQUAL_FATAL(b->n_sent, n + 1);
	CU_ASSERT_FATAL(in_state(b, 1, "REFRESHING"));
}

/* Exactly one Request with that address and length; NULL: none at all. */
static bool asks_for(const struct sent *s, const char *addr, uint8_t len)
{
	const struct mh_opt *o = mh_opt(&s->msg, MHO_IPV4_HOA_REQUEST);

	if (!addr)
		return !o;
	return o && mh_opt_count(&s->msg, MHO_IPV4_HOA_REQUEST) == 1 &&
	       o->hoa4.addr.s_addr == ADDR4(addr).s_addr && o->hoa4.len == len;
}

static bool has4(struct bench *b, const char *addr)
{
	const struct mag_binding m = shown(b, 1).b;
	const struct call *c = last_call(b, CALL_ADVERTISE);
	struct in_addr a = ADDR4(addr ? addr : "0.0.0.0");

	if ((addr != NULL) != (addr && forwarding4(b, 0, addr)))
		return false;
	return m.home4.addr.s_addr == a.s_addr && c->home4.addr.s_addr == a.s_addr &&
	       (!forwarding(b, HNP1) || forwarding(b, HNP1)->addr4.s_addr == a.s_addr);
}

/* ---- asking */

static void test_request(void)
{
	struct bench *b = bench_asked(&dual);

	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.flags, MH_BU_A | MH_BU_P);
	/* others of the realm have no IPv4 */
	attach(b, 7, 2);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	bench_free(b);
}

static void test_request_static(void)
{
	struct profile p = dual;
	struct bench *b;

	p.home4 = ADDR4("10.1.0.77");
	b = bench_asked(&p);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "10.1.0.77", 32));
	accept_it(b);
	CU_ASSERT_TRUE(has4(b, "10.1.0.77"));
	run_to_refresh(b);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "10.1.0.77", 24));
	bench_free(b);
}

static void test_ipv4_only(void)
{
	struct bench *b = bench_asked(&only4);
	const struct call *c;

	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 0);
	/* RFC 5844 3.1.2.6 has no prefixes in the answer: what comes nevertheless is not believed */
	answer(b, &(struct reply){.prefix = {HNP1}});
	CU_ASSERT_TRUE(has4(b, HOA));
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	c = last_call(b, CALL_ADVERTISE);
	CU_ASSERT_EQUAL(c->n_prefixes, 0);
	run_to_refresh(b);
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	accept_it(b);
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
}

static void test_extension(void)
{
	struct bench *b = bench_served(&dual);

	run_to_refresh(b);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 1);
	accept_it(b);
	CU_ASSERT_TRUE(has4(b, HOA));
	CU_ASSERT_EQUAL(counter(b, "renumbered"), 0);
	CU_ASSERT_EQUAL(b->ups, 1);
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 1);
	bench_free(b);
}

/* A de-registration that names one family only would leave the other's state behind. */
static void test_deregister_unknown(void)
{
	struct bench *b = bench_asked(&dual);

	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 1);
	bench_free(b);
	/* it is known that there is none */
	b = bench_asked(&dual);
	answer(b, &(struct reply){.no_home4 = true});
	detach_node(b, 7, 1);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	bench_free(b);
}

static void test_move(void)
{
	struct bench *b = bench_served(&dual);
	dp_ref ref = shown(b, 1).b.session;

	attach(b, 8, 1);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_NO_CHANGE);
	CU_ASSERT_EQUAL(shown(b, 1).b.session, ref);
	CU_ASSERT_TRUE(has4(b, HOA));
	CU_ASSERT_EQUAL(forwarding4(b, 0, HOA)->down.ifindex, 8);
	CU_ASSERT_EQUAL(last_call(b, CALL_ADVERTISE)->node.ifindex, 8);
	bench_free(b);
}

static void test_expired_asks_anew(void)
{
	struct bench *b = bench_served(&dual);

	run_to_refresh(b);
	b->confirm_at_once = false;
	run_ms(b, 901000);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	CU_ASSERT_PTR_NULL(forwarding4(b, 0, HOA));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
}

/* ---- granted */

static void test_dual(void)
{
	struct bench *b = bench_served(&dual);
	const struct dp_session *d = forwarding(b, HNP1);
	const struct call *c = last_call(b, CALL_ADVERTISE);
	struct mag_binding m = shown(b, 1).b;

	CU_ASSERT_PTR_EQUAL(d, forwarding4(b, 0, HOA));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	CU_ASSERT_EQUAL(d->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(d->up.kind, DP_TO_PEER);
	CU_ASSERT_FALSE(d->keyed);
	CU_ASSERT_EQUAL(c->n_prefixes, 1);
	CU_ASSERT_EQUAL(c->home4.addr.s_addr, ADDR4(HOA).s_addr);
	CU_ASSERT_EQUAL(c->home4.router.s_addr, ADDR4(ROUTER).s_addr);
	CU_ASSERT_EQUAL(c->home4.len, 24);
	CU_ASSERT_TRUE(home4_eq(&m.home4, &c->home4));
	CU_ASSERT_TRUE(home4_eq(&b->last_home4, &c->home4));
	CU_ASSERT_EQUAL(m.encap, DP_ENCAP_IP);
	bench_free(b);
}

static void test_no_reply(void)
{
	static const struct reply none[] = {
		{.no_home4 = true}, {.home4_status = 128}, {.home4_status = 129}, {.home4_status = 255}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(none); i++) {
		struct bench *b = bench_asked(&dual);

		answer(b, &none[i]);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
		CU_ASSERT_TRUE(has4(b, NULL));
		CU_ASSERT_PTR_NULL(forwarding4(b, 0, HOA));
		CU_ASSERT_EQUAL(counter(b, "ipv4_refused"), 1);
		/* what the profile allows is asked for again with every refresh */
		run_to_refresh(b);
		CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
		answer(b, &(struct reply){.home4_status = 127});
		CU_ASSERT_TRUE(has4(b, HOA));
		bench_free(b);
	}
}

static void test_nothing_at_all(void)
{
	struct bench *b = bench_asked(&only4);

	answer(b, &(struct reply){.no_home4 = true});
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_prefixes"), 1);
	answer(b, &(struct reply){.home4_status = 128});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_prefixes"), 2);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	bench_free(b);
}

static void test_ipv4_alone_granted(void)
{
	struct bench *b = bench_asked(&dual);

	answer(b, &(struct reply){.no_prefix = true});
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_TRUE(has4(b, HOA));
	CU_ASSERT_EQUAL(last_call(b, CALL_ADVERTISE)->n_prefixes, 0);
	/* a prefix that nobody may use spoils the whole answer */
	run_to_refresh(b);
	answer(b, &(struct reply){.prefix = {"fe80::/64"}});
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_prefixes"), 1);
	accept_it(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	bench_free(b);
}

static void test_not_asked_not_taken(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	answer(b, &(struct reply){.home4 = HOA});
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_TRUE(has4(b, NULL));
	CU_ASSERT_PTR_NULL(forwarding4(b, 0, HOA));
	bench_free(b);
}

static void test_unfit(void)
{
	// clang-format off
	static const struct reply unfit[] = {
		{.home4 = "224.0.0.5", .router = "224.0.0.1"},
		{.home4 = "0.0.0.0"},
		{.home4 = "127.0.0.5", .router = "127.0.0.1"},
		{.home4 = "169.254.0.5", .router = "169.254.0.1"},
		{.home4 = "10.1.0.0"},
		{.home4 = "10.1.0.255"},
		{.home4 = "192.0.2.1", .router = "192.0.2.9"},   /* our own */
		{.home4 = "192.0.2.2", .router = "192.0.2.9"},   /* an LMA's */
		{.router = "10.1.1.1"},
		{.router = HOA},
		{.router = "10.1.0.0"},
		{.router = "10.1.0.255"},
		{.router = "0.0.0.0"},
		{.no_router = true},
		{.len4 = 32},
		{.home4 = "192.0.2.5", .len4 = 30, .router = "192.0.2.4"},
	};
	// clang-format on
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unfit); i++) {
		struct bench *b = bench_with(&dual);

		b->cfg.ipv4_proxy_coa = ADDR("192.0.2.1");
		b->lmas[1].addr = ADDR("192.0.2.2");
		bench_start(b);
		attach(b, 7, 1);
		answer(b, &unfit[i]);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		CU_ASSERT_EQUAL(counter(b, "ipv4_unfit"), 1);
		CU_ASSERT_TRUE(has4(b, NULL));
		CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
		bench_free(b);
	}
}

static void test_fit(void)
{
	// clang-format off
	static const struct reply fit[] = {
		{.home4 = "10.1.0.1", .router = "10.1.0.2"},
		{.home4 = "10.1.0.254"},
		{.home4 = "198.51.100.5", .len4 = 30, .router = "198.51.100.6"},
		{.home4 = "198.51.100.4", .len4 = 31, .router = "198.51.100.5"},
		{.home4 = "10.200.0.5", .len4 = 8, .router = "10.0.0.1"},
	};
	// clang-format on
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fit); i++) {
		struct bench *b = bench_asked(&dual);

		answer(b, &fit[i]);
		CU_ASSERT_TRUE(has4(b, fit[i].home4));
		CU_ASSERT_EQUAL(counter(b, "ipv4_unfit"), 0);
		bench_free(b);
	}
}

/* RFC 5844 3.1.2.6 allows the option with status 0 only; RFC 5845 accepts with 2 and 3 too. */
static void test_router_missing(void)
{
	struct bench *b = bench_asked(&dual);

	answer(b, &(struct reply){.status = 2, .no_router = true});
	CU_ASSERT_EQUAL(shown(b, 1).b.home4.router.s_addr, ADDR4(ROUTER).s_addr);
	bench_free(b);
	b = bench_asked(&dual);
	answer(b, &(struct reply){.status = 2, .home4 = ROUTER, .no_router = true});
	CU_ASSERT_EQUAL(shown(b, 1).b.home4.router.s_addr, ADDR4("10.1.0.2").s_addr);
	bench_free(b);
	/* the one that the node knows stays */
	b = bench_asked(&dual);
	answer(b, &(struct reply){.router = "10.1.0.254"});
	run_to_refresh(b);
	answer(b, &(struct reply){.status = 3, .no_router = true});
	CU_ASSERT_EQUAL(shown(b, 1).b.home4.router.s_addr, ADDR4("10.1.0.254").s_addr);
	CU_ASSERT_EQUAL(counter(b, "renumbered"), 0);
	bench_free(b);
}

static void test_dhcp_mode(void)
{
	struct bench *b = bench_asked(&dual);

	accept_it(b);
	CU_ASSERT_FALSE(last_call(b, CALL_ADVERTISE)->dhcp_relay);
	CU_ASSERT_FALSE(shown(b, 1).b.dhcp_relay);
	run_to_refresh(b);
	answer(b, &(struct reply){.dhcp = MODE_RELAY});
	CU_ASSERT_TRUE(last_call(b, CALL_ADVERTISE)->dhcp_relay);
	CU_ASSERT_TRUE(shown(b, 1).b.dhcp_relay);
	bench_free(b);
	b = bench_asked(&dual);
	answer(b, &(struct reply){.dhcp = MODE_ABSENT});
	CU_ASSERT_TRUE(last_call(b, CALL_ADVERTISE)->dhcp_relay);
	bench_free(b);
}

static void test_dns_and_mtu(void)
{
	static const struct {
		uint32_t path, cfg, access, mtu4, mtu6;
	} cases[] = {
		{1460, 1460, 1500, 1460, 1460}, {1400, 1460, 1500, 1400, 1400}, {1460, 1460, 1300, 1300, 1300},
		{1000, 1460, 1500, 1000, 1280}, {500, 1460, 1500, 576, 1280},	{0, 1420, 1500, 1420, 1420},
	};
	struct profile p = dual;
	size_t i;

	p.n_dns4 = 2;
	p.dns4[0] = ADDR4("10.9.9.9");
	p.dns4[1] = ADDR4("10.9.9.10");
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench *b = bench_with(&p);
		struct mag_attachment a = attachment(7, 1);
		const struct call *c;

		a.access_mtu = cases[i].access;
		b->cfg.tunnel_mtu = cases[i].cfg;
		dp_fake_set_mtu(b->fake, cases[i].path);
		bench_start(b);
		mag_attach(b->m, &a, b->now);
		accept_it(b);
		c = last_call(b, CALL_ADVERTISE);
		CU_ASSERT_EQUAL(c->mtu4, cases[i].mtu4);
		CU_ASSERT_EQUAL(c->mtu, cases[i].mtu6);
		CU_ASSERT_EQUAL_FATAL(c->n_dns4, 2);
		CU_ASSERT_EQUAL(c->dns4[1].s_addr, ADDR4("10.9.9.10").s_addr);
		bench_free(b);
	}
}

/* ---- changed at a refresh */

static void test_renumbered(void)
{
	struct bench *b = bench_served(&dual);
	dp_ref ref = shown(b, 1).b.session;

	run_to_refresh(b);
	answer(b, &(struct reply){.home4 = OTHER});
	CU_ASSERT_TRUE(has4(b, OTHER));
	CU_ASSERT_PTR_NULL(forwarding4(b, 0, HOA));
	CU_ASSERT_EQUAL(counter(b, "renumbered"), 1);
	CU_ASSERT_EQUAL(shown(b, 1).b.session, ref);
	CU_ASSERT_EQUAL(b->ups, 2);
	/* the prefix is the same: nothing of it is deprecated */
	CU_ASSERT_EQUAL(last_call(b, CALL_ADVERTISE)->valid_s, 3600);
	run_to_refresh(b);
	answer(b, &(struct reply){.router = "10.1.0.2"});
	CU_ASSERT_EQUAL(last_call(b, CALL_ADVERTISE)->home4.router.s_addr, ADDR4("10.1.0.2").s_addr);
	CU_ASSERT_EQUAL(counter(b, "renumbered"), 2);
	bench_free(b);
}

static void test_extension_fails(void)
{
	static const struct reply none[] = {{.no_home4 = true}, {.home4_status = 129}, {.home4 = "224.0.0.1"}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(none); i++) {
		struct bench *b = bench_served(&dual);

		run_to_refresh(b);
		answer(b, &none[i]);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		CU_ASSERT_TRUE(has4(b, NULL));
		CU_ASSERT_PTR_NULL(forwarding4(b, 0, HOA));
		CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
		CU_ASSERT_EQUAL(counter(b, "renumbered"), 1);
		CU_ASSERT_FALSE(home4_is_set(&b->last_home4));
		bench_free(b);
	}
}

static void test_prefixes_dropped(void)
{
	struct bench *b = bench_served(&dual);
	const struct call *gone;

	run_to_refresh(b);
	b->n_calls = 0;
	answer(b, &(struct reply){.no_prefix = true});
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_TRUE(has4(b, HOA));
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL_FATAL(calls(b, CALL_ADVERTISE), 2);
	gone = &b->call[0];
	CU_ASSERT_EQUAL(gone->n_prefixes, 1);
	CU_ASSERT_EQUAL(gone->valid_s, 0);
	CU_ASSERT_EQUAL(gone->home4.addr.s_addr, ADDR4(HOA).s_addr);
	CU_ASSERT_EQUAL(b->call[1].n_prefixes, 0);
	bench_free(b);
}

static void test_other_interface(void)
{
	struct bench *b = bench_with(&only4);
	struct mag_attachment a = attachment(8, 2);
	struct mnid id = NAI("mn1@example.com");

	bench_start(b);
	attach(b, 7, 1);
	accept_it(b);
	a.mnid = &id;
	a.handoff_hint = HI_BETWEEN_INTERFACES;
	mag_attach(b->m, &a, b->now);
	accept_it(b);
	CU_ASSERT_EQUAL(counter(b, "superseded"), 1);
	CU_ASSERT_EQUAL(mag_count(b->m), 1);
	CU_ASSERT_EQUAL(forwarding4(b, 0, HOA)->down.ifindex, 8);
	bench_free(b);
}

/* ---- refused */

static void test_170(void)
{
	struct bench *b = bench_asked(&dual);
	struct mag_attachment order = attachment(7, 1);

	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 1);
	CU_ASSERT_EQUAL(counter(b, "asked_anew"), 1);
	accept_it(b);
	CU_ASSERT_TRUE(has4(b, NULL));
	/* neither a refresh nor the node makes it ask again */
	run_to_refresh(b);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	accept_it(b);
	dhcp_asks(b, 7);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	/* an operator does */
	order.cause = MAG_CAUSE_CONTROL;
	mag_attach(b->m, &order, b->now);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	accept_it(b);
	CU_ASSERT_TRUE(has4(b, HOA));
	bench_free(b);
	/* nothing else is left to ask for */
	b = bench_asked(&only4);
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	CU_ASSERT_EQUAL(b->n_sent, 1);
	bench_free(b);
}

static void test_170_refresh(void)
{
	struct bench *b = bench_served(&dual);
	const char *why;

	run_to_refresh(b);
	b->n_calls = 0;
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY);
	/* rejected is rejected: no service until the LMA agrees */
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_FALSE(last_call(b, CALL_WITHDRAW)->deprecate);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_NO_CHANGE);
	accept_it(b);
	CU_ASSERT_TRUE(has4(b, NULL));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), 0);
	run_to_refresh(b);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	bench_free(b);
}

/* The memory of a node that comes straight back is that of its last session. */
static void test_170_comes_back(void)
{
	struct bench *b = bench_asked(&dual);

	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY);
	accept_it(b);
	detach_node(b, 7, 1);
	attach(b, 8, 1);
	run_ms(b, 1000);
	CU_ASSERT_TRUE(last_sent(b)->msg.bu.lifetime > 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	bench_free(b);
}

static void test_171(void)
{
	struct profile p = dual;
	struct bench *b;

	p.home4 = ADDR4("10.1.0.77");
	b = bench_asked(&p);
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	/* nor again when the answer is lost */
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	accept_it(b);
	CU_ASSERT_TRUE(has4(b, HOA));
	/* nor after the binding has run out */
	run_to_refresh(b);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	run_ms(b, 1000000);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	accept_it(b);
	/* the known address is refused */
	run_to_refresh(b);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	/* there was no address to refuse */
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA);
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED"));
	bench_free(b);
}

static void test_172(void)
{
	struct bench *b = bench_asked(&dual);

	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	accept_it(b);
	CU_ASSERT_TRUE(has4(b, HOA));
	run_to_refresh(b);
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 0);
	bench_free(b);
	/* nothing else is left to ask for */
	b = bench_up();
	attach(b, 7, 1);
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	bench_free(b);
	/* in service: the node learns that its prefix is no longer good */
	b = bench_served(&dual);
	run_to_refresh(b);
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY);
	CU_ASSERT_TRUE(last_call(b, CALL_WITHDRAW)->deprecate);
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	accept_it(b);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_TRUE(has4(b, HOA));
	bench_free(b);
}

/* RFC 5844 3.1.2.2: the LMA has no IPv4 home address left and rejects the whole request. */
static void test_130(void)
{
	struct bench *b = bench_asked(&dual);
	struct profile p = dual;

	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	accept_it(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_TRUE(has4(b, NULL));
	/* a client does not make it ask, and so end service, at each of its messages */
	dhcp_asks(b, 7);
	run_ms(b, 255000);
	dhcp_asks(b, 7);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	run_ms(b, 1000);
	dhcp_asks(b, 7);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	CU_ASSERT_FALSE(last_call(b, CALL_WITHDRAW)->deprecate);
	accept_it(b);
	run_to_refresh(b);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	bench_free(b);
	/* it is not the IPv4 home address: all of it has to wait */
	b = bench_asked(&dual);
	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_TRUE(in_state(b, 1, "BACKOFF"));
	bench_free(b);
	b = bench_served(&dual);
	run_to_refresh(b);
	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_TRUE(in_state(b, 1, "BACKOFF"));
	bench_free(b);
	p.no_ipv6 = true;
	b = bench_asked(&p);
	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_TRUE(in_state(b, 1, "BACKOFF"));
	bench_free(b);
}

/* Requests that were repeated at once for other reasons do not keep the node without prefixes. */
static void test_130_after_others(void)
{
	struct bench *b = bench_asked(&dual);
	unsigned i;

	for (i = 0; i < 10 && in_state(b, 1, "REGISTERING"); i++) {
		run_ms(b, 400);
		answer_status(b, i < 3 ? PBA_TIMESTAMP_MISMATCH : PBA_INSUFFICIENT_RESOURCES);
	}
	CU_ASSERT_EQUAL(i, 4);
	CU_ASSERT_TRUE(in_state(b, 1, "BACKOFF"));
	run_ms(b, 4000);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	answer_status(b, PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	accept_it(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	bench_free(b);
}

/* Nor does what can be left out, or added, become a refusal. */
static void test_anew_after_others(void)
{
	static const uint8_t status[] = {PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY,
					 PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY, PBA_GRE_KEY_REQUIRED};

	for (unsigned k = 0; k < sizeof(status); k++) {
		struct bench *b = bench_asked(&dual);

		for (unsigned i = 0; i < 4; i++) {
			run_ms(b, 400);
			answer_status(b, i < 3 ? PBA_TIMESTAMP_MISMATCH : status[k]);
		}
		CU_ASSERT_TRUE(in_state(b, 1, "BACKOFF"));
		run_ms(b, 4000);
		answer_status(b, status[k]);
		CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
		CU_ASSERT_EQUAL(counter(b, "asked_anew"), 1);
		accept_it(b);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		bench_free(b);
	}
}

/* An LMA that refuses everything in turn is not asked for ever. */
static void test_refusals_end(void)
{
	struct profile p = dual;
	struct bench *b;

	p.home4 = ADDR4("10.1.0.77");
	b = bench_asked(&p);
	answer_status(b, PBA_GRE_KEY_REQUIRED);
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA);
	run_ms(b, 3000);
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY);
	run_ms(b, 3000);
	answer_status(b, PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	CU_ASSERT_EQUAL(counter(b, "asked_anew"), 3);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
}

/* ---- given back */

static void test_release(void)
{
	struct bench *b = bench_served(&dual);
	dp_ref ref = shown(b, 1).b.session;
	const struct sent *s;

	run_ms(b, 5000);
	CU_ASSERT_EQUAL(release(b, HOA), 0);
	/* at once, whatever the LMA says */
	CU_ASSERT_TRUE(in_state(b, 1, "RETURNING_IPV4"));
	CU_ASSERT_TRUE(has4(b, NULL));
	CU_ASSERT_PTR_NULL(forwarding4(b, 0, HOA));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(shown(b, 1).b.session, ref);
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	s = last_sent(b);
	CU_ASSERT_EQUAL(s->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(asks_for(s, HOA, 24));
	CU_ASSERT_EQUAL(mh_opt_count(&s->msg, MHO_HNP), 0);
	CU_ASSERT_EQUAL(opt_value(&s->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	CU_ASSERT_EQUAL(counter(b, "pbu_return_ipv4"), 1);
	CU_ASSERT_EQUAL(counter(b, "ipv4_returned"), 1);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(b->downs, 0);
	/* the lifetime is that of the last registration */
	b->confirm_at_once = true;
	run_ms(b, 2695000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 1);
	accept_it(b);
	detach_node(b, 7, 1);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	bench_free(b);
}

static void test_release_again(void)
{
	struct bench *b = bench_served(&dual);

	release(b, HOA);
	accept_it(b);
	/* other triggers do not bring IPv4 back */
	run_ms(b, 2000);
	attach(b, 7, 1);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	accept_it(b);
	CU_ASSERT_EQUAL(dhcp_asks(b, 7), 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_NO_CHANGE);
	accept_it(b);
	CU_ASSERT_TRUE(has4(b, HOA));
	bench_free(b);
}

static void test_release_asked_meanwhile(void)
{
	struct bench *b = bench_served(&dual);

	release(b, HOA);
	dhcp_asks(b, 7);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	accept_it(b);
	CU_ASSERT_TRUE(has4(b, HOA));
	bench_free(b);
}

static void test_release_unanswered(void)
{
	struct bench *b = bench_served(&dual);

	release(b, HOA);
	run_ms(b, 999);
	CU_ASSERT_TRUE(in_state(b, 1, "RETURNING_IPV4"));
	run_ms(b, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	run_ms(b, 60000);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(counter(b, "pbu_retransmitted"), 0);
	CU_ASSERT_EQUAL(counter(b, "deregister_unanswered"), 1);
	/* a late answer is nobody's */
	accept_it(b);
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_unmatched"), 1);
	run_to_refresh(b);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	accept_it(b);
	/* the LMA may still hold it: with the session all of it goes */
	detach_node(b, 7, 1);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 1);
	bench_free(b);
}

static void test_release_rejected(void)
{
	static const uint8_t status[] = {128, 129, 130, 153, 155, 156, 157, 163, 170, 171, 172, 200};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(status); i++) {
		struct bench *b = bench_served(&dual);

		release(b, HOA);
		answer_status(b, status[i]);
		/* it goes on for now: a refresh finds out what became of the session */
		CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
		CU_ASSERT_PTR_NULL(forwarding4(b, 0, HOA));
		b->confirm_at_once = true;
		run_ms(b, 1);
		CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
		CU_ASSERT_EQUAL(b->n_sent, 3);
		CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
		bench_free(b);
	}
}

static void test_release_sequence(void)
{
	struct bench *b = bench_with(&dual);

	b->cfg.timestamp_based_approach_in_use = false;
	bench_start(b);
	attach(b, 7, 1);
	accept_it(b);
	release(b, HOA);
	answer(b, &(struct reply){.status = PBA_SEQ_OUT_OF_WINDOW, .seq = (uint16_t)(last_sent(b)->msg.bu.seq + 100)});
	b->confirm_at_once = true;
	run_ms(b, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.seq, (uint16_t)(b->sent[1].msg.bu.seq + 101));
	bench_free(b);
}

static void test_release_not_echoed(void)
{
	struct bench *b = bench_served(&dual);

	release(b, HOA);
	answer(b, &(struct reply){.hi = HI_NEW_INTERFACE});
	CU_ASSERT_TRUE(in_state(b, 1, "STALLED"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	run_ms(b, 60000);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

static void test_release_stalled(void)
{
	struct bench *b = bench_served(&dual);

	run_to_refresh(b);
	answer(b, &(struct reply){.hi = HI_NEW_INTERFACE});
	CU_ASSERT_TRUE(in_state(b, 1, "STALLED"));
	CU_ASSERT_EQUAL(release(b, HOA), 0);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_TRUE(in_state(b, 1, "STALLED"));
	CU_ASSERT_TRUE(has4(b, NULL));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	detach_node(b, 7, 1);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	bench_free(b);
}

static void test_release_refreshing(void)
{
	struct bench *b = bench_served(&dual);
	const struct sent *refresh;

	run_to_refresh(b);
	refresh = last_sent(b);
	CU_ASSERT_EQUAL(release(b, HOA), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "RETURNING_IPV4"));
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	/* the refresh's answer comes too late */
	answer(b, &(struct reply){.to = refresh});
	CU_ASSERT_EQUAL(counter(b, "pba_ignored_unmatched"), 1);
	CU_ASSERT_PTR_NULL(forwarding4(b, 0, HOA));
	accept_it(b);
	/* and is made up for */
	run_ms(b, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	accept_it(b);
	CU_ASSERT_TRUE(has4(b, NULL));
	CU_ASSERT_TRUE(shown(b, 1).b.remaining_s >= 3599);
	bench_free(b);
}

static void test_release_verifying(void)
{
	struct bench *b = bench_served(&dual);

	run_ms(b, 2700000);
	CU_ASSERT_TRUE(in_state(b, 1, "VERIFYING"));
	release(b, HOA);
	CU_ASSERT_TRUE(in_state(b, 1, "RETURNING_IPV4"));
	b->confirm_at_once = true;
	accept_it(b);
	run_ms(b, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	bench_free(b);
}

static void test_release_rate(void)
{
	struct bench *b = bench_served(&dual);

	attach(b, 7, 1);
	accept_it(b);
	attach(b, 7, 1);
	accept_it(b);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	release(b, HOA);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	CU_ASSERT_TRUE(has4(b, NULL));
	CU_ASSERT_EQUAL(counter(b, "pbu_rate_limited"), 1);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 4);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	CU_ASSERT_TRUE(in_state(b, 1, "RETURNING_IPV4"));
	run_ms(b, 1000);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	bench_free(b);
}

/* Whatever happens while it waits or is unanswered, nothing goes on beyond the binding. */
static void test_release_expires(void)
{
	struct bench *b = bench_asked(&dual);

	answer(b, &(struct reply){.lifetime_s = 4});
	run_ms(b, 3200);
	CU_ASSERT_TRUE(in_state(b, 1, "VERIFYING"));
	release(b, HOA);
	CU_ASSERT_TRUE(in_state(b, 1, "RETURNING_IPV4"));
	run_ms(b, 800);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	bench_free(b);
	/* gone by then */
	b = bench_asked(&dual);
	answer(b, &(struct reply){.lifetime_s = 4});
	run_ms(b, 3200);
	release(b, HOA);
	b->attached = false;
	run_ms(b, 800);
	CU_ASSERT_TRUE(in_state(b, 1, "DEREGISTERING"));
	bench_free(b);
}

/* MAX_UPDATE_RATE holds it back beyond the end of the binding. */
static void test_release_waits_too_long(void)
{
	struct bench *b = bench_asked(&dual);

	answer(b, &(struct reply){.lifetime_s = 4});
	run_ms(b, 3200);
	confirm(b, 7, 1);
	attach(b, 8, 1);
	attach(b, 7, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 4);
	release(b, HOA);
	CU_ASSERT_TRUE(in_state(b, 1, "RETURNING_IPV4"));
	run_ms(b, 799);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	run_ms(b, 1);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(b->n_sent, 5);
	CU_ASSERT_TRUE(last_sent(b)->msg.bu.lifetime > 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	bench_free(b);
	/* nor does a refresh */
	b = bench_asked(&dual);
	answer(b, &(struct reply){.lifetime_s = 4});
	run_ms(b, 3200);
	confirm(b, 7, 1);
	attach(b, 8, 1);
	attach(b, 7, 1);
	attach(b, 8, 1);
	CU_ASSERT_EQUAL(counter(b, "pbu_rate_limited"), 1);
	run_ms(b, 799);
	CU_ASSERT_TRUE(has4(b, HOA));
	run_ms(b, 1);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(b->n_sent, 4);
	bench_free(b);
}

static void test_release_and_leave(void)
{
	struct bench *b = bench_served(&dual);

	release(b, HOA);
	detach_node(b, 7, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "DEREGISTERING"));
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
	b = bench_served(&dual);
	release(b, HOA);
	attach(b, 8, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	CU_ASSERT_TRUE(asks_for(last_sent(b), NULL, 0));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.ifindex, 8);
	bench_free(b);
}

static void test_release_ipv4_only(void)
{
	struct bench *b = bench_served(&only4);

	CU_ASSERT_EQUAL(release(b, HOA), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "DEREGISTERING"));
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(counter(b, "pbu_deregister"), 1);
	CU_ASSERT_EQUAL(counter(b, "pbu_return_ipv4"), 0);
	accept_it(b);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	bench_free(b);
}

static void test_release_of_nothing(void)
{
	struct bench *b = bench_served(&dual);
	struct link_node stranger = node_at(7, 9);

	CU_ASSERT_EQUAL(release(b, OTHER), -ENOENT);
	CU_ASSERT_EQUAL(mag_release_ipv4(b->m, &stranger, ADDR4(HOA), "dhcp-release", b->now), -ENOENT);
	CU_ASSERT_TRUE(has4(b, HOA));
	release(b, HOA);
	CU_ASSERT_EQUAL(release(b, HOA), -ENOENT);
	CU_ASSERT_EQUAL(release(b, "0.0.0.0"), -ENOENT);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
	/* not served, nothing to give back */
	b = bench_served(&dual);
	run_to_refresh(b);
	answer_status(b, 128);
	CU_ASSERT_TRUE(in_state(b, 1, "BACKOFF"));
	CU_ASSERT_EQUAL(release(b, HOA), -ENOENT);
	bench_free(b);
}

static void test_release_dp_fails(void)
{
	struct bench *b = bench_served(&dual);

	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	CU_ASSERT_EQUAL(release(b, HOA), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "ROLLBACK"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	CU_ASSERT_EQUAL(mh_opt_count(&last_sent(b)->msg, MHO_HNP), 1);
	bench_free(b);
	b = bench_served(&dual);
	run_to_refresh(b);
	answer(b, &(struct reply){.hi = HI_NEW_INTERFACE});
	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	release(b, HOA);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
}

static void test_grant_dp_fails(void)
{
	struct bench *b = bench_asked(&dual);

	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, EEXIST);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ROLLBACK"));
	CU_ASSERT_TRUE(asks_for(last_sent(b), HOA, 24));
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
	bench_free(b);
}

/* ---- the node asks by DHCP */

static void test_dhcp_first(void)
{
	struct bench *b = bench_with(&dual);

	bench_start(b);
	CU_ASSERT_EQUAL(dhcp_asks(b, 7), 0);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	dhcp_asks(b, 7);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	accept_it(b);
	CU_ASSERT_TRUE(has4(b, HOA));
	bench_free(b);
}

static void test_dhcp_paced(void)
{
	struct bench *b = bench_asked(&dual);

	answer(b, &(struct reply){.no_home4 = true});
	run_ms(b, 4000);
	CU_ASSERT_EQUAL(dhcp_asks(b, 7), 0);
	run_ms(b, 8000);
	CU_ASSERT_EQUAL(dhcp_asks(b, 7), 0);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(counter(b, "ipv4_ask_paced"), 2);
	run_ms(b, 20000);
	CU_ASSERT_EQUAL(dhcp_asks(b, 7), 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	answer(b, &(struct reply){.no_home4 = true});
	dhcp_asks(b, 7);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

static void test_dhcp_without_right(void)
{
	struct bench *b = bench_active();
	unsigned i;

	for (i = 0; i < 10; i++) {
		run_ms(b, 40000);
		CU_ASSERT_EQUAL(dhcp_asks(b, 7), 0);
	}
	CU_ASSERT_EQUAL(b->n_sent, 1);
	bench_free(b);
}

/* ---- policy */

static void test_not_entitled(void)
{
	struct profile p = dual;
	struct bench *b;

	p.ipv4 = false;
	p.no_ipv6 = true;
	b = bench_with(&p);
	bench_start(b);
	CU_ASSERT_EQUAL(attach(b, 7, 1), -EPERM);
	CU_ASSERT_EQUAL(counter(b, "attach_not_entitled"), 1);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	bench_free(b);
}

static void reload(struct bench *b, const struct profile *p)
{
	struct profile_table *t;
	struct profile copy = *p;
	const char *why;

	CU_ASSERT_EQUAL_FATAL(profile_table_new(&t), 0);
	copy.mnid = NAI("mn1@example.com");
	copy.n_macs = 1;
	copy.macs[0] = MAC(1);
	copy.prefix_count = 1;
	CU_ASSERT_EQUAL_FATAL(profile_table_add(t, &copy), 0);
	b->profiles = profile_table_profiles(t);
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), 0);
	profile_table_free(&b->table);
	b->table = t;
}

static void test_reload(void)
{
	static const struct profile only6 = {.enabled = true, .local_routing = -1};
	struct bench *b = bench_served(&dual);

	reload(b, &only6);
	CU_ASSERT_TRUE(in_state(b, 1, "RETURNING_IPV4"));
	CU_ASSERT_TRUE(has4(b, NULL));
	accept_it(b);
	reload(b, &dual);
	run_to_refresh(b);
	CU_ASSERT_TRUE(asks_for(last_sent(b), "0.0.0.0", 0));
	bench_free(b);
	b = bench_served(&only4);
	reload(b, &only6);
	CU_ASSERT_TRUE(in_state(b, 1, "DEREGISTERING"));
	bench_free(b);
}

static void count_address(void *ctx, enum log_class cls, const char *line)
{
	*(unsigned *)ctx += strstr(line, "has IPv4 home address") != NULL;
}

/* Strangers decide how many nodes come, and how fast. */
static void test_log_storm(void)
{
	struct bench *b = bench_new();
	unsigned lines = 0;

	for (unsigned i = 1; i <= 80; i++) {
		struct profile p = dual;
		char id[32];

		snprintf(id, sizeof(id), "mn%u@example.com", i);
		add_profile(b, &p, id, i);
	}
	bench_start(b);
	log_set_sink(count_address, &lines);
	for (unsigned i = 1; i <= 80; i++) {
		char addr[INET_ADDRSTRLEN], prefix[PREFIX6_STRLEN];

		snprintf(addr, sizeof(addr), "10.1.0.%u", i + 1);
		snprintf(prefix, sizeof(prefix), "2001:db8:100:%x::/64", i);
		CU_ASSERT_EQUAL(attach(b, 7, i), 0);
		answer(b, &(struct reply){.home4 = addr, .prefix = {prefix}});
		CU_ASSERT(in_state(b, i, "ACTIVE"));
	}
	CU_ASSERT_EQUAL(lines, 50);
	bench_free(b);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"V-20 (RFC 5844 3.2.3.1): exactly one Request for any address, where the profile says IPv4", test_request},
		{"V-20 (RFC 5844 3.2.3.1): the profile's static address is asked for by name", test_request_static},
		{"V-21 V-25 (RFC 5844 3.2.3.1, 3.2.3.3): no Home Network Prefix for an IPv4-only node, ever", test_ipv4_only},
		{"V-25 (RFC 5844 3.2.3.3): extension and de-registration name the address and its length", test_extension},
		{"V-25 (RFC 5844 3.2.3.3): a de-registration before the answer names both IP versions", test_deregister_unknown},
		{"V-25 (RFC 5844 3.2.3.3): a move between own links keeps the IPv4 home address", test_move},
		{"V-29 (RFC 5844 3.2.3.3): an expired binding ends IPv4, then any address is asked for", test_expired_asks_anew},
		{"one session forwards prefixes and IPv4 home address, and both are told", test_dual},
		{"V-22 (RFC 5844 3.2.3.2): without Reply or with its status from 128 there is no IPv4, prefixes stay", test_no_reply},
		{"V-22 (RFC 5844 3.2.3.2): an acceptance without any address is ignored", test_nothing_at_all},
		{"V-22 (RFC 5844 3.2.3.2): IPv4 alone is service too", test_ipv4_alone_granted},
		{"V-22 (RFC 5844 3.2.3.2): a Reply without a Request is ignored", test_not_asked_not_taken},
		{"V-23 (RFC 5844 3.2.3.2): unfit home addresses and default routers enable no IPv4", test_unfit},
		{"V-23 (RFC 5844 3.2.3.2): what is fit is served", test_fit},
		{"V-23 (RFC 5844 3.1.2.6): the router is known or made up where the option may be missing", test_router_missing},
		{"V-24 (RFC 5844 3.2.3.2): DHCP server with S, relay without it and without the option", test_dhcp_mode},
		{"V-31 (RFC 5844 3.4.3): tunnel MTU for IPv4 and name servers reach the access link", test_dns_and_mtu},
		{"V-29 (RFC 5844 3.2.3.3): a refresh that changes address or router renumbers the node", test_renumbered},
		{"V-29 (RFC 5844 3.2.3.3): a refresh without IPv4 home address ends IPv4 forwarding", test_extension_fails},
		{"a refresh without prefixes deprecates them and leaves IPv4", test_prefixes_dropped},
		{"an older session with the same IPv4 home address ends", test_other_interface},
		{"RFC 5844 3.2.3.2, status 170: no Request until an order", test_170},
		{"RFC 5844 3.2.3.2, status 170 at a refresh: service waits for the answer; a reload asks again", test_170_refresh},
		{"RFC 5844 3.2.3.2, status 170: a node that comes straight back is not asked for again", test_170_comes_back},
		{"RFC 5844 3.2.3.2, status 171: any address instead of that one", test_171},
		{"RFC 5844 3.2.3.2, status 172: no Home Network Prefix any more", test_172},
		{"V-6 (RFC 5844 3.1.2.2): where IPv4 home addresses are used up, prefixes are asked for alone", test_130},
		{"V-6 (RFC 5844 3.1.2.2): prefixes are asked for alone behind other rejections too", test_130_after_others},
		{"170, 172 and 163 behind other rejections wait, and are no refusal", test_anew_after_others},
		{"a request is changed three times at most", test_refusals_end},
		{"V-26 V-32 (RFC 5844 3.2.3.3, 3.4.3): a release is one Request, no prefix, Lifetime 0; prefixes stay", test_release},
		{"V-30 (RFC 5844 3.4.3): after a release the node has to ask itself", test_release_again},
		{"V-30 (RFC 5844 3.4.3): it may ask while the release is open", test_release_asked_meanwhile},
		{"V-26 (RFC 5213 6.9.1.4): a release is sent once and waits INITIAL_BINDACK_TIMEOUT", test_release_unanswered},
		{"V-26 (RFC 5844 3.2.3.3): a rejected release is followed by a refresh", test_release_rejected},
		{"G-24 (RFC 6275 11.7.3): a release refused for its number leads to the refresh's number", test_release_sequence},
		{"G-12 (RFC 5213 6.9.1.2 item 6): a release that is not echoed ends all requests", test_release_not_echoed},
		{"G-12 (RFC 5213 6.9.1.2 item 6): a release while stalled sends nothing", test_release_stalled},
		{"V-26 (RFC 5844 3.2.3.3): a release takes the place of an open refresh, which follows", test_release_refreshing},
		{"V-26 (RFC 5844 3.2.3.3): a refresh that is due follows the release", test_release_verifying},
		{"V-26 (RFC 6275 11.8): a release keeps to MAX_UPDATE_RATE", test_release_rate},
		{"V-26 (RFC 5844 3.2.3.3): a release ends with its binding", test_release_expires},
		{"T-13 (RFC 6275 11.8): a request that waits for the pace does not prolong the binding", test_release_waits_too_long},
		{"V-26 (RFC 5844 3.2.3.3): the node leaves or moves while its release is open", test_release_and_leave},
		{"V-26 (RFC 5844 3.2.3.3): without prefixes a release ends the session", test_release_ipv4_only},
		{"a release of what the node does not have changes nothing", test_release_of_nothing},
		{"a release that forwarding cannot do ends the session", test_release_dp_fails},
		{"an IPv4 home address that forwarding cannot take is given back", test_grant_dp_fails},
		{"V-30 (RFC 5844 3.4.3): DHCP is a trigger", test_dhcp_first},
		{"V-30 (RFC 5844 3.4.3): a client that asks on is heard again after a while only", test_dhcp_paced},
		{"V-30 (RFC 5844 3.4.3): a client without the right to IPv4 causes no requests", test_dhcp_without_right},
		{"a profile with neither IP version entitles to nothing", test_not_entitled},
		{"a storm of nodes does not fill the log", test_log_storm},
		{"a reload gives back what the profile no longer allows, and asks for what it allows now", test_reload},
		{0},
	};
	// clang-format on
	return cu_main("mag home4", tests, argc, argv);
}
