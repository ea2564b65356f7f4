/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a configuration must be, and what may change while the LMA runs. */
#include <errno.h>

#include "unit/lma/lma_harness.h"

static int reload(struct bed *b, const char **why)
{
	const struct profiles p = profile_table_profiles(b->profiles);

	return lma_reload(b->l, &b->cfg, &p, why, b->now);
}

static int try_new(struct bed *b)
{
	const struct profiles p = profile_table_profiles(b->profiles);
	struct lma *l = NULL;
	const int err =
		lma_new(&l, &b->cfg, &b->env, dp_fake_dataplane(b->dp), b->tunnels, &p, &b->sink);

	if (err)
		CU_ASSERT_PTR_NULL(l);
	lma_free(&l);
	return err;
}

static void bad_addr(struct bed *b)
{
	b->cfg.addrs[1] = addr("ff02::1");
}
static void same_addr(struct bed *b)
{
	b->cfg.addrs[1] = b->cfg.addrs[0];
}
static void no_addr(struct bed *b)
{
	b->cfg.n_addrs = 0;
}
static void overlapping_pools(struct bed *b)
{
	strcpy(b->pools[1].name, "x");
	b->pools[1].prefix = prefix("2001:db8:100:100::/56");
	b->cfg.n_pools = 2;
}
static void same_pool_name(struct bed *b)
{
	strcpy(b->pools[1].name, "default");
	b->pools[1].prefix = prefix("2001:db8:200::/56");
	b->cfg.n_pools = 2;
}
static void long_pool(struct bed *b)
{
	b->pools[0].prefix = prefix("2001:db8:100::/65");
}
static void twin_mags(struct bed *b)
{
	b->mags[MAG2].addr = b->mags[MAG1].addr;
}
static void multicast_mag(struct bed *b)
{
	b->mags[MAG2].addr = addr("ff02::1");
}
static void no_bindings(struct bed *b)
{
	b->cfg.max_bindings = 0;
}
static void no_lifetime(struct bed *b)
{
	b->cfg.max_lifetime = 3;
}
static void node_timestamps_alone(struct bed *b)
{
	b->cfg.timestamp_based_approach_in_use = false;
	b->cfg.mobile_node_generated_timestamp_in_use = true;
}

static void test_refused(void)
{
	static void (*const breaks[])(struct bed * b) = {
		bad_addr,
		same_addr,
		no_addr,
		overlapping_pools,
		same_pool_name,
		long_pool,
		twin_mags,
		multicast_mag,
		no_bindings,
		no_lifetime,
		node_timestamps_alone,
	};
	struct bed b;
	const char *why = NULL;

	for (unsigned i = 0; i < sizeof(breaks) / sizeof(breaks[0]); i++) {
		bed_init(&b);
		breaks[i](&b);
		CU_ASSERT_EQUAL(try_new(&b), -EINVAL);
		bed_down(&b);
		bed_up(&b);
		breaks[i](&b);
		CU_ASSERT_EQUAL(reload(&b, &why), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(why);
		bed_down(&b);
	}
	bed_init(&b);
	CU_ASSERT_EQUAL(try_new(&b), 0);
	bed_down(&b);
}

static void mag_bindings(void *ctx, const struct lma_mag_info *i)
{
	uint64_t *sum = ctx;

	sum[0] += i->bindings;
	sum[1] += i->pbu_received;
	sum[2]++;
}

static void test_mags(void)
{
	uint64_t sum[3] = {0};
	const char *why = NULL;
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_init(&b);
	b.cfg.n_mags = 1;
	bed_start(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	b.cfg.n_mags = 2;
	CU_ASSERT_EQUAL(reload(&b, &why), 0);
	lma_walk_mags(b.l, mag_bindings, sum);
	CU_ASSERT_EQUAL(sum[0], 1);
	CU_ASSERT_EQUAL(sum[1], 1);
	CU_ASSERT_EQUAL(sum[2], 2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	/* taking the serving MAG away leaves the binding to its lifetime */
	b.cfg.n_mags = 1;
	CU_ASSERT_EQUAL(reload(&b, &why), 0);
	CU_ASSERT_FALSE(lma_knows_mag(b.l, &b.mags[MAG2].addr));
	pbu_again(&b, &p);
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	p = pbu(&b, MAG1);
	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	bed_down(&b);
}

static void test_pools(void)
{
	const char *why = NULL;
	struct bed b;
	struct prefix6 own, got;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	strcpy(b.pools[1].name, "second");
	b.pools[1].prefix = prefix("2001:db8:300::/64");
	b.cfg.n_pools = 2;
	CU_ASSERT_EQUAL(reload(&b, &why), 0); /* added */
	CU_ASSERT_EQUAL(dp_fake_pools(b.dp), 2);
	p = pbu(&b, MAG1);
	p.mnid = "mn2@example.com";
	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);
	got = bed_hnp(&b);
	CU_ASSERT_FALSE(prefix6_eq(&own, &got)); /* the kept pool kept its books */
	b.pools[0] = b.pools[1];
	b.cfg.n_pools = 1;
	CU_ASSERT_EQUAL(reload(&b, &why), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "lma.pools"));
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	p = pbu(&b, MAG1); /* nothing changed: the old pool still serves */
	p.mnid = "mn3@example.com";
	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);
	got = bed_hnp(&b);
	CU_ASSERT(prefix6_contains(&(struct prefix6){.addr = own.addr, .len = 44}, &got));
	strcpy(b.pools[0].name, "default");
	b.pools[0].prefix = prefix("2001:db8:100::/44");
	CU_ASSERT_EQUAL(reload(&b, &why), 0); /* a pool without bindings may go */
	bed_down(&b);
}

