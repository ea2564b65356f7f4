/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers of the routing table, remembered per CPU. See struct pm_route in pmip/abi.h for when one
 * counts. Whoever uses an answer still checks the packet's size and hop limit: only what the table
 * decides is remembered, and only where it forwards.
 */
#pragma once

#include "encap.h"

/* What decides about a packet's way: all of this is compared. */
struct pm_question {
	__u64 dst[2];
	__u64 src[2];
	__u32 generation; /* 0: nothing is remembered */
	__u32 ingress;
	__u16 epoch;
	__u8 kind;
};

#define PM_KIND_IP6    0x10
#define PM_KIND_IP4    0x20
#define PM_KIND_SPREAD 0x0f

pm_inline void pm_mapped(__u64 to[2], __be32 addr)
{
	union {
		__u64 word;
		struct {
			__be32 mark, addr;
		};
	} low = {.mark = bpf_htonl(0xffff), .addr = addr};

	to[0] = 0;
	to[1] = low.word;
}

/* Before the table is asked: an answer may be older than the generation it is stored with, never
 * younger. */
pm_inline void pm_ask(const struct pm_pkt *p, __u32 ingress, struct pm_question *q)
{
	union {
		__u64 word;
		struct pm_global global;
	} now = {0};
	const struct pm_global *global;
	__u32 zero = 0;

	global = bpf_map_lookup_elem(&pm_global, &zero);
	if (global)
		now.word = READ_ONCE(*(const pm_w64 *)global);
	q->generation = now.global.generation;
	if (!q->generation)
		return;
	q->ingress = ingress;
	q->epoch = bpf_jiffies64() >> 8;
	q->kind = p->v4 ? PM_KIND_IP4 : PM_KIND_IP6;
	if (now.global.flags & PM_G_MULTIPATH)
		q->kind |= pm_flow_hash(p) & PM_KIND_SPREAD;
	if (p->v4) {
		pm_mapped(q->dst, pm_ip4(p)->daddr);
		if (now.global.flags & PM_G_BY_SOURCE)
			pm_mapped(q->src, pm_ip4(p)->saddr);
	} else {
		const pm_w64 *src = (const void *)&pm_ip6(p)->saddr;
		const pm_w64 *dst = (const void *)&pm_ip6(p)->daddr;

		q->dst[0] = dst[0];
		q->dst[1] = dst[1];
		if (now.global.flags & PM_G_BY_SOURCE) {
			q->src[0] = src[0];
			q->src[1] = src[1];
		}
	}
	barrier();
}

/* Where this CPU keeps the answer. */
pm_inline struct pm_routes *pm_route_set(const struct pm_question *q)
{
	__u64 h = (q->dst[0] ^ q->src[1]) * 0x9e3779b97f4a7c15ULL;
	__u32 index;

	h += (q->dst[1] ^ q->src[0]) * 0xbf58476d1ce4e5b9ULL;
	h += q->kind * 0x94d049bb133111ebULL;
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15ULL;
	index = bpf_get_smp_processor_id() * PM_ROUTE_SETS + ((h >> 48) & (PM_ROUTE_SETS - 1));
	return bpf_map_lookup_elem(&pm_route, &index);
}

pm_inline bool pm_route_new(const struct pm_route *r, const struct pm_question *q)
{
	return r->generation == q->generation && r->epoch == q->epoch;
}

pm_inline bool pm_route_answers(const struct pm_route *r, const struct pm_question *q)
{
	const pm_w64 *dst = (const void *)r->dst, *src = (const void *)r->src;

	return pm_route_new(r, q) && r->ingress == q->ingress && r->kind == q->kind &&
	       dst[0] == q->dst[0] && dst[1] == q->dst[1] && src[0] == q->src[0] &&
	       src[1] == q->src[1];
}

/* The answer; NULL: ask the table. */
pm_inline const struct pm_route *pm_recall(const struct pm_question *q)
{
	const struct pm_routes *set;

	if (!q->generation)
		return NULL;
	set = pm_route_set(q);
	if (!set)
		return NULL;
	if (pm_route_answers(&set->way[0], q))
		return &set->way[0];
	return pm_route_answers(&set->way[1], q) ? &set->way[1] : NULL;
}

/* In place of one that does not count any more, else of any. */
pm_inline void pm_remember(const struct pm_question *q, const struct pm_act *a, __u32 mtu)
{
	struct pm_routes *set;
	struct pm_route *r;

	if (!q->generation)
		return;
	set = pm_route_set(q);
	if (!set)
		return;
	r = &set->way[0];
	if (pm_route_new(r, q) && (!pm_route_new(&set->way[1], q) || bpf_ktime_get_ns() & 0x100))
		r = &set->way[1];
	__builtin_memcpy(r->dst, q->dst, sizeof(r->dst));
	__builtin_memcpy(r->src, q->src, sizeof(r->src));
	r->generation = q->generation;
	r->ingress = q->ingress;
	r->epoch = q->epoch;
	r->kind = q->kind;
	r->flags = a->out;
	r->ifindex = a->ifindex;
	pm_put_macs(r->dmac, a->dmac, a->smac);
	r->mtu = mtu;
}
