/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_load.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/log.h"
#include "base/util.h"
#include "dataplane/dp_err.h"
#include "dataplane/dp_program.h"
#include "dataplane/dp_reuse.h"
#include "dataplane/dp_spread.h"
#include "pmip_tc.skel.h"
#include "pmip_xdp.skel.h"

static const char *const map_name[DP_MAP_MAX] = {
	[DP_MAP_SESSION] = "pm_session", [DP_MAP_PREFIX6] = "pm_prefix6",
	[DP_MAP_ADDR4] = "pm_addr4",	 [DP_MAP_MNID] = "pm_mnid",
	[DP_MAP_FRAMED] = "pm_framed",	 [DP_MAP_POOL] = "pm_pool",
	[DP_MAP_TUNNEL] = "pm_tunnel",	 [DP_MAP_ACCESS] = "pm_access",
	[DP_MAP_IFACE] = "pm_iface",	 [DP_MAP_LOCAL] = "pm_local",
	[DP_MAP_META] = "pm_meta",	 [DP_MAP_DROP] = "pm_drop",
	[DP_MAP_VERDICT] = "pm_verdict", [DP_MAP_SLOW] = "pm_slow",
	[DP_MAP_KEYS] = "pm_keys",	 [DP_MAP_HINTS] = "pm_hints",
	[DP_MAP_SEEN] = "pm_seen",	 [DP_MAP_GLOBAL] = "pm_global",
	[DP_MAP_ROUTE] = "pm_route",	 [DP_MAP_DOMAIN] = "pm_domain",
	[DP_MAP_HALF] = "pm_half",	 [DP_MAP_MORE] = "pm_more",
	[DP_MAP_BUFFER] = "pm_buffer",	 [DP_MAP_KEPT] = "pm_kept",
};

/* ---- libbpf's own words: to the log as debug lines; the first complaint becomes our error */

static char complaint[160];

__attribute__((format(printf, 2, 0))) static int print_line(enum libbpf_print_level level,
							    const char *fmt, va_list ap)
{
	char *text = NULL, *line, *rest;

	if (level == LIBBPF_DEBUG && log_level() < LOG_C_DEBUG)
		return 0;
	if (vasprintf(&text, fmt, ap) < 0)
		return 0;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, "libbpf: ", 8))
			line += 8;
		if (!*line)
			continue;
		if (level == LIBBPF_WARN && !complaint[0])
			snprintf(complaint, sizeof(complaint), "%s", line);
		log_msg(LOG_C_DEBUG, "libbpf: %s", line);
	}
	free(text);
	return 0;
}

void dp_complaint_reset(void)
{
	libbpf_set_print(print_line);
	complaint[0] = '\0';
}

const char *dp_complaint(void)
{
	return complaint;
}

/* ---- may we, and can the kernel */

static bool have_cap(unsigned cap)
{
	struct __user_cap_header_struct hdr = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capget, &hdr, data) < 0)
		return false;
	return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

static int check_permission(char *err, size_t errlen)
{
	bool admin = have_cap(CAP_SYS_ADMIN);

	if (have_cap(CAP_NET_ADMIN) && (admin || (have_cap(CAP_BPF) && have_cap(CAP_PERFMON))))
		return 0;
	return dp_fail(err, errlen, EPERM,
		       "BPF is not permitted: run as root, or with CAP_BPF, CAP_PERFMON and "
		       "CAP_NET_ADMIN");
}

static int check_kernel(char *err, size_t errlen)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return 0; /* loading will tell */
	if (major > 5 || (major == 5 && minor >= 18))
		return 0;
	return dp_fail(err, errlen, ENOTSUP,
		       "kernel %u.%u is too old: XDP links, mapped BPF arrays and bounded loops as "
		       "used here need 5.18 (tested from 6.1 on)",
		       major, minor);
}

