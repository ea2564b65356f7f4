/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5213 5.3.1: admission, its statuses and their order; section 4: which MAG may do what. */
#include "unit/lma/lma_harness.h"

static void send_refused(struct bed *b, const struct pbu *p, int status)
{
	const size_t had = lma_count(b->l);

	CU_ASSERT_EQUAL(bed_send(b, p), status);
	CU_ASSERT_EQUAL(lma_count(b->l), had);
	CU_ASSERT_EQUAL(b->pba.ba.lifetime, 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->dp), had);
}

static void test_l1_unknown_source(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.src = addr("2001:db8:66::1");
	for (unsigned i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_unknown_mag"), 1000);
	CU_ASSERT_EQUAL(b.n_sent, 0);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_SESSION_UP), 0);
	bed_down(&b);
}

static unsigned lines;

static void count_line(void *ctx, enum log_class cls, const char *line)
{
	CU_ASSERT_EQUAL(cls, LOG_C_AUTH);
	if (!lines++)
		CU_ASSERT_PTR_NOT_NULL(strstr(line, "2001:db8:66::"));
}

static void test_l1_rate_limit(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	log_set_level(LOG_C_INFO);
	log_set_sink(count_line, NULL);
	lines = 0;
	p = pbu(&b, MAG1);
	p.src = addr("2001:db8:66::1");
	for (unsigned i = 0; i < 1000; i++) {
		p.src.s6_addr[14] = (uint8_t)(i >> 8); /* a thousand strangers share one limit */
		p.src.s6_addr[15] = (uint8_t)i;
		bed_send(&b, &p);
	}
	CU_ASSERT(lines > 0 && lines <= 10);
	log_set_sink(NULL, NULL);
	bed_down(&b);
}

static void test_l1_not_ours(void)
{
	static const char *const bad[] = {"ff02::1", "fe80::1", "::", "::1"};
	struct bed b;
	struct pbu p;
	uint8_t buf[MH_MAX_LEN];
	int len;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.dst = addr("2001:db8:2::99");
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_not_our_address"), 1);
	for (unsigned i = 0; i < 4; i++) {
		p = pbu(&b, MAG1);
		p.src = addr(bad[i]);
		CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	}
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_bad_source"), 4);
	p = pbu(&b, MAG1);
	p.flags = MH_BU_A | MH_BU_H; /* a host's own Binding Update */
	len = pbu_encode(&p, buf);
	CU_ASSERT_FATAL(len > 0);
	CU_ASSERT_EQUAL(bed_send_raw(&b, &p.src, &p.dst, buf, (size_t)len), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_not_proxy"), 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

static void test_flags_free(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1); /* no A: RFC 6275 10.3.1 wants the reply regardless */
	p.flags = MH_BU_P;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	p = pbu(&b, MAG1);
	p.flags = 0xfff0 & (uint16_t)~MH_BU_B;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.flags, MH_BA_P);
	bed_down(&b);
}

static void test_l2(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.mnid = NULL;
	send_refused(&b, &p, PBA_MISSING_MN_ID);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_missing_mn_id_option"), 1);
	bed_down(&b);
}

static void test_l3_realm(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	b.mags[MAG1].n_realms = 2;
	strcpy(b.mags[MAG1].realms[0], "example.org");
	strcpy(b.mags[MAG1].realms[1], "Example.COM");
	b.mags[MAG2].n_realms = 1;
	strcpy(b.mags[MAG2].realms[0], "example.org");
	bed_start(&b);
	p = pbu(&b, MAG2);
	send_refused(&b, &p, PBA_MAG_NOT_AUTHORIZED);
	p = pbu(&b, MAG2);
	p.mnid = "noreal";
	send_refused(&b, &p, PBA_MAG_NOT_AUTHORIZED);
	p = pbu(&b, MAG2);
	p.mnid = "mn1@evil@example.com.example.org.x";
	send_refused(&b, &p, PBA_MAG_NOT_AUTHORIZED);
	p = pbu(&b, MAG1);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	/* and it cannot take over what another MAG registered */
	p = pbu(&b, MAG2);
	p.hi = HI_BETWEEN_MAGS;
	send_refused(&b, &p, PBA_MAG_NOT_AUTHORIZED);
	CU_ASSERT(bed_at(&b, MAG1));
	bed_down(&b);
}

