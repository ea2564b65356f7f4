/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rule table has done. An action may free the session. */
#include "mag/mag_act.h"

static void tear_down(struct mag *m, const struct link_node *node)
{
	/* the node may be back already, with a session of its own */
	if (node->ifindex && !bul_by_node(m->bul, node->ifindex, &node->mac))
		m->links->teardown(m->links->ctx, node);
}

/* RFC 5213 6.9.1.1 (5): 1, 2 and 3 are for a trigger that knows; the MAG alone cannot tell. */
void mag_take_hint(struct mag_session *s, const struct mag_attachment *a, nsec_t now)
{
	if (a->handoff_hint < HI_NEW_INTERFACE || a->handoff_hint > HI_UNKNOWN)
		return;
	s->first_hi = a->handoff_hint;
	s->hint_until = nsec_add(now, nsec_from_ms(MAG_HINT_LIFE_MS));
}

void mag_act_register(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_store_forget(c->m, s); /* it is barred no longer */
	mag_take_hint(s, c->at, c->now);
	s->absent = false;
	s->quick = 0;
	mag_request(c->m, s, MRK_REGISTER, c->now);
}

void mag_act_refresh(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_request(c->m, obj, MRK_REGISTER, c->now);
}

void mag_act_resend(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_transmit(c->m, obj, c->now);
}

/* RFC 5213 6.9.4 (2). What the link knew last has to do for this one; whether the node is still
 * there will be known before the next. */
void mag_act_repeat(void *obj, void *arg)
{
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(obj);

	mag_transmit(c->m, obj, c->now);
	c->m->links->verify(c->m->links->ctx, &node);
}

void mag_act_dp_failed(struct mag_session *s, struct mag_ctx *c, int err)
{
	mag_count_up(c->m, MAG_C_DP_FAILED);
	mag_log(c->m, s, &c->m->node_limit, c->now, LOG_C_LOCAL, "cannot forward for it: %s",
		strerror(-err));
	c->cause = "data plane failed";
	mag_step(s, MEV_DP_FAILED, c);
}

/* The node wants IPv4 since the request that was just answered, RFC 5844 3.4.3. */
static void ask_for_home4(struct mag_session *s, struct mag_ctx *c)
{
	if (s->req.hoa4 && s->req.kind != MRK_RETURN4)
		return;
	if (!home4_is_set(&s->b.home4) && mag_wants4(c->m, s)) {
		c->cause = "wants an IPv4 address";
		mag_step(s, MEV_WANTS4, c);
	}
}

void mag_act_accept(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct mag *m = c->m;
	bool upload;
	int err;

	upload = mag_accept(s, c);
	deadline_arm(&m->timers, &s->timer, s->refresh_at);
	err = mag_serve(m, s, c->grant, c->now);
	if (err) {
		mag_act_dp_failed(s, c, err);
		return;
	}
	mag_store_touch(m, s, c->now);
	if (upload)
		mag_step(s, MEV_LINK_LOCAL, c);
	else
		ask_for_home4(s, c);
}

void mag_act_upload(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_advertise(c->m, obj);
	mag_store_touch(c->m, obj, c->now);
	mag_request(c->m, obj, MRK_REGISTER, c->now);
}

void mag_act_advertise(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_advertise(c->m, obj);
}

/* RFC 6275 11.7.3: go on from the number that the LMA accepted last */
static void adopt_sequence(struct mag_session *s, const struct mag_ctx *c)
{
	if (c->msg->ba.status == PBA_SEQ_OUT_OF_WINDOW)
		s->b.seq = c->msg->ba.seq;
}

/* Rejected, but worth repeating at once: the node keeps its addresses for that round trip. */
void mag_act_again(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_serve_pause(c->m, s, false, c->cause, c->now);
	s->quick++;
	adopt_sequence(s, c);
	mag_request(c->m, s, (enum mag_request_kind)s->req.kind, c->now);
}

/* Nothing was said against what it is served by. */
void mag_act_again_served(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	s->quick++;
	adopt_sequence(s, c);
	mag_request(c->m, s, (enum mag_request_kind)s->req.kind, c->now);
}

