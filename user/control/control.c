/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"
#include "control/control_priv.h"

#define CLIENTS_DEFAULT	 128
#define MONITOR_DEFAULT	 (256u << 10)
#define ACCEPTS_AT_ONCE	 16
#define REQUESTS_AT_ONCE 8    /* of one client, before the others get their turn */
#define KEEP_BYTES	 4096 /* an idle client's output buffer is not kept above this */

#define CONTROL_COUNTERS(X)                                                            \
	X(C_CONNECTED, "connected", "clients that connected")                          \
	X(C_FULL, "refused_full", "clients turned away: too many at once")             \
	X(C_REQUESTS, "requests", "requests answered")                                 \
	X(C_TOO_LONG, "line_too_long", "clients closed for a line longer than 64 KiB") \
	X(C_EVENTS_MISSED, "events_missed", "events that a slow monitor missed")

enum counter { CONTROL_COUNTERS(COUNTER_ENUM) C_MAX };
static const struct counter_desc counter_desc[] = {CONTROL_COUNTERS(COUNTER_DESC)};

struct client {
	struct client *next;
	int fd;
	char *in; /* what came and is not answered yet */
	size_t in_len, in_cap;
	struct control_buf out;
	size_t out_at; /* octets of out that are sent */
	uint64_t missed;
	bool monitor, verbose;
	bool eof;	  /* sends no more; goes when all is answered */
	bool closing;	  /* goes when out is sent */
	bool read, write; /* what is watched */
};

struct control {
	struct control_io io;
	const struct control_ctx *ctx;
	unsigned max_clients, n_clients, n_monitors;
	size_t max_monitor_bytes;
	struct client *clients;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int listen_fd;
	int spare_fd; /* given up for a moment to turn clients away when descriptors run out */
	uint64_t counter[C_MAX];
};

/* ---- clients */

static size_t pending(const struct client *cl)
{
	return cl->out.len - cl->out_at;
}

static bool has_line(const struct client *cl)
{
	return cl->in_len && memchr(cl->in, '\n', cl->in_len);
}

static void watch_client(struct control *c, struct client *cl)
{
	/* a line that waits for its turn is taken up as soon as the socket can be written to */
	bool write = pending(cl) || has_line(cl);
	bool read = !cl->eof && !cl->closing && (cl->monitor || !write);

	if (read == cl->read && write == cl->write)
		return;
	if (c->io.watch(c->io.ctx, cl->fd, read, write))
		cl->closing = true;
	cl->read = read;
	cl->write = write;
}

static void client_free(struct control *c, struct client *cl)
{
	struct client **p = &c->clients;

	while (*p != cl)
		p = &(*p)->next;
	*p = cl->next;
	c->n_clients--;
	c->n_monitors -= cl->monitor;
	c->io.unwatch(c->io.ctx, cl->fd);
	close(cl->fd);
	control_buf_free(&cl->out);
	free(cl->in);
	free(cl);
}

int control_adopt(struct control *c, int fd)
{
	struct client *cl;
	int rc;

	if (c->n_clients >= c->max_clients)
		return -EBUSY;
	rc = fcntl(fd, F_GETFL);
	if (rc < 0 || fcntl(fd, F_SETFL, rc | O_NONBLOCK) < 0)
		return -errno;
	cl = calloc(1, sizeof(*cl));
	if (!cl)
		return -ENOMEM;
	cl->fd = fd;
	cl->read = true;
	rc = c->io.watch(c->io.ctx, fd, true, false);
	if (rc) {
		free(cl);
		return rc;
	}
	cl->next = c->clients;
	c->clients = cl;
	c->n_clients++;
	c->counter[C_CONNECTED]++;
	return 0;
}

