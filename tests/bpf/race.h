/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program judges packets on all CPUs but the first, as fast as it can, while something changes
 * its maps on that one.
 */
#pragma once

#include <stdint.h>

#define RACE_TARGETS 8

/* What became of the packets; each counts once among redirected, absent and missing. */
struct race_tally {
	uint64_t packets;
	uint64_t redirected, absent, missing;
	uint64_t torn, foreign, damaged; /* of those redirected */
	uint64_t to[RACE_TARGETS];
};

struct race_frame {
	const void *data;
	uint32_t len;
};

struct race {
	const char *what;
	int prog_fd;
	const struct race_frame *frames; /* one after the other */
	unsigned n_frames;
	uint64_t packets; /* at least so many */
	/* Counts what became of frame `i`; `out` is long enough for any header. */
	void (*judge)(struct race_tally *t, unsigned i, uint32_t verdict, const uint8_t *out,
		      uint32_t len);
	void (*write)(uint64_t turn);
};

/* Prints the outcome, and asserts that nothing was missing, torn, foreign or damaged. */
struct race_tally race_run(const struct race *r);

void race_pin_to(int cpu);
double race_seconds(void);
