/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The states of a binding:
 *
 *	PENDING        in the cache, not yet in the data plane; never outlives one message
 *	ACTIVE         registered; its deadline is the end of its lifetime
 *	REVOKING       ended here, traffic dropped, while its MAG is told; its deadline is as before
 *	DEREGISTERING  let go by its MAG, traffic dropped; its deadline ends
 *	               MinDelayBeforeBCEDelete
 *	GONE           being freed
 *
 * and of a request that waits for another binding's de-registration. What may fail is done before
 * the step; actions only carry out what was decided.
 */
#include "lma/lma_priv.h"

#include "base/util.h"

static const char *const binding_states[] = {"PENDING", "ACTIVE", "REVOKING", "DEREGISTERING",
					     "GONE"};
static const char *const binding_events[] = {
	"accepted",
	"failed",
	"extended",
	"moved",
	"released",
	"de-registered",
	"timeout",
	"deleted",
	"MAG failed",
	"restored",
	"restored de-registered",
	"restored while revoked",
	"to be revoked",
	"revoked",
	"revoked by its MAG",
};
static const char *const hold_states[] = {"HELD", "SETTLED"};
static const char *const hold_events[] = {
	"replaced", "de-registered", "binding gone", "timeout", "overtaken",
};

_Static_assert(ARRAY_SIZE(binding_states) == LMA_ST_MAX, "a name for each state");
_Static_assert(ARRAY_SIZE(binding_events) == LMA_EV_MAX, "a name for each event");
_Static_assert(ARRAY_SIZE(hold_states) == LMA_HOLD_ST_MAX, "a name for each state");
_Static_assert(ARRAY_SIZE(hold_events) == LMA_HOLD_EV_MAX, "a name for each event");

/* ---- bindings */

static void fire_binding(struct deadline *d, void *ctx, nsec_t now)
{
	lma_binding_step(ctx, container_of(d, struct bce, deadline), LMA_EV_TIMEOUT, now);
}

static void arm(struct lma *l, struct bce *b, nsec_t at)
{
	b->deadline.fire = fire_binding;
	deadline_arm(&l->deadlines, &b->deadline, at);
}

static void live_on(struct bce *b, const struct lma_step *s)
{
	arm(s->l, b, nsec_add(s->now, nsec_from_s(b->reg.lifetime_s)));
	lma_store_touch(s->l, b, s->now);
}

static void act_up(void *obj, void *arg)
{
	struct lma_step *s = arg;

	live_on(obj, s);
	lma_bump(s->l, LMA_C_CREATED);
	lma_session_log(s->l, obj, s->now, "session up");
	lma_session_event(s->l, obj, s->now, EV_SESSION_UP);
}

static void act_forget(void *obj, void *arg)
{
	struct lma_step *s = arg;

	lma_session_destroy(s->l, obj, s->now);
}

static void act_extended(void *obj, void *arg)
{
	struct lma_step *s = arg;

	live_on(obj, s);
	lma_bump(s->l, LMA_C_EXTENDED);
}

static void act_moved(void *obj, void *arg)
{
	struct bce *b = obj;
	struct lma_step *s = arg;

	live_on(b, s);
	b->handovers++;
	lma_bump(s->l, LMA_C_HANDOVERS);
	lma_session_log(s->l, b, s->now, "handover");
	lma_session_event(s->l, b, s->now, EV_HANDOVER);
}

static void act_revived(void *obj, void *arg)
{
	struct lma_step *s = arg;

	lma_bump(s->l, LMA_C_REVIVED);
	act_extended(obj, arg);
}

static void act_revived_elsewhere(void *obj, void *arg)
{
	struct lma_step *s = arg;

	lma_bump(s->l, LMA_C_REVIVED);
	act_moved(obj, arg);
}

static void act_released(void *obj, void *arg)
{
	struct lma_step *s = arg;

	lma_store_touch(s->l, obj, s->now);
	lma_session_log(s->l, obj, s->now, "one address family de-registered");
}

