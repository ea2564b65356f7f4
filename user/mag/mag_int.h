/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the MAG, shared by the files of this folder and nobody else.
 *
 *	mag.c        instance, configuration, what is shown
 *	mag_attach.c triggers: identity, policy, where a node is (RFC 5213 6.6, 6.9.1.1, 6.13)
 *	mag_fsm.c    the session's rule table, its actions and its timer
 *	mag_pbu.c    Proxy Binding Updates: contents, pace, retransmission (6.9.1.5, 6.9.4)
 *	mag_accept.c what an accepting answer changes (6.9.1.2 items 12 to 15)
 *	mag_pba.c    what LMAs send: matching, echo check, status table (6.9.1.2)
 *	mag_serve.c  the service a registration buys: tunnel, data plane, advertisements (6.10, 6.9.2)
 *
 * One struct mag_session is one Binding Update List entry with the machinery around it. It is
 * created by an attachment and freed by the rule table's actions only; mag_step() may free it.
 */
#pragma once

#include <string.h>

#include "base/deadline.h"
#include "base/log.h"
#include "base/util.h"
#include "core/bul.h"
#include "core/fsm.h"
#include "mag/mag.h"

/* ---- counters */

// clang-format off
/* (Status, SYMBOL, "counter", event, "clause"): what the MAG makes of an answer. */
#define MAG_STATUS_ROWS(X)                                                                             \
	X(0, ACCEPTED, "pba_0_accepted", MEV_ACCEPTED, "RFC 5213 6.9.1.2 (12)")                            \
	X(1, ACCEPTED_DISCOVERY, "pba_1_accepted_prefix_discovery", MEV_ACCEPTED, "RFC 6275 11.7.3")       \
	X(128, UNSPECIFIED, "pba_128_reason_unspecified", MEV_LATER, "RFC 6275 11.7.3")                    \
	X(129, PROHIBITED, "pba_129_administratively_prohibited", MEV_DENIED, "RFC 6275 6.1.8")            \
	X(130, RESOURCES, "pba_130_insufficient_resources", MEV_LATER, "RFC 6275 11.7.3")                  \
	X(131, NO_HOME_REG, "pba_131_home_reg_not_supported", MEV_REFUSED, "RFC 6275 11.7.3")              \
	X(132, NOT_HOME_SUBNET, "pba_132_not_home_subnet", MEV_REFUSED, "RFC 6275 11.7.3")                 \
	X(133, NOT_HOME_AGENT, "pba_133_not_home_agent", MEV_REFUSED, "RFC 6275 11.7.3")                   \
	X(134, DAD_FAILED, "pba_134_dad_failed", MEV_REFUSED, "RFC 6275 11.7.3")                           \
	X(135, SEQUENCE, "pba_135_sequence_out_of_window", MEV_AGAIN, "RFC 6275 11.7.3")                   \
	X(151, SERVICE, "pba_151_service_authorization_failed", MEV_REFUSED, "RFC 6275 11.7.3")            \
	X(152, NOT_ENABLED, "pba_152_proxy_reg_not_enabled", MEV_DENIED, "RFC 5213 6.9.1.2 (7)")           \
	X(153, NOT_LMA, "pba_153_not_lma_for_this_mn", MEV_REFUSED, "RFC 5213 8.9")                        \
	X(154, NOT_AUTHORIZED, "pba_154_mag_not_authorized", MEV_REFUSED, "RFC 5213 8.9")                  \
	X(155, HNP_DENIED, "pba_155_not_authorized_for_hnp", MEV_ANY_PREFIX, "RFC 5213 6.9.1.2 (10)")      \
	X(156, TS_MISMATCH, "pba_156_timestamp_mismatch", MEV_CLOCK, "RFC 5213 6.9.1.2 (9)")               \
	X(157, TS_LOWER, "pba_157_timestamp_lower", MEV_AGAIN, "RFC 5213 6.9.1.2 (8)")                     \
	X(158, MISSING_HNP, "pba_158_missing_hnp", MEV_REFUSED, "RFC 5213 8.9")                            \
	X(159, PREFIX_SET, "pba_159_prefix_set_mismatch", MEV_ANY_PREFIX, "RFC 5213 8.9")                  \
	X(160, MISSING_MN_ID, "pba_160_missing_mn_id", MEV_REFUSED, "RFC 5213 8.9")                        \
	X(161, MISSING_HI, "pba_161_missing_handoff_indicator", MEV_REFUSED, "RFC 5213 8.9")               \
	X(162, MISSING_ATT, "pba_162_missing_access_tech_type", MEV_REFUSED, "RFC 5213 8.9")

