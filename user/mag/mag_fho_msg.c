/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Contents of Handover Initiate and Handover Acknowledge (RFC 5949 6), sending and repeating them.
 * What is sent again is sent as it was: a repeated request, or a repeated answer, must not say
 * anything new (RFC 5568 6.2.1).
 */
#include "mag/mag_fho.h"

#include <errno.h>
#include <stdlib.h>

/* ---- reading */

static bool fit_for_node(const struct prefix6 *p)
{
	return !prefix6_is_zero(p) && p->len && p->len <= 64 && !addr6_is_linklocal(&p->addr) &&
	       !addr6_is_multicast(&p->addr);
}

static bool read_prefixes(const struct mh_msg *msg, struct mag_context *out)
{
	const struct mh_opt *o;
	unsigned i, j;

	for (i = 0; (o = mh_opt_nth(msg, MHO_HNP, i)); i++) {
		struct prefix6 p = o->hnp.prefix;

		if (!fit_for_node(&p))
			return false;
		prefix6_mask(&p);
		for (j = 0; j < out->n_prefixes && !prefix6_eq(&out->prefixes[j], &p); j++)
			;
		if (j < out->n_prefixes)
			continue;
		if (j == DP_PREFIXES_MAX)
			return false;
		out->prefixes[out->n_prefixes++] = p;
	}
	return true;
}

/* RFC 5949 6.2.7 */
static bool read_home4(const struct mh_msg *msg, struct mag_context *out)
{
	const struct mh_opt *o = mh_opt(msg, MHO_IPV4_HOA_REQUEST);

	if (!o || !o->hoa4.addr.s_addr)
		return true;
	if (!addr4_is_unicast_routable(o->hoa4.addr) || !o->hoa4.len || o->hoa4.len > 32)
		return false;
	out->addr4 = o->hoa4.addr;
	out->len4 = o->hoa4.len;
	return true;
}

bool mag_ho_read_context(const struct mh_msg *msg, struct mag_context *out)
{
	const struct mh_opt *o;
	struct in6_addr a;
	unsigned i;

	memset(out, 0, sizeof(*out));
	if (!read_prefixes(msg, out) || !read_home4(msg, out))
		return false;
	/* one of each family at most (RFC 5949 6.2.2); the first that makes sense */
	for (i = 0; (o = mh_opt_nth(msg, MHO_LMA_ADDRESS, i)); i++) {
		if (addr6_is_zero(&out->lmaa) && mh_lma_addr(o, &a))
			out->lmaa = a;
	}
	o = mh_opt(msg, MHO_MN_LLID);
	if (o && o->llid.len == sizeof(out->mac.b))
		memcpy(out->mac.b, o->llid.id, sizeof(out->mac.b));
	if (mac_is_multicast(&out->mac))
		out->mac = (struct mac){{0}};
	o = mh_opt(msg, MHO_LINK_LOCAL);
	if (o)
		out->link_local = o->addr;
	o = mh_opt(msg, MHO_MN_LLA_IID);
	if (o)
		out->iid = o->iid;
	o = mh_opt(msg, MHO_GRE_KEY);
	if (o) {
		out->gre = true;
		out->keyed = o->gre.has_key;
		out->key = o->gre.key;
	}
	return true;
}

/* ---- writing */

static void add_lma(struct mh_msg *msg, const struct in6_addr *lmaa)
{
	struct mh_opt *o = mh_opt_add(msg, MHO_LMA_ADDRESS);
	const bool ip4 = addr_is_ip4(lmaa);

	if (!o)
		return;
	o->lma.code = ip4 ? LMA_ADDR_IPV4 : LMA_ADDR_IPV6;
	o->lma.len = ip4 ? sizeof(struct in_addr) : sizeof(*lmaa);
	o->lma.octets = &lmaa->s6_addr[ip4 ? 12 : 0];
}

static void add_llid(struct mh_msg *msg, const struct mac *mac)
{
	struct mh_opt *o = mac_is_zero(mac) ? NULL : mh_opt_add(msg, MHO_MN_LLID);

	if (o)
		o->llid = (struct llid){.len = sizeof(mac->b), .id = mac->b};
}

static void add_link_local(const struct mag *m, const struct mag_session *s, struct mh_msg *msg)
{
	const struct in6_addr *ll = &m->cfg.fixed_mag_link_local_address_on_all_access_links;
	struct mh_opt *o;

	if (addr6_is_zero(ll))
		ll = &s->b.link_local;
	o = addr6_is_zero(ll) ? NULL : mh_opt_add(msg, MHO_LINK_LOCAL);
	if (o)
		o->addr = *ll;
}

