/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random lives of a domain. A seed decides everything: the network's manners, clocks, the pool, and
 * what every node does. After the last move the network is made good and everything comes to rest;
 * then LMA and MAGs must agree. */
#include "sim/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/world.h"

static struct world_cfg random_cfg(uint64_t seed)
{
	struct world_cfg c = world_defaults(seed);
	struct world dice = {.rng = seed ^ 0x5eed};

	c.n_nodes = 1 + world_below(&dice, SIM_NODES);
	c.lifetime_s = 20 + 4 * world_below(&dice, 30);
	c.loss_percent = world_below(&dice, 3) ? world_below(&dice, 40) : 0;
	c.dup_percent = world_below(&dice, 3) ? world_below(&dice, 30) : 0;
	c.min_delay_us = 100 + world_below(&dice, 5000);
	/* sometimes so wide that messages overtake each other */
	c.max_delay_us =
		c.min_delay_us + (world_below(&dice, 2) ? world_below(&dice, 150000) : 1000);
	for (int i = 0; i < SIM_MAGS; i++)
		c.skew_ms[i] = (int)world_below(&dice, 201) - 100;
	c.sequence_mode = world_below(&dice, 8) == 0;
	c.no_hold = world_below(&dice, 4) == 0;
	return c;
}

/* Families, transports and encapsulations, of dice of their own: a quarter of the seeds has none.
 */
static void add_ipv4(struct world_cfg *c)
{
	struct world dice = {.rng = c->seed ^ 0x4444};
	const bool all_keys = world_below(&dice, 3) == 0;
	bool all_gre = true;

	/* sometimes not enough for everybody */
	if (world_below(&dice, 4) == 0)
		c->pool4_bits = 3;
	for (unsigned n = 0; n < c->n_nodes; n++) {
		c->family[n] = (enum sim_family)world_below(&dice, 3);
		c->static4[n] =
			c->family[n] != SIM_IPV6 && c->pool4_bits > 3 && world_below(&dice, 4) == 0;
	}
	for (int i = 0; i < SIM_MAGS; i++) {
		struct sim_mag_cfg *m = &c->mag[i];

		m->ip4 = world_below(&dice, 2);
		m->force_udp = world_below(&dice, 3) == 0;
		m->gre = all_keys ? MAG_GRE_KEYS : (enum mag_gre)world_below(&dice, 3);
		m->tlv = world_below(&dice, 2) && m->gre != MAG_GRE_NONE;
		all_gre &= m->gre != MAG_GRE_NONE;
	}
	c->tlv = world_below(&dice, 2);
	c->full = world_below(&dice, 2);
	c->dhcp_relay = world_below(&dice, 2);
	if (all_gre && world_below(&dice, 3) == 0)
		c->gre = LMA_GRE_REQUIRE;
	else if (world_below(&dice, 5) == 0)
		c->gre = LMA_GRE_REFUSE;
	c->moody = !all_keys && world_below(&dice, 2);
	for (unsigned n = 0; n < c->n_nodes; n++)
		c->office[n] = all_keys && c->gre != LMA_GRE_REFUSE && world_below(&dice, 2);
}

/* Who notices whose end, and what follows. Some have no heartbeats, and have to do without. */
static void add_deaths(struct world_cfg *c)
{
	struct world dice = {.rng = c->seed ^ 0xdead};

	c->mortal = true;
	c->keeps = world_below(&dice, 4);
	c->store = world_below(&dice, 4);
	c->window_ms = world_below(&dice, 2) ? 1 + world_below(&dice, 500) : 0;
	c->disk_us = world_below(&dice, 2) ? world_below(&dice, 2000) : world_below(&dice, 500000);
	c->heartbeat_s = world_below(&dice, 4) ? 5 + world_below(&dice, 40) : 0;
	c->on_mag_failure = (enum lma_orphans)world_below(&dice, 2);
	c->on_mag_restart = (enum lma_orphans)world_below(&dice, 2);
	c->mag_restart_grace_s = world_below(&dice, 60);
	c->reregister_rate = world_below(&dice, 3);
	for (int i = 0; i < SIM_MAGS; i++)
		c->no_heartbeat[i] = world_below(&dice, 6) == 0;
}

/* Who knows revocation, and who may revoke everything. */
static void add_revocations(struct world_cfg *c)
{
	struct world dice = {.rng = c->seed ^ 0x5846};

	c->revokes = true;
	for (int i = 0; i < SIM_MAGS; i++) {
		c->no_revocation[i] = world_below(&dice, 8) == 0;
		c->may_revoke[i] = world_below(&dice, 2);
	}
}

