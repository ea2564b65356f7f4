/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "world_fill.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// clang-format off
const struct kind_info kinds[KINDS] = {
	[K6_IP]		 = {"IPv6",	     "2001:db8:a:0::1", "2001:db8:b:0::1", 0, 0, SHIM_NONE,	  40},
	[K6_GRE]	 = {"GRE/IPv6",	     "2001:db8:a:1::1", "2001:db8:b:1::1", 0, 0, SHIM_GRE,	  44},
	[K6_GRE_KEY]	 = {"GRE key/IPv6",  "2001:db8:a:2::1", "2001:db8:b:2::1", 0, 1, SHIM_GRE_KEY,	  48},
	[K4_IP]		 = {"IPv4",	     "198.51.100.13",	"203.0.113.13",	   1, 0, SHIM_NONE,	  20},
	[K4_GRE]	 = {"GRE/IPv4",	     "198.51.100.14",	"203.0.113.14",	   1, 0, SHIM_GRE,	  24},
	[K4_GRE_KEY]	 = {"GRE key/IPv4",  "198.51.100.15",	"203.0.113.15",	   1, 1, SHIM_GRE_KEY,	  28},
	[K4_UDP]	 = {"UDP",	     "198.51.100.16",	"203.0.113.16",	   1, 0, SHIM_UDP,	  28},
	[K4_UDP_TLV]	 = {"UDP TLV",	     "198.51.100.17",	"203.0.113.17",	   1, 0, SHIM_TLV,	  32},
	[K4_UDP_GRE]	 = {"UDP TLV GRE",   "198.51.100.18",	"203.0.113.18",	   1, 0, SHIM_TLV_GRE,	  36},
	[K4_UDP_GRE_KEY] = {"UDP TLV GRE key", "198.51.100.19", "203.0.113.19",	   1, 1, SHIM_TLV_GRE_KEY, 40},
};
// clang-format on

const char *mn(enum world_slot slot)
{
	static char text[MN_SLOTS][48];

	if (slot == MN_HASH)
		return MN_HASH_ADDR;
	snprintf(text[slot], sizeof(text[slot]), "2001:db8:100:%x::1",
		 slot == MN_NONE ? 0x999u : (unsigned)slot - 1);
	return text[slot];
}

const char *mn4(enum world_slot slot)
{
	static char text[MN_SLOTS][24];

	if (slot == MN_DOM1 || slot == MN_DOM2)
		return DOM_ADDR4;
	if (slot == MN_ONLY4)
		return ONLY4_ADDR;
	snprintf(text[slot], sizeof(text[slot]), "10.64.%u.%u", slot == MN_NONE ? 9 : 0,
		 (unsigned)slot);
	return text[slot];
}

const char *mn_mac(enum world_slot slot)
{
	static char text[MN_SLOTS][24];

	snprintf(text[slot], sizeof(text[slot]), MN_MAC, (unsigned)slot);
	return text[slot];
}

static void put(struct world *w, const char *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(world_map(w, map), key, value, BPF_ANY)) {
		fprintf(stderr, "cannot fill %s: %s\n", map, strerror(errno));
		exit(2);
	}
}

static void put_tunnel(struct world *w, uint32_t index, const char *local, const char *remote,
		       uint32_t flags, uint16_t mtu, enum pm_encap encap)
{
	struct pm_tunnel t = {
		.flags = PM_T_VALID | flags, .mtu = mtu, .encap = encap, .hop_limit = 64};

	frame_addr(t.local, local);
	frame_addr(t.remote, remote);
	if (frame_is4(local)) {
		t.flags |= PM_T_IP4;
		for (int i = 12; i < 16; i += 2) {
			uint16_t here, there;

			memcpy(&here, t.local + i, 2);
			memcpy(&there, t.remote + i, 2);
			t.sum4 += here + there;
		}
	}
	frame_mac(t.dmac, R_MAC);
	frame_mac(t.smac, T_MAC);
	t.ifindex = world_ifindex(w, AT_TRANSPORT);
	put(w, "pm_tunnel", &index, &t);
}

uint32_t world_peer_key(enum world_slot slot, bool up)
{
	return (up ? 0xd5000000 : 0x4a000000) | (uint32_t)slot * 0x101;
}

