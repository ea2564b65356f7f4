/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/tunnel.h"

#include <errno.h>

#include "core/env.h"
#include "dataplane/dp_fake.h"
#include "lib/cu.h"

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	CU_ASSERT_EQUAL_FATAL(addr6_parse(s, &a), 0);
	return a;
}

static void test_sharing(void)
{
	const struct in6_addr lma = addr("2001:db8:2::1"), mag = addr("2001:db8:11::1");
	const struct dp_peer there = {lma, mag, DP_ENCAP_IP}, back = {mag, lma, DP_ENCAP_IP};
	struct dp_fake *f;
	struct tunnels *t;
	dp_ref a = 0, b = 0, c = 0;

	CU_ASSERT_EQUAL_FATAL(dp_fake_new(&f), 0);
	CU_ASSERT_EQUAL_FATAL(tunnels_new(&t, dp_fake_dataplane(f)), 0);
	CU_ASSERT_EQUAL(tunnel_get(t, &there, &a), 0);
	CU_ASSERT_EQUAL(tunnel_get(t, &there, &b), 0);
	CU_ASSERT_EQUAL(tunnel_get(t, &back, &c), 0);
	CU_ASSERT_EQUAL(a, b);
	CU_ASSERT_NOT_EQUAL(a, c);
	CU_ASSERT_EQUAL(dp_fake_peers(f), 2);
	tunnel_put(t, a);
	CU_ASSERT_EQUAL(dp_fake_peers(f), 2);
	tunnel_put(t, a);
	CU_ASSERT_EQUAL(dp_fake_peers(f), 1);
	CU_ASSERT_PTR_NULL(dp_fake_peer(f, a));
	tunnel_put(t, 0);
	tunnels_free(&t);
	CU_ASSERT_EQUAL(dp_fake_peers(f), 0);
	CU_ASSERT_EQUAL(dp_fake_violations(f, NULL), 0);
	dp_fake_free(&f);
}

static void count_tunnel(void *ctx, const struct tunnel_info *i)
{
	unsigned *seen = ctx;

	seen[i->peer.encap] += i->users;
}

static void test_encapsulations(void)
{
	struct dp_peer peer = {addr("2001:db8:2::1"), addr("2001:db8:11::1"), DP_ENCAP_IP};
	unsigned seen[DP_ENCAP_MAX] = {0};
	dp_ref plain = 0, gre = 0, again = 0;
	struct dp_fake *f;
	struct tunnels *t;

	CU_ASSERT_EQUAL_FATAL(dp_fake_new(&f), 0);
	CU_ASSERT_EQUAL_FATAL(tunnels_new(&t, dp_fake_dataplane(f)), 0);
	CU_ASSERT_EQUAL(tunnel_get(t, &peer, &plain), 0);
	peer.encap = DP_ENCAP_GRE_KEY;
	CU_ASSERT_EQUAL(tunnel_get(t, &peer, &gre), 0);
	CU_ASSERT_EQUAL(tunnel_get(t, &peer, &again), 0);
	CU_ASSERT_NOT_EQUAL(plain, gre);
	CU_ASSERT_EQUAL(gre, again);
	CU_ASSERT_EQUAL(dp_fake_peer(f, gre)->encap, DP_ENCAP_GRE_KEY);
	tunnels_walk(t, count_tunnel, seen);
	CU_ASSERT_EQUAL(seen[DP_ENCAP_IP], 1);
	CU_ASSERT_EQUAL(seen[DP_ENCAP_GRE_KEY], 2);
	tunnels_free(&t);
	dp_fake_free(&f);
}

static void test_failure(void)
{
	const struct dp_peer peer = {addr("2001:db8:2::1"), addr("2001:db8:11::1"), DP_ENCAP_IP};
	struct dp_fake *f;
	struct tunnels *t;
	dp_ref a = 77;

	CU_ASSERT_EQUAL_FATAL(dp_fake_new(&f), 0);
	CU_ASSERT_EQUAL_FATAL(tunnels_new(&t, dp_fake_dataplane(f)), 0);
	dp_fake_fail(f, DP_FAKE_PEER_PUT, 1, ENOSPC);
	CU_ASSERT_EQUAL(tunnel_get(t, &peer, &a), -ENOSPC);
	CU_ASSERT_EQUAL(a, 77);
	CU_ASSERT_EQUAL(tunnel_get(t, &peer, &a), 0);
	tunnels_free(&t);
	dp_fake_free(&f);
}

static void test_timestamp(void)
{
	/* 1700000000.5 s, the value RFC 5213 8.8 would put on the wire */
	CU_ASSERT_EQUAL(timestamp_from_wallclock(1700000000500000000ull), 0x00006553f1008000ull);
	CU_ASSERT_EQUAL(timestamp_to_wallclock(0x00006553f1008000ull), 1700000000500000000ull);
	CU_ASSERT_EQUAL(timestamp_to_wallclock(UINT64_MAX), UINT64_MAX);
	/* fractions never run backwards */
	uint64_t last = 0;
	for (uint64_t ns = 0; ns < 2 * NSEC_PER_SEC; ns += 1237) {
		uint64_t ts = timestamp_from_wallclock(ns);
		if (ts < last)
			CU_FAIL("timestamp ran backwards");
		last = ts;
	}
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"L-64 RFC 5213 5.6.1 a tunnel is shared and goes with its last user",
		 test_sharing},
		{"one pair of addresses may have a tunnel of each encapsulation",
		 test_encapsulations},
		{"a failed peer_put leaves nothing behind",						    test_failure},
		{"RFC 5213 8.8 the clock becomes 48.16 seconds since 1970 and back",
		 test_timestamp},
		{0								   },
	};
	return cu_main("tunnel", tests, argc, argv);
}
