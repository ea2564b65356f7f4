/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Triggers: who showed up, is it entitled, is it known here already (RFC 5213 6.6, 6.9.1.1, 6.13).
 *
 * Identity: what an external trigger says, else the profile that names the link-layer address, else
 * the address itself within the configured realm. A session is one interface of a node: the same
 * MN-Identifier with another link-layer address is another session; with the same one on another
 * link of ours it is the same session, which moved.
 */
#include "mag/mag_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MAC_NAI_CAP (sizeof("00-00-00-00-00-00@") + sizeof(((struct mag_cfg *)NULL)->realm))

static bool is_refused(const struct mag_session *s)
{
	return s->state == MST_REJECTED || s->state == MST_BARRED;
}

static bool is_order(const char *cause)
{
	return cause && !strcmp(cause, MAG_CAUSE_CONTROL);
}

/* The session that has a node at that place. One that was revoked ends first. */
static struct mag_session *session_at(struct mag *m, const struct link_node *n, nsec_t now)
{
	struct mag_session *s = mag_session_of(bul_by_node(m->bul, n->ifindex, &n->mac));

	if (s)
		mag_end_now(m, s, now);
	return s;
}

static void refused(struct mag *m, const struct mag_attachment *a, enum mag_counter c,
		    const char *why, nsec_t now)
{
	char mac[MAC_STRLEN];

	mag_count_up(m, c);
	log_limited(&m->node_limit, now, LOG_C_INFO, "mag: node %s refused: %s",
		    mac_str(&a->node.mac, mac), why);
	event_emit(m->sink, &(struct event){.type = EV_REFUSED,
					    .role = "mag",
					    .now = now,
					    .mnid = a->mnid,
					    .mac = &a->node.mac,
					    .cause = why});
}

/* RFC 5213 6.6. 0, or -EPERM when nobody knows the node. `buf` holds an identifier made here. */
static int identify(const struct mag *m, const struct mag_attachment *a, struct mnid *out,
		    char buf[MAC_NAI_CAP])
{
	const struct profile *p;
	const uint8_t *b = a->node.mac.b;
	int n;

	if (a->mnid) {
		*out = *a->mnid;
		return 0;
	}
	p = m->profiles.by_mac(m->profiles.ctx, &a->node.mac);
	if (p) {
		*out = p->mnid;
		return 0;
	}
	if (!m->cfg.realm[0])
		return -EPERM;
	/* colons are not for a NAI's user part, RFC 4282 2.1 */
	n = snprintf(buf, MAC_NAI_CAP, "%02x-%02x-%02x-%02x-%02x-%02x@%s", b[0], b[1], b[2], b[3],
		     b[4], b[5], m->cfg.realm);
	*out = (struct mnid){.subtype = MNID_NAI, .len = (uint8_t)n, .id = (const uint8_t *)buf};
	return 0;
}

static bool is_valid(const struct mag_attachment *a)
{
	if (!a->node.ifindex || mac_is_multicast(&a->node.mac))
		return false;
	if (a->mnid)
		return a->mnid->id && a->mnid->len && a->mnid->len <= MH_NAI_MAX;
	/* with neither there is nothing to know it by */
	return !mac_is_zero(&a->node.mac);
}

/* The same interface of the node on another of our links. */
static struct mag_session *find_elsewhere(const struct mag *m, const struct mnid *id,
					  const struct mac *mac)
{
	struct bule *e = NULL;

	if (mac_is_zero(mac))
		return NULL;
	while ((e = bul_by_mnid(m->bul, id, e))) {
		if (!e->parked && mac_eq(&e->mac, mac))
			return mag_session_of(e);
	}
	return NULL;
}

void mag_session_free(struct mag *m, struct mag_session *s)
{
	mag_request_close(m, s);
	if (!s->serving)
		mag_forward_stop(m, s);
	deadline_cancel(&m->timers, &s->timer);
	mag_peer_forget(m, s);
	mag_end_forget(m, s);
	mag_revoke_forget(m, s);
	mag_store_forget(m, s);
	mag_fho_cut(m, s);
	mag_vendors_free(s);
	bul_del(m->bul, &s->b);
	free(s);
}

struct in6_addr mag_node_address(const struct mag *m, const struct mag_session *s)
{
	const struct link_node node = mag_node(s);
	struct in6_addr heard = in6addr_any;

	if (m->links->address && !s->b.parked && !s->no_link)
		heard = m->links->address(m->links->ctx, &node);
	return addr6_is_zero(&heard) ? s->node_address : heard;
}

void mag_session_learn(const struct mag *m, struct mag_session *s)
{
	struct bule *e = NULL;

	while ((e = bul_by_mnid(m->bul, &s->b.mnid, e))) {
		const struct mag_session *old = mag_session_of(e);

		if (old == s || !mac_eq(&e->mac, &s->b.mac))
			continue;
		s->refused4 = old->refused4;
		s->refused6 = old->refused6;
	}
}

