/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What programs that help tests have in common: how they end, and their clocks. */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/nsec.h"

/* Says why by errno, and ends. */
static inline _Noreturn void tool_die(const char *tool, const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", tool, what, strerror(errno));
	exit(2);
}

static inline nsec_t tool_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (nsec_t)ts.tv_sec * NSEC_PER_SEC + (nsec_t)ts.tv_nsec;
}

static inline nsec_t tool_now(void)
{
	return tool_clock(CLOCK_MONOTONIC);
}
