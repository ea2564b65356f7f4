/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 home addresses and IPv4 transport (RFC 5844) as call flows. */
#include <arpa/inet.h>
#include <string.h>

#include "sim/flows.h"
#include "sim/world.h"

static struct world w;

static void begin(struct world_cfg cfg)
{
	world_init(&w, &cfg);
}

static void end(void)
{
	world_check(&w);
	if (w.broken[0])
		CU_FAIL(w.broken);
	CU_ASSERT_STRING_EQUAL(w.broken, "");
	world_free(&w);
}

/* Node 0 is `family`, the others have IPv6 alone. */
static struct world_cfg with(uint64_t seed, enum sim_family family)
{
	struct world_cfg cfg = world_defaults(seed);

	cfg.family[0] = family;
	return cfg;
}

static void settle(void)
{
	world_run(&w, nsec_from_ms(500));
}

static struct lma_binding binding(unsigned node)
{
	struct lma_binding b;

	memset(&b, 0, sizeof(b));
	b.state = "";
	world_binding(&w, node, 0, &b);
	return b;
}

static struct mag_binding update(int mag, unsigned node)
{
	struct mag_binding b;

	memset(&b, 0, sizeof(b));
	b.state = "";
	world_update(&w, mag, node, 0, &b);
	return b;
}

static bool lma_sends_to(unsigned node, int mag)
{
	const struct lma_binding b = binding(node);

	return addr6_eq(&b.proxy_coa, &w.mag[mag].addr);
}

static uint64_t lma_count_of(const char *name)
{
	const struct counter_set s = lma_counters(w.lma.lma);

	return world_counter(&s, name);
}

/* The last messages of each kind, kept for looking into. */
static struct {
	struct mh_msg pbu, pba;
	unsigned n_pbu, n_pba;
} seen;

static void note(struct world *world, const struct event *ev)
{
	if (ev->type != EV_MSG_SENT || !ev->msg)
		return;
	if (ev->msg->type == MH_BU) {
		seen.pbu = *ev->msg;
		seen.n_pbu++;
	} else if (ev->msg->type == MH_BA) {
		seen.pba = *ev->msg;
		seen.n_pba++;
	}
}

static void watch(void)
{
	memset(&seen, 0, sizeof(seen));
	w.on_event = note;
}

static bool pbu_asks(struct in_addr addr, uint8_t len)
{
	const struct mh_opt *o = mh_opt(&seen.pbu, MHO_IPV4_HOA_REQUEST);

	return mh_opt_count(&seen.pbu, MHO_IPV4_HOA_REQUEST) == 1 &&
	       o->hoa4.addr.s_addr == addr.s_addr && o->hoa4.len == len;
}

static void test_dual_stack(void)
{
	const struct in_addr any = {0};
	const struct mh_opt *reply;
	struct lma_binding b;

	begin(with(40, SIM_DUAL));
	watch();
	/* MAG -> LMA: PBU, HNP ::/0, IPv4 Home Address Request 0.0.0.0/0 */
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	CU_ASSERT(pbu_asks(any, 0));
	CU_ASSERT_EQUAL(mh_opt_count(&seen.pbu, MHO_HNP), 1);
	/* LMA: one binding for both; LMA -> MAG: PBA */
	world_step(&w, w.now + NSEC_PER_SEC);
	b = binding(0);
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), 1);
	CU_ASSERT_EQUAL(b.n_prefixes, 1);
	CU_ASSERT(prefix4_has_addr(&w.pool4[0].prefix, b.home4.addr));
	CU_ASSERT_EQUAL(b.home4.len, 24);
	reply = mh_opt(&seen.pba, MHO_IPV4_HOA_REPLY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(reply);
	CU_ASSERT_EQUAL(reply->hoa4.status, HOA4_SUCCESS);
	CU_ASSERT_EQUAL(reply->hoa4.addr.s_addr, b.home4.addr.s_addr);
	CU_ASSERT_EQUAL(reply->hoa4.len, 24);
	CU_ASSERT_EQUAL(mh_opt_count(&seen.pba, MHO_IPV4_DEFAULT_ROUTER), 1);
	CU_ASSERT_EQUAL(mh_opt(&seen.pba, MHO_IPV4_DEFAULT_ROUTER)->addr4.s_addr,
			b.home4.router.s_addr);
	/* MAG ~> MN: prefix by advertisement, address by DHCP */
	world_step(&w, w.now + NSEC_PER_SEC);
	CU_ASSERT(w.mag[0].advert[0][0].on);
	CU_ASSERT_EQUAL(w.mag[0].advert[0][0].n_prefixes, 1);
	CU_ASSERT(home4_eq(&w.mag[0].advert[0][0].home4, &b.home4) || b.home4.domain);
	CU_ASSERT(w.mag[0].advert[0][0].mtu4 > 0);
	CU_ASSERT_FALSE(w.mag[0].advert[0][0].dhcp_relay);
	end();
}

