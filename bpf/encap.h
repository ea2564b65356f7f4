/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The outer header of RFC 2473 5.1. */
#pragma once

#include "verdict.h"

/*
 * Twenty bits that differ between flows and stay within one (RFC 6438): over the addresses and
 * either the flow label that the source chose or, without one, the ports. A fragment header is
 * no TCP or UDP header, so that fragments are told apart by their addresses alone. The products
 * are independent of each other and run side by side.
 */
pm_inline __u32 pm_flow_label(const struct pm_pkt *p)
{
	const pm_w64 *addr = (const pm_w64 *)&p->ip->saddr;
	__be32 flow = pm_flow_word(p->ip) & bpf_htonl(0x000fffff);
	const void *l4 = p->ip + 1;
	__u64 h;

	if (!flow && (p->ip->nexthdr == IPPROTO_TCP || p->ip->nexthdr == IPPROTO_UDP) &&
	    l4 + 4 <= p->end)
		flow = *(const pm_w32 *)l4;
	h = (addr[0] ^ 0x9e3779b97f4a7c15ULL) * 0xbf58476d1ce4e5b9ULL;
	h += (addr[1] ^ 0x94d049bb133111ebULL) * 0xd6e8feb86659fd93ULL;
	h += (addr[2] ^ 0xa0761d6478bd642fULL) * 0xe7037ed1a0b428dbULL;
	h += (addr[3] ^ 0x8ebc6af09c88c6e3ULL) * 0x589965cc75374cc3ULL;
	h ^= h >> 32;
	h = (h ^ flow) * 0x9e3779b97f4a7c15ULL;
	return h >> 44;
}

/* `plain` is the inner length: never the frame's, which may be padded. */
pm_inline void pm_outer_header(struct ipv6hdr *o, const struct pm_pkt *p, const struct pm_tunnel *t,
			       bool ce)
{
	/* traffic class as it is, ECN included: RFC 6040 4.1 normal mode, RFC 5213 5.6.3 */
	__be32 class = pm_flow_word(p->ip) & bpf_htonl(0x0ff00000);

	if (ce)
		class |= bpf_htonl(PM_ECN_CE << 20);
	*(pm_w32 *)o = bpf_htonl(6u << 28 | pm_flow_label(p)) | class;
	o->payload_len = bpf_htons(p->len);
	o->nexthdr = IPPROTO_IPV6;
	o->hop_limit = t->hop_limit;
	__builtin_memcpy(&o->saddr, t->local, sizeof(o->saddr));
	__builtin_memcpy(&o->daddr, t->remote, sizeof(o->daddr));
}