/* RFC 5213 6.9.1.2 (10) */
void mag_act_ask_any(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_serve_stop(c->m, s, true, c->cause, c->now);
	mag_unbind(c->m, s);
	s->any_prefix = true;
	mag_request(c->m, s, MRK_REGISTER, c->now);
}

/*
 * RFC 5844 3.2.3.2, RFC 5845 4.2: rejected for something that can be left out, or added. The node
 * keeps what the LMA said nothing against for that round trip.
 */
void mag_act_ask_anew(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	uint8_t status = c->msg->ba.status;

	mag_count_up(c->m, MAG_C_ASKED_ANEW);
	mag_serve_pause(c->m, s, status == PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY, c->cause, c->now);
	s->quick++;
	switch (status) {
	case PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY:
		s->refused4 = true;
		s->b.home4 = (struct home4){0};
		break;
	case PBA_INSUFFICIENT_RESOURCES:
		s->short4 = true;
		s->ask4_at = nsec_add(c->now, MAG_BACKOFF_CEILING * mag_quiet_time(c->m));
		break;
	case PBA_NOT_AUTHORIZED_FOR_IPV4_HOA:
		s->any_addr4 = true;
		s->b.home4 = (struct home4){0};
		break;
	case PBA_NOT_AUTHORIZED_FOR_IPV6_MOBILITY:
		s->refused6 = true;
		s->asks6 = false;
		(void)bul_set_prefixes(c->m->bul, &s->b, NULL, 0);
		break;
	default:
		s->gre_demanded = true;
		s->lma->no_gre = false;
		mag_choose_terms(c->m, s);
		if (mag_serve_key(c->m, s)) {
			mag_count_up(c->m, MAG_C_EARLY_KEY_FAILED);
			mag_log(c->m, s, &c->m->node_limit, c->now, LOG_C_LOCAL,
				"%s demands GRE keys, and there are none", s->lma->name);
			mag_step(s, MEV_REFUSED, c);
			return;
		}
		break;
	}
	mag_request(c->m, s, (enum mag_request_kind)s->req.kind, c->now);
}

void mag_act_backoff(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_serve_stop(c->m, s, true, c->cause, c->now);
	mag_store_forget(c->m, s);
	s->quick = 0; /* what follows a wait is not at once */
	deadline_arm(&c->m->timers, &s->timer, rtx_next(&s->backoff, c->now));
}

/* RFC 5213 6.9.1.2 (9): not before the clock is right, which nobody tells us; so, slowly. */
void mag_act_backoff_clock(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	if (s->backoff.wait_ms < c->m->cfg.max_bindack_timeout_ms)
		s->backoff.wait_ms = c->m->cfg.max_bindack_timeout_ms;
	mag_act_backoff(obj, arg);
}

void mag_act_rollback(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_serve_stop(c->m, obj, true, c->cause, c->now);
	mag_request(c->m, obj, MRK_DEREGISTER, c->now);
}

void mag_act_rolled_back(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_request_close(c->m, obj);
	mag_unbind(c->m, obj);
	mag_act_backoff(obj, arg);
}

/* RFC 5213 6.9.1.2 (11). The node's link goes down where it can; its triggers go unheard until the
 * quiet time is over, so that a node that insists costs the LMA nothing. */
void mag_act_refuse(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(s);

	mag_request_close(c->m, s);
	mag_serve_stop(c->m, s, true, c->cause, c->now);
	mag_store_forget(c->m, s);
	s->quiet_until = nsec_add(c->now, mag_quiet_time(c->m));
	deadline_arm(&c->m->timers, &s->timer, s->quiet_until);
	c->m->links->teardown(c->m->links->ctx, &node);
}

/* A restart does not lift that. */
void mag_act_bar(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_act_refuse(obj, arg);
	mag_store_bar(c->m, obj, c->now);
}

void mag_act_barred_elsewhere(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_act_new_place(obj, arg);
	mag_store_touch(c->m, obj, c->now);
}

void mag_act_stall(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	deadline_arm(&c->m->timers, &s->timer, s->b.expires);
}

