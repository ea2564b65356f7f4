/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/inbox.h"

#include <string.h>

#include "base/util.h"

/* Error replies: a burst of 10, then 10 a second, as RFC 4443 2.4 (f) suggests for errors. */
#define REPLY_BURST 10
#define REPLY_EVERY (NSEC_PER_SEC / 10)

/* RFC 6275 6.1.1: octet offsets a Parameter Problem points at. */
#define OFF_PAYLOAD_PROTO 0
#define OFF_HEADER_LEN	  1

static const struct counter_desc desc[] = {INBOX_COUNTERS(COUNTER_DESC)};

static const enum inbox_counter verdict_counter[MH_VERDICT_MAX] = {
	[MH_OK] = INBOX_C_DELIVERED,
	[MH_TOO_SHORT] = INBOX_C_TOO_SHORT,
	[MH_BAD_CHECKSUM] = INBOX_C_BAD_CHECKSUM,
	[MH_BAD_PROTO] = INBOX_C_BAD_PROTO,
	[MH_BAD_HDRLEN] = INBOX_C_BAD_HDRLEN,
	[MH_TRUNCATED] = INBOX_C_TRUNCATED,
	[MH_UNKNOWN_TYPE] = INBOX_C_UNKNOWN_TYPE,
	[MH_BAD_OPTION] = INBOX_C_BAD_OPTION,
	[MH_TOO_MANY_OPTIONS] = INBOX_C_TOO_MANY_OPTIONS,
};

void inbox_init(struct inbox *in, const struct env *env, const struct event_sink *sink)
{
	memset(in, 0, sizeof(*in));
	in->env = env;
	in->sink = sink;
	in->reply_tokens = REPLY_BURST;
}

void inbox_on(struct inbox *in, uint8_t type, inbox_handler fn, void *ctx)
{
	in->handler[type].fn = fn;
	in->handler[type].ctx = ctx;
}

static bool may_reply(struct inbox *in, nsec_t now)
{
	const uint64_t refill = nsec_sub(now, in->reply_refilled_at) / REPLY_EVERY;

	if (refill) {
		in->reply_tokens = refill >= REPLY_BURST - in->reply_tokens
					   ? REPLY_BURST
					   : in->reply_tokens + (uint32_t)refill;
		in->reply_refilled_at = now;
	}
	if (!in->reply_tokens) {
		in->counter[INBOX_C_REPLY_LIMITED]++;
		return false;
	}
	in->reply_tokens--;
	return true;
}

static void send_binding_error(struct inbox *in, const struct packet *about, nsec_t now)
{
	struct mh_msg be = {.type = MH_BE, .be = {.status = BE_UNKNOWN_MH_TYPE}};
	uint8_t buf[64];
	/* over UDP to the port the message came from, as RFC 5844 4.1.3.2 has it for replies */
	struct packet pkt = {
		.src = about->dst, .dst = about->src, .data = buf, .port = about->port};
	int len;

	if (!may_reply(in, now))
		return;
	len = mh_encode(&be, buf, sizeof(buf), &pkt.src, &pkt.dst);
	if (len < 0)
		return;
	pkt.len = (size_t)len;
	if (in->env->send(in->env->ctx, &pkt) == 0) {
		const struct event ev = {.type = EV_MSG_SENT,
					 .role = "inbox",
					 .now = now,
					 .peer = &pkt.dst,
					 .msg = &be};

		in->counter[INBOX_C_BE_SENT]++;
		event_emit(in->sink, &ev);
	}
}

static void param_problem(struct inbox *in, const struct packet *about, uint32_t offset, nsec_t now)
{
	/* ICMPv6 has nothing to say about what came over IPv4 */
	if (!in->env->param_problem || addr_is_ip4(&about->src) || !may_reply(in, now))
		return;
	in->env->param_problem(in->env->ctx, about, offset);
	in->counter[INBOX_C_PARAM_PROBLEM]++;
}

static void refuse(struct inbox *in, const struct packet *pkt, const struct mh_msg *msg,
		   enum mh_verdict v, nsec_t now)
{
	char src[ADDR6_STRLEN];
	const struct event ev = {.type = EV_REFUSED,
				 .role = "inbox",
				 .now = now,
				 .peer = &pkt->src,
				 .cause = mh_verdict_name(v)};

	in->counter[verdict_counter[v]]++;
	log_limited(&in->log, now, LOG_C_REMOTE, "inbox: message from %s discarded: %s",
		    addr_str(&pkt->src, src), mh_verdict_name(v));
	event_emit(in->sink, &ev);

	switch (v) {
	case MH_BAD_PROTO:
		param_problem(in, pkt, OFF_PAYLOAD_PROTO, now);
		break;
	case MH_BAD_HDRLEN:
		param_problem(in, pkt, OFF_HEADER_LEN, now);
		break;
	case MH_UNKNOWN_TYPE:
		/* a Binding Error about a Binding Error could go on for ever */
		if (msg->type != MH_BE)
			send_binding_error(in, pkt, now);
		break;
	default:
		break;
	}
}

static void receive_binding_error(struct inbox *in, const struct packet *pkt,
				  const struct mh_msg *msg, nsec_t now)
{
	char src[ADDR6_STRLEN];

	in->counter[INBOX_C_BE_RECEIVED]++;
	log_limited(&in->log, now, LOG_C_REMOTE, "inbox: Binding Error status %u from %s",
		    msg->be.status, addr_str(&pkt->src, src));
}

static bool is_unicast(const struct in6_addr *a)
{
	if (addr_is_ip4(a))
		return addr4_is_unicast_routable(addr_to_ip4(a));
	return !addr6_is_multicast(a) && !addr6_is_zero(a);
}

void inbox_receive(struct inbox *in, const struct packet *pkt, nsec_t now)
{
	struct mh_msg msg;
	enum mh_verdict v;

	in->counter[INBOX_C_RECEIVED]++;
	/* no reply of any kind may go to such a source, RFC 6275 9.3.3, 9.5.1 */
	if (!is_unicast(&pkt->src)) {
		in->counter[INBOX_C_BAD_SOURCE]++;
		return;
	}

	v = mh_decode(&msg, pkt->data, pkt->len, &pkt->src, &pkt->dst);
	if (v == MH_OK && msg.type != MH_BE && !in->handler[msg.type].fn)
		v = MH_UNKNOWN_TYPE;
	if (v != MH_OK) {
		refuse(in, pkt, &msg, v, now);
		return;
	}
	if (in->handler[msg.type].fn) {
		in->counter[INBOX_C_DELIVERED]++;
		in->handler[msg.type].fn(in->handler[msg.type].ctx, pkt, &msg, now);
	}
	if (msg.type == MH_BE)
		receive_binding_error(in, pkt, &msg, now);
}

struct counter_set inbox_counters(const struct inbox *in)
{
	return (struct counter_set){"inbox", desc, in->counter, ARRAY_SIZE(desc)};
}
