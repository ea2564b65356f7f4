/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole PMIPv6 domain in one process: one real LMA, real MAGs, fake data planes, fake access
 * links, mobile nodes that are nothing but a place, and a network that delays, drops, duplicates
 * and reorders. The LMA has an address of either family, each MAG one of its own choice. Time moves
 * from event to event. Everything random comes from the seed, so that a seed is a test that can be
 * replayed.
 */
#pragma once

#include <stdarg.h>

#include "base/deadline.h"
#include "core/inbox.h"
#include "core/profile.h"
#include "core/tunnel.h"
#include "dataplane/dp_fake.h"
#include "lma/lma.h"
#include "mag/mag.h"
#include "sim/life.h"

#define SIM_MAGS    3
#define SIM_NODES   8
#define SIM_IFACES  2 /* of a mobile node; each has a link-layer address of its own */
#define SIM_NOWHERE (-1)
#define SIM_OFFICE  7 /* domain of the second IPv4 home network, whose addresses are the first's */

enum sim_family { SIM_IPV6, SIM_DUAL, SIM_IPV4 };

/* How a MAG signals and what it asks for. */
struct sim_mag_cfg {
	bool ip4;	/* over IPv4, from an IPv4-Proxy-CoA to the IPv4-LMAA */
	bool force_udp; /* ForceIPv4UDPEncapsulationSupport */
	bool tlv;
	enum mag_gre gre;
};

struct world_cfg {
	uint64_t seed;
	unsigned n_nodes;
	uint32_t lifetime_s;
	unsigned loss_percent, dup_percent;
	uint32_t min_delay_us, max_delay_us; /* one way; a wide range reorders */
	int skew_ms[SIM_MAGS];		     /* MAG clocks, relative to the LMA's */
	unsigned pool_bits;		     /* prefixes in the pool: 2 to this power */
	bool sequence_mode;		     /* TimestampBasedApproachInUse = 0 */
	bool no_hold;			     /* skip MaxDelayBeforeNewBCEAssign */
	bool no_llid;			     /* access links without link-layer addresses */
	bool trace;			     /* the signalling ladder on stdout */
	struct sim_mag_cfg mag[SIM_MAGS];
	enum sim_family family[SIM_NODES];
	bool static4[SIM_NODES]; /* the IPv4 address is written in the profile */
	bool office[SIM_NODES];	 /* it is of the domain SIM_OFFICE */
	unsigned pool4_bits;	 /* each IPv4 home network is of 2 to this power */
	bool refuse_udp;	 /* AcceptForcedIPv4UDPEncapsulationRequest = 0 */
	bool dhcp_relay;
	enum lma_gre gre;
	bool tlv;	      /* the LMA knows the TLV header */
	uint32_t heartbeat_s; /* HEARTBEAT_INTERVAL of all; 0: off */
	enum lma_orphans on_mag_failure, on_mag_restart;
	uint32_t mag_restart_grace_s;
	uint32_t reregister_rate;     /* of MAGs */
	bool no_heartbeat[SIM_MAGS];  /* the MAG is of a kind that does not know them */
	bool moody;		      /* policies change now and then */
	bool full;		      /* data planes refuse something now and then */
	bool revokes;		      /* LMA and MAGs know revocation (RFC 5846) */
	bool no_revocation[SIM_MAGS]; /* but this one does not */
	bool may_revoke[SIM_MAGS];    /* all its bindings at once */
	bool fast;		      /* MAGs of one family hand nodes over (RFC 5949) */
	bool mortal;		      /* roles end and begin anew, ways break in one direction */
	bool store;		      /* LMA and MAGs have a disk */
	uint32_t window_ms;	      /* of their stores */
	uint32_t disk_us;	      /* a commit takes at most that */
	unsigned keeps;		      /* enum sim_keeps: what is left of who was killed at a deed */
};
struct world_cfg world_defaults(uint64_t seed);
extern bool world_trace; /* what `trace` is by default */

struct sim_node {
	char name[32];
	struct mac mac[SIM_IFACES];
	int at[SIM_IFACES]; /* MAG, or SIM_NOWHERE */
	struct in_addr static4;
};

/* What a MAG's access link knows of a node. */
struct sim_advert {
	bool on;
	unsigned n_prefixes;
	struct prefix6 prefix[DP_PREFIXES_MAX];
	struct home4 home4;
	uint32_t mtu4;
	bool dhcp_relay;
	unsigned times, deprecated;
};

/* What the LMA's session had a moment ago, and keeps or exceeds. */
struct sim_past {
	dp_ref session;
	uint64_t timestamp;
	uint32_t up_key;
	struct in6_addr coa;
	enum dp_encap encap;
};

/* What the LMA has acknowledged of a session, and must know after a restart. */
struct sim_ack {
	bool on;
	uint64_t timestamp;
	unsigned n_prefixes;
	struct prefix6 prefix[DP_PREFIXES_MAX];
	struct in_addr home4;
	nsec_t until; /* end of the lifetime */
};

struct world;

struct sim_mag {
	struct world *w;
	struct sim_life life;
	int index;
	struct in6_addr addr; /* Proxy-CoA of its family */
	struct env env;
	struct inbox inbox;
	struct dp_fake *dp; /* that of `life` */
	struct tunnels *tunnels;
	struct mag *mag; /* NULL: it is down */
	struct link_ops links;
	struct event_sink sink;
	bool cut;  /* unreachable for the LMA, both ways */
	bool mute; /* what it sends is lost */
	bool deaf; /* what is sent to it is lost */
	struct mag_neighbour_cfg neighbour[SIM_MAGS];
	uint32_t lives; /* its Restart Counter */
	struct sim_advert advert[SIM_NODES][SIM_IFACES];
};

