/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maps that an earlier run has pinned: may the programs to be loaded use them, and have they them
 * used. They may when each map is there, of the type, size and flags that these programs would
 * make, its values are of the same layout, and pm_meta says that it was whole and made for the same
 * features.
 */
#pragma once

#include "dataplane/dp_load.h"

struct bpf_object;

/* A hash over names, types, offsets and sizes of all that maps hold. */
uint64_t dp_reuse_layout(const struct bpf_object *obj);
/* The objects are open and sized, m->meta is what it is to be. False: `why` says what is different;
 * "" when nothing was left at all. */
bool dp_reuse_fits(const struct dp_maps *m, char *why, size_t len);
/* Before loading. 0 or -errno; m->meta becomes what was found. */
int dp_reuse(struct dp_maps *m);
