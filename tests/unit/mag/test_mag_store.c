/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A MAG that ends, by order or without warning, and begins again over what its store holds. */
#include "mag_life.h"

static bool is_first(const struct prefix6 *p)
{
	const struct prefix6 first = PREFIX(HNP1);

	return prefix6_eq(p, &first);
}

/* ---- what is written */

static void test_record_follows_the_session(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	accept_it(b);
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 1);
	detach_node(b, 7, 1);
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 1);
	accept_it(b);
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	end(b);
}

static void test_unanswered_end_is_forgotten(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	flush(b);
	detach_node(b, 7, 1);
	run_ms(b, 1000);
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	end(b);
}

/* A restart is no way to get service back. */
static void test_rejected_is_not_served_again(void)
{
	static const uint8_t status[] = {PBA_REASON_UNSPECIFIED, PBA_PROXY_REG_NOT_ENABLED,
					 PBA_NOT_LMA_FOR_THIS_MN};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(status); i++) {
		struct bench *b = with_store(bench_new());

		attach(b, 7, 1);
		accept_it(b);
		attach(b, 7, 1);
		answer_status(b, status[i]);
		restart(b);
		CU_ASSERT_EQUAL(keep, status[i] == PBA_PROXY_REG_NOT_ENABLED);
		CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
		end(b);
	}
}

static void test_orderly_end_keeps_records(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	CU_ASSERT_TRUE(store_drain(store, b->now));
	mag_free(&b->m);
	CU_ASSERT_EQUAL(store_fake_count(disk), 1);
	bench_start(b);
	mag_set_store(b->m, NULL);
	end(b);
}

/* ---- found again */

/* The last thing said on the link is what was said before the restart. */
static bool is_told_the_same(struct bench *b)
{
	const struct call *was = last_call(b, CALL_RESUME), *is = last_call(b, CALL_ADVERTISE);

	return is->n_prefixes == was->n_prefixes && is_first(&is->prefixes[0]) &&
	       is_first(&was->prefixes[0]) && is->valid_s == was->valid_s &&
	       addr6_eq(&is->ll, &was->ll) && home4_eq(&is->home4, &was->home4);
}

/* Registered again, with what it had. */
static bool is_refreshed(struct bench *b)
{
	const struct mh_opt *o = mh_opt(&last_sent(b)->msg, MHO_HNP);

	return in_state(b, 1, "REFRESHING") && b->n_sent == 1 && o && is_first(&o->hnp.prefix) &&
	       opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND) == HI_NO_CHANGE &&
	       last_sent(b)->msg.bu.lifetime;
}

static void test_node_notices_nothing(void)
{
	struct bench *b = dual_active(bench_new());
	const struct dp_fake_session *half;
	struct shown before, after;
	dp_ref ref;

	before = shown(b, 1);
	ref = before.b.session;
	restart(b);
	CU_ASSERT_EQUAL(keep, 1);
	after = shown(b, 1);
	CU_ASSERT_STRING_EQUAL(after.b.state, "FINDING");
	CU_ASSERT_STRING_EQUAL(after.mnid, "mn1@example.com");
	CU_ASSERT_EQUAL(after.b.session, ref);
	half = dp_fake_by_ref(b->fake, ref);
	CU_ASSERT_PTR_NOT_NULL_FATAL(half);
	CU_ASSERT_EQUAL(half->s.down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(half->moves, 0);
	/* what it is told when it asks is what it was told, and nothing is said now */
	CU_ASSERT_EQUAL(calls(b, CALL_RESUME), 1);
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
	CU_ASSERT_EQUAL(last_call(b, CALL_RESUME)->n_prefixes, 1);
	CU_ASSERT_EQUAL(last_call(b, CALL_RESUME)->valid_s, 3600);
	CU_ASSERT_TRUE(addr6_eq(&last_call(b, CALL_RESUME)->ll,
				&b->cfg.fixed_mag_link_local_address_on_all_access_links));
	CU_ASSERT_TRUE(home4_eq(&last_call(b, CALL_RESUME)->home4, &before.b.home4));
	CU_ASSERT_TRUE(addr6_eq(&last_call(b, CALL_RESUME)->own, &b->node_address));
	/* it is asked, answers, and is registered again, by its IPv4 address, too */
	run_ms(b, 0);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	confirm(b, 7, 1);
	CU_ASSERT_EQUAL(counter(b, "found"), 1);
	CU_ASSERT_TRUE(is_refreshed(b));
	CU_ASSERT_EQUAL(mh_opt(&last_sent(b)->msg, MHO_IPV4_HOA_REQUEST)->hoa4.addr.s_addr,
			ADDR4("10.1.0.5").s_addr);
	/* served on meanwhile, and what it is told then is nothing new */
	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC); /* it is not touched */
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_PTR_NOT_NULL(forwarding4(b, 0, "10.1.0.5"));
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 0);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(shown(b, 1).b.session, ref);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_PTR_NOT_NULL(forwarding4(b, 0, "10.1.0.5"));
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 1);
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
	CU_ASSERT_TRUE(is_told_the_same(b));
	CU_ASSERT_EQUAL(b->ups, 1);
	CU_ASSERT_EQUAL(b->downs, 0);
	/* and only once */
	run_ms(b, 2700000 - 1);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	run_ms(b, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "VERIFYING"));
	end(b);
}

