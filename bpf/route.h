/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a packet goes next: into a tunnel, onto an access link, or by the routing table. Checks
 * hop limit and size on the way; changes nothing.
 */
#pragma once

#include "verdict.h"

#define PM_AF_INET6 10
#define PM_MTU_MIN  1280

/* XDP can only finish what the egress interface takes as an XDP frame. */
pm_inline bool pm_can_leave(bool xdp_capable)
{
	return !PM_AT_XDP || xdp_capable;
}

pm_inline int pm_too_big(struct pm_act *a, __u32 mtu)
{
	/* no source may be told less than the minimum MTU of IPv6, RFC 2473 7.1 */
	if (a->wire_len <= PM_MTU_MIN)
		return pm_drop_for(a, PM_DROP_TOO_BIG);
	return pm_refuse(a, PM_DROP_TOO_BIG, mtu < PM_MTU_MIN ? PM_MTU_MIN : mtu);
}

/*
 * One forwarding step takes one from the hop limit, whether the packet enters a tunnel, leaves
 * one, or both (RFC 2473 3.1, 3.3). 0 when it may go on.
 */
pm_inline int pm_forwardable(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a,
			     __u32 mtu)
{
	if (p->ip->hop_limit <= 1)
		return pm_refuse(a, PM_DROP_HOP_LIMIT, 0);
	a->hop_limit = p->ip->hop_limit - 1;
	a->wire_len = pm_wire_len(ctx, p);
	if (mtu && a->wire_len > mtu)
		return pm_too_big(a, mtu);
	return 0;
}

/* Asks the routing table; the answer is in `a` and `fib`. `flow` as in the header. */
pm_inline long pm_fib(struct pm_ctx *ctx, struct pm_act *a, struct bpf_fib_lookup *fib,
		      const void *src, const void *dst, __be32 flow, __u8 proto, __u32 len)
{
	long rc;

	__builtin_memset(fib, 0, sizeof(*fib));
	fib->family = PM_AF_INET6;
	fib->l4_protocol = proto;
	fib->tot_len = len;
	fib->ifindex = pm_hook_ifindex(ctx);
	fib->flowinfo = flow & bpf_htonl(0x0fffffff);
	for (int i = 0; i < 4; i++) {
		fib->ipv6_src[i] = ((const pm_w32 *)src)[i];
		fib->ipv6_dst[i] = ((const pm_w32 *)dst)[i];
	}
	rc = bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
	if (rc == BPF_FIB_LKUP_RET_SUCCESS) {
		a->ifindex = fib->ifindex;
		__builtin_memcpy(a->dmac, fib->dmac, sizeof(a->dmac));
		__builtin_memcpy(a->smac, fib->smac, sizeof(a->smac));
	}
#if !PM_AT_XDP
	if (rc == BPF_FIB_LKUP_RET_NO_NEIGH) {
		a->ifindex = fib->ifindex;
		a->neigh = 1;
		__builtin_memcpy(a->next_hop, fib->ipv6_dst, sizeof(a->next_hop));
	}
#endif
	return rc;
}

/* RFC 2473 4.1.1 (b): a Tunnel Encapsulation Limit of zero, where senders put it: first option. */
pm_inline bool pm_encap_forbidden(const struct pm_pkt *p)
{
	const __u8 *opt = (const __u8 *)(p->ip + 1);

	return p->ip->nexthdr == IPPROTO_DSTOPTS && (void *)(opt + 8) <= p->end && opt[2] == 4 &&
	       opt[3] == 1 && opt[4] == 0;
}

/* The next hop as one piece: false when there is none or it changed under our eyes, which the
 * daemon announces by closing the gate first (struct pm_tunnel). */
pm_inline bool pm_next_hop(const struct pm_tunnel *t, struct pm_act *a, bool *takes_xdp)
{
	union {
		__u64 word;
		struct {
			__u32 flags, ifindex;
		};
	} gate;

	gate.word = READ_ONCE(*(const pm_w64 *)&t->flags);
	if (!(gate.flags & PM_T_NEXTHOP))
		return false;
	*takes_xdp = gate.flags & PM_T_XDP;
	a->ifindex = gate.ifindex;
	__builtin_memcpy(a->dmac, t->dmac, sizeof(a->dmac));
	__builtin_memcpy(a->smac, t->smac, sizeof(a->smac));
	barrier();
	return READ_ONCE(*(const pm_w64 *)&t->flags) == gate.word;
}

