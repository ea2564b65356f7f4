/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Message ordering of binding updates: is this one newer than what was accepted before?
 *
 * Two schemes (RFC 5213 5.5): the Timestamp option against a clock and the newest timestamp
 * accepted so far, or the Sequence Number modulo 2^16 (RFC 6275 9.5.1). Pure functions: they keep
 * nothing, the caller stores what it accepted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum order_verdict {
	ORDER_NEWER,	    /* go on */
	ORDER_TS_LOWER,	    /* RFC 5213 5.5, timestamps (8) */
	ORDER_TS_MISMATCH,  /* RFC 5213 5.5, timestamps (9) */
	ORDER_SEQ_NOT_NEWER /* RFC 6275 9.5.1 */
};

/* RFC 5213 9.1, 9.3 */
struct order_cfg {
	uint32_t timestamp_validity_window_ms;
	bool mobile_node_generated_timestamp_in_use;
};

/*
 * `ts`: the option's value; `newest`: the newest accepted before, 0 when there is none; `clock`:
 * the time of day here; all in the option's 48.16 fixed point format. A value that equals `newest`
 * is not lower, but not valid either: a mismatch.
 */
enum order_verdict order_timestamp(const struct order_cfg *cfg, uint64_t ts, uint64_t newest,
				   uint64_t clock);

/* `last`: the last accepted number; `have_last` is false for a session that is not there yet. */
enum order_verdict order_sequence(uint16_t seq, uint16_t last, bool have_last);
