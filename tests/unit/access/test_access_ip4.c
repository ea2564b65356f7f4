/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 on an access link against an imaginary MAG: DHCPv4 and ARP frames in, frames and triggers
 * out, on a clock that the test moves. Arrows in comments: N node, A access, M MAG, S server.
 */
#include "lib/cu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "access/access.h"
#include "base/log.h"
#include "base/util.h"
#include "unit/access/dhcp4_frames.h"
#include "unit/access/frames.h"

#define ACC0   3u
#define ACC1   4u /* point to point */
#define MS(n)  nsec_from_ms(n)
#define S(n)   nsec_from_s(n)
#define HOME   "10.1.0.7"
#define ROUTER "10.1.0.1"
#define OTHER  "10.1.0.8"
#define RELAY  "192.0.2.1"
#define SERVER "192.0.2.67"

static const struct link_node n1 = {ACC0, {{0x02, 0, 0, 0, 0, 0x01}}};

static struct access *a;
static struct link_ops mag;
static nsec_t now;

static struct {
	unsigned ifindex;
	uint8_t b[DHCP4_FRAME_MAX];
	size_t len;
} sent[4096];
static unsigned n_sent;
static int send_result;

static struct {
	uint8_t b[4096];
	size_t len;
	struct in_addr to;
	unsigned n;
} served; /* to a DHCPv4 server */

static struct {
	unsigned attach, detach, confirmed, release;
	struct mag_attachment last;
	char cause[32];
	struct in_addr released;
	int attach_result;
	bool advertise_at_once;
} m;

static struct prefix6 prefix;
static struct link_advert ad;

static int fake_send(void *ctx, unsigned ifindex, const void *frame, size_t len)
{
	if (send_result)
		return send_result;
	if (n_sent < ARRAY_SIZE(sent)) {
		sent[n_sent].ifindex = ifindex;
		sent[n_sent].len = len;
		memcpy(sent[n_sent].b, frame, len);
	}
	n_sent++;
	return 0;
}

static void fake_random(void *ctx, void *buf, size_t len)
{
	memset(buf, 0, len);
}

static int fake_to_server(void *ctx, struct in_addr server, const void *msg, size_t len)
{
	served.n++;
	served.to = server;
	served.len = len;
	memcpy(served.b, msg, len);
	return 0;
}

static int fake_attach(void *ctx, const struct mag_attachment *at, nsec_t t)
{
	m.attach++;
	m.last = *at;
	snprintf(m.cause, sizeof(m.cause), "%s", at->cause);
	if (!m.attach_result && m.advertise_at_once)
		mag.advertise(mag.ctx, &at->node, &ad);
	return m.attach_result;
}

static int fake_detach(void *ctx, const struct link_node *n, const char *cause, nsec_t t)
{
	m.detach++;
	return 0;
}

static void fake_confirmed(void *ctx, const struct link_node *n, nsec_t t)
{
	m.confirmed++;
}

static int fake_release(void *ctx, const struct link_node *n, struct in_addr addr,
			const char *cause, nsec_t t)
{
	struct link_advert without = ad;

	m.release++;
	m.released = addr;
	snprintf(m.cause, sizeof(m.cause), "%s", cause);
	without.home4 = (struct home4){0};
	if (without.n_prefixes)
		mag.advertise(mag.ctx, n, &without);
	else
		mag.withdraw(mag.ctx, n, false);
	return 0;
}

static void no_log(void *ctx, enum log_class cls, const char *line)
{
}

static struct access_link_cfg link_cfg(unsigned ifindex)
{
	struct access_link_cfg l = {
		.ifindex = ifindex,
		.att = ATT_WIFI,
		.mtu = 1500,
		.probe_interval_ms = 1000,
		.probe_count = 3,
		.triggers = ACCESS_TRIGGER_ALL,
		.domain = 5,
		.point_to_point = ifindex == ACC1,
	};

	snprintf(l.name, sizeof(l.name), "acc%u", ifindex - ACC0);
	return l;
}

static void start_with(const struct access_cfg *cfg)
{
	static const struct access_ops ops = {
		.send = fake_send, .random = fake_random, .to_dhcp4_server = fake_to_server};
	static const struct access_triggers triggers = {
		.attach = fake_attach,
		.detach = fake_detach,
		.confirmed = fake_confirmed,
		.release_ipv4 = fake_release,
	};
	struct access_link_cfg l0 = link_cfg(ACC0), l1 = link_cfg(ACC1);

	log_set_sink(no_log, NULL);
	memset(&m, 0, sizeof(m));
	memset(&served, 0, sizeof(served));
	n_sent = 0;
	send_result = 0;
	now = S(1000);
	prefix6_parse("2001:db8:100:1::/64", &prefix);
	/* a dual-stack node by default */
	ad = (struct link_advert){
		.prefixes = &prefix,
		.n_prefixes = 1,
		.valid_s = 3600,
		.preferred_s = 3600,
		.link_local = nd_rfc6543_linklocal,
		.home4 = {.addr = ip(HOME), .router = ip(ROUTER), .len = 16},
		.mtu4 = 1420,
	};
	CU_ASSERT_EQUAL_FATAL(access_new(&a, cfg, &ops, NULL), 0);
	access_bind(a, &triggers);
	mag = access_link_ops(a);
	CU_ASSERT_EQUAL(access_link_put(a, &l0), 0);
	CU_ASSERT_EQUAL(access_link_put(a, &l1), 0);
	access_link_up(a, ACC0, now);
	access_link_up(a, ACC1, now);
}

static void start(void)
{
	struct access_cfg cfg;

	access_cfg_init(&cfg);
	start_with(&cfg);
}

static void stop(void)
{
	access_free(&a);
}

static void run(nsec_t dt)
{
	const nsec_t t = now + dt;

	for (int i = 0; i < 100000 && access_next(a) <= t; i++) {
		if (access_next(a) > now)
			now = access_next(a);
		access_tick(a, now);
	}
	now = t;
}

