/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Route netlink: what the kernel says about links, addresses, routes, neighbours and bridge
 * forwarding entries, and what we ask it to do.
 *
 * A monitor socket delivers an initial dump and then every change to the listeners. When the
 * kernel had to drop notifications (ENOBUFS), everything is dumped anew: links that vanished in
 * between are reported gone, and every listener gets its resync() call. A second socket carries
 * requests; they are synchronous and take microseconds.
 *
 * IPv4 addresses, routes and neighbours appear with IPv4-mapped addresses and prefixes (0.0.0.0/0
 * is
 * ::ffff:0:0/96), in both directions; interface addresses are IPv6 alone.
 *
 * struct nl keeps a table of the links, because interfaces are configured by name and may appear
 * later, be renamed, or vanish, and remembers which VRF our addresses live in. Nothing else is
 * kept.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "base/addr.h"
#include "base/counter.h"
#include "base/nsec.h"

struct nl;

struct nl_link {
	unsigned ifindex;
	char name[IFNAMSIZ];
	char kind[16];	 /* "bridge", "veth", ...; "" for hardware */
	unsigned master; /* bridge, bond or VRF it belongs to; 0 none */
	unsigned peer;	 /* a veth's other end; 0: none, or in another namespace */
	uint32_t mtu;
	bool up;      /* administratively */
	bool running; /* up and with carrier: frames can pass */
	bool ethernet;
	struct mac mac; /* zero unless ethernet */
	struct {
		unsigned lower; /* the interface that carries the VLAN; 0: this is no VLAN */
		uint16_t proto; /* ETH_P_8021Q, ETH_P_8021AD */
		uint16_t id;
	} vlan;
	char alias[64]; /* what an operator reads about it; cut when longer */
};

struct nl_addr {
	unsigned ifindex;
	struct in6_addr addr;
	uint8_t prefix_len;
	bool tentative, dad_failed;
};

struct nl_neigh {
	unsigned ifindex;
	struct in6_addr addr;
	struct mac mac; /* meaningful when has_mac */
	bool has_mac;
	bool reachable; /* the entry's address may be used: not incomplete, not failed */
	bool failed;	/* NUD_FAILED: resolution or probing went unanswered */
};

struct nl_fdb {
	unsigned port;	 /* ifindex of the bridge port */
	unsigned bridge; /* ifindex of the bridge; 0 if the kernel did not tell */
	struct mac mac;
};

#define NL_GATEWAYS_MAX 16

/* A change, of either family, that the answer to "where does this packet go?" may depend on. */
struct nl_routing {
	enum { NL_ROUTING_ROUTE, NL_ROUTING_RULE, NL_ROUTING_OTHER } what;
	bool gone;
	/* what the choice of a route, or by a rule, depends on besides destination and ingress */
	bool by_source;
	bool multipath; /* the flow: several next hops */
	bool opaque;	/* anything else */
	unsigned n_gateways;
	struct {
		unsigned ifindex;
		struct in6_addr addr;
	} gateway[NL_GATEWAYS_MAX];
};

/* Any member may be NULL. Everything passed is lent for the call. */
struct nl_listener {
	void *ctx;
	/* New or changed; `gone` when it was deleted. `old` is what was known before, or NULL. */
	void (*link)(void *ctx, const struct nl_link *l, const struct nl_link *old, bool gone,
		     nsec_t now);
	void (*addr)(void *ctx, const struct nl_addr *a, bool gone, nsec_t now);
	void (*route)(void *ctx, const struct prefix6 *dst, bool gone, nsec_t now);
	void (*neigh)(void *ctx, const struct nl_neigh *n, bool gone, nsec_t now);
	void (*fdb)(void *ctx, const struct nl_fdb *f, bool gone, nsec_t now);
	/* Besides the others: routes, rules, next hop objects, neighbours, links and addresses. */
	void (*routing)(void *ctx, const struct nl_routing *r, nsec_t now);
	/* Notifications were lost and the dump that repairs this has been delivered: entries that
	 * went away meanwhile (other than links) were not reported. */
	void (*resync)(void *ctx, nsec_t now);
	struct nl_listener *next; /* of struct nl */
};

#define NL_COUNTERS(X)                                                             \
	X(NL_C_EVENTS, "events", "notifications received")                         \
	X(NL_C_OVERRUNS, "overruns", "notifications lost, everything dumped anew") \
	X(NL_C_MALFORMED, "malformed", "notifications that could not be read")     \
	X(NL_C_REQUESTS, "requests", "requests sent")                              \
	X(NL_C_REQUESTS_FAILED, "requests_failed", "requests that the kernel refused")

enum nl_counter { NL_COUNTERS(COUNTER_ENUM) NL_C_MAX };

int nl_new(struct nl **out);
void nl_free(struct nl **p);
/* Adds a listener; the caller owns it and keeps it until nl_unlisten() or nl_free(). */
void nl_listen(struct nl *nl, struct nl_listener *l);
void nl_unlisten(struct nl *nl, struct nl_listener *l);

/* Dumps links, addresses, neighbours and forwarding entries to the listeners. Call once after
 * nl_listen(); returns when the dump is complete. */
int nl_start(struct nl *nl, nsec_t now);
int nl_fd(const struct nl *nl); /* poll for reading */
void nl_read(struct nl *nl, nsec_t now);

