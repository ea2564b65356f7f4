/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the codec refuses to encode, and the accessors. */
#include "lib/cu.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "wire/mh.h"

static uint8_t buf[MH_MAX_LEN];

static int encode(const struct mh_msg *m)
{
	return mh_encode(m, buf, sizeof(buf), NULL, NULL);
}

static void test_refused_types(void)
{
	struct mh_msg m = {0};

	for (unsigned t = 0; t < 256; t++) {
		bool known = t == MH_BRR || t == MH_BU || t == MH_BA || t == MH_BE ||
			     t == MH_HEARTBEAT || t == MH_HI || t == MH_HACK ||
			     t == MH_BINDING_REVOCATION;

		m.type = (uint8_t)t;
		CU_ASSERT_EQUAL(encode(&m) > 0, known);
		if (!known)
			CU_ASSERT_EQUAL(encode(&m), -EINVAL);
	}
}

static void test_refused_options(void)
{
	static const uint8_t octets[255];
	struct mh_msg m = {.type = MH_BU};
	struct mh_opt *o = mh_opt_add(&m, MHO_HNP);

	o->hnp.prefix.len = 128;
	CU_ASSERT_TRUE(encode(&m) > 0);
	o->hnp.prefix.len = 129;
	CU_ASSERT_EQUAL(encode(&m), -EINVAL);

	*o = (struct mh_opt){
		.type = MHO_MN_ID, .mnid = {MNID_NAI, 254, octets}
	  };
	CU_ASSERT_TRUE(encode(&m) > 0);
	o->mnid.len = 255; /* would need a Length of 256 */
	CU_ASSERT_EQUAL(encode(&m), -EINVAL);
	o->mnid = (struct mnid){MNID_NAI, 1, NULL};
	CU_ASSERT_EQUAL(encode(&m), -EINVAL);
	o->mnid = (struct mnid){MNID_NAI, 0, NULL};
	CU_ASSERT_TRUE(encode(&m) > 0);

	*o = (struct mh_opt){
		.type = MHO_MN_LLID, .llid = {253, octets}
	  };
	CU_ASSERT_TRUE(encode(&m) > 0);
	o->llid.len = 254;
	CU_ASSERT_EQUAL(encode(&m), -EINVAL);

	*o = (struct mh_opt){.type = MHO_SERVICE_SELECTION}; /* empty: RFC 5149 3 */
	CU_ASSERT_EQUAL(encode(&m), -EINVAL);
	*o = (struct mh_opt){.type = MHO_VENDOR};
	o->vendor.len = 251;
	o->vendor.data = octets;
	CU_ASSERT_EQUAL(encode(&m), -EINVAL);

	/* padding is the encoder's own business */
	*o = (struct mh_opt){.type = MHO_PAD1};
	CU_ASSERT_EQUAL(encode(&m), -EINVAL);
	o->type = MHO_PADN;
	CU_ASSERT_EQUAL(encode(&m), -EINVAL);

	*o = (struct mh_opt){.type = 200, .len = 3};
	CU_ASSERT_EQUAL(encode(&m), -EINVAL);
	o->raw = (const uint8_t *)"abc";
	CU_ASSERT_EQUAL(encode(&m), 24);
	CU_ASSERT_EQUAL(memcmp(buf + 12,
			       "\xc8\x03"
			       "abc",
			       5),
			0);

	m.n_opts = MH_OPTS_MAX + 1;
	CU_ASSERT_EQUAL(encode(&m), -EINVAL);
}

static struct in_addr addr4(const char *s)
{
	struct in_addr a;

	CU_ASSERT_EQUAL_FATAL(inet_pton(AF_INET, s, &a), 1);
	return a;
}

static void test_refused_ipv4_options(void)
{
	static const uint8_t types[] = {MHO_IPV4_HOA_REQUEST, MHO_IPV4_HOA_REPLY};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct mh_msg m = {.type = MH_BU};
		struct mh_opt *o = mh_opt_add(&m, types[i]);

		o->hoa4.addr = addr4("192.0.2.1");
		for (unsigned len = 0; len < 256; len++) {
			o->hoa4.len = (uint8_t)len;
			CU_ASSERT_EQUAL(encode(&m), len <= 32 ? 24 : -EINVAL);
		}
	}
}

