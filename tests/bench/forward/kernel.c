/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/forward/kernel.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/forward/plan.h"
#include "bpf/dp_env.h"

#define ROUTES_AT_ONCE 2000
#define ROUTE_TRIES    50

static const char *const names[KERNEL_MEANS] = {
	[KERNEL_SEG6] = "kernel-seg6",
	[KERNEL_IP6TNL] = "kernel-ip6tnl",
};

const char *kernel_name(enum kernel_means means)
{
	return names[means];
}

static bool possible(enum kernel_means means)
{
	switch (means) {
	case KERNEL_SEG6:
		return !env_sh(false, "ip -6 route add 2001:db8:dead::/64 encap seg6 mode "
				      "encap.red segs " PLAN_CN " dev d1") &&
		       !env_sh(false, "ip -6 route del 2001:db8:dead::/64 dev d1") &&
		       !env_sh(false, "ip sr tunsrc set " PLAN_LMAA);
	case KERNEL_IP6TNL:
		for (unsigned i = 0; i < PLAN_MAGS; i++) {
			if (env_sh(false,
				   "ip link add tnl%u type ip6tnl mode ip6ip6 local " PLAN_LMAA
				   " remote " PLAN_MAG " encaplimit none dev d1 && "
				   "ip link set tnl%u up",
				   i, i, i))
				return false;
		}
		return true;
	default:
		return false;
	}
}

static int add_some(enum kernel_means means, uint32_t first, uint32_t end)
{
	const struct prefix6 pool = env_prefix(PLAN_POOL);
	FILE *ip = popen("ip -6 -batch - 2>/dev/null", "w");

	for (uint32_t i = first; ip && i < end; i++) {
		struct prefix6 node = {.addr = pool.addr, .len = 64};
		char text[PREFIX6_STRLEN];

		for (unsigned k = 0; k < 4; k++)
			node.addr.s6_addr[4 + k] |= (uint8_t)(i >> (24 - 8 * k));
		prefix6_str(&node, text);
		if (means == KERNEL_SEG6)
			fprintf(ip,
				"route replace %s encap seg6 mode encap.red segs " PLAN_MAG
				" dev d1\n",
				text, i % PLAN_MAGS);
		else
			fprintf(ip, "route replace %s dev tnl%u\n", text, i % PLAN_MAGS);
	}
	return ip ? pclose(ip) : -1;
}

/* Each such route has memory per CPU, of which the kernel keeps little ready: it may refuse one and
 * take it a moment later. */
static void add_routes(enum kernel_means means, uint32_t nodes)
{
	for (uint32_t first = 0; first < nodes; first += ROUTES_AT_ONCE) {
		const uint32_t end =
			first + ROUTES_AT_ONCE < nodes ? first + ROUTES_AT_ONCE : nodes;

		for (int tries = 0; add_some(means, first, end); tries++) {
			if (tries == ROUTE_TRIES) {
				fprintf(stderr, "bench: the kernel's routes cannot be made\n");
				exit(1);
			}
			usleep(100000);
		}
	}
}

bool kernel_new(struct rig *r, enum kernel_means means, uint32_t nodes)
{
	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr, "bench: a network namespace: %s\n", strerror(errno));
		exit(1);
	}
	rig_new(r);
	if (!possible(means)) {
		rig_free(r);
		return false;
	}
	add_routes(means, nodes);
	return true;
}
