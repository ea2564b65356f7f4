/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/forward/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static uint8_t *table;
static size_t size;

void memory_new(uint32_t entries)
{
	size = (size_t)entries * MEMORY_ENTRY;
	table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (table == MAP_FAILED) {
		fprintf(stderr, "bench: no memory\n");
		exit(1);
	}
	madvise(table, size, MADV_NOHUGEPAGE);
	memset(table, 1, size);
}

void memory_free(void)
{
	munmap(table, size);
}

double memory_run(uint32_t entries, uint32_t accesses)
{
	struct timespec from, to;
	static uint64_t state = 1;
	uint64_t x = state;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (uint32_t i = 0; i < accesses; i++) {
		const uint64_t at = ((x >> 32) * entries) >> 32;

		x = x * 6364136223846793005ull + *(uint64_t *)(table + at * MEMORY_ENTRY);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	state = x;
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       accesses;
}
