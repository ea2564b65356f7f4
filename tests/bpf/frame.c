/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "frame.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OR(x, dflt) ((x) ? (x) : (dflt))

#define GRE_CHECKSUM 0x8000
#define GRE_KEYED    0x2000
#define GRE_SEQUENCE 0x1000

bool frame_is4(const char *addr)
{
	return !strchr(addr, ':');
}

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
	char mapped[64];

	if (frame_is4(text)) {
		snprintf(mapped, sizeof(mapped), "::ffff:%s", text);
		text = mapped;
	}
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

uint16_t frame_sum(const uint8_t *b, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? b[i] : (uint32_t)b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void set_sum(uint8_t *at, const uint8_t *b, size_t n, uint16_t error)
{
	uint16_t sum = (uint16_t)(~frame_sum(b, n) + error);

	at[0] = (uint8_t)(sum >> 8);
	at[1] = (uint8_t)sum;
}

/* One IP header, of either family. */
struct head {
	const char *src, *dst;
	unsigned version, tc, flow, next, hl, id, ihl_error;
	uint16_t sum_error;
	bool df;
	enum frame_ext ext;
	unsigned len; /* whole packet, as the header shall say */
};

static unsigned ext_len(const char *addr, enum frame_ext ext)
{
	if (frame_is4(addr))
		return ext == EXT_OPTIONS ? 8 : 0;
	return !ext ? 0 : ext == EXT_AUTH ? 16 : 8;
}

static unsigned head_len(const char *addr, enum frame_ext ext)
{
	return (frame_is4(addr) ? 20 : 40) + ext_len(addr, ext);
}

static void put_ip4(struct frame *f, const struct head *h)
{
	unsigned n = head_len(h->src, h->ext), frag = h->df ? 0x4000 : 0, id = h->id;
	size_t at = f->n;
	uint8_t a[16];

	switch (h->ext) {
	case EXT_FRAG_FIRST:
		frag |= 0x2000;
		id = 0x5678;
		break;
	case EXT_FRAG_LATER:
		frag |= 1000 / 8;
		id = 0x5678;
		break;
	case EXT_FRAG_ATOMIC:
		id = 0x5678;
		break;
	case EXT_NONE:
	case EXT_OPTIONS:
		break;
	default:
		fprintf(stderr, "IPv4 has no such extension header: %d\n", h->ext);
		abort();
	}
	put8(f, (h->version << 4 | n / 4) + h->ihl_error);
	put8(f, h->tc);
	put16(f, h->len & 0xffff);
	put16(f, id);
	put16(f, frag);
	put8(f, h->hl);
	put8(f, h->next);
	put16(f, 0);
	frame_addr(a, h->src);
	put(f, a + 12, 4);
	frame_addr(a, h->dst);
	put(f, a + 12, 4);
	for (unsigned i = 20; i < n; i++)
		put8(f, i + 1 < n); /* no operation; end of options */
	set_sum(f->b + at + 10, f->b + at, n, h->sum_error);
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
	case EXT_TEL:
		return 60;
	case EXT_FRAG_FIRST:
	case EXT_FRAG_LATER:
	case EXT_FRAG_ATOMIC:
		return 44;
	case EXT_AUTH:
		return 51;
	default:
		fprintf(stderr, "IPv6 has no such extension header: %d\n", ext);
		abort();
	}
}

static void put_ext(struct frame *f, enum frame_ext ext, unsigned next)
{
	static const uint8_t pad[6] = {1, 4, 0, 0, 0, 0}, zero[10];

	put8(f, next);
	put8(f, ext == EXT_AUTH ? 2 : 0);
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
	case EXT_TEL:
		put16(f, 0x0401);
		put8(f, ext == EXT_TEL ? 4 : 0);
		put8(f, 1);
		put16(f, 0x0100);
		break;
	case EXT_ROUTING:
		put32(f, 0x04000000); /* type 4, no segments left */
		put16(f, 0);
		break;
	case EXT_AUTH:
		put16(f, 0);
		put32(f, 0x1000);
		put(f, zero, 8);
		break;
	default:
		put(f, pad, sizeof(pad));
	}
}

