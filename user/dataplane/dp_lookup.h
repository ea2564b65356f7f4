/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lookups of the programs (bpf/lookup.h), made from user space over the same maps: for packets
 * that take the slow path.
 */
#pragma once

#include "dataplane/dp_bpf.h"

/* Slot numbers of primary slots; 0 when there is none. Addresses are IPv4-mapped for IPv4. */
uint32_t dp_lookup_addr(const struct dp_bpf *dp, const struct in6_addr *a, uint16_t domain);
/* By a GRE key that we chose. */
uint32_t dp_lookup_key(const struct dp_bpf *dp, uint32_t key);

/* The keys that our peers chose for this session. */
void dp_lookup_peer_keys(const struct dp_bpf *dp, uint32_t slot, uint32_t *down, uint32_t *up);
