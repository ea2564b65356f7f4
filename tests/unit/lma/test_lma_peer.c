/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of the bindings of a MAG that failed or restarted, when there are many. */
#include "lma_harness.h"

#define MANY  1200
#define SLICE 256 /* at most in one tick */

static unsigned asked;
static struct mh_msg request;

/* Heartbeats go nowhere. */
static int env_send(void *ctx, const struct packet *p)
{
	struct bed *b = ctx;
	struct mh_msg m;

	if (mh_decode(&m, p->data, p->len, &p->src, &p->dst) == MH_OK && m.type == MH_HEARTBEAT) {
		if (addr6_eq(&p->dst, &b->mags[MAG1].addr)) {
			asked++;
			request = m;
		}
		return 0;
	}
	return bed_env_send(ctx, p);
}

static void start(struct bed *b, enum lma_orphans policy)
{
	bed_init(b);
	b->env.send = env_send;
	b->cfg.max_bindings = 4 * MANY;
	b->cfg.heartbeat = (struct heartbeat_cfg){.interval_s = 1, .missing_allowed = 3};
	b->cfg.on_mag_failure = policy;
	b->cfg.on_mag_restart = policy;
	b->cfg.mag_restart_grace_s = 5;
	asked = 0;
	bed_start(b);
}

static int attach(struct bed *b, unsigned n, int mag)
{
	struct pbu p = pbu(b, mag);
	char id[40];

	snprintf(id, sizeof(id), "many%u@example.com", n);
	p.mnid = id;
	return bed_send(b, &p);
}

static void attach_many(struct bed *b)
{
	for (unsigned n = 0; n < MANY; n++) {
		CU_ASSERT_EQUAL_FATAL(attach(b, n, n % 4 ? MAG1 : MAG2), 0);
	}
}

static void tick(struct bed *b)
{
	b->now = lma_next(b->l);
	lma_tick(b->l, b->now);
}

static uint64_t dropped(const struct bed *b)
{
	return b->l->counter[LMA_C_MAG_LOST];
}

static void respond(struct bed *b, uint32_t counter)
{
	struct mh_msg m = {.type = MH_HEARTBEAT};
	const struct packet p = {.src = b->mags[MAG1].addr, .dst = b->cfg.addrs[0]};

	m.hb.flags = MH_HB_R;
	m.hb.seq = request.hb.seq;
	mh_opt_add(&m, MHO_RESTART_COUNTER)->restart_counter = counter;
	lma_receive(b->l, &p, &m, b->now);
}

static void test_drop_in_slices(void)
{
	struct bed b;
	struct heartbeat_info info;
	unsigned slices = 0, fresh = 0;
	uint64_t was = 0;
	nsec_t began = 0;

	start(&b, LMA_ORPHANS_DROP);
	attach_many(&b);
	while (!bed_saw(&b, EV_PEER_DOWN)) {
		CU_ASSERT_EQUAL(dropped(&b), 0);
		bed_forget(&b);
		tick(&b);
	}
	/* both MAGs are silent, and each has its turn */
	while (dropped(&b) < MANY && slices < 1000) {
		const nsec_t before = b.now;

		tick(&b);
		CU_ASSERT(dropped(&b) - was <= SLICE);
		if (dropped(&b) != was) {
			slices++;
			was = dropped(&b);
			CU_ASSERT(b.now - before <= nsec_from_ms(20));
		}
		/* signalling goes on between two slices: who registers now stays */
		heartbeat_info(b.l->heartbeat, &b.mags[MAG1].addr, &info);
		if (!b.l->sweeping)
			began = 0;
		else if (!began)
			began = b.now;
		if (info.state == HB_DOWN && began && b.now > began && !fresh++)
			CU_ASSERT_EQUAL(attach(&b, MANY + 1, MAG1), 0);
		if (!b.l->sweeping && dropped(&b) == MANY)
			break;
	}
	CU_ASSERT(slices >= MANY * 3 / 4 / SLICE);
	CU_ASSERT_EQUAL(dropped(&b), MANY);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(b.dp), 1);
	bed_down(&b);
}

