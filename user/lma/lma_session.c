/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an admitted request does: initial registration, lifetime extension with and without
 * handoff, de-registration (RFC 5213 5.3.2 to 5.3.5, RFC 5844 3.1.2.2 to 3.1.2.5).
 *
 * Each procedure does what may fail first, in the order cache, data plane, and undoes it when a
 * later part fails: the reply is then 130 and the binding is as it was. Only then the state steps
 * and the reply goes out.
 */
#include "lma/lma_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

/* ---- telling */

void lma_session_event(struct lma *l, const struct bce *b, nsec_t now, enum event_type type)
{
	struct lma_addrs addrs;
	const struct mnid id = bce_mnid(b);
	const struct event ev = {
		.type = type,
		.role = "lma",
		.now = now,
		.mnid = &id,
		.peer = &b->reg.proxy_coa,
		.prefixes = addrs.prefixes,
		.n_prefixes = b->n_prefixes,
		.home4 = &addrs.home4,
	};

	lma_addrs_of(b, &addrs);
	event_emit(l->sink, &ev);
}

#define ADDRS_STRLEN (PREFIX6_STRLEN + ADDR6_STRLEN + 16)

/* "2001:db8::/64 and more, 192.0.2.1" */
static const char *addrs_str(const struct bce *b, char buf[ADDRS_STRLEN])
{
	const struct home4 h = bce_home4(b);
	const struct in6_addr mapped = addr_from_ip4(h.addr);
	char prefix[PREFIX6_STRLEN] = "", addr[ADDR6_STRLEN] = "";

	if (b->n_prefixes) {
		const struct prefix6 first = bce_prefix(b, 0);

		prefix6_str(&first, prefix);
	}
	if (home4_is_set(&h))
		addr_str(&mapped, addr);
	snprintf(buf, ADDRS_STRLEN, "%s%s%s%s", prefix, b->n_prefixes > 1 ? " and more" : "",
		 prefix[0] && addr[0] ? ", " : "", addr);
	return buf;
}

void lma_session_log(struct lma *l, const struct bce *b, nsec_t now, const char *what)
{
	char node[80], addrs[ADDRS_STRLEN], addr[ADDR6_STRLEN];
	const struct mnid id = bce_mnid(b);
	struct lma_mag *m;

	if (log_level() < LOG_C_INFO)
		return;
	m = lma_conf_mag(&l->conf, &b->reg.proxy_coa);
	log_limited(m ? &m->sessions : &l->local, now, LOG_C_INFO, "lma[%s]{%s} %s: %s at %s (%s)",
		    mnid_str(&id, node, sizeof(node)), lma_binding_fsm.states[b->state], what,
		    addrs_str(b, addrs), m ? m->cfg.name : "unconfigured MAG",
		    addr_str(&b->reg.proxy_coa, addr));
}

/* ---- pieces */

void lma_session_count(struct lma *l, const struct bce_reg *reg, int by, nsec_t now)
{
	struct lma_mag *m = lma_conf_mag(&l->conf, &reg->proxy_coa);

	if (!m)
		return;
	if (by > 0)
		lma_conf_note_path(&l->conf, m, reg);
	m->bindings += (uint32_t)by;
	lma_peer_count(l, m, by > 0 ? &reg->lmaa : NULL, now);
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

/* The values a binding has once the request is accepted, j->encap being chosen. 0 or -ENOMEM. */
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
		.down_key = j->encap.key ? r->key : 0,
		.seq = r->seq,
		.port = r->port,
		.encap = (uint8_t)j->encap.encap,
		.att = r->att,
	};
	return r->has_llid ? bce_reg_set_llid(reg, &r->llid) : 0;
}

