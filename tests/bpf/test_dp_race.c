/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writers against running programs: one CPU changes the maps as fast as it can, all others send
 * packets through the LMA's downlink and look at every single one that comes out.
 *
 * Each tunnel has an outer destination, link-layer addresses and an egress of its own, so that a
 * packet made of parts of two of them is seen at once. test_dp_egress.c watches the egress.
 */
#include <errno.h>
#include <linux/ipv6.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/util.h"
#include "dp_env.h"
#include "lib/cu.h"
#include "race.h"

#define MAGS  RACE_TARGETS
#define CHURN 64
#define KEYED 3

static struct dp_bpf *dp;
static struct dataplane *d;
static int prog_fd;
static dp_ref mag[MAGS], keyed_mag[KEYED];
static unsigned egress[2];

struct frame {
	struct ether_header eth;
	struct ipv6hdr ip;
	uint8_t payload[16];
} __attribute__((packed));

struct tunnelled {
	struct ether_header eth;
	struct ipv6hdr outer, ip;
	uint8_t payload[16];
} __attribute__((packed));

/* ---- the world */

static struct dp_bpf_nexthop nexthop(unsigned i, uint8_t variant)
{
	return (struct dp_bpf_nexthop){
		.valid = true,
		.ifindex = egress[i % 2],
		.smac = {{0x02, 0x50, variant, variant, variant, (uint8_t)i}},
		.dmac = {{0x02, 0xd0, variant, variant, variant, (uint8_t)i}},
		.mtu = 1500,
	};
}

static struct in6_addr remote(unsigned i)
{
	struct in6_addr a = env_addr("2001:db8:10::1");

	a.s6_addr[5] = (uint8_t)(0x10 + i);
	return a;
}

static void setup(void)
{
	const struct dp_bpf_cfg cfg = {.instance = "race",
				       .roles = DP_BPF_LMA,
				       .max_sessions = 4096,
				       .pool_slots = 256,
				       .max_peers = 64,
				       .ip4_outer = true,
				       .gre = true};
	const struct in6_addr ours = env_addr("2001:db8:2::1");
	const struct prefix6 pool = env_prefix("2001:db8:100::/48");
	struct dp_bpf_attach a = {.kind = DP_BPF_TRANSPORT, .want = DP_BPF_XDP, .mtu = 1500};
	char err[DP_BPF_ERRLEN];

	for (int i = 0; i < 2; i++) {
		env_sh(true, "ip link add e%d type veth peer name f%d", i, i);
		env_sh(true, "ip link set e%d up; ip link set f%d up; ethtool -K f%d gro on", i, i,
		       i);
	}
	dp = env_dp(&cfg);
	d = dp_bpf_dataplane(dp);
	for (int i = 0; i < 2; i++) {
		char name[16];
		struct dp_bpf_iface got;

		snprintf(name, sizeof(name), "e%d", i);
		egress[i] = a.ifindex = env_ifindex(name);
		a.ifname = name;
		CU_ASSERT_EQUAL_FATAL(dp_bpf_attach(dp, &a, &got, err, sizeof(err)), 0);
		CU_ASSERT_TRUE(got.xdp_tx);
	}
	CU_ASSERT_EQUAL(dp_bpf_local_add(dp, &ours), 0);
	CU_ASSERT_EQUAL(d->ops->pool_put(d, &pool, 256), 0);
	for (unsigned i = 0; i < MAGS; i++) {
		const struct dp_peer p = {ours, remote(i), DP_ENCAP_IP};
		const struct dp_bpf_nexthop nh = nexthop(i, 0);

		CU_ASSERT_EQUAL_FATAL(d->ops->peer_put(d, &p, &mag[i]), 0);
		CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, mag[i], &nh), 0);
	}
	prog_fd = env_prog(egress[0]);
}

static void teardown(void)
{
	close(prog_fd);
	dp_bpf_free(&dp, true);
	env_sh(false, "ip link del e0; ip link del e1");
}

static struct prefix6 pool_prefix(unsigned n)
{
	struct prefix6 p = env_prefix("2001:db8:100::/64");

	p.addr.s6_addr[7] = (uint8_t)n;
	return p;
}

static struct prefix6 static_prefix(unsigned n)
{
	struct prefix6 p = env_prefix("2001:db8:f00::/64");

	p.addr.s6_addr[7] = (uint8_t)n;
	return p;
}

