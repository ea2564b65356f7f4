/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access/nd.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/util.h"

const struct mac nd_rfc6543_mac = {
	{0x00, 0x00, 0x5e, 0x00, 0x52, 0x13}
};
const struct in6_addr nd_rfc6543_linklocal = {
	{{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x02, 0x00, 0x5e, 0xff, 0xfe, 0x00, 0x52, 0x13}}};
const struct in6_addr nd_all_nodes = {{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};

#define ETH_LEN	      14
#define ETH_IPV6      0x86dd
#define IP6_LEN	      40
#define NXT_HOPOPTS   0
#define NXT_ICMPV6    58
#define ND_HOP_LIMIT  255
#define MLD_HOP_LIMIT 1

enum icmp_type {
	ICMP_ECHO_REQUEST = 128,
	ICMP_ECHO_REPLY = 129,
	ICMP_MLD1_REPORT = 131,
	ICMP_MLD1_DONE = 132,
	ICMP_RS = 133,
	ICMP_RA = 134,
	ICMP_NS = 135,
	ICMP_NA = 136,
	ICMP_MLD2_REPORT = 143,
};

enum opt_type { OPT_SLLA = 1, OPT_TLLA = 2, OPT_PREFIX = 3, OPT_MTU = 5 };

#define NA_ROUTER      0x80000000u
#define NA_SOLICITED   0x40000000u
#define NA_OVERRIDE    0x20000000u
#define PIO_ON_LINK    0x80
#define PIO_AUTONOMOUS 0x40

/* One row per message type that is understood. */
struct icmp_row {
	uint8_t type;
	enum nd_kind kind;
	uint8_t min_len;
	uint8_t hop_limit;  /* demanded; 0: any */
	uint8_t lladdr_opt; /* the one option type that means something; 0: none are parsed */
	uint8_t opts_at;
	bool unspecified_ok; /* source may be :: */
	bool linklocal_only; /* else any unicast address */
	const char *clause;
};

// clang-format off
static const struct icmp_row icmp_rows[] = {
	{ICMP_RS,          ND_RS,         8,  ND_HOP_LIMIT,  OPT_SLLA, 8,  true,  false, "RFC 4861 6.1.1"},
	{ICMP_RA,          ND_RA,         16, ND_HOP_LIMIT,  OPT_SLLA, 16, false, true,  "RFC 4861 6.1.2"},
	{ICMP_NS,          ND_NS,         24, ND_HOP_LIMIT,  OPT_SLLA, 24, true,  false, "RFC 4861 7.1.1"},
	{ICMP_NA,          ND_NA,         24, ND_HOP_LIMIT,  OPT_TLLA, 24, false, false, "RFC 4861 7.1.2"},
	{ICMP_MLD1_REPORT, ND_MLD_REPORT, 24, MLD_HOP_LIMIT, 0,        0,  true,  true,  "RFC 2710 3"},
	{ICMP_MLD1_DONE,   ND_MLD_DONE,   24, MLD_HOP_LIMIT, 0,        0,  true,  true,  "RFC 2710 3"},
	{ICMP_MLD2_REPORT, ND_MLD_REPORT, 8,  MLD_HOP_LIMIT, 0,        0,  true,  true,  "RFC 3810 5.2"},
	{ICMP_ECHO_REPLY,  ND_ECHO_REPLY, 8,  0,             0,        0,  false, true,  "RFC 4443 4.2"},
};
// clang-format on

static const struct icmp_row *find_row(uint8_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(icmp_rows); i++)
		if (icmp_rows[i].type == type)
			return &icmp_rows[i];
	return NULL;
}

static const char *const verdict_names[] = {
#define VERDICT_NAME(sym, name, help) [sym] = name,
	ND_VERDICTS(VERDICT_NAME)};

const char *nd_verdict_name(enum nd_verdict v)
{
	return (unsigned)v < ND_VERDICT_MAX ? verdict_names[v] : "unknown";
}