static int load_error(int code, const char *what, char *err, size_t errlen)
{
	const char *remedy = "see the debug log for the verifier's words";

	code = code < 0 ? -code : code;
	if (code == EPERM)
		remedy = "the kernel forbids BPF here (lockdown, seccomp or a user namespace), or "
			 "RLIMIT_MEMLOCK is too low: ulimit -l unlimited";
	else if (code == ENOMEM || code == E2BIG)
		remedy = "ask for fewer sessions";
	else if (code == EINVAL || code == ENOTSUP)
		remedy = "the kernel lacks a BPF feature: 5.18 is the least, tested from 6.1 on, "
			 "with "
			 "CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_BPF and CONFIG_DEBUG_INFO_BTF";
	return dp_fail(err, errlen, code, "cannot load %s: %s%s%s; %s", what, strerror(code),
		       complaint[0] ? ": " : "", complaint, remedy);
}

/* ---- objects */

/* A CPU that is plugged in later remembers no routes. */
static uint32_t cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);

	return n > 0 ? (uint32_t)n : 1;
}

static bool buffers(const struct dp_bpf_cfg *cfg)
{
	return cfg->roles & DP_BPF_MAG && cfg->buffer.sessions && cfg->buffer.node_packets;
}

static void size_maps(struct dp_maps *m, const struct dp_bpf_cfg *cfg)
{
	uint32_t statics = cfg->max_sessions ? cfg->max_sessions : 1;

	m->pool_slots = 1 + cfg->pool_slots;
	m->n_slots = m->pool_slots + statics;
	m->n_halves = cfg->max_halves ? 1 + cfg->max_halves : 2 * m->n_slots;
	bpf_map__set_max_entries(m->xdp->maps.pm_half, cfg->keep ? m->n_halves : 1);
	bpf_map__set_max_entries(m->xdp->maps.pm_more, cfg->keep ? 2 * m->n_halves : 1);
	if (!buffers(cfg)) {
		bpf_map__set_max_entries(m->xdp->maps.pm_buffer, 1);
		bpf_map__set_max_entries(m->xdp->maps.pm_kept, (uint32_t)sysconf(_SC_PAGESIZE));
	} else {
		bpf_map__set_max_entries(m->xdp->maps.pm_keep, cpus());
	}
	m->n_tunnels = 1 + cfg->max_peers;
	if (m->n_tunnels > PM_MAX_TUNNELS)
		m->n_tunnels = PM_MAX_TUNNELS;
	bpf_map__set_max_entries(m->xdp->maps.pm_session, m->n_slots);
	bpf_map__set_max_entries(m->xdp->maps.pm_prefix6, statics);
	bpf_map__set_max_entries(m->xdp->maps.pm_mnid, m->n_slots);
	bpf_map__set_max_entries(m->xdp->maps.pm_tunnel, m->n_tunnels);
	bpf_map__set_max_entries(m->xdp->maps.pm_addr4, statics);
	bpf_map__set_max_entries(m->xdp->maps.pm_keys, cfg->gre ? m->n_slots : 1);
	bpf_map__set_max_entries(m->xdp->maps.pm_domain, cfg->domains ? PM_DOMAINS : 1);
	/* sixteen bits for each entry: one look-up in sixteen that need not have been */
	m->n_seen = 64;
	while (m->n_seen * 4 < statics)
		m->n_seen *= 2;
	bpf_map__set_max_entries(m->xdp->maps.pm_seen, m->n_seen);
	bpf_map__set_max_entries(m->xdp->maps.pm_route, cpus() * PM_ROUTE_SETS);
	/* Next hops change word by word under running programs, see dp_peer.c. */
	bpf_map__set_map_flags(m->xdp->maps.pm_tunnel, BPF_F_MMAPABLE);
}

/* The second object takes every map of the first; only its read-only data is its own. */
static int share_maps(struct dp_maps *m)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, m->tc->obj)
	{
		struct bpf_map *first;
		int r;

		if (bpf_map__is_internal(map))
			continue;
		first = bpf_object__find_map_by_name(m->xdp->obj, bpf_map__name(map));
		if (!first)
			continue;
		r = bpf_map__reuse_fd(map, bpf_map__fd(first));
		if (r < 0)
			return r;
	}
	return 0;
}

