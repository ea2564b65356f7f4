/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a fast handover means to its session: where its packets go, the session of a node that is
 * not here yet, its arrival, and what becomes of a session whose node goes to another gateway.
 */
#include "mag/mag_act.h"
#include "mag/mag_fho.h"

#include <errno.h>

/* ---- tunnels and keys */

/* RFC 5949 4.2 (1): by default as between anchor and gateway, where nothing else says how. */
static enum dp_encap default_encap(const struct mag *m, const struct mag_neighbour *n, bool gre,
				   bool keyed)
{
	const bool ip4 = addr_is_ip4(&n->cfg.addr), tlv = ip4 && m->cfg.gre_tlv;

	if (n->cfg.encap != DP_ENCAP_MAX)
		return (enum dp_encap)n->cfg.encap;
	if (keyed)
		return tlv ? DP_ENCAP_UDP_GRE_KEY : DP_ENCAP_GRE_KEY;
	if (gre)
		return tlv ? DP_ENCAP_UDP_GRE : DP_ENCAP_GRE;
	return ip4 && m->cfg.force_ipv4_udp_encapsulation_support ? DP_ENCAP_UDP : DP_ENCAP_IP;
}

enum dp_encap mag_ho_encap(const struct mag *m, const struct mag_neighbour *n,
			   const struct mag_session *s)
{
	const enum dp_encap e = (enum dp_encap)s->encap;

	if (s->registered)
		return default_encap(m, n, dp_encap_gre(e), dp_encap_keyed(e));
	return default_encap(m, n, m->cfg.gre != MAG_GRE_NONE, m->cfg.gre == MAG_GRE_KEYS);
}

enum dp_encap mag_ho_encap_of(const struct mag *m, const struct mag_neighbour *n,
			      const struct mag_context *c)
{
	return default_encap(m, n, c->gre, c->keyed);
}

int mag_ho_open_tunnel(struct mag *m, struct mag_ho *h, enum dp_encap encap)
{
	const struct dp_peer peer = {*mag_coa(m, &h->n->cfg.addr), h->n->cfg.addr, encap};
	dp_ref ref = 0;
	int err = tunnel_get(m->tunnels, &peer, &ref);

	if (err)
		return err;
	mag_ho_close_tunnel(m, h);
	h->tunnel = ref;
	h->encap = (uint8_t)encap;
	return 0;
}

void mag_ho_close_tunnel(struct mag *m, struct mag_ho *h)
{
	tunnel_put(m->tunnels, h->tunnel);
	h->tunnel = 0;
}

int mag_ho_own_key(struct mag *m, struct mag_ho *h, uint32_t *key)
{
	struct mag_session *s = h->s;
	int err = 0;

	if (!s)
		return -ENOENT;
	if (!s->down_key && s->serving) {
		err = mag_serve_paths(m, s);
		if (!err)
			err = m->dp->ops->session_key(m->dp, s->b.session, &s->down_key);
	} else if (!s->down_key) {
		err = mag_serve_key(m, s);
	}
	if (!err)
		*key = s->down_key;
	return err;
}

void mag_fho_paths(const struct mag_session *s, struct dp_session *d)
{
	const struct mag_ho *h = s->ho;
	const struct dp_path via = {.kind = DP_TO_PEER, .peer = h->tunnel, .key = h->peer_key};
	const struct dp_path nowhere = {.kind = DP_TO_NOWHERE};
	const bool through = h->tunnel && h->forwarding;

	if (h->role == HO_OLD) {
		if (h->state == HST_FORWARDING) {
			d->down = via;
			/* it sends there until it is told to leave: RFC 5949 4.1 (f), (g) */
			if (!h->reactive && !s->absent && !s->no_link) {
				d->down.ifindex = s->b.ifindex;
				d->down.mac = s->b.mac;
			}
			/* RFC 5949 A.2 */
			d->local_routing = false;
		} else if (h->state == HST_BUFFERING || s->state == MST_LEAVING) {
			d->mode = DP_BUFFER;
		}
		if (h->last_packets && h->state != HST_FORWARDING)
			d->also_from = h->tunnel;
	} else if (h->state == HST_EXPECTED || h->state == HST_NEW) {
		d->down = nowhere;
		d->up = h->tunnel ? via : nowhere;
		d->mode = DP_BUFFER;
		/* the anchor may be asked with a key, which cannot be had later */
		d->keyed |= s->terms.gre == MAG_GRE_KEYS;
	} else if (s->registered) {
		d->also_from = through ? h->tunnel : 0;
	} else if (through) {
		d->up = via;
	}
	if (h->role == HO_NEW)
		d->keyed |= s->down_key != 0;
	d->keyed |= h->tunnel && dp_encap_keyed((enum dp_encap)h->encap);
}