static void act_linger(void *obj, void *arg)
{
	struct lma_step *s = arg;
	const uint32_t delay = s->l->conf.cfg.min_delay_before_bce_delete_ms;

	arm(s->l, obj, nsec_add(s->now, nsec_from_ms(delay)));
	lma_store_touch(s->l, obj, s->now);
	lma_bump(s->l, LMA_C_DEREGISTERED);
	lma_session_log(s->l, obj, s->now, "de-registered");
}

static void act_again(void *obj, void *arg)
{
	struct lma_step *s = arg;

	lma_store_touch(s->l, obj, s->now);
	lma_bump(s->l, LMA_C_DEREGISTERED);
}

/* It is told of as one sum, not one by one. */
static void act_restored(void *obj, void *arg)
{
	struct lma_step *s = arg;

	arm(s->l, obj, s->until);
}

static void end(struct bce *b, struct lma_step *s, enum lma_counter c, const char *what)
{
	lma_bump(s->l, c);
	lma_session_log(s->l, b, s->now, what);
	lma_session_event(s->l, b, s->now, EV_SESSION_DOWN);
	lma_session_destroy(s->l, b, s->now);
}

static void act_expired(void *obj, void *arg)
{
	end(obj, arg, LMA_C_EXPIRED, "lifetime over");
}

static void act_delay_over(void *obj, void *arg)
{
	end(obj, arg, LMA_C_DELAY_OVER, "session down");
}

static void act_lost(void *obj, void *arg)
{
	end(obj, arg, LMA_C_LOST, "lost for want of memory");
}

static void act_orphaned(void *obj, void *arg)
{
	end(obj, arg, LMA_C_MAG_LOST, "dropped with its MAG");
}

static void act_revoking(void *obj, void *arg)
{
	struct lma_step *s = arg;

	lma_store_touch(s->l, obj, s->now);
	lma_session_log(s->l, obj, s->now, "to be revoked");
}

static void act_revoked(void *obj, void *arg)
{
	end(obj, arg, LMA_C_REVOKED, "revoked");
}

static void act_withdrawn(void *obj, void *arg)
{
	end(obj, arg, LMA_C_WITHDRAWN, "revoked by its MAG");
}

static void act_deleted(void *obj, void *arg)
{
	end(obj, arg, LMA_C_DELETED, "deleted by order");
}

#define PENDING	      LMA_ST_PENDING
#define ACTIVE	      LMA_ST_ACTIVE
#define REVOKING      LMA_ST_REVOKING
#define DEREGISTERING LMA_ST_DEREGISTERING
#define GONE	      LMA_ST_GONE