/* N -> A */
static void tell_on(unsigned ifindex, const struct client *c)
{
	uint8_t f[FRAME_CAP];

	access_frame(a, ifindex, f, client_frame(c, f), false, now);
}
#define TELL(...) tell_on(ACC0, &(const struct client){__VA_ARGS__})

static void arp_from(uint8_t mac, bool request, const char *sender, const char *target)
{
	uint8_t f[64] = {0};
	struct out o = {f};

	memset(o.p, 0xff, 6);
	o.p += 6;
	omac(&o, mac);
	o16(&o, 0x0806);
	o16(&o, 1);
	o16(&o, 0x0800);
	o16(&o, 0x0604);
	o16(&o, request ? 1 : 2);
	omac(&o, mac);
	oaddr(&o, sender);
	o.p += 6;
	oaddr(&o, target);
	access_frame(a, ACC0, f, 60, false, now);
}

static bool is_dhcp(unsigned i)
{
	return i < n_sent && sent[i].b[12] == 8 && sent[i].b[13] == 0;
}

static bool is_arp(unsigned i, uint8_t op)
{
	return i < n_sent && sent[i].b[12] == 8 && sent[i].b[13] == 6 && sent[i].b[21] == op;
}

static unsigned sent_dhcp(uint8_t type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_sent; i++)
		n += is_dhcp(i) &&
		     option_is(sent[i].b + MSG_AT, sent[i].len - MSG_AT, 53, &type, 1);
	return n;
}

static unsigned sent_arp(uint8_t op)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_sent; i++)
		n += is_arp(i, op);
	return n;
}

static unsigned sent_icmp(uint8_t type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_sent; i++)
		n += sent[i].b[12] == 0x86 && sent[i].b[54] == type;
	return n;
}

static void advertise(void)
{
	mag.advertise(mag.ctx, &n1, &ad);
}

static uint64_t fate(enum dhcp4_fate f)
{
	return access_dhcp4_server_counters(a).value[f];
}

static uint64_t arps(enum arp_fate f)
{
	return access_arp_counters(a).value[f];
}

static uint64_t relayed(enum dhcp4_relay_fate f)
{
	return access_dhcp4_relay_counters(a).value[f];
}

static struct access_node_info info;
static void note(void *ctx, const struct access_node_info *i)
{
	info = *i;
}

/* ---- the server ---- */

/* RFC 5844 figure 7 */
static void test_discover_makes_the_mag_register(void)
{
	start();
	TELL(1, 7);		      /* N -> A DISCOVER */
	CU_ASSERT_EQUAL(m.attach, 1); /* A -> M */
	CU_ASSERT_STRING_EQUAL(m.cause, "dhcp");
	CU_ASSERT(m.last.wants_ipv4);
	CU_ASSERT_EQUAL(m.last.domain, 5);
	CU_ASSERT_EQUAL(m.last.node.ifindex, ACC0);
	run(MS(300));
	CU_ASSERT_EQUAL(n_sent, 0);
	CU_ASSERT_EQUAL(fate(DHCP4_HELD), 1);
	advertise(); /* M -> A */
	run(0);
	CU_ASSERT_EQUAL(sent_dhcp(2), 1); /* A -> N OFFER */
	CU_ASSERT_EQUAL(fate(DHCP4_OFFERED), 1);
	TELL(3, 7, .requested = HOME, .server_id = ROUTER);
	CU_ASSERT_EQUAL(sent_dhcp(5), 1);
	CU_ASSERT_EQUAL(m.attach, 1);
	access_walk(a, note, NULL);
	CU_ASSERT_EQUAL(info.home4.addr.s_addr, ip(HOME).s_addr);
	CU_ASSERT_EQUAL(info.lease_end, now + S(3600));
	CU_ASSERT_FALSE(info.dhcp4_relay);
	/* answered once */
	run(S(20));
	CU_ASSERT_EQUAL(sent_dhcp(2) + sent_dhcp(5), 2);
	stop();
}

static void test_mag_may_advertise_inside_attach(void)
{
	start();
	m.advertise_at_once = true;
	TELL(1, 7);
	CU_ASSERT_EQUAL(sent_dhcp(2), 1);
	CU_ASSERT_EQUAL(fate(DHCP4_HELD), 0);
	stop();
}

static void test_newest_wins(void)
{
	const uint8_t *p;

	start();
	TELL(1, 7);
	run(S(3));
	TELL(1, 8);
	CU_ASSERT_EQUAL(fate(DHCP4_REPLACED), 1);
	CU_ASSERT_EQUAL(m.attach, 2); /* the MAG hears of it again, a second or more later */
	advertise();
	run(0);
	CU_ASSERT_EQUAL(sent_dhcp(2), 1);
	p = sent[n_sent - 1].b + MSG_AT;
	CU_ASSERT_EQUAL(p[7], 8);
	stop();
}

static void test_hold_ends(void)
{
	start();
	TELL(1, 7);
	run(S(9));
	CU_ASSERT_EQUAL(fate(DHCP4_EXPIRED), 0);
	run(S(2));
	CU_ASSERT_EQUAL(fate(DHCP4_EXPIRED), 1);
	advertise();
	run(S(1));
	CU_ASSERT_EQUAL(sent_dhcp(2), 0);
	stop();
}

static void test_holds_are_bounded(void)
{
	struct access_cfg cfg;

	access_cfg_init(&cfg);
	cfg.attach_rate = 100000;
	start_with(&cfg);
	for (unsigned i = 0; i < 5000; i++) {
		const struct client c = {1, i};
		uint8_t f[FRAME_CAP];
		const size_t len = client_frame(&c, f);

		put16(f + 9, i + 2);
		put16(f + MSG_AT + 31, i + 2);
		f[11] = f[MSG_AT + 33] = 1;
		access_frame(a, ACC0, f, frame_finish(f, len - MSG_AT), false, now);
	}
	CU_ASSERT_EQUAL(m.attach, 5000);
	CU_ASSERT_EQUAL(fate(DHCP4_HELD), 4096);
	CU_ASSERT_EQUAL(fate(DHCP4_HOLD_FULL), 904);
	run(S(11));
	CU_ASSERT_EQUAL(fate(DHCP4_EXPIRED), 4096);
	TELL(1, 7);
	CU_ASSERT_EQUAL(fate(DHCP4_HELD), 4097);
	stop();
}

