/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From an address, or a GRE key of ours, to the session that owns it. The descriptor is loaded
 * once; the owner stored in the slot is compared with the address after that, so that a slot which
 * changed hands under our feet is noticed and nothing is forwarded.
 */
#pragma once

#include "parse.h"

enum pm_lookup { PM_NONE, PM_FOUND, PM_STALE };

struct pm_found {
	struct pm_session *s; /* the primary slot */
	__u64 desc;
	__u32 slot; /* its number */
};

pm_inline bool pm_has(const struct pm_found *f, __u16 flag)
{
	return PM_DESC_FLAGS(f->desc) & flag;
}

pm_inline __be64 pm_owner4(__be32 addr, __u16 domain)
{
	return (__u64)bpf_htons(PM_OWNER_ADDR4) | (__u64)bpf_htons(domain) << 16 |
	       (__u64)addr << 32;
}

/* The slot that a pool's member carries in its bits; 0: no pool, or beyond its slots. */
pm_inline __u32 pm_pool_slot(__be64 owner)
{
#pragma nounroll
	for (__u32 i = 0; i < PM_MAX_POOLS; i++) {
		__u32 key = i;
		const struct pm_pool *pool = bpf_map_lookup_elem(&pm_pool, &key);
		__u64 index;

		if (!pool || !pool->n)
			break;
		if ((owner & pool->mask) != pool->prefix)
			continue;
		index = bpf_be64_to_cpu(owner & ~pool->mask);
		return index < pool->n ? pool->base + index : 0;
	}
	return 0;
}

pm_inline __be64 pm_mask64(__u32 len)
{
	return len >= 64 ? ~0ULL : bpf_cpu_to_be64(~(~0ULL >> (len & 63)));
}

/* The session at a slot, if the slot belongs to `owner` in the bits of `mask`. */
pm_inline enum pm_lookup pm_at_slot(__u32 slot, __be64 owner, __be64 mask, struct pm_found *f)
{
	struct pm_session *s = bpf_map_lookup_elem(&pm_session, &slot);
	__u64 desc;

	if (!s)
		return PM_STALE;
	desc = READ_ONCE(s->desc);
	if (!(PM_DESC_FLAGS(desc) & PM_F_VALID))
		return PM_NONE;
	if ((READ_ONCE(s->prefix) ^ owner) & mask)
		return PM_STALE;
	if (PM_DESC_FLAGS(desc) & PM_F_ALIAS) {
		__u16 gen = PM_DESC_GEN(desc);

		slot = PM_DESC_TUNNEL(desc);
		s = bpf_map_lookup_elem(&pm_session, &slot);
		if (!s)
			return PM_STALE;
		desc = READ_ONCE(s->desc);
		if ((PM_DESC_FLAGS(desc) & (PM_F_VALID | PM_F_ALIAS)) != PM_F_VALID ||
		    PM_DESC_GEN(desc) != gen)
			return PM_STALE;
	}
	f->s = s;
	f->desc = desc;
	f->slot = slot;
	return PM_FOUND;
}

/* May pm_prefix6 or pm_addr4 hold it? */
pm_inline bool pm_seen_before(__be64 owner)
{
	__u32 bit = PM_BIT(owner), key = bit >> 6 & pm_seen_mask;
	const __u64 *word = bpf_map_lookup_elem(&pm_seen, &key);

	return word && *word >> (bit & 63) & 1;
}

pm_inline const struct pm_hints *pm_get_hints(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&pm_hints, &zero);
}

/* Prefixes other than /64s: few, if there are any. */
pm_inline enum pm_lookup pm_find_framed(const struct in6_addr *addr, struct pm_found *f)
{
	const struct pm_hints *hints = pm_get_hints();
	struct pm_framed_key key = {.prefix_len = 128};
	const struct pm_framed *framed;

	if (!hints || !hints->framed)
		return PM_NONE;
	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	framed = bpf_map_lookup_elem(&pm_framed, &key);
	if (!framed)
		return PM_NONE;
	return pm_at_slot(framed->slot, pm_prefix(addr), pm_mask64(framed->prefix_len), f);
}

/* In ::/8, where owners of other kinds are: not an address of any node. */
pm_inline bool pm_no_home6(const struct in6_addr *addr)
{
	return !*(const __u8 *)addr;
}

