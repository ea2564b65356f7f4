/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What forwarding must be able to do, and nothing about how.
 *
 * dp_bpf (eBPF maps and programs) and dp_fake (tests) implement it. The core keeps two kinds of
 * objects in it:
 *
 *	peer     a tunnel: local and remote outer address, encapsulation
 *	session  one half of a mobile node's mobility session: prefixes, where packets TO the node
 *	         go (`down`), where packets FROM the node go (`up`)
 *
 * A session half belongs to a role. The LMA's half (DP_ANCHOR) says: the node is behind that
 * peer. The MAG's half (DP_ACCESS) says: the node is on that link, its traffic goes to that peer.
 * Where both roles run in one daemon and hold the same prefix, the implementation joins the
 * halves: an anchor half whose peer is one of our own addresses means "use the access half".
 *
 * Contracts: every call is idempotent; deleting what is absent succeeds; outputs stay untouched
 * on failure; nothing here blocks or creates a network device. Order inside a procedure: cache,
 * then data plane, then reply.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/nsec.h"
#include "wire/mh.h"

struct dataplane;

typedef uint32_t dp_ref; /* opaque; 0 is "none" */

/* What is between the outer IP header and the node's packet. In the order of enum pm_encap. */
enum dp_encap {
	DP_ENCAP_IP,	  /* nothing: RFC 2473 over IPv6, RFC 5844 4 over IPv4 */
	DP_ENCAP_GRE,	  /* RFC 5845, without keys */
	DP_ENCAP_GRE_KEY, /* with a key per session and direction */
	DP_ENCAP_UDP,	  /* RFC 5844 4, port 5437; this and what follows over IPv4 only */
	DP_ENCAP_UDP_TLV, /* RFC 5845 7.2, the packet itself behind the TLV header */
	DP_ENCAP_UDP_GRE, /* GRE behind the TLV header */
	DP_ENCAP_UDP_GRE_KEY,
	DP_ENCAP_MAX
};

/* Both addresses are IPv6, or both IPv4-mapped. */
struct dp_peer {
	struct in6_addr local;	/* LMAA or Proxy-CoA, ours */
	struct in6_addr remote; /* the other end; a packet from any other source is refused */
	enum dp_encap encap;
};

static inline bool dp_encap_keyed(enum dp_encap e)
{
	return e == DP_ENCAP_GRE_KEY || e == DP_ENCAP_UDP_GRE_KEY;
}

static inline bool dp_encap_gre(enum dp_encap e)
{
	return e == DP_ENCAP_GRE || e == DP_ENCAP_UDP_GRE || dp_encap_keyed(e);
}

enum dp_half { DP_ANCHOR, DP_ACCESS };

enum dp_mode {
	DP_FORWARD,
	DP_DROP, /* a deleted binding lingers (MinDelayBeforeBCEDelete), RFC 5213 5.3.5 */
	/*
	 * DP_ACCESS, a fast handover (RFC 5949 4.1, 4.2): what is for the node is kept, in order
	 * and within bounds; what is from it flows. Nothing is kept in any other mode. Then
	 * DP_FORWARD hands on what was kept, in order and ahead of all that comes later, paced as
	 * configured; DP_DROP, and the end of the session, discard it. Where packets go
	 * (session_put(), session_move()) may change meanwhile and may be nowhere: what counts is
	 * where they go when they are handed on.
	 */
	DP_BUFFER,
};

/* A direction's next step. */
struct dp_path {
	enum { DP_TO_NOWHERE, DP_TO_PEER, DP_TO_LINK, DP_TO_ROUTE } kind;
	dp_ref peer;	  /* DP_TO_PEER */
	uint32_t key;	  /* DP_TO_PEER with a keyed encapsulation: the GRE key the peer chose */
	/* DP_TO_LINK. In a way down DP_TO_PEER, not 0: the node has not left that link yet, and packets
	 * from it are taken there, too (RFC 5949 4.1 (f), (g)). */
	unsigned ifindex;
	struct mac mac; /* the node's link-layer address there */
};

