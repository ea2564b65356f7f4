/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/bul.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define FIRST_BUCKETS 16u

/* Linear hashing: `n_buckets` grows by one per insertion beyond it; `mask` + 1 is the power of two
 * above n_buckets, and a hash that falls behind n_buckets uses one bit less. */
struct table {
	struct bul_hnode **bucket;
	uint32_t n_buckets, cap, mask;
	size_t n;
};

struct bul_link {
	struct bul_hnode by_ifindex;
	unsigned ifindex;
	struct bule *head, *tail;
	struct bul_link *prev, *next;
};

struct bul_prefix {
	struct bul_hnode by_prefix;
	struct bule *owner;
	const struct prefix6 *prefix;
};

struct bul {
	struct table nodes, mnids, prefixes, links;
	struct bul_link *first_link, *last_link;
	struct bul_link parked;
	uint64_t key[2];
};

static int table_init(struct table *t)
{
	t->bucket = calloc(FIRST_BUCKETS, sizeof(*t->bucket));
	if (!t->bucket)
		return -ENOMEM;
	t->n_buckets = t->cap = FIRST_BUCKETS;
	t->mask = 2 * FIRST_BUCKETS - 1;
	t->n = 0;
	return 0;
}

static struct bul_hnode **table_slot(const struct table *t, uint32_t hash)
{
	uint32_t i = hash & t->mask;

	if (i >= t->n_buckets)
		i = hash & (t->mask >> 1);
	return &t->bucket[i];
}

/* Splits one bucket. Without memory the chains get longer, which is slower and still right. */
static void table_grow(struct table *t)
{
	uint32_t at = t->n_buckets;
	struct bul_hnode *n, **keep, **out;

	if (at == UINT32_MAX / 2)
		return;
	if (at == t->cap) {
		void *p = realloc(t->bucket, 2 * (size_t)t->cap * sizeof(*t->bucket));

		if (!p)
			return;
		t->bucket = p;
		t->cap *= 2;
	}
	keep = &t->bucket[at & (t->mask >> 1)];
	out = &t->bucket[at];
	t->n_buckets++;
	while ((n = *keep)) {
		if ((n->hash & t->mask) == at) {
			*keep = n->next;
			*out = n;
			out = &n->next;
		} else {
			keep = &n->next;
		}
	}
	*out = NULL;
	if (t->n_buckets == t->mask + 1)
		t->mask = 2 * t->mask + 1;
}

static void table_add(struct table *t, struct bul_hnode *n, uint32_t hash)
{
	struct bul_hnode **p;

	if (++t->n > t->n_buckets)
		table_grow(t);
	p = table_slot(t, hash);
	n->hash = hash;
	/* at the end: lookups meet entries in the order in which they were added */
	while (*p)
		p = &(*p)->next;
	n->next = NULL;
	*p = n;
}

static void table_del(struct table *t, struct bul_hnode *n)
{
	struct bul_hnode **p = table_slot(t, n->hash);

	while (*p != n)
		p = &(*p)->next;
	*p = n->next;
	n->next = NULL;
	t->n--;
}

static uint64_t rotl(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 */
static uint32_t hash(const struct bul *l, const void *data, size_t len)
{
	uint64_t v[4] = {l->key[0] ^ 0x736f6d6570736575ull, l->key[1] ^ 0x646f72616e646f6dull,
			 l->key[0] ^ 0x6c7967656e657261ull, l->key[1] ^ 0x7465646279746573ull};
	const uint8_t *p = data;
	uint64_t m;
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&m, p + i, 8);
		v[3] ^= m;
		sip_round(v);
		v[0] ^= m;
	}
	m = 0;
	if (i < len)
		memcpy(&m, p + i, len - i);
	m |= (uint64_t)len << 56;
	v[3] ^= m;
	sip_round(v);
	v[0] ^= m;
	v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(v);
	return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

