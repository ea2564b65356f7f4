/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only place that uses liblmdb: makes a store's file, and commits batches to it.
 *
 * Commits are made by a process of their own. A commit waits for the disk, which takes
 * milliseconds and now and then most of a second, more than the daemon's one thread may stand
 * still. A process instead of a thread, because liblmdb reads its file through a mapping: a disk
 * that cannot read raises SIGBUS, a file that rots in operation an assertion, and either ends the
 * writer, not the daemon. And when the daemon is killed, the writer first commits what it was
 * handed.
 *
 * The two share one batch buffer in memory. The daemon fills it and sends the length; the writer
 * answers with the outcome, and the buffer is the daemon's again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "store/store_format.h"
#include "store/store_scan.h"

#define STORE_BATCH_MAX (1u << 20)

/* Makes a file with a head and all records of `from` (NULL: none), on disk when this returns.
 * Fills in head->commit, count and sum. 0 or -errno; a file that failed may be left. */
int store_writer_create(const char *path, struct store_head *head, struct store_scan *from);

struct store_outcome {
	int32_t err;  /* 0 or -errno */
	int32_t ends; /* the writer can do no more with this file as it has it open */
};

struct store_writer {
	const char *path;
	struct store_head head; /* as it is in the file, which is sound */
	int socket;		/* lengths come in (uint32_t), outcomes go out */
	int mark;		/* for store_mark_write() */
	int lock;		/* kept open */
	const uint8_t *batch;
};

/* The life of the writer's process, which ends when the other end of the socket is closed or the
 * file has to be looked at anew. Closes every file descriptor but those above and 0 to 2. */
_Noreturn void store_writer_run(const struct store_writer *w);
