/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of access/: the tables, and the seams between its files.
 *
 *	access.c	the instance, the MAG's calls, what others ask and hint
 *	access_link.c	links
 *	access_offer.c	which signs of a node are told to the MAG, and when
 *	access_frame.c	frames; what Neighbor Discovery and MLD messages mean
 *	access_node.c	the node table
 *	access_ra.c	what nodes are told: Router Advertisements, DAD defence
 *	access_nud.c	whether nodes are still there: probes
 *	access_arp.c	ARP packets
 *	access_dhcp4.c	DHCPv4 messages: those that wait for an address, server and relay agent
 */
#pragma once

#define HASH_NONFATAL_OOM	 1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>
#include <utlist.h>

#include "access/access.h"
#include "base/deadline.h"
#include "base/htable.h"
#include "base/log.h"

struct access_link;

enum probe_mode {
	PROBE_NONE,
	PROBE_IDLE,    /* silent for an interval */
	PROBE_VERIFY,  /* the MAG asked */
	PROBE_SUSPECT, /* a hint said that it left */
};

struct access_node {
	struct link_node id; /* key: ifindex and mac, without the padding behind */
	struct hnode hnode;
	struct access_link *link;
	struct access_node *prev, *next; /* in link->seen or link->served */
	bool served;
	bool announced;		   /* EV_ATTACH was emitted */
	bool rs_waiting;	   /* solicited before there was something to advertise */
	const char *pending_cause; /* offer it to the MAG once the link is up */
	nsec_t last_seen;	   /* 0: not yet */
	nsec_t last_offer;
	struct deadline offer_timer; /* a served node showed itself anew, too soon to be offered */
	bool wants_ipv4;	     /* the MAG is to be told with the next offer */
	struct in6_addr link_local;  /* the node's own */
	struct dhcp6_memory dhcp6;

	/* IPv4 */
	nsec_t arp_spent_until, dhcp4_spent_until; /* token buckets */
	bool arp_waits;				   /* `arp_asked` came before the home address */
	struct arp_msg arp_asked;
	struct dhcp4_memory dhcp4;
	struct dhcp4_hold *held; /* owned: a message that waits for the home address */
	struct deadline hold_timer;
	nsec_t lease_end; /* 0: no lease given here */

	/* Advertisement */
	bool advertised;
	struct link_advert ad;
	struct prefix6 *prefixes; /* owned; ad.prefixes points here */
	struct deadline ra_timer;
	bool ra_just_sent; /* by advertise(), which has no clock: the tick fills in the time */
	bool ra_solicited; /* the armed advertisement answers a solicitation */
	bool ra_resumed;   /* it knows the advertisement: the tick finds the time of the next */
	unsigned ra_burst; /* initial advertisements still due */
	nsec_t last_ra;

	/* Reachability */
	struct deadline nud_timer; /* of an unserved node: its expiry */
	enum probe_mode probe;
	enum probe_mode probe_wanted; /* asked for without a clock: the tick starts it */
	const char *probe_cause;
	unsigned unanswered;
};

#define ACCESS_NODE_KEYLEN (offsetof(struct link_node, mac) + sizeof(struct mac))

struct access_link {
	struct access_link_cfg cfg;
	UT_hash_handle hh;
	bool oom;
	bool up;
	struct in6_addr link_local; /* the router's on this link, when the MAG set one */
	struct access_node *seen, *served;
	uint32_t n_seen, n_served;
	nsec_t bucket; /* attach rate: the time up to which tokens are spent */
	nsec_t arp_defence_spent_until;
	struct log_limit log;
};

struct access {
	struct access_cfg cfg;
	struct access_ops ops;
	struct access_triggers triggers;
	struct event_sink sink;
	struct access_link *links;
	struct htable nodes; /* strangers can fill it */
	struct deadlines deadlines;
	uint16_t echo_id, echo_seq;
	struct dhcp4_relay *dhcp4_relay;
	uint32_t n_held; /* DHCPv4 messages */
	uint64_t counter[ACCESS_C_MAX];
	uint64_t nd_counter[ND_VERDICT_MAX];
	uint64_t arp_counter[ARP_FATE_MAX];
	uint64_t dhcp4_counter[DHCP4_VERDICT_MAX];
	uint64_t dhcp4_server_counter[DHCP4_FATE_MAX];
};