static void test_refused_handover_options(void)
{
	static const uint8_t octets[20] = {22, 0, 25, 0, 19, 5};
	struct mh_msg m = {.type = MH_HI};
	struct mh_opt *o = mh_opt_add(&m, MHO_LMA_ADDRESS);

	o->lma.octets = octets;
	for (unsigned len = 0; len <= 20; len++) {
		o->lma.len = (uint8_t)len;
		CU_ASSERT_EQUAL(encode(&m) > 0, len == 4 || len == 16);
	}
	*o = (struct mh_opt){.type = MHO_CONTEXT_REQUEST};
	CU_ASSERT_TRUE(encode(&m) > 0);
	o->requests.data = octets;
	/* an entry that says more octets than follow */
	for (unsigned len = 0; len <= 11; len++) {
		o->requests.len = (uint8_t)len;
		CU_ASSERT_EQUAL(encode(&m) > 0, len == 0 || len == 2 || len == 4 || len == 11);
	}
}

static void test_context_entries(void)
{
	static const uint8_t octets[] = {22, 0, 19, 5, 0, 0, 0x7a, 0x79, 1};
	const struct mh_opt o =
				    {
					    .requests = {sizeof(octets), octets}
	},
			    none = {0};
	struct mh_context c;
	unsigned at = 0;

	CU_ASSERT_TRUE(mh_context_next(&o, &at, &c));
	CU_ASSERT_TRUE(c.type == 22 && c.len == 0);
	CU_ASSERT_TRUE(mh_context_next(&o, &at, &c));
	CU_ASSERT_TRUE(c.type == 19 && c.len == 5 && c.data == octets + 4);
	CU_ASSERT_FALSE(mh_context_next(&o, &at, &c));
	at = 0;
	CU_ASSERT_FALSE(mh_context_next(&none, &at, &c));
}

static void test_lma_address_by_code(void)
{
	static const uint8_t octets[16] = {0x20, 1, 0xd, 0xb8};
	struct mh_opt o = {
		.lma = {LMA_ADDR_IPV6, 16, octets}
	  };
	struct in6_addr a;

	CU_ASSERT_TRUE(mh_lma_addr(&o, &a));
	CU_ASSERT_EQUAL(memcmp(&a, octets, 16), 0);
	o.lma.code = LMA_ADDR_IPV4;
	CU_ASSERT_FALSE(mh_lma_addr(&o, &a));
	o.lma.len = 4;
	CU_ASSERT_TRUE(mh_lma_addr(&o, &a));
	CU_ASSERT_TRUE(addr_is_ip4(&a));
	CU_ASSERT_EQUAL(memcmp(&a.s6_addr[12], octets, 4), 0);
	o.lma.code = LMA_ADDR_IPV6;
	CU_ASSERT_FALSE(mh_lma_addr(&o, &a));
	o.lma.code = 0;
	CU_ASSERT_FALSE(mh_lma_addr(&o, &a));
}

