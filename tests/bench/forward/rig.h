/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a frame, in one network namespace:
 *
 *	generator -> g0 ==veth== d0 [middle] d1 ==veth== s1 [sink]
 *
 * The generator puts frames into g0. d0 receives them in its NAPI poll, where the middle (the data
 * plane, a bare redirect, or the kernel's forwarding) sends them on to d1; s1 counts and drops
 *them. All of it happens on the CPU of the caller, one batch after the other.
 */
#pragma once

#include "bench/forward/frames.h"

struct bench_gen;
struct bench_redirect;

/* Programs that run in turn, see rig_park(). */
enum rig_park {
	RIG_PARK_GENERATOR,
	RIG_PARK_OURS,
	RIG_PARK_BARE,
	RIG_PARK_PUSH,
	RIG_PARK_PULL,
	RIG_PARKS
};

struct rig {
	int netns;
	unsigned g0, d0, d1, s1; /* ifindex */
	unsigned park[RIG_PARKS];
	struct bench_redirect *bpf;
	enum bench_hook hook;
};

/* In the network namespace of the caller, which must be empty. Exits on trouble. */
void rig_new(struct rig *r);
void rig_free(struct rig *r);
/* Where the sink sits: as the middle, so that no frame is converted on its way. Nothing else may be
 * attached to d0 at XDP. */
void rig_hook(struct rig *r, enum bench_hook hook);
/*
 * The kernel rewrites its XDP dispatcher, and waits for all CPUs, whenever an XDP program begins or
 * ceases to be in use, which a test run makes it do as well. A program that is also attached to an
 * interface where nothing ever arrives stays in use, so that a run begins at once. -1: none.
 */
void rig_park(struct rig *r, enum rig_park place, int prog);
/* Makes the caller's network namespace the rig's. */
void rig_enter(const struct rig *r);

/* A generator for the frames of one row: headers of that length, differences in those places. */
struct bench_gen *rig_generator(const struct frame_plan *f);
int rig_generator_fd(const struct bench_gen *g);
void rig_generator_free(struct bench_gen *g);
void rig_generator_draws(struct bench_gen *g, uint32_t n); /* prepares Zipf draws below n */

struct rig_run {
	uint64_t sent, received;
	uint64_t strange; /* of the received: not as long as expected */
	double ns;	  /* per received packet */
};

/* Sends `packets` frames through, which shall arrive with that length. 0: they end in the
 * generator, which tells what it costs by itself. */
void rig_run(struct rig *r, struct bench_gen *g, const struct frame_plan *f,
	     enum bench_pattern pattern, uint32_t packets, unsigned expected, struct rig_run *res);
