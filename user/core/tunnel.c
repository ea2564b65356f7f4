/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM	 1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>

struct tunnel {
	UT_hash_handle by_peer;
	UT_hash_handle by_ref;
	struct dp_peer peer;
	dp_ref ref;
	uint32_t users;
	bool oom;
};

struct tunnels {
	struct dataplane *dp;
	struct tunnel *peers; /* head of by_peer */
	struct tunnel *refs;  /* head of by_ref */
};

_Static_assert(sizeof(struct dp_peer) == 2 * sizeof(struct in6_addr) + sizeof(enum dp_encap),
	       "a hash key has no holes");

int tunnels_new(struct tunnels **out, struct dataplane *dp)
{
	struct tunnels *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->dp = dp;
	*out = t;
	return 0;
}

static void tunnel_delete(struct tunnels *t, struct tunnel *tun)
{
	HASH_DELETE(by_peer, t->peers, tun);
	HASH_DELETE(by_ref, t->refs, tun);
	t->dp->ops->peer_del(t->dp, tun->ref);
	free(tun);
}

void tunnels_free(struct tunnels **p)
{
	struct tunnels *t = *p;
	struct tunnel *tun, *next;

	if (!t)
		return;
	HASH_ITER (by_peer, t->peers, tun, next)
		tunnel_delete(t, tun);
	free(t);
	*p = NULL;
}

int tunnel_get(struct tunnels *t, const struct dp_peer *peer, dp_ref *out)
{
	struct tunnel *tun;

	HASH_FIND(by_peer, t->peers, peer, sizeof(*peer), tun);
	if (!tun) {
		int err;

		tun = calloc(1, sizeof(*tun));
		if (!tun)
			return -ENOMEM;
		tun->peer = *peer;
		err = t->dp->ops->peer_put(t->dp, peer, &tun->ref);
		if (err) {
			free(tun);
			return err;
		}
		HASH_ADD(by_peer, t->peers, peer, sizeof(tun->peer), tun);
		if (!tun->oom) {
			HASH_ADD(by_ref, t->refs, ref, sizeof(tun->ref), tun);
			if (tun->oom)
				HASH_DELETE(by_peer, t->peers, tun);
		}
		if (tun->oom) {
			t->dp->ops->peer_del(t->dp, tun->ref);
			free(tun);
			return -ENOMEM;
		}
	}
	tun->users++;
	*out = tun->ref;
	return 0;
}

void tunnel_put(struct tunnels *t, dp_ref ref)
{
	struct tunnel *tun;

	HASH_FIND(by_ref, t->refs, &ref, sizeof(ref), tun);
	if (tun && --tun->users == 0)
		tunnel_delete(t, tun);
}

void tunnels_walk(const struct tunnels *t, void (*cb)(void *ctx, const struct tunnel_info *i),
		  void *ctx)
{
	for (const struct tunnel *tun = t->peers; tun; tun = tun->by_peer.next) {
		const struct tunnel_info info = {
			.peer = tun->peer,
			.ref = tun->ref,
			.users = tun->users,
		};
		cb(ctx, &info);
	}
}
