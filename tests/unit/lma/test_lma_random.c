/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lives of a few nodes drawn at random: every request that RFC 5844 and RFC 5845 allow and many
 * that they do not, from five MAGs, some with octets changed, some while the data plane refuses.
 * After each one the cache, the pools and the data plane must tell the same story.
 */
#include "unit/lma/lma_harness.h"

#include <errno.h>

#define STEPS 20000

static uint64_t state;

static unsigned draw(unsigned n)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (unsigned)((z ^ z >> 31) % n);
}

static void up(struct bed *b)
{
	bed_init(b);
	b->pools[0].prefix = prefix("2001:db8:100::/58");
	b->pools4[0].prefix = prefix4("10.0.0.0/28");
	strcpy(b->pools4[1].name, "red");
	b->pools4[1].prefix = prefix4("10.0.0.0/28");
	b->pools4[1].domain = 1;
	strcpy(b->pools4[2].name, "blue");
	b->pools4[2].prefix = prefix4("10.0.0.0/28");
	b->pools4[2].domain = 2;
	b->cfg.n_pools4 = 3;
	b->cfg.gre = LMA_GRE_ACCEPT;
	b->cfg.gre_tlv = true;
	b->cfg.accept_forced_ipv4_udp_encapsulation_request = true;
	b->cfg.min_delay_before_bce_delete_ms = 200;
	b->cfg.max_delay_before_new_bce_assign_ms = 1000;
	b->cfg.uplink_grace_ms = 300;
	bed_add_profile(b, "mn0@example.com", (struct profile){.ipv4 = true});
	bed_add_profile(b, "mn1@example.com", (struct profile){.ipv4 = true, .pool4 = "red"});
	bed_add_profile(b, "mn2@example.com", (struct profile){.ipv4 = true, .pool4 = "blue"});
	bed_add_profile(b, "mn3@example.com",
			(struct profile){.ipv4 = true, .home4 = ip4("10.0.0.5")});
	bed_add_profile(b, "mn4@example.com", (struct profile){.ipv4 = true, .no_ipv6 = true});
	bed_add_profile(b, "mn5@example.com", (struct profile){0});
	bed_start(b);
}

struct story {
	const struct bed *b;
	unsigned n6, n4, n;
	struct lma_binding any; /* one of them, by chance */
	struct prefix6 prefixes[DP_PREFIXES_MAX];
};

static void check_binding(void *ctx, const struct lma_binding *l)
{
	struct story *s = ctx;
	const struct dp_fake_session *f = dp_fake_by_ref(s->b->dp, l->session);
	const struct dp_peer *peer;

	s->n6 += l->n_prefixes;
	s->n4 += home4_is_set(&l->home4);
	CU_ASSERT_FATAL(f && (l->n_prefixes || home4_is_set(&l->home4)));
	CU_ASSERT_EQUAL(f->s.n_prefixes, l->n_prefixes);
	for (unsigned i = 0; i < l->n_prefixes; i++)
		CU_ASSERT_PTR_EQUAL(dp_fake_by_prefix(s->b->dp, DP_ANCHOR, &l->prefixes[i]), f);
	CU_ASSERT_EQUAL(f->s.addr4.s_addr, l->home4.addr.s_addr);
	CU_ASSERT_EQUAL(f->s.domain, l->home4.domain);
	CU_ASSERT_EQUAL(f->s.mode, strcmp(l->state, "ACTIVE") ? DP_DROP : DP_FORWARD);
	CU_ASSERT_EQUAL(f->s.down.peer, l->tunnel);
	CU_ASSERT_EQUAL(f->s.down.key, l->down_key);
	peer = dp_fake_peer(s->b->dp, l->tunnel);
	CU_ASSERT_FATAL(peer != NULL);
	CU_ASSERT_EQUAL(peer->encap, l->encap);
	CU_ASSERT(addr6_eq(&peer->remote, &l->proxy_coa));
	CU_ASSERT(addr6_eq(&peer->local, &l->lmaa));
	if (dp_encap_keyed(l->encap))
		CU_ASSERT_PTR_EQUAL(dp_fake_by_key(s->b->dp, l->up_key), f);
	CU_ASSERT(!l->home4.domain || dp_encap_keyed(l->encap));
	if (!draw(++s->n)) {
		s->any = *l;
		memcpy(s->prefixes, l->prefixes, l->n_prefixes * sizeof(s->prefixes[0]));
		s->any.prefixes = s->prefixes;
	}
}

static struct story check(const struct bed *b)
{
	struct story s = {.b = b};

	lma_walk(b->l, b->now, check_binding, &s);
	s.any.prefixes = s.prefixes;
	CU_ASSERT_EQUAL(s.n, lma_count(b->l));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->dp), lma_count(b->l));
	CU_ASSERT_EQUAL(bed_used6(b), s.n6);
	CU_ASSERT_EQUAL(bed_used4(b), s.n4);
	return s;
}

/* Some request, often about what a binding has. */
static struct pbu some_request(struct bed *b, const struct story *s, char id[20])
{
	struct pbu p = pbu(b, draw(N_MAGS));

