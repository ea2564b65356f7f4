/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane on eBPF: implements core/dataplane.h over the maps of include/pmip/abi.h.
 *
 * One struct dp_bpf per daemon. It owns the BPF objects, the pin directory
 * <bpffs>/pmip/<instance>/ (locked while it lives) and the attachments to interfaces. It is used
 * from one thread; nothing here blocks except loading and attaching, which happen at start, on
 * reload and when an interface appears.
 *
 * What it does not do: watch netlink. The daemon tells it next hops and interfaces, and learns
 * through struct dp_bpf_hooks which peers need a next hop.
 */
#pragma once

#include <net/if.h>

#include "base/addr.h"
#include "base/counter.h"
#include "base/nsec.h"
#include "core/dataplane.h"

struct dp_bpf;

#define DP_BPF_ERRLEN 512 /* large enough for every error line made here */

enum dp_bpf_role { DP_BPF_LMA = 1 << 0, DP_BPF_MAG = 1 << 1 };

/* An inner packet, ready to leave, that its tunnel can only carry in fragments. */
struct dp_bpf_fragment {
	const struct dp_peer *peer;
	uint32_t key;  /* that the peer wants it marked with */
	uint8_t class; /* of the outer header */
	const void *data;
	size_t len;
};

/* Must not call back into struct dataplane_ops. */
struct dp_bpf_hooks {
	void *ctx;
	/* from within dp_bpf_slow() and session_put(); NULL: such packets are dropped */
	void (*fragment)(void *ctx, const struct dp_bpf_fragment *f);
	/* from within peer_put() and peer_del() */
	void (*peer_added)(void *ctx, dp_ref ref, const struct dp_peer *peer);
	void (*peer_deleted)(void *ctx, dp_ref ref, const struct dp_peer *peer);
};

/* What may wait for nodes in handover, and how it leaves. */
struct dp_bpf_buffer_cfg {
	uint32_t sessions; /* that may be in DP_BUFFER together; 0: none, and it costs nothing */
	uint32_t node_packets, node_octets;
	uint32_t all_packets;
	uint64_t all_octets;
	nsec_t age;	      /* that a packet may have while it is kept */
	uint32_t drain_rate;  /* packets per second and node; 0: by metering, RFC 5568 5.4 */
	uint32_t drain_speed; /* per cent of the metered rate */
	uint64_t mark;	      /* random: tells packets that are put back from all others */
};

struct event_sink;

struct dp_bpf_cfg {
	const char *instance; /* names the pin directory: [A-Za-z0-9_-]+ */
	const char *bpffs;    /* root of a bpffs; NULL: /sys/fs/bpf. Mounted when it is not. */
	unsigned roles;	      /* enum dp_bpf_role */
	/* Slots for what does not come from an announced pool: a prefix, an IPv4 home address, and
	 * the key of a session that had no address when it was put, take one each. */
	uint32_t max_sessions;
	uint32_t pool_slots; /* for what does: what all calls of pool_put() and pool4_put() may ask
			      * for together */
	uint32_t max_halves; /* session halves; 0: two for each slot */
	uint32_t max_peers;  /* below PM_MAX_TUNNELS */
	uint16_t tunnel_mtu; /* upper limit for the octets of an inner packet; 0: none */
	/* What the programs are made for: whatever is off costs nothing and is refused with
	 * -EOPNOTSUPP. */
	bool ip4;	     /* IPv4 home addresses */
	bool ip4_outer;	     /* tunnels over IPv4 */
	bool gre;	     /* tunnels with GRE; keyed sessions */
	bool domains;	     /* domains of IPv4 home addresses may have routes of their own */
	bool udp_fixed_port; /* UDP tunnels leave from port 5437, not from one per flow */
	bool mss_clamp;	     /* TCP learns at its start what fits the tunnel */
	/* Sessions are also kept in a pinned map, so that a later run can go on with them; and this
	 * run goes on with what an earlier one left. */
	bool keep;
	struct dp_bpf_buffer_cfg buffer; /* DP_BPF_MAG */
	uint32_t fragment_rate; /* packets per second and CPU that may be fragmented; 0: none */
	struct in6_addr icmp_source; /* of ICMPv6 errors where no tunnel has one; or zero */
	const uint32_t *spread_cpu;  /* CPUs that frames may be spread over: [n_spread_cpus] */
	unsigned n_spread_cpus;
	struct dp_bpf_hooks hooks;
	const struct event_sink *sink; /* is told of packets that are kept; or NULL; borrowed */
};

