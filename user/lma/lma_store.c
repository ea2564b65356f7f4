/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bindings that outlive the daemon: what is written down of one, and how it comes back.
 *
 * A record is of another time: the configuration, the profiles and the clock may have changed
 * since. What comes back is held against what is in force now as a registration would be, its
 * addresses are taken from their pools again, and the data plane is asked for the session without
 * naming a reference, so that what an earlier run left there goes on with its key and its counters.
 * What no longer fits is dropped, and said so.
 *
 * Time: a record says when its state ends by the wall clock. What is over by then ends at the first
 * tick, as it would have; where the clock was set back, no more is left than was granted.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <string.h>

#include "core/record.h"

_Static_assert(RECORD_BINDING_MAX <= STORE_LEN_MAX, "a binding fits a record");

/* ---- writing */

static uint64_t wallclock(const struct lma *l)
{
	return l->env->wallclock(l->env->ctx);
}

static enum record_state record_state_of(const struct bce *b)
{
	if (b->state == LMA_ST_REVOKING)
		return RECORD_REVOKING;
	return b->state == LMA_ST_ACTIVE ? RECORD_ACTIVE : RECORD_DEREGISTERED;
}

static size_t write_binding(void *ctx, const void *owner, uint8_t *buf, nsec_t now)
{
	const struct lma *l = ctx;
	const struct bce *b = owner;
	struct record_binding r = {
		.state = record_state_of(b),
		.mnid = bce_mnid(b),
		.llid = bce_llid(b),
		.home4 = bce_home4(b),
		.proxy_coa = b->reg.proxy_coa,
		.lmaa = b->reg.lmaa,
		.link_local = b->reg.link_local,
		.deadline = wallclock(l) + nsec_sub(b->deadline.at, now),
		.timestamp = b->reg.timestamp,
		.node_newest = bce_node_newest(b->node),
		.lifetime_s = b->reg.lifetime_s,
		.handovers = b->handovers,
		.down_key = b->reg.down_key,
		.seq = b->reg.seq,
		.port = b->reg.port,
		.encap = b->reg.encap,
		.att = b->reg.att,
		.keyed = b->keyed,
		.proxy = b->proxy,
	};

	lma_revoke_write(b, &r);
	r.n_prefixes = bce_prefixes(b, r.prefixes);
	if (b->keyed && l->dp->ops->session_key(l->dp, b->session, &r.up_key))
		r.up_key = 0;
	return record_binding_write(&r, buf, STORE_LEN_MAX);
}

void lma_set_store(struct lma *l, struct store *st)
{
	const struct store_source src = {l, write_binding};

	l->store = st;
	store_set_source(st, STORE_BINDING, &src);
	lma_note_init(l);
}

int lma_store_add(struct lma *l, struct bce *b)
{
	return l->store ? store_add(l->store, STORE_BINDING, b, &b->item) : 0;
}

void lma_store_touch(struct lma *l, struct bce *b, nsec_t now)
{
	if (b->item)
		store_touch(l->store, b->item, now);
}

void lma_store_remove(struct lma *l, struct bce *b, nsec_t now)
{
	struct bce *other = bce_first(b->node);

	if (!b->item)
		return;
	store_remove(l->store, &b->item, now);
	/* the node's newest timestamp may stand in no other record */
	if (other == b)
		other = b->next;
	if (other)
		lma_store_touch(l, other, now);
}

/* ---- reading */

static bool mag_fits(const struct lma_mag *m, const struct record_binding *r)
{
	for (unsigned i = 0; i < r->n_prefixes; i++)
		if (!lma_mag_may_serve_prefix(m, &r->prefixes[i]))
			return false;
	return lma_mag_may_serve_node(m, &r->mnid);
}

static bool prefixes_fit(const struct lma *l, const struct profile *prof,
			 const struct record_binding *r)
{
	if (r->n_prefixes && prof->no_ipv6)
		return false;
	for (unsigned i = 0; i < r->n_prefixes; i++)
		if (!lma_prefix_allowed(l, prof, &r->prefixes[i]))
			return false;
	return true;
}

/* Why the binding cannot be; NULL: it can. */
static const char *misfit(const struct lma *l, const struct record_binding *r)
{
	const struct lma_mag *m = lma_conf_mag(&l->conf, &r->proxy_coa);
	const struct profile *prof = lma_profile_find(l, &r->mnid);

	if (!lma_conf_serves(&l->conf, &r->lmaa))
		return "its LMA address is not ours any more";
	if (!m)
		return "its MAG is not configured any more";
	if (!mag_fits(m, r))
		return "its MAG may not serve it any more";
	if (!lma_profile_serves(l, prof) || !prof->enabled)
		return "there is no profile for it any more";
	if (!prefixes_fit(l, prof, r))
		return "a prefix is not ours or not the node's any more";
	if (home4_is_set(&r->home4) && !lma_home4_fits(l, prof, &r->home4))
		return "its IPv4 home address is not ours or not the node's any more";
	if (bce_count(l->cache) >= l->conf.cfg.max_bindings)
		return "max-bindings reached";
	return NULL;
}

