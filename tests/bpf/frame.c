/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frame.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OR(x, dflt) ((x) ? (x) : (dflt))

void frame_mac(uint8_t out[6], const char *text)
{
	unsigned v[6];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]) != 6) {
		fprintf(stderr, "bad link-layer address in a test: %s\n", text);
		abort();
	}
	for (int i = 0; i < 6; i++)
		out[i] = (uint8_t)v[i];
}

void frame_addr(uint8_t out[16], const char *text)
{
	if (inet_pton(AF_INET6, text, out) != 1) {
		fprintf(stderr, "bad address in a test: %s\n", text);
		abort();
	}
}

static void put(struct frame *f, const void *from, size_t n)
{
	if (f->n + n > sizeof(f->b))
		abort();
	memcpy(f->b + f->n, from, n);
	f->n += n;
}

static void put8(struct frame *f, unsigned v)
{
	uint8_t b = (uint8_t)v;

	put(f, &b, 1);
}

static void put16(struct frame *f, unsigned v)
{
	put8(f, v >> 8 & 0xff);
	put8(f, v & 0xff);
}

static void put32(struct frame *f, uint32_t v)
{
	put16(f, v >> 16);
	put16(f, v & 0xffff);
}

static void put_ip6(struct frame *f, unsigned version, unsigned tc, uint32_t flow, unsigned plen,
		    unsigned nh, unsigned hl, const char *src, const char *dst)
{
	uint8_t a[16];

	put32(f, (uint32_t)version << 28 | (uint32_t)tc << 20 | flow);
	put16(f, plen & 0xffff);
	put8(f, nh);
	put8(f, hl);
	frame_addr(a, src);
	put(f, a, 16);
	frame_addr(a, dst);
	put(f, a, 16);
}

static unsigned ext_number(enum frame_ext ext)
{
	switch (ext) {
	case EXT_HOPOPTS:
		return 0;
	case EXT_ROUTING:
		return 43;
	case EXT_DSTOPTS:
	case EXT_TEL_ZERO:
		return 60;
	case EXT_FRAG_FIRST:
	case EXT_FRAG_LATER:
	case EXT_FRAG_ATOMIC:
		return 44;
	case EXT_NONE:
		break;
	}
	return 0;
}

static void put_ext(struct frame *f, enum frame_ext ext, unsigned next)
{
	static const uint8_t pad[6] = {1, 4, 0, 0, 0, 0}, tel[6] = {4, 1, 0, 1, 1, 0};

	put8(f, next);
	put8(f, 0);
	switch (ext) {
	case EXT_FRAG_FIRST:
		put16(f, 1);
		put32(f, 0x12345678);
		break;
	case EXT_FRAG_LATER:
		put16(f, 1000);
		put32(f, 0x12345678);
		break;
	case EXT_FRAG_ATOMIC:
		put16(f, 0);
		put32(f, 0x12345678);
		break;
	case EXT_TEL_ZERO:
		put(f, tel, sizeof(tel));
		break;
	case EXT_ROUTING:
		put32(f, 0x04000000); /* type 4, no segments left */
		put16(f, 0);
		break;
	default:
		put(f, pad, sizeof(pad));
	}
}

size_t frame_inner_len(const struct spec *s)
{
	return OR(s->len, 128u);
}

size_t frame_inner_at(const struct spec *s)
{
	return 14 + (s->vlan ? 4 : 0) + (s->osrc ? 40 : 0) + (s->oext ? 8 : 0);
}

void frame_build(struct frame *f, const struct spec *s)
{
	unsigned len = (unsigned)frame_inner_len(s), nh = OR(s->nh, 17);
	uint8_t mac[6];

	f->n = 0;
	frame_mac(mac, s->dmac);
	put(f, mac, 6);
	frame_mac(mac, s->smac);
	put(f, mac, 6);
	if (s->vlan) {
		put16(f, 0x8100);
		put16(f, s->vlan);
	}
	put16(f, OR(s->ethertype, 0x86dd));
	if (s->osrc) {
		unsigned plen = len + (s->oext ? 8 : 0) + (unsigned)s->oplen_error;
		unsigned onh = OR(s->onh, 41);

		put_ip6(f, 6, s->otc, 0x54321, plen, s->oext ? ext_number(s->oext) : onh,
			OR(s->ohl, 64), s->osrc, s->odst);
		if (s->oext)
			put_ext(f, s->oext, onh);
	}

	size_t start = f->n;
	put_ip6(f, OR(s->version, 6), s->tc, s->flow, len - 40 + (unsigned)s->plen_error,
		s->ext ? ext_number(s->ext) : nh, s->hl_zero ? 0 : OR(s->hl, 64), s->src, s->dst);
	if (s->ext)
		put_ext(f, s->ext, nh);
	if (f->n - start + 4 <= len) {
		if (nh == 17 || nh == 6) {
			put16(f, OR(s->sport, 4000));
			put16(f, 5001);
		} else {
			put(f, s->l4, 4);
		}
	}
	while (f->n < start + len)
		put8(f, 0xa0 + ((f->n - start) & 0x1f));
	f->n = start + len;
	for (unsigned i = 0; i < s->pad; i++)
		put8(f, 0xee);
}

static unsigned sum16(const uint8_t *b, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? b[i] : (uint32_t)b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

void frame_build_error(struct frame *f, const struct frame *in, size_t quote,
		       const struct frame_error *e)
{
	size_t len = 40 + ((size_t)in->b[quote + 4] << 8 | in->b[quote + 5]);
	struct frame pseudo = {0};
	uint32_t sum;
	size_t icmp;

	if (len > 1280 - 48)
		len = 1280 - 48;
	f->n = 0;
	put(f, in->b + 6, 6);
	put(f, in->b, 6);
	put16(f, 0x86dd);
	if (e->osrc)
		put_ip6(f, 6, 0, 0, (unsigned)len + 48, 41, 64, e->osrc, e->odst);
	put_ip6(f, 6, 0, 0, (unsigned)len + 8, 58, 64, e->src, e->dst);
	icmp = f->n;
	put8(f, e->type);
	put8(f, e->code);
	put16(f, 0);
	put32(f, e->param);
	put(f, in->b + quote, len);

	put(&pseudo, f->b + icmp - 32, 32);
	put32(&pseudo, (uint32_t)len + 8);
	put32(&pseudo, 58);
	put(&pseudo, f->b + icmp, len + 8);
	sum = ~sum16(pseudo.b, pseudo.n);
	f->b[icmp + 2] = (uint8_t)(sum >> 8);
	f->b[icmp + 3] = (uint8_t)sum;
}
