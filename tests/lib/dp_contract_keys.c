/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contract of core/dataplane.h: encapsulations, IPv4 home addresses, domains and keys. */
#include <errno.h>

#include "base/util.h"
#include "lib/dp_contract.h"
#include "lib/dp_model.h"

static const uint32_t no_key = 0xdead;

void dp_contract_encapsulations(void)
{
	dp_ref ref[DP_ENCAP_MAX], none = 4711;
	struct dp_peer p;

	dp_contract_begin();
	for (unsigned e = 0; e < DP_ENCAP_UDP; e++) {
		ref[e] = model_peer_by(1, (enum dp_encap)e);
		for (unsigned i = 0; i < e; i++)
			CU_ASSERT_NOT_EQUAL(ref[i], ref[e]);
		CU_ASSERT_EQUAL(model_peer_by(1, (enum dp_encap)e), ref[e]);
	}
	model_agree();
	for (unsigned e = 0; e < DP_ENCAP_UDP; e++)
		model_peer_del(ref[e]);
	/* the same and the others over IPv4 */
	for (unsigned e = 0; e < DP_ENCAP_MAX; e++) {
		p = model_peer_of(1, DP_ENCAP_UDP);
		p.encap = (enum dp_encap)e;
		CU_ASSERT_EQUAL(model_peer_put(&p, &none), 0);
		model_agree();
		model_peer_del(none);
	}
	none = 4711;
	for (unsigned e = DP_ENCAP_UDP; e < DP_ENCAP_MAX; e++) {
		p = model_peer_of(1, DP_ENCAP_IP);
		p.encap = (enum dp_encap)e;
		CU_ASSERT_EQUAL(model_peer_put(&p, &none), -EINVAL);
	}
	p = model_peer_of(1, DP_ENCAP_IP);
	p.local = model_peer_of(1, DP_ENCAP_UDP).local;
	CU_ASSERT_EQUAL(model_peer_put(&p, &none), -EINVAL);
	p = model_peer_of(1, DP_ENCAP_UDP);
	p.local = model_peer_of(1, DP_ENCAP_IP).local;
	CU_ASSERT_EQUAL(model_peer_put(&p, &none), -EINVAL);
	p = model_peer_of(1, DP_ENCAP_IP);
	p.encap = DP_ENCAP_MAX;
	CU_ASSERT_EQUAL(model_peer_put(&p, &none), -EINVAL);
	CU_ASSERT_EQUAL(none, 4711);
	dp_contract_end();
}

void dp_contract_addr4(void)
{
	const struct prefix6 p[] = {model_prefix(1), model_prefix(2)};
	dp_ref a = 0, b = 0, c = 0, none = 0;
	struct dp_session s;

	dp_contract_begin();
	s = model_anchor(NULL, 0, model_peer(1));
	s.addr4 = model_addr4(1);
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	s = model_anchor(&p[0], 1, model_peer(1));
	s.addr4 = model_addr4(2);
	CU_ASSERT_EQUAL(model_put(&s, &b), 0);
	model_agree();
	/* taken: for a new session and for one that is there, which keep what they had */
	s = model_anchor(&p[1], 1, model_peer(2));
	s.addr4 = model_addr4(1);
	CU_ASSERT_EQUAL(model_put(&s, &none), -EEXIST);
	CU_ASSERT_EQUAL(none, 0);
	CU_ASSERT_EQUAL(model_put(&s, &b), -EEXIST);
	model_agree();
	/* the other half may have it */
	s = model_access(&p[0], 1, model_peer(2));
	s.addr4 = model_addr4(1);
	CU_ASSERT_EQUAL(model_put(&s, &c), 0);
	model_agree();
	/* given back, it is free for the next one */
	s = model_anchor(&p[1], 1, model_peer(2));
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	s = model_anchor(NULL, 0, model_peer(1));
	s.addr4 = model_addr4(1);
	CU_ASSERT_EQUAL(model_put(&s, &none), 0);
	model_agree();
	model_del(b);
	s.addr4 = model_addr4(2);
	CU_ASSERT_EQUAL(model_put(&s, &none), 0);
	model_agree();
	dp_contract_end();
}