static uint32_t hash_node(const struct bul *l, unsigned ifindex, const struct mac *mac)
{
	uint8_t b[sizeof(ifindex) + sizeof(mac->b)];

	memcpy(b, &ifindex, sizeof(ifindex));
	memcpy(b + sizeof(ifindex), mac->b, sizeof(mac->b));
	return hash(l, b, sizeof(b));
}

static uint32_t hash_mnid(const struct bul *l, const struct mnid *id)
{
	return hash(l, id->id, id->len) + id->subtype;
}

static uint32_t hash_prefix(const struct bul *l, const struct prefix6 *p)
{
	return hash(l, &p->addr, sizeof(p->addr)) + p->len;
}

int bul_new(struct bul **out, const uint8_t seed[BUL_SEED_LEN])
{
	struct bul *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	memcpy(l->key, seed, sizeof(l->key));
	if (table_init(&l->nodes) || table_init(&l->mnids) || table_init(&l->prefixes) ||
	    table_init(&l->links)) {
		bul_free(&l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

void bul_free(struct bul **p)
{
	struct bul *l = *p;

	if (!l)
		return;
	free(l->nodes.bucket);
	free(l->mnids.bucket);
	free(l->prefixes.bucket);
	free(l->links.bucket);
	free(l);
	*p = NULL;
}

size_t bul_count(const struct bul *l)
{
	return l->mnids.n;
}

static struct bul_link *link_find(const struct bul *l, unsigned ifindex)
{
	uint32_t h = hash(l, &ifindex, sizeof(ifindex));
	struct bul_hnode *n;

	for (n = *table_slot(&l->links, h); n; n = n->next) {
		struct bul_link *k = container_of(n, struct bul_link, by_ifindex);

		if (k->ifindex == ifindex)
			return k;
	}
	return NULL;
}

static struct bul_link *link_get(struct bul *l, unsigned ifindex)
{
	struct bul_link *k = link_find(l, ifindex);

	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->ifindex = ifindex;
	table_add(&l->links, &k->by_ifindex, hash(l, &ifindex, sizeof(ifindex)));
	k->prev = l->last_link;
	if (k->prev)
		k->prev->next = k;
	else
		l->first_link = k;
	/* parked entries end every walk */
	k->next = &l->parked;
	l->last_link = k;
	return k;
}

static void link_join(struct bul_link *k, struct bule *e)
{
	e->link = k;
	e->next = NULL;
	e->prev = k->tail;
	if (k->tail)
		k->tail->next = e;
	else
		k->head = e;
	k->tail = e;
}

static void link_leave(struct bul *l, struct bule *e)
{
	struct bul_link *k = e->link;

	if (e->prev)
		e->prev->next = e->next;
	else
		k->head = e->next;
	if (e->next)
		e->next->prev = e->prev;
	else
		k->tail = e->prev;
	e->link = NULL;
	e->prev = e->next = NULL;
	if (k->head || k == &l->parked)
		return;
	if (k->prev)
		k->prev->next = k->next;
	else
		l->first_link = k->next == &l->parked ? NULL : k->next;
	if (k->next != &l->parked)
		k->next->prev = k->prev;
	else
		l->last_link = k->prev;
	table_del(&l->links, &k->by_ifindex);
	free(k);
}

int bul_add(struct bul *l, struct bule *e)
{
	struct bul_link *k = link_get(l, e->ifindex);

	if (!k)
		return -ENOMEM;
	link_join(k, e);
	e->parked = false;
	e->hnp = NULL;
	e->prefixes = NULL;
	e->n_prefixes = 0;
	table_add(&l->nodes, &e->by_node, hash_node(l, e->ifindex, &e->mac));
	table_add(&l->mnids, &e->by_mnid, hash_mnid(l, &e->mnid));
	return 0;
}

static void prefixes_unindex(struct bul *l, struct bule *e)
{
	unsigned i;

	for (i = 0; i < e->n_prefixes; i++)
		table_del(&l->prefixes, &e->hnp[i].by_prefix);
}

void bul_park(struct bul *l, struct bule *e)
{
	if (e->parked)
		return;
	table_del(&l->nodes, &e->by_node);
	prefixes_unindex(l, e);
	link_leave(l, e);
	link_join(&l->parked, e);
	e->parked = true;
}

void bul_del(struct bul *l, struct bule *e)
{
	if (!e->parked) {
		table_del(&l->nodes, &e->by_node);
		prefixes_unindex(l, e);
	}
	link_leave(l, e);
	table_del(&l->mnids, &e->by_mnid);
	free(e->hnp);
	e->hnp = NULL;
	e->prefixes = NULL;
	e->n_prefixes = 0;
}

int bul_move(struct bul *l, struct bule *e, unsigned ifindex, const struct mac *mac)
{
	struct bul_link *k = link_get(l, ifindex);

	if (!k)
		return -ENOMEM;
	if (k != e->link) {
		link_leave(l, e);
		link_join(k, e);
	}
	table_del(&l->nodes, &e->by_node);
	e->ifindex = ifindex;
	e->mac = *mac;
	table_add(&l->nodes, &e->by_node, hash_node(l, ifindex, mac));
	return 0;
}

int bul_set_prefixes(struct bul *l, struct bule *e, const struct prefix6 *p, unsigned n)
{
	struct bul_prefix *hnp = NULL;
	struct prefix6 *copy = NULL;
	unsigned i;

	if (n) {
		hnp = calloc(1, n * (sizeof(*hnp) + sizeof(*copy)));
		if (!hnp)
			return -ENOMEM;
		copy = (struct prefix6 *)(hnp + n);
	}
	for (i = 0; i < n; i++) {
		copy[i] = p[i];
		hnp[i].owner = e;
		hnp[i].prefix = &copy[i];
	}
	if (!e->parked)
		prefixes_unindex(l, e);
	free(e->hnp);
	e->hnp = hnp;
	e->prefixes = copy;
	e->n_prefixes = (uint8_t)n;
	for (i = 0; i < n && !e->parked; i++)
		table_add(&l->prefixes, &hnp[i].by_prefix, hash_prefix(l, &copy[i]));
	return 0;
}

struct bule *bul_by_node(const struct bul *l, unsigned ifindex, const struct mac *mac)
{
	uint32_t h = hash_node(l, ifindex, mac);
	struct bul_hnode *n;

	for (n = *table_slot(&l->nodes, h); n; n = n->next) {
		struct bule *e = container_of(n, struct bule, by_node);

		if (n->hash == h && e->ifindex == ifindex && mac_eq(&e->mac, mac))
			return e;
	}
	return NULL;
}

struct bule *bul_by_mnid(const struct bul *l, const struct mnid *id, const struct bule *after)
{
	uint32_t h = hash_mnid(l, id);
	struct bul_hnode *n = after ? after->by_mnid.next : *table_slot(&l->mnids, h);

	for (; n; n = n->next) {
		struct bule *e = container_of(n, struct bule, by_mnid);

		if (n->hash == h && mnid_eq(&e->mnid, id))
			return e;
	}
	return NULL;
}

struct bule *bul_by_prefix(const struct bul *l, const struct prefix6 *p, const struct bule *after)
{
	uint32_t h = hash_prefix(l, p);
	bool skip = after != NULL;
	struct bul_hnode *n;

	for (n = *table_slot(&l->prefixes, h); n; n = n->next) {
		struct bul_prefix *hnp = container_of(n, struct bul_prefix, by_prefix);

		if (n->hash != h || !prefix6_eq(hnp->prefix, p))
			continue;
		if (!skip)
			return hnp->owner;
		if (hnp->owner == after)
			skip = false;
	}
	return NULL;
}

struct bule *bul_first(const struct bul *l)
{
	return l->first_link ? l->first_link->head : l->parked.head;
}

struct bule *bul_next(const struct bule *e)
{
	const struct bul_link *k = e->link;

	if (e->next)
		return e->next;
	/* no link is empty but, perhaps, that of the parked */
	return k->next ? k->next->head : NULL;
}

struct bule *bul_link_first(const struct bul *l, unsigned ifindex)
{
	const struct bul_link *k = link_find(l, ifindex);

	return k ? k->head : NULL;
}
