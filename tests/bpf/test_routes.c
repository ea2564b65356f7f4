/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs remember of the routing table. A packet from a node, out of its tunnel, towards CN;
 * which next hop it takes shows whether the table was asked or not.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "lib/cu.h"
#include "lib/kernel.h"
#include "world.h"

#define NEW_MAC	   "02:00:00:00:01:fe" /* of the router, after it was exchanged */
#define SECOND_MAC "02:00:00:00:01:fd" /* of another router */
#define POISON_MAC "02:00:00:00:de:ad"

static struct world *worlds[PM_HOOK_MAX];
static uint32_t generation;

/* All test runs are on one CPU, whose part of pm_route is the first. */
static void stay_on_first_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		exit(2);
}

static void set_global(struct world *w, uint32_t gen, uint32_t flags)
{
	const struct pm_global g = {gen, flags};
	uint32_t zero = 0;

	CU_ASSERT_EQUAL_FATAL(bpf_map_update_elem(world_map(w, "pm_global"), &zero, &g, BPF_ANY),
			      0);
}

/* What the daemon does after every change. */
static void forget(struct world *w, uint32_t flags)
{
	set_global(w, ++generation, flags);
}

static void run(struct world *w, const struct spec *s, struct world_result *res)
{
	struct frame f;

	frame_build(&f, s);
	world_run(w, AT_TRANSPORT, &f, NULL, res);
}

static bool leaves_by(struct world *w, const struct spec *s, const char *mac)
{
	struct world_result res;
	uint8_t want[6];

	run(w, s, &res);
	CU_ASSERT_EQUAL(res.verdict, PM_V_DECAP_ROUTE);
	frame_mac(want, mac);
	return !memcmp(res.out.b, want, 6);
}

static struct spec up(const char *dst)
{
	return (struct spec){.dmac = T_MAC,
			     .smac = T_PEER,
			     .osrc = MAG1,
			     .odst = LMAA,
			     .src = mn(MN_1),
			     .dst = dst};
}

/* Without a shell, which takes longer on an emulated machine than an answer counts. */
static void router_is(const char *mac)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_ROUTE);
	char buf[256];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ndmsg *n = mnl_nlmsg_put_extra_header(h, sizeof(*n));
	uint8_t b[16];

	h->nlmsg_type = RTM_NEWNEIGH;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	n->ndm_family = AF_INET6;
	n->ndm_ifindex = (int)if_nametoindex("t0");
	n->ndm_state = NUD_PERMANENT;
	frame_addr(b, "2001:db8:2::ff");
	mnl_attr_put(h, NDA_DST, 16, b);
	frame_mac(b, mac);
	mnl_attr_put(h, NDA_LLADDR, 6, b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_TRUE(mnl_socket_sendto(s, h, h->nlmsg_len) > 0);
	CU_ASSERT_TRUE(mnl_socket_recvfrom(s, buf, sizeof(buf)) > 0);
	h = (struct nlmsghdr *)buf;
	CU_ASSERT_EQUAL(h->nlmsg_type, NLMSG_ERROR);
	CU_ASSERT_EQUAL(((struct nlmsgerr *)mnl_nlmsg_get_payload(h))->error, 0);
	mnl_socket_close(s);
}

/* The router's link-layer address changes and nobody tells the programs. True: they still use the
 * old one. What is remembered may grow old just then, so it takes ten in a row to be sure that
 * nothing is. */
static bool remembers(struct world *w, const struct spec *s)
{
	bool old = false;

	for (int i = 0; i < 10 && !old; i++) {
		router_is(R_MAC);
		set_global(w, generation, 0);
		usleep(1000);
		leaves_by(w, s, R_MAC);
		router_is(NEW_MAC);
		old = leaves_by(w, s, R_MAC);
		if (!old)
			CU_ASSERT_TRUE(leaves_by(w, s, NEW_MAC));
	}
	return old;
}

static void restore(void)
{
	router_is(R_MAC);
}

#define FOR_BOTH_HOOKS(w)                                                                     \
	for (struct world **world = worlds, *w; world < worlds + PM_HOOK_MAX && (w = *world); \
	     world++)

static void test_remembered(void)
{
	const struct spec s = up(CN);

	FOR_BOTH_HOOKS(w)
	{
		restore();
		forget(w, 0);
		CU_ASSERT_TRUE(remembers(w, &s));
	}
	restore();
}

