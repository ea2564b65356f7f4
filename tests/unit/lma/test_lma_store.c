/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bindings outlive the LMA: it is killed at any point, another one begins with what the store and
 * the data plane have, and no node notices.
 */
#include "unit/lma/lma_life.h"

#include <errno.h>
#include <stdio.h>

#include "core/record.h"
#include "store/store_fake.h"

/* The latest reply has this prefix. */
static bool got(const struct life *f, const struct prefix6 *p)
{
	const struct prefix6 is = bed_hnp(&f->b);

	return prefix6_eq(&is, p);
}

static struct mnid mn(const char *s)
{
	return (struct mnid){MNID_NAI, (uint8_t)strlen(s), (const uint8_t *)s};
}

static struct bce *bce_of(const struct life *f, const char *node)
{
	const struct mnid id = mn(node);

	return bce_first(bce_node_find(f->b.l->cache, &id));
}

/* ---- everything of a binding, as text */

struct text {
	char s[4096];
	size_t n;
	const struct life *f;
	bool no_refs; /* the data plane may have lost and made tunnels meanwhile */
};

static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t->n += (size_t)vsnprintf(t->s + t->n, sizeof(t->s) - t->n, fmt, ap);
	va_end(ap);
	CU_ASSERT_FATAL(t->n < sizeof(t->s));
}

static void put_octets(struct text *t, const void *p, size_t len)
{
	const uint8_t *o = p;

	while (len--)
		put(t, "%02x", *o++);
	put(t, " ");
}

static void put_bce(void *ctx, struct bce *b)
{
	struct text *t = ctx;
	const struct mnid id = bce_mnid(b);
	const struct llid llid = bce_llid(b);
	const struct home4 h = bce_home4(b);
	uint32_t down_key = 0, up_key = 0;
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	const unsigned n = bce_prefixes(b, prefixes);

	put_octets(t, id.id, id.len);
	put_octets(t, llid.id, llid.len);
	put(t, "att %u state %u keyed %d proxy %d handovers %u seq %u port %u encap %u life %u ",
	    b->reg.att, b->state, b->keyed, b->proxy, b->handovers, b->reg.seq, b->reg.port,
	    b->reg.encap, b->reg.lifetime_s);
	put(t, "deadline %llu ts %llu newest %llu ", (unsigned long long)b->deadline.at,
	    (unsigned long long)b->reg.timestamp, (unsigned long long)bce_node_newest(b->node));
	put_octets(t, &b->reg.proxy_coa, 16);
	put_octets(t, &b->reg.lmaa, 16);
	put_octets(t, &b->reg.link_local, 16);
	put(t, "%08x %08x %u %u ", h.addr.s_addr, h.router.s_addr, h.len, h.domain);
	for (unsigned i = 0; i < n; i++) {
		put_octets(t, &prefixes[i].addr, 16);
		put(t, "/%u ", prefixes[i].len);
	}
	lma_forward_keys(t->f->b.l, b, &down_key, &up_key);
	put(t, "keys %x %x session %u tunnel %u\n", down_key, up_key, t->no_refs ? 0 : b->session,
	    t->no_refs ? 0 : b->tunnel);
}

static void put_mag(void *ctx, const struct lma_mag_info *i)
{
	put(ctx, "%s has %u\n", i->name, i->bindings);
}

static void snapshot(const struct life *f, struct text *t)
{
	t->n = 0;
	t->f = f;
	bce_walk(f->b.l->cache, put_bce, t);
	lma_walk_mags(f->b.l, put_mag, t);
	put(t, "pools %llu %llu\n", (unsigned long long)bed_used6(&f->b),
	    (unsigned long long)bed_used4(&f->b));
}

