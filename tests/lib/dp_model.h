/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a data plane should hold, kept the plain way, for the tests of its contract: every call
 * below goes to the data plane and, when that accepts it, into the model; model_agree() compares
 * the two.
 */
#pragma once

#include "core/dataplane.h"
#include "lib/cu.h"

#define MODEL_MAX 64

struct model_session {
	dp_ref ref; /* 0: free */
	struct dp_session s;
	struct prefix6 prefix[DP_PREFIXES_MAX];
	uint8_t id[256];
	uint32_t key; /* 0: not keyed */
};

extern struct dataplane *model_dp;

void model_begin(struct dataplane *dp);
void model_end(void); /* takes away all that is left */
/* The data plane holds what the model holds, no more and no less, and no key has changed. */
void model_agree(void);

/* ---- peers: number n, and the one with these addresses */

struct dp_peer model_peer_of(unsigned n, enum dp_encap encap);
int model_peer_put(const struct dp_peer *p, dp_ref *ref);
dp_ref model_peer(unsigned n); /* DP_ENCAP_IP */
dp_ref model_peer_by(unsigned n, enum dp_encap encap);
void model_peer_del(dp_ref ref);

/* ---- sessions */

int model_put(const struct dp_session *s, dp_ref *ref);
void model_del(dp_ref ref);
/* Puts it as one that is not there yet, and expects it to be there: the one with `ref`. */
int model_claim(const struct dp_session *s, dp_ref ref);
/* After a restart, puts everything again: nothing is left to be swept, and nothing is different. */
void model_claim_all(void);
void model_move(dp_ref ref, const struct dp_path *path);
void model_mode(dp_ref ref, enum dp_mode mode);
struct model_session *model_at(dp_ref ref);
/* Does a session other than `but` of the same half have one of these addresses? */
bool model_taken(const struct dp_session *s, dp_ref but);
bool model_any_keyed(void);

/* ---- what tests put */

struct prefix6 model_prefix(unsigned n);
struct in_addr model_addr4(unsigned n); /* 10.n */
struct dp_path model_to_peer(dp_ref peer);
struct dp_path model_to_link(unsigned ifindex, uint8_t node);
struct dp_session model_anchor(const struct prefix6 *p, unsigned n, dp_ref peer);
struct dp_session model_access(const struct prefix6 *p, unsigned n, dp_ref peer);
