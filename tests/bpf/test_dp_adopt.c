/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of the data plane when its daemon goes and another one comes: it forwards on, and
 *the new one goes on with what it finds.
 *
 *	s1 ~ s0 [transport]	o0 [transport] ~ o1 [counts]	a0 [access] ~ a1
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/util.h"
#include "dp_env.h"
#include "frame.h"
#include "lib/cu.h"

#define LOCAL  "2001:db8:2::1"
#define LOCAL4 "192.0.2.1"
#define MN_MAC "02:00:00:00:00:05"
#define A_MAC  "00:00:5e:00:52:13"

static struct dp_bpf *dp;
static struct dataplane *d;

static const struct dp_bpf_cfg everything = {
	.instance = "adopt",
	.roles = DP_BPF_LMA | DP_BPF_MAG,
	.max_sessions = 32,
	.pool_slots = 32,
	.max_peers = 16,
	.ip4 = true,
	.ip4_outer = true,
	.gre = true,
	.keep = true,
};

/* loads sooner */
static const struct dp_bpf_cfg plain = {
	.instance = "adopt",
	.roles = DP_BPF_LMA,
	.max_sessions = 32,
	.pool_slots = 32,
	.max_peers = 16,
	.keep = true,
};

static unsigned edition; /* another one is other programs, for the same maps */

static void open_as(const struct dp_bpf_cfg *cfg)
{
	struct dp_bpf_cfg c = *cfg;

	c.fragment_rate += edition;
	dp = env_dp(&c);
	d = dp_bpf_dataplane(dp);
}

static void leave(void)
{
	dp_bpf_leave(dp);
	dp_bpf_free(&dp, false);
}

static void attach(const char *ifname, enum dp_bpf_kind kind, enum dp_bpf_want want)
{
	struct dp_bpf_attach a = {.ifindex = env_ifindex(ifname),
				  .ifname = ifname,
				  .kind = kind,
				  .want = want,
				  .mtu = 1500};
	char err[DP_BPF_ERRLEN] = "";

	frame_mac(a.mac.b, A_MAC);
	if (dp_bpf_attach(dp, &a, NULL, err, sizeof(err))) {
		fprintf(stderr, "%s: %s\n", ifname, err);
		exit(1);
	}
}

static void attach_all(enum dp_bpf_want want)
{
	attach("o0", DP_BPF_TRANSPORT, want);
	attach("s0", DP_BPF_TRANSPORT, want);
	attach("a0", DP_BPF_ACCESS, want);
}

static void add_locals(void)
{
	const struct in6_addr a = env_addr(LOCAL), b = env_addr("::ffff:" LOCAL4);

	CU_ASSERT_EQUAL(dp_bpf_local_add(dp, &a), 0);
	CU_ASSERT_EQUAL(dp_bpf_local_add(dp, &b), 0);
}

/* ---- tunnels and sessions of every kind */

enum { P_IP6, P_KEY6, P_UDP4, P_KEY4, P_SELF, PEERS };
static dp_ref peer[PEERS];

static struct dp_peer peer_of(unsigned i)
{
	static const struct {
		const char *remote;
		enum dp_encap encap;
	} rows[PEERS] = {
		[P_IP6] = {"2001:db8:11::1",	     DP_ENCAP_IP		},
		[P_KEY6] = {"2001:db8:12::1",      DP_ENCAP_GRE_KEY    },
		[P_UDP4] = {"::ffff:198.51.100.1", DP_ENCAP_UDP	       },
		[P_KEY4] = {"::ffff:198.51.100.2", DP_ENCAP_UDP_GRE_KEY},
		[P_SELF] = {LOCAL,		   DP_ENCAP_IP	      },
	};
	struct dp_peer p = {.remote = env_addr(rows[i].remote), .encap = rows[i].encap};

	p.local = env_addr(IN6_IS_ADDR_V4MAPPED(&p.remote) ? "::ffff:" LOCAL4 : LOCAL);
	return p;
}

static void put_peers(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct dp_peer p = peer_of(i);

		peer[i] = 0;
		CU_ASSERT_EQUAL_FATAL(d->ops->peer_put(d, &p, &peer[i]), 0);
	}
}

static void set_nexthops(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct dp_bpf_nexthop nh = {.valid = true,
					    .ifindex = env_ifindex("o0"),
					    .smac = {{2, 0x50, 0, 0, 0, 1}},
					    .dmac = {{2, 0xd0, 0, 0, 0, (uint8_t)i}},
					    .mtu = 1500};

		CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, peer[i], &nh), 0);
	}
}

static void put_pools(void)
{
	const struct prefix6 p = env_prefix("2001:db8:100::/60");
	const struct in_addr a = {htonl(0x0a010000)};

	CU_ASSERT_EQUAL(d->ops->pool_put(d, &p, 16), 0);
	CU_ASSERT_EQUAL(d->ops->pool4_put(d, 0, a, 28, 16), 0);
}

enum {
	S_POOL,	      /* a prefix of the pool */
	S_ALIAS,      /* several prefixes and an address: alias slots */
	S_KEYED,      /* a key, a prefix and an address outside the pools */
	S_DOMAIN,     /* IPv4 alone, in a domain */
	S_FRAMED,     /* a delegated prefix */
	S_LINK,	      /* on an access link */
	S_LINK_KEYED, /* the same with keys */
	S_ANCHOR,     /* anchor and access in one */
	S_ACCESS,
	S_LINGER,
	S_LONG,	  /* of a node whose identifier does not fit the record */
	S_NO_WAY, /* has a key, and no address yet */
	SESSIONS
};
static dp_ref session[SESSIONS];
#define PLAIN_SESSIONS 2 /* those at the beginning, without what `plain` does not have */