static void test_every_field(void)
{
	static const char *const own[] = {"2001:db8:f00:7::/64", "2001:db8:f00:8::/64", NULL};
	struct text before = {0}, after = {0};
	struct life f;
	struct pbu p;

	life_init(&f);
	f.b.cfg.gre = LMA_GRE_ACCEPT;
	bed_profile(&f.b, "own@example.com", own, NULL, 1);
	bed_start(&f.b);
	set_store(&f, 100);
	/* dual stack, with keys, moved once, link-local address known */
	p = pbu(&f.b, MAG1);
	p.hi = HI_NEW_INTERFACE;
	pbu_ask4(&p, "0.0.0.0");
	pbu_key(&p, 0x1001);
	p.has_link_local = true;
	p.link_local = addr("fe80::77");
	CU_ASSERT_EQUAL_FATAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	bed_wait(&f.b, 1234);
	p.src = f.b.mags[MAG2].addr;
	p.hi = HI_BETWEEN_MAGS;
	p.key = 0x1002;
	pbu_again(&f.b, &p);
	CU_ASSERT_EQUAL_FATAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	/* a second interface of the node, with a long identifier, is let go */
	p = pbu(&f.b, MAG3);
	p.hi = HI_NEW_INTERFACE;
	p.llid_len = 20;
	memset(p.llid, 0x5a, 20);
	CU_ASSERT_EQUAL_FATAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	bed_wait(&f.b, 100);
	pbu_prefix(&p, "::/0");
	p.hnp[0] = bed_hnp(&f.b);
	p.lifetime = 0;
	pbu_again(&f.b, &p);
	CU_ASSERT_EQUAL_FATAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	/* over IPv4, with another port, IPv4 alone, no identifier of the interface */
	p = pbu(&f.b, MAG4A);
	p.mnid = "mn2@example.com";
	p.hi = HI_NEW_INTERFACE;
	p.port = 40000;
	p.has_llid = false;
	p.n_hnp = 0;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL_FATAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	/* prefixes of its own */
	p = pbu(&f.b, MAG1);
	p.mnid = "own@example.com";
	p.hi = HI_NEW_INTERFACE;
	p.lifetime = 30;
	CU_ASSERT_EQUAL_FATAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	bed_wait(&f.b, 500);
	settle(&f);
	snapshot(&f, &before);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), 4);

	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(restart(&f), 0);
		snapshot(&f, &after);
		CU_ASSERT_STRING_EQUAL(before.s, after.s);
		CU_ASSERT_EQUAL(bed_counter(&f.b, "restored"), 4);
		CU_ASSERT_EQUAL(bed_counter(&f.b, "not_restored"), 0);
		CU_ASSERT_EQUAL(dp_fake_sessions(f.b.dp), 4);
	}
	down(&f);
}

/* A restart, and what nodes and MAGs do next goes on as if it had not been. */
static void test_life_goes_on(void)
{
	struct prefix6 home;
	struct life f;
	struct pbu p;

	life_up(&f, 100);
	home = bed_attach(&f.b, MAG1);
	settle(&f);
	CU_ASSERT_EQUAL(restart(&f), 0);
	CU_ASSERT_EQUAL(bed_forwards(&f.b, &home), MAG1);
	/* what was accepted before is not accepted again */
	p = pbu(&f.b, MAG1);
	p.timestamp = bce_node_newest(bce_of(&f, "mn1@example.com")->node) - 1;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_TIMESTAMP_LOWER);
	/* refreshed */
	pbu_again(&f.b, &p);
	p.hi = HI_NO_CHANGE;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	CU_ASSERT_TRUE(got(&f, &home));
	/* moved */
	settle(&f);
	CU_ASSERT_EQUAL(restart(&f), 0);
	p = pbu(&f.b, MAG2);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	CU_ASSERT_TRUE(got(&f, &home));
	CU_ASSERT_EQUAL(bed_forwards(&f.b, &home), MAG2);
	/* let go, and back within the delay */
	p = pbu(&f.b, MAG2);
	p.lifetime = 0;
	p.hnp[0] = home;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	settle(&f);
	CU_ASSERT_EQUAL(restart(&f), 0);
	CU_ASSERT_TRUE(bed_state(&f.b, "DEREGISTERING"));
	CU_ASSERT_EQUAL(bed_forwards(&f.b, &home), -1);
	p = pbu(&f.b, MAG3);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	CU_ASSERT_TRUE(bed_state(&f.b, "ACTIVE"));
	CU_ASSERT_EQUAL(bed_forwards(&f.b, &home), MAG3);
	/* a new node does not get what is taken */
	p = pbu(&f.b, MAG1);
	p.mnid = "mn9@example.com";
	p.hi = HI_NEW_INTERFACE;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	CU_ASSERT_FALSE(got(&f, &home));
	down(&f);
}

/* ---- each change, and a crash before and after it is on disk */

static void do_create(struct life *f)
{
	bed_attach_dual(&f->b, MAG1);
}

static void do_extend(struct life *f)
{
	struct pbu p = pbu(&f->b, MAG1);

	p.hi = HI_NO_CHANGE;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&f->b, &p), PBA_ACCEPTED);
}

static void do_move(struct life *f)
{
	struct pbu p = pbu(&f->b, MAG2);

	p.hi = HI_BETWEEN_MAGS;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&f->b, &p), PBA_ACCEPTED);
}

static void do_release4(struct life *f)
{
	struct pbu p = pbu(&f->b, MAG1);

	p.n_hnp = 0;
	p.lifetime = 0;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&f->b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_counter(&f->b, "ipv4_released"), 1);
}

