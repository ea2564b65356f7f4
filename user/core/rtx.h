/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Retransmission with exponential back-off (RFC 6275 11.8): the wait doubles with each
 * transmission up to a ceiling and stays there. Pure arithmetic; the owner keeps the timer.
 */
#pragma once

#include <stdint.h>

#include "base/nsec.h"

#define RTX_INITIAL_BINDACK_TIMEOUT_MS 1000u /* RFC 6275 12 */
#define RTX_MAX_BINDACK_TIMEOUT_MS     32000u

struct rtx {
	uint32_t wait_ms; /* after the next transmission */
	uint32_t max_ms;
	uint32_t sent; /* transmissions so far, the first one included */
};

/* An initial wait above the ceiling is cut to it. */
void rtx_init(struct rtx *r, uint32_t initial_ms, uint32_t max_ms);
/* Counts a transmission made at `now` and returns when the next one is due. */
nsec_t rtx_next(struct rtx *r, nsec_t now);
