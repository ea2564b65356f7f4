/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the BPF programs and the daemon share: map layouts and drop reasons. Maps are pinned under
 * /sys/fs/bpf/pmip/<instance>/ and outlive the daemon, so every change of a layout here raises
 * PM_LAYOUT_VERSION. Addresses, prefixes and MACs are in network order, the rest in host order.
 */
#pragma once

#include <linux/types.h>

#define PM_LAYOUT_VERSION 1

#define PM_MAX_TUNNELS 65536
#define PM_MAX_ACCESS 4096 /* access interfaces */
#define PM_MAX_LOCAL 32    /* our own tunnel end points */
#define PM_MNID_KEY_LEN 64

/*
 * pm_session: slot -> one mobile node's session; one cache line.
 *
 * `desc` is the descriptor: {u32 tunnel | u16 flags | u16 generation}, always read once and
 * written with one 64-bit store, so that a handover happens between two packets. A prefix that
 * our pools handed out carries its slot in its bits; others are found through pm_prefix6. Every
 * reader compares the owner (`prefix`, or `addr4`) with what it looked up and fails closed.
 *
 * A session with several prefixes has one primary slot and an alias slot per further prefix:
 * PM_F_ALIAS is set, the descriptor's tunnel field holds the primary's slot and its generation
 * must equal the primary's. So one store to the primary moves them all.
 */
struct pm_session {
	union {
		__u64 desc; /* always loaded and stored whole */
		struct {
			__u32 tunnel;
			__u16 flags; /* enum pm_flag */
			__u16 generation;
		};
	};
	__be64 prefix;      /* owner: upper 64 bits of the home network prefix */
	__be32 addr4;       /* owner: IPv4 home address; 0 none */
	__u32 up_tunnel;    /* tunnel for packets from the node; 0: route them */
	__u8 mac[6];        /* the node's link-layer address, with PM_F_LINK */
	__u16 access;       /* index into pm_access, with PM_F_LINK; one word with mac */
	__u64 down_packets; /* towards the node */
	__u64 down_bytes;   /* inner octets */
	__u64 up_packets;   /* from the node */
	__u64 up_bytes;
};

/* The descriptor as bytes: what bpftool shows, what the daemon stores as one u64. */
#define PM_DESC_TUNNEL(d) ((__u32)(d))
#define PM_DESC_FLAGS(d) ((__u16)((d) >> 32))
#define PM_DESC_GEN(d) ((__u16)((d) >> 48))
#define PM_DESC(tunnel, flags, gen)                                                                \
	((__u64)(__u32)(tunnel) | (__u64)(__u16)(flags) << 32 | (__u64)(__u16)(gen) << 48)

enum pm_flag {
	PM_F_VALID = 1 << 0,  /* clear: the slot is free */
	PM_F_DROP = 1 << 1,   /* lingering binding, both directions */
	PM_F_LINK = 1 << 2,   /* down: deliver on the access link; else through `tunnel` */
	PM_F_ALIAS = 1 << 3,  /* `tunnel` holds the primary slot */
	PM_F_LOCAL_ROUTING = 1 << 4, /* from the node straight to another node on this MAG */
	PM_F_ANCHORED = 1 << 5,      /* this node is the LMA of the session */
};

/*
 * pm_tunnel: index -> prebuilt outer header and next hop; index 0 is never used.
 *
 * `flags` and `ifindex` are one 64-bit word that the daemon stores whole. The upper half of
 * `flags` counts the changes of the next hop: who takes a next hop from here loads that word,
 * copies dmac and smac, loads the word again, and goes on only when it is the same (else: as
 * without PM_T_NEXTHOP). So a packet never leaves with half of the old and half of the new one.
 */
struct pm_tunnel {
	__u8 remote[16];
	__u8 local[16];
	__u32 flags;        /* enum pm_tunnel_flag */
	__u32 ifindex;      /* egress */
	__u8 dmac[6];
	__u8 smac[6];
	__u16 mtu;          /* largest inner packet */
	__u8 encap;         /* enum dp_encap */
	__u8 hop_limit;     /* of the outer header */
	__u64 pad;
};

enum pm_tunnel_flag {
	PM_T_VALID = 1 << 0,
	PM_T_NEXTHOP = 1 << 1, /* ifindex, dmac and smac are good */
	PM_T_XDP = 1 << 2,     /* the egress interface takes XDP frames */
	PM_T_SELF = 1 << 3,    /* remote is one of our own addresses */
};
#define PM_T_CHANGE (1 << 16) /* added to flags with every change of the next hop */

/* pm_access: index -> an access interface; index 0 is never used. */
struct pm_access {
	__u32 ifindex;
	__u32 flags;        /* enum pm_access_flag */
	__u8 smac[6];       /* the router's link-layer address there */
	__u16 mtu;
};

enum pm_access_flag { PM_A_VALID = 1 << 0, PM_A_XDP = 1 << 1 };

/* pm_iface: ifindex -> what a program that runs there must know. Hash, small. */
struct pm_iface {
	__u32 flags;        /* enum pm_iface_flag */
	__u32 access;       /* index into pm_access; 0: a transport interface */
	__u8 mac[6];        /* its link-layer address; zero: frames to any unicast address count */
	__u16 pad;
};

