/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	sim [--seeds N] [--first S] [--jobs J] [--quick] [--trace] [NAME]
 *
 * Plays the named call flows (those whose names contain NAME), then N random seeds from S on, in J
 * processes. --quick: roles die at every third thing that they do only. A seed that fails is
 *printed with the command that replays it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "sim/flows.h"
#include "sim/random.h"
#include "sim/world.h"

static uint64_t first = 1;
static unsigned seeds = 200, jobs = 1;
static unsigned bugs; /* lines of class bug */
static bool trace;
static const char *self;

static void quiet(void *ctx, enum log_class cls, const char *line)
{
	if (trace || cls == LOG_C_BUG)
		printf("%12s%s: %s\n", "", log_class_name(cls), line);
	if (cls == LOG_C_BUG) {
		CU_FAIL("a line of class bug");
		bugs++;
	}
}

/* A quarter without IPv4, a third without deaths, two fifths without revocations. */
static unsigned with_of(uint64_t seed)
{
	return (seed % 4 ? SIM_WITH_IPV4 : 0) | (seed % 3 ? SIM_WITH_DEATHS : 0) |
	       (seed % 5 > 1 ? SIM_WITH_REVOCATIONS : 0) | (seed % 7 > 4 ? SIM_WITH_FAST : 0);
}

/* What the processes that share the seeds have found. */
struct tally {
	unsigned failed, messages;
};

/* Every `jobs`-th seed. */
static void play(unsigned part, struct tally *t)
{
	for (uint64_t s = first + part; s < first + seeds; s += jobs) {
		if (sim_random(s, with_of(s), trace, &t->messages)) {
			printf("replay: %s --first %llu --seeds 1 --trace seeds\n", self,
			       (unsigned long long)s);
			t->failed++;
		}
	}
}

static void test_seeds(void)
{
	const size_t size = jobs * sizeof(struct tally);
	struct tally *t =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct tally sum = {0};
	int status;

	CU_ASSERT_TRUE_FATAL(t != MAP_FAILED);
	fflush(stdout);
	for (unsigned k = 1; k < jobs; k++)
		if (!fork()) {
			play(k, &t[k]);
			fflush(stdout);
			_exit(bugs != 0);
		}
	play(0, &t[0]);
	for (unsigned k = 1; k < jobs; k++)
		CU_ASSERT(wait(&status) > 0 && status == 0);
	for (unsigned k = 0; k < jobs; k++) {
		sum.failed += t[k].failed;
		sum.messages += t[k].messages;
	}
	munmap(t, size);
	printf("%u seeds from %llu, %u messages, %u seeds failed ", seeds,
	       (unsigned long long)first, sum.messages, sum.failed);
	CU_ASSERT_EQUAL(sum.failed, 0);
}

/* Lives in which something once went wrong that no call flow shows. */
static void test_witnesses(void)
{
	static const struct {
		uint64_t seed;
		unsigned with;
	} witness[] = {
		{1508, 0	}, /* a session superseded by another interface while its node speaks */
		{1551, 0	}, /* status 135 taken for the answer to a later request of the node */
		{5909, 0	}, /* two interfaces of a node, the same sequence number */
		{8985, 0	}, /* the old MAG's refresh takes the binding back from the new one */
		{843,
		 SIM_WITH_IPV4}, /* no IPv4 address left, seen too late to ask for prefixes alone */
	};
	unsigned messages = 0;

	for (size_t i = 0; i < ARRAY_SIZE(witness); i++)
		CU_ASSERT_EQUAL(sim_random(witness[i].seed, witness[i].with, trace, &messages), 0);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seeds",		  required_argument, NULL, 'n'},
		 {"first",		   required_argument, NULL, 'f'},
		{"quick",		  no_argument, NULL, 'q'},
		 {"jobs",required_argument, NULL, 'j'},
		{"trace",		  no_argument, NULL, 't'},
		 {0	   },
	};
	struct cu_test tests[128] = {0};
	size_t n = 0;
	int opt;

	self = argv[0];
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'n':
			seeds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			first = strtoull(optarg, NULL, 10);
			break;
		case 'j':
			jobs = (unsigned)strtoul(optarg, NULL, 10);
			jobs = jobs < 1 ? 1 : jobs > 64 ? 64 : jobs;
			break;
		case 'q':
			flows_death_quick = true;
			break;
		case 't':
			trace = world_trace = true;
			break;
		default:
			fprintf(stderr,
				"usage: %s [--seeds N] [--first S] [--jobs J] [--quick] [--trace] "
				"[NAME]\n",
				self);
			return 2;
		}
	}
	for (const struct cu_test *t = flows_basic; t->name; t++)
		tests[n++] = *t;
	for (const struct cu_test *t = flows_trouble; t->name; t++)
		tests[n++] = *t;
	for (const struct cu_test *t = flows_ipv4; t->name; t++)
		tests[n++] = *t;
	for (const struct cu_test *t = flows_gre; t->name; t++)
		tests[n++] = *t;
	for (const struct cu_test *t = flows_peers; t->name; t++)
		tests[n++] = *t;
	for (const struct cu_test *t = flows_death; t->name; t++)
		tests[n++] = *t;
	tests[n++] = (struct cu_test){"seeds that once broke", test_witnesses};
	tests[n++] = (struct cu_test){"random seeds keep every invariant", test_seeds};
	log_set_sink(quiet, NULL);
	if (trace)
		log_set_level(LOG_C_DEBUG);
	argv[optind - 1] = argv[0];
	return cu_main("sim", tests, argc - optind + 1, argv + optind - 1);
}
