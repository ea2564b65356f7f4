/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5213 5.3.6, 8.2: what a Proxy Binding Acknowledgement holds. */
#include "unit/lma/lma_harness.h"

static size_t unhex(const char *s, uint8_t *out)
{
	size_t n = 0;
	unsigned v;

	for (; s[0] && s[1]; s += 2) {
		CU_ASSERT_EQUAL_FATAL(sscanf(s, "%2x", &v), 1);
		out[n++] = (uint8_t)v;
	}
	return n;
}

static void check_addresses(const struct bed *b, const struct pbu *p)
{
	CU_ASSERT(addr6_eq(&b->last.src, &p->dst));
	CU_ASSERT(addr6_eq(&b->last.dst, &p->src));
	CU_ASSERT_EQUAL(b->pba.ba.flags, MH_BA_P);
	CU_ASSERT_EQUAL(b->pba.ba.seq, p->seq);
}

static void test_golden_accept(void)
{
	static const char pbu_hex[] =
		"3b0d0500b4131234820003840810016d6e31406578616d706c652e636f6d01040000000016120000"
		"00000000000000000000000000000000170200041802000419080000020000000001010200001a10"
		"0000000000000000000000000000000001001b0800006553f100800001020000";
	static const char pba_hex[] =
		"3b0d060056650020123403840810016d6e31406578616d706c652e636f6d01040000000016120040"
		"20010db8010000010000000000000000170200041802000419080000020000000001010200001a10"
		"fe8000000000000002005efffe00521301001b0800006553f100800001020000";
	const struct in6_addr mag = addr("2001:db8:1::1"), lma = addr("2001:db8:2::1");
	uint8_t in[256], want[256];
	const size_t in_len = unhex(pbu_hex, in), want_len = unhex(pba_hex, want);
	struct bed b;
	struct pbu p;

	bed_init(&b);
	b.mags[MAG1].addr = mag;
	b.cfg.fixed_mag_link_local_address_on_all_access_links = addr("fe80::200:5eff:fe00:5213");
	b.wall0 = 1700000000500000000ull - b.now;
	bed_start(&b);
	p = pbu(&b, MAG1); /* takes the pool's first prefix */
	p.mnid = "mn0@example.com";
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_send_raw(&b, &mag, &lma, in, in_len), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.last.len, want_len);
	CU_ASSERT_EQUAL(memcmp(b.last.data, want, want_len), 0);
	bed_down(&b);
}

static void test_golden_160(void)
{
	static const char pba_hex[] = "3b0506005f5fa0201234000008010101030000001612000000000000000"
				      "0000000000000000000001702000018020000";
	uint8_t want[128];
	const size_t want_len = unhex(pba_hex, want);
	struct bed b;
	struct pbu p;

	bed_init(&b);
	b.mags[MAG1].addr = addr("2001:db8:1::1");
	bed_start(&b);
	p = pbu(&b, MAG1);
	p.seq = 0x1234;
	p.mnid = NULL;
	p.n_hnp = 0;
	p.hi = p.att = -1;
	p.has_llid = p.has_timestamp = false;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_MISSING_MN_ID);
	CU_ASSERT_EQUAL(b.last.len, want_len);
	CU_ASSERT_EQUAL(memcmp(b.last.data, want, want_len), 0);
	bed_down(&b);
}

static void test_accepted(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.seq = 0xbeef;
	p.dst = b.cfg.addrs[1];
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	check_addresses(&b, &p);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_MN_ID), 1);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_MN_ID)->mnid.len, 15);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 1);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_HANDOFF_IND)->value, HI_UNKNOWN);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_ATT)->value, ATT_WIFI);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_MN_LLID)->llid.len, 6);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_MN_LLID)->llid.id[5], 1);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_TIMESTAMP)->timestamp, p.timestamp);
	CU_ASSERT_PTR_NULL(mh_opt(&b.pba, MHO_LINK_LOCAL));
	CU_ASSERT_PTR_NULL(mh_opt(&b.pba, MHO_BINDING_REFRESH_ADVICE));
	p = pbu(&b, MAG2); /* what the request has not, the reply has not */
	p.mnid = "mn2@example.com";
	p.has_llid = p.has_timestamp = false;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_PTR_NULL(mh_opt(&b.pba, MHO_MN_LLID));
	CU_ASSERT_PTR_NULL(mh_opt(&b.pba, MHO_TIMESTAMP));
	CU_ASSERT_PTR_NULL(mh_opt(&b.pba, MHO_LINK_LOCAL));
	bed_down(&b);
}

