/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/revocation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HASH_NONFATAL_OOM	 1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>

#include "base/log.h"
#include "base/util.h"
#include "core/rtx.h"

static const struct counter_desc desc[] = {REVOCATION_COUNTERS(COUNTER_DESC)};

/* What a peer is found not to know. */
struct peer {
	UT_hash_handle hh;
	struct in6_addr addr;
	bool none;	   /* revocation at all */
	uint8_t kinds;	   /* bit per combination of V and G */
	uint16_t triggers; /* bit per trigger of the registry */
	struct log_limit log;
	bool oom;
};

/* An indication without an answer. */
struct bri {
	UT_hash_handle hh; /* by seq */
	struct revocation *r;
	struct deadline deadline;
	struct rtx rtx;
	uint32_t max_retries;
	struct revocation_path path;
	revocation_done done;
	void *arg;
	uint16_t seq, flags;
	uint8_t trigger;
	bool unsupported; /* by a Binding Error */
	bool oom;
	size_t len;
	uint8_t data[]; /* as sent */
};

struct revocation {
	const char *role;
	struct revocation_cfg cfg;
	const struct env *env;
	struct deadlines *deadlines;
	const struct event_sink *sink;
	struct peer *peers, *prepared;
	struct bri *open;
	uint16_t seq; /* of the last one */
	struct log_limit strangers;
	char module[24];
	uint64_t counter[REV_C_MAX];
};

static struct peer *peer_find(const struct revocation *r, const struct in6_addr *addr)
{
	struct peer *p;

	HASH_FIND(hh, r->peers, addr, sizeof(*addr), p);
	return p;
}

static struct bri *bri_find(const struct revocation *r, uint16_t seq)
{
	struct bri *b;

	HASH_FIND(hh, r->open, &seq, sizeof(seq), b);
	return b;
}

static void bri_free(struct bri *b)
{
	deadline_cancel(b->r->deadlines, &b->deadline);
	HASH_DEL(b->r->open, b);
	free(b);
}

/* ---- what peers do not know */

static uint8_t kind_bit(uint16_t flags)
{
	return (uint8_t)(1u << ((flags & MH_BR_V ? 1 : 0) + (flags & MH_BR_G ? 2 : 0)));
}

/* 0: not in the registry. */
static uint16_t trigger_bit(uint8_t trigger)
{
	if (trigger <= BR_OUT_OF_SYNC)
		return (uint16_t)(1u << trigger);
	if (trigger == BR_PER_PEER_POLICY || trigger == BR_LOCAL_POLICY)
		return (uint16_t)(1u << (8 + trigger - BR_PER_PEER_POLICY));
	return 0;
}

static bool is_known_by(const struct peer *p, const struct mh_msg *msg)
{
	return !p || !(p->none || (p->kinds & kind_bit(msg->br.flags)) ||
		       (p->triggers & trigger_bit(msg->br.code)));
}

static void learn(struct revocation *r, struct peer *p, const struct bri *b, uint8_t status,
		  nsec_t now)
{
	char addr[ADDR6_STRLEN];

	if (status == BRA_PROXY_NOT_SUPPORTED)
		p->none = true;
	else if (status == BRA_FUNCTION_NOT_SUPPORTED)
		p->kinds |= kind_bit(b->flags);
	else if (status == BRA_TRIGGER_NOT_SUPPORTED)
		p->triggers |= trigger_bit(b->trigger);
	else
		return;
	r->counter[REV_C_UNSUPPORTED]++;
	log_limited(&p->log, now, LOG_C_REMOTE, "%s: %s does not know the revocation \"%s\": %s",
		    r->role, addr_str(&p->addr, addr), br_trigger_name(b->trigger),
		    bra_status_name(status));
}

/* ---- out */

static void tell(const struct revocation *r, enum event_type type, const struct in6_addr *peer,
		 const struct mh_msg *msg, nsec_t now)
{
	const struct mh_opt *id = mh_opt(msg, MHO_MN_ID);
	const struct event ev = {.type = type,
				 .role = r->role,
				 .now = now,
				 .mnid = id ? &id->mnid : NULL,
				 .peer = peer,
				 .msg = msg,
				 .clause = "RFC 5846"};

	event_emit(r->sink, &ev);
}

