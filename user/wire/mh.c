/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decoding and encoding: both walk the rows of mh_opts.c and mh_types.c over a byte cursor. */
#include "wire/mh_table.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define HDR_LEN	    8 /* the smallest Mobility Header, RFC 6275 6.1.1 */
#define AT_PROTO    0
#define AT_HDRLEN   1
#define AT_TYPE	    2
#define AT_CHECKSUM 4
#define AT_DATA	    6
#define OPT_HDR	    2 /* Type and Length */

static void get_uint(struct rd *r, const struct mh_field *f, void *v)
{
	switch (f->width) {
	case 1:
		*(uint8_t *)v = rd_u8(r);
		break;
	case 2:
		*(uint16_t *)v = rd_u16(r);
		break;
	case 4:
		*(uint32_t *)v = rd_u32(r);
		break;
	default:
		*(uint64_t *)v = rd_u64(r);
	}
}

/* An integer of one to eight octets. */
static uint64_t get_whole(struct rd *r, unsigned width)
{
	uint64_t v = 0;

	while (width--)
		v = v << 8 | rd_u8(r);
	return v;
}

static uint64_t bits_mask(const struct mh_field *f)
{
	return (UINT64_C(1) << f->bits) - 1;
}

/* Octets of a tail are of the form that its field asks for. */
static bool tail_fits(const struct mh_field *f, const uint8_t *base)
{
	return !f->tail_ok ||
	       f->tail_ok(*(const uint8_t *const *)(base + f->off), base[f->off_len]);
}

/* Reads the fields of one row into the structure at `base`; false when a value is impossible. */
static bool get_fields(struct rd *r, const struct mh_field *f, unsigned n, void *base)
{
	uint8_t *b = base;

	for (; n; n--, f++) {
		switch (f->kind) {
		case MHF_UINT:
			get_uint(r, f, b + f->off);
			break;
		case MHF_PREFIX_LEN:
			b[f->off] = rd_u8(r);
			if (b[f->off] > 128)
				return false;
			break;
		case MHF_ADDR6:
			rd_copy(r, b + f->off, 16);
			break;
		case MHF_RESERVED:
			rd_skip(r, f->width);
			break;
		case MHF_TAIL:
			b[f->off_len] = (uint8_t)rd_left(r);
			*(const uint8_t **)(b + f->off) = rd_bytes(r, rd_left(r));
			if (!tail_fits(f, b))
				return false;
			break;
		case MHF_BITS:
			b[f->off] = (uint8_t)(get_whole(r, f->width) >> f->shift & bits_mask(f));
			if (b[f->off] > f->max)
				return false;
			break;
		case MHF_ADDR4:
			rd_copy(r, b + f->off, 4);
			break;
		case MHF_UINT_IF:
			b[f->off_len] = rd_left(r) > 0;
			if (b[f->off_len])
				get_uint(r, f, b + f->off);
			break;
		}
	}
	return !rd_bad(r);
}

static enum mh_verdict get_opts(struct mh_msg *out, struct rd *r)
{
	while (rd_left(r)) {
		const struct mh_opt_info *row;
		struct rd data;
		struct mh_opt *o;
		uint8_t type = rd_u8(r), len;

		if (type == MHO_PAD1)
			continue;
		len = rd_u8(r);
		data = rd_sub(r, len);
		if (rd_bad(r))
			return MH_BAD_OPTION;
		if (type == MHO_PADN)
			continue;
		if (out->n_opts == MH_OPTS_MAX)
			return MH_TOO_MANY_OPTIONS;

		row = mh_opt_row(type);
		o = mh_opt_add(out, type);
		o->len = len;
		o->raw = data.p;
		if (!row || !row->has_layout)
			continue;
		if (len < row->min_len || len > row->max_len ||
		    !get_fields(&data, row->fields, row->n_fields, o) || rd_left(&data))
			return MH_BAD_OPTION;
	}
	return MH_OK;
}

