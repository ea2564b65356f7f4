/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Mobile Access Gateway's control plane (RFC 5213 section 6).
 *
 * One struct mag holds the binding update list. Triggers from the access links come in through
 * mag_attach(), mag_detach(), mag_confirmed(); messages through mag_receive(); time through
 * mag_tick(). It speaks to nodes through struct link_ops, to LMAs through struct env, to forwarding
 * through struct dataplane.
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
#include "mag/link.h"

struct mag_lma_cfg {
	char name[32];
	struct in6_addr addr; /* LMAA; IPv4-mapped: IPv4-LMAA, then ipv4_proxy_coa is our end */
};

#define MAG_CONTEXT_VENDORS_MAX 16

/* Which Vendor Specific options a node's old MAG is asked for (RFC 5949 6.2.1, RFC 5094 3). */
struct mag_vendor_cfg {
	uint32_t id;
	uint32_t subtype; /* 0..255 */
};

#define MAG_AP_ID_LEN  64
#define MAG_AP_IDS_MAX 64

/* Another MAG, which nodes may come from and go to by fast handover (RFC 5949). */
struct mag_neighbour_cfg {
	char name[32];
	struct in6_addr addr; /* its Proxy-CoA; IPv4-mapped: its IPv4-Proxy-CoA */
	uint8_t encap; /* enum dp_encap; DP_ENCAP_MAX: as between LMA and MAG, RFC 5949 4.2 */
	char ap_ids[MAG_AP_IDS_MAX][MAG_AP_ID_LEN]; /* its access points: link-layer address, SSID,
						     * or whatever else the triggers say */
	unsigned n_ap_ids;
};

struct mag_fho_cfg {
	bool buffer_at_old;	/* keep packets at the old MAG until the new one asks for them */
	uint32_t hi_timeout_ms; /* first retransmission of HI, RFC 5568 9: 100; doubled */
	uint32_t hi_retries;	/* HI_RETRIES, RFC 5568 9: 3 */
	uint32_t forwarding_ms; /* a handover ends after that in any case */
	uint32_t settle_ms;	/* packets over the old path are taken so long */
	uint32_t leave_ms;	/* a trigger of the node within that is not its return */
	uint32_t max;		/* handovers at a time */
	uint32_t hi_rate;	/* Handover Initiates per second and neighbour; 0: no limit */
	struct mag_vendor_cfg vendors[MAG_CONTEXT_VENDORS_MAX];
	unsigned n_vendors;
};

/* Which GRE Key option registrations carry (RFC 5845 4.2). */
enum mag_gre {
	MAG_GRE_NONE,
	MAG_GRE_PLAIN, /* GRE without keys */
	MAG_GRE_KEYS,
};

struct mag_cfg {
	struct in6_addr proxy_coa;	/* ::, when all LMAs are IPv4 ones */
	struct in6_addr ipv4_proxy_coa; /* IPv4-mapped; ::, when all LMAs are IPv6 ones */
	bool force_ipv4_udp_encapsulation_support; /* F flag over IPv4, RFC 5844 5.2; false */
	enum mag_gre gre;
	bool gre_tlv; /* T flag over IPv4: GRE in UDP with the TLV header, RFC 5845 7.2 */
	const struct mag_lma_cfg
		*lmas; /* those whose PBAs are believed; the first is the default */
	unsigned n_lmas;
	uint32_t max_bindings;
	uint32_t lifetime;	  /* s asked for; rounded down to a multiple of 4 */
	uint32_t refresh_percent; /* re-register when this part of the granted lifetime is over */
	uint32_t tunnel_mtu;	  /* default while the path's is unknown, and never more than
				   * this, RFC 5213 6.9.5; 0: from the path alone */
	struct heartbeat_cfg heartbeat;
	struct revocation_cfg revocation;
	char identity[MH_NAI_MAX + 1]; /* NAI of this MAG in global revocations, RFC 5846 9.2 */
	uint32_t reregister_rate;      /* sessions per second when an LMA is back; 0: at once */
	const struct mag_neighbour_cfg *neighbours;
	unsigned n_neighbours;
	struct mag_fho_cfg fho;
	/* RFC 6275 section 12 */
	uint32_t initial_bindack_timeout_ms; /* 1000 */
	uint32_t max_bindack_timeout_ms;     /* 32000 */
	/* RFC 5213 section 9.2, 9.3 */
	bool enable_mag_local_routing;					  /* false */
	bool timestamp_based_approach_in_use;				  /* true */
	bool mobile_node_generated_timestamp_in_use;			  /* false */
	struct in6_addr fixed_mag_link_local_address_on_all_access_links; /* RFC 6543 by default */
	struct mac fixed_mag_link_layer_address_on_all_access_links;
	char realm[64];		  /* nodes without a profile are mac@realm; "": they are refused */
	bool deprecate_on_detach; /* final RA with zero lifetimes when the session ends here */
};

