/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every procedure, in which LMA or MAG is killed at every single thing that it does: each message,
 * each change of its data plane, each word to a node, each batch for its disk. It starts again with
 * what it has kept. When all is quiet, both ends agree, as ever; and what a disk has kept is what
 * was acknowledged.
 */
#include <string.h>

#include "sim/flows.h"
#include "sim/world.h"

#define DEEDS_MAX 200

static struct world w;
static unsigned runs; /* of all procedures */
bool flows_death_quick;

/* ---- procedures */

static void settle(unsigned seconds)
{
	world_run(&w, nsec_from_s(seconds));
}

static void nothing(void)
{
}

static void attach(void)
{
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle(3);
}

static void refresh(void)
{
	settle(w.cfg.lifetime_s);
}

static void hand_over(void)
{
	world_move(&w, 0, 0, 1, HI_BETWEEN_MAGS, nsec_from_ms(5));
	settle(15);
}

/* the old MAG says that it left first; the new one does not know what to say of it */
static void leave_and_come(void)
{
	world_detach(&w, 0, 0, true);
	world_run(&w, nsec_from_ms(4));
	world_attach(&w, 0, 0, 1, HI_RESERVED);
	settle(15);
}

static void leave(void)
{
	world_detach(&w, 0, 0, true);
	settle(15);
}

static void expire(void)
{
	w.mag[0].cut = true;
	world_detach(&w, 0, 0, false);
	settle(w.cfg.lifetime_s + 5);
	w.mag[0].cut = false;
}

static void change_interface(void)
{
	world_detach(&w, 0, 0, false);
	world_attach(&w, 0, 1, 1, HI_BETWEEN_INTERFACES);
	settle(15);
}

static void ask_ipv4(void)
{
	world_ask_ipv4(&w, 0, 0);
	settle(3);
}

static void release_ipv4(void)
{
	world_release_ipv4(&w, 0, 0);
	settle(15);
}

static void attach_and_release(void)
{
	attach();
	release_ipv4();
}

static void reload(void)
{
	w.cfg.gre = LMA_GRE_REFUSE;
	world_reload(&w);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle(15);
}

/* Not for ever: the node may come back. */
static void revoke(void)
{
	const char *name = w.node[0].name;
	const struct lma_revoke_order o = {
		.id = {MNID_NAI, (uint8_t)strlen(name), (const uint8_t *)name},
		.trigger = BR_OUT_OF_SYNC,
	};

	if (world_is_up(&w, SIM_LMA))
		(void)lma_revoke(w.lma.lma, &o, w.now);
	settle(15);
}

static void revoke_all(void)
{
	if (world_is_up(&w, SIM_LMA))
		(void)lma_revoke_all(w.lma.lma, "mag0", NULL, w.now);
	settle(15);
}

static void revoke_all_at_mag(void)
{
	if (world_is_up(&w, 0))
		(void)mag_revoke_all(w.mag[0].mag, NULL, w.now);
	settle(15);
}

/* The node is announced to its new MAG, and then goes there (RFC 5949 3.1). */
static void hand_over_fast(void)
{
	world_hand_over(&w, 0, 0, 1);
	world_run(&w, nsec_from_ms(60));
	if (w.node[0].at[0] == 0) {
		world_detach(&w, 0, 0, true);
		world_run(&w, nsec_from_ms(20));
		world_attach(&w, 0, 0, 1, HI_RESERVED);
	}
	settle(15);
}

/* It is announced, and stays. */
static void hand_over_in_vain(void)
{
	world_hand_over(&w, 0, 0, 1);
	settle(15);
}

/* It is gone before anybody knew, and its new MAG asks the old one (RFC 5949 3.2). */
static void hand_over_reactive(void)
{
	world_detach(&w, 0, 0, false);
	world_run(&w, nsec_from_ms(20));
	world_attach_from(&w, 0, 0, 1, 0);
	settle(15);
}

