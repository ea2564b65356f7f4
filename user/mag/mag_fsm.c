/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a session.
 *
 *	NEW -> REGISTERING -> ACTIVE -> VERIFYING -> REFRESHING -> ACTIVE ...
 *	                  any of them -> DEREGISTERING -> (RELEASED) -> gone
 *
 * Service (forwarding, advertisement) exists in ACTIVE, VERIFYING, REFRESHING and STALLED and in no
 * other state: a rejection ends it whatever it says (RFC 5213 6.9.1.2 item 11). A rejection that
 * may be repaired at once leads back to REGISTERING, one that needs time to BACKOFF, one that
 * repeating cannot cure to REJECTED, and one that RFC 5213 reserves for the operator to BARRED.
 */
#include "mag/mag_int.h"

#define NAME_ROW(sym, name) name,
static const char *const state_names[] = {MAG_STATES(NAME_ROW)};
static const char *const event_names[] = {MAG_EVENTS(NAME_ROW)};

const char *mag_state_name(uint8_t state)
{
	return state < MST_MAX ? state_names[state] : "?";
}

/* ---- guards */

/* RFC 5213 6.9.4: before each retransmission */
static bool is_attached(void *obj, void *arg)
{
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(obj);

	return c->m->links->attached(c->m->links->ctx, &node);
}

static bool may_repeat(void *obj, void *arg)
{
	const struct mag_session *s = obj;

	return s->quick < MAG_QUICK_RETRIES;
}

static bool may_repeat_here(void *obj, void *arg)
{
	return may_repeat(obj, arg) && is_attached(obj, arg);
}

/* The answer came so soon that nobody can have moved since the request. */
static bool may_repeat_soon(void *obj, void *arg)
{
	const struct mag_session *s = obj;
	const struct mag_ctx *c = arg;

	return may_repeat_here(obj, arg) &&
	       c->now < nsec_add(s->b.sent_at, nsec_from_ms(MAG_PROMPT_MS));
}

static bool asked_by_name(void *obj, void *arg)
{
	const struct mag_session *s = obj;

	return s->req.named;
}

static bool is_bound(void *obj, void *arg)
{
	const struct mag_ctx *c = arg;

	return mag_is_bound(obj, c->now);
}

static bool sent_lately(void *obj, void *arg)
{
	const struct mag_session *s = obj;
	const struct mag_ctx *c = arg;

	return c->now < nsec_add(s->b.sent_at, NSEC_PER_SEC);
}

static bool was_never_asked(void *obj, void *arg)
{
	const struct mag_session *s = obj;

	return !s->asked;
}

static bool is_absent(void *obj, void *arg)
{
	const struct mag_session *s = obj;

	return s->absent;
}

static bool quiet_is_over(void *obj, void *arg)
{
	const struct mag_session *s = obj;
	const struct mag_ctx *c = arg;

	return c->now >= s->quiet_until;
}

/* ---- actions */

static void tear_down(struct mag *m, const struct link_node *node)
{
	/* the node may be back already, with a session of its own */
	if (!bul_by_node(m->bul, node->ifindex, &node->mac))
		m->links->teardown(m->links->ctx, node);
}

/* RFC 5213 6.9.1.1 (5): 1, 2 and 3 are for a trigger that knows; the MAG alone cannot tell. */
static void take_hint(struct mag_session *s, const struct mag_attachment *a, nsec_t now)
{
	if (a->handoff_hint < HI_NEW_INTERFACE || a->handoff_hint > HI_UNKNOWN)
		return;
	s->first_hi = a->handoff_hint;
	s->hint_until = nsec_add(now, nsec_from_ms(MAG_HINT_LIFE_MS));
}

static void act_register(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	take_hint(s, c->at, c->now);
	s->absent = false;
	s->quick = 0;
	mag_request(c->m, s, MRK_REGISTER, c->now);
}

static void act_refresh(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_request(c->m, obj, MRK_REGISTER, c->now);
}

static void act_resend(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_transmit(c->m, obj, c->now);
}

/* RFC 5213 6.9.4 (2). What the link knew last has to do for this one; whether the node is still
 * there will be known before the next. */