void mag_act_stall_over(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_EXPIRED);
	mag_serve_stop(c->m, obj, true, c->cause, c->now);
	mag_unbind(c->m, obj);
	mag_act_bar(obj, arg);
}

/* RFC 5213 6.13. A link that never answers may not keep a binding alive: half of what is left of
 * the lifetime is the last moment for its answer. Without a binding it is given the quiet time. */
void mag_act_verify(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(s);
	nsec_t wait = nsec_sub(s->b.expires, c->now) / 2;

	if (!s->registered)
		wait = mag_quiet_time(c->m);
	deadline_arm(&c->m->timers, &s->timer, nsec_add(c->now, wait));
	c->m->links->verify(c->m->links->ctx, &node);
}

/* The LMA holds something newer than our refresh, or than a registration that was long on its way:
 * most likely the node has moved. Its presence is asserted again once it has proved to be here, or
 * else the old MAG would take the binding away from the new one. */
void mag_act_reassert(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_serve_pause(c->m, s, false, c->cause, c->now);
	s->quick++;
	s->overtaken = s->last_status == PBA_TIMESTAMP_LOWER;
	adopt_sequence(s, c);
	mag_act_verify(obj, arg);
}

/* The same for a node that is served through its old MAG, which costs the anchor nothing: it is
 * served on until it has proved to be here, or that service ends. */
void mag_act_prove(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(s);
	nsec_t until = nsec_add(c->now, mag_quiet_time(c->m));

	s->quick++;
	s->unproven = true;
	adopt_sequence(s, c);
	deadline_arm(&c->m->timers, &s->timer, nsec_min(until, s->b.expires));
	c->m->links->verify(c->m->links->ctx, &node);
}

static void expire(struct mag_session *s, struct mag_ctx *c)
{
	mag_count_up(c->m, MAG_C_EXPIRED);
	mag_serve_stop(c->m, s, true, c->cause, c->now);
	mag_unbind(c->m, s);
	s->req.kind = MRK_REGISTER;
}

/* The refresh was not answered in time: asking goes on at the pace reached (RFC 6275 11.8). */
void mag_act_expire(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	expire(obj, c);
	mag_transmit(c->m, obj, c->now);
}

void mag_act_new_place(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	s->b.att = c->at->att;
	s->access_mtu = c->at->access_mtu;
}

/* It ran out before its refresh was due to begin, because the answer took longer than the lifetime,
 * or something was heard of the node before its overdue timer had its turn. */
void mag_act_lapse(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	if (c->from) {
		mag_act_new_place(obj, arg);
		c->m->links->withdraw(c->m->links->ctx, c->from, true);
	}
	expire(obj, c);
	mag_request(c->m, obj, MRK_REGISTER, c->now);
}

void mag_act_deregister(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_DETACH);
	mag_serve_stop(c->m, s, c->m->cfg.deprecate_on_detach, c->cause, c->now);
	bul_park(c->m->bul, &s->b);
	s->quick = 0;
	mag_store_touch(c->m, s, c->now);
	mag_request(c->m, s, MRK_DEREGISTER, c->now);
}

/* An anchor that the node's session has left; nobody else speaks for that one. */
void mag_act_deregister_apart(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	bul_park(c->m->bul, &s->b);
	mag_request(c->m, s, MRK_DEREGISTER, c->now);
}

void mag_act_vanished(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_GONE_BEFORE_RETRANSMIT);
	mag_act_deregister(obj, arg);
}

void mag_act_unverified(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_VERIFY_TIMEOUT);
	mag_act_deregister(obj, arg);
}

/* The de-registration is under way already. */
void mag_act_park(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_DETACH);
	bul_park(c->m->bul, &s->b);
}

void mag_act_leave(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_DETACH);
	mag_session_free(c->m, obj);
}

void mag_act_forget(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_session_free(c->m, obj);
}

void mag_act_forget_released(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	c->m->n_released--;
	mag_session_free(c->m, obj);
}

/* RFC 5213 6.9.1.4: entry, routes, tunnel, link; the middle two went when the node did. */
void mag_act_done(void *obj, void *arg)
{
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(obj);

	mag_session_free(c->m, obj);
	tear_down(c->m, &node);
}

