/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service that a registration buys: tunnel, forwarding, advertisements (RFC 5213 6.9.2, 6.10).
 */
#include "mag/mag_int.h"

#include <errno.h>

#define IPV6_MIN_MTU 1280u
#define IPV4_MIN_MTU 576u /* what every host accepts, RFC 1122 3.3.3 */

/* RFC 5213 6.9.5, RFC 5844 3.4.3: the path's, or the administrative default when that is not known
 * (and never more than it), and no more than the access link carries. */
static uint32_t advertised_mtu(const struct mag *m, const struct mag_session *s, uint32_t least)
{
	uint32_t mtu = s->b.tunnel ? m->dp->ops->peer_mtu(m->dp, s->b.tunnel) : 0;

	if (!mtu || (m->cfg.tunnel_mtu && m->cfg.tunnel_mtu < mtu))
		mtu = m->cfg.tunnel_mtu;
	if (!mtu || (s->access_mtu && s->access_mtu < mtu))
		mtu = s->access_mtu;
	/* hosts ignore less (RFC 4861 6.3.4); the tunnel fragments what does not fit */
	return mtu && mtu < least ? least : mtu;
}

static struct link_advert advert_of(const struct mag *m, const struct mag_session *s,
				    const struct prefix6 *p, unsigned n, uint32_t lifetime_s)
{
	const struct in6_addr *fixed = &m->cfg.fixed_mag_link_local_address_on_all_access_links;
	const struct profile *profile = mag_profile(m, &s->b.mnid);
	struct link_advert ad = {
		.prefixes = p,
		.n_prefixes = n,
		.valid_s = lifetime_s,
		.preferred_s = lifetime_s,
		.mtu = advertised_mtu(m, s, IPV6_MIN_MTU),
		.link_local = addr6_is_zero(fixed) ? s->b.link_local : *fixed,
		.node = s->node_address,
		.home4 = s->b.home4,
		.mtu4 = advertised_mtu(m, s, IPV4_MIN_MTU),
		.dhcp_relay = s->dhcp_relay,
	};

	if (profile) {
		memcpy(ad.dns4, profile->dns4, sizeof(ad.dns4));
		ad.n_dns4 = profile->n_dns4;
	}
	return ad;
}

static void advertise(struct mag *m, struct mag_session *s, const struct prefix6 *p, unsigned n,
		      uint32_t lifetime_s)
{
	const struct link_advert ad = advert_of(m, s, p, n, lifetime_s);
	const struct link_node node = mag_node(s);

	m->links->advertise(m->links->ctx, &node, &ad);
}

void mag_advertise(struct mag *m, struct mag_session *s)
{
	/* one that is LEAVING has left its link, or is to take no notice of it any more */
	if (s->serving && !s->no_link && s->state != MST_LEAVING)
		advertise(m, s, s->b.prefixes, s->b.n_prefixes, s->b.lifetime_s);
}

static void session_of(const struct mag_session *s, struct dp_session *d)
{
	*d = (struct dp_session){
		.half = DP_ACCESS,
		.mnid = s->b.mnid,
		.n_prefixes = s->b.n_prefixes,
		.prefixes = s->b.prefixes,
		.addr4 = s->b.home4.addr,
		.domain = s->b.home4.domain,
		.keyed = dp_encap_keyed((enum dp_encap)s->encap),
		.down = {.kind = DP_TO_LINK, .ifindex = s->b.ifindex, .mac = s->b.mac },
		.up = {.kind = DP_TO_PEER, .peer = s->b.tunnel,	.key = s->up_key},
		.mode = DP_FORWARD,
 /* an announcement alone diverts no local traffic */
		.local_routing = s->local_routing && s->registered,
	};
	if (s->no_link)
		d->down = (struct dp_path){.kind = DP_TO_NOWHERE};
	/* an LMA that accepts sends by the new binding before its answer is here */
	if (s->early)
		d->also_from = s->b.tunnel;
	if (s->early || !s->b.tunnel)
		d->up = (struct dp_path){.kind = DP_TO_NOWHERE};
	if (s->ho)
		mag_fho_paths(s, d);
}

/* A session that is not keyed any more has lost its key, and would get another one. */
static int put(struct mag *m, struct mag_session *s, const struct dp_session *d)
{
	const int err = m->dp->ops->session_put(m->dp, d, &s->b.session);

	if (!err && !d->keyed)
		s->down_key = 0;
	return err;
}

