/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our Restart Counter, in a file of one line. It is written whole under another name and put in
 * place, so that a crash leaves the old one or the new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/daemon.h"

#define FILE_NAME    "restart-counter"
#define TEMP_NAME    "restart-counter.new"
#define COUNTER_LINE 16 /* ten digits, a newline, and room to see that there is more */

int restart_make_directory(const char *path)
{
	char part[CONFIG_PATH_LEN];

	snprintf(part, sizeof(part), "%s", path);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(part, 0755) && errno != EEXIST ? -errno : 0;
}

/* 0, -errno, or -EBADMSG for what is no counter. */
static int read_counter(int dir, uint32_t *out)
{
	char line[COUNTER_LINE + 1], *end;
	unsigned long long v;
	ssize_t n;
	int fd = openat(dir, FILE_NAME, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	n = read(fd, line, COUNTER_LINE);
	if (n < 0) {
		const int err = -errno;

		close(fd);
		return err;
	}
	close(fd);
	line[n] = '\0';
	if (line[0] < '0' || line[0] > '9')
		return -EBADMSG;
	v = strtoull(line, &end, 10);
	if (strcmp(end, "\n") || v > UINT32_MAX)
		return -EBADMSG;
	*out = (uint32_t)v;
	return 0;
}

static int write_file(int fd, uint32_t counter)
{
	if (dprintf(fd, "%" PRIu32 "\n", counter) < 0 || fsync(fd))
		return -errno;
	return 0;
}

static int write_counter(int dir, uint32_t counter)
{
	int fd =
		openat(dir, TEMP_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	int err;

	if (fd < 0)
		return -errno;
	err = write_file(fd, counter);
	if (close(fd) && !err)
		err = -errno;
	if (!err && renameat(dir, TEMP_NAME, dir, FILE_NAME))
		err = -errno;
	if (!err && fsync(dir))
		err = -errno;
	return err;
}

uint32_t restart_counter_load(const char *dir, bool lost, uint64_t wallclock)
{
	uint32_t counter = 0;
	int err = restart_make_directory(dir), fd;
	bool have;

	fd = err ? -1 : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!err && fd < 0)
		err = -errno;
	if (err) {
		log_msg(LOG_C_LOCAL, "state-directory %s: %s: the Restart Counter is not kept", dir,
			strerror(-err));
		return (uint32_t)(wallclock / NSEC_PER_SEC);
	}
	err = read_counter(fd, &counter);
	have = !err;
	if (err && err != -ENOENT)
		log_msg(LOG_C_LOCAL, "%s/" FILE_NAME ": %s: a new Restart Counter begins", dir,
			err == -EBADMSG ? "damaged" : strerror(-err));
	if (!have)
		counter = (uint32_t)(wallclock / NSEC_PER_SEC);
	else if (lost)
		counter++;
	if (!have || lost) {
		err = write_counter(fd, counter);
		if (err) {
			log_msg(LOG_C_LOCAL,
				"%s/" FILE_NAME ": %s: the Restart Counter is not kept", dir,
				strerror(-err));
			counter = (uint32_t)(wallclock / NSEC_PER_SEC);
		}
	}
	close(fd);
	return counter;
}
