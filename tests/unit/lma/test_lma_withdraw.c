/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5846 8.2: the LMA as responder. */
#include "lma_harness.h"

#define ID "mn1@example.com"

struct bri {
	uint8_t trigger;
	uint16_t flags;
	const char *id; /* NULL: no MN-ID option */
	uint8_t subtype;
	const struct prefix6 *hnp[3];
	struct in_addr hoa4;
	const struct in6_addr *coa;
};

static void start(struct bed *b)
{
	bed_init(b);
	bed_add_profile(b, ID, (struct profile){.ipv4 = true});
	b->cfg.binding_revocation = true;
	b->mags[MAG1].may_revoke = true;
	strcpy(b->mags[MAG1].identity, "mag1@example.net");
	strcpy(b->mags[MAG4A].identity, "mag1@example.net"); /* its other address */
	bed_start(b);
}

static void send_from(struct bed *b, const struct in6_addr *src, const struct bri *i)
{
	struct mh_msg m = {
		.type = MH_BINDING_REVOCATION,
		.br = {BR_INDICATION, i->trigger, 4711, i->flags},
	};
	uint8_t buf[MH_MAX_LEN];
	int len;

	if (i->id)
		mh_opt_add(&m, MHO_MN_ID)->mnid =
			(struct mnid){i->subtype ? i->subtype : MNID_NAI, (uint8_t)strlen(i->id),
				      (const uint8_t *)i->id};
	for (unsigned k = 0; k < 3 && i->hnp[k]; k++)
		mh_opt_add(&m, MHO_HNP)->hnp.prefix = *i->hnp[k];
	if (i->hoa4.s_addr) {
		struct mh_opt *o = mh_opt_add(&m, MHO_IPV4_HOA_REQUEST);

		o->hoa4.addr = i->hoa4;
		o->hoa4.len = 24;
	}
	if (i->coa)
		mh_opt_add(&m, MHO_ALT_COA)->addr = *i->coa;
	len = mh_encode(&m, buf, sizeof(buf), src, &b->cfg.addrs[0]);
	CU_ASSERT_FATAL(len > 0);
	bed_send_raw(b, src, &b->cfg.addrs[0], buf, (size_t)len);
}

/* The status of the answer; -1: none. */
static int withdraw(struct bed *b, unsigned mag, const struct bri *i)
{
	const unsigned before = b->n_br;
	const struct bed_br *br = &b->br[before % 4];

	send_from(b, &b->mags[mag].addr, i);
	if (b->n_br == before)
		return -1;
	CU_ASSERT_EQUAL(b->n_br, before + 1);
	CU_ASSERT_EQUAL(br->msg.br.type, BR_ACKNOWLEDGEMENT);
	CU_ASSERT_EQUAL(br->msg.br.seq, 4711);
	CU_ASSERT_EQUAL(br->msg.br.flags, i->flags);
	CU_ASSERT(addr6_eq(&br->pkt.dst, &b->mags[mag].addr));
	CU_ASSERT(addr6_eq(&br->pkt.src, &b->cfg.addrs[0]));
	return br->msg.br.code;
}

static struct prefix6 attach(struct bed *b, unsigned mag, const char *id, uint8_t interface)
{
	struct pbu p = pbu(b, mag);

	p.mnid = id;
	p.hi = HI_NEW_INTERFACE;
	p.llid[5] = interface;
	CU_ASSERT_EQUAL_FATAL(bed_send(b, &p), PBA_ACCEPTED);
	return bed_hnp(b);
}

static const struct bri all = {BR_PER_PEER_POLICY, MH_BR_P | MH_BR_G, "mag1@example.net"};
static const struct bri node = {BR_NETWORK_TERMINATION, MH_BR_P, ID};

static void test_all(void)
{
	struct bed b;

	start(&b);
	attach(&b, MAG1, ID, 1);
	attach(&b, MAG1, "mn2@example.com", 2);
	attach(&b, MAG2, "mn3@example.com", 3);
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &all), BRA_SUCCESS);
	bed_wait(&b, 1);
	attach(&b, MAG1, ID, 1); /* who comes after it stays */
	bed_wait(&b, 100);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT(bed_at(&b, MAG1));
	CU_ASSERT_EQUAL(bed_counter(&b, "withdrawn"), 2);
	CU_ASSERT_EQUAL(b.n_br, 1);
	bed_down(&b);
}

static void test_all_unauthorized(void)
{
	struct bed b;
	struct bri i;

	start(&b);
	attach(&b, MAG1, ID, 1);
	attach(&b, MAG2, "mn2@example.com", 2);
	bed_forget(&b);
	CU_ASSERT_EQUAL(withdraw(&b, MAG2, &all), BRA_GLOBAL_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_REFUSED), 1);
	i = all;
	i.id = NULL;
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_GLOBAL_NOT_AUTHORIZED);
	i.id = "mag2@example.net";
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_GLOBAL_NOT_AUTHORIZED);
	i = all;
	i.subtype = 2;
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_GLOBAL_NOT_AUTHORIZED);
	/* in another MAG's name */
	i = all;
	i.coa = &b.mags[MAG2].addr;
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_GLOBAL_NOT_AUTHORIZED);
	bed_wait(&b, 100);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT_EQUAL(bed_counter(&b, "withdrawal_refused"), 5);
	bed_down(&b);
}