/*
 * Takes the place of the interface's last session, which is de-registering or just has, with what
 * that still knows: the pace of its requests (RFC 6275 11.8), its last Sequence Number (RFC 5213
 * 5.5) and timestamp. A de-registration that waits, or is refused for its number, must not follow
 * the new registration; the answer to one already sent finds nobody and is ignored.
 */
void mag_session_succeed(struct mag *m, struct mag_session *s, struct mag_session *old, nsec_t now)
{
	struct mag_ctx c = {.m = m, .now = now, .cause = "node is back"};

	memcpy(s->sent, old->sent, sizeof(s->sent));
	s->n_sent = old->n_sent;
	s->b.sent_at = old->b.sent_at;
	s->b.seq = old->b.seq;
	s->b.timestamp = old->b.timestamp;
	s->asked = old->state != MST_RELEASED && old->asked && old->lma == s->lma;
	s->refused4 = old->refused4;
	s->refused6 = old->refused6;
	/* for a de-registration, should it not come */
	if (!s->b.ifindex) {
		s->b.att = old->b.att;
		s->asks6 = old->asks6;
		s->asked4 = old->asked4;
		if (addr6_is_zero(&s->b.link_local))
			s->b.link_local = old->b.link_local;
	}
	mag_step(old, MEV_FORGET, &c);
}

void mag_session_inherit(struct mag *m, struct mag_session *s, nsec_t now)
{
	struct bule *e, *next;

	for (e = bul_by_mnid(m->bul, &s->b.mnid, NULL); e; e = next) {
		struct mag_session *old = mag_session_of(e);

		next = bul_by_mnid(m->bul, &s->b.mnid, e);
		if (!e->parked || !mac_eq(&e->mac, &s->b.mac))
			continue;
		mag_session_succeed(m, s, old, now);
	}
}

int mag_session_new(struct mag *m, const struct mag_attachment *a, const struct mnid *id,
		    struct mag_lma *lma, struct mag_session **out)
{
	struct mag_session *s = calloc(1, sizeof(*s) + id->len);

