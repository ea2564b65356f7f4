/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_bpf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "dataplane/dp_err.h"
#include "dataplane/dp_state.h"

int dp_fail(char *err, size_t errlen, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, errlen, fmt, ap);
	va_end(ap);
	return code > 0 ? -code : -EIO;
}

static struct dp_bpf *self(struct dataplane *dp)
{
	return container_of(dp, struct dp_bpf, dp);
}

static int op_pool_put(struct dataplane *dp, const struct prefix6 *aggregate, uint32_t n)
{
	return dp_slots_pool(&self(dp)->slots, aggregate, n);
}

static int op_pool4_put(struct dataplane *dp, uint16_t domain, struct in_addr aggregate,
			uint8_t len, uint32_t n)
{
	return dp_slots_pool4(&self(dp)->slots, domain, aggregate, len, n);
}

static int op_peer_put(struct dataplane *dp, const struct dp_peer *p, dp_ref *out)
{
	return dp_peer_put(self(dp), p, out);
}

static void op_peer_del(struct dataplane *dp, dp_ref peer)
{
	dp_peer_del(self(dp), peer);
}

static uint32_t op_peer_mtu(struct dataplane *dp, dp_ref peer)
{
	return dp_peer_mtu(self(dp), peer);
}

static int op_session_put(struct dataplane *dp, const struct dp_session *s, dp_ref *ref)
{
	int r = dp_session_put(self(dp), s, ref);

	if (r == 0)
		dp_slow_arrived(self(dp), s);
	return r;
}

static void op_session_del(struct dataplane *dp, dp_ref ref)
{
	dp_session_del(self(dp), ref);
}

static int op_session_move(struct dataplane *dp, dp_ref ref, const struct dp_path *down)
{
	return dp_session_move(self(dp), ref, down);
}

static int op_session_mode(struct dataplane *dp, dp_ref ref, enum dp_mode mode)
{
	return dp_session_mode(self(dp), ref, mode);
}

static int op_session_key(struct dataplane *dp, dp_ref ref, uint32_t *key)
{
	return dp_session_key(self(dp), ref, key);
}

static int op_session_stats(struct dataplane *dp, dp_ref ref, struct dp_stats *out)
{
	return dp_session_stats(self(dp), ref, out);
}

static int op_buffered(struct dataplane *dp, dp_ref ref, struct dp_buffered *out)
{
	return dp_session_buffered(self(dp), ref, out);
}

static void op_walk(struct dataplane *dp, const struct dp_walk *w)
{
	dp_peer_walk(self(dp), w, false);
	dp_session_walk(self(dp), w, false);
}

static void op_adopted(struct dataplane *dp, const struct dp_walk *w)
{
	dp_peer_walk(self(dp), w, true);
	dp_session_walk(self(dp), w, true);
}

static size_t op_sweep(struct dataplane *dp)
{
	return dp_adopt_sweep(self(dp));
}

static const struct dataplane_ops ops = {
	.pool_put = op_pool_put,
	.pool4_put = op_pool4_put,
	.peer_put = op_peer_put,
	.peer_del = op_peer_del,
	.peer_mtu = op_peer_mtu,
	.session_put = op_session_put,
	.session_del = op_session_del,
	.session_move = op_session_move,
	.session_mode = op_session_mode,
	.session_key = op_session_key,
	.session_stats = op_session_stats,
	.buffered = op_buffered,
	.walk = op_walk,
	.adopted = op_adopted,
	.sweep = op_sweep,
};

/* ---- the same for a daemon that takes itself apart */

static int left_put(struct dataplane *dp, const struct dp_peer *p, dp_ref *out)
{
	(void)dp;
	(void)p;
	(void)out;
	return -ESHUTDOWN;
}

static void left_del(struct dataplane *dp, dp_ref ref)
{
	(void)dp;
	(void)ref;
}

static int left_session_put(struct dataplane *dp, const struct dp_session *s, dp_ref *ref)
{
	(void)dp;
	(void)s;
	(void)ref;
	return -ESHUTDOWN;
}

static int left_move(struct dataplane *dp, dp_ref ref, const struct dp_path *down)
{
	(void)dp;
	(void)ref;
	(void)down;
	return 0;
}

