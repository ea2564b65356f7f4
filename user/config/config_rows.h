/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration's schema as data: sections of rows, one row per key. Private to config/.
 *
 * A row says where its value lives in its section's structure, so that loading, comparing and
 * printing are loops over rows. Defaults are written as an operator would write them and pass
 * through the same parser.
 */
#pragma once

#include "config/config.h"

enum config_kind {
	CONFIG_UINT,
	CONFIG_BOOL,
	CONFIG_NAME,	  /* one of a few words; row->names */
	CONFIG_STRING,	  /* row->syntax says which characters */
	CONFIG_ADDR,	  /* IPv6 address fit to be a tunnel end point */
	CONFIG_ADDR4,	  /* IPv4 unicast address, kept IPv4-mapped */
	CONFIG_ADDR_ANY,  /* one of these two */
	CONFIG_INADDR,	  /* as CONFIG_ADDR4, kept as struct in_addr */
	CONFIG_LINKLOCAL, /* IPv6 link-local address, or :: */
	CONFIG_PREFIX,	  /* IPv6 prefix of row->min..row->max bits */
	CONFIG_PREFIX4,	  /* IPv4 prefix, likewise */
	CONFIG_MAC,	  /* unicast link-layer address */
	CONFIG_MAC_OR_ZERO,
	CONFIG_ATT,	/* Access Technology Type by name or number */
	CONFIG_SECTION, /* a mapping; row->sub */
};

enum config_list {
	CONFIG_ONE,
	CONFIG_ARRAY, /* up to row->max_n elements in the structure itself */
	CONFIG_HEAP,  /* a pointer to as many as there are, at most row->max_n */
};

/* Which strings a CONFIG_STRING takes. */
struct config_syntax {
	bool (*ok)(const char *s);
	const char *expected; /* "a realm such as example.com" */
};

struct config_name {
	const char *name;
	int value;
};

struct config_section;

struct config_row {
	const char *key;
	enum config_kind kind;
	size_t offset; /* of the value, the array or the pointer, in the section's structure */
	size_t size;   /* octets of one value */
	enum config_list list;
	size_t count;	 /* lists: offset of the unsigned number of elements; an optional section:
			  * offset of the bool that says it is there */
	unsigned max_n;	 /* lists */
	const char *def; /* NULL: must be given; "": nothing */
	int64_t min, max;
	const char *unit;		 /* "" none */
	const struct config_name *names; /* ends with a NULL name */
	const struct config_syntax *syntax;
	const struct config_section *sub;
	const char *rfc;     /* name and clause; "" none */
	bool live;	     /* a reload may change it; lists: entries may come and go */
	const char *example; /* for the commented example; NULL: the default */
	const char *help;
};

struct config_section {
	const char *name;  /* as in the reference: "lma.mags[]" */
	const char *title; /* one line */
	size_t size;	   /* octets of its structure */
	const struct config_row *rows;
	size_t n_rows;
};

/* Domain-wide values; copied into the roles' configurations when all is read. */
struct config_domain {
	char realm[64];
	bool timestamp_based_approach_in_use;
	bool mobile_node_generated_timestamp_in_use;
	struct in6_addr fixed_link_local;
	struct mac fixed_link_layer;
};

#define CONFIG_VENDOR_LEN 16 /* "4294967295/255" */
#define CONFIG_MATCH_LEN  66 /* '@' and a realm */

/* A profile or a fallback as written; profile.mnid and no_ipv6 are set when all is read. */
struct config_profile {
	char id[255]; /* MN-ID, or the pattern of a fallback */
	bool ipv6;
	struct profile profile;
};

/* Everything that one file says; what config.h shows is its first member. */
struct config_file {
	struct config c;
	struct config_domain domain;
	char context_vendors[MAG_CONTEXT_VENDORS_MAX][CONFIG_VENDOR_LEN];
	unsigned n_context_vendors;
	struct config_profile *profiles;
	unsigned n_profiles;
	struct config_profile *fallbacks;
	unsigned n_fallbacks;
};

extern const struct config_section config_root;

static inline const struct config_file *config_file_of(const struct config *c)
{
	return (const struct config_file *)c;
}

/* "31353/1": Vendor ID and Sub-Type. False: it is not that. */
bool config_vendor(const char *s, struct mag_vendor_cfg *out);

/* Whether a row has a value without the file giving one. */
static inline bool config_row_required(const struct config_row *r)
{
	return !r->def;
}
