/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random triggers, answers, failures and time: what must hold after every single step. */
#include "mag_harness.h"

#define NODES 6
#define LINKS 3
#define STEPS 4000
#define SEEDS 40

static uint64_t rnd_state;

static unsigned rnd(unsigned n)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (unsigned)((rnd_state >> 32) % n);
}

struct tally {
	struct bench *b;
	unsigned serving, early, entries, wrong;
};

static void tally_cb(void *ctx, const struct mag_binding *mb)
{
	static const char *const served[] = {"ACTIVE", "VERIFYING", "REFRESHING", "RETURNING_IPV4", "STALLED"};
	struct tally *t = ctx;
	const struct dp_fake_session *f = mb->session ? dp_fake_by_ref(t->b->fake, mb->session) : NULL;
	bool want = false;
	unsigned i;

	t->entries++;
	for (i = 0; i < ARRAY_SIZE(served); i++)
		want |= !strcmp(mb->state, served[i]);
	t->serving += want;
	/* a half without addresses is there for its key while an answer is awaited */
	if (!want && f && !mb->tunnel && !f->s.n_prefixes && !f->s.addr4.s_addr && f->s.keyed &&
	    mb->down_key && (!strcmp(mb->state, "REGISTERING") || !strcmp(mb->state, "REASSERTING"))) {
		t->early++;
		return;
	}
	if (want != (f != NULL) || want != (mb->tunnel != 0)) {
		t->wrong++;
		return;
	}
	if (!want)
		return;
	if (f->s.down.ifindex != mb->node.ifindex || !mac_eq(&f->s.down.mac, &mb->node.mac) ||
	    f->s.n_prefixes != mb->n_prefixes || f->s.addr4.s_addr != mb->home4.addr.s_addr ||
	    f->s.domain != mb->home4.domain || (!mb->n_prefixes && !mb->home4.addr.s_addr))
		t->wrong++;
	if (dp_fake_peer(t->b->fake, mb->tunnel)->encap != mb->encap ||
	    f->s.keyed != dp_encap_keyed(mb->encap) || f->s.keyed != (mb->down_key != 0) ||
	    f->s.up.key != mb->up_key)
		t->wrong++;
	for (i = 0; i < mb->n_prefixes && i < f->s.n_prefixes; i++) {
		if (!prefix6_eq(&mb->prefixes[i], &f->s.prefixes[i]))
			t->wrong++;
	}
	if (!mb->remaining_s && mb->lifetime_s && mb->lifetime_s < 4)
		t->wrong++;
}

static bool holds(struct bench *b)
{
	struct tally t = {.b = b};
	const char *what;

	mag_walk(b->m, b->now, tally_cb, &t);
	t.serving += t.early;
	if (t.wrong || t.serving != dp_fake_sessions(b->fake) || t.entries != mag_count(b->m))
		printf("%u sessions wrong, %u of %u served, %zu forwarded, %zu counted, last state %s\n",
		       t.wrong, t.serving, t.entries, dp_fake_sessions(b->fake), mag_count(b->m),
		       b->last_to);
	return !t.wrong && t.serving == dp_fake_sessions(b->fake) && t.entries == mag_count(b->m) &&
	       !dp_fake_violations(b->fake, &what) && !counter(b, "unexpected_event");
}

