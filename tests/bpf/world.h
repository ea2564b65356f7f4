/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A data plane with known contents, run one packet at a time through BPF_PROG_TEST_RUN, at either
 * hook, in a network namespace of the test process: t0 is the transport interface, a0 and a1 are
 * access interfaces; a route leads to a known neighbour, one to an unknown one, one nowhere.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "frame.h"
#include "pmip/abi.h"

/* The encapsulations: over IPv6, then over IPv4. Each has tunnels of its own, to a gateway and to
 * an anchor whose addresses nobody else has. */
enum kind {
	K6_IP,
	K6_GRE,
	K6_GRE_KEY,
	K4_IP,
	K4_GRE,
	K4_GRE_KEY,
	K4_UDP,
	K4_UDP_TLV,
	K4_UDP_GRE,
	K4_UDP_GRE_KEY,
	KINDS
};
struct kind_info {
	const char *name;
	const char *mag, *lma; /* the other ends */
	bool four, keyed;
	enum frame_shim shim; /* in the order of enum pm_encap */
	uint16_t overhead;
};
extern const struct kind_info kinds[KINDS];
#define KIND_PATH_MTU 1500
#define KIND_MTU(k)   (KIND_PATH_MTU - kinds[k].overhead)

/* Who is who. The node under test is an LMA (LMAA), a MAG (PCOA) and a link in a chain at once. */
#define T_MAC	   "02:00:00:00:01:01"	 /* t0 */
#define T_PEER	   "02:00:00:00:01:02"	 /* whoever sends to t0 */
#define R_MAC	   "02:00:00:00:01:ff"	 /* next hop of the route to CN */
#define A_MAC	   "00:00:5e:00:52:13"	 /* the router on a0, a1 */
#define MN_MAC	   "02:00:00:00:00:%02x" /* by slot */
#define LMAA	   "2001:db8:2::1"
#define PCOA	   "2001:db8:2::2"
#define MAG1	   "2001:db8:11::1"
#define MAG2	   "2001:db8:12::1"
#define LMA2	   "2001:db8:3::1"
#define CN	   "2001:db8:cafe::1" /* routed */
#define CN_NEIGH   "2001:db8:aaaa::1" /* routed, neighbour unknown */
#define CN_NOWHERE "2001:db8:dead::1" /* unreachable route */
#define CN_SMALL   "2001:db8:5a11::1" /* routed, path MTU 1300 */
#define OTHER	   "2001:db8:77::1"   /* an address that is nobody's here */
#define ICMP6_SRC  "2001:db8:2::3"

/* The same in IPv4. */
#define LMAA4	    "192.0.2.1"
#define PCOA4	    "192.0.2.2"
#define ICMP4_SRC   "192.0.2.3"
#define CN4	    "198.18.0.1"
#define CN4_NEIGH   "198.18.64.1"
#define CN4_NOWHERE "198.18.128.1"
#define CN4_SMALL   "198.18.192.1"
#define OTHER4	    "203.0.113.200"

enum world_slot {
	MN_1 = 1,    /* anchored, behind MAG1 */
	MN_2,	     /* anchored, behind MAG2 */
	MN_LINK,     /* on a0, anchored at LMA2 */
	MN_LINK_LR,  /* on a0, local routing allowed */
	MN_LINK_FAR, /* on a1 */
	MN_BOTH,     /* anchored here and on a0 */
	MN_LINGER,   /* anchored, deleted but lingering */
	MN_LINGER_LINK,
	MN_ALIAS,      /* second prefix of MN_1 */
	MN_ALIAS_OLD,  /* alias of an earlier owner of MN_1's slot */
	MN_CHAIN,      /* anchored towards MAG1, itself behind LMA2 */
	MN_SELF,       /* anchored, tunnel to ourselves */
	MN_UNRESOLVED, /* anchored, next hop of the tunnel not known yet */
	MN_SLOW,       /* anchored, tunnel leaves through an interface without XDP */
	MN_NOWHERE,    /* anchored, no tunnel */
	MN_SMALL,      /* anchored, tunnel MTU 1280 */
	MN_LINK_SLOW,  /* on an access interface without XDP */
	MN_STALE,      /* the slot belongs to another prefix */
	MN_FREE,       /* the pool has it, nobody is there */
	MN_TINY,       /* anchored, tunnel MTU 1200, below what IPv6 promises */
	MN_NONE,       /* no session anywhere: beyond the pool's slots and in no hash */
	MN_HASH = 70,  /* prefix outside the pools, through pm_prefix6 */

