/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

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

/* ---- things that may be there once only */

struct item {
	const void *p;
	unsigned i, j; /* where it stands */
};

static int item_cmp(const void *a, const void *b, void *cmp)
{
	const struct item *x = a, *y = b;
	int c = ((int (*)(const void *, const void *))cmp)(x->p, y->p);

	if (c)
		return c;
	if (x->i != y->i)
		return x->i < y->i ? -1 : 1;
	return x->j < y->j ? -1 : x->j > y->j;
}

/* The first equal pair of n things in order of their place: 1 with *a before *b, else 0. */
static int find_dup(struct item *items, size_t n, int (*cmp)(const void *, const void *),
		    struct item *a, struct item *b)
{
	qsort_r(items, n, sizeof(*items), item_cmp, cmp);
	for (size_t k = 1; k < n; k++) {
		if (cmp(items[k - 1].p, items[k].p))
			continue;
		*a = items[k - 1];
		*b = items[k];
		return 1;
	}
	return 0;
}

static int str_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int in6_cmp(const void *a, const void *b)
{
	return addr6_cmp(a, b);
}

static int mac_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct mac));
}

static int pfx_cmp(const void *a, const void *b)
{
	return prefix6_cmp(a, b);
}

/* Refuses a key that has the same value in two entries of a list. */
static int unique(struct config_yaml *y, const char *list, const char *key, const void *first,
		  unsigned n, size_t stride, int (*cmp)(const void *, const void *))
{
	char path[PATH_LEN], other[PATH_LEN];
	struct item *items = calloc(n ? n : 1, sizeof(*items)), a, b;
	const char *dot = *key ? "." : "";
	int rc = 0;

	if (!items)
		return config_fail(y, list, "does not fit into memory; a smaller list");
	for (unsigned i = 0; i < n; i++)
		items[i] = (struct item){.p = (const char *)first + i * stride, .i = i};
	if (find_dup(items, n, cmp, &a, &b)) {
		path_of(other, "%s[%u]%s%s", list, a.i, dot, key);
		path_of(path, "%s[%u]%s%s", list, b.i, dot, key);
		rc = config_fail(y, path, "is the same as %s in line %u; each of them once", other,
				 config_yaml_line(y, other));
	}
	free(items);
	return rc;
}

static bool overlap(const struct prefix6 *a, const struct prefix6 *b)
{
	return prefix6_contains(a, b) || prefix6_contains(b, a);
}

static bool contained(const struct prefix6 *in, unsigned n, const struct prefix6 *p)
{
	for (unsigned i = 0; i < n; i++)
		if (prefix6_contains(&in[i], p))
			return true;
	return false;
}

static int multiple_of_4(struct config_yaml *y, const char *path, uint32_t v)
{
	if (v % MH_LIFETIME_UNIT == 0)
		return 0;
	return config_fail(y, path, "%u is no multiple of 4 s (RFC 6275 6.1.7); %u", v,
			   v - v % MH_LIFETIME_UNIT ? v - v % MH_LIFETIME_UNIT : MH_LIFETIME_UNIT);
}

/* ---- by section */

static int check_domain(const struct config_file *f, struct config_yaml *y)
{
	const struct config_domain *d = &f->domain;

	if (d->mobile_node_generated_timestamp_in_use && !d->timestamp_based_approach_in_use)
		return config_fail(y, "domain.mobile-node-generated-timestamp-in-use",
				   "is true while timestamp-based-approach-in-use is false "
				   "(RFC 5213 9.3); false");
	if (f->c.has_mag && addr6_is_zero(&d->fixed_link_local) &&
	    !mac_is_zero(&d->fixed_link_layer) &&
	    config_yaml_has(y, "domain.fixed-mag-link-layer-address-on-all-access-links"))
		return config_fail(y, "domain.fixed-mag-link-layer-address-on-all-access-links",
				   "is set while the fixed link-local address is \"::\" "
				   "(RFC 5213 9.3); 00:00:00:00:00:00, or both fixed");
	return 0;
}

