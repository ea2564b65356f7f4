/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handover Initiate and Handover Acknowledge (RFC 5949 6.1): made, sent, and repeated. What is sent
 * again is sent as it was: a repeated request, or a repeated answer, must not say anything new (RFC
 * 5568 6.2.1).
 */
#include "mag/mag_fho.h"

#include <errno.h>
#include <stdlib.h>

/* ---- what is in them */

/* RFC 5949 6.2.6: the key that we want packets of this node to carry to us. */
static void add_gre(struct mag *m, struct mag_ho *h, struct mh_msg *msg, nsec_t now)
{
	struct mh_opt *o;
	uint32_t key = 0;
	int err;

	if (!h->s || !h->tunnel || !dp_encap_gre((enum dp_encap)h->encap))
		return;
	o = mh_opt_add(msg, MHO_GRE_KEY);
	if (!o || !dp_encap_keyed((enum dp_encap)h->encap))
		return;
	err = mag_ho_own_key(m, h, &key);
	if (err)
		mag_ho_log(m, h, now, LOG_C_LOCAL, "no GRE key for it: %s", strerror(-err));
	o->gre.has_key = !err;
	o->gre.key = key;
}

static void add_mnid(struct mh_msg *msg, const struct mnid *id)
{
	struct mh_opt *o = mh_opt_add(msg, MHO_MN_ID);

	if (o)
		o->mnid = *id;
}

/* ---- sending */

static bool transmit(struct mag *m, struct mag_neighbour *n, const uint8_t *octets, size_t len,
		     nsec_t now)
{
	const struct packet pkt = {
		.src = *mag_coa(m, &n->cfg.addr), .dst = n->cfg.addr, .data = octets, .len = len};
	int err = m->env->send(m->env->ctx, &pkt);

	if (!err)
		return true;
	/* like a loss on the way: the retransmission repairs it */
	ho_count_up(m, HO_C_SEND_FAILED);
	log_limited(&n->limit, now, LOG_C_LOCAL, "mag: cannot send to neighbour %s: %s",
		    n->cfg.name, strerror(-err));
	return false;
}

static void tell_sent(struct mag *m, const struct mag_neighbour *n, const struct mnid *id,
		      const struct mh_msg *msg, unsigned repeat, nsec_t now)
{
	event_emit(m->sink, &(struct event){.type = EV_MSG_SENT,
					    .role = "mag",
					    .now = now,
					    .mnid = id,
					    .peer = &n->cfg.addr,
					    .repeat = repeat,
					    .msg = msg});
}

/* Keeps a copy of the encoded message. 0 or -errno. */
static int encode(const struct mag *m, const struct mag_neighbour *n, const struct mh_msg *msg,
		  uint8_t **octets, uint16_t *len)
{
	uint8_t buf[MH_MAX_LEN], *copy;
	int total = mh_encode(msg, buf, sizeof(buf), mag_coa(m, &n->cfg.addr), &n->cfg.addr);

	if (total < 0)
		return total;
	copy = malloc((size_t)total);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, buf, (size_t)total);
	free(*octets);
	*octets = copy;
	*len = (uint16_t)total;
	return 0;
}

void mag_ho_close_hi(struct mag *m, struct mag_ho *h)
{
	struct mag_ho **slot = &m->fho->inflight[h->hi_seq % HO_INFLIGHT];

	h->open = false;
	deadline_cancel(&m->timers, &h->hi_timer);
	if (*slot == h)
		*slot = NULL;
}

static void transmit_hi(struct mag *m, struct mag_ho *h, nsec_t now)
{
	if (transmit(m, h->n, h->hi, h->hi_len, now))
		ho_count_up(m, HO_C_HI_SENT);
	deadline_arm(&m->timers, &h->hi_timer, rtx_next(&h->rtx, now));
}

void mag_ho_send_hi(struct mag *m, struct mag_ho *h, uint8_t flags, uint8_t code,
		    enum ho_contents contents, nsec_t now)
{
	struct mh_msg msg = {.type = MH_HI};
	uint8_t request[HO_REQUEST_MAX];
	int err;