#define MAG_COUNTERS(X)                                                                                \
	X(MAG_C_ATTACH, "attach", "new nodes")                                                             \
	X(MAG_C_ATTACH_MOVED, "attach_moved", "nodes that moved between our own access links")             \
	X(MAG_C_ATTACH_INVALID, "attach_invalid", "triggers without a usable place or identifier")         \
	X(MAG_C_ATTACH_NO_IDENTITY, "attach_no_identity", "nodes refused: no profile and no realm")        \
	X(MAG_C_ATTACH_NOT_ENTITLED, "attach_not_entitled", "nodes refused: profile not enabled")          \
	X(MAG_C_ATTACH_NO_LMA, "attach_no_lma", "nodes refused: the profile's LMA is not configured")      \
	X(MAG_C_ATTACH_FULL, "attach_full", "nodes refused: max-bindings reached or out of memory")        \
	X(MAG_C_ATTACH_QUIET, "attach_quiet", "triggers of nodes whose registration was rejected")         \
	X(MAG_C_DETACH, "detach", "nodes that left or were removed")                                       \
	X(MAG_C_PBU_SENT, "pbu_sent", "Proxy Binding Updates sent, retransmissions included")              \
	X(MAG_C_PBU_REGISTER, "pbu_register", "first or renewed registrations started")                    \
	X(MAG_C_PBU_REFRESH, "pbu_refresh", "re-registrations started")                                    \
	X(MAG_C_PBU_DEREGISTER, "pbu_deregister", "de-registrations started")                              \
	X(MAG_C_PBU_RETRANSMITTED, "pbu_retransmitted", "retransmissions")                                 \
	X(MAG_C_PBU_SEND_FAILED, "pbu_send_failed", "Proxy Binding Updates that could not be sent")        \
	X(MAG_C_PBU_RATE_LIMITED, "pbu_rate_limited", "delayed by MAX_UPDATE_RATE")                        \
	X(MAG_C_GONE_BEFORE_RETRANSMIT, "gone_before_retransmit", "node gone when a retransmission was due") \
	X(MAG_C_VERIFY_TIMEOUT, "verify_timeout", "presence not confirmed, binding not extended")          \
	X(MAG_C_EXPIRED, "expired", "bindings that ran out while a refresh was unanswered")                \
	X(MAG_C_DEREG_UNANSWERED, "deregister_unanswered", "de-registrations without an answer")           \
	X(MAG_C_SUPERSEDED, "superseded", "sessions whose prefixes moved to another interface of the node") \
	X(MAG_C_RENUMBERED, "renumbered", "refreshes that changed the prefix set")                         \
	X(MAG_C_DP_FAILED, "dataplane_failed", "accepted registrations the data plane could not take")     \
	X(MAG_C_CLOCK_SKEW, "clock_skew", "LMA answered that our clock is off")                            \
	X(MAG_C_TIMESTAMP_LATE, "timestamp_late", "LMA refused a timestamp although the clocks agree")     \
	X(MAG_C_LINK_LOCAL_CONFLICT, "link_local_conflict", "LMA's link-local address in use by the node") \
	X(MAG_C_LINK_LOCAL_MADE, "link_local_made", "LMA gave no link-local address, made one")            \
	X(MAG_C_PBA_RECEIVED, "pba_received", "Binding Acknowledgements received")                         \
	X(MAG_C_PBA_FOREIGN, "pba_ignored_source", "ignored: source is not a configured LMA")              \
	X(MAG_C_PBA_DESTINATION, "pba_ignored_destination", "ignored: not sent to our Proxy-CoA")          \
	X(MAG_C_PBA_NOT_PROXY, "pba_ignored_not_proxy", "ignored: P flag not set")                         \
	X(MAG_C_PBA_NO_MN_ID, "pba_ignored_no_mn_id", "ignored: no Mobile Node Identifier option")         \
	X(MAG_C_PBA_UNMATCHED, "pba_ignored_unmatched", "ignored: answers no open request")                \
	X(MAG_C_PBA_MISMATCH_MN_ID, "pba_ignored_mn_id_differs", "ignored: MN-Identifier not echoed")      \
	X(MAG_C_PBA_MISMATCH_HI, "pba_ignored_handoff_differs", "ignored: Handoff Indicator not echoed")   \
	X(MAG_C_PBA_MISMATCH_ATT, "pba_ignored_att_differs", "ignored: Access Technology Type not echoed") \
	X(MAG_C_PBA_MISMATCH_LLID, "pba_ignored_llid_differs", "ignored: link-layer identifier not echoed") \
	X(MAG_C_PBA_BAD_PREFIX, "pba_ignored_prefixes", "ignored: accepted without usable prefixes")       \
	X(MAG_C_PBA_NO_LIFETIME, "pba_zero_lifetime", "registration accepted for no time at all")          \
	X(MAG_C_BRR, "brr_received", "Binding Refresh Requests that started a refresh")                    \
	X(MAG_C_BRR_IGNORED, "brr_ignored", "Binding Refresh Requests from strangers or without a node")   \
	X(MAG_C_BE, "be_received", "Binding Errors from LMAs")                                             \
	X(MAG_C_BE_FOREIGN, "be_ignored", "Binding Errors from strangers")                                 \
	X(MAG_C_UNEXPECTED_MESSAGE, "unexpected_message", "other Mobility Headers")                        \
	X(MAG_C_UNEXPECTED_EVENT, "unexpected_event", "events that a session's state has no rule for")     \
	X(MAG_C_PBA_OTHER_ACCEPTED, "pba_other_accepted", "status below 128 without a row of its own")     \
	X(MAG_C_PBA_OTHER_REJECTED, "pba_other_rejected", "status from 128 without a row of its own")
