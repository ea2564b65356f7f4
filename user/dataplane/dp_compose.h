/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a slot says follows from the two halves that own it, and nothing else:
 *
 *	anchor                     access        slot
 *	-------------------------  ------------  -------------------------------------------------
 *	peer is another node       any           down: that tunnel; up: as the anchor says
 *	peer is this very daemon   on a link     down: that link; up: as the anchor says
 *	peer is this very daemon   none          drop
 *	peer is another node       hears it too  down: as the access half; up: as the anchor
 *	none                       on a link     down: that link; up: the access half's peer
 *	none                       up peer self  drop: the anchor has no binding (any more)
 *	lingering (DP_DROP)        any           drop
 *
 * Where packets go down is behind a buffer while the half that says so is in DP_BUFFER, and until
 * what was kept has left (dp_buffer.h). An access half hears another gateway as well (also_from)
 * while its node comes from there: what the anchor would send there comes back here, so it goes
 * straight.
 *
 * Slots with the same two owners form a group: its first slot is the primary, the others are
 * aliases of it. So moving a half is one store into one descriptor.
 */
#pragma once

#include "dataplane/dp_session.h"

/* NULL: no such half. */
struct dp_half_rec *dp_half_at(const struct dp_bpf *dp, dp_ref ref);
/* Of one kind; 0: nobody. */
dp_ref dp_owner_of(const struct dp_bpf *dp, uint32_t slot, unsigned half);

/* Brings all slots of a half into force. */
void dp_compose(struct dp_bpf *dp, dp_ref ref);
/* A half that has `b` now has lost a slot: what waited there for all its addresses waits on for
 * those that it keeps. What was for the lost one goes the way of what comes for that from now on.
 */
void dp_compose_left(struct dp_bpf *dp, uint32_t slot, enum dp_half half, const struct dp_body *b);
/* Which addresses are our own has changed: writes all slots anew. */
void dp_compose_all(struct dp_bpf *dp);
