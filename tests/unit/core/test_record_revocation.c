/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/record_revocation.h"
#include "lib/cu.h"

static struct record_revocation owed(void)
{
	struct record_revocation v = {
		.type = RECORD_OWED,
		.port = 40000,
		.tells = true,
		.trigger = BR_OUT_OF_SYNC,
		.at = 0x1011121314151617ull,
		.mnid = {MNID_NAI, 3, (const uint8_t *)"a@b"},
		.n_prefixes = 2,
	};

	addr_parse("198.51.100.1", &v.lmaa);
	addr_parse("192.0.2.11", &v.mag);
	prefix6_parse("2001:db8:100::/64", &v.prefixes[0]);
	prefix6_parse("2001:db8:100:1::/64", &v.prefixes[1]);
	v.home4 = (struct home4){.addr = {htonl(0x0a010007)}, .len = 16, .domain = 9};
	return v;
}

static struct record_revocation global(void)
{
	struct record_revocation v = {
		.type = RECORD_GLOBAL,
		.tells = true,
		.trigger = BR_LOCAL_POLICY,
		.at = 1,
		.mnid = {MNID_NAI, 2, (const uint8_t *)"@b"},
	};

	addr6_parse("2001:db8:2::1", &v.lmaa);
	addr6_parse("2001:db8:11::1", &v.mag);
	return v;
}

static struct record_revocation doom(void)
{
	struct record_revocation v = {
		.type = RECORD_DOOM,
		.at = 2,
		.before = 0x2021222324252627ull,
		.doom = RECORD_DOOM_WITHDRAWN,
	};

	addr6_parse("2001:db8:11::1", &v.mag);
	return v;
}

static void comes_back(const struct record_revocation *v)
{
	uint8_t buf[RECORD_REVOCATION_MAX], again[RECORD_REVOCATION_MAX];
	struct record_revocation b;
	const size_t len = record_revocation_write(v, buf, sizeof(buf));

	CU_ASSERT_FATAL(len > 0);
	CU_ASSERT_EQUAL_FATAL(record_revocation_read(&b, buf, len), 0);
	CU_ASSERT_EQUAL(b.type, v->type);
	CU_ASSERT_EQUAL(b.doom, v->doom);
	CU_ASSERT_EQUAL(b.port, v->port);
	CU_ASSERT_EQUAL(b.tells, v->tells);
	CU_ASSERT_EQUAL(b.trigger, v->trigger);
	CU_ASSERT_EQUAL(b.at, v->at);
	CU_ASSERT_EQUAL(b.before, v->before);
	CU_ASSERT(addr6_eq(&b.lmaa, &v->lmaa));
	CU_ASSERT(addr6_eq(&b.mag, &v->mag));
	CU_ASSERT(mnid_eq(&b.mnid, &v->mnid));
	CU_ASSERT_EQUAL(b.home4.addr.s_addr, v->home4.addr.s_addr);
	CU_ASSERT_EQUAL(b.home4.len, v->home4.len);
	CU_ASSERT_EQUAL(b.home4.domain, v->home4.domain);
	CU_ASSERT_EQUAL_FATAL(b.n_prefixes, v->n_prefixes);
	for (unsigned i = 0; i < b.n_prefixes; i++)
		CU_ASSERT(prefix6_eq(&b.prefixes[i], &v->prefixes[i]));
	CU_ASSERT_EQUAL(record_revocation_write(&b, again, sizeof(again)), len);
	CU_ASSERT_EQUAL(memcmp(again, buf, len), 0);
	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, buf, n);
		CU_ASSERT_EQUAL(record_revocation_read(&b, exact, n), -EBADMSG);
		CU_ASSERT_EQUAL(record_revocation_write(v, exact, n), 0);
		free(exact);
	}
	buf[len < sizeof(buf) ? len : 0] = 0;
	if (len < sizeof(buf))
		CU_ASSERT_EQUAL(record_revocation_read(&b, buf, len + 1), -EBADMSG);
}

static void test_kinds(void)
{
	struct record_revocation v = owed();

	comes_back(&v);
	v.n_prefixes = 0;
	comes_back(&v);
	v.home4 = (struct home4){0};
	v.port = 0;
	comes_back(&v);
	v = global();
	comes_back(&v);
	v.mnid = (struct mnid){0};
	v.trigger = BR_PER_PEER_POLICY;
	comes_back(&v);
	v = doom();
	comes_back(&v);
	v.tells = true;
	comes_back(&v);
	v.trigger = BR_OUT_OF_SYNC;
	v.doom = RECORD_DOOM_ORPHANED;
	comes_back(&v);
	v.mnid = (struct mnid){MNID_NAI, 2, (const uint8_t *)"@b"};
	v.lmaa = v.mag;
	comes_back(&v);
}

