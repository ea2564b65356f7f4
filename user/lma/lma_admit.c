/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFC 5213 5.3.1: the checks a Proxy Binding Update passes, in the order the RFC demands.
 *
 * What would fail before authentication (items 1 to 3) is ignored in lma_receive(); from here on
 * every failure is answered. The look-up of item 13 has no side effects and is done on the way,
 * because item 9 needs to know the session whose sequence number counts.
 */
#include "lma/lma_priv.h"

#include <string.h>
#include <strings.h>

#include "base/util.h"

void lma_job_init(struct lma_job *j, struct lma *l, const struct lma_req *req, nsec_t now)
{
	*j = (struct lma_job){
		.l = l,
		.req = req,
		.mag = lma_conf_mag(&l->conf, &req->src),
		.coa_mag = lma_conf_mag(&l->conf, &req->coa),
		.now = now,
		.clock = timestamp_from_wallclock(l->env->wallclock(l->env->ctx)),
	};
}

const struct profile *lma_profile_find(const struct lma *l, const struct mnid *id)
{
	const struct profiles *p = &l->profiles;
	const struct profile *found = p->by_mnid(p->ctx, id);

	if (!found && p->fallback)
		found = p->fallback(p->ctx, id);
	return found;
}

bool lma_profile_serves(const struct lma *l, const struct profile *p)
{
	return p && (addr6_is_zero(&p->lmaa) || lma_conf_serves(&l->conf, &p->lmaa));
}

/* ---- authorisation of MAGs (RFC 5213 section 4) */

/* RFC 4282 2.1: what follows the last '@'; realms compare like domain names. */
static bool in_realm(const struct mnid *id, const char *realm)
{
	const uint8_t *at =
		id->subtype == MNID_NAI && id->len ? memrchr(id->id, '@', id->len) : NULL;
	size_t len;

	if (!at)
		return false;
	len = (size_t)(id->id + id->len - (at + 1));
	return len == strlen(realm) && !strncasecmp((const char *)at + 1, realm, len);
}

bool lma_mag_may_serve_node(const struct lma_mag *m, const struct mnid *id)
{
	for (unsigned i = 0; i < m->cfg.n_realms; i++)
		if (in_realm(id, m->cfg.realms[i]))
			return true;
	return m->cfg.n_realms == 0;
}

bool lma_mag_may_serve_prefix(const struct lma_mag *m, const struct prefix6 *p)
{
	for (unsigned i = 0; i < m->cfg.n_allow; i++)
		if (prefix6_contains(&m->cfg.allow[i], p))
			return true;
	return m->cfg.n_allow == 0;
}

static bool may_serve_asked(const struct lma_mag *m, const struct lma_req *r)
{
	for (unsigned i = 0; i < r->n_hnp; i++)
		if (!r->hnp[i].zero && !lma_mag_may_serve_prefix(m, &r->hnp[i].prefix))
			return false;
	return true;
}

/* ---- the checks: true when the request fails */

static bool duplicate_option(struct lma_job *j)
{
	return j->req->duplicate;
}

static bool no_mnid(struct lma_job *j)
{
	return !j->req->has_mnid || !j->req->mnid.len;
}

static bool mag_not_for_node(struct lma_job *j)
{
	return !lma_mag_may_serve_node(j->mag, &j->req->mnid);
}

static bool mag_not_for_prefix(struct lma_job *j)
{
	return !may_serve_asked(j->mag, j->req);
}

/* RFC 5844 4.1.1: "MUST be the same as the source address of the received IPv4 packet", so an
 * Alternate Care-of Address can only repeat it. */
static bool coa_not_source(struct lma_job *j)
{
	return lma_req_is_ip4(j->req) && !addr6_eq(&j->req->coa, &j->req->src);
}

static bool coa_not_authorised(struct lma_job *j)
{
	return !j->coa_mag || !lma_mag_may_serve_node(j->coa_mag, &j->req->mnid) ||
	       !may_serve_asked(j->coa_mag, j->req);
}

static bool unknown_node(struct lma_job *j)
{
	j->profile = lma_profile_find(j->l, &j->req->mnid);
	return !lma_profile_serves(j->l, j->profile);
}

static bool node_not_entitled(struct lma_job *j)
{
	return !j->profile->enabled;
}

/* RFC 5213 9.3: the domain's flag says which considerations apply; 5.5: without the option the
 * sequence numbers do in any case. */
bool lma_ordered_by_timestamp(const struct lma_job *j)
{
	return j->req->has_timestamp && j->l->conf.cfg.timestamp_based_approach_in_use;
}