static void any_answer(struct bench *b)
{
	static const char *const prefixes[] = {HNP1, HNP2, HNP3, "2001:db8:100:4::/64", "2001:db8:100:5::/64",
					       "2001:db8:100:6::/64"};
	static const uint8_t statuses[] = {0,	0,   0,	  0,   0,   0,	 1,   2,   3,	128, 129, 130, 135,
					   152, 155, 156, 157, 159, 163, 170, 171, 172, 173, 200};
	static const char *const home4[] = {"10.1.0.11", "10.1.0.12", "10.1.0.13",
					    "10.1.0.14", "10.1.0.15", "10.1.0.16"};
	unsigned node;
	struct mac other = MAC(77);
	const struct sent *to = &b->sent[rnd((unsigned)b->n_sent)];
	struct reply r = {.to = rnd(3) ? NULL : to, .status = statuses[rnd(ARRAY_SIZE(statuses))]};
	unsigned i, n = rnd(3);

	if (!r.to)
		to = last_sent(b);
	if (to->msg.type != MH_BU)
		return;
	node = mh_opt(&to->msg, MHO_MN_LLID)->llid.id[5] % 6;
	if (rnd(10))
		r.home4 = home4[rnd(8) ? node : rnd(6)];
	switch (rnd(12)) {
	case 0:
		r.no_home4 = true;
		break;
	case 1:
		r.home4_status = 129;
		break;
	case 2:
		r.no_router = true;
		break;
	case 3:
		r.no_gre = true;
		break;
	case 4:
		r.gre_plain = true;
		break;
	case 5:
		r.gre_keyed = true;
		r.up_key = rnd(100);
		break;
	case 6:
		r.nat = r.tlv = true;
		break;
	}
	/* an LMA that keeps to its own rules most of the time: a node has its own prefixes */
	for (i = 0; i < n; i++)
		r.prefix[i] = prefixes[rnd(8) ? node : rnd(ARRAY_SIZE(prefixes))];
	switch (rnd(40)) {
	case 0:
		r.hi = 1;
		break;
	case 1:
		r.llid = &other;
		break;
	case 2:
		r.mnid = "mn9@example.com";
		break;
	case 3:
		r.no_prefix = true;
		break;
	case 4:
		r.lifetime_s = 4 + 4 * rnd(20);
		break;
	case 5:
		r.no_lifetime = true;
		break;
	case 6:
		r.link_local = "fe80::ff:fe00:1";
		break;
	case 7:
		r.advice_s = 4;
		break;
	case 8:
		r.seq = (int)rnd(65536);
		break;
	}
	answer(b, &r);
}

static void any_revocation(struct bench *b)
{
	static const char *const ids[] = {"a@example.com", "b@example.com",   "c@example.com",
					  "mn1@example.com", "mn2@example.com", "@example.com"};
	static const uint8_t triggers[] = {0, 1, 2, 4, 4, 5, 7, 7, 128, 129, 200};
	struct bri a = {.trigger = triggers[rnd(ARRAY_SIZE(triggers))], .seq = (uint16_t)rnd(50)};

	a.g = rnd(10) ? a.trigger >= 128 : rnd(2);
	a.v = !rnd(4);
	a.id = rnd(10) && a.trigger != 128 ? ids[rnd(ARRAY_SIZE(ids))] : NULL;
	if (!rnd(4))
		a.hnp[0] = rnd(2) ? HNP1 : HNP2;
	if (a.v ? rnd(5) : !rnd(10))
		a.hoa = rnd(2) ? "10.1.0.11" : "10.1.0.12";
	if (addr_is_ip4(&b->lmas[0].addr)) {
		a.from = "192.0.2.2";
		a.at = "192.0.2.1";
	}
	hear_bri(b, &a);
}

static void step(struct bench *b)
{
	struct mag_attachment a = attachment(1 + rnd(LINKS), 1 + rnd(NODES));
	struct mnid id = NAI(rnd(2) ? "mn1@example.com" : "mn2@example.com");
	struct link_node n = a.node;
	struct in_addr addr = ADDR4("10.1.0.11");
	const char *why;

	addr.s_addr = htonl(ntohl(addr.s_addr) - 1 + n.mac.b[5]);
	b->attached = rnd(20) != 0;
	b->confirm_at_once = rnd(2);
	switch (rnd(16)) {
	case 0:
	case 1:
	case 2:
		a.att = rnd(5) ? ATT_WIFI : ATT_ETHERNET;
		a.handoff_hint = (uint8_t)rnd(7);
		a.mnid = rnd(4) ? NULL : &id;
		a.cause = rnd(6) ? "rs" : MAG_CAUSE_CONTROL;
		a.wants_ipv4 = rnd(2);
		a.domain = b->cfg.gre == MAG_GRE_KEYS && a.node.ifindex == 3 ? 7 : 0;
		mag_attach(b->m, &a, b->now);
		break;
	case 3:
		mag_detach(b->m, &n, rnd(5) ? "gone" : MAG_CAUSE_CONTROL, b->now);
		break;
	case 4:
		mag_confirmed(b->m, &n, b->now);
		break;
	case 5:
		if (!rnd(10))
			mag_detach_link(b->m, 1 + rnd(LINKS), "link-down", b->now);
		break;
	case 6:
		if (!rnd(4))
			dp_fake_fail(b->fake, (enum dp_fake_op)rnd(DP_FAKE_OP_MAX), 1, ENOSPC);
		break;
	case 7:
		mag_link_local_in_use(b->m, &n, &(struct in6_addr){.s6_addr = {0xfe, 0x80}}, b->now);
		mag_mtu_changed(b->m, 1, b->now);
		if (!rnd(20))
			mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now);
		break;
	case 10:
		mag_release_ipv4(b->m, &n, addr, "dhcp-release", b->now);
		break;
	case 11:
		if (!rnd(2))
			any_revocation(b);
		break;
	case 8:
		run_ms(b, rnd(4000));
		break;
	case 9:
		run_ms(b, rnd(20) ? rnd(100) : rnd(4000000));
		break;
	default:
		if (b->n_sent)
			any_answer(b);
		break;
	}
}

