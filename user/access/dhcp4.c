/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access/dhcp4.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

#define ETH_IPV4       0x0800
#define IP_LEN	       20
#define IP_DF	       0x4000
#define IP_FRAGMENT    0x3fff /* more to come, or not the first */
#define IP_OFFSET      0x1fff
#define TTL	       64
#define UDP_LEN	       8
#define NXT_UDP	       17
#define PORT_SERVER    67
#define PORT_CLIENT    68
#define OP_REQUEST     1
#define OP_REPLY       2
#define HTYPE_ETHER    1
#define HLEN_ETHER     6
#define HOPS_MAX       16 /* RFC 1542 4.1.1 */
#define COOKIE	       0x63825363
#define SNAME_AT       44
#define SNAME_LEN      64
#define FILE_AT	       108
#define FILE_LEN       128
#define MIN_DATAGRAM   576 /* that every host takes, RFC 2131 2 */
#define OVERLOAD_FILE  1
#define OVERLOAD_SNAME 2

static const char *const verdict_names[] = {
#define VERDICT_NAME(sym, name, help) [sym] = name,
	DHCP4_VERDICTS(VERDICT_NAME)};

const char *dhcp4_verdict_name(enum dhcp4_verdict v)
{
	return (unsigned)v < DHCP4_VERDICT_MAX ? verdict_names[v] : "unknown";
}

const char *dhcp4_type_name(enum dhcp4_type t)
{
	static const char *const names[] = {
		[DHCP4_DISCOVER] = "DISCOVER", [DHCP4_OFFER] = "OFFER",
		[DHCP4_REQUEST] = "REQUEST",   [DHCP4_DECLINE] = "DECLINE",
		[DHCP4_ACK] = "ACK",	       [DHCP4_NAK] = "NAK",
		[DHCP4_RELEASE] = "RELEASE",   [DHCP4_INFORM] = "INFORM",
	};

	return (unsigned)t < ARRAY_SIZE(names) && names[t] ? names[t] : "unknown";
}

/* ---- options */

enum slot {
	SLOT_REQUESTED,
	SLOT_LEASE,
	SLOT_OVERLOAD,
	SLOT_TYPE,
	SLOT_SERVER_ID,
	SLOT_PARAMETERS,
	SLOT_MAX_SIZE,
	SLOT_CLIENT_ID,
	SLOT_RAPID_COMMIT,
	SLOT_AGENT,
	SLOT_MAX,
};

/* Of an option whose parts are put together. */
struct slot_row {
	uint8_t code, min_len, max_len;
	const char *clause;
};

// clang-format off
static const struct slot_row slot_rows[SLOT_MAX] = {
	[SLOT_REQUESTED]    = {DHCP4_OPT_REQUESTED,    4, 4,   "RFC 2132 9.1"},
	[SLOT_LEASE]        = {DHCP4_OPT_LEASE,        4, 4,   "RFC 2132 9.2"},
	[SLOT_OVERLOAD]     = {DHCP4_OPT_OVERLOAD,     1, 1,   "RFC 2132 9.3"},
	[SLOT_TYPE]         = {DHCP4_OPT_TYPE,         1, 1,   "RFC 2132 9.6"},
	[SLOT_SERVER_ID]    = {DHCP4_OPT_SERVER_ID,    4, 4,   "RFC 2132 9.7"},
	[SLOT_PARAMETERS]   = {DHCP4_OPT_PARAMETERS,   1, 255, "RFC 2132 9.8"},
	[SLOT_MAX_SIZE]     = {DHCP4_OPT_MAX_SIZE,     2, 2,   "RFC 2132 9.10"},
	[SLOT_CLIENT_ID]    = {DHCP4_OPT_CLIENT_ID,    1, 255, "RFC 2132 9.14; shorter ones are honoured"},
	[SLOT_RAPID_COMMIT] = {DHCP4_OPT_RAPID_COMMIT, 0, 0,   "RFC 4039 4"},
	[SLOT_AGENT]        = {DHCP4_OPT_AGENT,        1, 255, "RFC 3046 2.0"},
};
// clang-format on

struct gathered {
	struct {
		bool seen, too_long;
		struct dhcp4_octets o;
	} slot[SLOT_MAX];
};

