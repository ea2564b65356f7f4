/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the generator's BPF program and user space share. */
#pragma once

#include <linux/types.h>

#define BENCH_WORDS   24	/* longest headers, in words of 8 octets */
#define BENCH_PATCHES 8		/* places that differ between frames */
#define BENCH_BATCH   64	/* frames per round of the generator; a NAPI poll takes as many */
#define BENCH_DRAWS   (1 << 20) /* prepared draws of a distribution that is not uniform */

/* What is written into a place. The number of a node is drawn twice: once for the sender ("a") and
 * once, where both ends are nodes, for the receiver ("b"). */
enum bench_patch_kind {
	BENCH_NOTHING,
	BENCH_BE64,	/* base + ((number & mask) << shift), 8 octets in network order */
	BENCH_BE32,	/* the same in 4 octets */
	BENCH_RANDOM16, /* a port: 2 octets that vary from frame to frame */
	BENCH_IP4_SUM,	/* the checksum of the IPv4 header that begins there; comes last */
};

struct bench_patch {
	__u32 kind; /* enum bench_patch_kind */
	__u32 at;   /* octets from the start of the frame */
	__u64 base;
	__u32 mask;
	__u16 shift;
	__u16 second; /* take number b */
};
