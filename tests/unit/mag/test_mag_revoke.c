/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LMAs that revoke bindings of the MAG (RFC 5846 9.1): verdicts, consequences, repetitions. */
#include "mag_harness.h"

#define MN1    "02-00-00-00-00-01@example.com"
#define HOA    "10.1.0.5"
#define OTHER4 "10.1.0.6"

static const struct profile dual = {.enabled = true, .ipv4 = true, .local_routing = -1};
static const struct profile only4 = {.enabled = true, .ipv4 = true, .no_ipv6 = true, .local_routing = -1};

/* ---- the LMA's mouth */

static struct mh_msg last_bra;

/* The status of the acknowledgement at `from` among what was sent, which must be right in
 * everything else; -1: none. */
static int bra_at(struct bench *b, size_t from, const struct bri *a)
{
	struct in6_addr peer = ADDR(a->from ? a->from : LMA1);
	const struct sent *s = &b->sent[from];

	if (b->n_sent == from)
		return -1;
	CU_ASSERT_EQUAL_FATAL(s->msg.type, MH_BINDING_REVOCATION);
	CU_ASSERT_EQUAL(s->msg.br.type, BR_ACKNOWLEDGEMENT);
	CU_ASSERT_EQUAL(s->msg.br.seq, a->seq);
	CU_ASSERT_EQUAL(s->msg.br.flags,
			(a->no_p ? 0 : MH_BR_P) | (a->v ? MH_BR_V : 0) | (a->g ? MH_BR_G : 0));
	CU_ASSERT_TRUE(addr6_eq(&s->dst, &peer));
	CU_ASSERT_TRUE(addr_is_ip4(&s->src) || addr6_eq(&s->src, &b->cfg.proxy_coa));
	last_bra = s->msg;
	return s->msg.br.code;
}

/* The answer that comes at once, before anything else that is sent. */
static int revoke(struct bench *b, const struct bri *a)
{
	size_t before = b->n_sent;

	hear_bri(b, a);
	return bra_at(b, before, a);
}

static const struct mnid *nai(const char *s)
{
	static struct mnid id;

	id = NAI(s);
	return &id;
}

static uint64_t engine_counter(struct bench *b, const char *name)
{
	struct counter_set c = mag_revocation_counters(b->m);

	for (size_t i = 0; i < c.n; i++) {
		if (!strcmp(c.desc[i].name, name))
			return c.value[i];
	}
	CU_FAIL("no such counter");
	return 0;
}

/* Nothing but acknowledgements from that message on. */
static bool no_pbu_since(const struct bench *b, size_t from)
{
	for (; from < b->n_sent; from++) {
		if (b->sent[from].msg.type != MH_BINDING_REVOCATION)
			return false;
	}
	return true;
}

static int order(struct bench *b, unsigned i)
{
	struct mag_attachment a = attachment(7, i);

	a.cause = MAG_CAUSE_CONTROL;
	return mag_attach(b->m, &a, b->now);
}

/* Node 1 with prefix and IPv4 home address. */
static struct bench *bench_with(const struct profile *p)
{
	struct bench *b = bench_new();
	struct profile copy = *p;

	add_profile(b, &copy, MN1, 1);
	bench_start(b);
	CU_ASSERT_EQUAL_FATAL(attach(b, 7, 1), 0);
	accept_it(b);
	CU_ASSERT_FATAL(in_state(b, 1, "ACTIVE"));
	return b;
}

static void attach_with(struct bench *b, unsigned ifindex, unsigned i, const char *prefix)
{
	CU_ASSERT_EQUAL_FATAL(attach(b, ifindex, i), 0);
	answer(b, &(struct reply){.prefix = {prefix}});
}

/* ---- verdicts */

enum naming { NOTHING, BY_ID, BY_HNP, BY_HOA, BY_BOTH, BY_REALM, BY_OPAQUE, NAMINGS };

static struct bri ask_for(uint8_t trigger, unsigned flags, enum naming n)
{
	struct bri a = {.trigger = trigger,
			.no_p = !(flags & 1),
			.v = flags & 2,
			.g = flags & 4,
			.seq = 7};

	if (n != NOTHING)
		a.id = n == BY_REALM ? "@example.com" : MN1;
	if (n == BY_HNP || n == BY_BOTH)
		a.hnp[0] = HNP1;
	if (n == BY_HOA || n == BY_BOTH)
		a.hoa = HOA;
	if (n == BY_OPAQUE)
		a.subtype = 2;
	return a;
}

/* RFC 5846 6.2.1, 9.1 read line by line, for a node that has left and is served with both. */
static int expected(uint8_t trigger, unsigned flags, enum naming n)
{
	bool p = flags & 1, v = flags & 2, g = flags & 4;

	if (trigger > 7 && trigger != 128 && trigger != 129)
		return 133;
	if (!p || g != (trigger >= 128) || (g && v))
		return 134;
	if (trigger == 128)
		return n == NOTHING ? 0 : 134;
	if (trigger == 129)
		return n == BY_REALM ? 0 : 131;
	if (n == NOTHING || n == BY_OPAQUE)
		return 131;
	if (v) {
		if (n == BY_ID || n == BY_HNP || n == BY_REALM)
			return 129;
		return n == BY_BOTH ? 134 : 0;
	}
	if (n == BY_HOA || n == BY_BOTH)
		return 134;
	return n == BY_REALM ? 128 : 0;
}

static void test_verdicts(void)
{
	static const uint8_t triggers[] = {0, 1, 2, 3,	 4,   5,   6,	7,
					   8, 9, 64, 127, 128, 129, 130, 200, 249, 250, 255};

	for (size_t t = 0; t < sizeof(triggers); t++) {
		for (unsigned flags = 0; flags < 8; flags++) {
			for (enum naming n = NOTHING; n < NAMINGS; n++) {
				struct bench *b = bench_with(&dual);
				struct bri a = ask_for(triggers[t], flags, n);
				int want = expected(triggers[t], flags, n), got;
				char name[64];

				b->attached = false;
				got = revoke(b, &a);
				if (got != want)
					printf("trigger %u flags %u naming %u: %d, not %d\n",
					       triggers[t], flags, n, got, want);
				CU_ASSERT_EQUAL(got, want);
				CU_ASSERT_EQUAL(last_bra.n_opts, 0);
				/* a refusal changes nothing, a revocation sends no PBU */
				CU_ASSERT_EQUAL(in_state(b, 1, "ACTIVE"), want != 0 || a.v);
				CU_ASSERT_EQUAL(forwarding4(b, 0, HOA) == NULL, want == 0);
				CU_ASSERT_TRUE(no_pbu_since(b, 1));
				snprintf(name, sizeof(name), "bra_%d_", want);
				for (size_t i = 0; i < mag_counters(b->m).n; i++) {
					struct counter_set c = mag_counters(b->m);

					if (!strncmp(c.desc[i].name, name, strlen(name)))
						CU_ASSERT_EQUAL(c.value[i], 1);
				}
				bench_free(b);
			}
		}
	}
}

