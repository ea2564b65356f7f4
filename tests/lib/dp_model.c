/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dp_model.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

struct dataplane *model_dp;

static struct {
	struct {
		dp_ref ref;
		struct dp_peer p;
	} peer[MODEL_MAX];
	struct model_session session[MODEL_MAX];
	unsigned seen_peers, seen_sessions;
} m;

void model_begin(struct dataplane *dp)
{
	memset(&m, 0, sizeof(m));
	model_dp = dp;
	CU_ASSERT_PTR_NOT_NULL_FATAL(dp);
}

void model_end(void)
{
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (m.session[i].ref)
			model_del(m.session[i].ref);
	}
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (m.peer[i].ref)
			model_peer_del(m.peer[i].ref);
	}
	model_agree();
}

/* ---- comparing */

static bool path_eq(const struct dp_path *a, const struct dp_path *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == DP_TO_PEER)
		return a->peer == b->peer && a->key == b->key;
	return a->kind != DP_TO_LINK || (a->ifindex == b->ifindex && mac_eq(&a->mac, &b->mac));
}

static bool addresses_eq(const struct dp_session *a, const struct dp_session *b)
{
	if (a->n_prefixes != b->n_prefixes || a->addr4.s_addr != b->addr4.s_addr ||
	    a->domain != b->domain)
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
	       a->keyed == b->keyed && a->also_from == b->also_from &&
	       a->mnid.subtype == b->mnid.subtype && a->mnid.len == b->mnid.len &&
	       !memcmp(a->mnid.id, b->mnid.id, a->mnid.len) && addresses_eq(a, b) &&
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

static void check_key(const struct model_session *e)
{
	uint32_t key = 4711;

	if (!e->s.keyed) {
		CU_ASSERT_EQUAL(model_dp->ops->session_key(model_dp, e->ref, &key), -ENOENT);
		CU_ASSERT_EQUAL(key, 4711);
		return;
	}
	CU_ASSERT_EQUAL(model_dp->ops->session_key(model_dp, e->ref, &key), 0);
	CU_ASSERT_EQUAL(key, e->key);
}

void model_agree(void)
{
	static const struct dp_walk w = {.peer = check_peer, .session = check_session};
	unsigned peers = 0, sessions = 0;

	for (unsigned i = 0; i < MODEL_MAX; i++) {
		peers += m.peer[i].ref != 0;
		sessions += m.session[i].ref != 0;
		if (m.session[i].ref)
			check_key(&m.session[i]);
	}
	m.seen_peers = m.seen_sessions = 0;
	model_dp->ops->walk(model_dp, &w);
	CU_ASSERT_EQUAL(m.seen_peers, peers);
	CU_ASSERT_EQUAL(m.seen_sessions, sessions);
}

/* ---- peers */

static struct in6_addr address(unsigned n, bool ip4)
{
	struct in6_addr a = {{{0x20, 0x01, 0x0d, 0xb8, 0, 0x11}}};

	if (ip4)
		a = (struct in6_addr){{{[10] = 0xff, 0xff, 198, 51}}};
	a.s6_addr[14] = (uint8_t)(n >> 8);
	a.s6_addr[15] = (uint8_t)n;
	return a;
}

struct dp_peer model_peer_of(unsigned n, enum dp_encap encap)
{
	bool ip4 = encap >= DP_ENCAP_UDP;

	return (struct dp_peer){
		.local = address(0xffff, ip4), .remote = address(n, ip4), .encap = encap};
}

int model_peer_put(const struct dp_peer *p, dp_ref *ref)
{
	int r = model_dp->ops->peer_put(model_dp, p, ref);

	for (unsigned i = 0; r == 0 && i < MODEL_MAX; i++) {
		if (m.peer[i].ref == *ref)
			return r;
	}
	for (unsigned i = 0; r == 0 && i < MODEL_MAX; i++) {
		if (m.peer[i].ref)
			continue;
		m.peer[i].ref = *ref;
		m.peer[i].p = *p;
		break;
	}
	return r;
}

dp_ref model_peer_by(unsigned n, enum dp_encap encap)
{
	const struct dp_peer p = model_peer_of(n, encap);
	dp_ref ref = 0;

	CU_ASSERT_EQUAL_FATAL(model_peer_put(&p, &ref), 0);
	CU_ASSERT_NOT_EQUAL_FATAL(ref, 0);
	return ref;
}

dp_ref model_peer(unsigned n)
{
	return model_peer_by(n, DP_ENCAP_IP);
}

void model_peer_del(dp_ref ref)
{
	model_dp->ops->peer_del(model_dp, ref);
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (m.peer[i].ref == ref)
			m.peer[i].ref = 0;
	}
}

/* ---- sessions */

struct model_session *model_at(dp_ref ref)
{
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (m.session[i].ref == ref)
			return &m.session[i];
	}
	return NULL;
}

/* A session that becomes keyed gets a key that no other session has. */
static void note_key(struct model_session *e, bool was_keyed)
{
	uint32_t key = 0;

	if (!e->s.keyed) {
		e->key = 0;
		return;
	}
	CU_ASSERT_EQUAL(model_dp->ops->session_key(model_dp, e->ref, &key), 0);
	CU_ASSERT_NOT_EQUAL(key, 0);
	if (was_keyed) {
		CU_ASSERT_EQUAL(key, e->key);
		return;
	}
	e->key = 0;
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (m.session[i].ref && m.session[i].s.half == e->s.half)
			CU_ASSERT_NOT_EQUAL(m.session[i].key, key);
	}
	e->key = key;
}