/* ---- sessions that may go elsewhere */

bool mag_ho_may_go(const struct mag_session *s)
{
	switch (s->state) {
	case MST_FINDING:
	case MST_ACTIVE:
	case MST_VERIFYING:
	case MST_REFRESHING:
	case MST_RETURNING4:
	case MST_STALLED:
	case MST_LEAVING:
		return s->registered && s->serving && !s->unrouted;
	default:
		return false;
	}
}

struct mag_session *mag_ho_session(const struct mag *m, const struct mnid *id,
				   const struct mac *mac)
{
	struct mag_session *any = NULL;
	struct bule *e = NULL;

	while ((e = bul_by_mnid(m->bul, id, e))) {
		struct mag_session *s = mag_session_of(e);

		if (e->parked || !mag_ho_may_go(s))
			continue;
		if (mac && mac_eq(&e->mac, mac))
			return s;
		if (!any)
			any = s;
	}
	return any;
}

struct mag_session *mag_ho_next_session(const struct mag *m, const struct mnid *id,
					const struct mag_neighbour *n)
{
	struct mag_session *any = NULL;
	struct bule *e = NULL;

	while ((e = bul_by_mnid(m->bul, id, e))) {
		struct mag_session *s = mag_session_of(e);

		if (e->parked || !mag_ho_may_go(s))
			continue;
		if (!s->ho || s->ho->role != HO_OLD || s->ho->n != n)
			return s;
		if (!any)
			any = s;
	}
	return any;
}

bool mag_fho_holds(void *obj, void *arg)
{
	const struct mag_session *s = obj;

	return s->ho && s->ho->role == HO_OLD && s->ho->state != HST_FORWARDING;
}

/* Its link is not looked after any more, and nothing is asked of the anchor, which may know better
 * at any time. */
static void leave_link(struct mag_session *s, struct mag_ctx *c)
{
	struct link_node node = mag_node(s);

	mag_request_close(c->m, s);
	deadline_cancel(&c->m->timers, &s->timer);
	s->node_address = mag_node_address(c->m, s);
	/* it takes its addresses along */
	c->m->links->withdraw(c->m->links->ctx, &node, false);
}

/* The data plane has it already. */
void mag_act_hand_over(void *obj, void *arg)
{
	struct mag_session *s = obj;

	leave_link(s, arg);
}

void mag_act_hold(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	int err;

	s->absent = true;
	leave_link(s, c);
	err = mag_serve_paths(c->m, s);
	if (err) {
		mag_count_up(c->m, MAG_C_DP_FAILED);
		mag_log(c->m, s, &c->m->node_limit, c->now, LOG_C_LOCAL,
			"cannot keep its packets: %s", strerror(-err));
	}
}

void mag_act_left_link(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	s->absent = true;
	/* what comes from there now is not the node's */
	if (s->ho && mag_serve_paths(c->m, s))
		mag_count_up(c->m, MAG_C_DP_FAILED);
}

bool mag_fho_displace(struct mag *m, struct mag_session *s, nsec_t now)
{
	if (s->state != MST_LEAVING || bul_move(m->bul, &s->b, 0, &s->b.mac))
		return false;
	s->absent = s->no_link = true;
	if (mag_serve_paths(m, s))
		mag_count_up(m, MAG_C_DP_FAILED);
	mag_store_touch(m, s, now);
	return true;
}

bool mag_fho_is_back(const struct mag *m, const struct mag_session *s,
		     const struct mag_attachment *a, nsec_t now)
{
	/* until it has left, it is still there: what it says then means nothing */
	return s->absent || !s->ho || (a->cause && !strcmp(a->cause, MAG_CAUSE_CONTROL)) ||
	       now >= nsec_add(s->ho->began, nsec_from_ms(m->cfg.fho.leave_ms));
}

/* On its link again, as far as the data plane and the node can tell. */
static int resume(struct mag_session *s, struct mag_ctx *c, enum ho_event why)
{
	struct ho_ctx hc = {.m = c->m, .now = c->now, .cause = c->cause};
	struct mag_ho *h = s->ho;
	int err;

	if (h)
		mag_ho_unbind(h);
	s->absent = false;
	err = mag_serve_paths(c->m, s);
	/* what is left in the data plane leads into the tunnel that goes now */
	if (err)
		mag_forward_stop(c->m, s);
	if (h)
		mag_ho_step(h, why, &hc);
	if (!err) {
		mag_link_local_on_link(c->m, s);
		mag_advertise(c->m, s);
	}
	return err;
}