static bool alive(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Whether the client is still there. */
static bool client_send(struct client *cl)
{
	while (pending(cl)) {
		ssize_t n = send(cl->fd, cl->out.p + cl->out_at, pending(cl),
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			return alive(errno);
		cl->out_at += (size_t)n;
	}
	cl->out.len = cl->out_at = 0;
	if (cl->out.cap > KEEP_BYTES)
		control_buf_free(&cl->out);
	return true;
}

static bool client_read(struct client *cl)
{
	char drain[4096];
	ssize_t n;

	if (cl->monitor) {
		/* a monitor has nothing more to say */
		n = recv(cl->fd, drain, sizeof(drain), MSG_DONTWAIT);
		return n > 0 || (n < 0 && alive(errno));
	}
	if (cl->in_len == cl->in_cap) {
		size_t cap = cl->in_cap ? cl->in_cap * 4 : 1024;
		char *p = cap <= CTL_LINE_MAX ? realloc(cl->in, cap) : NULL;

		if (!p)
			return false;
		cl->in = p;
		cl->in_cap = cap;
	}
	n = recv(cl->fd, cl->in + cl->in_len, cl->in_cap - cl->in_len, MSG_DONTWAIT);
	if (n < 0)
		return alive(errno);
	if (n == 0)
		cl->eof = true;
	cl->in_len += (size_t)n;
	return true;
}

static void too_long(struct control *c, struct client *cl)
{
	static const char msg[] =
		"{\"ok\":false,\"error\":\"the line is longer than 65536 octets\"}\n";

	control_buf_add(&cl->out, msg, sizeof(msg) - 1);
	cl->in_len = 0;
	cl->closing = true;
	c->counter[C_TOO_LONG]++;
}

/* Answers the first whole line. */
static void client_answer(struct control *c, struct client *cl, nsec_t now)
{
	const struct counter_set own = control_counters(c);
	char *end = memchr(cl->in, '\n', cl->in_len);
	struct control_outcome oc;
	size_t used;

	c->counter[C_REQUESTS]++;
	control_answer(c->ctx, &own, cl->in, (size_t)(end - cl->in), now, &cl->out, &oc);
	if (cl->out.bad)
		cl->closing = true;
	used = (size_t)(end - cl->in) + 1;
	memmove(cl->in, cl->in + used, cl->in_len - used);
	cl->in_len -= used;
	if (!oc.monitor)
		return;
	cl->monitor = true;
	cl->verbose = oc.verbose;
	cl->in_len = 0;
	c->n_monitors++;
}

/* Whether the client stays. */
static bool client_ready(struct control *c, struct client *cl, bool readable, nsec_t now)
{
	if (!client_send(cl))
		return false;
	if (readable && !pending(cl) && !has_line(cl) && !cl->closing) {
		if (!client_read(cl))
			return false;
		if (!has_line(cl) && cl->in_len >= CTL_LINE_MAX)
			too_long(c, cl);
	} else if (readable && cl->monitor && !client_read(cl)) {
		return false;
	}
	for (unsigned i = 0; i < REQUESTS_AT_ONCE && !pending(cl) && !cl->closing && has_line(cl);
	     i++) {
		client_answer(c, cl, now);
		if (!client_send(cl))
			return false;
	}
	if (cl->closing || (cl->eof && !has_line(cl)))
		if (!pending(cl))
			return false;
	watch_client(c, cl);
	return true;
}

/* ---- the listening socket */

static void turn_away(struct control *c, int fd)
{
	static const char msg[] =
		"{\"ok\":false,\"error\":\"too many clients; try again later\"}\n";

	c->counter[C_FULL]++;
	(void)!send(fd, msg, sizeof(msg) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void accept_clients(struct control *c)
{
	for (unsigned i = 0; i < ACCEPTS_AT_ONCE; i++) {
		int fd = accept4(c->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE) && c->spare_fd >= 0) {
			/* else the client in the queue would wake us for ever */
			close(c->spare_fd);
			fd = accept4(c->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
			if (fd >= 0)
				turn_away(c, fd);
			c->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
			continue;
		}
		if (fd < 0)
			return;
		if (control_adopt(c, fd))
			turn_away(c, fd);
	}
}

__attribute__((format(printf, 4, 5))) static int fail(char *err, size_t cap, int rc,
						      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, cap, fmt, ap);
	va_end(ap);
	return rc;
}

static int make_dir(const char *path, char *err, size_t cap)
{
	const char *slash = strrchr(path, '/');
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];

	if (!slash || slash == path)
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		return 0;
	return fail(err, cap, -errno, "cannot create %s: %s", dir, strerror(errno));
}

/* Removes what a daemon that is gone left behind, and nothing else. */
static int remove_stale(const struct sockaddr_un *sa, char *err, size_t cap)
{
	struct stat st;
	int fd, rc;

	if (lstat(sa->sun_path, &st) < 0)
		return errno == ENOENT
			       ? 0
			       : fail(err, cap, -errno, "%s: %s", sa->sun_path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(err, cap, -EEXIST, "%s is there and is no socket; remove it",
			    sa->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(err, cap, -errno, "cannot make a socket: %s", strerror(errno));
	rc = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) ? errno : 0;
	close(fd);
	if (rc != ECONNREFUSED)
		return fail(err, cap, -EADDRINUSE,
			    "%s: another daemon answers there; stop it, or use another "
			    "control-socket",
			    sa->sun_path);
	if (unlink(sa->sun_path) < 0)
		return fail(err, cap, -errno, "cannot remove the old %s: %s", sa->sun_path,
			    strerror(errno));
	return 0;
}

static int grant(const char *path, const char *group, char *err, size_t cap)
{
	struct group *g;

	if (!group || !*group)
		return 0;
	g = getgrnam(group);
	if (!g)
		return fail(err, cap, -ENOENT,
			    "control-group %s does not exist; create it, or leave the key out",
			    group);
	if (chown(path, (uid_t)-1, g->gr_gid) < 0 || chmod(path, 0660) < 0)
		return fail(err, cap, -errno, "cannot give %s to group %s: %s", path, group,
			    strerror(errno));
	return 0;
}

static int start_listening(struct control *c, const struct control_opts *o, char *err, size_t cap)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int rc;

	if (strlen(o->path) >= sizeof(sa.sun_path))
		return fail(err, cap, -ENAMETOOLONG, "%s: longer than a socket's path can be",
			    o->path);
	strcpy(sa.sun_path, o->path);
	rc = make_dir(o->path, err, cap);
	if (!rc)
		rc = remove_stale(&sa, err, cap);
	if (rc)
		return rc;
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->listen_fd < 0)
		return fail(err, cap, -errno, "cannot make a socket: %s", strerror(errno));
	/* before bind(): the file never has another mode */
	if (fchmod(c->listen_fd, 0600) < 0 ||
	    bind(c->listen_fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		return fail(err, cap, -errno, "cannot listen on %s: %s", o->path, strerror(errno));
	strcpy(c->path, o->path);
	rc = grant(o->path, o->group, err, cap);
	if (rc)
		return rc;
	if (listen(c->listen_fd, SOMAXCONN) < 0)
		return fail(err, cap, -errno, "cannot listen on %s: %s", o->path, strerror(errno));
	rc = c->io.watch(c->io.ctx, c->listen_fd, true, false);
	if (rc)
		return fail(err, cap, rc, "cannot watch %s: %s", o->path, strerror(-rc));
	return 0;
}

/* ---- the face */

int control_new(struct control **out, const struct control_opts *opts, const struct control_io *io,
		const struct control_ctx *ctx, char *err, size_t cap)
{
	struct control *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return fail(err, cap, -ENOMEM, "no memory for the control socket");
	c->io = *io;
	c->ctx = ctx;
	c->max_clients = opts->max_clients ? opts->max_clients : CLIENTS_DEFAULT;
	c->max_monitor_bytes = opts->max_monitor_bytes ? opts->max_monitor_bytes : MONITOR_DEFAULT;
	c->listen_fd = -1;
	c->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (opts->path) {
		rc = start_listening(c, opts, err, cap);
		if (rc) {
			control_free(&c);
			return rc;
		}
	}
	*out = c;
	return 0;
}

void control_free(struct control **p)
{
	struct control *c = *p;

	if (!c)
		return;
	while (c->clients)
		client_free(c, c->clients);
	if (c->listen_fd >= 0) {
		c->io.unwatch(c->io.ctx, c->listen_fd);
		close(c->listen_fd);
	}
	if (c->path[0])
		unlink(c->path);
	if (c->spare_fd >= 0)
		close(c->spare_fd);
	free(c);
	*p = NULL;
}

void control_ready(struct control *c, int fd, bool readable, bool writable, nsec_t now)
{
	struct client *cl = c->clients;

	if (fd == c->listen_fd) {
		if (readable)
			accept_clients(c);
		return;
	}
	while (cl && cl->fd != fd)
		cl = cl->next;
	if (cl && !client_ready(c, cl, readable, now))
		client_free(c, cl);
}

static void add_event(struct control *c, struct client *cl, const char *line, size_t len)
{
	char note[64];
	int n = 0;

	if (cl->closing)
		return;
	if (cl->missed)
		n = snprintf(note, sizeof(note), "{\"event\":\"missed\",\"count\":%llu}\n",
			     (unsigned long long)cl->missed);
	if (pending(cl) + (size_t)n + len > c->max_monitor_bytes) {
		cl->missed++;
		c->counter[C_EVENTS_MISSED]++;
		return;
	}
	cl->missed = 0;
	/* what is sent already makes room, so that the buffer does not grow with time */
	if (cl->out_at)
		memmove(cl->out.p, cl->out.p + cl->out_at, pending(cl));
	cl->out.len -= cl->out_at;
	cl->out_at = 0;
	control_buf_add(&cl->out, note, (size_t)n);
	control_buf_add(&cl->out, line, len);
	if (cl->out.bad)
		cl->closing = true;
	watch_client(c, cl);
}

void control_emit(struct control *c, const struct event *ev)
{
	struct control_buf line[2] = {0}; /* plain, verbose; made when somebody wants it */

	if (!c->n_monitors)
		return;
	for (struct client *cl = c->clients; cl; cl = cl->next) {
		struct control_buf *b = &line[cl->verbose];
		json_t *j;

		if (!cl->monitor)
			continue;
		if (!b->len && !b->bad) {
			j = control_event_json(c->ctx, ev, cl->verbose);
			control_buf_json(b, j);
			json_decref(j);
			control_buf_add(b, "\n", 1);
		}
		if (!b->bad)
			add_event(c, cl, b->p, b->len);
	}
	control_buf_free(&line[0]);
	control_buf_free(&line[1]);
}

unsigned control_monitors(const struct control *c)
{
	return c->n_monitors;
}

struct counter_set control_counters(const struct control *c)
{
	return (struct counter_set){
		.module = "control",
		.desc = counter_desc,
		.value = c->counter,
		.n = C_MAX,
	};
}
