/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/world_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

bool world_trace;

struct world_cfg world_defaults(uint64_t seed)
{
	return (struct world_cfg){
		.seed = seed,
		.n_nodes = 4,
		.lifetime_s = 60,
		.min_delay_us = 1000,
		.max_delay_us = 3000,
		.pool_bits = 8,
		.pool4_bits = 8,
		.trace = world_trace,
		.gre = LMA_GRE_ACCEPT,
		.tlv = true,
	};
}

/* splitmix64 */
uint64_t world_random(struct world *w)
{
	uint64_t z = (w->rng += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

unsigned world_below(struct world *w, unsigned n)
{
	return (unsigned)(world_random(w) % n);
}

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	if (addr_parse(s, &a))
		abort();
	return a;
}

/* ---- roles */

static void to_lma(void *ctx, const struct packet *p, const struct mh_msg *m, nsec_t now)
{
	lma_receive(((struct sim_lma *)ctx)->lma, p, m, now);
}

static void to_mag(void *ctx, const struct packet *p, const struct mh_msg *m, nsec_t now)
{
	mag_receive(((struct sim_mag *)ctx)->mag, p, m, now);
}

static void emit(void *ctx, const struct event *ev)
{
	struct world *w = ctx;

	if (w->on_event)
		w->on_event(w, ev);
}

static struct prefix4 network4(const struct world *w)
{
	return (struct prefix4){.addr = {htonl(0x0a090000)},
				.len = (uint8_t)(32 - w->cfg.pool4_bits)};
}

static void init_pools4(struct world *w, struct lma_cfg *c)
{
	bool office = false;

	for (unsigned n = 0; n < w->cfg.n_nodes; n++)
		office |= w->cfg.office[n];
	for (unsigned i = 0; i < 2; i++)
		w->pool4[i].prefix = network4(w);
	snprintf(w->pool4[0].name, sizeof(w->pool4[0].name), "home");
	snprintf(w->pool4[1].name, sizeof(w->pool4[1].name), "office");
	w->pool4[1].domain = SIM_OFFICE;
	c->pools4 = w->pool4;
	c->n_pools4 = office ? 2 : 1;
}

static void fill_lma_cfg(struct world *w)
{
	struct lma_cfg *c = &w->lma_cfg;

	snprintf(w->pool.name, sizeof(w->pool.name), "default");
	w->pool.prefix.addr = addr("2001:db8:100::");
	w->pool.prefix.len = (uint8_t)(64 - w->cfg.pool_bits);
	for (int i = 0; i < SIM_MAGS; i++) {
		snprintf(w->mag_peers[i].name, sizeof(w->mag_peers[i].name), "mag%d", i);
		w->mag_peers[i].addr = w->mag[i].addr;
		w->mag_peers[i].may_revoke = w->cfg.may_revoke[i];
	}
	c->addrs[0] = w->lma.addr;
	c->addrs[1] = w->lma.addr4;
	c->n_addrs = 2;
	init_pools4(w, c);
	c->accept_forced_ipv4_udp_encapsulation_request = !w->cfg.refuse_udp;
	c->dhcp_relay = w->cfg.dhcp_relay;
	c->gre = w->cfg.gre;
	c->gre_tlv = w->cfg.tlv;
	c->heartbeat = (struct heartbeat_cfg){w->cfg.heartbeat_s, 3, w->lma.lives};
	c->binding_revocation = w->cfg.revokes;
	c->revocation = (struct revocation_cfg){1000, 2000, 1};
	c->on_mag_failure = w->cfg.on_mag_failure;
	c->on_mag_restart = w->cfg.on_mag_restart;
	c->mag_restart_grace_s = w->cfg.mag_restart_grace_s;
	c->pools = &w->pool;
	c->n_pools = 1;
	c->mags = w->mag_peers;
	c->n_mags = SIM_MAGS;
	c->max_bindings = 1000;
	c->max_lifetime = 3600;
	c->min_delay_before_bce_delete_ms = 10000;
	c->uplink_grace_ms = 500;
	c->max_delay_before_new_bce_assign_ms = 1500;
	c->timestamp_validity_window_ms = 300;
	c->hold_before_new_bce = !w->cfg.no_hold;
	c->timestamp_based_approach_in_use = !w->cfg.sequence_mode;
	c->fixed_mag_link_local_address_on_all_access_links = addr("fe80::200:5eff:fe00:5213");
}

/* A role that was killed before it was complete. */
static bool stillborn(struct sim_life *life, struct tunnels **tunnels)
{
	if (!life->dead)
		abort();
	tunnels_free(tunnels);
	return false;
}

/* False: it died meanwhile. */
static bool init_lma(struct world *w)
{
	struct sim_lma *l = &w->lma;
	uint64_t rng;

	l->w = w;
	l->addr = addr("2001:db8:2::1");
	l->addr4 = addr("198.51.100.1");
	l->env = sim_lma_env(l);
	l->sink = (struct event_sink){w, emit};
	sim_life_init(&l->life, w->cfg.store);
	l->dp = l->life.dp;
	if (tunnels_new(&l->tunnels, &l->life.face))
		abort();
	inbox_init(&l->inbox, &l->env, &l->sink);
	inbox_on(&l->inbox, MH_BU, to_lma, l);
	inbox_on(&l->inbox, MH_HEARTBEAT, to_lma, l);
	inbox_on(&l->inbox, MH_BE, to_lma, l);
	if (w->cfg.revokes)
		inbox_on(&l->inbox, MH_BINDING_REVOCATION, to_lma, l);
	fill_lma_cfg(w);
	rng = w->rng;
	if (lma_new(&l->lma, &w->lma_cfg, &l->env, &l->life.face, l->tunnels, &w->profiles,
		    &l->sink))
		return stillborn(&l->life, &l->tunnels);
	if (sim_life_store(&l->life, w->cfg.window_ms))
		lma_set_store(l->lma, l->life.store);
	w->rng = rng; /* a seed's life does not hang on what secrets the LMA draws */
	return true;
}

/* MAGs reach each other over the transport that they share. */
static unsigned fill_neighbours(struct world *w, int index)
{
	struct mag_neighbour_cfg *out = w->mag[index].neighbour;
	unsigned n = 0;

	for (int i = 0; w->cfg.fast && i < SIM_MAGS; i++) {
		if (i == index || w->cfg.mag[i].ip4 != w->cfg.mag[index].ip4)
			continue;
		out[n] = (struct mag_neighbour_cfg){.addr = w->mag[i].addr, .encap = DP_ENCAP_MAX};
		snprintf(out[n].name, sizeof(out[n].name), "mag%d", i);
		n++;
	}
	return n;
}

static struct mag_cfg mag_cfg_of(struct world *w, int index, struct mag_lma_cfg *lma)
{
	const struct sim_mag *m = &w->mag[index];
	const struct sim_mag_cfg *mine = &w->cfg.mag[index];

	*lma = (struct mag_lma_cfg){"lma", mine->ip4 ? w->lma.addr4 : w->lma.addr};
	return (struct mag_cfg){
		.proxy_coa = mine->ip4 ? in6addr_any : m->addr,
		.ipv4_proxy_coa = mine->ip4 ? m->addr : in6addr_any,
		.force_ipv4_udp_encapsulation_support = mine->force_udp,
		.gre = mine->gre,
		.gre_tlv = mine->tlv,
		.lmas = lma,
		.n_lmas = 1,
		.neighbours = m->neighbour,
		.n_neighbours = fill_neighbours(w, index),
		.fho = {.buffer_at_old = w->cfg.seed & 1,
			.hi_timeout_ms = 100,
			.hi_retries = 3,
			.forwarding_ms = 10000,
			.settle_ms = 500,
			.leave_ms = 2000,
			.max = 100},
		.max_bindings = 1000,
		.lifetime = w->cfg.lifetime_s,
		.refresh_percent = 70,
		.tunnel_mtu = 1460,
		.initial_bindack_timeout_ms = 1000,
		.max_bindack_timeout_ms = 32000,
		.timestamp_based_approach_in_use = !w->cfg.sequence_mode,
		.fixed_mag_link_local_address_on_all_access_links =
			addr("fe80::200:5eff:fe00:5213"),
		.realm = "example.com",
		.deprecate_on_detach = true,
		.heartbeat = {w->cfg.heartbeat_s,		  3,			     m->lives							     },
		.revocation = {1000,		     2000, 1},
		.identity = "mag@example.com",
		.reregister_rate = w->cfg.reregister_rate,
	};
}

static bool init_mag(struct world *w, int index)
{
	struct sim_mag *m = &w->mag[index];
	const bool fresh = !m->life.dp;
	struct mag_lma_cfg lma;
	const struct mag_cfg c = mag_cfg_of(w, index, &lma);

	m->w = w;
	m->index = index;
	m->env = sim_mag_env(m);
	m->sink = (struct event_sink){w, emit};
	m->links = sim_links(m);
	sim_life_init(&m->life, w->cfg.store);
	if (fresh)
		dp_fake_set_first_key(m->life.dp, 1000000u * (unsigned)(index + 1));
	m->dp = m->life.dp;
	if (tunnels_new(&m->tunnels, &m->life.face))
		abort();
	inbox_init(&m->inbox, &m->env, &m->sink);
	inbox_on(&m->inbox, MH_BA, to_mag, m);
	inbox_on(&m->inbox, MH_BRR, to_mag, m);
	inbox_on(&m->inbox, MH_BE, to_mag, m);
	if (w->cfg.fast) {
		inbox_on(&m->inbox, MH_HI, to_mag, m);
		inbox_on(&m->inbox, MH_HACK, to_mag, m);
	}
	if (!w->cfg.no_revocation[index])
		inbox_on(&m->inbox, MH_BINDING_REVOCATION, to_mag, m);
	if (!w->cfg.no_heartbeat[index])
		inbox_on(&m->inbox, MH_HEARTBEAT, to_mag, m);
	if (mag_new(&m->mag, &c, &m->env, &m->life.face, m->tunnels, &w->profiles, &m->links,
		    &m->sink))
		return stillborn(&m->life, &m->tunnels);
	if (sim_life_store(&m->life, w->cfg.window_ms))
		mag_set_store(m->mag, m->life.store);
	return true;
}

static void init_nodes(struct world *w)
{
	if (profile_table_new(&w->table))
		abort();
	for (unsigned n = 0; n < w->cfg.n_nodes; n++) {
		struct sim_node *sn = &w->node[n];
		struct profile p = {.enabled = true, .prefix_count = 1, .local_routing = -1};

		snprintf(sn->name, sizeof(sn->name), "mn%u@example.com", n);
		for (unsigned i = 0; i < SIM_IFACES; i++) {
			sn->mac[i] = (struct mac){
				{2, 0, 0, 0, (uint8_t)i, (uint8_t)(n + 1)}
			  };
			sn->at[i] = SIM_NOWHERE;
			p.macs[p.n_macs++] = sn->mac[i];
		}
		p.mnid = (struct mnid){MNID_NAI, (uint8_t)strlen(sn->name), (uint8_t *)sn->name};
		p.ipv4 = w->cfg.family[n] != SIM_IPV6;
		p.no_ipv6 = w->cfg.family[n] == SIM_IPV4;
		if (w->cfg.static4[n]) {
			/* among those that a pool hands out first; .1 is the router */
			sn->static4.s_addr = htonl(ntohl(network4(w).addr.s_addr) + 2 + n);
			p.home4 = sn->static4;
		}
		snprintf(p.pool4, sizeof(p.pool4), w->cfg.office[n] ? "office" : "home");
		if (n % 4 == 3)
			p.prefix_count = 3; /* every fourth node has several prefixes */
		if (profile_table_add(w->table, &p))
			abort();
	}
	w->profiles = profile_table_profiles(w->table);
}

void world_init(struct world *w, const struct world_cfg *cfg)
{
	static const char *const mags[SIM_MAGS] = {"2001:db8:11::1", "2001:db8:12::1",
						   "2001:db8:13::1"};
	static const char *const mags4[SIM_MAGS] = {"192.0.2.11", "192.0.2.12", "192.0.2.13"};

	memset(w, 0, sizeof(*w));
	w->cfg = *cfg;
	w->rng = cfg->seed;
	w->now = NSEC_PER_SEC;
	for (int i = 0; i < SIM_MAGS; i++)
		w->mag[i].addr = addr(cfg->mag[i].ip4 ? mags4[i] : mags[i]);
	init_nodes(w);
	init_lma(w);
	for (int i = 0; i < SIM_MAGS; i++)
		init_mag(w, i);
}

void world_reload(struct world *w)
{
	const char *why = "?";

	w->reloads++;
	fill_lma_cfg(w);
	if (world_is_up(w, SIM_LMA) &&
	    lma_reload(w->lma.lma, &w->lma_cfg, &w->profiles, &why, w->now))
		world_break(w, "lma: cannot reload: %s", why);
	for (int i = 0; i < SIM_MAGS; i++) {
		struct mag_lma_cfg lma;
		const struct mag_cfg c = mag_cfg_of(w, i, &lma);

		if (world_is_up(w, i) && mag_reload(w->mag[i].mag, &c, &w->profiles, &why, w->now))
			world_break(w, "mag%d: cannot reload: %s", i, why);
	}
	sim_end_turn(w);
}

/* ---- life and death */

struct sim_life *sim_life_of(struct world *w, int who)
{
	return who == SIM_LMA ? &w->lma.life : &w->mag[who].life;
}

static bool there(const struct world *w, int who)
{
	return who == SIM_LMA ? w->lma.lma != NULL : w->mag[who].mag != NULL;
}

bool world_is_up(const struct world *w, int who)
{
	return there(w, who) && !sim_life_of((struct world *)w, who)->dead;
}

static void free_role(struct world *w, int who)
{
	if (who == SIM_LMA) {
		lma_free(&w->lma.lma);
		tunnels_free(&w->lma.tunnels);
	} else {
		mag_free(&w->mag[who].mag);
		tunnels_free(&w->mag[who].tunnels);
	}
}

/* As daemon/unsaved.c finds out. */
static bool tells_too_soon(const struct world *w, int who)
{
	const struct sim_life *life = sim_life_of((struct world *)w, who);
	struct store_status s;

	if (!life->store || (who == SIM_LMA && !w->cfg.window_ms))
		return false;
	store_status(life->store, &s);
	return s.dirty || s.in_flight;
}

void world_kill(struct world *w, int who)
{
	struct sim_life *life = sim_life_of(w, who);

	if (!there(w, who))
		return;
	w->deaths++;
	life->dead = true;
	life->unsaved = (life->starting && life->unsaved) || tells_too_soon(w, who);
	free_role(w, who);
	sim_life_end(life, life->disk && world_below(w, 2), w->now);
	if (who != SIM_LMA)
		memset(w->mag[who].advert, 0, sizeof(w->mag[who].advert));
	world_check(w);
}

void world_kill_at(struct world *w, int who, unsigned n)
{
	struct sim_life *life = sim_life_of(w, who);

	life->last = life->deeds + n;
}

void world_kill_again_at(struct world *w, int who, unsigned n)
{
	sim_life_of(w, who)->again = n;
}

void world_spare(struct world *w, int who)
{
	sim_life_of(w, who)->last = sim_life_of(w, who)->again = 0;
	world_start(w, who, w->cfg.keeps);
}

struct restoring {
	struct world *w;
	int who;
	unsigned n;
	bool lost;
};

/* As daemon/durable.c does it. */
static int restore(void *ctx, const struct store_record *r)
{
	struct restoring *x = ctx;
	struct world *w = x->w;
	int use = STORE_DROP;

	x->n++;
	if (x->who == SIM_LMA && (r->kind == STORE_BINDING || r->kind == STORE_REVOCATION))
		use = lma_restore(w->lma.lma, r, w->now);
	else if (x->who != SIM_LMA && r->kind == STORE_UPDATE)
		use = mag_restore(w->mag[x->who].mag, r, w->now);
	else
		world_break(w, "a record of kind %d in the store of another", r->kind);
	if (use == STORE_DROP && r->kind == STORE_BINDING)
		x->lost = true;
	if (use < 0 && !sim_life_of(w, x->who)->dead)
		world_break(w, "a record cannot be restored: %d", use);
	return use;
}

/* Returns whether sessions are lost that a peer may still have. */
static bool restore_all(struct world *w, int who, bool kept)
{
	struct sim_life *life = sim_life_of(w, who);
	struct restoring x = {.w = w, .who = who, .lost = !kept || life->unsaved};

	if (!life->store)
		return true;
	if (store_load(life->store, restore, &x) && !life->dead)
		world_break(w, "the store cannot be read");
	return x.lost || (who != SIM_LMA && mag_lost_sessions(w->mag[who].mag));
}

/* A record is as it was when it was acknowledged, or newer. */
static void check_kept(struct world *w)
{
	for (unsigned n = 0; n < w->cfg.n_nodes; n++) {
		for (unsigned i = 0; i < SIM_IFACES; i++) {
			const struct sim_ack *a = &w->ack[n][i];
			struct lma_binding b;

			if (!a->on || a->until <= w->now)
				continue;
			if (!world_binding(w, n, i, &b)) {
				world_break(w, "%s was acknowledged and is not restored",
					    w->node[n].name);
				return;
			}
			if (!w->cfg.sequence_mode && b.timestamp < a->timestamp)
				world_break(w, "%s was acknowledged and is restored as before",
					    w->node[n].name);
			if (b.timestamp == a->timestamp && b.n_prefixes != a->n_prefixes)
				world_break(w, "%s comes back with other prefixes",
					    w->node[n].name);
		}
	}
}

static void start_lma(struct world *w, bool kept)
{
	struct sim_life *life = &w->lma.life;
	bool lost;

	/* a new life owes the old one nothing but what was acknowledged */
	memset(w->past, 0, sizeof(w->past));
	if (!init_lma(w))
		return;
	lost = restore_all(w, SIM_LMA, kept);
	if (life->dead)
		return;
	life->unsaved = lost;
	if (lost)
		lma_set_restart_counter(w->lma.lma, ++w->lma.lives, w->now);
	life->face.ops->sweep(&life->face);
	if (life->dead)
		return;
	/* what is lost is told */
	if (lost)
		memset(w->ack, 0, sizeof(w->ack));
	else
		check_kept(w);
	if (lost)
		lma_announce_restart(w->lma.lma, w->now);
}

static void start_mag(struct world *w, int index, bool kept)
{
	struct sim_mag *m = &w->mag[index];
	bool lost;

	if (!init_mag(w, index))
		return;
	lost = restore_all(w, index, kept);
	if (m->life.dead)
		return;
	m->life.unsaved = lost;
	if (lost)
		mag_set_restart_counter(m->mag, ++m->lives, w->now);
	m->life.face.ops->sweep(&m->life.face);
	if (lost && !m->life.dead)
		mag_announce_restart(m->mag, w->now);
}

static void start_later(struct world *w, int who)
{
	sim_schedule(w, w->now + w->down_time, SIM_START, 0)->mag = who;
}

void world_start(struct world *w, int who, unsigned keeps)
{
	struct sim_life *life = sim_life_of(w, who);
	bool kept;

	if (there(w, who))
		return;
	if (!(keeps & SIM_KEEPS_DISK))
		store_fake_free(&life->disk);
	kept = life->disk;
	/* known from then on, however far it comes */
	life->unsaved |= !kept;
	if (!(keeps & SIM_KEEPS_DATA_PLANE))
		dp_fake_free(&life->dp);
	else
		dp_fake_restart(life->dp);
	if (who == SIM_LMA)
		start_lma(w, kept);
	else
		start_mag(w, who, kept);
	if (!there(w, who))
		start_later(w, who); /* it was killed too early to be buried */
	sim_end_turn(w);
	life->starting = false;
}

static void write_out(struct world *w, int who)
{
	struct sim_life *life = sim_life_of(w, who);
	struct store_status s;

	store_status(life->store, &s);
	/* handing a batch over is a deed like any other */
	if (s.dirty && !s.in_flight && store_deadline(life->store) <= w->now && !sim_acts(life))
		return;
	store_flush(life->store, w->now);
	store_status(life->store, &s);
	if (s.in_flight && !life->writing) {
		const nsec_t takes = (1 + world_below(w, w->cfg.disk_us + 1)) * 1000ull;

		life->writing = true;
		sim_schedule(w, w->now + takes, SIM_COMMITTED, 0)->mag = who;
	}
}

static void end_turn_of(struct world *w, int who)
{
	struct sim_life *life = sim_life_of(w, who);

	if (!there(w, who))
		return;
	if (life->store && !life->dead)
		write_out(w, who);
	if (who == SIM_LMA && life->store && !life->dead)
		lma_committed(w->lma.lma);
	if (who != SIM_LMA && life->store && !life->dead)
		mag_committed(w->mag[who].mag);
	if (life->dead) {
		world_kill(w, who);
		start_later(w, who);
	}
}

/* What the LMA has deleted while it lived, or is about to, need not come back. An interface may have
 * had two sessions, and the older one be left. */
static bool is_deleted(struct world *w, unsigned n, unsigned i)
{
	struct lma_binding b;

	return !world_binding(w, n, i, &b) || !strcmp(b.state, "REVOKING") ||
	       (!w->cfg.sequence_mode && b.timestamp < w->ack[n][i].timestamp);
}

static void forget_deleted(struct world *w)
{
	for (unsigned n = 0; world_is_up(w, SIM_LMA) && n < w->cfg.n_nodes; n++)
		for (unsigned i = 0; i < SIM_IFACES; i++)
			if (w->ack[n][i].on && is_deleted(w, n, i))
				w->ack[n][i].on = false;
}

void sim_end_turn(struct world *w)
{
	end_turn_of(w, SIM_LMA);
	for (int i = 0; i < SIM_MAGS; i++)
		end_turn_of(w, i);
	if (w->cfg.store)
		forget_deleted(w);
	world_check(w);
}

void world_restart_lma(struct world *w)
{
	world_kill(w, SIM_LMA);
	world_start(w, SIM_LMA, SIM_KEEPS_NOTHING);
}

void world_restart_mag(struct world *w, int mag)
{
	world_kill(w, mag);
	world_start(w, mag, SIM_KEEPS_NOTHING);
}

void world_free(struct world *w)
{
	sim_drop_events(w, true);
	for (int i = 0; i < SIM_MAGS; i++) {
		free_role(w, i);
		sim_life_free(&w->mag[i].life);
	}
	free_role(w, SIM_LMA);
	sim_life_free(&w->lma.life);
	profile_table_free(&w->table);
}

/* ---- time */

static nsec_t next_of(const struct world *w, int who)
{
	const struct sim_life *life = sim_life_of((struct world *)w, who);
	nsec_t t;

	if (!there(w, who))
		return NSEC_NEVER;
	t = who == SIM_LMA ? lma_next(w->lma.lma) : mag_next(w->mag[who].mag);
	return life->store ? nsec_min(t, store_deadline(life->store)) : t;
}

static nsec_t next_time(const struct world *w)
{
	nsec_t t = nsec_min(deadline_next(&w->events), next_of(w, SIM_LMA));

	for (int i = 0; i < SIM_MAGS; i++)
		t = nsec_min(t, next_of(w, i));
	return t;
}

static void tick(struct world *w, int who)
{
	if (!world_is_up(w, who))
		return;
	if (who == SIM_LMA && lma_next(w->lma.lma) <= w->now)
		lma_tick(w->lma.lma, w->now);
	else if (who != SIM_LMA && mag_next(w->mag[who].mag) <= w->now)
		mag_tick(w->mag[who].mag, w->now);
}

bool world_step(struct world *w, nsec_t until)
{
	const nsec_t t = next_time(w);

	if (t > until) {
		w->now = until;
		return false;
	}
	if (t > w->now)
		w->now = t;
	w->steps++;
	deadline_run(&w->events, w, w->now);
	tick(w, SIM_LMA);
	for (int i = 0; i < SIM_MAGS; i++)
		tick(w, i);
	sim_end_turn(w);
	return !w->broken[0];
}

void world_run(struct world *w, nsec_t duration)
{
	const nsec_t until = w->now + duration;

	while (world_step(w, until))
		;
}

/* ---- nodes */

static int attach(struct world *w, unsigned node, unsigned iface, int mag, uint8_t hint,
		  bool wants_ipv4, const char *cause)
{
	struct sim_node *sn = &w->node[node];
	const struct mnid id = {MNID_NAI, (uint8_t)strlen(sn->name), (uint8_t *)sn->name};
	const struct mag_attachment a = {
		.node = sim_place(w, node, iface),
		/* each interface of a node has a technology of its own */
		.att = iface ? ATT_ETHERNET : ATT_WIFI,
		.handoff_hint = hint,
		.access_mtu = 1500,
		.domain = w->cfg.office[node] ? SIM_OFFICE : 0,
		.wants_ipv4 = wants_ipv4,
		.mnid = w->cfg.no_llid ? &id : NULL,
		.cause = cause,
		.prev_ap = w->prev_ap,
	};
	int rc;

	sn->at[iface] = mag;
	if (!world_is_up(w, mag))
		return -ENETDOWN;
	rc = mag_attach(w->mag[mag].mag, &a, w->now);
	sim_end_turn(w);
	return rc;
}

int world_attach(struct world *w, unsigned node, unsigned iface, int mag, uint8_t hint)
{
	return attach(w, node, iface, mag, hint, false, "sim");
}

int world_attach_from(struct world *w, unsigned node, unsigned iface, int mag, int from)
{
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "mag%d", from);
	w->prev_ap = name;
	rc = attach(w, node, iface, mag, HI_RESERVED, false, "sim");
	w->prev_ap = NULL;
	return rc;
}

