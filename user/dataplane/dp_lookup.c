/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_lookup.h"

#include <endian.h>
#include <string.h>

#include <bpf/bpf.h>

#include "dataplane/dp_state.h"

/* The slot itself, or the one that it is an alias of. `owner` is compared in the bits of `mask`. */
static uint32_t primary(const struct dp_bpf *dp, uint32_t slot, uint64_t owner, uint64_t mask)
{
	const struct pm_session *m;
	uint64_t desc;
	uint16_t gen;

	if (!slot || slot >= dp->maps.n_slots)
		return 0;
	m = &dp->maps.session[slot];
	desc = dp_load64(&m->desc);
	if (!(PM_DESC_FLAGS(desc) & PM_F_VALID) || ((dp_load64(&m->prefix) ^ owner) & mask))
		return 0;
	if (!(PM_DESC_FLAGS(desc) & PM_F_ALIAS))
		return slot;
	gen = PM_DESC_GEN(desc);
	slot = PM_DESC_TUNNEL(desc);
	if (slot >= dp->maps.n_slots)
		return 0;
	desc = dp_load64(&dp->maps.session[slot].desc);
	if ((PM_DESC_FLAGS(desc) & (PM_F_VALID | PM_F_ALIAS)) != PM_F_VALID ||
	    PM_DESC_GEN(desc) != gen)
		return 0;
	return slot;
}

static uint32_t pool_slot(const struct dp_bpf *dp, uint64_t owner)
{
	struct pm_pool p;

	for (uint32_t i = 0; i < PM_MAX_POOLS; i++) {
		uint64_t index;

		if (bpf_map_lookup_elem(dp->maps.fd[DP_MAP_POOL], &i, &p) || !p.n)
			return 0;
		if ((owner & p.mask) != p.prefix)
			continue;
		index = be64toh(owner & ~p.mask);
		return index < p.n ? p.base + (uint32_t)index : 0;
	}
	return 0;
}

static uint32_t lookup4(const struct dp_bpf *dp, const struct in6_addr *a, uint16_t domain)
{
	struct pm_owner4 four = {.kind = htobe16(PM_OWNER_ADDR4), .domain = htobe16(domain)};
	uint32_t slot;
	uint64_t owner;

	memcpy(&four.addr, &a->s6_addr[12], sizeof(four.addr));
	memcpy(&owner, &four, sizeof(owner));
	slot = pool_slot(dp, owner);
	if (!slot && bpf_map_lookup_elem(dp->maps.fd[DP_MAP_ADDR4], &four, &slot))
		return 0;
	return primary(dp, slot, owner, ~0ull);
}

static uint32_t lookup6(const struct dp_bpf *dp, const struct in6_addr *a)
{
	struct pm_framed_key key = {.prefix_len = 128};
	struct pm_framed framed;
	uint32_t slot;
	uint64_t owner;

	if (!a->s6_addr[0]) /* ::/8: owners of other kinds */
		return 0;
	memcpy(&owner, a, sizeof(owner));
	slot = pool_slot(dp, owner);
	if (slot || bpf_map_lookup_elem(dp->maps.fd[DP_MAP_PREFIX6], &owner, &slot) == 0)
		return primary(dp, slot, owner, ~0ull);
	memcpy(key.addr, a, sizeof(key.addr));
	if (bpf_map_lookup_elem(dp->maps.fd[DP_MAP_FRAMED], &key, &framed) || !framed.prefix_len ||
	    framed.prefix_len > 64)
		return 0;
	return primary(dp, framed.slot, owner, htobe64(~0ull << (64 - framed.prefix_len)));
}

uint32_t dp_lookup_addr(const struct dp_bpf *dp, const struct in6_addr *a, uint16_t domain)
{
	return addr_is_ip4(a) ? lookup4(dp, a, domain) : lookup6(dp, a);
}

uint32_t dp_lookup_key(const struct dp_bpf *dp, uint32_t key)
{
	return primary(dp, key, 0, 0);
}

void dp_lookup_peer_keys(const struct dp_bpf *dp, uint32_t slot, uint32_t *down, uint32_t *up)
{
	const uint64_t desc = dp_load64(&dp->maps.session[slot].desc);
	const int now = PM_DESC_FLAGS(desc) & PM_F_KEYS ? 1 : 0;

	*down = *up = 0;
	if (!dp->maps.keys)
		return;
	*down = dp->maps.keys[slot].down[now].key;
	*up = dp->maps.keys[slot].up[now].key;
}