/* RFC 5949 4.1 (c), (d): addresses, anchor, and the link-layer identifier if there is one. */
static void add_context(const struct mag_session *s, struct mh_msg *msg)
{
	struct mh_opt *o;
	unsigned i;

	for (i = 0; i < s->b.n_prefixes; i++) {
		o = mh_opt_add(msg, MHO_HNP);
		if (o)
			o->hnp.prefix = s->b.prefixes[i];
	}
	if (home4_is_set(&s->b.home4)) {
		o = mh_opt_add(msg, MHO_IPV4_HOA_REQUEST);
		if (o) {
			o->hoa4.addr = s->b.home4.addr;
			o->hoa4.len = s->b.home4.len;
		}
	}
	add_lma(msg, &s->b.lmaa);
	add_llid(msg, &s->b.mac);
}

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

/* RFC 5949 6.2.1: what a session can be served with, and what it is known by. */
static const uint8_t requested[] = {
	MHO_HNP,	0, MHO_MN_LLID,	   0, MHO_LMA_ADDRESS, 0, MHO_IPV4_HOA_REQUEST, 0,
	MHO_LINK_LOCAL, 0, MHO_MN_LLA_IID, 0,
};

static void add_request(struct mh_msg *msg)
{
	struct mh_opt *o = mh_opt_add(msg, MHO_CONTEXT_REQUEST);

	if (o) {
		o->requests.data = requested;
		o->requests.len = sizeof(requested);
	}
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
	if (h->s && contents == HO_CONTEXT) {
		add_context(h->s, &msg);
		add_link_local(m, h->s, &msg);
	} else if (h->s && contents == HO_REQUEST) {
		add_llid(&msg, &h->s->b.mac);
		add_request(&msg);
	}
	if (contents != HO_NOTHING)
		add_gre(m, h, &msg, now);
	rtx_init(&h->rtx, m->cfg.fho.hi_timeout_ms, UINT32_MAX);
	h->open = true;
	m->fho->inflight[h->hi_seq % HO_INFLIGHT] = h;
	err = encode(m, h->n, &msg, &h->hi, &h->hi_len);
	if (err) {
		/* as if nobody answered */
		mag_ho_log(m, h, now, LOG_C_LOCAL, "cannot make a message: %s", strerror(-err));
		h->hi_len = 0;
		h->rtx.sent = m->cfg.fho.hi_retries;
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

/* Whether that option is among what add_context() wrote, or may be added for it. */
static bool has_context(struct mag *m, const struct ho_reply *r, struct mh_msg *msg, uint8_t type)
{
	if (mh_opt(msg, type))
		return true;
	if (type == MHO_LINK_LOCAL && r->s)
		add_link_local(m, r->s, msg);
	return mh_opt(msg, type) != NULL;
}

/* RFC 5949 6.1.2: code 6 when all that there is was sent, 131 when nothing of what was asked for is
 * there, 5 when there is more. */
static uint8_t answer_context(struct mag *m, const struct ho_reply *r, struct mh_msg *msg)
{
	struct mh_context want;
	unsigned at = 0, n = 0, found = 0;

	add_context(r->s, msg);
	while (r->request && mh_context_next(r->request, &at, &want)) {
		n++;
		found += has_context(m, r, msg, want.type);
	}
	if (n && !found) {
		msg->n_opts = 1; /* without any context: its name alone */
		return HACK_NO_CONTEXT;
	}
	/* the router's link-local address is all that nobody gets without asking */
	return mh_opt(msg, MHO_LINK_LOCAL) || !n ? HACK_ALL_CONTEXT : HACK_CONTEXT_ACCEPTED;
}

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
		const uint8_t code = answer_context(m, r, &msg);

		if (r->code == HACK_ACCEPTED)
			msg.ho.code = code;
	}
	if (r->h && msg.ho.code < HACK_UNSPECIFIED)
		add_gre(m, r->h, &msg, now);
	err = encode(m, n, &msg, &octets, &len);
	if (err) {
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
	free(r->h->reply);
	r->h->repeated = 0;
	r->h->reply = octets;
	r->h->reply_len = len;
	r->h->reply_to = hi->ho.seq;
}

void mag_ho_repeat_answer(struct mag *m, struct mag_ho *h, nsec_t now)
{
	struct mh_msg msg;

	ho_count_up(m, HO_C_HI_REPEATED);
	if (!transmit(m, h->n, h->reply, h->reply_len, now))
		return;
	ho_count_up(m, HO_C_HACK_SENT);
	if (mh_decode(&msg, h->reply, h->reply_len, NULL, NULL) == MH_OK)
		tell_sent(m, h->n, &h->mnid, &msg, ++h->repeated, now);
}
