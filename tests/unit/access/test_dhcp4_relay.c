/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DHCPv4 relay agent: what servers get, what nodes get, and what neither does. */
#include "lib/cu.h"

#include <errno.h>
#include <stdlib.h>

#include "access/dhcp4_relay.h"
#include "base/log.h"
#include "base/util.h"
#include "unit/access/dhcp4_frames.h"

#define HOME	"10.1.0.7"
#define ROUTER	"10.1.0.1"
#define OTHER	"10.1.0.8"
#define RELAY	"192.0.2.1"
#define SERVER	"192.0.2.67"
#define SERVER2 "192.0.2.68"
#define CIRCUIT "acc0/02:00:00:00:00:01"
#define ACC0	3u

static const struct link_node n1 = {ACC0, {{0x02, 0, 0, 0, 0, 0x01}}};

static struct dhcp4_relay *r;
static struct dhcp4_memory memory;
static struct dhcp4_node node;
static bool node_served;
static int send_result;

static struct {
	uint8_t b[4096];
	size_t len;
	struct in_addr to[16];
	unsigned n;
} up;

static struct {
	uint8_t b[DHCP4_FRAME_MAX];
	size_t len;
	unsigned ifindex, n;
} down;

static bool find(void *ctx, const struct link_node *id, struct dhcp4_node *out)
{
	if (!node_served || id->ifindex != ACC0 || !mac_eq(&id->mac, &n1.mac))
		return false;
	*out = node;
	return true;
}

static unsigned ifindex(void *ctx, const char *ifname)
{
	return strcmp(ifname, "acc0") == 0 ? ACC0 : 0;
}

static int to_server(void *ctx, struct in_addr server, const void *msg, size_t len)
{
	if (send_result)
		return send_result;
	if (up.n < ARRAY_SIZE(up.to))
		up.to[up.n] = server;
	up.n++;
	up.len = len;
	memcpy(up.b, msg, len);
	return 0;
}

static int to_link(void *ctx, unsigned link, const void *frame, size_t len)
{
	if (send_result)
		return send_result;
	down.n++;
	down.ifindex = link;
	down.len = len;
	memcpy(down.b, frame, len);
	return 0;
}

static void no_log(void *ctx, enum log_class cls, const char *line)
{
}

static void start_with(unsigned n_servers)
{
	static const struct dhcp4_relay_ops ops = {NULL, find, ifindex, to_server, to_link};
	const struct in_addr servers[] = {ip(SERVER), ip(SERVER2)};

	log_set_sink(no_log, NULL);
	memset(&memory, 0, sizeof(memory));
	memset(&up, 0, sizeof(up));
	memset(&down, 0, sizeof(down));
	send_result = 0;
	node_served = true;
	node = (struct dhcp4_node){
		.ifname = "acc0",
		.mtu = 1500,
		.gateway = {{0, 0, 0x5e, 0, 0x52, 0x13}},
		.home4 = { .addr = ip(HOME), .router = ip(ROUTER), .len = 16},
		.memory = &memory,
	};
	CU_ASSERT_EQUAL_FATAL(dhcp4_relay_new(&r, &ops), 0);
	dhcp4_relay_servers(r, ip(RELAY), servers, n_servers);
}

static void start(void)
{
	start_with(1);
}

static void stop(void)
{
	dhcp4_relay_free(&r);
	CU_ASSERT_PTR_NULL(r);
}

static uint64_t count(enum dhcp4_relay_fate f)
{
	return dhcp4_relay_counters(r).value[f];
}

/* N -> A */
static enum dhcp4_relay_fate ask(const struct client *c)
{
	struct dhcp4_request q;
	uint8_t f[FRAME_CAP];
	enum dhcp4_relay_fate fate;

	CU_ASSERT_EQUAL_FATAL(dhcp4_parse_request(&q, f, client_frame(c, f), false), DHCP4_OK);
	fate = dhcp4_relay_request(r, &n1, &node, &q, 0);
	CU_ASSERT(count(fate) >= 1);
	return fate;
}
#define ASK(...) ask(&(const struct client){__VA_ARGS__})

/* S -> A. The option of the agent is `agent` if given, else as the server got it. */
struct says {
	uint8_t type;
	const char *yiaddr, *ciaddr, *from, *giaddr;
	const uint8_t *agent;
	size_t agent_len;
	size_t fill; /* octets of an unknown option */
	uint32_t xid;
	uint16_t flags;
	uint8_t chaddr;
	bool request;
};