static void test_addresses(void)
{
	const char *why = NULL;
	struct bed b;

	bed_up(&b);
	bed_attach(&b, MAG1);
	b.cfg.n_addrs = 1;
	CU_ASSERT_EQUAL(reload(&b, &why), 0); /* the unused one */
	CU_ASSERT_FALSE(lma_serves_addr(b.l, &b.cfg.addrs[1]));
	b.cfg.addrs[0] = addr("2001:db8:2::3");
	CU_ASSERT_EQUAL(reload(&b, &why), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "lma.addresses"));
	b.cfg.addrs[0] = addr("2001:db8:2::1");
	CU_ASSERT(lma_serves_addr(b.l, &b.cfg.addrs[0]));
	bed_down(&b);
}

static void test_statics(void)
{
	static const char *const fixed[] = {"2001:db8:f00:1::/64", NULL};
	const char *why = NULL;
	struct prefix6 p0;
	struct bed b;
	struct pbu p;

	bed_init(&b);
	bed_profile(&b, "fixed@example.com", fixed, NULL, 1);
	bed_start(&b);
	p = pbu(&b, MAG1);
	p.mnid = "fixed@example.com";
	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);
	b.cfg.n_static_prefixes = 0;
	CU_ASSERT_EQUAL(reload(&b, &why), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "lma.static-prefixes"));
	/* its aggregate becomes a pool: what is bound must not be handed out */
	strcpy(b.pools[1].name, "was static");
	b.pools[1].prefix = prefix("2001:db8:f00::/62");
	b.cfg.n_pools = 2;
	CU_ASSERT_EQUAL(reload(&b, &why), 0);
	b.pools[0] = b.pools[1];
	b.cfg.n_pools = 1;
	CU_ASSERT_EQUAL(reload(&b, &why), 0);
	p = pbu(&b, MAG1);
	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);
	p0 = bed_hnp(&b);
	CU_ASSERT_EQUAL(p0.addr.s6_addr[7], 0);
	p = pbu(&b, MAG1);
	p.mnid = "mn2@example.com";
	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);
	p0 = bed_hnp(&b);
	CU_ASSERT_EQUAL(p0.addr.s6_addr[7], 2); /* steps over the one that is bound */
	bed_down(&b);
}

static void test_timers(void)
{
	const char *why = NULL;
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	b.cfg.min_delay_before_bce_delete_ms = 100;
	b.cfg.max_lifetime = 40;
	CU_ASSERT_EQUAL(reload(&b, &why), 0);
	p = pbu(&b, MAG1);
	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);
	CU_ASSERT_EQUAL(b.pba.ba.lifetime, 10);
	pbu_again(&b, &p);
	p.hnp[0] = own;
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);
	bed_wait(&b, 100);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

static void test_profiles(void)
{
	struct profile_table *t;
	const struct profile fallback = {.enabled = false, .prefix_count = 1};
	const char *why = NULL;
	struct profiles p;
	struct bed b;
	struct pbu q;

	bed_up(&b);
	bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL_FATAL(profile_table_new(&t), 0);
	CU_ASSERT_EQUAL_FATAL(profile_table_add_fallback(t, "*", &fallback), 0);
	p = profile_table_profiles(t);
	CU_ASSERT_EQUAL(lma_reload(b.l, &b.cfg, &p, &why, b.now), 0);
	q = pbu(&b, MAG1);
	CU_ASSERT_EQUAL(bed_send(&b, &q), PBA_PROXY_REG_NOT_ENABLED);
	bed_down(&b);
	profile_table_free(&t);
}

