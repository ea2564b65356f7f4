/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an accepting answer changes in the Binding Update List (RFC 5213 6.9.1.2 items 12 to 15). */
#include "mag/mag_int.h"

/* RFC 5213 6.9.1.2 (15). True: the LMA has to be told the address that was made here. */
static bool take_link_local(struct mag *m, struct mag_session *s, const struct mh_msg *msg,
			    nsec_t now)
{
	const struct mh_opt *o = mh_opt(msg, MHO_LINK_LOCAL);
	struct in6_addr nodes_own = mac_linklocal(&s->b.mac);
	bool given = o && addr6_is_linklocal(&o->addr);

	if (!addr6_is_zero(&m->cfg.fixed_mag_link_local_address_on_all_access_links))
		return false;
	if (!addr6_is_zero(&s->b.link_local)) {
		/* service may begin again on another link */
		if (!s->serving)
			mag_link_local_on_link(m, s);
		return false;
	}
	if (given && (mac_is_zero(&s->b.mac) || !addr6_eq(&o->addr, &nodes_own))) {
		s->b.link_local = o->addr;
		m->links->set_link_local(m->links->ctx, s->b.ifindex, &o->addr);
		return false;
	}
	mag_count_up(m, given ? MAG_C_LINK_LOCAL_CONFLICT : MAG_C_LINK_LOCAL_MADE);
	mag_make_link_local(m, s);
	mag_log(m, s, &s->lma->limit, now, LOG_C_REMOTE, "%s gave %s link-local address, made one",
		s->lma->name, given ? "the node's own" : "no");
	return true;
}

/* RFC 6275 11.7.3: the countdown began when the request was sent; a Binding Refresh Advice below
 * the lifetime says when to refresh. */
static void take_lifetime(struct mag *m, struct mag_session *s, const struct mh_msg *msg)
{
	const struct mh_opt *advice = mh_opt(msg, MHO_BINDING_REFRESH_ADVICE);
	uint16_t units = msg->ba.lifetime < s->req.lifetime ? msg->ba.lifetime : s->req.lifetime;
	nsec_t refresh;

	s->b.lifetime_s = units * MH_LIFETIME_UNIT;
	s->b.expires = nsec_add(s->b.sent_at, nsec_from_s(s->b.lifetime_s));
	refresh = nsec_from_ms(10ull * m->cfg.refresh_percent * s->b.lifetime_s);
	if (advice && advice->refresh_interval && advice->refresh_interval < units)
		refresh = nsec_from_s(advice->refresh_interval * MH_LIFETIME_UNIT);
	s->refresh_at = nsec_add(s->b.sent_at, refresh);
}

static bool has_any_of(const struct bule *e, const struct mag_grant *g)
{
	unsigned i, j;

	if (home4_is_set(&g->home4) && e->home4.addr.s_addr == g->home4.addr.s_addr &&
	    e->home4.domain == g->home4.domain)
		return true;
	for (i = 0; i < g->n_prefixes; i++) {
		for (j = 0; j < e->n_prefixes; j++) {
			if (prefix6_eq(&e->prefixes[j], &g->prefixes[i]))
				return true;
		}
	}
	return false;
}

/* A node moved its session here from another of its interfaces, on this MAG too: the older entry
 * ends without a word to the LMA, whose binding is the new one's. */
static void supersede_others(struct mag_session *s, struct mag_ctx *c)
{
	struct mag_ctx sub = {.m = c->m, .now = c->now, .cause = "moved to another interface"};
	struct bule *e, *next;

	for (e = bul_by_mnid(c->m->bul, &s->b.mnid, NULL); e; e = next) {
		next = bul_by_mnid(c->m->bul, &s->b.mnid, e);
		if (e != &s->b && !e->parked && has_any_of(e, c->grant))
			mag_step(mag_session_of(e), MEV_SUPERSEDED, &sub);
	}
}

bool mag_accept(struct mag_session *s, struct mag_ctx *c)
{
	const struct mag_cfg *cfg = &c->m->cfg;

	take_lifetime(c->m, s, c->msg);
	s->registered = true;
	s->overtaken = false;
	s->reg_att = s->req.att;
	s->first_hi = HI_UNKNOWN;
	s->any_prefix = false;
	s->asked4 = false;
	s->quick = 0;
	if (s->req.hoa4 && !home4_is_set(&c->grant->home4))
		s->ask4_at = nsec_add(c->now, mag_quiet_time(c->m));
	s->dhcp_relay = c->grant->dhcp_relay;
	mag_vendors_granted(c->m, s, c->msg, c->now);
	mag_adopt_terms(s, c);
	rtx_init(&s->backoff, MAG_BACKOFF_FIRST * cfg->initial_bindack_timeout_ms,
		 MAG_BACKOFF_CEILING * cfg->max_bindack_timeout_ms);
	supersede_others(s, c);
	return take_link_local(c->m, s, c->msg, c->now);
}
