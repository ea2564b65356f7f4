/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dp_contract.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "lib/dp_model.h"

static const struct dp_contract *impl;

void dp_contract_use(const struct dp_contract *c)
{
	impl = c;
}

void dp_contract_begin(void)
{
	model_begin(impl->fresh());
}

void dp_contract_end(void)
{
	model_end();
	impl->done(model_dp);
}

void dp_contract_again(void)
{
	model_dp = impl->again(model_dp);
	CU_ASSERT_PTR_NOT_NULL_FATAL(model_dp);
}

void dp_contract_arrive(dp_ref ref, const struct prefix6 *prefix, unsigned n)
{
	impl->arrive(model_dp, ref, prefix, n);
}

void dp_contract_settle(dp_ref ref)
{
	impl->settle(model_dp, ref);
}

/* ---- the contract */

void dp_contract_peer_idempotent(void)
{
	dp_ref a, b, again;

	dp_contract_begin();
	a = model_peer(1);
	b = model_peer(2);
	CU_ASSERT_NOT_EQUAL(a, b);
	again = model_peer(1);
	CU_ASSERT_EQUAL(a, again);
	model_agree();
	model_peer_del(a);
	model_peer_del(a);
	model_agree();
	a = model_peer(1);
	CU_ASSERT_NOT_EQUAL(a, b);
	model_agree();
	dp_contract_end();
}

void dp_contract_peer_full(void)
{
	const struct dp_peer one_more = model_peer_of(100, DP_ENCAP_IP);
	dp_ref ref[DP_CONTRACT_PEERS], other = 4711;

	dp_contract_begin();
	for (unsigned i = 0; i < DP_CONTRACT_PEERS; i++)
		ref[i] = model_peer(i);
	CU_ASSERT_EQUAL(model_peer_put(&one_more, &other), -ENOSPC);
	CU_ASSERT_EQUAL(other, 4711);
	CU_ASSERT_EQUAL(model_peer(0), ref[0]);
	model_agree();
	model_peer_del(ref[3]);
	model_peer(100);
	model_agree();
	dp_contract_end();
}

void dp_contract_put_walk(void)
{
	const struct prefix6 p[] = {model_prefix(1), model_prefix(2), model_prefix(3)};
	struct dp_session s;
	dp_ref a = 0, b = 0, c = 0;

	dp_contract_begin();
	s = model_anchor(&p[0], 1, model_peer(1));
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	model_agree();
	s = model_access(&p[1], 1, model_peer(2));
	s.local_routing = true;
	CU_ASSERT_EQUAL(model_put(&s, &b), 0);
	s = model_anchor(&p[2], 1, model_peer(1));
	s.mode = DP_DROP;
	s.mnid = (struct mnid){
		1, 200, (const uint8_t[200]){'l', 'o', 'n', 'g', 1, 2, 0xff}
	    };
	CU_ASSERT_EQUAL(model_put(&s, &c), 0);
	model_agree();
	dp_contract_end();
}

void dp_contract_replace(void)
{
	const struct prefix6 p[] = {model_prefix(1), model_prefix(2)};
	struct dp_session s;
	dp_ref a = 0, was;

	dp_contract_begin();
	s = model_anchor(&p[0], 1, model_peer(1));
	CU_ASSERT_EQUAL_FATAL(model_put(&s, &a), 0);
	was = a;
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(model_put(&s, &a), 0);
		CU_ASSERT_EQUAL(a, was);
		model_agree();
	}
	s = model_anchor(&p[1], 1, model_peer(2));
	s.mnid = (struct mnid){1, 3, (const uint8_t *)"abc"};
	s.mode = DP_DROP;
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	CU_ASSERT_EQUAL(a, was);
	model_agree();
	/* the prefix it had is free again */
	was = 0;
	s = model_anchor(&p[0], 1, model_peer(1));
	CU_ASSERT_EQUAL(model_put(&s, &was), 0);
	model_agree();
	dp_contract_end();
}