	MN_K = 80,	  /* and the following: anchored, behind a gateway by that encapsulation */
	MN_K_OTHER = 90,  /* another node behind the same gateway */
	MN_K_LINK = 100,  /* on a0, anchored at an LMA by that encapsulation */
	MN_K_WAIT = 110,  /* on a0, key announced, no answer yet: no tunnel */
	MN_DOM1 = 120,	  /* anchored behind one gateway, each with the IPv4 address DOM_ADDR4 of */
	MN_DOM2,	  /* a domain of its own */
	MN_ONLY4,	  /* anchored, no prefix at all: IPv4 address ONLY4_ADDR */
	MN_LINK_LR2,	  /* on a1, local routing allowed */
	MN_K_NEXT = 130,  /* anchored, behind a gateway by that encapsulation, next hop not known */
	MN_LEFT = 140,	  /* was on a link here, went to another gateway: MN_LEFT + 10 * kind of the
			   * tunnel    to its anchor + kind of the one to that gateway */
	MN_K_COMES = 240, /* on a0, comes from another gateway: by TUN_K_LMA and TUN_K_MAG */
	MN_ADDR4 = 256,	  /* alias of node n for its IPv4 address: MN_ADDR4 + n */
	MN_DOM_ADDR4 = 520, /* the aliases of MN_DOM1, MN_DOM2 */
	MN_SLOTS = 576
};

#define DOM_ADDR4  "10.99.0.9"
#define ONLY4_ADDR "10.99.0.10"

/* Text of an address of that node, of its IPv4 address, and of its link-layer address. */
const char *mn(enum world_slot slot) __attribute__((const));
const char *mn4(enum world_slot slot) __attribute__((const));
const char *mn_mac(enum world_slot slot) __attribute__((const));
#define MN_HASH_ADDR  "2001:db8:f00:1::1"
#define MN_HASH_STALE "2001:db8:f00:2::1"

/* Indices of tunnels, of each kind from these on: to its gateway, to its anchor, and to where the
 * next hop is not known. */
enum world_tunnel {
	TUN_MAG1 = 1,
	TUN_MAG2,
	TUN_LMA2,
	TUN_SELF,
	TUN_UNRESOLVED,
	TUN_SLOW,
	TUN_SMALL,
	TUN_TINY,
	TUN_K_MAG = 20,
	TUN_K_LMA = 40,
	TUN_K_NEXT = 60,
};

enum world_prog { AT_TRANSPORT, AT_ACCESS, AT_ACCESS2, AT_PROGS };

struct world_switches {
	bool lma, mag, framed;
	uint32_t icmp_rate, icmp_burst;
	uint32_t early_rate, fragment_rate; /* bursts as large */
	bool no_pools, no_ip4, no_ip4_outer, no_gre, no_decap_flags, mss_clamp, domains, no_buffer;
	const char *icmp6_source, *icmp4_source; /* NULL: as they are by default */
};

struct world_result {
	enum pm_verdict verdict;
	enum pm_drop_reason reason; /* with PM_V_DROPPED */
	int retval;
	struct frame out;
};

struct world;

/* NULL, with a message on stderr, when this machine lets us load no BPF. */
struct world *world_new(enum pm_hook hook, const struct world_switches *sw);
void world_free(struct world **w);

struct pm_session *world_session(struct world *w, enum world_slot slot); /* mapped memory */
int world_map(struct world *w, const char *name);			 /* fd, borrowed */
int world_prog_fd(struct world *w, enum world_prog prog);
enum pm_hook world_hook(const struct world *w);

unsigned world_ifindex(const struct world *w, enum world_prog prog);
struct pm_tunnel world_tunnel(struct world *w, uint32_t index);
void world_set_tunnel(struct world *w, uint32_t index, const struct pm_tunnel *t);

/* The key that the peer of that node chose for packets to the node (down) or from it. */
uint32_t world_peer_key(enum world_slot slot, bool up) __attribute__((const));
/* Changes what the programs know of the interface where `prog` runs. */
void world_set_iface(struct world *w, enum world_prog prog, uint32_t flags, uint16_t domain);
#define WORLD_IFACE_FLAGS (PM_I_XDP | PM_I_XDP_OUT)

/* The record in pm_slow, of which there may be one. False: there is none. */
struct world_record {
	struct pm_slow head;
	struct frame data;
};
bool world_record(struct world *w, struct world_record *rec);

/* What else the kernel is told about a packet. */
struct world_meta {
	uint32_t gso_size, gso_segs;
};

/*
 * Runs one frame and finds out what was counted. Asserts that the packet counted as received
 * exactly once, with exactly one verdict, and with a drop reason exactly when it was dropped.
 */
void world_run(struct world *w, enum world_prog prog, const struct frame *in,
	       const struct world_meta *meta, struct world_result *res);

/* All packets of all worlds ever: what was handed in and what was counted. */
struct world_account {
	uint64_t handed_in, verdicts[PM_V_MAX], drops[PM_DROP_MAX];
};
const struct world_account *world_account(enum pm_hook hook);

const char *world_verdict_name(enum pm_verdict v);
const char *world_reason_name(enum pm_drop_reason r);
