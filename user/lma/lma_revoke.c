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
 *
 * What was ordered outlives the daemon: that a binding, or its IPv4 home address, is being revoked
 * stands in its own record, all else in records of its own (lma_note.c). An indication of an
 *earlier run is sent anew. It is no retransmission then (RFC 5846 6.3): the number that stands in
 *it is the next one, so that an answer to the former is ignored (6.2.2), and a MAG that has carried
 *that out says that it has no such binding, which is an answer as good as any.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"

static void on_done(void *arg, const struct revocation_result *res, nsec_t now);
static void resume(struct deadline *d, void *ctx, nsec_t now);

/* ---- life */

static void link_to(struct lma_rev *r, struct lma_rev **head)
{
	r->link = head;
	r->next = *head;
	if (r->next)
		r->next->link = &r->next;
	*head = r;
}

static void unlink_it(struct lma_rev *r)
{
	*r->link = r->next;
	if (r->next)
		r->next->link = r->link;
}

void lma_rev_put(struct lma_rev *r, struct lma_rev **head)
{
	unlink_it(r);
	link_to(r, head);
}

struct lma_rev *lma_rev_new(struct lma *l, enum lma_rev_kind kind,
			    const struct revocation_path *path, uint8_t trigger,
			    const uint8_t *realm, size_t realm_len)
{
	struct lma_mag *m = kind == LMA_REV_OWED ? lma_conf_mag(&l->conf, &path->peer) : NULL;
	struct lma_rev **head = kind == LMA_REV_GLOBAL ? &l->globals : &l->revs;
	struct lma_rev *r = calloc(1, sizeof(*r) + realm_len);

	if (!r)
		return NULL;
	r->l = l;
	r->id = -1;
	r->kind = kind;
	r->path = *path;
	r->trigger = trigger;
	r->realm_len = (uint8_t)realm_len;
	if (realm_len)
		memcpy(r->realm, realm, realm_len);
	link_to(r, m ? &m->paying : head);
	return r;
}

void lma_rev_free(struct lma_rev *r, nsec_t now)
{
	if (r->b)
		r->b->revocation = NULL;
	if (r->owed)
		lma_owed_drop(r->l, r->owed, now);
	lma_note_drop(r->l, &r->note, now);
	unlink_it(r);
	free(r);
}

/* It goes on without its binding, as what is owed. */
static void owe_on(struct lma_rev *r)
{
	struct lma_mag *m = lma_conf_mag(&r->l->conf, &r->path.peer);

	r->kind = LMA_REV_OWED;
	if (!m)
		return;
	lma_rev_put(r, &m->paying);
	m->owed_open++;
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
	if (r->kind == LMA_REV_MOVED)
		owe_on(r);
}

void lma_revoke_part(struct lma *l, struct bce *b, nsec_t now)
{
	struct lma_rev *r = b->revocation;

	if (!r || r->kind != LMA_REV_END)
		return;
	if (r->id < 0) { /* nor was it sent */
		struct lma_mag *m = lma_conf_mag(&l->conf, &b->reg.proxy_coa);

		if (m && l->conf.cfg.binding_revocation)
			lma_owe(l, m, b, &b->reg, r->trigger, now);
		return;
	}
	r->owed = lma_owed_keep(l, b, &b->reg, r->trigger, now);
	r->b = NULL;
	b->revocation = NULL;
	owe_on(r);
}

static void cancel(struct lma_rev *r, nsec_t now)
{
	if (r->id >= 0)
		revocation_cancel(r->l->revocation, r->id);
	lma_rev_free(r, now);
}

void lma_revoke_void(struct lma *l, const struct bce *b, nsec_t now)
{
	struct lma_mag *m = lma_conf_mag(&l->conf, &b->reg.proxy_coa);
	struct lma_rev *next;

	for (struct lma_rev *r = m ? m->paying : NULL; r; r = next) {
		next = r->next;
		if (!r->owed || !lma_owed_means(r->owed, b))
			continue;
		lma_bump(l, LMA_C_REVOCATION_VOID);
		cancel(r, now);
		lma_owed_done(l, &m->cfg.addr, false, now);
	}
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
	l->resume.fire = resume;
	l->revocation_env = (struct env){.ctx = l, .send = send_in_line, .random = random_of};
	return revocation_new(&l->revocation, "lma", &l->conf.cfg.revocation, &l->revocation_env,
			      &l->deadlines, l->sink);
}

void lma_revocation_free(struct lma *l)
{
	revocation_free(&l->revocation);
	while (l->revs)
		lma_rev_free(l->revs, 0);
	while (l->globals)
		lma_rev_free(l->globals, 0);
	for (struct lma_mag *m = l->conf.mags; m; m = m->hh.next)
		while (m->paying)
			lma_rev_free(m->paying, 0);
	deadline_cancel(&l->deadlines, &l->resume);
}