static struct prefix6 prefix_of[3];

static struct dp_session session_of(unsigned i)
{
	static char id[SESSIONS][200];
	struct dp_session s = {.n_prefixes = 1, .prefixes = prefix_of, .up.kind = DP_TO_ROUTE};
	const bool link = i == S_LINK || i == S_LINK_KEYED || i == S_ACCESS;

	snprintf(id[i], sizeof(id[i]), "node%u@example.com", i == S_ACCESS ? S_ANCHOR : i);
	if (i == S_LONG)
		memset(id[i] + 4, 'x', 150);
	s.mnid = (struct mnid){1, (uint8_t)strlen(id[i]), (const uint8_t *)id[i]};
	prefix_of[0] = env_prefix("2001:db8:f00::/64");
	prefix_of[0].addr.s6_addr[7] = (uint8_t)(i == S_ACCESS ? S_ANCHOR : i);
	s.down = (struct dp_path){.kind = DP_TO_PEER, .peer = peer[P_IP6]};
	if (link) {
		s.half = DP_ACCESS;
		s.down = (struct dp_path){.kind = DP_TO_LINK, .ifindex = env_ifindex("a0")};
		frame_mac(s.down.mac.b, MN_MAC);
		s.up = (struct dp_path){.kind = DP_TO_PEER, .peer = peer[P_IP6]};
		s.local_routing = true;
	}
	switch (i) {
	case S_POOL:
		prefix_of[0] = env_prefix("2001:db8:100:3::/64");
		break;
	case S_ALIAS:
		prefix_of[0] = env_prefix("2001:db8:100:5::/64");
		prefix_of[1] = env_prefix("2001:db8:f01::/64");
		prefix_of[2] = env_prefix("2001:db8:100:7::/64");
		s.n_prefixes = 3;
		break;
	case S_KEYED:
		s.addr4.s_addr = htonl(0x0a020001);
		s.keyed = true;
		s.down.peer = peer[P_KEY6];
		s.down.key = 0x11223344;
		break;
	case S_DOMAIN:
		s.n_prefixes = 0;
		s.addr4.s_addr = htonl(0x0a010003);
		s.domain = 5;
		s.keyed = true;
		s.down.peer = peer[P_KEY4];
		s.down.key = 0x55667788;
		break;
	case S_FRAMED:
		prefix_of[0] = env_prefix("2001:db8:e00:100::/56");
		s.down.peer = peer[P_UDP4];
		break;
	case S_LINK_KEYED:
		s.addr4.s_addr = htonl(0x0a010004);
		s.keyed = true;
		s.up.peer = peer[P_KEY6];
		s.up.key = 0x99aabbcc;
		break;
	case S_ANCHOR:
		s.down.peer = peer[P_SELF];
		break;
	case S_ACCESS:
		s.up.peer = peer[P_SELF];
		break;
	case S_LINGER:
		s.mode = DP_DROP;
		break;
	case S_NO_WAY:
		s.n_prefixes = 0;
		s.keyed = true;
		s.half = DP_ACCESS;
		s.down.kind = s.up.kind = DP_TO_NOWHERE;
		break;
	default:
		break;
	}
	return s;
}

static int put(unsigned i, dp_ref *ref)
{
	const struct dp_session s = session_of(i);

	return d->ops->session_put(d, &s, ref);
}

static void put_sessions(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		session[i] = 0;
		CU_ASSERT_EQUAL_FATAL(put(i, &session[i]), 0);
	}
}

static void fill(void)
{
	open_as(&everything);
	CU_ASSERT_FALSE(dp_bpf_adopted(dp));
	attach_all(DP_BPF_XDP);
	add_locals();
	put_pools();
	put_peers(PEERS);
	set_nexthops(PEERS - 1);
	put_sessions(SESSIONS);
}

static void empty(void)
{
	dp_bpf_free(&dp, true);
	CU_ASSERT_NOT_EQUAL(access("/sys/fs/bpf/pmip/adopt", F_OK), 0);
}

/* ---- packets through the programs that are attached, whoever left them there */

struct shot {
	const char *ifname, *dmac, *smac;
	const char *osrc, *odst;
	enum frame_shim shim;
	int key_of; /* session whose key it carries */
	const char *src, *dst;
	int session; /* that counts it */
};

static uint32_t key[SESSIONS];