static void gather(struct gathered *g, uint8_t code, struct rd *body)
{
	const size_t len = rd_left(body);
	const uint8_t *p = rd_bytes(body, len);

	for (unsigned i = 0; i < SLOT_MAX; i++) {
		struct dhcp4_octets *o = &g->slot[i].o;

		if (slot_rows[i].code != code)
			continue;
		g->slot[i].seen = true;
		if (len > sizeof(o->b) - o->len) {
			g->slot[i].too_long = true;
		} else if (len) {
			memcpy(o->b + o->len, p, len);
			o->len += len;
		}
		return;
	}
}

/* One field with options; `extra`: file or sname. */
static enum dhcp4_verdict walk(struct gathered *g, const uint8_t *p, size_t len, bool extra)
{
	struct rd r;

	rd_init(&r, p, len);
	while (rd_left(&r)) {
		const uint8_t code = rd_u8(&r);
		uint8_t body_len;
		struct rd body;

		if (code == DHCP4_OPT_PAD)
			continue;
		if (code == DHCP4_OPT_END)
			return DHCP4_OK;
		body_len = rd_u8(&r);
		body = rd_sub(&r, body_len);
		if (rd_bad(&r))
			return DHCP4_OPTION_OVERRUN;
		if (extra && code == DHCP4_OPT_OVERLOAD)
			return DHCP4_BAD_OVERLOAD;
		if (extra && code == DHCP4_OPT_AGENT) /* RFC 3046 2.1: after the client's options */
			return DHCP4_AGENT_OPTION;
		gather(g, code, &body);
	}
	return DHCP4_NO_END;
}

static struct in_addr address_of(const struct dhcp4_octets *o)
{
	struct in_addr a = {0};

	if (o->len == sizeof(a))
		memcpy(&a, o->b, sizeof(a));
	return a;
}

static uint32_t number_of(const struct dhcp4_octets *o)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < o->len && i < sizeof(v); i++)
		v = v << 8 | o->b[i];
	return v;
}

static enum dhcp4_verdict parse_options(struct dhcp4_msg *m, const uint8_t *msg, size_t len)
{
	struct gathered g = {0};
	const struct dhcp4_octets *overload = &g.slot[SLOT_OVERLOAD].o;
	enum dhcp4_verdict v = walk(&g, msg + DHCP4_HEAD_LEN, len - DHCP4_HEAD_LEN, false);
	uint32_t type;

	if (v == DHCP4_OK && g.slot[SLOT_OVERLOAD].seen) {
		const uint8_t which = overload->len == 1 ? overload->b[0] : 0;

		if (!which || which > (OVERLOAD_FILE | OVERLOAD_SNAME))
			return DHCP4_BAD_OVERLOAD;
		m->overload = true;
		/* RFC 2131 4.1: first `file`, then `sname` */
		if (which & OVERLOAD_FILE)
			v = walk(&g, msg + FILE_AT, FILE_LEN, true);
		if (v == DHCP4_OK && which & OVERLOAD_SNAME)
			v = walk(&g, msg + SNAME_AT, SNAME_LEN, true);
	}
	if (v != DHCP4_OK)
		return v;
	for (unsigned i = 0; i < SLOT_MAX; i++) {
		const unsigned n = g.slot[i].o.len;

		if (g.slot[i].too_long ||
		    (g.slot[i].seen && (n < slot_rows[i].min_len || n > slot_rows[i].max_len)))
			return DHCP4_BAD_LENGTH;
	}
	if (!g.slot[SLOT_TYPE].seen)
		return DHCP4_NO_TYPE;
	type = number_of(&g.slot[SLOT_TYPE].o);
	if (type < DHCP4_DISCOVER || type > DHCP4_INFORM)
		return DHCP4_BAD_TYPE;
	m->type = type;
	m->requested = address_of(&g.slot[SLOT_REQUESTED].o);
	m->server_id = address_of(&g.slot[SLOT_SERVER_ID].o);
	m->lease_s = number_of(&g.slot[SLOT_LEASE].o);
	m->max_size = (uint16_t)number_of(&g.slot[SLOT_MAX_SIZE].o);
	m->rapid_commit = g.slot[SLOT_RAPID_COMMIT].seen;
	m->client_id = g.slot[SLOT_CLIENT_ID].o;
	m->parameters = g.slot[SLOT_PARAMETERS].o;
	m->agent = g.slot[SLOT_AGENT].o;
	return DHCP4_OK;
}

