/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/util.h"

static struct in6_addr addr(const char *s)
{
	struct in6_addr a = {0};

	CU_ASSERT_EQUAL(addr6_parse(s, &a), 0);
	return a;
}

static struct prefix6 prefix(const char *s)
{
	struct prefix6 p = {.len = 255};

	CU_ASSERT_EQUAL(prefix6_parse(s, &p), 0);
	return p;
}

static void test_addr_text(void)
{
	static const char *const good[] = {"::", "::1", "2001:db8::1", "fe80::200:5eff:fe00:5213",
					   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
	static const char *const bad[] = {"",
					  ":",
					  "1",
					  "2001:db8::1 ",
					  "2001::db8::1",
					  "g::",
					  "fe80::1%eth0",
					  "2001:db8::1/64",
					  "1:2:3:4:5:6:7:8:9"};
	struct in6_addr a, kept;
	char buf[ADDR6_STRLEN];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		a = addr(good[i]);
		CU_ASSERT_STRING_EQUAL(addr6_str(&a, buf), good[i]);
	}
	memset(&kept, 0x5a, sizeof(kept));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(&a, 0x5a, sizeof(a));
		CU_ASSERT_EQUAL(addr6_parse(bad[i], &a), -EINVAL);
		CU_ASSERT_TRUE(addr6_eq(&a, &kept));
	}
}

static void test_addr_round_trip(void)
{
	char buf[ADDR6_STRLEN];

	srandom(1);
	for (int i = 0; i < 20000; i++) {
		struct in6_addr a, b;

		for (int j = 0; j < 16; j++)
			a.s6_addr[j] = random() % 3 ? 0 : (uint8_t)random();
		CU_ASSERT_EQUAL_FATAL(addr6_parse(addr6_str(&a, buf), &b), 0);
		CU_ASSERT_TRUE_FATAL(addr6_eq(&a, &b));
	}
}

