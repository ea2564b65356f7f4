/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The octets of DHCPv4: what is taken, what is refused and under which name, what is made. */
#include "lib/cu.h"

#include <stdlib.h>

#include "access/dhcp4.h"
#include "base/util.h"
#include "unit/access/dhcp4_frames.h"
#include "unit/access/frames.h"

/* Ether(src=N,dst="ff:ff:ff:ff:ff:ff")/IP(src="0.0.0.0",dst="255.255.255.255",id=1)/
 *   UDP(sport=68,dport=67)/BOOTP(op=1,xid=0x11223344,chaddr=bytes.fromhex("020000000001"))/
 *   DHCP(options=[("message-type","discover"),("client_id",b"\x01\x02\0\0\0\0\1"),
 *   ("param_req_list",[1,3]),("max_dhcp_size",576),"end"]); 202 zero octets of it as %s */
#define DISCOVER_HEAD                                                                          \
	"ffffffffffff02000000000108004500012100010000401179cc00000000ffffffff00440043010d4777" \
	"0101060011223344000000000000000000000000000000000000000002000000000100000000000000000000"
#define DISCOVER_TAIL "638253633501013d07010200000000013702010339020240ff"

static size_t scapy_discover(uint8_t *f)
{
	const size_t head = frame_from_hex(DISCOVER_HEAD, f, FRAME_CAP);

	memset(f + head, 0, MSG_AT + 236 - head);
	return MSG_AT + 236 + frame_from_hex(DISCOVER_TAIL, f + MSG_AT + 236, 64);
}

static enum dhcp4_verdict parse(struct dhcp4_request *q, const uint8_t *f, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1); /* an overrun shows */
	enum dhcp4_verdict v;

	memcpy(exact, f, len);
	v = dhcp4_parse_request(q, exact, len, false);
	free(exact);
	return v;
}

static enum dhcp4_verdict parse_client(struct dhcp4_request *q, const struct client *c)
{
	uint8_t f[FRAME_CAP];

	return parse(q, f, client_frame(c, f));
}

static void test_takes_a_message(void)
{
	struct dhcp4_request q;
	uint8_t f[FRAME_CAP];
	const size_t len = scapy_discover(f);

	CU_ASSERT(dhcp4_is_request(f, len));
	CU_ASSERT_EQUAL_FATAL(dhcp4_parse_request(&q, f, len, false), DHCP4_OK);
	CU_ASSERT_EQUAL(q.m.type, DHCP4_DISCOVER);
	CU_ASSERT_EQUAL(q.m.head.xid, 0x11223344);
	CU_ASSERT_EQUAL(q.m.head.chaddr.b[5], 1);
	CU_ASSERT_EQUAL(q.m.client_id.len, 7);
	CU_ASSERT_EQUAL(q.m.client_id.b[0], 1);
	CU_ASSERT_EQUAL(q.m.parameters.len, 2);
	CU_ASSERT_EQUAL(q.m.parameters.b[1], 3);
	CU_ASSERT_EQUAL(q.m.max_size, 576);
	CU_ASSERT_EQUAL(q.src.s_addr, 0);
	CU_ASSERT_EQUAL(q.dst.s_addr, INADDR_BROADCAST);
	CU_ASSERT_PTR_EQUAL(q.msg, f + MSG_AT);
	CU_ASSERT_EQUAL(q.len, len - MSG_AT);
	/* Ethernet padding is no part of it */
	CU_ASSERT_EQUAL(dhcp4_parse_request(&q, f, len + 30, false), DHCP4_OK);
	CU_ASSERT_EQUAL(q.len, len - MSG_AT);
}

