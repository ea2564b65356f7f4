/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DHCPv4 server: what a client in each of its states gets, and what it never gets. */
#include "lib/cu.h"

#include <stdlib.h>

#include "access/dhcp4_server.h"
#include "base/util.h"
#include "unit/access/dhcp4_frames.h"
#include "unit/access/frames.h"

#define HOME   "10.1.0.7"
#define ROUTER "10.1.0.1"
#define OTHER  "10.1.0.8"

/* Ether(src=G,dst=N)/IP(src="10.1.0.1",dst="10.1.0.7",id=0,flags="DF",ttl=64)/
 *   UDP(sport=67,dport=68)/BOOTP(op=2,xid=0x11223344,yiaddr="10.1.0.7",
 *   chaddr=bytes.fromhex("020000000001"))/DHCP(options=[("message-type","offer"),
 *   ("server_id","10.1.0.1"),("client_id",b"\x01\x02\0\0\0\0\1"),("lease_time",3600),
 *   ("subnet_mask","255.255.0.0"),("router","10.1.0.1"),("interface-mtu",1420),
 *   ("renewal_time",1800),("rebinding_time",3150),("name_server","192.0.2.53","192.0.2.54"),
 *   ("broadcast_address","10.1.255.255"),"end"]); the zero octets up to the cookie are left out */
#define OFFER_HEAD                                                                               \
	"02000000000100005e00521308004500015100004000401125930a0100010a01000700430044013dec8702" \
	"0106001122334400000000000000000a01000700000000000000000200000000010000000000000000000000"
#define OFFER_TAIL                                                                               \
	"6382536335010236040a0100013d0701020000000001330400000e100104ffff000003040a0100011a0205" \
	"8c3a04000007083b0400000c4e0608c0000235c00002361c040a01ffffff"

static struct in_addr dns[2];
static struct dhcp4_terms terms;
static uint8_t frame[DHCP4_FRAME_MAX];
static const uint8_t *msg;
static size_t msg_len;

static void start(void)
{
	dns[0] = ip("192.0.2.53");
	dns[1] = ip("192.0.2.54");
	terms = (struct dhcp4_terms){
		.home4 = {.addr = ip(HOME), .router = ip(ROUTER), .len = 16},
		.server_id = ip(ROUTER),
		.lease_s = 3600,
		.mtu = 1420,
		.dns = dns,
		.n_dns = 2,
		.gateway = {{0, 0, 0x5e, 0, 0x52, 0x13}      },
	};
}

static bool parsed(const struct client *c, struct dhcp4_request *q)
{
	static uint8_t f[FRAME_CAP]; /* what was parsed borrows it */

	return dhcp4_parse_request(q, f, client_frame(c, f), false) == DHCP4_OK;
}

/* C -> S. The reply, if there is one, is in `frame`, its message at `msg`. */
static enum dhcp4_fate ask(const struct client *c)
{
	struct dhcp4_request q;
	enum dhcp4_fate fate;
	size_t len = 99;

	CU_ASSERT_FATAL(parsed(c, &q));
	memset(frame, 0xee, sizeof(frame));
	fate = dhcp4_server_answer(&q, &terms, frame, sizeof(frame), &len);
	CU_ASSERT_FATAL(len == 0 || frame_is_sound(frame, len));
	msg = len ? frame + MSG_AT : NULL;
	msg_len = len ? len - MSG_AT : 0;
	return fate;
}
#define ASK(...) ask(&(const struct client){__VA_ARGS__})

static bool reply_is(uint8_t type)
{
	return msg && msg[0] == 2 && option_is(msg, msg_len, 53, &type, 1);
}

static bool has(uint8_t code)
{
	return option(msg, msg_len, code, NULL) >= 0;
}

static bool sent_to(const char *dst)
{
	return addr_at(frame + 30, dst);
}

/* ---- fields and options, RFC 2131 table 3 */

