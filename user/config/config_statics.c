/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether static sessions make sense, each by itself and among the others. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_check.h"

#define PATH_LEN 128

/* One of the two lists. */
struct list {
	const struct config_file *f;
	struct config_yaml *y;
	const char *key; /* "lma.static-sessions" */
	const struct static_session *s;
	unsigned n;
};

static int fail(const struct list *l, unsigned i, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int fail(const struct list *l, unsigned i, const char *key, const char *fmt, ...)
{
	char path[PATH_LEN], text[CONFIG_ERR_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s[%u]%s%s", l->key, i, *key ? "." : "", key);
	return config_fail(l->y, path, "%s", text);
}

static bool udp(enum dp_encap e)
{
	return e >= DP_ENCAP_UDP;
}

static bool among(const struct in6_addr *a, const struct in6_addr *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (addr6_eq(a, &list[i]))
			return true;
	return false;
}

/* Our end of the tunnel: there must be one of the other end's family. */
static int check_local(const struct list *l, unsigned i)
{
	const struct static_session *s = &l->s[i];
	const struct config *c = &l->f->c;
	const bool four = addr_is_ip4(&s->remote), anchor = l->s == c->lma_statics;
	char text[ADDR6_STRLEN];

	if (!anchor && four && addr6_is_zero(&c->mag.ipv4_proxy_coa))
		return fail(l, i, "lmaa",
			    "%s is an IPv4 address while mag.ipv4-proxy-coa is missing; an IPv6 "
			    "address, or both ends IPv4",
			    addr_str(&s->remote, text));
	if (!anchor && !four && addr6_is_zero(&c->mag.proxy_coa))
		return fail(l, i, "lmaa",
			    "%s is an IPv6 address while mag.proxy-coa is missing; an IPv4 "
			    "address, or both ends IPv6",
			    addr_str(&s->remote, text));
	if (!anchor)
		return 0;
	if (!four && !c->n_lma_addrs6)
		return fail(l, i, "proxy-coa",
			    "%s is an IPv6 address while lma.addresses is missing; an IPv4 "
			    "address, or both ends IPv6",
			    addr_str(&s->remote, text));
	if (four && !c->n_lma_addrs4)
		return fail(l, i, "proxy-coa",
			    "%s is an IPv4 address while lma.ipv4-addresses is missing; an IPv6 "
			    "address, or both ends IPv4",
			    addr_str(&s->remote, text));
	if (addr6_is_zero(&s->local))
		return 0;
	if (addr_is_ip4(&s->local) != four)
		return fail(l, i, "lmaa",
			    "%s is of another family than proxy-coa; two addresses of one family",
			    addr_str(&s->local, text));
	if (four ? !among(&s->local, c->lma_addrs4, c->n_lma_addrs4)
		 : !among(&s->local, c->lma_addrs6, c->n_lma_addrs6))
		return fail(l, i, "lmaa", "%s is not among lma.%s; one of them, or nothing",
			    addr_str(&s->local, text), four ? "ipv4-addresses" : "addresses");
	return 0;
}

static int check_link(const struct list *l, unsigned i)
{
	const struct static_session *s = &l->s[i];
	const struct config *c = &l->f->c;

	for (unsigned k = 0; k < c->n_access; k++)
		if (!strcmp(c->access[k].name, s->ifname))
			return 0;
	return fail(l, i, "interface", "\"%s\" is not among mag.access; the name of one of them",
		    s->ifname);
}

static int check_pools(const struct list *l, unsigned i)
{
	const struct static_session *s = &l->s[i];
	const struct lma_cfg *lma = &l->f->c.lma;
	char key[32], text[PREFIX6_STRLEN];

	for (unsigned k = 0; k < s->n_prefixes; k++)
		for (unsigned n = 0; n < lma->n_pools; n++) {
			if (!prefix6_contains(&lma->pools[n].prefix, &s->prefixes[k]))
				continue;
			snprintf(key, sizeof(key), "prefixes[%u]", k);
			return fail(l, i, key,
				    "%s is in pool %s, which gives it to any node; a prefix "
				    "outside of the pools",
				    prefix6_str(&s->prefixes[k], text), lma->pools[n].name);
		}
	return 0;
}

static int check_one(const struct list *l, unsigned i)
{
	const struct static_session *s = &l->s[i];
	const bool anchor = l->s == l->f->c.lma_statics;
	int rc;

	if (!s->n_prefixes && addr6_is_zero(&s->addr4))
		return fail(l, i, "", "has no address; prefixes, ipv4-home-address, or both");
	rc = check_local(l, i);
	if (rc)
		return rc;
	if (udp(s->encap) && !addr_is_ip4(&s->remote))
		return fail(
			l, i, "encapsulation",
			"runs over IPv4 only (RFC 5844 4) while the tunnel is over IPv6; ip, gre "
			"or gre-key, or IPv4 addresses");
	if (s->peer_key && !dp_encap_keyed(s->encap))
		return fail(
			l, i, anchor ? "downlink-gre-key" : "uplink-gre-key",
			"is given while the encapsulation has no keys; gre-key or udp-gre-key, or "
			"no key");
	if (s->domain && addr6_is_zero(&s->addr4))
		return fail(l, i, "ipv4-domain",
			    "is given without ipv4-home-address; both, or none");
	if (s->domain && !dp_encap_keyed(s->encap))
		return fail(l, i, "ipv4-domain",
			    "is %u while the encapsulation has no keys to tell domains apart "
			    "(RFC 5845 3.1); 0, or gre-key or udp-gre-key",
			    s->domain);
	return anchor ? check_pools(l, i) : check_link(l, i);
}

/* ---- among the others */

struct item {
	const struct static_session *s;
	const struct in6_addr *a; /* first address of a prefix, or IPv4 home address */
	uint16_t domain;
	unsigned i, k; /* where it stands */
};

static int item_cmp(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int c = addr6_cmp(x->a, y->a);

	if (!c)
		c = (int)x->domain - (int)y->domain;
	if (!c)
		c = x->i != y->i ? (x->i < y->i ? -1 : 1) : (int)x->k - (int)y->k;
	return c;
}

static int mnid_cmp(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int c = strcmp(x->s->mnid, y->s->mnid);

	return c ? c : x->i < y->i ? -1 : x->i > y->i;
}

static void path_of(const struct list *l, const struct item *it, bool four, char path[PATH_LEN])
{
	if (four)
		snprintf(path, PATH_LEN, "%s[%u].ipv4-home-address", l->key, it->i);
	else
		snprintf(path, PATH_LEN, "%s[%u].prefixes[%u]", l->key, it->i, it->k);
}

static int same_as(const struct list *l, const char *path, const char *other)
{
	return config_fail(l->y, path, "is the same as %s in line %u; each of them once", other,
			   config_yaml_line(l->y, other));
}

static int check_shared(const struct list *l, struct item *items, bool four)
{
	char path[PATH_LEN], other[PATH_LEN];
	unsigned n = 0;

	for (unsigned i = 0; i < l->n; i++) {
		const struct static_session *s = &l->s[i];

		if (four && !addr6_is_zero(&s->addr4))
			items[n++] = (struct item){s, &s->addr4, s->domain, i, 0};
		for (unsigned k = 0; !four && k < s->n_prefixes; k++)
			items[n++] = (struct item){s, &s->prefixes[k].addr, 0, i, k};
	}
	qsort(items, n, sizeof(*items), item_cmp);
	for (unsigned k = 1; k < n; k++) {
		if (!addr6_eq(items[k - 1].a, items[k].a) || items[k - 1].domain != items[k].domain)
			continue;
		path_of(l, &items[k - 1], four, other);
		path_of(l, &items[k], four, path);
		return same_as(l, path, other);
	}
	return 0;
}

static int check_names(const struct list *l, struct item *items)
{
	char path[PATH_LEN], other[PATH_LEN];

	for (unsigned i = 0; i < l->n; i++)
		items[i] = (struct item){.s = &l->s[i], .i = i};
	qsort(items, l->n, sizeof(*items), mnid_cmp);
	for (unsigned k = 1; k < l->n; k++) {
		if (strcmp(items[k - 1].s->mnid, items[k].s->mnid) != 0)
			continue;
		snprintf(other, sizeof(other), "%s[%u].mn-id", l->key, items[k - 1].i);
		snprintf(path, sizeof(path), "%s[%u].mn-id", l->key, items[k].i);
		return same_as(l, path, other);
	}
	return 0;
}

static int check_list(const struct list *l)
{
	struct item *items = calloc(l->n * DP_PREFIXES_MAX + 1, sizeof(*items));
	int rc;

	if (!items)
		return config_fail(l->y, l->key, "does not fit into memory; a smaller list");
	rc = check_names(l, items);
	if (!rc)
		rc = check_shared(l, items, false);
	if (!rc)
		rc = check_shared(l, items, true);
	free(items);
	for (unsigned i = 0; !rc && i < l->n; i++)
		rc = check_one(l, i);
	return rc;
}

int config_check_statics(const struct config_file *f, struct config_yaml *y)
{
	const struct config *c = &f->c;
	const struct list lma = {f, y, "lma.static-sessions", c->lma_statics, c->n_lma_statics},
			  mag = {f, y, "mag.static-sessions", c->mag_statics, c->n_mag_statics};
	int rc = 0;

	if (c->has_lma)
		rc = check_list(&lma);
	if (!rc && c->has_mag)
		rc = check_list(&mag);
	return rc;
}