static void test_lifetime_goes_on(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	run_ms(b, 600000);
	flush(b);
	dies(b);
	b->now += nsec_from_s(400);
	lives(b);
	CU_ASSERT_EQUAL(shown(b, 1).b.remaining_s, 2600);
	CU_ASSERT_EQUAL(shown(b, 1).b.lifetime_s, 3600);
	/* a clock that was set back makes no binding longer than it was granted */
	flush(b);
	dies(b);
	b->wall_offset -= 100000 * NSEC_PER_SEC;
	lives(b);
	CU_ASSERT_EQUAL(shown(b, 1).b.remaining_s, 3600);
	end(b);
}

static void test_sign_of_life_is_proof(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	restart(b);
	confirm(b, 7, 1); /* before its turn */
	CU_ASSERT_TRUE(is_refreshed(b));
	accept_it(b);
	run_ms(b, 60000);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 0);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	end(b);
}

/* While the MAG was down the node was at another one, whose binding it is, and came back; or the
 * LMA revoked its binding and heard no answer. Nothing of that can be seen here. */
static void test_lma_may_know_other_things(void)
{
	struct bench *b = dual_active(bench_new());

	restart(b);
	CU_ASSERT_TRUE(shown(b, 1).b.remaining_s > 3500);
	run_ms(b, 0);
	confirm(b, 7, 1);
	CU_ASSERT_TRUE(is_refreshed(b));
	/* until the LMA has answered, like any other request */
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	end(b);
}

/* What the LMA says to that is what it says to any refresh. */
static void test_refused_when_found(void)
{
	static const struct {
		uint8_t status;
		const char *state;
	} row[] = {
		{PBA_NOT_LMA_FOR_THIS_MN,	  "REJECTED"   },
		     {PBA_PROXY_REG_NOT_ENABLED,	 "BARRED"	 },
		{PBA_INSUFFICIENT_RESOURCES, "BACKOFF"    },
		     {PBA_TIMESTAMP_LOWER,	   "REASSERTING"},
		{PBA_NOT_AUTHORIZED_FOR_HNP, "REGISTERING"},
	};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(row); i++) {
		struct bench *b = dual_active(bench_new());

		if (i & 1) {
			restart(b);
			run_ms(b, 0);
			confirm(b, 7, 1);
		} else {
			attach(b, 7, 1);
		}
		answer_status(b, row[i / 2].status);
		CU_ASSERT_TRUE(in_state(b, 1, row[i / 2].state));
		CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
		flush(b);
		CU_ASSERT_EQUAL(store_fake_count(disk), !strcmp(row[i / 2].state, "BARRED"));
		end(b);
	}
}

/* It says that it has just come: it may have been elsewhere. */
static void test_arrival_registers(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	restart(b);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	accept_it(b);
	run_ms(b, 60000);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 0);
	end(b);
}

static void test_turns_are_paced(void)
{
	struct bench *b = bench_new();
	unsigned i;

	b->cfg.reregister_rate = 100;
	with_store(b);
	for (i = 1; i <= 30; i++) {
		char prefix[32];

		snprintf(prefix, sizeof(prefix), "2001:db8:100:%x::/64", i);
		CU_ASSERT_EQUAL_FATAL(attach(b, 7, i), 0);
		answer(b, &(struct reply){.prefix = {prefix}});
	}
	restart(b);
	CU_ASSERT_EQUAL(keep, 30);
	CU_ASSERT_EQUAL(calls(b, CALL_RESUME), 30);
	run_ms(b, 95);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 10);
	/* and so are their registrations, since each has to answer first */
	CU_ASSERT_EQUAL(b->n_sent, 0);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 30);
	end(b);
}

/* ---- not found */

static void test_gone_meanwhile(void)
{
	struct bench *b = dual_active(bench_new());

	restart(b);
	run_ms(b, 0);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	detach_node(b, 7, 1);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_PTR_NULL(forwarding4(b, 0, "10.1.0.5"));
	CU_ASSERT_EQUAL(counter(b, "not_found"), 1);
	accept_it(b);
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	end(b);
}

