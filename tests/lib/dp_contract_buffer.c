/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract of core/dataplane.h: packets that wait for a node, and tunnels between gateways. */
#include <errno.h>

#include "base/util.h"
#include "lib/dp_contract.h"
#include "lib/dp_model.h"

static struct dp_buffered buffered(dp_ref ref)
{
	struct dp_buffered b = {0};
	uint64_t dropped = 0;

	CU_ASSERT_EQUAL_FATAL(model_dp->ops->buffered(model_dp, ref, &b), 0);
	for (unsigned i = 0; i < DP_BUFFER_DROP_MAX; i++)
		dropped += b.dropped[i];
	CU_ASSERT_EQUAL(b.kept, b.packets + b.handed_on + dropped);
	CU_ASSERT_EQUAL(!b.packets, !b.octets);
	return b;
}

static void expect(dp_ref ref, unsigned packets, unsigned handed_on)
{
	const struct dp_buffered b = buffered(ref);

	CU_ASSERT_EQUAL(b.packets, packets);
	CU_ASSERT_EQUAL(b.handed_on, handed_on);
}

static dp_ref put_buffering(const struct prefix6 *p, dp_ref peer)
{
	struct dp_session s = model_access(p, 1, peer);
	dp_ref ref = 0;

	s.mode = DP_BUFFER;
	s.down.kind = DP_TO_NOWHERE;
	CU_ASSERT_EQUAL_FATAL(model_put(&s, &ref), 0);
	return ref;
}

void dp_contract_also_from(void)
{
	const struct prefix6 p[] = {model_prefix(1), model_prefix(2)};
	dp_ref peer[2], a = 0, b = 0, gone;
	struct dp_session s;

	dp_contract_begin();
	peer[0] = model_peer(1);
	peer[1] = model_peer(2);
	gone = model_peer(3);
	model_peer_del(gone);
	s = model_access(&p[0], 1, peer[0]);
	s.also_from = peer[1];
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	model_agree();
	/* the other way round, with the node at the other gateway, and without */
	s.up = model_to_peer(peer[1]);
	s.down = s.up;
	s.also_from = peer[0];
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	model_agree();
	s.also_from = gone;
	CU_ASSERT_EQUAL(model_put(&s, &a), -ENOENT);
	model_agree();
	s.also_from = 0;
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	model_agree();
	s = model_anchor(&p[1], 1, peer[0]);
	s.also_from = peer[1];
	CU_ASSERT_EQUAL(model_put(&s, &b), 0);
	model_agree();
	s.also_from = gone;
	CU_ASSERT_EQUAL(model_put(&s, &b), -ENOENT);
	model_agree();
	s.also_from = 0;
	CU_ASSERT_EQUAL(model_put(&s, &b), 0);
	model_agree();
	dp_contract_end();
}

void dp_contract_buffer_modes(void)
{
	const struct prefix6 p[] = {model_prefix(1), model_prefix(2)};
	struct dp_buffered none = {.packets = 4711};
	dp_ref a = 0, b = 0, bad;
	struct dp_session s;

	dp_contract_begin();
	s = model_anchor(&p[0], 1, model_peer(1));
	s.mode = DP_BUFFER;
	CU_ASSERT_EQUAL(model_put(&s, &a), -EINVAL);
	s.mode = DP_FORWARD;
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	CU_ASSERT_EQUAL(model_dp->ops->session_mode(model_dp, a, DP_BUFFER), -EINVAL);
	model_agree();
	expect(a, 0, 0);

	s = model_access(&p[1], 1, model_peer(1));
	CU_ASSERT_EQUAL(model_put(&s, &b), 0);
	for (unsigned i = 0; i < 3; i++) {
		model_mode(b, DP_BUFFER);
		model_mode(b, DP_BUFFER);
		model_agree();
		model_mode(b, i == 1 ? DP_DROP : DP_FORWARD);
		model_agree();
		expect(b, 0, 0);
	}
	bad = b;
	model_del(b);
	CU_ASSERT_EQUAL(model_dp->ops->buffered(model_dp, bad, &none), -ENOENT);
	CU_ASSERT_EQUAL(model_dp->ops->buffered(model_dp, 0, &none), -ENOENT);
	CU_ASSERT_EQUAL(model_dp->ops->session_mode(model_dp, bad, DP_BUFFER), -ENOENT);
	CU_ASSERT_EQUAL(none.packets, 4711);
	dp_contract_end();
}