static void do_deregister(struct life *f)
{
	struct pbu p = pbu(&f->b, MAG1);

	p.lifetime = 0;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&f->b, &p), PBA_ACCEPTED);
}

static void do_deregister_again(struct life *f)
{
	do_deregister(f);
	bed_wait(&f->b, 10);
	settle(f);
	do_deregister(f);
}

static void do_revive(struct life *f)
{
	do_deregister(f);
	bed_wait(&f->b, 10);
	settle(f);
	do_extend(f);
}

static void do_delete(struct life *f)
{
	const struct mnid id = mn("mn1@example.com");

	CU_ASSERT_EQUAL(lma_delete(f->b.l, &id, f->b.now), 1);
}

static void do_expire(struct life *f)
{
	bed_wait(&f->b, 3600 * 1000);
}

/* `fresh`: the change is the first thing that happens */
static void crash_around(void (*change)(struct life *), bool fresh)
{
	struct text before = {.no_refs = true}, changed = {.no_refs = true},
		    after = {.no_refs = true};
	struct life f;

	/* in no batch yet, and then in one that the power cut took */
	for (unsigned handed_over = 0; handed_over < 2; handed_over++) {
		life_up(&f, 100);
		if (!fresh)
			do_create(&f);
		settle(&f);
		bed_wait(&f.b, 10);
		snapshot(&f, &before);
		change(&f);
		if (handed_over) {
			store_fake_delay(f.disk, true);
			store_drain(f.st, f.b.now);
		}
		restart(&f);
		snapshot(&f, &after);
		if (change != do_expire && change != do_revive && change != do_deregister_again)
			CU_ASSERT_STRING_EQUAL(before.s, after.s);
		store_fake_delay(f.disk, false);
		down(&f);
	}
	life_up(&f, 100);
	if (!fresh)
		do_create(&f);
	settle(&f);
	bed_wait(&f.b, 10);
	change(&f);
	settle(&f);
	snapshot(&f, &changed);
	CU_ASSERT_EQUAL(restart(&f), 0);
	snapshot(&f, &after);
	CU_ASSERT_STRING_EQUAL(changed.s, after.s);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), lma_count(f.b.l));
	down(&f);
}

static void test_crash(void)
{
	crash_around(do_create, true);
	crash_around(do_extend, false);
	crash_around(do_move, false);
	crash_around(do_release4, false);
	crash_around(do_deregister, false);
	crash_around(do_deregister_again, false);
	crash_around(do_revive, false);
	crash_around(do_delete, false);
	crash_around(do_expire, false);
}

/* What the data plane learned and the disk did not is put right again. */
static void test_data_plane_ahead(void)
{
	struct prefix6 home, other;
	struct life f;
	struct pbu p;

	life_up(&f, 100);
	home = bed_attach(&f.b, MAG1);
	settle(&f);
	do_move(&f);
	p = pbu(&f.b, MAG3);
	p.mnid = "mn2@example.com";
	p.hi = HI_NEW_INTERFACE;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	other = bed_hnp(&f.b);
	CU_ASSERT_EQUAL(bed_forwards(&f.b, &home), MAG2);
	CU_ASSERT_EQUAL(bed_forwards(&f.b, &other), MAG3);
	/* the session of mn2, and the tunnels to MAG2 and MAG3 */
	CU_ASSERT_EQUAL(restart(&f), 3);
	CU_ASSERT_EQUAL(bed_forwards(&f.b, &home), MAG1);
	CU_ASSERT_EQUAL(bed_forwards(&f.b, &other), -1);
	CU_ASSERT_EQUAL(dp_fake_sessions(f.b.dp), 1);
	down(&f);
}

/* ---- replies that wait */

static void test_reply_waits(void)
{
	struct life f;
	struct pbu p;

	life_up(&f, 0);
	store_fake_delay(f.disk, true);
	p = pbu(&f.b, MAG1);
	p.hi = HI_NEW_INTERFACE;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), NO_REPLY);
	turn(&f);
	CU_ASSERT_EQUAL(f.b.n_sent, 0);
	CU_ASSERT_TRUE(store_fake_commit(f.disk, f.b.now));
	lma_committed(f.b.l);
	CU_ASSERT_EQUAL(f.b.n_sent, 1);
	CU_ASSERT_EQUAL(f.b.pba.ba.status, PBA_ACCEPTED);
	CU_ASSERT_EQUAL(f.b.pba.ba.seq, p.seq);
	CU_ASSERT_TRUE(addr6_eq(&f.b.last.dst, &p.src));
	/* a de-registration's as well */
	p.lifetime = 0;
	p.hnp[0] = bed_hnp(&f.b);
	pbu_again(&f.b, &p);
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), NO_REPLY);
	turn(&f);
	CU_ASSERT_EQUAL(f.b.n_sent, 1);
	store_fake_commit(f.disk, f.b.now);
	lma_committed(f.b.l);
	CU_ASSERT_EQUAL(f.b.n_sent, 2);
	CU_ASSERT_EQUAL(f.b.pba.ba.lifetime, 0);
	/* what was answered is there after a crash */
	restart(&f);
	CU_ASSERT_TRUE(bed_state(&f.b, "DEREGISTERING"));
	down(&f);
}