static void act_repeat(void *obj, void *arg)
{
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(obj);

	mag_transmit(c->m, obj, c->now);
	c->m->links->verify(c->m->links->ctx, &node);
}

static void act_accept(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct mag *m = c->m;
	bool upload;
	int err;

	upload = mag_accept(s, c);
	deadline_arm(&m->timers, &s->timer, s->refresh_at);
	err = mag_serve(m, s, c->prefixes, c->n_prefixes, c->now);
	if (err) {
		mag_count_up(m, MAG_C_DP_FAILED);
		mag_log(m, s, &m->node_limit, c->now, LOG_C_LOCAL, "cannot forward for it: %s",
			strerror(-err));
		c->cause = "data plane failed";
		mag_step(s, MEV_DP_FAILED, c);
	} else if (upload) {
		mag_step(s, MEV_LINK_LOCAL, c);
	}
}

static void act_upload(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_advertise(c->m, obj);
	mag_request(c->m, obj, MRK_REGISTER, c->now);
}

static void act_advertise(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_advertise(c->m, obj);
}

/* RFC 6275 11.7.3: go on from the number that the LMA accepted last */
static void adopt_sequence(struct mag_session *s, const struct mag_ctx *c)
{
	if (c->msg->ba.status == PBA_SEQ_OUT_OF_WINDOW)
		s->b.seq = c->msg->ba.seq;
}

/* Rejected, but worth repeating at once: the node keeps its addresses for that round trip. */
static void act_again(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_serve_stop(c->m, s, false, c->cause, c->now);
	s->quick++;
	adopt_sequence(s, c);
	mag_request(c->m, s, (enum mag_request_kind)s->req.kind, c->now);
}

/* RFC 5213 6.9.1.2 (10) */
static void act_ask_any(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_serve_stop(c->m, s, true, c->cause, c->now);
	mag_unbind(c->m, s);
	s->any_prefix = true;
	mag_request(c->m, s, MRK_REGISTER, c->now);
}

static void act_backoff(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_serve_stop(c->m, s, true, c->cause, c->now);
	deadline_arm(&c->m->timers, &s->timer, rtx_next(&s->backoff, c->now));
}

/* RFC 5213 6.9.1.2 (9): not before the clock is right, which nobody tells us; so, slowly. */
static void act_backoff_clock(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	if (s->backoff.wait_ms < c->m->cfg.max_bindack_timeout_ms)
		s->backoff.wait_ms = c->m->cfg.max_bindack_timeout_ms;
	act_backoff(obj, arg);
}

static void act_rollback(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_serve_stop(c->m, obj, true, c->cause, c->now);
	mag_request(c->m, obj, MRK_DEREGISTER, c->now);
}

static void act_rolled_back(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_request_close(c->m, obj);
	mag_unbind(c->m, obj);
	act_backoff(obj, arg);
}

/* RFC 5213 6.9.1.2 (11). The node's link goes down where it can; its triggers go unheard until the
 * quiet time is over, so that a node that insists costs the LMA nothing. */
static void act_refuse(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(s);

	mag_request_close(c->m, s);
	mag_serve_stop(c->m, s, true, c->cause, c->now);
	s->quiet_until = nsec_add(c->now, mag_quiet_time(c->m));
	deadline_arm(&c->m->timers, &s->timer, s->quiet_until);
	c->m->links->teardown(c->m->links->ctx, &node);
}

static void act_stall(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	deadline_arm(&c->m->timers, &s->timer, s->b.expires);
}

static void act_stall_over(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_EXPIRED);
	mag_serve_stop(c->m, obj, true, c->cause, c->now);
	mag_unbind(c->m, obj);
	act_refuse(obj, arg);
}

/* RFC 5213 6.13. A link that never answers may not keep a binding alive: half of what is left of
 * the lifetime is the last moment for its answer. Without a binding it is given the quiet time. */
static void act_verify(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(s);
	nsec_t wait = nsec_sub(s->b.expires, c->now) / 2;

	if (!s->registered)
		wait = mag_quiet_time(c->m);
	deadline_arm(&c->m->timers, &s->timer, nsec_add(c->now, wait));
	c->m->links->verify(c->m->links->ctx, &node);
}

