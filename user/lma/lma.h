/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Local Mobility Anchor's control plane (RFC 5213 section 5).
 *
 * One struct lma is one anchor: a binding cache, prefix pools, the MAGs it trusts. It runs
 * without sockets and clocks: messages come in through lma_receive(), time through lma_tick(),
 * and everything goes out through struct env, struct dataplane and the event sink.
 */
#pragma once

#include "base/counter.h"
#include "core/dataplane.h"
#include "core/env.h"
#include "core/event.h"
#include "core/heartbeat.h"
#include "core/home4.h"
#include "core/profile.h"
#include "core/revocation.h"
#include "core/store.h"
#include "core/tunnel.h"

#define LMA_ADDRS_MAX 16

struct lma_pool_cfg {
	char name[32];
	struct prefix6 prefix; /* /64s are cut from it */
};

/* An IPv4 home network (RFC 5844 3.1.2.2). */
struct lma_pool4_cfg {
	char name[32];
	struct prefix4 prefix;
	struct in_addr router; /* IPv4 default router; 0.0.0.0: the network's first address */
	uint16_t domain;       /* equal addresses in another domain are other addresses; not 0:
				* sessions must have GRE keys */
};

/* The router's address that is meant. */
static inline struct in_addr lma_pool4_router(const struct lma_pool4_cfg *p)
{
	const uint32_t first = ntohl(p->prefix.addr.s_addr) + (p->prefix.len < 31);

	return p->router.s_addr ? p->router : (struct in_addr){htonl(first)};
}

/* What becomes of GRE Key options (RFC 5845 5.2). */
enum lma_gre {
	LMA_GRE_REFUSE,	 /* status 2 */
	LMA_GRE_ACCEPT,	 /* whoever asks gets it */
	LMA_GRE_REQUIRE, /* who does not ask gets status 163 */
};

/* What becomes of the bindings of a MAG that failed or restarted (RFC 5847 3). */
enum lma_orphans {
	LMA_ORPHANS_HOLD, /* they stay until their lifetime ends or another MAG takes them */
	LMA_ORPHANS_DROP,
};

/* A MAG that may register nodes, and for whom (RFC 5213 section 4). */
struct lma_mag_cfg {
	char name[32];
	struct in6_addr
		addr; /* source of its PBUs and its Proxy-CoA; IPv4-mapped: its IPv4-Proxy-CoA */
	struct prefix6 allow[8]; /* home prefixes it may serve; none: all of ours */
	unsigned n_allow;
	unsigned n_realms;
	char realms[8][64];	       /* MN-ID realms it may serve; none: all */
	bool may_revoke;	       /* all its bindings at once, RFC 5846 13 */
	char identity[MH_NAI_MAX + 1]; /* that it does so with, RFC 5846 9.2; "": any */
};

#define LMA_SERVICES_MAX 8

