/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an LMA or an operator ended stays ended when the MAG dies: answers to revocations wait for
 * the disk, orders of ours go on, and what bars a node outlives the MAG.
 */
#include "mag_life.h"

#define MN1 "mn1@example.com"

static const struct bri barring = {.trigger = BR_ADMINISTRATIVE, .id = MN1};

static int order(struct bench *b, unsigned i)
{
	struct mag_attachment a = attachment(7, i);

	a.cause = MAG_CAUSE_CONTROL;
	return mag_attach(b->m, &a, b->now);
}

/* The latest message is a BRA with that status. */
static bool is_bra(struct bench *b, uint8_t status)
{
	const struct mh_msg *m = &last_sent(b)->msg;

	return m->type == MH_BINDING_REVOCATION && m->br.type == BR_ACKNOWLEDGEMENT &&
	       m->br.code == status;
}

static void acknowledge(struct bench *b, const struct sent *to, uint8_t status)
{
	struct mh_msg m, in;
	uint8_t buf[MH_MAX_LEN];
	struct packet pkt = {.src = to->dst, .dst = to->src, .data = buf};
	int len;

	revocation_bra(&m, &to->msg, (enum bra_status)status);
	len = mh_encode(&m, buf, sizeof(buf), &pkt.src, &pkt.dst);
	CU_ASSERT_FATAL(len > 0);
	pkt.len = (size_t)len;
	CU_ASSERT_EQUAL_FATAL(mh_decode(&in, buf, pkt.len, &pkt.src, &pkt.dst), MH_OK);
	mag_receive(b->m, &pkt, &in, b->now);
}

/* ---- answers wait for the disk */

static void test_answer_waits(void)
{
	struct bench *b = dual_active(bench_new());

	flush(b);
	b->n_sent = 0;
	hear_bri(b, &barring);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	/* neither does the answer to its repetition overtake it */
	hear_bri(b, &barring);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	flush(b);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_TRUE(is_bra(b, BRA_SUCCESS));
	CU_ASSERT_EQUAL(counter(b, "bra_waited"), 2);
	end(b);
}

static void test_answer_of_a_dead_mag(void)
{
	struct bench *b = dual_active(bench_new());

	flush(b);
	b->n_sent = 0;
	hear_bri(b, &(struct bri){.id = MN1});
	/* it dies with the answer: nobody has heard that the session is over, and it is not */
	dies(b);
	lives(b);
	CU_ASSERT_TRUE(in_state(b, 1, "FINDING"));
	hear_bri(b, &(struct bri){.id = MN1});
	flush(b);
	CU_ASSERT_TRUE(is_bra(b, BRA_SUCCESS));
	restart(b);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	end(b);
}

static void test_global_answer_waits(void)
{
	struct bench *b = bench_new();

	b->cfg.max_bindings = 200;
	with_store(b);
	for (unsigned i = 1; i <= 200; i++) {
		char prefix[32];

		b->n_sent = b->n_calls = 0;
		snprintf(prefix, sizeof(prefix), "2001:db8:100:%x::/64", i);
		CU_ASSERT_EQUAL_FATAL(attach(b, 7, i), 0);
		answer(b, &(struct reply){.prefix = {prefix}});
	}
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 200);
	b->n_sent = 0;
	b->n_calls = 0;
	hear_bri(b, &(struct bri){.trigger = BR_PER_PEER_POLICY, .g = true});
	CU_ASSERT_EQUAL(b->n_sent, 0);
	flush(b);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_TRUE(is_bra(b, BRA_SUCCESS));
	/* it dies while they end */
	CU_ASSERT_TRUE(dp_fake_sessions(b->fake) > 0);
	dies(b);
	lives(b);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	end(b);
}

/* The node is here, and is registered anew: not before the LMA has the answer. */
static void test_request_waits_behind(void)
{
	struct bench *b = dual_active(bench_new());

	flush(b);
	b->n_sent = 0;
	b->confirm_at_once = true;
	hear_bri(b, &(struct bri){.trigger = BR_OUT_OF_SYNC, .id = MN1});
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	run_ms(b, 200);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	flush(b);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_TRUE(is_bra(b, BRA_SUCCESS));
	run_ms(b, 20);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(last_sent(b)->msg.type, MH_BU);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	end(b);
}

static void test_window(void)
{
	struct bench *b = dual_active(bench_new());

	store_set_window(store, 100);
	b->n_sent = 0;
	hear_bri(b, &barring);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_TRUE(is_bra(b, BRA_SUCCESS));
	end(b);
}

/* ---- all of an LMA's, by our own order */

static struct bench *ordered(void)
{
	struct bench *b = bench_new();