	if (!s)
		return -ENOMEM;
	memcpy(s->id, id->id, id->len);
	s->b.mnid = (struct mnid){.subtype = id->subtype, .len = id->len, .id = s->id};
	s->b.ifindex = a->node.ifindex;
	s->b.mac = a->node.mac;
	s->b.att = a->att;
	s->b.lmaa = lma->info.addr;
	s->lma = lma;
	s->access_mtu = a->access_mtu;
	s->domain = a->domain;
	s->first_hi = HI_UNKNOWN;
	s->local_routing = mag_wants_local_routing(m, id);
	s->timer.fire = mag_timer_fired;
	m->env->random(m->env->ctx, &s->b.seq, sizeof(s->b.seq));
	rtx_init(&s->backoff, MAG_BACKOFF_FIRST * m->cfg.initial_bindack_timeout_ms,
		 MAG_BACKOFF_CEILING * m->cfg.max_bindack_timeout_ms);
	if (bul_add(m->bul, &s->b)) {
		free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

static int attach_new(struct mag *m, const struct mag_attachment *a, const struct mnid *id,
		      nsec_t now)
{
	const struct profile *p = mag_profile(m, id);
	struct mag_lma *lma = m->lmas;
	struct mag_ctx c = {.m = m, .now = now, .cause = a->cause, .at = a};
	struct mag_session *s;
	int err;

	if (!mag_entitled(p)) {
		refused(m, a, MAG_C_ATTACH_NOT_ENTITLED, "not entitled to network-based mobility",
			now);
		return -EPERM;
	}
	if (p && !addr6_is_zero(&p->lmaa))
		lma = mag_lma_by_addr(m, &p->lmaa);
	if (!lma) {
		refused(m, a, MAG_C_ATTACH_NO_LMA, "its profile's LMA is not configured", now);
		return -EPERM;
	}
	if (mag_count(m) >= m->cfg.max_bindings) {
		refused(m, a, MAG_C_ATTACH_FULL, "max-bindings reached", now);
		return -ENOSPC;
	}
	err = mag_session_new(m, a, id, lma, &s);
	if (err) {
		refused(m, a, MAG_C_ATTACH_FULL, "out of memory", now);
		return err;
	}
	s->came_at = now;
	mag_session_inherit(m, s, now);
	mag_count_up(m, MAG_C_ATTACH);
	if (!mag_fho_fetch(m, s, a, now))
		mag_step(s, MEV_ATTACH, &c);
	return 0;
}

static void wants_home4(struct mag *m, struct mag_session *s, nsec_t now)
{
	if (s->released4)
		mag_store_touch(m, s, now);
	s->released4 = false;
	if (now >= s->ask4_at)
		s->short4 = false;
}

/* Clients ask for as long as they have no address. What the LMA did not grant just now is not asked
 * for again at each of their messages. */
static bool may_ask_for_home4(struct mag *m, const struct mag_session *s, nsec_t now)
{
	if (now < s->ask4_at) {
		mag_count_up(m, MAG_C_ATTACH_ASK4_PACED);
		return false;
	}
	return mag_wants4(m, s);
}

/* The node is known at that place. */
static int attach_again(struct mag *m, struct mag_session *s, const struct mag_attachment *a,
			nsec_t now)
{
	struct mag_ctx c = {.m = m, .now = now, .cause = a->cause, .at = a};
	bool waits = is_refused(s) || s->state == MST_STALLED || s->state == MST_BACKOFF;

	s->came_at = now;
	if (s->state == MST_LEAVING) {
		if (mag_fho_is_back(m, s, a, now))
			mag_step(s, MEV_RETURNED, &c);
		return 0;
	}
	mag_revoke_found(m, s, now);
	mag_find_heard(m, s);
	if (a->wants_ipv4)
		wants_home4(m, s, now);
	if (is_order(a->cause))
		s->refused4 = s->refused6 = s->short4 = false;
	if (waits && is_order(a->cause)) {
		mag_step(s, MEV_ATTACH, &c);
		return 0;
	}
	if (is_refused(s)) {
		mag_count_up(m, MAG_C_ATTACH_QUIET);
		return -EPERM;
	}
	if (a->wants_ipv4 && !home4_is_set(&s->b.home4) && !may_ask_for_home4(m, s, now)) {
		mag_step(s, MEV_CONFIRMED, &c);
		return 0;
	}
	/* it may have been elsewhere meanwhile, and the LMA then points there */
	mag_step(s, s->state == MST_ACTIVE || s->state == MST_FINDING ? MEV_ATTACH : MEV_CONFIRMED,
		 &c);
	return 0;
}

static int attach_moved(struct mag *m, struct mag_session *s, const struct mag_attachment *a,
			nsec_t now)
{
	struct link_node from = mag_node(s);
	struct mag_ctx c = {.m = m, .now = now, .cause = a->cause, .at = a, .from = &from};

	if (bul_move(m->bul, &s->b, a->node.ifindex, &a->node.mac)) {
		mag_count_up(m, MAG_C_ATTACH_FULL);
		return -ENOMEM;
	}
	s->no_link = false;
	s->came_at = now;
	mag_count_up(m, MAG_C_ATTACH_MOVED);
	mag_revoke_found(m, s, now);
	if (a->wants_ipv4)
		wants_home4(m, s, now);
	if (is_refused(s)) {
		mag_step(s, MEV_MOVED, &c);
		return attach_again(m, s, a, now);
	}
	mag_step(s, MEV_MOVED, &c);
	return 0;
}

/* An announced node is here (RFC 5949 4.1 (h)), with the link-layer address that was announced or
 * with another one. */
static int attach_expected(struct mag *m, struct mag_session *s, const struct mag_attachment *a,
			   nsec_t now)
{
	struct link_node from = mag_node(s);
	struct mag_ctx c = {.m = m, .now = now, .cause = a->cause, .at = a, .from = &from};

	if (bul_move(m->bul, &s->b, a->node.ifindex, &a->node.mac)) {
		mag_count_up(m, MAG_C_ATTACH_FULL);
		return -ENOMEM;
	}
	s->came_at = now;
	mag_count_up(m, MAG_C_ATTACH);
	if (a->wants_ipv4)
		wants_home4(m, s, now);
	mag_step(s, MEV_MOVED, &c);
	return 0;
}

/*
 * Ends what another identity (`by`), or another operator's node, had at that place. A node that is
 * being handed over keeps that without a place, where it can still return to; if it is the same
 * one, nothing of it may end the registration that follows.
 */
static void replace(struct mag *m, struct mag_session *s, const struct mnid *by, nsec_t now)
{
	struct mag_ctx c = {.m = m, .now = now, .cause = "another identity at its place"};
	const bool same = !by || mnid_eq(by, &s->b.mnid);
	const struct link_node place = mag_node(s);

	mag_step(s, is_refused(s) ? MEV_FORGET : MEV_DETACH, &c);
	s = mag_session_of(bul_by_node(m->bul, place.ifindex, &place.mac));
	if (s && (same || !mag_fho_displace(m, s, now)))
		mag_step(s, MEV_HANDED_OVER, &c);
}

int mag_attach(struct mag *m, const struct mag_attachment *a, nsec_t now)
{
	struct mag_session *s;
	struct mnid id;
	char buf[MAC_NAI_CAP];

	if (!is_valid(a)) {
		mag_count_up(m, MAG_C_ATTACH_INVALID);
		return -EINVAL;
	}
	s = session_at(m, &a->node, now);
	if (s && (!a->mnid || mnid_eq(a->mnid, &s->b.mnid)) && s->domain == a->domain)
		return attach_again(m, s, a, now);
	if (s)
		replace(m, s, a->mnid, now);
	/* whose link-layer address that is, profiles know better than neighbours */
	if (!a->mnid && !m->profiles.by_mac(m->profiles.ctx, &a->node.mac)) {
		s = mag_fho_expected(m, NULL, &a->node.mac);
		if (s)
			return attach_expected(m, s, a, now);
	}
	if (identify(m, a, &id, buf)) {
		refused(m, a, MAG_C_ATTACH_NO_IDENTITY, "no profile and no realm", now);
		return -EPERM;
	}
	s = mag_fho_expected(m, &id, &a->node.mac);
	if (s)
		return attach_expected(m, s, a, now);
	s = find_elsewhere(m, &id, &a->node.mac);
	if (s)
		mag_end_now(m, s, now);
	/* its IPv4 address means another host there */
	if (s && s->domain != a->domain) {
		replace(m, s, &id, now);
		s = NULL;
	}
	return s ? attach_moved(m, s, a, now) : attach_new(m, a, &id, now);
}

static void detach(struct mag *m, struct mag_session *s, const char *cause, nsec_t now)
{
	struct mag_ctx c = {.m = m, .now = now, .cause = cause};

	mag_end_now(m, s, now);
	if (mag_revoke_lost(m, s, now))
		return;
	mag_step(s, is_refused(s) && is_order(cause) ? MEV_FORGET : MEV_DETACH, &c);
}

int mag_detach(struct mag *m, const struct link_node *n, const char *cause, nsec_t now)
{
	struct bule *e = bul_by_node(m->bul, n->ifindex, &n->mac);

	if (!e)
		return -ENOENT;
	detach(m, mag_session_of(e), cause, now);
	return 0;
}

unsigned mag_detach_link(struct mag *m, unsigned ifindex, const char *cause, nsec_t now)
{
	struct bule *e, *next;
	unsigned n = 0;

	for (e = bul_link_first(m->bul, ifindex); e; e = next, n++) {
		next = e->next;
		detach(m, mag_session_of(e), cause, now);
	}
	return n;
}

int mag_release_ipv4(struct mag *m, const struct link_node *n, struct in_addr addr,
		     const char *cause, nsec_t now)
{
	struct mag_session *s = session_at(m, n, now);

	if (!s || !s->serving || !home4_is_set(&s->b.home4) ||
	    s->b.home4.addr.s_addr != addr.s_addr)
		return -ENOENT;
	s->released4 = true;
	mag_return_home4(m, s, cause, now);
	return 0;
}

int mag_detach_mnid(struct mag *m, const struct mnid *id, const char *cause, nsec_t now)
{
	struct bule *e, *next;
	int found = -ENOENT;

	for (e = bul_by_mnid(m->bul, id, NULL); e; e = next) {
		next = bul_by_mnid(m->bul, id, e);
		if (e->parked)
			continue;
		found = 0;
		detach(m, mag_session_of(e), cause, now);
	}
	return found;
}

void mag_confirmed(struct mag *m, const struct link_node *n, nsec_t now)
{
	struct mag_session *s = session_at(m, n, now);
	struct mag_ctx c = {.m = m, .now = now};

	if (!s) {
		mag_fho_confirmed(m, n, now);
		return;
	}
	mag_revoke_found(m, s, now);
	mag_find_heard(m, s);
	mag_step(s, MEV_CONFIRMED, &c);
}

void mag_link_local_in_use(struct mag *m, const struct link_node *n, const struct in6_addr *ll,
			   nsec_t now)
{
	struct mag_session *s = session_at(m, n, now);
	struct mag_ctx c = {.m = m, .now = now, .cause = "link-local address in use by the node"};

	if (!addr6_is_zero(&m->cfg.fixed_mag_link_local_address_on_all_access_links) || !s ||
	    !s->serving || !addr6_eq(&s->b.link_local, ll))
		return;
	mag_count_up(m, MAG_C_LINK_LOCAL_CONFLICT);
	mag_make_link_local(m, s);
	mag_step(s, MEV_LINK_LOCAL, &c);
}

void mag_mtu_changed(struct mag *m, dp_ref tunnel, nsec_t now)
{
	struct bule *e;

	for (e = bul_first(m->bul); e; e = bul_next(e)) {
		if (e->tunnel == tunnel)
			mag_advertise(m, mag_session_of(e));
	}
}