/* The words that are not in force hold what must never be seen. */
static void put_keys(struct world *w, uint32_t slot, uint32_t tunnel, uint32_t up, unsigned flags)
{
	const int now = flags & PM_F_KEYS ? 1 : 0;
	struct pm_keys keys;

	memset(&keys, 0xee, sizeof(keys));
	keys.down[now].tunnel = tunnel;
	keys.down[now].key = world_peer_key(slot, false);
	keys.up[now].tunnel = up;
	keys.up[now].key = world_peer_key(slot, true);
	put(w, "pm_keys", &slot, &keys);
}

static uint16_t generation(uint32_t slot)
{
	return slot == MN_1 ? 7 : (uint16_t)(slot + 1);
}

static void put_addr4(struct world *w, uint32_t slot, uint32_t primary, uint16_t domain,
		      const char *text)
{
	struct pm_session *s = world_session(w, slot);
	uint8_t addr[16];

	memset(s, 0, sizeof(*s));
	frame_addr(addr, text);
	s->four.kind = htons(PM_OWNER_ADDR4);
	s->four.domain = htons(domain);
	memcpy(&s->four.addr, addr + 12, 4);
	s->desc = PM_DESC(primary, PM_F_VALID | PM_F_ALIAS, generation(primary));
}

/* With a prefix, and with an IPv4 address as an alias of it. */
static void put_session(struct world *w, uint32_t slot, uint32_t tunnel, unsigned flags,
			uint32_t up, uint16_t access)
{
	struct pm_session *s = world_session(w, slot);
	uint8_t addr[16];

	flags |= slot & 1 ? PM_F_KEYS : 0;
	memset(s, 0, sizeof(*s));
	frame_addr(addr, mn(slot));
	memcpy(&s->prefix, addr, 8);
	s->up_tunnel = up;
	s->access = access;
	frame_mac(s->mac, mn_mac(slot));
	s->desc = PM_DESC(tunnel, PM_F_VALID | flags, generation(slot));
	if (flags & PM_F_ALIAS)
		return;
	put_keys(w, slot, tunnel, up, flags);
	put_addr4(w, MN_ADDR4 + slot, slot, 0, mn4(slot));
}

static void put_pool(struct world *w, uint32_t i, const struct pm_pool *pool)
{
	put(w, "pm_pool", &i, pool);
}

struct pm_tunnel world_tunnel(struct world *w, uint32_t index)
{
	struct pm_tunnel t;

	if (bpf_map_lookup_elem(world_map(w, "pm_tunnel"), &index, &t))
		exit(2);
	return t;
}

void world_set_tunnel(struct world *w, uint32_t index, const struct pm_tunnel *t)
{
	put(w, "pm_tunnel", &index, t);
}

/* Own addresses, each with its bit. */
static void fill_local(struct world *w, bool framed)
{
	static const char *const local[] = {LMAA, PCOA, LMAA4, PCOA4};
	struct pm_hints hints = {.framed = framed};
	uint32_t zero = 0, one = 1;

	for (size_t i = 0; i < sizeof(local) / sizeof(*local); i++) {
		uint8_t addr[16];
		uint32_t words[4], bit;

		frame_addr(addr, local[i]);
		put(w, "pm_local", addr, &one);
		memcpy(words, addr, sizeof(words));
		bit = PM_BIT(frame_is4(local[i]) ? PM_LOCAL_WORD4(words + 3)
						 : PM_LOCAL_WORD6(words));
		hints.local[bit / 64 % PM_LOCAL_WORDS] |= 1ull << bit % 64;
	}
	put(w, "pm_hints", &zero, &hints);
}

/* Into pm_prefix6 or pm_addr4, with the bit that says so. */
static void put_seen(struct world *w, const char *map, const void *owner, uint32_t slot)
{
	uint64_t word, bits;
	uint32_t bit, key;

	memcpy(&word, owner, sizeof(word));
	bit = PM_BIT(word);
	key = bit / 64 % 1024;
	put(w, map, owner, &slot);
	if (bpf_map_lookup_elem(world_map(w, "pm_seen"), &key, &bits))
		exit(2);
	bits |= 1ull << bit % 64;
	put(w, "pm_seen", &key, &bits);
}