/* Every prefix length, flag and presence survives, and no reserved bit is sent. */
static void test_bit_fields(void)
{
	struct mh_msg m = {.type = MH_BU}, got;
	struct mh_opt *req = mh_opt_add(&m, MHO_IPV4_HOA_REQUEST);
	struct mh_opt *reply = mh_opt_add(&m, MHO_IPV4_HOA_REPLY);
	struct mh_opt *nat = mh_opt_add(&m, MHO_NAT_DETECTION);
	struct mh_opt *dhcp = mh_opt_add(&m, MHO_IPV4_DHCP_MODE);
	struct mh_opt *gre = mh_opt_add(&m, MHO_GRE_KEY);

	reply->hoa4.status = 0xff;
	nat->nat.refresh_s = gre->gre.key = 0xffffffff;
	for (unsigned i = 0; i < 33 * 8; i++) {
		int n;

		req->hoa4.len = (uint8_t)(i / 8);
		reply->hoa4.len = (uint8_t)(32 - i / 8);
		nat->nat.force = i & 1;
		dhcp->server = i & 2;
		gre->gre.has_key = i & 4;
		n = encode(&m);
		CU_ASSERT_TRUE_FATAL(n > 0);
		CU_ASSERT_EQUAL_FATAL(mh_decode(&got, buf, (size_t)n, NULL, NULL), MH_OK);
		CU_ASSERT_EQUAL_FATAL(got.n_opts, 5);
		CU_ASSERT_EQUAL(got.opt[0].hoa4.len, req->hoa4.len);
		CU_ASSERT_EQUAL(got.opt[1].hoa4.len, reply->hoa4.len);
		CU_ASSERT_EQUAL(got.opt[1].hoa4.status, 0xff);
		CU_ASSERT_EQUAL(got.opt[2].nat.force, nat->nat.force);
		CU_ASSERT_EQUAL(got.opt[2].nat.refresh_s, 0xffffffff);
		CU_ASSERT_EQUAL(got.opt[3].server, dhcp->server);
		CU_ASSERT_EQUAL(got.opt[4].gre.has_key, gre->gre.has_key);
		CU_ASSERT_EQUAL(got.opt[4].gre.key, gre->gre.has_key ? 0xffffffff : 0);
		CU_ASSERT_EQUAL(got.opt[4].len, gre->gre.has_key ? 6 : 2);
		CU_ASSERT_EQUAL((got.opt[0].raw[0] & 3) | got.opt[0].raw[1], 0);
		CU_ASSERT_EQUAL(got.opt[1].raw[1] & 3, 0);
		CU_ASSERT_EQUAL((got.opt[2].raw[0] & 0x7f) | got.opt[2].raw[1], 0);
		CU_ASSERT_EQUAL(got.opt[3].raw[0] | (got.opt[3].raw[1] & 0xfe), 0);
		CU_ASSERT_EQUAL(got.opt[4].raw[0] | got.opt[4].raw[1], 0);
	}
}

static void test_capacity(void)
{
	static const uint8_t octets[250];
	struct mh_msg m = {.type = MH_BU};
	struct mh_opt *o = mh_opt_add(&m, MHO_HANDOFF_IND);

	memset(buf, 0x5a, sizeof(buf));
	CU_ASSERT_EQUAL(mh_encode(&m, buf, 15, NULL, NULL), -EMSGSIZE);
	CU_ASSERT_EQUAL(buf[0], 0x5a); /* untouched on failure */
	CU_ASSERT_EQUAL(mh_encode(&m, buf, 16, NULL, NULL), 16);
	CU_ASSERT_EQUAL(buf[16], 0x5a);

	/* 12 + 8 * 254 = 2044 and 4 of padding; a further option is too much for Header Len */
	m.n_opts = 0;
	for (int i = 0; i < 8; i++) {
		o = mh_opt_add(&m, 200);
		o->raw = octets;
		o->len = 250;
	}
	CU_ASSERT_EQUAL(encode(&m), 2032);
	o = mh_opt_add(&m, 200);
	o->raw = octets;
	o->len = 14;
	CU_ASSERT_EQUAL(encode(&m), 2048);
	CU_ASSERT_EQUAL(buf[1], 255);
	o->len = 30;
	CU_ASSERT_EQUAL(encode(&m), -EMSGSIZE);
}

static void test_known_options_ignore_raw(void)
{
	struct mh_msg m = {.type = MH_BU};
	struct mh_opt *o = mh_opt_add(&m, MHO_ATT);

	o->raw = (const uint8_t *)"zz";
	o->len = 200;
	o->value = 4;
	CU_ASSERT_EQUAL(encode(&m), 16);
	CU_ASSERT_EQUAL(memcmp(buf + 12, "\x18\x02\x00\x04", 4), 0);
}

