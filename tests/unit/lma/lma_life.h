/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An LMA that dies and begins again with what the store and the data plane have kept. */
#pragma once

#include "store/store_fake.h"
#include "unit/lma/lma_harness.h"

struct life {
	struct bed b;
	struct store_fake *disk;
	struct store *st;
};

static inline int restore_one(void *ctx, const struct store_record *r)
{
	struct life *f = ctx;

	CU_ASSERT(r->kind == STORE_BINDING || r->kind == STORE_REVOCATION);
	return lma_restore(f->b.l, r, f->b.now);
}

static inline void set_store(struct life *f, uint32_t window_ms)
{
	const struct store_cfg cfg = {.window_ms = window_ms};

	CU_ASSERT_EQUAL_FATAL(store_new(&f->st, store_fake_backend(f->disk), &cfg), 0);
	lma_set_store(f->b.l, f->st);
}

static inline void life_init(struct life *f)
{
	memset(f, 0, sizeof(*f));
	bed_init(&f->b);
	bed_add_profile(&f->b, "mn1@example.com", (struct profile){.ipv4 = true});
	bed_add_profile(&f->b, "mn2@example.com", (struct profile){.ipv4 = true});
	CU_ASSERT_EQUAL_FATAL(store_fake_new(&f->disk), 0);
}

static inline void life_up(struct life *f, uint32_t window_ms)
{
	life_init(f);
	bed_start(&f->b);
	set_store(f, window_ms);
}

static inline void nothing_del(struct dataplane *dp, dp_ref ref)
{
	(void)dp;
	(void)ref;
}

/* The LMA is gone from one instruction to the next; data plane and disk stay as they are. */
static inline void kill_it(struct life *f)
{
	struct dataplane *dp = dp_fake_dataplane(f->b.dp);
	const struct dataplane_ops *ops = dp->ops;
	struct dataplane_ops untouched = *ops;

	untouched.session_del = nothing_del;
	untouched.peer_del = nothing_del;
	dp->ops = &untouched;
	lma_free(&f->b.l);
	tunnels_free(&f->b.tunnels);
	dp->ops = ops;
	store_fake_crash(f->disk);
	store_free(&f->st);
	dp_fake_restart(f->b.dp);
}

/* Returns what nobody claimed in the data plane. */
static inline size_t begin(struct life *f)
{
	struct dataplane *dp = dp_fake_dataplane(f->b.dp);

	CU_ASSERT_EQUAL_FATAL(tunnels_new(&f->b.tunnels, dp), 0);
	bed_start(&f->b);
	set_store(f, 100);
	CU_ASSERT_EQUAL_FATAL(store_load(f->st, restore_one, f), 0);
	return dp->ops->sweep(dp);
}

static inline size_t restart(struct life *f)
{
	kill_it(f);
	return begin(f);
}

static inline void turn(struct life *f)
{
	store_flush(f->st, f->b.now);
	lma_committed(f->b.l);
}

/* All changes are on disk. */
static inline void settle(struct life *f)
{
	CU_ASSERT_TRUE(store_drain(f->st, f->b.now));
	lma_committed(f->b.l);
}

static inline void down(struct life *f)
{
	bed_down(&f->b);
	store_free(&f->st);
	store_fake_free(&f->disk);
}