/*
 * Loads and pins. On failure returns -errno and stores in `err` one line that says what is wrong
 * and what to do about it. A living run of the same instance is an error (-EBUSY).
 *
 * What an earlier run left behind is adopted with `keep`, if it was made for the same (layout,
 * sizes, features): sessions, tunnels, our own addresses and interfaces are there as they were, and
 * packets are forwarded throughout. dp_bpf_attach() then puts the present programs in the place of
 * the earlier ones between two packets. Otherwise a line in the log says what differs, all of it is
 * removed, and everything begins anew.
 */
int dp_bpf_new(struct dp_bpf **out, const struct dp_bpf_cfg *cfg, char *err, size_t errlen);

/* From now on nothing is changed any more: calls succeed or fail without effect, also those through
 * struct dataplane. For a daemon that ends and takes itself apart while its data plane is to stay.
 */
void dp_bpf_leave(struct dp_bpf *dp);

/* With `flush` detaches from every interface and removes all pins, so that nothing is left of
 * this instance. Without it, programs and maps stay and go on forwarding. */
void dp_bpf_free(struct dp_bpf **p, bool flush);

/* The same for what a run left that is no more: 0 also when there is nothing, or -errno and one line
 * in `err`; -EBUSY while one lives. */
int dp_bpf_flush(const char *bpffs, const char *instance, char *err, size_t errlen);

/* Goes on with what an earlier run left. */
bool dp_bpf_adopted(const struct dp_bpf *dp);

/* The core's view of it; lives as long as `dp`. Its `sweep` also detaches adopted interfaces that
 * have not been attached again, and forgets adopted addresses that have not been added again. */
struct dataplane *dp_bpf_dataplane(struct dp_bpf *dp);

/* The directory of the pins, for messages. */
const char *dp_bpf_pin_dir(const struct dp_bpf *dp);

/* ---- interfaces (dp_attach.c) */

enum dp_bpf_kind { DP_BPF_TRANSPORT, DP_BPF_ACCESS };

/*
 * The TC program is attached always, because it carries what XDP cannot. `want` says what is
 * attached besides it:
 */
enum dp_bpf_want {
	DP_BPF_AUTO,	    /* native XDP where the driver has it */
	DP_BPF_XDP,	    /* native XDP, or fail */
	DP_BPF_TC,	    /* nothing */
	DP_BPF_XDP_GENERIC, /* XDP in the network stack, or fail */
};

enum dp_bpf_mode { DP_BPF_MODE_TC, DP_BPF_MODE_XDP, DP_BPF_MODE_XDP_GENERIC };

struct dp_bpf_iface {
	unsigned ifindex;
	char ifname[IF_NAMESIZE];
	enum dp_bpf_kind kind;
	enum dp_bpf_want want;
	enum dp_bpf_mode mode; /* what runs there */
	bool xdp_tx;	       /* takes frames that an XDP program redirects to it */
	struct mac mac;	       /* DP_BPF_ACCESS: the router's address there */
	uint16_t domain;       /* of the IPv4 home addresses that are met there */
	uint16_t mtu;
	bool spread;   /* its XDP program hands frames to other CPUs */
	char why[128]; /* DP_BPF_AUTO fell back to TC: the kernel's reason; else "" */
};

struct dp_bpf_attach {
	unsigned ifindex;
	const char *ifname;
	enum dp_bpf_kind kind;
	enum dp_bpf_want want;
	struct mac mac;	 /* DP_BPF_ACCESS: source of frames to the nodes */
	uint16_t domain; /* of the IPv4 home addresses that are met there */
	uint16_t mtu;
	bool spread; /* hand its frames to the CPUs of the configuration, where XDP runs */
	bool host;   /* DP_BPF_TRANSPORT: what this host itself sends to nodes comes in there. A
		      * packet   for nobody is refused, and frames to any unicast address count. */
};

/*
 * Attaches, or brings an earlier attachment to what is asked now. *got (may be NULL) says what
 * was reached. -errno and one line in `err` on failure; then nothing is attached that was not
 * attached before. -ENODEV: the interface is not there.
 */
