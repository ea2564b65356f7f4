/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane at TC (clsact ingress): wherever XDP is not, and for what XDP left. Packets may
 * be in segments to come (GRO, GSO) and may have checksums still to be completed.
 */
#define PM_AT_XDP 0
#include "access.h"
#include "carry_out.h"
#include "transport.h"

SEC("tc")
int tc_transport(struct __sk_buff *ctx)
{
	struct pm_act act = {0};
	struct pm_pkt pkt = {0};

	pm_count_verdict(PM_V_RECEIVED);
	pm_judge_transport(ctx, &pkt, &act);
	return pm_carry_out(ctx, &pkt, &act);
}

SEC("tc")
int tc_access(struct __sk_buff *ctx)
{
	struct pm_act act = {0};
	struct pm_pkt pkt = {0};

	pm_count_verdict(PM_V_RECEIVED);
	pm_judge_access(ctx, &pkt, &act);
	return pm_carry_out(ctx, &pkt, &act);
}

char LICENSE[] SEC("license") = "GPL";
