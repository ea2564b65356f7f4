/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of neighbours (RFC 5949 4.1, 4.2): who may say what, and which handover it is about.
 *
 * A Handover Initiate with addresses or an anchor in it announces a node, which makes us its new
 * gateway; one without asks for a node of ours. Both are named by the MN-Identifier. A node with
 * several interfaces has several handovers, which the link-layer identifier tells from each other.
 * RFC 5949 does not need that (5.1: one interface is active at a time), and a neighbour may leave
 * the identifier out: then what it says is about the handover that has lasted longest.
 */
#include "mag/mag_fho.h"

#include <errno.h>

static bool offers(const struct mag_context *c)
{
	return c->n_prefixes || c->addr4.s_addr || !addr6_is_zero(&c->lmaa);
}

bool mag_ho_usable(const struct mag_context *c)
{
	return c->n_prefixes || c->addr4.s_addr;
}

struct ho_ctx mag_ho_ctx_of(const struct ho_heard *x)
{
	return (struct ho_ctx){.m = x->m, .now = x->now, .msg = x->msg, .context = &x->context};
}

uint8_t mag_ho_granted(const struct ho_heard *x)
{
	return (x->forward ? MH_HACK_F : 0) | (x->buffer ? MH_HACK_U : 0);
}

/* The last word about that node was that forwarding is over: this begins anew. */
struct mag_ho *mag_ho_drop_ended(struct ho_heard *x, struct mag_ho *h)
{
	struct ho_ctx c = mag_ho_ctx_of(x);

	if (!h || h->state != HST_ENDING)
		return h;
	mag_ho_act_ended(h, &c);
	return NULL;
}

/* ---- we are the old gateway */

/* The handover that `n` asks for; another one that the session was in ends. NULL: cannot be. */
static struct mag_ho *asked(struct ho_heard *x, struct mag_session *s)
{
	struct mag_ho *old = s->ho, *h;
	struct ho_ctx c = mag_ho_ctx_of(x);

	/* served by way of its own old gateway: nothing to forward */
	if (old && old->role == HO_NEW && old->state != HST_SETTLING && old->state != HST_ENDING)
		return NULL;
	if (mag_ho_new(x->m, x->n, x->id, &x->context.mac, HO_OLD, x->now, &h))
		return NULL;
	h->reactive = true;
	if (mag_ho_open_tunnel(x->m, h, mag_ho_encap_of(x->m, x->n, &x->context))) {
		mag_ho_free(x->m, h, x->now);
		return NULL;
	}
	if (old)
		mag_ho_unbind(old);
	mag_ho_bind(x->m, h, s);
	ho_count_up(x->m, HO_C_ASKED);
	if (old) {
		/* what it still has in the data plane goes first */
		(void)mag_serve_paths(x->m, s);
		c.cause = "asked for by another gateway";
		mag_ho_step(old, HEV_CUT, &c);
	}
	return h;
}

static void take_request(struct ho_heard *x, struct mag_ho *h)
{
	const struct mac *mac = mac_is_zero(&x->context.mac) ? NULL : &x->context.mac;
	const bool wants = x->forward || x->buffer;
	struct ho_ctx c = mag_ho_ctx_of(x);
	struct mag_session *s;

	x->reply.code = HACK_ACCEPTED;
	x->reply.request = mh_opt(x->msg, MHO_CONTEXT_REQUEST);
	h = mag_ho_drop_ended(x, h);
	if (h && h->role == HO_NEW) {
		/* RFC 5949 4.1 (e): it forwards from now on */
		h->forwarding |= x->forward;
		mag_ho_step(h, x->forward ? HEV_WANTS_FORWARDING : HEV_WANTS_BUFFERING, &c);
		if (h->s && h->s->serving && mag_serve_paths(x->m, h->s))
			x->reply.code = HACK_NO_FORWARDING;
		x->reply.flags = mag_ho_granted(x);
		x->reply.h = h;
		return;
	}
	s = h ? h->s : mag_ho_session(x->m, x->id, mac);
	if (!s) {
		x->reply.code = HACK_NO_CONTEXT;
		return;
	}
	if (h && h->state == HST_OFFERED && wants)
		ho_count_up(x->m, HO_C_CROSSED);
	/* the answer to a trigger's announcement knows the context */
	if (!h || h->reactive || x->reply.request)
		x->reply.s = s;
	if (!wants)
		return;
	if (!h)
		h = asked(x, s);
	if (!h) {
		x->reply.code = x->forward ? HACK_NO_FORWARDING : HACK_RESOURCES;
		return;
	}
	mag_ho_step(h, x->forward ? HEV_WANTS_FORWARDING : HEV_WANTS_BUFFERING, &c);
	if (c.code) {
		x->reply.code = c.code;
		return;
	}
	x->reply.h = h;
	x->reply.flags = mag_ho_granted(x);
}

