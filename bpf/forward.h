/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forwards a packet as was decided: one resize at most, then the new headers, built on the stack,
 * in one go.
 */
#pragma once

#include "encap.h"

/* What an accountant sees: packets and octets as they are on the wire inside the tunnel. */
struct pm_load {
	__u32 packets;
	__u32 octets;
};

/* Segmentation repeats the headers; to be asked before the packet is changed. */
pm_inline void pm_weigh(struct pm_ctx *ctx, const struct pm_act *a, struct pm_load *load)
{
	__u32 gso = pm_hook_gso(ctx), heads = a->wire_len - gso;

	load->packets = 1;
	load->octets = a->len;
	if (!gso || heads >= a->len)
		return;
	load->packets = (a->len - heads + gso - 1) / gso;
	load->octets += (load->packets - 1) * heads;
}

/* Several CPUs may carry packets of one node: no count may be lost. */
pm_inline void pm_account(const struct pm_act *a, const struct pm_load *load)
{
	struct pm_session *s;

	if (a->up) {
		s = pm_get_session(a->up);
		if (s) {
			__sync_fetch_and_add(&s->up_packets, load->packets);
			__sync_fetch_and_add(&s->up_bytes, load->octets);
		}
	}
	if (a->down) {
		s = pm_get_session(a->down);
		if (s) {
			__sync_fetch_and_add(&s->down_packets, load->packets);
			__sync_fetch_and_add(&s->down_bytes, load->octets);
		}
	}
}

pm_inline int pm_leave(struct pm_ctx *ctx, const struct pm_act *a)
{
	if (a->to_stack)
		return PM_ACT_PASS;
#if !PM_AT_XDP
	if (a->neigh) {
		struct bpf_redir_neigh nh = {.nh_family = a->neigh};

		__builtin_memcpy(nh.ipv6_nh, a->next_hop, sizeof(nh.ipv6_nh));
		return bpf_redirect_neigh(a->ifindex, &nh, sizeof(nh), 0);
	}
#endif
	return bpf_redirect(a->ifindex, 0);
}

/* What is around the packet now, and what shall be. */
pm_inline void pm_shapes(const struct pm_act *a, struct pm_shape *was, struct pm_shape *now)
{
	was->len = a->outer_len;
	was->outer_v4 = a->was_outer_v4;
	was->encap = a->was_encap;
	now->len = 0;
	now->outer_v4 = 0;
	now->encap = 0;
	was->tag = 0;
	now->tag = PM_AT_XDP && a->tag ? PM_TAG_LEN : 0;
	was->aside = now->aside = !PM_AT_XDP;
	was->v4 = now->v4 = a->v4;
	if (a->tunnel) {
		now->outer_v4 = a->outer_v4;
		now->encap = a->encap;
		now->len = (a->outer_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) +
			   PM_ENCAP_LEN(a->encap);
	}
}

/* Ethernet padding would end up inside the tunnel; a packet in segments has none. 0, or
 * PM_RESIZE_*. */
enum { PM_RESIZE_TRIM = 1, PM_RESIZE_ROOM };

pm_inline int pm_resize_as(struct pm_ctx *ctx, __u32 len, const struct pm_shape *was,
			   const struct pm_shape *now)
{
	len += ETH_HLEN + was->len;
	if (!pm_hook_gso(ctx) && pm_hook_excess(ctx, len) && pm_hook_trim(ctx, len))
		return PM_RESIZE_TRIM;
	if (pm_hook_resize(ctx, was, now))
		return PM_RESIZE_ROOM;
	pm_hook_prepare(ctx, PM_PULL);
	return 0;
}

/* A function of its own, for it is much to look at. */
__noinline int pm_resize_any(struct pm_ctx *ctx, const struct pm_act *a)
{
	struct pm_shape was, now;

	if (!a)
		return PM_RESIZE_TRIM;
	pm_shapes(a, &was, &now);
	return pm_resize_as(ctx, a->len, &was, &now);
}

pm_inline int pm_resize(struct pm_ctx *ctx, const struct pm_act *a, const struct pm_shape *was,
			const struct pm_shape *now)
{
	return now->aside ? pm_resize_any(ctx, a) : pm_resize_as(ctx, a->len, was, now);
}

/* Octets of the IPv6 header that pm_build_inner() writes. */
#define PM_INNER6 8

pm_inline __u64 pm_sum_words(const void *at, const __u32 octets)
{
	const pm_w32 *word = at;
	__u64 sum = 0;

#pragma unroll
	for (__u32 i = 0; i < (sizeof(struct ipv6hdr) + PM_INNER6) / 4; i++)
		sum += i < octets / 4 ? word[i] : 0;
	return sum;
}

#define PM_MINUS_ZERO (2ULL * 0xffffffff) /* in one's complement; more than two words */

/* The new headers where they belong, Ethernet first. TC does so in the common case only: of what
 * is written, a device may have computed a sum. */
