/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a packet goes next: into a tunnel, onto an access link, or by the routing table. Checks
 * hop limit and size on the way; changes nothing.
 */
#pragma once

#include "buffer.h"
#include "cache.h"

#define PM_AF_INET  2
#define PM_AF_INET6 10
#define PM_MTU_MIN  1280

/* Through the interface below a VLAN interface, with a tag. */
__noinline int pm_through_parent(struct pm_act *a)
{
	const struct pm_iface *vlan;

	if (!a)
		return 0;
	vlan = pm_get_iface(a->ifindex);
	if (!vlan || !vlan->parent)
		return 0;
	a->ifindex = vlan->parent;
	a->tag = vlan->tag;
	return 1;
}

/* Is the frame in several buffers? Padding aside, which may be in a second one. */
pm_inline bool pm_in_pieces(struct pm_ctx *ctx, const struct pm_pkt *p)
{
	__u32 len = p->tunnelled ? pm_total_len(pm_outer(p), p->outer_v4) : p->len;

	return PM_AT_XDP && ETH_HLEN + len > pm_hook_linear(ctx);
}

/* XDP can only finish what the egress interface, or its parent, takes as an XDP frame. */
pm_inline bool pm_can_leave(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a,
			    bool takes_xdp, bool vlan)
{
	if (!PM_AT_XDP)
		return true;
	if (!takes_xdp)
		return false;
	if (pm_in_pieces(ctx, p)) {
		const struct pm_iface *out = pm_get_iface(a->ifindex);

		if (!out || !(out->flags & PM_I_XDP_SG))
			return false;
	}
	return !vlan || pm_through_parent(a);
}

/*
 * RFC 2473 7.1, 7.2: the source is told, unless it may not be told less (IPv6, 1280 octets) or did
 * not want to know (IPv4 without DF): such a packet enters a tunnel in fragments.
 */
pm_inline int pm_too_big(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a, __u32 mtu)
{
	if (p->v4 ? pm_ip4(p)->frag_off & bpf_htons(PM_IP4_DF) : a->wire_len > PM_MTU_MIN)
		return pm_refuse(a, PM_DROP_TOO_BIG, !p->v4 && mtu < PM_MTU_MIN ? PM_MTU_MIN : mtu);
	if (!a->tunnel || !pm_fragment_rate || pm_hook_gso(ctx))
		return pm_drop_for(a, PM_DROP_TOO_BIG);
	a->reason = PM_DROP_SLOW;
	return a->verdict = PM_V_FRAGMENT;
}

/*
 * One forwarding step takes one from the hop limit, whether the packet enters a tunnel, leaves
 * one, or both (RFC 2473 3.1, 3.3). 0 when it may go on.
 */
pm_inline int pm_forwardable(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a,
			     __u32 mtu)
{
	__u8 hop_limit = pm_hop_limit(p);

	if (hop_limit <= 1)
		return pm_refuse(a, PM_DROP_HOP_LIMIT, 0);
	a->hop_limit = hop_limit - 1;
	a->wire_len = pm_wire_len(ctx, p);
	if (mtu && a->wire_len > mtu)
		return pm_too_big(ctx, p, a, mtu);
	return 0;
}

/* Asks the routing table, as for what comes in by fib->ifindex: enum BPF_FIB_LKUP_RET_*, and the
 * answer in `a`. */