void mag_act_returned(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	if (c->at)
		mag_act_new_place(obj, arg);
	if (resume(s, c, HEV_RETURNED)) {
		c->cause = "data plane failed";
		mag_step(s, MEV_DP_FAILED, c);
		return;
	}
	mag_request(c->m, s, MRK_REGISTER, c->now);
}

/* Nothing said that it left: that is found out. */
void mag_act_stays(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	if (resume(s, c, HEV_CUT)) {
		c->cause = "data plane failed";
		mag_step(s, MEV_DETACH, c);
		return;
	}
	mag_act_verify(obj, arg);
}

void mag_fho_cut(struct mag *m, struct mag_session *s)
{
	struct mag_ho *h = s->ho;

	if (!h)
		return;
	mag_ho_unbind(h);
	/* in its turn, when what is being done to the session is done */
	deadline_arm(&m->timers, &h->guard, 0);
}

/* ---- context */

static void adopt_home4(struct mag *m, struct mag_session *s, const struct mag_context *c)
{
	struct prefix4 net = {.len = c->len4};

	s->b.home4 = (struct home4){0};
	if (!c->addr4.s_addr || s->domain || !mag_wants4(m, s))
		return;
	net.addr.s_addr = c->addr4.s_addr & prefix4_mask(net.len).s_addr;
	s->b.home4 = (struct home4){
		.addr = c->addr4, .router = mag_first_router(&net, c->addr4), .len = c->len4};
}

/* RFC 5949 A.1 */
static uint8_t handoff_of(const struct mag_session *s, const struct mag_context *c)
{
	if (mac_is_zero(&c->mac) || mac_is_zero(&s->b.mac))
		return HI_UNKNOWN;
	return mac_eq(&c->mac, &s->b.mac) ? HI_BETWEEN_MAGS : HI_BETWEEN_INTERFACES;
}

/* One that was asked before may have made a binding. It is told as if the node had left (RFC 5213
 * 6.9.1.4), by an entry of its own, whose number and time follow that request. */
static void leave_anchor(struct mag *m, struct mag_session *s, nsec_t now)
{
	const struct mag_attachment at = {.node = mag_node(s), .att = s->b.att};
	struct mag_ctx c = {.m = m, .now = now, .cause = "its old MAG names another anchor"};
	struct mag_session *left;

	if (mag_session_new(m, &at, &s->b.mnid, s->lma, &left)) {
		mag_log(m, s, &m->node_limit, now, LOG_C_LOCAL,
			"cannot tell %s that it is another's: out of memory", s->lma->name);
		return;
	}
	memcpy(left->sent, s->sent, sizeof(left->sent));
	left->n_sent = s->n_sent;
	left->b.seq = s->b.seq;
	left->b.timestamp = s->b.timestamp;
	left->asks6 = s->asks6;
	left->asked = true;
	left->asked4 = s->asked4;
	mag_step(left, MEV_DETACH, &c);
}

static void change_anchor(struct mag *m, struct mag_session *s, struct mag_lma *lma, nsec_t now)
{
	/* its answer would be taken for the other one's */
	mag_request_close(m, s);
	if (s->asked)
		leave_anchor(m, s, now);
	s->asked = s->asked4 = false;
	s->lma = lma;
	s->b.lmaa = lma->info.addr;
}

int mag_ho_adopt(struct mag *m, struct mag_ho *h, nsec_t now)
{
	struct mag_session *s = h->s;
	const struct mag_context *c = &h->ctx;
	const struct profile *p = mag_profile(m, &s->b.mnid);
	struct mag_lma *lma = mag_lma_by_addr(m, &c->lmaa);
	const struct in6_addr own = mag_ho_node_address(c);

	if (bul_set_prefixes(m->bul, &s->b, c->prefixes, p && p->no_ipv6 ? 0 : c->n_prefixes))
		return -ENOMEM;
	adopt_home4(m, s, c);
	if (lma && lma != s->lma)
		change_anchor(m, s, lma, now);
	if (addr6_is_zero(&m->cfg.fixed_mag_link_local_address_on_all_access_links) &&
	    addr6_is_linklocal(&c->link_local) && !addr6_eq(&c->link_local, &own))
		s->b.link_local = c->link_local;
	if (!addr6_is_zero(&own))
		s->node_address = own;
	s->first_hi = handoff_of(s, c);
	s->hint_until = nsec_add(now, nsec_from_ms(MAG_HINT_LIFE_MS));
	/* a session without addresses is of no use to the node */
	return mag_ho_usable(c) && !s->b.n_prefixes && !home4_is_set(&s->b.home4) ? -EPERM : 0;
}