static void test_hold(void)
{
	struct bed b;

	start(&b, LMA_ORPHANS_HOLD);
	attach_many(&b);
	bed_wait(&b, 30000);
	CU_ASSERT(asked > 10);
	CU_ASSERT_EQUAL(dropped(&b), 0);
	CU_ASSERT_EQUAL(lma_count(b.l), MANY);
	bed_down(&b);
}

static void test_restart_spares_the_new(void)
{
	struct bed b;

	start(&b, LMA_ORPHANS_DROP);
	CU_ASSERT_EQUAL(attach(&b, 1, MAG1), 0);
	CU_ASSERT_EQUAL(attach(&b, 2, MAG1), 0);
	while (asked < 2) {
		tick(&b);
		if (asked)
			respond(&b, 7);
	}
	/* after the last answer of its old life */
	b.now += nsec_from_ms(10);
	CU_ASSERT_EQUAL(attach(&b, 3, MAG1), 0);
	while (asked < 3)
		tick(&b);
	respond(&b, 8);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_PEER_RESTARTED), 1);
	/* one of the old ones is registered again within the grace */
	CU_ASSERT_EQUAL(attach(&b, 1, MAG1), 0);
	for (nsec_t until = b.now + nsec_from_s(4); b.now < until;) {
		tick(&b);
		respond(&b, 8);
	}
	CU_ASSERT_EQUAL(lma_count(b.l), 3);
	for (nsec_t until = b.now + nsec_from_s(3); b.now < until;) {
		tick(&b);
		respond(&b, 8);
	}
	CU_ASSERT_EQUAL(dropped(&b), 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT_EQUAL(b.l->heartbeat ? lma_heartbeat_counters(b.l).value[HB_C_DOWN] : 1, 0);
	bed_down(&b);
}

static void test_reload_in_between(void)
{
	struct bed b;
	const char *why = NULL;

	start(&b, LMA_ORPHANS_DROP);
	attach_many(&b);
	while (!dropped(&b))
		tick(&b);
	/* what was begun is finished */
	const struct profiles ps = profile_table_profiles(b.profiles);

	CU_ASSERT_EQUAL(lma_reload(b.l, &b.cfg, &ps, &why, b.now), 0);
	for (unsigned i = 0; i < 200; i++)
		tick(&b);
	CU_ASSERT_EQUAL(dropped(&b), MANY);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

/* A MAG that leaves the configuration is no peer any more, and its bindings nobody's orphans. */
static void test_mag_unconfigured(void)
{
	struct bed b;
	const char *why = NULL;
	unsigned n;

	start(&b, LMA_ORPHANS_DROP);
	CU_ASSERT_EQUAL(attach(&b, 1, MAG1), 0);
	while (!asked)
		tick(&b);
	n = asked;
	b.cfg.mags = b.mags + 1;
	b.cfg.n_mags = N_MAGS - 1;
	const struct profiles ps = profile_table_profiles(b.profiles);

	CU_ASSERT_EQUAL(lma_reload(b.l, &b.cfg, &ps, &why, b.now), 0);
	bed_wait(&b, 30000);
	CU_ASSERT_EQUAL(asked, n);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	/* and is one again, with that binding */
	b.cfg.mags = b.mags;
	b.cfg.n_mags = N_MAGS;
	CU_ASSERT_EQUAL(lma_reload(b.l, &b.cfg, &ps, &why, b.now), 0);
	bed_wait(&b, 3000);
	CU_ASSERT(asked > n);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"B-7 RFC 5847 3: bindings of a dead MAG are dropped in slices, signalling goes on",
		 test_drop_in_slices},
		{"B-7 RFC 5847 3: by default they are held",										  test_hold},
		{"B-7 RFC 5847 3.2: after a restart only what was registered before it goes",
		 test_restart_spares_the_new},
		{"a reload in between does not stop it",	 test_reload_in_between},
		{"a MAG that is no longer configured is no peer, till it is again",
		 test_mag_unconfigured},
		{0						    },
	};
	return cu_main("lma peer", tests, argc, argv);
}
