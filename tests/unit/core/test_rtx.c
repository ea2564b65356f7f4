/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/rtx.h"
#include "lib/cu.h"

static void test_schedule(void)
{
	static const unsigned at_s[] = {0, 1, 3, 7, 15, 31, 63, 95, 127};
	struct rtx r;
	nsec_t t = nsec_from_s(5), t0 = t;
	unsigned i;

	rtx_init(&r, RTX_INITIAL_BINDACK_TIMEOUT_MS, RTX_MAX_BINDACK_TIMEOUT_MS);
	for (i = 0; i < sizeof(at_s) / sizeof(at_s[0]); i++) {
		CU_ASSERT_EQUAL(t, t0 + nsec_from_s(at_s[i]));
		CU_ASSERT_EQUAL(r.sent, i);
		t = rtx_next(&r, t);
	}
}

static void test_ceiling(void)
{
	struct rtx r;

	rtx_init(&r, 5000, 3000);
	CU_ASSERT_EQUAL(rtx_next(&r, 0), nsec_from_ms(3000));
	CU_ASSERT_EQUAL(rtx_next(&r, 0), nsec_from_ms(3000));
	rtx_init(&r, 1000, 3000);
	CU_ASSERT_EQUAL(rtx_next(&r, 0), nsec_from_ms(1000));
	CU_ASSERT_EQUAL(rtx_next(&r, 0), nsec_from_ms(2000));
	CU_ASSERT_EQUAL(rtx_next(&r, 0), nsec_from_ms(3000));
	CU_ASSERT_EQUAL(rtx_next(&r, 0), nsec_from_ms(3000));
}

static void test_never(void)
{
	struct rtx r;

	rtx_init(&r, UINT32_MAX, UINT32_MAX);
	CU_ASSERT_EQUAL(rtx_next(&r, NSEC_NEVER - 1), NSEC_NEVER);
	CU_ASSERT_EQUAL(r.wait_ms, UINT32_MAX);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"RFC 6275 11.8: waits double from 1 s to 32 s and stay there", test_schedule},
		{"the ceiling bounds the first wait and one that is no power of two", test_ceiling},
		{"neither wait nor deadline wraps", test_never},
		{0},
	};
	return cu_main("rtx", tests, argc, argv);
}
