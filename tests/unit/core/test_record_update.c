/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "core/record.h"
#include "lib/cu.h"

static struct record_update sample(void)
{
	struct record_update u = {
		.state = RECORD_BOUND,
		.mnid = {1, 15,			(const uint8_t *)"mn1@example.com"},
		.ifname = "acc0",
		.mac = { {2, 0, 0, 0, 0, 1}},
		.n_prefixes = 2,
		.home4 = {		  {htonl(0x0a010007)}, {htonl(0x0a010001)}, 16,		9},
		.returned4 = {	      {htonl(0x0a010008)}, {htonl(0x0a010001)}, 16,		    9},
		.expires = 1700000000123456789ull,
		.timestamp = 0x0000655500001234ull,
		.lifetime_s = 3600,
		.access_mtu = 1500,
		.down_key = 0xdeadbeef,
		.up_key = 17,
		.peer_restarts = 5,
		.seq = 65535,
		.domain = 9,
		.encap = DP_ENCAP_UDP_GRE_KEY,
		.gre = 2,
		.att = 4,
		.reg_att = 5,
		.has_peer_restarts = true,
	};

	prefix6_parse("2001:db8:100::/64", &u.prefixes[0]);
	prefix6_parse("2001:db8:100:1::/64", &u.prefixes[1]);
	addr_parse("192.0.2.11", &u.coa);
	addr_parse("198.51.100.1", &u.lmaa);
	addr6_parse("fe80::1", &u.router);
	addr6_parse("fe80::2", &u.node);
	return u;
}

static void assert_same(const struct record_update *a, const struct record_update *b)
{
	CU_ASSERT_TRUE(mnid_eq(&a->mnid, &b->mnid));
	CU_ASSERT_STRING_EQUAL(a->ifname, b->ifname);
	CU_ASSERT_TRUE(mac_eq(&a->mac, &b->mac));
	CU_ASSERT_EQUAL_FATAL(a->n_prefixes, b->n_prefixes);
	for (unsigned i = 0; i < a->n_prefixes; i++)
		CU_ASSERT_TRUE(prefix6_eq(&a->prefixes[i], &b->prefixes[i]));
	CU_ASSERT_TRUE(home4_eq(&a->home4, &b->home4));
	CU_ASSERT_TRUE(home4_eq(&a->returned4, &b->returned4));
	CU_ASSERT_TRUE(addr6_eq(&a->coa, &b->coa));
	CU_ASSERT_TRUE(addr6_eq(&a->lmaa, &b->lmaa));
	CU_ASSERT_TRUE(addr6_eq(&a->router, &b->router));
	CU_ASSERT_TRUE(addr6_eq(&a->node, &b->node));
#define SAME(field) CU_ASSERT_EQUAL(a->field, b->field)
	SAME(state);
	SAME(expires);
	SAME(timestamp);
	SAME(lifetime_s);
	SAME(access_mtu);
	SAME(down_key);
	SAME(up_key);
	SAME(peer_restarts);
	SAME(seq);
	SAME(domain);
	SAME(encap);
	SAME(gre);
	SAME(att);
	SAME(reg_att);
	SAME(tlv);
	SAME(force_udp);
	SAME(asks6);
	SAME(any_addr4);
	SAME(released4);
	SAME(refused4);
	SAME(refused6);
	SAME(gre_demanded);
	SAME(gre_unwanted);
	SAME(dhcp_relay);
	SAME(has_peer_restarts);
	SAME(revoking);
#undef SAME
}

static void comes_back(const struct record_update *u)
{
	uint8_t buf[RECORD_UPDATE_MAX];
	struct record_update back;
	const size_t len = record_update_write(u, buf, sizeof(buf));

	CU_ASSERT_TRUE_FATAL(len > 0);
	CU_ASSERT_EQUAL_FATAL(record_update_read(&back, buf, len), 0);
	assert_same(u, &back);
}

static void test_whole(void)
{
	struct record_update u = sample();

	comes_back(&u);
	u.state = RECORD_LEAVING;
	u.n_prefixes = 0;
	u.home4 = u.returned4 = (struct home4){0};
	u.router = u.node = in6addr_any;
	u.mac = (struct mac){0};
	u.domain = 0;
	comes_back(&u);
}

