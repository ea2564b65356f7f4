/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Proxy Binding Updates: contents, pace, retransmission (RFC 5213 6.9.1, 6.9.4; RFC 6275 11.8). */
#include "mag/mag_int.h"

/* A clock that stands still or stepped back by less than this is papered over, so that two
 * requests of one session never carry the same or a falling time. 1/8 s: within the LMA's
 * TimestampValidityWindow. A larger step shows as it is; the LMA's answer then tells of it. */
#define TIMESTAMP_NUDGE_MAX (65536u / 8)

bool mag_is_bound(const struct mag_session *s, nsec_t now)
{
	return s->registered && now < s->b.expires;
}

void mag_unbind(struct mag *m, struct mag_session *s)
{
	mag_store_forget(m, s);
	s->registered = s->revoking = false;
	s->b.lifetime_s = 0;
	s->b.expires = 0;
	s->b.home4 = s->returned4 = (struct home4){0};
	(void)bul_set_prefixes(m->bul, &s->b, NULL, 0);
}

void mag_request_close(struct mag *m, struct mag_session *s)
{
	struct mag_session **slot = &m->inflight[s->req.seq % MAG_INFLIGHT];

	s->req.open = false;
	s->deferred = false;
	if (*slot == s)
		*slot = NULL;
}

static uint64_t next_timestamp(const struct mag *m, struct mag_session *s)
{
	uint64_t ts = timestamp_from_wallclock(m->env->wallclock(m->env->ctx));

	if (ts <= s->b.timestamp && s->b.timestamp - ts < TIMESTAMP_NUDGE_MAX)
		ts = s->b.timestamp + 1;
	return ts;
}

static uint16_t next_seq(struct mag *m, struct mag_session *s)
{
	/* RFC 5213 6.9.1.1 (6): with timestamps a counter of the MAG, for matching replies only;
	 * without them the mobility session's own. */
	return m->cfg.timestamp_based_approach_in_use ? ++m->seq : (uint16_t)(s->b.seq + 1);
}

static uint16_t wanted_lifetime(const struct mag *m, const struct mag_session *s)
{
	const struct profile *p = mag_profile(m, &s->b.mnid);
	uint32_t units = (p && p->lifetime ? p->lifetime : m->cfg.lifetime) / MH_LIFETIME_UNIT;

	if (!units)
		units = 1;
	return (uint16_t)(units < MAG_LIFETIME_UNITS ? units : MAG_LIFETIME_UNITS);
}

static void add_prefix(struct mh_msg *msg, const struct prefix6 *p)
{
	struct mh_opt *o = mh_opt_add(msg, MHO_HNP);

	if (o)
		o->hnp.prefix = *p;
}

/* RFC 5213 6.9.1.1 (3), 6.9.1.3 (2), 6.9.1.4 (2): the assigned prefixes; before there are any,
 * those of the policy profile, else one ALL_ZERO. RFC 5844 3.2.3.1, 3.2.3.3: none at all for a
 * session that began without, nor to end IPv4 alone. */
static void add_prefixes(const struct mag *m, struct mag_session *s, struct mh_msg *msg)
{
	static const struct prefix6 all_zero;
	const struct profile *p = mag_profile(m, &s->b.mnid);
	unsigned i;

	s->req.hnp = s->asks6 && s->req.kind != MRK_RETURN4;
	s->req.named = s->req.hnp;
	if (!s->req.hnp)
		return;
	if (s->b.n_prefixes) {
		for (i = 0; i < s->b.n_prefixes; i++)
			add_prefix(msg, &s->b.prefixes[i]);
	} else if (p && p->n_prefixes && !s->any_prefix) {
		for (i = 0; i < p->n_prefixes && i < DP_PREFIXES_MAX; i++)
			add_prefix(msg, &p->prefixes[i]);
	} else {
		add_prefix(msg, &all_zero);
		s->req.named = false;
	}
}

static void add_value(struct mh_msg *msg, uint8_t type, uint8_t value)
{
	struct mh_opt *o = mh_opt_add(msg, type);

	if (o)
		o->value = value;
}