/* 0 when no slot is left. */
static dp_ref try_put(const struct prefix6 *p, unsigned n, dp_ref peer)
{
	const struct dp_session s = {
		.half = DP_ANCHOR,
		.mnid = {1,		    8, p->addr.s6_addr},
		.n_prefixes = n,
		.prefixes = p,
		.down = {.kind = DP_TO_PEER,   .peer = peer},
		.up = {.kind = DP_TO_ROUTE}
	   };
	dp_ref ref = 0;
	int err = d->ops->session_put(d, &s, &ref);

	CU_ASSERT_TRUE_FATAL(err == 0 || err == -ENOSPC);
	return ref;
}

static dp_ref put(const struct prefix6 *p, unsigned n, dp_ref peer)
{
	dp_ref ref = try_put(p, n, peer);

	CU_ASSERT_NOT_EQUAL_FATAL(ref, 0);
	return ref;
}

/* ---- readers */

/* What the packets of one kind of destination may become. */
struct expect {
	struct prefix6 prefix;
	uint32_t mags;	    /* bit i: may go to mag[i] */
	uint8_t variants;   /* bit v: nexthop(i, v) */
	bool may_be_absent; /* no session at times: to the kernel, or dropped as stale */
};

static struct frame frame_to(const struct prefix6 *p)
{
	struct frame in = {.eth = {.ether_type = htons(ETHERTYPE_IPV6)}};

	in.ip.version = 6;
	in.ip.payload_len = htons(sizeof(in.payload));
	in.ip.nexthdr = 59;
	in.ip.hop_limit = 64;
	in.ip.saddr = env_addr("2001:db8:cc::1");
	in.ip.daddr = p->addr;
	in.ip.daddr.s6_addr[15] = 1;
	memset(in.payload, 0xa5, sizeof(in.payload));
	return in;
}

static const struct expect *expected;

/* False: there is nothing more to see. */
static bool judge_verdict(struct race_tally *t, bool may_be_absent, uint32_t verdict)
{
	if (verdict == XDP_REDIRECT) {
		t->redirected++;
		return true;
	}
	if (may_be_absent && (verdict == XDP_PASS || verdict == XDP_DROP))
		t->absent++;
	else
		t->missing++;
	return false;
}

static bool same_inner(const void *inner, const struct prefix6 *p)
{
	struct frame in = frame_to(p);
	struct ipv6hdr ip;

	memcpy(&ip, inner, sizeof(ip));
	return !memcmp(&ip.saddr, &in.ip.saddr, 32) && ip.hop_limit == in.ip.hop_limit - 1 &&
	       !memcmp((const uint8_t *)inner + sizeof(ip), in.payload, sizeof(in.payload));
}

static void judge(struct race_tally *t, unsigned which, uint32_t verdict, const uint8_t *data,
		  uint32_t len)
{
	const struct tunnelled *out = (const struct tunnelled *)data;
	const struct expect *e = &expected[which];
	uint8_t variant = out->eth.ether_dhost[2];
	struct dp_bpf_nexthop nh;
	struct in6_addr to;
	unsigned i;

	if (!judge_verdict(t, e->may_be_absent, verdict))
		return;
	i = out->outer.daddr.s6_addr[5] - 0x10u;
	to = remote(i & 0xff);
	if (i >= MAGS || !(e->mags >> i & 1) || memcmp(&out->outer.daddr, &to, sizeof(to)) != 0) {
		t->foreign++;
		return;
	}
	t->to[i]++;
	nh = nexthop(i, variant);
	if (variant > 7 || !(e->variants >> variant & 1) ||
	    memcmp(out->eth.ether_dhost, nh.dmac.b, 6) != 0 ||
	    memcmp(out->eth.ether_shost, nh.smac.b, 6) != 0)
		t->torn++;
	if (len != sizeof(*out) || !same_inner(data + offsetof(struct tunnelled, ip), &e->prefix))
		t->damaged++;
}

static struct race_tally race(const char *what, const struct expect *e, unsigned n,
			      uint64_t packets, void (*write)(uint64_t turn))
{
	struct race_frame frames[CHURN + 4];
	struct frame in[CHURN + 4];

	for (unsigned i = 0; i < n; i++) {
		in[i] = frame_to(&e[i].prefix);
		frames[i] = (struct race_frame){&in[i], sizeof(in[i])};
	}
	expected = e;
	return race_run(&(struct race){.what = what,
				       .prog_fd = prog_fd,
				       .frames = frames,
				       .n_frames = n,
				       .packets = packets,
				       .judge = judge,
				       .write = write});
}

/* ---- writers */

static dp_ref node, other[CHURN];

