/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions that the operator wrote down: they go into the data plane beside the signalled ones, and
 * no binding cache, update list or message knows of them. For links whose other end signals
 * nothing, and to see every encapsulation at work before it is negotiated.
 *
 * A session whose prefix or address a signalled one holds waits: it is tried again every few
 * seconds until the other one goes. So does one whose access interface is not there.
 */
#pragma once

#include <net/if.h>

#include "base/counter.h"
#include "base/nsec.h"
#include "core/tunnel.h"

#define STATICS_RETRY nsec_from_s(5)

struct static_session {
	char mnid[255]; /* NAI */
	enum dp_half half;
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	unsigned n_prefixes;
	struct in6_addr addr4;	       /* IPv4 home address, IPv4-mapped; :: none */
	uint16_t domain;	       /* of addr4 */
	struct in6_addr local, remote; /* of the tunnel */
	enum dp_encap encap;
	uint64_t peer_key; /* GRE key that the other end chose; 0: not known yet, nothing passes */
	/* DP_ACCESS: where the node is */
	char ifname[IFNAMSIZ];
	struct mac mac;
	bool local_routing;
};

#define STATICS_COUNTERS(X)                                                                \
	X(STATICS_C_ESTABLISHED, "established", "static sessions put into the data plane") \
	X(STATICS_C_REMOVED, "removed", "static sessions taken out of it")                 \
	X(STATICS_C_CONFLICT, "conflicts",                                                 \
	  "attempts that found a prefix or an address in another session")                 \
	X(STATICS_C_FAILED, "failed", "attempts that the data plane refused for another reason")

enum statics_counter { STATICS_COUNTERS(COUNTER_ENUM) STATICS_C_MAX };

struct statics;

/* The index of an interface; 0: not there. */
typedef unsigned (*statics_ifindex_fn)(void *ctx, const char *ifname);

int statics_new(struct statics **out, struct dataplane *dp, struct tunnels *tunnels,
		statics_ifindex_fn ifindex, void *ctx);
/* Takes them out of the data plane. */
void statics_free(struct statics **p);

/* A piece of the list, so that nobody has to put it together. */
struct statics_part {
	const struct static_session *s;
	unsigned n;
};

/*
 * From now on these and no others; copied. A session that is the same as before is not touched; one
 * that keeps its prefixes and addresses changes between two packets and keeps its GRE key.
 * 0 or -ENOMEM, then nothing has changed; what the data plane refuses is logged, counted, and tried
 * again.
 */
int statics_set(struct statics *t, const struct statics_part *parts, unsigned n, nsec_t now);
/* The interface is there, possibly under another index than before. */
void statics_link(struct statics *t, const char *ifname, nsec_t now);

nsec_t statics_next(const struct statics *t);
void statics_tick(struct statics *t, nsec_t now);

struct counter_set statics_counters(const struct statics *t);
