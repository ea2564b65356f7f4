/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Judges a store's file before anybody trusts it, and says which of its records can be trusted.
 *
 * A file is sound when its pages add up, its head records agree with each other and with the meta
 * page, each value has its checksum, and number and sum of the records are what the head says. In
 * one that is not, a record counts if its page does (store/mdb_file.h) and its checksum fits. None
 * counts when even that could not tell an old record from the last one:
 *
 *	- no head record is left, or only one of a commit before the last (the mark knows which)
 *	- pages of the tree are wrong and the list of free pages, which would show that a page in
 *	  the tree is an old one, is not complete, and the sum does not say that all is well
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/store_format.h"

/* The last commit that a store is known to have made, kept beside its file. It is written after
 * the commit and never waited for: what it says is true, but may be too little after a power cut.
 */
struct store_mark {
	uint64_t store;
	uint64_t commit;
};

#define STORE_MARK_LEN 20

void store_mark_write(int fd, const struct store_mark *m); /* best effort */
bool store_mark_read(int fd, struct store_mark *out);

struct store_scan;

struct store_scan_result {
	struct store_head head; /* count and sum: of what is trusted; all zero when nothing is */
	bool sound;
	bool head_known;
	uint64_t saved;	  /* records that can be trusted */
	uint64_t claimed; /* records there were, by the head; 0 when not known */
	char why[160];	  /* what is wrong; "" when sound */
};

/* `mark` NULL: not known. The file descriptor stays the caller's. 0; -EPROTONOSUPPORT: of another
 * schema, see result->head.schema; -ENOMEM. */
int store_scan_open(struct store_scan **out, int fd, const struct store_mark *mark,
		    struct store_scan_result *result);
void store_scan_close(struct store_scan **p);

/* The records that can be trusted, in the order of kind and id; ends when the callback returns
 * less than 0, which is returned. */
int store_scan_walk(struct store_scan *s, int (*cb)(void *ctx, const struct store_record *r),
		    void *ctx);
