/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold after every step, whatever the network does:
 *
 *	one owner	a prefix, or an IPv4 address of a domain, belongs to one binding
 *	pools		what is handed out is what the bindings have
 *	data plane	each role's data plane holds exactly what its cache implies: addresses,
 *path, encapsulation, and the GRE keys that either end chose monotony	an older message never moves
 *a binding uplink key	is the same as long as the session lives advertisement	no node is told an
 *address that its MAG was not given
 *
 * and when nothing is under way any more: the LMA and the MAGs agree on where every node is, what
 *it has, and how its packets travel.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "sim/world.h"

void world_break(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->broken[0])
		return;
	va_start(ap, fmt);
	vsnprintf(w->broken, sizeof(w->broken), fmt, ap);
	va_end(ap);
	if (world_trace)
		printf("%10.3f  broken: %s\n", (double)w->now / 1e9, w->broken);
}

#define OWNERS_MAX 256

struct check {
	struct world *w;
	unsigned n_owned, n_sessions;
	unsigned n_prefixes, n_home4[2]; /* in all; home, office */
	struct {
		struct prefix6 prefix; /* an IPv4 address: mapped, /128 */
		uint16_t domain;
		char node[64];
	} owner[OWNERS_MAX];
	int mag;
};

static void own(struct check *c, const struct prefix6 *p, uint16_t domain, const char *node)
{
	char text[PREFIX6_STRLEN];

	for (unsigned i = 0; i < c->n_owned; i++)
		if (prefix6_eq(&c->owner[i].prefix, p) && c->owner[i].domain == domain)
			world_break(c->w, "%s belongs to %s and to %s", prefix6_str(p, text),
				    c->owner[i].node, node);
	if (c->n_owned == OWNERS_MAX) {
		world_break(c->w, "more prefixes than nodes could have");
		return;
	}
	c->owner[c->n_owned].prefix = *p;
	c->owner[c->n_owned].domain = domain;
	snprintf(c->owner[c->n_owned++].node, sizeof(c->owner[0].node), "%s", node);
}

static void own4(struct check *c, const struct home4 *h, const char *node)
{
	const struct prefix6 p = {.addr = addr_from_ip4(h->addr), .len = 128};

	if (!home4_is_set(h))
		return;
	for (unsigned n = 0; n < c->w->cfg.n_nodes; n++) {
		const struct sim_node *other = &c->w->node[n];

		/* a node has another one when its own is still in a session of the past */
		if (other->static4.s_addr == h->addr.s_addr && strcmp(other->name, node) != 0 &&
		    c->w->cfg.office[n] == (h->domain == SIM_OFFICE))
			world_break(c->w, "%s has the address of the profile of %s", node,
				    other->name);
	}
	if (h->domain && h->domain != SIM_OFFICE)
		world_break(c->w, "%s has an address of domain %u", node, h->domain);
	c->n_home4[h->domain == SIM_OFFICE]++;
	own(c, &p, h->domain, node);
}

static void check_pool(void *ctx, const struct lma_pool_info *i)
{
	const struct check *c = ctx;

	if (i->used != c->n_prefixes)
		world_break(c->w, "%u prefixes in bindings, %u gone from the pool", c->n_prefixes,
			    (unsigned)i->used);
}

static void check_pool4(void *ctx, const struct lma_pool4_info *i)
{
	const struct check *c = ctx;
	const unsigned n = c->n_home4[i->domain == SIM_OFFICE];

	if (i->used != n)
		world_break(c->w,
			    "%u IPv4 addresses of domain %u in bindings, %u gone from the pool", n,
			    i->domain, (unsigned)i->used);
}

/* What both data planes must have of a session: its IPv4 address, and the keys of its tunnel. */
struct ends {
	const struct home4 *home4;
	enum dp_encap encap;
	uint32_t own_key, peer_key;
};

