/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5213 5.3.6, RFC 5844 3.1.2.6 and 4.1.3.2, RFC 5845 5.2: constructing the Proxy Binding
 * Acknowledgement. */
#include "lma/lma_priv.h"

#include <errno.h>

static enum lma_counter counter_of(enum pba_status s)
{
	switch (s) {
	case PBA_ACCEPTED:
		return LMA_C_PBA_0;
	case PBA_GRE_KEY_NOT_REQUIRED:
		return LMA_C_PBA_2;
	case PBA_GRE_TLV_NOT_SUPPORTED:
		return LMA_C_PBA_3;
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
	case PBA_GRE_KEY_REQUIRED:
		return LMA_C_PBA_163;
	case PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY:
		return LMA_C_PBA_170;
	case PBA_NOT_AUTHORIZED_FOR_IPV4_HOA:
		return LMA_C_PBA_171;
	case PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY:
		return LMA_C_PBA_172;
	case PBA_MULTIPLE_IPV4_HOA_NOT_SUPPORTED:
		return LMA_C_PBA_173;
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

/* `addrs` NULL: refused. RFC 5844 3.1.2.6: who asked for no prefix gets no such option. What is
 * repeated when accepted is the de-registration of prefixes that are not there. */
static void add_prefixes(struct pba *p, const struct lma_req *r, const struct lma_addrs *addrs)
{
	static const struct prefix6 all_zero;

	for (unsigned i = 0; addrs && r->n_hnp && i < addrs->n; i++)
		add_hnp(p, &addrs->prefixes[i], 0);
	for (unsigned i = 0; (!addrs || !addrs->n) && i < r->n_hnp; i++)
		add_hnp(p, &r->hnp[i].raw, r->hnp[i].flags);
	if (!addrs && !r->n_hnp && !r->n_hoa4)
		add_hnp(p, &all_zero, 0);
}

/* RFC 5844 3.1.2.2; "the specific error code" of other refusals is the unspecific one. */
static enum hoa4_status hoa4_status_of(enum pba_status s)
{
	switch (s) {
	case PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY:
	case PBA_NOT_AUTHORIZED_FOR_IPV4_HOA:
		return HOA4_NOT_AUTHORIZED;
	default:
		return HOA4_REASON_UNSPECIFIED;
	}
}

static void echo_home4(struct pba *p, const struct lma_req *r, enum hoa4_status status)
{
	struct mh_opt *o = add(p, MHO_IPV4_HOA_REPLY);

	o->hoa4.status = (uint8_t)status;
	o->hoa4.len = r->hoa4.len;
	o->hoa4.addr = r->hoa4.addr;
}

/*
 * RFC 5844 3.1.2.6. "Status field is set to 0 (Proxy Binding Update accepted)" is read as
 * "accepted": the statuses 2 and 3 of RFC 5845 came later, and a node without a default router is
 * not served.
 */
static void add_home4(struct pba *p, const struct lma *l, const struct lma_pba *a)
{
	const struct home4 *h = &a->addrs->home4;
	struct mh_opt *o = add(p, MHO_IPV4_HOA_REPLY);

	o->hoa4.status = HOA4_SUCCESS;
	o->hoa4.len = h->len;
	o->hoa4.addr = h->addr;
	add(p, MHO_IPV4_DEFAULT_ROUTER)->addr4 = h->router;
	if (a->lifetime)
		add(p, MHO_IPV4_DHCP_MODE)->server = !l->conf.cfg.dhcp_relay;
}

static void add_ipv4(struct pba *p, const struct lma *l, const struct lma_req *r,
		     const struct lma_pba *a, bool accepted)
{
	if (!r->n_hoa4)
		return;
	if (!accepted)
		echo_home4(p, r, hoa4_status_of(a->status));
	else if (home4_is_set(&a->addrs->home4))
		add_home4(p, l, a);
	else /* the de-registration of what is not there */
		echo_home4(p, r, HOA4_SUCCESS);
}

/* RFC 5844 4.2.2: the MAG knows UDP by the F of a NAT Detection option; RFC 5555 3.2.2: all ones,
 * because nothing needs to be kept alive. */
static void add_encap(struct pba *p, const struct lma_encap *e)
{
	struct mh_opt *o;

	if (e->tlv)
		p->msg.ba.flags |= MH_BA_T;
	if (e->nat) {
		o = add(p, MHO_NAT_DETECTION);
		o->nat.force = true;
		o->nat.refresh_s = UINT32_MAX;
	}
	if (e->gre) {
		o = add(p, MHO_GRE_KEY);
		o->gre.has_key = e->key;
		o->gre.key = e->key ? e->up_key : 0;
	}
}

static void add_link_local(struct pba *p, const struct lma_req *r, const struct lma_pba *a,
			   bool accepted)
{
	const bool ours = accepted && addr6_is_zero(&r->link_local);

	add(p, MHO_LINK_LOCAL)->addr = ours ? a->link_local : r->link_local;
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

	p->msg.type = MH_BA;
	p->msg.n_opts = 0;
	p->msg.ba.status = (uint8_t)a->status;
	p->msg.ba.flags = MH_BA_P;
	p->msg.ba.seq = a->seq;
	p->msg.ba.lifetime = a->lifetime;
	p->full = false;
	add_mnid(p, r);
	add_prefixes(p, r, accepted ? a->addrs : NULL);
	add(p, MHO_HANDOFF_IND)->value = r->hi;
	add(p, MHO_ATT)->value = r->att;
	if (r->has_llid)
		add(p, MHO_MN_LLID)->llid = r->llid;
	if (r->has_link_local)
		add_link_local(p, r, a, accepted);
	if (r->has_timestamp)
		add(p, MHO_TIMESTAMP)->timestamp = a->timestamp;
	add_ipv4(p, l, r, a, accepted);
	if (accepted) {
		add_encap(p, &a->encap);
		add_refresh_advice(p, l, a->lifetime);
	}
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
	struct packet pkt = {.src = r->dst, .dst = r->src, .data = buf, .port = r->port};
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
	lma_reply_send(l, &pkt);
}
