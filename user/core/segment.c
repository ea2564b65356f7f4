/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/segment.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/ip_head.h"
#include "core/encap.h"

#define TCP_HLEN  20
#define TCP_FLAGS 13
#define TCP_FIN	  0x01
#define TCP_PSH	  0x08
#define TCP_CWR	  0x80

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static bool is_ip4(const uint8_t *ip)
{
	return *ip >> 4 == 4;
}

/* ---- looking */

/* The next IP header inside; false: there is none. */
static bool step_in(struct segments *s, const struct ip_head *h)
{
	const uint32_t ip = s->at[s->layers - 1], in = ip + h->hlen;
	struct encap_inside e;

	if (!encap_look(&e, h->v4, h->proto, s->frame + in, s->len - in, h->len - h->hlen))
		return false;
	/* a node's own UDP is no tunnel, whatever its port */
	if (encap_is_udp(e.encap) && s->layers > 1)
		return false;
	if (s->layers == SEGMENT_LAYERS)
		return false;
	if (encap_is_udp(e.encap)) {
		s->udp = in;
		s->tlv = e.encap == DP_ENCAP_UDP ? 0 : in + ENCAP_UDP_HLEN;
	}
	s->at[s->layers++] = in + (uint32_t)e.off;
	return true;
}

/* False: not TCP or UDP, or a part of it, or behind headers that its checksum may depend upon. */
static bool read_heads(struct segments *s, size_t ip)
{
	struct ip_head h;
	uint32_t at;

	s->layers = 1;
	s->at[0] = (uint32_t)ip;
	do {
		at = s->at[s->layers - 1];
		if (!ip_head_read(&h, s->frame + at, s->len - at) || h.fragment ||
		    h.len > s->len - at)
			return false;
		/* padding is no part of it */
		s->len = at + h.len;
	} while (step_in(s, &h));
	s->l4 = at + h.hlen;
	s->proto = h.proto;
	s->head = s->l4 + ENCAP_UDP_HLEN;
	if (!h.v4 && h.hlen != IP6_HLEN)
		return false;
	if (h.proto == IPPROTO_UDP)
		return s->head <= s->len;
	if (h.proto != IPPROTO_TCP || s->l4 + TCP_HLEN > s->len)
		return false;
	s->head = s->l4 + (s->frame[s->l4 + 12] >> 4) * 4u;
	return s->head >= s->l4 + TCP_HLEN && s->head <= s->len;
}

static uint32_t checksum_at(const struct segments *s)
{
	return s->l4 + (s->proto == IPPROTO_TCP ? 16 : 6);
}

/* Sum over the pseudo header of what is at `l4` up to `len`, in the IP packet at `ip`. */
static uint32_t pseudo(const uint8_t *frame, uint32_t ip, uint8_t proto, uint32_t l4, size_t len)
{
	const bool v4 = is_ip4(frame + ip);
	uint8_t tail[4] = {0, proto};

	put16(tail + 2, len - l4);
	return csum_add(csum_add(0, tail, sizeof(tail)), frame + ip + (v4 ? 12 : 8), v4 ? 8 : 32);
}

/* A checksum that a device was to complete holds the sum over the pseudo header, unless that
 * happens to be the right one. */
static bool is_unfinished(const struct segments *s)
{
	const uint32_t sum = pseudo(s->frame, s->at[s->layers - 1], s->proto, s->l4, s->len);
	const unsigned is = get16(s->frame + checksum_at(s));

	if (is + csum_fold(sum) != 0xffff || (!is && s->proto == IPPROTO_UDP))
		return false;
	return csum_fold(csum_add(sum, s->frame + s->l4, s->len - s->l4)) != 0;
}

int segments_find(struct segments *out, const void *frame, size_t len, size_t ip, size_t each,
		  size_t most)
{
	struct segments s = {.frame = frame, .n = 1, .len = (uint32_t)len};
	const bool known = ip < len && read_heads(&s, ip);

	if (!each && len <= most) {
		s.unfinished = known && is_unfinished(&s);
		s.end = s.len;
		s.len = (uint32_t)len;
		*out = s;
		return 0;
	}
	if (!known || s.head >= most)
		return -EMSGSIZE;
	if (!each || each > most - s.head) {
		if (s.proto == IPPROTO_UDP)
			return -EMSGSIZE;
		each = most - s.head;
	}
	s.each = (uint32_t)each;
	if (s.len > s.head)
		s.n = (s.len - s.head + s.each - 1) / s.each;
	*out = s;
	return 0;
}

/* ---- making */

size_t segment_len(const struct segments *s, uint32_t i)
{
	if (!s->each)
		return s->len;
	return i + 1 < s->n ? s->head + s->each : s->len - i * s->each;
}

static void put_checksum(uint8_t *frame, uint32_t ip, uint8_t proto, uint32_t l4, uint32_t at,
			 size_t len)
{
	uint16_t sum;

	put16(frame + at, 0);
	sum = csum_fold(csum_add(pseudo(frame, ip, proto, l4, len), frame + l4, len - l4));
	/* RFC 768: zero would say that there is none */
	put16(frame + at, !sum && proto == IPPROTO_UDP ? 0xffff : sum);
}

static void set_ip(uint8_t *ip, size_t len, uint32_t i)
{
	const size_t hlen = (*ip & 0xf) * 4u;

	if (!is_ip4(ip)) {
		put16(ip + 4, len - IP6_HLEN);
		return;
	}
	put16(ip + 2, len);
	put16(ip + 4, get16(ip + 4) + i);
	put16(ip + 10, 0);
	put16(ip + 10, csum_fold(csum_add(0, ip, hlen)));
}

/* RFC 9293: sequence numbers; what ends the stream is in the last one. RFC 3168 6.1.2: CWR is said
 * once. */
static void set_tcp(const struct segments *s, uint32_t i, uint8_t *tcp)
{
	const uint32_t seq = get32(tcp + 4) + i * s->each;

	put16(tcp + 4, seq >> 16);
	put16(tcp + 6, seq);
	if (i + 1 < s->n)
		tcp[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (i)
		tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
}

void segment_make(const struct segments *s, uint32_t i, void *out)
{
	const size_t len = segment_len(s, i);
	const uint32_t ip = s->layers ? s->at[s->layers - 1] : 0;
	uint8_t *b = out;

	memcpy(b, s->frame, s->each ? s->head : len);
	if (!s->each) {
		if (s->unfinished)
			put_checksum(b, ip, s->proto, s->l4, checksum_at(s), s->end);
		return;
	}
	memcpy(b + s->head, s->frame + s->head + (size_t)i * s->each, len - s->head);
	for (unsigned n = 0; n < s->layers; n++)
		set_ip(b + s->at[n], len - s->at[n], i);
	if (s->udp)
		put16(b + s->udp + 4, len - s->udp);
	if (s->tlv)
		put16(b + s->tlv + 2, len - s->tlv - 4);
	if (s->proto == IPPROTO_TCP)
		set_tcp(s, i, b + s->l4);
	else
		put16(b + s->l4 + 4, len - s->l4);
	if (s->proto == IPPROTO_TCP || !is_ip4(b + ip) || get16(b + checksum_at(s)))
		put_checksum(b, ip, s->proto, s->l4, checksum_at(s), len);
	if (s->udp && get16(b + s->udp + 6))
		put_checksum(b, s->at[0], IPPROTO_UDP, s->udp, s->udp + 6, len);
}
