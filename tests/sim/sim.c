/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	sim [--seeds N] [--first S] [--trace] [NAME]
 *
 * Plays the named call flows (those whose names contain NAME), then N random seeds from S on. A
 *seed that fails is printed with the command that replays it.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "sim/flows.h"
#include "sim/random.h"
#include "sim/world.h"

static uint64_t first = 1;
static unsigned seeds = 200;
static bool trace;
static const char *self;

static void quiet(void *ctx, enum log_class cls, const char *line)
{
	if (trace || cls == LOG_C_BUG)
		printf("%12s%s: %s\n", "", log_class_name(cls), line);
	if (cls == LOG_C_BUG)
		CU_FAIL("a line of class bug");
}

static void test_seeds(void)
{
	unsigned failed = 0, messages = 0;

	for (uint64_t s = first; s < first + seeds; s++) {
		if (sim_random(s, s % 4 == 0, trace, &messages)) {
			printf("replay: %s --first %llu --seeds 1 --trace seeds\n", self,
			       (unsigned long long)s);
			failed++;
		}
	}
	printf("%u seeds from %llu, %u messages, %u seeds failed ", seeds,
	       (unsigned long long)first, messages, failed);
	CU_ASSERT_EQUAL(failed, 0);
}

/* Lives in which something once went wrong that no call flow shows. */
static void test_witnesses(void)
{
	static const struct {
		uint64_t seed;
		bool ipv6_only;
	} witness[] = {
		{1508, true }, /* a session superseded by another interface while its node speaks */
		{1551, true }, /* status 135 taken for the answer to a later request of the node */
		{5909, true }, /* two interfaces of a node, the same sequence number */
		{8985, true }, /* the old MAG's refresh takes the binding back from the new one */
		{843,  false}, /* no IPv4 address left, seen too late to ask for prefixes alone */
	};
	unsigned messages = 0;

	for (size_t i = 0; i < ARRAY_SIZE(witness); i++)
		CU_ASSERT_EQUAL(sim_random(witness[i].seed, witness[i].ipv6_only, trace, &messages),
				0);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seeds",		  required_argument, NULL, 'n'},
		{"first",		  required_argument, NULL, 'f'},
		{"trace",		  no_argument, NULL, 't'},
		{0},
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
		case 't':
			trace = world_trace = true;
			break;
		default:
			fprintf(stderr, "usage: %s [--seeds N] [--first S] [--trace] [NAME]\n",
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
	tests[n++] = (struct cu_test){"seeds that once broke", test_witnesses};
	tests[n++] = (struct cu_test){"random seeds keep every invariant", test_seeds};
	log_set_sink(quiet, NULL);
	if (trace)
		log_set_level(LOG_C_DEBUG);
	argv[optind - 1] = argv[0];
	return cu_main("sim", tests, argc - optind + 1, argv + optind - 1);
}
