/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A MAG that ends, by order or without warning, and begins again over what its store holds. */
#pragma once

#include "mag_harness.h"

#include "core/record.h"
#include "core/store.h"
#include "store/store_fake.h"

/* What outlives the MAG: the disk. */
static struct store_fake *disk;
static struct store *store;
static int keep, drops;

static UNUSED int restore_record(void *ctx, const struct store_record *r)
{
	struct bench *b = ctx;
	int use = mag_restore(b->m, r, b->now);

	keep += use == STORE_KEEP;
	drops += use == STORE_DROP;
	return use;
}

static UNUSED void store_up(struct bench *b)
{
	CU_ASSERT_EQUAL_FATAL(store_new(&store, store_fake_backend(disk), &(struct store_cfg){0}),
			      0);
	mag_set_store(b->m, store);
	keep = drops = 0;
	CU_ASSERT_EQUAL_FATAL(store_load(store, restore_record, b), 0);
}

/* b->cfg and the profiles may be changed before. */
static UNUSED struct bench *with_store(struct bench *b)
{
	CU_ASSERT_EQUAL_FATAL(store_fake_new(&disk), 0);
	bench_start(b);
	store_up(b);
	return b;
}

static UNUSED void end(struct bench *b)
{
	store_free(&store);
	bench_free(b);
	store_fake_free(&disk);
}

/* The MAG goes, be it by SIGKILL: what no batch holds is lost, the data plane forwards on. */
static UNUSED void dies(struct bench *b)
{
	store_fake_crash(disk);
	mag_free(&b->m);
	store_free(&store);
	dp_fake_restart(b->fake);
	tunnels_free(&b->tunnels);
	CU_ASSERT_EQUAL_FATAL(tunnels_new(&b->tunnels, dp_fake_dataplane(b->fake)), 0);
	b->n_calls = b->n_sent = 0;
	b->ups = b->downs = 0;
}

static UNUSED void lives(struct bench *b)
{
	struct dataplane *dp = dp_fake_dataplane(b->fake);

	bench_start(b);
	store_up(b);
	dp->ops->sweep(dp);
}

static UNUSED void flush(struct bench *b)
{
	store_flush(store, b->now);
	mag_committed(b->m);
}

static UNUSED void restart(struct bench *b)
{
	flush(b);
	dies(b);
	lives(b);
}

static UNUSED void change_record(void (*change)(struct record_update *u))
{
	uint8_t batch[STORE_LEN_MAX + 32], buf[STORE_LEN_MAX];
	struct store_record r;
	struct record_update u;
	struct wr w;
	uint64_t id;

	for (id = 1; !store_fake_find(disk, STORE_UPDATE, id, &r); id++)
		CU_ASSERT_FATAL(id < 100);
	CU_ASSERT_EQUAL_FATAL(record_update_read(&u, r.data, r.len), 0);
	change(&u);
	r.len = record_update_write(&u, buf, sizeof(buf));
	CU_ASSERT_FATAL(r.len > 0);
	wr_init(&w, batch, sizeof(batch));
	wr_u8(&w, 1);
	wr_u8(&w, STORE_UPDATE);
	wr_u16(&w, (uint16_t)r.len);
	wr_u64(&w, id);
	wr_bytes(&w, buf, r.len);
	CU_ASSERT_EQUAL_FATAL(
		store_fake_backend(disk)->ops->submit(store_fake_backend(disk), batch, wr_len(&w)),
		0);
}

/* Node 1 on acc7, dual-stack, active and on disk. */
static UNUSED struct bench *dual_active(struct bench *b)
{
	struct profile p = {.ipv4 = true, .enabled = true, .local_routing = -1};

	add_profile(b, &p, "mn1@example.com", 1);
	b->node_address = ADDR("fe80::aa");
	with_store(b);
	CU_ASSERT_EQUAL_FATAL(attach(b, 7, 1), 0);
	accept_it(b);
	CU_ASSERT_FATAL(in_state(b, 1, "ACTIVE"));
	return b;
}
