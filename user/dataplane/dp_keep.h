/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pm_half and pm_more: session halves kept where a later run finds them, see include/pmip/abi.h.
 * All of it does nothing when the data plane was not made to outlive the daemon.
 */
#pragma once

#include "dataplane/dp_session.h"

struct dp_kept {
	struct dp_half_rec rec; /* all but `body` and `mnid_next` */
	uint8_t subtype, id_len, n;
	uint32_t slot[DP_SLOTS_MAX]; /* [n] */
	uint8_t id[UINT8_MAX];
};

struct dp_bpf;

enum dp_keep { DP_KEEP_NONE, DP_KEEP_SAME, DP_KEEP_HERE, DP_KEEP_MORE };

/* Before a half gets body `b`: takes what room that needs. How to store it, or -errno. */
int dp_keep_prepare(struct dp_bpf *dp, dp_ref ref, const struct dp_body *b);
/* The record is as it is to be; `how` is what dp_keep_prepare() said, DP_KEEP_SAME for other paths
 * or another mode of the same body. */
void dp_keep_store(struct dp_bpf *dp, dp_ref ref, enum dp_keep how);
void dp_keep_drop(struct dp_bpf *dp, dp_ref ref);

/* Is this element of pm_more a half's body? */
bool dp_keep_uses(const struct dp_bpf *dp, uint32_t key);

/* What is kept of a half, if it makes sense by itself. */
bool dp_keep_read(const struct dp_bpf *dp, dp_ref ref, struct dp_kept *out);
