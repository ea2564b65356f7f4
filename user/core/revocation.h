/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Binding Revocation between PMIPv6 nodes (RFC 5846): what an LMA and a MAG have in common.
 *
 * One struct revocation serves one role. It sends the Binding Revocation Indications (BRI) that its
 * owner orders, repeats them (RFC 5846 6.3), finds the indication that a Binding Revocation
 * Acknowledgement (BRA) answers (6.2.2), and tells the owner what came of it. Indications of peers
 * are the owner's to judge; here is what both roles judge alike, and the way back of the answer.
 *
 * What a peer was found not to know is not sent to it again until the configuration is read again:
 * Binding Error status 2 and BRA status 135 stand for everything, 134 for the kind of indication
 * (its flags V and G), 133 for the trigger.
 */
#pragma once

#include <stdbool.h>

#include "base/counter.h"
#include "base/deadline.h"
#include "core/env.h"
#include "core/event.h"
#include "wire/mh.h"

#define REVOCATION_INIT_MIN_DELAY_MS 1000u /* RFC 5846 11 */
#define REVOCATION_MIN_DELAY_MS	     500u  /* no InitMINDelayBRIs below this */
#define REVOCATION_MAX_TIMEOUT_MS    2000u
#define REVOCATION_MAX_RETRIES	     1u

#define REVOCATION_OUTSTANDING_MAX 16384u

/* (SYMBOL, "name", "help") */
// clang-format off
#define REVOCATION_COUNTERS(X)                                                                   \
	X(REV_C_SENT, "indication_sent", "Binding Revocation Indications sent, without repetitions") \
	X(REV_C_REPEATED, "indication_repeated", "repetitions of indications")                   \
	X(REV_C_ACKED, "acknowledged", "indications that were answered with success")            \
	X(REV_C_REFUSED, "refused", "indications that were answered with a status of 128 or more") \
	X(REV_C_NO_ANSWER, "no_answer", "indications given up without an answer")                \
	X(REV_C_CANCELLED, "cancelled", "indications that became pointless before an answer")    \
	X(REV_C_FULL, "too_many", "indications not sent: too many without an answer")            \
	X(REV_C_UNSUPPORTED, "unsupported", "indications not sent, or refused, because the peer does not know them") \
	X(REV_C_UNMATCHED, "acknowledgement_unmatched", "acknowledgements that answer no open indication, ignored") \
	X(REV_C_RECEIVED, "indication_received", "indications of peers")                         \
	X(REV_C_ACK_SENT, "acknowledgement_sent", "acknowledgements sent")                       \
	X(REV_C_STRANGER, "stranger", "revocation messages of others than configured peers, discarded") \
	X(REV_C_MALFORMED, "malformed", "revocation messages of a kind that does not exist, discarded") \
	X(REV_C_SEND_FAILED, "send_failed", "messages that could not be sent")
// clang-format on

enum revocation_counter { REVOCATION_COUNTERS(COUNTER_ENUM) REV_C_MAX };

struct revocation_cfg {
	uint32_t init_min_delay_ms; /* InitMINDelayBRIs */
	uint32_t max_timeout_ms;    /* MAX_BRACK_TIMEOUT */
	uint32_t max_retries;	    /* BRIMaxRetriesNumber */
};

enum revocation_outcome {
	REV_ANSWERED,	 /* by the BRA `msg` with `status` */
	REV_NO_ANSWER,	 /* after the last repetition */
	REV_UNSUPPORTED, /* the peer does not know revocation: a Binding Error */
};

/* Borrowed for the call. */
struct revocation_result {
	enum revocation_outcome outcome;
	struct in6_addr peer;
	uint8_t status;		  /* enum bra_status; with REV_ANSWERED */
	const struct mh_msg *msg; /* the BRA; NULL without one */
};

/* The indication is no longer outstanding when this is called: its id may be in use anew. */
typedef void (*revocation_done)(void *arg, const struct revocation_result *result, nsec_t now);

