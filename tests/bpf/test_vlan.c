/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that leave by a VLAN interface: XDP writes the tag and sends to the interface below, TC
 * leaves the tag to the VLAN interface. That one is half a veth pair here: a kernel may have no
 * VLANs, and programs know of them from pm_iface alone.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cu.h"
#include "packet_rows.h"

#define VLAN_MAC "02:00:00:00:01:07"
#define VIA_VLAN "2001:db8:71a0::1" /* routed through v7 */

static struct world *worlds[PM_HOOK_MAX];
static unsigned vlan, parent;

#define FOR_BOTH_HOOKS(w)                                                                     \
	for (struct world **world = worlds, *w; world < worlds + PM_HOOK_MAX && (w = *world); \
	     world++)

static void sh(const char *cmd)
{
	if (system(cmd))
		exit(2);
}

static void put(struct world *w, const char *map, uint32_t key, const void *value)
{
	CU_ASSERT_EQUAL_FATAL(bpf_map_update_elem(world_map(w, map), &key, value, BPF_ANY), 0);
}

static void put_vlan(struct world *w, uint16_t proto, uint16_t id, unsigned flags)
{
	const struct pm_iface e = {.ifindex = vlan,
				   .flags = PM_I_VLAN | flags,
				   .parent = parent,
				   .tag = htonl((uint32_t)proto << 16 | id)};

	put(w, "pm_iface", vlan % PM_IFACE_SLOTS, &e);
}

static void tag(struct frame *f, uint16_t proto, uint16_t id)
{
	const uint16_t words[2] = {htons(proto), htons(id)};

	memmove(f->b + 16, f->b + 12, f->n - 12);
	memcpy(f->b + 12, words, sizeof(words));
	f->n += 4;
}

/* The outer flow label is a hash of its own. */
static void take_label(struct frame *want, const struct frame *got, size_t at)
{
	want->b[at] = (want->b[at] & 0xf0) | (got->b[at] & 0x0f);
	want->b[at + 1] = got->b[at + 1];
	want->b[at + 2] = got->b[at + 2];
}

/* Runs `in`; it leaves as `out` with a tag at XDP, without at TC. */
static void leaves(struct world *w, enum world_prog prog, const struct spec *in,
		   const struct spec *out, enum pm_verdict verdict, uint16_t proto, uint16_t id)
{
	const bool xdp = world_hook(w) == PM_HOOK_XDP;
	struct world_result res;
	struct frame f, want;

	frame_build(&f, in);
	frame_build(&want, out);
	if (xdp)
		tag(&want, proto, id);
	world_run(w, prog, &f, NULL, &res);
	CU_ASSERT_EQUAL(res.verdict, verdict);
	CU_ASSERT_EQUAL(res.retval, xdp ? 4 : 7);
	if (out->osrc)
		take_label(&want, &res.out, xdp ? 19 : 15);
	CU_ASSERT_EQUAL(res.out.n, want.n);
	CU_ASSERT_EQUAL(memcmp(res.out.b, want.b, want.n), 0);
}

static void left_to_tc(struct world *w, enum world_prog prog, const struct spec *in)
{
	struct world_result res;
	struct frame f;

	if (world_hook(w) != PM_HOOK_XDP)
		return;
	frame_build(&f, in);
	world_run(w, prog, &f, NULL, &res);
	CU_ASSERT_EQUAL(res.verdict, PM_V_TO_TC);
	CU_ASSERT_EQUAL(res.out.n, f.n);
	CU_ASSERT_EQUAL(memcmp(res.out.b, f.b, f.n), 0);
}

static void test_tunnel(void)
{
	const struct spec in = DOWN(), out = INTO_MAG1();
	struct pm_tunnel t, was;
	uint32_t key;

	FOR_BOTH_HOOKS(w)
	{
		key = world_session(w, MN_1)->tunnel;
		CU_ASSERT_EQUAL_FATAL(bpf_map_lookup_elem(world_map(w, "pm_tunnel"), &key, &was),
				      0);
		t = was;
		t.ifindex = vlan;
		t.flags |= PM_T_VLAN;
		put(w, "pm_tunnel", key, &t);
		put_vlan(w, ETH_P_8021Q, 42, PM_I_XDP_OUT);
		leaves(w, AT_TRANSPORT, &in, &out, PM_V_ENCAP, ETH_P_8021Q, 42);
		put_vlan(w, ETH_P_8021AD, 4095, PM_I_XDP_OUT);
		leaves(w, AT_TRANSPORT, &in, &out, PM_V_ENCAP, ETH_P_8021AD, 4095);
		/* the parent takes no XDP frames */
		t.flags &= ~(uint32_t)PM_T_XDP;
		put(w, "pm_tunnel", key, &t);
		left_to_tc(w, AT_TRANSPORT, &in);
		put(w, "pm_tunnel", key, &was);
	}
}

