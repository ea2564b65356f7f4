/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forwarding and advertisements, and what changes while running. */
#include "mag_harness.h"

static void test_order(void)
{
	struct bench *b = bench_up();
	const struct call *c;
	struct prefix6 want = PREFIX(HNP1);

	attach(b, 7, 1);
	run_ms(b, 500);
	CU_ASSERT_EQUAL(b->n_calls, 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	accept_it(b);
	CU_ASSERT_EQUAL_FATAL(calls(b, CALL_ADVERTISE), 1);
	c = last_call(b, CALL_ADVERTISE);
	/* forwarding was there before the node was told */
	CU_ASSERT_EQUAL(c->dp_sessions, 1);
	CU_ASSERT_EQUAL(c->node.ifindex, 7);
	CU_ASSERT_EQUAL(c->n_prefixes, 1);
	CU_ASSERT_TRUE(prefix6_eq(&c->prefixes[0], &want));
	CU_ASSERT_EQUAL(c->valid_s, 3600);
	CU_ASSERT_EQUAL(c->preferred_s, 3600);
	CU_ASSERT_TRUE(addr6_eq(&c->ll, &b->cfg.fixed_mag_link_local_address_on_all_access_links));
	CU_ASSERT_EQUAL(b->ups, 1);
	bench_free(b);
}

static void test_forwarding(void)
{
	struct bench *b = bench_active();
	const struct dp_session *s = forwarding(b, HNP1);
	const struct dp_peer *p;
	struct mac mac = MAC(1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_EQUAL(s->half, DP_ACCESS);
	CU_ASSERT_EQUAL(s->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(s->down.ifindex, 7);
	CU_ASSERT_TRUE(mac_eq(&s->down.mac, &mac));
	CU_ASSERT_EQUAL(s->up.kind, DP_TO_PEER);
	CU_ASSERT_EQUAL(s->mode, DP_FORWARD);
	p = dp_fake_peer(b->fake, s->up.peer);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(addr6_eq(&p->local, &b->cfg.proxy_coa));
	CU_ASSERT_TRUE(addr6_eq(&p->remote, &b->lmas[0].addr));
	bench_free(b);
}

static void test_several_prefixes(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	answer(b, &(struct reply){.prefix = {HNP1, HNP2, HNP3}});
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	CU_ASSERT_PTR_EQUAL(forwarding(b, HNP1), forwarding(b, HNP3));
	CU_ASSERT_EQUAL(last_call(b, CALL_ADVERTISE)->n_prefixes, 3);
	CU_ASSERT_EQUAL(shown(b, 1).b.n_prefixes, 3);
	bench_free(b);
}

static void test_shared_tunnel(void)
{
	struct bench *b = bench_active();

	attach(b, 7, 2);
	answer(b, &(struct reply){.prefix = {HNP2}});
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 2);
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 1);
	detach_node(b, 7, 2);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
	bench_free(b);
}

static void test_mtu(void)
{
	/* path, administrative, access link -> told */
	static const uint32_t cases[][4] = {
		{1460, 1460, 1500, 1460}, {1300, 1460, 1500, 1300}, {0, 1460, 1500, 1460},
		{1460, 1400, 1500, 1400}, {1460, 0, 1400, 1400},    {0, 0, 1500, 1500},
		{1000, 1460, 1500, 1280}, {1460, 1460, 0, 1460},    {0, 0, 0, 0},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bench *b = bench_new();
		struct mag_attachment a = attachment(7, 1);

		dp_fake_set_mtu(b->fake, cases[i][0]);
		b->cfg.tunnel_mtu = cases[i][1];
		a.access_mtu = cases[i][2];
		bench_start(b);
		mag_attach(b->m, &a, b->now);
		accept_it(b);
		CU_ASSERT_EQUAL(last_call(b, CALL_ADVERTISE)->mtu, cases[i][3]);
		bench_free(b);
	}
}

static void test_mtu_changes(void)
{
	struct bench *b = bench_active();
	dp_ref tunnel = shown(b, 1).b.tunnel;

	attach(b, 7, 2);
	dp_fake_set_mtu(b->fake, 1400);
	mag_mtu_changed(b->m, tunnel + 1, b->now);
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 1);
	mag_mtu_changed(b->m, tunnel, b->now);
	CU_ASSERT_EQUAL_FATAL(calls(b, CALL_ADVERTISE), 2);
	CU_ASSERT_EQUAL(last_call(b, CALL_ADVERTISE)->mtu, 1400);
	CU_ASSERT_EQUAL(last_call(b, CALL_ADVERTISE)->n_prefixes, 1);
	bench_free(b);
}

