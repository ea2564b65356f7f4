/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the table of packet_rows.c at both hooks, and what a table cannot say. */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>

#include "lib/cu.h"
#include "packet_run.h"

static struct world *worlds[PM_HOOK_MAX];

static void run_rows(size_t (*make)(struct row *))
{
	static struct row rows[ROWS_MAX];
	size_t n = make(rows);

	CU_ASSERT_FATAL(n > 0 && n <= ROWS_MAX);
	for (int hook = 0; hook < PM_HOOK_MAX; hook++)
		for (size_t i = 0; i < n; i++)
			packet_run(worlds[hook], &rows[i]);
}

static void test_lma_down(void)
{
	run_rows(lma_down_rows);
}

static void test_lma_up(void)
{
	run_rows(lma_up_rows);
}

static void test_mag(void)
{
	run_rows(mag_rows);
}

static void test_ip4(void)
{
	run_rows(ip4_rows);
}

/* ---- one thing at a time */

static void test_truncated(void)
{
	const struct {
		enum world_prog prog;
		struct spec s;
	} bases[] = {
		{AT_TRANSPORT,       DOWN(.len = 100)			       },
		{			AT_TRANSPORT,   DOWN(.len = 100,			.ext = EXT_FRAG_FIRST)},
		{			AT_TRANSPORT,   DOWN(.len = 100,					.hl = 1)},
		{			AT_TRANSPORT,    UP(.len = 100)					     },
		{		 AT_TRANSPORT,		       HAIR(.len = 100)						  },
		{ AT_TRANSPORT,       MDOWN(.len = 100)				},
		{	 AT_TRANSPORT,	       UP(.len = 100,					      .hl = 1)},
		{					AT_ACCESS, ACC(.len = 100)			   },
		{			     AT_ACCESS,    ACC_LR(.len = 100,		       .dst = mn(MN_LINK))},
		{					 AT_ACCESS,	    ACC(.len = 100, .ext = EXT_TEL_ZERO)},
	};

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
			struct frame whole, cut;

			frame_build(&whole, &bases[i].s);
			/* newer kernels take no shorter IPv6 frames into a test run at TC */
			for (size_t n = hook == PM_HOOK_XDP ? 14 : 54; n < whole.n; n++) {
				struct world_result res;

				cut = whole;
				cut.n = n;
				world_run(worlds[hook], bases[i].prog, &cut, NULL, &res);
				CU_ASSERT(res.verdict == PM_V_TO_KERNEL ||
					  res.verdict == PM_V_DROPPED);
				if (res.verdict == PM_V_DROPPED)
					CU_ASSERT_EQUAL(res.reason, PM_DROP_MALFORMED);
				if (res.verdict == PM_V_TO_KERNEL) {
					CU_ASSERT(n < 14 + 40);
					CU_ASSERT(res.out.n == n && !memcmp(res.out.b, cut.b, n));
				}
			}
		}
	}
}

static uint32_t label_of(enum pm_hook hook, const struct spec *s)
{
	struct world_result res;
	struct frame in;

	frame_build(&in, s);
	world_run(worlds[hook], AT_TRANSPORT, &in, NULL, &res);
	CU_ASSERT_EQUAL(res.verdict, PM_V_ENCAP);
	return (uint32_t)(res.out.b[15] & 0xf) << 16 | (uint32_t)res.out.b[16] << 8 | res.out.b[17];
}

static void test_flow_label(void)
{
	struct spec a = DOWN(.sport = 1000), b = DOWN(.sport = 1001);
	struct spec fa = DOWN(.ext = EXT_FRAG_LATER, .sport = 1000);
	struct spec fb = DOWN(.ext = EXT_FRAG_LATER, .sport = 1001);
	struct spec la = DOWN(.flow = 7, .sport = 1000), lb = DOWN(.flow = 7, .sport = 1001);
	struct spec lc = DOWN(.flow = 8, .sport = 1000);
	struct spec longer = DOWN(.sport = 1000, .len = 600, .tc = 0x20);
	struct spec other = DOWN(.sport = 1000, .src = "2001:db8:cafe::2");

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		CU_ASSERT_NOT_EQUAL(label_of(hook, &a), label_of(hook, &b));
		CU_ASSERT_EQUAL(label_of(hook, &a), label_of(hook, &longer));
		CU_ASSERT_NOT_EQUAL(label_of(hook, &a), label_of(hook, &other));
		CU_ASSERT_EQUAL(label_of(hook, &fa), label_of(hook, &fb));
		CU_ASSERT_EQUAL(label_of(hook, &la), label_of(hook, &lb));
		CU_ASSERT_NOT_EQUAL(label_of(hook, &la), label_of(hook, &lc));
	}
	CU_ASSERT_EQUAL(label_of(PM_HOOK_XDP, &a), label_of(PM_HOOK_TC, &a));
}