/* RFC 5844 4.1: in UDP over IPv4 the checksum field is 0, and UDP has one. */
static bool carries_checksum(const struct in6_addr *src, const struct in6_addr *dst)
{
	return src && dst && !(addr_is_ip4(src) && addr_is_ip4(dst));
}

static enum mh_verdict decode(struct mh_msg *out, const uint8_t *buf, size_t len,
			      const struct in6_addr *src, const struct in6_addr *dst)
{
	const struct mh_type_info *row;
	size_t total;
	struct rd r;

	if (len > AT_TYPE)
		out->type = buf[AT_TYPE];
	if (len < HDR_LEN)
		return MH_TOO_SHORT;
	total = (buf[AT_HDRLEN] + 1u) * 8;
	if (total > len)
		return MH_TRUNCATED;

	rd_init(&r, buf + AT_CHECKSUM, 2);
	if (carries_checksum(src, dst) && mh_checksum(buf, total, src, dst) != rd_u16(&r))
		return MH_BAD_CHECKSUM;
	row = mh_type_row(out->type);
	if (!row || !row->has_layout)
		return MH_UNKNOWN_TYPE;
	if (buf[AT_PROTO] != MH_NO_NEXT_HEADER)
		return MH_BAD_PROTO;
	if (buf[AT_HDRLEN] < row->min_hdr_len)
		return MH_BAD_HDRLEN;

	rd_init(&r, buf + AT_DATA, total - AT_DATA);
	get_fields(&r, row->fields, row->n_fields, out);
	return get_opts(out, &r);
}

enum mh_verdict mh_decode(struct mh_msg *out, const uint8_t *buf, size_t len,
			  const struct in6_addr *src, const struct in6_addr *dst)
{
	enum mh_verdict v;

	memset(out, 0, offsetof(struct mh_msg, opt));
	v = decode(out, buf, len, src, dst);
	if (v != MH_OK) {
		uint8_t type = out->type;

		memset(out, 0, offsetof(struct mh_msg, opt));
		out->type = type;
	}
	return v;
}

static void put_uint(struct wr *w, const struct mh_field *f, const void *v)
{
	switch (f->width) {
	case 1:
		wr_u8(w, *(const uint8_t *)v);
		break;
	case 2:
		wr_u16(w, *(const uint16_t *)v);
		break;
	case 4:
		wr_u32(w, *(const uint32_t *)v);
		break;
	default:
		wr_u64(w, *(const uint64_t *)v);
	}
}

/* Number of octets of a field's value, whatever its kind. */
static size_t field_len(const struct mh_field *f, const void *base)
{
	const uint8_t *b = base;

	switch (f->kind) {
	case MHF_TAIL:
		return b[f->off_len];
	case MHF_UINT_IF:
		return b[f->off_len] ? f->width : 0;
	default:
		return f->width;
	}
}

static void put_whole(struct wr *w, uint64_t v, unsigned width)
{
	while (width--)
		wr_u8(w, (uint8_t)(v >> 8 * width));
}

static int put_fields(struct wr *w, const struct mh_field *f, unsigned n, const void *base)
{
	const uint8_t *b = base;

	for (; n; n--, f++) {
		const uint8_t *tail;

		switch (f->kind) {
		case MHF_UINT:
			put_uint(w, f, b + f->off);
			break;
		case MHF_PREFIX_LEN:
			if (b[f->off] > 128)
				return -EINVAL;
			wr_u8(w, b[f->off]);
			break;
		case MHF_ADDR6:
			wr_bytes(w, b + f->off, 16);
			break;
		case MHF_RESERVED:
			wr_zero(w, f->width);
			break;
		case MHF_TAIL:
			tail = *(const uint8_t *const *)(b + f->off);
			if ((!tail && field_len(f, b)) || !tail_fits(f, b))
				return -EINVAL;
			wr_bytes(w, tail, field_len(f, b));
			break;
		case MHF_BITS:
			if (b[f->off] > f->max)
				return -EINVAL;
			put_whole(w, (uint64_t)b[f->off] << f->shift, f->width);
			break;
		case MHF_ADDR4:
			wr_bytes(w, b + f->off, 4);
			break;
		case MHF_UINT_IF:
			if (b[f->off_len])
				put_uint(w, f, b + f->off);
			break;
		}
	}
	return 0;
}

