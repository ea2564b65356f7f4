/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/store_scan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "store/mdb_file.h"

/* One of the file's two commits. */
struct view {
	struct mdb_file *file;
	struct mdb_damage damage;
	struct store_head head;
	unsigned n_heads;
	bool heads_differ, schema_differs;
	uint8_t schema;
	uint64_t bad_values, count, sum;
	uint64_t last; /* commit after which no record can be */
	bool is_last;  /* and that no later one was made */
};

struct store_scan {
	struct view view;
	bool trusted;
	int (*cb)(void *ctx, const struct store_record *r);
	void *ctx;
};

/* ---- the mark */

void store_mark_write(int fd, const struct store_mark *m)
{
	uint8_t buf[STORE_MARK_LEN];
	struct wr w;
	ssize_t n;

	wr_init(&w, buf, sizeof(buf));
	wr_u64(&w, m->store);
	wr_u64(&w, m->commit);
	wr_u32(&w, (uint32_t)crc32(0, buf, 16));
	n = pwrite(fd, buf, sizeof(buf), 0);
	(void)n;
}

bool store_mark_read(int fd, struct store_mark *out)
{
	uint8_t buf[STORE_MARK_LEN];
	struct store_mark m;
	struct rd r;

	if (pread(fd, buf, sizeof(buf), 0) != sizeof(buf))
		return false;
	rd_init(&r, buf, sizeof(buf));
	m.store = rd_u64(&r);
	m.commit = rd_u64(&r);
	if (rd_u32(&r) != (uint32_t)crc32(0, buf, 16))
		return false;
	*out = m;
	return true;
}

/* ---- one view */

static bool is_head(const struct store_value *v)
{
	return (v->kind == STORE_HEAD_KIND && v->id == STORE_HEAD_FIRST_ID) ||
	       (v->kind == STORE_HEAD_LAST && v->id == UINT64_MAX);
}

static bool head_eq(const struct store_head *a, const struct store_head *b)
{
	return a->store == b->store && a->commit == b->commit && a->count == b->count &&
	       a->sum == b->sum && !strcmp(a->instance, b->instance);
}

static void see_head(struct view *view, const struct store_value *v)
{
	struct store_head h = {0};
	const int err = store_head_read(&h, v->data, v->len);

	if (err == -EPROTONOSUPPORT) {
		view->schema_differs = true;
		view->schema = h.schema;
	} else if (err || h.commit != v->commit) {
		view->bad_values++;
	} else if (view->n_heads++ && !head_eq(&h, &view->head)) {
		view->heads_differ = true;
		if (h.commit > view->head.commit)
			view->head = h;
	} else {
		view->head = h;
	}
}

static bool is_record(const struct store_value *v)
{
	return v->kind && v->kind < STORE_KIND_MAX && v->len <= STORE_LEN_MAX;
}

/* Records are held against them. Nothing else sorts before the first or behind the last. */
static int find_heads(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
		      size_t len)
{
	struct view *view = ctx;
	struct store_value v;

	if (key_len == STORE_KEY_LEN && key[0] != STORE_HEAD_KIND && key[0] != STORE_HEAD_LAST)
		return 0;
	if (store_value_read(&v, key, key_len, value, len) && is_head(&v))
		see_head(view, &v);
	else
		view->bad_values++;
	return 0;
}

static int add_up(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value, size_t len)
{
	struct view *view = ctx;
	struct store_value v;

	if (key_len != STORE_KEY_LEN || key[0] == STORE_HEAD_KIND || key[0] == STORE_HEAD_LAST)
		return 0;
	if (!store_value_read(&v, key, key_len, value, len) || !is_record(&v) ||
	    v.commit > view->last) {
		view->bad_values++;
		return 0;
	}
	view->count++;
	view->sum += store_value_sum(&v);
	return 0;
}

static int view_open(struct view *view, int fd, unsigned back)
{
	int err;

	*view = (struct view){0};
	err = mdb_file_open(&view->file, fd, back, &view->damage);
	if (err)
		return err;
	mdb_file_ends(view->file, find_heads, view);
	view->last = view->n_heads ? view->head.commit : mdb_file_txn(view->file);
	mdb_file_walk(view->file, add_up, view);
	return 0;
}

static bool sum_ok(const struct view *v)
{
	return v->n_heads && v->count == v->head.count && v->sum == v->head.sum;
}

static bool went_back(const struct view *v, const struct store_mark *mark)
{
	return mark && v->n_heads && mark->store == v->head.store && v->head.commit < mark->commit;
}

static bool is_sound(const struct view *v, const struct store_mark *mark)
{
	return v->file && !v->damage.missing && !v->damage.wrong && v->n_heads == 2 &&
	       !v->heads_differ && v->head.commit == mdb_file_txn(v->file) && !v->bad_values &&
	       sum_ok(v) && !went_back(v, mark);
}