static size_t answer(const struct says *s, uint8_t *msg)
{
	const struct client head = {0,
				    s->xid ? s->xid : 7,
				    s->flags,
				    .ciaddr = s->ciaddr,
				    .giaddr = s->giaddr ? s->giaddr : RELAY,
				    .mac = s->chaddr,
				    .no_end = true};
	const uint8_t *agent = s->agent;
	int agent_len = (int)s->agent_len;
	struct out o;

	if (!agent)
		agent_len = option(up.b, up.len, 82, &agent);
	client_msg(&head, msg);
	msg[0] = s->request ? 1 : 2;
	o.p = msg + 16;
	oaddr(&o, s->yiaddr);
	o.p = msg + 240;
	o8(&o, 53);
	o8(&o, 1);
	o8(&o, s->type);
	oopt(&o, 54, ROUTER);
	if (agent_len > 0) {
		o8(&o, 82);
		o8(&o, (unsigned)agent_len);
		memcpy(o.p, agent, (size_t)agent_len);
		o.p += agent_len;
	}
	for (size_t left = s->fill; left;) {
		const size_t n = left < 250 ? left : 250;

		o8(&o, 43);
		o8(&o, (unsigned)n);
		memset(o.p, 'x', n);
		o.p += n;
		left -= n;
	}
	o8(&o, 255);
	return (size_t)(o.p - msg);
}

static void say(const struct says *s)
{
	uint8_t msg[4096], *exact;
	const size_t len = answer(s, msg);

	exact = malloc(len);
	memcpy(exact, msg, len);
	dhcp4_relay_reply(r, ip(s->from ? s->from : SERVER), exact, len, 0);
	free(exact);
}
#define SAY(...) say(&(const struct says){__VA_ARGS__})

/* ---- to servers ---- */

static void test_what_servers_get(void)
{
	static const uint8_t more[] = {0, 0, 55, 2, 1, 3, 43, 2, 255, 82};
	const uint8_t *p = NULL;
	struct out o;
	uint8_t want[128];
	int len;

	start();
	CU_ASSERT_EQUAL(ASK(1, 7, .flags = 0x8000, .client_id = "id", .more = more,
			    .more_len = sizeof(more)),
			DHCP4_RELAYED);
	CU_ASSERT_EQUAL(up.n, 1);
	CU_ASSERT_EQUAL(up.to[0].s_addr, ip(SERVER).s_addr);
	CU_ASSERT(up.len >= 300);
	CU_ASSERT_EQUAL(up.b[0], 1);
	CU_ASSERT_EQUAL(up.b[3], 1); /* hops */
	CU_ASSERT_EQUAL(up.b[7], 7);
	CU_ASSERT_EQUAL(up.b[10], 0x80);
	CU_ASSERT(addr_at(up.b + 24, RELAY));
	/* the client's options as they were */
	CU_ASSERT(option_is(up.b, up.len, 61, "id", 2));
	CU_ASSERT(option_is(up.b, up.len, 55, "\1\3", 2));
	CU_ASSERT(option_is(up.b, up.len, 43, "\xff\x52", 2));
	/* RFC 3046 2.0, RFC 3527 3, RFC 5010 2, RFC 5107 4 */
	o.p = want;
	o8(&o, 1);
	o8(&o, sizeof(CIRCUIT) - 1);
	memcpy(o.p, CIRCUIT, sizeof(CIRCUIT) - 1);
	o.p += sizeof(CIRCUIT) - 1;
	oopt(&o, 2, HOME);
	oopt(&o, 5, "10.1.0.0");
	o8(&o, 10);
	o8(&o, 1);
	o8(&o, 0);
	oopt(&o, 11, ROUTER);
	len = option(up.b, up.len, 82, &p);
	CU_ASSERT_EQUAL_FATAL(len, o.p - want);
	CU_ASSERT(!memcmp(p, want, (size_t)len));
	CU_ASSERT_EQUAL(p[len], 255); /* it is the last one */
	/* a unicast one says so */
	ASK(3, 8, .src = HOME, .dst = ROUTER, .ciaddr = HOME);
	option(up.b, up.len, 82, &p);
	CU_ASSERT_EQUAL(p[sizeof(CIRCUIT) + 1 + 6 + 6 + 2], 0x80);
	stop();
}

