/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "world.h"

#include <CUnit/CUnit.h>
#include <arpa/inet.h>
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
};

static const char *const ifnames[AT_PROGS] = {"t0", "a0", "a1"};

const char *mn(enum world_slot slot)
{
	static char text[MN_SLOTS][48];

	if (slot == MN_HASH)
		return MN_HASH_ADDR;
	snprintf(text[slot], sizeof(text[slot]), "2001:db8:100:%x::1",
		 slot == MN_NONE ? 0x999u : (unsigned)slot - 1);
	return text[slot];
}

const char *mn_mac(enum world_slot slot)
{
	static char text[MN_SLOTS][24];

	snprintf(text[slot], sizeof(text[slot]), MN_MAC, (unsigned)slot);
	return text[slot];
}

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
	sh("ip link set lo up");
	sh("ip addr add " LMAA "/64 dev t0 nodad");
	sh("ip neigh add 2001:db8:2::ff lladdr " R_MAC " nud permanent dev t0");
	sh("ip route add 2001:db8:cafe::/48 via 2001:db8:2::ff");
	sh("ip route add 2001:db8:5a11::/48 via 2001:db8:2::ff mtu lock 1300");
	sh("ip route add 2001:db8:aaaa::/48 via 2001:db8:2::fe");
	sh("ip route add 2001:db8:11::/48 via 2001:db8:2::ff");
	sh("ip route add unreachable 2001:db8:dead::/48");
	ready = true;
	return true;
}

static void put(struct world *w, const char *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(world_map(w, map), key, value, BPF_ANY)) {
		fprintf(stderr, "cannot fill %s: %s\n", map, strerror(errno));
		exit(2);
	}
}

static void put_tunnel(struct world *w, uint32_t index, const char *local, const char *remote,
		       uint32_t flags, uint16_t mtu)
{
	struct pm_tunnel t = {.flags = PM_T_VALID | flags, .mtu = mtu, .hop_limit = 64};

	frame_addr(t.local, local);
	frame_addr(t.remote, remote);
	frame_mac(t.dmac, R_MAC);
	frame_mac(t.smac, T_MAC);
	t.ifindex = w->ifindex[AT_TRANSPORT];
	put(w, "pm_tunnel", &index, &t);
}

static void put_iface(struct world *w, enum world_prog prog, struct pm_iface iface)
{
	uint32_t key = w->ifindex[prog] % PM_IFACE_SLOTS;

	iface.ifindex = w->ifindex[prog];
	put(w, "pm_iface", &key, &iface);
}

/* Every hash has what it has: the programs look everything up. */
static void put_hints(struct world *w, bool framed)
{
	struct pm_hints hints = {.framed = framed};
	uint32_t zero = 0;
	uint64_t all = ~0ull;

	memset(hints.local, 0xff, sizeof(hints.local));
	put(w, "pm_hints", &zero, &hints);
	for (uint32_t i = 0; i < 1024; i++)
		put(w, "pm_seen", &i, &all);
}

static void put_session(struct world *w, enum world_slot slot, uint32_t tunnel, unsigned flags,
			uint32_t up, uint16_t access)
{
	struct pm_session *s = &w->session[slot];
	uint8_t addr[16];

	memset(s, 0, sizeof(*s));
	frame_addr(addr, mn(slot));
	memcpy(&s->prefix, addr, 8);
	s->up_tunnel = up;
	s->access = access;
	frame_mac(s->mac, mn_mac(slot));
	s->desc = PM_DESC(tunnel, PM_F_VALID | flags, slot == MN_1 ? 7 : 1);
}

enum { TUN_MAG1 = 1, TUN_MAG2, TUN_LMA2, TUN_SELF, TUN_UNRESOLVED, TUN_SLOW, TUN_SMALL, TUN_TINY };

