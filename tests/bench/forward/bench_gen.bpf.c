/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generator: runs on live frames (BPF_F_TEST_XDP_LIVE_FRAMES) and sends each one out of an
 * interface. The kernel hands the same pages out again and again, with whatever the program under
 * test left in them, so every octet of the headers is written anew.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bench_abi.h"

/* Known when the program is loaded: the verifier removes what does not apply. */
const volatile __u32 words;
const volatile struct bench_patch patches[BENCH_PATCHES];

/* Set between runs. */
__u64 headers[BENCH_WORDS];
__u32 out;	 /* ifindex; 0: drop, to see what generating costs by itself */
__u32 nodes;	 /* numbers drawn are below this */
__u32 prepared;	 /* take them from `draws` */
__u64 state = 1; /* of the random numbers; everything here runs on one CPU */

__u32 cursor; /* into `draws`, which are in random order */
__u64 made;   /* frames */
__u64 first;  /* when the first one was made, ns */
__u64 last;   /* when the last batch was begun */

__u32 draws[BENCH_DRAWS];

static __always_inline __u32 draw(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	if (prepared)
		return draws[cursor++ & (BENCH_DRAWS - 1)];
	return ((state >> 32) * nodes) >> 32;
}

static __always_inline bool patch(struct xdp_md *ctx, const volatile struct bench_patch *p, __u32 a,
				  __u32 b)
{
	void *end = (void *)(long)ctx->data_end, *at = (void *)(long)ctx->data + p->at;
	__u64 value = p->base + ((__u64)((p->second ? b : a) & p->mask) << p->shift);

	switch (p->kind) {
	case BENCH_BE64:
		if (at + 8 > end)
			return false;
		*(__u64 *)at = bpf_cpu_to_be64(value);
		return true;
	case BENCH_BE32:
		if (at + 4 > end)
			return false;
		*(__u32 *)at = bpf_htonl(value);
		return true;
	case BENCH_RANDOM16:
		if (at + 2 > end)
			return false;
		*(__u16 *)at = state >> 40;
		return true;
	case BENCH_IP4_SUM: {
		const __u16 *half = at;
		__u32 sum = 0;

		if (at + 20 > end)
			return false;
#pragma unroll
		for (int i = 0; i < 10; i++)
			sum += i == 5 ? 0 : half[i];
		sum = (sum & 0xffff) + (sum >> 16);
		sum += sum >> 16;
		*(__u16 *)(at + 10) = ~sum;
		return true;
	}
	default:
		return true;
	}
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 a = draw(), b = draw();

	if (made++ % BENCH_BATCH == 0) {
		last = bpf_ktime_get_ns();
		if (!first)
			first = last;
	}
#pragma unroll
	for (__u32 i = 0; i < BENCH_WORDS; i++) {
		if (i >= words)
			break;
		if (data + 8 * i + 8 > end)
			return XDP_ABORTED;
		*(__u64 *)(data + 8 * i) = headers[i];
	}
#pragma unroll
	for (int i = 0; i < BENCH_PATCHES; i++) {
		if (!patch(ctx, &patches[i], a, b))
			return XDP_ABORTED;
	}
	return out ? bpf_redirect(out, 0) : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