/* The LMA holds something newer than our refresh, or than a registration that was long on its way:
 * most likely the node has moved. Its presence is asserted again once it has proved to be here, or
 * else the old MAG would take the binding away from the new one. */
static void act_reassert(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_serve_stop(c->m, s, false, c->cause, c->now);
	s->quick++;
	adopt_sequence(s, c);
	act_verify(obj, arg);
}

static void expire(struct mag_session *s, struct mag_ctx *c)
{
	mag_count_up(c->m, MAG_C_EXPIRED);
	mag_serve_stop(c->m, s, true, c->cause, c->now);
	mag_unbind(c->m, s);
	s->req.kind = MRK_REGISTER;
}

/* The refresh was not answered in time: asking goes on at the pace reached (RFC 6275 11.8). */
static void act_expire(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	expire(obj, c);
	mag_transmit(c->m, obj, c->now);
}

static void act_new_place(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	s->b.att = c->at->att;
	s->access_mtu = c->at->access_mtu;
}

/* It ran out before its refresh was due to begin, because the answer took longer than the lifetime,
 * or something was heard of the node before its overdue timer had its turn. */
static void act_lapse(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	if (c->from) {
		act_new_place(obj, arg);
		c->m->links->withdraw(c->m->links->ctx, c->from, true);
	}
	expire(obj, c);
	mag_request(c->m, obj, MRK_REGISTER, c->now);
}

static void act_deregister(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_DETACH);
	mag_serve_stop(c->m, s, c->m->cfg.deprecate_on_detach, c->cause, c->now);
	bul_park(c->m->bul, &s->b);
	s->quick = 0;
	mag_request(c->m, s, MRK_DEREGISTER, c->now);
}

static void act_vanished(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_GONE_BEFORE_RETRANSMIT);
	act_deregister(obj, arg);
}

static void act_unverified(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_VERIFY_TIMEOUT);
	act_deregister(obj, arg);
}

/* The de-registration is under way already. */
static void act_park(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_DETACH);
	bul_park(c->m->bul, &s->b);
}

static void act_leave(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_DETACH);
	mag_session_free(c->m, obj);
}

static void act_forget(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_session_free(c->m, obj);
}

static void act_forget_released(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	c->m->n_released--;
	mag_session_free(c->m, obj);
}

/* RFC 5213 6.9.1.4: entry, routes, tunnel, link; the middle two went when the node did. */
static void act_done(void *obj, void *arg)
{
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(obj);

	mag_session_free(c->m, obj);
	tear_down(c->m, &node);
}

static void act_unanswered(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_DEREG_UNANSWERED);
	act_done(obj, arg);
}

/* What is left is no binding: it keeps MAX_UPDATE_RATE honest should the node come straight back.
 */
static void act_release(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(s);

	c->m->n_released++;
	bul_park(c->m->bul, &s->b);
	mag_request_close(c->m, s);
	mag_unbind(c->m, s);
	deadline_arm(&c->m->timers, &s->timer, nsec_add(s->b.sent_at, NSEC_PER_SEC));
	tear_down(c->m, &node);
}

/* MAX_UPDATE_RATE held its registration back until it was gone: nobody has to be told. */
static void act_unasked(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_DETACH);
	act_release(obj, arg);
}

static void act_superseded(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(s);

	mag_count_up(c->m, MAG_C_SUPERSEDED);
	mag_serve_stop(c->m, s, true, c->cause, c->now);
	mag_session_free(c->m, s);
	tear_down(c->m, &node);
}

static void act_absent(void *obj, void *arg)
{
	struct mag_session *s = obj;

	s->absent = true;
}

/*
 * The same link-layer address on another link of ours. With the same technology nothing changed
 * that the LMA knows of: a re-registration, Handoff Indicator 5. With another one the session moved
 * between two interfaces of the node as the LMA sees them, and the MAG knows that it did, since it
 * holds the session itself: 2. Never 3, which names another MAG.
 */
static void request_move(struct mag_session *s, struct mag_ctx *c)
{
	s->move_hi = s->b.att == s->reg_att ? HI_NO_CHANGE : HI_BETWEEN_INTERFACES;
	mag_request(c->m, s, MRK_MOVE, c->now);
}

