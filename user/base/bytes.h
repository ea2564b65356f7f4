/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cursors over bytes in network order.
 *
 * A reader or writer goes inert at its first error: later calls return zeros or do nothing, so
 * that parsing is straight-line code which is checked once at its end with rd_bad() / wr_bad().
 * A cursor never owns the memory it walks over.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
};

void rd_init(struct rd *r, const void *buf, size_t len);
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r); /* host order */
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
/* Pointer to the next `len` octets, borrowed from the buffer; NULL once the reader is bad. */
const uint8_t *rd_bytes(struct rd *r, size_t len);
void rd_copy(struct rd *r, void *dst, size_t len); /* zero-fills dst once the reader is bad */
void rd_skip(struct rd *r, size_t len);
/* A reader over the next `len` octets, which this one skips; bad when they are not there. */
struct rd rd_sub(struct rd *r, size_t len);
size_t rd_left(const struct rd *r);
bool rd_bad(const struct rd *r);

struct wr {
	uint8_t *start;
	uint8_t *p;
	uint8_t *end;
	bool bad;
};

void wr_init(struct wr *w, void *buf, size_t cap);
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v); /* takes host order */
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_bytes(struct wr *w, const void *src, size_t len);
void wr_zero(struct wr *w, size_t len);
/* Overwrites two octets already written at offset `at`. */
void wr_at_u16(struct wr *w, size_t at, uint16_t v);
void wr_at_u8(struct wr *w, size_t at, uint8_t v);
size_t wr_len(const struct wr *w);
bool wr_bad(const struct wr *w);

/* The Internet checksum (RFC 1071) over `len` octets, added to a running sum; fold at the end.
 * All pieces but the last have an even length. */
uint32_t csum_add(uint32_t sum, const void *buf, size_t len);
uint16_t csum_fold(uint32_t sum); /* value to store in the packet, host order */
