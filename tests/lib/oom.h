/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that runs out when told to. For a test program of one file that is linked with the
 * linker's --wrap for the allocators (OOM_TESTS in tests.mk); what a shared library allocates is
 * not affected.
 */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

static struct {
	bool now;	/* every allocation fails */
	unsigned calls; /* allocations asked for */
	unsigned left;	/* at the end of so many allocations `now` becomes true; 0: never */
} oom;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool oom_refuse(void)
{
	oom.calls++;
	if (oom.left && !--oom.left)
		oom.now = true;
	return oom.now;
}

void *__wrap_malloc(size_t size)
{
	return oom_refuse() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return oom_refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return oom_refuse() ? NULL : __real_realloc(p, size);
}
