/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold after every step, whatever the network does:
 *
 *	one owner	a prefix belongs to one binding, and to one node
 *	data plane	each role's data plane holds exactly what its cache implies
 *	monotony	an older message never moves a binding
 *	advertisement	no node is told a prefix that its MAG was not given
 *
 * and when nothing is under way any more: the LMA and the MAGs agree on where every node is.
 */
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
}

#define OWNERS_MAX 256

struct check {
	struct world *w;
	unsigned n_owned, n_sessions;
	struct {
		struct prefix6 prefix;
		char node[64];
	} owner[OWNERS_MAX];
	int mag;
};

static void own(struct check *c, const struct prefix6 *p, const char *node)
{
	char text[PREFIX6_STRLEN];

	for (unsigned i = 0; i < c->n_owned; i++)
		if (prefix6_eq(&c->owner[i].prefix, p))
			world_break(c->w, "%s belongs to %s and to %s", prefix6_str(p, text),
				    c->owner[i].node, node);
	if (c->n_owned == OWNERS_MAX) {
		world_break(c->w, "more prefixes than nodes could have");
		return;
	}
	c->owner[c->n_owned].prefix = *p;
	snprintf(c->owner[c->n_owned++].node, sizeof(c->owner[0].node), "%s", node);
}

static void check_monotony(struct world *w, const struct lma_binding *b)
{
	for (unsigned n = 0; n < w->cfg.n_nodes; n++) {
		for (unsigned i = 0; i < SIM_IFACES; i++) {
			struct lma_binding mine;

			if (!world_binding(w, n, i, &mine) || mine.session != b->session)
				continue;
			if (w->seen[n][i].valid && prefix6_eq(&w->seen[n][i].prefix, &b->prefixes[0]) &&
			    b->timestamp < w->seen[n][i].timestamp)
				world_break(w, "%s: a timestamp went backwards", w->node[n].name);
			w->seen[n][i].valid = true;
			w->seen[n][i].timestamp = b->timestamp;
			w->seen[n][i].prefix = b->prefixes[0];
			return;
		}
	}
}

static void check_binding(void *ctx, const struct lma_binding *b)
{
	struct check *c = ctx;
	struct world *w = c->w;
	const bool lingering = !strcmp(b->state, "DEREGISTERING");
	const struct dp_fake_session *s = dp_fake_by_ref(w->lma.dp, b->session);
	const struct dp_peer *peer;
	char node[64];

	mnid_str(&b->mnid, node, sizeof(node));
	for (unsigned i = 0; i < b->n_prefixes; i++) {
		own(c, &b->prefixes[i], node);
		if (s != dp_fake_by_prefix(w->lma.dp, DP_ANCHOR, &b->prefixes[i]))
			world_break(w, "lma: a prefix of %s is not in its session", node);
	}
	if (!s) {
		world_break(w, "lma: %s {%s} has no session in the data plane", node, b->state);
		return;
	}
	c->n_sessions++;
	if (s->s.n_prefixes != b->n_prefixes)
		world_break(w, "lma: %s has other prefixes in the data plane", node);
	if (s->s.mode != (lingering ? DP_DROP : DP_FORWARD))
		world_break(w, "lma: %s {%s} forwards in the wrong mode", node, b->state);
	peer = s->s.down.kind == DP_TO_PEER ? dp_fake_peer(w->lma.dp, s->s.down.peer) : NULL;
	if (!peer || !addr6_eq(&peer->remote, &b->proxy_coa) || !addr6_eq(&peer->local, &b->lmaa))
		world_break(w, "lma: %s goes to another MAG than its binding says", node);
	if (!w->cfg.sequence_mode)
		check_monotony(w, b);
}

static bool served(const char *state)
{
	return !strcmp(state, "ACTIVE") || !strcmp(state, "VERIFYING") ||
	       !strcmp(state, "REFRESHING") || !strcmp(state, "STALLED");
}