/* ---- messages */

static struct in_addr rd_addr4(struct rd *r)
{
	struct in_addr a;

	rd_copy(r, &a, sizeof(a));
	return a;
}

enum dhcp4_verdict dhcp4_parse(struct dhcp4_msg *out, const uint8_t *msg, size_t len)
{
	struct dhcp4_msg m = {0};
	uint8_t op, htype, hlen;
	enum dhcp4_verdict v;
	uint32_t cookie;
	struct rd r;

	rd_init(&r, msg, len);
	op = rd_u8(&r);
	htype = rd_u8(&r);
	hlen = rd_u8(&r);
	m.head.hops = rd_u8(&r);
	m.head.xid = rd_u32(&r);
	m.head.secs = rd_u16(&r);
	m.head.flags = rd_u16(&r);
	m.head.ciaddr = rd_addr4(&r);
	m.head.yiaddr = rd_addr4(&r);
	m.head.siaddr = rd_addr4(&r);
	m.head.giaddr = rd_addr4(&r);
	rd_copy(&r, m.head.chaddr.b, sizeof(m.head.chaddr.b));
	rd_skip(&r, 16 - sizeof(m.head.chaddr.b) + SNAME_LEN + FILE_LEN);
	cookie = rd_u32(&r);
	if (rd_bad(&r))
		return DHCP4_TRUNCATED;
	if (op != OP_REQUEST && op != OP_REPLY)
		return DHCP4_BAD_OP;
	m.head.reply = op == OP_REPLY;
	if (htype != HTYPE_ETHER)
		return DHCP4_BAD_HTYPE;
	if (hlen != HLEN_ETHER)
		return DHCP4_BAD_HLEN;
	if (cookie != COOKIE)
		return DHCP4_BAD_COOKIE;
	v = parse_options(&m, msg, len);
	if (v == DHCP4_OK)
		*out = m;
	return v;
}

/* What holds for a node's message, and not for a server's. */
static enum dhcp4_verdict judge_request(const struct dhcp4_request *q)
{
	const struct dhcp4_head *h = &q->m.head;

	if (h->reply)
		return DHCP4_BAD_OP;
	if (h->hops > HOPS_MAX)
		return DHCP4_TOO_MANY_HOPS;
	/* RFC 3046 2.1: an access link is not trusted, no relay agent is behind it */
	if (h->giaddr.s_addr)
		return DHCP4_FROM_RELAY;
	if (q->m.agent.len)
		return DHCP4_AGENT_OPTION;
	if (!mac_eq(&h->chaddr, &q->eth_src))
		return DHCP4_BAD_CHADDR;
	switch (q->m.type) {
	case DHCP4_DISCOVER:
	case DHCP4_REQUEST:
	case DHCP4_DECLINE:
	case DHCP4_RELEASE:
	case DHCP4_INFORM:
		return DHCP4_OK;
	default:
		return DHCP4_BAD_TYPE;
	}
}

/* ---- frames */

bool dhcp4_is_request(const uint8_t *frame, size_t len)
{
	size_t udp_at;

	if (len < DHCP4_ETH_LEN + IP_LEN + UDP_LEN || frame[12] != ETH_IPV4 >> 8 ||
	    frame[13] != (ETH_IPV4 & 0xff) || frame[DHCP4_ETH_LEN + 9] != NXT_UDP)
		return false;
	if ((frame[DHCP4_ETH_LEN + 6] << 8 | frame[DHCP4_ETH_LEN + 7]) & IP_OFFSET)
		return false;
	udp_at = DHCP4_ETH_LEN + (frame[DHCP4_ETH_LEN] & 0xfu) * 4;
	return len >= udp_at + UDP_LEN && frame[udp_at + 2] == PORT_SERVER >> 8 &&
	       frame[udp_at + 3] == (PORT_SERVER & 0xff);
}