	snprintf(id, 20, "mn%u@example.com", draw(8) ? draw(4) : draw(6));
	p.mnid = id;
	p.hi = draw(2) ? HI_UNKNOWN : (int)draw(7);
	p.att = draw(4) ? ATT_WIFI : ATT_ETHERNET;
	p.has_llid = draw(4);
	p.llid[5] = draw(5) ? 1 : (uint8_t)draw(4);
	p.lifetime = draw(3) ? (uint16_t)(1 + draw(2)) : 0;
	p.flags |= (uint16_t)((draw(2) ? MH_BU_F : 0) | (draw(2) ? MH_BU_T : 0));
	p.has_gre = draw(3);
	p.has_key = draw(4);
	p.key = draw(1000);
	for (unsigned n = draw(30) ? draw(3) > 0 : 2; n > 0; n--)
		pbu_ask4(&p, draw(3) ? "0.0.0.0" : draw(2) ? "10.0.0.5" : "10.0.0.3");
	p.n_hnp = p.n_hoa4 && draw(20) ? draw(3) > 0 : draw(20) > 0;
	if (s->n && draw(3)) {
		snprintf(id, 20, "%.*s", s->any.mnid.len, (const char *)s->any.mnid.id);
		if (p.n_hnp && s->any.n_prefixes && draw(3))
			p.hnp[0] = s->any.prefixes[0];
		if (p.n_hoa4 == 1 && home4_is_set(&s->any.home4) && draw(3))
			p.hoa4[0] = s->any.home4.addr;
		for (unsigned i = 0; i < N_MAGS && draw(2); i++) {
			if (!addr6_eq(&b->mags[i].addr, &s->any.proxy_coa))
				continue;
			p.src = b->mags[i].addr;
			p.dst = b->cfg.addrs[i >= MAG4A ? 2 : 0];
		}
	}
	return p;
}

/* Of each PBA: what RFC 5844 3.1.2.6 says whatever the request was. */
static void check_reply(const struct bed *b, const struct pbu *p)
{
	const struct mh_opt *reply = mh_opt(&b->pba, MHO_IPV4_HOA_REPLY);
	const bool accepted = b->pba.ba.status < 128;

	CU_ASSERT_EQUAL(mh_opt_count(&b->pba, MHO_IPV4_HOA_REPLY), p->n_hoa4 ? 1 : 0);
	CU_ASSERT(mh_opt_count(&b->pba, MHO_HNP) > 0 || reply);
	CU_ASSERT(p->n_hnp || !p->n_hoa4 || !bed_has(b, MHO_HNP));
	CU_ASSERT(accepted || !bed_has(b, MHO_IPV4_DEFAULT_ROUTER));
	CU_ASSERT(p->has_gre || !bed_has(b, MHO_GRE_KEY));
	CU_ASSERT(!(b->pba.ba.flags & MH_BA_T) || p->flags & MH_BU_T);
	if (reply && accepted)
		CU_ASSERT_EQUAL(reply->hoa4.status, HOA4_SUCCESS);
	if (reply && !accepted) {
		CU_ASSERT(reply->hoa4.status >= 128);
		CU_ASSERT_EQUAL(reply->hoa4.addr.s_addr, p->hoa4[0].s_addr);
	}
	if (reply && accepted && p->lifetime)
		CU_ASSERT(reply->hoa4.addr.s_addr && bed_has(b, MHO_IPV4_DEFAULT_ROUTER));
}

static void send_mutated(struct bed *b, const struct pbu *p)
{
	uint8_t buf[MH_MAX_LEN];
	const int len = pbu_encode(p, buf);
	uint8_t *data = malloc((size_t)len);
	struct mh_msg *m = malloc(sizeof(*m));
	const struct packet pkt = {p->src, p->dst, data, (size_t)len, 1};

	memcpy(data, buf, (size_t)len);
	for (unsigned k = draw(4); k > 0; k--)
		data[6 + draw((unsigned)len - 6)] = (uint8_t)draw(256);
	if (mh_decode(m, data, (size_t)len, NULL, NULL) == MH_OK)
		lma_receive(b->l, &pkt, m, b->now);
	free(m);
	free(data);
}

static void live(uint64_t seed)
{
	static const enum dp_fake_op ops[] = {DP_FAKE_PEER_PUT, DP_FAKE_SESSION_PUT,
					      DP_FAKE_SESSION_MOVE};
	unsigned accepted = 0;
	struct bed b;

	state = seed;
	up(&b);
	for (unsigned i = 0; i < STEPS; i++) {
		const struct story s = check(&b);
		char id[20];
		struct pbu p;

		bed_wait(&b, 1 + draw(60));
		p = some_request(&b, &s, id);
		if (!draw(15))
			dp_fake_fail(b.dp, ops[draw(3)], 1, ENOSPC);
		if (!draw(8)) {
			send_mutated(&b, &p);
		} else if (bed_send(&b, &p) != NO_REPLY && b.pba.ba.seq == p.seq) {
			accepted += b.pba.ba.status < 128;
			check_reply(&b, &p);
		}
		for (unsigned op = 0; op < 3; op++)
			dp_fake_fail(b.dp, ops[op], 0, 0);
	}
	CU_ASSERT(accepted > STEPS / 6);
	CU_ASSERT_EQUAL(bed_counter(&b, "unexpected_events"), 0);
	CU_ASSERT_EQUAL(bed_counter(&b, "lost"), 0);
	/* lives in which nothing happens would prove nothing */
	CU_ASSERT(bed_counter(&b, "handovers") > 500);
	CU_ASSERT(bed_counter(&b, "ipv4_added") > 50 && bed_counter(&b, "ipv4_released") > 50);
	CU_ASSERT(bed_counter(&b, "ipv6_added") > 50 && bed_counter(&b, "ipv6_released") > 50);
	CU_ASSERT(bed_counter(&b, "held") > 5);
	bed_wait(&b, 4000 * 1000);
	check(&b);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_down(&b);
}

static void test_lives(void)
{
	for (uint64_t seed = 1; seed <= 3; seed++)
		live(seed);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"RFC 5844 3.1 RFC 5845 5.2 random lives keep cache, pools and data plane of one "
		 "mind", test_lives},
		{0		      },
	};

	return cu_main("lma random lives", tests, argc, argv);
}