static void test_offer_octets(void)
{
	uint8_t want[FRAME_CAP] = {0};
	size_t len;

	start();
	CU_ASSERT_EQUAL(ASK(1, 0x11223344, .client_id = "\x01\x02"), DHCP4_OFFERED);
	/* the client identifier of the vector has zero octets in it: by hand */
	{
		static const uint8_t id[] = {61, 7, 1, 2, 0, 0, 0, 0, 1};

		ASK(1, 0x11223344, .more = id, .more_len = sizeof(id));
	}
	len = frame_from_hex(OFFER_HEAD, want, sizeof(want));
	CU_ASSERT(len < MSG_AT + 236);
	len = MSG_AT + 236 + frame_from_hex(OFFER_TAIL, want + MSG_AT + 236, 200);
	CU_ASSERT_EQUAL_FATAL(msg_len, len - MSG_AT);
	CU_ASSERT(!memcmp(frame, want, len));
}

/* What every OFFER and ACK with a lease must and must not have. */
static void check_lease(uint8_t type)
{
	static const uint16_t mtu = 0x8c05; /* 1420, in network order on this side of the test */
	const uint8_t *p = NULL;

	CU_ASSERT(reply_is(type));
	CU_ASSERT(addr_at(msg + 16, HOME));
	CU_ASSERT(addr_at(msg + 20, "0.0.0.0"));
	CU_ASSERT(addr_at(msg + 24, "0.0.0.0"));
	CU_ASSERT(option_is_u32(msg, msg_len, 51, 3600));
	CU_ASSERT(option_is_u32(msg, msg_len, 58, 1800));
	CU_ASSERT(option_is_u32(msg, msg_len, 59, 3150));
	CU_ASSERT(option_is_addr(msg, msg_len, 54, ROUTER));
	CU_ASSERT(option_is_addr(msg, msg_len, 1, "255.255.0.0"));
	CU_ASSERT(option_is_addr(msg, msg_len, 3, ROUTER));
	CU_ASSERT_EQUAL(option(msg, msg_len, 26, &p), 2);
	CU_ASSERT(p && p[0] == (mtu & 0xff) && p[1] == mtu >> 8);
	CU_ASSERT(option_is(msg, msg_len, 6, dns, 8));
	CU_ASSERT(option_is_addr(msg, msg_len, 28, "10.1.255.255"));
	CU_ASSERT(option_rank(msg, msg_len, 1) < option_rank(msg, msg_len, 3));
	CU_ASSERT_FALSE(has(50));
	CU_ASSERT_FALSE(has(52));
	CU_ASSERT_FALSE(has(55));
	CU_ASSERT_FALSE(has(57));
	CU_ASSERT_FALSE(has(82));
	CU_ASSERT_FALSE(has(56));
}

static void check_copied(uint32_t xid, uint16_t flags)
{
	CU_ASSERT_EQUAL((uint32_t)msg[4] << 24 | msg[5] << 16 | msg[6] << 8 | msg[7], xid);
	CU_ASSERT_EQUAL(msg[1], 1);
	CU_ASSERT_EQUAL(msg[2], 6);
	CU_ASSERT_EQUAL(msg[3], 0);
	CU_ASSERT_EQUAL(msg[8] << 8 | msg[9], 0);
	CU_ASSERT_EQUAL(msg[10] << 8 | msg[11], flags);
	CU_ASSERT(!memcmp(msg + 28, (const uint8_t[]){2, 0, 0, 0, 0, 1}, 6));
	for (int i = 44; i < 236; i++)
		CU_ASSERT_EQUAL(msg[i], 0);
}

static void test_offer(void)
{
	static const uint8_t more[] = {55, 2, 1, 3, 57, 2, 5, 220, 51, 4, 0, 0, 0, 9};

	start();
	CU_ASSERT_EQUAL(ASK(1, 9, .flags = 0x8000, .requested = OTHER, .more = more,
			    .more_len = sizeof(more)),
			DHCP4_OFFERED);
	check_lease(2);
	check_copied(9, 0x8000);
	CU_ASSERT(addr_at(msg + 12, "0.0.0.0"));
	CU_ASSERT_FALSE(has(61));
	CU_ASSERT_FALSE(has(80));
}

