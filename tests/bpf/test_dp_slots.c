/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sessions become in the maps: halves that join, aliases, pools, reuse, names. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/util.h"
#include "dp_env.h"
#include "lib/cu.h"

#define STATICS 24
#define POOL	16

static struct dp_bpf *dp;
static struct dataplane *d;
static const struct pm_session *session; /* as the programs see it */
static const struct pm_tunnel *tunnel;
static int prefix6_fd, mnid_fd, framed_fd, local_fd;
static dp_ref self_peer, mag[2], lma;

static struct dp_hooks_seen {
	unsigned added, deleted;
	dp_ref last;
} seen;

static void peer_added(void *ctx, dp_ref ref, const struct dp_peer *p)
{
	seen.added++;
	seen.last = ref;
}

static void peer_deleted(void *ctx, dp_ref ref, const struct dp_peer *p)
{
	seen.deleted++;
	seen.last = ref;
}

static dp_ref peer(const char *local, const char *remote)
{
	const struct dp_peer p = {env_addr(local), env_addr(remote), DP_ENCAP_IP};
	dp_ref ref = 0;

	CU_ASSERT_EQUAL_FATAL(d->ops->peer_put(d, &p, &ref), 0);
	return ref;
}

static void setup(void)
{
	const struct dp_bpf_cfg cfg = {
		.instance = "slots",
		.roles = DP_BPF_LMA | DP_BPF_MAG,
		.max_sessions = STATICS,
		.pool_slots = POOL,
		.max_peers = 16,
		.tunnel_mtu = 0,
		.ip4 = true,
		.ip4_outer = true,
		.gre = true,
		.hooks = {.peer_added = peer_added, .peer_deleted = peer_deleted}
	 };
	const struct in6_addr ours = env_addr("2001:db8:2::1");

	memset(&seen, 0, sizeof(seen));
	dp = env_dp(&cfg);
	d = dp_bpf_dataplane(dp);
	session = env_map(env_pin(dp, "pm_session"));
	tunnel = env_map(env_pin(dp, "pm_tunnel"));
	prefix6_fd = env_pin(dp, "pm_prefix6");
	mnid_fd = env_pin(dp, "pm_mnid");
	framed_fd = env_pin(dp, "pm_framed");
	local_fd = env_pin(dp, "pm_local");
	CU_ASSERT_EQUAL_FATAL(dp_bpf_local_add(dp, &ours), 0);
	self_peer = peer("2001:db8:2::1", "2001:db8:2::1");
	mag[0] = peer("2001:db8:2::1", "2001:db8:11::1");
	mag[1] = peer("2001:db8:2::1", "2001:db8:12::1");
	lma = peer("2001:db8:2::1", "2001:db8:99::1");
}

static void teardown(void)
{
	dp_bpf_free(&dp, true);
}

static uint32_t hashed(const struct prefix6 *p)
{
	uint32_t slot = 0;
	uint64_t key;

	memcpy(&key, &p->addr, sizeof(key));
	return bpf_map_lookup_elem(prefix6_fd, &key, &slot) == 0 ? slot : 0;
}

static unsigned count(int fd, size_t key_size)
{
	char key[128], next[128];
	unsigned n = 0;
	void *at = NULL;

	while (bpf_map_get_next_key(fd, at, next) == 0) {
		memcpy(key, next, key_size);
		at = key;
		n++;
	}
	return n;
}

static struct prefix6 prefix(unsigned n)
{
	struct prefix6 p = env_prefix("2001:db8:f00::/64");

	p.addr.s6_addr[7] = (uint8_t)n;
	return p;
}

static struct dp_path to_peer(dp_ref ref)
{
	return (struct dp_path){.kind = DP_TO_PEER, .peer = ref};
}

static struct dp_path to_link(unsigned ifindex, uint8_t node)
{
	return (struct dp_path){
		.kind = DP_TO_LINK, .ifindex = ifindex, .mac = {{2, 0, 0, 0, 0, node}}};
}

static const struct dp_path route = {.kind = DP_TO_ROUTE};

static struct dp_session session_of(enum dp_half half, const struct prefix6 *p, unsigned n)
{
	struct dp_session s = {
		.half = half,
		.mnid = {1, 15, (const uint8_t *)"mn1@example.com"},
		.n_prefixes = n,
		.prefixes = p
	     };

	s.down = half == DP_ANCHOR ? to_peer(mag[0]) : to_link(7, 1);
	s.up = half == DP_ANCHOR ? route : to_peer(lma);
	return s;
}

