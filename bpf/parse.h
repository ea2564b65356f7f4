/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a frame to the one or two IP headers that decide, and through the encapsulation between
 * them, every access bounded by the end of the frame. Nothing behind a fragment header is read,
 * except where the fragment is the first.
 */
#pragma once

#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include "hook.h"

#define PM_ECN_MASK 0x3
#define PM_ECN_CE   0x3

#define PM_IP4_DF     0x4000
#define PM_IP4_OFFSET 0x3fff /* offset and More Fragments */
#define PM_IP4_LATER  0x1fff /* offset: not the first fragment */

#define PM_GRE_KEY	0x2000
#define PM_GRE_RESERVED 0x03f8 /* to be ignored, RFC 2784 2.3 */

/* A packet under judgement. `ip` is what a node sent or shall get, which may be in a tunnel. */
struct pm_pkt {
	void *end;
	struct ethhdr *eth;
	void *ip;
	__u32 len; /* of `ip`, by its own header; of all segments when it is to be segmented */
	__u32 outer_len; /* octets from the outer header to `ip`, when tunnelled */
	__u32 key;	 /* PM_ENCAP_KEYED(encap) */
	__u8 v4;	 /* `ip` is IPv4 */
	__u8 tunnelled;
	__u8 outer_v4;
	__u8 encap; /* enum pm_encap of the tunnel */
};

pm_inline struct ipv6hdr *pm_ip6(const struct pm_pkt *p)
{
	return p->ip;
}

pm_inline struct iphdr *pm_ip4(const struct pm_pkt *p)
{
	return p->ip;
}

/* The header that was met first. */
pm_inline void *pm_outer(const struct pm_pkt *p)
{
	return (void *)p->eth + ETH_HLEN;
}

/* The /64 that an address lies in. */
pm_inline __be64 pm_prefix(const struct in6_addr *a)
{
	return *(const pm_w64 *)a;
}

pm_inline bool pm_mac_is(const __u8 *mac, const __u8 *other)
{
	return *(const pm_w32 *)mac == *(const pm_w32 *)other &&
	       *(const pm_w16 *)(mac + 4) == *(const pm_w16 *)(other + 4);
}

/* Both addresses of an Ethernet header, which are side by side wherever they are. In the same
 * pieces everywhere: a processor waits when a load needs more than one of the stores before it. */
pm_inline void pm_put_macs(void *to, const void *dmac, const void *smac)
{
	*(pm_w32 *)to = *(const pm_w32 *)dmac;
	*(pm_w16 *)(to + 4) = *(const pm_w16 *)(dmac + 4);
	*(pm_w16 *)(to + 6) = *(const pm_w16 *)smac;
	*(pm_w32 *)(to + 8) = *(const pm_w32 *)(smac + 2);
}

pm_inline bool pm_mac_none(const __u8 *mac)
{
	return !(*(const pm_w32 *)mac | *(const pm_w16 *)(mac + 4));
}

/* fe80::/10 or ff00::/8: packets that no router passes on through us (RFC 6275 10.4.2). */
pm_inline bool pm_link_scope6(const struct in6_addr *a)
{
	__u16 top = *(const pm_w16 *)a;

	return (top & bpf_htons(0xffc0)) == bpf_htons(0xfe80) ||
	       (top & bpf_htons(0xff00)) == bpf_htons(0xff00);
}

/* 0/8, 127/8, 169.254/16, and 224/3: this host, the link, groups, broadcast. RFC 6890. */
pm_inline bool pm_link_scope4(__be32 a)
{
	return !(a & bpf_htonl(0xff000000)) ||
	       (a & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000) ||
	       (a & bpf_htonl(0xffff0000)) == bpf_htonl(0xa9fe0000) ||
	       (a & bpf_htonl(0xe0000000)) == bpf_htonl(0xe0000000);
}

pm_inline bool pm_source_link_scope(const struct pm_pkt *p)
{
	return p->v4 ? pm_link_scope4(pm_ip4(p)->saddr) : pm_link_scope6(&pm_ip6(p)->saddr);
}