#define DOWN "s0", NULL, NULL, NULL, NULL, SHIM_NONE, -1, "2001:db8:cafe::1"
#define CN4  "203.0.113.9"
// clang-format off
static const struct shot shots[] = {
	{DOWN, "2001:db8:100:3::9", S_POOL},
	{DOWN, "2001:db8:100:5::9", S_ALIAS},
	{DOWN, "2001:db8:f01::9", S_ALIAS},
	{DOWN, "2001:db8:100:7::9", S_ALIAS},
	{DOWN, "2001:db8:f00:2::9", S_KEYED},
	{"s0", NULL, NULL, NULL, NULL, SHIM_NONE, -1, CN4, "10.2.0.1", S_KEYED},
	{DOWN, "2001:db8:e00:1ff::9", S_FRAMED},
	{DOWN, "2001:db8:f00:7::9", S_ANCHOR},
	{DOWN, "2001:db8:f00:9::9", S_LINGER},
	{DOWN, "2001:db8:f00:a::9", S_LONG},
	/* out of tunnels: to a link; hairpin into another tunnel */
	{"s0", NULL, NULL, "2001:db8:11::1", LOCAL, SHIM_NONE, -1, "2001:db8:cafe::1", "2001:db8:f00:5::9", S_LINK},
	{"s0", NULL, NULL, "2001:db8:12::1", LOCAL, SHIM_GRE_KEY, S_LINK_KEYED, "2001:db8:cafe::1", "2001:db8:f00:6::9", S_LINK_KEYED},
	{"s0", NULL, NULL, "2001:db8:12::1", LOCAL, SHIM_GRE_KEY, S_KEYED, "2001:db8:f00:2::9", "2001:db8:100:3::9", S_KEYED},
	{"s0", NULL, NULL, "198.51.100.2", LOCAL4, SHIM_TLV_GRE_KEY, S_DOMAIN, "10.1.0.3", "10.2.0.1", -1},
	/* not what the peer may send */
	{"s0", NULL, NULL, "2001:db8:12::1", LOCAL, SHIM_GRE_KEY, S_KEYED, "2001:db8:f00:a::9", "2001:db8:100:3::9", -1},
	/* from nodes: into the tunnel, and to each other */
	{"a0", A_MAC, MN_MAC, NULL, NULL, SHIM_NONE, -1, "2001:db8:f00:5::9", "2001:db8:cafe::1", S_LINK},
	{"a0", A_MAC, MN_MAC, NULL, NULL, SHIM_NONE, -1, "2001:db8:f00:6::9", "2001:db8:cafe::1", S_LINK_KEYED},
	{"a0", A_MAC, MN_MAC, NULL, NULL, SHIM_NONE, -1, "10.1.0.4", CN4, S_LINK_KEYED},
	{"a0", A_MAC, MN_MAC, NULL, NULL, SHIM_NONE, -1, "2001:db8:f00:8::9", "2001:db8:cafe::1", -1},
};
// clang-format on
#define SHOTS ARRAY_SIZE(shots)

struct outcome {
	uint32_t verdict, len;
	uint8_t b[512];
};

static void own_mac(const char *ifname, char text[32])
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/address", ifname);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%31s", text) != 1)
		exit(1);
	fclose(f);
}

static void shoot(unsigned n, struct outcome *out)
{
	const struct shot *s = &shots[n];
	char mac[32];
	struct spec spec = {.dmac = s->dmac,
			    .smac = s->smac,
			    .osrc = s->osrc,
			    .odst = s->odst,
			    .shim = s->shim,
			    .src = s->src,
			    .dst = s->dst};
	struct xdp_md ctx = {0};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_out = out->b, .data_size_out = sizeof(out->b),
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 1);
	unsigned ifindex = env_ifindex(s->ifname);
	struct frame f;
	int fd = env_prog(ifindex);

	if (!spec.dmac) {
		own_mac(s->ifname, mac);
		spec.dmac = mac;
		spec.smac = "02:00:00:00:99:99";
	}
	if (s->key_of >= 0)
		spec.key = key[s->key_of];
	frame_build(&f, &spec);
	memset(out, 0, sizeof(*out));
	ctx.data_end = (uint32_t)f.n;
	ctx.ingress_ifindex = ifindex;
	o.data_in = f.b;
	o.data_size_in = (uint32_t)f.n;
	CU_ASSERT_EQUAL_FATAL(bpf_prog_test_run_opts(fd, &o), 0);
	out->verdict = o.retval;
	out->len = o.data_size_out;
	close(fd);
}

static struct outcome before[SHOTS];

static void shoot_all(struct outcome *out)
{
	for (unsigned i = 0; i < SHOTS; i++)
		shoot(i, &out[i]);
}

static void expect_as_before(const char *when)
{
	static struct outcome now[SHOTS];

	shoot_all(now);
	for (unsigned i = 0; i < SHOTS; i++) {
		bool same = !memcmp(&now[i], &before[i], sizeof(now[i]));

		if (!same)
			fprintf(stderr, "%s, packet %u: verdict %u, %u octets; before %u, %u\n",
				when, i, now[i].verdict, now[i].len, before[i].verdict,
				before[i].len);
		CU_ASSERT_TRUE(same);
	}
}

static void note_before(void)
{
	unsigned redirected = 0;

	for (unsigned i = 0; i < SESSIONS; i++) {
		key[i] = 0;
		d->ops->session_key(d, session[i], &key[i]);
	}
	shoot_all(before);
	for (unsigned i = 0; i < SHOTS; i++)
		redirected += before[i].verdict == XDP_REDIRECT;
	/* or the comparison would say little: all but those to be dropped, or routed */
	CU_ASSERT_TRUE(redirected >= 13);
}

/* ---- what must not change */

#define N_SLOTS 65
static struct {
	struct pm_session session[N_SLOTS];
	struct pm_keys keys[N_SLOTS];
	struct pm_tunnel tunnel[PEERS + 1];
} memory;

static void read_memory(void *out, const char *name, uint32_t n, size_t size)
{
	int fd = env_pin(dp, name);

	for (uint32_t i = 0; i < n; i++)
		CU_ASSERT_EQUAL(bpf_map_lookup_elem(fd, &i, (char *)out + i * size), 0);
	close(fd);
}

static void look_at_memory(void *p)
{
	typeof(memory) *m = p;

	memset(m, 0, sizeof(*m));
	read_memory(m->session, "pm_session", N_SLOTS, sizeof(m->session[0]));
	read_memory(m->keys, "pm_keys", N_SLOTS, sizeof(m->keys[0]));
	read_memory(m->tunnel, "pm_tunnel", PEERS + 1, sizeof(m->tunnel[0]));
	for (unsigned i = 0; i < N_SLOTS; i++)
		m->session[i].down_packets = m->session[i].down_bytes = m->session[i].up_packets =
			m->session[i].up_bytes = 0;
}