static int other_mag(struct world *w, int mag)
{
	const int step = 1 + (int)world_below(w, SIM_MAGS - 1);

	return mag == SIM_NOWHERE ? (int)world_below(w, SIM_MAGS) : (mag + step) % SIM_MAGS;
}

static nsec_t random_late(struct world *w)
{
	switch (world_below(w, 4)) {
	case 0:
		return 0;
	case 1:
		return nsec_from_ms(world_below(w, 50));
	case 2:
		return nsec_from_ms(world_below(w, 5000));
	default:
		return NSEC_NEVER;
	}
}

/*
 * The node's DHCP client starts, or gives its address back. Not the one of a profile: a MAG that
 * the node comes to then asks for it by name, and of no session that has it (RFC 5844 3.1.2.7).
 */
static void dhcp(struct world *w, unsigned n, unsigned i)
{
	const struct sim_advert *a = &w->mag[w->node[n].at[i]].advert[n][i];

	if (a->on && home4_is_set(&a->home4) && !w->cfg.static4[n] && world_below(w, 2))
		world_release_ipv4(w, n, i);
	else
		world_ask_ipv4(w, n, i);
}

/* Its MAGs help each other; false: it goes like any other. */
static bool roam_fast(struct world *w, unsigned n, unsigned i)
{
	const int at = w->node[n].at[i], to = other_mag(w, at);

	switch (world_below(w, 5)) {
	case 0: /* announced, and does not go yet */
		world_hand_over(w, n, i, to);
		return true;
	case 1: /* goes when the MAGs are ready, or before */
		world_hand_over(w, n, i, to);
		world_run(w, nsec_from_ms(world_below(w, 200)));
		if (w->node[n].at[i] != at)
			return true;
		world_detach(w, n, i, world_below(w, 2));
		world_run(w, nsec_from_ms(world_below(w, 500)));
		world_attach(w, n, i, world_below(w, 4) ? to : other_mag(w, to), HI_RESERVED);
		return true;
	case 2: /* gone, and its new MAG knows where it was */
		world_detach(w, n, i, world_below(w, 2));
		world_attach_from(w, n, i, to, at);
		return true;
	default:
		return false;
	}
}

/* One thing that a node does. */
static void act(struct world *w)
{
	const unsigned n = world_below(w, w->cfg.n_nodes);
	/* an IPv4 address of the profile is for one session at a time */
	const unsigned i = world_below(w, 8) == 0 && !w->cfg.static4[n];
	struct sim_node *sn = &w->node[n];
	const int at = sn->at[i], other = sn->at[!i];

	if (w->cfg.family[n] != SIM_IPV6 && at != SIM_NOWHERE && world_below(w, 5) == 0) {
		dhcp(w, n, i);
		return;
	}
	switch (world_below(w, 10)) {
	case 0: /* leaves, and the MAG notices or not */
		if (at != SIM_NOWHERE)
			world_detach(w, n, i, world_below(w, 2));
		break;
	case 1: /* the session moves between two interfaces of the node */
		if (at == SIM_NOWHERE && other != SIM_NOWHERE) {
			const int mag = other_mag(w, other);

			world_detach(w, n, !i, false);
			world_attach(w, n, i, mag, HI_BETWEEN_INTERFACES);
		}
		break;
	case 2: /* shows up where it already is */
		if (at != SIM_NOWHERE)
			world_attach(w, n, i, at, HI_RESERVED);
		break;
	case 3: /* a second interface with a session of its own */
		if (at == SIM_NOWHERE)
			world_attach(w, n, i, other_mag(w, other),
				     w->cfg.static4[n] ? HI_RESERVED : HI_NEW_INTERFACE);
		break;
	default: /* roams */
		if (w->cfg.fast && at != SIM_NOWHERE && roam_fast(w, n, i))
			break;
		world_move(w, n, i, other_mag(w, at),
			   world_below(w, 2) ? HI_BETWEEN_MAGS : HI_RESERVED, random_late(w));
	}
}

/* A host speaks sooner or later: a MAG that has lost sight of it hears of it again. */
static void everybody_speaks(struct world *w)
{
	for (unsigned n = 0; n < w->cfg.n_nodes; n++)
		for (unsigned i = 0; i < SIM_IFACES; i++)
			if (w->node[n].at[i] == SIM_NOWHERE)
				continue;
			else if (w->cfg.family[n] == SIM_IPV6)
				world_attach(w, n, i, w->node[n].at[i], HI_RESERVED);
			else
				world_ask_ipv4(w, n, i);
}