static void test_addr_kinds(void)
{
	static const struct {
		const char *text;
		bool zero, linklocal, multicast, routable;
	} rows[] = {
		{"::",	       true,  false, false, false},
		{"::1",		false, false, false, false},
		{"fe80::1",	    false, true,	 false, false},
		{"febf::1",	    false, true,	 false, false},
		{"fec0::1",	    false, false, false, true },
		{"ff02::1",	    false, false, true,	false},
		{"::ffff:192.0.2.1", false, false, false, false},
		{"2001:db8::1",	false, false, false, true },
		{"fd00::1",	    false, false, false, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct in6_addr a = addr(rows[i].text);

		CU_ASSERT_EQUAL(addr6_is_zero(&a), rows[i].zero);
		CU_ASSERT_EQUAL(addr6_is_linklocal(&a), rows[i].linklocal);
		CU_ASSERT_EQUAL(addr6_is_multicast(&a), rows[i].multicast);
		CU_ASSERT_EQUAL(addr6_is_unicast_routable(&a), rows[i].routable);
	}
	CU_ASSERT_TRUE(addr6_cmp(&(struct in6_addr){{{1}}}, &(struct in6_addr){{{2}}}) < 0);
}

static void test_prefix_text(void)
{
	static const char *const good[] = {"::/0", "2001:db8::/32", "2001:db8:100:1::/64",
					   "2001:db8::1/128", "8000::/1"};
	static const char *const bad[] = {"2001:db8::",	     "2001:db8::/",
					  "2001:db8::/129",  "2001:db8::/064",
					  "2001:db8::/-1",   "2001:db8::/64 ",
					  "2001:db8::1/64",  "::1/127",
					  "2001:db8::/1000", "/64",
					  "2001:db8::/6x",   "2001:db8::/64/64"};
	struct prefix6 p;
	char buf[PREFIX6_STRLEN];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		p = prefix(good[i]);
		CU_ASSERT_STRING_EQUAL(prefix6_str(&p, buf), good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		p.len = 77;
		CU_ASSERT_EQUAL(prefix6_parse(bad[i], &p), -EINVAL);
		CU_ASSERT_EQUAL(p.len, 77);
	}
	memset(&p, 0xff, sizeof(p));
	CU_ASSERT_STRING_EQUAL(prefix6_str(&p, buf), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/255");
}

/* Bit by bit, the slow way. */
static bool bits_equal(const struct in6_addr *a, const struct in6_addr *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if ((a->s6_addr[i / 8] ^ b->s6_addr[i / 8]) & (0x80 >> i % 8))
			return false;
	}
	return true;
}

static void test_prefix_match_and_mask(void)
{
	srandom(2);
	for (int i = 0; i < 50000; i++) {
		struct prefix6 p, q;
		unsigned flip = (unsigned)random() % 128;

		for (int j = 0; j < 16; j++)
			p.addr.s6_addr[j] = (uint8_t)random();
		p.len = (uint8_t)(random() % 129);
		q = p;
		q.addr.s6_addr[flip / 8] ^= (uint8_t)(0x80 >> flip % 8);
		CU_ASSERT_EQUAL_FATAL(prefix6_has_addr(&p, &q.addr),
				      bits_equal(&p.addr, &q.addr, p.len));
		prefix6_mask(&q);
		for (unsigned k = q.len; k < 128; k++)
			CU_ASSERT_FALSE_FATAL(q.addr.s6_addr[k / 8] & (0x80 >> k % 8));
		prefix6_mask(&p);
		CU_ASSERT_EQUAL_FATAL(prefix6_eq(&p, &q), flip >= p.len);
	}
}

static void test_prefix_relations(void)
{
	struct prefix6 p44 = prefix("2001:db8:100::/44"), p64 = prefix("2001:db8:100:1::/64");
	struct prefix6 q64 = prefix("2001:db8:110:1::/64"), all = prefix("::/0");

	CU_ASSERT_TRUE(prefix6_contains(&p44, &p64));
	CU_ASSERT_FALSE(prefix6_contains(&p64, &p44));
	CU_ASSERT_FALSE(prefix6_contains(&p44, &q64));
	CU_ASSERT_TRUE(prefix6_contains(&p44, &p44));
	CU_ASSERT_TRUE(prefix6_contains(&all, &p44));
	CU_ASSERT_TRUE(prefix6_cmp(&p44, &p64) < 0);
	CU_ASSERT_EQUAL(prefix6_cmp(&p64, &p64), 0);
	CU_ASSERT_TRUE(prefix6_is_zero(&all));
	CU_ASSERT_TRUE(prefix6_is_zero(&(struct prefix6){.len = 64}));
	CU_ASSERT_FALSE(prefix6_is_zero(&p44));
}

static void test_mac_text(void)
{
	static const char *const bad[] = {"",
					  "02:00:00:00:00",
					  "02:00:00:00:00:01:02",
					  "02:00:00:00:00:1",
					  "02:00-00:00:00:01",
					  "020000000001",
					  "02:00:00:00:00:0g",
					  "02:00:00:00:00:01 "};
	struct mac m = {{9}};
	char buf[MAC_STRLEN];

	CU_ASSERT_EQUAL(mac_parse("02:00:5E:aB:00:ff", &m), 0);
	CU_ASSERT_STRING_EQUAL(mac_str(&m, buf), "02:00:5e:ab:00:ff");
	CU_ASSERT_EQUAL(mac_parse("00-00-5E-00-52-13", &m), 0);
	CU_ASSERT_STRING_EQUAL(mac_str(&m, buf), "00:00:5e:00:52:13");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(mac_parse(bad[i], &m), -EINVAL);
	CU_ASSERT_STRING_EQUAL(mac_str(&m, buf), "00:00:5e:00:52:13");
	CU_ASSERT_FALSE(mac_is_zero(&m));
	CU_ASSERT_TRUE(mac_is_zero(&(struct mac){{0}}));
	CU_ASSERT_FALSE(mac_is_multicast(&m));
	CU_ASSERT_TRUE(mac_is_multicast(&(struct mac){
		{0x33, 0x33}
	    }));
	CU_ASSERT_FALSE(mac_eq(&m, &(struct mac){{0}}));
}

static void test_mac_linklocal(void)
{
	struct in6_addr want, got;
	struct mac m;

	/* RFC 6543 4.1.2: the fixed address of every mobile access gateway */
	CU_ASSERT_EQUAL(mac_parse("00:00:5e:00:52:13", &m), 0);
	got = mac_linklocal(&m);
	want = addr("fe80::200:5eff:fe00:5213");
	CU_ASSERT_TRUE(addr6_eq(&got, &want));
}

static void test_addr_of_either_family(void)
{
	static const char *const routable[] = {"192.0.2.1", "10.0.0.1", "1.0.0.0",
					       "223.255.255.255"};
	static const char *const not_routable[] = {"0.0.0.0",	"0.1.2.3",	   "127.0.0.1",
						   "224.0.0.1", "255.255.255.255", "169.254.1.1"};
	static const char *const bad[] = {"", "192.0.2", "192.0.2.256", "192.0.2.1.1",
					  "192.0.2.1/24"};
	char text[ADDR6_STRLEN];
	struct in6_addr a, kept;

	CU_ASSERT_EQUAL(addr_parse("192.0.2.1", &a), 0);
	CU_ASSERT(addr_is_ip4(&a));
	CU_ASSERT_STRING_EQUAL(addr_str(&a, text), "192.0.2.1");
	CU_ASSERT_STRING_EQUAL(addr6_str(&a, text), "::ffff:192.0.2.1");
	CU_ASSERT_EQUAL(ntohl(addr_to_ip4(&a).s_addr), 0xc0000201);
	kept = addr_from_ip4(addr_to_ip4(&a));
	CU_ASSERT(addr6_eq(&a, &kept));
	CU_ASSERT_EQUAL(addr_parse("2001:db8::1", &a), 0);
	CU_ASSERT_FALSE(addr_is_ip4(&a));
	CU_ASSERT_STRING_EQUAL(addr_str(&a, text), "2001:db8::1");
	kept = a;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(addr_parse(bad[i], &a), -EINVAL);
	CU_ASSERT(addr6_eq(&a, &kept));
	for (size_t i = 0; i < ARRAY_SIZE(routable); i++) {
		CU_ASSERT_EQUAL(addr_parse(routable[i], &a), 0);
		CU_ASSERT_TRUE(addr4_is_unicast_routable(addr_to_ip4(&a)));
	}
	for (size_t i = 0; i < ARRAY_SIZE(not_routable); i++) {
		CU_ASSERT_EQUAL(addr_parse(not_routable[i], &a), 0);
		CU_ASSERT_FALSE(addr4_is_unicast_routable(addr_to_ip4(&a)));
	}
}

static void test_prefix4_text(void)
{
	static const char *const good[] = {"0.0.0.0/0", "192.0.2.0/24", "10.0.0.0/8",
					   "192.0.2.4/30", "255.255.255.255/32"};
	static const char *const bad[] = {"",
					  "192.0.2.0",
					  "192.0.2.0/",
					  "192.0.2.0/33",
					  "192.0.2.1/24",
					  "192.0.2.0/024",
					  "192.0.2/24",
					  "192.0.2.0/24 ",
					  "192.0.2.0/-1",
					  "2001:db8::/32",
					  "255.255.255.255.1/8",
					  "192.0.2.0/4294967296"};
	struct prefix4 p, kept = {.addr = {1}, .len = 2};
	char text[PREFIX4_STRLEN];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		CU_ASSERT_EQUAL(prefix4_parse(good[i], &p), 0);
		CU_ASSERT_STRING_EQUAL(prefix4_str(&p, text), good[i]);
	}
	p = kept;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(prefix4_parse(bad[i], &p), -EINVAL);
	CU_ASSERT(prefix4_eq(&p, &kept));
	p = (struct prefix4){.addr = {0xffffffff}, .len = 32}; /* the longest text */
	CU_ASSERT_STRING_EQUAL(prefix4_str(&p, text), "255.255.255.255/32");
}

