/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/heartbeat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM	 1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>

#include "base/log.h"
#include "base/util.h"

#define FIRST_WITHIN \
	NSEC_PER_SEC /* of the first binding; also what announcements are spread over */
#define PROMPT_EVERY  NSEC_PER_SEC /* requests that unsolicited responses cause */
#define JITTER_PART   16 /* an interval is longer by up to this part of it, never shorter */
#define ANSWERS_BURST 10
#define ANSWER_EVERY  (NSEC_PER_SEC / 10)

static const struct counter_desc desc[] = {HEARTBEAT_COUNTERS(COUNTER_DESC)};

struct peer {
	UT_hash_handle hh;
	struct in6_addr addr, local;
	struct heartbeat *h;
	struct deadline deadline;
	uint32_t users;
	enum heartbeat_state state;
	uint32_t missing; /* MISSING_HEARTBEAT */
	uint32_t seq;	  /* of the last request */
	nsec_t sent_at;	  /* when that was sent; 0: none was */
	nsec_t prompt_at; /* no prompted request before */
	nsec_t since;	  /* sending time of the last request answered with this counter */
	nsec_t rtt;
	uint32_t counter;
	uint32_t answers; /* tokens */
	nsec_t answers_at;
	struct log_limit log;
	bool open; /* the last request has no answer yet */
	bool has_counter, has_rtt;
	bool announce;
	bool listed, oom;
};

struct heartbeat {
	const char *role;
	struct heartbeat_cfg cfg;
	struct heartbeat_ops ops;
	const struct env *env;
	struct deadlines *deadlines;
	const struct event_sink *sink;
	struct peer *peers;
	struct log_limit strangers;
	char module[24];
	uint64_t counter[HB_C_MAX];
};

const char *heartbeat_state_name(enum heartbeat_state s)
{
	static const char *const names[] = {
		[HB_UNKNOWN] = "unknown",
		[HB_UP] = "up",
		[HB_DOWN] = "down",
		[HB_UNSUPPORTED] = "unsupported",
	};

	return s < HB_STATE_MAX ? names[s] : "?";
}

static struct peer *peer_find(const struct heartbeat *h, const struct in6_addr *addr)
{
	struct peer *p;

	HASH_FIND(hh, h->peers, addr, sizeof(*addr), p);
	return p;
}

static void peer_free(struct peer *p)
{
	deadline_cancel(p->h->deadlines, &p->deadline);
	HASH_DEL(p->h->peers, p);
	free(p);
}

static nsec_t random_below(const struct heartbeat *h, nsec_t span)
{
	uint64_t v;

	(h->env->random)(h->env->ctx, &v, sizeof(v));
	return span ? v % span : 0;
}

static nsec_t interval(const struct heartbeat *h)
{
	return nsec_from_s(h->cfg.interval_s);
}

/* RFC 5847 3: while there is a binding, and never again after a Binding Error. */
static bool is_asked(const struct peer *p)
{
	return p->users && p->h->cfg.interval_s && p->state != HB_UNSUPPORTED;
}

/* ---- out */

static bool transmit(struct heartbeat *h, const struct in6_addr *from, const struct in6_addr *to,
		     uint16_t port, const struct mh_msg *msg, nsec_t now)
{
	uint8_t buf[64];
	struct packet pkt = {.src = *from, .dst = *to, .data = buf, .port = port};
	const struct event ev = {
		.type = EV_MSG_SENT, .role = h->role, .now = now, .peer = to, .msg = msg};
	int len = mh_encode(msg, buf, sizeof(buf), from, to);

	if (len > 0) {
		pkt.len = (size_t)len;
		len = h->env->send(h->env->ctx, &pkt);
	}
	if (len < 0) {
		/* like a loss on the way */
		h->counter[HB_C_SEND_FAILED]++;
		return false;
	}
	event_emit(h->sink, &ev);
	return true;
}

