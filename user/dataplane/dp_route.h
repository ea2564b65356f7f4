/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs remember of the routing table (pm_route), and when they must forget it (pm_global);
 * see include/pmip/abi.h.
 */
#pragma once

#include "dataplane/dp_bpf.h"

struct dp_route {
	uint32_t generation; /* never 0 */
	struct dp_bpf_routing routing;
};

/* Programs remember from now on, and tell answers apart by all that a route may depend on. */
void dp_route_init(struct dp_bpf *dp);
/* Nothing is remembered any more: nobody will say when it is wrong. A later run that adopts the
 * maps goes on counting where this one ends. */
void dp_route_stop(struct dp_bpf *dp);