/* The host interface and its other end are the daemon's own. */
static int check_host_interface(const struct config *c, struct config_yaml *y, const char *path,
				const char *name)
{
	const size_t n = strlen(c->host_interface);

	if (!n || strncmp(name, c->host_interface, n) ||
	    (name[n] && strcmp(name + n, CONFIG_HOST_SUFFIX) != 0))
		return 0;
	return config_fail(y, path,
			   "\"%s\" is made by the daemon (lma.host-interface); an existing "
			   "interface, or another host-interface",
			   name);
}

/* Where to, if not to CPUs that are named? */
static int check_spread(const struct config *c, struct config_yaml *y)
{
	char path[PATH_LEN];

	for (unsigned i = 0; !c->n_spread_cpus && i < c->n_transport; i++)
		if (c->transport[i].spread)
			return config_fail(y, path_of(path, "transport[%u].spread", i),
					   "needs CPUs to spread over; name them in spread-cpus");
	for (unsigned i = 0; !c->n_spread_cpus && i < c->n_access; i++)
		if (c->access[i].spread)
			return config_fail(y, path_of(path, "mag.access[%u].spread", i),
					   "needs CPUs to spread over; name them in spread-cpus");
	return 0;
}

static int check_interfaces(const struct config_file *f, struct config_yaml *y)
{
	const struct config *c = &f->c;
	char path[PATH_LEN];
	int rc;

	rc = unique(y, "transport", "name", c->transport, c->n_transport, sizeof(*c->transport),
		    str_cmp);
	if (!rc)
		rc = unique(y, "mag.access", "name", c->access, c->n_access, sizeof(*c->access),
			    str_cmp);
	for (unsigned i = 0; !rc && i < c->n_access; i++)
		for (unsigned j = 0; !rc && j < c->n_transport; j++)
			if (!strcmp(c->access[i].name, c->transport[j].name))
				rc = config_fail(
					y, path_of(path, "mag.access[%u].name", i),
					"\"%s\" is a transport interface too; an interface "
					"for mobile nodes alone",
					c->access[i].name);
	for (unsigned i = 0; !rc && c->has_lma && i < c->n_transport; i++)
		rc = check_host_interface(c, y, path_of(path, "transport[%u].name", i),
					  c->transport[i].name);
	for (unsigned i = 0; !rc && c->has_lma && i < c->n_access; i++)
		rc = check_host_interface(c, y, path_of(path, "mag.access[%u].name", i),
					  c->access[i].name);
	if (!rc)
		rc = check_spread(c, y);
	return rc;
}

const struct in6_addr *config_end(const struct config *c, unsigned k)
{
	if (k < c->n_lma_addrs6)
		return &c->lma_addrs6[k];
	k -= c->n_lma_addrs6;
	if (k < c->n_lma_addrs4)
		return &c->lma_addrs4[k];
	k -= c->n_lma_addrs4;
	if (k < c->lma.n_mags)
		return &c->lma.mags[k].addr;
	k -= c->lma.n_mags;
	if (k < c->mag.n_lmas)
		return &c->mag.lmas[k].addr;
	k -= c->mag.n_lmas;
	if (k < c->mag.n_neighbours)
		return &c->mag.neighbours[k].addr;
	k -= c->mag.n_neighbours;
	return k == 0 ? &c->mag.proxy_coa : k == 1 ? &c->mag.ipv4_proxy_coa : NULL;
}

/* A node whose prefix has the address of an LMA or MAG in it could speak in its name: what leaves a
 * tunnel for this host is told by its source alone. */