/* What the RFC has ignored does not matter, and what names other bindings does. */
static void test_naming(void)
{
	struct bench *b = bench_active();
	const struct bri stranger = {.id = "other@example.com"};
	const struct bri foreign = {.id = MN1, .hnp = {HNP2}};
	const struct bri elsewhere = {.id = MN1, .alt = "2001:db8:9::9"};
	const struct bri other_lma = {.id = MN1, .from = LMA2};
	const struct bri other_case = {.id = "02-00-00-00-00-01@EXAMPLE.com"};

	CU_ASSERT_EQUAL(revoke(b, &stranger), 128);
	CU_ASSERT_EQUAL(revoke(b, &foreign), 128);
	CU_ASSERT_EQUAL(revoke(b, &elsewhere), 128);
	CU_ASSERT_EQUAL(revoke(b, &other_lma), 128);
	CU_ASSERT_EQUAL(revoke(b, &other_case), 128);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = MN1, .hnp = {HNP1}, .alt = "2001:db8:1::1"}), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED"));
	bench_free(b);
}

static void test_several_bindings(void)
{
	struct bench *b = bench_new();
	struct profile p = {.enabled = true, .local_routing = -1, .n_macs = 3};

	for (unsigned i = 0; i < 3; i++)
		p.macs[i] = MAC(i + 1);
	add_profile(b, &p, "mn1@example.com", 0);
	bench_start(b);
	attach_with(b, 7, 1, HNP1);
	attach_with(b, 7, 2, HNP2);
	attach_with(b, 7, 3, HNP3);
	/* one; its prefix as others may write it */
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = "mn1@example.com", .hnp = {"2001:db8:100:2::/64"}, .seq = 1}), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_TRUE(in_state(b, 2, "REJECTED"));
	CU_ASSERT_TRUE(in_state(b, 3, "ACTIVE"));
	/* two, of which one is gone already: named in the answer */
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = "mn1@example.com", .hnp = {HNP2, HNP3}, .seq = 2}), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_TRUE(in_state(b, 3, "REJECTED"));
	CU_ASSERT_EQUAL_FATAL(last_bra.n_opts, 2);
	CU_ASSERT_TRUE(mnid_eq(&mh_opt(&last_bra, MHO_MN_ID)->mnid, nai("mn1@example.com")));
	CU_ASSERT_EQUAL(mh_opt(&last_bra, MHO_HNP)->hnp.prefix.addr.s6_addr[7], 2);
	/* both gone */
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = "mn1@example.com", .hnp = {HNP2, HNP3}, .seq = 3}), 128);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	CU_ASSERT_EQUAL(counter(b, "revoked"), 2);
	bench_free(b);
}

static void test_whole_node(void)
{
	struct bench *b = bench_new();
	struct profile p = {.enabled = true, .local_routing = -1, .n_macs = 2};

	p.macs[0] = MAC(1);
	p.macs[1] = MAC(2);
	add_profile(b, &p, "mn1@example.com", 0);
	bench_start(b);
	attach_with(b, 7, 1, HNP1);
	attach_with(b, 7, 2, HNP2);
	attach_with(b, 7, 9, HNP3);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = "mn1@example.com"}), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED") && in_state(b, 2, "REJECTED"));
	CU_ASSERT_TRUE(in_state(b, 9, "ACTIVE"));
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	bench_free(b);
}

/* ---- what a revocation does */

static void ended(struct bench *b, size_t n_sent)
{
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(b->downs, 1);
	CU_ASSERT_TRUE(last_call(b, CALL_WITHDRAW)->deprecate);
	CU_ASSERT_EQUAL(last_call(b, CALL_WITHDRAW)->dp_sessions, 0);
	CU_ASSERT_EQUAL(b->n_sent, n_sent);
}

static void test_quiet(void)
{
	static const uint8_t triggers[] = {0, 5, 6};

	for (size_t i = 0; i < sizeof(triggers); i++) {
		struct bench *b = bench_active();

		CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = triggers[i], .id = MN1}), 0);
		ended(b, 2);
		CU_ASSERT_EQUAL(calls(b, CALL_TEARDOWN), 1);
		CU_ASSERT_TRUE(in_state(b, 1, "REJECTED"));
		run_ms(b, 31000);
		CU_ASSERT_EQUAL(attach(b, 7, 1), -EPERM);
		run_ms(b, 2000);
		/* forgotten without a word to the LMA */
		CU_ASSERT_EQUAL(mag_count(b->m), 0);
		CU_ASSERT_EQUAL(b->n_sent, 2);
		CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
		CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
		CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
		bench_free(b);
	}
}

static void test_quiet_order(void)
{
	struct bench *b = bench_active();

	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 6, .id = MN1}), 0);
	CU_ASSERT_EQUAL(order(b, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	/* the prefix is the LMA's again: none is asked for by name */
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	bench_free(b);
}

static void test_administrative(void)
{
	struct bench *b = bench_active();

	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 1, .id = MN1}), 0);
	ended(b, 2);
	CU_ASSERT_EQUAL(calls(b, CALL_TEARDOWN), 1);
	run_ms(b, 3600000);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	CU_ASSERT_EQUAL(attach(b, 7, 1), -EPERM);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(order(b, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(b->n_sent, 3);
	bench_free(b);
}

static void test_administrative_absent(void)
{
	struct bench *b = bench_active();

	b->attached = false;
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 1, .id = MN1}), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	/* nobody to be barred: no entry for ever */
	run_ms(b, 33000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

static void test_out_of_sync(void)
{
	struct bench *b = bench_active();

	b->confirm_at_once = true;
	/* revoke() sees that the answer comes before the new registration */
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 7, .id = MN1}), 0);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_EQUAL(last_sent(b)->msg.type, MH_BU);
	CU_ASSERT_EQUAL(opt_value(&last_sent(b)->msg, MHO_HANDOFF_IND), HI_UNKNOWN);
	CU_ASSERT_TRUE(prefix6_is_zero(&mh_opt(&last_sent(b)->msg, MHO_HNP)->hnp.prefix));
	CU_ASSERT_EQUAL(b->downs, 1);
	CU_ASSERT_EQUAL(calls(b, CALL_TEARDOWN), 0);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(b->ups, 2);
	bench_free(b);
}