static void test_link(void)
{
	const struct spec in = MDOWN(), out = ON_LINK(.src = CN, .dst = mn(MN_LINK));
	struct pm_access a, was;
	uint32_t key;

	FOR_BOTH_HOOKS(w)
	{
		key = world_session(w, MN_LINK)->access;
		CU_ASSERT_EQUAL_FATAL(bpf_map_lookup_elem(world_map(w, "pm_access"), &key, &was),
				      0);
		a = was;
		a.ifindex = vlan;
		a.flags |= PM_A_VLAN;
		put(w, "pm_access", key, &a);
		put_vlan(w, ETH_P_8021Q, 7, PM_I_XDP_OUT);
		leaves(w, AT_TRANSPORT, &in, &out, PM_V_DECAP_LINK, ETH_P_8021Q, 7);
		put(w, "pm_access", key, &was);
	}
}

static void test_route(void)
{
	const struct spec in = UP(.dst = VIA_VLAN), out = ROUTED(.smac = VLAN_MAC, .dst = VIA_VLAN);
	const struct pm_iface none = {0};

	FOR_BOTH_HOOKS(w)
	{
		for (uint32_t generation = 0; generation < 2; generation++) {
			const struct pm_global g = {.generation = generation};

			put(w, "pm_global", 0, &g);
			put_vlan(w, ETH_P_8021Q, 42, PM_I_XDP_OUT);
			/* the second time it is remembered */
			for (int i = 0; i < 2; i++)
				leaves(w, AT_TRANSPORT, &in, &out, PM_V_DECAP_ROUTE, ETH_P_8021Q,
				       42);
		}
		put(w, "pm_global", 0, &(struct pm_global){.generation = 2});
		put_vlan(w, ETH_P_8021Q, 42, 0);
		left_to_tc(w, AT_TRANSPORT, &in);
		left_to_tc(w, AT_TRANSPORT, &in);
		/* forgotten, but an answer is still remembered: nothing leaves without its tag */
		put(w, "pm_global", 0, &(struct pm_global){.generation = 3});
		put_vlan(w, ETH_P_8021Q, 42, PM_I_XDP_OUT);
		leaves(w, AT_TRANSPORT, &in, &out, PM_V_DECAP_ROUTE, ETH_P_8021Q, 42);
		put(w, "pm_iface", vlan % PM_IFACE_SLOTS, &none);
		left_to_tc(w, AT_TRANSPORT, &in);
	}
}

static void test_lengths(void)
{
	struct spec in = UP(.dst = VIA_VLAN), out = ROUTED(.smac = VLAN_MAC, .dst = VIA_VLAN);

	FOR_BOTH_HOOKS(w)
	{
		put(w, "pm_global", 0, &(struct pm_global){.generation = 4});
		put_vlan(w, ETH_P_8021Q, 42, PM_I_XDP_OUT);
		for (unsigned len = 48; len <= 1500; len += len < 80 ? 1 : 71) {
			in.len = out.len = len;
			leaves(w, AT_TRANSPORT, &in, &out, PM_V_DECAP_ROUTE, ETH_P_8021Q, 42);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a tunnel whose way leads through a VLAN",	    test_tunnel},
		{"an access link that is a VLAN",						  test_link},
		{"a route through a VLAN, asked for or remembered",test_route},
		{"packets of every length get their tag", test_lengths},
		{0						}
	   };
	int rc;

	for (int h = 0; h < PM_HOOK_MAX; h++) {
		worlds[h] = world_new(h, NULL);
		if (!worlds[h])
			return 1;
	}
	sh("ip link add v7 address " VLAN_MAC " type veth peer name v8 && "
	   "ip link set v8 up && ip link set v7 up && "
	   "ip addr add 2001:db8:7::1/64 dev v7 nodad && "
	   "ip neigh add 2001:db8:7::2 lladdr " R_MAC " nud permanent dev v7 && "
	   "ip route add 2001:db8:71a0::/48 via 2001:db8:7::2");
	vlan = if_nametoindex("v7");
	parent = if_nametoindex("t0");
	rc = cu_main("vlan", tests, argc, argv);
	for (int h = 0; h < PM_HOOK_MAX; h++)
		world_free(&worlds[h]);
	return rc;
}
