/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the BPF programs and the daemon share: map layouts and drop reasons. Maps are pinned under
 * /sys/fs/bpf/pmip/<instance>/ and outlive the daemon, so every change of a layout here raises
 * PM_LAYOUT_VERSION. Addresses, prefixes and MACs are in network order, the rest in host order.
 */
#pragma once

#include <linux/types.h>

#define PM_LAYOUT_VERSION 7

#define PM_MAX_TUNNELS 65536
#define PM_MAX_ACCESS 4096 /* access interfaces */
#define PM_MAX_LOCAL 32    /* our own tunnel end points */
#define PM_MNID_KEY_LEN 64
#define PM_SPREAD_MAX 64   /* CPUs that frames are spread over */

/*
 * What a slot belongs to, as one 64-bit word in network order:
 *
 *	the upper half of a home network prefix
 *	an IPv4 home address: 0004 dddd aabb ccdd, where dddd tells overlapping addresses apart
 *	a GRE key that we chose: 0047 0000 kkkk kkkk
 *
 * Nothing in ::/8 is a home network prefix, so that one kind is never taken for another.
 */
#define PM_OWNER_ADDR4 0x0004
#define PM_OWNER_KEY   0x0047

struct pm_owner4 {
	__be16 kind;        /* PM_OWNER_ADDR4, PM_OWNER_KEY */
	__be16 domain;
	__be32 addr;        /* or key */
};

/*
 * pm_session: slot -> one mobile node's session; one cache line.
 *
 * `desc` is the descriptor: {u32 tunnel | u16 flags | u16 generation}, always read once and
 * written with one 64-bit store, so that a handover happens between two packets. Prefixes and IPv4
 * addresses that our pools handed out carry their slot in their bits, others are found through
 * pm_prefix6 and pm_addr4. Every reader compares the owner with what it looked up and fails closed.
 *
 * A session with several prefixes and addresses has one primary slot and an alias slot for each
 * further one: PM_F_ALIAS is set, the descriptor's tunnel field holds the primary's slot and its
 * generation must equal the primary's. So one store to the primary moves them all.
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
	union {
		__be64 prefix; /* owner: upper 64 bits of the home network prefix */
		struct pm_owner4 four;
	};
	__u32 up_tunnel;    /* tunnel for packets from the node; 0: route them */
	__u16 domain;       /* of the session's IPv4 home address */
	__u16 also;         /* one more tunnel that packets to the node may come through, or with
			     * PM_F_ANCHORED packets from it; 0: none */
	__u8 mac[6];        /* the node's link-layer address, with PM_F_LINK or PM_F_STILL */
	__u16 access;       /* index into pm_access, likewise; one word with mac */
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
	PM_F_KEYS = 1 << 6,          /* which keys of pm_keys are in force */
	PM_F_BUFFER = 1 << 7,        /* down: `tunnel` is an index into pm_buffer, which decides */
	PM_F_STILL = 1 << 8,         /* up: from the access link, too, though down goes elsewhere */
};

/*
 * pm_buffer: what becomes of packets to a node that is about to change its access gateway (RFC 5949
 * 4.1, 4.2). They wait with the daemon, in order, until the node is there. Then those that waited go
 * first, and the switch needs no stop:
 *
 *	program		`open`, and queued == delivered: nobody waits, so by the descriptor `then`;
 *			else one more is queued, and the packet goes into pm_kept
 *	daemon		opens, and delivers from what it took out of pm_kept, one by one: a packet is
 *			counted as delivered when the device has it, or when it was given up
 *
 * A packet that waits was queued before any later one of its flow is judged, so none overtakes it.
 * What the daemon puts back carries PM_MARK_LEN octets in front that begin with pm_meta.mark, and is
 * always acted upon by `then`.
 * When nobody has waited for a while, `then` replaces the session's descriptor.
 */
#define PM_BUFFERS 4096
#define PM_MARK_LEN 12

struct pm_buffer {
	__u64 queued;       /* programs */
	__u64 delivered;    /* daemon */
	__u64 then;         /* descriptor: where packets go, or will */
	__u32 open;
	__u32 slot;         /* whose it is; 0: free */
	__u64 full;         /* not queued: as many as may wait were waiting */
	__u64 lost;         /* not queued: no room in pm_kept, or longer than PM_KEPT_DATA */
	__u64 pad[2];
};

