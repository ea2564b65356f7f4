/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does this kernel's verifier take what the loader gives it? Every combination of roles and pools
 * that a configuration can ask for, loaded the way the daemon does, with what the verifier had to
 * look at. A verifier gives up after a million instructions.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <bpf/bpf.h>

#include "bpf/dp_env.h"
#include "dataplane/dp_load.h"
#include "lib/cu.h"

#define INSNS_MAX 500000

static const char *const program[DP_PROG_MAX] = {
	[DP_PROG_XDP_TRANSPORT] = "xdp_transport",	 [DP_PROG_XDP_ACCESS] = "xdp_access",
	[DP_PROG_TC_TRANSPORT] = "tc_transport",	 [DP_PROG_TC_ACCESS] = "tc_access",
	[DP_PROG_CPU_TRANSPORT] = "cpu_transport",	 [DP_PROG_CPU_ACCESS] = "cpu_access",
	[DP_PROG_SPREAD_TRANSPORT] = "spread_transport", [DP_PROG_SPREAD_ACCESS] = "spread_access",
};

/* `all`: with everything that can be switched on. */
static void load(unsigned roles, uint32_t pool_slots, bool all)
{
	const struct dp_bpf_cfg cfg = {
		.instance = "load",
		.roles = roles,
		.max_sessions = 1000,
		.pool_slots = pool_slots,
		.max_peers = 16,
		.ip4 = all,
		.ip4_outer = all,
		.gre = all,
		.mss_clamp = all,
		.domains = all,
		.fragment_rate = all ? 1000 : 0,
		.buffer = {.sessions = all ? 16 : 0, .node_packets = 1000}
	  };
	char err[DP_BPF_ERRLEN] = "";
	struct dp_maps m;
	int r = dp_load(&m, &cfg, err, sizeof(err));

	CU_ASSERT_EQUAL(r, 0);
	if (r < 0)
		printf("lma=%d mag=%d pools=%d: %s\n", !!(roles & DP_BPF_LMA),
		       !!(roles & DP_BPF_MAG), pool_slots > 0, err);
	for (int i = 0; r == 0 && i < DP_PROG_MAX; i++) {
		struct bpf_prog_info info = {0};
		uint32_t len = sizeof(info);

		if (m.prog[i] < 0)
			continue; /* made only for who spreads, see test_dp_spread */
		CU_ASSERT_EQUAL(bpf_obj_get_info_by_fd(m.prog[i], &info, &len), 0);
		printf("%-16s lma=%d mag=%d pools=%d all=%d: %u instructions verified\n",
		       program[i], !!(roles & DP_BPF_LMA), !!(roles & DP_BPF_MAG), pool_slots > 0,
		       all, info.verified_insns);
		CU_ASSERT(info.verified_insns > 0);
		CU_ASSERT(info.verified_insns < INSNS_MAX);
	}
	dp_unload(&m, true);
}

static void test_loads(void)
{
	struct utsname u;

	if (uname(&u) == 0)
		printf("Linux %s\n", u.release);
	for (unsigned roles = 0; roles <= (DP_BPF_LMA | DP_BPF_MAG); roles++) {
		load(roles, 0, false);
		load(roles, 4096, true);
	}
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"the verifier takes every program in every configuration", test_loads},
		{0							},
	};

	env_enter();
	return cu_main("load", tests, argc, argv);
}
