/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Plays one seed; in an `ipv6_only` life there is no IPv4 and no GRE. 0, or -1 after printing what
 * broke. Adds the messages exchanged. */
int sim_random(uint64_t seed, bool ipv6_only, bool trace, unsigned *messages);