const char *nd_kind_name(enum nd_kind k)
{
	static const char *const names[] = {
		[ND_RS] = "RS",
		[ND_RA] = "RA",
		[ND_NS] = "NS",
		[ND_NA] = "NA",
		[ND_MLD_REPORT] = "MLD report",
		[ND_MLD_DONE] = "MLD done",
		[ND_ECHO_REPLY] = "echo reply",
	};

	return (unsigned)k < ARRAY_SIZE(names) ? names[k] : "unknown";
}

uint16_t nd_checksum(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *icmp,
		     size_t len)
{
	const uint8_t tail[8] = {
		len >> 24, len >> 16, len >> 8, len, 0, 0, 0, NXT_ICMPV6,
	};
	uint32_t sum = 0;

	sum = csum_add(sum, src, sizeof(*src));
	sum = csum_add(sum, dst, sizeof(*dst));
	sum = csum_add(sum, tail, sizeof(tail));
	sum = csum_add(sum, icmp, len);
	return csum_fold(sum);
}

/* ff02::1:ffXX:XXXX, RFC 4291 2.7.1 */
static bool is_solicited_node(const struct in6_addr *a)
{
	static const uint8_t head[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff};

	return !memcmp(a, head, sizeof(head));
}

/* Walks all options so that a broken one anywhere discards the message; takes the first
 * link-layer address option of the type that this message may carry. */
static enum nd_verdict parse_options(struct nd_msg *m, struct rd *r, uint8_t lladdr_opt)
{
	while (rd_left(r)) {
		uint8_t type = rd_u8(r);
		uint8_t units = rd_u8(r);
		struct rd body;

		if (rd_bad(r) || !units)
			return ND_BAD_OPTION;
		body = rd_sub(r, units * 8u - 2);
		if (rd_bad(r))
			return ND_BAD_OPTION;
		if (type != lladdr_opt || m->has_lladdr)
			continue;
		if (units != 1) /* not an Ethernet address, RFC 2464 6 */
			continue;
		rd_copy(&body, m->lladdr.b, sizeof(m->lladdr.b));
		m->has_lladdr = true;
	}
	return ND_OK;
}

static enum nd_verdict parse_icmp(struct nd_msg *m, const struct icmp_row *row, const uint8_t *icmp,
				  size_t len)
{
	enum nd_verdict v;
	uint32_t flags;
	struct rd r;

	rd_init(&r, icmp, len);
	rd_skip(&r, 4);
	flags = rd_u32(&r);
	switch (row->kind) {
	case ND_NS:
	case ND_NA:
		rd_copy(&r, &m->target, sizeof(m->target));
		if (addr6_is_multicast(&m->target))
			return ND_BAD_TARGET;
		break;
	case ND_ECHO_REPLY:
		m->echo_id = flags >> 16;
		m->echo_seq = flags & 0xffff;
		break;
	default:
		break;
	}
	if (row->kind == ND_NA) {
		m->na_router = flags & NA_ROUTER;
		m->na_solicited = flags & NA_SOLICITED;
		m->na_override = flags & NA_OVERRIDE;
		if (m->na_solicited && addr6_is_multicast(&m->dst))
			return ND_BAD_SOLICITED;
	}
	if (!row->lladdr_opt)
		return ND_OK;
	rd_init(&r, icmp + row->opts_at, len - row->opts_at);
	v = parse_options(m, &r, row->lladdr_opt);
	if (v != ND_OK)
		return v;
	if (addr6_is_zero(&m->src)) {
		if (m->has_lladdr)
			return ND_BAD_DAD;
		if (row->kind == ND_NS && !is_solicited_node(&m->dst))
			return ND_BAD_DAD;
	}
	return ND_OK;
}

enum nd_verdict nd_parse(struct nd_msg *out, const uint8_t *frame, size_t len, bool csum_partial)
{
	struct nd_msg m = {0};
	const struct icmp_row *row;
	uint16_t ether_type, payload_len;
	uint8_t next, hop_limit;
	const uint8_t *icmp;
	enum nd_verdict v;
	uint32_t vtf;
	size_t icmp_len;
	struct rd r, ip;