static void test_other_addresses(void)
{
	start();
	CU_ASSERT_EQUAL(ASK(3, 7, .requested = OTHER, .server_id = ROUTER), DHCP4_RELAY_ADDRESS);
	CU_ASSERT_EQUAL(ASK(3, 7, .requested = OTHER), DHCP4_RELAY_ADDRESS);
	CU_ASSERT_EQUAL(ASK(3, 7), DHCP4_RELAY_ADDRESS);
	CU_ASSERT_EQUAL(ASK(3, 7, .src = OTHER, .ciaddr = OTHER), DHCP4_RELAY_ADDRESS);
	CU_ASSERT_EQUAL(ASK(3, 7, .ciaddr = HOME, .requested = OTHER), DHCP4_RELAY_ADDRESS);
	CU_ASSERT_EQUAL(ASK(7, 7, .ciaddr = OTHER), DHCP4_RELAY_ADDRESS);
	CU_ASSERT_EQUAL(ASK(4, 7, .requested = OTHER), DHCP4_RELAY_ADDRESS);
	CU_ASSERT_EQUAL(up.n, 0);
	CU_ASSERT_EQUAL(count(DHCP4_RELAY_ADDRESS), 7);
	/* a wish is the server's business */
	CU_ASSERT_EQUAL(ASK(1, 7, .requested = OTHER), DHCP4_RELAYED);
	CU_ASSERT_EQUAL(ASK(8, 7, .src = HOME, .ciaddr = HOME), DHCP4_RELAYED);
	CU_ASSERT_EQUAL(ASK(7, 7, .src = HOME, .ciaddr = HOME), DHCP4_RELAYED);
	CU_ASSERT_EQUAL(ASK(4, 7, .requested = HOME), DHCP4_RELAYED);
	stop();
}

static void test_servers(void)
{
	start_with(2);
	ASK(1, 7);
	CU_ASSERT_EQUAL(up.n, 2);
	CU_ASSERT_EQUAL(up.to[1].s_addr, ip(SERVER2).s_addr);
	/* RFC 5107: all go by one identifier, so the first that offers is the one chosen */
	SAY(2, HOME, .from = SERVER2);
	CU_ASSERT_EQUAL(down.n, 1);
	SAY(2, HOME, .from = SERVER);
	CU_ASSERT_EQUAL(down.n, 1);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_SECOND), 1);
	up.n = 0;
	ASK(3, 7, .requested = HOME, .server_id = ROUTER);
	CU_ASSERT_EQUAL(up.n, 1);
	CU_ASSERT_EQUAL(up.to[0].s_addr, ip(SERVER2).s_addr);
	SAY(5, HOME, .from = SERVER2);
	CU_ASSERT_EQUAL(down.n, 2);
	/* a renewal goes to it alone, rebinding and rebooting clients ask all */
	up.n = 0;
	ASK(3, 8, .src = HOME, .dst = ROUTER, .ciaddr = HOME);
	CU_ASSERT_EQUAL(up.n, 1);
	ASK(3, 9, .src = HOME, .ciaddr = HOME);
	CU_ASSERT_EQUAL(up.n, 3);
	ASK(3, 10, .requested = HOME);
	CU_ASSERT_EQUAL(up.n, 5);
	/* one that is no server any more is not chosen; nor is it believed */
	{
		const struct in_addr left = ip(SERVER);

		dhcp4_relay_servers(r, ip(RELAY), &left, 1);
	}
	up.n = 0;
	ASK(3, 11, .src = HOME, .dst = ROUTER, .ciaddr = HOME);
	CU_ASSERT_EQUAL(up.n, 1);
	CU_ASSERT_EQUAL(up.to[0].s_addr, ip(SERVER).s_addr);
	SAY(5, HOME, .from = SERVER2, .xid = 11);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_SERVER), 1);
	/* a new DISCOVER begins anew */
	stop();
	start_with(2);
	ASK(1, 7);
	SAY(2, HOME, .from = SERVER2);
	ASK(1, 20);
	SAY(2, HOME, .from = SERVER, .xid = 20);
	CU_ASSERT_EQUAL(down.n, 2);
	stop();
}

