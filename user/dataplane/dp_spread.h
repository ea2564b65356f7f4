/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spreading frames over CPUs: the programs and queues for it, which exist only where the
 * configuration names CPUs.
 */
#pragma once

#include "dataplane/dp_load.h"

/* Before the XDP object is loaded: what it shall contain. -EINVAL with a line in `err`. */
int dp_spread_prepare(struct dp_maps *m, const struct dp_bpf_cfg *cfg, char *err, size_t errlen);
/* After: a queue on each CPU. */
int dp_spread_fill(struct dp_maps *m, const struct dp_bpf_cfg *cfg, char *err, size_t errlen);