static void fill_interfaces(struct world *w)
{

	for (uint32_t i = 1; i <= 3; i++) {
		struct pm_access a = {.flags = PM_A_VALID, .mtu = 1500};

		a.ifindex = world_ifindex(w, i == 1 ? AT_ACCESS : AT_ACCESS2);
		a.flags |= i == 3 ? 0 : PM_A_XDP;
		frame_mac(a.smac, A_MAC);
		put(w, "pm_access", &i, &a);
	}
	for (int i = 0; i < AT_PROGS; i++)
		world_set_iface(w, i, WORLD_IFACE_FLAGS, 0);
}

void world_set_iface(struct world *w, enum world_prog prog, uint32_t flags, uint16_t domain)
{
	const uint32_t ifindex = world_ifindex(w, prog), key = ifindex % PM_IFACE_SLOTS;
	struct pm_iface iface = {
		.ifindex = ifindex, .flags = flags, .access = prog, .domain = domain};

	frame_mac(iface.mac, prog == AT_TRANSPORT ? T_MAC : "02:00:00:00:02:01");
	put(w, "pm_iface", &key, &iface);
}

static void fill_pools(struct world *w)
{
	struct pm_pool six = {.base = 1, .n = 250}, four = {.base = MN_ADDR4, .n = 250};
	uint8_t addr[16];

	frame_addr(addr, "2001:db8:100::");
	memcpy(&six.prefix, addr, 8);
	frame_addr(addr, "ffff:ffff:fff0::");
	memcpy(&six.mask, addr, 8);
	put_pool(w, 0, &six);
	frame_addr(addr, "4:0:a40::");
	memcpy(&four.prefix, addr, 8);
	frame_addr(addr, "ffff:ffff:ffff:ff00::");
	memcpy(&four.mask, addr, 8);
	put_pool(w, 1, &four);
}

static void fill_kinds(struct world *w)
{
	const uint32_t good = PM_T_NEXTHOP | PM_T_XDP;

	for (uint32_t k = 0; k < KINDS; k++) {
		const struct kind_info *i = &kinds[k];
		const enum pm_encap e = (enum pm_encap)i->shim;

		put_tunnel(w, TUN_K_MAG + k, i->four ? LMAA4 : LMAA, i->mag, good, KIND_MTU(k), e);
		put_tunnel(w, TUN_K_LMA + k, i->four ? PCOA4 : PCOA, i->lma, good, KIND_MTU(k), e);
		put_tunnel(w, TUN_K_NEXT + k, i->four ? LMAA4 : LMAA,
			   i->four ? "198.51.100.99" : MAG1, 0, KIND_MTU(k), e);
		put_session(w, MN_K + k, TUN_K_MAG + k, PM_F_ANCHORED, 0, 0);
		put_session(w, MN_K_OTHER + k, TUN_K_MAG + k, PM_F_ANCHORED, 0, 0);
		put_session(w, MN_K_LINK + k, 0, PM_F_LINK, TUN_K_LMA + k, 1);
		put_session(w, MN_K_WAIT + k, 0, PM_F_LINK, 0, 1);
		put_session(w, MN_K_NEXT + k, TUN_K_NEXT + k, PM_F_ANCHORED, 0, 0);
		put_session(w, MN_K_COMES + k, 0, PM_F_LINK, TUN_K_LMA + k, 1);
		world_session(w, MN_K_COMES + k)->also = (uint16_t)(TUN_K_MAG + k);
		for (uint32_t to = 0; to < KINDS; to++)
			put_session(w, MN_LEFT + 10 * k + to, TUN_K_MAG + to, 0, TUN_K_LMA + k, 0);
	}
}

static void fill_domains(struct world *w)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct pm_owner4 owner;
		uint32_t slot = MN_DOM_ADDR4 + i;

		put_session(w, MN_DOM1 + i, TUN_K_MAG + K6_GRE_KEY, PM_F_ANCHORED, 0, 0);
		memset(world_session(w, MN_ADDR4 + MN_DOM1 + i), 0, sizeof(struct pm_session));
		world_session(w, MN_DOM1 + i)->domain = (uint16_t)(i + 1);
		put_addr4(w, slot, MN_DOM1 + i, (uint16_t)(i + 1), DOM_ADDR4);
		owner = world_session(w, slot)->four;
		put_seen(w, "pm_addr4", &owner, slot);
	}
}

