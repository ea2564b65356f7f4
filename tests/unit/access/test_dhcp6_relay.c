/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cu.h"

#include <stdlib.h>
#include <string.h>

#include "access/dhcp6_relay.h"
#include "access/nd.h"
#include "base/log.h"
#include "base/util.h"
#include "unit/access/frames.h"

/*
 * What scapy made, under the expressions that make it, with
 *
 *	N = "02:00:00:00:00:01"; NL = "fe80::ff:fe00:1"
 *	G = "00:00:5e:00:52:13"; GL = "fe80::200:5eff:fe00:5213"
 *	duid = DUID_LL(lladdr=N); sduid = DUID_LL(lladdr="02:00:00:00:05:47")
 *	sol = DHCP6_Solicit(trid=0x123456)/DHCP6OptClientId(duid=duid)/DHCP6OptElapsedTime()/
 *	      DHCP6OptIA_NA(iaid=1,T1=0,T2=0)
 *	adv =
 *DHCP6_Advertise(trid=0x123456)/DHCP6OptServerId(duid=sduid)/DHCP6OptClientId(duid=duid)/
 *	      DHCP6OptIA_NA(iaid=1,T1=60,T2=96,ianaopts=[
 *	        DHCP6OptIAAddress(addr="2001:db8:100:1::a",preflft=120,validlft=120)])
 */
// clang-format off
/* Ether(src=N,dst="33:33:00:01:00:02")/IPv6(src=NL,dst="ff02::1:2",hlim=1)/UDP(sport=546,dport=547)/sol */
#define SOLICIT \
	"33330001000202000000000186dd6000000000301101fe80000000000000000000fffe000001ff02" \
	"0000000000000000000000010002022202230030c72f011234560001000a00030001020000000001" \
	"0008000200000003000c000000010000000000000000"
/* DHCP6_RelayForward(hopcount=0,linkaddr="2001:db8:100:1:200:5eff:fe00:5213",peeraddr=NL)/
 *   DHCP6OptIfaceId(ifaceid=b"acc0/02:00:00:00:00:01")/
 *   DHCP6OptClientLinkLayerAddr(lltype=1,clladdr=N)/DHCP6OptRelayMsg(message=sol) */
#define FORWARD \
	"0c0020010db80100000102005efffe005213fe80000000000000000000fffe000001001200166163" \
	"63302f30323a30303a30303a30303a30303a3031004f000800010200000000010009002801123456" \
	"0001000a000300010200000000010008000200000003000c000000010000000000000000"
/* DHCP6_RelayReply(hopcount=0,linkaddr="2001:db8:100:1:200:5eff:fe00:5213",peeraddr=NL)/
 *   DHCP6OptIfaceId(ifaceid=b"acc0/02:00:00:00:00:01")/DHCP6OptRelayMsg(message=adv) */
#define REPLY \
	"0d0020010db80100000102005efffe005213fe80000000000000000000fffe000001001200166163" \
	"63302f30323a30303a30303a30303a30303a30310009004c021234560002000a0003000102000000" \
	"05470001000a0003000102000000000100030028000000010000003c000000600005001820010db8" \
	"01000001000000000000000a0000007800000078"
/* Ether(src=G,dst=N)/IPv6(src=GL,dst=NL,hlim=64)/UDP(sport=547,dport=546)/adv */
#define ADVERTISE \
	"02000000000100005e00521386dd6000000000541140fe8000000000000002005efffe005213fe80" \
	"000000000000000000fffe000001022302220054dd82021234560002000a00030001020000000547" \
	"0001000a0003000102000000000100030028000000010000003c000000600005001820010db80100" \
	"0001000000000000000a0000007800000078"
// clang-format on

#define LINK	7u
#define NOW	(1000 * NSEC_PER_SEC)
#define DHCP_AT 62 /* in a frame */
#define IFID_AT 34 /* the option, in a Relay-reply */
#define RMSG_AT (IFID_AT + 4 + 22)

