/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is between outer and inner header: every encapsulation, written and read again. */
#include "lib/cu.h"

#include <stdlib.h>
#include <string.h>

#include "core/encap.h"

#define INNER 64

/* Shim and a packet of INNER octets. Returns the length. */
static size_t build(uint8_t *b, enum dp_encap e, bool v4)
{
	size_t n = encap_shim(b, e, v4, 0x01020304, 50000, INNER);

	memset(b + n, 0, INNER);
	b[n] = v4 ? 0x45 : 0x60;
	return n + INNER;
}

static void test_round_trip(void)
{
	for (int e = 0; e < DP_ENCAP_MAX; e++)
		for (int v4 = 0; v4 < 2; v4++) {
			uint8_t b[ENCAP_SHIM_MAX + INNER];
			size_t n = build(b, e, v4);
			struct encap_inside in;

			CU_ASSERT_EQUAL(n, encap_len(e) + INNER);
			CU_ASSERT_FATAL(encap_look(&in, true, encap_proto(e, v4), b, n, n));
			CU_ASSERT_EQUAL(in.encap, e);
			CU_ASSERT_EQUAL(in.v4, v4);
			CU_ASSERT_EQUAL(in.off, encap_len(e));
			CU_ASSERT_EQUAL(in.key, dp_encap_keyed(e) ? 0x01020304 : 0);
			/* of a part of it the length is not known */
			CU_ASSERT(
				encap_look(&in, true, encap_proto(e, v4), b, encap_len(e) + 1, 0));
			/* UDP is for IPv4 alone */
			CU_ASSERT_EQUAL(encap_look(&in, false, encap_proto(e, v4), b, n, n),
					!encap_is_udp(e));
		}
}

/* RFC 2784 2, RFC 2890 2, RFC 5845 7.2, octet by octet. */
static void test_octets(void)
{
	static const uint8_t want[] = {0xc3, 0x50, 0x15, 0x3d,	    0, 20 + INNER, 0, 0,  /* UDP */
				       0,    47,   0,	 8 + INNER,			  /* TLV */
				       0x20, 0,	   0x86, 0xdd,	    1, 2,	   3, 4}; /* GRE */
	uint8_t b[ENCAP_SHIM_MAX];

	CU_ASSERT_EQUAL(encap_shim(b, DP_ENCAP_UDP_GRE_KEY, false, 0x01020304, 50000, INNER),
			sizeof(want));
	CU_ASSERT_EQUAL(memcmp(b, want, sizeof(want)), 0);
	CU_ASSERT_EQUAL(encap_shim(b, DP_ENCAP_UDP_TLV, true, 0, 5437, INNER), 12);
	CU_ASSERT_EQUAL(b[9], 4);
	CU_ASSERT_EQUAL(b[11], INNER);
	CU_ASSERT_EQUAL(encap_proto(DP_ENCAP_IP, false), 41);
	CU_ASSERT_EQUAL(encap_proto(DP_ENCAP_IP, true), 4);
	CU_ASSERT_EQUAL(encap_proto(DP_ENCAP_GRE, true), 47);
	CU_ASSERT_EQUAL(encap_proto(DP_ENCAP_UDP, true), 17);
}

static void test_cut(void)
{
	for (int e = 0; e < DP_ENCAP_MAX; e++) {
		uint8_t whole[ENCAP_SHIM_MAX + INNER];
		struct encap_inside in;

		build(whole, e, false);
		for (size_t n = 0; n <= encap_len(e); n++) {
			uint8_t *b = malloc(n ? n : 1);

			memcpy(b, whole, n);
			CU_ASSERT_FALSE(encap_look(&in, true, encap_proto(e, false), b, n, 0));
			free(b);
		}
	}
}

static bool look(const uint8_t *b, size_t n, enum dp_encap e)
{
	struct encap_inside in;

	return encap_look(&in, true, encap_proto(e, false), b, n, n);
}

static void test_what_was_not_agreed_upon(void)
{
	uint8_t b[ENCAP_SHIM_MAX + INNER];
	size_t n = build(b, DP_ENCAP_GRE, false);

	b[0] = 0x03; /* reserved bits 6 to 12 say nothing, RFC 2784 2.3 */
	b[1] = 0xf8;
	CU_ASSERT(look(b, n, DP_ENCAP_GRE));
	b[1] = 0;
	b[0] = 0x80; /* checksum */
	CU_ASSERT_FALSE(look(b, n, DP_ENCAP_GRE));
	b[0] = 0x10; /* sequence number */
	CU_ASSERT_FALSE(look(b, n, DP_ENCAP_GRE));
	b[0] = 0;
	b[1] = 1; /* version */
	CU_ASSERT_FALSE(look(b, n, DP_ENCAP_GRE));
	n = build(b, DP_ENCAP_GRE, false);
	b[4] = 0x45; /* the inner packet is not what GRE says */
	CU_ASSERT_FALSE(look(b, n, DP_ENCAP_GRE));
	b[2] = 0x65;
	b[3] = 0x58; /* Ethernet */
	CU_ASSERT_FALSE(look(b, n, DP_ENCAP_GRE));
	n = build(b, DP_ENCAP_UDP, false);
	b[3] = 0x3c; /* another port */
	CU_ASSERT_FALSE(look(b, n, DP_ENCAP_UDP));
	n = build(b, DP_ENCAP_UDP, false);
	b[8] = 0x50; /* neither TLV nor IP */
	CU_ASSERT_FALSE(look(b, n, DP_ENCAP_UDP));
	n = build(b, DP_ENCAP_UDP_TLV, false);
	b[9] = 17;
	CU_ASSERT_FALSE(look(b, n, DP_ENCAP_UDP_TLV));
}

static void test_lengths(void)
{
	uint8_t b[ENCAP_SHIM_MAX + INNER];
	size_t n = build(b, DP_ENCAP_UDP_GRE, false);

	CU_ASSERT(look(b, n, DP_ENCAP_UDP));
	b[5]++;
	CU_ASSERT_FALSE(look(b, n, DP_ENCAP_UDP));
	b[5]--;
	b[11]++;
	CU_ASSERT_FALSE(look(b, n, DP_ENCAP_UDP));
	b[11]--;
	CU_ASSERT_FALSE(look(b, n - 1, DP_ENCAP_UDP));
	b[4] = b[5] = 0;
	CU_ASSERT_FALSE(look(b, n, DP_ENCAP_UDP));
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"each encapsulation of each family is read as it was written", test_round_trip},
		{"the headers are those of the RFCs",							     test_octets},
		{"what is cut before the inner packet is refused",test_cut},
		{"GRE options, other ports and other payloads are refused",
		 test_what_was_not_agreed_upon},
		{"lengths of UDP and TLV headers must agree",							      test_lengths},
		{0				},
	};

	return cu_main("encap", tests, argc, argv);
}