/* The link that never answers, and the one that was never there. */
static void test_silence_ends(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	restart(b);
	run_ms(b, 1800000 - 1); /* half of what is left, as ever */
	CU_ASSERT_EQUAL(b->n_sent, 0);
	run_ms(b, 1);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	end(b);
}

static void test_waits_for_its_link(void)
{
	struct bench *b = dual_active(bench_new());
	dp_ref ref = shown(b, 1).b.session;

	flush(b);
	dies(b);
	b->no_such_link = 7;
	lives(b);
	/* its half in the data plane is kept, though it leads nowhere */
	CU_ASSERT_EQUAL(shown(b, 1).b.session, ref);
	CU_ASSERT_STRING_EQUAL(shown(b, 1).b.ifname, "acc7");
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.kind, DP_TO_NOWHERE);
	CU_ASSERT_EQUAL(b->n_calls, 0);
	run_ms(b, 10000);
	CU_ASSERT_EQUAL(b->n_calls, 0);
	b->no_such_link = 0;
	mag_link_up(b->m, 9, "acc9", b->now); /* another one */
	CU_ASSERT_EQUAL(b->n_calls, 0);
	mag_link_up(b->m, 11, "acc7", b->now); /* with another index than it had */
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.kind, DP_TO_LINK);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.ifindex, 11);
	CU_ASSERT_EQUAL(calls(b, CALL_RESUME), 1);
	run_ms(b, 0);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
	CU_ASSERT_PTR_NULL(shown(b, 1).b.ifname);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	confirm(b, 11, 1);
	CU_ASSERT_TRUE(is_refreshed(b));
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	end(b);
}

static void test_link_does_not_come(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	attach(b, 8, 2);
	answer(b, &(struct reply){.prefix = {HNP2}});
	flush(b);
	dies(b);
	b->no_such_link = 7;
	lives(b);
	CU_ASSERT_EQUAL(keep, 2);
	run_ms(b, 0);
	confirm(b, 8, 2);
	answer(b, &(struct reply){.prefix = {HNP2}});
	run_ms(b, 29999);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	run_ms(b, 1);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(in_state(b, 2, "ACTIVE"));
	/* the name is known to the record, that of the link is not to be had */
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 2);
	end(b);
}

static void test_link_without_carrier(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	flush(b);
	dies(b);
	b->attached = false;
	lives(b);
	run_ms(b, 20000);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 0);
	b->attached = true;
	mag_link_up(b->m, 7, "acc7", b->now);
	run_ms(b, 0);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
	confirm(b, 7, 1);
	CU_ASSERT_TRUE(is_refreshed(b));
	end(b);
}

static void test_turns_up_on_another_link(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	flush(b);
	dies(b);
	b->no_such_link = 7;
	lives(b);
	CU_ASSERT_EQUAL(attach(b, 8, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.ifindex, 8);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	end(b);
}

/* ---- what is not as it was */

static void test_binding_is_over(void)
{
	struct bench *b = dual_active(bench_new());
	const struct mh_opt *o;

	flush(b);
	dies(b);
	b->now += nsec_from_s(4000);
	lives(b);
	/* nothing is forwarded, and nobody is told */
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(calls(b, CALL_RESUME), 1);
	CU_ASSERT_EQUAL(counter(b, "restore_lapsed"), 1);
	run_ms(b, 5000);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	confirm(b, 7, 1);
	/* the same addresses by name, as a new registration */
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
	o = mh_opt(&last_sent(b)->msg, MHO_HNP);
	CU_ASSERT_TRUE(o && is_first(&o->hnp.prefix));
	o = mh_opt(&last_sent(b)->msg, MHO_IPV4_HOA_REQUEST);
	CU_ASSERT_TRUE(o && o->hoa4.addr.s_addr == ADDR4("10.1.0.5").s_addr);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_PTR_NOT_NULL(forwarding4(b, 0, "10.1.0.5"));
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
	end(b);
}

static void test_binding_is_over_for_good(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	flush(b);
	dies(b);
	b->now += nsec_from_s(4000);
	lives(b);
	run_ms(b, 0);
	confirm(b, 7, 1);
	/* the LMA gives the node another prefix: it is told of the end of its old one */
	answer(b, &(struct reply){.prefix = {HNP2}});
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(calls(b, CALL_ADVERTISE), 2);
	CU_ASSERT_EQUAL(b->call[b->n_calls - 2].valid_s, 0);
	CU_ASSERT_TRUE(is_first(&b->call[b->n_calls - 2].prefixes[0]));
	/* or nobody answers */
	restart(b);
	dies(b);
	b->now += nsec_from_s(4000);
	lives(b);
	run_ms(b, 0);
	confirm(b, 7, 1);
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
	run_ms(b, 32000);
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 1);
	CU_ASSERT_TRUE(last_call(b, CALL_WITHDRAW)->deprecate);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	end(b);
}

