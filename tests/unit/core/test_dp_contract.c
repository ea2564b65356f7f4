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

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {DP_CONTRACT_TESTS, {0}};
	static const struct dp_contract contract = {fresh, done, again};

	dp_contract_use(&contract);
	return cu_main("dp_fake", tests, argc, argv);
}
