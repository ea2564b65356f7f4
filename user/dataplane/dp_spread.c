/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_spread.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/util.h"
#include "dataplane/dp_err.h"
#include "pmip_xdp.skel.h"

/* Frames that wait for a CPU: 1 ms at 2 million per second. */
#define QUEUE 2048

int dp_spread_prepare(struct dp_maps *m, const struct dp_bpf_cfg *cfg, char *err, size_t errlen)
{
	struct bpf_program *const programs[] = {
		m->xdp->progs.cpu_transport,
		m->xdp->progs.cpu_access,
		m->xdp->progs.spread_transport,
		m->xdp->progs.spread_access,
	};
	const long cpus = sysconf(_SC_NPROCESSORS_CONF);

	for (unsigned i = 0; i < ARRAY_SIZE(programs); i++)
		bpf_program__set_autoload(programs[i], cfg->n_spread_cpus > 0);
	if (cfg->n_spread_cpus > PM_SPREAD_MAX)
		return dp_fail(err, errlen, EINVAL, "more than %d CPUs to spread frames over",
			       PM_SPREAD_MAX);
	for (unsigned i = 0; i < cfg->n_spread_cpus; i++) {
		if (cfg->spread_cpu[i] >= cpus)
			return dp_fail(err, errlen, EINVAL,
				       "there is no CPU %u to spread frames over, the last one is "
				       "CPU %ld",
				       cfg->spread_cpu[i], cpus - 1);
		m->xdp->rodata->pm_spread_cpu[i] = cfg->spread_cpu[i];
	}
	m->xdp->rodata->pm_spread_cpus = cfg->n_spread_cpus;
	bpf_map__set_max_entries(m->xdp->maps.pm_cpus_transport, (uint32_t)cpus);
	bpf_map__set_max_entries(m->xdp->maps.pm_cpus_access, (uint32_t)cpus);
	return 0;
}

static int queue(const struct bpf_map *map, uint32_t cpu, int prog)
{
	const struct bpf_cpumap_val v = {.qsize = QUEUE, .bpf_prog.fd = prog};

	return bpf_map_update_elem(bpf_map__fd(map), &cpu, &v, BPF_ANY) < 0 ? -errno : 0;
}

int dp_spread_fill(struct dp_maps *m, const struct dp_bpf_cfg *cfg, char *err, size_t errlen)
{
	for (unsigned i = 0; i < cfg->n_spread_cpus; i++) {
		int r = queue(m->xdp->maps.pm_cpus_transport, cfg->spread_cpu[i],
			      m->prog[DP_PROG_CPU_TRANSPORT]);

		if (r == 0)
			r = queue(m->xdp->maps.pm_cpus_access, cfg->spread_cpu[i],
				  m->prog[DP_PROG_CPU_ACCESS]);
		if (r < 0)
			return dp_fail(err, errlen, -r, "cannot have frames spread to CPU %u: %s",
				       cfg->spread_cpu[i], strerror(-r));
	}
	return 0;
}