/* The UDP port of the request, too, and for refusals: nothing changed, nothing to wait for. */
static void test_reply_ipv4(void)
{
	struct life f;
	struct pbu p;

	life_up(&f, 0);
	store_fake_delay(f.disk, true);
	p = pbu(&f.b, MAG4A);
	p.hi = HI_NEW_INTERFACE;
	p.port = 40123;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), NO_REPLY);
	turn(&f);
	store_fake_commit(f.disk, f.b.now);
	lma_committed(f.b.l);
	CU_ASSERT_EQUAL(f.b.n_sent, 1);
	CU_ASSERT_EQUAL(f.b.last.port, 40123);
	p = pbu(&f.b, MAG1);
	p.hi = -1;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_MISSING_HANDOFF_IND);
	down(&f);
}

/* A MAG that repeats itself while its reply waits makes one binding, and hears the answers in the
 * order of its requests. */
static void test_reply_order(void)
{
	uint16_t first, second;
	struct life f;
	struct pbu p;

	life_up(&f, 0);
	store_fake_delay(f.disk, true);
	p = pbu(&f.b, MAG1);
	p.hi = HI_NEW_INTERFACE;
	first = p.seq;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), NO_REPLY);
	turn(&f); /* on its way to the disk */
	pbu_again(&f.b, &p);
	second = p.seq;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), NO_REPLY);
	/* one that was late: refused, but not ahead of the others */
	p.seq = ++f.b.seq;
	p.timestamp -= 2;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 1);
	turn(&f);
	CU_ASSERT_EQUAL(f.b.n_sent, 0);
	store_fake_commit(f.disk, f.b.now);
	turn(&f);
	CU_ASSERT_EQUAL(f.b.n_sent, 1);
	CU_ASSERT_EQUAL(f.b.pba.ba.seq, first);
	store_fake_commit(f.disk, f.b.now);
	turn(&f);
	CU_ASSERT_EQUAL(f.b.n_sent, 3);
	CU_ASSERT_EQUAL(f.b.pba.ba.status, PBA_TIMESTAMP_LOWER);
	CU_ASSERT_EQUAL(f.b.pba.ba.seq, p.seq);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "sessions_created"), 1);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "replies_waited"), 3);
	restart(&f);
	CU_ASSERT_EQUAL(bce_of(&f, "mn1@example.com")->reg.seq, second);
	down(&f);
}

/* What is revoked while its acceptance waits is not revived by it: the MAG hears of the end last,
 * and of a repetition not before the first. */
static void test_revocation_order(void)
{
	const struct mnid id = mn("mn1@example.com");
	struct life f;
	struct pbu p;

	life_init(&f);
	f.b.cfg.binding_revocation = true;
	f.b.cfg.revocation = (struct revocation_cfg){
		REVOCATION_INIT_MIN_DELAY_MS, REVOCATION_MAX_TIMEOUT_MS, REVOCATION_MAX_RETRIES};
	bed_start(&f.b);
	set_store(&f, 0);
	store_fake_delay(f.disk, true);
	p = pbu(&f.b, MAG1);
	p.hi = HI_NEW_INTERFACE;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), NO_REPLY);
	turn(&f); /* on its way to the disk */
	CU_ASSERT_EQUAL(lma_delete(f.b.l, &id, f.b.now), 1);
	turn(&f);
	CU_ASSERT_EQUAL(f.b.n_sent + f.b.n_br, 0);
	/* it is repeated after InitMINDelayBRIs */
	bed_wait(&f.b, 1100);
	CU_ASSERT_EQUAL(f.b.n_sent + f.b.n_br, 0);
	store_fake_commit(f.disk, f.b.now);
	turn(&f);
	CU_ASSERT_EQUAL(f.b.n_sent, 1);
	CU_ASSERT_EQUAL(f.b.pba.ba.seq, p.seq);
	CU_ASSERT_EQUAL(f.b.n_br, 0); /* the end is not on disk yet */
	store_fake_commit(f.disk, f.b.now);
	turn(&f);
	CU_ASSERT_EQUAL(f.b.n_sent, 1);
	CU_ASSERT_EQUAL(f.b.n_br, 2);
	CU_ASSERT_EQUAL(f.b.br[0].msg.type, MH_BINDING_REVOCATION);
	CU_ASSERT_TRUE(addr6_eq(&f.b.br[0].pkt.dst, &p.src));
	CU_ASSERT_EQUAL(f.b.br[0].msg.br.seq, f.b.br[1].msg.br.seq);
	down(&f);
}

