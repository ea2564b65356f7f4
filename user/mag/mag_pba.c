/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What LMAs send (RFC 5213 6.9.1.2; RFC 6275 11.7.3, 11.7.4).
 *
 * An answer belongs to the open request of the same MN-Identifier, LMA and Sequence Number. Status
 * 135 carries the LMA's last accepted number instead of ours, so there the options must echo the
 * request and the number must explain the refusal. An option that the LMA left out is no
 * contradiction; one that differs is, and ends the request's retransmission.
 */
#include "mag/mag_int.h"

#include "core/order.h"

// clang-format off
#define STATUS_ROW(status, sym, name, ev, clause) {status, MAG_C_PBA_##sym, ev, clause},
static const struct status_row {
	uint8_t status;
	enum mag_counter counter;
	enum mag_event event;
	const char *clause;
} status_rows[] = {MAG_STATUS_ROWS(STATUS_ROW)};
// clang-format on

enum mag_event mag_status_event(uint8_t status, enum mag_counter *counter, const char **clause)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(status_rows); i++) {
		if (status_rows[i].status == status) {
			*counter = status_rows[i].counter;
			*clause = status_rows[i].clause;
			return status_rows[i].event;
		}
	}
	*clause = "RFC 6275 6.1.8";
	*counter = status < 128 ? MAG_C_PBA_OTHER_ACCEPTED : MAG_C_PBA_OTHER_REJECTED;
	return status < 128 ? MEV_ACCEPTED : MEV_REFUSED;
}

static bool llid_echoed(const struct mag_session *s, const struct mh_msg *msg)
{
	const struct mh_opt *o;
	unsigned i;

	for (i = 0; (o = mh_opt_nth(msg, MHO_MN_LLID, i)); i++) {
		struct llid own = {.len = sizeof(s->b.mac.b), .id = s->b.mac.b};

		if (mac_is_zero(&s->b.mac) ? !llid_is_zero(&o->llid) : !llid_eq(&o->llid, &own))
			return false;
	}
	return true;
}

static bool value_echoed(const struct mh_msg *msg, uint8_t type, uint8_t value)
{
	const struct mh_opt *o;
	unsigned i;

	for (i = 0; (o = mh_opt_nth(msg, type, i)); i++) {
		if (o->value != value)
			return false;
	}
	return true;
}

/* What differs from the request, or MAG_C_MAX. RFC 5213 6.9.1.2 (6) */
static enum mag_counter contradiction(const struct mag_session *s, const struct mh_msg *msg)
{
	const struct mh_opt *o;
	unsigned i;

	for (i = 0; (o = mh_opt_nth(msg, MHO_MN_ID, i)); i++) {
		if (!mnid_eq(&o->mnid, &s->b.mnid))
			return MAG_C_PBA_MISMATCH_MN_ID;
	}
	if (!value_echoed(msg, MHO_HANDOFF_IND, s->req.hi))
		return MAG_C_PBA_MISMATCH_HI;
	if (!value_echoed(msg, MHO_ATT, s->req.att))
		return MAG_C_PBA_MISMATCH_ATT;
	if (!llid_echoed(s, msg))
		return MAG_C_PBA_MISMATCH_LLID;
	return MAG_C_MAX;
}

static bool answers(const struct mag_session *s, const struct mag_lma *lma,
		    const struct mh_msg *msg)
{
	if (!s->req.open || s->lma != lma)
		return false;
	if (msg->ba.status != PBA_SEQ_OUT_OF_WINDOW)
		return msg->ba.seq == s->req.seq;
	return !s->req.timed && contradiction(s, msg) == MAG_C_MAX &&
	       order_sequence(s->req.seq, msg->ba.seq, true) == ORDER_SEQ_NOT_NEWER;
}

/* Two interfaces of one node may have requests with the same number open: the options decide. */
static struct mag_session *find(const struct mag *m, const struct mag_lma *lma,
				const struct mh_msg *msg, const struct mnid *id)
{
	struct mag_session *s, *second_best = NULL;
	struct bule *e = NULL;

	while ((e = bul_by_mnid(m->bul, id, e))) {
		s = mag_session_of(e);
		if (!answers(s, lma, msg))
			continue;
		if (contradiction(s, msg) == MAG_C_MAX)
			return s;
		second_best = s;
	}
	if (second_best || msg->ba.status == PBA_SEQ_OUT_OF_WINDOW)
		return second_best;
	s = m->inflight[msg->ba.seq % MAG_INFLIGHT];
	return s && answers(s, lma, msg) ? s : NULL;
}

static bool fit_for_node(const struct prefix6 *p)
{
	return !prefix6_is_zero(p) && p->len && p->len <= 64 && !addr6_is_linklocal(&p->addr) &&
	       !addr6_is_multicast(&p->addr);
}