/* A frame cut anywhere, and one whose headers are made to fit the cut. */
static void test_truncated_everywhere(void)
{
	static const uint8_t more[] = {55, 3, 1, 3, 6, 57, 2, 5, 220, 80, 0};
	const struct client c = {3,
				 7,
				 .requested = "10.1.0.7",
				 .server_id = "10.1.0.1",
				 .client_id = "ab",
				 .more = more,
				 .more_len = sizeof(more)};
	struct dhcp4_request q;
	uint8_t f[FRAME_CAP];
	const size_t len = client_frame(&c, f);

	CU_ASSERT_EQUAL(parse(&q, f, len), DHCP4_OK);
	for (size_t n = 0; n < len; n++)
		CU_ASSERT_EQUAL(parse(&q, f, n), DHCP4_BAD_HEADER);
	for (size_t n = 0; n < len - MSG_AT; n++) {
		enum dhcp4_verdict v;

		frame_finish(f, n);
		v = parse(&q, f, MSG_AT + n);
		if (n < 240)
			CU_ASSERT_EQUAL(v, DHCP4_TRUNCATED)
		else
			CU_ASSERT(v == DHCP4_OPTION_OVERRUN || v == DHCP4_NO_END);
	}
}

static void test_headers(void)
{
	const struct client c = {1, 7};
	struct dhcp4_request q;
	uint8_t f[FRAME_CAP], g[FRAME_CAP];
	size_t len = client_frame(&c, f);

#define REFUSED(at, value, verdict)                                  \
	do {                                                         \
		memcpy(g, f, len);                                   \
		g[at] = (value);                                     \
		CU_ASSERT_EQUAL(parse(&q, g, len), DHCP4_##verdict); \
	} while (0)
	REFUSED(24, f[24] ^ 1, BAD_IP_CHECKSUM);
	REFUSED(22, 63, BAD_IP_CHECKSUM);
	REFUSED(40, f[40] ^ 1, BAD_CHECKSUM);
	REFUSED(60, 1, BAD_CHECKSUM);
	REFUSED(14, 0x65, BAD_HEADER); /* version 6 */
	REFUSED(14, 0x44, BAD_HEADER); /* 16 octets of header */
	REFUSED(14, 0x4f, BAD_HEADER); /* UDP elsewhere: not port 67 */
	REFUSED(17, f[17] - 1, BAD_IP_CHECKSUM);
	REFUSED(39, f[39] - 1, BAD_HEADER);
	REFUSED(39, f[39] + 1, BAD_HEADER);
	REFUSED(17, f[17] + 1, BAD_HEADER);
	REFUSED(37, 68, BAD_HEADER);
	REFUSED(23, 6, BAD_HEADER);
	REFUSED(12, 0x86, BAD_HEADER);
	REFUSED(6, 3, BAD_ETHER);
#undef REFUSED
	/* the checksum says nothing when it is not there yet, and when there is none */
	f[40] ^= 1;
	CU_ASSERT_EQUAL(dhcp4_parse_request(&q, f, len, true), DHCP4_OK);
	f[40] = f[41] = 0;
	CU_ASSERT_EQUAL(parse(&q, f, len), DHCP4_OK);
	/* fragments: the first, and one in the middle, which is not even seen */
	f[20] = 0x20;
	len = frame_finish(f, len - MSG_AT);
	CU_ASSERT_EQUAL(parse(&q, f, len), DHCP4_FRAGMENT);
	f[20] = 0;
	f[21] = 1;
	frame_finish(f, len - MSG_AT);
	CU_ASSERT_FALSE(dhcp4_is_request(f, len));
	f[20] = 0x40; /* DF is not one */
	f[21] = 0;
	frame_finish(f, len - MSG_AT);
	CU_ASSERT_EQUAL(parse(&q, f, len), DHCP4_OK);
}

static void test_sources(void)
{
	static const char *const bad[] = {"127.0.0.1", "224.0.0.1", "255.255.255.255", "240.1.1.1"};
	struct dhcp4_request q;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct client c = {1, 7, .src = bad[i]};

		CU_ASSERT_EQUAL(parse_client(&q, &c), DHCP4_BAD_SOURCE);
	}
	CU_ASSERT_EQUAL(parse_client(&q, &(struct client){1, 7, .src = "10.1.0.7"}), DHCP4_OK);
}

