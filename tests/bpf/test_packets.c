/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the table of packet_rows.c at both hooks, and what a table cannot say. */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/cu.h"
#include "packet_rows.h"

static struct world *worlds[PM_HOOK_MAX];
static const char *const hook_names[PM_HOOK_MAX] = {"XDP", "TC"};
static FILE *witness; /* every forwarded or answered packet, for scapy */
static char witness_path[] = "/tmp/pmip-packets-XXXXXX";

static int retval_of(enum pm_hook hook, const struct row *r, enum pm_verdict v)
{
	bool xdp = hook == PM_HOOK_XDP;
	uint8_t lmaa[16], dst[16];

	switch (v) {
	case PM_V_TO_KERNEL:
	case PM_V_TO_TC:
		return xdp ? 2 : 0;
	case PM_V_DROPPED:
		return xdp ? 1 : 2;
	case PM_V_REPLIED:
		return xdp ? 4 : 7;
	default:
		frame_addr(lmaa, LMAA);
		frame_addr(dst, r->out.dst);
		if (!memcmp(lmaa, dst, 16)) /* stripped and handed to this host */
			return xdp ? 2 : 0;
		return xdp ? 4 : 7;
	}
}

static void show(const char *what, const struct frame *f)
{
	fprintf(stderr, "  %s (%zu):", what, f->n);
	for (size_t i = 0; i < f->n && i < 160; i++)
		fprintf(stderr, "%s%02x", i % 8 ? "" : " ", f->b[i]);
	fprintf(stderr, "\n");
}

static void hex(FILE *to, const struct frame *f)
{
	for (size_t i = 0; i < f->n; i++)
		fprintf(to, "%02x", f->b[i]);
}

/* The outer flow label is a hash: taken over here, judged in tests of its own. */
static void take_label(struct frame *want, const struct frame *got)
{
	if (got->n < 18 || want->n < 18)
		return;
	want->b[15] = (want->b[15] & 0xf0) | (got->b[15] & 0x0f);
	want->b[16] = got->b[16];
	want->b[17] = got->b[17];
}

static void expect_bytes(const struct row *r, const struct frame *in, const struct world_result *res)
{
	struct frame want;

	switch (res->verdict) {
	case PM_V_DROPPED:
		return;
	case PM_V_TO_KERNEL:
	case PM_V_TO_TC:
		want = *in;
		break;
	case PM_V_REPLIED:
		frame_build_error(&want, in, frame_inner_at(&r->in), &r->error);
		if (r->error.osrc) { /* the way of any packet into that tunnel */
			frame_mac(want.b, R_MAC);
			frame_mac(want.b + 6, T_MAC);
			take_label(&want, &res->out);
		}
		break;
	default:
		frame_build(&want, &r->out);
		if (r->out.osrc)
			take_label(&want, &res->out);
	}
	CU_ASSERT_EQUAL(res->out.n, want.n);
	CU_ASSERT(!memcmp(res->out.b, want.b, want.n));
	if (res->out.n != want.n || memcmp(res->out.b, want.b, want.n)) {
		show("want", &want);
		show("got ", &res->out);
	}
	if (witness && res->verdict != PM_V_TO_KERNEL && res->verdict != PM_V_TO_TC) {
		fprintf(witness, "%s\t", world_verdict_name(res->verdict));
		hex(witness, in);
		fprintf(witness, "\t");
		hex(witness, &res->out);
		fprintf(witness, "\t%s\n", r->name);
	}
}

