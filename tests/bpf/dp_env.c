/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp_env.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

void env_enter(void)
{
	if (geteuid() != 0) {
		fprintf(stderr, "this test loads BPF programs: run it as root\n");
		exit(1);
	}
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		die("unshare");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("making mounts private");
	if (mount("sysfs", "/sys", "sysfs", 0, NULL) < 0)
		die("mounting sysfs");
	if (mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) < 0)
		die("mounting a bpffs");
	env_sh(true, "ip link set lo up");
}

int env_sh(bool must, const char *fmt, ...)
{
	char cmd[1024], line[1100];
	va_list ap;
	int r;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "(%s) >/dev/null%s", cmd, must ? "" : " 2>&1");
	fflush(NULL);
	r = system(line);
	if (r && must) {
		fprintf(stderr, "failed: %s\n", cmd);
		exit(1);
	}
	return r;
}

unsigned env_ifindex(const char *ifname)
{
	return if_nametoindex(ifname);
}

struct dp_bpf *env_dp(const struct dp_bpf_cfg *cfg)
{
	char err[DP_BPF_ERRLEN] = "";
	struct dp_bpf *dp;

	if (dp_bpf_new(&dp, cfg, err, sizeof(err)) < 0) {
		fprintf(stderr, "dp_bpf_new: %s\n", err);
		exit(1);
	}
	return dp;
}

int env_pin(const struct dp_bpf *dp, const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dp_bpf_pin_dir(dp), name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		die(path);
	return fd;
}

const void *env_map(int fd)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n;
	void *p;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		die("map info");
	n = ((size_t)info.max_entries * info.value_size + page - 1) / page * page;
	p = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mapping");
	return p;
}

int env_prog(unsigned ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	int fd;

	if (bpf_xdp_query((int)ifindex, 0, &q) < 0)
		die("XDP query");
	fd = bpf_prog_get_fd_by_id(q.prog_id);
	if (fd < 0)
		die("XDP program");
	return fd;
}

struct in6_addr env_addr(const char *s)
{
	struct in6_addr a;

	if (addr6_parse(s, &a) < 0)
		die(s);
	return a;
}

struct prefix6 env_prefix(const char *s)
{
	struct prefix6 p;

	if (prefix6_parse(s, &p) < 0)
		die(s);
	return p;
}
