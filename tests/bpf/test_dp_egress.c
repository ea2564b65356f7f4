/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flip once more, with frames that really travel: which interface they leave by is visible
 * only there.
 *
 *	gen (live frames) -> g0 ~ g1 [xdp_transport] -> e0 ~ f0 [checker of MAG 0]
 *	                                             -> e1 ~ f1 [checker of MAG 1]
 *
 * A checker counts the frames whose outer destination and link-layer addresses are those of the
 * MAG at its end of the wire, and all others.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <net/ethernet.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/util.h"
#include "dp_env.h"
#include "lib/cu.h"

#define ENOUGH 10000000u /* frames through the program */
#define ROUND  100000

static struct dp_bpf *dp;
static struct dataplane *d;
static dp_ref mag[2], node;

/* ---- two small programs, written by hand: the tests have no BPF compiler rule of their own */

struct code {
	struct bpf_insn insn[256];
	unsigned n;
};

static void emit(struct code *c, uint8_t op, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	c->insn[c->n++] = (struct bpf_insn){
		.code = op, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm};
}

static void emit_imm64(struct code *c, uint8_t dst, uint64_t v)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, dst, 0, 0, (int32_t)v);
	emit(c, 0, 0, 0, 0, (int32_t)(v >> 32));
}

static void emit_map(struct code *c, uint8_t dst, int fd)
{
	emit(c, BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, fd);
	emit(c, 0, 0, 0, 0, 0);
}

static int load(const struct code *c, const char *name)
{
	char log[8192] = "";
	LIBBPF_OPTS(bpf_prog_load_opts, o, .log_buf = log, .log_size = sizeof(log), .log_level = 1);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", c->insn, c->n, &o);

	if (fd < 0) {
		fprintf(stderr, "%s: %s\n%s\n", name, strerror(errno), log);
		exit(1);
	}
	return fd;
}

/* r2 = data; leaves with XDP_DROP unless `len` octets are there. */
static void emit_bounds(struct code *c, int32_t len)
{
	emit(c, BPF_LDX | BPF_W | BPF_MEM, 2, 1, offsetof(struct xdp_md, data), 0);
	emit(c, BPF_LDX | BPF_W | BPF_MEM, 3, 1, offsetof(struct xdp_md, data_end), 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0);
	emit(c, BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, len);
	emit(c, BPF_JMP | BPF_JLE | BPF_X, 4, 3, 2, 0);
	emit(c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_DROP);
	emit(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* Writes the template over the frame, which may be a recycled one, and sends it. */
static int generator(const void *frame, size_t len, unsigned ifindex)
{
	struct code c = {.n = 0};
	const uint8_t *p = frame;

	emit_bounds(&c, (int32_t)len);
	for (size_t i = 0; i < len; i += 8) {
		uint64_t word;

		memcpy(&word, p + i, sizeof(word));
		emit_imm64(&c, 5, word);
		emit(&c, BPF_STX | BPF_DW | BPF_MEM, 2, 5, (int16_t)i, 0);
	}
	emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, (int32_t)ifindex);
	emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 0);
	emit(&c, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect);
	emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return load(&c, "generator");
}

/* Compares the first `len` octets where `mask` says so; counts in element 0 (as it should be) or
 * 1 (IPv6 but something else); lets the kernel have what is no tunnel packet. */
static int checker(const uint8_t *want, const uint8_t *mask, size_t len, int map)
{
	unsigned jump[64], n = 0;
	struct code c = {.n = 0};

	emit_bounds(&c, (int32_t)len);
	emit(&c, BPF_LDX | BPF_B | BPF_MEM, 5, 2, 20, 0); /* next header of the outer one */
	emit(&c, BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 2, IPPROTO_IPV6);
	emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS);
	emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 6, 0, 0, 1);
	for (size_t i = 0; i < len; i++) {
		if (!mask[i])
			continue;
		emit(&c, BPF_LDX | BPF_B | BPF_MEM, 5, 2, (int16_t)i, 0);
		jump[n++] = c.n;
		emit(&c, BPF_JMP | BPF_JNE | BPF_K, 5, 0, 0, want[i]);
	}
	emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 6, 0, 0, 0);
	for (unsigned i = 0; i < n; i++)
		c.insn[jump[i]].off = (int16_t)(c.n - jump[i] - 1);
	emit(&c, BPF_STX | BPF_W | BPF_MEM, 10, 6, -4, 0);
	emit_map(&c, 1, map);
	emit(&c, BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0);
	emit(&c, BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4);
	emit(&c, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem);
	emit(&c, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2, 0);
	emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 1);
	emit(&c, BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD);
	emit(&c, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_DROP);
	emit(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	return load(&c, "checker");
}

