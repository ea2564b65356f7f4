/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/store_format.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

void store_key(uint8_t kind, uint64_t id, uint8_t out[STORE_KEY_LEN])
{
	struct wr w;

	wr_init(&w, out, STORE_KEY_LEN);
	wr_u8(&w, kind);
	wr_u64(&w, id);
}

static uint32_t crc_of(const uint8_t key[STORE_KEY_LEN], const uint8_t *rest, size_t len)
{
	const uLong crc = crc32(crc32(0, NULL, 0), key, STORE_KEY_LEN);

	return (uint32_t)crc32(crc, rest, (uInt)len);
}

size_t store_value_write(struct store_value *v, uint8_t out[STORE_VALUE_MAX])
{
	uint8_t key[STORE_KEY_LEN];
	struct wr w;

	store_key(v->kind, v->id, key);
	wr_init(&w, out, STORE_VALUE_MAX);
	wr_u32(&w, 0);
	wr_u64(&w, v->commit);
	wr_bytes(&w, v->data, v->len);
	v->crc = crc_of(key, out + 4, wr_len(&w) - 4);
	wr_at_u16(&w, 0, (uint16_t)(v->crc >> 16));
	wr_at_u16(&w, 2, (uint16_t)v->crc);
	return wr_len(&w);
}

bool store_value_read(struct store_value *out, const uint8_t *key, size_t key_len,
		      const uint8_t *value, size_t len)
{
	struct store_value v;
	struct rd r;

	if (key_len != STORE_KEY_LEN || len <= STORE_ENVELOPE || len > STORE_VALUE_MAX)
		return false;
	rd_init(&r, key, key_len);
	v.kind = rd_u8(&r);
	v.id = rd_u64(&r);
	rd_init(&r, value, len);
	v.crc = rd_u32(&r);
	v.commit = rd_u64(&r);
	v.len = rd_left(&r);
	v.data = rd_bytes(&r, v.len);
	if (v.crc != crc_of(key, value + 4, len - 4))
		return false;
	*out = v;
	return true;
}

/* A bijection that spreads each bit over all (the finalizer of splitmix64). */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

uint64_t store_value_sum(const struct store_value *v)
{
	return mix(mix(mix(v->id + v->kind) + v->commit) + v->crc);
}

size_t store_head_write(const struct store_head *h, uint8_t out[STORE_LEN_MAX])
{
	const size_t len = strnlen(h->instance, sizeof(h->instance) - 1);
	struct wr w;

	wr_init(&w, out, STORE_LEN_MAX);
	wr_u8(&w, STORE_SCHEMA);
	wr_u64(&w, h->store);
	wr_u64(&w, h->commit);
	wr_u64(&w, h->count);
	wr_u64(&w, h->sum);
	wr_u8(&w, (uint8_t)len);
	wr_bytes(&w, h->instance, len);
	return wr_len(&w);
}

int store_head_read(struct store_head *out, const uint8_t *data, size_t len)
{
	struct store_head h = {0};
	size_t name_len;
	struct rd r;

	rd_init(&r, data, len);
	h.schema = rd_u8(&r);
	if (!rd_bad(&r) && h.schema != STORE_SCHEMA) {
		out->schema = h.schema;
		return -EPROTONOSUPPORT;
	}
	h.store = rd_u64(&r);
	h.commit = rd_u64(&r);
	h.count = rd_u64(&r);
	h.sum = rd_u64(&r);
	name_len = rd_u8(&r);
	if (rd_bad(&r) || name_len >= sizeof(h.instance) || name_len != rd_left(&r))
		return -EBADMSG;
	rd_copy(&r, h.instance, name_len);
	*out = h;
	return 0;
}
