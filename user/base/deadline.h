/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A heap of deadlines (intrusive pairing heap). Arming, moving and cancelling a deadline
 * allocates nothing and cannot fail, whatever the number of entries.
 *
 * The owner embeds a struct deadline and gets it back through container_of. Deadlines with the
 * same time fire in the order in which they were armed (determinism).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nsec.h"

struct deadline {
	nsec_t at;
	uint64_t order;
	/* called from deadline_run(); the deadline is already disarmed and may be armed again */
	void (*fire)(struct deadline *d, void *ctx, nsec_t now);
	struct deadline *child, *next, *prev;
	bool armed;
};

struct deadlines {
	struct deadline *root;
	uint64_t armed_total;
	size_t n;
};

void deadline_arm(struct deadlines *h, struct deadline *d, nsec_t at); /* re-arms when armed */
void deadline_cancel(struct deadlines *h, struct deadline *d);         /* no-op when not armed */
nsec_t deadline_next(const struct deadlines *h);                       /* NSEC_NEVER when empty */
/* Fires all that are due at `now`, earliest first. One armed by a callback for a time that is
 * already due fires in the next run, so that a run always ends. Returns how many fired. */
size_t deadline_run(struct deadlines *h, void *ctx, nsec_t now);
