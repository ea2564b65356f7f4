/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/dp_mnid.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "dataplane/dp_state.h"

bool dp_mnid_same(const struct dp_body *a, const struct dp_body *b)
{
	return a->id_len == b->id_len && a->subtype == b->subtype &&
	       !memcmp(dp_body_id(a), dp_body_id(b), b->id_len);
}

static uint64_t fnv1a(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325ull;

	while (n--)
		h = (h ^ *p++) * 0x100000001b3ull;
	return h;
}

void dp_mnid_key_of(const uint8_t *id, uint8_t len, struct pm_mnid_key *key)
{
	const size_t head = PM_MNID_KEY_LEN - 17;
	char hex[17];

	memset(key, 0, sizeof(*key));
	if (len <= PM_MNID_KEY_LEN) {
		if (len)
			memcpy(key->id, id, len);
		return;
	}
	memcpy(key->id, id, head);
	key->id[head] = '~';
	snprintf(hex, sizeof(hex), "%016" PRIx64, fnv1a(id, len));
	memcpy(key->id + head + 1, hex, 16);
}

void dp_mnid_key(const struct dp_body *b, struct pm_mnid_key *key)
{
	dp_mnid_key_of(dp_body_id(b), b->id_len, key);
}

static uint64_t key_hash(const struct pm_mnid_key *key)
{
	uint64_t h = 0xcbf29ce484222325ull, w;

	for (unsigned i = 0; i < sizeof(key->id); i += sizeof(w)) {
		memcpy(&w, key->id + i, sizeof(w));
		h = dp_hash64(h ^ w);
	}
	return h;
}

uint64_t dp_mnid_hash(const void *ctx, uint32_t ref)
{
	const struct dp_halves *h = ctx;
	struct pm_mnid_key key;

	dp_mnid_key(h->rec[ref].body, &key);
	return key_hash(&key);
}

dp_ref dp_mnid_first(const struct dp_halves *h, const struct pm_mnid_key *key)
{
	dp_ref ref;

	for (uint32_t i = dp_index_first(&h->by_mnid, key_hash(key)); (ref = h->by_mnid.tab[i]);
	     i = dp_index_next(&h->by_mnid, i)) {
		struct pm_mnid_key other;

		dp_mnid_key(h->rec[ref].body, &other);
		if (!memcmp(&other, key, sizeof(other)))
			return ref;
	}
	return 0;
}

#define FETCH_MAX 256u

void dp_mnid_fetch(const struct dp_halves *h, const struct pm_mnid_key *key, unsigned n)
{
	uint32_t at[FETCH_MAX];

	n = n < FETCH_MAX ? n : FETCH_MAX;
	for (unsigned i = 0; i < n; i++) {
		at[i] = dp_index_first(&h->by_mnid, key_hash(&key[i]));
		__builtin_prefetch(&h->by_mnid.tab[at[i]]);
	}
	for (unsigned i = 0; i < n; i++) {
		at[i] = h->by_mnid.tab[at[i]];
		__builtin_prefetch(&h->rec[at[i]].body);
	}
	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(h->rec[at[i]].body);
}

int dp_mnid_write(struct dp_bpf *dp, const struct pm_mnid_key *key, uint32_t slot)
{
	if (bpf_map_update_elem(dp->maps.fd[DP_MAP_MNID], key, &slot, BPF_ANY) < 0)
		return errno == E2BIG ? -ENOSPC : -errno;
	return 0;
}

void dp_mnid_link(struct dp_halves *h, dp_ref ref)
{
	struct pm_mnid_key key;
	dp_ref first;

	dp_mnid_key(h->rec[ref].body, &key);
	first = dp_mnid_first(h, &key);
	if (first)
		dp_index_del(&h->by_mnid, first);
	h->rec[ref].mnid_next = first;
	dp_index_add(&h->by_mnid, ref);
}

void dp_mnid_unlink(struct dp_bpf *dp, dp_ref ref)
{
	struct dp_halves *h = &dp->halves;
	struct dp_half_rec *r = &h->rec[ref];
	struct pm_mnid_key key;
	dp_ref first;

	dp_mnid_key(r->body, &key);
	first = dp_mnid_first(h, &key);
	if (first != ref) {
		while (h->rec[first].mnid_next != ref)
			first = h->rec[first].mnid_next;
		h->rec[first].mnid_next = r->mnid_next;
		return;
	}
	dp_index_del(&h->by_mnid, ref);
	if (r->mnid_next)
		dp_index_add(&h->by_mnid, r->mnid_next);
}

void dp_mnid_settle(struct dp_bpf *dp, const struct pm_mnid_key *key)
{
	dp_ref first = dp_mnid_first(&dp->halves, key);
	const struct dp_body *b = first ? dp->halves.rec[first].body : NULL;

	if (b && b->n)
		dp_mnid_write(dp, key, b->slot[0]);
	else
		bpf_map_delete_elem(dp->maps.fd[DP_MAP_MNID], key);
}
