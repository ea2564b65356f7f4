/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The headers of a packet as it leaves: the outer header (RFC 2473 5.1, RFC 5844 4), what is
 * between it and the inner packet (RFC 2784, 2890, 5845 7.2), and the first words of the inner
 * header.
 */
#pragma once

#include "verdict.h"

/*
 * Bits that differ between flows and stay within one (RFC 6438): over the addresses and either the
 * flow label that the source chose or, without one, the ports. Fragments are told apart by their
 * addresses alone. The products are independent of each other and run side by side.
 */
pm_inline __u32 pm_flow_hash(const struct pm_pkt *p)
{
	__u64 h;
	__be32 flow = 0;

	if (p->v4) {
		const struct iphdr *ip = p->ip;
		const void *l4 = ip + 1;

		if (!(ip->frag_off & bpf_htons(PM_IP4_OFFSET)) && ip->ihl == 5 &&
		    (ip->protocol == IPPROTO_TCP || ip->protocol == IPPROTO_UDP) &&
		    l4 + 4 <= p->end)
			flow = *(const pm_w32 *)l4;
		h = (ip->saddr ^ 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
		h += (ip->daddr ^ 0x94d049bb133111ebULL) * 0xd6e8feb86659fd93ULL;
	} else {
		const struct ipv6hdr *ip = p->ip;
		const pm_w64 *addr = (const pm_w64 *)&ip->saddr;
		const void *l4 = ip + 1;

		flow = pm_flow_word(ip) & bpf_htonl(0x000fffff);
		if (!flow && (ip->nexthdr == IPPROTO_TCP || ip->nexthdr == IPPROTO_UDP) &&
		    l4 + 4 <= p->end)
			flow = *(const pm_w32 *)l4;
		h = (addr[0] ^ 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
		h += (addr[1] ^ 0x94d049bb133111ebULL) * 0xd6e8feb86659fd93ULL;
		h += (addr[2] ^ 0xa0761d6478bd642fULL) * 0xe7037ed1a0b428dbULL;
		h += (addr[3] ^ 0x8ebc6af09c88c6e3ULL) * 0x589965cc75374cc3ULL;
	}
	h ^= h >> 32;
	h = (h ^ flow) * 0x9e3779b97f4a7c15ULL;
	return h >> 32;
}

/* Words of the headers under construction; the offsets are constants wherever this is used. */
pm_inline void pm_put32(void *b, __u32 at, __be32 v)
{
	*(pm_w32 *)(b + at) = v;
}

/* Not memcpy(): the compiler, which knows of no alignment, would copy octets. */
pm_inline void pm_put_addr(void *b, __u32 at, const __u8 *addr)
{
	const pm_w64 *from = (const pm_w64 *)addr;
	pm_w64 *to = b + at;

	to[0] = from[0];
	to[1] = from[1];
}

/* The two 16-bit words of a 32-bit one as they lie in memory, and the second one back in place. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PM_WORD1(w)	((w)&0xffff)
#define PM_SECOND(half) ((__u32)(half) << 16)
#else
#define PM_WORD1(w)	((w) >> 16)
#define PM_SECOND(half) ((__u32)(half))
#endif

pm_inline __u16 pm_fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/*
 * The first words of the inner header, hop limit and congestion mark as they shall leave. Returns
 * where they end.
 */
pm_inline __u32 pm_build_inner(void *b, const __u32 at, const struct pm_pkt *p,
			       const struct pm_act *a)
{
	const pm_w32 *in = p->ip;
	__be32 first = in[0];

	if (!p->v4) {
		if (a->ecn_ce)
			first |= bpf_htonl(PM_ECN_CE << 20);
		pm_put32(b, at, first);
		pm_put32(b, at + 4, (in[1] & ~bpf_htonl(0xff)) | bpf_htonl(a->hop_limit));
		return at + 8;
	}
	__be32 ttl = in[2], now;
	__u64 sum;

	if (a->ecn_ce)
		first |= bpf_htonl(PM_ECN_CE << 16);
	now = (ttl & ~bpf_htonl(0xff000000)) | bpf_htonl((__u32)a->hop_limit << 24);
	/* RFC 1624 eqn. 3, over the two 16-bit words that may have changed */
	sum = ~(__u32)pm_ip4(p)->check & 0xffff;
	sum += PM_WORD1(~in[0]) + PM_WORD1(first) + PM_WORD1(~ttl) + PM_WORD1(now);
	now = (now & bpf_htonl(0xffff0000)) | PM_SECOND((__u16)~pm_fold(sum));
	pm_put32(b, at, first);
	pm_put32(b, at + 4, in[1]);
	pm_put32(b, at + 8, now);
	return at + 12;
}

/* What GRE and the TLV header call the inner packet. */
pm_inline __be32 pm_gre_word(const struct pm_pkt *p, __u32 flags)
{
	return bpf_htonl(flags << 16 | (p->v4 ? ETH_P_IP : ETH_P_IPV6));
}

pm_inline __be32 pm_tlv_word(__u8 next, __u32 len)
{
	return bpf_htonl((__u32)next << 16 | len);
}

/* From the shim on, `at` octets behind the Ethernet header; `len` is what follows the shim. */
pm_inline __u32 pm_build_shim6(void *b, const __u32 at, const struct pm_pkt *p,
			       const struct pm_act *a, __u8 encap)
{
	if (pm_use_gre && encap == PM_E_GRE) {
		pm_put32(b, at, pm_gre_word(p, 0));
		return pm_build_inner(b, at + 4, p, a);
	}
	if (pm_use_gre && encap == PM_E_GRE_KEY) {
		pm_put32(b, at, pm_gre_word(p, PM_GRE_KEY));
		pm_put32(b, at + 4, bpf_htonl(a->key));
		return pm_build_inner(b, at + 8, p, a);
	}
	return pm_build_inner(b, at, p, a);
}

/* `b` may be the packet itself. It is long enough, but that must be said. */
#define PM_ROOM(b, now, p, n) ((now)->aside ? (n) <= PM_HEAD_MAX : (b) + (n) <= (p)->end)

pm_inline void pm_build_udp(void *b, const __u32 at, const struct pm_tunnel *t, __u32 hash,
			    __u32 len)
{
	/* RFC 6335: the dynamic ports; one per flow, so that receivers spread flows over queues */
	__u32 port = t->flags & PM_T_UDP_FIXED ? PM_UDP_DATA_PORT : 0xc000 | (hash & 0x3fff);

	pm_put32(b, at, bpf_htonl(port << 16 | PM_UDP_DATA_PORT));
	/* no checksum: both ends of the inner packet have their own */
	pm_put32(b, at + 4, bpf_htonl((8 + len) << 16));
}

pm_inline __u32 pm_build_shim4(void *b, const __u32 at, const struct pm_pkt *p,
			       const struct pm_act *a, const struct pm_shape *now,
			       const struct pm_tunnel *t)
{
	const __u32 len = p->len;
	const __u8 encap = now->encap;

	switch (encap) {
	case PM_E_GRE:
	case PM_E_GRE_KEY:
		return pm_build_shim6(b, at, p, a, encap);
	case PM_E_UDP:
		pm_build_udp(b, at, t, pm_flow_hash(p), len);
		return pm_build_inner(b, at + 8, p, a);
	case PM_E_UDP_TLV:
		if (!PM_ROOM(b, now, p, at + 24))
			return 0;
		pm_build_udp(b, at, t, pm_flow_hash(p), len + 4);
		pm_put32(b, at + 8, pm_tlv_word(p->v4 ? IPPROTO_IPIP : IPPROTO_IPV6, len));
		return pm_build_inner(b, at + 12, p, a);
	case PM_E_UDP_GRE:
		if (!PM_ROOM(b, now, p, at + 28))
			return 0;
		pm_build_udp(b, at, t, pm_flow_hash(p), len + 8);
		pm_put32(b, at + 8, pm_tlv_word(IPPROTO_GRE, len + 4));
		pm_put32(b, at + 12, pm_gre_word(p, 0));
		return pm_build_inner(b, at + 16, p, a);
	case PM_E_UDP_GRE_KEY:
		if (!PM_ROOM(b, now, p, at + 32))
			return 0;
		pm_build_udp(b, at, t, pm_flow_hash(p), len + 12);
		pm_put32(b, at + 8, pm_tlv_word(IPPROTO_GRE, len + 8));
		pm_put32(b, at + 12, pm_gre_word(p, PM_GRE_KEY));
		pm_put32(b, at + 16, bpf_htonl(a->key));
		return pm_build_inner(b, at + 20, p, a);
	default:
		return pm_build_inner(b, at, p, a);
	}
}

pm_inline __u8 pm_encap_proto(const struct pm_pkt *p, __u8 encap)
{
	switch (encap) {
	case PM_E_IP:
		return p->v4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	case PM_E_GRE:
	case PM_E_GRE_KEY:
		return IPPROTO_GRE;
	default:
		return IPPROTO_UDP;
	}
}

/*
 * Writes what comes behind the Ethernet header to `b` and returns how many octets that were; 0: it
 * has not. `t` is the tunnel that `now` is about, or NULL. Lengths are those of the inner packet:
 * never the frame's, which may be padded. The traffic class is copied as it is, ECN included: RFC
 * 6040 4.1 normal mode, RFC 5213 5.6.3.
 */
pm_inline __u32 pm_build(void *b, const struct pm_pkt *p, const struct pm_act *a,
			 const struct pm_shape *now, const struct pm_tunnel *t)
{
	const __u8 encap = now->encap;
	__u32 class, len;

	if (!t)
		return PM_ROOM(b, now, p, 12) ? pm_build_inner(b, 0, p, a) : 0;
	len = p->len + PM_ENCAP_LEN(encap);
	class = pm_class(p->ip, p->v4);
	if (a->ecn_ce)
		class |= PM_ECN_CE;
	if (!pm_use_ip4_outer || !now->outer_v4) {
		if (!PM_ROOM(b, now, p, 60))
			return 0;
		pm_put32(b, 0, bpf_htonl(6u << 28 | class << 20 | pm_flow_hash(p) >> 12));
		pm_put32(
			b, 4,
			bpf_htonl(len << 16 | (__u32)pm_encap_proto(p, encap) << 8 | t->hop_limit));
		pm_put_addr(b, 8, t->local);
		pm_put_addr(b, 24, t->remote);
		return pm_build_shim6(b, sizeof(struct ipv6hdr), p, a, encap);
	}
	if (!PM_ROOM(b, now, p, 40))
		return 0;
	len += sizeof(struct iphdr);
	/* never fragmented, so without an identification: RFC 6864 4.1 */
	__be32 first = bpf_htonl(0x45u << 24 | class << 16 | len);
	__be32 second = bpf_htonl(PM_IP4_DF);
	__be32 third = bpf_htonl((__u32)t->hop_limit << 24 | (__u32)pm_encap_proto(p, encap) << 16);
	__u64 sum = (__u64)first + second + third + t->sum4;

	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (__u16)~pm_fold((sum & 0xffff) + (sum >> 16));
	pm_put32(b, 0, first);
	pm_put32(b, 4, second);
	pm_put32(b, 8, third | PM_SECOND(sum));
	pm_put32(b, 12, *(const pm_w32 *)(t->local + 12));
	pm_put32(b, 16, *(const pm_w32 *)(t->remote + 12));
	return pm_build_shim4(b, sizeof(struct iphdr), p, a, now, t);
}
