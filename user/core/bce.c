/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/bce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

struct bce_prefix {
	struct hnode hnode;
	struct bce *bce;
	struct prefix6 prefix;
};

struct bce_addr4 {
	struct hnode hnode;
	struct bce *bce;
	struct home4 home4;
};

struct bce_node {
	struct hnode hnode;
	struct bce_node *prev, *next; /* in the order of coming */
	struct bce *first;
	uint64_t newest;
	uint8_t count;
	uint8_t subtype;
	uint8_t id_len;
	uint8_t id[]; /* the octets of the MN-Identifier */
};

struct bce_cache {
	struct htable by_prefix;
	struct htable by_addr4;
	struct htable by_mnid;
	struct bce_node *oldest, *newest;
	struct bce_node *sweep; /* whose turn it is next in bce_sweep() */
	struct bce_node *page;	/* where bce_walk_from() ended; NULL: not known any more */
	size_t page_at;		/* entries before it */
	size_t n;
};

int bce_cache_new(struct bce_cache **out, const uint8_t seed[HTABLE_SEED_LEN])
{
	struct bce_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	if (htable_init(&c->by_prefix, seed) || htable_init(&c->by_addr4, seed) ||
	    htable_init(&c->by_mnid, seed)) {
		bce_cache_free(&c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

void bce_cache_reserve(struct bce_cache *c, size_t n)
{
	htable_reserve(&c->by_mnid, n);
	htable_reserve(&c->by_prefix, n);
}

static uint32_t hash_mnid(const struct bce_cache *c, const struct mnid *id)
{
	return htable_hash(&c->by_mnid, id->id, id->len) + id->subtype;
}

static uint32_t hash_prefix(const struct bce_cache *c, const struct prefix6 *p)
{
	return htable_hash(&c->by_prefix, &p->addr, sizeof(p->addr)) + p->len;
}

void bce_cache_prefetch(const struct bce_cache *c, const struct mnid *id, const struct prefix6 *p)
{
	htable_prefetch(&c->by_mnid, hash_mnid(c, id));
	if (p)
		htable_prefetch(&c->by_prefix, hash_prefix(c, p));
}

size_t bce_count(const struct bce_cache *c)
{
	return c->n;
}

static struct mnid node_mnid(const struct bce_node *n)
{
	return (struct mnid){.subtype = n->subtype, .len = n->id_len, .id = n->id};
}

static struct bce_node *find_node(const struct bce_cache *c, const struct mnid *id, uint32_t hash)
{
	for (struct hnode *h = htable_find(&c->by_mnid, hash); h; h = htable_next(h)) {
		struct bce_node *n = container_of(h, struct bce_node, hnode);
		const struct mnid own = node_mnid(n);

		if (mnid_eq(&own, id))
			return n;
	}
	return NULL;
}

struct bce_node *bce_node_find(const struct bce_cache *c, const struct mnid *id)
{
	return id->len ? find_node(c, id, hash_mnid(c, id)) : NULL;
}

static struct bce_node *node_get(struct bce_cache *c, const struct mnid *id)
{
	const uint32_t hash = hash_mnid(c, id);
	struct bce_node *n = find_node(c, id, hash);

	if (n)
		return n;
	n = calloc(1, sizeof(*n) + id->len);
	if (!n)
		return NULL;
	n->subtype = id->subtype;
	n->id_len = id->len;
	memcpy(n->id, id->id, id->len);
	htable_add(&c->by_mnid, &n->hnode, hash);
	n->prev = c->newest;
	if (n->prev)
		n->prev->next = n;
	else
		c->oldest = n;
	c->newest = n;
	return n;
}

static void node_drop_if_empty(struct bce_cache *c, struct bce_node *n)
{
	if (n->first)
		return;
	if (c->sweep == n)
		c->sweep = n->next;
	if (n->prev)
		n->prev->next = n->next;
	else
		c->oldest = n->next;
	if (n->next)
		n->next->prev = n->prev;
	else
		c->newest = n->prev;
	htable_del(&c->by_mnid, &n->hnode);
	free(n);
}

static struct bce_prefix *find_prefix(const struct bce_cache *c, const struct prefix6 *p,
				      uint32_t hash)
{
	for (struct hnode *h = htable_find(&c->by_prefix, hash); h; h = htable_next(h)) {
		struct bce_prefix *e = container_of(h, struct bce_prefix, hnode);

		if (prefix6_eq(&e->prefix, p))
			return e;
	}
	return NULL;
}

struct bce *bce_by_prefix(const struct bce_cache *c, const struct prefix6 *p)
{
	struct prefix6 masked = *p;
	const struct bce_prefix *e;

	prefix6_mask(&masked);
	e = find_prefix(c, &masked, hash_prefix(c, &masked));
	return e ? e->bce : NULL;
}

static uint32_t hash_addr4(const struct bce_cache *c, uint16_t domain, struct in_addr addr)
{
	return htable_hash(&c->by_addr4, &addr, sizeof(addr)) + domain;
}

struct bce *bce_by_addr4(const struct bce_cache *c, uint16_t domain, struct in_addr addr)
{
	const uint32_t hash = hash_addr4(c, domain, addr);

	for (struct hnode *h = htable_find(&c->by_addr4, hash); h; h = htable_next(h)) {
		struct bce_addr4 *e = container_of(h, struct bce_addr4, hnode);

		if (e->home4.addr.s_addr == addr.s_addr && e->home4.domain == domain)
			return e->bce;
	}
	return NULL;
}

/* What an entry holds, before it is in the indexes and while it is. */
struct addresses {
	struct bce_prefix *prefixes;
	struct bce_addr4 *addr4;
	unsigned n;
};

static void addresses_free(struct addresses *a)
{
	free(a->prefixes);
	free(a->addr4);
}

/* Whether `b`, NULL for one that is still to be made, may have them. */
static int addresses_check(const struct bce_cache *c, const struct bce *b,
			   const struct addresses *a)
{
	const struct bce *other;

	for (unsigned i = 0; i < a->n; i++) {
		for (unsigned k = 0; k < i; k++) {
			if (prefix6_eq(&a->prefixes[i].prefix, &a->prefixes[k].prefix))
				return -EINVAL;
		}
		other = bce_by_prefix(c, &a->prefixes[i].prefix);
		if (other && other != b)
			return -EEXIST;
	}
	if (!a->addr4)
		return 0;
	other = bce_by_addr4(c, a->addr4->home4.domain, a->addr4->home4.addr);
	return other && other != b ? -EEXIST : 0;
}

/* Copies them for entry `b`, changing nothing. */
static int addresses_make(const struct bce_cache *c, const struct bce *b,
			  const struct prefix6 *prefixes, unsigned n, const struct home4 *home4,
			  struct addresses *out)
{
	struct addresses a = {.n = n};
	int err;

	if (n > DP_PREFIXES_MAX || (!n && !home4_is_set(home4)))
		return -EINVAL;
	if (n)
		a.prefixes = calloc(n, sizeof(*a.prefixes));
	if (home4_is_set(home4))
		a.addr4 = calloc(1, sizeof(*a.addr4));
	err = (n && !a.prefixes) || (home4_is_set(home4) && !a.addr4) ? -ENOMEM : 0;
	for (unsigned i = 0; !err && i < n; i++) {
		a.prefixes[i].prefix = prefixes[i];
		prefix6_mask(&a.prefixes[i].prefix);
	}
	if (!err && a.addr4)
		a.addr4->home4 = *home4;
	if (!err)
		err = addresses_check(c, b, &a);
	if (err)
		addresses_free(&a);
	else
		*out = a;
	return err;
}

/* Gives them to an entry that has none. */
static void addresses_put(struct bce_cache *c, struct bce *b, const struct addresses *a)
{
	for (unsigned i = 0; i < a->n; i++) {
		struct bce_prefix *e = &a->prefixes[i];

		e->bce = b;
		htable_add(&c->by_prefix, &e->hnode, hash_prefix(c, &e->prefix));
	}
	if (a->addr4) {
		a->addr4->bce = b;
		htable_add(&c->by_addr4, &a->addr4->hnode,
			   hash_addr4(c, a->addr4->home4.domain, a->addr4->home4.addr));
	}
	b->prefixes = a->prefixes;
	b->n_prefixes = (uint8_t)a->n;
	b->addr4 = a->addr4;
}

/* Takes an entry's addresses from it. */
static void addresses_drop(struct bce_cache *c, struct bce *b)
{
	struct addresses a = {.prefixes = b->prefixes, .addr4 = b->addr4, .n = b->n_prefixes};

	for (unsigned i = 0; i < a.n; i++)
		htable_del(&c->by_prefix, &a.prefixes[i].hnode);
	if (a.addr4)
		htable_del(&c->by_addr4, &a.addr4->hnode);
	addresses_free(&a);
	b->prefixes = NULL;
	b->n_prefixes = 0;
	b->addr4 = NULL;
}

int bce_add(struct bce_cache *c, const struct mnid *id, const struct prefix6 *prefixes, unsigned n,
	    const struct home4 *home4, struct bce **out)
{
	struct addresses a;
	struct bce_node *node;
	struct bce *b;
	int err;

	if (!id->len || id->len > MH_NAI_MAX)
		return -EINVAL;
	node = bce_node_find(c, id);
	if (node && node->count >= BCE_PER_NODE_MAX)
		return -ENOSPC;
	err = addresses_make(c, NULL, prefixes, n, home4, &a);
	if (err)
		return err;
	b = calloc(1, sizeof(*b));
	node = b ? node_get(c, id) : NULL;
	if (!node) {
		free(b);
		addresses_free(&a);
		return -ENOMEM;
	}
	addresses_put(c, b, &a);
	b->proxy = true;
	b->node = node;
	b->next = node->first;
	node->first = b;
	if (node->count++)
		c->page = NULL; /* others have moved on */
	c->n++;
	*out = b;
	return 0;
}

int bce_set_addresses(struct bce_cache *c, struct bce *b, const struct prefix6 *prefixes,
		      unsigned n, const struct home4 *home4)
{
	struct addresses a;
	int err = addresses_make(c, b, prefixes, n, home4, &a);

	if (err)
		return err;
	addresses_drop(c, b);
	addresses_put(c, b, &a);
	return 0;
}

void bce_del(struct bce_cache *c, struct bce **p)
{
	struct bce *b = *p;
	struct bce **link;

	if (!b)
		return;
	addresses_drop(c, b);
	for (link = &b->node->first; *link != b; link = &(*link)->next)
		;
	*link = b->next;
	b->node->count--;
	c->page = NULL;
	node_drop_if_empty(c, b->node);
	c->n--;
	bce_reg_clear(&b->reg);
	free(b);
	*p = NULL;
}

void bce_cache_free(struct bce_cache **p)
{
	struct bce_cache *c = *p;

	if (!c)
		return;
	while (c->oldest) {
		struct bce *b = c->oldest->first;

		bce_del(c, &b);
	}
	htable_clear(&c->by_prefix);
	htable_clear(&c->by_addr4);
	htable_clear(&c->by_mnid);
	free(c);
	*p = NULL;
}

int bce_reg_set_llid(struct bce_reg *reg, const struct llid *id)
{
	uint8_t *copy = NULL;

	if (llid_is_zero(id)) {
		bce_reg_clear(reg);
		return 0;
	}
	if (id->len > sizeof(reg->llid.in)) {
		copy = malloc(id->len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, id->id, id->len);
	}
	bce_reg_clear(reg);
	reg->llid_len = id->len;
	if (copy)
		reg->llid.out = copy;
	else
		memcpy(reg->llid.in, id->id, id->len);
	return 0;
}

void bce_reg_clear(struct bce_reg *reg)
{
	if (reg->llid_len > sizeof(reg->llid.in))
		free(reg->llid.out);
	reg->llid_len = 0;
}

struct llid bce_llid(const struct bce *b)
{
	const bool outside = b->reg.llid_len > sizeof(b->reg.llid.in);

	return (struct llid){
		.len = b->reg.llid_len,
		.id = outside ? b->reg.llid.out : b->reg.llid.in,
	};
}

struct mnid bce_mnid(const struct bce *b)
{
	return node_mnid(b->node);
}

struct bce *bce_by_interface(const struct bce_node *n, uint8_t att, const struct llid *id)
{
	if (!n)
		return NULL;
	for (struct bce *b = n->first; b; b = b->next) {
		const struct llid own = bce_llid(b);

		if (b->reg.att == att && llid_eq(&own, id))
			return b;
	}
	return NULL;
}

struct bce *bce_first(const struct bce_node *n)
{
	return n ? n->first : NULL;
}

unsigned bce_node_count(const struct bce_node *n)
{
	return n ? n->count : 0;
}

uint64_t bce_node_newest(const struct bce_node *n)
{
	return n ? n->newest : 0;
}

void bce_node_accept(struct bce_node *n, uint64_t timestamp)
{
	if (timestamp > n->newest)
		n->newest = timestamp;
}

struct prefix6 bce_prefix(const struct bce *b, unsigned i)
{
	return b->prefixes[i].prefix;
}

struct home4 bce_home4(const struct bce *b)
{
	return b->addr4 ? b->addr4->home4 : (struct home4){0};
}

unsigned bce_prefixes(const struct bce *b, struct prefix6 *out)
{
	for (unsigned i = 0; i < b->n_prefixes; i++)
		out[i] = b->prefixes[i].prefix;
	return b->n_prefixes;
}

void bce_sweep_start(struct bce_cache *c)
{
	c->sweep = c->oldest;
}

bool bce_sweep(struct bce_cache *c, unsigned nodes, void (*cb)(void *ctx, struct bce *b), void *ctx)
{
	while (c->sweep && nodes--) {
		struct bce *b = c->sweep->first, *next;

		/* the node goes with its last entry */
		c->sweep = c->sweep->next;
		for (; b; b = next) {
			next = b->next;
			cb(ctx, b);
		}
	}
	return c->sweep;
}

void bce_walk(const struct bce_cache *c, void (*cb)(void *ctx, struct bce *b), void *ctx)
{
	for (const struct bce_node *n = c->oldest; n; n = n->next) {
		for (struct bce *b = n->first; b; b = b->next)
			cb(ctx, b);
	}
}

void bce_walk_from(struct bce_cache *c, size_t skip, bool (*cb)(void *ctx, struct bce *b),
		   void *ctx)
{
	const bool known = c->page && c->page_at <= skip;
	struct bce_node *n = known ? c->page : c->oldest;
	size_t at = known ? c->page_at : 0;

	for (; n; at += n->count, n = n->next) {
		size_t i = at;

		c->page = n;
		c->page_at = at;
		if (at + n->count <= skip)
			continue;
		for (struct bce *b = n->first; b; b = b->next) {
			if (i++ >= skip && !cb(ctx, b))
				return;
		}
	}
}
