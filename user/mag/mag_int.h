/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the MAG, shared by the files of this folder and nobody else.
 *
 *	mag.c        instance, configuration, what is shown
 *	mag_attach.c triggers: identity, policy, where a node is (RFC 5213 6.6, 6.9.1.1, 6.13)
 *	mag_fsm.c    the session's rule table, its guards and its timer
 *	mag_act.c    the actions of that table; mag_act_revoked.c, those of revoked sessions
 *	mag_pbu.c    Proxy Binding Updates: contents, pace, retransmission (6.9.1.5, 6.9.4)
 *	mag_accept.c what an accepting answer changes (6.9.1.2 items 12 to 15)
 *	mag_pba.c    what LMAs send: matching, echo check, status table (6.9.1.2)
 *	mag_home4.c  the IPv4 home address: asked for, granted, given back (RFC 5844 3.2)
 *	mag_vendor.c Vendor Specific options that sessions carry along (RFC 5094)
 *	mag_encap.c  the encapsulation that is negotiated, GRE keys (RFC 5844 4.2, RFC 5845 4)
 *	mag_fho*.c   fast handovers between MAGs (RFC 5949), see mag_fho.h
 *	mag_peer.c   LMAs that fail or restart; all sessions registered anew (RFC 5847)
 *	mag_revoke.c LMAs that revoke bindings: judged and answered (RFC 5846 9.1)
 *	mag_reply.c  answers that wait until what they say is on disk
 *	mag_end.c    many revoked sessions ended; all of an LMA's revoked by us (RFC 5846 9.2)
 *	mag_serve.c  the service a registration buys: tunnel, data plane, advertisements
 *	             (6.10, 6.9.2)
 *	mag_store.c  sessions as records, and back
 *	mag_find.c   nodes of restored sessions: are they still there?
 *
 * One struct mag_session is one Binding Update List entry with the machinery around it. It is
 * created by an attachment and freed by the rule table's actions only; mag_step() may free it.
 */
#pragma once

#include <net/if.h>
#include <string.h>

#include "base/deadline.h"
#include "base/log.h"
#include "base/util.h"
#include "core/bul.h"
#include "core/fsm.h"
#include "core/outbox.h"
#include "mag/mag.h"
#include "mag/mag_counters.h"

/* ---- counters */

#define MAG_STATUS_COUNTER(status, sym, name, ev, clause) MAG_C_PBA_##sym,
#define MAG_BRA_COUNTER(status, sym, name)		  MAG_C_BRA_##sym,
enum mag_counter {
	MAG_COUNTERS(COUNTER_ENUM) MAG_STATUS_ROWS(MAG_STATUS_COUNTER) MAG_BRA_ROWS(MAG_BRA_COUNTER)
		MAG_C_MAX
};

/* ---- states and events */

