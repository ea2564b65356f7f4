/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The access side against an imaginary MAG: frames in, frames and triggers out, on a clock that the
 * test moves. Arrows in comments: N node, A access, M MAG.
 */
#include "lib/cu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "base/log.h"
#include "base/util.h"
#include "unit/access/frames.h"

#define ACC0  3u
#define ACC1  4u
#define MS(n) nsec_from_ms(n)
#define S(n)  nsec_from_s(n)

static const struct link_node n1 = {ACC0, {{0x02, 0, 0, 0, 0, 0x01}}};

static struct access *a;
static struct link_ops mag; /* how the MAG speaks to access */
static nsec_t now;
static uint64_t dice; /* what random() returns */

/* Frames sent, newest last. */
static struct sent {
	unsigned ifindex;
	uint8_t b[ND_FRAME_MAX];
	size_t len;
} sent[4096];
static unsigned n_sent;
static int send_result;

/* Triggers received. */
static struct {
	unsigned attach, detach, detach_link, confirmed, teardown, set_ll, ll_in_use;
	struct mag_attachment last;
	struct link_node detached;
	char cause[32];
	int attach_result;
	bool advertise_at_once, withdraw_on_detach;
	unsigned ev_attach, ev_detach;
	unsigned link_up;
	char link_name[IFNAMSIZ];
} m;

static struct prefix6 prefix;
static const struct in6_addr *router_ll = &nd_rfc6543_linklocal;

static struct link_advert advert(void)
{
	return (struct link_advert){&prefix, 1, 3600, 1800, 1460, *router_ll};
}

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
	memcpy(buf, &dice, len < sizeof(dice) ? len : sizeof(dice));
}

static void fake_teardown(void *ctx, const struct link_node *n)
{
	m.teardown++;
}

static void fake_set_ll(void *ctx, unsigned ifindex, const struct in6_addr *ll)
{
	m.set_ll++;
}

static int fake_attach(void *ctx, const struct mag_attachment *at, nsec_t t)
{
	m.attach++;
	m.last = *at;
	CU_ASSERT_EQUAL(t, now);
	CU_ASSERT(mag.attached(mag.ctx, &at->node));
	if (!m.attach_result && m.advertise_at_once) {
		struct link_advert ad = advert();

		mag.advertise(mag.ctx, &at->node, &ad);
	}
	return m.attach_result;
}

static int fake_detach(void *ctx, const struct link_node *n, const char *cause, nsec_t t)
{
	m.detach++;
	m.detached = *n;
	snprintf(m.cause, sizeof(m.cause), "%s", cause);
	if (m.withdraw_on_detach)
		mag.withdraw(mag.ctx, n, true);
	return 0;
}

static unsigned fake_detach_link(void *ctx, unsigned ifindex, const char *cause, nsec_t t)
{
	m.detach_link++;
	snprintf(m.cause, sizeof(m.cause), "%s", cause);
	if (m.withdraw_on_detach)
		mag.withdraw(mag.ctx, &n1, true);
	return 1;
}

static void fake_confirmed(void *ctx, const struct link_node *n, nsec_t t)
{
	m.confirmed++;
}

static void fake_ll_in_use(void *ctx, const struct link_node *n, const struct in6_addr *ll,
			   nsec_t t)
{
	m.ll_in_use++;
	CU_ASSERT(addr6_eq(ll, router_ll));
}

static void fake_link_up(void *ctx, unsigned ifindex, const char *name, nsec_t t)
{
	m.link_up++;
	snprintf(m.link_name, sizeof(m.link_name), "%s", name);
}

static void fake_event(void *ctx, const struct event *ev)
{
	m.ev_attach += ev->type == EV_ATTACH;
	m.ev_detach += ev->type == EV_DETACH;
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
	};

	snprintf(l.name, sizeof(l.name), "acc%u", ifindex - ACC0);
	return l;
}

static void start_with(const struct access_cfg *cfg)
{
	static const struct access_ops ops = {
		.send = fake_send,
		.set_link_local = fake_set_ll,
		.teardown = fake_teardown,
		.random = fake_random,
	};
	static const struct access_triggers triggers = {
		.attach = fake_attach,
		.detach = fake_detach,
		.detach_link = fake_detach_link,
		.confirmed = fake_confirmed,
		.link_local_in_use = fake_ll_in_use,
		.link_up = fake_link_up,
	};
	static const struct event_sink sink = {NULL, fake_event};
	struct access_link_cfg l0 = link_cfg(ACC0), l1 = link_cfg(ACC1);

	log_set_sink(no_log, NULL);
	memset(&m, 0, sizeof(m));
	n_sent = 0;
	send_result = 0;
	dice = 0;
	now = S(1000);
	prefix6_parse("2001:db8:100:1::/64", &prefix);
	l1.point_to_point = true;
	CU_ASSERT_EQUAL_FATAL(access_new(&a, cfg, &ops, &sink), 0);
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
	CU_ASSERT_PTR_NULL(a);
}

/* Moves the clock to `t`, stopping at every deadline on the way. */
static void run_to(nsec_t t)
{
	for (int i = 0; i < 100000; i++) {
		nsec_t next = access_next(a);

		if (next > t)
			break;
		if (next > now)
			now = next;
		access_tick(a, now);
	}
	now = t;
}

static void run(nsec_t dt)
{
	run_to(now + dt);
}

static uint64_t count(enum access_counter c)
{
	return access_counters(a).value[c];
}

/* N -> A: a vector, with the last octet of the node's link-layer address replaced (in the Ethernet
 * header only; nd's checksum is told to be absent). */
static void rx_from(unsigned ifindex, const char *hex, uint8_t last_octet)
{
	uint8_t b[ND_FRAME_MAX];
	size_t len = frame_from_hex(hex, b, sizeof(b));

	b[11] = last_octet;
	access_frame(a, ifindex, b, len, true, now);
}

static void rx(const char *hex)
{
	rx_from(ACC0, hex, 1);
}

static bool sent_is(unsigned i, const char *hex)
{
	uint8_t b[ND_FRAME_MAX];
	size_t len = frame_from_hex(hex, b, sizeof(b));

	return i < n_sent && sent[i].len == len && !memcmp(sent[i].b, b, len);
}

#define SENT_TYPE(i) (sent[i].b[54])
enum { T_ECHO = 128, T_RA = 134, T_NS = 135, T_NA = 136 };

static unsigned sent_of(uint8_t type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_sent; i++)
		n += SENT_TYPE(i) == type;
	return n;
}

static void advertise(const struct link_node *n)
{
	struct link_advert ad = advert();

	mag.advertise(mag.ctx, n, &ad);
}

/* ---- triggers ---- */

static void test_triggers(void)
{
	static const struct {
		const char *frame, *cause;
		unsigned trigger;
	} rows[] = {
		{FRAME_RS,		   "rs",	 ACCESS_TRIGGER_RS },
		{FRAME_RS_UNSPECIFIED, "rs",  ACCESS_TRIGGER_RS },
		{FRAME_DAD,	    "dad", ACCESS_TRIGGER_DAD},
		{FRAME_NS,		   "ns",	 ACCESS_TRIGGER_NS },
		{FRAME_NA,		   "na",	 ACCESS_TRIGGER_NS },
		{FRAME_MLD2,	     "mld", ACCESS_TRIGGER_MLD},
		{FRAME_MLD1,	     "mld", ACCESS_TRIGGER_MLD},
		{FRAME_MLD_DONE,	 "",    0		      },
		{FRAME_ECHO_REPLY,	   "",    0			},
		{FRAME_RA_ROGUE,	 "",    0		      },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct access_link_cfg l = link_cfg(ACC0);

		start();
		rx(rows[i].frame);
		CU_ASSERT_EQUAL(m.attach, rows[i].trigger ? 1 : 0);
		if (m.attach) {
			CU_ASSERT_STRING_EQUAL(m.last.cause, rows[i].cause);
			CU_ASSERT(mac_eq(&m.last.node.mac, &n1.mac));
			CU_ASSERT_EQUAL(m.last.node.ifindex, ACC0);
			CU_ASSERT_EQUAL(m.last.att, ATT_WIFI);
			CU_ASSERT_EQUAL(m.last.access_mtu, 1500);
			CU_ASSERT_PTR_NULL(m.last.mnid);
			CU_ASSERT_EQUAL(m.ev_attach, 1);
			CU_ASSERT_EQUAL(count(ACCESS_C_ATTACH), 1);
		}
		stop();

		/* the same with only this trigger switched off */
		start();
		l.triggers &= ~rows[i].trigger;
		access_link_put(a, &l);
		rx(rows[i].frame);
		CU_ASSERT_EQUAL(m.attach, 0);
		stop();
	}
}