/* DHCP clients ask for as long as they have no address. */
static void clients_ask(struct world *w)
{
	for (unsigned n = 0; n < w->cfg.n_nodes; n++) {
		for (unsigned i = 0; i < SIM_IFACES; i++) {
			const int at = w->node[n].at[i];

			if (at != SIM_NOWHERE && w->cfg.family[n] != SIM_IPV6 &&
			    !home4_is_set(&w->mag[at].advert[n][i].home4))
				world_ask_ipv4(w, n, i);
		}
	}
}

/* The operator thinks otherwise. */
static void change_policy(struct world *w, int mag)
{
	struct sim_mag_cfg *m = &w->cfg.mag[mag];

	m->force_udp = world_below(w, 2);
	m->gre = (enum mag_gre)world_below(w, 3);
	m->tlv = world_below(w, 2);
	w->cfg.gre = (enum lma_gre)world_below(w, 3);
	w->cfg.tlv = world_below(w, 2);
	w->cfg.dhcp_relay = world_below(w, 2);
	world_reload(w);
}

static void refuse_once(struct world *w, int mag)
{
	struct dp_fake *dp = world_below(w, 2) ? w->lma.dp : w->mag[mag].dp;

	dp_fake_fail(dp, (enum dp_fake_op)world_below(w, DP_FAKE_OP_MAX), 1 + world_below(w, 2),
		     ENOSPC);
}

static void trouble(struct world *w)
{
	const int mag = (int)world_below(w, SIM_MAGS);

	switch (world_below(w, 12)) {
	case 0:
		w->lma.silent = !w->lma.silent;
		break;
	case 1:
		w->mag[mag].cut = !w->mag[mag].cut;
		break;
	case 2:
		world_drop_in_flight(w);
		everybody_speaks(w);
		break;
	case 3:
	case 4:
		if (w->cfg.full)
			refuse_once(w, mag);
		break;
	case 5:
	case 6:
	case 7:
		if (w->cfg.moody)
			change_policy(w, mag);
		break;
	default:
		w->lma.silent = false;
	}
}

/* At once, with more or less than what is usual. */
static void restart(struct world *w, int who)
{
	world_kill(w, who);
	world_start(w, who, world_below(w, 3) ? w->cfg.keeps : world_below(w, 4));
}

static void kill_at(struct world *w, int who)
{
	world_kill_at(w, who, 1 + world_below(w, 40));
	if (world_below(w, 4) == 0)
		world_kill_again_at(w, who, 1 + world_below(w, 20));
}

/* Something dies, or can only speak, or only hear. */
static void death(struct world *w)
{
	const int mag = (int)world_below(w, SIM_MAGS);

	w->down_time =
		nsec_from_ms(world_below(w, 2) ? world_below(w, 2000) : world_below(w, 90000));
	switch (world_below(w, 12)) {
	case 0:
		restart(w, SIM_LMA);
		break;
	case 1:
		restart(w, mag);
		break;
	case 2:
		restart(w, SIM_LMA);
		for (int i = 0; i < SIM_MAGS; i++)
			if (world_below(w, 2))
				restart(w, i);
		break;
	case 3:
	case 4:
		w->mag[mag].mute = !w->mag[mag].mute;
		break;
	case 5:
	case 6:
		w->mag[mag].deaf = !w->mag[mag].deaf;
		break;
	case 7:
		for (int i = 0; i < SIM_MAGS; i++)
			w->mag[i].mute = w->mag[i].deaf = w->mag[i].cut = false;
		break;
	case 8: /* in the middle of something, sooner or later */
	case 9:
		kill_at(w, mag);
		break;
	default:
		kill_at(w, SIM_LMA);
	}
}

