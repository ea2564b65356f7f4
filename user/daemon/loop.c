/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/daemon.h"

/* A descriptor of the control socket. */
struct control_watch {
	ev_io io;
	struct daemon *d;
	struct control_watch *next;
};

static void on_mh(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;

	if (revents & EV_READ)
		mh_sock_read(d->mh, 0, daemon_now());
	/* what is left to send goes out in before_sleep() */
}

static void on_udp(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;

	mh_udp_read(d->udp, 0, daemon_now());
}

static void on_nl(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;

	nl_read(d->nl, daemon_now());
}

static void on_frames(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;

	frame_sock_read(d->frames, 0, daemon_now());
}

static void on_dataplane(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;

	dp_bpf_events(d->dp);
}

static void on_slow(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;

	dp_bpf_slow(d->dp, daemon_now());
}

static void on_buffer(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;

	dp_bpf_buffer(d->dp, daemon_now());
}

static void on_ends(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;

	tunnel_sock_read(d->ends, daemon_now());
}

static void on_icmp(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;

	icmp_sock_read(d->icmp, daemon_now());
}

static void on_control(struct ev_loop *loop, ev_io *w, int revents)
{
	struct control_watch *cw = w->data;

	control_ready(cw->d->control, w->fd, revents & EV_READ, revents & EV_WRITE, daemon_now());
}

static nsec_t next_deadline(const struct daemon *d)
{
	nsec_t next = nsec_min(nexthops_next(d->hops), dp_bpf_slow_next(d->dp));

	next = nsec_min(next, dp_bpf_buffer_next(d->dp));
	next = nsec_min(next, statics_next(d->statics));
	next = nsec_min(next, routes_next(d->routes));
	next = nsec_min(next, durable_next(d));
	if (d->lma)
		next = nsec_min(next, lma_next(d->lma));
	if (d->mag)
		next = nsec_min(next, mag_next(d->mag));
	if (d->access)
		next = nsec_min(next, access_next(d->access));
	return next;
}

static void run_deadlines(struct daemon *d, nsec_t now)
{
	if (nexthops_next(d->hops) <= now)
		nexthops_tick(d->hops, now);
	if (routes_next(d->routes) <= now)
		routes_tick(d->routes, now);
	if (dp_bpf_slow_next(d->dp) <= now)
		dp_bpf_slow(d->dp, now);
	if (dp_bpf_buffer_next(d->dp) <= now)
		dp_bpf_buffer(d->dp, now);
	if (statics_next(d->statics) <= now)
		statics_tick(d->statics, now);
	if (d->lma && lma_next(d->lma) <= now)
		lma_tick(d->lma, now);
	if (d->mag && mag_next(d->mag) <= now)
		mag_tick(d->mag, now);
	if (d->access && access_next(d->access) <= now)
		access_tick(d->access, now);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	run_deadlines(d, daemon_now());
}

static void watch_mh(struct daemon *d)
{
	const int want = EV_READ | (mh_sock_want_write(d->mh) ? EV_WRITE : 0);

	if ((d->mh_io.events & (EV_READ | EV_WRITE)) == want)
		return;
	ev_io_stop(d->loop, &d->mh_io);
	ev_io_set(&d->mh_io, mh_sock_fd(d->mh), want);
	ev_io_start(d->loop, &d->mh_io);
}

/* Runs once per turn, before the loop waits: messages queued in this turn leave in one batch, and
 * the one timer is set to whatever comes first now. */
static void before_sleep(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct daemon *d = w->data;
	nsec_t next, now;

	durable_turn(d, daemon_now());
	mh_sock_flush(d->mh);
	watch_mh(d);
	if (d->udp) {
		mh_udp_settle(d->udp); /* remembered; the kernel is asked after changes only */
		mh_udp_flush(d->udp);
	}
	next = next_deadline(d);
	ev_timer_stop(loop, &d->timer);
	if (next == NSEC_NEVER)
		return;
	now = daemon_now();
	ev_now_update(loop);
	ev_timer_set(&d->timer, (double)nsec_sub(next, now) / NSEC_PER_SEC, 0.);
	ev_timer_start(loop, &d->timer);
}

static void on_hup(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct daemon *d = w->data;
	char msg[DAEMON_ERRLEN];
	int err;

	err = daemon_reload(d, msg, sizeof(msg), daemon_now());
	log_msg(err ? LOG_C_LOCAL : LOG_C_INFO, "reload: %s", msg);
}

static void on_stop(struct ev_loop *loop, ev_signal *w, int revents)
{
	log_msg(LOG_C_INFO, "stopping: %s", strsignal(w->signum));
	ev_break(loop, EVBREAK_ALL);
}

