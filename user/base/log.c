/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/util.h"

#define LINE_MAX_OCTETS 1024
#define LIMIT_BURST	5
#define LIMIT_EVERY	NSEC_PER_SEC

static const struct {
	const char *name;
	int priority; /* of syslog */
} classes[] = {
	[LOG_C_BUG] = {"bug",    LOG_CRIT   },
	      [LOG_C_LOCAL] = {"local",	LOG_ERR    },
	[LOG_C_AUTH] = {"auth",	LOG_WARNING},
	      [LOG_C_REMOTE] = {"remote", LOG_WARNING},
	[LOG_C_INFO] = {"info",	LOG_INFO	},
	      [LOG_C_DEBUG] = {"debug",	LOG_DEBUG	 },
};

static struct {
	log_sink sink;
	void *ctx;
	enum log_class level;
} state = {.level = LOG_C_INFO};

/* The journal tells what it is connected to in JOURNAL_STREAM (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *e = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	if (!e || sscanf(e, "%llu:%llu", &dev, &ino) != 2 || fstat(STDERR_FILENO, &st))
		return false;
	return st.st_dev == dev && st.st_ino == ino;
}

static void to_stderr(enum log_class cls, const char *line)
{
	static int journal = -1;

	if (journal < 0)
		journal = stderr_is_journal();
	if (journal)
		fprintf(stderr, "<%d>%s: %s\n", classes[cls].priority, classes[cls].name, line);
	else
		fprintf(stderr, "%s: %s\n", classes[cls].name, line);
}

void log_set_sink(log_sink sink, void *ctx)
{
	state.sink = sink;
	state.ctx = ctx;
}

void log_set_level(enum log_class max)
{
	state.level = max;
}

enum log_class log_level(void)
{
	return state.level;
}

const char *log_class_name(enum log_class cls)
{
	return (size_t)cls < ARRAY_SIZE(classes) ? classes[cls].name : "unknown";
}

int log_class_parse(const char *s, enum log_class *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (!strcmp(s, classes[i].name)) {
			*out = (enum log_class)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* What a peer sent may be part of a line: it must not forge other lines or drive a terminal. */
static void make_printable(char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '.';
	}
}

__attribute__((format(printf, 3, 0))) static void emit(enum log_class cls, uint64_t suppressed,
						       const char *fmt, va_list ap)
{
	char line[LINE_MAX_OCTETS + 64];
	int n;

	n = vsnprintf(line, LINE_MAX_OCTETS, fmt, ap);
	if (n < 0)
		return;
	if (n >= LINE_MAX_OCTETS) {
		n = LINE_MAX_OCTETS - 1;
		memcpy(line + n - 3, "...", 3);
	}
	make_printable(line);
	if (suppressed)
		snprintf(line + n, sizeof(line) - (size_t)n, " (%llu more suppressed)",
			 (unsigned long long)suppressed);
	if (state.sink)
		state.sink(state.ctx, cls, line);
	else
		to_stderr(cls, line);
}

void log_vmsg(enum log_class cls, const char *fmt, va_list ap)
{
	if (cls <= state.level)
		emit(cls, 0, fmt, ap);
}

void log_msg(enum log_class cls, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vmsg(cls, fmt, ap);
	va_end(ap);
}

bool log_limit_ok(struct log_limit *l, nsec_t now)
{
	uint32_t burst = l->burst ? l->burst : LIMIT_BURST;
	nsec_t every = l->every ? l->every : LIMIT_EVERY;
	uint64_t gained = nsec_sub(now, l->refilled_at) / every;

	if (gained >= l->spent) {
		l->spent = 0;
		l->refilled_at = now;
	} else {
		l->spent -= (uint32_t)gained;
		l->refilled_at += gained * every;
	}
	if (l->spent >= burst) {
		l->suppressed++;
		return false;
	}
	l->spent++;
	return true;
}

void log_limited(struct log_limit *l, nsec_t now, enum log_class cls, const char *fmt, ...)
{
	uint64_t suppressed;
	va_list ap;

	if (cls > state.level || !log_limit_ok(l, now))
		return;
	suppressed = l->suppressed;
	l->suppressed = 0;
	va_start(ap, fmt);
	emit(cls, suppressed, fmt, ap);
	va_end(ap);
}