/* There and back, before the first one is over. */
static void hand_over_and_back(void)
{
	world_hand_over(&w, 0, 0, 1);
	world_run(&w, nsec_from_ms(60));
	world_detach(&w, 0, 0, true);
	world_run(&w, nsec_from_ms(20));
	world_attach(&w, 0, 0, 1, HI_RESERVED);
	world_run(&w, nsec_from_ms(40));
	world_detach(&w, 0, 0, true);
	world_attach_from(&w, 0, 0, 0, 1);
	settle(15);
}

static const struct procedure {
	const char *name;
	void (*before)(void), (*run)(void);
	bool fast;
} procedures[] = {
	{"attach",		     nothing,	    attach		  },
	{"refresh",		    attach,		    refresh	   },
	{"handover",		     attach,	     hand_over	      },
	{"handover, unknown",	      attach,	      leave_and_come   },
	{"leave",		      attach,		  leave	       },
	{"expire",		     attach,		   expire		 },
	{"change of interface",	attach,		change_interface },
	{"address asked for",	      attach_and_release, ask_ipv4	  },
	{"address given back",	       attach,	       release_ipv4	   },
	{"revocation",		       attach,	       revoke	     },
	{"revocation of all of a MAG", attach,	       revoke_all	 },
	{"revocation of all by a MAG", attach,	       revoke_all_at_mag},
	{"change of policy",	     attach,	     reload	   },
	{"fast handover",	      attach,	      hand_over_fast,    true},
	{"fast handover in vain",     attach,	      hand_over_in_vain, true},
	{"reactive fast handover",    attach,	      hand_over_reactive, true},
	{"fast handover and back",    attach,	      hand_over_and_back, true},
};

/* ---- deaths */

static struct world_cfg death_cfg(uint64_t seed, bool dual)
{
	struct world_cfg cfg = world_defaults(seed);

	cfg.n_nodes = 2;
	cfg.heartbeat_s = 30;
	cfg.mag_restart_grace_s = 30;
	cfg.store = true;
	cfg.revokes = true;
	cfg.disk_us = 5000;
	for (unsigned n = 0; dual && n < cfg.n_nodes; n++)
		cfg.family[n] = SIM_DUAL;
	for (int i = 0; dual && i < SIM_MAGS; i++)
		cfg.mag[i].gre = MAG_GRE_KEYS;
	return cfg;
}

static void speak(void)
{
	for (unsigned n = 0; n < w.cfg.n_nodes; n++)
		for (unsigned i = 0; i < SIM_IFACES; i++)
			if (w.node[n].at[i] == SIM_NOWHERE)
				continue;
			else if (w.cfg.family[n] == SIM_IPV6)
				world_attach(&w, n, i, w.node[n].at[i], HI_RESERVED);
			else
				world_ask_ipv4(&w, n, i);
}

/* Killed at deed n, and again at deed `again` of the start that follows. Returns how often it died.
 */
static unsigned die_at(const struct world_cfg *cfg, const struct procedure *p, int who, unsigned n,
		       unsigned again, unsigned keeps)
{
	unsigned deaths;

	runs++;
	world_init(&w, cfg);
	w.cfg.keeps = keeps;
	w.down_time = nsec_from_ms(100 + 700 * (n % 7));
	/* somebody else is there all the time */
	world_attach(&w, 1, 0, 0, HI_RESERVED);
	p->before();
	settle(1);
	world_kill_at(&w, who, n);
	if (again)
		world_kill_again_at(&w, who, again);
	p->run();
	deaths = w.deaths;
	world_spare(&w, who);
	settle(20);
	for (unsigned k = 0; k < 2; k++) {
		speak();
		settle(20);
	}
	settle(2 * cfg->lifetime_s + 50);
	speak();
	settle(20);
	if (!w.broken[0])
		world_check_quiet(&w);
	if (w.broken[0]) {
		printf("\n%s, %s of %d killed at deed %u, keeps %u: %s ", p->name,
		       w.cfg.family[0] == SIM_DUAL ? "dual-stack" : "IPv6", who, n, keeps,
		       w.broken);
		CU_FAIL(w.broken);
	}
	world_free(&w);
	return deaths;
}