void mag_act_unanswered(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_DEREG_UNANSWERED);
	mag_act_done(obj, arg);
}

/* What is left is no binding: it keeps MAX_UPDATE_RATE honest should the node come straight back.
 */
void mag_act_release(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(s);

	c->m->n_released++;
	bul_park(c->m->bul, &s->b);
	mag_request_close(c->m, s);
	mag_unbind(c->m, s);
	deadline_arm(&c->m->timers, &s->timer, nsec_add(s->b.sent_at, NSEC_PER_SEC));
	tear_down(c->m, &node);
}

/* MAX_UPDATE_RATE held its registration back until it was gone: nobody has to be told. */
void mag_act_unasked(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_DETACH);
	mag_act_release(obj, arg);
}

void mag_act_superseded(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct link_node node = mag_node(s);

	mag_count_up(c->m, MAG_C_SUPERSEDED);
	mag_serve_stop(c->m, s, true, c->cause, c->now);
	mag_session_free(c->m, s);
	tear_down(c->m, &node);
}

void mag_act_absent(void *obj, void *arg)
{
	struct mag_session *s = obj;

	s->absent = true;
}

/*
 * The same link-layer address on another link of ours. With the same technology nothing changed
 * that the LMA knows of: a re-registration, Handoff Indicator 5. With another one the session moved
 * between two interfaces of the node as the LMA sees them, and the MAG knows that it did, since it
 * holds the session itself: 2. Never 3, which names another MAG.
 */
static void request_move(struct mag_session *s, struct mag_ctx *c)
{
	s->move_hi = s->b.att == s->reg_att ? HI_NO_CHANGE : HI_BETWEEN_INTERFACES;
	mag_request(c->m, s, MRK_MOVE, c->now);
}

void mag_act_move(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	struct mag *m = c->m;
	int err;

	mag_act_new_place(obj, arg);
	err = mag_serve_move(m, s, c->from);
	if (err) {
		mag_act_dp_failed(s, c, err);
		return;
	}
	mag_store_touch(m, s, c->now);
	request_move(s, c);
}

/* No service yet. The open request stands unless what it said of the node is no longer true. */
void mag_act_move_unserved(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	bool same = s->b.att == c->at->att;

	mag_act_new_place(obj, arg);
	if (same)
		return;
	if (mag_is_bound(s, c->now))
		request_move(s, c);
	else
		mag_request(c->m, s, MRK_REGISTER, c->now);
}

void mag_act_reassert_there(void *obj, void *arg)
{
	mag_act_new_place(obj, arg);
	mag_act_refresh(obj, arg);
}

/* ---- IPv4 alone ends: selective de-registration, RFC 5844 3.2.3.3 */

static bool without_home4(struct mag_session *s, struct mag_ctx *c)
{
	int err;

	mag_count_up(c->m, MAG_C_HOME4_RETURNED);
	s->returned4 = s->b.home4;
	err = mag_serve_without_home4(c->m, s, c->cause, c->now);
	if (err)
		mag_act_dp_failed(s, c, err);
	else
		mag_store_touch(c->m, s, c->now);
	return !err;
}

void mag_act_return4(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	if (without_home4(obj, c))
		mag_request(c->m, obj, MRK_RETURN4, c->now);
}

/* Nothing may be sent; the LMA learns of it when the session ends. */
void mag_act_return4_quietly(void *obj, void *arg)
{
	(void)without_home4(obj, arg);
}

static void go_on(struct mag_session *s, struct mag_ctx *c, nsec_t refresh_at)
{
	mag_request_close(c->m, s);
	deadline_arm(&c->m->timers, &s->timer, refresh_at);
	ask_for_home4(s, c);
}

void mag_act_returned4(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	s->returned4 = (struct home4){0};
	mag_store_touch(c->m, s, c->now);
	go_on(s, c, s->refresh_at);
}

void mag_act_return4_unanswered(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_DEREG_UNANSWERED);
	go_on(s, c, s->refresh_at);
}

/* Whatever it says of the address, it may be about the session: a refresh finds out. */
void mag_act_return4_rejected(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	adopt_sequence(s, c);
	go_on(s, c, c->now);
}
