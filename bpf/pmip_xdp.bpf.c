/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane at XDP: native where the driver offers it. What it cannot finish (an egress
 * interface that takes no XDP frames, a neighbour not resolved yet, no headroom) it passes on
 * unchanged to the TC programs of the same interface.
 */
#define PM_AT_XDP 1
#include "access.h"
#include "carry_out.h"
#include "transport.h"

SEC("xdp.frags")
int xdp_transport(struct xdp_md *ctx)
{
	struct pm_act act = {0};
	struct pm_pkt pkt = {0};

	pm_count_verdict(PM_V_RECEIVED);
	pm_judge_transport(ctx, &pkt, &act);
	return pm_carry_out(ctx, &pkt, &act);
}

SEC("xdp.frags")
int xdp_access(struct xdp_md *ctx)
{
	struct pm_act act = {0};
	struct pm_pkt pkt = {0};

	pm_count_verdict(PM_V_RECEIVED);
	pm_judge_access(ctx, &pkt, &act);
	return pm_carry_out(ctx, &pkt, &act);
}

char LICENSE[] SEC("license") = "GPL";