static uint16_t udp_checksum(struct in_addr src, struct in_addr dst, const uint8_t *udp, size_t len)
{
	const uint8_t tail[4] = {0, NXT_UDP, len >> 8, len};
	uint32_t sum = 0;

	sum = csum_add(sum, &src, sizeof(src));
	sum = csum_add(sum, &dst, sizeof(dst));
	sum = csum_add(sum, tail, sizeof(tail));
	sum = csum_add(sum, udp, len);
	return csum_fold(sum);
}

static bool is_source(struct in_addr a)
{
	const uint8_t first = ntohl(a.s_addr) >> 24;

	return first != 127 && first < 224; /* unspecified it may be */
}

enum dhcp4_verdict dhcp4_parse_request(struct dhcp4_request *out, const uint8_t *frame, size_t len,
				       bool csum_partial)
{
	uint16_t total, fragment, udp_len, checksum;
	struct dhcp4_request q = {0};
	const uint8_t *head, *udp;
	enum dhcp4_verdict v;
	struct rd r, ip;
	size_t ihl;

	if (!dhcp4_is_request(frame, len))
		return DHCP4_BAD_HEADER;
	head = frame + DHCP4_ETH_LEN;
	ihl = (head[0] & 0xfu) * 4;
	rd_init(&r, frame, len);
	rd_skip(&r, 6);
	rd_copy(&r, q.eth_src.b, sizeof(q.eth_src.b));
	rd_skip(&r, 2 + 2);
	total = rd_u16(&r);
	rd_skip(&r, 2);
	fragment = rd_u16(&r);
	rd_skip(&r, 4);
	q.src = rd_addr4(&r);
	q.dst = rd_addr4(&r);
	if (head[0] >> 4 != 4 || ihl < IP_LEN || total < ihl + UDP_LEN)
		return DHCP4_BAD_HEADER;
	rd_skip(&r, ihl - IP_LEN);
	ip = rd_sub(&r, total - ihl); /* Ethernet padding stays behind */
	udp = ip.p;
	rd_skip(&ip, 4);
	udp_len = rd_u16(&ip);
	checksum = rd_u16(&ip);
	if (rd_bad(&r) || rd_bad(&ip))
		return DHCP4_BAD_HEADER;
	if (csum_fold(csum_add(0, head, ihl)))
		return DHCP4_BAD_IP_CHECKSUM;
	if (fragment & IP_FRAGMENT)
		return DHCP4_FRAGMENT;
	if (udp_len != total - ihl)
		return DHCP4_BAD_HEADER;
	if (mac_is_multicast(&q.eth_src) || mac_is_zero(&q.eth_src))
		return DHCP4_BAD_ETHER;
	if (!is_source(q.src))
		return DHCP4_BAD_SOURCE;
	/* RFC 768: 0 is none */
	if (!csum_partial && checksum && udp_checksum(q.src, q.dst, udp, udp_len))
		return DHCP4_BAD_CHECKSUM;
	q.len = rd_left(&ip);
	q.msg = rd_bytes(&ip, q.len);
	if (q.len > DHCP4_MSG_MAX)
		return DHCP4_TOO_LONG;
	v = dhcp4_parse(&q.m, q.msg, q.len);
	if (v == DHCP4_OK)
		v = judge_request(&q);
	if (v == DHCP4_OK)
		*out = q;
	return v;
}

/* ---- construction */

void dhcp4_put_head(struct wr *w, const struct dhcp4_head *h)
{
	wr_u8(w, h->reply ? OP_REPLY : OP_REQUEST);
	wr_u8(w, HTYPE_ETHER);
	wr_u8(w, HLEN_ETHER);
	wr_u8(w, h->hops);
	wr_u32(w, h->xid);
	wr_u16(w, h->secs);
	wr_u16(w, h->flags);
	wr_bytes(w, &h->ciaddr, sizeof(h->ciaddr));
	wr_bytes(w, &h->yiaddr, sizeof(h->yiaddr));
	wr_bytes(w, &h->siaddr, sizeof(h->siaddr));
	wr_bytes(w, &h->giaddr, sizeof(h->giaddr));
	wr_bytes(w, h->chaddr.b, sizeof(h->chaddr.b));
	wr_zero(w, 16 - sizeof(h->chaddr.b) + SNAME_LEN + FILE_LEN);
	wr_u32(w, COOKIE);
}

