/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries out what was decided. The only place, with icmp.h, that changes a packet: one resize at
 * most, then the new headers, built on the stack, in one go.
 */
#pragma once

#include "encap.h"
#include "icmp.h"

/* What an accountant sees: packets and octets as they are on the wire inside the tunnel. */
struct pm_load {
	__u32 packets;
	__u32 octets;
};

/* Segmentation repeats the headers; to be asked before the packet is changed. */
pm_inline void pm_weigh(struct pm_ctx *ctx, const struct pm_pkt *p, const struct pm_act *a,
			struct pm_load *load)
{
	__u32 gso = pm_hook_gso(ctx), heads = a->wire_len - gso;

	load->packets = 1;
	load->octets = p->len;
	if (!gso || heads >= p->len)
		return;
	load->packets = (p->len - heads + gso - 1) / gso;
	load->octets += (load->packets - 1) * heads;
}

/* Several CPUs may carry packets of one node: no count may be lost. */
pm_inline void pm_account(const struct pm_act *a, const struct pm_load *load)
{
	if (a->up) {
		__sync_fetch_and_add(&a->up->up_packets, load->packets);
		__sync_fetch_and_add(&a->up->up_bytes, load->octets);
	}
	if (a->down) {
		__sync_fetch_and_add(&a->down->down_packets, load->packets);
		__sync_fetch_and_add(&a->down->down_bytes, load->octets);
	}
}

pm_inline int pm_leave(struct pm_ctx *ctx, const struct pm_act *a)
{
	if (a->to_stack)
		return PM_ACT_PASS;
#if !PM_AT_XDP
	if (a->neigh) {
		struct bpf_redir_neigh nh = {.nh_family = PM_AF_INET6};

		__builtin_memcpy(nh.ipv6_nh, a->next_hop, sizeof(nh.ipv6_nh));
		return bpf_redirect_neigh(a->ifindex, &nh, sizeof(nh), 0);
	}
#endif
	return bpf_redirect(a->ifindex, 0);
}

/* The first octets of the inner packet, hop limit and congestion mark as they shall leave. */
pm_inline __u64 pm_inner_word(const struct pm_pkt *p, const struct pm_act *a)
{
	union {
		__u64 word;
		__u8 octet[8];
	} in = {.word = *(const pm_w64 *)p->ip};

	if (a->ecn_ce)
		in.octet[1] |= PM_ECN_CE << 4;
	in.octet[7] = a->hop_limit;
	return in.word;
}

pm_inline int pm_forward(struct pm_ctx *ctx, const struct pm_pkt *p, const struct pm_act *a)
{
	const int outer_len = sizeof(struct ipv6hdr);
	int grow = (a->tunnel ? outer_len : 0) - (p->outer ? outer_len : 0);
	__u32 len = ETH_HLEN + (p->outer ? outer_len : 0) + p->len;
	struct pm_load load;
	union pm_head h;

	pm_weigh(ctx, p, a, &load);
	h.pad[0] = h.pad[1] = 0;
	if (a->to_stack) {
		h.eth = *p->eth;
	} else {
		__builtin_memcpy(h.eth.h_dest, a->dmac, ETH_ALEN);
		__builtin_memcpy(h.eth.h_source, a->smac, ETH_ALEN);
		h.eth.h_proto = bpf_htons(ETH_P_IPV6);
	}
	if (a->tunnel) {
		pm_outer_header(&h.outer, p, a->tunnel, a->ecn_ce);
		h.inner = pm_inner_word(p, a);
	} else {
		h.alone = pm_inner_word(p, a);
	}
	/* Ethernet padding would end up inside the tunnel; a packet in segments has none */
	if (!pm_hook_gso(ctx) && pm_hook_len(ctx) > len && pm_hook_trim(ctx, len))
		return pm_discard(PM_DROP_HEADROOM);
	if (grow && pm_hook_resize(ctx, grow, true)) {
		if (!PM_AT_XDP)
			return pm_discard(PM_DROP_HEADROOM);
		/* TC can enlarge what XDP cannot */
		pm_count_verdict(PM_V_TO_TC);
		return PM_ACT_PASS;
	}
	if (a->tunnel ? pm_hook_write(ctx, &h, PM_HEAD_OUTER)
		      : pm_hook_write(ctx, &h, PM_HEAD_ALONE))
		return pm_discard(PM_DROP_HEADROOM);
	pm_account(a, &load);
	pm_count_verdict(a->verdict);
	return pm_leave(ctx, a);
}

/* The length where a frame of it can be kept, else 0. One register from check to use, or the
 * verifier loses sight of the bounds. */
pm_inline __u64 pm_early_len(__u64 len)
{
	barrier_var(len);
	if (len < ETH_HLEN)
		return 0;
	barrier_var(len);
	return len > PM_EARLY_FRAME ? 0 : len;
}

/* To the daemon, which knows whether the node is about to be registered here. */
pm_inline int pm_keep_early(struct pm_ctx *ctx, const struct pm_act *a)
{
	struct pm_early *early;
	__u64 len;

	if (pm_hook_gso(ctx) || !pm_early_len(pm_hook_len(ctx)) ||
	    !pm_token(PM_RATE_EARLY, pm_early_rate, pm_early_burst))
		return pm_discard(a->reason);
	early = bpf_ringbuf_reserve(&pm_early, sizeof(*early), 0);
	if (!early)
		return pm_discard(a->reason);
	early->ifindex = pm_hook_ifindex(ctx);
	len = pm_early_len(pm_hook_len(ctx));
	if (!len || pm_hook_load(ctx, early->frame, len)) {
		bpf_ringbuf_discard(early, 0);
		return pm_discard(a->reason);
	}
	early->len = len;
	bpf_ringbuf_submit(early, 0);
	pm_count_verdict(PM_V_EARLY);
	return PM_ACT_DROP;
}

pm_inline int pm_carry_out(struct pm_ctx *ctx, const struct pm_pkt *p, const struct pm_act *a)
{
	switch (a->verdict) {
	case PM_V_TO_KERNEL:
	case PM_V_TO_TC:
		pm_count_verdict(a->verdict);
		return PM_ACT_PASS;
	case PM_V_DROPPED:
		return pm_discard(a->reason);
	case PM_V_REPLIED:
		return pm_reply(ctx, p, a);
	case PM_V_EARLY:
		return pm_keep_early(ctx, a);
	default:
		return pm_forward(ctx, p, a);
	}
}
