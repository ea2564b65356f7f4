/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5844 3.1.2.2 to 3.1.2.5: both families in one session, one added, one released. */
#include "unit/lma/lma_harness.h"

#include <errno.h>

/* What the node has, in cache and data plane; "" for none. */
static void check_node(struct bed *b, unsigned mag, const char *hnp, const char *hoa)
{
	struct bed_pick pick;

	CU_ASSERT_EQUAL_FATAL(lma_count(b->l), 1);
	CU_ASSERT_FATAL(bed_binding(b, "mn1@example.com", 0, &pick));
	CU_ASSERT_STRING_EQUAL(pick.b.state, "ACTIVE");
	CU_ASSERT(bed_at(b, mag));
	CU_ASSERT_EQUAL(pick.b.n_prefixes, hnp[0] ? 1 : 0);
	CU_ASSERT_EQUAL(bed_used6(b), pick.b.n_prefixes);
	CU_ASSERT_EQUAL(bed_used4(b), home4_is_set(&pick.b.home4));
	if (hnp[0] && pick.b.n_prefixes) {
		const struct prefix6 p = prefix(hnp);

		CU_ASSERT(prefix6_eq(&pick.b.prefixes[0], &p));
		CU_ASSERT_EQUAL(bed_forwards(b, &p), (int)mag);
	}
	if (hoa[0]) {
		CU_ASSERT_EQUAL(pick.b.home4.addr.s_addr, ip4(hoa).s_addr);
		CU_ASSERT_EQUAL(pick.b.home4.len, 24);
		CU_ASSERT_EQUAL(bed_forwards4(b, ip4(hoa)), (int)mag);
	} else {
		CU_ASSERT(!home4_is_set(&pick.b.home4));
	}
	CU_ASSERT_EQUAL(dp_fake_sessions(b->dp), 1);
	CU_ASSERT_EQUAL(dp_fake_peers(b->dp), 1);
}

#define HNP "2001:db8:100::/64"
#define HOA "10.0.0.2"

static void test_dual(void)
{
	struct bed b;

	bed_up4(&b);
	CU_ASSERT_EQUAL(dp_fake_pools4(b.dp), 1);
	CU_ASSERT_EQUAL(bed_attach_dual(&b, MAG1).s_addr, ip4(HOA).s_addr);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 1);
	check_node(&b, MAG1, HNP, HOA);
	CU_ASSERT_EQUAL(bed_saw(&b, EV_SESSION_UP), 1);
	bed_down(&b);
}

static void test_only4(void)
{
	struct bed b;

	bed_up4(&b);
	CU_ASSERT_EQUAL(bed_attach4(&b, MAG1).s_addr, ip4(HOA).s_addr);
	CU_ASSERT(!bed_has(&b, MHO_HNP));
	check_node(&b, MAG1, "", HOA);
	bed_down(&b);
}

static void test_only6(void)
{
	struct bed b;

	bed_up4(&b);
	bed_attach(&b, MAG1);
	CU_ASSERT(!bed_has(&b, MHO_IPV4_HOA_REPLY));
	CU_ASSERT(!bed_has(&b, MHO_IPV4_DEFAULT_ROUTER));
	CU_ASSERT(!bed_has(&b, MHO_IPV4_DHCP_MODE));
	check_node(&b, MAG1, HNP, "");
	bed_down(&b);
}

static void test_retransmission(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	for (unsigned i = 0; i < 3; i++) { /* the reply was lost: the MAG knows no address yet */
		p = pbu(&b, MAG1);
		p.hi = HI_NEW_INTERFACE;
		pbu_ask4(&p, "0.0.0.0");
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
		CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_SUCCESS).s_addr, ip4(HOA).s_addr);
		check_node(&b, MAG1, HNP, HOA);
	}
	CU_ASSERT_EQUAL(bed_counter(&b, "ipv4_added"), 0);
	bed_down(&b);
}

static void test_refresh(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = pbu(&b, MAG1);
	p.hi = HI_NO_CHANGE;
	pbu_prefix(&p, HNP);
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	check_node(&b, MAG1, HNP, HOA);
	/* no handoff: whoever forgets a family does not give it up */
	p = pbu(&b, MAG1);
	p.hi = HI_NO_CHANGE;
	pbu_prefix(&p, HNP);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(!bed_has(&b, MHO_IPV4_HOA_REPLY));
	check_node(&b, MAG1, HNP, HOA);
	p = pbu(&b, MAG1);
	p.hi = HI_NO_CHANGE;
	p.n_hnp = 0;
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(!bed_has(&b, MHO_HNP));
	check_node(&b, MAG1, HNP, HOA);
	bed_down(&b);
}

