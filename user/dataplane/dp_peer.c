/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "dataplane/dp_compose.h"
#include "dataplane/dp_hints.h"
#include "dataplane/dp_state.h"

#define IP4_HLEN	20
#define IP6_HLEN	40
#define OUTER_HOP_LIMIT 64

static uint64_t addr_hash(const struct dp_peer *p)
{
	uint64_t w[4];

	memcpy(w, &p->local, 16);
	memcpy(w + 2, &p->remote, 16);
	return dp_hash64(dp_hash64(dp_hash64(dp_hash64(w[0]) ^ w[1]) ^ w[2]) ^ w[3]) + p->encap;
}

static uint64_t rec_hash(const void *ctx, uint32_t ref)
{
	return addr_hash(&((const struct dp_peers *)ctx)->rec[ref].peer);
}

int dp_peers_init(struct dp_peers *p, const struct dp_maps *maps)
{
	memset(p, 0, sizeof(*p));
	p->rec = calloc(maps->n_tunnels, sizeof(*p->rec));
	if (!p->rec || dp_fifo_init(&p->free, 1, maps->n_tunnels - 1) < 0 ||
	    dp_index_init(&p->by_addr, maps->n_tunnels, rec_hash, p) < 0) {
		dp_peers_free(p);
		return -ENOMEM;
	}
	return 0;
}

void dp_peers_free(struct dp_peers *p)
{
	free(p->rec);
	p->rec = NULL;
	dp_fifo_free(&p->free);
	dp_index_free(&p->by_addr);
}

static struct dp_peer_rec *peer_at(const struct dp_bpf *dp, dp_ref ref)
{
	if (!ref || ref >= dp->maps.n_tunnels || !dp->peers.rec[ref].used)
		return NULL;
	return &dp->peers.rec[ref];
}

const struct dp_peer_rec *dp_peer_get(const struct dp_bpf *dp, dp_ref ref)
{
	return peer_at(dp, ref);
}

/* ---- the element of pm_tunnel */

_Static_assert(offsetof(struct pm_tunnel, flags) % 8 == 0 &&
		       offsetof(struct pm_tunnel, ifindex) ==
			       offsetof(struct pm_tunnel, flags) + 4 &&
		       offsetof(struct pm_tunnel, dmac) % 8 == 0 &&
		       offsetof(struct pm_tunnel, smac) == offsetof(struct pm_tunnel, dmac) + 6 &&
		       offsetof(struct pm_tunnel, mtu) == offsetof(struct pm_tunnel, dmac) + 12,
	       "next hops are stored as 64-bit words");

static void store_gate(struct pm_tunnel *t, uint32_t flags, uint32_t ifindex)
{
	struct {
		uint32_t flags, ifindex;
	} pair = {flags, ifindex};
	uint64_t word;

	memcpy(&word, &pair, sizeof(word));
	dp_store64(&t->flags, word);
}

#define SAME_ENCAP(name)                                                             \
	_Static_assert((int)DP_ENCAP_##name == (int)PM_E_##name, "one numbering of " \
								 "encapsulations")
SAME_ENCAP(IP);
SAME_ENCAP(GRE);
SAME_ENCAP(GRE_KEY);
SAME_ENCAP(UDP);
SAME_ENCAP(UDP_TLV);
SAME_ENCAP(UDP_GRE);
SAME_ENCAP(UDP_GRE_KEY);
SAME_ENCAP(MAX);

static bool is_ip4(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

static uint32_t around(const struct dp_peer *p)
{
	return (is_ip4(&p->remote) ? IP4_HLEN : IP6_HLEN) + PM_ENCAP_LEN((unsigned)p->encap);
}

static uint16_t inner_mtu(const struct dp_bpf *dp, const struct dp_peer_rec *p)
{
	uint32_t limit = dp->cfg.tunnel_mtu, outer = around(&p->peer);
	uint32_t mtu = p->nexthop.mtu > outer ? p->nexthop.mtu - outer : 0;

	if (!mtu || (limit && limit < mtu))
		mtu = limit;
	return mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)mtu;
}