static struct world {
	struct dhcp6_relay *r;
	bool served; /* node 1 */
	uint32_t mtu;
	struct prefix6 hnp;
	struct dhcp6_memory memory;
	int fail;

	unsigned n_to_server, n_to_link, link;
	struct in6_addr server; /* of the last message */
	uint8_t msg[DHCP6_FORW_MAX], frame[DHCP6_FRAME_MAX];
	size_t msg_len, frame_len;
} w;

static const struct mac node = {
	{0x02, 0, 0, 0, 0, 0x01}
};
static struct in6_addr server1, server2, stranger;

static bool find(void *ctx, const struct link_node *id, struct dhcp6_node *out)
{
	if (!w.served || id->ifindex != LINK || !mac_eq(&id->mac, &node))
		return false;
	*out = (struct dhcp6_node){"acc0", w.mtu,    nd_rfc6543_mac, nd_rfc6543_linklocal,
				   w.hnp,  &w.memory};
	return true;
}

static unsigned ifindex(void *ctx, const char *ifname)
{
	return strcmp(ifname, "acc0") == 0 ? LINK : 0;
}

static int to_server(void *ctx, const struct in6_addr *server, const void *msg, size_t len)
{
	if (w.fail)
		return w.fail;
	CU_ASSERT_FATAL(len <= sizeof(w.msg));
	w.n_to_server++;
	w.server = *server;
	memcpy(w.msg, msg, len);
	w.msg_len = len;
	return 0;
}

static int to_link(void *ctx, unsigned link, const void *frame, size_t len)
{
	if (w.fail)
		return w.fail;
	CU_ASSERT_FATAL(len <= sizeof(w.frame));
	w.n_to_link++;
	w.link = link;
	memcpy(w.frame, frame, len);
	w.frame_len = len;
	return 0;
}

static void begin(void)
{
	const struct dhcp6_relay_ops ops = {NULL, find, ifindex, to_server, to_link};

	memset(&w, 0, sizeof(w));
	w.served = true;
	w.mtu = 1500;
	CU_ASSERT_EQUAL(prefix6_parse("2001:db8:100:1::/64", &w.hnp), 0);
	addr6_parse("2001:db8:c::2", &server1);
	addr6_parse("2001:db8:c::3", &server2);
	addr6_parse("2001:db8:c::4", &stranger);
	CU_ASSERT_EQUAL_FATAL(dhcp6_relay_new(&w.r, &ops), 0);
	dhcp6_relay_servers(w.r, &server1, 1);
}

static void end(void)
{
	dhcp6_relay_free(&w.r);
}

static uint64_t count(enum dhcp6_fate f)
{
	return dhcp6_relay_counters(w.r).value[f];
}

/* In memory of exactly that size, so that an overrun shows. */
static void hear(const uint8_t *frame, size_t len, bool csum_partial, nsec_t now)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, frame, len);
	if (dhcp6_is_request(copy, len))
		dhcp6_relay_frame(w.r, LINK, copy, len, csum_partial, now);
	free(copy);
}

static void answer(const struct in6_addr *from, const uint8_t *msg, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, msg, len);
	dhcp6_relay_reply(w.r, from, copy, len, NOW);
	free(copy);
}

static size_t solicit(uint8_t *f)
{
	return frame_from_hex(SOLICIT, f, DHCP6_FRAME_MAX + 64);
}

static size_t reply(uint8_t *m)
{
	return frame_from_hex(REPLY, m, DHCP6_FORW_MAX);
}

/* A frame whose message is that of SOLICIT with more octets behind. */
static size_t longer(uint8_t *f, size_t n, const uint8_t *extra, size_t extra_len)
{
	memcpy(f + n, extra, extra_len);
	n += extra_len;
	f[14 + 4] = f[54 + 4] = (uint8_t)((n - 54) >> 8);
	f[14 + 5] = f[54 + 5] = (uint8_t)(n - 54);
	return n;
}

