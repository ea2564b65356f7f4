/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define WALLCLOCK_EPOCH 1700000000000000000ull
#define ACCESS_IFINDEX	10
#define WELL_KNOWN_PORT 5436 /* RFC 5844 4.1 */
#define PROBE_ANSWER	nsec_from_ms(20)
#define PROBE_GIVE_UP	nsec_from_ms(3000)

enum sim_event_kind { SIM_DELIVER, SIM_VERIFIED, SIM_DETACH };

struct sim_event {
	struct deadline d;
	enum sim_event_kind kind;
	/* SIM_DELIVER */
	struct in6_addr src, dst;
	uint16_t port; /* the sender's */
	size_t len;
	/* SIM_VERIFIED, SIM_DETACH */
	int mag;
	struct link_node node;
	uint8_t data[];
};

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

static const char *name_of(const struct world *w, const struct in6_addr *a)
{
	static const char *const mags[SIM_MAGS] = {"mag0", "mag1", "mag2"};

	if (addr6_eq(a, &w->lma.addr) || addr6_eq(a, &w->lma.addr4))
		return "lma";
	for (int i = 0; i < SIM_MAGS; i++)
		if (addr6_eq(a, &w->mag[i].addr))
			return mags[i];
	return "?";
}

static void trace(struct world *w, const struct packet *p, const char *what)
{
	struct mh_msg m;
	char text[200];

	if (!w->cfg.trace)
		return;
	if (mh_decode(&m, p->data, p->len, &p->src, &p->dst) != MH_OK)
		snprintf(text, sizeof(text), "(malformed)");
	else
		mh_summary(&m, text, sizeof(text));
	printf("%10.3f  %s -> %s%s  %s\n", (double)w->now / 1e9, name_of(w, &p->src),
	       name_of(w, &p->dst), what, text);
}

/* ---- events */

static void deliver(struct world *w, const struct packet *p)
{
	trace(w, p, "   ");
	if (addr6_eq(&p->dst, &w->lma.addr) || addr6_eq(&p->dst, &w->lma.addr4)) {
		if (!w->lma.silent)
			inbox_receive(&w->lma.inbox, p, w->now);
		return;
	}
	for (int i = 0; i < SIM_MAGS; i++)
		if (addr6_eq(&p->dst, &w->mag[i].addr))
			inbox_receive(&w->mag[i].inbox, p, w->now);
}

static struct sim_node *node_of(struct world *w, const struct mac *mac, unsigned *node,
				unsigned *iface)
{
	for (unsigned n = 0; n < w->cfg.n_nodes; n++)
		for (unsigned i = 0; i < SIM_IFACES; i++)
			if (mac_eq(&w->node[n].mac[i], mac)) {
				*node = n;
				*iface = i;
				return &w->node[n];
			}
	return NULL;
}

static bool node_is_at(struct world *w, const struct link_node *ln, int mag)
{
	unsigned n, i;
	const struct sim_node *sn;

	if (w->cfg.no_llid) {
		/* the interface number stands for the node */
		n = ln->ifindex - ACCESS_IFINDEX;
		return w->node[n / SIM_IFACES].at[n % SIM_IFACES] == mag;
	}
	sn = node_of(w, &ln->mac, &n, &i);
	return sn && sn->at[i] == mag;
}

static void fire(struct deadline *d, void *ctx, nsec_t now)
{
	struct sim_event *e = container_of(d, struct sim_event, d);
	struct world *w = ctx;
	const struct packet p = {e->src, e->dst, e->data, e->len, e->port};

	w->pending--;
	switch (e->kind) {
	case SIM_DELIVER:
		deliver(w, &p);
		break;
	case SIM_VERIFIED:
		if (node_is_at(w, &e->node, e->mag))
			mag_confirmed(w->mag[e->mag].mag, &e->node, now);
		else
			mag_detach(w->mag[e->mag].mag, &e->node, "nud", now);
		break;
	case SIM_DETACH:
		if (!node_is_at(w, &e->node, e->mag))
			mag_detach(w->mag[e->mag].mag, &e->node, "late", now);
		break;
	}
	free(e);
}

static struct sim_event *schedule(struct world *w, nsec_t at, enum sim_event_kind kind, size_t len)
{
	struct sim_event *e = calloc(1, sizeof(*e) + len);

	if (!e)
		abort();
	e->kind = kind;
	e->len = len;
	e->d.fire = fire;
	deadline_arm(&w->events, &e->d, at);
	w->pending++;
	return e;
}

