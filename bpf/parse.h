/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a frame to the one or two IPv6 headers that decide, every access bounded by the end of
 * the frame. Nothing behind a fragment header is read, except where the fragment is the first.
 */
#pragma once

#include <linux/icmpv6.h>
#include <linux/in.h>

#include "hook.h"

#define PM_ECN_MASK 0x3
#define PM_ECN_CE   0x3

/* A packet under judgement. `ip` is what a node sent or shall get; `outer` the tunnel around it. */
struct pm_pkt {
	void *end;
	struct ethhdr *eth;
	struct ipv6hdr *outer; /* NULL: not in a tunnel */
	struct ipv6hdr *ip;
	__u32 len; /* of `ip`, by its own header; of all segments when it is to be segmented */
};

/* The /64 that an address lies in. */
pm_inline __be64 pm_prefix(const struct in6_addr *a)
{
	return *(const pm_w64 *)a;
}

pm_inline bool pm_addr_equal(const struct in6_addr *a, const __u8 *b)
{
	return ((const pm_w64 *)a)[0] == ((const pm_w64 *)b)[0] &&
	       ((const pm_w64 *)a)[1] == ((const pm_w64 *)b)[1];
}

pm_inline bool pm_mac_is(const __u8 *mac, const __u8 *other)
{
	return *(const pm_w32 *)mac == *(const pm_w32 *)other &&
	       *(const pm_w16 *)(mac + 4) == *(const pm_w16 *)(other + 4);
}

pm_inline bool pm_mac_none(const __u8 *mac)
{
	return !(*(const pm_w32 *)mac | *(const pm_w16 *)(mac + 4));
}

pm_inline bool pm_multicast(const struct in6_addr *a)
{
	return *(const __u8 *)a == 0xff;
}

/* fe80::/10 or ff00::/8: packets that no router passes on through us (RFC 6275 10.4.2). */
pm_inline bool pm_link_scope(const struct in6_addr *a)
{
	__u16 top = *(const pm_w16 *)a;

	return (top & bpf_htons(0xffc0)) == bpf_htons(0xfe80) ||
	       (top & bpf_htons(0xff00)) == bpf_htons(0xff00);
}

pm_inline bool pm_is_ip6(const struct ipv6hdr *ip)
{
	return (*(const __u8 *)ip >> 4) == 6;
}

/* Version, traffic class and flow label, in network order. */
pm_inline __be32 pm_flow_word(const struct ipv6hdr *ip)
{
	return *(const pm_w32 *)ip;
}

pm_inline __u8 pm_ecn(const struct ipv6hdr *ip)
{
	return bpf_ntohl(pm_flow_word(ip)) >> 20 & PM_ECN_MASK;
}

/* The first header. False: not an untagged IPv6 frame for this node; the kernel's business. */
pm_inline bool pm_parse(struct pm_ctx *ctx, struct pm_pkt *p)
{
	void *data;

	if (pm_hook_tagged(ctx))
		return false;
	pm_hook_prepare(ctx, PM_PULL);
	data = pm_data(ctx);
	p->end = pm_data_end(ctx);
	p->eth = data;
	p->outer = NULL;
	p->ip = data + ETH_HLEN;
	if ((void *)(p->ip + 1) > p->end)
		return false;
	if (p->eth->h_proto != bpf_htons(ETH_P_IPV6))
		return false;
	p->len = sizeof(*p->ip) + bpf_ntohs(p->ip->payload_len);
	return pm_is_ip6(p->ip);
}

/* Addressed to an Ethernet group. The kernel forwards no such frame, but takes it for itself. */
pm_inline bool pm_to_group(const struct pm_pkt *p)
{
	return p->eth->h_dest[0] & 1;
}

/* Steps into a tunnel packet. False: what is inside is no IPv6 header. */
pm_inline bool pm_parse_inner(struct pm_pkt *p)
{
	struct ipv6hdr *in = p->ip + 1;

	if ((void *)(in + 1) > p->end || !pm_is_ip6(in))
		return false;
	p->outer = p->ip;
	p->ip = in;
	p->len = sizeof(*in) + bpf_ntohs(in->payload_len);
	return true;
}

/*
 * Are the lengths that the headers state consistent with each other and with the frame? An
 * Ethernet frame may be longer (padding), an IPv6 packet never.
 */
pm_inline bool pm_lengths_hold(struct pm_ctx *ctx, const struct pm_pkt *p)
{
	__u32 have = pm_hook_len(ctx) - ETH_HLEN;

	/* no payload length: a jumbogram, or a packet without anything in it */
	if (!p->ip->payload_len && p->ip->nexthdr != IPPROTO_NONE)
		return false;
	if (p->outer) {
		if (sizeof(*p->outer) + bpf_ntohs(p->outer->payload_len) > have)
			return false;
		have = bpf_ntohs(p->outer->payload_len);
	}
	return p->len <= have;
}

/* Octets of the largest packet that leaves, seen from the layer of `ip`. */
pm_inline __u32 pm_wire_len(struct pm_ctx *ctx, const struct pm_pkt *p)
{
	__u32 gso = pm_hook_gso(ctx);
	const __u8 *l4 = (const __u8 *)(p->ip + 1);
	__u32 l4_len = 60; /* the most that TCP has; used when it cannot be read */

	if (!gso)
		return p->len;
	if (p->ip->nexthdr == IPPROTO_UDP)
		l4_len = 8;
	else if (p->ip->nexthdr == IPPROTO_TCP && (void *)(l4 + 13) <= p->end)
		l4_len = (l4[12] >> 4) * 4;
	gso += sizeof(*p->ip) + l4_len;
	return gso < p->len ? gso : p->len;
}