/* ---- the world */

struct frame {
	struct ether_header eth;
	struct ipv6hdr ip;
	uint8_t payload[10];
} __attribute__((packed));
_Static_assert(sizeof(struct frame) % 8 == 0, "the generator writes words");

static struct in6_addr remote(int i)
{
	return env_addr(i ? "2001:db8:12::1" : "2001:db8:11::1");
}

static struct dp_bpf_nexthop nexthop(int i, unsigned ifindex)
{
	return (struct dp_bpf_nexthop){.valid = true,
				       .ifindex = ifindex,
				       .smac = {{2, 0x50, 0, 0, 0, (uint8_t)i}},
				       .dmac = {{2, 0xd0, 0, 0, 0, (uint8_t)i}},
				       .mtu = 1500};
}

static int checker_of(int i, int map)
{
	const struct dp_bpf_nexthop nh = nexthop(i, 1);
	const struct in6_addr to = remote(i);
	uint8_t want[54] = {0}, mask[54] = {0};

	memcpy(want, nh.dmac.b, 6);
	memcpy(want + 6, nh.smac.b, 6);
	memcpy(want + 38, &to, 16);
	memset(mask, 1, 12);
	memset(mask + 38, 1, 16);
	return checker(want, mask, sizeof(want), map);
}

static void setup(int map[2])
{
	const struct dp_bpf_cfg cfg = {
		.instance = "egress", .roles = DP_BPF_LMA, .max_sessions = 64, .max_peers = 16};
	const struct in6_addr ours = env_addr("2001:db8:2::1");

	dp = env_dp(&cfg);
	d = dp_bpf_dataplane(dp);
	env_veth("g0", "g1");
	env_attach(dp, "g1");
	CU_ASSERT_EQUAL(dp_bpf_local_add(dp, &ours), 0);
	for (int i = 0; i < 2; i++) {
		const struct dp_peer peer = {ours, remote(i), DP_ENCAP_IP};
		struct dp_bpf_nexthop nh;
		char name[16];
		int fd;

		env_sh(true, "ip link add e%d type veth peer name f%d", i, i);
		env_sh(true, "ip link set e%d up; ip link set f%d up", i, i);
		map[i] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "checked", 4, 8, 2, NULL);
		fd = checker_of(i, map[i]);
		snprintf(name, sizeof(name), "f%d", i);
		CU_ASSERT_EQUAL_FATAL(
			bpf_xdp_attach((int)env_ifindex(name), fd, XDP_FLAGS_DRV_MODE, NULL), 0);
		close(fd);
		snprintf(name, sizeof(name), "e%d", i);
		nh = nexthop(i, env_attach(dp, name));
		CU_ASSERT_EQUAL_FATAL(d->ops->peer_put(d, &peer, &mag[i]), 0);
		CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, mag[i], &nh), 0);
	}
	node = env_anchor(dp, env_prefix("2001:db8:f00::/64"), mag[0]);
}

/* ---- the run */

static void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static atomic_bool enough;

struct source {
	int cpu, prog;
	int result;
};

static void *generate(void *arg)
{
	struct source *s = arg;
	struct frame f = {{{0}}};
	struct xdp_md ctx = {.data_end = sizeof(f)};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = &f, .data_size_in = sizeof(f), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = ROUND,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);

	pin_to(s->cpu);
	while (!atomic_load(&enough) && !s->result)
		s->result = bpf_prog_test_run_opts(s->prog, &o);
	return NULL;
}

static struct frame template(void)
{
	struct frame f = {.eth.ether_type = htons(ETHERTYPE_IPV6)};

	f.ip.version = 6;
	f.ip.payload_len = htons(sizeof(f.payload));
	f.ip.nexthdr = 59;
	f.ip.hop_limit = 64;
	f.ip.saddr = env_addr("2001:db8:cc::1");
	f.ip.daddr = env_addr("2001:db8:f00::1");
	return f;
}