void dp_contract_domains(void)
{
	const struct prefix6 p[] = {model_prefix(1), model_prefix(2)};
	dp_ref a = 0, b = 0, c = 0, none = 0;
	struct dp_session s;

	dp_contract_begin();
	s = model_anchor(&p[0], 1, model_peer_by(1, DP_ENCAP_GRE_KEY));
	s.addr4 = model_addr4(1);
	s.keyed = true;
	s.domain = 1;
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	s.prefixes = &p[1];
	s.domain = 2;
	CU_ASSERT_EQUAL(model_put(&s, &b), 0);
	/* two nodes of two operators under one address, and one more without an operator */
	s.n_prefixes = 0;
	s.domain = 0;
	CU_ASSERT_EQUAL(model_put(&s, &c), 0);
	model_agree();
	s.domain = 2;
	CU_ASSERT_EQUAL(model_put(&s, &none), -EEXIST);
	CU_ASSERT_EQUAL(model_put(&s, &c), -EEXIST);
	model_agree();
	model_del(b);
	CU_ASSERT_EQUAL(model_put(&s, &c), 0);
	model_agree();
	/* nothing but keys can tell them apart in a tunnel */
	s = model_anchor(NULL, 0, model_peer(1));
	s.addr4 = model_addr4(7);
	s.domain = 1;
	CU_ASSERT_EQUAL(model_put(&s, &none), -EINVAL);
	s = model_access(NULL, 0, model_peer(1));
	s.addr4 = model_addr4(7);
	s.domain = 1;
	CU_ASSERT_EQUAL(model_put(&s, &none), 0);
	model_agree();
	dp_contract_end();
}

/* Everything that can happen to a session's addresses: model_put() holds the key against the one of
 * before, model_agree() that of every other session. */
static void live(enum dp_half half, bool addresses_first)
{
	const struct prefix6 p[] = {model_prefix(1), model_prefix(2), model_prefix(3)};
	const struct {
		unsigned first, n;
		unsigned addr4;
	} life[] = {
		{0, 1, 0},
		   {0, 1, 1}, /* an IPv4 address comes */
		{1, 1, 1}, /* another prefix instead */
		{0, 3, 1}, /* more, and the first one back in front */
		{1, 2, 0},
		   {2, 1, 2},
		      {0, 0, 2}, /* IPv4 only */
		{0, 0, 3},
		   {0, 0, 0}, /* nothing */
		{1, 1, 0},
		   {0, 2, 1},
	};
	const dp_ref peer = model_peer_by(1, DP_ENCAP_GRE_KEY);
	dp_ref ref = 0, other = 0;
	struct dp_session s;
	uint32_t key = 0;

	for (unsigned i = addresses_first ? 0 : 8, n = 0; n < 2 * ARRAY_SIZE(life); n++) {
		s = half == DP_ANCHOR ? model_anchor(p + life[i].first, life[i].n, peer)
				      : model_access(p + life[i].first, life[i].n, peer);
		s.keyed = true;
		if (life[i].addr4)
			s.addr4 = model_addr4(life[i].addr4);
		CU_ASSERT_EQUAL_FATAL(model_put(&s, &ref), 0);
		if (!key)
			key = model_at(ref)->key;
		CU_ASSERT_EQUAL(model_at(ref)->key, key);
		model_agree();
		/* a bystander comes and goes, and gets other keys */
		s.prefixes = NULL;
		s.n_prefixes = 0;
		s.addr4 = model_addr4(100 + n);
		CU_ASSERT_EQUAL_FATAL(model_put(&s, &other), 0);
		model_agree();
		model_del(other);
		other = 0;
		i = (i + 1) % ARRAY_SIZE(life);
	}
	model_del(ref);
	model_agree();
}

void dp_contract_key_for_life(void)
{
	dp_contract_begin();
	live(DP_ANCHOR, true);
	live(DP_ANCHOR, false);
	live(DP_ACCESS, true);
	live(DP_ACCESS, false);
	dp_contract_end();
}

