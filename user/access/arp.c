/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access/arp.h"

#include <errno.h>

#include "base/bytes.h"

#define ETH_ARP	    0x0806
#define ETH_IPV4    0x0800
#define HTYPE_ETHER 1
#define HLEN_ETHER  6
#define PLEN_IPV4   4
#define OP_REQUEST  1
#define OP_REPLY    2

static const char *const fate_names[] = {
#define FATE_NAME(sym, name, help) [sym] = name,
	ARP_FATES(FATE_NAME)};

const char *arp_fate_name(enum arp_fate f)
{
	return (unsigned)f < ARP_FATE_MAX ? fate_names[f] : "unknown";
}

bool arp_is_arp(const uint8_t *frame, size_t len)
{
	return len >= 14 && frame[12] == ETH_ARP >> 8 && frame[13] == (ETH_ARP & 0xff);
}

bool arp_is_probe(const struct arp_msg *m)
{
	return m->request && !m->sender.s_addr;
}

bool arp_is_announcement(const struct arp_msg *m)
{
	return m->sender.s_addr && m->sender.s_addr == m->target.s_addr;
}

/* `any`: 0.0.0.0 too. */
static bool is_unicast(struct in_addr a, bool any)
{
	const uint8_t first = ntohl(a.s_addr) >> 24;

	return a.s_addr ? first && first != 127 && first < 224 : any;
}

enum arp_fate arp_parse(struct arp_msg *out, const uint8_t *frame, size_t len)
{
	struct arp_msg m = {0};
	uint16_t type, htype, ptype, op;
	uint8_t hlen, plen;
	struct mac sender;
	struct rd r;

	rd_init(&r, frame, len);
	rd_skip(&r, 6);
	rd_copy(&r, m.eth_src.b, sizeof(m.eth_src.b));
	type = rd_u16(&r);
	htype = rd_u16(&r);
	ptype = rd_u16(&r);
	hlen = rd_u8(&r);
	plen = rd_u8(&r);
	op = rd_u16(&r);
	rd_copy(&r, sender.b, sizeof(sender.b));
	rd_copy(&r, &m.sender, sizeof(m.sender));
	rd_skip(&r, HLEN_ETHER); /* the target's: what the sender believes */
	rd_copy(&r, &m.target, sizeof(m.target));
	if (rd_bad(&r))
		return ARP_TRUNCATED;
	if (type != ETH_ARP || htype != HTYPE_ETHER || ptype != ETH_IPV4 || hlen != HLEN_ETHER ||
	    plen != PLEN_IPV4)
		return ARP_BAD_HEADER;
	if (mac_is_multicast(&m.eth_src) || mac_is_zero(&m.eth_src))
		return ARP_BAD_ETHER;
	if (op != OP_REQUEST && op != OP_REPLY)
		return ARP_BAD_OPERATION;
	if (!mac_eq(&sender, &m.eth_src))
		return ARP_BAD_SENDER;
	m.request = op == OP_REQUEST;
	if (!is_unicast(m.sender, m.request) || !is_unicast(m.target, !m.request))
		return ARP_BAD_ADDRESS;
	*out = m;
	return ARP_OK;
}

enum arp_fate arp_judge(const struct arp_msg *m, const struct home4 *home)
{
	const bool claim = arp_is_probe(m) || arp_is_announcement(m);
	const struct in_addr mask = prefix4_mask(home->len);
	/* what it claims, or what it wants to know */
	const struct in_addr about = m->request ? m->target : m->sender;
	const bool router = home->router.s_addr && about.s_addr == home->router.s_addr;

	if (!home4_is_set(home))
		return ARP_NO_IPV4;
	if (about.s_addr == home->addr.s_addr)
		return m->request ? ARP_OWN : ARP_HEARD;
	if (!router && (about.s_addr ^ home->addr.s_addr) & mask.s_addr)
		return ARP_OUTSIDE;
	if (claim || !m->request)
		return ARP_DEFENDED;
	if (m->sender.s_addr != home->addr.s_addr)
		return ARP_FOREIGN_SENDER;
	return router ? ARP_ANSWERED_ROUTER : ARP_ANSWERED_PROXY;
}

bool arp_is_answer(enum arp_fate f)
{
	return f == ARP_ANSWERED_ROUTER || f == ARP_ANSWERED_PROXY || f == ARP_DEFENDED;
}

static int build(uint8_t *buf, size_t cap, uint16_t op, const struct mac *gateway,
		 struct in_addr sender, const struct mac *node, struct in_addr target)
{
	struct wr w;

	wr_init(&w, buf, cap);
	wr_bytes(&w, node->b, sizeof(node->b));
	wr_bytes(&w, gateway->b, sizeof(gateway->b));
	wr_u16(&w, ETH_ARP);
	wr_u16(&w, HTYPE_ETHER);
	wr_u16(&w, ETH_IPV4);
	wr_u8(&w, HLEN_ETHER);
	wr_u8(&w, PLEN_IPV4);
	wr_u16(&w, op);
	wr_bytes(&w, gateway->b, sizeof(gateway->b));
	wr_bytes(&w, &sender, sizeof(sender));
	if (op == OP_REPLY)
		wr_bytes(&w, node->b, sizeof(node->b));
	else
		wr_zero(&w, sizeof(node->b));
	wr_bytes(&w, &target, sizeof(target));
	return wr_bad(&w) ? -EMSGSIZE : (int)wr_len(&w);
}

int arp_build_answer(uint8_t *buf, size_t cap, const struct mac *gateway, const struct arp_msg *m)
{
	const struct in_addr about = m->request ? m->target : m->sender;

	return build(buf, cap, OP_REPLY, gateway, about, &m->eth_src, m->sender);
}

int arp_build_probe(uint8_t *buf, size_t cap, const struct mac *gateway, const struct mac *node,
		    const struct home4 *home)
{
	return build(buf, cap, OP_REQUEST, gateway, home->router, node, home->addr);
}

int arp_build_announcement(uint8_t *buf, size_t cap, const struct mac *gateway,
			   struct in_addr router)
{
	static const struct mac all = {
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	    };

	return build(buf, cap, OP_REQUEST, gateway, router, &all, router);
}
