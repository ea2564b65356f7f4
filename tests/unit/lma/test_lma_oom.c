/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory runs out at each allocation that a request makes, in turn: the reply is 130, and cache,
 * pools, tunnels and data plane still agree. The data plane here keeps next to nothing and
 * allocates nothing, so that all failures are the LMA's own.
 */
#include "unit/lma/lma_harness.h"

#include <errno.h>

#include "lib/oom.h"
#include "store/store_fake.h"

#define LEFT 4 /* records of leave_two() */

static struct {
	unsigned peers, sessions;
	bool refuses; /* session_put() fails once */
	bool keyed;
} plane;

static int put_pool(struct dataplane *dp, const struct prefix6 *p, uint32_t n)
{
	return 0;
}
static int put_pool4(struct dataplane *dp, uint16_t domain, struct in_addr aggregate, uint8_t len,
		     uint32_t n)
{
	return 0;
}
static int put_peer(struct dataplane *dp, const struct dp_peer *p, dp_ref *out)
{
	static dp_ref last;

	plane.peers++;
	*out = ++last;
	return 0;
}
static void del_peer(struct dataplane *dp, dp_ref ref)
{
	plane.peers--;
}
static int put_session(struct dataplane *dp, const struct dp_session *s, dp_ref *ref)
{
	if (plane.refuses) {
		plane.refuses = false;
		return -ENOSPC;
	}
	plane.sessions += !*ref;
	plane.keyed = s->keyed;
	*ref = 1;
	return 0;
}
static void del_session(struct dataplane *dp, dp_ref ref)
{
	plane.sessions--;
}
static int move_session(struct dataplane *dp, dp_ref ref, const struct dp_path *down)
{
	return 0;
}
static int set_mode(struct dataplane *dp, dp_ref ref, enum dp_mode mode)
{
	return 0;
}
static int get_key(struct dataplane *dp, dp_ref ref, uint32_t *key)
{
	*key = 1;
	return plane.keyed ? 0 : -ENOENT;
}

static struct dataplane *plane_new(void)
{
	static const struct dataplane_ops ops = {
		.pool_put = put_pool,
		.pool4_put = put_pool4,
		.peer_put = put_peer,
		.peer_del = del_peer,
		.session_put = put_session,
		.session_del = del_session,
		.session_move = move_session,
		.session_mode = set_mode,
		.session_key = get_key,
	};
	static struct dataplane dp = {.ops = &ops};

	memset(&plane, 0, sizeof(plane));
	return &dp;
}

struct sum {
	unsigned n6, n4, n_tunnels;
	dp_ref tunnel;
};

static void add_up(void *ctx, const struct lma_binding *b)
{
	struct sum *s = ctx;

	s->n6 += b->n_prefixes;
	s->n4 += home4_is_set(&b->home4);
	s->n_tunnels += b->tunnel != s->tunnel; /* at most two bindings here */
	s->tunnel = b->tunnel;
}

static void check_agreement(struct bed *b)
{
	struct sum s = {0};

	lma_walk(b->l, b->now, add_up, &s);
	CU_ASSERT_EQUAL(bed_used6(b), s.n6);
	CU_ASSERT_EQUAL(bed_used4(b), s.n4);
	CU_ASSERT_EQUAL(plane.sessions, lma_count(b->l));
	CU_ASSERT_EQUAL(plane.peers, s.n_tunnels);
}

/* The n-th allocation of the LMA and all later ones fail, unless n is 0; true when that came. */
static bool send_starved(struct bed *b, const struct pbu *p, unsigned n)
{
	static struct mh_msg msg;
	uint8_t buf[MH_MAX_LEN];
	const int len = pbu_encode(p, buf);
	const struct packet pkt = {.src = p->src, .dst = p->dst, .data = buf, .len = (size_t)len};
	bool came;

	CU_ASSERT_EQUAL_FATAL(mh_decode(&msg, buf, (size_t)len, &p->src, &p->dst), MH_OK);
	b->n_sent = 0;
	oom.calls = 0;
	oom.left = n;
	lma_receive(b->l, &pkt, &msg, b->now);
	came = n && oom.calls >= n;
	oom.now = false;
	oom.left = 0;
	CU_ASSERT(b->n_sent > 0);
	return came;
}