/* RFC 5844 3.4.3: the node moved, its link came up, it asks for what it had. */
static void test_init_reboot_waits(void)
{
	start();
	TELL(3, 7, .requested = HOME);
	CU_ASSERT_EQUAL(m.attach, 1);
	CU_ASSERT(m.last.wants_ipv4);
	CU_ASSERT_EQUAL(n_sent, 0);
	advertise();
	run(0);
	CU_ASSERT_EQUAL(sent_dhcp(5), 1);
	stop();

	start();
	TELL(3, 7, .requested = OTHER);
	CU_ASSERT_EQUAL(n_sent, 0);
	advertise();
	run(0);
	CU_ASSERT_EQUAL(sent_dhcp(6), 1);
	CU_ASSERT_EQUAL(fate(DHCP4_NAKED_ADDRESS), 1);
	stop();
}

/* RFC 5844 figure 8: a node that moved without noticing renews with the MAG at hand. */
static void test_renewal_after_handover(void)
{
	start();
	TELL(3, 7, .src = HOME, .dst = ROUTER, .ciaddr = HOME);
	CU_ASSERT_EQUAL(m.attach, 1);
	advertise();
	run(0);
	CU_ASSERT_EQUAL(sent_dhcp(5), 1);
	CU_ASSERT_EQUAL(fate(DHCP4_ACKED_RENEWING), 1);
	stop();
}

static void test_registration_without_ipv4(void)
{
	struct access_cfg cfg;

	/* the server's identifier is not known: silence (RFC 2131 4.3.2) */
	start();
	ad.home4 = (struct home4){0};
	TELL(3, 7, .requested = HOME);
	advertise();
	run(S(2));
	CU_ASSERT_EQUAL(sent_dhcp(6), 0);
	CU_ASSERT_EQUAL(fate(DHCP4_EXPIRED), 1);
	/* a unicast renewal names the server: NAK */
	TELL(3, 8, .src = HOME, .dst = ROUTER, .ciaddr = HOME);
	run(S(11));
	CU_ASSERT_EQUAL(sent_dhcp(6), 1);
	CU_ASSERT_EQUAL(fate(DHCP4_NAKED_NO_IPV4), 1);
	stop();

	/* a fixed identifier: NAK, but not at once, as the address may be under way */
	access_cfg_init(&cfg);
	cfg.dhcp4_server_id = ip("192.0.0.8");
	start_with(&cfg);
	ad.home4 = (struct home4){0};
	TELL(3, 7, .requested = HOME);
	advertise();
	run(MS(900));
	CU_ASSERT_EQUAL(sent_dhcp(6), 0);
	run(MS(200));
	CU_ASSERT_EQUAL(sent_dhcp(6), 1);
	/* a DISCOVER is never refused, and another server's client neither */
	TELL(1, 8);
	advertise();
	run(S(2));
	TELL(3, 9, .requested = HOME, .server_id = ROUTER);
	advertise();
	run(S(2));
	CU_ASSERT_EQUAL(sent_dhcp(6), 1);
	CU_ASSERT_EQUAL(fate(DHCP4_OTHER_SERVER), 1);
	/* and the address that comes in time */
	TELL(3, 10, .requested = HOME);
	advertise();
	run(MS(500));
	ad.home4 = (struct home4){.addr = ip(HOME), .router = ip(ROUTER), .len = 16};
	advertise();
	run(0);
	CU_ASSERT_EQUAL(sent_dhcp(5), 1);
	CU_ASSERT_EQUAL(sent_dhcp(6), 1);
	stop();
}

/* A session with prefixes alone gets IPv4 when the node asks. */
static void test_ipv4_comes_later(void)
{
	const struct home4 home = {.addr = ip(HOME), .router = ip(ROUTER), .len = 16};

	start();
	ad.home4 = (struct home4){0};
	advertise();
	run(S(2));
	CU_ASSERT_EQUAL(m.attach, 0);
	TELL(1, 7);
	CU_ASSERT_EQUAL(m.attach, 1);
	CU_ASSERT(m.last.wants_ipv4);
	/* its repetitions are paced */
	TELL(1, 7);
	run(MS(500));
	TELL(1, 7);
	CU_ASSERT_EQUAL(m.attach, 1);
	ad.home4 = home;
	advertise();
	run(0);
	CU_ASSERT_EQUAL(sent_dhcp(2), 1);
	stop();
}

static void test_refused_node_gets_nothing(void)
{
	start();
	m.attach_result = -EPERM;
	TELL(1, 7);
	TELL(3, 7, .requested = HOME);
	CU_ASSERT_EQUAL(m.attach, 1);
	CU_ASSERT_EQUAL(fate(DHCP4_UNSERVED), 2);
	run(S(20));
	CU_ASSERT_EQUAL(n_sent, 0);
	stop();
}

static void test_trigger_switch(void)
{
	struct access_link_cfg l = link_cfg(ACC0);

	start();
	l.triggers &= ~(unsigned)ACCESS_TRIGGER_DHCP;
	access_link_put(a, &l);
	TELL(1, 7);
	CU_ASSERT_EQUAL(m.attach, 0);
	CU_ASSERT_EQUAL(fate(DHCP4_UNSERVED), 1);
	l.triggers = ACCESS_TRIGGER_DHCP;
	access_link_put(a, &l);
	arp_from(1, true, HOME, ROUTER);
	CU_ASSERT_EQUAL(m.attach, 0);
	TELL(1, 7);
	CU_ASSERT_EQUAL(m.attach, 1);
	stop();
	/* what asks for nothing announces nobody */
	start();
	TELL(7, 7, .src = HOME, .dst = ROUTER, .ciaddr = HOME);
	TELL(4, 7, .requested = HOME);
	CU_ASSERT_EQUAL(m.attach, 0);
	stop();
}

