/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/life.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

bool sim_acts(struct sim_life *l)
{
	if (l->dead)
		return false;
	l->deeds++;
	l->dead = l->last && l->deeds >= l->last;
	return !l->dead;
}

/* ---- the data plane's face */

static struct sim_life *life_of(struct dataplane *face)
{
	return container_of(face, struct sim_life, face);
}

static struct dataplane *real(struct dataplane *face)
{
	return dp_fake_dataplane(life_of(face)->dp);
}

static int pool_put(struct dataplane *dp, const struct prefix6 *aggregate, uint32_t n)
{
	return sim_acts(life_of(dp)) ? real(dp)->ops->pool_put(real(dp), aggregate, n) : -EIO;
}

static int pool4_put(struct dataplane *dp, uint16_t domain, struct in_addr aggregate, uint8_t len,
		     uint32_t n)
{
	return sim_acts(life_of(dp)) ? real(dp)->ops->pool4_put(real(dp), domain, aggregate, len, n)
				     : -EIO;
}

static int peer_put(struct dataplane *dp, const struct dp_peer *p, dp_ref *out)
{
	return sim_acts(life_of(dp)) ? real(dp)->ops->peer_put(real(dp), p, out) : -EIO;
}

static void peer_del(struct dataplane *dp, dp_ref peer)
{
	if (sim_acts(life_of(dp)))
		real(dp)->ops->peer_del(real(dp), peer);
}

static uint32_t peer_mtu(struct dataplane *dp, dp_ref peer)
{
	return real(dp)->ops->peer_mtu(real(dp), peer);
}

static int session_put(struct dataplane *dp, const struct dp_session *s, dp_ref *ref)
{
	return sim_acts(life_of(dp)) ? real(dp)->ops->session_put(real(dp), s, ref) : -EIO;
}

static void session_del(struct dataplane *dp, dp_ref ref)
{
	if (sim_acts(life_of(dp)))
		real(dp)->ops->session_del(real(dp), ref);
}

static int session_move(struct dataplane *dp, dp_ref ref, const struct dp_path *down)
{
	return sim_acts(life_of(dp)) ? real(dp)->ops->session_move(real(dp), ref, down) : -EIO;
}

static int session_mode(struct dataplane *dp, dp_ref ref, enum dp_mode mode)
{
	return sim_acts(life_of(dp)) ? real(dp)->ops->session_mode(real(dp), ref, mode) : -EIO;
}

static int session_key(struct dataplane *dp, dp_ref ref, uint32_t *key)
{
	return real(dp)->ops->session_key(real(dp), ref, key);
}

static int session_stats(struct dataplane *dp, dp_ref ref, struct dp_stats *out)
{
	return real(dp)->ops->session_stats(real(dp), ref, out);
}

static int buffered(struct dataplane *dp, dp_ref ref, struct dp_buffered *out)
{
	return real(dp)->ops->buffered(real(dp), ref, out);
}

static void walk(struct dataplane *dp, const struct dp_walk *w)
{
	real(dp)->ops->walk(real(dp), w);
}

static void adopted(struct dataplane *dp, const struct dp_walk *w)
{
	real(dp)->ops->adopted(real(dp), w);
}

static size_t sweep(struct dataplane *dp)
{
	return sim_acts(life_of(dp)) ? real(dp)->ops->sweep(real(dp)) : 0;
}

static const struct dataplane_ops ops = {
	.pool_put = pool_put,
	.pool4_put = pool4_put,
	.peer_put = peer_put,
	.peer_del = peer_del,
	.peer_mtu = peer_mtu,
	.session_put = session_put,
	.session_del = session_del,
	.session_move = session_move,
	.session_mode = session_mode,
	.session_key = session_key,
	.session_stats = session_stats,
	.buffered = buffered,
	.walk = walk,
	.adopted = adopted,
	.sweep = sweep,
};

/* ---- life */

void sim_life_init(struct sim_life *l, bool disk)
{
	l->face.ops = &ops;
	l->dead = l->writing = false;
	l->deeds = 0;
	l->last = l->again;
	l->again = 0;
	l->starting = true;
	if (!l->dp && dp_fake_new(&l->dp))
		abort();
	if (disk && !l->disk && store_fake_new(&l->disk))
		abort();
}

struct store *sim_life_store(struct sim_life *l, uint32_t window_ms)
{
	const struct store_cfg cfg = {.window_ms = window_ms};

	if (!l->disk)
		return NULL;
	store_fake_delay(l->disk, true);
	if (store_new(&l->store, store_fake_backend(l->disk), &cfg))
		abort();
	return l->store;
}

void sim_life_end(struct sim_life *l, bool arrives, nsec_t now)
{
	if (l->disk && arrives)
		store_fake_commit(l->disk, now);
	if (l->disk)
		store_fake_crash(l->disk);
	store_free(&l->store);
}

void sim_life_free(struct sim_life *l)
{
	store_free(&l->store);
	store_fake_free(&l->disk);
	dp_fake_free(&l->dp);
}
