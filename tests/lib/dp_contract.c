/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dp_contract.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

static const struct dp_contract *impl;

void dp_contract_use(const struct dp_contract *c)
{
	impl = c;
}

/* ---- what the data plane should hold, kept the plain way */

#define MODEL_MAX 64

struct model_session {
	dp_ref ref; /* 0: free */
	struct dp_session s;
	struct prefix6 prefix[DP_PREFIXES_MAX];
	uint8_t id[256];
};

static struct {
	struct dataplane *dp;
	struct {
		dp_ref ref;
		struct dp_peer p;
	} peer[MODEL_MAX];
	struct model_session session[MODEL_MAX];
	unsigned seen_peers, seen_sessions;
} m;

static void begin(void)
{
	memset(&m, 0, sizeof(m));
	m.dp = impl->fresh();
	CU_ASSERT_PTR_NOT_NULL_FATAL(m.dp);
}

static bool path_eq(const struct dp_path *a, const struct dp_path *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == DP_TO_PEER)
		return a->peer == b->peer;
	return a->kind != DP_TO_LINK || (a->ifindex == b->ifindex && mac_eq(&a->mac, &b->mac));
}

static bool prefixes_eq(const struct dp_session *a, const struct dp_session *b)
{
	if (a->n_prefixes != b->n_prefixes)
		return false;
	for (unsigned i = 0; i < a->n_prefixes; i++) {
		if (!prefix6_eq(&a->prefixes[i], &b->prefixes[i]))
			return false;
	}
	return true;
}

static bool session_eq(const struct dp_session *a, const struct dp_session *b)
{
	return a->half == b->half && a->mode == b->mode && a->local_routing == b->local_routing &&
	       a->mnid.subtype == b->mnid.subtype && a->mnid.len == b->mnid.len &&
	       !memcmp(a->mnid.id, b->mnid.id, a->mnid.len) && prefixes_eq(a, b) &&
	       path_eq(&a->down, &b->down) && path_eq(&a->up, &b->up);
}

static void check_peer(void *ctx, dp_ref ref, const struct dp_peer *p)
{
	m.seen_peers++;
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (m.peer[i].ref != ref)
			continue;
		CU_ASSERT_TRUE(addr6_eq(&m.peer[i].p.local, &p->local));
		CU_ASSERT_TRUE(addr6_eq(&m.peer[i].p.remote, &p->remote));
		CU_ASSERT_EQUAL(m.peer[i].p.encap, p->encap);
		return;
	}
	CU_FAIL("a peer that nobody put");
}

static void check_session(void *ctx, dp_ref ref, const struct dp_session *s)
{
	m.seen_sessions++;
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (m.session[i].ref != ref)
			continue;
		CU_ASSERT_TRUE(session_eq(&m.session[i].s, s));
		return;
	}
	CU_FAIL("a session that nobody put");
}

/* The data plane holds what the model holds, no more and no less. */
static void agree(void)
{
	static const struct dp_walk w = {.peer = check_peer, .session = check_session};
	unsigned peers = 0, sessions = 0;

	for (unsigned i = 0; i < MODEL_MAX; i++) {
		peers += m.peer[i].ref != 0;
		sessions += m.session[i].ref != 0;
	}
	m.seen_peers = m.seen_sessions = 0;
	m.dp->ops->walk(m.dp, &w);
	CU_ASSERT_EQUAL(m.seen_peers, peers);
	CU_ASSERT_EQUAL(m.seen_sessions, sessions);
}

static struct in6_addr address(unsigned n)
{
	struct in6_addr a = {{{0x20, 0x01, 0x0d, 0xb8, 0, 0x11}}};

	a.s6_addr[14] = (uint8_t)(n >> 8);
	a.s6_addr[15] = (uint8_t)n;
	return a;
}

static struct prefix6 prefix(unsigned n)
{
	struct prefix6 p = {.addr = {{{0x20, 0x01, 0x0d, 0xb8, 0x0f}}}, .len = 64};

	p.addr.s6_addr[6] = (uint8_t)(n >> 8);
	p.addr.s6_addr[7] = (uint8_t)n;
	return p;
}

static struct dp_peer peer_of(unsigned n)
{
	return (struct dp_peer){
		.local = address(0xffff), .remote = address(n), .encap = DP_ENCAP_IP};
}

