/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests tell the simulated data plane, and ask it. */
#include <errno.h>
#include <string.h>

#include "dataplane/dp_fake_own.h"

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

static void restart_session(struct fake_session *s)
{
	s->unclaimed = true;
	memset(&s->pub.buffered, 0, sizeof(s->pub.buffered));
}

void dp_fake_restart(struct dp_fake *f)
{
	for (struct fake_peer *p = f->peers; p; p = p->hh.next)
		p->unclaimed = true;
	for (struct fake_session *s = f->sessions; s; s = s->hh.next)
		restart_session(s);
	f->pools = f->pools4 = 0;
}

void dp_fake_set_first_key(struct dp_fake *f, uint32_t first)
{
	f->last_key = first - 1;
}

void dp_fake_set_mtu(struct dp_fake *f, uint32_t mtu)
{
	f->mtu = mtu;
}

const struct dp_fake_session *dp_fake_by_prefix(const struct dp_fake *f, enum dp_half half,
						const struct prefix6 *prefix)
{
	const struct owner_key key = dp_fake_prefix_key(half, prefix);
	const struct fake_owner *o = dp_fake_owner_at(f, &key);

	return o ? &o->session->pub : NULL;
}

const struct dp_fake_session *dp_fake_by_addr4(const struct dp_fake *f, enum dp_half half,
					       uint16_t domain, struct in_addr addr)
{
	const struct owner_key key = dp_fake_addr4_key(half, domain, addr);
	const struct fake_owner *o = dp_fake_owner_at(f, &key);

	return o ? &o->session->pub : NULL;
}

const struct dp_fake_session *dp_fake_by_key(const struct dp_fake *f, uint32_t key)
{
	for (const struct fake_session *s = f->sessions; key && s; s = s->hh.next) {
		if (s->key == key)
			return &s->pub;
	}
	return NULL;
}

const struct dp_fake_session *dp_fake_by_ref(const struct dp_fake *f, dp_ref ref)
{
	const struct fake_session *s = dp_fake_session_find(f, ref);

	return s ? &s->pub : NULL;
}

const struct dp_peer *dp_fake_peer(const struct dp_fake *f, dp_ref ref)
{
	const struct fake_peer *p = dp_fake_peer_find(f, ref);

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

size_t dp_fake_pools4(const struct dp_fake *f)
{
	return f->pools4;
}

unsigned dp_fake_violations(const struct dp_fake *f, const char **what)
{
	if (what)
		*what = f->violation;
	return f->violations;
}

/* ---- packets that wait */

static uint64_t waiting(const struct dp_fake *f)
{
	uint64_t n = 0;

	for (const struct fake_session *s = f->sessions; s; s = s->hh.next)
		n += s->pub.buffered.packets;
	return n;
}

int dp_fake_arrive(struct dp_fake *f, dp_ref session, unsigned packets, unsigned octets)
{
	struct fake_session *s = dp_fake_session_find(f, session);
	struct dp_buffered *b;

	if (!s)
		return -ENOENT;
	b = &s->pub.buffered;
	if (s->pub.s.mode == DP_FORWARD && s->pub.s.down.kind != DP_TO_NOWHERE) {
		s->pub.arrived += packets;
		return (int)packets;
	}
	for (unsigned i = 0; s->pub.s.mode == DP_BUFFER && i < packets; i++) {
		b->kept++;
		if (f->node_packets && b->packets >= f->node_packets) {
			b->dropped[DP_BUFFER_NODE_PACKETS]++;
		} else if (f->all_packets && waiting(f) >= f->all_packets) {
			b->dropped[DP_BUFFER_ALL_PACKETS]++;
		} else {
			b->packets++;
			b->octets += octets;
		}
	}
	return 0;
}

void dp_fake_limit_buffer(struct dp_fake *f, uint32_t node_packets, uint32_t all_packets,
			  size_t max_sessions)
{
	f->node_packets = node_packets;
	f->all_packets = all_packets;
	f->max_buffers = max_sessions;
}