/* An operator ends something, at the LMA or at a MAG. */
static void revocation(struct world *w)
{
	static const uint8_t triggers[] = {BR_UNSPECIFIED,	BR_ADMINISTRATIVE,
					   BR_USER_TERMINATION, BR_NETWORK_TERMINATION,
					   BR_OUT_OF_SYNC,	BR_OUT_OF_SYNC};
	const struct sim_node *sn = &w->node[world_below(w, w->cfg.n_nodes)];
	const int mag = (int)world_below(w, SIM_MAGS);
	char name[8];
	const struct lma_revoke_order o = {
		.id = {MNID_NAI, (uint8_t)strlen(sn->name), (const uint8_t *)sn->name},
		.ipv4_only = world_below(w, 4) == 0,
		.trigger = triggers[world_below(w, sizeof(triggers))],
	};

	switch (world_below(w, 12)) {
	case 0:
		if (world_is_up(w, mag))
			(void)mag_revoke_all(w->mag[mag].mag, NULL, w->now);
		break;
	case 1:
		snprintf(name, sizeof(name), "mag%d", mag);
		if (world_is_up(w, SIM_LMA))
			(void)lma_revoke_all(w->lma.lma, name, NULL, w->now);
		break;
	case 2:
		if (world_is_up(w, SIM_LMA))
			(void)lma_revoke_all(w->lma.lma, NULL, "example.com", w->now);
		break;
	default:
		if (world_is_up(w, SIM_LMA))
			(void)lma_revoke(w->lma.lma, &o, w->now);
	}
}

/* Nobody stays barred. */
static void operator_relents(struct world *w)
{
	for (unsigned n = 0; n < w->cfg.n_nodes; n++)
		for (unsigned i = 0; i < SIM_IFACES; i++)
			if (w->node[n].at[i] != SIM_NOWHERE)
				world_order(w, n, i);
}

static void calm(struct world *w)
{
	w->lma.silent = false;
	for (int i = 0; i < SIM_MAGS; i++)
		w->mag[i].cut = w->mag[i].mute = w->mag[i].deaf = false;
	for (int who = 0; who < SIM_MAGS; who++)
		world_spare(w, who);
	world_spare(w, SIM_LMA);
	for (int op = 0; op < DP_FAKE_OP_MAX; op++) {
		dp_fake_fail(w->lma.dp, (enum dp_fake_op)op, 0, 0);
		for (int i = 0; i < SIM_MAGS; i++)
			dp_fake_fail(w->mag[i].dp, (enum dp_fake_op)op, 0, 0);
	}
	w->cfg.loss_percent = w->cfg.dup_percent = 0;
	w->cfg.max_delay_us = w->cfg.min_delay_us + 1000;
}

int sim_random(uint64_t seed, unsigned with, bool trace, unsigned *messages)
{
	static struct world w; /* large */
	struct world_cfg cfg = random_cfg(seed);
	const unsigned moves = 20;
	uint32_t rest_s = 3 * cfg.lifetime_s + 200;
	int rc = 0;

	cfg.trace = trace;
	if (with & SIM_WITH_IPV4)
		add_ipv4(&cfg);
	if (with & SIM_WITH_DEATHS)
		add_deaths(&cfg);
	if (with & SIM_WITH_REVOCATIONS)
		add_revocations(&cfg);
	cfg.fast = with & SIM_WITH_FAST;
	world_init(&w, &cfg);
	for (unsigned k = 0; k < moves && !w.broken[0]; k++) {
		act(&w);
		if (world_below(&w, 4) == 0)
			trouble(&w);
		if (w.cfg.mortal && world_below(&w, 4) == 0)
			death(&w);
		if (w.cfg.revokes && world_below(&w, 3) == 0)
			revocation(&w);
		/* now and then the next move comes while the last is still under way */
		world_run(&w, world_below(&w, 3) ? nsec_from_ms(world_below(&w, 20))
						 : nsec_from_ms(world_below(&w, 8000)));
	}
	calm(&w);
	for (int k = 0; k < 8; k++) {
		world_run(&w, nsec_from_s(20));
		if (w.cfg.revokes && k == 4)
			operator_relents(&w);
		everybody_speaks(&w);
	}
	/* longer than a lifetime, the deletion delay, and the longest back-off together, which is
	 * longer where a pool was used up */
	if (w.cfg.pool4_bits <= 3)
		rest_s += 600;
	for (uint32_t s = 0; s < rest_s; s += 50) {
		world_run(&w, nsec_from_s(50));
		clients_ask(&w);
	}
	world_run(&w, nsec_from_s(50));
	if (!w.broken[0])
		world_check_quiet(&w);
	if (w.broken[0]) {
		printf("seed %llu: at %.3f s: %s\n", (unsigned long long)seed, (double)w.now / 1e9,
		       w.broken);
		rc = -1;
	}
	*messages += w.messages;
	world_free(&w);
	return rc;
}
