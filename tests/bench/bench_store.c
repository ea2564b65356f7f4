/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	bench_store RECORDS [DIRECTORY]
 *
 * What durable bindings cost: how long a commit of 1, 100 and 10 000 changes takes, how long the
 * daemon's own thread is held by it, and how long it takes to read all records at start. The
 * directory (/var/tmp) decides which disk is measured.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/record.h"
#include "store/store_lmdb.h"

static char dir[256];
static struct store_lmdb *lmdb;
static struct store *st;

static uint64_t clock_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double now_ms(void)
{
	return (double)clock_of(CLOCK_MONOTONIC) / 1e6;
}

static uint64_t env_wallclock(void *ctx)
{
	return clock_of(CLOCK_REALTIME);
}

static void env_random(void *ctx, void *buf, size_t len)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		abort();
}

static const struct env env = {.random = env_random, .wallclock = env_wallclock};

static size_t write_binding(void *ctx, const void *owner, uint8_t *buf, nsec_t now)
{
	const uint32_t i = (uint32_t)(uintptr_t)owner;
	uint8_t llid[6] = {2,	      0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8),
			   (uint8_t)i};
	struct record_binding b = {
		.state = RECORD_ACTIVE,
		.llid = {6,  llid},
		.n_prefixes = 1,
		.home4 = { {htonl(0x0a000000 + i)}, {htonl(0x0a000001)},	8, 0},
		.deadline = env_wallclock(NULL),
		.lifetime_s = 3600,
		.att = 4,
		.proxy = true,
	};
	char name[32];

	b.mnid.subtype = 1;
	b.mnid.id = (uint8_t *)name;
	b.mnid.len = (uint8_t)snprintf(name, sizeof(name), "mn%u@example.com", i);
	b.prefixes[0].len = 64;
	memcpy(b.prefixes[0].addr.s6_addr, "\x20\x01\x0d\xb8", 4);
	memcpy(b.prefixes[0].addr.s6_addr + 4, llid + 2, 4);
	return record_binding_write(&b, buf, STORE_LEN_MAX);
}

static void up(void)
{
	const struct store_lmdb_cfg cfg = {
		.dir = dir, .instance = "bench", .env = &env, .lock_wait_ms = 5000};
	const struct store_source src = {.write = write_binding};
	const struct store_cfg store_cfg = {.window_ms = 0};
	struct store_lmdb_report report;

	if (store_lmdb_open(&lmdb, &cfg, &report)) {
		fprintf(stderr, "%s: %s\n", dir, report.what);
		exit(1);
	}
	if (store_new(&st, store_lmdb_backend(lmdb), &store_cfg))
		exit(1);
	store_set_source(st, STORE_BINDING, &src);
}

static void down(void)
{
	store_free(&st);
	store_lmdb_close(&lmdb);
}

/* Returns the longest time for which a call held the thread, in ms. */
static double write_all(void)
{
	double longest = 0;

	for (;;) {
		struct pollfd p = {.events = POLLIN};
		const double start = now_ms();
		const bool done = store_drain(st, 0);
		const double held = now_ms() - start;
		unsigned generation;

		if (held > longest)
			longest = held;
		if (done)
			return longest;
		p.fd = store_lmdb_fd(lmdb, &generation);
		poll(&p, 1, -1);
		store_lmdb_receive(lmdb, 0);
	}
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure_commits(struct store_item **items, size_t n, size_t batch)
{
	const unsigned rounds = batch > 1000 ? 10 : 100;
	double took[100], held = 0;

	for (unsigned r = 0; r < rounds; r++) {
		const double start = now_ms();
		double longest;

		for (size_t i = 0; i < batch; i++)
			store_touch(st, items[(size_t)rand() % n], 0);
		longest = write_all();
		if (longest > held)
			held = longest;
		took[r] = now_ms() - start;
	}
	qsort(took, rounds, sizeof(*took), by_value);
	printf("  %6zu changes on disk after %8.2f ms (median), %8.2f ms (worst of %u); the daemon "
	       "was "
	       "held for %.2f ms at most\n",
	       batch, took[rounds / 2], took[rounds - 1], rounds, held);
}

static int keep(void *ctx, const struct store_record *r)
{
	struct record_binding b;
	struct store_item *item;

	if (record_binding_read(&b, r->data, r->len))
		return STORE_DROP;
	(*(size_t *)ctx)++;
	return store_adopt(st, r, NULL, &item);
}

int main(int argc, char **argv)
{
	const size_t n = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
	struct store_item **items = calloc(n ? n : 1, sizeof(*items));
	double start, opened;
	struct rusage usage;
	size_t found = 0;
	char path[512];

	snprintf(dir, sizeof(dir), "%s/bench_store-XXXXXX", argc > 2 ? argv[2] : "/var/tmp");
	if (!items || !n || !mkdtemp(dir)) {
		perror(dir);
		return 1;
	}
	up();
	for (size_t i = 0; i < n; i++) {
		if (store_add(st, STORE_BINDING, (void *)(uintptr_t)i, &items[i]))
			return 1;
		store_touch(st, items[i], 0);
	}
	start = now_ms();
	write_all();
	printf("  %zu bindings written in %.0f ms\n", n, now_ms() - start);
	measure_commits(items, n, 1);
	measure_commits(items, n, 100);
	measure_commits(items, n, 10000);
	down();
	free(items);

	start = now_ms();
	up();
	opened = now_ms();
	store_load(st, keep, &found);
	getrusage(RUSAGE_SELF, &usage);
	printf("  restart: file judged in %.0f ms, %zu bindings read in %.0f ms, peak memory of "
	       "this "
	       "run %ld KiB\n",
	       opened - start, found, now_ms() - opened, usage.ru_maxrss);
	down();
	for (unsigned i = 0; i < 3; i++) {
		static const char *const names[] = {"store.mdb", "store.mark", "store.lock"};

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	return found == n ? 0 : 1;
}