/* The prefixes of an accepting answer, duplicates left out; -1 when one is not fit to be
 * advertised, or there are more than a session holds. */
static int prefixes_of(const struct mh_msg *msg, struct prefix6 out[DP_PREFIXES_MAX])
{
	const struct mh_opt *o;
	int i, j, n = 0;

	for (i = 0; (o = mh_opt_nth(msg, MHO_HNP, (unsigned)i)); i++) {
		struct prefix6 p = o->hnp.prefix;

		if (!fit_for_node(&p))
			return -1;
		prefix6_mask(&p);
		for (j = 0; j < n && !prefix6_eq(&out[j], &p); j++)
			;
		if (j < n)
			continue;
		if (n == DP_PREFIXES_MAX)
			return -1;
		out[n++] = p;
	}
	return n;
}

/*
 * Status 156. The answer holds the LMA's time of day, which RFC 5213 6.9.1.2 (9) lets us look at
 * but not adopt. When it is as near to ours as TimestampValidityWindow allows, no clock is to
 * blame: the request waited somewhere on its way, for a neighbour to be resolved or in a queue, or
 * came twice. A fresh timestamp is then all that is missing.
 */
static enum mag_event judge_clock(struct mag *m, struct mag_session *s, const struct mh_msg *msg,
				  nsec_t now)
{
	const struct mh_opt *o = mh_opt(msg, MHO_TIMESTAMP);
	uint64_t theirs, ours = m->env->wallclock(m->env->ctx);
	int64_t offset_ms;

	if (!o) {
		mag_count_up(m, MAG_C_CLOCK_SKEW);
		mag_log(m, s, &s->lma->limit, now, LOG_C_LOCAL, "%s says that our clock is off",
			s->lma->name);
		return MEV_CLOCK;
	}
	theirs = timestamp_to_wallclock(o->timestamp);
	offset_ms = theirs > ours ? (int64_t)((theirs - ours) / 1000000)
				  : -(int64_t)((ours - theirs) / 1000000);
	s->lma->info.clock_offset_ms = offset_ms;
	if (offset_ms >= -MAG_CLOCKS_AGREE_MS && offset_ms <= MAG_CLOCKS_AGREE_MS) {
		mag_count_up(m, MAG_C_TIMESTAMP_LATE);
		mag_log(m, s, &s->lma->limit, now, LOG_C_REMOTE,
			"%s got the request late or twice: our clocks agree to %+lld ms",
			s->lma->name, (long long)offset_ms);
		return MEV_LATE;
	}
	mag_count_up(m, MAG_C_CLOCK_SKEW);
	mag_log(m, s, &s->lma->limit, now, LOG_C_LOCAL,
		"the clock of %s differs from ours by %+lld ms: synchronize both to one time "
		"source",
		s->lma->name, (long long)offset_ms);
	return MEV_CLOCK;
}

/* Whether there is a request left to make that the LMA did not just refuse. 170 and 172 forbid an
 * IP version until administrative action, 171 one address (RFC 5844 3.2.3.2); 163 asks for an
 * option that status 2 may have forbidden for this session (RFC 5845 4.2). */
static bool may_ask_anew(const struct mag_session *s, uint8_t status)
{
	switch (status) {
	case PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY:
	case PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY:
		return s->req.hoa4 && s->req.hnp;
	case PBA_NOT_AUTHORIZED_FOR_IPV4_HOA:
		return s->req.named4;
	default:
		return s->req.terms.gre != MAG_GRE_KEYS && !s->gre_unwanted;
	}
}

/* What was repeated at once for other reasons before makes it wait, no more. */
static enum mag_event judge_request(const struct mag_session *s, uint8_t status, enum mag_event ev)
{
	if (may_ask_anew(s, status))
		return s->quick < MAG_QUICK_RETRIES ? ev : MEV_LATER;
	return status == PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY ||
			       status == PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY
		       ? MEV_DENIED
		       : MEV_REFUSED;
}

/* RFC 5844 3.1.2.2 has the LMA reject the whole request when there is no IPv4 home address left.
 * The prefixes may still be had. */
static bool lacks_home4(const struct mag_session *s, const struct mh_msg *msg)
{
	const struct mh_opt *o = mh_opt(msg, MHO_IPV4_HOA_REPLY);

	return msg->ba.status == PBA_INSUFFICIENT_RESOURCES && o && o->hoa4.status >= 128 &&
	       s->quick < MAG_QUICK_RETRIES && s->req.hoa4 && s->req.hnp &&
	       !home4_is_set(&s->b.home4);
}

/* What a rejection leads to, where that depends on more than its status. */
static enum mag_event rejected(struct mag *m, struct mag_session *s, const struct mh_msg *msg,
			       enum mag_event ev, nsec_t now)
{
	const char *status = pba_status_name(msg->ba.status);