pm_inline enum pm_lookup pm_find6(const struct in6_addr *addr, struct pm_found *f)
{
	__be64 prefix = pm_prefix(addr);
	__u32 slot = 0;

	if (pm_no_home6(addr))
		return PM_NONE;
	if (pm_use_pools)
		slot = pm_pool_slot(prefix);
	if (!slot && pm_seen_before(prefix)) {
		const __u32 *hit = bpf_map_lookup_elem(&pm_prefix6, &prefix);

		if (hit)
			slot = *hit;
	}
	return slot ? pm_at_slot(slot, prefix, ~0ULL, f) : pm_find_framed(addr, f);
}

pm_inline enum pm_lookup pm_find4(__be32 addr, __u16 domain, struct pm_found *f)
{
	union {
		__be64 word;
		struct pm_owner4 four;
	} owner = {.word = pm_owner4(addr, domain)};
	__u32 slot = 0;

	if (pm_use_pools)
		slot = pm_pool_slot(owner.word);
	if (!slot && pm_seen_before(owner.word)) {
		const __u32 *hit = bpf_map_lookup_elem(&pm_addr4, &owner.four);

		if (hit)
			slot = *hit;
	}
	return slot ? pm_at_slot(slot, owner.word, ~0ULL, f) : PM_NONE;
}

pm_inline enum pm_lookup pm_find_source(const struct pm_pkt *p, __u16 domain, struct pm_found *f)
{
	return p->v4 ? pm_find4(pm_ip4(p)->saddr, domain, f) : pm_find6(&pm_ip6(p)->saddr, f);
}

pm_inline enum pm_lookup pm_find_target(const struct pm_pkt *p, __u16 domain, struct pm_found *f)
{
	return p->v4 ? pm_find4(pm_ip4(p)->daddr, domain, f) : pm_find6(&pm_ip6(p)->daddr, f);
}

/* A GRE key that we chose is the number of a slot. */
pm_inline enum pm_lookup pm_find_key(__u32 key, struct pm_found *f)
{
	return pm_at_slot(key, 0, 0, f);
}

/* Does the address belong to this session, which a key led to? The slot that the key names is most
 * often the one of the address itself. */
pm_inline bool pm_owns(const struct pm_found *f, const struct pm_pkt *p, bool target)
{
	__u16 domain = READ_ONCE(f->s->domain);
	struct pm_found other = {0};
	enum pm_lookup r;
	__be64 owner;

	if (p->v4)
		owner = pm_owner4(target ? pm_ip4(p)->daddr : pm_ip4(p)->saddr, domain);
	else if (pm_no_home6(target ? &pm_ip6(p)->daddr : &pm_ip6(p)->saddr))
		return false;
	else
		owner = pm_prefix(target ? &pm_ip6(p)->daddr : &pm_ip6(p)->saddr);
	if (READ_ONCE(f->s->prefix) == owner)
		return true;
	r = target ? pm_find_target(p, domain, &other) : pm_find_source(p, domain, &other);
	return r == PM_FOUND && other.slot == f->slot;
}

/*
 * Does the slot still belong to the session that was found? To be asked after other fields than
 * the descriptor were read: a handover changes the descriptor but not its generation, a new owner
 * changes that.
 */
pm_inline bool pm_still(const struct pm_found *f)
{
	__u64 now = READ_ONCE(f->s->desc);

	return PM_DESC_GEN(now) == PM_DESC_GEN(f->desc) && (PM_DESC_FLAGS(now) & PM_F_VALID);
}

/* By number: kernels before 6.2 take no key out of memory that a function was handed. */
pm_inline struct pm_session *pm_get_session(__u32 slot)
{
	return bpf_map_lookup_elem(&pm_session, &slot);
}

pm_inline const struct pm_tunnel *pm_get_tunnel(__u32 index)
{
	const struct pm_tunnel *t;

	if (!index)
		return NULL;
	t = bpf_map_lookup_elem(&pm_tunnel, &index);
	return t && (t->flags & PM_T_VALID) ? t : NULL;
}

/* NULL: not one of ours. */
pm_inline const struct pm_iface *pm_get_iface(__u32 ifindex)
{
	__u32 key = ifindex & (PM_IFACE_SLOTS - 1);
	const struct pm_iface *i = bpf_map_lookup_elem(&pm_iface, &key);

	return i && i->ifindex == ifindex ? i : NULL;
}

