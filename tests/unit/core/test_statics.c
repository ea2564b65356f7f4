/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/statics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "dataplane/dp_fake.h"
#include "lib/cu.h"

static struct world {
	struct dp_fake *f;
	struct dataplane *dp;
	struct tunnels *tunnels;
	struct statics *t;
	unsigned acc0; /* index of the only interface; 0: it is not there */
} w;

static unsigned ifindex(void *ctx, const char *ifname)
{
	return !strcmp(ifname, "acc0") ? w.acc0 : 0;
}

static void begin(void)
{
	w = (struct world){.acc0 = 7};
	CU_ASSERT_EQUAL_FATAL(dp_fake_new(&w.f), 0);
	w.dp = dp_fake_dataplane(w.f);
	CU_ASSERT_EQUAL_FATAL(tunnels_new(&w.tunnels, w.dp), 0);
	CU_ASSERT_EQUAL_FATAL(statics_new(&w.t, w.dp, w.tunnels, ifindex, NULL), 0);
}

static void end(void)
{
	statics_free(&w.t);
	CU_ASSERT_EQUAL(dp_fake_sessions(w.f), 0);
	tunnels_free(&w.tunnels);
	CU_ASSERT_EQUAL(dp_fake_peers(w.f), 0);
	CU_ASSERT_EQUAL(dp_fake_violations(w.f, NULL), 0);
	dp_fake_free(&w.f);
}

static struct in6_addr addr(const char *s)
{
	struct in6_addr a = {0};

	CU_ASSERT_EQUAL(addr_parse(s, &a), 0);
	return a;
}

static struct prefix6 prefix(const char *s)
{
	struct prefix6 p = {.len = 64};

	CU_ASSERT_EQUAL(prefix6_parse(s, &p), 0);
	return p;
}

static struct static_session anchor(const char *mnid, const char *prefix_, enum dp_encap encap)
{
	struct static_session s = {
		.half = DP_ANCHOR,
		.n_prefixes = 1,
		.prefixes = {prefix(prefix_)},
		.local = addr("192.0.2.1"),
		.remote = addr("192.0.2.11"),
		.encap = encap,
	};

	snprintf(s.mnid, sizeof(s.mnid), "%s", mnid);
	return s;
}

static struct static_session access_half(const char *mnid, const char *prefix_)
{
	struct static_session s = anchor(mnid, prefix_, DP_ENCAP_IP);

	s.half = DP_ACCESS;
	snprintf(s.ifname, sizeof(s.ifname), "acc0");
	s.mac.b[5] = 9;
	return s;
}

static void set(const struct static_session *s, unsigned n, nsec_t now)
{
	/* in two parts, as a daemon with both roles has them */
	const struct statics_part parts[] = {
		{s,	    n / 2	 },
		    {s + n / 2, n - n / 2}
	  };

	CU_ASSERT_EQUAL(statics_set(w.t, parts, 2, now), 0);
}

static uint64_t count(enum statics_counter c)
{
	return statics_counters(w.t).value[c];
}

static const struct dp_fake_session *held(enum dp_half half, const char *prefix_)
{
	const struct prefix6 p = prefix(prefix_);

	return dp_fake_by_prefix(w.f, half, &p);
}

static void test_put_and_remove(void)
{
	struct static_session s[3];
	const struct dp_fake_session *f;
	const struct dp_peer *peer;

	begin();
	s[0] = anchor("a", "2001:db8:e00:1::/64", DP_ENCAP_UDP);
	s[0].addr4 = addr("10.0.0.1");
	s[1] = access_half("a", "2001:db8:e00:1::/64");
	s[1].local_routing = true;
	s[2] = anchor("b", "2001:db8:e00:2::/64", DP_ENCAP_UDP);
	set(s, 3, 0);
	CU_ASSERT(dp_fake_sessions(w.f) == 3 && dp_fake_peers(w.f) == 2);
	f = held(DP_ANCHOR, "2001:db8:e00:1::/64");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT(f->s.down.kind == DP_TO_PEER && f->s.up.kind == DP_TO_ROUTE);
	CU_ASSERT(f->s.addr4.s_addr == inet_addr("10.0.0.1") && !f->s.keyed);
	peer = dp_fake_peer(w.f, f->s.down.peer);
	CU_ASSERT_FATAL(peer != NULL);
	CU_ASSERT(peer->encap == DP_ENCAP_UDP && addr6_eq(&peer->remote, &s[0].remote));
	f = held(DP_ACCESS, "2001:db8:e00:1::/64");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT(f->s.down.kind == DP_TO_LINK && f->s.down.ifindex == 7);
	CU_ASSERT(f->s.down.mac.b[5] == 9 && f->s.up.kind == DP_TO_PEER && f->s.local_routing);
	CU_ASSERT_EQUAL(count(STATICS_C_ESTABLISHED), 3);
	CU_ASSERT_EQUAL(statics_next(w.t), NSEC_NEVER);

	set(s, 1, 0);
	CU_ASSERT(dp_fake_sessions(w.f) == 1 && dp_fake_peers(w.f) == 1);
	CU_ASSERT_EQUAL(count(STATICS_C_REMOVED), 2);
	CU_ASSERT_EQUAL(count(STATICS_C_ESTABLISHED), 3); /* the one that stays was not touched */
	end();
}