static void test_flow_label_spreads(void)
{
	unsigned bucket[16] = {0};

	for (unsigned port = 1; port <= 320; port++) {
		struct spec s = DOWN(.sport = (uint16_t)port);

		bucket[label_of(PM_HOOK_XDP, &s) & 15]++;
	}
	for (int i = 0; i < 16; i++)
		CU_ASSERT(bucket[i] > 5 && bucket[i] < 50);
}

static struct world_result run_in(struct world *w, enum world_prog prog, const struct spec *s)
{
	struct world_result res;
	struct frame in;

	frame_build(&in, s);
	world_run(w, prog, &in, NULL, &res);
	return res;
}

static void test_handover(void)
{
	struct spec down = DOWN(), alias = DOWN(.dst = mn(MN_ALIAS)), up = UP();
	uint8_t mag2[16];

	frame_addr(mag2, MAG2);
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct pm_session *s = world_session(worlds[hook], MN_1);
		uint64_t old = s->desc;
		struct world_result res;

		__atomic_store_n(&s->desc, PM_DESC(2, PM_DESC_FLAGS(old), PM_DESC_GEN(old)),
				 __ATOMIC_RELEASE);
		res = run_in(worlds[hook], AT_TRANSPORT, &down);
		CU_ASSERT(res.verdict == PM_V_ENCAP && !memcmp(res.out.b + 38, mag2, 16));
		res = run_in(worlds[hook], AT_TRANSPORT, &alias);
		CU_ASSERT(res.verdict == PM_V_ENCAP && !memcmp(res.out.b + 38, mag2, 16));
		res = run_in(worlds[hook], AT_TRANSPORT, &up); /* still through MAG1 */
		CU_ASSERT(res.verdict == PM_V_DROPPED && res.reason == PM_DROP_OUTER_SOURCE);
		__atomic_store_n(&s->desc, old, __ATOMIC_RELEASE);
		res = run_in(worlds[hook], AT_TRANSPORT, &up);
		CU_ASSERT_EQUAL(res.verdict, PM_V_DECAP_ROUTE);
	}
}

static void test_roles(void)
{
	const struct spec down = DOWN(), up = UP(), mdown = MDOWN();

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world_switches lma = {.lma = true, .icmp_rate = 1000, .icmp_burst = 10};
		struct world_switches mag = {.mag = true, .icmp_rate = 1000, .icmp_burst = 10};
		struct world *w = world_new(hook, &lma);

		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		CU_ASSERT_EQUAL(run_in(w, AT_TRANSPORT, &down).verdict, PM_V_ENCAP);
		CU_ASSERT_EQUAL(run_in(w, AT_TRANSPORT, &up).verdict, PM_V_DECAP_ROUTE);
		CU_ASSERT_EQUAL(run_in(w, AT_TRANSPORT, &mdown).reason, PM_DROP_NO_SESSION);
		world_free(&w);
		w = world_new(hook, &mag);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		CU_ASSERT_EQUAL(run_in(w, AT_TRANSPORT, &down).verdict, PM_V_TO_KERNEL);
		CU_ASSERT_EQUAL(run_in(w, AT_TRANSPORT, &up).reason, PM_DROP_NO_SESSION);
		CU_ASSERT_EQUAL(run_in(w, AT_TRANSPORT, &mdown).verdict, PM_V_DECAP_LINK);
		world_free(&w);
	}
}

static void test_icmp_rate(void)
{
	const struct spec expired = DOWN(.hl = 1);

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world_switches slow = {.lma = true, .icmp_rate = 1, .icmp_burst = 3};
		struct world_switches never = {.lma = true};
		struct world *w = world_new(hook, &slow);
		unsigned sent = 0;

		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		for (int i = 0; i < 200; i++) {
			struct world_result res = run_in(w, AT_TRANSPORT, &expired);

			sent += res.verdict == PM_V_REPLIED;
			if (res.verdict != PM_V_REPLIED)
				CU_ASSERT_EQUAL(res.reason, PM_DROP_HOP_LIMIT);
		}
		/* a burst of three on each CPU that ran us, and a few seconds' refill */
		CU_ASSERT(sent >= 3 && sent < 40);
		world_free(&w);
		w = world_new(hook, &never);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		CU_ASSERT_EQUAL(run_in(w, AT_TRANSPORT, &expired).reason, PM_DROP_HOP_LIMIT);
		world_free(&w);
	}
}