static void test_reply_failing_disk(void)
{
	struct life f;
	struct pbu p;

	life_up(&f, 0);
	store_fake_delay(f.disk, true);
	store_fake_fail(f.disk, 1, ENOSPC);
	p = pbu(&f.b, MAG1);
	p.hi = HI_NEW_INTERFACE;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), NO_REPLY);
	turn(&f);
	CU_ASSERT_EQUAL(f.b.n_sent, 0);
	store_fake_commit(f.disk, f.b.now);
	turn(&f);
	CU_ASSERT_EQUAL(f.b.n_sent, 1);
	/* nor does the next one */
	pbu_again(&f.b, &p);
	p.hi = HI_NO_CHANGE;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	/* until it writes again */
	f.b.now += nsec_from_s(2);
	turn(&f);
	store_fake_commit(f.disk, f.b.now);
	pbu_again(&f.b, &p);
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), NO_REPLY);
	turn(&f);
	store_fake_commit(f.disk, f.b.now);
	turn(&f);
	CU_ASSERT_EQUAL(f.b.n_sent, 3);
	down(&f);
}

static void test_reply_bound(void)
{
	char name[32];
	struct life f;
	struct pbu p;

	life_up(&f, 0);
	store_fake_delay(f.disk, true);
	for (unsigned i = 0; i < 16384 + 2; i++) {
		p = pbu(&f.b, MAG1);
		snprintf(name, sizeof(name), "mn%u@example.com", i % 100);
		p.mnid = name;
		p.hi = HI_NO_CHANGE;
		CU_ASSERT_EQUAL(bed_send(&f.b, &p), NO_REPLY);
	}
	CU_ASSERT_EQUAL(bed_counter(&f.b, "replies_waited"), 16384);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "replies_dropped"), 2);
	turn(&f);
	while (store_fake_commit(f.disk, f.b.now))
		turn(&f);
	CU_ASSERT_EQUAL(f.b.n_sent, 16384);
	/* those that are left at the end go unanswered */
	pbu_again(&f.b, &p);
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), NO_REPLY);
	down(&f);
}

static void test_window(void)
{
	struct life f;

	life_up(&f, 100);
	store_fake_delay(f.disk, true);
	bed_attach(&f.b, MAG1);
	CU_ASSERT_EQUAL(f.b.n_sent, 1);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "replies_waited"), 0);
	CU_ASSERT_EQUAL(store_deadline(f.st), f.b.now + nsec_from_ms(100));
	down(&f);
}

/* ---- what no longer fits */

static void no_mag(struct bed *b)
{
	b->mags[MAG1].addr = addr("2001:db8:11::99");
}
static void mag_of_realm(struct bed *b)
{
	b->mags[MAG1].n_realms = 1;
	strcpy(b->mags[MAG1].realms[0], "example.org");
}
static void mag_of_prefix(struct bed *b)
{
	b->mags[MAG1].n_allow = 1;
	b->mags[MAG1].allow[0] = prefix("2001:db8:f00::/48");
}
static void no_lmaa(struct bed *b)
{
	b->cfg.addrs[0] = addr("2001:db8:2::3");
}
static void no_pool(struct bed *b)
{
	b->pools[0].prefix = prefix("2001:db8:200::/44");
}
static void no_pool4(struct bed *b)
{
	b->pools4[0].prefix = prefix4("10.0.1.0/24");
}
static void other_router(struct bed *b)
{
	b->pools4[0].router = ip4("10.0.0.200");
}
static void other_mask(struct bed *b)
{
	b->pools4[0].prefix = prefix4("10.0.0.0/25");
}
static void full(struct bed *b)
{
	/* somebody else's was there first */
	b->cfg.max_bindings = 1;
}