/* One flag at a time, so that none stands in for another. */
static void test_flags(void)
{
	static const size_t flags[] = {
		offsetof(struct record_update, tlv),
		offsetof(struct record_update, force_udp),
		offsetof(struct record_update, asks6),
		offsetof(struct record_update, any_addr4),
		offsetof(struct record_update, released4),
		offsetof(struct record_update, refused4),
		offsetof(struct record_update, refused6),
		offsetof(struct record_update, gre_demanded),
		offsetof(struct record_update, gre_unwanted),
		offsetof(struct record_update, dhcp_relay),
		offsetof(struct record_update, revoking),
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct record_update u = sample();

		*((bool *)((char *)&u + flags[i])) = true;
		comes_back(&u);
	}
}

static void test_largest(void)
{
	static uint8_t octets[254];
	struct record_update u = sample();
	uint8_t buf[RECORD_UPDATE_MAX];
	size_t len;

	memset(octets, 'x', sizeof(octets));
	u.mnid = (struct mnid){1, 254, octets};
	strcpy(u.ifname, "123456789012345");
	u.n_prefixes = DP_PREFIXES_MAX;
	for (unsigned i = 0; i < u.n_prefixes; i++) {
		u.prefixes[i] = u.prefixes[0];
		u.prefixes[i].addr.s6_addr[7] = (uint8_t)i;
	}
	comes_back(&u);
	len = record_update_write(&u, buf, sizeof(buf));
	CU_ASSERT_TRUE(record_update_write(&u, buf, len) == len);
	for (size_t cap = 0; cap < len; cap++)
		CU_ASSERT_EQUAL(record_update_write(&u, buf, cap), 0);
}

static void test_unwritable(void)
{
	uint8_t buf[RECORD_UPDATE_MAX];
	struct record_update u;

#define REFUSED(change)                                                        \
	do {                                                                   \
		u = sample();                                                  \
		change;                                                        \
		CU_ASSERT_EQUAL(record_update_write(&u, buf, sizeof(buf)), 0); \
	} while (0)
	REFUSED(u.mnid.len = 0);
	REFUSED(u.mnid.len = 255);
	REFUSED(u.state = 0);
	REFUSED(u.state = 4);
	REFUSED(u.ifname[0] = 0);
	REFUSED(memset(u.ifname, 'x', sizeof(u.ifname)));
	REFUSED(u.ifname[6] = 'x');
	REFUSED(u.mac.b[0] = 1);
	REFUSED(u.encap = DP_ENCAP_MAX);
	REFUSED(u.gre = 3);
	REFUSED(u.n_prefixes = DP_PREFIXES_MAX + 1);
	REFUSED(u.prefixes[0].len = 65);
	REFUSED(u.prefixes[0] = (struct prefix6){0});
	REFUSED(u.prefixes[1].addr.s6_addr[15] = 1);
	REFUSED(u.home4.len = 33);
	REFUSED(u.home4.domain = 8);
	REFUSED(u.returned4.addr.s_addr = 0);
	REFUSED(u.lmaa = in6addr_any);
	REFUSED(addr_parse("2001:db8::1", &u.lmaa));
	REFUSED(addr_parse("2001:db8::1", &u.router));
	REFUSED(addr_parse("2001:db8::1", &u.node));
	REFUSED(u.has_peer_restarts = false);
#undef REFUSED
}

static void test_cut(void)
{
	const struct record_update u = sample();
	uint8_t buf[RECORD_UPDATE_MAX];
	struct record_update out;
	const size_t len = record_update_write(&u, buf, sizeof(buf));

	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, buf, n);
		CU_ASSERT_EQUAL(record_update_read(&out, exact, n), -EBADMSG);
		free(exact);
	}
	buf[len] = 0;
	CU_ASSERT_EQUAL(record_update_read(&out, buf, len + 1), -EBADMSG);
}

