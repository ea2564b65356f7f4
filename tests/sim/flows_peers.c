/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LMA and MAGs watch each other: silence, one-way loss, restarts (RFC 5847). */
#include <string.h>

#include "sim/flows.h"
#include "sim/world.h"

#define INTERVAL 30

static struct world w;
static unsigned downs, ups, restarts; /* of peers, as told */

static void on_event(struct world *world, const struct event *ev)
{
	downs += ev->type == EV_PEER_DOWN;
	ups += ev->type == EV_PEER_UP;
	restarts += ev->type == EV_PEER_RESTARTED;
}

static struct world_cfg peers_cfg(uint64_t seed)
{
	struct world_cfg cfg = world_defaults(seed);

	cfg.heartbeat_s = INTERVAL;
	cfg.lifetime_s = 2000;
	cfg.on_mag_restart = LMA_ORPHANS_DROP;
	cfg.mag_restart_grace_s = 60;
	cfg.reregister_rate = 500;
	return cfg;
}

static void begin(struct world_cfg cfg)
{
	downs = ups = restarts = 0;
	world_init(&w, &cfg);
	w.on_event = on_event;
}

static void end(void)
{
	world_check(&w);
	if (w.broken[0])
		CU_FAIL(w.broken);
	CU_ASSERT_STRING_EQUAL(w.broken, "");
	world_free(&w);
}

static uint64_t lma_beats(const char *name)
{
	const struct counter_set s = lma_heartbeat_counters(w.lma.lma);

	return world_counter(&s, name);
}

static uint64_t mag_beats(int mag, const char *name)
{
	const struct counter_set s = mag_heartbeat_counters(w.mag[mag].mag);

	return world_counter(&s, name);
}

static uint64_t lma_count_of(const char *name)
{
	const struct counter_set s = lma_counters(w.lma.lma);

	return world_counter(&s, name);
}

static uint64_t mag_count_of(int mag, const char *name)
{
	const struct counter_set s = mag_counters(w.mag[mag].mag);

	return world_counter(&s, name);
}

struct find_mag {
	int mag;
	struct heartbeat_info out;
};

static void find_mag(void *ctx, const struct lma_mag_info *i)
{
	struct find_mag *f = ctx;

	if (addr6_eq(&i->addr, &w.mag[f->mag].addr))
		f->out = i->heartbeat;
}

static enum heartbeat_state lma_sees(int mag)
{
	struct find_mag f = {.mag = mag};

	lma_walk_mags(w.lma.lma, find_mag, &f);
	return f.out.state;
}

static void find_lma(void *ctx, const struct mag_lma_info *i)
{
	*(struct heartbeat_info *)ctx = i->heartbeat;
}

static enum heartbeat_state mag_sees(int mag)
{
	struct heartbeat_info i = {0};

	mag_walk_lmas(w.mag[mag].mag, find_lma, &i);
	return i.state;
}

static bool lma_sends_to(unsigned node, int mag)
{
	struct lma_binding b;

	return world_binding(&w, node, 0, &b) && addr6_eq(&b.proxy_coa, &w.mag[mag].addr);
}

static void attach_all(unsigned mags)
{
	for (unsigned n = 0; n < w.cfg.n_nodes; n++)
		world_attach(&w, n, 0, (int)(n % mags), HI_RESERVED);
	world_run(&w, nsec_from_s(2));
	for (unsigned n = 0; n < w.cfg.n_nodes; n++)
		CU_ASSERT(lma_sends_to(n, (int)(n % mags)));
}

/*
 *	MAG        LMA
 *	 |--- HB --->|      both ask, as long as there is a binding between them
 *	 |<-- HB ----|
 */
