/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/store_writer.h"

#include <errno.h>
#include <lmdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"

#define MAP_MIN (64ull << 20)

/* One process at a time has the file, by the lock beside it; LMDB's own would only be one more
 * file to be damaged. */
#define ENV_FLAGS (MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD)

static int errno_of(int err)
{
	switch (err) {
	case 0:
		return 0;
	case MDB_MAP_FULL:
		return -ENOSPC;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
		return -EUCLEAN;
	default:
		return err > 0 ? -err : -EIO;
	}
}

static size_t map_size(const char *path)
{
	size_t size = MAP_MIN;
	struct stat st;

	if (stat(path, &st))
		return size;
	while (size < 4 * (size_t)st.st_size)
		size *= 2;
	return size;
}

static int env_open(const char *path, unsigned flags, MDB_env **out)
{
	MDB_env *env;
	int err = mdb_env_create(&env);

	if (err)
		return err;
	err = mdb_env_set_mapsize(env, map_size(path));
	if (!err)
		err = mdb_env_open(env, path, ENV_FLAGS | flags, 0600);
	if (err)
		mdb_env_close(env);
	else
		*out = env;
	return err;
}

static int map_grow(MDB_env *env)
{
	MDB_envinfo info;
	const int err = mdb_env_info(env, &info);

	return err ? err : mdb_env_set_mapsize(env, 2 * info.me_mapsize);
}

/* ---- one transaction */

struct change {
	MDB_txn *txn;
	MDB_dbi dbi;
	struct store_head head; /* as it becomes */
	unsigned flags;		/* of mdb_put() */
};

static int change_begin(MDB_env *env, const struct store_head *head, struct change *c)
{
	int err;

	*c = (struct change){.head = *head};
	err = mdb_txn_begin(env, NULL, 0, &c->txn);
	if (err)
		return err;
	c->head.commit = mdb_txn_id(c->txn);
	err = mdb_dbi_open(c->txn, NULL, 0, &c->dbi);
	if (err)
		mdb_txn_abort(c->txn);
	return err;
}

/* What was there leaves the sum. MDB_NOTFOUND: nothing was. */
static int subtract(struct change *c, MDB_val *key)
{
	struct store_value old;
	MDB_val value;
	int err = mdb_get(c->txn, c->dbi, key, &value);

	if (err)
		return err;
	if (!store_value_read(&old, key->mv_data, key->mv_size, value.mv_data, value.mv_size))
		return MDB_CORRUPTED;
	c->head.count--;
	c->head.sum -= store_value_sum(&old);
	return 0;
}

static int put_value(struct change *c, struct store_value *v)
{
	uint8_t key_octets[STORE_KEY_LEN], octets[STORE_VALUE_MAX];
	MDB_val key = {sizeof(key_octets), key_octets}, value = {0, octets};

	v->commit = c->head.commit;
	store_key(v->kind, v->id, key_octets);
	value.mv_size = store_value_write(v, octets);
	return mdb_put(c->txn, c->dbi, &key, &value, c->flags);
}

static int change_record(struct change *c, const struct store_record *r)
{
	struct store_value v = {
		.kind = (uint8_t)r->kind, .id = r->id, .data = r->data, .len = r->len};
	uint8_t octets[STORE_KEY_LEN];
	MDB_val key = {sizeof(octets), octets};
	int err;

	store_key(v.kind, v.id, octets);
	err = subtract(c, &key);
	if (err && err != MDB_NOTFOUND)
		return err;
	if (!r->data)
		return err ? 0 : mdb_del(c->txn, c->dbi, &key, NULL);
	err = put_value(c, &v);
	if (err)
		return err;
	c->head.count++;
	c->head.sum += store_value_sum(&v);
	return 0;
}

static int put_head(struct change *c, uint8_t kind, uint64_t id)
{
	uint8_t octets[STORE_LEN_MAX];
	struct store_value v = {.kind = kind, .id = id, .data = octets};

	v.len = store_head_write(&c->head, octets);
	return put_value(c, &v);
}

static int change_commit(struct change *c)
{
	int err = put_head(c, STORE_HEAD_KIND, STORE_HEAD_FIRST_ID);

	if (!err)
		err = put_head(c, STORE_HEAD_LAST, UINT64_MAX);
	if (err) {
		mdb_txn_abort(c->txn);
		return err;
	}
	return mdb_txn_commit(c->txn); /* frees it, whatever happens */
}

/* ---- a new file */

