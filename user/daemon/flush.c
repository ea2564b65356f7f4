/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"

static void flush_link(struct daemon *d, const char *name)
{
	struct nl_link l;

	if (!nl_link_get(d->nl, name, &l))
		links_give_back(d, name, l.ifindex);
}

static void flush_kernel(struct daemon *d)
{
	const struct config *c = d->cfg;

	left_load(d);
	left_settle_links(d); /* none is an access link here */
	for (unsigned i = 0; c->has_mag && i < c->n_access; i++)
		flush_link(d, c->access[i].name);
	host_flush(d);
	nl_neighs_forget(d->nl);
	left_free(d);
	left_remove(d);
}

int daemon_flush(struct config *cfg, char *err, size_t cap)
{
	struct daemon d = {.cfg = cfg};
	/* says whether a daemon runs, and makes forwarding end before its fences go */
	int rc = dp_bpf_flush(cfg->bpffs, cfg->instance, err, cap);

	if (rc)
		return rc;
	rc = nl_new(&d.nl);
	if (!rc)
		rc = nl_start(d.nl, daemon_now());
	if (rc)
		snprintf(err, cap, "netlink: %s", strerror(-rc));
	else
		flush_kernel(&d);
	nl_free(&d.nl);
	return rc;
}
