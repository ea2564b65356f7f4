/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/bce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM	 1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>

/* Address and length are adjacent: together they are the key. */
#define PREFIX_KEY_LEN (sizeof(struct in6_addr) + 1)

struct bce_prefix {
	UT_hash_handle hh;
	struct bce *bce;
	struct prefix6 prefix;
	bool oom;
};

struct bce_node {
	UT_hash_handle hh;
	struct bce *first;
	uint64_t newest;
	uint8_t count;
	bool oom;
	uint8_t key_len;
	uint8_t key[]; /* subtype, then the octets of the MN-Identifier */
};

struct bce_cache {
	struct bce_prefix *by_prefix;
	struct bce_node *by_mnid;
	size_t n;
};

_Static_assert(offsetof(struct prefix6, len) == sizeof(struct in6_addr), "the key has no hole");
_Static_assert(MH_NAI_MAX + 1 <= UINT8_MAX, "a node's key length fits its field");

int bce_cache_new(struct bce_cache **out)
{
	struct bce_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*out = c;
	return 0;
}

size_t bce_count(const struct bce_cache *c)
{
	return c->n;
}

static unsigned node_key(const struct mnid *id, uint8_t key[1 + MH_NAI_MAX])
{
	key[0] = id->subtype;
	memcpy(key + 1, id->id, id->len);
	return 1u + id->len;
}

struct bce_node *bce_node_find(const struct bce_cache *c, const struct mnid *id)
{
	uint8_t key[1 + MH_NAI_MAX];
	struct bce_node *n;
	unsigned len;

	if (!id->len || id->len > MH_NAI_MAX)
		return NULL;
	len = node_key(id, key);
	HASH_FIND(hh, c->by_mnid, key, len, n);
	return n;
}

static struct bce_node *node_get(struct bce_cache *c, const struct mnid *id)
{
	struct bce_node *n = bce_node_find(c, id);

	if (n)
		return n;
	n = calloc(1, sizeof(*n) + 1 + id->len);
	if (!n)
		return NULL;
	n->key_len = (uint8_t)node_key(id, n->key);
	HASH_ADD_KEYPTR(hh, c->by_mnid, n->key, n->key_len, n);
	if (n->oom) {
		free(n);
		return NULL;
	}
	return n;
}

static void node_drop_if_empty(struct bce_cache *c, struct bce_node *n)
{
	if (n->first)
		return;
	HASH_DELETE(hh, c->by_mnid, n);
	free(n);
}

static struct bce_prefix *find_prefix(const struct bce_cache *c, const struct prefix6 *p)
{
	struct bce_prefix *e;

	HASH_FIND(hh, c->by_prefix, p, PREFIX_KEY_LEN, e);
	return e;
}

struct bce *bce_by_prefix(const struct bce_cache *c, const struct prefix6 *p)
{
	struct prefix6 masked = *p;
	const struct bce_prefix *e;

	prefix6_mask(&masked);
	e = find_prefix(c, &masked);
	return e ? e->bce : NULL;
}

static void unindex_prefixes(struct bce_cache *c, struct bce *b)
{
	for (unsigned i = 0; i < b->n_prefixes; i++)
		HASH_DELETE(hh, c->by_prefix, &b->prefixes[i]);
	b->n_prefixes = 0;
}

static int index_prefixes(struct bce_cache *c, struct bce *b, const struct prefix6 *prefixes,
			  unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct bce_prefix *e = &b->prefixes[i];
		const struct bce_prefix *other;

		e->bce = b;
		e->prefix = prefixes[i];
		prefix6_mask(&e->prefix);
		other = find_prefix(c, &e->prefix);
		if (other)
			return other->bce == b ? -EINVAL : -EEXIST;
		HASH_ADD(hh, c->by_prefix, prefix, PREFIX_KEY_LEN, e);
		if (e->oom)
			return -ENOMEM;
		b->n_prefixes++;
	}
	return 0;
}

int bce_add(struct bce_cache *c, const struct mnid *id, const struct prefix6 *prefixes, unsigned n,
	    struct bce **out)
{
	struct bce_node *node;
	struct bce *b;
	int err;

	if (!n || n > DP_PREFIXES_MAX || !id->len || id->len > MH_NAI_MAX)
		return -EINVAL;
	node = node_get(c, id);
	if (!node)
		return -ENOMEM;
	err = node->count >= BCE_PER_NODE_MAX ? -ENOSPC : 0;
	b = err ? NULL : calloc(1, sizeof(*b));
	if (b)
		b->prefixes = calloc(n, sizeof(*b->prefixes));
	if (!err && (!b || !b->prefixes))
		err = -ENOMEM;
	if (!err)
		err = index_prefixes(c, b, prefixes, n);
	if (err) {
		if (b) {
			unindex_prefixes(c, b);
			free(b->prefixes);
			free(b);
		}
		node_drop_if_empty(c, node);
		return err;
	}
	b->proxy = true;
	b->node = node;
	b->next = node->first;
	node->first = b;
	node->count++;
	c->n++;
	*out = b;
	return 0;
}

void bce_del(struct bce_cache *c, struct bce **p)
{
	struct bce *b = *p;
	struct bce **link;

	if (!b)
		return;
	unindex_prefixes(c, b);
	for (link = &b->node->first; *link != b; link = &(*link)->next)
		;
	*link = b->next;
	b->node->count--;
	node_drop_if_empty(c, b->node);
	c->n--;
	bce_reg_clear(&b->reg);
	free(b->prefixes);
	free(b);
	*p = NULL;
}

void bce_cache_free(struct bce_cache **p)
{
	struct bce_cache *c = *p;

	if (!c)
		return;
	while (c->by_mnid) {
		struct bce *b = c->by_mnid->first;

		bce_del(c, &b);
	}
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
	return (struct mnid){
		.subtype = b->node->key[0],
		.len = (uint8_t)(b->node->key_len - 1),
		.id = b->node->key + 1,
	};
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

unsigned bce_prefixes(const struct bce *b, struct prefix6 *out)
{
	for (unsigned i = 0; i < b->n_prefixes; i++)
		out[i] = b->prefixes[i].prefix;
	return b->n_prefixes;
}

void bce_walk(const struct bce_cache *c, void (*cb)(void *ctx, struct bce *b), void *ctx)
{
	for (struct bce_node *n = c->by_mnid; n; n = n->hh.next) {
		for (struct bce *b = n->first; b; b = b->next)
			cb(ctx, b);
	}
}
