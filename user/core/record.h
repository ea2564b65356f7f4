/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a binding is written down as, so that it comes back when the LMA starts again: everything
 * of RFC 5213 5.1, RFC 5844 3.1.1 and RFC 5845 5.1 that a restart must not lose.
 *
 * A record is octets in network order behind a version octet; docs/store.md has the layout. There
 * is one way to write a binding down, and the reader takes no other. Times are of the wall clock,
 * since a monotonic one means nothing after a restart. The store guards the octets with a checksum;
 * the reader trusts neither it nor the disk.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "core/dataplane.h"
#include "core/home4.h"
#include "wire/mh.h"

#define RECORD_BINDING_VERSION 1
#define RECORD_BINDING_MAX     1024 /* octets */

enum record_state {
	RECORD_ACTIVE = 1,   /* `deadline` ends the lifetime */
	RECORD_DEREGISTERED, /* `deadline` ends MinDelayBeforeBCEDelete */
};

struct record_binding {
	enum record_state state;
	struct mnid mnid; /* borrowed, at both ends */
	struct llid llid; /* borrowed; length 0: none */
	unsigned n_prefixes;
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	struct home4 home4; /* all zero: none */
	struct in6_addr proxy_coa;
	struct in6_addr lmaa;
	struct in6_addr link_local;
	uint64_t deadline;    /* ns since 1970-01-01 UTC */
	uint64_t timestamp;   /* of the last accepted registration, in option format */
	uint64_t node_newest; /* newest accepted in any session of the node, RFC 5213 5.5 */
	uint32_t lifetime_s;  /* granted */
	uint32_t handovers;
	uint32_t down_key; /* the MAG's GRE key */
	uint32_t up_key;   /* ours, which is the session's for life; 0: none */
	uint16_t seq;
	uint16_t port; /* UDP source port of the registration */
	uint8_t encap; /* enum dp_encap */
	uint8_t att;
	bool keyed;
	bool proxy;
};

/* Returns the length, or 0 for what cannot be written down: no identifier, no address, a field
 * out of its range, or more than `cap` octets. */
size_t record_binding_write(const struct record_binding *b, uint8_t *buf, size_t cap);

/* `out` borrows from the octets. 0; -EPROTONOSUPPORT: of another version; -EBADMSG: not one that
 * record_binding_write() makes. */
int record_binding_read(struct record_binding *out, const uint8_t *data, size_t len);