// clang-format off
#define MAG_STATES(X)                                                                              \
	X(MST_NEW, "NEW")                                                                          \
	X(MST_REGISTERING, "REGISTERING")     /* request open, no service */                       \
	X(MST_FINDING, "FINDING")             /* served before a restart; is the node there? */    \
	X(MST_ACTIVE, "ACTIVE")                                                                    \
	X(MST_VERIFYING, "VERIFYING")         /* served; is the node there? then refresh */        \
	X(MST_REASSERTING, "REASSERTING")     /* overtaken; no service; is the node still here? */ \
	X(MST_REFRESHING, "REFRESHING")       /* served; re-registration open */                   \
	X(MST_RETURNING4, "RETURNING_IPV4")   /* served; selective de-registration open */         \
	X(MST_STALLED, "STALLED")             /* served until expiry; no more requests */          \
	X(MST_BACKOFF, "BACKOFF")             /* no service; another attempt later */              \
	X(MST_ROLLBACK, "ROLLBACK")           /* gives a binding back that we cannot serve */      \
	X(MST_REJECTED, "REJECTED")           /* no service, triggers unheard for a while */       \
	X(MST_BARRED, "BARRED")               /* no service until administrative action */         \
	X(MST_EXPECTED, "EXPECTED")           /* announced by its old MAG; its packets are kept */ \
	X(MST_FETCHING, "FETCHING")           /* no service; its old MAG is asked for its context */ \
	X(MST_ARRIVING, "ARRIVING")           /* served through its old MAG; request open */       \
	X(MST_LEAVING, "LEAVING")             /* its packets go to its new MAG, or are kept */     \
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
	X(MEV_ADDRESSES, "ask for other addresses")                                                \
	X(MEV_GRE_KEYS, "ask for GRE keys")                                                        \
	X(MEV_LATER, "ask later")                                                                  \
	X(MEV_CLOCK, "clock differs")                                                              \
	X(MEV_LATE, "came late")         /* timestamp refused, yet the clocks agree */             \
	X(MEV_REFUSED, "refused")                                                                  \
	X(MEV_DENIED, "denied")          /* not before administrative action */                    \
	X(MEV_MISMATCH, "not echoed")    /* ignored answer that ends retransmission */             \
	X(MEV_REVOKED, "revoked")        /* not wanted for a while */                              \
	X(MEV_REVOKED_BAR, "revoked by the administration")                                        \
	X(MEV_REVOKED_LEFT, "revoked, has left")                                                   \
	X(MEV_REVOKED_SYNC, "revoked, out of sync") /* and is here */                              \
	X(MEV_REVOKED4, "IPv4 address revoked")                                                    \
	X(MEV_DP_FAILED, "data plane failed")                                                      \
	X(MEV_LINK_LOCAL, "link-local address in use")                                             \
	X(MEV_WANTS4, "wants an IPv4 address")                                                     \
	X(MEV_RETURN4, "gives its IPv4 address back")                                              \
	X(MEV_EXPECT, "expect")          /* a fast handover's: its old MAG announces it */         \
	X(MEV_FETCH, "fetch")            /* its old MAG is known, and asked for its context */     \
	X(MEV_CONTEXT, "context")        /* of its old MAG */                                      \
	X(MEV_NO_CONTEXT, "no context")                                                            \
	X(MEV_HAND_OVER, "hand over")    /* its packets go to its new MAG, or are kept */          \
	X(MEV_RETURNED, "returned")      /* it did not go there */                                 \
	X(MEV_HANDED_OVER, "handed over") /* forwarding to its new MAG, or from its old, is over */ \
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

#define MAG_MAX_UPDATE_RATE 3	  /* per second and session, RFC 6275 12 */
#define MAG_QUICK_RETRIES   3	  /* requests repeated at once after a rejection */
#define MAG_PROMPT_MS	    100	  /* nobody moves to another MAG in less */
#define MAG_CLOCKS_AGREE_MS 300	  /* TimestampValidityWindow by default, RFC 5213 9.1 */
#define MAG_HINT_LIFE_MS    10000 /* MinDelayBeforeBCEDelete by default, RFC 5213 9.1 */
#define MAG_INFLIGHT	    4096  /* power of two */
#define MAG_LIFETIME_UNITS  65535u
#define MAG_ANSWERS	    256	 /* answers to revocations that are remembered */
#define MAG_ANSWER_LIFE_S   10	 /* several times BRIMaxRetriesNumber * MAX_BRACK_TIMEOUT */
#define MAG_ASKING_MAX	    4096 /* revocations that wait for nodes to show that they are here */
#define MAG_ASKING_MS	    800 /* for so long: more than a probe takes, less than InitMINDelayBRIs */
#define MAG_REVOKING_MS	    500	  /* requests that wait for an LMA's answer are looked at again */
#define MAG_BEHIND_MS	    10	  /* those that wait for ours to be on disk */
#define MAG_BRI_BURST	    100	  /* revocations without effect answered at once, for each LMA */
#define MAG_BRI_EVERY_MS    10	  /* and then one in so much time */
#define MAG_BACKOFF_FIRST   4u	  /* first wait, in INITIAL_BINDACK_TIMEOUTs */
#define MAG_BACKOFF_CEILING 8u	  /* longest wait, in MAX_BINDACK_TIMEOUTs */
#define MAG_VENDORS_MAX	    8	  /* Vendor Specific options of a session */
#define MAG_VENDOR_OCTETS   512	  /* theirs, without Type */
#define MAG_LINK_WAIT_MS    30000 /* how long a restored session waits for its link */