static void test_both_ask(void)
{
	begin(peers_cfg(1));
	world_run(&w, nsec_from_s(300));
	CU_ASSERT_EQUAL(w.messages, 0);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	world_run(&w, nsec_from_s(10 * (INTERVAL + 2)));
	CU_ASSERT(lma_beats("request_sent") >= 10 && lma_beats("request_sent") <= 12);
	CU_ASSERT(mag_beats(0, "request_sent") >= 10 && mag_beats(0, "request_sent") <= 12);
	CU_ASSERT_EQUAL(lma_beats("response_sent"), mag_beats(0, "request_sent"));
	CU_ASSERT_EQUAL(lma_beats("missed"), 0);
	CU_ASSERT_EQUAL(lma_sees(0), HB_UP);
	CU_ASSERT_EQUAL(mag_sees(0), HB_UP);
	/* no node, no heartbeat */
	CU_ASSERT_EQUAL(mag_beats(1, "request_sent"), 0);
	CU_ASSERT_EQUAL(lma_sees(1), HB_UNKNOWN);
	world_detach(&w, 0, 0, true);
	world_run(&w, nsec_from_s(60));
	const unsigned n = w.messages;
	world_run(&w, nsec_from_s(600));
	CU_ASSERT_EQUAL(w.messages, n);
	CU_ASSERT_EQUAL(downs, 0);
	end();
}

static void test_over_ip4(void)
{
	struct world_cfg cfg = peers_cfg(2);

	cfg.mag[0].ip4 = true;
	begin(cfg);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	world_run(&w, nsec_from_s(200));
	CU_ASSERT_EQUAL(lma_sees(0), HB_UP);
	CU_ASSERT_EQUAL(mag_sees(0), HB_UP);
	CU_ASSERT_EQUAL(lma_beats("missed"), 0);
	end();
}

static void test_lma_restart(void)
{
	struct world_cfg cfg = peers_cfg(3);
	struct prefix6 had[SIM_NODES];

	cfg.n_nodes = SIM_NODES;
	begin(cfg);
	attach_all(SIM_MAGS);
	for (unsigned n = 0; n < SIM_NODES; n++)
		had[n] = w.mag[n % SIM_MAGS].advert[n][0].prefix[0];
	world_restart_lma(&w);
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), 0);
	/* the unsolicited response makes the MAGs ask at once */
	world_run(&w, nsec_from_s(3));
	CU_ASSERT_EQUAL(restarts, SIM_MAGS);
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), SIM_NODES);
	for (unsigned n = 0; n < SIM_NODES; n++) {
		const struct sim_advert *a = &w.mag[n % SIM_MAGS].advert[n][0];

		CU_ASSERT(lma_sends_to(n, (int)(n % SIM_MAGS)));
		CU_ASSERT(a->on); /* was never told otherwise */
		CU_ASSERT_EQUAL(a->deprecated, 0);
		CU_ASSERT(prefix6_eq(&a->prefix[0], &had[n]));
	}
	world_check_quiet(&w);
	end();
}

/* the unsolicited response is lost: the next answer shows the other counter */
static void test_lma_restart_by_counter(void)
{
	begin(peers_cfg(4));
	attach_all(1);
	w.lma.silent = true;
	world_restart_lma(&w);
	world_run(&w, nsec_from_s(2));
	w.lma.silent = false;
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), 0);
	world_run(&w, nsec_from_s(INTERVAL + 3));
	CU_ASSERT_EQUAL(restarts, 1);
	CU_ASSERT_EQUAL(downs, 0);
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), w.cfg.n_nodes);
	CU_ASSERT_EQUAL(mag_count_of(0, "reregistered"), w.cfg.n_nodes);
	world_check_quiet(&w);
	end();
}

static void test_lma_restart_dual_gre(void)
{
	struct world_cfg cfg = peers_cfg(5);
	struct in_addr had[SIM_NODES];

	for (unsigned n = 0; n < SIM_NODES; n++)
		cfg.family[n] = n % 2 ? SIM_IPV4 : SIM_DUAL;
	for (unsigned i = 0; i < SIM_MAGS; i++)
		cfg.mag[i].gre = MAG_GRE_KEYS;
	cfg.mag[1].ip4 = true;
	cfg.mag[1].tlv = true;
	begin(cfg);
	attach_all(SIM_MAGS);
	for (unsigned n = 0; n < cfg.n_nodes; n++)
		had[n] = w.mag[n % SIM_MAGS].advert[n][0].home4.addr;
	world_restart_lma(&w);
	world_run(&w, nsec_from_s(5));
	for (unsigned n = 0; n < cfg.n_nodes; n++) {
		CU_ASSERT(lma_sends_to(n, (int)(n % SIM_MAGS)));
		CU_ASSERT_EQUAL(w.mag[n % SIM_MAGS].advert[n][0].home4.addr.s_addr, had[n].s_addr);
	}
	world_check_quiet(&w);
	end();
}