static int put_peer(unsigned n, dp_ref *ref)
{
	const struct dp_peer p = peer_of(n);
	int r = m.dp->ops->peer_put(m.dp, &p, ref);

	for (unsigned i = 0; r == 0 && i < MODEL_MAX; i++) {
		if (m.peer[i].ref == *ref)
			return r;
	}
	for (unsigned i = 0; r == 0 && i < MODEL_MAX; i++) {
		if (m.peer[i].ref)
			continue;
		m.peer[i].ref = *ref;
		m.peer[i].p = p;
		break;
	}
	return r;
}

static dp_ref need_peer(unsigned n)
{
	dp_ref ref = 0;

	CU_ASSERT_EQUAL_FATAL(put_peer(n, &ref), 0);
	CU_ASSERT_NOT_EQUAL_FATAL(ref, 0);
	return ref;
}

static void del_peer(dp_ref ref)
{
	m.dp->ops->peer_del(m.dp, ref);
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (m.peer[i].ref == ref)
			m.peer[i].ref = 0;
	}
}

static struct model_session *model_at(dp_ref ref)
{
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (m.session[i].ref == ref)
			return &m.session[i];
	}
	return NULL;
}

static int put(const struct dp_session *s, dp_ref *ref)
{
	bool fresh = !*ref;
	int r = m.dp->ops->session_put(m.dp, s, ref);
	struct model_session *e;

	if (r)
		return r;
	CU_ASSERT_NOT_EQUAL_FATAL(*ref, 0);
	if (fresh)
		CU_ASSERT_PTR_NULL(model_at(*ref));
	e = model_at(fresh ? 0 : *ref);
	e->ref = *ref;
	e->s = *s;
	memcpy(e->prefix, s->prefixes, s->n_prefixes * sizeof(e->prefix[0]));
	memcpy(e->id, s->mnid.id, s->mnid.len);
	e->s.prefixes = e->prefix;
	e->s.mnid.id = e->id;
	return 0;
}

static void del(dp_ref ref)
{
	struct model_session *e = ref ? model_at(ref) : NULL;

	m.dp->ops->session_del(m.dp, ref);
	if (e)
		e->ref = 0;
}

static void end(void)
{
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (m.session[i].ref)
			del(m.session[i].ref);
	}
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (m.peer[i].ref)
			del_peer(m.peer[i].ref);
	}
	agree();
	impl->done(m.dp);
}

static const struct dp_path route = {.kind = DP_TO_ROUTE};

static struct dp_path to_peer(dp_ref peer)
{
	return (struct dp_path){.kind = DP_TO_PEER, .peer = peer};
}

static struct dp_path to_link(unsigned ifindex, uint8_t node)
{
	return (struct dp_path){
		.kind = DP_TO_LINK, .ifindex = ifindex, .mac = {{2, 0, 0, 0, 0, node}}};
}

static const struct mnid some_id = {1, 15, (const uint8_t *)"mn1@example.com"};

static struct dp_session anchor(const struct prefix6 *p, unsigned n, dp_ref peer)
{
	return (struct dp_session){.half = DP_ANCHOR,
				   .mnid = some_id,
				   .n_prefixes = n,
				   .prefixes = p,
				   .down = to_peer(peer),
				   .up = route};
}

static struct dp_session access_half(const struct prefix6 *p, unsigned n, dp_ref peer)
{
	return (struct dp_session){.half = DP_ACCESS,
				   .mnid = some_id,
				   .n_prefixes = n,
				   .prefixes = p,
				   .down = to_link(2, 1),
				   .up = to_peer(peer)};
}

/* ---- the contract */

void dp_contract_peer_idempotent(void)
{
	dp_ref a, b, again;

	begin();
	a = need_peer(1);
	b = need_peer(2);
	CU_ASSERT_NOT_EQUAL(a, b);
	again = need_peer(1);
	CU_ASSERT_EQUAL(a, again);
	agree();
	del_peer(a);
	del_peer(a);
	agree();
	a = need_peer(1);
	CU_ASSERT_NOT_EQUAL(a, b);
	agree();
	end();
}