static void test_selecting(void)
{
	start();
	CU_ASSERT_EQUAL(ASK(3, 9, .requested = HOME, .server_id = ROUTER), DHCP4_ACKED_SELECTING);
	check_lease(5);
	check_copied(9, 0);
	CU_ASSERT(addr_at(msg + 12, "0.0.0.0"));
	CU_ASSERT(sent_to(HOME));
	/* RFC 2131 3.1 (4): the client took another server's offer */
	CU_ASSERT_EQUAL(ASK(3, 9, .requested = HOME, .server_id = OTHER), DHCP4_OTHER_SERVER);
	CU_ASSERT_PTR_NULL(msg);
	CU_ASSERT_EQUAL(ASK(3, 9, .requested = OTHER, .server_id = ROUTER), DHCP4_NAKED_ADDRESS);
	CU_ASSERT(reply_is(6));
	CU_ASSERT_EQUAL(ASK(3, 9, .server_id = ROUTER), DHCP4_NO_ADDRESS);
	CU_ASSERT_PTR_NULL(msg);
}

static void test_init_reboot(void)
{
	start();
	CU_ASSERT_EQUAL(ASK(3, 9, .requested = HOME), DHCP4_ACKED_REBOOT);
	check_lease(5);
	CU_ASSERT(sent_to(HOME));
	CU_ASSERT_EQUAL(ASK(3, 9, .requested = OTHER), DHCP4_NAKED_ADDRESS);
	CU_ASSERT(reply_is(6));
	CU_ASSERT_EQUAL(ASK(3, 9, .requested = "192.168.1.2"), DHCP4_NAKED_ADDRESS);
	CU_ASSERT_EQUAL(ASK(3, 9), DHCP4_NO_ADDRESS);
	CU_ASSERT_PTR_NULL(msg);
}

static void test_renewing(void)
{
	start();
	CU_ASSERT_EQUAL(ASK(3, 9, .src = HOME, .dst = ROUTER, .ciaddr = HOME),
			DHCP4_ACKED_RENEWING);
	check_lease(5);
	CU_ASSERT(addr_at(msg + 12, HOME));
	CU_ASSERT(sent_to(HOME));
	/* RFC 5844 3.4.1 has the address in option 50 as well */
	CU_ASSERT_EQUAL(ASK(3, 9, .src = HOME, .dst = ROUTER, .ciaddr = HOME, .requested = HOME),
			DHCP4_ACKED_RENEWING);
	CU_ASSERT_EQUAL(ASK(3, 9, .src = HOME, .dst = ROUTER, .ciaddr = HOME, .requested = OTHER),
			DHCP4_NAKED_ADDRESS);
	CU_ASSERT_EQUAL(ASK(3, 9, .src = OTHER, .dst = ROUTER, .ciaddr = OTHER),
			DHCP4_NAKED_ADDRESS);
	CU_ASSERT(reply_is(6));
	CU_ASSERT(sent_to("255.255.255.255"));
	/* somebody else's port 67 */
	CU_ASSERT_EQUAL(ASK(3, 9, .src = HOME, .dst = OTHER, .ciaddr = HOME),
			DHCP4_OTHER_DESTINATION);
	CU_ASSERT_PTR_NULL(msg);
}

static void test_rebinding(void)
{
	start();
	CU_ASSERT_EQUAL(ASK(3, 9, .src = HOME, .ciaddr = HOME, .flags = 0x8000),
			DHCP4_ACKED_REBINDING);
	check_lease(5);
	check_copied(9, 0x8000);
	CU_ASSERT(addr_at(msg + 12, HOME));
	CU_ASSERT(sent_to(HOME)); /* RFC 2131 4.1: ciaddr comes before the flag */
	CU_ASSERT_EQUAL(ASK(3, 9, .src = OTHER, .ciaddr = OTHER), DHCP4_NAKED_ADDRESS);
}

static void test_nak(void)
{
	static const uint8_t more[] = {55, 4, 1, 3, 6, 51};

	start();
	CU_ASSERT_EQUAL(ASK(3, 9, .flags = 0x8000, .requested = OTHER, .client_id = "id",
			    .more = more, .more_len = sizeof(more)),
			DHCP4_NAKED_ADDRESS);
	CU_ASSERT(reply_is(6));
	check_copied(9, 0x8000);
	CU_ASSERT(addr_at(msg + 12, "0.0.0.0"));
	CU_ASSERT(addr_at(msg + 16, "0.0.0.0"));
	CU_ASSERT(addr_at(msg + 20, "0.0.0.0"));
	CU_ASSERT(addr_at(msg + 24, "0.0.0.0"));
	CU_ASSERT(option_is_addr(msg, msg_len, 54, ROUTER));
	CU_ASSERT(option_is(msg, msg_len, 61, "id", 2));
	CU_ASSERT(has(56));
	for (unsigned code = 1; code < 255; code++)
		if (code != 53 && code != 54 && code != 56 && code != 61)
			CU_ASSERT_FALSE(has((uint8_t)code));
	/* always by IP broadcast; to the node alone */
	CU_ASSERT(sent_to("255.255.255.255"));
	CU_ASSERT(!memcmp(frame, (const uint8_t[]){2, 0, 0, 0, 0, 1}, 6));
	CU_ASSERT_EQUAL(ASK(3, 9, .requested = OTHER), DHCP4_NAKED_ADDRESS);
	CU_ASSERT_FALSE(has(61));
	CU_ASSERT(sent_to("255.255.255.255"));
}

