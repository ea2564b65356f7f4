/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/cu.h"

/* The named call flows of flows_*.c; each array ends with an empty row. */
extern const struct cu_test flows_basic[];
extern const struct cu_test flows_trouble[];
extern const struct cu_test flows_ipv4[];
extern const struct cu_test flows_gre[];
extern const struct cu_test flows_peers[];
extern const struct cu_test flows_death[];

/* Roles die at every deed, or at every third only. */
extern bool flows_death_quick;
