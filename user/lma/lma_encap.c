/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a session's tunnel looks like: RFC 5844 4.1.3.1, RFC 5845 5.2 and 7.2 to 7.4.
 *
 *	transport  PBU                      reply                        packets
 *	IPv6       no GRE Key               0                            IPv6 / IP
 *	IPv6       GRE Key                  0, GRE Key                   IPv6 / GRE / IP
 *	IPv4       F = 0                    0                            IPv4 / IP
 *	IPv4       F = 1                    0, NAT Detection; or 129     IPv4 / UDP / IP
 *	IPv4       GRE Key, T = 0           0, GRE Key                   IPv4 / GRE / IP
 *	IPv4       T = 1                    0, T = 1                     IPv4 / UDP / TLV / IP
 *	IPv4       GRE Key, T = 1           0, T = 1, GRE Key            IPv4 / UDP / TLV / GRE / IP
 *	any        GRE Key, T = 1, no TLV   3, T = 0, GRE Key            as with T = 0
 *	any        GRE Key, not wanted      2                            as without GRE Key
 *	any        no GRE Key, wanted       163
 *
 * GRE over UDP has a TLV header without fail (RFC 5845 7.1), so F = 1 with a GRE Key and without a
 * TLV header leads to GRE without UDP. The flags F and T mean nothing over IPv6.
 */
#include "lma/lma_priv.h"

enum shim { SHIM_NONE, SHIM_UDP, SHIM_TLV, SHIM_MAX };
enum gre { GRE_NONE, GRE_PLAIN, GRE_KEY, GRE_MAX };

// clang-format off
static const enum dp_encap encaps[SHIM_MAX][GRE_MAX] = {
	[SHIM_NONE] = {DP_ENCAP_IP,      DP_ENCAP_GRE,     DP_ENCAP_GRE_KEY},
	[SHIM_UDP]  = {DP_ENCAP_UDP,     DP_ENCAP_GRE,     DP_ENCAP_GRE_KEY},
	[SHIM_TLV]  = {DP_ENCAP_UDP_TLV, DP_ENCAP_UDP_GRE, DP_ENCAP_UDP_GRE_KEY},
};
// clang-format on

/* Both only concern what is to be forwarded: a de-registration needs no tunnel. */

bool lma_encap_udp_forbidden(const struct lma_job *j)
{
	return j->req->lifetime && lma_req_is_ip4(j->req) && j->req->force_udp &&
	       !j->l->conf.cfg.accept_forced_ipv4_udp_encapsulation_request;
}

bool lma_encap_gre_missing(const struct lma_job *j)
{
	return j->req->lifetime && !j->req->has_gre && j->l->conf.cfg.gre == LMA_GRE_REQUIRE;
}

static bool has_tlv(uint8_t encap)
{
	return encap == DP_ENCAP_UDP_TLV || encap == DP_ENCAP_UDP_GRE ||
	       encap == DP_ENCAP_UDP_GRE_KEY;
}

/* RFC 5845 7.2: the same MAG SHOULD NOT see another format when it registers again, whatever the
 * configuration has become. */
static bool choose_tlv(const struct lma_job *j, const struct bce *b)
{
	if (!lma_req_is_ip4(j->req) || !j->req->tlv)
		return false;
	return b ? has_tlv(b->reg.encap) : j->l->conf.cfg.gre_tlv;
}

static enum gre choose_gre(const struct lma_job *j, uint16_t domain)
{
	if (!j->req->has_gre || (j->l->conf.cfg.gre == LMA_GRE_REFUSE && !domain))
		return GRE_NONE;
	return j->req->has_key ? GRE_KEY : GRE_PLAIN;
}

static enum shim choose_shim(const struct lma_job *j, bool tlv)
{
	if (tlv)
		return SHIM_TLV;
	return lma_req_is_ip4(j->req) && j->req->force_udp ? SHIM_UDP : SHIM_NONE;
}

enum pba_status lma_encap_choose(struct lma_job *j, const struct bce *b, uint16_t domain,
				 const char **why)
{
	const bool tlv = choose_tlv(j, b);
	const enum gre gre = choose_gre(j, domain);
	struct lma_encap *e = &j->encap;

	if (domain && gre != GRE_KEY) {
		*why = "the IPv4 home address may exist twice and needs GRE keys";
		return PBA_GRE_KEY_REQUIRED;
	}
	*e = (struct lma_encap){
		.status = PBA_ACCEPTED,
		.encap = encaps[choose_shim(j, tlv)][gre],
		.tlv = tlv,
		.gre = gre != GRE_NONE,
		.key = gre == GRE_KEY,
	};
	e->nat = e->encap == DP_ENCAP_UDP;
	if (j->req->has_gre && !e->gre)
		e->status = PBA_GRE_KEY_NOT_REQUIRED;
	else if (j->req->has_gre && j->req->tlv && !tlv)
		e->status = PBA_GRE_TLV_NOT_SUPPORTED;
	return PBA_ACCEPTED;
}