	snprintf(b->cfg.identity, sizeof(b->cfg.identity), "mag1@example.com");
	b->cfg.revocation = (struct revocation_cfg){1000, 2000, 1};
	dual_active(b);
	flush(b);
	b->n_sent = 0;
	CU_ASSERT_EQUAL(mag_revoke_all(b->m, NULL, b->now), 1);
	return b;
}

static void test_order_goes_on(void)
{
	struct bench *b = ordered();

	/* the LMA is asked when it is on disk that it was */
	CU_ASSERT_EQUAL(b->n_sent, 0);
	flush(b);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(b->sent[0].msg.br.type, BR_INDICATION);
	restart(b);
	CU_ASSERT_EQUAL(keep, 1);
	/* whatever the LMA has made of it, the node is not registered on */
	b->confirm_at_once = true;
	run_ms(b, 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(b->sent[0].msg.type, MH_BU);
	CU_ASSERT_EQUAL(b->sent[0].msg.bu.lifetime, 0);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	run_ms(b, 3000);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	end(b);
}

static void test_order_refused(void)
{
	struct bench *b = ordered();

	flush(b);
	acknowledge(b, last_sent(b), BRA_GLOBAL_NOT_AUTHORIZED);
	restart(b);
	b->confirm_at_once = true;
	run_ms(b, 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
	CU_ASSERT_TRUE(b->sent[0].msg.bu.lifetime > 0);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	end(b);
}

/* ---- barred */

static struct bench *barred(void)
{
	struct bench *b = dual_active(bench_new());

	hear_bri(b, &barring);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 1);
	return b;
}

static void test_barred(void)
{
	struct bench *b = barred();

	restart(b);
	CU_ASSERT_EQUAL(keep, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	/* it is silent, but there */
	run_ms(b, 0);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
	confirm(b, 7, 1);
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 1);
	run_ms(b, 3600000);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	CU_ASSERT_EQUAL(attach(b, 7, 1), -EPERM);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	/* and once more, by a trigger this time */
	restart(b);
	CU_ASSERT_EQUAL(attach(b, 7, 1), -EPERM);
	run_ms(b, 3600000);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	/* an order lifts it */
	CU_ASSERT_EQUAL(order(b, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	end(b);
}

static void test_barred_and_gone(void)
{
	struct bench *b = barred();

	restart(b);
	run_ms(b, 100);
	detach_node(b, 7, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED")); /* its link may just be coming up */
	run_ms(b, 30000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	end(b);

	/* it leaves later */
	b = barred();
	restart(b);
	confirm(b, 7, 1);
	run_ms(b, 40000);
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	end(b);
}

static void to_no_link(struct record_update *u)
{
	strcpy(u->ifname, "later");
}

static void test_barred_waits_for_its_link(void)
{
	struct bench *b = barred();

	change_record(to_no_link);
	restart(b);
	CU_ASSERT_EQUAL(keep, 1);
	run_ms(b, 20000);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 0);
	mag_link_up(b->m, 9, "later", b->now);
	run_ms(b, 0);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
	confirm(b, 9, 1);
	run_ms(b, 40000);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	CU_ASSERT_EQUAL(attach(b, 9, 1), -EPERM);
	end(b);

	/* and not for ever */
	b = barred();
	change_record(to_no_link);
	restart(b);
	run_ms(b, 31000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	end(b);
}

/* By a status of the LMA: it holds a binding that is still good. */
static void test_denied(void)
{
	struct bench *b = dual_active(bench_new());

	attach(b, 7, 1);
	answer_status(b, PBA_ADMIN_PROHIBITED);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	restart(b);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(attach(b, 7, 1), -EPERM);
	CU_ASSERT_EQUAL(order(b, 1), 0);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	end(b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"RFC 5846 9.1 a revocation is answered when it is on disk", test_answer_waits},
		{"RFC 5846 9.1 who dies before that has not answered", test_answer_of_a_dead_mag},
		{"RFC 5846 9.1 a global one is answered when all of it is", test_global_answer_waits},
		{"RFC 5846 9.1 a new registration waits behind the answer", test_request_waits_behind},
		{"with another window nobody waits", test_window},
		{"RFC 5846 9.2 an order to end all sessions outlives the MAG", test_order_goes_on},
		{"RFC 5846 9.2 unless the LMA has refused it", test_order_refused},
		{"RFC 5846 9.1 a barred node is barred after a restart", test_barred},
		{"a barred node that has left is forgotten", test_barred_and_gone},
		{"a barred node's link may come later", test_barred_waits_for_its_link},
		{"RFC 5213 6.9.1.2 (7) so is one that the LMA denied", test_denied},
		{0},
	};

	return cu_main("mag_resume", tests, argc, argv);
}