void world_drop_in_flight(struct world *w)
{
	struct deadline *d;

	while ((d = deadline_first(&w->events))) {
		struct sim_event *e = container_of(d, struct sim_event, d);

		deadline_cancel(&w->events, &e->d);
		free(e);
		w->pending--;
	}
}

/* ---- the network */

static bool reachable(const struct world *w, const struct packet *p)
{
	if (w->lma.silent)
		return false;
	for (int i = 0; i < SIM_MAGS; i++)
		if (w->mag[i].cut &&
		    (addr6_eq(&p->src, &w->mag[i].addr) || addr6_eq(&p->dst, &w->mag[i].addr)))
			return false;
	return true;
}

/*
 * The UDP port that a MAG's request comes from, or its answer must go to: one of its own for each
 * Sequence Number, so that an answer to the wrong one is seen (RFC 5844 4.1.3). 0: any is right;
 * status 135 holds another number than its request.
 */
static uint16_t port_of(const struct packet *p)
{
	const unsigned at = p->data[2] == MH_BU ? 6 : 8;

	if (p->len < 12 || (p->data[2] != MH_BU && p->data[2] != MH_BA) ||
	    (p->data[2] == MH_BA && p->data[6] == PBA_SEQ_OUT_OF_WINDOW))
		return 0;
	return (uint16_t)(1024 + ((unsigned)p->data[at] << 8 | p->data[at + 1]) % 4096);
}

/* `p` has the port it goes to. Returns the port it comes from. */
static uint16_t check_ports(struct world *w, const struct packet *p)
{
	const bool from_lma = addr6_eq(&p->src, &w->lma.addr4);

	if (addr_is_ip4(&p->src) != addr_is_ip4(&p->dst))
		world_break(w, "a message between two families");
	if (!addr_is_ip4(&p->src))
		return 0;
	if (!from_lma && p->port && p->port != WELL_KNOWN_PORT)
		world_break(w, "a MAG sends to port %u", p->port);
	if (from_lma && port_of(p) && p->port != port_of(p))
		world_break(w, "the LMA answers to port %u what came from %u", p->port, port_of(p));
	return from_lma ? WELL_KNOWN_PORT : port_of(p);
}

static void send_copy(struct world *w, const struct packet *p, uint16_t from)
{
	const uint32_t span = w->cfg.max_delay_us - w->cfg.min_delay_us + 1;
	const nsec_t delay = (w->cfg.min_delay_us + world_below(w, span)) * 1000ull;
	struct sim_event *e = schedule(w, w->now + delay, SIM_DELIVER, p->len);

	e->src = p->src;
	e->dst = p->dst;
	e->port = from;
	memcpy(e->data, p->data, p->len);
}

static int net_send(struct world *w, const struct packet *p)
{
	const uint16_t from = check_ports(w, p);

	w->messages++;
	if (!reachable(w, p) || world_below(w, 100) < w->cfg.loss_percent) {
		trace(w, p, " X ");
		return 0;
	}
	send_copy(w, p, from);
	if (world_below(w, 100) < w->cfg.dup_percent)
		send_copy(w, p, from);
	return 0;
}

static int lma_send(void *ctx, const struct packet *p)
{
	return net_send(((struct sim_lma *)ctx)->w, p);
}

static int mag_send(void *ctx, const struct packet *p)
{
	return net_send(((struct sim_mag *)ctx)->w, p);
}

static void fill_random(struct world *w, void *buf, size_t len)
{
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)world_random(w);
}

static void lma_random(void *ctx, void *buf, size_t len)
{
	fill_random(((struct sim_lma *)ctx)->w, buf, len);
}

static void mag_random(void *ctx, void *buf, size_t len)
{
	fill_random(((struct sim_mag *)ctx)->w, buf, len);
}

static uint64_t lma_wallclock(void *ctx)
{
	return WALLCLOCK_EPOCH + ((struct sim_lma *)ctx)->w->now;
}

static uint64_t mag_wallclock(void *ctx)
{
	const struct sim_mag *m = ctx;

	return WALLCLOCK_EPOCH + m->w->now + (uint64_t)(m->w->cfg.skew_ms[m->index] * 1000000ll);
}

/* ---- access links */

static struct sim_advert *advert_of(struct sim_mag *m, const struct link_node *ln)
{
	unsigned n, i;

	if (m->w->cfg.no_llid) {
		n = ln->ifindex - ACCESS_IFINDEX;
		return &m->advert[n / SIM_IFACES][n % SIM_IFACES];
	}
	if (!node_of(m->w, &ln->mac, &n, &i))
		abort();
	return &m->advert[n][i];
}

