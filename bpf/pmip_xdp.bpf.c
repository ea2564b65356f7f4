/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane at XDP: native where the driver offers it. What it cannot finish (an egress
 * interface that takes no XDP frames, a neighbour not resolved yet, no headroom) it passes on
 * unchanged to the TC programs of the same interface.
 */
#define PM_AT_XDP 1
#include "access.h"
#include "carry_out.h"
#include "spread.h"
#include "transport.h"

pm_inline int pm_run_transport(struct xdp_md *ctx)
{
	struct pm_act act = {0};
	struct pm_pkt pkt = {0};

	pm_count_verdict(PM_V_RECEIVED);
	pm_judge_transport(ctx, &pkt, &act);
	return pm_carry_out(ctx, &pkt, &act);
}

SEC("xdp.frags")
int xdp_transport(struct xdp_md *ctx)
{
	return pm_run_transport(ctx);
}

pm_inline int pm_run_access(struct xdp_md *ctx)
{
	struct pm_act act = {0};
	struct pm_pkt pkt = {0};

	pm_count_verdict(PM_V_RECEIVED);
	pm_judge_access(ctx, &pkt, &act);
	return pm_carry_out(ctx, &pkt, &act);
}

SEC("xdp.frags")
int xdp_access(struct xdp_md *ctx)
{
	return pm_run_access(ctx);
}

/* For packets that the daemon puts back where no XDP program runs: the kernel has them, as it has
 * any others there, with their mark in front. */
SEC("xdp.frags")
int xdp_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* The same where a spreading program has handed the frame over. Loaded only when asked for. */
SEC("?xdp.frags/cpumap")
int cpu_transport(struct xdp_md *ctx)
{
	return pm_run_transport(ctx);
}

SEC("?xdp.frags/cpumap")
int cpu_access(struct xdp_md *ctx)
{
	return pm_run_access(ctx);
}

SEC("?xdp.frags")
int spread_transport(struct xdp_md *ctx)
{
	return pm_spread(ctx, &pm_cpus_transport);
}

SEC("?xdp.frags")
int spread_access(struct xdp_md *ctx)
{
	return pm_spread(ctx, &pm_cpus_access);
}

char LICENSE[] SEC("license") = "GPL";