struct lma_cfg {
	/* LMAAs, IPv4-mapped ones too; a binding keeps the one its PBU came to */
	struct in6_addr addrs[LMA_ADDRS_MAX];
	unsigned n_addrs;
	const struct lma_pool_cfg *pools;
	unsigned n_pools;
	const struct lma_pool4_cfg
		*pools4; /* also the home networks of profiles' static addresses */
	unsigned n_pools4;
	bool accept_forced_ipv4_udp_encapsulation_request; /* RFC 5844 5.1, false */
	bool dhcp_relay; /* MAGs relay DHCP instead of being the server: S = 0, RFC 5844 3.3.4 */
	enum lma_gre gre;
	bool gre_tlv; /* the TLV header of RFC 5845 7.2 is supported */
	const struct prefix6
		*static_prefixes; /* aggregates of prefixes in profiles that we anchor */
	unsigned n_static_prefixes;
	const struct lma_mag_cfg *mags;
	unsigned n_mags;
	uint32_t max_bindings;
	uint32_t max_lifetime;	 /* s granted at most; L-40 */
	uint32_t refresh_advice; /* s; 0: no Binding Refresh Advice option */
	struct heartbeat_cfg heartbeat;
	/* RFC 5846: what ends or moves here is revoked at the MAG that had it, and a handover of
	 * unknown kind asks that MAG. False: none is sent, as in RFC 5213 alone. */
	bool binding_revocation;
	struct revocation_cfg revocation;
	enum lma_orphans on_mag_failure;
	enum lma_orphans on_mag_restart;
	uint32_t mag_restart_grace_s; /* before LMA_ORPHANS_DROP after a restart */
	/* RFC 5213 section 9.1 */
	uint32_t min_delay_before_bce_delete_ms;     /* 10000 */
	uint32_t max_delay_before_new_bce_assign_ms; /* 1500 */
	uint32_t uplink_grace_ms; /* what a node sent through its old MAG is taken so long; 0: not */
	uint32_t timestamp_validity_window_ms;	     /* 300 */
	bool hold_before_new_bce;		     /* false: skip the wait of L-30 */
	/* RFC 5213 section 9.3 */
	bool timestamp_based_approach_in_use;	     /* true */
	bool mobile_node_generated_timestamp_in_use; /* false */
	struct in6_addr fixed_mag_link_local_address_on_all_access_links;
	/* Service Selection identifiers that are known, RFC 5149; none: any is the default service
	 */
	char services[LMA_SERVICES_MAX][64];
	unsigned n_services;
};

struct lma;

/*
 * Borrows env, dp, tunnels, sink and what *profiles points to for its life (lma_reload() replaces
 * the profiles); copies cfg and *profiles. Announces the pools to the data plane.
 * 0, -ENOMEM, or -EINVAL for a configuration that contradicts itself.
 */
int lma_new(struct lma **out, const struct lma_cfg *cfg, const struct env *env,
	    struct dataplane *dp, struct tunnels *tunnels, const struct profiles *profiles,
	    const struct event_sink *sink);
/* Takes the sessions out of the data plane, gives the tunnels back and frees everything. */
void lma_free(struct lma **p);

/*
 * Takes over a new configuration while running. What can change does (MAGs, timers, pools added,
 * profiles); -EBUSY with `why` (a static string that names the key) when something cannot, and
 * then nothing changed.
 */
int lma_reload(struct lma *l, const struct lma_cfg *cfg, const struct profiles *profiles,
	       const char **why, nsec_t now);

/*
 * Durable bindings (docs/store.md): `st` has every change of one from now on. It must outlive the
 * LMA, and nothing may be written to it after that. Comes before the first message.
 */
void lma_set_store(struct lma *l, struct store *st);
/* So many records are coming: what grows with them is made as large at once. */
void lma_expect(struct lma *l, size_t n);
/* A record of STORE_BINDING or STORE_REVOCATION, at start. STORE_KEEP; STORE_DROP: it fits no
 * longer, which is logged and counted; -ENOMEM. */
int lma_restore(struct lma *l, const struct store_record *r, nsec_t now);
/* The store may have committed something: sends the replies that waited for it. */
void lma_committed(struct lma *l);

/* RFC 5847 3.2: what heartbeats say from now on. */
void lma_set_restart_counter(struct lma *l, uint32_t counter, nsec_t now);
/* Our sessions are lost: tells all MAGs (RFC 5847 3.2). */
void lma_announce_restart(struct lma *l, nsec_t now);

/* A decoded PBU (MH type 5, P flag set), Heartbeat, Binding Revocation or Binding Error that
 * arrived from pkt->src at pkt->dst; anything else is counted and ignored. */
void lma_receive(struct lma *l, const struct packet *pkt, const struct mh_msg *msg, nsec_t now);
nsec_t lma_next(const struct lma *l); /* when lma_tick() wants to be called */
void lma_tick(struct lma *l, nsec_t now);

