/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an LMA had begun to revoke, or owed, is not forgotten when it dies: it goes on, and no
 * refresh brings back what was ordered to end.
 */
#include "unit/lma/lma_life.h"

#include <errno.h>

static const struct mnid mn1 = {MNID_NAI, 15, (const uint8_t *)"mn1@example.com"};

static void start(struct life *f)
{
	life_init(f);
	f->b.cfg.binding_revocation = true;
	f->b.cfg.revocation = (struct revocation_cfg){
		REVOCATION_INIT_MIN_DELAY_MS, REVOCATION_MAX_TIMEOUT_MS, REVOCATION_MAX_RETRIES};
	bed_start(&f->b);
	set_store(f, 100);
}

static const struct bed_br *last_br(const struct bed *b)
{
	CU_ASSERT_FATAL(b->n_br > 0);
	return &b->br[(b->n_br - 1) % 4];
}

static void expect_bri(const struct bed *b, unsigned mag, uint8_t trigger, uint16_t flags)
{
	const struct bed_br *br = last_br(b);

	CU_ASSERT_EQUAL(br->msg.br.type, BR_INDICATION);
	CU_ASSERT_EQUAL(br->msg.br.code, trigger);
	CU_ASSERT_EQUAL(br->msg.br.flags, MH_BR_P | flags);
	CU_ASSERT(addr6_eq(&br->pkt.dst, &b->mags[mag].addr));
}

static void receive(struct bed *b, unsigned mag, const struct mh_msg *m)
{
	uint8_t buf[MH_MAX_LEN];
	int len = mh_encode(m, buf, sizeof(buf), &b->mags[mag].addr, &b->cfg.addrs[0]);

	CU_ASSERT_FATAL(len > 0);
	bed_send_raw(b, &b->mags[mag].addr, &b->cfg.addrs[0], buf, (size_t)len);
}

static void bra(struct bed *b, unsigned mag, uint8_t status)
{
	const struct mh_msg bri = last_br(b)->msg;
	struct mh_msg m;

	revocation_bra(&m, &bri, (enum bra_status)status);
	receive(b, mag, &m);
}

static int revoke(struct life *f, uint8_t trigger, bool ipv4_only)
{
	const struct lma_revoke_order o = {
		.id = mn1, .trigger = trigger, .ipv4_only = ipv4_only};

	return lma_revoke(f->b.l, &o, f->b.now);
}

static int request(struct life *f, unsigned mag, int hi, const struct prefix6 *hnp)
{
	struct pbu p = pbu(&f->b, mag);

	p.hi = hi;
	if (hnp)
		p.hnp[0] = *hnp;
	return bed_send(&f->b, &p);
}

/* Nothing of the life before is on its way any more. */
static void die(struct life *f)
{
	kill_it(f);
	f->b.n_br = 0;
	begin(f);
}

static void test_order(void)
{
	struct prefix6 hnp;
	struct life f;

	start(&f);
	hnp = bed_attach(&f.b, MAG1);
	settle(&f);
	store_set_window(f.st, 0);
	CU_ASSERT_EQUAL(revoke(&f, BR_ADMINISTRATIVE, false), 1);
	/* the MAG hears of it when it is on disk */
	CU_ASSERT_EQUAL(f.b.n_br, 0);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 1);
	bed_wait(&f.b, 500);

	die(&f);
	CU_ASSERT(bed_state(&f.b, "REVOKING"));
	CU_ASSERT_EQUAL(bed_forwards(&f.b, &hnp), -1);
	CU_ASSERT_EQUAL(f.b.n_br, 0); /* not before the loop runs */
	bed_wait(&f.b, 0);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 1);
	expect_bri(&f.b, MAG1, BR_ADMINISTRATIVE, 0);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "revocations_resumed"), 1);
	/* its MAG has not heard of it */
	CU_ASSERT_EQUAL(request(&f, MAG1, HI_NO_CHANGE, &hnp), NO_REPLY);
	CU_ASSERT(bed_state(&f.b, "REVOKING"));
	bra(&f.b, MAG1, BRA_NO_BINDING);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 0);
	CU_ASSERT_EQUAL(bed_used6(&f.b), 0);
	settle(&f);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), 0);

	die(&f);
	bed_wait(&f.b, 5000);
	CU_ASSERT_EQUAL(f.b.n_br, 0);
	down(&f);
}

