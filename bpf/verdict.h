/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet's fate. The judging steps fill a struct pm_act and change nothing; forward.h carries
 * it out. Every packet counts PM_V_RECEIVED and exactly one other verdict; every dropped one
 * exactly one reason.
 */
#pragma once

#include "lookup.h"

struct pm_act {
	__u8 verdict;	  /* enum pm_verdict */
	__u8 reason;	  /* enum pm_drop_reason: of a drop, or of the error that is sent */
	__u8 hop_limit;	  /* of the inner packet, as it shall leave */
	__u8 ecn_ce;	  /* mark the inner packet */
	__u8 neigh;	  /* TC: the neighbour is not resolved yet, let the kernel do it */
	__u8 to_stack;	  /* strip the tunnel and hand the packet to this host */
	__u8 reply_plain; /* an error about a tunnelled packet leaves without a tunnel */
	__u32 ifindex;	  /* egress */
	__u32 wire_len;	  /* octets of the inner packet, or of its largest segment to come */
	__u8 dmac[6];
	__u8 smac[6];
	const struct pm_tunnel *tunnel; /* put it in here; NULL: none */
	struct pm_session *up;		/* count as from this node */
	struct pm_session *down;	/* count as to this node */
	__u32 param;			/* the error's MTU */
#if !PM_AT_XDP
	__u8 next_hop[16]; /* with neigh */
#endif
};

/* Each returns the verdict it sets, so that a step can end with it. */
pm_inline int pm_drop_for(struct pm_act *a, enum pm_drop_reason reason)
{
	a->reason = reason;
	return a->verdict = PM_V_DROPPED;
}

pm_inline int pm_kernel(struct pm_act *a)
{
	return a->verdict = PM_V_TO_KERNEL;
}

/* Tells the source, where an ICMPv6 error may be sent; else a drop for the same reason. */
pm_inline int pm_refuse(struct pm_act *a, enum pm_drop_reason reason, __u32 param)
{
	a->reason = reason;
	a->param = param;
	return a->verdict = PM_V_REPLIED;
}

pm_inline void pm_count(void *map, __u32 index)
{
	__u64 *n = bpf_map_lookup_elem(map, &index);

	if (n)
		++*n;
}

pm_inline void pm_count_verdict(__u32 verdict)
{
	pm_count(&pm_verdict, PM_HOOK * PM_V_MAX + verdict);
}

#define PM_NSEC	    1000000000ULL

/* Takes one token out of a bucket that is filled with `rate` per second up to `burst`. */
pm_inline bool pm_token(__u32 which, __u32 rate, __u32 burst)
{
	__u64 cost, now = bpf_ktime_get_ns(), full;
	struct pm_bucket *b;

	if (!rate)
		return false;
	cost = PM_NSEC / rate;
	full = cost * burst;
	b = bpf_map_lookup_elem(&pm_rate, &which);
	if (!b)
		return false;
	b->tokens += now - b->last;
	b->last = now;
	if (b->tokens > full)
		b->tokens = full;
	if (b->tokens < cost)
		return false;
	b->tokens -= cost;
	return true;
}

pm_inline int pm_discard(__u32 reason)
{
	pm_count_verdict(PM_V_DROPPED);
	pm_count(&pm_drop, reason);
	return PM_ACT_DROP;
}