static void test_nak_without_address(void)
{
	const struct client c = {3, 9, .src = HOME, .dst = "10.9.9.9", .ciaddr = HOME};
	struct dhcp4_request q;
	size_t len;

	start();
	terms.home4 = (struct home4){0};
	terms.server_id = ip("10.9.9.9");
	CU_ASSERT(parsed(&c, &q));
	len = dhcp4_server_nak(&q, &terms, frame, sizeof(frame));
	CU_ASSERT(frame_is_sound(frame, len));
	CU_ASSERT(option_is_addr(frame + MSG_AT, len - MSG_AT, 54, "10.9.9.9"));
	CU_ASSERT(addr_at(frame + 26, "10.9.9.9"));
	CU_ASSERT(sent_to("255.255.255.255"));
}

static void test_inform(void)
{
	start();
	CU_ASSERT_EQUAL(ASK(8, 9, .src = HOME, .ciaddr = HOME, .client_id = "id"),
			DHCP4_ACKED_INFORM);
	CU_ASSERT(reply_is(5));
	CU_ASSERT(addr_at(msg + 12, HOME));
	CU_ASSERT(addr_at(msg + 16, "0.0.0.0"));
	CU_ASSERT_FALSE(has(51));
	CU_ASSERT_FALSE(has(58));
	CU_ASSERT_FALSE(has(59));
	CU_ASSERT(has(54) && has(1) && has(3) && has(6) && has(26));
	CU_ASSERT(option_is(msg, msg_len, 61, "id", 2));
	CU_ASSERT(sent_to(HOME));
	CU_ASSERT_EQUAL(ASK(8, 9, .src = OTHER, .ciaddr = OTHER), DHCP4_FOREIGN_ADDRESS);
	CU_ASSERT_PTR_NULL(msg);
	CU_ASSERT_EQUAL(ASK(8, 9), DHCP4_FOREIGN_ADDRESS);
}

static void test_release_and_decline(void)
{
	start();
	CU_ASSERT_EQUAL(ASK(7, 9, .src = HOME, .dst = ROUTER, .ciaddr = HOME, .server_id = ROUTER),
			DHCP4_RELEASED);
	CU_ASSERT_PTR_NULL(msg);
	CU_ASSERT_EQUAL(
		ASK(7, 9, .src = OTHER, .dst = ROUTER, .ciaddr = OTHER, .server_id = ROUTER),
		DHCP4_FOREIGN_ADDRESS);
	CU_ASSERT_EQUAL(ASK(7, 9, .src = HOME, .dst = ROUTER, .ciaddr = HOME, .server_id = OTHER),
			DHCP4_OTHER_SERVER);
	CU_ASSERT_EQUAL(ASK(7, 9, .src = HOME, .dst = OTHER, .ciaddr = HOME),
			DHCP4_OTHER_DESTINATION);
	CU_ASSERT_EQUAL(ASK(7, 9, .dst = ROUTER), DHCP4_FOREIGN_ADDRESS);
	CU_ASSERT_EQUAL(ASK(4, 9, .requested = HOME, .server_id = ROUTER), DHCP4_DECLINED);
	CU_ASSERT_PTR_NULL(msg);
	CU_ASSERT_EQUAL(ASK(4, 9, .requested = OTHER, .server_id = ROUTER), DHCP4_FOREIGN_ADDRESS);
	CU_ASSERT_EQUAL(ASK(4, 9, .requested = HOME, .server_id = OTHER), DHCP4_OTHER_SERVER);
}