static void act_move(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct mag *m = c->m;

	act_new_place(obj, arg);
	if (addr6_is_zero(&m->cfg.fixed_mag_link_local_address_on_all_access_links) &&
	    !addr6_is_zero(&s->b.link_local))
		m->links->set_link_local(m->links->ctx, s->b.ifindex, &s->b.link_local);
	if (mag_serve_move(m, s, c->from)) {
		mag_count_up(m, MAG_C_DP_FAILED);
		c->cause = "data plane failed";
		mag_step(s, MEV_DP_FAILED, c);
		return;
	}
	request_move(s, c);
}

/* No service yet. The open request stands unless what it said of the node is no longer true. */
static void act_move_unserved(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	bool same = s->b.att == c->at->att;

	act_new_place(obj, arg);
	if (same)
		return;
	if (mag_is_bound(s, c->now))
		request_move(s, c);
	else
		mag_request(c->m, s, MRK_REGISTER, c->now);
}

static void act_reassert_there(void *obj, void *arg)
{
	act_new_place(obj, arg);
	act_refresh(obj, arg);
}

/* ---- rules */

// clang-format off
/* What a rejection of a registration leads to, with and without service before. */
#define REJECTIONS(st)                                                                                       \
	{st, MEV_AGAIN,      NULL,          act_backoff,       MST_BACKOFF,     "RFC 6275 11.8"},            \
	{st, MEV_ANY_PREFIX, asked_by_name, act_ask_any,       MST_REGISTERING, "RFC 5213 6.9.1.2 (10)"},    \
	{st, MEV_ANY_PREFIX, NULL,          act_refuse,        MST_REJECTED,    "RFC 5213 6.9.1.2 (11)"},    \
	{st, MEV_LATER,      NULL,          act_backoff,       MST_BACKOFF,     "RFC 6275 11.7.3"},          \
	{st, MEV_CLOCK,      NULL,          act_backoff_clock, MST_BACKOFF,     "RFC 5213 6.9.1.2 (9)"},     \
	{st, MEV_LATE,       may_repeat_here, act_again,       MST_REGISTERING, "RFC 5213 6.9.4 (4)"},       \
	{st, MEV_LATE,       NULL,          act_backoff,       MST_BACKOFF,     "RFC 6275 11.8"},            \
	{st, MEV_REFUSED,    NULL,          act_refuse,        MST_REJECTED,    "RFC 5213 6.9.1.2 (11)"},    \
	{st, MEV_DENIED,     NULL,          act_refuse,        MST_BARRED,      "RFC 5213 6.9.1.2 (7)"}
/* An event that changes nothing there. */
#define IGNORED(st, ev, clause) {st, ev, NULL, NULL, FSM_SAME, clause}
#define ANY_ANSWER(st, action, next, clause)                                                                 \
	{st, MEV_ACCEPTED, NULL, action, next, clause}, {st, MEV_AGAIN, NULL, action, next, clause},         \
	{st, MEV_ANY_PREFIX, NULL, action, next, clause}, {st, MEV_LATER, NULL, action, next, clause},       \
	{st, MEV_CLOCK, NULL, action, next, clause}, {st, MEV_LATE, NULL, action, next, clause},             \
	{st, MEV_REFUSED, NULL, action, next, clause},                                                       \
	{st, MEV_DENIED, NULL, action, next, clause}, {st, MEV_MISMATCH, NULL, action, next, clause}

