/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	bench_forward [-q] [-r RUNS] [-o FILE] [-w WAY] [-k xdp|tc]
 *
 * What a packet costs in the data plane: every row at every point, a run of it next to a run of the
 * bare redirect and of whatever else it is compared with, in turn. -q is the self-check: few rows,
 * few packets. -w measures only ways whose name contains WAY, -k
 * only one hook.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/util.h"
#include "bench/forward/domain.h"
#include "bench/forward/kernel.h"
#include "bench/forward/memory.h"
#include "bench/forward/result.h"
#include "bpf/dp_env.h"

#define PACKETS_MIN  8192
#define RUN_NS	     10e6 /* a run shall take this long */
#define RUN_NS_QUICK 5e6
#define RUNS	     11
#define RUNS_QUICK   5
#define WARM_UP	     300000 /* packets at most: enough to fill any cache */
#define ACCESSES     20000  /* to memory, per run */
#define NODES_MAX    1000000
#define KERNEL_SIZES 2

struct kernel_rig {
	struct rig rig;
	enum kernel_means means;
	uint32_t nodes;
};

struct bench {
	FILE *out;
	unsigned runs;
	double run_ns;
	bool quick;
	const char *only;
	int skip; /* enum bench_hook; -1: none */
	struct rig rig;
	struct kernel_rig kernel[KERNEL_MEANS * KERNEL_SIZES];
	unsigned n_kernels;
	uint64_t lost, strange;
};

static void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

/* Generator, program and sink take turns on one CPU. The last one: the first serves the machine. */
static void pin(void)
{
	cpu_set_t set;
	int cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity");
	while (cpu > 0 && !CPU_ISSET(cpu, &set))
		cpu--;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
	setpriority(PRIO_PROCESS, 0, -20);
}

/* ---- one point */

/* Something that packets are sent through, in turn with the others of the point. */
struct contender {
	const char *name;
	struct rig *rig; /* NULL: no packets, memory is accessed */
	bool in_domain;
	enum domain_middle middle; /* in_domain */
	unsigned expected;	   /* length of a frame that arrives */
	uint32_t packets;	   /* per run */
	struct result result;
};

#define CONTENDERS_MAX 8

struct point {
	struct bench *b;
	struct domain *domain;
	const struct bench_row *row;
	const struct bench_point *at;
	enum bench_hook hook;
	struct frame_plan frame;
	struct bench_gen *gen;
	struct contender c[CONTENDERS_MAX];
	unsigned n;
};

static void enter(struct point *p, const char *name, struct rig *rig, int middle, unsigned expected)
{
	if (p->n == CONTENDERS_MAX)
		abort();
	p->c[p->n++] = (struct contender){.name = name,
					  .rig = rig,
					  .in_domain = middle >= 0,
					  .middle = (enum domain_middle)middle,
					  .expected = expected};
}

static void run(struct point *p, struct contender *c, uint32_t packets, struct rig_run *res)
{
	if (!c->rig) {
		*res = (struct rig_run){packets, packets, 0, memory_run(p->at->nodes, packets)};
		return;
	}
	rig_enter(c->rig);
	if (c->in_domain)
		domain_middle(p->domain, c->middle, p->row);
	rig_run(c->rig, p->gen, &p->frame, p->at->pattern, packets, c->expected, res);
}

/* Fills the caches and finds out how many packets a run has. */
static void warm_up(struct point *p, struct contender *c)
{
	const uint32_t touch = p->b->quick || !c->in_domain
				       ? 0
				       : (p->at->nodes < WARM_UP ? p->at->nodes : WARM_UP);
	struct rig_run res;
	double packets;

	run(p, c, touch > PACKETS_MIN ? touch : PACKETS_MIN, &res);
	if (!res.ns) {
		fprintf(stderr,
			"bench: %s at %s: nothing of %llu packets arrived as it should "
			"(%llu otherwise)\n",
			c->name, bench_ways[p->row->way].name, (unsigned long long)res.sent,
			(unsigned long long)res.strange);
		exit(1);
	}
	packets = c->rig ? p->b->run_ns / res.ns : ACCESSES;
	c->packets = packets < PACKETS_MIN ? PACKETS_MIN : (uint32_t)packets;
}