struct mag_neighbour;

struct mag_lma {
	struct mag_lma *next;
	struct mag_lma_info info; /* its name points to `name` */
	char name[32];
	bool configured;  /* false: gone from the configuration while a reload is judged */
	bool no_gre;	  /* does not know the GRE Key option; until a reload, RFC 5845 4.2 */
	bool no_global;	  /* BRA status 130; until a reload, RFC 5846 9.2 */
	bool revoking;	  /* a global revocation of ours is open */
	uint32_t answers; /* tokens: revocations without effect that may be answered */
	nsec_t answers_at;
	struct log_limit limit;
};

enum mag_request_kind {
	MRK_REGISTER, /* a refresh when a binding stands, else an initial registration */
	MRK_MOVE,     /* to another link of ours */
	MRK_DEREGISTER,
	MRK_RETURN4, /* selective de-registration of the IPv4 home address, RFC 5844 3.2.3.3 */
};

/* How a registration asks to be tunnelled. Chosen anew for each initial one; while a binding stands
 * only the LMA's answers change it (RFC 5844 4.2.2, RFC 5845 7.2). */
struct mag_terms {
	uint8_t gre; /* enum mag_gre */
	bool tlv;    /* T flag */
	bool force;  /* F flag */
};

/* What an accepting answer gives. */
struct mag_grant {
	const struct prefix6 *prefixes;
	unsigned n_prefixes;
	struct home4 home4;
	bool dhcp_relay;
	enum dp_encap encap;
	uint32_t up_key; /* keyed encapsulations only */
};

/* The request that an answer is awaited for; what an answer must echo. */
struct mag_request {
	uint16_t seq;
	uint16_t lifetime; /* units of 4 s */
	uint8_t kind;	   /* enum mag_request_kind */
	uint8_t hi, att;
	bool open;
	bool timed;	/* carried a Timestamp option */
	bool named;	/* asked for prefixes by name */
	bool hnp, hoa4; /* asked for prefixes, for an IPv4 home address */
	bool named4;	/* the latter by name */
	struct mag_terms terms;
};