pm_inline int pm_to_tunnel(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a,
			   __u32 index)
{
	const struct pm_tunnel *t = pm_get_tunnel(index);
	bool takes_xdp;
	int refused;

	if (!t)
		return pm_drop_for(a, PM_DROP_NO_NEXTHOP);
	if (t->flags & PM_T_SELF)
		return pm_drop_for(a, PM_DROP_LOOP);
	a->tunnel = t;
	refused = pm_forwardable(ctx, p, a, t->mtu);
	if (refused)
		return refused;
	if (pm_encap_forbidden(p))
		return pm_refuse(a, PM_DROP_LOOP, sizeof(*p->ip) + 4);
	if (pm_next_hop(t, a, &takes_xdp)) {
		if (!pm_can_leave(takes_xdp))
			return a->verdict = PM_V_TO_TC;
	} else if (PM_AT_XDP) {
		return a->verdict = PM_V_TO_TC;
	} else {
		struct bpf_fib_lookup fib;
		long rc = pm_fib(ctx, a, &fib, t->local, t->remote, 0, IPPROTO_IPV6, PM_MTU_MIN);

		if (rc != BPF_FIB_LKUP_RET_SUCCESS && rc != BPF_FIB_LKUP_RET_NO_NEIGH)
			return pm_drop_for(a, PM_DROP_NO_NEXTHOP);
	}
	return a->verdict = p->outer ? PM_V_HAIRPIN : PM_V_ENCAP;
}

/* The node's link-layer address and interface, read as the one word that they are. */
union pm_l2 {
	__u64 word;
	struct {
		__u8 mac[6];
		__u16 access;
	};
};

pm_inline void pm_get_l2(union pm_l2 *l2, const struct pm_found *f)
{
	l2->word = READ_ONCE(*(const pm_w64 *)f->s->mac);
}

pm_inline int pm_to_link(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a,
			 const struct pm_found *to, enum pm_verdict verdict)
{
	const struct pm_access *access;
	union pm_l2 l2;
	int refused;

	pm_get_l2(&l2, to);
	if (!pm_still(to))
		return pm_drop_for(a, PM_DROP_STALE_SLOT);
	access = pm_get_access(l2.access);
	if (!access)
		return pm_drop_for(a, PM_DROP_NO_NEXTHOP);
	refused = pm_forwardable(ctx, p, a, access->mtu);
	if (refused)
		return refused;
	if (!pm_can_leave(access->flags & PM_A_XDP))
		return a->verdict = PM_V_TO_TC;
	a->ifindex = access->ifindex;
	__builtin_memcpy(a->dmac, l2.mac, sizeof(a->dmac));
	__builtin_memcpy(a->smac, access->smac, sizeof(a->smac));
	return a->verdict = verdict;
}

/* To the node whose session is `to`, wherever it is. */
pm_inline int pm_to_node(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a,
			 const struct pm_found *to)
{
	a->down = to->s;
	if (pm_has(to, PM_F_DROP))
		return pm_drop_for(a, PM_DROP_LINGERING);
	if (pm_has(to, PM_F_LINK))
		return pm_to_link(ctx, p, a, to, p->outer ? PM_V_DECAP_LINK : PM_V_LINK);
	return pm_to_tunnel(ctx, p, a, PM_DESC_TUNNEL(to->desc));
}

/* By the routing table. What it does not forward is for this host, or for its error messages. */
pm_inline int pm_to_route(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a)
{
	const struct pm_iface *out;
	struct bpf_fib_lookup fib;
	int refused;

	a->wire_len = pm_wire_len(ctx, p);
	switch (pm_fib(ctx, a, &fib, &p->ip->saddr, &p->ip->daddr, pm_flow_word(p->ip),
		       p->ip->nexthdr, a->wire_len)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		if (!PM_AT_XDP)
			break;
		out = bpf_map_lookup_elem(&pm_iface, &a->ifindex);
		if (!out || !(out->flags & PM_I_XDP_OUT))
			return a->verdict = PM_V_TO_TC;
		break;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		if (PM_AT_XDP)
			return a->verdict = PM_V_TO_TC;
		break;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return pm_too_big(a, fib.mtu_result);
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		if (!p->outer)
			return pm_kernel(a);
		a->to_stack = 1;
		a->hop_limit = p->ip->hop_limit;
		return a->verdict = PM_V_DECAP_ROUTE;
	default:
		return pm_drop_for(a, PM_DROP_NO_ROUTE);
	}
	refused = pm_forwardable(ctx, p, a, 0);
	if (refused)
		return refused;
	return a->verdict = p->outer ? PM_V_DECAP_ROUTE : PM_V_ROUTE;
}