/* ---- Handover Initiate */

static bool may_send(struct mag *m, struct mag_neighbour *n, nsec_t now)
{
	const uint32_t rate = m->cfg.fho.hi_rate;
	uint64_t more;

	if (!rate)
		return true;
	more = nsec_sub(now, n->refilled_at) * rate / NSEC_PER_SEC;
	if (more) {
		n->tokens = more < rate - n->tokens ? n->tokens + (uint32_t)more : rate;
		n->refilled_at = now;
	}
	if (!n->tokens)
		return false;
	n->tokens--;
	return true;
}

static void take_vendors(struct mag *m, const struct mag_ho *h, const struct mh_msg *msg,
			 nsec_t now)
{
	unsigned lost, taken = mag_vendors_inherited(m, h->s, msg, &lost);

	m->fho->counter[HO_C_VENDOR_TAKEN] += taken;
	m->fho->counter[HO_C_VENDOR_LOST] += lost;
	if (lost)
		mag_ho_log(m, h, now, LOG_C_REMOTE,
			   "%u Vendor Specific options are not kept: too many, too long, or no "
			   "memory",
			   lost);
}

/* The handover that it is about, or NULL. */
static struct mag_ho *subject(const struct ho_heard *x)
{
	const struct mac *mac = &x->context.mac;
	struct mag_ho *h = mag_ho_find(x->m, x->n, x->id, mac);
	const struct mag_session *s;

	if (h || mac_is_zero(mac))
		return h;
	/* the other gateway knows another interface of the node than we do */
	h = mag_ho_find(x->m, x->n, x->id, NULL);
	if (!h)
		return NULL;
	/* it may be the answer to what we have asked on the node's new interface */
	if (offers(&x->context))
		return h->state == HST_ASKED ? h : NULL;
	s = mag_ho_session(x->m, x->id, mac);
	return s && mac_eq(&s->b.mac, mac) ? NULL : h;
}