static unsigned entries(const char *name)
{
	uint8_t k[128], *at = NULL;
	int fd = env_pin(dp, name);
	unsigned n = 0;

	while (bpf_map_get_next_key(fd, at, k) == 0) {
		at = k;
		n++;
	}
	close(fd);
	return n;
}

/* No slot, no way, no hint, no record is left. */
static void expect_nothing(void)
{
	static const char *const ways[] = {"pm_prefix6", "pm_addr4", "pm_framed",
					   "pm_mnid",	 "pm_more",  "pm_local"};
	struct pm_session s;
	struct pm_hints h;
	struct pm_half half;
	uint64_t seen;
	uint32_t zero = 0;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (entries(ways[i])) {
			fprintf(stderr, "%s holds %u entries\n", ways[i], entries(ways[i]));
			CU_FAIL("an index is not empty");
		}
	fd = env_pin(dp, "pm_session");
	for (uint32_t i = 0; bpf_map_lookup_elem(fd, &i, &s) == 0; i++)
		CU_ASSERT_EQUAL(s.flags, 0);
	close(fd);
	fd = env_pin(dp, "pm_half");
	for (uint32_t i = 0; bpf_map_lookup_elem(fd, &i, &half) == 0; i++)
		CU_ASSERT_EQUAL(half.head, 0);
	close(fd);
	fd = env_pin(dp, "pm_seen");
	for (uint32_t i = 0; bpf_map_lookup_elem(fd, &i, &seen) == 0; i++)
		CU_ASSERT_EQUAL(seen, 0);
	close(fd);
	fd = env_pin(dp, "pm_hints");
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(fd, &zero, &h), 0);
	CU_ASSERT_EQUAL(h.framed, 0);
	for (unsigned i = 0; i < PM_LOCAL_WORDS; i++)
		CU_ASSERT_EQUAL(h.local[i], 0);
	close(fd);
}

/* ---- the tests */

static struct dp_stats stats[SESSIONS];
static struct dp_bpf_peer_info infos[PEERS + 1];

static void note_info(void *ctx, const struct dp_bpf_peer_info *i)
{
	((struct dp_bpf_peer_info *)ctx)[i->ref] = *i;
}

static void expect_counted(unsigned rounds)
{
	for (unsigned i = 0; i < SESSIONS; i++) {
		unsigned shot = 0;
		struct dp_stats now;

		for (unsigned k = 0; k < SHOTS; k++)
			shot += shots[k].session == (int)i && before[k].verdict == XDP_REDIRECT;
		CU_ASSERT_EQUAL(d->ops->session_stats(d, session[i], &now), 0);
		if (i == S_POOL) /* and what the hairpin delivers to it */
			shot++;
		if (i == S_ANCHOR || i == S_ACCESS || i == S_DOMAIN)
			continue; /* one slot of two halves; routed */
		CU_ASSERT_EQUAL(now.down_packets + now.up_packets,
				stats[i].down_packets + stats[i].up_packets + rounds * shot);
		CU_ASSERT_TRUE(now.down_bytes >= stats[i].down_bytes);
	}
}

static void test_forwards_throughout(void)
{
	static typeof(memory) then, after;
	struct dp_bpf_peer_info info[PEERS + 1] = {0};

	fill();
	note_before();
	look_at_memory(&then);
	for (unsigned i = 0; i < SESSIONS; i++)
		CU_ASSERT_EQUAL(d->ops->session_stats(d, session[i], &stats[i]), 0);
	dp_bpf_walk_peers(dp, note_info, infos);
	leave();
	expect_as_before("nobody there");
	open_as(&everything);
	CU_ASSERT_TRUE(dp_bpf_adopted(dp));
	look_at_memory(&after);
	CU_ASSERT_EQUAL(memcmp(&then, &after, sizeof(then)), 0);
	expect_as_before("adopted");
	attach_all(DP_BPF_XDP);
	expect_as_before("programs replaced");
	dp_bpf_walk_peers(dp, note_info, info);
	for (unsigned i = 0; i <= PEERS; i++) {
		const struct dp_bpf_nexthop *a = &info[i].nexthop, *b = &infos[i].nexthop;

		CU_ASSERT_EQUAL(info[i].ref, infos[i].ref);
		CU_ASSERT_EQUAL(info[i].mtu, infos[i].mtu);
		CU_ASSERT_EQUAL(info[i].self, infos[i].self);
		CU_ASSERT_EQUAL(info[i].xdp, infos[i].xdp);
		CU_ASSERT_TRUE(a->valid == b->valid && a->ifindex == b->ifindex &&
			       a->mtu == b->mtu && mac_eq(&a->smac, &b->smac) &&
			       mac_eq(&a->dmac, &b->dmac));
	}
	expect_counted(3);

	add_locals();
	put_pools();
	for (unsigned i = 0; i < PEERS; i++) {
		const struct dp_peer p = peer_of(i);
		dp_ref ref = 0;

		CU_ASSERT_EQUAL(d->ops->peer_put(d, &p, &ref), 0);
		CU_ASSERT_EQUAL(ref, peer[i]);
	}
	for (unsigned i = 0; i < SESSIONS; i++) {
		dp_ref ref = 0;
		uint32_t k = 0;

		CU_ASSERT_EQUAL(put(i, &ref), 0);
		CU_ASSERT_EQUAL(ref, session[i]);
		d->ops->session_key(d, ref, &k);
		CU_ASSERT_EQUAL(k, key[i]);
	}
	CU_ASSERT_EQUAL(d->ops->sweep(d), 0);
	look_at_memory(&after);
	CU_ASSERT_EQUAL(memcmp(&then, &after, sizeof(then)), 0);
	expect_as_before("claimed");
	empty();
}

