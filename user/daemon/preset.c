/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the configuration alone puts into the data plane: our tunnel end points, and sessions that
 * nobody signals.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "daemon/daemon.h"

#define SPARE_SLOTS 1024 /* for static sessions that a reload brings */

/* Every prefix and address of the pools gets a slot of its own as far as this reaches (64 octets
 * each); what lies beyond is found through a hash. */
#define POOL_SLOTS_MAX (1u << 22)

static bool any_transport_domain(const struct config *c)
{
	for (unsigned i = 0; i < c->n_transport; i++)
		if (c->transport[i].domain)
			return true;
	return false;
}

static bool any_domain(const struct config *c)
{
	if (any_transport_domain(c))
		return true;
	for (unsigned i = 0; i < c->n_access; i++)
		if (c->access[i].domain)
			return true;
	return false;
}

struct ask {
	bool ip4;
};

static void ask_profile(void *ctx, const char *pattern, const struct profile *p)
{
	struct ask *a = ctx;

	a->ip4 = a->ip4 || p->ipv4;
}

static bool any_ipv4(const struct config *c)
{
	struct ask a = {.ip4 = c->has_lma && c->lma.n_pools4};

	config_walk_profiles(c, ask_profile, &a);
	return a.ip4;
}

static bool any_gre(const struct config *c)
{
	return (c->has_lma && c->lma.gre != LMA_GRE_REFUSE) ||
	       (c->has_mag && c->mag.gre != MAG_GRE_NONE);
}

/* Whatever hints at IPv4, GRE or static sessions turns both on, so that the first of them may come
 * with a reload; tunnels over IPv4 need an end point of their own, which cannot. */
struct preset_features preset_features(const struct config *c)
{
	const bool outer = (c->has_lma && c->n_lma_addrs4) ||
			   (c->has_mag && !addr6_is_zero(&c->mag.ipv4_proxy_coa));
	const bool statics = c->n_lma_statics || c->n_mag_statics;
	const bool more = outer || statics || any_domain(c) || any_ipv4(c) || any_gre(c);

	return (struct preset_features){
		.ip4 = more,
		.ip4_outer = outer,
		.gre = more,
		.domains = c->has_lma && any_transport_domain(c),
	};
}

/* A binding takes one for a prefix and one for an IPv4 home address, where these are in no pool of
 * ours; on the MAG one for the key besides, which is known before they are. An LMA may demand keys
 * of a MAG that is not configured for them, or is so by a reload. */
uint32_t preset_slots(const struct config *c)
{
	const struct preset_features f = preset_features(c);
	uint64_t n = f.ip4 ? SPARE_SLOTS : 0;

	if (c->has_lma)
		n += (uint64_t)c->lma.max_bindings * (1 + f.ip4);
	if (c->has_mag)
		n += (uint64_t)c->mag.max_bindings * (1 + f.ip4 + f.gre);
	for (unsigned i = 0; i < c->n_lma_statics; i++)
		n += c->lma_statics[i].n_prefixes + 1;
	for (unsigned i = 0; i < c->n_mag_statics; i++)
		n += c->mag_statics[i].n_prefixes + 1;
	return (uint32_t)n; /* 10^7 bindings per role at most */
}

uint32_t preset_halves(const struct config *c)
{
	return (c->has_lma ? c->lma.max_bindings + c->n_lma_statics : 0) +
	       (c->has_mag ? c->mag.max_bindings + c->n_mag_statics : 0) + SPARE_SLOTS;
}

uint32_t preset_pool_slots(const struct config *c)
{
	uint64_t n = 0;

	for (unsigned i = 0; c->has_lma && i < c->lma.n_pools; i++)
		n += 1ull << (64 - c->lma.pools[i].prefix.len);
	for (unsigned i = 0; c->has_lma && i < c->lma.n_pools4; i++)
		n += 1ull << (32 - c->lma.pools4[i].prefix.len);
	return n < POOL_SLOTS_MAX ? (uint32_t)n : POOL_SLOTS_MAX;
}

int preset_judge(const struct daemon *d, const struct config *c, const char **why)
{
	const struct preset_features have = preset_features(d->cfg), want = preset_features(c);

	if ((have.ip4 || !want.ip4) && (have.gre || !want.gre) && (have.domains || !want.domains))
		return 0;
	*why = "static-sessions, ipv4-domain, ipv4-pools, ipv4, gre-encapsulation: the programs "
	       "that "
	       "run were made without IPv4, GRE or domains; restart the daemon";
	return -EBUSY;
}

static unsigned ifindex_of(void *ctx, const char *ifname)
{
	const struct iface *i = link_by_name(ctx, ifname);

	return i && i->is_access && i->attached ? i->ifindex : 0;
}

static int add_local(struct daemon *d, const struct in6_addr *addr)
{
	return addr6_is_zero(addr) ? 0 : dp_bpf_local_add(d->dp, addr);
}

static int add_locals(struct daemon *d)
{
	const struct config *c = d->cfg;
	int rc = 0;

	for (unsigned i = 0; !rc && c->has_lma && i < c->lma.n_addrs; i++)
		rc = add_local(d, &c->lma.addrs[i]);
	if (!rc && c->has_mag)
		rc = add_local(d, &c->mag.proxy_coa);
	if (!rc && c->has_mag)
		rc = add_local(d, &c->mag.ipv4_proxy_coa);
	return rc;
}

int preset_start(struct daemon *d, char *err, size_t cap)
{
	int rc = add_locals(d);

	if (rc) {
		snprintf(err, cap, "cannot register a tunnel end point: %s", strerror(-rc));
		return rc;
	}
	rc = statics_new(&d->statics, dp_bpf_dataplane(d->dp), d->tunnels, ifindex_of, d);
	if (rc)
		snprintf(err, cap, "static sessions: %s", strerror(-rc));
	return rc;
}

void preset_stop(struct daemon *d)
{
	statics_free(&d->statics);
}

void preset_settle(struct daemon *d, nsec_t now)
{
	const struct config *c = d->cfg;
	const unsigned n_lma = c->has_lma ? c->n_lma_statics : 0,
		       n_mag = c->has_mag ? c->n_mag_statics : 0;
	const struct statics_part parts[] = {
		{c->lma_statics, n_lma},
		{c->mag_statics, n_mag},
	};

	if (statics_set(d->statics, parts, ARRAY_SIZE(parts), now))
		log_msg(LOG_C_LOCAL, "no memory for the static sessions; those before stay");
}