/* Where an indication goes: for a binding over IPv4, both addresses IPv4-mapped and the port that
 * its last good request came from (RFC 5846 4); else port 0. */
struct revocation_path {
	struct in6_addr local, peer;
	uint16_t port;
};

struct revocation;

/* Borrows env, deadlines and sink, copies the rest; `role` is a literal. 0 or -ENOMEM. */
int revocation_new(struct revocation **out, const char *role, const struct revocation_cfg *cfg,
		   const struct env *env, struct deadlines *deadlines,
		   const struct event_sink *sink);
/* Nobody is told about what was outstanding. */
void revocation_free(struct revocation **p);
/* Holds for what is sent from now on. */
void revocation_configure(struct revocation *r, const struct revocation_cfg *cfg);
/* Makes these the peers; lifts what was found out about their abilities. What is outstanding runs
 * on, and one that is no peer any more may still answer it. No address twice. 0, or
 * -ENOMEM and nothing changed. */
int revocation_set_peers(struct revocation *r, const struct in6_addr *peers, unsigned n);
/* The same in two steps, for who has to change other things with it: all that may fail comes in the
 * first, and revocation_abandon_peers() undoes it. */
int revocation_prepare_peers(struct revocation *r, const struct in6_addr *peers, unsigned n);
void revocation_commit_peers(struct revocation *r);
void revocation_abandon_peers(struct revocation *r);

/*
 * Sends an indication. The owner fills in trigger (msg->br.code), flags and options; type and
 * sequence number are set here. `done` is called once, unless cancelled, and never from here. A
 * network that refuses the message counts as loss on the way. Returns the indication's id (>= 0),
 * or -EOPNOTSUPP when the peer is known not to know it, -ENOBUFS when REVOCATION_OUTSTANDING_MAX
 * wait for answers, -ENOMEM, -EINVAL or -EMSGSIZE for a message that cannot be encoded.
 */
int revocation_send(struct revocation *r, const struct revocation_path *path, struct mh_msg *msg,
		    revocation_done done, void *arg, nsec_t now);
/* Of an outstanding indication: is not repeated, and its answer is ignored. */
void revocation_cancel(struct revocation *r, int id);
size_t revocation_outstanding(const struct revocation *r);

/*
 * A message of MH type 16 to one of our addresses. True: an indication of a configured peer, which
 * the caller must judge and answer with revocation_answer(). Acknowledgements are dealt with here;
 * everything else is counted and discarded.
 */
bool revocation_receive(struct revocation *r, const struct packet *pkt, const struct mh_msg *msg,
			nsec_t now);
/* A Binding Error. True: it was the answer to indications, which are done with. */
bool revocation_binding_error(struct revocation *r, const struct packet *pkt,
			      const struct mh_msg *msg, nsec_t now);

/*
 * What RFC 5846 6.2.1 has every responder check, of an indication: 133 for a trigger that is not in
 * the registry, 134 for one that does not go with the G flag, and for V together with G; else
 * BRA_SUCCESS. The P flag and the options are the caller's.
 */
enum bra_status revocation_check(const struct mh_msg *bri);
/* Whether `at_realm` is an MN-ID "@realm", subtype 1 (RFC 5846 8.1). */
bool revocation_names_realm(const struct mnid *at_realm);
/* Whether `id` is of exactly that realm, which it is not when in a sub-realm. Letter case does not
 * matter. */
bool revocation_in_realm(const struct mnid *id, const struct mnid *at_realm);
/* Begins the answer to an indication (RFC 5846 6.1.2); the caller may add options of bindings that
 * failed. */
void revocation_bra(struct mh_msg *out, const struct mh_msg *bri, enum bra_status status);
/* Sends it to where `about`, the indication's packet, came from. */
void revocation_answer(struct revocation *r, const struct packet *about, const struct mh_msg *bra,
		       nsec_t now);

struct counter_set revocation_counters(const struct revocation *r);
