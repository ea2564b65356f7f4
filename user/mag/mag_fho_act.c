/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the rule table of handovers has done. An action may free the handover. A session is brought
 * to where it goes on without the handover before the tunnel is given back, for it may use it.
 */
#include "mag/mag_fho.h"

#include <errno.h>

#define SAFETY_MS 60000u /* an end that nobody acknowledges is one after that at the latest */

/* Sets the session free. One that is LEAVING goes on as `MEV_HANDED_OVER` has it. */
static void release(struct mag_ho *h, struct ho_ctx *c)
{
	struct mag_session *s = h->s;
	struct mag_ctx mc = {.m = c->m, .now = c->now, .cause = c->cause};

	if (!s)
		return;
	mag_ho_unbind(h);
	if (s->state == MST_LEAVING || s->state == MST_EXPECTED)
		mag_step(s, MEV_HANDED_OVER, &mc);
	else if (s->serving && mag_serve_paths(c->m, s))
		mag_ho_log(c->m, h, c->now, LOG_C_LOCAL, "forwarding not changed");
}

/* `over`: the anchor sends its packets to the new gateway, or there is nothing left to forward. */
static void tell_end(struct mag_ho *h, struct ho_ctx *c, bool over)
{
	mag_ho_close_tunnel(c->m, h);
	mag_ho_send_hi(c->m, h, over ? MH_HI_F : 0, HI_CODE_FORWARDING_DONE, HO_NOTHING, c->now);
	mag_ho_arm_guard(c->m, h, SAFETY_MS, c->now);
}

static void over(struct mag_ho *h, struct ho_ctx *c, const char *result)
{
	if (!h->result)
		h->result = result;
	release(h, c);
	mag_ho_free(c->m, h, c->now);
}

void mag_ho_act_ended(void *obj, void *arg)
{
	over(obj, arg, "ended");
}

/* ---- old gateway */

/* RFC 5949 4.1 (c) */
void mag_ho_act_offer(void *obj, void *arg)
{
	struct ho_ctx *c = arg;

	mag_ho_send_hi(c->m, obj, c->m->cfg.fho.buffer_at_old ? 0 : MH_HI_F, HI_CODE_ALL_CONTEXT,
		       HO_CONTEXT, c->now);
}

void mag_ho_act_agreed(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;

	if (c->context && c->context->keyed)
		h->peer_key = c->context->key;
}

static int forward(struct mag_ho *h, struct ho_ctx *c)
{
	const enum dp_encap e = (enum dp_encap)h->encap;
	struct mag_session *s = h->s;
	struct mag_ctx mc = {.m = c->m, .now = c->now, .cause = "forwarded to its new MAG"};
	int err;

	if (c->context && c->context->keyed)
		h->peer_key = c->context->key;
	if (!s)
		return -ENOENT;
	/* RFC 5949 4.2: the new gateway chooses the key of what goes to it */
	if (!h->tunnel || (dp_encap_keyed(e) && !h->peer_key))
		return -EPROTO;
	err = mag_serve_paths(c->m, s);
	if (err)
		return err;
	if (!s->down_key && dp_encap_keyed(e))
		(void)c->m->dp->ops->session_key(c->m->dp, s->b.session, &s->down_key);
	mag_step(s, MEV_HAND_OVER, &mc);
	return 0;
}

static void failed(struct mag_ho *h, struct ho_ctx *c, int err, uint8_t code)
{
	c->code = code;
	if (!h->s) {
		mag_ho_log(c->m, h, c->now, LOG_C_INFO, "its session has ended");
	} else {
		ho_count_up(c->m, HO_C_FAILED);
		h->result = "failed";
		mag_ho_log(c->m, h, c->now, err == -EPROTO ? LOG_C_REMOTE : LOG_C_LOCAL, "%s",
			   err == -EPROTO ? "no GRE key to forward with" : strerror(-err));
	}
	mag_ho_step(h, HEV_FAILED, c);
}

void mag_ho_act_forward(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;
	int err = forward(h, c);

	if (err) {
		failed(h, c, err, HACK_NO_FORWARDING);
		return;
	}
	h->forwarding = true;
	ho_count_up(c->m, HO_C_FORWARDING);
	mag_ho_arm_guard(c->m, h, c->m->cfg.fho.forwarding_ms, c->now);
}