pm_inline int pm_write_there(struct pm_ctx *ctx, const struct pm_pkt *p, const struct pm_act *a,
			     const struct pm_shape *now, const struct pm_tunnel *t)
{
	void *data = p->eth, *b = data + ETH_HLEN;
	__u64 sum = 0;

	/* every packet is longer than its headers, but the verifier does not know by how much */
	if (data + ETH_HLEN + sizeof(struct iphdr) > p->end)
		return -1;
	if (now->tag) {
		*(pm_w32 *)(data + 2 * ETH_ALEN) = a->tag;
		b += PM_TAG_LEN;
	}
	if (!PM_AT_XDP)
		sum = PM_MINUS_ZERO - pm_sum_words(p->ip, PM_INNER6);
	if (!pm_build(b, p, a, now, t))
		return -1;
	pm_put_macs(data, a->dmac, a->smac);
	*(pm_w16 *)(b - 2) = a->proto;
	if (!PM_AT_XDP)
		pm_hook_changed(ctx, sum + pm_sum_words(b, now->len + PM_INNER6));
	return 0;
}

#if PM_AT_XDP
#define pm_write pm_write_there
#else
/* Any others are put together on the stack, for the kernel to write them and to sum them up. */
pm_inline int pm_write(struct pm_ctx *ctx, const struct pm_pkt *p, const struct pm_act *a,
		       const struct pm_shape *now, const struct pm_tunnel *t)
{
	__u8 b[PM_HEAD_MAX] __attribute__((aligned(8)));
	__u32 n;

	if (!now->aside)
		return pm_write_there(ctx, p, a, now, t);
	n = pm_build(b, p, a, now, t);
	barrier_var(n);
	if (n < 8 || n > sizeof(b))
		return -1;
	if (pm_hook_store_eth(ctx, (const struct ethhdr *)a->dmac))
		return -1;
	return bpf_skb_store_bytes(ctx, ETH_HLEN, b, n, BPF_F_RECOMPUTE_CSUM);
}
#endif

/* With what is around the packet now and shall be; the more of it is constant, the less is left. */
pm_inline int pm_forward_as(struct pm_ctx *ctx, struct pm_act *a, const struct pm_shape *was,
			    const struct pm_shape *now, const struct pm_tunnel *t)
{
	struct pm_pkt p = {0};
	struct pm_load load;

	pm_weigh(ctx, a, &load);
	a->proto = (t ? now->outer_v4 : now->v4) ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	switch (pm_resize(ctx, a, was, now)) {
	case 0:
		break;
	case PM_RESIZE_ROOM:
		if (PM_AT_XDP) {
			/* TC can enlarge what XDP cannot */
			return pm_leave_to_tc(ctx);
		}
		return pm_discard(PM_DROP_HEADROOM);
	default:
		return pm_discard(PM_DROP_HEADROOM);
	}
	if (!pm_again_as(ctx, &p, a, now->v4, now->len + now->tag) || pm_write(ctx, &p, a, now, t))
		return pm_discard(PM_DROP_HEADROOM);
	pm_account(a, &load);
	pm_count_verdict(a->verdict);
	return pm_leave(ctx, a);
}

__noinline int pm_forward_any(struct pm_ctx *ctx, struct pm_act *a)
{
	const struct pm_tunnel *t = NULL;
	struct pm_shape was, now;

	if (!a)
		return pm_discard(PM_DROP_MALFORMED);
	if (a->tunnel) {
		t = pm_get_tunnel(a->tunnel);
		if (!t)
			return pm_discard(PM_DROP_NO_NEXTHOP);
	}
	if (a->to_stack) {
		struct pm_pkt p = {0};

		if (!pm_again(ctx, &p, a, 0))
			return pm_discard(PM_DROP_MALFORMED);
		pm_put_macs(a->dmac, p.eth->h_dest, p.eth->h_source);
	}
	pm_shapes(a, &was, &now);
	return pm_forward_as(ctx, a, &was, &now, t);
}

/* IPv6, plain or in plain IPv6, before and after. */
pm_inline bool pm_common(const struct pm_act *a)
{
	return !(a->v4 | a->was_outer_v4 | a->was_encap | a->outer_v4 | a->encap | a->to_stack) &&
	       !(PM_AT_XDP && a->tag);
}

/* The common case in place, with constants for what pm_shapes() finds. */
pm_inline int pm_forward(struct pm_ctx *ctx, struct pm_act *a)
{
	struct pm_shape was = {.len = a->outer_len}, now = {0};
	const struct pm_tunnel *t;

	if (!pm_common(a))
		return pm_forward_any(ctx, a);
	if (!a->tunnel)
		return pm_forward_as(ctx, a, &was, &now, NULL);
	t = pm_get_tunnel(a->tunnel);
	if (!t)
		return pm_discard(PM_DROP_NO_NEXTHOP);
	now.len = sizeof(struct ipv6hdr);
	return pm_forward_as(ctx, a, &was, &now, t);
}
