/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a session.
 *
 *	NEW -> REGISTERING -> ACTIVE -> VERIFYING -> REFRESHING -> ACTIVE ...
 *	                  any of them -> DEREGISTERING -> (RELEASED) -> gone
 *	after a restart: FINDING -> REFRESHING -> ACTIVE
 *
 * A fast handover (RFC 5949) has a node go through LEAVING at its old MAG, and at its new one begin
 * in EXPECTED, when that is told before it comes, or in FETCHING:
 *
 *	NEW -> EXPECTED -> ARRIVING -> ACTIVE	NEW -> FETCHING -> ARRIVING or REGISTERING
 *
 * Service (forwarding, advertisement) exists in FINDING, ACTIVE, VERIFYING, REFRESHING,
 * RETURNING_IPV4, STALLED and ARRIVING, forwarding alone in LEAVING, and neither in any other
 * state: a rejection ends it whatever it says (RFC 5213 6.9.1.2 item 11). A rejection that may be
 * repaired at once leads back to REGISTERING, one that needs time to BACKOFF, one that repeating
 * cannot cure to REJECTED, and one that RFC 5213 reserves for the operator to BARRED.
 */
#include "mag/mag_act.h"

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

static bool is_unproven(void *obj, void *arg)
{
	const struct mag_session *s = obj;

	return s->unproven;
}

static bool is_serving(void *obj, void *arg)
{
	const struct mag_session *s = obj;

	return s->serving;
}

static bool quiet_is_over(void *obj, void *arg)
{
	const struct mag_session *s = obj;
	const struct mag_ctx *c = arg;

	return c->now >= s->quiet_until;
}

/* ---- rules */

// clang-format off
/* What a rejection of a registration leads to, with and without service before. */
#define REJECTIONS(st)                                                                                           \
	{st, MEV_AGAIN,      NULL,            mag_act_backoff,       MST_BACKOFF,     "RFC 6275 11.8"},          \
	{st, MEV_ANY_PREFIX, asked_by_name,   mag_act_ask_any,       MST_REGISTERING, "RFC 5213 6.9.1.2 (10)"},  \
	{st, MEV_ANY_PREFIX, NULL,            mag_act_refuse,        MST_REJECTED,    "RFC 5213 6.9.1.2 (11)"},  \
	{st, MEV_ADDRESSES,  NULL,            mag_act_ask_anew,      MST_REGISTERING, "RFC 5844 3.2.3.2"},       \
	{st, MEV_GRE_KEYS,   NULL,            mag_act_ask_anew,      MST_REGISTERING, "RFC 5845 4.2"},           \
	{st, MEV_LATER,      NULL,            mag_act_backoff,       MST_BACKOFF,     "RFC 6275 11.7.3"},        \
	{st, MEV_CLOCK,      NULL,            mag_act_backoff_clock, MST_BACKOFF,     "RFC 5213 6.9.1.2 (9)"},   \
	{st, MEV_LATE,       may_repeat_here, mag_act_again,         MST_REGISTERING, "RFC 5213 6.9.4 (4)"},     \
	{st, MEV_LATE,       NULL,            mag_act_backoff,       MST_BACKOFF,     "RFC 6275 11.8"},          \
	{st, MEV_REFUSED,    NULL,            mag_act_refuse,        MST_REJECTED,    "RFC 5213 6.9.1.2 (11)"},  \
	{st, MEV_DENIED,     NULL,            mag_act_bar,           MST_BARRED,      "RFC 5213 6.9.1.2 (7)"}
/* An event that changes nothing there. */
#define IGNORED(st, ev, clause) {st, ev, NULL, NULL, FSM_SAME, clause}
#define REVOKED_BARRED(st)                                                                                         \
	{st, MEV_REVOKED, NULL, mag_act_revoked_unserved_bar, FSM_SAME, "RFC 5846 9.1"},                             \
	{st, MEV_REVOKED_BAR, NULL, mag_act_revoked_unserved_bar, FSM_SAME, "RFC 5846 9.1"},                         \
	{st, MEV_REVOKED_LEFT, NULL, mag_act_revoked_unserved_bar, FSM_SAME, "RFC 5846 9.1"},                        \
	{st, MEV_REVOKED_SYNC, NULL, mag_act_revoked_unserved_bar, FSM_SAME, "RFC 5846 9.1"}
#define REVOKED_PARKED(ev)                                                                                       \
	{MST_DEREGISTERING, ev, sent_lately, mag_act_revoked_parked, MST_RELEASED, "RFC 5846 9.1"},              \
	{MST_DEREGISTERING, ev, NULL, mag_act_revoked_done, MST_GONE, "RFC 5846 9.1"}
