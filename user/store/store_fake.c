/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/store_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct kept {
	enum store_kind kind;
	uint64_t id;
	size_t len;
	uint8_t *data;
};

struct store_fake {
	struct store_backend backend; /* first */
	struct kept *kept;	      /* in order */
	size_t n, cap;
	uint8_t *batch; /* not on disk yet */
	size_t batch_len;
	unsigned failures;
	int err;
	bool delay;
};

static struct store_fake *fake_of(struct store_backend *b)
{
	return (struct store_fake *)b;
}

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

/* Where it is, or where it would be. */
static size_t position(const struct store_fake *f, enum store_kind kind, uint64_t id)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		const size_t mid = (lo + hi) / 2;
		const struct kept *k = &f->kept[mid];

		if (k->kind < kind || (k->kind == kind && k->id < id))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool is_at(const struct store_fake *f, size_t i, enum store_kind kind, uint64_t id)
{
	return i < f->n && f->kept[i].kind == kind && f->kept[i].id == id;
}

static void put(struct store_fake *f, const struct store_record *r)
{
	const size_t i = position(f, r->kind, r->id);

	if (is_at(f, i, r->kind, r->id)) {
		free(f->kept[i].data);
	} else {
		if (f->n == f->cap) {
			f->cap = f->cap ? 2 * f->cap : 64;
			f->kept = must(realloc(f->kept, f->cap * sizeof(*f->kept)));
		}
		memmove(&f->kept[i + 1], &f->kept[i], (f->n - i) * sizeof(*f->kept));
		f->n++;
	}
	f->kept[i] = (struct kept){r->kind, r->id, r->len, must(malloc(r->len))};
	memcpy(f->kept[i].data, r->data, r->len);
}

static void del(struct store_fake *f, const struct store_record *r)
{
	const size_t i = position(f, r->kind, r->id);

	if (!is_at(f, i, r->kind, r->id))
		return;
	free(f->kept[i].data);
	f->n--;
	memmove(&f->kept[i], &f->kept[i + 1], (f->n - i) * sizeof(*f->kept));
}

static int load(struct store_backend *b, int (*cb)(void *ctx, const struct store_record *r),
		void *ctx)
{
	const struct store_fake *f = fake_of(b);
	int err = 0;

	for (size_t i = 0; i < f->n && err >= 0; i++) {
		const struct kept *k = &f->kept[i];

		err = cb(ctx, &(struct store_record){k->kind, k->id, k->data, k->len});
	}
	return err < 0 ? err : 0;
}

static int submit(struct store_backend *b, const uint8_t *batch, size_t len)
{
	struct store_fake *f = fake_of(b);

	if (f->batch || !len)
		abort();
	f->batch = must(malloc(len));
	memcpy(f->batch, batch, len);
	f->batch_len = len;
	if (!f->delay)
		store_fake_commit(f, 0);
	return 0;
}

static const struct store_backend_ops ops = {.load = load, .submit = submit};

int store_fake_new(struct store_fake **out)
{
	struct store_fake *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->backend.ops = &ops;
	*out = f;
	return 0;
}

void store_fake_free(struct store_fake **p)
{
	struct store_fake *f = *p;

	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		free(f->kept[i].data);
	free(f->kept);
	free(f->batch);
	free(f);
	*p = NULL;
}

struct store_backend *store_fake_backend(struct store_fake *f)
{
	return &f->backend;
}

void store_fake_delay(struct store_fake *f, bool delay)
{
	f->delay = delay;
}

static void apply(struct store_fake *f)
{
	struct store_change c;
	struct rd r;

	rd_init(&r, f->batch, f->batch_len);
	while (store_change_next(&r, &c)) {
		if (c.record.data)
			put(f, &c.record);
		else
			del(f, &c.record);
	}
	if (rd_bad(&r))
		abort();
}

bool store_fake_commit(struct store_fake *f, nsec_t now)
{
	int err = 0;

	if (!f->batch)
		return false;
	if (f->failures) {
		f->failures--;
		err = -f->err;
	} else {
		apply(f);
	}
	store_fake_crash(f);
	store_done(f->backend.store, err, now);
	return true;
}

void store_fake_fail(struct store_fake *f, unsigned times, int err)
{
	f->failures = times;
	f->err = err;
}

void store_fake_crash(struct store_fake *f)
{
	free(f->batch);
	f->batch = NULL;
	f->batch_len = 0;
}

size_t store_fake_count(const struct store_fake *f)
{
	return f->n;
}

bool store_fake_find(const struct store_fake *f, enum store_kind kind, uint64_t id,
		     struct store_record *out)
{
	const size_t i = position(f, kind, id);

	if (!is_at(f, i, kind, id))
		return false;
	*out = (struct store_record){kind, id, f->kept[i].data, f->kept[i].len};
	return true;
}
