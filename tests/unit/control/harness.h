/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server under test, the loop that drives it, and clients on socket pairs. */
#pragma once

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "control/control.h"
#include "lib/cu.h"
#include "pmip/ctl.h"

#define WATCH_MAX 300
#define NOW	  nsec_from_s(1000)

struct loop {
	struct pollfd w[WATCH_MAX];
	unsigned n;
	struct control *c;
};

static inline int loop_watch(void *ctx, int fd, bool r, bool w)
{
	struct loop *l = ctx;
	unsigned i = 0;

	while (i < l->n && l->w[i].fd != fd)
		i++;
	if (i == WATCH_MAX)
		return -ENOSPC;
	if (i == l->n)
		l->n++;
	l->w[i] =
		(struct pollfd){.fd = fd, .events = (short)((r ? POLLIN : 0) | (w ? POLLOUT : 0))};
	return 0;
}

static inline void loop_unwatch(void *ctx, int fd)
{
	struct loop *l = ctx;

	for (unsigned i = 0; i < l->n; i++)
		if (l->w[i].fd == fd)
			l->w[i] = l->w[--l->n];
}

/* Until nothing happens any more. A server that spins fails the test. */
static inline void loop_run(struct loop *l)
{
	for (unsigned round = 0; round < 10000; round++) {
		struct pollfd w[WATCH_MAX];
		unsigned n = l->n;

		memcpy(w, l->w, sizeof(w));
		if (poll(w, n, 0) <= 0)
			return;
		for (unsigned i = 0; i < n; i++) {
			/* as libev does: an error wakes whoever watches */
			bool err = w[i].revents & (POLLERR | POLLHUP);

			if (w[i].revents)
				control_ready(l->c, w[i].fd,
					      (w[i].events & POLLIN) &&
						      (err || (w[i].revents & POLLIN)),
					      (w[i].events & POLLOUT) &&
						      (err || (w[i].revents & POLLOUT)),
					      NOW);
		}
	}
	CU_FAIL("the server never comes to rest");
}

static inline void start(struct loop *l, const struct control_ctx *ctx,
			 const struct control_opts *opts)
{
	const struct control_io io = {.ctx = l, .watch = loop_watch, .unwatch = loop_unwatch};
	char err[512] = "";

	*l = (struct loop){0};
	CU_ASSERT_EQUAL_FATAL(control_new(&l->c, opts, &io, ctx, err, sizeof(err)), 0);
	CU_ASSERT_STRING_EQUAL(err, "");
}

static inline void stop(struct loop *l)
{
	control_free(&l->c);
	CU_ASSERT_EQUAL(l->n, 0);
}

/* Our end of a new client's connection. */
static inline int client(struct loop *l)
{
	int fd[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	CU_ASSERT_EQUAL_FATAL(control_adopt(l->c, fd[1]), 0);
	return fd[0];
}

static inline void say(int fd, const char *text)
{
	size_t len = strlen(text);

	CU_ASSERT_EQUAL(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Everything that has come, as one string (to be freed); *eof (may be NULL) tells of its end. */
static inline char *hear(struct loop *l, int fd, bool *eof)
{
	size_t cap = 1 << 16, n = 0;
	char *buf = malloc(cap);

	if (eof)
		*eof = false;
	for (;;) {
		ssize_t got;

		loop_run(l);
		if (cap - n < 65536)
			buf = realloc(buf, cap *= 2);
		got = recv(fd, buf + n, cap - n - 1, 0);
		if (got > 0) {
			n += (size_t)got;
			continue;
		}
		if (eof && (got == 0 || errno == ECONNRESET))
			*eof = true;
		break;
	}
	buf[n] = '\0';
	return buf;
}

static inline unsigned count_lines(const char *s)
{
	unsigned n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

/* Asks and parses the one line that comes. */
static inline json_t *ask(struct loop *l, int fd, const char *request)
{
	json_error_t je;
	char *text;
	json_t *j;

	say(fd, request);
	say(fd, "\n");
	text = hear(l, fd, NULL);
	CU_ASSERT_EQUAL(count_lines(text), 1);
	j = json_loads(text, 0, &je);
	if (!j)
		printf("\n  %s -> %s\n", request, text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	free(text);
	return j;
}

static inline void ask_refused(struct loop *l, int fd, const char *request, const char *error)
{
	json_t *j = ask(l, fd, request);
	const char *said = json_string_value(json_object_get(j, "error"));

	CU_ASSERT_TRUE(json_is_false(json_object_get(j, "ok")));
	CU_ASSERT_PTR_NOT_NULL_FATAL(said);
	if (strcmp(said, error))
		printf("\n  %.60s\n  said   %s\n  wanted %s\n", request, said, error);
	CU_ASSERT_STRING_EQUAL(said, error);
	json_decref(j);
}

/* The data of a granted request; borrowed from *answer, which the caller releases. */
static inline json_t *ask_granted(struct loop *l, int fd, const char *request, json_t **answer)
{
	json_t *j = ask(l, fd, request), *data = json_object_get(j, "data");

	if (!json_is_true(json_object_get(j, "ok")))
		printf("\n  %s: %s\n", request, json_string_value(json_object_get(j, "error")));
	CU_ASSERT_TRUE(json_is_true(json_object_get(j, "ok")));
	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	*answer = j;
	return data;
}