/* ---- both ways */

static void test_round(void)
{
	uint8_t buf[DHCP6_FRAME_MAX + 64], want[DHCP6_FORW_MAX];
	size_t n;

	begin();
	hear(buf, solicit(buf), false, NOW);
	n = frame_from_hex(FORWARD, want, sizeof(want));
	CU_ASSERT_EQUAL(w.n_to_server, 1);
	CU_ASSERT(addr6_eq(&w.server, &server1));
	CU_ASSERT(w.msg_len == n && !memcmp(w.msg, want, n));
	CU_ASSERT_EQUAL(count(DHCP6_RELAYED), 1);

	answer(&server1, buf, reply(buf));
	n = frame_from_hex(ADVERTISE, want, sizeof(want));
	CU_ASSERT_EQUAL(w.n_to_link, 1);
	CU_ASSERT_EQUAL(w.link, LINK);
	CU_ASSERT(w.frame_len == n && !memcmp(w.frame, want, n));
	CU_ASSERT_EQUAL(count(DHCP6_DELIVERED), 1);
	CU_ASSERT_EQUAL(count(DHCP6_OK), 2);
	end();
}

static void test_servers(void)
{
	const struct in6_addr both[2] = {server1, server2};
	uint8_t buf[DHCP6_FRAME_MAX + 64];

	begin();
	dhcp6_relay_servers(w.r, both, 2);
	hear(buf, solicit(buf), false, NOW);
	CU_ASSERT_EQUAL(w.n_to_server, 2);
	CU_ASSERT_EQUAL(count(DHCP6_RELAYED), 1);
	answer(&server2, buf, reply(buf));
	CU_ASSERT_EQUAL(count(DHCP6_DELIVERED), 1);

	dhcp6_relay_servers(w.r, both, 1);
	answer(&server2, buf, reply(buf));
	CU_ASSERT_EQUAL(count(DHCP6_FOREIGN_SERVER), 1);

	dhcp6_relay_servers(w.r, NULL, 0);
	hear(buf, solicit(buf), false, NOW);
	CU_ASSERT_EQUAL(w.n_to_server, 2);
	CU_ASSERT_EQUAL(count(DHCP6_NO_SERVER), 1);
	end();
}

static void test_unknown_type(void)
{
	uint8_t f[DHCP6_FRAME_MAX + 64];
	size_t n;

	begin();
	n = solicit(f);
	f[DHCP_AT] = 99;
	hear(f, n, true, NOW);
	CU_ASSERT_EQUAL(count(DHCP6_RELAYED), 1);
	CU_ASSERT(!memcmp(w.msg + w.msg_len - (n - DHCP_AT), f + DHCP_AT, n - DHCP_AT));
	end();
}

/* ---- hostile nodes */

static void refused(const uint8_t *f, size_t n, bool csum_partial, enum dhcp6_fate want)
{
	const uint64_t before = count(want);

	hear(f, n, csum_partial, NOW);
	CU_ASSERT_EQUAL(count(want), before + 1);
	CU_ASSERT_EQUAL(w.n_to_server, 0);
}

static void test_refused_types(void)
{
	uint8_t f[DHCP6_FRAME_MAX + 64];
	size_t n;

	begin();
	n = solicit(f);
	f[DHCP_AT] = 12;
	refused(f, n, true, DHCP6_FROM_RELAY);
	f[DHCP_AT] = 13;
	refused(f, n, true, DHCP6_FROM_RELAY);
	for (unsigned i = 0; i < 3; i++) {
		f[DHCP_AT] = (uint8_t[]){2, 7, 10}[i];
		refused(f, n, true, DHCP6_FROM_SERVER);
	}
	CU_ASSERT_EQUAL(count(DHCP6_OK), 0);
	end();
}