static const struct result *find(const struct point *p, const char *name)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (!strcmp(p->c[i].name, name))
			return &p->c[i].result;
	}
	return NULL;
}

static void report(struct point *p)
{
	const struct result *kernel = find(p, kernel_name(KERNEL_SEG6));

	for (unsigned i = 0; i < p->n; i++) {
		const struct contender *c = &p->c[i];
		const bool ours = c->in_domain && c->middle == DOMAIN_OURS;
		char name[96];

		if (ours)
			snprintf(name, sizeof(name), "%s %s/%s %s", bench_ways[p->row->way].name,
				 bench_payload_name(p->row), bench_encap_name(p->row),
				 p->hook == BENCH_XDP ? "xdp" : "tc");
		else
			snprintf(name, sizeof(name), "%s", c->name);
		result_write(p->b->out, &(struct result_row){
						.name = name,
						.row = p->row,
						.at = p->at,
						.hook = p->hook,
						.it = &c->result,
						.bare = c->in_domain ? find(p, "redirect") : NULL,
						.kernel = ours ? kernel : NULL,
						.generator = find(p, "generator"),
					});
		p->b->lost += c->result.lost;
		p->b->strange += c->result.strange;
	}
}

static void measure(struct bench *b, struct domain *d, const struct bench_row *row,
		    enum bench_hook hook, const struct bench_point *at)
{
	struct point p = {.b = b, .domain = d, .row = row, .at = at, .hook = hook};
	const struct bench_way_info *way = &bench_ways[row->way];
	const int constant = way->tunnel_out ? 40 : -40;

	rig_enter(&b->rig);
	frame_build(&p.frame, row, at, domain_key(d));
	p.gen = rig_generator(&p.frame);
	if (at->pattern == BENCH_ZIPF)
		rig_generator_draws(p.gen, p.frame.draw);
	rig_park(&b->rig, RIG_PARK_GENERATOR, rig_generator_fd(p.gen));
	enter(&p, "ours", &b->rig, DOMAIN_OURS, p.frame.expected);
	enter(&p, "redirect", &b->rig, DOMAIN_BARE, p.frame.len);
	if (hook == BENCH_XDP && way->tunnel_in != way->tunnel_out && at->nodes <= 1000)
		enter(&p, "constant", &b->rig, DOMAIN_HEAD,
		      (unsigned)((int)p.frame.len + constant));
	if (at->kernel)
		enter(&p, "generator", &b->rig, -1, 0);
	for (unsigned i = 0; at->kernel && i < b->n_kernels; i++) {
		if (b->kernel[i].nodes == at->nodes)
			enter(&p, kernel_name(b->kernel[i].means), &b->kernel[i].rig, -1,
			      p.frame.expected);
	}
	enter(&p, "memory", NULL, -1, 0);
	for (unsigned i = 0; i < p.n; i++)
		warm_up(&p, &p.c[i]);
	for (unsigned k = 0; k < b->runs; k++) {
		for (unsigned i = 0; i < p.n; i++) {
			/* none is always the one after the same other */
			struct contender *c = &p.c[(i + k) % p.n];
			struct rig_run res;

			run(&p, c, c->packets, &res);
			result_add(&c->result, &res);
		}
	}
	report(&p);
	rig_enter(&b->rig);
	rig_park(&b->rig, RIG_PARK_GENERATOR, -1);
	rig_generator_free(p.gen);
}

/* ---- all of them */

static void make_kernels(struct bench *b)
{
	static const uint32_t nodes[KERNEL_SIZES] = {1000, 100000};

	for (int m = 0; m < KERNEL_MEANS; m++) {
		for (unsigned i = 0; i < (b->quick ? 1 : KERNEL_SIZES); i++) {
			struct kernel_rig *k = &b->kernel[b->n_kernels];

			k->means = (enum kernel_means)m;
			k->nodes = nodes[i];
			if (kernel_new(&k->rig, k->means, k->nodes)) {
				b->n_kernels++;
			} else {
				fprintf(stderr, "bench: this kernel has no %s\n",
					kernel_name(k->means));
				break;
			}
		}
	}
}

