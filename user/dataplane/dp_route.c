/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_route.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include <bpf/bpf.h>

#include "dataplane/dp_state.h"

static void publish(struct dp_bpf *dp)
{
	const struct dp_route *r = &dp->route;
	struct pm_global global = {0};
	uint64_t word;

	if (!r->routing.opaque)
		global.generation = r->generation;
	if (r->routing.by_source)
		global.flags |= PM_G_BY_SOURCE;
	if (r->routing.multipath)
		global.flags |= PM_G_MULTIPATH;
	memcpy(&word, &global, sizeof(word));
	dp_store64(dp->maps.global, word);
}

void dp_bpf_routes_changed(struct dp_bpf *dp)
{
	if (!++dp->route.generation)
		dp->route.generation = 1;
	publish(dp);
}

void dp_bpf_routing(struct dp_bpf *dp, const struct dp_bpf_routing *r)
{
	dp->route.routing = *r;
	dp_bpf_routes_changed(dp);
}

_Static_assert(DP_BPF_SHUT == PM_DOMAIN_SHUT, "one word for a domain without routes");

int dp_bpf_domain(struct dp_bpf *dp, uint16_t domain, unsigned ifindex)
{
	const uint32_t key = domain, value = ifindex;

	if (!dp->cfg.domains)
		return -EOPNOTSUPP;
	if (dp->left)
		return 0;
	return bpf_map_update_elem(dp->maps.fd[DP_MAP_DOMAIN], &key, &value, BPF_ANY) < 0 ? -errno
											  : 0;
}

void dp_route_init(struct dp_bpf *dp)
{
	const struct dp_bpf_routing any = {.by_source = true, .multipath = true};
	uint32_t last = dp->maps.global->generation;

	/* answers of an earlier run must not count again */
	dp->route.generation = last ? last : dp->maps.meta.generation;
	dp_bpf_routing(dp, &any);
}

void dp_route_stop(struct dp_bpf *dp)
{
	const uint32_t key = 0;

	if (!dp->maps.global)
		return;
	if (dp->route.generation) {
		dp->maps.meta.generation = dp->route.generation;
		bpf_map_update_elem(dp->maps.fd[DP_MAP_META], &key, &dp->maps.meta, BPF_ANY);
	}
	dp_store64(dp->maps.global, 0);
}