static void check_update(void *ctx, const struct mag_binding *b)
{
	struct check *c = ctx;
	struct world *w = c->w;
	const struct sim_mag *m = &w->mag[c->mag];
	const struct dp_fake_session *s = b->session ? dp_fake_by_ref(m->dp, b->session) : NULL;
	char node[64];

	mnid_str(&b->mnid, node, sizeof(node));
	if (served(b->state) != !!s) {
		world_break(w, "mag%d: %s {%s} %s a session in the data plane", c->mag, node, b->state,
			    s ? "still has" : "lacks");
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
}

static void check_adverts(struct world *w, int mag)
{
	for (unsigned n = 0; n < w->cfg.n_nodes; n++) {
		for (unsigned i = 0; i < SIM_IFACES; i++) {
			const struct sim_advert *a = &w->mag[mag].advert[n][i];
			struct mag_binding b;

			if (!a->on)
				continue;
			if (!world_update(w, mag, n, i, &b) || !served(b.state)) {
				world_break(w, "mag%d advertises to %s without a binding", mag,
					    w->node[n].name);
				return;
			}
			if (a->n_prefixes != b.n_prefixes ||
			    memcmp(a->prefix, b.prefixes, sizeof(a->prefix[0]) * b.n_prefixes) != 0)
				world_break(w, "mag%d advertises other prefixes to %s than it has", mag,
					    w->node[n].name);
		}
	}
}

void world_check(struct world *w)
{
	struct check c = {.w = w};
	const char *what;

	if (w->broken[0])
		return;
	lma_walk(w->lma.lma, w->now, check_binding, &c);
	if (c.n_sessions != dp_fake_sessions(w->lma.dp))
		world_break(w, "lma: %zu sessions in the data plane for %u bindings",
			    dp_fake_sessions(w->lma.dp), c.n_sessions);
	if (dp_fake_violations(w->lma.dp, &what))
		world_break(w, "lma: %s", what);
	for (int i = 0; i < SIM_MAGS; i++) {
		struct check m = {.w = w, .mag = i};

		mag_walk(w->mag[i].mag, w->now, check_update, &m);
		if (m.n_sessions != dp_fake_sessions(w->mag[i].dp))
			world_break(w, "mag%d: %zu sessions in the data plane for %u served nodes", i,
				    dp_fake_sessions(w->mag[i].dp), m.n_sessions);
		if (dp_fake_violations(w->mag[i].dp, &what))
			world_break(w, "mag%d: %s", i, what);
		check_adverts(w, i);
	}
}

/* ---- after silence */

static void check_attached(struct world *w, unsigned n, unsigned i)
{
	const int at = w->node[n].at[i];
	struct lma_binding b;
	struct mag_binding u;

	if (!world_update(w, at, n, i, &u) || !served(u.state)) {
		world_break(w, "%s is at mag%d, which does not serve it ({%s})", w->node[n].name, at,
			    world_update(w, at, n, i, &u) ? u.state : "unknown");
		return;
	}
	if (!world_binding(w, n, i, &b)) {
		world_break(w, "%s is at mag%d, the LMA knows nothing of it", w->node[n].name, at);
		return;
	}
	if (!addr6_eq(&b.proxy_coa, &w->mag[at].addr))
		world_break(w, "%s is at mag%d, the LMA sends its packets elsewhere", w->node[n].name,
			    at);
	if (b.n_prefixes != u.n_prefixes)
		world_break(w, "%s: LMA and mag%d disagree on its prefixes", w->node[n].name, at);
	for (unsigned k = 0; k < u.n_prefixes; k++) {
		bool found = false;

		for (unsigned j = 0; j < b.n_prefixes; j++)
			found |= prefix6_eq(&b.prefixes[j], &u.prefixes[k]);
		if (!found)
			world_break(w, "%s: LMA and mag%d disagree on its prefixes", w->node[n].name, at);
	}
	if (!w->mag[at].advert[n][i].on)
		world_break(w, "%s is served by mag%d but was told no prefix", w->node[n].name, at);
}

void world_check_quiet(struct world *w)
{
	world_check(w);
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
				    served(u.state))
					world_break(w, "mag%d serves %s, which is not there", m,
						    w->node[n].name);
		}
	}
}