static void test_rapid_commit(void)
{
	static const uint8_t rapid[] = {80, 0};

	start();
	CU_ASSERT_EQUAL(ASK(1, 9, .more = rapid, .more_len = 2), DHCP4_ACKED_RAPID);
	check_lease(5);
	CU_ASSERT_EQUAL(option(msg, msg_len, 80, NULL), 0);
	/* in nothing but the answer to DISCOVER */
	CU_ASSERT_EQUAL(ASK(3, 9, .requested = HOME, .more = rapid, .more_len = 2),
			DHCP4_ACKED_REBOOT);
	CU_ASSERT_FALSE(has(80));
}

static void test_client_id(void)
{
	static const char rfc4361[] =
		"\xff\x01\x02\x03\x04\x7f\x03\x01\x01\x7f\x02\x01\x01\x11\x22\x33";

	start();
	CU_ASSERT_EQUAL(ASK(1, 9, .client_id = rfc4361), DHCP4_OFFERED);
	CU_ASSERT(option_is(msg, msg_len, 61, rfc4361, sizeof(rfc4361) - 1));
	CU_ASSERT_EQUAL(ASK(3, 9, .requested = HOME, .server_id = ROUTER, .client_id = rfc4361),
			DHCP4_ACKED_SELECTING);
	CU_ASSERT(option_is(msg, msg_len, 61, rfc4361, sizeof(rfc4361) - 1));
	CU_ASSERT_EQUAL(ASK(3, 9, .requested = HOME, .server_id = ROUTER), DHCP4_ACKED_SELECTING);
	CU_ASSERT_FALSE(has(61));
}

static void test_requested_order(void)
{
	static const uint8_t order[] = {55, 6, 28, 6, 59, 15, 3, 28};

	start();
	CU_ASSERT_EQUAL(ASK(1, 9, .more = order, .more_len = sizeof(order)), DHCP4_OFFERED);
	CU_ASSERT(option_rank(msg, msg_len, 28) < option_rank(msg, msg_len, 6));
	CU_ASSERT(option_rank(msg, msg_len, 6) < option_rank(msg, msg_len, 59));
	CU_ASSERT(option_rank(msg, msg_len, 59) < option_rank(msg, msg_len, 58));
	CU_ASSERT(option_rank(msg, msg_len, 1) < option_rank(msg, msg_len, 3));
	CU_ASSERT_FALSE(has(15)); /* nothing to say */
}

/* 255 octets of client identifier, all parameters asked for, the least a client may take. */
static void test_fits_the_client(void)
{
	static uint8_t more[800];
	size_t n = 0;

	more[n++] = 61;
	more[n++] = 255;
	memset(more + n, 'x', 255);
	n += 255;
	more[n++] = 55;
	more[n++] = 255;
	for (int i = 0; i < 255; i++)
		more[n++] = (uint8_t)i;
	more[n++] = 57;
	more[n++] = 2;
	more[n++] = 0;
	more[n++] = 10;
	start();
	CU_ASSERT_EQUAL(ASK(1, 9, .more = more, .more_len = n), DHCP4_OFFERED);
	CU_ASSERT(msg_len <= 548);
	CU_ASSERT_EQUAL(option(msg, msg_len, 61, NULL), 255);
	CU_ASSERT(has(53) && has(54) && has(51) && has(1) && has(3) && has(26));
	/* and with room for all */
	more[n - 2] = 4;
	CU_ASSERT_EQUAL(ASK(1, 9, .more = more, .more_len = n), DHCP4_OFFERED);
	CU_ASSERT(msg_len > 548);
	CU_ASSERT(has(58) && has(59) && has(6) && has(28));
}

static void test_destinations(void)
{
	static const uint8_t node[] = {2, 0, 0, 0, 0, 1}, all[] = {255, 255, 255, 255, 255, 255};

	start();
	ASK(1, 9);
	CU_ASSERT(sent_to(HOME));
	CU_ASSERT(addr_at(frame + 26, ROUTER));
	CU_ASSERT(!memcmp(frame, node, 6));
	CU_ASSERT(!memcmp(frame + 6, terms.gateway.b, 6));
	ASK(1, 9, .flags = 0x8000);
	CU_ASSERT(sent_to("255.255.255.255"));
	CU_ASSERT(!memcmp(frame, node, 6)); /* nobody else on the link sees it */
	terms.point_to_point = true;
	ASK(1, 9, .flags = 0x8000);
	CU_ASSERT(!memcmp(frame, all, 6));
	ASK(1, 9);
	CU_ASSERT(!memcmp(frame, node, 6));
}