/* False: like a loss on the way. */
static bool transmit(struct revocation *r, const struct revocation_path *path, const uint8_t *data,
		     size_t len, const struct mh_msg *msg, nsec_t now)
{
	const struct packet pkt = {path->local, path->peer, data, len, path->port};

	if (r->env->send(r->env->ctx, &pkt) < 0) {
		r->counter[REV_C_SEND_FAILED]++;
		return false;
	}
	tell(r, EV_MSG_SENT, &path->peer, msg, now);
	return true;
}

static void repeat(struct bri *b, nsec_t now)
{
	struct mh_msg msg;

	if (mh_decode(&msg, b->data, b->len, NULL, NULL) == MH_OK &&
	    transmit(b->r, &b->path, b->data, b->len, &msg, now))
		b->r->counter[REV_C_REPEATED]++;
}

/* Frees it, then tells the owner. */
static void finish(struct bri *b, struct revocation_result *res, nsec_t now)
{
	const revocation_done done = b->done;
	void *arg = b->arg;

	res->peer = b->path.peer;
	bri_free(b);
	done(arg, res, now);
}

static void fire(struct deadline *d, void *ctx, nsec_t now)
{
	struct bri *b = container_of(d, struct bri, deadline);
	struct revocation_result res = {.outcome = REV_NO_ANSWER};
	char addr[ADDR6_STRLEN];

	(void)ctx;
	if (b->unsupported) {
		res.outcome = REV_UNSUPPORTED;
		finish(b, &res, now);
		return;
	}
	/* the first transmission is no retry */
	if (b->rtx.sent <= b->max_retries) {
		repeat(b, now);
		deadline_arm(b->r->deadlines, d, rtx_next(&b->rtx, now));
		return;
	}
	b->r->counter[REV_C_NO_ANSWER]++;
	if (peer_find(b->r, &b->path.peer))
		log_limited(&peer_find(b->r, &b->path.peer)->log, now, LOG_C_REMOTE,
			    "%s: %s does not acknowledge the revocation \"%s\"", b->r->role,
			    addr_str(&b->path.peer, addr), br_trigger_name(b->trigger));
	finish(b, &res, now);
}

int revocation_send(struct revocation *r, const struct revocation_path *path, struct mh_msg *msg,
		    revocation_done done, void *arg, nsec_t now)
{
	uint8_t buf[MH_MAX_LEN];
	struct bri *b;
	int len;

	if (!is_known_by(peer_find(r, &path->peer), msg)) {
		r->counter[REV_C_UNSUPPORTED]++;
		return -EOPNOTSUPP;
	}
	if (HASH_COUNT(r->open) >= REVOCATION_OUTSTANDING_MAX) {
		r->counter[REV_C_FULL]++;
		return -ENOBUFS;
	}
	do
		r->seq++;
	while (bri_find(r, r->seq));
	msg->type = MH_BINDING_REVOCATION;
	msg->br.type = BR_INDICATION;
	msg->br.seq = r->seq;
	len = mh_encode(msg, buf, sizeof(buf), &path->local, &path->peer);
	if (len < 0)
		return len;
	b = calloc(1, sizeof(*b) + (size_t)len);
	if (!b)
		return -ENOMEM;
	b->r = r;
	b->deadline.fire = fire;
	b->max_retries = r->cfg.max_retries;
	b->path = *path;
	b->done = done;
	b->arg = arg;
	b->seq = r->seq;
	b->flags = msg->br.flags;
	b->trigger = msg->br.code;
	b->len = (size_t)len;
	memcpy(b->data, buf, b->len);
	HASH_ADD(hh, r->open, seq, sizeof(b->seq), b);
	if (b->oom) {
		free(b);
		return -ENOMEM;
	}
	rtx_init(&b->rtx, r->cfg.init_min_delay_ms, r->cfg.max_timeout_ms);
	deadline_arm(r->deadlines, &b->deadline, rtx_next(&b->rtx, now));
	if (transmit(r, path, b->data, b->len, msg, now))
		r->counter[REV_C_SENT]++;
	return b->seq;
}

void revocation_cancel(struct revocation *r, int id)
{
	struct bri *b = bri_find(r, (uint16_t)id);

	if (!b)
		return;
	r->counter[REV_C_CANCELLED]++;
	bri_free(b);
}

size_t revocation_outstanding(const struct revocation *r)
{
	return HASH_COUNT(r->open);
}

/* ---- in */