/* IPv4 options move UDP; they are skipped, and their length is believed only as far as it fits. */
static void test_ip_options(void)
{
	const struct client c = {1, 7};
	struct dhcp4_request q;
	uint8_t f[FRAME_CAP];
	size_t len = client_frame(&c, f);

	memmove(f + 38, f + 34, len - 34);
	memset(f + 34, 1, 4); /* no operation */
	len += 4;
	f[14] = 0x46;
	put16(f + 16, (unsigned)(len - 14));
	put16(f + 24, 0);
	put16(f + 24, sum16(f + 14, 24, 0));
	CU_ASSERT_EQUAL(parse(&q, f, len), DHCP4_OK);
	f[15]++;
	CU_ASSERT_EQUAL(parse(&q, f, len), DHCP4_BAD_IP_CHECKSUM);
	for (size_t n = 0; n < len; n++)
		CU_ASSERT_NOT_EQUAL(parse(&q, f, n), DHCP4_OK);
}

static enum dhcp4_verdict with_octet(size_t at, uint8_t v)
{
	const struct client c = {1, 7};
	struct dhcp4_request q;
	uint8_t f[FRAME_CAP];
	const size_t len = client_frame(&c, f);

	f[MSG_AT + at] = v;
	frame_finish(f, len - MSG_AT);
	return parse(&q, f, len);
}

static void test_fixed_fields(void)
{
	struct dhcp4_request q;

	CU_ASSERT_EQUAL(with_octet(0, 2), DHCP4_BAD_OP);
	CU_ASSERT_EQUAL(with_octet(0, 0), DHCP4_BAD_OP);
	CU_ASSERT_EQUAL(with_octet(1, 6), DHCP4_BAD_HTYPE);
	CU_ASSERT_EQUAL(with_octet(2, 16), DHCP4_BAD_HLEN);
	CU_ASSERT_EQUAL(with_octet(2, 0), DHCP4_BAD_HLEN);
	CU_ASSERT_EQUAL(with_octet(2, 255), DHCP4_BAD_HLEN);
	CU_ASSERT_EQUAL(with_octet(3, 16), DHCP4_OK);
	CU_ASSERT_EQUAL(with_octet(3, 17), DHCP4_TOO_MANY_HOPS);
	CU_ASSERT_EQUAL(with_octet(33, 2), DHCP4_BAD_CHADDR);
	CU_ASSERT_EQUAL(with_octet(239, 0x64), DHCP4_BAD_COOKIE);
	/* RFC 3046 2.1: no relay agent is behind an access link */
	CU_ASSERT_EQUAL(parse_client(&q, &(struct client){1, 7, .giaddr = "10.1.0.1"}),
			DHCP4_FROM_RELAY);
}

static enum dhcp4_verdict with_options(struct dhcp4_request *q, const uint8_t *p, size_t len)
{
	return parse_client(q, &(struct client){0, 7, .more = p, .more_len = len});
}
#define WITH(q, ...) \
	with_options(q, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void test_options(void)
{
	const struct client endless = {1, 7, .no_end = true};
	struct dhcp4_request q;

	CU_ASSERT_EQUAL(WITH(&q, 0), DHCP4_NO_TYPE);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 1), DHCP4_OK);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 0), DHCP4_BAD_TYPE);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 9), DHCP4_BAD_TYPE);
	/* what only servers send */
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 2), DHCP4_BAD_TYPE);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 5), DHCP4_BAD_TYPE);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 6), DHCP4_BAD_TYPE);
	/* lengths */
	CU_ASSERT_EQUAL(WITH(&q, 53, 0), DHCP4_BAD_LENGTH);
	CU_ASSERT_EQUAL(WITH(&q, 53, 2, 1, 1), DHCP4_BAD_LENGTH);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 3, 50, 3, 1, 2, 3), DHCP4_BAD_LENGTH);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 3, 54, 5, 1, 2, 3, 4, 5), DHCP4_BAD_LENGTH);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 3, 57, 1, 2), DHCP4_BAD_LENGTH);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 1, 61, 0), DHCP4_BAD_LENGTH);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 1, 80, 1, 0), DHCP4_BAD_LENGTH);
	/* beyond the message */
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 1, 12, 200, 'x'), DHCP4_OPTION_OVERRUN);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 1, 12), DHCP4_OPTION_OVERRUN);
	CU_ASSERT_EQUAL(parse_client(&q, &endless), DHCP4_NO_END);
	/* what is behind the end is nothing */
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 1, 255, 53, 200), DHCP4_OK);
	/* unknown ones, whatever they hold, and padding between */
	CU_ASSERT_EQUAL(WITH(&q, 0, 0, 224, 0, 53, 1, 1, 0, 43, 3, 255, 0, 53), DHCP4_OK);
	/* RFC 3046 2.1: an untrusted circuit */
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 1, 82, 3, 1, 1, 'x'), DHCP4_AGENT_OPTION);
}

