/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tunnels between configured peers are made before their first node comes, and stay after the last:
 * no node's registration waits for the kernel. */
#include <stdlib.h>

#include "daemon/daemon.h"

/* More configured pairs than this are not held ready; their tunnels come with their first node. */
#define WARM_TUNNELS_MAX 4096

static void warm(struct daemon *d, const struct in6_addr *local, const struct in6_addr *remote)
{
	const struct dp_peer peer = {*local, *remote, DP_ENCAP_IP};

	if (addr_is_ip4(local) == addr_is_ip4(remote) && d->n_warm < WARM_TUNNELS_MAX &&
	    tunnel_get(d->tunnels, &peer, &d->warm[d->n_warm]) == 0)
		d->n_warm++;
}

void warm_start(struct daemon *d)
{
	const struct config *c = d->cfg;

	d->warm = calloc(WARM_TUNNELS_MAX, sizeof(*d->warm));
	if (!d->warm)
		return; /* tunnels then come with their first node */
	for (unsigned a = 0; c->has_lma && a < c->lma.n_addrs; a++)
		for (unsigned m = 0; m < c->lma.n_mags; m++)
			warm(d, &c->lma.addrs[a], &c->lma.mags[m].addr);
	for (unsigned l = 0; c->has_mag && l < c->mag.n_lmas; l++)
		warm(d, config_coa(c, &c->mag.lmas[l].addr), &c->mag.lmas[l].addr);
	for (unsigned n = 0; c->has_mag && n < c->mag.n_neighbours; n++)
		warm(d, config_coa(c, &c->mag.neighbours[n].addr), &c->mag.neighbours[n].addr);
}

void warm_stop(struct daemon *d)
{
	while (d->n_warm)
		tunnel_put(d->tunnels, d->warm[--d->n_warm]);
	free(d->warm);
	d->warm = NULL;
}
