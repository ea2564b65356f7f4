/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions as records, and back (core/store.h, core/record.h).
 *
 * A session has a record from its first acceptance until the LMA holds no binding for it any more,
 * as far as the MAG knows: also while its de-registration is open, which a restart must not forget.
 * One whose registration was rejected has none: a restart is no way to get service back. One that
 * is barred has a record until administrative action, or until its node has left: nor is a restart
 * a way around an operator. What changed is written in full; nobody waits for it, since a MAG
 * promises nothing to anybody.
 */
#include "mag/mag_int.h"

#include <errno.h>

#include "core/record.h"

/* Far less than what an LMA takes for older (RFC 6275 9.5.1), more than a crash can hide. */
#define SEQ_SKIPPED 256

/* ---- clocks */

static uint64_t to_wall(const struct mag *m, nsec_t at, nsec_t now)
{
	const uint64_t wall = m->env->wallclock(m->env->ctx);

	if (at >= now)
		return nsec_add(wall, at - now);
	return wall > now - at ? wall - (now - at) : 1;
}

/* What is left until then, and never more than `most`: the clock may have been set meanwhile. */
static nsec_t left_until(const struct mag *m, uint64_t wall, nsec_t most)
{
	return nsec_min(nsec_sub(wall, m->env->wallclock(m->env->ctx)), most);
}

/* ---- to the store */

static enum record_update_state state_of(const struct mag_session *s)
{
	/* somebody else may be where it was */
	if (s->b.parked || !s->b.ifindex)
		return RECORD_LEAVING;
	return s->state == MST_BARRED ? RECORD_BARRED : RECORD_BOUND;
}

static size_t write_session(void *ctx, const void *owner, uint8_t *buf, nsec_t now)
{
	const struct mag_session *s = owner;
	const struct mag *m = ctx;
	struct heartbeat_info lma;
	struct record_update u = {
		.state = state_of(s),
		.mnid = s->b.mnid,
		.mac = s->b.mac,
		.n_prefixes = s->b.n_prefixes,
		.home4 = s->b.home4,
		.returned4 = s->returned4,
		.coa = *mag_coa(m, &s->b.lmaa),
		.lmaa = s->b.lmaa,
		.router = s->b.link_local,
		.node = mag_node_address(m, s),
		.timestamp = s->b.timestamp,
		.lifetime_s = s->b.lifetime_s,
		.access_mtu = s->access_mtu,
		.down_key = s->down_key,
		.up_key = s->up_key,
		.seq = s->b.seq,
		.domain = s->domain,
		.encap = s->encap,
		.gre = s->terms.gre,
		.att = s->b.att,
		.reg_att = s->reg_att,
		.tlv = s->terms.tlv,
		.force_udp = s->terms.force,
		.asks6 = s->asks6,
		.any_addr4 = s->any_addr4,
		.released4 = s->released4,
		.refused4 = s->refused4,
		.refused6 = s->refused6,
		.gre_demanded = s->gre_demanded,
		.gre_unwanted = s->gre_unwanted,
		.dhcp_relay = s->dhcp_relay,
		.revoking = s->revoking,
	};

	memcpy(u.ifname, s->ifname, sizeof(u.ifname));
	for (unsigned i = 0; i < s->b.n_prefixes; i++)
		u.prefixes[i] = s->b.prefixes[i];
	if (s->registered)
		u.expires = to_wall(m, s->b.expires, now);
	if (heartbeat_info(m->heartbeat, &s->b.lmaa, &lma) && lma.has_counter) {
		u.has_peer_restarts = true;
		u.peer_restarts = lma.restart_counter;
	}
	return record_update_write(&u, buf, STORE_LEN_MAX);
}

void mag_set_store(struct mag *m, struct store *st)
{
	const struct store_source source = {m, write_session};

	m->store = st;
	if (st)
		store_set_source(st, STORE_UPDATE, &source);
}