static void test_order_unanswered(void)
{
	struct prefix6 hnp;
	struct life f;

	start(&f);
	hnp = bed_attach(&f.b, MAG1);
	revoke(&f, BR_ADMINISTRATIVE, false);
	settle(&f);
	die(&f);
	bed_wait(&f.b, 0);
	settle(&f);
	/* again, and once more */
	die(&f);
	bed_wait(&f.b, 2999);
	CU_ASSERT_EQUAL(f.b.n_br, 2);
	CU_ASSERT(bed_state(&f.b, "REVOKING"));
	CU_ASSERT_EQUAL(request(&f, MAG1, HI_NO_CHANGE, &hnp), NO_REPLY);
	bed_wait(&f.b, 1);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(f.b.dp), 0);
	down(&f);
}

static void test_order_elsewhere(void)
{
	struct life f;

	start(&f);
	bed_attach(&f.b, MAG1);
	revoke(&f, BR_ADMINISTRATIVE, false);
	settle(&f);
	/* another MAG gets a binding of its own, and the first is told on */
	CU_ASSERT_EQUAL(request(&f, MAG2, HI_BETWEEN_MAGS, NULL), PBA_ACCEPTED);
	settle(&f);
	CU_ASSERT(bed_at(&f.b, MAG2));
	die(&f);
	CU_ASSERT(bed_at(&f.b, MAG2));
	CU_ASSERT(bed_state(&f.b, "ACTIVE"));
	bed_wait(&f.b, 0);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 1);
	expect_bri(&f.b, MAG1, BR_ADMINISTRATIVE, 0);
	bra(&f.b, MAG1, BRA_SUCCESS);
	CU_ASSERT(bed_at(&f.b, MAG2));
	settle(&f);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), 1);
	/* the same before anything could be sent */
	revoke(&f, BR_ADMINISTRATIVE, false);
	settle(&f);
	die(&f);
	CU_ASSERT_EQUAL(request(&f, MAG1, HI_BETWEEN_MAGS, NULL), PBA_ACCEPTED);
	bed_wait(&f.b, 0);
	settle(&f);
	CU_ASSERT(bed_at(&f.b, MAG1));
	CU_ASSERT_EQUAL(f.b.n_br, 1);
	expect_bri(&f.b, MAG2, BR_ADMINISTRATIVE, 0);
	down(&f);
}

static void test_order_misfit(void)
{
	struct life f;

	start(&f);
	bed_attach(&f.b, MAG1);
	revoke(&f, BR_ADMINISTRATIVE, false);
	settle(&f);
	kill_it(&f);
	f.b.n_br = 0;
	f.b.cfg.binding_revocation = false;
	begin(&f);
	bed_wait(&f.b, 0);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 0);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 0);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), 0);
	down(&f);
}

static void test_ipv4(void)
{
	struct prefix6 hnp;
	struct in_addr a;
	struct life f;

	start(&f);
	a = bed_attach_dual(&f.b, MAG1);
	settle(&f);
	hnp = bed_hnp(&f.b);
	store_set_window(f.st, 0);
	CU_ASSERT_EQUAL(revoke(&f, BR_USER_TERMINATION, true), 1);
	CU_ASSERT_EQUAL(f.b.n_br, 0);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 1);
	die(&f);
	CU_ASSERT(bed_state(&f.b, "ACTIVE"));
	bed_wait(&f.b, 0);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 1);
	expect_bri(&f.b, MAG1, BR_USER_TERMINATION, MH_BR_V);
	bra(&f.b, MAG1, BRA_SUCCESS);
	CU_ASSERT_EQUAL(bed_forwards4(&f.b, a), -1);
	CU_ASSERT_EQUAL(bed_forwards(&f.b, &hnp), MAG1);
	settle(&f);
	die(&f);
	bed_wait(&f.b, 5000);
	CU_ASSERT_EQUAL(f.b.n_br, 0);
	CU_ASSERT_EQUAL(bed_forwards(&f.b, &hnp), MAG1);
	CU_ASSERT_EQUAL(bed_used4(&f.b), 0);
	down(&f);
}

