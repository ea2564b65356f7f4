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
	MN_TINY,      /* anchored, tunnel MTU 1200, below what IPv6 promises */
	MN_NONE,       /* no session anywhere: beyond the pool's slots and in no hash */
	MN_HASH = 70,  /* prefix outside the pools, through pm_prefix6 */
	MN_SLOTS = 128
};

/* Text of an address of that node, and of its link-layer address. */
const char *mn(enum world_slot slot) __attribute__((const));
const char *mn_mac(enum world_slot slot) __attribute__((const));
#define MN_HASH_ADDR  "2001:db8:f00:1::1"
#define MN_HASH_STALE "2001:db8:f00:2::1"

enum world_prog { AT_TRANSPORT, AT_ACCESS, AT_ACCESS2, AT_PROGS };

struct world_switches {
	bool lma, mag, framed;
	uint32_t icmp_rate, icmp_burst;
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

const char *world_verdict_name(enum pm_verdict v);
const char *world_reason_name(enum pm_drop_reason r);