int mag_serve_paths(struct mag *m, struct mag_session *s)
{
	struct dp_session d;

	session_of(s, &d);
	return put(m, s, &d);
}

static void key_only(const struct mag_session *s, struct dp_session *d)
{
	*d = (struct dp_session){
		.half = DP_ACCESS,
		.mnid = s->b.mnid,
		.keyed = true,
		.mode = DP_FORWARD,
	};
}

/* Addresses, tunnel and keys as the session has them now. On failure forwarding stays as it was. */
static int forward(struct mag *m, struct mag_session *s)
{
	const struct dp_peer peer = {*mag_coa(m, &s->b.lmaa), s->b.lmaa, (enum dp_encap)s->encap};
	dp_ref before = s->b.tunnel;
	const bool early = s->early;
	struct dp_session d;
	int err;

	err = tunnel_get(m->tunnels, &peer, &s->b.tunnel);
	if (err)
		return err;
	s->early = early && !s->registered;
	session_of(s, &d);
	err = put(m, s, &d);
	if (err) {
		tunnel_put(m->tunnels, s->b.tunnel);
		s->b.tunnel = before;
		s->early = early;
		return err;
	}
	tunnel_put(m->tunnels, before);
	s->unrouted = false;
	return 0;
}

void mag_forward_stop(struct mag *m, struct mag_session *s)
{
	if (s->b.session) {
		mag_fho_last_look(m, s);
		m->dp->ops->session_del(m->dp, s->b.session);
	}
	s->b.session = 0;
	s->down_key = s->up_key = 0;
	if (s->b.tunnel)
		tunnel_put(m->tunnels, s->b.tunnel);
	s->b.tunnel = 0;
}

static bool in_set(const struct prefix6 *p, const struct prefix6 *set, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (prefix6_eq(p, &set[i]))
			return true;
	}
	return false;
}

static bool same_set(const struct mag_session *s, const struct prefix6 *p, unsigned n)
{
	unsigned i;

	if (s->b.n_prefixes != n)
		return false;
	for (i = 0; i < n; i++) {
		if (!in_set(&p[i], s->b.prefixes, n))
			return false;
	}
	return true;
}

static void emit(struct mag *m, const struct mag_session *s, enum event_type type,
		 const char *cause, nsec_t now)
{
	event_emit(m->sink, &(struct event){.type = type,
					    .role = "mag",
					    .now = now,
					    .mnid = &s->b.mnid,
					    .peer = &s->b.lmaa,
					    .mac = &s->b.mac,
					    .cause = cause,
					    .prefixes = s->b.prefixes,
					    .n_prefixes = s->b.n_prefixes,
					    .home4 = &s->b.home4});
}

static void log_home4(struct mag *m, const struct mag_session *s, nsec_t now)
{
	char addr[ADDR6_STRLEN], router[ADDR6_STRLEN];
	struct in6_addr a = addr_from_ip4(s->b.home4.addr), r = addr_from_ip4(s->b.home4.router);

	mag_log(m, s, &m->news, now, LOG_C_INFO,
		"has IPv4 home address %s/%u, default router %s, of %s", addr_str(&a, addr),
		s->b.home4.len, addr_str(&r, router), s->lma->name);
}

/* The node may not be served by halves: when forwarding fails, all of it ends. */
static int failed(struct mag *m, struct mag_session *s, int err, nsec_t now)
{
	mag_serve_stop(m, s, true, "data plane failed", now);
	return err;
}