static uint64_t element(int fd, uint32_t key)
{
	uint64_t v = 0;

	CU_ASSERT_EQUAL(bpf_map_lookup_elem(fd, &key, &v), 0);
	return v;
}

static void test_flip_on_the_wire(void)
{
	unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN), n = cpus > 1 ? cpus - 1 : 1;
	uint64_t good[2], bad[2], flips = 0;
	struct counter_set drop, xdp, tc;
	struct source *s = calloc(n, sizeof(*s));
	pthread_t *thread = calloc(n, sizeof(*thread));
	struct frame f;
	time_t deadline = time(NULL) + 60;
	struct mac m;
	char text[32] = "";
	int map[2];
	FILE *a;

	setup(map);
	f = template();
	a = fopen("/sys/class/net/g1/address", "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	CU_ASSERT_EQUAL(fscanf(a, "%31s", text), 1);
	fclose(a);
	CU_ASSERT_EQUAL(mac_parse(text, &m), 0);
	memcpy(f.eth.ether_dhost, m.b, sizeof(m.b));
	for (unsigned i = 0; i < n; i++) {
		s[i] = (struct source){.cpu = (int)(cpus > 1 ? i + 1 : 0),
				       .prog = generator(&f, sizeof(f), env_ifindex("g0"))};
		CU_ASSERT_EQUAL_FATAL(pthread_create(&thread[i], NULL, generate, &s[i]), 0);
	}
	pin_to(0);
	while (!atomic_load(&enough)) {
		for (int i = 0; i < 100000; i++) {
			const struct dp_path to = {.kind = DP_TO_PEER, .peer = mag[flips++ & 1]};

			d->ops->session_move(d, node, &to);
		}
		CU_ASSERT_EQUAL(dp_bpf_verdicts(dp, &xdp, &tc), 0);
		atomic_store(&enough, xdp.value[PM_V_ENCAP] >= ENOUGH || time(NULL) > deadline);
	}
	for (unsigned i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	usleep(100000);
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_EQUAL(s[i].result, 0);
	for (int i = 0; i < 2; i++) {
		good[i] = element(map[i], 0);
		bad[i] = element(map[i], 1);
	}
	CU_ASSERT_EQUAL(dp_bpf_verdicts(dp, &xdp, &tc), 0);
	CU_ASSERT_EQUAL(dp_bpf_drops(dp, &drop), 0);
	printf("\n    %llu frames into the LMA, %llu changes: %llu encapsulated; on MAG 0's wire "
	       "%llu "
	       "right %llu wrong, on MAG 1's %llu right %llu wrong\n",
	       (unsigned long long)xdp.value[PM_V_RECEIVED], (unsigned long long)flips,
	       (unsigned long long)xdp.value[PM_V_ENCAP], (unsigned long long)good[0],
	       (unsigned long long)bad[0], (unsigned long long)good[1], (unsigned long long)bad[1]);
	/* the rings of a veth may overflow on either side of the program; what it received, it
	 * encapsulated (but for the few packets of the interfaces' own, like MLD) */
	CU_ASSERT_TRUE(xdp.value[PM_V_ENCAP] >= ENOUGH);
	CU_ASSERT_EQUAL(xdp.value[PM_V_RECEIVED],
			xdp.value[PM_V_ENCAP] + xdp.value[PM_V_TO_KERNEL]);
	CU_ASSERT_TRUE(xdp.value[PM_V_TO_KERNEL] < 100);
	CU_ASSERT_EQUAL(xdp.value[PM_V_DROPPED], 0);
	CU_ASSERT_TRUE(good[0] + good[1] <= xdp.value[PM_V_ENCAP]);
	CU_ASSERT_TRUE(good[0] > 100000 && good[1] > 100000);
	CU_ASSERT_EQUAL(bad[0], 0);
	CU_ASSERT_EQUAL(bad[1], 0);
	free(s);
	free(thread);
	dp_bpf_free(&dp, true);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"during the flip every frame leaves by the wire of the MAG it is addressed to",
		 test_flip_on_the_wire},
		{0									     }
	   };

	env_enter();
	return cu_main("dp_egress", tests, argc, argv);
}
