/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs between the two hooks, and nothing else. An object defines PM_AT_XDP (1 or 0) before
 *it includes this; every other header is written against the names below.
 *
 *	struct pm_ctx		the hook's context
 *	PM_ACT_*		its return values
 *	pm_hook_untag()		takes priority tags away; before any pointer is taken
 *	pm_hook_prepare()	makes the headers readable; before any pointer is taken
 *	pm_hook_resize()	makes room behind the Ethernet header, or removes it
 *	pm_hook_trim()		cuts the frame's tail
 *	pm_hook_write()		writes headers; invalidates packet pointers
 *
 * Frames on either hook begin with their Ethernet header.
 */
#pragma once

#include <linux/if_ether.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>

#include "maps.h"

#define pm_inline static __always_inline

/* Packet and stack bytes read or written as words: exempt from type-based alias analysis. */
typedef __u16 __attribute__((may_alias)) pm_w16;
typedef __u32 __attribute__((may_alias)) pm_w32;
typedef __u64 __attribute__((may_alias)) pm_w64;

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))

#if PM_AT_XDP
#define pm_ctx	    xdp_md
#define PM_ACT_PASS XDP_PASS
#define PM_ACT_DROP XDP_DROP
#else
#define pm_ctx	    __sk_buff
#define PM_ACT_PASS TC_ACT_OK
#define PM_ACT_DROP TC_ACT_SHOT
#endif

/* Volatile: a compiler that keeps the value in half a register makes a number of the pointer. */
pm_inline void *pm_data(struct pm_ctx *ctx)
{
	return (void *)(long)READ_ONCE(ctx->data);
}

pm_inline void *pm_data_end(struct pm_ctx *ctx)
{
	return (void *)(long)READ_ONCE(ctx->data_end);
}

/* Our headers never need more than this of a packet: Ethernet, two IPv6 headers, then ports or
 * the fixed part of a TCP header. */
#define PM_PULL (ETH_HLEN + 2 * sizeof(struct ipv6hdr) + 20)

/*
 * The headers of a packet as they are to leave: Ethernet, the outer header (when there is one),
 * and the first 8 octets of the inner header. Two octets in front put the words at multiples of
 * eight, which the stack demands.
 */
union pm_head {
	struct {
		__u8 pad[2];
		struct ethhdr eth;
		union {
			struct {
				struct ipv6hdr outer;
				__u64 inner; /* with an outer header */
			};
			__u64 alone; /* without */
		};
	};
	__u64 w[8];
};

#define PM_HEAD_ALONE (ETH_HLEN + 8)
#define PM_HEAD_OUTER (ETH_HLEN + sizeof(struct ipv6hdr) + 8)

#define PM_HOOK (PM_AT_XDP ? PM_HOOK_XDP : PM_HOOK_TC)

#if PM_AT_XDP

pm_inline __u32 pm_hook_len(struct pm_ctx *ctx)
{
	__u64 len = pm_data_end(ctx) - pm_data(ctx);

	barrier_var(len); /* the verifier takes no 32-bit difference of pointers */
	return len;
}

pm_inline __u32 pm_hook_ifindex(struct pm_ctx *ctx)
{
	return ctx->ingress_ifindex;
}

pm_inline void pm_hook_prepare(struct pm_ctx *ctx, __u32 len)
{
}

/* XDP sees tags in the frame, and leaves such frames to TC. */
pm_inline bool pm_hook_untag(struct pm_ctx *ctx)
{
	return true;
}

/* A tag that the device took out of the frame. */
pm_inline bool pm_hook_tagged(struct pm_ctx *ctx)
{
	return false;
}

/* Payload octets per segment of a packet that will be segmented later; 0: it is whole. */
pm_inline __u32 pm_hook_gso(struct pm_ctx *ctx)
{
	return 0;
}

/* The Ethernet header is lost; the caller writes a new one. */
pm_inline int pm_hook_resize(struct pm_ctx *ctx, int delta, bool tunnel)
{
	return bpf_xdp_adjust_head(ctx, -delta);
}

pm_inline int pm_hook_trim(struct pm_ctx *ctx, __u32 len)
{
	return bpf_xdp_adjust_tail(ctx, (int)(len - pm_hook_len(ctx)));
}

/* Writes the first `n` octets of the frame: PM_HEAD_ALONE or PM_HEAD_OUTER. */
pm_inline int pm_hook_write(struct pm_ctx *ctx, const union pm_head *h, const __u32 n)
{
	void *data = pm_data(ctx);
	const void *from = h;

	if (data + n > pm_data_end(ctx))
		return -1;
	*(pm_w16 *)data = *(const pm_w16 *)(from + 2);
	*(pm_w32 *)(data + 2) = *(const pm_w32 *)(from + 4);
#pragma unroll
	for (__u32 i = 8; i < n + 2; i += 8)
		*(pm_w64 *)(data + i - 2) = *(const pm_w64 *)(from + i);
	return 0;
}

pm_inline int pm_hook_store_eth(struct pm_ctx *ctx, const struct ethhdr *eth)
{
	const pm_w16 *from = (const void *)eth;
	pm_w16 *to = pm_data(ctx);

	if ((void *)to + ETH_HLEN > pm_data_end(ctx))
		return -1;
#pragma unroll
	for (__u32 i = 0; i < ETH_HLEN / 2; i++)
		to[i] = from[i];
	return 0;
}