static enum order_verdict order_of(struct lma_job *j)
{
	const struct lma_cfg *cfg = &j->l->conf.cfg;
	const struct order_cfg order = {
		.timestamp_validity_window_ms = cfg->timestamp_validity_window_ms,
		.mobile_node_generated_timestamp_in_use =
			cfg->mobile_node_generated_timestamp_in_use,
	};
	const struct bce_node *node;

	if (lma_ordered_by_timestamp(j)) {
		node = bce_node_find(j->l->cache, &j->req->mnid);
		return order_timestamp(&order, j->req->timestamp, bce_node_newest(node), j->clock);
	}
	lma_lookup(j->l, j->req, &j->lookup);
	if (j->lookup.kind != LMA_LOOKUP_UPDATE)
		return order_sequence(j->req->seq, 0, false);
	return order_sequence(j->req->seq, j->lookup.bce->reg.seq, true);
}

/* The first of the three checks finds the verdict out for all. */
static bool timestamp_lower(struct lma_job *j)
{
	j->order = order_of(j);
	return j->order == ORDER_TS_LOWER;
}

static bool timestamp_mismatch(struct lma_job *j)
{
	return j->order == ORDER_TS_MISMATCH;
}

static bool sequence_not_newer(struct lma_job *j)
{
	return j->order == ORDER_SEQ_NOT_NEWER;
}

/* RFC 5844 3.1.2.1: either option will do. */
static bool no_hnp(struct lma_job *j)
{
	return !j->req->n_hnp && !j->req->n_hoa4;
}

static bool ipv6_not_enabled(struct lma_job *j)
{
	const struct lma_conf *c = &j->l->conf;

	return j->req->n_hnp && (j->profile->no_ipv6 || (!c->n_pools && !c->n_statics));
}

static bool ipv4_not_enabled(struct lma_job *j)
{
	return j->req->n_hoa4 && (!j->profile->ipv4 || !j->l->conf.n_pools4);
}

static bool several_hoa4(struct lma_job *j)
{
	return j->req->n_hoa4 > 1;
}

static bool no_hi(struct lma_job *j)
{
	return !j->req->has_hi;
}

static bool no_att(struct lma_job *j)
{
	return !j->req->has_att;
}

/* An empty identifier names no service: RFC 5149 3 wants 1 to 255 octets. */
static bool unknown_service(struct lma_job *j)
{
	const struct lma_cfg *cfg = &j->l->conf.cfg;

	if (!j->req->has_service || !cfg->n_services)
		return false;
	for (unsigned i = 0; i < cfg->n_services; i++)
		if (strlen(cfg->services[i]) == j->req->service_len &&
		    !memcmp(cfg->services[i], j->req->service, j->req->service_len))
			return false;
	return true;
}

static bool udp_forbidden(struct lma_job *j)
{
	return lma_encap_udp_forbidden(j);
}

static bool gre_missing(struct lma_job *j)
{
	return lma_encap_gre_missing(j);
}

/* `again`: also when a request has waited, because the configuration may be another. */
// clang-format off
static const struct check {
	bool (*fails)(struct lma_job *j);
	struct lma_check_info info;
	bool again;
} checks[] = {
	{duplicate_option,   {PBA_REASON_UNSPECIFIED, "RFC 5213 8.1", "an option stands twice"}},
	{no_mnid,            {PBA_MISSING_MN_ID, "RFC 5213 5.3.1 (4)", "no mobile node identifier"}},
	{mag_not_for_node,   {PBA_MAG_NOT_AUTHORIZED, "RFC 5213 5.3.1 (5, 6)", "the MAG may not serve this node"}, true},
	{mag_not_for_prefix, {PBA_MAG_NOT_AUTHORIZED, "RFC 5213 4", "the MAG may not serve this prefix"}},
	{coa_not_source,     {PBA_ADMIN_PROHIBITED, "RFC 5844 4.1.1", "the care-of address is not the IPv4 source"}},
	{coa_not_authorised, {PBA_ADMIN_PROHIBITED, "RFC 5213 4", "no MAG for it at the alternate care-of address"}, true},
	{unknown_node,       {PBA_NOT_LMA_FOR_THIS_MN, "RFC 5213 5.3.1 (7)", "no profile for this node here"}, true},
	{node_not_entitled,  {PBA_PROXY_REG_NOT_ENABLED, "RFC 5213 5.3.1 (8)", "the node's profile is disabled"}, true},
	{timestamp_lower,    {PBA_TIMESTAMP_LOWER, "RFC 5213 5.5 (8)", "older than an accepted one"}},
	{timestamp_mismatch, {PBA_TIMESTAMP_MISMATCH, "RFC 5213 5.5 (9)", "not close to our time of day"}},
	{sequence_not_newer, {PBA_SEQ_OUT_OF_WINDOW, "RFC 6275 9.5.1", "sequence number not newer"}},
	{no_hnp,             {PBA_MISSING_HNP, "RFC 5213 5.3.1 (10)", "no home network prefix option"}},
	{ipv6_not_enabled,   {PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY, "RFC 5844 3.1.2.1", "no IPv6 for this node"}, true},
	{ipv4_not_enabled,   {PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY, "RFC 5844 3.1.2.1", "no IPv4 for this node"}, true},
	{several_hoa4,       {PBA_MULTIPLE_IPV4_HOA_NOT_SUPPORTED, "RFC 5844 3.1.2.1", "several IPv4 home addresses"}},
	{no_hi,              {PBA_MISSING_HANDOFF_IND, "RFC 5213 5.3.1 (11)", "no handoff indicator option"}},
	{no_att,             {PBA_MISSING_ATT, "RFC 5213 5.3.1 (12)", "no access technology type option"}},
	{unknown_service,    {PBA_SERVICE_AUTHORIZATION_FAILED, "RFC 5149 4.2", "unknown service"}},
	{udp_forbidden,      {PBA_ADMIN_PROHIBITED, "RFC 5844 4.1.3.1", "UDP encapsulation is not accepted"}, true},
	{gre_missing,        {PBA_GRE_KEY_REQUIRED, "RFC 5845 5.2", "GRE is required"}, true},
};
// clang-format on

