/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the verifier had to do for each program in each combination of roles. Kernels refuse a
 * program after a million instructions looked at; the bound here keeps far from that, since an
 * older verifier needs more than a newer one.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "lib/cu.h"
#include "world.h"

#define INSNS_MAX 400000

static void test_bounded(void)
{
	static const char *const programs[PM_HOOK_MAX][AT_PROGS] = {
		{"xdp_transport", "xdp_access"},
		 {"tc_transport",  "tc_access" }
	      };

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (unsigned roles = 0; roles < 8; roles++) {
			struct world_switches sw = {.lma = roles & 1,
						    .mag = roles & 2,
						    .framed = roles & 4,
						    .icmp_rate = 1000,
						    .icmp_burst = 50};
			struct world *w = world_new(hook, &sw);

			CU_ASSERT_PTR_NOT_NULL_FATAL(w);
			for (int prog = AT_TRANSPORT; prog <= AT_ACCESS; prog++) {
				struct bpf_prog_info info = {0};
				uint32_t len = sizeof(info);

				CU_ASSERT_EQUAL(
					bpf_obj_get_info_by_fd(world_prog_fd(w, prog), &info, &len),
					0);
				printf("%-14s lma=%d mag=%d framed=%d: %u instructions verified, "
				       "%u octets of code\n",
				       programs[hook][prog], sw.lma, sw.mag, sw.framed,
				       info.verified_insns, info.jited_prog_len);
				CU_ASSERT(info.verified_insns > 0);
				CU_ASSERT(info.verified_insns < INSNS_MAX);
			}
			world_free(&w);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"every program stays far below the verifier's limit", test_bounded},
		{0						   },
	};

	return cu_main("verifier", tests, argc, argv);
}
