/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMPv6 errors, made out of the packet that caused them (RFC 4443, RFC 2473 7.1): Packet Too
 * Big, Time Exceeded, and Parameter Problem for an exhausted encapsulation limit. They leave
 * where the packet came in: towards a node behind a tunnel through that tunnel, else plain.
 */
#pragma once

#include "verdict.h"

#define PM_ICMP_MAX 1280 /* the whole error, RFC 4443 2.4 (c) */

#define PM_BLOCK 64

struct pm_icmp_head {
	struct ipv6hdr outer;
	struct ipv6hdr ip;
	struct icmp6hdr icmp;
};

#define PM_QUOTE_MAX (PM_ICMP_MAX - sizeof(struct ipv6hdr) - sizeof(struct icmp6hdr))

/* No error about an error or a redirect (RFC 4443 2.4 (e)); in doubt, none. */
pm_inline bool pm_about_error(const struct pm_pkt *p)
{
	const __u8 *at = (const __u8 *)(p->ip + 1);
	__u8 next = p->ip->nexthdr;

	for (int i = 0; i < 4; i++) {
		if ((void *)(at + 8) > p->end)
			return true;
		switch (next) {
		case IPPROTO_ICMPV6:
			return at[0] < 128 || at[0] == 137;
		case IPPROTO_FRAGMENT:
			if (*(const pm_w16 *)(at + 2) & bpf_htons(0xfff8))
				return true;
			next = at[0];
			at += 8;
			break;
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			next = at[0];
			at += (at[1] + 1) * 8;
			break;
		default:
			return false;
		}
	}
	return true;
}

pm_inline void pm_ip6_head(struct ipv6hdr *ip, __u32 payload, __u8 next)
{
	*(pm_w32 *)ip = bpf_htonl(6u << 28);
	ip->payload_len = bpf_htons(payload);
	ip->nexthdr = next;
	ip->hop_limit = 64;
}

/*
 * Internet checksum over pseudo header, ICMPv6 header and the quote, which ends the frame: in
 * blocks, then words, then octets. Each step starts from an address computed anew, so that the
 * verifier sees one state where the loop before it ended and not one per iteration.
 */