// clang-format on

#define MAG_STATUS_COUNTER(status, sym, name, ev, clause) MAG_C_PBA_##sym,
enum mag_counter { MAG_COUNTERS(COUNTER_ENUM) MAG_STATUS_ROWS(MAG_STATUS_COUNTER) MAG_C_MAX };

/* ---- states and events */

// clang-format off
#define MAG_STATES(X)                                                                              \
	X(MST_NEW, "NEW")                                                                          \
	X(MST_REGISTERING, "REGISTERING")     /* request open, no service */                       \
	X(MST_ACTIVE, "ACTIVE")                                                                    \
	X(MST_VERIFYING, "VERIFYING")         /* served; is the node there? then refresh */        \
	X(MST_REASSERTING, "REASSERTING")     /* overtaken; no service; is the node still here? */ \
	X(MST_REFRESHING, "REFRESHING")       /* served; re-registration open */                   \
	X(MST_STALLED, "STALLED")             /* served until expiry; no more requests */          \
	X(MST_BACKOFF, "BACKOFF")             /* no service; another attempt later */              \
	X(MST_ROLLBACK, "ROLLBACK")           /* gives a binding back that we cannot serve */      \
	X(MST_REJECTED, "REJECTED")           /* no service, triggers unheard for a while */       \
	X(MST_BARRED, "BARRED")               /* no service until administrative action */         \
	X(MST_DEREGISTERING, "DEREGISTERING") /* node left; de-registration open */                \
	X(MST_RELEASED, "RELEASED")           /* over; remembers pace and sequence for a second */ \
	X(MST_GONE, "GONE")

#define MAG_EVENTS(X)                                                                              \
	X(MEV_ATTACH, "attach")          /* first trigger, or an operator's order */               \
	X(MEV_MOVED, "moved")            /* shows up on another link of ours */                    \
	X(MEV_CONFIRMED, "confirmed")                                                              \
	X(MEV_DETACH, "detach")                                                                    \
	X(MEV_FORGET, "forget")          /* make room for a new session of the node */             \
	X(MEV_SUPERSEDED, "superseded")  /* another interface of the node took the prefixes */     \
	X(MEV_ACCEPTED, "accepted")                                                                \
	X(MEV_AGAIN, "ask again")        /* rejected; ask again at once */                         \
	X(MEV_ANY_PREFIX, "ask for any prefix")                                                    \
	X(MEV_LATER, "ask later")                                                                  \
	X(MEV_CLOCK, "clock differs")                                                              \
	X(MEV_LATE, "came late")         /* timestamp refused, yet the clocks agree */             \
	X(MEV_REFUSED, "refused")                                                                  \
	X(MEV_DENIED, "denied")          /* not before administrative action */                    \
	X(MEV_MISMATCH, "not echoed")    /* ignored answer that ends retransmission */             \
	X(MEV_DP_FAILED, "data plane failed")                                                      \
	X(MEV_LINK_LOCAL, "link-local address in use")                                             \
	X(MEV_RESEND, "resend")          /* timer: retransmission or delayed transmission */       \
	X(MEV_REFRESH, "refresh")        /* timer, or the LMA's wish */                            \
	X(MEV_EXPIRED, "expired")        /* timer */                                               \
	X(MEV_TIMEOUT, "timeout")        /* timer */