/* RFC 3396: instances are parts of one option; then the length decides. */
static void test_split_and_duplicate(void)
{
	struct dhcp4_request q;
	uint8_t many[600];
	size_t n = 3;

	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 3, 61, 2, 'a', 'b', 50, 2, 10, 1, 61, 1, 'c', 50, 2, 0, 7),
			DHCP4_OK);
	CU_ASSERT_EQUAL(q.m.client_id.len, 3);
	CU_ASSERT(!memcmp(q.m.client_id.b, "abc", 3));
	CU_ASSERT_EQUAL(q.m.requested.s_addr, ip("10.1.0.7").s_addr);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 3, 50, 4, 10, 1, 0, 7, 50, 4, 10, 1, 0, 7),
			DHCP4_BAD_LENGTH);
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 3, 53, 1, 3), DHCP4_BAD_LENGTH);
	/* more than one option can hold */
	memcpy(many, (const uint8_t[]){53, 1, 1}, 3);
	for (int i = 0; i < 2; i++) {
		many[n++] = 61;
		many[n++] = 128;
		memset(many + n, 'x', 128);
		n += 128;
	}
	CU_ASSERT_EQUAL(with_options(&q, many, n), DHCP4_BAD_LENGTH);
}

/* Octets into `file` (108) or `sname` (44). */
static enum dhcp4_verdict overloaded(struct dhcp4_request *q, uint8_t which, const uint8_t *file,
				     size_t file_len, const uint8_t *sname, size_t sname_len)
{
	const uint8_t more[] = {52, 1, which};
	const struct client c = {1, 7, .client_id = "A", .more = more, .more_len = sizeof(more)};
	uint8_t f[FRAME_CAP];
	const size_t len = client_frame(&c, f);

	memcpy(f + MSG_AT + 108, file, file_len);
	memcpy(f + MSG_AT + 44, sname, sname_len);
	frame_finish(f, len - MSG_AT);
	return parse(q, f, len);
}

