/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A binding in cache, tunnel and data plane: how it comes there, how it changes, and what undoes a
 * change that fails half-way.
 *
 * The handover's way is one store (session_move); the whole session is put again only when its
 * addresses change or when it gets a GRE key.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

static struct dp_path path_to(const struct bce_reg *reg, dp_ref tunnel)
{
	return (struct dp_path){.kind = DP_TO_PEER, .peer = tunnel, .key = reg->down_key};
}

/* ---- what a node sent through the MAG that it has left */

struct lma_late {
	struct deadline deadline;
	struct bce *b;
	dp_ref tunnel; /* one use of it */
};

static void late_free(struct lma *l, struct lma_late *late)
{
	deadline_cancel(&l->deadlines, &late->deadline);
	if (late->tunnel)
		tunnel_put(l->tunnels, late->tunnel);
	late->b->late = NULL;
	free(late);
}

void lma_forward_forget_late(struct lma *l, struct bce *b)
{
	if (b->late)
		late_free(l, b->late);
}

/* The whole session, as the cache has it. */
static int put(struct lma *l, struct bce *b, dp_ref tunnel, enum dp_mode mode)
{
	struct lma_addrs addrs;
	struct dp_session s = {
		.half = DP_ANCHOR,
		.mnid = bce_mnid(b),
		.prefixes = addrs.prefixes,
		.keyed = b->keyed,
		.down = path_to(&b->reg, tunnel),
		.up = {.kind = DP_TO_ROUTE},
		.mode = mode,
	};

	lma_addrs_of(b, &addrs);
	s.n_prefixes = addrs.n;
	s.addr4 = addrs.home4.addr;
	s.domain = addrs.home4.domain;
	if (b->late)
		s.also_from = ((struct lma_late *)b->late)->tunnel;
	return l->dp->ops->session_put(l->dp, &s, &b->session);
}

static int forward(struct lma *l, struct bce *b, dp_ref tunnel)
{
	return put(l, b, tunnel, DP_FORWARD);
}

/* The data plane lost the session: put it there again. */
static int forward_anew(struct lma *l, struct bce *b, dp_ref tunnel)
{
	const dp_ref old = b->session;
	int err;

	b->session = 0;
	err = forward(l, b, tunnel);
	if (err)
		b->session = old;
	return err;
}

static int get_tunnel(struct lma *l, const struct bce_reg *reg, dp_ref *out)
{
	const struct dp_peer peer = {reg->lmaa, reg->proxy_coa, (enum dp_encap)reg->encap};

	return tunnel_get(l->tunnels, &peer, out);
}

bool lma_forward_keys(const struct lma *l, const struct bce *b, uint32_t *down, uint32_t *up)
{
	if (!dp_encap_keyed((enum dp_encap)b->reg.encap) ||
	    l->dp->ops->session_key(l->dp, b->session, up))
		return false;
	*down = b->reg.down_key;
	return true;
}

/* RFC 5845 3.3.2: the key for packets from the node stays the same as long as the session lives, so
 * it is asked for each time. */
static int learn_key(struct lma_job *j, const struct bce *b)
{
	struct lma *l = j->l;

	return j->encap.key ? l->dp->ops->session_key(l->dp, b->session, &j->encap.up_key) : 0;
}

static void fire_late(struct deadline *d, void *ctx, nsec_t now)
{
	struct lma_late *late = container_of(d, struct lma_late, deadline);
	struct lma *l = ctx;
	struct bce *b = late->b;
	const dp_ref tunnel = late->tunnel;
	int err;

	late->tunnel = 0;
	err = put(l, b, b->tunnel, b->state == LMA_ST_ACTIVE ? DP_FORWARD : DP_DROP);
	late->tunnel = tunnel;
	if (!err || err == -ENOENT) {
		late_free(l, late);
		return;
	}
	/* the session still has the tunnel, which therefore stays */
	lma_bump(l, LMA_C_DP_FAILED);
	deadline_arm(&l->deadlines, d, nsec_add(now, NSEC_PER_SEC));
}

/*
 * RFC 5213 5.6.2 takes a node's packets from its MAG's tunnel alone. Those that it sent through the
 * MAG that it leaves now, or through that one by way of the new one (RFC 5949 4.1), are still under
 * way: they are taken for a moment. Before the switch, so that nothing falls in between; without
 * memory for it they are lost.
 */
static void late_begin(struct lma *l, struct bce *b, nsec_t now)
{
	const uint32_t grace = l->conf.cfg.uplink_grace_ms;
	struct lma_late *late = b->late;
	dp_ref tunnel, before = late ? late->tunnel : 0;

	if (!grace || b->state != LMA_ST_ACTIVE || get_tunnel(l, &b->reg, &tunnel))
		return;
	if (!late)
		late = calloc(1, sizeof(*late));
	if (!late) {
		tunnel_put(l->tunnels, tunnel);
		return;
	}
	late->b = b;
	late->tunnel = tunnel;
	late->deadline.fire = fire_late;
	b->late = late;
	if (forward(l, b, b->tunnel)) {
		/* as it was */
		late->tunnel = before;
		tunnel_put(l->tunnels, tunnel);
		if (!before)
			late_free(l, late);
		return;
	}
	if (before)
		tunnel_put(l->tunnels, before);
	deadline_arm(&l->deadlines, &late->deadline, nsec_add(now, nsec_from_ms(grace)));
}