static void die_everywhere(int who, unsigned keeps)
{
	for (unsigned dual = 0; dual < 2; dual++) {
		for (size_t i = 0; i < sizeof(procedures) / sizeof(procedures[0]); i++) {
			struct world_cfg cfg = death_cfg(100 + i, dual);
			const unsigned step = flows_death_quick ? 3 : 1;
			unsigned n = 1 + (unsigned)i % step;

			cfg.fast = procedures[i].fast;
			while (n < DEEDS_MAX && die_at(&cfg, &procedures[i], who, n, 0, keeps))
				n += step;
			CU_ASSERT(n < DEEDS_MAX);
		}
	}
}

/* At every thing that a start does. */
static void die_twice(int who, unsigned keeps)
{
	for (unsigned dual = 0; dual < 2; dual++) {
		for (size_t i = 1; i < sizeof(procedures) / sizeof(procedures[0]); i += 2) {
			struct world_cfg cfg = death_cfg(200 + i, dual);
			const unsigned step = flows_death_quick ? 3 : 1;
			unsigned again = 1 + (unsigned)i % step;

			cfg.fast = procedures[i].fast;
			while (again < DEEDS_MAX &&
			       die_at(&cfg, &procedures[i], who, 2, again, keeps) > 1)
				again += step;
			CU_ASSERT(again < DEEDS_MAX);
		}
	}
}

static void test_twice(void)
{
	die_twice(SIM_LMA, SIM_KEEPS_ALL);
	die_twice(SIM_LMA, SIM_KEEPS_NOTHING);
	die_twice(0, SIM_KEEPS_ALL);
	die_twice(0, SIM_KEEPS_DISK);
	printf("%u runs ", runs);
}

static void test_lma_keeps_nothing(void)
{
	die_everywhere(SIM_LMA, SIM_KEEPS_NOTHING);
}

static void test_lma_keeps_data_plane(void)
{
	die_everywhere(SIM_LMA, SIM_KEEPS_DATA_PLANE);
}

static void test_lma_keeps_disk(void)
{
	die_everywhere(SIM_LMA, SIM_KEEPS_DISK);
}

static void test_lma_keeps_all(void)
{
	die_everywhere(SIM_LMA, SIM_KEEPS_ALL);
}

static void test_mag_keeps_disk(void)
{
	die_everywhere(0, SIM_KEEPS_DISK);
	die_everywhere(1, SIM_KEEPS_DISK);
}

static void test_mag_keeps_all(void)
{
	die_everywhere(0, SIM_KEEPS_ALL);
	die_everywhere(1, SIM_KEEPS_ALL);
}

static void test_mag_keeps_nothing(void)
{
	die_everywhere(0, SIM_KEEPS_NOTHING);
	die_everywhere(1, SIM_KEEPS_NOTHING);
}

static void test_mag_keeps_data_plane(void)
{
	die_everywhere(0, SIM_KEEPS_DATA_PLANE);
}

/* ---- what was ordered, or told */

static bool has_binding(unsigned node)
{
	struct lma_binding b;

	return world_binding(&w, node, 0, &b);
}

static bool is_at_mag0(const char *state)
{
	struct mag_binding b;

	return world_update(&w, 0, 0, 0, &b) && !strcmp(b.state, state);
}

/* MAG 0 hears nothing, the LMA dies so much later, and by then MAG 0 hears again. */
static void lma_dies_after(nsec_t wait, unsigned keeps)
{
	world_run(&w, wait);
	world_kill(&w, SIM_LMA);
	world_run(&w, nsec_from_ms(200));
	w.mag[0].deaf = false;
	world_start(&w, SIM_LMA, keeps);
}

static void over(void)
{
	world_check(&w);
	CU_ASSERT_STRING_EQUAL(w.broken, "");
	world_free(&w);
}

/*
 * An operator's revocation has not reached its MAG when the LMA dies: once it is on disk, no
 * refresh brings the binding back, and the MAG hears of it.
 */