/* The link table; pointers are valid until the next nl_read(). */
const struct nl_link *nl_link_by_name(const struct nl *nl, const char *name);
const struct nl_link *nl_link_by_index(const struct nl *nl, unsigned ifindex);
void nl_walk_links(const struct nl *nl, void (*cb)(void *ctx, const struct nl_link *l), void *ctx);

/* Requests: 0 or the kernel's -errno. What is already so succeeds; deleting what is absent too. */
int nl_addr_add(struct nl *nl, unsigned ifindex, const struct in6_addr *a, uint8_t prefix_len,
		bool nodad);
int nl_addr_del(struct nl *nl, unsigned ifindex, const struct in6_addr *a, uint8_t prefix_len);
int nl_link_set_mac(struct nl *nl, unsigned ifindex, const struct mac *mac);
int nl_link_set_up(struct nl *nl, unsigned ifindex, bool up);
int nl_link_set_mtu(struct nl *nl, unsigned ifindex, uint32_t mtu);
int nl_link_set_alias(struct nl *nl, unsigned ifindex, const char *alias);
int nl_link_del(struct nl *nl, unsigned ifindex);
/* What the kernel says now, which the table above learns a moment later. -ENODEV. */
int nl_link_get(struct nl *nl, const char *name, struct nl_link *out);
/* A veth pair in this namespace; both ends are down and resolve no neighbours (NOARP). -EEXIST. */
int nl_veth_add(struct nl *nl, const char *name, const char *peer, uint32_t mtu);

/* An IPv4-mapped destination is a route of IPv4. */
enum nl_route_type {
	NL_ROUTE_UNICAST,
	NL_ROUTE_LOCAL, /* to this host, which takes the address for its own; in the local table */
	NL_ROUTE_UNREACHABLE,
	NL_ROUTE_BLACKHOLE,
};
struct nl_route {
	struct prefix6 dst;
	enum nl_route_type type;
	unsigned ifindex; /* NL_ROUTE_UNICAST: egress; 0: from the gateway. Or of NL_ROUTE_LOCAL */
	struct in6_addr gateway; /* :: none */
	uint32_t metric;	 /* 0: the kernel's default */
	uint32_t table;		 /* 0: main, or local */
};
/* Routes, addresses and neighbours that we keep resolved carry protocol number NL_ROUTE_PROTO, so
 * that an operator, and a later run, sees whose they are. */
#define NL_ROUTE_PROTO 213
int nl_route_put(struct nl *nl, const struct nl_route *r);
int nl_route_del(struct nl *nl, const struct nl_route *r);

/* How this machine would send to dst (from src, unless NULL): RTM_GETROUTE. -ENETUNREACH etc. */
struct nl_path {
	unsigned ifindex;
	struct in6_addr gateway; /* dst itself when on-link */
	struct in6_addr src;	 /* preferred source */
	uint32_t mtu;		 /* learnt by the kernel, or set on the route; 0: neither */
	bool local;		 /* dst is an address of this machine */
};
int nl_route_get(struct nl *nl, const struct in6_addr *dst, const struct in6_addr *src,
		 struct nl_path *out);
/* The same for who sends in a VRF, which is named by its interface; 0: outside of all. */
int nl_route_get_in(struct nl *nl, unsigned vrf, const struct in6_addr *dst,
		    const struct in6_addr *src, struct nl_path *out);

/* The VRF that an interface belongs to, or is; 0: none. From the link table. */
unsigned nl_vrf_of_link(const struct nl *nl, unsigned ifindex);
/* The VRF that an address of this machine lives in; 0: in none, or not ours. Sought outside of VRFs
 * first. Asks the kernel, and remembers until something changes. */
unsigned nl_vrf_of_addr(struct nl *nl, const struct in6_addr *a);

/* All routes of both families, and what all rules together depend on. The first can take a second
 * with a full Internet table. */
int nl_walk_routes(struct nl *nl, void (*cb)(void *ctx, const struct nl_routing *r), void *ctx);
int nl_rules_get(struct nl *nl, struct nl_routing *out);

/* Looks a neighbour up. -ENOENT when there is none. */
int nl_neigh_get(struct nl *nl, unsigned ifindex, const struct in6_addr *a, struct nl_neigh *out);
/* Starts resolution, and asks the kernel to keep the entry resolved (NTF_EXT_MANAGED). */
enum nl_kept {
	NL_KEPT_NOT,	   /* before Linux 5.16: repeat the call to keep the entry fresh */
	NL_KEPT_MANAGED,   /* by the kernel from now on */
	NL_KEPT_PERMANENT, /* somebody made it permanent; left alone */
};
int nl_neigh_keep(struct nl *nl, unsigned ifindex, const struct in6_addr *a); /* or -errno */
int nl_neigh_del(struct nl *nl, unsigned ifindex, const struct in6_addr *a);

/* What bears our protocol number, whichever run it is from; nl_forget.c. 0 or -errno. */
int nl_addrs_forget(struct nl *nl, unsigned ifindex); /* addresses of that interface */
int nl_neighs_forget(struct nl *nl);		      /* managed neighbours */

struct counter_set nl_counters(const struct nl *nl);

/* Writes /proc/sys/net/ipv6/conf/<ifname>/<key>, or that of ipv4, "all" included. 0 or -errno
 * (-ENOENT: no such interface or key, -EACCES, -EROFS: /proc/sys is read-only here). */
int nl_sysctl_ipv6(const char *ifname, const char *key, const char *value);
int nl_sysctl_ipv4(const char *ifname, const char *key, const char *value);
