/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access/dhcp6.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"

const struct in6_addr dhcp6_all_agents = {
	{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0, 0x02}}};

#define ETH_IPV6    0x86dd
#define IP6_LEN	    40
#define UDP_LEN	    8
#define NXT_UDP	    17
#define HOP_LIMIT   64
#define PORT_CLIENT 546
#define PORT_SERVER 547
#define HTYPE_ETHER 1  /* of RFC 826, as RFC 6939 4 wants it */
#define OPTIONS_MAX 64 /* in one message; real ones have a dozen */

/* RFC 8415 7.3 */
enum msg_type {
	MSG_ADVERTISE = 2,
	MSG_REPLY = 7,
	MSG_RECONFIGURE = 10,
	MSG_RELAY_FORW = 12,
	MSG_RELAY_REPL = 13,
};

enum option {
	OPTION_RELAY_MSG = 9,
	OPTION_INTERFACE_ID = 18,
	OPTION_CLIENT_LINKLAYER_ADDR = 79,
};

static const char *const fate_names[] = {
#define FATE_NAME(sym, name, help) [sym] = name,
	DHCP6_FATES(FATE_NAME)};

const char *dhcp6_fate_name(enum dhcp6_fate f)
{
	return (unsigned)f < DHCP6_FATE_MAX ? fate_names[f] : "unknown";
}

/* ---- from nodes */

bool dhcp6_is_request(const uint8_t *frame, size_t len)
{
	static const uint8_t port[2] = {PORT_SERVER >> 8, PORT_SERVER & 0xff};

	return len >= DHCP6_ETH_LEN + IP6_LEN + UDP_LEN && frame[12] == ETH_IPV6 >> 8 &&
	       frame[13] == (ETH_IPV6 & 0xff) && frame[DHCP6_ETH_LEN + 6] == NXT_UDP &&
	       !memcmp(frame + DHCP6_ETH_LEN + 24, &dhcp6_all_agents, sizeof(dhcp6_all_agents)) &&
	       !memcmp(frame + DHCP6_ETH_LEN + IP6_LEN + 2, port, sizeof(port));
}

static uint16_t udp_checksum(const struct in6_addr *src, const struct in6_addr *dst,
			     const uint8_t *udp, size_t len)
{
	const uint8_t tail[8] = {len >> 24, len >> 16, len >> 8, len, 0, 0, 0, NXT_UDP};
	uint32_t sum = 0;

	sum = csum_add(sum, src, sizeof(*src));
	sum = csum_add(sum, dst, sizeof(*dst));
	sum = csum_add(sum, tail, sizeof(tail));
	sum = csum_add(sum, udp, len);
	return csum_fold(sum);
}

/* The option that `r` stands at. False at the end, or when it does not fit: then r is bad. */
static bool next_option(struct rd *r, uint16_t *code, struct rd *body)
{
	uint16_t len;

	if (!rd_left(r))
		return false;
	*code = rd_u16(r);
	len = rd_u16(r);
	*body = rd_sub(r, len);
	return !rd_bad(r);
}

/* RFC 8415 8: type, transaction id, options; of whatever type, known or not (RFC 7283). */
static enum dhcp6_fate judge_request(const uint8_t *msg, size_t len)
{
	unsigned n = 0;
	uint16_t code;
	struct rd r, body;
	uint8_t type;

	rd_init(&r, msg, len);
	type = rd_u8(&r);
	rd_skip(&r, 3);
	if (rd_bad(&r))
		return DHCP6_MALFORMED;
	switch (type) {
	case MSG_RELAY_FORW:
	case MSG_RELAY_REPL:
		return DHCP6_FROM_RELAY;
	case MSG_ADVERTISE:
	case MSG_REPLY:
	case MSG_RECONFIGURE:
		return DHCP6_FROM_SERVER;
	}
	while (next_option(&r, &code, &body)) {
		if (++n > OPTIONS_MAX)
			return DHCP6_MALFORMED;
		if (code == OPTION_RELAY_MSG || code == OPTION_INTERFACE_ID ||
		    code == OPTION_CLIENT_LINKLAYER_ADDR)
			return DHCP6_RELAY_OPTION;
	}
	return rd_bad(&r) ? DHCP6_MALFORMED : DHCP6_OK;
}

enum dhcp6_fate dhcp6_parse_request(struct dhcp6_request *out, const uint8_t *frame, size_t len,
				    bool csum_partial)
{
	struct dhcp6_request q = {0};
	uint16_t payload_len, udp_len, checksum;
	enum dhcp6_fate fate;
	struct in6_addr dst;
	const uint8_t *udp;
	struct rd r, ip;
	uint32_t vtf;

	if (!dhcp6_is_request(frame, len))
		return DHCP6_BAD_HEADER;
	rd_init(&r, frame, len);
	rd_skip(&r, 6);
	rd_copy(&r, q.eth_src.b, sizeof(q.eth_src.b));
	rd_skip(&r, 2);
	vtf = rd_u32(&r);
	payload_len = rd_u16(&r);
	rd_skip(&r, 2);
	rd_copy(&r, &q.src, sizeof(q.src));
	rd_copy(&r, &dst, sizeof(dst));
	ip = rd_sub(&r, payload_len); /* Ethernet padding stays behind */
	udp = ip.p;
	rd_skip(&ip, 4);
	udp_len = rd_u16(&ip);
	checksum = rd_u16(&ip);
	if (rd_bad(&r) || rd_bad(&ip) || vtf >> 28 != 6 || udp_len != payload_len)
		return DHCP6_BAD_HEADER;
	if (mac_is_multicast(&q.eth_src) || mac_is_zero(&q.eth_src))
		return DHCP6_BAD_ETHER;
	if (!addr6_is_linklocal(&q.src))
		return DHCP6_BAD_SOURCE;
	/* RFC 8200 8.1: over IPv6 there is no datagram without a checksum */
	if (!csum_partial && (!checksum || udp_checksum(&q.src, &dst, udp, udp_len)))
		return DHCP6_BAD_CHECKSUM;
	q.len = rd_left(&ip);
	q.msg = rd_bytes(&ip, q.len);
	if (q.len > DHCP6_MSG_MAX)
		return DHCP6_TOO_LONG;
	fate = judge_request(q.msg, q.len);
	if (fate == DHCP6_OK)
		*out = q;
	return fate;
}

