/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From an address to the session that owns its prefix. The descriptor is loaded once; the owner
 * stored in the slot is compared with the address after that, so that a slot which changed hands
 * under our feet is noticed and nothing is forwarded.
 */
#pragma once

#include "parse.h"

enum pm_lookup { PM_NONE, PM_FOUND, PM_STALE };

struct pm_found {
	struct pm_session *s; /* the primary slot */
	__u64 desc;
};

pm_inline bool pm_has(const struct pm_found *f, __u16 flag)
{
	return PM_DESC_FLAGS(f->desc) & flag;
}

/* The slot that a pool's /64 carries in its bits; 0: no pool, or beyond its slots. */
pm_inline __u32 pm_pool_slot(__be64 prefix)
{
#pragma nounroll
	for (__u32 i = 0; i < PM_MAX_POOLS; i++) {
		__u32 key = i;
		const struct pm_pool *pool = bpf_map_lookup_elem(&pm_pool, &key);
		__u64 index;

		if (!pool || !pool->n)
			break;
		if ((prefix & pool->mask) != pool->prefix)
			continue;
		index = bpf_be64_to_cpu(prefix & ~pool->mask);
		return index < pool->n ? pool->base + index : 0;
	}
	return 0;
}

pm_inline __be64 pm_mask64(__u32 len)
{
	return len >= 64 ? ~0ULL : bpf_cpu_to_be64(~(~0ULL >> (len & 63)));
}

pm_inline enum pm_lookup pm_find(const struct in6_addr *addr, struct pm_found *f)
{
	__be64 prefix = pm_prefix(addr), mask = ~0ULL;
	struct pm_session *s;
	__u32 slot = 0;
	__u64 desc;

	if (pm_use_pools)
		slot = pm_pool_slot(prefix);
	if (!slot) {
		const __u32 *hit = bpf_map_lookup_elem(&pm_prefix6, &prefix);

		if (hit) {
			slot = *hit;
		} else if (pm_use_framed) {
			struct pm_framed_key key = {.prefix_len = 128};
			const struct pm_framed *framed;

			__builtin_memcpy(key.addr, addr, sizeof(key.addr));
			framed = bpf_map_lookup_elem(&pm_framed, &key);
			if (!framed)
				return PM_NONE;
			slot = framed->slot;
			mask = pm_mask64(framed->prefix_len);
		} else {
			return PM_NONE;
		}
	}
	s = bpf_map_lookup_elem(&pm_session, &slot);
	if (!s)
		return PM_STALE;
	desc = READ_ONCE(s->desc);
	if (!(PM_DESC_FLAGS(desc) & PM_F_VALID))
		return PM_NONE;
	if ((READ_ONCE(s->prefix) ^ prefix) & mask)
		return PM_STALE;
	if (PM_DESC_FLAGS(desc) & PM_F_ALIAS) {
		__u32 primary = PM_DESC_TUNNEL(desc);
		__u16 gen = PM_DESC_GEN(desc);

		s = bpf_map_lookup_elem(&pm_session, &primary);
		if (!s)
			return PM_STALE;
		desc = READ_ONCE(s->desc);
		if ((PM_DESC_FLAGS(desc) & (PM_F_VALID | PM_F_ALIAS)) != PM_F_VALID ||
		    PM_DESC_GEN(desc) != gen)
			return PM_STALE;
	}
	f->s = s;
	f->desc = desc;
	return PM_FOUND;
}

/*
 * Does the slot still belong to the session that pm_find() saw? To be asked after other fields
 * than the descriptor were read: a handover changes the descriptor but not its generation, a new
 * owner changes that.
 */
pm_inline bool pm_still(const struct pm_found *f)
{
	__u64 now = READ_ONCE(f->s->desc);

	return PM_DESC_GEN(now) == PM_DESC_GEN(f->desc) && (PM_DESC_FLAGS(now) & PM_F_VALID);
}

pm_inline const struct pm_tunnel *pm_get_tunnel(__u32 index)
{
	const struct pm_tunnel *t;

	if (!index)
		return NULL;
	t = bpf_map_lookup_elem(&pm_tunnel, &index);
	return t && (t->flags & PM_T_VALID) ? t : NULL;
}

pm_inline const struct pm_access *pm_get_access(__u32 index)
{
	const struct pm_access *a;

	if (!index)
		return NULL;
	a = bpf_map_lookup_elem(&pm_access, &index);
	return a && (a->flags & PM_A_VALID) ? a : NULL;
}

pm_inline bool pm_is_local(const struct in6_addr *addr)
{
	struct pm_addr6 key;

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	return bpf_map_lookup_elem(&pm_local, &key);
}
