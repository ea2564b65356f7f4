/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that fill more than one buffer, as drivers with XDP fragments hand them over: a test run
 * puts what is beyond a page into further ones.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/cu.h"
#include "packet_rows.h"

#define JUMBO 8000
#define MTU   9000

static struct world *w; /* XDP */

static void put(const char *map, uint32_t key, const void *value)
{
	CU_ASSERT_EQUAL_FATAL(bpf_map_update_elem(world_map(w, map), &key, value, BPF_ANY), 0);
}

static void get(const char *map, uint32_t key, void *value)
{
	CU_ASSERT_EQUAL_FATAL(bpf_map_lookup_elem(world_map(w, map), &key, value), 0);
}

static void iface_flag(unsigned ifindex, uint32_t flag, bool on)
{
	struct pm_iface e;

	get("pm_iface", ifindex % PM_IFACE_SLOTS, &e);
	e.flags = on ? e.flags | flag : e.flags & ~flag;
	put("pm_iface", ifindex % PM_IFACE_SLOTS, &e);
}

static struct pm_tunnel tunnel_of(enum world_slot slot)
{
	struct pm_tunnel t;

	get("pm_tunnel", world_session(w, slot)->tunnel, &t);
	return t;
}

static unsigned egress;

static void tunnel_mtu(uint16_t mtu)
{
	struct pm_tunnel t = tunnel_of(MN_1);

	t.mtu = mtu;
	put("pm_tunnel", world_session(w, MN_1)->tunnel, &t);
}

static void run(const struct spec *in, struct frame *f, struct world_result *res)
{
	frame_build(f, in);
	world_run(w, AT_TRANSPORT, f, NULL, res);
}

static void leaves(const struct spec *in, const struct spec *out, enum pm_verdict verdict)
{
	struct world_result res;
	struct frame f, want;

	run(in, &f, &res);
	CU_ASSERT_EQUAL(res.verdict, verdict);
	CU_ASSERT_EQUAL(res.retval, 4);
	frame_build(&want, out);
	if (out->osrc) { /* the flow label is a hash */
		want.b[15] = (want.b[15] & 0xf0) | (res.out.b[15] & 0x0f);
		memcpy(want.b + 16, res.out.b + 16, 2);
	}
	CU_ASSERT_EQUAL(res.out.n, want.n);
	CU_ASSERT_EQUAL(memcmp(res.out.b, want.b, want.n), 0);
}

static void test_ready(void)
{
	egress = tunnel_of(MN_1).ifindex;
	iface_flag(egress, PM_I_XDP_SG, true);
	tunnel_mtu(MTU);
	CU_ASSERT_NOT_EQUAL(egress, 0);
}

static void test_tunnel(void)
{
	const struct spec in = DOWN(.len = JUMBO), out = INTO_MAG1(.len = JUMBO);

	tunnel_mtu(MTU);
	leaves(&in, &out, PM_V_ENCAP);
	tunnel_mtu(JUMBO);
	leaves(&in, &out, PM_V_ENCAP);
	tunnel_mtu(MTU);
}

static void test_route(void)
{
	const struct spec in = UP(.len = JUMBO), out = ROUTED(.len = JUMBO);

	leaves(&in, &out, PM_V_DECAP_ROUTE);
}

static void test_link(void)
{
	const struct spec in = MDOWN(.len = JUMBO), out = ON_LINK(.len = JUMBO);
	uint32_t key = world_session(w, MN_LINK)->access;
	struct pm_access a;

	get("pm_access", key, &a);
	iface_flag(a.ifindex, PM_I_XDP_SG, true);
	a.mtu = MTU;
	put("pm_access", key, &a);
	leaves(&in, &out, PM_V_DECAP_LINK);
}

static void test_lengths(void)
{
	for (uint16_t len = 3400; len < 3900; len += 7) {
		const struct spec in = DOWN(.len = len), out = INTO_MAG1(.len = len);
		const struct spec up = UP(.len = len), routed = ROUTED(.len = len);

		leaves(&in, &out, PM_V_ENCAP);
		leaves(&up, &routed, PM_V_DECAP_ROUTE);
	}
}

/* The egress interface takes XDP frames, but in one buffer only. */
static void test_no_pieces(void)
{
	const struct spec in = DOWN(.len = JUMBO), small = DOWN(), out = INTO_MAG1();
	struct world_result res;
	struct frame f;

	iface_flag(egress, PM_I_XDP_SG, false);
	run(&in, &f, &res);
	CU_ASSERT_EQUAL(res.verdict, PM_V_TO_TC);
	CU_ASSERT_EQUAL(res.out.n, f.n);
	CU_ASSERT_EQUAL(memcmp(res.out.b, f.b, f.n), 0);
	leaves(&small, &out, PM_V_ENCAP);
	iface_flag(egress, PM_I_XDP_SG, true);
}

static void test_padding(void)
{
	for (unsigned pad = 1; pad < 1000; pad += 111) {
		const struct spec in = DOWN(.len = JUMBO, .pad = pad),
				  out = INTO_MAG1(.len = JUMBO);
		const struct spec up = UP(.len = JUMBO, .pad = pad), routed = ROUTED(.len = JUMBO);

		leaves(&in, &out, PM_V_ENCAP);
		leaves(&up, &routed, PM_V_DECAP_ROUTE);
	}
}

/* One octet less than the header says. */
static void test_truncated(void)
{
	const struct spec in = DOWN(.len = JUMBO, .len_error = 1);
	const struct spec up = UP(.len = JUMBO, .len_error = 1);
	const struct spec outer = UP(.len = JUMBO, .olen_error = 1);
	const struct spec *const all[] = {&in, &up, &outer};

	for (size_t i = 0; i < 3; i++) {
		struct world_result res;
		struct frame f;

		run(all[i], &f, &res);
		CU_ASSERT_EQUAL(res.verdict, PM_V_DROPPED);
		CU_ASSERT_EQUAL(res.reason, PM_DROP_MALFORMED);
	}
}

static void refused(const struct spec *in, uint8_t type, uint32_t param)
{
	const struct frame_error e = {.type = type, .param = param, .src = LMAA, .dst = CN};
	struct world_result res;
	struct frame f, want;

	run(in, &f, &res);
	CU_ASSERT_EQUAL(res.verdict, PM_V_REPLIED);
	frame_build_error(&want, &f, frame_inner_at(in), &e);
	CU_ASSERT_EQUAL(res.out.n, want.n);
	CU_ASSERT_EQUAL(memcmp(res.out.b, want.b, want.n), 0);
}

static void test_errors(void)
{
	const struct spec last_hop = DOWN(.len = JUMBO, .hl = 1), large = DOWN(.len = JUMBO);

	refused(&last_hop, 3, 0);
	tunnel_mtu(JUMBO - 1);
	refused(&large, 2, JUMBO - 1);
	tunnel_mtu(MTU);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"the egress takes frames in several buffers",     test_ready},
		{"into a tunnel",						test_tunnel},
		{"out of a tunnel and on by route",test_route},
		{"out of a tunnel and onto a link",		    test_link},
		{"around the length where a second buffer begins",						   test_lengths},
		{"left to TC where the egress takes no frames in pieces",			  test_no_pieces},
		{"padding is not carried", test_padding},
		{"shorter than the header says",						 test_truncated},
		{"errors about long packets quote what they may",		  test_errors},
		{0			}
	   };
	int rc;

	w = world_new(PM_HOOK_XDP, NULL);
	if (!w)
		return 1;
	if (system("ip link set t0 mtu 9100"))
		return 1;
	rc = cu_main("jumbo", tests, argc, argv);
	world_free(&w);
	return rc;
}
