/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract of core/dataplane.h as tests, for whoever implements it. An implementation's test
 * program says how to get one and puts DP_CONTRACT_TESTS among its tests.
 */
#pragma once

#include "core/dataplane.h"
#include "lib/cu.h"

#define DP_CONTRACT_PEERS    6	/* the implementation has room for exactly so many tunnels, */
#define DP_CONTRACT_SESSIONS 32 /* single-prefix session halves of one kind, */
#define DP_CONTRACT_POOL     64 /* and at least so many addresses of pools; */
#define DP_CONTRACT_BUFFERS  8	/* exactly so many sessions may be in DP_BUFFER, */
#define DP_CONTRACT_WAITING  20 /* exactly so many packets of one may wait */

struct dp_contract {
	/* An empty data plane of that size; the same one again after done() is fine. */
	struct dataplane *(*fresh)(void);
	/* The test leaves nothing in it. */
	void (*done)(struct dataplane *dp);
	/* The daemon ends, which leaves the data plane alone, and begins again. */
	struct dataplane *(*again)(struct dataplane *dp);
	/* So many packets come, through the tunnel that session `ref` is served by, for the node
	 * with `prefix`; returns when the data plane has taken all of them in. */
	void (*arrive)(struct dataplane *dp, dp_ref ref, const struct prefix6 *prefix, unsigned n);
	/* Returns when nothing of the session is being handed on any more. */
	void (*settle)(struct dataplane *dp, dp_ref ref);
};

void dp_contract_use(const struct dp_contract *c);

/* Around each test. */
void dp_contract_begin(void);
void dp_contract_end(void);
void dp_contract_again(void);
void dp_contract_arrive(dp_ref ref, const struct prefix6 *prefix, unsigned n);
void dp_contract_settle(dp_ref ref);

void dp_contract_peer_idempotent(void);
void dp_contract_peer_full(void);
void dp_contract_put_walk(void);
void dp_contract_replace(void);
void dp_contract_halves_apart(void);
void dp_contract_prefix_taken(void);
void dp_contract_many_prefixes(void);
void dp_contract_bad_refs(void);
void dp_contract_move_mode(void);
void dp_contract_full(void);
void dp_contract_pool(void);
void dp_contract_random(void);
void dp_contract_encapsulations(void);
void dp_contract_addr4(void);
void dp_contract_domains(void);
void dp_contract_key_for_life(void);
void dp_contract_keyed_or_not(void);
void dp_contract_peer_keys(void);
void dp_contract_bad_addresses(void);
void dp_contract_pool4(void);
void dp_contract_adopts(void);
void dp_contract_claims(void);
void dp_contract_claims_changed(void);
void dp_contract_claims_without_address(void);
void dp_contract_gives_way(void);
void dp_contract_peer_adopted_again(void);
void dp_contract_sweeps(void);
void dp_contract_random_again(void);
void dp_contract_also_from(void);
void dp_contract_buffer_modes(void);
void dp_contract_buffer_full(void);
void dp_contract_buffer_hands_on(void);
void dp_contract_buffer_bounds(void);
void dp_contract_buffer_discards(void);
void dp_contract_buffer_prefixes(void);
void dp_contract_buffer_again(void);

// clang-format off
#define DP_CONTRACT_TESTS                                                                          \
	{"contract: the same peer again is the same peer, deleting none succeeds", dp_contract_peer_idempotent}, \
	{"contract: no room for a peer is ENOSPC and changes nothing", dp_contract_peer_full},     \
	{"contract: walk shows exactly what was put", dp_contract_put_walk},                       \
	{"contract: a put with a reference replaces the content and keeps it", dp_contract_replace}, \
	{"contract: both halves may hold one prefix and go one by one", dp_contract_halves_apart}, \
	{"contract: a prefix of another session is EEXIST and the old content holds", dp_contract_prefix_taken}, \
	{"contract: a session may have several prefixes, gain and lose some", dp_contract_many_prefixes}, \
	{"contract: references that are not there are refused", dp_contract_bad_refs},             \
	{"contract: move and mode change that and nothing else", dp_contract_move_mode},           \
	{"contract: no room for a session is ENOSPC and changes nothing", dp_contract_full},       \
	{"contract: sessions of an announced pool behave like others", dp_contract_pool},          \
	{"contract: every encapsulation is a tunnel of its own, families do not mix", dp_contract_encapsulations}, \
	{"contract: an IPv4 home address belongs to one session until it gives it back", dp_contract_addr4}, \
	{"contract: one IPv4 address in two domains is two addresses, and needs keys", dp_contract_domains}, \
	{"contract: RFC 5845 3.3 a session keeps its key whatever becomes of its addresses", dp_contract_key_for_life}, \
	{"contract: only keyed sessions have keys, and give them back", dp_contract_keyed_or_not}, \
	{"contract: keys of peers come back as they were put", dp_contract_peer_keys},             \
	{"contract: prefixes that no node can have are EINVAL", dp_contract_bad_addresses},         \
	{"contract: IPv4 addresses of an announced pool behave like others", dp_contract_pool4},   \
	{"contract: random calls agree with a model after every one", dp_contract_random},         \
	{"contract: after a restart all is there as it was, and nobody's", dp_contract_adopts},    \
	{"contract: who puts the same again claims it, with its reference and key", dp_contract_claims}, \
	{"contract: who puts something else of the same node changes it in place", dp_contract_claims_changed}, \
	{"contract: a session without an address is claimed by its node", dp_contract_claims_without_address}, \
	{"contract: what nobody claimed gives way to another node with its address", dp_contract_gives_way}, \
	{"contract: a peer deleted while adopted sessions use it is adopted again", dp_contract_peer_adopted_again}, \
	{"contract: sweep removes exactly what nobody claimed", dp_contract_sweeps},               \
	{"contract: random restarts between random calls lose and invent nothing", dp_contract_random_again}, \
	{"contract: an access half may have one more tunnel to hear, an anchor half none", dp_contract_also_from}, \
	{"contract: buffering is a mode of access halves alone", dp_contract_buffer_modes},         \
	{"contract: no room to buffer for one more session is ENOSPC and changes nothing", dp_contract_buffer_full}, \
	{"contract: RFC 5949 4.1 what was kept is handed on where packets go by then", dp_contract_buffer_hands_on}, \
	{"contract: what is more than may wait is dropped, the newest first", dp_contract_buffer_bounds}, \
	{"contract: what was kept is discarded with its session, or when that is to drop", dp_contract_buffer_discards}, \
	{"contract: other addresses do not cost what waits for those that stay", dp_contract_buffer_prefixes}, \
	{"contract: after a restart a session buffers on, without what it had", dp_contract_buffer_again}
// clang-format on