void dp_contract_peer_full(void)
{
	dp_ref ref[DP_CONTRACT_PEERS], other = 4711;

	begin();
	for (unsigned i = 0; i < DP_CONTRACT_PEERS; i++)
		ref[i] = need_peer(i);
	CU_ASSERT_EQUAL(put_peer(100, &other), -ENOSPC);
	CU_ASSERT_EQUAL(other, 4711);
	CU_ASSERT_EQUAL(need_peer(0), ref[0]);
	agree();
	del_peer(ref[3]);
	need_peer(100);
	agree();
	end();
}

void dp_contract_put_walk(void)
{
	const struct prefix6 p[] = {prefix(1), prefix(2), prefix(3)};
	struct dp_session s;
	dp_ref a = 0, b = 0, c = 0;

	begin();
	s = anchor(&p[0], 1, need_peer(1));
	CU_ASSERT_EQUAL(put(&s, &a), 0);
	agree();
	s = access_half(&p[1], 1, need_peer(2));
	s.local_routing = true;
	CU_ASSERT_EQUAL(put(&s, &b), 0);
	s = anchor(&p[2], 1, need_peer(1));
	s.mode = DP_DROP;
	s.mnid = (struct mnid){
		1, 200, (const uint8_t[200]){'l', 'o', 'n', 'g', 1, 2, 0xff}
	    };
	CU_ASSERT_EQUAL(put(&s, &c), 0);
	agree();
	end();
}

void dp_contract_replace(void)
{
	const struct prefix6 p[] = {prefix(1), prefix(2)};
	struct dp_session s;
	dp_ref a = 0, was;

	begin();
	s = anchor(&p[0], 1, need_peer(1));
	CU_ASSERT_EQUAL_FATAL(put(&s, &a), 0);
	was = a;
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(put(&s, &a), 0);
		CU_ASSERT_EQUAL(a, was);
		agree();
	}
	s = anchor(&p[1], 1, need_peer(2));
	s.mnid = (struct mnid){1, 3, (const uint8_t *)"abc"};
	s.mode = DP_DROP;
	CU_ASSERT_EQUAL(put(&s, &a), 0);
	CU_ASSERT_EQUAL(a, was);
	agree();
	/* the prefix it had is free again */
	was = 0;
	s = anchor(&p[0], 1, need_peer(1));
	CU_ASSERT_EQUAL(put(&s, &was), 0);
	agree();
	end();
}

void dp_contract_halves_apart(void)
{
	const struct prefix6 p = prefix(1);
	struct dp_session s;
	dp_ref a = 0, c = 0;

	begin();
	s = anchor(&p, 1, need_peer(1));
	CU_ASSERT_EQUAL(put(&s, &a), 0);
	s = access_half(&p, 1, need_peer(2));
	CU_ASSERT_EQUAL(put(&s, &c), 0);
	CU_ASSERT_NOT_EQUAL(a, c);
	agree();
	del(a);
	agree();
	a = 0;
	s = anchor(&p, 1, need_peer(2));
	CU_ASSERT_EQUAL(put(&s, &a), 0);
	agree();
	del(c);
	agree();
	end();
}

void dp_contract_prefix_taken(void)
{
	const struct prefix6 p[] = {prefix(1), prefix(2), prefix(3)};
	dp_ref a = 0, b = 0, none = 0;
	struct dp_session s;

	begin();
	s = anchor(&p[0], 1, need_peer(1));
	CU_ASSERT_EQUAL(put(&s, &a), 0);
	s = anchor(&p[1], 1, need_peer(2));
	CU_ASSERT_EQUAL(put(&s, &b), 0);
	s = anchor(&p[0], 3, need_peer(2));
	CU_ASSERT_EQUAL(put(&s, &none), -EEXIST);
	CU_ASSERT_EQUAL(none, 0);
	CU_ASSERT_EQUAL(put(&s, &b), -EEXIST);
	agree();
	/* nothing of the failed one stayed: its third prefix is free */
	s = anchor(&p[2], 1, need_peer(1));
	CU_ASSERT_EQUAL(put(&s, &none), 0);
	agree();
	end();
}