/* The request that `make` makes, for a node with a session, at each shortage. */
static void starve(bool dual, bool refuses, struct pbu (*make)(struct bed *b))
{
	unsigned n = 0, failed = 0, lost = 0;
	bool came = true;

	while (came) {
		struct profiles profiles;
		struct bed b;
		struct pbu p;

		n++;
		bed_init(&b);
		bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true});
		b.cfg.gre = LMA_GRE_ACCEPT;
		profiles = profile_table_profiles(b.profiles);
		tunnels_free(&b.tunnels);
		CU_ASSERT_EQUAL_FATAL(tunnels_new(&b.tunnels, plane_new()), 0);
		CU_ASSERT_EQUAL_FATAL(
			lma_new(&b.l, &b.cfg, &b.env, plane_new(), b.tunnels, &profiles, &b.sink),
			0);
		if (dual)
			bed_attach_dual(&b, MAG1);
		else
			bed_attach(&b, MAG1);
		check_agreement(&b);
		p = make(&b);
		plane.refuses = refuses;
		came = send_starved(&b, &p, n);
		/* a hash table that cannot grow is slower and works */
		if (refuses || !came)
			CU_ASSERT_EQUAL(b.pba.ba.status,
					refuses ? PBA_INSUFFICIENT_RESOURCES : PBA_ACCEPTED);
		CU_ASSERT(b.pba.ba.status == PBA_ACCEPTED ||
			  b.pba.ba.status == PBA_INSUFFICIENT_RESOURCES);
		failed += b.pba.ba.status == PBA_INSUFFICIENT_RESOURCES;
		check_agreement(&b);
		/* it works as soon as there is memory, also when the session had to go */
		plane.refuses = false;
		pbu_again(&b, &p);
		if (p.lifetime && lma_count(b.l)) {
			send_starved(&b, &p, 0);
			CU_ASSERT_EQUAL(b.pba.ba.status, PBA_ACCEPTED);
			check_agreement(&b);
		}
		CU_ASSERT_EQUAL(bed_counter(&b, "unexpected_events"), 0);
		lost += bed_counter(&b, "lost");
		lma_free(&b.l);
		CU_ASSERT_EQUAL(plane.peers + plane.sessions, 0);
		bed_down(&b);
		CU_ASSERT_FATAL(n < 100);
	}
	CU_ASSERT(failed > 0);
	/* only where the data plane refuses and then there is no memory to undo it */
	CU_ASSERT_EQUAL(lost > 0, refuses);
}

static struct pbu second_node(struct bed *b)
{
	struct pbu p = pbu(b, MAG1);

	p.mnid = "mn1@example.com";
	p.llid[5] = 2;
	p.hi = HI_NEW_INTERFACE;
	p.llid_len = 20; /* one that is kept outside of the entry */
	pbu_ask4(&p, "0.0.0.0");
	pbu_key(&p, 7);
	return p;
}

static struct pbu add4_at_handoff(struct bed *b)
{
	struct pbu p = pbu(b, MAG2);

	p.hi = HI_BETWEEN_MAGS;
	pbu_ask4(&p, "0.0.0.0");
	pbu_key(&p, 7);
	return p;
}

static struct pbu drop6_at_handoff(struct bed *b)
{
	struct pbu p = pbu(b, MAG2);

	p.hi = HI_BETWEEN_MAGS;
	p.n_hnp = 0;
	pbu_ask4(&p, "0.0.0.0");
	return p;
}

static struct pbu release4(struct bed *b)
{
	struct pbu p = pbu(b, MAG1);

	p.lifetime = 0;
	p.n_hnp = 0;
	pbu_ask4(&p, "10.0.0.2");
	return p;
}

/* Another interface waits for the session, and wants no prefixes. */
static struct pbu let_go_held(struct bed *b)
{
	struct pbu p = pbu(b, MAG2);

	p.llid[5] = 9;
	p.n_hnp = 0;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(b, &p), NO_REPLY);
	p = pbu(b, MAG1);
	p.lifetime = 0;
	pbu_prefix(&p, "2001:db8:100::/64");
	pbu_ask4(&p, "10.0.0.2");
	return p;
}

static void test_held(void)
{
	starve(true, false, let_go_held);
	starve(true, true, let_go_held);
}