static void test_paced(void)
{
	struct world_cfg cfg = peers_cfg(6);

	cfg.n_nodes = SIM_NODES;
	cfg.reregister_rate = 2;
	begin(cfg);
	attach_all(1);
	world_restart_lma(&w);
	world_run(&w, nsec_from_s(1) + nsec_from_ms(50)); /* noticed by now */
	const size_t soon = lma_count(w.lma.lma);
	CU_ASSERT(soon <= 3);
	world_run(&w, nsec_from_s(1));
	CU_ASSERT(lma_count(w.lma.lma) <= soon + 2);
	world_run(&w, nsec_from_s(4));
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), SIM_NODES);
	world_check_quiet(&w);
	end();
}

/* nodes that go while they wait for their turn */
static void test_paced_and_gone(void)
{
	struct world_cfg cfg = peers_cfg(7);

	cfg.n_nodes = SIM_NODES;
	cfg.reregister_rate = 1;
	begin(cfg);
	attach_all(1);
	world_restart_lma(&w);
	world_run(&w, nsec_from_s(2));
	for (unsigned n = 0; n < SIM_NODES; n += 2)
		world_detach(&w, n, 0, true);
	world_run(&w, nsec_from_s(60));
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), SIM_NODES / 2);
	world_check_quiet(&w);
	end();
}

static void test_lma_silent(void)
{
	begin(peers_cfg(8));
	attach_all(1);
	w.lma.silent = true;
	world_run(&w, nsec_from_s(4 * INTERVAL - 2));
	CU_ASSERT_EQUAL(mag_sees(0), HB_UP);
	world_run(&w, nsec_from_s(INTERVAL + 20));
	CU_ASSERT_EQUAL(mag_sees(0), HB_DOWN);
	CU_ASSERT_EQUAL(mag_beats(0, "peer_down"), 1);
	/* served on */
	for (unsigned n = 0; n < w.cfg.n_nodes; n++)
		CU_ASSERT(w.mag[0].advert[n][0].on);
	w.lma.silent = false;
	world_run(&w, nsec_from_s(INTERVAL + 3));
	CU_ASSERT_EQUAL(mag_sees(0), HB_UP);
	CU_ASSERT_EQUAL(mag_count_of(0, "reregistered"), w.cfg.n_nodes);
	CU_ASSERT_EQUAL(restarts, 0);
	world_check_quiet(&w);
	end();
}

static void mag_cut(enum lma_orphans policy)
{
	struct world_cfg cfg = peers_cfg(9);

	cfg.on_mag_failure = policy;
	begin(cfg);
	attach_all(2);
	w.mag[0].cut = true;
	/* one of its nodes goes to another MAG meanwhile */
	world_run(&w, nsec_from_s(20));
	world_move(&w, 0, 0, 2, HI_BETWEEN_MAGS, NSEC_NEVER);
	world_run(&w, nsec_from_s(3 * INTERVAL));
	CU_ASSERT_EQUAL(lma_sees(0), HB_UP);
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), w.cfg.n_nodes);
	world_run(&w, nsec_from_s(2 * INTERVAL));
	CU_ASSERT_EQUAL(lma_sees(0), HB_DOWN);
	CU_ASSERT_EQUAL(lma_sees(1), HB_UP);
	CU_ASSERT(lma_sends_to(0, 2));
	CU_ASSERT(lma_sends_to(1, 1));
	CU_ASSERT_EQUAL(lma_sends_to(2, 0), policy == LMA_ORPHANS_HOLD);
	CU_ASSERT_EQUAL(lma_count_of("dropped_with_mag"), policy == LMA_ORPHANS_DROP);
	world_detach(&w, 2, 0, false);
	world_attach(&w, 2, 0, 0, HI_RESERVED);
	w.mag[0].cut = false;
	world_run(&w, nsec_from_s(2 * INTERVAL));
	CU_ASSERT_EQUAL(lma_sees(0), HB_UP);
	CU_ASSERT_EQUAL(mag_sees(0), HB_UP);
	CU_ASSERT(lma_sends_to(2, 0));
	end();
}

