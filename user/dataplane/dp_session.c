/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/dp_adopt.h"
#include "dataplane/dp_compose.h"
#include "dataplane/dp_keep.h"
#include "dataplane/dp_mnid.h"
#include "dataplane/dp_state.h"

int dp_halves_init(struct dp_halves *h, const struct dp_maps *maps)
{
	memset(h, 0, sizeof(*h));
	h->n = maps->n_halves;
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
	for (uint32_t i = 0; h->rec && i < h->n; i++) {
		free(h->rec[i].body);
		free(h->rec[i].kept);
	}
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

static void also_use(struct dp_bpf *dp, dp_ref also)
{
	if (also)
		dp_peer_use(dp, also);
}

static void also_unuse(struct dp_bpf *dp, dp_ref also)
{
	if (also)
		dp_peer_unuse(dp, also);
}

static void path_unuse(struct dp_bpf *dp, const struct dp_path *p)
{
	if (p->kind == DP_TO_PEER)
		dp_peer_unuse(dp, p->peer);
}

/* The home addresses of a session that is to be put. */
struct wanted {
	struct dp_owner of[DP_PREFIXES_MAX + 1];
	unsigned n;
};

static struct dp_body *body_new(const struct dp_session *s, unsigned n_slots)
{
	struct dp_body *b = malloc(sizeof(*b) + n_slots * sizeof(b->slot[0]) + s->mnid.len);

	if (!b)
		return NULL;
	b->subtype = s->mnid.subtype;
	b->id_len = s->mnid.len;
	b->n = (uint8_t)n_slots;
	if (s->mnid.len)
		memcpy(dp_body_id(b), s->mnid.id, s->mnid.len);
	return b;
}

static int check_kind(const struct dp_bpf *dp, const struct dp_session *s)
{
	if (s->n_prefixes > DP_PREFIXES_MAX || (s->half != DP_ANCHOR && s->half != DP_ACCESS))
		return -EINVAL;
	/* on a link the domain is the link's; in a tunnel only keys tell */
	if (s->domain && !s->keyed && s->half != DP_ACCESS)
		return -EINVAL;
	if (s->half != DP_ACCESS && s->mode == DP_BUFFER)
		return -EINVAL;
	if ((s->addr4.s_addr && !dp->cfg.ip4) || (s->keyed && !dp->cfg.gre))
		return -EOPNOTSUPP;
	return 0;
}

static int list_wanted(const struct dp_bpf *dp, const struct dp_session *s, struct wanted *w)
{
	w->n = 0;
	for (unsigned i = 0; i < s->n_prefixes; i++) {
		int err = dp_owner_prefix(&s->prefixes[i], &w->of[w->n++]);

		if (err)
			return err;
		for (unsigned j = 0; j < i; j++) {
			if (prefix6_eq(&s->prefixes[i], &s->prefixes[j]))
				return -EINVAL;
		}
	}
	if (s->addr4.s_addr)
		w->of[w->n++] = dp_owner_addr4(s->domain, s->addr4);
	return 0;
}

/* May this half (0: a new one) have all these addresses? */
static int check_wanted(const struct dp_bpf *dp, const struct wanted *w, unsigned half, dp_ref ref)
{
	for (unsigned i = 0; i < w->n; i++) {
		uint32_t slot = dp_slot_find(&dp->slots, &w->of[i]);
		dp_ref owner = slot ? dp_owner_of(dp, slot, half) : 0;

		if (owner && owner != ref)
			return -EEXIST;
	}
	return 0;
}

static bool wants(const struct dp_bpf *dp, const struct wanted *w, uint32_t slot)
{
	for (unsigned i = 0; i < w->n; i++) {
		if (dp_slot_find(&dp->slots, &w->of[i]) == slot ||
		    dp_slot_of_pool(&dp->slots, &w->of[i]) == slot)
			return true;
	}
	return false;
}

/*
 * Does the half need a slot for its key besides those of its addresses? `key` is the one that it
 * has so far. Negative when that slot cannot be the key's alone, because the other half still has
 * the address.
 */
static int needs_key_slot(const struct dp_bpf *dp, const struct dp_session *s,
			  const struct wanted *w, uint32_t key)
{
	if (!s->keyed)
		return 0;
	if (!key)
		return !w->n;
	if (wants(dp, w, key))
		return 0;
	return dp_owner_of(dp, key, !s->half) ? -EBUSY : 1;
}

/* Releases those slots that no half owns. */
static void release_unowned(struct dp_bpf *dp, const uint32_t *slot, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (dp_owner_of(dp, slot[i], DP_ANCHOR) || dp_owner_of(dp, slot[i], DP_ACCESS))
			continue;
		dp_buffer_forget(dp, slot[i]);
		dp_slot_release(&dp->slots, slot[i]);
	}
}

