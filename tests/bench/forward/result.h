/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs, their medians, and the file of results. */
#pragma once

#include <stdio.h>

#include "bench/forward/rig.h"

#define RESULT_RUNS_MAX 64

/* The runs of one thing at one point. */
struct result {
	unsigned runs;
	double ns[RESULT_RUNS_MAX]; /* per packet */
	uint64_t lost, strange;
};

void result_add(struct result *r, const struct rig_run *run);
double result_median(const struct result *r);
double result_min(const struct result *r);
double result_max(const struct result *r);
/* The median of the differences between runs that were made next to each other. */
double result_added(const struct result *r, const struct result *base);

struct result_row {
	const char *name;
	const struct bench_row *row;
	const struct bench_point *at;
	enum bench_hook hook;
	const struct result *it;
	const struct result *bare;	/* NULL: none */
	const struct result *kernel;	/* NULL: none */
	const struct result *generator; /* alone */
};

/* A JSON list, one object per line. */
void result_open(FILE *f);
void result_write(FILE *f, const struct result_row *r);
void result_close(FILE *f);
