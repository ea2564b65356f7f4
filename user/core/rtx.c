/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/rtx.h"

void rtx_init(struct rtx *r, uint32_t initial_ms, uint32_t max_ms)
{
	r->wait_ms = initial_ms < max_ms ? initial_ms : max_ms;
	r->max_ms = max_ms;
	r->sent = 0;
}

nsec_t rtx_next(struct rtx *r, nsec_t now)
{
	nsec_t due = nsec_add(now, nsec_from_ms(r->wait_ms));

	r->wait_ms = r->wait_ms > r->max_ms / 2 ? r->max_ms : r->wait_ms * 2;
	if (r->sent < UINT32_MAX)
		r->sent++;
	return due;
}