/* What a frame says about its sender. */
struct access_sign {
	unsigned trigger; /* the switch that lets it announce a node; 0: nothing does */
	const char *cause;
	bool arrival;	 /* what hosts send when they come to a link, and seldom otherwise */
	bool solicits;	 /* an RS */
	bool wants_ipv4; /* asks for an address by DHCP */
};

/* access_node.c */
struct access_link *access_link_find(const struct access *a, unsigned ifindex);
struct access_node *access_node_find(struct access *a, const struct link_node *id);
/* Finds or makes it; NULL when its link is unknown or the table is full (counted). */
struct access_node *access_node_get(struct access *a, const struct link_node *id);
void access_node_serve(struct access_node *n, bool served);
void access_node_free(struct access *a, struct access_node *n);
/* The node is not there any more: tells the MAG and forgets it. Returns what detach said. */
int access_node_gone(struct access *a, struct access_node *n, const char *cause, nsec_t now);
void access_emit(struct access *a, enum event_type type, const struct access_node *n,
		 const char *cause, nsec_t now);
int access_send(struct access *a, unsigned ifindex, const uint8_t *frame, int len);
uint64_t access_random(struct access *a, uint64_t lo, uint64_t hi); /* lo..hi, both possible */
/* The gateway's link-layer address on that link. */
const struct mac *access_mac(const struct access *a, const struct access_link *l);
/* The router's link-local address as that node knows it. */
const struct in6_addr *access_router_ll(const struct access *a, const struct access_node *n);

/* The node's IPv4 home address while it is served with one, else NULL. */
const struct home4 *access_home4(const struct access_node *n);
/* Token bucket of `rate` per second with bursts of twice that; *spent_until is its state. */
bool access_take_token(nsec_t *spent_until, uint32_t rate, nsec_t now);

/* access_link.c */
void access_link_free_nodes(struct access *a, struct access_link *l);

/* access_offer.c */
void access_offer_init(struct access_node *n);
/* Tells the MAG of the node, and does what its answer demands. Returns what attach said. */
int access_offer(struct access *a, struct access_node *n, const char *cause, uint8_t hint,
		 const struct mnid *mnid, const char *prev_ap, nsec_t now);
/* A point-to-point link has one node: whoever was there before has left. */
void access_offer_replace(struct access *a, struct access_link *l, const struct access_node *by,
			  nsec_t now);
/* A node was heard: notes that it is there, makes it known and tells the MAG where that is due. The
 * node, or NULL when it did not become known. */
struct access_node *access_heard(struct access *a, struct access_link *l,
				 const struct link_node *id, const struct access_sign *s,
				 nsec_t now);

/* access_frame.c */
/* True, counted and logged: nobody but us may have that address. */
bool access_is_own_mac(struct access *a, struct access_link *l, const struct mac *src, nsec_t now);

/* access_arp.c */
void access_arp_frame(struct access *a, struct access_link *l, const uint8_t *frame, size_t len,
		      nsec_t now);
/* The node's home address is known now: answers what it asked last. */
void access_arp_advertised(struct access *a, struct access_node *n);

/* access_dhcp4.c */
int access_dhcp4_new(struct access *a);
void access_dhcp4_free(struct access *a);
void access_dhcp4_init(struct access_node *n);
void access_dhcp4_forget(struct access *a, struct access_node *n);
void access_dhcp4_frame(struct access *a, struct access_link *l, const uint8_t *frame, size_t len,
			bool csum_partial, nsec_t now);
/* What is advertised to the node is another than `before`. */
void access_dhcp4_advertised(struct access *a, struct access_node *n, const struct home4 *before);

/* access_ra.c */
void access_ra_init(struct access_node *n);
void access_ra_advertise(struct access *a, struct access_node *n, const struct link_advert *ad);
/* As before a restart; nothing is sent. */
void access_ra_resume(struct access *a, struct access_node *n, const struct link_advert *ad);
void access_ra_withdraw(struct access *a, struct access_node *n, bool deprecate);
void access_ra_solicited(struct access *a, struct access_node *n, nsec_t now);
void access_ra_defend(struct access *a, struct access_link *l, const struct nd_msg *m);

/* access_nud.c */
void access_nud_init(struct access_node *n);
void access_nud_alive(struct access *a, struct access_node *n, nsec_t now); /* proof of life */
void access_nud_start(struct access *a, struct access_node *n, enum probe_mode mode,
		      const char *cause);		       /* in the next tick */
void access_nud_idle(struct access *a, struct access_node *n); /* watch anew, from the next tick */
/* Not watched until it is heard, or asked for by another call. */
void access_nud_rest(struct access *a, struct access_node *n);
