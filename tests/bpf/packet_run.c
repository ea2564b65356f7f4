/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet_run.h"

#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const hook_names[PM_HOOK_MAX] = {"XDP", "TC"};
static FILE *witness;
static char witness_path[] = "/tmp/pmip-packets-XXXXXX";

static bool forwards(enum pm_verdict v)
{
	return v != PM_V_TO_KERNEL && v != PM_V_TO_TC && v != PM_V_DROPPED && v != PM_V_REPLIED &&
	       v != PM_V_EARLY && v != PM_V_BUFFER && v != PM_V_TO_DAEMON;
}

/* What the kernel shall do with it. */
static int retval_of(enum pm_hook hook, const struct row *r, enum pm_verdict v)
{
	const int pass = hook == PM_HOOK_XDP ? 2 : 0, drop = hook == PM_HOOK_XDP ? 1 : 2,
		  redirect = hook == PM_HOOK_XDP ? 4 : 7;

	switch (v) {
	case PM_V_TO_KERNEL:
	case PM_V_TO_TC:
		return pass;
	case PM_V_DROPPED:
	case PM_V_EARLY:
	case PM_V_FRAGMENT:
	case PM_V_BUFFER:
	case PM_V_TO_DAEMON:
		return drop;
	case PM_V_DECAP_ROUTE: /* or stripped and handed to this host, which has the frame's address
				*/
		return strcmp(r->out.dmac, T_MAC) ? redirect : pass;
	default:
		return redirect;
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

/* The outer flow label, or UDP source port, is a hash: taken over here, judged in tests of its own.
 */
static void take_entropy(struct frame *want, const struct frame *got, bool four,
			 enum frame_shim shim)
{
	if (got->n < 36 || want->n < 36)
		return;
	if (!four) {
		want->b[15] = (want->b[15] & 0xf0) | (got->b[15] & 0x0f);
		want->b[16] = got->b[16];
		want->b[17] = got->b[17];
	} else if (shim >= SHIM_UDP) {
		CU_ASSERT(got->b[34] >= 0xc0); /* dynamic ports, RFC 6335 6 */
		want->b[34] = got->b[34];
		want->b[35] = got->b[35];
	}
}

static void keep_for_witness(enum pm_hook hook, const struct row *r, const struct frame *in,
			     const struct world_result *res)
{
	static char last[160];

	/* both hooks, and worlds of other roles, were compared with the same octets */
	if (!witness || (hook == PM_HOOK_TC && !r->xdp_leaves_it) || !strcmp(r->name, last))
		return;
	snprintf(last, sizeof(last), "%s", r->name);
	fprintf(witness, "%s\t", world_verdict_name(res->verdict));
	hex(witness, in);
	fprintf(witness, "\t");
	hex(witness, &res->out);
	fprintf(witness, "\t%s\n", r->name);
}

static void expect_bytes(enum pm_hook hook, const struct row *r, const struct frame *in,
			 const struct world_result *res)
{
	struct frame want;

	switch (res->verdict) {
	case PM_V_DROPPED:
	case PM_V_EARLY:
	case PM_V_FRAGMENT:
	case PM_V_BUFFER:
	case PM_V_TO_DAEMON:
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
			take_entropy(&want, &res->out, frame_is4(r->error.osrc), r->error.shim);
		}
		break;
	default:
		frame_build(&want, &r->out);
		if (r->out.osrc)
			take_entropy(&want, &res->out, frame_is4(r->out.osrc), r->out.shim);
	}
	CU_ASSERT_EQUAL(res->out.n, want.n);
	CU_ASSERT(!memcmp(res->out.b, want.b, want.n));
	if (res->out.n != want.n || memcmp(res->out.b, want.b, want.n)) {
		show("in  ", in);
		show("want", &want);
		show("got ", &res->out);
	}
	if (res->verdict != PM_V_TO_KERNEL && res->verdict != PM_V_TO_TC)
		keep_for_witness(hook, r, in, res);
}

/* Whose counters moved, and by how much; nobody else's. */
static void expect_counters(struct world *w, const struct row *r, bool forwarded,
			    const struct pm_session *before)
{
	const uint64_t len = frame_inner_len(&r->in);

	for (unsigned i = 0; i < MN_SLOTS; i++) {
		struct pm_session want = before[i];

		if (forwarded && r->up && i == r->up) {
			want.up_packets++;
			want.up_bytes += len;
		}
		if (forwarded && r->down && i == r->down) {
			want.down_packets++;
			want.down_bytes += len;
		}
		if (memcmp(&want, world_session(w, i), sizeof(want))) {
			fprintf(stderr, "  session %u is not what it should be\n", i);
			CU_FAIL("counters");
		}
	}
}

void packet_run_result(struct world *w, const struct row *r, struct world_result *res)
{
	static struct pm_session before[MN_SLOTS];
	const enum pm_hook hook = world_hook(w);
	unsigned failures = CU_get_number_of_failures();
	enum pm_verdict verdict = r->verdict;
	struct frame in;

	if (hook == PM_HOOK_XDP && r->xdp_leaves_it)
		verdict = PM_V_TO_TC;
	memcpy(before, world_session(w, 0), sizeof(before));
	frame_build(&in, &r->in);
	world_run(w, r->prog, &in, NULL, res);
	CU_ASSERT_EQUAL(res->verdict, verdict);
	CU_ASSERT_EQUAL(res->reason, verdict == PM_V_DROPPED ? r->reason : 0);
	CU_ASSERT_EQUAL(res->retval, retval_of(hook, r, verdict));
	if (res->verdict == verdict)
		expect_bytes(hook, r, &in, res);
	expect_counters(w, r, forwards(verdict), before);
	if (CU_get_number_of_failures() != failures)
		fprintf(stderr, "  ^ %s, \"%s\": verdict %s%s%s, expected %s%s%s\n",
			hook_names[hook], r->name, world_verdict_name(res->verdict),
			res->verdict == PM_V_DROPPED ? " " : "",
			res->verdict == PM_V_DROPPED ? world_reason_name(res->reason) : "",
			world_verdict_name(verdict), verdict == PM_V_DROPPED ? " " : "",
			verdict == PM_V_DROPPED ? world_reason_name(r->reason) : "");
}

void packet_run(struct world *w, const struct row *r)
{
	struct world_result res;

	packet_run_result(w, r, &res);
}

struct world_result packet_try(struct world *w, enum world_prog prog, const struct spec *s)
{
	struct world_result res;
	struct frame in;

	frame_build(&in, s);
	world_run(w, prog, &in, NULL, &res);
	return res;
}

void packet_witness_open(void)
{
	int fd = mkstemp(witness_path);

	witness = fd < 0 ? NULL : fdopen(fd, "w");
}

void packet_witness_close(void)
{
	if (!witness)
		return;
	fclose(witness);
	unlink(witness_path);
	witness = NULL;
}

bool packet_witness_agrees(void)
{
	const char *slash = strrchr(__FILE__, '/');
	char cmd[512];

	if (!witness)
		return false;
	fflush(witness);
	snprintf(cmd, sizeof(cmd), "/usr/bin/python3 %.*s/scapy_packets.py %s",
		 slash ? (int)(slash - __FILE__) : 1, slash ? __FILE__ : ".", witness_path);
	return system(cmd) == 0;
}

bool packet_account_holds(void)
{
	bool good = true;

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		const struct world_account *a = world_account(hook);
		uint64_t verdicts = 0, drops = 0;

		for (int i = PM_V_RECEIVED + 1; i < PM_V_MAX; i++)
			verdicts += a->verdicts[i];
		for (int i = 0; i < PM_DROP_MAX; i++)
			drops += a->drops[i];
		printf("%s: %" PRIu64 " packets in, %" PRIu64 " received, %" PRIu64
		       " verdicts; %" PRIu64 " dropped, %" PRIu64 " reasons\n",
		       hook_names[hook], a->handed_in, a->verdicts[PM_V_RECEIVED], verdicts,
		       a->verdicts[PM_V_DROPPED], drops);
		good = good && a->handed_in && a->verdicts[PM_V_RECEIVED] == a->handed_in &&
		       verdicts == a->handed_in && drops == a->verdicts[PM_V_DROPPED];
	}
	return good;
}
