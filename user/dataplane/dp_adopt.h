/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going on with what an earlier run left in the maps.
 *
 * What the daemon keeps beside the maps is made again out of them: tunnels from pm_tunnel, our own
 * addresses from pm_local, interfaces from pins and pm_iface, session halves from pm_half, and
 * slots from the halves that list them. Then everything that follows from halves is brought to what
 * it must be: descriptors, hashes, hints. A run that has ended in an orderly way leaves nothing to
 * change there; one that was killed leaves at most one half-done change.
 */
#pragma once

#include <stddef.h>

#include "core/dataplane.h"
#include "dataplane/dp_slots.h"

struct dp_bpf;
struct dp_session;

struct dp_adopted {
	unsigned halves; /* that nobody has claimed */
};

int dp_adopt(struct dp_bpf *dp); /* 0 or -ENOMEM */

/* The unclaimed half that a session with these addresses is; 0: none. */
dp_ref dp_adopt_claim(const struct dp_bpf *dp, const struct dp_session *s,
		      const struct dp_owner *of, unsigned n);
/* Unclaimed halves other than `but` with one of these addresses go. */
void dp_adopt_yield(struct dp_bpf *dp, enum dp_half half, dp_ref but, const struct dp_owner *of,
		    unsigned n);
size_t dp_adopt_sweep(struct dp_bpf *dp);