static void test_largest(void)
{
	static uint8_t octets[254];
	struct record_revocation v = owed();

	memset(octets, 'x', sizeof(octets));
	v.mnid = (struct mnid){MNID_NAI, 254, octets};
	v.n_prefixes = DP_PREFIXES_MAX;
	for (unsigned i = 0; i < v.n_prefixes; i++) {
		v.prefixes[i] = v.prefixes[0];
		v.prefixes[i].addr.s6_addr[7] = (uint8_t)i;
	}
	comes_back(&v);
}

static void test_unwritable(void)
{
	uint8_t buf[RECORD_REVOCATION_MAX];
	struct record_revocation v;

#define REFUSED(of, change)                                                        \
	do {                                                                       \
		v = of();                                                          \
		change;                                                            \
		CU_ASSERT_EQUAL(record_revocation_write(&v, buf, sizeof(buf)), 0); \
	} while (0)
	REFUSED(owed, v.type = 0);
	REFUSED(owed, v.type = 4);
	REFUSED(owed, v.tells = false);
	REFUSED(owed, v.trigger = 8);
	REFUSED(owed, v.trigger = BR_PER_PEER_POLICY);
	REFUSED(owed, v.doom = RECORD_DOOM_REVOKED);
	REFUSED(owed, v.before = 1);
	REFUSED(owed, v.mnid.len = 0);
	REFUSED(owed, v.mnid.len = 255);
	REFUSED(owed, v.mnid.subtype = 2);
	REFUSED(owed, v.lmaa = in6addr_any);
	REFUSED(owed, v.mag = in6addr_any);
	REFUSED(owed, v.n_prefixes = DP_PREFIXES_MAX + 1);
	REFUSED(owed, v.prefixes[1].addr.s6_addr[15] = 1);
	REFUSED(owed, v.prefixes[1].len = 129);
	REFUSED(owed, v.home4.len = 33);
	REFUSED(owed, v.home4.addr.s_addr = 0);
	REFUSED(global, v.trigger = BR_OUT_OF_SYNC);
	REFUSED(global, v.tells = false);
	REFUSED(global, v.n_prefixes = 1);
	REFUSED(global, v.lmaa = in6addr_any);
	REFUSED(doom, v.doom = 0);
	REFUSED(doom, v.doom = 4);
	REFUSED(doom, v.trigger = 1);
	REFUSED(doom, v.port = 1);
	REFUSED(doom, v.mag = in6addr_any);
#undef REFUSED
}

static void test_version(void)
{
	const struct record_revocation v = owed();
	uint8_t buf[RECORD_REVOCATION_MAX];
	struct record_revocation out = {.port = 4711};
	const size_t len = record_revocation_write(&v, buf, sizeof(buf));

	CU_ASSERT_EQUAL(buf[0], RECORD_REVOCATION_VERSION);
	buf[0]++;
	CU_ASSERT_EQUAL(record_revocation_read(&out, buf, len), -EPROTONOSUPPORT);
	buf[0]--;
	buf[2] |= 2;
	CU_ASSERT_EQUAL(record_revocation_read(&out, buf, len), -EBADMSG);
	CU_ASSERT_EQUAL(out.port, 4711);
}

/* What is on disks does not change its meaning by an edit of the code. */
static void test_golden(void)
{
	static const char golden[] = "01010107"
				     "0002"
				     "9c40"
				     "1011121314151617"
				     "0000000000000000"
				     "00000000000000000000ffffc6336401"
				     "00000000000000000000ffffc000020b"
				     "0a010007100009"
				     "03614062"
				     "4020010db8010000000000000000000000"
				     "4020010db8010000010000000000000000";
	const struct record_revocation v = owed();
	uint8_t buf[RECORD_REVOCATION_MAX];
	char hex[2 * RECORD_REVOCATION_MAX + 1] = "";
	const size_t len = record_revocation_write(&v, buf, sizeof(buf));

	for (size_t i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", buf[i]);
	CU_ASSERT_STRING_EQUAL(hex, golden);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"each kind comes back with every field, and no part of it is taken for one", test_kinds},
		{"the largest one fits", test_largest},
		{"what breaks a rule is not written", test_unwritable},
		{"another version is named as such", test_version},
		{"the layout is the documented one", test_golden},
		{0},
	};
	// clang-format on

	return cu_main("record_revocation", tests, argc, argv);
}
