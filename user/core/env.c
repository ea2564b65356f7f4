/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/env.h"

uint64_t timestamp_from_wallclock(uint64_t ns)
{
	const uint64_t s = ns / NSEC_PER_SEC, rest = ns % NSEC_PER_SEC;

	return s << 16 | (rest << 16) / NSEC_PER_SEC;
}

uint64_t timestamp_to_wallclock(uint64_t ts)
{
	const uint64_t s = ts >> 16, frac = ts & 0xffff;

	if (s >= UINT64_MAX / NSEC_PER_SEC)
		return UINT64_MAX;
	return s * NSEC_PER_SEC + (frac * NSEC_PER_SEC >> 16);
}