/* Flags that never change. */
static uint32_t birth_flags(const struct dp_bpf *dp, const struct dp_peer *p)
{
	return (is_ip4(&p->remote) ? PM_T_IP4 : 0) |
	       (dp->cfg.udp_fixed_port && p->encap >= DP_ENCAP_UDP ? PM_T_UDP_FIXED : 0);
}

/* What the IPv4 addresses give to the checksum of the outer header, RFC 791 3.1. */
static uint32_t address_sum(const struct dp_peer *p)
{
	const struct in6_addr *both[] = {&p->local, &p->remote};
	uint32_t sum = 0;

	for (int i = 0; i < 2; i++) {
		uint16_t w[2];

		memcpy(w, &both[i]->s6_addr[12], sizeof(w));
		sum += (uint32_t)w[0] + w[1];
	}
	return is_ip4(&p->remote) ? sum : 0;
}

/*
 * Puts what the record says into force while programs run. The gate (flags and ifindex) is one
 * word: first it is closed, then the words behind it change, then it opens with another change
 * count. A program that loaded the gate before and loads it again after copying the addresses
 * sees that it changed.
 */
static void write_nexthop(struct dp_bpf *dp, dp_ref ref)
{
	struct dp_peer_rec *p = &dp->peers.rec[ref];
	struct pm_tunnel *t = &dp->maps.tunnel[ref];
	uint32_t flags = (t->flags & -(uint32_t)PM_T_CHANGE) + PM_T_CHANGE;
	struct pm_tunnel new;
	uint64_t word[2];

	flags |= PM_T_VALID | (p->self ? PM_T_SELF : 0) | birth_flags(dp, &p->peer);
	store_gate(t, flags, t->ifindex);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);

	memset(&new, 0, sizeof(new));
	memcpy(new.dmac, p->nexthop.dmac.b, sizeof(new.dmac));
	memcpy(new.smac, p->nexthop.smac.b, sizeof(new.smac));
	new.mtu = inner_mtu(dp, p);
	new.encap = (uint8_t)p->peer.encap;
	new.hop_limit = OUTER_HOP_LIMIT;
	memcpy(word, &new.dmac, sizeof(word));
	dp_store64(&t->dmac, word[0]);
	dp_store64((char *)&t->dmac + 8, word[1]);

	p->xdp = p->nexthop.valid && dp_iface_takes_xdp(dp, p->nexthop.ifindex);
	if (p->nexthop.valid)
		flags |= PM_T_NEXTHOP | (p->xdp ? PM_T_XDP : 0) |
			 (dp_vlan_find(dp, p->nexthop.ifindex) ? PM_T_VLAN : 0);
	store_gate(t, flags, p->nexthop.ifindex);
}

static bool is_local(const struct dp_peers *p, const struct in6_addr *a)
{
	for (unsigned i = 0; i < p->n_local; i++) {
		if (addr6_eq(&p->local[i], a))
			return true;
	}
	return false;
}

/* ---- struct dataplane_ops */

dp_ref dp_peer_find(const struct dp_bpf *dp, const struct dp_peer *in)
{
	const struct dp_peers *p = &dp->peers;
	dp_ref ref;

	for (uint32_t i = dp_index_first(&p->by_addr, addr_hash(in)); (ref = p->by_addr.tab[i]);
	     i = dp_index_next(&p->by_addr, i)) {
		const struct dp_peer *is = &p->rec[ref].peer;

		if (addr6_eq(&is->local, &in->local) && addr6_eq(&is->remote, &in->remote) &&
		    is->encap == in->encap)
			return ref;
	}
	return 0;
}

