/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one access to a table costs that does not fit the caches: to tell the program's share of a
 * packet's cost from the machine's. */
#pragma once

#include <stdint.h>

#define MEMORY_ENTRY 64 /* octets, as a session's in the data plane */

/* Room for `entries`, in pages as small as those of the kernel's tables. Exits without memory. */
void memory_new(uint32_t entries);
void memory_free(void);
/* ns for one access to a random one of the first `entries`; each waits for the one before. */
double memory_run(uint32_t entries, uint32_t accesses);
