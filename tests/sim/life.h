/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a role dies. What outlives it - its data plane, its disk, the network - is reached through
 * faces that count its deeds there. Killed at its n-th deed, a role has not done that one nor any
 * that follows; whatever it still believes to do in that turn has no effect. What is left is what a
 * process leaves that was killed between two system calls.
 */
#pragma once

#include "core/store.h"
#include "dataplane/dp_fake.h"
#include "store/store_fake.h"

struct sim_life {
	struct dataplane face;	 /* what the role has for a data plane */
	struct dp_fake *dp;	 /* what is behind it */
	struct store_fake *disk; /* NULL: nothing is kept */
	struct store *store;	 /* of this life */
	bool writing;		 /* a commit is on its way, and an event that ends it */
	bool dead;
	bool unsaved; /* something is lost, and no peer was told: it died too soon for either */
	bool starting;
	unsigned deeds; /* done so far */
	unsigned last;	/* the deed that is not done any more; 0: none */
	unsigned again; /* what `last` will be in the next life */
};

/* A life begins, with a new data plane unless there is one, and with a disk if it is to have one.
 */
void sim_life_init(struct sim_life *l, bool disk);
/* A store of its own for the role that begins now; NULL without a disk. */
struct store *sim_life_store(struct sim_life *l, uint32_t window_ms);
/* It is dead: its store goes, and what was on its way to the disk arrives there or does not. */
void sim_life_end(struct sim_life *l, bool arrives, nsec_t now);
void sim_life_free(struct sim_life *l);

/* Counts a deed. False: it does not happen. */
bool sim_acts(struct sim_life *l);
