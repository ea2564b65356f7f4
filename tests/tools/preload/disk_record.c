/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into pmipd, notes what its writer does to the store's file, in the order in which it
 * does it: from these notes a test makes the disks that a power cut may have left. The notes are
 * appended to the file that DISK_RECORD names; each is a struct note, and what was written.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NOTE_WRITE, NOTE_SYNC };

struct note {
	uint8_t kind;
	uint8_t durable; /* it went through a descriptor that syncs */
	uint8_t fresh;	 /* the file is still being made, under another name */
	uint8_t zero[5];
	uint64_t at, len;
};

/* Whether that is the store's file. */
static int is_store(int fd, uint8_t *fresh)
{
	char link[64], path[512];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = 0;
	*fresh = strstr(path, "/store.new") != NULL;
	return *fresh || strstr(path, "/store.mdb");
}

static void note(int fd, uint8_t kind, uint64_t at, const void *data, size_t len)
{
	const char *file = getenv("DISK_RECORD");
	struct note n = {.kind = kind, .at = at, .len = len};
	const struct iovec v[] = {
		{&n,	     sizeof(n)},
		{(void *)data, len	  },
	};
	int out;

	if (!file || !is_store(fd, &n.fresh))
		return;
	n.durable = (fcntl(fd, F_GETFL) & (O_DSYNC | O_SYNC)) != 0;
	out = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (out < 0 || syscall(SYS_writev, out, v, 2) != (long)(sizeof(n) + len))
		abort();
	close(out);
}

ssize_t pwrite(int fd, const void *p, size_t len, off_t at)
{
	const ssize_t n = syscall(SYS_pwrite64, fd, p, len, at);

	if (n > 0)
		note(fd, NOTE_WRITE, (uint64_t)at, p, (size_t)n);
	return n;
}

ssize_t pwrite64(int fd, const void *p, size_t len, off_t at)
{
	return pwrite(fd, p, len, at);
}

ssize_t write(int fd, const void *p, size_t len)
{
	const off_t at = lseek(fd, 0, SEEK_CUR);
	const ssize_t n = syscall(SYS_write, fd, p, len);

	if (n > 0 && at >= 0)
		note(fd, NOTE_WRITE, (uint64_t)at, p, (size_t)n);
	return n;
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
	uint64_t at = (uint64_t)lseek(fd, 0, SEEK_CUR);
	const ssize_t n = syscall(SYS_writev, fd, v, count);

	for (int i = 0; n > 0 && i < count; at += v[i++].iov_len)
		note(fd, NOTE_WRITE, at, v[i].iov_base, v[i].iov_len);
	return n;
}

int fdatasync(int fd)
{
	const int err = (int)syscall(SYS_fdatasync, fd);

	if (!err)
		note(fd, NOTE_SYNC, 0, NULL, 0);
	return err;
}

int fsync(int fd)
{
	const int err = (int)syscall(SYS_fsync, fd);

	if (!err)
		note(fd, NOTE_SYNC, 0, NULL, 0);
	return err;
}