static void test_add4(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach(&b, MAG1);
	p = pbu(&b, MAG1);
	p.hi = HI_NO_CHANGE;
	pbu_prefix(&p, HNP);
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_SUCCESS).s_addr, ip4(HOA).s_addr);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 1);
	check_node(&b, MAG1, HNP, HOA);
	CU_ASSERT_EQUAL(bed_counter(&b, "ipv4_added"), 1);
	bed_down(&b);
}

static void test_add4_refused(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach(&b, MAG1);
	p = pbu(&b, MAG1);
	p.hi = HI_NO_CHANGE;
	pbu_prefix(&p, HNP);
	pbu_ask4(&p, "192.168.0.9");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_AUTHORIZED_FOR_IPV4_HOA);
	check_node(&b, MAG1, HNP, "");
	bed_down(&b);
}

static void test_add6(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach4(&b, MAG1);
	p = pbu(&b, MAG1);
	p.hi = HI_NO_CHANGE;
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 1);
	check_node(&b, MAG1, HNP, HOA);
	CU_ASSERT_EQUAL(bed_counter(&b, "ipv6_added"), 1);
	bed_down(&b);
}

static void test_add4_at_handoff(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	p.hi = HI_BETWEEN_MAGS;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	check_node(&b, MAG2, HNP, HOA);
	bed_down(&b);
}

static void test_handoff(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = pbu(&b, MAG2);
	p.hi = HI_BETWEEN_MAGS;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_SUCCESS).s_addr, ip4(HOA).s_addr);
	check_node(&b, MAG2, HNP, HOA);
	CU_ASSERT_EQUAL(dp_fake_by_addr4(b.dp, DP_ANCHOR, 0, ip4(HOA))->moves, 1);
	CU_ASSERT_EQUAL(bed_counter(&b, "ipv4_released") + bed_counter(&b, "ipv6_released"), 0);
	bed_down(&b);
}

static void test_handoff_drops4(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = pbu(&b, MAG2);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	check_node(&b, MAG2, HNP, "");
	CU_ASSERT_PTR_NULL(dp_fake_by_addr4(b.dp, DP_ANCHOR, 0, ip4(HOA)));
	CU_ASSERT_EQUAL(bed_counter(&b, "ipv4_released"), 1);
	bed_down(&b);
}

static void test_handoff_drops6(void)
{
	const struct prefix6 hnp = prefix(HNP);
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = pbu(&b, MAG2);
	p.hi = HI_BETWEEN_MAGS;
	p.n_hnp = 0;
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(!bed_has(&b, MHO_HNP));
	check_node(&b, MAG2, "", HOA);
	CU_ASSERT_PTR_NULL(dp_fake_by_prefix(b.dp, DP_ANCHOR, &hnp));
	CU_ASSERT_EQUAL(bed_counter(&b, "ipv6_released"), 1);
	bed_down(&b);
}

static void test_handoff_swaps(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach(&b, MAG1);
	p = pbu(&b, MAG2);
	p.hi = HI_BETWEEN_MAGS;
	p.n_hnp = 0;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	check_node(&b, MAG2, "", HOA);
	bed_down(&b);
}

static struct pbu let_go(struct bed *b, unsigned mag)
{
	struct pbu p = pbu(b, mag);

	p.lifetime = 0;
	p.n_hnp = 0;
	return p;
}

static void test_release4(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = let_go(&b, MAG1);
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.lifetime, 0);
	CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_SUCCESS).s_addr, ip4(HOA).s_addr);
	CU_ASSERT(!bed_has(&b, MHO_HNP));
	CU_ASSERT(bed_has(&b, MHO_IPV4_DEFAULT_ROUTER)); /* the status is 0 */
	CU_ASSERT(!bed_has(&b, MHO_IPV4_DHCP_MODE));
	check_node(&b, MAG1, HNP, "");
	CU_ASSERT_EQUAL(bed_counter(&b, "deregistrations"), 0);
	CU_ASSERT_EQUAL(bed_counter(&b, "ipv4_released"), 1);
	/* it is there for others, but not the next one to be handed out */
	p = pbu(&b, MAG1);
	p.mnid = "mn2@example.com";
	p.llid[5] = 2;
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 20000);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	bed_down(&b);
}