static void test_all_of_other_address(void)
{
	struct bed b;
	struct bri i = all;

	start(&b);
	attach(&b, MAG1, ID, 1);
	attach(&b, MAG4A, "mn2@example.com", 2);
	i.coa = &b.mags[MAG4A].addr;
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_SUCCESS);
	bed_wait(&b, 100);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT(bed_at(&b, MAG1));
	bed_down(&b);
}

static void test_node(void)
{
	struct bed b;

	start(&b);
	attach(&b, MAG1, ID, 1);
	attach(&b, MAG1, ID, 2);
	attach(&b, MAG2, ID, 3);
	attach(&b, MAG1, "mn2@example.com", 4);
	CU_ASSERT_EQUAL(withdraw(&b, MAG3, &node), BRA_NO_BINDING);
	CU_ASSERT_EQUAL(lma_count(b.l), 4);
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &node), BRA_SUCCESS);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT(bed_at(&b, MAG2));
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &node), BRA_NO_BINDING); /* they are gone */
	bed_down(&b);
}

static void test_named(void)
{
	struct bed b;
	struct prefix6 one, two, three, others, nobodys = prefix("2001:db8:100:ffff::/64");
	struct bri i = node;
	const struct mh_msg *m;

	start(&b);
	one = attach(&b, MAG1, ID, 1);
	two = attach(&b, MAG1, ID, 2);
	three = attach(&b, MAG2, ID, 3);
	others = attach(&b, MAG1, "mn2@example.com", 4);
	i.hnp[0] = &one;
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_SUCCESS);
	CU_ASSERT_EQUAL(b.br[(b.n_br - 1) % 4].msg.n_opts, 0);
	CU_ASSERT_EQUAL(lma_count(b.l), 3);
	CU_ASSERT_EQUAL(bed_forwards(&b, &one), -1);
	/* one of three is there and theirs */
	i.hnp[0] = &one;
	i.hnp[1] = &two;
	i.hnp[2] = &three;
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_PARTIAL_SUCCESS);
	m = &b.br[(b.n_br - 1) % 4].msg;
	CU_ASSERT_EQUAL_FATAL(mh_opt_count(m, MHO_HNP), 2);
	CU_ASSERT_EQUAL(mh_opt_count(m, MHO_MN_ID), 1);
	CU_ASSERT(prefix6_eq(&mh_opt_nth(m, MHO_HNP, 0)->hnp.prefix, &one));
	CU_ASSERT(prefix6_eq(&mh_opt_nth(m, MHO_HNP, 1)->hnp.prefix, &three));
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	/* another's, and nobody's */
	i = node;
	i.hnp[0] = &others;
	i.hnp[1] = &nobodys;
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_NO_BINDING);
	CU_ASSERT_EQUAL(b.br[(b.n_br - 1) % 4].msg.n_opts, 0);
	CU_ASSERT_EQUAL(bed_forwards(&b, &three), MAG2);
	CU_ASSERT_EQUAL(bed_forwards(&b, &others), MAG1);
	bed_down(&b);
}

static void test_ipv4(void)
{
	struct bed b;
	struct bri i = node;
	struct in_addr a;
	struct prefix6 hnp;

	start(&b);
	a = bed_attach_dual(&b, MAG1);
	hnp = bed_hnp(&b);
	i.flags |= MH_BR_V;
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_IPV4_HOA_REQUIRED);
	i.hoa4 = ip4("10.0.0.77");
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_NO_BINDING);
	i.hoa4 = a;
	CU_ASSERT_EQUAL(withdraw(&b, MAG2, &i), BRA_NO_BINDING);
	CU_ASSERT_EQUAL(bed_forwards4(&b, a), MAG1);
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_SUCCESS);
	CU_ASSERT_EQUAL(bed_forwards4(&b, a), -1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &hnp), MAG1);
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_NO_BINDING);
	/* without prefixes the binding goes; MN-ID alone takes both families */
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &node), BRA_SUCCESS);
	i.hoa4 = bed_attach4(&b, MAG1);
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_SUCCESS);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_attach_dual(&b, MAG1);
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &node), BRA_SUCCESS);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(bed_used4(&b), 0);
	bed_down(&b);
}