static void test_renumber(void)
{
	struct bench *b = bench_up();
	struct prefix6 p1 = PREFIX(HNP1), p2 = PREFIX(HNP2);
	const struct call *old, *new;

	b->confirm_at_once = true;
	attach(b, 7, 1);
	answer(b, &(struct reply){.prefix = {HNP1, HNP2}});
	run_ms(b, 2700000);
	b->n_calls = 0;
	answer(b, &(struct reply){.prefix = {HNP2, HNP3}});
	CU_ASSERT_EQUAL_FATAL(calls(b, CALL_ADVERTISE), 2);
	old = &b->call[0];
	new = &b->call[1];
	CU_ASSERT_EQUAL(old->n_prefixes, 1);
	CU_ASSERT_TRUE(prefix6_eq(&old->prefixes[0], &p1));
	CU_ASSERT_EQUAL(old->valid_s, 0);
	CU_ASSERT_EQUAL(old->preferred_s, 0);
	CU_ASSERT_EQUAL(new->n_prefixes, 2);
	CU_ASSERT_TRUE(prefix6_eq(&new->prefixes[0], &p2));
	CU_ASSERT_EQUAL(new->valid_s, 3600);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP2));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP3));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	CU_ASSERT_EQUAL(counter(b, "renumbered"), 1);
	bench_free(b);
}

static void test_reordered_is_same(void)
{
	struct bench *b = bench_up();

	b->confirm_at_once = true;
	attach(b, 7, 1);
	answer(b, &(struct reply){.prefix = {HNP1, HNP2}});
	run_ms(b, 2700000);
	answer(b, &(struct reply){.prefix = {HNP2, HNP1}});
	CU_ASSERT_EQUAL(counter(b, "renumbered"), 0);
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 2);
	bench_free(b);
}

static void test_advertise_after_registration(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	run_ms(b, 100000);
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
	answer_status(b, PBA_REASON_UNSPECIFIED);
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
	bench_free(b);
}

static bool local_routing_of(bool flag, int profile)
{
	struct bench *b = bench_new();
	struct profile p = {.enabled = true, .local_routing = profile};
	bool on;

	b->cfg.enable_mag_local_routing = flag;
	add_profile(b, &p, "mn1@example.com", 1);
	bench_start(b);
	attach(b, 7, 1);
	accept_it(b);
	on = forwarding(b, HNP1)->local_routing;
	bench_free(b);
	return on;
}

static void test_local_routing(void)
{
	CU_ASSERT_FALSE(local_routing_of(false, -1));
	CU_ASSERT_TRUE(local_routing_of(true, -1));
	CU_ASSERT_FALSE(local_routing_of(true, 0));
	CU_ASSERT_TRUE(local_routing_of(false, 1));
}

static void test_no_binding_no_forwarding(void)
{
	struct bench *b = bench_up();

	attach(b, 7, 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
	accept_it(b);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	bench_free(b);
}

static void test_reload(void)
{
	struct bench *b = bench_active();
	struct mag_cfg cfg = b->cfg;
	struct mag_lma_cfg lmas[2] = {b->lmas[1], b->lmas[0]};
	const char *why = NULL;

	/* changes live */
	cfg.lifetime = 600;
	cfg.enable_mag_local_routing = true;
	cfg.max_bindings = 1;
	cfg.lmas = lmas;
	strcpy(lmas[1].name, "renamed");
	CU_ASSERT_EQUAL(mag_reload(b->m, &cfg, &b->profiles, &why, b->now), 0);
	CU_ASSERT_TRUE(forwarding(b, HNP1)->local_routing);
	CU_ASSERT_STRING_EQUAL(shown(b, 1).b.lma_name, "renamed");
	CU_ASSERT_EQUAL(attach(b, 7, 2), -ENOSPC);
	cfg.max_bindings = 10;
	CU_ASSERT_EQUAL(mag_reload(b->m, &cfg, &b->profiles, &why, b->now), 0);
	CU_ASSERT_EQUAL(attach(b, 7, 2), 0);
	/* the first one is the default */
	CU_ASSERT_TRUE(addr6_eq(&last_sent(b)->dst, &b->lmas[1].addr));
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 150);
	bench_free(b);
}