static void fill_only4(struct world *w)
{
	struct pm_session *s = world_session(w, MN_ONLY4);
	uint32_t slot = MN_ONLY4;
	struct pm_owner4 owner;
	uint64_t desc;

	put_session(w, slot, TUN_K_MAG + K4_GRE_KEY, PM_F_ANCHORED, 0, 0);
	memset(world_session(w, MN_ADDR4 + slot), 0, sizeof(*s));
	desc = s->desc;
	put_addr4(w, slot, slot, 0, ONLY4_ADDR);
	s->desc = desc;
	owner = s->four;
	put_seen(w, "pm_addr4", &owner, slot);
}

void world_fill(struct world *w, const struct world_switches *sw)
{
	const uint32_t good = PM_T_NEXTHOP | PM_T_XDP;
	uint8_t addr[16];

	put_tunnel(w, TUN_MAG1, LMAA, MAG1, good, 1460, PM_E_IP);
	put_tunnel(w, TUN_MAG2, LMAA, MAG2, good, 1460, PM_E_IP);
	put_tunnel(w, TUN_LMA2, PCOA, LMA2, good, 1460, PM_E_IP);
	put_tunnel(w, TUN_SELF, LMAA, LMAA, PM_T_SELF, 1460, PM_E_IP);
	put_tunnel(w, TUN_UNRESOLVED, LMAA, MAG1, 0, 1460, PM_E_IP);
	put_tunnel(w, TUN_SLOW, LMAA, MAG1, PM_T_NEXTHOP, 1460, PM_E_IP);
	put_tunnel(w, TUN_SMALL, LMAA, MAG1, good, 1280, PM_E_IP);
	put_tunnel(w, TUN_TINY, LMAA, MAG1, good, 1200, PM_E_IP);
	fill_interfaces(w);
	fill_local(w, sw->framed);
	fill_pools(w);

	put_session(w, MN_1, TUN_MAG1, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_2, TUN_MAG2, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_LINK, 0, PM_F_LINK, TUN_LMA2, 1);
	put_session(w, MN_LINK_LR, 0, PM_F_LINK | PM_F_LOCAL_ROUTING, TUN_LMA2, 1);
	put_session(w, MN_LINK_LR2, 0, PM_F_LINK | PM_F_LOCAL_ROUTING, TUN_LMA2, 2);
	put_session(w, MN_LINK_FAR, 0, PM_F_LINK, TUN_LMA2, 2);
	put_session(w, MN_BOTH, 0, PM_F_LINK | PM_F_ANCHORED, 0, 1);
	put_session(w, MN_LINGER, TUN_MAG1, PM_F_ANCHORED | PM_F_DROP, 0, 0);
	put_session(w, MN_LINGER_LINK, 0, PM_F_LINK | PM_F_DROP, TUN_LMA2, 1);
	put_session(w, MN_ALIAS, MN_1, PM_F_ALIAS, 0, 0);
	world_session(w, MN_ALIAS)->generation = 7;
	put_session(w, MN_ALIAS_OLD, MN_1, PM_F_ALIAS, 0, 0);
	world_session(w, MN_ALIAS_OLD)->generation = 6;
	put_session(w, MN_CHAIN, TUN_MAG1, PM_F_ANCHORED, TUN_LMA2, 0);
	put_session(w, MN_SELF, TUN_SELF, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_UNRESOLVED, TUN_UNRESOLVED, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_SLOW, TUN_SLOW, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_NOWHERE, 0, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_SMALL, TUN_SMALL, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_TINY, TUN_TINY, PM_F_ANCHORED, 0, 0);
	put_session(w, MN_LINK_SLOW, 0, PM_F_LINK, TUN_LMA2, 3);
	put_session(w, MN_STALE, TUN_MAG1, PM_F_ANCHORED, 0, 0);
	world_session(w, MN_STALE)->prefix ^= 1;
	world_session(w, MN_ADDR4 + MN_STALE)->prefix ^= 1;
	put_session(w, MN_HASH, TUN_MAG1, PM_F_ANCHORED, 0, 0);
	fill_kinds(w);
	fill_domains(w);
	fill_only4(w);

	frame_addr(addr, MN_HASH_ADDR);
	put_seen(w, "pm_prefix6", addr, MN_HASH);
	frame_addr(addr, MN_HASH_STALE);
	put_seen(w, "pm_prefix6", addr, MN_HASH);
}