static void receive_hi(struct mag *m, struct mag_neighbour *n, const struct mh_msg *msg,
		       const struct mnid *id, nsec_t now)
{
	struct ho_heard x = {.m = m, .n = n, .msg = msg, .id = id, .now = now};
	struct mag_ho *h = mag_ho_answered(m, n, id, msg->ho.seq);
	struct ho_past *past = h ? NULL : mag_ho_past(m, n, id, msg->ho.seq, now);
	struct ho_ctx c;
	bool fit;

	if (h) {
		mag_ho_repeat_answer(m, h, now);
		return;
	}
	if (past) {
		mag_ho_repeat_past(m, n, past, now);
		return;
	}
	x.forward = msg->ho.flags & MH_HI_F;
	x.buffer = msg->ho.flags & MH_HI_U;
	fit = mag_ho_read_context(m, msg, &x.context);
	h = subject(&x);
	c = mag_ho_ctx_of(&x);
	if (msg->ho.code == HI_CODE_FORWARDING_DONE) {
		if (h)
			mag_ho_step(h, HEV_DONE, &c);
		x.reply.flags = mag_ho_granted(&x);
	} else if (!fit) {
		ho_count_up(m, HO_C_BAD_CONTEXT);
		log_limited(&n->limit, now, LOG_C_REMOTE,
			    "mag: neighbour %s announces addresses that are not fit for use",
			    n->cfg.name);
		x.reply.code = HACK_UNSPECIFIED;
	} else if (offers(&x.context)) {
		mag_ho_take_offer(&x, h);
	} else {
		take_request(&x, h);
	}
	h = x.reply.h;
	if (h && h->role == HO_NEW && h->s && offers(&x.context))
		take_vendors(m, h, msg, now);
	mag_ho_answer(m, n, msg, &x.reply, now);
	/* RFC 5949 4.1 (e): what comes until the node is here is to be kept there */
	if (h && h->role == HO_NEW && h->state == HST_EXPECTED && !h->forwarding && !h->open &&
	    msg->ho.code == HI_CODE_ALL_CONTEXT)
		mag_ho_send_hi(m, h, MH_HI_U, HI_CODE_DEFAULT, HO_NOTHING, now);
	/* its answer, if it is here after all, is its arrival */
	if (h && x.back.node.ifindex)
		m->links->verify(m->links->ctx, &x.back.node);
}

/* ---- Handover Acknowledge */

static void count_code(struct mag *m, uint8_t code)
{
	static const struct {
		uint8_t code;
		enum ho_counter counter;
	} rows[] = {
		{HACK_ACCEPTED,		HO_C_HACK_0  },
		  {HACK_CONTEXT_ACCEPTED, HO_C_HACK_5  },
		{HACK_ALL_CONTEXT,	   HO_C_HACK_6  },
		  {HACK_UNSPECIFIED,	     HO_C_HACK_128},
		{HACK_PROHIBITED,	  HO_C_HACK_129},
		  {HACK_RESOURCES,	   HO_C_HACK_130},
		{HACK_NO_CONTEXT,	  HO_C_HACK_131},
		  {HACK_NO_FORWARDING,    HO_C_HACK_132},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].code == code) {
			ho_count_up(m, rows[i].counter);
			return;
		}
	}
	ho_count_up(m, HO_C_HACK_OTHER);
}

/* To a question of ours: what matters is whether the node can be served by what it says. */
static enum ho_event judge_answer(struct mag *m, struct mag_ho *h, uint8_t code,
				  const struct mag_context *k, nsec_t now, const char **why)
{
	const bool keyed = dp_encap_keyed((enum dp_encap)h->encap);

	if (!mag_ho_usable(k) || (code >= HACK_UNSPECIFIED && code != HACK_NO_FORWARDING))
		return HEV_REFUSED;
	if (mag_ho_judge(m, h->n, &h->mnid, k, now) >= HACK_UNSPECIFIED) {
		*why = "not to be served by that context";
		return HEV_REFUSED;
	}
	h->forwarding = code < HACK_UNSPECIFIED;
	/* RFC 5949 4.2: the old gateway chooses the key of what goes to it */
	if (h->forwarding && (!mag_ho_same_encap(h->n, k) || (keyed && !k->keyed))) {
		mag_ho_other_encap(m, h->n, now);
		h->forwarding = false;
	}
	return HEV_ACCEPTED;
}