static void test_l3_prefix(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_init(&b);
	b.mags[MAG2].n_allow = 1;
	b.mags[MAG2].allow[0] = prefix("2001:db8:f00::/48");
	bed_start(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG2); /* named in the request */
	p.hnp[0] = own;
	send_refused(&b, &p, PBA_MAG_NOT_AUTHORIZED);
	p = pbu(&b, MAG2); /* found by the look-up */
	p.hi = HI_BETWEEN_MAGS;
	send_refused(&b, &p, PBA_MAG_NOT_AUTHORIZED);
	p = pbu(&b, MAG2); /* to be allocated */
	p.mnid = "mn2@example.com";
	send_refused(&b, &p, PBA_MAG_NOT_AUTHORIZED);
	p = pbu(&b, MAG3); /* nor through another that may */
	p.has_alt_coa = true;
	p.alt_coa = b.mags[MAG2].addr;
	send_refused(&b, &p, PBA_MAG_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	bed_down(&b);
}

/* In the name of the serving MAG, without a word of the prefix that it may not touch. */
static void test_l3_manipulation(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_init(&b);
	b.mags[MAG2].n_allow = 1;
	b.mags[MAG2].allow[0] = prefix("2001:db8:f00::/48");
	strcpy(b.cfg.services[0], "internet");
	b.cfg.n_services = 1;
	bed_start(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	p.has_alt_coa = true;
	p.alt_coa = b.mags[MAG1].addr;
	p.lifetime = 0;
	send_refused(&b, &p, PBA_MAG_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	p = pbu(&b, MAG2);
	p.service = "no such";
	send_refused(&b, &p, PBA_SERVICE_AUTHORIZATION_FAILED);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	p = pbu(&b, MAG3); /* one that may speaks for the serving MAG */
	p.has_alt_coa = true;
	p.alt_coa = b.mags[MAG1].addr;
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

static void test_alt_coa(void)
{
	struct bed b;
	struct bed_pick k;
	struct prefix6 own;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.has_alt_coa = true;
	p.alt_coa = b.mags[MAG2].addr;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	own = bed_hnp(&b);
	CU_ASSERT(addr6_eq(&b.last.dst, &b.mags[MAG1].addr)); /* the reply goes to the source */
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT(addr6_eq(&k.b.proxy_coa, &b.mags[MAG2].addr));
	CU_ASSERT_STRING_EQUAL(k.b.mag_name, "mag2");
	/* its de-registration must name that address too */
	pbu_again(&b, &p);
	p.hnp[0] = own;
	p.lifetime = 0;
	p.has_alt_coa = false;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	pbu_again(&b, &p);
	p.has_alt_coa = true;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

static void test_alt_coa_refused(void)
{
	struct bed b;
	struct pbu p;

	bed_init(&b);
	b.mags[MAG3].n_realms = 1;
	strcpy(b.mags[MAG3].realms[0], "example.org");
	bed_start(&b);
	p = pbu(&b, MAG1);
	p.has_alt_coa = true;
	p.alt_coa = addr("2001:db8:66::1");
	send_refused(&b, &p, PBA_ADMIN_PROHIBITED);
	pbu_again(&b, &p);
	p.alt_coa = b.mags[MAG3].addr;
	send_refused(&b, &p, PBA_ADMIN_PROHIBITED);
	pbu_again(&b, &p);
	p.alt_coa = addr("ff02::1");
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_bad_coa"), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_administratively_prohibited"), 2);
	bed_down(&b);
}

static void test_l4(void)
{
	struct profile away = {.enabled = true, .prefix_count = 1};
	struct bed b;
	struct pbu p;

	bed_init(&b);
	away.mnid = (struct mnid){MNID_NAI, 16, (const uint8_t *)"away@example.com"};
	away.lmaa = addr("2001:db8:99::1");
	CU_ASSERT_EQUAL_FATAL(profile_table_add(b.profiles, &away), 0);
	bed_start(&b);
	p = pbu(&b, MAG1);
	p.mnid = "mn1@elsewhere.org";
	send_refused(&b, &p, PBA_NOT_LMA_FOR_THIS_MN);
	p = pbu(&b, MAG1); /* known, but anchored by another LMA */
	p.mnid = "away@example.com";
	send_refused(&b, &p, PBA_NOT_LMA_FOR_THIS_MN);
	bed_down(&b);
}

static void test_l5(void)
{
	struct profile off = {.enabled = false, .prefix_count = 1};
	struct bed b;
	struct pbu p;

	bed_init(&b);
	off.mnid = (struct mnid){MNID_NAI, 15, (const uint8_t *)"off@example.com"};
	CU_ASSERT_EQUAL_FATAL(profile_table_add(b.profiles, &off), 0);
	bed_start(&b);
	p = pbu(&b, MAG1);
	p.mnid = "off@example.com";
	send_refused(&b, &p, PBA_PROXY_REG_NOT_ENABLED);
	bed_down(&b);
}

static void test_l7_l8_l9(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.n_hnp = 0;
	send_refused(&b, &p, PBA_MISSING_HNP);
	p = pbu(&b, MAG1);
	p.hi = -1;
	send_refused(&b, &p, PBA_MISSING_HANDOFF_IND);
	p = pbu(&b, MAG1);
	p.att = -1;
	send_refused(&b, &p, PBA_MISSING_ATT);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_missing_prefix_option"), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_missing_handoff_indicator"), 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_missing_access_technology"), 1);
	bed_down(&b);
}

static void test_l12(void)
{
	static const uint8_t types[] = {MHO_MN_ID,     MHO_HANDOFF_IND,	     MHO_ATT,
					MHO_TIMESTAMP, MHO_MN_LLID,	     MHO_LINK_LOCAL,
					MHO_ALT_COA,   MHO_SERVICE_SELECTION};
	struct bed b;
	struct pbu p;

	bed_up(&b);
	for (unsigned i = 0; i < sizeof(types); i++) {
		p = pbu(&b, MAG1);
		p.has_link_local = p.has_alt_coa = true;
		p.alt_coa = p.src;
		p.service = "internet";
		p.twice = types[i];
		send_refused(&b, &p, PBA_REASON_UNSPECIFIED);
		/* the reply itself holds each once */
		CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_MN_ID), 1);
		CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_TIMESTAMP), 1);
	}
	CU_ASSERT_EQUAL(bed_counter(&b, "pba_reason_unspecified"), sizeof(types));
	p.twice = 0;
	pbu_again(&b, &p);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

