/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is between an outer IP header and the node's packet, for those who handle tunnel packets in
 * user space: RFC 2473, 2784, 2890, 5844 4, 5845 7.2. Nothing here sends or keeps anything.
 */
#pragma once

#include "core/dataplane.h"

#define ENCAP_SHIM_MAX	20
#define ENCAP_DATA_PORT 5437 /* RFC 5844 4 */
#define ENCAP_UDP_HLEN	8

/* Octets of it, the UDP header included. */
size_t encap_len(enum dp_encap e);
bool encap_is_udp(enum dp_encap e);
/* What the outer header calls the payload. */
uint8_t encap_proto(enum dp_encap e, bool inner_v4);

struct encap_inside {
	enum dp_encap encap;
	uint32_t key; /* keyed ones only */
	bool v4;      /* of the inner packet */
	size_t off;   /* of the inner packet */
};

/*
 * Looks into the payload of an outer packet, named `proto` by an outer header of the given family.
 * `have` octets of it are there, `len` there should be (0: unknown, as in a part of it); the
 * lengths of UDP and TLV headers must agree with that, and with each other. False: no
 * encapsulation of ours, or not enough of it is there to tell.
 */
bool encap_look(struct encap_inside *out, bool outer_v4, uint8_t proto, const void *payload,
		size_t have, size_t len);

/* Writes what comes between the outer header and `inner_len` octets of packet, the UDP header with
 * the given source port included, its checksum zero. Returns encap_len(). */
size_t encap_shim(uint8_t buf[ENCAP_SHIM_MAX], enum dp_encap e, bool inner_v4, uint32_t key,
		  uint16_t port, size_t inner_len);