bool lma_serves_addr(const struct lma *l, const struct in6_addr *addr);
/* Whether packets from there are from a configured MAG at all. */
bool lma_knows_mag(const struct lma *l, const struct in6_addr *addr);

/* One binding as shown; everything borrowed for the callback. */
struct lma_binding {
	struct mnid mnid;
	struct llid llid;
	uint8_t att;
	struct in6_addr lmaa;
	struct in6_addr proxy_coa;
	const char *mag_name;
	const struct prefix6 *prefixes;
	unsigned n_prefixes;
	struct home4 home4;
	enum dp_encap encap;
	uint32_t down_key, up_key; /* 0: none */
	struct in6_addr link_local;
	const char *state;
	const char *revocation; /* its trigger while its MAG is asked to end it; NULL: it is not */
	uint32_t lifetime_s;	/* granted */
	uint32_t remaining_s;
	uint64_t timestamp; /* last accepted */
	uint16_t seq;
	uint32_t handovers;
	dp_ref session, tunnel;
};
void lma_walk(const struct lma *l, nsec_t now, void (*cb)(void *ctx, const struct lma_binding *b),
	      void *ctx);
/* The same without the first `skip`, until cb returns false: page after page at no more cost than
 * all at once. */
void lma_walk_from(struct lma *l, size_t skip, nsec_t now,
		   bool (*cb)(void *ctx, const struct lma_binding *b), void *ctx);
size_t lma_count(const struct lma *l);
/* Operator's order: ends the node's bindings, by lma_revoke() with trigger 1. Returns how many. */
unsigned lma_delete(struct lma *l, const struct mnid *id, nsec_t now);

/* What an operator wants to end (RFC 5846 8.1). */
struct lma_revoke_order {
	struct mnid id;
	const struct prefix6 *prefix; /* the one binding that has it; NULL: all of the node */
	bool ipv4_only;		      /* the IPv4 home address alone */
	uint8_t trigger;	      /* enum br_trigger, below 128 */
};
/*
 * Operator's order. Traffic stops at once; the binding is shown until its MAG acknowledges or is
 * given up. Where the MAG cannot be told (it is down, or does not know revocation), and without
 * binding_revocation, the binding is gone at once. Returns how many bindings lose something;
 * -ENOENT: none; -EINVAL: a trigger that is none for a single node; else -errno: an IPv4 home
 * address could not be taken from its binding, and stays.
 */
int lma_revoke(struct lma *l, const struct lma_revoke_order *o, nsec_t now);
/* All bindings at the MAG of that name, or at any where it is NULL; only those of the realm, if
 * that is not NULL. Returns how many MAGs are told; -ENOENT: no such MAG, or no bindings there;
 * -EINVAL: neither is given, or the realm is empty or too long. */
int lma_revoke_all(struct lma *l, const char *mag, const char *realm, nsec_t now);

struct lma_pool_info {
	const char *name;
	struct prefix6 prefix;
	uint64_t size, used;
};
void lma_walk_pools(const struct lma *l, void (*cb)(void *ctx, const struct lma_pool_info *i),
		    void *ctx);

struct lma_pool4_info {
	const char *name;
	struct prefix4 prefix;
	uint16_t domain;
	uint64_t size, used;
};
void lma_walk_pools4(const struct lma *l, void (*cb)(void *ctx, const struct lma_pool4_info *i),
		     void *ctx);

struct lma_mag_info {
	const char *name;
	struct in6_addr addr;
	uint64_t pbu_received, pbu_rejected;
	uint32_t bindings;
	struct heartbeat_info heartbeat;
};
void lma_walk_mags(const struct lma *l, void (*cb)(void *ctx, const struct lma_mag_info *i),
		   void *ctx);

struct counter_set lma_counters(const struct lma *l); /* one per PBA status sent, and more */
struct counter_set lma_heartbeat_counters(const struct lma *l);
struct counter_set lma_revocation_counters(const struct lma *l);