static void test_mag_cut_hold(void)
{
	mag_cut(LMA_ORPHANS_HOLD);
}

static void test_mag_cut_drop(void)
{
	mag_cut(LMA_ORPHANS_DROP);
}

static void one_way(bool mute)
{
	begin(peers_cfg(10));
	attach_all(1);
	w.mag[0].mute = mute;
	w.mag[0].deaf = !mute;
	world_run(&w, nsec_from_s(5 * INTERVAL + 20));
	/* no answer gets through, whichever way is broken */
	CU_ASSERT_EQUAL(lma_sees(0), HB_DOWN);
	CU_ASSERT_EQUAL(mag_sees(0), HB_DOWN);
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), w.cfg.n_nodes);
	w.mag[0].mute = w.mag[0].deaf = false;
	world_run(&w, nsec_from_s(INTERVAL + 3));
	CU_ASSERT_EQUAL(lma_sees(0), HB_UP);
	CU_ASSERT_EQUAL(mag_sees(0), HB_UP);
	CU_ASSERT_EQUAL(downs, 2);
	CU_ASSERT_EQUAL(ups, 2);
	world_check_quiet(&w);
	end();
}

static void test_mute(void)
{
	one_way(true);
}

static void test_deaf(void)
{
	one_way(false);
}

static void test_loss(void)
{
	struct world_cfg cfg = peers_cfg(11);

	cfg.loss_percent = 10;
	begin(cfg);
	attach_all(1);
	world_run(&w, nsec_from_s(100 * INTERVAL));
	CU_ASSERT(lma_beats("missed") > 0);
	CU_ASSERT_EQUAL(downs, ups);
	CU_ASSERT(downs <= 2); /* four of a fifth: 1 of 600 */
	end();
}

/* a restarted MAG knows of no node; those that show up again stay, the others go */
static void mag_restart(enum lma_orphans policy)
{
	struct world_cfg cfg = peers_cfg(12);

	cfg.on_mag_restart = policy;
	begin(cfg);
	attach_all(1);
	world_run(&w, nsec_from_s(2 * INTERVAL));
	world_restart_mag(&w, 0);
	world_run(&w, nsec_from_s(10));
	/* it has no bindings, so that it is the LMA that asks; nothing is dropped yet */
	CU_ASSERT_EQUAL(restarts, 1);
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), w.cfg.n_nodes);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	world_run(&w, nsec_from_s(55));
	CU_ASSERT(lma_sends_to(0, 0));
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), policy == LMA_ORPHANS_DROP ? 1 : w.cfg.n_nodes);
	CU_ASSERT_EQUAL(lma_count_of("dropped_with_mag"),
			policy == LMA_ORPHANS_DROP ? w.cfg.n_nodes - 1 : 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(w.lma.dp), lma_count(w.lma.lma));
	end();
}

static void test_mag_restart_drop(void)
{
	mag_restart(LMA_ORPHANS_DROP);
}

static void test_mag_restart_hold(void)
{
	mag_restart(LMA_ORPHANS_HOLD);
}

/* the restart is noticed late, when nodes are registered anew: these must not go */
static void test_mag_restart_noticed_late(void)
{
	begin(peers_cfg(13));
	attach_all(1);
	world_run(&w, nsec_from_s(INTERVAL / 2));
	w.mag[0].cut = true; /* loses the announcement */
	world_restart_mag(&w, 0);
	world_run(&w, nsec_from_s(2));
	w.mag[0].cut = false;
	for (unsigned n = 0; n < w.cfg.n_nodes; n++)
		world_attach(&w, n, 0, 0, HI_RESERVED);
	world_run(&w, nsec_from_s(2));
	CU_ASSERT_EQUAL(restarts, 0);
	world_run(&w, nsec_from_s(300));
	CU_ASSERT_EQUAL(restarts, 1);
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), w.cfg.n_nodes);
	CU_ASSERT_EQUAL(lma_count_of("dropped_with_mag"), 0);
	world_check_quiet(&w);
	end();
}

