/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each golden vector truncated at every length, and changed at every octet in ten ways. */
#include "lib/cu.h"
#include "lib/mh_roundtrip.h"
#include "lib/vectors.h"

#include <stdio.h>

static struct vectors all;
static FILE *devnull;

/* Judges a copy of exactly that length, so that the sanitizer sees each octet read beyond it. */
static bool judge(const struct vector *v, const uint8_t *octets, size_t len, bool with_checksum)
{
	uint8_t *copy = malloc(len ? len : 1);
	const char *bad;

	if (len)
		memcpy(copy, octets, len);
	bad = mh_roundtrip(copy, len, with_checksum ? &v->src : NULL,
			   with_checksum ? &v->dst : NULL);
	if (bad)
		printf("\n%s: %s\n", v->name, bad);
	free(copy);
	return !bad;
}

static void test_truncate(void)
{
	struct mh_msg m;

	for (size_t i = 0; i < all.n; i++) {
		const struct vector *v = &all.v[i];

		for (size_t len = 0; len <= v->len; len++)
			CU_ASSERT_TRUE(judge(v, v->octets, len, false));
		/* what is cut short of its Header Len is never accepted */
		for (size_t len = 0; v->len >= 8 && len < v->octets[1] * 8u + 8 && len < v->len;
		     len++)
			CU_ASSERT_NOT_EQUAL(mh_decode(&m, v->octets, len, NULL, NULL), MH_OK);
	}
}

/* A shorter Header Len than sent: the options end elsewhere. */
static void test_shrink_header_len(void)
{
	for (size_t i = 0; i < all.n; i++) {
		struct vector *v = &all.v[i];
		uint8_t keep;

		if (v->len < 8)
			continue;
		keep = v->octets[1];
		for (unsigned h = 0; h < keep; h++) {
			v->octets[1] = (uint8_t)h;
			CU_ASSERT_TRUE(judge(v, v->octets, v->len, false));
			CU_ASSERT_TRUE(judge(v, v->octets, h * 8 + 8 < v->len ? h * 8 + 8 : v->len,
					     false));
		}
		v->octets[1] = keep;
	}
}

static void test_mutate(void)
{
	for (size_t i = 0; i < all.n; i++) {
		struct vector *v = &all.v[i];

		for (size_t at = 0; at < v->len; at++) {
			uint8_t keep = v->octets[at];

			for (int how = 0; how < 10; how++) {
				v->octets[at] = how == 8   ? 0x00
						: how == 9 ? 0xff
							   : keep ^ (uint8_t)(1 << how);
				CU_ASSERT_TRUE(judge(v, v->octets, v->len, false));
			}
			v->octets[at] = keep;
		}
	}
}

/* One wrong bit in what the checksum covers is always seen. */
static void test_checksum_sees_each_bit(void)
{
	struct mh_msg m;

	for (size_t i = 0; i < all.n; i++) {
		struct vector *v = &all.v[i];

		if (!v->with_checksum || strcmp(v->verdict, "ok"))
			continue;
		for (size_t at = 0; at < v->octets[1] * 8u + 8; at++) {
			for (int bit = 0; bit < 8; bit++) {
				enum mh_verdict got;

				v->octets[at] ^= (uint8_t)(1 << bit);
				got = mh_decode(&m, v->octets, v->len, &v->src, &v->dst);
				CU_ASSERT_TRUE(got == MH_BAD_CHECKSUM ||
					       (at == 1 && got == MH_TRUNCATED));
				v->octets[at] ^= (uint8_t)(1 << bit);
			}
		}
		/* nor is it accepted for other addresses */
		CU_ASSERT_EQUAL(mh_decode(&m, v->octets, v->len, &v->src, &v->src),
				MH_BAD_CHECKSUM);
	}
}

static void test_print_mutants(void)
{
	struct mh_msg m;
	char line[64];

	for (size_t i = 0; i < all.n; i++) {
		struct vector *v = &all.v[i];

		for (size_t at = 2; at<v->len; at += v->len> 512 ? 61 : 1) {
			v->octets[at] ^= 0xff;
			if (mh_decode(&m, v->octets, v->len, NULL, NULL) == MH_OK) {
				mh_print(devnull, &m);
				for (size_t cap = 1; cap <= sizeof(line); cap += 7) {
					memset(line, 'x', sizeof(line));
					mh_summary(&m, line, cap);
					CU_ASSERT_PTR_NOT_NULL(memchr(line, '\0', cap));
				}
			}
			v->octets[at] ^= 0xff;
		}
	}
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"each vector truncated at every length", test_truncate},
		{"each vector with every smaller Header Len",					      test_shrink_header_len},
		{"each vector changed at every octet",test_mutate},
		{"the checksum sees each wrong bit",    test_checksum_sees_each_bit},
		{"changed vectors are printed within bounds",					      test_print_mutants},
		{0	  },
	};
	int rc;

	if (vectors_load(&all, vectors_dir()))
		return 2;
	devnull = fopen("/dev/null", "w");
	rc = devnull ? cu_main("mutate", tests, argc, argv) : 2;
	vectors_free(&all);
	if (devnull)
		fclose(devnull);
	return rc;
}