/* Early packets per second and CPU. A gateway meets a few at a handover; a flood of them is
 * somebody's mistake. */
#define EARLY_RATE 1000

#define DECAP_FLAG (1 << 8) /* BPF_F_ADJ_ROOM_DECAP_L3_IPV6: newer than some kernel headers */

/*
 * Does bpf_skb_adjust_room() know of decapsulation? A program that asks for no room at all, for a
 * frame that is not IP: -EINVAL from a kernel that does not know the flag, -ENOTSUPP from others.
 */
static bool have_decap_flags(void)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K,
		 .dst_reg = BPF_REG_3,
		 .imm = BPF_ADJ_ROOM_MAC},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4, .imm = DECAP_FLAG},
		{.code = BPF_JMP | BPF_CALL,	     .imm = BPF_FUNC_skb_adjust_room},
		{.code = BPF_JMP | BPF_EXIT},
	};
	const uint8_t frame[64] = {[12] = 0x88, 0xb5}; /* local experiments, IEEE 802 */
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "pm_probe", "GPL", insns, ARRAY_SIZE(insns),
			       NULL);
	bool have;

	if (fd < 0)
		return false;
	have = bpf_prog_test_run_opts(fd, &o) == 0 && (int)o.retval != -EINVAL;
	close(fd);
	return have;
}

#define SET_SWITCHES(skel, cfg, decap_flags)                                                  \
	do {                                                                                  \
		(skel)->rodata->pm_role_lma = (cfg)->roles & DP_BPF_LMA;                      \
		(skel)->rodata->pm_role_mag = (cfg)->roles & DP_BPF_MAG;                      \
		(skel)->rodata->pm_use_pools = (cfg)->pool_slots > 0;                         \
		(skel)->rodata->pm_use_ip4 = (cfg)->ip4;                                      \
		(skel)->rodata->pm_use_ip4_outer = (cfg)->ip4_outer;                          \
		(skel)->rodata->pm_use_gre = (cfg)->gre;                                      \
		(skel)->rodata->pm_use_domains = (cfg)->domains;                              \
		(skel)->rodata->pm_decap_flags = (decap_flags);                               \
		(skel)->rodata->pm_fragment_rate = (cfg)->fragment_rate;                      \
		(skel)->rodata->pm_mss_clamp = (cfg)->mss_clamp;                              \
		(skel)->rodata->pm_early_rate = (cfg)->roles & DP_BPF_MAG ? EARLY_RATE : 0;   \
		for (unsigned i_ = 0; i_ < sizeof((cfg)->icmp_source); i_++)                  \
			(skel)->rodata->pm_icmp6_source[i_] = (cfg)->icmp_source.s6_addr[i_]; \
	} while (0)

static uint32_t features(const struct dp_bpf_cfg *cfg)
{
	return (cfg->ip4 ? PM_FEATURE_IP4 : 0) | (cfg->ip4_outer ? PM_FEATURE_IP4_OUTER : 0) |
	       (cfg->gre ? PM_FEATURE_GRE : 0) | (cfg->domains ? PM_FEATURE_DOMAINS : 0) |
	       (cfg->udp_fixed_port ? PM_FEATURE_UDP_FIXED : 0);
}

/* The programs get the maps of an earlier run, where these are what they would make themselves. */
static int take_over(struct dp_maps *m, const struct dp_bpf_cfg *cfg, char *err, size_t errlen)
{
	char why[160] = "";
	int r;

	m->meta = (struct pm_meta){.layout_version = PM_LAYOUT_VERSION,
				   .n_slots = m->n_slots,
				   .pool_slots = m->pool_slots,
				   .features = features(cfg),
				   .layout = dp_reuse_layout(m->xdp->obj),
				   .mark = cfg->buffer.mark};
	if (cfg->keep && dp_reuse_fits(m, why, sizeof(why))) {
		r = dp_reuse(m);
		if (r < 0)
			return dp_fail(err, errlen, -r, "cannot take over the maps in %s: %s",
				       m->pins.dir, strerror(-r));
		m->adopted = true;
		return 0;
	}
	if (why[0])
		log_msg(LOG_C_LOCAL,
			"dataplane: begins anew, sessions are not forwarded until they come again: "
			"%s",
			why);
	dp_pins_leftovers(&m->pins);
	m->anew = true;
	return 0;
}