struct mag_session {
	struct bule b;
	struct deadline timer;
	struct mag_lma *lma;
	struct mag_request req;
	nsec_t refresh_at;
	nsec_t quiet_until;		  /* REJECTED, BARRED */
	nsec_t hint_until;		  /* how long the trigger's 2 or 3 is certain */
	nsec_t sent[MAG_MAX_UPDATE_RATE]; /* times of the last transmissions, a ring */
	uint32_t n_sent;
	nsec_t ask4_at; /* a node without IPv4 that asks by DHCP is not heard before */
	uint32_t access_mtu;
	uint32_t down_key, up_key; /* GRE keys: ours, and what the LMA chose; ours 0: none */
	struct home4 returned4;	   /* given back, and the LMA has not confirmed that */
	struct rtx backoff;
	uint16_t domain; /* of IPv4 home addresses on its link */
	struct mag_terms terms;
	uint8_t encap; /* enum dp_encap, of b.tunnel */
	uint8_t state;
	uint8_t first_hi; /* Handoff Indicator of the initial registration, as the trigger knew */
	uint8_t move_hi;  /* of MRK_MOVE */
	uint8_t reg_att;  /* Access Technology Type that the LMA knows */
	uint8_t last_status;
	uint8_t quick;	   /* requests repeated at once since the last acceptance, or wait */
	bool registered;   /* the LMA holds a binding, as far as we know, until b.expires */
	bool overtaken;	   /* refused 157: another MAG registered it since */
	bool unproven;	   /* ARRIVING, overtaken: nothing is asked until it proves to be here */
	bool serving;	   /* data plane and advertisement are in place */
	bool asked;	   /* the LMA may know of it, be it through a lost answer */
	bool any_prefix;   /* do not ask for prefixes by name (again) */
	bool any_addr4;	   /* nor for the profile's IPv4 home address, RFC 5844 3.2.3.2 */
	bool asks6;	   /* the initial registration asked for prefixes, RFC 5844 3.2.3.3 */
	bool asked4;	   /* the LMA may have given an IPv4 home address that we do not know */
	bool released4;	   /* the node gave its IPv4 address back and has not asked again */
	bool refused4;	   /* status 170: until administrative action, RFC 5844 3.2.3.2 */
	bool short4;	   /* status 130: until the node asks again, after a while */
	bool refused6;	   /* status 172, likewise */
	bool gre_demanded; /* status 163, RFC 5845 4.2 */
	bool gre_unwanted; /* status 2, RFC 5845 4.2 */
	bool dhcp_relay;   /* RFC 5844 3.2.3.2; else DHCP server */
	bool deferred;	   /* a transmission waits for MAX_UPDATE_RATE */
	bool unrouted;	   /* restored without forwarding, though served: see mag_serve_resume() */
	bool no_link;	   /* its access link is not there; b.ifindex is of mag->missing */
	bool waits;	   /* FINDING, and its link is not up */
	nsec_t find_until; /* FINDING; NSEC_NEVER: its turn has not come */
	const char *leave_cause; /* restored, and to be de-registered in its turn */
	bool revoking;	 /* the LMA is asked by us to end it: no registration until it answers */
	uint64_t behind; /* number of the answer that its requests must not overtake */
	struct store_item *item;      /* NULL: no record */
	char ifname[IFNAMSIZ];	      /* of its access link; for the record */
	struct in6_addr node_address; /* the node's link-local one, as it was known before it is
				       * heard and when it has left; ::, not known */
	nsec_t came_at;		      /* last trigger that said that it is here */
	struct mag_vendors *vendors;  /* NULL: none */
	bool absent;		      /* left while REJECTED, BARRED or LEAVING */
	bool early; /* served, and forwarding does not go by a registration yet, RFC 5949 4.1 */
	bool local_routing;
	struct mag_ho *ho;			      /* its fast handover, or NULL */
	struct mag_session *again_next, **again_link; /* mag->again; link NULL: not in it */
	struct mag_session *end_next, **end_link;     /* mag->ending; link NULL: not in it */
	const char *end_cause;			      /* literal, while in it */
	struct mag_asking *asking; /* a revocation that waits for this node to be found or lost */
	struct mag_session *asking_next;
	uint8_t id[]; /* octets of b.mnid */
};

/* A revocation that has been answered, and how; for its repetitions. */
struct mag_answered {
	struct in6_addr peer;
	nsec_t until;
	uint64_t missing; /* of its Home Network Prefix options, those that named nothing */
	uint8_t *bri;	  /* all its octets; NULL: free */
	size_t len;
	uint8_t status; /* enum bra_status */
};

