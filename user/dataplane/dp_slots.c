/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_slots.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

/* ---- owners */

#define KIND_ADDR4 ((uint64_t)PM_OWNER_ADDR4 << 48)
#define KIND_KEY   ((uint64_t)PM_OWNER_KEY << 48)
#define KIND_MASK  (0xffffull << 48)

_Static_assert(PM_OWNER_ADDR4 < 0x100 && PM_OWNER_KEY < 0x100, "owners of all kinds are in ::/8");

static uint64_t upper64(const struct in6_addr *a)
{
	uint64_t be;

	memcpy(&be, a, sizeof(be));
	return be64toh(be);
}

static uint64_t mask64(unsigned len)
{
	return len ? ~0ull << (64 - len) : 0;
}

int dp_owner_prefix(const struct prefix6 *p, struct dp_owner *out)
{
	uint64_t word;

	if (!p->len || p->len > 64)
		return -EINVAL;
	word = upper64(&p->addr) & mask64(p->len);
	if (!(word >> 56))
		return -EINVAL;
	*out = (struct dp_owner){word, p->len};
	return 0;
}

struct dp_owner dp_owner_addr4(uint16_t domain, struct in_addr addr)
{
	return (struct dp_owner){KIND_ADDR4 | (uint64_t)domain << 32 | ntohl(addr.s_addr), 64};
}

bool dp_owner_is_addr4(const struct dp_owner *o)
{
	return (o->word & KIND_MASK) == KIND_ADDR4;
}

bool dp_owner_is_key(const struct dp_owner *o)
{
	return (o->word & KIND_MASK) == KIND_KEY;
}

bool dp_owner_is_prefix(const struct dp_owner *o)
{
	return o->word >> 56;
}

struct prefix6 dp_owner_to_prefix(const struct dp_owner *o)
{
	struct prefix6 p = {.len = o->len};
	uint64_t be = htobe64(o->word);

	memcpy(&p.addr, &be, sizeof(be));
	return p;
}

struct in_addr dp_owner_to_addr4(const struct dp_owner *o)
{
	return (struct in_addr){htonl((uint32_t)o->word)};
}

static bool same_owner(const struct dp_owner *a, const struct dp_owner *b)
{
	return a->word == b->word && a->len == b->len;
}

static uint64_t owner_hash(const struct dp_owner *o)
{
	return dp_hash64(o->word + o->len);
}

static uint64_t slot_hash(const void *ctx, uint32_t slot)
{
	return owner_hash(&((const struct dp_slots *)ctx)->slot[slot].of);
}

/* ---- birth */

int dp_slots_init(struct dp_slots *s, const struct dp_maps *maps)
{
	uint32_t first = maps->pool_slots;

	memset(s, 0, sizeof(*s));
	s->maps = maps;
	s->pool_next = 1;
	s->slot = calloc(maps->n_slots, sizeof(*s->slot));
	if (!s->slot || dp_hints_init(&s->hints, maps) < 0 ||
	    dp_fifo_init(&s->free, first, maps->n_slots - first) < 0 ||
	    dp_index_init(&s->by_owner, maps->n_slots - first, slot_hash, s) < 0) {
		dp_slots_free(s);
		return -ENOMEM;
	}
	return 0;
}

void dp_slots_free(struct dp_slots *s)
{
	free(s->slot);
	s->slot = NULL;
	free(s->framed);
	s->framed = NULL;
	dp_hints_free(&s->hints);
	dp_fifo_free(&s->free);
	dp_index_free(&s->by_owner);
}

/* ---- pools */

uint32_t dp_slot_of_pool(const struct dp_slots *s, const struct dp_owner *o)
{
	if (o->len != 64)
		return 0;
	for (unsigned i = 0; i < s->n_pools; i++) {
		const struct dp_pool *p = &s->pool[i];

		if ((o->word & p->mask) == p->prefix && o->word - p->prefix < p->n)
			return p->base + (uint32_t)(o->word - p->prefix);
	}
	return 0;
}

static bool anything_in(const struct dp_slots *s, const struct dp_pool *p)
{
	for (uint32_t i = s->maps->pool_slots; i < s->maps->n_slots; i++) {
		if (s->slot[i].of.len && (s->slot[i].of.word & p->mask) == p->prefix)
			return true;
	}
	return false;
}

