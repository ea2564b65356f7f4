/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Session halves.
 *
 * A half (LMA's or MAG's) is a record; its dp_ref is the record's number. Every prefix of it, and
 * its IPv4 home address, has a slot, which the other kind's half with the same one shares. What a
 * slot says follows from the two: see dp_compose.h.
 *
 * The key of a keyed half is the number of its first address's slot, or of a slot of the key's own
 * when it came without addresses. It stays for the half's whole life: a slot of the key's own
 * becomes an alias when addresses come, and the slot of an address that goes becomes one of the
 * key's own. Such a slot belongs to one half only and leads to where that half's first address
 * does.
 */
#pragma once

#include "dataplane/dp_bpf.h"
#include "dataplane/dp_index.h"
#include "dataplane/dp_slots.h"

/* What a half holds of variable size. Slots: of its prefixes, of its IPv4 address, of its key when
 * none of the others serves as that. */
struct dp_body {
	uint8_t subtype, id_len, n;
	uint32_t slot[]; /* [n], then the identifier */
};

#define DP_SLOTS_MAX (DP_PREFIXES_MAX + 2) /* of one half */

static inline uint8_t *dp_body_id(const struct dp_body *b)
{
	return (uint8_t *)(uintptr_t)&b->slot[b->n];
}

struct dp_half_rec {
	struct dp_body *body; /* NULL: the record is free */
	struct dp_path down, up;
	dp_ref also_from;
	struct dp_buffered
		*kept;	  /* NULL until it is in DP_BUFFER; the counts alone are kept here */
	uint32_t access;  /* of `down`, DP_TO_LINK */
	dp_ref mnid_next; /* next half of the same MN-ID */
	uint32_t key;	  /* number of a slot; 0: not keyed */
	uint16_t domain;
	uint8_t half, mode;
	bool local_routing;
	bool unclaimed; /* of an earlier run, and nobody has put it again */
};

struct dp_halves {
	struct dp_half_rec *rec; /* [n]; 0 is not used */
	uint32_t n;
	struct dp_fifo free;
	struct dp_index by_mnid; /* the first half of each MN-ID */
};

int dp_halves_init(struct dp_halves *h, const struct dp_maps *maps);
void dp_halves_free(struct dp_halves *h);

/* struct dataplane_ops */
int dp_session_put(struct dp_bpf *dp, const struct dp_session *s, dp_ref *ref);
void dp_session_del(struct dp_bpf *dp, dp_ref ref);
int dp_session_move(struct dp_bpf *dp, dp_ref ref, const struct dp_path *down);
int dp_session_mode(struct dp_bpf *dp, dp_ref ref, enum dp_mode mode);
int dp_session_key(const struct dp_bpf *dp, dp_ref ref, uint32_t *key);
int dp_session_stats(const struct dp_bpf *dp, dp_ref ref, struct dp_stats *out);
int dp_session_buffered(struct dp_bpf *dp, dp_ref ref, struct dp_buffered *out);
/* All halves, or those that nobody has claimed. */
void dp_session_walk(const struct dp_bpf *dp, const struct dp_walk *w, bool unclaimed);

/* Slot of the first address, or of the key; 0 for a bad reference or a session without either. */
uint32_t dp_session_slot(const struct dp_bpf *dp, dp_ref ref);