static void check_ends(struct world *w, const char *who, struct dp_fake *dp,
		       const struct dp_fake_session *s, const struct dp_path *out,
		       const struct ends *e)
{
	struct dataplane *d = dp_fake_dataplane(dp);
	const struct dp_peer *peer = out->kind == DP_TO_PEER ? dp_fake_peer(dp, out->peer) : NULL;
	uint32_t key = 0;

	if (s->s.addr4.s_addr != e->home4->addr.s_addr ||
	    (home4_is_set(e->home4) && s->s.domain != e->home4->domain))
		world_break(w, "%s has another IPv4 address in the data plane", who);
	if (!peer || peer->encap != e->encap) {
		world_break(w, "%s has another encapsulation in the data plane", who);
		return;
	}
	if (!dp_encap_keyed(e->encap))
		return;
	if (d->ops->session_key(d, s->ref, &key) || key != e->own_key)
		world_break(w, "%s says key %u, its data plane expects %u", who, e->own_key, key);
	if (out->key != e->peer_key || !out->key)
		world_break(w, "%s sends with key %u, the other end chose %u", who, out->key,
			    e->peer_key);
}

/* What this very session was before. */
static void compare_with_past(struct world *w, const struct lma_binding *b,
			      const struct sim_past *p, const char *node)
{
	if (!w->cfg.sequence_mode && b->timestamp < p->timestamp)
		world_break(w, "%s: a timestamp went backwards", node);
	if (b->up_key && p->up_key && b->up_key != p->up_key)
		world_break(w, "%s: its uplink key changed", node);
	/* RFC 5845 7.2, and what is asked for and granted does not change in a life */
	if (!w->reloads && addr6_eq(&b->proxy_coa, &p->coa) && b->encap != p->encap)
		world_break(w, "%s: its encapsulation went from %u to %u at one MAG", node,
			    p->encap, b->encap);
}

static void check_history(struct world *w, const struct lma_binding *b)
{
	for (unsigned n = 0; n < w->cfg.n_nodes; n++) {
		for (unsigned i = 0; i < SIM_IFACES; i++) {
			struct sim_past *p = &w->past[n][i];
			struct lma_binding mine;

			if (!world_binding(w, n, i, &mine) || mine.session != b->session)
				continue;
			if (p->session == b->session)
				compare_with_past(w, b, p, w->node[n].name);
			else
				p->up_key = 0;
			p->session = b->session;
			p->timestamp = b->timestamp;
			p->coa = b->proxy_coa;
			p->encap = b->encap;
			if (b->up_key)
				p->up_key = b->up_key;
			return;
		}
	}
}

static void check_binding(void *ctx, const struct lma_binding *b)
{
	struct check *c = ctx;
	struct world *w = c->w;
	const bool lingering = !strcmp(b->state, "DEREGISTERING") || !strcmp(b->state, "REVOKING");
	const struct dp_fake_session *s = dp_fake_by_ref(w->lma.dp, b->session);
	const struct dp_peer *peer;
	char node[64], who[112];

	mnid_str(&b->mnid, node, sizeof(node));
	for (unsigned i = 0; i < b->n_prefixes; i++) {
		own(c, &b->prefixes[i], 0, node);
		if (s != dp_fake_by_prefix(w->lma.dp, DP_ANCHOR, &b->prefixes[i]))
			world_break(w, "lma: a prefix of %s is not in its session", node);
	}
	if (!s) {
		world_break(w, "lma: %s {%s} has no session in the data plane", node, b->state);
		return;
	}
	c->n_sessions++;
	c->n_prefixes += b->n_prefixes;
	own4(c, &b->home4, node);
	if (!b->n_prefixes && !home4_is_set(&b->home4))
		world_break(w, "lma: %s has no address at all", node);
	if (s->s.n_prefixes != b->n_prefixes)
		world_break(w, "lma: %s has other prefixes in the data plane", node);
	if (s->s.mode != (lingering ? DP_DROP : DP_FORWARD))
		world_break(w, "lma: %s {%s} forwards in the wrong mode", node, b->state);
	peer = s->s.down.kind == DP_TO_PEER ? dp_fake_peer(w->lma.dp, s->s.down.peer) : NULL;
	if (!peer || !addr6_eq(&peer->remote, &b->proxy_coa) || !addr6_eq(&peer->local, &b->lmaa))
		world_break(w, "lma: %s goes to another MAG than its binding says", node);
	snprintf(who, sizeof(who), "lma: %s", node);
	check_ends(w, who, w->lma.dp, s, &s->s.down,
		   &(struct ends){&b->home4, b->encap, b->up_key, b->down_key});
	check_history(w, b);
}