void dp_contract_buffer_full(void)
{
	struct prefix6 p[DP_CONTRACT_BUFFERS + 1];
	dp_ref ref[DP_CONTRACT_BUFFERS], one_more = 0;
	struct dp_session s;
	dp_ref peer;

	dp_contract_begin();
	peer = model_peer(1);
	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = model_prefix(i);
	for (unsigned i = 0; i < DP_CONTRACT_BUFFERS; i++)
		ref[i] = put_buffering(&p[i], peer);
	s = model_access(&p[DP_CONTRACT_BUFFERS], 1, peer);
	s.mode = DP_BUFFER;
	CU_ASSERT_EQUAL(model_put(&s, &one_more), -ENOSPC);
	CU_ASSERT_EQUAL(one_more, 0);
	model_agree();
	s.mode = DP_FORWARD;
	CU_ASSERT_EQUAL(model_put(&s, &one_more), 0);
	CU_ASSERT_EQUAL(model_dp->ops->session_mode(model_dp, one_more, DP_BUFFER), -ENOSPC);
	model_agree();
	/* who buffers may go on, and whoever ends makes room */
	model_mode(ref[0], DP_BUFFER);
	model_mode(ref[1], DP_FORWARD);
	dp_contract_settle(ref[1]);
	model_mode(one_more, DP_BUFFER);
	model_mode(one_more, DP_DROP);
	model_mode(ref[1], DP_BUFFER);
	model_del(ref[2]);
	model_mode(one_more, DP_BUFFER);
	model_agree();
	dp_contract_end();
}

void dp_contract_buffer_hands_on(void)
{
	const struct prefix6 p = model_prefix(1);
	struct dp_path path;
	dp_ref peer[2], a;

	dp_contract_begin();
	peer[0] = model_peer(1);
	peer[1] = model_peer(2);
	a = put_buffering(&p, peer[0]);
	dp_contract_arrive(a, &p, 3);
	expect(a, 3, 0);
	path = model_to_peer(peer[1]);
	model_move(a, &path);
	dp_contract_arrive(a, &p, 4);
	expect(a, 7, 0);
	CU_ASSERT_NOT_EQUAL(buffered(a).oldest, NSEC_NEVER);
	model_mode(a, DP_FORWARD);
	dp_contract_settle(a);
	expect(a, 0, 7);
	CU_ASSERT_EQUAL(buffered(a).oldest, 0);
	CU_ASSERT_FALSE(buffered(a).draining);
	/* nothing is kept any more, until it is to be again */
	dp_contract_arrive(a, &p, 2);
	expect(a, 0, 7);
	model_mode(a, DP_BUFFER);
	dp_contract_arrive(a, &p, 2);
	expect(a, 2, 7);
	model_agree();
	dp_contract_end();
}

void dp_contract_buffer_bounds(void)
{
	const struct prefix6 p = model_prefix(1);
	dp_ref a, peer;
	struct dp_path path;

	dp_contract_begin();
	peer = model_peer(1);
	a = put_buffering(&p, peer);
	dp_contract_arrive(a, &p, DP_CONTRACT_WAITING + 5);
	expect(a, DP_CONTRACT_WAITING, 0);
	CU_ASSERT_EQUAL(buffered(a).dropped[DP_BUFFER_NODE_PACKETS], 5);
	path = model_to_peer(peer);
	model_move(a, &path);
	model_mode(a, DP_FORWARD);
	dp_contract_settle(a);
	expect(a, 0, DP_CONTRACT_WAITING);
	model_agree();
	dp_contract_end();
}

