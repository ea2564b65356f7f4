/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets to a node that may have to wait: see struct pm_buffer. */
#pragma once

#include "verdict.h"

/*
 * Has the kernel made an skb of it already, which the TC program gets at once? Then that one keeps
 * it: what is put back would meet this program again, without its mark.
 */
pm_inline bool pm_tc_is_next(struct pm_ctx *ctx)
{
	const struct pm_iface *iface = PM_AT_XDP ? pm_get_iface(pm_hook_ifindex(ctx)) : NULL;

	return iface && iface->flags & PM_I_XDP_GENERIC;
}

/*
 * For a session that drops packets, or keeps them, whose descriptor is `desc`. Either the verdict
 * is in `a`, and 0; or the packet may go on, by the descriptor that is returned.
 */
__noinline __u64 pm_way_on(struct pm_ctx *ctx, struct pm_act *a, __u64 desc)
{
	__u32 index = PM_DESC_TUNNEL(desc);
	const struct pm_buffer *b;
	__u64 then;

	if (!a)
		return 0;
	if (!pm_buffer_packets || PM_DESC_FLAGS(desc) & PM_F_DROP) {
		pm_drop_for(a, PM_DROP_LINGERING);
		return 0;
	}
	b = bpf_map_lookup_elem(&pm_buffer, &index);
	if (!b) {
		pm_drop_for(a, PM_DROP_BUFFER);
		return 0;
	}
	if (!(READ_ONCE(b->open) && READ_ONCE(b->queued) == READ_ONCE(b->delivered)) &&
	    !pm_hook_marked(ctx)) {
		a->param = index;
		a->verdict = pm_tc_is_next(ctx) ? PM_V_TO_TC : PM_V_BUFFER;
		return 0;
	}
	then = READ_ONCE(b->then);
	if (PM_DESC_GEN(then) != PM_DESC_GEN(desc)) {
		pm_drop_for(a, PM_DROP_STALE_SLOT);
		return 0;
	}
	if (PM_DESC_FLAGS(then) & PM_F_DROP) {
		pm_drop_for(a, PM_DROP_LINGERING);
		return 0;
	}
	return then;
}

/* The same for what was found. False: the verdict is there. */
pm_inline bool pm_may_go_on(struct pm_ctx *ctx, struct pm_act *a, struct pm_found *to)
{
	__u64 then;

	if (!pm_has(to, PM_F_DROP | PM_F_BUFFER))
		return true;
	then = pm_way_on(ctx, a, to->desc);
	if (!then)
		return false;
	to->desc = then;
	return true;
}