static dp_ref put(const struct dp_session *s)
{
	dp_ref ref = 0;

	CU_ASSERT_EQUAL_FATAL(d->ops->session_put(d, s, &ref), 0);
	return ref;
}

static uint32_t slot_of(dp_ref ref)
{
	struct dp_bpf_session_info info = {0};

	CU_ASSERT_EQUAL(dp_bpf_session_info(dp, ref, &info), 0);
	return info.slot;
}

/* ---- halves */

enum anchor_state { A_NONE, A_SELF, A_MAG0, A_MAG1, A_DROP, A_SELF_DROP, A_CHAIN, A_STATES };
enum access_state { L_NONE, L_LINK, L_OTHER_LINK, L_UP_SELF, L_DROP, L_LOCAL, L_STATES };

static struct dp_session anchor_in(enum anchor_state a, const struct prefix6 *p, unsigned n)
{
	struct dp_session s = session_of(DP_ANCHOR, p, n);

	if (a == A_SELF || a == A_SELF_DROP)
		s.down = to_peer(self_peer);
	if (a == A_MAG1)
		s.down = to_peer(mag[1]);
	if (a == A_DROP || a == A_SELF_DROP)
		s.mode = DP_DROP;
	if (a == A_CHAIN)
		s.up = to_peer(lma);
	return s;
}

static struct dp_session access_in(enum access_state l, const struct prefix6 *p, unsigned n)
{
	struct dp_session s = session_of(DP_ACCESS, p, n);

	if (l == L_OTHER_LINK)
		s.down = to_link(8, 2);
	if (l == L_UP_SELF)
		s.up = to_peer(self_peer);
	if (l == L_DROP)
		s.mode = DP_DROP;
	if (l == L_LOCAL)
		s.local_routing = true;
	return s;
}

/* The table of dp_session.h, written down a second time and another way. */
static void check_slot(uint32_t slot, enum anchor_state a, enum access_state l)
{
	const struct pm_session *s = &session[slot];
	bool link = l != L_NONE && (a == A_NONE || a == A_SELF || a == A_SELF_DROP);
	bool drop;

	if (a == A_NONE && l == L_NONE) {
		CU_ASSERT_EQUAL(PM_DESC_FLAGS(s->desc), 0);
		return;
	}
	CU_ASSERT_TRUE(s->flags & PM_F_VALID);
	CU_ASSERT_FALSE(s->flags & PM_F_ALIAS);
	CU_ASSERT_EQUAL(!!(s->flags & PM_F_ANCHORED), a != A_NONE);
	CU_ASSERT_EQUAL(!!(s->flags & PM_F_LINK), link);
	CU_ASSERT_EQUAL(!!(s->flags & PM_F_LOCAL_ROUTING), link && l == L_LOCAL);
	drop = a == A_DROP || a == A_SELF_DROP || (a == A_SELF && l == L_NONE) ||
	       (link && l == L_DROP) || (a == A_NONE && l == L_UP_SELF);
	CU_ASSERT_EQUAL(!!(s->flags & PM_F_DROP), drop);
	if (link) {
		CU_ASSERT_EQUAL(s->mac[5], l == L_OTHER_LINK ? 2 : 1);
		CU_ASSERT_NOT_EQUAL(s->access, 0);
	} else if (!(a == A_SELF || a == A_SELF_DROP)) {
		CU_ASSERT_EQUAL(s->tunnel, a == A_MAG1 ? mag[1] : mag[0]);
	}
	if (a == A_NONE) {
		CU_ASSERT_EQUAL(s->up_tunnel, l == L_UP_SELF ? 0 : lma);
	} else {
		CU_ASSERT_EQUAL(s->up_tunnel, a == A_CHAIN ? lma : 0);
	}
}

static void apply(dp_ref *ref, const struct dp_session *s, bool present)
{
	if (present) {
		CU_ASSERT_EQUAL(d->ops->session_put(d, s, ref), 0);
	} else {
		d->ops->session_del(d, *ref);
		*ref = 0;
	}
}

