/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cu.h"

#include <stdio.h>
#include <string.h>

int cu_main(const char *suite, const struct cu_test *tests, int argc, char **argv)
{
	unsigned failed, run;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	CU_pSuite s = CU_add_suite(suite, NULL, NULL);
	for (; tests->name; tests++) {
		if (argc > 1 && !strstr(tests->name, argv[1]))
			continue;
		if (!s || !CU_add_test(s, tests->name, tests->fn)) {
			fprintf(stderr, "%s: cannot register '%s': %s\n", suite, tests->name,
				CU_get_error_msg());
			return 2;
		}
	}
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	run = CU_get_number_of_tests_run();
	CU_cleanup_registry();
	return failed || !run ? 1 : 0;
}
