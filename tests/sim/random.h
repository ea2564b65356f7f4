/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a life holds besides nodes that roam and a network that loses. */
enum sim_with {
	SIM_WITH_IPV4 = 1,   /* IPv4 and GRE */
	SIM_WITH_DEATHS = 2, /* heartbeats; roles that restart, ways that break in one direction */
	SIM_WITH_REVOCATIONS = 4,
	SIM_WITH_FAST = 8, /* fast handovers */
};

/* Plays one seed. 0, or -1 after printing what broke. Adds the messages exchanged. */
int sim_random(uint64_t seed, unsigned with, bool trace, unsigned *messages);
