/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains with routes of their own, and tunnels in a VRF. Rules by ingress stand for VRFs, which
 * not every kernel has: both decide by the interface that the routing table is asked for.
 */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "lib/cu.h"
#include "lib/kernel.h"
#include "world.h"

#define SECOND_MAC "02:00:00:00:01:fd" /* the router that packets from a0 go to */

static struct world *worlds[PM_HOOK_MAX];

#define FOR_BOTH_HOOKS(w)                                                                     \
	for (struct world **world = worlds, *w; world < worlds + PM_HOOK_MAX && (w = *world); \
	     world++)

static void set_domain(struct world *w, uint32_t domain, uint32_t ifindex)
{
	CU_ASSERT_EQUAL_FATAL(
		bpf_map_update_elem(world_map(w, "pm_domain"), &domain, &ifindex, BPF_ANY), 0);
}

static void remember_routes(struct world *w)
{
	static uint32_t generation;
	const struct pm_global g = {++generation, 0};
	uint32_t zero = 0;

	CU_ASSERT_EQUAL_FATAL(bpf_map_update_elem(world_map(w, "pm_global"), &zero, &g, BPF_ANY),
			      0);
}

static void test_rules(void)
{
	must_sh("ip neigh add 2001:db8:2::fd lladdr " SECOND_MAC " nud permanent dev t0");
	must_sh("ip route add default via 2001:db8:2::fd table 77");
	must_sh("ip -6 rule add iif a0 lookup 77");
}

/* MN_1 is of domain 1, which is routed as what comes in by a0; MN_2 of domain 2, which has no
 * routes of its own. */
static void two_domains(struct world *w)
{
	world_session(w, MN_1)->domain = 1;
	world_session(w, MN_2)->domain = 2;
	set_domain(w, 1, world_ifindex(w, AT_ACCESS));
	set_domain(w, 2, 0);
	remember_routes(w);
}

static struct spec up(enum world_slot node, const char *dst)
{
	return (struct spec){.dmac = T_MAC,
			     .smac = T_PEER,
			     .osrc = node == MN_2 ? MAG2 : MAG1,
			     .odst = LMAA,
			     .src = mn(node),
			     .dst = dst};
}

static struct world_result run(struct world *w, const struct spec *s)
{
	struct world_result res;
	struct frame f;

	frame_build(&f, s);
	world_run(w, AT_TRANSPORT, &f, NULL, &res);
	return res;
}

static bool leaves_by(struct world *w, const struct spec *s, const char *mac)
{
	const struct world_result res = run(w, s);
	uint8_t want[6];

	CU_ASSERT_EQUAL(res.verdict, PM_V_DECAP_ROUTE);
	frame_mac(want, mac);
	return !memcmp(res.out.b, want, 6);
}

static void test_own_routes(void)
{
	const struct spec one = up(MN_1, CN), two = up(MN_2, CN);

	FOR_BOTH_HOOKS(w)
	{
		two_domains(w);
		/* remembered or not */
		for (int i = 0; i < 5; i++) {
			CU_ASSERT_TRUE(leaves_by(w, &one, SECOND_MAC));
			CU_ASSERT_TRUE(leaves_by(w, &two, R_MAC));
		}
		/* the same destination, now of the other one */
		set_domain(w, 1, 0);
		set_domain(w, 2, world_ifindex(w, AT_ACCESS));
		CU_ASSERT_TRUE(leaves_by(w, &one, R_MAC));
		CU_ASSERT_TRUE(leaves_by(w, &two, SECOND_MAC));
	}
}

static void test_other_domain(void)
{
	const struct spec one = up(MN_1, CN);

	FOR_BOTH_HOOKS(w)
	{
		two_domains(w);
		world_session(w, MN_1)->domain = 0;
		CU_ASSERT_TRUE(leaves_by(w, &one, R_MAC));
		world_session(w, MN_1)->domain = 65535;
		CU_ASSERT_TRUE(leaves_by(w, &one, R_MAC));
		set_domain(w, 65535, world_ifindex(w, AT_ACCESS));
		CU_ASSERT_TRUE(leaves_by(w, &one, SECOND_MAC));
		set_domain(w, 65535, 0);
	}
}