#define ANY_REJECTION(st, action, next, clause)                                                                  \
	{st, MEV_AGAIN, NULL, action, next, clause}, {st, MEV_ANY_PREFIX, NULL, action, next, clause},           \
	{st, MEV_ADDRESSES, NULL, action, next, clause}, {st, MEV_GRE_KEYS, NULL, action, next, clause},         \
	{st, MEV_LATER, NULL, action, next, clause}, {st, MEV_CLOCK, NULL, action, next, clause},                \
	{st, MEV_LATE, NULL, action, next, clause}, {st, MEV_REFUSED, NULL, action, next, clause},               \
	{st, MEV_DENIED, NULL, action, next, clause}

static const struct fsm_rule rules[] = {
	{MST_NEW,           MEV_ATTACH,     NULL,            mag_act_register,           MST_REGISTERING,   "RFC 5213 6.9.1.1"},

	{MST_REGISTERING,   MEV_ACCEPTED,   NULL,            mag_act_accept,             MST_ACTIVE,        "RFC 5213 6.9.1.2 (12)"},
	{MST_REGISTERING,   MEV_AGAIN,      may_repeat_soon, mag_act_again,              MST_REGISTERING,   "RFC 5213 6.9.1.2 (8)"},
	{MST_REGISTERING,   MEV_AGAIN,      may_repeat,      mag_act_reassert,           MST_REASSERTING,   "RFC 5213 6.9.1.2 (8)"},
	REJECTIONS(MST_REGISTERING),
	{MST_REGISTERING,   MEV_MISMATCH,   NULL,            mag_act_bar,                MST_BARRED,        "RFC 5213 6.9.1.2 (6)"},
	{MST_REGISTERING,   MEV_RESEND,     is_attached,     mag_act_repeat,             FSM_SAME,          "RFC 5213 6.9.4 (2)"},
	{MST_REGISTERING,   MEV_RESEND,     NULL,            mag_act_vanished,           MST_DEREGISTERING, "RFC 5213 6.9.4 (2)"},
	{MST_REGISTERING,   MEV_DETACH,     was_never_asked, mag_act_unasked,            MST_RELEASED,      "RFC 6275 11.8"},
	{MST_REGISTERING,   MEV_DETACH,     NULL,            mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_REGISTERING,   MEV_MOVED,      NULL,            mag_act_move_unserved,      FSM_SAME,          "RFC 5213 6.9.1.1 (4)"},
	{MST_REGISTERING,   MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},

	{MST_ACTIVE,        MEV_HAND_OVER,  NULL,            mag_act_hand_over,          MST_LEAVING,       "RFC 5949 4.1 (f)"},
	{MST_ACTIVE,        MEV_DETACH,     mag_fho_holds,   mag_act_hold,               MST_LEAVING,       "RFC 5949 4.1"},
	{MST_VERIFYING,     MEV_HAND_OVER,  NULL,            mag_act_hand_over,          MST_LEAVING,       "RFC 5949 4.1 (f)"},
	{MST_VERIFYING,     MEV_DETACH,     mag_fho_holds,   mag_act_hold,               MST_LEAVING,       "RFC 5949 4.1"},
	{MST_REFRESHING,    MEV_HAND_OVER,  NULL,            mag_act_hand_over,          MST_LEAVING,       "RFC 5949 4.1 (f)"},
	{MST_REFRESHING,    MEV_DETACH,     mag_fho_holds,   mag_act_hold,               MST_LEAVING,       "RFC 5949 4.1"},
	{MST_RETURNING4,    MEV_HAND_OVER,  NULL,            mag_act_hand_over,          MST_LEAVING,       "RFC 5949 4.1 (f)"},
	{MST_RETURNING4,    MEV_DETACH,     mag_fho_holds,   mag_act_hold,               MST_LEAVING,       "RFC 5949 4.1"},
	{MST_STALLED,       MEV_HAND_OVER,  NULL,            mag_act_hand_over,          MST_LEAVING,       "RFC 5949 4.1 (f)"},
	{MST_STALLED,       MEV_DETACH,     mag_fho_holds,   mag_act_hold,               MST_LEAVING,       "RFC 5949 4.1"},
	{MST_FINDING,       MEV_HAND_OVER,  NULL,            mag_act_hand_over,          MST_LEAVING,       "RFC 5949 4.1 (f)"},
	{MST_FINDING,       MEV_DETACH,     mag_fho_holds,   mag_act_hold,               MST_LEAVING,       "RFC 5949 4.1"},

	{MST_FINDING,       MEV_CONFIRMED,  is_bound,        mag_act_found,              MST_REFRESHING,    "RFC 5213 6.9.1.3"},
	{MST_FINDING,       MEV_CONFIRMED,  NULL,            mag_act_found_lapsed,       MST_REFRESHING,    "RFC 5213 6.9.1.1 (3)"},
	{MST_FINDING,       MEV_ATTACH,     is_bound,        mag_act_found,              MST_REFRESHING,    "RFC 5213 6.9.1.1"},
	{MST_FINDING,       MEV_ATTACH,     NULL,            mag_act_found_lapsed,       MST_REFRESHING,    "RFC 5213 6.9.1.1 (3)"},
	{MST_FINDING,       MEV_EXPIRED,    NULL,            mag_act_lapse_unfound,      FSM_SAME,          "RFC 5213 6.9.2 (2)"},
	{MST_FINDING,       MEV_TIMEOUT,    NULL,            mag_act_not_found,          MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_FINDING,       MEV_DETACH,     NULL,            mag_act_not_found,          MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_FINDING,       MEV_MOVED,      is_bound,        mag_act_move,               MST_REFRESHING,    "RFC 5213 6.9.1.1 (4)"},
	{MST_FINDING,       MEV_MOVED,      NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_FINDING,       MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},
	{MST_FINDING,       MEV_LINK_LOCAL, is_bound,        mag_act_upload,             MST_REFRESHING,    "RFC 5213 6.9.1.2 (15)"},
	{MST_FINDING,       MEV_LINK_LOCAL, NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_FINDING,       MEV_RETURN4,    is_bound,        mag_act_return4,            MST_RETURNING4,    "RFC 5844 3.2.3.3"},
	{MST_FINDING,       MEV_RETURN4,    NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_FINDING,       MEV_DP_FAILED,  NULL,            mag_act_rollback,           MST_ROLLBACK,      "RFC 5213 6.9.1.4 (1)"},

	{MST_ACTIVE,        MEV_ATTACH,     is_bound,        mag_act_refresh,            MST_REFRESHING,    "RFC 5213 6.9.1.1"},
	{MST_ACTIVE,        MEV_ATTACH,     NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_ACTIVE,        MEV_REFRESH,    NULL,            mag_act_verify,             MST_VERIFYING,     "RFC 5213 6.13"},
	{MST_ACTIVE,        MEV_EXPIRED,    is_attached,     mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.4 (2)"},
	{MST_ACTIVE,        MEV_EXPIRED,    NULL,            mag_act_unverified,         MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_ACTIVE,        MEV_DETACH,     NULL,            mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_ACTIVE,        MEV_MOVED,      is_bound,        mag_act_move,               MST_REFRESHING,    "RFC 5213 6.9.1.1 (4)"},
	{MST_ACTIVE,        MEV_MOVED,      NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_ACTIVE,        MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},
	{MST_ACTIVE,        MEV_LINK_LOCAL, is_bound,        mag_act_upload,             MST_REFRESHING,    "RFC 5213 6.9.1.2 (15)"},
	{MST_ACTIVE,        MEV_LINK_LOCAL, NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_ACTIVE,        MEV_WANTS4,     is_bound,        mag_act_refresh,            MST_REFRESHING,    "RFC 5844 3.4.3"},
	{MST_ACTIVE,        MEV_WANTS4,     NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5844 3.4.3"},
	{MST_ACTIVE,        MEV_RETURN4,    is_bound,        mag_act_return4,            MST_RETURNING4,    "RFC 5844 3.2.3.3"},
	{MST_ACTIVE,        MEV_RETURN4,    NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_ACTIVE,        MEV_DP_FAILED,  NULL,            mag_act_rollback,           MST_ROLLBACK,      "RFC 5213 6.9.1.4 (1)"},

	{MST_VERIFYING,     MEV_CONFIRMED,  is_bound,        mag_act_refresh,            MST_REFRESHING,    "RFC 5213 6.9.1.3"},
	{MST_VERIFYING,     MEV_CONFIRMED,  NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_VERIFYING,     MEV_TIMEOUT,    NULL,            mag_act_unverified,         MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_VERIFYING,     MEV_DETACH,     NULL,            mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_VERIFYING,     MEV_MOVED,      is_bound,        mag_act_move,               MST_REFRESHING,    "RFC 5213 6.9.1.1 (4)"},
	{MST_VERIFYING,     MEV_MOVED,      NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_VERIFYING,     MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},
	{MST_VERIFYING,     MEV_LINK_LOCAL, is_bound,        mag_act_upload,             MST_REFRESHING,    "RFC 5213 6.9.1.2 (15)"},
	{MST_VERIFYING,     MEV_LINK_LOCAL, NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_VERIFYING,     MEV_RETURN4,    is_bound,        mag_act_return4,            MST_RETURNING4,    "RFC 5844 3.2.3.3"},
	{MST_VERIFYING,     MEV_RETURN4,    NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_VERIFYING,     MEV_DP_FAILED,  NULL,            mag_act_rollback,           MST_ROLLBACK,      "RFC 5213 6.9.1.4 (1)"},

	{MST_REFRESHING,    MEV_ACCEPTED,   NULL,            mag_act_accept,             MST_ACTIVE,        "RFC 5213 6.9.1.2 (14)"},
	{MST_REFRESHING,    MEV_AGAIN,      may_repeat,      mag_act_reassert,           MST_REASSERTING,   "RFC 5213 6.9.1.2 (8)"},
	REJECTIONS(MST_REFRESHING),
	{MST_REFRESHING,    MEV_MISMATCH,   NULL,            mag_act_stall,              MST_STALLED,       "RFC 5213 6.9.1.2 (6)"},
	{MST_REFRESHING,    MEV_RESEND,     is_attached,     mag_act_repeat,             FSM_SAME,          "RFC 5213 6.9.4 (2)"},
	{MST_REFRESHING,    MEV_RESEND,     NULL,            mag_act_vanished,           MST_DEREGISTERING, "RFC 5213 6.9.4 (2)"},
	{MST_REFRESHING,    MEV_EXPIRED,    is_attached,     mag_act_expire,             MST_REGISTERING,   "RFC 5213 6.9.2 (2)"},
	{MST_REFRESHING,    MEV_EXPIRED,    NULL,            mag_act_vanished,           MST_DEREGISTERING, "RFC 5213 6.9.4 (2)"},
	{MST_REFRESHING,    MEV_DETACH,     NULL,            mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_REFRESHING,    MEV_MOVED,      is_bound,        mag_act_move,               FSM_SAME,          "RFC 5213 6.9.1.1 (4)"},
	{MST_REFRESHING,    MEV_MOVED,      NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_REFRESHING,    MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},
	{MST_REFRESHING,    MEV_LINK_LOCAL, is_bound,        mag_act_upload,             FSM_SAME,          "RFC 5213 6.9.1.2 (15)"},
	{MST_REFRESHING,    MEV_LINK_LOCAL, NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_REFRESHING,    MEV_RETURN4,    is_bound,        mag_act_return4,            MST_RETURNING4,    "RFC 5844 3.2.3.3"},
	{MST_REFRESHING,    MEV_RETURN4,    NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_REFRESHING,    MEV_DP_FAILED,  NULL,            mag_act_rollback,           MST_ROLLBACK,      "RFC 5213 6.9.1.4 (1)"},

	{MST_RETURNING4,    MEV_ACCEPTED,   NULL,            mag_act_returned4,          MST_ACTIVE,        "RFC 5844 3.2.3.3"},
	{MST_RETURNING4,    MEV_TIMEOUT,    NULL,            mag_act_return4_unanswered, MST_ACTIVE,        "RFC 5213 6.9.1.4"},
	ANY_REJECTION(MST_RETURNING4, mag_act_return4_rejected, MST_ACTIVE, "RFC 5844 3.2.3.3"),
	{MST_RETURNING4,    MEV_MISMATCH,   NULL,            mag_act_stall,              MST_STALLED,       "RFC 5213 6.9.1.2 (6)"},
	{MST_RETURNING4,    MEV_RESEND,     NULL,            mag_act_resend,             FSM_SAME,          "RFC 6275 11.8"},
	{MST_RETURNING4,    MEV_EXPIRED,    is_attached,     mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.4 (2)"},
	{MST_RETURNING4,    MEV_EXPIRED,    NULL,            mag_act_unverified,         MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_RETURNING4,    MEV_DETACH,     NULL,            mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_RETURNING4,    MEV_MOVED,      is_bound,        mag_act_move,               MST_REFRESHING,    "RFC 5213 6.9.1.1 (4)"},
	{MST_RETURNING4,    MEV_MOVED,      NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_RETURNING4,    MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},
	{MST_RETURNING4,    MEV_LINK_LOCAL, is_bound,        mag_act_upload,             MST_REFRESHING,    "RFC 5213 6.9.1.2 (15)"},
	{MST_RETURNING4,    MEV_LINK_LOCAL, NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_RETURNING4,    MEV_DP_FAILED,  NULL,            mag_act_rollback,           MST_ROLLBACK,      "RFC 5213 6.9.1.4 (1)"},

	{MST_REASSERTING,   MEV_CONFIRMED,  NULL,            mag_act_refresh,            MST_REGISTERING,   "RFC 5213 6.9.1.2 (8)"},
	{MST_REASSERTING,   MEV_TIMEOUT,    was_never_asked, mag_act_unasked,            MST_RELEASED,      "RFC 5846 9.1"},
	{MST_REASSERTING,   MEV_TIMEOUT,    NULL,            mag_act_unverified,         MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_REASSERTING,   MEV_DETACH,     was_never_asked, mag_act_unasked,            MST_RELEASED,      "RFC 5846 9.1"},
	{MST_REASSERTING,   MEV_DETACH,     NULL,            mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_REASSERTING,   MEV_MOVED,      NULL,            mag_act_reassert_there,     MST_REGISTERING,   "RFC 5213 6.9.1.1 (4)"},
	{MST_REASSERTING,   MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},

	{MST_STALLED,       MEV_EXPIRED,    NULL,            mag_act_stall_over,         MST_BARRED,        "RFC 5213 6.9.1.2 (6)"},
	{MST_STALLED,       MEV_ATTACH,     is_bound,        mag_act_refresh,            MST_REFRESHING,    "RFC 5213 6.9.1.2 (6)"},
	{MST_STALLED,       MEV_ATTACH,     NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_STALLED,       MEV_DETACH,     NULL,            mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_STALLED,       MEV_MOVED,      is_bound,        mag_act_move,               MST_REFRESHING,    "RFC 5213 6.9.1.1 (4)"},
	{MST_STALLED,       MEV_MOVED,      NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_STALLED,       MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},
	{MST_STALLED,       MEV_LINK_LOCAL, NULL,            mag_act_advertise,          FSM_SAME,          "RFC 5213 6.9.1.2 (15)"},
	{MST_STALLED,       MEV_RETURN4,    NULL,            mag_act_return4_quietly,    FSM_SAME,          "RFC 5213 6.9.1.2 (6)"},
	{MST_STALLED,       MEV_DP_FAILED,  NULL,            mag_act_bar,                MST_BARRED,        "RFC 5213 6.9.1.2 (6)"},

	{MST_BACKOFF,       MEV_TIMEOUT,    is_attached,     mag_act_refresh,            MST_REGISTERING,   "RFC 6275 11.7.3"},
	{MST_BACKOFF,       MEV_TIMEOUT,    is_bound,        mag_act_vanished,           MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_BACKOFF,       MEV_TIMEOUT,    NULL,            mag_act_leave,              MST_GONE,          "RFC 5213 6.13"},
	{MST_BACKOFF,       MEV_ATTACH,     NULL,            mag_act_register,           MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_BACKOFF,       MEV_DETACH,     is_bound,        mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_BACKOFF,       MEV_DETACH,     NULL,            mag_act_leave,              MST_GONE,          "RFC 5213 6.9.1.4"},
	{MST_BACKOFF,       MEV_MOVED,      NULL,            mag_act_new_place,          FSM_SAME,          "RFC 5213 6.9.1.1 (4)"},
	{MST_BACKOFF,       MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},

	ANY_REJECTION(MST_ROLLBACK, mag_act_rolled_back, MST_BACKOFF, "RFC 5213 6.9.1.4"),
	{MST_ROLLBACK,      MEV_ACCEPTED,   NULL,            mag_act_rolled_back,        MST_BACKOFF,       "RFC 5213 6.9.1.4"},
	{MST_ROLLBACK,      MEV_MISMATCH,   NULL,            mag_act_rolled_back,        MST_BACKOFF,       "RFC 5213 6.9.1.4"},
	{MST_ROLLBACK,      MEV_TIMEOUT,    NULL,            mag_act_rolled_back,        MST_BACKOFF,       "RFC 5213 6.9.1.4"},
	{MST_ROLLBACK,      MEV_RESEND,     NULL,            mag_act_resend,             FSM_SAME,          "RFC 6275 11.8"},
	{MST_ROLLBACK,      MEV_DETACH,     NULL,            mag_act_park,               MST_DEREGISTERING, "RFC 5213 6.9.1.4"},
	{MST_ROLLBACK,      MEV_MOVED,      NULL,            mag_act_new_place,          FSM_SAME,          "RFC 5213 6.9.1.1 (4)"},
	{MST_ROLLBACK,      MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},

	{MST_REJECTED,      MEV_TIMEOUT,    is_bound,        mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_REJECTED,      MEV_TIMEOUT,    NULL,            mag_act_forget,             MST_GONE,          "RFC 5213 6.9.1.2 (11)"},
	{MST_REJECTED,      MEV_ATTACH,     NULL,            mag_act_register,           MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_REJECTED,      MEV_DETACH,     NULL,            mag_act_absent,             FSM_SAME,          "RFC 5213 6.9.1.2 (11)"},
	{MST_REJECTED,      MEV_MOVED,      NULL,            mag_act_new_place,          FSM_SAME,          "RFC 5213 6.9.1.2 (11)"},
	{MST_REJECTED,      MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},
	{MST_REJECTED,      MEV_FORGET,     NULL,            mag_act_leave,              MST_GONE,          "RFC 5213 6.9.1.4"},

	{MST_BARRED,        MEV_TIMEOUT,    is_absent,       mag_act_forget,             MST_GONE,          "RFC 5213 6.9.1.2 (7)"},
	IGNORED(MST_BARRED, MEV_TIMEOUT, "RFC 5213 6.9.1.2 (7)"),
	{MST_BARRED,        MEV_ATTACH,     NULL,            mag_act_register,           MST_REGISTERING,   "RFC 5213 6.9.1.2 (7)"},
	{MST_BARRED,        MEV_DETACH,     quiet_is_over,   mag_act_leave,              MST_GONE,          "RFC 5213 6.9.1.2 (7)"},
	{MST_BARRED,        MEV_DETACH,     NULL,            mag_act_absent,             FSM_SAME,          "RFC 5213 6.9.1.2 (7)"},
	{MST_BARRED,        MEV_MOVED,      NULL,            mag_act_barred_elsewhere,   FSM_SAME,          "RFC 5213 6.9.1.2 (7)"},
	{MST_BARRED,        MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},
	{MST_BARRED,        MEV_FORGET,     NULL,            mag_act_leave,              MST_GONE,          "RFC 5213 6.9.1.2 (7)"},

	{MST_NEW,           MEV_EXPECT,     NULL,            NULL,                       MST_EXPECTED,      "RFC 5949 4.1 (d)"},
	{MST_NEW,           MEV_FETCH,      NULL,            mag_act_fetch,              MST_FETCHING,      "RFC 5949 4.1"},
	{MST_NEW,           MEV_DETACH,     NULL,            mag_act_deregister_apart,   MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},

	{MST_EXPECTED,      MEV_MOVED,      NULL,            mag_act_arrive,             MST_ARRIVING,      "RFC 5949 4.1 (h)"},
	{MST_EXPECTED,      MEV_HANDED_OVER, was_never_asked, mag_act_unexpected,         MST_GONE,          "RFC 5949 4.2"},
	{MST_EXPECTED,      MEV_HANDED_OVER, NULL,            mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_EXPECTED,      MEV_DETACH,     was_never_asked, mag_act_unexpected,         MST_GONE,          "RFC 5949 4.2"},
	{MST_EXPECTED,      MEV_DETACH,     NULL,            mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_EXPECTED,      MEV_SUPERSEDED, NULL,            mag_act_unexpected,         MST_GONE,          "RFC 5949 4.2"},
	{MST_EXPECTED,      MEV_FORGET,     NULL,            mag_act_unexpected,         MST_GONE,          "RFC 5949 4.2"},

	{MST_FETCHING,      MEV_CONTEXT,    NULL,            mag_act_context,            MST_ARRIVING,      "RFC 5949 4.1"},
	{MST_FETCHING,      MEV_NO_CONTEXT, NULL,            mag_act_refresh,            MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_FETCHING,      MEV_TIMEOUT,    NULL,            mag_act_refresh,            MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_FETCHING,      MEV_MOVED,      NULL,            mag_act_new_place,          FSM_SAME,          "RFC 5213 6.9.1.1 (4)"},
	{MST_FETCHING,      MEV_DETACH,     NULL,            mag_act_leave,              MST_GONE,          "RFC 5213 6.9.1.4"},
	{MST_FETCHING,      MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},
	{MST_REGISTERING,   MEV_CONTEXT,    NULL,            mag_act_context,            MST_ARRIVING,      "RFC 5949 4.1"},
	IGNORED(MST_REGISTERING, MEV_NO_CONTEXT, "RFC 5949 4.1"),

	{MST_ARRIVING,      MEV_ACCEPTED,   NULL,            mag_act_accept,             MST_ACTIVE,        "RFC 5949 4.1 (l)"},
	{MST_ARRIVING,      MEV_AGAIN,      may_repeat_soon, mag_act_again_served,       FSM_SAME,          "RFC 5213 6.9.1.2 (8)"},
	{MST_ARRIVING,      MEV_AGAIN,      may_repeat,      mag_act_prove,              FSM_SAME,          "RFC 5213 6.9.1.2 (8)"},
	{MST_ARRIVING,      MEV_CONFIRMED,  is_unproven,     mag_act_refresh,            FSM_SAME,          "RFC 5213 6.9.1.2 (8)"},
	{MST_ARRIVING,      MEV_LATE,       may_repeat_here, mag_act_again_served,       FSM_SAME,          "RFC 5213 6.9.4 (4)"},
	REJECTIONS(MST_ARRIVING),
	{MST_ARRIVING,      MEV_MISMATCH,   NULL,            mag_act_bar,                MST_BARRED,        "RFC 5213 6.9.1.2 (6)"},
	{MST_ARRIVING,      MEV_RESEND,     is_unproven,     mag_act_unverified,         MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_ARRIVING,      MEV_RESEND,     is_attached,     mag_act_repeat,             FSM_SAME,          "RFC 5213 6.9.4 (2)"},
	{MST_ARRIVING,      MEV_RESEND,     NULL,            mag_act_vanished,           MST_DEREGISTERING, "RFC 5213 6.9.4 (2)"},
	{MST_ARRIVING,      MEV_EXPIRED,    is_unproven,     mag_act_unverified,         MST_DEREGISTERING, "RFC 5213 6.13"},
	{MST_ARRIVING,      MEV_EXPIRED,    NULL,            mag_act_expire,             MST_REGISTERING,   "RFC 5949 5.2"},
	{MST_ARRIVING,      MEV_DETACH,     NULL,            mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_ARRIVING,      MEV_MOVED,      NULL,            mag_act_arrive_elsewhere,   FSM_SAME,          "RFC 5213 6.9.1.1 (4)"},
	{MST_ARRIVING,      MEV_NO_CONTEXT, NULL,            mag_act_refresh,            MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_ARRIVING,      MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},
	{MST_ARRIVING,      MEV_LINK_LOCAL, NULL,            mag_act_upload,             FSM_SAME,          "RFC 5213 6.9.1.2 (15)"},
	{MST_ARRIVING,      MEV_RETURN4,    NULL,            mag_act_return4_quietly,    FSM_SAME,          "RFC 5844 3.4.3"},
	{MST_ARRIVING,      MEV_DP_FAILED,  NULL,            mag_act_rollback,           MST_ROLLBACK,      "RFC 5213 6.9.1.4 (1)"},
	IGNORED(MST_ARRIVING, MEV_HANDED_OVER, "RFC 5949 4.1"),
	IGNORED(MST_ARRIVING, MEV_CONTEXT, "RFC 5949 4.1"),

	{MST_LEAVING,       MEV_HAND_OVER,  NULL,            mag_act_hand_over,          FSM_SAME,          "RFC 5949 4.1 (f)"},
	{MST_LEAVING,       MEV_DETACH,     NULL,            mag_act_left_link,          FSM_SAME,          "RFC 5949 4.1"},
	{MST_LEAVING,       MEV_RETURNED,   is_bound,        mag_act_returned,           MST_REFRESHING,    "RFC 5213 6.9.1.1"},
	{MST_LEAVING,       MEV_RETURNED,   NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_LEAVING,       MEV_MOVED,      is_bound,        mag_act_returned,           MST_REFRESHING,    "RFC 5213 6.9.1.1 (4)"},
	{MST_LEAVING,       MEV_MOVED,      NULL,            mag_act_lapse,              MST_REGISTERING,   "RFC 5213 6.9.1.1"},
	{MST_LEAVING,       MEV_HANDED_OVER, was_never_asked, mag_act_left,               MST_RELEASED,      "RFC 5846 9.1"},
	{MST_LEAVING,       MEV_HANDED_OVER, is_absent,       mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_LEAVING,       MEV_HANDED_OVER, NULL,            mag_act_stays,              MST_VERIFYING,     "RFC 5213 6.13"},
	{MST_LEAVING,       MEV_DP_FAILED,  was_never_asked, mag_act_left,               MST_RELEASED,      "RFC 5846 9.1"},
	{MST_LEAVING,       MEV_DP_FAILED,  NULL,            mag_act_deregister,         MST_DEREGISTERING, "RFC 5213 6.9.1.4 (1)"},
	{MST_LEAVING,       MEV_SUPERSEDED, NULL,            mag_act_superseded,         MST_GONE,          "RFC 5213 5.4.1"},
	{MST_LEAVING,       MEV_FORGET,     NULL,            mag_act_forget,             MST_GONE,          "RFC 5949 4.1"},
	IGNORED(MST_LEAVING, MEV_RETURN4, "RFC 5949 4.1"),
	IGNORED(MST_LEAVING, MEV_LINK_LOCAL, "RFC 5949 4.1"),

	{MST_DEREGISTERING, MEV_ACCEPTED,   sent_lately,     mag_act_release,            MST_RELEASED,      "RFC 5213 6.9.1.4"},
	{MST_DEREGISTERING, MEV_ACCEPTED,   NULL,            mag_act_done,               MST_GONE,          "RFC 5213 6.9.1.4"},
	{MST_DEREGISTERING, MEV_TIMEOUT,    NULL,            mag_act_unanswered,         MST_GONE,          "RFC 5213 6.9.1.4"},
	{MST_DEREGISTERING, MEV_AGAIN,      may_repeat,      mag_act_again,              FSM_SAME,          "RFC 6275 11.7.3"},
	{MST_DEREGISTERING, MEV_LATE,       may_repeat,      mag_act_again,              FSM_SAME,          "RFC 5213 6.9.4 (4)"},
	IGNORED(MST_DEREGISTERING, MEV_AGAIN, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_ANY_PREFIX, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_ADDRESSES, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_GRE_KEYS, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_LATER, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_CLOCK, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_LATE, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_REFUSED, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_DENIED, "RFC 5213 6.9.1.4"),
	IGNORED(MST_DEREGISTERING, MEV_MISMATCH, "RFC 5213 6.9.1.2 (6)"),
	{MST_DEREGISTERING, MEV_FORGET,     NULL,            mag_act_forget,             MST_GONE,          "RFC 5213 6.9.1.1 (11)"},
	{MST_DEREGISTERING, MEV_RESEND,     NULL,            mag_act_resend,             FSM_SAME,          "RFC 6275 11.8"},

	{MST_RELEASED,      MEV_TIMEOUT,    NULL,            mag_act_forget_released,    MST_GONE,          "RFC 6275 11.8"},
	{MST_RELEASED,      MEV_FORGET,     NULL,            mag_act_forget_released,    MST_GONE,          "RFC 6275 11.8"},

	/* revocation: what has no service waits on as before; de-registration is over */
	{MST_REJECTED,      MEV_REVOKED,      NULL,        mag_act_revoked_unserved,  FSM_SAME,        "RFC 5846 9.1"},
	{MST_REJECTED,      MEV_REVOKED_BAR,  NULL,        mag_act_revoked_unserved_bar, MST_BARRED,      "RFC 5846 9.1"},
	{MST_REJECTED,      MEV_REVOKED_LEFT, NULL,        mag_act_revoked_unserved,  FSM_SAME,        "RFC 5846 9.1"},
	{MST_REJECTED,      MEV_REVOKED_SYNC, NULL,        mag_act_revoked_unserved,  FSM_SAME,        "RFC 5846 9.1"},
	REVOKED_BARRED(MST_BARRED),
	REVOKED_PARKED(MEV_REVOKED),
	REVOKED_PARKED(MEV_REVOKED_BAR),
	REVOKED_PARKED(MEV_REVOKED_LEFT),
	REVOKED_PARKED(MEV_REVOKED_SYNC),
	{MST_LEAVING,       MEV_REVOKED_LEFT, NULL,        mag_act_revoked_leaving,   FSM_SAME,        "RFC 5949 4.1"},
	/* it could not be served, and still cannot */
	{MST_ROLLBACK,      MEV_REVOKED_SYNC, NULL,        mag_act_revoked_backoff,   MST_BACKOFF,     "RFC 5846 9.1"},
	{FSM_ANY,           MEV_REVOKED,      NULL,        mag_act_revoked,           MST_REJECTED,    "RFC 5846 9.1"},
	{FSM_ANY,           MEV_REVOKED_BAR,  NULL,        mag_act_revoked_bar,       MST_BARRED,      "RFC 5846 9.1"},
	{FSM_ANY,           MEV_REVOKED_LEFT, NULL,        mag_act_revoked_left,      MST_RELEASED,    "RFC 5846 9.1"},
	{FSM_ANY,           MEV_REVOKED_SYNC, NULL,        mag_act_revoked_sync,      MST_REASSERTING, "RFC 5846 9.1"},
	{MST_RETURNING4,    MEV_REVOKED4,     NULL,        mag_act_revoked4_returned, MST_ACTIVE,      "RFC 5846 9.1"},
	{FSM_ANY,           MEV_REVOKED4,     is_serving,  mag_act_revoked4,          FSM_SAME,        "RFC 5846 9.1"},
	{FSM_ANY,           MEV_REVOKED4,     NULL,        mag_act_revoked4_unserved, FSM_SAME,        "RFC 5846 9.1"},

	/* a known node at the same place */
	IGNORED(FSM_ANY, MEV_CONFIRMED, "RFC 5213 6.9.2 (1)"),
	/* it is refreshing or has nothing to refresh */
	IGNORED(FSM_ANY, MEV_REFRESH, "RFC 6275 11.7.4"),
	/* an acceptance that just failed or was found to be over */
	IGNORED(FSM_ANY, MEV_WANTS4, "RFC 5844 3.4.3"),
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
	/* a request that waits for the pace does not prolong it */
	if (s->serving && s->state != MST_VERIFYING && now >= s->b.expires)
		return MEV_EXPIRED;
	if (s->deferred)
		return MEV_RESEND;
	switch (s->state) {
	case MST_REGISTERING:
	case MST_REFRESHING:
	case MST_ARRIVING:
		return MEV_RESEND;
	case MST_ACTIVE:
		return MEV_REFRESH;
	default:
		return MEV_TIMEOUT;
	}
}

void mag_timer_fired(struct deadline *d, void *ctx, nsec_t now)
{
	struct mag_session *s = container_of(d, struct mag_session, timer);
	struct mag_ctx c = {.m = ctx, .now = now};
	enum mag_event ev = timer_event(s, now);

	if (s->end_link) {
		mag_end_now(ctx, s, now);
		return;
	}
	c.cause = ev == MEV_EXPIRED ? "binding expired" : NULL;
	mag_step(s, ev, &c);
}
