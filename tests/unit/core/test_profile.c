/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/profile.h"

#include <errno.h>
#include <string.h>

#include "lib/cu.h"

static struct mnid nai(const char *s)
{
	return (struct mnid){MNID_NAI, (uint8_t)strlen(s), (const uint8_t *)s};
}

static void test_lookup(void)
{
	struct profile_table *t;
	char name[] = "mn1@example.com";
	struct profile p = {.mnid = nai(name), .enabled = true, .n_macs = 1, .macs = {{{2, 0, 0, 0, 0, 1}}}};
	struct mac other = {{2, 0, 0, 0, 0, 2}};

	CU_ASSERT_EQUAL_FATAL(profile_table_new(&t), 0);
	CU_ASSERT_EQUAL(profile_table_add(t, &p), 0);
	memset(name, 'x', sizeof(name) - 1); /* the table has its own copy */

	struct profiles ps = profile_table_profiles(t);
	struct mnid id = nai("mn1@example.com");
	const struct profile *found = ps.by_mnid(ps.ctx, &id);

	CU_ASSERT_PTR_NOT_NULL_FATAL(found);
	CU_ASSERT(mnid_eq(&found->mnid, &id));
	CU_ASSERT_PTR_EQUAL(ps.by_mac(ps.ctx, &p.macs[0]), found);
	CU_ASSERT_PTR_NULL(ps.by_mac(ps.ctx, &other));
	id.subtype = 3;
	CU_ASSERT_PTR_NULL(ps.by_mnid(ps.ctx, &id));
	CU_ASSERT_EQUAL(profile_table_count(t), 1);
	profile_table_free(&t);
	CU_ASSERT_PTR_NULL(t);
}

static void test_duplicates(void)
{
	struct profile_table *t;
	struct profile a = {.mnid = nai("a@x"), .n_macs = 1, .macs = {{{2, 0, 0, 0, 0, 1}}}};
	struct profile b = {.mnid = nai("b@x"), .n_macs = 2, .macs = {{{2, 0, 0, 0, 0, 9}}, {{2, 0, 0, 0, 0, 1}}}};

	CU_ASSERT_EQUAL_FATAL(profile_table_new(&t), 0);
	CU_ASSERT_EQUAL(profile_table_add(t, &a), 0);
	CU_ASSERT_EQUAL(profile_table_add(t, &a), -EEXIST);
	CU_ASSERT_EQUAL(profile_table_add(t, &b), -EEXIST);

	struct profiles ps = profile_table_profiles(t);
	struct mnid id = nai("b@x");

	/* nothing of the refused one is left behind */
	CU_ASSERT_PTR_NULL(ps.by_mnid(ps.ctx, &id));
	CU_ASSERT_PTR_NULL(ps.by_mac(ps.ctx, &b.macs[0]));
	CU_ASSERT_PTR_NOT_NULL(ps.by_mac(ps.ctx, &a.macs[0]));
	profile_table_free(&t);
}

static void test_ipv4(void)
{
	struct profile_table *t;
	struct profile a = {.mnid = nai("a@x"), .ipv4 = true, .no_ipv6 = true, .pool4 = "office",
			    .home4 = {0x010200c0}, .dns4 = {{1}, {2}, {3}}, .n_dns4 = PROFILE_DNS_MAX};
	const struct mnid id = nai("a@x");
	const struct profile *got;

	CU_ASSERT_EQUAL_FATAL(profile_table_new(&t), 0);
	a.n_dns4++;
	CU_ASSERT_EQUAL(profile_table_add(t, &a), -EINVAL); /* more than there is room for */
	CU_ASSERT_EQUAL(profile_table_add_fallback(t, "*", &a), -EINVAL);
	a.n_dns4--;
	CU_ASSERT_EQUAL(profile_table_add(t, &a), 0);

	struct profiles ps = profile_table_profiles(t);

	got = ps.by_mnid(ps.ctx, &id);
	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	CU_ASSERT(got->ipv4 && got->no_ipv6);
	CU_ASSERT_EQUAL(got->home4.s_addr, a.home4.s_addr);
	CU_ASSERT_STRING_EQUAL(got->pool4, "office");
	CU_ASSERT_EQUAL(got->n_dns4, 3);
	CU_ASSERT_EQUAL(got->dns4[2].s_addr, 3);
	/* its address is known as its pool's, and as any pool's where it names none */
	CU_ASSERT(ps.has_home4(ps.ctx, a.home4, "office"));
	CU_ASSERT_FALSE(ps.has_home4(ps.ctx, a.home4, "home"));
	CU_ASSERT_FALSE(ps.has_home4(ps.ctx, (struct in_addr){0x030200c0}, "office"));
	a.mnid = nai("b@x");
	a.pool4[0] = '\0';
	CU_ASSERT_EQUAL(profile_table_add(t, &a), 0);
	CU_ASSERT(ps.has_home4(ps.ctx, a.home4, "home"));
	a.mnid = nai("c@x");
	a.home4.s_addr = 0;
	CU_ASSERT_EQUAL(profile_table_add(t, &a), 0);
	CU_ASSERT_FALSE(ps.has_home4(ps.ctx, a.home4, "home"));
	profile_table_free(&t);
}

static void test_fallback(void)
{
	struct profile_table *t;
	struct profile realm = {.enabled = true, .prefix_count = 2}, all = {.enabled = false, .prefix_count = 1};
	struct mnid in = nai("x@example.com"), sub = nai("x@a.example.com"), none = nai("x");

	CU_ASSERT_EQUAL_FATAL(profile_table_new(&t), 0);
	CU_ASSERT_EQUAL(profile_table_add_fallback(t, "example.com", &realm), -EINVAL);
	CU_ASSERT_EQUAL(profile_table_add_fallback(t, "@example.com", &realm), 0);

	struct profiles ps = profile_table_profiles(t);

	CU_ASSERT_PTR_NOT_NULL_FATAL(ps.fallback(ps.ctx, &in));
	CU_ASSERT_EQUAL(ps.fallback(ps.ctx, &in)->prefix_count, 2);
	CU_ASSERT_PTR_NULL(ps.fallback(ps.ctx, &sub)); /* sub-realms are other realms */
	CU_ASSERT_PTR_NULL(ps.fallback(ps.ctx, &none));
	CU_ASSERT_EQUAL(profile_table_add_fallback(t, "*", &all), 0);
	CU_ASSERT_EQUAL(ps.fallback(ps.ctx, &sub)->prefix_count, 1);
	CU_ASSERT_EQUAL(ps.fallback(ps.ctx, &in)->prefix_count, 2);
	profile_table_free(&t);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a profile is found by MN-ID and by link-layer address", test_lookup},
		{"a second profile for an MN-ID or a link-layer address is refused whole", test_duplicates},
		{"what a profile says of IPv4 is copied, its counts are bounded", test_ipv4},
		{"nodes without a profile get their realm's, then everybody's", test_fallback},
		{0},
	};
	return cu_main("profile", tests, argc, argv);
}
