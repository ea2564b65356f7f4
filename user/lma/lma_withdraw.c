/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A MAG revokes bindings that it has here (RFC 5846 8.2): of one node, or all of them at once where
 * the configuration lets it (RFC 5846 13). It speaks for the bindings at its own address; for those
 * at another, by an Alternate Care-of Address, only where both are addresses of one MAG, which the
 * configuration says by giving them one identity.
 */
#include "lma/lma_priv.h"

#include <string.h>

struct withdrawal {
	struct lma *l;
	struct lma_mag *m, *coa_mag; /* the sender, and whom it speaks of: NULL, of a stranger */
	const struct mh_msg *bri;
	const struct mnid *id; /* NULL: none */
	const char *why;       /* of a refusal */
	bool silent;	       /* it is to come again */
	struct mh_msg bra;
	nsec_t now;
};

static bool speaks_for(const struct withdrawal *w)
{
	return w->m == w->coa_mag || (w->coa_mag && w->m->cfg.identity[0] &&
				      !strcmp(w->m->cfg.identity, w->coa_mag->cfg.identity));
}

static bool is_theirs(const struct withdrawal *w, const struct bce *b)
{
	return speaks_for(w) && addr6_eq(&b->reg.proxy_coa, &w->coa_mag->cfg.addr);
}

static enum bra_status refuse(struct withdrawal *w, enum bra_status status, const char *why)
{
	w->why = why;
	return status;
}

/* ---- all at once */

static bool is_its_identity(const struct withdrawal *w)
{
	const char *name = w->m->cfg.identity;

	return !name[0] || (w->id->len == strlen(name) && !memcmp(w->id->id, name, w->id->len));
}

static enum bra_status withdraw_all(struct withdrawal *w)
{
	struct lma_doom d = {
		.at = w->now,
		.before = (int64_t)w->now,
		.event = LMA_EV_WITHDRAWN,
		.trigger = -1,
	};

	if (w->bri->br.code != BR_PER_PEER_POLICY)
		return refuse(w, BRA_TRIGGER_NOT_SUPPORTED, "trigger not supported");
	if (!w->m->cfg.may_revoke || !w->id || !is_its_identity(w) || !speaks_for(w))
		return refuse(w, BRA_GLOBAL_NOT_AUTHORIZED, "not authorized for global revocation");
	/* many: ended by and by, but it is on disk that they do before the answer says so */
	d.mag = w->coa_mag->cfg.addr;
	w->silent = lma_doom(w->l, &d, NULL, w->now);
	return BRA_SUCCESS;
}

/* ---- those of one node */

static enum bra_status withdraw_home4(struct withdrawal *w)
{
	const struct mh_opt *o = mh_opt(w->bri, MHO_IPV4_HOA_REQUEST);
	struct bce *b;

	if (!o)
		return refuse(w, BRA_IPV4_HOA_REQUIRED, "no IPv4 home address");
	b = bce_first(bce_node_find(w->l->cache, w->id));
	while (b && (!is_theirs(w, b) || bce_home4(b).addr.s_addr != o->hoa4.addr.s_addr))
		b = b->next;
	if (!b || !o->hoa4.addr.s_addr)
		return refuse(w, BRA_NO_BINDING, "no such IPv4 home address");
	if (!b->n_prefixes)
		lma_binding_step(w->l, b, LMA_EV_WITHDRAWN, w->now);
	else /* no status says that it failed here: the indication comes again, RFC 5846 6.3 */
		w->silent = lma_home4_drop(w->l, b, w->now);
	return BRA_SUCCESS;
}

static void note_failed(struct withdrawal *w, const struct mh_opt *hnp)
{
	struct mh_opt *o;

	if (!w->bra.n_opts)
		mh_opt_add(&w->bra, MHO_MN_ID)->mnid = *w->id;
	o = mh_opt_add(&w->bra, MHO_HNP);
	if (o)
		o->hnp.prefix = hnp->hnp.prefix;
}

/* RFC 5846 8.2 (2), (3). A binding goes as a whole: several of its prefixes may be named. */
static enum bra_status withdraw_named(struct withdrawal *w)
{
	struct bce *meant[BCE_PER_NODE_MAX];
	unsigned n = 0, k;

