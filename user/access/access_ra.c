/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router Advertisements, one node at a time (RFC 4861 6.2.4 to 6.2.6, RFC 5213 6.9.2). Each node
 * has a link of its own as far as advertisements go, so the timers that RFC 4861 keeps per
 * interface exist per node here.
 */
#include <stdlib.h>
#include <string.h>

#include "access/access_priv.h"
#include "base/util.h"

#define MAX_INITIAL_RTR_ADVERT_INTERVAL nsec_from_s(16)
#define MAX_INITIAL_RTR_ADVERTISEMENTS	3

static void send_ra(struct access *a, struct access_node *n, bool final)
{
	const struct link_advert *ad = &n->ad;
	uint32_t mtu = ad->mtu, link_mtu = n->link->cfg.mtu;
	uint8_t buf[ND_FRAME_MAX];
	struct nd_ra ra = {
		.cur_hop_limit = a->cfg.cur_hop_limit,
		.managed = a->cfg.managed,
		.other = a->cfg.other,
		.router_lifetime = final ? 0 : a->cfg.router_lifetime_s,
		.slla = *access_mac(a, n->link),
		.n_prefixes = ad->n_prefixes,
		.prefixes = n->prefixes,
		.valid = final ? 0 : ad->valid_s,
		.preferred = final ? 0 : ad->preferred_s,
	};

	/* RFC 5213 6.9.5: the lower of tunnel and access link */
	if (mtu && link_mtu && link_mtu < mtu)
		mtu = link_mtu;
	ra.mtu = mtu;
	if (access_send(a, n->id.ifindex, buf,
			nd_build_ra(buf, sizeof(buf), access_mac(a, n->link), &n->id.mac,
				    access_router_ll(a, n), &ra)) < 0)
		return;
	a->counter[ACCESS_C_RA]++;
	if (final || (!ad->valid_s && !ad->preferred_s))
		a->counter[ACCESS_C_RA_DEPRECATING]++;
}

static void schedule(struct access *a, struct access_node *n, nsec_t now)
{
	nsec_t wait = access_random(a, nsec_from_s(a->cfg.min_rtr_adv_interval_s),
				    nsec_from_s(a->cfg.max_rtr_adv_interval_s));

	n->ra_solicited = false;
	if (n->ra_burst) {
		n->ra_burst--;
		if (wait > MAX_INITIAL_RTR_ADVERT_INTERVAL)
			wait = MAX_INITIAL_RTR_ADVERT_INTERVAL;
	}
	deadline_arm(&a->deadlines, &n->ra_timer, nsec_add(now, wait));
}

static void ra_fire(struct deadline *d, void *ctx, nsec_t now)
{
	struct access_node *n = container_of(d, struct access_node, ra_timer);
	struct access *a = ctx;

	if (n->ra_resumed && !n->ra_solicited) {
		n->ra_resumed = false;
		schedule(a, n, now);
		return;
	}
	n->ra_resumed = false;
	if (n->ra_just_sent) {
		n->ra_just_sent = false;
	} else {
		if (n->ra_solicited)
			a->counter[ACCESS_C_RA_SOLICITED]++;
		send_ra(a, n, false);
	}
	n->last_ra = now;
	schedule(a, n, now);
}

void access_ra_init(struct access_node *n)
{
	n->ra_timer.fire = ra_fire;
}

static bool same_advert(const struct access_node *n, const struct link_advert *ad)
{
	if (!n->advertised || n->ad.n_prefixes != ad->n_prefixes || n->ad.mtu != ad->mtu ||
	    n->ad.valid_s != ad->valid_s || n->ad.preferred_s != ad->preferred_s ||
	    !addr6_eq(&n->ad.link_local, &ad->link_local))
		return false;
	for (unsigned i = 0; i < ad->n_prefixes; i++)
		if (!prefix6_eq(&n->prefixes[i], &ad->prefixes[i]))
			return false;
	return true;
}

/* What is new is only for DHCP and ARP, or nothing. */
static void keep_prefixes(struct access_node *n, const struct link_advert *ad)
{
	n->ad = *ad;
	n->ad.prefixes = n->prefixes;
}

static bool store_advert(struct access_node *n, const struct link_advert *ad)
{
	struct prefix6 *p = NULL;

	if (ad->n_prefixes) {
		p = malloc(ad->n_prefixes * sizeof(*p));
		if (!p)
			return false;
		memcpy(p, ad->prefixes, ad->n_prefixes * sizeof(*p));
	}
	free(n->prefixes);
	n->prefixes = p;
	keep_prefixes(n, ad);
	return true;
}

