/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/forward/rig.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/forward/plan.h"
#include "bench_gen.skel.h"
#include "bench_redirect.skel.h"
#include "bpf/dp_env.h"

#define SETTLE 100000000ull /* ns without a packet: no more will come */

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- interfaces */

static void attach_sink(struct rig *r)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)r->s1, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(r->bpf->progs.sink_tc));

	if (bpf_tc_hook_create(&hook) || bpf_tc_attach(&hook, &opts))
		die("attaching the sink");
}

void rig_new(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->hook = BENCH_TC;
	/* no address, no router solicitation: only our own packets may be on the way */
	env_sh(true, "cd /proc/sys/net/ipv6/conf && echo 0 >default/router_solicitations && "
		     "echo 0 >default/accept_dad && echo 1 >default/addr_gen_mode && "
		     "echo 1 >all/forwarding");
	env_sh(true, "ip link set lo up");
	env_sh(true, "ip link add g0 type veth peer name d0 address " PLAN_D0_MAC);
	env_sh(true, "ip link add d1 address " PLAN_D1_MAC " type veth peer name s1");
	/* a frame that the generator redirects there is taken by a NAPI poll only */
	env_sh(true, "ethtool -K d0 gro on");
	env_sh(true, "for i in g0 s1; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6; done");
	env_sh(true, "for i in g0 d0 d1 s1; do ip link set $i multicast off up; done");
	env_sh(true, "ip addr add " PLAN_LMAA "/64 dev d1 nodad");
	env_sh(true, "ip neigh add " PLAN_HOP " lladdr " PLAN_HOP_MAC " nud permanent dev d1");
	env_sh(true, "ip route add " PLAN_MAG_ROUTE " via " PLAN_HOP);
	env_sh(true, "ip route add " PLAN_CN_ROUTE " via " PLAN_HOP);
	env_sh(true, "echo 1 >/proc/sys/net/ipv4/ip_forward");
	env_sh(true, "ip addr add " PLAN_LMAA4 "/24 dev d1");
	env_sh(true, "ip neigh add " PLAN_HOP4 " lladdr " PLAN_HOP_MAC " nud permanent dev d1");
	env_sh(true, "ip route add " PLAN_CN4_ROUTE " via " PLAN_HOP4);
	for (unsigned i = 0; i < RIG_PARKS; i++) {
		char name[IF_NAMESIZE];

		env_sh(true, "ip link add park%u type veth peer name peer%u", i, i);
		snprintf(name, sizeof(name), "park%u", i);
		r->park[i] = env_ifindex(name);
	}
	r->g0 = env_ifindex("g0");
	r->d0 = env_ifindex("d0");
	r->d1 = env_ifindex("d1");
	r->s1 = env_ifindex("s1");
	r->netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (r->netns < 0)
		die("the network namespace");
	r->bpf = bench_redirect__open_and_load();
	if (!r->bpf)
		die("loading the programs around the data plane");
	r->bpf->bss->out = r->d1;
	attach_sink(r);
}

void rig_free(struct rig *r)
{
	bench_redirect__destroy(r->bpf);
	close(r->netns);
}

/* The sink at TC stays: what the one at XDP drops does not come to it. */
void rig_hook(struct rig *r, enum bench_hook hook)
{
	const int fd = hook == BENCH_XDP ? bpf_program__fd(r->bpf->progs.sink_xdp) : -1;

	if (r->hook == hook)
		return;
	if (bpf_xdp_attach((int)r->s1, fd, XDP_FLAGS_DRV_MODE, NULL))
		die("attaching the sink");
	r->hook = hook;
}

void rig_park(struct rig *r, enum rig_park place, int prog)
{
	if (bpf_xdp_attach((int)r->park[place], prog, XDP_FLAGS_DRV_MODE, NULL))
		die("keeping a program in use");
}

void rig_enter(const struct rig *r)
{
	if (setns(r->netns, CLONE_NEWNET))
		die("setns");
}