/*
 * pm_keys: primary slot -> the GRE keys that our peers chose, for packets to them, each in one word
 * with the tunnel that it is for. Who changes keys writes the words that are not in force and then
 * stores the descriptor with PM_F_KEYS turned, so that tunnel and key change together. A reader that
 * finds another tunnel beside the key than the session names reads both again: so it never takes the
 * key of one tunnel into another, however often they change meanwhile.
 */
union pm_key {
	__u64 word;           /* always loaded and stored whole */
	struct {
		__u32 tunnel; /* 0: the path has no key */
		__u32 key;    /* in host order */
	};
};

struct pm_keys {
	union pm_key down[2]; /* towards the node: chosen by the MAG */
	union pm_key up[2];   /* from the node: chosen by the LMA */
};

/*
 * pm_tunnel: index -> outer header and next hop; index 0 is never used.
 *
 * `flags` and `ifindex` are one 64-bit word that the daemon stores whole. The upper half of
 * `flags` counts the changes of the next hop: who takes a next hop from here loads that word,
 * copies dmac and smac, loads the word again, and goes on only when it is the same (else: as
 * without PM_T_NEXTHOP). So a packet never leaves with half of the old and half of the new one.
 *
 * Without PM_T_NEXTHOP the routing table is asked as for a packet that came in by `ifindex`, an
 * interface in the tunnel's VRF; 0: as for the packet at hand.
 */
struct pm_tunnel {
	__u8 remote[16];    /* IPv4 addresses are IPv4-mapped */
	__u8 local[16];
	__u32 flags;        /* enum pm_tunnel_flag */
	__u32 ifindex;      /* egress; without PM_T_NEXTHOP: see below */
	__u8 dmac[6];
	__u8 smac[6];
	__u16 mtu;          /* largest inner packet */
	__u8 encap;         /* enum pm_encap */
	__u8 hop_limit;     /* of the outer header */
	__u32 sum4;         /* of the IPv4 header's constant 16-bit words, as they lie in memory */
	__u32 pad;
} __attribute__((aligned(8))); /* or compilers load the word in two halves */

/* What is between the outer IP header and the inner packet. */
enum pm_encap {
	PM_E_IP,          /* nothing: RFC 2473, RFC 4213, RFC 2003 */
	PM_E_GRE,         /* RFC 2784 */
	PM_E_GRE_KEY,     /* RFC 2890 */
	PM_E_UDP,         /* RFC 5844 4; this and what follows over IPv4 only */
	PM_E_UDP_TLV,     /* RFC 5845 7.2 */
	PM_E_UDP_GRE,     /* TLV, then GRE */
	PM_E_UDP_GRE_KEY,
	PM_E_MAX
};

/* Octets of each of these, without the outer IP header: words, four bits for each. */
#define PM_ENCAP_LEN(e) ((0x5432210u >> ((e) & 7) * 4 & 0xf) * 4)
#define PM_ENCAP_KEYED(e) ((e) == PM_E_GRE_KEY || (e) == PM_E_UDP_GRE_KEY)

#define PM_UDP_DATA_PORT 5437 /* RFC 5844 4 */

enum pm_tunnel_flag {
	PM_T_VALID = 1 << 0,
	PM_T_NEXTHOP = 1 << 1, /* ifindex, dmac and smac are good */
	PM_T_XDP = 1 << 2,     /* the egress interface takes XDP frames */
	PM_T_SELF = 1 << 3,    /* remote is one of our own addresses */
	PM_T_IP4 = 1 << 4,     /* the outer header is IPv4 */
	PM_T_UDP_FIXED = 1 << 5, /* UDP source port 5437, not one per flow */
	PM_T_VLAN = 1 << 6,    /* ifindex is a VLAN interface, see pm_iface; PM_T_XDP: its parent's */
};
#define PM_T_CHANGE (1 << 16) /* added to flags with every change of the next hop */

/* pm_access: index -> an access interface; index 0 is never used. */
struct pm_access {
	__u32 ifindex;
	__u32 flags;        /* enum pm_access_flag */
	__u8 smac[6];       /* the router's link-layer address there */
	__u16 mtu;
};

