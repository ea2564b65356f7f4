/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/icmp_relay.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "base/addr.h"
#include "base/bytes.h"

#define ICMP_HLEN    8
#define QUOTE4_MAX   (576 - IP4_HLEN - ICMP_HLEN) /* RFC 1812 4.3.2.3 */
#define MTU6_MIN     1280			  /* RFC 8200 5 */
#define MTU4_MIN     576			  /* RFC 791: what everybody can take */
#define HOP_LIMIT    64
#define TOS_CONTROL  0xc0 /* RFC 1812 4.3.2.5 */
#define OPT_TEL	     4	  /* Tunnel Encapsulation Limit, RFC 2473 4.1.1 */
#define TEL_VALUE_AT (IP6_HLEN + 4)

static const struct counter_desc desc[] = {ICMP_RELAY_COUNTERS(COUNTER_DESC)};

struct counter_set icmp_relay_counters(const uint64_t counter[ICMP_RELAY_MAX])
{
	return (struct counter_set){"icmp_relay", desc, counter, ICMP_RELAY_MAX};
}

struct message {
	uint8_t type, code;
	uint32_t rest; /* of the header: MTU, pointer */
	const uint8_t *quote;
	size_t len;
};

static bool read_message(struct message *m, bool v4, const void *msg, size_t len)
{
	struct rd r;

	if (v4 && (len < ICMP_HLEN || csum_fold(csum_add(0, msg, len))))
		return false;
	rd_init(&r, msg, len);
	m->type = rd_u8(&r);
	m->code = rd_u8(&r);
	rd_skip(&r, 2);
	m->rest = rd_u32(&r);
	m->len = rd_left(&r);
	m->quote = rd_bytes(&r, m->len);
	return !rd_bad(&r);
}

static bool says_too_big(const struct message *m, bool v4)
{
	return v4 ? m->type == ICMP_DEST_UNREACH && m->code == ICMP_FRAG_NEEDED
		  : m->type == ICMP6_PACKET_TOO_BIG;
}

/* RFC 2473 8.1: a Tunnel Encapsulation Limit that is used up, in the outer header. */
static bool says_encap_limit(const struct message *m)
{
	return m->type == ICMP6_PARAM_PROB && m->code == ICMP6_PARAMPROB_HEADER &&
	       m->rest == TEL_VALUE_AT && m->len > TEL_VALUE_AT && m->quote[6] == IPPROTO_DSTOPTS &&
	       m->quote[TEL_VALUE_AT - 2] == OPT_TEL && m->quote[TEL_VALUE_AT] == 0;
}

/* That the peer has no such port or protocol is said by kernels that see a tunnel packet besides
 * the programs; it does not make the node unreachable. */
static bool says_unreachable(const struct message *m, bool v4)
{
	if (v4) {
		if (m->type == ICMP_TIME_EXCEEDED)
			return m->code == ICMP_EXC_TTL;
		return m->type == ICMP_DEST_UNREACH && m->code != ICMP_PROT_UNREACH &&
		       m->code != ICMP_PORT_UNREACH && m->code != ICMP_FRAG_NEEDED;
	}
	if (m->type == ICMP6_TIME_EXCEEDED)
		return m->code == ICMP6_TIME_EXCEED_TRANSIT;
	if (m->type == ICMP6_DST_UNREACH)
		return m->code != ICMP6_DST_UNREACH_NOPORT;
	return says_encap_limit(m);
}

/* Can the quoted packet be one of a tunnel, by the little that is always quoted? */
static bool tunnel_like(const struct ip_head *outer, const uint8_t *payload, size_t have)
{
	switch (outer->proto) {
	case IPPROTO_IPV6:
	case IPPROTO_IPIP:
	case IPPROTO_GRE:
		return true;
	case IPPROTO_UDP:
		return outer->v4 && have >= 4 && (payload[2] << 8 | payload[3]) == ENCAP_DATA_PORT;
	default:
		return false;
	}
}

/* The tunnel that the quoted packet was in, and where the inner packet begins. */
static enum icmp_relay_verdict read_tunnel(struct icmp_relay *r, const struct message *m, bool v4,
					   bool *inner_v4)
{
	struct encap_inside in;
	const uint8_t *payload;
	struct ip_head outer;
	size_t have;

	if (!ip_head_read(&outer, m->quote, m->len))
		return ICMP_RELAY_SHORT;
	if (outer.v4 != v4)
		return ICMP_RELAY_MALFORMED;
	have = (m->len < outer.len ? m->len : outer.len) - outer.hlen;
	payload = m->quote + outer.hlen;
	if (outer.later)
		return ICMP_RELAY_SHORT;
	if (!tunnel_like(&outer, payload, have))
		return ICMP_RELAY_NOT_OURS;
	if (!encap_look(&in, v4, outer.proto, payload, have,
			outer.fragment ? 0 : outer.len - outer.hlen))
		return have < ENCAP_SHIM_MAX ? ICMP_RELAY_SHORT : ICMP_RELAY_NOT_OURS;
	r->peer = (struct dp_peer){.local = outer.src, .remote = outer.dst, .encap = in.encap};
	r->key = in.key;
	r->quote = payload + in.off;
	r->quote_len = have - in.off;
	*inner_v4 = in.v4;
	return ICMP_RELAY_OK;
}

static bool link_scope4(const struct in6_addr *a)
{
	const uint8_t *b = &a->s6_addr[12];

	return !b[0] || b[0] == 127 || (b[0] == 169 && b[1] == 254) || b[0] >= 224;
}

