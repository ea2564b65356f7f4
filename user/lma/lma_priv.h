/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the LMA share.
 *
 *	lma.c          life, entry points, reload, views for onlookers
 *	lma_conf.c     configuration: check, copy, MAG table, pools
 *	lma_req.c      a PBU as the rules below see it
 *	lma_admit.c    RFC 5213 5.3.1: the checks, in their order
 *	lma_lookup.c   RFC 5213 5.4.1: which binding a request is about
 *	lma_prefix.c   RFC 5213 5.3.2: who may have which home network prefix
 *	lma_home4.c    RFC 5844 3.1.2.2: who may have which IPv4 home address
 *	lma_addrs.c    RFC 5844 3.1.2: the two families of a session together
 *	lma_encap.c    RFC 5844 4.1.3, RFC 5845 5.2: what a tunnel looks like, and its keys
 *	lma_forward.c  a binding in cache, tunnel and data plane together
 *	lma_session.c  RFC 5213 5.3.2 to 5.3.5: the procedures
 *	lma_fsm.c      the states of a binding and of a held request
 *	lma_hold.c     RFC 5213 5.4.1: requests that wait for another's de-registration
 *	lma_pba.c      RFC 5213 5.3.6: the reply
 *	lma_reply.c    replies that wait until their change is on disk
 *	lma_store.c    bindings that outlive the daemon
 *	lma_note.c     revocations that do
 *	lma_peer.c     RFC 5847: MAGs that fail or restart, and their bindings
 *	lma_sweep.c    many bindings that end at once, in slices
 *	lma_revoke.c   RFC 5846 8.1: bindings that end here are revoked at their MAG
 *	lma_global.c   RFC 5846 8.1: all bindings of a MAG or a realm at once
 *	lma_owed.c     revocations that wait for their turn, or for their MAG to be back
 *	lma_withdraw.c RFC 5846 8.2: bindings that their MAG revokes
 *
 * A message becomes a struct lma_req, which borrows it; a struct lma_job carries it through checks
 * and procedures. Whatever a job wants to keep is copied.
 */
#pragma once

#define HASH_NONFATAL_OOM	 1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>

#include "base/deadline.h"
#include "base/log.h"
#include "core/bce.h"
#include "core/fsm.h"
#include "core/order.h"
#include "core/outbox.h"
#include "core/pool.h"
#include "core/pool4.h"
#include "core/record_revocation.h"
#include "core/rtx.h"
#include "lma/lma.h"
#include "lma/lma_counters.h"

enum lma_counter { LMA_COUNTERS(COUNTER_ENUM) LMA_C_MAX };

enum lma_state {
	LMA_ST_PENDING,
	LMA_ST_ACTIVE,
	LMA_ST_REVOKING,
	LMA_ST_DEREGISTERING,
	LMA_ST_GONE,
	LMA_ST_MAX
};

enum lma_event {
	LMA_EV_ACCEPTED, /* initial registration is through */
	LMA_EV_FAILED,	 /* initial registration is not, or the binding cannot be kept */
	LMA_EV_EXTENDED, /* registered again by the same MAG */
	LMA_EV_MOVED,	 /* registered by another MAG */
	LMA_EV_RELEASED, /* one address family was de-registered */
	LMA_EV_DEREGISTERED,
	LMA_EV_TIMEOUT,	 /* the state's deadline */
	LMA_EV_DELETED,	 /* operator's order */
	LMA_EV_ORPHANED, /* its MAG failed or restarted, and policy is to drop it */
	LMA_EV_RESTORED, /* came back from the store, as it was */
	LMA_EV_RESTORED_DEREGISTERED,
	LMA_EV_RESTORED_REVOKING,
	LMA_EV_REVOKE,	  /* its MAG is told that it ends */
	LMA_EV_REVOKED,	  /* its MAG acknowledged that, or nobody waits for it any more */
	LMA_EV_WITHDRAWN, /* its MAG revoked it */
	LMA_EV_MAX
};

