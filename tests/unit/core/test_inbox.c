/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/inbox.h"

#include <string.h>

#include "lib/cu.h"

struct net {
	unsigned sent, problems, delivered;
	uint32_t problem_at;
	uint8_t last[256];
	size_t last_len;
	struct in6_addr last_dst;
	uint16_t last_port;
};

static int net_send(void *ctx, const struct packet *p)
{
	struct net *n = ctx;

	n->sent++;
	n->last_len = p->len;
	n->last_dst = p->dst;
	n->last_port = p->port;
	memcpy(n->last, p->data, p->len < sizeof(n->last) ? p->len : sizeof(n->last));
	return 0;
}

static void net_problem(void *ctx, const struct packet *about, uint32_t at)
{
	struct net *n = ctx;

	n->problems++;
	n->problem_at = at;
}

static void deliver(void *ctx, const struct packet *pkt, const struct mh_msg *msg, nsec_t now)
{
	((struct net *)ctx)->delivered++;
}

struct bed {
	struct net net;
	struct env env;
	struct inbox in;
	struct in6_addr mag, lma;
	uint16_t port;
	uint8_t buf[512];
	size_t len;
};

static void bed_init(struct bed *b)
{
	memset(b, 0, sizeof(*b));
	b->env = (struct env){.ctx = &b->net, .send = net_send, .param_problem = net_problem};
	inbox_init(&b->in, &b->env, NULL);
	inbox_on(&b->in, MH_BU, deliver, &b->net);
	addr6_parse("2001:db8:1::1", &b->mag);
	addr6_parse("2001:db8:2::1", &b->lma);
}

static void bed_pbu(struct bed *b)
{
	struct mh_msg m = {.type = MH_BU, .bu = {.seq = 1, .flags = MH_BU_A | MH_BU_P, .lifetime = 10}};
	int len = mh_encode(&m, b->buf, sizeof(b->buf), &b->mag, &b->lma);

	CU_ASSERT_FATAL(len > 0);
	b->len = (size_t)len;
}

static void bed_fix_checksum(struct bed *b)
{
	uint16_t sum = mh_checksum(b->buf, b->len, &b->mag, &b->lma);

	b->buf[4] = (uint8_t)(sum >> 8);
	b->buf[5] = (uint8_t)sum;
}

static void bed_receive(struct bed *b, nsec_t now)
{
	const struct packet p = {b->mag, b->lma, b->buf, b->len, b->port};

	inbox_receive(&b->in, &p, now);
}

static uint64_t count(const struct bed *b, enum inbox_counter c)
{
	return b->in.counter[c];
}

static void test_delivery(void)
{
	struct bed b;

	bed_init(&b);
	bed_pbu(&b);
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(b.net.delivered, 1);
	CU_ASSERT_EQUAL(b.net.sent + b.net.problems, 0);
}

static void test_checksum(void)
{
	struct bed b;

	bed_init(&b);
	bed_pbu(&b);
	b.buf[4] ^= 1;
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(count(&b, INBOX_C_BAD_CHECKSUM), 1);
	CU_ASSERT_EQUAL(b.net.delivered + b.net.sent + b.net.problems, 0);
}

static void test_unknown_type(void)
{
	struct bed b;
	struct mh_msg be;

	bed_init(&b);
	bed_pbu(&b);
	b.buf[2] = 200;
	bed_fix_checksum(&b);
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(count(&b, INBOX_C_UNKNOWN_TYPE), 1);
	CU_ASSERT_EQUAL_FATAL(b.net.sent, 1);
	CU_ASSERT(addr6_eq(&b.net.last_dst, &b.mag));
	CU_ASSERT_EQUAL_FATAL(mh_decode(&be, b.net.last, b.net.last_len, &b.lma, &b.mag), MH_OK);
	CU_ASSERT_EQUAL(be.type, MH_BE);
	CU_ASSERT_EQUAL(be.be.status, BE_UNKNOWN_MH_TYPE);

	/* a type with a layout but nobody who takes it is just as unknown here */
	struct mh_msg brr = {.type = MH_BRR};
	b.len = (size_t)mh_encode(&brr, b.buf, sizeof(b.buf), &b.mag, &b.lma);
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(b.net.sent, 2);
}

static void test_binding_error(void)
{
	struct bed b;
	struct mh_msg be = {.type = MH_BE, .be = {.status = BE_UNKNOWN_MH_TYPE}};

	bed_init(&b);
	b.len = (size_t)mh_encode(&be, b.buf, sizeof(b.buf), &b.mag, &b.lma);
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(count(&b, INBOX_C_BE_RECEIVED), 1);
	CU_ASSERT_EQUAL(b.net.sent, 0);
}