static void test_release6(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = let_go(&b, MAG1);
	pbu_prefix(&p, HNP);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.lifetime, 0);
	CU_ASSERT_EQUAL(mh_opt_count(&b.pba, MHO_HNP), 1);
	CU_ASSERT(!bed_has(&b, MHO_IPV4_HOA_REPLY));
	check_node(&b, MAG1, "", HOA);
	CU_ASSERT_EQUAL(bed_counter(&b, "ipv6_released"), 1);
	bed_down(&b);
}

static void test_release_and_back(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	for (unsigned i = 0; i < 3; i++) {
		p = let_go(&b, MAG1);
		p.n_hoa4 = 0;
		pbu_ask4(&p, "0.0.0.0"); /* by interface, with the family as all it says */
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
		check_node(&b, MAG1, HNP, "");
		p = pbu(&b, MAG1);
		pbu_prefix(&p, HNP);
		pbu_ask4(&p, HOA);
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
		check_node(&b, MAG1, HNP, HOA);
	}
	bed_down(&b);
}

static void test_release_only_family(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach4(&b, MAG1);
	p = let_go(&b, MAG1);
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(bed_state(&b, "DEREGISTERING"));
	CU_ASSERT_EQUAL(bed_forwards4(&b, ip4(HOA)), -1);
	CU_ASSERT_EQUAL(bed_used4(&b), 1);
	bed_wait(&b, 9000);
	pbu_again(&b, &p); /* its reply was lost */
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 1100);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(bed_used4(&b), 0);
	bed_down(&b);
}

static void test_release_both(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = let_go(&b, MAG1);
	pbu_prefix(&p, HNP);
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_SUCCESS).s_addr, ip4(HOA).s_addr);
	CU_ASSERT(bed_state(&b, "DEREGISTERING"));
	/* one family after both: the end is decided, and its time */
	p = let_go(&b, MAG1);
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT(bed_state(&b, "DEREGISTERING"));
	CU_ASSERT_EQUAL(bed_used4(&b) + bed_used6(&b), 2);
	CU_ASSERT_EQUAL(bed_forwards4(&b, ip4(HOA)), -1);
	/* the node comes back elsewhere within the wait: all of it is still its own */
	p = pbu(&b, MAG2);
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	check_node(&b, MAG2, HNP, HOA);
	bed_down(&b);
}

static void test_release_missing(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach(&b, MAG1);
	p = let_go(&b, MAG1);
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_SUCCESS).s_addr, 0);
	CU_ASSERT(!bed_has(&b, MHO_IPV4_DEFAULT_ROUTER));
	check_node(&b, MAG1, HNP, "");
	bed_down(&b);
}

static void test_release_by_other(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = let_go(&b, MAG2);
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_other_coa"), 1);
	check_node(&b, MAG1, HNP, HOA);
	/* nobody has this one */
	p = let_go(&b, MAG1);
	pbu_ask4(&p, "10.0.0.99");
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "ignored_no_session"), 1);
	check_node(&b, MAG1, HNP, HOA);
	/* the prefix is its own, the address is not */
	p = let_go(&b, MAG1);
	pbu_prefix(&p, HNP);
	pbu_ask4(&p, "10.0.0.99");
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_NOT_AUTHORIZED_FOR_IPV4_HOA);
	check_node(&b, MAG1, HNP, HOA);
	bed_down(&b);
}

static void test_hold(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = pbu(&b, MAG2);
	p.llid[5] = 9; /* another interface, and nobody knows: the request waits */
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL(bed_counter(&b, "held"), 1);
	p = let_go(&b, MAG1);
	pbu_prefix(&p, HNP);
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(b.pba.ba.lifetime, 900);
	CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_SUCCESS).s_addr, ip4(HOA).s_addr);
	check_node(&b, MAG2, HNP, HOA);
	bed_down(&b);
}

static void test_hold_timeout(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = pbu(&b, MAG2);
	p.llid[5] = 9;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	/* one family alone is not the de-registration that the request waits for */
	p = let_go(&b, MAG1);
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(lma_count(b.l), 1);
	bed_wait(&b, 1600);
	CU_ASSERT_EQUAL(lma_count(b.l), 2);
	CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_SUCCESS).s_addr, ip4("10.0.0.3").s_addr);
	bed_down(&b);
}