static void test_checksum_optional(void)
{
	struct in6_addr a =
				{
					.s6_addr = {0x20, 1}
	    },
			b = {.s6_addr = {0x20, 2}};
	struct mh_msg m = {.type = MH_BRR}, got;
	uint16_t sum;

	CU_ASSERT_EQUAL(encode(&m), 8);
	CU_ASSERT_EQUAL(buf[4] | buf[5], 0);
	CU_ASSERT_EQUAL(mh_decode(&got, buf, 8, &a, &b), MH_BAD_CHECKSUM);
	CU_ASSERT_EQUAL(mh_encode(&m, buf, sizeof(buf), &a, &b), 8);
	sum = mh_checksum(buf, 8, &a, &b);
	CU_ASSERT_EQUAL(buf[4] << 8 | buf[5], sum);
	CU_ASSERT_EQUAL(mh_decode(&got, buf, 8, &a, &b), MH_OK);
	CU_ASSERT_EQUAL(mh_decode(&got, buf, 8, &b, &a), MH_OK); /* the sum is symmetric */
	a.s6_addr[15] = 1;
	CU_ASSERT_EQUAL(mh_decode(&got, buf, 8, &a, &b), MH_BAD_CHECKSUM);
}

/* RFC 5844 4.1: zero within UDP over IPv4, whatever arrives there is not looked at. */
static void test_no_checksum_over_ipv4(void)
{
	const struct in6_addr a = addr_from_ip4(addr4("192.0.2.1"));
	const struct in6_addr b = addr_from_ip4(addr4("198.51.100.1"));
	struct mh_msg m = {.type = MH_BU}, got;
	int n = mh_encode(&m, buf, sizeof(buf), &a, &b);

	CU_ASSERT_EQUAL_FATAL(n, 16);
	CU_ASSERT_EQUAL(buf[4] | buf[5], 0);
	CU_ASSERT_EQUAL(mh_decode(&got, buf, 16, &a, &b), MH_OK);
	buf[4] = 0x12;
	CU_ASSERT_EQUAL(mh_decode(&got, buf, 16, &a, &b), MH_OK);
}

static void test_accessors(void)
{
	struct mh_msg m = {.type = MH_BU};

	mh_opt_add(&m, MHO_HNP)->hnp.prefix.len = 1;
	mh_opt_add(&m, MHO_ATT);
	mh_opt_add(&m, MHO_HNP)->hnp.prefix.len = 2;
	CU_ASSERT_EQUAL(mh_opt_count(&m, MHO_HNP), 2);
	CU_ASSERT_EQUAL(mh_opt_count(&m, MHO_TIMESTAMP), 0);
	CU_ASSERT_EQUAL(mh_opt(&m, MHO_HNP)->hnp.prefix.len, 1);
	CU_ASSERT_EQUAL(mh_opt_nth(&m, MHO_HNP, 1)->hnp.prefix.len, 2);
	CU_ASSERT_PTR_NULL(mh_opt_nth(&m, MHO_HNP, 2));
	CU_ASSERT_PTR_NULL(mh_opt(&m, MHO_TIMESTAMP));
	while (m.n_opts < MH_OPTS_MAX)
		CU_ASSERT_PTR_NOT_NULL(mh_opt_add(&m, MHO_HANDOFF_IND));
	CU_ASSERT_PTR_NULL(mh_opt_add(&m, MHO_HANDOFF_IND));
	CU_ASSERT_EQUAL(m.n_opts, MH_OPTS_MAX);
}

