/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether what concerns IPv4 home addresses, IPv4 transport and GRE makes sense (RFC 5844, 5845).
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_check.h"

#define PATH_LEN 128

static const char *path_of(char path[PATH_LEN], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static const char *path_of(char path[PATH_LEN], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, PATH_LEN, fmt, ap);
	va_end(ap);
	return path;
}

static const char *addr4_str(struct in_addr a, char text[INET_ADDRSTRLEN])
{
	return inet_ntop(AF_INET, &a, text, INET_ADDRSTRLEN);
}

/* The network's own address, or its broadcast address; a /31 has neither (RFC 3021 2.1). */
static bool is_nobodys(const struct prefix4 *p, struct in_addr a)
{
	const uint32_t host = ~ntohl(prefix4_mask(p->len).s_addr);
	const uint32_t bits = ntohl(a.s_addr) & host;

	return p->len < 31 && (bits == 0 || bits == host);
}

/* ---- LMA */

static int check_pool(const struct lma_cfg *l, struct config_yaml *y, unsigned i)
{
	const struct lma_pool4_cfg *p = &l->pools4[i];
	char path[PATH_LEN], mine[PREFIX4_STRLEN], other[PREFIX4_STRLEN], a[INET_ADDRSTRLEN];

	for (unsigned j = 0; j < i; j++) {
		const struct lma_pool4_cfg *o = &l->pools4[j];

		if (!strcmp(o->name, p->name))
			return config_fail(y, path_of(path, "lma.ipv4-pools[%u].name", i),
					   "\"%s\" is the name of another pool; each of them once",
					   p->name);
		if (o->domain == p->domain && prefix4_overlaps(&p->prefix, &o->prefix))
			return config_fail(
				y, path_of(path, "lma.ipv4-pools[%u].prefix", i),
				"%s overlaps %s of pool %s; prefixes apart, or another ipv4-domain",
				prefix4_str(&p->prefix, mine), prefix4_str(&o->prefix, other),
				o->name);
	}
	if (p->router.s_addr &&
	    (!prefix4_has_addr(&p->prefix, p->router) || is_nobodys(&p->prefix, p->router)))
		return config_fail(y, path_of(path, "lma.ipv4-pools[%u].default-router", i),
				   "%s is no host address of %s; one of them, or nothing",
				   addr4_str(p->router, a), prefix4_str(&p->prefix, mine));
	if (p->domain && l->gre == LMA_GRE_REFUSE)
		return config_fail(y, path_of(path, "lma.ipv4-pools[%u].ipv4-domain", i),
				   "is %u while lma.gre-encapsulation is refuse, and so no keys "
				   "tell domains apart (RFC 5845 3.1); 0, or accept or require",
				   p->domain);
	return 0;
}

/* A node with the address of an LMA or MAG could speak in its name, whatever its domain: what
 * leaves a tunnel for this host is told by its source alone. The default router's is nobody's. */
static int check_ends(const struct config *c, struct config_yaml *y, unsigned i)
{
	const struct lma_pool4_cfg *p = &c->lma.pools4[i];
	char path[PATH_LEN], text[PREFIX4_STRLEN], a[ADDR6_STRLEN];
	const struct in6_addr *at;

	for (unsigned k = 0; (at = config_end(c, k)); k++) {
		const struct in_addr end = addr_to_ip4(at);

		if (!addr_is_ip4(at) || !prefix4_has_addr(&p->prefix, end) ||
		    is_nobodys(&p->prefix, end) || end.s_addr == lma_pool4_router(p).s_addr)
			continue;
		return config_fail(y, path_of(path, "lma.ipv4-pools[%u].prefix", i),
				   "%s has %s in it, the address of an LMA or MAG; a network of "
				   "nodes alone",
				   prefix4_str(&p->prefix, text), addr_str(at, a));
	}
	return 0;
}

