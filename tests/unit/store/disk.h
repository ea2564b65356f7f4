/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the store share: a directory in memory, objects whose records show which
 * version of which object they are, and a store over a file. For a test program of one file.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "lib/cu.h"
#include "store/store_lmdb.h"

#define FAR_AWAY (1ull << 60)

static char dir[64];

static void dir_make(void)
{
	snprintf(dir, sizeof(dir), "%s/pmipd-store-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
}

static const char *in_dir(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* Removes what is in there, and returns how many names began with `prefix`. */
static unsigned dir_clear(const char *prefix)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		n += prefix && !strncmp(e->d_name, prefix, strlen(prefix));
		unlink(in_dir(e->d_name));
	}
	closedir(d);
	return n;
}

static void dir_remove(void)
{
	dir_clear(NULL);
	rmdir(dir);
}

static uint8_t *slurp(const char *path, size_t *len)
{
	const int fd = open(path, O_RDONLY);
	struct stat st;
	uint8_t *p;

	CU_ASSERT_TRUE_FATAL(fd >= 0 && !fstat(fd, &st));
	p = malloc((size_t)st.st_size + 1);
	CU_ASSERT_EQUAL_FATAL(read(fd, p, (size_t)st.st_size), st.st_size);
	close(fd);
	*len = (size_t)st.st_size;
	return p;
}

static void spill(const char *path, const uint8_t *p, size_t len)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(write(fd, p, len), (ssize_t)len);
	close(fd);
}

/* ---- numbers that are the same each time */

static uint64_t chance_state = 1;

static uint32_t chance(uint32_t below)
{
	chance_state = chance_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(chance_state >> 33) % below;
}

static void env_random(void *ctx, void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)buf)[i] = (uint8_t)chance(256);
}

static uint64_t env_wallclock(void *ctx)
{
	return 1700000000ull * 1000000000; /* 2023-11-14 22:13:20 */
}

static const struct env disk_env = {.random = env_random, .wallclock = env_wallclock};

/* ---- objects */

#define OBJECTS_MAX 4096

struct object {
	struct store_item *item;
	uint64_t id;
	uint32_t version; /* 0: it does not exist */
};

/* Also what one record says; the id is that of the object, not of the record. */
static size_t object_content(uint64_t id, uint32_t version, uint8_t *buf)
{
	const size_t len = 40 + (id * 7 + version * 13) % 400;

	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(id * 31 + version * 17 + i);
	memcpy(buf, &id, 8);
	memcpy(buf + 8, &version, 4);
	return len;
}

static size_t object_write(void *ctx, const void *owner, uint8_t *buf, nsec_t now)
{
	const struct object *o = owner;

	return object_content(o->id, o->version, buf);
}

/* What a record is of; version 0: of nothing that was ever written. */
static uint32_t object_read(const struct store_record *r, uint64_t *id)
{
	uint8_t expected[STORE_LEN_MAX];
	uint32_t version;

	if (r->len < 40)
		return 0;
	memcpy(id, r->data, 8);
	memcpy(&version, r->data + 8, 4);
	if (object_content(*id, version, expected) != r->len || memcmp(expected, r->data, r->len))
		return 0;
	return version;
}

/* ---- a store over the directory */

static struct store_lmdb *lmdb;
static struct store *st;
static struct store_lmdb_report report;

static int disk_open(const char *instance)
{
	const struct store_lmdb_cfg cfg = {
		.dir = dir, .instance = instance, .env = &disk_env, .lock_wait_ms = 2000};
	const struct store_source src = {.write = object_write};
	const struct store_cfg window = {.window_ms = 0};
	const int err = store_lmdb_open(&lmdb, &cfg, &report);

	if (err)
		return err;
	CU_ASSERT_EQUAL_FATAL(store_new(&st, store_lmdb_backend(lmdb), &window), 0);
	store_set_source(st, STORE_BINDING, &src);
	return 0;
}

static void disk_close(void)
{
	store_free(&st);
	store_lmdb_close(&lmdb);
}

/* Until the batch on its way is answered for. */
static void disk_wait(nsec_t now)
{
	struct store_status s;

	for (;;) {
		struct pollfd p = {.events = POLLIN};
		unsigned generation;

		store_status(st, &s);
		p.fd = store_lmdb_fd(lmdb, &generation);
		if (!s.in_flight || p.fd < 0)
			return;
		poll(&p, 1, -1);
		store_lmdb_receive(lmdb, now);
	}
}

/* Writes all that there is; false: the disk refused. */
static bool disk_flush(nsec_t now)
{
	const uint64_t *failed = &store_counters(st).value[STORE_C_FAILED];
	const uint64_t before = *failed;

	while (*failed == before) {
		if (store_drain(st, now))
			return true;
		disk_wait(now);
	}
	return false;
}

static void object_set(struct object *o, uint64_t id, uint32_t version)
{
	if (!o->item) {
		o->id = id;
		CU_ASSERT_EQUAL_FATAL(store_add(st, STORE_BINDING, o, &o->item), 0);
	}
	o->version = version;
	store_touch(st, o->item, 0);
}

static void object_del(struct object *o)
{
	o->version = 0;
	store_remove(st, &o->item, 0);
}

/* What is found at start, by the object's id. */
static uint32_t found[OBJECTS_MAX];
static unsigned n_found, n_wrong;

static int find_record(void *ctx, const struct store_record *r)
{
	struct object *objects = ctx;
	uint64_t id = 0;
	const uint32_t version = object_read(r, &id);

	if (!version || id >= OBJECTS_MAX || found[id]) {
		n_wrong++;
		return STORE_DROP;
	}
	found[id] = version;
	n_found++;
	if (!objects)
		return STORE_KEEP;
	objects[id].id = id;
	objects[id].version = version;
	return store_adopt(st, r, &objects[id], &objects[id].item);
}

static void disk_load(struct object *objects)
{
	memset(found, 0, sizeof(found));
	n_found = n_wrong = 0;
	CU_ASSERT_EQUAL(store_load(st, find_record, objects), 0);
	CU_ASSERT_EQUAL(n_wrong, 0);
}