static void test_known_node_is_confirmed(void)
{
	start();
	rx(FRAME_DAD);
	advertise(&n1);
	CU_ASSERT_EQUAL(m.confirmed, 0);
	rx(FRAME_NS);
	rx(FRAME_MLD_DONE);
	CU_ASSERT_EQUAL(m.attach, 1);
	CU_ASSERT_EQUAL(m.confirmed, 2);
	CU_ASSERT_EQUAL(m.ev_attach, 1);
	stop();
}

static void test_bad_frames_counted_by_name(void)
{
	uint8_t b[ND_FRAME_MAX];
	size_t len = frame_from_hex(FRAME_RS, b, sizeof(b));

	start();
	b[21] = 64;
	access_frame(a, ACC0, b, len, true, now);
	b[21] = 255;
	b[57] ^= 1;
	access_frame(a, ACC0, b, len, false, now);
	access_frame(a, ACC0, b, 20, false, now);
	access_frame(a, 99, b, len, true, now);
	CU_ASSERT_EQUAL(access_nd_counters(a).value[ND_BAD_HOP_LIMIT], 1);
	CU_ASSERT_EQUAL(access_nd_counters(a).value[ND_BAD_CHECKSUM], 1);
	CU_ASSERT_EQUAL(access_nd_counters(a).value[ND_TRUNCATED], 1);
	CU_ASSERT_EQUAL(count(ACCESS_C_UNKNOWN_LINK), 1);
	CU_ASSERT_EQUAL(count(ACCESS_C_FRAMES), 4);
	CU_ASSERT_EQUAL(m.attach, 0);
	rx(FRAME_RA_ROGUE);
	CU_ASSERT_EQUAL(count(ACCESS_C_ROGUE_RA), 1);
	rx(FRAME_ECHO_REPLY);
	CU_ASSERT_EQUAL(count(ACCESS_C_ECHO_FOREIGN), 1);
	/* somebody with the gateway's own link-layer address */
	memcpy(b + 6, nd_rfc6543_mac.b, 6);
	access_frame(a, ACC0, b, len, true, now);
	CU_ASSERT_EQUAL(count(ACCESS_C_OWN_MAC), 1);
	CU_ASSERT_EQUAL(m.attach, 0);
	stop();
}

/* A frame whose option names another node moves nothing there. */
static void test_forged_lladdr_option(void)
{
	struct link_node evil = {ACC0, {{0x02, 0, 0, 0, 0, 0x66}}};

	start();
	rx(FRAME_RS);
	advertise(&n1);
	CU_ASSERT_EQUAL(n_sent, 1);
	rx_from(ACC0, FRAME_RS, 0x66); /* Ethernet source :66, option says :01 */
	CU_ASSERT_EQUAL(count(ACCESS_C_LLADDR_MISMATCH), 1);
	CU_ASSERT_EQUAL(m.attach, 2);
	CU_ASSERT(mac_eq(&m.last.node.mac, &evil.mac));
	run(S(10));
	/* the victim's advertisement is not repeated for it, and none goes to the forger */
	CU_ASSERT_EQUAL(sent_of(T_RA), 1);
	CU_ASSERT_EQUAL(sent[0].b[5], 0x01);
	stop();
}

static void test_refused_node(void)
{
	start();
	m.attach_result = -EPERM;
	rx(FRAME_RS);
	CU_ASSERT_EQUAL(m.attach, 1);
	CU_ASSERT_EQUAL(count(ACCESS_C_REFUSED), 1);
	/* again within the second: not even asked */
	run(MS(500));
	rx(FRAME_RS);
	CU_ASSERT_EQUAL(m.attach, 1);
	CU_ASSERT_EQUAL(count(ACCESS_C_RETRIGGER_LIMITED), 1);
	run(MS(600));
	rx(FRAME_RS);
	CU_ASSERT_EQUAL(m.attach, 2);
	CU_ASSERT_EQUAL(m.ev_attach, 1); /* no news */
	/* nothing was ever advertised or probed; it is forgotten after a while */
	run(S(60));
	CU_ASSERT_EQUAL(n_sent, 0);
	CU_ASSERT_FALSE(mag.attached(mag.ctx, &n1));
	CU_ASSERT_EQUAL(m.detach, 0);
	/* accepted later */
	m.attach_result = 0;
	rx(FRAME_RS);
	CU_ASSERT_EQUAL(count(ACCESS_C_ATTACH), 1);
	stop();
}

static void test_flood_is_bounded(void)
{
	struct access_cfg cfg;
	uint8_t b[ND_FRAME_MAX];
	size_t len = frame_from_hex(FRAME_DAD, b, sizeof(b));
	unsigned before;

	access_cfg_init(&cfg);
	cfg.max_nodes = 50;
	start_with(&cfg);
	for (unsigned i = 0; i < 10000; i++) {
		b[9] = (uint8_t)(i >> 8);
		b[10] = (uint8_t)i;
		access_frame(a, ACC0, b, len, true, now);
	}
	/* bursts of 2 * 100 at most; and the table holds 50 served nodes, no more */
	CU_ASSERT_EQUAL(m.attach, 50);
	CU_ASSERT_EQUAL(count(ACCESS_C_TABLE_FULL), 150);
	CU_ASSERT_EQUAL(count(ACCESS_C_RATE_LIMITED), 10000 - 200);
	/* they do not answer probes, so room comes back by itself */
	run(S(10));
	CU_ASSERT_EQUAL(m.detach, 50);
	before = m.attach;
	rx(FRAME_RS);
	CU_ASSERT_EQUAL(m.attach, before + 1);
	stop();

	/* refused ones give way to new ones */
	start_with(&cfg);
	m.attach_result = -EPERM;
	for (unsigned i = 0; i < 150; i++) {
		b[10] = (uint8_t)i;
		access_frame(a, ACC0, b, len, true, now);
	}
	CU_ASSERT_EQUAL(m.attach, 150);
	CU_ASSERT_EQUAL(count(ACCESS_C_TABLE_FULL), 0);
	/* 100 per second afterwards */
	for (unsigned i = 0; i < 50 + 1000; i++) {
		b[9] = (uint8_t)(1 + i / 256);
		b[10] = (uint8_t)i;
		access_frame(a, ACC0, b, len, true, now);
	}
	CU_ASSERT_EQUAL(m.attach, 200);
	run(S(1));
	for (unsigned i = 0; i < 1000; i++) {
		b[9] = (uint8_t)(101 + i / 256);
		b[10] = (uint8_t)i;
		access_frame(a, ACC0, b, len, true, now);
	}
	CU_ASSERT_EQUAL(m.attach, 300);
	/* another link has a rate of its own */
	access_frame(a, ACC1, b, len, true, now);
	CU_ASSERT_EQUAL(m.attach, 301);
	stop();
}

