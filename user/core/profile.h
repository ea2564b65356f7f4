/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policy profiles (RFC 5213 6.2): what the domain knows of a mobile node. Both roles ask; the
 * configuration file fills a table now, other sources (AAA) may implement the same face later.
 */
#pragma once

#include <stdbool.h>

#include "base/addr.h"
#include "core/dataplane.h"
#include "wire/mh.h"

#define PROFILE_DNS_MAX 3

struct profile {
	struct mnid mnid;          /* owned by the table */
	bool enabled; /* entitled to network-based mobility; else status 152, RFC 5213 5.3.1 */
	struct in6_addr lmaa;      /* MAG: the node's anchor; :: = the default of the configuration */
	unsigned n_prefixes;       /* static prefixes; 0: from a pool */
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	char pool[32];             /* pool by name; "" = any */
	unsigned prefix_count;     /* how many to assign from the pool, >= 1 */
	uint32_t lifetime;         /* s; 0 = the role's default */
	bool ipv4;                 /* may have an IPv4 home address; else status 170, RFC 5844 3.1.2 */
	bool no_ipv6;              /* may not have prefixes: status 172 */
	struct in_addr home4;      /* static IPv4 home address; 0.0.0.0: from a pool */
	char pool4[32];            /* IPv4 pool by name; "" = any */
	struct in_addr dns4[PROFILE_DNS_MAX]; /* told by DHCP on the MAG */
	unsigned n_dns4;
	int local_routing;         /* -1: as the MAG's EnableMAGLocalRouting; 0, 1: overrides it */
	unsigned n_macs;
	struct mac macs[4];        /* link-layer addresses that identify the node on a MAG */
};

struct profiles {
	void *ctx;
	/* NULL: unknown. The result is valid until the table is replaced (reload), so do not keep it. */
	const struct profile *(*by_mnid)(void *ctx, const struct mnid *id);
	const struct profile *(*by_mac)(void *ctx, const struct mac *mac);
	/* Nodes without a profile of their own: the catch-all for their realm, or NULL. */
	const struct profile *(*fallback)(void *ctx, const struct mnid *id);
	/* Whether any profile has this IPv4 home address in that IPv4 pool: names the pool, or none.
	 * NULL: none ever has. */
	bool (*has_home4)(void *ctx, struct in_addr addr, const char *pool4);
};

/* The table behind the configuration file. */
struct profile_table;
int profile_table_new(struct profile_table **out);
void profile_table_free(struct profile_table **p);
/* Copies everything. -EEXIST: the MN-ID or a MAC is already there. */
int profile_table_add(struct profile_table *t, const struct profile *p);
/* `pattern` is "@realm" (exact realm) or "*" (everybody). */
int profile_table_add_fallback(struct profile_table *t, const char *pattern, const struct profile *p);
size_t profile_table_count(const struct profile_table *t);
struct profiles profile_table_profiles(struct profile_table *t);
