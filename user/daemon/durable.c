/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives the daemon: its store (core/store.h) in the state directory, read at start and
 * written at the end of each turn of the loop.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/daemon.h"

/* An earlier daemon's writer may still be at its last commit. */
#define LOCK_WAIT_MS 10000
/* For what is not on disk yet when the daemon ends. */
#define DRAIN_MS 10000

/* Whether files there can be made and replaced without root's power to ignore their modes, which is
 * given up (caps.c). */
static int check_directory(const char *dir)
{
	struct stat st;

	if (stat(dir, &st))
		return -errno;
	if (geteuid() || !st.st_uid || st.st_mode & S_IWOTH || (!st.st_gid && st.st_mode & S_IWGRP))
		return 0;
	return -EACCES;
}

static void tell_report(const char *dir, const struct store_lmdb_report *r)
{
	if (r->damaged && r->claimed)
		log_msg(LOG_C_LOCAL,
			"state-directory %s: the store is %s; %llu of %llu records are saved, the "
			"old file is %s",
			dir, r->what, (unsigned long long)r->saved, (unsigned long long)r->claimed,
			r->aside);
	else if (r->damaged)
		log_msg(LOG_C_LOCAL,
			"state-directory %s: the store is %s; %llu records are saved, how many "
			"there were is not known, the old file is %s",
			dir, r->what, (unsigned long long)r->saved, r->aside);
	else if (r->fresh)
		log_msg(LOG_C_INFO, "state-directory %s: a new store begins", dir);
}

static int open_file(struct daemon *d)
{
	const char *dir = d->cfg->state_directory;
	const struct store_lmdb_cfg cfg = {
		.dir = dir,
		.instance = d->cfg->instance,
		.env = &d->env,
		.lock_wait_ms = LOCK_WAIT_MS,
	};
	struct store_lmdb_report *r = &d->store_report;
	int err = restart_make_directory(dir);

	if (!err)
		err = check_directory(dir);
	if (err) {
		snprintf(r->what, sizeof(r->what), "cannot be opened: %s", strerror(-err));
		return err;
	}
	return store_lmdb_open(&d->store_file, &cfg, r);
}

int durable_open(struct daemon *d, char *err, size_t cap)
{
	const struct store_cfg cfg = {.window_ms = d->cfg->loss_window_ms};
	const char *dir = d->cfg->state_directory;
	int rc = open_file(d);

	d->state_lost = rc || d->store_report.fresh || d->store_report.damaged;
	if (rc == -EBUSY || rc == -EXDEV || rc == -ENOMEM) {
		snprintf(err, cap, "state-directory %s: the store %s", dir, d->store_report.what);
		return rc;
	}
	if (rc) {
		log_msg(LOG_C_LOCAL,
			"state-directory %s: the store %s; nothing is kept for the next start", dir,
			d->store_report.what);
		/* a store that is there again then knows nothing of this run */
		unsaved_open(d);
		return 0;
	}
	tell_report(dir, &d->store_report);
	rc = store_new(&d->store, store_lmdb_backend(d->store_file), &cfg);
	if (rc) {
		snprintf(err, cap, "store: %s", strerror(-rc));
		return rc;
	}
	if (unsaved_open(d) && !d->state_lost) {
		d->state_lost = true;
		log_msg(LOG_C_LOCAL,
			"state-directory %s: the end came before all changes were on "
			"disk; peers are told that sessions are lost",
			dir);
	}
	return 0;
}

struct restoring {
	struct daemon *d;
	bool lost; /* a peer may still have what was dropped */
};

static int restore_record(void *ctx, const struct store_record *r)
{
	struct restoring *s = ctx;
	struct daemon *d = s->d;
	int use = STORE_DROP;

	if ((r->kind == STORE_BINDING || r->kind == STORE_REVOCATION) && d->lma)
		use = lma_restore(d->lma, r, daemon_now());
	else if (r->kind == STORE_UPDATE && d->mag)
		use = mag_restore(d->mag, r, daemon_now());
	if (r->kind == STORE_REVOCATION)
		return use; /* no session */
	if (use == STORE_KEEP)
		d->restored++;
	else if (use == STORE_DROP)
		d->refused++;
	/* a MAG gives back to its LMAs what it drops, where it can read it */
	if (use == STORE_DROP && !(r->kind == STORE_UPDATE && d->mag))
		s->lost = true;
	return use;
}

