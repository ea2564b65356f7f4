/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/util.h"

struct fake_peer {
	UT_hash_handle hh;
	dp_ref ref;
	struct dp_peer peer;
};

struct fake_session {
	UT_hash_handle hh;
	struct dp_fake_session pub;
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	uint8_t id[MH_NAI_MAX];
};

struct owner_key {
	uint8_t half;
	uint8_t len;
	struct in6_addr addr;
};

struct fake_owner {
	UT_hash_handle hh;
	struct owner_key key;
	struct fake_session *session;
};

struct dp_fake {
	struct dataplane dp; /* first: handed out */
	struct fake_peer *peers;
	struct fake_session *sessions;
	struct fake_owner *owners;
	dp_ref last_ref;
	size_t pools, max_peers, max_sessions;
	uint32_t mtu;
	unsigned violations;
	const char *violation;
	struct {
		unsigned times;
		int err;
	} fail[DP_FAKE_OP_MAX];
};

static struct dp_fake *fake(struct dataplane *dp)
{
	return container_of(dp, struct dp_fake, dp);
}

static void violate(struct dp_fake *f, const char *what)
{
	f->violations++;
	f->violation = what;
}

static int injected(struct dp_fake *f, enum dp_fake_op op)
{
	if (!f->fail[op].times)
		return 0;
	f->fail[op].times--;
	return -f->fail[op].err;
}

static struct fake_peer *peer_find(const struct dp_fake *f, dp_ref ref)
{
	struct fake_peer *p;

	HASH_FIND(hh, f->peers, &ref, sizeof(ref), p);
	return p;
}

static struct fake_session *session_find(const struct dp_fake *f, dp_ref ref)
{
	struct fake_session *s;

	HASH_FIND(hh, f->sessions, &ref, sizeof(ref), s);
	return s;
}

static struct fake_owner *owner_find(const struct dp_fake *f, enum dp_half half,
				     const struct prefix6 *p)
{
	struct fake_owner *o;
	struct owner_key key;

	memset(&key, 0, sizeof(key));
	key.half = half;
	key.len = p->len;
	key.addr = p->addr;
	HASH_FIND(hh, f->owners, &key, sizeof(key), o);
	return o;
}

static void disown(struct dp_fake *f, struct fake_session *s)
{
	for (unsigned i = 0; i < s->pub.s.n_prefixes; i++) {
		struct fake_owner *o = owner_find(f, s->pub.s.half, &s->prefixes[i]);

		HASH_DEL(f->owners, o);
		free(o);
	}
}

static void own(struct dp_fake *f, struct fake_session *s)
{
	for (unsigned i = 0; i < s->pub.s.n_prefixes; i++) {
		struct fake_owner *o = calloc(1, sizeof(*o));

		o->key.half = s->pub.s.half;
		o->key.len = s->prefixes[i].len;
		o->key.addr = s->prefixes[i].addr;
		o->session = s;
		HASH_ADD(hh, f->owners, key, sizeof(o->key), o);
	}
}

static int fake_pool_put(struct dataplane *dp, const struct prefix6 *aggregate, uint32_t n)
{
	(void)aggregate;
	(void)n;
	fake(dp)->pools++;
	return 0;
}

static int fake_peer_put(struct dataplane *dp, const struct dp_peer *p, dp_ref *out)
{
	struct dp_fake *f = fake(dp);
	struct fake_peer *e;
	int err = injected(f, DP_FAKE_PEER_PUT);

	if (err)
		return err;
	for (e = f->peers; e; e = e->hh.next) {
		if (addr6_eq(&e->peer.local, &p->local) && addr6_eq(&e->peer.remote, &p->remote) &&
		    e->peer.encap == p->encap) {
			*out = e->ref;
			return 0;
		}
	}
	if (f->max_peers && HASH_COUNT(f->peers) >= f->max_peers)
		return -ENOSPC;
	e = calloc(1, sizeof(*e));
	e->peer = *p;
	e->ref = ++f->last_ref;
	HASH_ADD(hh, f->peers, ref, sizeof(e->ref), e);
	*out = e->ref;
	return 0;
}

