/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Binding Update List (RFC 6275 11.1, RFC 5213 6.1): a MAG's record of what it registered.
 *
 * The list indexes entries, it does not own them: a role embeds struct bule in its session, fills
 * in the keys and adds it. An entry is found by place (interface and link-layer address), by
 * MN-Identifier (a node with several interfaces has several entries) and by home network prefix.
 * An entry whose node has left is parked: still found by MN-Identifier, so that the answer to its
 * de-registration finds it, but no longer by place or prefix, which a newcomer may take.
 *
 * Nodes choose their link-layer addresses, so the indexes are of base/htable.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/htable.h"
#include "base/nsec.h"
#include "core/dataplane.h"
#include "core/home4.h"
#include "core/rtx.h"
#include "wire/mh.h"

struct bul;
struct bul_link;
struct bul_prefix;

struct bule {
	/* the list's own */
	struct hnode by_node, by_mnid;
	struct bul_link *link;
	struct bule *prev, *next; /* on the same link */
	struct bul_prefix *hnp;
	bool parked;

	/* Keys: set by the owner before bul_add(), afterwards changed through the functions below. */
	struct mnid mnid; /* its octets belong to the owner */
	unsigned ifindex; /* if-id of the node's link */
	struct mac mac;   /* link-layer identifier of its interface; all zero: not known */

	/* What was registered, and the state of the exchange: the owner's to write. */
	uint8_t att;
	uint8_t n_prefixes;             /* through bul_set_prefixes() */
	uint16_t seq;                   /* last Sequence Number sent */
	uint32_t lifetime_s;            /* granted */
	const struct prefix6 *prefixes; /* through bul_set_prefixes() */
	struct home4 home4;		/* IPv4 home address and default router, RFC 5844 3.2.1 */
	struct in6_addr lmaa;		/* IPv4-mapped: IPv4-LMAA */
	struct in6_addr link_local; /* the MAG's on the node's link; zero: not known */
	dp_ref tunnel;              /* tunnel-if-id */
	dp_ref session;
	nsec_t sent_at;     /* last Proxy Binding Update */
	nsec_t expires;     /* counted from the sending time of the accepted request */
	uint64_t timestamp; /* last one sent, in option format */
	struct rtx rtx;
};

/* `seed` keys the indexes and is to be secret. 0 or -ENOMEM. */
int bul_new(struct bul **out, const uint8_t seed[HTABLE_SEED_LEN]);
void bul_free(struct bul **p); /* the list must be empty */
size_t bul_count(const struct bul *l);

int bul_add(struct bul *l, struct bule *e); /* 0 or -ENOMEM */
/* Takes the entry out and releases its prefix list. */
void bul_del(struct bul *l, struct bule *e);
/* The node is at another place now. 0, or -ENOMEM and nothing changed. */
int bul_move(struct bul *l, struct bule *e, unsigned ifindex, const struct mac *mac);
/* The node left. Keys and prefixes stay readable; only the MN-Identifier still finds the entry. */
void bul_park(struct bul *l, struct bule *e);
/* Replaces the prefix list by a copy of `p`, which may be the entry's own. 0, or -ENOMEM and the
 * old list stays; n == 0 never fails. */
int bul_set_prefixes(struct bul *l, struct bule *e, const struct prefix6 *p, unsigned n);

struct bule *bul_by_node(const struct bul *l, unsigned ifindex, const struct mac *mac);
/* The first entry of that node, or the one after `after`; parked ones included. */
struct bule *bul_by_mnid(const struct bul *l, const struct mnid *id, const struct bule *after);
struct bule *bul_by_prefix(const struct bul *l, const struct prefix6 *p, const struct bule *after);

/* All entries, parked ones last of their link's turn; an entry may be deleted or parked once its
 * successor is known. */
struct bule *bul_first(const struct bul *l);
struct bule *bul_next(const struct bule *e);
/* The entries on one link; follow with e->next. */
struct bule *bul_link_first(const struct bul *l, unsigned ifindex);