/* The name of its link, which may be gone by the time of the batch. */
static bool learn_name(struct mag *m, struct mag_session *s)
{
	const char *name = s->no_link ? NULL : m->links->ifname(m->links->ctx, s->b.ifindex);

	if (name) {
		memset(s->ifname, 0, sizeof(s->ifname));
		strncpy(s->ifname, name, sizeof(s->ifname) - 1);
	}
	return s->ifname[0];
}

static void put(struct mag *m, struct mag_session *s, nsec_t now)
{
	if (!learn_name(m, s) || (!s->item && store_add(m->store, STORE_UPDATE, s, &s->item))) {
		mag_count_up(m, MAG_C_STORE_FAILED);
		mag_log(m, s, &m->node_limit, now, LOG_C_LOCAL,
			"has no record: a restart would forget it");
		return;
	}
	store_touch(m->store, s->item, now);
}

void mag_store_touch(struct mag *m, struct mag_session *s, nsec_t now)
{
	if (m->store && (s->item || s->registered))
		put(m, s, now);
}

void mag_store_bar(struct mag *m, struct mag_session *s, nsec_t now)
{
	if (m->store)
		put(m, s, now);
}

void mag_store_forget(struct mag *m, struct mag_session *s)
{
	/* it may be written at once */
	if (m->store)
		store_remove(m->store, &s->item, 0);
}

/* ---- from the store */

static int refuse(struct mag *m, const char *why, nsec_t now)
{
	mag_count_up(m, MAG_C_RESTORE_REFUSED);
	log_limited(&m->news, now, LOG_C_LOCAL, "mag: the record of a session is not used: %s",
		    why);
	return STORE_DROP;
}

/* The LMA may hold a binding that is nobody's now; it is not ours to speak to any more. */
static int drop(struct mag *m, const struct record_update *u, nsec_t now)
{
	const struct link_advert ad = {
		.prefixes = u->prefixes,
		.n_prefixes = u->n_prefixes,
		.valid_s = u->lifetime_s,
		.preferred_s = u->lifetime_s,
		.link_local = u->router,
		.home4 = u->home4,
	};
	const struct link_node node = {
		.ifindex = m->links->ifindex(m->links->ctx, u->ifname),
		.mac = u->mac,
	};
	char id[MH_NAI_MAX + 1], addr[ADDR6_STRLEN];

	mag_count_up(m, MAG_C_RESTORE_DROPPED);
	mnid_str(&u->mnid, id, sizeof(id));
	log_limited(&m->news, now, LOG_C_LOCAL,
		    "mag[%s] cannot go on: its LMA %s is not configured any more", id,
		    addr_str(&u->lmaa, addr));
	if (node.ifindex && u->state == RECORD_BOUND) {
		m->links->resume(m->links->ctx, &node, &ad, &u->node);
		m->links->withdraw(m->links->ctx, &node, true);
	}
	return STORE_DROP;
}

/* The binding as far as it still is one. */
static void take_times(struct mag *m, struct mag_session *s, const struct record_update *u,
		       nsec_t now)
{
	const nsec_t whole = nsec_from_s(u->lifetime_s);
	const nsec_t left = u->expires ? left_until(m, u->expires, whole) : 0;

	s->b.lifetime_s = u->lifetime_s;
	/* another Proxy-CoA is another care-of address: the binding is not at this one */
	s->registered = left && addr6_eq(&u->coa, mag_coa(m, &u->lmaa));
	s->b.expires = s->registered ? nsec_add(now, left) : NSEC_NEVER;
	s->refresh_at = now; /* what the LMA holds by now is not known */
	s->b.sent_at = nsec_sub(nsec_add(now, left), whole);
	s->b.timestamp = u->timestamp;
}