	s->lma->info.pba_rejected++;
	if (ev == MEV_ADDRESSES || ev == MEV_GRE_KEYS)
		ev = judge_request(s, msg->ba.status, ev);
	if (ev == MEV_LATER && lacks_home4(s, msg))
		ev = MEV_ADDRESSES;
	if (ev == MEV_CLOCK)
		ev = judge_clock(m, s, msg, now);
	else
		mag_log(m, s, &s->lma->limit, now, LOG_C_REMOTE, "%s rejected the request: %u %s",
			s->lma->name, msg->ba.status, status);
	event_emit(m->sink, &(struct event){.type = EV_REFUSED,
					    .role = "mag",
					    .now = now,
					    .mnid = &s->b.mnid,
					    .mac = &s->b.mac,
					    .peer = &s->b.lmaa,
					    .cause = status});
	return ev;
}

/* What an accepting answer gives; false when there is nothing to serve the node with. */
static bool read_grant(struct mag *m, struct mag_session *s, const struct mh_msg *msg,
		       struct mag_grant *g, struct prefix6 p[DP_PREFIXES_MAX], nsec_t now)
{
	/* RFC 5844 3.1.2.6: no prefixes where none were asked for */
	int n = s->req.hnp ? prefixes_of(msg, p) : 0;

	if (!mag_read_encap(s, msg, g)) {
		mag_count_up(m, MAG_C_PBA_BAD_GRE);
		mag_log(m, s, &s->lma->limit, now, LOG_C_REMOTE,
			"%s gave a GRE key without having been given one", s->lma->name);
		return false;
	}
	if (n >= 0) {
		g->n_prefixes = (unsigned)n;
		mag_read_home4(m, s, msg, g, now);
	}
	if (g->n_prefixes || home4_is_set(&g->home4))
		return true;
	mag_count_up(m, MAG_C_PBA_BAD_PREFIX);
	mag_log(m, s, &s->lma->limit, now, LOG_C_REMOTE, "%s accepted without usable addresses",
		s->lma->name);
	return false;
}

static void answered(struct mag *m, struct mag_session *s, const struct mh_msg *msg, nsec_t now)
{
	struct prefix6 p[DP_PREFIXES_MAX];
	struct mag_grant grant = {.prefixes = p};
	struct mag_ctx c = {.m = m, .now = now, .msg = msg, .grant = &grant};
	enum mag_counter counter;
	const char *clause;
	enum mag_event ev = mag_status_event(msg->ba.status, &counter, &clause);

	/* without its mandatory options it answers nothing (RFC 5213 5.3.6) */
	if (ev == MEV_ACCEPTED && s->req.lifetime && !read_grant(m, s, msg, &grant, p, now))
		return;
	mag_count_up(m, counter);
	s->last_status = msg->ba.status;
	c.cause = pba_status_name(msg->ba.status);
	if (msg->ba.status >= 128) {
		ev = rejected(m, s, msg, ev, now);
	} else if (s->req.lifetime && !msg->ba.lifetime) {
		mag_count_up(m, MAG_C_PBA_NO_LIFETIME);
		ev = MEV_REFUSED;
		c.cause = "accepted for no time";
	}
	mag_request_close(m, s);
	mag_step(s, ev, &c);
}

static void receive_pba(struct mag *m, struct mag_lma *lma, const struct packet *pkt,
			const struct mh_msg *msg, nsec_t now)
{
	const struct mh_opt *o = mh_opt(msg, MHO_MN_ID);
	struct mag_ctx c = {
		.m = m, .now = now, .msg = msg, .cause = "answer does not echo the request"};
	struct mag_session *s;
	enum mag_counter why;

	lma->info.pba_received++;
	if (!addr6_eq(&pkt->dst, mag_coa(m, &lma->info.addr))) {
		mag_count_up(m, MAG_C_PBA_DESTINATION);
		return;
	}
	/* RFC 5844 4.1.3.2; any program on the LMA's host can send from the others */
	if (addr_is_ip4(&pkt->src) && pkt->port && pkt->port != MH_UDP_PORT) {
		mag_count_up(m, MAG_C_PBA_PORT);
		return;
	}
	if (!(msg->ba.flags & MH_BA_P)) {
		mag_count_up(m, MAG_C_PBA_NOT_PROXY);
		log_limited(&lma->limit, now, LOG_C_REMOTE,
			    "mag: %s sent a Binding Acknowledgement without the P flag", lma->name);
		return;
	}
	if (!o) {
		mag_count_up(m, MAG_C_PBA_NO_MN_ID);
		return;
	}
	s = find(m, lma, msg, &o->mnid);
	if (!s) {
		mag_count_up(m, MAG_C_PBA_UNMATCHED);
		return;
	}
	why = contradiction(s, msg);
	if (why == MAG_C_MAX) {
		answered(m, s, msg, now);
		return;
	}
	mag_count_up(m, why);
	mag_log(m, s, &lma->limit, now, LOG_C_REMOTE,
		"answer of %s ignored, request ended: options do not echo it", lma->name);
	mag_request_close(m, s);
	mag_step(s, MEV_MISMATCH, &c);
}

