/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets to a node that may have to wait: see struct pm_buffer. */
#pragma once

#include "verdict.h"

/*
 * For a session that drops packets, or keeps them. The verdict, or 0: it may go on, and the
 * descriptor is what it goes by.
 */
pm_inline int pm_held(struct pm_ctx *ctx, struct pm_act *a, struct pm_found *to)
{
	__u32 index = PM_DESC_TUNNEL(to->desc);
	const struct pm_buffer *b;
	__u64 then;

	if (!pm_buffer_packets || pm_has(to, PM_F_DROP))
		return pm_drop_for(a, PM_DROP_LINGERING);
	b = bpf_map_lookup_elem(&pm_buffer, &index);
	if (!b)
		return pm_drop_for(a, PM_DROP_BUFFER);
	if (!(READ_ONCE(b->open) && READ_ONCE(b->queued) == READ_ONCE(b->delivered)) &&
	    !pm_hook_marked(ctx)) {
		a->param = index;
		return a->verdict = PM_V_BUFFER;
	}
	then = READ_ONCE(b->then);
	if (PM_DESC_GEN(then) != PM_DESC_GEN(to->desc))
		return pm_drop_for(a, PM_DROP_STALE_SLOT);
	to->desc = then;
	return PM_DESC_FLAGS(then) & PM_F_DROP ? pm_drop_for(a, PM_DROP_LINGERING) : 0;
}
