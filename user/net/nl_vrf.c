/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/util.h"
#include "net/nl_priv.h"

static bool is_vrf(const struct nl_link *l)
{
	return l && !strcmp(l->kind, "vrf");
}

unsigned nl_vrf_of_link(const struct nl *nl, unsigned ifindex)
{
	const struct nl_link *l = nl_link_by_index(nl, ifindex);

	if (!l || is_vrf(l))
		return l ? l->ifindex : 0;
	return is_vrf(nl_link_by_index(nl, l->master)) ? l->master : 0;
}

static void note_vrf(void *ctx, const struct nl_link *l)
{
	struct nl_vrfs *v = ctx;

	if (is_vrf(l) && v->n < NL_VRFS_MAX)
		v->ifindex[v->n++] = l->ifindex;
}

static bool is_ours(struct nl *nl, unsigned vrf, const struct in6_addr *a)
{
	struct nl_path path;

	return !nl_route_get_in(nl, vrf, a, NULL, &path) && path.local;
}

static unsigned seek(struct nl *nl, const struct nl_vrfs *v, const struct in6_addr *a)
{
	if (is_ours(nl, 0, a))
		return 0;
	for (unsigned i = 0; i < v->n; i++)
		if (is_ours(nl, v->ifindex[i], a))
			return v->ifindex[i];
	return 0;
}

unsigned nl_vrf_of_addr(struct nl *nl, const struct in6_addr *a)
{
	struct nl_vrfs *v = nl_vrfs(nl);
	unsigned at;

	if (!v->known) {
		v->known = true;
		nl_walk_links(nl, note_vrf, v);
	}
	if (!v->n || addr6_is_zero(a))
		return 0;
	for (unsigned i = 0; i < v->n_of; i++)
		if (addr6_eq(&v->of[i].addr, a))
			return v->of[i].vrf;
	at = v->next++ % ARRAY_SIZE(v->of);
	if (v->n_of < ARRAY_SIZE(v->of))
		v->n_of++;
	v->of[at].addr = *a;
	v->of[at].vrf = seek(nl, v, a);
	return v->of[at].vrf;
}