static void test_create(void)
{
	starve(true, false, second_node);
}

static void test_add(void)
{
	starve(false, false, add4_at_handoff);
	starve(false, true, add4_at_handoff);
}

static void test_swap(void)
{
	starve(false, false, drop6_at_handoff);
	starve(false, true, drop6_at_handoff);
}

static void test_drop(void)
{
	starve(true, false, drop6_at_handoff);
	starve(true, true, drop6_at_handoff);
}

static void test_release(void)
{
	starve(true, false, release4);
	starve(true, true, release4);
}

/* ---- what an earlier LMA had */

struct restoring {
	struct bed *b;
	struct store *st;
	unsigned dropped;
};

static int restore_one(void *ctx, const struct store_record *rec)
{
	struct restoring *r = ctx;
	const int use = lma_restore(r->b->l, rec, r->b->now);

	r->dropped += use == STORE_DROP;
	return use;
}

static void begin_again(struct restoring *r, struct store_fake *disk)
{
	const struct store_cfg window = {.window_ms = 100};
	const struct profiles profiles = profile_table_profiles(r->b->profiles);
	struct bed *b = r->b;

	tunnels_free(&b->tunnels);
	CU_ASSERT_EQUAL_FATAL(tunnels_new(&b->tunnels, plane_new()), 0);
	CU_ASSERT_EQUAL_FATAL(
		lma_new(&b->l, &b->cfg, &b->env, plane_new(), b->tunnels, &profiles, &b->sink), 0);
	CU_ASSERT_EQUAL_FATAL(store_new(&r->st, store_fake_backend(disk), &window), 0);
	lma_set_store(b->l, r->st);
}

static void end_it(struct restoring *r)
{
	lma_free(&r->b->l);
	store_free(&r->st);
	CU_ASSERT_EQUAL(plane.peers + plane.sessions, 0);
}

/* Two bindings, the second with keys and all that is kept outside of an entry; the first is being
 * revoked, and all of its MAG's are, and a MAG that one has left is to be told. */
