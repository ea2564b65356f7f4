/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract of core/dataplane.h: what a restart leaves, who claims it, and what is swept. */
#include <errno.h>

#include "base/util.h"
#include "lib/dp_contract.h"
#include "lib/dp_model.h"

static unsigned adopted_peers, adopted_sessions;

static void count_peer(void *ctx, dp_ref ref, const struct dp_peer *p)
{
	adopted_peers++;
}

static void count_session(void *ctx, dp_ref ref, const struct dp_session *s)
{
	adopted_sessions++;
}

static void expect_adopted(unsigned peers, unsigned sessions)
{
	static const struct dp_walk w = {.peer = count_peer, .session = count_session};

	adopted_peers = adopted_sessions = 0;
	model_dp->ops->adopted(model_dp, &w);
	CU_ASSERT_EQUAL(adopted_peers, peers);
	CU_ASSERT_EQUAL(adopted_sessions, sessions);
}

static bool is_there(dp_ref session)
{
	struct dp_stats st;

	return model_dp->ops->session_stats(model_dp, session, &st) == 0;
}

/* One of each kind. */
static const struct mnid long_id = {
	1, 200, (const uint8_t[200]){'l', 'o', 'n', 'g', 1, 2, 0xff}
};
static struct prefix6 prefixes[5];

static struct dp_session kind(unsigned i, dp_ref plain, dp_ref keyed)
{
	struct dp_session s;

	for (unsigned k = 0; k < ARRAY_SIZE(prefixes); k++)
		prefixes[k] = model_prefix(k);
	prefixes[4] = model_prefix(0x400);
	prefixes[4].len = 56;
	s = i % 2 ? model_access(&prefixes[0], 1, plain) : model_anchor(&prefixes[0], 1, plain);
	switch (i) {
	case 0: /* both halves of one prefix, and the second with more of them */
		break;
	case 1:
		s.n_prefixes = 3;
		s.local_routing = true;
		break;
	case 2: /* lingers, and another node */
		s.prefixes = &prefixes[3];
		s.mnid = long_id;
		s.mode = DP_DROP;
		break;
	case 3: /* IPv4 alone, in a domain of its link */
		s.n_prefixes = 0;
		s.addr4 = model_addr4(7);
		s.domain = 3;
		break;
	case 4: /* keyed, in both families */
		s.prefixes = &prefixes[1];
		s.addr4 = model_addr4(8);
		s.keyed = true;
		s.down = model_to_peer(keyed);
		s.down.key = 0x11111111;
		break;
	case 5: /* a key and no address yet */
		s.n_prefixes = 0;
		s.keyed = true;
		s.down.kind = DP_TO_NOWHERE;
		s.up = model_to_peer(keyed);
		s.up.key = 0x22222222;
		break;
	default: /* a delegated prefix */
		s.prefixes = &prefixes[4];
		break;
	}
	return s;
}

#define KINDS 7
static dp_ref plain, keyed, ref[KINDS];

static void put_all(void)
{
	dp_contract_begin();
	plain = model_peer(1);
	keyed = model_peer_by(1, DP_ENCAP_GRE_KEY);
	for (unsigned i = 0; i < KINDS; i++) {
		const struct dp_session s = kind(i, plain, keyed);

		ref[i] = 0;
		CU_ASSERT_EQUAL_FATAL(model_put(&s, &ref[i]), 0);
	}
	model_agree();
	expect_adopted(0, 0);
}

void dp_contract_adopts(void)
{
	put_all();
	CU_ASSERT_EQUAL(model_dp->ops->sweep(model_dp), 0);
	model_agree();
	dp_contract_again();
	model_agree();
	expect_adopted(2, KINDS);
	/* the same again, with changes on the way */
	model_move(ref[0], &(struct dp_path){.kind = DP_TO_NOWHERE});
	model_mode(ref[2], DP_FORWARD);
	model_del(ref[4]);
	dp_contract_again();
	model_agree();
	expect_adopted(2, KINDS - 1);
	dp_contract_end();
}

void dp_contract_claims(void)
{
	put_all();
	dp_contract_again();
	CU_ASSERT_EQUAL(model_peer(1), plain);
	expect_adopted(1, KINDS);
	CU_ASSERT_EQUAL(model_peer_by(1, DP_ENCAP_GRE_KEY), keyed);
	expect_adopted(0, KINDS);
	for (unsigned i = 0; i < KINDS; i++) {
		const struct dp_session s = kind(i, plain, keyed);

		CU_ASSERT_EQUAL(model_claim(&s, ref[i]), 0);
		expect_adopted(0, KINDS - 1 - i);
		model_agree();
	}
	CU_ASSERT_EQUAL(model_dp->ops->sweep(model_dp), 0);
	model_agree();
	dp_contract_end();
}