static void test_ipv4_only(void)
{
	struct lma_binding b;

	begin(with(41, SIM_IPV4));
	watch();
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	CU_ASSERT_EQUAL(mh_opt_count(&seen.pbu, MHO_HNP), 0);
	settle();
	CU_ASSERT_EQUAL(mh_opt_count(&seen.pba, MHO_HNP), 0);
	b = binding(0);
	CU_ASSERT_STRING_EQUAL(b.state, "ACTIVE");
	CU_ASSERT_EQUAL(b.n_prefixes, 0);
	CU_ASSERT(home4_is_set(&b.home4));
	CU_ASSERT_STRING_EQUAL(update(0, 0).state, "ACTIVE");
	/* it roams with its address alone */
	world_move(&w, 0, 0, 1, HI_BETWEEN_MAGS, 0);
	settle();
	CU_ASSERT(lma_sends_to(0, 1));
	CU_ASSERT_EQUAL(binding(0).home4.addr.s_addr, b.home4.addr.s_addr);
	CU_ASSERT_EQUAL(w.mag[1].advert[0][0].home4.addr.s_addr, b.home4.addr.s_addr);
	CU_ASSERT_EQUAL(w.mag[1].advert[0][0].home4.router.s_addr, b.home4.router.s_addr);
	end();
}

static void test_handover_keeps_both(void)
{
	struct lma_binding before, after;

	begin(with(42, SIM_DUAL));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	before = binding(0);
	for (int k = 1; k <= 4; k++) {
		world_move(&w, 0, 0, k % SIM_MAGS, HI_RESERVED, k % 2 ? 0 : nsec_from_ms(300));
		world_run(&w, nsec_from_s(2));
		after = binding(0);
		CU_ASSERT(lma_sends_to(0, k % SIM_MAGS));
		CU_ASSERT_EQUAL(after.home4.addr.s_addr, before.home4.addr.s_addr);
		CU_ASSERT(prefix6_eq(&after.prefixes[0], &before.prefixes[0]));
		CU_ASSERT_EQUAL(after.session, before.session);
	}
	world_check_quiet(&w);
	end();
}

static void test_refresh_names_the_address(void)
{
	struct world_cfg cfg = with(43, SIM_DUAL);
	struct home4 mine;

	cfg.lifetime_s = 40;
	begin(cfg);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	mine = binding(0).home4;
	watch();
	world_run(&w, nsec_from_s(200));
	CU_ASSERT(seen.n_pbu >= 5);
	CU_ASSERT(pbu_asks(mine.addr, mine.len));
	CU_ASSERT_EQUAL(mh_opt_count(&seen.pbu, MHO_HNP), 1);
	CU_ASSERT_EQUAL(mh_opt_count(&seen.pba, MHO_IPV4_HOA_REPLY), 1);
	CU_ASSERT_EQUAL(binding(0).home4.addr.s_addr, mine.addr.s_addr);
	CU_ASSERT_EQUAL(lma_count_of("sessions_created"), 1);
	end();
}