struct copying {
	struct change *change;
	int err;
};

static int copy_record(void *ctx, const struct store_record *r)
{
	struct copying *c = ctx;

	c->err = change_record(c->change, r);
	return c->err ? -1 : 0;
}

static int copy_all(MDB_env *env, struct store_head *head, struct store_scan *from)
{
	struct change c;
	struct copying copying = {.change = &c};
	int err = change_begin(env, head, &c);

	if (err)
		return err;
	if (from)
		store_scan_walk(from, copy_record, &copying);
	if (copying.err) {
		mdb_txn_abort(c.txn);
		return copying.err;
	}
	err = change_commit(&c);
	if (!err)
		*head = c.head;
	return err;
}

int store_writer_create(const char *path, struct store_head *head, struct store_scan *from)
{
	struct store_head h = *head;
	MDB_env *env;
	int err;

	h.count = h.sum = 0;
	err = env_open(path, 0, &env);
	if (err)
		return errno_of(err);
	err = copy_all(env, &h, from);
	while (err == MDB_MAP_FULL) {
		err = map_grow(env);
		if (!err)
			err = copy_all(env, &h, from);
	}
	mdb_env_close(env);
	if (!err)
		*head = h;
	return errno_of(err);
}

/* ---- the process */

static int change_all(struct change *c, const uint8_t *batch, size_t len)
{
	struct store_change change;
	struct rd r;
	int err = 0;

	rd_init(&r, batch, len);
	while (!err && store_change_next(&r, &change))
		err = change_record(c, &change.record);
	return err || !rd_bad(&r) ? err : EBADMSG;
}

static int commit(MDB_env *env, struct store_head *head, const uint8_t *batch, size_t len)
{
	struct change c;
	int err = change_begin(env, head, &c);

	if (err)
		return err;
	err = change_all(&c, batch, len);
	if (err) {
		mdb_txn_abort(c.txn);
		return err;
	}
	err = change_commit(&c);
	if (!err)
		*head = c.head;
	return err;
}

/* A signal to the whole group is no reason to leave a batch unwritten. */
static void become_quiet(void)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2};
	static const int usual[] = {SIGBUS, SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGCHLD};
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		signal(usual[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, "pmipd-store");
}

static int cmp_int(const void *a, const void *b)
{
	const int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static void close_others(const struct store_writer *w)
{
	int keep[] = {w->socket, w->mark, w->lock};
	int from = 3;

	qsort(keep, ARRAY_SIZE(keep), sizeof(*keep), cmp_int);
	for (size_t i = 0; i < ARRAY_SIZE(keep); i++) {
		if (keep[i] > from)
			close_range((unsigned)from, (unsigned)keep[i] - 1, 0);
		if (keep[i] >= from)
			from = keep[i] + 1;
	}
	close_range((unsigned)from, ~0u, 0);
}

static bool answer(const struct store_writer *w, int err, bool ends)
{
	const struct store_outcome o = {errno_of(err), ends};

	return write(w->socket, &o, sizeof(o)) == sizeof(o);
}

/* A disk that was full may have room again. But once a root could not be written, LMDB refuses
 * everything, and what the file holds is not known. */
static bool is_useless(MDB_env *env)
{
	MDB_txn *txn;

	if (mdb_txn_begin(env, NULL, 0, &txn))
		return true;
	mdb_txn_abort(txn);
	return false;
}

static bool wanted(const struct store_writer *w, uint32_t *len)
{
	ssize_t n;

	do {
		n = read(w->socket, len, sizeof(*len));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(*len) && *len <= STORE_BATCH_MAX;
}

_Noreturn void store_writer_run(const struct store_writer *w)
{
	struct store_head head = w->head;
	MDB_env *env = NULL;
	uint32_t len;
	int err;

	become_quiet();
	close_others(w);
	err = env_open(w->path, 0, &env);
	if (err) {
		if (wanted(w, &len))
			answer(w, err, true);
		_exit(1);
	}
	while (wanted(w, &len)) {
		bool ends;

		err = commit(env, &head, w->batch, len);
		while (err == MDB_MAP_FULL) {
			err = map_grow(env);
			if (!err)
				err = commit(env, &head, w->batch, len);
		}
		if (!err)
			store_mark_write(w->mark, &(struct store_mark){head.store, head.commit});
		ends = err && is_useless(env);
		if (!answer(w, err, ends))
			break;
		if (ends)
			_exit(1);
	}
	mdb_env_close(env);
	_exit(0);
}