pm_inline bool pm_target_link_scope(const struct pm_pkt *p)
{
	return p->v4 ? pm_link_scope4(pm_ip4(p)->daddr) : pm_link_scope6(&pm_ip6(p)->daddr);
}

/* To a group, or to everybody. */
pm_inline bool pm_multicast(const struct pm_pkt *p)
{
	if (p->v4)
		return (pm_ip4(p)->daddr & bpf_htonl(0xe0000000)) == bpf_htonl(0xe0000000);
	return *(const __u8 *)&pm_ip6(p)->daddr == 0xff;
}

/* Version, traffic class and flow label, in network order. */
pm_inline __be32 pm_flow_word(const struct ipv6hdr *ip)
{
	return *(const pm_w32 *)ip;
}

/* The traffic class, or type of service. */
pm_inline __u8 pm_class(const void *ip, bool v4)
{
	if (v4)
		return ((const struct iphdr *)ip)->tos;
	return bpf_ntohl(pm_flow_word(ip)) >> 20;
}

pm_inline __u8 pm_hop_limit(const struct pm_pkt *p)
{
	return p->v4 ? pm_ip4(p)->ttl : pm_ip6(p)->hop_limit;
}

/* What follows the header, where it follows at once. */
pm_inline __u8 pm_next_header(const struct pm_pkt *p)
{
	return p->v4 ? pm_ip4(p)->protocol : pm_ip6(p)->nexthdr;
}

/* Octets of the IP header itself. */
pm_inline __u32 pm_header_len(const struct pm_pkt *p)
{
	return p->v4 ? pm_ip4(p)->ihl * 4 : sizeof(struct ipv6hdr);
}

/* The first octet of the IP header in version and, for IPv4, header length. */
pm_inline bool pm_version_is(const void *ip, bool v4)
{
	__u8 first = *(const __u8 *)ip;

	return v4 ? first >= 0x45 && first <= 0x4f : first >> 4 == 6;
}

pm_inline __u32 pm_total_len(const void *ip, bool v4)
{
	if (v4)
		return bpf_ntohs(((const struct iphdr *)ip)->tot_len);
	return sizeof(struct ipv6hdr) + bpf_ntohs(((const struct ipv6hdr *)ip)->payload_len);
}

/* Is the whole IP header within the frame? `v4` becomes a constant on each of the two ways, which
 * the compiler may not join, so that the verifier knows on each how much is there. */
pm_inline bool pm_header_there(struct pm_pkt *p, __u8 v4)
{
	__u32 yes = 1, no = 0;

	if (__builtin_constant_p(v4)) {
		p->v4 = v4;
		return p->ip + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) <= p->end;
	}
	if (v4 == 1) {
		barrier_var(yes);
		p->v4 = yes;
		return p->ip + sizeof(struct iphdr) <= p->end;
	}
	barrier_var(no);
	p->v4 = no;
	return p->ip + sizeof(struct ipv6hdr) <= p->end;
}

pm_inline bool pm_take_header(struct pm_pkt *p, const __u8 v4)
{
	if (!pm_header_there(p, v4) || !pm_version_is(p->ip, v4))
		return false;
	p->len = pm_total_len(p->ip, v4);
	return true;
}

/* The first header. False: not an IP frame; the kernel's business. */
pm_inline bool pm_parse_again(struct pm_ctx *ctx, struct pm_pkt *p)
{
	void *data = pm_data(ctx);
	__u32 v4 = 0;
	__be16 proto;

	p->end = pm_data_end(ctx);
	p->eth = data;
	p->tunnelled = 0;
	p->ip = data + ETH_HLEN;
	if (p->ip > p->end)
		return false;
	/* not through struct ethhdr, which is packed: its fields are read in octets */
	proto = *(const pm_w16 *)(data + offsetof(struct ethhdr, h_proto));
	if (!pm_hook_proto_is(ctx, proto))
		return false;
	/* a number that the compiler may not trace back to `proto`, or verifiers lose sight of it
	 */
	if (proto == bpf_htons(ETH_P_IPV6)) {
		if (!pm_take_header(p, 0))
			return false;
		barrier_var(v4);
		p->v4 = v4;
		return true;
	}
	v4 = 1;
	if (!(pm_use_ip4 || pm_use_ip4_outer) || proto != bpf_htons(ETH_P_IP) ||
	    !pm_take_header(p, 1))
		return false;
	barrier_var(v4);
	p->v4 = v4;
	return true;
}