static void test_out_of_sync_trigger(void)
{
	struct bench *b = bench_active();

	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 7, .id = MN1}), 0);
	ended(b, 2);
	CU_ASSERT_TRUE(in_state(b, 1, "REASSERTING"));
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(b->n_sent, 3);
	bench_free(b);
}

static void test_out_of_sync_gone(void)
{
	for (unsigned how = 0; how < 3; how++) {
		struct bench *b = bench_active();

		b->attached = how != 0;
		CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 7, .id = MN1}), 0);
		if (how == 1)
			CU_ASSERT_EQUAL(detach_node(b, 7, 1), 0);
		run_ms(b, 40000);
		CU_ASSERT_EQUAL(mag_count(b->m), 0);
		/* there is nothing to be de-registered */
		CU_ASSERT_EQUAL(b->n_sent, 2);
		bench_free(b);
	}
}

/* ---- the node has moved, or has it? */

static void test_handover_left(void)
{
	for (uint8_t t = 2; t <= 4; t++) {
		struct bench *b = bench_active();

		b->attached = false;
		CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = t, .id = MN1}), 0);
		ended(b, 2);
		CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 0);
		CU_ASSERT_EQUAL(mag_count(b->m), 0);
		/* back again: registered at once */
		b->attached = true;
		run_ms(b, 2000);
		CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
		CU_ASSERT_EQUAL(b->n_sent, 3);
		bench_free(b);
	}
}

/* The node went, the answer that said so was lost, and before the LMA repeats its question the node
 * is back. */
static void test_handover_back(void)
{
	struct bench *b = bench_active();
	const struct bri a = {.trigger = 4, .id = MN1, .seq = 77};

	b->attached = false;
	CU_ASSERT_EQUAL(revoke(b, &a), 0);
	run_ms(b, 400);
	CU_ASSERT_EQUAL(revoke(b, &a), 0);
	b->attached = true;
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	run_ms(b, 600);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	b->confirm_at_once = true;
	CU_ASSERT_EQUAL(revoke(b, &a), 132);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(revoke(b, &a), 132);
	bench_free(b);
}

static void test_handover_here(void)
{
	for (uint8_t t = 2; t <= 4; t++) {
		struct bench *b = bench_active();
		const struct bri a = {.trigger = t, .id = MN1, .seq = 77};

		b->confirm_at_once = true;
		CU_ASSERT_EQUAL(revoke(b, &a), 132);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		CU_ASSERT_EQUAL(b->downs, 0);
		/* the answer is lost */
		CU_ASSERT_EQUAL(revoke(b, &a), 132);
		CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
		CU_ASSERT_EQUAL(counter(b, "bri_repeated"), 1);
		bench_free(b);
	}
}

/* The link remembers a node that has left without a word. */
static void test_handover_silent(void)
{
	struct bench *b = bench_active();
	const struct bri a = {.trigger = 4, .id = MN1, .hnp = {HNP1}, .seq = 9};

	CU_ASSERT_EQUAL(revoke(b, &a), -1);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
	run_ms(b, 500);
	CU_ASSERT_EQUAL(revoke(b, &a), -1);
	CU_ASSERT_EQUAL(counter(b, "bri_repeated_early"), 1);
	CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	run_ms(b, 299);
	CU_ASSERT_EQUAL(b->n_sent, 1);
	run_ms(b, 1);
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(bra_at(b, 1, &a), 0);
	ended(b, 2);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(revoke(b, &a), 0);
	bench_free(b);
}