/* Whose routes the node's packets take: see pm_domain. To be followed by pm_still(). */
pm_inline __u32 pm_domain_routes(const struct pm_found *f)
{
	__u32 domain;
	const __u32 *ifindex;

	if (!pm_use_domains)
		return 0;
	domain = READ_ONCE(f->s->domain);
	ifindex = bpf_map_lookup_elem(&pm_domain, &domain);
	return ifindex ? *ifindex : 0;
}

/* Where packets to the node go, or will when they no longer have to wait. */
pm_inline __u64 pm_way_down(__u64 desc)
{
	const struct pm_buffer *b;
	__u32 index;

	if (!pm_buffer_packets || !(PM_DESC_FLAGS(desc) & PM_F_BUFFER))
		return desc;
	index = PM_DESC_TUNNEL(desc);
	b = bpf_map_lookup_elem(&pm_buffer, &index);
	return b ? READ_ONCE(b->then) : 0;
}

/* The tunnel that the session names now. */
pm_inline __u32 pm_named_tunnel(const struct pm_found *f, bool up)
{
	if (up)
		return READ_ONCE(f->s->up_tunnel);
	return pm_has(f, PM_F_LINK) ? 0 : PM_DESC_TUNNEL(f->desc);
}

/*
 * The key that the session's peer wants to see in the keyed tunnel `*index`; or another tunnel and
 * its key, when the session goes there by now. False: the slot changed its owner, or changes faster
 * than it can be read.
 */
pm_inline bool pm_get_key(struct pm_found *f, bool up, __u32 *index, __u32 *key)
{
	const struct pm_keys *keys = bpf_map_lookup_elem(&pm_keys, &f->slot);

	if (!keys)
		return false;
	for (int i = 0; i < 3; i++) {
		const int now = pm_has(f, PM_F_KEYS) ? 1 : 0;
		const union pm_key *from = up ? &keys->up[now] : &keys->down[now];
		const struct pm_tunnel *t;
		union pm_key k;
		__u64 desc;

		k.word = READ_ONCE(from->word);
		barrier();
		desc = READ_ONCE(f->s->desc);
		if (PM_DESC_GEN(desc) != PM_DESC_GEN(f->desc) ||
		    (PM_DESC_FLAGS(desc) & (PM_F_VALID | PM_F_ALIAS)) != PM_F_VALID)
			return false;
		if (k.tunnel == *index) {
			*key = k.key;
			return true;
		}
		f->desc = up ? desc : pm_way_down(desc);
		*index = pm_named_tunnel(f, up);
		t = pm_get_tunnel(*index);
		if (!t || !PM_ENCAP_KEYED(t->encap))
			return true;
	}
	return false;
}

pm_inline const struct pm_access *pm_get_access(__u32 index)
{
	const struct pm_access *a;

	if (!index)
		return NULL;
	a = bpf_map_lookup_elem(&pm_access, &index);
	return a && (a->flags & PM_A_VALID) ? a : NULL;
}

pm_inline bool pm_is_local(const void *addr, bool v4)
{
	const struct pm_hints *hints = pm_get_hints();
	const pm_w32 *w = addr;
	struct pm_addr6 key;
	__u32 bit;

	bit = PM_BIT(v4 ? PM_LOCAL_WORD4(w) : PM_LOCAL_WORD6(w));
	if (!hints || !(hints->local[bit >> 6 & (PM_LOCAL_WORDS - 1)] >> (bit & 63) & 1))
		return false;
	if (v4) {
		__builtin_memset(key.addr, 0, 10);
		key.addr[10] = key.addr[11] = 0xff;
		*(pm_w32 *)(key.addr + 12) = w[0];
	} else {
		for (int i = 0; i < 4; i++)
			((pm_w32 *)key.addr)[i] = w[i];
	}
	return bpf_map_lookup_elem(&pm_local, &key);
}

/* The destination of `ip`, of the family that it says. */
pm_inline bool pm_for_us(const void *ip, bool v4)
{
	if (v4)
		return pm_is_local(&((const struct iphdr *)ip)->daddr, true);
	return pm_is_local(&((const struct ipv6hdr *)ip)->daddr, false);
}