/* RFC 5213 6.9.1.5. The same options in the same order in all kinds of request. */
static void build(struct mag *m, struct mag_session *s, struct mh_msg *msg)
{
	struct mh_opt *o;

	memset(msg, 0, offsetof(struct mh_msg, opt));
	msg->type = MH_BU;
	msg->bu.seq = s->req.seq;
	msg->bu.flags = MH_BU_A | MH_BU_P;
	msg->bu.lifetime = s->req.lifetime;
	o = mh_opt_add(msg, MHO_MN_ID);
	if (o)
		o->mnid = s->b.mnid;
	add_prefixes(m, s, msg);
	mag_add_home4(m, s, msg);
	add_value(msg, MHO_HANDOFF_IND, s->req.hi);
	add_value(msg, MHO_ATT, s->req.att);
	if (!mac_is_zero(&s->b.mac)) {
		o = mh_opt_add(msg, MHO_MN_LLID);
		if (o) {
			o->llid.len = sizeof(s->b.mac.b);
			o->llid.id = s->b.mac.b;
		}
	}
	if (addr6_is_zero(&m->cfg.fixed_mag_link_local_address_on_all_access_links)) {
		o = mh_opt_add(msg, MHO_LINK_LOCAL);
		if (o)
			o->addr = s->b.link_local;
	}
	if (s->req.timed) {
		o = mh_opt_add(msg, MHO_TIMESTAMP);
		if (o)
			o->timestamp = s->b.timestamp;
	}
	mag_add_terms(s, msg);
}

static void send_pbu(struct mag *m, struct mag_session *s, nsec_t now)
{
	struct in6_addr src = *mag_coa(m, &s->b.lmaa);
	uint8_t buf[MH_MAX_LEN];
	struct mh_msg msg;
	struct packet pkt = {.src = src, .dst = s->b.lmaa, .data = buf};
	int len;

	build(m, s, &msg);
	len = mh_encode(&msg, buf, sizeof(buf), &src, &s->b.lmaa);
	if (len > 0) {
		pkt.len = (size_t)len;
		len = m->env->send(m->env->ctx, &pkt);
	}
	if (len < 0) {
		/* like a loss on the way: the retransmission repairs it */
		mag_count_up(m, MAG_C_PBU_SEND_FAILED);
		mag_log(m, s, &s->lma->limit, now, LOG_C_LOCAL, "cannot send to %s: %s",
			s->lma->name, strerror(-len));
		return;
	}
	mag_count_up(m, MAG_C_PBU_SENT);
	s->lma->info.pbu_sent++;
	event_emit(m->sink, &(struct event){.type = EV_MSG_SENT,
					    .role = "mag",
					    .now = now,
					    .mnid = &s->b.mnid,
					    .mac = &s->b.mac,
					    .peer = &s->b.lmaa,
					    .msg = &msg});
}

static bool is_registration(const struct mag_session *s)
{
	return s->req.kind == MRK_REGISTER || s->req.kind == MRK_MOVE;
}

/* RFC 6275 11.8, per mobility session: a limit per LMA would stop a MAG with many nodes. */
static nsec_t allowed_at(const struct mag_session *s, nsec_t now)
{
	if (s->n_sent < MAG_MAX_UPDATE_RATE)
		return now;
	return nsec_add(s->sent[s->n_sent % MAG_MAX_UPDATE_RATE], NSEC_PER_SEC);
}

/* Until when the session's request has to wait; now: it has not. */
static nsec_t held_until(const struct mag *m, const struct mag_session *s, nsec_t now)
{
	if (s->revoking && is_registration(s))
		return nsec_add(now, nsec_from_ms(MAG_REVOKING_MS));
	if (s->behind > m->answers.left)
		return nsec_add(now, nsec_from_ms(MAG_BEHIND_MS));
	return now;
}

static void note_sent(struct mag_session *s, nsec_t now)
{
	s->sent[s->n_sent % MAG_MAX_UPDATE_RATE] = now;
	/* keeps clear of wrapping, and of looking unused again */
	if (++s->n_sent == 2 * MAG_MAX_UPDATE_RATE)
		s->n_sent = MAG_MAX_UPDATE_RATE;
	s->b.sent_at = now;
}

static void arm_after_sending(struct mag *m, struct mag_session *s, nsec_t now)
{
	nsec_t due = rtx_next(&s->b.rtx, now);

	switch (s->state) {
	case MST_DEREGISTERING:
	case MST_ROLLBACK:
		/* RFC 5213 6.9.1.4: one INITIAL_BINDACK_TIMEOUT, no retransmission */
		due = nsec_add(now, nsec_from_ms(m->cfg.initial_bindack_timeout_ms));
		break;
	case MST_RETURNING4:
		due = nsec_add(now, nsec_from_ms(m->cfg.initial_bindack_timeout_ms));
		due = nsec_min(due, s->b.expires);
		break;
	case MST_REFRESHING:
	case MST_ARRIVING:
		due = nsec_min(due, s->b.expires);
		break;
	default:
		break;
	}
	deadline_arm(&m->timers, &s->timer, due);
}

/*
 * RFC 5213 6.9.1.1 (4, 5): 2 and 3 say for certain that an existing session moved here. The old MAG
 * lets the session go when the node leaves, and the LMA keeps it for MinDelayBeforeBCEDelete; after
 * that nobody here knows whether it still exists, and the LMA might take another interface's
 * binding for it. Then the state is unknown. 1 speaks of the interface alone and stays true.
 */