static void request(struct peer *p, nsec_t now)
{
	struct mh_msg msg = {.type = MH_HEARTBEAT};

	/* hard to guess for whoever would answer in its place */
	if (!p->sent_at)
		(p->h->env->random)(p->h->env->ctx, &p->seq, sizeof(p->seq));
	msg.hb.seq = ++p->seq;
	p->open = true;
	p->sent_at = now;
	if (transmit(p->h, &p->local, &p->addr, 0, &msg, now))
		p->h->counter[HB_C_REQUEST_SENT]++;
}

static bool respond(struct heartbeat *h, const struct in6_addr *from, const struct in6_addr *to,
		    uint16_t port, uint16_t flags, uint32_t seq, nsec_t now)
{
	struct mh_msg msg = {
		.type = MH_HEARTBEAT, .hb = {flags, seq}
	};

	mh_opt_add(&msg, MHO_RESTART_COUNTER)->restart_counter = h->cfg.restart_counter;
	return transmit(h, from, to, port, &msg, now);
}

/* ---- time */

static void fire(struct deadline *d, void *ctx, nsec_t now)
{
	struct peer *p = container_of(d, struct peer, deadline);
	struct heartbeat *h = p->h;

	(void)ctx;
	if (p->announce) {
		p->announce = false;
		if (respond(h, &p->local, &p->addr, 0, MH_HB_U | MH_HB_R, 0, now))
			h->counter[HB_C_ANNOUNCED]++;
	}
	/* RFC 5847 3.1 */
	if (is_asked(p) && p->open) {
		p->missing++;
		h->counter[HB_C_MISSED]++;
		if (p->missing > h->cfg.missing_allowed && p->state != HB_DOWN) {
			p->state = HB_DOWN;
			h->counter[HB_C_DOWN]++;
			h->ops.down(h->ops.ctx, &p->addr, now);
		}
	}
	if (!is_asked(p))
		return;
	request(p, now);
	deadline_arm(h->deadlines, &p->deadline,
		     now + interval(h) + random_below(h, interval(h) / JITTER_PART + 1));
}

/* Soon, so that the peer's Restart Counter is known early; not sooner than the interval allows. */
static void start(struct peer *p, nsec_t now)
{
	struct heartbeat *h = p->h;
	nsec_t at = now + random_below(h, FIRST_WITHIN);

	if (p->sent_at && at < p->sent_at + interval(h))
		at = p->sent_at + interval(h);
	deadline_arm(h->deadlines, &p->deadline, at);
}

static void stop(struct peer *p)
{
	p->open = false;
	p->missing = 0;
	if (!p->announce)
		deadline_cancel(p->h->deadlines, &p->deadline);
}

/* ---- in */

static bool may_answer(struct peer *p, nsec_t now)
{
	const uint64_t refill = nsec_sub(now, p->answers_at) / ANSWER_EVERY;

	if (refill) {
		p->answers = refill >= ANSWERS_BURST - p->answers ? ANSWERS_BURST
								  : p->answers + (uint32_t)refill;
		p->answers_at = now;
	}
	if (!p->answers)
		return false;
	p->answers--;
	return true;
}

static void receive_request(struct peer *p, const struct packet *pkt, const struct mh_msg *msg,
			    nsec_t now)
{
	struct heartbeat *h = p->h;

	h->counter[HB_C_REQUEST_RECEIVED]++;
	if (!may_answer(p, now)) {
		h->counter[HB_C_LIMITED]++;
		return;
	}
	if (respond(h, &pkt->dst, &pkt->src, pkt->port, MH_HB_R, msg->hb.seq, now))
		h->counter[HB_C_RESPONSE_SENT]++;
}

static void receive_unsolicited(struct peer *p, const struct mh_opt *counter, nsec_t now)
{
	p->h->counter[HB_C_UNSOLICITED]++;
	if (!counter)
		return;
	if (p->state == HB_UNSUPPORTED) {
		p->state = HB_UNKNOWN;
		if (is_asked(p))
			start(p, now);
		return;
	}
	if (!is_asked(p) || (p->has_counter && p->counter == counter->restart_counter) ||
	    now < p->prompt_at)
		return;
	p->prompt_at = now + PROMPT_EVERY;
	/* the schedule stays, and with it what is counted as missing */
	request(p, now);
}

