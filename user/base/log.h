/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logging. A line says whose fault it is and names the culprit and the subscriber:
 *
 *	remote  a peer or a node sent something wrong          lma[mn1@example.com]{ACTIVE} ...
 *	local   this machine: configuration, kernel, memory
 *	auth    somebody tried what they are not allowed to
 *	bug     this program broke its own rule
 *	info    what an operator wants to see in normal work
 *	debug   what a developer wants to see
 *
 * Lines that a remote party can cause go through log_limited(), with a struct log_limit that the
 * caller keeps per culprit; suppressed lines are counted and announced with the next line.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/nsec.h"

enum log_class { LOG_C_BUG, LOG_C_LOCAL, LOG_C_AUTH, LOG_C_REMOTE, LOG_C_INFO, LOG_C_DEBUG };

/* Where lines go; `line` has no newline. Default: stderr with a syslog priority for journald
 * when stderr is the journal, else with the class as a word. */
typedef void (*log_sink)(void *ctx, enum log_class cls, const char *line);

void log_set_sink(log_sink sink, void *ctx); /* NULL: back to the default */
void log_set_level(enum log_class max);      /* lines of a class above max are not made */
enum log_class log_level(void);
const char *log_class_name(enum log_class cls);
int log_class_parse(const char *s, enum log_class *out); /* 0 or -EINVAL */

void log_msg(enum log_class cls, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_vmsg(enum log_class cls, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* Token bucket: `burst` lines at once, then one per `every`. Zero-initialised is ready to use
 * and means 5 lines at once, then one per second. */
struct log_limit {
	nsec_t refilled_at;
	nsec_t every;
	uint32_t burst;
	uint32_t spent;
	uint64_t suppressed;
};

bool log_limit_ok(struct log_limit *l, nsec_t now);
void log_limited(struct log_limit *l, nsec_t now, enum log_class cls, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