static uint8_t arrival_hint(const struct mag_session *s, nsec_t now)
{
	bool of_a_session = s->first_hi == HI_BETWEEN_INTERFACES || s->first_hi == HI_BETWEEN_MAGS;

	return of_a_session && now >= s->hint_until ? HI_UNKNOWN : s->first_hi;
}

/* The node has just proved to be here although another MAG registered it. What is sent again later
 * does not know that any more. */
static uint8_t refresh_hint(const struct mag_session *s)
{
	return s->overtaken && !s->b.rtx.sent ? HI_BETWEEN_MAGS : HI_NO_CHANGE;
}

/* What a registration asks for. False: its GRE key is not to be had now. */
static bool choose(struct mag *m, struct mag_session *s, nsec_t now)
{
	const struct profile *p = mag_profile(m, &s->b.mnid);
	int err;

	if (!s->registered) {
		mag_choose_terms(m, s);
		s->asks6 = !s->refused6 && !(p && p->no_ipv6);
	}
	if (s->terms.gre != MAG_GRE_KEYS)
		return true;
	err = mag_serve_key(m, s);
	if (!err)
		return true;
	mag_count_up(m, MAG_C_EARLY_KEY_FAILED);
	mag_log(m, s, &m->node_limit, now, LOG_C_LOCAL, "no GRE key for it: %s", strerror(-err));
	return false;
}

void mag_transmit(struct mag *m, struct mag_session *s, nsec_t now)
{
	nsec_t paced = allowed_at(s, now), at = held_until(m, s, now);

	if (paced > now && !s->deferred)
		mag_count_up(m, MAG_C_PBU_RATE_LIMITED);
	if (paced > at)
		at = paced;
	if (at > now) {
		s->deferred = true;
		/* service does not wait with it */
		deadline_arm(&m->timers, &s->timer, s->serving ? nsec_min(at, s->b.expires) : at);
		return;
	}
	mag_request_close(m, s);
	if (s->b.rtx.sent)
		mag_count_up(m, MAG_C_PBU_RETRANSMITTED);
	/* a binding may run out between two retransmissions */
	if (s->registered && !mag_is_bound(s, now)) {
		mag_unbind(m, s);
		if (s->req.kind == MRK_MOVE)
			s->req.kind = MRK_REGISTER;
	}
	if (is_registration(s) && !choose(m, s, now)) {
		/* like a loss on the way: the retransmission repairs it */
		arm_after_sending(m, s, now);
		return;
	}
	switch (s->req.kind) {
	case MRK_REGISTER:
		s->req.hi = s->registered ? refresh_hint(s) : arrival_hint(s, now);
		s->req.lifetime = wanted_lifetime(m, s);
		break;
	case MRK_MOVE:
		s->req.hi = s->move_hi;
		s->req.lifetime = wanted_lifetime(m, s);
		break;
	default:
		s->req.hi = HI_UNKNOWN;
		s->req.lifetime = 0;
		break;
	}
	s->req.terms = s->terms;
	/* RFC 5845 4.2: no GRE Key option in de-registrations */
	if (!is_registration(s))
		s->req.terms.gre = MAG_GRE_NONE;
	s->req.att = s->b.att;
	s->req.timed = m->cfg.timestamp_based_approach_in_use;
	s->req.seq = s->b.seq = next_seq(m, s);
	if (s->req.timed)
		s->b.timestamp = next_timestamp(m, s);
	else
		mag_store_touch(m, s, now); /* RFC 6275 11.7.3: the next one is to be greater */
	s->req.open = true;
	s->asked = true;
	m->inflight[s->req.seq % MAG_INFLIGHT] = s;
	note_sent(s, now);
	arm_after_sending(m, s, now);
	send_pbu(m, s, now);
}

void mag_request(struct mag *m, struct mag_session *s, enum mag_request_kind kind, nsec_t now)
{
	mag_request_close(m, s);
	s->req.kind = kind;
	s->unproven = false;
	/* it is registered anew with this one */
	if (is_registration(s))
		mag_peer_forget(m, s);
	rtx_init(&s->b.rtx, m->cfg.initial_bindack_timeout_ms, m->cfg.max_bindack_timeout_ms);
	if (kind == MRK_DEREGISTER)
		mag_count_up(m, MAG_C_PBU_DEREGISTER);
	else if (kind == MRK_RETURN4)
		mag_count_up(m, MAG_C_PBU_RETURN4);
	else if (kind == MRK_MOVE || mag_is_bound(s, now))
		mag_count_up(m, MAG_C_PBU_REFRESH);
	else
		mag_count_up(m, MAG_C_PBU_REGISTER);
	mag_transmit(m, s, now);
}