bool dhcp4_put_option(struct wr *w, enum dhcp4_option code, const void *data, size_t len)
{
	if (wr_bad(w) || len > DHCP4_OPTION_MAX || (size_t)(w->end - w->p) < 2 + len + 1)
		return false;
	wr_u8(w, (uint8_t)code);
	wr_u8(w, (uint8_t)len);
	wr_bytes(w, data, len);
	return true;
}

bool dhcp4_put_address(struct wr *w, enum dhcp4_option code, struct in_addr a)
{
	return dhcp4_put_option(w, code, &a, sizeof(a));
}

bool dhcp4_put_u32(struct wr *w, enum dhcp4_option code, uint32_t v)
{
	const uint32_t be = htonl(v);

	return dhcp4_put_option(w, code, &be, sizeof(be));
}

void dhcp4_put_end(struct wr *w)
{
	wr_u8(w, DHCP4_OPT_END);
	if (wr_len(w) < DHCP4_MSG_MIN)
		wr_zero(w, DHCP4_MSG_MIN - wr_len(w));
}

size_t dhcp4_limit(const struct dhcp4_msg *m)
{
	const size_t limit =
		(m->max_size > MIN_DATAGRAM ? m->max_size : MIN_DATAGRAM) - IP_LEN - UDP_LEN;

	return limit < DHCP4_MSG_MAX ? limit : DHCP4_MSG_MAX;
}

int dhcp4_copy_options(uint8_t *buf, size_t cap, const uint8_t *msg, size_t len)
{
	struct wr w;
	struct rd r;

	wr_init(&w, buf, cap);
	rd_init(&r, msg, len);
	rd_skip(&r, DHCP4_HEAD_LEN);
	while (rd_left(&r)) {
		const uint8_t code = rd_u8(&r);
		uint8_t body_len;
		struct rd body;

		if (code == DHCP4_OPT_PAD)
			continue;
		if (code == DHCP4_OPT_END)
			break;
		body_len = rd_u8(&r);
		body = rd_sub(&r, body_len);
		if (rd_bad(&r))
			break;
		if (code == DHCP4_OPT_AGENT)
			continue;
		wr_u8(&w, code);
		wr_u8(&w, body_len);
		wr_bytes(&w, body.p, body_len);
	}
	return wr_bad(&w) ? -EMSGSIZE : (int)wr_len(&w);
}

int dhcp4_build_frame(uint8_t *buf, size_t cap, const struct mac *eth_src,
		      const struct mac *eth_dst, struct in_addr src, struct in_addr dst,
		      const uint8_t *msg, size_t len)
{
	const size_t ip_at = DHCP4_ETH_LEN, udp_at = ip_at + IP_LEN, udp_len = UDP_LEN + len;
	uint16_t checksum;
	struct wr w;

	if (len > DHCP4_MSG_MAX)
		return -EMSGSIZE;
	wr_init(&w, buf, cap);
	wr_bytes(&w, eth_dst->b, sizeof(eth_dst->b));
	wr_bytes(&w, eth_src->b, sizeof(eth_src->b));
	wr_u16(&w, ETH_IPV4);
	wr_u16(&w, 0x4500);
	wr_u16(&w, (uint16_t)(IP_LEN + udp_len));
	wr_u16(&w, 0);
	wr_u16(&w, IP_DF);
	wr_u8(&w, TTL);
	wr_u8(&w, NXT_UDP);
	wr_u16(&w, 0); /* checksum, known at the end */
	wr_bytes(&w, &src, sizeof(src));
	wr_bytes(&w, &dst, sizeof(dst));
	wr_u16(&w, PORT_SERVER);
	wr_u16(&w, PORT_CLIENT);
	wr_u16(&w, (uint16_t)udp_len);
	wr_u16(&w, 0);
	wr_bytes(&w, msg, len);
	if (wr_bad(&w))
		return -EMSGSIZE;
	wr_at_u16(&w, ip_at + 10, csum_fold(csum_add(0, buf + ip_at, IP_LEN)));
	checksum = udp_checksum(src, dst, buf + udp_at, udp_len);
	wr_at_u16(&w, udp_at + 6, checksum ? checksum : 0xffff);
	return (int)wr_len(&w);
}