static void test_reoffers_share_the_rate(void)
{
	struct access_cfg cfg;

	access_cfg_init(&cfg);
	cfg.attach_rate = 10;
	start_with(&cfg);
	m.attach_result = -EPERM;
	for (uint8_t i = 0; i < 20; i++)
		rx_from(ACC0, FRAME_DAD, i);
	CU_ASSERT_EQUAL(m.attach, 20);
	run(S(1));
	for (uint8_t i = 0; i < 20; i++)
		rx_from(ACC0, FRAME_DAD, i);
	CU_ASSERT_EQUAL(m.attach, 30);
	CU_ASSERT_EQUAL(count(ACCESS_C_RATE_LIMITED), 10);
	stop();
}

/* Registration under way: the MAG is reminded, the node counts once. */
static void test_reoffer_of_a_waiting_node(void)
{
	start();
	rx(FRAME_DAD);
	run(MS(500));
	rx(FRAME_MLD2);
	CU_ASSERT_EQUAL(m.attach, 1);
	run(MS(500));
	rx(FRAME_RS);
	CU_ASSERT_EQUAL(m.attach, 2);
	CU_ASSERT_EQUAL(count(ACCESS_C_ATTACH), 1);
	CU_ASSERT_EQUAL(m.ev_attach, 1);
	CU_ASSERT_EQUAL(m.confirmed, 2);
	stop();
}

static void test_per_link_limit(void)
{
	struct access_cfg cfg;

	access_cfg_init(&cfg);
	cfg.max_nodes_per_link = 2;
	start_with(&cfg);
	rx_from(ACC0, FRAME_DAD, 1);
	rx_from(ACC0, FRAME_DAD, 2);
	rx_from(ACC0, FRAME_DAD, 3);
	CU_ASSERT_EQUAL(m.attach, 2);
	CU_ASSERT_EQUAL(count(ACCESS_C_TABLE_FULL), 1);
	rx_from(ACC1, FRAME_DAD, 3);
	CU_ASSERT_EQUAL(m.attach, 3);
	stop();
}

static void test_point_to_point(void)
{
	start();
	m.withdraw_on_detach = true;
	rx_from(ACC1, FRAME_RS, 1);
	CU_ASSERT_EQUAL(m.attach, 1);
	rx_from(ACC1, FRAME_RS, 2);
	CU_ASSERT_EQUAL(m.detach, 1);
	CU_ASSERT_STRING_EQUAL(m.cause, "replaced");
	CU_ASSERT_EQUAL(m.detached.mac.b[5], 1);
	CU_ASSERT_EQUAL(m.attach, 2);
	CU_ASSERT_EQUAL(count(ACCESS_C_REPLACED), 1);
	CU_ASSERT_EQUAL(m.ev_detach, 1);
	stop();
}

/* ---- advertisements ---- */

static void test_no_ra_before_advertise(void)
{
	start();
	rx(FRAME_RS); /*	N -> A	RS */
	rx(FRAME_RS);
	run(MS(900)); /* the registration takes its time; no probe is due yet */
	CU_ASSERT_EQUAL(n_sent, 0);
	CU_ASSERT_EQUAL(count(ACCESS_C_RS_WAITING), 2);
	advertise(&n1);		    /*	M -> A	advertise */
	CU_ASSERT_EQUAL(n_sent, 1); /*	A -> N	RA, in the same moment */
	CU_ASSERT(sent_is(0, FRAME_RA));
	CU_ASSERT_EQUAL(sent[0].ifindex, ACC0);
	CU_ASSERT_EQUAL(count(ACCESS_C_RA_SOLICITED), 1);
	/* the waiting solicitations are answered by it, not once more */
	run(MS(90));
	CU_ASSERT_EQUAL(n_sent, 1);
	stop();
}

static void test_advertise_inside_attach(void)
{
	start();
	m.advertise_at_once = true;
	rx(FRAME_RS);
	CU_ASSERT_EQUAL(n_sent, 1);
	CU_ASSERT(sent_is(0, FRAME_RA));
	CU_ASSERT_EQUAL(count(ACCESS_C_RS_WAITING), 0);
	stop();
}

/* Nobody probes in the tests of advertising times. */
static void silence_probes(void)
{
	struct access_link_cfg l = link_cfg(ACC0);

	l.probe_interval_ms = 0;
	access_link_put(a, &l);
}

static void test_unsolicited_times(void)
{
	nsec_t t0;

	/* RFC 4861 6.2.4: first now, two more 16 s apart, then Min..MaxRtrAdvInterval */
	start();
	silence_probes();
	rx(FRAME_DAD);
	advertise(&n1);
	t0 = now;
	run_to(t0 + S(16) - 1);
	CU_ASSERT_EQUAL(n_sent, 1);
	run_to(t0 + S(16));
	CU_ASSERT_EQUAL(n_sent, 2);
	run_to(t0 + S(32));
	CU_ASSERT_EQUAL(n_sent, 3);
	run_to(t0 + S(232) - 1);
	CU_ASSERT_EQUAL(n_sent, 3);
	dice = S(400); /* the longest */
	run_to(t0 + S(232));
	CU_ASSERT_EQUAL(n_sent, 4);
	run_to(t0 + S(832) - 1);
	CU_ASSERT_EQUAL(n_sent, 4);
	run_to(t0 + S(832));
	CU_ASSERT_EQUAL(n_sent, 5);
	CU_ASSERT(sent_is(4, FRAME_RA)); /* always the same, octet for octet */
	stop();
}

/* It may have been at another MAG meanwhile. */
static void test_served_node_shows_itself_anew(void)
{
	start();
	silence_probes();
	rx(FRAME_DAD);
	advertise(&n1);
	run(S(5));
	rx(FRAME_MLD2);
	CU_ASSERT_EQUAL(m.attach, 2);
	CU_ASSERT_STRING_EQUAL(m.last.cause, "mld");
	CU_ASSERT_EQUAL(m.ev_attach, 1); /* no news to an onlooker */
	/* too soon: asked when the time is over, offered when it answers */
	run(MS(300));
	rx(FRAME_RS);
	run(MS(50) - 1);
	CU_ASSERT_EQUAL(count(ACCESS_C_PROBE), 0);
	run(1);
	CU_ASSERT_EQUAL(count(ACCESS_C_PROBE), 1);
	CU_ASSERT_EQUAL(m.attach, 2);
	rx(FRAME_NA);
	CU_ASSERT_EQUAL(m.attach, 3);
	CU_ASSERT_STRING_EQUAL(m.last.cause, "rs");
	/* too soon again, and it is not there any more when asked */
	run(MS(300));
	rx(FRAME_MLD1);
	run(S(10));
	CU_ASSERT_EQUAL(m.attach, 3);
	CU_ASSERT_EQUAL(m.detach, 1);
	stop();
}

