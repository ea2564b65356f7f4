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
#include <linux/if_link.h>

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

void env_veth(const char *one, const char *other)
{
	env_sh(true, "ip link add %s type veth peer name %s; ip link set %s up; ip link set %s up",
	       one, other, one, other);
}

void env_pass_xdp(const char *ifname)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT		   },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", insns, 2, NULL);

	if (fd < 0 || bpf_xdp_attach((int)env_ifindex(ifname), fd, XDP_FLAGS_DRV_MODE, NULL))
		die(ifname);
	close(fd);
}

unsigned env_attach(struct dp_bpf *dp, const char *ifname)
{
	const struct dp_bpf_attach a = {.ifindex = env_ifindex(ifname),
					.ifname = ifname,
					.kind = DP_BPF_TRANSPORT,
					.want = DP_BPF_XDP,
					.mtu = 1500};
	char err[DP_BPF_ERRLEN] = "";

	if (dp_bpf_attach(dp, &a, NULL, err, sizeof(err))) {
		fprintf(stderr, "%s: %s\n", ifname, err);
		exit(1);
	}
	return a.ifindex;
}

dp_ref env_anchor(struct dp_bpf *dp, struct prefix6 p, dp_ref peer)
{
	const struct dp_session s = {
		.half = DP_ANCHOR,
		.mnid = {1, 1,		       (const uint8_t *)"n"},
		.n_prefixes = 1,
		.prefixes = &p,
		.up.kind = DP_TO_ROUTE,
		.down = {.kind = DP_TO_PEER, .peer = peer},
	};
	struct dataplane *d = dp_bpf_dataplane(dp);
	dp_ref ref = 0;

	if (d->ops->session_put(d, &s, &ref))
		die("session");
	return ref;
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

int env_judge(unsigned ifindex, const void *frame, uint32_t len)
{
	struct xdp_md md = {.data_end = len, .ingress_ifindex = ifindex};
	uint8_t out[2048];
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = len, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &md, .ctx_size_in = sizeof(md),
		    .repeat = 1);
	int prog = env_prog(ifindex), r;

	r = bpf_prog_test_run_opts(prog, &o);
	close(prog);
	return r ? r : (int)o.retval;
}

static uint8_t *ip6(uint8_t *p, const struct in6_addr *src, const struct in6_addr *dst,
		    uint8_t next, uint16_t len)
{
	memset(p, 0, 40);
	p[0] = 0x60;
	p[4] = (uint8_t)(len >> 8);
	p[5] = (uint8_t)len;
	p[6] = next;
	p[7] = 64;
	memcpy(p + 8, src, sizeof(*src));
	memcpy(p + 24, dst, sizeof(*dst));
	return p + 40;
}

void env_tunnelled(uint8_t frame[ENV_TUNNELLED], const struct env_tunnelled *t)
{
	uint8_t *p = frame;

	memset(frame, 0, ENV_TUNNELLED);
	memcpy(p, t->dst.b, sizeof(t->dst.b));
	p[12] = 0x86;
	p[13] = 0xdd;
	p = ip6(p + 14, &t->outer_src, &t->outer_dst, 41, ENV_TUNNELLED - 54);
	p = ip6(p, &t->src, &t->dst_addr, 59, ENV_TUNNELLED - 94);
	memcpy(p, &t->number, sizeof(t->number));
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
