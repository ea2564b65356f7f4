/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What IPv4 addresses, keys and encapsulations become in the maps. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/util.h"
#include "dp_env.h"
#include "lib/cu.h"

#define STATICS 16
#define POOL	32

static struct dp_bpf *dp;
static struct dataplane *d;
static const struct pm_session *session; /* as the programs see them */
static const struct pm_keys *keys;
static const struct pm_tunnel *tunnel;
static int prefix6_fd, addr4_fd;
static dp_ref mag[2], plain, lma;

static const struct dp_bpf_cfg everything = {
	.instance = "keys",
	.roles = DP_BPF_LMA | DP_BPF_MAG,
	.max_sessions = STATICS,
	.pool_slots = POOL,
	.max_peers = 16,
	.ip4 = true,
	.ip4_outer = true,
	.gre = true,
};

static dp_ref peer(const char *local, const char *remote, enum dp_encap encap)
{
	const struct dp_peer p = {env_addr(local), env_addr(remote), encap};
	dp_ref ref = 0;

	CU_ASSERT_EQUAL_FATAL(d->ops->peer_put(d, &p, &ref), 0);
	return ref;
}

static void setup_as(const struct dp_bpf_cfg *cfg)
{
	dp = env_dp(cfg);
	d = dp_bpf_dataplane(dp);
	session = env_map(env_pin(dp, "pm_session"));
	keys = env_map(env_pin(dp, "pm_keys"));
	tunnel = env_map(env_pin(dp, "pm_tunnel"));
	prefix6_fd = env_pin(dp, "pm_prefix6");
	addr4_fd = env_pin(dp, "pm_addr4");
}

static void setup(void)
{
	setup_as(&everything);
	mag[0] = peer("2001:db8:2::1", "2001:db8:11::1", DP_ENCAP_GRE_KEY);
	mag[1] = peer("::ffff:192.0.2.1", "::ffff:198.51.100.1", DP_ENCAP_UDP_GRE_KEY);
	plain = peer("2001:db8:2::1", "2001:db8:11::1", DP_ENCAP_IP);
	lma = peer("2001:db8:2::1", "2001:db8:99::1", DP_ENCAP_GRE_KEY);
}

static void teardown(void)
{
	dp_bpf_free(&dp, true);
}

static struct prefix6 prefix(unsigned n)
{
	struct prefix6 p = env_prefix("2001:db8:f00::/64");

	p.addr.s6_addr[7] = (uint8_t)n;
	return p;
}

static struct prefix6 pool_prefix(unsigned n)
{
	struct prefix6 p = env_prefix("2001:db8:100::/64");

	p.addr.s6_addr[7] = (uint8_t)n;
	return p;
}

static struct in_addr addr4(uint32_t host)
{
	return (struct in_addr){htonl(host)};
}

static uint64_t word_of(const struct prefix6 *p)
{
	uint64_t be;

	memcpy(&be, &p->addr, sizeof(be));
	return be64toh(be);
}

static uint64_t owner(uint32_t slot)
{
	return be64toh(session[slot].prefix);
}

/* What a program would ask pm_prefix6 and pm_addr4. */
static uint32_t hashed(const struct prefix6 *p)
{
	uint64_t key = htobe64(word_of(p));
	uint32_t slot = 0;

	return bpf_map_lookup_elem(prefix6_fd, &key, &slot) == 0 ? slot : 0;
}

static uint32_t hashed4(uint16_t domain, uint32_t host)
{
	const struct pm_owner4 key = {htons(4), htons(domain), htonl(host)};
	uint32_t slot = 0;

	return bpf_map_lookup_elem(addr4_fd, &key, &slot) == 0 ? slot : 0;
}

static struct dp_session keyed(const struct prefix6 *p, unsigned n, dp_ref to)
{
	return (struct dp_session){
		.half = DP_ANCHOR,
		.mnid = {1,			    3, (const uint8_t *)"mn1"},
		.n_prefixes = n,
		.prefixes = p,
		.keyed = true,
		.down = {.kind = DP_TO_PEER, .peer = to, .key = 0x1234},
		.up = {.kind = DP_TO_ROUTE	  }
	   };
}