struct mag;

/* Borrows env, dp, tunnels, links, sink and what *profiles points to for its life (mag_reload()
 * replaces the profiles); copies cfg and *profiles. */
int mag_new(struct mag **out, const struct mag_cfg *cfg, const struct env *env,
	    struct dataplane *dp, struct tunnels *tunnels, const struct profiles *profiles,
	    const struct link_ops *links, const struct event_sink *sink);
/* Sends nothing and leaves forwarding as it is: the data plane serves on while a daemon restarts.
 * The store keeps all records; it must make no batch afterwards, for the sessions are gone. */
void mag_free(struct mag **p);
/* As lma_reload(). */
int mag_reload(struct mag *m, const struct mag_cfg *cfg, const struct profiles *profiles,
	       const char **why, nsec_t now);

/*
 * Sessions outlive the daemon. Each whose binding stands has a record of kind STORE_UPDATE, and so
 * has one that is barred, which it is after a restart as well, if its node is still there. After a
 * restart its node is served as before, and looked for, reregister_rate of them in a second: one
 * that is there is registered again and knows nothing of it, one that is not is de-registered.
 * Nothing is registered for a node before it has proved to be there, since it may be at another MAG
 * by now.
 *
 * The store is borrowed; to be set before the first session.
 */
void mag_set_store(struct mag *m, struct store *st);
/* The store may have committed something: sends the answers that waited for it. */
void mag_committed(struct mag *m);
/* To be called for all records when the links are known, before anything else happens. STORE_KEEP,
 * STORE_DROP or -ENOMEM. */
int mag_restore(struct mag *m, const struct store_record *r, nsec_t now);
/* The MAG forgot sessions that its LMAs may still have: records that nobody can read. */
bool mag_lost_sessions(const struct mag *m);
/* An access link is up; restored sessions that waited for it go on. */
void mag_link_up(struct mag *m, unsigned ifindex, const char *name, nsec_t now);

/* A trigger: a node showed up on an access link (RFC 5213 6.9.1.1 and the Trigger Handler). */
struct mag_attachment {
	struct link_node node;
	uint8_t att;	      /* of the access link */
	uint8_t handoff_hint; /* enum handoff_ind if the trigger knows, else HI_RESERVED */
	uint32_t access_mtu;  /* of the access link */
	uint16_t domain;      /* of IPv4 home addresses on that link; not 0 needs MAG_GRE_KEYS */
	/* It asks for an IPv4 address by DHCP: undoes mag_release_ipv4(); a session without IPv4 is
	 * registered again to get one, RFC 5844 3.4.3. */
	bool wants_ipv4;
	const char *prev_ap; /* the access point that it was at before, or NULL */
	const struct mnid
		*mnid;	   /* given by an external trigger, or NULL: from the profile or realm */
	const char *cause; /* "rs", "ns", "dad", "mld", MAG_CAUSE_CONTROL, ... */
};
/* An operator's order: lifts what waits for administrative action (RFC 5213 6.9.1.2). */
#define MAG_CAUSE_CONTROL "control"