struct sim_lma {
	struct world *w;
	struct sim_life life;
	struct in6_addr addr, addr4;
	struct env env;
	struct inbox inbox;
	struct dp_fake *dp; /* that of `life` */
	struct tunnels *tunnels;
	struct lma *lma; /* NULL: it is down */
	struct event_sink sink;
	bool silent;	/* receives nothing, sends nothing */
	uint32_t lives; /* its Restart Counter */
};

struct world {
	struct world_cfg cfg;
	nsec_t now;
	uint64_t rng;
	struct deadlines events;
	unsigned pending; /* events in flight */
	struct profile_table *table;
	struct profiles profiles;
	struct lma_cfg lma_cfg;
	struct lma_mag_cfg mag_peers[SIM_MAGS];
	struct lma_pool_cfg pool;
	struct lma_pool4_cfg
		pool4[2]; /* "home", and "office" when any node has its address there */
	struct sim_lma lma;
	struct sim_mag mag[SIM_MAGS];
	struct sim_node node[SIM_NODES];
	struct sim_past past[SIM_NODES][SIM_IFACES];
	struct sim_ack ack[SIM_NODES][SIM_IFACES];
	nsec_t down_time; /* of who is killed by world_kill_at() */
	unsigned deaths;
	const char *prev_ap;			 /* of the attachment that is being made */
	struct prefix6 kept[8][DP_PREFIXES_MAX]; /* prefixes of views, reused in turn */
	unsigned next_kept;
	unsigned messages, steps, reloads;
	char broken[256]; /* the first invariant that did not hold; "" */
	void (*on_event)(struct world *w, const struct event *ev);
	void *user;
};

void world_init(struct world *w, const struct world_cfg *cfg);
/* LMA and MAGs take over what became of w->cfg: policies, not addresses. */
void world_reload(struct world *w);
void world_free(struct world *w);

uint64_t world_random(struct world *w);
unsigned world_below(struct world *w, unsigned n); /* 0 .. n-1 */

/* Runs to the next event or deadline not later than `until`; false when there is none (time is
 * then `until`). Checks the invariants after it. */
bool world_step(struct world *w, nsec_t until);
void world_run(struct world *w, nsec_t duration);

/* The node's interface shows up at a MAG: the MAG hears of it now. */
int world_attach(struct world *w, unsigned node, unsigned iface, int mag, uint8_t hint);
/* The same with the MAG known that it was at before (RFC 5949). */
int world_attach_from(struct world *w, unsigned node, unsigned iface, int mag, int from);
/* Somebody tells the node's MAG that it is about to go to that one. */
int world_hand_over(struct world *w, unsigned node, unsigned iface, int to);
/* The operator has the MAG register it, where it is: lifts what bars it. */
int world_order(struct world *w, unsigned node, unsigned iface);
/* The node asks for an IPv4 address by DHCP, where it is. */
int world_ask_ipv4(struct world *w, unsigned node, unsigned iface);
/* It gives its IPv4 address back by DHCP. */
int world_release_ipv4(struct world *w, unsigned node, unsigned iface);
/* It is gone; `tell` = the MAG notices now, else only when it asks. */
void world_detach(struct world *w, unsigned node, unsigned iface, bool tell);
/* Moves without the old MAG noticing; its de-registration comes `late` after the move, or never
 * when NSEC_NEVER (the MAG then finds out by asking). */
int world_move(struct world *w, unsigned node, unsigned iface, int mag, uint8_t hint, nsec_t late);

/* What is still there when a role begins anew. */
enum sim_keeps {
	SIM_KEEPS_NOTHING = 0,
	SIM_KEEPS_DISK = 1,
	SIM_KEEPS_DATA_PLANE = 2,
	SIM_KEEPS_ALL = 3,
};

#define SIM_LMA (-2) /* besides the numbers of MAGs */

/* It is killed now; it hears nothing and does nothing until it starts. Nodes of a MAG stay where
 * they are. */
void world_kill(struct world *w, int who);
/* It is killed instead of what it does as the n-th from now on, and starts again `down_time` later
 * with what it keeps. */
void world_kill_at(struct world *w, int who, unsigned n);
/* And then again, instead of the n-th thing that it does when it starts. */
void world_kill_again_at(struct world *w, int who, unsigned n);
/* Lets it live, and starts it now if it is down. */
void world_spare(struct world *w, int who);
void world_start(struct world *w, int who, unsigned keeps);
bool world_is_up(const struct world *w, int who);

/* Both at once, with nothing: no bindings, an empty data plane, the next Restart Counter. */
void world_restart_lma(struct world *w);
void world_restart_mag(struct world *w, int mag);

/* Delivers nothing that is in flight. */
void world_drop_in_flight(struct world *w);

struct lma_binding;
/* The LMA's binding of that node and interface; false: none. Prefixes stay readable for the next
 * seven views. */
bool world_binding(struct world *w, unsigned node, unsigned iface, struct lma_binding *b);
bool world_update(struct world *w, int mag, unsigned node, unsigned iface, struct mag_binding *b);
uint64_t world_counter(const struct counter_set *s, const char *name);

/* invariants.c */
void world_check(struct world *w);	 /* always true */
void world_check_quiet(struct world *w); /* true when nothing is under way any more */
void world_break(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
