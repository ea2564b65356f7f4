/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A data plane that only remembers (tests, simulation). It keeps the contract of
 * core/dataplane.h, checks its callers (a bad reference, a peer deleted while a session uses it, a
 * keyed tunnel without a key of our own is a violation that is counted and described), and can be
 * told to fail. It keeps no packets but counts those that a test lets arrive.
 */
#pragma once

#include "core/dataplane.h"

struct dp_fake;

int dp_fake_new(struct dp_fake **out);
void dp_fake_free(struct dp_fake **p);
struct dataplane *dp_fake_dataplane(struct dp_fake *f);

enum dp_fake_op {
	DP_FAKE_PEER_PUT,
	DP_FAKE_SESSION_PUT,
	DP_FAKE_SESSION_MOVE,
	DP_FAKE_SESSION_MODE,
	DP_FAKE_OP_MAX
};

/* The next `times` calls of that operation fail with -err (a positive errno) and change nothing. */
void dp_fake_fail(struct dp_fake *f, enum dp_fake_op op, unsigned times, int err);
/* No more than so many objects; 0: no limit. */
void dp_fake_limit(struct dp_fake *f, size_t max_peers, size_t max_sessions);
/* GRE keys are counted from there, so that those of two data planes differ. */
void dp_fake_set_first_key(struct dp_fake *f, uint32_t first);
/* As if the daemon had ended and begun again, and this were a data plane that outlives it: all that
 * is there is adopted, pools are to be announced again. */
void dp_fake_restart(struct dp_fake *f);
/* What peer_mtu() answers from now on. */
void dp_fake_set_mtu(struct dp_fake *f, uint32_t mtu);

/* So many packets of `octets` each arrive for the node. How many of them went to it at once: all of
 * them in DP_FORWARD with a way to go, none in any other mode. -ENOENT for a bad reference. */
int dp_fake_arrive(struct dp_fake *f, dp_ref session, unsigned packets, unsigned octets);
/* What may wait, 0: without limit; and sessions that may be in DP_BUFFER together. */
void dp_fake_limit_buffer(struct dp_fake *f, uint32_t node_packets, uint32_t all_packets,
			  size_t max_sessions);

struct dp_fake_session {
	dp_ref ref;
	struct dp_session s; /* s.mnid and s.prefixes point to the fake's own copies */
	unsigned moves;	     /* session_move() calls since it was created */
	struct dp_buffered buffered;
	uint64_t arrived; /* packets that went to the node, at once or later */
};

/* NULL when nobody holds the prefix in that half. */
const struct dp_fake_session *dp_fake_by_prefix(const struct dp_fake *f, enum dp_half half,
						const struct prefix6 *prefix);
const struct dp_fake_session *dp_fake_by_addr4(const struct dp_fake *f, enum dp_half half,
					       uint16_t domain, struct in_addr addr);
const struct dp_fake_session *dp_fake_by_key(const struct dp_fake *f, uint32_t key);
const struct dp_fake_session *dp_fake_by_ref(const struct dp_fake *f, dp_ref ref);
const struct dp_peer *dp_fake_peer(const struct dp_fake *f, dp_ref ref);
size_t dp_fake_peers(const struct dp_fake *f);
size_t dp_fake_sessions(const struct dp_fake *f);
size_t dp_fake_pools(const struct dp_fake *f);
size_t dp_fake_pools4(const struct dp_fake *f);
/* Rules that callers broke; `what` (may be NULL) receives the last one, a static string. */
unsigned dp_fake_violations(const struct dp_fake *f, const char **what);
