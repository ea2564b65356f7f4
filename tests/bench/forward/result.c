/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/forward/result.h"

#include <stdlib.h>
#include <string.h>

void result_add(struct result *r, const struct rig_run *run)
{
	uint64_t missing, strange;

	if (r->runs == RESULT_RUNS_MAX)
		abort();
	r->ns[r->runs++] = run->ns;
	/* a kernel says a word of its own now and then: strange are frames that others are missing
	 * for */
	missing = run->sent > run->received ? run->sent - run->received : 0;
	strange = run->strange < missing ? run->strange : missing;
	r->lost += missing - strange;
	r->strange += strange;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(const double *ns, unsigned n)
{
	double sorted[RESULT_RUNS_MAX];

	memcpy(sorted, ns, n * sizeof(*ns));
	qsort(sorted, n, sizeof(*sorted), compare);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double result_median(const struct result *r)
{
	return median(r->ns, r->runs);
}

double result_min(const struct result *r)
{
	double least = r->ns[0];

	for (unsigned i = 1; i < r->runs; i++)
		least = r->ns[i] < least ? r->ns[i] : least;
	return least;
}

double result_max(const struct result *r)
{
	double most = r->ns[0];

	for (unsigned i = 1; i < r->runs; i++)
		most = r->ns[i] > most ? r->ns[i] : most;
	return most;
}

double result_added(const struct result *r, const struct result *base)
{
	double more[RESULT_RUNS_MAX];

	for (unsigned i = 0; i < r->runs; i++)
		more[i] = r->ns[i] - base->ns[i];
	return median(more, r->runs);
}

void result_open(FILE *f)
{
	fputs("[", f);
}

void result_close(FILE *f)
{
	fputs("\n]\n", f);
}

static void number(FILE *f, const char *key, double value, int digits)
{
	fprintf(f, ", \"%s\": %.*f", key, digits, value);
}

static void maybe(FILE *f, const char *key, bool there, double value, int digits)
{
	if (there)
		number(f, key, value, digits);
	else
		fprintf(f, ", \"%s\": null", key);
}

/* How many times as fast, the generator's share taken off both. */
static double net_ratio(const struct result *slow, const struct result *fast,
			const struct result *generator)
{
	const double g = result_median(generator);

	return (result_median(slow) - g) / (result_median(fast) - g);
}

void result_write(FILE *f, const struct result_row *r)
{
	const struct result *it = r->it, *bare = r->bare, *kernel = r->kernel;
	const double ns = result_median(it);
	static const char *const hooks[BENCH_HOOKS] = {"xdp", "tc"};
	static bool some;

	fprintf(f,
		"%s\n{\"name\": \"%s\", \"way\": \"%s\", \"payload\": \"%s\", \"encap\": \"%s\", "
		"\"hook\": \"%s\"",
		some ? "," : "", r->name, bench_ways[r->row->way].name, bench_payload_name(r->row),
		bench_encap_name(r->row), hooks[r->hook]);
	some = true;
	fprintf(f, ", \"nodes\": %u, \"packet_bytes\": %u, \"pattern\": \"%s\"", r->at->nodes,
		r->at->octets, r->at->pattern == BENCH_ZIPF ? "zipf" : "uniform");
	number(f, "ns_per_packet", ns, 1);
	number(f, "mpps", 1e3 / ns, 3);
	maybe(f, "added_ns", bare, bare ? result_added(it, bare) : 0, 1);
	maybe(f, "ratio_to_redirect", bare, bare ? result_median(bare) / ns : 0, 3);
	maybe(f, "ratio_to_kernel", kernel, kernel ? result_median(kernel) / ns : 0, 2);
	maybe(f, "ratio_to_kernel_net", kernel && r->generator,
	      kernel && r->generator ? net_ratio(kernel, it, r->generator) : 0, 2);
	fprintf(f, ", \"runs\": %u", it->runs);
	number(f, "min", result_min(it), 1);
	number(f, "median", ns, 1);
	number(f, "max", result_max(it), 1);
	fprintf(f, ", \"lost\": %llu, \"strange\": %llu}", (unsigned long long)it->lost,
		(unsigned long long)it->strange);
	fflush(f);
}
