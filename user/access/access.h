/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The access side of a MAG: the Trigger Handler, and Neighbor Discovery, ARP and DHCPv4 towards
 * mobile nodes (RFC 5213 6.2 to 6.3, 6.7 to 6.9; RFC 4861; RFC 6085; RFC 6543; RFC
 *5844 3.2.4, 3.4).
 *
 * Pure logic: frames come in through access_frame(), leave through struct access_ops, time is an
 * argument. Triggers go to struct access_triggers, which the daemon binds to mag_attach() and its
 * siblings; the MAG speaks back through the struct link_ops that access_link_ops() returns.
 *
 * A node is the pair (interface, link-layer address) = struct link_node. It is:
 *
 *	seen	a frame came from it; the MAG refused it, or was not asked yet
 *	served	the MAG took it (attach returned 0) or advertises to it; it is probed when idle
 *
 * Rules that hold always: the Ethernet source identifies a node, never an option inside the
 * message; an advertisement goes to one node's link-layer address; no prefix is advertised before
 * the MAG called advertise(); memory per interface and in total is bounded, and the rate at which
 * unknown link-layer addresses reach the MAG is limited per interface and per node.
 *
 * The kernel holds the router's link-local address too and answers ordinary solicitations for it.
 * DAD for that address is defended here as well, because the kernel's address can be missing when a
 * node appears (interface just created, address being changed); a second defence is harmless.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "access/arp.h"
#include "access/dhcp4.h"
#include "access/dhcp4_relay.h"
#include "access/dhcp4_server.h"
#include "access/dhcp6_relay.h"
#include "access/nd.h"
#include "base/counter.h"
#include "base/nsec.h"
#include "core/event.h"
#include "mag/link.h"
#include "mag/mag.h"

enum access_trigger {
	ACCESS_TRIGGER_RS = 1 << 0,
	ACCESS_TRIGGER_DAD = 1 << 1,  /* NS from :: */
	ACCESS_TRIGGER_NS = 1 << 2,   /* NS or NA from an unknown link-layer address */
	ACCESS_TRIGGER_MLD = 1 << 3,  /* MLD report: what hosts send when a carrier returns */
	ACCESS_TRIGGER_ARP = 1 << 4,  /* any ARP packet of the node */
	ACCESS_TRIGGER_DHCP = 1 << 5, /* DISCOVER, REQUEST, INFORM */
};
#define ACCESS_TRIGGER_ALL 0x3fu

/* Domain-wide values; Router Advertisements must look the same at every MAG. */
struct access_cfg {
	struct mac mac;			 /* fixed link-layer address of the gateway; 0: none */
	struct in6_addr link_local;	 /* fixed link-local address; :: = per node, from the MAG */
	uint8_t cur_hop_limit;		 /* 64 */
	bool managed, other;		 /* M and O flags */
	uint16_t router_lifetime_s;	 /* AdvDefaultLifetime, 1800; <= 9000 */
	uint32_t max_rtr_adv_interval_s; /* 600 */
	uint32_t min_rtr_adv_interval_s; /* 200 */
	uint32_t max_ra_delay_ms;	 /* MAX_RA_DELAY_TIME, 500: answers to RS wait randomly */
	uint32_t min_delay_between_ras_ms; /* MinDelayBetweenRAs, 3000, min 30 (RFC 6275 13) */
	uint32_t max_nodes;		   /* in total; 100000 */
	uint32_t max_nodes_per_link;	   /* 65536 */
	uint32_t attach_rate;	    /* unknown link-layer addresses per second and link told to the
				     * MAG; 100, bursts of twice that */
	uint32_t retrigger_ms;	    /* a refused node is offered again at most this often; 1000 */
	uint32_t suspect_probe_ms;  /* probe period after a hint that the node left; 100 */
	uint32_t dhcp4_max_lease_s; /* 3600; less when the binding's granted lifetime is less */
	struct in_addr dhcp4_server_id; /* the same on every MAG; 0.0.0.0: each node's router */
};
/* All defaults, addresses of RFC 6543. */
void access_cfg_init(struct access_cfg *cfg);