static void test_halves_join(void)
{
	const struct prefix6 p = prefix(1);
	enum anchor_state a = A_NONE;
	enum access_state l = L_NONE;
	dp_ref anchor = 0, access = 0;
	uint32_t slot = 0, steps = 0;

	setup();
	/* Every state of one half is entered from, and left to, every state of the other. */
	for (unsigned round = 0; round < A_STATES * A_STATES; round++) {
		for (unsigned i = 0; i < L_STATES; i++) {
			struct dp_session s;

			if ((round + i) % 2) {
				a = round % A_STATES;
				s = anchor_in(a, &p, 1);
				apply(&anchor, &s, a != A_NONE);
			} else {
				a = (a + round / A_STATES + 1) % A_STATES;
				s = anchor_in(a, &p, 1);
				apply(&anchor, &s, a != A_NONE);
			}
			if (hashed(&p))
				slot = hashed(&p);
			check_slot(slot, a, l);
			l = (l + i + round) % L_STATES;
			s = access_in(l, &p, 1);
			apply(&access, &s, l != L_NONE);
			if (hashed(&p))
				slot = hashed(&p);
			check_slot(slot, a, l);
			CU_ASSERT_EQUAL(hashed(&p) != 0, a != A_NONE || l != L_NONE);
			steps += 2;
		}
	}
	CU_ASSERT_TRUE(steps > 500);
	teardown();
}

static void test_halves_share_slot(void)
{
	const struct prefix6 p = prefix(1);
	struct dp_session s;
	dp_ref anchor, access;
	uint32_t slot;

	setup();
	s = access_in(L_LINK, &p, 1);
	access = put(&s);
	slot = slot_of(access);
	s = anchor_in(A_SELF, &p, 1);
	anchor = put(&s);
	CU_ASSERT_EQUAL(slot_of(anchor), slot);
	d->ops->session_del(d, access);
	CU_ASSERT_EQUAL(hashed(&p), slot);
	check_slot(slot, A_SELF, L_NONE);
	d->ops->session_del(d, anchor);
	CU_ASSERT_EQUAL(hashed(&p), 0);
	CU_ASSERT_EQUAL(PM_DESC_FLAGS(session[slot].desc), 0);
	teardown();
}

static void test_move_is_one_store(void)
{
	const struct prefix6 p = prefix(1);
	struct dp_session s;
	struct pm_session before, after;
	struct dp_path path;
	dp_ref ref;
	uint32_t slot;

	setup();
	s = anchor_in(A_MAG0, &p, 1);
	ref = put(&s);
	slot = slot_of(ref);
	before = session[slot];
	path = to_peer(mag[1]);
	CU_ASSERT_EQUAL(d->ops->session_move(d, ref, &path), 0);
	after = session[slot];
	CU_ASSERT_EQUAL(PM_DESC_TUNNEL(after.desc), mag[1]);
	CU_ASSERT_EQUAL(PM_DESC_GEN(after.desc), PM_DESC_GEN(before.desc));
	/* nothing but the descriptor changed */
	after.desc = before.desc;
	CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof(before)), 0);
	/* an identical put changes not one bit */
	before = session[slot];
	s = anchor_in(A_MAG1, &p, 1);
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &ref), 0);
	after = session[slot];
	CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof(before)), 0);
	teardown();
}

/* ---- aliases */

static void check_alias(uint32_t slot, uint32_t primary)
{
	CU_ASSERT_EQUAL(session[slot].flags, PM_F_VALID | PM_F_ALIAS);
	CU_ASSERT_EQUAL(session[slot].tunnel, primary);
	CU_ASSERT_EQUAL(session[slot].generation, session[primary].generation);
}

/* RFC 5949 4.1 (f), (g): its packets go to another gateway, and it has not left its link. */
static void test_still_on_link(void)
{
	const struct prefix6 p = prefix(1);
	struct dp_session s = session_of(DP_ACCESS, &p, 1);
	const struct pm_session *m;
	dp_ref ref;

	setup();
	ref = put(&s);
	m = &session[slot_of(ref)];
	CU_ASSERT_EQUAL(m->flags & (PM_F_LINK | PM_F_STILL), PM_F_LINK);
	s.down = to_link(8, 9);
	s.down.kind = DP_TO_PEER;
	s.down.peer = mag[1];
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &ref), 0);
	CU_ASSERT_EQUAL(m->flags & (PM_F_LINK | PM_F_STILL | PM_F_DROP), PM_F_STILL);
	CU_ASSERT_EQUAL(m->tunnel, mag[1]);
	CU_ASSERT_EQUAL(m->up_tunnel, lma);
	CU_ASSERT_EQUAL(m->mac[5], 9);
	CU_ASSERT_NOT_EQUAL(m->access, 0);
	/* it has left */
	s.down = to_peer(mag[1]);
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &ref), 0);
	CU_ASSERT_EQUAL(m->flags & (PM_F_LINK | PM_F_STILL), 0);
	CU_ASSERT_EQUAL(m->tunnel, mag[1]);
	/* or is back */
	s.down = to_link(7, 1);
	CU_ASSERT_EQUAL(d->ops->session_move(d, ref, &s.down), 0);
	CU_ASSERT_EQUAL(m->flags & (PM_F_LINK | PM_F_STILL), PM_F_LINK);
	CU_ASSERT_EQUAL(m->mac[5], 1);
	teardown();
}