static void test_binding_ends_meanwhile(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	answer(b, &(struct reply){.lifetime_s = 40});
	flush(b);
	dies(b);
	b->now += nsec_from_s(30);
	b->attached = false; /* waits */
	lives(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	run_ms(b, 10000);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	b->attached = true;
	confirm(b, 7, 1);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	end(b);
}

static struct bench *keyed_active(void)
{
	struct bench *b = bench_new();

	b->cfg.gre = MAG_GRE_KEYS;
	with_store(b);
	attach(b, 7, 1);
	accept_it(b);
	CU_ASSERT_EQUAL_FATAL(shown(b, 1).b.up_key, 0x5000);
	return b;
}

static void test_keys_stay(void)
{
	struct bench *b = keyed_active();
	const uint32_t down = shown(b, 1).b.down_key;

	restart(b);
	CU_ASSERT_EQUAL(shown(b, 1).b.down_key, down);
	CU_ASSERT_EQUAL(shown(b, 1).b.up_key, 0x5000);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->up.key, 0x5000);
	run_ms(b, 0);
	confirm(b, 7, 1);
	CU_ASSERT_TRUE(is_refreshed(b));
	CU_ASSERT_EQUAL(mh_opt(&last_sent(b)->msg, MHO_GRE_KEY)->gre.key, down);
	accept_it(b);
	CU_ASSERT_EQUAL(shown(b, 1).b.down_key, down);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->up.key, 0x5000);
	end(b);
}

/* The data plane did not outlive the daemon: its keys are others. */
static void test_keys_are_lost(void)
{
	struct bench *b = keyed_active();
	const struct mh_opt *o;
	struct dataplane *dp = dp_fake_dataplane(b->fake);
	const uint32_t down = shown(b, 1).b.down_key;

	flush(b);
	dies(b);
	dp->ops->sweep(dp);
	dp_fake_set_first_key(b->fake, 0x9000);
	lives(b);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(counter(b, "restore_lapsed"), 1);
	run_ms(b, 0);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	confirm(b, 7, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
	o = mh_opt(&last_sent(b)->msg, MHO_GRE_KEY);
	CU_ASSERT_FATAL(o && o->gre.has_key);
	CU_ASSERT_NOT_EQUAL(o->gre.key, down);
	o = mh_opt(&last_sent(b)->msg, MHO_HNP);
	CU_ASSERT_TRUE(o && is_first(&o->hnp.prefix));
	answer(b, &(struct reply){.up_key = 0x6000});
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->up.key, 0x6000);
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
	end(b);
}