/*
 * No RFC says what a Binding Refresh Request means to a MAG. It is taken as the anchor's wish to
 * see the named node's bindings refreshed now; without an MN-Identifier it names nobody, and to
 * refresh everything would let one packet cause a million.
 */
static void receive_brr(struct mag *m, struct mag_lma *lma, const struct packet *pkt,
			const struct mh_msg *msg, nsec_t now)
{
	const struct mh_opt *o = mh_opt(msg, MHO_MN_ID);
	struct bule *e = NULL, *next;
	unsigned n = 0;

	if (o && addr6_eq(&pkt->dst, mag_coa(m, &lma->info.addr)))
		e = bul_by_mnid(m->bul, &o->mnid, NULL);
	for (; e; e = next) {
		struct mag_session *s = mag_session_of(e);
		struct mag_ctx c = {.m = m, .now = now, .msg = msg, .cause = "refresh requested"};

		next = bul_by_mnid(m->bul, &s->b.mnid, e);
		if (s->lma != lma || s->state != MST_ACTIVE)
			continue;
		n++;
		mag_step(s, MEV_REFRESH, &c);
	}
	mag_count_up(m, n ? MAG_C_BRR : MAG_C_BRR_IGNORED);
}

static void receive_be(struct mag *m, struct mag_lma *lma, const struct packet *pkt,
		       const struct mh_msg *msg, nsec_t now)
{
	/* of the two the revocation is the rarer, and then the likelier */
	if (revocation_binding_error(m->revocation, pkt, msg, now) ||
	    heartbeat_binding_error(m->heartbeat, pkt, msg, now))
		return;
	/* It names neither node nor request. Retransmission goes on: the LMA may be misconfigured.
	 */
	mag_count_up(m, MAG_C_BE);
	log_limited(&lma->limit, now, LOG_C_REMOTE, "mag: Binding Error status %u from %s%s",
		    msg->be.status, lma->name,
		    msg->be.status == BE_UNKNOWN_MH_TYPE ? ": it does not know Binding Updates"
							 : "");
}

static void foreign(struct mag *m, enum mag_counter c, const struct packet *pkt,
		    const struct mh_msg *msg, nsec_t now)
{
	char addr[ADDR6_STRLEN];

	mag_count_up(m, c);
	log_limited(&m->foreign_limit, now, LOG_C_AUTH,
		    "mag: %s from %s, which is not an LMA of ours", mh_msg_name(msg),
		    addr_str(&pkt->src, addr));
}

void mag_receive(struct mag *m, const struct packet *pkt, const struct mh_msg *msg, nsec_t now)
{
	struct mag_lma *lma = mag_lma_by_addr(m, &pkt->src);

	if (msg->type == MH_HEARTBEAT) {
		heartbeat_receive(m->heartbeat, pkt, msg, now);
		return;
	}
	if (msg->type == MH_BINDING_REVOCATION) {
		if (revocation_receive(m->revocation, pkt, msg, now) && lma)
			mag_revoke_receive(m, lma, pkt, msg, now);
		return;
	}
	if (msg->type == MH_HI || msg->type == MH_HACK) {
		mag_fho_receive(m, pkt, msg, now);
		return;
	}
	if (msg->type == MH_BE && !lma && mag_fho_binding_error(m, pkt, msg, now))
		return;
	if (msg->type == MH_BA)
		mag_count_up(m, MAG_C_PBA_RECEIVED);
	if (lma) {
		const struct mh_opt *o = mh_opt(msg, MHO_MN_ID);

		event_emit(m->sink, &(struct event){.type = EV_MSG_RCVD,
						    .role = "mag",
						    .now = now,
						    .mnid = o ? &o->mnid : NULL,
						    .peer = &pkt->src,
						    .msg = msg});
	}
	switch (msg->type) {
	case MH_BA:
		if (lma)
			receive_pba(m, lma, pkt, msg, now);
		else
			foreign(m, MAG_C_PBA_FOREIGN, pkt, msg, now);
		break;
	case MH_BRR:
		if (lma)
			receive_brr(m, lma, pkt, msg, now);
		else
			foreign(m, MAG_C_BRR_IGNORED, pkt, msg, now);
		break;
	case MH_BE:
		if (lma)
			receive_be(m, lma, pkt, msg, now);
		else
			foreign(m, MAG_C_BE_FOREIGN, pkt, msg, now);
		break;
	default:
		mag_count_up(m, MAG_C_UNEXPECTED_MESSAGE);
		break;
	}
}