/* RFC 6275 6.2.2, 6.2.3: Pad1 for one octet, one PadN for more. */
static void put_padding(struct wr *w, size_t n)
{
	if (n == 1) {
		wr_u8(w, MHO_PAD1);
	} else if (n) {
		wr_u8(w, MHO_PADN);
		wr_u8(w, (uint8_t)(n - OPT_HDR));
		wr_zero(w, n - OPT_HDR);
	}
}

/* Octets of padding in front of an option of `len` octets of data, when it is due at offset `at`.
 */
static size_t padding_before(const struct mh_opt_info *row, const struct mh_opt *o, size_t len,
			     size_t at)
{
	const struct mh_field *last = row->fields + row->n_fields - 1;
	size_t x = row->align_x, y = row->align_y, tail;

	switch (row->align_rule) {
	case MH_ALIGN_FIXED:
		break;
	case MH_ALIGN_BY_TAIL:
		tail = field_len(last, o);
		for (x = 8; x > 2 && (!tail || tail % x); x /= 2)
			;
		y = (x - last->at % x) % x;
		break;
	case MH_ALIGN_ENDS_AT_8N:
		x = 8;
		y = (x - (OPT_HDR + len) % x) % x;
		break;
	}
	return (y + x - at % x) % x;
}

static int put_opt(struct wr *w, const struct mh_opt *o)
{
	const struct mh_opt_info *row = mh_opt_row(o->type);
	size_t len = 0;

	if (o->type == MHO_PAD1 || o->type == MHO_PADN)
		return -EINVAL;
	if (!row || !row->has_layout) {
		if (o->len && !o->raw)
			return -EINVAL;
		wr_u8(w, o->type);
		wr_u8(w, o->len);
		wr_bytes(w, o->raw, o->len);
		return 0;
	}

	for (unsigned i = 0; i < row->n_fields; i++)
		len += field_len(&row->fields[i], o);
	if (len < row->min_len || len > row->max_len)
		return -EINVAL;
	put_padding(w, padding_before(row, o, len, wr_len(w)));
	wr_u8(w, o->type);
	wr_u8(w, (uint8_t)len);
	return put_fields(w, row->fields, row->n_fields, o);
}

int mh_encode(const struct mh_msg *m, uint8_t *buf, size_t cap, const struct in6_addr *src,
	      const struct in6_addr *dst)
{
	const struct mh_type_info *row = mh_type_row(m->type);
	uint8_t tmp[MH_MAX_LEN];
	struct wr w;
	size_t total;
	int err;

	if (!row || !row->has_layout || m->n_opts > MH_OPTS_MAX)
		return -EINVAL;

	wr_init(&w, tmp, sizeof(tmp));
	wr_u8(&w, MH_NO_NEXT_HEADER);
	wr_u8(&w, 0);
	wr_u8(&w, m->type);
	wr_zero(&w, AT_DATA - AT_TYPE - 1);
	err = put_fields(&w, row->fields, row->n_fields, m);
	for (unsigned i = 0; !err && i < m->n_opts; i++)
		err = put_opt(&w, &m->opt[i]);
	if (err)
		return err;
	put_padding(&w, -wr_len(&w) % 8);
	if (wr_bad(&w) || wr_len(&w) > cap)
		return -EMSGSIZE;

	total = wr_len(&w);
	wr_at_u8(&w, AT_HDRLEN, (uint8_t)(total / 8 - 1));
	if (carries_checksum(src, dst))
		wr_at_u16(&w, AT_CHECKSUM, mh_checksum(tmp, total, src, dst));
	memcpy(buf, tmp, total);
	return (int)total;
}

