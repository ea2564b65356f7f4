/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_keep.h"

#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "dataplane/dp_mnid.h"
#include "dataplane/dp_state.h"

_Static_assert(sizeof(struct pm_half) == 128, "two cache lines");
_Static_assert(DP_SLOTS_MAX * sizeof(uint32_t) + UINT8_MAX <= PM_BODY_MAX, "every body fits");

static uint32_t more_key(dp_ref ref, bool turn)
{
	return 2 * ref + turn;
}

static size_t body_len(const struct dp_body *b)
{
	return b->n * sizeof(b->slot[0]) + b->id_len;
}

static bool same_body(const struct dp_body *a, const struct dp_body *b)
{
	return a->n == b->n && dp_mnid_same(a, b) &&
	       !memcmp(a->slot, b->slot, b->n * sizeof(b->slot[0]));
}

int dp_keep_prepare(struct dp_bpf *dp, dp_ref ref, const struct dp_body *b)
{
	const struct dp_body *is = dp->halves.rec[ref].body;
	struct pm_more more = {0};
	uint32_t key;

	if (!dp->maps.half)
		return DP_KEEP_NONE;
	if (is && same_body(is, b))
		return DP_KEEP_SAME;
	if (!is && body_len(b) <= PM_BODY_HERE)
		return DP_KEEP_HERE;
	key = more_key(ref, !(dp->maps.half[ref].flags & PM_H_MORE_TURN));
	memcpy(more.body, b->slot, body_len(b));
	if (bpf_map_update_elem(dp->maps.fd[DP_MAP_MORE], &key, &more, BPF_ANY) < 0)
		return errno == E2BIG ? -ENOSPC : -errno;
	return DP_KEEP_MORE;
}

static void write_way(struct pm_half_way *w, const struct dp_half_rec *r)
{
	/* that a node has not left yet is not remembered */
	*w = (struct pm_half_way){
		.access = r->down.kind == DP_TO_LINK ? (uint16_t)r->access : 0,
		.down_kind = (uint8_t)r->down.kind,
		.up_kind = (uint8_t)r->up.kind,
		.domain = r->domain,
		.key = r->key,
	};
	if (r->down.kind == DP_TO_PEER) {
		w->down = r->down.peer;
		w->down_key = r->down.key;
	} else if (r->down.kind == DP_TO_LINK) {
		w->down = r->down.ifindex;
		memcpy(w->mac, r->down.mac.b, sizeof(w->mac));
	}
	if (r->up.kind == DP_TO_PEER) {
		w->up = r->up.peer;
		w->up_key = r->up.key;
	}
}

void dp_keep_store(struct dp_bpf *dp, dp_ref ref, enum dp_keep how)
{
	const struct dp_half_rec *r = &dp->halves.rec[ref];
	struct pm_half *h, new;
	uint32_t old_key;
	uint8_t was;

	if (how == DP_KEEP_NONE || !dp->maps.half)
		return;
	h = &dp->maps.half[ref];
	was = h->flags;
	old_key = more_key(ref, was & PM_H_MORE_TURN);
	new.head = 0;
	new.flags = PM_H_VALID | ((was ^ PM_H_TURN) & PM_H_TURN) |
		    (was & (PM_H_MORE | PM_H_MORE_TURN)) |
		    (r->local_routing ? PM_H_LOCAL_ROUTING : 0);
	if (how == DP_KEEP_MORE)
		new.flags = (new.flags | PM_H_MORE) ^ PM_H_MORE_TURN;
	if (how == DP_KEEP_HERE)
		memcpy(h->body, r->body->slot, body_len(r->body));
	new.half = r->half;
	new.mode = r->mode;
	new.slots = r->body->n;
	new.subtype = r->body->subtype;
	new.id_len = r->body->id_len;
	new.also = (uint16_t)r->also_from;
	write_way(&h->way[new.flags &PM_H_TURN ? 1 : 0], r);
	dp_store64(&h->head, new.head);
	if (how == DP_KEEP_MORE && was & PM_H_MORE)
		bpf_map_delete_elem(dp->maps.fd[DP_MAP_MORE], &old_key);
}

void dp_keep_drop(struct dp_bpf *dp, dp_ref ref)
{
	struct pm_half *h;
	uint32_t key;
	bool more;

	if (!dp->maps.half)
		return;
	h = &dp->maps.half[ref];
	more = h->flags & PM_H_MORE;
	key = more_key(ref, h->flags & PM_H_MORE_TURN);
	dp_store64(&h->head, 0);
	if (more)
		bpf_map_delete_elem(dp->maps.fd[DP_MAP_MORE], &key);
}

static bool read_path(struct dp_path *p, uint8_t kind, uint32_t to, uint32_t key,
		      const uint8_t *mac)
{
	memset(p, 0, sizeof(*p));
	if (kind > DP_TO_ROUTE)
		return false;
	p->kind = kind;
	if (p->kind == DP_TO_PEER) {
		p->peer = to;
		p->key = key;
	} else if (p->kind == DP_TO_LINK) {
		p->ifindex = to;
		if (mac)
			memcpy(p->mac.b, mac, sizeof(p->mac.b));
	}
	return true;
}

bool dp_keep_uses(const struct dp_bpf *dp, uint32_t key)
{
	const dp_ref ref = key / 2;
	const uint8_t flags = ref < dp->halves.n ? dp->maps.half[ref].flags : 0;

	return flags & PM_H_MORE && key == more_key(ref, flags & PM_H_MORE_TURN);
}

bool dp_keep_read(const struct dp_bpf *dp, dp_ref ref, struct dp_kept *out)
{
	const struct pm_half *h = &dp->maps.half[ref];
	const struct pm_half_way *w = &h->way[h->flags & PM_H_TURN ? 1 : 0];
	uint32_t key = more_key(ref, h->flags & PM_H_MORE_TURN);
	const uint8_t *body = h->body;
	struct pm_more more;
	size_t slots = h->slots * sizeof(out->slot[0]);

	memset(out, 0, sizeof(*out));
	if (!(h->flags & PM_H_VALID) || h->slots > DP_SLOTS_MAX || h->half > DP_ACCESS ||
	    h->mode > DP_BUFFER || (h->mode == DP_BUFFER && h->half != DP_ACCESS))
		return false;
	if (h->flags & PM_H_MORE) {
		if (bpf_map_lookup_elem(dp->maps.fd[DP_MAP_MORE], &key, &more) < 0)
			return false;
		body = more.body;
	} else if (slots + h->id_len > PM_BODY_HERE) {
		return false;
	}
	out->n = h->slots;
	out->subtype = h->subtype;
	out->id_len = h->id_len;
	memcpy(out->slot, body, slots);
	memcpy(out->id, body + slots, h->id_len);
	out->rec.half = h->half;
	out->rec.mode = h->mode;
	out->rec.local_routing = h->flags & PM_H_LOCAL_ROUTING;
	out->rec.also_from = h->also;
	out->rec.domain = w->domain;
	out->rec.key = w->key;
	out->rec.access = w->access;
	return read_path(&out->rec.down, w->down_kind, w->down, w->down_key, w->mac) &&
	       read_path(&out->rec.up, w->up_kind, w->up, w->up_key, NULL);
}
