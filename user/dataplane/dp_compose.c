/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_compose.h"

#include <string.h>

#include "dataplane/dp_state.h"

struct dp_half_rec *dp_half_at(const struct dp_bpf *dp, dp_ref ref)
{
	if (!ref || ref >= dp->halves.n || !dp->halves.rec[ref].body)
		return NULL;
	return &dp->halves.rec[ref];
}

dp_ref dp_owner_of(const struct dp_bpf *dp, uint32_t slot, unsigned half)
{
	return dp->slots.slot[slot].owner[half];
}

struct verdict {
	uint32_t tunnel, up_tunnel;
	union pm_key down_key, up_key;
	uint16_t flags;
	uint16_t access;
	uint16_t domain;
	uint16_t also;
	uint16_t keep; /* descriptor's flags while packets down are kept; 0: they are not */
	struct mac mac;
};

static bool to_self(const struct dp_bpf *dp, const struct dp_path *p)
{
	return p->kind == DP_TO_PEER && dp->peers.rec[p->peer].self;
}

/* The key that the peer wants to see, of a path through one. */
static union pm_key peer_key(const struct dp_bpf *dp, const struct dp_path *p)
{
	union pm_key k = {.tunnel = p->peer, .key = p->key};

	if (!dp_encap_keyed(dp->peers.rec[p->peer].peer.encap))
		k.word = 0;
	return k;
}

static void place_down(const struct dp_bpf *dp, const struct dp_half_rec *h, struct verdict *v)
{
	switch (h->down.kind) {
	case DP_TO_PEER:
		v->tunnel = h->down.peer;
		v->down_key = peer_key(dp, &h->down);
		if (h->access) {
			v->flags |= PM_F_STILL;
			v->access = (uint16_t)h->access;
			v->mac = h->down.mac;
		}
		return;
	case DP_TO_LINK:
		v->flags |= PM_F_LINK;
		v->access = (uint16_t)h->access;
		v->mac = h->down.mac;
		if (h->local_routing)
			v->flags |= PM_F_LOCAL_ROUTING;
		return;
	case DP_TO_NOWHERE:
	case DP_TO_ROUTE:
		break;
	}
	v->flags |= PM_F_DROP;
}

static void compose(const struct dp_bpf *dp, const struct dp_half_rec *anchor,
		    const struct dp_half_rec *access, struct verdict *v)
{
	const struct dp_half_rec *first = anchor ? anchor : access, *down = first;

	if (anchor && (to_self(dp, &anchor->down) || (access && access->also_from)))
		down = access;
	*v = (struct verdict){.flags = PM_F_VALID | (anchor ? PM_F_ANCHORED : 0),
			      .domain = first->domain};
	if (!down || first->mode == DP_DROP || down->mode == DP_DROP ||
	    (!anchor && to_self(dp, &first->up)))
		v->flags |= PM_F_DROP;
	else if (down->mode == DP_BUFFER)
		v->keep = v->flags;
	if (down)
		place_down(dp, down, v);
	if (v->keep)
		v->keep |= v->flags & (PM_F_LINK | PM_F_STILL | PM_F_LOCAL_ROUTING);
	if (down)
		v->also = (uint16_t)down->also_from;
	if (first->up.kind == DP_TO_PEER && !to_self(dp, &first->up)) {
		v->up_tunnel = first->up.peer;
		v->up_key = peer_key(dp, &first->up);
	} else if (first->up.kind != DP_TO_ROUTE && !(anchor && to_self(dp, &first->up))) {
		/* nothing gets away from the node */
		v->flags |= PM_F_DROP;
		v->keep &= (uint16_t) ~(PM_F_LINK | PM_F_STILL | PM_F_LOCAL_ROUTING);
	}
}

_Static_assert(offsetof(struct pm_session, up_tunnel) % 8 == 0 &&
		       offsetof(struct pm_session, also) ==
			       offsetof(struct pm_session, up_tunnel) + 6,
	       "up_tunnel, domain and also are one word");
_Static_assert(offsetof(struct pm_session, mac) % 8 == 0 &&
		       offsetof(struct pm_session, access) == offsetof(struct pm_session, mac) + 6,
	       "mac and access are one word");

/*
 * Other keys go into the words that are not in force; the descriptor that comes with them turns
 * PM_F_KEYS. Returns the bit for that descriptor.
 */
static uint16_t write_keys(struct dp_bpf *dp, uint32_t slot, const struct verdict *v)
{
	unsigned turn = dp->maps.session[slot].flags & PM_F_KEYS ? 1 : 0;
	struct pm_keys *k = dp->maps.keys ? &dp->maps.keys[slot] : NULL;

	if (k && (k->down[turn].word != v->down_key.word || k->up[turn].word != v->up_key.word)) {
		turn = !turn;
		dp_store64(&k->down[turn], v->down_key.word);
		dp_store64(&k->up[turn], v->up_key.word);
	}
	return turn ? PM_F_KEYS : 0;
}

