/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "store/store_scan.h"
#include "store/store_writer.h"

#define FILE_NAME "store.mdb"
#define NEW_NAME  "store.new"
#define MARK_NAME "store.mark"
#define LOCK_NAME "store.lock"
#define LOCK_STEP 10 /* ms */

// clang-format off
#define COUNTERS(X)                                                                            \
	X(C_WRITERS, "writers", "writer processes started")                                    \
	X(C_WRITERS_DIED, "writers_died", "writer processes that ended by themselves")         \
	X(C_DAMAGED, "damaged", "damaged files that were replaced")
// clang-format on

enum { COUNTERS(COUNTER_ENUM) C_MAX };

static const struct counter_desc counter_desc[] = {COUNTERS(COUNTER_DESC)};

struct store_lmdb {
	struct store_backend backend; /* first */
	const struct env *env;
	struct store_head head; /* of the file before the writer has it */
	struct store_scan *scan;
	char dir[PATH_MAX - 128];
	char path[PATH_MAX];  /* of the file */
	int lock, mark, file; /* file: while nothing has been written */
	int socket;
	pid_t writer;
	uint8_t *batch; /* shared with the writer */
	unsigned generation;
	bool in_flight;
	struct log_limit limit;
	uint64_t counter[C_MAX];
};

static struct store_lmdb *lmdb_of(struct store_backend *b)
{
	return (struct store_lmdb *)b;
}

static void path_of(const struct store_lmdb *s, const char *name, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%s", s->dir, name);
}

static void drop_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int say(struct store_lmdb_report *r, int err, const char *what)
{
	snprintf(r->what, sizeof(r->what), "%s: %s", what, strerror(-err));
	return err;
}

/* ---- files */

static int open_in(const struct store_lmdb *s, const char *name, int flags)
{
	char path[PATH_MAX];
	int fd;

	path_of(s, name, path);
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

static int sync_dir(const struct store_lmdb *s)
{
	const int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

static int take_lock(struct store_lmdb *s, uint32_t wait_ms)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP * 1000000};

	s->lock = open_in(s, LOCK_NAME, O_RDWR | O_CREAT);
	if (s->lock < 0)
		return s->lock;
	while (flock(s->lock, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (wait_ms < LOCK_STEP)
			return -EBUSY;
		wait_ms -= LOCK_STEP;
		nanosleep(&step, NULL);
	}
	return 0;
}

/* The name under which a damaged file stays: UTC, and a number where there is one already. */
static int keep_aside(struct store_lmdb *s, char *name, size_t cap)
{
	const time_t t = (time_t)(s->env->wallclock(s->env->ctx) / NSEC_PER_SEC);
	char path[PATH_MAX], date[32];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, cap, i ? "store.damaged-%s.%u" : "store.damaged-%s", date, i);
		path_of(s, name, path);
		if (!link(s->path, path))
			return 0;
		if (errno != EEXIST)
			break;
	}
	return -errno;
}

/* In place of the old file, at once and for good. */
static int replace_file(struct store_lmdb *s, struct store_scan *from)
{
	struct store_head head = s->head;
	char path[PATH_MAX];
	int err;

	path_of(s, NEW_NAME, path);
	unlink(path);
	s->env->random(s->env->ctx, &head.store, sizeof(head.store));
	err = store_writer_create(path, &head, from);
	if (!err && rename(path, s->path))
		err = -errno;
	if (!err)
		err = sync_dir(s);
	if (err)
		unlink(path);
	else
		s->head = head;
	return err;
}

/* ---- reading */

static int scan(struct store_lmdb *s, struct store_scan_result *result)
{
	struct store_mark mark;
	const bool marked = store_mark_read(s->mark, &mark);

	store_scan_close(&s->scan);
	drop_fd(&s->file);
	s->file = open_in(s, FILE_NAME, O_RDONLY);
	if (s->file < 0)
		return s->file;
	return store_scan_open(&s->scan, s->file, marked ? &mark : NULL, result);
}

