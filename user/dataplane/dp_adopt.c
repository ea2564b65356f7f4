/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_adopt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/log.h"
#include "dataplane/dp_compose.h"
#include "dataplane/dp_keep.h"
#include "dataplane/dp_mnid.h"
#include "dataplane/dp_state.h"

/* ---- session halves */

static bool path_sane(const struct dp_bpf *dp, const struct dp_path *p)
{
	return p->kind != DP_TO_PEER || (p->peer && p->peer < dp->maps.n_tunnels);
}

/* Can what is kept be true, besides what has been adopted so far? */
static bool sane(const struct dp_bpf *dp, const struct dp_kept *k)
{
	const struct dp_half_rec *r = &k->rec;
	bool key = !r->key;

	if (r->also_from >= dp->maps.n_tunnels || !path_sane(dp, &r->down) ||
	    !path_sane(dp, &r->up) || (r->key && !k->n))
		return false;
	for (unsigned i = 0; i < k->n; i++) {
		struct dp_owner of;

		if (!dp_slots_read(&dp->slots, k->slot[i], &of) ||
		    dp->slots.slot[k->slot[i]].owner[r->half])
			return false;
		for (unsigned j = 0; j < i; j++) {
			if (k->slot[j] == k->slot[i])
				return false;
		}
		key |= k->slot[i] == r->key;
	}
	return key;
}

static int adopt_half(struct dp_bpf *dp, dp_ref ref, const struct dp_kept *k)
{
	struct dp_half_rec *r = &dp->halves.rec[ref];
	struct dp_body *b = malloc(sizeof(*b) + k->n * sizeof(b->slot[0]) + k->id_len);

	if (!b)
		return -ENOMEM;
	*r = k->rec;
	if (r->mode == DP_BUFFER) {
		/* it goes on; what was kept is lost */
		r->kept = calloc(1, sizeof(*r->kept));
		if (!r->kept) {
			free(b);
			return -ENOMEM;
		}
		dp->buffers.counter[COUNT_DP_BUFFER_C_SESSIONS] = ++dp->buffers.sessions;
	}
	r->body = b;
	r->unclaimed = true;
	b->n = k->n;
	b->subtype = k->subtype;
	b->id_len = k->id_len;
	memcpy(b->slot, k->slot, k->n * sizeof(b->slot[0]));
	memcpy(dp_body_id(b), k->id, k->id_len);
	for (unsigned i = 0; i < k->n; i++)
		dp_slots_adopt(&dp->slots, k->slot[i], r->half, ref);
	if (r->down.kind == DP_TO_PEER)
		dp_peer_use(dp, r->down.peer);
	if (r->up.kind == DP_TO_PEER)
		dp_peer_use(dp, r->up.peer);
	if (r->also_from)
		dp_peer_use(dp, r->also_from);
	dp_mnid_link(&dp->halves, ref);
	dp->adopted.halves++;
	return 0;
}

static int adopt_halves(struct dp_bpf *dp)
{
	uint32_t lost = 0;

	for (dp_ref ref = 1; ref < dp->halves.n; ref++) {
		struct dp_kept k;
		bool ok;
		int err;

		if (!dp->maps.half[ref].head)
			continue;
		ok = dp_keep_read(dp, ref, &k) && sane(dp, &k);
		if (ok && k.rec.down.kind == DP_TO_LINK)
			ok = dp_access_adopt(dp, k.rec.down.ifindex, k.rec.access);
		if (!ok) {
			lost++;
			dp_keep_drop(dp, ref);
			continue;
		}
		err = adopt_half(dp, ref, &k);
		if (err)
			return err;
	}
	for (uint32_t n = dp->halves.free.n; n; n--) {
		dp_ref ref = dp_fifo_take(&dp->halves.free);

		if (!dp->halves.rec[ref].body)
			dp_fifo_give(&dp->halves.free, ref);
	}
	if (lost)
		log_msg(LOG_C_LOCAL, "dataplane: %u sessions of an earlier run make no sense",
			lost);
	return 0;
}

#define BATCH 256

/* Elements of pm_mnid, many with one call. */
struct mnids {
	struct pm_mnid_key key[BATCH];
	uint32_t slot[BATCH];
	struct pm_mnid_key wrong[BATCH];
	unsigned n_wrong;
	bool seen[]; /* [halves] */
};

static void settle_wrong(struct dp_bpf *dp, struct mnids *x)
{
	while (x->n_wrong)
		dp_mnid_settle(dp, &x->wrong[--x->n_wrong]);
}

static void look_at(struct dp_bpf *dp, struct mnids *x, uint32_t n)
{
	dp_mnid_fetch(&dp->halves, x->key, n);
	for (uint32_t i = 0; i < n; i++) {
		const dp_ref first = dp_mnid_first(&dp->halves, &x->key[i]);
		const struct dp_body *b = first ? dp->halves.rec[first].body : NULL;

		if (first)
			x->seen[first] = true;
		if (!b || !b->n || x->slot[i] != b->slot[0])
			x->wrong[x->n_wrong++] = x->key[i];
	}
}

static int walk_mnids(struct dp_bpf *dp, struct mnids *x)
{
	const int map = dp->maps.fd[DP_MAP_MNID];
	uint32_t at, *from = NULL;
	bool more = true;

	while (more) {
		uint32_t n = BATCH;

		more = bpf_map_lookup_batch(map, from, &at, x->key, x->slot, &n, NULL) == 0;
		if (!more && errno != ENOENT) /* a full bucket of more than BATCH: cannot be */
			return -errno;
		from = &at;
		look_at(dp, x, n);
		if (x->n_wrong)
			settle_wrong(dp, x);
	}
	return 0;
}