void dp_contract_keyed_or_not(void)
{
	const struct prefix6 p = model_prefix(1);
	dp_ref ref[DP_CONTRACT_SESSIONS / 2] = {0}, a = 0;
	uint32_t key = no_key;
	struct dp_session s;

	dp_contract_begin();
	s = model_anchor(&p, 1, model_peer(1));
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	CU_ASSERT_EQUAL(model_dp->ops->session_key(model_dp, a, &key), -ENOENT);
	s.keyed = true;
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	model_agree();
	s.keyed = false;
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	model_agree();
	model_del(a);
	CU_ASSERT_EQUAL(model_dp->ops->session_key(model_dp, a, &key), -ENOENT);
	CU_ASSERT_EQUAL(model_dp->ops->session_key(model_dp, 0, &key), -ENOENT);
	CU_ASSERT_EQUAL(key, no_key);
	/* sessions that only have keys, again and again: what they leave is used again */
	s = model_anchor(NULL, 0, model_peer_by(2, DP_ENCAP_GRE_KEY));
	s.keyed = true;
	for (unsigned n = 0; n < 5 * ARRAY_SIZE(ref); n++) {
		dp_ref *r = &ref[n % ARRAY_SIZE(ref)];

		model_del(*r);
		*r = 0;
		CU_ASSERT_EQUAL(model_put(&s, r), 0);
		model_agree();
	}
	dp_contract_end();
}

void dp_contract_peer_keys(void)
{
	const struct prefix6 p[] = {model_prefix(1), model_prefix(2)};
	dp_ref a = 0, c = 0, peer[2];
	struct dp_path path;
	struct dp_session s;

	dp_contract_begin();
	peer[0] = model_peer_by(1, DP_ENCAP_GRE_KEY);
	peer[1] = model_peer_by(2, DP_ENCAP_UDP_GRE_KEY);
	s = model_anchor(p, 2, peer[0]);
	s.keyed = true;
	s.down.key = 0x11;
	CU_ASSERT_EQUAL(model_put(&s, &a), 0);
	s = model_access(p, 2, peer[0]);
	s.keyed = true;
	s.up.key = 0x99;
	CU_ASSERT_EQUAL(model_put(&s, &c), 0);
	model_agree();
	for (uint32_t i = 0; i < 4; i++) {
		path = model_to_peer(peer[i & 1]);
		path.key = 0xffffff00 + i;
		model_move(a, &path);
		model_agree();
	}
	path.key++;
	model_move(a, &path);
	model_agree();
	dp_contract_end();
}

void dp_contract_bad_addresses(void)
{
	struct prefix6 p[2] = {model_prefix(1)};
	const struct {
		uint8_t first, len;
	} bad[] = {
		{0,    64 }, /* ::/8 */
		{0,    48 },
		 {0x20, 0	 },
		    {0x20, 65 },
		{0x20, 128},
	};
	dp_ref none = 0;
	struct dp_session s;

	dp_contract_begin();
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		p[1] = (struct prefix6){.addr = {{{bad[i].first, 0x47}}}, .len = bad[i].len};
		if (!p[1].len)
			p[1].addr = (struct in6_addr){0};
		s = model_anchor(p, 2, model_peer(1));
		CU_ASSERT_EQUAL(model_put(&s, &none), -EINVAL);
		CU_ASSERT_EQUAL(none, 0);
		CU_ASSERT_EQUAL(model_dp->ops->pool_put(model_dp, &p[1], 1), -EINVAL);
	}
	CU_ASSERT_EQUAL(model_dp->ops->pool4_put(model_dp, 0, model_addr4(0), 33, 1), -EINVAL);
	CU_ASSERT_EQUAL(model_dp->ops->pool4_put(model_dp, 0, model_addr4(0), 24, 0), -EINVAL);
	p[1] = p[0];
	s = model_anchor(p, 2, model_peer(1));
	CU_ASSERT_EQUAL(model_put(&s, &none), -EINVAL);
	model_agree();
	dp_contract_end();
}

void dp_contract_pool4(void)
{
	const struct in_addr aggregate = model_addr4(200 << 16);
	dp_ref ref[2][4] = {{0}};

	dp_contract_begin();
	for (uint16_t domain = 0; domain < 2; domain++) {
		CU_ASSERT_EQUAL(model_dp->ops->pool4_put(model_dp, domain, aggregate, 24, 8), 0);
		CU_ASSERT_EQUAL(model_dp->ops->pool4_put(model_dp, domain, aggregate, 24, 8), 0);
	}
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 8; i++) {
			unsigned domain = i & 1;
			struct dp_session s =
				model_anchor(NULL, 0, model_peer_by(1 + round, DP_ENCAP_GRE_KEY));

			/* the last one is beyond the announced eight */
			s.addr4 = model_addr4((200 << 16) + i / 2 * 4);
			s.domain = (uint16_t)domain;
			s.keyed = true;
			CU_ASSERT_EQUAL(model_put(&s, &ref[domain][i / 2]), 0);
			model_agree();
		}
	}
	dp_contract_end();
}