static void test_both_restart(void)
{
	begin(peers_cfg(14));
	attach_all(2);
	world_restart_lma(&w);
	world_restart_mag(&w, 0);
	for (unsigned n = 0; n < w.cfg.n_nodes; n += 2)
		world_attach(&w, n, 0, 0, HI_RESERVED);
	world_run(&w, nsec_from_s(200));
	for (unsigned n = 0; n < w.cfg.n_nodes; n++)
		CU_ASSERT(lma_sends_to(n, (int)(n % 2)));
	world_check_quiet(&w);
	end();
}

static void test_without_heartbeat(void)
{
	struct world_cfg cfg = peers_cfg(15);

	cfg.no_heartbeat[0] = true;
	cfg.on_mag_failure = LMA_ORPHANS_DROP;
	begin(cfg);
	attach_all(1);
	world_run(&w, nsec_from_s(20 * INTERVAL));
	CU_ASSERT_EQUAL(lma_sees(0), HB_UNSUPPORTED);
	CU_ASSERT_EQUAL(lma_beats("request_sent"), 1);
	CU_ASSERT_EQUAL(lma_beats("peer_down"), 0);
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), w.cfg.n_nodes);
	end();
}

/* A MAG that is configured and one that is not; the LMA answers the first alone. */
static void test_forged(void)
{
	struct mh_msg m = {.type = MH_HEARTBEAT};
	struct in6_addr stranger = w.lma.addr;
	uint8_t buf[64];
	struct packet p = {.data = buf};

	begin(peers_cfg(16));
	attach_all(1);
	stranger = w.lma.addr;
	stranger.s6_addr[15] = 99;
	p.src = stranger;
	p.dst = w.lma.addr;
	for (unsigned i = 0; i < 3; i++) {
		const unsigned n = w.messages;

		m.hb.flags = (uint16_t[]){0, MH_HB_R, MH_HB_R | MH_HB_U}[i];
		p.len = (size_t)mh_encode(&m, buf, sizeof(buf), &p.src, &p.dst);
		inbox_receive(&w.lma.inbox, &p, w.now);
		CU_ASSERT_EQUAL(w.messages, n);
	}
	CU_ASSERT_EQUAL(lma_beats("stranger"), 3);
	CU_ASSERT_EQUAL(lma_sees(0), HB_UP);
	world_check_quiet(&w);
	end();
}

const struct cu_test flows_peers[] = {
	{"B-1 B-2 RFC 5847 3: LMA and MAG ask each other while there is a binding",		    test_both_ask},
	{"B-9 RFC 5847 4: heartbeats over IPv4 in UDP",										      test_over_ip4},
	{"B-5 B-7 RFC 5847 3.2: an LMA lost everything: all nodes are back, their prefixes too",
	 test_lma_restart},
	{"B-5 RFC 5847 3.2: the next answer shows the restart when its announcement was lost",
	 test_lma_restart_by_counter},
	{"B-7 an LMA restarted: IPv4 addresses and GRE keys are registered anew",
	 test_lma_restart_dual_gre},
	{"B-7 nodes are registered anew at the rate of the configuration",								   test_paced},
	{"B-7 who leaves while it waits to be registered anew is not",		       test_paced_and_gone},
	{"B-3 RFC 5847 3.1: an LMA is silent: nodes are served on, and registered when it is back",
	 test_lma_silent},
	{"B-3 B-7 a MAG is cut off: its bindings are held by default",		       test_mag_cut_hold},
	{"B-3 B-7 a MAG is cut off: policy drops its bindings, and only those",				test_mag_cut_drop},
	{"B-3 only the way from the MAG is broken: both notice",										      test_mute},
	{"B-3 only the way to the MAG is broken: both notice",									test_deaf},
	{"B-3 some loss is no failure",				test_loss},
	{"B-7 a MAG restarted: bindings it does not register again go after the grace",
	 test_mag_restart_drop},
	{"B-7 a MAG restarted: policy holds its bindings",					   test_mag_restart_hold},
	{"B-7 bindings that may be of the MAG's new life stay",					test_mag_restart_noticed_late},
	{"LMA and MAG restart together",										      test_both_restart},
	{"B-8 RFC 5847 3: a MAG that knows no heartbeats is asked once and nothing follows",
	 test_without_heartbeat},
	{"strangers' heartbeats change nothing and get no answer",							   test_forged},
	{0										     },
};