/* The open indication that the message answers, or NULL. */
static struct bri *acknowledged(const struct revocation *r, const struct packet *pkt,
				const struct mh_msg *msg)
{
	const uint16_t copied = MH_BR_P | MH_BR_V | MH_BR_G;
	struct bri *b = msg->br.type == BR_ACKNOWLEDGEMENT ? bri_find(r, msg->br.seq) : NULL;

	if (!b || !IN6_ARE_ADDR_EQUAL(&b->path.peer, &pkt->src) ||
	    !IN6_ARE_ADDR_EQUAL(&b->path.local, &pkt->dst) ||
	    (b->flags & copied) != (msg->br.flags & copied))
		return NULL;
	return b;
}

static void receive_ack(struct revocation *r, struct bri *b, const struct mh_msg *msg, nsec_t now)
{
	struct peer *p = peer_find(r, &b->path.peer);
	struct revocation_result res = {
		.outcome = REV_ANSWERED, .status = msg->br.code, .msg = msg};

	r->counter[msg->br.code < 128 ? REV_C_ACKED : REV_C_REFUSED]++;
	if (p)
		learn(r, p, b, msg->br.code, now);
	finish(b, &res, now);
}

static void ignore_stranger(struct revocation *r, const struct packet *pkt, nsec_t now)
{
	const struct event ev = {.type = EV_REFUSED,
				 .role = r->role,
				 .now = now,
				 .peer = &pkt->src,
				 .cause = "revocation by a stranger"};
	char src[ADDR6_STRLEN];

	r->counter[REV_C_STRANGER]++;
	log_limited(&r->strangers, now, LOG_C_AUTH,
		    "%s: revocation message of %s ignored: not a configured peer", r->role,
		    addr_str(&pkt->src, src));
	event_emit(r->sink, &ev);
}

bool revocation_receive(struct revocation *r, const struct packet *pkt, const struct mh_msg *msg,
			nsec_t now)
{
	struct bri *b = acknowledged(r, pkt, msg);

	/* one that was a peer when it was asked may answer */
	if (!b && !peer_find(r, &pkt->src)) {
		ignore_stranger(r, pkt, now);
		return false;
	}
	tell(r, EV_MSG_RCVD, &pkt->src, msg, now);
	if (msg->br.type == BR_INDICATION) {
		r->counter[REV_C_RECEIVED]++;
		return true;
	}
	if (b)
		receive_ack(r, b, msg, now);
	else
		r->counter[msg->br.type == BR_ACKNOWLEDGEMENT ? REV_C_UNMATCHED
							      : REV_C_MALFORMED]++;
	return false;
}

bool revocation_binding_error(struct revocation *r, const struct packet *pkt,
			      const struct mh_msg *msg, nsec_t now)
{
	struct peer *p = peer_find(r, &pkt->src);
	bool any = false;
	char src[ADDR6_STRLEN];

	if (!p || msg->be.status != BE_UNKNOWN_MH_TYPE)
		return false;
	for (struct bri *b = r->open; b; b = b->hh.next) {
		if (!IN6_ARE_ADDR_EQUAL(&b->path.peer, &pkt->src))
			continue;
		b->unsupported = any = true;
		deadline_arm(r->deadlines, &b->deadline, now);
	}
	if (!any)
		return false;
	p->none = true;
	r->counter[REV_C_UNSUPPORTED]++;
	log_limited(&p->log, now, LOG_C_REMOTE, "%s: %s does not know revocation, none is sent",
		    r->role, addr_str(&pkt->src, src));
	return true;
}

/* ---- what both roles judge alike */

enum bra_status revocation_check(const struct mh_msg *bri)
{
	const bool global = bri->br.flags & MH_BR_G;

	if (!trigger_bit(bri->br.code))
		return BRA_TRIGGER_NOT_SUPPORTED;
	if (global != (bri->br.code >= BR_PER_PEER_POLICY) || (global && (bri->br.flags & MH_BR_V)))
		return BRA_FUNCTION_NOT_SUPPORTED;
	return BRA_SUCCESS;
}

bool revocation_names_realm(const struct mnid *at_realm)
{
	return at_realm->subtype == MNID_NAI && at_realm->len > 1 && at_realm->id[0] == '@' &&
	       !memchr(at_realm->id + 1, '@', at_realm->len - 1u);
}