static void test_refused_forms(void)
{
	uint8_t f[DHCP6_FRAME_MAX + 64], extra[400] = {0};
	size_t n;

	begin();
	n = solicit(f);
	f[6] |= 1;
	refused(f, n, false, DHCP6_BAD_ETHER);
	n = solicit(f);
	memset(f + 6, 0, 6);
	refused(f, n, false, DHCP6_BAD_ETHER);
	n = solicit(f);
	f[22] = 0x20; /* a global source */
	refused(f, n, true, DHCP6_BAD_SOURCE);
	n = solicit(f);
	memcpy(f + 22, &nd_rfc6543_linklocal, 16); /* the gateway's */
	refused(f, n, true, DHCP6_BAD_SOURCE);
	n = solicit(f);
	f[60] ^= 1;
	refused(f, n, false, DHCP6_BAD_CHECKSUM);
	f[60] = f[61] = 0;
	refused(f, n, false, DHCP6_BAD_CHECKSUM);
	n = solicit(f);
	f[14] = 0x40;
	refused(f, n, false, DHCP6_BAD_HEADER);
	n = solicit(f);
	f[59]++; /* UDP length */
	refused(f, n, true, DHCP6_BAD_HEADER);

	for (unsigned i = 0; i < 3; i++) {
		extra[1] = (uint8_t[]){9, 18, 79}[i];
		n = longer(f, solicit(f), extra, 4);
		refused(f, n, true, DHCP6_RELAY_OPTION);
	}
	memset(extra, 0, sizeof(extra));
	n = longer(f, solicit(f), extra, 3);
	refused(f, n, true, DHCP6_MALFORMED);
	extra[1] = 200;
	extra[3] = 1; /* an option of one octet that is not there */
	n = longer(f, solicit(f), extra, 4);
	refused(f, n, true, DHCP6_MALFORMED);
	for (unsigned i = 0; i < sizeof(extra); i += 4) {
		extra[i + 1] = 200;
		extra[i + 3] = 0;
	}
	n = longer(f, solicit(f), extra, sizeof(extra)); /* a hundred options */
	refused(f, n, true, DHCP6_MALFORMED);
	CU_ASSERT_EQUAL(count(DHCP6_OK), 1); /* only access tells whose address the gateway's is */
	end();
}

static void test_size(void)
{
	static uint8_t f[DHCP6_FRAME_MAX + 64], extra[DHCP6_MSG_MAX];
	const size_t base = 40; /* octets of the Solicit */
	size_t room = DHCP6_MSG_MAX - base;

	begin();
	extra[1] = 200;
	extra[2] = (uint8_t)((room - 4) >> 8);
	extra[3] = (uint8_t)(room - 4);
	hear(f, longer(f, solicit(f), extra, room), true, NOW);
	CU_ASSERT_EQUAL(count(DHCP6_RELAYED), 1);
	CU_ASSERT_EQUAL(w.msg_len, 34 + 26 + 12 + 4 + DHCP6_MSG_MAX);
	extra[3]++;
	hear(f, longer(f, solicit(f), extra, room + 1), true, NOW);
	CU_ASSERT_EQUAL(count(DHCP6_TOO_LONG), 1);
	CU_ASSERT_EQUAL(w.n_to_server, 1);
	end();
}

static void test_truncated_requests(void)
{
	uint8_t f[DHCP6_FRAME_MAX + 64];
	size_t n;

	begin();
	n = solicit(f);
	for (size_t cut = 0; cut < n; cut++) { /* the frame alone */
		hear(f, cut, true, NOW);
		hear(f, cut, false, NOW);
	}
	CU_ASSERT_EQUAL(count(DHCP6_OK), 0);
	CU_ASSERT_EQUAL(count(DHCP6_BAD_HEADER), 2 * (n - DHCP_AT));
	CU_ASSERT_EQUAL(w.n_to_server, 0);

	for (size_t len = 0; len < n - DHCP_AT; len++) { /* the message, headers agreeing */
		const uint64_t ok = count(DHCP6_OK), malformed = count(DHCP6_MALFORMED);
		/* between two options it is a message */
		const bool whole = len == 4 || len == 18 || len == 24;

		solicit(f);
		w.memory = (struct dhcp6_memory){0};
		hear(f, longer(f, DHCP_AT + len, f, 0), true, NOW);
		CU_ASSERT_EQUAL(count(DHCP6_OK), ok + whole);
		CU_ASSERT_EQUAL(count(DHCP6_MALFORMED), malformed + !whole);
	}
	end();
}