	rd_init(&r, frame, len);
	rd_copy(&r, m.eth_dst.b, sizeof(m.eth_dst.b));
	rd_copy(&r, m.eth_src.b, sizeof(m.eth_src.b));
	ether_type = rd_u16(&r);
	if (rd_bad(&r))
		return ND_TRUNCATED;
	if (ether_type != ETH_IPV6)
		return ND_NOT_ND;
	if (mac_is_multicast(&m.eth_src) || mac_is_zero(&m.eth_src))
		return ND_BAD_ETHER;
	vtf = rd_u32(&r);
	payload_len = rd_u16(&r);
	next = rd_u8(&r);
	hop_limit = rd_u8(&r);
	rd_copy(&r, &m.src, sizeof(m.src));
	rd_copy(&r, &m.dst, sizeof(m.dst));
	if (rd_bad(&r))
		return ND_TRUNCATED;
	if (vtf >> 28 != 6)
		return ND_BAD_HEADER;
	ip = rd_sub(&r, payload_len); /* Ethernet padding stays behind */
	if (rd_bad(&r))
		return ND_TRUNCATED;
	if (next == NXT_HOPOPTS) {
		uint8_t units;

		next = rd_u8(&ip);
		units = rd_u8(&ip);
		rd_skip(&ip, units * 8u + 6);
		if (rd_bad(&ip))
			return ND_BAD_HEADER;
	}
	if (next != NXT_ICMPV6)
		return ND_NOT_ND;
	icmp_len = rd_left(&ip);
	if (icmp_len < 4)
		return ND_BAD_LENGTH;
	icmp = rd_bytes(&ip, icmp_len);
	row = find_row(icmp[0]);
	if (!row)
		return ND_NOT_ND;

	m.kind = row->kind;
	if (row->hop_limit && hop_limit != row->hop_limit)
		return ND_BAD_HOP_LIMIT;
	if (!csum_partial && nd_checksum(&m.src, &m.dst, icmp, icmp_len))
		return ND_BAD_CHECKSUM;
	if (icmp[1] != 0)
		return ND_BAD_CODE;
	if (icmp_len < row->min_len)
		return ND_BAD_LENGTH;
	if (addr6_is_multicast(&m.src))
		return ND_BAD_SOURCE;
	if (addr6_is_zero(&m.src) ? !row->unspecified_ok
				  : row->linklocal_only && !addr6_is_linklocal(&m.src))
		return ND_BAD_SOURCE;
	v = parse_icmp(&m, row, icmp, icmp_len);
	if (v == ND_OK)
		*out = m;
	return v;
}

/* ---- construction ---- */

struct builder {
	struct wr w;
	const struct in6_addr *src, *dst;
};

static void begin(struct builder *b, uint8_t *buf, size_t cap, const struct mac *eth_src,
		  const struct mac *eth_dst, const struct in6_addr *src, const struct in6_addr *dst,
		  uint8_t hop_limit)
{
	b->src = src;
	b->dst = dst;
	wr_init(&b->w, buf, cap);
	wr_bytes(&b->w, eth_dst->b, sizeof(eth_dst->b));
	wr_bytes(&b->w, eth_src->b, sizeof(eth_src->b));
	wr_u16(&b->w, ETH_IPV6);
	wr_u32(&b->w, 6u << 28);
	wr_u16(&b->w, 0); /* payload length, known at the end */
	wr_u8(&b->w, NXT_ICMPV6);
	wr_u8(&b->w, hop_limit);
	wr_bytes(&b->w, src, sizeof(*src));
	wr_bytes(&b->w, dst, sizeof(*dst));
}

static void icmp_start(struct wr *w, uint8_t type)
{
	wr_u8(w, type);
	wr_u8(w, 0);
	wr_u16(w, 0); /* checksum, known at the end */
}