uint16_t mh_checksum(const uint8_t *buf, size_t len, const struct in6_addr *src,
		     const struct in6_addr *dst)
{
	uint8_t tail[8]; /* upper-layer length, zero, next header: RFC 8200 8.1 */
	struct wr w;
	uint32_t sum;

	wr_init(&w, tail, sizeof(tail));
	wr_u32(&w, (uint32_t)len);
	wr_u32(&w, MH_PROTO);
	sum = csum_add(0, src, sizeof(*src));
	sum = csum_add(sum, dst, sizeof(*dst));
	sum = csum_add(sum, tail, sizeof(tail));
	if (len >= AT_CHECKSUM + 2) {
		sum = csum_add(sum, buf, AT_CHECKSUM);
		sum = csum_add(sum, buf + AT_CHECKSUM + 2, len - AT_CHECKSUM - 2);
	}
	return csum_fold(sum);
}

const struct mh_opt *mh_opt_nth(const struct mh_msg *m, uint8_t type, unsigned n)
{
	for (unsigned i = 0; i < m->n_opts; i++) {
		if (m->opt[i].type == type && !n--)
			return &m->opt[i];
	}
	return NULL;
}

unsigned mh_opt_count(const struct mh_msg *m, uint8_t type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->n_opts; i++)
		n += m->opt[i].type == type;
	return n;
}

struct mh_opt *mh_opt_add(struct mh_msg *m, uint8_t type)
{
	struct mh_opt *o;

	if (m->n_opts >= MH_OPTS_MAX)
		return NULL;
	o = &m->opt[m->n_opts++];
	memset(o, 0, sizeof(*o));
	o->type = type;
	return o;
}

/* An entry at the start of `len` octets; its octets, or 0 when it overruns them. */
static unsigned context_at(const uint8_t *p, unsigned len, struct mh_context *out)
{
	if (len < OPT_HDR || len - OPT_HDR < p[1])
		return 0;
	*out = (struct mh_context){.type = p[0], .len = p[1], .data = p + OPT_HDR};
	return OPT_HDR + out->len;
}

bool mh_context_ok(const uint8_t *p, uint8_t len)
{
	struct mh_context c;
	unsigned n;

	for (unsigned at = 0; at < len; at += n) {
		n = context_at(p + at, len - at, &c);
		if (!n)
			return false;
	}
	return true;
}

bool mh_context_next(const struct mh_opt *o, unsigned *at, struct mh_context *out)
{
	unsigned n = 0;

	if (*at < o->requests.len)
		n = context_at(o->requests.data + *at, o->requests.len - *at, out);
	*at += n;
	return n > 0;
}

bool mh_lma_addr_ok(const uint8_t *p, uint8_t len)
{
	(void)p;
	return len == 4 || len == 16;
}

bool mh_lma_addr(const struct mh_opt *o, struct in6_addr *out)
{
	struct in_addr a4;

	if (o->lma.code == LMA_ADDR_IPV6 && o->lma.len == sizeof(*out)) {
		memcpy(out, o->lma.octets, sizeof(*out));
		return true;
	}
	if (o->lma.code != LMA_ADDR_IPV4 || o->lma.len != sizeof(a4))
		return false;
	memcpy(&a4, o->lma.octets, sizeof(a4));
	*out = addr_from_ip4(a4);
	return true;
}

static bool octets_eq(const uint8_t *a, const uint8_t *b, uint8_t len)
{
	return !len || !memcmp(a, b, len);
}

bool mnid_eq(const struct mnid *a, const struct mnid *b)
{
	return a->subtype == b->subtype && a->len == b->len && octets_eq(a->id, b->id, a->len);
}

bool llid_eq(const struct llid *a, const struct llid *b)
{
	return a->len == b->len && octets_eq(a->id, b->id, a->len);
}

bool llid_is_zero(const struct llid *a)
{
	for (unsigned i = 0; i < a->len; i++) {
		if (a->id[i])
			return false;
	}
	return true;
}
