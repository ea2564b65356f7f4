/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a session's packets are tunnelled: asked for in the update, chosen by the LMA in its answer
 * (RFC 5844 4.2.2, RFC 5845 4.2 and 7.3).
 *
 *	answer					over IPv6	over IPv4
 *	--------------------------------------	--------------	----------------------------------
 *	no GRE Key option			plain		plain
 *	  and NAT Detection with F		plain		in UDP
 *	  and T, when that was asked for	plain		in UDP, behind a TLV header
 *	GRE Key option				GRE		GRE
 *	  and T, when that was asked for	GRE		GRE in UDP, behind a TLV header
 *
 * An LMA that demands GRE keys (status 163) is asked with a key whatever the configuration says.
 */
#include "mag/mag_int.h"

void mag_choose_terms(const struct mag *m, struct mag_session *s)
{
	bool over_ip4 = addr_is_ip4(&s->b.lmaa);

	s->terms.gre = (uint8_t)m->cfg.gre;
	/* overlapping IPv4 addresses are told apart by the key, RFC 5845 3.1 */
	if (s->domain || s->gre_demanded)
		s->terms.gre = MAG_GRE_KEYS;
	/* T stands for itself: an LMA without use for GRE may grant it (RFC 5845 7.4) */
	s->terms.tlv = over_ip4 && s->terms.gre && m->cfg.gre_tlv && !s->lma->no_gre;
	if (s->gre_unwanted || s->lma->no_gre)
		s->terms.gre = MAG_GRE_NONE;
	s->terms.force = over_ip4 && m->cfg.force_ipv4_udp_encapsulation_support;
}

enum dp_encap mag_expected_encap(const struct mag_session *s)
{
	const bool tlv = s->terms.tlv;

	if (s->terms.gre == MAG_GRE_KEYS)
		return tlv ? DP_ENCAP_UDP_GRE_KEY : DP_ENCAP_GRE_KEY;
	if (s->terms.gre)
		return tlv ? DP_ENCAP_UDP_GRE : DP_ENCAP_GRE;
	if (tlv)
		return DP_ENCAP_UDP_TLV;
	return s->terms.force ? DP_ENCAP_UDP : DP_ENCAP_IP;
}

void mag_add_terms(const struct mag_session *s, struct mh_msg *msg)
{
	struct mh_opt *o;

	if (s->req.terms.force)
		msg->bu.flags |= MH_BU_F;
	if (s->req.terms.tlv)
		msg->bu.flags |= MH_BU_T;
	if (!s->req.terms.gre)
		return;
	o = mh_opt_add(msg, MHO_GRE_KEY);
	if (o && s->req.terms.gre == MAG_GRE_KEYS) {
		o->gre.has_key = true;
		o->gre.key = s->down_key;
	}
}

bool mag_read_encap(const struct mag_session *s, const struct mh_msg *msg, struct mag_grant *grant)
{
	const struct mh_opt *gre = mh_opt(msg, MHO_GRE_KEY);
	const struct mh_opt *nat = mh_opt(msg, MHO_NAT_DETECTION);
	bool tlv = s->req.terms.tlv && (msg->ba.flags & MH_BA_T);

	/* not asked for, or not to be there (RFC 5845 5.2): it says nothing */
	if (!s->req.terms.gre || msg->ba.status == PBA_GRE_KEY_NOT_REQUIRED)
		gre = NULL;
	grant->encap = DP_ENCAP_IP;
	grant->up_key = 0;
	if (gre && gre->gre.has_key) {
		/* it would have to send with a key that it does not know */
		if (s->req.terms.gre != MAG_GRE_KEYS)
			return false;
		grant->encap = tlv ? DP_ENCAP_UDP_GRE_KEY : DP_ENCAP_GRE_KEY;
		grant->up_key = gre->gre.key;
	} else if (gre) {
		grant->encap = tlv ? DP_ENCAP_UDP_GRE : DP_ENCAP_GRE;
	} else if (tlv) {
		grant->encap = DP_ENCAP_UDP_TLV;
	} else if (addr_is_ip4(&s->b.lmaa) && nat && nat->nat.force) {
		grant->encap = DP_ENCAP_UDP;
	}
	return true;
}

/* RFC 5845 4.2 */
void mag_adopt_terms(struct mag_session *s, struct mag_ctx *c)
{
	if (!s->req.terms.gre)
		return;
	if (c->msg->ba.status == PBA_GRE_KEY_NOT_REQUIRED) {
		s->gre_unwanted = true;
	} else if (!mh_opt(c->msg, MHO_GRE_KEY)) {
		if (!s->lma->no_gre) {
			mag_count_up(c->m, MAG_C_GRE_UNKNOWN);
			mag_log(c->m, s, &s->lma->limit, c->now, LOG_C_REMOTE,
				"%s does not know the GRE Key option: it is not sent to it again",
				s->lma->name);
		}
		s->lma->no_gre = true;
	} else {
		if (!dp_encap_keyed(c->grant->encap))
			s->terms.gre = MAG_GRE_PLAIN;
		return;
	}
	s->terms.gre = MAG_GRE_NONE;
	/* RFC 5845 7.2: the format stays as it is while the node is here */
	s->terms.tlv = c->grant->encap == DP_ENCAP_UDP_TLV;
}
