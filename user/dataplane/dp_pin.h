/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instance's directory <bpffs>/pmip/<instance>/: finds or mounts the bpffs, makes the
 * directory, locks it while the daemon lives, cleans it. What is pinned there:
 *
 *	pm_*	the maps (dp_load.c)
 *	xdp-N	the XDP link on the interface with index N (dp_attach.c)
 *	tc-N	the TC program on it, as a record of the filter
 *	new-*	what is about to take the place of one of these
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define DP_PIN_PATH 256

struct dp_pins {
	char dir[DP_PIN_PATH];
	int lock_fd; /* -1: not ours */
};

/* bpffs: NULL for /sys/fs/bpf. Leaves a locked directory. */
int dp_pins_open(struct dp_pins *p, const char *bpffs, const char *instance, char *err,
		 size_t errlen);
/* Unlocks; with `flush` detaches what the pins hold and removes the directory. No-op when the
 * lock was never got. */
void dp_pins_close(struct dp_pins *p, bool flush);
/* Takes off what an earlier run left; says which layout it was. */
void dp_pins_leftovers(struct dp_pins *p);
/* Each pin's name without the directory. The callback may unlink and rename pins. */
void dp_pins_walk(const struct dp_pins *p, void (*cb)(void *ctx, const char *name), void *ctx);
/* dir/name, or dir/name-N for N >= 0. */
void dp_pin_path(const struct dp_pins *p, char out[DP_PIN_PATH + 64], const char *name, int n);