// clang-format off
static const struct fsm_rule binding_rules[] = {
	{PENDING,       LMA_EV_ACCEPTED,     NULL, act_up,                ACTIVE,        "RFC 5213 5.3.2"},
	{PENDING,       LMA_EV_FAILED,       NULL, act_forget,            GONE,          "RFC 5213 5.3.2 (2)"},
	{PENDING,       LMA_EV_RESTORED,     NULL, act_restored,          ACTIVE,        "restart"},
	{PENDING,       LMA_EV_RESTORED_DEREGISTERED, NULL, act_restored, DEREGISTERING, "restart"},
	{PENDING,       LMA_EV_RESTORED_REVOKING, NULL, act_restored,     REVOKING,      "restart"},
	{ACTIVE,        LMA_EV_EXTENDED,     NULL, act_extended,          FSM_SAME,      "RFC 5213 5.3.3"},
	{ACTIVE,        LMA_EV_MOVED,        NULL, act_moved,             FSM_SAME,      "RFC 5213 5.3.4"},
	{ACTIVE,        LMA_EV_DEREGISTERED, NULL, act_linger,            DEREGISTERING, "RFC 5213 5.3.5 (2)"},
	{ACTIVE,        LMA_EV_RELEASED,     NULL, act_released,          FSM_SAME,      "RFC 5844 3.1.2.5"},
	{ACTIVE,        LMA_EV_TIMEOUT,      NULL, act_expired,           GONE,          "RFC 6275 10.3.1"},
	{ACTIVE,        LMA_EV_FAILED,       NULL, act_lost,              GONE,          "memory"},
	{ACTIVE,        LMA_EV_DELETED,      NULL, act_deleted,           GONE,          "operator"},
	{ACTIVE,        LMA_EV_ORPHANED,     NULL, act_orphaned,          GONE,          "RFC 5847 3"},
	{ACTIVE,        LMA_EV_REVOKE,       NULL, act_revoking,          REVOKING,      "RFC 5846 8.1"},
	{ACTIVE,        LMA_EV_REVOKED,      NULL, act_revoked,           GONE,          "RFC 5846 8.1"},
	{ACTIVE,        LMA_EV_WITHDRAWN,    NULL, act_withdrawn,         GONE,          "RFC 5846 8.2"},
	{REVOKING,      LMA_EV_REVOKED,      NULL, act_revoked,           GONE,          "RFC 5846 6.2.2, 6.3"},
	{REVOKING,      LMA_EV_WITHDRAWN,    NULL, act_withdrawn,         GONE,          "RFC 5846 8.2"},
	{REVOKING,      LMA_EV_TIMEOUT,      NULL, act_expired,           GONE,          "RFC 6275 10.3.1"},
	{REVOKING,      LMA_EV_DELETED,      NULL, act_deleted,           GONE,          "operator"},
	{DEREGISTERING, LMA_EV_WITHDRAWN,    NULL, act_withdrawn,         GONE,          "RFC 5846 8.2"},
	{DEREGISTERING, LMA_EV_EXTENDED,     NULL, act_revived,           ACTIVE,        "RFC 5213 5.3.5 (2)"},
	{DEREGISTERING, LMA_EV_MOVED,        NULL, act_revived_elsewhere, ACTIVE,        "RFC 5213 5.3.5 (2)"},
	/* its MAG did not get the reply; the wait counts from the first */
	{DEREGISTERING, LMA_EV_DEREGISTERED, NULL, act_again,             FSM_SAME,      "RFC 5213 5.3.5 (2)"},
	{DEREGISTERING, LMA_EV_TIMEOUT,      NULL, act_delay_over,        GONE,          "RFC 5213 5.3.5 (2)"},
	{DEREGISTERING, LMA_EV_FAILED,       NULL, act_lost,              GONE,          "memory"},
	{DEREGISTERING, LMA_EV_DELETED,      NULL, act_deleted,           GONE,          "operator"},
};
// clang-format on

static void tell_state(struct lma *l, nsec_t now, const struct mnid *id,
		       const struct in6_addr *peer, const struct fsm *f, uint8_t from,
		       uint8_t event, uint8_t to, const struct fsm_rule *rule)
{
	const struct event ev = {
		.type = EV_STATE,
		.role = "lma",
		.now = now,
		.mnid = id,
		.peer = peer,
		.from = f->states[from],
		.to = f->states[to],
		.cause = f->events[event],
		.clause = rule ? rule->clause : NULL,
	};

	if (!rule) {
		char text[80];

		lma_bump(l, LMA_C_UNEXPECTED);
		log_limited(&l->local, now, LOG_C_BUG, "lma[%s]{%s}: no rule for '%s'",
			    mnid_str(id, text, sizeof(text)), f->states[from], f->events[event]);
	} else if (from != to) {
		event_emit(l->sink, &ev);
	}
}

static void observe_binding(void *obj, void *arg, uint8_t from, uint8_t event, uint8_t to,
			    const struct fsm_rule *rule)
{
	const struct bce *b = obj;
	const struct lma_step *s = arg;
	const struct mnid id = bce_mnid(b);

	tell_state(s->l, s->now, &id, &b->reg.proxy_coa, &lma_binding_fsm, from, event, to, rule);
}

const struct fsm lma_binding_fsm = {
	.name = "binding",
	.rules = binding_rules,
	.n_rules = ARRAY_SIZE(binding_rules),
	.states = binding_states,
	.n_states = LMA_ST_MAX,
	.events = binding_events,
	.n_events = LMA_EV_MAX,
	.observe = observe_binding,
};

