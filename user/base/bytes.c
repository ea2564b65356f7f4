/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/bytes.h"

#include <string.h>

void rd_init(struct rd *r, const void *buf, size_t len)
{
	r->p = buf;
	r->end = len ? r->p + len : r->p;
	r->bad = false;
}

const uint8_t *rd_bytes(struct rd *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->bad || len > rd_left(r)) {
		r->bad = true;
		return NULL;
	}
	if (len)
		r->p += len;
	return p;
}

uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 1);

	return p ? p[0] : 0;
}

uint16_t rd_u16(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint32_t rd_u32(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 4);

	return p ? be32(p) : 0;
}

uint64_t rd_u64(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 8);

	return p ? (uint64_t)be32(p) << 32 | be32(p + 4) : 0;
}

void rd_copy(struct rd *r, void *dst, size_t len)
{
	const uint8_t *p = rd_bytes(r, len);

	if (!len)
		return;
	if (p)
		memcpy(dst, p, len);
	else
		memset(dst, 0, len);
}

void rd_skip(struct rd *r, size_t len)
{
	rd_bytes(r, len);
}

struct rd rd_sub(struct rd *r, size_t len)
{
	struct rd sub;
	const uint8_t *p = rd_bytes(r, len);

	if (!r->bad) {
		rd_init(&sub, p, len);
	} else {
		rd_init(&sub, NULL, 0);
		sub.bad = true;
	}
	return sub;
}

size_t rd_left(const struct rd *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->p);
}

bool rd_bad(const struct rd *r)
{
	return r->bad;
}

void wr_init(struct wr *w, void *buf, size_t cap)
{
	w->start = w->p = buf;
	w->end = cap ? w->p + cap : w->p;
	w->bad = false;
}

/* The place for the next `len` octets, or NULL. */
static uint8_t *wr_room(struct wr *w, size_t len)
{
	uint8_t *p = w->p;

	if (w->bad || len > (size_t)(w->end - w->p)) {
		w->bad = true;
		return NULL;
	}
	if (len)
		w->p += len;
	return p;
}

void wr_u8(struct wr *w, uint8_t v)
{
	uint8_t *p = wr_room(w, 1);

	if (p)
		p[0] = v;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

void wr_u16(struct wr *w, uint16_t v)
{
	uint8_t *p = wr_room(w, 2);

	if (p)
		put16(p, v);
}

void wr_u32(struct wr *w, uint32_t v)
{
	uint8_t *p = wr_room(w, 4);

	if (p)
		put32(p, v);
}

void wr_u64(struct wr *w, uint64_t v)
{
	uint8_t *p = wr_room(w, 8);

	if (p) {
		put32(p, (uint32_t)(v >> 32));
		put32(p + 4, (uint32_t)v);
	}
}

void wr_bytes(struct wr *w, const void *src, size_t len)
{
	uint8_t *p = wr_room(w, len);

	if (p && len)
		memcpy(p, src, len);
}

void wr_zero(struct wr *w, size_t len)
{
	uint8_t *p = wr_room(w, len);

	if (p && len)
		memset(p, 0, len);
}

static uint8_t *wr_at(struct wr *w, size_t at, size_t len)
{
	size_t have = wr_len(w);

	if (w->bad || at > have || len > have - at) {
		w->bad = true;
		return NULL;
	}
	return w->start + at;
}

void wr_at_u16(struct wr *w, size_t at, uint16_t v)
{
	uint8_t *p = wr_at(w, at, 2);

	if (p)
		put16(p, v);
}

void wr_at_u8(struct wr *w, size_t at, uint8_t v)
{
	uint8_t *p = wr_at(w, at, 1);

	if (p)
		p[0] = v;
}

size_t wr_len(const struct wr *w)
{
	return w->p == w->start ? 0 : (size_t)(w->p - w->start);
}

bool wr_bad(const struct wr *w)
{
	return w->bad;
}

uint32_t csum_add(uint32_t sum, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	uint64_t s = sum;

	for (; len > 1; p += 2, len -= 2)
		s += (uint32_t)(p[0] << 8 | p[1]);
	if (len)
		s += (uint32_t)(p[0] << 8);
	while (s >> 32)
		s = (s & 0xffffffff) + (s >> 32);
	return (uint32_t)s;
}

uint16_t csum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
