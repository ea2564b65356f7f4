/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The LMA revokes bindings at the MAG that has them (RFC 5846 8.1).
 *
 *	by order       one binding, one node, an IPv4 home address alone, all of a MAG, all of a
 *	               realm. A single binding is REVOKING until its MAG acknowledges or is given
 *	               up: its traffic stops at once, and nothing but the end comes after. With
 *	               global revocations the bindings end when that happened.
 *	handover       where a binding moves, the MAG that it left is told, and nobody waits for it.
 *	unknown kind   of handover (HI 4): the MAG that has the binding is asked whether the node is
 *	               gone, while the request of the other one is held (lma_hold.c).
 *	policy         bindings dropped because of what heartbeats found out (lma_peer.c); these are
 *	               paid by and by (lma_owed.c).
 *
 * A struct lma_rev stands for each that is outstanding. One at most hangs on a binding; where a
 * newer one comes, or the binding ends, the older one goes on without it.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void on_done(void *arg, const struct revocation_result *res, nsec_t now);

/* ---- life */

struct lma_rev *lma_rev_new(struct lma *l, enum lma_rev_kind kind,
			    const struct revocation_path *path, uint8_t trigger,
			    const uint8_t *realm, size_t realm_len)
{
	struct lma_rev **head = kind == LMA_REV_GLOBAL ? &l->globals : &l->revs;
	struct lma_rev *r = calloc(1, sizeof(*r) + realm_len);

	if (!r)
		return NULL;
	r->l = l;
	r->kind = kind;
	r->path = *path;
	r->trigger = trigger;
	r->realm_len = (uint8_t)realm_len;
	if (realm_len)
		memcpy(r->realm, realm, realm_len);
	r->link = head;
	r->next = *head;
	if (r->next)
		r->next->link = &r->next;
	*head = r;
	return r;
}

void lma_rev_free(struct lma_rev *r)
{
	if (r->b)
		r->b->revocation = NULL;
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
	free(r);
}

static void attach(struct lma_rev *r, struct bce *b)
{
	lma_revoke_forget(b);
	r->b = b;
	b->revocation = r;
}

void lma_revoke_forget(struct bce *b)
{
	struct lma_rev *r = b->revocation;

	if (!r)
		return;
	if (r->kind == LMA_REV_HANDOVER && b->owner)
		lma_hold_wait(b->owner);
	r->b = NULL;
	b->revocation = NULL;
}

static void cancel(struct lma_rev *r)
{
	revocation_cancel(r->l->revocation, r->id);
	lma_rev_free(r);
}

/* In line with the replies: what a MAG hears of a binding comes in the order in which it happened,
 * and not before it is on disk. */
static int send_in_line(void *ctx, const struct packet *pkt)
{
	lma_reply_send(ctx, pkt);
	return 0;
}

static void random_of(void *ctx, void *buf, size_t len)
{
	const struct lma *l = ctx;

	(l->env->random)(l->env->ctx, buf, len);
}

int lma_revocation_new(struct lma *l)
{
	l->revocation_env = (struct env){.ctx = l, .send = send_in_line, .random = random_of};
	return revocation_new(&l->revocation, "lma", &l->conf.cfg.revocation, &l->revocation_env,
			      &l->deadlines, l->sink);
}

void lma_revocation_free(struct lma *l)
{
	revocation_free(&l->revocation);
	while (l->revs)
		lma_rev_free(l->revs);
	while (l->globals)
		lma_rev_free(l->globals);
}

/* ---- out */

static int transmit(struct lma_rev *r, struct mh_msg *msg, nsec_t now)
{
	int id = revocation_send(r->l->revocation, &r->path, msg, on_done, r, now);

	if (id < 0)
		return id;
	r->id = id;
	return 0;
}