static void fill(struct world *w, const struct world_switches *sw)
{
	const uint32_t good = PM_T_NEXTHOP | PM_T_XDP;
	struct pm_pool pool = {.base = 1, .n = 64};
	struct pm_iface iface = {.flags = PM_I_XDP | PM_I_XDP_OUT};
	uint32_t zero = 0, one = 1, slot;
	uint8_t addr[16];

	put_hints(w, sw->framed);
	put_tunnel(w, TUN_MAG1, LMAA, MAG1, good, 1460);
	put_tunnel(w, TUN_MAG2, LMAA, MAG2, good, 1460);
	put_tunnel(w, TUN_LMA2, PCOA, LMA2, good, 1460);
	put_tunnel(w, TUN_SELF, LMAA, LMAA, PM_T_SELF, 1460);
	put_tunnel(w, TUN_UNRESOLVED, LMAA, MAG1, 0, 1460);
	put_tunnel(w, TUN_SLOW, LMAA, MAG1, PM_T_NEXTHOP, 1460);
	put_tunnel(w, TUN_SMALL, LMAA, MAG1, good, 1280);
	put_tunnel(w, TUN_TINY, LMAA, MAG1, good, 1200);

	for (uint32_t i = 1; i <= 3; i++) {
		struct pm_access a = {.flags = PM_A_VALID, .mtu = 1500};

		a.ifindex = w->ifindex[i == 1 ? AT_ACCESS : AT_ACCESS2];
		a.flags |= i == 3 ? 0 : PM_A_XDP;
		frame_mac(a.smac, A_MAC);
		put(w, "pm_access", &i, &a);
	}
	frame_mac(iface.mac, T_MAC);
	put_iface(w, AT_TRANSPORT, iface);
	memset(iface.mac, 0, 6);
	frame_mac(iface.mac, "02:00:00:00:02:01");
	iface.access = 1;
	put_iface(w, AT_ACCESS, iface);
	iface.access = 2;
	put_iface(w, AT_ACCESS2, iface);

	frame_addr(addr, LMAA);
	put(w, "pm_local", addr, &one);
	frame_addr(addr, PCOA);
	put(w, "pm_local", addr, &one);
	frame_addr(addr, "2001:db8:100::");
	memcpy(&pool.prefix, addr, 8);
	frame_addr(addr, "ffff:ffff:fff0::");
	memcpy(&pool.mask, addr, 8);
	put(w, "pm_pool", &zero, &pool);

	put_session(w, MN_1, TUN_MAG1, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_2, TUN_MAG2, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_LINK, 0, PM_F_LINK, TUN_LMA2, 1);
	put_session(w, MN_LINK_LR, 0, PM_F_LINK | PM_F_LOCAL_ROUTING, TUN_LMA2, 1);
	put_session(w, MN_LINK_FAR, 0, PM_F_LINK, TUN_LMA2, 2);
	put_session(w, MN_BOTH, 0, PM_F_LINK | PM_F_ANCHORED, 0, 1);
	put_session(w, MN_LINGER, TUN_MAG1, PM_F_ANCHORED | PM_F_DROP, 0, 0);
	put_session(w, MN_LINGER_LINK, 0, PM_F_LINK | PM_F_DROP, TUN_LMA2, 1);
	put_session(w, MN_ALIAS, MN_1, PM_F_ALIAS, 0, 0);
	w->session[MN_ALIAS].generation = 7;
	put_session(w, MN_ALIAS_OLD, MN_1, PM_F_ALIAS, 0, 0);
	w->session[MN_ALIAS_OLD].generation = 6;
	put_session(w, MN_CHAIN, TUN_MAG1, PM_F_ANCHORED, TUN_LMA2, 0);
	put_session(w, MN_SELF, TUN_SELF, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_UNRESOLVED, TUN_UNRESOLVED, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_SLOW, TUN_SLOW, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_NOWHERE, 0, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_SMALL, TUN_SMALL, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_TINY, TUN_TINY, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_LINK_SLOW, 0, PM_F_LINK, TUN_LMA2, 3);
	put_session(w, MN_STALE, TUN_MAG1, PM_F_ANCHORED, 0, 0);
	w->session[MN_STALE].prefix ^= 1;
	put_session(w, MN_HASH, TUN_MAG1, PM_F_ANCHORED, 0, 0);

	slot = MN_HASH;
	frame_addr(addr, MN_HASH_ADDR);
	put(w, "pm_prefix6", addr, &slot);
	frame_addr(addr, MN_HASH_STALE);
	put(w, "pm_prefix6", addr, &slot);
}

struct world *world_new(enum pm_hook hook, const struct world_switches *sw)
{
	struct world_switches all = {
		.lma = true, .mag = true, .icmp_rate = 1000000000, .icmp_burst = 1000000000};
	struct world *w = calloc(1, sizeof(*w));
	int err = -1;

	if (!sw)
		sw = &all;
	if (!w || !namespace_ready()) {
		free(w);
		return NULL;
	}
	w->hook = hook;
	for (int i = 0; i < AT_PROGS; i++)
		w->ifindex[i] = if_nametoindex(ifnames[i]);
#define SWITCHES(skel)                                                       \
	do {                                                                 \
		(skel)->rodata->pm_role_lma = sw->lma;                       \
		(skel)->rodata->pm_role_mag = sw->mag;                       \
		(skel)->rodata->pm_icmp_rate = sw->icmp_rate;                \
		(skel)->rodata->pm_icmp_burst = sw->icmp_burst;              \
		bpf_map__set_max_entries((skel)->maps.pm_session, MN_SLOTS); \
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
	fill(w, sw);
	return w;
}

void world_free(struct world **wp)
{
	struct world *w = *wp;

	if (!w)
		return;
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

	memset(res, 0, sizeof(*res));
	read_counters(w, "pm_verdict", NV, v0);
	read_counters(w, "pm_drop", PM_DROP_MAX, d0);
	res->retval = run(w, prog, in, meta, &res->out);
	read_counters(w, "pm_verdict", NV, v1);
	read_counters(w, "pm_drop", PM_DROP_MAX, d1);

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

const char *world_verdict_name(enum pm_verdict v)
{
	static const char *const names[PM_V_MAX] = {
		"received",   "to_kernel", "to_tc", "dropped", "encap", "decap_route",
		"decap_link", "hairpin",   "local", "replied", "link",	"route",
	};

	return names[v];
}

const char *world_reason_name(enum pm_drop_reason r)
{
#define NAME(sym, name, help) name,
	static const char *const names[PM_DROP_MAX] = {PM_DROP_REASONS(NAME)};

	return names[r];
}
