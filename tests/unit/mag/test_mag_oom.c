/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory runs out at each allocation that the MAG makes, in turn: list, tunnels and data plane
 * still agree, nothing is left behind, and the node is served once there is memory again. The data
 * plane under test keeps its own memory.
 */
#include "mag_harness.h"

#include "lib/oom.h"
#include "oom_plane.h"
#include "store/store_fake.h"

static struct oom_plane plane = {.dp = {.ops = &oom_plane_ops}};

static struct bench *bench_oom(void)
{
	struct bench *b = bench_new();
	struct profile p = {.enabled = true, .ipv4 = true, .local_routing = -1};

	add_profile(b, &p, "mn1@example.com", 1);
	b->cfg.gre = MAG_GRE_KEYS;
	plane.below = dp_fake_dataplane(b->fake);
	tunnels_free(&b->tunnels);
	CU_ASSERT_EQUAL_FATAL(tunnels_new(&b->tunnels, &plane.dp), 0);
	return b;
}

static int start(struct bench *b)
{
	return mag_new(&b->m, &b->cfg, &b->env, &plane.dp, b->tunnels, &b->profiles, &b->links,
		       &b->sink);
}

static void test_new(void)
{
	unsigned n;
	bool failed = true;

	for (n = 1; failed; n++) {
		struct bench *b = bench_oom();
		int err;

		fail_at(n);
		err = start(b);
		failed = memory_again();
		CU_ASSERT_EQUAL(err, failed ? -ENOMEM : 0);
		CU_ASSERT_EQUAL(b->m == NULL, failed);
		bench_free(b);
	}
	CU_ASSERT_TRUE(n > 4);
}

static void test_attach(void)
{
	unsigned n;
	bool failed = true;

	for (n = 1; failed; n++) {
		struct bench *b = bench_oom();
		int err;

		CU_ASSERT_EQUAL_FATAL(start(b), 0);
		fail_at(n);
		err = attach(b, 7, 1);
		failed = memory_again();
		if (err) {
			CU_ASSERT_EQUAL(err, -ENOMEM);
			CU_ASSERT_EQUAL(counter(b, "attach_full"), 1);
			CU_ASSERT_EQUAL(mag_count(b->m), 0);
			CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
			CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
		}
		CU_ASSERT_EQUAL(b->n_sent, 1);
		accept_it(b);
		CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
		bench_free(b);
	}
	CU_ASSERT_TRUE(n > 2);
}

/* answer() allocates once for itself. */
static void test_accept(void)
{
	unsigned n, failures = 0;
	bool failed = true;

	for (n = 2; failed; n++) {
		struct bench *b = bench_oom();

		CU_ASSERT_EQUAL_FATAL(start(b), 0);
		attach(b, 7, 1);
		fail_at(n);
		accept_it(b);
		failed = memory_again();
		failures += failed;
		if (in_state(b, 1, "ROLLBACK")) {
			CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
			CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
			CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
			CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
			accept_it(b);
			CU_ASSERT_TRUE(in_state(b, 1, "BACKOFF"));
			while (in_state(b, 1, "BACKOFF"))
				run_ms(b, 1000);
			accept_it(b);
		}
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
		CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 1);
		bench_free(b);
	}
	CU_ASSERT_TRUE(failures > 1);
}

static void test_refresh(void)
{
	unsigned n, failures = 0;
	bool failed = true;

	for (n = 2; failed; n++) {
		struct bench *b = bench_oom();

		CU_ASSERT_EQUAL_FATAL(start(b), 0);
		attach(b, 7, 1);
		accept_it(b);
		b->confirm_at_once = true;
		run_ms(b, 2700000);
		CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
		fail_at(n);
		/* other prefixes, another address, another tunnel */
		answer(b, &(struct reply){
				  .prefix = {HNP2, HNP3},
					  .home4 = "10.1.0.9", .no_gre = true
		     });
		failed = memory_again();
		failures += failed;
		if (in_state(b, 1, "ROLLBACK")) {
			CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
			CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
			CU_ASSERT_EQUAL(b->downs, 1);
		} else {
			CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
			CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP3));
			CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
			CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 1);
		}
		bench_free(b);
	}
	CU_ASSERT_TRUE(failures > 1);
}

/* hear_bri() allocates once for itself. */
static void test_revoked(void)
{
	const struct bri a = {.trigger = 4, .id = "mn1@example.com"};
	unsigned n, failures = 0;
	bool failed = true;

	for (n = 2; failed; n++) {
		struct bench *b = bench_oom();

		CU_ASSERT_EQUAL_FATAL(start(b), 0);
		attach(b, 7, 1);
		accept_it(b);
		b->confirm_at_once = true;
		fail_at(n);
		hear_bri(b, &a);
		failed = memory_again();
		failures += failed;
		hear_bri(b, &a);
		CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
		CU_ASSERT_EQUAL(b->sent[1].msg.br.code, BRA_MN_IS_ATTACHED);
		CU_ASSERT_EQUAL(b->sent[2].msg.br.code, BRA_MN_IS_ATTACHED);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		bench_free(b);
	}
	CU_ASSERT_TRUE(failures > 1);
}