static void test_shut(void)
{
	const struct spec one = up(MN_1, CN), two = up(MN_2, CN);

	FOR_BOTH_HOOKS(w)
	{
		struct world_result res;

		two_domains(w);
		CU_ASSERT_TRUE(leaves_by(w, &one, SECOND_MAC)); /* remembered */
		set_domain(w, 1, PM_DOMAIN_SHUT);
		res = run(w, &one);
		CU_ASSERT_EQUAL(res.verdict, PM_V_DROPPED);
		CU_ASSERT_EQUAL(res.reason, PM_DROP_NO_ROUTE);
		CU_ASSERT_TRUE(leaves_by(w, &two, R_MAC));
	}
}

/* What the routing table does not forward is left to the kernel, which would use the routes of
 * where the packet came in. The node is told instead, through its tunnel. */
static void test_not_to_the_stack(void)
{
	const struct spec one = up(MN_1, LMAA), two = up(MN_2, LMAA);

	FOR_BOTH_HOOKS(w)
	{
		struct world_result res;
		const uint8_t *inner;

		two_domains(w);
		CU_ASSERT_EQUAL(run(w, &two).verdict, PM_V_DECAP_ROUTE);
		res = run(w, &one);
		CU_ASSERT_EQUAL_FATAL(res.verdict, PM_V_REPLIED);
		CU_ASSERT_FATAL(res.out.n > 14 + 40 + 40 + 8);
		inner = res.out.b + 14 + 40;
		CU_ASSERT_EQUAL(inner[6], 58); /* ICMPv6 */
		CU_ASSERT_EQUAL(inner[40], 1); /* unreachable */
		CU_ASSERT_EQUAL(inner[41], 0); /* no route */
	}
}

/* Where the next hop of a tunnel is not known, TC asks for it where the tunnel is at home. */
static void test_tunnel_in_vrf(void)
{
	const struct spec down = {
		.dmac = T_MAC, .smac = T_PEER, .src = CN, .dst = mn(MN_UNRESOLVED)};
	struct world *w = worlds[PM_HOOK_TC];
	struct pm_tunnel t = world_tunnel(w, TUN_UNRESOLVED);
	struct world_result res;
	uint8_t want[6];

	t.flags &= ~(uint32_t)PM_T_NEXTHOP;
	t.ifindex = world_ifindex(w, AT_ACCESS);
	world_set_tunnel(w, TUN_UNRESOLVED, &t);
	res = run(w, &down);
	CU_ASSERT_EQUAL(res.verdict, PM_V_ENCAP);
	frame_mac(want, SECOND_MAC);
	CU_ASSERT_FALSE(memcmp(res.out.b, want, 6));
	/* nothing known: where the packet came in */
	t.ifindex = 0;
	world_set_tunnel(w, TUN_UNRESOLVED, &t);
	res = run(w, &down);
	CU_ASSERT_EQUAL(res.verdict, PM_V_ENCAP);
	frame_mac(want, R_MAC);
	CU_ASSERT_FALSE(memcmp(res.out.b, want, 6));
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"there are rules by ingress", test_rules},
		{"two domains, one destination: each takes its own route, remembered or not", test_own_routes},
		{"a domain without routes of its own is routed by where packets come in", test_other_domain},
		{"a domain that is shut loses its packets, the other one none", test_shut},
		{"what a domain's routes do not forward never falls to the kernel's", test_not_to_the_stack},
		{"the way into a tunnel is looked up in the tunnel's VRF", test_tunnel_in_vrf},
		{0},
	};
	// clang-format on
	const struct world_switches on = {.lma = true,
					  .mag = true,
					  .icmp_rate = 1000000,
					  .icmp_burst = 1000,
					  .domains = true};
	int rc;

	for (int h = 0; h < PM_HOOK_MAX; h++) {
		worlds[h] = world_new(h, &on);
		if (!worlds[h])
			return 1;
	}
	rc = cu_main("domains", tests, argc, argv);
	for (int h = 0; h < PM_HOOK_MAX; h++)
		world_free(&worlds[h]);
	return rc;
}