static dp_ref put(const struct dp_session *s)
{
	dp_ref ref = 0;

	CU_ASSERT_EQUAL_FATAL(d->ops->session_put(d, s, &ref), 0);
	return ref;
}

static void again(const struct dp_session *s, dp_ref ref)
{
	CU_ASSERT_EQUAL_FATAL(d->ops->session_put(d, s, &ref), 0);
}

static uint32_t key_of(dp_ref ref)
{
	uint32_t key = 0;

	CU_ASSERT_EQUAL(d->ops->session_key(d, ref, &key), 0);
	return key;
}

/* As bpf/lookup.h follows a slot; 0: it would refuse. */
static uint32_t follow(uint32_t slot)
{
	const struct pm_session *s = &session[slot], *to;

	if (!(s->flags & PM_F_VALID))
		return 0;
	if (!(s->flags & PM_F_ALIAS))
		return slot;
	to = &session[s->tunnel];
	if ((to->flags & (PM_F_VALID | PM_F_ALIAS)) != PM_F_VALID ||
	    to->generation != s->generation)
		return 0;
	return s->tunnel;
}

static union pm_key down_key(uint32_t slot)
{
	return keys[slot].down[session[slot].flags & PM_F_KEYS ? 1 : 0];
}

static union pm_key up_key(uint32_t slot)
{
	return keys[slot].up[session[slot].flags & PM_F_KEYS ? 1 : 0];
}

/* ---- IPv4 addresses */

static void test_addr4(void)
{
	const struct prefix6 p = prefix(1);
	struct dp_session s;
	uint32_t slot, slot4;
	dp_ref ref;

	setup();
	s = keyed(&p, 1, mag[0]);
	s.addr4 = addr4(0x0a010203);
	s.domain = 7;
	ref = put(&s);
	slot = hashed(&p);
	slot4 = hashed4(7, 0x0a010203);
	CU_ASSERT_NOT_EQUAL(slot, 0);
	CU_ASSERT_NOT_EQUAL(slot4, 0);
	CU_ASSERT_EQUAL(hashed4(0, 0x0a010203), 0);
	/* the prefix leads, the address follows; both know whose they are */
	CU_ASSERT_EQUAL(follow(slot), slot);
	CU_ASSERT_EQUAL(follow(slot4), slot);
	CU_ASSERT_EQUAL(owner(slot), word_of(&p));
	CU_ASSERT_EQUAL(owner(slot4), 0x000400070a010203);
	CU_ASSERT_EQUAL(session[slot].domain, 7);
	CU_ASSERT_EQUAL(key_of(ref), slot);
	/* IPv4 alone */
	s.n_prefixes = 0;
	again(&s, ref);
	CU_ASSERT_EQUAL(hashed(&p), 0);
	CU_ASSERT_EQUAL(hashed4(7, 0x0a010203), slot4);
	CU_ASSERT_EQUAL(follow(slot4), slot4);
	CU_ASSERT_EQUAL(session[slot4].domain, 7);
	CU_ASSERT_EQUAL(key_of(ref), slot);
	CU_ASSERT_EQUAL(follow(slot), slot4);
	d->ops->session_del(d, ref);
	CU_ASSERT_EQUAL(hashed4(7, 0x0a010203), 0);
	CU_ASSERT_EQUAL(follow(slot) | follow(slot4), 0);
	teardown();
}