static void add_home4(struct mh_msg *msg, const struct home4 *h)
{
	struct mh_opt *o = mh_opt_add(msg, MHO_IPV4_HOA_REQUEST);

	msg->br.flags |= MH_BR_V;
	o->hoa4.addr = h->addr;
	o->hoa4.len = h->len;
}

static int transmit_for(struct lma_rev *r, const struct mnid *id, const struct lma_addrs *addrs,
			bool others, nsec_t now)
{
	struct mh_msg msg = {
		.br = {.code = r->trigger, .flags = MH_BR_P}
	    };

	/* RFC 5846 5.1: other identifiers are not supported */
	if (id->subtype != MNID_NAI)
		return -EOPNOTSUPP;
	mh_opt_add(&msg, MHO_MN_ID)->mnid = *id;
	if (r->kind == LMA_REV_IPV4) {
		add_home4(&msg, &addrs->home4);
		return transmit(r, &msg, now);
	}
	for (unsigned i = 0; i < addrs->n; i++)
		mh_opt_add(&msg, MHO_HNP)->hnp.prefix = addrs->prefixes[i];
	/* nothing else names one of several bindings that has no prefix */
	if (others && !addrs->n && home4_is_set(&addrs->home4))
		add_home4(&msg, &addrs->home4);
	return transmit(r, &msg, now);
}

int lma_revoke_send(struct lma_rev *r, const struct mnid *id, const struct lma_addrs *addrs,
		    bool others, nsec_t now)
{
	int err = transmit_for(r, id, addrs, others, now);

	if (err)
		lma_rev_free(r);
	return err;
}

static bool has_others_at(const struct bce *b, const struct in6_addr *coa)
{
	for (const struct bce *o = bce_first(b->node); o; o = o->next)
		if (o != b && addr6_eq(&o->reg.proxy_coa, coa))
			return true;
	return false;
}

/* About the binding as it was registered by `was`. NULL with *err set: not sent. */
static struct lma_rev *send_for(struct lma *l, struct bce *b, const struct bce_reg *was,
				enum lma_rev_kind kind, uint8_t trigger, int *err, nsec_t now)
{
	const struct revocation_path path = {was->lmaa, was->proxy_coa, was->port};
	const struct mnid id = bce_mnid(b);
	struct lma_rev *r = lma_rev_new(l, kind, &path, trigger, NULL, 0);
	struct lma_addrs addrs;

	if (!r) {
		*err = -ENOMEM;
		return NULL;
	}
	lma_addrs_of(b, &addrs);
	*err = lma_revoke_send(r, &id, &addrs, has_others_at(b, &was->proxy_coa), now);
	if (*err)
		return NULL;
	attach(r, b);
	return r;
}

/* The MAG that can be told something; NULL: there is none, or it answers nobody. */
static struct lma_mag *mag_that_hears(const struct lma *l, const struct in6_addr *coa)
{
	struct lma_mag *m = lma_conf_mag(&l->conf, coa);

	return m && l->conf.cfg.binding_revocation && !lma_peer_is_down(l, m) ? m : NULL;
}

/* ---- by order */

void lma_revoke_end(struct lma *l, struct bce *b, uint8_t trigger, nsec_t now)
{
	struct lma_mag *m = lma_conf_mag(&l->conf, &b->reg.proxy_coa);
	int err = 0;

	if (b->state == LMA_ST_REVOKING)
		return;
	lma_store_touch(l, b, now); /* the MAG hears of the end when it is on disk */
	if (b->state == LMA_ST_ACTIVE && mag_that_hears(l, &b->reg.proxy_coa) &&
	    send_for(l, b, &b->reg, LMA_REV_END, trigger, &err, now)) {
		/* fails only for a session that the data plane lost */
		l->dp->ops->session_mode(l->dp, b->session, DP_DROP);
		lma_binding_step(l, b, LMA_EV_REVOKE, now);
		return;
	}
	if (b->state == LMA_ST_ACTIVE && m && l->conf.cfg.binding_revocation && err != -EOPNOTSUPP)
		lma_owe(l, m, b, &b->reg, trigger, now);
	lma_binding_step(l, b, LMA_EV_DELETED, now);
}

