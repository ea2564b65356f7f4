/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5844 3.1.2.1, 3.1.2.6, 4.1: which requests for IPv4 are served, over which transport, and
 * what the replies say. */
#include "unit/lma/lma_harness.h"

#define HOA "10.0.0.2"

static void send_refused(struct bed *b, const struct pbu *p, int status)
{
	const size_t had = lma_count(b->l);
	const uint64_t used = bed_used4(b) + bed_used6(b);

	CU_ASSERT_EQUAL(bed_send(b, p), status);
	CU_ASSERT_EQUAL(lma_count(b->l), had);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->dp), had);
	CU_ASSERT_EQUAL(bed_used4(b) + bed_used6(b), used);
	CU_ASSERT(!bed_has(b, MHO_IPV4_DEFAULT_ROUTER));
	CU_ASSERT(!bed_has(b, MHO_IPV4_DHCP_MODE));
	CU_ASSERT(!bed_has(b, MHO_GRE_KEY));
	CU_ASSERT(!bed_has(b, MHO_NAT_DETECTION));
	CU_ASSERT_EQUAL(mh_opt_count(&b->pba, MHO_IPV4_HOA_REPLY), p->n_hoa4 ? 1 : 0);
}

static void test_v1(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	p = pbu(&b, MAG1);
	p.n_hnp = 0;
	send_refused(&b, &p, PBA_MISSING_HNP);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 1);
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

static void test_v2(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true, .no_ipv6 = true});
	bed_start(&b);
	p = pbu(&b, MAG1);
	pbu_ask4(&p, "0.0.0.0");
	send_refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY);
	bed_hoa4(&b, HOA4_REASON_UNSPECIFIED);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_not_authorized_for_ipv6"), 1);
	p.n_hnp = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

static void test_v2_network(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true});
	b.cfg.n_pools = b.cfg.n_static_prefixes = 0;
	bed_start(&b);
	p = pbu(&b, MAG1);
	send_refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY);
	bed_attach4(&b, MAG1);
	bed_down(&b);
}

static void test_v3(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	bed_add_profile(&b, "mn1@example.com", (struct profile){0});
	bed_start(&b);
	p = pbu(&b, MAG1);
	pbu_ask4(&p, HOA);
	send_refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY);
	CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_NOT_AUTHORIZED).s_addr, ip4(HOA).s_addr);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_not_authorized_for_ipv4"), 1);
	p.n_hoa4 = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

static void test_v3_network(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true});
	b.cfg.n_pools4 = 0;
	bed_start(&b);
	p = pbu(&b, MAG1);
	pbu_ask4(&p, "0.0.0.0");
	send_refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY);
	bed_down(&b);
}

static void test_v4(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	p = pbu(&b, MAG1);
	pbu_ask4(&p, HOA);
	pbu_ask4(&p, "10.0.0.3");
	send_refused(&b, &p, PBA_MULTIPLE_IPV4_HOA_NOT_SUPPORTED);
	CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_REASON_UNSPECIFIED).s_addr, ip4(HOA).s_addr);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_multiple_ipv4_addresses"), 1);
	p.hoa4[1] = p.hoa4[0]; /* the same twice is two all the same */
	send_refused(&b, &p, PBA_MULTIPLE_IPV4_HOA_NOT_SUPPORTED);
	bed_down(&b);
}

/* A request that fails all of them fails them one by one, as each earlier reason goes away. */
static void test_order(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	bed_add_profile(&b, "none@example.com", (struct profile){.no_ipv6 = true});
	bed_add_profile(&b, "six@example.com", (struct profile){0});
	bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true});
	b.cfg.gre = LMA_GRE_REQUIRE;
	bed_start(&b);
	p = pbu(&b, MAG4A);
	p.flags |= MH_BU_F;
	p.mnid = "none@example.com";
	p.hi = p.att = -1;
	p.timestamp -= 65536;
	pbu_ask4(&p, "0.0.0.0");
	pbu_ask4(&p, "0.0.0.0");
	send_refused(&b, &p, PBA_TIMESTAMP_MISMATCH);
	p.timestamp += 65536;
	send_refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY);
	p.mnid = "six@example.com";
	send_refused(&b, &p, PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY);
	p.mnid = "mn1@example.com";
	send_refused(&b, &p, PBA_MULTIPLE_IPV4_HOA_NOT_SUPPORTED);
	p.n_hoa4 = 1;
	send_refused(&b, &p, PBA_MISSING_HANDOFF_IND);
	p.hi = HI_NEW_INTERFACE;
	send_refused(&b, &p, PBA_MISSING_ATT);
	p.att = ATT_WIFI;
	send_refused(&b, &p, PBA_ADMIN_PROHIBITED);
	p.flags = MH_BU_A | MH_BU_P;
	send_refused(&b, &p, PBA_GRE_KEY_REQUIRED);
	pbu_key(&p, 7);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