int dp_bpf_attach(struct dp_bpf *dp, const struct dp_bpf_attach *a, struct dp_bpf_iface *got,
		  char *err, size_t errlen);
/* Forgets the interface; one that has vanished or was never attached is fine. Sessions on it
 * stay and drop their packets until it is attached again under the same index. */
void dp_bpf_detach(struct dp_bpf *dp, unsigned ifindex);
/* Asks the kernel again for the interface's address and whether it takes XDP frames, which changes
 * with the peer of a veth, and puts that into force. Call on link events. Returns whether anything
 * changed. */
bool dp_bpf_refresh_iface(struct dp_bpf *dp, unsigned ifindex);
/* A veth's peer in another namespace changes without a link event: this descriptor becomes readable
 * (-1: the kernel does not tell, before 6.3), dp_bpf_events() then refreshes what is concerned. */
int dp_bpf_event_fd(const struct dp_bpf *dp);
void dp_bpf_events(struct dp_bpf *dp);
void dp_bpf_walk_ifaces(const struct dp_bpf *dp,
			void (*cb)(void *ctx, const struct dp_bpf_iface *i), void *ctx);

const char *dp_bpf_mode_name(enum dp_bpf_mode m);	     /* "xdp", "tc", "xdp-generic" */
const char *dp_bpf_want_name(enum dp_bpf_want w);	     /* and "auto" */
int dp_bpf_want_parse(const char *s, enum dp_bpf_want *out); /* 0 or -EINVAL */

/* ---- tunnels (dp_peer.c) */

/* Our own tunnel end points. Peers whose remote is one of them mean "this very daemon". */
int dp_bpf_local_add(struct dp_bpf *dp, const struct in6_addr *addr); /* -ENOSPC when full */
void dp_bpf_local_del(struct dp_bpf *dp, const struct in6_addr *addr);

struct dp_bpf_nexthop {
	bool valid;	  /* false: unresolved; packets take the slow path or are dropped */
	unsigned ifindex; /* egress; unresolved: an interface in the tunnel's VRF, or 0 */
	struct mac smac;  /* of the egress interface */
	struct mac dmac;  /* of the gateway or of the peer itself */
	uint32_t mtu;	  /* path MTU to the remote, outer header included; 0: unknown */
};

/* Puts the next hop into force. No program sends a packet with one half of the old and one half
 * of the new next hop. -ENOENT for a peer that is not there. */
int dp_bpf_nexthop(struct dp_bpf *dp, dp_ref peer, const struct dp_bpf_nexthop *nh);

struct dp_bpf_peer_info {
	dp_ref ref; /* the index into pm_tunnel */
	struct dp_peer peer;
	struct dp_bpf_nexthop nexthop;
	uint32_t mtu; /* octets of an inner packet; 0 unknown */
	bool self;
	bool xdp; /* the egress takes XDP frames */
};
void dp_bpf_walk_peers(const struct dp_bpf *dp,
		       void (*cb)(void *ctx, const struct dp_bpf_peer_info *i), void *ctx);

/* ---- routes (dp_route.c) */

/* What the way of a packet depends on besides its destination and where it came in. */
struct dp_bpf_routing {
	bool by_source; /* the source address */
	bool multipath; /* the flow, where there are several next hops */
	bool opaque;	/* other things: programs then ask the routing table about each packet */
};
void dp_bpf_routing(struct dp_bpf *dp, const struct dp_bpf_routing *r);
/* Packets that leave the tunnel of a session of this domain are routed as if they came in by the
 * interface: for domains with a VRF of their own. 0: like all else; DP_BPF_SHUT: they are
 * discarded. 0, or -errno: -EOPNOTSUPP when the programs were not made for it. */
#define DP_BPF_SHUT (~0u)
int dp_bpf_domain(struct dp_bpf *dp, uint16_t domain, unsigned ifindex);
/* Programs remember routes and neighbours of decapsulated packets for about a second. To be called
 * after every change of routes, rules, neighbours, links and addresses, whatever it is. */
void dp_bpf_routes_changed(struct dp_bpf *dp);

/* ---- VLAN interfaces (dp_vlan.c) */