static void put_ip6(struct frame *f, const struct head *h)
{
	uint8_t a[16];

	put32(f, (uint32_t)h->version << 28 | (uint32_t)h->tc << 20 | h->flow);
	put16(f, (h->len - 40) & 0xffff);
	put8(f, h->ext ? ext_number(h->ext) : h->next);
	put8(f, h->hl);
	frame_addr(a, h->src);
	put(f, a, 16);
	frame_addr(a, h->dst);
	put(f, a, 16);
	if (h->ext)
		put_ext(f, h->ext, h->next);
}

static void put_ip(struct frame *f, struct head h)
{
	h.version = OR(h.version, frame_is4(h.src) ? 4u : 6u);
	if (frame_is4(h.src))
		put_ip4(f, &h);
	else
		put_ip6(f, &h);
}

size_t frame_shim_len(enum frame_shim shim)
{
	static const uint8_t len[SHIM_MAX] = {0, 4, 8, 8, 12, 16, 20};

	return len[shim];
}

/* The optional fields that the flags announce, the key apart. */
static unsigned gre_more(const struct spec *s)
{
	return (s->gre_flags & GRE_CHECKSUM ? 4 : 0) + (s->gre_flags & GRE_SEQUENCE ? 4 : 0);
}

static bool has_gre(enum frame_shim shim)
{
	return shim == SHIM_GRE || shim == SHIM_GRE_KEY || shim >= SHIM_TLV_GRE;
}

static unsigned shim_len(const struct spec *s)
{
	return (unsigned)frame_shim_len(s->shim) + (has_gre(s->shim) ? gre_more(s) : 0);
}

static void put_gre(struct frame *f, const struct spec *s, bool keyed, bool inner4)
{
	put16(f, (keyed ? GRE_KEYED : 0u) ^ s->gre_flags);
	put16(f, OR(s->gre_proto, inner4 ? 0x0800u : 0x86ddu));
	if (s->gre_flags & GRE_CHECKSUM)
		put32(f, 0);
	if (keyed)
		put32(f, s->key);
	if (s->gre_flags & GRE_SEQUENCE)
		put32(f, 1);
}

/* `len`: the packet inside, as its sender knew it. */
static void put_shim(struct frame *f, const struct spec *s, unsigned len, bool inner4)
{
	unsigned next = inner4 ? 4 : 41;

	if (s->shim >= SHIM_UDP) {
		put16(f, OR(s->usport, 50000u));
		put16(f, OR(s->udport, 5437u));
		put16(f, (len + shim_len(s) + (unsigned)s->ulen_error) & 0xffff);
		put16(f, s->usum);
	}
	if (s->shim >= SHIM_TLV) {
		put8(f, s->tlv_type);
		put8(f, OR(s->tlv_next, has_gre(s->shim) ? 47u : next));
		put16(f, (len + shim_len(s) - 12 + (unsigned)s->tlv_error) & 0xffff);
	}
	if (has_gre(s->shim))
		put_gre(f, s, s->shim == SHIM_GRE_KEY || s->shim == SHIM_TLV_GRE_KEY, inner4);
}

static unsigned shim_number(enum frame_shim shim, bool inner4)
{
	if (shim == SHIM_NONE)
		return inner4 ? 4 : 41;
	return shim < SHIM_UDP ? 47 : 17;
}

static void put_eth(struct frame *f, const struct spec *s)
{
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
	put16(f, OR(s->ethertype, frame_is4(OR(s->osrc, s->src)) ? 0x0800 : 0x86dd));
}