pm_inline __u16 pm_icmp_sum(struct pm_ctx *ctx, struct pm_icmp_head *h, __u32 at, __u32 quote)
{
	__u64 sum = bpf_htonl(quote + sizeof(h->icmp)) + (__u64)bpf_htonl(IPPROTO_ICMPV6);
	void *end = pm_data_end(ctx), *data = pm_data(ctx) + at, *from;
	__u32 blocks = bpf_csum_diff(NULL, 0, (void *)&h->ip.saddr, 40, 0); /* and the rest of h */

	from = data;
	for (__u32 i = 0; i < PM_QUOTE_MAX / PM_BLOCK; i++) {
		if ((i + 1) * PM_BLOCK > quote || from + PM_BLOCK > end)
			break;
		blocks = bpf_csum_diff(NULL, 0, from, PM_BLOCK, blocks);
		from += PM_BLOCK;
	}
	sum += blocks;
	from = data + (quote & 0x7c0);
	for (__u32 i = 4; i < PM_BLOCK; i += 4) {
		if (i > (quote & (PM_BLOCK - 1)) || from + 4 > end)
			break;
		sum += *(const pm_w32 *)from;
		from += 4;
	}
	from = data + (quote & 0x7fc);
	for (__u32 i = 0; i < 3; i++) {
		__u8 octet;

		if (i >= (quote & 3) || from + 1 > end)
			break;
		octet = *(const __u8 *)from;
		sum += bpf_htons(i & 1 ? octet : octet << 8);
		from++;
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/*
 * What the error is about. Passed to a function of its own: errors are rare, the verifier then
 * looks at them once and not on every way that leads here, and the paths that forward stay short.
 */
struct pm_error {
	__u8 src[16];	/* ours: the end point of the tunnel */
	__u32 param;	/* MTU or pointer */
	__u32 len;	/* of the inner packet */
	__u8 reason;	/* enum pm_drop_reason */
	__u8 outer;	/* the packet is in a tunnel */
	__u8 in_tunnel; /* and so shall be the error */
	__u8 pad;
};

pm_inline __u8 pm_icmp_type(__u8 reason)
{
	switch (reason) {
	case PM_DROP_TOO_BIG:
		return ICMPV6_PKT_TOOBIG;
	case PM_DROP_HOP_LIMIT:
		return ICMPV6_TIME_EXCEED;
	default:
		return ICMPV6_PARAMPROB;
	}
}

__noinline int pm_send_error(struct pm_ctx *ctx, const struct pm_error *e)
{
	const __u32 front = sizeof(struct ipv6hdr) + sizeof(struct icmp6hdr);
	struct pm_icmp_head h;
	struct ethhdr eth;
	struct pm_pkt p;
	__u32 quote, at, was;

	if (!e || !pm_parse(ctx, &p) || (e->outer && !pm_parse_inner(&p)))
		return pm_discard(PM_DROP_MALFORMED);
	if (pm_link_scope(&p.ip->saddr) || !pm_prefix(&p.ip->saddr) || pm_about_error(&p) ||
	    !pm_token(PM_RATE_ICMP, pm_icmp_rate, pm_icmp_burst))
		return pm_discard(e->reason);

	quote = e->len < PM_QUOTE_MAX ? e->len : PM_QUOTE_MAX;
	was = ETH_HLEN + (e->outer ? sizeof(struct ipv6hdr) : 0);
	at = ETH_HLEN + front + (e->in_tunnel ? sizeof(struct ipv6hdr) : 0);
	__builtin_memcpy(eth.h_dest, p.eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth.h_source, p.eth->h_dest, ETH_ALEN);
	eth.h_proto = bpf_htons(ETH_P_IPV6);
	__builtin_memset(&h, 0, sizeof(h));
	pm_ip6_head(&h.ip, quote + sizeof(h.icmp), IPPROTO_ICMPV6);
	__builtin_memcpy(&h.ip.saddr, e->src, sizeof(h.ip.saddr));
	h.ip.daddr = p.ip->saddr;
	if (p.outer) {
		pm_ip6_head(&h.outer, quote + front, IPPROTO_IPV6);
		h.outer.saddr = p.outer->daddr;
		h.outer.daddr = p.outer->saddr;
	}
	h.icmp.icmp6_type = pm_icmp_type(e->reason);
	h.icmp.icmp6_mtu = bpf_htonl(e->param);

	if (pm_hook_len(ctx) > was + quote && pm_hook_trim(ctx, was + quote))
		return pm_discard(PM_DROP_HEADROOM);
	if (pm_hook_resize(ctx, at - was, false))
		return pm_discard(PM_DROP_HEADROOM);
	pm_hook_prepare(ctx, ETH_HLEN + sizeof(h) + PM_QUOTE_MAX);
	h.icmp.icmp6_cksum = pm_icmp_sum(ctx, &h, at, quote);
	if (pm_hook_store_eth(ctx, &eth))
		return pm_discard(PM_DROP_HEADROOM);
	if (e->in_tunnel ? pm_hook_store(ctx, ETH_HLEN, &h, sizeof(h))
			 : pm_hook_store(ctx, ETH_HLEN, &h.ip, sizeof(h) - sizeof(h.outer)))
		return pm_discard(PM_DROP_HEADROOM);
	pm_count_verdict(PM_V_REPLIED);
	return pm_hook_reflect(ctx);
}

pm_inline int pm_reply(struct pm_ctx *ctx, const struct pm_pkt *p, const struct pm_act *a)
{
	struct pm_error e = {
		.param = a->param,
		.len = p->len,
		.reason = a->reason,
		.outer = !!p->outer,
		.in_tunnel = p->outer && !a->reply_plain,
	};

	if (p->outer)
		__builtin_memcpy(e.src, &p->outer->daddr, sizeof(e.src));
	else if (a->tunnel)
		__builtin_memcpy(e.src, a->tunnel->local, sizeof(e.src));
	else
		return pm_discard(a->reason);
	if (!pm_hook_reflects(ctx)) {
		pm_count_verdict(PM_V_TO_TC);
		return PM_ACT_PASS;
	}
	return pm_send_error(ctx, &e);
}