struct access_link_cfg {
	unsigned ifindex;
	char name[IFNAMSIZ];
	bool point_to_point;	    /* one node at most; a new link-layer address replaces it */
	uint8_t att;		    /* Access Technology Type */
	uint32_t mtu;		    /* 0: unknown */
	struct mac mac;		    /* the interface's own, used where no fixed one is configured */
	uint32_t probe_interval_ms; /* NUD of idle nodes; 0: only on the MAG's request */
	uint32_t probe_count;	    /* unanswered probes until the node is gone; 3 */
	unsigned triggers;	    /* enum access_trigger, ored */
	uint16_t domain;	    /* of IPv4 home addresses there, for struct mag_attachment */
};

/* Where frames go. Both may be called from any access_*() call. */
struct access_ops {
	void *ctx;
	int (*send)(void *ctx, unsigned ifindex, const void *frame, size_t len);
	/* Puts that address on the interface, instead of an earlier one. May be NULL. */
	void (*set_link_local)(void *ctx, unsigned ifindex, const struct in6_addr *ll);
	/* The access technology's own way to disconnect a node. May be NULL. */
	void (*teardown)(void *ctx, const struct link_node *n);
	void (*random)(void *ctx, void *buf, size_t len);
	/* A relayed DHCPv4 message, from port 67 of the relay address to that server's. May be
	 * NULL: none is relayed. */
	int (*to_dhcp4_server)(void *ctx, struct in_addr server, const void *msg, size_t len);
};

/* What happens to a node; same contracts as mag_attach() etc. */
struct access_triggers {
	void *ctx;
	int (*attach)(void *ctx, const struct mag_attachment *a, nsec_t now);
	int (*detach)(void *ctx, const struct link_node *n, const char *cause, nsec_t now);
	unsigned (*detach_link)(void *ctx, unsigned ifindex, const char *cause, nsec_t now);
	void (*confirmed)(void *ctx, const struct link_node *n, nsec_t now);
	/* The node uses, or is about to use, the router's link-local address on its link, in a
	 * domain where that is not a fixed one (RFC 5213 6.9.1.2). May be NULL. */
	void (*link_local_in_use)(void *ctx, const struct link_node *n, const struct in6_addr *ll,
				  nsec_t now);
	/* The node gave its IPv4 home address back (cause "dhcp-release") or found somebody else
	 * with it ("dhcp-decline"). As mag_release_ipv4(). May be NULL. */
	int (*release_ipv4)(void *ctx, const struct link_node *n, struct in_addr addr,
			    const char *cause, nsec_t now);
	/* A link is up now; before nodes that were heard on it are offered. May be NULL. */
	void (*link_up)(void *ctx, unsigned ifindex, const char *name, nsec_t now);
};