static void test_aliases(void)
{
	struct prefix6 p[4] = {prefix(1), prefix(2), prefix(3), prefix(4)};
	uint32_t slot[4];
	uint64_t alias[2];
	struct dp_session s;
	struct dp_path path;
	dp_ref ref, access;

	setup();
	/* slots with a past: the next one was used once, those after it twice */
	for (unsigned i = 0; i < 2 * STATICS - 1; i++) {
		const struct prefix6 past = prefix(50 + i);

		s = anchor_in(A_MAG0, &past, 1);
		d->ops->session_del(d, put(&s));
	}
	s = anchor_in(A_MAG0, p, 3);
	ref = put(&s);
	for (int i = 0; i < 3; i++)
		slot[i] = hashed(&p[i]);
	CU_ASSERT_EQUAL(session[slot[0]].generation, 1);
	check_slot(slot[0], A_MAG0, L_NONE);
	check_alias(slot[1], slot[0]);
	check_alias(slot[2], slot[0]);
	for (int i = 0; i < 3; i++) {
		uint64_t be;

		memcpy(&be, &p[i].addr, sizeof(be));
		CU_ASSERT_EQUAL(session[slot[i]].prefix, be);
	}

	/* all prefixes move with one store into the primary */
	alias[0] = session[slot[1]].desc;
	alias[1] = session[slot[2]].desc;
	path = to_peer(mag[1]);
	CU_ASSERT_EQUAL(d->ops->session_move(d, ref, &path), 0);
	check_slot(slot[0], A_MAG1, L_NONE);
	CU_ASSERT_EQUAL(session[slot[1]].desc, alias[0]);
	CU_ASSERT_EQUAL(session[slot[2]].desc, alias[1]);

	/* the primary's prefix goes: the next one takes its place */
	s = anchor_in(A_MAG1, p + 1, 3);
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &ref), 0);
	slot[3] = hashed(&p[3]);
	CU_ASSERT_EQUAL(hashed(&p[0]), 0);
	CU_ASSERT_EQUAL(PM_DESC_FLAGS(session[slot[0]].desc), 0);
	CU_ASSERT_EQUAL(hashed(&p[1]), slot[1]);
	check_slot(slot[1], A_MAG1, L_NONE);
	check_alias(slot[2], slot[1]);
	check_alias(slot[3], slot[1]);

	/* the other half holds only some of them: what has the same owners stays together */
	s = anchor_in(A_SELF, p + 1, 3);
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &ref), 0);
	s = access_in(L_LINK, p + 2, 2);
	access = put(&s);
	check_slot(slot[1], A_SELF, L_NONE);
	check_slot(slot[2], A_SELF, L_LINK);
	check_alias(slot[3], slot[2]);
	d->ops->session_del(d, access);
	check_slot(slot[1], A_SELF, L_NONE);
	check_alias(slot[2], slot[1]);
	check_alias(slot[3], slot[1]);
	d->ops->session_del(d, ref);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(PM_DESC_FLAGS(session[slot[i]].desc), 0);
	CU_ASSERT_EQUAL(count(prefix6_fd, 8), 0);
	teardown();
}

/* ---- slots */