void lma_home4_drop(struct lma *l, struct bce *b, nsec_t now)
{
	static const struct home4 none;
	struct lma_job j = {.l = l, .now = now};
	struct lma_addrs was, left;

	lma_addrs_of(b, &was);
	if (b->state != LMA_ST_ACTIVE || !home4_is_set(&was.home4))
		return;
	if (!was.n) {
		lma_revoke_end(l, b, BR_ADMINISTRATIVE, now);
		return;
	}
	left = was;
	left.home4 = none;
	if (lma_forward_release(&j, b, &was, &left)) {
		lma_bump(l, LMA_C_DP_FAILED);
		return;
	}
	lma_addrs_release(l, &was, &left);
	lma_bump(l, LMA_C_IPV4_RELEASED);
	lma_binding_step(l, b, LMA_EV_RELEASED, now);
}

/* False: it has none. */
static bool revoke_home4(struct lma *l, struct bce *b, uint8_t trigger, nsec_t now)
{
	const struct home4 h = bce_home4(b);
	int err;

	if (b->state != LMA_ST_ACTIVE || !home4_is_set(&h))
		return false;
	if (!b->n_prefixes)
		lma_revoke_end(l, b, trigger, now);
	else if (!mag_that_hears(l, &b->reg.proxy_coa) ||
		 !send_for(l, b, &b->reg, LMA_REV_IPV4, trigger, &err, now))
		lma_home4_drop(l, b, now);
	return true;
}

static bool has_prefix(const struct bce *b, const struct prefix6 *p)
{
	for (unsigned i = 0; i < b->n_prefixes; i++) {
		const struct prefix6 own = bce_prefix(b, i);

		if (prefix6_eq(&own, p))
			return true;
	}
	return false;
}

int lma_revoke(struct lma *l, const struct lma_revoke_order *o, nsec_t now)
{
	struct bce *b = bce_first(bce_node_find(l->cache, &o->id)), *next;
	int n = 0;

	if (o->trigger > BR_OUT_OF_SYNC)
		return -EINVAL;
	for (; b; b = next) {
		next = b->next; /* the node is gone with its last entry */
		if (b->state == LMA_ST_REVOKING || (o->prefix && !has_prefix(b, o->prefix)))
			continue;
		if (o->ipv4_only) {
			n += revoke_home4(l, b, o->trigger, now);
			continue;
		}
		lma_revoke_end(l, b, o->trigger, now);
		n++;
	}
	return n ? n : -ENOENT;
}

unsigned lma_delete(struct lma *l, const struct mnid *id, nsec_t now)
{
	const struct lma_revoke_order o = {.id = *id, .trigger = BR_ADMINISTRATIVE};
	int n = lma_revoke(l, &o, now);

	return n < 0 ? 0 : (unsigned)n;
}

/* ---- globally */

/*
 * `tell`: the MAG is told of each binding. Else the MAG has ended what it had when the indication
 * came. A binding that was registered since then may be younger than that, where an answer was
 * lost: the MAG is told that it is over, and has a fresh start.
 */
static void end_all(struct lma *l, struct lma_mag *m, const struct lma_rev *r, bool tell,
		    nsec_t now)
{
	const int since = l->conf.cfg.binding_revocation ? BR_OUT_OF_SYNC : -1;
	struct lma_doom d = {
		.lmaa = r->path.local,
		.at = now,
		.before = now,
		.event = LMA_EV_REVOKED,
		.trigger = tell ? BR_UNSPECIFIED : since,
		.realm_len = r->realm_len,
	};
	int err = lma_doom(l, m, &d, r->realm);

	if (!err && !tell) {
		d.before = r->since;
		d.trigger = -1;
		err = lma_doom(l, m, &d, r->realm);
	}
	if (err)
		log_limited(&l->local, now, LOG_C_LOCAL, "lma: no memory to end bindings of %s",
			    m->cfg.name);
}