/* An access link that restored sessions name, and that is not there. */
struct mag_missing {
	struct mag_missing *next;
	unsigned ifindex; /* none that an interface can have */
	char name[IFNAMSIZ];
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
	struct heartbeat *heartbeat;
	struct store *store; /* NULL: none */
	struct mag_missing *missing;
	struct mag_session *again, **again_end; /* to be registered anew or looked for, in order */
	struct mag_fho *fho;
	struct deadline again_timer;
	struct revocation *revocation;
	struct env revocation_env;
	struct outbox answers;
	struct mag_session *ending, **ending_end; /* revoked, to be ended, in order */
	struct deadline ending_timer;
	struct mag_asking *asking; /* the newest first */
	unsigned n_asking;
	struct mag_answered answered[MAG_ANSWERS]; /* a ring */
	unsigned n_answered;
	struct mag_lma *lmas; /* in the order of the configuration */
	size_t n_released;
	uint16_t seq; /* of the last transmission in timestamp mode, RFC 5213 6.9.1.1 (6) */
	uint64_t counter[MAG_C_MAX];
	struct log_limit foreign_limit; /* lines that strangers cause */
	struct log_limit node_limit;	/* lines that access links cause */
	struct log_limit news; /* what sessions are given: no storm of them fills the log */
	/* Who sent which Sequence Number; a newer sender takes the place. Finds an answer with a
	 * wrong MN-Identifier, RFC 5213 6.9.1.2 (6). */
	struct mag_session *inflight[MAG_INFLIGHT];
};