static int pool_add(struct dp_slots *s, uint64_t word, unsigned len, uint32_t n)
{
	struct dp_pool p = {.prefix = word & mask64(len), .mask = mask64(len), .n = n};
	struct pm_pool e;
	uint32_t key = s->n_pools;

	if (!n)
		return -EINVAL;
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

int dp_slots_pool(struct dp_slots *s, const struct prefix6 *aggregate, uint32_t n)
{
	struct dp_owner first;
	int err = dp_owner_prefix(aggregate, &first);

	return err ? err : pool_add(s, first.word, aggregate->len, n);
}

int dp_slots_pool4(struct dp_slots *s, uint16_t domain, struct in_addr aggregate, uint8_t len,
		   uint32_t n)
{
	if (len > 32)
		return -EINVAL;
	return pool_add(s, dp_owner_addr4(domain, aggregate).word, 32u + len, n);
}

/* ---- slots */

uint32_t dp_slot_find(const struct dp_slots *s, const struct dp_owner *o)
{
	uint32_t slot = dp_slot_of_pool(s, o);

	if (slot)
		return same_owner(&s->slot[slot].of, o) ? slot : 0;
	for (uint32_t i = dp_index_first(&s->by_owner, owner_hash(o)); (slot = s->by_owner.tab[i]);
	     i = dp_index_next(&s->by_owner, i)) {
		if (same_owner(&s->slot[slot].of, o))
			return slot;
	}
	return 0;
}

static void hint(struct dp_slots *s, const struct dp_owner *o, bool add)
{
	if (o->len != 64)
		dp_hints_framed(&s->hints, add ? 1 : -1);
	else if (add)
		dp_hints_add(&s->hints, o->word);
	else
		dp_hints_del(&s->hints, o->word);
}

/*
 * The kernel's way from an address to its slot: pm_prefix6 for /64s, pm_framed for the other
 * prefixes, pm_addr4 for IPv4 addresses.
 */
static int way_to(const struct dp_slots *s, uint32_t slot, bool add)
{
	const struct dp_owner *o = &s->slot[slot].of;
	struct pm_framed framed = {.slot = slot, .prefix_len = o->len};
	struct pm_framed_key framed_key = {.prefix_len = o->len};
	__be64 word = htobe64(o->word);
	const void *key = &word, *value = &slot;
	int fd = s->maps->fd[dp_owner_is_addr4(o) ? DP_MAP_ADDR4 : DP_MAP_PREFIX6];

	if (o->len != 64) {
		memcpy(framed_key.addr, &word, sizeof(word));
		key = &framed_key;
		value = &framed;
		fd = s->maps->fd[DP_MAP_FRAMED];
	}
	if (add ? bpf_map_update_elem(fd, key, value, BPF_ANY) < 0
		: bpf_map_delete_elem(fd, key) < 0)
		return errno == E2BIG ? -ENOSPC : -errno;
	return 0;
}

static int hash_entry(struct dp_slots *s, uint32_t slot, bool add)
{
	const struct dp_owner *o = &s->slot[slot].of;
	int err;

	if (add)
		hint(s, o, true);
	err = way_to(s, slot, add);
	if (!add || err)
		hint(s, o, false);
	return err;
}

/* The slot has no valid descriptor, so nobody reads the rest. */
static void own(struct dp_slots *s, uint32_t slot, const struct dp_owner *o)
{
	struct pm_session *m = &s->maps->session[slot];
	struct dp_slot *e = &s->slot[slot];

	e->of = *o;
	e->owner[DP_ANCHOR] = e->owner[DP_ACCESS] = 0;
	dp_store64(&m->prefix, htobe64(o->word));
	m->domain = 0;
	m->up_tunnel = 0;
	memset(m->mac, 0, sizeof(m->mac));
	m->access = 0;
	m->down_packets = m->down_bytes = m->up_packets = m->up_bytes = 0;
	if (s->maps->keys)
		memset(&s->maps->keys[slot], 0, sizeof(s->maps->keys[slot]));
	s->used++;
}

int dp_slot_claim(struct dp_slots *s, const struct dp_owner *o, uint32_t *out)
{
	uint32_t slot = dp_slot_of_pool(s, o);
	int err;

	if (slot) {
		if (s->slot[slot].of.len)
			return -EBUSY;
		own(s, slot, o);
		*out = slot;
		return 0;
	}
	slot = dp_fifo_take(&s->free);
	if (!slot)
		return -ENOSPC;
	own(s, slot, o);
	err = hash_entry(s, slot, true);
	if (err) {
		s->slot[slot].of.len = 0;
		s->used--;
		dp_fifo_give(&s->free, slot);
		return err;
	}
	dp_index_add(&s->by_owner, slot);
	*out = slot;
	return 0;
}

int dp_slot_claim_key(struct dp_slots *s, uint32_t *out)
{
	uint32_t slot = dp_fifo_take(&s->free);

	if (!slot)
		return -ENOSPC;
	own(s, slot, &(struct dp_owner){KIND_KEY | slot, 64});
	*out = slot;
	return 0;
}

/* Takes away how addresses lead to the slot. */
static void unlink_address(struct dp_slots *s, uint32_t slot)
{
	if (slot < s->maps->pool_slots || dp_owner_is_key(&s->slot[slot].of))
		return;
	hash_entry(s, slot, false);
	dp_index_del(&s->by_owner, slot);
}

void dp_slot_release(struct dp_slots *s, uint32_t slot)
{
	struct dp_slot *e = &s->slot[slot];

	e->gen++;
	dp_store64(&s->maps->session[slot].desc, PM_DESC(0, 0, e->gen));
	unlink_address(s, slot);
	if (slot >= s->maps->pool_slots)
		dp_fifo_give(&s->free, slot);
	e->of.len = 0;
	e->owner[DP_ANCHOR] = e->owner[DP_ACCESS] = 0;
	s->used--;
}

static void rename_slot(struct dp_slots *s, uint32_t slot, const struct dp_owner *o)
{
	s->slot[slot].of = *o;
	dp_store64(&s->maps->session[slot].prefix, htobe64(o->word));
}

void dp_slot_to_key(struct dp_slots *s, uint32_t slot)
{
	unlink_address(s, slot);
	rename_slot(s, slot, &(struct dp_owner){KIND_KEY | slot, 64});
}

void dp_slot_to_member(struct dp_slots *s, uint32_t slot, const struct dp_owner *o)
{
	rename_slot(s, slot, o);
}

/* ---- after an earlier run */

static void read_pools(struct dp_slots *s)
{
	for (uint32_t key = 0; key < PM_MAX_POOLS; key++) {
		struct pm_pool e;

		if (bpf_map_lookup_elem(s->maps->fd[DP_MAP_POOL], &key, &e) < 0 || !e.n)
			return;
		s->pool[s->n_pools++] = (struct dp_pool){.prefix = be64toh(e.prefix),
							 .mask = be64toh(e.mask),
							 .base = e.base,
							 .n = e.n};
		s->pool_next = e.base + e.n;
	}
}

int dp_slots_adopt_begin(struct dp_slots *s)
{
	struct pm_framed_key key, *at = NULL;
	const int map = s->maps->fd[DP_MAP_FRAMED];
	struct pm_framed e;

	s->framed = calloc(s->maps->n_slots, sizeof(*s->framed));
	if (!s->framed)
		return -ENOMEM;
	read_pools(s);
	for (uint32_t i = 1; i < s->maps->n_slots; i++)
		s->slot[i].gen = PM_DESC_GEN(s->maps->session[i].desc);
	while (bpf_map_get_next_key(map, at, &key) == 0) {
		if (bpf_map_lookup_elem(map, &key, &e) == 0 && e.slot < s->maps->n_slots &&
		    key.prefix_len < 64)
			s->framed[e.slot] = (uint8_t)key.prefix_len;
		at = &key;
	}
	return 0;
}

bool dp_slots_read(const struct dp_slots *s, uint32_t slot, struct dp_owner *out)
{
	struct dp_owner o = {.len = 64};
	uint32_t other;

	if (!slot || slot >= s->maps->n_slots)
		return false;
	o.word = be64toh(s->maps->session[slot].prefix);
	if (s->framed[slot])
		o.len = s->framed[slot];
	if (dp_owner_is_key(&o)) {
		*out = o;
		return o.word == (KIND_KEY | slot) && o.len == 64;
	}
	if (!dp_owner_is_prefix(&o) && !(dp_owner_is_addr4(&o) && o.len == 64))
		return false;
	if (o.word & ~mask64(o.len))
		return false;
	other = dp_slot_of_pool(s, &o);
	if (slot < s->maps->pool_slots ? other != slot : other)
		return false;
	other = dp_slot_find(s, &o);
	if (other && other != slot)
		return false;
	*out = o;
	return true;
}

void dp_slots_adopt(struct dp_slots *s, uint32_t slot, unsigned half, dp_ref ref)
{
	struct dp_slot *e = &s->slot[slot];

	if (!e->of.len) {
		dp_slots_read(s, slot, &e->of);
		s->used++;
		if (slot >= s->maps->pool_slots && !dp_owner_is_key(&e->of))
			dp_index_add(&s->by_owner, slot);
	}
	e->owner[half] = ref;
}

static bool has_way(const struct dp_slots *s, uint32_t slot)
{
	return slot >= s->maps->pool_slots && s->slot[slot].of.len &&
	       !dp_owner_is_key(&s->slot[slot].of);
}

/* Removes entries that lead astray; notes those that lead to their slot. */
static void settle_ways(struct dp_slots *s, enum dp_map map, bool *there)
{
	const int fd = s->maps->fd[map];
	union {
		__be64 word;
		struct pm_framed_key framed;
	} key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	while (more) {
		struct dp_owner o = {.len = 64};
		struct pm_framed e = {0}; /* begins with the slot, as the others */
		__be64 word;

		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		word = key.word;
		if (map == DP_MAP_FRAMED) {
			memcpy(&word, key.framed.addr, sizeof(word));
			o.len = (uint8_t)key.framed.prefix_len;
		}
		o.word = be64toh(word);
		if (bpf_map_lookup_elem(fd, &key, &e) == 0 && e.slot < s->maps->n_slots &&
		    has_way(s, e.slot) && same_owner(&s->slot[e.slot].of, &o))
			there[e.slot] = true;
		else
			bpf_map_delete_elem(fd, &key);
	}
}

static void settle_hints(struct dp_slots *s)
{
	uint32_t framed = 0;

	for (uint32_t i = s->maps->pool_slots; i < s->maps->n_slots; i++) {
		if (!has_way(s, i))
			continue;
		if (s->slot[i].of.len != 64)
			framed++;
		else
			dp_hints_add(&s->hints, s->slot[i].of.word);
	}
	dp_hints_settle(&s->hints, framed);
}

static void free_the_rest(struct dp_slots *s)
{
	for (uint32_t i = 1; i < s->maps->n_slots; i++) {
		struct dp_slot *e = &s->slot[i];

		if (!e->of.len && PM_DESC_FLAGS(s->maps->session[i].desc))
			dp_store64(&s->maps->session[i].desc, PM_DESC(0, 0, ++e->gen));
	}
	for (uint32_t n = s->free.n; n; n--) {
		uint32_t slot = dp_fifo_take(&s->free);

		if (!s->slot[slot].of.len)
			dp_fifo_give(&s->free, slot);
	}
}

int dp_slots_adopt_end(struct dp_slots *s)
{
	bool *there = calloc(s->maps->n_slots, sizeof(*there));
	int err = 0;

	free(s->framed);
	s->framed = NULL;
	if (!there)
		return -ENOMEM;
	settle_hints(s);
	free_the_rest(s);
	settle_ways(s, DP_MAP_PREFIX6, there);
	settle_ways(s, DP_MAP_ADDR4, there);
	settle_ways(s, DP_MAP_FRAMED, there);
	for (uint32_t i = s->maps->pool_slots; !err && i < s->maps->n_slots; i++) {
		if (has_way(s, i) && !there[i])
			err = way_to(s, i, true);
	}
	free(there);
	return err;
}