static void profiles_anew(struct bed *b)
{
	profile_table_free(&b->profiles);
	CU_ASSERT_EQUAL_FATAL(profile_table_new(&b->profiles), 0);
}
static void no_profile(struct bed *b)
{
	profiles_anew(b);
}
static void profile_elsewhere(struct bed *b)
{
	profiles_anew(b);
	bed_add_profile(b, "mn1@example.com",
			(struct profile){.ipv4 = true, .lmaa = addr("2001:db8:99::1")});
}
static void profile_disabled(struct bed *b)
{
	struct profile p = {.ipv4 = true, .prefix_count = 1, .local_routing = -1};

	profiles_anew(b);
	p.mnid = mn("mn1@example.com");
	CU_ASSERT_EQUAL_FATAL(profile_table_add(b->profiles, &p), 0);
}
static void profile_without_ipv6(struct bed *b)
{
	profiles_anew(b);
	bed_add_profile(b, "mn1@example.com", (struct profile){.ipv4 = true, .no_ipv6 = true});
}
static void profile_without_ipv4(struct bed *b)
{
	profiles_anew(b);
	bed_add_profile(b, "mn1@example.com", (struct profile){0});
}
static void profile_of_other_pool(struct bed *b)
{
	profiles_anew(b);
	bed_add_profile(b, "mn1@example.com", (struct profile){.ipv4 = true, .pool = "other"});
}
static void profile_of_other_pool4(struct bed *b)
{
	profiles_anew(b);
	bed_add_profile(b, "mn1@example.com", (struct profile){.ipv4 = true, .pool4 = "other"});
}
static void address_of_another(struct bed *b)
{
	profiles_anew(b);
	bed_add_profile(b, "mn1@example.com", (struct profile){.ipv4 = true});
	bed_add_profile(b, "mn2@example.com",
			(struct profile){.ipv4 = true, .home4 = ip4("10.0.0.2")});
}

static char last_line[256];

static void keep_line(void *ctx, enum log_class cls, const char *line)
{
	(void)ctx;
	(void)cls;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static void test_misfits(void)
{
	static const struct {
		void (*change)(struct bed *b);
		const char *why;
	} cases[] = {
		{no_mag,		 "its MAG is not configured any more"			     },
		{mag_of_realm,	       "its MAG may not serve it any more"				  },
		{mag_of_prefix,		"its MAG may not serve it any more"			   },
		{no_lmaa,		  "its LMA address is not ours any more"			},
		{no_pool,		  "a prefix is not ours or not the node's any more"		   },
		{no_pool4,		   "its IPv4 home address is not ours or not the node's any more"},
		{other_router,	       "its IPv4 home address is not ours or not the node's any more"},
		{other_mask,	     "its IPv4 home address is not ours or not the node's any more"},
		{no_profile,	     "there is no profile for it any more"			  },
		{profile_elsewhere,	    "there is no profile for it any more"			 },
		{profile_disabled,	   "there is no profile for it any more"				},
		{profile_without_ipv6,   "a prefix is not ours or not the node's any more"		},
		{profile_without_ipv4,
		 "its IPv4 home address is not ours or not the node's any more"			       },
		{profile_of_other_pool,	"a prefix is not ours or not the node's any more"		 },
		{profile_of_other_pool4,
		 "its IPv4 home address is not ours or not the node's any more"			       },
		{address_of_another,
		 "its IPv4 home address is not ours or not the node's any more"			       },
		{full,		       "max-bindings reached"					     },
	};
	struct life f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const bool two = cases[i].change == full;
		char want[256];

		life_up(&f, 100);
		if (two) {
			struct pbu p = pbu(&f.b, MAG2);

			p.mnid = "mn2@example.com";
			p.hi = HI_NEW_INTERFACE;
			CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_ACCEPTED);
		}
		bed_attach_dual(&f.b, MAG1);
		settle(&f);
		kill_it(&f);
		cases[i].change(&f.b);
		log_set_sink(keep_line, NULL);
		log_set_level(LOG_C_LOCAL);
		last_line[0] = '\0';
		/* the session; and the tunnel, but for the MAG that is still used */
		CU_ASSERT_EQUAL(begin(&f), 2);
		log_set_level(LOG_C_BUG);
		log_set_sink(NULL, NULL);
		snprintf(want, sizeof(want), "lma[mn1@example.com] a binding is not restored: %s",
			 cases[i].why);
		CU_ASSERT_STRING_EQUAL(last_line, want);
		CU_ASSERT_EQUAL(lma_count(f.b.l), two ? 1 : 0);
		CU_ASSERT_EQUAL(bed_counter(&f.b, "not_restored"), 1);
		CU_ASSERT_EQUAL(bed_used6(&f.b), two ? 1 : 0);
		CU_ASSERT_EQUAL(bed_used4(&f.b), 0);
		CU_ASSERT_EQUAL(dp_fake_sessions(f.b.dp), two ? 1 : 0);
		/* and for good */
		settle(&f);
		CU_ASSERT_EQUAL(store_fake_count(f.disk), two ? 1 : 0);
		down(&f);
	}
}