static void test_handover_late_answer(void)
{
	struct bench *b = bench_active();
	const struct bri a = {.trigger = 4, .id = MN1};

	CU_ASSERT_EQUAL(revoke(b, &a), -1);
	run_ms(b, 300);
	confirm(b, 7, 1);
	CU_ASSERT_EQUAL(bra_at(b, 1, &a), 132);
	run_ms(b, 5000);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

static void test_handover_trigger(void)
{
	struct bench *b = bench_active();
	const struct bri a = {.trigger = 4, .id = MN1};

	CU_ASSERT_EQUAL(revoke(b, &a), -1);
	/* it solicits: here, and perhaps back from elsewhere */
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL(bra_at(b, 1, &a), 132);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	bench_free(b);
}

static void test_handover_moved_here(void)
{
	struct bench *b = bench_active();
	const struct bri a = {.trigger = 4, .id = MN1};

	CU_ASSERT_EQUAL(revoke(b, &a), -1);
	CU_ASSERT_EQUAL(attach(b, 8, 1), 0);
	CU_ASSERT_EQUAL(bra_at(b, 1, &a), 132);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	bench_free(b);
}

static void test_handover_detached(void)
{
	struct bench *b = bench_active();
	const struct bri a = {.trigger = 4, .id = MN1};

	CU_ASSERT_EQUAL(revoke(b, &a), -1);
	run_ms(b, 200);
	CU_ASSERT_EQUAL(detach_node(b, 7, 1), 0);
	CU_ASSERT_EQUAL(bra_at(b, 1, &a), 0);
	/* the LMA knows: no de-registration */
	ended(b, 2);
	run_ms(b, 5000);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

/* Two interfaces here, one of which answers: the answer is about the node. */
static void test_handover_one_of_two(void)
{
	for (unsigned how = 0; how < 2; how++) {
		struct bench *b = bench_new();
		struct profile p = {.enabled = true, .local_routing = -1, .n_macs = 2};
		const struct bri a = {.trigger = 4, .id = "mn1@example.com"};

		p.macs[0] = MAC(1);
		p.macs[1] = MAC(2);
		add_profile(b, &p, "mn1@example.com", 0);
		bench_start(b);
		attach_with(b, 7, 1, HNP1);
		attach_with(b, 7, 2, HNP2);
		CU_ASSERT_EQUAL(revoke(b, &a), -1);
		CU_ASSERT_EQUAL(calls(b, CALL_VERIFY), 2);
		if (how) {
			/* the first is lost, with a word to the LMA as things stand */
			CU_ASSERT_EQUAL(detach_node(b, 7, 1), 0);
			CU_ASSERT_EQUAL(b->n_sent, 3);
			CU_ASSERT_EQUAL(detach_node(b, 7, 2), 0);
			CU_ASSERT_EQUAL(bra_at(b, 3, &a), 0);
			CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
		} else {
			confirm(b, 7, 2);
			CU_ASSERT_EQUAL(bra_at(b, 2, &a), 132);
			CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE") && in_state(b, 2, "ACTIVE"));
		}
		run_ms(b, 5000);
		bench_free(b);
	}
}

/* The LMA asks anew with another number, or for another reason. */
static void test_handover_overtaken(void)
{
	struct bench *b = bench_active();
	const struct bri first = {.trigger = 4, .id = MN1, .seq = 1}, second = {.trigger = 4, .id = MN1, .seq = 2};
	const struct bri third = {.trigger = 1, .id = MN1, .seq = 3};

	CU_ASSERT_EQUAL(revoke(b, &first), -1);
	CU_ASSERT_EQUAL(revoke(b, &second), -1);
	run_ms(b, 700);
	CU_ASSERT_EQUAL(revoke(b, &third), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	run_ms(b, 0);
	/* what waited for the node is told as well */
	CU_ASSERT_EQUAL(bra_at(b, 2, &second), 0);
	run_ms(b, 5000);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	CU_ASSERT_TRUE(in_state(b, 1, "BARRED"));
	bench_free(b);
}

static void test_handover_configuration(void)
{
	struct bench *b = bench_active();
	const struct bri a = {.trigger = 4, .id = MN1};
	const char *why;

	/* its LMA goes while a node is being asked after */
	CU_ASSERT_EQUAL(revoke(b, &a), -1);
	CU_ASSERT_EQUAL(mag_detach_mnid(b->m, nai(MN1), "gone", b->now), 0);
	run_ms(b, 2000);
	b->cfg.lmas = &b->lmas[1];
	b->cfg.n_lmas = 1;
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), 0);
	CU_ASSERT_EQUAL(revoke(b, &a), -1);
	bench_free(b);
	/* or everything does */
	b = bench_active();
	CU_ASSERT_EQUAL(revoke(b, &a), -1);
	bench_free(b);
}

/* ---- in each state of the session */

static void to_active(struct bench *b)
{
	accept_it(b);
}

static void to_verifying(struct bench *b)
{
	accept_it(b);
	run_ms(b, 2700000);
}

static void to_refreshing(struct bench *b)
{
	accept_it(b);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
}

static void to_reasserting(struct bench *b)
{
	to_refreshing(b);
	answer_status(b, PBA_TIMESTAMP_LOWER);
}

static void to_stalled(struct bench *b)
{
	to_refreshing(b);
	answer(b, &(struct reply){.hi = HI_BETWEEN_MAGS});
}

static void to_backoff(struct bench *b)
{
	to_refreshing(b);
	answer_status(b, PBA_REASON_UNSPECIFIED);
}

static void to_rejected(struct bench *b)
{
	to_refreshing(b);
	answer_status(b, PBA_NOT_LMA_FOR_THIS_MN);
}

static void to_barred(struct bench *b)
{
	to_refreshing(b);
	answer_status(b, PBA_ADMIN_PROHIBITED);
}

static void to_deregistering(struct bench *b)
{
	accept_it(b);
	run_ms(b, 5000);
	CU_ASSERT_EQUAL(detach_node(b, 7, 1), 0);
}

static void to_rollback(struct bench *b)
{
	dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	accept_it(b);
}

static void to_rejected_at_once(struct bench *b)
{
	answer_status(b, PBA_NOT_LMA_FOR_THIS_MN);
}

static void to_returning(struct bench *b)
{
	struct link_node n = node_at(7, 1);

	accept_it(b);
	CU_ASSERT_EQUAL(mag_release_ipv4(b->m, &n, ADDR4(HOA), "dhcp-release", b->now), 0);
}

static void nowhere(struct bench *b)
{
}

static const struct phase {
	const char *state;
	void (*to)(struct bench *b);
	bool bound;
	/* after triggers 0, 1, 4 of a node that has left, 7 of one that is here; NULL: gone */
	const char *after[4];
} phases[] = {
	{"REGISTERING", nowhere, true, {"REJECTED", "BARRED", NULL, "REASSERTING"}},
	{"ACTIVE", to_active, true, {"REJECTED", "BARRED", NULL, "REASSERTING"}},
	{"VERIFYING", to_verifying, true, {"REJECTED", "BARRED", NULL, "REASSERTING"}},
	{"REFRESHING", to_refreshing, true, {"REJECTED", "BARRED", NULL, "REASSERTING"}},
	{"REASSERTING", to_reasserting, true, {"REJECTED", "BARRED", NULL, "REASSERTING"}},
	{"RETURNING_IPV4", to_returning, true, {"REJECTED", "BARRED", NULL, "REASSERTING"}},
	{"STALLED", to_stalled, true, {"REJECTED", "BARRED", NULL, "REASSERTING"}},
	{"BACKOFF", to_backoff, true, {"REJECTED", "BARRED", NULL, "REASSERTING"}},
	{"REJECTED", to_rejected, true, {"REJECTED", "BARRED", "REJECTED", "REJECTED"}},
	{"BARRED", to_barred, true, {"BARRED", "BARRED", "BARRED", "BARRED"}},
	{"ROLLBACK", to_rollback, true, {"REJECTED", "BARRED", NULL, "BACKOFF"}},
	{"DEREGISTERING", to_deregistering, true, {NULL, NULL, NULL, NULL}},
	{"REJECTED", to_rejected_at_once, false, {"REJECTED", "REJECTED", "REJECTED", "REJECTED"}},
};

static void in_phase(const struct phase *p, unsigned k)
{
	static const uint8_t triggers[] = {0, 1, 4, 7};
	struct bench *b = bench_new();
	struct profile copy = dual;
	size_t n;

	add_profile(b, &copy, MN1, 1);
	bench_start(b);
	CU_ASSERT_EQUAL_FATAL(attach(b, 7, 1), 0);
	p->to(b);
	if (!in_state(b, 1, p->state))
		printf("not in %s\n", p->state);
	CU_ASSERT_FATAL(in_state(b, 1, p->state));
	n = b->n_sent;
	b->attached = k != 2;
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = triggers[k], .id = MN1}), p->bound ? 0 : 128);
	if (p->after[k]) {
		if (!in_state(b, 1, p->after[k]))
			printf("%s, trigger %u: not in %s\n", p->state, triggers[k], p->after[k]);
		CU_ASSERT_TRUE(in_state(b, 1, p->after[k]));
	} else {
		CU_ASSERT_EQUAL(mag_count(b->m), 0);
	}
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(counter(b, "revoked"), p->bound);
	/* an answer that comes now is nobody's */
	if (b->sent[n - 1].msg.bu.lifetime) {
		answer(b, &(struct reply){.to = &b->sent[n - 1]});
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
		CU_ASSERT_EQUAL(b->ups, b->downs);
	}
	/* nothing is asked for, nor given back */
	b->attached = false;
	run_ms(b, 300000);
	CU_ASSERT_TRUE(no_pbu_since(b, n));
	bench_free(b);
}

static void test_each_state(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		for (unsigned k = 0; k < 4; k++)
			in_phase(&phases[i], k);
	}
}