static int check_ends(const struct config *c, struct config_yaml *y, const char *path,
		      const struct prefix6 *p)
{
	char text[PREFIX6_STRLEN], at[ADDR6_STRLEN];
	const struct in6_addr *end;

	for (unsigned k = 0; (end = config_end(c, k)); k++) {
		const struct prefix6 host = {.addr = *end, .len = 128};

		if (prefix6_contains(p, &host))
			return config_fail(y, path,
					   "%s has %s in it, the address of an LMA or MAG; "
					   "prefixes of nodes alone",
					   prefix6_str(p, text), addr_str(end, at));
	}
	return 0;
}

static int check_home_networks(const struct config *c, struct config_yaml *y)
{
	const struct lma_cfg *l = &c->lma;
	char path[PATH_LEN];
	int rc = 0;

	for (unsigned i = 0; !rc && i < l->n_pools; i++)
		rc = check_ends(c, y, path_of(path, "lma.pools[%u].prefix", i),
				&l->pools[i].prefix);
	for (unsigned i = 0; !rc && i < l->n_static_prefixes; i++)
		rc = check_ends(c, y, path_of(path, "lma.static-prefixes[%u]", i),
				&l->static_prefixes[i]);
	return rc;
}

static int check_pools(const struct lma_cfg *l, struct config_yaml *y)
{
	char path[PATH_LEN], mine[PREFIX6_STRLEN], other[PREFIX6_STRLEN];
	int rc;

	rc = unique(y, "lma.pools", "name", l->pools, l->n_pools, sizeof(*l->pools), str_cmp);
	if (rc)
		return rc;
	for (unsigned i = 0; i < l->n_pools; i++) {
		const struct prefix6 *p = &l->pools[i].prefix;

		path_of(path, "lma.pools[%u].prefix", i);
		for (unsigned j = 0; j < i; j++)
			if (overlap(p, &l->pools[j].prefix))
				return config_fail(
					y, path, "%s overlaps %s of pool %s; prefixes apart",
					prefix6_str(p, mine),
					prefix6_str(&l->pools[j].prefix, other), l->pools[j].name);
		for (unsigned j = 0; j < l->n_static_prefixes; j++)
			if (overlap(p, &l->static_prefixes[j]))
				return config_fail(
					y, path,
					"%s overlaps %s of static-prefixes; prefixes apart",
					prefix6_str(p, mine),
					prefix6_str(&l->static_prefixes[j], other));
	}
	for (unsigned i = 0; i < l->n_static_prefixes; i++)
		for (unsigned j = 0; j < i; j++)
			if (overlap(&l->static_prefixes[i], &l->static_prefixes[j]))
				return config_fail(
					y, path_of(path, "lma.static-prefixes[%u]", i),
					"%s overlaps %s of the same list; prefixes apart",
					prefix6_str(&l->static_prefixes[i], mine),
					prefix6_str(&l->static_prefixes[j], other));
	if (!l->n_pools && !l->n_static_prefixes && !l->n_pools4)
		return config_fail(y, "lma",
				   "has no home network prefixes; pools, static-prefixes, or "
				   "ipv4-pools");
	return 0;
}

static int check_lma_mag(const struct lma_cfg *l, unsigned i, struct config_yaml *y)
{
	const struct lma_mag_cfg *m = &l->mags[i];
	char path[PATH_LEN], text[PREFIX6_STRLEN];

	for (unsigned k = 0; k < m->n_allow; k++) {
		const struct prefix6 *p = &m->allow[k];
		bool ours = false;

		for (unsigned n = 0; n < l->n_pools && !ours; n++)
			ours = overlap(p, &l->pools[n].prefix);
		for (unsigned n = 0; n < l->n_static_prefixes && !ours; n++)
			ours = overlap(p, &l->static_prefixes[n]);
		if (!ours)
			return config_fail(y,
					   path_of(path, "lma.mags[%u].allow-prefixes[%u]", i, k),
					   "%s is outside of our pools and static-prefixes; "
					   "a part of them",
					   prefix6_str(p, text));
	}
	return 0;
}