#define DP_PREFIXES_MAX 16 /* per session */

struct dp_session {
	enum dp_half half;
	struct mnid mnid; /* borrowed for the call */
	unsigned n_prefixes;
	const struct prefix6 *prefixes; /* borrowed for the call; /64 in the fast index */
	struct in_addr addr4;		/* IPv4 home address; 0 none */
	uint16_t domain; /* tells overlapping IPv4 home addresses apart; other than 0 needs keys */
	bool keyed;	 /* has a GRE key of its own, see session_key */
	/*
	 * DP_ACCESS: packets to the node are taken from the tunnel that `up` leads into. When
	 * `down` leads into a tunnel, the node is with the access gateway at its other end (RFC
	 * 5949 4.1): packets from the node are taken from there and leave by `up`.
	 */
	struct dp_path down; /* towards the node */
	struct dp_path up;   /* from the node */
	/* One more tunnel to take packets from: DP_ACCESS, those to the node; DP_ANCHOR, those of
	 * the node. 0: none. */
	dp_ref also_from;
	enum dp_mode mode;
	bool local_routing; /* DP_ACCESS: short-circuit to nodes on this MAG, RFC 5213 6.10.3 */
};

struct dp_stats {
	uint64_t down_packets, down_bytes; /* towards the node, inner octets */
	uint64_t up_packets, up_bytes;	   /* from the node */
};

/* Why packets that were to be kept for a node were not handed on. (SYMBOL, "name", "what it means")
 */
#define DP_BUFFER_DROPS(X)                                                             \
	X(DP_BUFFER_NODE_PACKETS, "node_packets",                                      \
	  "dropped: the node has as many packets waiting as it may")                   \
	X(DP_BUFFER_NODE_OCTETS, "node_octets",                                        \
	  "dropped: the node has as many octets waiting as it may")                    \
	X(DP_BUFFER_ALL_PACKETS, "all_packets",                                        \
	  "dropped: all nodes together have as many packets waiting as they may")      \
	X(DP_BUFFER_ALL_OCTETS, "all_octets",                                          \
	  "dropped: all nodes together have as many octets waiting as they may")       \
	X(DP_BUFFER_TOO_OLD, "too_old", "dropped: waited for as long as a packet may") \
	X(DP_BUFFER_DISCARDED, "discarded",                                            \
	  "dropped: its session ended, or was told to drop packets")                   \
	X(DP_BUFFER_NO_ROOM, "no_room",                                                \
	  "dropped: came faster than it could be taken in, or is too long")            \
	X(DP_BUFFER_NO_WAY, "no_way", "dropped: could not be sent when its turn came")

#define DP_BUFFER_DROP_ENUM(sym, name, help) sym,
enum dp_buffer_drop { DP_BUFFER_DROPS(DP_BUFFER_DROP_ENUM) DP_BUFFER_DROP_MAX };

struct dp_buffered {
	uint32_t packets; /* waiting now */
	uint64_t octets;
	nsec_t oldest;	      /* when the one that has waited longest came; 0: none waits */
	uint32_t max_packets; /* that may wait for one node, 0: none; octets likewise */
	uint64_t max_octets;
	bool draining; /* no longer DP_BUFFER, but not everything has been handed on yet */
	/* since the session began, or was adopted; kept = packets + handed_on + dropped */
	uint64_t kept, handed_on;
	uint64_t dropped[DP_BUFFER_DROP_MAX];
};

struct dp_walk {
	void *ctx;
	void (*peer)(void *ctx, dp_ref ref, const struct dp_peer *p);
	void (*session)(void *ctx, dp_ref ref, const struct dp_session *s);
};

struct dataplane_ops {
	/* Announces that home network prefixes come from this aggregate, densely from its start:
	 * lets an implementation index instead of hash. /64s of `aggregate`; `n` of them at most.
	 */
	int (*pool_put)(struct dataplane *dp, const struct prefix6 *aggregate, uint32_t n);
	/* The same for IPv4 home addresses of a domain; `len` is the aggregate's prefix length. */
	int (*pool4_put)(struct dataplane *dp, uint16_t domain, struct in_addr aggregate,
			 uint8_t len, uint32_t n);