void dp_contract_halves_apart(void)
{
	const struct prefix6 p = model_prefix(1);
	struct dp_session s;
	dp_ref a = 0, c = 0;

	dp_contract_begin();
	s = model_anchor(&p, 1, model_peer(1));
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	s = model_access(&p, 1, model_peer(2));
	CU_ASSERT_EQUAL(model_put(&s, &c), 0);
	CU_ASSERT_NOT_EQUAL(a, c);
	model_agree();
	model_del(a);
	model_agree();
	a = 0;
	s = model_anchor(&p, 1, model_peer(2));
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	model_agree();
	model_del(c);
	model_agree();
	dp_contract_end();
}

void dp_contract_prefix_taken(void)
{
	const struct prefix6 p[] = {model_prefix(1), model_prefix(2), model_prefix(3)};
	dp_ref a = 0, b = 0, none = 0;
	struct dp_session s;

	dp_contract_begin();
	s = model_anchor(&p[0], 1, model_peer(1));
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	s = model_anchor(&p[1], 1, model_peer(2));
	CU_ASSERT_EQUAL(model_put(&s, &b), 0);
	s = model_anchor(&p[0], 3, model_peer(2));
	CU_ASSERT_EQUAL(model_put(&s, &none), -EEXIST);
	CU_ASSERT_EQUAL(none, 0);
	CU_ASSERT_EQUAL(model_put(&s, &b), -EEXIST);
	model_agree();
	/* nothing of the failed one stayed: its third prefix is free */
	s = model_anchor(&p[2], 1, model_peer(1));
	CU_ASSERT_EQUAL(model_put(&s, &none), 0);
	model_agree();
	dp_contract_end();
}

void dp_contract_many_prefixes(void)
{
	struct prefix6 p[DP_PREFIXES_MAX + 1];
	dp_ref a = 0, b = 0, c = 0;
	struct dp_session s;

	dp_contract_begin();
	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = model_prefix(i);
	s = model_anchor(p, 3, model_peer(1));
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	s = model_access(p, 3, model_peer(2));
	CU_ASSERT_EQUAL(model_put(&s, &c), 0);
	model_agree();
	s = model_anchor(p + 1, 4, model_peer(1));
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	model_agree();
	s = model_anchor(p, 1, model_peer(2));
	CU_ASSERT_EQUAL(model_put(&s, &b), 0);
	model_agree();
	s = model_anchor(p + 2, 1, model_peer(2));
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	model_agree();
	s = model_anchor(p, DP_PREFIXES_MAX + 1, model_peer(2));
	CU_ASSERT_EQUAL(model_put(&s, &a), -EINVAL);
	model_agree();
	dp_contract_end();
}

void dp_contract_bad_refs(void)
{
	const struct prefix6 p = model_prefix(1);
	struct dp_path path = {.kind = DP_TO_ROUTE};
	dp_ref a = 0, bad = 0, peer;
	struct dp_stats stats;
	struct dp_session s;

	dp_contract_begin();
	s = model_anchor(&p, 1, model_peer(1));
	CU_ASSERT_EQUAL_FATAL(model_put(&s, &bad), 0);
	model_del(bad);
	CU_ASSERT_EQUAL(model_put(&s, &bad), -ENOENT);
	CU_ASSERT_EQUAL(model_dp->ops->session_move(model_dp, bad, &path), -ENOENT);
	CU_ASSERT_EQUAL(model_dp->ops->session_mode(model_dp, bad, DP_DROP), -ENOENT);
	CU_ASSERT_EQUAL(model_dp->ops->session_stats(model_dp, bad, &stats), -ENOENT);
	model_dp->ops->session_del(model_dp, bad);
	model_dp->ops->session_del(model_dp, 0);
	model_dp->ops->peer_del(model_dp, 0);
	model_agree();

	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	peer = model_peer(2);
	model_peer_del(peer);
	path = model_to_peer(peer);
	CU_ASSERT_EQUAL(model_dp->ops->session_move(model_dp, a, &path), -ENOENT);
	s.down = path;
	CU_ASSERT_EQUAL(model_put(&s, &a), -ENOENT);
	model_agree();
	dp_contract_end();
}