int model_put(const struct dp_session *s, dp_ref *ref)
{
	bool fresh = !*ref, was_keyed;
	int r = model_dp->ops->session_put(model_dp, s, ref);
	struct model_session *e;

	if (r)
		return r;
	CU_ASSERT_NOT_EQUAL_FATAL(*ref, 0);
	if (fresh)
		CU_ASSERT_PTR_NULL(model_at(*ref));
	e = model_at(fresh ? 0 : *ref);
	was_keyed = !fresh && e->s.keyed;
	e->ref = *ref;
	e->s = *s;
	if (s->n_prefixes)
		memcpy(e->prefix, s->prefixes, s->n_prefixes * sizeof(e->prefix[0]));
	memcpy(e->id, s->mnid.id, s->mnid.len);
	e->s.prefixes = e->prefix;
	e->s.mnid.id = e->id;
	note_key(e, was_keyed);
	return 0;
}

int model_claim(const struct dp_session *s, dp_ref ref)
{
	dp_ref got = 0;
	int r = model_dp->ops->session_put(model_dp, s, &got);

	CU_ASSERT_EQUAL(got, r ? 0 : ref);
	return r ? r : model_put(s, &ref);
}

void model_claim_all(void)
{
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		dp_ref ref = 0;

		if (m.peer[i].ref)
			CU_ASSERT_EQUAL(model_dp->ops->peer_put(model_dp, &m.peer[i].p, &ref), 0);
		CU_ASSERT_EQUAL(ref, m.peer[i].ref);
	}
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		const struct model_session *e = &m.session[i];
		dp_ref ref = e->ref;

		if (!e->ref)
			continue;
		if (e->s.n_prefixes || e->s.addr4.s_addr)
			ref = 0; /* without an address, several may be alike */
		CU_ASSERT_EQUAL(model_dp->ops->session_put(model_dp, &e->s, &ref), 0);
		CU_ASSERT_EQUAL(ref, e->ref);
	}
	CU_ASSERT_EQUAL(model_dp->ops->sweep(model_dp), 0);
	model_agree();
}

void model_del(dp_ref ref)
{
	struct model_session *e = ref ? model_at(ref) : NULL;

	model_dp->ops->session_del(model_dp, ref);
	if (e)
		*e = (struct model_session){0};
}

void model_move(dp_ref ref, const struct dp_path *path)
{
	CU_ASSERT_EQUAL(model_dp->ops->session_move(model_dp, ref, path), 0);
	model_at(ref)->s.down = *path;
}

void model_mode(dp_ref ref, enum dp_mode mode)
{
	CU_ASSERT_EQUAL(model_dp->ops->session_mode(model_dp, ref, mode), 0);
	model_at(ref)->s.mode = mode;
}

static bool share_an_address(const struct dp_session *a, const struct dp_session *b)
{
	if (a->addr4.s_addr && a->addr4.s_addr == b->addr4.s_addr && a->domain == b->domain)
		return true;
	for (unsigned i = 0; i < a->n_prefixes; i++) {
		for (unsigned k = 0; k < b->n_prefixes; k++) {
			if (prefix6_eq(&a->prefixes[i], &b->prefixes[k]))
				return true;
		}
	}
	return false;
}

bool model_taken(const struct dp_session *s, dp_ref but)
{
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		const struct model_session *e = &m.session[i];

		if (e->ref && e->ref != but && e->s.half == s->half && share_an_address(&e->s, s))
			return true;
	}
	return false;
}

bool model_any_keyed(void)
{
	for (unsigned i = 0; i < MODEL_MAX; i++) {
		if (m.session[i].key)
			return true;
	}
	return false;
}

/* ---- what tests put */

struct prefix6 model_prefix(unsigned n)
{
	struct prefix6 p = {.addr = {{{0x20, 0x01, 0x0d, 0xb8, 0x0f}}}, .len = 64};

	p.addr.s6_addr[6] = (uint8_t)(n >> 8);
	p.addr.s6_addr[7] = (uint8_t)n;
	return p;
}

struct in_addr model_addr4(unsigned n)
{
	return (struct in_addr){htonl(10u << 24 | n)};
}

struct dp_path model_to_peer(dp_ref peer)
{
	return (struct dp_path){.kind = DP_TO_PEER, .peer = peer};
}

struct dp_path model_to_link(unsigned ifindex, uint8_t node)
{
	return (struct dp_path){
		.kind = DP_TO_LINK, .ifindex = ifindex, .mac = {{2, 0, 0, 0, 0, node}}};
}

static const struct mnid some_id = {1, 15, (const uint8_t *)"mn1@example.com"};

struct dp_session model_anchor(const struct prefix6 *p, unsigned n, dp_ref peer)
{
	return (struct dp_session){.half = DP_ANCHOR,
				   .mnid = some_id,
				   .n_prefixes = n,
				   .prefixes = p,
				   .down = model_to_peer(peer),
				   .up = {.kind = DP_TO_ROUTE}};
}

struct dp_session model_access(const struct prefix6 *p, unsigned n, dp_ref peer)
{
	return (struct dp_session){.half = DP_ACCESS,
				   .mnid = some_id,
				   .n_prefixes = n,
				   .prefixes = p,
				   .down = model_to_link(2, 1),
				   .up = model_to_peer(peer)};
}
