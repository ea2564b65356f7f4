/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Items and batches.
 *
 * Changes are numbered. An item that changed hangs on the dirty list with the number of its first
 * change that no batch holds, so the list is in the order of these numbers, and everything before
 * the first of them, or before the first one of the batch on its way, is committed. An item may be
 * in that batch and dirty again at the same time.
 */
#include "core/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"

#define BATCH_ITEMS  1024
#define BATCH_OCTETS (1u << 18)
#define CHANGE_HEAD  12
#define CHANGE_PUT   1
#define CHANGE_DEL   2

#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 60000

struct store_item {
	struct store_item *prev, *next; /* of the dirty list */
	struct store_item *all_prev, *all_next;
	uint64_t id;
	uint64_t first; /* change, while dirty */
	void *owner;
	uint8_t kind;
	bool dirty, in_flight;
	bool stored; /* the backend may have it */
	bool gone;
};

struct flight {
	struct store_item *item;
	uint64_t first;
};

struct store {
	struct store_backend *backend;
	struct store_source source[STORE_KIND_MAX];
	struct store_item *all, *head, *tail;
	struct flight *flight;
	uint8_t *batch;
	size_t n_items, n_dirty, n_flight, puts, dels;
	uint64_t changes, next_id;
	nsec_t window, dirty_since, retry_at, retry_pause;
	struct log_limit limit;
	int error;
	uint64_t counter[STORE_C_MAX];
};

static const struct counter_desc counter_desc[] = {STORE_COUNTERS(COUNTER_DESC)};

/* ---- life */

int store_new(struct store **out, struct store_backend *backend, const struct store_cfg *cfg)
{
	struct store *st = calloc(1, sizeof(*st));

	if (!st)
		return -ENOMEM;
	st->flight = calloc(BATCH_ITEMS, sizeof(*st->flight));
	st->batch = malloc(BATCH_OCTETS);
	if (!st->flight || !st->batch) {
		store_free(&st);
		return -ENOMEM;
	}
	st->next_id = 1;
	st->window = nsec_from_ms(cfg->window_ms);
	st->backend = backend;
	backend->store = st;
	*out = st;
	return 0;
}

void store_free(struct store **p)
{
	struct store *st = *p;
	struct store_item *next;

	if (!st)
		return;
	for (struct store_item *i = st->all; i; i = next) {
		next = i->all_next;
		free(i);
	}
	if (st->backend)
		st->backend->store = NULL;
	free(st->flight);
	free(st->batch);
	free(st);
	*p = NULL;
}

void store_set_window(struct store *st, uint32_t window_ms)
{
	st->window = nsec_from_ms(window_ms);
}

void store_set_source(struct store *st, enum store_kind kind, const struct store_source *src)
{
	st->source[kind] = *src;
}

/* ---- items */

static struct store_item *item_new(struct store *st, enum store_kind kind, uint64_t id, void *owner)
{
	struct store_item *item = calloc(1, sizeof(*item));

	if (!item)
		return NULL;
	item->kind = (uint8_t)kind;
	item->id = id;
	item->owner = owner;
	item->all_next = st->all;
	if (st->all)
		st->all->all_prev = item;
	st->all = item;
	st->n_items++;
	return item;
}

static void item_free(struct store *st, struct store_item *item)
{
	if (item->all_next)
		item->all_next->all_prev = item->all_prev;
	if (item->all_prev)
		item->all_prev->all_next = item->all_next;
	else
		st->all = item->all_next;
	st->n_items--;
	free(item);
}

static void dirty_unlink(struct store *st, struct store_item *item)
{
	if (item->next)
		item->next->prev = item->prev;
	else
		st->tail = item->prev;
	if (item->prev)
		item->prev->next = item->next;
	else
		st->head = item->next;
	item->prev = item->next = NULL;
	item->dirty = false;
	st->n_dirty--;
}

static void dirty_append(struct store *st, struct store_item *item, uint64_t first)
{
	item->prev = st->tail;
	if (st->tail)
		st->tail->next = item;
	else
		st->head = item;
	st->tail = item;
	item->first = first;
	item->dirty = true;
	st->n_dirty++;
}

static void dirty_prepend(struct store *st, struct store_item *item, uint64_t first)
{
	item->next = st->head;
	if (st->head)
		st->head->prev = item;
	else
		st->tail = item;
	st->head = item;
	item->first = first;
	item->dirty = true;
	st->n_dirty++;
}

