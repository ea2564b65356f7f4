/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlines in the order of their times (intrusive red-black trees). Arming, moving and cancelling
 * a deadline allocates nothing and cannot fail. With n armed, each of them takes O(log n) steps in
 * the worst case, not only on average; one that is armed to be the last of all, as most are, takes
 * a few.
 *
 * The owner embeds a struct deadline and gets it back through container_of. Deadlines with the
 * same time fire in the order in which they were armed (determinism).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/nsec.h"

struct deadline {
	nsec_t at;
	uint64_t order;
	/* called from deadline_run(); the deadline is already disarmed and may be armed again */
	void (*fire)(struct deadline *d, void *ctx, nsec_t now);
	struct deadline *parent, *child[2]; /* child: earlier, later */
	bool armed, red, waits;
};

struct deadline_tree {
	struct deadline *root, *first, *last;
};

/* Zero-initialised is empty. The members are for deadline.c, except that n may be read. */
struct deadlines {
	struct deadline_tree tree;
	struct deadline_tree waiting; /* due already, armed by a callback: for the next run */
	uint64_t armed_total;
	nsec_t run_now;
	size_t n;
	bool running;
};

void deadline_arm(struct deadlines *h, struct deadline *d, nsec_t at); /* re-arms when armed */
void deadline_cancel(struct deadlines *h, struct deadline *d);         /* no-op when not armed */
nsec_t deadline_next(const struct deadlines *h);                       /* NSEC_NEVER when empty */
struct deadline *deadline_first(const struct deadlines *h); /* outside of a run; NULL when empty */
/* Fires all that are due at `now`, earliest first. One armed by a callback for a time that is
 * already due fires in the next run, so that a run always ends. A callback may arm and cancel any
 * deadline and free the object it is embedded in; it may not call deadline_run(). Returns how many
 * fired. */
size_t deadline_run(struct deadlines *h, void *ctx, nsec_t now);