static void test_solicited_times(void)
{
	nsec_t t0;

	start();
	silence_probes();
	rx(FRAME_DAD);
	advertise(&n1);
	t0 = now;
	run_to(t0 + S(10));
	dice = MS(200); /* MAX_RA_DELAY_TIME is 500 ms */
	rx(FRAME_RS);
	rx(FRAME_RS); /* one answer for both */
	CU_ASSERT_EQUAL(count(ACCESS_C_RS_MERGED), 1);
	run_to(t0 + S(10) + MS(200) - 1);
	CU_ASSERT_EQUAL(count(ACCESS_C_RA), 1);
	run_to(t0 + S(10) + MS(200));
	CU_ASSERT_EQUAL(count(ACCESS_C_RA), 2);
	CU_ASSERT_EQUAL(count(ACCESS_C_RA_SOLICITED), 1);
	/* MIN_DELAY_BETWEEN_RAS: 3 s after the last one, plus the random delay */
	rx(FRAME_RS);
	run_to(t0 + S(11));
	rx(FRAME_NA); /* asked whether it is still there */
	run_to(t0 + S(13) + MS(400) - 1);
	CU_ASSERT_EQUAL(count(ACCESS_C_RA), 2);
	run_to(t0 + S(13) + MS(400));
	CU_ASSERT_EQUAL(count(ACCESS_C_RA), 3);
	stop();

	/* when one is due earlier anyway, that is the answer */
	start();
	silence_probes();
	rx(FRAME_DAD);
	advertise(&n1);
	rx(FRAME_RS); /* crossed it on the way: answered already */
	CU_ASSERT_EQUAL(count(ACCESS_C_RS_MERGED), 1);
	t0 = now;
	run_to(t0 + S(1));
	rx(FRAME_NA); /* asked whether it is still there */
	run_to(t0 + S(16) - MS(100));
	CU_ASSERT_EQUAL(count(ACCESS_C_RA), 1);
	dice = MS(200);
	rx(FRAME_RS);
	run_to(t0 + S(16) - 1);
	CU_ASSERT_EQUAL(count(ACCESS_C_RA), 1);
	run_to(t0 + S(16));
	CU_ASSERT_EQUAL(count(ACCESS_C_RA), 2);
	CU_ASSERT_EQUAL(count(ACCESS_C_RA_SOLICITED), 1);
	dice = S(400);
	run_to(t0 + S(20));
	CU_ASSERT_EQUAL(count(ACCESS_C_RA), 2);
	stop();
}

static void test_same_content_no_new_burst(void)
{
	nsec_t t0;

	start();
	silence_probes();
	rx(FRAME_DAD);
	advertise(&n1);
	run(S(40)); /* initial burst over: 0, 16, 32 */
	CU_ASSERT_EQUAL(n_sent, 3);
	advertise(&n1); /* refresh, nothing new: once */
	t0 = now;
	run_to(t0 + S(100));
	CU_ASSERT_EQUAL(n_sent, 4);
	prefix6_parse("2001:db8:100:2::/64", &prefix); /* renumbered: burst */
	advertise(&n1);
	run(S(33));
	CU_ASSERT_EQUAL(n_sent, 7);
	stop();
}

/* RFC 5213 6.4, 6.7: what the domain agreed on, for every node and on every link. */
static void test_configured_parameters(void)
{
	struct access_cfg cfg;

	access_cfg_init(&cfg);
	start_with(&cfg);
	rx(FRAME_DAD);
	advertise(&n1);
	CU_ASSERT_EQUAL(sent[0].b[58], 64);
	CU_ASSERT_EQUAL(sent[0].b[59], 0);
	CU_ASSERT_EQUAL(sent[0].b[60] << 8 | sent[0].b[61], 1800);
	stop();
	cfg.managed = true;
	cfg.other = true;
	cfg.cur_hop_limit = 17;
	cfg.router_lifetime_s = 9000;
	start_with(&cfg);
	rx(FRAME_DAD);
	advertise(&n1);
	CU_ASSERT_EQUAL(sent[0].b[58], 17);
	CU_ASSERT_EQUAL(sent[0].b[59], 0xc0);
	CU_ASSERT_EQUAL(sent[0].b[60] << 8 | sent[0].b[61], 9000);
	stop();
}

static void test_mtu_is_the_lower(void)
{
	struct access_link_cfg l = link_cfg(ACC0);

	start();
	l.mtu = 1300;
	access_link_put(a, &l);
	rx(FRAME_DAD);
	advertise(&n1);
	CU_ASSERT_EQUAL(sent[0].b[78], 5); /* MTU option behind RA and SLLA option */
	CU_ASSERT_EQUAL(sent[0].b[84] << 8 | sent[0].b[85], 1300);
	stop();
}

static void test_withdraw(void)
{
	start();
	rx(FRAME_DAD);
	advertise(&n1);
	run(MS(10));
	mag.withdraw(mag.ctx, &n1, true);
	CU_ASSERT_EQUAL(n_sent, 2);
	/* router lifetime, valid and preferred lifetime are zero; the prefix is the same */
	CU_ASSERT_EQUAL(sent[1].b[60] << 8 | sent[1].b[61], 0);
	CU_ASSERT(!memcmp(sent[1].b + 90, "\0\0\0\0\0\0\0\0", 8));
	CU_ASSERT(!memcmp(sent[1].b + 102, &prefix.addr, 16));
	CU_ASSERT_EQUAL(count(ACCESS_C_RA_DEPRECATING), 1);
	CU_ASSERT(!memcmp(sent[1].b, n1.mac.b, 6));
	/* nothing more: no advertisement, no probe, no detach */
	run(S(1000));
	CU_ASSERT_EQUAL(n_sent, 2);
	CU_ASSERT_EQUAL(m.detach, 0);
	mag.withdraw(mag.ctx, &n1, true);
	CU_ASSERT_EQUAL(n_sent, 2);

	/* without deprecation nothing is said; a later sign of the node is a new attachment */
	rx(FRAME_RS);
	advertise(&n1);
	CU_ASSERT_EQUAL(n_sent, 3);
	run(S(2));
	mag.withdraw(mag.ctx, &n1, false);
	n_sent = 0;
	run(MS(1));
	CU_ASSERT_EQUAL(n_sent, 0);
	rx(FRAME_RS);
	CU_ASSERT_EQUAL(m.attach, 3);
	CU_ASSERT_EQUAL(m.ev_attach, 3);
	CU_ASSERT_EQUAL(n_sent, 0);
	stop();
}

static void test_two_nodes_two_advertisements(void)
{
	struct link_node n2 = {ACC0, {{0x02, 0, 0, 0, 0, 0x02}}};
	struct nd_msg msg;

	start();
	rx_from(ACC0, FRAME_DAD, 1);
	rx_from(ACC0, FRAME_DAD, 2);
	advertise(&n1);
	prefix6_parse("2001:db8:100:2::/64", &prefix);
	advertise(&n2);
	CU_ASSERT_EQUAL(n_sent, 2);
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(nd_parse(&msg, sent[i].b, sent[i].len, false), ND_OK);
		CU_ASSERT_EQUAL(msg.eth_dst.b[5], i + 1); /* a frame for that node alone */
		CU_ASSERT_FALSE(mac_is_multicast(&msg.eth_dst));
		CU_ASSERT(addr6_eq(&msg.dst, &nd_all_nodes));
		CU_ASSERT_EQUAL(sent[i].b[102 + 7], i + 1); /* its own prefix */
	}
	stop();
}

static void test_deprecating_advert(void)
{
	struct link_advert ad;

	start();
	silence_probes();
	rx(FRAME_DAD);
	advertise(&n1);
	ad = advert();
	ad.valid_s = ad.preferred_s = 0; /* RFC 5213 6.12 */
	mag.advertise(mag.ctx, &n1, &ad);
	CU_ASSERT_EQUAL(n_sent, 2);
	CU_ASSERT_EQUAL(sent[1].b[60] << 8 | sent[1].b[61], 1800); /* still the router */
	CU_ASSERT(!memcmp(sent[1].b + 90, "\0\0\0\0\0\0\0\0", 8));
	stop();
}

