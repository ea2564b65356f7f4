/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/fsm.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "lib/cu.h"

enum { CLOSED, OPEN, BROKEN, N_STATES };
enum { PUSH, LOCK, KICK, N_EVENTS };

struct door {
	uint8_t state;
	bool locked;
	unsigned opened;
	char told[160];
};

static bool unlocked(void *obj, void *arg)
{
	return !((struct door *)obj)->locked;
}

static void count(void *obj, void *arg)
{
	((struct door *)obj)->opened++;
}

static void tell(void *obj, void *arg, uint8_t from, uint8_t event, uint8_t to,
		 const struct fsm_rule *rule)
{
	struct door *d = obj;
	const size_t at = strlen(d->told);

	snprintf(d->told + at, sizeof(d->told) - at, "%u-%u-%u%s ", from, event, to,
		 rule ? rule->clause : "!");
}

static const char *const states[] = {"CLOSED", "OPEN", "BROKEN"};
static const char *const events[] = {"PUSH", "LOCK", "KICK"};
static const struct fsm_rule rules[] = {
	{CLOSED, PUSH, unlocked, count, OPEN, "a"},
	{CLOSED, PUSH, NULL, NULL, FSM_SAME, "b"},
	{FSM_ANY, KICK, NULL, NULL, BROKEN, "c"},
};

static struct fsm door_fsm(const struct fsm_rule *r, size_t n)
{
	return (struct fsm){"door", r, n, states, N_STATES, events, N_EVENTS, tell};
}

static void test_step(void)
{
	const struct fsm f = door_fsm(rules, ARRAY_SIZE(rules));
	struct door d = {.state = CLOSED, .locked = true};

	CU_ASSERT_PTR_EQUAL(fsm_step(&f, &d.state, PUSH, &d, NULL), &rules[1]);
	CU_ASSERT_EQUAL(d.state, CLOSED);
	CU_ASSERT_EQUAL(d.opened, 0);
	d.locked = false;
	CU_ASSERT_PTR_EQUAL(fsm_step(&f, &d.state, PUSH, &d, NULL), &rules[0]);
	CU_ASSERT_EQUAL(d.state, OPEN);
	CU_ASSERT_EQUAL(d.opened, 1);
	CU_ASSERT_PTR_NULL(fsm_step(&f, &d.state, PUSH, &d, NULL));
	CU_ASSERT_EQUAL(d.state, OPEN);
	CU_ASSERT_PTR_EQUAL(fsm_step(&f, &d.state, KICK, &d, NULL), &rules[2]);
	CU_ASSERT_EQUAL(d.state, BROKEN);
	CU_ASSERT_STRING_EQUAL(d.told, "0-0-0b 0-0-1a 1-0-1! 1-2-2c ");
}

static void test_lint(void)
{
	static const struct fsm_rule shadowed[] = {
		{FSM_ANY, PUSH, NULL, NULL, OPEN, "a"},
		{CLOSED, PUSH, NULL, NULL, BROKEN, "b"},
	};
	static const struct fsm_rule silent[] = {{CLOSED, PUSH, NULL, NULL, OPEN, NULL}};
	static const struct fsm_rule lost[] = {{CLOSED, PUSH, NULL, NULL, 7, "a"}};
	struct fsm f = door_fsm(rules, ARRAY_SIZE(rules));

	CU_ASSERT_PTR_NULL(fsm_lint(&f));
	f = door_fsm(shadowed, ARRAY_SIZE(shadowed));
	CU_ASSERT_PTR_NOT_NULL(fsm_lint(&f));
	f = door_fsm(silent, ARRAY_SIZE(silent));
	CU_ASSERT_PTR_NOT_NULL(fsm_lint(&f));
	f = door_fsm(lost, ARRAY_SIZE(lost));
	CU_ASSERT_PTR_NOT_NULL(fsm_lint(&f));
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"the first rule whose guard holds is taken, and told", test_step},
		{"lint finds shadowed, uncited and dangling rules", test_lint},
		{0},
	};
	return cu_main("fsm", tests, argc, argv);
}
