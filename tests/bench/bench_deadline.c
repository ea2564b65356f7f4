/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	bench_deadline [N]
 *
 * How long single operations on N deadlines take: armed, moved and cancelled in random order, and
 * fired one by one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/deadline.h"
#include "bench/latency.h"

static uint64_t state = 1;

/* splitmix64 */
static uint64_t draw(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void nothing(struct deadline *d, void *ctx, nsec_t now)
{
	(void)d;
	(void)ctx;
	(void)now;
}

int main(int argc, char **argv)
{
	const size_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	struct deadline *d = n ? calloc(n, sizeof(*d)) : NULL;
	struct deadlines h = {0};
	struct latency l;
	nsec_t now = 0;

	if (!d)
		return 2;
	latency_init(&l, n);
	latency_head();
	for (size_t i = 0; i < n; i++) {
		const nsec_t at = draw() % nsec_from_s(3600);

		d[i].fire = nothing;
		latency_start(&l);
		deadline_arm(&h, &d[i], at);
		latency_stop(&l);
	}
	latency_tell(&l, "arm, random time");
	for (size_t i = 0; i < n; i++) {
		struct deadline *x = &d[draw() % n];
		const nsec_t at = draw() % nsec_from_s(3600);

		latency_start(&l);
		deadline_arm(&h, x, at);
		latency_stop(&l);
	}
	latency_tell(&l, "move, random time");
	for (size_t i = 0; i < n; i++) {
		struct deadline *x = &d[draw() % n];

		latency_start(&l);
		deadline_arm(&h, x, nsec_from_s(3600) + i);
		latency_stop(&l);
	}
	latency_tell(&l, "move to the end");
	for (size_t i = 0; i < n / 2; i++) {
		struct deadline *x = &d[draw() % n];

		latency_start(&l);
		deadline_cancel(&h, x);
		latency_stop(&l);
	}
	latency_tell(&l, "cancel");
	while ((now = deadline_next(&h)) != NSEC_NEVER) {
		latency_start(&l);
		deadline_run(&h, NULL, now);
		latency_stop(&l);
	}
	latency_tell(&l, "fire the next");
	printf("%zu octets per deadline\n", sizeof(*d));
	latency_free(&l);
	free(d);
	return 0;
}