static void test_generation(void)
{
	const struct spec s = up(CN);

	FOR_BOTH_HOOKS(w)
	{
		restore();
		forget(w, 0);
		CU_ASSERT_TRUE(leaves_by(w, &s, R_MAC));
		router_is(NEW_MAC);
		forget(w, 0);
		CU_ASSERT_TRUE(leaves_by(w, &s, NEW_MAC));
	}
	restore();
}

static void test_off(void)
{
	const struct spec s = up(CN);

	FOR_BOTH_HOOKS(w)
	{
		set_global(w, 0, 0);
		for (int i = 0; i < 3; i++) {
			restore();
			CU_ASSERT_TRUE(leaves_by(w, &s, R_MAC));
			must_sh("ip neigh replace 2001:db8:2::ff lladdr " NEW_MAC
				" nud permanent dev t0");
			CU_ASSERT_TRUE(leaves_by(w, &s, NEW_MAC));
		}
	}
	restore();
}

static void test_grows_old(void)
{
	const struct spec s = up(CN);

	FOR_BOTH_HOOKS(w)
	{
		restore();
		forget(w, 0);
		CU_ASSERT_TRUE(leaves_by(w, &s, R_MAC));
		router_is(NEW_MAC);
		usleep(2600000); /* 256 ticks at HZ=100 */
		CU_ASSERT_TRUE(leaves_by(w, &s, NEW_MAC));
	}
	restore();
}

static bool find_entry(struct world *w, uint32_t *set, unsigned *way, struct pm_routes *out)
{
	for (*set = 0; *set < PM_ROUTE_SETS; ++*set) {
		CU_ASSERT_EQUAL_FATAL(bpf_map_lookup_elem(world_map(w, "pm_route"), set, out), 0);
		for (*way = 0; *way < PM_ROUTE_WAYS; ++*way) {
			if (out->way[*way].generation == generation)
				return true;
		}
	}
	return false;
}

/* A remembered answer with a link-layer address of our making: it shows when it is used. */
static bool poison_used(struct world *w, const struct spec *s, size_t octet, uint8_t bits)
{
	struct pm_routes set;
	uint32_t at;
	unsigned way;
	bool used;

	forget(w, PM_G_BY_SOURCE | PM_G_MULTIPATH);
	leaves_by(w, s, R_MAC);
	CU_ASSERT_TRUE_FATAL(find_entry(w, &at, &way, &set));
	frame_mac(set.way[way].dmac, POISON_MAC);
	((uint8_t *)&set.way[way])[octet] ^= bits;
	CU_ASSERT_EQUAL(bpf_map_update_elem(world_map(w, "pm_route"), &at, &set, BPF_ANY), 0);
	used = leaves_by(w, s, POISON_MAC);
	if (!used)
		CU_ASSERT_TRUE(leaves_by(w, s, R_MAC));
	return used;
}

static void test_every_bit(void)
{
	static const struct {
		size_t at, n;
	} key[] = {
#define FIELD(f) {offsetof(struct pm_route, f), sizeof(((struct pm_route *)0)->f)}
		FIELD(dst),	FIELD(src),   FIELD(generation),
		FIELD(ingress), FIELD(epoch), FIELD(kind),
#undef FIELD
	};
	const struct spec s = up(CN);

	FOR_BOTH_HOOKS(w)
	{
		bool used = false;

		for (int i = 0; i < 3 && !used; i++)
			used = poison_used(w, &s, 0, 0);
		CU_ASSERT_TRUE(used);
		for (size_t f = 0; f < ARRAY_SIZE(key); f++) {
			for (size_t i = 0; i < key[f].n; i++) {
				/* once more: time goes on, and may arrive at the epoch just made up
				 */
				for (int bit = 0; bit < 8; bit++)
					CU_ASSERT_FALSE(
						poison_used(w, &s, key[f].at + i, 1 << bit) &&
						poison_used(w, &s, key[f].at + i, 1 << bit));
			}
		}
	}
}

static void test_mtu(void)
{
	struct spec small = up(CN_SMALL), large = up(CN_SMALL);
	struct world_result res;

	large.len = 1301;
	FOR_BOTH_HOOKS(w)
	{
		forget(w, 0);
		for (int i = 0; i < 2; i++) {
			CU_ASSERT_TRUE(leaves_by(w, &small, R_MAC));
			run(w, &large, &res);
			CU_ASSERT_EQUAL(res.verdict, PM_V_REPLIED);
		}
		large.len = 1300;
		CU_ASSERT_TRUE(leaves_by(w, &large, R_MAC));
		large.len = 1301;
	}
}