/* The same for the first time, when headers may have to be made readable. */
pm_inline bool pm_parse(struct pm_ctx *ctx, struct pm_pkt *p)
{
	if (pm_hook_tagged(ctx))
		return false;
	pm_hook_prepare(ctx, PM_PULL);
	return pm_parse_again(ctx, p);
}

/* Addressed to an Ethernet group. The kernel forwards no such frame, but takes it for itself. */
pm_inline bool pm_to_group(const struct pm_pkt *p)
{
	return p->eth->h_dest[0] & 1;
}

enum pm_enter { PM_NO_TUNNEL, PM_TUNNEL, PM_BAD_TUNNEL };

#define PM_TEL_LEN 8 /* destination options with a Tunnel Encapsulation Limit, RFC 2473 4.1.1 */

pm_inline int pm_enter_gre(const struct pm_pkt *p, const void *at, __u32 *len, __u32 *key)
{
	const pm_w16 *gre = at;
	__u16 flags, proto;

	if (at + 4 > p->end)
		return -1;
	flags = bpf_ntohs(gre[0]) & ~PM_GRE_RESERVED;
	proto = bpf_ntohs(gre[1]);
	*len = 4;
	if (flags == PM_GRE_KEY) {
		if (at + 8 > p->end)
			return -1;
		*key = bpf_ntohl(*(const pm_w32 *)(at + 4));
		*len = 8;
	} else if (flags) {
		return -1; /* checksum, routing, sequence numbers, version: not negotiated */
	}
	if (proto == ETH_P_IPV6)
		return 0;
	return proto == ETH_P_IP ? 1 : -1;
}

/* What is inside a tunnel packet, and where. */
struct pm_inside {
	__u32 off; /* from the outer header to the inner one */
	__u32 key;
	__u8 v4;
	__u8 encap; /* enum pm_encap */
	__u8 pad[2];
};

/* IPv4-UDP: what is inside is told by its first half octet (RFC 5845 7.2). */
pm_inline int pm_enter_udp(const struct pm_pkt *p, const void *at, struct pm_inside *in)
{
	const struct udphdr *udp = at;
	const __u8 *data = at + sizeof(*udp);
	__u32 payload, gre = 0;
	int v4;

	payload = bpf_ntohs(udp->len) - sizeof(*udp);
	if (p->len != sizeof(struct iphdr) + bpf_ntohs(udp->len))
		return -1;
	in->off += sizeof(*udp);
	in->encap = PM_E_UDP;
	if (data[0] >> 4 == 6 || data[0] >> 4 == 4)
		return data[0] >> 4 == 4;
	/* the TLV header; both lengths agree */
	if (data[0] >> 4 || payload != 4u + bpf_ntohs(*(const pm_w16 *)(data + 2)))
		return -1;
	in->off += 4;
	in->encap = PM_E_UDP_TLV;
	if (data[1] == IPPROTO_IPV6 || data[1] == IPPROTO_IPIP)
		return data[1] == IPPROTO_IPIP;
	if (data[1] != IPPROTO_GRE || !pm_use_gre)
		return -1;
	v4 = pm_enter_gre(p, data + 4, &gre, &in->key);
	in->encap = gre == 8 ? PM_E_UDP_GRE_KEY : PM_E_UDP_GRE;
	in->off += gre;
	return v4;
}