static void test_without_allocation(void)
{
	struct bench *b = bench_oom();
	struct link_node n = node_at(8, 1);

	CU_ASSERT_EQUAL_FATAL(start(b), 0);
	attach(b, 7, 1);
	accept_it(b);
	/* a link that is new to the list needs memory, then all stays as it is */
	fail_at(1);
	CU_ASSERT_EQUAL(attach(b, 8, 1), -ENOMEM);
	CU_ASSERT_TRUE(memory_again());
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.ifindex, 7);
	CU_ASSERT_EQUAL(attach(b, 8, 1), 0);
	accept_it(b);
	run_ms(b, 2000);
	/* to give back never does, nor to leave */
	fail_at(1);
	CU_ASSERT_EQUAL(mag_release_ipv4(b->m, &n, ADDR4("10.1.0.5"), "dhcp-release", b->now), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 1);
	CU_ASSERT_EQUAL(mag_detach(b->m, &n, "gone", b->now), 0);
	memory_again();
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 0);
	bench_free(b);
}

/* ---- what an earlier MAG had */

static unsigned dropped;

static int restore_one(void *ctx, const struct store_record *r)
{
	struct bench *b = ctx;
	const int use = mag_restore(b->m, r, b->now);

	dropped += use == STORE_DROP;
	return use;
}

static struct store *begin_again(struct bench *b, struct store_fake *disk)
{
	struct store *st;

	CU_ASSERT_EQUAL_FATAL(start(b), 0);
	CU_ASSERT_EQUAL_FATAL(
		store_new(&st, store_fake_backend(disk), &(struct store_cfg){.window_ms = 100}), 0);
	mag_set_store(b->m, st);
	return st;
}

/* The data plane goes on. */
static void end_it(struct bench *b, struct store *st)
{
	mag_free(&b->m);
	store_free(&st);
	dp_fake_restart(b->fake);
	tunnels_free(&b->tunnels);
	CU_ASSERT_EQUAL_FATAL(tunnels_new(&b->tunnels, &plane.dp), 0);
}

/* Nothing is dropped for want of memory: the start ends, and the next one has all. */
static void test_restore(void)
{
	unsigned n, failures = 0, refused = 0;
	bool failed = true;

	for (n = 1; failed; n++) {
		struct bench *b = bench_oom();
		struct store_fake *disk;
		struct store *st;
		int err;

		CU_ASSERT_EQUAL_FATAL(store_fake_new(&disk), 0);
		st = begin_again(b, disk);
		attach(b, 7, 1);
		accept_it(b);
		CU_ASSERT_TRUE_FATAL(store_drain(st, b->now));
		CU_ASSERT_EQUAL_FATAL(store_fake_count(disk), 1);
		end_it(b, st);
		st = begin_again(b, disk);
		dropped = 0;
		fail_at(n);
		err = store_load(st, restore_one, b);
		failed = memory_again();
		failures += failed;
		refused += err != 0;
		CU_ASSERT_EQUAL(dropped, 0);
		CU_ASSERT(!err || (failed && err == -ENOMEM));
		if (err) {
			CU_ASSERT_EQUAL(mag_count(b->m), 0);
			end_it(b, st);
			CU_ASSERT_EQUAL(store_fake_count(disk), 1);
			st = begin_again(b, disk);
			CU_ASSERT_EQUAL(store_load(st, restore_one, b), 0);
		}
		plane.below->ops->sweep(plane.below);
		CU_ASSERT_EQUAL(mag_count(b->m), 1);
		/* what could not be routed is when the node is found */
		confirm(b, 7, 1);
		run_ms(b, 100);
		if (in_state(b, 1, "REFRESHING"))
			accept_it(b);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
		CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 1);
		CU_ASSERT_TRUE(store_drain(st, b->now));
		CU_ASSERT_EQUAL(store_fake_count(disk), 1);
		mag_free(&b->m);
		store_free(&st);
		store_fake_free(&disk);
		bench_free(b);
	}
	CU_ASSERT_TRUE(refused > 1 && failures > refused);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"no memory for a MAG leaves none", test_new},
		{"no memory for a node refuses it, and leaves nothing behind", test_attach},
		{"no memory for an answer gives the binding back, and asks again later", test_accept},
		{"no memory for a renumbering ends service as a whole", test_refresh},
		{"without memory for a revocation that waits the node's last known place decides", test_revoked},
		{"moving fails without memory and changes nothing; giving back and leaving need none", test_without_allocation},
		{"a restore without memory ends the start or forwards later, drops nothing and leaves nothing", test_restore},
		{0},
	};
	// clang-format on
	return cu_main("mag oom", tests, argc, argv);
}