static void test_identifiers(void)
{
	struct mnid a = {MNID_NAI, 3, (const uint8_t *)"a@b"}, b = a;
	struct llid l = {2, (const uint8_t *)"\0\0"}, none = {0, NULL};

	CU_ASSERT_TRUE(mnid_eq(&a, &b));
	b.subtype = 2;
	CU_ASSERT_FALSE(mnid_eq(&a, &b));
	b = (struct mnid){MNID_NAI, 3, (const uint8_t *)"A@b"};
	CU_ASSERT_FALSE(mnid_eq(&a, &b)); /* octets, exactly */
	b = (struct mnid){MNID_NAI, 2, a.id};
	CU_ASSERT_FALSE(mnid_eq(&a, &b));
	CU_ASSERT_TRUE(mnid_eq(&(struct mnid){1, 0, NULL}, &(struct mnid){1, 0, a.id}));
	CU_ASSERT_TRUE(llid_is_zero(&l));
	CU_ASSERT_TRUE(llid_is_zero(&none));
	CU_ASSERT_FALSE(llid_is_zero(&(struct llid){2, (const uint8_t *)"\0\1"}));
	CU_ASSERT_FALSE(llid_eq(&l, &none));
	CU_ASSERT_TRUE(llid_eq(&none, &none));
}

static void test_identifiers_as_text(void)
{
	static const struct {
		struct mnid id;
		const char *text;
	} rows[] = {
		{{1, 15, (const uint8_t *)"mn1@example.com"}, "mn1@example.com"},
		{{1, 0, NULL},				""		 },
		{{1, 3, (const uint8_t *)"a\nb"},		  "0x610a62"	    },
		{{1, 3, (const uint8_t *)"a b"},		 "0x612062"	   },
		{{3, 2, (const uint8_t *)"ab"},		"3:0x6162"	  },
	};
	char text[64], small[5];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CU_ASSERT_STRING_EQUAL(mnid_str(&rows[i].id, text, sizeof(text)), rows[i].text);
	CU_ASSERT_STRING_EQUAL(mnid_str(&rows[0].id, small, sizeof(small)), "mn1@");
	CU_ASSERT_STRING_EQUAL(
		llid_str(&(struct llid){3, (const uint8_t *)"\2\0\xff"}, text, sizeof(text)),
		"02:00:ff");
	CU_ASSERT_STRING_EQUAL(llid_str(&(struct llid){0, NULL}, text, sizeof(text)), "");
	CU_ASSERT_STRING_EQUAL(
		llid_str(&(struct llid){3, (const uint8_t *)"\2\0\xff"}, small, sizeof(small)),
		"02:0");
}

static void test_message_names(void)
{
	struct mh_msg m = {.type = MH_BU};

	CU_ASSERT_STRING_EQUAL(mh_msg_name(&m), "BU");
	m.bu.flags = MH_BU_P;
	CU_ASSERT_STRING_EQUAL(mh_msg_name(&m), "PBU");
	m = (struct mh_msg){.type = MH_BA};
	CU_ASSERT_STRING_EQUAL(mh_msg_name(&m), "BA");
	m.ba.flags = MH_BA_P;
	CU_ASSERT_STRING_EQUAL(mh_msg_name(&m), "PBA");
	m.type = 99;
	CU_ASSERT_STRING_EQUAL(mh_msg_name(&m), "Unknown");
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"types without layout are not encoded",			 test_refused_types},
		{"options beyond their bounds are not encoded",								test_refused_options},
		{"capacity and the greatest length are kept",test_capacity},
		{"known options are encoded from their fields alone",
		 test_known_options_ignore_raw},
		{"checksum is filled and checked when addresses are given",							    test_checksum_optional},
		{"over IPv4 the checksum is zero and not looked at",				     test_no_checksum_over_ipv4},
		{"a prefix length beyond 32 is not encoded",    test_refused_ipv4_options},
		{"context requests and LMA addresses of a wrong form are not encoded",
		 test_refused_handover_options},
		{"the entries of a context request are walked",	test_context_entries},
		{"an LMA address is read if its code goes with it",		    test_lma_address_by_code},
		{"bit fields and absent keys survive, reserved bits are zero",							       test_bit_fields},
		{"options are found, counted and added",				 test_accessors},
		{"identifiers are compared exactly",		     test_identifiers},
		{"identifiers as text are safe and cut",							    test_identifiers_as_text},
		{"proxy messages are named by the P flag",		   test_message_names},
		{0},
	};
	return cu_main("codec", tests, argc, argv);
}