static bool served(const char *state)
{
	return !strcmp(state, "ACTIVE") || !strcmp(state, "VERIFYING") ||
	       !strcmp(state, "REFRESHING") || !strcmp(state, "STALLED") ||
	       !strcmp(state, "RETURNING_IPV4") || !strcmp(state, "FINDING");
}

/* In one MAG's hands and another's (RFC 5949 4.1). */
static bool in_handover(const char *state)
{
	return !strcmp(state, "EXPECTED") || !strcmp(state, "ARRIVING") ||
	       !strcmp(state, "LEAVING");
}

/* The tunnel's other end is a MAG. */
static bool leads_to_mag(const struct world *w, const struct sim_mag *m, dp_ref ref)
{
	const struct dp_peer *p = dp_fake_peer(m->dp, ref);

	for (int i = 0; p && i < SIM_MAGS; i++)
		if (addr6_eq(&p->remote, &w->mag[i].addr))
			return true;
	return false;
}

static void check_handover(struct world *w, int mag, const struct mag_binding *b,
			   const struct dp_session *s, const char *node)
{
	const struct sim_mag *m = &w->mag[mag];
	const struct dp_path *const down = &s->down, *const up = &s->up;

	if (!strcmp(b->state, "EXPECTED")) {
		if (down->kind != DP_TO_NOWHERE || s->mode != DP_BUFFER)
			world_break(w, "mag%d: packets of %s are not kept", mag, node);
		if (up->kind != DP_TO_PEER || !leads_to_mag(w, m, up->peer))
			world_break(w, "mag%d: expects %s from nobody", mag, node);
	} else if (!strcmp(b->state, "ARRIVING")) {
		if (down->kind != DP_TO_LINK || s->mode != DP_FORWARD)
			world_break(w, "mag%d: %s arrived and gets nothing", mag, node);
		if (up->kind == DP_TO_PEER && !leads_to_mag(w, m, up->peer))
			world_break(w, "mag%d: %s is served without a registration", mag, node);
	} else {
		const bool kept = down->kind == DP_TO_LINK && s->mode == DP_BUFFER;
		const bool forwarded = down->kind == DP_TO_PEER && s->mode == DP_FORWARD &&
				       leads_to_mag(w, m, down->peer);

		if (!kept && !forwarded)
			world_break(w, "mag%d: packets of %s are neither kept nor forwarded", mag,
				    node);
		if (up->kind != DP_TO_PEER || leads_to_mag(w, m, up->peer))
			world_break(w, "mag%d: what comes back of %s goes astray", mag, node);
	}
}

/* Made for its GRE key, before there is anything to forward. */
static bool only_a_key(const struct dp_session *s)
{
	return s->keyed && !s->n_prefixes && !s->addr4.s_addr && s->down.kind == DP_TO_NOWHERE &&
	       s->up.kind == DP_TO_NOWHERE;
}

/* Came back from the disk, but its lifetime is over, or its key is lost: it is registered anew. */
static bool unserved(const struct world *w, const struct mag_binding *b,
		     const struct dp_fake_session *s)
{
	return w->cfg.store && (!s || only_a_key(&s->s)) &&
	       (!strcmp(b->state, "FINDING") || !strcmp(b->state, "REFRESHING"));
}