static void changed(struct store *st, struct store_item *item, nsec_t now)
{
	st->changes++;
	if (item->dirty)
		return;
	if (!st->head)
		st->dirty_since = now;
	dirty_append(st, item, st->changes);
}

int store_add(struct store *st, enum store_kind kind, void *owner, struct store_item **out)
{
	struct store_item *item = item_new(st, kind, st->next_id, owner);

	if (!item)
		return -ENOMEM;
	st->next_id++;
	*out = item;
	return 0;
}

void store_touch(struct store *st, struct store_item *item, nsec_t now)
{
	changed(st, item, now);
}

void store_remove(struct store *st, struct store_item **p, nsec_t now)
{
	struct store_item *item = *p;

	*p = NULL;
	if (!item)
		return;
	if (!item->stored) {
		if (item->dirty)
			dirty_unlink(st, item);
		item_free(st, item);
		return;
	}
	item->gone = true;
	item->owner = NULL;
	changed(st, item, now);
}

/* ---- at start */

struct loading {
	struct store *st;
	int (*cb)(void *ctx, const struct store_record *r);
	void *ctx;
};

static int load_record(void *ctx, const struct store_record *r)
{
	struct loading *l = ctx;
	struct store *st = l->st;
	struct store_item *item;
	int use;

	if (r->id >= st->next_id)
		st->next_id = r->id + 1;
	use = l->cb(l->ctx, r);
	if (use < 0)
		return use;
	st->counter[STORE_C_LOADED]++;
	if (use == STORE_KEEP)
		return 0;
	st->counter[STORE_C_REFUSED]++;
	item = item_new(st, r->kind, r->id, NULL);
	if (!item)
		return -ENOMEM;
	item->stored = true;
	store_remove(st, &item, 0);
	return 0;
}

int store_load(struct store *st, int (*cb)(void *ctx, const struct store_record *r), void *ctx)
{
	struct loading l = {st, cb, ctx};

	return st->backend->ops->load(st->backend, load_record, &l);
}

int store_adopt(struct store *st, const struct store_record *r, void *owner,
		struct store_item **out)
{
	struct store_item *item = item_new(st, r->kind, r->id, owner);

	if (!item)
		return -ENOMEM;
	item->stored = true;
	*out = item;
	return 0;
}

/* ---- batches */

static void put_head(struct wr *w, uint8_t what, const struct store_item *item, size_t len)
{
	wr_u8(w, what);
	wr_u8(w, item->kind);
	wr_u16(w, (uint16_t)len);
	wr_u64(w, item->id);
}

static void write_change(struct store *st, struct wr *w, const struct store_item *item, nsec_t now)
{
	const struct store_source *src = &st->source[item->kind];
	uint8_t buf[STORE_LEN_MAX];
	size_t len;

	if (item->gone) {
		put_head(w, CHANGE_DEL, item, 0);
		st->dels++;
		return;
	}
	len = src->write ? src->write(src->ctx, item->owner, buf, now) : 0;
	if (!len) {
		st->counter[STORE_C_UNWRITABLE]++;
		log_limited(&st->limit, now, LOG_C_BUG, "store: a change cannot be written down");
		return;
	}
	put_head(w, CHANGE_PUT, item, len);
	wr_bytes(w, buf, len);
	st->puts++;
}

static void submit(struct store *st, nsec_t now)
{
	struct wr w;
	int err;

	wr_init(&w, st->batch, BATCH_OCTETS);
	st->puts = st->dels = 0;
	while (st->head && st->n_flight < BATCH_ITEMS &&
	       wr_len(&w) + CHANGE_HEAD + STORE_LEN_MAX <= BATCH_OCTETS) {
		struct store_item *item = st->head;

		st->flight[st->n_flight++] = (struct flight){item, item->first};
		dirty_unlink(st, item);
		item->in_flight = true;
		write_change(st, &w, item, now);
		item->stored = true;
	}
	if (!st->n_flight)
		return;
	if (!wr_len(&w)) { /* nothing of it can be written down */
		store_done(st, 0, now);
		return;
	}
	err = st->backend->ops->submit(st->backend, st->batch, wr_len(&w));
	if (err)
		store_done(st, err, now);
}

void store_flush(struct store *st, nsec_t now)
{
	/* a backend may answer at once */
	while (store_deadline(st) <= now)
		submit(st, now);
}