int mag_serve(struct mag *m, struct mag_session *s, const struct mag_grant *g, nsec_t now)
{
	struct prefix6 gone[DP_PREFIXES_MAX];
	bool same6 = same_set(s, g->prefixes, g->n_prefixes);
	bool same4 = home4_eq(&s->b.home4, &g->home4);
	bool same = same6 && same4;
	bool same_path = s->encap == g->encap && s->up_key == g->up_key;
	unsigned i, n_gone = 0;
	int err = 0;

	for (i = 0; s->serving && !same6 && i < s->b.n_prefixes; i++) {
		if (!in_set(&s->b.prefixes[i], g->prefixes, g->n_prefixes))
			gone[n_gone++] = s->b.prefixes[i];
	}
	if (!same6)
		err = bul_set_prefixes(m->bul, &s->b, g->prefixes, g->n_prefixes);
	s->b.home4 = g->home4;
	s->encap = (uint8_t)g->encap;
	s->up_key = g->up_key;
	if (home4_is_set(&g->home4))
		s->returned4 = (struct home4){0};
	if (!err && (!same || !same_path || !s->serving || s->unrouted || s->early))
		err = forward(m, s);
	if (err == -EEXIST && mag_fho_outrank(m, s, now))
		err = forward(m, s);
	if (err)
		return failed(m, s, err, now);
	if (s->ho)
		mag_fho_registered(m, s, now);
	/* RFC 5213 6.12: what was renumbered away is withdrawn with zero lifetimes */
	if (n_gone)
		advertise(m, s, gone, n_gone, 0);
	if (s->serving && !same) {
		mag_count_up(m, MAG_C_RENUMBERED);
		mag_log(m, s, &m->news, now, LOG_C_INFO, "%s changed the %s", s->lma->name,
			same4	? "prefixes"
			: same6 ? "IPv4 home address"
				: "prefixes and the IPv4 home address");
	}
	if (home4_is_set(&g->home4) && (!s->serving || !same4))
		log_home4(m, s, now);
	if (!s->serving)
		mag_peer_count(m, s->lma, 1, now);
	if (!s->serving || !same)
		emit(m, s, EV_SESSION_UP, s->serving ? "renumbered" : "registered", now);
	s->serving = true;
	mag_advertise(m, s);
	return 0;
}

void mag_link_local_on_link(struct mag *m, const struct mag_session *s)
{
	if (addr6_is_zero(&m->cfg.fixed_mag_link_local_address_on_all_access_links) &&
	    !addr6_is_zero(&s->b.link_local))
		m->links->set_link_local(m->links->ctx, s->b.ifindex, &s->b.link_local);
}

int mag_serve_early(struct mag *m, struct mag_session *s, const char *cause, nsec_t now)
{
	int err = mag_serve_paths(m, s);

	if (err)
		return err;
	mag_peer_count(m, s->lma, 1, now);
	s->serving = true;
	emit(m, s, EV_SESSION_UP, cause, now);
	mag_link_local_on_link(m, s);
	mag_advertise(m, s);
	return 0;
}

int mag_serve_without_home4(struct mag *m, struct mag_session *s, const char *cause, nsec_t now)
{
	int err;

	s->b.home4 = (struct home4){0};
	err = s->unrouted ? 0 : forward(m, s);
	if (err)
		return failed(m, s, err, now);
	emit(m, s, EV_SESSION_UP, cause, now);
	mag_advertise(m, s);
	return 0;
}

static void service_over(struct mag *m, struct mag_session *s, bool deprecate, const char *cause,
			 nsec_t now)
{
	struct link_node node = mag_node(s);

	if (!s->serving)
		return;
	s->serving = s->unrouted = s->early = false;
	mag_fho_cut(m, s);
	mag_peer_count(m, s->lma, -1, now);
	m->links->withdraw(m->links->ctx, &node, deprecate);
	emit(m, s, EV_SESSION_DOWN, cause, now);
}

/* Forwarding first: nothing of the node's is sent on once its binding is in doubt. */
void mag_serve_stop(struct mag *m, struct mag_session *s, bool deprecate, const char *cause,
		    nsec_t now)
{
	mag_forward_stop(m, s);
	service_over(m, s, deprecate, cause, now);
}

void mag_serve_pause(struct mag *m, struct mag_session *s, bool deprecate, const char *cause,
		     nsec_t now)
{
	struct dp_session d;

	if (!s->serving)
		return;
	mag_store_forget(m, s);
	key_only(s, &d);
	if (s->down_key && !m->dp->ops->session_put(m->dp, &d, &s->b.session)) {
		tunnel_put(m->tunnels, s->b.tunnel);
		s->b.tunnel = 0;
		s->up_key = 0;
	} else {
		mag_forward_stop(m, s);
	}
	service_over(m, s, deprecate, cause, now);
}