/* pm_mnid, for inspection: what it leads to must be there. */
static int settle_mnids(struct dp_bpf *dp)
{
	struct mnids *x = calloc(1, sizeof(*x) + dp->halves.n * sizeof(x->seen[0]));
	struct pm_mnid_key key;
	int err;

	if (!x)
		return -ENOMEM;
	err = walk_mnids(dp, x);
	for (dp_ref ref = 1; !err && ref < dp->halves.n; ref++) {
		const struct dp_body *b = dp->halves.rec[ref].body;

		if (!b || !b->n || x->seen[ref])
			continue;
		dp_mnid_key(b, &key);
		if (dp_mnid_first(&dp->halves, &key) == ref)
			dp_mnid_settle(dp, &key);
	}
	free(x);
	return err;
}

/* Elements of pm_more. */
struct mores {
	uint32_t key[BATCH];
	struct pm_more body[BATCH];
	uint32_t stray[BATCH];
};

/* pm_more: a body that was laid down for a half that its daemon did not live to store, or to drop,
 * is nobody's. */
static int settle_mores(struct dp_bpf *dp)
{
	const int map = dp->maps.fd[DP_MAP_MORE];
	struct mores *x = dp->maps.half ? malloc(sizeof(*x)) : NULL;
	uint32_t at, *from = NULL;
	bool more = true;

	if (!x)
		return dp->maps.half ? -ENOMEM : 0;
	while (more) {
		uint32_t n = BATCH, n_stray = 0;

		more = bpf_map_lookup_batch(map, from, &at, x->key, x->body, &n, NULL) == 0;
		if (!more && errno != ENOENT) {
			int err = -errno;

			free(x);
			return err;
		}
		from = &at;
		for (uint32_t i = 0; i < n; i++) {
			if (!dp_keep_uses(dp, x->key[i]))
				x->stray[n_stray++] = x->key[i];
		}
		while (n_stray)
			bpf_map_delete_elem(map, &x->stray[--n_stray]);
	}
	free(x);
	return 0;
}

int dp_adopt(struct dp_bpf *dp)
{
	int err;

	err = dp_slots_adopt_begin(&dp->slots);
	if (err)
		return err;
	dp_peers_adopt(dp);
	dp_attach_adopt(dp);
	err = adopt_halves(dp);
	if (!err)
		err = dp_slots_adopt_end(&dp->slots);
	if (!err)
		err = settle_mnids(dp);
	if (!err)
		err = settle_mores(dp);
	if (err)
		return err;
	dp_peers_adopted(dp);
	dp_access_adopted(dp);
	dp_compose_all(dp);
	return 0;
}

/* ---- who claims what */

static bool is_of(const struct dp_half_rec *r, const struct mnid *m)
{
	const struct dp_body *b = r->body;

	return b->subtype == m->subtype && b->id_len == m->len &&
	       (!m->len || !memcmp(dp_body_id(b), m->id, m->len));
}

static bool without_address(const struct dp_bpf *dp, const struct dp_body *b)
{
	return !b->n || (b->n == 1 && dp_owner_is_key(&dp->slots.slot[b->slot[0]].of));
}

static dp_ref owner(const struct dp_bpf *dp, const struct dp_owner *of, enum dp_half half)
{
	uint32_t slot = dp_slot_find(&dp->slots, of);
	dp_ref ref = slot ? dp->slots.slot[slot].owner[half] : 0;

	return ref && dp->halves.rec[ref].unclaimed ? ref : 0;
}

dp_ref dp_adopt_claim(const struct dp_bpf *dp, const struct dp_session *s,
		      const struct dp_owner *of, unsigned n)
{
	const struct dp_half_rec *rec = dp->halves.rec;
	struct pm_mnid_key key;
	dp_ref ref;

	for (unsigned i = 0; i < n; i++) {
		ref = owner(dp, &of[i], s->half);
		if (ref && is_of(&rec[ref], &s->mnid))
			return ref;
	}
	if (n)
		return 0;
	dp_mnid_key_of(s->mnid.id, s->mnid.len, &key);
	for (ref = dp_mnid_first(&dp->halves, &key); ref; ref = rec[ref].mnid_next) {
		if (rec[ref].unclaimed && rec[ref].half == s->half && is_of(&rec[ref], &s->mnid) &&
		    without_address(dp, rec[ref].body))
			return ref;
	}
	return 0;
}

void dp_adopt_yield(struct dp_bpf *dp, enum dp_half half, dp_ref but, const struct dp_owner *of,
		    unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		dp_ref ref = owner(dp, &of[i], half);

		if (ref && ref != but)
			dp_session_del(dp, ref);
	}
}

size_t dp_adopt_sweep(struct dp_bpf *dp)
{
	size_t n = 0;

	for (dp_ref ref = 1; dp->adopted.halves && ref < dp->halves.n; ref++) {
		if (dp->halves.rec[ref].body && dp->halves.rec[ref].unclaimed) {
			dp_session_del(dp, ref);
			n++;
		}
	}
	n += dp_peers_sweep(dp);
	dp_attach_sweep(dp);
	return n;
}