void dp_contract_move_mode(void)
{
	const struct prefix6 p[] = {model_prefix(1), model_prefix(2), model_prefix(9)};
	dp_ref peer[2], a = 0, b = 0, c = 0;
	struct dp_stats stats = {1, 1, 1, 1};
	struct dp_path path;
	struct dp_session s;

	dp_contract_begin();
	peer[0] = model_peer(1);
	peer[1] = model_peer(2);
	s = model_anchor(p, 2, peer[0]);
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	s = model_anchor(p + 2, 1, peer[0]);
	CU_ASSERT_EQUAL(model_put(&s, &b), 0);
	s = model_access(p, 2, peer[1]);
	CU_ASSERT_EQUAL(model_put(&s, &c), 0);
	for (unsigned i = 0; i < 5; i++) {
		path = model_to_peer(peer[i & 1]);
		model_move(a, &path);
		model_agree();
		path = model_to_link(2 + i % 2, (uint8_t)i);
		model_move(c, &path);
		model_agree();
	}
	model_mode(a, DP_DROP);
	model_agree();
	model_mode(a, DP_DROP);
	model_mode(c, DP_DROP);
	model_mode(a, DP_FORWARD);
	model_agree();
	CU_ASSERT_EQUAL(model_dp->ops->session_stats(model_dp, a, &stats), 0);
	CU_ASSERT_EQUAL(stats.down_packets + stats.down_bytes + stats.up_packets + stats.up_bytes,
			0);
	dp_contract_end();
}

void dp_contract_full(void)
{
	struct prefix6 p[DP_CONTRACT_SESSIONS + 2];
	dp_ref ref[DP_CONTRACT_SESSIONS] = {0}, none = 0;
	struct dp_session s;

	dp_contract_begin();
	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = model_prefix(i);
	for (unsigned i = 0; i < DP_CONTRACT_SESSIONS; i++) {
		s = model_anchor(&p[i], 1, model_peer(1));
		CU_ASSERT_EQUAL_FATAL(model_put(&s, &ref[i]), 0);
	}
	model_agree();
	s = model_anchor(&p[DP_CONTRACT_SESSIONS], 1, model_peer(1));
	CU_ASSERT_EQUAL(model_put(&s, &none), -ENOSPC);
	CU_ASSERT_EQUAL(none, 0);
	model_agree();
	/* what is there can still change and go */
	s = model_anchor(&p[0], 1, model_peer(2));
	CU_ASSERT_EQUAL(model_put(&s, &ref[0]), 0);
	model_del(ref[5]);
	s = model_anchor(&p[DP_CONTRACT_SESSIONS], 1, model_peer(1));
	CU_ASSERT_EQUAL(model_put(&s, &none), 0);
	model_agree();
	dp_contract_end();
}

void dp_contract_pool(void)
{
	const struct prefix6 aggregate = {.addr = {{{0x20, 0x01, 0x0d, 0xb8, 0x0e}}}, .len = 40};
	struct prefix6 p[4];
	dp_ref ref[4] = {0};

	dp_contract_begin();
	CU_ASSERT_EQUAL(model_dp->ops->pool_put(model_dp, &aggregate, 8), 0);
	CU_ASSERT_EQUAL(model_dp->ops->pool_put(model_dp, &aggregate, 8), 0);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 4; i++) {
			struct dp_session s;

			p[i] = model_prefix(i * 4); /* the last one is beyond the announced eight */
			p[i].addr.s6_addr[4] = 0x0e;
			s = model_anchor(&p[i], 1, model_peer(1 + round));
			CU_ASSERT_EQUAL(model_put(&s, &ref[i]), 0);
			model_agree();
		}
	}
	dp_contract_end();
}

static uint32_t random_state;

