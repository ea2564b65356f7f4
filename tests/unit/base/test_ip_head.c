/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers of IP packets, whole, cut and contradicting themselves. */
#include "lib/cu.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/ip_head.h"

static struct in6_addr at(const char *s)
{
	struct in6_addr a = {0};

	CU_ASSERT_EQUAL(addr_parse(s, &a), 0);
	return a;
}

static struct ip_head head(bool v4)
{
	return (struct ip_head){
		.src = at(v4 ? "192.0.2.1" : "2001:db8::1"),
		.dst = at(v4 ? "198.51.100.2" : "2001:db8::2"),
		.len = v4 ? 120 : 140,
		.hlen = v4 ? IP4_HLEN : IP6_HLEN,
		.proto = IPPROTO_UDP,
		.class = 0xb9,
		.hop_limit = 61,
		.v4 = v4,
	};
}

static void check_same(const struct ip_head *a, const struct ip_head *b)
{
	CU_ASSERT(addr6_eq(&a->src, &b->src) && addr6_eq(&a->dst, &b->dst));
	CU_ASSERT_EQUAL(a->len, b->len);
	CU_ASSERT_EQUAL(a->hlen, b->hlen);
	CU_ASSERT_EQUAL(a->proto, b->proto);
	CU_ASSERT_EQUAL(a->class, b->class);
	CU_ASSERT_EQUAL(a->hop_limit, b->hop_limit);
	CU_ASSERT_EQUAL(a->v4, b->v4);
	CU_ASSERT_EQUAL(a->df, b->df);
	CU_ASSERT_EQUAL(a->fragment, b->fragment);
	CU_ASSERT_EQUAL(a->later, b->later);
}

static void test_round_trip(void)
{
	for (int v4 = 0; v4 < 2; v4++) {
		struct ip_head h = head(v4), got;
		uint8_t b[IP6_HLEN];

		h.df = v4;
		CU_ASSERT_EQUAL(ip_head_write(&h, b), h.hlen);
		CU_ASSERT_FATAL(ip_head_read(&got, b, h.hlen));
		check_same(&got, &h);
	}
}

/* RFC 1071: the sum of all words, the checksum included, has all bits set. */
static void test_checksum4(void)
{
	struct ip_head h = head(true);
	uint8_t b[IP4_HLEN];
	uint32_t sum = 0;

	h.class = 0;
	h.hop_limit = 64;
	h.df = true;
	ip_head_write(&h, b);
	CU_ASSERT(b[0] == 0x45 && b[3] == 120 && b[6] == 0x40 && b[8] == 64 && b[9] == 17);
	for (int i = 0; i < IP4_HLEN; i += 2)
		sum += (uint32_t)(b[i] << 8 | b[i + 1]);
	CU_ASSERT_EQUAL((sum & 0xffff) + (sum >> 16), 0xffff);
}

static void test_fragments4(void)
{
	static const struct {
		uint16_t word;
		bool df, fragment, later;
	} rows[] = {
		{0x4000, true,  false, false},
		{0x2000, false, true,  false},
		{0x0001, false, true,  true },
		{0x2001, false, true,  true },
		{0x8000, false, false, false}
	     };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_head h = head(true), got;
		uint8_t b[IP4_HLEN];

		ip_head_write(&h, b);
		b[6] = (uint8_t)(rows[i].word >> 8);
		b[7] = (uint8_t)rows[i].word;
		CU_ASSERT_FATAL(ip_head_read(&got, b, sizeof(b)));
		CU_ASSERT_EQUAL(got.df, rows[i].df);
		CU_ASSERT_EQUAL(got.fragment, rows[i].fragment);
		CU_ASSERT_EQUAL(got.later, rows[i].later);
	}
}

static size_t with_extensions(uint8_t *b, uint16_t fragment)
{
	/* hop-by-hop of 8, destination options of 16, fragment, then UDP */
	static const uint8_t chain[] = {60, 0, 1, 4, 0, 0, 0, 0, 44, 1, 1, 12, 0, 0, 0, 0,
					0,  0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0,  0, 0, 0, 9};
	struct ip_head h = head(false);

	h.proto = IPPROTO_HOPOPTS;
	ip_head_write(&h, b);
	memcpy(b + IP6_HLEN, chain, sizeof(chain));
	b[IP6_HLEN + 26] = (uint8_t)(fragment >> 8);
	b[IP6_HLEN + 27] = (uint8_t)fragment;
	return IP6_HLEN + sizeof(chain);
}

static void test_extensions(void)
{
	uint8_t b[IP6_HLEN + 32];
	size_t n = with_extensions(b, 1);
	struct ip_head got;

	CU_ASSERT_FATAL(ip_head_read(&got, b, n));
	CU_ASSERT_EQUAL(got.proto, IPPROTO_UDP);
	CU_ASSERT_EQUAL(got.hlen, n);
	CU_ASSERT(got.fragment && !got.later);
	with_extensions(b, 8);
	CU_ASSERT_FATAL(ip_head_read(&got, b, n));
	CU_ASSERT(got.fragment && got.later);
	with_extensions(b, 0); /* an atomic fragment, RFC 6946 */
	CU_ASSERT_FATAL(ip_head_read(&got, b, n));
	CU_ASSERT(!got.fragment && !got.later);
}

/* On the heap and not longer than said, so that a read beyond it is found. */
static void test_cut(void)
{
	uint8_t whole[IP6_HLEN + 32];
	size_t n = with_extensions(whole, 1);
	struct ip_head got;

	for (size_t len = 0; len <= n; len++) {
		uint8_t *b = malloc(len ? len : 1);

		memcpy(b, whole, len);
		CU_ASSERT_EQUAL(ip_head_read(&got, b, len), len == n);
		free(b);
	}
	for (size_t len = 0; len <= IP4_HLEN; len++) {
		struct ip_head h = head(true);
		uint8_t *b = malloc(IP4_HLEN);

		ip_head_write(&h, b);
		b = realloc(b, len ? len : 1);
		CU_ASSERT_EQUAL(ip_head_read(&got, b, len), len == IP4_HLEN);
		free(b);
	}
}

static void test_contradictions(void)
{
	struct ip_head h = head(true), got;
	uint8_t b[64] = {0};

	ip_head_write(&h, b);
	b[0] = 0x44; /* shorter than a header */
	CU_ASSERT_FALSE(ip_head_read(&got, b, sizeof(b)));
	b[0] = 0x4f; /* options beyond the packet's end */
	b[3] = 59;
	CU_ASSERT_FALSE(ip_head_read(&got, b, sizeof(b)));
	b[0] = 0x55;
	CU_ASSERT_FALSE(ip_head_read(&got, b, sizeof(b)));
	h = head(false);
	h.len = IP6_HLEN + 4; /* too short for its extension header */
	h.proto = IPPROTO_DSTOPTS;
	ip_head_write(&h, b);
	CU_ASSERT_FALSE(ip_head_read(&got, b, sizeof(b)));
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a header that was written is read again",	    test_round_trip},
		{"the checksum of an IPv4 header holds",							 test_checksum4},
		{"IPv4: DF, first and later fragments are told apart",test_fragments4},
		{"IPv6: extension headers are skipped up to a later fragment", test_extensions},
		{"a header that is not all there is refused",						      test_cut},
		{"lengths that contradict each other are refused",					   test_contradictions},
		{0	  },
	};

	return cu_main("ip_head", tests, argc, argv);
}
