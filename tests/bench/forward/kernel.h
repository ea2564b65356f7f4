/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own IPv6-in-IPv6 encapsulation as a peer to measure against: a rig of its own
 * without any program between d0 and d1, and one route per node.
 */
#pragma once

#include "bench/forward/rig.h"

enum kernel_means {
	KERNEL_SEG6,   /* encap seg6 mode encap.red: with one segment a bare outer header */
	KERNEL_IP6TNL, /* one ip6tnl device per MAG */
	KERNEL_MEANS
};

/* False when this kernel has no such thing. The caller's network namespace changes. */
bool kernel_new(struct rig *r, enum kernel_means means, uint32_t nodes);
const char *kernel_name(enum kernel_means means);
