/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet's fate. The judging steps fill a struct pm_act and change nothing; forward.h carries
 * it out. Every packet counts PM_V_RECEIVED and exactly one other verdict; every dropped one
 * exactly one reason.
 */
#pragma once

#include "lookup.h"

/* No pointers: it is handed to functions that the verifier looks at once, and not on every way that
 * leads there. */
struct pm_act {
	union { /* first, to be copied in words */
		struct {
			__u8 dmac[6];
			__u8 smac[6];
			__be16 proto; /* EtherType, completes the header */
		};
		__u8 source[16]; /* of an error; IPv4 in the first four octets */
	};
	__u8 verdict;	/* enum pm_verdict */
	__u8 reason;	/* enum pm_drop_reason: of a drop, or of the error that is sent */
	__u8 hop_limit; /* of the inner packet, as it shall leave */
	__u8 ecn_ce;	/* mark the inner packet */
	__u8 neigh;	/* TC: family of next_hop, which the kernel has to resolve yet */
	__u8 to_stack;	/* strip the tunnel and hand the packet to this host */
	__u8 encap;	/* of `tunnel`, enum pm_encap */
	__u8 outer_v4;	/* of `tunnel` */
	__u8 back;	/* an error goes to the node of `up`, not to where the packet came from */
	__u8 out;	/* enum pm_route_flag: what `ifindex` is */
	__u8 ask;	/* TC: the way into `tunnel` is not known yet */
	__u8 pad;
	__u32 tunnel; /* put it in here; 0: none */
	union {
		__u32 key;     /* for `tunnel`, when keyed */
		__u32 as_from; /* no tunnel: route it as if it came in there; 0: as it did */
	};
	__u32 up;	/* slot: count as from this node; 0: nobody */
	__u32 down;	/* slot: count as to this node */
	__u32 param;	/* the error's MTU or pointer */
	__u32 ifindex;	/* egress */
	__u32 wire_len; /* octets of the inner packet, or of its largest segment to come */
	/* the packet as it is: see struct pm_pkt */
	__u32 len;
	__u32 outer_len; /* 0: not in a tunnel */
	__u8 v4;
	__u8 was_outer_v4;
	__u8 was_encap;
	__u8 pad2;
	__be32 tag; /* VLAN tag to be written; 0: none */
#if !PM_AT_XDP
	__u8 next_hop[16]; /* with neigh */
#endif
};

/* What the packet is, for who carries out the verdict. */
pm_inline void pm_note(struct pm_act *a, const struct pm_pkt *p)
{
	a->len = p->len;
	a->v4 = p->v4;
	a->outer_len = p->tunnelled ? p->outer_len : 0;
	a->was_outer_v4 = p->outer_v4;
	a->was_encap = p->encap;
}

/* The packet again, as it was judged, now that `off` octets are around it. False: it is not there.
 */
pm_inline bool pm_again_as(struct pm_ctx *ctx, struct pm_pkt *p, const struct pm_act *a, __u8 v4,
			   __u64 off)
{
	void *data = pm_data(ctx);

	if (!__builtin_constant_p(off)) {
		barrier_var(off);
		off &= 0x7c;
	}
	p->end = pm_data_end(ctx);
	p->eth = data;
	p->ip = data + ETH_HLEN + off;
	p->len = a->len;
	p->outer_len = off;
	p->outer_v4 = a->was_outer_v4;
	p->encap = a->was_encap;
	return data + ETH_HLEN <= p->end && pm_header_there(p, v4);
}

pm_inline bool pm_again(struct pm_ctx *ctx, struct pm_pkt *p, const struct pm_act *a, __u64 off)
{
	return pm_again_as(ctx, p, a, a->v4, off);
}

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

/* Tells the source, where an ICMP error may be sent; else a drop for the same reason. */
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

/* Leaves it to TC. */
#if PM_AT_XDP
__noinline int pm_leave_to_tc(struct pm_ctx *ctx)
{
	const struct pm_iface *iface = pm_get_iface(pm_hook_ifindex(ctx));

	pm_count_verdict(PM_V_TO_TC);
	if (iface && iface->flags & PM_I_XDP_GENERIC)
		pm_hook_tag(ctx);
	return PM_ACT_PASS;
}
#else
pm_inline int pm_leave_to_tc(struct pm_ctx *ctx)
{
	return PM_ACT_PASS;
}
#endif

#define PM_NSEC 1000000000ULL

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