enum pm_access_flag {
	PM_A_VALID = 1 << 0,
	PM_A_XDP = 1 << 1,  /* takes XDP frames */
	PM_A_VLAN = 1 << 2, /* a VLAN interface, see pm_iface; PM_A_XDP: its parent's */
};

/*
 * pm_iface: what a program must know of the interface that it runs on, or sends to. An array, because
 * a hash costs more than all the rest of a short packet's way: the element is ifindex %
 * PM_IFACE_SLOTS, and two of our interfaces that meet there cannot both be ours.
 *
 * A VLAN interface takes no XDP frames itself: they leave through the interface below it, with the
 * tag that the program writes.
 */
#define PM_IFACE_SLOTS 4096

struct pm_iface {
	__u32 ifindex;      /* 0: free */
	__u32 flags;        /* enum pm_iface_flag */
	__u32 access;       /* index into pm_access; 0: a transport interface */
	__u8 mac[6];        /* its link-layer address; zero: frames to any unicast address count */
	__u16 domain;       /* of IPv4 home addresses that are met there */
	__u32 parent;       /* PM_I_VLAN: the interface below, and */
	__be32 tag;         /* the tag as it is in a frame: protocol, VLAN */
};

/*
 * pm_domain: domain -> what decides about the way of packets that leave the tunnel of a session of
 * that domain. 0: where they came in, like all else. An ifindex: they are routed as if they came in
 * there, because that interface has routes of its own (a VRF), which are the domain's. PM_DOMAIN_SHUT:
 * they are discarded, for the interface is not there, and others' routes are not for them.
 */
#define PM_DOMAINS 65536
#define PM_DOMAIN_SHUT (~0u)

enum pm_iface_flag {
	PM_I_XDP = 1 << 0,     /* both hooks run here: XDP has judged before TC */
	PM_I_XDP_OUT = 1 << 1, /* takes frames that XDP redirects there */
	PM_I_HOST = 1 << 2,    /* this host's own traffic to nodes comes in here */
	PM_I_VLAN = 1 << 3,    /* a VLAN interface; the others are about its parent */
	PM_I_XDP_SG = 1 << 4,  /* PM_I_XDP_OUT, of frames in several buffers as well */
	PM_I_TAGS = 1 << 5,    /* for the daemon: it made the device leave tags in frames */
	PM_I_XDP_GENERIC = 1 << 6, /* PM_I_XDP, and TC comes right after it, for the same packet */
};

/*
 * pm_global: one element that the daemon stores as one 64-bit word. Every change of routes, rules,
 * neighbours, links and addresses raises `generation`, and every change of what programs know of
 * interfaces. Zero: the routing table decides by what pm_route does not compare; ask it each time.
 */
struct pm_global {
	__u32 generation;
	__u32 flags;        /* enum pm_global_flag */
};

enum pm_global_flag {
	PM_G_BY_SOURCE = 1 << 0, /* routes depend on the source address */
	PM_G_MULTIPATH = 1 << 1, /* some destinations have several next hops */
};

/*
 * pm_route: what the routing table said lately about packets to an address. Each CPU has
 * PM_ROUTE_SETS sets of its own, beginning at CPU * PM_ROUTE_SETS, that only its programs touch; both
 * hooks run with softirqs disabled, so none is read while it is written. An answer counts while the
 * generation is the one that was read before the table was asked, and for 256 ticks of the kernel's
 * clock at most: it grows old even with nobody there to raise the generation.
 */
struct pm_route {
	__u8 dst[16];       /* IPv4-mapped for IPv4 */
	__u8 src[16];       /* with PM_G_BY_SOURCE, else zero */
	__u32 generation;
	__u32 ingress;      /* ifindex: rules and VRFs decide by it */
	__u32 ifindex;      /* egress */
	__u16 epoch;
	__u8 kind;          /* address family and, with PM_G_MULTIPATH, bits of the flow hash */
	__u8 flags;         /* enum pm_route_flag */
	__u8 dmac[6];
	__u8 smac[6];
	__u16 mtu;
	__u16 pad;
};

enum pm_route_flag {
	PM_R_XDP = 1 << 0,  /* the egress interface takes XDP frames */
	PM_R_VLAN = 1 << 1, /* it is a VLAN interface, see pm_iface */
};