/* A known node at the same place is registered anew, because it may have been at another MAG since
 * it was seen last; callers pace that. While a request is open it is only confirmed. 0; -EPERM: not
 * entitled, or rejected by its LMA a short while ago; -ENOSPC; -ENOMEM; -EINVAL. */
int mag_attach(struct mag *m, const struct mag_attachment *a, nsec_t now);
/* The node left. -ENOENT when it is not known there. */
int mag_detach(struct mag *m, const struct link_node *n, const char *cause, nsec_t now);
/* The interface went down or away: everybody on it left. Returns how many. */
unsigned mag_detach_link(struct mag *m, unsigned ifindex, const char *cause, nsec_t now);
/* The node proved to be there (answer to verify(), or any trigger traffic). */
void mag_confirmed(struct mag *m, const struct link_node *n, nsec_t now);
/* DHCPRELEASE, DHCPDECLINE: the node gives that address back and keeps its prefixes (RFC 5844
 * 3.4.3); with nothing left the session ends. -ENOENT when it does not have it. */
int mag_release_ipv4(struct mag *m, const struct link_node *n, struct in_addr addr,
		     const char *cause, nsec_t now);
/* By MN-ID, for the control socket. */
int mag_detach_mnid(struct mag *m, const struct mnid *id, const char *cause, nsec_t now);
/* The node itself uses that link-local address on its link. Where it is the one that the LMA gave
 * the router, another is taken and uploaded (RFC 5213 6.9.1.2 item 15). */
void mag_link_local_in_use(struct mag *m, const struct link_node *n, const struct in6_addr *ll,
			   nsec_t now);
/* The path to an LMA changed its MTU: advertise anew (RFC 5213 6.9.5). */
void mag_mtu_changed(struct mag *m, dp_ref tunnel, nsec_t now);

/* RFC 5847 3.2: what heartbeats say from now on. */
void mag_set_restart_counter(struct mag *m, uint32_t counter, nsec_t now);
/* Trigger of a predictive fast handover (RFC 5949 4.1): the node is about to leave for that access
 * point. -ENOENT: no such node is served here; -ENXIO: the access point is no neighbour's;
 * -EALREADY; -EBUSY: it is being handed over elsewhere; -ENOSPC; -ENOMEM; -EOPNOTSUPP: the
 * neighbour does not know fast handover. */
int mag_handover(struct mag *m, const struct mnid *id, const char *ap_id, nsec_t now);

/* Some of our sessions are lost: tells all LMAs (RFC 5847 3.2). Those that are not are registered
 * anew once their nodes are found. */
void mag_announce_restart(struct mag *m, nsec_t now);

/* Operator's order: asks the LMA of that address, NULL: every LMA, by one global revocation to end
 * all bindings of this MAG (RFC 5846 9.2). The sessions end when it accepts or never answers; they
 * stay when it refuses, which is logged and counted. Returns how many LMAs are being asked;
 * -ENOENT: no such LMA, or no sessions with it; -EINVAL: no `identity` is configured; -EACCES: the
 * LMA answered status 130 before, and is not asked again before a reload; or as revocation_send().
 */
int mag_revoke_all(struct mag *m, const struct in6_addr *lma, nsec_t now);

/* A decoded PBA (type 6), BRR (type 0), BE (type 7), Heartbeat (type 13) Binding Revocation
 * (type 16), Handover Initiate (14) or Handover Acknowledge (15); others are counted. */
void mag_receive(struct mag *m, const struct packet *pkt, const struct mh_msg *msg, nsec_t now);
nsec_t mag_next(const struct mag *m);
void mag_tick(struct mag *m, nsec_t now);

bool mag_serves_addr(const struct mag *m, const struct in6_addr *addr);
bool mag_knows_lma(const struct mag *m, const struct in6_addr *addr);

/* Vendor Specific options that the LMA gave with a session, or the node's old MAG. */
struct mag_vendors;
struct mag_vendor {
	uint32_t id;
	uint8_t subtype, len;
	const uint8_t *data;
};
/* The next one; *at begins as 0. False: there is none. `v` may be NULL. */
bool mag_vendors_next(const struct mag_vendors *v, unsigned *at, struct mag_vendor *out);