static void test_dhcp6_node(void)
{
	struct link_node n2 = {ACC0, {{0x02, 0, 0, 0, 0, 0x02}}};
	struct link_advert ad = advert();
	struct dhcp6_node d, again;

	start();
	silence_probes();
	CU_ASSERT_FALSE(access_dhcp6_node(a, &n1, &d));
	rx(FRAME_DAD);
	CU_ASSERT_FALSE(access_dhcp6_node(a, &n1, &d)); /* seen, not registered */
	advertise(&n1);
	CU_ASSERT_FATAL(access_dhcp6_node(a, &n1, &d));
	CU_ASSERT_STRING_EQUAL(d.ifname, "acc0");
	CU_ASSERT(prefix6_eq(&d.hnp, &prefix));
	CU_ASSERT(addr6_eq(&d.gateway_ll, &nd_rfc6543_linklocal));
	CU_ASSERT(mac_eq(&d.gateway_mac, &nd_rfc6543_mac));
	CU_ASSERT_FALSE(access_dhcp6_node(a, &n2, &d));

	/* the memory is the node's, and starts empty when the node is a new one */
	d.memory->client = nd_all_nodes;
	CU_ASSERT_FATAL(access_dhcp6_node(a, &n1, &again));
	CU_ASSERT_PTR_EQUAL(again.memory, d.memory);
	ad.valid_s = ad.preferred_s = 0; /* RFC 5213 6.12: the prefix is going */
	mag.advertise(mag.ctx, &n1, &ad);
	CU_ASSERT_FALSE(access_dhcp6_node(a, &n1, &d));
	advertise(&n1);
	mag.withdraw(mag.ctx, &n1, true);
	CU_ASSERT_FALSE(access_dhcp6_node(a, &n1, &d));
	access_detach(a, &n1, "control", now);
	rx(FRAME_DAD);
	advertise(&n1);
	CU_ASSERT_FATAL(access_dhcp6_node(a, &n1, &d));
	CU_ASSERT(addr6_is_zero(&d.memory->client));
	stop();
}

static void test_link_local_from_the_lma(void)
{
	struct in6_addr ll, none = IN6ADDR_ANY_INIT;
	struct access_cfg cfg;
	struct nd_msg msg;

	access_cfg_init(&cfg);
	cfg.link_local = none;
	start_with(&cfg);
	addr6_parse("fe80::abcd", &ll);
	router_ll = &ll;
	rx(FRAME_DAD);
	mag.set_link_local(mag.ctx, ACC0, &ll);
	mag.set_link_local(mag.ctx, ACC0, &ll);
	CU_ASSERT_EQUAL(m.set_ll, 1);
	advertise(&n1);
	router_ll = &nd_rfc6543_linklocal;
	CU_ASSERT_EQUAL(nd_parse(&msg, sent[0].b, sent[0].len, false), ND_OK);
	CU_ASSERT(addr6_eq(&msg.src, &ll));
	/* that one is defended, RFC 6543's is not ours then */
	rx(FRAME_DAD_GATEWAY);
	CU_ASSERT_EQUAL(count(ACCESS_C_DEFENCE), 0);
	/* the node takes the same one: it stays the node's, the MAG is told to choose another */
	ll = mac_linklocal(&n1.mac);
	router_ll = &ll;
	advertise(&n1);
	rx(FRAME_DAD);
	rx(FRAME_RS);
	CU_ASSERT_EQUAL(m.ll_in_use, 2);
	CU_ASSERT_EQUAL(count(ACCESS_C_LL_IN_USE), 2);
	CU_ASSERT_EQUAL(count(ACCESS_C_DEFENCE), 0);
	router_ll = &nd_rfc6543_linklocal;
	stop();
}

/* FixedMAGLinkLayerAddressOnAllAccessLinks is ALL_ZERO: the interface's own address. */
static void test_no_fixed_link_layer_address(void)
{
	struct access_link_cfg l = link_cfg(ACC0);
	struct access_cfg cfg;
	struct nd_msg msg;

	access_cfg_init(&cfg);
	memset(&cfg.mac, 0, sizeof(cfg.mac));
	start_with(&cfg);
	mac_parse("02:00:00:00:00:aa", &l.mac);
	access_link_put(a, &l);
	rx(FRAME_DAD);
	advertise(&n1);
	rx(FRAME_DAD_GATEWAY);
	run(S(1));
	CU_ASSERT_EQUAL(n_sent, 3); /* RA, defence, probe */
	for (unsigned i = 0; i < n_sent; i++) {
		CU_ASSERT(!memcmp(sent[i].b + 6, l.mac.b, 6));
		if (SENT_TYPE(i) == T_RA) {
			CU_ASSERT_EQUAL(nd_parse(&msg, sent[i].b, sent[i].len, false), ND_OK);
			CU_ASSERT(msg.has_lladdr && mac_eq(&msg.lladdr, &l.mac));
		}
	}
	rx_from(ACC0, FRAME_RS, 0xaa);
	CU_ASSERT_EQUAL(count(ACCESS_C_OWN_MAC), 1);
	stop();
}

static void test_dad_defence(void)
{
	start();
	rx(FRAME_DAD_GATEWAY);
	CU_ASSERT_EQUAL(n_sent, 1);
	CU_ASSERT(sent_is(0, FRAME_DEFENCE));
	CU_ASSERT_EQUAL(count(ACCESS_C_DEFENCE), 1);
	rx(FRAME_DAD); /* its own address: no business of ours */
	rx(FRAME_NS);  /* ordinary resolution: the kernel answers */
	CU_ASSERT_EQUAL(n_sent, 1);
	stop();
}

static void test_send_failure_is_counted(void)
{
	start();
	silence_probes();
	rx(FRAME_DAD);
	send_result = -ENETDOWN;
	advertise(&n1);
	CU_ASSERT_EQUAL(count(ACCESS_C_SEND_FAILED), 1);
	CU_ASSERT_EQUAL(count(ACCESS_C_RA), 0);
	send_result = 0;
	run(S(16));
	CU_ASSERT(count(ACCESS_C_RA) >= 1);
	stop();
}

/* ---- reachability ---- */

static void test_idle_node_is_probed(void)
{
	nsec_t t0;

	start();
	rx(FRAME_RS); /* its link-local address is known from here */
	t0 = now;
	run_to(t0 + MS(999));
	CU_ASSERT_EQUAL(sent_of(T_NS), 0);
	run_to(t0 + MS(1000));
	CU_ASSERT_EQUAL(n_sent, 1);
	CU_ASSERT(sent_is(0, FRAME_PROBE));
	/* answered: silence for another interval */
	run_to(t0 + MS(1010));
	rx(FRAME_NA);
	CU_ASSERT_EQUAL(m.confirmed, 1);
	run_to(t0 + MS(2009));
	CU_ASSERT_EQUAL(n_sent, 1);
	run_to(t0 + MS(2010));
	CU_ASSERT_EQUAL(n_sent, 2);
	/* one answer missing, the next one comes: still there */
	run_to(t0 + MS(3500));
	rx(FRAME_NA);
	run_to(t0 + MS(4499));
	CU_ASSERT_EQUAL(m.detach, 0);
	/* now it is gone: asked 3 times, a second apart, then detached */
	run_to(t0 + MS(7499));
	CU_ASSERT_EQUAL(m.detach, 0);
	run_to(t0 + MS(7500));
	CU_ASSERT_EQUAL(m.detach, 1);
	CU_ASSERT_STRING_EQUAL(m.cause, "nud");
	CU_ASSERT_EQUAL(count(ACCESS_C_PROBE_FAILED), 1);
	CU_ASSERT_EQUAL(m.ev_detach, 1);
	CU_ASSERT_FALSE(mag.attached(mag.ctx, &n1));
	n_sent = 0;
	run(S(100));
	CU_ASSERT_EQUAL(n_sent, 0);
	stop();
}

static void test_busy_node_is_not_probed(void)
{
	start();
	rx(FRAME_RS);
	for (int i = 0; i < 50; i++) {
		run(MS(500));
		if (i & 1) {
			rx(FRAME_MLD2);
		} else {
			access_confirm(a, &n1, now); /* its traffic, seen by the data plane */
		}
	}
	CU_ASSERT_EQUAL(count(ACCESS_C_PROBE), 0);
	stop();
}