static void test_service(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_init(&b);
	b.cfg.n_services = 2;
	strcpy(b.cfg.services[0], "ims");
	strcpy(b.cfg.services[1], "internet");
	bed_start(&b);
	p = pbu(&b, MAG1);
	p.service = "voip";
	send_refused(&b, &p, PBA_SERVICE_AUTHORIZATION_FAILED);
	pbu_again(&b, &p);
	p.service = "internet";
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	own = bed_hnp(&b);
	pbu_again(&b, &p); /* a change to one it may not have ends the binding, RFC 5149 4.2 */
	p.hnp[0] = own;
	p.service = "inter";
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_SERVICE_AUTHORIZATION_FAILED);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_PTR_NULL(dp_fake_by_prefix(b.dp, DP_ANCHOR, &own));
	bed_down(&b);
}

static void test_service_default(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.service = "whatever";
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_down(&b);
}

/* Each request fails one check more than the one before; the earliest decides. */
static void test_order(void)
{
	struct profile off = {.enabled = false, .prefix_count = 1};
	struct bed b;
	struct pbu p;

	bed_init(&b);
	off.mnid = (struct mnid){MNID_NAI, 15, (const uint8_t *)"off@example.com"};
	CU_ASSERT_EQUAL_FATAL(profile_table_add(b.profiles, &off), 0);
	b.mags[MAG1].n_realms = 2;
	strcpy(b.mags[MAG1].realms[0], "example.com");
	strcpy(b.mags[MAG1].realms[1], "elsewhere.org");
	b.cfg.n_services = 1;
	strcpy(b.cfg.services[0], "ims");
	bed_start(&b);
	p = pbu(&b, MAG1);
	p.service = "voip";
	send_refused(&b, &p, PBA_SERVICE_AUTHORIZATION_FAILED);
	p.att = -1;
	send_refused(&b, &p, PBA_MISSING_ATT);
	p.hi = -1;
	send_refused(&b, &p, PBA_MISSING_HANDOFF_IND);
	p.n_hnp = 0;
	send_refused(&b, &p, PBA_MISSING_HNP);
	p.timestamp -= 65536;
	send_refused(&b, &p, PBA_TIMESTAMP_MISMATCH);
	p.mnid = "off@example.com";
	send_refused(&b, &p, PBA_PROXY_REG_NOT_ENABLED);
	p.mnid = "x@elsewhere.org";
	send_refused(&b, &p, PBA_NOT_LMA_FOR_THIS_MN);
	p.has_alt_coa = true;
	p.alt_coa = addr("2001:db8:66::1");
	send_refused(&b, &p, PBA_ADMIN_PROHIBITED);
	p.mnid = "x@third.net";
	send_refused(&b, &p, PBA_MAG_NOT_AUTHORIZED);
	p.mnid = NULL;
	send_refused(&b, &p, PBA_MISSING_MN_ID);
	p.twice = MHO_ALT_COA;
	send_refused(&b, &p, PBA_REASON_UNSPECIFIED);
	bed_down(&b);
}