enum lma_hold_state { LMA_HOLD_HELD, LMA_HOLD_SETTLED, LMA_HOLD_ST_MAX };

enum lma_hold_event {
	LMA_HOLD_EV_REPLACED,	  /* a newer request of the kind */
	LMA_HOLD_EV_DEREGISTERED, /* what it waits for happened */
	LMA_HOLD_EV_TARGET_GONE,  /* the binding ended otherwise */
	LMA_HOLD_EV_TIMEOUT,
	LMA_HOLD_EV_OVERTAKEN, /* the interface's fate was settled by a later message */
	LMA_HOLD_EV_MAX
};

struct lma_mag;
struct record_binding;

/* A Home Network Prefix option. */
struct lma_hnp {
	struct prefix6 prefix; /* masked */
	struct prefix6 raw;    /* as received, for the echo */
	uint8_t flags;
	bool zero;
};

/* An IPv4 Home Address Request option. */
struct lma_hoa4 {
	struct in_addr addr; /* 0.0.0.0: any */
	uint8_t len;
};

/* A PBU. Borrows the message, except when held. */
struct lma_req {
	struct in6_addr src, dst;
	uint16_t port;	     /* UDP source port, over IPv4 */
	struct in6_addr coa; /* Proxy-CoA: Alternate Care-of Address option, else src */
	uint16_t seq, lifetime;
	bool has_mnid, has_hi, has_att, has_timestamp, has_llid, has_link_local;
	bool force_udp, tlv;   /* flags F, T */
	bool has_gre, has_key; /* GRE Key option, and the key in it */
	uint8_t hi, att;
	struct mnid mnid; /* length 0 when absent */
	struct llid llid;
	uint64_t timestamp;
	uint32_t key; /* for packets to the node */
	struct in6_addr link_local;
	bool has_service;
	uint8_t service_len;
	const uint8_t *service;
	const char *duplicate; /* an option that may stand once stands twice */
	bool any_prefix;       /* an ALL_ZERO Home Network Prefix */
	unsigned n_asked;      /* NON_ZERO ones */
	unsigned n_hnp;
	const struct lma_hnp *hnp;
	unsigned n_hoa4;
	struct lma_hoa4 hoa4; /* the first of them */
};

/* All home addresses of a session. */
struct lma_addrs {
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	unsigned n;
	struct home4 home4;
};

/* What an accepted request made of the tunnel, and what the reply says of it. */
struct lma_encap {
	enum pba_status status; /* 0, 2 or 3 */
	enum dp_encap encap;
	bool tlv;      /* T flag */
	bool nat;      /* NAT Detection option with F = 1 */
	bool gre, key; /* GRE Key option, and a key in it */
	uint32_t up_key;
};

enum lma_lookup_kind {
	LMA_LOOKUP_NEW,
	LMA_LOOKUP_UPDATE,
	LMA_LOOKUP_HOLD,
	LMA_LOOKUP_IN_USE, /* would be a new session, but its prefixes belong to another */
	LMA_LOOKUP_FOREIGN,
	LMA_LOOKUP_SET_DIFFERS,
};

struct lma_lookup {
	enum lma_lookup_kind kind;
	struct bce *bce; /* UPDATE, HOLD: which */
	bool by_addr4;	 /* the key was the IPv4 home address */
	const char *clause;
};

/* One request on its way through the rules. */
struct lma_job {
	struct lma *l;
	const struct lma_req *req;
	struct lma_mag *mag;	 /* the sender */
	struct lma_mag *coa_mag; /* the MAG at the Proxy-CoA; NULL when no MAG is there */
	const struct profile *profile;
	enum order_verdict order;
	struct lma_lookup lookup;
	struct lma_encap encap;
	nsec_t now;
	uint64_t clock; /* time of day, format of the Timestamp option */
};