static uint32_t rnd(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(random_state >> 4) * below >> 28);
}

struct dice {
	dp_ref ref[8];	/* sessions: the odd ones are access halves */
	dp_ref peer[3]; /* the last one has keys */
	unsigned puts, busy;
};

/* Keys are only of use to who has one as well. */
static struct dp_path random_peer(const struct dice *d, bool keyed)
{
	unsigned i = rnd(keyed ? 3 : 2);
	struct dp_path path = model_to_peer(d->peer[i]);

	if (i == 2)
		path.key = 1 + rnd(3);
	return path;
}

/* Ten prefixes and four IPv4 addresses at most are in play, so that room never runs out. */
static void random_put(struct dice *d)
{
	unsigned base = rnd(10), n = rnd(4), i = rnd(8);
	bool access = i & 1;
	struct prefix6 p[3];
	struct dp_session s;
	int r;

	for (unsigned k = 0; k < n; k++)
		p[k] = model_prefix((base + k * 3) % 10);
	s = access ? model_access(p, n, d->peer[0]) : model_anchor(p, n, d->peer[0]);
	s.keyed = rnd(3);
	s.domain = s.keyed ? (uint16_t)rnd(2) : 0;
	if (rnd(2))
		s.addr4 = model_addr4(1 + rnd(4));
	*(access ? &s.up : &s.down) = random_peer(d, s.keyed);
	s.mode = rnd(5) ? DP_FORWARD : access ? DP_BUFFER : DP_DROP;
	if (access && !rnd(3))
		s.also_from = random_peer(d, s.keyed).peer;
	s.mnid.len = (uint8_t)(3 + rnd(12));
	r = model_put(&s, &d->ref[i]);
	d->puts++;
	if (r == -EBUSY && model_any_keyed())
		d->busy++;
	else
		CU_ASSERT_EQUAL(r, model_taken(&s, d->ref[i]) ? -EEXIST : 0);
}

static enum dp_mode random_mode(enum dp_half half)
{
	return half == DP_ACCESS ? rnd(3) : rnd(2);
}

static void random_calls(int restart_every)
{
	const struct prefix6 aggregate = {.addr = model_prefix(0).addr, .len = 61};
	struct dice d = {0};

	dp_contract_begin();
	random_state = 1;
	d.peer[0] = model_peer(0);
	d.peer[1] = model_peer(1);
	d.peer[2] = model_peer_by(2, DP_ENCAP_GRE_KEY);
	/* half of the prefixes and of the addresses carry their slots */
	CU_ASSERT_EQUAL(model_dp->ops->pool_put(model_dp, &aggregate, 5), 0);
	CU_ASSERT_EQUAL(model_dp->ops->pool4_put(model_dp, 0, model_addr4(0), 24, 3), 0);
	CU_ASSERT_EQUAL(model_dp->ops->pool4_put(model_dp, 1, model_addr4(0), 24, 3), 0);
	for (int step = 0; step < 5000; step++) {
		dp_ref *ref = &d.ref[rnd(8)];
		struct dp_path path;

		switch (rnd(6)) {
		case 0:
			model_del(*ref);
			*ref = 0;
			break;
		case 1:
			if (!*ref)
				break;
			path = rnd(2) ? random_peer(&d, model_at(*ref)->s.keyed)
				      : model_to_link(2, (uint8_t)rnd(9));
			model_move(*ref, &path);
			break;
		case 2:
			if (*ref)
				model_mode(*ref, random_mode(model_at(*ref)->s.half));
			break;
		default:
			random_put(&d);
		}
		model_agree();
		if (restart_every && step % restart_every == restart_every - 1) {
			dp_contract_again();
			model_agree();
			model_claim_all();
		}
	}
	CU_ASSERT_TRUE(d.busy < d.puts / 10);
	dp_contract_end();
}

void dp_contract_random(void)
{
	random_calls(0);
}

void dp_contract_random_again(void)
{
	random_calls(1700);
}