static bool unfit(const struct in6_addr *a, bool v4)
{
	if (v4)
		return link_scope4(a);
	return addr6_is_zero(a) || addr6_is_linklocal(a) || addr6_is_multicast(a) ||
	       IN6_IS_ADDR_LOOPBACK(a);
}

/* RFC 4443 2.4 (e), RFC 1812 4.3.2.7; in doubt, none. */
static bool may_be_told(const struct icmp_relay *r)
{
	const struct ip_head *h = &r->inner;
	uint8_t type;

	if (h->later || unfit(&h->src, h->v4) || unfit(&h->dst, h->v4))
		return false;
	if (h->proto != (h->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return true;
	if (r->quote_len <= h->hlen)
		return false;
	type = r->quote[h->hlen];
	if (!h->v4)
		return type >= 128 && type != 137;
	return type == ICMP_ECHO || type == ICMP_ECHOREPLY || type == ICMP_TIMESTAMP ||
	       type == ICMP_TIMESTAMPREPLY;
}

/* RFC 2473 8.2, 8.3: the message's MTU without the tunnel's headers. */
static bool read_mtu(struct icmp_relay *r, const struct message *m, bool v4)
{
	const uint32_t least = v4 ? MTU4_MIN : MTU6_MIN;
	uint32_t mtu = v4 ? m->rest & 0xffff : m->rest;

	if (mtu < least)
		mtu = least;
	mtu -= (v4 ? IP4_HLEN : IP6_HLEN) + (uint32_t)encap_len(r->peer.encap);
	if (r->inner.v4 ? !r->inner.df : r->inner.len <= MTU6_MIN)
		return false;
	r->mtu = !r->inner.v4 && mtu < MTU6_MIN ? MTU6_MIN : mtu;
	return r->mtu < r->inner.len;
}

enum icmp_relay_verdict icmp_relay_read(struct icmp_relay *out, bool v4, const void *msg,
					size_t len)
{
	struct icmp_relay r = {0};
	enum icmp_relay_verdict verdict;
	struct message m;
	bool inner_v4;

	if (!read_message(&m, v4, msg, len))
		return ICMP_RELAY_MALFORMED;
	verdict = read_tunnel(&r, &m, v4, &inner_v4);
	if (verdict != ICMP_RELAY_OK)
		return verdict;
	if (!says_too_big(&m, v4) && !says_unreachable(&m, v4))
		return ICMP_RELAY_TYPE;
	if (!ip_head_read(&r.inner, r.quote, r.quote_len))
		return ICMP_RELAY_SHORT;
	if (r.inner.v4 != inner_v4)
		return ICMP_RELAY_MALFORMED;
	if (r.quote_len > r.inner.len)
		r.quote_len = r.inner.len;
	if (!may_be_told(&r))
		return ICMP_RELAY_ABOUT_ERROR;
	r.kind = says_too_big(&m, v4) ? ICMP_RELAY_TOO_BIG : ICMP_RELAY_UNREACHABLE;
	if (r.kind == ICMP_RELAY_TOO_BIG && !read_mtu(&r, &m, v4))
		return ICMP_RELAY_SIZE;
	*out = r;
	return ICMP_RELAY_OK;
}

bool icmp_relay_too_big(bool v4, const void *msg, size_t len, struct in6_addr *remote)
{
	struct ip_head outer;
	struct message m;

	if (!read_message(&m, v4, msg, len) || !says_too_big(&m, v4) ||
	    !ip_head_read(&outer, m.quote, m.len) || outer.v4 != v4)
		return false;
	*remote = outer.dst;
	return true;
}

/* ---- the error */

static void write_icmp(struct wr *w, const struct icmp_relay *r, size_t quote)
{
	const bool big = r->kind == ICMP_RELAY_TOO_BIG;

	if (r->inner.v4) {
		wr_u8(w, ICMP_DEST_UNREACH);
		wr_u8(w, big ? ICMP_FRAG_NEEDED : ICMP_HOST_UNREACH);
	} else {
		wr_u8(w, big ? ICMP6_PACKET_TOO_BIG : ICMP6_DST_UNREACH);
		wr_u8(w, big ? 0 : ICMP6_DST_UNREACH_ADDR);
	}
	wr_u16(w, 0);
	wr_u32(w, big ? r->mtu : 0);
	wr_bytes(w, r->quote, quote);
}

size_t icmp_relay_write(const struct icmp_relay *r, const struct in6_addr *src,
			uint8_t buf[ICMP_RELAY_PACKET_MAX])
{
	const bool v4 = r->inner.v4;
	const size_t hlen = v4 ? IP4_HLEN : IP6_HLEN;
	const size_t room = v4 ? QUOTE4_MAX : ICMP_RELAY_PACKET_MAX - IP6_HLEN - ICMP_HLEN;
	const size_t quote = r->quote_len < room ? r->quote_len : room;
	const struct ip_head h = {
		.src = *src,
		.dst = r->inner.src,
		.len = (uint32_t)(hlen + ICMP_HLEN + quote),
		.proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		.class = v4 ? TOS_CONTROL : 0,
		.hop_limit = HOP_LIMIT,
		.v4 = v4,
	};
	uint32_t sum = 0;
	struct wr w;

	ip_head_write(&h, buf);
	wr_init(&w, buf + hlen, ICMP_RELAY_PACKET_MAX - hlen);
	write_icmp(&w, r, quote);
	if (!v4) {
		sum = csum_add(sum, &h.src, sizeof(h.src));
		sum = csum_add(sum, &h.dst, sizeof(h.dst));
		sum += (uint32_t)(ICMP_HLEN + quote) + IPPROTO_ICMPV6;
	}
	wr_at_u16(&w, 2, csum_fold(csum_add(sum, buf + hlen, wr_len(&w))));
	return h.len;
}