struct lma_mag {
	UT_hash_handle hh;
	struct lma_mag_cfg cfg;
	struct log_limit refusals, sessions;
	uint64_t pbu_received, pbu_rejected;
	uint32_t bindings;
	uint16_t lmaas; /* bit per address of the configuration: that bindings came to */
	uint16_t port;	/* that the latest registration came from, over IPv4 */
	struct lma_owed *owed, *owed_last; /* oldest first */
	struct lma_rev *paying;		   /* those of them that are sent */
	uint32_t n_owed;
	uint32_t owed_open; /* how many of the latter */
	bool oom;
};

/* The record of a revocation (lma_note.c): the first member of who has it. */
struct lma_note {
	struct store_item *item; /* NULL: none */
	uint8_t type;		 /* enum record_revocation_type */
};

/* Bindings of one MAG that shall end. */
struct lma_doom {
	struct lma_note note;
	struct lma_doom *next;
	struct in6_addr mag;
	struct in6_addr lmaa; /* that they were registered at; ::, any */
	nsec_t at;	      /* when they end */
	int64_t before; /* those that were registered then or earlier, be it before the machine
			 * began to count at 0 */
	enum lma_event event; /* as which */
	int trigger;	      /* revocation that the MAG is owed for each; -1: none */
	bool under_way;
	uint8_t realm_len; /* 0: of any realm */
	uint8_t realm[];   /* "@example.com" */
};

/* The MAG they are at may be configured no longer. */
struct lma_doomed {
	UT_hash_handle hh;
	struct in6_addr mag;
	struct lma_doom *dooms;
	bool oom;
};

/* A binding that is no more, and of which its MAG is still to be told. */
struct lma_owed {
	struct lma_note note;
	struct lma_owed *next;
	nsec_t until; /* pointless then: the MAG's lifetime is over too */
	struct revocation_path path;
	uint8_t trigger;
	uint8_t id_len; /* of the NAI behind the prefixes */
	uint8_t n_prefixes;
	struct home4 home4;
	struct prefix6 prefixes[];
};

enum lma_rev_kind {
	LMA_REV_END,	  /* of the binding, which is REVOKING */
	LMA_REV_IPV4,	  /* of its IPv4 home address */
	LMA_REV_HANDOVER, /* a handover of unknown kind asks for it */
	LMA_REV_MOVED,	  /* at the MAG that the binding left */
	LMA_REV_OWED,
	LMA_REV_GLOBAL,
};

/* A revocation that its MAG has not acknowledged yet. */
struct lma_rev {
	struct lma_note note;	      /* LMA_REV_GLOBAL */
	struct lma_rev *next, **link; /* of lma->revs, lma->globals or the MAG's `paying` */
	struct lma *l;
	struct bce *b;	       /* its `revocation` points back; NULL: of none, or no more */
	int id;		       /* core/revocation.h; -1: restored and not sent yet */
	struct lma_owed *owed; /* LMA_REV_MOVED, LMA_REV_OWED: what is to be told; may be NULL */
	enum lma_rev_kind kind;
	uint8_t trigger;
	struct revocation_path path;
	/* LMA_REV_GLOBAL */
	int64_t since; /* as a doom's `before` */
	uint8_t realm_len;
	uint8_t realm[]; /* "@example.com"; length 0: all */
};

struct lma_pool {
	char name[32];
	struct pool *pool;
};

struct lma_pool4 {
	char name[32];
	uint16_t domain;
	struct pool4 *pool;
	uint32_t aside; /* taken from the pool for nodes whose profiles have them, by none so far */
};

/* A configuration in force: owns all it points to. */
struct lma_conf {
	struct lma_cfg cfg; /* pools, pools4, mags and static_prefixes point to nothing here */
	struct lma_pool *pools;
	unsigned n_pools;
	struct lma_pool4 *pools4;
	unsigned n_pools4;
	struct prefix6 *statics;
	unsigned n_statics;
	struct lma_mag *mags; /* hash by address */
};

/* A request that waits (RFC 5213 5.4.1.2 (4), 5.4.1.3 (3)). */
struct lma_hold {
	struct lma_hold *next, **link; /* of lma->holds */
	struct lma *l;
	struct bce *target; /* its `owner` points back; NULL once it is gone */
	struct deadline deadline;
	nsec_t began;
	uint8_t state;
	struct lma_req *req; /* a deep copy in one piece */
};

