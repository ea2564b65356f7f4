/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/daemon.h"

#include <string.h>

static void peer_added(void *ctx, dp_ref ref, const struct dp_peer *peer)
{
	struct daemon *d = ctx;
	int rc;

	if (nexthop_add(d->hops, ref, &peer->remote, &peer->local, daemon_now()))
		log_msg(LOG_C_LOCAL,
			"out of memory: the next hop of a tunnel will not be followed");
	rc = tunnel_sock_add(d->ends, peer);
	if (rc)
		log_msg(LOG_C_LOCAL,
			"no socket for fragments of a tunnel: %s; packets that need them are lost",
			strerror(-rc));
}

static void peer_deleted(void *ctx, dp_ref ref, const struct dp_peer *peer)
{
	struct daemon *d = ctx;

	nexthop_del(d->hops, ref);
	tunnel_sock_del(d->ends, peer);
}

struct dp_bpf_hooks hops_hooks(struct daemon *d)
{
	return (struct dp_bpf_hooks){
		.ctx = d,
		.fragment = slow_fragment,
		.peer_added = peer_added,
		.peer_deleted = peer_deleted,
	};
}

void hops_changed(void *ctx, uint32_t id, const struct nexthop *nh, nsec_t now)
{
	struct daemon *d = ctx;
	struct dataplane *dp = dp_bpf_dataplane(d->dp);
	const struct dp_bpf_nexthop to = {
		.valid = nh->valid,
		.ifindex = nh->ifindex ? nh->ifindex : nh->vrf,
		.smac = nh->smac,
		.dmac = nh->dmac,
		.mtu = nh->mtu,
	};
	const uint32_t before = dp->ops->peer_mtu(dp, id);

	if (dp_bpf_nexthop(d->dp, id, &to) < 0)
		return;
	if (d->mag && dp->ops->peer_mtu(dp, id) != before)
		mag_mtu_changed(d->mag, id, now);
}