/* What follows the Ethernet header; `n` constant and a multiple of 4. */
pm_inline int pm_hook_store(struct pm_ctx *ctx, __u32 off, const void *from, const __u32 n)
{
	void *data = pm_data(ctx) + off;

	if (data + n > pm_data_end(ctx))
		return -1;
#pragma unroll
	for (__u32 i = 0; i < n; i += 4)
		*(pm_w32 *)(data + i) = *(const pm_w32 *)(from + i);
	return 0;
}

/* Can a frame leave where it came in? */
pm_inline bool pm_hook_reflects(struct pm_ctx *ctx)
{
	__u32 ifindex = pm_hook_ifindex(ctx);
	const struct pm_iface *iface = bpf_map_lookup_elem(&pm_iface, &ifindex);

	return iface && iface->flags & PM_I_XDP_OUT;
}

/* Not XDP_TX: a veth whose other end has GRO but no XDP leaves such frames lying in a queue until
 * something else comes by. */
pm_inline int pm_hook_reflect(struct pm_ctx *ctx)
{
	return bpf_redirect(ctx->ingress_ifindex, 0);
}

/* Copies the frame, Ethernet header first. */
pm_inline int pm_hook_load(struct pm_ctx *ctx, void *to, __u64 len)
{
	return bpf_xdp_load_bytes(ctx, 0, to, len);
}

#else /* TC */

/* Copies the frame, Ethernet header first. */
pm_inline int pm_hook_load(struct pm_ctx *ctx, void *to, __u64 len)
{
	return bpf_skb_load_bytes(ctx, 0, to, len);
}

pm_inline __u32 pm_hook_len(struct pm_ctx *ctx)
{
	return ctx->len;
}

pm_inline __u32 pm_hook_ifindex(struct pm_ctx *ctx)
{
	return ctx->ifindex;
}

pm_inline void pm_hook_prepare(struct pm_ctx *ctx, __u32 len)
{
	__u32 n = ctx->len < len ? ctx->len : len;

	if (pm_data(ctx) + n > pm_data_end(ctx))
		bpf_skb_pull_data(ctx, n);
}

#define PM_VLAN_ID 0x0fff

pm_inline bool pm_hook_priority_tagged(struct pm_ctx *ctx)
{
	return ctx->vlan_present && !(ctx->vlan_tci & PM_VLAN_ID);
}

/*
 * A tag of VLAN 0 says a priority and no VLAN (IEEE 802.1Q): the kernel takes such a frame for an
 * untagged one, however many there are, and forwards it. So it is judged without them; one with
 * more than two comes from nobody honest. False: drop. Before any pointer is taken.
 */
pm_inline bool pm_hook_untag(struct pm_ctx *ctx)
{
	if (pm_hook_priority_tagged(ctx) && bpf_skb_vlan_pop(ctx))
		return false;
	if (pm_hook_priority_tagged(ctx) && bpf_skb_vlan_pop(ctx))
		return false;
	return !pm_hook_priority_tagged(ctx);
}

pm_inline bool pm_hook_tagged(struct pm_ctx *ctx)
{
	return ctx->vlan_present;
}

pm_inline __u32 pm_hook_gso(struct pm_ctx *ctx)
{
	return ctx->gso_size;
}

/*
 * `tunnel`: the room is for an outer header, which segmentation and checksum offload must know
 * of. The segment size stays: whoever chose it was told the tunnel's MTU, and we have checked it.
 */
pm_inline int pm_hook_resize(struct pm_ctx *ctx, int delta, bool tunnel)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;

	if (tunnel && delta > 0)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	return bpf_skb_adjust_room(ctx, delta, BPF_ADJ_ROOM_MAC, flags);
}

pm_inline int pm_hook_trim(struct pm_ctx *ctx, __u32 len)
{
	return bpf_skb_change_tail(ctx, len, 0);
}

/* The checksum that a device computed over the packet does not cover the Ethernet header. */
pm_inline int pm_hook_store_eth(struct pm_ctx *ctx, const struct ethhdr *eth)
{
	return bpf_skb_store_bytes(ctx, 0, eth, ETH_HLEN, 0);
}

pm_inline int pm_hook_write(struct pm_ctx *ctx, const union pm_head *h, const __u32 n)
{
	if (pm_hook_store_eth(ctx, &h->eth))
		return -1;
	return bpf_skb_store_bytes(ctx, ETH_HLEN, &h->outer, n - ETH_HLEN, BPF_F_RECOMPUTE_CSUM);
}

pm_inline int pm_hook_store(struct pm_ctx *ctx, __u32 off, const void *from, const __u32 n)
{
	return bpf_skb_store_bytes(ctx, off, from, n, BPF_F_RECOMPUTE_CSUM);
}

pm_inline bool pm_hook_reflects(struct pm_ctx *ctx)
{
	return true;
}

pm_inline int pm_hook_reflect(struct pm_ctx *ctx)
{
	return bpf_redirect(ctx->ifindex, 0);
}

#endif
