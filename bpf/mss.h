/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The largest segment that fits a tunnel, told to both ends of a TCP connection (RFC 9293 3.7.1)
 * while it is set up: for paths where Packet Too Big gets lost. Each end of a tunnel does it for
 * what enters.
 */
#pragma once

#include "verdict.h"

#define PM_TCP_SYN     0x02
#define PM_TCP_HEAD    20
#define PM_TCP_OPTIONS 40
#define PM_OPT_SEARCH  10 /* options looked at: senders put this one first */
#define PM_OPT_END     0
#define PM_OPT_NOP     1
#define PM_OPT_MSS     2

/* Octets from the TCP header to the value of the option; 0: there is none. */
pm_inline __u32 pm_find_mss(const __u8 *tcp, const void *end, __u32 len)
{
	__u64 off = PM_TCP_HEAD;

	for (int i = 0; i < PM_OPT_SEARCH; i++) {
		const __u8 *opt;

		if (off > PM_TCP_HEAD + PM_TCP_OPTIONS - 4 || off + 4 > len)
			return 0;
		barrier_var(off);
		opt = tcp + (off & 0x3f);
		if ((void *)(opt + 4) > end || opt[0] == PM_OPT_END)
			return 0;
		if (opt[0] == PM_OPT_MSS)
			return opt[1] == 4 ? off + 2 : 0;
		if (opt[0] != PM_OPT_NOP && opt[1] < 2)
			return 0;
		off += opt[0] == PM_OPT_NOP ? 1 : opt[1];
	}
	return 0;
}

#if PM_AT_XDP
pm_inline void pm_store_mss(struct pm_ctx *ctx, __u32 tcp, __u32 at, __be16 was, __be16 now)
{
	void *data = pm_data(ctx), *end = pm_data_end(ctx);
	__u64 sum_off = (tcp + 16) & 0xff, mss_off = (tcp + at) & 0xff;
	pm_w16 *sum, *mss;

	barrier_var(sum_off);
	barrier_var(mss_off);
	sum = data + (sum_off & 0xff);
	mss = data + (mss_off & 0xff);
	if ((void *)(sum + 1) > end || (void *)(mss + 1) > end)
		return;
	*mss = now;
	if (at & 1) { /* across two words of the sum */
		was = was << 8 | was >> 8;
		now = now << 8 | now >> 8;
	}
	/* RFC 1624 eqn. 3 */
	*sum = ~pm_fold((__u64)(__u16) ~*sum + (__u16)~was + now);
}
#else
pm_inline void pm_store_mss(struct pm_ctx *ctx, __u32 tcp, __u32 at, __be16 was, __be16 now)
{
	if (bpf_skb_store_bytes(ctx, tcp + at, &now, sizeof(now), 0))
		return;
	if (at & 1) { /* across two words of the sum */
		was = was << 8 | was >> 8;
		now = now << 8 | now >> 8;
	}
	/* leaves a sum alone that a device will complete */
	bpf_l4_csum_replace(ctx, tcp + 16, was, now, sizeof(now));
}
#endif

/* To be called for a packet that is about to enter the tunnel that `a` names. */
__noinline int pm_clamp_mss(struct pm_ctx *ctx, const struct pm_act *a)
{
	__u32 head, tcp_at, at, most;
	const struct pm_tunnel *t;
	struct pm_pkt p = {0};
	const __u8 *tcp;
	__be16 was;

	if (!a || !pm_again(ctx, &p, a, a->outer_len))
		return 0;
	t = pm_get_tunnel(a->tunnel);
	if (!t || !t->mtu || pm_next_header(&p) != IPPROTO_TCP)
		return 0;
	if (p.v4 && (pm_ip4(&p)->ihl != 5 || pm_ip4(&p)->frag_off & bpf_htons(PM_IP4_OFFSET)))
		return 0;
	head = p.v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	tcp = p.v4 ? p.ip + sizeof(struct iphdr) : p.ip + sizeof(struct ipv6hdr);
	if (t->mtu < head + PM_TCP_HEAD + 64)
		return 0;
	most = t->mtu - head - PM_TCP_HEAD;
	if ((void *)(tcp + PM_TCP_HEAD) > p.end || !(tcp[13] & PM_TCP_SYN))
		return 0;
	at = pm_find_mss(tcp, p.end, (tcp[12] >> 4) * 4);
	if (!at)
		return 0;
	tcp_at = ETH_HLEN + a->outer_len + head;
	if (pm_hook_load(ctx, tcp_at + at, &was, sizeof(was)) || bpf_ntohs(was) <= most)
		return 0;
	pm_store_mss(ctx, tcp_at, at, was, bpf_htons(most));
	return 0;
}
