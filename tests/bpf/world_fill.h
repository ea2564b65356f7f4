/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in the maps of a world: the sessions, tunnels and interfaces that world.h names. */
#pragma once

#include "world.h"

void world_fill(struct world *w, const struct world_switches *sw);
