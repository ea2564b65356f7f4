/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct dp_bpf, put together from the parts that the files here own. */
#pragma once

#include "dataplane/dp_adopt.h"
#include "dataplane/dp_attach.h"
#include "dataplane/dp_bpf.h"
#include "dataplane/dp_buffer.h"
#include "dataplane/dp_load.h"
#include "dataplane/dp_peer.h"
#include "dataplane/dp_route.h"
#include "dataplane/dp_session.h"
#include "dataplane/dp_slots.h"
#include "dataplane/dp_slow.h"

struct dp_bpf {
	struct dataplane dp;   /* first: handed out */
	struct dp_bpf_cfg cfg; /* without the borrowed strings */
	struct dp_maps maps;
	struct dp_slots slots;
	struct dp_halves halves;
	struct dp_peers peers;
	struct dp_ifaces ifaces;
	struct dp_slow slow;
	struct dp_buffers buffers;
	struct dp_route route;
	struct dp_adopted adopted;
	bool left; /* nothing is changed any more, see dp_bpf_leave() */
	uint64_t drop[PM_DROP_MAX];
	uint64_t verdict[PM_HOOK_MAX * PM_V_MAX];
};
