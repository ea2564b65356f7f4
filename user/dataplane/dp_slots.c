/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_slots.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

static uint64_t upper64(const struct in6_addr *a)
{
	uint64_t be;

	memcpy(&be, a, sizeof(be));
	return be64toh(be);
}

static uint64_t key_hash(uint64_t prefix, uint8_t len)
{
	return dp_hash64(prefix + len);
}

static uint64_t slot_hash(const void *ctx, uint32_t slot)
{
	const struct dp_slots *s = ctx;

	return key_hash(s->slot[slot].prefix, s->slot[slot].len);
}

int dp_slots_init(struct dp_slots *s, const struct dp_maps *maps)
{
	uint32_t first = maps->pool_slots;

	memset(s, 0, sizeof(*s));
	s->maps = maps;
	s->pool_next = 1;
	s->slot = calloc(maps->n_slots, sizeof(*s->slot));
	if (!s->slot || dp_fifo_init(&s->free, first, maps->n_slots - first) < 0 ||
	    dp_index_init(&s->by_prefix, maps->n_slots - first, slot_hash, s) < 0) {
		dp_slots_free(s);
		return -ENOMEM;
	}
	return 0;
}

void dp_slots_free(struct dp_slots *s)
{
	free(s->slot);
	s->slot = NULL;
	dp_fifo_free(&s->free);
	dp_index_free(&s->by_prefix);
}

/* ---- pools */

static uint32_t pool_slot(const struct dp_slots *s, uint64_t prefix, uint8_t len)
{
	if (len != 64)
		return 0;
	for (unsigned i = 0; i < s->n_pools; i++) {
		const struct dp_pool *p = &s->pool[i];

		if ((prefix & p->mask) == p->prefix && prefix - p->prefix < p->n)
			return p->base + (uint32_t)(prefix - p->prefix);
	}
	return 0;
}

static bool anything_in(const struct dp_slots *s, const struct dp_pool *p)
{
	for (uint32_t i = s->maps->pool_slots; i < s->maps->n_slots; i++) {
		if (s->slot[i].len && (s->slot[i].prefix & p->mask) == p->prefix)
			return true;
	}
	return false;
}

int dp_slots_pool(struct dp_slots *s, const struct prefix6 *aggregate, uint32_t n)
{
	struct dp_pool p = {.n = n};
	struct pm_pool e;
	uint32_t key = s->n_pools;

	if (!aggregate->len || aggregate->len > 64 || !n)
		return -EINVAL;
	p.mask = ~0ull << (64 - aggregate->len);
	p.prefix = upper64(&aggregate->addr) & p.mask;
	if (~p.mask < p.n - 1)
		p.n = (uint32_t)~p.mask + 1;
	for (unsigned i = 0; i < s->n_pools; i++) {
		if (s->pool[i].prefix == p.prefix && s->pool[i].mask == p.mask)
			return 0;
		/* An outer aggregate would claim what an inner one indexes. */
		if (!((s->pool[i].prefix ^ p.prefix) & s->pool[i].mask & p.mask))
			return -EBUSY;
	}
	if (s->n_pools == PM_MAX_POOLS)
		return -ENOSPC;
	p.base = s->pool_next;
	if (p.n > s->maps->pool_slots - s->pool_next)
		p.n = s->maps->pool_slots - s->pool_next;
	if (!p.n)
		return -ENOSPC;
	if (anything_in(s, &p))
		return -EBUSY;
	e = (struct pm_pool){
		.prefix = htobe64(p.prefix), .mask = htobe64(p.mask), .base = p.base, .n = p.n};
	if (bpf_map_update_elem(s->maps->fd[DP_MAP_POOL], &key, &e, BPF_ANY) < 0)
		return -errno;
	s->pool[s->n_pools++] = p;
	s->pool_next += p.n;
	return 0;
}

/* ---- prefixes */

uint32_t dp_slot_find(const struct dp_slots *s, const struct prefix6 *p)
{
	uint64_t prefix = upper64(&p->addr);
	uint32_t slot = pool_slot(s, prefix, p->len);

	if (slot)
		return s->slot[slot].len ? slot : 0;
	for (uint32_t i = dp_index_first(&s->by_prefix, key_hash(prefix, p->len));
	     (slot = s->by_prefix.tab[i]); i = dp_index_next(&s->by_prefix, i)) {
		if (s->slot[slot].prefix == prefix && s->slot[slot].len == p->len)
			return slot;
	}
	return 0;
}

/* The kernel's way from a prefix to its slot: pm_prefix6 for /64s, pm_framed for the others. */
static int hash_entry(const struct dp_slots *s, uint32_t slot, bool add)
{
	const struct dp_slot *e = &s->slot[slot];
	struct pm_framed framed = {.slot = slot, .prefix_len = e->len};
	struct pm_framed_key framed_key = {.prefix_len = e->len};
	__be64 prefix = htobe64(e->prefix);
	const void *key = &prefix, *value = &slot;
	int fd = s->maps->fd[DP_MAP_PREFIX6];

	if (e->len != 64) {
		memcpy(framed_key.addr, &prefix, sizeof(prefix));
		key = &framed_key;
		value = &framed;
		fd = s->maps->fd[DP_MAP_FRAMED];
	}
	if (add ? bpf_map_update_elem(fd, key, value, BPF_ANY) < 0
		: bpf_map_delete_elem(fd, key) < 0)
		return errno == E2BIG ? -ENOSPC : -errno;
	return 0;
}

int dp_slot_claim(struct dp_slots *s, const struct prefix6 *p, uint32_t *out)
{
	uint64_t prefix = upper64(&p->addr);
	uint32_t slot = pool_slot(s, prefix, p->len);
	bool pooled = slot;
	struct pm_session *m;
	struct dp_slot *e;

	if (!p->len || p->len > 64)
		return -EINVAL;
	if (!pooled)
		slot = dp_fifo_take(&s->free);
	if (!slot)
		return -ENOSPC;
	e = &s->slot[slot];
	e->prefix = prefix;
	e->len = p->len;
	e->owner[DP_ANCHOR] = e->owner[DP_ACCESS] = 0;

	m = &s->maps->session[slot];
	dp_store64(&m->prefix, htobe64(prefix));
	m->domain = 0;
	m->up_tunnel = 0;
	memset(m->mac, 0, sizeof(m->mac));
	m->access = 0;
	m->down_packets = m->down_bytes = m->up_packets = m->up_bytes = 0;

	if (!pooled) {
		int err = hash_entry(s, slot, true);

		if (err) {
			e->len = 0;
			dp_fifo_give(&s->free, slot);
			return err;
		}
		dp_index_add(&s->by_prefix, slot);
	}
	s->used++;
	*out = slot;
	return 0;
}

void dp_slot_release(struct dp_slots *s, uint32_t slot)
{
	struct dp_slot *e = &s->slot[slot];

	e->gen++;
	dp_store64(&s->maps->session[slot].desc, PM_DESC(0, 0, e->gen));
	if (slot >= s->maps->pool_slots) {
		hash_entry(s, slot, false);
		dp_index_del(&s->by_prefix, slot);
		dp_fifo_give(&s->free, slot);
	}
	e->len = 0;
	e->owner[DP_ANCHOR] = e->owner[DP_ACCESS] = 0;
	s->used--;
}

struct prefix6 dp_slot_prefix(const struct dp_slots *s, uint32_t slot)
{
	struct prefix6 p = {.len = s->slot[slot].len};
	uint64_t be = htobe64(s->slot[slot].prefix);

	memcpy(&p.addr, &be, sizeof(be));
	return p;
}