/* All encapsulations but IPv6 in plain IPv6: enum pm_enter. A function of its own, so that the
 * verifier follows one way on from here and not one for each of them. */
__noinline int pm_enter_other(struct pm_ctx *ctx, struct pm_inside *in)
{
	struct pm_pkt p = {0};
	const __u8 *at;
	__u32 gre = 0;
	__u8 next;
	int v4;

	if (!in || !pm_parse_again(ctx, &p))
		return PM_NO_TUNNEL;
	in->encap = PM_E_IP;
	in->key = 0;
	if (p.v4) {
		const struct iphdr *ip = p.ip;

		if (!pm_use_ip4_outer || ip->ihl != 5 || ip->frag_off & bpf_htons(PM_IP4_OFFSET))
			return PM_NO_TUNNEL;
		next = ip->protocol;
		in->off = sizeof(*ip);
		at = p.ip + sizeof(*ip);
	} else {
		next = pm_ip6(&p)->nexthdr;
		in->off = sizeof(struct ipv6hdr);
		at = p.ip + sizeof(struct ipv6hdr);
		if (next == IPPROTO_DSTOPTS) {
			if ((void *)at + PM_TEL_LEN > p.end || at[1] || at[2] != 4 || at[3] != 1)
				return PM_NO_TUNNEL;
			next = at[0];
			in->off += PM_TEL_LEN;
			at += PM_TEL_LEN;
		}
	}
	switch (next) {
	case IPPROTO_IPV6:
		v4 = 0;
		break;
	case IPPROTO_IPIP:
		v4 = 1;
		break;
	case IPPROTO_GRE:
		if (!pm_use_gre)
			return PM_NO_TUNNEL;
		v4 = pm_enter_gre(&p, at, &gre, &in->key);
		in->encap = gre == 8 ? PM_E_GRE_KEY : PM_E_GRE;
		in->off += gre;
		break;
	case IPPROTO_UDP:
		if (!p.v4 || (void *)(at + 12) > p.end ||
		    ((const struct udphdr *)at)->dest != bpf_htons(PM_UDP_DATA_PORT))
			return PM_NO_TUNNEL;
		v4 = pm_enter_udp(&p, at, in);
		break;
	default:
		return PM_NO_TUNNEL;
	}
	if (v4 < 0 || (v4 && !pm_use_ip4))
		return PM_BAD_TUNNEL;
	in->v4 = v4;
	return PM_TUNNEL;
}

/* To what is `in->off` octets behind the outer header. */
pm_inline enum pm_enter pm_step_in(struct pm_pkt *p, const struct pm_inside *in)
{
	struct pm_pkt inner = *p;
	__u64 off = in->off;

	if (!__builtin_constant_p(off)) {
		barrier_var(off);
		off &= 0x7c;
	}
	inner.tunnelled = 1;
	inner.outer_v4 = p->v4;
	inner.outer_len = off;
	inner.encap = in->encap;
	inner.key = in->key;
	inner.ip = p->ip + off;
	if (!pm_header_there(&inner, in->v4) || !pm_version_is(inner.ip, inner.v4))
		return PM_BAD_TUNNEL;
	inner.len = pm_total_len(inner.ip, inner.v4);
	*p = inner;
	return PM_TUNNEL;
}

/* IPv6 in plain IPv6: nearly always. */
pm_inline bool pm_is_ip6_in_ip6(const struct pm_pkt *p)
{
	return !p->v4 && pm_ip6(p)->nexthdr == IPPROTO_IPV6;
}

/* Steps into a tunnel packet. `ip6` is the constant true where the above holds: then, so are
 * family, length and encapsulation. */
pm_inline enum pm_enter pm_enter(struct pm_ctx *ctx, struct pm_pkt *p, bool ip6)
{
	struct pm_inside in = {.off = sizeof(struct ipv6hdr)};
	enum pm_enter r;

	if (ip6)
		return pm_step_in(p, &in);
	r = pm_enter_other(ctx, &in);
	return r == PM_TUNNEL ? pm_step_in(p, &in) : r;
}