static void test_no_room(void)
{
	static uint8_t more[1300];
	struct client c = {1, 7, .more = more};

	/* the longest message of a node still gets the option */
	start();
	c.more_len = 1472 - 240 - 3 - 1;
	for (size_t i = 0; i + 2 <= c.more_len;) {
		const size_t n = c.more_len - i - 2 < 250 ? c.more_len - i - 2 : 250;

		more[i] = 43;
		more[i + 1] = (uint8_t)n;
		i += 2 + n;
	}
	CU_ASSERT_EQUAL(ask(&c), DHCP4_RELAYED);
	CU_ASSERT(option(up.b, up.len, 82, NULL) > 0);
	stop();
	start();
	send_result = -ENETUNREACH;
	CU_ASSERT_EQUAL(ASK(1, 7), DHCP4_RELAY_SEND_FAILED);
	stop();
	start_with(0);
	CU_ASSERT_EQUAL(ASK(1, 7), DHCP4_RELAY_NO_SERVER);
	stop();
}

/* ---- to nodes ---- */

static void test_what_nodes_get(void)
{
	static const uint8_t mac[] = {2, 0, 0, 0, 0, 1}, all[] = {255, 255, 255, 255, 255, 255};
	const uint8_t *m = down.b + MSG_AT;

	start();
	ASK(1, 7);
	SAY(2, HOME);
	CU_ASSERT_EQUAL_FATAL(down.n, 1);
	CU_ASSERT_EQUAL(down.ifindex, ACC0);
	CU_ASSERT(frame_is_sound(down.b, down.len));
	CU_ASSERT(!memcmp(down.b, mac, 6));
	CU_ASSERT(!memcmp(down.b + 6, node.gateway.b, 6));
	CU_ASSERT(addr_at(down.b + 26, ROUTER));
	CU_ASSERT(addr_at(down.b + 30, HOME));
	CU_ASSERT(addr_at(m + 16, HOME));
	CU_ASSERT_EQUAL(option(m, down.len - MSG_AT, 82, NULL), -1);
	CU_ASSERT(option_is_addr(m, down.len - MSG_AT, 54, ROUTER));
	/* by broadcast, when the client set the flag */
	SAY(2, HOME, .flags = 0x8000);
	CU_ASSERT(addr_at(down.b + 30, "255.255.255.255"));
	CU_ASSERT(!memcmp(down.b, mac, 6));
	node.point_to_point = true;
	SAY(2, HOME, .flags = 0x8000);
	CU_ASSERT(!memcmp(down.b, all, 6));
	node.point_to_point = false;
	/* to ciaddr, when it has one */
	ASK(3, 8, .src = HOME, .dst = ROUTER, .ciaddr = HOME);
	SAY(5, HOME, .ciaddr = HOME, .xid = 8, .flags = 0x8000);
	CU_ASSERT(addr_at(down.b + 30, HOME));
	/* INFORM: nothing is assigned */
	ASK(8, 9, .src = HOME, .ciaddr = HOME);
	SAY(5, NULL, .ciaddr = HOME, .xid = 9);
	CU_ASSERT_EQUAL(down.n, 5);
	/* a NAK by broadcast, always */
	ASK(3, 10, .requested = HOME);
	SAY(6, NULL, .xid = 10);
	CU_ASSERT_EQUAL(down.n, 6);
	CU_ASSERT(addr_at(down.b + 30, "255.255.255.255"));
	CU_ASSERT_EQUAL(count(DHCP4_DELIVERED), 6);
	stop();
}

