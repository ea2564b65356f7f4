/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the verifier had to do for each program in each combination of switches that the loader can
 * set. Kernels refuse a program after a million instructions looked at; the bound here keeps far
 * from that, since an older verifier needs more than a newer one.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "lib/cu.h"
#include "world.h"

#define INSNS_MAX 400000

static unsigned most;

static void look_at(enum pm_hook hook, const struct world_switches *sw)
{
	static const char *const programs[PM_HOOK_MAX][AT_PROGS] = {
		{"xdp_transport", "xdp_access"},
		 {"tc_transport",  "tc_access" }
	      };
	struct world *w = world_new(hook, sw);

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	for (int prog = AT_TRANSPORT; prog <= AT_ACCESS; prog++) {
		struct bpf_prog_info info = {0};
		uint32_t len = sizeof(info);

		CU_ASSERT_EQUAL(bpf_obj_get_info_by_fd(world_prog_fd(w, prog), &info, &len), 0);
		printf("%-14s %-3s %-3s %-5s %-4s %-10s %-3s %s%-12s %8u %6u\n",
		       programs[hook][prog], sw->lma ? "LMA" : "-", sw->mag ? "MAG" : "-",
		       sw->no_pools ? "-" : "pools", sw->no_ip4 ? "-" : "IPv4",
		       sw->no_ip4_outer ? "-" : "IPv4 outer", sw->no_gre ? "-" : "GRE",
		       sw->fragment_rate ? "fragments " : "",
		       sw->no_decap_flags ? "before 6.3" : "", info.verified_insns,
		       info.jited_prog_len);
		CU_ASSERT(info.verified_insns > 0);
		CU_ASSERT(info.verified_insns < INSNS_MAX);
		if (info.verified_insns > most)
			most = info.verified_insns;
	}
	world_free(&w);
}

static void test_bounded(void)
{
	printf("program        what is switched on, instructions verified, octets of code\n");
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world_switches sw = {.icmp_rate = 1000, .icmp_burst = 50};

		for (unsigned bits = 8; bits < 32; bits++) {
			sw.lma = bits & 8;
			sw.mag = bits & 16;
			sw.no_ip4 = !(bits & 1);
			sw.no_ip4_outer = !(bits & 2);
			sw.no_gre = !(bits & 4);
			sw.early_rate = sw.mag ? 1000 : 0;
			sw.fragment_rate = 1000;
			look_at(hook, &sw);
		}
		sw.no_pools = true;
		look_at(hook, &sw);
		sw.no_pools = false;
		sw.fragment_rate = 0;
		look_at(hook, &sw);
		sw.fragment_rate = 1000;
		sw.no_decap_flags = true;
		if (hook == PM_HOOK_TC)
			look_at(hook, &sw);
	}
	printf("at most %u instructions verified for one program, of %u that are allowed here\n",
	       most, INSNS_MAX);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"every program stays far below the verifier's limit", test_bounded},
		{0						   },
	};

	return cu_main("verifier", tests, argc, argv);
}
