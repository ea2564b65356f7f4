/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One CUnit suite per test program:
 *
 *	static void test_x(void) { CU_ASSERT_EQUAL(1, 1); }
 *	int main(int argc, char **argv)
 *	{
 *		static const struct cu_test tests[] = {{"x does y", test_x}, {0}};
 *		return cu_main("module", tests, argc, argv);
 *	}
 *
 * An argument selects the tests whose names contain it.
 */
#pragma once

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

struct cu_test {
	const char *name;
	void (*fn)(void);
};

/* Runs the suite, prints CUnit's summary, returns 0 when all passed and at least one ran. */
int cu_main(const char *suite, const struct cu_test *tests, int argc, char **argv);