static bool path_uses(const struct dp_path *p, dp_ref peer)
{
	return p->kind == DP_TO_PEER && p->peer == peer;
}

static void fake_peer_del(struct dataplane *dp, dp_ref ref)
{
	struct dp_fake *f = fake(dp);
	struct fake_peer *e = peer_find(f, ref);

	if (!e)
		return;
	for (const struct fake_session *s = f->sessions; s; s = s->hh.next) {
		if (path_uses(&s->pub.s.down, ref) || path_uses(&s->pub.s.up, ref))
			violate(f, "peer deleted while a session uses it");
	}
	HASH_DEL(f->peers, e);
	free(e);
}

static uint32_t fake_peer_mtu(struct dataplane *dp, dp_ref peer)
{
	struct dp_fake *f = fake(dp);

	if (!peer_find(f, peer))
		violate(f, "MTU of a peer that does not exist");
	return f->mtu;
}

static bool path_ok(const struct dp_fake *f, const struct dp_path *p)
{
	return p->kind != DP_TO_PEER || peer_find(f, p->peer);
}

static int fake_session_put(struct dataplane *dp, const struct dp_session *in, dp_ref *ref)
{
	struct dp_fake *f = fake(dp);
	struct fake_session *s = NULL;
	int err = injected(f, DP_FAKE_SESSION_PUT);

	if (err)
		return err;
	if (*ref) {
		s = session_find(f, *ref);
		if (!s) {
			violate(f, "session_put with a reference that does not exist");
			return -ENOENT;
		}
	}
	if (in->n_prefixes > DP_PREFIXES_MAX)
		return -EINVAL;
	if (!path_ok(f, &in->down) || !path_ok(f, &in->up)) {
		violate(f, "session through a peer that does not exist");
		return -ENOENT;
	}
	for (unsigned i = 0; i < in->n_prefixes; i++) {
		const struct fake_owner *o = owner_find(f, in->half, &in->prefixes[i]);

		if (o && o->session != s)
			return -EEXIST;
	}
	if (!s) {
		if (f->max_sessions && HASH_COUNT(f->sessions) >= f->max_sessions)
			return -ENOSPC;
		s = calloc(1, sizeof(*s));
		s->pub.ref = ++f->last_ref;
		HASH_ADD(hh, f->sessions, pub.ref, sizeof(s->pub.ref), s);
	} else {
		disown(f, s);
	}
	s->pub.s = *in;
	if (in->n_prefixes)
		memcpy(s->prefixes, in->prefixes, in->n_prefixes * sizeof(s->prefixes[0]));
	if (in->mnid.len)
		memcpy(s->id, in->mnid.id, in->mnid.len);
	s->pub.s.prefixes = s->prefixes;
	s->pub.s.mnid.id = s->id;
	own(f, s);
	*ref = s->pub.ref;
	return 0;
}

static void fake_session_del(struct dataplane *dp, dp_ref ref)
{
	struct dp_fake *f = fake(dp);
	struct fake_session *s = session_find(f, ref);

	if (!s)
		return;
	disown(f, s);
	HASH_DEL(f->sessions, s);
	free(s);
}

static int fake_session_move(struct dataplane *dp, dp_ref ref, const struct dp_path *down)
{
	struct dp_fake *f = fake(dp);
	struct fake_session *s;
	int err = injected(f, DP_FAKE_SESSION_MOVE);

	if (err)
		return err;
	s = session_find(f, ref);
	if (!s || !path_ok(f, down)) {
		violate(f, "session_move with a reference that does not exist");
		return -ENOENT;
	}
	s->pub.s.down = *down;
	s->pub.moves++;
	return 0;
}