static void test_refused(void)
{
	static const struct {
		struct bri bri;
		int status;
	} t[] = {
		{{BR_ADMINISTRATIVE, 0, ID},				     BRA_NO_BINDING		   },
		{{BR_PER_PEER_POLICY, MH_BR_G, "mag1@example.net"},	    BRA_NO_BINDING		  },
		{{BR_ADMINISTRATIVE, MH_BR_P, NULL},			     BRA_NO_BINDING		   },
		{{BR_ADMINISTRATIVE, MH_BR_P, ID, 2},			      BRA_NO_BINDING	    },
		{{77, MH_BR_P, ID},					  BRA_TRIGGER_NOT_SUPPORTED },
		{{250, MH_BR_P | MH_BR_G, "mag1@example.net"},	       BRA_TRIGGER_NOT_SUPPORTED },
		{{BR_ADMINISTRATIVE, MH_BR_P | MH_BR_G, "mag1@example.net"},
		 BRA_FUNCTION_NOT_SUPPORTED							    },
		{{BR_PER_PEER_POLICY, MH_BR_P, ID},			    BRA_FUNCTION_NOT_SUPPORTED},
		{{BR_LOCAL_POLICY, MH_BR_P | MH_BR_G, "@example.com"},       BRA_TRIGGER_NOT_SUPPORTED },
	};
	struct bed b;

	start(&b);
	attach(&b, MAG1, ID, 1);
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		CU_ASSERT_EQUAL(withdraw(&b, MAG1, &t[i].bri), t[i].status);
	bed_wait(&b, 100);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT(bed_state(&b, "ACTIVE"));
	bed_down(&b);
}

static void test_stranger(void)
{
	struct bed b;
	const struct in6_addr bad = addr("2001:db8:bad::1");

	start(&b);
	attach(&b, MAG1, ID, 1);
	send_from(&b, &bad, &node);
	send_from(&b, &bad, &all);
	bed_wait(&b, 100);
	CU_ASSERT_EQUAL(b.n_br, 0);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	CU_ASSERT_EQUAL(lma_revocation_counters(b.l).value[REV_C_STRANGER], 2);
	bed_down(&b);
}

/* Both ends at once: the LMA's own indication needs no answer any more. */
static void test_crossing(void)
{
	struct bed b;
	const struct mnid id = {MNID_NAI, sizeof(ID) - 1, (const uint8_t *)ID};

	start(&b);
	attach(&b, MAG1, ID, 1);
	CU_ASSERT_EQUAL(lma_delete(b.l, &id, b.now), 1);
	CU_ASSERT(bed_state(&b, "REVOKING"));
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &node), BRA_SUCCESS);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	bed_wait(&b, 10000);
	bed_down(&b);
}

static void test_held(void)
{
	struct bed b;
	struct pbu p;

	start(&b);
	bed_attach_unnamed(&b, MAG1);
	p = pbu(&b, MAG2);
	p.has_llid = false;
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &node), BRA_SUCCESS);
	bed_wait(&b, 1);
	CU_ASSERT_EQUAL(lma_count(b.l), 1); /* who waited for it does so no longer */
	CU_ASSERT(bed_at(&b, MAG2));
	bed_down(&b);
}

/* RFC 5846 has no status for it: the MAG asks again. */
static void test_ipv4_fails(void)
{
	struct bri i = {BR_USER_TERMINATION, MH_BR_P | MH_BR_V, ID};
	struct prefix6 hnp;
	struct bed b;

	start(&b);
	i.hoa4 = bed_attach_dual(&b, MAG1);
	hnp = bed_hnp(&b);
	dp_fake_fail(b.dp, DP_FAKE_SESSION_PUT, 1, ENOMEM);
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), -1);
	CU_ASSERT_EQUAL(bed_forwards4(&b, i.hoa4), MAG1);
	CU_ASSERT_EQUAL(bed_used4(&b), 1);
	CU_ASSERT_EQUAL(withdraw(&b, MAG1, &i), BRA_SUCCESS);
	CU_ASSERT_EQUAL(bed_forwards4(&b, i.hoa4), -1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &hnp), MAG1);
	CU_ASSERT_EQUAL(bed_used4(&b), 0);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"R-41 RFC 5846 8.2 a MAG that may withdraws all its bindings", test_all},
		{"R-41 RFC 5846 8.2, 13 without authorization, identity or the MN-ID option: 130", test_all_unauthorized},
		{"R-41 RFC 5846 8.2 the bindings at another address of the same MAG", test_all_of_other_address},
		{"R-42 RFC 5846 8.2 (1) all bindings of a node, at that MAG", test_node},
		{"R-42 R-24 RFC 5846 8.2 (2), (3) bindings named by prefixes, partial success", test_named},
		{"R-42 RFC 5846 8.2 (4) the IPv4 home address alone", test_ipv4},
		{"R-1 R-4 R-5 RFC 5846 6.2.1 what is refused, and how", test_refused},
		{"R-3 strangers are counted and get no answer", test_stranger},
		{"indications cross", test_crossing},
		{"a request that waits for a withdrawn binding becomes a new session", test_held},
		{"R-15 an IPv4 home address that cannot be taken: no answer, and the next time it can", test_ipv4_fails},
		{0},
	};
	// clang-format on

	return cu_main("lma_withdraw", tests, argc, argv);
}