static void test_checks_cite(void)
{
	unsigned n = 0;

	for (const struct lma_check_info *c; (c = lma_admit_check(n)); n++) {
		CU_ASSERT(c->status >= 128);
		CU_ASSERT_EQUAL(strncmp(c->clause, "RFC ", 4), 0);
		CU_ASSERT(c->why[0] != '\0');
		CU_ASSERT_STRING_NOT_EQUAL(pba_status_name(c->status), "Unknown");
	}
	CU_ASSERT_EQUAL(n, 20);
}

static void mag_sums(void *ctx, const struct lma_mag_info *i)
{
	uint64_t *sum = ctx;

	if (!strcmp(i->name, "mag1")) {
		sum[0] = i->pbu_received;
		sum[1] = i->pbu_rejected;
		sum[2] = i->bindings;
	}
}

static void test_mag_counters(void)
{
	uint64_t sum[3] = {0};
	struct bed b;
	struct pbu p;

	bed_up(&b);
	bed_attach(&b, MAG1);
	p = pbu(&b, MAG1);
	p.n_hnp = 0;
	bed_send(&b, &p);
	lma_walk_mags(b.l, mag_sums, sum);
	CU_ASSERT_EQUAL(sum[0], 2);
	CU_ASSERT_EQUAL(sum[1], 1);
	CU_ASSERT_EQUAL(sum[2], 1);
	p = pbu(&b, MAG2);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	lma_walk_mags(b.l, mag_sums, sum);
	CU_ASSERT_EQUAL(sum[2], 0);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_REFUSED), 1);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"L-1 RFC 5213 5.3.1 (1) a flood from no configured MAG is ignored and counted",
		 test_l1_unknown_source},
		{"L-1 RFC 5213 5.3.1 (1) strangers share one limit of log lines",
		 test_l1_rate_limit},
		{"L-1 RFC 6275 9.5.4 wrong destination, source or P flag is ignored and counted",
		 test_l1_not_ours},
		{"RFC 6275 10.3.1 every PBU is answered, whatever its flags", test_flags_free},
		{"L-2 RFC 5213 5.3.1 (4) no MN-ID is refused 160",									       test_l2},
		{"L-3 RFC 5213 5.3.1 (6) a MAG outside the node's realm is refused 154",
		 test_l3_realm},
		{"L-3 RFC 5213 4 a MAG gets no prefix outside its list: 154",				      test_l3_prefix},
		{"L-3 RFC 5213 4 nor ends it a binding of a prefix outside its list: 154",
		 test_l3_manipulation},
		{"L-10 RFC 5213 5.3.1 (13) the Alternate Care-of Address is the Proxy-CoA",
		 test_alt_coa},
		{"L-3 RFC 5213 4 an Alternate Care-of Address of no MAG is refused 129",
		 test_alt_coa_refused},
		{"L-4 RFC 5213 5.3.1 (7) an unknown node is refused 153",			  test_l4},
		{"L-5 RFC 5213 5.3.1 (8) a disabled node is refused 152",									       test_l5},
		{"L-7 L-8 L-9 RFC 5213 5.3.1 (10-12) missing options: 158, 161, 162",
		 test_l7_l8_l9},
		{"L-12 RFC 5213 8.1 an option that may stand once stands twice: 128",	      test_l12},
		{"RFC 5149 4.2 an unknown service is refused 151 and ends the binding",
		 test_service},
		{"RFC 5149 4.2 without configured services any is the default service",
		 test_service_default},
		{"L-2 to L-9 RFC 5213 5.3 the checks come in the mandated order",			  test_order},
		{"RFC 5213 5.3.1 every check has a status and cites its clause",										 test_checks_cite},
		{"each MAG has its own counters",								   test_mag_counters},
		{0		  },
	};

	return cu_main("lma admission", tests, argc, argv);
}