/* What a step is about; the members after `now` are there when the event brings them. */
struct mag_ctx {
	struct mag *m;
	nsec_t now;
	const char *cause;
	const struct mh_msg *msg;
	const struct mag_grant *grant;	 /* of an accepting answer */
	const struct mag_attachment *at; /* MEV_ATTACH, MEV_MOVED */
	const struct link_node *from;	 /* MEV_MOVED; the list already holds the new place */
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
/* Our end of what goes to that LMA: Proxy-CoA or IPv4-Proxy-CoA. */
const struct in6_addr *mag_coa(const struct mag *m, const struct in6_addr *lmaa);
/* The node's profile, its realm's catch-all, or NULL. */
const struct profile *mag_profile(const struct mag *m, const struct mnid *id);
bool mag_wants_local_routing(const struct mag *m, const struct mnid *id);
/* Network-based mobility for at least one IP version (RFC 5213 6.2, RFC 5844 3.2.2). */
bool mag_entitled(const struct profile *p);
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
/* A session that is not stepped yet. 0 or -ENOMEM. */
int mag_session_new(struct mag *m, const struct mag_attachment *a, const struct mnid *id,
		    struct mag_lma *lma, struct mag_session **out);
/* Takes it out of every index and frees it. Service in the data plane stays as it is; a half that
 * was made for its key alone goes. */
void mag_session_free(struct mag *m, struct mag_session *s);
/* The node's own link-local address as the link has heard it, or as it is known from elsewhere; ::,
 * not known. */
struct in6_addr mag_node_address(const struct mag *m, const struct mag_session *s);

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
/* Takes over what the answer grants, addresses and forwarding excepted. True: the LMA has to be
 * told of a link-local address that was made here. */
bool mag_accept(struct mag_session *s, struct mag_ctx *c);

/* ---- mag_peer.c */
int mag_peers_new(struct mag *m, const struct mag_cfg *cfg);
void mag_peers_free(struct mag *m);
/* Makes these the peers; as heartbeat_set_peers(). */
int mag_peers_set(struct mag *m, const struct mag_cfg *cfg);
void mag_peers_reloaded(struct mag *m, nsec_t now);
/* One more or one less session has service from that LMA. */
void mag_peer_count(struct mag *m, struct mag_lma *l, int by, nsec_t now);
/* Its turn comes at the rate of the configuration: to be registered anew, or looked for. */
void mag_peer_await_turn(struct mag *m, struct mag_session *s, nsec_t now);
/* No turn any more, if there was one. */
void mag_peer_forget(struct mag *m, struct mag_session *s);

/* ---- mag_store.c; all of it does nothing without a store */
/* The session changed. One that is registered gets a record, others keep what they have. */
void mag_store_touch(struct mag *m, struct mag_session *s, nsec_t now);
/* It is barred, and gets a record, too. */
void mag_store_bar(struct mag *m, struct mag_session *s, nsec_t now);
/* It has nothing to be remembered for. */
void mag_store_forget(struct mag *m, struct mag_session *s);

/* ---- mag_find.c */
/* Where the link of that name is, or stands in for it while it is not there. 0: out of memory. */
unsigned mag_find_link(struct mag *m, const char *name);
bool mag_find_is_missing(unsigned ifindex);
void mag_find_free(struct mag *m);
/* The session is restored: it waits for its link or its turn. */
void mag_find_start(struct mag *m, struct mag_session *s, nsec_t now);
/* It is its turn. The session may be gone afterwards. */
void mag_find_turn(struct mag *m, struct mag_session *s, nsec_t now);
/* Something was heard of its node: a barred one is still there. */
void mag_find_heard(struct mag *m, struct mag_session *s);
/* ---- mag_fho*.c */
int mag_fho_new(struct mag *m, const struct mag_cfg *cfg, const uint8_t seed[HTABLE_SEED_LEN]);
void mag_fho_free(struct mag *m);
const char *mag_fho_fault(const struct mag_cfg *cfg); /* the key that is wrong, or NULL */
/* Takes over the neighbours of a new configuration, in two steps. 0 or -ENOMEM. */
int mag_fho_prepare(const struct mag_cfg *cfg, struct mag_neighbour **out);
void mag_fho_commit(struct mag *m, struct mag_neighbour *fresh, nsec_t now);
void mag_fho_abandon(struct mag_neighbour *fresh); /* instead; NULL: nothing */
void mag_fho_receive(struct mag *m, const struct packet *pkt, const struct mh_msg *msg, nsec_t now);
/* True: it was a neighbour's, about a Handover Initiate. */
bool mag_fho_binding_error(struct mag *m, const struct packet *pkt, const struct mh_msg *msg,
			   nsec_t now);
/* What a handover changes of where packets go. */
void mag_fho_paths(const struct mag_session *s, struct dp_session *d);
/* The session ends, or its service does: nothing of it is handed over any more. */
void mag_fho_cut(struct mag *m, struct mag_session *s);
/* The announced node that shows up there, or NULL. `id`: NULL when only its address is known. */
struct mag_session *mag_fho_expected(const struct mag *m, const struct mnid *id,
				     const struct mac *mac);
/* The node answered at a place where no session has it. */
void mag_fho_confirmed(struct mag *m, const struct link_node *n, nsec_t now);
/* The new session's node came from that access point: its old MAG is asked. False: nobody is. */
bool mag_fho_fetch(struct mag *m, struct mag_session *s, const struct mag_attachment *a,
		   nsec_t now);
/* One that is LEAVING has no place any more: somebody else is there. False: it still has it. */
bool mag_fho_displace(struct mag *m, struct mag_session *s, nsec_t now);
/* Triggers of a node whose session is LEAVING. True: it is back. */
bool mag_fho_is_back(const struct mag *m, const struct mag_session *s,
		     const struct mag_attachment *a, nsec_t now);
/* The node left while its handover is open: what is for it is kept until that is decided. */
bool mag_fho_holds(void *obj, void *arg);
void mag_fho_registered(struct mag *m, struct mag_session *s, nsec_t now);
/* An anchor has granted what the session has now. Sessions that hold any of it by the word of a
 * neighbour alone give it back. False: there are none. */
bool mag_fho_outrank(struct mag *m, const struct mag_session *s, nsec_t now);
/* Before it leaves the data plane: what became of the packets that were kept for it. */
void mag_fho_last_look(struct mag *m, const struct mag_session *s);
/* Actions of the session's rule table. */
void mag_act_fetch(void *obj, void *arg);
void mag_act_arrive(void *obj, void *arg);
void mag_act_arrive_elsewhere(void *obj, void *arg);
void mag_act_context(void *obj, void *arg);
void mag_act_hand_over(void *obj, void *arg);
void mag_act_hold(void *obj, void *arg);
void mag_act_left_link(void *obj, void *arg);
void mag_act_returned(void *obj, void *arg);
void mag_act_stays(void *obj, void *arg);
void mag_act_unexpected(void *obj, void *arg);

/* ---- mag_home4.c */
/* The default router of a home network when nobody says: its first address, or its second for the
 * node that has the first. */
struct in_addr mag_first_router(const struct prefix4 *net, struct in_addr node);
/* An address that a node can have in a home network of that prefix length. */
bool mag_home4_is_fit(const struct mag *m, struct in_addr a, uint8_t len);
/* Its next registration asks for an IPv4 home address. */
bool mag_wants4(const struct mag *m, const struct mag_session *s);
/* Adds the IPv4 Home Address Request that belongs into the open request, if any. */
void mag_add_home4(const struct mag *m, struct mag_session *s, struct mh_msg *msg);
/* What the answer grants of IPv4; needs grant->encap. */
void mag_read_home4(struct mag *m, struct mag_session *s, const struct mh_msg *msg,
		    struct mag_grant *grant, nsec_t now);
/* Ends IPv4 for the node: selective de-registration, or the end of a session without prefixes. The
 * session may be gone afterwards. */
void mag_return_home4(struct mag *m, struct mag_session *s, const char *cause, nsec_t now);

/* ---- mag_vendor.c */
/* What an accepting answer carries. */
void mag_vendors_granted(struct mag *m, struct mag_session *s, const struct mh_msg *msg,
			 nsec_t now);
/* What the node's old MAG tells: how many are taken, and how many had no room. */
unsigned mag_vendors_inherited(struct mag *m, struct mag_session *s, const struct mh_msg *msg,
			       unsigned *lost);
unsigned mag_vendors_count(const struct mag_vendors *v);
void mag_vendors_free(struct mag_session *s);

/* ---- mag_encap.c */
void mag_choose_terms(const struct mag *m, struct mag_session *s);
/* What an LMA that agrees to everything chooses. */
enum dp_encap mag_expected_encap(const struct mag_session *s);
/* Flags and GRE Key option of the open request. */
void mag_add_terms(const struct mag_session *s, struct mh_msg *msg);
/* The encapsulation that an accepting answer chose. False: it makes no sense. */
bool mag_read_encap(const struct mag_session *s, const struct mh_msg *msg, struct mag_grant *grant);
/* What an accepting answer means for later requests. */
void mag_adopt_terms(struct mag_session *s, struct mag_ctx *c);

/* ---- mag_revoke.c */
/* A Binding Revocation Indication of that LMA. */
void mag_revoke_receive(struct mag *m, struct mag_lma *lma, const struct packet *pkt,
			const struct mh_msg *msg, nsec_t now);
/* The node is here: what waited for that is answered. */
void mag_revoke_found(struct mag *m, struct mag_session *s, nsec_t now);
/* The node has left: what waited for that is carried out and answered. True: the session ended by
 * it and may be gone. */
bool mag_revoke_lost(struct mag *m, struct mag_session *s, nsec_t now);
/* The session goes, or its binding does: what waited for its node goes on without it. */
void mag_revoke_forget(struct mag *m, struct mag_session *s);
void mag_revoke_free(struct mag *m);

/* ---- mag_reply.c */
/* What revocations are sent with. */
void mag_reply_init(struct mag *m);
void mag_reply_free(struct mag *m);
/* An answer that is given now waits for the disk. */
bool mag_reply_waits(const struct mag *m);

/* ---- mag_end.c */
void mag_end_init(struct mag *m);
void mag_end_free(struct mag *m);
/* Its end is near: nothing is asked for it any more, and when its turn comes, or anything is heard
 * of its node before, it ends as revoked. */
void mag_end_later(struct mag *m, struct mag_session *s, const char *cause);
/* Ends the first of those, and arranges for the others. */
void mag_end_some(struct mag *m, nsec_t now);
/* If its end is near, it ends. The session is gone then if it was parked, else it is REJECTED. */
void mag_end_now(struct mag *m, struct mag_session *s, nsec_t now);
/* The session goes. */
void mag_end_forget(struct mag *m, struct mag_session *s);
/* The LMA knows it, or did before its node left. Registrations that wait for their first answer
 * are nothing that could be revoked: what the LMA says to them is newer than its revocation. */
bool mag_is_known(const struct mag_session *s);

/* ---- mag_act.c */
/* What the trigger knows of where the node comes from. */
void mag_take_hint(struct mag_session *s, const struct mag_attachment *a, nsec_t now);

/* ---- mag_attach.c, for announced nodes */
int mag_session_new(struct mag *m, const struct mag_attachment *a, const struct mnid *id,
		    struct mag_lma *lma, struct mag_session **out);
void mag_session_inherit(struct mag *m, struct mag_session *s, nsec_t now);
/* The same with `old`, whatever its link-layer address. It is gone then. */
void mag_session_succeed(struct mag *m, struct mag_session *s, struct mag_session *old, nsec_t now);
/* What may not be asked for, as the interface's other sessions know; they stay. */
void mag_session_learn(const struct mag *m, struct mag_session *s);

/* ---- mag_serve.c */
/* Puts the session into the data plane as it and its handover are now. 0, or -errno and the old
 * content stays. */
int mag_serve_paths(struct mag *m, struct mag_session *s);
/* Service that no registration stands behind yet: it and the advertised addresses end at
 * s->b.expires unless one does. */
int mag_serve_early(struct mag *m, struct mag_session *s, const char *cause, nsec_t now);
/* Brings service in line with an accepting answer: takes over its addresses, sets up forwarding,
 * advertises. 0, or -errno when forwarding cannot do it; then there is no service. */
int mag_serve(struct mag *m, struct mag_session *s, const struct mag_grant *grant, nsec_t now);
/*
 * Takes up the service that an earlier run gave, without a word to the node. Where its binding is
 * over, or the data plane has no longer the GRE key that the LMA sends with, it is served but for
 * forwarding (`unrouted`): the addresses are asked for again as soon as the node is found.
 */
void mag_serve_resume(struct mag *m, struct mag_session *s, nsec_t now);
/* Its link is there now. */
void mag_serve_on_link(struct mag *m, struct mag_session *s, nsec_t now);
/* What is resumed has no binding any more. */
void mag_serve_unroute(struct mag *m, struct mag_session *s);
/* Goes on without the IPv4 home address. As mag_serve(). */
int mag_serve_without_home4(struct mag *m, struct mag_session *s, const char *cause, nsec_t now);
/* Ends service, if there is any, and gives back what the data plane holds; `deprecate` tells the
 * node that its prefixes are no longer good. */
void mag_serve_stop(struct mag *m, struct mag_session *s, bool deprecate, const char *cause,
		    nsec_t now);
/* As mag_serve_stop(), but for a request that follows: the session keeps its half in the data plane
 * without addresses if that has a key, which extensions must not change (RFC 5845 3.3.2). */
void mag_serve_pause(struct mag *m, struct mag_session *s, bool deprecate, const char *cause,
		     nsec_t now);
/* Makes the session's half in the data plane, without addresses, for the sake of its key: the
 * downlink key has to be known before the LMA is asked. 0 or -errno. */
int mag_serve_key(struct mag *m, struct mag_session *s);
/* Gives back what the data plane holds of a session that is not served. */
void mag_forward_stop(struct mag *m, struct mag_session *s);
/* The node is on another link: one data-plane update, then it is advertised there. */
int mag_serve_move(struct mag *m, struct mag_session *s, const struct link_node *from);
int mag_serve_local_routing(struct mag *m, struct mag_session *s, bool on);
void mag_advertise(struct mag *m, struct mag_session *s);
/* Where it is not the same on all links: the session's link gets the router's link-local address
 * that goes with the session, if there is one yet (RFC 5213 6.8). */
void mag_link_local_on_link(struct mag *m, const struct mag_session *s);
/* A link-local address for the router that the node does not use, made here. */
void mag_make_link_local(struct mag *m, struct mag_session *s);