void lma_binding_step(struct lma *l, struct bce *b, enum lma_event ev, nsec_t now)
{
	struct lma_step s = {.l = l, .now = now};

	fsm_step(&lma_binding_fsm, &b->state, (uint8_t)ev, b, &s);
}

void lma_binding_restored(struct lma *l, struct bce *b, enum lma_event ev, nsec_t at, nsec_t now)
{
	struct lma_step s = {.l = l, .now = now, .until = at};

	fsm_step(&lma_binding_fsm, &b->state, (uint8_t)ev, b, &s);
}

/* ---- held requests */

static void hold_counted(void *arg, enum lma_counter c)
{
	struct lma_step *s = arg;

	lma_bump(s->l, c);
}

static void act_hold_replaced(void *obj, void *arg)
{
	(void)obj;
	hold_counted(arg, LMA_C_HOLD_REPLACED);
}

static void act_hold_released(void *obj, void *arg)
{
	(void)obj;
	hold_counted(arg, LMA_C_HOLD_RELEASED);
}

/* Not from here: whoever ends the binding is in the middle of it. */
static void act_hold_wake(void *obj, void *arg)
{
	struct lma_hold *h = obj;
	struct lma_step *s = arg;

	h->target->owner = NULL;
	h->target = NULL;
	deadline_arm(&s->l->deadlines, &h->deadline, s->now);
}

static void act_hold_timeout(void *obj, void *arg)
{
	struct lma_step *s = arg;

	hold_counted(arg, LMA_C_HOLD_TIMEOUT);
	lma_hold_finish(obj, s->now);
	lma_hold_free(obj);
}

static void act_hold_dropped(void *obj, void *arg)
{
	hold_counted(arg, LMA_C_HOLD_DROPPED);
	lma_hold_free(obj);
}

#define HELD	LMA_HOLD_HELD
#define SETTLED LMA_HOLD_SETTLED

// clang-format off
static const struct fsm_rule hold_rules[] = {
	{HELD, LMA_HOLD_EV_REPLACED,     NULL, act_hold_replaced, FSM_SAME, "RFC 5213 9.1 MaxDelayBeforeNewBCEAssign"},
	{HELD, LMA_HOLD_EV_DEREGISTERED, NULL, act_hold_released, SETTLED,  "RFC 5213 5.4.1.2 (4), 5.4.1.3 (3)"},
	{HELD, LMA_HOLD_EV_TARGET_GONE,  NULL, act_hold_wake,     FSM_SAME, "RFC 5213 5.4.1.2 (4), 5.4.1.3 (3)"},
	{HELD, LMA_HOLD_EV_TIMEOUT,      NULL, act_hold_timeout,  SETTLED,  "RFC 5213 5.4.1.2 (4), 5.4.1.3 (3)"},
	{HELD, LMA_HOLD_EV_OVERTAKEN,    NULL, act_hold_dropped,  SETTLED,  "RFC 5213 5.5 (6)"},
};
// clang-format on

static void observe_hold(void *obj, void *arg, uint8_t from, uint8_t event, uint8_t to,
			 const struct fsm_rule *rule)
{
	const struct lma_hold *h = obj;
	const struct lma_step *s = arg;

	tell_state(s->l, s->now, &h->req->mnid, &h->req->coa, &lma_hold_fsm, from, event, to, rule);
}

const struct fsm lma_hold_fsm = {
	.name = "held request",
	.rules = hold_rules,
	.n_rules = ARRAY_SIZE(hold_rules),
	.states = hold_states,
	.n_states = LMA_HOLD_ST_MAX,
	.events = hold_events,
	.n_events = LMA_HOLD_EV_MAX,
	.observe = observe_hold,
};

void lma_hold_step(struct lma *l, struct lma_hold *h, enum lma_hold_event ev, nsec_t now)
{
	struct lma_step s = {.l = l, .now = now};

	fsm_step(&lma_hold_fsm, &h->state, (uint8_t)ev, h, &s);
}