/* The way to a pair of keys: put, ask for ours, write down the other end's, reload. */
static void test_keys(void)
{
	struct static_session s;
	const struct dp_fake_session *f;
	uint32_t key = 0, again = 0;

	begin();
	s = anchor("a", "2001:db8:e00:1::/64", DP_ENCAP_GRE_KEY);
	set(&s, 1, 0);
	f = held(DP_ANCHOR, "2001:db8:e00:1::/64");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT(f->s.keyed && f->s.down.kind == DP_TO_NOWHERE);
	CU_ASSERT_EQUAL(w.dp->ops->session_key(w.dp, f->ref, &key), 0);
	CU_ASSERT_NOT_EQUAL(key, 0);
	s.peer_key = 4000000000u;
	set(&s, 1, 0);
	f = held(DP_ANCHOR, "2001:db8:e00:1::/64");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT(f->s.down.kind == DP_TO_PEER && f->s.down.key == 4000000000u);
	CU_ASSERT_EQUAL(w.dp->ops->session_key(w.dp, f->ref, &again), 0);
	CU_ASSERT_EQUAL(key, again);
	CU_ASSERT_EQUAL(count(STATICS_C_ESTABLISHED), 1);
	end();
}

static void test_change(void)
{
	struct static_session s[2];
	const struct dp_fake_session *f;
	dp_ref ref;

	begin();
	s[0] = anchor("a", "2001:db8:e00:1::/64", DP_ENCAP_IP);
	s[1] = anchor("b", "2001:db8:e00:2::/64", DP_ENCAP_IP);
	set(s, 2, 0);
	ref = held(DP_ANCHOR, "2001:db8:e00:1::/64")->ref;
	/* another tunnel, same session */
	s[0].encap = DP_ENCAP_UDP_TLV;
	set(s, 2, 0);
	f = held(DP_ANCHOR, "2001:db8:e00:1::/64");
	CU_ASSERT_FATAL(f && f->ref == ref);
	CU_ASSERT_EQUAL(dp_fake_peer(w.f, f->s.down.peer)->encap, DP_ENCAP_UDP_TLV);
	CU_ASSERT_EQUAL(dp_fake_peers(w.f), 2);
	/* two nodes change places */
	s[0].prefixes[0] = prefix("2001:db8:e00:2::/64");
	s[1].prefixes[0] = prefix("2001:db8:e00:1::/64");
	set(s, 2, 0);
	f = held(DP_ANCHOR, "2001:db8:e00:2::/64");
	CU_ASSERT_FATAL(f != NULL);
	CU_ASSERT(f->s.mnid.len == 1 && f->s.mnid.id[0] == 'a');
	CU_ASSERT_EQUAL(dp_fake_sessions(w.f), 2);
	CU_ASSERT_EQUAL(count(STATICS_C_CONFLICT), 0);
	end();
}