static int load_programs(struct dp_maps *m, const struct dp_bpf_cfg *cfg, char *err, size_t errlen)
{
	int r = pmip_xdp__load(m->xdp);

	if (r < 0)
		return load_error(r, "the XDP programs", err, errlen);
	r = share_maps(m);
	if (r == 0)
		r = pmip_tc__load(m->tc);
	if (r < 0)
		return load_error(r, "the TC programs", err, errlen);
	dp_program_loaded(m);
	return dp_spread_fill(m, cfg, err, errlen);
}

static int write_meta(const struct dp_maps *m, char *err, size_t errlen)
{
	const int fd = bpf_map__fd(m->xdp->maps.pm_meta);
	const uint32_t key = 0;

	if (bpf_map_update_elem(fd, &key, &m->meta, BPF_ANY) < 0)
		return dp_fail(err, errlen, errno, "cannot write pm_meta: %s", strerror(errno));
	return 0;
}

/* Those of an earlier run, if they are the same; else ours, for the next one to find. What pm_meta
 * says of them is true at each instant. */
static int get_programs(struct dp_maps *m, const struct dp_bpf_cfg *cfg, char *err, size_t errlen)
{
	const uint64_t identity = cfg->keep ? dp_program_identity(m) : 0;
	int r;

	if (m->adopted && identity && m->meta.programs == identity && dp_program_reuse(m))
		return 0;
	r = load_programs(m, cfg, err, errlen);
	m->meta.programs = 0;
	if (r == 0 && m->adopted)
		r = write_meta(m, err, errlen);
	if (r < 0 || !cfg->keep)
		return r;
	r = dp_program_pin(m);
	if (r < 0)
		return dp_fail(err, errlen, -r, "cannot pin programs in %s: %s", m->pins.dir,
			       strerror(-r));
	m->meta.programs = identity;
	return 0;
}

static int load_objects(struct dp_maps *m, const struct dp_bpf_cfg *cfg, char *err, size_t errlen)
{
	const bool decap_flags = have_decap_flags();
	int r;

	dp_complaint_reset();
	m->xdp = pmip_xdp__open();
	m->tc = pmip_tc__open();
	if (!m->xdp || !m->tc)
		return load_error(errno, "the BPF objects", err, errlen);
	size_maps(m, cfg);
	SET_SWITCHES(m->xdp, cfg, decap_flags);
	SET_SWITCHES(m->tc, cfg, decap_flags);
	m->xdp->rodata->pm_seen_mask = m->tc->rodata->pm_seen_mask = m->n_seen - 1;
	r = dp_spread_prepare(m, cfg, err, errlen);
	if (r == 0)
		r = take_over(m, cfg, err, errlen);
	if (r < 0)
		return r;
	m->xdp->rodata->pm_mark = m->tc->rodata->pm_mark = m->meta.mark;
	m->xdp->rodata->pm_buffer_packets = m->tc->rodata->pm_buffer_packets =
		buffers(cfg) ? cfg->buffer.node_packets : 0;
	return get_programs(m, cfg, err, errlen);
}

static int pin_maps(struct dp_maps *m, char *err, size_t errlen)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, m->xdp->obj)
	{
		char path[DP_PIN_PATH + 64];

		if (bpf_map__is_internal(map) || m->adopted)
			continue;
		dp_pin_path(&m->pins, path, bpf_map__name(map), -1);
		if (bpf_obj_pin(bpf_map__fd(map), path) < 0)
			return dp_fail(err, errlen, errno, "cannot pin %s: %s", path,
				       strerror(errno));
	}
	for (int i = 0; i < DP_MAP_MAX; i++) {
		map = bpf_object__find_map_by_name(m->xdp->obj, map_name[i]);
		if (!map)
			return dp_fail(err, errlen, ENOENT, "the BPF object has no map %s",
				       map_name[i]);
		m->fd[i] = bpf_map__fd(map);
	}
	return 0;
}