/* ---- announced nodes */

/* Takes the place of `instead` in the data plane with one update: what waits there for the node
 * stays, and on failure that goes on. */
static int take_place(struct mag *m, struct mag_ho *h, struct mag_session *instead)
{
	struct mag_session *s = h->s;
	int err;

	if (instead) {
		s->b.session = instead->b.session;
		s->down_key = instead->down_key;
	}
	err = mag_serve_paths(m, s);
	if (err) {
		s->b.session = 0;
		s->down_key = 0;
		return err;
	}
	if (!instead)
		return 0;
	instead->b.session = 0;
	instead->down_key = 0;
	/* its buffer is that of this handover now */
	mag_ho_unbind(h);
	h->kept_in = 0;
	mag_ho_bind(m, h, s);
	return 0;
}

static int expect(struct mag *m, struct mag_ho *h, struct mag_session *instead, nsec_t now)
{
	struct mag_session *s = h->s;
	int err = mag_ho_open_tunnel(m, h, mag_ho_encap_of(m, h->n, &h->ctx));

	if (err)
		return err;
	mag_session_learn(m, s);
	err = mag_ho_adopt(m, h, now);
	if (err)
		return err;
	mag_choose_terms(m, s);
	return take_place(m, h, instead);
}

int mag_ho_expect(struct mag *m, struct mag_ho *h, const struct mag_context *c,
		  struct mag_session *instead, nsec_t now)
{
	const struct mag_attachment a = {.node = {.mac = c->mac}};
	struct mag_ctx mc = {.m = m, .now = now, .cause = "announced by its old MAG"};
	struct mag_lma *lma = mag_ho_anchor(m, &h->mnid, c);
	struct mag_session *s;
	int err;

	if (!lma)
		return -EPERM;
	if (mag_count(m) >= m->cfg.max_bindings + (instead != NULL))
		return -ENOSPC;
	err = mag_session_new(m, &a, &h->mnid, lma, &s);
	if (err)
		return err;
	h->ctx = *c;
	h->peer_key = c->key;
	mag_ho_bind(m, h, s);
	err = expect(m, h, instead, now);
	if (err) {
		mag_ho_unbind(h);
		mag_session_free(m, s);
		return err;
	}
	/* cannot fail: the data plane has made it with one */
	if (s->terms.gre == MAG_GRE_KEYS || dp_encap_keyed((enum dp_encap)h->encap))
		(void)m->dp->ops->session_key(m->dp, s->b.session, &s->down_key);
	mag_step(s, MEV_EXPECT, &mc);
	return 0;
}

struct mag_session *mag_fho_expected(const struct mag *m, const struct mnid *id,
				     const struct mac *mac)
{
	struct mag_session *s, *any = NULL;
	struct bule *e = NULL;

	if (!id) {
		s = mac_is_zero(mac) ? NULL : mag_session_of(bul_by_node(m->bul, 0, mac));
		return s && s->state == MST_EXPECTED ? s : NULL;
	}
	while ((e = bul_by_mnid(m->bul, id, e))) {
		s = mag_session_of(e);
		if (s->state != MST_EXPECTED)
			continue;
		if (mac_eq(&e->mac, mac))
			return s;
		if (!any)
			any = s;
	}
	return any;
}

void mag_act_unexpected(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_session_free(c->m, obj);
}

/* What comes from the anchor between its acceptance and the answer that tells of it must not be
 * refused: its end of the tunnel is known, and how it is tunnelled is what we ask for. */
static int open_anchor_tunnel(struct mag *m, struct mag_session *s)
{
	const enum dp_encap e = mag_expected_encap(s);
	const struct dp_peer peer = {*mag_coa(m, &s->b.lmaa), s->b.lmaa, e};
	int err = dp_encap_keyed(e) ? mag_serve_key(m, s) : 0;

	if (!err)
		err = tunnel_get(m->tunnels, &peer, &s->b.tunnel);
	if (!err)
		s->encap = (uint8_t)e;
	return err;
}

