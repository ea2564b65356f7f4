/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's backend that keeps records in a file: LMDB, a copy-on-write tree of pages, where a
 * commit is a new root. docs/store.md has what lies in the directory.
 *
 * Opening reads and judges the whole file (store/store_scan.h) before liblmdb sees it. A damaged
 * one is kept aside as store.damaged-DATE, its records that can be trusted go into a new file, and
 * the report says how many they are. From then on a writer process has the file
 * (store/store_writer.h); the daemon hands it batches and reads its answers when store_lmdb_fd() is
 * readable. A writer that dies costs nothing but time: its batch is reported as failed, and the
 * next one starts a new writer, over the file as it then is.
 *
 * Between store_lmdb_open() and store_lmdb_close() no other process can open the same directory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/env.h"
#include "core/store.h"

struct store_lmdb;

struct store_lmdb_cfg {
	const char *dir;       /* must exist; files in it are made with mode 0600 */
	const char *instance;  /* whose store it is; shorter than 64 octets */
	const struct env *env; /* random and wallclock are used; must outlive the backend */
	uint32_t lock_wait_ms; /* for an earlier daemon's writer to end */
};

struct store_lmdb_report {
	bool fresh;	  /* there was no store */
	bool damaged;	  /* the old file is aside, as `aside` */
	uint64_t saved;	  /* records */
	uint64_t claimed; /* records there should have been; 0: not known, when damaged */
	char aside[64];
	char what[256]; /* one line for the log: what is damaged, or why opening failed */
};

/*
 * `report` is filled in whatever happens. 0, or
 *	-EBUSY		  another process has it
 *	-EPROTONOSUPPORT  it was made by another version of this program
 *	-EXDEV		  it is another instance's
 *	-errno		  the disk's or memory's error
 * and then nothing has changed on disk, except that a new file may have been begun.
 */
int store_lmdb_open(struct store_lmdb **out, const struct store_lmdb_cfg *cfg,
		    struct store_lmdb_report *report);
/* Waits for the batch that is being written, if any. */
void store_lmdb_close(struct store_lmdb **p);

struct store_backend *store_lmdb_backend(struct store_lmdb *s);
/* Readable when there is an answer; -1: there is no writer now. Another one after each
 * store_flush() perhaps: `generation` changes with it. */
int store_lmdb_fd(const struct store_lmdb *s, unsigned *generation);
void store_lmdb_receive(struct store_lmdb *s, nsec_t now);
/* Records with which a damaged file was replaced in operation, and the writers that died. */
struct counter_set store_lmdb_counters(const struct store_lmdb *s);
