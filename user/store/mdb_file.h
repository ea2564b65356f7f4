/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a file of LMDB 0.9 without LMDB, which trusts its file: a damaged one makes it follow
 * wild pointers or pages that are not there. Here each page is read with pread(2) and checked
 * before anything in it is used, so that no content of the file, nor its end, nor an I/O error can
 * do more than make pages unusable.
 *
 * A page of the tree counts only if it is what its parent says: its own number, the right kind at
 * its depth, nodes inside the page, keys in order and between the parent's separators, reached
 * once, and not on the list of free pages. The latter catches a pointer that was damaged into one
 * to an older version of a page, which is sound in itself. A file without any damage adds up:
 * pages and entries are as many as the meta page says.
 *
 * Leaves whose parents are unusable are found among the pages that are neither free nor reached.
 *
 * Keys are compared octet by octet. Only the main table is read, and values that need pages of
 * their own are taken for damage: user/store makes neither.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mdb_file;

typedef int (*mdb_visit)(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
			 size_t len);

/* What is wrong with a file. */
struct mdb_damage {
	uint64_t missing; /* pages behind its end or unreadable */
	uint64_t wrong;	  /* pages and sums that are not what they should be */
	uint64_t tree;	  /* of these, pages of the records' tree */
	bool free_known;  /* the list of free pages is complete */
	bool metas_agree; /* both meta pages are good, and of consecutive commits */
	char why[96];	  /* the first thing found; "" none */
};

/* A file holds the last commit (0) and the one before (1); which of them the meta pages may be
 * wrong about, too. Reads the whole tree. 0; -ENOENT: it has no such commit, with `damage` set;
 * -ENOMEM. The file descriptor stays the caller's. */
int mdb_file_open(struct mdb_file **out, int fd, unsigned back, struct mdb_damage *damage);
void mdb_file_close(struct mdb_file **p);

uint64_t mdb_file_txn(const struct mdb_file *f); /* number of the commit, as the meta page has it */
/* All entries on usable pages in the order of their keys; what the callback returns ends it if not
 * 0, and is returned. Pages that became unusable since are passed over. */
int mdb_file_walk(struct mdb_file *f, mdb_visit visit, void *ctx);
/* Only the first of these pages, and the last. */
int mdb_file_ends(struct mdb_file *f, mdb_visit visit, void *ctx);
