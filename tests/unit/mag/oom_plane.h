/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A data plane that keeps its own memory when that of the MAG runs out: for tests with lib/oom.h,
 * which is to be included before.
 */
#pragma once

#include "core/dataplane.h"

struct oom_plane {
	struct dataplane dp; /* first: what the MAG has is this */
	struct dataplane *below;
};

#define BELOW(dp) (((struct oom_plane *)(dp))->below)

/* The allocations of `call` do not count and do not fail. */
#define WITH_MEMORY(call)                        \
	({                                       \
		const unsigned left_ = oom.left; \
		const bool now_ = oom.now;       \
		__typeof__(call) result_;        \
		oom.left = 0;                    \
		oom.now = false;                 \
		result_ = (call);                \
		oom.left = left_;                \
		oom.now = now_;                  \
		result_;                         \
	})

static int oom_peer_put(struct dataplane *dp, const struct dp_peer *p, dp_ref *out)
{
	return WITH_MEMORY(BELOW(dp)->ops->peer_put(BELOW(dp), p, out));
}

static void oom_peer_del(struct dataplane *dp, dp_ref ref)
{
	BELOW(dp)->ops->peer_del(BELOW(dp), ref);
}

static uint32_t oom_peer_mtu(struct dataplane *dp, dp_ref ref)
{
	return BELOW(dp)->ops->peer_mtu(BELOW(dp), ref);
}

static int oom_session_put(struct dataplane *dp, const struct dp_session *s, dp_ref *ref)
{
	return WITH_MEMORY(BELOW(dp)->ops->session_put(BELOW(dp), s, ref));
}

static void oom_session_del(struct dataplane *dp, dp_ref ref)
{
	BELOW(dp)->ops->session_del(BELOW(dp), ref);
}

static int oom_session_move(struct dataplane *dp, dp_ref ref, const struct dp_path *down)
{
	return BELOW(dp)->ops->session_move(BELOW(dp), ref, down);
}

static int oom_session_key(struct dataplane *dp, dp_ref ref, uint32_t *key)
{
	return BELOW(dp)->ops->session_key(BELOW(dp), ref, key);
}

static int oom_buffered(struct dataplane *dp, dp_ref ref, struct dp_buffered *out)
{
	return BELOW(dp)->ops->buffered(BELOW(dp), ref, out);
}

static const struct dataplane_ops oom_plane_ops = {
	.peer_put = oom_peer_put,
	.peer_del = oom_peer_del,
	.peer_mtu = oom_peer_mtu,
	.session_put = oom_session_put,
	.session_del = oom_session_del,
	.session_move = oom_session_move,
	.session_key = oom_session_key,
	.buffered = oom_buffered,
};

/* The n-th allocation from here on fails, and all after it. */
static void fail_at(unsigned n)
{
	oom.left = n;
	oom.now = false;
}

/* True: one did fail. */
static bool memory_again(void)
{
	bool failed = oom.now;

	oom.left = 0;
	oom.now = false;
	return failed;
}
