/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/encap.h"

#include "base/bytes.h"

#define GRE_KEY_PRESENT 0x2000
#define GRE_RESERVED	0x03f8 /* bits 6 to 12: ignored, RFC 2784 2.3 */
#define ETHERTYPE_IP4	0x0800
#define ETHERTYPE_IP6	0x86dd
#define TLV_HLEN	4

size_t encap_len(enum dp_encap e)
{
	static const uint8_t len[DP_ENCAP_MAX] = {
		[DP_ENCAP_GRE] = 4,	 [DP_ENCAP_GRE_KEY] = 8,  [DP_ENCAP_UDP] = 8,
		[DP_ENCAP_UDP_TLV] = 12, [DP_ENCAP_UDP_GRE] = 16, [DP_ENCAP_UDP_GRE_KEY] = 20,
	};

	return len[e];
}

bool encap_is_udp(enum dp_encap e)
{
	return e >= DP_ENCAP_UDP && e < DP_ENCAP_MAX;
}

static uint8_t ip_proto(bool v4)
{
	return v4 ? IPPROTO_IPIP : IPPROTO_IPV6;
}

uint8_t encap_proto(enum dp_encap e, bool inner_v4)
{
	if (encap_is_udp(e))
		return IPPROTO_UDP;
	return e == DP_ENCAP_IP ? ip_proto(inner_v4) : IPPROTO_GRE;
}

/* ---- reading */

static bool look_gre(struct encap_inside *in, struct rd *r, enum dp_encap plain,
		     enum dp_encap keyed)
{
	const uint16_t flags = rd_u16(r) & (uint16_t)~GRE_RESERVED, type = rd_u16(r);

	in->encap = plain;
	in->off += 4;
	if (flags == GRE_KEY_PRESENT) {
		in->encap = keyed;
		in->key = rd_u32(r);
		in->off += 4;
	} else if (flags) {
		return false; /* checksum, sequence numbers: not negotiated */
	}
	in->v4 = type == ETHERTYPE_IP4;
	return in->v4 || type == ETHERTYPE_IP6;
}

/* RFC 5845 7.2: a TLV header begins with a zero nibble, a packet with its version. */
static bool look_udp(struct encap_inside *in, struct rd *r, size_t len)
{
	uint16_t dst, udp_len, tlv_len;
	uint8_t first, type;

	rd_skip(r, 2);
	dst = rd_u16(r);
	udp_len = rd_u16(r);
	rd_skip(r, 2);
	in->encap = DP_ENCAP_UDP;
	in->off = ENCAP_UDP_HLEN;
	if (rd_bad(r) || !rd_left(r) || dst != ENCAP_DATA_PORT || udp_len < ENCAP_UDP_HLEN ||
	    (len && udp_len != len))
		return false;
	first = *r->p >> 4;
	if (first) {
		in->v4 = first == 4;
		return first == 4 || first == 6;
	}
	rd_skip(r, 1);
	type = rd_u8(r);
	tlv_len = rd_u16(r);
	if (rd_bad(r) || tlv_len + TLV_HLEN + ENCAP_UDP_HLEN != udp_len)
		return false;
	in->off += TLV_HLEN;
	if (type == IPPROTO_GRE)
		return look_gre(in, r, DP_ENCAP_UDP_GRE, DP_ENCAP_UDP_GRE_KEY);
	in->encap = DP_ENCAP_UDP_TLV;
	in->v4 = type == IPPROTO_IPIP;
	return in->v4 || type == IPPROTO_IPV6;
}

bool encap_look(struct encap_inside *out, bool outer_v4, uint8_t proto, const void *payload,
		size_t have, size_t len)
{
	struct encap_inside in = {.encap = DP_ENCAP_IP};
	struct rd r;
	bool known;

	rd_init(&r, payload, have);
	switch (proto) {
	case IPPROTO_IPV6:
	case IPPROTO_IPIP:
		in.v4 = proto == IPPROTO_IPIP;
		known = true;
		break;
	case IPPROTO_GRE:
		known = look_gre(&in, &r, DP_ENCAP_GRE, DP_ENCAP_GRE_KEY);
		break;
	case IPPROTO_UDP:
		known = outer_v4 && look_udp(&in, &r, len);
		break;
	default:
		return false;
	}
	if (!known || rd_bad(&r) || !rd_left(&r) || *r.p >> 4 != (in.v4 ? 4 : 6))
		return false;
	*out = in;
	return true;
}

/* ---- writing */

size_t encap_shim(uint8_t buf[ENCAP_SHIM_MAX], enum dp_encap e, bool inner_v4, uint32_t key,
		  uint16_t port, size_t inner_len)
{
	const size_t udp_len = encap_len(e) + inner_len;
	struct wr w;

	wr_init(&w, buf, ENCAP_SHIM_MAX);
	if (encap_is_udp(e)) {
		wr_u16(&w, port);
		wr_u16(&w, ENCAP_DATA_PORT);
		wr_u16(&w, (uint16_t)udp_len);
		wr_u16(&w, 0);
	}
	if (e >= DP_ENCAP_UDP_TLV) {
		wr_u8(&w, 0);
		wr_u8(&w, e == DP_ENCAP_UDP_TLV ? ip_proto(inner_v4) : IPPROTO_GRE);
		wr_u16(&w, (uint16_t)(udp_len - ENCAP_UDP_HLEN - TLV_HLEN));
	}
	if (e == DP_ENCAP_GRE || e == DP_ENCAP_UDP_GRE || dp_encap_keyed(e)) {
		wr_u16(&w, dp_encap_keyed(e) ? GRE_KEY_PRESENT : 0);
		wr_u16(&w, inner_v4 ? ETHERTYPE_IP4 : ETHERTYPE_IP6);
	}
	if (dp_encap_keyed(e))
		wr_u32(&w, key);
	return wr_len(&w);
}