static int fake_session_mode(struct dataplane *dp, dp_ref ref, enum dp_mode mode)
{
	struct fake_session *s = session_find(fake(dp), ref);

	if (!s) {
		violate(fake(dp), "session_mode with a reference that does not exist");
		return -ENOENT;
	}
	s->pub.s.mode = mode;
	return 0;
}

static int fake_session_stats(struct dataplane *dp, dp_ref ref, struct dp_stats *out)
{
	if (!session_find(fake(dp), ref))
		return -ENOENT;
	memset(out, 0, sizeof(*out));
	return 0;
}

static void fake_walk(struct dataplane *dp, const struct dp_walk *w)
{
	const struct dp_fake *f = fake(dp);

	for (const struct fake_peer *p = f->peers; w->peer && p; p = p->hh.next)
		w->peer(w->ctx, p->ref, &p->peer);
	for (const struct fake_session *s = f->sessions; w->session && s; s = s->hh.next)
		w->session(w->ctx, s->pub.ref, &s->pub.s);
}

static const struct dataplane_ops fake_ops = {
	.pool_put = fake_pool_put,
	.peer_put = fake_peer_put,
	.peer_del = fake_peer_del,
	.peer_mtu = fake_peer_mtu,
	.session_put = fake_session_put,
	.session_del = fake_session_del,
	.session_move = fake_session_move,
	.session_mode = fake_session_mode,
	.session_stats = fake_session_stats,
	.walk = fake_walk,
};

int dp_fake_new(struct dp_fake **out)
{
	struct dp_fake *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->dp.ops = &fake_ops;
	f->mtu = 1460;
	*out = f;
	return 0;
}

void dp_fake_free(struct dp_fake **p)
{
	struct dp_fake *f = *p;
	struct fake_session *s, *next_s;
	struct fake_peer *e, *next_e;

	if (!f)
		return;
	HASH_ITER(hh, f->sessions, s, next_s)
		fake_session_del(&f->dp, s->pub.ref);
	HASH_ITER(hh, f->peers, e, next_e) {
		HASH_DEL(f->peers, e);
		free(e);
	}
	free(f);
	*p = NULL;
}

struct dataplane *dp_fake_dataplane(struct dp_fake *f)
{
	return &f->dp;
}

void dp_fake_fail(struct dp_fake *f, enum dp_fake_op op, unsigned times, int err)
{
	f->fail[op].times = times;
	f->fail[op].err = err;
}

void dp_fake_limit(struct dp_fake *f, size_t max_peers, size_t max_sessions)
{
	f->max_peers = max_peers;
	f->max_sessions = max_sessions;
}

void dp_fake_set_mtu(struct dp_fake *f, uint32_t mtu)
{
	f->mtu = mtu;
}

const struct dp_fake_session *dp_fake_by_prefix(const struct dp_fake *f, enum dp_half half,
						const struct prefix6 *prefix)
{
	const struct fake_owner *o = owner_find(f, half, prefix);

	return o ? &o->session->pub : NULL;
}

const struct dp_fake_session *dp_fake_by_ref(const struct dp_fake *f, dp_ref ref)
{
	const struct fake_session *s = session_find(f, ref);

	return s ? &s->pub : NULL;
}

const struct dp_peer *dp_fake_peer(const struct dp_fake *f, dp_ref ref)
{
	const struct fake_peer *p = peer_find(f, ref);

	return p ? &p->peer : NULL;
}

size_t dp_fake_peers(const struct dp_fake *f)
{
	return HASH_COUNT(f->peers);
}

size_t dp_fake_sessions(const struct dp_fake *f)
{
	return HASH_COUNT(f->sessions);
}

size_t dp_fake_pools(const struct dp_fake *f)
{
	return f->pools;
}

unsigned dp_fake_violations(const struct dp_fake *f, const char **what)
{
	if (what)
		*what = f->violation;
	return f->violations;
}