/* The MAG was started again: the lease goes on as if nothing had been. */
static void test_resumed_lease(void)
{
	start();
	mag.resume(mag.ctx, &n1, &ad, &in6addr_any);
	run(0);
	CU_ASSERT_EQUAL(n_sent, 0);
	TELL(3, 9, .ciaddr = HOME, .dst = ROUTER);
	CU_ASSERT_EQUAL(sent_dhcp(5), 1);
	CU_ASSERT_EQUAL(fate(DHCP4_ACKED_RENEWING), 1);
	CU_ASSERT_EQUAL(m.attach, 0);
	arp_from(1, true, HOME, ROUTER);
	CU_ASSERT_EQUAL(sent_arp(2), 1);
	/* without a link-local address known it is asked by ARP, if it has nothing else */
	n_sent = 0;
	mag.withdraw(mag.ctx, &n1, false);
	ad.n_prefixes = 0;
	mag.resume(mag.ctx, &n1, &ad, &in6addr_any);
	mag.verify(mag.ctx, &n1);
	run(0);
	CU_ASSERT_EQUAL(sent_arp(1), 1);
	stop();
}

static void test_release(void)
{
	start();
	advertise();
	TELL(3, 7, .requested = HOME, .server_id = ROUTER);
	CU_ASSERT_EQUAL(sent_dhcp(5), 1);
	TELL(7, 8, .src = OTHER, .dst = ROUTER, .ciaddr = OTHER, .server_id = ROUTER);
	CU_ASSERT_EQUAL(m.release, 0);
	TELL(7, 8, .src = HOME, .dst = ROUTER, .ciaddr = HOME, .server_id = ROUTER);
	CU_ASSERT_EQUAL(m.release, 1);
	CU_ASSERT_STRING_EQUAL(m.cause, "dhcp-release");
	CU_ASSERT_EQUAL(m.released.s_addr, ip(HOME).s_addr);
	access_walk(a, note, NULL);
	CU_ASSERT_EQUAL(info.lease_end, 0);
	CU_ASSERT_EQUAL(info.home4.addr.s_addr, 0);
	CU_ASSERT_EQUAL(info.n_prefixes, 1); /* they stay */
	CU_ASSERT(info.served);
	/* it has no address now */
	TELL(7, 9, .src = HOME, .dst = ROUTER, .ciaddr = HOME, .server_id = ROUTER);
	CU_ASSERT_EQUAL(m.release, 1);
	CU_ASSERT_EQUAL(fate(DHCP4_NO_IPV4), 1);
	CU_ASSERT_EQUAL(m.detach, 0);
	run(S(2));
	TELL(1, 10);
	CU_ASSERT(m.last.wants_ipv4);
	CU_ASSERT_STRING_EQUAL(m.cause, "dhcp");
	stop();
	/* of a node without prefixes */
	start();
	ad.n_prefixes = 0;
	advertise();
	TELL(7, 8, .src = HOME, .dst = ROUTER, .ciaddr = HOME);
	CU_ASSERT_EQUAL(m.release, 1);
	access_walk(a, note, NULL);
	CU_ASSERT_FALSE(info.served);
	stop();
}

static void test_decline(void)
{
	start();
	advertise();
	TELL(4, 7, .requested = OTHER, .server_id = ROUTER);
	CU_ASSERT_EQUAL(m.release, 0);
	TELL(4, 7, .requested = HOME, .server_id = ROUTER);
	CU_ASSERT_EQUAL(m.release, 1);
	CU_ASSERT_STRING_EQUAL(m.cause, "dhcp-decline");
	CU_ASSERT_EQUAL(n_sent - sent_icmp(134), 0);
	stop();
}

static void test_lease_time(void)
{
	struct access_cfg cfg;

	access_cfg_init(&cfg);
	CU_ASSERT_EQUAL(cfg.dhcp4_max_lease_s, 3600);
	cfg.dhcp4_max_lease_s = 600;
	start_with(&cfg);
	advertise();
	n_sent = 0;
	TELL(1, 7);
	CU_ASSERT(option_is_u32(sent[0].b + MSG_AT, sent[0].len - MSG_AT, 51, 600));
	ad.valid_s = 40;
	advertise();
	n_sent = 0;
	TELL(1, 7);
	CU_ASSERT(option_is_u32(sent[0].b + MSG_AT, sent[0].len - MSG_AT, 51, 40));
	/* the service ends: nothing is leased any more */
	ad.valid_s = ad.preferred_s = 0;
	advertise();
	n_sent = 0;
	TELL(1, 7);
	CU_ASSERT_EQUAL(sent_dhcp(2), 0);
	stop();
}

