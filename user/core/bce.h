/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The binding cache (RFC 5213 5.1, RFC 6275 9.1).
 *
 * One struct bce is one mobility session: one interface of one mobile node. It is found by any of
 * its home network prefixes, by its IPv4 home address (RFC 5844 3.1.1), by its node's
 * MN-Identifier, and by MN-Identifier, access technology and link-layer identifier together. The
 * prefixes of a session are fixed as long as it has any; one of the two families may come or go
 * (bce_set_addresses()). Everything that a registration brings is in struct bce_reg and may be
 * replaced.
 *
 * A node's entries hang on one struct bce_node, which owns the identifier once. A node has at most
 * BCE_PER_NODE_MAX of them, so the search by interface walks a short list behind one hash look-up.
 *
 * The cache owns its entries and all they point to except `owner`, `revocation`, `late` and `item`, which
 * are its user's. Nodes and, through MAGs, prefixes are named by strangers, so the indexes are of
 * base/htable.h.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/deadline.h"
#include "base/htable.h"
#include "core/dataplane.h"
#include "core/home4.h"
#include "wire/mh.h"

#define BCE_PER_NODE_MAX 32

struct bce_cache;
struct bce_node;
struct store_item;

/* What the last accepted registration said. */
struct bce_reg {
	struct in6_addr proxy_coa;  /* IPv4-mapped: IPv4-Proxy-CoA, RFC 5844 3.1.1 */
	struct in6_addr lmaa;	    /* the anchor address that registration came to */
	struct in6_addr link_local; /* the MAG's on the node's link; :: not known */
	uint64_t timestamp;	    /* ALL_ZERO: the registration carried none */
	uint32_t lifetime_s;	    /* granted */
	uint32_t down_key;	    /* GRE key that the MAG chose, RFC 5845 3.3; with keyed ones */
	uint16_t seq;
	uint16_t port; /* UDP source port of the request, RFC 5844 4.1; else 0 */
	uint8_t encap; /* enum dp_encap */
	uint8_t att;
	uint8_t llid_len; /* 0: none, which RFC 5213 5.1 shows as two octets of zero */
	union {
		uint8_t in[8];
		uint8_t *out; /* when longer than `in` */
	} llid;
};

struct bce {
	struct bce_node *node;
	struct bce *next; /* of the same node, newest first */
	struct deadline deadline;
	void *owner, *revocation, *late; /* for the cache's user */
	struct store_item *item;  /* for the cache's user; NULL: is in no store */
	struct bce_reg reg;
	struct in6_addr moved_from; /* for the cache's user, not stored; and until when */
	nsec_t moved_until;
	dp_ref session;
	dp_ref tunnel;
	uint32_t handovers;
	uint8_t state;
	bool keyed; /* has an uplink GRE key: the same for the session's life, RFC 5845 5.2 */
	bool proxy; /* created by a proxy registration, RFC 5213 5.1 */
	uint8_t n_prefixes;
	struct bce_prefix *prefixes; /* use bce_prefix() */
	struct bce_addr4 *addr4;     /* use bce_home4() */
};

/* `seed` keys the indexes and is to be secret. 0 or -ENOMEM. */
int bce_cache_new(struct bce_cache **out, const uint8_t seed[HTABLE_SEED_LEN]);
void bce_cache_free(struct bce_cache **p); /* and all entries */
size_t bce_count(const struct bce_cache *c);
/* So many entries are coming. */
void bce_cache_reserve(struct bce_cache *c, size_t n);
/* Before bce_add() of the same, whose look-ups then wait less; `p` NULL: without prefixes. */
void bce_cache_prefetch(const struct bce_cache *c, const struct mnid *id, const struct prefix6 *p);

/*
 * Makes an entry and puts it into every index. The MN-ID, the prefixes (masked to their length) and
 * the IPv4 home address (NULL or one that is not set: none) are copied. -EEXIST: a prefix or the
 * address belongs to an entry; -EINVAL: neither prefix nor address, too many prefixes, or one of
 * them twice; -ENOSPC: the node has BCE_PER_NODE_MAX entries; -ENOMEM.
 */
int bce_add(struct bce_cache *c, const struct mnid *id, const struct prefix6 *prefixes, unsigned n,
	    const struct home4 *home4, struct bce **out);
/* Gives the session other addresses: a family is added or released (RFC 5844 3.1.2.4 to 3.1.2.6).
 * Errors as above, and then the old ones hold. */
int bce_set_addresses(struct bce_cache *c, struct bce *b, const struct prefix6 *prefixes,
		      unsigned n, const struct home4 *home4);
/* Takes the entry out of the cache and frees it; its deadline must not be armed. */
void bce_del(struct bce_cache *c, struct bce **p);

/* Copies the identifier into reg->llid; 0 or -ENOMEM. An identifier of zeros only is "none". */
int bce_reg_set_llid(struct bce_reg *reg, const struct llid *id);
void bce_reg_clear(struct bce_reg *reg);

/* The entry that holds this very prefix. */
struct bce *bce_by_prefix(const struct bce_cache *c, const struct prefix6 *p);
/* The entry that holds this IPv4 home address in that domain. */
struct bce *bce_by_addr4(const struct bce_cache *c, uint16_t domain, struct in_addr addr);
struct bce_node *bce_node_find(const struct bce_cache *c, const struct mnid *id);
/* The node's entry for that interface, the newest if there are several. */
struct bce *bce_by_interface(const struct bce_node *n, uint8_t att, const struct llid *id);
struct bce *bce_first(const struct bce_node *n); /* go on with ->next */
unsigned bce_node_count(const struct bce_node *n);
/* The newest timestamp accepted for this node in any of its sessions (RFC 5213 5.5). */
uint64_t bce_node_newest(const struct bce_node *n);
void bce_node_accept(struct bce_node *n, uint64_t timestamp);

struct mnid bce_mnid(const struct bce *b); /* borrowed from the entry */
struct llid bce_llid(const struct bce *b);
struct prefix6 bce_prefix(const struct bce *b, unsigned i);
struct home4 bce_home4(const struct bce *b); /* not set: none */
/* All of them into out[DP_PREFIXES_MAX]; returns how many. */
unsigned bce_prefixes(const struct bce *b, struct prefix6 *out);

/*
 * A walk over all nodes in pieces, with other work in between; there is one of them at a time.
 * bce_sweep() calls back for the entries of the next `nodes` nodes; the callback may delete the
 * entry, and no other. False: that was the end.
 */
void bce_sweep_start(struct bce_cache *c);
bool bce_sweep(struct bce_cache *c, unsigned nodes, void (*cb)(void *ctx, struct bce *b),
	       void *ctx);

/* Calls back for every entry, node by node in the order in which they came; the callback must not
 * add or delete any. */
void bce_walk(const struct bce_cache *c, void (*cb)(void *ctx, struct bce *b), void *ctx);
/* The same without the first `skip`, until cb returns false. To go on where an earlier one ended
 * takes no time as long as no entry went. */
void bce_walk_from(struct bce_cache *c, size_t skip, bool (*cb)(void *ctx, struct bce *b),
		   void *ctx);