static void test_profile_changes_while_held(void)
{
	struct profile_table *other;
	struct profiles none4;
	const char *why = NULL;
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	p = pbu(&b, MAG2);
	p.llid[5] = 9;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL(bed_send(&b, &p), NO_REPLY);
	CU_ASSERT_EQUAL_FATAL(profile_table_new(&other), 0);
	profile_table_free(&b.profiles);
	b.profiles = other;
	bed_add_profile(&b, "mn1@example.com", (struct profile){0});
	none4 = profile_table_profiles(other);
	CU_ASSERT_EQUAL(lma_reload(b.l, &b.cfg, &none4, &why, b.now), 0);
	bed_wait(&b, 1600);
	CU_ASSERT_EQUAL(b.pba.ba.status, PBA_NOT_AUTHORIZED_FOR_IPV4_MOBILITY);
	CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_NOT_AUTHORIZED).s_addr, 0);
	check_node(&b, MAG1, HNP, HOA);
	bed_down(&b);
}

/* The data plane refuses: nothing has changed, nothing is missing from a pool. */
static void test_dp_create(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	for (unsigned op = DP_FAKE_PEER_PUT; op <= DP_FAKE_SESSION_PUT; op++) {
		dp_fake_fail(b.dp, (enum dp_fake_op)op, 1, ENOSPC);
		p = pbu(&b, MAG1);
		pbu_ask4(&p, "0.0.0.0");
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_INSUFFICIENT_RESOURCES);
		CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_REASON_UNSPECIFIED).s_addr, 0);
		CU_ASSERT_EQUAL(lma_count(b.l), 0);
		CU_ASSERT_EQUAL(bed_used4(&b) + bed_used6(&b), 0);
		CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 0);
	}
	CU_ASSERT_EQUAL(bed_counter(&b, "dataplane_failures"), 2);
	bed_down(&b);
}

static void test_dp_add(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach(&b, MAG1);
	for (unsigned mag = MAG1; mag <= MAG2; mag++) {
		dp_fake_fail(b.dp, DP_FAKE_SESSION_PUT, 1, ENOSPC);
		p = pbu(&b, mag);
		p.hi = HI_BETWEEN_MAGS;
		pbu_ask4(&p, "0.0.0.0");
		CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_INSUFFICIENT_RESOURCES);
		CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_REASON_UNSPECIFIED).s_addr, 0);
		check_node(&b, MAG1, HNP, "");
	}
	bed_down(&b);
}

static void test_dp_release(void)
{
	struct bed b;
	struct pbu p;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	dp_fake_fail(b.dp, DP_FAKE_SESSION_PUT, 1, EBUSY);
	p = let_go(&b, MAG1);
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_INSUFFICIENT_RESOURCES);
	CU_ASSERT_EQUAL(bed_hoa4(&b, HOA4_REASON_UNSPECIFIED).s_addr, ip4(HOA).s_addr);
	check_node(&b, MAG1, HNP, HOA);
	dp_fake_fail(b.dp, DP_FAKE_SESSION_PUT, 1, EBUSY);
	p = pbu(&b, MAG2);
	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_INSUFFICIENT_RESOURCES);
	check_node(&b, MAG1, HNP, HOA);
	dp_fake_fail(b.dp, DP_FAKE_SESSION_MOVE, 1, ENOSPC);
	p = pbu(&b, MAG2);
	p.hi = HI_BETWEEN_MAGS;
	pbu_ask4(&p, HOA);
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_INSUFFICIENT_RESOURCES);
	check_node(&b, MAG1, HNP, HOA);
	bed_down(&b);
}

static void test_end(void)
{
	const struct mnid id = {MNID_NAI, 15, (const uint8_t *)"mn1@example.com"};
	struct bed b;

	bed_up4(&b);
	bed_attach_dual(&b, MAG1);
	CU_ASSERT_EQUAL(lma_delete(b.l, &id, b.now), 1);
	CU_ASSERT_EQUAL(bed_used4(&b) + bed_used6(&b), 0);
	bed_attach_dual(&b, MAG1);
	bed_wait(&b, 3700 * 1000);
	CU_ASSERT_EQUAL(lma_count(b.l), 0);
	CU_ASSERT_EQUAL(bed_used4(&b) + bed_used6(&b), 0);
	CU_ASSERT_EQUAL(bed_counter(&b, "expired"), 1);
	bed_down(&b);
}