/* ---- the generator */

struct bench_gen *rig_generator(const struct frame_plan *f)
{
	struct bench_gen *g = bench_gen__open();

	if (!g)
		die("opening the generator");
	g->rodata->words = (f->head + 7) / 8;
	for (unsigned i = 0; i < f->n_patches; i++)
		memcpy((void *)&g->rodata->patches[i], &f->patch[i], sizeof(f->patch[i]));
	if (bench_gen__load(g))
		die("loading the generator");
	return g;
}

int rig_generator_fd(const struct bench_gen *g)
{
	return bpf_program__fd(g->progs.generate);
}

void rig_generator_free(struct bench_gen *g)
{
	bench_gen__destroy(g);
}

/* Zipf with exponent 1. The most popular nodes are not neighbours in the tables. */
void rig_generator_draws(struct bench_gen *g, uint32_t n)
{
	uint32_t *draws = g->bss->draws;
	double *upto = malloc(n * sizeof(*upto)), sum = 0;
	uint64_t state = 1;

	if (!upto)
		die("the prepared draws");
	for (uint32_t i = 0; i < n; i++)
		upto[i] = sum += 1.0 / (i + 1);
	for (uint32_t k = 0; k < BENCH_DRAWS; k++) {
		uint32_t low = 0, high = n - 1;
		double x;

		state = state * 6364136223846793005ull + 1442695040888963407ull;
		x = ldexp((double)(state >> 11), -53) * sum;
		while (low < high) {
			const uint32_t mid = low + (high - low) / 2;

			if (upto[mid] < x)
				low = mid + 1;
			else
				high = mid;
		}
		draws[k] = (uint32_t)(low * 2654435761ull % n); /* a prime: no two alike */
	}
	free(upto);
}

/* Frames that are still on the way when the generator returns belong to the run. */
static void await(const volatile uint64_t *received, uint64_t sent)
{
	uint64_t last = *received, since = now();

	while (last < sent && now() - since < SETTLE) {
		sched_yield();
		if (*received != last) {
			last = *received;
			since = now();
		}
	}
}

/*
 * The time is taken in the programs, from the first frame made to the last one that arrived: the
 * kernel takes its time, a multiple of a tick, to make ready for a test run and to clean up after
 * it.
 */
void rig_run(struct rig *r, struct bench_gen *g, const struct frame_plan *f,
	     enum bench_pattern pattern, uint32_t packets, unsigned expected, struct rig_run *res)
{
	const uint32_t sent = (packets + BENCH_BATCH - 1) / BENCH_BATCH * BENCH_BATCH;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->octet, .data_size_in = f->len,
		    .repeat = (int)sent, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = BENCH_BATCH);
	struct bench_redirect__bss *sink = r->bpf->bss;
	struct bench_gen__bss *gen = g->bss;
	uint64_t timed;

	rig_enter(r);
	memcpy(gen->headers, f->octet, (f->head + 7) / 8 * 8);
	gen->out = expected ? r->g0 : 0;
	gen->nodes = f->draw;
	gen->prepared = pattern == BENCH_ZIPF;
	gen->made = gen->first = gen->last = 0;
	sink->expected = expected;
	sink->received = sink->strange = sink->last = 0;
	if (bpf_prog_test_run_opts(bpf_program__fd(g->progs.generate), &opts))
		die("running the generator");
	res->sent = sent;
	if (!expected) {
		res->received = sent;
		res->strange = 0;
		res->ns = (double)(gen->last - gen->first) / (double)(sent - BENCH_BATCH);
		return;
	}
	await((const volatile uint64_t *)&sink->received, sent);
	res->received = sink->received;
	res->strange = sink->strange;
	timed = res->received / BENCH_BATCH * BENCH_BATCH;
	res->ns = timed ? (double)(sink->last - gen->first) / (double)timed : 0;
}