static void test_framed(void)
{
	const struct spec down = DOWN(.dst = "2001:db8:e00:7:1::1"),
			  beside = DOWN(.dst = "2001:db8:e00:8::1");

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world_switches sw = {.lma = true, .framed = true};
		struct world *w = world_new(hook, &sw);
		struct pm_framed_key key = {.prefix_len = 61};
		struct pm_framed value = {.slot = 90, .prefix_len = 61};
		struct pm_session *s;
		uint8_t addr[16];

		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		frame_addr(key.addr, "2001:db8:e00::");
		CU_ASSERT_EQUAL(bpf_map_update_elem(world_map(w, "pm_framed"), &key, &value, 0), 0);
		s = world_session(w, 90);
		frame_addr(addr, "2001:db8:e00::");
		memcpy(&s->prefix, addr, 8);
		s->desc = PM_DESC(1, PM_F_VALID | PM_F_ANCHORED, 1);
		CU_ASSERT_EQUAL(run_in(w, AT_TRANSPORT, &down).verdict, PM_V_ENCAP);
		CU_ASSERT_EQUAL(run_in(w, AT_TRANSPORT, &beside).verdict, PM_V_TO_KERNEL);
		frame_addr(addr, "2001:db8:f00::");
		memcpy(&s->prefix, addr, 8);
		CU_ASSERT_EQUAL(run_in(w, AT_TRANSPORT, &down).reason, PM_DROP_STALE_SLOT);
		world_free(&w);
	}
}

/* A packet that will be cut into segments is judged by the segment, RFC 8200 5 by the wire. */
static void test_segments(void)
{
	const struct spec big = DOWN(.nh = 6, .len = 1900, .l4 = {0});
	struct world_meta fits = {.gso_size = 1000, .gso_segs = 2};
	struct world_meta does_not = {.gso_size = 1460, .gso_segs = 2};
	struct world_result res;
	struct frame in;

	frame_build(&in, &big);
	in.b[14 + 40 + 12] = 0x50; /* TCP header of 20 octets */
	world_run(worlds[PM_HOOK_TC], AT_TRANSPORT, &in, &does_not, &res);
	CU_ASSERT_EQUAL(res.verdict, PM_V_REPLIED);
	CU_ASSERT_EQUAL(res.out.n, 14 + 1280);
	world_run(worlds[PM_HOOK_TC], AT_TRANSPORT, &in, &fits, &res);
	CU_ASSERT_NOT_EQUAL(res.verdict, PM_V_REPLIED);
}

/* An error leaves where the packet came in; XDP leaves it to TC where it cannot. */
static void test_reflection(void)
{
	const struct spec down = DOWN(.hl = 1);
	struct world *w = world_new(PM_HOOK_XDP, NULL);
	const struct pm_iface none = {.flags = PM_I_XDP};
	struct world_result res;
	struct frame in;
	uint32_t ifindex;
	int map;

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	frame_build(&in, &down);
	world_run(w, AT_TRANSPORT, &in, NULL, &res);
	CU_ASSERT_EQUAL(res.verdict, PM_V_REPLIED);
	map = world_map(w, "pm_iface");
	for (void *at = NULL; bpf_map_get_next_key(map, at, &ifindex) == 0; at = &ifindex)
		CU_ASSERT_EQUAL(bpf_map_update_elem(map, &ifindex, &none, BPF_EXIST), 0);
	world_run(w, AT_TRANSPORT, &in, NULL, &res);
	CU_ASSERT_EQUAL(res.verdict, PM_V_TO_TC);
	CU_ASSERT_EQUAL(res.out.n, in.n);
	CU_ASSERT(!memcmp(res.out.b, in.b, in.n));
	world_free(&w);
}

static void test_scapy(void)
{
	CU_ASSERT(packet_witness_agrees());
}

static void test_account(void)
{
	CU_ASSERT(packet_account_holds());
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"LMA: packets to nodes",			  test_lma_down},
		{"LMA: packets from nodes",					      test_lma_up},
		{"MAG: packets to and from nodes",test_mag},
		{"IPv4 packets to and from nodes",		   test_ip4},
		{"scapy agrees with every packet that left",						     test_scapy},
		{"frames cut at every octet are never forwarded",			  test_truncated},
		{"outer flow label follows the inner flow",	    test_flow_label},
		{"outer flow label spreads over queues",						 test_flow_label_spreads},
		{"one store moves a node with all its prefixes",	 test_handover},
		{"a role that is off takes no packets",	test_roles},
		{"ICMPv6 errors are limited in rate",					      test_icmp_rate},
		{"prefixes that are not /64 are found when asked for",test_framed},
		{"errors leave where the packet came in, if they can", test_reflection},
		{"segments to come are judged one by one",						   test_segments},
		{"received is the sum of all verdicts, dropped the sum of all reasons",
		 test_account},
		{0		  },
	};
	int rc;

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		worlds[hook] = world_new(hook, NULL);
		if (!worlds[hook])
			return 2;
	}
	packet_witness_open();
	rc = cu_main("packets", tests, argc, argv);
	packet_witness_close();
	for (int hook = 0; hook < PM_HOOK_MAX; hook++)
		world_free(&worlds[hook]);
	return rc;
}