static void test_unknown_address_is_asked_by_echo(void)
{
	uint8_t b[ND_FRAME_MAX];
	struct nd_msg msg;
	size_t len;

	start();
	/* attached from outside: only the link-layer address is known */
	CU_ASSERT_EQUAL(access_attach(a, &n1, HI_UNKNOWN, NULL, NULL, "control", now), 0);
	CU_ASSERT_EQUAL(m.last.handoff_hint, HI_UNKNOWN);
	CU_ASSERT_STRING_EQUAL(m.last.cause, "control");
	run(MS(1000));
	CU_ASSERT_EQUAL(n_sent, 1);
	CU_ASSERT_EQUAL(SENT_TYPE(0), T_ECHO);
	CU_ASSERT(!memcmp(sent[0].b, n1.mac.b, 6));
	/* N -> A: Echo Reply to it */
	len = frame_from_hex(FRAME_ECHO_REPLY, b, sizeof(b));
	memcpy(b + 58, sent[0].b + 58, 4); /* id, sequence */
	CU_ASSERT_EQUAL(nd_parse(&msg, b, len, true), ND_OK);
	access_frame(a, ACC0, b, len, true, now);
	CU_ASSERT_EQUAL(m.confirmed, 1);
	/* from now on it is solicited at the address learnt */
	run(MS(1000));
	CU_ASSERT_EQUAL(n_sent, 2);
	CU_ASSERT(sent_is(1, FRAME_PROBE));
	/* unanswered: both ways */
	run(MS(1000));
	CU_ASSERT_EQUAL(n_sent, 4);
	CU_ASSERT_EQUAL(sent_of(T_ECHO), 2);
	stop();
}

static void test_probe_interval_zero(void)
{
	start();
	silence_probes();
	rx(FRAME_RS);
	run(S(1000));
	CU_ASSERT_EQUAL(n_sent, 0);
	/* on the MAG's request all the same: 3 probes, RETRANS_TIMER apart */
	mag.verify(mag.ctx, &n1);
	run(0);
	CU_ASSERT_EQUAL(n_sent, 1);
	run(MS(2999));
	CU_ASSERT_EQUAL(m.detach, 0);
	run(MS(1));
	CU_ASSERT_EQUAL(m.detach, 1);
	stop();
}

static void test_verify(void)
{
	start();
	rx(FRAME_RS);
	advertise(&n1);
	run(MS(300));
	n_sent = 0;
	mag.verify(mag.ctx, &n1);
	CU_ASSERT_EQUAL(access_next(a), 0); /* at once */
	run(0);
	CU_ASSERT_EQUAL(n_sent, 1);
	mag.verify(mag.ctx, &n1); /* again: changes nothing */
	run(0);
	CU_ASSERT_EQUAL(n_sent, 1);
	run(MS(5));
	rx(FRAME_NA);
	CU_ASSERT_EQUAL(m.confirmed, 1);
	run(MS(900));
	CU_ASSERT_EQUAL(m.detach, 0);
	mag.verify(mag.ctx, &n1);
	run(MS(3000));
	CU_ASSERT_EQUAL(m.detach, 1);
	CU_ASSERT_STRING_EQUAL(m.cause, "nud");
	/* a node nobody has seen, on a link that exists: asked, then reported gone */
	mag.verify(mag.ctx, &n1);
	run(MS(3000));
	CU_ASSERT_EQUAL(m.detach, 2);
	stop();
}

static void test_verify_joins_probes_under_way(void)
{
	/* the ordinary probes of an idle node: due at 1 s, 2 s, 3 s; gone at 4 s */
	start();
	rx(FRAME_RS);
	run(MS(1500));
	mag.verify(mag.ctx, &n1);
	run(MS(2499));
	CU_ASSERT_EQUAL(m.detach, 0);
	run(MS(1));
	CU_ASSERT_EQUAL(m.detach, 1);
	CU_ASSERT_EQUAL(count(ACCESS_C_PROBE), 3);
	/* the quick ones after a hint */
	rx(FRAME_RS);
	access_fdb_gone(a, ACC0, &n1.mac, now);
	run(MS(150));
	mag.verify(mag.ctx, &n1);
	run(MS(150));
	CU_ASSERT_EQUAL(m.detach, 2);
	CU_ASSERT_STRING_EQUAL(m.cause, "fdb");
	stop();
}

/* Addresses that a probe must not go to, and answers that are none. */
static void test_what_a_probe_learns(void)
{
	start();
	/* a node that wants the gateway's address does not get to be asked there */
	rx(FRAME_DAD_GATEWAY);
	n_sent = 0;
	run(S(1));
	CU_ASSERT(n_sent == 1 && SENT_TYPE(0) == T_ECHO);
	/* an echo reply with an identifier of somebody else */
	rx(FRAME_ECHO_REPLY);
	CU_ASSERT_EQUAL(count(ACCESS_C_ECHO_FOREIGN), 1);
	CU_ASSERT_EQUAL(m.confirmed, 0);
	/* an address in use is not replaced by one that is only wanted */
	rx(FRAME_RS);
	rx(FRAME_DAD_GATEWAY);
	n_sent = 0;
	run(S(1));
	CU_ASSERT(n_sent == 1 && sent_is(0, FRAME_PROBE));
	stop();

	/* a node that came without a frame is not idle from the beginning of time */
	start();
	advertise(&n1);
	run(MS(999));
	CU_ASSERT_EQUAL(count(ACCESS_C_PROBE), 0);
	run(MS(1));
	CU_ASSERT_EQUAL(count(ACCESS_C_PROBE), 1);
	stop();
}

static void test_probe_interval_changes_live(void)
{
	struct access_link_cfg l = link_cfg(ACC0);

	start();
	rx(FRAME_RS);
	run(MS(1));
	l.probe_interval_ms = 200;
	access_link_put(a, &l);
	run(MS(199));
	CU_ASSERT_EQUAL(count(ACCESS_C_PROBE), 1);
	stop();
}

static void test_fdb_gone(void)
{
	struct mac unknown = {
		{2, 0, 0, 0, 0, 0x77}
	     };
	struct in6_addr ll;

	start();
	rx(FRAME_RS);
	access_fdb_gone(a, ACC0, &unknown, now);
	run(MS(10));
	CU_ASSERT_EQUAL(n_sent, 0);
	/* the entry aged out, but the node is there */
	access_fdb_gone(a, ACC0, &n1.mac, now);
	run(0);
	CU_ASSERT_EQUAL(n_sent, 1);
	rx(FRAME_NA);
	run(MS(500));
	CU_ASSERT_EQUAL(m.detach, 0);
	/* it left: known within 3 * 100 ms, long before the ordinary probes would say so */
	access_fdb_gone(a, ACC0, &n1.mac, now);
	run(MS(299));
	CU_ASSERT_EQUAL(m.detach, 0);
	run(MS(1));
	CU_ASSERT_EQUAL(m.detach, 1);
	CU_ASSERT_STRING_EQUAL(m.cause, "fdb");
	/* the kernel's neighbour entry failed */
	rx(FRAME_RS);
	ll = mac_linklocal(&n1.mac);
	access_neigh_failed(a, ACC1, &ll, now);
	run(MS(300));
	CU_ASSERT_EQUAL(m.detach, 1);
	access_neigh_failed(a, ACC0, &ll, now);
	run(MS(300));
	CU_ASSERT_EQUAL(m.detach, 2);
	CU_ASSERT_STRING_EQUAL(m.cause, "neighbour");
	stop();
}

/* ---- links ---- */