static void test_mtu(void)
{
	static const struct {
		uint32_t mtu4, link;
		const char *want;
	} rows[] = {
		{1420,   1500, "\x05\x8c"},
		  {1420,	 1400, "\x05\x78"},
		    {0,	1400, "\x05\x78"},
		{0,	    0,    "\x05\x00"},
		  {100000, 0,    "\xff\xff"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct access_link_cfg l = link_cfg(ACC0);

		start();
		l.mtu = rows[i].link;
		access_link_put(a, &l);
		ad.mtu4 = rows[i].mtu4;
		ad.n_prefixes = 0;
		advertise();
		TELL(1, 7);
		CU_ASSERT(option_is(sent[0].b + MSG_AT, sent[0].len - MSG_AT, 26, rows[i].want, 2));
		stop();
	}
}

/* Someone with another's identity in the message, or none of its own. */
static void test_hostile(void)
{
	const struct client theft = {1, 7, .mac = 2};
	uint8_t f[FRAME_CAP];
	size_t len;

	start();
	advertise();
	n_sent = 0;
	/* chaddr of another node */
	len = client_frame(&theft, f);
	f[11] = 1;
	access_frame(a, ACC0, f, len, false, now);
	CU_ASSERT_EQUAL(access_dhcp4_counters(a).value[DHCP4_BAD_CHADDR], 1);
	/* forged giaddr */
	TELL(1, 7, .giaddr = OTHER);
	CU_ASSERT_EQUAL(access_dhcp4_counters(a).value[DHCP4_FROM_RELAY], 1);
	/* the gateway's own address as source */
	len = client_frame(&theft, f);
	memcpy(f + 6, nd_rfc6543_mac.b, 6);
	memcpy(f + MSG_AT + 28, nd_rfc6543_mac.b, 6);
	frame_finish(f, len - MSG_AT);
	access_frame(a, ACC0, f, len, false, now);
	CU_ASSERT_EQUAL(access_counters(a).value[ACCESS_C_OWN_MAC], 1);
	/* another node asks for this one's address: it gets its own, and a NAK for that one */
	ad.home4.addr = ip(OTHER);
	m.advertise_at_once = true;
	TELL(3, 7, .mac = 2, .requested = HOME, .server_id = ROUTER);
	CU_ASSERT_EQUAL(sent_dhcp(6), 1);
	CU_ASSERT_EQUAL(sent_dhcp(5), 0);
	CU_ASSERT_EQUAL(sent[n_sent - 1].b[5], 2);
	/* and cannot release it */
	TELL(7, 7, .mac = 2, .src = HOME, .dst = ROUTER, .ciaddr = HOME);
	CU_ASSERT_EQUAL(m.release, 0);
	stop();
}

static void test_dhcp_storm_of_one_node(void)
{
	start();
	advertise();
	for (unsigned i = 0; i < 1000; i++)
		TELL(1, i);
	CU_ASSERT_EQUAL(sent_dhcp(2), 10);
	CU_ASSERT_EQUAL(fate(DHCP4_RATE_LIMITED), 990);
	CU_ASSERT(m.attach <= 1);
	run(S(1));
	TELL(1, 7);
	CU_ASSERT_EQUAL(sent_dhcp(2), 11);
	stop();
}

/* A thousand nodes at once: the MAG hears of them at the configured rate. */
static void test_discover_storm(void)
{
	start();
	for (unsigned i = 0; i < 1000; i++) {
		const struct client c = {1, i};
		uint8_t f[FRAME_CAP];
		const size_t len = client_frame(&c, f);

		put16(f + 8, i);
		put16(f + MSG_AT + 30, i);
		access_frame(a, ACC0, f, frame_finish(f, len - MSG_AT), false, now);
	}
	CU_ASSERT_EQUAL(m.attach, 200);
	CU_ASSERT_EQUAL(access_counters(a).value[ACCESS_C_RATE_LIMITED], 800);
	CU_ASSERT_EQUAL(fate(DHCP4_HELD), 200);
	stop();
}

/* A served node that asks anew may have been elsewhere: the MAG registers it again, paced. */
static void test_arrival_by_dhcp(void)
{
	start();
	advertise();
	run(S(1));
	TELL(1, 7);
	CU_ASSERT_EQUAL(sent_dhcp(2), 1); /* at once, from what is known */
	CU_ASSERT_EQUAL(m.attach, 1);
	TELL(3, 7, .requested = HOME, .server_id = ROUTER);
	CU_ASSERT_EQUAL(m.attach, 1);
	run(S(1));
	TELL(3, 8, .src = HOME, .dst = ROUTER, .ciaddr = HOME);
	CU_ASSERT_EQUAL(m.attach, 1);
	TELL(3, 9, .requested = HOME);
	CU_ASSERT_EQUAL(m.attach, 2);
	stop();
}

static void test_send_failure(void)
{
	start();
	advertise();
	send_result = -ENETDOWN;
	TELL(1, 7);
	CU_ASSERT_EQUAL(fate(DHCP4_SEND_FAILED), 1);
	arp_from(1, true, HOME, ROUTER);
	CU_ASSERT_EQUAL(arps(ARP_SEND_FAILED), 1);
	stop();
}

static void test_link_loss_drops_what_waits(void)
{
	start();
	TELL(1, 7);
	access_link_down(a, ACC0, now);
	run(S(20));
	CU_ASSERT_EQUAL(n_sent, 0);
	CU_ASSERT_EQUAL(fate(DHCP4_EXPIRED), 0);
	/* and what comes before the link does waits for both */
	TELL(1, 8);
	CU_ASSERT_EQUAL(m.attach, 1);
	CU_ASSERT_EQUAL(fate(DHCP4_HELD), 2);
	m.advertise_at_once = true;
	access_link_up(a, ACC0, now);
	CU_ASSERT_EQUAL(m.attach, 2);
	CU_ASSERT(m.last.wants_ipv4);
	run(0);
	CU_ASSERT_EQUAL(sent_dhcp(2), 1);
	stop();
}

static void test_point_to_point(void)
{
	const struct client c = {1, 7, .flags = 0x8000};

	start();
	m.advertise_at_once = true;
	tell_on(ACC1, &c);
	CU_ASSERT_EQUAL(sent_dhcp(2), 1);
	CU_ASSERT_EQUAL(sent[n_sent - 1].b[0], 0xff);
	CU_ASSERT_EQUAL(sent[n_sent - 1].ifindex, ACC1);
	stop();
}

/* ---- no IPv6 ---- */

static void test_no_ra_without_prefixes(void)
{
	uint8_t rs[ND_FRAME_MAX];
	const size_t len = frame_from_hex(FRAME_RS, rs, sizeof(rs));

	start();
	ad.n_prefixes = 0;
	access_frame(a, ACC0, rs, len, false, now);
	advertise();
	access_frame(a, ACC0, rs, len, false, now);
	run(S(2));
	CU_ASSERT_EQUAL(sent_icmp(134), 0);
	/* prefixes come, and go again: the node is told that they are deprecated */
	ad.n_prefixes = 1;
	advertise();
	CU_ASSERT_EQUAL(sent_icmp(134), 1);
	ad.n_prefixes = 0;
	advertise();
	CU_ASSERT_EQUAL(sent_icmp(134), 2);
	CU_ASSERT_EQUAL(access_counters(a).value[ACCESS_C_RA_DEPRECATING], 1);
	run(S(2));
	mag.withdraw(mag.ctx, &n1, true);
	CU_ASSERT_EQUAL(sent_icmp(134), 2);
	stop();
}

static void test_new_ipv4_alone_is_kept(void)
{
	start();
	ad.home4 = (struct home4){0};
	advertise();
	ad.home4 = (struct home4){.addr = ip(HOME), .router = ip(ROUTER), .len = 16};
	advertise();
	access_walk(a, note, NULL);
	CU_ASSERT_EQUAL(info.home4.addr.s_addr, ip(HOME).s_addr);
	mag.withdraw(mag.ctx, &n1, false);
	access_walk(a, note, NULL);
	CU_ASSERT_EQUAL(info.home4.addr.s_addr, 0);
	stop();
}

/* An IPv4-only node is asked by ARP whether it is there. */
static void test_probe_by_arp(void)
{
	start();
	ad.n_prefixes = 0;
	arp_from(1, true, "0.0.0.0", HOME);
	advertise();
	run(MS(1500));
	CU_ASSERT_EQUAL(sent_arp(1), 1);
	CU_ASSERT_EQUAL(sent_icmp(128), 0);
	CU_ASSERT_EQUAL(sent[0].b[5], 1); /* to the node alone */
	CU_ASSERT(addr_at(sent[0].b + 28, ROUTER));
	CU_ASSERT(addr_at(sent[0].b + 38, HOME));
	m.confirmed = 0;
	arp_from(1, false, HOME, ROUTER); /* N -> A: I am */
	CU_ASSERT_EQUAL(m.confirmed, 1);
	CU_ASSERT_EQUAL(arps(ARP_HEARD), 1);
	n_sent = 0;
	run(S(5)); /* silent: three questions, then gone */
	CU_ASSERT_EQUAL(sent_arp(1), 3);
	CU_ASSERT_EQUAL(m.detach, 1);
	stop();
}

static void test_probe_of_dual_stack(void)
{
	uint8_t ns[ND_FRAME_MAX];
	const size_t len = frame_from_hex(FRAME_NS, ns, sizeof(ns));

	/* no link-local address was shown: both ways */
	start();
	TELL(1, 7);
	advertise();
	run(MS(1500));
	CU_ASSERT_EQUAL(sent_arp(1), 1);
	CU_ASSERT_EQUAL(sent_icmp(128), 1);
	stop();
	/* a known link-local address is enough */
	start();
	access_frame(a, ACC0, ns, len, false, now);
	advertise();
	run(MS(1500));
	CU_ASSERT_EQUAL(sent_arp(1), 0);
	CU_ASSERT_EQUAL(sent_icmp(135), 1);
	stop();
}

/* ---- ARP ---- */

static void test_arp_attaches(void)
{
	start();
	arp_from(1, true, HOME, ROUTER);
	CU_ASSERT_EQUAL(m.attach, 1);
	CU_ASSERT_STRING_EQUAL(m.cause, "arp");
	CU_ASSERT_FALSE(m.last.wants_ipv4);
	CU_ASSERT_EQUAL(arps(ARP_NO_IPV4), 1);
	CU_ASSERT_EQUAL(n_sent, 0);
	/* the same rates as for all triggers */
	for (unsigned i = 2; i < 250; i++)
		arp_from((uint8_t)i, true, "0.0.0.0", HOME);
	CU_ASSERT_EQUAL(m.attach, 200);
	stop();
	/* a refused node is offered again once per second at most */
	start();
	m.attach_result = -EPERM;
	arp_from(1, true, HOME, ROUTER);
	run(MS(500));
	arp_from(1, true, HOME, ROUTER);
	CU_ASSERT_EQUAL(m.attach, 1);
	run(MS(600));
	arp_from(1, true, HOME, ROUTER);
	CU_ASSERT_EQUAL(m.attach, 2);
	CU_ASSERT_EQUAL(n_sent, 0);
	stop();
}

static void test_arp_of_a_served_node(void)
{
	start();
	advertise();
	n_sent = 0;
	arp_from(1, true, HOME, ROUTER);
	CU_ASSERT_EQUAL(m.attach, 0); /* ordinary traffic */
	CU_ASSERT_EQUAL(m.confirmed, 1);
	CU_ASSERT(is_arp(0, 2));
	CU_ASSERT(addr_at(sent[0].b + 28, ROUTER));
	CU_ASSERT(!memcmp(sent[0].b + 22, nd_rfc6543_mac.b, 6));
	arp_from(1, true, HOME, OTHER);
	CU_ASSERT_EQUAL(arps(ARP_ANSWERED_PROXY), 1);
	CU_ASSERT(addr_at(sent[1].b + 28, OTHER));
	/* what hosts send when they come to a link */
	arp_from(1, true, "0.0.0.0", HOME);
	CU_ASSERT_EQUAL(m.attach, 1);
	CU_ASSERT_EQUAL(n_sent, 2);
	run(S(1));
	arp_from(1, true, HOME, HOME);
	CU_ASSERT_EQUAL(m.attach, 2);
	CU_ASSERT_EQUAL(sent_arp(2), 2);
	/* it wants another's */
	arp_from(1, true, "0.0.0.0", OTHER);
	CU_ASSERT_EQUAL(sent_arp(2), 3);
	CU_ASSERT_EQUAL(arps(ARP_DEFENDED), 1);
	stop();
}

/* A node that moved asks for its router, before the MAG knows the node. */
static void test_arp_is_answered_late(void)
{
	start();
	ad.n_prefixes = 0;
	arp_from(1, true, HOME, ROUTER);
	run(MS(100));
	CU_ASSERT_EQUAL(n_sent, 0);
	advertise();
	CU_ASSERT_EQUAL(n_sent, 1);
	CU_ASSERT(is_arp(0, 2));
	CU_ASSERT(addr_at(sent[0].b + 28, ROUTER));
	CU_ASSERT_EQUAL(arps(ARP_ANSWERED_ROUTER), 1);
	advertise();
	CU_ASSERT_EQUAL(n_sent, 1);
	stop();
	/* by the same rules: not for an address that turns out to be another's */
	start();
	ad.n_prefixes = 0;
	arp_from(1, true, OTHER, ROUTER);
	advertise();
	CU_ASSERT_EQUAL(n_sent, 0);
	stop();
	/* the last question counts */
	start();
	ad.n_prefixes = 0;
	arp_from(1, true, HOME, ROUTER);
	arp_from(1, true, "0.0.0.0", HOME);
	advertise();
	CU_ASSERT_EQUAL(n_sent, 0);
	stop();
	/* a node that is refused gets nothing, also later */
	start();
	ad.n_prefixes = 0;
	m.attach_result = -EPERM;
	arp_from(1, true, HOME, ROUTER);
	m.attach_result = 0;
	run(S(5));
	advertise();
	CU_ASSERT_EQUAL(n_sent, 0);
	stop();
}

/* Who claims the router's address on a shared link is heard by all, and believed. */
static void test_router_is_defended(void)
{
	uint64_t defended;

	start();
	advertise();
	n_sent = 0;
	arp_from(1, true, ROUTER, ROUTER);
	CU_ASSERT_EQUAL(arps(ARP_DEFENDED), 1);
	CU_ASSERT_EQUAL(n_sent, 2);
	CU_ASSERT(is_arp(0, 1));
	CU_ASSERT(!memcmp(sent[0].b, "\xff\xff\xff\xff\xff\xff", 6));
	CU_ASSERT(!memcmp(sent[0].b + 6, nd_rfc6543_mac.b, 6));
	CU_ASSERT(!memcmp(sent[0].b + 22, nd_rfc6543_mac.b, 6));
	CU_ASSERT(addr_at(sent[0].b + 28, ROUTER));
	CU_ASSERT(addr_at(sent[0].b + 38, ROUTER));
	CU_ASSERT(is_arp(1, 2)); /* and it is told itself */
	/* in any packet, and from strangers */
	run(S(2));
	n_sent = 0;
	arp_from(1, false, ROUTER, OTHER);
	arp_from(1, true, ROUTER, OTHER);
	m.attach_result = -EPERM;
	arp_from(7, true, ROUTER, OTHER);
	m.attach_result = 0;
	CU_ASSERT_EQUAL(sent_arp(1), 3);
	/* a question is no claim, another address no router's */
	arp_from(1, true, "0.0.0.0", ROUTER);
	arp_from(1, true, HOME, ROUTER);
	arp_from(1, true, OTHER, OTHER);
	CU_ASSERT_EQUAL(sent_arp(1), 3);
	/* bounded */
	run(S(2));
	defended = access_counters(a).value[ACCESS_C_ROUTER4_DEFENCE];
	CU_ASSERT_EQUAL(defended, 4);
	for (unsigned i = 0; i < 1000; i++)
		arp_from(1, true, ROUTER, ROUTER);
	CU_ASSERT_EQUAL(access_counters(a).value[ACCESS_C_ROUTER4_DEFENCE], defended + 20);
	stop();
}

static void test_arp_storm(void)
{
	start();
	advertise();
	for (unsigned i = 0; i < 1000; i++)
		arp_from(1, true, HOME, OTHER);
	CU_ASSERT_EQUAL(sent_arp(2), 100);
	CU_ASSERT_EQUAL(arps(ARP_RATE_LIMITED), 900);
	stop();
}

static void test_bad_arp_counted(void)
{
	uint8_t f[60] = {0};

	start();
	put16(f + 12, 0x0806);
	f[6] = 2;
	access_frame(a, ACC0, f, 20, false, now);
	access_frame(a, ACC0, f, 60, false, now);
	CU_ASSERT_EQUAL(arps(ARP_TRUNCATED), 1);
	CU_ASSERT_EQUAL(arps(ARP_BAD_HEADER), 1);
	CU_ASSERT_EQUAL(m.attach, 0);
	stop();
}

/* ---- the relay agent ---- */

static void start_relay(void)
{
	const struct in_addr server = ip(SERVER);

	start();
	ad.dhcp_relay = true;
	access_dhcp4_servers(a, ip(RELAY), &server, 1);
}

/* S -> A: an answer to what the server got, with option 82 as it came. */
static void server_says(uint8_t type, const char *yiaddr)
{
	uint8_t msg[1024] = {0};
	const uint8_t *agent = NULL;
	const int agent_len = option(served.b, served.len, 82, &agent);
	struct out o = {msg};

	CU_ASSERT_FATAL(agent_len > 0);
	memcpy(msg, served.b, 240);
	msg[0] = 2;
	msg[3] = 0;
	o.p = msg + 16;
	oaddr(&o, yiaddr);
	o.p = msg + 240;
	o8(&o, 53);
	o8(&o, 1);
	o8(&o, type);
	oopt(&o, 54, ROUTER);
	o8(&o, 82);
	o8(&o, (unsigned)agent_len);
	memcpy(o.p, agent, (size_t)agent_len);
	o.p += agent_len;
	o8(&o, 255);
	access_dhcp4_reply(a, ip(SERVER), msg, (size_t)(o.p - msg), now);
}

/* RFC 5844 figure 9 */
static void test_relay(void)
{
	start_relay();
	TELL(1, 7); /* N -> A DISCOVER */
	CU_ASSERT_EQUAL(m.attach, 1);
	CU_ASSERT_EQUAL(served.n, 0);
	advertise(); /* M -> A */
	run(0);
	CU_ASSERT_EQUAL(served.n, 1); /* A -> S */
	CU_ASSERT_EQUAL(served.to.s_addr, ip(SERVER).s_addr);
	server_says(2, OTHER); /* S -> A: not what the LMA assigned */
	CU_ASSERT_EQUAL(relayed(DHCP4_REPLY_ADDRESS), 1);
	CU_ASSERT_EQUAL(sent_dhcp(2), 0);
	server_says(2, HOME);
	CU_ASSERT_EQUAL(sent_dhcp(2), 1); /* A -> N OFFER */
	TELL(3, 7, .requested = HOME, .server_id = ROUTER);
	server_says(5, HOME);
	CU_ASSERT_EQUAL(sent_dhcp(5), 1);
	access_walk(a, note, NULL);
	CU_ASSERT(info.dhcp4_relay);
	/* a renewal is intercepted; one for another address goes nowhere */
	TELL(3, 8, .src = HOME, .dst = ROUTER, .ciaddr = HOME);
	CU_ASSERT_EQUAL(served.n, 3);
	TELL(3, 9, .src = OTHER, .dst = ROUTER, .ciaddr = OTHER);
	CU_ASSERT_EQUAL(served.n, 3);
	CU_ASSERT_EQUAL(relayed(DHCP4_RELAY_ADDRESS), 1);
	/* what the node gives back, the LMA hears of */
	TELL(7, 10, .src = HOME, .dst = ROUTER, .ciaddr = HOME, .server_id = ROUTER);
	CU_ASSERT_EQUAL(served.n, 4);
	CU_ASSERT_EQUAL(m.release, 1);
	server_says(5, HOME);
	CU_ASSERT_EQUAL(relayed(DHCP4_REPLY_UNSERVED), 1);
	stop();
}

static void test_relay_rate(void)
{
	start_relay();
	advertise();
	for (unsigned i = 0; i < 100; i++)
		TELL(1, i);
	CU_ASSERT_EQUAL(served.n, 10);
	CU_ASSERT_EQUAL(fate(DHCP4_RATE_LIMITED), 90);
	stop();
}

static void test_relay_without_servers(void)
{
	start_relay();
	access_dhcp4_servers(a, ip(RELAY), NULL, 0);
	advertise();
	n_sent = 0;
	TELL(1, 7);
	CU_ASSERT_EQUAL(relayed(DHCP4_RELAY_NO_SERVER), 1);
	CU_ASSERT_EQUAL(n_sent, 0);
	TELL(7, 10, .src = HOME, .dst = ROUTER, .ciaddr = HOME);
	CU_ASSERT_EQUAL(m.release, 0);
	stop();
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"V-30 RFC 5844 3.4.1 a DISCOVER makes the MAG register, and is answered then", test_discover_makes_the_mag_register},
		{"the MAG may advertise from within attach, DHCP", test_mag_may_advertise_inside_attach},
		{"of a node's waiting messages the newest is answered", test_newest_wins},
		{"a message does not wait for ever", test_hold_ends},
		{"the messages that wait are bounded in number", test_holds_are_bounded},
		{"RFC 5844 3.4.3 INIT-REBOOT waits for the registration, then ACK or NAK", test_init_reboot_waits},
		{"RFC 5844 3.4.1 a renewal at a MAG that does not know the node yet", test_renewal_after_handover},
		{"V-22 RFC 5844 3.4.1 registered without IPv4: NAK where the server is named, else silence", test_registration_without_ipv4},
		{"RFC 5844 3.4.3 a node with prefixes asks for IPv4 later", test_ipv4_comes_later},
		{"RFC 5844 3.4.3 a node that is not served gets no answer", test_refused_node_gets_nothing},
		{"DHCP and ARP triggers have switches", test_trigger_switch},
		{"after a restart of the MAG the lease goes on", test_resumed_lease},
		{"V-32 RFC 5844 3.4.3 RELEASE gives back IPv4 alone", test_release},
		{"RFC 2131 4.3.3 DECLINE gives the address back", test_decline},
		{"V-33 a lease is as long as configured, not longer than the binding", test_lease_time},
		{"V-31 RFC 5844 3.4.3 the Interface MTU is the tunnel's, or the link's if lower", test_mtu},
		{"what is forged in a DHCP message helps nobody", test_hostile},
		{"a node's DHCP messages are bounded in rate", test_dhcp_storm_of_one_node},
		{"a storm of DISCOVERs reaches the MAG at the configured rate", test_discover_storm},
		{"RFC 5213 6.9.1.1 DISCOVER and INIT-REBOOT of a served node register it anew", test_arrival_by_dhcp},
		{"IPv4 frames that cannot be sent are counted", test_send_failure},
		{"a DHCP message waits for the link, and is lost with it", test_link_loss_drops_what_waits},
		{"broadcast replies on a point-to-point link are Ethernet broadcasts", test_point_to_point},
		{"without prefixes there are no Router Advertisements", test_no_ra_without_prefixes},
		{"a new IPv4 home address alone is kept", test_new_ipv4_alone_is_kept},
		{"an IPv4-only node is probed by ARP", test_probe_by_arp},
		{"a dual-stack node is probed by ARP until it shows a link-local address", test_probe_of_dual_stack},
		{"ARP announces a node, within the rates", test_arp_attaches},
		{"V-28 RFC 5844 3.2.4 ARP of a served node", test_arp_of_a_served_node},
		{"an ARP request that came before the home address is answered then", test_arp_is_answered_late},
		{"RFC 5227 2.4 a claim of the default router's address is corrected for all", test_router_is_defended},
		{"ARP answers are bounded in rate", test_arp_storm},
		{"bad ARP packets are counted by name", test_bad_arp_counted},
		{"V-24 RFC 5844 3.4.2 the MAG as relay agent, from DISCOVER to RELEASE", test_relay},
		{"relayed messages are bounded in rate", test_relay_rate},
		{"without DHCPv4 servers nothing is relayed", test_relay_without_servers},
		{0},
	};
	// clang-format on

	return cu_main("access_ip4", tests, argc, argv);
}
