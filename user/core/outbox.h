/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages on their way out that must not leave before what they tell of is on disk (core/store.h).
 * They leave in the order in which they were given: what a peer hears last is what came last,
 * whatever is repeated meanwhile. What does not fit is lost as on the way.
 */
#pragma once

#include "core/env.h"
#include "core/store.h"

#define OUTBOX_MAX 16384u

struct outbox_item;

/* All zero: empty. */
struct outbox {
	struct outbox_item *first, *last;
	size_t n;
	uint64_t given,
		left; /* the numbers of the last that was given, and of the last that left */
};

enum outbox_verdict {
	OUTBOX_SENT,
	OUTBOX_WAITS,
	OUTBOX_LOST,   /* no room, or no memory */
	OUTBOX_FAILED, /* the network did not take it */
};

/* Copies the packet if it has to wait for the changes made so far; `st` NULL: for nothing. */
enum outbox_verdict outbox_send(struct outbox *o, const struct store *st, const struct env *env,
				const struct packet *pkt);
/* Sends what has waited long enough. Returns how many the network did not take. */
size_t outbox_committed(struct outbox *o, const struct store *st, const struct env *env);
/* The number that the next message will have. */
uint64_t outbox_next(const struct outbox *o);
void outbox_clear(struct outbox *o); /* nobody gets them */