static void test_link_down(void)
{
	start();
	m.withdraw_on_detach = true;
	rx(FRAME_RS);
	rx_from(ACC0, FRAME_RS, 2);
	rx_from(ACC1, FRAME_RS, 9);
	advertise(&n1);
	n_sent = 0;
	access_link_down(a, ACC0, now);
	CU_ASSERT_EQUAL(m.detach_link, 1);
	CU_ASSERT_STRING_EQUAL(m.cause, "link-down");
	CU_ASSERT_EQUAL(m.detach, 0);
	CU_ASSERT_EQUAL(m.ev_detach, 2);
	CU_ASSERT_EQUAL(count(ACCESS_C_LINK_DETACH), 2);
	CU_ASSERT_FALSE(mag.attached(mag.ctx, &n1));
	access_link_down(a, ACC0, now);
	CU_ASSERT_EQUAL(m.detach_link, 1);
	/* the other link goes on */
	n_sent = 0;
	run(MS(1000));
	CU_ASSERT_EQUAL(n_sent, 1);
	CU_ASSERT_EQUAL(sent[0].ifindex, ACC1);
	/* the interface vanishes */
	access_link_del(a, ACC1, now);
	CU_ASSERT_EQUAL(m.detach_link, 2);
	CU_ASSERT_STRING_EQUAL(m.cause, "link-gone");
	rx_from(ACC1, FRAME_RS, 9);
	CU_ASSERT_EQUAL(count(ACCESS_C_UNKNOWN_LINK), 1);
	stop();
}

/* The first frames of a node can overtake the news that the link is up. */
static void test_frame_before_link_up(void)
{
	start();
	access_link_down(a, ACC0, now);
	rx(FRAME_MLD2);
	rx_from(ACC0, FRAME_RS, 2);
	CU_ASSERT_EQUAL(m.attach, 0);
	CU_ASSERT_EQUAL(count(ACCESS_C_LINK_DOWN), 2);
	run(MS(20));
	access_link_up(a, ACC0, now);
	CU_ASSERT_EQUAL(m.attach, 2);
	CU_ASSERT_STRING_EQUAL(m.last.cause, "rs");
	/* a frame from before a long time does not count */
	access_link_down(a, ACC0, now);
	rx(FRAME_MLD2);
	run(S(2));
	access_link_up(a, ACC0, now);
	CU_ASSERT_EQUAL(m.attach, 2);
	stop();
}

static void test_control(void)
{
	struct link_node elsewhere = n1, multicast = n1;
	struct mnid id = {MNID_NAI, 3, (const uint8_t *)"mn1"};

	start();
	elsewhere.ifindex = 77;
	multicast.mac.b[0] = 0x33;
	CU_ASSERT_EQUAL(access_attach(a, &elsewhere, 0, NULL, NULL, "control", now), -ENODEV);
	CU_ASSERT_EQUAL(access_attach(a, &multicast, 0, NULL, NULL, "control", now), -EINVAL);
	CU_ASSERT_EQUAL(access_detach(a, &n1, "control", now), -ENOENT);
	CU_ASSERT_EQUAL(access_attach(a, &n1, HI_NEW_INTERFACE, &id, NULL, "control", now), 0);
	CU_ASSERT_PTR_EQUAL(m.last.mnid, &id);
	CU_ASSERT_EQUAL(access_detach(a, &n1, "control", now), 0);
	CU_ASSERT(m.detach == 1 && m.ev_detach == 1);
	/* refused although it was served: service ends */
	CU_ASSERT_EQUAL(access_attach(a, &n1, 0, NULL, NULL, "control", now), 0);
	advertise(&n1);
	m.attach_result = -EPERM;
	CU_ASSERT_EQUAL(access_attach(a, &n1, 0, NULL, NULL, "control", now), -EPERM);
	n_sent = 0;
	run(S(100));
	CU_ASSERT_EQUAL(n_sent, 0);
	access_link_down(a, ACC0, now);
	CU_ASSERT_EQUAL(access_attach(a, &n1, 0, NULL, NULL, "control", now), -ENODEV);
	stop();
}

static void test_teardown(void)
{
	start();
	rx(FRAME_RS);
	advertise(&n1);
	n_sent = 0;
	mag.teardown(mag.ctx, &n1);
	CU_ASSERT_EQUAL(m.teardown, 1);
	run(S(100));
	CU_ASSERT_EQUAL(n_sent, 0);
	CU_ASSERT_EQUAL(m.detach, 0);
	stop();
}

static void see_node(void *ctx, const struct access_node_info *i)
{
	*(struct access_node_info *)ctx = *i;
}

static void see_link(void *ctx, const struct access_link_info *i)
{
	if (i->cfg->ifindex == ACC0)
		*(struct access_link_info *)ctx = *i;
}

static void test_walks(void)
{
	struct access_node_info n = {0};
	struct access_link_info l = {0};
	struct in6_addr ll = mac_linklocal(&n1.mac);

	start();
	rx(FRAME_RS);
	advertise(&n1);
	access_walk(a, see_node, &n);
	access_walk_links(a, see_link, &l);
	CU_ASSERT(mac_eq(&n.node.mac, &n1.mac) && n.served && n.advertised && !n.probing);
	CU_ASSERT_STRING_EQUAL(n.ifname, "acc0");
	CU_ASSERT(addr6_eq(&n.link_local, &ll));
	CU_ASSERT_EQUAL(n.last_seen, now);
	CU_ASSERT(n.n_prefixes == 1 && prefix6_eq(n.prefixes, &prefix));
	CU_ASSERT(l.up && l.nodes == 1 && l.served == 1);
	stop();
}

/* Random events in random order: nothing leaks, and all timers end with the links. */
/* ---- after a restart of the MAG ---- */

static void resume(void)
{
	const struct in6_addr own = mac_linklocal(&n1.mac);
	struct link_advert ad = advert();

	mag.resume(mag.ctx, &n1, &ad, &own);
}

static void test_resumed_node_hears_nothing(void)
{
	const struct in6_addr own = mac_linklocal(&n1.mac);
	struct in6_addr known;

	start();
	resume();
	known = mag.address(mag.ctx, &n1);
	run(S(0));
	CU_ASSERT_EQUAL(n_sent, 0);
	CU_ASSERT_EQUAL(m.ev_attach + m.attach, 0);
	CU_ASSERT(addr6_eq(&known, &own));
	/* what it asks is answered as ever, and it needs no new registration but for its RS */
	rx(FRAME_NS);
	CU_ASSERT_EQUAL(m.confirmed, 1);
	CU_ASSERT_EQUAL(m.attach, 0);
	rx(FRAME_RS);
	run(MS(500));
	CU_ASSERT_EQUAL(sent_of(T_RA), 1);
	CU_ASSERT_EQUAL(count(ACCESS_C_RA_SOLICITED), 1);
	CU_ASSERT_EQUAL(count(ACCESS_C_RA_DEPRECATING), 0);
	mag.withdraw(mag.ctx, &n1, true);
	CU_ASSERT_EQUAL(count(ACCESS_C_RA_DEPRECATING), 1);
	stop();
}

static void test_resumed_node_solicits_at_once(void)
{
	start();
	resume();
	rx(FRAME_RS); /* before the first tick */
	run(MS(500));
	CU_ASSERT_EQUAL(sent_of(T_RA), 1);
	stop();
}

static void test_resumed_node_is_told_in_time(void)
{
	struct access_link_cfg l = link_cfg(ACC0);

	start();
	l.probe_interval_ms = 0;
	access_link_put(a, &l);
	resume();
	run(S(199));
	CU_ASSERT_EQUAL(n_sent, 0);
	run(S(401));
	CU_ASSERT(sent_of(T_RA) >= 1);
	stop();
}