/* A record that another has taken the address of, or that is none. */
static void test_bad_records(void)
{
	uint8_t copy[STORE_LEN_MAX];
	struct store_record r = {.kind = STORE_BINDING, .id = 77};
	struct store_record found;
	struct life f;

	life_up(&f, 100);
	bed_attach_dual(&f.b, MAG1);
	settle(&f);
	CU_ASSERT_TRUE_FATAL(store_fake_find(f.disk, STORE_BINDING, 1, &found));
	memcpy(copy, found.data, found.len);
	r.data = copy;
	r.len = found.len;
	restart(&f);
	CU_ASSERT_EQUAL(lma_restore(f.b.l, &r, f.b.now), STORE_DROP);
	r.len--;
	CU_ASSERT_EQUAL(lma_restore(f.b.l, &r, f.b.now), STORE_DROP);
	r.len = found.len;
	copy[0]++;
	CU_ASSERT_EQUAL(lma_restore(f.b.l, &r, f.b.now), STORE_DROP);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "not_restored"), 3);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 1);
	CU_ASSERT_EQUAL(bed_used6(&f.b), 1);
	CU_ASSERT_EQUAL(bed_used4(&f.b), 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(f.b.dp), 1);
	down(&f);
}

static void test_data_plane_refuses(void)
{
	struct life f;

	life_up(&f, 100);
	bed_attach_dual(&f.b, MAG1);
	settle(&f);
	kill_it(&f);
	dp_fake_fail(f.b.dp, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	begin(&f);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "not_restored"), 1);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 0);
	CU_ASSERT_EQUAL(bed_used6(&f.b), 0);
	CU_ASSERT_EQUAL(bed_used4(&f.b), 0);
	down(&f);
}

/* ---- GRE keys */

static void keyed(struct life *f)
{
	struct pbu p;

	life_init(f);
	f->b.cfg.gre = LMA_GRE_ACCEPT;
	bed_start(&f->b);
	set_store(f, 100);
	p = pbu(&f->b, MAG1);
	p.hi = HI_NEW_INTERFACE;
	pbu_key(&p, 0x1001);
	CU_ASSERT_EQUAL_FATAL(bed_send(&f->b, &p), PBA_ACCEPTED);
	CU_ASSERT_TRUE(bed_has(&f->b, MHO_GRE_KEY));
	settle(f);
}

/* As after a reboot: nothing is in the data plane. */
static void plane_anew(struct life *f, uint32_t first_key)
{
	kill_it(f);
	dp_fake_free(&f->b.dp);
	CU_ASSERT_EQUAL_FATAL(dp_fake_new(&f->b.dp), 0);
	dp_fake_set_first_key(f->b.dp, first_key);
}

static void test_new_data_plane(void)
{
	struct text before = {0}, after = {0};
	struct life f;

	life_up(&f, 100);
	bed_attach_dual(&f.b, MAG1);
	settle(&f);
	snapshot(&f, &before);
	plane_anew(&f, 1);
	CU_ASSERT_EQUAL(begin(&f), 0);
	snapshot(&f, &after);
	CU_ASSERT_STRING_EQUAL(before.s, after.s);
	CU_ASSERT_EQUAL(dp_fake_sessions(f.b.dp), 1);
	down(&f);
}

static void test_keys(void)
{
	uint32_t down_key, up_key, again;
	struct life f;

	keyed(&f);
	CU_ASSERT_TRUE(lma_forward_keys(f.b.l, bce_of(&f, "mn1@example.com"), &down_key, &up_key));
	restart(&f);
	CU_ASSERT_TRUE(lma_forward_keys(f.b.l, bce_of(&f, "mn1@example.com"), &down_key, &again));
	CU_ASSERT_EQUAL(down_key, 0x1001);
	CU_ASSERT_EQUAL(up_key, again);
	/* the MAG would use a key that is nobody's, or another's */
	plane_anew(&f, up_key + 1000);
	begin(&f);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "not_restored"), 1);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(f.b.dp), 0);
	CU_ASSERT_EQUAL(bed_used6(&f.b), 0);
	down(&f);
}

/* ---- time */

static nsec_t left(const struct life *f)
{
	return nsec_sub(bce_of(f, "mn1@example.com")->deadline.at, f->b.now);
}

