/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunnels: elements of pm_tunnel. A dp_ref of a peer is its index there.
 *
 * An index is handed out again only after all others that are free, and not before the last
 * session path that names it is gone: a program that has just read it from a descriptor finds the
 * tunnel that was meant, or an invalid one.
 */
#pragma once

#include "dataplane/dp_bpf.h"
#include "dataplane/dp_index.h"
#include "dataplane/dp_load.h"

struct dp_peer_rec {
	struct dp_peer peer;
	struct dp_bpf_nexthop nexthop;
	uint32_t users; /* paths of sessions */
	bool used;	/* false with users: deleted, index not free yet */
	bool self;	/* remote is one of our own addresses */
	bool xdp;	/* the egress takes XDP frames */
	bool unclaimed; /* of an earlier run, and nobody has put it again */
};

struct dp_peers {
	struct dp_peer_rec *rec; /* [n_tunnels] */
	struct dp_fifo free;
	struct dp_index by_addr;
	struct in6_addr local[PM_MAX_LOCAL];
	bool local_unclaimed[PM_MAX_LOCAL];
	unsigned n_local;
};

int dp_peers_init(struct dp_peers *p, const struct dp_maps *maps);
void dp_peers_free(struct dp_peers *p);

/* struct dataplane_ops */
int dp_peer_put(struct dp_bpf *dp, const struct dp_peer *p, dp_ref *out);
void dp_peer_del(struct dp_bpf *dp, dp_ref ref);
uint32_t dp_peer_mtu(const struct dp_bpf *dp, dp_ref ref);
/* All peers, or those that nobody has claimed. */
void dp_peer_walk(const struct dp_bpf *dp, const struct dp_walk *w, bool unclaimed);

/* Takes over what pm_local and pm_tunnel hold; the sessions that use tunnels are counted later. */
void dp_peers_adopt(struct dp_bpf *dp);
/* The sessions that are there use their peers now: what is neither there nor used is free. */
void dp_peers_adopted(struct dp_bpf *dp);
/* Removes what nobody has claimed, peers that no session uses and our own addresses. How many
 * peers it were. */
size_t dp_peers_sweep(struct dp_bpf *dp);

/* The peer with these addresses and this encapsulation; 0 when the core knows none. */
dp_ref dp_peer_find(const struct dp_bpf *dp, const struct dp_peer *p);
/* NULL when the core knows no such peer. */
const struct dp_peer_rec *dp_peer_get(const struct dp_bpf *dp, dp_ref ref);
void dp_peer_use(struct dp_bpf *dp, dp_ref ref);
void dp_peer_unuse(struct dp_bpf *dp, dp_ref ref);

/* What an egress interface can do has changed. */
void dp_peers_iface_changed(struct dp_bpf *dp, unsigned ifindex);