/* ---- out */

int lma_revoke_transmit(struct lma_rev *r, struct mh_msg *msg, nsec_t now)
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
		return lma_revoke_transmit(r, &msg, now);
	}
	for (unsigned i = 0; i < addrs->n; i++)
		mh_opt_add(&msg, MHO_HNP)->hnp.prefix = addrs->prefixes[i];
	/* nothing else names one of several bindings that has no prefix */
	if (others && !addrs->n && home4_is_set(&addrs->home4))
		add_home4(&msg, &addrs->home4);
	return lma_revoke_transmit(r, &msg, now);
}

int lma_revoke_send(struct lma_rev *r, const struct mnid *id, const struct lma_addrs *addrs,
		    bool others, nsec_t now)
{
	int err = transmit_for(r, id, addrs, others, now);

	if (err)
		lma_rev_free(r, now);
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

struct lma_mag *lma_revoke_hears(const struct lma *l, const struct in6_addr *coa)
{
	struct lma_mag *m = lma_conf_mag(&l->conf, coa);

	return m && l->conf.cfg.binding_revocation && !lma_peer_is_down(l, m) ? m : NULL;
}

/* ---- by order */

void lma_revoke_end(struct lma *l, struct bce *b, uint8_t trigger, nsec_t now)
{
	struct lma_mag *m = lma_conf_mag(&l->conf, &b->reg.proxy_coa);
	bool active = b->state != LMA_ST_DEREGISTERING;
	int err = 0;

	if (b->state == LMA_ST_REVOKING && b->revocation)
		return;
	if (active && lma_revoke_hears(l, &b->reg.proxy_coa)) {
		lma_store_touch(l, b, now); /* the MAG hears of the end when it is on disk */
		if (send_for(l, b, &b->reg, LMA_REV_END, trigger, &err, now)) {
			/* fails only for a session that the data plane lost */
			l->dp->ops->session_mode(l->dp, b->session, DP_DROP);
			if (b->state == LMA_ST_ACTIVE)
				lma_binding_step(l, b, LMA_EV_REVOKE, now);
			return;
		}
	}
	if (active && m && l->conf.cfg.binding_revocation && err != -EOPNOTSUPP)
		lma_owe(l, m, b, &b->reg, trigger, now);
	lma_binding_step(l, b, LMA_EV_DELETED, now);
}

int lma_home4_drop(struct lma *l, struct bce *b, nsec_t now)
{
	static const struct home4 none;
	struct lma_job j = {.l = l, .now = now};
	const struct mnid id = bce_mnid(b);
	struct lma_addrs was, left;
	char node[80];
	int err;

	lma_addrs_of(b, &was);
	if (b->state != LMA_ST_ACTIVE || !home4_is_set(&was.home4))
		return 0;
	if (!was.n) {
		lma_revoke_end(l, b, BR_ADMINISTRATIVE, now);
		return 0;
	}
	left = was;
	left.home4 = none;
	mnid_str(&id, node, sizeof(node));
	err = lma_forward_release(&j, b, &was, &left);
	if (err && bce_by_addr4(l->cache, was.home4.domain, was.home4.addr) == b) {
		lma_bump(l, LMA_C_DP_FAILED);
		log_limited(&l->local, now, LOG_C_LOCAL,
			    "lma[%s] keeps its IPv4 home address, which was revoked: %s", node,
			    strerror(-err));
		return err;
	}
	if (err)
		return 0; /* it is gone as a whole */
	lma_addrs_release(l, &was, &left);
	lma_bump(l, LMA_C_IPV4_RELEASED);
	lma_binding_step(l, b, LMA_EV_RELEASED, now);
	return 0;
}

/* 1, or 0: it has none, or -errno: it keeps it. */
static int revoke_home4(struct lma *l, struct bce *b, uint8_t trigger, nsec_t now)
{
	const struct home4 h = bce_home4(b);
	int err = 0;

	if (b->state != LMA_ST_ACTIVE || !home4_is_set(&h))
		return 0;
	if (!b->n_prefixes) {
		lma_revoke_end(l, b, trigger, now);
		return 1;
	}
	if (lma_revoke_hears(l, &b->reg.proxy_coa)) {
		lma_store_touch(l, b, now);
		if (send_for(l, b, &b->reg, LMA_REV_IPV4, trigger, &err, now))
			return 1;
	}
	err = lma_home4_drop(l, b, now);
	return err ? err : 1;
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
	int n = 0, err = -ENOENT, rc;

	if (o->trigger > BR_OUT_OF_SYNC)
		return -EINVAL;
	for (; b; b = next) {
		next = b->next; /* the node is gone with its last entry */
		if (b->state == LMA_ST_REVOKING || (o->prefix && !has_prefix(b, o->prefix)))
			continue;
		if (o->ipv4_only) {
			rc = revoke_home4(l, b, o->trigger, now);
			if (rc < 0)
				err = rc;
			else
				n += rc;
			continue;
		}
		lma_revoke_end(l, b, o->trigger, now);
		n++;
	}
	return n ? n : err;
}

unsigned lma_delete(struct lma *l, const struct mnid *id, nsec_t now)
{
	const struct lma_revoke_order o = {.id = *id, .trigger = BR_ADMINISTRATIVE};
	int n = lma_revoke(l, &o, now);

	return n < 0 ? 0 : (unsigned)n;
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

void lma_revoke_extended(struct bce *b, nsec_t now)
{
	struct lma_rev *r = b->revocation;

	/* while a request waits, the MAG's answer decides */
	if (r && r->kind == LMA_REV_HANDOVER && !b->owner)
		cancel(r, now);
}

void lma_revoke_let_go(struct bce *b, nsec_t now)
{
	struct lma_rev *r = b->revocation;

	if (r && addr6_eq(&r->path.peer, &b->reg.proxy_coa))
		cancel(r, now);
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
		cancel(r, now);
	lma_revoke_forget(b);
	m = lma_conf_mag(&l->conf, &was->proxy_coa);
	if (m && !let_go && !told && l->conf.cfg.binding_revocation) {
		r = lma_peer_is_down(l, m) ? NULL
					   : send_for(l, b, was, LMA_REV_MOVED, trigger, &err, now);
		if (r)
			r->owed = lma_owed_keep(l, b, was, trigger, now);
		else if (!err || err == -ENOBUFS)
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

	switch (r->kind) {
	case LMA_REV_END:
		lma_rev_free(r, now);
		if (b && b->state == LMA_ST_REVOKING)
			lma_binding_step(l, b, LMA_EV_REVOKED, now);
		break;
	case LMA_REV_IPV4:
		lma_rev_free(r, now);
		if (b)
			lma_home4_drop(l, b, now);
		break;
	case LMA_REV_HANDOVER:
		lma_rev_free(r, now);
		if (b)
			handover_answered(l, b, res, now);
		break;
	case LMA_REV_MOVED:
		lma_rev_free(r, now);
		break;
	case LMA_REV_OWED:
		lma_rev_free(r, now);
		lma_owed_done(l, &res->peer, res->outcome == REV_UNSUPPORTED, now);
		break;
	case LMA_REV_GLOBAL:
		lma_global_done(l, r, !understood(res), now);
		break;
	}
	lma_owed_arm(l, now);
}

/* ---- of an earlier run */

void lma_revoke_write(const struct bce *b, struct record_binding *r)
{
	const struct lma_rev *rev = b->revocation;

	/* the node may have given it back meanwhile */
	r->revokes4 = rev && rev->kind == LMA_REV_IPV4 && b->state == LMA_ST_ACTIVE &&
		      home4_is_set(&r->home4);
	if (r->revokes4 || (rev && rev->kind == LMA_REV_END && b->state == LMA_ST_REVOKING))
		r->trigger = rev->trigger;
}

int lma_revoke_restore(struct lma *l, struct bce *b, const struct record_binding *r, nsec_t now)
{
	const struct revocation_path path = {r->lmaa, r->proxy_coa, r->port};
	struct lma_rev *rev;

	if (r->state != RECORD_REVOKING && !r->revokes4)
		return 0;
	rev = lma_rev_new(l, r->revokes4 ? LMA_REV_IPV4 : LMA_REV_END, &path, r->trigger, NULL, 0);
	if (!rev)
		return -ENOMEM;
	attach(rev, b);
	deadline_arm(&l->deadlines, &l->resume, now); /* nothing can be sent yet */
	return 0;
}

static void resume_one(struct lma *l, struct lma_rev *r, nsec_t now)
{
	const uint8_t trigger = r->trigger;
	const enum lma_rev_kind kind = r->kind;
	struct bce *b = r->b;

	lma_rev_free(r, now);
	if (!b)
		return;
	lma_bump(l, LMA_C_REVOCATION_RESUMED);
	if (kind == LMA_REV_IPV4)
		revoke_home4(l, b, trigger, now);
	else
		lma_revoke_end(l, b, trigger, now);
}

static void resume(struct deadline *d, void *ctx, nsec_t now)
{
	struct lma *l = ctx;
	struct lma_rev *r, *next, *all = l->revs;

	(void)d;
	/* those that are sent now come to the head of the list, before these */
	for (r = all; r; r = next) {
		next = r->next;
		if (r->id < 0)
			resume_one(l, r, now);
	}
	lma_global_resume(l, now);
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
