/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time as a number. Every deadline and every `now` in this code is an nsec_t:
 * nanoseconds on a monotonic clock whose origin means nothing. Only daemon/ reads a clock;
 * everybody else receives `now` as an argument.
 */
#pragma once

#include <stdint.h>

typedef uint64_t nsec_t;

#define NSEC_NEVER UINT64_MAX
#define NSEC_PER_SEC 1000000000ull

static inline nsec_t nsec_from_ms(uint64_t ms)
{
	return ms * 1000000ull;
}

static inline nsec_t nsec_from_s(uint64_t s)
{
	return s * NSEC_PER_SEC;
}

/* a + b that sticks at NSEC_NEVER instead of wrapping. */
static inline nsec_t nsec_add(nsec_t a, nsec_t b)
{
	return a > NSEC_NEVER - b ? NSEC_NEVER : a + b;
}

/* a - b, or 0 where b is later. */
static inline nsec_t nsec_sub(nsec_t a, nsec_t b)
{
	return a > b ? a - b : 0;
}

static inline nsec_t nsec_min(nsec_t a, nsec_t b)
{
	return a < b ? a : b;
}