/* Served before it is registered. Where that cannot be, which `err` may say already, it is
 * registered as any other node is. */
static void serve_early(struct mag_session *s, struct mag_ctx *c, int err)
{
	struct mag *m = c->m;

	s->early = true;
	s->b.lifetime_s = m->cfg.lifetime;
	s->b.expires = nsec_add(c->now, nsec_from_ms(m->cfg.fho.forwarding_ms));
	if (!err)
		err = open_anchor_tunnel(m, s);
	if (!err)
		err = mag_serve_early(m, s, "arrived by fast handover", c->now);
	if (!err) {
		mag_request(m, s, MRK_REGISTER, c->now);
		return;
	}
	mag_count_up(m, MAG_C_DP_FAILED);
	mag_log(m, s, &m->node_limit, c->now, LOG_C_LOCAL,
		"cannot serve it before it is registered: %s", strerror(-err));
	s->early = false;
	mag_forward_stop(m, s);
	mag_fho_cut(m, s);
	s->b.home4 = (struct home4){0};
	(void)bul_set_prefixes(m->bul, &s->b, NULL, 0);
	mag_step(s, MEV_NO_CONTEXT, c);
}

void mag_act_arrive(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct ho_ctx hc = {.m = c->m, .now = c->now, .cause = c->cause};

	mag_act_new_place(obj, arg);
	s->domain = c->at->domain;
	if (s->domain)
		s->b.home4 = (struct home4){0};
	s->first_hi = handoff_of(s, &s->ho->ctx);
	s->hint_until = nsec_add(c->now, nsec_from_ms(MAG_HINT_LIFE_MS));
	mag_ho_step(s->ho, HEV_ARRIVED, &hc);
	serve_early(s, c, 0);
}

void mag_act_arrive_elsewhere(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_act_new_place(obj, arg);
	if (s->serving && mag_serve_move(c->m, s, c->from)) {
		c->cause = "data plane failed";
		mag_step(s, MEV_DETACH, c);
		return;
	}
	mag_request(c->m, s, MRK_REGISTER, c->now);
}

/* ---- nodes that came unannounced */

bool mag_fho_fetch(struct mag *m, struct mag_session *s, const struct mag_attachment *a, nsec_t now)
{
	struct mag_ctx c = {.m = m, .now = now, .cause = a->cause, .at = a};
	struct ho_ctx hc = {.m = m, .now = now, .cause = a->cause};
	struct mag_neighbour *n;
	struct mag_ho *h;

	if (!a->prev_ap || !m->fho->neighbours)
		return false;
	n = mag_neighbour_by_ap(m, a->prev_ap);
	if (!n) {
		ho_count_up(m, HO_C_UNKNOWN_AP);
		mag_log(m, s, &m->node_limit, now, LOG_C_INFO,
			"came from access point \"%.64s\", which is no neighbour's", a->prev_ap);
		return false;
	}
	if (now < n->ask_at || mag_ho_find(m, n, &s->b.mnid, &s->b.mac) ||
	    mag_ho_new(m, n, &s->b.mnid, &s->b.mac, HO_NEW, now, &h))
		return false;
	h->reactive = true;
	h->arrived_at = now;
	mag_ho_bind(m, h, s);
	mag_choose_terms(m, s);
	if (mag_ho_open_tunnel(m, h, mag_ho_encap(m, n, s))) {
		ho_count_up(m, HO_C_FAILED);
		mag_ho_unbind(h);
		mag_ho_free(m, h, now);
		return false;
	}
	ho_count_up(m, HO_C_REACTIVE);
	mag_step(s, MEV_FETCH, &c);
	mag_ho_step(h, HEV_ASK, &hc);
	return true;
}

/* The registration does not wait for more than one Handover Initiate's answer. */
void mag_act_fetch(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_take_hint(s, c->at, c->now);
	deadline_arm(&c->m->timers, &s->timer,
		     nsec_add(c->now, nsec_from_ms(c->m->cfg.fho.hi_timeout_ms)));
}

void mag_act_context(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	serve_early(s, c, mag_ho_adopt(c->m, s->ho, c->now));
}

void mag_fho_registered(struct mag *m, struct mag_session *s, nsec_t now)
{
	struct ho_ctx c = {.m = m, .now = now};

	if (s->ho->role != HO_NEW)
		return;
	mag_ho_note_registration(m, s->ho, now);
	mag_ho_step(s->ho, HEV_REGISTERED, &c);
}