static void link_advertise(void *ctx, const struct link_node *n, const struct link_advert *ad)
{
	struct sim_advert *a = advert_of(ctx, n);

	if (ad->n_prefixes && !ad->valid_s) {
		a->deprecated++;
		return;
	}
	a->on = true;
	a->times++;
	a->n_prefixes = ad->n_prefixes;
	if (ad->n_prefixes)
		memcpy(a->prefix, ad->prefixes, ad->n_prefixes * sizeof(a->prefix[0]));
	a->home4 = ad->home4;
	a->mtu4 = ad->mtu4;
	a->dhcp_relay = ad->dhcp_relay;
}

static void link_withdraw(void *ctx, const struct link_node *n, bool deprecate)
{
	struct sim_advert *a = advert_of(ctx, n);

	a->on = false;
	a->deprecated += deprecate;
}

static void link_verify(void *ctx, const struct link_node *n)
{
	struct sim_mag *m = ctx;
	const nsec_t wait = node_is_at(m->w, n, m->index) ? PROBE_ANSWER : PROBE_GIVE_UP;
	struct sim_event *e = schedule(m->w, m->w->now + wait, SIM_VERIFIED, 0);

	e->mag = m->index;
	e->node = *n;
}

static bool link_attached(void *ctx, const struct link_node *n)
{
	struct sim_mag *m = ctx;

	return node_is_at(m->w, n, m->index);
}

static void link_teardown(void *ctx, const struct link_node *n)
{
}