static void test_pool4(void)
{
	const struct prefix6 pool = env_prefix("2001:db8:100::/44");
	struct pm_pool e;
	uint32_t at = 1;
	dp_ref a, b;
	struct dp_session s;

	setup();
	CU_ASSERT_EQUAL(d->ops->pool_put(d, &pool, 8), 0);
	CU_ASSERT_EQUAL(d->ops->pool4_put(d, 0, addr4(0x0a000000), 24, 8), 0);
	CU_ASSERT_EQUAL(d->ops->pool4_put(d, 3, addr4(0x0a000000), 30, 100), 0);
	CU_ASSERT_EQUAL(d->ops->pool4_put(d, 3, addr4(0x0a000000), 8, 100), -EBUSY);
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(env_pin(dp, "pm_pool"), &at, &e), 0);
	CU_ASSERT_EQUAL(be64toh(e.prefix), 0x000400000a000000);
	CU_ASSERT_EQUAL(be64toh(e.mask), 0xffffffffffffff00);
	CU_ASSERT_EQUAL(e.base, 9);
	CU_ASSERT_EQUAL(e.n, 8);
	at = 2;
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(env_pin(dp, "pm_pool"), &at, &e), 0);
	CU_ASSERT_EQUAL(be64toh(e.prefix), 0x000400030a000000);
	CU_ASSERT_EQUAL(e.base, 17);
	CU_ASSERT_EQUAL(e.n, 4); /* a /30 has no more */

	s = keyed(NULL, 0, mag[0]);
	s.addr4 = addr4(0x0a000002);
	a = put(&s);
	s.domain = 3;
	b = put(&s);
	CU_ASSERT_EQUAL(key_of(a), 9 + 2);
	CU_ASSERT_EQUAL(key_of(b), 17 + 2);
	CU_ASSERT_EQUAL(owner(9 + 2), 0x000400000a000002);
	CU_ASSERT_EQUAL(owner(17 + 2), 0x000400030a000002);
	CU_ASSERT_EQUAL(session[17 + 2].domain, 3);
	CU_ASSERT_EQUAL(hashed4(0, 0x0a000002) | hashed4(3, 0x0a000002), 0);
	teardown();
}

/* ---- keys of ours */

static void test_key_first(void)
{
	const struct prefix6 p = prefix(1);
	struct dp_session s;
	uint32_t key;
	dp_ref ref;

	setup();
	s = keyed(NULL, 0, mag[0]);
	ref = put(&s);
	key = key_of(ref);
	CU_ASSERT_TRUE(key > POOL);
	CU_ASSERT_EQUAL(owner(key), 0x0047000000000000 | key);
	CU_ASSERT_EQUAL(follow(key), key);
	CU_ASSERT_EQUAL(session[key].flags & (PM_F_VALID | PM_F_ANCHORED),
			session[key].flags & ~PM_F_KEYS);
	CU_ASSERT_EQUAL(down_key(key).key, 0x1234);
	/* its addresses come: they lead, the key follows */
	s.n_prefixes = 1;
	s.prefixes = &p;
	again(&s, ref);
	CU_ASSERT_EQUAL(key_of(ref), key);
	CU_ASSERT_NOT_EQUAL(hashed(&p), key);
	CU_ASSERT_EQUAL(follow(key), hashed(&p));
	CU_ASSERT_EQUAL(down_key(hashed(&p)).key, 0x1234);
	/* and go */
	s.n_prefixes = 0;
	again(&s, ref);
	CU_ASSERT_EQUAL(follow(key), key);
	CU_ASSERT_EQUAL(down_key(key).key, 0x1234);
	CU_ASSERT_EQUAL(hashed(&p), 0);
	d->ops->session_del(d, ref);
	CU_ASSERT_EQUAL(follow(key), 0);
	teardown();
}

/* The slot of an address is the key, and the address goes. */
static void test_key_outlives_address(void)
{
	const struct prefix6 pool = env_prefix("2001:db8:100::/44");
	const struct prefix6 p[] = {pool_prefix(5), prefix(1), pool_prefix(6)};
	struct dp_session s;
	dp_ref ref, other = 0;
	uint32_t key, slot;

	setup();
	CU_ASSERT_EQUAL(d->ops->pool_put(d, &pool, 16), 0);
	s = keyed(p, 2, mag[0]);
	ref = put(&s);
	key = key_of(ref);
	CU_ASSERT_EQUAL(key, 1 + 5);
	s = keyed(p + 1, 1, mag[0]);
	again(&s, ref);
	slot = hashed(&p[1]);
	CU_ASSERT_EQUAL(follow(slot), slot);
	CU_ASSERT_EQUAL(follow(key), slot);
	CU_ASSERT_EQUAL(owner(key), 0x0047000000000000 | key);
	/* that place is taken as long as the key is in use */
	s = keyed(p, 1, mag[0]);
	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &other), -EBUSY);
	s = keyed(p + 2, 1, mag[0]);
	other = put(&s);
	CU_ASSERT_EQUAL(key_of(other), 1 + 6);
	/* but free for its own session, which finds it where it was */
	s = keyed(p, 1, mag[0]);
	again(&s, ref);
	CU_ASSERT_EQUAL(key_of(ref), key);
	CU_ASSERT_EQUAL(follow(key), key);
	CU_ASSERT_EQUAL(owner(key), word_of(&p[0]));
	CU_ASSERT_EQUAL(follow(slot), 0);
	/* a session that needs no key any more gives the place back */
	s = keyed(p + 1, 1, mag[0]);
	again(&s, ref);
	s.keyed = false;
	s.down.peer = plain;
	again(&s, ref);
	CU_ASSERT_EQUAL(follow(key), 0);
	s = keyed(p, 1, mag[0]);
	other = put(&s);
	CU_ASSERT_EQUAL(key_of(other), key);
	CU_ASSERT_EQUAL(owner(key), word_of(&p[0]));
	teardown();
}

