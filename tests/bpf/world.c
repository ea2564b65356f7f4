/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "world_fill.h"

#include <CUnit/CUnit.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "pmip_tc.skel.h"
#include "pmip_xdp.skel.h"

#define POISON	 32 /* octets of headroom that XDP metadata lets us fill */
#define MAX_CPUS 1024

struct world {
	enum pm_hook hook;
	struct pmip_xdp *xdp;
	struct pmip_tc *tc;
	struct bpf_object *obj;
	int prog[AT_PROGS];
	unsigned ifindex[AT_PROGS];
	struct pm_session *session;
	size_t session_size;
	struct ring_buffer *ring;
	struct world_record *record; /* where the next one goes */
};

static struct world_account accounts[PM_HOOK_MAX];

static const char *const ifnames[AT_PROGS] = {"t0", "a0", "a1"};

static void sh(const char *cmd)
{
	if (system(cmd)) {
		fprintf(stderr, "cannot run: %s\n", cmd);
		exit(2);
	}
}

/* veth takes a test run as an interface only while XDP is on; a program that passes everything. */
static int attach_pass(const char *ifname)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT		   },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", insns, 2, NULL);

	if (fd < 0)
		return fd;
	return bpf_xdp_attach((int)if_nametoindex(ifname), fd, 0, NULL);
}

static bool namespace_ready(void)
{
	static bool ready;

	if (ready)
		return true;
	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr, "cannot make a network namespace: %s (be root)\n", strerror(errno));
		return false;
	}
	for (int i = 0; i < AT_PROGS; i++) {
		char cmd[256];

		snprintf(cmd, sizeof(cmd),
			 "ip link add %s address %s type veth peer name p%d && ip link set p%d up "
			 "&& ip link set %s mtu 1600 up",
			 ifnames[i], i ? A_MAC : T_MAC, i, i, ifnames[i]);
		sh(cmd);
		if (attach_pass(ifnames[i])) {
			fprintf(stderr, "cannot attach an XDP program to %s\n", ifnames[i]);
			return false;
		}
	}
	sh("echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
	sh("echo 1 >/proc/sys/net/ipv4/ip_forward");
	sh("ip link set lo up");
	sh("ip addr add " LMAA "/64 dev t0 nodad && ip addr add " LMAA4 "/24 dev t0");
	sh("ip neigh add 2001:db8:2::ff lladdr " R_MAC " nud permanent dev t0");
	sh("ip neigh add 192.0.2.254 lladdr " R_MAC " nud permanent dev t0");
	sh("ip route add 198.18.0.0/18 via 192.0.2.254");
	sh("ip route add 198.18.64.0/18 via 192.0.2.253");
	sh("ip route add unreachable 198.18.128.0/18");
	sh("ip route add 198.18.192.0/18 via 192.0.2.254 mtu lock 1300");
	sh("ip route add 198.51.100.0/24 via 192.0.2.254");
	sh("ip route add 2001:db8:cafe::/48 via 2001:db8:2::ff");
	sh("ip route add 2001:db8:5a11::/48 via 2001:db8:2::ff mtu lock 1300");
	sh("ip route add 2001:db8:aaaa::/48 via 2001:db8:2::fe");
	sh("ip route add 2001:db8:11::/48 via 2001:db8:2::ff");
	sh("ip route add unreachable 2001:db8:dead::/48");
	ready = true;
	return true;
}

/* Since 6.3; the loader of the daemon finds out by trying. */
static bool kernel_knows_decap_flags(void)
{
	unsigned major = 0, minor = 0;
	struct utsname u;

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return true;
	return major > 6 || (major == 6 && minor >= 3);
}

static void source(const char *addr, uint8_t *to, size_t from)
{
	uint8_t b[16];

	if (!addr)
		return;
	frame_addr(b, addr);
	memcpy(to, b + from, sizeof(b) - from);
}

static int on_record(void *arg, void *data, size_t n)
{
	struct world *w = arg;
	struct world_record *rec = w->record;

	if (!rec || n < sizeof(rec->head) || n > sizeof(rec->head) + sizeof(rec->data.b)) {
		fprintf(stderr, "pm_slow: a %srecord of %zu octets\n", rec ? "" : "second ", n);
		abort();
	}
	memcpy(&rec->head, data, sizeof(rec->head));
	rec->data.n = n - sizeof(rec->head);
	memcpy(rec->data.b, (uint8_t *)data + sizeof(rec->head), rec->data.n);
	w->record = NULL;
	return 0;
}

bool world_record(struct world *w, struct world_record *rec)
{
	w->record = rec;
	if (ring_buffer__consume(w->ring) < 0) {
		fprintf(stderr, "cannot read pm_slow\n");
		exit(2);
	}
	return !w->record;
}

struct world *world_new(enum pm_hook hook, const struct world_switches *sw)
{
	struct world_switches all = {.lma = true,
				     .mag = true,
				     .icmp_rate = 1000000000,
				     .icmp_burst = 1000000000,
				     .icmp6_source = ICMP6_SRC,
				     .icmp4_source = ICMP4_SRC};
	struct world *w = calloc(1, sizeof(*w));
	bool decap_flags;
	int err = -1;