void dp_contract_buffer_discards(void)
{
	const struct prefix6 p = model_prefix(1);
	dp_ref a, peer;

	dp_contract_begin();
	peer = model_peer(1);
	a = put_buffering(&p, peer);
	dp_contract_arrive(a, &p, 3);
	model_mode(a, DP_DROP);
	dp_contract_settle(a);
	expect(a, 0, 0);
	CU_ASSERT_EQUAL(buffered(a).dropped[DP_BUFFER_DISCARDED], 3);
	model_mode(a, DP_BUFFER);
	dp_contract_arrive(a, &p, 2);
	expect(a, 2, 0);
	/* nowhere to go */
	model_mode(a, DP_FORWARD);
	dp_contract_settle(a);
	expect(a, 0, 0);
	CU_ASSERT_EQUAL(buffered(a).dropped[DP_BUFFER_NO_WAY], 2);
	model_mode(a, DP_BUFFER);
	dp_contract_arrive(a, &p, 2);
	model_del(a);
	model_agree();
	a = put_buffering(&p, peer);
	expect(a, 0, 0);
	dp_contract_arrive(a, &p, 1);
	expect(a, 1, 0);
	dp_contract_end();
}

/* Which addresses a session has, and in which order, one set after the other. */
static void change_prefixes(const struct prefix6 *sets[], const unsigned n[], bool draining)
{
	const struct prefix6 stays = sets[0][n[0] - 1];
	struct dp_session s;
	unsigned kept = 0;
	dp_ref a = 0, peer;

	dp_contract_begin();
	peer = model_peer(1);
	s = model_access(sets[0], n[0], peer);
	s.down = model_to_peer(model_peer(2));
	s.mode = DP_BUFFER;
	for (unsigned i = 0; i < 3; i++) {
		s.prefixes = sets[i];
		s.n_prefixes = n[i];
		if (draining && i == 2)
			s.mode = DP_FORWARD;
		CU_ASSERT_EQUAL(model_put(&s, &a), 0);
		model_agree();
		CU_ASSERT_EQUAL(buffered(a).dropped[DP_BUFFER_DISCARDED], 0);
		if (s.mode == DP_BUFFER) {
			expect(a, kept, 0);
			dp_contract_arrive(a, &stays, 3);
			kept += 3;
		}
	}
	if (draining) {
		/* not everything is gone by now */
		s.prefixes = sets[0];
		s.n_prefixes = n[0];
		CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	} else {
		expect(a, kept, 0);
		model_mode(a, DP_FORWARD);
	}
	dp_contract_settle(a);
	expect(a, 0, kept);
	model_mode(a, DP_BUFFER);
	dp_contract_arrive(a, &stays, 1);
	expect(a, 1, kept);
	model_agree();
	dp_contract_end();
}

void dp_contract_buffer_prefixes(void)
{
	const struct prefix6 p[] = {model_prefix(1), model_prefix(2), model_prefix(3)};
	const struct prefix6 other[] = {model_prefix(4), model_prefix(3)};
	const struct prefix6 *fewer[] = {p, p + 1, p + 2}, *more[] = {p + 2, p + 1, p},
			     *both[] = {p, other, p + 1};

	for (unsigned draining = 0; draining < 2; draining++) {
		change_prefixes(fewer, (const unsigned[]){3, 2, 1}, draining);
		change_prefixes(more, (const unsigned[]){1, 2, 3}, draining);
		change_prefixes(both, (const unsigned[]){3, 2, 2}, draining);
	}
}

void dp_contract_buffer_again(void)
{
	const struct prefix6 p[] = {model_prefix(1), model_prefix(2)};
	struct dp_session s;
	dp_ref a, b = 0, peer, other;

	dp_contract_begin();
	peer = model_peer(1);
	other = model_peer(2);
	a = put_buffering(&p[0], peer);
	s = model_access(&p[1], 1, peer);
	s.also_from = other;
	CU_ASSERT_EQUAL(model_put(&s, &b), 0);
	dp_contract_arrive(a, &p[0], 3);
	dp_contract_again();
	model_agree();
	model_claim_all();
	expect(a, 0, 0);
	dp_contract_arrive(a, &p[0], 2);
	expect(a, 2, 0);
	/* the tunnel is in use, though nobody sends into it */
	CU_ASSERT_EQUAL(model_dp->ops->sweep(model_dp), 0);
	model_agree();
	model_mode(a, DP_DROP);
	dp_contract_settle(a);
	expect(a, 0, 0);
	dp_contract_end();
}