static int check_lma(const struct config *c, struct config_yaml *y)
{
	const struct lma_cfg *l = &c->lma;
	char path[PATH_LEN];
	int rc = 0;

	if (!c->n_lma_addrs6 && !c->n_lma_addrs4)
		return config_fail(y, "lma.addresses",
				   "is missing; addresses, ipv4-addresses, or both");
	if (c->n_lma_addrs6 + c->n_lma_addrs4 > LMA_ADDRS_MAX)
		return config_fail(y, "lma.ipv4-addresses",
				   "and addresses have %u entries; at most %u together",
				   c->n_lma_addrs6 + c->n_lma_addrs4, LMA_ADDRS_MAX);
	for (unsigned i = 0; i < l->n_mags; i++) {
		const bool four = addr_is_ip4(&l->mags[i].addr);

		if (!(four ? c->n_lma_addrs4 : c->n_lma_addrs6))
			return config_fail(y, path_of(path, "lma.mags[%u].address", i),
					   "is an %s address while lma.%s is missing; both ends "
					   "of one family",
					   four ? "IPv4" : "IPv6",
					   four ? "ipv4-addresses" : "addresses");
	}
	for (unsigned i = 0; !rc && i < l->n_pools4; i++) {
		rc = check_pool(l, y, i);
		if (!rc)
			rc = check_ends(c, y, i);
	}
	if (!rc && l->gre_tlv && l->gre == LMA_GRE_REFUSE)
		rc = config_fail(y, "lma.gre-tlv-header",
				 "is true while lma.gre-encapsulation is refuse; false, or accept "
				 "or require");
	return rc;
}

/* ---- MAG */

static int check_dhcp(const struct config *c, struct config_yaml *y)
{
	const struct in6_addr *coa = &c->mag.ipv4_proxy_coa;
	struct in_addr ours = c->dhcp4_relay_addr;
	char path[PATH_LEN];

	if (ours.s_addr && !c->n_dhcp4_servers)
		return config_fail(y, "mag.dhcpv4-relay-address",
				   "is given without dhcpv4-servers; both, or none");
	if (!ours.s_addr && !addr6_is_zero(coa))
		ours = addr_to_ip4(coa);
	if (c->n_dhcp4_servers && !ours.s_addr)
		return config_fail(y, "mag.dhcpv4-servers",
				   "is given without an address to reach them from; "
				   "dhcpv4-relay-address or ipv4-proxy-coa");
	for (unsigned i = 0; i < c->n_dhcp4_servers; i++) {
		if (c->dhcp4_servers[i].s_addr == ours.s_addr)
			return config_fail(y, path_of(path, "mag.dhcpv4-servers[%u]", i),
					   "is our own address, where the relay agent itself is; a "
					   "server's own address");
		for (unsigned j = 0; j < i; j++)
			if (c->dhcp4_servers[i].s_addr == c->dhcp4_servers[j].s_addr)
				return config_fail(y, path_of(path, "mag.dhcpv4-servers[%u]", i),
						   "is there already; each of them once");
	}
	return 0;
}

static int check_mag(const struct config *c, struct config_yaml *y)
{
	const struct mag_cfg *m = &c->mag;

	for (unsigned i = 0; i < m->n_lmas; i++) {
		const bool four = addr_is_ip4(&m->lmas[i].addr);

		if (addr6_is_zero(four ? &m->ipv4_proxy_coa : &m->proxy_coa))
			return config_fail(y, four ? "mag.ipv4-proxy-coa" : "mag.proxy-coa",
					   "is missing while lmas[%u] has an %s address; an "
					   "address of this machine",
					   i, four ? "IPv4" : "IPv6");
	}
	if (c->n_dhcp6_servers && addr6_is_zero(&m->proxy_coa))
		return config_fail(y, "mag.dhcpv6-servers",
				   "is given without mag.proxy-coa, from which they are reached; "
				   "both, or none");
	if (m->force_ipv4_udp_encapsulation_support && addr6_is_zero(&m->ipv4_proxy_coa))
		return config_fail(y, "mag.force-ipv4-udp-encapsulation-support",
				   "is true while mag.ipv4-proxy-coa is missing; false, or an "
				   "IPv4 transport");
	if (m->gre_tlv && m->gre == MAG_GRE_NONE)
		return config_fail(y, "mag.gre-tlv-header",
				   "is true while mag.gre-encapsulation is none; false, or "
				   "without-keys or keys");
	if (m->gre_tlv && addr6_is_zero(&m->ipv4_proxy_coa))
		return config_fail(y, "mag.gre-tlv-header",
				   "is true while mag.ipv4-proxy-coa is missing; false, or an "
				   "IPv4 transport");
	return check_dhcp(c, y);
}

/* ---- profiles */

static const struct lma_pool4_cfg *pool_named(const struct lma_cfg *l, const char *name)
{
	for (unsigned i = 0; i < l->n_pools4; i++)
		if (!strcmp(l->pools4[i].name, name))
			return &l->pools4[i];
	return NULL;
}