/* Back to the outer packet. */
pm_inline void pm_step_out(struct pm_pkt *p)
{
	p->ip = pm_outer(p);
	p->v4 = p->outer_v4;
	p->tunnelled = 0;
	p->len = pm_total_len(p->ip, p->v4);
}

/* Sum of the options of an IPv4 header, `n` words at `off` in the frame. A function of its own, so
 * that the verifier follows the loop once. */
__noinline __u32 pm_sum_options(struct pm_ctx *ctx, __u64 off, __u32 n)
{
	const pm_w16 *at = pm_data(ctx) + (off & 0xff);
	__u32 sum = 0;

	for (__u32 i = 0; i < 20; i++) {
		if (i >= 2 * n || (void *)(at + 1) > pm_data_end(ctx))
			break;
		sum += *at++;
	}
	return sum;
}

/* One's complement sum of an IPv4 header without options: 0 when all is well. */
pm_inline __u64 pm_sum_header(const struct iphdr *ip)
{
	const pm_w32 *word = (const pm_w32 *)ip;

	return (__u64)word[0] + word[1] + word[2] + word[3] + word[4];
}

pm_inline bool pm_sum_is_right(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* RFC 1122 3.2.1.2, RFC 1812 5.2.2: a header with a wrong checksum is discarded. What is in a
 * tunnel has options, what is around it never (pm_enter_other). */
pm_inline bool pm_sums_hold(struct pm_ctx *ctx, const struct pm_pkt *p)
{
	__u64 sum;

	if (pm_use_ip4_outer && p->tunnelled && p->outer_v4 &&
	    !pm_sum_is_right(pm_sum_header(pm_outer(p))))
		return false;
	if (!pm_use_ip4 || !p->v4)
		return true;
	sum = pm_sum_header(pm_ip4(p));
	if (pm_ip4(p)->ihl > 5)
		sum += pm_sum_options(
			ctx, ETH_HLEN + (p->tunnelled ? p->outer_len : 0) + sizeof(struct iphdr),
			pm_ip4(p)->ihl - 5);
	return pm_sum_is_right(sum);
}

/*
 * Are the lengths that the headers state consistent with each other and with the frame, and the
 * checksums of IPv4 headers right? An Ethernet frame may be longer (padding), an IP packet never.
 */
pm_inline bool pm_lengths_hold(struct pm_ctx *ctx, const struct pm_pkt *p)
{
	__u32 outer = p->len;

	if (p->v4) {
		if (p->len < pm_ip4(p)->ihl * 4u)
			return false;
	} else if (!pm_ip6(p)->payload_len && pm_ip6(p)->nexthdr != IPPROTO_NONE) {
		return false; /* a jumbogram, or a packet without anything in it */
	}
	if (p->tunnelled) {
		outer = pm_total_len(pm_outer(p), p->outer_v4);
		if (outer < p->outer_len || p->len > outer - p->outer_len)
			return false;
	}
	return pm_hook_holds(ctx, ETH_HLEN + outer) && pm_sums_hold(ctx, p);
}

/* Octets of the largest packet that leaves, seen from the layer of `ip`. */
pm_inline __u32 pm_wire_len(struct pm_ctx *ctx, const struct pm_pkt *p)
{
	__u32 gso = pm_hook_gso(ctx),
	      l4_len = 60; /* the most TCP has; used when it is unreadable */
	const __u8 *l4;

	if (!gso)
		return p->len;
	l4 = p->ip + (p->v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	if (pm_next_header(p) == IPPROTO_UDP)
		l4_len = 8;
	else if (pm_next_header(p) == IPPROTO_TCP && (void *)(l4 + 13) <= p->end &&
		 (!p->v4 || pm_ip4(p)->ihl == 5))
		l4_len = (l4[12] >> 4) * 4;
	gso += pm_header_len(p) + l4_len;
	return gso < p->len ? gso : p->len;
}
