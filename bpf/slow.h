/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets for the daemon, through pm_slow and pm_kept. */
#pragma once

#include "forward.h"

/* The length where that much can be kept, else 0. One register from check to use, or the verifier
 * loses sight of the bounds: to be asked again before each use. */
pm_inline __u64 pm_slow_len(__u64 len)
{
	barrier_var(len);
	if (len < sizeof(struct iphdr))
		return 0;
	barrier_var(len);
	return len > PM_SLOW_DATA ? 0 : len;
}

pm_inline struct pm_scratch *pm_slow_take(struct pm_ctx *ctx, __u32 off, __u64 len)
{
	__u32 zero = 0;
	struct pm_scratch *s = bpf_map_lookup_elem(&pm_scratch, &zero);

	len = pm_slow_len(len);
	if (!s || !len || pm_hook_load(ctx, off, s->data, len))
		return NULL;
	__builtin_memset(&s->head, 0, sizeof(s->head));
	s->head.ifindex = pm_hook_ifindex(ctx);
	s->head.len = len;
	return s;
}

pm_inline bool pm_slow_give(struct pm_scratch *s, __u64 len)
{
	len = pm_slow_len(len);
	return len && !bpf_ringbuf_output(&pm_slow, s, sizeof(s->head) + len, 0);
}

/* The same as pm_slow_len() for pm_kept. */
pm_inline __u64 pm_kept_len(__u64 len)
{
	barrier_var(len);
	if (len < sizeof(struct iphdr))
		return 0;
	barrier_var(len);
	return len > PM_KEPT_DATA ? 0 : len;
}

pm_inline bool pm_keep_frame(struct pm_ctx *ctx, __u32 index, __u32 slot, __u64 flags)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u64 len = pm_kept_len(pm_hook_len(ctx));
	struct pm_keep *k = bpf_map_lookup_elem(&pm_keep, &cpu);

	if (!k || !len || pm_hook_load(ctx, 0, k->data, len))
		return false;
	__builtin_memset(&k->head, 0, sizeof(k->head));
	k->head.kind = PM_SLOW_KEPT;
	k->head.ifindex = pm_hook_ifindex(ctx);
	k->head.len = len;
	k->head.segment = pm_hook_gso(ctx);
	k->head.buffer = index;
	k->head.slot = slot;
	len = pm_kept_len(len);
	return len && !bpf_ringbuf_output(&pm_kept, k, sizeof(k->head) + len, flags);
}

/* A whole frame, for a node that is about to be there: see struct pm_buffer. Counted first, so that
 * no later packet of its flow finds that nobody waits. */
__noinline int pm_keep_waiting(struct pm_ctx *ctx, const struct pm_act *a)
{
	struct pm_buffer *b;
	__u64 flags = 0;
	__u32 index;

	if (!a)
		return pm_discard(PM_DROP_BUFFER);
	index = a->param;
	b = bpf_map_lookup_elem(&pm_buffer, &index);
	if (!b)
		return pm_discard(PM_DROP_BUFFER);
	/* a count that was lost leaves more delivered than queued, and that is no crowd */
	if ((__s64)(READ_ONCE(b->queued) - READ_ONCE(b->delivered)) >= (__s64)pm_buffer_packets) {
		__sync_fetch_and_add(&b->full, 1);
		return pm_discard(PM_DROP_BUFFER);
	}
	__sync_fetch_and_add(&b->queued, 1);
	if (!READ_ONCE(b->open))
		flags = bpf_ringbuf_query(&pm_kept, BPF_RB_AVAIL_DATA) < PM_KEPT_MUCH
				? BPF_RB_NO_WAKEUP
				: BPF_RB_FORCE_WAKEUP;
	if (pm_keep_frame(ctx, index, a->down, flags)) {
		pm_count_verdict(PM_V_BUFFER);
		return PM_ACT_DROP;
	}
	__sync_fetch_and_add(&b->lost, 1);
	__sync_fetch_and_add(&b->queued, -1);
	return pm_discard(PM_DROP_BUFFER);
}

/* A whole frame, for a session that may be about to come. */
__noinline int pm_keep_early(struct pm_ctx *ctx, const struct pm_act *a)
{
	__u64 len = pm_slow_len(pm_hook_len(ctx));
	struct pm_scratch *s;

	if (!a)
		return pm_discard(PM_DROP_SLOW);
	if (pm_hook_gso(ctx) || !len || !pm_token(PM_RATE_EARLY, pm_early_rate, pm_early_burst))
		return pm_discard(a->reason);
	s = pm_slow_take(ctx, 0, len);
	if (!s)
		return pm_discard(a->reason);
	s->head.kind = PM_SLOW_EARLY;
	if (!pm_slow_give(s, len))
		return pm_discard(a->reason);
	pm_count_verdict(PM_V_EARLY);
	return PM_ACT_DROP;
}

/* The inner packet as it shall leave, to be sent in fragments. */
__noinline int pm_send_fragments(struct pm_ctx *ctx, const struct pm_act *a)
{
	struct pm_load load = {.packets = 1};
	struct pm_scratch *s;
	struct pm_pkt p = {0};
	__u8 h[16];
	__u64 len;
	__u32 n;

	if (!a || !pm_again(ctx, &p, a, a->outer_len))
		return pm_discard(PM_DROP_MALFORMED);
	len = pm_slow_len(p.len);
	load.octets = p.len;
	if (!len || !pm_token(PM_RATE_FRAGMENT, pm_fragment_rate, pm_fragment_burst))
		return pm_discard(PM_DROP_SLOW);
	n = pm_build_inner(h, 0, &p, a);
	s = pm_slow_take(ctx, ETH_HLEN + p.outer_len, len);
	if (!s)
		return pm_discard(PM_DROP_SLOW);
	__builtin_memcpy(s->data, h, 8);
	if (n > 8)
		__builtin_memcpy(s->data + 8, h + 8, 4);
	s->head.kind = PM_SLOW_FRAGMENT;
	s->head.tunnel = a->tunnel;
	s->head.key = a->key;
	s->head.class = pm_class(s->data, p.v4);
	if (!pm_slow_give(s, len))
		return pm_discard(PM_DROP_SLOW);
	pm_account(a, &load);
	pm_count_verdict(PM_V_FRAGMENT);
	return PM_ACT_DROP;
}