/* Whatever is relayed in the end is a message of that node, verbatim. */
static void test_mutated_requests(void)
{
	static const uint8_t flips[] = {0x01, 0x80, 0xff};
	uint8_t f[DHCP6_FRAME_MAX + 64];
	size_t n;

	begin();
	n = solicit(f);
	for (size_t at = 0; at < n; at++)
		for (unsigned i = 0; i < ARRAY_SIZE(flips); i++) {
			solicit(f);
			f[at] ^= flips[i];
			w.memory = (struct dhcp6_memory){0};
			w.n_to_server = 0;
			hear(f, n, true, NOW);
			if (w.n_to_server) {
				CU_ASSERT_EQUAL(w.msg_len, 34 + 26 + 12 + 4 + n - DHCP_AT);
				CU_ASSERT(!memcmp(w.msg + w.msg_len - (n - DHCP_AT), f + DHCP_AT,
						  n - DHCP_AT));
				CU_ASSERT(!memcmp(f + 6, node.b, 6));
				CU_ASSERT(!memcmp(w.msg + 18, f + 22, 16));
			}
			w.memory = (struct dhcp6_memory){0};
			w.n_to_server = 0;
			hear(f, n, false, NOW);
			/* with the checksum only what it does not cover may differ */
			CU_ASSERT(!w.n_to_server || at < 54);
		}
	end();
}

static void test_unserved(void)
{
	uint8_t f[DHCP6_FRAME_MAX + 64];
	size_t n;

	begin();
	n = solicit(f);
	w.served = false;
	refused(f, n, false, DHCP6_UNSERVED);
	w.served = true;
	f[11] = 0x02; /* another node, with this one's IP address */
	refused(f, n, false, DHCP6_UNSERVED);
	end();
}

static void test_rate(void)
{
	uint8_t f[DHCP6_FRAME_MAX + 64];
	size_t n;

	begin();
	n = solicit(f);
	for (unsigned i = 0; i < 1000; i++)
		hear(f, n, false, NOW);
	CU_ASSERT_EQUAL(w.n_to_server, DHCP6_BURST);
	CU_ASSERT_EQUAL(count(DHCP6_RATE_LIMITED), 1000 - DHCP6_BURST);
	for (unsigned ms = 0; ms < 10000; ms++)
		hear(f, n, false, NOW + nsec_from_ms(ms));
	CU_ASSERT(w.n_to_server >= DHCP6_BURST + 10 * DHCP6_RATE - 1);
	CU_ASSERT(w.n_to_server <= DHCP6_BURST + 10 * DHCP6_RATE + 1);
	end();
}

/* ---- servers */

static void asked(void)
{
	uint8_t f[DHCP6_FRAME_MAX + 64];

	begin();
	hear(f, solicit(f), false, NOW);
	CU_ASSERT_EQUAL(w.n_to_server, 1);
}

static void undelivered(const uint8_t *m, size_t n, enum dhcp6_fate want)
{
	const uint64_t before = count(want);

	answer(&server1, m, n);
	CU_ASSERT_EQUAL(count(want), before + 1);
	CU_ASSERT_EQUAL(w.n_to_link, 0);
}

static void test_foreign_server(void)
{
	uint8_t m[DHCP6_FORW_MAX];

	asked();
	answer(&stranger, m, reply(m));
	CU_ASSERT_EQUAL(count(DHCP6_FOREIGN_SERVER), 1);
	CU_ASSERT_EQUAL(w.n_to_link, 0);
	end();
}