pm_inline int pm_fib(struct pm_ctx *ctx, struct pm_act *a, struct bpf_fib_lookup *fib)
{
	long rc;

	rc = bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
	if (rc == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		a->param = fib->mtu_result;
	if (rc != BPF_FIB_LKUP_RET_SUCCESS && rc != BPF_FIB_LKUP_RET_NO_NEIGH)
		return rc;
	a->ifindex = fib->ifindex;
	a->neigh = rc == BPF_FIB_LKUP_RET_NO_NEIGH ? fib->family : 0;
	__builtin_memcpy(a->dmac, fib->dmac, sizeof(a->dmac));
	__builtin_memcpy(a->smac, fib->smac, sizeof(a->smac));
#if !PM_AT_XDP
	__builtin_memcpy(a->next_hop, fib->ipv6_dst, sizeof(a->next_hop));
#endif
	return rc;
}

pm_inline void pm_ask_iface(struct pm_act *a)
{
	const struct pm_iface *out = pm_get_iface(a->ifindex);

	a->out = 0;
	if (!out)
		return;
	if (out->flags & PM_I_XDP_OUT)
		a->out |= PM_R_XDP;
	if (out->flags & PM_I_VLAN)
		a->out |= PM_R_VLAN;
}

/* Paths of equal cost may be chosen by the ports. */
pm_inline void pm_fib_ports(const struct pm_pkt *p, struct bpf_fib_lookup *fib)
{
	const __be16 *l4 = p->ip + (p->v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	__u8 next = pm_next_header(p);

	if ((next != IPPROTO_TCP && next != IPPROTO_UDP) || (void *)(l4 + 2) > p->end)
		return;
	if (p->v4 && (pm_ip4(p)->ihl != 5 || pm_ip4(p)->frag_off & bpf_htons(PM_IP4_OFFSET)))
		return;
	fib->sport = l4[0];
	fib->dport = l4[1];
}

pm_inline int pm_fib_recall(const struct pm_question *q, struct pm_act *a)
{
	const struct pm_route *r = pm_recall(q);

	if (!r)
		return -1;
	if (a->wire_len > r->mtu) {
		a->param = r->mtu;
		return BPF_FIB_LKUP_RET_FRAG_NEEDED;
	}
	a->ifindex = r->ifindex;
	a->out = r->flags;
	pm_put_macs(a->dmac, r->dmac, r->smac);
	return BPF_FIB_LKUP_RET_SUCCESS;
}

/* Where the table shall take the packet to come from. */
pm_inline __u32 pm_ingress(struct pm_ctx *ctx, const struct pm_act *a)
{
	return pm_use_domains && a->as_from ? a->as_from : pm_hook_ifindex(ctx);
}

/* For the packet itself, outside of any tunnel: asks the table where nothing is remembered. */
__noinline int pm_fib_packet(struct pm_ctx *ctx, struct pm_act *a)
{
	struct bpf_fib_lookup fib = {0};
	struct pm_question q = {0};
	struct pm_pkt p = {0};
	__u32 ingress;
	int rc;

	if (!a || !pm_again(ctx, &p, a, a->outer_len))
		return -1;
	ingress = pm_ingress(ctx, a);
	pm_ask(&p, ingress, &q);
	rc = pm_fib_recall(&q, a);
	if (rc >= 0)
		return rc;
	fib.ifindex = ingress;
	fib.l4_protocol = pm_next_header(&p);
	fib.tot_len = a->wire_len < 0xffff ? a->wire_len : 0xffff;
	pm_fib_ports(&p, &fib);
	if (p.v4) {
		fib.family = PM_AF_INET;
		fib.tos = pm_ip4(&p)->tos;
		fib.ipv4_src = pm_ip4(&p)->saddr;
		fib.ipv4_dst = pm_ip4(&p)->daddr;
	} else {
		fib.family = PM_AF_INET6;
		fib.flowinfo = pm_flow_word(p.ip) & bpf_htonl(0x0fffffff);
		__builtin_memcpy(fib.ipv6_src, &pm_ip6(&p)->saddr, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, &pm_ip6(&p)->daddr, sizeof(fib.ipv6_dst));
	}
	rc = pm_fib(ctx, a, &fib);
	if (rc == BPF_FIB_LKUP_RET_SUCCESS) {
		pm_ask_iface(a);
		pm_remember(&q, a, fib.mtu_result);
	}
	return rc;
}

/* For what leaves through the tunnel that `a` names. */
__noinline int pm_fib_tunnel(struct pm_ctx *ctx, struct pm_act *a)
{
	struct bpf_fib_lookup fib = {0};
	const struct pm_tunnel *t;

	if (!a)
		return -1;
	t = pm_get_tunnel(a->tunnel);
	if (!t)
		return -1;
	fib.ifindex = READ_ONCE(t->ifindex);
	if (!fib.ifindex)
		fib.ifindex = pm_hook_ifindex(ctx);
	fib.l4_protocol = IPPROTO_IPV6;
	if (a->outer_v4) {
		fib.family = PM_AF_INET;
		fib.ipv4_src = *(const pm_w32 *)(t->local + 12);
		fib.ipv4_dst = *(const pm_w32 *)(t->remote + 12);
	} else {
		fib.family = PM_AF_INET6;
		fib.tot_len = PM_MTU_MIN;
		__builtin_memcpy(fib.ipv6_src, t->local, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, t->remote, sizeof(fib.ipv6_dst));
	}
	return pm_fib(ctx, a, &fib);
}

/* RFC 2473 4.1.1 (b): a Tunnel Encapsulation Limit of zero, where senders put it: first option. */
pm_inline bool pm_encap_forbidden(const struct pm_pkt *p)
{
	const __u8 *opt = p->ip + sizeof(struct ipv6hdr);

	return !p->v4 && pm_ip6(p)->nexthdr == IPPROTO_DSTOPTS && (void *)(opt + 8) <= p->end &&
	       opt[2] == 4 && opt[3] == 1 && opt[4] == 0;
}

/* The next hop as one piece: false when there is none or it changed under our eyes, which the
 * daemon announces by closing the gate first (struct pm_tunnel). */
pm_inline bool pm_next_hop(const struct pm_tunnel *t, struct pm_act *a, __u32 *flags)
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
	*flags = gate.flags;
	a->ifindex = gate.ifindex;
	pm_put_macs(a->dmac, t->dmac, t->smac);
	barrier();
	return READ_ONCE(*(const pm_w64 *)&t->flags) == gate.word;
}

/* Through the tunnel of a session: up to its anchor, or down to its node. */
pm_inline int pm_to_tunnel(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a,
			   struct pm_found *f, bool up)
{
	__u32 index = pm_named_tunnel(f, up);
	const struct pm_tunnel *t = pm_get_tunnel(index);
	__u32 flags;
	int refused;

	if (up && !pm_still(f))
		return pm_drop_for(a, PM_DROP_STALE_SLOT);
	if (pm_use_gre && t && PM_ENCAP_KEYED(t->encap)) {
		if (!pm_get_key(f, up, &index, &a->key))
			return pm_drop_for(a, PM_DROP_STALE_SLOT);
		t = pm_get_tunnel(index);
	}
	if (!t)
		return pm_drop_for(a, PM_DROP_NO_NEXTHOP);
	if (t->flags & PM_T_SELF)
		return pm_drop_for(a, PM_DROP_LOOP);
	a->tunnel = index;
	a->encap = pm_use_gre || pm_use_ip4_outer ? t->encap : PM_E_IP;
	a->outer_v4 = pm_use_ip4_outer && t->flags & PM_T_IP4;
	if (pm_encap_forbidden(p) && pm_hop_limit(p) > 1)
		return pm_refuse(a, PM_DROP_LOOP, sizeof(struct ipv6hdr) + 4);
	refused = pm_forwardable(ctx, p, a, t->mtu);
	if (refused)
		return refused;
	/* segmentation does not know of the length in the TLV header */
	if (pm_hook_gso(ctx) && a->encap >= PM_E_UDP_TLV)
		return pm_drop_for(a, PM_DROP_GSO);
	if (pm_next_hop(t, a, &flags)) {
		if (!pm_can_leave(ctx, p, a, flags & PM_T_XDP, flags & PM_T_VLAN))
			return a->verdict = PM_V_TO_TC;
	} else if (PM_AT_XDP) {
		return a->verdict = PM_V_TO_TC;
	} else {
		a->ask = 1;
	}
	return a->verdict = p->tunnelled ? PM_V_HAIRPIN : PM_V_ENCAP;
}

/* Asks for the way into the tunnel where nobody has told it: not while the packet is judged, for a
 * chain of functions has little stack. False: there is none. */
pm_inline bool pm_asked(struct pm_ctx *ctx, struct pm_act *a)
{
	int rc;

	if (PM_AT_XDP || !a->ask)
		return true;
	rc = pm_fib_tunnel(ctx, a);
	return rc == BPF_FIB_LKUP_RET_SUCCESS || rc == BPF_FIB_LKUP_RET_NO_NEIGH;
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
	a->ifindex = access->ifindex;
	if (!pm_can_leave(ctx, p, a, access->flags & PM_A_XDP, access->flags & PM_A_VLAN))
		return a->verdict = PM_V_TO_TC;
	pm_put_macs(a->dmac, l2.mac, access->smac);
	return a->verdict = verdict;
}

/* To the node whose session is `to`, wherever it is. */
pm_inline int pm_to_node(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a,
			 struct pm_found *to)
{
	a->down = to->slot;
	if (!pm_may_go_on(ctx, a, to))
		return a->verdict;
	if (pm_has(to, PM_F_LINK))
		return pm_to_link(ctx, p, a, to, p->tunnelled ? PM_V_DECAP_LINK : PM_V_LINK);
	return pm_to_tunnel(ctx, p, a, to, false);
}

/*
 * Out of the tunnel and on to the kernel, which takes it, forwards it, or says what is wrong. The
 * kernel would choose among the routes of where the packet came in, which are others' where the
 * domain has its own.
 */
pm_inline int pm_to_stack(const struct pm_pkt *p, struct pm_act *a)
{
	if (pm_use_domains && a->as_from)
		return pm_refuse(a, PM_DROP_NO_ROUTE, 0);
	if (!p->tunnelled)
		return pm_kernel(a);
	a->to_stack = 1;
	a->hop_limit = pm_hop_limit(p);
	return a->verdict = PM_V_DECAP_ROUTE;
}

/* What the table answered before, without a call. */
pm_inline int pm_fib_again(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a)
{
	struct pm_question q = {0};

	pm_ask(p, pm_ingress(ctx, a), &q);
	return pm_fib_recall(&q, a);
}

/* By the routing table. What it does not forward is for this host, or for its error messages. */
pm_inline int pm_to_route(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a)
{
	int refused, rc;

	a->wire_len = pm_wire_len(ctx, p);
	pm_note(a, p);
	rc = PM_AT_XDP ? pm_fib_again(ctx, p, a) : -1;
	if (rc < 0)
		rc = pm_fib_packet(ctx, a);
	switch (rc) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		if (!pm_can_leave(ctx, p, a, a->out & PM_R_XDP, a->out & PM_R_VLAN))
			return a->verdict = PM_V_TO_TC;
		break;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		if (PM_AT_XDP)
			return a->verdict = PM_V_TO_TC;
		break;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		/* who does not mind fragments gets them from the kernel */
		if (p->v4 && !(pm_ip4(p)->frag_off & bpf_htons(PM_IP4_DF)) &&
		    !(pm_use_domains && a->as_from))
			return pm_to_stack(p, a);
		return pm_too_big(ctx, p, a, a->param);
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return pm_to_stack(p, a);
	default:
		return pm_drop_for(a, PM_DROP_NO_ROUTE);
	}
	refused = pm_forwardable(ctx, p, a, 0);
	if (refused)
		return refused;
	return a->verdict = p->tunnelled ? PM_V_DECAP_ROUTE : PM_V_ROUTE;
}