static void flip(uint64_t turn)
{
	const struct dp_path to = {.kind = DP_TO_PEER, .peer = mag[turn & 1]};

	d->ops->session_move(d, node, &to);
}

static void test_flip(void)
{
	struct prefix6 p[] = {pool_prefix(5), static_prefix(5)};
	struct expect e[] = {
		{p[0], 3, 1, false},
		     {p[1], 3, 1, false}
	};
	struct race_tally t;

	setup();
	/* one prefix by index and one by hash, of one node: the second is an alias */
	node = put(p, 2, mag[0]);
	t = race("flip", e, ARRAY_SIZE(e), 10000000, flip);
	CU_ASSERT_TRUE(t.to[0] > t.packets / 100);
	CU_ASSERT_TRUE(t.to[1] > t.packets / 100);
	teardown();
}

/* Node i of the churn is always behind mag[2 + i % 6], when it is there at all; a slot that
 * changes hands must not show the packet of one to the MAG of the other. */
static unsigned churn_mag(unsigned i)
{
	return 2 + i % (MAGS - 2);
}

static struct prefix6 churn_prefix(unsigned i)
{
	return i % 2 ? pool_prefix(100 + i) : static_prefix(100 + i);
}

static void flip_and_churn(uint64_t turn)
{
	unsigned i = (unsigned)(turn * 7 % CHURN);

	flip(turn);
	if (other[i]) {
		d->ops->session_del(d, other[i]);
		other[i] = 0;
	} else {
		const struct prefix6 p = churn_prefix(i);

		other[i] = try_put(&p, 1, mag[churn_mag(i)]);
	}
}

static void churn(uint32_t fill)
{
	struct prefix6 p[] = {pool_prefix(5), static_prefix(5)};
	struct expect e[CHURN + 4];
	unsigned n = 0;
	struct race_tally t;

	setup();
	memset(other, 0, sizeof(other));
	for (uint32_t i = 0; i < fill; i++) {
		struct prefix6 f = env_prefix("2001:db8:e00::/64");

		f.addr.s6_addr[6] = (uint8_t)(i >> 8);
		f.addr.s6_addr[7] = (uint8_t)i;
		put(&f, 1, mag[0]);
	}
	node = put(p, 2, mag[0]);
	for (unsigned i = 0; i < CHURN; i++)
		e[n++] = (struct expect){churn_prefix(i), 1u << churn_mag(i), 1, true};
	for (unsigned i = 0; i < 4; i++)
		e[n++] = (struct expect){p[i % 2], 3, 1, false};
	t = race(fill ? "flip and churn, slots scarce" : "flip and churn", e, n, 4000000,
		 flip_and_churn);
	CU_ASSERT_TRUE(t.absent > 0);
	teardown();
}

static void test_churn(void)
{
	churn(0);
}

static void test_churn_scarce(void)
{
	/* one slot for the node and three for the 32 that want one: each is reused at once */
	churn(4096 - 4);
}

/* ---- keys of peers: each says whose it is */

static struct dp_peer keyed_peer(unsigned i)
{
	if (i < 2)
		return (struct dp_peer){env_addr("2001:db8:2::1"), remote(i), DP_ENCAP_GRE_KEY};
	return (struct dp_peer){env_addr("::ffff:192.0.2.1"), env_addr("::ffff:198.51.100.2"),
				DP_ENCAP_UDP_GRE_KEY};
}

static void setup_keyed(void)
{
	setup();
	for (unsigned i = 0; i < KEYED; i++) {
		const struct dp_peer p = keyed_peer(i);
		const struct dp_bpf_nexthop nh = nexthop(i, 0);

		CU_ASSERT_EQUAL_FATAL(d->ops->peer_put(d, &p, &keyed_mag[i]), 0);
		CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, keyed_mag[i], &nh), 0);
	}
}

static struct dp_path keyed_path(unsigned i, uint64_t turn)
{
	return (struct dp_path){.kind = DP_TO_PEER,
				.peer = keyed_mag[i],
				.key = i << 24 | (uint32_t)(turn & 0xffffff)};
}

static void flip_keyed(uint64_t turn)
{
	const struct dp_path to = keyed_path(turn % KEYED, turn);

	d->ops->session_move(d, node, &to);
}

/* Where GRE begins behind the header of a tunnel to keyed_peer(i). */
struct gre {
	uint16_t flags, proto;
	uint32_t key;
} __attribute__((packed));