/* ---- to servers and from them */

static void put_option(struct wr *w, uint16_t code, const void *data, size_t len)
{
	wr_u16(w, code);
	wr_u16(w, (uint16_t)len);
	wr_bytes(w, data, len);
}

int dhcp6_build_forw(uint8_t *buf, size_t cap, const struct dhcp6_relay_msg *m,
		     const struct mac *node)
{
	struct wr w;

	if (m->len > DHCP6_MSG_MAX || m->ifid_len > DHCP6_IFID_MAX)
		return -EMSGSIZE;
	wr_init(&w, buf, cap);
	wr_u8(&w, MSG_RELAY_FORW);
	wr_u8(&w, 0); /* hop count */
	wr_bytes(&w, &m->link, sizeof(m->link));
	wr_bytes(&w, &m->peer, sizeof(m->peer));
	put_option(&w, OPTION_INTERFACE_ID, m->ifid, m->ifid_len);
	wr_u16(&w, OPTION_CLIENT_LINKLAYER_ADDR);
	wr_u16(&w, 2 + sizeof(node->b));
	wr_u16(&w, HTYPE_ETHER);
	wr_bytes(&w, node->b, sizeof(node->b));
	put_option(&w, OPTION_RELAY_MSG, m->msg, m->len);
	return wr_bad(&w) ? -EMSGSIZE : (int)wr_len(&w);
}

enum dhcp6_fate dhcp6_parse_reply(struct dhcp6_relay_msg *out, const uint8_t *buf, size_t len)
{
	struct dhcp6_relay_msg m = {0};
	struct rd r, body;
	unsigned n = 0;
	uint16_t code;
	uint8_t type;

	rd_init(&r, buf, len);
	type = rd_u8(&r);
	rd_skip(&r, 1); /* hop count: the server's copy of ours */
	rd_copy(&r, &m.link, sizeof(m.link));
	rd_copy(&r, &m.peer, sizeof(m.peer));
	if (rd_bad(&r))
		return DHCP6_REPLY_MALFORMED;
	if (type != MSG_RELAY_REPL)
		return DHCP6_REPLY_TYPE;
	while (next_option(&r, &code, &body)) {
		const size_t body_len = rd_left(&body);

		if (++n > OPTIONS_MAX)
			return DHCP6_REPLY_MALFORMED;
		if (code == OPTION_INTERFACE_ID) {
			if (m.ifid || !body_len)
				return DHCP6_REPLY_MALFORMED;
			m.ifid = rd_bytes(&body, body_len);
			m.ifid_len = body_len;
		} else if (code == OPTION_RELAY_MSG) {
			if (m.msg || body_len < 4)
				return DHCP6_REPLY_MALFORMED;
			m.msg = rd_bytes(&body, body_len);
			m.len = body_len;
		}
	}
	/* RFC 8415 21.18: the Interface-Id, which we always send, comes back */
	if (rd_bad(&r) || !m.ifid || !m.msg)
		return DHCP6_REPLY_MALFORMED;
	if (m.msg[0] == MSG_RELAY_FORW || m.msg[0] == MSG_RELAY_REPL)
		return DHCP6_REPLY_NESTED;
	*out = m;
	return DHCP6_OK;
}

int dhcp6_build_frame(uint8_t *buf, size_t cap, const struct mac *eth_src, const struct mac *node,
		      const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *msg,
		      size_t len)
{
	const size_t udp_at = DHCP6_ETH_LEN + IP6_LEN, udp_len = UDP_LEN + len;
	uint16_t checksum;
	struct wr w;

	if (len > DHCP6_MSG_MAX)
		return -EMSGSIZE;
	wr_init(&w, buf, cap);
	wr_bytes(&w, node->b, sizeof(node->b));
	wr_bytes(&w, eth_src->b, sizeof(eth_src->b));
	wr_u16(&w, ETH_IPV6);
	wr_u32(&w, 6u << 28);
	wr_u16(&w, (uint16_t)udp_len);
	wr_u8(&w, NXT_UDP);
	wr_u8(&w, HOP_LIMIT);
	wr_bytes(&w, src, sizeof(*src));
	wr_bytes(&w, dst, sizeof(*dst));
	wr_u16(&w, PORT_SERVER);
	wr_u16(&w, PORT_CLIENT);
	wr_u16(&w, (uint16_t)udp_len);
	wr_u16(&w, 0); /* checksum, known at the end */
	wr_bytes(&w, msg, len);
	if (wr_bad(&w))
		return -EMSGSIZE;
	checksum = udp_checksum(src, dst, buf + udp_at, udp_len);
	wr_at_u16(&w, udp_at + 6, checksum ? checksum : 0xffff);
	return (int)wr_len(&w);
}
