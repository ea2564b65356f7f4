/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/forward/rows.h"

#include <stdio.h>

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

static const struct {
	const char *name; /* without the outer IP header's */
	unsigned octets;  /* behind the outer IP header */
} encaps[DP_ENCAP_MAX] = {
	[DP_ENCAP_IP]          = {"",             0},
	[DP_ENCAP_GRE]         = {"-gre",         4},
	[DP_ENCAP_GRE_KEY]     = {"-gre-key",     8},
	[DP_ENCAP_UDP]         = {"-udp",         8},
	[DP_ENCAP_UDP_TLV]     = {"-udp-tlv",     12},
	[DP_ENCAP_UDP_GRE]     = {"-udp-gre",     16},
	[DP_ENCAP_UDP_GRE_KEY] = {"-udp-gre-key", 20},
};

/*
 * One row per way, payload and encapsulation; rows that share node, payload and encapsulation stand
 * together, because they share one set of tables.
 */
const struct bench_row bench_rows[] = {
	{BENCH_LMA_DOWN,     BENCH_IP6, BENCH_OVER6, DP_ENCAP_IP,           BENCH_FULL | BENCH_KERNEL | BENCH_QUICK},
	{BENCH_LMA_UP,       BENCH_IP6, BENCH_OVER6, DP_ENCAP_IP,           BENCH_FULL | BENCH_QUICK},
	{BENCH_LMA_HAIRPIN,  BENCH_IP6, BENCH_OVER6, DP_ENCAP_IP,           BENCH_FULL},
	{BENCH_MAG_TO_LMA,   BENCH_IP6, BENCH_OVER6, DP_ENCAP_IP,           BENCH_FULL},
	{BENCH_MAG_TO_NODE,  BENCH_IP6, BENCH_OVER6, DP_ENCAP_IP,           BENCH_FULL},
	{BENCH_SHORT,        BENCH_IP6, BENCH_OVER6, DP_ENCAP_IP,           BENCH_FULL},
	{BENCH_LMA_DOWN,     BENCH_IP4, BENCH_OVER6, DP_ENCAP_IP,           BENCH_BRIEF},
	{BENCH_LMA_UP,       BENCH_IP4, BENCH_OVER6, DP_ENCAP_IP,           BENCH_BRIEF},
	{BENCH_MAG_TO_LMA,   BENCH_IP4, BENCH_OVER6, DP_ENCAP_IP,           BENCH_BRIEF},
	{BENCH_MAG_TO_NODE,  BENCH_IP4, BENCH_OVER6, DP_ENCAP_IP,           BENCH_BRIEF},
	{BENCH_SHORT,        BENCH_IP4, BENCH_OVER6, DP_ENCAP_IP,           BENCH_BRIEF},
	{BENCH_LMA_DOWN,     BENCH_IP6, BENCH_OVER6, DP_ENCAP_GRE,          BENCH_BRIEF},
	{BENCH_LMA_UP,       BENCH_IP6, BENCH_OVER6, DP_ENCAP_GRE,          BENCH_BRIEF},
	{BENCH_MAG_TO_LMA,   BENCH_IP6, BENCH_OVER6, DP_ENCAP_GRE,          BENCH_BRIEF},
	{BENCH_MAG_TO_NODE,  BENCH_IP6, BENCH_OVER6, DP_ENCAP_GRE,          BENCH_BRIEF},
	{BENCH_LMA_DOWN,     BENCH_IP6, BENCH_OVER6, DP_ENCAP_GRE_KEY,      BENCH_BRIEF},
	{BENCH_LMA_UP,       BENCH_IP6, BENCH_OVER6, DP_ENCAP_GRE_KEY,      BENCH_BRIEF},
	{BENCH_MAG_TO_LMA,   BENCH_IP6, BENCH_OVER6, DP_ENCAP_GRE_KEY,      BENCH_BRIEF},
	{BENCH_MAG_TO_NODE,  BENCH_IP6, BENCH_OVER6, DP_ENCAP_GRE_KEY,      BENCH_BRIEF},
	{BENCH_LMA_DOWN,     BENCH_IP4, BENCH_OVER4, DP_ENCAP_IP,           BENCH_BRIEF},
	{BENCH_LMA_UP,       BENCH_IP4, BENCH_OVER4, DP_ENCAP_IP,           BENCH_BRIEF},
	{BENCH_MAG_TO_LMA,   BENCH_IP4, BENCH_OVER4, DP_ENCAP_IP,           BENCH_BRIEF},
	{BENCH_MAG_TO_NODE,  BENCH_IP4, BENCH_OVER4, DP_ENCAP_IP,           BENCH_BRIEF},
	{BENCH_LMA_DOWN,     BENCH_IP4, BENCH_OVER4, DP_ENCAP_GRE,          BENCH_BRIEF},
	{BENCH_LMA_UP,       BENCH_IP4, BENCH_OVER4, DP_ENCAP_GRE,          BENCH_BRIEF},
	{BENCH_MAG_TO_LMA,   BENCH_IP4, BENCH_OVER4, DP_ENCAP_GRE,          BENCH_BRIEF},
	{BENCH_MAG_TO_NODE,  BENCH_IP4, BENCH_OVER4, DP_ENCAP_GRE,          BENCH_BRIEF},
	{BENCH_LMA_DOWN,     BENCH_IP4, BENCH_OVER4, DP_ENCAP_GRE_KEY,      BENCH_BRIEF},
	{BENCH_LMA_UP,       BENCH_IP4, BENCH_OVER4, DP_ENCAP_GRE_KEY,      BENCH_BRIEF},
	{BENCH_MAG_TO_LMA,   BENCH_IP4, BENCH_OVER4, DP_ENCAP_GRE_KEY,      BENCH_BRIEF},
	{BENCH_MAG_TO_NODE,  BENCH_IP4, BENCH_OVER4, DP_ENCAP_GRE_KEY,      BENCH_BRIEF},
	{BENCH_LMA_DOWN,     BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP,          BENCH_BRIEF},
	{BENCH_LMA_UP,       BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP,          BENCH_BRIEF},
	{BENCH_MAG_TO_LMA,   BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP,          BENCH_BRIEF},
	{BENCH_MAG_TO_NODE,  BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP,          BENCH_BRIEF},
	{BENCH_LMA_DOWN,     BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP_TLV,      BENCH_BRIEF},
	{BENCH_LMA_UP,       BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP_TLV,      BENCH_BRIEF},
	{BENCH_MAG_TO_LMA,   BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP_TLV,      BENCH_BRIEF},
	{BENCH_MAG_TO_NODE,  BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP_TLV,      BENCH_BRIEF},
	{BENCH_LMA_DOWN,     BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP_GRE,      BENCH_BRIEF},
	{BENCH_LMA_UP,       BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP_GRE,      BENCH_BRIEF},
	{BENCH_MAG_TO_LMA,   BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP_GRE,      BENCH_BRIEF},
	{BENCH_MAG_TO_NODE,  BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP_GRE,      BENCH_BRIEF},
	{BENCH_LMA_DOWN,     BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP_GRE_KEY,  BENCH_BRIEF},
	{BENCH_LMA_UP,       BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP_GRE_KEY,  BENCH_BRIEF},
	{BENCH_MAG_TO_LMA,   BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP_GRE_KEY,  BENCH_BRIEF},
	{BENCH_MAG_TO_NODE,  BENCH_IP4, BENCH_OVER4, DP_ENCAP_UDP_GRE_KEY,  BENCH_BRIEF},
};
// clang-format on
const size_t bench_n_rows = ARRAY_SIZE(bench_rows);

const char *bench_payload_name(const struct bench_row *row)
{
	return row->payload == BENCH_IP4 ? "ip4" : "ip6";
}

const char *bench_encap_name(const struct bench_row *row)
{
	static char name[24];

	snprintf(name, sizeof(name), "%s%s", row->carrier == BENCH_OVER4 ? "ip4" : "ip6",
		 encaps[row->encap].name);
	return name;
}

unsigned bench_encap_octets(const struct bench_row *row)
{
	return (row->carrier == BENCH_OVER4 ? 20 : 40) + encaps[row->encap].octets;
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
		for (size_t s = 0; s < ARRAY_SIZE(kernel_sizes) && row->depth & BENCH_KERNEL; s++)
			n = add(out, n,
				(struct bench_point){kernel_sizes[s], BENCH_UNIFORM, octets[b],
						     true});
	}
	if (row->depth & BENCH_BRIEF) {
		n = add(out, n, (struct bench_point){sizes[0], BENCH_UNIFORM, SMALL, false});
	}
	return n;
}