static void judge_keyed(struct race_tally *t, unsigned which, uint32_t verdict, const uint8_t *out,
			uint32_t len)
{
	const bool ip4 = out[12] == 0x08;
	const struct gre *g = (const struct gre *)(out + (ip4 ? 14 + 20 + 8 + 4 : 14 + 40));
	const uint8_t *daddr = out + (ip4 ? 14 + 16 : 14 + 24);
	struct dp_bpf_nexthop nh;
	struct in6_addr to;
	unsigned i;

	/* three changes while a pair was read: such a packet is dropped */
	if (!judge_verdict(t, true, verdict))
		return;
	i = ip4 ? 2 : daddr[5] - 0x10u;
	to = keyed_peer(i % KEYED).remote;
	if (i >= KEYED ||
	    memcmp(daddr, ip4 ? &to.s6_addr[12] : &to.s6_addr[0], ip4 ? 4 : 16) != 0 ||
	    ntohl(g->key) >> 24 != i) {
		t->foreign++;
		return;
	}
	t->to[i]++;
	nh = nexthop(i, 0);
	if (memcmp(out, nh.dmac.b, 6) != 0 || memcmp(out + 6, nh.smac.b, 6) != 0 ||
	    g->flags != htons(0x2000) || g->proto != htons(ETHERTYPE_IPV6))
		t->torn++;
	if (len != (uint32_t)((const uint8_t *)(g + 1) - out) + sizeof(struct ipv6hdr) + 16 ||
	    !same_inner(g + 1, &expected[which].prefix))
		t->damaged++;
}

static void test_keys(void)
{
	const struct prefix6 p[] = {pool_prefix(5), static_prefix(5)};
	const struct expect e[] = {{.prefix = p[0]}, {.prefix = p[1]}};
	const struct frame in[] = {frame_to(&p[0]), frame_to(&p[1])};
	const struct race_frame frames[] = {
		{&in[0], sizeof(in[0])},
		 {&in[1], sizeof(in[1])}
	};
	struct dp_session s = {
		.half = DP_ANCHOR,
		.mnid = {1,			    3, (const uint8_t *)"mn1"},
		.n_prefixes = 2,
		.prefixes = p,
		.keyed = true,
		.up = {.kind = DP_TO_ROUTE}
	   };
	struct race_tally t;

	setup_keyed();
	s.down = keyed_path(0, 0);
	node = 0;
	CU_ASSERT_EQUAL_FATAL(d->ops->session_put(d, &s, &node), 0);
	expected = e;
	t = race_run(&(struct race){.what = "flip with keys",
				    .prog_fd = prog_fd,
				    .frames = frames,
				    .n_frames = 2,
				    .packets = 3000000,
				    .judge = judge_keyed,
				    .write = flip_keyed});
	for (unsigned i = 0; i < KEYED; i++)
		CU_ASSERT_TRUE(t.to[i] > t.packets / 100);
	CU_ASSERT_TRUE(t.absent < t.packets / 20);
	teardown();
}

static void change_nexthop(uint64_t turn)
{
	const struct dp_bpf_nexthop nh = nexthop(0, turn & 1 ? 7 : 0);

	dp_bpf_nexthop(dp, mag[0], &nh);
}

static void test_nexthop(void)
{
	struct prefix6 p = pool_prefix(5);
	/* while the next hop changes, a packet may take the slow path: XDP_PASS to TC */
	struct expect e = {p, 1, 1 | 1 << 7, true};

	setup();
	node = put(&p, 1, mag[0]);
	race("next hop changes", &e, 1, 2000000, change_nexthop);
	teardown();
}

static uint32_t verdict_on(const struct prefix6 *p)
{
	struct frame in = frame_to(p);
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = &in, .data_size_in = sizeof(in), .repeat = 1);

	return bpf_prog_test_run_opts(prog_fd, &o) < 0 ? UINT32_MAX : o.retval;
}

/* What a program sees when its slot goes to somebody else between the hash and the slot. */
static void test_other_owner(void)
{
	const struct prefix6 owner = static_prefix(1), stranger = static_prefix(2);
	struct dp_bpf_session_info info;
	struct counter_set drop;
	uint64_t key;

	setup();
	CU_ASSERT_EQUAL(verdict_on(&stranger), XDP_PASS);
	CU_ASSERT_EQUAL(dp_bpf_session_info(dp, put(&owner, 1, mag[0]), &info), 0);
	memcpy(&key, &stranger.addr, sizeof(key));
	CU_ASSERT_EQUAL(bpf_map_update_elem(env_pin(dp, "pm_prefix6"), &key, &info.slot, BPF_ANY),
			0);
	CU_ASSERT_EQUAL(verdict_on(&stranger), XDP_DROP);
	CU_ASSERT_EQUAL(dp_bpf_drops(dp, &drop), 0);
	CU_ASSERT_EQUAL(drop.value[PM_DROP_STALE_SLOT], 1);
	CU_ASSERT_EQUAL(verdict_on(&owner), XDP_REDIRECT);
	teardown();
}