static void check_update(void *ctx, const struct mag_binding *b)
{
	struct check *c = ctx;
	struct world *w = c->w;
	const struct sim_mag *m = &w->mag[c->mag];
	const struct dp_fake_session *s = b->session ? dp_fake_by_ref(m->dp, b->session) : NULL;
	const struct dp_peer *peer;
	char node[64], who[112];

	mnid_str(&b->mnid, node, sizeof(node));
	if (!served(b->state) && s && only_a_key(&s->s)) {
		c->n_sessions++;
		return;
	}
	if (w->cfg.fast && in_handover(b->state)) {
		c->n_sessions += !!s;
		if (s)
			check_handover(w, c->mag, b, &s->s, node);
		else
			world_break(w, "mag%d: %s {%s} lacks a session in the data plane", c->mag,
				    node, b->state);
		return;
	}
	if (unserved(w, b, s)) {
		c->n_sessions += !!s;
		return;
	}
	if (served(b->state) != !!s) {
		world_break(w, "mag%d: %s {%s} %s a session in the data plane", c->mag, node,
			    b->state, s ? "still has" : "lacks");
		return;
	}
	if (!s)
		return;
	c->n_sessions++;
	if (s->s.half != DP_ACCESS || s->s.down.kind != DP_TO_LINK ||
	    s->s.down.ifindex != b->node.ifindex || !mac_eq(&s->s.down.mac, &b->node.mac))
		world_break(w, "mag%d: %s is delivered elsewhere than on its link", c->mag, node);
	for (unsigned i = 0; i < b->n_prefixes; i++)
		if (dp_fake_by_prefix(m->dp, DP_ACCESS, &b->prefixes[i]) != s)
			world_break(w, "mag%d: a prefix of %s is not in its session", c->mag, node);
	if (s->s.n_prefixes != b->n_prefixes)
		world_break(w, "mag%d: %s has other prefixes in the data plane", c->mag, node);
	if (!b->n_prefixes && !home4_is_set(&b->home4))
		world_break(w, "mag%d: serves %s, which has no address", c->mag, node);
	peer = s->s.up.kind == DP_TO_PEER ? dp_fake_peer(m->dp, s->s.up.peer) : NULL;
	if (!peer || !addr6_eq(&peer->remote, &b->lmaa) || !addr6_eq(&peer->local, &m->addr))
		world_break(w, "mag%d: packets of %s go elsewhere than to its LMA", c->mag, node);
	snprintf(who, sizeof(who), "mag%d: %s {%s}", c->mag, node, b->state);
	check_ends(w, who, m->dp, s, &s->s.up,
		   &(struct ends){&b->home4, b->encap, b->down_key, b->up_key});
}

static void check_adverts(struct world *w, int mag)
{
	for (unsigned n = 0; n < w->cfg.n_nodes; n++) {
		for (unsigned i = 0; i < SIM_IFACES; i++) {
			const struct sim_advert *a = &w->mag[mag].advert[n][i];
			struct mag_binding b;

			if (!a->on)
				continue;
			if (!world_update(w, mag, n, i, &b) ||
			    (!served(b.state) && strcmp(b.state, "ARRIVING") != 0)) {
				world_break(w, "mag%d advertises to %s without a binding", mag,
					    w->node[n].name);
				return;
			}
			if (a->n_prefixes != b.n_prefixes ||
			    memcmp(a->prefix, b.prefixes, sizeof(a->prefix[0]) * b.n_prefixes) != 0)
				world_break(w, "mag%d advertises other prefixes to %s than it has",
					    mag, w->node[n].name);
			if (!home4_eq(&a->home4, &b.home4))
				world_break(w,
					    "mag%d offers another IPv4 address to %s than it has",
					    mag, w->node[n].name);
		}
	}
}

/* A data plane that outlives its role, or serves it: nobody has broken its rules. */
static void check_rules(struct world *w, const char *who, const struct dp_fake *dp)
{
	const char *what;

	if (dp_fake_violations(dp, &what))
		world_break(w, "%s: %s", who, what);
}

static void check_lma(struct world *w)
{
	struct check c = {.w = w};

	lma_walk(w->lma.lma, w->now, check_binding, &c);
	if (c.n_sessions != dp_fake_sessions(w->lma.dp))
		world_break(w, "lma: %zu sessions in the data plane for %u bindings",
			    dp_fake_sessions(w->lma.dp), c.n_sessions);
	lma_walk_pools(w->lma.lma, check_pool, &c);
	lma_walk_pools4(w->lma.lma, check_pool4, &c);
}

static void check_mag(struct world *w, int i)
{
	struct check m = {.w = w, .mag = i};

	mag_walk(w->mag[i].mag, w->now, check_update, &m);
	if (m.n_sessions != dp_fake_sessions(w->mag[i].dp))
		world_break(w, "mag%d: %zu sessions in the data plane for %u served nodes", i,
			    dp_fake_sessions(w->mag[i].dp), m.n_sessions);
	check_adverts(w, i);
}

