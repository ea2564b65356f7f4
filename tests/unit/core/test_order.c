/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/order.h"

#include "lib/cu.h"

static const struct order_cfg standard = {.timestamp_validity_window_ms = 300};
static const struct order_cfg by_node = {.timestamp_validity_window_ms = 300,
					 .mobile_node_generated_timestamp_in_use = true};

#define CLOCK (1700000000ull << 16)

static void test_window(void)
{
	/* 300 ms are 19660.8 units: 19660 are within, 19661 are not */
	CU_ASSERT_EQUAL(order_timestamp(&standard, CLOCK, 0, CLOCK), ORDER_NEWER);
	CU_ASSERT_EQUAL(order_timestamp(&standard, CLOCK - 19660, 0, CLOCK), ORDER_NEWER);
	CU_ASSERT_EQUAL(order_timestamp(&standard, CLOCK - 19661, 0, CLOCK), ORDER_TS_MISMATCH);
	CU_ASSERT_EQUAL(order_timestamp(&standard, CLOCK + 19660, 0, CLOCK), ORDER_NEWER);
	CU_ASSERT_EQUAL(order_timestamp(&standard, CLOCK + 19661, 0, CLOCK), ORDER_TS_MISMATCH);
	CU_ASSERT_EQUAL(order_timestamp(&standard, 0, 0, CLOCK), ORDER_TS_MISMATCH);
	CU_ASSERT_EQUAL(order_timestamp(&standard, UINT64_MAX, 0, CLOCK), ORDER_TS_MISMATCH);
}

static void test_window_sizes(void)
{
	const struct order_cfg none = {.timestamp_validity_window_ms = 0};
	const struct order_cfg all = {.timestamp_validity_window_ms = UINT32_MAX};

	CU_ASSERT_EQUAL(order_timestamp(&none, CLOCK, 0, CLOCK), ORDER_NEWER);
	CU_ASSERT_EQUAL(order_timestamp(&none, CLOCK + 1, 0, CLOCK), ORDER_TS_MISMATCH);
	CU_ASSERT_EQUAL(order_timestamp(&all, CLOCK - (4294967ull << 16), 0, CLOCK), ORDER_NEWER);
	CU_ASSERT_EQUAL(order_timestamp(&all, CLOCK - (4294968ull << 16), 0, CLOCK),
			ORDER_TS_MISMATCH);
}

static void test_monotonic(void)
{
	CU_ASSERT_EQUAL(order_timestamp(&standard, CLOCK, CLOCK - 1, CLOCK), ORDER_NEWER);
	CU_ASSERT_EQUAL(order_timestamp(&standard, CLOCK, CLOCK, CLOCK), ORDER_TS_MISMATCH);
	CU_ASSERT_EQUAL(order_timestamp(&standard, CLOCK - 1, CLOCK, CLOCK), ORDER_TS_LOWER);
	/* lower decides before outside the window */
	CU_ASSERT_EQUAL(order_timestamp(&standard, 5, CLOCK, CLOCK), ORDER_TS_LOWER);
}

static void test_node_generated(void)
{
	CU_ASSERT_EQUAL(order_timestamp(&by_node, 7, 0, CLOCK), ORDER_NEWER);
	CU_ASSERT_EQUAL(order_timestamp(&by_node, 8, 7, CLOCK), ORDER_NEWER);
	CU_ASSERT_EQUAL(order_timestamp(&by_node, 7, 7, CLOCK), ORDER_TS_MISMATCH);
	CU_ASSERT_EQUAL(order_timestamp(&by_node, 6, 7, CLOCK), ORDER_TS_LOWER);
}

/* RFC 6275 9.5.1: with a last number of 15, 0 to 15 and 32783 to 65535 are not newer. */
static void test_sequence_example(void)
{
	for (uint32_t x = 0; x <= 0xffff; x++) {
		const bool old = x <= 15 || x >= 32783;

		CU_ASSERT_EQUAL_FATAL(order_sequence((uint16_t)x, 15, true),
				      old ? ORDER_SEQ_NOT_NEWER : ORDER_NEWER);
	}
}

static void test_sequence_wraps(void)
{
	for (uint32_t last = 0; last <= 0xffff; last += 17) {
		const uint16_t l = (uint16_t)last;

		CU_ASSERT_EQUAL(order_sequence((uint16_t)(l + 1), l, true), ORDER_NEWER);
		CU_ASSERT_EQUAL(order_sequence((uint16_t)(l + 32767), l, true), ORDER_NEWER);
		CU_ASSERT_EQUAL(order_sequence((uint16_t)(l + 32768), l, true),
				ORDER_SEQ_NOT_NEWER);
		CU_ASSERT_EQUAL(order_sequence(l, l, true), ORDER_SEQ_NOT_NEWER);
		CU_ASSERT_EQUAL(order_sequence(l, l, false), ORDER_NEWER);
	}
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"L-52 RFC 5213 5.5 (6) the validity window's edges",		      test_window},
		{"L-52 RFC 5213 9.1 windows of no and of great width",								       test_window_sizes},
		{"L-54 L-55 RFC 5213 5.5 (8, 9) lower, equal, greater than the newest",
		 test_monotonic},
		{"L-53 RFC 5213 5.5 (6) node-generated timestamps", test_node_generated},
		{"H-8 RFC 6275 9.5.1 the RFC's example, every value",								      test_sequence_example},
		{"H-8 H-10 RFC 6275 9.5.1 modulo 65536; no entry accepts any",						       test_sequence_wraps},
		{0		  },
	};

	return cu_main("order", tests, argc, argv);
}
