/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an admitted request does: initial registration, lifetime extension with and without
 * handoff, de-registration (RFC 5213 5.3.2 to 5.3.5).
 *
 * Each procedure does what may fail first, in the order cache, data plane, and undoes it when a
 * later part fails: the reply is then 130 and the binding is as it was. Only then the state steps
 * and the reply goes out.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

/* ---- telling */

void lma_session_event(struct lma *l, const struct bce *b, nsec_t now, enum event_type type)
{
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	const struct mnid id = bce_mnid(b);
	const struct event ev = {
		.type = type,
		.role = "lma",
		.now = now,
		.mnid = &id,
		.peer = &b->reg.proxy_coa,
		.prefixes = prefixes,
		.n_prefixes = bce_prefixes(b, prefixes),
	};

	event_emit(l->sink, &ev);
}

void lma_session_log(struct lma *l, const struct bce *b, nsec_t now, const char *what)
{
	char node[80], prefix[PREFIX6_STRLEN], addr[ADDR6_STRLEN];
	const struct prefix6 first = bce_prefix(b, 0);
	const struct mnid id = bce_mnid(b);
	struct lma_mag *m;

	if (log_level() < LOG_C_INFO)
		return;
	m = lma_conf_mag(&l->conf, &b->reg.proxy_coa);
	log_limited(m ? &m->sessions : &l->local, now, LOG_C_INFO,
		    "lma[%s]{%s} %s: %s%s at %s (%s)", mnid_str(&id, node, sizeof(node)),
		    lma_binding_fsm.states[b->state], what, prefix6_str(&first, prefix),
		    b->n_prefixes > 1 ? " and more" : "", m ? m->cfg.name : "unconfigured MAG",
		    addr6_str(&b->reg.proxy_coa, addr));
}

/* ---- pieces */

static void count_binding(struct lma *l, const struct in6_addr *coa, int by)
{
	struct lma_mag *m = lma_conf_mag(&l->conf, coa);

	if (m)
		m->bindings += (uint32_t)by;
}

/* In units of 4 s, at least one: an accepted registration never reads as a de-registration. */
static uint16_t grant(const struct lma_job *j)
{
	uint32_t units = j->l->conf.cfg.max_lifetime / MH_LIFETIME_UNIT;
	const uint32_t own = j->profile ? j->profile->lifetime : 0;

	if (own && own / MH_LIFETIME_UNIT < units)
		units = own < MH_LIFETIME_UNIT ? 1 : own / MH_LIFETIME_UNIT;
	return units < j->req->lifetime ? (uint16_t)units : j->req->lifetime;
}

/* RFC 5213 5.3.6: the address "that the MAG can use on the link shared with the mobile node". */
static struct in6_addr make_link_local(struct lma *l)
{
	struct in6_addr a = l->conf.cfg.fixed_mag_link_local_address_on_all_access_links;
	const struct env *env = l->env;

	if (!addr6_is_zero(&a))
		return a;
	a.s6_addr[0] = 0xfe;
	a.s6_addr[1] = 0x80;
	(env->random)(env->ctx, a.s6_addr + 8, 8);
	a.s6_addr[8] &= (uint8_t)~0x02; /* of no universal scope, RFC 4291 2.5.1 */
	return a;
}

static struct in6_addr choose_link_local(struct lma_job *j, const struct bce *b)
{
	static const struct in6_addr none;

	if (j->req->has_link_local && !addr6_is_zero(&j->req->link_local))
		return j->req->link_local;
	if (b && !addr6_is_zero(&b->reg.link_local))
		return b->reg.link_local;
	return j->req->has_link_local ? make_link_local(j->l) : none;
}

/* The values a binding has once the request is accepted. 0 or -ENOMEM. */
static int reg_from(struct lma_job *j, const struct bce *b, struct bce_reg *reg)
{
	const struct lma_req *r = j->req;
	const bool timestamps = j->l->conf.cfg.timestamp_based_approach_in_use;

	*reg = (struct bce_reg){
		.proxy_coa = r->coa,
		.lmaa = r->dst,
		.link_local = choose_link_local(j, b),
		.timestamp = timestamps && r->has_timestamp ? r->timestamp : 0,
		.lifetime_s = (uint32_t)grant(j) * MH_LIFETIME_UNIT,
		.seq = r->seq,
		.att = r->att,
	};
	return r->has_llid ? bce_reg_set_llid(reg, &r->llid) : 0;
}

static void acknowledge(struct lma_job *j, struct bce *b, uint16_t lifetime)
{
	const struct lma_pba pba = {
		.status = PBA_ACCEPTED,
		.seq = j->req->seq,
		.lifetime = lifetime,
		.timestamp = j->req->timestamp,
		.bce = b,
	};

	bce_node_accept(b->node, b->reg.timestamp);
	lma_pba_send(j->l, j->req, &pba, j->now);
	lma_hold_overtake(j->l, j->req, j->now);
}