/* Whatever octet is changed: refused, or it is what would be written again. */
static void test_changed(void)
{
	const struct record_update u = sample();
	uint8_t buf[RECORD_UPDATE_MAX], again[RECORD_UPDATE_MAX];
	struct record_update out;
	const size_t len = record_update_write(&u, buf, sizeof(buf));
	unsigned refused = 0;

	/* but for the version: an earlier one is written as the present one */
	for (size_t at = 1; at < len; at++) {
		const uint8_t was = buf[at];

		for (unsigned v = 0; v < 256; v++) {
			buf[at] = (uint8_t)v;
			if (record_update_read(&out, buf, len)) {
				refused++;
				continue;
			}
			CU_ASSERT_EQUAL_FATAL(record_update_write(&out, again, sizeof(again)), len);
			CU_ASSERT_EQUAL(memcmp(again, buf, len), 0);
		}
		buf[at] = was;
	}
	CU_ASSERT_TRUE(refused > 2000);
}

static void test_version(void)
{
	const struct record_update u = sample();
	uint8_t buf[RECORD_UPDATE_MAX];
	struct record_update out = {.seq = 4711};
	const size_t len = record_update_write(&u, buf, sizeof(buf));

	CU_ASSERT_EQUAL(buf[0], RECORD_UPDATE_VERSION);
	buf[0]++;
	CU_ASSERT_EQUAL(record_update_read(&out, buf, len), -EPROTONOSUPPORT);
	buf[0] = 0;
	CU_ASSERT_EQUAL(record_update_read(&out, buf, 1), -EPROTONOSUPPORT);
	CU_ASSERT_EQUAL(out.seq, 4711);
}

/* Written by version 2. */
static void test_version_2(void)
{
	struct record_update u = sample(), out;
	uint8_t buf[RECORD_UPDATE_MAX];
	size_t len = record_update_write(&u, buf, sizeof(buf));

	buf[0] = 2;
	CU_ASSERT_EQUAL_FATAL(record_update_read(&out, buf, len), 0);
	assert_same(&u, &out);
	/* it knew nothing of these */
	buf[1] = RECORD_BARRED;
	CU_ASSERT_EQUAL(record_update_read(&out, buf, len), -EBADMSG);
	u.revoking = true;
	len = record_update_write(&u, buf, sizeof(buf));
	buf[0] = 2;
	CU_ASSERT_EQUAL(record_update_read(&out, buf, len), -EBADMSG);
}

/* What is on disks does not change its meaning by an edit of the code. */
static void test_golden(void)
{
	static const char golden[] = "03010604060204050201020009"
				     "0000000e"
				     "1011121314151617"
				     "2831323334353637"
				     "000005dc"
				     "05000000060000000700000"
				     "0"
				     "00000000000000000000ffffc000020b"
				     "00000000000000000000ffffc6336401"
				     "fe800000000000000000000000000001"
				     "fe800000000000000000000000000002"
				     "020000000001"
				     "0a0100070a01000110"
				     "0a0100080a01000110"
				     "0461636330"
				     "010161"
				     "4020010db8010000000000000000000000"
				     "4020010db8010000010000000000000000";
	struct record_update u = sample();
	uint8_t buf[RECORD_UPDATE_MAX];
	char hex[2 * RECORD_UPDATE_MAX + 1] = "";
	size_t len;

	u.mnid = (struct mnid){1, 1, (const uint8_t *)"a"};
	u.seq = 0x0102;
	u.lifetime_s = 14;
	u.expires = 0x1011121314151617ull;
	u.timestamp = 0x2831323334353637ull;
	u.down_key = 0x05000000;
	u.up_key = 0x06000000;
	u.peer_restarts = 0x07000000;
	u.asks6 = u.dhcp_relay = true;
	len = record_update_write(&u, buf, sizeof(buf));
	for (size_t i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", buf[i]);
	CU_ASSERT_STRING_EQUAL(hex, golden);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"an entry comes back with every field",	 test_whole},
		{"each flag is one of its own",						test_flags},
		{"the largest one fits, and not into less",test_largest},
		{"what breaks a rule is not written", test_unwritable},
		{"no part of a record is taken for one",					 test_cut},
		{"a changed octet is refused, or read as it stands",			     test_changed},
		{"what version 2 wrote is read", test_version_2},
		{"another version is named as such",    test_version},
		{"the layout is the documented one",					     test_golden},
		{0	  },
	};

	return cu_main("record_update", tests, argc, argv);
}
