/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a daemon that died had told of changes that its store did not hold yet: a file of one
 * line in the state directory, rewritten in place and left to the page cache.
 *
 *	saved   5d1a7c9e-... at-once
 *
 * What a process wrote before it was killed is there for the next one. A machine that went down is
 * another matter: the line is of another boot then, and perhaps older than the end. Unless replies
 * wait for the disk, changes may then be lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"

#define FILE_NAME "unsaved"
#define LINE_LEN  54 /* with the zero */

static const char *const states[] = {
	[UNSAVED_NOTHING] = "saved", [UNSAVED_CHANGES] = "unsaved", [UNSAVED_ENDED] = "ended"};

static void read_boot(char out[UNSAVED_BOOT_LEN])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	snprintf(out, UNSAVED_BOOT_LEN, "unknown");
	if (!f)
		return;
	if (!fgets(out, UNSAVED_BOOT_LEN, f))
		snprintf(out, UNSAVED_BOOT_LEN, "unknown");
	out[strcspn(out, "\n")] = '\0';
	fclose(f);
}

/* Nothing is told of before it is on disk. */
static bool replies_wait(const struct daemon *d)
{
	return !d->cfg->loss_window_ms && !d->cfg->has_mag;
}

static bool earlier_lost(const struct unsaved *u)
{
	char line[LINE_LEN] = "", state[8], boot[UNSAVED_BOOT_LEN], how[8];

	if (pread(u->fd, line, sizeof(line) - 1, 0) < 0 ||
	    sscanf(line, "%7s %36s %7s", state, boot, how) != 3)
		return true;
	if (!strcmp(state, states[UNSAVED_ENDED]))
		return false;
	if (strcmp(state, states[UNSAVED_NOTHING]) != 0)
		return true;
	return strcmp(how, "waiting") != 0 &&
	       (strcmp(boot, u->boot) != 0 || !strcmp(boot, "unknown"));
}

/* -errno; the line is on disk when `wait`. */
static int write_line(const struct daemon *d, enum unsaved_state state, bool wait)
{
	const struct unsaved *u = &d->unsaved;
	char line[LINE_LEN];

	snprintf(line, sizeof(line), "%-7s %-36s %-7s\n", states[state], u->boot,
		 replies_wait(d) ? "waiting" : "at-once");
	if (pwrite(u->fd, line, sizeof(line) - 1, 0) != sizeof(line) - 1)
		return errno ? -errno : -EIO;
	return wait && fdatasync(u->fd) ? -errno : 0;
}

bool unsaved_open(struct daemon *d)
{
	struct unsaved *u = &d->unsaved;
	char path[CONFIG_PATH_LEN + sizeof(FILE_NAME) + 1];
	bool lost = true;
	int err = 0;

	read_boot(u->boot);
	snprintf(path, sizeof(path), "%s/" FILE_NAME, d->cfg->state_directory);
	u->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (u->fd < 0) {
		err = -errno;
	} else {
		lost = earlier_lost(u);
		/* a start that fails has told nobody; the first turn has */
		u->state = lost || d->state_lost ? UNSAVED_CHANGES : UNSAVED_NOTHING;
		u->waits = replies_wait(d);
		err = write_line(d, u->state, true);
	}
	if (err) {
		log_msg(LOG_C_LOCAL, "%s: %s: the next start takes all sessions for lost", path,
			strerror(-err));
		unsaved_close(d);
	}
	return lost;
}

void unsaved_note(struct daemon *d, enum unsaved_state state)
{
	struct unsaved *u = &d->unsaved;
	const bool waits = replies_wait(d);
	struct store_status s;

	if (u->fd < 0)
		return;
	store_status(d->store, &s);
	if (state == UNSAVED_CHANGES && waits && !s.error)
		state = UNSAVED_NOTHING;
	if (state == u->state && waits == u->waits)
		return;
	if (write_line(d, state, state == UNSAVED_ENDED)) {
		unsaved_close(d);
		return;
	}
	u->state = state;
	u->waits = waits;
}

void unsaved_close(struct daemon *d)
{
	if (d->unsaved.fd >= 0)
		close(d->unsaved.fd);
	d->unsaved.fd = -1;
}
