/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/bul.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

struct bul_link {
	struct hnode by_ifindex;
	unsigned ifindex;
	struct bule *head, *tail;
	struct bul_link *prev, *next;
};

struct bul_prefix {
	struct hnode by_prefix;
	struct bule *owner;
	const struct prefix6 *prefix;
};

struct bul {
	struct htable nodes, mnids, prefixes, links;
	struct bul_link *first_link, *last_link;
	struct bul_link parked;
};

static uint32_t hash_node(const struct bul *l, unsigned ifindex, const struct mac *mac)
{
	uint8_t b[sizeof(ifindex) + sizeof(mac->b)];

	memcpy(b, &ifindex, sizeof(ifindex));
	memcpy(b + sizeof(ifindex), mac->b, sizeof(mac->b));
	return htable_hash(&l->nodes, b, sizeof(b));
}

static uint32_t hash_mnid(const struct bul *l, const struct mnid *id)
{
	return htable_hash(&l->mnids, id->id, id->len) + id->subtype;
}

static uint32_t hash_prefix(const struct bul *l, const struct prefix6 *p)
{
	return htable_hash(&l->prefixes, &p->addr, sizeof(p->addr)) + p->len;
}

int bul_new(struct bul **out, const uint8_t seed[HTABLE_SEED_LEN])
{
	struct bul *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	if (htable_init(&l->nodes, seed) || htable_init(&l->mnids, seed) ||
	    htable_init(&l->prefixes, seed) || htable_init(&l->links, seed)) {
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
	htable_clear(&l->nodes);
	htable_clear(&l->mnids);
	htable_clear(&l->prefixes);
	htable_clear(&l->links);
	free(l);
	*p = NULL;
}

size_t bul_count(const struct bul *l)
{
	return htable_count(&l->mnids);
}

static struct bul_link *link_find(const struct bul *l, unsigned ifindex)
{
	const uint32_t h = htable_hash(&l->links, &ifindex, sizeof(ifindex));

	for (struct hnode *n = htable_find(&l->links, h); n; n = htable_next(n)) {
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
	htable_add(&l->links, &k->by_ifindex, htable_hash(&l->links, &ifindex, sizeof(ifindex)));
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
	htable_del(&l->links, &k->by_ifindex);
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
	htable_add(&l->nodes, &e->by_node, hash_node(l, e->ifindex, &e->mac));
	htable_add(&l->mnids, &e->by_mnid, hash_mnid(l, &e->mnid));
	return 0;
}

static void prefixes_unindex(struct bul *l, struct bule *e)
{
	unsigned i;

	for (i = 0; i < e->n_prefixes; i++)
		htable_del(&l->prefixes, &e->hnp[i].by_prefix);
}

void bul_park(struct bul *l, struct bule *e)
{
	if (e->parked)
		return;
	htable_del(&l->nodes, &e->by_node);
	prefixes_unindex(l, e);
	link_leave(l, e);
	link_join(&l->parked, e);
	e->parked = true;
}

void bul_del(struct bul *l, struct bule *e)
{
	if (!e->parked) {
		htable_del(&l->nodes, &e->by_node);
		prefixes_unindex(l, e);
	}
	link_leave(l, e);
	htable_del(&l->mnids, &e->by_mnid);
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
	htable_del(&l->nodes, &e->by_node);
	e->ifindex = ifindex;
	e->mac = *mac;
	htable_add(&l->nodes, &e->by_node, hash_node(l, ifindex, mac));
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
		htable_add(&l->prefixes, &hnp[i].by_prefix, hash_prefix(l, &copy[i]));
	return 0;
}

struct bule *bul_by_node(const struct bul *l, unsigned ifindex, const struct mac *mac)
{
	struct hnode *n;

	for (n = htable_find(&l->nodes, hash_node(l, ifindex, mac)); n; n = htable_next(n)) {
		struct bule *e = container_of(n, struct bule, by_node);

		if (e->ifindex == ifindex && mac_eq(&e->mac, mac))
			return e;
	}
	return NULL;
}

struct bule *bul_by_mnid(const struct bul *l, const struct mnid *id, const struct bule *after)
{
	struct hnode *n =
		after ? htable_next(&after->by_mnid) : htable_find(&l->mnids, hash_mnid(l, id));

	for (; n; n = htable_next(n)) {
		struct bule *e = container_of(n, struct bule, by_mnid);

		if (mnid_eq(&e->mnid, id))
			return e;
	}
	return NULL;
}

struct bule *bul_by_prefix(const struct bul *l, const struct prefix6 *p, const struct bule *after)
{
	bool skip = after != NULL;
	struct hnode *n;

	for (n = htable_find(&l->prefixes, hash_prefix(l, p)); n; n = htable_next(n)) {
		struct bul_prefix *hnp = container_of(n, struct bul_prefix, by_prefix);

		if (!prefix6_eq(hnp->prefix, p))
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