/* Its MAG gives it back before it has answered. */
static void test_ipv4_given_back(void)
{
	struct in_addr a;
	struct life f;
	struct pbu p;

	start(&f);
	a = bed_attach_dual(&f.b, MAG1);
	CU_ASSERT_EQUAL(revoke(&f, BR_USER_TERMINATION, true), 1);
	settle(&f);
	p = pbu(&f.b, MAG1);
	p.hi = HI_UNKNOWN;
	p.lifetime = 0;
	p.n_hnp = 0;
	p.n_hoa4 = 0;
	pbu_ask4(&p, "0.0.0.0");
	p.hoa4[0] = a;
	CU_ASSERT_EQUAL(bed_send(&f.b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_used4(&f.b), 0);
	settle(&f);
	CU_ASSERT_EQUAL(store_counters(f.st).value[STORE_C_UNWRITABLE], 0);
	die(&f);
	bed_wait(&f.b, 5000);
	CU_ASSERT_EQUAL(f.b.n_br, 0);
	CU_ASSERT_EQUAL(bed_used4(&f.b), 0);
	CU_ASSERT(bed_state(&f.b, "ACTIVE"));
	down(&f);
}

static void test_moved(void)
{
	struct life f;

	start(&f);
	bed_attach(&f.b, MAG1);
	settle(&f);
	request(&f, MAG2, HI_BETWEEN_MAGS, NULL);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 1);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), 2);
	die(&f);
	bed_wait(&f.b, 0);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 1);
	expect_bri(&f.b, MAG1, BR_HANDOVER_SAME_ATT, 0);
	/* and again to the next that has not answered */
	request(&f, MAG3, HI_BETWEEN_MAGS, NULL);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 2);
	die(&f);
	bed_wait(&f.b, 0);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 2);
	bed_wait(&f.b, 10000);
	CU_ASSERT(bed_at(&f.b, MAG3));
	settle(&f);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), 1);
	down(&f);
}

static void test_moved_back(void)
{
	struct life f;

	start(&f);
	bed_attach(&f.b, MAG1);
	settle(&f);
	request(&f, MAG2, HI_BETWEEN_MAGS, NULL);
	settle(&f);
	die(&f);
	/* the node is back at the MAG that was to be told */
	request(&f, MAG1, HI_BETWEEN_MAGS, NULL);
	settle(&f);
	CU_ASSERT(bed_at(&f.b, MAG1));
	bed_wait(&f.b, 0);
	settle(&f);
	for (unsigned i = 0; i < f.b.n_br; i++)
		CU_ASSERT(addr6_eq(&f.b.br[i].pkt.dst, &f.b.mags[MAG2].addr));
	bed_wait(&f.b, 10000);
	CU_ASSERT(bed_at(&f.b, MAG1));
	settle(&f);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), 1);
	down(&f);
}

/* It comes back while the indication is outstanding: the repetition would end what it has got. */
static void test_back_while_told(void)
{
	struct life f;

	start(&f);
	bed_attach(&f.b, MAG1);
	settle(&f);
	request(&f, MAG2, HI_BETWEEN_MAGS, NULL);
	settle(&f);
	die(&f);
	bed_wait(&f.b, 0);
	settle(&f);
	expect_bri(&f.b, MAG1, BR_HANDOVER_SAME_ATT, 0);
	request(&f, MAG1, HI_BETWEEN_MAGS, NULL);
	settle(&f);
	CU_ASSERT(bed_at(&f.b, MAG1));
	CU_ASSERT_EQUAL(bed_counter(&f.b, "revocations_void"), 1);
	f.b.n_br = 0;
	bed_wait(&f.b, 10000);
	for (unsigned i = 0; i < f.b.n_br; i++)
		CU_ASSERT(addr6_eq(&f.b.br[i].pkt.dst, &f.b.mags[MAG2].addr));
	CU_ASSERT(bed_at(&f.b, MAG1));
	settle(&f);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), 1);
	down(&f);
}

/* Two handovers while nobody answers: the first MAG's indication hangs on no binding any more. */
static void test_back_at_the_first(void)
{
	struct life f;

	start(&f);
	bed_attach(&f.b, MAG1);
	settle(&f);
	request(&f, MAG2, HI_BETWEEN_MAGS, NULL);
	request(&f, MAG3, HI_BETWEEN_MAGS, NULL);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 2);
	request(&f, MAG1, HI_BETWEEN_MAGS, NULL);
	settle(&f);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "revocations_void"), 1);
	f.b.n_br = 0;
	bed_wait(&f.b, 10000);
	CU_ASSERT_EQUAL(f.b.n_br, 2); /* repetitions to the others */
	for (unsigned i = 0; i < f.b.n_br; i++)
		CU_ASSERT_FALSE(addr6_eq(&f.b.br[i].pkt.dst, &f.b.mags[MAG1].addr));
	CU_ASSERT(bed_at(&f.b, MAG1));
	down(&f);
}