/* All of them, or none. */
static int take(struct lma *l, const struct lma_addrs *a)
{
	struct lma_addrs taken = {0};
	int err = 0;

	for (unsigned i = 0; i < a->n && !err; i++) {
		struct pool *pool = lma_conf_pool_of(&l->conf, &a->prefixes[i]);

		err = pool ? pool_take_this(pool, &a->prefixes[i]) : 0;
		if (!err)
			taken.prefixes[taken.n++] = a->prefixes[i];
	}
	if (!err && home4_is_set(&a->home4)) {
		const struct lma_pool4 *p =
			lma_conf_pool4_of(&l->conf, a->home4.domain, a->home4.addr);

		err = p ? pool4_take_this(p->pool, a->home4.addr) : -ENOENT;
	}
	if (err)
		lma_addrs_release(l, &taken, NULL);
	return err;
}

static int fill(struct bce *b, const struct record_binding *r)
{
	b->reg = (struct bce_reg){
		.proxy_coa = r->proxy_coa,
		.lmaa = r->lmaa,
		.link_local = r->link_local,
		.timestamp = r->timestamp,
		.lifetime_s = r->lifetime_s,
		.down_key = r->down_key,
		.seq = r->seq,
		.port = r->port,
		.encap = r->encap,
		.att = r->att,
	};
	b->handovers = r->handovers;
	b->keyed = r->keyed;
	b->proxy = r->proxy;
	bce_node_accept(b->node, r->timestamp);
	bce_node_accept(b->node, r->node_newest);
	return r->llid.len ? bce_reg_set_llid(&b->reg, &r->llid) : 0;
}

static nsec_t end_of(const struct lma *l, const struct record_binding *r, nsec_t now)
{
	const nsec_t most = r->state == RECORD_DEREGISTERED
				    ? nsec_from_ms(l->conf.cfg.min_delay_before_bce_delete_ms)
				    : nsec_from_s(r->lifetime_s);

	return nsec_add(now, nsec_min(nsec_sub(r->deadline, wallclock(l)), most));
}

static enum lma_event event_of(const struct record_binding *r)
{
	switch (r->state) {
	case RECORD_DEREGISTERED:
		return LMA_EV_RESTORED_DEREGISTERED;
	case RECORD_REVOKING:
		return LMA_EV_RESTORED_REVOKING;
	default:
		return LMA_EV_RESTORED;
	}
}

/* In cache, tunnel and data plane; else gone again. */
static int bring_back(struct lma *l, const struct store_record *rec, const struct record_binding *r,
		      struct bce *b, nsec_t now)
{
	const enum dp_mode mode = r->state == RECORD_ACTIVE ? DP_FORWARD : DP_DROP;
	int err = fill(b, r);

	if (!err)
		err = lma_forward_restore(l, b, mode, r->up_key);
	if (!err)
		lma_session_count(l, &b->reg, 1, now);
	if (!err)
		err = lma_revoke_restore(l, b, r, now);
	if (!err)
		err = store_adopt(l->store, rec, b, &b->item);
	if (err)
		lma_binding_step(l, b, LMA_EV_FAILED, now);
	else
		lma_binding_restored(l, b, event_of(r), end_of(l, r, now), now);
	return err;
}

static const char *reason(int err, char *buf, size_t cap)
{
	if (err == -EEXIST)
		return "another binding has an address of it";
	if (err == -ESTALE)
		return "its GRE key is not to be had again";
	snprintf(buf, cap, "%s", strerror(-err));
	return buf;
}

static int drop(struct lma *l, const struct mnid *id, const char *why, nsec_t now)
{
	char node[80];

	lma_bump(l, LMA_C_NOT_RESTORED);
	log_limited(&l->restores, now, LOG_C_LOCAL, "lma[%s] a binding is not restored: %s",
		    id ? mnid_str(id, node, sizeof(node)) : "?", why);
	return STORE_DROP;
}

void lma_expect(struct lma *l, size_t n)
{
	bce_cache_reserve(l->cache, n < l->conf.cfg.max_bindings ? n : l->conf.cfg.max_bindings);
}

int lma_restore(struct lma *l, const struct store_record *rec, nsec_t now)
{
	struct record_binding r;
	struct lma_addrs addrs;
	struct bce *b = NULL;
	const char *why;
	char text[64];
	int err;

	if (rec->kind == STORE_REVOCATION)
		return lma_note_restore(l, rec, now);
	err = record_binding_read(&r, rec->data, rec->len);
	if (err)
		return drop(l, NULL,
			    err == -EPROTONOSUPPORT ? "its record is of another version"
						    : "its record makes no sense",
			    now);
	bce_cache_prefetch(l->cache, &r.mnid, r.n_prefixes ? &r.prefixes[0] : NULL);
	why = misfit(l, &r);
	if (why)
		return drop(l, &r.mnid, why, now);
	addrs.n = r.n_prefixes;
	memcpy(addrs.prefixes, r.prefixes, r.n_prefixes * sizeof(r.prefixes[0]));
	addrs.home4 = r.home4;
	err = take(l, &addrs);
	if (!err) {
		err = bce_add(l->cache, &r.mnid, addrs.prefixes, addrs.n, &addrs.home4, &b);
		if (err)
			lma_addrs_release(l, &addrs, NULL);
	}
	if (!err)
		err = bring_back(l, rec, &r, b, now);
	if (err == -ENOMEM)
		return err; /* the record stays for a better time */
	if (err)
		return drop(l, &r.mnid, reason(err, text, sizeof(text)), now);
	lma_bump(l, LMA_C_RESTORED);
	return STORE_KEEP;
}