struct lma {
	const struct env *env;
	struct dataplane *dp;
	struct tunnels *tunnels;
	const struct event_sink *sink;
	struct profiles profiles;
	struct lma_conf conf;
	struct bce_cache *cache;
	struct deadlines deadlines;
	struct lma_hold *holds;
	struct heartbeat *heartbeat;
	struct store *store; /* NULL: nothing is kept */
	struct outbox replies;
	struct revocation *revocation;
	struct env revocation_env;
	struct lma_rev *revs, *globals;
	struct deadline resume; /* of those that an earlier run had begun */
	struct deadline pay;	/* what is owed */
	uint32_t n_owed;
	struct lma_doomed *doomed; /* hash by MAG address */
	struct deadline sweep;
	bool sweeping;
	struct log_limit unknown_sources; /* all of them together */
	struct log_limit local;
	struct log_limit restores;
	uint64_t counter[LMA_C_MAX];
};

/* ---- lma_conf.c */

/* 0, -EINVAL or -ENOMEM. Makes all pools anew. */
int lma_conf_new(struct lma_conf *out, const struct lma_cfg *cfg);
void lma_conf_clear(struct lma_conf *c);
struct lma_mag *lma_conf_mag(const struct lma_conf *c, const struct in6_addr *addr);
bool lma_conf_serves(const struct lma_conf *c, const struct in6_addr *addr);
void lma_conf_announce_pool(struct lma *l, const struct pool *p);
/* Whether the prefix lies in a pool or in a static aggregate. */
bool lma_conf_owns(const struct lma_conf *c, const struct prefix6 *p);
struct pool *lma_conf_pool_of(const struct lma_conf *c, const struct prefix6 *p);
void lma_conf_announce_pool4(struct lma *l, const struct lma_pool4 *p);
/* The pool whose network the address is of; there is one at most in a domain. */
struct lma_pool4 *lma_conf_pool4_of(const struct lma_conf *c, uint16_t domain, struct in_addr addr);
/* The pool with the same network, domain and router. */
struct lma_pool4 *lma_conf_pool4_like(const struct lma_conf *c, const struct lma_pool4 *p);
/* Remembers where the MAG's latest registration came from and to. */
void lma_conf_note_path(const struct lma_conf *c, struct lma_mag *m, const struct bce_reg *reg);
/* Of either family: fit to send and get PBUs. */
bool lma_conf_addr_ok(const struct in6_addr *addr);

/* ---- lma_req.c */

/* `hnp` has room for MH_OPTS_MAX and lives as long as `out`. */
void lma_req_read(struct lma_req *out, struct lma_hnp *hnp, const struct packet *pkt,
		  const struct mh_msg *msg);
struct lma_req *lma_req_dup(const struct lma_req *r); /* one free() releases it; NULL: no memory */
/* Whether the option says something: absent, empty and all zero are the same to the rules. */
bool lma_req_has_interface(const struct lma_req *r);
/* Whether the message came over IPv4, RFC 5844 4. */
bool lma_req_is_ip4(const struct lma_req *r);

/* ---- lma_admit.c */

void lma_job_init(struct lma_job *j, struct lma *l, const struct lma_req *req, nsec_t now);
const struct profile *lma_profile_find(const struct lma *l, const struct mnid *id);
/* Whether there is one (NULL: no), and its node is to be anchored here. */
bool lma_profile_serves(const struct lma *l, const struct profile *p);
/* The first check that fails sets the status and `why`; fills j->profile and j->lookup. */
enum pba_status lma_admit(struct lma_job *j, const char **why);
/* RFC 5213 5.5, 9.3: the request's order is told by its timestamp. */
bool lma_ordered_by_timestamp(const struct lma_job *j);
/* Those of the checks whose outcome may have changed since; no look-up. */
enum pba_status lma_admit_again(struct lma_job *j, const char **why);
bool lma_mag_may_serve_prefix(const struct lma_mag *m, const struct prefix6 *p);
bool lma_mag_may_serve_node(const struct lma_mag *m, const struct mnid *id);
/* Sends the refusal, counts, logs, tells. */
void lma_refuse(struct lma_job *j, enum pba_status status, const char *why);
void lma_ignore(struct lma_job *j, enum lma_counter reason, const char *why);