/* `addrs` is what the request was about: in a de-registration what the binding has had. */
static void acknowledge(struct lma_job *j, struct bce *b, const struct lma_addrs *addrs,
			uint16_t lifetime)
{
	const struct lma_pba pba = {
		.status = j->encap.status,
		.seq = j->req->seq,
		.lifetime = lifetime,
		.timestamp = j->req->timestamp,
		.addrs = addrs,
		.link_local = b->reg.link_local,
		.encap = j->encap,
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

/* Addresses and tunnel of a session, judged together: what is new is taken from the pools. `b` is
 * NULL for a new session. */
static enum pba_status plan(struct lma_job *j, const struct bce *b, struct lma_addrs *out,
			    const char **why)
{
	const bool again =
		b && b->state == LMA_ST_ACTIVE && addr6_eq(&b->reg.proxy_coa, &j->req->coa);
	struct lma_addrs was = {0};
	enum pba_status s = lma_addrs_plan(j, b, out, why);

	if (s != PBA_ACCEPTED)
		return s;
	s = lma_encap_choose(j, again ? b : NULL, out->home4.domain, why);
	if (s != PBA_ACCEPTED) {
		if (b)
			lma_addrs_of(b, &was);
		lma_addrs_release(j->l, out, &was);
	}
	return s;
}

/* ---- RFC 5213 5.3.2, RFC 5844 3.1.2.2 */

void lma_session_create(struct lma_job *j)
{
	struct lma *l = j->l;
	struct lma_addrs addrs;
	const char *why = NULL;
	enum pba_status status;
	struct bce *b = NULL;
	int err;

	if (bce_count(l->cache) >= l->conf.cfg.max_bindings) {
		lma_refuse(j, PBA_INSUFFICIENT_RESOURCES, "max-bindings reached");
		return;
	}
	status = plan(j, NULL, &addrs, &why);
	if (status != PBA_ACCEPTED) {
		lma_refuse(j, status, why);
		return;
	}
	err = bce_add(l->cache, &j->req->mnid, addrs.prefixes, addrs.n, &addrs.home4, &b);
	if (err) {
		lma_addrs_release(l, &addrs, NULL);
		lma_refuse(j, PBA_INSUFFICIENT_RESOURCES,
			   err == -ENOSPC ? "too many sessions of one node" : "no memory");
		return;
	}
	err = lma_store_add(l, b);
	if (!err)
		err = reg_from(j, NULL, &b->reg);
	if (err) {
		lma_binding_step(l, b, LMA_EV_FAILED, j->now);
		lma_refuse(j, PBA_INSUFFICIENT_RESOURCES, "no memory");
		return;
	}
	err = lma_forward_start(j, b);
	if (err) {
		lma_binding_step(l, b, LMA_EV_FAILED, j->now);
		refuse_dataplane(j, err);
		return;
	}
	lma_session_count(l, &b->reg, 1, j->now);
	lma_binding_step(l, b, LMA_EV_ACCEPTED, j->now);
	lma_revoke_void(l, b, j->now);
	acknowledge(j, b, &addrs, grant(j));
}

/* ---- RFC 5213 5.3.3, 5.3.4, RFC 5844 3.1.2.3, 3.1.2.4 */

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

static void count_families(struct lma *l, const struct lma_addrs *from, const struct lma_addrs *to)
{
	const bool had4 = home4_is_set(&from->home4), has4 = home4_is_set(&to->home4);

	if (has4 && !had4)
		lma_bump(l, LMA_C_IPV4_ADDED);
	if (had4 && !has4)
		lma_bump(l, LMA_C_IPV4_RELEASED);
	if (to->n && !from->n)
		lma_bump(l, LMA_C_IPV6_ADDED);
	if (from->n && !to->n)
		lma_bump(l, LMA_C_IPV6_RELEASED);
}

/*
 * "Handoff state not changed" from the MAG that the node has just left: it does not know yet, and a
 * retransmission has a new timestamp (RFC 5213 6.9.4), so the order does not tell. With 157 it
 * "SHOULD try to register again to reassert the mobile node's presence" (6.9.1.2 (8)), and then the
 * state has changed. As long as retransmissions may be on their way.
 */
static bool is_overtaken(const struct lma_job *j, const struct bce *b)
{
	return lma_ordered_by_timestamp(j) && j->req->hi == HI_NO_CHANGE &&
	       b->state == LMA_ST_ACTIVE && addr6_eq(&b->moved_from, &j->req->coa) &&
	       j->now < b->moved_until;
}

void lma_session_update(struct lma_job *j, struct bce *b)
{
	struct lma *l = j->l;
	struct lma_change c = {.b = b};
	const bool handoff = !addr6_eq(&b->reg.proxy_coa, &j->req->coa);
	const bool let_go = b->state == LMA_ST_DEREGISTERING;
	enum pba_status status;
	const char *why = NULL;
	int err;

	if (!lma_mags_may_serve(j, b)) {
		lma_refuse(j, PBA_MAG_NOT_AUTHORIZED, "the MAG may not serve the node's prefix");
		return;
	}
	if (is_overtaken(j, b)) {
		lma_bump(l, LMA_C_OVERTAKEN);
		lma_refuse(j, PBA_TIMESTAMP_LOWER, "the node has left this MAG");
		return;
	}
	lma_addrs_of(b, &c.old_addrs);
	status = plan(j, b, &c.addrs, &why);
	if (status == PBA_ACCEPTED && reg_from(j, b, &c.reg)) {
		lma_addrs_release(l, &c.addrs, &c.old_addrs);
		status = PBA_INSUFFICIENT_RESOURCES;
		why = "no memory";
	}
	if (status != PBA_ACCEPTED) {
		lma_refuse(j, status, why);
		return;
	}
	err = lma_forward_change(j, &c);
	if (err) {
		bce_reg_clear(&c.reg);
		lma_addrs_release(l, &c.addrs, &c.old_addrs);
		refuse_dataplane(j, err);
		return;
	}
	lma_addrs_release(l, &c.old_addrs, &c.addrs);
	count_families(l, &c.old_addrs, &c.addrs);
	/* in this order, so that the MAG's last binding does not seem to end */
	lma_session_count(l, &c.reg, 1, j->now);
	lma_session_count(l, &c.old_reg, -1, j->now);
	lma_binding_step(l, b, handoff ? LMA_EV_MOVED : LMA_EV_EXTENDED, j->now);
	acknowledge(j, b, &c.addrs, grant(j));
	if (handoff) {
		b->moved_from = let_go ? in6addr_any : c.old_reg.proxy_coa;
		b->moved_until = nsec_add(j->now, nsec_from_ms(RTX_MAX_BINDACK_TIMEOUT_MS));
		lma_revoke_moved(l, b, &c.old_reg, let_go, j->now);
	} else {
		lma_revoke_extended(b, j->now);
	}
	lma_revoke_void(l, b, j->now);
	bce_reg_clear(&c.old_reg);
}

/* ---- RFC 5213 5.3.5, RFC 5844 3.1.2.5 */

/* What stays of a binding when the families that the request names go. */
static void without_named(const struct lma_req *r, const struct lma_addrs *was,
			  struct lma_addrs *left)
{
	static const struct home4 none;

	*left = *was;
	if (r->n_hnp)
		left->n = 0;
	if (r->n_hoa4)
		left->home4 = none;
}

static void note_deregistration(struct lma_job *j, struct bce *b)
{
	const struct lma_req *r = j->req;

	b->reg.seq = r->seq;
	b->reg.port = r->port;
	if (r->has_timestamp && j->l->conf.cfg.timestamp_based_approach_in_use)
		b->reg.timestamp = r->timestamp;
	b->reg.link_local = choose_link_local(j, b);
}

/* One family goes at once, the binding stays with the other. */
static void release_family(struct lma_job *j, struct bce *b, const struct lma_addrs *was,
			   const struct lma_addrs *left)
{
	struct lma *l = j->l;
	int err = 0;

	if (!lma_addrs_eq(was, left))
		err = lma_forward_release(j, b, was, left);
	if (err) {
		refuse_dataplane(j, err);
		return;
	}
	lma_addrs_release(l, was, left);
	count_families(l, was, left);
	note_deregistration(j, b);
	lma_binding_step(l, b, LMA_EV_RELEASED, j->now);
	acknowledge(j, b, was, 0);
}

static void linger(struct lma *l, struct bce *b, nsec_t now)
{
	/* fails only for a session that the data plane lost: then nothing is forwarded anyway */
	l->dp->ops->session_mode(l->dp, b->session, DP_DROP);
	lma_binding_step(l, b, LMA_EV_DEREGISTERED, now);
}

static void deregister(struct lma_job *j, struct bce *b)
{
	struct lma *l = j->l;
	const struct lma_req *r = j->req;
	struct lma_addrs was, left;

	if (!addr6_eq(&b->reg.proxy_coa, &r->coa)) {
		lma_ignore(j, LMA_C_IGNORED_OTHER_COA, "de-registration by another MAG");
		return;
	}
	/* an Alternate Care-of Address names the serving MAG, but is not its word */
	if (!lma_mags_may_serve(j, b)) {
		lma_refuse(j, PBA_MAG_NOT_AUTHORIZED, "the MAG may not serve the node's prefix");
		return;
	}
	lma_addrs_of(b, &was);
	if (lma_addrs_other_home4(r, &was)) {
		lma_refuse(j, PBA_NOT_AUTHORIZED_FOR_IPV4_HOA,
			   "not the IPv4 home address of the binding");
		return;
	}
	if (b->state == LMA_ST_REVOKING) {
		/* what the MAG is asked for happens anyway */
		note_deregistration(j, b);
		acknowledge(j, b, &was, 0);
		lma_revoke_let_go(b, j->now);
		lma_binding_step(l, b, LMA_EV_REVOKED, j->now);
		return;
	}
	without_named(r, &was, &left);
	if (b->state == LMA_ST_ACTIVE && (left.n || home4_is_set(&left.home4))) {
		release_family(j, b, &was, &left);
		return;
	}
	note_deregistration(j, b);
	lma_revoke_let_go(b, j->now);
	linger(l, b, j->now);
	acknowledge(j, b, &was, 0);
	lma_hold_release(l, b, j->now);
}

void lma_session_let_go(struct lma *l, struct bce *b, nsec_t now)
{
	linger(l, b, now);
	lma_hold_release(l, b, now);
}

void lma_session_destroy(struct lma *l, struct bce *b, nsec_t now)
{
	const bool was_up = b->session;
	struct lma_addrs addrs;

	lma_hold_orphan(l, b, now);
	lma_revoke_forget(b);
	if (was_up) {
		l->dp->ops->session_del(l->dp, b->session);
		lma_session_count(l, &b->reg, -1, now);
	}
	lma_forward_forget_late(l, b);
	tunnel_put(l->tunnels, b->tunnel);
	lma_addrs_of(b, &addrs);
	lma_addrs_release(l, &addrs, NULL);
	deadline_cancel(&l->deadlines, &b->deadline);
	lma_store_remove(l, b, now);
	bce_del(l->cache, &b);
}

/* ---- RFC 5213 5.3.1 (13) */

/* RFC 5844 3.1.2.7: the same rules, with the address as the key. */
static void refuse_key(struct lma_job *j, const char *why)
{
	lma_refuse(j,
		   j->lookup.by_addr4 ? PBA_NOT_AUTHORIZED_FOR_IPV4_HOA
				      : PBA_NOT_AUTHORIZED_FOR_HNP,
		   why);
}

/*
 * A binding that is being revoked has ended but for its MAG. False: the request comes from that
 * MAG, which did not know yet; if it still wants it when it does, it asks again. Another MAG gets a
 * binding of its own.
 */
static bool settle_revoked(struct lma_job *j)
{
	struct bce *b = bce_first(bce_node_find(j->l->cache, &j->req->mnid)), *next;
	bool ended = false;

	for (; b; b = next) {
		next = b->next;
		if (b->state != LMA_ST_REVOKING || addr6_eq(&b->reg.proxy_coa, &j->req->coa))
			continue;
		lma_revoke_part(j->l, b, j->now);
		lma_binding_step(j->l, b, LMA_EV_REVOKED, j->now);
		ended = true;
	}
	if (ended)
		lma_lookup(j->l, j->req, &j->lookup);
	if (!j->lookup.bce || j->lookup.bce->state != LMA_ST_REVOKING)
		return true;
	lma_ignore(j, LMA_C_IGNORED_REVOKING, "the binding is being revoked");
	return false;
}

static void process_registration(struct lma_job *j)
{
	if (!settle_revoked(j))
		return;
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
		refuse_key(j, "another session of the node has them");
		break;
	case LMA_LOOKUP_FOREIGN:
		refuse_key(j, j->lookup.by_addr4 ? "an IPv4 home address of another node"
						 : "a prefix of another node");
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
