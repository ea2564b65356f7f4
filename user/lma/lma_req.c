/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lma/lma_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* RFC 5213 8.1: at most one instance each; Alternate Care-of Address and GRE Key would be
 * ambiguous, and RFC 5149 4.1 allows one Service Selection. */
static const uint8_t single[] = {
	MHO_MN_ID,   MHO_HANDOFF_IND,	    MHO_ATT,	 MHO_TIMESTAMP, MHO_MN_LLID, MHO_LINK_LOCAL,
	MHO_ALT_COA, MHO_SERVICE_SELECTION, MHO_GRE_KEY,
};

static void read_hnp(struct lma_req *r, struct lma_hnp *to, const struct mh_opt *o)
{
	to->raw = o->hnp.prefix;
	to->prefix = o->hnp.prefix;
	prefix6_mask(&to->prefix);
	to->flags = o->hnp.flags;
	to->zero = prefix6_is_zero(&to->prefix);
	if (to->zero)
		r->any_prefix = true;
	else
		r->n_asked++;
	r->n_hnp++;
}

/* RFC 5844 3.1.2.1 has a status of its own for a second one. */
static void read_hoa4(struct lma_req *r, const struct mh_opt *o)
{
	if (!r->n_hoa4++)
		r->hoa4 = (struct lma_hoa4){o->hoa4.addr, o->hoa4.len};
}

/* The first instance of an option counts; a second one of a single option is noted. */
static void read_option(struct lma_req *r, const struct mh_opt *o)
{
	switch (o->type) {
	case MHO_MN_ID:
		r->has_mnid = true;
		r->mnid = o->mnid;
		break;
	case MHO_HANDOFF_IND:
		r->has_hi = true;
		r->hi = o->value;
		break;
	case MHO_ATT:
		r->has_att = true;
		r->att = o->value;
		break;
	case MHO_TIMESTAMP:
		r->has_timestamp = true;
		r->timestamp = o->timestamp;
		break;
	case MHO_MN_LLID:
		r->has_llid = true;
		r->llid = o->llid;
		break;
	case MHO_LINK_LOCAL:
		r->has_link_local = true;
		r->link_local = o->addr;
		break;
	case MHO_ALT_COA:
		r->coa = o->addr;
		break;
	case MHO_SERVICE_SELECTION:
		r->has_service = true;
		r->service = o->bytes.data;
		r->service_len = o->bytes.len;
		break;
	case MHO_GRE_KEY:
		r->has_gre = true;
		r->has_key = o->gre.has_key;
		r->key = o->gre.key;
		break;
	}
}

void lma_req_read(struct lma_req *out, struct lma_hnp *hnp, const struct packet *pkt,
		  const struct mh_msg *msg)
{
	bool seen[ARRAY_SIZE(single)] = {false};

	memset(out, 0, sizeof(*out));
	out->src = pkt->src;
	out->dst = pkt->dst;
	out->coa = pkt->src;
	out->port = pkt->port;
	out->force_udp = msg->bu.flags & MH_BU_F;
	out->tlv = msg->bu.flags & MH_BU_T;
	out->seq = msg->bu.seq;
	out->lifetime = msg->bu.lifetime;
	out->hnp = hnp;
	for (unsigned i = 0; i < msg->n_opts; i++) {
		const struct mh_opt *o = &msg->opt[i];
		const uint8_t *s = memchr(single, o->type, sizeof(single));

		if (o->type == MHO_HNP) {
			read_hnp(out, &hnp[out->n_hnp], o);
		} else if (o->type == MHO_IPV4_HOA_REQUEST) {
			read_hoa4(out, o);
		} else if (s && seen[s - single]) {
			if (!out->duplicate)
				out->duplicate = mh_opt_name(o->type);
		} else if (s) {
			seen[s - single] = true;
			read_option(out, o);
		}
	}
}

struct lma_req *lma_req_dup(const struct lma_req *r)
{
	const size_t hnp_len = r->n_hnp * sizeof(*r->hnp);
	uint8_t *mem = malloc(sizeof(*r) + hnp_len + r->mnid.len + r->llid.len);
	struct lma_req *d = (struct lma_req *)mem;

	if (!mem)
		return NULL;
	*d = *r;
	mem += sizeof(*r);
	if (hnp_len)
		memcpy(mem, r->hnp, hnp_len);
	d->hnp = (const struct lma_hnp *)mem;
	mem += hnp_len;
	if (r->mnid.len)
		memcpy(mem, r->mnid.id, r->mnid.len);
	d->mnid.id = mem;
	mem += r->mnid.len;
	if (r->llid.len)
		memcpy(mem, r->llid.id, r->llid.len);
	d->llid.id = mem;
	d->service = NULL; /* judged before anything is kept */
	d->service_len = 0;
	d->duplicate = NULL;
	return d;
}

bool lma_req_has_interface(const struct lma_req *r)
{
	return r->has_llid && !llid_is_zero(&r->llid);
}

bool lma_req_is_ip4(const struct lma_req *r)
{
	return addr_is_ip4(&r->src);
}