	for (unsigned i = 0; i < mh_opt_count(w->bri, MHO_HNP); i++) {
		const struct mh_opt *o = mh_opt_nth(w->bri, MHO_HNP, i);
		const struct mnid none = {0};
		struct prefix6 p = o->hnp.prefix;
		struct bce *b;
		struct mnid owner;

		prefix6_mask(&p);
		b = bce_by_prefix(w->l->cache, &p);
		owner = b ? bce_mnid(b) : none;
		if (!b || !mnid_eq(&owner, w->id) || !is_theirs(w, b)) {
			note_failed(w, o);
			continue;
		}
		for (k = 0; k < n && meant[k] != b; k++)
			;
		if (k == n)
			meant[n++] = b;
	}
	if (!n) {
		w->bra.n_opts = 0;
		return refuse(w, BRA_NO_BINDING, "no such binding");
	}
	while (n)
		lma_binding_step(w->l, meant[--n], LMA_EV_WITHDRAWN, w->now);
	return w->bra.n_opts ? BRA_PARTIAL_SUCCESS : BRA_SUCCESS;
}

static enum bra_status withdraw_node(struct withdrawal *w)
{
	struct bce *b = bce_first(bce_node_find(w->l->cache, w->id)), *next;
	bool any = false;

	for (; b; b = next) {
		next = b->next; /* the node is gone with its last entry */
		if (!is_theirs(w, b))
			continue;
		lma_binding_step(w->l, b, LMA_EV_WITHDRAWN, w->now);
		any = true;
	}
	return any ? BRA_SUCCESS : refuse(w, BRA_NO_BINDING, "no binding of that node");
}

/* ---- judging */

static enum bra_status judge(struct withdrawal *w)
{
	const struct mh_msg *bri = w->bri;
	const enum bra_status status = revocation_check(bri);

	if (status != BRA_SUCCESS)
		return refuse(w, status, "trigger unknown, or not of that kind");
	/* there are no other bindings here than proxy ones */
	if (!(bri->br.flags & MH_BR_P))
		return refuse(w, BRA_NO_BINDING, "not about proxy bindings");
	if (bri->br.flags & MH_BR_G)
		return withdraw_all(w);
	if (!w->id)
		return refuse(w, BRA_NO_BINDING, "no MN-ID option");
	if (bri->br.flags & MH_BR_V)
		return withdraw_home4(w);
	return mh_opt(bri, MHO_HNP) ? withdraw_named(w) : withdraw_node(w);
}

static void tell_refused(struct withdrawal *w, enum bra_status status)
{
	const struct event ev = {.type = EV_REFUSED,
				 .role = "lma",
				 .now = w->now,
				 .mnid = w->id,
				 .peer = &w->m->cfg.addr,
				 .cause = w->why,
				 .clause = "RFC 5846 8.2"};

	lma_bump(w->l, LMA_C_WITHDRAWAL_REFUSED);
	log_limited(&w->m->refusals, w->now,
		    status == BRA_GLOBAL_NOT_AUTHORIZED ? LOG_C_AUTH : LOG_C_REMOTE,
		    "lma: revocation by MAG %s refused with %u (%s): %s", w->m->cfg.name, status,
		    bra_status_name((uint8_t)status), w->why);
	event_emit(w->l->sink, &ev);
}

void lma_withdraw(struct lma *l, const struct packet *pkt, const struct mh_msg *bri, nsec_t now)
{
	const struct mh_opt *alt = mh_opt(bri, MHO_ALT_COA), *id = mh_opt(bri, MHO_MN_ID);
	struct withdrawal w = {.l = l, .bri = bri, .now = now};
	enum bra_status status;

	w.m = lma_conf_mag(&l->conf, &pkt->src);
	if (!w.m)
		return; /* the peers of the engine are the configured MAGs */
	w.coa_mag = alt ? lma_conf_mag(&l->conf, &alt->addr) : w.m;
	if (id && id->mnid.subtype == MNID_NAI)
		w.id = &id->mnid;
	revocation_bra(&w.bra, bri, BRA_SUCCESS);
	status = judge(&w);
	w.bra.br.code = (uint8_t)status;
	if (status >= 128)
		tell_refused(&w, status);
	if (!w.silent)
		revocation_answer(l->revocation, pkt, &w.bra, now);
}