static void test_overload(void)
{
	static const uint8_t file[] = {61, 1, 'B', 255}, sname[] = {61, 1, 'C', 255};
	static const uint8_t again[] = {52, 1, 2, 255}, agent[] = {82, 2, 1, 0, 255};
	static const uint8_t over[128] = {61, 127};
	struct dhcp4_request q;

	/* RFC 2131 4.1: options, file, sname, in that order */
	CU_ASSERT_EQUAL(overloaded(&q, 3, file, 4, sname, 4), DHCP4_OK);
	CU_ASSERT(q.m.overload);
	CU_ASSERT_EQUAL(q.m.client_id.len, 3);
	CU_ASSERT(!memcmp(q.m.client_id.b, "ABC", 3));
	CU_ASSERT_EQUAL(overloaded(&q, 1, file, 4, sname, 4), DHCP4_OK);
	CU_ASSERT(q.m.client_id.len == 2 && !memcmp(q.m.client_id.b, "AB", 2));
	CU_ASSERT_EQUAL(overloaded(&q, 2, file, 4, sname, 4), DHCP4_OK);
	CU_ASSERT(q.m.client_id.len == 2 && !memcmp(q.m.client_id.b, "AC", 2));
	CU_ASSERT_EQUAL(overloaded(&q, 0, file, 4, sname, 4), DHCP4_BAD_OVERLOAD);
	CU_ASSERT_EQUAL(overloaded(&q, 4, file, 4, sname, 4), DHCP4_BAD_OVERLOAD);
	/* fields that send the reader in circles, have no end, or overrun */
	CU_ASSERT_EQUAL(overloaded(&q, 1, again, 4, sname, 4), DHCP4_BAD_OVERLOAD);
	CU_ASSERT_EQUAL(overloaded(&q, 2, file, 4, again, 4), DHCP4_BAD_OVERLOAD);
	CU_ASSERT_EQUAL(overloaded(&q, 1, file, 3, sname, 4), DHCP4_NO_END);
	CU_ASSERT_EQUAL(overloaded(&q, 1, over, 128, sname, 4), DHCP4_OPTION_OVERRUN);
	CU_ASSERT_EQUAL(overloaded(&q, 2, file, 4, over, 64), DHCP4_OPTION_OVERRUN);
	CU_ASSERT_EQUAL(overloaded(&q, 1, agent, 5, sname, 4), DHCP4_AGENT_OPTION);
	/* an overload option twice is one of length 2 */
	CU_ASSERT_EQUAL(WITH(&q, 53, 1, 1, 52, 1, 1, 52, 1, 1), DHCP4_BAD_OVERLOAD);
}

static void test_too_long(void)
{
	static uint8_t more[1500];
	struct client c = {1, 7, .more = more};
	struct dhcp4_request q;

	c.more_len = 1472 - 240 - 3 - 1;
	CU_ASSERT_EQUAL(parse_client(&q, &c), DHCP4_OK);
	c.more_len++;
	CU_ASSERT_EQUAL(parse_client(&q, &c), DHCP4_TOO_LONG);
}

static void test_refusal_leaves_the_output(void)
{
	struct dhcp4_request q;

	memset(&q, 0x5a, sizeof(q));
	CU_ASSERT_NOT_EQUAL(WITH(&q, 53, 1, 1, 50, 1, 1), DHCP4_OK);
	for (size_t i = 0; i < sizeof(q); i++)
		CU_ASSERT_EQUAL(((const uint8_t *)&q)[i], 0x5a);
}

/* ---- construction */

static void test_writer(void)
{
	const struct dhcp4_head h = {.reply = true, .xid = 5, .flags = DHCP4_BROADCAST};
	uint8_t big[300] = {0}, buf[320];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	dhcp4_put_head(&w, &h);
	CU_ASSERT_EQUAL(wr_len(&w), 240);
	dhcp4_put_end(&w);
	CU_ASSERT_EQUAL(wr_len(&w), 300); /* RFC 1542 2.1 */
	CU_ASSERT_EQUAL(buf[240], 255);
	/* the End option always keeps its place */
	wr_init(&w, buf, 320);
	dhcp4_put_head(&w, &h);
	CU_ASSERT_FALSE(dhcp4_put_option(&w, 61, big, 78));
	CU_ASSERT(dhcp4_put_option(&w, 61, big, 77));
	CU_ASSERT_FALSE(dhcp4_put_option(&w, 80, NULL, 0));
	dhcp4_put_end(&w);
	CU_ASSERT_FALSE(wr_bad(&w));
	CU_ASSERT_EQUAL(wr_len(&w), 320);
	CU_ASSERT_FALSE(dhcp4_put_option(&w, 61, big, 256));
}

static void test_limit(void)
{
	struct dhcp4_msg m = {0};

	CU_ASSERT_EQUAL(dhcp4_limit(&m), 548); /* RFC 2131 2 */
	m.max_size = 100;
	CU_ASSERT_EQUAL(dhcp4_limit(&m), 548);
	m.max_size = 1000;
	CU_ASSERT_EQUAL(dhcp4_limit(&m), 972);
	m.max_size = 65535;
	CU_ASSERT_EQUAL(dhcp4_limit(&m), 1472);
}

