/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How records stand in the file. docs/store.md has the layout.
 *
 * LMDB has no checksums: each value carries one over its key, its content and the number of the
 * commit that wrote it. The records as a whole have a sum as well, which each commit brings up to
 * date; so a record that is not there any more, or is there in an older version, does not go
 * unnoticed. It stands with the store's identity in two head records, before and behind all others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/store.h"

#define STORE_SCHEMA	    1
#define STORE_KEY_LEN	    9
#define STORE_ENVELOPE	    12 /* octets before the content */
#define STORE_VALUE_MAX	    (STORE_ENVELOPE + STORE_LEN_MAX)
#define STORE_INSTANCE_MAX  64
#define STORE_HEAD_KIND	    0
#define STORE_HEAD_FIRST_ID 0
#define STORE_HEAD_LAST	    0xff /* kind of the second head record */

void store_key(uint8_t kind, uint64_t id, uint8_t out[STORE_KEY_LEN]);

struct store_value {
	uint8_t kind;
	uint64_t id;
	uint64_t commit;
	uint32_t crc;
	const uint8_t *data; /* borrowed */
	size_t len;
};

/* Returns the length of the value for v's kind, id, commit and content; sets its crc. */
size_t store_value_write(struct store_value *v, uint8_t out[STORE_VALUE_MAX]);
/* False: it is not what was written. */
bool store_value_read(struct store_value *out, const uint8_t *key, size_t key_len,
		      const uint8_t *value, size_t len);
/* What the record adds to the sum. */
uint64_t store_value_sum(const struct store_value *v);

struct store_head {
	uint8_t schema;
	uint64_t store;	 /* drawn when the file was made */
	uint64_t commit; /* the one that wrote this */
	uint64_t count;	 /* of the records, without the heads */
	uint64_t sum;
	char instance[STORE_INSTANCE_MAX];
};

size_t store_head_write(const struct store_head *h, uint8_t out[STORE_LEN_MAX]);
/* 0; -EPROTONOSUPPORT: of another schema, of which only `schema` is set; -EBADMSG. */
int store_head_read(struct store_head *out, const uint8_t *data, size_t len);