/* The words of the slot first, the descriptor last; words that do not change are not written. */
static void write_primary(struct dp_bpf *dp, uint32_t slot, const struct verdict *v)
{
	struct pm_session *m = &dp->maps.session[slot];
	const struct {
		uint32_t up;
		uint16_t domain, also;
	} from = {v->up_tunnel, v->domain, v->also};
	uint16_t keys = write_keys(dp, slot, v);
	uint64_t desc = PM_DESC(v->tunnel, v->flags | keys, dp->slots.slot[slot].gen), word;

	if (v->flags & (PM_F_LINK | PM_F_STILL)) {
		struct {
			struct mac mac;
			uint16_t access;
		} pair = {v->mac, v->access};

		memcpy(&word, &pair, sizeof(word));
		if (word != dp_load64(&m->mac))
			dp_store64(&m->mac, word);
	}
	memcpy(&word, &from, sizeof(word));
	if (word != dp_load64(&m->up_tunnel))
		dp_store64(&m->up_tunnel, word);
	desc = dp_buffer_way(dp, slot, desc, v->keep ? v->keep | keys : 0);
	if (m->desc != desc)
		dp_store64(&m->desc, desc);
}

static const struct dp_body *lead_of(const struct dp_bpf *dp, uint32_t slot)
{
	const dp_ref *o = dp->slots.slot[slot].owner;

	return dp->halves.rec[o[DP_ANCHOR] ? o[DP_ANCHOR] : o[DP_ACCESS]].body;
}

/* First slot with the same owners, in the order of the half that leads. */
static uint32_t primary_of(const struct dp_bpf *dp, uint32_t slot)
{
	const struct dp_body *lead = lead_of(dp, slot);
	const dp_ref *o;

	if (dp_owner_is_key(&dp->slots.slot[slot].of)) {
		slot = lead->slot[0];
		lead = lead_of(dp, slot);
	}
	o = dp->slots.slot[slot].owner;
	for (unsigned i = 0; i < lead->n; i++) {
		const dp_ref *other = dp->slots.slot[lead->slot[i]].owner;

		if (other[DP_ANCHOR] == o[DP_ANCHOR] && other[DP_ACCESS] == o[DP_ACCESS])
			return lead->slot[i];
	}
	return slot; /* not reached: a half lists the slots it owns */
}

/* A slot that was the primary and becomes an alias is written last: until then the other aliases
 * may still point to it. */
void dp_compose(struct dp_bpf *dp, dp_ref ref)
{
	const struct dp_body *b = dp->halves.rec[ref].body;
	uint32_t primary[DP_SLOTS_MAX];

	for (unsigned i = 0; i < b->n; i++) {
		primary[i] = b->n == 1 ? b->slot[i] : primary_of(dp, b->slot[i]);
		if (primary[i] != b->slot[i])
			dp_buffer_move(dp, b->slot[i], primary[i]);
	}
	for (unsigned i = 0; i < b->n; i++) {
		uint32_t slot = b->slot[i];
		struct verdict v;

		if (primary[i] != slot)
			continue;
		compose(dp, dp_half_at(dp, dp_owner_of(dp, slot, DP_ANCHOR)),
			dp_half_at(dp, dp_owner_of(dp, slot, DP_ACCESS)), &v);
		write_primary(dp, slot, &v);
	}
	for (int demote = 0; demote < 2 && b->n > 1; demote++) {
		for (unsigned i = 0; i < b->n; i++) {
			struct pm_session *m = &dp->maps.session[b->slot[i]];
			uint64_t desc = PM_DESC(primary[i], PM_F_VALID | PM_F_ALIAS,
						dp->slots.slot[primary[i]].gen);
			bool was_primary =
				(PM_DESC_FLAGS(m->desc) & (PM_F_VALID | PM_F_ALIAS)) == PM_F_VALID;

			if (primary[i] != b->slot[i] && was_primary == demote && m->desc != desc)
				dp_store64(&m->desc, desc);
		}
	}
}

void dp_compose_left(struct dp_bpf *dp, uint32_t slot, enum dp_half half, const struct dp_body *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		uint64_t desc = dp->maps.session[b->slot[i]].desc;

		if ((PM_DESC_FLAGS(desc) & PM_F_ALIAS) && PM_DESC_TUNNEL(desc) == slot) {
			dp_buffer_move(dp, slot, primary_of(dp, b->slot[i]));
			return;
		}
	}
	if (half == DP_ACCESS)
		dp_buffer_forget(dp, slot);
}

void dp_compose_all(struct dp_bpf *dp)
{
	for (dp_ref ref = 1; ref < dp->halves.n; ref++) {
		if (dp->halves.rec[ref].body)
			dp_compose(dp, ref);
	}
}
