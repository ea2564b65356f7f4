/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the roles tell an onlooker (`pmipctl monitor`, the log, a test) as it happens. Emitting is
 * free of side effects on the emitter; everything in an event is borrowed for the call.
 */
#pragma once

#include "base/addr.h"
#include "base/nsec.h"
#include "core/home4.h"
#include "wire/mh.h"

enum event_type {
	EV_MSG_SENT,   /* msg, peer */
	EV_MSG_RCVD,   /* msg, peer */
	EV_STATE,      /* from -> to, cause, clause */
	EV_SESSION_UP, /* a binding came into being: mnid, prefixes, peer */
	EV_HANDOVER,   /* it moved to another peer */
	EV_SESSION_DOWN,
	EV_ATTACH, /* access link: mac, ifname, cause = what triggered it */
	EV_DETACH,
	EV_REFUSED,   /* cause: why; peer or mac: who */
	EV_PEER_DOWN, /* the other node answers no heartbeats; peer, cause */
	EV_PEER_UP,
	EV_PEER_RESTARTED, /* and lost its sessions */
};

struct event {
	enum event_type type;
	const char *role; /* "lma", "mag", "access" */
	nsec_t now;
	const struct mnid *mnid;
	const struct in6_addr *peer;
	const struct mac *mac;
	const char *ifname;
	const struct mh_msg *msg;
	const char *from, *to, *cause, *clause;
	const struct prefix6 *prefixes;
	unsigned n_prefixes;
	const struct home4 *home4; /* NULL or not set: no IPv4 */
};

struct event_sink {
	void *ctx;
	void (*emit)(void *ctx, const struct event *ev);
};

static inline void event_emit(const struct event_sink *s, const struct event *ev)
{
	if (s && s->emit)
		s->emit(s->ctx, ev);
}

const char *event_type_name(enum event_type t);