static int replace_damaged(struct store_lmdb *s, struct store_scan_result *result,
			   struct store_lmdb_report *report)
{
	char why[sizeof(result->why)];
	int err;

	memcpy(why, result->why, sizeof(why));
	report->damaged = true;
	report->saved = result->saved;
	report->claimed = result->claimed;
	err = keep_aside(s, report->aside, sizeof(report->aside));
	if (err)
		return say(report, err, "damaged, and cannot be kept aside");
	err = replace_file(s, s->scan);
	if (err)
		return say(report, err, "damaged, and no new one can be made");
	s->counter[C_DAMAGED]++;
	snprintf(report->what, sizeof(report->what), "damaged (%s)", why);
	err = scan(s, result);
	if (!err && !result->sound)
		err = -EIO;
	return err ? say(report, err, "cannot be read") : 0;
}

static int check_owner(const struct store_lmdb *s, const struct store_scan_result *result,
		       struct store_lmdb_report *report)
{
	if (!result->head.store || !strcmp(result->head.instance, s->head.instance))
		return 0;
	snprintf(report->what, sizeof(report->what), "is the store of instance %s",
		 result->head.instance);
	return -EXDEV;
}

/* Ends with a sound file, read and in s->scan. */
static int prepare(struct store_lmdb *s, struct store_lmdb_report *report)
{
	struct store_scan_result result;
	int err = scan(s, &result);

	if (err == -ENOENT) {
		report->fresh = true;
		err = replace_file(s, NULL);
		if (err)
			return say(report, err, "no file can be made");
		err = scan(s, &result);
	}
	if (err == -EPROTONOSUPPORT) {
		snprintf(report->what, sizeof(report->what), "has schema %u, this program knows %u",
			 result.head.schema, STORE_SCHEMA);
		return err;
	}
	if (err)
		return say(report, err, "cannot be read");
	err = check_owner(s, &result, report);
	if (err)
		return err;
	if (!result.sound)
		err = replace_damaged(s, &result, report);
	else
		report->saved = report->claimed = result.saved;
	if (err)
		return err;
	s->head = result.head;
	store_mark_write(s->mark, &(struct store_mark){s->head.store, s->head.commit});
	return 0;
}

static int load(struct store_backend *b, int (*cb)(void *ctx, const struct store_record *r),
		void *ctx)
{
	struct store_lmdb *s = lmdb_of(b);

	return s->scan ? store_scan_walk(s->scan, cb, ctx) : -EIO;
}

/* ---- the writer */

static int start_writer(struct store_lmdb *s)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	s->writer = fork();
	if (!s->writer) {
		const struct store_writer w = {
			.path = s->path,
			.head = s->head,
			.socket = pair[1],
			.mark = s->mark,
			.lock = s->lock,
			.batch = s->batch,
		};

		store_writer_run(&w);
	}
	close(pair[1]);
	if (s->writer < 0) {
		const int err = -errno;

		close(pair[0]);
		return err;
	}
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	s->socket = pair[0];
	s->generation++;
	s->counter[C_WRITERS]++;
	store_scan_close(&s->scan);
	drop_fd(&s->file);
	return 0;
}

/* After the other end closed, or to make it end. How it ended is not known where the loop of the
 * process reaps its children itself. */
static int reap(struct store_lmdb *s)
{
	int status = 0;

	drop_fd(&s->socket);
	if (s->writer > 0)
		while (waitpid(s->writer, &status, 0) < 0 && errno == EINTR)
			;
	s->writer = 0;
	return status;
}

/* The file may have been the reason why the last writer ended. */
static int restart_writer(struct store_lmdb *s)
{
	struct store_lmdb_report report = {0};
	int err;

	err = prepare(s, &report);
	if (err) {
		log_msg(LOG_C_LOCAL, "store: %s", report.what);
		return err;
	}
	if (report.damaged || report.fresh) {
		log_msg(LOG_C_LOCAL, "store: %s; written anew from memory",
			report.damaged ? report.what : "the file is gone");
		store_rewrite(s->backend.store);
	}
	return start_writer(s);
}

