/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of fast handovers (RFC 5949), shared by the mag_fho*.c files; what sessions see of
 *them is in mag_int.h.
 *
 *	mag_fho.c	neighbours, handovers as objects, their rule table and timers
 *	mag_fho_act.c	the actions of that table
 *	mag_fho_rx.c	messages of neighbours: who may say what, and which handover they are about
 *	mag_fho_offer.c	nodes that neighbours announce
 *	mag_fho_judge.c	what configuration and anchors have to say to that
 *	mag_fho_context.c what the two tell each other of a node
 *	mag_fho_msg.c	Handover Initiate and Handover Acknowledge: made, sent, repeated
 *	mag_fho_past.c	what was answered before
 *	mag_fho_serve.c what a handover means to its session, and to the session's forwarding
 *	mag_fho_show.c	counters, latencies, views
 *
 * A struct mag_ho is one node's handover, seen from the gateway it leaves (HO_OLD, the RFC's PMAG)
 * or from the one it comes to (HO_NEW, the NMAG). It owns its reference to the tunnel between the
 * two. Session and handover point to each other as long as both have to do with one another; either
 * may go first. mag_ho_step() may free the handover.
 */
#pragma once

#include "base/htable.h"
#include "mag/mag_int.h"

/* ---- counters */

// clang-format off
#define HO_COUNTERS(X)                                                                                     \
	X(HO_C_PREDICTIVE, "predictive", "handovers begun here by a trigger, the node being about to leave")  \
	X(HO_C_REACTIVE, "reactive", "handovers begun here by a node that came from a known access point")    \
	X(HO_C_OFFERED, "offered", "nodes announced by the gateway that they leave")                          \
	X(HO_C_ASKED, "asked", "nodes asked for by the gateway that they went to")                            \
	X(HO_C_FORWARDING, "forwarding", "nodes whose packets went to their new gateway")                     \
	X(HO_C_BUFFERING, "buffering", "nodes whose packets were kept at their old gateway")                  \
	X(HO_C_ARRIVED, "arrived", "nodes that arrived with their context here already")                      \
	X(HO_C_COMPLETED, "completed", "handovers that ended as they should")                                 \
	X(HO_C_NEVER_ARRIVED, "never_arrived", "announced nodes that did not come in time")                   \
	X(HO_C_RETURNED, "returned", "nodes that came back to their old gateway")                             \
	X(HO_C_EXPIRED, "expired", "forwarding ended by the guard timer")                                     \
	X(HO_C_REFUSED, "refused", "handovers that the other gateway refused")                                \
	X(HO_C_UNANSWERED, "unanswered", "Handover Initiates without an answer after all retransmissions")    \
	X(HO_C_FAILED, "failed", "handovers that failed here: data plane or memory")                          \
	X(HO_C_CANCELLED, "cancelled", "handovers given up because their session ended or went elsewhere")    \
	X(HO_C_UNKNOWN_AP, "unknown_access_point", "triggers that name an access point of no neighbour")      \
	X(HO_C_CONTEXT_AFTER, "context_after_registration", "contexts that came after the registration")      \
	X(HO_C_SHARE, "over_share", "handovers refused: what is left is kept for other neighbours")           \
	X(HO_C_UNNOTICED, "left_unnoticed", "nodes announced here that were believed to be here")             \
	X(HO_C_CROSSED, "crossed", "Handover Initiates of both sides for one node")                           \
	X(HO_C_HI_SENT, "hi_sent", "Handover Initiates sent, retransmissions included")                       \
	X(HO_C_HI_RETRANSMITTED, "hi_retransmitted", "of these, retransmissions")                             \
	X(HO_C_HACK_SENT, "hack_sent", "Handover Acknowledges sent")                                          \
	X(HO_C_SEND_FAILED, "send_failed", "messages that could not be sent")                                 \
	X(HO_C_NOT_MADE, "not_made", "messages that could not be made, and were not sent")                    \
	X(HO_C_HI_RECEIVED, "hi_received", "Handover Initiates received")                                     \
	X(HO_C_HI_REPEATED, "hi_repeated", "of these, repeated ones, answered as before")                     \
	X(HO_C_HACK_RECEIVED, "hack_received", "Handover Acknowledges received")                              \
	X(HO_C_FOREIGN, "ignored_source", "ignored: source is no neighbour")                                  \
	X(HO_C_DESTINATION, "ignored_destination", "ignored: not sent to our Proxy-CoA")                      \
	X(HO_C_PORT, "ignored_port", "ignored: over UDP, but not from port 5436")                             \
	X(HO_C_NOT_PROXY, "ignored_not_proxy", "ignored: P flag not set")                                     \
	X(HO_C_NO_MN_ID, "ignored_no_mn_id", "ignored: no Mobile Node Identifier option")                     \
	X(HO_C_RATE, "ignored_rate", "ignored: more Handover Initiates in a second than a neighbour may send") \
	X(HO_C_UNMATCHED, "ignored_unmatched", "ignored: acknowledges nothing that is open")                  \
	X(HO_C_BAD_CONTEXT, "bad_context", "contexts refused: addresses or anchor missing or not fit")        \
	X(HO_C_FOREIGN_LMA, "foreign_anchor", "contexts refused: their anchor is not configured here")        \
	X(HO_C_OUTRANKED, "outranked", "contexts given up: the anchor gave their addresses to other nodes")   \
	X(HO_C_OTHER_ENCAP, "other_encapsulation", "contexts of neighbours that are configured otherwise")    \
	X(HO_C_VENDOR_SENT, "vendor_sent", "Vendor Specific options of nodes told to neighbours")             \
	X(HO_C_VENDOR_TAKEN, "vendor_taken", "those that neighbours told, and are kept")                      \
	X(HO_C_VENDOR_LOST, "vendor_not_kept", "those that neighbours told, without room or memory")          \
	X(HO_C_HACK_0, "hack_0_accepted", "acknowledges with code 0, RFC 5949 6.1.2")                         \
	X(HO_C_HACK_5, "hack_5_context_accepted", "with code 5")                                              \
	X(HO_C_HACK_6, "hack_6_all_context", "with code 6")                                                   \
	X(HO_C_HACK_128, "hack_128_unspecified", "with code 128")                                             \
	X(HO_C_HACK_129, "hack_129_prohibited", "with code 129")                                              \
	X(HO_C_HACK_130, "hack_130_resources", "with code 130")                                               \
	X(HO_C_HACK_131, "hack_131_no_context", "with code 131")                                              \
	X(HO_C_HACK_132, "hack_132_no_forwarding", "with code 132")                                           \
	X(HO_C_HACK_OTHER, "hack_other", "with other codes")                                                  \
	X(HO_C_UNEXPECTED, "unexpected_event", "events that a handover's state has no rule for")