static void put_lladdr(struct wr *w, uint8_t opt, const struct mac *mac)
{
	wr_u8(w, opt);
	wr_u8(w, 1);
	wr_bytes(w, mac->b, sizeof(mac->b));
}

static int finish(struct builder *b)
{
	size_t len;

	if (wr_bad(&b->w))
		return -EMSGSIZE;
	len = wr_len(&b->w) - ETH_LEN - IP6_LEN;
	wr_at_u16(&b->w, ETH_LEN + 4, len);
	wr_at_u16(&b->w, ETH_LEN + IP6_LEN + 2,
		  nd_checksum(b->src, b->dst, b->w.start + ETH_LEN + IP6_LEN, len));
	return (int)wr_len(&b->w);
}

int nd_build_ra(uint8_t *buf, size_t cap, const struct mac *eth_src, const struct mac *node,
		const struct in6_addr *src, const struct nd_ra *ra)
{
	struct builder b;
	struct wr *w = &b.w;

	begin(&b, buf, cap, eth_src, node, src, &nd_all_nodes, ND_HOP_LIMIT);
	icmp_start(w, ICMP_RA);
	wr_u8(w, ra->cur_hop_limit);
	wr_u8(w, (ra->managed ? 0x80 : 0) | (ra->other ? 0x40 : 0));
	wr_u16(w, ra->router_lifetime);
	wr_u32(w, 0); /* Reachable Time: unspecified */
	wr_u32(w, 0); /* Retrans Timer: unspecified */
	if (!mac_is_zero(&ra->slla))
		put_lladdr(w, OPT_SLLA, &ra->slla);
	if (ra->mtu) {
		wr_u8(w, OPT_MTU);
		wr_u8(w, 1);
		wr_u16(w, 0);
		wr_u32(w, ra->mtu);
	}
	for (unsigned i = 0; i < ra->n_prefixes; i++) {
		const struct prefix6 *p = &ra->prefixes[i];

		wr_u8(w, OPT_PREFIX);
		wr_u8(w, 4);
		wr_u8(w, p->len);
		wr_u8(w, PIO_ON_LINK | PIO_AUTONOMOUS);
		wr_u32(w, ra->valid);
		wr_u32(w, ra->preferred);
		wr_u32(w, 0);
		wr_bytes(w, &p->addr, sizeof(p->addr));
	}
	return finish(&b);
}

int nd_build_probe(uint8_t *buf, size_t cap, const struct mac *eth_src, const struct mac *node,
		   const struct in6_addr *src, const struct in6_addr *target)
{
	struct builder b;

	begin(&b, buf, cap, eth_src, node, src, target, ND_HOP_LIMIT);
	icmp_start(&b.w, ICMP_NS);
	wr_u32(&b.w, 0);
	wr_bytes(&b.w, target, sizeof(*target));
	put_lladdr(&b.w, OPT_SLLA, eth_src);
	return finish(&b);
}

int nd_build_defence(uint8_t *buf, size_t cap, const struct mac *eth_src, const struct mac *node,
		     const struct in6_addr *target)
{
	struct builder b;

	begin(&b, buf, cap, eth_src, node, target, &nd_all_nodes, ND_HOP_LIMIT);
	icmp_start(&b.w, ICMP_NA);
	wr_u32(&b.w, NA_ROUTER | NA_OVERRIDE);
	wr_bytes(&b.w, target, sizeof(*target));
	put_lladdr(&b.w, OPT_TLLA, eth_src);
	return finish(&b);
}

int nd_build_echo(uint8_t *buf, size_t cap, const struct mac *eth_src, const struct mac *node,
		  const struct in6_addr *src, uint16_t id, uint16_t seq)
{
	struct builder b;

	/* Hop limit 1: the question is about this link only. */
	begin(&b, buf, cap, eth_src, node, src, &nd_all_nodes, 1);
	icmp_start(&b.w, ICMP_ECHO_REQUEST);
	wr_u16(&b.w, id);
	wr_u16(&b.w, seq);
	return finish(&b);
}
