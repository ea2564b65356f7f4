/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs between the two hooks, and nothing else. An object defines PM_AT_XDP (1 or 0) before
 *it includes this; every other header is written against the names below.
 *
 *	struct pm_ctx		the hook's context
 *	PM_ACT_*		its return values
 *	pm_hook_untag()		takes priority tags away; before any pointer is taken
 *	pm_hook_prepare()	makes the headers readable; before any pointer is taken
 *	pm_hook_resize()	changes the room between Ethernet header and inner packet
 *	pm_hook_trim()		cuts the frame's tail
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

/* A function of its own where there is much for the verifier to look at. */
#if PM_AT_XDP
#define pm_at_tc_call pm_inline
#else
#define pm_at_tc_call __noinline
#endif

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

/* Our headers never need more than this of a packet: Ethernet, the longest outer header with all
 * that may follow it, an IPv6 header, then ports or the fixed part of a TCP header. */
#define PM_PULL (ETH_HLEN + 56 + sizeof(struct ipv6hdr) + 20)

/* The longest headers that are written behind the Ethernet header: up to the first words of the
 * inner one. */
#define PM_HEAD_MAX 64

/* What is around a packet: before, and as it shall leave. */
struct pm_shape {
	__u32 len;     /* octets of the outer header and of what follows it; 0: no tunnel */
	__u8 outer_v4; /* families */
	__u8 v4;
	__u8 encap; /* enum pm_encap */
	__u8 tag;   /* octets of a VLAN tag in front of it */
	__u8 aside; /* put headers together on the stack first */
};

#define PM_TAG_LEN 4

/* Flags of bpf_skb_adjust_room() that older headers do not have. */
#define PM_DECAP_L3_IPV4 (1ULL << 7)
#define PM_DECAP_L3_IPV6 (1ULL << 8)

#define PM_HOOK (PM_AT_XDP ? PM_HOOK_XDP : PM_HOOK_TC)

/* Put back by the daemon: what is in front of the packet says so. At TC the mark may have moved,
 * for the kernel has taken away a tag since, and what was in front with it: see pm_hook_tag(). */
pm_inline bool pm_hook_marked(struct pm_ctx *ctx)
{
	void *meta = (void *)(long)READ_ONCE(ctx->data_meta);

	if (meta + PM_MARK_LEN > pm_data(ctx))
		return false;
	return *(pm_w64 *)meta == pm_mark || (!PM_AT_XDP && *(pm_w64 *)(meta + 4) == pm_mark);
}

#if PM_AT_XDP

/* Octets that can be read directly: all of them, except where the driver keeps long frames in
 * several buffers. Headers are always among them. */
pm_inline __u32 pm_hook_linear(struct pm_ctx *ctx)
{
	__u64 len = pm_data_end(ctx) - pm_data(ctx);

	barrier_var(len); /* the verifier takes no 32-bit difference of pointers */
	return len;
}

pm_inline __u32 pm_hook_len(struct pm_ctx *ctx)
{
	return bpf_xdp_get_buff_len(ctx);
}

/* The same without asking, where one buffer holds so many octets. */
pm_inline bool pm_hook_holds(struct pm_ctx *ctx, __u32 len)
{
	return len <= pm_hook_linear(ctx) || len <= pm_hook_len(ctx);
}

