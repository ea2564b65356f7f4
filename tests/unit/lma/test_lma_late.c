/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a node sent through the MAG that it has left, and comes when the binding has moved. */
#include "lma_harness.h"

#define GRACE 500

static void up(struct bed *b)
{
	bed_init(b);
	b->cfg.uplink_grace_ms = GRACE;
	bed_start(b);
}

/* The MAG whose tunnel is taken besides, or -1. */
static int also(const struct bed *b, const struct prefix6 *p)
{
	const struct dp_fake_session *s = dp_fake_by_prefix(b->dp, DP_ANCHOR, p);
	const struct dp_peer *peer =
		s && s->s.also_from ? dp_fake_peer(b->dp, s->s.also_from) : NULL;

	for (int i = 0; peer && i < N_MAGS; i++)
		if (addr6_eq(&peer->remote, &b->mags[i].addr))
			return i;
	return -1;
}

static void move(struct bed *b, unsigned mag)
{
	struct pbu p = pbu(b, mag);

	p.hi = HI_BETWEEN_MAGS;
	CU_ASSERT_EQUAL(bed_send(b, &p), PBA_ACCEPTED);
}

static void test_grace(void)
{
	struct prefix6 own;
	struct bed b;

	up(&b);
	own = bed_attach(&b, MAG1);
	CU_ASSERT_EQUAL(also(&b, &own), -1);
	bed_wait(&b, 100);
	move(&b, MAG2);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	CU_ASSERT_EQUAL(dp_fake_by_prefix(b.dp, DP_ANCHOR, &own)->moves, 1); /* one store */
	CU_ASSERT_EQUAL(also(&b, &own), MAG1);
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 2);
	bed_wait(&b, GRACE - 1);
	CU_ASSERT_EQUAL(also(&b, &own), MAG1);
	bed_wait(&b, 1);
	CU_ASSERT_EQUAL(also(&b, &own), -1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 1);
	/* a refresh is no handover */
	move(&b, MAG2);
	CU_ASSERT_EQUAL(also(&b, &own), -1);
	bed_down(&b);
}

static void test_soon_again(void)
{
	struct prefix6 own;
	struct bed b;

	up(&b);
	own = bed_attach(&b, MAG1);
	bed_wait(&b, 10);
	move(&b, MAG2);
	bed_wait(&b, GRACE / 2);
	move(&b, MAG1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG1);
	CU_ASSERT_EQUAL(also(&b, &own), MAG2);
	bed_wait(&b, GRACE - 1);
	CU_ASSERT_EQUAL(also(&b, &own), MAG2); /* counted from the last one */
	bed_wait(&b, 1);
	CU_ASSERT_EQUAL(also(&b, &own), -1);
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 1);
	bed_down(&b);
}

/* De-registered, then deleted, before the grace is over; and the anchor itself ends in it. */
static void test_ends(void)
{
	struct prefix6 own;
	struct bed b;
	struct pbu p;

	up(&b);
	own = bed_attach(&b, MAG1);
	bed_wait(&b, 10);
	move(&b, MAG2);
	bed_wait(&b, 10);
	p = pbu(&b, MAG2);
	p.hnp[0] = own;
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	CU_ASSERT_EQUAL(also(&b, &own), MAG1);
	bed_wait(&b, GRACE);
	CU_ASSERT_EQUAL(also(&b, &own), -1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), -1); /* it lingers as before */
	bed_wait(&b, 10000);
	CU_ASSERT_EQUAL(dp_fake_sessions(b.dp), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 0);
	bed_attach(&b, MAG1);
	bed_wait(&b, 10);
	move(&b, MAG2);
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 2);
	bed_down(&b);
}

/* The old MAG has let the node go: what comes from it is dropped until the node is elsewhere. */
static void test_let_go(void)
{
	struct prefix6 own;
	struct bed b;
	struct pbu p;

	up(&b);
	own = bed_attach(&b, MAG1);
	p = pbu(&b, MAG1);
	p.hnp[0] = own;
	p.lifetime = 0;
	CU_ASSERT_EQUAL(bed_send(&b, &p), PBA_ACCEPTED);
	bed_wait(&b, 10);
	move(&b, MAG2);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	CU_ASSERT_EQUAL(also(&b, &own), -1);
	bed_down(&b);
}

/* The data plane does not take the change: the session has the tunnel until it does. */
static void test_refused(void)
{
	struct prefix6 own;
	struct bed b;

	up(&b);
	own = bed_attach(&b, MAG1);
	bed_wait(&b, 10);
	move(&b, MAG2);
	dp_fake_fail(b.dp, DP_FAKE_SESSION_PUT, 1, ENOSPC);
	bed_wait(&b, GRACE);
	CU_ASSERT_EQUAL(also(&b, &own), MAG1);
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 2);
	bed_wait(&b, 1000);
	CU_ASSERT_EQUAL(also(&b, &own), -1);
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 1);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	bed_down(&b);
}

/* Nothing of the handover depends on it. */
static void test_without(void)
{
	struct prefix6 own;
	struct bed b;

	bed_up(&b);
	own = bed_attach(&b, MAG1);
	bed_wait(&b, 10);
	move(&b, MAG2);
	CU_ASSERT_EQUAL(bed_forwards(&b, &own), MAG2);
	CU_ASSERT_EQUAL(also(&b, &own), -1);
	CU_ASSERT_EQUAL(dp_fake_peers(b.dp), 1);
	bed_down(&b);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"RFC 5213 5.6.2 after a handover packets of the node are taken from its old MAG, too", test_grace},
		{"RFC 5213 5.6.2 the next handover within that time begins it anew", test_soon_again},
		{"RFC 5213 5.6.2 a binding that ends within that time leaves nothing", test_ends},
		{"RFC 5213 5.6.2 not from a MAG that has let the node go", test_let_go},
		{"RFC 5213 5.6.2 a data plane that refuses the change is asked again", test_refused},
		{"RFC 5213 5.6.2 not where the time is 0", test_without},
		{0},
	};
	// clang-format on

	return cu_main("lma late uplink", tests, argc, argv);
}