static void receive_response(struct peer *p, const struct mh_msg *msg, const struct mh_opt *counter,
			     nsec_t now)
{
	struct heartbeat *h = p->h;
	const bool was_down = p->state == HB_DOWN;
	const bool doubtful = !was_down && p->missing && p->missing >= h->cfg.missing_allowed;
	const nsec_t since = p->since;
	bool restarted = false;

	if (!p->open || msg->hb.seq != p->seq) {
		h->counter[HB_C_UNMATCHED]++;
		return;
	}
	h->counter[HB_C_RESPONSE_RECEIVED]++;
	p->open = false;
	p->missing = 0;
	p->state = HB_UP;
	p->rtt = nsec_sub(now, p->sent_at);
	p->has_rtt = true;
	if (counter) {
		restarted = p->has_counter && p->counter != counter->restart_counter;
		p->counter = counter->restart_counter;
		p->has_counter = true;
		p->since = p->sent_at;
	}
	if (was_down) {
		h->counter[HB_C_UP]++;
		h->ops.up(h->ops.ctx, &p->addr, now);
	}
	if (doubtful)
		h->ops.doubtful(h->ops.ctx, &p->addr, now);
	if (restarted) {
		h->counter[HB_C_RESTARTED]++;
		h->ops.restarted(h->ops.ctx, &p->addr, since, now);
	}
}

static void ignore_stranger(struct heartbeat *h, const struct packet *pkt, nsec_t now)
{
	const struct event ev = {.type = EV_REFUSED,
				 .role = h->role,
				 .now = now,
				 .peer = &pkt->src,
				 .cause = "heartbeat of a stranger"};
	char src[ADDR6_STRLEN];

	h->counter[HB_C_STRANGER]++;
	log_limited(&h->strangers, now, LOG_C_AUTH,
		    "%s: heartbeat from %s ignored: not a configured peer", h->role,
		    addr_str(&pkt->src, src));
	event_emit(h->sink, &ev);
}

void heartbeat_receive(struct heartbeat *h, const struct packet *pkt, const struct mh_msg *msg,
		       nsec_t now)
{
	struct peer *p = peer_find(h, &pkt->src);
	const struct mh_opt *counter = mh_opt(msg, MHO_RESTART_COUNTER);
	const struct event ev = {
		.type = EV_MSG_RCVD, .role = h->role, .now = now, .peer = &pkt->src, .msg = msg};

	if (!p) {
		ignore_stranger(h, pkt, now);
		return;
	}
	event_emit(h->sink, &ev);
	if (!(msg->hb.flags & MH_HB_R))
		receive_request(p, pkt, msg, now);
	else if (msg->hb.flags & MH_HB_U)
		receive_unsolicited(p, counter, now);
	else
		receive_response(p, msg, counter, now);
}

bool heartbeat_binding_error(struct heartbeat *h, const struct packet *pkt,
			     const struct mh_msg *msg, nsec_t now)
{
	struct peer *p = peer_find(h, &pkt->src);
	char src[ADDR6_STRLEN];

	if (!p || !p->open || msg->be.status != BE_UNKNOWN_MH_TYPE)
		return false;
	h->counter[HB_C_UNSUPPORTED]++;
	log_limited(&p->log, now, LOG_C_REMOTE, "%s: %s does not know heartbeats, none are sent",
		    h->role, addr_str(&pkt->src, src));
	stop(p);
	p->state = HB_UNSUPPORTED;
	return true;
}

/* ---- life, peers, bindings */

int heartbeat_new(struct heartbeat **out, const char *role, const struct heartbeat_cfg *cfg,
		  const struct heartbeat_ops *ops, const struct env *env,
		  struct deadlines *deadlines, const struct event_sink *sink)
{
	struct heartbeat *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->role = role;
	h->cfg = *cfg;
	h->ops = *ops;
	h->env = env;
	h->deadlines = deadlines;
	h->sink = sink;
	snprintf(h->module, sizeof(h->module), "%s-heartbeat", role);
	*out = h;
	return 0;
}