static uint64_t revoked;

struct world {
	bool timestamps, fixed;
	enum mag_gre gre;
	bool tlv, over_ip4;
};

static void run_seed(unsigned seed, const struct world *w)
{
	static const char *const id[] = {"a@example.com", "b@example.com", "c@example.com", "mn1@example.com",
					 "e@example.com"};
	struct profile profile[ARRAY_SIZE(id)];
	struct bench *b = bench_new();
	unsigned i;

	rnd_state = 0x9e3779b97f4a7c15ull * (seed + 1);
	b->cfg.timestamp_based_approach_in_use = w->timestamps;
	b->cfg.gre = w->gre;
	b->cfg.gre_tlv = w->tlv;
	b->cfg.force_ipv4_udp_encapsulation_support = w->tlv;
	if (w->over_ip4) {
		b->lmas[0].addr = ADDR("192.0.2.2");
		b->cfg.ipv4_proxy_coa = ADDR("192.0.2.1");
	}
	for (i = 0; i < ARRAY_SIZE(profile); i++) {
		profile[i] = (struct profile){.enabled = true,
					      .ipv4 = i < 4,
					      .no_ipv6 = i == 2,
					      .home4 = i == 1 ? ADDR4("10.1.0.12") : ADDR4("0.0.0.0"),
					      .local_routing = -1};
		add_profile(b, &profile[i], id[i], i + 1);
	}
	if (!w->fixed)
		memset(&b->cfg.fixed_mag_link_local_address_on_all_access_links, 0, 16);
	b->cfg.max_bindings = 8;
	b->forgetful = true;
	bench_start(b);
	for (i = 0; i < STEPS; i++) {
		step(b);
		if (!holds(b)) {
			const char *what = "";

			dp_fake_violations(b->fake, &what);
			printf("seed %u step %u: broken %s\n", seed, i, what);
			CU_FAIL_FATAL("an invariant broke");
		}
	}
	revoked += counter(b, "revoked") + counter(b, "revoked_ipv4");
	/* when everybody has left and all is quiet, nothing is left */
	b->attached = false;
	for (i = 1; i <= LINKS; i++)
		mag_detach_link(b->m, i, MAG_CAUSE_CONTROL, b->now);
	run_ms(b, 5000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
	CU_ASSERT_EQUAL(mag_next(b->m), NSEC_NEVER);
	bench_free(b);
}

static struct world world(unsigned seed, bool timestamps)
{
	return (struct world){.timestamps = timestamps,
			      .fixed = seed & 1,
			      .gre = (enum mag_gre)(seed % 3),
			      .tlv = seed & 2,
			      .over_ip4 = seed & 4};
}

static void test_timestamps(void)
{
	unsigned seed;

	for (seed = 0; seed < SEEDS; seed++) {
		struct world w = world(seed, true);

		run_seed(seed, &w);
	}
}

static void test_sequence(void)
{
	unsigned seed;

	for (seed = 0; seed < SEEDS; seed++) {
		struct world w = world(seed, false);

		run_seed(1000 + seed, &w);
	}
	CU_ASSERT_TRUE(revoked > 1000);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"data plane and list agree after every random step, timestamps", test_timestamps},
		{"data plane and list agree after every random step, sequence numbers", test_sequence},
		{0},
	};
	return cu_main("mag random", tests, argc, argv);
}