#define PM_ROUTE_WAYS 2
#define PM_ROUTE_SETS 2048 /* a power of two */

struct pm_routes {
	struct pm_route way[PM_ROUTE_WAYS];
};

/* Keys of pm_local, pm_mnid and pm_framed, and what pm_framed holds. */
struct pm_addr6 {
	__u8 addr[16];      /* IPv4-mapped for IPv4 */
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

/*
 * What saves look-ups in hashes that would find nothing.
 *
 *	pm_hints  one element. `local`: a bit for each of our own addresses. `framed`: entries of pm_framed
 *	pm_seen   bits for what pm_prefix6 and pm_addr4 hold; a power of two of words
 *
 * A bit is PM_BIT() of the owner word, or of PM_LOCAL_WORD4/6; set before its entry is added, and cleared
 * when no entry needs it any more.
 */
#define PM_LOCAL_WORDS 8
struct pm_hints {
	__u64 local[PM_LOCAL_WORDS];
	__u32 framed;
	__u32 pad;
};

/* Multiplicative hashing: the upper half of the product is the number of a bit. */
#define PM_BIT(word) ((__u32)(((word) * 0x9e3779b97f4a7c15ULL) >> 32))
/* `w`: an address as 32-bit words in memory. */
#define PM_LOCAL_WORD4(w) ((__u64)(w)[0])
#define PM_LOCAL_WORD6(w) ((__u64)(w)[0] ^ (w)[1] ^ (__u64)(w)[3] << 32)

/* pm_meta: one element, for whoever adopts the maps or reads a dump. */
struct pm_meta {
	__u32 layout_version; /* 0: being made, or being removed */
	__u32 n_slots;
	__u32 pool_slots;   /* slots [1, pool_slots) belong to pool prefixes */
	__u32 features;     /* enum pm_feature */
	__u64 layout;       /* hash over the types that the maps hold */
	__u64 programs;     /* which ones are pinned, a hash; 0: none, or not all */
	__u32 generation;   /* that pm_global had when the daemon ended */
	__u32 pad;
	__u64 mark;         /* in front of packets that are put back, see pm_buffer; random */
};

/* What the programs were made for, as far as the contents of maps depend on it. */
enum pm_feature {
	PM_FEATURE_IP4 = 1 << 0,
	PM_FEATURE_IP4_OUTER = 1 << 1,
	PM_FEATURE_GRE = 1 << 2,
	PM_FEATURE_DOMAINS = 1 << 3,
	PM_FEATURE_UDP_FIXED = 1 << 4,
};

/*
 * pm_half: reference -> a session half as the daemon was asked for it. Programs do not read it: what
 * they need are slots, and two halves may stand behind one. A daemon that adopts the maps learns from
 * here what the slots are made of. Only there when the data plane is to outlive the daemon.
 *
 * `head` is stored whole, last, and says which of two copies of the rest counts. So whenever the daemon
 * dies, a half is what it was before a change or after it.
 *
 * The body is the slots of the half, then the octets of the node's identifier. What is too long to
 * lie here, and every body that replaces another, is in pm_more: key 2 * reference, or that plus 1
 * with PM_H_MORE_TURN.
 */
struct pm_half_way {
	__u32 down;         /* tunnel, or ifindex */
	__u32 down_key;     /* GRE key that the peer chose */
	__u8 mac[6];
	__u16 access;
	__u32 up;
	__u32 up_key;
	__u8 down_kind;     /* enum of core/dataplane.h */
	__u8 up_kind;
	__u16 domain;
	__u32 key;          /* slot that is the half's own key; 0: none */
};

#define PM_BODY_HERE 56
#define PM_BODY_MAX  328

struct pm_half {
	union {
		__u64 head; /* always stored whole */
		struct {
			__u8 flags; /* enum pm_half_flag */
			__u8 half;
			__u8 mode;
			__u8 slots; /* in the body */
			__u8 subtype;
			__u8 id_len;
			__u16 also;
		};
	};
	struct pm_half_way way[2];
	__u8 body[PM_BODY_HERE];
};

struct pm_more {
	__u8 body[PM_BODY_MAX];
};

enum pm_half_flag {
	PM_H_VALID = 1 << 0,
	PM_H_TURN = 1 << 1, /* way[1] counts */
	PM_H_MORE = 1 << 2, /* the body is in pm_more */
	PM_H_MORE_TURN = 1 << 3,
	PM_H_LOCAL_ROUTING = 1 << 4,
};

/*
 * pm_pool: aggregates whose members carry their slot: slot = base + index of the member. Members are
 * the owners of slots as defined above: /64s, or IPv4 addresses of a domain.
 */
struct pm_pool {
	__be64 prefix;      /* owner word of the first member */
	__be64 mask;
	__u32 base;         /* slot of the first member */
	__u32 n;            /* how many members have slots; 0: end of list */
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
	X(PM_DROP_ECN, "ecn", "congestion mark on a packet that cannot carry it, RFC 6040 4.2")    \
	X(PM_DROP_KEY, "gre_key", "GRE key of another session, or of none")                        \
	X(PM_DROP_GSO, "gso", "packet to be segmented that the encapsulation cannot segment")      \
	X(PM_DROP_SLOW, "slow_path", "for the daemon, which could not take it in")                 \
	X(PM_DROP_BUFFER, "buffer", "for a node in handover, and it could not be kept")

#define PM_DROP_ENUM(sym, name, help) sym,
enum pm_drop_reason { PM_DROP_REASONS(PM_DROP_ENUM) PM_DROP_MAX };

/*
 * pm_slow: ring buffer of packets that need the daemon.
 *
 *	PM_SLOW_EARLY     a tunnel packet that reached an access gateway before it has read the answer to
 *	                  a registration: the anchor's data plane is faster than its signalling. Whole
 *	                  frame. The daemon puts it back into the receive path when the session comes, or
 *	                  discards it after a moment.
 *	PM_SLOW_FRAGMENT  an inner packet that does not fit its tunnel and may not be refused (IPv6 up to
 *	                  1280 octets, IPv4 without DF). The inner packet alone, ready to leave. The
 *	                  daemon has it encapsulated and fragmented.
 */
#define PM_SLOW_DATA 9216
#define PM_SLOW_RING (1024 * 1024)

enum pm_slow_kind { PM_SLOW_EARLY, PM_SLOW_FRAGMENT, PM_SLOW_KEPT };

struct pm_slow {
	__u32 kind;         /* enum pm_slow_kind */
	__u32 ifindex;      /* where it arrived */
	__u32 len;
	union {
		__u32 tunnel; /* PM_SLOW_FRAGMENT: index, and */
		__u32 buffer; /* PM_SLOW_KEPT: index into pm_buffer, and */
	};
	union {
		__u32 key;    /* what the peer wants packets marked with */
		__u32 slot;   /* the session's */
	};
	__u8 class;         /* traffic class of the outer header */
	__u8 pad;
	__u16 segment;      /* PM_SLOW_KEPT: payload octets of each segment to come; 0: it is whole */
}; /* `len` octets follow */

/*
 * pm_kept: ring buffer of packets for nodes in handover: struct pm_slow of kind PM_SLOW_KEPT, then the
 * whole frame. While a buffer is not open, the daemon looks by itself every few milliseconds, and is
 * woken when much has come.
 */
#define PM_KEPT_RING (8 * 1024 * 1024)
#define PM_KEPT_MUCH (PM_KEPT_RING / 8)
/* The longest frame that is kept: at TC it may be many that the kernel has merged. */
#define PM_KEPT_DATA (65536 + 128)

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
	PM_V_REPLIED,       /* turned into an ICMP error */
	PM_V_LINK,          /* untunnelled packet delivered to a node: anchor and access in one */
	PM_V_ROUTE,         /* from a node anchored here, routed without a tunnel */
	PM_V_EARLY,         /* tunnel packet for nobody here yet: given to the daemon, see pm_slow */
	PM_V_FRAGMENT,      /* too big for its tunnel: given to the daemon, see pm_slow */
	PM_V_BUFFER,        /* for a node in handover: given to the daemon, see pm_buffer */
	PM_V_TO_DAEMON,     /* at TC: the daemon has it from its packet socket, nobody else gets it */
	PM_V_MAX
};
enum pm_hook { PM_HOOK_XDP, PM_HOOK_TC, PM_HOOK_MAX };