static void test_v12_echo(void)
{
	static const struct {
		const char *mnid;
		int hi;
		int status;
	} reasons[] = {
		{NULL,	       HI_UNKNOWN, PBA_MISSING_MN_ID	    },
		{"mn1@nowhere.net", HI_UNKNOWN, PBA_NOT_LMA_FOR_THIS_MN},
		{"mn1@example.com", -1,		PBA_MISSING_HANDOFF_IND},
	};
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	for (unsigned i = 0; i < 3; i++) {
		p = pbu(&b, MAG1);
		p.mnid = reasons[i].mnid;
		p.hi = reasons[i].hi;
		p.n_hnp = i % 2;
		pbu_ask4(&p, "10.0.0.77");
		p.hoa4_len = 27;
		send_refused(&b, &p, reasons[i].status);
		CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_REASON_UNSPECIFIED).s_addr,
				ip4("10.0.0.77").s_addr);
		CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_IPV4_HOA_REPLY)->hoa4.len, 27);
		/* V-14 holds for refusals, too */
		CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), p.n_hnp);
	}
	bed_down(&b);
}

static void test_v12_v13(void)
{
	struct bed b;

	bed_init(&b);
	bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true});
	b.pools4[0].prefix = prefix4("172.16.0.0/20");
	b.pools4[0].router = ip4("172.16.15.254");
	bed_start(&b);
	CU_ASSERT_EQUAL(bed_attach_dual(&b, MAG1).s_addr, ip4("172.16.0.1").s_addr);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_IPV4_HOA_REPLY)->hoa4.len, 20);
	CU_ASSERT_EQUAL_FATAL(mh_opt_count(&b.pba, MHO_IPV4_DEFAULT_ROUTER), 1);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_IPV4_DEFAULT_ROUTER)->addr4.s_addr,
			ip4("172.16.15.254").s_addr);
	bed_down(&b);
}

static void test_v12_length(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	p = pbu(&b, MAG1);
	pbu_ask4(&p, "10.0.0.9");
	p.hoa4_len = 32; /* the MAG's idea of the home network is not asked */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_IPV4_HOA_REPLY)->hoa4.len, 24);
	bed_down(&b);
}

static void test_dhcp_mode(void)
{
	struct bed b;

	for (int relay = 0; relay < 2; relay++) {
		bed_init(&b);
		bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true});
		b.cfg.dhcp_relay = relay;
		bed_start(&b);
		bed_attach_dual(&b, MAG1);
		CU_ASSERT_EQUAL_FATAL(mh_opt_count(&b.pba, MHO_IPV4_DHCP_MODE), 1);
		CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_IPV4_DHCP_MODE)->server, !relay);
		bed_down(&b);
	}
}