/*
 * A VLAN interface takes no XDP frames, but the one below it may: XDP programs then write the tag
 * and send there. Known VLAN interfaces need not be attached. -ENOMEM, or the map's -errno.
 */
struct dp_bpf_vlan {
	unsigned ifindex;
	unsigned parent; /* interface below */
	char parent_name[IF_NAMESIZE];
	uint16_t proto; /* ETH_P_8021Q, ETH_P_8021AD */
	uint16_t id;
};
int dp_bpf_vlan_put(struct dp_bpf *dp, const struct dp_bpf_vlan *v); /* new, or changed */
void dp_bpf_vlan_del(struct dp_bpf *dp, unsigned ifindex);	     /* absent: no-op */

/* ---- the slow path (dp_slow.c) */

/*
 * Packets that need the daemon: those that overtake the answer to a registration (an anchor
 * forwards to a new gateway from the moment it accepts) are kept for a moment and put back into the
 * receive path when session_put() brings their session; those to be fragmented go to
 * hooks.fragment.
 */
int dp_bpf_slow_fd(const struct dp_bpf *dp);	  /* poll for reading */
nsec_t dp_bpf_slow_next(const struct dp_bpf *dp); /* when dp_bpf_slow() wants to be called */
void dp_bpf_slow(struct dp_bpf *dp, nsec_t now);  /* readable, or due */

/* The payload of a tunnel packet that came in fragments, without the UDP header where it has one.
 */
struct dp_bpf_tunnelled {
	struct in6_addr src, dst; /* of the outer header, IPv4-mapped for IPv4 */
	unsigned ifindex;	  /* that it came in by */
	uint8_t proto;
	uint8_t class;
	uint16_t port; /* UDP: the source's */
	const void *data;
	size_t len;
};
/* Has it judged like one that came whole, if it came through a tunnel of ours. */
void dp_bpf_receive(struct dp_bpf *dp, const struct dp_bpf_tunnelled *t);

/* A packet of ours, inner header and tunnel, that an error is about. */
struct dp_bpf_quote {
	struct dp_peer peer;
	uint32_t key;		  /* with a keyed encapsulation */
	struct in6_addr src, dst; /* inner, IPv4-mapped for IPv4 */
};
enum dp_bpf_told {
	DP_BPF_TOLD,
	DP_BPF_NO_NODE,	 /* the source is beyond our network: the kernel's routes lead to it */
	DP_BPF_STRANGER, /* no session sends such packets through such a tunnel */
	DP_BPF_NOT_TOLD, /* the error cannot be delivered */
};
/* Delivers `packet`, an ICMP error for the source of the quoted packet, where that is a node. */
enum dp_bpf_told dp_bpf_tell(struct dp_bpf *dp, const struct dp_bpf_quote *q, const void *packet,
			     size_t len);

struct counter_set dp_bpf_early_counters(const struct dp_bpf *dp);
struct counter_set dp_bpf_slow_counters(const struct dp_bpf *dp);

/* ---- packets that wait for nodes in handover (dp_buffer.c) */

int dp_bpf_buffer_fd(const struct dp_bpf *dp);	    /* poll for reading; -1: nothing is ever kept */
nsec_t dp_bpf_buffer_next(const struct dp_bpf *dp); /* when dp_bpf_buffer() wants to be called */
void dp_bpf_buffer(struct dp_bpf *dp, nsec_t now);  /* readable, or due */
struct counter_set dp_bpf_buffer_counters(const struct dp_bpf *dp);

/* ---- inspection (dp_stats.c) */

struct dp_bpf_session_info {
	uint32_t slot;	/* of the first prefix */
	uint64_t desc;	/* PM_DESC() of the slot that decides, aliases and buffers followed */
	char text[160]; /* "tunnel 3 gen 7 anchored" */
};
int dp_bpf_session_info(struct dp_bpf *dp, dp_ref ref, struct dp_bpf_session_info *out);

/* Reads the kernel's counters, summed over CPUs. The views borrow memory of `dp` that the next
 * call overwrites. */
int dp_bpf_drops(struct dp_bpf *dp, struct counter_set *out); /* module "drop" */
int dp_bpf_verdicts(struct dp_bpf *dp, struct counter_set *xdp, struct counter_set *tc);