	if (!sw)
		sw = &all;
	decap_flags = !sw->no_decap_flags && kernel_knows_decap_flags();
	if (!w || !namespace_ready()) {
		free(w);
		return NULL;
	}
	w->hook = hook;
	for (int i = 0; i < AT_PROGS; i++)
		w->ifindex[i] = if_nametoindex(ifnames[i]);
#define SWITCHES(skel)                                                                    \
	do {                                                                              \
		(skel)->rodata->pm_role_lma = sw->lma;                                    \
		(skel)->rodata->pm_role_mag = sw->mag;                                    \
		(skel)->rodata->pm_use_pools = !sw->no_pools;                             \
		(skel)->rodata->pm_use_ip4 = !sw->no_ip4;                                 \
		(skel)->rodata->pm_use_ip4_outer = !sw->no_ip4_outer;                     \
		(skel)->rodata->pm_use_gre = !sw->no_gre;                                 \
		(skel)->rodata->pm_use_domains = sw->domains;                             \
		(skel)->rodata->pm_decap_flags = decap_flags;                             \
		(skel)->rodata->pm_icmp_rate = sw->icmp_rate;                             \
		(skel)->rodata->pm_icmp_burst = sw->icmp_burst;                           \
		(skel)->rodata->pm_early_rate = sw->early_rate;                           \
		(skel)->rodata->pm_early_burst = sw->early_rate;                          \
		(skel)->rodata->pm_fragment_rate = sw->fragment_rate;                     \
		(skel)->rodata->pm_mss_clamp = sw->mss_clamp;                             \
		(skel)->rodata->pm_buffer_packets = sw->mag && !sw->no_buffer ? 1000 : 0; \
		(skel)->rodata->pm_fragment_burst = sw->fragment_rate;                    \
		source(sw->icmp6_source, (void *)(skel)->rodata->pm_icmp6_source, 0);     \
		source(sw->icmp4_source, (void *)(skel)->rodata->pm_icmp4_source, 12);    \
		bpf_map__set_max_entries((skel)->maps.pm_session, MN_SLOTS);              \
		bpf_map__set_max_entries((skel)->maps.pm_keys, MN_SLOTS);                 \
		bpf_map__set_max_entries((skel)->maps.pm_domain, PM_DOMAINS);             \
		bpf_map__set_max_entries((skel)->maps.pm_keep,                            \
					 (uint32_t)libbpf_num_possible_cpus());            \
	} while (0)
	if (hook == PM_HOOK_XDP) {
		w->xdp = pmip_xdp__open();
		if (w->xdp) {
			SWITCHES(w->xdp);
			w->obj = w->xdp->obj;
			err = pmip_xdp__load(w->xdp);
		}
	} else {
		w->tc = pmip_tc__open();
		if (w->tc) {
			SWITCHES(w->tc);
			w->obj = w->tc->obj;
			err = pmip_tc__load(w->tc);
		}
	}
	if (err) {
		fprintf(stderr, "cannot load the programs: %s\n", strerror(errno));
		world_free(&w);
		return NULL;
	}
	w->prog[AT_TRANSPORT] = bpf_program__fd(hook == PM_HOOK_XDP ? w->xdp->progs.xdp_transport
								    : w->tc->progs.tc_transport);
	w->prog[AT_ACCESS] = bpf_program__fd(hook == PM_HOOK_XDP ? w->xdp->progs.xdp_access
								 : w->tc->progs.tc_access);
	w->prog[AT_ACCESS2] = w->prog[AT_ACCESS];
	w->session_size = MN_SLOTS * sizeof(struct pm_session);
	w->session_size = (w->session_size + 4095) & ~4095UL;
	w->session = mmap(NULL, w->session_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  world_map(w, "pm_session"), 0);
	if (w->session == MAP_FAILED) {
		fprintf(stderr, "cannot map pm_session: %s\n", strerror(errno));
		w->session = NULL;
		world_free(&w);
		return NULL;
	}
	w->ring = ring_buffer__new(world_map(w, "pm_slow"), on_record, w, NULL);
	if (!w->ring) {
		fprintf(stderr, "cannot read pm_slow: %s\n", strerror(errno));
		world_free(&w);
		return NULL;
	}
	world_fill(w, sw);
	return w;
}

void world_free(struct world **wp)
{
	struct world *w = *wp;

	if (!w)
		return;
	ring_buffer__free(w->ring);
	if (w->session)
		munmap(w->session, w->session_size);
	pmip_xdp__destroy(w->xdp);
	pmip_tc__destroy(w->tc);
	free(w);
	*wp = NULL;
}

struct pm_session *world_session(struct world *w, enum world_slot slot)
{
	return &w->session[slot];
}

int world_map(struct world *w, const char *name)
{
	return bpf_object__find_map_fd_by_name(w->obj, name);
}

int world_prog_fd(struct world *w, enum world_prog prog)
{
	return w->prog[prog];
}

enum pm_hook world_hook(const struct world *w)
{
	return w->hook;
}