static void test_half_claimed(void)
{
	static struct outcome now[SHOTS];

	fill();
	note_before();
	leave();
	open_as(&everything);
	attach("o0", DP_BPF_TRANSPORT, DP_BPF_XDP);
	attach("s0", DP_BPF_TRANSPORT, DP_BPF_XDP);
	add_locals();
	put_peers(P_UDP4);
	for (unsigned i = 0; i < SESSIONS; i += 2) {
		/* those of the others are walked by */
		const struct dp_session s = session_of(i);

		if (s.down.kind == DP_TO_PEER && s.down.peer != peer[P_IP6] &&
		    s.down.peer != peer[P_KEY6]) {
			session[i] = 0;
			continue;
		}
		CU_ASSERT_EQUAL(put(i, &session[i]), 0);
	}
	CU_ASSERT_TRUE(d->ops->sweep(d) > 0);
	CU_ASSERT_EQUAL(d->ops->sweep(d), 0);
	/* a0 was not asked for again */
	CU_ASSERT_NOT_EQUAL(env_sh(false, "ip link show a0 | grep -q xdp"), 0);
	CU_ASSERT_NOT_EQUAL(env_sh(false, "tc filter show dev a0 ingress | grep -q tc_"), 0);
	for (unsigned i = 0; i < SHOTS; i++) {
		const int s = shots[i].session;
		const bool kept = s >= 0 && s % 2 == 0 && session[s];

		if (!strcmp(shots[i].ifname, "a0") || s < 0 || s == S_ACCESS || s == S_LINK_KEYED)
			continue;
		shoot(i, &now[i]);
		if (kept) {
			CU_ASSERT_EQUAL(memcmp(&now[i], &before[i], sizeof(now[i])), 0);
		} else {
			CU_ASSERT_NOT_EQUAL(now[i].verdict, XDP_REDIRECT);
		}
	}
	for (unsigned i = 0; i < SESSIONS; i++) {
		struct dp_stats st;

		CU_ASSERT_EQUAL(d->ops->session_stats(d, session[i], &st) == 0,
				i % 2 == 0 && session[i]);
	}
	for (unsigned i = 0; i < SESSIONS; i += 2)
		d->ops->session_del(d, session[i]);
	leave();
	/* an interface that has gone meanwhile, and addresses that nobody adds */
	env_sh(true, "ip link del a0; ip link add a0 type veth peer name a1; ip link set a0 up; "
		     "ip link set a1 up");
	env_pass_xdp("a1");
	open_as(&everything);
	CU_ASSERT_TRUE(dp_bpf_adopted(dp));
	d->ops->sweep(d);
	expect_nothing();
	CU_ASSERT_NOT_EQUAL(env_sh(false, "ip link show s0 | grep -q xdp"), 0);
	empty();
}

static void set_meta(size_t offset, uint32_t value)
{
	int fd = bpf_obj_get("/sys/fs/bpf/pmip/adopt/pm_meta");
	struct pm_meta meta;
	uint32_t zero = 0;

	CU_ASSERT_EQUAL_FATAL(bpf_map_lookup_elem(fd, &zero, &meta), 0);
	memcpy((char *)&meta + offset, &value, sizeof(value));
	CU_ASSERT_EQUAL(bpf_map_update_elem(fd, &zero, &meta, BPF_ANY), 0);
	close(fd);
}

static void plain_fill(void)
{
	open_as(&plain);
	attach("o0", DP_BPF_TRANSPORT, DP_BPF_XDP);
	attach("s0", DP_BPF_TRANSPORT, DP_BPF_XDP);
	add_locals();
	put_pools();
	put_peers(1);
	set_nexthops(1);
	put_sessions(PLAIN_SESSIONS);
}

static void expect_anew(const struct dp_bpf_cfg *cfg, const char *why)
{
	open_as(cfg);
	if (dp_bpf_adopted(dp))
		fprintf(stderr, "%s: adopted\n", why);
	CU_ASSERT_FALSE(dp_bpf_adopted(dp));
	CU_ASSERT_NOT_EQUAL(env_sh(false, "ip link show s0 | grep -q xdp"), 0);
	CU_ASSERT_EQUAL(d->ops->sweep(d), 0);
	expect_nothing();
	empty();
}

static void test_incompatible(void)
{
	static const size_t words[] = {offsetof(struct pm_meta, layout_version),
				       offsetof(struct pm_meta, features),
				       offsetof(struct pm_meta, layout)};
	struct dp_bpf_cfg other = plain;

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		plain_fill();
		leave();
		set_meta(words[i], 77);
		expect_anew(&plain, "meta");
	}
	plain_fill();
	leave();
	set_meta(offsetof(struct pm_meta, layout_version), 0);
	expect_anew(&plain, "not whole");
	plain_fill();
	leave();
	other.max_sessions++;
	expect_anew(&other, "other size");
	plain_fill();
	leave();
	other = plain;
	other.ip4 = true;
	expect_anew(&other, "other features");
	plain_fill();
	leave();
	CU_ASSERT_EQUAL(unlink("/sys/fs/bpf/pmip/adopt/pm_framed"), 0);
	expect_anew(&plain, "a map is not there");
	/* nobody wants it kept */
	plain_fill();
	leave();
	other = plain;
	other.keep = false;
	open_as(&other);
	CU_ASSERT_FALSE(dp_bpf_adopted(dp));
	leave();
	expect_anew(&plain, "nothing was kept");
}

