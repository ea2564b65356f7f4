/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Durable records: what must come back after a restart, and when it is on disk.
 *
 * A role owns objects (an LMA its bindings); each has a struct store_item here. The role says only
 * that an object changed or went (store_touch(), store_remove()), neither of which can fail or
 * allocates. Changed objects are written in batches, each of which is one commit: the store asks
 * the object's source for its octets when a batch is made, so that an object which changes often
 * is written once, as it is then. Memory is bounded by the number of objects, whatever the disk
 * does.
 *
 * A batch is made at the latest one `window` after the first change it holds, and when the one
 * before is committed. With a window of 0 a reply must not leave before the commit that holds the
 * change it tells of: its sender remembers store_ticket() and waits for store_committed() to reach
 * it. With another window nobody waits, and what a crash can take is what changed within the
 * window and during the last commit.
 *
 * A disk that fails does not stop service: nobody waits for it, the failure is logged by its name
 * and counted, and what could not be written stays due and is tried again with growing pauses.
 *
 * Who keeps the records is behind struct store_backend: user/store/store_lmdb (a file),
 * user/store/store_fake (tests).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/counter.h"
#include "base/nsec.h"

#define STORE_LEN_MAX 1500 /* octets of a record's content */

/* Goes to disk: numbers stay what they are. */
enum store_kind {
	STORE_BINDING = 1, /* an LMA's binding, core/record.h */
	STORE_UPDATE = 2,  /* a MAG's entry in its update list */
	STORE_VALUE = 3,   /* single values, such as the Restart Counter (RFC 5847 3.1) */
	STORE_REVOCATION = 4, /* what an LMA has begun or owes, core/record_revocation.h */
	STORE_KIND_MAX
};

// clang-format off
#define STORE_COUNTERS(X)                                                                         \
	X(STORE_C_LOADED, "records_loaded", "records found at start")                             \
	X(STORE_C_REFUSED, "records_refused", "records found at start that nobody could use")      \
	X(STORE_C_COMMITS, "commits", "batches on disk")                                          \
	X(STORE_C_WRITTEN, "records_written", "records written by them")                          \
	X(STORE_C_DELETED, "records_deleted", "records deleted by them")                          \
	X(STORE_C_FAILED, "commits_failed", "batches that could not be written and are tried again") \
	X(STORE_C_UNWRITABLE, "records_unwritable", "changes that could not be put into a record")
// clang-format on

enum store_counter { STORE_COUNTERS(COUNTER_ENUM) STORE_C_MAX };

struct store;
struct store_item;

struct store_record {
	enum store_kind kind;
	uint64_t id;
	const uint8_t *data; /* borrowed */
	size_t len;
};

/* ---- life */

struct store_backend;

struct store_cfg {
	uint32_t window_ms; /* 0: replies wait */
};

/* The backend must outlive the store. 0 or -ENOMEM. */
int store_new(struct store **out, struct store_backend *backend, const struct store_cfg *cfg);
/* Frees all items. Writes nothing: see store_drain(). */
void store_free(struct store **p);
void store_set_window(struct store *st, uint32_t window_ms);

/* ---- at start */

enum store_use {
	STORE_KEEP, /* the callback gave it to store_adopt() */
	STORE_DROP, /* nobody can use it: it is deleted from the store */
};

/* All records, in the order of kind and id; nothing else may have been done with the store before.
 * The callback returns enum store_use, or -errno, which ends the walk. */
int store_load(struct store *st, int (*cb)(void *ctx, const struct store_record *r), void *ctx);
/* The item of a record, for the object that was made from it. 0 or -ENOMEM. */
int store_adopt(struct store *st, const struct store_record *r, void *owner,
		struct store_item **out);

/* ---- in operation */

/* Where the content of a kind's records comes from. */
struct store_source {
	void *ctx;
	/* Writes the owner's record into buf[STORE_LEN_MAX] and returns its length; 0: it has
	 * none, and what is stored of it stays as it is. */
	size_t (*write)(void *ctx, const void *owner, uint8_t *buf, nsec_t now);
};

void store_set_source(struct store *st, enum store_kind kind, const struct store_source *src);

/* An item for a new object, with an id that no other had; not written before it is touched. 0 or
 * -ENOMEM. */
int store_add(struct store *st, enum store_kind kind, void *owner, struct store_item **out);
void store_touch(struct store *st, struct store_item *item, nsec_t now); /* the object changed */
/* The object is gone; its record is deleted. *p becomes NULL. */
void store_remove(struct store *st, struct store_item **p, nsec_t now);

/* ---- batches */

/* Makes a batch of what is due and hands it over; call it at the end of each turn of the loop. */
void store_flush(struct store *st, nsec_t now);
nsec_t store_deadline(const struct store *st); /* of the next store_flush() */
/* The pause after a failure is over: whatever it was may be mended. */
void store_hurry(struct store *st);
/* Hands over what there is, due or not. True when nothing is left to write or wait for; else call
 * again after the backend has reported. */
bool store_drain(struct store *st, nsec_t now);

/* What a reply sent now has to wait for: 0 is nothing. */
uint64_t store_ticket(const struct store *st);
uint64_t store_committed(const struct store *st);

/* ---- for onlookers */

struct store_status {
	size_t items;	  /* objects known, those on their way out included */
	size_t dirty;	  /* changes that no batch holds yet */
	size_t in_flight; /* changes in the batch that is being written */
	int error;	  /* -errno of the last batch; 0 when it was written */
	uint32_t window_ms;
};

void store_status(const struct store *st, struct store_status *out);
struct counter_set store_counters(const struct store *st);

/* ---- for backends */

struct store_backend_ops {
	/* All records, in the order of kind and id; see store_load(). */
	int (*load)(struct store_backend *b, int (*cb)(void *ctx, const struct store_record *r),
		    void *ctx);
	/* Writes a batch, all of it or nothing; the octets are borrowed for the call. Exactly one
	 * store_done() answers, during the call or later; there is one batch at a time. -errno: it
	 * was not taken, and no store_done() follows. */
	int (*submit)(struct store_backend *b, const uint8_t *batch, size_t len);
};

/* Implementations embed this as their first member. */
struct store_backend {
	const struct store_backend_ops *ops;
	struct store *store; /* set by store_new() */
};

/* The batch is on disk (0), or it is not (-errno). */
void store_done(struct store *st, int err, nsec_t now);
/* What was on disk may be gone: all records are due again. */
void store_rewrite(struct store *st);

/* A batch is a sequence of changes; the same object stands in it once. */
struct store_change {
	struct store_record record; /* data NULL: delete it */
};

/* The next one. False: at the end, or what follows is malformed (rd_bad()). */
bool store_change_next(struct rd *r, struct store_change *out);