static void test_key_of_two_halves(void)
{
	const struct prefix6 p[] = {prefix(1), prefix(2)};
	struct dp_session anchor, access;
	uint32_t key, slot;
	dp_ref a, l;

	setup();
	anchor = keyed(p, 2, mag[0]);
	a = put(&anchor);
	access = keyed(NULL, 0, lma);
	access.half = DP_ACCESS;
	access.down =
		(struct dp_path){.kind = DP_TO_LINK, .ifindex = 7, .mac = {{2, 0, 0, 0, 0, 1}}};
	access.up = (struct dp_path){.kind = DP_TO_PEER, .peer = lma, .key = 0x99};
	l = put(&access);
	key = key_of(l);
	CU_ASSERT_NOT_EQUAL(key, key_of(a));
	CU_ASSERT_EQUAL(up_key(key).key, 0x99);
	/* the access half gets the anchor's prefixes: its key leads to where they lead */
	access.n_prefixes = 2;
	access.prefixes = p;
	again(&access, l);
	slot = hashed(&p[0]);
	CU_ASSERT_EQUAL(key_of(l), key);
	CU_ASSERT_EQUAL(follow(key), slot);
	CU_ASSERT_EQUAL(follow(key_of(a)), slot);
	/* the anchor's goes */
	d->ops->session_del(d, a);
	CU_ASSERT_EQUAL(follow(key), slot);
	CU_ASSERT_EQUAL(up_key(slot).key, 0x99);
	/* an address that is the key of one half and the other's cannot be given up alone */
	a = put(&anchor);
	CU_ASSERT_EQUAL(key_of(a), slot);
	anchor.prefixes = p + 1;
	anchor.n_prefixes = 1;
	CU_ASSERT_EQUAL(d->ops->session_put(d, &anchor, &a), -EBUSY);
	CU_ASSERT_EQUAL(follow(slot), slot);
	CU_ASSERT_EQUAL(hashed(&p[0]), slot);
	d->ops->session_del(d, l);
	CU_ASSERT_EQUAL(d->ops->session_put(d, &anchor, &a), 0);
	CU_ASSERT_EQUAL(follow(slot), hashed(&p[1]));
	CU_ASSERT_EQUAL(hashed(&p[0]), 0);
	teardown();
}

/* ---- keys of peers */