struct mag_binding {
	struct mnid mnid;
	struct link_node node;
	const char *ifname; /* of a link that is not there; else NULL */
	uint8_t att;
	struct in6_addr lmaa;
	const char *lma_name;
	const struct prefix6 *prefixes;
	unsigned n_prefixes;
	struct home4 home4;
	enum dp_encap encap;
	uint32_t down_key, up_key; /* 0: none */
	bool dhcp_relay;
	struct in6_addr link_local;
	const struct mag_vendors *vendors; /* borrowed; NULL: none */
	const char *state;
	uint32_t lifetime_s, remaining_s; /* granted by the LMA */
	uint16_t seq;
	uint32_t retransmissions; /* of the request that is open */
	uint8_t last_status;
	dp_ref session, tunnel;
};
void mag_walk(const struct mag *m, nsec_t now, void (*cb)(void *ctx, const struct mag_binding *b),
	      void *ctx);
size_t mag_count(const struct mag *m);

struct mag_lma_info {
	const char *name;
	struct in6_addr addr;
	uint64_t pbu_sent, pba_received, pba_rejected;
	uint32_t bindings;
	struct heartbeat_info heartbeat;
	int64_t clock_offset_ms; /* its clock minus ours, as of its last status 156; 0: none came */
};
void mag_walk_lmas(const struct mag *m, void (*cb)(void *ctx, const struct mag_lma_info *i),
		   void *ctx);

#define MAG_HANDOVER_ID_MAX (MH_NAI_MAX + 1)

/* A fast handover in progress, or how it ended. */
struct mag_handover {
	const char *mn_id; /* as text */
	const char *neighbour;
	struct in6_addr address; /* the neighbour's */
	const char *role;	 /* "old", "new": which of the two gateways this one is */
	const char *mode;	 /* "predictive", "reactive" */
	const char *state;
	const char *result;  /* NULL: in progress */
	uint64_t age_ms;     /* since it began; when it is over: how long it took */
	uint64_t over_ms;    /* since it ended */
	nsec_t answer;	     /* its first Handover Initiate's; NSEC_NEVER: none, or not yet */
	nsec_t registration; /* after the node arrived; NSEC_NEVER: not here, or not yet */
	unsigned retransmissions;
	dp_ref session; /* 0: none */
	/* during this handover; packets of one that is over may still wait */
	struct dp_buffered buffered;
};
/* Those in progress, then the last ones that are over, the newest first. */
void mag_walk_handovers(const struct mag *m, nsec_t now,
			void (*cb)(void *ctx, const struct mag_handover *h), void *ctx);
unsigned mag_handovers(const struct mag *m); /* in progress */

struct mag_neighbour_info {
	const struct mag_neighbour_cfg *cfg;
	unsigned handovers; /* in progress with it */
	bool no_fho;	    /* it said lately that it does not know fast handover */
};
void mag_walk_neighbours(const struct mag *m, nsec_t now,
			 void (*cb)(void *ctx, const struct mag_neighbour_info *i), void *ctx);

struct counter_set mag_handover_counters(const struct mag *m);

/* How many took so long, from the first of these bounds on to below the second; 0: no bound. */
struct mag_latency {
	uint32_t from_ms, below_ms;
	uint64_t answer;       /* Handover Initiate to Handover Acknowledge */
	uint64_t registration; /* a node's arrival to its registration */
	uint64_t whole;	       /* a handover's first message to its end */
};
/* From the shortest on, without gaps. */
void mag_walk_latencies(const struct mag *m, void (*cb)(void *ctx, const struct mag_latency *l),
			void *ctx);

struct counter_set mag_counters(const struct mag *m); /* one per PBA status received, and more */
struct counter_set mag_heartbeat_counters(const struct mag *m);
struct counter_set mag_revocation_counters(const struct mag *m);