int mag_serve_key(struct mag *m, struct mag_session *s)
{
	struct dp_session d;
	int err;

	if (s->down_key)
		return 0;
	if (s->serving && !s->unrouted)
		return -EBUSY;
	key_only(s, &d);
	err = m->dp->ops->session_put(m->dp, &d, &s->b.session);
	if (!err)
		err = m->dp->ops->session_key(m->dp, s->b.session, &s->down_key);
	if (err)
		mag_forward_stop(m, s);
	return err;
}

int mag_serve_move(struct mag *m, struct mag_session *s, const struct link_node *from)
{
	struct dp_session d;
	int err;

	session_of(s, &d);
	err = m->dp->ops->session_move(m->dp, s->b.session, &d.down);
	if (err)
		return err;
	/* it took its addresses along: nothing to deprecate on the old link */
	m->links->withdraw(m->links->ctx, from, false);
	mag_link_local_on_link(m, s);
	mag_advertise(m, s);
	return 0;
}

int mag_serve_local_routing(struct mag *m, struct mag_session *s, bool on)
{
	int err;

	if (s->local_routing == on)
		return 0;
	s->local_routing = on;
	err = s->serving && !s->unrouted ? mag_serve_paths(m, s) : 0;
	if (err)
		s->local_routing = !on;
	return err;
}

/* ---- after a restart */

void mag_serve_unroute(struct mag *m, struct mag_session *s)
{
	mag_forward_stop(m, s);
	s->unrouted = true;
	s->registered = false;
	s->b.expires = NSEC_NEVER; /* what ends it is that the node is not found */
}

/* 0; -ESTALE: a key of either end is not known any more. */
static int forward_again(struct mag *m, struct mag_session *s)
{
	const uint32_t before = s->down_key;
	int err = forward(m, s);

	/* written down while its keys were agreed upon anew */
	if (!err && dp_encap_keyed((enum dp_encap)s->encap) && !s->up_key)
		return -ESTALE;
	if (err || !s->down_key)
		return err;
	err = m->dp->ops->session_key(m->dp, s->b.session, &s->down_key);
	return !err && s->down_key != before ? -ESTALE : err;
}

static void route_again(struct mag *m, struct mag_session *s, nsec_t now)
{
	const int err = mag_is_bound(s, now) ? forward_again(m, s) : -ETIME;

	if (!err)
		return;
	if (err != -ETIME && err != -ESTALE)
		mag_count_up(m, MAG_C_DP_FAILED);
	mag_count_up(m, MAG_C_RESTORE_LAPSED);
	mag_log(m, s, &m->news, now, LOG_C_INFO, "cannot go on as it was: %s",
		err == -ESTALE	? "its GRE key is lost"
		: err == -ETIME ? "no binding any more"
				: strerror(-err));
	mag_serve_unroute(m, s);
}

static void resume_on_link(struct mag *m, struct mag_session *s)
{
	const struct link_advert ad =
		advert_of(m, s, s->b.prefixes, s->b.n_prefixes, s->b.lifetime_s);
	const struct link_node node = mag_node(s);

	mag_link_local_on_link(m, s);
	m->links->resume(m->links->ctx, &node, &ad, &s->node_address);
}

void mag_serve_resume(struct mag *m, struct mag_session *s, nsec_t now)
{
	route_again(m, s, now);
	s->serving = true;
	mag_peer_count(m, s->lma, 1, now);
	emit(m, s, EV_SESSION_UP, "restored", now);
	if (!s->no_link)
		resume_on_link(m, s);
}

void mag_serve_on_link(struct mag *m, struct mag_session *s, nsec_t now)
{
	if (!s->unrouted)
		route_again(m, s, now);
	resume_on_link(m, s);
}

void mag_make_link_local(struct mag *m, struct mag_session *s)
{
	struct in6_addr ll = {
		.s6_addr = {0xfe, 0x80}
	       };
	struct in6_addr nodes_own = mac_linklocal(&s->b.mac);

	m->env->random(m->env->ctx, &ll.s6_addr[8], 8);
	/* locally made identifier, RFC 4291 2.5.1 */
	ll.s6_addr[8] &= (uint8_t)~0x02;
	while (addr6_eq(&ll, &s->b.link_local) || addr6_eq(&ll, &nodes_own))
		ll.s6_addr[15]++;
	s->b.link_local = ll;
	m->links->set_link_local(m->links->ctx, s->b.ifindex, &ll);
}