nsec_t store_deadline(const struct store *st)
{
	nsec_t due;

	if (!st->head || st->n_flight)
		return NSEC_NEVER;
	due = nsec_add(st->dirty_since, st->window);
	return st->retry_at > due ? st->retry_at : due;
}

void store_hurry(struct store *st)
{
	st->retry_at = 0;
}

bool store_drain(struct store *st, nsec_t now)
{
	while (st->head && !st->n_flight && st->retry_at <= now)
		submit(st, now);
	return !st->head && !st->n_flight;
}

static void written(struct store *st, nsec_t now)
{
	st->counter[STORE_C_COMMITS]++;
	st->counter[STORE_C_WRITTEN] += st->puts;
	st->counter[STORE_C_DELETED] += st->dels;
	for (size_t i = 0; i < st->n_flight; i++) {
		struct store_item *item = st->flight[i].item;

		item->in_flight = false;
		if (item->gone && !item->dirty)
			item_free(st, item);
	}
	st->n_flight = 0;
	if (st->error)
		log_msg(LOG_C_INFO, "store: writes again");
	st->error = 0;
	st->retry_at = 0;
	st->retry_pause = 0;
}

/* Back to where they were, before all that changed later. */
static void not_written(struct store *st, int err, nsec_t now)
{
	for (size_t i = st->n_flight; i-- > 0;) {
		struct store_item *item = st->flight[i].item;

		item->in_flight = false;
		if (item->dirty)
			dirty_unlink(st, item);
		dirty_prepend(st, item, st->flight[i].first);
	}
	st->n_flight = 0;
	st->counter[STORE_C_FAILED]++;
	st->retry_pause = st->retry_pause
				  ? nsec_min(2 * st->retry_pause, nsec_from_ms(RETRY_MAX_MS))
				  : nsec_from_ms(RETRY_MIN_MS);
	st->retry_at = nsec_add(now, st->retry_pause);
	st->error = err;
	log_limited(&st->limit, now, LOG_C_LOCAL,
		    "store: %zu changes are not on disk: %s; next try in %llu s", st->n_dirty,
		    strerror(-err), (unsigned long long)(st->retry_pause / NSEC_PER_SEC));
}

void store_done(struct store *st, int err, nsec_t now)
{
	if (!st->n_flight)
		return;
	if (err)
		not_written(st, err, now);
	else
		written(st, now);
}

void store_rewrite(struct store *st)
{
	for (struct store_item *i = st->all; i; i = i->all_next)
		if (i->stored && !i->gone)
			changed(st, i, 0);
}

/* ---- tickets */

uint64_t store_ticket(const struct store *st)
{
	return st->window ? 0 : st->changes;
}

uint64_t store_committed(const struct store *st)
{
	if (st->error)
		return st->changes; /* nobody waits for a disk that fails */
	if (st->n_flight)
		return st->flight[0].first - 1;
	return st->head ? st->head->first - 1 : st->changes;
}

/* ---- for onlookers */

void store_status(const struct store *st, struct store_status *out)
{
	*out = (struct store_status){
		.items = st->n_items,
		.dirty = st->n_dirty,
		.in_flight = st->n_flight,
		.error = st->error,
		.window_ms = (uint32_t)(st->window / nsec_from_ms(1)),
	};
}

struct counter_set store_counters(const struct store *st)
{
	return (struct counter_set){"store", counter_desc, st->counter, STORE_C_MAX};
}

/* ---- for backends */

bool store_change_next(struct rd *r, struct store_change *out)
{
	struct store_change c;
	uint8_t what, kind;

	if (!rd_left(r) || rd_bad(r))
		return false;
	what = rd_u8(r);
	kind = rd_u8(r);
	c.record.kind = (enum store_kind)kind;
	c.record.len = rd_u16(r);
	c.record.id = rd_u64(r);
	c.record.data = rd_bytes(r, c.record.len);
	if ((what != CHANGE_PUT && what != CHANGE_DEL) || !kind || kind >= STORE_KIND_MAX ||
	    c.record.len > STORE_LEN_MAX || (what == CHANGE_PUT) != (c.record.len > 0))
		r->bad = true;
	if (rd_bad(r))
		return false;
	if (what == CHANGE_DEL)
		c.record.data = NULL;
	*out = c;
	return true;
}
