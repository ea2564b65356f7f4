/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "dataplane/dp_fake_own.h"

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

struct fake_peer *dp_fake_peer_find(const struct dp_fake *f, dp_ref ref)
{
	struct fake_peer *p;

	HASH_FIND(hh, f->peers, &ref, sizeof(ref), p);
	return p;
}

struct fake_session *dp_fake_session_find(const struct dp_fake *f, dp_ref ref)
{
	struct fake_session *s;

	HASH_FIND(hh, f->sessions, &ref, sizeof(ref), s);
	return s;
}

struct fake_owner *dp_fake_owner_at(const struct dp_fake *f, const struct owner_key *key)
{
	struct fake_owner *o;

	HASH_FIND(hh, f->owners, key, sizeof(*key), o);
	return o;
}

struct owner_key dp_fake_prefix_key(enum dp_half half, const struct prefix6 *p)
{
	struct owner_key key;

	memset(&key, 0, sizeof(key));
	key.half = (uint8_t)half;
	key.len = p->len;
	key.addr = p->addr;
	return key;
}

struct owner_key dp_fake_addr4_key(enum dp_half half, uint16_t domain, struct in_addr addr)
{
	struct owner_key key;

	memset(&key, 0, sizeof(key));
	key.half = (uint8_t)half;
	key.len = 128;
	key.domain = domain;
	key.addr.s6_addr[10] = key.addr.s6_addr[11] = 0xff;
	memcpy(&key.addr.s6_addr[12], &addr, sizeof(addr));
	return key;
}

/* The keys of all home addresses of a session. */
static unsigned keys_of(const struct dp_session *s, struct owner_key key[DP_PREFIXES_MAX + 1])
{
	unsigned n = 0;

	while (n < s->n_prefixes) {
		key[n] = dp_fake_prefix_key(s->half, &s->prefixes[n]);
		n++;
	}
	if (s->addr4.s_addr)
		key[n++] = dp_fake_addr4_key(s->half, s->domain, s->addr4);
	return n;
}

static void disown(struct dp_fake *f, struct fake_session *s)
{
	struct owner_key key[DP_PREFIXES_MAX + 1];
	unsigned n = keys_of(&s->pub.s, key);

	for (unsigned i = 0; i < n; i++) {
		struct fake_owner *o = dp_fake_owner_at(f, &key[i]);

		HASH_DEL(f->owners, o);
		free(o);
	}
}

static void own(struct dp_fake *f, struct fake_session *s)
{
	struct owner_key key[DP_PREFIXES_MAX + 1];
	unsigned n = keys_of(&s->pub.s, key);

	for (unsigned i = 0; i < n; i++) {
		struct fake_owner *o = calloc(1, sizeof(*o));

		o->key = key[i];
		o->session = s;
		HASH_ADD(hh, f->owners, key, sizeof(o->key), o);
	}
}

/* No node can have an address of ::/8, and none has anything longer than a /64. */
static bool prefix_fits(const struct prefix6 *p)
{
	return p->len && p->len <= 64 && p->addr.s6_addr[0];
}

static int fake_pool_put(struct dataplane *dp, const struct prefix6 *aggregate, uint32_t n)
{
	if (!n || !prefix_fits(aggregate))
		return -EINVAL;
	fake(dp)->pools++;
	return 0;
}

static int fake_pool4_put(struct dataplane *dp, uint16_t domain, struct in_addr aggregate,
			  uint8_t len, uint32_t n)
{
	(void)domain;
	(void)aggregate;
	if (!n || len > 32)
		return -EINVAL;
	fake(dp)->pools4++;
	return 0;
}

