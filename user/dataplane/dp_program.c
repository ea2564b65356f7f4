/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_program.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "pmip_tc.skel.h"
#include "pmip_xdp.skel.h"

static const char *const pin_name[DP_PROG_MAX] = {
	[DP_PROG_XDP_TRANSPORT] = "pm_prog_xdp_transport",
	[DP_PROG_XDP_ACCESS] = "pm_prog_xdp_access",
	[DP_PROG_TC_TRANSPORT] = "pm_prog_tc_transport",
	[DP_PROG_TC_ACCESS] = "pm_prog_tc_access",
	[DP_PROG_PASS] = "pm_prog_pass",
	[DP_PROG_CPU_TRANSPORT] = "pm_prog_cpu_transport",
	[DP_PROG_CPU_ACCESS] = "pm_prog_cpu_access",
	[DP_PROG_SPREAD_TRANSPORT] = "pm_prog_spread_transport",
	[DP_PROG_SPREAD_ACCESS] = "pm_prog_spread_access",
};

static const struct bpf_program *program(const struct dp_maps *m, unsigned i)
{
	const struct bpf_program *const p[DP_PROG_MAX] = {
		[DP_PROG_XDP_TRANSPORT] = m->xdp->progs.xdp_transport,
		[DP_PROG_XDP_ACCESS] = m->xdp->progs.xdp_access,
		[DP_PROG_TC_TRANSPORT] = m->tc->progs.tc_transport,
		[DP_PROG_TC_ACCESS] = m->tc->progs.tc_access,
		[DP_PROG_PASS] = m->xdp->progs.xdp_pass,
		[DP_PROG_CPU_TRANSPORT] = m->xdp->progs.cpu_transport,
		[DP_PROG_CPU_ACCESS] = m->xdp->progs.cpu_access,
		[DP_PROG_SPREAD_TRANSPORT] = m->xdp->progs.spread_transport,
		[DP_PROG_SPREAD_ACCESS] = m->xdp->progs.spread_access,
	};

	return p[i];
}

static bool wanted(const struct dp_maps *m, unsigned i)
{
	return bpf_program__autoload(program(m, i));
}

/* ---- identity */

static void mix(uint64_t *h, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (; n >= 8; n -= 8, p += 8) {
		uint64_t w;

		memcpy(&w, p, 8);
		*h = (*h ^ w) * 0x9e3779b97f4a7c15ull;
		*h ^= *h >> 29;
	}
	while (n--)
		*h = (*h ^ *p++) * 0x100000001b3ull;
}

static void mix_rodata(uint64_t *h, const struct bpf_map *map)
{
	size_t n = 0;
	const void *data = bpf_map__initial_value((struct bpf_map *)map, &n);

	if (data)
		mix(h, data, n);
}

uint64_t dp_program_identity(const struct dp_maps *m)
{
	uint64_t h = 0xcbf29ce484222325ull;
	const void *elf;
	size_t n;

	elf = pmip_xdp__elf_bytes(&n);
	mix(&h, elf, n);
	elf = pmip_tc__elf_bytes(&n);
	mix(&h, elf, n);
	mix_rodata(&h, m->xdp->maps.rodata);
	mix_rodata(&h, m->tc->maps.rodata);
	return h ? h : 1;
}

/* ---- descriptors */

static int pinned(const struct dp_maps *m, unsigned i)
{
	char path[DP_PIN_PATH + 64];

	dp_pin_path(&m->pins, path, pin_name[i], -1);
	return bpf_obj_get(path);
}

void dp_program_close(struct dp_maps *m)
{
	for (unsigned i = 0; m->own_progs && i < DP_PROG_MAX; i++)
		if (m->prog[i] >= 0)
			close(m->prog[i]);
	m->own_progs = false;
}

bool dp_program_reuse(struct dp_maps *m)
{
	bool all = true;

	for (unsigned i = 0; i < DP_PROG_MAX; i++) {
		m->prog[i] = wanted(m, i) ? pinned(m, i) : -1;
		all = all && (m->prog[i] >= 0 || !wanted(m, i));
	}
	m->own_progs = true;
	if (!all)
		dp_program_close(m);
	return all;
}

void dp_program_loaded(struct dp_maps *m)
{
	for (unsigned i = 0; i < DP_PROG_MAX; i++)
		m->prog[i] = wanted(m, i) ? bpf_program__fd(program(m, i)) : -1;
}

int dp_program_pin(const struct dp_maps *m)
{
	for (unsigned i = 0; i < DP_PROG_MAX; i++) {
		char path[DP_PIN_PATH + 64];

		dp_pin_path(&m->pins, path, pin_name[i], -1);
		if (unlink(path) && errno != ENOENT)
			return -errno;
		if (m->prog[i] >= 0 && bpf_obj_pin(m->prog[i], path) < 0)
			return -errno;
	}
	return 0;
}
