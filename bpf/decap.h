/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the outer header says to the inner one on the way out of a tunnel: congestion. */
#pragma once

#include "verdict.h"

/*
 * RFC 5213 5.6.3, RFC 5844 4.1.4.2: outer CE on an ECN-capable inner packet becomes inner CE; else
 * the inner field stays, also where RFC 6040 would turn ECT(0) into ECT(1). Outer CE on a packet
 * that is not ECN-capable is dropped (RFC 6040 4.2): its sender could learn of the congestion in no
 * other way. False: drop.
 */
pm_inline bool pm_decap_ecn(const struct pm_pkt *p, struct pm_act *a)
{
	if ((pm_class(pm_outer(p), p->outer_v4) & PM_ECN_MASK) != PM_ECN_CE)
		return true;
	a->ecn_ce = 1;
	return pm_class(p->ip, p->v4) & PM_ECN_MASK;
}
