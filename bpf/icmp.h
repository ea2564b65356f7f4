/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors, made out of the packet that caused them (RFC 4443, RFC 792 and 1812 4.3, RFC 2473
 * 7.1, 7.2): too big, hop limit, no such node, exhausted encapsulation limit. They leave where the
 * packet came in, or through the tunnel of the node that sent it.
 */
#pragma once

#include "forward.h"
#include "route.h"

#define PM_ICMP6_MAX 1280 /* the whole error, RFC 4443 2.4 (c) */
#define PM_ICMP4_MAX 576  /* RFC 1812 4.3.2.3 */

#define PM_BLOCK 64

struct pm_icmp6_head {
	struct ipv6hdr ip;
	struct icmp6hdr icmp;
};

/* RFC 792; the kernel's header of it pulls in more than a BPF program can have. */
enum {
	PM_ICMP4_ECHO_REPLY = 0,
	PM_ICMP4_UNREACHABLE = 3,
	PM_ICMP4_ECHO = 8,
	PM_ICMP4_TIME_EXCEEDED = 11,
	PM_ICMP4_TIMESTAMP = 13,
	PM_ICMP4_TIMESTAMP_REPLY = 14,
};
#define PM_ICMP4_HOST	     1 /* codes of PM_ICMP4_UNREACHABLE */
#define PM_ICMP4_FRAG_NEEDED 4

struct pm_icmp4 {
	__u8 type, code;
	__be16 checksum;
	__be16 unused;
	__be16 mtu;
};

struct pm_icmp4_head {
	struct iphdr ip;
	struct pm_icmp4 icmp;
};

#define PM_QUOTE6_MAX (PM_ICMP6_MAX - sizeof(struct pm_icmp6_head))
#define PM_QUOTE4_MAX (PM_ICMP4_MAX - sizeof(struct pm_icmp4_head))