static void test_prefix4_match(void)
{
	srandom(4);
	for (unsigned i = 0; i < 20000; i++) {
		struct prefix4 a = {.len = (uint8_t)(random() % 33)};
		struct prefix4 b = {.len = (uint8_t)(random() % 33)};
		const uint32_t x = (uint32_t)random() << 1 ^ (uint32_t)random();
		/* an address that differs from it in one bit only, or not */
		const unsigned bit = (unsigned)random() % 33;
		const uint32_t y = bit < 32 ? x ^ 0x80000000u >> bit : x;
		unsigned common = 0;

		while (common < a.len && (x >> (31 - common) & 1) == (y >> (31 - common) & 1))
			common++;
		a.addr.s_addr = htonl(x) & prefix4_mask(a.len).s_addr;
		b.addr.s_addr = htonl(y) & prefix4_mask(b.len).s_addr;
		CU_ASSERT_EQUAL(prefix4_has_addr(&a, (struct in_addr){htonl(y)}), common == a.len);
		CU_ASSERT_EQUAL(prefix4_overlaps(&a, &b), bit >= a.len || bit >= b.len);
		CU_ASSERT_EQUAL(prefix4_overlaps(&b, &a), bit >= a.len || bit >= b.len);
		CU_ASSERT_EQUAL(prefix4_eq(&a, &b),
				a.len == b.len && a.addr.s_addr == b.addr.s_addr);
	}
	CU_ASSERT_EQUAL(ntohl(prefix4_mask(0).s_addr), 0);
	CU_ASSERT_EQUAL(ntohl(prefix4_mask(1).s_addr), 0x80000000);
	CU_ASSERT_EQUAL(ntohl(prefix4_mask(24).s_addr), 0xffffff00);
	CU_ASSERT_EQUAL(ntohl(prefix4_mask(32).s_addr), 0xffffffff);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"addresses are parsed and printed, bad ones refused", test_addr_text},
		{"random addresses survive print and parse",						     test_addr_round_trip},
		{"IPv4 addresses travel IPv4-mapped",test_addr_of_either_family},
		{"IPv4 prefixes are parsed and printed, host bits refused",		    test_prefix4_text},
		{"IPv4 prefixes match and overlap by their bits",							  test_prefix4_match},
		{"kinds of addresses are told apart",		      test_addr_kinds},
		{"prefixes are parsed and printed, host bits refused",      test_prefix_text},
		{"prefix match and mask equal the bit-by-bit rule",						    test_prefix_match_and_mask},
		{"prefix order and containment",			 test_prefix_relations},
		{"link-layer addresses are parsed and printed", test_mac_text},
		{"link-local address follows from the link-layer address",							   test_mac_linklocal},
		{0},
	};
	return cu_main("addr", tests, argc, argv);
}