void heartbeat_free(struct heartbeat **p)
{
	struct heartbeat *h = *p;

	if (!h)
		return;
	while (h->peers)
		peer_free(h->peers);
	free(h);
	*p = NULL;
}

void heartbeat_configure(struct heartbeat *h, const struct heartbeat_cfg *cfg, nsec_t now)
{
	const bool other = h->cfg.interval_s != cfg->interval_s;
	struct peer *p;

	h->cfg = *cfg;
	for (p = h->peers; other && p; p = p->hh.next) {
		if (is_asked(p))
			start(p, now);
		else
			stop(p);
	}
}

static struct peer *peer_new(struct heartbeat *h, const struct heartbeat_peer *cfg)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->h = h;
	p->addr = cfg->addr;
	p->local = cfg->local;
	p->deadline.fire = fire;
	p->answers = ANSWERS_BURST;
	HASH_ADD(hh, h->peers, addr, sizeof(p->addr), p);
	if (p->oom) {
		free(p);
		return NULL;
	}
	return p;
}

int heartbeat_set_peers(struct heartbeat *h, const struct heartbeat_peer *peers, unsigned n)
{
	struct peer *p, *next;
	unsigned i;

	for (p = h->peers; p; p = p->hh.next)
		p->listed = true;
	for (i = 0; i < n; i++) {
		if (!peer_find(h, &peers[i].addr) && !peer_new(h, &peers[i]))
			break;
	}
	if (i < n) {
		/* those that just came are not listed */
		HASH_ITER (hh, h->peers, p, next) {
			if (!p->listed)
				peer_free(p);
		}
		return -ENOMEM;
	}
	for (p = h->peers; p; p = p->hh.next)
		p->listed = false;
	for (i = 0; i < n; i++) {
		p = peer_find(h, &peers[i].addr);
		p->listed = true;
		if (!p->users)
			p->local = peers[i].local;
		if (p->state == HB_UNSUPPORTED)
			p->state = HB_UNKNOWN;
	}
	HASH_ITER (hh, h->peers, p, next) {
		if (!p->listed)
			peer_free(p);
	}
	return 0;
}

void heartbeat_announce(struct heartbeat *h, nsec_t now)
{
	struct peer *p;

	for (p = h->peers; p; p = p->hh.next) {
		p->announce = true;
		if (!p->deadline.armed)
			deadline_arm(h->deadlines, &p->deadline,
				     now + random_below(h, FIRST_WITHIN));
	}
}

void heartbeat_users(struct heartbeat *h, const struct in6_addr *peer, const struct in6_addr *local,
		     uint32_t n, nsec_t now)
{
	struct peer *p = peer_find(h, peer);
	bool was;

	if (!p)
		return;
	was = is_asked(p);
	p->users = n;
	if (n && local)
		p->local = *local;
	if (!n)
		stop(p);
	else if (is_asked(p) && (!was || !p->deadline.armed))
		start(p, now);
}

void heartbeat_remember(struct heartbeat *h, const struct in6_addr *peer, uint32_t counter)
{
	struct peer *p = peer_find(h, peer);

	if (!p || p->has_counter)
		return;
	p->has_counter = true;
	p->counter = counter;
}

bool heartbeat_info(const struct heartbeat *h, const struct in6_addr *peer,
		    struct heartbeat_info *out)
{
	const struct peer *p = peer_find(h, peer);

	if (!p)
		return false;
	*out = (struct heartbeat_info){
		.state = p->state,
		.missing = p->missing,
		.has_counter = p->has_counter,
		.has_rtt = p->has_rtt,
		.restart_counter = p->counter,
		.rtt = p->rtt,
	};
	return true;
}

struct counter_set heartbeat_counters(const struct heartbeat *h)
{
	return (struct counter_set){h->module, desc, h->counter, ARRAY_SIZE(desc)};
}