/* No error about an error or a redirect (RFC 4443 2.4 (e)); in doubt, none. */
pm_inline bool pm_about_error6(const struct pm_pkt *p)
{
	const __u8 *at = p->ip + sizeof(struct ipv6hdr);
	__u8 next = pm_ip6(p)->nexthdr;

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

/* RFC 1812 4.3.2.7: nor about later fragments. Behind options nothing is read. */
pm_inline bool pm_about_error4(const struct pm_pkt *p)
{
	const struct iphdr *ip = p->ip;
	const __u8 *icmp = (const __u8 *)(ip + 1);

	if (ip->frag_off & bpf_htons(0x1fff))
		return true;
	if (ip->protocol != IPPROTO_ICMP)
		return false;
	if (ip->ihl != 5 || (void *)(icmp + 8) > p->end)
		return true;
	return icmp[0] != PM_ICMP4_ECHO && icmp[0] != PM_ICMP4_ECHO_REPLY &&
	       icmp[0] != PM_ICMP4_TIMESTAMP && icmp[0] != PM_ICMP4_TIMESTAMP_REPLY;
}

/*
 * Internet checksum over `sum` and the quote, which ends the frame: in blocks, then words, then
 * octets. Each step starts from an address computed anew, so that the verifier sees one state where
 * the loop before it ended and not one per iteration.
 */
pm_inline __u16 pm_icmp_sum(struct pm_ctx *ctx, __u64 sum, __u32 blocks, __u32 at, __u32 quote)
{
	void *end = pm_data_end(ctx), *data = pm_data(ctx) + at, *from;

	barrier_var(quote); /* who knows its bounds drops those of the loops */
	from = data;
	for (__u32 i = 0; i < PM_QUOTE6_MAX / PM_BLOCK; i++) {
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
	return ~pm_fold((sum & 0xffff) + (sum >> 16));
}

#define PM_ERROR_MADE (-1)

pm_inline __u8 pm_icmp6_type(__u32 reason)
{
	switch (reason) {
	case PM_DROP_TOO_BIG:
		return ICMPV6_PKT_TOOBIG;
	case PM_DROP_HOP_LIMIT:
		return ICMPV6_TIME_EXCEED;
	case PM_DROP_NO_SESSION:
	case PM_DROP_NO_ROUTE:
		return ICMPV6_DEST_UNREACH;
	default:
		return ICMPV6_PARAMPROB;
	}
}

/* The offending packet again, and what is to be quoted of it. False: no error about it. */
pm_inline bool pm_error_about(struct pm_ctx *ctx, const struct pm_act *a, struct pm_pkt *p)
{
	return pm_again(ctx, p, a, a->outer_len) && !pm_source_link_scope(p) &&
	       !pm_target_link_scope(p);
}

/* Octets of the packet that an error quotes: at most `max`, and only what can be read. */
pm_inline __u32 pm_quote(struct pm_ctx *ctx, const struct pm_act *a, __u32 len, __u32 max)
{
	__u32 there = pm_hook_linear(ctx) - ETH_HLEN - a->outer_len;

	if (len > max)
		len = max;
	return len < there ? len : there;
}

/* Leaves the quote alone in the frame, with `front` octets in front of it. */
pm_inline int pm_error_room(struct pm_ctx *ctx, const struct pm_act *a, __u32 quote, __u32 front)
{
	struct pm_shape was, now;
	__u32 len;

	pm_shapes(a, &was, &now);
	len = ETH_HLEN + was.len + quote;
	if (pm_hook_excess(ctx, len) && pm_hook_trim(ctx, len))
		return -1;
	return pm_hook_replace(ctx, &was, front);
}

/* Turns the packet into an error about itself: PM_ERROR_MADE, or the reason to drop it. */
__noinline int pm_make_error6(struct pm_ctx *ctx, const struct pm_act *a)
{
	struct pm_icmp6_head h;
	struct ethhdr eth;
	struct pm_pkt p = {0};
	__u32 quote, blocks;

	if (!a || !pm_error_about(ctx, a, &p) || p.v4)
		return PM_DROP_MALFORMED;
	if (!pm_prefix(&pm_ip6(&p)->saddr) || pm_about_error6(&p) ||
	    !pm_token(PM_RATE_ICMP, pm_icmp_rate, pm_icmp_burst))
		return a->reason;

	quote = pm_quote(ctx, a, p.len, PM_QUOTE6_MAX);
	__builtin_memcpy(eth.h_dest, p.eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth.h_source, p.eth->h_dest, ETH_ALEN);
	eth.h_proto = bpf_htons(ETH_P_IPV6);
	__builtin_memset(&h, 0, sizeof(h));
	*(pm_w32 *)&h.ip = bpf_htonl(6u << 28);
	h.ip.payload_len = bpf_htons(quote + sizeof(h.icmp));
	h.ip.nexthdr = IPPROTO_ICMPV6;
	h.ip.hop_limit = 64;
	__builtin_memcpy(&h.ip.saddr, a->source, sizeof(h.ip.saddr));
	h.ip.daddr = pm_ip6(&p)->saddr;
	h.icmp.icmp6_type = pm_icmp6_type(a->reason);
	if (a->reason == PM_DROP_NO_SESSION)
		h.icmp.icmp6_code = ICMPV6_ADDR_UNREACH;
	h.icmp.icmp6_mtu = bpf_htonl(a->param);

	if (pm_error_room(ctx, a, quote, sizeof(h)))
		return PM_DROP_HEADROOM;
	pm_hook_prepare(ctx, ETH_HLEN + sizeof(h) + PM_QUOTE6_MAX);
	/* pseudo header, and the ICMPv6 header that follows the addresses */
	blocks = bpf_csum_diff(NULL, 0, (void *)&h.ip.saddr, 40, 0);
	h.icmp.icmp6_cksum = pm_icmp_sum(
		ctx, (__u64)bpf_htonl(quote + sizeof(h.icmp)) + bpf_htonl(IPPROTO_ICMPV6), blocks,
		ETH_HLEN + sizeof(h), quote);
	if (pm_hook_store_eth(ctx, &eth) || pm_hook_store(ctx, ETH_HLEN, &h, sizeof(h)))
		return PM_DROP_HEADROOM;
	return PM_ERROR_MADE;
}

__noinline int pm_make_error4(struct pm_ctx *ctx, const struct pm_act *a)
{
	struct pm_icmp4_head h;
	struct ethhdr eth;
	struct pm_pkt p = {0};
	__u32 quote, blocks;

	if (!a || !pm_error_about(ctx, a, &p) || !p.v4)
		return PM_DROP_MALFORMED;
	if (pm_about_error4(&p) || !pm_token(PM_RATE_ICMP, pm_icmp_rate, pm_icmp_burst))
		return a->reason;

	quote = pm_quote(ctx, a, p.len, PM_QUOTE4_MAX);
	__builtin_memcpy(eth.h_dest, p.eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth.h_source, p.eth->h_dest, ETH_ALEN);
	eth.h_proto = bpf_htons(ETH_P_IP);
	__builtin_memset(&h, 0, sizeof(h));
	h.ip.version = 4;
	h.ip.ihl = 5;
	h.ip.tos = 0xc0; /* internetwork control, RFC 1812 4.3.2.5 */
	h.ip.tot_len = bpf_htons(quote + sizeof(h));
	h.ip.frag_off = bpf_htons(PM_IP4_DF);
	h.ip.ttl = 64;
	h.ip.protocol = IPPROTO_ICMP;
	__builtin_memcpy(&h.ip.saddr, a->source, sizeof(h.ip.saddr));
	h.ip.daddr = pm_ip4(&p)->saddr;
	h.ip.check = ~pm_fold(bpf_csum_diff(NULL, 0, (void *)&h.ip, sizeof(h.ip), 0));
	switch (a->reason) {
	case PM_DROP_TOO_BIG:
		h.icmp.type = PM_ICMP4_UNREACHABLE;
		h.icmp.code = PM_ICMP4_FRAG_NEEDED;
		h.icmp.mtu = bpf_htons(a->param);
		break;
	case PM_DROP_HOP_LIMIT:
		h.icmp.type = PM_ICMP4_TIME_EXCEEDED;
		break;
	default:
		h.icmp.type = PM_ICMP4_UNREACHABLE;
		h.icmp.code = PM_ICMP4_HOST;
	}

	if (pm_error_room(ctx, a, quote, sizeof(h)))
		return PM_DROP_HEADROOM;
	pm_hook_prepare(ctx, ETH_HLEN + sizeof(h) + PM_QUOTE4_MAX);
	blocks = bpf_csum_diff(NULL, 0, (void *)&h.icmp, sizeof(h.icmp), 0);
	h.icmp.checksum = pm_icmp_sum(ctx, 0, blocks, ETH_HLEN + sizeof(h), quote);
	if (pm_hook_store_eth(ctx, &eth) || pm_hook_store(ctx, ETH_HLEN, &h, sizeof(h)))
		return PM_DROP_HEADROOM;
	return PM_ERROR_MADE;
}

/* A source that was set at load time: volatile, or the compiler takes the value it was built with.
 */
pm_inline void pm_set_source(struct pm_act *a, const volatile __u8 *from, const __u32 n)
{
#pragma unroll
	for (__u32 i = 0; i < n; i++)
		a->source[i] = from[i];
}

/* Our address towards whoever gets the error, in `source`: the end of the tunnel, where it is of
 * that family. */
pm_inline bool pm_error_source(const struct pm_pkt *p, struct pm_act *a)
{
	const struct pm_tunnel *t = pm_get_tunnel(a->tunnel);

	if (p->v4) {
		if (p->tunnelled && p->outer_v4)
			*(pm_w32 *)a->source = ((const struct iphdr *)pm_outer(p))->daddr;
		else if (t && a->outer_v4)
			*(pm_w32 *)a->source = *(const pm_w32 *)(t->local + 12);
		else
			pm_set_source(a, pm_icmp4_source, sizeof(pm_icmp4_source));
		return *(pm_w32 *)a->source;
	}
	if (p->tunnelled && !p->outer_v4)
		__builtin_memcpy(a->source, &((const struct ipv6hdr *)pm_outer(p))->daddr, 16);
	else if (t && !a->outer_v4)
		__builtin_memcpy(a->source, t->local, 16);
	else
		pm_set_source(a, pm_icmp6_source, sizeof(pm_icmp6_source));
	return *(pm_w64 *)a->source;
}

/* To the node itself, behind its tunnel, like any other packet to it. */
__noinline int pm_judge_back(struct pm_ctx *ctx, struct pm_act *a)
{
	struct pm_found f = {0};
	struct pm_pkt p = {0};
	__u32 slot;

	if (!a)
		return PM_V_DROPPED;
	slot = a->up;
	__builtin_memset(a, 0, sizeof(*a));
	if (!pm_parse(ctx, &p) || pm_at_slot(slot, 0, 0, &f) != PM_FOUND ||
	    !pm_owns(&f, &p, true) || pm_to_node(ctx, &p, a, &f) != PM_V_ENCAP)
		return PM_V_DROPPED;
	a->down = 0;
	a->hop_limit = pm_hop_limit(&p); /* it starts here */
	a->verdict = PM_V_REPLIED;
	pm_note(a, &p);
	return PM_V_REPLIED;
}

/* Can a frame leave where it came in? */
pm_inline bool pm_reflects(struct pm_ctx *ctx)
{
	const struct pm_iface *iface = pm_get_iface(pm_hook_ifindex(ctx));

	return iface && iface->flags & PM_I_XDP_OUT;
}

/* Can the error be finished at this hook? XDP judges that before it changes a byte. */
pm_inline bool pm_can_reply(struct pm_ctx *ctx, const struct pm_act *a)
{
	const __u32 good = PM_T_NEXTHOP | PM_T_XDP;
	const struct pm_session *s;
	const struct pm_tunnel *t;

	if (!PM_AT_XDP)
		return true;
	if (!pm_role_lma || !a->back)
		return pm_reflects(ctx);
	s = pm_get_session(a->up);
	t = s ? pm_get_tunnel(PM_DESC_TUNNEL(pm_way_down(READ_ONCE(s->desc)))) : NULL;
	return t && (t->flags & good) == good;
}

/* Errors are rare. What makes them are functions of their own, so that the paths that forward stay
 * short. */
pm_inline int pm_reply(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a)
{
	int r;

	if (!pm_error_source(p, a))
		return pm_discard(a->reason);
	if (!pm_can_reply(ctx, a))
		return pm_leave_to_tc(ctx);
	pm_note(a, p);
	r = pm_use_ip4 && p->v4 ? pm_make_error4(ctx, a) : pm_make_error6(ctx, a);
	if (r != PM_ERROR_MADE)
		return pm_discard(r);
	if (pm_role_lma && a->back) {
		if (pm_judge_back(ctx, a) != PM_V_REPLIED || !pm_asked(ctx, a))
			return pm_discard(PM_DROP_NO_NEXTHOP);
		return pm_forward(ctx, a);
	}
	pm_count_verdict(PM_V_REPLIED);
	return pm_hook_reflect(ctx);
}