static void test_pool_is_indexed(void)
{
	const struct prefix6 pool = env_prefix("2001:db8:100::/44");
	const struct prefix6 more = env_prefix("2001:db8:200::/44");
	const struct prefix6 inner = env_prefix("2001:db8:100::/48");
	struct prefix6 p = env_prefix("2001:db8:100:7::/64");
	struct prefix6 beyond = env_prefix("2001:db8:100:c::/64");
	struct prefix6 second = env_prefix("2001:db8:200:3::/64");
	struct pm_pool e;
	struct dp_session s;
	uint32_t key = 0;
	dp_ref ref;
	int fd;

	setup();
	fd = env_pin(dp, "pm_pool");
	CU_ASSERT_EQUAL(d->ops->pool_put(d, &pool, 12), 0);
	CU_ASSERT_EQUAL(d->ops->pool_put(d, &pool, 12), 0);
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(fd, &key, &e), 0);
	CU_ASSERT_EQUAL(e.base, 1);
	CU_ASSERT_EQUAL(e.n, 12);
	CU_ASSERT_EQUAL(be64toh(e.prefix), 0x20010db801000000);
	CU_ASSERT_EQUAL(be64toh(e.mask), 0xfffffffffff00000);
	/* only four are left for the second one */
	CU_ASSERT_EQUAL(d->ops->pool_put(d, &more, 12), 0);
	key = 1;
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(fd, &key, &e), 0);
	CU_ASSERT_EQUAL(e.base, 13);
	CU_ASSERT_EQUAL(e.n, 4);
	CU_ASSERT_EQUAL(d->ops->pool_put(d, &inner, 12), -EBUSY);

	s = session_of(DP_ANCHOR, &p, 1);
	ref = put(&s);
	CU_ASSERT_EQUAL(slot_of(ref), 1 + 7);
	CU_ASSERT_EQUAL(hashed(&p), 0);
	s = session_of(DP_ANCHOR, &second, 1);
	ref = put(&s);
	CU_ASSERT_EQUAL(slot_of(ref), 13 + 3);
	CU_ASSERT_EQUAL(count(prefix6_fd, 8), 0);
	s = session_of(DP_ANCHOR, &beyond, 1);
	ref = put(&s);
	CU_ASSERT_TRUE(slot_of(ref) > POOL);
	CU_ASSERT_EQUAL(hashed(&beyond), slot_of(ref));
	teardown();
}

static void test_framed(void)
{
	const struct prefix6 p = env_prefix("2001:db8:f00:10::/60");
	const struct prefix6 longer = env_prefix("2001:db8:f00:10::1/128");
	struct pm_framed_key key = {.prefix_len = 60};
	struct pm_framed value;
	struct dp_session s;
	dp_ref ref, none = 0;

	setup();
	s = session_of(DP_ANCHOR, &p, 1);
	ref = put(&s);
	memcpy(key.addr, &p.addr, sizeof(key.addr));
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(framed_fd, &key, &value), 0);
	CU_ASSERT_EQUAL(value.slot, slot_of(ref));
	CU_ASSERT_EQUAL(value.prefix_len, 60);
	CU_ASSERT_EQUAL(count(prefix6_fd, 8), 0);
	d->ops->session_del(d, ref);
	CU_ASSERT_NOT_EQUAL(bpf_map_lookup_elem(framed_fd, &key, &value), 0);
	s = session_of(DP_ANCHOR, &longer, 1);
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &none), -EINVAL);
	teardown();
}

static void test_reuse(void)
{
	struct prefix6 p = prefix(1);
	uint32_t first, used[STATICS + 1];
	struct dp_session s;
	uint16_t gen;
	dp_ref ref;

	setup();
	s = session_of(DP_ANCHOR, &p, 1);
	ref = put(&s);
	first = slot_of(ref);
	gen = session[first].generation;
	d->ops->session_del(d, ref);
	CU_ASSERT_EQUAL(session[first].desc, PM_DESC(0, 0, gen + 1));
	/* every other slot is used before this one comes again */
	for (unsigned i = 0; i < STATICS; i++) {
		p = prefix(2 + i);
		s = session_of(DP_ANCHOR, &p, 1);
		ref = put(&s);
		used[i] = slot_of(ref);
		CU_ASSERT_EQUAL(used[i] == first, i == STATICS - 1);
	}
	CU_ASSERT_EQUAL(session[first].generation, gen + 1);
	CU_ASSERT_EQUAL(session[first].flags, PM_F_VALID | PM_F_ANCHORED);
	teardown();
}

static void test_nothing_half_done(void)
{
	struct prefix6 p[STATICS];
	dp_ref ref[2], none = 0;
	struct pm_session *before = malloc((1 + POOL + STATICS) * sizeof(*before));
	size_t size = (1 + POOL + STATICS) * sizeof(*before);
	unsigned valid = 0;
	struct dp_session s;

	setup();
	for (unsigned i = 0; i < STATICS; i++)
		p[i] = prefix(i);
	s = session_of(DP_ANCHOR, p, 12);
	ref[0] = put(&s);
	s = session_of(DP_ANCHOR, p + 12, 10);
	ref[1] = put(&s);
	memcpy(before, session, size);
	/* three more are wanted, two are free */
	p[0] = prefix(100);
	p[1] = prefix(101);
	p[2] = prefix(102);
	s = session_of(DP_ANCHOR, p, 3);
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &none), -ENOSPC);
	CU_ASSERT_EQUAL(none, 0);
	s.mode = DP_DROP;
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &ref[1]), -ENOSPC);
	CU_ASSERT_EQUAL(count(prefix6_fd, 8), 22);
	for (unsigned i = 0; i < 1 + POOL + STATICS; i++) {
		if (PM_DESC_FLAGS(before[i].desc) & PM_F_VALID) {
			CU_ASSERT_EQUAL(memcmp(&before[i], &session[i], sizeof(before[i])), 0);
			valid++;
		} else {
			CU_ASSERT_EQUAL(PM_DESC_FLAGS(session[i].desc), 0);
		}
	}
	CU_ASSERT_EQUAL(valid, 22);
	/* and two of them fit */
	s = session_of(DP_ANCHOR, p, 2);
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &none), 0);
	free(before);
	teardown();
}

