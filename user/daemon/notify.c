/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a service manager hears of us (sd_notify(3)): that we serve, reload, end, and that the loop
 * turns.
 *
 * The watchdog is fed by a timer of the loop and by nothing else. While a callback does not return
 * nothing is said, and when the manager's patience ends it kills us. Packets are forwarded
 * meanwhile, and the next run goes on with that.
 */
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/daemon.h"

/* Once per change. */
static void tell_status(struct daemon *d)
{
	char text[sizeof(d->status)];
	int n = 0;

	text[0] = '\0';
	if (d->lma)
		n = snprintf(text, sizeof(text), "LMA, bindings: %zu", lma_count(d->lma));
	if (d->mag)
		snprintf(text + n, sizeof(text) - (size_t)n, "%sMAG, nodes: %zu", n ? "; " : "",
			 mag_count(d->mag));
	if (!strcmp(text, d->status))
		return;
	memcpy(d->status, text, sizeof(text));
	sd_notifyf(0, "STATUS=%s", text);
}

static void on_watchdog(struct ev_loop *loop, ev_timer *w, int revents)
{
	sd_notify(0, "WATCHDOG=1");
	tell_status(w->data);
}

void notify_ready(struct daemon *d)
{
	uint64_t usec;

	sd_notify(0, "READY=1");
	tell_status(d);
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return;
	ev_now_update(d->loop);
	ev_timer_init(&d->watchdog, on_watchdog, 0., (double)usec / 2e6);
	d->watchdog.data = d;
	ev_timer_again(d->loop, &d->watchdog);
}

void notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)(daemon_now() / 1000));
}

void notify_reloaded(void)
{
	sd_notify(0, "READY=1");
}

void notify_stopping(const struct daemon *d)
{
	sd_notifyf(0, "STOPPING=1\nSTATUS=%s",
		   d->leave ? "ending, packets are forwarded on" : "ending");
}

void notify_stop(struct daemon *d)
{
	ev_timer_stop(d->loop, &d->watchdog);
}