static int check_lma(const struct config_file *f, struct config_yaml *y)
{
	const struct lma_cfg *l = &f->c.lma;
	int rc;

	if (!f->c.has_lma)
		return 0;
	rc = unique(y, "lma.addresses", "", f->c.lma_addrs6, f->c.n_lma_addrs6,
		    sizeof(f->c.lma_addrs6[0]), in6_cmp);
	if (!rc)
		rc = unique(y, "lma.ipv4-addresses", "", f->c.lma_addrs4, f->c.n_lma_addrs4,
			    sizeof(f->c.lma_addrs4[0]), in6_cmp);
	if (!rc)
		rc = check_pools(l, y);
	if (!rc)
		rc = unique(y, "lma.mags", "name", l->mags ? l->mags->name : NULL, l->n_mags,
			    sizeof(*l->mags), str_cmp);
	if (!rc)
		rc = unique(y, "lma.mags", "address", l->mags ? &l->mags->addr : NULL, l->n_mags,
			    sizeof(*l->mags), in6_cmp);
	for (unsigned i = 0; !rc && i < l->n_mags; i++)
		rc = check_lma_mag(l, i, y);
	if (!rc)
		rc = check_home_networks(&f->c, y);
	if (!rc)
		rc = multiple_of_4(y, "lma.max-lifetime", l->max_lifetime);
	if (!rc)
		rc = multiple_of_4(y, "lma.binding-refresh-advice", l->refresh_advice);
	if (!rc && l->refresh_advice && l->refresh_advice >= l->max_lifetime)
		rc = config_fail(y, "lma.binding-refresh-advice",
				 "%u s is not below max-lifetime (RFC 6275 6.2.4); less than %u s",
				 l->refresh_advice, l->max_lifetime);
	return rc;
}

/* RFC 5949: which of two neighbours a trigger means must be clear. */
static int check_access_points(const struct mag_cfg *m, struct config_yaml *y, unsigned i)
{
	const struct mag_neighbour_cfg *a = &m->neighbours[i];
	char path[PATH_LEN];

	for (unsigned k = 0; k < i; k++) {
		const struct mag_neighbour_cfg *b = &m->neighbours[k];

		for (unsigned x = 0; x < a->n_ap_ids; x++)
			for (unsigned z = 0; z < b->n_ap_ids; z++)
				if (!strcmp(a->ap_ids[x], b->ap_ids[z]))
					return config_fail(
						y, path_of(path, "mag.neighbours[%u].ap-ids", i),
						"%s is an access point of neighbours[%u] already; "
						"each of them once",
						a->ap_ids[x], k);
	}
	return 0;
}

static int check_neighbours(const struct mag_cfg *m, struct config_yaml *y)
{
	char path[PATH_LEN];
	int rc = unique(y, "mag.neighbours", "name", m->neighbours->name, m->n_neighbours,
			sizeof(*m->neighbours), str_cmp);

	if (!rc)
		rc = unique(y, "mag.neighbours", "address", &m->neighbours->addr, m->n_neighbours,
			    sizeof(*m->neighbours), in6_cmp);
	for (unsigned i = 0; !rc && i < m->n_neighbours; i++) {
		const struct mag_neighbour_cfg *n = &m->neighbours[i];
		const bool ip4 = addr_is_ip4(&n->addr);
		const struct in6_addr *own = ip4 ? &m->ipv4_proxy_coa : &m->proxy_coa;

		if (addr6_is_zero(own) || addr6_eq(own, &n->addr))
			return config_fail(y, path_of(path, "mag.neighbours[%u].address", i),
					   "%s; the address of another MAG, reached from %s",
					   addr6_is_zero(own)
						   ? "is of a family that this MAG has no "
						     "address of"
						   : "is our own",
					   ip4 ? "ipv4-proxy-coa" : "proxy-coa");
		if (!ip4 && n->encap >= DP_ENCAP_UDP && n->encap != DP_ENCAP_MAX)
			return config_fail(y, path_of(path, "mag.neighbours[%u].encapsulation", i),
					   "runs over IPv4 only; auto, ip, gre or gre-key");
		rc = check_access_points(m, y, i);
	}
	return rc;
}