static bool is_trusted(const struct view *v, const struct store_mark *mark)
{
	const bool to_be_seen = v->damage.missing || v->damage.tree || v->bad_values;

	if (!v->file || !v->is_last || went_back(v, mark))
		return false;
	if (sum_ok(v))
		return true;
	/* Something else than what is missing: an older page in a newer one's place. */
	if (v->heads_differ || !to_be_seen)
		return false;
	return v->damage.free_known ||
	       (!v->damage.tree && !v->bad_values && v->last == mdb_file_txn(v->file));
}

__attribute__((format(printf, 3, 4))) static void say(char *buf, size_t cap, const char *fmt, ...)
{
	const size_t at = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + at, cap - at, fmt, ap);
	va_end(ap);
}

static void explain(const struct view *v, const struct store_mark *mark,
		    struct store_scan_result *r)
{
	const size_t cap = sizeof(r->why);

	if (v->damage.why[0])
		say(r->why, cap, "%s", v->damage.why);
	else if (!v->file)
		say(r->why, cap, "no commit is readable");
	else if (v->bad_values)
		say(r->why, cap, "%llu values with a wrong checksum",
		    (unsigned long long)v->bad_values);
	else if (!v->n_heads)
		say(r->why, cap, "no head record");
	else if (went_back(v, mark))
		say(r->why, cap, "its last commit is %llu, but %llu was made",
		    (unsigned long long)v->head.commit, (unsigned long long)mark->commit);
	else if (!sum_ok(v))
		say(r->why, cap, "the sum of the records is wrong");
	else
		say(r->why, cap, "the head records are wrong");
	if (v->count && !is_trusted(v, mark))
		say(r->why, cap, "; what is left may be old");
}

/* ---- both views */

/* Of the two views the later one, though the meta pages may say otherwise. */
static int choose(struct view *v, int fd, const struct store_mark *mark)
{
	struct view other;
	int err = view_open(v, fd, 0);

	if (err == -ENOMEM)
		return err;
	if (is_sound(v, mark)) {
		v->is_last = true;
		return 0;
	}
	err = view_open(&other, fd, 1);
	if (err == -ENOMEM)
		return err;
	if (v->n_heads && other.n_heads && other.head.commit > v->head.commit) {
		mdb_file_close(&v->file);
		*v = other;
		v->is_last = true;
		return 0;
	}
	/* A head is the last one by the meta pages, by the other head, or by the mark. Without a
	 * head it takes both meta pages and the mark. */
	if (v->n_heads)
		v->is_last =
			v->damage.metas_agree || other.n_heads ||
			(mark && mark->store == v->head.store && mark->commit <= v->head.commit);
	else if (v->file)
		v->is_last = v->damage.metas_agree && mark && mark->commit == v->last;
	mdb_file_close(&other.file);
	return 0;
}

int store_scan_open(struct store_scan **out, int fd, const struct store_mark *mark,
		    struct store_scan_result *result)
{
	struct store_scan *s = calloc(1, sizeof(*s));
	struct view *v;
	int err;

	if (!s)
		return -ENOMEM;
	*result = (struct store_scan_result){0};
	v = &s->view;
	err = choose(v, fd, mark);
	if (!err && v->schema_differs) {
		result->head.schema = v->schema;
		err = -EPROTONOSUPPORT;
	}
	if (err) {
		store_scan_close(&s);
		return err;
	}
	result->sound = is_sound(v, mark);
	s->trusted = is_trusted(v, mark);
	result->head_known = v->n_heads > 0;
	result->claimed = v->n_heads ? v->head.count : 0;
	if (v->n_heads)
		result->head = v->head;
	result->head.count = result->head.sum = 0;
	if (s->trusted) {
		result->head.count = result->saved = v->count;
		result->head.sum = v->sum;
	}
	if (!result->sound)
		explain(v, mark, result);
	*out = s;
	return 0;
}

void store_scan_close(struct store_scan **p)
{
	struct store_scan *s = *p;

	if (!s)
		return;
	mdb_file_close(&s->view.file);
	free(s);
	*p = NULL;
}

static int hand_over(void *ctx, const uint8_t *key, size_t key_len, const uint8_t *value,
		     size_t len)
{
	struct store_scan *s = ctx;
	struct store_value v;
	int err;

	if (!store_value_read(&v, key, key_len, value, len) || !is_record(&v) ||
	    v.commit > s->view.last)
		return 0;
	err = s->cb(s->ctx, &(struct store_record){(enum store_kind)v.kind, v.id, v.data, v.len});
	return err < 0 ? err : 0;
}

int store_scan_walk(struct store_scan *s, int (*cb)(void *ctx, const struct store_record *r),
		    void *ctx)
{
	if (!s->trusted)
		return 0;
	s->cb = cb;
	s->ctx = ctx;
	return mdb_file_walk(s->view.file, hand_over, s);
}
