/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "race.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "lib/cu.h"

#define MAX_READERS 64

struct reader {
	pthread_t thread;
	int cpu;
	const struct race *race;
	uint64_t quota;
	struct race_tally t;
};

void race_pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

double race_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void *read_on(void *arg)
{
	struct reader *r = arg;
	const struct race *race = r->race;
	uint8_t out[512];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_out = out, .repeat = 1);

	race_pin_to(r->cpu);
	for (uint64_t n = 0; n < r->quota; n++) {
		unsigned i = (unsigned)(n % race->n_frames);

		o.data_in = race->frames[i].data;
		o.data_size_in = race->frames[i].len;
		o.data_size_out = sizeof(out);
		r->t.packets++;
		if (bpf_prog_test_run_opts(race->prog_fd, &o) < 0)
			r->t.missing++;
		else
			race->judge(&r->t, i, o.retval, out, o.data_size_out);
	}
	return NULL;
}

static void add(struct race_tally *sum, const struct race_tally *t)
{
	sum->packets += t->packets;
	sum->redirected += t->redirected;
	sum->absent += t->absent;
	sum->missing += t->missing;
	sum->torn += t->torn;
	sum->foreign += t->foreign;
	sum->damaged += t->damaged;
	for (unsigned i = 0; i < RACE_TARGETS; i++)
		sum->to[i] += t->to[i];
}

struct race_tally race_run(const struct race *race)
{
	unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN), n_readers, left;
	struct race_tally sum = {0};
	struct reader *r;
	uint64_t turns = 0;
	double begin;

	n_readers = cpus > 1 ? cpus - 1 : 1;
	if (n_readers > MAX_READERS)
		n_readers = MAX_READERS;
	r = calloc(n_readers, sizeof(*r));
	begin = race_seconds();
	race_pin_to(0);
	for (unsigned i = 0; i < n_readers; i++) {
		r[i] = (struct reader){.cpu = (int)(cpus > 1 ? i + 1 : 0),
				       .race = race,
				       .quota = race->packets / n_readers + 1};
		CU_ASSERT_EQUAL_FATAL(pthread_create(&r[i].thread, NULL, read_on, &r[i]), 0);
	}
	left = n_readers;
	while (left) {
		for (unsigned i = 0; i < 256; i++)
			race->write(turns++);
		while (left && pthread_tryjoin_np(r[left - 1].thread, NULL) == 0)
			left--;
	}
	for (unsigned i = 0; i < n_readers; i++)
		add(&sum, &r[i].t);
	free(r);
	printf("\n    %s: %llu packets on %u CPUs, %llu changes, %.1f s: missing %llu, torn %llu, "
	       "foreign %llu, damaged %llu, while absent %llu, shares %llu/%llu/%llu\n",
	       race->what, (unsigned long long)sum.packets, n_readers, (unsigned long long)turns,
	       race_seconds() - begin, (unsigned long long)sum.missing,
	       (unsigned long long)sum.torn, (unsigned long long)sum.foreign,
	       (unsigned long long)sum.damaged, (unsigned long long)sum.absent,
	       (unsigned long long)sum.to[0], (unsigned long long)sum.to[1],
	       (unsigned long long)sum.to[2]);
	CU_ASSERT_TRUE(sum.packets >= race->packets);
	CU_ASSERT_EQUAL(sum.missing, 0);
	CU_ASSERT_EQUAL(sum.torn, 0);
	CU_ASSERT_EQUAL(sum.foreign, 0);
	CU_ASSERT_EQUAL(sum.damaged, 0);
	CU_ASSERT_EQUAL(sum.redirected + sum.absent, sum.packets);
	return sum;
}
