/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading: sizes and loads the BPF objects, lets them share their maps, pins and maps those.
 * Owns the skeletons, the mappings and the pin directory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pmip/abi.h>

#include "dataplane/dp_bpf.h"
#include "dataplane/dp_pin.h"

enum dp_map {
	DP_MAP_SESSION,
	DP_MAP_PREFIX6,
	DP_MAP_ADDR4,
	DP_MAP_KEYS,
	DP_MAP_HINTS,
	DP_MAP_SEEN,
	DP_MAP_MNID,
	DP_MAP_FRAMED,
	DP_MAP_POOL,
	DP_MAP_TUNNEL,
	DP_MAP_ACCESS,
	DP_MAP_IFACE,
	DP_MAP_LOCAL,
	DP_MAP_META,
	DP_MAP_DROP,
	DP_MAP_VERDICT,
	DP_MAP_SLOW,
	DP_MAP_GLOBAL,
	DP_MAP_ROUTE,
	DP_MAP_DOMAIN,
	DP_MAP_HALF,
	DP_MAP_MORE,
	DP_MAP_BUFFER,
	DP_MAP_KEPT,
	DP_MAP_MAX
};

enum dp_prog {
	DP_PROG_XDP_TRANSPORT,
	DP_PROG_XDP_ACCESS,
	DP_PROG_TC_TRANSPORT,
	DP_PROG_TC_ACCESS,
	DP_PROG_PASS, /* XDP: leaves all to the kernel */
	/* without spread_cpu: -1 */
	DP_PROG_CPU_TRANSPORT,
	DP_PROG_CPU_ACCESS,
	DP_PROG_SPREAD_TRANSPORT,
	DP_PROG_SPREAD_ACCESS,
	DP_PROG_MAX
};

struct pmip_xdp;
struct pmip_tc;

struct dp_maps {
	int fd[DP_MAP_MAX];
	int prog[DP_PROG_MAX];
	bool own_progs;		    /* of an earlier run, so that no object closes them */
	struct pm_session *session; /* pm_session, mapped: [n_slots] */
	struct pm_keys *keys;	    /* pm_keys, mapped: [n_slots]; NULL without GRE */
	struct pm_hints *hints;	    /* pm_hints, mapped: one */
	uint64_t *seen;		    /* pm_seen, mapped: [n_seen], a power of two */
	uint32_t n_seen;
	struct pm_tunnel *tunnel; /* pm_tunnel, mapped: [n_tunnels] */
	struct pm_global *global; /* pm_global, mapped: one */
	struct pm_half *half;	  /* pm_half, mapped: [n_halves]; NULL unless halves are kept */
	struct pm_buffer *buffer; /* pm_buffer, mapped: [PM_BUFFERS]; NULL: nothing is ever kept */
	uint32_t n_slots;
	uint32_t pool_slots; /* slots [1, pool_slots) belong to pool prefixes */
	uint32_t n_tunnels;  /* elements of pm_tunnel */
	uint32_t n_halves;   /* references of session halves, 0 included */
	bool adopted;	     /* they hold what an earlier run has put there */
	bool anew;	     /* nothing of an earlier run is there any more */
	struct pm_meta meta; /* as it was found, or made */
	struct dp_pins pins;

	struct pmip_xdp *xdp;
	struct pmip_tc *tc;
};

int dp_load(struct dp_maps *m, const struct dp_bpf_cfg *cfg, char *err, size_t errlen);
/* With `flush` leaves no pin behind. Safe after a failed dp_load(). */
void dp_unload(struct dp_maps *m, bool flush);