/* Octave by octave: from Handover Initiate to Handover Acknowledge, from a node's arrival to its
 * registration, and from a handover's first message to its end. */
#define HO_BUCKETS(X, sym, name, what)                                                                     \
	X(sym##_1, name "_1ms", what " in less than 1 ms")                                                    \
	X(sym##_3, name "_3ms", what " in 1 to 3 ms")                                                         \
	X(sym##_10, name "_10ms", what " in 3 to 10 ms")                                                      \
	X(sym##_30, name "_30ms", what " in 10 to 30 ms")                                                     \
	X(sym##_100, name "_100ms", what " in 30 to 100 ms")                                                  \
	X(sym##_300, name "_300ms", what " in 100 to 300 ms")                                                 \
	X(sym##_1000, name "_1s", what " in 0.3 to 1 s")                                                      \
	X(sym##_3000, name "_3s", what " in 1 to 3 s")                                                        \
	X(sym##_LONGER, name "_longer", what " in 3 s or more")
#define HO_LATENCIES(X)                                                                                    \
	HO_BUCKETS(X, HO_L_ANSWER, "answer", "Handover Initiates acknowledged")                          \
	HO_BUCKETS(X, HO_L_REGISTER, "register", "nodes registered after their arrival")                 \
	HO_BUCKETS(X, HO_L_WHOLE, "whole", "handovers over")

#define HO_STATES(X)                                                                                       \
	X(HST_NEW, "NEW")                                                                                     \
	X(HST_OFFERED, "OFFERED")       /* old: node announced, no answer yet */                              \
	X(HST_AGREED, "AGREED")         /* old: announced; forwarding is asked for later */                   \
	X(HST_BUFFERING, "BUFFERING")   /* old: its packets are kept here */                                  \
	X(HST_FORWARDING, "FORWARDING") /* old: its packets go to the new gateway */                          \
	X(HST_ASKED, "ASKED")           /* new: asked for the node that is here, no answer yet */             \
	X(HST_EXPECTED, "EXPECTED")     /* new: the node is announced and not here yet */                     \
	X(HST_ARRIVED, "ARRIVED")       /* new: served through the old gateway */                             \
	X(HST_SETTLING, "SETTLING")     /* new: registered; the old gateway's last packets may come */        \
	X(HST_ENDING, "ENDING")         /* the other one is told that forwarding is over */                   \
	X(HST_GONE, "GONE")

#define HO_EVENTS(X)                                                                                       \
	X(HEV_OFFER, "offer")             /* a trigger: the node is about to leave */                         \
	X(HEV_ASK, "ask")                 /* a trigger: the node came from there */                           \
	X(HEV_CONTEXT, "context")         /* HI, or HAck, with the node's context */                          \
	X(HEV_WANTS_FORWARDING, "wants forwarding") /* HI with F */                                           \
	X(HEV_WANTS_BUFFERING, "wants buffering")   /* HI with U */                                           \
	X(HEV_DONE, "done")               /* HI with code 2 */                                                \
	X(HEV_ACCEPTED, "accepted")       /* HAck below 128 */                                                \
	X(HEV_REFUSED, "refused")                                                                             \
	X(HEV_SILENCE, "no answer")                                                                           \
	X(HEV_ARRIVED, "arrived")         /* the node is here */                                              \
	X(HEV_REGISTERED, "registered")   /* the anchor sends its packets here */                             \
	X(HEV_RETURNED, "returned")       /* the node is back, or never left */                               \
	X(HEV_CUT, "session ended")                                                                           \
	X(HEV_FAILED, "failed")                                                                               \
	X(HEV_GUARD, "guard timer")
// clang-format on

enum ho_counter { HO_COUNTERS(COUNTER_ENUM) HO_LATENCIES(COUNTER_ENUM) HO_C_MAX };
enum ho_state { HO_STATES(MAG_NAMED_ENUM) HST_MAX };
enum ho_event { HO_EVENTS(MAG_NAMED_ENUM) HEV_MAX };

#define HO_BUCKETS_N  9
#define HO_INFLIGHT   4096  /* power of two */
#define HO_RESULTS    32    /* finished handovers that are shown */
#define HO_MORE_MAX   2	    /* further requests when more context is to be had */
#define HO_UNKNOWN_MS 60000 /* not asked for so long after Binding Error 2, RFC 6275 9.2 */

#define HO_REQUEST_MAX	  253 /* octets of entries in a Context Request, RFC 5949 6.2.1 */
#define HO_VENDOR_REQUEST 7   /* octets of one that names Vendor ID and Sub-Type */

/* ---- objects */

struct mag_neighbour {
	struct mag_neighbour *next;
	struct mag_neighbour_cfg cfg;
	nsec_t refilled_at; /* token bucket of the Handover Initiates it may send */
	uint32_t tokens;
	unsigned handovers; /* with it, at present */
	nsec_t ask_at;	    /* it said that it does not know Handover Initiate: asked again then */
	struct log_limit limit;
};

/* What a message tells of a node. */
struct mag_context {
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	unsigned n_prefixes;
	struct in_addr addr4; /* 0: none */
	uint8_t len4;
	struct in6_addr lmaa; /* ::: none */
	struct mac mac;	      /* zero: none, or no 48-bit one */
	struct in6_addr link_local;
	uint64_t iid; /* of the node's link-local address, 0: not known */
	bool gre, keyed;
	uint32_t key;
};

enum ho_role { HO_OLD, HO_NEW };

struct mag_ho {
	struct mag_ho *prev, *next;
	struct hnode by_mnid;
	struct mag_neighbour *n;
	struct mag_session *s; /* NULL: it has nothing to do with it any more */
	struct deadline hi_timer, guard;
	struct rtx rtx;
	uint8_t *hi; /* the open Handover Initiate as sent */
	uint16_t hi_len, hi_seq;
	uint8_t hi_flags, hi_code;
	bool open;
	uint8_t *reply; /* the last Handover Acknowledge as sent, for repetitions */
	uint16_t reply_len, reply_to;
	unsigned repeated;	/* so many times */
	struct mag_context ctx; /* HO_NEW */
	/* HO_NEW: where the node was believed to be when it was announced; ifindex 0: nowhere */
	struct mag_attachment back;
	dp_ref tunnel;
	uint32_t peer_key;
	uint8_t encap; /* enum dp_encap */
	uint8_t role, state;
	uint8_t more; /* further context requests made */
	bool reactive;
	bool forwarding;   /* HO_NEW: the old gateway was told to forward */
	bool last_packets; /* HO_OLD: it came from there just now, and so may packets */
	struct mac mac;	   /* of the interface that it is about, as both know it; zero: not known */
	nsec_t began, hi_at, arrived_at;
	/* for the views */
	nsec_t answer, registration;	 /* how long they took; NSEC_NEVER: not yet */
	unsigned resent;		 /* Handover Initiates */
	dp_ref kept_in;			 /* whose buffer it was; 0: its session's, or none */
	struct dp_buffered before, kept; /* kept: once that buffer is no more */
	const char *result;
	struct mnid mnid;
	uint8_t id[];
};

/* What was answered to a Handover Initiate. */
struct ho_past {
	struct hnode by_mnid;
	struct ho_past *next;
	struct in6_addr peer;
	nsec_t until;
	uint8_t *reply;
	uint16_t reply_len, reply_to;
	unsigned repeated;
	struct mnid mnid;
	uint8_t id[];
};

/* One that is over. */
struct ho_result {
	struct mag_handover view; /* over_ms: when; session: where packets may still wait */
	struct dp_buffered before;
	char id[MAG_HANDOVER_ID_MAX], peer[32];
};

struct mag_fho {
	struct mag_neighbour *neighbours;
	struct mag_ho *first, *last;
	struct htable by_mnid;
	unsigned n;
	uint16_t seq;
	struct mag_ho *inflight[HO_INFLIGHT];	/* by Sequence Number */
	struct htable past;			/* by MN-Identifier */
	struct ho_past *past_first, *past_last; /* the oldest first */
	unsigned n_past;
	struct ho_result result[HO_RESULTS];
	unsigned n_results; /* ever */
	uint64_t counter[HO_C_MAX];
	struct log_limit foreign_limit;
};

/* What a step is about; the last three when the event brings them. */
struct ho_ctx {
	struct mag *m;
	nsec_t now;
	const char *cause;
	const struct mh_msg *msg;
	const struct mag_context *context;
	struct mag_session *instead; /* an announced node's session that gives way, or NULL */
	/* out, of HI: what the answer says */
	uint8_t code;
};

static inline void ho_count_up(struct mag *m, enum ho_counter c)
{
	m->fho->counter[c]++;
}

/* ---- mag_fho.c */
struct mag_neighbour *mag_neighbour_by_addr(const struct mag *m, const struct in6_addr *addr);
struct mag_neighbour *mag_neighbour_by_ap(const struct mag *m, const char *ap);
/* 0; -ENOSPC: as many as may be, or its neighbour has its share; -ENOMEM. It is in state NEW; the
 * guard timer runs. */
int mag_ho_new(struct mag *m, struct mag_neighbour *n, const struct mnid *id, const struct mac *mac,
	       enum ho_role role, nsec_t now, struct mag_ho **out);
/* The same; `instead`, or NULL, is about to go and leaves its place to one with the same neighbour.
 */
int mag_ho_new_instead(struct mag *m, const struct mag_ho *instead, struct mag_neighbour *n,
		       const struct mnid *id, const struct mac *mac, enum ho_role role, nsec_t now,
		       struct mag_ho **out);
void mag_ho_free(struct mag *m, struct mag_ho *h, nsec_t now);
/* All about that node: the one after `prev`, or the first one, or NULL. */
struct mag_ho *mag_ho_about(const struct mag *m, const struct mnid *id, const struct mag_ho *prev);
/* The one with that neighbour about that interface of that node, or NULL. Zero stands for any
 * interface, and so does NULL. */
struct mag_ho *mag_ho_find(const struct mag *m, const struct mag_neighbour *n,
			   const struct mnid *id, const struct mac *mac);
/* The one whose last answer was to that Sequence Number, or NULL. */
struct mag_ho *mag_ho_answered(const struct mag *m, const struct mag_neighbour *n,
			       const struct mnid *id, uint16_t seq);
/* `h`, or NULL when it is gone. */
struct mag_ho *mag_ho_still(const struct mag *m, const struct mnid *id, struct mag_ho *h);
void mag_ho_bind(struct mag *m, struct mag_ho *h, struct mag_session *s);
void mag_ho_unbind(struct mag_ho *h);
bool mag_ho_step(struct mag_ho *h, enum ho_event ev, struct ho_ctx *c);
const char *mag_ho_state_name(uint8_t state);
void mag_ho_log(struct mag *m, const struct mag_ho *h, nsec_t now, enum log_class cls,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void mag_ho_arm_guard(struct mag *m, struct mag_ho *h, uint32_t ms, nsec_t now);

/* ---- mag_fho_act.c */
void mag_ho_act_offer(void *obj, void *arg);
void mag_ho_act_ask(void *obj, void *arg);
void mag_ho_act_agreed(void *obj, void *arg);
void mag_ho_act_forward(void *obj, void *arg);
void mag_ho_act_buffer(void *obj, void *arg);
void mag_ho_act_gave_up(void *obj, void *arg);
void mag_ho_act_over(void *obj, void *arg);
void mag_ho_act_returned(void *obj, void *arg);
void mag_ho_act_cancel(void *obj, void *arg);
void mag_ho_act_expired(void *obj, void *arg);
void mag_ho_act_expect(void *obj, void *arg);
void mag_ho_act_more_context(void *obj, void *arg);
void mag_ho_act_context(void *obj, void *arg);
void mag_ho_act_context_late(void *obj, void *arg);
void mag_ho_act_no_context(void *obj, void *arg);
void mag_ho_act_arrived(void *obj, void *arg);
void mag_ho_act_settle(void *obj, void *arg);
void mag_ho_act_settled(void *obj, void *arg);
/* Registered, and on its way back: the announcement there says that it was registered here. */
void mag_ho_act_back(void *obj, void *arg);
void mag_ho_act_never(void *obj, void *arg);
void mag_ho_act_left_new(void *obj, void *arg);
void mag_ho_act_ended(void *obj, void *arg);

/* ---- mag_fho_context.c */
/* False: something in it is not fit for use; the link-layer identifier can be used all the same. */
bool mag_ho_read_context(const struct mag *m, const struct mh_msg *msg, struct mag_context *out);
/* The node's own link-local address, or ::. */
struct in6_addr mag_ho_node_address(const struct mag_context *c);
/* Nothing for a zero one. */
void mag_ho_add_llid(struct mh_msg *msg, const struct mac *mac);
/* All that there is. The message borrows from the session. */
void mag_ho_add_context(struct mag *m, const struct mag_session *s, struct mh_msg *msg);
/* All that can be used here, and what the configuration names. The message borrows `buf`. */
void mag_ho_add_request(const struct mag *m, struct mh_msg *msg, uint8_t buf[HO_REQUEST_MAX]);
/* What nobody has to ask for, and what `request` (or NULL) asks for. RFC 5949 6.1.2: returns code 6
 * when all that there is was added, 131 when nothing of what was asked for is there and nothing was
 * added, 5 when there is more. */
uint8_t mag_ho_answer_context(struct mag *m, const struct mag_session *s,
			      const struct mh_opt *request, struct mh_msg *msg);

/* ---- mag_fho_msg.c */
/* What is sent about a node. */
enum ho_contents { HO_NOTHING, HO_CONTEXT, HO_REQUEST };
/* Makes it the open Handover Initiate, sends it and arms its timer. */
void mag_ho_send_hi(struct mag *m, struct mag_ho *h, uint8_t flags, uint8_t code,
		    enum ho_contents contents, nsec_t now);
void mag_ho_resend_hi(struct mag *m, struct mag_ho *h, nsec_t now);
void mag_ho_close_hi(struct mag *m, struct mag_ho *h);
/* `flags`: MH_HACK_U, MH_HACK_F as granted. h: NULL when there is none; s: whose context to send,
 * or NULL; request: what is asked for of it, or NULL for the default. */
struct ho_reply {
	uint8_t flags, code;
	struct mag_ho *h;
	const struct mag_session *s;
	const struct mh_opt *request;
};
void mag_ho_answer(struct mag *m, struct mag_neighbour *n, const struct mh_msg *hi,
		   const struct ho_reply *r, nsec_t now);
void mag_ho_repeat_answer(struct mag *m, struct mag_ho *h, nsec_t now);
void mag_ho_repeat_past(struct mag *m, struct mag_neighbour *n, struct ho_past *p, nsec_t now);

/* ---- mag_fho_past.c */
/* Takes over the last answer of a handover that is over, or gets another one. */
void mag_ho_remember(struct mag *m, struct mag_ho *h, nsec_t now);
/* What was answered to that one, or NULL. */
struct ho_past *mag_ho_past(struct mag *m, const struct mag_neighbour *n, const struct mnid *id,
			    uint16_t seq, nsec_t now);
void mag_ho_past_free(struct mag *m);

/* ---- mag_fho_rx.c */
/* A Handover Initiate that is being answered. */
struct ho_heard {
	struct mag *m;
	struct mag_neighbour *n;
	const struct mh_msg *msg;
	const struct mnid *id;
	struct mag_context context;
	nsec_t now;
	bool forward, buffer;	    /* F, U */
	struct mag_attachment back; /* where the node was believed to be; ifindex 0: nowhere */
	struct ho_reply reply;
};
struct ho_ctx mag_ho_ctx_of(const struct ho_heard *x);
/* The flags of the answer when all that is asked for can be. */
uint8_t mag_ho_granted(const struct ho_heard *x);
/* A node can be served by what it says. */
bool mag_ho_usable(const struct mag_context *c);
/* The last word about that node was that forwarding is over: then this begins anew, without it. */
struct mag_ho *mag_ho_drop_ended(struct ho_heard *x, struct mag_ho *h);

/* ---- mag_fho_offer.c */
/* h: the handover that it is about, or NULL. */
void mag_ho_take_offer(struct ho_heard *x, struct mag_ho *h);

/* ---- mag_fho_judge.c */
/* The anchor that the context names, or else the configuration; NULL: it is not configured. */
struct mag_lma *mag_ho_anchor(const struct mag *m, const struct mnid *id,
			      const struct mag_context *c);
/* Whether that node may be served here by that context: HACK_CONTEXT_ACCEPTED, or the code that
 * refuses it, counted and logged. */
uint8_t mag_ho_judge(struct mag *m, struct mag_neighbour *n, const struct mnid *id,
		     const struct mag_context *c, nsec_t now);
/* RFC 5949 4.2: both use the same encapsulation. Tells what is configured here from what the
 * other one says. */
bool mag_ho_same_encap(const struct mag_neighbour *n, const struct mag_context *c);
/* It is not: counted and logged. */
void mag_ho_other_encap(struct mag *m, struct mag_neighbour *n, nsec_t now);

/* ---- mag_fho_serve.c */
/* The encapsulation between the two gateways (RFC 5949 4.2), by what the one that begins does. */
enum dp_encap mag_ho_encap(const struct mag *m, const struct mag_neighbour *n,
			   const struct mag_session *s);
/* The same, as the other one's GRE Key option says. */
enum dp_encap mag_ho_encap_of(const struct mag *m, const struct mag_neighbour *n,
			      const struct mag_context *c);
/* Tunnel to the neighbour, in place of an older one. 0 or -errno. */
int mag_ho_open_tunnel(struct mag *m, struct mag_ho *h, enum dp_encap encap);
void mag_ho_close_tunnel(struct mag *m, struct mag_ho *h);
/* The key that the neighbour has to use to us: gives the session's half one. 0 or -errno. */
int mag_ho_own_key(struct mag *m, struct mag_ho *h, uint32_t *key);
/* The session takes over what the context says. 0 or -ENOMEM. */
int mag_ho_adopt(struct mag *m, struct mag_ho *h, nsec_t now);
/* The session of a node that is announced, and welcome. It takes over what `instead`, or NULL, has
 * in the data plane. 0, or -errno and nothing has changed. */
int mag_ho_expect(struct mag *m, struct mag_ho *h, const struct mag_context *c,
		  struct mag_session *instead, nsec_t now);
/* It is registered, served, and forwarded for: another gateway could take over. */
bool mag_ho_may_go(const struct mag_session *s);
/* Session of that node which could go to another gateway; `mac` picks among several, or NULL. */
struct mag_session *mag_ho_session(const struct mag *m, const struct mnid *id,
				   const struct mac *mac);
/* One that is not on its way to that neighbour, if there is any. */
struct mag_session *mag_ho_next_session(const struct mag *m, const struct mnid *id,
					const struct mag_neighbour *n);

/* ---- mag_fho_show.c */
void mag_ho_note_answer(struct mag *m, struct mag_ho *h, nsec_t now);
void mag_ho_note_registration(struct mag *m, struct mag_ho *h, nsec_t now);
/* The session's buffer is that handover's from now on, and no other's; what waits there already
 * included. Before it is bound. */
void mag_ho_note_buffer(struct mag *m, struct mag_ho *h, const struct mag_session *s);
void mag_ho_note_result(struct mag *m, const struct mag_ho *h, nsec_t now);