static void test_param_problem(void)
{
	struct bed b;

	bed_init(&b);
	bed_pbu(&b);
	b.buf[0] = 58;
	bed_fix_checksum(&b);
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(count(&b, INBOX_C_BAD_PROTO), 1);
	CU_ASSERT_EQUAL(b.net.problems, 1);
	CU_ASSERT_EQUAL(b.net.problem_at, 0);

	bed_pbu(&b);
	b.buf[1] = 0;
	b.len = 8;
	bed_fix_checksum(&b);
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(count(&b, INBOX_C_BAD_HDRLEN), 1);
	CU_ASSERT_EQUAL(b.net.problems, 2);
	CU_ASSERT_EQUAL(b.net.problem_at, 1);
}

static void test_truncated(void)
{
	struct bed b;

	bed_init(&b);
	bed_pbu(&b);
	b.len -= 1;
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(count(&b, INBOX_C_TRUNCATED), 1);
	b.len = 3;
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(count(&b, INBOX_C_TOO_SHORT), 1);
	CU_ASSERT_EQUAL(b.net.sent + b.net.problems + b.net.delivered, 0);
}

static void test_sources(void)
{
	struct bed b;

	bed_init(&b);
	bed_pbu(&b);
	addr6_parse("ff02::1", &b.mag);
	bed_receive(&b, 0);
	addr6_parse("::", &b.mag);
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(count(&b, INBOX_C_BAD_SOURCE), 2);
	CU_ASSERT_EQUAL(b.net.sent + b.net.delivered, 0);
}

/* RFC 5844 4.1 */
static void test_over_ipv4(void)
{
	struct bed b;
	struct mh_msg be;

	bed_init(&b);
	addr_parse("192.0.2.1", &b.mag);
	addr_parse("198.51.100.1", &b.lma);
	b.port = 40000;
	bed_pbu(&b);
	bed_receive(&b, 0);
	b.buf[4] = 0x55; /* ignored */
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(b.net.delivered, 2);
	CU_ASSERT_EQUAL(b.net.sent + b.net.problems, 0);

	b.buf[2] = 200;
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL_FATAL(b.net.sent, 1);
	CU_ASSERT(addr6_eq(&b.net.last_dst, &b.mag));
	CU_ASSERT_EQUAL(b.net.last_port, 40000);
	CU_ASSERT_EQUAL(b.net.last[4] | b.net.last[5], 0);
	CU_ASSERT_EQUAL_FATAL(mh_decode(&be, b.net.last, b.net.last_len, &b.lma, &b.mag), MH_OK);
	CU_ASSERT_EQUAL(be.type, MH_BE);

	bed_pbu(&b);
	b.buf[0] = 58;
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(count(&b, INBOX_C_BAD_PROTO), 1);
	CU_ASSERT_EQUAL(b.net.problems, 0);
	CU_ASSERT_EQUAL(count(&b, INBOX_C_PARAM_PROBLEM), 0);
}

static void test_sources_over_ipv4(void)
{
	static const char *const bad[] = {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255",
					  "169.254.0.1"};
	struct bed b;

	bed_init(&b);
	addr_parse("198.51.100.1", &b.lma);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		addr_parse(bad[i], &b.mag);
		bed_pbu(&b);
		bed_receive(&b, 0);
		CU_ASSERT_EQUAL(count(&b, INBOX_C_BAD_SOURCE), i + 1);
	}
	CU_ASSERT_EQUAL(b.net.sent + b.net.delivered, 0);
	addr_parse("10.0.0.1", &b.mag); /* private addresses are fine */
	bed_pbu(&b);
	bed_receive(&b, 0);
	CU_ASSERT_EQUAL(b.net.delivered, 1);
}

static void test_rate_limit(void)
{
	struct bed b;

	bed_init(&b);
	bed_pbu(&b);
	b.buf[2] = 200;
	bed_fix_checksum(&b);
	for (int i = 0; i < 1000; i++)
		bed_receive(&b, 0);
	CU_ASSERT_EQUAL(b.net.sent, 10);
	CU_ASSERT_EQUAL(count(&b, INBOX_C_REPLY_LIMITED), 990);
	bed_receive(&b, NSEC_PER_SEC);
	CU_ASSERT_EQUAL(b.net.sent, 11);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a good message reaches its handler", test_delivery},
		{"H-1 RFC 6275 9.2 a bad checksum is discarded in silence", test_checksum},
		{"H-2 RFC 6275 9.2 an unknown MH type is answered by Binding Error 2", test_unknown_type},
		{"H-6 RFC 6275 9.3.3 a Binding Error is counted and never answered", test_binding_error},
		{"H-3 H-4 RFC 6275 9.2 Payload Proto and Header Len get Parameter Problems",
		 test_param_problem},
		{"H-4 a Header Len beyond the datagram is discarded", test_truncated},
		{"H-5 H-7 nothing goes to a source that is no unicast address", test_sources},
		{"V-41 V-47 RFC 5844 4.1.3 over IPv4: no checksum, replies to the source port",
		 test_over_ipv4},
		{"over IPv4 a source is a unicast address, private or not", test_sources_over_ipv4},
		{"H-5 error replies are rate-limited", test_rate_limit},
		{0},
	};
	return cu_main("inbox", tests, argc, argv);
}