static void test_released(void)
{
	struct bench *b = bench_active();

	CU_ASSERT_EQUAL(detach_node(b, 7, 1), 0);
	accept_it(b);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = MN1}), 128);
	run_ms(b, 2000);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = MN1, .seq = 1}), 128);
	bench_free(b);
}

/* A registration that MAX_UPDATE_RATE holds back has not been sent: no LMA can mean it. */
static void test_unsent(void)
{
	struct bench *b = bench_active();

	CU_ASSERT_EQUAL(detach_node(b, 7, 1), 0);
	accept_it(b);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	accept_it(b);
	b->attached = false;
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 4, .id = MN1}), 0);
	b->attached = true;
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_EQUAL(b->n_sent, 4);
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 1, .id = MN1, .seq = 1}), 128);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(b->n_sent, 6);
	accept_it(b);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	bench_free(b);
}

/* A refresh whose answer was lost, revoked, and the node still here: its LMA hears nothing more
 * though the timer of the retransmission was running. */
static void test_open_request(void)
{
	struct bench *b = bench_active();

	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REFRESHING"));
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = MN1}), 0);
	run_ms(b, 31000);
	CU_ASSERT_EQUAL(b->n_sent, 3);
	CU_ASSERT_EQUAL(counter(b, "pbu_retransmitted"), 0);
	bench_free(b);
}

/* ---- IPv4 alone */

static void test_ipv4_only(void)
{
	for (uint8_t t = 0; t <= 7; t++) {
		struct bench *b = bench_with(&dual);
		const struct call *ad;

		b->attached = t < 2 || t > 4;
		CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = t, .v = true, .id = MN1, .hoa = HOA}), 0);
		CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
		CU_ASSERT_PTR_NULL(forwarding4(b, 0, HOA));
		CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
		ad = last_call(b, CALL_ADVERTISE);
		CU_ASSERT_EQUAL(ad->n_prefixes, 1);
		CU_ASSERT_EQUAL(ad->valid_s, 3600);
		CU_ASSERT_FALSE(home4_is_set(&ad->home4));
		CU_ASSERT_EQUAL(calls(b, CALL_WITHDRAW), 0);
		CU_ASSERT_EQUAL(b->downs, 0);
		CU_ASSERT_EQUAL(b->n_sent, 2);
		CU_ASSERT_EQUAL(counter(b, "revoked_ipv4"), 1);
		CU_ASSERT_EQUAL(counter(b, "revoked"), 0);
		CU_ASSERT_EQUAL(shown(b, 1).b.home4.addr.s_addr, 0);
		bench_free(b);
	}
}

static int dhcp_asks(struct bench *b)
{
	struct mag_attachment a = attachment(7, 1);

	a.wants_ipv4 = true;
	a.cause = "dhcp";
	return mag_attach(b->m, &a, b->now);
}

static bool last_asks4(struct bench *b)
{
	return last_sent(b)->msg.type == MH_BU && mh_opt(&last_sent(b)->msg, MHO_IPV4_HOA_REQUEST);
}

static void test_ipv4_again(void)
{
	struct bench *b;

	/* out of sync: when the node asks */
	b = bench_with(&dual);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 7, .v = true, .id = MN1, .hoa = HOA}), 0);
	CU_ASSERT_EQUAL(attach(b, 7, 1), 0);
	CU_ASSERT_FALSE(last_asks4(b));
	accept_it(b);
	CU_ASSERT_EQUAL(dhcp_asks(b), 0);
	CU_ASSERT_TRUE(last_asks4(b));
	accept_it(b);
	CU_ASSERT_PTR_NOT_NULL(forwarding4(b, 0, HOA));
	bench_free(b);
	/* terminated: when it asks after a while */
	b = bench_with(&dual);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 5, .v = true, .id = MN1, .hoa = HOA}), 0);
	run_ms(b, 31000);
	CU_ASSERT_EQUAL(dhcp_asks(b), 0);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	run_ms(b, 2000);
	CU_ASSERT_EQUAL(dhcp_asks(b), 0);
	CU_ASSERT_TRUE(last_asks4(b));
	bench_free(b);
	/* by the administration: when the operator says so */
	b = bench_with(&dual);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 1, .v = true, .id = MN1, .hoa = HOA}), 0);
	run_ms(b, 600000);
	CU_ASSERT_EQUAL(dhcp_asks(b), 0);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_EQUAL(order(b, 1), 0);
	CU_ASSERT_TRUE(last_asks4(b));
	bench_free(b);
}

static void test_ipv4_differs(void)
{
	struct bench *b = bench_with(&dual);

	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.v = true, .id = MN1, .hoa = OTHER4}), 128);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.v = true, .id = MN1, .hoa = "0.0.0.0"}), 128);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.v = true, .id = "mn2@example.com", .hoa = HOA}), 128);
	CU_ASSERT_PTR_NOT_NULL(forwarding4(b, 0, HOA));
	bench_free(b);
}

static void test_ipv4_all_there_is(void)
{
	static const char *const after[] = {"REJECTED", "BARRED", NULL, NULL, NULL, "REJECTED", "REJECTED", "REASSERTING"};

	for (uint8_t t = 0; t <= 7; t++) {
		struct bench *b = bench_with(&only4);

		b->attached = t < 2 || t > 4;
		CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = t, .v = true, .id = MN1, .hoa = HOA}), 0);
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
		CU_ASSERT_EQUAL(b->downs, 1);
		CU_ASSERT_TRUE(after[t] ? in_state(b, 1, after[t]) : mag_count(b->m) == 0);
		CU_ASSERT_EQUAL(b->n_sent, 2);
		bench_free(b);
	}
}

static void test_ipv4_states(void)
{
	static void (*const to[])(struct bench *b) = {to_verifying, to_refreshing, to_stalled, to_reasserting};
	static const char *const state[] = {"VERIFYING", "REFRESHING", "STALLED", "REASSERTING"};

	for (unsigned i = 0; i < 4; i++) {
		struct bench *b = bench_new();
		struct profile copy = dual;

		add_profile(b, &copy, MN1, 1);
		bench_start(b);
		CU_ASSERT_EQUAL_FATAL(attach(b, 7, 1), 0);
		to[i](b);
		CU_ASSERT_FATAL(in_state(b, 1, state[i]));
		CU_ASSERT_EQUAL(revoke(b, &(struct bri){.v = true, .id = MN1, .hoa = HOA}), 0);
		CU_ASSERT_TRUE(in_state(b, 1, state[i]));
		CU_ASSERT_PTR_NULL(forwarding4(b, 0, HOA));
		CU_ASSERT_EQUAL(forwarding(b, HNP1) != NULL, i != 3);
		bench_free(b);
	}
}