	/* Creates a tunnel, or returns the one with the same addresses and encapsulation. -ENOSPC
	 * when full, -EINVAL for addresses of two families or an encapsulation that this family
	 * does not have, -EOPNOTSUPP for one that this data plane was not made for. */
	int (*peer_put)(struct dataplane *dp, const struct dp_peer *p, dp_ref *out);
	void (*peer_del)(struct dataplane *dp, dp_ref peer);
	/* Octets an inner packet may have; 0 while unknown. */
	uint32_t (*peer_mtu)(struct dataplane *dp, dp_ref peer);

	/* With *ref == 0 creates a session half and stores its reference; else replaces that one's
	 * content, atomically for packets. Fails, and the old content holds, with
	 *	-EEXIST	    a prefix or an IPv4 home address is another session's of the same half
	 *	-ENOSPC	    full
	 *	-EBUSY	    an address that left its session still stands for that session's key
	 *	-EINVAL	    a prefix that no node can have, a domain without a key, or DP_BUFFER with
	 *		    DP_ANCHOR
	 *	-EOPNOTSUPP this data plane was not made for that
	 * A session may have no address yet: its key is known before its addresses. What is kept of
	 * one whose addresses change stays kept as long as one of them stays; what was kept for
	 * an address that goes is treated like what comes for that then. */
	int (*session_put)(struct dataplane *dp, const struct dp_session *s, dp_ref *ref);
	void (*session_del)(struct dataplane *dp, dp_ref ref);
	/* The handover: points the session's down path elsewhere with one store. All prefixes of
	 * the node move together, between two packets. Only fails with -ENOENT for a bad ref. */
	int (*session_move)(struct dataplane *dp, dp_ref ref, const struct dp_path *down);
	/* -ENOENT for a bad ref, -EINVAL for DP_BUFFER with DP_ANCHOR; -ENOSPC when as many
	 * sessions as can be are in DP_BUFFER already. */
	int (*session_mode)(struct dataplane *dp, dp_ref ref, enum dp_mode mode);
	/* The GRE key (RFC 5845 3.3) that packets to us must carry for this session: never 0, the
	 * same for its whole life. -ENOENT for a bad ref or a session that is not `keyed`. */
	int (*session_key)(struct dataplane *dp, dp_ref ref, uint32_t *key);
	int (*session_stats)(struct dataplane *dp, dp_ref ref, struct dp_stats *out);
	/* What is, and was, kept for the session's node. -ENOENT for a bad ref. */
	int (*buffered)(struct dataplane *dp, dp_ref ref, struct dp_buffered *out);

	/* Every object. Callbacks must not change the set. */
	void (*walk)(struct dataplane *dp, const struct dp_walk *w);

	/*
	 * After a restart a data plane may hold what an earlier run has put, and forward by it.
	 * Each such object is adopted until it is claimed:
	 *
	 *  - a peer by peer_put() of the same;
	 *  - a session by session_put() with its reference; or without one, for the same half and
	 *    node, when an address of it is asked for, or it has none and none is asked for. It
	 *    keeps its reference and key, and what is the same is not touched. One that has an
	 *    address which is put for somebody else goes.
	 *
	 * A session in DP_BUFFER goes on keeping packets; those that the earlier run kept are lost.
	 *
	 * `adopted` shows what is still to be claimed. `sweep` removes that and says how many
	 * objects it were; a peer that a claimed session uses counts as claimed. A peer that is
	 * deleted while adopted sessions use it is adopted again.
	 */
	void (*adopted)(struct dataplane *dp, const struct dp_walk *w);
	size_t (*sweep)(struct dataplane *dp);
};

/* Implementations embed this as their first member. */
struct dataplane {
	const struct dataplane_ops *ops;
};
