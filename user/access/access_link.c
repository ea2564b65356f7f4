/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access links: settings, carrier, and what happens to the nodes when it is lost. */
#include <errno.h>
#include <stdlib.h>

#include "access/access_priv.h"
#include "base/util.h"

#define PENDING_MAX nsec_from_s(1) /* a frame this old no longer announces a node at link-up */

int access_link_put(struct access *a, const struct access_link_cfg *cfg)
{
	struct access_link *l;

	if (!cfg->ifindex || !cfg->name[0])
		return -EINVAL;
	l = access_link_find(a, cfg->ifindex);
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return -ENOMEM;
		l->cfg.ifindex = cfg->ifindex;
		HASH_ADD(hh, a->links, cfg.ifindex, sizeof(cfg->ifindex), l);
		if (l->oom) {
			free(l);
			return -ENOMEM;
		}
	}
	l->cfg = *cfg;
	l->cfg.name[sizeof(l->cfg.name) - 1] = '\0';
	if (!l->cfg.probe_count)
		l->cfg.probe_count = 3;
	for (struct access_node *n = l->served; n; n = n->next)
		if (n->probe == PROBE_NONE && n->probe_wanted == PROBE_NONE)
			access_nud_idle(a, n); /* the interval may be another one now */
	return 0;
}

void access_link_free_nodes(struct access *a, struct access_link *l)
{
	struct access_node *n, *tmp;

	DL_FOREACH_SAFE (l->seen, n, tmp)
		access_node_free(a, n);
	DL_FOREACH_SAFE (l->served, n, tmp)
		access_node_free(a, n);
}

static void detach_all(struct access *a, struct access_link *l, const char *cause, nsec_t now)
{
	struct access_node *n;

	l->up = false;
	DL_FOREACH (l->served, n) {
		a->counter[ACCESS_C_LINK_DETACH]++;
		access_emit(a, EV_DETACH, n, cause, now);
	}
	/* The MAG answers with withdraw(), which moves nodes from one list to the other. */
	if (l->served && a->triggers.detach_link)
		a->triggers.detach_link(a->triggers.ctx, l->cfg.ifindex, cause, now);
	access_link_free_nodes(a, l);
}

void access_link_del(struct access *a, unsigned ifindex, nsec_t now)
{
	struct access_link *l = access_link_find(a, ifindex);

	if (!l)
		return;
	detach_all(a, l, "link-gone", now);
	HASH_DEL(a->links, l);
	free(l);
}

void access_link_up(struct access *a, unsigned ifindex, nsec_t now)
{
	struct access_link *l = access_link_find(a, ifindex);
	struct access_node *n;

	if (!l || l->up)
		return;
	l->up = true;
	if (a->triggers.link_up)
		a->triggers.link_up(a->triggers.ctx, ifindex, l->cfg.name, now);
	/* Frames and link events come on different ways, so a node may have spoken before. Each
	 * offer may change the list: look from its start again. */
	for (n = l->seen; n;) {
		const char *cause = n->pending_cause;

		n->pending_cause = NULL;
		if (cause && now <= nsec_add(n->last_seen, PENDING_MAX)) {
			access_offer(a, n, cause, HI_RESERVED, NULL, NULL, now);
			n = l->seen;
		} else {
			n = n->next;
		}
	}
}

void access_link_down(struct access *a, unsigned ifindex, nsec_t now)
{
	struct access_link *l = access_link_find(a, ifindex);

	if (l && l->up)
		detach_all(a, l, "link-down", now);
}