/* Octets more than `len`, of which that many are there. */
pm_inline __u32 pm_hook_excess(struct pm_ctx *ctx, __u32 len)
{
	__u32 have = pm_hook_linear(ctx);

	if (have == len)
		return 0;
	have = pm_hook_len(ctx);
	return have > len ? have - len : 0;
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

pm_inline bool pm_hook_proto_is(struct pm_ctx *ctx, __be16 proto)
{
	return true;
}

/*
 * Tags the frame with VLAN 0, which is none (IEEE 802.1Q): for the generic hook. A newer kernel
 * (6.18 is one) may have copied the packet for us, and then forgets how long its Ethernet header
 * is: TC would get it without one. It measures again where it takes a tag away.
 */
pm_inline void pm_hook_tag(struct pm_ctx *ctx)
{
	const pm_w32 *from;
	pm_w32 *to;

	if (bpf_xdp_adjust_head(ctx, -PM_TAG_LEN))
		return;
	to = pm_data(ctx);
	if ((void *)to + ETH_HLEN + PM_TAG_LEN > pm_data_end(ctx))
		return;
	from = to + PM_TAG_LEN / 4;
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = bpf_htonl(ETH_P_8021Q << 16);
}

/* Payload octets per segment of a packet that will be segmented later; 0: it is whole. */
pm_inline __u32 pm_hook_gso(struct pm_ctx *ctx)
{
	return 0;
}

/* The Ethernet header is lost; the caller writes a new one. */
pm_inline int pm_hook_resize(struct pm_ctx *ctx, const struct pm_shape *was,
			     const struct pm_shape *now)
{
	int delta = (int)(now->len + now->tag) - (int)was->len;

	return delta ? bpf_xdp_adjust_head(ctx, -delta) : 0;
}

/* `front` octets in place of the tunnel. */
pm_inline int pm_hook_replace(struct pm_ctx *ctx, const struct pm_shape *was, __u32 front)
{
	return bpf_xdp_adjust_head(ctx, (int)was->len - (int)front);
}

pm_inline int pm_hook_trim(struct pm_ctx *ctx, __u32 len)
{
	return bpf_xdp_adjust_tail(ctx, (int)(len - pm_hook_len(ctx)));
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

/* Not XDP_TX: a veth whose other end has GRO but no XDP leaves such frames lying in a queue until
 * something else comes by. */
pm_inline int pm_hook_reflect(struct pm_ctx *ctx)
{
	return bpf_redirect(ctx->ingress_ifindex, 0);
}

/* Copies `len` octets of the frame from `off` on. */
pm_inline int pm_hook_load(struct pm_ctx *ctx, __u32 off, void *to, __u64 len)
{
	return bpf_xdp_load_bytes(ctx, off, to, len);
}

pm_inline void pm_hook_changed(struct pm_ctx *ctx, __u64 sum)
{
}

#else /* TC */

pm_inline int pm_hook_load(struct pm_ctx *ctx, __u32 off, void *to, __u64 len)
{
	return bpf_skb_load_bytes(ctx, off, to, len);
}

pm_inline __u32 pm_hook_len(struct pm_ctx *ctx)
{
	return ctx->len;
}

/* What is not linear can be made so. */
pm_inline __u32 pm_hook_linear(struct pm_ctx *ctx)
{
	return ctx->len;
}

pm_inline bool pm_hook_holds(struct pm_ctx *ctx, __u32 len)
{
	return len <= ctx->len;
}

pm_inline __u32 pm_hook_excess(struct pm_ctx *ctx, __u32 len)
{
	return ctx->len > len ? ctx->len - len : 0;
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

/* Is what looks like an Ethernet header what the kernel took for one? See pm_hook_tag(). */
pm_inline bool pm_hook_proto_is(struct pm_ctx *ctx, __be16 proto)
{
	return proto == (__u16)ctx->protocol;
}

pm_inline __u32 pm_hook_gso(struct pm_ctx *ctx)
{
	return ctx->gso_size;
}

/*
 * The segment size stays in all of these: whoever chose it was told the tunnel's MTU, and we have
 * checked it. Taking away: an inner packet of the other family makes the packet one of that family.
 */
pm_inline int pm_hook_unwrap(struct pm_ctx *ctx, const struct pm_shape *was)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;
	int len = was->len;

	if (was->outer_v4 == was->v4)
		return bpf_skb_adjust_room(ctx, -len, BPF_ADJ_ROOM_MAC, flags);
	if (pm_decap_flags) {
		flags |= was->v4 ? PM_DECAP_L3_IPV4 : PM_DECAP_L3_IPV6;
		return bpf_skb_adjust_room(ctx, -len, BPF_ADJ_ROOM_MAC, flags);
	}
	/* takes away, or adds, the difference between the two headers */
	if (bpf_skb_change_proto(ctx, bpf_htons(was->v4 ? ETH_P_IP : ETH_P_IPV6), 0))
		return -1;
	len += was->v4 ? -20 : 20;
	return len ? bpf_skb_adjust_room(ctx, -len, BPF_ADJ_ROOM_MAC, flags) : 0;
}

/*
 * Makes room without a note of what is in it. A veth hands packets over with the note of the tunnel
 * that they were in, it outlives the tunnel, and the kernel takes no second one. Whole packets can
 * do without, but for the protocol.
 */
pm_inline int pm_hook_wrap_again(struct pm_ctx *ctx, const struct pm_shape *now)
{
	const bool same = now->outer_v4 == now->v4;
	int len = now->len;

	/* room first: changing the protocol takes away, or adds, what is behind the Ethernet header
	 */
	if (!same)
		len += now->outer_v4 ? 20 : -20;
	if (bpf_skb_adjust_room(ctx, len, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return -1;
	if (same)
		return 0;
	return bpf_skb_change_proto(ctx, bpf_htons(now->outer_v4 ? ETH_P_IP : ETH_P_IPV6), 0);
}

/* Makes room that segmentation and checksum offload must know of. */
pm_inline int pm_hook_wrap(struct pm_ctx *ctx, const struct pm_shape *now)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;

	flags |= now->outer_v4 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	if (now->encap == PM_E_GRE || now->encap == PM_E_GRE_KEY)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_GRE;
	else if (now->encap != PM_E_IP)
		flags |= BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
	if (!bpf_skb_adjust_room(ctx, now->len, BPF_ADJ_ROOM_MAC, flags))
		return 0;
	return pm_hook_gso(ctx) ? -1 : pm_hook_wrap_again(ctx, now);
}

pm_inline int pm_hook_resize(struct pm_ctx *ctx, const struct pm_shape *was,
			     const struct pm_shape *now)
{
	if (was->len == now->len && was->outer_v4 == now->outer_v4 && was->encap == now->encap)
		return 0;
	if (was->len && pm_hook_unwrap(ctx, was))
		return -1;
	return now->len ? pm_hook_wrap(ctx, now) : 0;
}

/* `front` octets, which are no tunnel, in place of one. */
pm_inline int pm_hook_replace(struct pm_ctx *ctx, const struct pm_shape *was, __u32 front)
{
	if (was->len && pm_hook_unwrap(ctx, was))
		return -1;
	return bpf_skb_adjust_room(ctx, front, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO);
}

pm_inline int pm_hook_trim(struct pm_ctx *ctx, __u32 len)
{
	return bpf_skb_change_tail(ctx, len, 0);
}

/* `sum` of 32-bit words more is in what a device may have computed a checksum of. */
pm_inline void pm_hook_changed(struct pm_ctx *ctx, __u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	bpf_csum_update(ctx, sum);
}

/* The checksum that a device computed over the packet does not cover the Ethernet header. */
pm_inline int pm_hook_store_eth(struct pm_ctx *ctx, const struct ethhdr *eth)
{
	return bpf_skb_store_bytes(ctx, 0, eth, ETH_HLEN, 0);
}

pm_inline int pm_hook_store(struct pm_ctx *ctx, __u32 off, const void *from, const __u32 n)
{
	return bpf_skb_store_bytes(ctx, off, from, n, BPF_F_RECOMPUTE_CSUM);
}

pm_inline int pm_hook_reflect(struct pm_ctx *ctx)
{
	return bpf_redirect(ctx->ifindex, 0);
}

#endif