static void test_keys_turn(void)
{
	const struct prefix6 p[] = {prefix(1), prefix(2)};
	struct dp_path to = {.kind = DP_TO_PEER};
	union pm_key was;
	struct dp_session s;
	uint32_t slot;
	uint64_t desc;
	dp_ref ref;

	setup();
	s = keyed(p, 2, mag[0]);
	s.up = (struct dp_path){.kind = DP_TO_PEER, .peer = lma, .key = 0x77};
	ref = put(&s);
	slot = hashed(&p[0]);
	CU_ASSERT_EQUAL(down_key(slot).key, 0x1234);
	CU_ASSERT_EQUAL(up_key(slot).key, 0x77);
	/* other tunnel, other key: the old one stays as it was, for who still reads it */
	for (uint32_t i = 1; i < 6; i++) {
		was = down_key(slot);
		desc = session[slot].desc;
		to.peer = mag[i & 1];
		to.key = 0x1234 + i;
		CU_ASSERT_EQUAL(d->ops->session_move(d, ref, &to), 0);
		CU_ASSERT_EQUAL((session[slot].desc ^ desc) >> 32, PM_F_KEYS);
		CU_ASSERT_EQUAL(session[slot].tunnel, mag[i & 1]);
		CU_ASSERT_EQUAL(down_key(slot).key, 0x1234 + i);
		CU_ASSERT_EQUAL(up_key(slot).key, 0x77);
		CU_ASSERT_EQUAL(down_key(slot).tunnel, mag[i & 1]);
		CU_ASSERT_EQUAL(keys[slot].down[desc >> 32 & PM_F_KEYS ? 1 : 0].word, was.word);
	}
	/* the same once more changes nothing; the same key elsewhere is another */
	desc = session[slot].desc;
	CU_ASSERT_EQUAL(d->ops->session_move(d, ref, &to), 0);
	CU_ASSERT_EQUAL(session[slot].desc, desc);
	to.peer = mag[0];
	CU_ASSERT_EQUAL(d->ops->session_move(d, ref, &to), 0);
	CU_ASSERT_EQUAL((session[slot].desc ^ desc) >> 32, PM_F_KEYS);
	CU_ASSERT_EQUAL(up_key(slot).tunnel, lma);
	/* a tunnel without keys needs none */
	to.peer = plain;
	CU_ASSERT_EQUAL(d->ops->session_move(d, ref, &to), 0);
	CU_ASSERT_EQUAL(down_key(slot).key, 0);
	d->ops->session_del(d, ref);
	/* whoever has the slot next starts without */
	for (unsigned i = 0; i < STATICS; i++) {
		struct prefix6 other = prefix(10 + i);

		s = keyed(&other, 1, plain);
		s.keyed = false;
		put(&s);
	}
	CU_ASSERT_EQUAL(session[slot].flags, PM_F_VALID | PM_F_ANCHORED);
	CU_ASSERT_EQUAL(keys[slot].down[0].word | keys[slot].down[1].word, 0);
	CU_ASSERT_EQUAL(keys[slot].up[0].word | keys[slot].up[1].word, 0);
	teardown();
}

/* ---- tunnels */

static void test_encapsulations(void)
{
	static const struct {
		bool ip4;
		enum dp_encap encap;
		uint16_t inner; /* of a path of 1500 octets: headers of RFC 8200, 791, 2784, 2890,
				 * 768, 5845 7.2 taken off */
	} row[] = {
		{false, DP_ENCAP_IP,	     1460},
		 {false, DP_ENCAP_GRE,	       1456},
		{false, DP_ENCAP_GRE_KEY,	  1452},
		 {true,	DP_ENCAP_IP,	     1480},
		{true,  DP_ENCAP_GRE,	     1476},
		 {true,	DP_ENCAP_GRE_KEY,	  1472},
		{true,  DP_ENCAP_UDP,	     1472},
		 {true,	DP_ENCAP_UDP_TLV,	  1468},
		{true,  DP_ENCAP_UDP_GRE,	 1464},
		 {true,	DP_ENCAP_UDP_GRE_KEY, 1460},
	};
	const struct dp_bpf_nexthop nh = {.valid = true, .ifindex = 42, .mtu = 1500};
	struct dp_bpf_cfg cfg = everything;

	for (int fixed = 0; fixed < 2; fixed++) {
		cfg.udp_fixed_port = fixed;
		setup_as(&cfg);
		for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
			dp_ref ref =
				row[i].ip4 ? peer("::ffff:192.0.2.1", "::ffff:198.51.100.9",
						  row[i].encap)
					   : peer("2001:db8:2::1", "2001:db8:11::1", row[i].encap);
			const struct pm_tunnel *t = &tunnel[ref];
			bool udp = row[i].encap >= DP_ENCAP_UDP;
			uint16_t w[4] = {htons(0xc000), htons(0x0201), htons(0xc633),
					 htons(0x6409)};

			CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, ref, &nh), 0);
			CU_ASSERT_EQUAL(t->encap, row[i].encap);
			CU_ASSERT_EQUAL(t->mtu, row[i].inner);
			CU_ASSERT_EQUAL(d->ops->peer_mtu(d, ref), row[i].inner);
			CU_ASSERT_EQUAL(!!(t->flags & PM_T_IP4), row[i].ip4);
			CU_ASSERT_EQUAL(!!(t->flags & PM_T_UDP_FIXED), fixed && udp);
			CU_ASSERT_EQUAL(t->sum4,
					row[i].ip4 ? (uint32_t)w[0] + w[1] + w[2] + w[3] : 0);
			CU_ASSERT_EQUAL(!memcmp(t->remote,
						"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\x09", 16),
					row[i].ip4);
		}
		teardown();
	}
}