static void test_transport(void)
{
	struct bed b;
	struct bed_pick pick;
	struct pbu p;

	bed_up4(&b);
	p = pbu(&b, MAG4A);
	p.port = 40123; /* not the well-known one */
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.last.port, 40123);
	CU_ASSERT(addr6_eq(&b.last.src, &b.cfg.addrs[2]));
	CU_ASSERT(addr6_eq(&b.last.dst, &b.mags[MAG4A].addr));
	CU_ASSERT_EQUAL(b.last_buf[4] | b.last_buf[5], 0); /* checksum */
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &pick));
	CU_ASSERT(addr6_eq(&pick.b.proxy_coa, &b.mags[MAG4A].addr));
	CU_ASSERT(addr6_eq(&pick.b.lmaa, &b.cfg.addrs[2]));
	CU_ASSERT_EQUAL(pick.b.encap, DP_ENCAP_IP);
	CU_ASSERT_EQUAL(bed_forwards4(&b, ip4(HOA)), MAG4A);
	CU_ASSERT(bed_forwards(&b, &pick.prefixes[0]) == MAG4A);
	p = pbu(&b, MAG4A); /* refusals go there as well */
	p.port = 40124;
	p.n_hnp = 0;
	send_refused(&b, &p, PBA_MISSING_HNP);
	CU_ASSERT_EQUAL(b.last.port, 40124);
	p = pbu(&b, MAG1); /* over IPv6 there is none */
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.last.port, 0);
	bed_down(&b);
}

static void test_transport_held(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = pbu(&b, MAG4B);
	p.llid[5] = 9;
	p.port = 50001;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	pbu_again(&b, &p);
	p.port = 50002; /* its MAG has restarted meanwhile */
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	bed_wait(&b, 1600);
	CU_ASSERT_EQUAL(b.pba.ba.status, PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.last.port, 50002);
	CU_ASSERT(addr6_eq(&b.last.dst, &b.mags[MAG4B].addr));
	bed_down(&b);
}

static void test_between_transports(void)
{
	static const unsigned way[] = {MAG4A, MAG1, MAG4B, MAG2, MAG4A};
	struct prefix6 hnp;
	struct bed b;

	bed_up4(&b);
	hnp = bed_attach(&b, MAG1);
	for (unsigned i = 0; i < 5; i++) {
		struct pbu p = pbu(&b, way[i]);

		p.hi = HI_BETWEEN_MAGS;
		pbu_ask4(&p, "0.0.0.0");
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
		CU_ASSERT_EQUAL(bed_forwards(&b, &hnp), (int)way[i]);
		CU_ASSERT_EQUAL(bed_forwards4(&b, ip4(HOA)), (int)way[i]);
		CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 1);
	}
	CU_ASSERT_EQUAL(bed_counter(&b, "handovers"), 5);
	bed_down(&b);
}

static void test_v40(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	p = pbu(&b, MAG4A);
	p.has_alt_coa = true;
	p.alt_coa = b.mags[MAG4A].addr; /* it says what the header says */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(bed_at(&b, MAG4A));
	p = pbu(&b, MAG4A);
	p.has_alt_coa = true;
	p.alt_coa = b.mags[MAG4B].addr;
	send_refused(&b, &p, PBA_ADMIN_PROHIBITED);
	p.alt_coa = b.mags[MAG1].addr; /* an IPv6 one in particular */
	send_refused(&b, &p, PBA_ADMIN_PROHIBITED);
	p = pbu(&b, MAG1); /* and none of IPv4 over IPv6 */
	p.has_alt_coa = true;
	p.alt_coa = b.mags[MAG4A].addr;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_bad_coa"), 1);
	CU_ASSERT(bed_at(&b, MAG4A));
	bed_down(&b);
}

static void test_v42(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	p = pbu(&b, MAG4A);
	p.flags |= MH_BU_F;
	pbu_ask4(&p, "0.0.0.0");
	send_refused(&b, &p, PBA_ADMIN_PROHIBITED);
	p = pbu(&b, MAG1); /* F says nothing over IPv6 */
	p.flags |= MH_BU_F;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(!bed_has(&b, MHO_NAT_DETECTION));
	bed_down(&b);
}

/* Permission was taken away while the session lived: it can still be ended. */
static void test_v42_deregistration(void)
{
	struct profiles profiles;
	const char *why = NULL;
	struct bed b;
	struct pbu p;

	bed_init(&b);
	bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true});
	b.cfg.accept_forced_ipv4_udp_encapsulation_request = true;
	bed_start(&b);
	p = pbu(&b, MAG4A);
	p.flags |= MH_BU_F;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	b.cfg.accept_forced_ipv4_udp_encapsulation_request = false;
	b.cfg.gre = LMA_GRE_REQUIRE;
	profiles = profile_table_profiles(b.profiles);
	CU_ASSERT_EQUAL(lma_reload(b.l, &b.cfg, &profiles, &why, b.now), 0);
	pbu_again(&b, &p);
	send_refused(&b, &p, PBA_ADMIN_PROHIBITED);
	pbu_again(&b, &p);
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(!bed_has(&b, MHO_NAT_DETECTION));
	CU_ASSERT(bed_state(&b, "DEREGISTERING"));
	bed_down(&b);
}