/* Outer header and what follows it, for a packet of `len` octets inside. */
static void put_tunnel(struct frame *f, const struct spec *s, unsigned len)
{
	bool inner4 = frame_is4(s->src);

	put_ip(f, (struct head){.src = s->osrc,
				.dst = s->odst,
				.tc = s->otc,
				.flow = 0x54321,
				.next = OR(s->onh, shim_number(s->shim, inner4)),
				.hl = OR(s->ohl, 64),
				.id = s->oid,
				.df = !s->odf_clear && s->oext != EXT_FRAG_FIRST &&
				      s->oext != EXT_FRAG_LATER,
				.sum_error = s->osum_error,
				.ext = s->oext,
				.len = head_len(s->osrc, s->oext) + shim_len(s) + len +
				       (unsigned)s->olen_error});
	put_shim(f, s, len, inner4);
}

size_t frame_inner_len(const struct spec *s)
{
	return OR(s->len, 128u);
}

size_t frame_inner_at(const struct spec *s)
{
	size_t at = 14 + (s->vlan ? 4 : 0);

	return s->osrc ? at + head_len(s->osrc, s->oext) + shim_len(s) : at;
}

void frame_build(struct frame *f, const struct spec *s)
{
	unsigned len = (unsigned)frame_inner_len(s), nh = OR(s->nh, 17);
	size_t start;

	put_eth(f, s);
	if (s->osrc)
		put_tunnel(f, s, len);
	start = f->n;
	put_ip(f, (struct head){.src = s->src,
				.dst = s->dst,
				.version = s->version,
				.tc = s->tc,
				.flow = s->flow,
				.next = nh,
				.hl = s->hl_zero ? 0 : OR(s->hl, 64),
				.id = 0x1234,
				.df = s->df,
				.ihl_error = (unsigned)s->ihl_error,
				.sum_error = s->sum_error,
				.ext = s->ext,
				.len = len + (unsigned)s->len_error});
	if (f->n - start + 4 <= len) {
		if (nh == 17 || nh == 6) {
			put16(f, OR(s->sport, 4000));
			put16(f, OR(s->dport, 5001));
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

static void icmp6_sum(struct frame *f, size_t icmp, size_t len)
{
	struct frame pseudo = {0};

	put(&pseudo, f->b + icmp - 32, 32);
	put32(&pseudo, (uint32_t)len);
	put32(&pseudo, 58);
	put(&pseudo, f->b + icmp, len);
	set_sum(f->b + icmp + 2, pseudo.b, pseudo.n, 0);
}

void frame_build_error(struct frame *f, const struct frame *in, size_t quote,
		       const struct frame_error *e)
{
	const bool four = frame_is4(e->src);
	const unsigned front = four ? 28 : 48, most = four ? 576 : 1280;
	const uint8_t *cause = in->b + quote;
	unsigned len = cause[0] >> 4 == 4 ? (unsigned)cause[2] << 8 | cause[3]
					  : 40 + ((unsigned)cause[4] << 8 | cause[5]);
	char dmac[24], smac[24];
	struct spec around = {.dmac = dmac,
			      .smac = smac,
			      .osrc = e->osrc,
			      .odst = e->odst,
			      .shim = e->shim,
			      .key = e->key,
			      .src = e->src,
			      .otc = four ? 0xc0 : 0};
	size_t icmp;

	snprintf(dmac, sizeof(dmac), "%x:%x:%x:%x:%x:%x", in->b[6], in->b[7], in->b[8], in->b[9],
		 in->b[10], in->b[11]);
	snprintf(smac, sizeof(smac), "%x:%x:%x:%x:%x:%x", in->b[0], in->b[1], in->b[2], in->b[3],
		 in->b[4], in->b[5]);
	if (len > most - front)
		len = most - front;
	put_eth(f, &around);
	if (e->osrc)
		put_tunnel(f, &around, front + len);
	put_ip(f, (struct head){.src = e->src,
				.dst = e->dst,
				.tc = four ? 0xc0 : 0,
				.next = four ? 1 : 58,
				.hl = 64,
				.df = true,
				.len = front + len});
	icmp = f->n;
	put8(f, e->type);
	put8(f, e->code);
	put16(f, 0);
	put32(f, e->param);
	put(f, cause, len);
	if (four)
		set_sum(f->b + icmp + 2, f->b + icmp, len + 8, 0);
	else
		icmp6_sum(f, icmp, len + 8);
}