static void revoke_global(struct lma *l, struct lma_mag *m, const struct in6_addr *lmaa,
			  const struct mnid *realm, nsec_t now)
{
	const struct revocation_path path = {*lmaa, m->cfg.addr, m->port};
	struct mh_msg msg = {
		.br = {.code = realm->len ? BR_LOCAL_POLICY : BR_PER_PEER_POLICY,
		       .flags = MH_BR_P | MH_BR_G}
	  };
	struct lma_rev *r =
		lma_rev_new(l, LMA_REV_GLOBAL, &path, msg.br.code, realm->id, realm->len);

	if (!r) {
		lma_bump(l, LMA_C_REVOCATION_FORGONE);
		return;
	}
	r->since = now;
	if (realm->len)
		mh_opt_add(&msg, MHO_MN_ID)->mnid = *realm;
	if (mag_that_hears(l, &m->cfg.addr) && !transmit(r, &msg, now))
		return;
	/* nobody to wait for */
	end_all(l, m, r, l->conf.cfg.binding_revocation, now);
	lma_rev_free(r);
}

int lma_revoke_all(struct lma *l, const char *mag, const char *realm, nsec_t now)
{
	char text[MH_NAI_MAX + 1] = "@";
	struct mnid id = {MNID_NAI, 0, (const uint8_t *)text};
	const size_t len = realm ? strlen(realm) : 0;
	int n = 0;

	if ((!mag && !realm) || (realm && !len) || len > MH_NAI_MAX - 1 ||
	    (realm && memchr(realm, '@', len)))
		return -EINVAL;
	if (len) {
		memcpy(text + 1, realm, len);
		id.len = (uint8_t)(len + 1);
	}
	for (struct lma_mag *m = l->conf.mags; m; m = m->hh.next) {
		if (!m->bindings || (mag && strcmp(mag, m->cfg.name) != 0))
			continue;
		for (unsigned i = 0; i < l->conf.cfg.n_addrs; i++)
			if (m->lmaas & 1u << i)
				revoke_global(l, m, &l->conf.cfg.addrs[i], &id, now);
		n++;
	}
	return n ? n : -ENOENT;
}

/* ---- handover */

enum lma_asked lma_revoke_held(struct lma *l, struct bce *b, nsec_t now)
{
	const struct lma_mag *m = lma_conf_mag(&l->conf, &b->reg.proxy_coa);
	const struct lma_rev *open = b->revocation;
	int err;

	if (!l->conf.cfg.binding_revocation || !m)
		return LMA_NOT_ASKED;
	if (lma_peer_is_down(l, m))
		return LMA_ASKED_DEAD;
	if (open && open->kind == LMA_REV_HANDOVER)
		return LMA_ASKED;
	if (open && open->kind == LMA_REV_IPV4)
		return LMA_NOT_ASKED;
	return send_for(l, b, &b->reg, LMA_REV_HANDOVER, BR_HANDOVER_UNKNOWN, &err, now)
		       ? LMA_ASKED
		       : LMA_NOT_ASKED;
}

void lma_revoke_extended(struct bce *b)
{
	struct lma_rev *r = b->revocation;

	/* while a request waits, the MAG's answer decides */
	if (r && r->kind == LMA_REV_HANDOVER && !b->owner)
		cancel(r);
}

void lma_revoke_let_go(struct bce *b)
{
	struct lma_rev *r = b->revocation;

	if (r && addr6_eq(&r->path.peer, &b->reg.proxy_coa))
		cancel(r);
}