int lma_forward_start(struct lma_job *j, struct bce *b)
{
	struct lma *l = j->l;
	int err;

	b->keyed = j->encap.key;
	err = get_tunnel(l, &b->reg, &b->tunnel);
	if (!err)
		err = forward(l, b, b->tunnel);
	if (err)
		return err;
	err = learn_key(j, b);
	if (err) {
		l->dp->ops->session_del(l->dp, b->session);
		b->session = 0;
	}
	return err;
}

int lma_forward_restore(struct lma *l, struct bce *b, enum dp_mode mode, uint32_t up_key)
{
	uint32_t key = 0;
	int err = get_tunnel(l, &b->reg, &b->tunnel);

	if (!err)
		err = put(l, b, b->tunnel, mode);
	if (err)
		return err;
	if (b->keyed)
		err = l->dp->ops->session_key(l->dp, b->session, &key);
	if (!err && up_key && key != up_key)
		err = -ESTALE;
	if (err) {
		l->dp->ops->session_del(l->dp, b->session);
		b->session = 0;
	}
	return err;
}

/* ---- from one set of values to another */

static int change_cache(struct lma *l, struct lma_change *c)
{
	struct bce *b = c->b;
	const bool keyed = dp_encap_keyed((enum dp_encap)c->reg.encap);
	int err = 0;

	c->old_reg = b->reg;
	c->was_keyed = b->keyed;
	c->whole = keyed && !b->keyed;
	if (!lma_addrs_eq(&c->addrs, &c->old_addrs)) {
		c->whole = true;
		err = bce_set_addresses(l->cache, b, c->addrs.prefixes, c->addrs.n,
					&c->addrs.home4);
	}
	if (err)
		return err;
	b->reg = c->reg;
	b->keyed |= keyed;
	return 0;
}

/* Makes the binding have `was` again, and not `is`. Without memory for that it has to end. */
static bool addresses_back(struct lma_job *j, struct bce *b, const struct lma_addrs *was,
			   const struct lma_addrs *is)
{
	struct lma *l = j->l;

	if (lma_addrs_eq(was, is) ||
	    !bce_set_addresses(l->cache, b, was->prefixes, was->n, &was->home4))
		return true;
	lma_addrs_release(l, was, is);
	lma_binding_step(l, b, LMA_EV_FAILED, j->now);
	return false;
}

static bool change_cache_back(struct lma_job *j, struct lma_change *c)
{
	c->b->reg = c->old_reg;
	c->b->keyed = c->was_keyed;
	return addresses_back(j, c->b, &c->old_addrs, &c->addrs);
}

static int change_path(struct lma *l, const struct lma_change *c)
{
	struct bce *b = c->b;
	const struct dp_path down = path_to(&b->reg, c->tunnel);
	int err = 0;

	if (c->whole) {
		err = forward(l, b, c->tunnel);
	} else {
		if (c->tunnel != b->tunnel || down.key != c->old_reg.down_key)
			err = l->dp->ops->session_move(l->dp, b->session, &down);
		if (!err && b->state == LMA_ST_DEREGISTERING)
			err = l->dp->ops->session_mode(l->dp, b->session, DP_FORWARD);
	}
	return err == -ENOENT ? forward_anew(l, b, c->tunnel) : err;
}

int lma_forward_change(struct lma_job *j, struct lma_change *c)
{
	struct lma *l = j->l;
	struct bce *b = c->b;
	bool moved;
	int err;

	/* one more user of the tunnel, given back below when it is the same */
	err = get_tunnel(l, &c->reg, &c->tunnel);
	if (err)
		return err;
	if (c->tunnel != b->tunnel && !addr6_eq(&c->reg.proxy_coa, &b->reg.proxy_coa))
		late_begin(l, b, j->now);
	err = change_cache(l, c);
	if (!err) {
		err = change_path(l, c);
		moved = !err;
		if (moved)
			err = learn_key(j, b);
		if (err && change_cache_back(j, c) && moved)
			forward(l, b, b->tunnel);
	}
	if (err) {
		tunnel_put(l->tunnels, c->tunnel);
		return err;
	}
	tunnel_put(l->tunnels, b->tunnel);
	b->tunnel = c->tunnel;
	return 0;
}

int lma_forward_release(struct lma_job *j, struct bce *b, const struct lma_addrs *was,
			const struct lma_addrs *left)
{
	struct lma *l = j->l;
	int err = bce_set_addresses(l->cache, b, left->prefixes, left->n, &left->home4);

	if (err)
		return err;
	err = forward(l, b, b->tunnel);
	if (err == -ENOENT)
		err = forward_anew(l, b, b->tunnel);
	if (err)
		addresses_back(j, b, was, left);
	return err;
}