int durable_restore(struct daemon *d, char *err, size_t cap)
{
	struct restoring s = {.d = d};
	nsec_t began = daemon_now();
	int rc;

	if (!d->store)
		return 0;
	if (d->lma)
		lma_set_store(d->lma, d->store);
	if (d->lma)
		lma_expect(d->lma, d->store_report.saved);
	if (d->mag)
		mag_set_store(d->mag, d->store);
	rc = store_load(d->store, restore_record, &s);
	if (rc) {
		snprintf(err, cap, "store: after %llu records: %s", (unsigned long long)d->restored,
			 strerror(-rc));
		return rc;
	}
	d->restore_took = daemon_now() - began;
	if (s.lost || (d->mag && mag_lost_sessions(d->mag)))
		d->state_lost = true;
	if (d->refused)
		log_msg(LOG_C_LOCAL, "%llu sessions are restored, %llu are not",
			(unsigned long long)d->restored, (unsigned long long)d->refused);
	else if (d->restored)
		log_msg(LOG_C_INFO, "%llu sessions are restored, in %llu ms",
			(unsigned long long)d->restored,
			(unsigned long long)(d->restore_took / nsec_from_ms(1)));
	return 0;
}

nsec_t durable_next(const struct daemon *d)
{
	return d->store ? store_deadline(d->store) : NSEC_NEVER;
}

static void on_answer(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;

	store_lmdb_receive(d->store_file, daemon_now());
}

/* Each writer comes with a descriptor of its own, which may have the number of the last. */
static void watch(struct daemon *d)
{
	unsigned generation;
	const int fd = store_lmdb_fd(d->store_file, &generation);

	if (generation == d->store_generation && (fd >= 0) == ev_is_active(&d->store_io))
		return;
	d->store_generation = generation;
	ev_io_stop(d->loop, &d->store_io);
	if (fd < 0)
		return;
	ev_io_init(&d->store_io, on_answer, fd, EV_READ);
	d->store_io.data = d;
	ev_io_start(d->loop, &d->store_io);
}

static bool has_unsaved(const struct daemon *d)
{
	struct store_status s;

	store_status(d->store, &s);
	return s.dirty || s.in_flight;
}

void durable_tell(struct daemon *d)
{
	if (d->store && has_unsaved(d))
		unsaved_note(d, UNSAVED_CHANGES);
}

static void committed(struct daemon *d)
{
	if (d->lma)
		lma_committed(d->lma);
	if (d->mag)
		mag_committed(d->mag);
}

void durable_turn(struct daemon *d, nsec_t now)
{
	if (!d->store)
		return;
	store_flush(d->store, now);
	watch(d);
	unsaved_note(d, has_unsaved(d) ? UNSAVED_CHANGES : UNSAVED_NOTHING);
	committed(d);
}

static void drain(struct daemon *d)
{
	const nsec_t until = daemon_now() + nsec_from_ms(DRAIN_MS);
	struct store_status s;
	unsigned generation;

	store_hurry(d->store);
	while (!store_drain(d->store, daemon_now())) {
		struct pollfd p = {.fd = store_lmdb_fd(d->store_file, &generation),
				   .events = POLLIN};

		store_status(d->store, &s);
		if ((s.error && !s.in_flight) || daemon_now() >= until) {
			log_msg(LOG_C_LOCAL, "store: %zu changes are not on disk at the end: %s",
				s.dirty + s.in_flight,
				s.error ? strerror(-s.error) : "it takes too long");
			return;
		}
		poll(&p, 1, 100);
		store_lmdb_receive(d->store_file, daemon_now());
	}
}

void durable_drain(struct daemon *d)
{
	if (!d->store)
		return;
	drain(d);
	if (!has_unsaved(d))
		unsaved_note(d, UNSAVED_ENDED);
	committed(d);
	mh_sock_flush(d->mh);
	if (d->udp)
		mh_udp_flush(d->udp);
}

void durable_close(struct daemon *d)
{
	if (d->loop)
		ev_io_stop(d->loop, &d->store_io);
	unsaved_close(d);
	store_free(&d->store);
	store_lmdb_close(&d->store_file);
}

size_t durable_counters(const struct daemon *d, struct counter_set *out)
{
	if (!d->store)
		return 0;
	out[0] = store_counters(d->store);
	out[1] = store_lmdb_counters(d->store_file);
	return 2;
}