static void receive_hack(struct mag *m, struct mag_neighbour *n, const struct mh_msg *msg,
			 const struct mnid *id, nsec_t now)
{
	struct mag_ho *h = m->fho->inflight[msg->ho.seq % HO_INFLIGHT];
	const uint8_t code = msg->ho.code;
	struct mag_context context;
	struct ho_ctx c = {.m = m, .now = now, .msg = msg, .context = &context};
	enum ho_event ev = code < HACK_UNSPECIFIED ? HEV_ACCEPTED : HEV_REFUSED;

	if (!h || h->n != n || h->hi_seq != msg->ho.seq || !mnid_eq(&h->mnid, id)) {
		ho_count_up(m, HO_C_UNMATCHED);
		return;
	}
	count_code(m, code);
	mag_ho_note_answer(m, h, now);
	mag_ho_close_hi(m, h);
	if (!mag_ho_read_context(m, msg, &context)) {
		ho_count_up(m, HO_C_BAD_CONTEXT);
		memset(&context, 0, sizeof(context));
	}
	c.cause = hack_code_name(code, true);
	if (h->state == HST_ASKED) {
		/* RFC 5949 6.1.2 */
		if (code == HACK_CONTEXT_ACCEPTED && !mag_ho_usable(&context) &&
		    h->more < HO_MORE_MAX) {
			h->more++;
			mag_ho_send_hi(m, h, MH_HI_F, HI_CODE_DEFAULT, HO_REQUEST, now);
			return;
		}
		ev = judge_answer(m, h, code, &context, now, &c.cause);
		if (ev == HEV_ACCEPTED && h->s)
			take_vendors(m, h, msg, now);
	}
	if (ev == HEV_REFUSED) {
		ho_count_up(m, HO_C_REFUSED);
		/* else it is under way already, or over */
		if (h->state == HST_OFFERED || h->state == HST_ASKED)
			h->result = c.cause;
		mag_ho_log(m, h, now, LOG_C_REMOTE, "refused: %u %s", code, c.cause);
	}
	mag_ho_step(h, ev, &c);
}

/* ---- whoever sends */

static bool is_admitted(struct mag *m, const struct mag_neighbour *n, const struct packet *pkt,
			const struct mh_msg *msg, nsec_t now)
{
	const uint8_t p = msg->type == MH_HI ? MH_HI_P : MH_HACK_P;
	const struct mh_opt *id = mh_opt(msg, MHO_MN_ID);
	char addr[ADDR6_STRLEN];

	if (!n) {
		ho_count_up(m, HO_C_FOREIGN);
		log_limited(&m->fho->foreign_limit, now, LOG_C_AUTH,
			    "mag: %s from %s, which is no neighbour", mh_msg_name(msg),
			    addr_str(&pkt->src, addr));
		return false;
	}
	if (!addr6_eq(&pkt->dst, mag_coa(m, &n->cfg.addr))) {
		ho_count_up(m, HO_C_DESTINATION);
		return false;
	}
	/* any program on its host can send from the others */
	if (addr_is_ip4(&pkt->src) && pkt->port && pkt->port != MH_UDP_PORT) {
		ho_count_up(m, HO_C_PORT);
		return false;
	}
	if (!(msg->ho.flags & p)) {
		ho_count_up(m, HO_C_NOT_PROXY);
		return false;
	}
	if (!id || !id->mnid.len) {
		ho_count_up(m, HO_C_NO_MN_ID);
		return false;
	}
	return true;
}

/* How many times it was received before. */
static unsigned repeated(struct mag *m, const struct mag_neighbour *n, const struct mnid *id,
			 const struct mh_msg *msg, nsec_t now)
{
	const struct mag_ho *h = mag_ho_answered(m, n, id, msg->ho.seq);
	const struct ho_past *past = mag_ho_past(m, n, id, msg->ho.seq, now);

	if (msg->type != MH_HI || (!h && !past))
		return 0;
	return (h ? h->repeated : past->repeated) + 1;
}