static void test_other_hook(void)
{
	plain_fill();
	leave();
	open_as(&plain);
	attach("s0", DP_BPF_TRANSPORT, DP_BPF_TC);
	CU_ASSERT_NOT_EQUAL(env_sh(false, "ip link show s0 | grep -q xdp"), 0);
	CU_ASSERT_EQUAL(env_sh(false, "tc filter show dev s0 ingress | grep -q tc_transport"), 0);
	leave();
	open_as(&plain);
	attach("s0", DP_BPF_TRANSPORT, DP_BPF_XDP_GENERIC);
	CU_ASSERT_EQUAL(env_sh(false, "ip link show s0 | grep -q xdpgeneric"), 0);
	leave();
	open_as(&plain);
	attach("s0", DP_BPF_ACCESS, DP_BPF_XDP);
	CU_ASSERT_EQUAL(env_sh(false, "ip link show s0 | grep -q 'xdp '"), 0);
	CU_ASSERT_EQUAL(env_sh(false, "tc filter show dev s0 ingress | grep -q tc_access"), 0);
	empty();
}

static void test_spread(void)
{
	static const uint32_t cpus[] = {0};
	struct dp_bpf_cfg cfg = plain;
	struct dp_bpf_attach a = {.ifindex = env_ifindex("s0"),
				  .ifname = "s0",
				  .want = DP_BPF_XDP,
				  .spread = true,
				  .mtu = 1500};
	struct dp_bpf_iface got = {0};
	char err[DP_BPF_ERRLEN] = "";

	cfg.spread_cpu = cpus;
	cfg.n_spread_cpus = 1;
	for (int i = 0; i < 2; i++) {
		open_as(&cfg);
		CU_ASSERT_EQUAL(dp_bpf_adopted(dp), i > 0);
		CU_ASSERT_EQUAL(dp_bpf_attach(dp, &a, &got, err, sizeof(err)), 0);
		CU_ASSERT_TRUE(got.spread);
		leave();
	}
	/* another choice of programs on the same maps */
	open_as(&plain);
	CU_ASSERT_TRUE(dp_bpf_adopted(dp));
	CU_ASSERT_EQUAL(dp_bpf_attach(dp, &a, &got, err, sizeof(err)), 0);
	CU_ASSERT_FALSE(got.spread);
	CU_ASSERT_EQUAL(env_sh(false, "ip link show s0 | grep -q 'xdp '"), 0);
	empty();
}

/* ---- packets that really travel */

static atomic_bool stop;
static atomic_uint_fast64_t sent;

static void *sender(void *arg)
{
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = (int)env_ifindex("s1"), .sll_halen = 6};
	/* the ring between two ends of a link then holds what comes in 50 ms: as long may the
	 * one that empties it be held up by the verifier */
	const struct timespec pause = {.tv_nsec = 200000};
	struct spec spec = {
		.smac = "02:00:00:00:99:99", .src = "2001:db8:cafe::1", .dst = "2001:db8:100:3::9"};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	char mac[32];
	struct frame f;

	own_mac("s0", mac);
	spec.dmac = mac;
	frame_build(&f, &spec);
	while (!stop) {
		if (sendto(fd, f.b, f.n, 0, (const struct sockaddr *)&to, sizeof(to)) ==
		    (ssize_t)f.n)
			sent++;
		nanosleep(&pause, NULL);
	}
	close(fd);
	return arg;
}

/* Counts frames to the next hop of the first tunnel. */
static int count_at(const char *ifname)
{
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "count", 4, 8, 1, NULL);
	const uint8_t dmac[4] = {2, 0xd0, 0, 0};
	// clang-format off
	struct bpf_insn code[] = {
		{BPF_LDX | BPF_W | BPF_MEM, 2, 1, offsetof(struct xdp_md, data), 0},
		{BPF_LDX | BPF_W | BPF_MEM, 3, 1, offsetof(struct xdp_md, data_end), 0},
		{BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0},
		{BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, 14},
		{BPF_JMP | BPF_JGT | BPF_X, 4, 3, 12, 0},
		{BPF_LDX | BPF_W | BPF_MEM, 5, 2, 0, 0},
		{BPF_JMP32 | BPF_JNE | BPF_K, 5, 0, 10, 0 /* dmac */},
		{BPF_ST | BPF_W | BPF_MEM, 10, 0, -4, 0},
		{BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map},
		{0, 0, 0, 0, 0},
		{BPF_ALU64 | BPF_MOV | BPF_X, 2, 10, 0, 0},
		{BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, -4},
		{BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem},
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3, 0},
		{BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 1},
		{BPF_STX | BPF_ATOMIC | BPF_DW, 0, 1, 0, BPF_ADD},
		{BPF_JMP | BPF_JA, 0, 0, 0, 0},
		{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS},
		{BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
	};
	// clang-format on
	int fd;

	memcpy(&code[6].imm, dmac, sizeof(dmac));
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "count", "GPL", code, ARRAY_SIZE(code), NULL);
	if (fd < 0 || bpf_xdp_attach((int)env_ifindex(ifname), fd, XDP_FLAGS_DRV_MODE, NULL) < 0) {
		perror("counter");
		exit(1);
	}
	close(fd);
	return map;
}

static int counter = -1;

static uint64_t counted(void)
{
	uint64_t n = 0;
	uint32_t zero = 0;

	bpf_map_lookup_elem(counter, &zero, &n);
	return n;
}

static uint32_t tc_prog(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)env_ifindex("s0"),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, o, .handle = 0x706d, .priority = 0x706d);

	return bpf_tc_query(&hook, &o) < 0 ? 0 : o.prog_id;
}