static void test_clock(void)
{
	struct life f;

	life_up(&f, 100);
	bed_attach(&f.b, MAG1);
	settle(&f);
	/* down for ten minutes */
	kill_it(&f);
	f.b.now += nsec_from_s(600);
	begin(&f);
	CU_ASSERT_EQUAL(left(&f), nsec_from_s(3000));
	/* the machine started anew: the monotonic clock is another */
	settle(&f);
	kill_it(&f);
	f.b.wall0 += f.b.now - nsec_from_s(5);
	f.b.now = nsec_from_s(5);
	begin(&f);
	CU_ASSERT_EQUAL(left(&f), nsec_from_s(3000));
	/* the clock was set back by a day: no more than was granted */
	kill_it(&f);
	f.b.wall0 -= nsec_from_s(86400);
	begin(&f);
	CU_ASSERT_EQUAL(left(&f), nsec_from_s(3600));
	/* and forward again, and beyond: it is over, at the first tick */
	kill_it(&f);
	f.b.wall0 += nsec_from_s(2 * 86400);
	begin(&f);
	CU_ASSERT_EQUAL(left(&f), 0);
	CU_ASSERT_EQUAL(lma_next(f.b.l), f.b.now);
	lma_tick(f.b.l, f.b.now);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 0);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "expired"), 1);
	CU_ASSERT_EQUAL(bed_saw(&f.b, EV_SESSION_DOWN), 1);
	settle(&f);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), 0);
	down(&f);
}

static void test_clock_deregistered(void)
{
	struct life f;

	life_up(&f, 100);
	bed_attach(&f.b, MAG1);
	do_deregister(&f);
	settle(&f);
	kill_it(&f);
	f.b.now += nsec_from_s(4);
	begin(&f);
	CU_ASSERT_EQUAL(left(&f), nsec_from_s(6));
	settle(&f);
	kill_it(&f);
	f.b.wall0 -= nsec_from_s(60);
	begin(&f);
	CU_ASSERT_EQUAL(left(&f), nsec_from_s(10));
	kill_it(&f);
	f.b.wall0 += nsec_from_s(120);
	begin(&f);
	CU_ASSERT_EQUAL(left(&f), 0);
	lma_tick(f.b.l, f.b.now);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 0);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "deletion_delay_over"), 1);
	down(&f);
}

/* RFC 5213 5.5: the newest timestamp of the node, though the session it came with is gone. */
static void test_node_newest(void)
{
	struct life f;
	uint64_t newest;
	struct pbu p;

	life_up(&f, 100);
	bed_attach(&f.b, MAG1);
	settle(&f);
	p = pbu(&f.b, MAG2);
	p.hi = HI_NEW_INTERFACE;
	p.llid[5] = 2;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	p.lifetime = 0;
	p.hnp[0] = bed_hnp(&f.b);
	pbu_again(&f.b, &p);
	newest = p.timestamp;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	bed_wait(&f.b, 11000);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 1);
	settle(&f);
	restart(&f);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 1);
	CU_ASSERT_EQUAL(bce_node_newest(bce_of(&f, "mn1@example.com")->node), newest);
	down(&f);
}

static void test_only_its_mag(void)
{
	struct life f;
	struct pbu p;

	life_up(&f, 100);
	bed_attach(&f.b, MAG1);
	settle(&f);
	restart(&f);
	do_move(&f);
	p = pbu(&f.b, MAG1);
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "ignored_other_coa"), 1);
	down(&f);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"a binding comes back as it was, each field of it", test_every_field},
		{"RFC 5213 5.3.3 to 5.3.5 a node is refreshed, moves and returns as if nothing had been", test_life_goes_on},
		{"after a crash a binding is as it was before a change, or as it was after it", test_crash},
		{"what the data plane has and the store has not is put right", test_data_plane_ahead},
		{"window 0: a reply leaves after the commit, a de-registration's as well", test_reply_waits},
		{"window 0: over UDP it goes to the port of the request; a refusal waits for nothing", test_reply_ipv4},
		{"window 0: replies leave in the order of the requests, whatever is repeated meanwhile", test_reply_order},
		{"window 0: a revocation comes after the acceptance that it ends", test_revocation_order},
		{"window 0: nobody waits for a disk that fails", test_reply_failing_disk},
		{"window 0: the replies that wait are bounded", test_reply_bound},
		{"with a window nobody waits", test_window},
		{"what the configuration no longer allows is dropped, by name and for good", test_misfits},
		{"a record that makes no sense, or has another's address, is dropped", test_bad_records},
		{"a binding for which the data plane has no room is dropped whole", test_data_plane_refuses},
		{"without anything in the data plane all is put there again", test_new_data_plane},
		{"RFC 5845 3.3.2 the uplink key is the same, or the binding is dropped", test_keys},
		{"lifetimes go on by the wall clock, however it is set", test_clock},
		{"RFC 5213 5.3.5 so does MinDelayBeforeBCEDelete", test_clock_deregistered},
		{"RFC 5213 5.5 the node's newest timestamp outlives the session it came with", test_node_newest},
		{"the MAG that serves a restored binding is the one that may let it go", test_only_its_mag},
		{0},
	};
	// clang-format on

	return cu_main("lma store", tests, argc, argv);
}
