/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cu.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static const uint8_t sample[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void test_reads_network_order(void)
{
	struct rd r;

	rd_init(&r, sample, sizeof(sample));
	CU_ASSERT_EQUAL(rd_u8(&r), 0x01);
	CU_ASSERT_EQUAL(rd_u16(&r), 0x0203);
	CU_ASSERT_EQUAL(rd_u32(&r), 0x04050607);
	CU_ASSERT_EQUAL(rd_u64(&r), 0x08090a0b0c0d0e0f);
	CU_ASSERT_EQUAL(rd_left(&r), 0);
	CU_ASSERT_FALSE(rd_bad(&r));
}

static void test_reader_inert_after_error(void)
{
	uint8_t dst[4] = {9, 9, 9, 9};
	struct rd r, sub;

	rd_init(&r, sample, 3);
	CU_ASSERT_EQUAL(rd_u32(&r), 0);
	CU_ASSERT_TRUE(rd_bad(&r));
	/* three octets are still there, but nothing is handed out any more */
	CU_ASSERT_EQUAL(rd_left(&r), 0);
	CU_ASSERT_EQUAL(rd_u8(&r), 0);
	CU_ASSERT_EQUAL(rd_u16(&r), 0);
	CU_ASSERT_EQUAL(rd_u64(&r), 0);
	CU_ASSERT_PTR_NULL(rd_bytes(&r, 1));
	CU_ASSERT_PTR_NULL(rd_bytes(&r, 0));
	rd_copy(&r, dst, sizeof(dst));
	CU_ASSERT_EQUAL(dst[0] | dst[1] | dst[2] | dst[3], 0);
	rd_skip(&r, 0);
	sub = rd_sub(&r, 1);
	CU_ASSERT_TRUE(rd_bad(&sub));
	CU_ASSERT_TRUE(rd_bad(&r));
}

static void test_reader_bounds(void)
{
	/* from the heap, so that a read beyond the end is seen */
	uint8_t *two = malloc(2);
	struct rd r;

	memcpy(two, sample, 2);
	rd_init(&r, two, 2);
	rd_skip(&r, SIZE_MAX);
	CU_ASSERT_TRUE(rd_bad(&r));
	rd_init(&r, two, 2);
	CU_ASSERT_PTR_EQUAL(rd_bytes(&r, 2), two);
	CU_ASSERT_FALSE(rd_bad(&r));
	CU_ASSERT_PTR_NULL(rd_bytes(&r, 1));
	rd_init(&r, NULL, 0);
	CU_ASSERT_EQUAL(rd_left(&r), 0);
	CU_ASSERT_EQUAL(rd_u8(&r), 0);
	CU_ASSERT_TRUE(rd_bad(&r));
	free(two);
}

static void test_sub_reader(void)
{
	struct rd r, sub;

	rd_init(&r, sample, sizeof(sample));
	sub = rd_sub(&r, 3);
	CU_ASSERT_EQUAL(rd_u8(&r), 4);
	CU_ASSERT_EQUAL(rd_left(&sub), 3);
	CU_ASSERT_EQUAL(rd_u32(&sub), 0);
	CU_ASSERT_TRUE(rd_bad(&sub));
	CU_ASSERT_FALSE(rd_bad(&r));
	sub = rd_sub(&r, 100);
	CU_ASSERT_TRUE(rd_bad(&sub));
	CU_ASSERT_TRUE(rd_bad(&r));
}

static void test_writes_network_order(void)
{
	uint8_t buf[16];
	struct wr w;

	wr_init(&w, buf, sizeof(buf));
	wr_u8(&w, 0x01);
	wr_u16(&w, 0x0203);
	wr_u32(&w, 0x04050607);
	wr_u64(&w, 0x08090a0b0c0d0e0f);
	CU_ASSERT_EQUAL(wr_len(&w), sizeof(sample));
	CU_ASSERT_EQUAL(memcmp(buf, sample, sizeof(sample)), 0);
	wr_at_u16(&w, 1, 0xaabb);
	wr_at_u8(&w, 14, 0xcc);
	CU_ASSERT_EQUAL(buf[1], 0xaa);
	CU_ASSERT_EQUAL(buf[2], 0xbb);
	CU_ASSERT_EQUAL(buf[14], 0xcc);
	CU_ASSERT_FALSE(wr_bad(&w));
	wr_at_u8(&w, 15, 1); /* not yet written */
	CU_ASSERT_TRUE(wr_bad(&w));
}

static void test_writer_inert_after_error(void)
{
	uint8_t *buf = malloc(4);
	struct wr w;

	memset(buf, 0xee, 4);
	wr_init(&w, buf, 4);
	wr_u16(&w, 0x1122);
	wr_u32(&w, 0x33445566);
	CU_ASSERT_TRUE(wr_bad(&w));
	wr_u8(&w, 0x77);
	wr_u16(&w, 0x77);
	wr_bytes(&w, sample, 1);
	wr_zero(&w, 1);
	wr_at_u8(&w, 0, 0x77);
	wr_at_u16(&w, 0, 0x7777);
	CU_ASSERT_EQUAL(wr_len(&w), 2);
	CU_ASSERT_EQUAL(memcmp(buf, "\x11\x22\xee\xee", 4), 0);
	wr_init(&w, buf, 4);
	wr_zero(&w, SIZE_MAX);
	CU_ASSERT_TRUE(wr_bad(&w));
	free(buf);
}

static void test_checksum(void)
{
	/* the example of RFC 1071 section 3 */
	static const uint8_t rfc[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	static uint8_t ones[65536];

	CU_ASSERT_EQUAL(csum_fold(csum_add(0, rfc, sizeof(rfc))), (uint16_t)~0xddf2);
	CU_ASSERT_EQUAL(csum_fold(csum_add(csum_add(0, rfc, 4), rfc + 4, 4)), (uint16_t)~0xddf2);
	/* an odd octet counts as the high half of a word */
	CU_ASSERT_EQUAL(csum_fold(csum_add(0, rfc, 3)), (uint16_t)~0xf201);
	/* no overflow however much is summed up */
	memset(ones, 0xff, sizeof(ones));
	uint32_t sum = 0;
	for (int i = 0; i < 64; i++)
		sum = csum_add(sum, ones, sizeof(ones));
	CU_ASSERT_EQUAL(csum_fold(sum), 0);
	CU_ASSERT_EQUAL(csum_fold(0), 0xffff);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"reader takes integers in network order", test_reads_network_order},
		{"reader is inert after its first error",					  test_reader_inert_after_error},
		{"reader never leaves its buffer",test_reader_bounds},
		{"sub-reader is bounded and consumed by its parent",	     test_sub_reader},
		{"writer puts integers in network order",					  test_writes_network_order},
		{"writer is inert after its first error",		  test_writer_inert_after_error},
		{"checksum equals RFC 1071",  test_checksum},
		{0				       },
	};
	return cu_main("bytes", tests, argc, argv);
}