bool revocation_in_realm(const struct mnid *id, const struct mnid *at_realm)
{
	const uint8_t *at =
		id->subtype == MNID_NAI && id->len ? memrchr(id->id, '@', id->len) : NULL;

	return at && revocation_names_realm(at_realm) && id->id + id->len - at == at_realm->len &&
	       !strncasecmp((const char *)at, (const char *)at_realm->id, at_realm->len);
}

void revocation_bra(struct mh_msg *out, const struct mh_msg *bri, enum bra_status status)
{
	out->type = MH_BINDING_REVOCATION;
	out->n_opts = 0;
	out->br.type = BR_ACKNOWLEDGEMENT;
	out->br.code = (uint8_t)status;
	out->br.seq = bri->br.seq;
	out->br.flags = bri->br.flags & (MH_BR_P | MH_BR_V | MH_BR_G);
}

void revocation_answer(struct revocation *r, const struct packet *about, const struct mh_msg *bra,
		       nsec_t now)
{
	const struct revocation_path back = {about->dst, about->src, about->port};
	uint8_t buf[MH_MAX_LEN];
	int len = mh_encode(bra, buf, sizeof(buf), &back.local, &back.peer);

	if (len < 0) {
		r->counter[REV_C_SEND_FAILED]++;
		return;
	}
	if (transmit(r, &back, buf, (size_t)len, bra, now))
		r->counter[REV_C_ACK_SENT]++;
}

/* ---- life, peers */

void revocation_configure(struct revocation *r, const struct revocation_cfg *cfg)
{
	r->cfg = *cfg;
	if (r->cfg.init_min_delay_ms < REVOCATION_MIN_DELAY_MS)
		r->cfg.init_min_delay_ms = REVOCATION_MIN_DELAY_MS;
	/* the wait does not shrink with repetition */
	if (r->cfg.max_timeout_ms < r->cfg.init_min_delay_ms)
		r->cfg.max_timeout_ms = r->cfg.init_min_delay_ms;
}

int revocation_new(struct revocation **out, const char *role, const struct revocation_cfg *cfg,
		   const struct env *env, struct deadlines *deadlines,
		   const struct event_sink *sink)
{
	struct revocation *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->role = role;
	r->env = env;
	r->deadlines = deadlines;
	r->sink = sink;
	revocation_configure(r, cfg);
	(env->random)(env->ctx, &r->seq, sizeof(r->seq));
	snprintf(r->module, sizeof(r->module), "%s-revocation", role);
	*out = r;
	return 0;
}

static void peers_free(struct peer **peers)
{
	struct peer *p, *next;

	HASH_ITER (hh, *peers, p, next) {
		HASH_DEL(*peers, p);
		free(p);
	}
}

void revocation_free(struct revocation **p)
{
	struct revocation *r = *p;

	if (!r)
		return;
	while (r->open)
		bri_free(r->open);
	peers_free(&r->peers);
	peers_free(&r->prepared);
	free(r);
	*p = NULL;
}

int revocation_prepare_peers(struct revocation *r, const struct in6_addr *peers, unsigned n)
{
	revocation_abandon_peers(r);
	for (unsigned i = 0; i < n; i++) {
		struct peer *p = calloc(1, sizeof(*p));

		if (!p)
			break;
		p->addr = peers[i];
		HASH_ADD(hh, r->prepared, addr, sizeof(p->addr), p);
		if (p->oom) {
			free(p);
			break;
		}
	}
	if (HASH_COUNT(r->prepared) == n)
		return 0;
	revocation_abandon_peers(r);
	return -ENOMEM;
}

void revocation_commit_peers(struct revocation *r)
{
	for (struct peer *p = r->prepared; p; p = p->hh.next) {
		const struct peer *was = peer_find(r, &p->addr);

		if (was)
			p->log = was->log;
	}
	peers_free(&r->peers);
	r->peers = r->prepared;
	r->prepared = NULL;
}

void revocation_abandon_peers(struct revocation *r)
{
	peers_free(&r->prepared);
}

int revocation_set_peers(struct revocation *r, const struct in6_addr *peers, unsigned n)
{
	int rc = revocation_prepare_peers(r, peers, n);

	if (!rc)
		revocation_commit_peers(r);
	return rc;
}

struct counter_set revocation_counters(const struct revocation *r)
{
	return (struct counter_set){r->module, desc, r->counter, ARRAY_SIZE(desc)};
}