static void test_data_plane_is_empty(void)
{
	struct bench *b = with_store(bench_new());
	struct dataplane *dp = dp_fake_dataplane(b->fake);

	attach(b, 7, 1);
	accept_it(b);
	flush(b);
	dies(b);
	dp->ops->sweep(dp);
	lives(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	run_ms(b, 0);
	confirm(b, 7, 1);
	CU_ASSERT_TRUE(is_refreshed(b));
	end(b);
}

static void test_data_plane_refuses(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	flush(b);
	dies(b);
	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	lives(b);
	CU_ASSERT_EQUAL(counter(b, "dataplane_failed"), 1);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	run_ms(b, 0);
	confirm(b, 7, 1);
	accept_it(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	end(b);
}

static void test_another_proxy_coa(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	flush(b);
	dies(b);
	b->cfg.proxy_coa = ADDR("2001:db8:1::2");
	lives(b);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	run_ms(b, 0);
	confirm(b, 7, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
	CU_ASSERT_TRUE(addr6_eq(&last_sent(b)->src, &b->cfg.proxy_coa));
	accept_it(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	end(b);
}

static void test_lma_is_not_ours_any_more(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	flush(b);
	dies(b);
	b->cfg.lmas = &b->lmas[1];
	b->cfg.n_lmas = 1;
	lives(b);
	CU_ASSERT_EQUAL(drops, 1);
	CU_ASSERT_FALSE(shown(b, 1).found);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(calls(b, CALL_RESUME), 1);
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 1);
	CU_ASSERT_TRUE(last_call(b, CALL_WITHDRAW)->deprecate);
	CU_ASSERT_EQUAL(counter(b, "restore_dropped"), 1);
	CU_ASSERT_FALSE(mag_lost_sessions(b->m));
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	end(b);
}

static void test_no_longer_entitled(void)
{
	struct bench *b = bench_new();
	struct profile p = {.enabled = true, .local_routing = -1};

	add_profile(b, &p, "mn1@example.com", 1);
	with_store(b);
	attach(b, 7, 1);
	accept_it(b);
	flush(b);
	dies(b);
	profile_table_free(&b->table);
	CU_ASSERT_EQUAL_FATAL(profile_table_new(&b->table), 0);
	b->profiles = profile_table_profiles(b->table);
	p.enabled = false;
	add_profile(b, &p, "mn1@example.com", 1);
	lives(b);
	run_ms(b, 0);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 0);
	CU_ASSERT_TRUE(last_call(b, CALL_WITHDRAW)->deprecate);
	CU_ASSERT_EQUAL(counter(b, "not_found"), 0);
	end(b);
}

/* After so many seconds. */
static struct bench *without_ipv4_by_now(unsigned s)
{
	struct bench *b = dual_active(bench_new());
	struct profile p = {.enabled = true, .local_routing = -1};

	flush(b);
	dies(b);
	b->now += nsec_from_s(s);
	profile_table_free(&b->table);
	CU_ASSERT_EQUAL_FATAL(profile_table_new(&b->table), 0);
	b->profiles = profile_table_profiles(b->table);
	add_profile(b, &p, "mn1@example.com", 1);
	lives(b);
	run_ms(b, 0);
	CU_ASSERT_EQUAL(b->n_sent, 0);
	return b;
}

/* The address is returned, and then the rest is registered again. */
static void test_no_longer_ipv4(void)
{
	struct bench *b = without_ipv4_by_now(0);

	confirm(b, 7, 1);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "RETURNING_IPV4"));
	CU_ASSERT_PTR_NULL(forwarding4(b, 0, "10.1.0.5"));
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	run_ms(b, 0);
	confirm(b, 7, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_NO_CHANGE);
	CU_ASSERT_PTR_NULL(mh_opt(&last_sent(b)->msg, MHO_IPV4_HOA_REQUEST));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
	end(b);
	/* there is no binding to return it from */
	b = without_ipv4_by_now(4000);
	confirm(b, 7, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	CU_ASSERT_PTR_NULL(mh_opt(&last_sent(b)->msg, MHO_IPV4_HOA_REQUEST));
	accept_it(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_PTR_NULL(forwarding4(b, 0, "10.1.0.5"));
	CU_ASSERT_FALSE(home4_is_set(&last_call(b, CALL_ADVERTISE)->home4));
	end(b);
}

/* By the node itself, while it is looked for: that is a sign of it, but a question is cheap. */
static void test_returns_ipv4_while_looked_for(void)
{
	struct bench *b = dual_active(bench_new());
	struct link_node n = node_at(7, 1);

	restart(b);
	run_ms(b, 0);
	CU_ASSERT_EQUAL(mag_release_ipv4(b->m, &n, ADDR4("10.1.0.5"), "dhcp-release", b->now), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "RETURNING_IPV4"));
	accept_it(b);
	run_ms(b, 0);
	CU_ASSERT_TRUE(in_state(b, 1, "VERIFYING"));
	confirm(b, 7, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	CU_ASSERT_EQUAL(b->n_sent, 2);
	end(b);
}

/* ---- LMAs */

static void heartbeat_with(struct bench *b, uint32_t counter)
{
	const struct sent *q = last_sent(b);
	struct mh_msg m = {.type = MH_HEARTBEAT}, in;
	uint8_t buf[MH_MAX_LEN];
	struct packet pkt = {.src = q->dst, .dst = q->src, .data = buf};
	int len;

	CU_ASSERT_EQUAL_FATAL(q->msg.type, MH_HEARTBEAT);
	m.hb = q->msg.hb;
	m.hb.flags |= MH_HB_R;
	mh_opt_add(&m, MHO_RESTART_COUNTER)->restart_counter = counter;
	len = mh_encode(&m, buf, sizeof(buf), &pkt.src, &pkt.dst);
	CU_ASSERT_FATAL(len > 0);
	pkt.len = (size_t)len;
	CU_ASSERT_EQUAL_FATAL(mh_decode(&in, buf, pkt.len, &pkt.src, &pkt.dst), MH_OK);
	mag_receive(b->m, &pkt, &in, b->now);
}

static struct bench *beating(void)
{
	struct bench *b = bench_new();

	b->cfg.heartbeat = (struct heartbeat_cfg){.interval_s = 10, .missing_allowed = 3};
	with_store(b);
	attach(b, 7, 1);
	accept_it(b);
	run_ms(b, 10000);
	heartbeat_with(b, 5);
	/* its record knows the counter from its next change on */
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	accept_it(b);
	flush(b);
	dies(b);
	return b;
}

static void test_lma_restarted_meanwhile(void)
{
	struct bench *b = beating();

	lives(b);
	run_ms(b, 0);
	confirm(b, 7, 1);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	run_ms(b, 10000);
	heartbeat_with(b, 6);
	run_ms(b, 10);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	CU_ASSERT_EQUAL(counter(b, "reregistered"), 1);
	accept_it(b);
	end(b);
}

static void test_lma_did_not_restart(void)
{
	struct bench *b = beating();

	lives(b);
	run_ms(b, 0);
	confirm(b, 7, 1);
	accept_it(b);
	run_ms(b, 10000);
	heartbeat_with(b, 5);
	run_ms(b, 1000);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(counter(b, "reregistered"), 0);
	end(b);
}

/* The LMA restarts while the node is looked for: nothing is said before it is found. */
static void test_lma_restarts_while_looking(void)
{
	struct bench *b = beating();

	b->attached = false;
	lives(b);
	run_ms(b, 10000);
	heartbeat_with(b, 6);
	run_ms(b, 1000);
	CU_ASSERT_TRUE(in_state(b, 1, "FINDING"));
	CU_ASSERT_EQUAL(counter(b, "pbu_sent"), 0);
	b->attached = true;
	confirm(b, 7, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	accept_it(b);
	end(b);
}

/* Other sessions are lost: LMAs are told, and may drop what is not registered again. */
static void test_told_of_a_loss(void)
{
	struct bench *b = beating();

	lives(b);
	mag_announce_restart(b->m, b->now);
	run_ms(b, 0);
	CU_ASSERT_EQUAL(counter(b, "pbu_sent"), 0);
	confirm(b, 7, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	end(b);
}

/* ---- the end was under way */

static void test_leaving_goes_on(void)
{
	struct bench *b = dual_active(bench_new());

	detach_node(b, 7, 1);
	restart(b);
	CU_ASSERT_EQUAL(keep, 1);
	CU_ASSERT_PTR_NULL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(b->n_calls, 0);
	run_ms(b, 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_PTR_NOT_NULL(mh_opt(&last_sent(b)->msg, MHO_IPV4_HOA_REQUEST));
	accept_it(b);
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 0);
	end(b);
}

static void test_back_before_that(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	detach_node(b, 7, 1);
	restart(b);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	accept_it(b);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	flush(b);
	CU_ASSERT_EQUAL(store_fake_count(disk), 1);
	end(b);
}

static void test_released_ipv4_stays_so(void)
{
	struct bench *b = dual_active(bench_new());
	struct link_node n = node_at(7, 1);

	CU_ASSERT_EQUAL(mag_release_ipv4(b->m, &n, ADDR4("10.1.0.5"), "dhcp-release", b->now), 0);
	restart(b);
	CU_ASSERT_PTR_NULL(forwarding4(b, 0, "10.1.0.5"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	run_ms(b, 0);
	confirm(b, 7, 1);
	CU_ASSERT_TRUE(is_refreshed(b));
	CU_ASSERT_PTR_NULL(mh_opt(&last_sent(b)->msg, MHO_IPV4_HOA_REQUEST));
	accept_it(b);
	/* the LMA has not confirmed that: it is named when the session ends */
	detach_node(b, 7, 1);
	CU_ASSERT_TRUE(mh_opt(&last_sent(b)->msg, MHO_IPV4_HOA_REQUEST)->hoa4.addr.s_addr ==
		       ADDR4("10.1.0.5").s_addr);
	end(b);
}

static void test_ended_by_operator(void)
{
	struct bench *b = with_store(bench_new());
	struct mnid id;

	attach(b, 7, 1);
	accept_it(b);
	restart(b);
	id = shown(b, 1).b.mnid;
	CU_ASSERT_EQUAL(mag_detach_mnid(b->m, &id, MAG_CAUSE_CONTROL, b->now), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "DEREGISTERING"));
	end(b);
}

/* ---- sequence numbers, where they order registrations */

static void test_sequence_goes_on(void)
{
	struct bench *b = bench_new();
	uint16_t seq;

	b->cfg.timestamp_based_approach_in_use = false;
	with_store(b);
	attach(b, 7, 1);
	accept_it(b);
	attach(b, 7, 1);
	seq = last_sent(b)->msg.bu.seq; /* unanswered */
	restart(b);
	run_ms(b, 0);
	attach(b, 7, 1);
	/* not the next one: others may have been sent that nobody wrote down */
	seq = (uint16_t)(last_sent(b)->msg.bu.seq - seq);
	CU_ASSERT(seq > 1 && seq < 0x8000);
	end(b);
}

/* ---- records that are wrong */

static void multiply(struct record_update *u)
{
	strcpy(u->ifname, "acc9");
}

static void test_bad_records(void)
{
	static const uint8_t junk[] = {RECORD_UPDATE_VERSION, 1, 2, 3};
	const struct store_record r = {STORE_UPDATE, 77, junk, sizeof(junk)};
	const uint8_t other = RECORD_UPDATE_VERSION + 1;
	const struct store_record next = {STORE_UPDATE, 78, &other, 1};
	struct bench *b = with_store(bench_new());

	CU_ASSERT_FALSE(mag_lost_sessions(b->m));
	CU_ASSERT_EQUAL(mag_restore(b->m, &r, b->now), STORE_DROP);
	CU_ASSERT_EQUAL(mag_restore(b->m, &next, b->now), STORE_DROP);
	CU_ASSERT_EQUAL(counter(b, "restore_refused"), 2);
	CU_ASSERT_TRUE(mag_lost_sessions(b->m));
	end(b);
}

static void test_place_is_taken(void)
{
	struct bench *b = with_store(bench_new());

	attach(b, 7, 1);
	accept_it(b);
	flush(b);
	change_record(multiply);
	dies(b);
	bench_start(b);
	attach(b, 9, 1);
	store_up(b);
	CU_ASSERT_EQUAL(drops, 1);
	end(b);
}

/* ---- revoked (RFC 5846 9.1) */

static const uint8_t revocations[] = {BR_UNSPECIFIED, BR_ADMINISTRATIVE, BR_HANDOVER_UNKNOWN,
				      BR_OUT_OF_SYNC};

static void test_revoked(void)
{
	for (size_t i = 0; i < sizeof(revocations); i++) {
		struct bench *b = dual_active(bench_new());

		b->attached = i != 2;
		hear_bri(b, &(struct bri){.trigger = revocations[i], .id = "mn1@example.com"});
		flush(b);
		CU_ASSERT_EQUAL(store_fake_count(disk), revocations[i] == BR_ADMINISTRATIVE);
		restart(b);
		CU_ASSERT_EQUAL(keep, revocations[i] == BR_ADMINISTRATIVE);
		CU_ASSERT_EQUAL(drops, 0);
		CU_ASSERT_EQUAL(mag_count(b->m), keep);
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
		end(b);
	}
}

static void test_revoked_ipv4(void)
{
	struct bench *b = dual_active(bench_new());

	hear_bri(b, &(struct bri){.v = true, .id = "mn1@example.com", .hoa = "10.1.0.5"});
	restart(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	CU_ASSERT_PTR_NULL(forwarding4(b, 0, "10.1.0.5"));
	end(b);
}

/* It is looked for, or will be when its turn comes. */
static void test_revoked_while_looking(void)
{
	static const char *const after[] = {"REJECTED", "BARRED", NULL, "REASSERTING"};

	for (size_t i = 0; i < 2 * sizeof(revocations); i++) {
		struct bench *b = dual_active(bench_new());
		const size_t k = i / 2;

		restart(b);
		CU_ASSERT_FATAL(in_state(b, 1, "FINDING"));
		if (i & 1)
			run_ms(b, 0);
		b->attached = k != 2;
		hear_bri(b, &(struct bri){.trigger = revocations[k], .id = "mn1@example.com"});
		flush(b);
		CU_ASSERT_EQUAL_FATAL(b->n_sent, 1);
		CU_ASSERT_EQUAL(b->sent[0].msg.br.code, BRA_SUCCESS);
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
		CU_ASSERT_TRUE(after[k] ? in_state(b, 1, after[k]) : mag_count(b->m) == 0);
		b->attached = false;
		run_ms(b, 100000);
		CU_ASSERT_EQUAL(b->n_sent, 1);
		end(b);
	}
}

static void test_revoked_ipv4_while_looking(void)
{
	for (unsigned fails = 0; fails < 2; fails++) {
		struct bench *b = dual_active(bench_new());

		restart(b);
		CU_ASSERT_FATAL(in_state(b, 1, "FINDING"));
		dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, fails, ENOSPC);
		hear_bri(b, &(struct bri){.v = true, .id = "mn1@example.com", .hoa = "10.1.0.5"});
		CU_ASSERT_TRUE(in_state(b, 1, fails ? "ROLLBACK" : "FINDING"));
		CU_ASSERT_EQUAL(forwarding(b, HNP1) != NULL, !fails);
		CU_ASSERT_PTR_NULL(forwarding4(b, 0, "10.1.0.5"));
		end(b);
	}
}

/* Its de-registration waits for its turn after the restart. */
static void test_revoked_while_leaving(void)
{
	for (unsigned lately = 0; lately < 2; lately++) {
		struct bench *b = dual_active(bench_new());

		if (!lately)
			run_ms(b, 5000);
		detach_node(b, 7, 1);
		restart(b);
		hear_bri(b, &(struct bri){.id = "mn1@example.com"});
		flush(b);
		CU_ASSERT_EQUAL(last_sent(b)->msg.br.code, BRA_SUCCESS);
		run_ms(b, 5000);
		CU_ASSERT_EQUAL(b->n_sent, 1);
		CU_ASSERT_EQUAL(mag_count(b->m), 0);
		end(b);
	}
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a record is there as long as the LMA has a binding",
		 test_record_follows_the_session},
		{"a de-registration without an answer ends it, too",
		 test_unanswered_end_is_forgotten},
		{"what was rejected is not served after a restart",
		 test_rejected_is_not_served_again},
		{"an orderly end keeps the records",		     test_orderly_end_keeps_records},
		{"after a restart the node notices nothing, and is registered again",
		 test_node_notices_nothing},
		{"a node that was at another MAG meanwhile is registered again at once",
		 test_lma_may_know_other_things},
		{"a node that is found may be refused as at any refresh", test_refused_when_found},
		{"lifetimes go on",								   test_lifetime_goes_on},
		{"a sign of life is proof enough",					   test_sign_of_life_is_proof},
		{"an arrival is registered",	     test_arrival_registers},
		{"nodes are looked for at the rate of the configuration",									  test_turns_are_paced},
		{"a node that left meanwhile is de-registered",test_gone_meanwhile},
		{"a link that never answers keeps nobody",					   test_silence_ends},
		{"sessions wait for a link that is not there",								   test_waits_for_its_link},
		{"they do not wait for ever",				      test_link_does_not_come},
		{"sessions wait for the carrier",		  test_link_without_carrier},
		{"a node that turns up elsewhere has moved",								   test_turns_up_on_another_link},
		{"a binding that is over is asked for by name",								     test_binding_is_over},
		{"what cannot be had again is taken from the node",			    test_binding_is_over_for_good},
		{"a binding that ends while the node is looked for",								     test_binding_ends_meanwhile},
		{"GRE keys stay",test_keys_stay},
		{"lost GRE keys are made anew, when the node is found",						test_keys_are_lost},
		{"an empty data plane is filled",								   test_data_plane_is_empty},
		{"a data plane that refuses",			      test_data_plane_refuses},
		{"another Proxy-CoA registers anew",			     test_another_proxy_coa},
		{"sessions of an LMA that is gone are dropped",								   test_lma_is_not_ours_any_more},
		{"a node that is no longer entitled is de-registered",test_no_longer_entitled},
		{"IPv4 that is no longer granted is given back",			 test_no_longer_ipv4},
		{"IPv4 that a node gives back while it is looked for",
		 test_returns_ipv4_while_looked_for},
		{"an LMA that restarted meanwhile is noticed",test_lma_restarted_meanwhile},
		{"one that did not is left alone",						     test_lma_did_not_restart},
		{"B-7 what comes back is registered anew when LMAs are told of a loss",
		 test_told_of_a_loss},
		{"one that restarts while nodes are looked for",	 test_lma_restarts_while_looking},
		{"a de-registration under way goes on",					test_leaving_goes_on},
		{"unless the node is back",								   test_back_before_that},
		{"an IPv4 address that was given back stays so",		 test_released_ipv4_stays_so},
		{"an operator ends a session that is looked for",				  test_ended_by_operator},
		{"sequence numbers go on",								   test_sequence_goes_on},
		{"records that nobody can read are losses",test_bad_records},
		{"RFC 5846 9.1 a revoked session does not come back",		      test_revoked},
		{"RFC 5846 9.1 an IPv4 address that was revoked does not come back",
		 test_revoked_ipv4},
		{"RFC 5846 9.1 revoked while it is looked for",				test_revoked_while_looking},
		{"RFC 5846 9.1 IPv4 revoked while it is looked for",
		 test_revoked_ipv4_while_looking},
		{"RFC 5846 9.1 revoked while its de-registration waits",
		 test_revoked_while_leaving},
		{"a record of a place that is taken is dropped",								  test_place_is_taken},
		{0				   },
	};

	return cu_main("mag_store", tests, argc, argv);
}