/* The answer that is remembered says the same MTU as the table. */
static void test_mtu_same(void)
{
	struct spec small = up(CN_SMALL), large = up(CN_SMALL);
	struct world_result from_table, remembered;

	large.len = 1400;
	FOR_BOTH_HOOKS(w)
	{
		set_global(w, 0, 0);
		run(w, &large, &from_table);
		forget(w, 0);
		leaves_by(w, &small, R_MAC);
		run(w, &large, &remembered);
		CU_ASSERT_EQUAL(from_table.out.n, remembered.out.n);
		CU_ASSERT_EQUAL(memcmp(from_table.out.b, remembered.out.b, from_table.out.n), 0);
	}
}

static void test_hop_limit(void)
{
	struct spec s = up(CN);
	struct world_result res;

	FOR_BOTH_HOOKS(w)
	{
		forget(w, 0);
		CU_ASSERT_TRUE(leaves_by(w, &s, R_MAC));
		s.hl = 1;
		run(w, &s, &res);
		CU_ASSERT_EQUAL(res.verdict, PM_V_REPLIED);
		s.hl = 0;
	}
}

static void test_failures(void)
{
	const struct spec s = up("2001:db8:dea1::1");
	struct world_result res;

	FOR_BOTH_HOOKS(w)
	{
		must_sh("ip route add unreachable 2001:db8:dea1::/48");
		forget(w, 0);
		run(w, &s, &res);
		CU_ASSERT_EQUAL(res.verdict, PM_V_DROPPED);
		CU_ASSERT_EQUAL(res.reason, PM_DROP_NO_ROUTE);
		must_sh("ip route del unreachable 2001:db8:dea1::/48");
		must_sh("ip route add 2001:db8:dea1::/48 via 2001:db8:2::ff");
		CU_ASSERT_TRUE(leaves_by(w, &s, R_MAC));
		must_sh("ip route del 2001:db8:dea1::/48");
	}
}

static void test_sources(void)
{
	struct spec one = up(CN), two = up(CN);

	two.osrc = MAG2;
	two.src = mn(MN_2);
	must_sh("ip neigh add 2001:db8:2::fd lladdr " SECOND_MAC " nud permanent dev t0");
	must_sh("ip route add default via 2001:db8:2::fd table 77");
	must_sh("ip -6 rule add from 2001:db8:100:1::/64 lookup 77"); /* MN_2 */
	FOR_BOTH_HOOKS(w)
	{
		forget(w, PM_G_BY_SOURCE);
		for (int i = 0; i < 3; i++) {
			CU_ASSERT_TRUE(leaves_by(w, &one, R_MAC));
			CU_ASSERT_TRUE(leaves_by(w, &two, SECOND_MAC));
		}
	}
	must_sh("ip -6 rule del from 2001:db8:100:1::/64 lookup 77");
	must_sh("ip neigh del 2001:db8:2::fd dev t0");
}

/* An IPv6 destination that looks like the IPv4 one as it is stored, and the other way round. */
static void test_families(void)
{
	struct spec s = up("::ffff:203.0.113.1");
	struct pm_routes set;
	struct pm_route *r;
	struct world_result res;
	unsigned way;
	uint32_t at;

	must_sh("ip route add ::ffff:0:0/96 via 2001:db8:2::ff");
	FOR_BOTH_HOOKS(w)
	{
		forget(w, 0);
		CU_ASSERT_TRUE(leaves_by(w, &s, R_MAC));
		CU_ASSERT_TRUE_FATAL(find_entry(w, &at, &way, &set));
		r = &set.way[way];
		CU_ASSERT_EQUAL(r->dst[10], 0xff);
		CU_ASSERT_EQUAL(r->dst[12], 203);
		/* the other family in both ways of every set */
		frame_mac(r->dmac, POISON_MAC);
		r->kind ^= 0x30;
		set.way[!way] = *r;
		for (at = 0; at < PM_ROUTE_SETS; at++)
			CU_ASSERT_EQUAL_FATAL(
				bpf_map_update_elem(world_map(w, "pm_route"), &at, &set, BPF_ANY),
				0);
		run(w, &s, &res);
		CU_ASSERT_EQUAL(res.verdict, PM_V_DECAP_ROUTE);
		CU_ASSERT_NOT_EQUAL(res.out.b[4], 0xde);
	}
	must_sh("ip route del ::ffff:0:0/96");
}

#define FLOWS 128