/* RFC 5949 4.2 */
void mag_ho_act_buffer(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;
	struct mag_ctx mc = {.m = c->m, .now = c->now, .cause = "kept for its new MAG"};
	int err = h->s ? mag_serve_paths(c->m, h->s) : -ENOENT;

	if (err) {
		failed(h, c, err, HACK_RESOURCES);
		return;
	}
	ho_count_up(c->m, HO_C_BUFFERING);
	mag_step(h->s, MEV_HAND_OVER, &mc);
	mag_ho_arm_guard(c->m, h, c->m->cfg.fho.forwarding_ms, c->now);
}

/* Refused, or never answered: the node is handed over as any other, if it goes at all. */
void mag_ho_act_gave_up(void *obj, void *arg)
{
	over(obj, arg, "no answer");
}

/* RFC 5949 6.1.1, code 2 */
void mag_ho_act_over(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;
	const bool there = c->msg && c->msg->ho.flags & MH_HI_F &&
			   (h->role == HO_OLD || (h->s && h->s->registered));

	struct mag_session *s = h->role == HO_OLD && there ? h->s : NULL;
	struct mag_ctx mc = {.m = c->m, .now = c->now, .cause = "registered at its new MAG"};

	if (s && s->state == MST_LEAVING)
		s->absent = true;
	if (there)
		ho_count_up(c->m, HO_C_COMPLETED);
	if (s && s->state == MST_LEAVING)
		s = NULL;
	over(h, c, there ? "completed" : "ended by the other gateway");
	/* nobody has seen it leave: it is asked whether it is here */
	if (s)
		mag_step(s, MEV_REFRESH, &mc);
}

void mag_ho_act_returned(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;

	ho_count_up(c->m, HO_C_RETURNED);
	h->result = "node returned";
	tell_end(h, c, true);
}

void mag_ho_act_cancel(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;

	if (!h->result) {
		ho_count_up(c->m, HO_C_CANCELLED);
		h->result = "session ended";
	}
	/* the answer to what is being carried out says it */
	if (c->code && c->msg && c->msg->type == MH_HI) {
		over(h, c, h->result);
		return;
	}
	release(h, c);
	tell_end(h, c, true);
}

void mag_ho_act_expired(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;

	ho_count_up(c->m, HO_C_EXPIRED);
	h->result = "forwarding time over";
	c->cause = h->result;
	mag_ho_log(c->m, h, c->now, LOG_C_INFO, "%s", h->result);
	release(h, c);
	tell_end(h, c, h->role == HO_OLD);
}

/* ---- new gateway */

static void say_code(struct ho_ctx *c, int err)
{
	c->code = err == -EPERM ? HACK_PROHIBITED : HACK_RESOURCES;
}

void mag_ho_act_expect(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;
	int err = mag_ho_expect(c->m, h, c->context, c->instead, c->now);

	if (err) {
		ho_count_up(c->m, HO_C_FAILED);
		mag_ho_log(c->m, h, c->now, err == -EEXIST ? LOG_C_REMOTE : LOG_C_LOCAL,
			   "not accepted: %s",
			   err == -EEXIST ? "an address is another node's" : strerror(-err));
		say_code(c, err);
	}
}

static void merge(struct mag_context *own, const struct mag_context *more)
{
	unsigned i, j;

	for (i = 0; i < more->n_prefixes; i++) {
		for (j = 0; j < own->n_prefixes; j++) {
			if (prefix6_eq(&own->prefixes[j], &more->prefixes[i]))
				break;
		}
		if (j == own->n_prefixes && j < DP_PREFIXES_MAX)
			own->prefixes[own->n_prefixes++] = more->prefixes[i];
	}
	if (more->addr4.s_addr) {
		own->addr4 = more->addr4;
		own->len4 = more->len4;
	}
	if (!addr6_is_zero(&more->lmaa))
		own->lmaa = more->lmaa;
	if (!addr6_is_zero(&more->link_local))
		own->link_local = more->link_local;
	if (more->iid)
		own->iid = more->iid;
	own->gre |= more->gre;
	own->keyed |= more->keyed;
}

/* RFC 5949 6.1.1: context that came in several messages. What is refused changes nothing. */
void mag_ho_act_more_context(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;
	const struct mag_context before = h->ctx;
	const uint32_t key = h->peer_key;
	int err;

	merge(&h->ctx, c->context);
	if (c->context->keyed)
		h->peer_key = c->context->key;
	err = mag_ho_adopt(c->m, h, c->now);
	if (!err)
		err = mag_serve_paths(c->m, h->s);
	if (!err)
		return;
	say_code(c, err);
	h->ctx = before;
	h->peer_key = key;
	/* without memory even for that, nothing is waited for any more */
	if (mag_ho_adopt(c->m, h, c->now) == -ENOMEM)
		mag_ho_arm_guard(c->m, h, 0, c->now);
}

