/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes at their limits, floods, mutations, memory. */
#include <malloc.h>
#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
#define HEAP_EXACT true
#else
#define HEAP_EXACT false /* glibc counts what its caches hold as used */
#endif

#include "unit/lma/lma_harness.h"

static void test_long_nai(void)
{
	struct bed b;
	struct pbu p;
	struct mnid id;

	bed_up(&b);
	p = pbu(&b, MAG1); /* 254 octets: with its subtype the option's Length octet is full */
	p.mnid_raw_len = 254;
	p.mnid_subtype = MNID_NAI;
	memset(p.mnid_raw, 'a', 254);
	memcpy(p.mnid_raw + 254 - 12, "@example.com", 12);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	id = (struct mnid){MNID_NAI, 254, p.mnid_raw};
	CU_ASSERT(mnid_eq(&mh_opt(&b.pba, MHO_MN_ID)->mnid, &id));
	p.mnid_raw[0] = 'b'; /* another node */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	p.mnid_raw[0] = 'c'; /* id points here */
	CU_ASSERT_EQUAL(lma_delete(b.l, &id, b.now), 0);
	p.mnid_raw[0] = 'a';
	CU_ASSERT_EQUAL(lma_delete(b.l, &id, b.now), 1);
	bed_down(&b);
}

static void test_other_subtypes(void)
{
	const struct profile any = {.enabled = true, .prefix_count = 1};
	struct bed b;
	struct pbu p;

	bed_init(&b);
	CU_ASSERT_EQUAL_FATAL(profile_table_add_fallback(b.profiles, "*", &any), 0);
	bed_start(&b);
	for (unsigned subtype = 0; subtype < 256; subtype += 51) {
		p = pbu(&b, MAG1); /* the same octets under another subtype: another node */
		p.mnid_raw_len = 8;
		p.mnid_subtype = (uint8_t)subtype;
		memset(p.mnid_raw, 0xff, 8);
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
		CU_ASSERT_EQUAL(mh_opt(&b.pba, MHO_MN_ID)->mnid.subtype, subtype);
	}
	CU_ASSERT_EQUAL(lma_count(b.l), 6);
	bed_down(&b);
}

static void test_seven_hnp(void)
{
	struct bed b;
	struct pbu p;
	char s[40];

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.n_hnp = 7;
	for (unsigned i = 0; i < 7; i++) {
		snprintf(s, sizeof(s), "2001:db8:100:%x::/64", i + 1);
		p.hnp[i] = prefix(s);
	}
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 7);
	p.src = b.mags[MAG2].addr; /* and move together */
	pbu_again(&b, &p);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	for (unsigned i = 0; i < 7; i++)
		CU_ASSERT_EQUAL(bed_forwards(&b, &p.hnp[i]), MAG2);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static void test_too_many_hnp(void)
{
	struct bed b;
	struct pbu p;
	char s[40];

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.n_hnp = 40;
	for (unsigned i = 0; i < 40; i++) {
		snprintf(s, sizeof(s), "2001:db8:100:%x::/64", i + 1);
		p.hnp[i] = prefix(s);
	}
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 40);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	p.n_hnp = 16;
	pbu_again(&b, &p);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 16);
	bed_down(&b);
}

static void test_reply_too_large(void)
{
	struct bed b;
	struct pbu p;
	uint8_t buf[MH_MAX_LEN];
	struct mh_msg *m = calloc(1, sizeof(*m));
	int len;

	bed_up(&b);
	p = pbu(&b, MAG1); /* as many options as are kept: the reply would need more */
	m->type = MH_BU;
	m->bu.flags = MH_BU_P;
	m->bu.lifetime = 1;
	for (unsigned i = 0; i < MH_OPTS_MAX; i++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(mh_opt_add(m, MHO_HNP));
	len = mh_encode(m, buf, sizeof(buf), &p.src, &p.dst);
	CU_ASSERT_FATAL(len > 0);
	CU_ASSERT_EQUAL(bed_send_raw(&b, &p.src, &p.dst, buf, (size_t)len), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "reply_too_large"), 1);
	free(m);
	bed_down(&b);
}