/* The node and the LMA give the address back at the same time. */
static void test_ipv4_crosses(void)
{
	struct bench *b = bench_with(&dual);
	struct link_node n = node_at(7, 1);

	CU_ASSERT_EQUAL(mag_release_ipv4(b->m, &n, ADDR4(HOA), "dhcp-release", b->now), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "RETURNING_IPV4"));
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.v = true, .id = MN1, .hoa = HOA}), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_PTR_NOT_NULL(forwarding(b, HNP1));
	/* what is gone is not named when the session ends */
	run_ms(b, 5000);
	CU_ASSERT_EQUAL(detach_node(b, 7, 1), 0);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_PTR_NULL(mh_opt(&last_sent(b)->msg, MHO_IPV4_HOA_REQUEST));
	bench_free(b);
}

static void test_ipv4_deregistering(void)
{
	struct bench *b = bench_with(&dual);

	run_ms(b, 5000);
	CU_ASSERT_EQUAL(detach_node(b, 7, 1), 0);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.v = true, .id = MN1, .hoa = HOA}), 0);
	/* the rest goes its way */
	CU_ASSERT_TRUE(in_state(b, 1, "DEREGISTERING"));
	run_ms(b, 2000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	bench_free(b);
}

static void test_ipv4_dp_fails(void)
{
	void (*const to[])(struct bench *b) = {to_active, to_verifying};

	for (unsigned i = 0; i < 2; i++) {
		struct bench *b = bench_new();
		struct profile copy = dual;

		add_profile(b, &copy, MN1, 1);
		bench_start(b);
		CU_ASSERT_EQUAL_FATAL(attach(b, 7, 1), 0);
		to[i](b);
		dp_fake_fail(b->fake, DP_FAKE_SESSION_PUT, 1, ENOSPC);
		CU_ASSERT_EQUAL(revoke(b, &(struct bri){.v = true, .id = MN1, .hoa = HOA}), 0);
		CU_ASSERT_TRUE(in_state(b, 1, "ROLLBACK"));
		CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
		bench_free(b);
	}
}

static void test_ipv4_handover(void)
{
	struct bench *b = bench_with(&dual);
	const struct bri a = {.trigger = 4, .v = true, .id = MN1, .hoa = HOA};

	CU_ASSERT_EQUAL(revoke(b, &a), -1);
	CU_ASSERT_EQUAL(detach_node(b, 7, 1), 0);
	CU_ASSERT_EQUAL(bra_at(b, 1, &a), 0);
	/* IPv4 went that way, the prefixes go the usual one */
	CU_ASSERT_EQUAL_FATAL(b->n_sent, 3);
	CU_ASSERT_EQUAL(last_sent(b)->msg.bu.lifetime, 0);
	CU_ASSERT_TRUE(in_state(b, 1, "DEREGISTERING"));
	bench_free(b);
}

/* ---- many at once */

/* `n` nodes from 1 on, each with a prefix; those whose number is odd in realm example.com, others
 * in its sub-realm. */
static struct bench *bench_crowd(unsigned n)
{
	struct bench *b = bench_new();
	char prefix[64], id[64];

	b->cfg.max_bindings = 10000;
	b->forgetful = true;
	bench_start(b);
	for (unsigned i = 1; i <= n; i++) {
		struct mag_attachment a = attachment(7, i);
		struct mnid named;

		snprintf(id, sizeof(id), "mn%u@%sexample.com", i, i & 1 ? "" : "sub.");
		named = NAI(id);
		a.mnid = &named;
		CU_ASSERT_EQUAL_FATAL(mag_attach(b->m, &a, b->now), 0);
		snprintf(prefix, sizeof(prefix), "2001:db8:101:%x::/64", i);
		answer(b, &(struct reply){.prefix = {prefix}});
	}
	CU_ASSERT_EQUAL_FATAL(dp_fake_sessions(b->fake), n);
	return b;
}

static const struct bri per_peer = {.trigger = 128, .g = true, .seq = 1000};

static void test_per_peer(void)
{
	struct bench *b = bench_crowd(1000);
	size_t left;

	b->n_sent = 0;
	CU_ASSERT_EQUAL(revoke(b, &per_peer), 0);
	/* answered once, ended a few at a time */
	CU_ASSERT_EQUAL(b->n_sent, 1);
	left = dp_fake_sessions(b->fake);
	CU_ASSERT_TRUE(left >= 800 && left < 1000);
	CU_ASSERT_EQUAL(revoke(b, &per_peer), 0);
	CU_ASSERT_EQUAL(counter(b, "bri_repeated"), 1);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), left);
	run_ms(b, 100);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(counter(b, "revoked"), 1000);
	CU_ASSERT_EQUAL(b->downs, 1000);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	CU_ASSERT_TRUE(in_state(b, 1000, "REJECTED"));
	run_ms(b, 40000);
	CU_ASSERT_EQUAL(mag_count(b->m), 0);
	CU_ASSERT_EQUAL(b->n_sent, 2);
	bench_free(b);
}

/* While it waits for its turn, a session whose node makes itself heard ends first. */
static void test_per_peer_meanwhile(void)
{
	struct bench *b = bench_crowd(600);
	struct link_node n = node_at(7, 599);
	const char *why;

	b->n_sent = 0;
	CU_ASSERT_EQUAL(revoke(b, &per_peer), 0);
	CU_ASSERT_TRUE(in_state(b, 600, "ACTIVE"));
	CU_ASSERT_EQUAL(attach(b, 7, 600), -EPERM);
	CU_ASSERT_TRUE(in_state(b, 600, "REJECTED"));
	mag_confirmed(b->m, &n, b->now);
	CU_ASSERT_TRUE(in_state(b, 599, "REJECTED"));
	CU_ASSERT_EQUAL(detach_node(b, 7, 598), 0);
	CU_ASSERT_TRUE(in_state(b, 598, "REJECTED"));
	CU_ASSERT_EQUAL(mag_detach_mnid(b->m, nai("mn597@example.com"), MAG_CAUSE_CONTROL, b->now), 0);
	CU_ASSERT_FALSE(in_state(b, 597, "ACTIVE"));
	/* it moves */
	{
		struct mag_attachment a = attachment(8, 595);

		a.mnid = nai("mn595@example.com");
		CU_ASSERT_EQUAL(mag_attach(b->m, &a, b->now), -EPERM);
		CU_ASSERT_TRUE(in_state(b, 595, "REJECTED"));
	}
	/* of this one the LMA says so twice */
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = "mn593@example.com"}), 128);
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), 0);
	run_ms(b, 200);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	CU_ASSERT_EQUAL(counter(b, "revoked"), 600);
	CU_ASSERT_TRUE(no_pbu_since(b, 0));
	bench_free(b);
	/* and when everything ends */
	b = bench_crowd(300);
	CU_ASSERT_EQUAL(revoke(b, &per_peer), 0);
	bench_free(b);
}