static void two_nodes(struct life *f)
{
	struct pbu p;

	bed_attach(&f->b, MAG1);
	settle(f);
	p = pbu(&f->b, MAG1);
	p.mnid = "mn2@example.com";
	p.hi = HI_NEW_INTERFACE;
	p.llid[5] = 2;
	bed_send(&f->b, &p);
	settle(f);
	bed_wait(&f->b, 100);
}

static void test_global(void)
{
	struct life f;

	start(&f);
	two_nodes(&f);
	CU_ASSERT_EQUAL(lma_revoke_all(f.b.l, "mag1", NULL, f.b.now), 1);
	settle(&f);
	expect_bri(&f.b, MAG1, BR_PER_PEER_POLICY, MH_BR_G);
	bed_wait(&f.b, 500);
	die(&f);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 2);
	bed_wait(&f.b, 0);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 1);
	expect_bri(&f.b, MAG1, BR_PER_PEER_POLICY, MH_BR_G);
	bra(&f.b, MAG1, BRA_SUCCESS);
	settle(&f);
	/* the bindings end by and by: not all of them before it dies again */
	CU_ASSERT_EQUAL(lma_count(f.b.l), 2);
	die(&f);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 2);
	bed_wait(&f.b, 10);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 0);
	CU_ASSERT_EQUAL(f.b.n_br, 0);
	settle(&f);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), 0);
	down(&f);
}

static void test_realm(void)
{
	struct pbu p;
	struct life f;

	start(&f);
	two_nodes(&f);
	p = pbu(&f.b, MAG1);
	bed_profile(&f.b, "mn@elsewhere.example", NULL, NULL, 1);
	p.mnid = "mn@elsewhere.example";
	p.hi = HI_NEW_INTERFACE;
	p.llid[5] = 3;
	bed_send(&f.b, &p);
	settle(&f);
	CU_ASSERT_EQUAL(lma_revoke_all(f.b.l, "mag1", "example.com", f.b.now), 1);
	settle(&f);
	die(&f);
	bed_wait(&f.b, 0);
	settle(&f);
	expect_bri(&f.b, MAG1, BR_LOCAL_POLICY, MH_BR_G);
	bra(&f.b, MAG1, BRA_SUCCESS);
	settle(&f);
	die(&f);
	bed_wait(&f.b, 10);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 1);
	down(&f);
}

/* The machine starts again, too: what was registered after the order is of before its zero. */
static void test_doom_before_zero(void)
{
	struct pbu p;
	struct life f;

	start(&f);
	two_nodes(&f);
	lma_revoke_all(f.b.l, "mag1", NULL, f.b.now);
	settle(&f);
	bed_wait(&f.b, 500);
	/* its MAG has not heard of the indication, and is told that this is over */
	p = pbu(&f.b, MAG1);
	p.mnid = "mn2@example.com";
	p.hi = HI_NO_CHANGE;
	p.llid[5] = 2;
	bed_send(&f.b, &p);
	settle(&f);
	bed_wait(&f.b, 100);
	bra(&f.b, MAG1, BRA_SUCCESS);
	settle(&f);
	kill_it(&f);
	f.b.n_br = 0;
	f.b.wall0 += f.b.now + NSEC_PER_SEC;
	f.b.now = 1;
	begin(&f);
	bed_wait(&f.b, 10);
	settle(&f);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 0);
	CU_ASSERT_EQUAL(f.b.n_br, 1);
	expect_bri(&f.b, MAG1, BR_OUT_OF_SYNC, 0);
	down(&f);
}