static void test_long_llid(void)
{
	struct bed b;
	struct bed_pick k;
	struct pbu p;

	bed_up(&b);
	p = pbu(&b, MAG1);
	p.llid_len = 32;
	memset(p.llid, 7, 32);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(bed_binding(&b, "mn1@example.com", 0, &k));
	CU_ASSERT_EQUAL(k.b.llid.len, 32);
	pbu_again(&b, &p);
	p.src = b.mags[MAG2].addr;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED); /* found by it */
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_down(&b);
}

static size_t heap_used(void)
{
#ifdef __SANITIZE_ADDRESS__
	return __sanitizer_get_current_allocated_bytes();
#else
	return mallinfo2().uordblks;
#endif
}

static void test_flood(void)
{
	struct bed b;
	struct pbu p;
	size_t before;

	bed_up(&b);
	bed_attach(&b, MAG1);
	p = pbu(&b, MAG1);
	p.src = addr("2001:db8:66::1");
	bed_send(&b, &p);
	before = heap_used();
	for (unsigned i = 0; i < 20000; i++) {
		p.seq = (uint16_t)i;
		p.src.s6_addr[15] = (uint8_t)i;
		bed_send(&b, &p);
	}
	CU_ASSERT(heap_used() <= before + 4096);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_unknown_mag"), 20001);
	CU_ASSERT_EQUAL(b.n_sent, 1);
	CU_ASSERT(bed_at(&b, MAG1));
	bed_down(&b);
}

/* A trusted MAG gone wild: bindings, held requests and pools stay within max-bindings. */
static void test_wild_mag(void)
{
	struct bed b;
	struct pbu p;
	char id[40];

	bed_init(&b);
	b.cfg.max_bindings = 100;
	bed_start(&b);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(id, sizeof(id), "n%u@example.com", i % 3000);
		p = pbu(&b, i % N_MAGS);
		p.mnid = id;
		p.hi = (int)(i % 7);
		p.llid[5] = (uint8_t)(i % 11);
		bed_send(&b, &p);
		CU_ASSERT_FATAL(lma_count(b.l) <= 100);
	}
	CU_ASSERT(bed_counter(&b, "held") - bed_counter(&b, "hold_dropped") <= 100);
	CU_ASSERT(bed_counter(&b, "pba_insufficient_resources") > 10000);
	bed_wait(&b, 10000);
	bed_down(&b);
}