static void test_per_peer_whose(void)
{
	struct bench *b = bench_new();
	struct profile p = {.enabled = true, .local_routing = -1, .lmaa = ADDR(LMA2)};

	add_profile(b, &p, "mn2@example.com", 2);
	bench_start(b);
	attach_with(b, 7, 1, HNP1);
	attach_with(b, 7, 2, HNP2);
	attach_with(b, 7, 3, HNP3);
	run_ms(b, 5000);
	/* one is leaving, one is coming */
	CU_ASSERT_EQUAL(detach_node(b, 7, 3), 0);
	CU_ASSERT_EQUAL(attach(b, 7, 4), 0);
	CU_ASSERT_EQUAL(revoke(b, &per_peer), 0);
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED"));
	CU_ASSERT_TRUE(in_state(b, 2, "ACTIVE"));
	CU_ASSERT_FALSE(in_state(b, 3, "DEREGISTERING"));
	/* what the LMA says to its registration is newer */
	CU_ASSERT_TRUE(in_state(b, 4, "REGISTERING"));
	/* it has none left: as good as done */
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 128, .g = true, .from = LMA2, .seq = 1}), 0);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 128, .g = true, .from = LMA2, .seq = 2}), 0);
	CU_ASSERT_TRUE(in_state(b, 2, "REJECTED"));
	bench_free(b);
}

static void test_realm(void)
{
	struct bench *b = bench_crowd(20);
	const char *const bad[] = {"@", "example.com", "mn1@example.com", "@nowhere.org", "@ample.com", "@xample.com"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 129, .g = true, .id = bad[i]}), 131);
	CU_ASSERT_EQUAL(
		revoke(b, &(struct bri){.trigger = 129, .g = true, .id = "@example.com", .alt = "2001:db8:9::9"}), 131);
	CU_ASSERT_EQUAL(
		revoke(b, &(struct bri){.trigger = 129, .g = true, .id = "@example.com", .hnp = {HNP1}}), 131);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 129, .g = true, .id = "@example.com", .from = LMA2}),
			131);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 20);
	CU_ASSERT_EQUAL(
		revoke(b, &(struct bri){.trigger = 129, .g = true, .id = "@Example.COM", .alt = "2001:db8:1::1"}), 0);
	for (unsigned i = 1; i <= 20; i++)
		CU_ASSERT_TRUE(in_state(b, i, i & 1 ? "REJECTED" : "ACTIVE"));
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 129, .g = true, .id = "@sub.example.com"}), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 0);
	bench_free(b);
}

/* ---- repetitions, strangers, floods */

static void test_repeated(void)
{
	struct bench *b = bench_active();
	const struct bri a = {.trigger = 1, .id = MN1, .hnp = {HNP1, HNP2}, .seq = 400};
	struct bri other = a;

	CU_ASSERT_EQUAL(revoke(b, &a), 1);
	run_ms(b, 1000);
	CU_ASSERT_EQUAL(revoke(b, &a), 1);
	CU_ASSERT_EQUAL(b->sent[1].len, b->sent[2].len);
	CU_ASSERT_EQUAL(memcmp(b->sent[1].buf, b->sent[2].buf, b->sent[1].len), 0);
	CU_ASSERT_EQUAL(counter(b, "bri_repeated"), 1);
	CU_ASSERT_EQUAL(counter(b, "bra_1_partial_success"), 1);
	/* registered again: the old indication has nothing to do with it */
	CU_ASSERT_EQUAL(order(b, 1), 0);
	accept_it(b);
	CU_ASSERT_EQUAL(revoke(b, &a), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	/* another one that happens to have its number, or another LMA's */
	other.hnp[1] = NULL;
	other.from = LMA2;
	CU_ASSERT_EQUAL(revoke(b, &other), 128);
	other.from = NULL;
	CU_ASSERT_EQUAL(revoke(b, &other), 0);
	/* nothing is remembered for ever */
	run_ms(b, 9000);
	CU_ASSERT_EQUAL(revoke(b, &other), 0);
	run_ms(b, 1001);
	CU_ASSERT_EQUAL(revoke(b, &other), 128);
	bench_free(b);
}

static void test_repeated_bounded(void)
{
	struct bench *b = bench_crowd(300);
	char id[64];

	for (unsigned i = 1; i <= 300; i++) {
		snprintf(id, sizeof(id), "mn%u@%sexample.com", i, i & 1 ? "" : "sub.");
		b->n_sent = 0;
		CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = id, .seq = (uint16_t)i}), 0);
	}
	b->n_sent = 0;
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = "mn45@example.com", .seq = 45}), 0);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = "mn43@example.com", .seq = 43}), 128);
	bench_free(b);
}

static void test_forged(void)
{
	struct bench *b = bench_active();

	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = MN1, .from = "2001:db8:6::6"}), -1);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.trigger = 128, .g = true, .from = "2001:db8:6::6"}), -1);
	CU_ASSERT_EQUAL(engine_counter(b, "stranger"), 2);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = MN1, .at = "2001:db8:1::2"}), -1);
	CU_ASSERT_EQUAL(counter(b, "bri_ignored_path"), 1);
	/* of a type that does not exist, and an answer to nothing */
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = MN1, .type = 3}), -1);
	CU_ASSERT_EQUAL(engine_counter(b, "malformed"), 1);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = MN1, .type = BR_ACKNOWLEDGEMENT}), -1);
	CU_ASSERT_EQUAL(engine_counter(b, "acknowledgement_unmatched"), 1);
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_EQUAL(b->n_sent, 1);
	bench_free(b);
}

static void test_flood(void)
{
	struct bench *b = bench_crowd(150);
	unsigned answers = 0;

	b->n_sent = 0;
	for (unsigned i = 0; i < 300; i++) {
		b->n_sent = 0;
		answers += revoke(b, &(struct bri){.id = "nobody@example.com", .seq = (uint16_t)i}) == 128;
	}
	CU_ASSERT_EQUAL(answers, 100);
	CU_ASSERT_EQUAL(counter(b, "bri_rate_limited"), 200);
	/* what has effect is answered in any case, and the other LMA is not concerned */
	for (unsigned i = 1; i < 150; i += 2) {
		char id[64];

		snprintf(id, sizeof(id), "mn%u@example.com", i);
		b->n_sent = 0;
		CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = id, .seq = (uint16_t)(1000 + i)}), 0);
	}
	b->n_sent = 0;
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = "nobody@example.com", .from = LMA2}), 128);
	CU_ASSERT_EQUAL(revoke(b, &(struct bri){.id = "mn1@example.com", .seq = 1001}), -1);
	run_ms(b, 50);
	answers = 0;
	for (unsigned i = 0; i < 10; i++) {
		b->n_sent = 0;
		answers += revoke(b, &(struct bri){.id = "nobody@example.com", .seq = (uint16_t)i}) == 128;
	}
	CU_ASSERT_EQUAL(answers, 5);
	bench_free(b);
}

