/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pm_mnid: from a node's identifier to its slot, for inspection. Forwarding never depends on it.
 *
 * An identifier of up to PM_MNID_KEY_LEN octets is its own key, padded with zeros. A longer one
 * becomes its first octets, '~' and the hexadecimal FNV-1a hash of all of it. Several halves may
 * have one identifier: they form a list, and the map names the first slot of its first member.
 */
#pragma once

#include "dataplane/dp_session.h"

/* Both subtype and octets. */
bool dp_mnid_same(const struct dp_body *a, const struct dp_body *b);
void dp_mnid_key(const struct dp_body *b, struct pm_mnid_key *key);
void dp_mnid_key_of(const uint8_t *id, uint8_t len, struct pm_mnid_key *key);
/* The first half of that identifier; 0: none. */
dp_ref dp_mnid_first(const struct dp_halves *h, const struct pm_mnid_key *key);
/* Has what dp_mnid_first() of each will look at come into the caches, all at the same time. */
void dp_mnid_fetch(const struct dp_halves *h, const struct pm_mnid_key *key, unsigned n);
uint64_t dp_mnid_hash(const void *halves, uint32_t ref); /* for struct dp_index */

/* Writes the map. 0, -ENOSPC, or -errno. */
int dp_mnid_write(struct dp_bpf *dp, const struct pm_mnid_key *key, uint32_t slot);
/* The half becomes the first of its identifier; the map is written before. */
void dp_mnid_link(struct dp_halves *h, dp_ref ref);
void dp_mnid_unlink(struct dp_bpf *dp, dp_ref ref);
/* Makes the map say what the lists say, after unlinking or a change of slots. */
void dp_mnid_settle(struct dp_bpf *dp, const struct pm_mnid_key *key);