/* Where a static address is at home: in the pool that is named, else in the first that has it. */
static const struct lma_pool4_cfg *pool_of(const struct lma_cfg *l, const struct profile *p)
{
	const struct lma_pool4_cfg *named = p->pool4[0] ? pool_named(l, p->pool4) : NULL;

	for (unsigned i = 0; i < l->n_pools4; i++)
		if ((!named || named == &l->pools4[i]) &&
		    prefix4_has_addr(&l->pools4[i].prefix, p->home4))
			return &l->pools4[i];
	return NULL;
}

static int check_home(const struct lma_cfg *l, struct config_yaml *y, const char *at,
		      const struct profile *p)
{
	const struct lma_pool4_cfg *pool = pool_of(l, p);
	char path[PATH_LEN], a[INET_ADDRSTRLEN], text[PREFIX4_STRLEN];

	path_of(path, "%s.ipv4-home-address", at);
	if (!pool)
		return config_fail(y, path, "%s is in no network of %s%s; an address of one",
				   addr4_str(p->home4, a), p->pool4[0] ? "pool " : "lma.ipv4-pools",
				   p->pool4);
	if (is_nobodys(&pool->prefix, p->home4) || p->home4.s_addr == lma_pool4_router(pool).s_addr)
		return config_fail(y, path,
				   "%s is the network's own, its broadcast or its default "
				   "router's address; another of %s",
				   addr4_str(p->home4, a), prefix4_str(&pool->prefix, text));
	return 0;
}

static int check_profile(const struct config *c, struct config_yaml *y, const char *at,
			 const struct config_profile *cp)
{
	const struct profile *p = &cp->profile;
	char path[PATH_LEN];
	const char *key = p->home4.s_addr ? "ipv4-home-address"
			  : p->pool4[0]	  ? "ipv4-pool"
			  : p->n_dns4	  ? "dns-servers"
					  : NULL;

	if (!p->ipv4 && key)
		return config_fail(y, path_of(path, "%s.%s", at, key),
				   "is given while ipv4 is false; ipv4: true");
	if (!cp->ipv6 && (p->n_prefixes || p->pool[0]))
		return config_fail(y,
				   path_of(path, "%s.%s", at, p->n_prefixes ? "prefixes" : "pool"),
				   "is given while ipv6 is false; ipv6: true");
	if (!cp->ipv6 && !p->ipv4 && p->enabled)
		return config_fail(y, path_of(path, "%s.ipv6", at),
				   "is false, and ipv4 as well; one of them, or enabled: false");
	if (!c->has_lma || !p->ipv4)
		return 0;
	if (!c->lma.n_pools4)
		return config_fail(y, path_of(path, "%s.ipv4", at),
				   "is true while lma.ipv4-pools is missing; false, or pools");
	if (p->pool4[0] && !pool_named(&c->lma, p->pool4))
		return config_fail(y, path_of(path, "%s.ipv4-pool", at),
				   "\"%s\" is not among lma.ipv4-pools; the name of one of them",
				   p->pool4);
	return p->home4.s_addr ? check_home(&c->lma, y, at, p) : 0;
}

/* No IPv4 home address may belong to two nodes of a domain. */
struct item {
	struct in_addr addr;
	uint16_t domain;
	unsigned i; /* where it stands */
	bool session;
};

static int item_cmp(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->addr.s_addr != y->addr.s_addr)
		return ntohl(x->addr.s_addr) < ntohl(y->addr.s_addr) ? -1 : 1;
	if (x->domain != y->domain)
		return x->domain < y->domain ? -1 : 1;
	if (x->session != y->session)
		return x->session ? -1 : 1;
	return x->i < y->i ? -1 : x->i > y->i;
}

static const char *item_path(const struct item *it, char path[PATH_LEN])
{
	return path_of(path, "%s[%u].ipv4-home-address",
		       it->session ? "lma.static-sessions" : "profiles", it->i);
}

