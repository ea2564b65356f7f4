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
	/* of the packets that are kept for a node in handover (RFC 5949); buffer */
	EV_BUFFER_KEEPING,  /* the first one waits */
	EV_BUFFER_DROPPING, /* the first one is lost for this cause */
	EV_BUFFER_DRAINING, /* they are being handed on */
	EV_BUFFER_EMPTY,    /* they have been; took: how long that was */
	EV_HANDOVER_OVER,   /* a fast handover: cause = its result, handover, buffer */
};

/* A fast handover, seen from one of its two gateways. */
struct event_handover {
	const char *side;	     /* "old", "new": which of them */
	const char *mode;	     /* "predictive", "reactive" */
	nsec_t answer, registration; /* how long these took; NSEC_NEVER: did not happen here */
	unsigned retransmissions;    /* of Handover Initiates */
};

struct dp_buffered;

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
	const char *machine;	   /* EV_STATE: whose states; NULL: the binding's */
	unsigned repeat;	   /* EV_MSG_...: so many times before, the very same */
	const struct dp_buffered *buffer;
	const struct event_handover *handover;
	nsec_t took; /* 0: not said */
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
