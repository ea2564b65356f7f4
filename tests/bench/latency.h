/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long single operations take. What the kernel does with the processor in the middle of one
 * tells about the machine, not about the program: it counts, but the worst is also given in time on
 * the processor alone.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct latency {
	uint32_t *ns;
	size_t n, cap;
	uint32_t worst, worst_cpu;
	uint64_t from, cpu_from;
};

static inline uint64_t latency_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint32_t latency_since(clockid_t clock, uint64_t from)
{
	const uint64_t took = latency_clock(clock) - from;

	return took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
}

static inline void latency_init(struct latency *l, size_t cap)
{
	*l = (struct latency){.cap = cap, .ns = calloc(cap, sizeof(*l->ns))};
	if (!l->ns)
		abort();
	for (size_t i = 0; i < cap; i++)
		l->ns[i] = 1; /* have the pages now */
}

static inline void latency_start(struct latency *l)
{
	l->cpu_from = latency_clock(CLOCK_THREAD_CPUTIME_ID);
	l->from = latency_clock(CLOCK_MONOTONIC);
}

static inline void latency_stop(struct latency *l)
{
	const uint32_t ns = latency_since(CLOCK_MONOTONIC, l->from);
	const uint32_t cpu = latency_since(CLOCK_THREAD_CPUTIME_ID, l->cpu_from);

	if (l->n == l->cap)
		abort();
	l->ns[l->n++] = ns;
	if (ns > l->worst)
		l->worst = ns;
	if (cpu > l->worst_cpu)
		l->worst_cpu = cpu;
}

static inline int latency_cmp(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static inline void latency_head(void)
{
	printf("%-28s %10s %10s %10s %10s %10s %12s\n", "microseconds", "samples", "median", "99 %",
	       "99.9 %", "worst", "on the cpu");
}

/* Prints one line and empties it. */
static inline void latency_tell(struct latency *l, const char *what)
{
	if (!l->n)
		return;
	qsort(l->ns, l->n, sizeof(*l->ns), latency_cmp);
	printf("%-28s %10zu %10.2f %10.2f %10.2f %10.1f %12.1f\n", what, l->n,
	       l->ns[l->n / 2] / 1e3, l->ns[l->n - 1 - l->n / 100] / 1e3,
	       l->ns[l->n - 1 - l->n / 1000] / 1e3, l->worst / 1e3, l->worst_cpu / 1e3);
	fflush(stdout);
	l->n = 0;
	l->worst = l->worst_cpu = 0;
}

static inline void latency_free(struct latency *l)
{
	free(l->ns);
	l->ns = NULL;
}