unsigned world_ifindex(const struct world *w, enum world_prog prog)
{
	return w->ifindex[prog];
}

static void read_counters(struct world *w, const char *map, uint32_t n, uint64_t *out)
{
	static uint64_t cpu[MAX_CPUS];
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 1 || cpus > MAX_CPUS)
		exit(2);
	for (uint32_t i = 0; i < n; i++) {
		out[i] = 0;
		if (bpf_map_lookup_elem(world_map(w, map), &i, cpu))
			exit(2);
		for (int c = 0; c < cpus; c++)
			out[i] += cpu[c];
	}
}

static int run(struct world *w, enum world_prog prog, const struct frame *in,
	       const struct world_meta *meta, struct frame *out)
{
	static uint8_t data_in[POISON + FRAME_MAX], data_out[FRAME_MAX + 512];
	const bool xdp = w->hook == PM_HOOK_XDP;
	struct xdp_md xmd = {0}, xmd_out = {0};
	struct __sk_buff skb = {0};
	size_t front = xdp ? POISON : 0;
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	memset(data_in, 0xdb, front);
	memcpy(data_in + front, in->b, in->n);
	opts.data_in = data_in;
	opts.data_size_in = (uint32_t)(front + in->n);
	opts.data_out = data_out;
	opts.data_size_out = sizeof(data_out);
	if (xdp) {
		xmd.data = (uint32_t)front;
		xmd.data_end = opts.data_size_in;
		xmd.ingress_ifindex = w->ifindex[prog];
		opts.ctx_in = &xmd;
		opts.ctx_size_in = sizeof(xmd);
		opts.ctx_out = &xmd_out;
		opts.ctx_size_out = sizeof(xmd_out);
	} else {
		skb.ifindex = w->ifindex[prog];
		if (meta) {
			skb.gso_size = meta->gso_size;
			skb.gso_segs = meta->gso_segs;
		}
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	if (bpf_prog_test_run_opts(w->prog[prog], &opts)) {
		fprintf(stderr, "test run of %zu octets at %s: %s\n", in->n, xdp ? "XDP" : "TC",
			strerror(errno));
		exit(2);
	}
	out->n = opts.data_size_out - xmd_out.data;
	memcpy(out->b, data_out + xmd_out.data, out->n);
	return (int)opts.retval;
}

void world_run(struct world *w, enum world_prog prog, const struct frame *in,
	       const struct world_meta *meta, struct world_result *res)
{
	enum { NV = PM_HOOK_MAX * PM_V_MAX };
	uint64_t v0[NV], v1[NV], d0[PM_DROP_MAX], d1[PM_DROP_MAX];
	uint64_t verdicts = 0, dropped = 0;
	const unsigned base = w->hook * PM_V_MAX;
	struct world_account *account = &accounts[w->hook];

	memset(res, 0, sizeof(*res));
	read_counters(w, "pm_verdict", NV, v0);
	read_counters(w, "pm_drop", PM_DROP_MAX, d0);
	res->retval = run(w, prog, in, meta, &res->out);
	read_counters(w, "pm_verdict", NV, v1);
	read_counters(w, "pm_drop", PM_DROP_MAX, d1);

	account->handed_in++;
	for (unsigned i = 0; i < PM_V_MAX; i++)
		account->verdicts[i] += v1[base + i] - v0[base + i];
	for (unsigned i = 0; i < PM_DROP_MAX; i++)
		account->drops[i] += d1[i] - d0[i];
	CU_ASSERT_EQUAL(v1[base + PM_V_RECEIVED] - v0[base + PM_V_RECEIVED], 1);
	for (unsigned i = PM_V_RECEIVED + 1; i < PM_V_MAX; i++) {
		if (v1[base + i] != v0[base + i])
			res->verdict = i;
		verdicts += v1[base + i] - v0[base + i];
	}
	for (unsigned i = 0; i < PM_DROP_MAX; i++) {
		if (d1[i] != d0[i])
			res->reason = i;
		dropped += d1[i] - d0[i];
	}
	CU_ASSERT_EQUAL(verdicts, 1);
	CU_ASSERT_EQUAL(dropped, res->verdict == PM_V_DROPPED ? 1 : 0);
	for (unsigned i = 0; i < PM_V_MAX; i++) {
		unsigned other = (w->hook == PM_HOOK_XDP ? PM_HOOK_TC : PM_HOOK_XDP) * PM_V_MAX + i;

		CU_ASSERT_EQUAL(v1[other], v0[other]);
	}
}

const struct world_account *world_account(enum pm_hook hook)
{
	return &accounts[hook];
}

const char *world_verdict_name(enum pm_verdict v)
{
	static const char *const names[PM_V_MAX] = {
		"received",    "to_kernel",  "to_tc",	"dropped",  "encap",
		"decap_route", "decap_link", "hairpin", "local",    "replied",
		"link",	       "route",	     "early",	"fragment", "to_daemon",
	};

	return names[v];
}

const char *world_reason_name(enum pm_drop_reason r)
{
#define NAME(sym, name, help) name,
	static const char *const names[PM_DROP_MAX] = {PM_DROP_REASONS(NAME)};

	return names[r];
}