static void watch_fd(struct daemon *d, ev_io *w, void (*cb)(struct ev_loop *, ev_io *, int), int fd)
{
	if (fd < 0)
		return;
	ev_io_init(w, cb, fd, EV_READ);
	w->data = d;
	ev_io_start(d->loop, w);
}

static void watch_signal(struct daemon *d, ev_signal *w,
			 void (*cb)(struct ev_loop *, ev_signal *, int), int signum)
{
	ev_signal_init(w, cb, signum);
	w->data = d;
	ev_signal_start(d->loop, w);
}

int loop_start(struct daemon *d)
{
	watch_fd(d, &d->mh_io, on_mh, mh_sock_fd(d->mh));
	if (d->udp)
		watch_fd(d, &d->udp_io, on_udp, mh_udp_fd(d->udp));
	watch_fd(d, &d->nl_io, on_nl, nl_fd(d->nl));
	watch_fd(d, &d->slow_io, on_slow, dp_bpf_slow_fd(d->dp));
	watch_fd(d, &d->buffer_io, on_buffer, dp_bpf_buffer_fd(d->dp));
	watch_fd(d, &d->ends_io, on_ends, tunnel_sock_fd(d->ends));
	watch_fd(d, &d->icmp_io, on_icmp, icmp_sock_fd(d->icmp));
	watch_fd(d, &d->dp_io, on_dataplane, dp_bpf_event_fd(d->dp));
	if (d->frames)
		watch_fd(d, &d->frame_io, on_frames, frame_sock_fd(d->frames));
	ev_timer_init(&d->timer, on_timer, 0., 0.);
	d->timer.data = d;
	ev_prepare_init(&d->prepare, before_sleep);
	d->prepare.data = d;
	ev_prepare_start(d->loop, &d->prepare);
	watch_signal(d, &d->on_hup, on_hup, SIGHUP);
	watch_signal(d, &d->on_term, on_stop, SIGTERM);
	watch_signal(d, &d->on_int, on_stop, SIGINT);
	return 0;
}

void loop_stop(struct daemon *d)
{
	ev_io_stop(d->loop, &d->mh_io);
	ev_io_stop(d->loop, &d->udp_io);
	ev_io_stop(d->loop, &d->nl_io);
	ev_io_stop(d->loop, &d->slow_io);
	ev_io_stop(d->loop, &d->buffer_io);
	ev_io_stop(d->loop, &d->ends_io);
	ev_io_stop(d->loop, &d->icmp_io);
	ev_io_stop(d->loop, &d->dp_io);
	ev_io_stop(d->loop, &d->frame_io);
	ev_timer_stop(d->loop, &d->timer);
	notify_stop(d);
	ev_prepare_stop(d->loop, &d->prepare);
	ev_signal_stop(d->loop, &d->on_hup);
	ev_signal_stop(d->loop, &d->on_term);
	ev_signal_stop(d->loop, &d->on_int);
	while (d->watches) {
		struct control_watch *cw = d->watches;

		d->watches = cw->next;
		ev_io_stop(d->loop, &cw->io);
		free(cw);
	}
}

static int control_watch(void *ctx, int fd, bool want_read, bool want_write)
{
	struct daemon *d = ctx;
	const int events = (want_read ? EV_READ : 0) | (want_write ? EV_WRITE : 0);
	struct control_watch *cw;

	for (cw = d->watches; cw && cw->io.fd != fd; cw = cw->next)
		;
	if (!cw) {
		cw = calloc(1, sizeof(*cw));
		if (!cw)
			return -ENOMEM;
		cw->d = d;
		cw->next = d->watches;
		d->watches = cw;
		ev_init(&cw->io, on_control);
		cw->io.data = cw;
	} else {
		ev_io_stop(d->loop, &cw->io);
	}
	ev_io_set(&cw->io, fd, events);
	if (events)
		ev_io_start(d->loop, &cw->io);
	return 0;
}

static void control_unwatch(void *ctx, int fd)
{
	struct daemon *d = ctx;

	for (struct control_watch **p = &d->watches; *p; p = &(*p)->next) {
		struct control_watch *cw = *p;

		if (cw->io.fd != fd)
			continue;
		ev_io_stop(d->loop, &cw->io);
		*p = cw->next;
		free(cw);
		return;
	}
}

struct control_io loop_control_io(struct daemon *d)
{
	return (struct control_io){.ctx = d, .watch = control_watch, .unwatch = control_unwatch};
}