void dp_contract_many_prefixes(void)
{
	struct prefix6 p[DP_PREFIXES_MAX + 1];
	dp_ref a = 0, b = 0, c = 0;
	struct dp_session s;

	begin();
	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = prefix(i);
	s = anchor(p, 3, need_peer(1));
	CU_ASSERT_EQUAL(put(&s, &a), 0);
	s = access_half(p, 3, need_peer(2));
	CU_ASSERT_EQUAL(put(&s, &c), 0);
	agree();
	s = anchor(p + 1, 4, need_peer(1));
	CU_ASSERT_EQUAL(put(&s, &a), 0);
	agree();
	s = anchor(p, 1, need_peer(2));
	CU_ASSERT_EQUAL(put(&s, &b), 0);
	agree();
	s = anchor(p + 2, 1, need_peer(2));
	CU_ASSERT_EQUAL(put(&s, &a), 0);
	agree();
	s = anchor(p, DP_PREFIXES_MAX + 1, need_peer(2));
	CU_ASSERT_EQUAL(put(&s, &a), -EINVAL);
	agree();
	end();
}

void dp_contract_bad_refs(void)
{
	const struct prefix6 p = prefix(1);
	struct dp_path path = route;
	dp_ref a = 0, bad = 0, peer;
	struct dp_stats stats;
	struct dp_session s;

	begin();
	s = anchor(&p, 1, need_peer(1));
	CU_ASSERT_EQUAL_FATAL(put(&s, &bad), 0);
	del(bad);
	CU_ASSERT_EQUAL(put(&s, &bad), -ENOENT);
	CU_ASSERT_EQUAL(m.dp->ops->session_move(m.dp, bad, &path), -ENOENT);
	CU_ASSERT_EQUAL(m.dp->ops->session_mode(m.dp, bad, DP_DROP), -ENOENT);
	CU_ASSERT_EQUAL(m.dp->ops->session_stats(m.dp, bad, &stats), -ENOENT);
	m.dp->ops->session_del(m.dp, bad);
	m.dp->ops->session_del(m.dp, 0);
	m.dp->ops->peer_del(m.dp, 0);
	agree();

	CU_ASSERT_EQUAL(put(&s, &a), 0);
	peer = need_peer(2);
	del_peer(peer);
	path = to_peer(peer);
	CU_ASSERT_EQUAL(m.dp->ops->session_move(m.dp, a, &path), -ENOENT);
	s.down = path;
	CU_ASSERT_EQUAL(put(&s, &a), -ENOENT);
	agree();
	end();
}

static void move(dp_ref ref, const struct dp_path *path)
{
	CU_ASSERT_EQUAL(m.dp->ops->session_move(m.dp, ref, path), 0);
	model_at(ref)->s.down = *path;
}

static void set_mode(dp_ref ref, enum dp_mode mode)
{
	CU_ASSERT_EQUAL(m.dp->ops->session_mode(m.dp, ref, mode), 0);
	model_at(ref)->s.mode = mode;
}

void dp_contract_move_mode(void)
{
	const struct prefix6 p[] = {prefix(1), prefix(2), prefix(9)};
	dp_ref peer[2], a = 0, b = 0, c = 0;
	struct dp_stats stats = {1, 1, 1, 1};
	struct dp_path path;
	struct dp_session s;

	begin();
	peer[0] = need_peer(1);
	peer[1] = need_peer(2);
	s = anchor(p, 2, peer[0]);
	CU_ASSERT_EQUAL(put(&s, &a), 0);
	s = anchor(p + 2, 1, peer[0]);
	CU_ASSERT_EQUAL(put(&s, &b), 0);
	s = access_half(p, 2, peer[1]);
	CU_ASSERT_EQUAL(put(&s, &c), 0);
	for (unsigned i = 0; i < 5; i++) {
		path = to_peer(peer[i & 1]);
		move(a, &path);
		agree();
		path = to_link(2 + i % 2, (uint8_t)i);
		move(c, &path);
		agree();
	}
	set_mode(a, DP_DROP);
	agree();
	set_mode(a, DP_DROP);
	set_mode(c, DP_DROP);
	set_mode(a, DP_FORWARD);
	agree();
	CU_ASSERT_EQUAL(m.dp->ops->session_stats(m.dp, a, &stats), 0);
	CU_ASSERT_EQUAL(stats.down_packets + stats.down_bytes + stats.up_packets + stats.up_bytes,
			0);
	end();
}