void mag_fho_receive(struct mag *m, const struct packet *pkt, const struct mh_msg *msg, nsec_t now)
{
	struct mag_neighbour *n = mag_neighbour_by_addr(m, &pkt->src);
	const struct mh_opt *id = mh_opt(msg, MHO_MN_ID);

	ho_count_up(m, msg->type == MH_HI ? HO_C_HI_RECEIVED : HO_C_HACK_RECEIVED);
	if (!is_admitted(m, n, pkt, msg, now))
		return;
	event_emit(m->sink, &(struct event){.type = EV_MSG_RCVD,
					    .role = "mag",
					    .now = now,
					    .mnid = &id->mnid,
					    .peer = &pkt->src,
					    .repeat = repeated(m, n, &id->mnid, msg, now),
					    .msg = msg});
	n->ask_at = 0; /* it has learned it since */
	if (msg->type == MH_HACK) {
		receive_hack(m, n, msg, &id->mnid, now);
	} else if (may_send(m, n, now)) {
		receive_hi(m, n, msg, &id->mnid, now);
	} else {
		ho_count_up(m, HO_C_RATE);
		log_limited(&n->limit, now, LOG_C_REMOTE,
			    "mag: neighbour %s sends too many Handover Initiates", n->cfg.name);
	}
}

/* RFC 6275 9.2: the other one does not know the message. */
bool mag_fho_binding_error(struct mag *m, const struct packet *pkt, const struct mh_msg *msg,
			   nsec_t now)
{
	struct mag_neighbour *n = mag_neighbour_by_addr(m, &pkt->src);
	struct mag_ho *h, *next;

	if (!n || msg->be.status != BE_UNKNOWN_MH_TYPE ||
	    !addr6_eq(&pkt->dst, mag_coa(m, &n->cfg.addr)))
		return false;
	for (h = m->fho->first; h; h = next) {
		struct ho_ctx c = {.m = m, .now = now, .cause = "does not know fast handover"};

		next = h->next;
		if (h->n != n || !h->open)
			continue;
		if (now >= n->ask_at)
			log_limited(&n->limit, now, LOG_C_REMOTE,
				    "mag: neighbour %s does not know fast handover", n->cfg.name);
		n->ask_at = nsec_add(now, nsec_from_ms(HO_UNKNOWN_MS));
		h->result = c.cause;
		mag_ho_close_hi(m, h);
		mag_ho_step(h, HEV_SILENCE, &c);
	}
	return now < n->ask_at;
}

/* ---- trigger */

int mag_handover(struct mag *m, const struct mnid *id, const char *ap_id, nsec_t now)
{
	struct mag_neighbour *n = mag_neighbour_by_ap(m, ap_id);
	struct mag_session *s = mag_ho_next_session(m, id, n);
	struct ho_ctx c = {.m = m, .now = now, .cause = "trigger"};
	struct mag_ho *h, *old;
	int err;

	if (!s)
		return -ENOENT;
	if (!n) {
		ho_count_up(m, HO_C_UNKNOWN_AP);
		return -ENXIO;
	}
	if (now < n->ask_at)
		return -EOPNOTSUPP;
	old = s->ho;
	if (old && old->role == HO_OLD && old->n == n)
		return -EALREADY;
	if (old && (old->role == HO_OLD || old->state == HST_ARRIVED))
		return -EBUSY;
	h = mag_ho_find(m, n, id, &s->b.mac);
	/* one that settles makes room below, when the new one is there */
	if (h && h->state != HST_ENDING && (h != old || h->state != HST_SETTLING))
		return -EBUSY;
	if (h && h != old)
		mag_ho_act_ended(h, &c);
	err = mag_ho_new(m, n, id, &s->b.mac, HO_OLD, now, &h);
	if (err)
		return err;
	err = mag_ho_open_tunnel(m, h, mag_ho_encap(m, n, s));
	if (err) {
		mag_ho_free(m, h, now);
		return err;
	}
	old = s->ho;
	if (old)
		mag_ho_unbind(old);
	mag_ho_bind(m, h, s);
	h->last_packets = old && old->n == n && old->state == HST_SETTLING;
	if (old)
		(void)mag_serve_paths(m, s);
	if (old && old->n == n)
		mag_ho_act_back(old, &c);
	else if (old)
		mag_ho_step(old, HEV_CUT, &c);
	ho_count_up(m, HO_C_PREDICTIVE);
	mag_ho_step(h, HEV_OFFER, &c);
	return 0;
}
