/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dynamic tunnels shared by sessions (RFC 5213 5.6.1, 6.10.2): one data-plane peer per pair of
 * outer addresses and encapsulation, with a user count; it goes when its last user goes.
 */
#pragma once

#include "core/dataplane.h"

struct tunnels;

int tunnels_new(struct tunnels **out, struct dataplane *dp);
void tunnels_free(struct tunnels **p); /* deletes the peers that are left */

/* Adds a user to the tunnel, creating it when it is not there. 0 or -errno from the data plane. */
int tunnel_get(struct tunnels *t, const struct dp_peer *peer, dp_ref *out);
/* Takes a user away; the last one deletes the tunnel. 0 is ignored. */
void tunnel_put(struct tunnels *t, dp_ref ref);

struct tunnel_info {
	struct dp_peer peer;
	dp_ref ref;
	uint32_t users;
};
void tunnels_walk(const struct tunnels *t, void (*cb)(void *ctx, const struct tunnel_info *i),
		  void *ctx);