static int check_mag(const struct config_file *f, struct config_yaml *y)
{
	const struct mag_cfg *m = &f->c.mag;
	const struct access_cfg *a = &f->c.access_cfg;
	char path[PATH_LEN];
	int rc;

	if (!f->c.has_mag)
		return 0;
	rc = unique(y, "mag.lmas", "name", m->lmas->name, m->n_lmas, sizeof(*m->lmas), str_cmp);
	if (!rc)
		rc = unique(y, "mag.lmas", "address", &m->lmas->addr, m->n_lmas, sizeof(*m->lmas),
			    in6_cmp);
	if (!rc && m->n_neighbours)
		rc = check_neighbours(m, y);
	if (!rc)
		rc = unique(y, "mag.dhcpv6-servers", "", f->c.dhcp6_servers, f->c.n_dhcp6_servers,
			    sizeof(f->c.dhcp6_servers[0]), in6_cmp);
	for (unsigned i = 0; !rc && i < f->c.n_dhcp6_servers; i++)
		if (addr6_eq(&f->c.dhcp6_servers[i], &m->proxy_coa))
			rc = config_fail(
				y, path_of(path, "mag.dhcpv6-servers[%u]", i),
				"is the Proxy-CoA, where the relay agent itself is; a server's "
				"own address");
	if (!rc)
		rc = multiple_of_4(y, "mag.lifetime", m->lifetime);
	if (!rc && m->initial_bindack_timeout_ms > m->max_bindack_timeout_ms)
		rc = config_fail(y, "mag.initial-bindack-timeout",
				 "%u ms is more than max-bindack-timeout; at most %u ms",
				 m->initial_bindack_timeout_ms, m->max_bindack_timeout_ms);
	if (!rc && m->tunnel_mtu && m->tunnel_mtu < 1280)
		rc = config_fail(y, "mag.tunnel-mtu",
				 "%u is less than IPv6 needs (RFC 8200 5); 0, or 1280 and more",
				 m->tunnel_mtu);
	if (!rc && a->min_rtr_adv_interval_s * 4 > a->max_rtr_adv_interval_s * 3)
		rc = config_fail(y, "mag.router-advertisements.min-interval",
				 "%u s is more than 3/4 of max-interval (RFC 4861 6.2.1); "
				 "at most %u s",
				 a->min_rtr_adv_interval_s, a->max_rtr_adv_interval_s * 3 / 4);
	if (!rc && a->router_lifetime_s && a->router_lifetime_s < a->max_rtr_adv_interval_s)
		rc = config_fail(y, "mag.router-advertisements.router-lifetime",
				 "%u s is less than max-interval (RFC 4861 6.2.1); 0, or at least "
				 "%u s",
				 a->router_lifetime_s, a->max_rtr_adv_interval_s);
	return rc;
}

/* ---- profiles */

static int check_profile(const struct config_file *f, struct config_yaml *y, const char *at,
			 const struct profile *p)
{
	const struct config *c = &f->c;
	char path[PATH_LEN], text[PREFIX6_STRLEN];
	bool known = false;

	for (unsigned i = 0; i < c->lma.n_pools && !known; i++)
		known = !strcmp(c->lma.pools[i].name, p->pool);
	if (c->has_lma && p->pool[0] && !known)
		return config_fail(y, path_of(path, "%s.pool", at),
				   "\"%s\" is not among lma.pools; the name of one of them",
				   p->pool);
	if (p->pool[0] && p->n_prefixes)
		return config_fail(y, path_of(path, "%s.pool", at),
				   "is given beside prefixes; one of the two");
	for (unsigned i = 0; c->has_lma && i < p->n_prefixes; i++)
		if (!contained(c->lma.static_prefixes, c->lma.n_static_prefixes, &p->prefixes[i]))
			return config_fail(y, path_of(path, "%s.prefixes[%u]", at, i),
					   "%s is outside of lma.static-prefixes; a /64 of them",
					   prefix6_str(&p->prefixes[i], text));
	known = addr6_is_zero(&p->lmaa);
	for (unsigned i = 0; i < c->mag.n_lmas && !known; i++)
		known = addr6_eq(&c->mag.lmas[i].addr, &p->lmaa);
	if (c->has_mag && !known)
		return config_fail(y, path_of(path, "%s.lma", at),
				   "%s is not among mag.lmas; the address of one of them",
				   addr_str(&p->lmaa, text));
	if (p->lifetime % MH_LIFETIME_UNIT)
		return multiple_of_4(y, path_of(path, "%s.lifetime", at), p->lifetime);
	return 0;
}