static uint32_t xdp_prog(void)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);

	return bpf_xdp_query((int)env_ifindex("s0"), 0, &q) < 0 ? 0 : q.prog_id;
}

static void no_packet_lost(enum dp_bpf_want want)
{
	const uint64_t base = counted();
	uint32_t tc, xdp;
	pthread_t t;

	plain_fill();
	attach("s0", DP_BPF_TRANSPORT, want);
	sent = 0;
	stop = false;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&t, NULL, sender, NULL), 0);
	for (int i = 0; i < 4; i++) {
		const bool others = i % 2 == 0;

		usleep(50000);
		tc = tc_prog();
		xdp = xdp_prog();
		leave();
		usleep(50000);
		edition += others;
		open_as(&plain);
		CU_ASSERT_TRUE(dp_bpf_adopted(dp));
		attach("o0", DP_BPF_TRANSPORT, DP_BPF_XDP);
		attach("s0", DP_BPF_TRANSPORT, want);
		CU_ASSERT_EQUAL(tc_prog() != tc, others);
		CU_ASSERT_TRUE(want == DP_BPF_TC ? !xdp_prog() : (xdp_prog() != xdp) == others);
		add_locals();
		put_pools();
		put_peers(1);
		put_sessions(PLAIN_SESSIONS);
		CU_ASSERT_EQUAL(d->ops->sweep(d), 0);
	}
	usleep(50000);
	stop = true;
	pthread_join(t, NULL);
	usleep(100000);
	CU_ASSERT_TRUE(sent > 1000);
	CU_ASSERT_EQUAL(counted() - base, sent);
	fprintf(stderr, "%llu packets sent, %llu arrived\n", (unsigned long long)sent,
		(unsigned long long)(counted() - base));
	empty();
}

static void test_no_packet_lost_xdp(void)
{
	no_packet_lost(DP_BPF_XDP);
}

static void test_no_packet_lost_tc(void)
{
	no_packet_lost(DP_BPF_TC);
}

/* ---- death in the middle */

/* Runs `what` in a child and kills it when it is about to make its `at`th system call, 0: never.
 * How many it made. */
static unsigned run_until(void (*what)(void), unsigned at)
{
	unsigned calls = 0;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		what();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	while (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid &&
	       WIFSTOPPED(status)) {
		if (WSTOPSIG(status) != (SIGTRAP | 0x80) || ++calls / 2 != at || !at)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		break;
	}
	if (!at && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		CU_FAIL("the child could not do it at all");
	return calls / 2;
}

static void reopen(void)
{
	open_as(&plain);
	attach("o0", DP_BPF_TRANSPORT, DP_BPF_XDP);
	attach("s0", DP_BPF_TRANSPORT, DP_BPF_XDP);
	add_locals();
	put_pools();
	put_peers(1);
	put_sessions(PLAIN_SESSIONS);
	d->ops->sweep(d);
}

#define DEATHS 6

/* Two packets are enough here: the first and the third of the sessions that there are. */
static void expect_forwarded(void)
{
	struct outcome o;

	for (unsigned i = 0; i < 4; i++) {
		shoot(i, &o);
		CU_ASSERT_EQUAL(memcmp(&o, &before[i], sizeof(o)), 0);
	}
}

static void test_killed_while_opening(void)
{
	unsigned calls;

	plain_fill();
	for (unsigned i = 0; i < 4; i++)
		shoot(i, &before[i]);
	leave();
	/* with the programs that are there, and with others */
	for (int others = 0; others < 2; others++) {
		edition += (unsigned)others;
		calls = run_until(reopen, 0);
		for (unsigned i = 1; i <= DEATHS; i++) {
			edition += (unsigned)others;
			run_until(reopen, calls * i / (DEATHS + 1));
			expect_forwarded();
		}
	}
	open_as(&plain);
	CU_ASSERT_TRUE(dp_bpf_adopted(dp));
	attach("s0", DP_BPF_TRANSPORT, DP_BPF_XDP);
	expect_forwarded();
	leave();
	open_as(&plain);
	d->ops->sweep(d);
	expect_nothing();
	empty();
}

static void test_killed_while_beginning(void)
{
	unsigned calls = run_until(plain_fill, 0);

	for (unsigned i = 1; i <= DEATHS; i++) {
		run_until(plain_fill, calls * i / (DEATHS + 1));
		open_as(&plain);
		d->ops->sweep(d);
		expect_nothing();
		/* the kernel may let go of an unpinned link a little later */
		CU_ASSERT_EQUAL(env_sh(false, "for i in $(seq 40); do ip link show s0 | "
					      "grep -q xdp || exit 0; sleep 0.05; done; exit 1"),
				0);
		CU_ASSERT_NOT_EQUAL(env_sh(false, "tc filter show dev s0 ingress | grep -q tc_"),
				    0);
		empty();
	}
}

/* Sessions come, change, move and go without a pause, until somebody ends it. */
static void churn(int ready)
{
	unsigned seed = (unsigned)getpid();

	open_as(&everything);
	put_peers(PEERS);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;) {
		unsigned i = (unsigned)rand_r(&seed) % SESSIONS;
		struct dp_session s = session_of(i);

		switch (rand_r(&seed) % 4) {
		case 0:
			d->ops->session_del(d, session[i]);
			session[i] = 0;
			break;
		case 1:
			s.down = (struct dp_path){.kind = DP_TO_NOWHERE};
			d->ops->session_move(d, session[i], &s.down);
			break;
		case 2:
			if (s.n_prefixes > 1)
				s.n_prefixes--;
			s.addr4.s_addr ^= s.addr4.s_addr ? htonl(8) : 0;
			d->ops->session_put(d, &s, &session[i]);
			break;
		default:
			d->ops->session_put(d, &s, &session[i]);
		}
	}
}

