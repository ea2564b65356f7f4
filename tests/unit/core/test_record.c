/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "lib/cu.h"

static const uint8_t llid_octets[] = {2, 0, 0, 0, 0, 1};

static struct record_binding sample(void)
{
	struct record_binding b = {
		.state = RECORD_ACTIVE,
		.mnid = {1, 15, (const uint8_t *)"mn1@example.com"},
		.llid = {6, llid_octets  },
		.n_prefixes = 2,
		.deadline = 1700000000123456789ull,
		.timestamp = 0x0000655500001234ull,
		.node_newest = 0x0000655500001235ull,
		.lifetime_s = 3600,
		.handovers = 7,
		.down_key = 0xdeadbeef,
		.up_key = 17,
		.seq = 65535,
		.port = 40000,
		.encap = DP_ENCAP_UDP_GRE_KEY,
		.att = 4,
		.keyed = true,
		.proxy = true,
	};

	prefix6_parse("2001:db8:100::/64", &b.prefixes[0]);
	prefix6_parse("2001:db8:100:1::/64", &b.prefixes[1]);
	addr_parse("192.0.2.11", &b.proxy_coa);
	addr_parse("198.51.100.1", &b.lmaa);
	addr6_parse("fe80::1", &b.link_local);
	b.home4 = (struct home4){{htonl(0x0a010007)}, {htonl(0x0a010001)}, 16, 9};
	return b;
}

static void assert_same(const struct record_binding *a, const struct record_binding *b)
{
	CU_ASSERT_EQUAL(a->state, b->state);
	CU_ASSERT_TRUE(mnid_eq(&a->mnid, &b->mnid));
	CU_ASSERT_TRUE(llid_eq(&a->llid, &b->llid));
	CU_ASSERT_EQUAL_FATAL(a->n_prefixes, b->n_prefixes);
	for (unsigned i = 0; i < a->n_prefixes; i++)
		CU_ASSERT_TRUE(prefix6_eq(&a->prefixes[i], &b->prefixes[i]));
	CU_ASSERT_TRUE(home4_eq(&a->home4, &b->home4));
	CU_ASSERT_TRUE(addr6_eq(&a->proxy_coa, &b->proxy_coa));
	CU_ASSERT_TRUE(addr6_eq(&a->lmaa, &b->lmaa));
	CU_ASSERT_TRUE(addr6_eq(&a->link_local, &b->link_local));
	CU_ASSERT_EQUAL(a->deadline, b->deadline);
	CU_ASSERT_EQUAL(a->timestamp, b->timestamp);
	CU_ASSERT_EQUAL(a->node_newest, b->node_newest);
	CU_ASSERT_EQUAL(a->lifetime_s, b->lifetime_s);
	CU_ASSERT_EQUAL(a->handovers, b->handovers);
	CU_ASSERT_EQUAL(a->down_key, b->down_key);
	CU_ASSERT_EQUAL(a->up_key, b->up_key);
	CU_ASSERT_EQUAL(a->seq, b->seq);
	CU_ASSERT_EQUAL(a->port, b->port);
	CU_ASSERT_EQUAL(a->encap, b->encap);
	CU_ASSERT_EQUAL(a->att, b->att);
	CU_ASSERT_EQUAL(a->keyed, b->keyed);
	CU_ASSERT_EQUAL(a->proxy, b->proxy);
	CU_ASSERT_EQUAL(a->revokes4, b->revokes4);
	CU_ASSERT_EQUAL(a->trigger, b->trigger);
}

static void comes_back(const struct record_binding *b)
{
	uint8_t buf[RECORD_BINDING_MAX];
	struct record_binding back;
	const size_t len = record_binding_write(b, buf, sizeof(buf));

	CU_ASSERT_TRUE_FATAL(len > 0);
	CU_ASSERT_EQUAL_FATAL(record_binding_read(&back, buf, len), 0);
	assert_same(b, &back);
}

static void test_whole(void)
{
	const struct record_binding b = sample();

	comes_back(&b);
}

static void test_kinds(void)
{
	struct record_binding b = sample();

	b.home4 = (struct home4){0};
	comes_back(&b);
	b = sample();
	b.n_prefixes = 0;
	comes_back(&b);
	b.llid.len = 0;
	b.keyed = b.proxy = false;
	b.state = RECORD_DEREGISTERED;
	comes_back(&b);
	b.state = RECORD_REVOKING;
	comes_back(&b);
	b.trigger = BR_NETWORK_TERMINATION;
	comes_back(&b);
	b = sample();
	b.revokes4 = true;
	comes_back(&b);
	b.trigger = BR_ADMINISTRATIVE;
	comes_back(&b);
}

static void test_largest(void)
{
	static uint8_t octets[254];
	struct record_binding b = sample();
	uint8_t buf[RECORD_BINDING_MAX];
	size_t len;

	memset(octets, 'x', sizeof(octets));
	b.mnid = (struct mnid){1, 254, octets};
	b.llid = (struct llid){253, octets};
	b.n_prefixes = DP_PREFIXES_MAX;
	for (unsigned i = 0; i < b.n_prefixes; i++) {
		b.prefixes[i] = b.prefixes[0];
		b.prefixes[i].addr.s6_addr[7] = (uint8_t)i;
	}
	comes_back(&b);
	len = record_binding_write(&b, buf, sizeof(buf));
	CU_ASSERT_TRUE(record_binding_write(&b, buf, len) == len);
	for (size_t cap = 0; cap < len; cap++)
		CU_ASSERT_EQUAL(record_binding_write(&b, buf, cap), 0);
}