/* No link-layer address and no prefix may belong to two nodes. */
static int check_shared(const struct config_file *f, struct config_yaml *y, bool macs)
{
	const char *key = macs ? "link-layer-addresses" : "prefixes";
	char path[PATH_LEN], other[PATH_LEN];
	struct item *items, a, b;
	size_t n = 0, cap = 0;
	int rc = 0;

	for (unsigned i = 0; i < f->n_profiles; i++)
		cap += macs ? f->profiles[i].profile.n_macs : f->profiles[i].profile.n_prefixes;
	items = calloc(cap ? cap : 1, sizeof(*items));
	if (!items)
		return config_fail(y, "profiles", "does not fit into memory; a smaller list");
	for (unsigned i = 0; i < f->n_profiles; i++) {
		const struct profile *p = &f->profiles[i].profile;

		for (unsigned j = 0; j < (macs ? p->n_macs : p->n_prefixes); j++)
			items[n++] = (struct item){
				.p = macs ? (const void *)&p->macs[j] : &p->prefixes[j],
				.i = i,
				.j = j,
			};
	}
	if (find_dup(items, n, macs ? mac_cmp : pfx_cmp, &a, &b)) {
		path_of(other, "profiles[%u].%s[%u]", a.i, key, a.j);
		path_of(path, "profiles[%u].%s[%u]", b.i, key, b.j);
		rc = config_fail(y, path, "is the same as %s in line %u; each of them once", other,
				 config_yaml_line(y, other));
	}
	free(items);
	return rc;
}

static int check_profiles(const struct config_file *f, struct config_yaml *y)
{
	char at[PATH_LEN];
	int rc;

	rc = unique(y, "profiles", "mn-id", f->profiles, f->n_profiles, sizeof(*f->profiles),
		    str_cmp);
	if (!rc)
		rc = unique(y, "fallback-profiles", "match", f->fallbacks, f->n_fallbacks,
			    sizeof(*f->fallbacks), str_cmp);
	if (!rc)
		rc = check_shared(f, y, true);
	if (!rc)
		rc = check_shared(f, y, false);
	for (unsigned i = 0; !rc && i < f->n_profiles; i++)
		rc = check_profile(f, y, path_of(at, "profiles[%u]", i), &f->profiles[i].profile);
	for (unsigned i = 0; !rc && i < f->n_fallbacks; i++)
		rc = check_profile(f, y, path_of(at, "fallback-profiles[%u]", i),
				   &f->fallbacks[i].profile);
	return rc;
}

int config_check(const struct config_file *f, struct config_yaml *y)
{
	int rc;

	if (!f->c.has_lma && !f->c.has_mag)
		return config_fail(y, "file", "has neither lma nor mag; one of them, or both");
	rc = check_domain(f, y);
	if (!rc)
		rc = check_interfaces(f, y);
	if (!rc)
		rc = check_lma(f, y);
	if (!rc)
		rc = check_mag(f, y);
	if (!rc)
		rc = config_check_ipv4(f, y);
	if (!rc)
		rc = config_check_statics(f, y);
	if (!rc)
		rc = check_profiles(f, y);
	return rc;
}
