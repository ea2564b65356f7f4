/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/forward/rows.h"

#include "base/util.h"

// clang-format off
const struct bench_way_info bench_ways[BENCH_WAYS] = {
	/*                      name           node             tunnel in, out   node is source, dest. */
	[BENCH_LMA_DOWN]    = {"lma-down",    BENCH_LMA,       false, true,     false, true},
	[BENCH_LMA_UP]      = {"lma-up",      BENCH_LMA,       true,  false,    true,  false},
	[BENCH_LMA_HAIRPIN] = {"hairpin",     BENCH_LMA,       true,  true,     true,  true},
	[BENCH_MAG_TO_LMA]  = {"mag-up",      BENCH_MAG_UP,    false, true,     true,  false},
	[BENCH_MAG_TO_NODE] = {"mag-down",    BENCH_MAG_DOWN,  true,  false,    false, true},
	[BENCH_SHORT]       = {"short",       BENCH_MAG_LOCAL, false, false,    true,  true},
};

static const struct bench_encap_info encaps[] = {
	[DP_ENCAP_IP] = {"ip6-ip6", 40},
};

static const char *const payloads[] = {
	[BENCH_IP6] = "ip6",
};

/*
 * One row per way, payload and encapsulation; rows that share node, payload and encapsulation stand
 * together, because they share one set of tables.
 */
const struct bench_row bench_rows[] = {
	{BENCH_LMA_DOWN,    BENCH_IP6, DP_ENCAP_IP, BENCH_FULL | BENCH_KERNEL | BENCH_QUICK},
	{BENCH_LMA_UP,      BENCH_IP6, DP_ENCAP_IP, BENCH_FULL | BENCH_QUICK},
	{BENCH_LMA_HAIRPIN, BENCH_IP6, DP_ENCAP_IP, BENCH_FULL},
	{BENCH_MAG_TO_LMA,  BENCH_IP6, DP_ENCAP_IP, BENCH_FULL},
	{BENCH_MAG_TO_NODE, BENCH_IP6, DP_ENCAP_IP, BENCH_FULL},
	{BENCH_SHORT,       BENCH_IP6, DP_ENCAP_IP, BENCH_FULL},
};
// clang-format on
const size_t bench_n_rows = ARRAY_SIZE(bench_rows);

const struct bench_encap_info *bench_encap(enum dp_encap encap)
{
	return &encaps[encap];
}

const char *bench_payload_name(enum bench_payload p)
{
	return payloads[p];
}

#define SMALL 64
#define LARGE 1400

static const uint32_t sizes[] = {1000, 65536, 1000000};
static const uint32_t kernel_sizes[] = {1000, 100000};
static const unsigned octets[] = {SMALL, LARGE};

/* Adds a point, or says of one that is there already that the kernel is wanted, too. */
static unsigned add(struct bench_point *out, unsigned n, struct bench_point p)
{
	for (unsigned i = 0; i < n; i++) {
		if (out[i].nodes == p.nodes && out[i].pattern == p.pattern &&
		    out[i].octets == p.octets) {
			out[i].kernel |= p.kernel;
			return n;
		}
	}
	out[n] = p;
	return n + 1;
}

unsigned bench_points(const struct bench_row *row, bool quick, struct bench_point *out)
{
	unsigned n = 0;

	if (quick) {
		if (row->depth & BENCH_QUICK)
			n = add(out, n,
				(struct bench_point){sizes[0], BENCH_UNIFORM, SMALL,
						     row->depth & BENCH_KERNEL});
		return n;
	}
	for (size_t b = 0; b < ARRAY_SIZE(octets); b++) {
		for (size_t s = 0; s < ARRAY_SIZE(sizes) && row->depth & BENCH_FULL; s++) {
			n = add(out, n,
				(struct bench_point){sizes[s], BENCH_UNIFORM, octets[b], false});
			n = add(out, n,
				(struct bench_point){sizes[s], BENCH_ZIPF, octets[b], false});
		}
		if (row->depth & BENCH_BRIEF)
			n = add(out, n,
				(struct bench_point){sizes[0], BENCH_UNIFORM, octets[b], false});
		for (size_t s = 0; s < ARRAY_SIZE(kernel_sizes) && row->depth & BENCH_KERNEL; s++)
			n = add(out, n,
				(struct bench_point){kernel_sizes[s], BENCH_UNIFORM, octets[b],
						     true});
	}
	if (row->depth & BENCH_BRIEF)
		n = add(out, n,
			(struct bench_point){sizes[ARRAY_SIZE(sizes) - 1], BENCH_UNIFORM, SMALL,
					     false});
	return n;
}