static void test_replies_not_believed(void)
{
	static const uint8_t foreign[] = "\x01\x16"
					 "acc9/02:00:00:00:00:01";
	static const uint8_t written[] = "\x01\x16"
					 "acc0/02:00:00:00:00:0G";
	static const uint8_t spelt[] = "\x01\x11"
				       "acc0/2:0:0:0:0:01";
	static const uint8_t dashes[] = "\x01\x16"
					"acc0/02-00-00-00-00-01";
	static const uint8_t slash[] = "\x01\x04"
				       "acc0";
	static const uint8_t twice[] = "\x01\x01x\x01\x01y";
	static const uint8_t cut[] = "\x01\x30"
				     "acc0/02:00:00:00:00:01";
	static const uint8_t none[] = "\x02\x01x";
	static const struct {
		const uint8_t *p;
		size_t len;
	} agents[] = {
		{foreign, sizeof(foreign) - 1},
		{written, sizeof(written) - 1},
		{spelt,	sizeof(spelt) - 1	 },
		{dashes,	 sizeof(dashes) - 1 },
		{slash,	sizeof(slash) - 1	 },
		{twice,	sizeof(twice) - 1	 },
		{cut,     sizeof(cut) - 1    },
		{none,    sizeof(none) - 1   },
	};
	static const uint8_t other_node[] = "\x01\x16"
					    "acc0/02:00:00:00:00:02";

	start();
	SAY(2, HOME, .agent = (const uint8_t *)"\x01\x16" CIRCUIT, .agent_len = 24);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_XID), 1); /* nobody asked */
	ASK(1, 7);
	SAY(2, HOME, .from = OTHER);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_SERVER), 1);
	SAY(2, HOME, .giaddr = SERVER);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_GIADDR), 1);
	SAY(2, HOME, .xid = 8);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_XID), 2);
	SAY(2, HOME, .chaddr = 2);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_CHADDR), 1);
	SAY(2, HOME, .request = true);
	SAY(1, HOME);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_MALFORMED), 2);
	for (size_t i = 0; i < ARRAY_SIZE(agents); i++)
		SAY(2, HOME, .agent = agents[i].p, .agent_len = agents[i].len);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_AGENT), ARRAY_SIZE(agents));
	SAY(2, HOME, .agent = other_node, .agent_len = sizeof(other_node) - 1);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_UNSERVED), 1);
	/* RFC 5844 3.4.2 */
	SAY(2, OTHER);
	SAY(5, OTHER);
	SAY(2, NULL);
	SAY(2, NULL, .ciaddr = HOME);
	SAY(5, NULL, .ciaddr = OTHER);
	SAY(5, OTHER, .ciaddr = HOME);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_ADDRESS), 6);
	node_served = false;
	SAY(2, HOME);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_UNSERVED), 2);
	node_served = true;
	CU_ASSERT_EQUAL(down.n, 0);
	send_result = -ENETDOWN;
	SAY(2, HOME);
	CU_ASSERT_EQUAL(count(DHCP4_RELAY_SEND_FAILED), 1);
	CU_ASSERT_EQUAL(count(DHCP4_DELIVERED), 0);
	stop();
}

static void test_replies_without_option(void)
{
	uint8_t msg[FRAME_CAP];
	size_t len;

	start();
	ASK(1, 7);
	len = answer(&(const struct says){2, HOME}, msg);
	for (size_t n = 0; n < len; n++)
		dhcp4_relay_reply(r, ip(SERVER), msg, n, 0);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_MALFORMED), len);
	/* the server does not know the option */
	len = (size_t)(memchr(msg + 240, 82, len - 240) - (void *)msg);
	msg[len++] = 255;
	dhcp4_relay_reply(r, ip(SERVER), msg, len, 0);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_AGENT), 1);
	CU_ASSERT_EQUAL(down.n, 0);
	stop();
}

static void test_reply_too_long(void)
{
	start();
	ASK(1, 7);
	SAY(2, HOME, .fill = 1160);
	CU_ASSERT_EQUAL(down.n, 1);
	node.mtu = 1280;
	SAY(2, HOME, .fill = 1160);
	SAY(2, HOME, .fill = 2000);
	CU_ASSERT_EQUAL(count(DHCP4_REPLY_TOO_LONG), 2);
	CU_ASSERT_EQUAL(down.n, 1);
	CU_ASSERT_STRING_EQUAL(dhcp4_relay_fate_name(DHCP4_REPLY_TOO_LONG), "reply_too_long");
	CU_ASSERT_STRING_EQUAL(dhcp4_relay_fate_name(DHCP4_RELAY_FATE_MAX), "unknown");
	stop();
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"RFC 5844 3.4.2 servers get giaddr and the agent's option with the home address", test_what_servers_get},
		{"RFC 5844 3.4.2 messages about another address are dropped", test_other_addresses},
		{"RFC 5107 one server is chosen, and asked alone", test_servers},
		{"RFC 3046 2.1 the longest message has room for the option", test_no_room},
		{"RFC 1542 4.1.2 where replies go, without the agent's option", test_what_nodes_get},
		{"RFC 5844 3.4.2 replies not believed: server, circuit, node, request, address", test_replies_not_believed},
		{"replies cut at any octet, or without the option", test_replies_without_option},
		{"replies longer than the link are dropped", test_reply_too_long},
		{0},
	};
	// clang-format on

	return cu_main("dhcp4_relay", tests, argc, argv);
}
