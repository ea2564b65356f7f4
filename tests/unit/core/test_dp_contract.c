/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated data plane keeps the contract that the real one keeps. */
#include "dataplane/dp_fake.h"
#include "lib/dp_contract.h"

static struct dp_fake *fake;

static struct dataplane *fresh(void)
{
	if (dp_fake_new(&fake) < 0)
		return NULL;
	dp_fake_limit(fake, DP_CONTRACT_PEERS, DP_CONTRACT_SESSIONS);
	dp_fake_limit_buffer(fake, DP_CONTRACT_WAITING, 0, DP_CONTRACT_BUFFERS);
	return dp_fake_dataplane(fake);
}

static void done(struct dataplane *dp)
{
	dp_fake_free(&fake);
}

static struct dataplane *again(struct dataplane *dp)
{
	dp_fake_restart(fake);
	return dp;
}

static void arrive(struct dataplane *dp, dp_ref ref, const struct prefix6 *prefix, unsigned n)
{
	CU_ASSERT_TRUE(dp_fake_arrive(fake, ref, n, 100) >= 0);
}

static void settle(struct dataplane *dp, dp_ref ref)
{
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {DP_CONTRACT_TESTS, {0}};
	static const struct dp_contract contract = {fresh, done, again, arrive, settle};

	dp_contract_use(&contract);
	return cu_main("dp_fake", tests, argc, argv);
}
