/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5213 5.3.6: constructing the Proxy Binding Acknowledgement. */
#include "lma/lma_priv.h"

#include <errno.h>

static enum lma_counter counter_of(enum pba_status s)
{
	switch (s) {
	case PBA_ACCEPTED:
		return LMA_C_PBA_0;
	case PBA_ADMIN_PROHIBITED:
		return LMA_C_PBA_129;
	case PBA_INSUFFICIENT_RESOURCES:
		return LMA_C_PBA_130;
	case PBA_SEQ_OUT_OF_WINDOW:
		return LMA_C_PBA_135;
	case PBA_SERVICE_AUTHORIZATION_FAILED:
		return LMA_C_PBA_151;
	case PBA_PROXY_REG_NOT_ENABLED:
		return LMA_C_PBA_152;
	case PBA_NOT_LMA_FOR_THIS_MN:
		return LMA_C_PBA_153;
	case PBA_MAG_NOT_AUTHORIZED:
		return LMA_C_PBA_154;
	case PBA_NOT_AUTHORIZED_FOR_HNP:
		return LMA_C_PBA_155;
	case PBA_TIMESTAMP_MISMATCH:
		return LMA_C_PBA_156;
	case PBA_TIMESTAMP_LOWER:
		return LMA_C_PBA_157;
	case PBA_MISSING_HNP:
		return LMA_C_PBA_158;
	case PBA_PREFIX_SET_MISMATCH:
		return LMA_C_PBA_159;
	case PBA_MISSING_MN_ID:
		return LMA_C_PBA_160;
	case PBA_MISSING_HANDOFF_IND:
		return LMA_C_PBA_161;
	case PBA_MISSING_ATT:
		return LMA_C_PBA_162;
	default:
		return LMA_C_PBA_128;
	}
}

/* Options in the making; one that does not fit leaves a mark instead of failing each line. */
struct pba {
	struct mh_msg msg;
	bool full;
	struct mh_opt nowhere;
};

static struct mh_opt *add(struct pba *p, uint8_t type)
{
	struct mh_opt *o = mh_opt_add(&p->msg, type);

	if (o)
		return o;
	p->full = true;
	return &p->nowhere;
}

static void add_mnid(struct pba *p, const struct lma_req *r)
{
	struct mh_opt *o = add(p, MHO_MN_ID);

	if (r->has_mnid)
		o->mnid = r->mnid;
	else
		o->mnid = (struct mnid){.subtype = MNID_NAI};
}

static void add_hnp(struct pba *p, const struct prefix6 *prefix, uint8_t flags)
{
	struct mh_opt *o = add(p, MHO_HNP);

	o->hnp.prefix = *prefix;
	o->hnp.flags = flags;
}

static void add_prefixes(struct pba *p, const struct lma_req *r, const struct bce *b)
{
	static const struct prefix6 all_zero;

	if (b) {
		struct prefix6 prefixes[DP_PREFIXES_MAX];
		const unsigned n = bce_prefixes(b, prefixes);

		for (unsigned i = 0; i < n; i++)
			add_hnp(p, &prefixes[i], 0);
		return;
	}
	for (unsigned i = 0; i < r->n_hnp; i++)
		add_hnp(p, &r->hnp[i].raw, r->hnp[i].flags);
	if (!r->n_hnp)
		add_hnp(p, &all_zero, 0);
}

static void add_link_local(struct pba *p, const struct lma_req *r, const struct bce *b)
{
	const bool ours = b && addr6_is_zero(&r->link_local);

	add(p, MHO_LINK_LOCAL)->addr = ours ? b->reg.link_local : r->link_local;
}

/* RFC 6275 10.3.1: less than the lifetime granted; never in a de-registration's reply (10.3.2). */
static void add_refresh_advice(struct pba *p, const struct lma *l, uint16_t lifetime)
{
	const uint32_t units = l->conf.cfg.refresh_advice / MH_LIFETIME_UNIT;

	if (units && units < lifetime)
		add(p, MHO_BINDING_REFRESH_ADVICE)->refresh_interval = (uint16_t)units;
}

static void build(struct pba *p, const struct lma *l, const struct lma_req *r,
		  const struct lma_pba *a)
{
	const bool accepted = a->status < 128;
	const struct bce *b = accepted ? a->bce : NULL;

	p->msg.type = MH_BA;
	p->msg.n_opts = 0;
	p->msg.ba.status = (uint8_t)a->status;
	p->msg.ba.flags = MH_BA_P;
	p->msg.ba.seq = a->seq;
	p->msg.ba.lifetime = a->lifetime;
	p->full = false;
	add_mnid(p, r);
	add_prefixes(p, r, b);
	add(p, MHO_HANDOFF_IND)->value = r->hi;
	add(p, MHO_ATT)->value = r->att;
	if (r->has_llid)
		add(p, MHO_MN_LLID)->llid = r->llid;
	if (r->has_link_local)
		add_link_local(p, r, b);
	if (r->has_timestamp)
		add(p, MHO_TIMESTAMP)->timestamp = a->timestamp;
	if (accepted)
		add_refresh_advice(p, l, a->lifetime);
}

static void tell_sent(const struct lma *l, const struct lma_req *r, const struct mh_msg *msg,
		      nsec_t now)
{
	const struct event ev = {
		.type = EV_MSG_SENT,
		.role = "lma",
		.now = now,
		.mnid = r->mnid.len ? &r->mnid : NULL,
		.peer = &r->src,
		.msg = msg,
	};

	event_emit(l->sink, &ev);
}

void lma_pba_send(struct lma *l, const struct lma_req *r, const struct lma_pba *a, nsec_t now)
{
	struct pba p;
	uint8_t buf[MH_MAX_LEN];
	struct packet pkt = {.src = r->dst, .dst = r->src, .data = buf};
	int len;

	build(&p, l, r, a);
	len = p.full ? -EMSGSIZE : mh_encode(&p.msg, buf, sizeof(buf), &pkt.src, &pkt.dst);
	if (len < 0) {
		lma_bump(l, LMA_C_UNSENDABLE);
		return;
	}
	pkt.len = (size_t)len;
	lma_bump(l, counter_of(a->status));
	tell_sent(l, r, &p.msg, now);
	if (l->env->send(l->env->ctx, &pkt))
		lma_bump(l, LMA_C_SEND_FAILED);
}