static void test_withdrawn(void)
{
	struct mh_msg bri = {.type = MH_BINDING_REVOCATION};
	struct life f;

	life_init(&f);
	f.b.mags[MAG1].may_revoke = true;
	strcpy(f.b.mags[MAG1].identity, "mag1@example.com");
	f.b.cfg.binding_revocation = true;
	f.b.cfg.revocation = (struct revocation_cfg){
		REVOCATION_INIT_MIN_DELAY_MS, REVOCATION_MAX_TIMEOUT_MS, REVOCATION_MAX_RETRIES};
	bed_start(&f.b);
	set_store(&f, 100);
	two_nodes(&f);
	store_set_window(f.st, 0);
	bri.br.type = BR_INDICATION;
	bri.br.seq = 7;
	bri.br.code = BR_PER_PEER_POLICY;
	bri.br.flags = MH_BR_P | MH_BR_G;
	mh_opt_add(&bri, MHO_MN_ID)->mnid =
		(struct mnid){MNID_NAI, 16, (const uint8_t *)"mag1@example.com"};
	receive(&f.b, MAG1, &bri);
	/* the answer does not leave before it is on disk what it says */
	CU_ASSERT_EQUAL(f.b.n_br, 0);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 1);
	CU_ASSERT_EQUAL(last_br(&f.b)->msg.br.type, BR_ACKNOWLEDGEMENT);
	CU_ASSERT_EQUAL(last_br(&f.b)->msg.br.code, BRA_SUCCESS);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 2);
	die(&f);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 2);
	bed_wait(&f.b, 10);
	CU_ASSERT_EQUAL(lma_count(f.b.l), 0);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "withdrawn"), 2);
	CU_ASSERT_EQUAL(f.b.n_br, 0);
	down(&f);
}

static void test_mag_not_configured(void)
{
	struct life f;

	start(&f);
	bed_attach(&f.b, MAG1);
	settle(&f);
	request(&f, MAG2, HI_BETWEEN_MAGS, NULL);
	lma_revoke_all(f.b.l, "mag2", NULL, f.b.now);
	settle(&f);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), 3);
	kill_it(&f);
	f.b.n_br = 0;
	f.b.cfg.mags = f.b.mags + 2;
	f.b.cfg.n_mags = N_MAGS - 2;
	begin(&f);
	bed_wait(&f.b, 5000);
	settle(&f);
	CU_ASSERT_EQUAL(f.b.n_br, 0);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "revocations_forgone"), 2);
	CU_ASSERT_EQUAL(store_fake_count(f.disk), 0);
	down(&f);
}

static void test_junk(void)
{
	static const uint8_t junk[] = {RECORD_REVOCATION_VERSION, 9, 9};
	const uint8_t other = RECORD_REVOCATION_VERSION + 1;
	const struct store_record r = {STORE_REVOCATION, 1, junk, sizeof(junk)};
	const struct store_record next = {STORE_REVOCATION, 2, &other, 1};
	struct life f;

	start(&f);
	CU_ASSERT_EQUAL(lma_restore(f.b.l, &r, f.b.now), STORE_DROP);
	CU_ASSERT_EQUAL(lma_restore(f.b.l, &next, f.b.now), STORE_DROP);
	CU_ASSERT_EQUAL(bed_counter(&f.b, "revocations_forgone"), 2);
	down(&f);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"RFC 5846 8.1 a binding that is being revoked stays so, and its MAG is told again", test_order},
		{"a revoked binding does not come back, however often the LMA dies", test_order_unanswered},
		{"the MAG of a revoked binding is told on when the node is elsewhere", test_order_elsewhere},
		{"what cannot be told any more ends at once", test_order_misfit},
		{"RFC 5846 8.1 an IPv4 home address that is being revoked goes", test_ipv4},
		{"unless the node gave it back meanwhile", test_ipv4_given_back},
		{"RFC 5846 3.4.1 the MAG that a node left is told after all", test_moved},
		{"the node is back there before it is told: it is not", test_moved_back},
		{"the node is back there while it is being told: no repetition", test_back_while_told},
		{"the same where it left two MAGs meanwhile", test_back_at_the_first},
		{"RFC 5846 8.1 a global revocation goes on, and so does the end of its bindings", test_global},
		{"a revocation of a realm ends no other bindings", test_realm},
		{"a registration after the order is one, though the machine started again", test_doom_before_zero},
		{"RFC 5846 8.2 what a MAG was told that ended is on disk by then", test_withdrawn},
		{"MAGs that are not configured any more are told nothing", test_mag_not_configured},
		{"records that make no sense are dropped", test_junk},
		{0},
	};
	// clang-format on

	return cu_main("lma_resume", tests, argc, argv);
}