void world_check(struct world *w)
{
	if (w->broken[0])
		return;
	check_rules(w, "lma", w->lma.dp);
	if (world_is_up(w, SIM_LMA))
		check_lma(w);
	for (int i = 0; i < SIM_MAGS; i++) {
		check_rules(w, "mag", w->mag[i].dp);
		if (world_is_up(w, i))
			check_mag(w, i);
	}
}

/* ---- after silence */

/* The last two columns of the tables in RFC 5844 3.1.3, 4.1 and RFC 5845 5.2, 7. */
static enum dp_encap expected_encap(const struct world *w, int mag)
{
	const struct sim_mag_cfg *m = &w->cfg.mag[mag];
	const bool asks = m->gre != MAG_GRE_NONE, gre = asks && w->cfg.gre != LMA_GRE_REFUSE;
	const bool keys = m->gre == MAG_GRE_KEYS;

	/* the T flag stands for itself, RFC 5845 7.4 */
	if (asks && m->ip4 && m->tlv && w->cfg.tlv)
		return !gre ? DP_ENCAP_UDP_TLV : keys ? DP_ENCAP_UDP_GRE_KEY : DP_ENCAP_UDP_GRE;
	if (gre)
		return keys ? DP_ENCAP_GRE_KEY : DP_ENCAP_GRE;
	return m->ip4 && m->force_udp ? DP_ENCAP_UDP : DP_ENCAP_IP;
}

struct room {
	uint16_t domain;
	bool full;
};

static void note_room(void *ctx, const struct lma_pool4_info *i)
{
	struct room *r = ctx;

	if (i->domain == r->domain)
		r->full = i->used == i->size;
}

/* Nothing is left for that node in its IPv4 home network. */
static bool pool4_is_full(struct world *w, unsigned n)
{
	struct room r = {.domain = w->cfg.office[n] ? SIM_OFFICE : 0};

	lma_walk_pools4(w->lma.lma, note_room, &r);
	return r.full;
}

/* A node has what its profile allows; who gave its IPv4 address back has asked again. */
static void check_families(struct world *w, unsigned n, const struct mag_binding *u)
{
	const enum sim_family family = w->cfg.family[n];

	if (!!u->n_prefixes != (family != SIM_IPV4))
		world_break(w, "%s has %u prefixes", w->node[n].name, u->n_prefixes);
	if (home4_is_set(&u->home4) ? family == SIM_IPV6
				    : family != SIM_IPV6 && !pool4_is_full(w, n))
		world_break(w, "%s has %s IPv4 address", w->node[n].name,
			    home4_is_set(&u->home4) ? "an" : "no");
	if (!home4_is_set(&u->home4))
		return;
	if (u->home4.domain != (w->cfg.office[n] ? SIM_OFFICE : 0) || !u->home4.router.s_addr)
		world_break(w, "%s has an IPv4 address of another home network", w->node[n].name);
	if (u->dhcp_relay != w->cfg.dhcp_relay)
		world_break(w, "%s: the other DHCP mode than the LMA's", w->node[n].name);
}

static void check_tunnel_ends(struct world *w, unsigned n, int at, const struct lma_binding *b,
			      const struct mag_binding *u)
{
	const enum dp_encap want = expected_encap(w, at);

	if (b->encap != u->encap)
		world_break(w, "%s: LMA and mag%d encapsulate differently", w->node[n].name, at);
	else if (!w->reloads && b->encap != want)
		world_break(w, "%s: encapsulation %u at mag%d, not %u", w->node[n].name, b->encap,
			    at, want);
	if (dp_encap_keyed(b->encap) && (b->up_key != u->up_key || b->down_key != u->down_key))
		world_break(w, "%s: LMA and mag%d disagree on its keys", w->node[n].name, at);
}