static uint32_t nodes_max(const struct bench_row *first, const struct bench_row *end, bool quick)
{
	struct bench_point at[BENCH_POINTS_MAX];
	uint32_t most = 0;

	for (const struct bench_row *row = first; row < end; row++) {
		const unsigned n = bench_points(row, quick, at);

		for (unsigned i = 0; i < n; i++)
			most = at[i].nodes > most ? at[i].nodes : most;
	}
	return most;
}

static bool wanted(const struct bench *b, const struct bench_row *row)
{
	return !b->only || strstr(bench_ways[row->way].name, b->only);
}

static void measure_group(struct bench *b, const struct bench_row *first,
			  const struct bench_row *end)
{
	const uint32_t nodes = nodes_max(first, end, b->quick);
	struct bench_point at[BENCH_POINTS_MAX];
	struct domain *d;

	if (!nodes)
		return;
	d = domain_new(&b->rig, first, nodes);
	for (int hook = 0; hook < BENCH_HOOKS; hook++) {
		if (hook == b->skip)
			continue;
		domain_attach(d, (enum bench_hook)hook);
		for (const struct bench_row *row = first; row < end; row++) {
			const unsigned n = wanted(b, row) ? bench_points(row, b->quick, at) : 0;

			if (n)
				fprintf(stderr, "bench: %s %s/%s %s\n", bench_ways[row->way].name,
					bench_payload_name(row), bench_encap_name(row),
					hook ? "tc" : "xdp");
			for (unsigned i = 0; i < n; i++)
				measure(b, d, row, (enum bench_hook)hook, &at[i]);
		}
		domain_detach(d);
	}
	domain_free(&d);
}

static void measure_all(struct bench *b)
{
	size_t first = 0, end;

	for (; first < bench_n_rows; first = end) {
		bool any = wanted(b, &bench_rows[first]);

		for (end = first + 1;
		     end < bench_n_rows && domain_serves(&bench_rows[first], &bench_rows[end]);
		     end++)
			any |= wanted(b, &bench_rows[end]);
		if (any)
			measure_group(b, &bench_rows[first], &bench_rows[end]);
	}
}

static bool measures_something(const struct bench *b)
{
	struct bench_point at[BENCH_POINTS_MAX];

	for (const struct bench_row *row = bench_rows; row < bench_rows + bench_n_rows; row++)
		if (wanted(b, row) && bench_points(row, b->quick, at))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct bench b = {.runs = RUNS, .skip = -1, .run_ns = RUN_NS, .out = stdout};
	int o;

	while ((o = getopt(argc, argv, "qr:o:w:k:")) != -1) {
		switch (o) {
		case 'q':
			b.quick = true;
			b.runs = RUNS_QUICK;
			b.run_ns = RUN_NS_QUICK;
			break;
		case 'r':
			b.runs = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			b.out = fopen(optarg, "we");
			break;
		case 'k':
			b.skip = strcmp(optarg, "tc") ? BENCH_TC : BENCH_XDP;
			break;
		case 'w':
			b.only = optarg;
			break;
		default:
			return 2;
		}
	}
	if (!b.out || !b.runs || b.runs > RESULT_RUNS_MAX)
		die("usage: bench_forward [-q] [-r RUNS] [-o FILE] [-w WAY] [-k xdp|tc]");
	if (!measures_something(&b)) {
		fprintf(stderr, "bench: no way that is measured%s has \"%s\" in its name\n",
			b.quick ? " so quickly" : "", b.only);
		return 2;
	}
	/* "ip" may end before it has read all routes: see kernel.c */
	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_C_BUG);
	env_enter();
	pin();
	memory_new(NODES_MAX);
	rig_new(&b.rig);
	make_kernels(&b);
	rig_enter(&b.rig);
	result_open(b.out);
	measure_all(&b);
	result_close(b.out);
	for (unsigned i = 0; i < b.n_kernels; i++)
		rig_free(&b.kernel[i].rig);
	rig_free(&b.rig);
	memory_free();
	if (b.out != stdout)
		fclose(b.out);
	if (b.lost || b.strange)
		fprintf(stderr, "bench: %llu packets were lost, %llu came out wrong\n",
			(unsigned long long)b.lost, (unsigned long long)b.strange);
	return 0;
}