// clang-format on

#define MAG_NAMED_ENUM(sym, name) sym,
#define MAG_NAMED_TEXT(sym, name) name,
enum mag_state { MAG_STATES(MAG_NAMED_ENUM) MST_MAX };
enum mag_event { MAG_EVENTS(MAG_NAMED_ENUM) MEV_MAX };

/* ---- objects */

#define MAG_MAX_UPDATE_RATE  3   /* per second and session, RFC 6275 12 */
#define MAG_QUICK_RETRIES    3   /* requests repeated at once after a rejection */
#define MAG_PROMPT_MS        100 /* nobody moves to another MAG in less */
#define MAG_CLOCKS_AGREE_MS  300 /* TimestampValidityWindow by default, RFC 5213 9.1 */
#define MAG_HINT_LIFE_MS     10000 /* MinDelayBeforeBCEDelete by default, RFC 5213 9.1 */
#define MAG_INFLIGHT         4096 /* power of two */
#define MAG_LIFETIME_UNITS   65535u
#define MAG_BACKOFF_FIRST    4u  /* first wait, in INITIAL_BINDACK_TIMEOUTs */
#define MAG_BACKOFF_CEILING  8u  /* longest wait, in MAX_BINDACK_TIMEOUTs */

struct mag_lma {
	struct mag_lma *next;
	struct mag_lma_info info; /* its name points to `name` */
	char name[32];
	bool configured; /* false: gone from the configuration while a reload is judged */
	struct log_limit limit;
};

enum mag_request_kind {
	MRK_REGISTER, /* a refresh when a binding stands, else an initial registration */
	MRK_MOVE,     /* to another link of ours */
	MRK_DEREGISTER,
};

/* The request that an answer is awaited for; what an answer must echo. */
struct mag_request {
	uint16_t seq;
	uint16_t lifetime; /* units of 4 s */
	uint8_t kind;      /* enum mag_request_kind */
	uint8_t hi, att;
	bool open;
	bool timed; /* carried a Timestamp option */
	bool named; /* asked for prefixes by name */
};

struct mag_session {
	struct bule b;
	struct deadline timer;
	struct mag_lma *lma;
	struct mag_request req;
	nsec_t refresh_at;
	nsec_t quiet_until;                 /* REJECTED, BARRED */
	nsec_t hint_until;                  /* how long the trigger's 2 or 3 is certain */
	nsec_t sent[MAG_MAX_UPDATE_RATE];   /* times of the last transmissions, a ring */
	uint32_t n_sent;
	uint32_t access_mtu;
	struct rtx backoff;
	uint8_t state;
	uint8_t first_hi;    /* Handoff Indicator of the initial registration, as the trigger knew */
	uint8_t move_hi;     /* of MRK_MOVE */
	uint8_t reg_att;     /* Access Technology Type that the LMA knows */
	uint8_t last_status;
	uint8_t quick;       /* requests repeated at once since the last acceptance */
	bool registered;     /* the LMA holds a binding, as far as we know, until b.expires */
	bool serving;        /* data plane and advertisement are in place */
	bool asked;          /* the LMA may know of it, be it through a lost answer */
	bool any_prefix;     /* do not ask for prefixes by name (again) */
	bool deferred;       /* a transmission waits for MAX_UPDATE_RATE */
	bool absent;         /* left while REJECTED or BARRED */
	bool local_routing;
	uint8_t id[];        /* octets of b.mnid */
};

struct mag {
	struct mag_cfg cfg; /* lmas: not used, see `lmas` */
	const struct env *env;
	struct dataplane *dp;
	struct tunnels *tunnels;
	struct profiles profiles;
	const struct link_ops *links;
	const struct event_sink *sink;
	struct bul *bul;
	struct deadlines timers;
	struct mag_lma *lmas; /* in the order of the configuration */
	size_t n_released;
	uint16_t seq; /* of the last transmission in timestamp mode, RFC 5213 6.9.1.1 (6) */
	uint64_t counter[MAG_C_MAX];
	struct log_limit foreign_limit; /* lines that strangers cause */
	struct log_limit node_limit;    /* lines that access links cause */
	/* Who sent which Sequence Number; a newer sender takes the place. Finds an answer with a wrong
	 * MN-Identifier, RFC 5213 6.9.1.2 (6). */
	struct mag_session *inflight[MAG_INFLIGHT];
};