void dp_contract_claims_changed(void)
{
	struct prefix6 more[2];
	struct dp_session s;

	put_all();
	dp_contract_again();
	s = kind(4, model_peer(2), model_peer_by(2, DP_ENCAP_GRE_KEY));
	s.down.key = 0x33333333;
	CU_ASSERT_EQUAL(model_claim(&s, ref[4]), 0);
	model_agree();
	/* other addresses, of which it had one */
	s = kind(0, model_peer(2), 0);
	more[0] = model_prefix(20);
	more[1] = s.prefixes[0];
	s.prefixes = more;
	s.n_prefixes = 2;
	CU_ASSERT_EQUAL(model_claim(&s, ref[0]), 0);
	model_agree();
	/* and by its reference, which a walk tells */
	s = kind(1, model_peer(2), 0);
	s.n_prefixes = 1;
	CU_ASSERT_EQUAL(model_put(&s, &ref[1]), 0);
	model_agree();
	expect_adopted(2, KINDS - 3);
	dp_contract_again();
	model_agree();
	model_claim_all();
	dp_contract_end();
}

void dp_contract_claims_without_address(void)
{
	struct dp_session s;
	dp_ref other = 0;

	put_all();
	dp_contract_again();
	/* another node's does not count, nor the other half's */
	s = kind(5, plain, keyed);
	s.mnid = long_id;
	CU_ASSERT_EQUAL(model_put(&s, &other), 0);
	s = kind(5, plain, keyed);
	s.half = DP_ANCHOR;
	other = 0;
	CU_ASSERT_EQUAL(model_put(&s, &other), 0);
	expect_adopted(2, KINDS);
	s = kind(5, plain, keyed);
	CU_ASSERT_EQUAL(model_claim(&s, ref[5]), 0);
	expect_adopted(2, KINDS - 1);
	model_agree();
	dp_contract_end();
}

void dp_contract_gives_way(void)
{
	struct dp_session s;
	dp_ref other = 0;

	put_all();
	dp_contract_again();
	s = kind(0, plain, keyed);
	s.mnid = long_id;
	CU_ASSERT_EQUAL(model_dp->ops->session_put(model_dp, &s, &other), 0);
	CU_ASSERT_FALSE(other != ref[0] && is_there(ref[0]));
	model_del(other);
	model_del(ref[0]);
	model_agree();
	expect_adopted(2, KINDS - 1);
	/* who has been claimed does not */
	s = kind(6, plain, keyed);
	CU_ASSERT_EQUAL(model_claim(&s, ref[6]), 0);
	s.mnid = long_id;
	other = 0;
	CU_ASSERT_EQUAL(model_put(&s, &other), -EEXIST);
	CU_ASSERT_EQUAL(other, 0);
	model_agree();
	dp_contract_end();
}

/* Who gives up a peer that it has claimed does not end what nobody has asked for yet. */
void dp_contract_peer_adopted_again(void)
{
	struct dp_session s;

	put_all();
	dp_contract_again();
	CU_ASSERT_EQUAL(model_peer(1), plain);
	expect_adopted(1, KINDS);
	/* the model has it still: sessions use it */
	model_dp->ops->peer_del(model_dp, plain);
	expect_adopted(2, KINDS);
	model_agree();
	/* also when it served one that was claimed */
	CU_ASSERT_EQUAL(model_peer(1), plain);
	s = kind(0, plain, keyed);
	CU_ASSERT_EQUAL(model_claim(&s, ref[0]), 0);
	expect_adopted(1, KINDS - 1);
	model_del(ref[0]);
	model_dp->ops->peer_del(model_dp, plain);
	expect_adopted(2, KINDS - 1);
	model_agree();
	/* they go together, and the peer comes again */
	CU_ASSERT_EQUAL(model_dp->ops->sweep(model_dp), KINDS - 1 + 2);
	expect_adopted(0, 0);
	for (unsigned i = 1; i < KINDS; i++)
		model_del(ref[i]);
	model_peer_del(keyed);
	model_peer_del(plain);
	model_agree();
	s = kind(0, model_peer(1), 0);
	ref[0] = 0;
	CU_ASSERT_EQUAL(model_put(&s, &ref[0]), 0);
	model_agree();
	dp_contract_end();
}

void dp_contract_sweeps(void)
{
	struct dp_session s;
	dp_ref unused;

	put_all();
	unused = model_peer(3);
	dp_contract_again();
	s = kind(0, plain, keyed);
	CU_ASSERT_EQUAL(model_claim(&s, ref[0]), 0);
	s = kind(3, plain, keyed);
	CU_ASSERT_EQUAL(model_claim(&s, ref[3]), 0);
	expect_adopted(3, KINDS - 2);
	/* five sessions, the keyed peer and the unused one; the plain one serves two sessions */
	CU_ASSERT_EQUAL(model_dp->ops->sweep(model_dp), KINDS - 2 + 2);
	expect_adopted(0, 0);
	for (unsigned i = 0; i < KINDS; i++) {
		CU_ASSERT_EQUAL(is_there(ref[i]), i == 0 || i == 3);
		if (i != 0 && i != 3)
			model_del(ref[i]);
	}
	model_peer_del(keyed);
	model_peer_del(unused);
	model_agree();
	CU_ASSERT_EQUAL(model_dp->ops->sweep(model_dp), 0);
	model_agree();
	/* what they had is free */
	keyed = model_peer_by(1, DP_ENCAP_GRE_KEY);
	for (unsigned i = 1; i < KINDS; i++) {
		if (i == 3)
			continue;
		s = kind(i, plain, keyed);
		ref[i] = 0;
		CU_ASSERT_EQUAL(model_put(&s, &ref[i]), 0);
	}
	model_agree();
	dp_contract_end();
}