static void refuse_dataplane(struct lma_job *j, int err)
{
	lma_bump(j->l, LMA_C_DP_FAILED);
	log_limited(&j->l->local, j->now, LOG_C_LOCAL, "lma: the data plane refused a session: %s",
		    strerror(-err));
	lma_refuse(j, PBA_INSUFFICIENT_RESOURCES, "no room in the data plane");
}

/* ---- RFC 5213 5.3.2 */

static int forward(struct lma *l, struct bce *b, dp_ref tunnel)
{
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	const struct dp_session s = {
		.half = DP_ANCHOR,
		.mnid = bce_mnid(b),
		.n_prefixes = bce_prefixes(b, prefixes),
		.prefixes = prefixes,
		.down = {.kind = DP_TO_PEER, .peer = tunnel},
		.up = {.kind = DP_TO_ROUTE		  },
		.mode = DP_FORWARD,
	};

	return l->dp->ops->session_put(l->dp, &s, &b->session);
}

static int get_tunnel(struct lma *l, const struct bce_reg *reg, dp_ref *out)
{
	const struct dp_peer peer = {reg->lmaa, reg->proxy_coa, DP_ENCAP_IP};

	return tunnel_get(l->tunnels, &peer, out);
}

/* Registration values, tunnel, data plane for a binding that is in the cache. */
static int bring_up(struct lma_job *j, struct bce *b)
{
	struct lma *l = j->l;
	int err = reg_from(j, NULL, &b->reg);

	if (!err)
		err = get_tunnel(l, &b->reg, &b->tunnel);
	if (!err)
		err = forward(l, b, b->tunnel);
	return err;
}

void lma_session_create(struct lma_job *j)
{
	struct lma *l = j->l;
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	const char *why = NULL;
	enum pba_status status;
	struct bce *b = NULL;
	unsigned n = 0;
	int err;

	if (bce_count(l->cache) >= l->conf.cfg.max_bindings) {
		lma_refuse(j, PBA_INSUFFICIENT_RESOURCES, "max-bindings reached");
		return;
	}
	status = lma_prefix_assign(j, prefixes, &n, &why);
	if (status != PBA_ACCEPTED) {
		lma_refuse(j, status, why);
		return;
	}
	err = bce_add(l->cache, &j->req->mnid, prefixes, n, NULL, &b);
	if (err) {
		lma_prefix_release(l, prefixes, n);
		lma_refuse(j, PBA_INSUFFICIENT_RESOURCES,
			   err == -ENOSPC ? "too many sessions of one node" : "no memory");
		return;
	}
	err = bring_up(j, b);
	if (err) {
		lma_binding_step(l, b, LMA_EV_FAILED, j->now);
		refuse_dataplane(j, err);
		return;
	}
	count_binding(l, &b->reg.proxy_coa, 1);
	lma_binding_step(l, b, LMA_EV_ACCEPTED, j->now);
	acknowledge(j, b, grant(j));
}

/* ---- RFC 5213 5.3.3, 5.3.4 */

/* The data plane lost the session: put it there again. */
static int forward_anew(struct lma *l, struct bce *b, dp_ref tunnel)
{
	const dp_ref old = b->session;
	int err;

	b->session = 0;
	err = forward(l, b, tunnel);
	if (err)
		b->session = old;
	return err;
}

static int move(struct lma *l, struct bce *b, dp_ref tunnel)
{
	const struct dp_path down = {.kind = DP_TO_PEER, .peer = tunnel};
	int err = 0;

	if (tunnel != b->tunnel)
		err = l->dp->ops->session_move(l->dp, b->session, &down);
	if (!err && b->state == LMA_ST_DEREGISTERING)
		err = l->dp->ops->session_mode(l->dp, b->session, DP_FORWARD);
	return err == -ENOENT ? forward_anew(l, b, tunnel) : err;
}

bool lma_mags_may_serve(const struct lma_job *j, const struct bce *b)
{
	for (unsigned i = 0; i < b->n_prefixes; i++) {
		const struct prefix6 p = bce_prefix(b, i);

		if (!lma_mag_may_serve_prefix(j->mag, &p) ||
		    !lma_mag_may_serve_prefix(j->coa_mag, &p))
			return false;
	}
	return true;
}