static int check_peer(const struct dp_bpf *dp, const struct dp_peer *p)
{
	bool ip4 = is_ip4(&p->remote);

	if (p->encap >= DP_ENCAP_MAX || is_ip4(&p->local) != ip4)
		return -EINVAL;
	if (!ip4 && p->encap >= DP_ENCAP_UDP)
		return -EINVAL;
	if ((ip4 && !dp->cfg.ip4_outer) || (dp_encap_gre(p->encap) && !dp->cfg.gre))
		return -EOPNOTSUPP;
	return 0;
}

/* Somebody uses it: from now on its next hop is looked after. */
static void claim(struct dp_bpf *dp, dp_ref ref)
{
	struct dp_peer_rec *r = &dp->peers.rec[ref];

	if (!r->unclaimed)
		return;
	r->unclaimed = false;
	if (dp->cfg.hooks.peer_added)
		dp->cfg.hooks.peer_added(dp->cfg.hooks.ctx, ref, &r->peer);
}

int dp_peer_put(struct dp_bpf *dp, const struct dp_peer *in, dp_ref *out)
{
	struct dp_peers *p = &dp->peers;
	struct dp_peer_rec *r;
	struct pm_tunnel *t;
	int err = check_peer(dp, in);
	dp_ref ref;

	if (err)
		return err;
	ref = dp_peer_find(dp, in);
	if (ref) {
		claim(dp, ref);
		*out = ref;
		return 0;
	}
	ref = dp_fifo_take(&p->free);
	if (!ref)
		return -ENOSPC;
	r = &p->rec[ref];
	*r = (struct dp_peer_rec){.peer = *in, .used = true, .self = is_local(p, &in->remote)};
	dp_index_add(&p->by_addr, ref);
	t = &dp->maps.tunnel[ref]; /* closed since birth or peer_del */
	memcpy(t->local, &in->local, sizeof(t->local));
	memcpy(t->remote, &in->remote, sizeof(t->remote));
	t->sum4 = address_sum(in);
	write_nexthop(dp, ref);
	*out = ref;
	if (dp->cfg.hooks.peer_added)
		dp->cfg.hooks.peer_added(dp->cfg.hooks.ctx, ref, &r->peer);
	return 0;
}

void dp_peer_del(struct dp_bpf *dp, dp_ref ref)
{
	struct dp_peer_rec *r = peer_at(dp, ref);
	struct pm_tunnel *t = &dp->maps.tunnel[ref];

	if (!r)
		return;
	/* sessions that nobody has claimed yet go on through it */
	if (r->users && dp->adopted.halves) {
		if (!r->unclaimed && dp->cfg.hooks.peer_deleted)
			dp->cfg.hooks.peer_deleted(dp->cfg.hooks.ctx, ref, &r->peer);
		r->unclaimed = true;
		return;
	}
	store_gate(t, (t->flags & -(uint32_t)PM_T_CHANGE) + PM_T_CHANGE, 0);
	dp_index_del(&dp->peers.by_addr, ref);
	r->used = false;
	if (!r->users)
		dp_fifo_give(&dp->peers.free, ref);
	if (dp->cfg.hooks.peer_deleted && !r->unclaimed)
		dp->cfg.hooks.peer_deleted(dp->cfg.hooks.ctx, ref, &r->peer);
}

uint32_t dp_peer_mtu(const struct dp_bpf *dp, dp_ref ref)
{
	const struct dp_peer_rec *r = peer_at(dp, ref);

	return r ? inner_mtu(dp, r) : 0;
}

void dp_peer_walk(const struct dp_bpf *dp, const struct dp_walk *w, bool unclaimed)
{
	for (dp_ref ref = 1; w->peer && ref < dp->maps.n_tunnels; ref++) {
		if (dp->peers.rec[ref].used && (!unclaimed || dp->peers.rec[ref].unclaimed))
			w->peer(w->ctx, ref, &dp->peers.rec[ref].peer);
	}
}

void dp_peer_use(struct dp_bpf *dp, dp_ref ref)
{
	dp->peers.rec[ref].users++;
}