/* Which of the two routers each flow goes to; how many go to the second. */
static unsigned spread(struct world *w, bool second[FLOWS])
{
	struct spec s = up("2001:db8:ec::1");
	struct world_result res;
	uint8_t mac[2][6];
	unsigned n = 0;

	frame_mac(mac[0], R_MAC);
	frame_mac(mac[1], SECOND_MAC);
	for (unsigned i = 0; i < FLOWS; i++) {
		s.flow = 1 + i * 7919;
		run(w, &s, &res);
		CU_ASSERT_EQUAL(res.verdict, PM_V_DECAP_ROUTE);
		second[i] = !memcmp(res.out.b, mac[1], 6);
		CU_ASSERT_TRUE(second[i] || !memcmp(res.out.b, mac[0], 6));
		n += second[i];
	}
	return n;
}

static void test_multipath(void)
{
	bool asked[FLOWS], first[FLOWS], again[FLOWS];
	unsigned n;

	must_sh("ip neigh add 2001:db8:2::fd lladdr " SECOND_MAC " nud permanent dev t0");
	must_sh("ip route add 2001:db8:ec::/48 nexthop via 2001:db8:2::ff nexthop via "
		"2001:db8:2::fd");
	FOR_BOTH_HOOKS(w)
	{
		bool same = false;

		set_global(w, 0, 0);
		n = spread(w, asked);
		CU_ASSERT_TRUE(n > FLOWS / 4 && n < FLOWS * 3 / 4);
		/* sixteen answers for all flows; they grow old, but not each time */
		for (int i = 0; i < 5 && !same; i++) {
			forget(w, PM_G_MULTIPATH);
			n = spread(w, first);
			CU_ASSERT_TRUE(n > 0 && n < FLOWS);
			spread(w, again);
			same = !memcmp(first, again, sizeof(first));
		}
		CU_ASSERT_TRUE(same);
	}
	must_sh("ip route del 2001:db8:ec::/48");
	must_sh("ip neigh del 2001:db8:2::fd dev t0");
}

/* More destinations than fit: every packet still goes where the table says. */
static void test_crowd(void)
{
	static const char *const mac[2] = {R_MAC, SECOND_MAC};

	must_sh("ip neigh add 2001:db8:2::fd lladdr " SECOND_MAC " nud permanent dev t0");
	must_sh("ip route add 2001:db8:c0::/48 via 2001:db8:2::ff");
	must_sh("ip route add 2001:db8:c0:8000::/49 via 2001:db8:2::fd");
	FOR_BOTH_HOOKS(w)
	{
		unsigned wrong = 0;

		forget(w, 0);
		for (unsigned i = 0; i < 3 * PM_ROUTE_SETS * PM_ROUTE_WAYS; i++) {
			unsigned half = i & 1, net = (i * 2654435761u >> 17) & 0x7fff;
			struct spec s;
			char dst[64];

			snprintf(dst, sizeof(dst), "2001:db8:c0:%x::%x", half << 15 | net, i % 5);
			s = up(dst);
			wrong += !leaves_by(w, &s, mac[half]);
		}
		CU_ASSERT_EQUAL(wrong, 0);
	}
	must_sh("ip route del 2001:db8:c0::/48");
	must_sh("ip route del 2001:db8:c0:8000::/49");
	must_sh("ip neigh del 2001:db8:2::fd dev t0");
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a route is remembered while nothing is said to have changed",	test_remembered},
		{"a new generation makes programs ask the routing table",									  test_generation},
		{"generation 0: nothing is remembered",test_off},
		{"an answer grows old by itself",				  test_grows_old},
		{"an answer counts only where every bit of the question is the same",
		 test_every_bit},
		{"remembered or not, a packet too large for the route is refused",			   test_mtu},
		{"the refusal of a remembered route is that of the routing table", test_mtu_same},
		{"remembered or not, the hop limit ends",								   test_hop_limit},
		{"what is not forwarded is not remembered",					    test_failures},
		{"rules by source: each source has its own answer",    test_sources},
		{"an address of one family is not taken for one of the other",								       test_families},
		{"several next hops: flows spread, each stays on its way",test_multipath},
		{"more destinations than fit",			       test_crowd},
		{0								  }
	   };
	int rc;

	stay_on_first_cpu();
	for (int h = 0; h < PM_HOOK_MAX; h++) {
		worlds[h] = world_new(h, NULL);
		if (!worlds[h])
			return 1;
	}
	rc = cu_main("routes", tests, argc, argv);
	for (int h = 0; h < PM_HOOK_MAX; h++)
		world_free(&worlds[h]);
	return rc;
}
