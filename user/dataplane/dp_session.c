/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/dp_mnid.h"
#include "dataplane/dp_state.h"

static struct dp_half_rec *half_at(const struct dp_bpf *dp, dp_ref ref)
{
	if (!ref || ref >= dp->halves.n || !dp->halves.rec[ref].body)
		return NULL;
	return &dp->halves.rec[ref];
}

static dp_ref owner_of(const struct dp_bpf *dp, uint32_t slot, unsigned half)
{
	return dp->slots.slot[slot].owner[half];
}

/* ---- what two halves make of a slot */

struct verdict {
	uint32_t tunnel, up_tunnel;
	uint16_t flags;
	uint16_t access;
	struct mac mac;
};

static bool to_self(const struct dp_bpf *dp, const struct dp_path *p)
{
	return p->kind == DP_TO_PEER && dp->peers.rec[p->peer].self;
}

static void place_down(const struct dp_half_rec *h, struct verdict *v)
{
	switch (h->down.kind) {
	case DP_TO_PEER:
		v->tunnel = h->down.peer;
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
	const struct dp_half_rec *first = anchor ? anchor : access;

	*v = (struct verdict){.flags = PM_F_VALID | (anchor ? PM_F_ANCHORED : 0)};
	if (first->mode == DP_DROP)
		v->flags |= PM_F_DROP;
	if (!anchor || !to_self(dp, &anchor->down)) {
		place_down(first, v);
	} else if (access) {
		place_down(access, v);
		if (access->mode == DP_DROP)
			v->flags |= PM_F_DROP;
	} else {
		v->flags |= PM_F_DROP;
	}
	if (first->up.kind == DP_TO_PEER && !to_self(dp, &first->up))
		v->up_tunnel = first->up.peer;
	else if (first->up.kind != DP_TO_ROUTE && !(anchor && to_self(dp, &first->up)))
		v->flags |= PM_F_DROP;
}

_Static_assert(offsetof(struct pm_session, mac) % 8 == 0 &&
		       offsetof(struct pm_session, access) == offsetof(struct pm_session, mac) + 6,
	       "mac and access are one word");

/* The words of the slot first, the descriptor last; words that do not change are not written. */
static void write_primary(struct dp_bpf *dp, uint32_t slot, const struct verdict *v)
{
	struct pm_session *m = &dp->maps.session[slot];
	uint64_t desc = PM_DESC(v->tunnel, v->flags, dp->slots.slot[slot].gen);

	if (v->flags & PM_F_LINK) {
		struct {
			struct mac mac;
			uint16_t access;
		} pair = {v->mac, v->access};
		uint64_t word;

		memcpy(&word, &pair, sizeof(word));
		if (word != dp_load64(&m->mac))
			dp_store64(&m->mac, word);
	}
	if (m->up_tunnel != v->up_tunnel)
		__atomic_store_n(&m->up_tunnel, v->up_tunnel, __ATOMIC_RELEASE);
	if (m->desc != desc)
		dp_store64(&m->desc, desc);
}

/* First slot with the same owners, in the order of the half that leads. */
static uint32_t primary_of(const struct dp_bpf *dp, uint32_t slot)
{
	const dp_ref *o = dp->slots.slot[slot].owner;
	const struct dp_body *lead =
		dp->halves.rec[o[DP_ANCHOR] ? o[DP_ANCHOR] : o[DP_ACCESS]].body;

	for (unsigned i = 0; i < lead->n; i++) {
		const dp_ref *other = dp->slots.slot[lead->slot[i]].owner;

		if (other[DP_ANCHOR] == o[DP_ANCHOR] && other[DP_ACCESS] == o[DP_ACCESS])
			return lead->slot[i];
	}
	return slot; /* not reached: a half lists the slots it owns */
}

/*
 * Brings all slots of a half into force. A slot that was the primary and becomes an alias is
 * written last: until then the other aliases may still point to it.
 */
static void recompose(struct dp_bpf *dp, dp_ref ref)
{
	const struct dp_body *b = dp->halves.rec[ref].body;
	uint32_t primary[DP_PREFIXES_MAX];

	for (unsigned i = 0; i < b->n; i++) {
		uint32_t slot = b->slot[i];
		struct verdict v;

		primary[i] = b->n == 1 ? slot : primary_of(dp, slot);
		if (primary[i] != slot)
			continue;
		compose(dp, half_at(dp, owner_of(dp, slot, DP_ANCHOR)),
			half_at(dp, owner_of(dp, slot, DP_ACCESS)), &v);
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

void dp_sessions_recompose(struct dp_bpf *dp)
{
	for (dp_ref ref = 1; ref < dp->halves.n; ref++) {
		if (dp->halves.rec[ref].body)
			recompose(dp, ref);
	}
}

/* ---- halves */

int dp_halves_init(struct dp_halves *h, const struct dp_maps *maps)
{
	memset(h, 0, sizeof(*h));
	h->n = 2 * maps->n_slots;
	h->rec = calloc(h->n, sizeof(*h->rec));
	if (!h->rec || dp_fifo_init(&h->free, 1, h->n - 1) < 0 ||
	    dp_index_init(&h->by_mnid, h->n, dp_mnid_hash, h) < 0) {
		dp_halves_free(h);
		return -ENOMEM;
	}
	return 0;
}

void dp_halves_free(struct dp_halves *h)
{
	for (uint32_t i = 0; h->rec && i < h->n; i++)
		free(h->rec[i].body);
	free(h->rec);
	h->rec = NULL;
	dp_fifo_free(&h->free);
	dp_index_free(&h->by_mnid);
}

static bool path_ok(const struct dp_bpf *dp, const struct dp_path *p)
{
	return p->kind != DP_TO_PEER || dp_peer_get(dp, p->peer);
}

static void path_use(struct dp_bpf *dp, const struct dp_path *p)
{
	if (p->kind == DP_TO_PEER)
		dp_peer_use(dp, p->peer);
}

static void path_unuse(struct dp_bpf *dp, const struct dp_path *p)
{
	if (p->kind == DP_TO_PEER)
		dp_peer_unuse(dp, p->peer);
}

static struct dp_body *body_new(const struct dp_session *s)
{
	struct dp_body *b = malloc(sizeof(*b) + s->n_prefixes * sizeof(b->slot[0]) + s->mnid.len);

	if (!b)
		return NULL;
	b->subtype = s->mnid.subtype;
	b->id_len = s->mnid.len;
	b->n = (uint8_t)s->n_prefixes;
	if (s->mnid.len)
		memcpy(dp_body_id(b), s->mnid.id, s->mnid.len);
	return b;
}

/* May this half (0: a new one) own all these prefixes? */
static int check_prefixes(const struct dp_bpf *dp, const struct dp_session *s, dp_ref ref)
{
	for (unsigned i = 0; i < s->n_prefixes; i++) {
		uint32_t slot = dp_slot_find(&dp->slots, &s->prefixes[i]);
		dp_ref owner = slot ? owner_of(dp, slot, s->half) : 0;

		if (owner && owner != ref)
			return -EEXIST;
		for (unsigned j = 0; j < i; j++) {
			if (prefix6_eq(&s->prefixes[i], &s->prefixes[j]))
				return -EINVAL;
		}
	}
	return 0;
}

/* Releases those slots that no half owns. */
static void release_unowned(struct dp_bpf *dp, const uint32_t *slot, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!owner_of(dp, slot[i], DP_ANCHOR) && !owner_of(dp, slot[i], DP_ACCESS))
			dp_slot_release(&dp->slots, slot[i]);
	}
}

static int claim_slots(struct dp_bpf *dp, const struct dp_session *s, struct dp_body *b)
{
	for (unsigned i = 0; i < s->n_prefixes; i++) {
		int err;

		b->slot[i] = dp_slot_find(&dp->slots, &s->prefixes[i]);
		err = b->slot[i] ? 0 : dp_slot_claim(&dp->slots, &s->prefixes[i], &b->slot[i]);
		if (err) {
			release_unowned(dp, b->slot, i);
			return err;
		}
	}
	return 0;
}

/* The other halves that own any of these slots, each once. */
static unsigned partners(const struct dp_bpf *dp, const struct dp_body *b, unsigned half,
			 dp_ref *out, unsigned n)
{
	for (unsigned i = 0; b && i < b->n; i++) {
		dp_ref other = owner_of(dp, b->slot[i], !half);
		unsigned j = 0;

		while (j < n && out[j] != other)
			j++;
		if (other && j == n)
			out[n++] = other;
	}
	return n;
}

/* Nothing in here can fail: `b` replaces what the half has had. */
static void commit(struct dp_bpf *dp, dp_ref ref, const struct dp_session *s, struct dp_body *b,
		   uint32_t access)
{
	struct dp_half_rec *r = &dp->halves.rec[ref];
	struct dp_half_rec was = *r;
	bool same = was.body && dp_mnid_same(was.body, b);
	dp_ref other[2 * DP_PREFIXES_MAX];
	unsigned n_others;

	if (was.body && !same)
		dp_mnid_unlink(dp, ref);
	r->body = b;
	r->half = (uint8_t)s->half;
	r->mode = (uint8_t)s->mode;
	r->local_routing = s->local_routing;
	r->down = s->down;
	r->up = s->up;
	r->access = access;
	path_use(dp, &r->down);
	path_use(dp, &r->up);
	if (!same)
		dp_mnid_link(&dp->halves, ref);

	n_others = partners(dp, b, s->half, other, 0);
	n_others = partners(dp, was.body, s->half, other, n_others);
	for (unsigned i = 0; was.body && i < was.body->n; i++)
		dp->slots.slot[was.body->slot[i]].owner[s->half] = 0;
	for (unsigned i = 0; i < b->n; i++)
		dp->slots.slot[b->slot[i]].owner[s->half] = ref;
	recompose(dp, ref);
	for (unsigned i = 0; i < n_others; i++)
		recompose(dp, other[i]);

	if (!was.body)
		return;
	release_unowned(dp, was.body->slot, was.body->n);
	path_unuse(dp, &was.down);
	path_unuse(dp, &was.up);
	dp_access_put(dp, was.access);
	if (!same || !b->n || !was.body->n || was.body->slot[0] != b->slot[0]) {
		struct pm_mnid_key key;

		dp_mnid_key(was.body, &key);
		dp_mnid_settle(dp, &key);
	}
	free(was.body);
}

int dp_session_put(struct dp_bpf *dp, const struct dp_session *s, dp_ref *ref)
{
	const struct dp_body *old = NULL;
	struct dp_body *b;
	uint32_t access = 0;
	dp_ref mine = *ref;
	int err;

	if (s->n_prefixes > DP_PREFIXES_MAX || (s->half != DP_ANCHOR && s->half != DP_ACCESS))
		return -EINVAL;
	if (mine) {
		const struct dp_half_rec *r = half_at(dp, mine);

		if (!r)
			return -ENOENT;
		if (r->half != s->half)
			return -EINVAL;
		old = r->body;
	}
	if (!path_ok(dp, &s->down) || !path_ok(dp, &s->up))
		return -ENOENT;
	err = check_prefixes(dp, s, mine);
	if (err)
		return err;
	b = body_new(s);
	if (!b)
		return -ENOMEM;

	err = -ENOSPC;
	if (!mine)
		mine = dp_fifo_take(&dp->halves.free);
	if (!mine)
		goto out_body;
	if (s->down.kind == DP_TO_LINK) {
		access = dp_access_get(dp, s->down.ifindex);
		if (!access)
			goto out_ref;
	}
	err = claim_slots(dp, s, b);
	if (err)
		goto out_access;
	if (b->n && !(old && dp_mnid_same(old, b))) {
		struct pm_mnid_key key;

		dp_mnid_key(b, &key);
		err = dp_mnid_write(dp, &key, b->slot[0]);
		if (err)
			goto out_slots;
	}
	commit(dp, mine, s, b, access);
	*ref = mine;
	return 0;

out_slots:
	release_unowned(dp, b->slot, b->n);
out_access:
	dp_access_put(dp, access);
out_ref:
	if (!*ref)
		dp_fifo_give(&dp->halves.free, mine);
out_body:
	free(b);
	return err;
}

void dp_session_del(struct dp_bpf *dp, dp_ref ref)
{
	struct dp_half_rec *r = half_at(dp, ref);
	dp_ref other[DP_PREFIXES_MAX];
	struct pm_mnid_key key;
	struct dp_body *b;
	unsigned n;

	if (!r)
		return;
	b = r->body;
	n = partners(dp, b, r->half, other, 0);
	for (unsigned i = 0; i < b->n; i++)
		dp->slots.slot[b->slot[i]].owner[r->half] = 0;
	for (unsigned i = 0; i < n; i++)
		recompose(dp, other[i]);
	release_unowned(dp, b->slot, b->n);

	dp_mnid_key(b, &key);
	dp_mnid_unlink(dp, ref);
	path_unuse(dp, &r->down);
	path_unuse(dp, &r->up);
	dp_access_put(dp, r->access);
	memset(r, 0, sizeof(*r));
	dp_fifo_give(&dp->halves.free, ref);
	dp_mnid_settle(dp, &key);
	free(b);
}

int dp_session_move(struct dp_bpf *dp, dp_ref ref, const struct dp_path *down)
{
	struct dp_half_rec *r = half_at(dp, ref);
	uint32_t access = 0, old_access;
	struct dp_path old;

	if (!r || !path_ok(dp, down))
		return -ENOENT;
	if (down->kind == DP_TO_LINK) {
		access = dp_access_get(dp, down->ifindex);
		if (!access)
			return -ENOENT;
	}
	old = r->down;
	old_access = r->access;
	r->down = *down;
	r->access = access;
	path_use(dp, &r->down);
	recompose(dp, ref);
	path_unuse(dp, &old);
	dp_access_put(dp, old_access);
	return 0;
}

int dp_session_mode(struct dp_bpf *dp, dp_ref ref, enum dp_mode mode)
{
	struct dp_half_rec *r = half_at(dp, ref);

	if (!r)
		return -ENOENT;
	r->mode = (uint8_t)mode;
	recompose(dp, ref);
	return 0;
}

/* ---- looking */

int dp_session_stats(const struct dp_bpf *dp, dp_ref ref, struct dp_stats *out)
{
	const struct dp_half_rec *r = half_at(dp, ref);
	struct dp_stats sum = {0};

	if (!r)
		return -ENOENT;
	for (unsigned i = 0; i < r->body->n; i++) {
		const struct pm_session *m = &dp->maps.session[r->body->slot[i]];

		sum.down_packets += dp_load64(&m->down_packets);
		sum.down_bytes += dp_load64(&m->down_bytes);
		sum.up_packets += dp_load64(&m->up_packets);
		sum.up_bytes += dp_load64(&m->up_bytes);
	}
	*out = sum;
	return 0;
}

void dp_session_walk(const struct dp_bpf *dp, const struct dp_walk *w)
{
	for (dp_ref ref = 1; w->session && ref < dp->halves.n; ref++) {
		const struct dp_half_rec *r = &dp->halves.rec[ref];
		struct prefix6 prefix[DP_PREFIXES_MAX];
		struct dp_session s;

		if (!r->body)
			continue;
		for (unsigned i = 0; i < r->body->n; i++)
			prefix[i] = dp_slot_prefix(&dp->slots, r->body->slot[i]);
		s = (struct dp_session){
			.half = r->half,
			.mnid = {r->body->subtype, r->body->id_len, dp_body_id(r->body)},
			.n_prefixes = r->body->n,
			.prefixes = prefix,
			.down = r->down,
			.up = r->up,
			.mode = r->mode,
			.local_routing = r->local_routing,
		};
		w->session(w->ctx, ref, &s);
	}
}

uint32_t dp_session_slot(const struct dp_bpf *dp, dp_ref ref)
{
	const struct dp_half_rec *r = half_at(dp, ref);

	return r && r->body->n ? r->body->slot[0] : 0;
}