static int fake_peer_put(struct dataplane *dp, const struct dp_peer *p, dp_ref *out)
{
	const bool ip4 = IN6_IS_ADDR_V4MAPPED(&p->remote);
	struct dp_fake *f = fake(dp);
	struct fake_peer *e;
	int err = injected(f, DP_FAKE_PEER_PUT);

	if (err)
		return err;
	if (p->encap >= DP_ENCAP_MAX || IN6_IS_ADDR_V4MAPPED(&p->local) != ip4 ||
	    (!ip4 && p->encap >= DP_ENCAP_UDP))
		return -EINVAL;
	for (e = f->peers; e; e = e->hh.next) {
		if (addr6_eq(&e->peer.local, &p->local) && addr6_eq(&e->peer.remote, &p->remote) &&
		    e->peer.encap == p->encap) {
			e->unclaimed = false;
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

static bool session_uses(const struct dp_session *s, dp_ref peer)
{
	return path_uses(&s->down, peer) || path_uses(&s->up, peer) || s->also_from == peer;
}

static void fake_peer_del(struct dataplane *dp, dp_ref ref)
{
	struct dp_fake *f = fake(dp);
	struct fake_peer *e = dp_fake_peer_find(f, ref);
	bool adopted = false;

	if (!e)
		return;
	for (const struct fake_session *s = f->sessions; s; s = s->hh.next) {
		if (!session_uses(&s->pub.s, ref))
			continue;
		if (s->unclaimed)
			adopted = true;
		else
			violate(f, "peer deleted while a session uses it");
	}
	if (adopted) {
		e->unclaimed = true;
		return;
	}
	HASH_DEL(f->peers, e);
	free(e);
}

static uint32_t fake_peer_mtu(struct dataplane *dp, dp_ref peer)
{
	struct dp_fake *f = fake(dp);

	if (!dp_fake_peer_find(f, peer))
		violate(f, "MTU of a peer that does not exist");
	return f->mtu;
}

static bool path_ok(const struct dp_fake *f, const struct dp_path *p)
{
	return p->kind != DP_TO_PEER || dp_fake_peer_find(f, p->peer);
}

/* Both ends of a keyed tunnel mark what they send with what the other end chose. */
static void check_keys(struct dp_fake *f, const struct dp_path *p, bool keyed)
{
	const struct fake_peer *e = p->kind == DP_TO_PEER ? dp_fake_peer_find(f, p->peer) : NULL;

	if (e && dp_encap_keyed(e->peer.encap) && !keyed)
		violate(f, "a session without a key of its own in a keyed tunnel");
}

static int check_session(struct dp_fake *f, const struct dp_session *in,
			 const struct fake_session *mine)
{
	struct owner_key key[DP_PREFIXES_MAX + 1];
	unsigned n;

	if (in->n_prefixes > DP_PREFIXES_MAX || (in->half != DP_ANCHOR && in->half != DP_ACCESS) ||
	    (in->domain && !in->keyed && in->half != DP_ACCESS) ||
	    (in->half != DP_ACCESS && in->mode == DP_BUFFER) ||
	    (mine && mine->pub.s.half != in->half))
		return -EINVAL;
	if (!path_ok(f, &in->down) || !path_ok(f, &in->up) ||
	    (in->also_from && !dp_fake_peer_find(f, in->also_from))) {
		violate(f, "session through a peer that does not exist");
		return -ENOENT;
	}
	n = keys_of(in, key);
	for (unsigned i = 0; i < in->n_prefixes; i++) {
		if (!prefix_fits(&in->prefixes[i]))
			return -EINVAL;
		for (unsigned j = 0; j < i; j++) {
			if (prefix6_eq(&in->prefixes[i], &in->prefixes[j]))
				return -EINVAL;
		}
	}
	for (unsigned i = 0; i < n; i++) {
		const struct fake_owner *o = dp_fake_owner_at(f, &key[i]);

		if (o && o->session != mine)
			return -EEXIST;
	}
	check_keys(f, &in->down, in->keyed);
	check_keys(f, &in->up, in->keyed);
	return 0;
}

/* ---- packets that wait */

static size_t buffering(const struct dp_fake *f)
{
	size_t n = 0;

	for (const struct fake_session *s = f->sessions; s; s = s->hh.next)
		n += s->pub.s.mode == DP_BUFFER;
	return n;
}

static bool may_buffer(const struct dp_fake *f, const struct fake_session *s, enum dp_mode mode)
{
	return mode != DP_BUFFER || (s && s->pub.s.mode == DP_BUFFER) || !f->max_buffers ||
	       buffering(f) < f->max_buffers;
}

static void drop_kept(struct dp_buffered *b, enum dp_buffer_drop why)
{
	b->dropped[why] += b->packets;
	b->packets = 0;
	b->octets = 0;
}

/* What the session's mode and path make of the packets that wait. */
static void settle(struct fake_session *s)
{
	struct dp_buffered *b = &s->pub.buffered;

	if (s->pub.s.mode == DP_BUFFER)
		return;
	if (s->pub.s.mode == DP_DROP) {
		drop_kept(b, DP_BUFFER_DISCARDED);
	} else if (s->pub.s.down.kind == DP_TO_NOWHERE) {
		drop_kept(b, DP_BUFFER_NO_WAY);
	} else {
		b->handed_on += b->packets;
		s->pub.arrived += b->packets;
		b->packets = 0;
		b->octets = 0;
	}
}

static int fake_buffered(struct dataplane *dp, dp_ref ref, struct dp_buffered *out)
{
	struct dp_fake *f = fake(dp);
	const struct fake_session *s = dp_fake_session_find(f, ref);

	if (!s)
		return -ENOENT;
	*out = s->pub.buffered;
	out->max_packets = f->node_packets;
	return 0;
}

static void fake_session_del(struct dataplane *dp, dp_ref ref)
{
	struct dp_fake *f = fake(dp);
	struct fake_session *s = dp_fake_session_find(f, ref);

	if (!s)
		return;
	disown(f, s);
	HASH_DEL(f->sessions, s);
	free(s);
}

static bool same_node(const struct dp_session *a, const struct dp_session *b)
{
	return a->half == b->half && a->mnid.subtype == b->mnid.subtype &&
	       a->mnid.len == b->mnid.len &&
	       (!a->mnid.len || !memcmp(a->mnid.id, b->mnid.id, a->mnid.len));
}

/* The unclaimed session that is put again. */
static struct fake_session *unclaimed_like(const struct dp_fake *f, const struct dp_session *in)
{
	struct owner_key key[DP_PREFIXES_MAX + 1], other[DP_PREFIXES_MAX + 1];
	unsigned n = in->n_prefixes > DP_PREFIXES_MAX ? 0 : keys_of(in, key);

	for (unsigned i = 0; i < n; i++) {
		const struct fake_owner *o = dp_fake_owner_at(f, &key[i]);

		if (o && o->session->unclaimed && same_node(&o->session->pub.s, in))
			return o->session;
	}
	for (struct fake_session *s = f->sessions; !n && s; s = s->hh.next) {
		if (s->unclaimed && same_node(&s->pub.s, in) && !keys_of(&s->pub.s, other))
			return s;
	}
	return NULL;
}

/* Others that nobody has claimed give way. */
static void make_way(struct dp_fake *f, const struct dp_session *in,
		     const struct fake_session *mine)
{
	struct owner_key key[DP_PREFIXES_MAX + 1];
	unsigned n = in->n_prefixes > DP_PREFIXES_MAX ? 0 : keys_of(in, key);

	for (unsigned i = 0; i < n; i++) {
		const struct fake_owner *o = dp_fake_owner_at(f, &key[i]);

		if (o && o->session->unclaimed && o->session != mine)
			fake_session_del(&f->dp, o->session->pub.ref);
	}
}

static int fake_session_put(struct dataplane *dp, const struct dp_session *in, dp_ref *ref)
{
	struct dp_fake *f = fake(dp);
	struct fake_session *s = NULL;
	int err = injected(f, DP_FAKE_SESSION_PUT);

	if (err)
		return err;
	if (*ref) {
		s = dp_fake_session_find(f, *ref);
		if (!s) {
			violate(f, "session_put with a reference that does not exist");
			return -ENOENT;
		}
	}
	if (!s)
		s = unclaimed_like(f, in);
	make_way(f, in, s);
	err = check_session(f, in, s);
	if (err)
		return err;
	if (!may_buffer(f, s, in->mode))
		return -ENOSPC;
	if (!s) {
		if (f->max_sessions && HASH_COUNT(f->sessions) >= f->max_sessions)
			return -ENOSPC;
		s = calloc(1, sizeof(*s));
		s->pub.ref = ++f->last_ref;
		HASH_ADD(hh, f->sessions, pub.ref, sizeof(s->pub.ref), s);
	} else {
		disown(f, s);
	}
	s->unclaimed = false;
	s->pub.s = *in;
	if (in->n_prefixes)
		memcpy(s->prefixes, in->prefixes, in->n_prefixes * sizeof(s->prefixes[0]));
	if (in->mnid.len)
		memcpy(s->id, in->mnid.id, in->mnid.len);
	s->pub.s.prefixes = s->prefixes;
	s->pub.s.mnid.id = s->id;
	if (!in->keyed)
		s->key = 0;
	else if (!s->key)
		s->key = ++f->last_key;
	own(f, s);
	settle(s);
	*ref = s->pub.ref;
	return 0;
}

static int fake_session_move(struct dataplane *dp, dp_ref ref, const struct dp_path *down)
{
	struct dp_fake *f = fake(dp);
	struct fake_session *s;
	int err = injected(f, DP_FAKE_SESSION_MOVE);

	if (err)
		return err;
	s = dp_fake_session_find(f, ref);
	if (!s || !path_ok(f, down)) {
		violate(f, "session_move with a reference that does not exist");
		return -ENOENT;
	}
	check_keys(f, down, s->pub.s.keyed);
	s->pub.s.down = *down;
	s->pub.moves++;
	return 0;
}

static int fake_session_mode(struct dataplane *dp, dp_ref ref, enum dp_mode mode)
{
	struct dp_fake *f = fake(dp);
	struct fake_session *s = dp_fake_session_find(f, ref);
	/* only this mode needs anything that there may be too little of */
	int err = mode == DP_BUFFER ? injected(f, DP_FAKE_SESSION_MODE) : 0;

	if (err)
		return err;
	if (!s) {
		violate(f, "session_mode with a reference that does not exist");
		return -ENOENT;
	}
	if (mode == DP_BUFFER && s->pub.s.half != DP_ACCESS)
		return -EINVAL;
	if (!may_buffer(f, s, mode))
		return -ENOSPC;
	s->pub.s.mode = mode;
	settle(s);
	return 0;
}

static int fake_session_key(struct dataplane *dp, dp_ref ref, uint32_t *key)
{
	const struct fake_session *s = dp_fake_session_find(fake(dp), ref);

	if (!s || !s->key)
		return -ENOENT;
	*key = s->key;
	return 0;
}

static int fake_session_stats(struct dataplane *dp, dp_ref ref, struct dp_stats *out)
{
	if (!dp_fake_session_find(fake(dp), ref))
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

static void fake_adopted(struct dataplane *dp, const struct dp_walk *w)
{
	const struct dp_fake *f = fake(dp);

	for (const struct fake_peer *p = f->peers; w->peer && p; p = p->hh.next) {
		if (p->unclaimed)
			w->peer(w->ctx, p->ref, &p->peer);
	}
	for (const struct fake_session *s = f->sessions; w->session && s; s = s->hh.next) {
		if (s->unclaimed)
			w->session(w->ctx, s->pub.ref, &s->pub.s);
	}
}

static bool in_use(const struct dp_fake *f, dp_ref peer)
{
	for (const struct fake_session *s = f->sessions; s; s = s->hh.next) {
		if (session_uses(&s->pub.s, peer))
			return true;
	}
	return false;
}

static size_t fake_sweep(struct dataplane *dp)
{
	struct dp_fake *f = fake(dp);
	struct fake_session *s, *next_s;
	struct fake_peer *p, *next_p;
	size_t n = 0;

	HASH_ITER (hh, f->sessions, s, next_s) {
		if (!s->unclaimed)
			continue;
		fake_session_del(dp, s->pub.ref);
		n++;
	}
	HASH_ITER (hh, f->peers, p, next_p) {
		if (!p->unclaimed)
			continue;
		p->unclaimed = false;
		if (in_use(f, p->ref))
			continue;
		fake_peer_del(dp, p->ref);
		n++;
	}
	return n;
}

static const struct dataplane_ops fake_ops = {
	.pool_put = fake_pool_put,
	.pool4_put = fake_pool4_put,
	.peer_put = fake_peer_put,
	.peer_del = fake_peer_del,
	.peer_mtu = fake_peer_mtu,
	.session_put = fake_session_put,
	.session_del = fake_session_del,
	.session_move = fake_session_move,
	.session_mode = fake_session_mode,
	.session_key = fake_session_key,
	.session_stats = fake_session_stats,
	.buffered = fake_buffered,
	.walk = fake_walk,
	.adopted = fake_adopted,
	.sweep = fake_sweep,
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
	HASH_ITER (hh, f->sessions, s, next_s)
		fake_session_del(&f->dp, s->pub.ref);
	HASH_ITER (hh, f->peers, e, next_e) {
		HASH_DEL(f->peers, e);
		free(e);
	}
	free(f);
	*p = NULL;
}