static void test_reload_dp_fails(void)
{
	struct bench *b = bench_active();
	struct mag_cfg cfg = b->cfg;
	const char *why = NULL;

	attach(b, 7, 2);
	detach_node(b, 7, 2);
	cfg.enable_mag_local_routing = true;
	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	CU_ASSERT_EQUAL(mag_reload(b->m, &cfg, &b->profiles, &why, b->now), 0);
	/* the old content holds, and the next reload tries again */
	CU_ASSERT_FALSE(forwarding(b, HNP1)->local_routing);
	CU_ASSERT_EQUAL(mag_reload(b->m, &cfg, &b->profiles, &why, b->now), 0);
	CU_ASSERT_TRUE(forwarding(b, HNP1)->local_routing);
	bench_free(b);
}

static void refuse(struct bench *b, const struct mag_cfg *cfg, int err, const char *key)
{
	const char *why = NULL;

	CU_ASSERT_EQUAL(mag_reload(b->m, cfg, &b->profiles, &why, b->now), err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(why);
	CU_ASSERT_STRING_EQUAL(why, key);
}

static void test_reload_refused(void)
{
	struct bench *b = bench_active();
	struct mag_cfg cfg = b->cfg;

	cfg.lifetime = 600;
	cfg.proxy_coa = ADDR("2001:db8:1::2");
	refuse(b, &cfg, -EBUSY, "mag.proxy-coa");
	cfg.proxy_coa = b->cfg.proxy_coa;
	cfg.lmas = &b->lmas[1];
	cfg.n_lmas = 1;
	refuse(b, &cfg, -EBUSY, "mag.lmas");
	cfg.lmas = b->lmas;
	memset(&cfg.fixed_mag_link_local_address_on_all_access_links, 0, 16);
	refuse(b, &cfg, -EBUSY, "domain.fixed-mag-link-local-address-on-all-access-links");
	cfg.fixed_mag_link_local_address_on_all_access_links = ADDR("2001:db8::1");
	refuse(b, &cfg, -EINVAL, "domain.fixed-mag-link-local-address-on-all-access-links");
	cfg = b->cfg;
	cfg.fixed_mag_link_layer_address_on_all_access_links.b[5]++;
	refuse(b, &cfg, -EBUSY, "domain.fixed-mag-link-layer-address-on-all-access-links");
	cfg = b->cfg;
	cfg.timestamp_based_approach_in_use = false;
	cfg.mobile_node_generated_timestamp_in_use = true;
	refuse(b, &cfg, -EINVAL, "domain.mobile-node-generated-timestamp-in-use");
	/* nothing changed */
	attach(b, 7, 2);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 900);
	CU_ASSERT_TRUE(addr6_eq(&last_sent(b)->dst, &b->lmas[0].addr));
	CU_ASSERT_PTR_NOT_NULL(mh_opt(&last_sent(b)->msg, MHO_TIMESTAMP));
	bench_free(b);
}

static void test_reload_profiles(void)
{
	struct bench *b = bench_active();
	struct profile_table *t = NULL;
	struct profile p = {.enabled = false, .local_routing = -1, .prefix_count = 1};
	struct profiles ps;
	const char *why = NULL;

	CU_ASSERT_EQUAL_FATAL(profile_table_new(&t), 0);
	p.mnid = NAI("02-00-00-00-00-01@example.com");
	CU_ASSERT_EQUAL_FATAL(profile_table_add(t, &p), 0);
	ps = profile_table_profiles(t);
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &ps, &why, b->now), 0);
	/* no longer entitled: the session ends */
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(attach(b, 7, 1), -EPERM);
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &ps, &why, b->now), 0);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	bench_free(b);
	profile_table_free(&t);
}