static void count_session(void *ctx, dp_ref ref, const struct dp_session *s)
{
	(void)ref;
	(void)s;
	++*(unsigned *)ctx;
}

static void test_killed_while_busy(void)
{
	unsigned n = 0;
	const struct dp_walk w = {.ctx = &n, .session = count_session};

	fill();
	leave();
	for (unsigned i = 0; i < DEATHS; i++) {
		int ready[2];
		char c;
		pid_t pid;

		CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
		fflush(NULL);
		pid = fork();
		if (pid == 0)
			churn(ready[1]);
		close(ready[1]);
		CU_ASSERT_EQUAL(read(ready[0], &c, 1), 1);
		close(ready[0]);
		usleep(5000 + 1237 * i);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	open_as(&everything);
	CU_ASSERT_TRUE(dp_bpf_adopted(dp));
	d->ops->walk(d, &w);
	CU_ASSERT_TRUE(n > 0);
	d->ops->sweep(d);
	expect_nothing();
	/* and all of it can be had again */
	attach_all(DP_BPF_XDP);
	add_locals();
	put_peers(PEERS);
	set_nexthops(PEERS - 1);
	put_sessions(SESSIONS);
	note_before();
	empty();
}

/* What a daemon leaves that dies between laying a body down and storing its half. */
static uint16_t flags_of(dp_ref ref)
{
	struct dp_bpf_session_info info = {0};
	struct pm_session s = {0};
	int fd = env_pin(dp, "pm_session");

	CU_ASSERT_EQUAL(dp_bpf_session_info(dp, ref, &info), 0);
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(fd, &info.slot, &s), 0);
	close(fd);
	return s.flags & (PM_F_LINK | PM_F_STILL | PM_F_DROP);
}

/* A node that had not left its link when its packets went elsewhere already: they go there on, and
 * the link is heard again when the next run says so. */
static void test_still_on_link(void)
{
	struct dp_session s;
	dp_ref ref = 0, again = 0;

	open_as(&everything);
	attach_all(DP_BPF_XDP);
	put_peers(PEERS);
	s = session_of(S_LINK);
	s.down.kind = DP_TO_PEER;
	s.down.peer = peer[P_IP6];
	s.up.peer = peer[P_UDP4];
	CU_ASSERT_EQUAL_FATAL(d->ops->session_put(d, &s, &ref), 0);
	CU_ASSERT_EQUAL(flags_of(ref), PM_F_STILL);
	leave();
	open_as(&everything);
	CU_ASSERT_TRUE(dp_bpf_adopted(dp));
	CU_ASSERT_EQUAL(flags_of(ref), 0);
	attach_all(DP_BPF_XDP);
	put_peers(PEERS);
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &again), 0);
	CU_ASSERT_EQUAL(again, ref);
	CU_ASSERT_EQUAL(flags_of(ref), PM_F_STILL);
	CU_ASSERT_EQUAL(d->ops->sweep(d), 0);
	d->ops->session_del(d, ref);
	expect_nothing();
	empty();
}

static void test_stray_bodies(void)
{
	static const struct pm_more body;
	unsigned n, used = 0;
	int fd;

	fill();
	for (unsigned i = 0; i < SESSIONS; i++) {
		struct dp_session s = session_of(i);

		/* another body, which is in pm_more */
		s.n_prefixes -= s.n_prefixes > 1;
		CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &session[i]), 0);
	}
	n = entries("pm_more");
	fd = env_pin(dp, "pm_more");
	for (uint32_t k = 0; k < 2 * (uint32_t)SESSIONS; k++) {
		if (bpf_map_update_elem(fd, &k, &body, BPF_NOEXIST) < 0)
			used++;
	}
	CU_ASSERT_TRUE(used > 0);
	CU_ASSERT_TRUE(entries("pm_more") > n);
	close(fd);
	leave();
	open_as(&everything);
	CU_ASSERT_TRUE(dp_bpf_adopted(dp));
	CU_ASSERT_EQUAL(entries("pm_more"), n);
	d->ops->sweep(d);
	expect_nothing();
	empty();
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"it forwards the same with nobody there, adopted, under new programs and claimed",
		 test_forwards_throughout},
		{"what half of the claims leave is swept: sessions, ways, interfaces, addresses",
		 test_half_claimed},
		{"what was made for another layout, size or feature is begun anew",
		 test_incompatible},
		{"an adopted interface gets another hook or kind when that is wanted",
		 test_other_hook},
		{"frames are spread over CPUs by the programs of the next run",										 test_spread},
		{"no packet is lost while programs are replaced at XDP",									 test_no_packet_lost_xdp},
		{"no packet is lost while programs are replaced at TC",			test_no_packet_lost_tc},
		{"killed while it opens: it forwards on, and the next run adopts it",
		 test_killed_while_opening},
		{"killed while it begins: the next run adopts it or begins anew",
		 test_killed_while_beginning},
		{"RFC 5949 4.1 a node that had not left its link is heard there again when that is said",
		 test_still_on_link},
		{"bodies that no half uses are removed when it is adopted",
		 test_stray_bodies},
		{"killed while sessions change: the books agree afterwards",
		 test_killed_while_busy},
		{0										},
	};

	env_enter();
	env_veth("s0", "s1");
	env_veth("o0", "o1");
	env_veth("a0", "a1");
	env_pass_xdp("a1");
	counter = count_at("o1");
	return cu_main("dp_adopt", tests, argc, argv);
}
