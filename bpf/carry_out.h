/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carries out what was decided. */
#pragma once

#include "forward.h"
#include "icmp.h"
#include "mss.h"
#include "slow.h"

pm_inline int pm_carry_out(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a)
{
	switch (a->verdict) {
	case PM_V_TO_KERNEL:
		pm_count_verdict(a->verdict);
		return PM_ACT_PASS;
	case PM_V_TO_TC:
		return pm_leave_to_tc(ctx);
	case PM_V_TO_DAEMON:
		pm_count_verdict(a->verdict);
		return PM_ACT_DROP;
	case PM_V_DROPPED:
		return pm_discard(a->reason);
	case PM_V_REPLIED:
		return pm_reply(ctx, p, a);
	case PM_V_EARLY:
		return pm_keep_early(ctx, a);
	case PM_V_BUFFER:
		return pm_keep_waiting(ctx, a);
	case PM_V_FRAGMENT:
		pm_note(a, p);
		return pm_send_fragments(ctx, a);
	default:
		if (!pm_asked(ctx, a))
			return pm_discard(PM_DROP_NO_NEXTHOP);
		pm_note(a, p);
		if (pm_mss_clamp && a->tunnel && pm_next_header(p) == IPPROTO_TCP)
			pm_clamp_mss(ctx, a);
		return pm_forward(ctx, a);
	}
}