/* What a step is about; the members after `now` are there when the event brings them. */
struct mag_ctx {
	struct mag *m;
	nsec_t now;
	const char *cause;
	const struct mh_msg *msg;
	const struct prefix6 *prefixes; /* of an accepting answer */
	unsigned n_prefixes;
	const struct mag_attachment *at; /* MEV_ATTACH, MEV_MOVED */
	const struct link_node *from;    /* MEV_MOVED; the list already holds the new place */
};

static inline struct mag_session *mag_session_of(struct bule *e)
{
	return e ? container_of(e, struct mag_session, b) : NULL;
}

static inline void mag_count_up(struct mag *m, enum mag_counter c)
{
	m->counter[c]++;
}

static inline nsec_t mag_quiet_time(const struct mag *m)
{
	return nsec_from_ms(m->cfg.max_bindack_timeout_ms);
}

static inline struct link_node mag_node(const struct mag_session *s)
{
	return (struct link_node){.ifindex = s->b.ifindex, .mac = s->b.mac};
}

/* ---- mag.c */
struct mag_lma *mag_lma_by_addr(const struct mag *m, const struct in6_addr *addr);
/* The node's profile, its realm's catch-all, or NULL. */
const struct profile *mag_profile(const struct mag *m, const struct mnid *id);
bool mag_wants_local_routing(const struct mag *m, const struct mnid *id);
/* One line about a session: mag[mn1@example.com]{ACTIVE} ... */
void mag_log(struct mag *m, const struct mag_session *s, struct log_limit *limit, nsec_t now,
	     enum log_class cls, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* ---- mag_fsm.c */
extern const struct fsm mag_fsm;
/* Feeds one event to the session, which may be gone afterwards. False: no rule took it. */
bool mag_step(struct mag_session *s, enum mag_event ev, struct mag_ctx *c);
void mag_timer_fired(struct deadline *d, void *ctx, nsec_t now);
const char *mag_state_name(uint8_t state);

/* ---- mag_attach.c */
/* Takes it out of every index and frees it; the data plane stays as it is. */
void mag_session_free(struct mag *m, struct mag_session *s);

/* ---- mag_pbu.c */
/* A new exchange: forgets the open one, sends at once or as soon as MAX_UPDATE_RATE allows. */
void mag_request(struct mag *m, struct mag_session *s, enum mag_request_kind kind, nsec_t now);
/* Sends the open exchange's next transmission and arms the timer. */
void mag_transmit(struct mag *m, struct mag_session *s, nsec_t now);
void mag_request_close(struct mag *m, struct mag_session *s);
/* The LMA holds a binding that has not run out. */
bool mag_is_bound(const struct mag_session *s, nsec_t now);
void mag_unbind(struct mag *m, struct mag_session *s);

/* ---- mag_pba.c */
enum mag_event mag_status_event(uint8_t status, enum mag_counter *counter, const char **clause);

/* ---- mag_accept.c */
/* Takes over what the answer grants, prefixes and forwarding excepted. True: the LMA has to be told
 * of a link-local address that was made here. */
bool mag_accept(struct mag_session *s, struct mag_ctx *c);

/* ---- mag_serve.c */
/* Brings service in line with an accepting answer: takes over its prefixes, sets up forwarding,
 * advertises. 0, or -errno when forwarding cannot do it; then there is no service. */
int mag_serve(struct mag *m, struct mag_session *s, const struct prefix6 *p, unsigned n, nsec_t now);
/* Ends service; `deprecate` tells the node that its prefixes are no longer good. No-op without. */
void mag_serve_stop(struct mag *m, struct mag_session *s, bool deprecate, const char *cause,
		    nsec_t now);
/* The node is on another link: one data-plane update, then it is advertised there. */
int mag_serve_move(struct mag *m, struct mag_session *s, const struct link_node *from);
int mag_serve_local_routing(struct mag *m, struct mag_session *s, bool on);
void mag_advertise(struct mag *m, struct mag_session *s);
/* A link-local address for the router that the node does not use, made here. */
void mag_make_link_local(struct mag *m, struct mag_session *s);
