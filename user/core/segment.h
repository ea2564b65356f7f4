/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One frame that stands for several packets, as the kernel has merged them (GRO) or not yet cut
 * them (GSO), and the packets that it stands for: plain or in the tunnels of encap.h, TCP or UDP.
 * Their checksums, which such a frame leaves to whoever cuts it, are completed. Nothing here sends
 * or keeps anything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_LAYERS 4

struct segments {
	const uint8_t *frame; /* borrowed */
	uint32_t n;
	/* for segment_make() alone */
	uint32_t len, head, each;
	uint32_t end;		     /* of the packet, padding excluded */
	uint32_t at[SEGMENT_LAYERS]; /* of IP headers; the last one is what TCP or UDP belongs to */
	unsigned layers;
	uint32_t udp, tlv; /* of the tunnel's UDP and TLV header; 0: none */
	uint32_t l4;
	uint8_t proto;
	bool unfinished;
};

/*
 * What stands in `frame`, of which `len` octets are there, the IP header at `ip`: one packet, or,
 * with `each`, packets of so many octets of payload. None is to be longer than `most` octets, the
 * `ip` in front of it included: TCP is cut smaller where that is needed (as any router with
 * segmentation offload might), UDP cannot be. 0, or -EMSGSIZE with `out` untouched.
 */
int segments_find(struct segments *out, const void *frame, size_t len, size_t ip, size_t each,
		  size_t most);
size_t segment_len(const struct segments *s, uint32_t i);
/* Writes the `i`th of `s->n` frames, segment_len() octets. */
void segment_make(const struct segments *s, uint32_t i, void *out);
