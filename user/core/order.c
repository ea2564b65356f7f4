/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/order.h"

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

enum order_verdict order_timestamp(const struct order_cfg *cfg, uint64_t ts, uint64_t newest,
				   uint64_t clock)
{
	/* 1/65536 s; rounding down is exact, because distances are whole such units */
	const uint64_t window = (uint64_t)cfg->timestamp_validity_window_ms * 65536 / 1000;

	if (ts < newest)
		return ORDER_TS_LOWER;
	if (newest && ts == newest)
		return ORDER_TS_MISMATCH;
	if (!cfg->mobile_node_generated_timestamp_in_use && distance(ts, clock) > window)
		return ORDER_TS_MISMATCH;
	return ORDER_NEWER;
}

enum order_verdict order_sequence(uint16_t seq, uint16_t last, bool have_last)
{
	const uint16_t ahead = (uint16_t)(seq - last);

	if (have_last && (ahead == 0 || ahead > 32767))
		return ORDER_SEQ_NOT_NEWER;
	return ORDER_NEWER;
}