static void test_release(void)
{
	struct home4 mine;
	struct prefix6 prefix;
	struct lma_binding b;

	begin(with(44, SIM_DUAL));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	b = binding(0);
	mine = b.home4;
	prefix = b.prefixes[0];
	watch();
	/* MN ~> MAG: DHCPRELEASE; MAG -> LMA: PBU, lifetime 0, the address, no prefix */
	CU_ASSERT_EQUAL(world_release_ipv4(&w, 0, 0), 0);
	CU_ASSERT_EQUAL(seen.n_pbu, 1);
	CU_ASSERT_EQUAL(seen.pbu.bu.lifetime, 0);
	CU_ASSERT(pbu_asks(mine.addr, mine.len));
	CU_ASSERT_EQUAL(mh_opt_count(&seen.pbu, MHO_HNP), 0);
	CU_ASSERT_PTR_NULL(
		dp_fake_by_addr4(w.mag[0].dp, DP_ACCESS, mine.domain, mine.addr)); /* at once */
	settle();
	b = binding(0);
	CU_ASSERT_STRING_EQUAL(b.state, "ACTIVE");
	CU_ASSERT_FALSE(home4_is_set(&b.home4));
	CU_ASSERT_EQUAL(b.n_prefixes, 1);
	CU_ASSERT(prefix6_eq(&b.prefixes[0], &prefix));
	CU_ASSERT(w.mag[0].advert[0][0].on);
	CU_ASSERT_FALSE(home4_is_set(&w.mag[0].advert[0][0].home4));
	CU_ASSERT_EQUAL(w.mag[0].advert[0][0].n_prefixes, 1);
	/* refreshed without it */
	world_run(&w, nsec_from_s(100));
	CU_ASSERT_FALSE(home4_is_set(&(struct home4){.addr = binding(0).home4.addr}));
	CU_ASSERT_EQUAL(mh_opt_count(&seen.pbu, MHO_IPV4_HOA_REQUEST), 0);
	/* MN ~> MAG: DHCPDISCOVER; an IPv6 session gets an address by re-registration */
	world_ask_ipv4(&w, 0, 0);
	settle();
	b = binding(0);
	CU_ASSERT(home4_is_set(&b.home4));
	CU_ASSERT(prefix6_eq(&b.prefixes[0], &prefix));
	CU_ASSERT_EQUAL(lma_count_of("sessions_created"), 1);
	CU_ASSERT(home4_is_set(&w.mag[0].advert[0][0].home4));
	world_check_quiet(&w);
	end();
}

static void test_release_of_all(void)
{
	begin(with(45, SIM_IPV4));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(world_release_ipv4(&w, 0, 0), 0);
	settle();
	CU_ASSERT_FALSE(w.mag[0].advert[0][0].on);
	CU_ASSERT_EQUAL(dp_fake_sessions(w.mag[0].dp), 0);
	world_run(&w, nsec_from_s(15));
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(w.lma.dp), 0);
	end();
}