static void test_wrong_replies(void)
{
	uint8_t m[DHCP6_FORW_MAX];
	size_t n;

	asked();
	n = reply(m);
	m[0] = 12;
	undelivered(m, n, DHCP6_REPLY_TYPE);
	m[0] = 7;
	undelivered(m, n, DHCP6_REPLY_TYPE);
	for (unsigned i = 0; i < 2; i++) { /* no relay agent stands behind this one */
		reply(m);
		m[RMSG_AT + 4] = (uint8_t)(12 + i);
		undelivered(m, n, DHCP6_REPLY_NESTED);
	}
	reply(m);
	m[17] ^= 1;
	undelivered(m, n, DHCP6_REPLY_LINK);
	reply(m);
	m[33] ^= 1;
	undelivered(m, n, DHCP6_REPLY_PEER);
	reply(m);
	m[IFID_AT + 1] = 200; /* no Interface-Id */
	undelivered(m, n, DHCP6_REPLY_MALFORMED);
	reply(m);
	m[RMSG_AT + 1] = 200; /* no Relay Message */
	undelivered(m, n, DHCP6_REPLY_MALFORMED);
	reply(m);
	m[RMSG_AT + 1] = 18; /* two Interface-Ids */
	undelivered(m, n, DHCP6_REPLY_MALFORMED);
	reply(m);
	m[IFID_AT + 1] = 9; /* two Relay Messages */
	undelivered(m, n, DHCP6_REPLY_MALFORMED);
	end();
}

static void test_interface_id(void)
{
	static const char *const wrong[] = {
		"acc1/02:00:00:00:00:01", "ACC0/02:00:00:00:00:01", "acc0/02-00-00-00-00-01",
		"acc0x02:00:00:00:00:01", "/cc0/02:00:00:00:00:01", "acc0/02:00:00:00:00:0g",
	};
	uint8_t m[DHCP6_FORW_MAX];
	size_t n;

	asked();
	n = reply(m);
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		memcpy(m + IFID_AT + 4, wrong[i], 22);
		undelivered(m, n, DHCP6_REPLY_INTERFACE);
	}
	memcpy(m + IFID_AT + 4, "acc0/02:00:00:00:00:02", 22);
	undelivered(m, n, DHCP6_REPLY_UNSERVED);
	memset(m + IFID_AT + 4, 0, 22);
	undelivered(m, n, DHCP6_REPLY_INTERFACE);
	memset(m + IFID_AT + 4, 'a', 22);
	undelivered(m, n, DHCP6_REPLY_INTERFACE);
	end();
}

static void test_session_changed(void)
{
	uint8_t m[DHCP6_FORW_MAX];
	size_t n;

	asked();
	n = reply(m);
	w.served = false;
	undelivered(m, n, DHCP6_REPLY_UNSERVED);
	w.served = true;
	w.hnp.addr.s6_addr[7] = 2;
	undelivered(m, n, DHCP6_REPLY_LINK);
	w.hnp.addr.s6_addr[7] = 1;
	w.memory.client = (struct in6_addr){0}; /* never asked */
	undelivered(m, n, DHCP6_REPLY_PEER);
	memset(m + 18, 0, 16);
	undelivered(m, n, DHCP6_REPLY_PEER);
	end();
}

static void test_truncated_replies(void)
{
	uint8_t m[DHCP6_FORW_MAX];
	size_t n;

	asked();
	n = reply(m);
	for (size_t cut = 0; cut < n; cut++)
		undelivered(m, cut, DHCP6_REPLY_MALFORMED);
	end();
}