void access_ra_advertise(struct access *a, struct access_node *n, const struct link_advert *ad)
{
	if (same_advert(n, ad)) {
		keep_prefixes(n, ad);
	} else {
		char mac[MAC_STRLEN];

		if (n->advertised && n->ad.n_prefixes && !ad->n_prefixes)
			send_ra(a, n, true);
		if (!store_advert(n, ad)) {
			log_msg(LOG_C_LOCAL, "access[%s %s] no memory for an advertisement",
				n->link->cfg.name, mac_str(&n->id.mac, mac));
			return;
		}
		/* RFC 4861 6.2.4: new content is repeated soon, against loss */
		n->ra_burst = MAX_INITIAL_RTR_ADVERTISEMENTS - 1;
	}
	n->advertised = true;
	if (!n->ad.n_prefixes) {
		/* Without a home network prefix we are nobody's IPv6 router. */
		deadline_cancel(&a->deadlines, &n->ra_timer);
		n->ra_just_sent = n->ra_solicited = n->rs_waiting = n->ra_resumed = false;
		return;
	}
	send_ra(a, n, false);
	if (n->rs_waiting || n->ra_solicited)
		a->counter[ACCESS_C_RA_SOLICITED]++;
	n->rs_waiting = false;
	n->ra_solicited = false;
	n->ra_resumed = false;
	n->ra_just_sent = true;
	deadline_arm(&a->deadlines, &n->ra_timer, 0);
}

void access_ra_resume(struct access *a, struct access_node *n, const struct link_advert *ad)
{
	char mac[MAC_STRLEN];

	if (!store_advert(n, ad)) {
		log_msg(LOG_C_LOCAL, "access[%s %s] no memory for an advertisement",
			n->link->cfg.name, mac_str(&n->id.mac, mac));
		return;
	}
	n->advertised = true;
	n->ra_burst = 0;
	if (!ad->n_prefixes)
		return;
	n->ra_resumed = true;
	deadline_arm(&a->deadlines, &n->ra_timer, 0);
}

void access_ra_withdraw(struct access *a, struct access_node *n, bool deprecate)
{
	if (n->advertised && n->ad.n_prefixes && deprecate)
		send_ra(a, n, true);
	deadline_cancel(&a->deadlines, &n->ra_timer);
	free(n->prefixes);
	n->prefixes = NULL;
	memset(&n->ad, 0, sizeof(n->ad));
	n->advertised = n->ra_just_sent = n->ra_solicited = n->rs_waiting = false;
	n->ra_resumed = false;
	n->ra_burst = 0;
}

void access_ra_solicited(struct access *a, struct access_node *n, nsec_t now)
{
	nsec_t delay, at, earliest;

	if (!n->advertised) {
		/* RFC 5213 6.9.2: answered once the registration is complete */
		a->counter[ACCESS_C_RS_WAITING]++;
		n->rs_waiting = true;
		return;
	}
	if (!n->ad.n_prefixes)
		return;
	if (n->ra_solicited || n->ra_just_sent) {
		a->counter[ACCESS_C_RS_MERGED]++;
		return;
	}
	/* RFC 4861 6.2.6 */
	delay = access_random(a, 0, nsec_from_ms(a->cfg.max_ra_delay_ms));
	earliest = nsec_add(n->last_ra, nsec_from_ms(a->cfg.min_delay_between_ras_ms));
	at = nsec_add(earliest > now ? earliest : now, delay);
	n->ra_solicited = true;
	if (n->ra_timer.armed && n->ra_timer.at <= at)
		return; /* the one that is already scheduled comes first */
	deadline_arm(&a->deadlines, &n->ra_timer, at);
}

void access_ra_defend(struct access *a, struct access_link *l, const struct nd_msg *m)
{
	const struct in6_addr *ours =
		!addr6_is_zero(&l->link_local) ? &l->link_local : &a->cfg.link_local;
	uint8_t buf[ND_FRAME_MAX];

	if (addr6_is_zero(ours) || !addr6_eq(&m->target, ours))
		return;
	if (access_send(a, l->cfg.ifindex, buf,
			nd_build_defence(buf, sizeof(buf), access_mac(a, l), &m->eth_src, ours)) ==
	    0)
		a->counter[ACCESS_C_DEFENCE]++;
}