static int submit(struct store_backend *b, const uint8_t *batch, size_t len)
{
	struct store_lmdb *s = lmdb_of(b);
	const uint32_t n = (uint32_t)len;
	int err;

	if (len > STORE_BATCH_MAX)
		return -EMSGSIZE;
	if (s->socket < 0) {
		err = s->scan ? start_writer(s) : restart_writer(s);
		if (err)
			return err;
	}
	memcpy(s->batch, batch, len);
	if (send(s->socket, &n, sizeof(n), MSG_NOSIGNAL) != sizeof(n)) {
		s->counter[C_WRITERS_DIED]++;
		reap(s);
		return -EIO;
	}
	s->in_flight = true;
	return 0;
}

static const struct store_backend_ops ops = {.load = load, .submit = submit};

static void died(struct store_lmdb *s, nsec_t now)
{
	const int status = reap(s);

	s->counter[C_WRITERS_DIED]++;
	if (WIFSIGNALED(status))
		log_limited(&s->limit, now, LOG_C_LOCAL, "store: the writer ended: %s",
			    strsignal(WTERMSIG(status)));
	if (s->in_flight) {
		s->in_flight = false;
		store_done(s->backend.store, -EIO, now);
	}
}

void store_lmdb_receive(struct store_lmdb *s, nsec_t now)
{
	struct store_outcome o;
	ssize_t n;

	while (s->socket >= 0) {
		n = recv(s->socket, &o, sizeof(o), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n != sizeof(o)) {
			died(s, now);
			return;
		}
		s->in_flight = false;
		if (o.ends)
			reap(s);
		store_done(s->backend.store, o.err, now);
	}
}

/* ---- life */

int store_lmdb_open(struct store_lmdb **out, const struct store_lmdb_cfg *cfg,
		    struct store_lmdb_report *report)
{
	struct store_lmdb *s = calloc(1, sizeof(*s));
	int err;

	*report = (struct store_lmdb_report){0};
	if (!s)
		return say(report, -ENOMEM, "cannot be opened");
	s->backend.ops = &ops;
	s->env = cfg->env;
	s->lock = s->mark = s->file = s->socket = -1;
	err = -ENAMETOOLONG;
	if (strlen(cfg->dir) >= sizeof(s->dir) || strlen(cfg->instance) >= STORE_INSTANCE_MAX) {
		say(report, err, "cannot be opened");
		goto fail;
	}
	strcpy(s->dir, cfg->dir);
	strcpy(s->head.instance, cfg->instance);
	path_of(s, FILE_NAME, s->path);
	err = take_lock(s, cfg->lock_wait_ms);
	if (err) {
		say(report, err, "cannot be locked");
		goto fail;
	}
	s->batch = mmap(NULL, STORE_BATCH_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (s->batch == MAP_FAILED) {
		s->batch = NULL;
		err = say(report, -errno, "cannot be opened");
		goto fail;
	}
	s->mark = open_in(s, MARK_NAME, O_RDWR | O_CREAT);
	if (s->mark < 0) {
		err = say(report, s->mark, "cannot be opened");
		goto fail;
	}
	err = prepare(s, report);
	if (err)
		goto fail;
	*out = s;
	return 0;
fail:
	store_lmdb_close(&s);
	return err;
}

void store_lmdb_close(struct store_lmdb **p)
{
	struct store_lmdb *s = *p;

	if (!s)
		return;
	reap(s);
	store_scan_close(&s->scan);
	drop_fd(&s->file);
	drop_fd(&s->mark);
	drop_fd(&s->lock);
	if (s->batch)
		munmap(s->batch, STORE_BATCH_MAX);
	free(s);
	*p = NULL;
}

struct store_backend *store_lmdb_backend(struct store_lmdb *s)
{
	return &s->backend;
}

int store_lmdb_fd(const struct store_lmdb *s, unsigned *generation)
{
	*generation = s->generation;
	return s->socket;
}

struct counter_set store_lmdb_counters(const struct store_lmdb *s)
{
	return (struct counter_set){"store-file", counter_desc, s->counter, C_MAX};
}