static void test_stats(void)
{
	struct prefix6 p[2] = {prefix(1), prefix(2)};
	struct dp_session s;
	struct dp_stats sum = {0};
	struct pm_session e;
	uint32_t slot;
	dp_ref ref;
	int fd;

	setup();
	fd = env_pin(dp, "pm_session");
	s = session_of(DP_ANCHOR, p, 2);
	ref = put(&s);
	for (unsigned i = 0; i < 2; i++) {
		slot = hashed(&p[i]);
		e = session[slot];
		e.down_packets = 3;
		e.down_bytes = 300;
		e.up_packets = 1 + i;
		e.up_bytes = 100;
		CU_ASSERT_EQUAL(bpf_map_update_elem(fd, &slot, &e, BPF_ANY), 0);
	}
	CU_ASSERT_EQUAL(d->ops->session_stats(d, ref, &sum), 0);
	CU_ASSERT_EQUAL(sum.down_packets, 6);
	CU_ASSERT_EQUAL(sum.down_bytes, 600);
	CU_ASSERT_EQUAL(sum.up_packets, 3);
	CU_ASSERT_EQUAL(sum.up_bytes, 200);
	teardown();
}

/* ---- MN-IDs */

static uint32_t named(const char *id, size_t len)
{
	struct pm_mnid_key key = {{0}};
	uint32_t slot = 0;

	memcpy(key.id, id, len);
	return bpf_map_lookup_elem(mnid_fd, &key, &slot) == 0 ? slot : 0;
}

static void test_mnid(void)
{
	const struct prefix6 p[] = {prefix(1), prefix(2), prefix(3), prefix(4)};
	char id[200], digest[PM_MNID_KEY_LEN];
	uint64_t h = 0xcbf29ce484222325ull;
	struct dp_session s;
	dp_ref a, b, c, access;
	char hex[17];

	setup();
	s = session_of(DP_ANCHOR, &p[0], 1);
	a = put(&s);
	CU_ASSERT_EQUAL(named("mn1@example.com", 15), slot_of(a));
	/* a second session of the same node: the name finds the last one, then the other */
	s = session_of(DP_ANCHOR, &p[1], 1);
	b = put(&s);
	CU_ASSERT_EQUAL(named("mn1@example.com", 15), slot_of(b));
	s = access_in(L_LINK, &p[0], 1);
	access = put(&s);
	CU_ASSERT_EQUAL(named("mn1@example.com", 15), slot_of(a));
	d->ops->session_del(d, access);
	d->ops->session_del(d, b);
	CU_ASSERT_EQUAL(named("mn1@example.com", 15), slot_of(a));
	/* it gets another name, another prefix */
	s = session_of(DP_ANCHOR, &p[0], 1);
	s.mnid = (struct mnid){1, 3, (const uint8_t *)"new"};
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &a), 0);
	CU_ASSERT_EQUAL(named("mn1@example.com", 15), 0);
	CU_ASSERT_EQUAL(named("new", 3), slot_of(a));
	s.prefixes = &p[2];
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &a), 0);
	CU_ASSERT_EQUAL(named("new", 3), hashed(&p[2]));
	d->ops->session_del(d, a);
	CU_ASSERT_EQUAL(count(mnid_fd, PM_MNID_KEY_LEN), 0);

	/* a long one: its first octets, '~', the hash of all */
	memset(id, 'x', sizeof(id));
	s = session_of(DP_ANCHOR, &p[3], 1);
	s.mnid = (struct mnid){1, sizeof(id), (const uint8_t *)id};
	c = put(&s);
	for (size_t i = 0; i < sizeof(id); i++)
		h = (h ^ 'x') * 0x100000001b3ull;
	memset(digest, 'x', sizeof(digest));
	digest[sizeof(digest) - 17] = '~';
	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)h);
	memcpy(digest + sizeof(digest) - 16, hex, 16);
	CU_ASSERT_EQUAL(named(digest, sizeof(digest)), slot_of(c));
	d->ops->session_del(d, c);
	CU_ASSERT_EQUAL(count(mnid_fd, PM_MNID_KEY_LEN), 0);
	teardown();
}