static void test_copy_options(void)
{
	static const uint8_t more[] = {0, 82, 2, 1, 0, 0, 61, 1, 'a', 82, 1, 0, 12, 0};
	static const uint8_t want[] = {53, 1, 2, 61, 1, 'a', 12, 0};
	const struct client c = {2, 7, .more = more, .more_len = sizeof(more)};
	uint8_t msg[FRAME_CAP], out[64];
	const size_t len = client_msg(&c, msg);

	CU_ASSERT_EQUAL(dhcp4_copy_options(out, sizeof(out), msg, len), sizeof(want));
	CU_ASSERT(!memcmp(out, want, sizeof(want)));
	CU_ASSERT(dhcp4_copy_options(out, sizeof(want) - 1, msg, len) < 0);
}

static void test_frame(void)
{
	static const struct mac g =
					{
						{0, 0, 0x5e, 0, 0x52, 0x13}
	   },
				n = {{2, 0, 0, 0, 0, 1}};
	uint8_t msg[1473] = {2}, f[DHCP4_FRAME_MAX];
	const struct in_addr a = ip("10.1.0.1"), b = ip("10.1.0.7");

	CU_ASSERT_EQUAL(dhcp4_build_frame(f, sizeof(f), &g, &n, a, b, msg, 300), 342);
	CU_ASSERT(frame_is_sound(f, 342));
	CU_ASSERT_EQUAL(dhcp4_build_frame(f, sizeof(f), &g, &n, a, b, msg, 1472), DHCP4_FRAME_MAX);
	CU_ASSERT(frame_is_sound(f, DHCP4_FRAME_MAX));
	CU_ASSERT(dhcp4_build_frame(f, sizeof(f), &g, &n, a, b, msg, 1473) < 0);
	CU_ASSERT(dhcp4_build_frame(f, 341, &g, &n, a, b, msg, 300) < 0);
}

static void test_names(void)
{
	CU_ASSERT_STRING_EQUAL(dhcp4_verdict_name(DHCP4_BAD_HLEN), "bad_hlen");
	CU_ASSERT_STRING_EQUAL(dhcp4_verdict_name(DHCP4_VERDICT_MAX), "unknown");
	CU_ASSERT_STRING_EQUAL(dhcp4_type_name(DHCP4_NAK), "NAK");
	CU_ASSERT_STRING_EQUAL(dhcp4_type_name(0), "unknown");
	CU_ASSERT_STRING_EQUAL(dhcp4_type_name(9), "unknown");
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"a message is taken with all its options", test_takes_a_message},
		{"a message cut at any octet is refused", test_truncated_everywhere},
		{"IPv4 and UDP headers are checked, fragments refused", test_headers},
		{"sources that nobody can have are refused", test_sources},
		{"IPv4 options are skipped", test_ip_options},
		{"RFC 2131 2 op, htype, hlen, hops, giaddr, chaddr and cookie are checked", test_fixed_fields},
		{"options have bounds, lengths, an end and a message type", test_options},
		{"RFC 3396 instances of an option are put together, then judged", test_split_and_duplicate},
		{"RFC 2131 4.1 options in file and sname, once, in that order", test_overload},
		{"a message longer than a packet is refused", test_too_long},
		{"a refusal leaves the output untouched", test_refusal_leaves_the_output},
		{"RFC 1542 2.1 messages have 300 octets at least, and an End option", test_writer},
		{"RFC 2132 9.10 the client's maximum message size is kept", test_limit},
		{"RFC 3046 2.1 the agent's option is taken out, nothing else", test_copy_options},
		{"frames have right lengths and checksums", test_frame},
		{"verdicts and types have names", test_names},
		{0},
	};
	// clang-format on

	return cu_main("dhcp4", tests, argc, argv);
}