#define ACCESS_COUNTERS(X)                                                                        \
	X(ACCESS_C_FRAMES, "frames", "frames received")                                           \
	X(ACCESS_C_UNKNOWN_LINK, "unknown_link", "frame on an interface that is not configured")  \
	X(ACCESS_C_LINK_DOWN, "link_is_down",                                                     \
	  "frame on an interface that counts as down; remembered for its coming up")              \
	X(ACCESS_C_OWN_MAC, "own_mac", "frame whose source is the gateway's own address")         \
	X(ACCESS_C_ROGUE_RA, "rogue_ra", "Router Advertisement from an access link, ignored")     \
	X(ACCESS_C_RS, "rs", "Router Solicitations")                                              \
	X(ACCESS_C_NS, "ns", "Neighbor Solicitations, DAD excluded")                              \
	X(ACCESS_C_DAD, "dad", "Neighbor Solicitations for duplicate address detection")          \
	X(ACCESS_C_NA, "na", "Neighbor Advertisements")                                           \
	X(ACCESS_C_MLD, "mld", "MLD messages of listeners")                                       \
	X(ACCESS_C_ECHO, "echo_reply", "Echo Replies")                                            \
	X(ACCESS_C_ECHO_FOREIGN, "echo_reply_foreign", "Echo Replies that nobody here asked for") \
	X(ACCESS_C_LLADDR_MISMATCH, "lladdr_mismatch",                                            \
	  "link-layer option differs from the Ethernet source; the source was used")              \
	X(ACCESS_C_ATTACH, "attach", "nodes offered to the MAG and taken")                        \
	X(ACCESS_C_REFUSED, "attach_refused", "nodes offered to the MAG and refused")             \
	X(ACCESS_C_TRIGGER_OFF, "trigger_off", "frame of an unknown node, trigger switched off")  \
	X(ACCESS_C_RETRIGGER_LIMITED, "retrigger_limited", "refused node came back too soon")     \
	X(ACCESS_C_RATE_LIMITED, "attach_rate_limited", "new node over the link's rate limit")    \
	X(ACCESS_C_TABLE_FULL, "node_table_full", "new node, but the table is full")              \
	X(ACCESS_C_REPLACED, "replaced", "node on a point-to-point link replaced by another")     \
	X(ACCESS_C_RA, "ra_sent", "Router Advertisements sent")                                   \
	X(ACCESS_C_RA_SOLICITED, "ra_solicited", "of these, answers to solicitations")            \
	X(ACCESS_C_RA_DEPRECATING, "ra_deprecating", "of these, with zero lifetimes")             \
	X(ACCESS_C_RS_MERGED, "rs_merged", "solicitations answered by an answer under way")       \
	X(ACCESS_C_RS_WAITING, "rs_waiting", "solicitations that waited for the registration")    \
	X(ACCESS_C_DEFENCE, "dad_defended", "advertisements defending the gateway's address")     \
	X(ACCESS_C_ROUTER4_DEFENCE, "router_defended",                                            \
	  "ARP announcements of a default router whose address a node claimed")                   \
	X(ACCESS_C_LL_IN_USE, "link_local_in_use",                                                \
	  "nodes claiming the router's own link-local address")                                   \
	X(ACCESS_C_PROBE, "probe_sent", "NUD probes sent")                                        \
	X(ACCESS_C_PROBE_FAILED, "probe_failed", "nodes gone after unanswered probes")            \
	X(ACCESS_C_LINK_DETACH, "link_detach", "nodes gone with their link")                      \
	X(ACCESS_C_SEND_FAILED, "send_failed", "frames that could not be sent")

enum access_counter { ACCESS_COUNTERS(COUNTER_ENUM) ACCESS_C_MAX };

struct access;

/* Copies the structures, not what ctx pointers point at. triggers may be bound later. */
int access_new(struct access **out, const struct access_cfg *cfg, const struct access_ops *ops,
	       const struct event_sink *sink);
void access_free(struct access **p); /* sends nothing, triggers nothing */
/* Before the first frame: breaks the circle that access needs the MAG and the MAG needs access. */
void access_bind(struct access *a, const struct access_triggers *t);
/* For mag_new(). Valid until access_free(). */
struct link_ops access_link_ops(struct access *a);
/* New domain values; nodes are told with their next advertisement. */
void access_reload(struct access *a, const struct access_cfg *cfg);

/* Adds an interface, or changes the settings of a known one. -EINVAL, -ENOMEM. A new one is down.
 */
int access_link_put(struct access *a, const struct access_link_cfg *cfg);
/* The interface went away: its nodes are detached (cause "link-gone"), then it is forgotten. */
void access_link_del(struct access *a, unsigned ifindex, nsec_t now);
void access_link_up(struct access *a, unsigned ifindex, nsec_t now);
/* Lost carrier or administratively down: its nodes are detached (cause "link-down"). */
void access_link_down(struct access *a, unsigned ifindex, nsec_t now);

/* A frame from frame_sock: Neighbor Discovery, MLD, ARP, or to UDP port 67 (arp_is_arp(),
 * dhcp4_is_request()). */