/* For tests and documentation: the i-th check; NULL behind the last. */
struct lma_check_info {
	uint8_t status;
	const char *clause, *why;
};
const struct lma_check_info *lma_admit_check(size_t i);

/* ---- lma_lookup.c */

void lma_lookup(const struct lma *l, const struct lma_req *r, struct lma_lookup *out);

/* ---- lma_prefix.c */

/* Chooses prefixes for a new session and takes them from their pools. On anything but
 * PBA_ACCEPTED nothing is taken and `why` says what was missing. */
enum pba_status lma_prefix_assign(struct lma_job *j, struct prefix6 out[DP_PREFIXES_MAX],
				  unsigned *n, const char **why);
void lma_prefix_release(struct lma *l, const struct prefix6 *p, unsigned n);
/* Whether the prefix is ours, and the node may have it. */
bool lma_prefix_allowed(const struct lma *l, const struct profile *prof, const struct prefix6 *p);

/* ---- lma_home4.c */

/* Chooses the IPv4 home address of the request's option and takes it from its pool. On anything but
 * PBA_ACCEPTED nothing is taken and `why` says what was missing. */
enum pba_status lma_home4_assign(struct lma_job *j, struct home4 *out, const char **why);
void lma_home4_release(struct lma *l, const struct home4 *h);
/* Whether a pool gives the address with these values, and the node may have it. */
bool lma_home4_fits(const struct lma *l, const struct profile *prof, const struct home4 *h);
/* After a change of profiles: what none has any more is set aside no longer. */
void lma_home4_settle(struct lma *l);
/* Whether the node's profile lets it have addresses of the pool. */
bool lma_home4_pool_allowed(const struct profile *prof, const struct lma_pool4 *p);

/* ---- lma_encap.c */

/* Whether the request may be accepted at all. */
bool lma_encap_udp_forbidden(const struct lma_job *j);
bool lma_encap_gre_missing(const struct lma_job *j);
/*
 * Fills j->encap. `b` is the binding that is registered again by its MAG, else NULL: then the
 * negotiation is open. `domain` is the IPv4 home address's. PBA_ACCEPTED or 163.
 */
enum pba_status lma_encap_choose(struct lma_job *j, const struct bce *b, uint16_t domain,
				 const char **why);

/* ---- lma_addrs.c */

void lma_addrs_of(const struct bce *b, struct lma_addrs *out);
/* For a new session (`b` NULL), or for one that is registered again: what it has, and what the
 * request adds to it or gives up. Takes what is new from the pools. */
enum pba_status lma_addrs_plan(struct lma_job *j, const struct bce *b, struct lma_addrs *out,
			       const char **why);
/* Gives back what `a` has and `kept` (NULL: nothing) has not. */
void lma_addrs_release(struct lma *l, const struct lma_addrs *a, const struct lma_addrs *kept);
bool lma_addrs_eq(const struct lma_addrs *a, const struct lma_addrs *b);
/* Whether the request names another IPv4 home address than the binding's. */
bool lma_addrs_other_home4(const struct lma_req *r, const struct lma_addrs *a);

/* ---- lma_forward.c */

/* Tunnel and data plane for a new binding with its values and addresses, by j->encap. On failure
 * the tunnel may be there, for lma_session_destroy(). */
int lma_forward_start(struct lma_job *j, struct bce *b);
/* The same for a binding that comes back from the store, with the uplink GRE key it had. -ESTALE:
 * it cannot have that key. */
int lma_forward_restore(struct lma *l, struct bce *b, enum dp_mode mode, uint32_t up_key);