static void take_session(struct mag *m, struct mag_session *s, const struct record_update *u,
			 nsec_t now)
{
	s->state = MST_FINDING;
	s->asked = true;
	s->b.home4 = u->home4;
	s->b.link_local = u->router;
	/* some may have left since it was written down: an answer to one of them is none to us */
	s->b.seq = (uint16_t)(u->seq + SEQ_SKIPPED);
	s->returned4 = u->returned4;
	s->node_address = u->node;
	s->down_key = u->down_key;
	s->up_key = u->up_key;
	s->encap = u->encap;
	s->terms = (struct mag_terms){.gre = u->gre, .tlv = u->tlv, .force = u->force_udp};
	s->reg_att = u->reg_att;
	s->asks6 = u->asks6;
	s->any_addr4 = u->any_addr4;
	s->released4 = u->released4;
	s->refused4 = u->refused4;
	s->refused6 = u->refused6;
	s->gre_demanded = u->gre_demanded;
	s->gre_unwanted = u->gre_unwanted;
	s->dhcp_relay = u->dhcp_relay;
	s->revoking = u->revoking;
	memcpy(s->ifname, u->ifname, sizeof(s->ifname));
	take_times(m, s, u, now);
	if (u->has_peer_restarts)
		heartbeat_remember(m->heartbeat, &u->lmaa, u->peer_restarts);
}

/* Why it may not go on; it is de-registered in its turn. */
static const char *obstacle(const struct mag *m, const struct mag_session *s)
{
	if (s->state == MST_BARRED)
		return NULL;
	if (s->b.parked)
		return "left before the restart";
	if (s->revoking)
		return "all sessions with the LMA revoked here before the restart";
	if (!mag_entitled(mag_profile(m, &s->b.mnid)))
		return "no longer entitled";
	if (mag_count(m) > m->cfg.max_bindings)
		return "max-bindings reached";
	return NULL;
}

static int restore(struct mag *m, const struct store_record *r, const struct record_update *u,
		   struct mag_lma *lma, unsigned ifindex, nsec_t now)
{
	const struct mag_attachment a = {
		.node = {.ifindex = ifindex, .mac = u->mac},
		.att = u->att,
		.access_mtu = u->access_mtu,
		.domain = u->domain,
	};
	struct mag_session *s;

	if (mag_session_new(m, &a, &u->mnid, lma, &s))
		return -ENOMEM;
	if (bul_set_prefixes(m->bul, &s->b, u->prefixes, u->n_prefixes) ||
	    store_adopt(m->store, r, s, &s->item)) {
		mag_session_free(m, s);
		return -ENOMEM;
	}
	take_session(m, s, u, now);
	s->no_link = mag_find_is_missing(ifindex);
	if (u->state == RECORD_BARRED) {
		s->state = MST_BARRED;
		s->absent = true; /* until it has shown that it is not */
	} else if (u->state == RECORD_LEAVING) {
		bul_park(m->bul, &s->b);
		s->state = MST_DEREGISTERING;
	} else {
		mag_serve_resume(m, s, now);
	}
	s->leave_cause = obstacle(m, s);
	if (s->leave_cause && !s->b.parked)
		mag_log(m, s, &m->news, now, LOG_C_LOCAL, "cannot go on: %s", s->leave_cause);
	mag_count_up(m, MAG_C_RESTORED);
	mag_find_start(m, s, now);
	return STORE_KEEP;
}

int mag_restore(struct mag *m, const struct store_record *r, nsec_t now)
{
	struct record_update u;
	struct mag_lma *lma;
	unsigned ifindex;
	int err = record_update_read(&u, r->data, r->len);

	if (err == -EPROTONOSUPPORT)
		return refuse(m, "it is of another version", now);
	if (err)
		return refuse(m, "it is damaged", now);
	lma = mag_lma_by_addr(m, &u.lmaa);
	if (!lma)
		return drop(m, &u, now);
	ifindex = mag_find_link(m, u.ifname);
	if (!ifindex)
		return -ENOMEM;
	if (u.state != RECORD_LEAVING && bul_by_node(m->bul, ifindex, &u.mac))
		return refuse(m, "there is another one of the same place", now);
	return restore(m, r, &u, lma, ifindex, now);
}

bool mag_lost_sessions(const struct mag *m)
{
	return m->counter[MAG_C_RESTORE_REFUSED];
}