/* ---- tunnels */

static void test_nexthop(void)
{
	struct dp_bpf_nexthop nh = {.valid = true,
				    .ifindex = 42,
				    .mtu = 1500,
				    .smac = {{2, 0, 0, 0, 1, 1}},
				    .dmac = {{2, 0, 0, 0, 1, 2}}};
	const struct pm_tunnel *t;
	uint32_t change;

	setup();
	t = &tunnel[mag[0]];
	CU_ASSERT_EQUAL(t->flags & 0xffff, PM_T_VALID);
	CU_ASSERT_EQUAL(d->ops->peer_mtu(d, mag[0]), 0);
	change = t->flags / PM_T_CHANGE;
	CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, mag[0], &nh), 0);
	CU_ASSERT_EQUAL(t->flags & 0xffff, PM_T_VALID | PM_T_NEXTHOP);
	CU_ASSERT_NOT_EQUAL(t->flags / PM_T_CHANGE, change);
	CU_ASSERT_EQUAL(t->ifindex, 42);
	CU_ASSERT_EQUAL(memcmp(t->smac, nh.smac.b, 6), 0);
	CU_ASSERT_EQUAL(memcmp(t->dmac, nh.dmac.b, 6), 0);
	CU_ASSERT_EQUAL(t->mtu, 1460);
	CU_ASSERT_EQUAL(t->encap, DP_ENCAP_IP);
	CU_ASSERT_EQUAL(d->ops->peer_mtu(d, mag[0]), 1460);
	CU_ASSERT_EQUAL(tunnel[mag[1]].flags & PM_T_NEXTHOP, 0);
	change = t->flags;
	CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, mag[0], &nh), 0);
	CU_ASSERT_EQUAL(t->flags, change);
	nh.valid = false;
	CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, mag[0], &nh), 0);
	CU_ASSERT_EQUAL(t->flags & 0xffff, PM_T_VALID);
	CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, 15, &nh), -ENOENT);
	teardown();
}

static void test_self(void)
{
	const struct in6_addr more = env_addr("2001:db8:11::1");
	const struct prefix6 p = prefix(1);
	struct pm_addr6 key;
	struct dp_session s;
	uint32_t slot, one;
	dp_ref a, l;

	setup();
	memcpy(key.addr, &more, sizeof(key.addr));
	CU_ASSERT_EQUAL(tunnel[self_peer].flags & PM_T_SELF, PM_T_SELF);
	CU_ASSERT_EQUAL(tunnel[mag[0]].flags & PM_T_SELF, 0);
	s = anchor_in(A_MAG0, &p, 1);
	a = put(&s);
	s = access_in(L_LINK, &p, 1);
	l = put(&s);
	slot = slot_of(a);
	check_slot(slot, A_MAG0, L_LINK);
	/* the MAG's address becomes one of ours: the node is here */
	CU_ASSERT_EQUAL(dp_bpf_local_add(dp, &more), 0);
	CU_ASSERT_EQUAL(dp_bpf_local_add(dp, &more), 0);
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(local_fd, &key, &one), 0);
	CU_ASSERT_EQUAL(tunnel[mag[0]].flags & PM_T_SELF, PM_T_SELF);
	check_slot(slot, A_SELF, L_LINK);
	dp_bpf_local_del(dp, &more);
	CU_ASSERT_NOT_EQUAL(bpf_map_lookup_elem(local_fd, &key, &one), 0);
	CU_ASSERT_EQUAL(tunnel[mag[0]].flags & PM_T_SELF, 0);
	check_slot(slot, A_MAG0, L_LINK);
	d->ops->session_del(d, a);
	d->ops->session_del(d, l);
	teardown();
}