/* A binding on its way to other values. */
struct lma_change {
	struct bce *b;
	struct bce_reg reg, old_reg;
	struct lma_addrs addrs, old_addrs; /* both of the caller */
	dp_ref tunnel;
	bool was_keyed;
	bool whole; /* the data plane needs more than another path */
};

/* On failure everything is as it was; where memory lacks even for that, the binding is gone. On
 * success old_reg is the caller's to clear. */
int lma_forward_change(struct lma_job *j, struct lma_change *c);
/* Before a binding goes, and when its session is gone: nothing is taken from its old MAG any more. */
void lma_forward_forget_late(struct lma *l, struct bce *b);
/* Takes a family away; failure as above. */
int lma_forward_release(struct lma_job *j, struct bce *b, const struct lma_addrs *was,
			const struct lma_addrs *left);
/* The GRE keys in use; false: none are. */
bool lma_forward_keys(const struct lma *l, const struct bce *b, uint32_t *down, uint32_t *up);

/* ---- lma_session.c */

/* What an admitted request leads to. */
void lma_process(struct lma_job *j);
void lma_session_create(struct lma_job *j);
void lma_session_update(struct lma_job *j, struct bce *b);
/* RFC 5213 section 4: sender and Proxy-CoA, for every prefix of the binding. */
bool lma_mags_may_serve(const struct lma_job *j, const struct bce *b);
/* Ends what is left of a binding: data plane, tunnel, prefixes, the entry itself. */
void lma_session_destroy(struct lma *l, struct bce *b, nsec_t now);
/* One binding more (1) or less (-1) with these values at its MAG. */
void lma_session_count(struct lma *l, const struct bce_reg *reg, int by, nsec_t now);
/* The serving MAG let it go: it waits for the next one, whose request may be here already. */
void lma_session_let_go(struct lma *l, struct bce *b, nsec_t now);
void lma_session_log(struct lma *l, const struct bce *b, nsec_t now, const char *what);
void lma_session_event(struct lma *l, const struct bce *b, nsec_t now, enum event_type type);

/* ---- lma_fsm.c */

struct lma_step {
	struct lma *l;
	nsec_t now;
	nsec_t until; /* LMA_EV_RESTORED... */
};

extern const struct fsm lma_binding_fsm;
extern const struct fsm lma_hold_fsm;
/* The only doors to a binding's and a held request's state. May free the object. */
void lma_binding_step(struct lma *l, struct bce *b, enum lma_event ev, nsec_t now);
void lma_hold_step(struct lma *l, struct lma_hold *h, enum lma_hold_event ev, nsec_t now);
/* A binding is back as it was, by LMA_EV_RESTORED...; `at` ends its state. */
void lma_binding_restored(struct lma *l, struct bce *b, enum lma_event ev, nsec_t at, nsec_t now);

/* ---- lma_hold.c */

/* Holds j->req until j->lookup.bce is de-registered. */
void lma_hold_request(struct lma_job *j);
/* The binding was de-registered: whoever waits for it takes it over. */
void lma_hold_release(struct lma *l, struct bce *b, nsec_t now);
/* The binding ends otherwise: whoever waits becomes a new session at the next tick. */
void lma_hold_orphan(struct lma *l, struct bce *b, nsec_t now);
/* A message about an interface was accepted: an older request of that interface is void. */
void lma_hold_overtake(struct lma *l, const struct lma_req *r, nsec_t now);
void lma_hold_finish(struct lma_hold *h, nsec_t now); /* as a new session; frees nothing */
/* Nobody is asked: MaxDelayBeforeNewBCEAssign decides. */
void lma_hold_wait(struct lma_hold *h);
void lma_hold_free(struct lma_hold *h);

/* ---- lma_pba.c */

struct lma_pba {
	enum pba_status status;
	uint16_t seq, lifetime;
	uint64_t timestamp; /* sent when the request had one */
	/* status < 128 */
	const struct lma_addrs *addrs;
	struct in6_addr link_local;
	struct lma_encap encap; /* registrations */
};
void lma_pba_send(struct lma *l, const struct lma_req *r, const struct lma_pba *a, nsec_t now);

