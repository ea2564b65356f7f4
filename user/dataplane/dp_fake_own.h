/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the simulated data plane remembers; for its own two files. */
#pragma once

#include <uthash.h>

#include "dataplane/dp_fake.h"

struct fake_peer {
	UT_hash_handle hh;
	dp_ref ref;
	struct dp_peer peer;
	bool unclaimed;
};

struct fake_session {
	UT_hash_handle hh;
	struct dp_fake_session pub;
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	uint8_t id[MH_NAI_MAX];
	uint32_t key; /* 0: not keyed */
	bool unclaimed;
};

/* A home address of one half. IPv4 addresses are mapped, so that no prefix is like them. */
struct owner_key {
	uint8_t half;
	uint8_t len;
	uint16_t domain;
	struct in6_addr addr;
};

struct fake_owner {
	UT_hash_handle hh;
	struct owner_key key;
	struct fake_session *session;
};

struct dp_fake {
	struct dataplane dp; /* first: handed out */
	struct fake_peer *peers;
	struct fake_session *sessions;
	struct fake_owner *owners;
	dp_ref last_ref;
	uint32_t last_key;
	size_t pools, pools4, max_peers, max_sessions, max_buffers;
	uint32_t node_packets, all_packets; /* that may wait */
	uint32_t mtu;
	unsigned violations;
	const char *violation;
	struct {
		unsigned times;
		int err;
	} fail[DP_FAKE_OP_MAX];
};

/* NULL: there is none. */
struct fake_peer *dp_fake_peer_find(const struct dp_fake *f, dp_ref ref);
struct fake_session *dp_fake_session_find(const struct dp_fake *f, dp_ref ref);
struct fake_owner *dp_fake_owner_at(const struct dp_fake *f, const struct owner_key *key);
struct owner_key dp_fake_prefix_key(enum dp_half half, const struct prefix6 *p);
struct owner_key dp_fake_addr4_key(enum dp_half half, uint16_t domain, struct in_addr addr);