static const struct fsm_rule rules[] = {
	{MST_NEW,         MEV_ATTACH,     NULL,        act_register,      MST_REGISTERING,   "RFC 5213 6.9.1.1"},

	{MST_REGISTERING, MEV_ACCEPTED,   NULL,        act_accept,        MST_ACTIVE,        "RFC 5213 6.9.1.2 (12)"},
	{MST_REGISTERING, MEV_AGAIN,      may_repeat_soon, act_again,     MST_REGISTERING,   "RFC 5213 6.9.1.2 (8)"},
	{MST_REGISTERING, MEV_AGAIN,      may_repeat,  act_reassert,      MST_REASSERTING,   "RFC 5213 6.9.1.2 (8)"},
	REJECTIONS(MST_REGISTERING),
	{MST_REGISTERING, MEV_MISMATCH,   NULL,        act_refuse,        MST_BARRED,        "RFC 5213 6.9.1.2 (6)"},
	{MST_REGISTERING, MEV_RESEND,     is_attached, act_repeat,        FSM_SAME,          "RFC 5213 6.9.4 (2)"},
	{MST_REGISTERING, MEV_RESEND,     NULL,        act_vanished,      MST_DEREGISTERING, "RFC 5213 6.9.4 (2)"},
	{MST_REGISTERING, MEV_DETACH,     was_never_asked, act_unasked,   MST_RELEASED,      "RFC 6275 11.8"},
	{MST_REGISTERING, MEV_DETACH,     NULL,        act_deregister,    MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_REGISTERING, MEV_MOVED,      NULL,        act_move_unserved, FSM_SAME,          "RFC 5213 6.9.1.1 (4)"},
	{MST_REGISTERING, MEV_SUPERSEDED, NULL,        act_superseded,    MST_GONE,          "RFC 5213 5.4.1"},

	{MST_ACTIVE,      MEV_ATTACH,     is_bound,    act_refresh,       MST_REFRESHING,    "RFC 5213 6.9.1.1"},
	{MST_ACTIVE,      MEV_ATTACH,     NULL,        act_lapse,         MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_ACTIVE,      MEV_REFRESH,    NULL,        act_verify,        MST_VERIFYING,     "RFC 5213 6.13"},
	{MST_ACTIVE,      MEV_EXPIRED,    is_attached, act_lapse,         MST_REGISTERING,   "RFC 5213 6.9.4 (2)"},
	{MST_ACTIVE,      MEV_EXPIRED,    NULL,        act_unverified,    MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_ACTIVE,      MEV_DETACH,     NULL,        act_deregister,    MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_ACTIVE,      MEV_MOVED,      is_bound,    act_move,          MST_REFRESHING,    "RFC 5213 6.9.1.1 (4)"},
	{MST_ACTIVE,      MEV_MOVED,      NULL,        act_lapse,         MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_ACTIVE,      MEV_SUPERSEDED, NULL,        act_superseded,    MST_GONE,          "RFC 5213 5.4.1"},
	{MST_ACTIVE,      MEV_LINK_LOCAL, is_bound,    act_upload,        MST_REFRESHING,    "RFC 5213 6.9.1.2 (15)"},
	{MST_ACTIVE,      MEV_LINK_LOCAL, NULL,        act_lapse,         MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_ACTIVE,      MEV_DP_FAILED,  NULL,        act_rollback,      MST_ROLLBACK,      "RFC 5213 6.9.1.4 (1)"},

	{MST_VERIFYING,   MEV_CONFIRMED,  is_bound,    act_refresh,       MST_REFRESHING,    "RFC 5213 6.9.1.3"},
	{MST_VERIFYING,   MEV_CONFIRMED,  NULL,        act_lapse,         MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_VERIFYING,   MEV_TIMEOUT,    NULL,        act_unverified,    MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_VERIFYING,   MEV_DETACH,     NULL,        act_deregister,    MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_VERIFYING,   MEV_MOVED,      is_bound,    act_move,          MST_REFRESHING,    "RFC 5213 6.9.1.1 (4)"},
	{MST_VERIFYING,   MEV_MOVED,      NULL,        act_lapse,         MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_VERIFYING,   MEV_SUPERSEDED, NULL,        act_superseded,    MST_GONE,          "RFC 5213 5.4.1"},
	{MST_VERIFYING,   MEV_LINK_LOCAL, is_bound,    act_upload,        MST_REFRESHING,    "RFC 5213 6.9.1.2 (15)"},
	{MST_VERIFYING,   MEV_LINK_LOCAL, NULL,        act_lapse,         MST_REGISTERING,   "RFC 5213 6.9.1.1"},

	{MST_REFRESHING,  MEV_ACCEPTED,   NULL,        act_accept,        MST_ACTIVE,        "RFC 5213 6.9.1.2 (14)"},
	{MST_REFRESHING,  MEV_AGAIN,      may_repeat,  act_reassert,      MST_REASSERTING,   "RFC 5213 6.9.1.2 (8)"},
	REJECTIONS(MST_REFRESHING),
	{MST_REFRESHING,  MEV_MISMATCH,   NULL,        act_stall,         MST_STALLED,       "RFC 5213 6.9.1.2 (6)"},
	{MST_REFRESHING,  MEV_RESEND,     is_attached, act_repeat,        FSM_SAME,          "RFC 5213 6.9.4 (2)"},
	{MST_REFRESHING,  MEV_RESEND,     NULL,        act_vanished,      MST_DEREGISTERING, "RFC 5213 6.9.4 (2)"},
	{MST_REFRESHING,  MEV_EXPIRED,    is_attached, act_expire,        MST_REGISTERING,   "RFC 5213 6.9.2 (2)"},
	{MST_REFRESHING,  MEV_EXPIRED,    NULL,        act_vanished,      MST_DEREGISTERING, "RFC 5213 6.9.4 (2)"},
	{MST_REFRESHING,  MEV_DETACH,     NULL,        act_deregister,    MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_REFRESHING,  MEV_MOVED,      is_bound,    act_move,          FSM_SAME,          "RFC 5213 6.9.1.1 (4)"},
	{MST_REFRESHING,  MEV_MOVED,      NULL,        act_lapse,         MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_REFRESHING,  MEV_SUPERSEDED, NULL,        act_superseded,    MST_GONE,          "RFC 5213 5.4.1"},
	{MST_REFRESHING,  MEV_LINK_LOCAL, is_bound,    act_upload,        FSM_SAME,          "RFC 5213 6.9.1.2 (15)"},
	{MST_REFRESHING,  MEV_LINK_LOCAL, NULL,        act_lapse,         MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_REFRESHING,  MEV_DP_FAILED,  NULL,        act_rollback,      MST_ROLLBACK,      "RFC 5213 6.9.1.4 (1)"},

	{MST_REASSERTING, MEV_CONFIRMED,  NULL,        act_refresh,       MST_REGISTERING,   "RFC 5213 6.9.1.2 (8)"},
	{MST_REASSERTING, MEV_TIMEOUT,    NULL,        act_unverified,    MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_REASSERTING, MEV_DETACH,     NULL,        act_deregister,    MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_REASSERTING, MEV_MOVED,      NULL,        act_reassert_there, MST_REGISTERING,  "RFC 5213 6.9.1.1 (4)"},
	{MST_REASSERTING, MEV_SUPERSEDED, NULL,        act_superseded,    MST_GONE,          "RFC 5213 5.4.1"},

	{MST_STALLED,     MEV_EXPIRED,    NULL,        act_stall_over,    MST_BARRED,        "RFC 5213 6.9.1.2 (6)"},
	{MST_STALLED,     MEV_ATTACH,     is_bound,    act_refresh,       MST_REFRESHING,    "RFC 5213 6.9.1.2 (6)"},
	{MST_STALLED,     MEV_ATTACH,     NULL,        act_lapse,         MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_STALLED,     MEV_DETACH,     NULL,        act_deregister,    MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_STALLED,     MEV_MOVED,      is_bound,    act_move,          MST_REFRESHING,    "RFC 5213 6.9.1.1 (4)"},
	{MST_STALLED,     MEV_MOVED,      NULL,        act_lapse,         MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_STALLED,     MEV_SUPERSEDED, NULL,        act_superseded,    MST_GONE,          "RFC 5213 5.4.1"},
	{MST_STALLED,     MEV_LINK_LOCAL, NULL,        act_advertise,     FSM_SAME,          "RFC 5213 6.9.1.2 (15)"},

	{MST_BACKOFF,     MEV_TIMEOUT,    is_attached, act_refresh,       MST_REGISTERING,   "RFC 6275 11.7.3"},
	{MST_BACKOFF,     MEV_TIMEOUT,    is_bound,    act_vanished,      MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_BACKOFF,     MEV_TIMEOUT,    NULL,        act_leave,         MST_GONE,          "RFC 5213 6.13"},
	{MST_BACKOFF,     MEV_ATTACH,     NULL,        act_register,      MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_BACKOFF,     MEV_DETACH,     is_bound,    act_deregister,    MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_BACKOFF,     MEV_DETACH,     NULL,        act_leave,         MST_GONE,          "RFC 5213 6.9.1.4"},
	{MST_BACKOFF,     MEV_MOVED,      NULL,        act_new_place,     FSM_SAME,          "RFC 5213 6.9.1.1 (4)"},
	{MST_BACKOFF,     MEV_SUPERSEDED, NULL,        act_superseded,    MST_GONE,          "RFC 5213 5.4.1"},

	ANY_ANSWER(MST_ROLLBACK,                       act_rolled_back,   MST_BACKOFF,       "RFC 5213 6.9.1.4"),
	{MST_ROLLBACK,    MEV_TIMEOUT,    NULL,        act_rolled_back,   MST_BACKOFF,       "RFC 5213 6.9.1.4"},
	{MST_ROLLBACK,    MEV_RESEND,     NULL,        act_resend,        FSM_SAME,          "RFC 6275 11.8"},
	{MST_ROLLBACK,    MEV_DETACH,     NULL,        act_park,          MST_DEREGISTERING, "RFC 5213 6.9.1.4"},
	{MST_ROLLBACK,    MEV_MOVED,      NULL,        act_new_place,     FSM_SAME,          "RFC 5213 6.9.1.1 (4)"},
	{MST_ROLLBACK,    MEV_SUPERSEDED, NULL,        act_superseded,    MST_GONE,          "RFC 5213 5.4.1"},

	{MST_REJECTED,    MEV_TIMEOUT,    is_bound,    act_deregister,    MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_REJECTED,    MEV_TIMEOUT,    NULL,        act_forget,        MST_GONE,          "RFC 5213 6.9.1.2 (11)"},
	{MST_REJECTED,    MEV_ATTACH,     NULL,        act_register,      MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_REJECTED,    MEV_DETACH,     NULL,        act_absent,        FSM_SAME,          "RFC 5213 6.9.1.2 (11)"},
	{MST_REJECTED,    MEV_MOVED,      NULL,        act_new_place,     FSM_SAME,          "RFC 5213 6.9.1.2 (11)"},
	{MST_REJECTED,    MEV_SUPERSEDED, NULL,        act_superseded,    MST_GONE,          "RFC 5213 5.4.1"},
	{MST_REJECTED,    MEV_FORGET,     NULL,        act_leave,         MST_GONE,          "RFC 5213 6.9.1.4"},

	{MST_BARRED,      MEV_TIMEOUT,    is_absent,   act_forget,        MST_GONE,          "RFC 5213 6.9.1.2 (7)"},
	IGNORED(MST_BARRED, MEV_TIMEOUT, "RFC 5213 6.9.1.2 (7)"),
	{MST_BARRED,      MEV_ATTACH,     NULL,        act_register,      MST_REGISTERING,   "RFC 5213 6.9.1.2 (7)"},
	{MST_BARRED,      MEV_DETACH,     quiet_is_over, act_leave,       MST_GONE,          "RFC 5213 6.9.1.2 (7)"},
	{MST_BARRED,      MEV_DETACH,     NULL,        act_absent,        FSM_SAME,          "RFC 5213 6.9.1.2 (7)"},
	{MST_BARRED,      MEV_MOVED,      NULL,        act_new_place,     FSM_SAME,          "RFC 5213 6.9.1.2 (7)"},
	{MST_BARRED,      MEV_SUPERSEDED, NULL,        act_superseded,    MST_GONE,          "RFC 5213 5.4.1"},
	{MST_BARRED,      MEV_FORGET,     NULL,        act_leave,         MST_GONE,          "RFC 5213 6.9.1.2 (7)"},

	{MST_DEREGISTERING, MEV_ACCEPTED, sent_lately, act_release,       MST_RELEASED,      "RFC 5213 6.9.1.4"},
	{MST_DEREGISTERING, MEV_ACCEPTED, NULL,        act_done,          MST_GONE,          "RFC 5213 6.9.1.4"},
	{MST_DEREGISTERING, MEV_TIMEOUT,  NULL,        act_unanswered,    MST_GONE,          "RFC 5213 6.9.1.4"},
	{MST_DEREGISTERING, MEV_AGAIN,    may_repeat,  act_again,         FSM_SAME,          "RFC 6275 11.7.3"},
	{MST_DEREGISTERING, MEV_LATE,     may_repeat,  act_again,         FSM_SAME,          "RFC 5213 6.9.4 (4)"},
	IGNORED(MST_DEREGISTERING, MEV_AGAIN, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_ANY_PREFIX, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_LATER, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_CLOCK, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_LATE, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_REFUSED, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_DENIED, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_MISMATCH, "RFC 5213 6.9.1.2 (6)"),
	{MST_DEREGISTERING, MEV_FORGET,   NULL,        act_forget,        MST_GONE,          "RFC 5213 6.9.1.1 (11)"},
	{MST_DEREGISTERING, MEV_RESEND,   NULL,        act_resend,        FSM_SAME,          "RFC 6275 11.8"},

	{MST_RELEASED,    MEV_TIMEOUT,    NULL,        act_forget_released, MST_GONE,        "RFC 6275 11.8"},
	{MST_RELEASED,    MEV_FORGET,     NULL,        act_forget_released, MST_GONE,        "RFC 6275 11.8"},

	/* a known node at the same place */
	IGNORED(FSM_ANY, MEV_CONFIRMED, "RFC 5213 6.9.2 (1)"),
	/* it is refreshing or has nothing to refresh */
	IGNORED(FSM_ANY, MEV_REFRESH, "RFC 6275 11.7.4"),
};
// clang-format on