void access_frame(struct access *a, unsigned ifindex, const uint8_t *frame, size_t len,
		  bool csum_partial, nsec_t now);

/* An external trigger: as if the node had shown itself; no rate limit. -ENODEV: no such link or
 * down; -ENOSPC; else what attach returns. mnid may be NULL, and prev_ap, the access
 * point that it was at before; cause e.g. "control". */
int access_attach(struct access *a, const struct link_node *n, uint8_t handoff_hint,
		  const struct mnid *mnid, const char *prev_ap, const char *cause, nsec_t now);
/* -ENOENT when the node is not known there. */
int access_detach(struct access *a, const struct link_node *n, const char *cause, nsec_t now);

/* A hint that the node may have left: a bridge (its ifindex) lost the forwarding entry, or the
 * kernel's own neighbour entry for the node's link-local address failed. It is asked at once with
 * short probes; forwarding entries also age out of a bridge while their node is merely silent.
 * Unknown nodes are ignored. */
void access_fdb_gone(struct access *a, unsigned ifindex, const struct mac *mac, nsec_t now);
void access_neigh_failed(struct access *a, unsigned ifindex, const struct in6_addr *addr,
			 nsec_t now);
/* A proof from elsewhere that the node is there, e.g. its traffic in the data plane. */
void access_confirm(struct access *a, const struct link_node *n, nsec_t now);

nsec_t access_next(const struct access *a); /* 0: at once; NSEC_NEVER */
void access_tick(struct access *a, nsec_t now);

struct access_node_info {
	struct link_node node;
	const char *ifname;
	bool served, advertised, probing;
	struct in6_addr link_local; /* the node's, :: unknown */
	nsec_t last_seen;
	unsigned unanswered;
	unsigned n_prefixes;
	const struct prefix6 *prefixes;
	struct home4 home4; /* 0.0.0.0: none */
	bool dhcp4_relay;   /* its DHCP goes to a server behind us */
	nsec_t lease_end;   /* of the lease given here; 0: none */
};
void access_walk(const struct access *a, void (*cb)(void *ctx, const struct access_node_info *i),
		 void *ctx);
struct access_link_info {
	const struct access_link_cfg *cfg;
	bool up;
	uint32_t nodes, served;
};
void access_walk_links(const struct access *a,
		       void (*cb)(void *ctx, const struct access_link_info *i), void *ctx);

/* What the DHCPv6 relay agent needs to know of a node. False unless home network prefixes are being
 * advertised to it. */
bool access_dhcp6_node(struct access *a, const struct link_node *id, struct dhcp6_node *out);

/*
 * The relay agent for nodes whose LMA does not want the MAG to be their DHCPv4 server (RFC 5844
 * 3.4.2): `relay` is the address that servers answer to (giaddr), that of net/dhcp_sock.h.
 * n <= DHCP4_SERVERS_MAX; 0: nothing is relayed.
 */
void access_dhcp4_servers(struct access *a, struct in_addr relay, const struct in_addr *servers,
			  unsigned n);
/* A datagram to port 67 of the relay address; never one from an access link. */
void access_dhcp4_reply(struct access *a, struct in_addr from, const uint8_t *msg, size_t len,
			nsec_t now);

struct counter_set access_counters(const struct access *a);
/* Frames not taken, one counter per enum nd_verdict. */
struct counter_set access_nd_counters(const struct access *a);
/* ARP packets, one counter per enum arp_fate. */
struct counter_set access_arp_counters(const struct access *a);
/* DHCPv4 messages of nodes not taken, one counter per enum dhcp4_verdict. */
struct counter_set access_dhcp4_counters(const struct access *a);
/* What became of those taken by the server, one counter per enum dhcp4_fate. */
struct counter_set access_dhcp4_server_counters(const struct access *a);
/* What became of relayed messages of either direction, one counter per enum dhcp4_relay_fate. */
struct counter_set access_dhcp4_relay_counters(const struct access *a);