void mag_ho_act_arrived(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;

	ho_count_up(c->m, HO_C_ARRIVED);
	h->arrived_at = c->now;
	mag_ho_arm_guard(c->m, h, c->m->cfg.fho.forwarding_ms, c->now);
	if (h->forwarding)
		return;
	/* RFC 5949 4.1 (e) */
	h->forwarding = true;
	mag_ho_send_hi(c->m, h, MH_HI_F, HI_CODE_DEFAULT, HO_NOTHING, c->now);
}

void mag_ho_act_ask(void *obj, void *arg)
{
	struct ho_ctx *c = arg;

	mag_ho_send_hi(c->m, obj, MH_HI_F, HI_CODE_DEFAULT, HO_REQUEST, c->now);
}

static void take(struct mag_ho *h, const struct ho_ctx *c)
{
	h->ctx = *c->context;
	if (h->ctx.keyed)
		h->peer_key = h->ctx.key;
}

/* The node is here and unregistered. */
void mag_ho_act_context(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;
	struct mag_session *s = h->s;
	struct mag_ctx mc = {.m = c->m, .now = c->now, .cause = "context of its old MAG"};

	take(h, c);
	if (!s || (s->state != MST_FETCHING && s->state != MST_REGISTERING)) {
		if (s)
			mag_fho_cut(c->m, s);
		return;
	}
	if (s->state == MST_REGISTERING)
		ho_count_up(c->m, HO_C_CONTEXT_AFTER);
	mag_ho_arm_guard(c->m, h, c->m->cfg.fho.forwarding_ms, c->now);
	mag_step(s, MEV_CONTEXT, &mc);
	if (h->forwarding || h->s != s)
		return;
	/* the context is all that was to be had */
	ho_count_up(c->m, HO_C_COMPLETED);
	over(h, c, "context only");
}

static void settle(struct mag_ho *h, struct ho_ctx *c)
{
	int err = mag_serve_paths(c->m, h->s);

	if (err) {
		failed(h, c, err, HACK_NO_FORWARDING);
		return;
	}
	mag_ho_arm_guard(c->m, h, c->m->cfg.fho.settle_ms, c->now);
}

/* The registration was faster. */
void mag_ho_act_context_late(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;

	ho_count_up(c->m, HO_C_CONTEXT_AFTER);
	take(h, c);
	settle(h, c);
}

void mag_ho_act_no_context(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;
	struct mag_session *s = h->s;
	struct mag_ctx mc = {.m = c->m, .now = c->now, .cause = "no context of its old MAG"};

	mag_ho_unbind(h);
	if (s && s->state == MST_FETCHING)
		mag_step(s, MEV_NO_CONTEXT, &mc);
	over(h, c, h->result ? h->result : "no context");
}

void mag_ho_act_settle(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;

	if (c->context)
		take(h, c);
	settle(h, c);
}

/* What was on its way over the old path has come. That path stays open until the other one knows.
 */
void mag_ho_act_settled(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;

	if (!h->result) {
		ho_count_up(c->m, HO_C_COMPLETED);
		h->result = "completed";
	}
	if (!h->s)
		mag_ho_close_tunnel(c->m, h);
	mag_ho_send_hi(c->m, h, MH_HI_F, HI_CODE_FORWARDING_DONE, HO_NOTHING, c->now);
	mag_ho_arm_guard(c->m, h, SAFETY_MS, c->now);
}

void mag_ho_act_back(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;

	if (!h->result)
		ho_count_up(c->m, HO_C_COMPLETED);
	over(h, c, "completed");
}

void mag_ho_act_never(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;

	ho_count_up(c->m, HO_C_NEVER_ARRIVED);
	h->result = "node never arrived";
	c->cause = h->result;
	mag_ho_log(c->m, h, c->now, LOG_C_INFO, "%s", h->result);
	release(h, c);
	tell_end(h, c, false);
}

/* Without a registration that its old gateway could be told of. */
void mag_ho_act_left_new(void *obj, void *arg)
{
	struct mag_ho *h = obj;
	struct ho_ctx *c = arg;

	if (!h->result) {
		ho_count_up(c->m, HO_C_CANCELLED);
		h->result = "session ended";
	}
	release(h, c);
	tell_end(h, c, false);
}