int world_hand_over(struct world *w, unsigned node, unsigned iface, int to)
{
	const char *nai = w->node[node].name;
	const struct mnid id = {MNID_NAI, (uint8_t)strlen(nai), (const uint8_t *)nai};
	const int mag = w->node[node].at[iface];
	char name[16];
	int rc;

	if (mag == SIM_NOWHERE || !world_is_up(w, mag))
		return -ENETDOWN;
	snprintf(name, sizeof(name), "mag%d", to);
	rc = mag_handover(w->mag[mag].mag, &id, name, w->now);
	sim_end_turn(w);
	return rc;
}

int world_order(struct world *w, unsigned node, unsigned iface)
{
	return attach(w, node, iface, w->node[node].at[iface], HI_RESERVED, false,
		      MAG_CAUSE_CONTROL);
}

int world_ask_ipv4(struct world *w, unsigned node, unsigned iface)
{
	return attach(w, node, iface, w->node[node].at[iface], HI_RESERVED, true, "sim");
}

int world_release_ipv4(struct world *w, unsigned node, unsigned iface)
{
	const int mag = w->node[node].at[iface];
	const struct link_node ln = sim_place(w, node, iface);
	int rc;

	if (!world_is_up(w, mag))
		return -ENETDOWN;
	rc = mag_release_ipv4(w->mag[mag].mag, &ln, w->mag[mag].advert[node][iface].home4.addr,
			      "dhcp-release", w->now);
	sim_end_turn(w);
	return rc;
}

void world_detach(struct world *w, unsigned node, unsigned iface, bool tell)
{
	const int mag = w->node[node].at[iface];
	const struct link_node ln = sim_place(w, node, iface);

	w->node[node].at[iface] = SIM_NOWHERE;
	if (tell && mag != SIM_NOWHERE && world_is_up(w, mag))
		mag_detach(w->mag[mag].mag, &ln, "left", w->now);
	sim_end_turn(w);
}

int world_move(struct world *w, unsigned node, unsigned iface, int mag, uint8_t hint, nsec_t late)
{
	const int old = w->node[node].at[iface];

	if (late != NSEC_NEVER && old != SIM_NOWHERE && old != mag) {
		struct sim_event *e = sim_schedule(w, w->now + late, SIM_DETACH, 0);

		e->mag = old;
		e->node = sim_place(w, node, iface);
	}
	return world_attach(w, node, iface, mag, hint);
}