static void test_order_survives(void)
{
	static const unsigned after_ms[] = {10, 300, 1200, 2500};
	static const unsigned keeps[] = {SIM_KEEPS_DISK, SIM_KEEPS_ALL};

	for (unsigned i = 0; i < 16; i++) {
		const struct world_cfg cfg = death_cfg(300 + i, i & 1);
		const char *name = w.node[0].name;
		struct lma_revoke_order o = {.trigger = BR_ADMINISTRATIVE};

		world_init(&w, &cfg);
		attach();
		o.id = (struct mnid){MNID_NAI, (uint8_t)strlen(name), (const uint8_t *)name};
		w.mag[0].deaf = true;
		CU_ASSERT_EQUAL(lma_revoke(w.lma.lma, &o, w.now), 1);
		lma_dies_after(nsec_from_ms(after_ms[i / 4]), keeps[i / 2 % 2]);
		/* the node says something, and is refreshed */
		world_attach(&w, 0, 0, 0, HI_RESERVED);
		settle(1);
		CU_ASSERT_FALSE(has_binding(0));
		CU_ASSERT(is_at_mag0("BARRED"));
		settle(15);
		CU_ASSERT_FALSE(has_binding(0));
		/* nor does the MAG's own death */
		world_kill(&w, 0);
		world_start(&w, 0, keeps[i / 2 % 2]);
		world_attach(&w, 0, 0, 0, HI_RESERVED);
		settle(60);
		CU_ASSERT(is_at_mag0("BARRED"));
		CU_ASSERT_FALSE(has_binding(0));
		over();
	}
}

/* The MAG that the node left without its noticing is told after all. */
static void test_owed_survives(void)
{
	static const unsigned after_ms[] = {10, 300, 1200, 2500};

	for (unsigned i = 0; i < 8; i++) {
		const struct world_cfg cfg = death_cfg(320 + i, i & 1);

		world_init(&w, &cfg);
		attach();
		w.mag[0].deaf = true;
		world_move(&w, 0, 0, 1, HI_BETWEEN_MAGS, NSEC_NEVER);
		world_run(&w, nsec_from_ms(20));
		lma_dies_after(nsec_from_ms(after_ms[i / 2]), SIM_KEEPS_DISK);
		settle(2);
		CU_ASSERT(has_binding(0));
		CU_ASSERT_FALSE(is_at_mag0("ACTIVE"));
		over();
	}
}

/* All bindings of a MAG: as many as there were when it was ordered end. */
static void test_global_order_survives(void)
{
	static const unsigned after_ms[] = {10, 300, 1200, 2500};

	for (unsigned i = 0; i < 8; i++) {
		const struct world_cfg cfg = death_cfg(340 + i, i & 1);

		world_init(&w, &cfg);
		world_attach(&w, 1, 0, 0, HI_RESERVED);
		attach();
		w.mag[0].deaf = true;
		CU_ASSERT_EQUAL(lma_revoke_all(w.lma.lma, "mag0", NULL, w.now), 1);
		lma_dies_after(nsec_from_ms(after_ms[i / 2]), SIM_KEEPS_DISK);
		settle(2);
		CU_ASSERT_FALSE(has_binding(0) || has_binding(1));
		CU_ASSERT(is_at_mag0("REJECTED"));
		settle(2 * cfg.lifetime_s + 50);
		speak();
		settle(20);
		world_check_quiet(&w);
		over();
	}
}

const struct cu_test flows_death[] = {
	{"an order to revoke survives the LMA, and so does the bar at the MAG", test_order_survives},
	{"the MAG that a node left is told, though the LMA died", test_owed_survives},
	{"a global revocation survives the LMA", test_global_order_survives},
	{"the LMA dies anywhere and has nothing left", test_lma_keeps_nothing},
	{"the LMA dies anywhere, only its data plane is left",					       test_lma_keeps_data_plane},
	{"the LMA dies anywhere, its disk is left",test_lma_keeps_disk},
	{"the LMA dies anywhere, its disk and data plane are left",    test_lma_keeps_all},
	{"a MAG dies anywhere, its disk is left",						  test_mag_keeps_disk},
	{"a MAG dies anywhere, its disk and data plane are left",			  test_mag_keeps_all},
	{"a MAG dies anywhere and has nothing left",	     test_mag_keeps_nothing},
	{"a MAG dies anywhere, only its data plane is left",					     test_mag_keeps_data_plane},
	{"who dies while it starts again has lost no more by that",    test_twice},
	{0  },
};
