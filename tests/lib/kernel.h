/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests on a real kernel have in common: a network namespace of their own, commands in it, and
 * a clock. The kernel does some things later (carriers, bridges, softirqs), on a busy machine much
 * later: tests wait for what they expect, and give up only after KERNEL_PATIENCE_MS.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/nsec.h"

#define KERNEL_PATIENCE_MS 10000

/* Moves the process into a network namespace of its own. False: it is not root, or cannot. */
bool kernel_enter_new_ns(void);

/* CLOCK_MONOTONIC. */
nsec_t kernel_now(void);

/* Runs a shell command; its status. */
int sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same; a status that is not 0 fails the test. */
void must_sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Waits until the descriptor may be read, for at most so long. */
void kernel_wait_fd(int fd, int ms);

/* Repeats `step` until the condition holds, or patience ends: whoever expects it asserts it. */
#define KERNEL_WAIT(cond, step)                                                          \
	do {                                                                             \
		const nsec_t wait_end = kernel_now() + nsec_from_ms(KERNEL_PATIENCE_MS); \
		while (!(cond) && kernel_now() < wait_end)                               \
			step;                                                            \
	} while (0)

/* Leaves a test that needs a namespace when there is none, and says so. */
#define KERNEL_NEEDED(have)                                                    \
	do {                                                                   \
		if (!(have)) {                                                 \
			printf("  %s skipped: needs root and ip\n", __func__); \
			return;                                                \
		}                                                              \
	} while (0)