static void test_conflict(void)
{
	const struct prefix6 p = prefix("2001:db8:e00:1::/64");
	struct dp_session other = {
		.half = DP_ANCHOR,
		.mnid = {.subtype = MNID_NAI, .len = 1, .id = (const uint8_t *)"x"},
		.n_prefixes = 1,
		.prefixes = &p,
		.up.kind = DP_TO_ROUTE,
	};
	struct static_session s[2];
	dp_ref ref = 0;

	begin();
	CU_ASSERT_EQUAL(w.dp->ops->session_put(w.dp, &other, &ref), 0);
	s[0] = anchor("a", "2001:db8:e00:1::/64", DP_ENCAP_IP);
	s[1] = anchor("b", "2001:db8:e00:2::/64", DP_ENCAP_IP);
	set(s, 2, 100);
	CU_ASSERT_EQUAL(dp_fake_sessions(w.f), 2);
	CU_ASSERT_EQUAL(count(STATICS_C_CONFLICT), 1);
	CU_ASSERT_EQUAL(held(DP_ANCHOR, "2001:db8:e00:1::/64")->ref, ref); /* not pushed aside */
	CU_ASSERT_EQUAL(statics_next(w.t), nsec_add(100, STATICS_RETRY));
	statics_tick(w.t, 101);
	CU_ASSERT_EQUAL(count(STATICS_C_CONFLICT), 1);
	statics_tick(w.t, nsec_add(100, STATICS_RETRY));
	CU_ASSERT_EQUAL(count(STATICS_C_CONFLICT), 2);
	CU_ASSERT_NOT_EQUAL(statics_next(w.t), NSEC_NEVER);
	w.dp->ops->session_del(w.dp, ref);
	statics_tick(w.t, statics_next(w.t));
	CU_ASSERT_PTR_NOT_NULL(held(DP_ANCHOR, "2001:db8:e00:1::/64"));
	CU_ASSERT_EQUAL(statics_next(w.t), NSEC_NEVER);
	CU_ASSERT_EQUAL(count(STATICS_C_ESTABLISHED), 2);
	end();
}

static void test_refused(void)
{
	struct static_session s;
	const struct dp_fake_session *f;

	begin();
	s = anchor("a", "2001:db8:e00:1::/64", DP_ENCAP_IP);
	dp_fake_fail(w.f, DP_FAKE_PEER_PUT, 1, ENOSPC);
	set(&s, 1, 0);
	CU_ASSERT_EQUAL(count(STATICS_C_FAILED), 1);
	dp_fake_fail(w.f, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	statics_tick(w.t, statics_next(w.t));
	CU_ASSERT(count(STATICS_C_FAILED) == 2 && dp_fake_peers(w.f) == 0);
	statics_tick(w.t, statics_next(w.t));
	CU_ASSERT_PTR_NOT_NULL(held(DP_ANCHOR, "2001:db8:e00:1::/64"));
	/* a change that is refused leaves what was there, and is tried again */
	s.encap = DP_ENCAP_GRE;
	dp_fake_fail(w.f, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	set(&s, 1, 0);
	f = held(DP_ANCHOR, "2001:db8:e00:1::/64");
	CU_ASSERT_FATAL(f != NULL);
	CU_ASSERT_EQUAL(dp_fake_peer(w.f, f->s.down.peer)->encap, DP_ENCAP_IP);
	statics_tick(w.t, statics_next(w.t));
	f = held(DP_ANCHOR, "2001:db8:e00:1::/64");
	CU_ASSERT_EQUAL(dp_fake_peer(w.f, f->s.down.peer)->encap, DP_ENCAP_GRE);
	CU_ASSERT_EQUAL(dp_fake_peers(w.f), 1);
	end();
}

static void test_interface(void)
{
	struct static_session s;

	begin();
	s = access_half("a", "2001:db8:e00:1::/64");
	w.acc0 = 0;
	set(&s, 1, 0);
	CU_ASSERT(dp_fake_sessions(w.f) == 0 && dp_fake_peers(w.f) == 0);
	CU_ASSERT_EQUAL(count(STATICS_C_FAILED), 0);
	w.acc0 = 12;
	statics_link(w.t, "eth0", 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(w.f), 0);
	statics_link(w.t, "acc0", 1);
	CU_ASSERT_FATAL(held(DP_ACCESS, "2001:db8:e00:1::/64") != NULL);
	CU_ASSERT_EQUAL(held(DP_ACCESS, "2001:db8:e00:1::/64")->s.down.ifindex, 12);
	/* the interface is replaced by one of the same name */
	w.acc0 = 13;
	statics_link(w.t, "acc0", 2);
	CU_ASSERT_EQUAL(held(DP_ACCESS, "2001:db8:e00:1::/64")->s.down.ifindex, 13);
	CU_ASSERT_EQUAL(count(STATICS_C_ESTABLISHED), 1);
	/* the session moves to one that is not there */
	snprintf(s.ifname, sizeof(s.ifname), "acc9");
	set(&s, 1, 3);
	CU_ASSERT_EQUAL(dp_fake_sessions(w.f), 0);
	end();
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"sessions are put with their tunnels and removed with them", test_put_and_remove},
		{"a key of the other end comes with a reload, ours stays",							   test_keys},
		{"a change keeps the session; two nodes may change places",test_change},
		{"a signalled session is not pushed aside, but waited for",   test_conflict},
		{"what the data plane refuses is counted and tried again",							   test_refused},
		{"a session waits for its interface and follows it",					     test_interface},
		{0	  },
	};
	return cu_main("static sessions in the data plane", tests, argc, argv);
}