static void test_fixed_server_id(void)
{
	start();
	terms.server_id = ip("192.0.0.8");
	CU_ASSERT_EQUAL(ASK(1, 9), DHCP4_OFFERED);
	CU_ASSERT(option_is_addr(msg, msg_len, 54, "192.0.0.8"));
	CU_ASSERT(option_is_addr(msg, msg_len, 3, ROUTER));
	CU_ASSERT(addr_at(frame + 26, "192.0.0.8"));
	CU_ASSERT_EQUAL(ASK(3, 9, .requested = HOME, .server_id = "192.0.0.8"),
			DHCP4_ACKED_SELECTING);
	CU_ASSERT_EQUAL(ASK(3, 9, .requested = HOME, .server_id = ROUTER), DHCP4_OTHER_SERVER);
	CU_ASSERT_EQUAL(ASK(3, 9, .src = HOME, .dst = "192.0.0.8", .ciaddr = HOME),
			DHCP4_ACKED_RENEWING);
	CU_ASSERT_EQUAL(ASK(3, 9, .src = HOME, .dst = ROUTER, .ciaddr = HOME),
			DHCP4_ACKED_RENEWING);
}

static void test_what_is_not_there(void)
{
	start();
	terms.n_dns = 0;
	terms.home4.router.s_addr = 0;
	terms.server_id = ip("192.0.0.8");
	terms.home4.len = 32;
	terms.mtu = 20;
	ASK(1, 9);
	CU_ASSERT_FALSE(has(6));
	CU_ASSERT_FALSE(has(3));
	CU_ASSERT_FALSE(has(28));
	CU_ASSERT(option_is_addr(msg, msg_len, 1, "255.255.255.255"));
	CU_ASSERT(option_is(msg, msg_len, 26, "\0\x44", 2)); /* 68, RFC 2132 5.1 */
	terms.lease_s = 0xffffffff;
	ASK(1, 9);
	CU_ASSERT(option_is_u32(msg, msg_len, 59, 3758096383u));
}

static void test_names(void)
{
	CU_ASSERT_STRING_EQUAL(dhcp4_fate_name(DHCP4_OFFERED), "offered");
	CU_ASSERT_STRING_EQUAL(dhcp4_fate_name(DHCP4_FATE_MAX), "unknown");
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"RFC 5844 3.4.3 an OFFER is exactly these octets", test_offer_octets},
		{"V-31 RFC 2131 table 3 fields and options of an OFFER", test_offer},
		{"RFC 2131 4.3.2 SELECTING: ACK, another server's silence, NAK", test_selecting},
		{"RFC 2131 4.3.2 INIT-REBOOT: ACK, NAK for a wrong address or network", test_init_reboot},
		{"RFC 2131 4.3.2 RENEWING: ACK to ciaddr, NAK for a wrong one", test_renewing},
		{"RFC 2131 4.3.2 REBINDING: ACK to ciaddr, NAK for a wrong one", test_rebinding},
		{"RFC 2131 table 3 fields and options of a NAK, and no others", test_nak},
		{"RFC 5844 3.4.1 a NAK for a node without an address", test_nak_without_address},
		{"RFC 2131 4.3.5 INFORM: parameters without a lease", test_inform},
		{"V-32 RFC 2131 4.3.3, 4.3.4 RELEASE and DECLINE of the node's own address", test_release_and_decline},
		{"RFC 4039 4 rapid commit", test_rapid_commit},
		{"RFC 6842 3 the client identifier comes back unaltered, or not at all", test_client_id},
		{"RFC 2132 9.8 options in the order of the request, mask before router", test_requested_order},
		{"RFC 2132 9.10 a reply fits the client, mandatory options first", test_fits_the_client},
		{"RFC 2131 4.1 where replies go, on shared and point-to-point links", test_destinations},
		{"RFC 5844 3.4 one server identifier for the domain", test_fixed_server_id},
		{"options without a value are left out", test_what_is_not_there},
		{"fates have names", test_names},
		{0},
	};
	// clang-format on

	return cu_main("dhcp4_server", tests, argc, argv);
}
