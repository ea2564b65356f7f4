/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State machines as tables. A role writes its rules once, with the clause each comes from:
 *
 *	{ST_ACTIVE, EV_EXPIRED, NULL, act_delete, ST_GONE, "RFC 5213 5.3.5"},
 *
 * fsm_step() is the one door to a binding's state: it finds the first rule of (state, event) whose
 * guard holds, sets the next state, runs the action, tells the observer old -> event -> new. An
 * event without a rule is counted and told, and changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FSM_ANY 0xff  /* as a rule's state: any */
#define FSM_SAME 0xff /* as a rule's next state: stays */

struct fsm_rule {
	uint8_t state;
	uint8_t event;
	bool (*guard)(void *obj, void *arg);  /* NULL: always */
	void (*action)(void *obj, void *arg); /* NULL: none; runs after the state is set; may free obj
					       * and may step it again */
	uint8_t next;
	const char *clause;
};

struct fsm {
	const char *name;
	const struct fsm_rule *rules;
	size_t n_rules;
	const char *const *states; /* names, n_states of them */
	size_t n_states;
	const char *const *events;
	size_t n_events;
	/* Told before the action runs; `rule` is NULL for an event that no rule takes. */
	void (*observe)(void *obj, void *arg, uint8_t from, uint8_t event, uint8_t to,
			const struct fsm_rule *rule);
};

/* Returns the rule taken, or NULL. `state` may be gone when it returns (an action may free). */
const struct fsm_rule *fsm_step(const struct fsm *f, uint8_t *state, uint8_t event, void *obj,
				void *arg);

/* For tests: every rule names known states and events, cites a clause, and none is shadowed by an
 * unguarded earlier one. Returns NULL, or what is wrong. */
const char *fsm_lint(const struct fsm *f);