static void test_unwritable(void)
{
	uint8_t buf[RECORD_BINDING_MAX];
	struct record_binding b;

#define REFUSED(change)                                                         \
	do {                                                                    \
		b = sample();                                                   \
		change;                                                         \
		CU_ASSERT_EQUAL(record_binding_write(&b, buf, sizeof(buf)), 0); \
	} while (0)
	REFUSED(b.mnid.len = 0);
	REFUSED(b.mnid.len = 255);
	REFUSED(b.llid.len = 254);
	REFUSED(b.state = 0);
	REFUSED(b.state = 4);
	REFUSED(b.trigger = 1);
	REFUSED((b.state = RECORD_DEREGISTERED, b.trigger = 1));
	REFUSED((b.state = RECORD_REVOKING, b.revokes4 = true));
	REFUSED((b.revokes4 = true, b.home4 = (struct home4){0}));
	REFUSED(b.encap = DP_ENCAP_MAX);
	REFUSED(b.n_prefixes = DP_PREFIXES_MAX + 1);
	REFUSED(b.prefixes[0].len = 129);
	REFUSED(b.prefixes[1].addr.s6_addr[15] = 1);
	REFUSED(b.home4.len = 33);
	REFUSED(b.home4.addr.s_addr = 0);
	REFUSED((b.n_prefixes = 0, b.home4 = (struct home4){0}));
#undef REFUSED
}

static void test_cut(void)
{
	const struct record_binding b = sample();
	uint8_t buf[RECORD_BINDING_MAX];
	struct record_binding out;
	const size_t len = record_binding_write(&b, buf, sizeof(buf));

	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, buf, n);
		CU_ASSERT_EQUAL(record_binding_read(&out, exact, n), -EBADMSG);
		free(exact);
	}
	buf[len] = 0;
	CU_ASSERT_EQUAL(record_binding_read(&out, buf, len + 1), -EBADMSG);
}

static void test_version(void)
{
	const struct record_binding b = sample();
	uint8_t buf[RECORD_BINDING_MAX];
	struct record_binding out = {.seq = 4711};
	const size_t len = record_binding_write(&b, buf, sizeof(buf));

	CU_ASSERT_EQUAL(buf[0], RECORD_BINDING_VERSION);
	buf[0]++;
	CU_ASSERT_EQUAL(record_binding_read(&out, buf, len), -EPROTONOSUPPORT);
	buf[0] = 0;
	CU_ASSERT_EQUAL(record_binding_read(&out, buf, 1), -EPROTONOSUPPORT);
	CU_ASSERT_EQUAL(out.seq, 4711);
}

/* Written by version 1. */
static void test_version_1(void)
{
	const struct record_binding b = sample();
	uint8_t buf[RECORD_BINDING_MAX];
	struct record_binding out = {.seq = 4711};
	size_t len = record_binding_write(&b, buf, sizeof(buf));

	/* version, state and flags, and no trigger behind them */
	memmove(buf + 3, buf + 4, --len - 3);
	buf[0] = 1;
	CU_ASSERT_EQUAL_FATAL(record_binding_read(&out, buf, len), 0);
	assert_same(&b, &out);
	buf[1] = RECORD_DEREGISTERED;
	CU_ASSERT_EQUAL(record_binding_read(&out, buf, len), 0);
	/* it knew nothing of these */
	buf[1] = RECORD_REVOKING;
	CU_ASSERT_EQUAL(record_binding_read(&out, buf, len), -EBADMSG);
	buf[1] = RECORD_ACTIVE;
	buf[2] |= 4;
	CU_ASSERT_EQUAL(record_binding_read(&out, buf, len), -EBADMSG);
}

/* What is on disks does not change its meaning by an edit of the code. */
static void test_golden(void)
{
	static const char golden[] = "020103000604020102030400000"
				     "00e1011121314151617182122232425262728313233343536373"
				     "80000000500000006000000"
				     "00000000000000000000ffffc000020b"
				     "00000000000000000000ffffc6336401"
				     "fe800000000000000000000000000001"
				     "0a0100070a010001100009"
				     "010161"
				     "06020000000001"
				     "4020010db8010000000000000000000000"
				     "4020010db8010000010000000000000000";
	struct record_binding b = sample();
	uint8_t buf[RECORD_BINDING_MAX];
	char hex[2 * RECORD_BINDING_MAX + 1] = "";
	size_t len;

	b.mnid = (struct mnid){1, 1, (const uint8_t *)"a"};
	b.seq = 0x0102;
	b.port = 0x0304;
	b.lifetime_s = 14;
	b.deadline = 0x1011121314151617ull;
	b.timestamp = 0x1821222324252627ull;
	b.node_newest = 0x2831323334353637ull;
	b.handovers = 0x38000000;
	b.down_key = 0x05000000;
	b.up_key = 0x06000000;
	len = record_binding_write(&b, buf, sizeof(buf));
	for (size_t i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", buf[i]);
	CU_ASSERT_STRING_EQUAL(hex, golden);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a binding comes back with every field",	  test_whole},
		{"IPv4 only, IPv6 only, de-registered",						test_kinds},
		{"the largest one fits, and not into less",test_largest},
		{"what breaks a rule is not written", test_unwritable},
		{"no part of a record is taken for one",					 test_cut},
		{"what version 1 wrote is read",				 test_version_1},
		{"another version is named as such",    test_version},
		{"the layout is the documented one",					     test_golden},
		{0 },
	};

	return cu_main("record", tests, argc, argv);
}