static void link_set_link_local(void *ctx, unsigned ifindex, const struct in6_addr *ll)
{
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

static void init_lma(struct world *w)
{
	struct sim_lma *l = &w->lma;
	struct lma_cfg *c = &w->lma_cfg;
	uint64_t rng;

	l->w = w;
	l->addr = addr("2001:db8:2::1");
	l->addr4 = addr("198.51.100.1");
	l->env = (struct env){
		.ctx = l, .send = lma_send, .random = lma_random, .wallclock = lma_wallclock};
	l->sink = (struct event_sink){w, emit};
	if (dp_fake_new(&l->dp) || tunnels_new(&l->tunnels, dp_fake_dataplane(l->dp)))
		abort();
	inbox_init(&l->inbox, &l->env, &l->sink);
	inbox_on(&l->inbox, MH_BU, to_lma, l);

	snprintf(w->pool.name, sizeof(w->pool.name), "default");
	w->pool.prefix.addr = addr("2001:db8:100::");
	w->pool.prefix.len = (uint8_t)(64 - w->cfg.pool_bits);
	for (int i = 0; i < SIM_MAGS; i++) {
		snprintf(w->mag_peers[i].name, sizeof(w->mag_peers[i].name), "mag%d", i);
		w->mag_peers[i].addr = w->mag[i].addr;
	}
	c->addrs[0] = l->addr;
	c->addrs[1] = l->addr4;
	c->n_addrs = 2;
	init_pools4(w, c);
	c->accept_forced_ipv4_udp_encapsulation_request = !w->cfg.refuse_udp;
	c->dhcp_relay = w->cfg.dhcp_relay;
	c->gre = w->cfg.gre;
	c->gre_tlv = w->cfg.tlv;
	c->pools = &w->pool;
	c->n_pools = 1;
	c->mags = w->mag_peers;
	c->n_mags = SIM_MAGS;
	c->max_bindings = 1000;
	c->max_lifetime = 3600;
	c->min_delay_before_bce_delete_ms = 10000;
	c->max_delay_before_new_bce_assign_ms = 1500;
	c->timestamp_validity_window_ms = 300;
	c->hold_before_new_bce = !w->cfg.no_hold;
	c->timestamp_based_approach_in_use = !w->cfg.sequence_mode;
	c->fixed_mag_link_local_address_on_all_access_links = addr("fe80::200:5eff:fe00:5213");
	rng = w->rng;
	if (lma_new(&l->lma, c, &l->env, dp_fake_dataplane(l->dp), l->tunnels, &w->profiles,
		    &l->sink))
		abort();
	w->rng = rng; /* a seed's life does not hang on what secrets the LMA draws */
}

static void init_mag(struct world *w, int index)
{
	struct sim_mag *m = &w->mag[index];
	const struct sim_mag_cfg *mine = &w->cfg.mag[index];
	const struct mag_lma_cfg lma = {"lma", mine->ip4 ? w->lma.addr4 : w->lma.addr};
	struct mag_cfg c = {
		.proxy_coa = mine->ip4 ? in6addr_any : m->addr,
		.ipv4_proxy_coa = mine->ip4 ? m->addr : in6addr_any,
		.force_ipv4_udp_encapsulation_support = mine->force_udp,
		.gre = mine->gre,
		.gre_tlv = mine->tlv,
		.lmas = &lma,
		.n_lmas = 1,
		.max_bindings = 1000,
		.lifetime = w->cfg.lifetime_s,
		.refresh_percent = 70,
		.tunnel_mtu = 1460,
		.initial_bindack_timeout_ms = 1000,
		.max_bindack_timeout_ms = 32000,
		.timestamp_based_approach_in_use = !w->cfg.sequence_mode,
		.fixed_mag_link_local_address_on_all_access_links =
			addr("fe80::200:5eff:fe00:5213"),
		.deprecate_on_detach = true,
	};

	m->w = w;
	m->index = index;
	m->env = (struct env){
		.ctx = m, .send = mag_send, .random = mag_random, .wallclock = mag_wallclock};
	m->sink = (struct event_sink){w, emit};
	m->links = (struct link_ops){
		.ctx = m,
		.advertise = link_advertise,
		.withdraw = link_withdraw,
		.verify = link_verify,
		.attached = link_attached,
		.teardown = link_teardown,
		.set_link_local = link_set_link_local,
	};
	snprintf(c.realm, sizeof(c.realm), "example.com");
	if (dp_fake_new(&m->dp) || tunnels_new(&m->tunnels, dp_fake_dataplane(m->dp)))
		abort();
	dp_fake_set_first_key(m->dp, 1000000u * (unsigned)(index + 1));
	inbox_init(&m->inbox, &m->env, &m->sink);
	inbox_on(&m->inbox, MH_BA, to_mag, m);
	inbox_on(&m->inbox, MH_BRR, to_mag, m);
	inbox_on(&m->inbox, MH_BE, to_mag, m);
	if (mag_new(&m->mag, &c, &m->env, dp_fake_dataplane(m->dp), m->tunnels, &w->profiles,
		    &m->links, &m->sink))
		abort();
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
			const uint32_t end =
				ntohl(network4(w).addr.s_addr) + (1u << w->cfg.pool4_bits);

			sn->static4.s_addr = htonl(end - 2 - n);
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

void world_free(struct world *w)
{
	world_drop_in_flight(w);
	for (int i = 0; i < SIM_MAGS; i++) {
		mag_free(&w->mag[i].mag);
		tunnels_free(&w->mag[i].tunnels);
		dp_fake_free(&w->mag[i].dp);
	}
	lma_free(&w->lma.lma);
	tunnels_free(&w->lma.tunnels);
	dp_fake_free(&w->lma.dp);
	profile_table_free(&w->table);
}

/* ---- time */

static nsec_t next_time(const struct world *w)
{
	nsec_t t = nsec_min(deadline_next(&w->events), lma_next(w->lma.lma));

	for (int i = 0; i < SIM_MAGS; i++)
		t = nsec_min(t, mag_next(w->mag[i].mag));
	return t;
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
	if (lma_next(w->lma.lma) <= w->now)
		lma_tick(w->lma.lma, w->now);
	for (int i = 0; i < SIM_MAGS; i++)
		if (mag_next(w->mag[i].mag) <= w->now)
			mag_tick(w->mag[i].mag, w->now);
	world_check(w);
	return !w->broken[0];
}

void world_run(struct world *w, nsec_t duration)
{
	const nsec_t until = w->now + duration;

	while (world_step(w, until))
		;
}

/* ---- nodes */

static struct link_node place(const struct world *w, unsigned node, unsigned iface)
{
	if (w->cfg.no_llid)
		return (struct link_node){.ifindex = ACCESS_IFINDEX + node * SIM_IFACES + iface};
	return (struct link_node){.ifindex = ACCESS_IFINDEX, .mac = w->node[node].mac[iface]};
}

static int attach(struct world *w, unsigned node, unsigned iface, int mag, uint8_t hint,
		  bool wants_ipv4)
{
	struct sim_node *sn = &w->node[node];
	const struct mnid id = {MNID_NAI, (uint8_t)strlen(sn->name), (uint8_t *)sn->name};
	const struct mag_attachment a = {
		.node = place(w, node, iface),
		/* each interface of a node has a technology of its own */
		.att = iface ? ATT_ETHERNET : ATT_WIFI,
		.handoff_hint = hint,
		.access_mtu = 1500,
		.domain = w->cfg.office[node] ? SIM_OFFICE : 0,
		.wants_ipv4 = wants_ipv4,
		.mnid = w->cfg.no_llid ? &id : NULL,
		.cause = "sim",
	};
	int rc;

	sn->at[iface] = mag;
	rc = mag_attach(w->mag[mag].mag, &a, w->now);
	world_check(w);
	return rc;
}

int world_attach(struct world *w, unsigned node, unsigned iface, int mag, uint8_t hint)
{
	return attach(w, node, iface, mag, hint, false);
}

int world_ask_ipv4(struct world *w, unsigned node, unsigned iface)
{
	return attach(w, node, iface, w->node[node].at[iface], HI_RESERVED, true);
}

int world_release_ipv4(struct world *w, unsigned node, unsigned iface)
{
	const int mag = w->node[node].at[iface];
	const struct link_node ln = place(w, node, iface);
	int rc;

	rc = mag_release_ipv4(w->mag[mag].mag, &ln, w->mag[mag].advert[node][iface].home4.addr,
			      "dhcp-release", w->now);
	world_check(w);
	return rc;
}

void world_detach(struct world *w, unsigned node, unsigned iface, bool tell)
{
	const int mag = w->node[node].at[iface];
	const struct link_node ln = place(w, node, iface);

	w->node[node].at[iface] = SIM_NOWHERE;
	if (tell && mag != SIM_NOWHERE)
		mag_detach(w->mag[mag].mag, &ln, "left", w->now);
	world_check(w);
}

int world_move(struct world *w, unsigned node, unsigned iface, int mag, uint8_t hint, nsec_t late)
{
	const int old = w->node[node].at[iface];

	if (late != NSEC_NEVER && old != SIM_NOWHERE && old != mag) {
		struct sim_event *e = schedule(w, w->now + late, SIM_DETACH, 0);

		e->mag = old;
		e->node = place(w, node, iface);
	}
	return world_attach(w, node, iface, mag, hint);
}

/* ---- views */

struct find {
	struct world *w;
	unsigned node, iface;
	bool found;
	void *out;
};

/* Views lend their prefixes for the callback only. */
static const struct prefix6 *keep(struct world *w, const struct prefix6 *p, unsigned n)
{
	struct prefix6 *to = w->kept[w->next_kept++ % 8];

	if (n)
		memcpy(to, p, n * sizeof(*p));
	return to;
}

static bool is_node(const struct find *f, const struct mnid *id)
{
	const char *name = f->w->node[f->node].name;

	return id->len == strlen(name) && !memcmp(id->id, name, id->len);
}

static void find_binding(void *ctx, const struct lma_binding *b)
{
	struct find *f = ctx;
	const struct mac *mac = &f->w->node[f->node].mac[f->iface];

	if (f->found || !is_node(f, &b->mnid))
		return;
	if (!f->w->cfg.no_llid &&
	    (b->llid.len != sizeof(mac->b) || memcmp(b->llid.id, mac->b, 6) != 0))
		return;
	f->found = true;
	*(struct lma_binding *)f->out = *b;
	((struct lma_binding *)f->out)->prefixes = keep(f->w, b->prefixes, b->n_prefixes);
}

bool world_binding(struct world *w, unsigned node, unsigned iface, struct lma_binding *b)
{
	struct find f = {w, node, iface, false, b};

	lma_walk(w->lma.lma, w->now, find_binding, &f);
	return f.found;
}

static void find_update(void *ctx, const struct mag_binding *b)
{
	struct find *f = ctx;
	const struct link_node want = place(f->w, f->node, f->iface);

	if (f->found || !mac_eq(&b->node.mac, &want.mac) || b->node.ifindex != want.ifindex)
		return;
	f->found = true;
	*(struct mag_binding *)f->out = *b;
	((struct mag_binding *)f->out)->prefixes = keep(f->w, b->prefixes, b->n_prefixes);
}

bool world_update(struct world *w, int mag, unsigned node, unsigned iface, struct mag_binding *b)
{
	struct find f = {w, node, iface, false, b};

	mag_walk(w->mag[mag].mag, w->now, find_update, &f);
	return f.found;
}

uint64_t world_counter(const struct counter_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->desc[i].name, name))
			return s->value[i];
	fprintf(stderr, "no counter %s in %s\n", name, s->module);
	abort();
}