/* `key` is what the half has so far; a last slot behind those of the addresses is the key's. */
static int claim_slots(struct dp_bpf *dp, const struct wanted *w, uint32_t key, struct dp_body *b)
{
	struct dp_slots *slots = &dp->slots;

	for (unsigned i = 0; i < b->n; i++) {
		int err = 0;

		if (i == w->n) {
			b->slot[i] = key;
			if (!key)
				err = dp_slot_claim_key(slots, &b->slot[i]);
		} else {
			b->slot[i] = dp_slot_find(slots, &w->of[i]);
			if (!b->slot[i] && key && dp_slot_of_pool(slots, &w->of[i]) == key)
				b->slot[i] = key;
			else if (!b->slot[i])
				err = dp_slot_claim(slots, &w->of[i], &b->slot[i]);
		}
		if (err) {
			release_unowned(dp, b->slot, i);
			return err;
		}
	}
	return 0;
}

/* Slots that were an address's and are the key's from now on, or the other way round. */
static void rename_slots(struct dp_bpf *dp, const struct wanted *w, const struct dp_body *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		bool key = dp_owner_is_key(&dp->slots.slot[b->slot[i]].of);

		if (i < w->n && key)
			dp_slot_to_member(&dp->slots, b->slot[i], &w->of[i]);
		else if (i == w->n && !key)
			dp_slot_to_key(&dp->slots, b->slot[i]);
	}
}

/* The other halves that own any of these slots, each once. */
static unsigned partners(const struct dp_bpf *dp, const struct dp_body *b, unsigned half,
			 dp_ref *out, unsigned n)
{
	for (unsigned i = 0; b && i < b->n; i++) {
		dp_ref other = dp_owner_of(dp, b->slot[i], !half);
		unsigned j = 0;

		while (j < n && out[j] != other)
			j++;
		if (other && j == n)
			out[n++] = other;
	}
	return n;
}

static void set_mode(struct dp_bpf *dp, struct dp_half_rec *r, enum dp_mode mode)
{
	dp->buffers.sessions -= r->mode == DP_BUFFER;
	dp->buffers.sessions += mode == DP_BUFFER;
	dp->buffers.counter[COUNT_DP_BUFFER_C_SESSIONS] = dp->buffers.sessions;
	r->mode = (uint8_t)mode;
}

/* The node is on an access link, as far as is known. */
static bool on_link(const struct dp_path *down)
{
	return down->kind == DP_TO_LINK || (down->kind == DP_TO_PEER && down->ifindex);
}