static void test_peers_and_hooks(void)
{
	const struct prefix6 p = prefix(1);
	struct dp_session s;
	dp_ref a, gone, ref;
	unsigned fresh = 0;

	setup();
	gone = mag[0];
	CU_ASSERT_EQUAL(seen.added, 4);
	CU_ASSERT_EQUAL(peer("2001:db8:2::1", "2001:db8:11::1"), gone);
	CU_ASSERT_EQUAL(seen.added, 4);
	s = anchor_in(A_MAG0, &p, 1);
	a = put(&s);
	d->ops->peer_del(d, gone);
	CU_ASSERT_EQUAL(seen.deleted, 1);
	CU_ASSERT_EQUAL(seen.last, gone);
	CU_ASSERT_EQUAL(tunnel[gone].flags & PM_T_VALID, 0);
	/* an index that a session still names is not given to another peer */
	for (;;) {
		char remote[64];
		struct dp_peer e = {env_addr("2001:db8:2::1"), {{{0}}}, DP_ENCAP_IP};

		snprintf(remote, sizeof(remote), "2001:db8:77::%x", 1 + fresh);
		e.remote = env_addr(remote);
		if (d->ops->peer_put(d, &e, &ref))
			break;
		CU_ASSERT_NOT_EQUAL(ref, gone);
		fresh++;
	}
	CU_ASSERT_EQUAL(fresh, 12);
	d->ops->session_del(d, a);
	CU_ASSERT_EQUAL(peer("2001:db8:2::1", "2001:db8:88::1"), gone);
	teardown();
}

static void test_tunnel_mtu(void)
{
	struct dp_bpf_cfg cfg = {.instance = "mtu",
				 .roles = DP_BPF_MAG,
				 .max_sessions = 4,
				 .max_peers = 4,
				 .tunnel_mtu = 1400};
	struct dp_bpf_nexthop nh = {.valid = true, .ifindex = 42, .mtu = 1500};
	dp_ref ref;

	dp = env_dp(&cfg);
	d = dp_bpf_dataplane(dp);
	ref = peer("2001:db8:2::1", "2001:db8:11::1");
	CU_ASSERT_EQUAL(d->ops->peer_mtu(d, ref), 1400);
	dp_bpf_nexthop(dp, ref, &nh);
	CU_ASSERT_EQUAL(d->ops->peer_mtu(d, ref), 1400);
	nh.mtu = 1420;
	dp_bpf_nexthop(dp, ref, &nh);
	CU_ASSERT_EQUAL(d->ops->peer_mtu(d, ref), 1380);
	dp_bpf_free(&dp, true);
}

static void test_inspection(void)
{
	const struct prefix6 p[] = {prefix(1), prefix(2)};
	struct dp_bpf_session_info info;
	struct dp_session s;
	char want[160];
	dp_ref a, l;

	setup();
	s = anchor_in(A_DROP, p, 2);
	a = put(&s);
	CU_ASSERT_EQUAL(dp_bpf_session_info(dp, a, &info), 0);
	CU_ASSERT_EQUAL(info.desc, session[info.slot].desc);
	snprintf(want, sizeof(want), "tunnel %u up 0 gen 0 drop anchored", mag[0]);
	CU_ASSERT_STRING_EQUAL(info.text, want);
	d->ops->session_del(d, a);
	s = access_in(L_LOCAL, p, 1);
	l = put(&s);
	CU_ASSERT_EQUAL(dp_bpf_session_info(dp, l, &info), 0);
	snprintf(want, sizeof(want), "link 7 02:00:00:00:00:01 up %u gen 0 local-routing", lma);
	CU_ASSERT_STRING_EQUAL(info.text, want);
	d->ops->session_del(d, l);
	CU_ASSERT_EQUAL(dp_bpf_session_info(dp, l, &info), -ENOENT);
	teardown();
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"halves join to the same slot content in every order",			test_halves_join},
		{"halves of one prefix share its slot, which goes with the last",
		 test_halves_share_slot},
		{"a move changes the descriptor and nothing else, an equal put nothing",
		 test_move_is_one_store},
		{"RFC 5949 4.1 a node whose packets go elsewhere may still be on its link",
		 test_still_on_link},
		{"further prefixes are aliases that move with their primary",								      test_aliases},
		{"a pool's prefixes have their slot by index, without a hash entry",
		 test_pool_is_indexed},
		{"other prefix lengths go through the LPM, longer than /64 is refused",
		 test_framed},
		{"the slot freed last is reused last, with another generation",									test_reuse},
		{"a put that does not fit changes nothing",						    test_nothing_half_done},
		{"statistics sum the slots of a session",  test_stats},
		{"a node is found by its name, whatever its sessions do",									  test_mnid},
		{"a next hop is stored whole, with a new change count",test_nexthop},
		{"a peer at our own address means this node, also when that changes",			      test_self},
		{"peers are announced; an index in use is not handed out again",
		 test_peers_and_hooks},
		{"the tunnel MTU is the path's, limited by configuration",							   test_tunnel_mtu},
		{"a session can be described",		       test_inspection},
		{0								     }
	   };

	env_enter();
	return cu_main("dp_slots", tests, argc, argv);
}