static void run_row(enum pm_hook hook, const struct row *r)
{
	struct world *w = worlds[hook];
	static struct pm_session before[MN_SLOTS];
	enum pm_verdict verdict = r->verdict;
	bool forwarded;
	struct world_result res;
	unsigned failures = CU_get_number_of_failures();
	struct frame in;

	if (hook == PM_HOOK_XDP && r->xdp_leaves_it)
		verdict = PM_V_TO_TC;
	forwarded = verdict != PM_V_TO_KERNEL && verdict != PM_V_TO_TC && verdict != PM_V_DROPPED &&
		    verdict != PM_V_REPLIED;
	memcpy(before, world_session(w, 0), sizeof(before));
	frame_build(&in, &r->in);
	world_run(w, r->prog, &in, NULL, &res);
	CU_ASSERT_EQUAL(res.verdict, verdict);
	CU_ASSERT_EQUAL(res.reason, verdict == PM_V_DROPPED ? r->reason : 0);
	CU_ASSERT_EQUAL(res.retval, retval_of(hook, r, verdict));
	expect_bytes(r, &in, &res);
	for (unsigned i = 0; i < MN_SLOTS; i++) {
		const struct pm_session *s = world_session(w, i), *b = &before[i];
		bool up = forwarded && r->up && i == r->up, down = forwarded && r->down && i == r->down;
		uint64_t len = frame_inner_len(&r->in);

		CU_ASSERT(s->up_packets - b->up_packets == up);
		CU_ASSERT(s->up_bytes - b->up_bytes == (up ? len : 0));
		CU_ASSERT(s->down_packets - b->down_packets == down);
		CU_ASSERT(s->down_bytes - b->down_bytes == (down ? len : 0));
	}
	if (CU_get_number_of_failures() != failures)
		fprintf(stderr, "  ^ %s, \"%s\": verdict %s%s%s, expected %s%s%s\n", hook_names[hook],
			r->name, world_verdict_name(res.verdict),
			res.verdict == PM_V_DROPPED ? " " : "",
			res.verdict == PM_V_DROPPED ? world_reason_name(res.reason) : "",
			world_verdict_name(verdict), verdict == PM_V_DROPPED ? " " : "",
			verdict == PM_V_DROPPED ? world_reason_name(r->reason) : "");
}

static void run_rows(size_t (*make)(struct row *))
{
	static struct row rows[ROWS_MAX];
	size_t n = make(rows);

	CU_ASSERT_FATAL(n > 0 && n <= ROWS_MAX);
	for (int hook = 0; hook < PM_HOOK_MAX; hook++)
		for (size_t i = 0; i < n; i++)
			run_row(hook, &rows[i]);
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

/* ---- one thing at a time */

static void test_truncated(void)
{
	const struct {
		enum world_prog prog;
		struct spec s;
	} bases[] = {
		{AT_TRANSPORT, DOWN(.len = 100)},
		{AT_TRANSPORT, DOWN(.len = 100, .ext = EXT_FRAG_FIRST)},
		{AT_TRANSPORT, DOWN(.len = 100, .hl = 1)},
		{AT_TRANSPORT, UP(.len = 100)},
		{AT_TRANSPORT, HAIR(.len = 100)},
		{AT_TRANSPORT, MDOWN(.len = 100)},
		{AT_TRANSPORT, UP(.len = 100, .hl = 1)},
		{AT_ACCESS, ACC(.len = 100)},
		{AT_ACCESS, ACC_LR(.len = 100, .dst = mn(MN_LINK))},
		{AT_ACCESS, ACC(.len = 100, .ext = EXT_TEL_ZERO)},
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
				CU_ASSERT(res.verdict == PM_V_TO_KERNEL || res.verdict == PM_V_DROPPED);
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
	const struct spec down = DOWN(.dst = "2001:db8:e00:7:1::1"), beside = DOWN(.dst = "2001:db8:e00:8::1");

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
	char cmd[512], dir[256];
	const char *slash = strrchr(__FILE__, '/');

	CU_ASSERT_PTR_NOT_NULL_FATAL(witness);
	fflush(witness);
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - __FILE__) : 1, slash ? __FILE__ : ".");
	snprintf(cmd, sizeof(cmd), "/usr/bin/python3 %s/scapy_packets.py %s", dir, witness_path);
	CU_ASSERT_EQUAL(system(cmd), 0);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"LMA: packets to nodes", test_lma_down},
		{"LMA: packets from nodes", test_lma_up},
		{"MAG: packets to and from nodes", test_mag},
		{"scapy agrees with every packet that left", test_scapy},
		{"frames cut at every octet are never forwarded", test_truncated},
		{"outer flow label follows the inner flow", test_flow_label},
		{"outer flow label spreads over queues", test_flow_label_spreads},
		{"one store moves a node with all its prefixes", test_handover},
		{"a role that is off takes no packets", test_roles},
		{"ICMPv6 errors are limited in rate", test_icmp_rate},
		{"prefixes that are not /64 are found when asked for", test_framed},
		{"errors leave where the packet came in, if they can", test_reflection},
		{"segments to come are judged one by one", test_segments},
		{0},
	};
	int fd, rc;

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		worlds[hook] = world_new(hook, NULL);
		if (!worlds[hook])
			return 2;
	}
	fd = mkstemp(witness_path);
	witness = fd < 0 ? NULL : fdopen(fd, "w");
	rc = cu_main("packets", tests, argc, argv);
	if (witness) {
		fclose(witness);
		unlink(witness_path);
	}
	for (int hook = 0; hook < PM_HOOK_MAX; hook++)
		world_free(&worlds[hook]);
	return rc;
}