/* ---- lma_reply.c */

void lma_reply_send(struct lma *l, const struct packet *pkt);
void lma_reply_clear(struct lma *l);

/* ---- lma_store.c */

/* For a new binding: from here on it can be written down. 0 or -ENOMEM. */
int lma_store_add(struct lma *l, struct bce *b);
void lma_store_touch(struct lma *l, struct bce *b, nsec_t now); /* it changed */
void lma_store_remove(struct lma *l, struct bce *b, nsec_t now);

/* ---- lma_note.c; all of it does nothing without a store */

void lma_note_init(struct lma *l);
/* It has a record from here on; without memory it has none, which is counted. */
void lma_note_put(struct lma *l, struct lma_note *n, enum record_revocation_type type, nsec_t now);
void lma_note_touch(struct lma *l, struct lma_note *n, nsec_t now);
void lma_note_drop(struct lma *l, struct lma_note *n, nsec_t now);
/* A record of STORE_REVOCATION, at start; as lma_restore(). */
int lma_note_restore(struct lma *l, const struct store_record *rec, nsec_t now);

/* ---- lma_peer.c */

int lma_peers_new(struct lma *l);
void lma_peers_free(struct lma *l);
/* Makes the MAGs of `c` the peers. 0 or -ENOMEM. */
int lma_peers_set(struct lma *l, const struct lma_conf *c);
/* After a reload, when the new configuration is in force and the bindings are counted. */
void lma_peers_reloaded(struct lma *l, nsec_t now);
/* The number of the MAG's bindings changed; the newest is with our address `lmaa`, NULL: as before.
 */
void lma_peer_count(struct lma *l, const struct lma_mag *m, const struct in6_addr *lmaa,
		    nsec_t now);
void lma_peer_show(const struct lma *l, const struct lma_mag *m, struct heartbeat_info *out);

bool lma_peer_is_down(const struct lma *l, const struct lma_mag *m);

/* ---- lma_sweep.c */

void lma_sweep_init(struct lma *l);
/* Copies `d`, with a realm of d->realm_len octets at `realm`. One of the kind that waits is
 * replaced. -ENOMEM: nothing is doomed. */
int lma_doom(struct lma *l, const struct lma_doom *d, const uint8_t *realm, nsec_t now);
/* The same for one that has a record. */
int lma_doom_restore(struct lma *l, const struct lma_doom *d, const uint8_t *realm,
		     const struct store_record *rec);
void lma_sweep_arm(struct lma *l);
void lma_dooms_free(struct lma *l);

/* ---- lma_revoke.c */

int lma_revocation_new(struct lma *l);
void lma_revocation_free(struct lma *l);
/* Ends the binding: at once, or when its MAG was told. */
void lma_revoke_end(struct lma *l, struct bce *b, uint8_t trigger, nsec_t now);

/* Takes the IPv4 home address from it; with nothing left it ends. -errno: it keeps it. */
int lma_home4_drop(struct lma *l, struct bce *b, nsec_t now);

enum lma_asked {
	LMA_ASKED,	/* lma_hold_step() will follow */
	LMA_ASKED_DEAD, /* the MAG answers nobody */
	LMA_NOT_ASKED,
};
/* A held request wants the binding (RFC 5846 8.1, trigger 4). */
enum lma_asked lma_revoke_held(struct lma *l, struct bce *b, nsec_t now);
/* Its own MAG registered it again, or let it go. */
void lma_revoke_extended(struct bce *b, nsec_t now);
void lma_revoke_let_go(struct bce *b, nsec_t now);
/* It moved away from the MAG of `was`; `let_go`: that knows. */
void lma_revoke_moved(struct lma *l, struct bce *b, const struct bce_reg *was, bool let_go,
		      nsec_t now);