/* ---- what it costs */

static void count_session(void *ctx, dp_ref ref, const struct dp_session *s)
{
	++*(uint32_t *)ctx;
}

static void test_costs(void)
{
	enum { N = 100000, MOVES = 1000000 };
	const struct dp_bpf_cfg cfg = {.instance = "cost",
				       .roles = DP_BPF_LMA,
				       .max_sessions = N,
				       .pool_slots = N,
				       .max_peers = 64};
	const struct prefix6 pool = env_prefix("2001:db8:100::/44");
	uint32_t walked = 0;
	const struct dp_walk w = {.ctx = &walked, .session = count_session};
	dp_ref *ref = calloc(2 * N, sizeof(*ref));
	struct dp_peer peer = {env_addr("2001:db8:2::1"), remote(0), DP_ENCAP_IP};
	double at, load, put_ns[2], move_ns, walk, del_ns;

	race_pin_to(0);
	at = race_seconds();
	dp = env_dp(&cfg);
	load = race_seconds() - at;
	d = dp_bpf_dataplane(dp);
	CU_ASSERT_EQUAL(d->ops->peer_put(d, &peer, &mag[0]), 0);
	peer.remote = remote(1);
	CU_ASSERT_EQUAL(d->ops->peer_put(d, &peer, &mag[1]), 0);
	CU_ASSERT_EQUAL(d->ops->pool_put(d, &pool, N), 0);
	for (int hashed = 0; hashed < 2; hashed++) {
		at = race_seconds();
		for (uint32_t i = 0; i < N; i++) {
			struct prefix6 p = pool;

			p.len = 64;
			p.addr.s6_addr[4] = hashed ? 2 : 1;
			p.addr.s6_addr[5] = (uint8_t)(i >> 16);
			p.addr.s6_addr[6] = (uint8_t)(i >> 8);
			p.addr.s6_addr[7] = (uint8_t)i;
			ref[(uint32_t)hashed * N + i] = put(&p, 1, mag[0]);
		}
		put_ns[hashed] = (race_seconds() - at) / N * 1e9;
	}
	at = race_seconds();
	for (uint32_t i = 0; i < MOVES; i++) {
		const struct dp_path to = {.kind = DP_TO_PEER, .peer = mag[i & 1]};

		d->ops->session_move(d, ref[(uint64_t)i * 7919 % (2 * N)], &to);
	}
	move_ns = (race_seconds() - at) / MOVES * 1e9;
	for (uint32_t i = 0; i < N; i++)
		d->ops->session_del(d, ref[i]);
	at = race_seconds();
	d->ops->walk(d, &w);
	walk = (race_seconds() - at) * 1e3;
	CU_ASSERT_EQUAL(walked, N);
	at = race_seconds();
	for (uint32_t i = 0; i < N; i++)
		d->ops->session_del(d, ref[N + i]);
	del_ns = (race_seconds() - at) / N * 1e9;
	printf("\n    costs: session_move %.0f ns, session_put %.0f ns (pool) %.0f ns (hash), "
	       "session_del %.0f ns, walk of %d sessions %.1f ms, loading %.0f ms\n",
	       move_ns, put_ns[0], put_ns[1], del_ns, N, walk, load * 1e3);
	CU_ASSERT_TRUE(move_ns < 2000);
	CU_ASSERT_TRUE(put_ns[1] < 50000);
	CU_ASSERT_TRUE(walk < 500);
	free(ref);
	dp_bpf_free(&dp, true);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a node flips between two MAGs under 10^7 packets: none torn, foreign or missing",
		 test_flip},
		{"others come and go meanwhile: nobody gets anybody else's packets",										     test_churn},
		{"the same while slots are reused at once",test_churn_scarce},
		{"a node flips between three MAGs with keys: each packet has the key of its tunnel",
		 test_keys},
		{"a next hop changes under traffic: old or new, never a mixture",										  test_nexthop},
		{"a slot that belongs to somebody else is refused",									 test_other_owner},
		{"what moving, putting and walking costs",		   test_costs},
		{0										}
	   };

	env_enter();
	return cu_main("dp_race", tests, argc, argv);
}