void dp_contract_full(void)
{
	struct prefix6 p[DP_CONTRACT_SESSIONS + 2];
	dp_ref ref[DP_CONTRACT_SESSIONS] = {0}, none = 0;
	struct dp_session s;

	begin();
	for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = prefix(i);
	for (unsigned i = 0; i < DP_CONTRACT_SESSIONS; i++) {
		s = anchor(&p[i], 1, need_peer(1));
		CU_ASSERT_EQUAL_FATAL(put(&s, &ref[i]), 0);
	}
	agree();
	s = anchor(&p[DP_CONTRACT_SESSIONS], 1, need_peer(1));
	CU_ASSERT_EQUAL(put(&s, &none), -ENOSPC);
	CU_ASSERT_EQUAL(none, 0);
	agree();
	/* what is there can still change and go */
	s = anchor(&p[0], 1, need_peer(2));
	CU_ASSERT_EQUAL(put(&s, &ref[0]), 0);
	del(ref[5]);
	s = anchor(&p[DP_CONTRACT_SESSIONS], 1, need_peer(1));
	CU_ASSERT_EQUAL(put(&s, &none), 0);
	agree();
	end();
}

void dp_contract_pool(void)
{
	const struct prefix6 aggregate = {.addr = {{{0x20, 0x01, 0x0d, 0xb8, 0x0e}}}, .len = 40};
	struct prefix6 p[4];
	dp_ref ref[4] = {0};

	begin();
	CU_ASSERT_EQUAL(m.dp->ops->pool_put(m.dp, &aggregate, 8), 0);
	CU_ASSERT_EQUAL(m.dp->ops->pool_put(m.dp, &aggregate, 8), 0);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 4; i++) {
			struct dp_session s;

			p[i] = prefix(i * 4); /* the last one is beyond the announced eight */
			p[i].addr.s6_addr[4] = 0x0e;
			s = anchor(&p[i], 1, need_peer(1 + round));
			CU_ASSERT_EQUAL(put(&s, &ref[i]), 0);
			agree();
		}
	}
	end();
}

static uint32_t random_state;

static uint32_t rnd(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(random_state >> 4) * below >> 28);
}

static bool model_taken(const struct dp_session *s, dp_ref but)
{
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		const struct model_session *e = &m.session[i];

		if (!e->ref || e->ref == but || e->s.half != s->half)
			continue;
		for (unsigned j = 0; j < e->s.n_prefixes; j++) {
			for (unsigned k = 0; k < s->n_prefixes; k++) {
				if (prefix6_eq(&e->prefix[j], &s->prefixes[k]))
					return true;
			}
		}
	}
	return false;
}

/* Ten prefixes at most are in play, so that room never runs out. */
static void random_put(dp_ref *refs, const dp_ref *peers)
{
	struct prefix6 p[3];
	struct dp_session s;
	unsigned base = rnd(10), n = 1 + rnd(3);
	dp_ref *ref = &refs[rnd(8)];
	int r;

	for (unsigned i = 0; i < n; i++)
		p[i] = prefix((base + i * 3) % 10);
	s = (ref - refs) & 1 ? access_half(p, n, peers[rnd(3)]) : anchor(p, n, peers[rnd(3)]);
	s.mode = rnd(5) ? DP_FORWARD : DP_DROP;
	s.mnid.len = (uint8_t)(3 + rnd(12));
	r = put(&s, ref);
	CU_ASSERT_EQUAL(r, model_taken(&s, *ref) ? -EEXIST : 0);
}

void dp_contract_random(void)
{
	dp_ref refs[8] = {0}, peers[3];

	begin();
	random_state = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(peers); i++)
		peers[i] = need_peer(i);
	for (int step = 0; step < 2000; step++) {
		dp_ref *ref = &refs[rnd(8)];
		struct dp_path path = rnd(2) ? to_peer(peers[rnd(3)]) : to_link(2, (uint8_t)rnd(9));

		switch (rnd(6)) {
		case 0:
			del(*ref);
			*ref = 0;
			break;
		case 1:
			if (*ref)
				move(*ref, &path);
			break;
		case 2:
			if (*ref)
				set_mode(*ref, rnd(2) ? DP_DROP : DP_FORWARD);
			break;
		default:
			random_put(refs, peers);
		}
		agree();
	}
	end();
}