static void test_ip4_local(void)
{
	const struct in6_addr ours = env_addr("::ffff:192.0.2.1");
	struct pm_addr6 key;
	uint32_t one = 0;
	dp_ref self;

	setup();
	CU_ASSERT_EQUAL(dp_bpf_local_add(dp, &ours), 0);
	memcpy(key.addr, &ours, sizeof(key.addr));
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(env_pin(dp, "pm_local"), &key, &one), 0);
	self = peer("::ffff:192.0.2.1", "::ffff:192.0.2.1", DP_ENCAP_UDP);
	CU_ASSERT_TRUE(tunnel[self].flags & PM_T_SELF);
	CU_ASSERT_FALSE(tunnel[mag[1]].flags & PM_T_SELF);
	teardown();
}

/* ---- what is not asked for */

static void test_off(void)
{
	const struct {
		bool ip4_outer, gre;
		int ip6_gre, ip4_ip, ip4_udp, ip4_udp_gre;
	} row[] = {
		{false, false, -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP},
		{true,  false, -EOPNOTSUPP, 0,	      0,		 -EOPNOTSUPP},
		{false, true,  0,		 -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP},
	};
	const struct prefix6 p = prefix(1);

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct dp_peer six = {env_addr("2001:db8:2::1"), env_addr("2001:db8:11::1"),
				      DP_ENCAP_GRE};
		struct dp_peer four = {env_addr("::ffff:192.0.2.1"),
				       env_addr("::ffff:198.51.100.9"), DP_ENCAP_IP};
		struct dp_bpf_cfg cfg = everything;
		struct dp_session s;
		dp_ref ref = 0;

		cfg.ip4 = false;
		cfg.ip4_outer = row[i].ip4_outer;
		cfg.gre = row[i].gre;
		setup_as(&cfg);
		CU_ASSERT_EQUAL(d->ops->peer_put(d, &six, &ref), row[i].ip6_gre);
		CU_ASSERT_EQUAL(d->ops->peer_put(d, &four, &ref), row[i].ip4_ip);
		four.encap = DP_ENCAP_UDP;
		CU_ASSERT_EQUAL(d->ops->peer_put(d, &four, &ref), row[i].ip4_udp);
		four.encap = DP_ENCAP_UDP_GRE;
		CU_ASSERT_EQUAL(d->ops->peer_put(d, &four, &ref), row[i].ip4_udp_gre);
		six.encap = DP_ENCAP_IP;
		CU_ASSERT_EQUAL(d->ops->peer_put(d, &six, &plain), 0);
		ref = 0;
		s = keyed(&p, 1, plain);
		CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &ref), row[i].gre ? 0 : -EOPNOTSUPP);
		ref = 0;
		s.keyed = false;
		s.n_prefixes = 0;
		s.addr4 = addr4(0x0a000001);
		CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &ref), -EOPNOTSUPP);
		CU_ASSERT_EQUAL(ref, 0);
		teardown();
	}
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"an IPv4 address has a slot that follows the prefix's, and leads when alone", test_addr4},
		{"pools of IPv4 addresses are indexed, each domain's apart", test_pool4},
		{"a key that came before the addresses leads to wherever they are", test_key_first},
		{"a key outlives the address whose slot it is, and gives it back", test_key_outlives_address},
		{"each half has its key, and neither takes the other's address", test_key_of_two_halves},
		{"RFC 5845 3.3 a peer's key changes with the tunnel, in one store", test_keys_turn},
		{"every encapsulation: family, inner MTU, checksum, port", test_encapsulations},
		{"an IPv4 address of ours is IPv4-mapped", test_ip4_local},
		{"what the programs are not made for is refused", test_off},
		{0}
	};
	// clang-format on

	env_enter();
	return cu_main("dp_keys", tests, argc, argv);
}