static void answer_bri(struct bed *b, unsigned mag)
{
	const struct bed_br *br = &b->br[(b->n_br - 1) % 4];
	uint8_t buf[MH_MAX_LEN];
	struct mh_msg m;
	int len;

	revocation_bra(&m, &br->msg, BRA_SUCCESS);
	len = mh_encode(&m, buf, sizeof(buf), &b->mags[mag].addr, &br->pkt.src);
	CU_ASSERT_FATAL(len > 0);
	bed_send_raw(b, &b->mags[mag].addr, &br->pkt.src, buf, (size_t)len);
}

/* The MAG goes from the configuration while it is told that all its bindings end. */
static void test_mag_goes_while_told(void)
{
	for (unsigned answers = 0; answers < 2; answers++) {
		const char *why = NULL;
		struct bed b;

		bed_init(&b);
		b.cfg.binding_revocation = true;
		bed_start(&b);
		bed_attach(&b, MAG1);
		CU_ASSERT_EQUAL(lma_revoke_all(b.l, "mag1", NULL, b.now), 1);
		CU_ASSERT_EQUAL(b.n_br, 1);
		bed_wait(&b, 100);
		b.cfg.mags = b.mags + 1;
		b.cfg.n_mags--;
		CU_ASSERT_EQUAL(reload(&b, &why), 0);
		if (answers)
			answer_bri(&b, MAG1);
		bed_wait(&b, answers ? 10 : 10000);
		CU_ASSERT_EQUAL(lma_count(b.l), 0);
		CU_ASSERT_EQUAL(dp_fake_sessions(b.dp), 0);
		CU_ASSERT_EQUAL(bed_counter(&b, "revoked"), 1);
		bed_down(&b);
	}
}

/* The same while they end. */
static void test_mag_goes_while_swept(void)
{
	const char *why = NULL;
	struct bed b;

	bed_init(&b);
	b.cfg.binding_revocation = true;
	bed_start(&b);
	bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL(lma_revoke_all(b.l, "mag1", NULL, b.now), 1);
	answer_bri(&b, MAG1);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	b.cfg.mags = b.mags + 1;
	b.cfg.n_mags--;
	CU_ASSERT_EQUAL(reload(&b, &why), 0);
	bed_wait(&b, 10);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	/* and it comes again */
	b.cfg.mags = b.mags;
	b.cfg.n_mags++;
	CU_ASSERT_EQUAL(reload(&b, &why), 0);
	bed_attach(&b, MAG1);
	bed_wait(&b, 10000);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

/* What it has not been told yet, and what is on its way to it, of single bindings. */
static void test_mag_goes_owed(void)
{
	const char *why = NULL;
	struct bed b;
	struct pbu p;

	bed_init(&b);
	b.cfg.binding_revocation = true;
	bed_start(&b);
	bed_attach(&b, MAG1);
	for (unsigned mag = MAG2; mag <= MAG3; mag++) {
		p = pbu(&b, mag);
		p.hi = HI_BETWEEN_MAGS;
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	}
	CU_ASSERT_EQUAL(b.n_br, 2);
	b.cfg.mags = b.mags + 1;
	b.cfg.n_mags--;
	CU_ASSERT_EQUAL(reload(&b, &why), 0);
	bed_wait(&b, 500);
	b.cfg.mags = b.mags;
	b.cfg.n_mags++;
	CU_ASSERT_EQUAL(reload(&b, &why), 0);
	bed_wait(&b, 10000);
	CU_ASSERT_EQUAL(revocation_outstanding(b.l->revocation), 0);
	CU_ASSERT(bed_at(&b, MAG3));
	bed_down(&b);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"RFC 5213 9 a configuration that contradicts itself is refused",	  test_refused},
		{"reload: MAGs come and go, their bindings and counters stay",								       test_mags},
		{"reload: pools come; one with bindings cannot go",test_pools},
		{"reload: an LMA address with bindings cannot go",			   test_addresses},
		{"reload: static prefixes with bindings cannot go, but become a pool",
		 test_statics},
		{"reload: timers and lifetimes hold from the next message",				    test_timers},
		{"reload: profiles hold from the next message", test_profiles},
		{"reload: a MAG goes while it is told that all its bindings end", test_mag_goes_while_told},
		{"reload: a MAG goes while its bindings end", test_mag_goes_while_swept},
		{"reload: a MAG goes and comes while it is told of single bindings", test_mag_goes_owed},
		{0								   },
	};
	// clang-format on

	return cu_main("lma reload", tests, argc, argv);
}