static void test_static_address(void)
{
	struct world_cfg cfg = with(46, SIM_DUAL);
	struct in_addr first;

	cfg.static4[0] = true;
	cfg.family[1] = cfg.family[2] = SIM_DUAL;
	begin(cfg);
	/* others come first, and get others, though its own is the pool's first */
	world_attach(&w, 1, 0, 0, HI_RESERVED);
	settle();
	first = binding(1).home4.addr;
	CU_ASSERT_EQUAL(ntohl(first.s_addr), ntohl(w.node[0].static4.s_addr) + 1);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(binding(0).home4.addr.s_addr, w.node[0].static4.s_addr);
	world_move(&w, 0, 0, 1, HI_BETWEEN_MAGS, 0);
	settle();
	CU_ASSERT(lma_sends_to(0, 1));
	CU_ASSERT_EQUAL(w.mag[1].advert[0][0].home4.addr.s_addr, w.node[0].static4.s_addr);
	/* it is kept for the node while that is away */
	world_detach(&w, 0, 0, true);
	world_run(&w, nsec_from_s(12));
	world_attach(&w, 2, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(ntohl(binding(2).home4.addr.s_addr), ntohl(first.s_addr) + 1);
	world_attach(&w, 0, 0, 2, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(binding(0).home4.addr.s_addr, w.node[0].static4.s_addr);
	end();
}

/* One address for two nodes: what one gives back the other gets, which asks again now and then. */
static void test_pool_used_up(void)
{
	struct world_cfg cfg = world_defaults(47);
	struct in_addr first;

	cfg.family[0] = cfg.family[1] = SIM_IPV4;
	cfg.pool4_bits = 2; /* .1 is the router, .2 is left */
	begin(cfg);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	first = binding(0).home4.addr;
	CU_ASSERT(first.s_addr != 0);
	watch();
	world_attach(&w, 1, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(seen.pba.ba.status, PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mh_opt(&seen.pba, MHO_IPV4_HOA_REPLY));
	CU_ASSERT_EQUAL(mh_opt(&seen.pba, MHO_IPV4_HOA_REPLY)->hoa4.status,
			HOA4_REASON_UNSPECIFIED);
	CU_ASSERT_EQUAL(mh_opt(&seen.pba, MHO_IPV4_HOA_REPLY)->hoa4.addr.s_addr, 0);
	CU_ASSERT_EQUAL(mh_opt_count(&seen.pba, MHO_IPV4_DEFAULT_ROUTER), 0);
	CU_ASSERT_STRING_EQUAL(binding(1).state, "");
	world_detach(&w, 0, 0, true);
	world_run(&w, nsec_from_s(20));
	CU_ASSERT_EQUAL(binding(1).home4.addr.s_addr, first.s_addr);
	CU_ASSERT_STRING_EQUAL(update(0, 1).state, "ACTIVE");
	end();
}

/* Signalling over IPv4 in UDP; data in IPv4, or in UDP when forced. */
static void test_transports(void)
{
	static const struct {
		bool ip4, force_udp;
		enum dp_encap encap;
	} rows[SIM_MAGS] = {
		{false, false, DP_ENCAP_IP },
		{true,  false, DP_ENCAP_IP },
		{true,  true,  DP_ENCAP_UDP}
	  };
	struct world_cfg cfg = with(48, SIM_DUAL);
	struct lma_binding first, b;

	for (int i = 0; i < SIM_MAGS; i++) {
		cfg.mag[i].ip4 = rows[i].ip4;
		cfg.mag[i].force_udp = rows[i].force_udp;
	}
	begin(cfg);
	watch();
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	first = binding(0);
	for (int k = 0; k < 6; k++) {
		const int mag = k % SIM_MAGS;
		const struct mh_opt *nat;

		b = binding(0);
		CU_ASSERT(lma_sends_to(0, mag));
		CU_ASSERT_EQUAL(b.encap, rows[mag].encap);
		CU_ASSERT_EQUAL(update(mag, 0).encap, rows[mag].encap);
		CU_ASSERT_EQUAL(addr_is_ip4(&b.lmaa), rows[mag].ip4);
		CU_ASSERT_EQUAL(b.home4.addr.s_addr, first.home4.addr.s_addr);
		CU_ASSERT(prefix6_eq(&b.prefixes[0], &first.prefixes[0]));
		CU_ASSERT_EQUAL(!!(seen.pbu.bu.flags & MH_BU_F), rows[mag].force_udp);
		nat = mh_opt(&seen.pba, MHO_NAT_DETECTION);
		CU_ASSERT_EQUAL(nat && nat->nat.force, rows[mag].force_udp);
		world_check_quiet(&w);
		world_detach(&w, 0, 0, true);
		settle();
		world_attach(&w, 0, 0, (k + 1) % SIM_MAGS, HI_BETWEEN_MAGS);
		settle();
	}
	end();
}

static void test_udp_not_accepted(void)
{
	struct world_cfg cfg = with(49, SIM_DUAL);

	cfg.mag[0].ip4 = cfg.mag[0].force_udp = true;
	cfg.refuse_udp = true;
	begin(cfg);
	watch();
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(seen.pba.ba.status, PBA_ADMIN_PROHIBITED);
	CU_ASSERT_STRING_EQUAL(binding(0).state, "");
	end();
}

/* Without link-layer identifiers the Handoff Indicator decides for IPv4 as for IPv6. */
static void test_without_llid(void)
{
	struct world_cfg cfg = with(52, SIM_IPV4);
	struct home4 mine;

	cfg.no_llid = true;
	begin(cfg);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	mine = binding(0).home4;
	CU_ASSERT(home4_is_set(&mine));
	world_move(&w, 0, 0, 1, HI_BETWEEN_MAGS, NSEC_NEVER);
	settle();
	CU_ASSERT(lma_sends_to(0, 1));
	CU_ASSERT_EQUAL(binding(0).home4.addr.s_addr, mine.addr.s_addr);
	/* unknown: waits for the old MAG */
	world_move(&w, 0, 0, 2, HI_UNKNOWN, nsec_from_ms(700));
	settle();
	CU_ASSERT(lma_sends_to(0, 1));
	settle();
	CU_ASSERT(lma_sends_to(0, 2));
	CU_ASSERT_EQUAL(binding(0).home4.addr.s_addr, mine.addr.s_addr);
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), 1);
	end();
}

/* A held request is answered where it came from, though others came from elsewhere since. */
static void test_held_over_ipv4(void)
{
	struct world_cfg cfg = with(53, SIM_DUAL);
	struct home4 mine;

	for (int i = 0; i < SIM_MAGS; i++)
		cfg.mag[i].ip4 = true;
	begin(cfg);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	mine = binding(0).home4;
	world_attach(&w, 0, 1, 1, HI_UNKNOWN);
	settle();
	CU_ASSERT_EQUAL(lma_count_of("held"), 1);
	world_attach(&w, 1, 0, 1, HI_RESERVED);
	settle();
	CU_ASSERT_EQUAL(lma_count(w.lma.lma), 2);
	world_detach(&w, 0, 0, true);
	settle();
	CU_ASSERT_EQUAL(lma_count_of("hold_released"), 1);
	CU_ASSERT(w.mag[1].advert[0][1].on);
	CU_ASSERT_EQUAL(w.mag[1].advert[0][1].home4.addr.s_addr, mine.addr.s_addr);
	end();
}

/* The old MAG's de-registration names the address that the node has at the new one by now. */
static void test_late_deregistration(void)
{
	struct home4 mine;

	begin(with(54, SIM_IPV4));
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	mine = binding(0).home4;
	world_move(&w, 0, 0, 1, HI_BETWEEN_MAGS, nsec_from_ms(300));
	world_run(&w, nsec_from_s(15));
	CU_ASSERT(lma_sends_to(0, 1));
	CU_ASSERT_STRING_EQUAL(binding(0).state, "ACTIVE");
	CU_ASSERT_EQUAL(binding(0).home4.addr.s_addr, mine.addr.s_addr);
	CU_ASSERT_EQUAL(lma_count_of("deregistrations"), 0);
	end();
}

/* A release that is lost: the node has no IPv4 at once, and the LMA hears of it later. */
static void test_release_lost(void)
{
	struct world_cfg cfg = with(55, SIM_DUAL);
	struct home4 mine;

	cfg.lifetime_s = 40;
	begin(cfg);
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	mine = binding(0).home4;
	w.mag[0].cut = true;
	world_release_ipv4(&w, 0, 0);
	settle();
	w.mag[0].cut = false;
	CU_ASSERT(w.mag[0].advert[0][0].on);
	CU_ASSERT_FALSE(home4_is_set(&w.mag[0].advert[0][0].home4));
	CU_ASSERT_PTR_NULL(dp_fake_by_addr4(w.mag[0].dp, DP_ACCESS, mine.domain, mine.addr));
	CU_ASSERT_EQUAL(binding(0).home4.addr.s_addr, mine.addr.s_addr);
	/* asked for again, it is the same one */
	world_ask_ipv4(&w, 0, 0);
	world_run(&w, nsec_from_s(3));
	CU_ASSERT_EQUAL(w.mag[0].advert[0][0].home4.addr.s_addr, mine.addr.s_addr);
	CU_ASSERT_EQUAL(binding(0).n_prefixes, 1);
	world_check_quiet(&w);
	end();
}

static void test_dhcp_relay(void)
{
	struct world_cfg cfg = with(50, SIM_DUAL);

	cfg.dhcp_relay = true;
	begin(cfg);
	watch();
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	CU_ASSERT(w.mag[0].advert[0][0].dhcp_relay);
	CU_ASSERT(home4_is_set(&w.mag[0].advert[0][0].home4));
	end();
}

/* A node with IPv6 alone: nothing of RFC 5844 in its messages. */
static void test_ipv6_only(void)
{
	static const uint8_t types[] = {MHO_IPV4_HOA_REQUEST,	 MHO_IPV4_HOA_REPLY,
					MHO_IPV4_DEFAULT_ROUTER, MHO_IPV4_DHCP_MODE,
					MHO_NAT_DETECTION,	 MHO_GRE_KEY};

	begin(with(51, SIM_IPV6));
	watch();
	world_attach(&w, 0, 0, 0, HI_RESERVED);
	settle();
	for (unsigned i = 0; i < sizeof(types); i++)
		CU_ASSERT_EQUAL(
			mh_opt_count(&seen.pbu, types[i]) + mh_opt_count(&seen.pba, types[i]), 0);
	CU_ASSERT_STRING_EQUAL(binding(0).state, "ACTIVE");
	end();
}

// clang-format off
const struct cu_test flows_ipv4[] = {
	{"V-6 V-8 V-12 V-13 V-20 both families in one binding (RFC 5844 3.1.2.2)", test_dual_stack},
	{"V-1 V-14 V-21 a node with IPv4 alone attaches and roams", test_ipv4_only},
	{"V-5 V-10 handovers keep prefix and IPv4 address", test_handover_keeps_both},
	{"V-25 a refresh names the address it has (RFC 5844 3.2.2)", test_refresh_names_the_address},
	{"V-9 V-11 V-26 V-32 DHCPRELEASE gives the address back, prefixes stay", test_release},
	{"V-32 with nothing left the session ends", test_release_of_all},
	{"V-7 the address of the profile is the node's, wherever it is", test_static_address},
	{"V-6 a used-up pool: status 130, Reply status 128", test_pool_used_up},
	{"V-40 V-43 V-44 handovers between IPv6, IPv4 and UDP transport", test_transports},
	{"V-42 forced UDP that is not accepted: status 129", test_udp_not_accepted},
	{"V-5 without link-layer identifiers the Handoff Indicator decides", test_without_llid},
	{"V-47 a held request is answered to its own port", test_held_over_ipv4},
	{"V-11 a late de-registration of the address is harmless", test_late_deregistration},
	{"V-26 a release that is lost does not bring IPv4 back", test_release_lost},
	{"V-24 the LMA decides between DHCP server and relay", test_dhcp_relay},
	{"a node with IPv6 alone sees nothing of IPv4", test_ipv6_only},
	{0},
};
// clang-format on