static void test_ipv4_transport(void)
{
	struct bench *b = bench_new();
	const struct bri a = {.id = MN1, .from = "192.0.2.1", .at = "192.0.2.9", .port = 5436};
	struct bri elsewhere = a;

	b->lmas[0].addr = ADDR("192.0.2.1");
	b->cfg.n_lmas = 1;
	b->cfg.proxy_coa = (struct in6_addr){0};
	b->cfg.ipv4_proxy_coa = ADDR("192.0.2.9");
	bench_start(b);
	CU_ASSERT_EQUAL_FATAL(attach(b, 7, 1), 0);
	accept_it(b);
	elsewhere.port = 4000;
	CU_ASSERT_EQUAL(revoke(b, &elsewhere), -1);
	CU_ASSERT_EQUAL(counter(b, "bri_ignored_path"), 1);
	CU_ASSERT_EQUAL(revoke(b, &a), 0);
	CU_ASSERT_EQUAL(last_sent(b)->port, 5436);
	CU_ASSERT_TRUE(addr6_eq(&last_sent(b)->src, &b->cfg.ipv4_proxy_coa));
	CU_ASSERT_TRUE(in_state(b, 1, "REJECTED"));
	bench_free(b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"R-3 R-4 R-5 R-20 R-21 R-23 (RFC 5846 6.2.1, 9.1): every trigger, flag and naming has its status", test_verdicts},
		{"R-4 (RFC 5846 6.2.1): what names no binding of that LMA is answered 128", test_naming},
		{"R-24 R-42 (RFC 5846 9.1): prefixes name bindings; partial success names those that were gone", test_several_bindings},
		{"R-10 (RFC 5846 8.1): the MN-Identifier alone names all bindings of the node", test_whole_node},
		{"RFC 5846 9.1: after triggers 0, 5 and 6 a node is not heard for the quiet time", test_quiet},
		{"RFC 5846 9.1: an order lifts the quiet time; prefixes are not asked for by name", test_quiet_order},
		{"RFC 5846 9.1: after trigger 1 a node is barred until an order", test_administrative},
		{"RFC 5846 9.1: a node that had left is not barred for ever", test_administrative_absent},
		{"RFC 5846 9.1: after trigger 7 a node that is here is registered anew, behind the answer", test_out_of_sync},
		{"RFC 5846 9.1: after trigger 7 a trigger of the node registers it", test_out_of_sync_trigger},
		{"RFC 5846 9.1: after trigger 7 a node that is gone is not de-registered", test_out_of_sync_gone},
		{"R-22 (RFC 5846 9.1): triggers 2 to 4 of a node that left end its session at once", test_handover_left},
		{"R-22 (RFC 5846 9.1): also when it had left, and the answer to that was lost", test_handover_back},
		{"R-22 (RFC 5846 9.1): triggers 2 to 4 of a node that is here are answered 132", test_handover_here},
		{"R-22 (RFC 5846 9.1): a node that does not answer the probe has left", test_handover_silent},
		{"R-22 (RFC 5846 9.1): the answer waits for the probe", test_handover_late_answer},
		{"R-22 (RFC 5846 9.1): a trigger shows as well that the node is here", test_handover_trigger},
		{"R-22 (RFC 5846 9.1): a node on another link of the MAG is here", test_handover_moved_here},
		{"R-22 (RFC 5846 9.1): a node that the link loses meanwhile has left", test_handover_detached},
		{"R-22 (RFC 5846 9.1): of two interfaces one that is here suffices for 132", test_handover_one_of_two},
		{"R-22 (RFC 5846 9.1): a newer indication takes the place of one that waits", test_handover_overtaken},
		{"R-22 (RFC 5846 9.1): one that waits outlives neither its LMA nor the MAG", test_handover_configuration},
		{"RFC 5846 9.1: in every state of the session, and no Proxy Binding Update follows", test_each_state},
		{"R-4 (RFC 5846 6.2.1): a binding that was given back does not exist", test_released},
		{"R-4 (RFC 5846 6.2.1): a registration that was not sent yet is no binding", test_unsent},
		{"RFC 5846 9.1: an open request is not repeated", test_open_request},
		{"R-23 (RFC 5846 9.1): V takes the IPv4 home address and leaves the prefixes", test_ipv4_only},
		{"R-23 (RFC 5846 9.1): when the address is asked for again depends on the trigger", test_ipv4_again},
		{"R-23 (RFC 5846 9.1): another IPv4 home address is answered 128", test_ipv4_differs},
		{"R-23 (RFC 5846 9.1): without prefixes the session ends", test_ipv4_all_there_is},
		{"R-23 (RFC 5846 9.1): V in other states leaves them as they are", test_ipv4_states},
		{"R-23 (RFC 5846 9.1): V crosses a selective de-registration", test_ipv4_crosses},
		{"R-23 (RFC 5846 9.1): V crosses a de-registration", test_ipv4_deregistering},
		{"R-23 (RFC 5846 9.1): what cannot be forwarded without IPv4 is given back", test_ipv4_dp_fails},
		{"R-22 R-23 (RFC 5846 9.1): V for a node that leaves", test_ipv4_handover},
		{"R-20 (RFC 5846 9.1): per-peer policy is answered once and ends all, a few at a time", test_per_peer},
		{"R-20 (RFC 5846 9.1): what happens to sessions that wait for their end", test_per_peer_meanwhile},
		{"R-20 (RFC 5846 9.1): per-peer policy ends that LMA's bindings and no others", test_per_peer_whose},
		{"R-21 R-14 (RFC 5846 8.1, 9.1): a realm is exact, with an Alternate Care-of Address of ours", test_realm},
		{"R-5 (RFC 5846 6.3): a repeated indication gets the same answer", test_repeated},
		{"R-5 (RFC 5846 6.3): as many answers are remembered as there is room for", test_repeated_bounded},
		{"R-3 (RFC 5846 6.2): strangers and strays change nothing and get no answer", test_forged},
		{"RFC 5846 6.1.2: answers without effect have a pace, others have none", test_flood},
		{"R-8 (RFC 5846 4, RFC 5844 4): IPv4 transport, answered to the port", test_ipv4_transport},
		{0},
	};
	return cu_main("mag revoke", tests, argc, argv);
}