void lma_session_update(struct lma_job *j, struct bce *b)
{
	struct lma *l = j->l;
	struct bce_reg old = b->reg, now;
	const bool handoff = !addr6_eq(&old.proxy_coa, &j->req->coa);
	dp_ref tunnel, old_tunnel = b->tunnel;
	int err;

	if (!lma_mags_may_serve(j, b)) {
		lma_refuse(j, PBA_MAG_NOT_AUTHORIZED, "the MAG may not serve the node's prefix");
		return;
	}
	err = reg_from(j, b, &now);
	if (err) {
		lma_refuse(j, PBA_INSUFFICIENT_RESOURCES, "no memory");
		return;
	}
	/* one more user of the tunnel, given back below when it is the same */
	err = get_tunnel(l, &now, &tunnel);
	if (err) {
		bce_reg_clear(&now);
		refuse_dataplane(j, err);
		return;
	}
	b->reg = now;
	err = move(l, b, tunnel);
	if (err) {
		b->reg = old;
		bce_reg_clear(&now);
		tunnel_put(l->tunnels, tunnel);
		refuse_dataplane(j, err);
		return;
	}
	b->tunnel = tunnel;
	tunnel_put(l->tunnels, old_tunnel);
	count_binding(l, &old.proxy_coa, -1);
	count_binding(l, &now.proxy_coa, 1);
	bce_reg_clear(&old);
	lma_binding_step(l, b, handoff ? LMA_EV_MOVED : LMA_EV_EXTENDED, j->now);
	acknowledge(j, b, grant(j));
}

/* ---- RFC 5213 5.3.5 */

static void deregister(struct lma_job *j, struct bce *b)
{
	struct lma *l = j->l;
	const struct lma_req *r = j->req;

	if (!addr6_eq(&b->reg.proxy_coa, &r->coa)) {
		lma_ignore(j, LMA_C_IGNORED_OTHER_COA, "de-registration by another MAG");
		return;
	}
	/* an Alternate Care-of Address names the serving MAG, but is not its word */
	if (!lma_mags_may_serve(j, b)) {
		lma_refuse(j, PBA_MAG_NOT_AUTHORIZED, "the MAG may not serve the node's prefix");
		return;
	}
	b->reg.seq = r->seq;
	if (r->has_timestamp && l->conf.cfg.timestamp_based_approach_in_use)
		b->reg.timestamp = r->timestamp;
	b->reg.link_local = choose_link_local(j, b);
	/* fails only for a session that the data plane lost: then nothing is forwarded anyway */
	l->dp->ops->session_mode(l->dp, b->session, DP_DROP);
	lma_binding_step(l, b, LMA_EV_DEREGISTERED, j->now);
	acknowledge(j, b, 0);
	lma_hold_release(l, b, j->now);
}

void lma_session_destroy(struct lma *l, struct bce *b, nsec_t now)
{
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	const unsigned n = bce_prefixes(b, prefixes);
	const bool was_up = b->session;

	lma_hold_orphan(l, b, now);
	if (was_up) {
		l->dp->ops->session_del(l->dp, b->session);
		count_binding(l, &b->reg.proxy_coa, -1);
	}
	tunnel_put(l->tunnels, b->tunnel);
	lma_prefix_release(l, prefixes, n);
	deadline_cancel(&l->deadlines, &b->deadline);
	bce_del(l->cache, &b);
}

/* ---- RFC 5213 5.3.1 (13) */

static void process_registration(struct lma_job *j)
{
	switch (j->lookup.kind) {
	case LMA_LOOKUP_NEW:
		lma_session_create(j);
		break;
	case LMA_LOOKUP_UPDATE:
		lma_session_update(j, j->lookup.bce);
		break;
	case LMA_LOOKUP_HOLD:
		if (j->l->conf.cfg.hold_before_new_bce)
			lma_hold_request(j);
		else
			lma_session_create(j);
		break;
	case LMA_LOOKUP_IN_USE:
		lma_refuse(j, PBA_NOT_AUTHORIZED_FOR_HNP, "another session of the node has them");
		break;
	case LMA_LOOKUP_FOREIGN:
		lma_refuse(j, PBA_NOT_AUTHORIZED_FOR_HNP, "a prefix of another node");
		break;
	case LMA_LOOKUP_SET_DIFFERS:
		lma_refuse(j, PBA_PREFIX_SET_MISMATCH, "not the prefixes of the binding");
		break;
	}
}

static void process_deregistration(struct lma_job *j)
{
	switch (j->lookup.kind) {
	case LMA_LOOKUP_UPDATE:
		deregister(j, j->lookup.bce);
		break;
	case LMA_LOOKUP_FOREIGN:
	case LMA_LOOKUP_SET_DIFFERS:
		process_registration(j);
		break;
	case LMA_LOOKUP_NEW:
	case LMA_LOOKUP_HOLD:
	case LMA_LOOKUP_IN_USE:
		lma_hold_overtake(j->l, j->req, j->now);
		lma_ignore(j, LMA_C_IGNORED_NO_SESSION, "de-registration without a session");
		break;
	}
}

void lma_process(struct lma_job *j)
{
	if (j->req->lifetime)
		process_registration(j);
	else
		process_deregistration(j);
}
