/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands in the place of the data plane to learn what the way costs without it, and what
 * waits at the end of the way. A frame of another length than the expected one was not treated as
 * it should have been and does not count as received.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "bench_abi.h"

__u32 out;	/* ifindex */
__u64 expected; /* octets of a frame */
__u64 received;
__u64 strange;
__u64 last; /* when the last full batch had arrived, ns */

SEC("xdp")
int redirect_xdp(struct xdp_md *ctx)
{
	return bpf_redirect(out, 0);
}

SEC("tc")
int redirect_tc(struct __sk_buff *skb)
{
	return bpf_redirect(out, 0);
}

/*
 * The least that an encapsulation at XDP has to do: make room, write 54 octets, redirect. Looks
 * nothing up and judges nothing.
 */
SEC("xdp")
int push_xdp(struct xdp_md *ctx)
{
	__u64 *at;

	if (bpf_xdp_adjust_head(ctx, -40))
		return XDP_ABORTED;
	at = (void *)(long)ctx->data;
	if ((void *)at + 56 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
#pragma unroll
	for (int i = 0; i < 7; i++)
		at[i] = 0x0102030405060708ULL;
	return bpf_redirect(out, 0);
}

/* And a decapsulation. */
SEC("xdp")
int pull_xdp(struct xdp_md *ctx)
{
	__u64 *at;

	if (bpf_xdp_adjust_head(ctx, 40))
		return XDP_ABORTED;
	at = (void *)(long)ctx->data;
	if ((void *)at + 16 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	at[0] = at[1] = 0x0102030405060708ULL;
	return bpf_redirect(out, 0);
}

static __always_inline void count(__u64 len)
{
	if (len != expected)
		strange++;
	else if (++received % BENCH_BATCH == 0)
		last = bpf_ktime_get_ns();
}

SEC("xdp")
int sink_xdp(struct xdp_md *ctx)
{
	count((__u64)ctx->data_end - ctx->data);
	return XDP_DROP;
}

SEC("tc")
int sink_tc(struct __sk_buff *skb)
{
	count(skb->len);
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "GPL";