void lma_revoke_moved(struct lma *l, struct bce *b, const struct bce_reg *was, bool let_go,
		      nsec_t now)
{
	const uint8_t trigger =
		was->att == b->reg.att ? BR_HANDOVER_SAME_ATT : BR_HANDOVER_OTHER_ATT;
	struct lma_rev *r = b->revocation;
	struct lma_mag *m;
	bool told = false;
	int again = -1, err = 0;

	if (r && r->kind == LMA_REV_IPV4)
		again = r->trigger;
	if (r && r->kind == LMA_REV_HANDOVER)
		told = addr6_eq(&r->path.peer, &was->proxy_coa);
	/* the node is back: what asks its MAG to forget it is void */
	if (r && (again >= 0 || addr6_eq(&r->path.peer, &b->reg.proxy_coa)))
		cancel(r);
	lma_revoke_forget(b);
	m = lma_conf_mag(&l->conf, &was->proxy_coa);
	if (m && !let_go && !told && l->conf.cfg.binding_revocation) {
		if (lma_peer_is_down(l, m) ||
		    (!send_for(l, b, was, LMA_REV_MOVED, trigger, &err, now) && err == -ENOBUFS))
			lma_owe(l, m, b, was, trigger, now);
	}
	if (again >= 0)
		revoke_home4(l, b, (uint8_t)again, now);
}

/* ---- what came of it */

static bool understood(const struct revocation_result *res)
{
	return res->outcome == REV_NO_ANSWER ||
	       (res->outcome == REV_ANSWERED && res->status < BRA_TRIGGER_NOT_SUPPORTED);
}

/* RFC 5846 8.1; the MAG that has no such binding has let it go before. */
static void handover_answered(struct lma *l, struct bce *b, const struct revocation_result *res,
			      nsec_t now)
{
	struct lma_hold *h = b->owner;

	if (b->state != LMA_ST_ACTIVE)
		return;
	if (res->outcome == REV_ANSWERED && (res->status < 128 || res->status == BRA_NO_BINDING))
		lma_session_let_go(l, b, now);
	else if (h && understood(res))
		lma_hold_step(l, h, LMA_HOLD_EV_TIMEOUT, now);
	else if (h)
		lma_hold_wait(h);
}

static void on_done(void *arg, const struct revocation_result *res, nsec_t now)
{
	struct lma_rev *r = arg;
	struct lma *l = r->l;
	struct bce *b = r->b;
	struct lma_mag *m = lma_conf_mag(&l->conf, &r->path.peer);

	switch (r->kind) {
	case LMA_REV_END:
		lma_rev_free(r);
		if (b && b->state == LMA_ST_REVOKING)
			lma_binding_step(l, b, LMA_EV_REVOKED, now);
		break;
	case LMA_REV_IPV4:
		lma_rev_free(r);
		if (b)
			lma_home4_drop(l, b, now);
		break;
	case LMA_REV_HANDOVER:
		lma_rev_free(r);
		if (b)
			handover_answered(l, b, res, now);
		break;
	case LMA_REV_MOVED:
		lma_rev_free(r);
		break;
	case LMA_REV_OWED:
		lma_rev_free(r);
		lma_owed_done(l, &res->peer, res->outcome == REV_UNSUPPORTED, now);
		break;
	case LMA_REV_GLOBAL:
		if (m)
			end_all(l, m, r, !understood(res), now);
		lma_rev_free(r);
		break;
	}
	lma_owed_arm(l, now);
}

/* ---- for onlookers */

int lma_revoke_trigger(const struct lma *l, const struct bce *b)
{
	const struct mnid id = bce_mnid(b);
	const struct lma_rev *r = b->revocation;

	if (r && r->kind != LMA_REV_MOVED)
		return r->trigger;
	for (r = l->globals; r; r = r->next) {
		const struct mnid realm = {MNID_NAI, r->realm_len, r->realm};

		if (b->state == LMA_ST_ACTIVE && addr6_eq(&r->path.peer, &b->reg.proxy_coa) &&
		    addr6_eq(&r->path.local, &b->reg.lmaa) &&
		    (!r->realm_len || revocation_in_realm(&id, &realm)))
			return r->trigger;
	}
	return -1;
}
