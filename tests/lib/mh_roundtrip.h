/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold for any octets whatever: a verdict of the list, nothing kept of what is refused,
 * and what was understood survives being encoded and decoded again. Shared by the mutation tests
 * and the fuzz target. Returns NULL, or what does not hold.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire/mh.h"
#include "wire/mh_table.h"

static inline bool mh_fields_eq(const struct mh_field *f, unsigned n, const void *a, const void *b)
{
	for (; n; n--, f++) {
		const uint8_t *pa = (const uint8_t *)a + f->off, *pb = (const uint8_t *)b + f->off;
		uint8_t len;

		if (f->kind == MHF_RESERVED)
			continue;
		if (f->kind == MHF_UINT_IF) {
			len = ((const uint8_t *)a)[f->off_len];
			if (len != ((const uint8_t *)b)[f->off_len])
				return false;
			if (!len)
				continue;
		}
		if (f->kind != MHF_TAIL) {
			if (memcmp(pa, pb, f->size))
				return false;
			continue;
		}
		len = ((const uint8_t *)a)[f->off_len];
		if (len != ((const uint8_t *)b)[f->off_len])
			return false;
		if (len && memcmp(*(const uint8_t *const *)pa, *(const uint8_t *const *)pb, len))
			return false;
	}
	return true;
}

static inline bool mh_msg_eq(const struct mh_msg *a, const struct mh_msg *b)
{
	const struct mh_type_info *types;

	mh_type_infos(&types);
	if (a->type != b->type || a->n_opts != b->n_opts ||
	    !mh_fields_eq(types[a->type].fields, types[a->type].n_fields, a, b))
		return false;
	for (unsigned i = 0; i < a->n_opts; i++) {
		const struct mh_opt *x = &a->opt[i], *y = &b->opt[i];
		const struct mh_opt_info *row = mh_opt_row(x->type);

		if (x->type != y->type || x->len != y->len)
			return false;
		if (row && row->has_layout) {
			if (!mh_fields_eq(row->fields, row->n_fields, x, y))
				return false;
		} else if (x->len && memcmp(x->raw, y->raw, x->len)) {
			return false;
		}
	}
	return true;
}

static inline const char *mh_roundtrip(const uint8_t *buf, size_t len, const struct in6_addr *src,
				       const struct in6_addr *dst)
{
	struct mh_msg *m = malloc(2 * sizeof(*m)), *again = m + 1;
	uint8_t out[MH_MAX_LEN];
	const char *bad = NULL;
	char summary[256];
	enum mh_verdict v;
	int n;

	/* so that what the decoder leaves unset is seen */
	memset(m, 0xa5, 2 * sizeof(*m));
	v = mh_decode(m, buf, len, src, dst);
	if (v >= MH_VERDICT_MAX) {
		bad = "verdict out of range";
	} else if (v != MH_OK) {
		if (m->n_opts || m->type != (len > 2 ? buf[2] : 0))
			bad = "refused, but more than the type is kept";
	} else {
		mh_summary(m, summary, sizeof(summary));
		n = mh_encode(m, out, sizeof(out), src, dst);
		/* aligning what came unaligned may take it beyond the greatest length */
		if (n == -EMSGSIZE && (size_t)buf[1] * 8 + 8 + m->n_opts * 8u > MH_MAX_LEN)
			bad = NULL;
		else if (n < 8 || n % 8)
			bad = "cannot encode what was decoded";
		else if (mh_decode(again, out, (size_t)n, src, dst) != MH_OK)
			bad = "cannot decode what was encoded";
		else if (!mh_msg_eq(m, again))
			bad = "changed by encoding and decoding";
	}
	free(m);
	return bad;
}