static void observe(void *obj, void *arg, uint8_t from, uint8_t event, uint8_t to,
		    const struct fsm_rule *rule)
{
	const struct mag_session *s = obj;
	const struct mag_ctx *c = arg;

	if (!rule) {
		mag_count_up(c->m, MAG_C_UNEXPECTED_EVENT);
		mag_log(c->m, s, &c->m->node_limit, c->now, LOG_C_BUG, "no rule for '%s'",
			event_names[event]);
		return;
	}
	if (from == to)
		return;
	mag_log(c->m, s, NULL, c->now, LOG_C_DEBUG, "%s -> %s: %s%s%s [%s]", state_names[from],
		state_names[to], event_names[event], c->cause ? ", " : "", c->cause ? c->cause : "",
		rule->clause);
	event_emit(c->m->sink, &(struct event){.type = EV_STATE,
					       .role = "mag",
					       .now = c->now,
					       .mnid = &s->b.mnid,
					       .mac = &s->b.mac,
					       .peer = &s->b.lmaa,
					       .from = state_names[from],
					       .to = state_names[to],
					       .cause = c->cause ? c->cause : event_names[event],
					       .clause = rule->clause});
}

const struct fsm mag_fsm = {
	.name = "mag",
	.rules = rules,
	.n_rules = ARRAY_SIZE(rules),
	.states = state_names,
	.n_states = ARRAY_SIZE(state_names),
	.events = event_names,
	.n_events = ARRAY_SIZE(event_names),
	.observe = observe,
};

bool mag_step(struct mag_session *s, enum mag_event ev, struct mag_ctx *c)
{
	return fsm_step(&mag_fsm, &s->state, (uint8_t)ev, s, c) != NULL;
}

static enum mag_event timer_event(const struct mag_session *s, nsec_t now)
{
	if (s->deferred)
		return MEV_RESEND;
	switch (s->state) {
	case MST_REGISTERING:
		return MEV_RESEND;
	case MST_ACTIVE:
		return now < s->b.expires ? MEV_REFRESH : MEV_EXPIRED;
	case MST_REFRESHING:
		return now < s->b.expires ? MEV_RESEND : MEV_EXPIRED;
	case MST_STALLED:
		return MEV_EXPIRED;
	default:
		return MEV_TIMEOUT;
	}
}

void mag_timer_fired(struct deadline *d, void *ctx, nsec_t now)
{
	struct mag_session *s = container_of(d, struct mag_session, timer);
	struct mag_ctx c = {.m = ctx, .now = now};
	enum mag_event ev = timer_event(s, now);

	c.cause = ev == MEV_EXPIRED ? "binding expired" : NULL;
	mag_step(s, ev, &c);
}