static void test_refused_echo(void)
{
	struct bed b;
	struct pbu p;
	const struct mh_opt *o;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.mnid = "mn1@elsewhere.org";
	p.hi = 99;
	p.att = 0;
	p.n_hnp = 3;
	p.hnp[0] = prefix("2001:db8:999::/48");
	p.hnp[2] = prefix("2001:db8:abc::/64");
	p.has_link_local = true;
	p.link_local = addr("fe80::77");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_LMA_FOR_THIS_MN);
	check_addresses(&b, &p);
	CU_ASSERT_EQUAL(b.pba.ba.lifetime, 0);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 3);
	for (unsigned i = 0; i < 3; i++) {
		o = mh_opt_nth(&b.pba, MHO_HNP, i);
		CU_ASSERT(prefix6_eq(&o->hnp.prefix, &p.hnp[i]));
	}
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_HANDOFF_IND)->value, 99);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_ATT)->value, 0);
	CU_ASSERT(addr6_eq(&mh_opt(&b.pba, MHO_LINK_LOCAL)->addr, &p.link_local));
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_TIMESTAMP)->timestamp, p.timestamp);
	bed_down(&b);
}

/* Bits behind the prefix length and the flags octet come back as they were. */
static void test_refused_echo_octets(void)
{
	struct bed b;
	struct pbu p;
	uint8_t buf[MH_MAX_LEN];
	struct mh_msg m = {
		.type = MH_BU, .bu = {.seq = 1, .flags = MH_BU_P, .lifetime = 10}
	 };
	struct mh_opt *o;
	int len;

	bed_up(&b);
	p = pbu(&b, MAG1);
	o = mh_opt_add(&m, MHO_MN_ID);
	o->mnid = (struct mnid){MNID_NAI, 15, (const uint8_t *)"mn1@example.com"};
	o = mh_opt_add(&m, MHO_TIMESTAMP);
	o->timestamp = p.timestamp;
	o = mh_opt_add(&m, MHO_HNP);
	o->hnp.flags = 0x80;
	o->hnp.prefix = (struct prefix6){.addr = addr("2001:db8:999::dead:beef"), .len = 64};
	len = mh_encode(&m, buf, sizeof(buf), &p.src, &p.dst);
	CU_ASSERT_FATAL(len > 0);
	CU_ASSERT_EQUAL(bed_send_raw(&b, &p.src, &p.dst, buf, (size_t)len),
			PBA_MISSING_HANDOFF_IND);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_HNP)->hnp.flags, 0x80);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_HNP)->hnp.prefix.addr.s6_addr[15], 0xef);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_HANDOFF_IND)->value, 0);
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_ATT)->value, 0);
	bed_down(&b);
}

static void test_refused_no_hnp(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.n_hnp = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_MISSING_HNP);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 1);
	CU_ASSERT(prefix6_is_zero(&mh_opt(&b.pba, MHO_HNP)->hnp.prefix));
	bed_down(&b);
}