static void check_attached(struct world *w, unsigned n, unsigned i)
{
	const int at = w->node[n].at[i];
	struct lma_binding b;
	struct mag_binding u;

	if (!world_update(w, at, n, i, &u) || !served(u.state)) {
		if (w->cfg.family[n] == SIM_IPV4 && pool4_is_full(w, n))
			return;
		world_break(w, "%s is at mag%d, which does not serve it ({%s})", w->node[n].name,
			    at, world_update(w, at, n, i, &u) ? u.state : "unknown");
		return;
	}
	if (!world_binding(w, n, i, &b)) {
		world_break(w, "%s is at mag%d, the LMA knows nothing of it", w->node[n].name, at);
		return;
	}
	if (!addr6_eq(&b.proxy_coa, &w->mag[at].addr))
		world_break(w, "%s is at mag%d, the LMA sends its packets elsewhere",
			    w->node[n].name, at);
	if (b.n_prefixes != u.n_prefixes)
		world_break(w, "%s: LMA and mag%d disagree on its prefixes", w->node[n].name, at);
	for (unsigned k = 0; k < u.n_prefixes; k++) {
		bool found = false;

		for (unsigned j = 0; j < b.n_prefixes; j++)
			found |= prefix6_eq(&b.prefixes[j], &u.prefixes[k]);
		if (!found)
			world_break(w, "%s: LMA and mag%d disagree on its prefixes",
				    w->node[n].name, at);
	}
	if (b.home4.addr.s_addr != u.home4.addr.s_addr || b.home4.len != u.home4.len ||
	    b.home4.router.s_addr != u.home4.router.s_addr)
		world_break(w, "%s: LMA and mag%d disagree on its IPv4 address", w->node[n].name,
			    at);
	if (!w->mag[at].advert[n][i].on)
		world_break(w, "%s is served by mag%d but was told no address", w->node[n].name,
			    at);
	check_families(w, n, &u);
	check_tunnel_ends(w, n, at, &b, &u);
}

struct tunnel_check {
	struct world *w;
	const char *who;
	dp_ref used[2 * SIM_NODES * SIM_IFACES];
	unsigned n;
};

static void note_session(void *ctx, dp_ref ref, const struct dp_session *s)
{
	struct tunnel_check *c = ctx;
	const struct dp_path *const out = s->half == DP_ANCHOR ? &s->down : &s->up;

	if (out->kind == DP_TO_PEER && c->n < ARRAY_SIZE(c->used))
		c->used[c->n++] = out->peer;
}

static void check_used(void *ctx, dp_ref ref, const struct dp_peer *p)
{
	const struct tunnel_check *c = ctx;

	for (unsigned i = 0; i < c->n; i++)
		if (c->used[i] == ref)
			return;
	world_break(c->w, "%s: a tunnel of encapsulation %u that no session uses", c->who,
		    p->encap);
}

/* No tunnel outlives the sessions that took it. */
static void check_tunnels(struct world *w, const char *who, struct dp_fake *dp)
{
	struct dataplane *d = dp_fake_dataplane(dp);
	struct tunnel_check c = {.w = w, .who = who};

	d->ops->walk(d, &(struct dp_walk){.ctx = &c, .session = note_session});
	d->ops->walk(d, &(struct dp_walk){.ctx = &c, .peer = check_used});
}

void world_check_quiet(struct world *w)
{
	world_check(w);
	check_tunnels(w, "lma", w->lma.dp);
	for (int m = 0; m < SIM_MAGS; m++)
		check_tunnels(w, "mag", w->mag[m].dp);
	for (unsigned n = 0; n < w->cfg.n_nodes && !w->broken[0]; n++) {
		for (unsigned i = 0; i < SIM_IFACES; i++) {
			struct mag_binding u;
			struct lma_binding b;

			if (w->node[n].at[i] != SIM_NOWHERE)
				check_attached(w, n, i);
			else if (!w->cfg.no_llid && world_binding(w, n, i, &b))
				world_break(w, "%s left, its binding did not", w->node[n].name);
			for (int m = 0; m < SIM_MAGS; m++)
				if (m != w->node[n].at[i] && world_update(w, m, n, i, &u) &&
				    (served(u.state) || in_handover(u.state)))
					world_break(w, "mag%d serves %s, which is not there", m,
						    w->node[n].name);
		}
	}
}