static unsigned gather(const struct config_file *f, struct item *items)
{
	const struct config *c = &f->c;
	unsigned n = 0;

	for (unsigned i = 0; i < f->n_profiles; i++) {
		const struct profile *p = &f->profiles[i].profile;

		if (p->ipv4 && p->home4.s_addr)
			items[n++] = (struct item){p->home4, pool_of(&c->lma, p)->domain, i, false};
	}
	for (unsigned i = 0; i < c->n_lma_statics; i++) {
		const struct static_session *s = &c->lma_statics[i];

		if (!addr6_is_zero(&s->addr4))
			items[n++] = (struct item){addr_to_ip4(&s->addr4), s->domain, i, true};
	}
	return n;
}

static int check_shared(const struct config_file *f, struct config_yaml *y)
{
	struct item *items = calloc(f->n_profiles + f->c.n_lma_statics + 1, sizeof(*items));
	char path[PATH_LEN], other[PATH_LEN];
	unsigned n;
	int rc = 0;

	if (!items)
		return config_fail(y, "profiles", "does not fit into memory; a smaller list");
	n = gather(f, items);
	qsort(items, n, sizeof(*items), item_cmp);
	for (unsigned k = 1; !rc && k < n; k++) {
		const struct item *a = &items[k - 1], *b = &items[k];

		if (a->addr.s_addr != b->addr.s_addr || a->domain != b->domain)
			continue;
		item_path(a, other);
		rc = config_fail(y, item_path(b, path),
				 "is the same as %s in line %u; each of them once", other,
				 config_yaml_line(y, other));
	}
	free(items);
	return rc;
}

/* Static sessions share the pools' networks, not what these give out by themselves. */
static int check_static_addresses(const struct config *c, struct config_yaml *y)
{
	char path[PATH_LEN], text[ADDR6_STRLEN];

	for (unsigned i = 0; i < c->n_lma_statics; i++) {
		const struct static_session *s = &c->lma_statics[i];
		const struct in6_addr *end;

		path_of(path, "lma.static-sessions[%u].ipv4-home-address", i);
		for (unsigned k = 0; (end = config_end(c, k)); k++)
			if (!addr6_is_zero(end) && addr6_eq(end, &s->addr4))
				return config_fail(
					y, path, "%s is the address of an LMA or MAG; a node's own",
					addr_str(end, text));
		for (unsigned n = 0; !addr6_is_zero(&s->addr4) && n < c->lma.n_pools4; n++)
			if (c->lma.pools4[n].domain == s->domain &&
			    prefix4_has_addr(&c->lma.pools4[n].prefix, addr_to_ip4(&s->addr4)))
				return config_fail(
					y, path,
					"%s is in pool %s, which gives it to any node; an address "
					"outside of the pools",
					addr_str(&s->addr4, text), c->lma.pools4[n].name);
	}
	return 0;
}

/* Keys alone tell the domains of IPv4 home addresses apart. */
static int check_domains(const struct config_file *f, struct config_yaml *y)
{
	const struct config *c = &f->c;
	char path[PATH_LEN];
	bool any = false;

	for (unsigned i = 0; i < f->n_profiles; i++)
		any |= f->profiles[i].profile.ipv4;
	for (unsigned i = 0; i < f->n_fallbacks; i++)
		any |= f->fallbacks[i].profile.ipv4;
	for (unsigned i = 0; any && i < c->n_access; i++)
		if (c->access[i].domain && c->mag.gre != MAG_GRE_KEYS)
			return config_fail(
				y, path_of(path, "mag.access[%u].ipv4-domain", i),
				"is %u while profiles allow IPv4 and mag.gre-encapsulation is not "
				"keys, which alone tell domains apart (RFC 5845 3.1); 0, or keys",
				c->access[i].domain);
	return 0;
}

int config_check_ipv4(const struct config_file *f, struct config_yaml *y)
{
	const struct config *c = &f->c;
	char at[PATH_LEN];
	int rc = 0;

	if (c->has_lma)
		rc = check_lma(c, y);
	if (!rc && c->has_mag)
		rc = check_mag(c, y);
	for (unsigned i = 0; !rc && i < f->n_profiles; i++)
		rc = check_profile(c, y, path_of(at, "profiles[%u]", i), &f->profiles[i]);
	for (unsigned i = 0; !rc && i < f->n_fallbacks; i++)
		rc = check_profile(c, y, path_of(at, "fallback-profiles[%u]", i), &f->fallbacks[i]);
	if (!rc && c->has_lma)
		rc = check_static_addresses(c, y);
	if (!rc && c->has_lma)
		rc = check_shared(f, y);
	if (!rc && c->has_mag)
		rc = check_domains(f, y);
	return rc;
}
