/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work for several CPUs out of one receive queue, or out of one tunnel that a device sees as one
 * flow: a program hashes the inner flow and hands the frame to a CPU, where the ordinary program
 * judges it. A flow keeps its CPU, so its packets stay in order.
 */
#pragma once

#include "transport.h"

/* The flow inside of a tunnel, else the packet's own; 0: no IP packet. */
pm_inline __u32 pm_spread_hash(struct pm_ctx *ctx)
{
	struct pm_pkt p = {0};

	if (!pm_parse(ctx, &p))
		return 0;
	if (pm_may_be_tunnel(&p) && pm_enter(ctx, &p, pm_is_ip6_in_ip6(&p)) == PM_BAD_TUNNEL)
		return 0;
	return pm_flow_hash(&p);
}

/* What cannot be handed over, because that CPU's queue is not there, is left to TC. */
pm_inline int pm_spread(struct pm_ctx *ctx, void *map)
{
	__u32 n = pm_spread_cpus, index;

	if (!n || n > PM_SPREAD_MAX)
		return PM_ACT_PASS;
	index = ((__u64)pm_spread_hash(ctx) * n) >> 32;
	index = pm_spread_cpu[index & (PM_SPREAD_MAX - 1)];
	return bpf_redirect_map(map, index, PM_ACT_PASS);
}
