/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/ip_head.h"

#include <string.h>

#include "base/addr.h"
#include "base/bytes.h"

#define IP4_DF	   0x4000
#define IP4_MORE   0x2000
#define IP4_OFFSET 0x1fff
#define IP6_MORE   0x0001
#define IP6_OFFSET 0xfff8

static bool read4(struct ip_head *h, struct rd *r)
{
	const uint8_t first = rd_u8(r);
	uint16_t fragment;
	struct in_addr src, dst;

	h->v4 = true;
	h->hlen = (first & 0xf) * 4u;
	h->class = rd_u8(r);
	h->len = rd_u16(r);
	rd_skip(r, 2);
	fragment = rd_u16(r);
	h->df = fragment & IP4_DF;
	h->later = fragment & IP4_OFFSET;
	h->fragment = fragment & (IP4_OFFSET | IP4_MORE);
	h->hop_limit = rd_u8(r);
	h->proto = rd_u8(r);
	rd_skip(r, 2);
	rd_copy(r, &src, sizeof(src));
	rd_copy(r, &dst, sizeof(dst));
	if (rd_bad(r) || h->hlen < IP4_HLEN || h->len < h->hlen)
		return false;
	rd_skip(r, h->hlen - IP4_HLEN);
	h->src = addr_from_ip4(src);
	h->dst = addr_from_ip4(dst);
	return !rd_bad(r);
}

/* False at the header that ends the chain. */
static bool skip_extension(struct ip_head *h, struct rd *r)
{
	uint16_t fragment;
	uint8_t next, len;

	switch (h->proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		next = rd_u8(r);
		len = rd_u8(r);
		rd_skip(r, len * 8u + 6);
		h->hlen += len * 8u + 8;
		break;
	case IPPROTO_FRAGMENT:
		next = rd_u8(r);
		rd_skip(r, 1);
		fragment = rd_u16(r);
		rd_skip(r, 4);
		h->hlen += 8;
		h->later = fragment & IP6_OFFSET;
		h->fragment = fragment & (IP6_OFFSET | IP6_MORE);
		break;
	default:
		return false;
	}
	h->proto = next;
	return !rd_bad(r) && !h->later;
}

static bool read6(struct ip_head *h, struct rd *r)
{
	const uint32_t first = rd_u32(r);

	h->class = (uint8_t)(first >> 20);
	h->len = rd_u16(r) + IP6_HLEN;
	h->proto = rd_u8(r);
	h->hop_limit = rd_u8(r);
	rd_copy(r, &h->src, sizeof(h->src));
	rd_copy(r, &h->dst, sizeof(h->dst));
	h->hlen = IP6_HLEN;
	if (rd_bad(r))
		return false;
	while (skip_extension(h, r))
		;
	return !rd_bad(r) && h->hlen <= h->len;
}

bool ip_head_read(struct ip_head *out, const void *buf, size_t have)
{
	struct ip_head h = {0};
	struct rd r;

	if (!have)
		return false;
	rd_init(&r, buf, have);
	switch (*(const uint8_t *)buf >> 4) {
	case 4:
		if (!read4(&h, &r))
			return false;
		break;
	case 6:
		if (!read6(&h, &r))
			return false;
		break;
	default:
		return false;
	}
	*out = h;
	return true;
}

size_t ip_head_write(const struct ip_head *h, void *buf)
{
	const size_t hlen = h->v4 ? IP4_HLEN : IP6_HLEN;
	struct wr w;

	wr_init(&w, buf, hlen);
	if (!h->v4) {
		wr_u32(&w, 6u << 28 | (uint32_t)h->class << 20);
		wr_u16(&w, (uint16_t)(h->len - IP6_HLEN));
		wr_u8(&w, h->proto);
		wr_u8(&w, h->hop_limit);
		wr_bytes(&w, &h->src, sizeof(h->src));
		wr_bytes(&w, &h->dst, sizeof(h->dst));
		return hlen;
	}
	wr_u8(&w, 0x45);
	wr_u8(&w, h->class);
	wr_u16(&w, (uint16_t)h->len);
	wr_u16(&w, 0);
	wr_u16(&w, h->df ? IP4_DF : 0);
	wr_u8(&w, h->hop_limit);
	wr_u8(&w, h->proto);
	wr_u16(&w, 0);
	wr_bytes(&w, &h->src.s6_addr[12], 4);
	wr_bytes(&w, &h->dst.s6_addr[12], 4);
	wr_at_u16(&w, 10, csum_fold(csum_add(0, buf, hlen)));
	return hlen;
}
