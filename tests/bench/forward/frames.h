/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames of each row, as a template and the places that differ between them. */
#pragma once

#include "bench/forward/bench_abi.h"
#include "bench/forward/rows.h"

struct frame_plan {
	uint8_t octet[2048];
	unsigned len;
	unsigned head;	   /* octets of all headers */
	unsigned expected; /* length of the frame when it leaves the data plane */
	uint32_t draw;	   /* numbers of nodes are drawn below this */
	struct bench_patch patch[BENCH_PATCHES];
	unsigned n_patches;
};

/* `key`: the GRE key that the data plane wants of node 0; those of the others follow it. */
void frame_build(struct frame_plan *f, const struct bench_row *row, const struct bench_point *at,
		 uint32_t key);