enum pm_iface_flag {
	PM_I_XDP = 1 << 0,     /* both hooks run here: XDP has judged before TC */
	PM_I_XDP_OUT = 1 << 1, /* takes frames that XDP redirects there */
};

/* Keys of pm_local, pm_mnid and pm_framed, and what pm_framed holds. */
struct pm_addr6 {
	__u8 addr[16];
};
struct pm_mnid_key {
	char id[PM_MNID_KEY_LEN]; /* zero-padded */
};
struct pm_framed_key {
	__u32 prefix_len;
	__u8 addr[16];
};
struct pm_framed {
	__u32 slot;
	__u32 prefix_len;   /* of the entry; the slot's owner is compared up to this bit */
};

/* pm_meta: one element, for whoever adopts the maps or reads a dump. */
struct pm_meta {
	__u32 layout_version;
	__u32 n_slots;
	__u32 pool_slots;   /* slots [1, pool_slots) belong to pool prefixes */
	__u32 pad;
};

/* pm_pool: aggregates whose /64s carry their slot: slot = base + index of the /64. */
struct pm_pool {
	__be64 prefix;      /* upper 64 bits of the aggregate */
	__be64 mask;
	__u32 base;         /* slot of the first /64 */
	__u32 n;            /* how many /64s have slots; 0: end of list */
};
#define PM_MAX_POOLS 16

/*
 * Every packet that a program discards counts exactly one of these, by name, in pm_drop; what it
 * hands to the kernel or forwards counts in pm_verdict. (SYMBOL, "name", "what it means")
 */
#define PM_DROP_REASONS(X)                                                                         \
	X(PM_DROP_MALFORMED, "malformed", "inner or outer header truncated or inconsistent")       \
	X(PM_DROP_NO_SESSION, "no_session", "tunnel packet for a node that has no session here")   \
	X(PM_DROP_OUTER_SOURCE, "outer_source", "tunnel packet from an address that is not the session's peer") \
	X(PM_DROP_UNKNOWN_NODE, "unknown_node", "packet from an access link without a binding")    \
	X(PM_DROP_SPOOFED, "spoofed_source", "source prefix belongs to another node or link")      \
	X(PM_DROP_LINGERING, "lingering", "binding is being deleted, MinDelayBeforeBCEDelete")     \
	X(PM_DROP_HOP_LIMIT, "hop_limit", "hop limit exceeded and no Time Exceeded was due")       \
	X(PM_DROP_TOO_BIG, "too_big", "larger than the tunnel and no Packet Too Big was due")      \
	X(PM_DROP_NO_NEXTHOP, "no_nexthop", "no route or neighbour towards the tunnel's other end") \
	X(PM_DROP_NO_ROUTE, "no_route", "no route for a decapsulated packet")                      \
	X(PM_DROP_LINK_SCOPE, "link_scope", "link-local or multicast packet where only routed ones may go") \
	X(PM_DROP_STALE_SLOT, "stale_slot", "slot changed its owner while the packet was under way") \
	X(PM_DROP_HEADROOM, "headroom", "no room to encapsulate")                                  \
	X(PM_DROP_LOOP, "loop", "the tunnel leads back to this node")                              \
	X(PM_DROP_ECN, "ecn", "congestion mark on a packet that cannot carry it, RFC 6040 4.2")

#define PM_DROP_ENUM(sym, name, help) sym,
enum pm_drop_reason { PM_DROP_REASONS(PM_DROP_ENUM) PM_DROP_MAX };

/*
 * pm_early: ring buffer of tunnel packets that reach an access gateway before it has read the answer
 * to a registration: the anchor's data plane is faster than its signalling. The daemon puts them
 * back into the receive path when the session comes, or discards them after a moment.
 */
#define PM_EARLY_FRAME 2040
#define PM_EARLY_RING (256 * 1024)

struct pm_early {
	__u32 ifindex;      /* where it arrived */
	__u32 len;
	__u8 frame[PM_EARLY_FRAME];
};

/* pm_verdict: per-CPU array, index = hook * PM_V_MAX + verdict. */
enum pm_verdict {
	PM_V_RECEIVED,
	PM_V_TO_KERNEL,     /* not ours, or for ourselves: untouched */
	PM_V_TO_TC,         /* XDP leaves it to the TC program on the same interface */
	PM_V_DROPPED,
	PM_V_ENCAP,         /* into a tunnel */
	PM_V_DECAP_ROUTE,   /* out of a tunnel, routed or for this host */
	PM_V_DECAP_LINK,    /* out of a tunnel, delivered to a node */
	PM_V_HAIRPIN,       /* out of one tunnel into another */
	PM_V_LOCAL,         /* node to node on this MAG */
	PM_V_REPLIED,       /* turned into an ICMPv6 error */
	PM_V_LINK,          /* untunnelled packet delivered to a node: anchor and access in one */
	PM_V_ROUTE,         /* from a node anchored here, routed without a tunnel */
	PM_V_EARLY,         /* tunnel packet for nobody here yet: given to the daemon, see pm_early */
	PM_V_MAX
};
enum pm_hook { PM_HOOK_XDP, PM_HOOK_TC, PM_HOOK_MAX };