	mag_ho_close_hi(m, h);
	h->hi_seq = ++m->fho->seq;
	h->hi_flags = MH_HI_P | flags;
	h->hi_code = code;
	h->hi_at = now;
	msg.ho.seq = h->hi_seq;
	msg.ho.flags = h->hi_flags;
	msg.ho.code = code;
	add_mnid(&msg, &h->mnid);
	if (h->s && contents == HO_CONTEXT)
		mag_ho_add_context(m, h->s, &msg);
	else /* which of the node's interfaces it is about */
		mag_ho_add_llid(&msg, &h->mac);
	if (h->s && contents == HO_REQUEST)
		mag_ho_add_request(m, &msg, request);
	if (contents != HO_NOTHING)
		add_gre(m, h, &msg, now);
	rtx_init(&h->rtx, m->cfg.fho.hi_timeout_ms, UINT32_MAX);
	h->open = true;
	m->fho->inflight[h->hi_seq % HO_INFLIGHT] = h;
	err = encode(m, h->n, &msg, &h->hi, &h->hi_len);
	if (err) {
		/* as if nobody answered, when what is being done is done */
		ho_count_up(m, HO_C_NOT_MADE);
		mag_ho_log(m, h, now, LOG_C_LOCAL, "cannot make a message: %s", strerror(-err));
		h->hi_len = 0;
		deadline_arm(&m->timers, &h->hi_timer, now);
		return;
	}
	transmit_hi(m, h, now);
	tell_sent(m, h->n, &h->mnid, &msg, 0, now);
}

void mag_ho_resend_hi(struct mag *m, struct mag_ho *h, nsec_t now)
{
	struct mh_msg msg;

	ho_count_up(m, HO_C_HI_RETRANSMITTED);
	h->resent++;
	transmit_hi(m, h, now);
	if (mh_decode(&msg, h->hi, h->hi_len, NULL, NULL) == MH_OK)
		tell_sent(m, h->n, &h->mnid, &msg, h->rtx.sent - 1, now);
}

/* ---- answering */

void mag_ho_answer(struct mag *m, struct mag_neighbour *n, const struct mh_msg *hi,
		   const struct ho_reply *r, nsec_t now)
{
	const struct mnid id = mh_opt(hi, MHO_MN_ID)->mnid;
	struct mh_msg msg = {.type = MH_HACK};
	uint8_t *octets = NULL;
	uint16_t len = 0;
	int err;

	msg.ho.seq = hi->ho.seq;
	msg.ho.flags = MH_HACK_P | r->flags;
	msg.ho.code = r->code;
	add_mnid(&msg, &id);
	if (r->s) {
		const uint8_t code = mag_ho_answer_context(m, r->s, r->request, &msg);

		if (r->code == HACK_ACCEPTED)
			msg.ho.code = code;
	}
	if (r->h && msg.ho.code < HACK_UNSPECIFIED)
		add_gre(m, r->h, &msg, now);
	err = encode(m, n, &msg, &octets, &len);
	if (err) {
		ho_count_up(m, HO_C_NOT_MADE);
		log_limited(&n->limit, now, LOG_C_LOCAL, "mag: cannot answer neighbour %s: %s",
			    n->cfg.name, strerror(-err));
		return;
	}
	if (transmit(m, n, octets, len, now)) {
		ho_count_up(m, HO_C_HACK_SENT);
		tell_sent(m, n, &id, &msg, 0, now);
	}
	if (!r->h) {
		free(octets);
		return;
	}
	mag_ho_remember(m, r->h, now);
	free(r->h->reply);
	r->h->repeated = 0;
	r->h->reply = octets;
	r->h->reply_len = len;
	r->h->reply_to = hi->ho.seq;
}

static void repeat(struct mag *m, struct mag_neighbour *n, const struct mnid *id,
		   const uint8_t *reply, uint16_t len, unsigned *repeated, nsec_t now)
{
	struct mh_msg msg;

	ho_count_up(m, HO_C_HI_REPEATED);
	if (!transmit(m, n, reply, len, now))
		return;
	ho_count_up(m, HO_C_HACK_SENT);
	if (mh_decode(&msg, reply, len, NULL, NULL) == MH_OK)
		tell_sent(m, n, id, &msg, ++*repeated, now);
}

void mag_ho_repeat_answer(struct mag *m, struct mag_ho *h, nsec_t now)
{
	repeat(m, h->n, &h->mnid, h->reply, h->reply_len, &h->repeated, now);
}

void mag_ho_repeat_past(struct mag *m, struct mag_neighbour *n, struct ho_past *p, nsec_t now)
{
	repeat(m, n, &p->mnid, p->reply, p->reply_len, &p->repeated, now);
}