static size_t mapped_len(size_t n, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n * size + page - 1) / page * page;
}

static void *map_memory(int fd, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

int dp_load(struct dp_maps *m, const struct dp_bpf_cfg *cfg, char *err, size_t errlen)
{
	int r;

	memset(m, 0, sizeof(*m));
	m->pins.lock_fd = -1;
	if (cfg->pool_slots > 1u << 30 || cfg->max_sessions > 1u << 30 ||
	    cfg->max_halves > 1u << 30)
		return dp_fail(err, errlen, EINVAL, "more than 2^30 sessions asked for");
	r = check_permission(err, errlen);
	if (r == 0)
		r = check_kernel(err, errlen);
	if (r == 0)
		r = dp_pins_open(&m->pins, cfg->bpffs, cfg->instance, err, errlen);
	if (r < 0)
		return r;
	r = load_objects(m, cfg, err, errlen);
	if (r == 0)
		r = pin_maps(m, err, errlen);
	if (r < 0)
		return r;
	m->session = map_memory(m->fd[DP_MAP_SESSION], mapped_len(m->n_slots, sizeof(*m->session)));
	if (cfg->gre)
		m->keys = map_memory(m->fd[DP_MAP_KEYS], mapped_len(m->n_slots, sizeof(*m->keys)));
	m->tunnel = map_memory(m->fd[DP_MAP_TUNNEL], mapped_len(m->n_tunnels, sizeof(*m->tunnel)));
	m->hints = map_memory(m->fd[DP_MAP_HINTS], mapped_len(1, sizeof(*m->hints)));
	m->seen = map_memory(m->fd[DP_MAP_SEEN], mapped_len(m->n_seen, sizeof(*m->seen)));
	m->global = map_memory(m->fd[DP_MAP_GLOBAL], mapped_len(1, sizeof(*m->global)));
	if (cfg->keep)
		m->half = map_memory(m->fd[DP_MAP_HALF], mapped_len(m->n_halves, sizeof(*m->half)));
	if (buffers(cfg))
		m->buffer = map_memory(m->fd[DP_MAP_BUFFER],
				       mapped_len(PM_BUFFERS, sizeof(*m->buffer)));
	if ((buffers(cfg) && !m->buffer) || !m->session || (cfg->gre && !m->keys) || !m->tunnel ||
	    !m->hints || !m->seen || !m->global || (cfg->keep && !m->half))
		return dp_fail(err, errlen, errno, "cannot map the tables: %s", strerror(errno));
	/* last, because whoever finds it takes the rest for whole */
	return write_meta(m, err, errlen);
}

void dp_unload(struct dp_maps *m, bool flush)
{
	if (m->session)
		munmap(m->session, mapped_len(m->n_slots, sizeof(*m->session)));
	if (m->tunnel)
		munmap(m->tunnel, mapped_len(m->n_tunnels, sizeof(*m->tunnel)));
	if (m->keys)
		munmap(m->keys, mapped_len(m->n_slots, sizeof(*m->keys)));
	if (m->hints)
		munmap(m->hints, mapped_len(1, sizeof(*m->hints)));
	if (m->seen)
		munmap(m->seen, mapped_len(m->n_seen, sizeof(*m->seen)));
	if (m->global)
		munmap(m->global, mapped_len(1, sizeof(*m->global)));
	if (m->half)
		munmap(m->half, mapped_len(m->n_halves, sizeof(*m->half)));
	if (m->buffer)
		munmap(m->buffer, mapped_len(PM_BUFFERS, sizeof(*m->buffer)));
	m->buffer = NULL;
	m->half = NULL;
	m->global = NULL;
	m->session = NULL;
	m->keys = NULL;
	m->hints = NULL;
	m->seen = NULL;
	m->tunnel = NULL;
	dp_pins_close(&m->pins, flush);
	dp_program_close(m);
	pmip_tc__destroy(m->tc);
	pmip_xdp__destroy(m->xdp);
	m->tc = NULL;
	m->xdp = NULL;
}
