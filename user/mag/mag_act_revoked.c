/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rule table has done when an LMA revokes (RFC 5846 9.1). An action may free the session.
 */
#include "mag/mag_act.h"

/* There is nothing left at the LMA that could be asked for, or given back. */
static void without_binding(struct mag_session *s, struct mag_ctx *c)
{
	mag_count_up(c->m, MAG_C_REVOKED);
	mag_log(c->m, s, &c->m->news, c->now, LOG_C_INFO, "revoked at %s: %s", s->lma->name,
		c->cause);
	mag_peer_forget(c->m, s);
	mag_request_close(c->m, s);
	mag_serve_stop(c->m, s, true, c->cause, c->now);
	mag_unbind(c->m, s);
	s->asked = s->asked4 = s->waits = false;
	s->leave_cause = NULL;
	s->quick = 0;
}

static bool is_here(const struct mag_session *s, const struct mag_ctx *c)
{
	struct link_node node = mag_node(s);

	return c->m->links->attached(c->m->links->ctx, &node);
}

void mag_act_revoked(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	without_binding(s, c);
	s->absent = !is_here(s, c);
	mag_act_refuse(obj, arg);
}

void mag_act_revoked_bar(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_act_revoked(obj, arg);
	mag_store_bar(c->m, obj, c->now);
}

void mag_act_revoked_left(void *obj, void *arg)
{
	without_binding(obj, arg);
	mag_act_release(obj, arg);
}

/* The LMA wants a fresh start, the node has done nothing wrong: it is registered anew once it has
 * proved to be here. */
void mag_act_revoked_sync(void *obj, void *arg)
{
	without_binding(obj, arg);
	mag_act_verify(obj, arg);
}

/* Without service already, and what it waits for stays as it is. */
void mag_act_revoked_unserved(void *obj, void *arg)
{
	without_binding(obj, arg);
}

void mag_act_revoked_unserved_bar(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	without_binding(obj, arg);
	mag_store_bar(c->m, obj, c->now);
}

/* It could not be served, and a fresh start would come too soon. */
void mag_act_revoked_backoff(void *obj, void *arg)
{
	without_binding(obj, arg);
	mag_act_backoff(obj, arg);
}

/* The anchor sends its packets elsewhere by now. Those under way in the tunnel between the MAGs
 * still arrive; then the session is over without a word to the anchor. */
void mag_act_revoked_leaving(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_REVOKED);
	mag_store_forget(c->m, s);
	s->registered = s->asked = s->asked4 = false;
	s->absent = true;
}

void mag_act_left(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_DETACH);
	mag_serve_stop(c->m, obj, false, c->cause, c->now);
	mag_act_release(obj, arg);
}

/* The node left before, and the answer to its de-registration does not matter any more. */
void mag_act_revoked_parked(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_REVOKED);
	mag_peer_forget(c->m, s);
	s->leave_cause = NULL;
	mag_act_release(obj, arg);
}

void mag_act_revoked_done(void *obj, void *arg)
{
	struct mag_ctx *c = arg;

	mag_count_up(c->m, MAG_C_REVOKED);
	mag_act_done(obj, arg);
}

/* What the trigger means for IPv4 to come: not before administrative action, when the node asks
 * again, or when it asks again after a while. */
static void bar_home4(struct mag_session *s, const struct mag_ctx *c)
{
	mag_count_up(c->m, MAG_C_REVOKED4);
	switch (c->msg->br.code) {
	case BR_ADMINISTRATIVE:
		s->refused4 = true;
		break;
	case BR_HANDOVER_SAME_ATT:
	case BR_HANDOVER_OTHER_ATT:
	case BR_HANDOVER_UNKNOWN:
	case BR_OUT_OF_SYNC:
		s->released4 = true;
		break;
	default:
		s->short4 = true;
		s->ask4_at = nsec_add(c->now, mag_quiet_time(c->m));
		break;
	}
	s->returned4 = (struct home4){0};
	s->asked4 = false;
}

void mag_act_revoked4(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;
	int err;

	bar_home4(s, c);
	err = mag_serve_without_home4(c->m, s, c->cause, c->now);
	if (err)
		mag_act_dp_failed(s, c, err);
	else
		mag_store_touch(c->m, s, c->now);
}

/* The selective de-registration has become pointless. */
void mag_act_revoked4_returned(void *obj, void *arg)
{
	bar_home4(obj, arg);
	mag_act_returned4(obj, arg);
}

void mag_act_revoked4_unserved(void *obj, void *arg)
{
	struct mag_session *s = obj;
	struct mag_ctx *c = arg;

	bar_home4(s, c);
	s->b.home4 = (struct home4){0};
	mag_store_touch(c->m, s, c->now);
}