static char logged[256];

static void keep_line(void *ctx, enum log_class cls, const char *line)
{
	if (strstr(line, "session up"))
		snprintf(logged, sizeof(logged), "%s", line);
}

static void test_log(void)
{
	struct bed b;

	bed_up4(&b);
	log_set_level(LOG_C_INFO);
	log_set_sink(keep_line, NULL);
	bed_attach4(&b, MAG4A);
	CU_ASSERT_PTR_NOT_NULL(strstr(logged, "session up: 10.0.0.2 at mag4 (192.0.2.11)"));
	bed_down(&b);
	bed_up4(&b);
	log_set_level(LOG_C_INFO);
	bed_attach_dual(&b, MAG1);
	CU_ASSERT_PTR_NOT_NULL(strstr(logged, ": 2001:db8:100::/64, 10.0.0.2 at mag1 ("));
	log_set_sink(NULL, NULL);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"V-8 RFC 5844 3.1.2.2 both families are one binding and one session of the data plane", test_dual},
		{"V-1 V-8 RFC 5844 3.1.2.1 a session of an IPv4 home address alone", test_only4},
		{"V-12 RFC 5844 3.1.2.6 who does not ask for IPv4 gets none of its options", test_only6},
		{"V-6 RFC 5844 3.1.2.2 a retransmitted request gets the same address", test_retransmission},
		{"RFC 5844 3.1.2.3 registered again by its MAG a session keeps both families", test_refresh},
		{"V-9 RFC 5844 3.1.2.1 an IPv4 home address is added to a session of prefixes", test_add4},
		{"V-9 V-7 RFC 5844 3.1.2.2 one that is not ours is not, and the session is as it was", test_add4_refused},
		{"V-9 prefixes are added to a session of an IPv4 home address", test_add6},
		{"V-9 RFC 5844 3.1.2.1 an IPv4 home address is added at the handoff", test_add4_at_handoff},
		{"RFC 5844 3.1.2.4 both families move with one store", test_handoff},
		{"V-10 RFC 5844 3.1.2.4 an IPv4 home address that the new MAG does not name is released", test_handoff_drops4},
		{"V-10 RFC 5844 3.1.2.4 prefixes that the new MAG does not name are released", test_handoff_drops6},
		{"V-9 V-10 RFC 5844 3.1.2.4 one family comes and the other goes at once", test_handoff_swaps},
		{"V-11 RFC 5844 3.1.2.5 the IPv4 home address alone is de-registered", test_release4},
		{"V-11 RFC 5844 3.1.2.5 the prefixes alone are de-registered", test_release6},
		{"V-11 V-9 RFC 5844 3.1.2.5 what was de-registered comes back", test_release_and_back},
		{"V-11 RFC 5844 3.1.2.5 the only family there is ends the session, after the wait", test_release_only_family},
		{"V-11 RFC 5844 3.1.2.5 both families named end the session, after the wait", test_release_both},
		{"V-11 RFC 5844 3.1.2.5 a family that is not there changes nothing", test_release_missing},
		{"V-11 L-41 L-32 RFC 5844 3.1.2.5 de-registrations that are not this session's", test_release_by_other},
		{"V-5 L-30 RFC 5844 3.1.2.1 a held request takes over both families", test_hold},
		{"V-11 L-30 RFC 5213 5.4.1.2 (4) nobody takes over a session that only lost a family", test_hold_timeout},
		{"V-3 RFC 5844 3.1.2.1 who lost IPv4 while the request waited is refused 170", test_profile_changes_while_held},
		{"V-6 RFC 5844 3.1.2.2 no room in the data plane: 130 and nothing is taken", test_dp_create},
		{"V-9 RFC 5844 3.1.2.2 no room in the data plane: 130 and nothing is added", test_dp_add},
		{"V-10 V-11 RFC 5844 3.1.2.4 the data plane refuses: 130 and nothing is released", test_dp_release},
		{"RFC 5213 5.3.5 both families return to their pools with the session", test_end},
		{"log lines name the IPv4 home address", test_log},
		{0},
	};
	// clang-format on

	return cu_main("lma both families", tests, argc, argv);
}