static int left_mode(struct dataplane *dp, dp_ref ref, enum dp_mode mode)
{
	(void)dp;
	(void)ref;
	(void)mode;
	return 0;
}

static size_t left_sweep(struct dataplane *dp)
{
	(void)dp;
	return 0;
}

static const struct dataplane_ops left = {
	.pool_put = op_pool_put,
	.pool4_put = op_pool4_put,
	.peer_put = left_put,
	.peer_del = left_del,
	.peer_mtu = op_peer_mtu,
	.session_put = left_session_put,
	.session_del = left_del,
	.session_move = left_move,
	.session_mode = left_mode,
	.session_key = op_session_key,
	.session_stats = op_session_stats,
	.buffered = op_buffered,
	.walk = op_walk,
	.adopted = op_adopted,
	.sweep = left_sweep,
};

void dp_bpf_leave(struct dp_bpf *dp)
{
	dp_buffers_leave(dp);
	dp->left = true;
	dp->dp.ops = &left;
}

/* ---- */

int dp_bpf_new(struct dp_bpf **out, const struct dp_bpf_cfg *cfg, char *err, size_t errlen)
{
	struct dp_bpf *dp = calloc(1, sizeof(*dp));
	int r;

	if (!dp)
		return dp_fail(err, errlen, ENOMEM, "out of memory");
	dp->dp.ops = &ops;
	dp->cfg = *cfg;
	dp->cfg.instance = dp->cfg.bpffs = NULL;
	dp->cfg.spread_cpu = NULL;
	r = dp_load(&dp->maps, cfg, err, errlen);
	if (r < 0)
		goto fail;
	if (dp_slots_init(&dp->slots, &dp->maps) < 0 ||
	    dp_halves_init(&dp->halves, &dp->maps) < 0 ||
	    dp_peers_init(&dp->peers, &dp->maps) < 0 || dp_attach_init(&dp->ifaces) < 0) {
		r = dp_fail(err, errlen, ENOMEM, "not enough memory for %u sessions: ask for fewer",
			    dp->maps.n_slots);
		goto fail;
	}
	if (dp_slow_init(dp) < 0) {
		r = dp_fail(err, errlen, ENOMEM, "cannot open the ring of packets for the daemon");
		goto fail;
	}
	if (dp_buffers_init(dp) < 0) {
		r = dp_fail(err, errlen, ENOMEM,
			    "not enough memory for packets of nodes in handover");
		goto fail;
	}
	if (dp->maps.adopted && dp_adopt(dp) < 0) {
		r = dp_fail(err, errlen, ENOMEM, "not enough memory to go on with %u sessions",
			    dp->maps.n_slots);
		goto fail;
	}
	dp_route_init(dp);
	*out = dp;
	return 0;
fail:
	/* what an earlier run has left goes on forwarding */
	dp_bpf_free(&dp, !cfg->keep || dp->maps.anew);
	return r;
}

void dp_bpf_free(struct dp_bpf **p, bool flush)
{
	struct dp_bpf *dp = *p;

	if (!dp)
		return;
	dp_slow_free(&dp->slow);
	dp_buffers_free(dp);
	dp_attach_free(dp, flush);
	dp_route_stop(dp);
	dp_peers_free(&dp->peers);
	dp_halves_free(&dp->halves);
	dp_slots_free(&dp->slots);
	dp_unload(&dp->maps, flush);
	free(dp);
	*p = NULL;
}

int dp_bpf_flush(const char *bpffs, const char *instance, char *err, size_t errlen)
{
	struct dp_pins pins;
	int r = dp_pins_open(&pins, bpffs, instance, err, errlen);

	if (r == 0)
		dp_pins_close(&pins, true);
	return r;
}

bool dp_bpf_adopted(const struct dp_bpf *dp)
{
	return dp->maps.adopted;
}

struct dataplane *dp_bpf_dataplane(struct dp_bpf *dp)
{
	return &dp->dp;
}

const char *dp_bpf_pin_dir(const struct dp_bpf *dp)
{
	return dp->maps.pins.dir;
}
