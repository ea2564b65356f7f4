/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk that only remembers (tests, simulation). It outlives the store that writes to it, as a
 * disk does a crash: store_fake_crash() loses the batch that is on its way. It aborts on a batch
 * that breaks the contract of core/store.h.
 */
#pragma once

#include "core/store.h"

struct store_fake;

int store_fake_new(struct store_fake **out);
void store_fake_free(struct store_fake **p);
struct store_backend *store_fake_backend(struct store_fake *f);

/* False, as at first: a batch is on disk as soon as it is handed over. True: once
 * store_fake_commit() says so, which returns whether there was one. */
void store_fake_delay(struct store_fake *f, bool delay);
bool store_fake_commit(struct store_fake *f, nsec_t now);
/* The next `times` batches fail with -err (a positive errno). */
void store_fake_fail(struct store_fake *f, unsigned times, int err);
void store_fake_crash(struct store_fake *f);

size_t store_fake_count(const struct store_fake *f);
/* False: there is none. `out` is borrowed until the next batch. */
bool store_fake_find(const struct store_fake *f, enum store_kind kind, uint64_t id,
		     struct store_record *out);