static struct in6_addr pba_link_local(const struct bed *b)
{
	const struct mh_opt *o = mh_opt(&b->pba, MHO_LINK_LOCAL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	return o->addr;
}

static void test_link_local(void)
{
	struct in6_addr made, got;
	struct bed b;
	struct bed_pick k;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1); /* ALL_ZERO, no entry: generated and stored */
	p.has_link_local = true;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	made = pba_link_local(&b);
	CU_ASSERT(addr6_is_linklocal(&made));
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT(addr6_eq(&k.b.link_local, &made));
	p = pbu(&b, MAG2); /* ALL_ZERO, an entry: its address */
	p.has_link_local = true;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	got = pba_link_local(&b);
	CU_ASSERT(addr6_eq(&got, &made));
	p = pbu(&b, MAG2); /* absent: the entry keeps it, the reply has none */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_PTR_NULL(mh_opt(&b.pba, MHO_LINK_LOCAL));
	p = pbu(&b, MAG2); /* NON_ZERO: copied and stored */
	p.has_link_local = true;
	p.link_local = addr("fe80::42");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	got = pba_link_local(&b);
	CU_ASSERT(addr6_eq(&got, &p.link_local));
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT(addr6_eq(&k.b.link_local, &p.link_local));
	p = pbu(&b, MAG2); /* and in the reply to a de-registration */
	p.has_link_local = true;
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	got = pba_link_local(&b);
	CU_ASSERT(addr6_eq(&got, &k.b.link_local));
	b.random_next = 0xfe; /* another node gets another one, of no universal scope */
	p = pbu(&b, MAG1);
	p.mnid = "mn2@example.com";
	p.has_link_local = true;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	got = pba_link_local(&b);
	CU_ASSERT_FALSE(addr6_eq(&got, &made));
	CU_ASSERT_EQUAL(got.s6_addr[8], 0xfd);
	p = pbu(&b, MAG1); /* NON_ZERO without an entry */
	p.mnid = "mn3@example.com";
	p.has_link_local = true;
	p.link_local = addr("fe80::43");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(bed_binding(&b, "mn3@example.com", 0, &k));
	CU_ASSERT(addr6_eq(&k.b.link_local, &p.link_local));
	bed_down(&b);
}

static void test_refresh_advice(void)
{
	struct bed b;
	struct prefix6 own;
	struct pbu p;

	bed_init(&b);
	b.cfg.refresh_advice = 1000;
	bed_start(&b);
	p = pbu(&b, MAG1);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	own = bed_hnp(&b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mh_opt(&b.pba, MHO_BINDING_REFRESH_ADVICE));
	CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_BINDING_REFRESH_ADVICE)->refresh_interval, 250);
	pbu_again(&b, &p);
	p.lifetime = 250; /* must be less than the lifetime */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_PTR_NULL(mh_opt(&b.pba, MHO_BINDING_REFRESH_ADVICE));
	pbu_again(&b, &p);
	p.lifetime = 251;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_PTR_NOT_NULL(mh_opt(&b.pba, MHO_BINDING_REFRESH_ADVICE));
	pbu_again(&b, &p);
	p.lifetime = 0;
	p.hnp[0] = own;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_PTR_NULL(mh_opt(&b.pba, MHO_BINDING_REFRESH_ADVICE));
	pbu_again(&b, &p);
	p.att = -1;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_MISSING_ATT);
	CU_ASSERT_PTR_NULL(mh_opt(&b.pba, MHO_BINDING_REFRESH_ADVICE));
	bed_down(&b);
}

static void test_t19(void)
{
	struct bed b;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1); /* 128 itself is a rejection: the HNP is echoed, nothing assigned */
	p.twice = MHO_ATT;
	CU_ASSERT_EQUAL(bed_send(&b, &p), 128);
	CU_ASSERT(prefix6_is_zero(&mh_opt(&b.pba, MHO_HNP)->hnp.prefix));
	CU_ASSERT_EQUAL(b.pba.ba.lifetime, 0);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"L-11 RFC 5213 5.3.6 octet for octet: the accepting reply",	     test_golden_accept},
		{"L-2 RFC 5213 5.3.1 (4) octet for octet: the reply 160",									  test_golden_160},
		{"L-11 RFC 5213 5.3.6 status below 128: addresses, flags, options",test_accepted},
		{"L-11 T-21 RFC 5213 5.3.6 status 128 and above echoes the request",
		 test_refused_echo},
		{"L-11 RFC 5213 5.3.6 the echo keeps flags and bits behind the length",
		 test_refused_echo_octets},
		{"L-11 RFC 5213 5.3.6 no prefix option: one ALL_ZERO in the refusal",
		 test_refused_no_hnp},
		{"L-11 RFC 5213 5.3.6 the Link-local Address option in each case", test_link_local},
		{"RFC 6275 10.3.1 Binding Refresh Advice is less than the lifetime",
		 test_refresh_advice},
		{"T-19 RFC 5213 8.2 128 is a rejection",							 test_t19},
		{0	  },
	};

	return cu_main("lma reply", tests, argc, argv);
}