static void test_bad_cfg(void)
{
	struct bench *b = bench_new();
	struct mag_cfg cfg = b->cfg;
	struct dataplane *dp = dp_fake_dataplane(b->fake);

#define REFUSED(change)                                                                            \
	cfg = b->cfg;                                                                              \
	change;                                                                                    \
	CU_ASSERT_EQUAL(mag_new(&b->m, &cfg, &b->env, dp, b->tunnels, &b->profiles, &b->links, NULL), \
			-EINVAL);                                                                  \
	CU_ASSERT_PTR_NULL(b->m)
	REFUSED(cfg.n_lmas = 0);
	REFUSED(memset(&cfg.proxy_coa, 0, 16));
	REFUSED(cfg.lifetime = 3);
	REFUSED(cfg.refresh_percent = 0);
	REFUSED(cfg.refresh_percent = 100);
	REFUSED(cfg.max_bindings = 0);
	REFUSED(cfg.max_bindack_timeout_ms = 999);
	REFUSED(cfg.initial_bindack_timeout_ms = 0);
	REFUSED(memset(cfg.realm, 'x', sizeof(cfg.realm)));
	REFUSED(memset(&b->lmas[1].addr, 0, 16));
	REFUSED(b->lmas[1].addr = b->lmas[0].addr);
	bench_free(b);
}

/* As the daemon does it: the structure is the caller's and goes with the call. */
static void test_reload_borrows_nothing(void)
{
	struct bench *b = bench_active();
	struct profiles *passing = malloc(sizeof(*passing));
	const char *why = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(passing);
	*passing = b->profiles;
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, passing, &why, b->now), 0);
	memset(passing, 0xa5, sizeof(*passing));
	free(passing);
	CU_ASSERT_EQUAL(attach(b, 7, 2), 0);
	bench_free(b);
}

static void test_free_is_silent(void)
{
	struct bench *b = bench_active();
	size_t sent = b->n_sent, n_calls = b->n_calls;

	mag_free(&b->m);
	CU_ASSERT_EQUAL(b->n_sent, sent);
	CU_ASSERT_EQUAL(b->n_calls, n_calls);
	/* the data plane serves on while a daemon restarts */
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	dp_fake_dataplane(b->fake)->ops->session_del(dp_fake_dataplane(b->fake),
						     dp_fake_by_prefix(b->fake, DP_ACCESS,
								       &(struct prefix6){
									       ADDR("2001:db8:100:1::"), 64})
							     ->ref);
	bench_free(b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"G-14 G-42 (RFC 5213 6.9.1.2 item 14): list, then forwarding, then advertisement", test_order},
		{"G-50 G-52 G-55 (RFC 5213 6.10.5): down to link and address, up into the tunnel Proxy-CoA to LMAA", test_forwarding},
		{"G-42 (RFC 5213 6.9.1.2 item 14): several prefixes are one session and one advertisement", test_several_prefixes},
		{"G-14 G-33 (RFC 5213 5.6.1): nodes share the tunnel, the last one takes it along", test_shared_tunnel},
		{"G-43 G-47 (RFC 5213 6.9.5): the MTU told is the least of path, configuration and access link", test_mtu},
		{"G-43 (RFC 5213 6.9.5): a new path MTU is told to the nodes behind that tunnel", test_mtu_changes},
		{"G-46 (RFC 5213 6.12): renumbered prefixes are withdrawn with zero lifetimes and not forwarded", test_renumber},
		{"G-46 (RFC 5213 6.12): the same prefixes in another order are no renumbering", test_reordered_is_same},
		{"G-40 G-41 (RFC 5213 6.9.2): no advertisement before or without a registration", test_advertise_after_registration},
		{"G-53 G-54 (RFC 5213 6.10.3): EnableMAGLocalRouting, overridden by the profile", test_local_routing},
		{"G-51 (RFC 5213 6.10.5): nothing is forwarded without an accepted binding", test_no_binding_no_forwarding},
		{"reload changes what can change while running", test_reload},
		{"reload leaves what forwarding cannot change as it was", test_reload_dp_fails},
		{"reload names the key it refuses and changes nothing", test_reload_refused},
		{"G-1 (RFC 5213 6.14): reload ends the session of a node that is no longer entitled", test_reload_profiles},
		{"reload keeps no pointer to what its caller lent it", test_reload_borrows_nothing},
		{"a configuration that makes no sense is refused", test_bad_cfg},
		{"freeing sends nothing and leaves forwarding alone", test_free_is_silent},
		{0},
	};
	return cu_main("mag serve", tests, argc, argv);
}
