/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What neighbours tell of nodes is judged: by the configuration when they tell it (RFC 5949 4.2),
 * and by what anchors grant later.
 */
#include "mag/mag_act.h"
#include "mag/mag_fho.h"

/* ---- contexts and the configuration */

struct mag_lma *mag_ho_anchor(const struct mag *m, const struct mnid *id,
			      const struct mag_context *c)
{
	const struct profile *p = mag_profile(m, id);

	if (!addr6_is_zero(&c->lmaa))
		return mag_lma_by_addr(m, &c->lmaa);
	return p && !addr6_is_zero(&p->lmaa) ? mag_lma_by_addr(m, &p->lmaa) : m->lmas;
}

/* Nodes without a profile are known here by the realm, or by the trigger that told of them. */
static bool is_welcome(const struct mag *m, const struct mnid *id)
{
	const struct profile *p = mag_profile(m, id);

	return mag_entitled(p) && (p || m->cfg.realm[0] || bul_by_mnid(m->bul, id, NULL));
}

bool mag_ho_same_encap(const struct mag_neighbour *n, const struct mag_context *c)
{
	const enum dp_encap e = (enum dp_encap)n->cfg.encap;

	return e == DP_ENCAP_MAX || (dp_encap_gre(e) == c->gre && dp_encap_keyed(e) == c->keyed);
}

void mag_ho_other_encap(struct mag *m, struct mag_neighbour *n, nsec_t now)
{
	ho_count_up(m, HO_C_OTHER_ENCAP);
	log_limited(
		&n->limit, now, LOG_C_REMOTE,
		"mag: neighbour %s does not forward by the encapsulation that is configured here",
		n->cfg.name);
}

uint8_t mag_ho_judge(struct mag *m, struct mag_neighbour *n, const struct mnid *id,
		     const struct mag_context *c, nsec_t now)
{
	char addr[ADDR6_STRLEN];

	if (!is_welcome(m, id)) {
		log_limited(&n->limit, now, LOG_C_REMOTE,
			    "mag: neighbour %s announces a node that may not be served here",
			    n->cfg.name);
		return HACK_PROHIBITED;
	}
	if (!mag_ho_anchor(m, id, c)) {
		ho_count_up(m, HO_C_FOREIGN_LMA);
		log_limited(&n->limit, now, LOG_C_REMOTE,
			    "mag: neighbour %s tells of a node whose anchor %s is not configured",
			    n->cfg.name, addr_str(&c->lmaa, addr));
		return HACK_PROHIBITED;
	}
	return HACK_CONTEXT_ACCEPTED;
}

/* ---- contexts and grants */

static bool overlap(const struct prefix6 *a, const struct prefix6 *b)
{
	return a->len < b->len ? prefix6_has_addr(a, &b->addr) : prefix6_has_addr(b, &a->addr);
}

static bool share_an_address(const struct bule *a, const struct bule *b)
{
	unsigned i, j;

	if (home4_is_set(&a->home4) && a->home4.addr.s_addr == b->home4.addr.s_addr &&
	    a->home4.domain == b->home4.domain)
		return true;
	for (i = 0; i < a->n_prefixes; i++) {
		for (j = 0; j < b->n_prefixes; j++) {
			if (overlap(&a->prefixes[i], &b->prefixes[j]))
				return true;
		}
	}
	return false;
}

/* The node is waited for no longer, or, if it is here, is registered without its context. */
static void take_back(struct mag *m, struct mag_session *s, nsec_t now)
{
	struct mag_ctx c = {.m = m, .now = now, .cause = "its anchor gave its addresses to others"};

	if (s->state == MST_EXPECTED) {
		mag_step(s, MEV_FORGET, &c);
		return;
	}
	mag_serve_stop(m, s, true, c.cause, now);
	s->b.home4 = (struct home4){0};
	(void)bul_set_prefixes(m->bul, &s->b, NULL, 0);
	mag_step(s, MEV_NO_CONTEXT, &c);
}

bool mag_fho_outrank(struct mag *m, const struct mag_session *s, nsec_t now)
{
	bool any = false;

	for (struct mag_ho *h = m->fho->first; h; h = h->next) {
		struct mag_session *other = h->s;

		if (!other || other == s ||
		    (other->state != MST_EXPECTED && other->state != MST_ARRIVING) ||
		    !share_an_address(&other->b, &s->b))
			continue;
		ho_count_up(m, HO_C_OUTRANKED);
		mag_ho_log(m, h, now, LOG_C_REMOTE,
			   "addresses that neighbour %s told are another node's by its anchor",
			   h->n->cfg.name);
		h->result = "addresses of another node";
		take_back(m, other, now);
		any = true;
	}
	return any;
}