static void leave_two(struct restoring *r, struct store_fake *disk)
{
	struct prefix6 first;
	const struct lma_revoke_order o = {
		.id = {MNID_NAI, 15, (const uint8_t *)"mn1@example.com"},
		.prefix = &first,
		.trigger = BR_ADMINISTRATIVE,
	};
	struct pbu p;

	begin_again(r, disk);
	bed_attach_dual(r->b, MAG1);
	first = bed_hnp(r->b);
	p = second_node(r->b);
	CU_ASSERT_EQUAL_FATAL(bed_send(r->b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL_FATAL(lma_count(r->b->l), 2);
	p.src = r->b->mags[MAG2].addr;
	p.hi = HI_BETWEEN_MAGS;
	pbu_again(r->b, &p);
	CU_ASSERT_EQUAL_FATAL(bed_send(r->b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL_FATAL(lma_revoke(r->b->l, &o, r->b->now), 1);
	CU_ASSERT_EQUAL_FATAL(lma_revoke_all(r->b->l, "mag2", NULL, r->b->now), 1);
	CU_ASSERT_TRUE_FATAL(store_drain(r->st, r->b->now));
	end_it(r);
	CU_ASSERT_EQUAL_FATAL(store_fake_count(disk), LEFT);
}

static void add_revoking(void *ctx, const struct lma_binding *b)
{
	*(unsigned *)ctx += !strcmp(b->state, "REVOKING");
}

static unsigned revoking(const struct bed *b)
{
	unsigned n = 0;

	lma_walk(b->l, b->now, add_revoking, &n);
	return n;
}

static bool has_peers(const struct bed *b, const struct in6_addr *in, const struct in6_addr *out)
{
	struct heartbeat_info info;
	const struct mh_msg bri = {
		.type = MH_BINDING_REVOCATION,
		.br = {.type = BR_INDICATION, .flags = MH_BR_P},
	};
	const struct packet from_in = {*in, b->cfg.addrs[0], NULL, 0, 0};
	const struct packet from_out = {*out, b->cfg.addrs[0], NULL, 0, 0};

	return heartbeat_info(b->l->heartbeat, in, &info) &&
	       !heartbeat_info(b->l->heartbeat, out, &info) &&
	       revocation_receive(b->l->revocation, &from_in, &bri, b->now) &&
	       !revocation_receive(b->l->revocation, &from_out, &bri, b->now);
}

/* Heartbeats and revocations have the same peers, whatever fails. */
static void test_peers(void)
{
	unsigned n = 0, failed = 0;
	bool came = true;

	while (came) {
		struct lma_cfg cfg;
		struct profiles profiles;
		const char *why = NULL;
		struct bed b;
		int err;

		n++;
		bed_init(&b);
		b.cfg.n_mags = 2;
		bed_start(&b);
		cfg = b.cfg;
		cfg.mags = b.mags + 1;
		cfg.n_mags = N_MAGS - 1;
		profiles = profile_table_profiles(b.profiles);
		CU_ASSERT(has_peers(&b, &b.mags[MAG1].addr, &b.mags[MAG3].addr));
		oom.calls = 0;
		oom.left = n;
		err = lma_reload(b.l, &cfg, &profiles, &why, b.now);
		came = oom.calls >= n;
		oom.now = false;
		oom.left = 0;
		CU_ASSERT(err == (came ? -ENOMEM : 0));
		CU_ASSERT(has_peers(&b, &b.mags[err ? MAG1 : MAG3].addr,
				    &b.mags[err ? MAG3 : MAG1].addr));
		failed += err != 0;
		bed_down(&b);
		CU_ASSERT_FATAL(n < 100);
	}
	CU_ASSERT(failed > 6);
}

/* Nothing is dropped for want of memory: the start ends, and the next one has all. */
static void test_restore(void)
{
	unsigned n = 0, failed = 0;
	bool came = true;

	while (came) {
		struct store_fake *disk;
		struct bed b;
		struct restoring r = {.b = &b};
		int err;

		n++;
		bed_init(&b);
		bed_add_profile(&b, "mn1@example.com", (struct profile){.ipv4 = true});
		b.cfg.gre = LMA_GRE_ACCEPT;
		b.cfg.binding_revocation = true;
		CU_ASSERT_EQUAL_FATAL(store_fake_new(&disk), 0);
		leave_two(&r, disk);
		begin_again(&r, disk);
		oom.calls = 0;
		oom.left = n;
		err = store_load(r.st, restore_one, &r);
		came = oom.calls >= n;
		oom.now = false;
		oom.left = 0;
		CU_ASSERT(err == 0 || (came && err == -ENOMEM));
		CU_ASSERT_EQUAL(r.dropped, 0);
		check_agreement(&b);
		failed += err != 0;
		if (err) {
			end_it(&r);
			CU_ASSERT_EQUAL(store_fake_count(disk), LEFT);
			begin_again(&r, disk);
			CU_ASSERT_EQUAL(store_load(r.st, restore_one, &r), 0);
		}
		CU_ASSERT_EQUAL(lma_count(b.l), 2);
		check_agreement(&b);
		CU_ASSERT_EQUAL(bed_counter(&b, "unexpected_events"), 0);
		CU_ASSERT_EQUAL(revoking(&b), 1);
		CU_ASSERT_EQUAL(b.l->n_owed, 1);
		CU_ASSERT_PTR_NOT_NULL(b.l->globals);
		CU_ASSERT_TRUE(store_drain(r.st, b.now));
		CU_ASSERT_EQUAL(store_fake_count(disk), LEFT);
		end_it(&r);
		store_fake_free(&disk);
		bed_down(&b);
		CU_ASSERT_FATAL(n < 100);
	}
	CU_ASSERT(failed > 4);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"V-8 a session of both families without memory: 130, nothing is kept", test_create},
		{"V-9 adding a family without memory: 130, and all agrees", test_add},
		{"V-9 V-10 one family for the other without memory: 130, and all agrees", test_swap},
		{"V-10 a handoff that drops a family without memory: 130, and all agrees", test_drop},
		{"V-10 L-30 a held request takes over without memory: 130, and all agrees", test_held},
		{"V-11 a family's release without memory: 130, and all agrees", test_release},
		{"a reload without memory leaves all peers as they were", test_peers},
		{"a restore without memory ends the start, drops nothing and leaves nothing", test_restore},
		{0},
	};
	// clang-format on

	return cu_main("lma without memory", tests, argc, argv);
}