/* Nothing in here can fail: `b` replaces what the half has had. */
static void commit(struct dp_bpf *dp, dp_ref ref, const struct dp_session *s,
		   const struct wanted *w, struct dp_body *b, uint32_t access, enum dp_keep keep)
{
	struct dp_half_rec *r = &dp->halves.rec[ref];
	struct dp_half_rec was = *r;
	bool same = was.body && dp_mnid_same(was.body, b);
	dp_ref other[2 * DP_SLOTS_MAX];
	unsigned n_others;

	if (was.body && !same)
		dp_mnid_unlink(dp, ref);
	r->body = b;
	r->half = (uint8_t)s->half;
	set_mode(dp, r, s->mode);
	r->local_routing = s->local_routing;
	r->domain = s->domain;
	if (!s->keyed)
		r->key = 0;
	else if (!r->key)
		r->key = b->slot[0];
	r->down = s->down;
	r->up = s->up;
	r->also_from = s->also_from;
	r->access = access;
	r->unclaimed = false;
	path_use(dp, &r->down);
	path_use(dp, &r->up);
	also_use(dp, r->also_from);
	if (!same)
		dp_mnid_link(&dp->halves, ref);
	dp_keep_store(dp, ref, keep);

	n_others = partners(dp, b, s->half, other, 0);
	n_others = partners(dp, was.body, s->half, other, n_others);
	for (unsigned i = 0; was.body && i < was.body->n; i++)
		dp->slots.slot[was.body->slot[i]].owner[s->half] = 0;
	for (unsigned i = 0; i < b->n; i++)
		dp->slots.slot[b->slot[i]].owner[s->half] = ref;
	rename_slots(dp, w, b);
	for (unsigned i = 0; was.body && i < was.body->n; i++) {
		if (dp_owner_of(dp, was.body->slot[i], s->half) != ref)
			dp_compose_left(dp, was.body->slot[i], s->half, b);
	}
	dp_compose(dp, ref);
	for (unsigned i = 0; i < n_others; i++)
		dp_compose(dp, other[i]);

	if (!was.body)
		return;
	release_unowned(dp, was.body->slot, was.body->n);
	path_unuse(dp, &was.down);
	path_unuse(dp, &was.up);
	also_unuse(dp, was.also_from);
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
	struct dp_buffered *counts = NULL;
	const struct dp_half_rec *r = NULL;
	uint32_t access = 0, key = 0;
	dp_ref mine = *ref;
	struct pm_mnid_key id;
	struct wanted w;
	struct dp_body *b;
	int err, extra, keep;

	err = check_kind(dp, s);
	if (err)
		return err;
	if (!path_ok(dp, &s->down) || !path_ok(dp, &s->up) ||
	    (s->also_from && !dp_peer_get(dp, s->also_from)))
		return -ENOENT;
	err = list_wanted(dp, s, &w);
	if (err)
		return err;
	if (!mine && dp->adopted.halves)
		mine = dp_adopt_claim(dp, s, w.of, w.n);
	if (mine) {
		r = dp_half_at(dp, mine);
		if (!r)
			return -ENOENT;
		if (r->half != s->half)
			return -EINVAL;
		key = r->key;
	}
	if (dp->adopted.halves)
		dp_adopt_yield(dp, s->half, mine, w.of, w.n);
	err = check_wanted(dp, &w, s->half, mine);
	if (err)
		return err;
	extra = needs_key_slot(dp, s, &w, key);
	if (extra < 0)
		return extra;
	b = body_new(s, w.n + (unsigned)extra);
	if (!b)
		return -ENOMEM;

	err = -ENOSPC;
	if (!mine)
		mine = dp_fifo_take(&dp->halves.free);
	if (!mine)
		goto out_body;
	if (on_link(&s->down)) {
		access = dp_access_get(dp, s->down.ifindex);
		if (!access)
			goto out_ref;
	}
	counts = dp->halves.rec[mine].kept;
	if (s->mode == DP_BUFFER && !(r && r->mode == DP_BUFFER)) {
		err = dp_buffer_prepare(dp, &counts);
		if (err)
			goto out_access;
	}
	err = claim_slots(dp, &w, key, b);
	if (err)
		goto out_access;
	if (b->n && !(r && dp_mnid_same(r->body, b))) {
		dp_mnid_key(b, &id);
		err = dp_mnid_write(dp, &id, b->slot[0]);
		if (err)
			goto out_slots;
	}
	keep = dp_keep_prepare(dp, mine, b);
	err = keep < 0 ? keep : 0;
	if (err)
		goto out_mnid;
	if (r && r->unclaimed)
		dp->adopted.halves--;
	dp->halves.rec[mine].kept = counts;
	commit(dp, mine, s, &w, b, access, keep);
	*ref = mine;
	return 0;

out_mnid:
	dp_mnid_key(b, &id);
	dp_mnid_settle(dp, &id);
out_slots:
	release_unowned(dp, b->slot, b->n);
out_access:
	if (counts != dp->halves.rec[mine].kept)
		free(counts);
	dp_access_put(dp, access);
out_ref:
	if (!r)
		dp_fifo_give(&dp->halves.free, mine);
out_body:
	free(b);
	return err;
}

void dp_session_del(struct dp_bpf *dp, dp_ref ref)
{
	struct dp_half_rec *r = dp_half_at(dp, ref);
	dp_ref other[DP_SLOTS_MAX];
	struct pm_mnid_key key;
	struct dp_body *b;
	unsigned n;

	if (!r)
		return;
	b = r->body;
	dp_keep_drop(dp, ref);
	if (r->unclaimed)
		dp->adopted.halves--;
	n = partners(dp, b, r->half, other, 0);
	for (unsigned i = 0; i < b->n && r->kept; i++)
		dp_buffer_forget(dp, b->slot[i]);
	for (unsigned i = 0; i < b->n; i++)
		dp->slots.slot[b->slot[i]].owner[r->half] = 0;
	for (unsigned i = 0; i < n; i++)
		dp_compose(dp, other[i]);
	release_unowned(dp, b->slot, b->n);

	dp_mnid_key(b, &key);
	dp_mnid_unlink(dp, ref);
	path_unuse(dp, &r->down);
	path_unuse(dp, &r->up);
	also_unuse(dp, r->also_from);
	dp_access_put(dp, r->access);
	set_mode(dp, r, DP_FORWARD);
	free(r->kept);
	memset(r, 0, sizeof(*r));
	dp_fifo_give(&dp->halves.free, ref);
	dp_mnid_settle(dp, &key);
	free(b);
}

