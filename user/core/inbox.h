/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every Mobility Header message goes through before a role sees it (RFC 6275 9.2): checksum,
 * Payload Proto, Header Len, type, options. Each kind of refusal has its counter and its answer:
 * silence, an ICMPv6 Parameter Problem, or a Binding Error, all of them rate-limited.
 *
 * The owner registers one handler per MH type; a type nobody registered for is "unrecognized".
 */
#pragma once

#include "base/counter.h"
#include "base/log.h"
#include "core/env.h"
#include "core/event.h"
#include "wire/mh.h"

/* (SYMBOL, "name", "help") */
#define INBOX_COUNTERS(X)                                                                          \
	X(INBOX_C_RECEIVED, "received", "Mobility Header messages received")                       \
	X(INBOX_C_DELIVERED, "delivered", "handed to the LMA or MAG")                              \
	X(INBOX_C_TOO_SHORT, "too_short", "shorter than a Mobility Header, discarded")             \
	X(INBOX_C_BAD_CHECKSUM, "bad_checksum", "wrong checksum, silently discarded")              \
	X(INBOX_C_BAD_PROTO, "bad_payload_proto", "Payload Proto is not 59, discarded")            \
	X(INBOX_C_BAD_HDRLEN, "bad_header_len", "Header Len below the type's minimum, discarded")  \
	X(INBOX_C_TRUNCATED, "truncated", "Header Len beyond the datagram, discarded")             \
	X(INBOX_C_UNKNOWN_TYPE, "unknown_type", "MH type not supported here, discarded")           \
	X(INBOX_C_BAD_OPTION, "bad_option", "an option overruns the message, discarded")           \
	X(INBOX_C_TOO_MANY_OPTIONS, "too_many_options", "more options than are kept, discarded")   \
	X(INBOX_C_BAD_SOURCE, "bad_source", "source is not a unicast address, silently discarded") \
	X(INBOX_C_BE_RECEIVED, "binding_error_received", "Binding Errors received")                \
	X(INBOX_C_BE_SENT, "binding_error_sent", "Binding Errors sent")                            \
	X(INBOX_C_PARAM_PROBLEM, "parameter_problem_sent", "ICMPv6 Parameter Problems sent")       \
	X(INBOX_C_REPLY_LIMITED, "error_reply_limited", "error replies not sent: rate limit")

enum inbox_counter { INBOX_COUNTERS(COUNTER_ENUM) INBOX_C_MAX };

typedef void (*inbox_handler)(void *ctx, const struct packet *pkt, const struct mh_msg *msg,
			      nsec_t now);

struct inbox {
	const struct env *env;
	const struct event_sink *sink;
	struct {
		inbox_handler fn;
		void *ctx;
	} handler[256];
	struct log_limit log;
	nsec_t reply_refilled_at; /* token bucket of error replies */
	uint32_t reply_tokens;
	uint64_t counter[INBOX_C_MAX];
};

/* Borrows env and sink. */
void inbox_init(struct inbox *in, const struct env *env, const struct event_sink *sink);
void inbox_on(struct inbox *in, uint8_t type, inbox_handler fn, void *ctx);
/* A datagram as the socket gave it. */
void inbox_receive(struct inbox *in, const struct packet *pkt, nsec_t now);
struct counter_set inbox_counters(const struct inbox *in);