static void test_sources(void)
{
	static const char *const bad[] = {"0.0.0.0",	     "127.0.0.1", "224.0.0.1",
					  "255.255.255.255", "0.1.2.3",	  "240.0.0.1"};
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	for (unsigned i = 0; i < 6; i++) {
		p = pbu(&b, MAG4A);
		p.src = addr(bad[i]);
		CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	}
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_bad_source"), 6);
	p = pbu(&b, MAG4A);
	p.src = addr("192.0.2.66");
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_unknown_mag"), 1);
	p = pbu(&b, MAG4A);
	p.dst = addr("192.0.2.2");
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_not_our_address"), 1);
	bed_down(&b);
}

static char logged[256];

static void keep_line(void *ctx, enum log_class cls, const char *line)
{
	snprintf(logged, sizeof(logged), "%s", line);
}

static void test_culprit(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	log_set_level(LOG_C_INFO);
	log_set_sink(keep_line, NULL);
	p = pbu(&b, MAG4A);
	pbu_ask4(&p, "192.168.1.1");
	bed_send(&b, &p);
	CU_ASSERT_PTR_NOT_NULL(strstr(logged, "lma[mn1@example.com] mag4 (192.0.2.11)"));
	CU_ASSERT_PTR_NOT_NULL(strstr(logged, "not ours"));
	log_set_sink(NULL, NULL);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"V-1 RFC 5844 3.1.2.1 neither prefix nor IPv4 home address asked for: 158", test_v1},
		{"V-2 RFC 5844 3.1.2.1 prefixes for a node without IPv6: 172", test_v2},
		{"V-2 RFC 5844 3.1.2.1 prefixes where there is no IPv6 home network: 172", test_v2_network},
		{"V-3 RFC 5844 3.1.2.1 an IPv4 home address for a node without IPv4: 170", test_v3},
		{"V-3 RFC 5844 3.1.2.1 an IPv4 home address where there is no IPv4 home network: 170", test_v3_network},
		{"V-4 RFC 5844 3.1.2.1 more than one IPv4 home address asked for: 173", test_v4},
		{"V-1 to V-4 V-42 K-22 RFC 5213 5.3.1 the checks of IPv4 and GRE have their place in the order", test_order},
		{"V-12 V-14 RFC 5844 3.1.2.6 a refusal repeats address and length, and no prefix not asked for", test_v12_echo},
		{"V-12 V-13 RFC 5844 3.1.2.6 address, length and default router of the home network", test_v12_v13},
		{"V-12 RFC 5844 3.1.2.6 the length is the home network's, not the request's", test_v12_length},
		{"V-24 RFC 5844 3.3.4 the reply says who is the DHCP server", test_dhcp_mode},
		{"V-40 V-41 V-47 RFC 5844 4.1.3 over IPv4, replies go to the port the request came from", test_transport},
		{"V-47 RFC 5844 4.1.3.2 also when the request has waited", test_transport_held},
		{"V-40 RFC 5844 4.1 handovers between IPv6 and IPv4 transport", test_between_transports},
		{"V-40 RFC 5844 4.1.1 over IPv4 no care-of address but the source: 129", test_v40},
		{"V-42 RFC 5844 4.1.3.1 UDP encapsulation without permission: 129", test_v42},
		{"V-42 K-22 RFC 5844 4.1.3.1 but a de-registration needs no tunnel", test_v42_deregistration},
		{"L-1 RFC 5844 4.1 IPv4 sources that are no MAG are ignored and counted", test_sources},
		{"V-7 log lines name the MAG by its IPv4 address", test_culprit},
		{0},
	};
	// clang-format on

	return cu_main("lma IPv4", tests, argc, argv);
}
