/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that an earlier run has left pinned. Verifying ours takes the kernel most of a second;
 * those of an earlier run that are the same, octet for octet and in every switch, were verified
 * when they were loaded and still run.
 */
#pragma once

#include "dataplane/dp_load.h"

/* What the programs of the open objects are; never 0. */
uint64_t dp_program_identity(const struct dp_maps *m);
/* Fills m->prog with those that are pinned. False: they are not all there; nothing changed. */
bool dp_program_reuse(struct dp_maps *m);
/* Fills m->prog from the loaded objects. */
void dp_program_loaded(struct dp_maps *m);
/* Pins them, in place of others. 0 or -errno. */
int dp_program_pin(const struct dp_maps *m);
void dp_program_close(struct dp_maps *m);
