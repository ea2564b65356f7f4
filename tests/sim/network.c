/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network between LMA and MAGs, with its manners and its UDP ports, and all else that is still
 * to happen. */
#include "sim/world_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define WALLCLOCK_EPOCH 1700000000000000000ull
#define WELL_KNOWN_PORT 5436 /* RFC 5844 4.1 */

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
		if (!w->lma.silent && world_is_up(w, SIM_LMA))
			inbox_receive(&w->lma.inbox, p, w->now);
		return;
	}
	for (int i = 0; i < SIM_MAGS; i++)
		if (addr6_eq(&p->dst, &w->mag[i].addr) && world_is_up(w, i))
			inbox_receive(&w->mag[i].inbox, p, w->now);
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
		if (!world_is_up(w, e->mag))
			break;
		if (sim_node_is_at(w, &e->node, e->mag))
			mag_confirmed(w->mag[e->mag].mag, &e->node, now);
		else
			mag_detach(w->mag[e->mag].mag, &e->node, "nud", now);
		break;
	case SIM_DETACH:
		if (!sim_node_is_at(w, &e->node, e->mag) && world_is_up(w, e->mag))
			mag_detach(w->mag[e->mag].mag, &e->node, "late", now);
		break;
	case SIM_COMMITTED:
		sim_life_of(w, e->mag)->writing = false;
		if (world_is_up(w, e->mag))
			store_fake_commit(sim_life_of(w, e->mag)->disk, now);
		break;
	case SIM_START:
		world_start(w, e->mag, w->cfg.keeps);
		break;
	}
	free(e);
}

struct sim_event *sim_schedule(struct world *w, nsec_t at, enum sim_event_kind kind, size_t len)
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

void sim_drop_events(struct world *w, bool all)
{
	struct deadlines stay = {.armed_total = w->events.armed_total};
	struct deadline *d;

	while ((d = deadline_first(&w->events))) {
		struct sim_event *e = container_of(d, struct sim_event, d);
		const nsec_t at = d->at;

		deadline_cancel(&w->events, d);
		if (!all && (e->kind == SIM_COMMITTED || e->kind == SIM_START)) {
			deadline_arm(&stay, d, at);
			continue;
		}
		free(e);
		w->pending--;
	}
	w->events = stay;
}

void world_drop_in_flight(struct world *w)
{
	sim_drop_events(w, false);
}

/* ---- what the LMA acknowledged */

static bool node_of(struct world *w, const struct mh_msg *m, unsigned *node, unsigned *iface)
{
	const struct mh_opt *id = mh_opt(m, MHO_MN_ID), *llid = mh_opt(m, MHO_MN_LLID);
	struct mac mac;

	if (!id || !llid || llid->llid.len != sizeof(mac.b))
		return false;
	memcpy(mac.b, llid->llid.id, sizeof(mac.b));
	return sim_node_of(w, &mac, node, iface);
}

static bool shares_address(const struct sim_ack *a, const struct sim_ack *b)
{
	for (unsigned i = 0; i < a->n_prefixes; i++)
		for (unsigned k = 0; k < b->n_prefixes; k++)
			if (prefix6_eq(&a->prefix[i], &b->prefix[k]))
				return true;
	return a->home4.s_addr && a->home4.s_addr == b->home4.s_addr;
}

static void fill_ack(struct world *w, const struct mh_msg *m, struct sim_ack *a)
{
	const struct mh_opt *o;

	*a = (struct sim_ack){.on = m->ba.lifetime,
			      .until = w->now + nsec_from_s(4ull * m->ba.lifetime)};
	o = mh_opt(m, MHO_TIMESTAMP);
	if (o)
		a->timestamp = o->timestamp;
	while (a->n_prefixes < DP_PREFIXES_MAX && (o = mh_opt_nth(m, MHO_HNP, a->n_prefixes)))
		a->prefix[a->n_prefixes++] = o->hnp.prefix;
	o = mh_opt(m, MHO_IPV4_HOA_REPLY);
	if (o && o->hoa4.status < 128)
		a->home4 = o->hoa4.addr;
}

static bool has_address(const struct lma_binding *b, const struct sim_ack *a)
{
	for (unsigned i = 0; i < b->n_prefixes; i++)
		for (unsigned k = 0; k < a->n_prefixes; k++)
			if (prefix6_eq(&b->prefixes[i], &a->prefix[k]))
				return true;
	return a->home4.s_addr && a->home4.s_addr == b->home4.addr.s_addr;
}

void sim_note_reply(struct world *w, const struct packet *p)
{
	unsigned node, iface;
	struct sim_ack *mine, said;
	struct lma_binding b;
	struct mh_msg m;

	if (mh_decode(&m, p->data, p->len, &p->src, &p->dst) != MH_OK || m.type != MH_BA ||
	    m.ba.status >= 128 || !node_of(w, &m, &node, &iface))
		return;
	mine = &w->ack[node][iface];
	fill_ack(w, &m, &said);
	/* it waited for the disk, and the binding has gone meanwhile, or is another */
	if (m.ba.lifetime && (!world_binding(w, node, iface, &b) || !has_address(&b, &said) ||
				      !strcmp(b.state, "REVOKING")))
		return;
	*mine = said;
	/* the session came from another interface of the node */
	for (unsigned i = 0; i < SIM_IFACES; i++)
		if (i != iface && shares_address(mine, &w->ack[node][i]))
			w->ack[node][i].on = false;
}

/* ---- the network */

static bool reachable(const struct world *w, const struct packet *p)
{
	if (w->lma.silent)
		return false;
	for (int i = 0; i < SIM_MAGS; i++)
		if (((w->mag[i].cut || w->mag[i].mute) && addr6_eq(&p->src, &w->mag[i].addr)) ||
		    ((w->mag[i].cut || w->mag[i].deaf) && addr6_eq(&p->dst, &w->mag[i].addr)))
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
	struct sim_event *e = sim_schedule(w, w->now + delay, SIM_DELIVER, p->len);

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
	struct sim_lma *l = ctx;

	if (!sim_acts(&l->life))
		return 0;
	sim_note_reply(l->w, p);
	return net_send(l->w, p);
}

static int mag_send(void *ctx, const struct packet *p)
{
	struct sim_mag *m = ctx;

	return sim_acts(&m->life) ? net_send(m->w, p) : 0;
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

struct env sim_lma_env(struct sim_lma *l)
{
	return (struct env){
		.ctx = l, .send = lma_send, .random = lma_random, .wallclock = lma_wallclock};
}

struct env sim_mag_env(struct sim_mag *m)
{
	return (struct env){
		.ctx = m, .send = mag_send, .random = mag_random, .wallclock = mag_wallclock};
}