int dp_session_move(struct dp_bpf *dp, dp_ref ref, const struct dp_path *down)
{
	struct dp_half_rec *r = dp_half_at(dp, ref);
	uint32_t access = 0, old_access;
	struct dp_path old;

	if (!r || !path_ok(dp, down))
		return -ENOENT;
	if (on_link(down)) {
		access = dp_access_get(dp, down->ifindex);
		if (!access)
			return -ENOENT;
	}
	old = r->down;
	old_access = r->access;
	r->down = *down;
	r->access = access;
	path_use(dp, &r->down);
	dp_compose(dp, ref);
	dp_keep_store(dp, ref, DP_KEEP_SAME);
	path_unuse(dp, &old);
	dp_access_put(dp, old_access);
	return 0;
}

int dp_session_mode(struct dp_bpf *dp, dp_ref ref, enum dp_mode mode)
{
	struct dp_half_rec *r = dp_half_at(dp, ref);

	if (!r)
		return -ENOENT;
	if (mode == DP_BUFFER && r->mode != DP_BUFFER) {
		int err = r->half == DP_ACCESS ? dp_buffer_prepare(dp, &r->kept) : -EINVAL;

		if (err)
			return err;
	}
	set_mode(dp, r, mode);
	dp_compose(dp, ref);
	dp_keep_store(dp, ref, DP_KEEP_SAME);
	return 0;
}

/* ---- looking */

int dp_session_key(const struct dp_bpf *dp, dp_ref ref, uint32_t *key)
{
	const struct dp_half_rec *r = dp_half_at(dp, ref);

	if (!r || !r->key)
		return -ENOENT;
	*key = r->key;
	return 0;
}

int dp_session_stats(const struct dp_bpf *dp, dp_ref ref, struct dp_stats *out)
{
	const struct dp_half_rec *r = dp_half_at(dp, ref);
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

int dp_session_buffered(struct dp_bpf *dp, dp_ref ref, struct dp_buffered *out)
{
	const struct dp_half_rec *r = dp_half_at(dp, ref);
	nsec_t oldest = 0;
	bool draining = false;

	if (!r)
		return -ENOENT;
	for (unsigned i = 0; r->kept && i < r->body->n; i++)
		dp_buffer_look(dp, r->body->slot[i], &oldest, &draining);
	*out = r->kept ? *r->kept : (struct dp_buffered){0};
	out->oldest = oldest;
	out->draining = draining;
	if (dp->buffers.queue) {
		out->max_packets = dp->cfg.buffer.node_packets;
		out->max_octets = dp->cfg.buffer.node_octets;
	}
	return 0;
}

void dp_session_walk(const struct dp_bpf *dp, const struct dp_walk *w, bool unclaimed)
{
	for (dp_ref ref = 1; w->session && ref < dp->halves.n; ref++) {
		const struct dp_half_rec *r = &dp->halves.rec[ref];
		struct prefix6 prefix[DP_PREFIXES_MAX];
		struct dp_session s;

		if (!r->body || (unclaimed && !r->unclaimed))
			continue;
		s = (struct dp_session){
			.half = r->half,
			.mnid = {r->body->subtype, r->body->id_len, dp_body_id(r->body)},
			.prefixes = prefix,
			.domain = r->domain,
			.keyed = r->key,
			.down = r->down,
			.up = r->up,
			.also_from = r->also_from,
			.mode = r->mode,
			.local_routing = r->local_routing,
		};
		for (unsigned i = 0; i < r->body->n; i++) {
			const struct dp_owner *o = &dp->slots.slot[r->body->slot[i]].of;

			if (dp_owner_is_prefix(o))
				prefix[s.n_prefixes++] = dp_owner_to_prefix(o);
			else if (dp_owner_is_addr4(o))
				s.addr4 = dp_owner_to_addr4(o);
		}
		w->session(w->ctx, ref, &s);
	}
}

uint32_t dp_session_slot(const struct dp_bpf *dp, dp_ref ref)
{
	const struct dp_half_rec *r = dp_half_at(dp, ref);

	return r && r->body->n ? r->body->slot[0] : 0;
}