/* It ends: what is outstanding for it goes on without it. */
void lma_revoke_forget(struct bce *b);
/* It is revoked, and ends before its MAG has answered, which is told on. */
void lma_revoke_part(struct lma *l, struct bce *b, nsec_t now);
/* It was registered at its MAG: what would have that MAG end it is void. */
void lma_revoke_void(struct lma *l, const struct bce *b, nsec_t now);
/* What of a revocation stands in the binding's record. */
void lma_revoke_write(const struct bce *b, struct record_binding *r);
/* What a restored binding's record says is being revoked: it is once more, at the next tick. */
int lma_revoke_restore(struct lma *l, struct bce *b, const struct record_binding *r, nsec_t now);
/* The trigger of what is outstanding for it, or -1. */
int lma_revoke_trigger(const struct lma *l, const struct bce *b);
/* Sends an indication about the node's binding with these addresses; `others`: it has more there.
 * 0, or -errno of revocation_send(), and then `rev` is gone. */
int lma_revoke_send(struct lma_rev *rev, const struct mnid *id, const struct lma_addrs *addrs,
		    bool others, nsec_t now);
struct lma_rev *lma_rev_new(struct lma *l, enum lma_rev_kind kind,
			    const struct revocation_path *path, uint8_t trigger,
			    const uint8_t *realm, size_t realm_len);
/* It is over, and its record goes. */
void lma_rev_free(struct lma_rev *rev, nsec_t now);
void lma_rev_put(struct lma_rev *rev, struct lma_rev **head); /* from its list into that one */

/* Sends it. 0, or -errno of revocation_send(). */
int lma_revoke_transmit(struct lma_rev *r, struct mh_msg *msg, nsec_t now);
/* The MAG that can be told something; NULL: there is none, or it answers nobody. */
struct lma_mag *lma_revoke_hears(const struct lma *l, const struct in6_addr *coa);

/* ---- lma_global.c */

/* The MAG has answered or is given up; `tell`: it has not ended what it has. Frees it. */
void lma_global_done(struct lma *l, struct lma_rev *r, bool tell, nsec_t now);
/* From its record; goes on with lma_global_resume(). 0 or -ENOMEM. */
int lma_global_restore(struct lma *l, const struct record_revocation *v, int64_t since,
		       const struct store_record *rec, nsec_t now);
void lma_global_resume(struct lma *l, nsec_t now);

/* ---- lma_owed.c */

void lma_owed_init(struct lma *l);
/* The MAG shall be told that it has not got the binding any more. */
void lma_owe(struct lma *l, struct lma_mag *m, const struct bce *b, const struct bce_reg *was,
	     uint8_t trigger, nsec_t now);
/* What that MAG is being told of such a binding, so that a restart does not forget it. NULL: no
 * memory. */
struct lma_owed *lma_owed_keep(struct lma *l, const struct bce *b, const struct bce_reg *was,
			       uint8_t trigger, nsec_t now);
void lma_owed_drop(struct lma *l, struct lma_owed *o, nsec_t now);
/* Whether the MAG would take it to mean that binding, too. */
bool lma_owed_means(const struct lma_owed *o, const struct bce *b);
/* -ENOMEM, or -ENOSPC: too many. */
int lma_owed_restore(struct lma *l, struct lma_mag *m, const struct record_revocation *v,
		     nsec_t until, const struct store_record *rec, nsec_t now);
/* One of them is through. */
void lma_owed_done(struct lma *l, const struct in6_addr *mag, bool unsupported, nsec_t now);
void lma_owed_arm(struct lma *l, nsec_t now);
void lma_owed_free(struct lma_mag *m);
/* These MAGs are configured no longer: nothing is owed to them. */
void lma_owed_part(struct lma *l, struct lma_conf *c, nsec_t now);

/* ---- lma_withdraw.c */

/* An indication of a configured MAG. */
void lma_withdraw(struct lma *l, const struct packet *pkt, const struct mh_msg *bri, nsec_t now);

/* ---- counters */

static inline void lma_bump(struct lma *l, enum lma_counter c)
{
	l->counter[c]++;
}