/* An announced node: its old MAG knew its address, and what is heard here counts more. */
static void test_node_is_asked_under_told_address(void)
{
	struct link_advert ad = advert();
	struct in6_addr known;

	start();
	ad.node = mac_linklocal(&n1.mac);
	mag.advertise(mag.ctx, &n1, &ad);
	mag.verify(mag.ctx, &n1);
	n_sent = 0;
	run(MS(0));
	CU_ASSERT_EQUAL(n_sent, 1);
	CU_ASSERT(sent_is(0, FRAME_PROBE));
	rx(FRAME_NS);
	known = mag.address(mag.ctx, &n1);
	CU_ASSERT(addr6_eq(&known, &ad.node));
	ad.node.s6_addr[15]++;
	mag.advertise(mag.ctx, &n1, &ad);
	known = mag.address(mag.ctx, &n1);
	CU_ASSERT_FALSE(addr6_eq(&known, &ad.node));
	stop();
}
static void test_resumed_node_is_verified(void)
{
	start();
	resume();
	run(S(100)); /* thousands of them are not all to be asked at once */
	CU_ASSERT_EQUAL(n_sent, 0);
	mag.verify(mag.ctx, &n1);
	run(MS(0));
	CU_ASSERT_EQUAL(n_sent, 1);
	CU_ASSERT(sent_is(0, FRAME_PROBE)); /* to the address that the record had */
	m.withdraw_on_detach = true;
	run(S(3));
	CU_ASSERT_EQUAL(m.detach, 1);
	stop();
}

static void test_links_have_names(void)
{
	start();
	CU_ASSERT_EQUAL(m.link_up, 2);
	CU_ASSERT_STRING_EQUAL(m.link_name, "acc1");
	CU_ASSERT_EQUAL(mag.ifindex(mag.ctx, "acc0"), ACC0);
	CU_ASSERT_EQUAL(mag.ifindex(mag.ctx, "acc7"), 0);
	CU_ASSERT_STRING_EQUAL(mag.ifname(mag.ctx, ACC1), "acc1");
	CU_ASSERT_PTR_NULL(mag.ifname(mag.ctx, 4711));
	stop();
}

static void test_storm(void)
{
	static const char *const frames[] = {FRAME_RS,	     FRAME_DAD,	       FRAME_NS,
					     FRAME_NA,	     FRAME_MLD2,       FRAME_MLD1,
					     FRAME_MLD_DONE, FRAME_ECHO_REPLY, FRAME_RA_ROGUE};
	uint32_t r = 12345;

	start();
	m.withdraw_on_detach = true;
	for (int i = 0; i < 20000; i++) {
		struct link_node n = {ACC0, {{0x02, 0, 0, 0, 0, 0}}};

		r = r * 1664525 + 1013904223;
		n.ifindex = r >> 31 ? ACC0 : ACC1;
		n.mac.b[5] = r >> 24 & 7;
		switch (r >> 16 & 15) {
		case 0:
			advertise(&n);
			break;
		case 1:
			mag.withdraw(mag.ctx, &n, r & 1);
			break;
		case 2:
			mag.verify(mag.ctx, &n);
			break;
		case 3:
			access_fdb_gone(a, n.ifindex, &n.mac, now);
			break;
		case 4:
			access_detach(a, &n, "control", now);
			break;
		case 5:
			access_link_down(a, n.ifindex, now);
			break;
		case 6:
		case 7:
			access_link_up(a, n.ifindex, now);
			break;
		case 8:
			m.attach_result = r & 1 ? -EPERM : 0;
			m.advertise_at_once = r & 2;
			break;
		case 9:
			mag.teardown(mag.ctx, &n);
			break;
		default:
			rx_from(n.ifindex, frames[(r >> 8) % ARRAY_SIZE(frames)], n.mac.b[5]);
			break;
		}
		n_sent = 0;
		run(MS(r % 700));
	}
	access_link_down(a, ACC0, now);
	access_link_down(a, ACC1, now);
	n_sent = 0;
	run(S(2000));
	CU_ASSERT_EQUAL(n_sent, 0);
	CU_ASSERT_EQUAL(access_next(a), NSEC_NEVER);
	stop();
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"each trigger attaches, and its switch stops it",			   test_triggers},
		{"a known node is confirmed, not attached again",									  test_known_node_is_confirmed},
		{"a served node that shows itself anew is offered anew, paced",
		 test_served_node_shows_itself_anew},
		{"bad frames are counted by name and trigger nothing",
		 test_bad_frames_counted_by_name},
		{"a forged link-layer option redirects nothing",									  test_forged_lladdr_option},
		{"a refused node is offered again once per second at most",					    test_refused_node},
		{"a flood of link-layer addresses is bounded in memory and rate",
		 test_flood_is_bounded},
		{"refused nodes that come again share the link's rate",
		 test_reoffers_share_the_rate},
		{"a node that waits for its registration counts once",
		 test_reoffer_of_a_waiting_node},
		{"one link cannot hold more than its share",	     test_per_link_limit},
		{"on a point-to-point link a new node replaces the old",									  test_point_to_point},
		{"no prefix before the registration; the RS is answered then",
		 test_no_ra_before_advertise},
		{"the MAG may advertise from within attach",			     test_advertise_inside_attach},
		{"unsolicited RAs: 3 initial, then random (RFC 4861 6.2.4)",
		 test_unsolicited_times},
		{"solicited RAs: random delay, 3 s apart (RFC 4861 6.2.6)",					    test_solicited_times},
		{"only new content is repeated soon",		      test_same_content_no_new_burst},
		{"G-45 RFC 5213 6.4, 6.7 configured flags, hop limit and lifetime are told",
		 test_configured_parameters},
		{"MTU option is the lower of tunnel and link (RFC 5213 6.9.5)",
		 test_mtu_is_the_lower},
		{"withdraw deprecates where asked, and ends everything",				 test_withdraw},
		{"two nodes on a shared link each get frames of their own",
		 test_two_nodes_two_advertisements},
		{"zero lifetimes keep the router (RFC 5213 6.12)",							   test_deprecating_advert},
		{"DHCPv6 is relayed while a prefix is advertised",		   test_dhcp6_node},
		{"a link-local address given by the LMA is used",									  test_link_local_from_the_lma},
		{"without a fixed link-layer address the interface's own is used",
		 test_no_fixed_link_layer_address},
		{"DAD for the gateway's address is defended", test_dad_defence},
		{"frames that cannot be sent are counted",									  test_send_failure_is_counted},
		{"an idle node is probed and given up after count",							    test_idle_node_is_probed},
		{"a node that speaks is not probed",		     test_busy_node_is_not_probed},
		{"a node known by MAC alone is asked by echo",
		 test_unknown_address_is_asked_by_echo},
		{"interval 0 probes only on request",					      test_probe_interval_zero},
		{"verify asks at once and answers either way",			       test_verify},
		{"verify joins the probes under way",									  test_verify_joins_probes_under_way},
		{"what a probe is sent to, and what answers it",						 test_what_a_probe_learns},
		{"a new probe interval holds at once",			       test_probe_interval_changes_live},
		{"a lost forwarding entry is verified quickly",									  test_fdb_gone},
		{"link down and gone detach their nodes",						  test_link_down},
		{"frames that overtake link-up are not lost",				      test_frame_before_link_up},
		{"external attach and detach",									  test_control},
		{"teardown ends the node's service",test_teardown},
		{"walks show nodes and links",			       test_walks},
		{"a node that knows its advertisement is sent nothing",
		 test_resumed_node_hears_nothing},
		{"its solicitation is answered even before the first tick",
		 test_resumed_node_solicits_at_once},
		{"it gets unsolicited advertisements in time",			       test_resumed_node_is_told_in_time},
		{"RFC 5949 4.1 a node is asked under the address that its old MAG told", test_node_is_asked_under_told_address},
		{"it is probed by the address that it had",									  test_resumed_node_is_verified},
		{"links are known by name, and tell when they are up",	       test_links_have_names},
		{"a storm of events leaves nothing behind",				    test_storm},
		{0									 },
	};

	return cu_main("access", tests, argc, argv);
}