/* Whatever is delivered goes to that node, and carries the inner message verbatim. */
static void test_mutated_replies(void)
{
	static const uint8_t flips[] = {0x01, 0x80, 0xff};
	uint8_t m[DHCP6_FORW_MAX];
	size_t n;

	asked();
	n = reply(m);
	for (size_t at = 0; at < n; at++)
		for (unsigned i = 0; i < ARRAY_SIZE(flips); i++) {
			reply(m);
			m[at] ^= flips[i];
			w.n_to_link = 0;
			answer(&server1, m, n);
			if (!w.n_to_link)
				continue;
			/* the hop count, and what the relay agent does not look into */
			CU_ASSERT(at == 1 || at >= RMSG_AT + 4);
			CU_ASSERT(!memcmp(w.frame, node.b, 6));
			CU_ASSERT(!memcmp(w.frame + DHCP_AT, m + RMSG_AT + 4, n - RMSG_AT - 4));
		}
	end();
}

static void test_reply_size(void)
{
	static uint8_t m[4096];
	const size_t head = RMSG_AT + 4;

	asked();
	reply(m);
	for (size_t len = DHCP6_MSG_MAX; len <= DHCP6_MSG_MAX + 1; len++) {
		m[RMSG_AT + 2] = (uint8_t)(len >> 8);
		m[RMSG_AT + 3] = (uint8_t)len;
		answer(&server1, m, head + len);
	}
	CU_ASSERT_EQUAL(count(DHCP6_DELIVERED), 1);
	CU_ASSERT_EQUAL(count(DHCP6_REPLY_TOO_LONG), 1);

	w.mtu = 1280;
	for (size_t len = 1280 - 48; len <= 1280 - 47; len++) {
		m[RMSG_AT + 2] = (uint8_t)(len >> 8);
		m[RMSG_AT + 3] = (uint8_t)len;
		answer(&server1, m, head + len);
	}
	CU_ASSERT_EQUAL(count(DHCP6_DELIVERED), 2);
	CU_ASSERT_EQUAL(count(DHCP6_REPLY_TOO_LONG), 2);
	end();
}

static void test_send_failed(void)
{
	uint8_t buf[DHCP6_FRAME_MAX + 64];

	asked();
	w.fail = -1;
	hear(buf, solicit(buf), false, NOW);
	CU_ASSERT_EQUAL(count(DHCP6_SEND_FAILED), 1);
	answer(&server1, buf, reply(buf));
	CU_ASSERT_EQUAL(count(DHCP6_SEND_FAILED), 2);
	CU_ASSERT_EQUAL(count(DHCP6_RELAYED), 1);
	CU_ASSERT_EQUAL(count(DHCP6_DELIVERED), 0);
	end();
}

static void no_log(void *ctx, enum log_class cls, const char *line)
{
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"G-48 (RFC 8415 19): what is relayed and delivered, octet for octet", test_round},
		{"G-48 (RFC 8415 19): to every server, from none but these", test_servers},
		{"G-48 (RFC 8415 19): messages of unknown types are relayed verbatim", test_unknown_type},
		{"nodes are neither relay agents nor servers", test_refused_types},
		{"each fault of a node's message has its name", test_refused_forms},
		{"messages are relayed up to what a link carries", test_size},
		{"requests cut at every octet", test_truncated_requests},
		{"requests with every octet changed", test_mutated_requests},
		{"G-48 (RFC 5213 6.11): only nodes with a session are relayed", test_unserved},
		{"a node is relayed at its rate and no faster", test_rate},
		{"a stranger's reply is not delivered", test_foreign_server},
		{"each fault of a reply has its name", test_wrong_replies},
		{"an Interface-Id is exactly ours or nobody's", test_interface_id},
		{"a reply for a session that ended or changed is not delivered", test_session_changed},
		{"replies cut at every octet", test_truncated_replies},
		{"replies with every octet changed", test_mutated_replies},
		{"replies are delivered up to what the node's link carries", test_reply_size},
		{"what cannot be sent is counted as such", test_send_failed},
		{0},
	};
	// clang-format on

	log_set_sink(no_log, NULL);
	return cu_main("dhcp6_relay", tests, argc, argv);
}