void dp_peer_unuse(struct dp_bpf *dp, dp_ref ref)
{
	struct dp_peer_rec *r = &dp->peers.rec[ref];

	if (--r->users == 0 && !r->used)
		dp_fifo_give(&dp->peers.free, ref);
}

/* ---- next hops, our own addresses */

int dp_bpf_nexthop(struct dp_bpf *dp, dp_ref peer, const struct dp_bpf_nexthop *nh)
{
	struct dp_peer_rec *r = peer_at(dp, peer);
	const struct dp_bpf_nexthop *old;

	if (!r)
		return -ENOENT;
	if (dp->left)
		return 0;
	old = &r->nexthop;
	if (old->valid == nh->valid && old->ifindex == nh->ifindex && old->mtu == nh->mtu &&
	    mac_eq(&old->smac, &nh->smac) && mac_eq(&old->dmac, &nh->dmac))
		return 0;
	r->nexthop = *nh;
	write_nexthop(dp, peer);
	return 0;
}

void dp_peers_iface_changed(struct dp_bpf *dp, unsigned ifindex)
{
	for (dp_ref ref = 1; ref < dp->maps.n_tunnels; ref++) {
		const struct dp_peer_rec *r = &dp->peers.rec[ref];

		if (r->used && r->nexthop.valid && r->nexthop.ifindex == ifindex &&
		    r->xdp != dp_iface_takes_xdp(dp, ifindex))
			write_nexthop(dp, ref);
	}
}

static void locals_changed(struct dp_bpf *dp)
{
	for (dp_ref ref = 1; ref < dp->maps.n_tunnels; ref++) {
		struct dp_peer_rec *r = &dp->peers.rec[ref];
		bool self = r->used && is_local(&dp->peers, &r->peer.remote);

		if (r->used && r->self != self) {
			r->self = self;
			write_nexthop(dp, ref);
		}
	}
	dp_compose_all(dp);
}

int dp_bpf_local_add(struct dp_bpf *dp, const struct in6_addr *addr)
{
	struct dp_peers *p = &dp->peers;
	struct pm_addr6 key;
	uint32_t one = 1;

	for (unsigned i = 0; i < p->n_local; i++) {
		if (addr6_eq(&p->local[i], addr)) {
			p->local_unclaimed[i] = false;
			return 0;
		}
	}
	if (p->n_local == PM_MAX_LOCAL)
		return -ENOSPC;
	memcpy(key.addr, addr, sizeof(key.addr));
	if (bpf_map_update_elem(dp->maps.fd[DP_MAP_LOCAL], &key, &one, BPF_ANY) < 0)
		return -errno;
	p->local_unclaimed[p->n_local] = false;
	p->local[p->n_local++] = *addr;
	dp_hints_local(&dp->maps, p->local, p->n_local);
	locals_changed(dp);
	return 0;
}

void dp_bpf_local_del(struct dp_bpf *dp, const struct in6_addr *addr)
{
	struct dp_peers *p = &dp->peers;
	struct pm_addr6 key;

	for (unsigned i = 0; i < p->n_local && !dp->left; i++) {
		if (!addr6_eq(&p->local[i], addr))
			continue;
		memcpy(key.addr, addr, sizeof(key.addr));
		bpf_map_delete_elem(dp->maps.fd[DP_MAP_LOCAL], &key);
		p->local[i] = p->local[--p->n_local];
		p->local_unclaimed[i] = p->local_unclaimed[p->n_local];
		dp_hints_local(&dp->maps, p->local, p->n_local);
		locals_changed(dp);
		return;
	}
}

void dp_bpf_walk_peers(const struct dp_bpf *dp,
		       void (*cb)(void *ctx, const struct dp_bpf_peer_info *i), void *ctx)
{
	for (dp_ref ref = 1; ref < dp->maps.n_tunnels; ref++) {
		const struct dp_peer_rec *r = &dp->peers.rec[ref];
		struct dp_bpf_peer_info info = {.ref = ref,
						.peer = r->peer,
						.nexthop = r->nexthop,
						.mtu = r->used ? inner_mtu(dp, r) : 0,
						.self = r->self,
						.xdp = r->xdp};

		if (r->used)
			cb(ctx, &info);
	}
}