static uint64_t splitmix(uint64_t *s)
{
	uint64_t z = (*s += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* Mutated octets of a good message; the checksum is made right so that the rules see them. */
static void test_mutations(void)
{
	struct bed b;
	struct pbu p;
	struct prefix6 own;
	uint8_t buf[MH_MAX_LEN], wild[MH_MAX_LEN];
	struct mh_msg *m = malloc(sizeof(*m));
	uint64_t seed = 1;
	unsigned decoded = 0;
	int len;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t *data;
		struct packet pkt;

		b.now += nsec_from_ms(1);
		p = pbu(&b, i % 2 ? MAG1 : MAG3);
		p.has_link_local = i % 3;
		p.has_alt_coa = i % 5 == 0;
		p.alt_coa = b.mags[MAG2].addr;
		p.hnp[0] = i % 4 ? own : (struct prefix6){0};
		len = pbu_encode(&p, buf);
		CU_ASSERT_FATAL(len > 0);
		memcpy(wild, buf, (size_t)len);
		for (unsigned k = splitmix(&seed) % 4; k > 0; k--)
			wild[6 + splitmix(&seed) % (unsigned)(len - 6)] = (uint8_t)splitmix(&seed);
		data = malloc((size_t)len);
		memcpy(data, wild, (size_t)len);
		if (mh_decode(m, data, (size_t)len, NULL, NULL) == MH_OK) {
			pkt = (struct packet){p.src, p.dst, data, (size_t)len};
			lma_receive(b.l, &pkt, m, b.now);
			decoded++;
		}
		free(data);
		bed_wait(&b, splitmix(&seed) % 20);
	}
	CU_ASSERT(decoded > 5000);
	free(m);
	bed_down(&b);
}

/* A data plane that keeps nothing, so that all memory is the LMA's. */
static int stub_pool(struct dataplane *dp, const struct prefix6 *p, uint32_t n)
{
	return 0;
}
static int stub_pool4(struct dataplane *dp, uint16_t domain, struct in_addr aggregate, uint8_t len,
		      uint32_t n)
{
	return 0;
}
static int stub_peer(struct dataplane *dp, const struct dp_peer *p, dp_ref *out)
{
	static dp_ref last;

	*out = ++last;
	return 0;
}
static int stub_put(struct dataplane *dp, const struct dp_session *s, dp_ref *ref)
{
	*ref = 1;
	return 0;
}
static int stub_move(struct dataplane *dp, dp_ref ref, const struct dp_path *down)
{
	return 0;
}
static void stub_del(struct dataplane *dp, dp_ref ref)
{
}

static void test_memory(void)
{
	static const struct dataplane_ops ops = {
		.pool_put = stub_pool,
		.pool4_put = stub_pool4,
		.peer_put = stub_peer,
		.peer_del = stub_del,
		.session_put = stub_put,
		.session_move = stub_move,
		.session_del = stub_del,
	};
	enum { N = 100000 };
	struct dataplane dp = {.ops = &ops};
	struct profiles profiles;
	struct tunnels *t;
	struct bed b;
	struct pbu p;
	char id[40];
	size_t before, per;

	bed_init(&b);
	b.cfg.max_bindings = N;
	b.pools[0].prefix = prefix("2001:db8::/32"); /* a large pool must cost nothing by itself */
	profiles = profile_table_profiles(b.profiles);
	CU_ASSERT_EQUAL_FATAL(tunnels_new(&t, &dp), 0);
	before = heap_used();
	CU_ASSERT_EQUAL_FATAL(lma_new(&b.l, &b.cfg, &b.env, &dp, t, &profiles, NULL), 0);
	CU_ASSERT(heap_used() - before < 65536);
	for (unsigned i = 0; i < N; i++) {
		snprintf(id, sizeof(id), "%06u@example.com", i);
		b.now += nsec_from_ms(1); /* each has a timestamp of its own */
		p = pbu(&b, i % N_MAGS);
		p.mnid = id;
		CU_ASSERT_EQUAL_FATAL(bed_send(&b, &p), PBA_ACCEPTED);
	}
	per = (heap_used() - before) / N;
	printf("[%zu octets per binding] ", per);
	CU_ASSERT(per < 430);
	CU_ASSERT_EQUAL(lma_count(b.l), N);
	lma_free(&b.l);
	CU_ASSERT(!HEAP_EXACT || heap_used() <= before + 4096);
	tunnels_free(&t);
	bed_start(&b);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"N-2 RFC 4283 3 an MN-ID that fills its option",			  test_long_nai},
		{"N-3 RFC 4283 3.1 subtype and octets make the identity",									  test_other_subtypes},
		{"RFC 5213 5.2 seven prefixes of one session",test_seven_hnp},
		{"RFC 5213 5.3.2 more prefixes than a session holds: 130",				   test_too_many_hnp},
		{"a reply that would not fit is not sent and counted",								       test_reply_too_large},
		{"RFC 5213 8.6 a long link-layer identifier",			      test_long_llid},
		{"RFC 5213 4 a flood from strangers costs no memory and changes nothing",
		 test_flood},
		{"a MAG gone wild stays within max-bindings",								       test_wild_mag},
		{"20000 mutated messages break no rule of the data plane and leak nothing",
		 test_mutations},
		{"a binding takes few octets: 100000 of them", test_memory},
		{0								      },
	};

	return cu_main("lma hostile", tests, argc, argv);
}
