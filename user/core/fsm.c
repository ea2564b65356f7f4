/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/fsm.h"

const struct fsm_rule *fsm_step(const struct fsm *f, uint8_t *state, uint8_t event, void *obj,
				void *arg)
{
	const uint8_t from = *state;

	for (size_t i = 0; i < f->n_rules; i++) {
		const struct fsm_rule *r = &f->rules[i];

		if ((r->state != FSM_ANY && r->state != from) || r->event != event)
			continue;
		if (r->guard && !r->guard(obj, arg))
			continue;

		const uint8_t to = r->next == FSM_SAME ? from : r->next;

		*state = to;
		if (f->observe)
			f->observe(obj, arg, from, event, to, r);
		if (r->action)
			r->action(obj, arg);
		return r;
	}
	if (f->observe)
		f->observe(obj, arg, from, event, from, NULL);
	return NULL;
}

static bool covers(const struct fsm_rule *earlier, const struct fsm_rule *later)
{
	return !earlier->guard && earlier->event == later->event &&
	       (earlier->state == FSM_ANY || earlier->state == later->state);
}

const char *fsm_lint(const struct fsm *f)
{
	if (f->n_states >= FSM_ANY)
		return "too many states";
	for (size_t i = 0; i < f->n_rules; i++) {
		const struct fsm_rule *r = &f->rules[i];

		if (r->state != FSM_ANY && r->state >= f->n_states)
			return "a rule starts in an unknown state";
		if (r->next != FSM_SAME && r->next >= f->n_states)
			return "a rule leads to an unknown state";
		if (r->event >= f->n_events)
			return "a rule takes an unknown event";
		if (!r->clause || !r->clause[0])
			return "a rule cites no clause";
		for (size_t j = 0; j < i; j++)
			if (covers(&f->rules[j], r))
				return "a rule is shadowed by an unguarded earlier one";
	}
	return NULL;
}
