/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Failure and restart detection between PMIPv6 nodes (RFC 5847).
 *
 * One struct heartbeat serves one role and holds one failure detector for each of its peers: an
 * LMA's MAGs, a MAG's LMAs, never a mobile node. Its owner says who the peers are and how many
 * bindings it has with each; requests go to a peer while there are any (RFC 5847 3), answers go to
 * every peer at any time, and nobody else is answered. What is found out is told to the owner,
 * which decides what becomes of the bindings.
 *
 * A response counts when it answers the last request. An unsolicited one (RFC 5847 3.2) says
 * something that anybody could have said in the peer's name, so it changes nothing by itself: a
 * request follows at once, and its answer decides. A peer that answers a request with Binding Error
 * status 2 is asked no more until it shows a Restart Counter or the configuration is read again.
 */
#pragma once

#include <stdbool.h>

#include "base/counter.h"
#include "base/deadline.h"
#include "core/env.h"
#include "core/event.h"
#include "wire/mh.h"

/* (SYMBOL, "name", "help") */
// clang-format off
#define HEARTBEAT_COUNTERS(X)                                                                    \
	X(HB_C_REQUEST_SENT, "request_sent", "Heartbeat Requests sent")                          \
	X(HB_C_REQUEST_RECEIVED, "request_received", "Heartbeat Requests of peers")              \
	X(HB_C_RESPONSE_SENT, "response_sent", "Heartbeat Responses sent")                       \
	X(HB_C_RESPONSE_RECEIVED, "response_received", "answers to the last request")            \
	X(HB_C_ANNOUNCED, "unsolicited_sent", "unsolicited Heartbeat Responses sent")            \
	X(HB_C_UNSOLICITED, "unsolicited_received", "unsolicited Heartbeat Responses of peers")  \
	X(HB_C_UNMATCHED, "response_unmatched", "responses that answer no open request, ignored") \
	X(HB_C_STRANGER, "stranger", "heartbeats of others than configured peers, not answered") \
	X(HB_C_LIMITED, "request_rate_limited", "requests not answered: the peer sends too many") \
	X(HB_C_MISSED, "missed", "requests without an answer when the next was due")             \
	X(HB_C_DOWN, "peer_down", "peers declared unreachable")                                  \
	X(HB_C_UP, "peer_up", "unreachable peers that answered again")                           \
	X(HB_C_RESTARTED, "peer_restarted", "peers that came back with another Restart Counter") \
	X(HB_C_UNSUPPORTED, "peer_without_heartbeat", "peers that answered with a Binding Error") \
	X(HB_C_SEND_FAILED, "send_failed", "heartbeats that could not be sent")
// clang-format on

enum heartbeat_counter { HEARTBEAT_COUNTERS(COUNTER_ENUM) HB_C_MAX };

enum heartbeat_state {
	HB_UNKNOWN, /* has not answered yet, or was not asked */
	HB_UP,
	HB_DOWN,
	HB_UNSUPPORTED,
	HB_STATE_MAX
};
const char *heartbeat_state_name(enum heartbeat_state s);

struct heartbeat_cfg {
	uint32_t interval_s;	  /* HEARTBEAT_INTERVAL; 0: no requests, answers only */
	uint32_t missing_allowed; /* MISSING_HEARTBEATS_ALLOWED */
	uint32_t restart_counter; /* our own */
};

/* Called from heartbeat_receive() and from the deadlines. They may call heartbeat_users(). */
struct heartbeat_ops {
	void *ctx;
	/* More than missing_allowed requests in a row found no answer. */
	void (*down)(void *ctx, const struct in6_addr *peer, nsec_t now);
	/* A peer that was down answers. */
	void (*up)(void *ctx, const struct in6_addr *peer, nsec_t now);
	/* It answers after as many misses as are allowed: it may have missed one more and have
	 * given us up. */
	void (*doubtful)(void *ctx, const struct in6_addr *peer, nsec_t now);
	/* It lost its sessions. What was registered at `since` or before was so with its former
	 * life; about later ones nobody can tell. After up(), when both happened. */
	void (*restarted)(void *ctx, const struct in6_addr *peer, nsec_t since, nsec_t now);
};

struct heartbeat_peer {
	struct in6_addr addr;  /* IPv4-mapped: over UDP, RFC 5847 4 */
	struct in6_addr local; /* our end, until heartbeat_users() names another */
};

struct heartbeat;

/* Borrows env, deadlines and sink, copies the rest; `role` is a literal. 0 or -ENOMEM. */
int heartbeat_new(struct heartbeat **out, const char *role, const struct heartbeat_cfg *cfg,
		  const struct heartbeat_ops *ops, const struct env *env,
		  struct deadlines *deadlines, const struct event_sink *sink);
void heartbeat_free(struct heartbeat **p);

void heartbeat_configure(struct heartbeat *h, const struct heartbeat_cfg *cfg, nsec_t now);
/* Makes these the peers; who stays keeps what is known of it, but for HB_UNSUPPORTED, which is
 * lifted. No address twice. 0, or -ENOMEM and nothing changed. */
int heartbeat_set_peers(struct heartbeat *h, const struct heartbeat_peer *peers, unsigned n);
/* Sends each peer an unsolicited response: our sessions are lost (RFC 5847 3.2). Spread over a
 * second. */
void heartbeat_announce(struct heartbeat *h, nsec_t now);

/* There are `n` bindings with the peer now, the newest of them with our address `local` (NULL: as
 * before). No peer of that address: ignored. To be called for all after heartbeat_set_peers(). */
void heartbeat_users(struct heartbeat *h, const struct in6_addr *peer, const struct in6_addr *local,
		     uint32_t n, nsec_t now);

/* What an earlier run knew of a peer's Restart Counter; a later one is not overruled. An answer
 * with another one tells that the peer restarted meanwhile. */
void heartbeat_remember(struct heartbeat *h, const struct in6_addr *peer, uint32_t counter);

/* A message of MH_HEARTBEAT to one of our addresses. */
void heartbeat_receive(struct heartbeat *h, const struct packet *pkt, const struct mh_msg *msg,
		       nsec_t now);
/* A Binding Error. True: it was the answer to a request. */
bool heartbeat_binding_error(struct heartbeat *h, const struct packet *pkt,
			     const struct mh_msg *msg, nsec_t now);

struct heartbeat_info {
	enum heartbeat_state state;
	uint32_t missing;
	bool has_counter, has_rtt;
	uint32_t restart_counter;
	nsec_t rtt; /* of the last answer */
};
/* False: no such peer. */
bool heartbeat_info(const struct heartbeat *h, const struct in6_addr *peer,
		    struct heartbeat_info *out);

struct counter_set heartbeat_counters(const struct heartbeat *h);