const struct lma_check_info *lma_admit_check(size_t i)
{
	return i < ARRAY_SIZE(checks) ? &checks[i].info : NULL;
}

enum pba_status lma_admit(struct lma_job *j, const char **why)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (checks[i].fails(j)) {
			*why = checks[i].info.why;
			return (enum pba_status)checks[i].info.status;
		}
	}
	lma_lookup(j->l, j->req, &j->lookup);
	return PBA_ACCEPTED;
}

enum pba_status lma_admit_again(struct lma_job *j, const char **why)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (checks[i].again && checks[i].fails(j)) {
			*why = checks[i].info.why;
			return (enum pba_status)checks[i].info.status;
		}
	}
	return PBA_ACCEPTED;
}

/* ---- how a request ends that leads to nothing */

static enum log_class class_of(enum pba_status s)
{
	switch (s) {
	case PBA_ADMIN_PROHIBITED:
	case PBA_PROXY_REG_NOT_ENABLED:
	case PBA_NOT_LMA_FOR_THIS_MN:
	case PBA_MAG_NOT_AUTHORIZED:
	case PBA_NOT_AUTHORIZED_FOR_HNP:
	case PBA_SERVICE_AUTHORIZATION_FAILED:
	case PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY:
	case PBA_NOT_AUTHORIZED_FOR_IPV4_HOA:
	case PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY:
		return LOG_C_AUTH;
	case PBA_INSUFFICIENT_RESOURCES:
		return LOG_C_LOCAL;
	default:
		return LOG_C_REMOTE;
	}
}

static void tell_refused(const struct lma_job *j, const char *why)
{
	const struct event ev = {
		.type = EV_REFUSED,
		.role = "lma",
		.now = j->now,
		.mnid = j->req->mnid.len ? &j->req->mnid : NULL,
		.peer = &j->req->src,
		.cause = why,
	};

	event_emit(j->l->sink, &ev);
}

static void log_culprit(const struct lma_job *j, enum log_class cls, const char *verdict,
			const char *why)
{
	const char *option = j->req->duplicate;
	char node[80], addr[ADDR6_STRLEN];

	if (cls > log_level())
		return;
	log_limited(&j->mag->refusals, j->now, cls, "lma[%s] %s (%s): %s: %s%s%s",
		    mnid_str(&j->req->mnid, node, sizeof(node)), j->mag->cfg.name,
		    addr_str(&j->req->src, addr), verdict, why, option ? ": " : "",
		    option ? option : "");
}

void lma_refuse(struct lma_job *j, enum pba_status status, const char *why)
{
	struct lma_pba pba = {
		.status = status,
		.seq = j->req->seq,
		.timestamp = j->req->timestamp,
	};

	j->mag->pbu_rejected++;
	if (status == PBA_TIMESTAMP_LOWER || status == PBA_TIMESTAMP_MISMATCH)
		pba.timestamp = j->clock;
	if (status == PBA_SEQ_OUT_OF_WINDOW)
		pba.seq = j->lookup.bce->reg.seq;
	log_culprit(j, class_of(status), pba_status_name((uint8_t)status), why);
	tell_refused(j, why);
	lma_pba_send(j->l, j->req, &pba, j->now);
}

void lma_ignore(struct lma_job *j, enum lma_counter reason, const char *why)
{
	lma_bump(j->l, reason);
	log_culprit(j, LOG_C_REMOTE, "ignored", why);
	tell_refused(j, why);
}
