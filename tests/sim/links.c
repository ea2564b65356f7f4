/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access links: who is where, what they are told, and how they answer when asked. */
#include "sim/world_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define PROBE_ANSWER  nsec_from_ms(20)
#define PROBE_GIVE_UP nsec_from_ms(3000)

struct link_node sim_place(const struct world *w, unsigned node, unsigned iface)
{
	if (w->cfg.no_llid)
		return (struct link_node){.ifindex =
						  SIM_ACCESS_IFINDEX + node * SIM_IFACES + iface};
	return (struct link_node){.ifindex = SIM_ACCESS_IFINDEX, .mac = w->node[node].mac[iface]};
}

struct sim_node *sim_node_of(struct world *w, const struct mac *mac, unsigned *node,
			     unsigned *iface)
{
	for (unsigned n = 0; n < w->cfg.n_nodes; n++)
		for (unsigned i = 0; i < SIM_IFACES; i++)
			if (mac_eq(&w->node[n].mac[i], mac)) {
				*node = n;
				*iface = i;
				return &w->node[n];
			}
	return NULL;
}

bool sim_node_is_at(struct world *w, const struct link_node *ln, int mag)
{
	unsigned n, i;
	const struct sim_node *sn;

	if (w->cfg.no_llid) {
		/* the interface number stands for the node */
		n = ln->ifindex - SIM_ACCESS_IFINDEX;
		return w->node[n / SIM_IFACES].at[n % SIM_IFACES] == mag;
	}
	sn = sim_node_of(w, &ln->mac, &n, &i);
	return sn && sn->at[i] == mag;
}

static struct sim_advert *advert_of(struct sim_mag *m, const struct link_node *ln)
{
	unsigned n, i;

	if (m->w->cfg.no_llid) {
		n = ln->ifindex - SIM_ACCESS_IFINDEX;
		return &m->advert[n / SIM_IFACES][n % SIM_IFACES];
	}
	if (!sim_node_of(m->w, &ln->mac, &n, &i))
		abort();
	return &m->advert[n][i];
}

static void link_advertise(void *ctx, const struct link_node *n, const struct link_advert *ad)
{
	struct sim_advert *a = advert_of(ctx, n);

	if (!sim_acts(&((struct sim_mag *)ctx)->life))
		return;
	if (ad->n_prefixes && !ad->valid_s) {
		a->deprecated++;
		return;
	}
	a->on = true;
	a->times++;
	a->n_prefixes = ad->n_prefixes;
	if (ad->n_prefixes)
		memcpy(a->prefix, ad->prefixes, ad->n_prefixes * sizeof(a->prefix[0]));
	a->home4 = ad->home4;
	a->mtu4 = ad->mtu4;
	a->dhcp_relay = ad->dhcp_relay;
}

static void link_withdraw(void *ctx, const struct link_node *n, bool deprecate)
{
	struct sim_advert *a = advert_of(ctx, n);

	if (!sim_acts(&((struct sim_mag *)ctx)->life))
		return;
	a->on = false;
	a->deprecated += deprecate;
}

static void link_verify(void *ctx, const struct link_node *n)
{
	struct sim_mag *m = ctx;
	const nsec_t wait = sim_node_is_at(m->w, n, m->index) ? PROBE_ANSWER : PROBE_GIVE_UP;
	struct sim_event *e = sim_schedule(m->w, m->w->now + wait, SIM_VERIFIED, 0);

	e->mag = m->index;
	e->node = *n;
}

static bool link_attached(void *ctx, const struct link_node *n)
{
	struct sim_mag *m = ctx;

	return sim_node_is_at(m->w, n, m->index);
}

static void link_teardown(void *ctx, const struct link_node *n)
{
}

static void link_set_link_local(void *ctx, unsigned ifindex, const struct in6_addr *ll)
{
}

static void link_resume(void *ctx, const struct link_node *n, const struct link_advert *ad,
			const struct in6_addr *own)
{
	link_advertise(ctx, n, ad);
}

static struct in6_addr link_address(void *ctx, const struct link_node *n)
{
	return mac_linklocal(&n->mac);
}

/* Access links are named after their numbers. */
static unsigned link_ifindex(void *ctx, const char *name)
{
	return (unsigned)strtoul(name + strlen("acc"), NULL, 10);
}

static const char *link_ifname(void *ctx, unsigned ifindex)
{
	static char name[16];

	snprintf(name, sizeof(name), "acc%u", ifindex);
	return name;
}

struct link_ops sim_links(struct sim_mag *m)
{
	return (struct link_ops){
		.ctx = m,
		.advertise = link_advertise,
		.withdraw = link_withdraw,
		.verify = link_verify,
		.attached = link_attached,
		.teardown = link_teardown,
		.set_link_local = link_set_link_local,
		.resume = link_resume,
		.address = link_address,
		.ifindex = link_ifindex,
		.ifname = link_ifname,
	};
}