/* ---- after an earlier run */

static void adopt_locals(struct dp_bpf *dp)
{
	const int map = dp->maps.fd[DP_MAP_LOCAL];
	struct dp_peers *p = &dp->peers;
	struct pm_addr6 key, *at = NULL;

	while (p->n_local < PM_MAX_LOCAL && bpf_map_get_next_key(map, at, &key) == 0) {
		p->local_unclaimed[p->n_local] = true;
		memcpy(&p->local[p->n_local++], key.addr, sizeof(key.addr));
		at = &key;
	}
	dp_hints_local(&dp->maps, p->local, p->n_local);
}

/* What may have been half done when the earlier run ended is not believed. */
static bool read_tunnel(const struct dp_bpf *dp, dp_ref ref, struct dp_peer_rec *r)
{
	const struct pm_tunnel *t = &dp->maps.tunnel[ref];

	*r = (struct dp_peer_rec){.peer.encap = t->encap, .unclaimed = true};
	memcpy(&r->peer.local, t->local, sizeof(t->local));
	memcpy(&r->peer.remote, t->remote, sizeof(t->remote));
	r->self = is_local(&dp->peers, &r->peer.remote);
	if (check_peer(dp, &r->peer) || !(t->flags & PM_T_VALID) || dp_peer_find(dp, &r->peer))
		return false;
	r->used = true;
	r->nexthop.valid = t->flags & PM_T_NEXTHOP;
	r->nexthop.ifindex = t->ifindex;
	memcpy(r->nexthop.dmac.b, t->dmac, sizeof(t->dmac));
	memcpy(r->nexthop.smac.b, t->smac, sizeof(t->smac));
	r->nexthop.mtu = t->mtu ? t->mtu + around(&r->peer) : 0;
	r->xdp = t->flags & PM_T_XDP;
	return true;
}

void dp_peers_adopt(struct dp_bpf *dp)
{
	adopt_locals(dp);
	for (dp_ref ref = 1; ref < dp->maps.n_tunnels; ref++) {
		struct pm_tunnel *t = &dp->maps.tunnel[ref];
		struct dp_peer_rec r;

		if (read_tunnel(dp, ref, &r)) {
			dp->peers.rec[ref] = r;
			dp_index_add(&dp->peers.by_addr, ref);
			if (r.self != !!(t->flags & PM_T_SELF))
				write_nexthop(dp, ref);
			continue;
		}
		if (t->flags & PM_T_VALID)
			store_gate(t, (t->flags & -(uint32_t)PM_T_CHANGE) + PM_T_CHANGE, 0);
		/* a session may still name it */
		dp->peers.rec[ref].peer = r.peer;
	}
}

void dp_peers_adopted(struct dp_bpf *dp)
{
	for (uint32_t n = dp->peers.free.n; n; n--) {
		dp_ref ref = dp_fifo_take(&dp->peers.free);

		if (!dp->peers.rec[ref].used && !dp->peers.rec[ref].users)
			dp_fifo_give(&dp->peers.free, ref);
	}
}

size_t dp_peers_sweep(struct dp_bpf *dp)
{
	struct dp_peers *p = &dp->peers;
	size_t n = 0;

	for (dp_ref ref = 1; ref < dp->maps.n_tunnels; ref++) {
		if (!p->rec[ref].used || !p->rec[ref].unclaimed)
			continue;
		if (p->rec[ref].users) {
			claim(dp, ref);
			continue;
		}
		dp_peer_del(dp, ref);
		n++;
	}
	for (unsigned i = 0; i < p->n_local;) {
		const struct in6_addr gone = p->local[i];

		if (p->local_unclaimed[i])
			dp_bpf_local_del(dp, &gone);
		else
			i++;
	}
	return n;
}
