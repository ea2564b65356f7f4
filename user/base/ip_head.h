/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of an IP packet of either family, as far as tunnels and errors about packets need it.
 * IPv4 addresses are IPv4-mapped.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP4_HLEN 20
#define IP6_HLEN 40

struct ip_head {
	struct in6_addr src, dst;
	uint32_t len;  /* of the packet, by its own header */
	uint32_t hlen; /* octets in front of what `proto` names, extension headers included */
	uint8_t proto; /* behind extension headers */
	uint8_t class; /* traffic class, type of service */
	uint8_t hop_limit;
	bool v4;
	bool df;       /* IPv4: may not be fragmented */
	bool fragment; /* a part of a packet */
	bool later;    /* a part other than the first: `proto` names nothing that is here */
};

/*
 * Reads the header at `buf`, of which `have` octets are there; there may be fewer than `len`, as in
 * a quotation. False: not an IP header, or not all of it and its extension headers is there, or its
 * lengths contradict each other. IPv6 extension headers are skipped up to one that has no length.
 */
bool ip_head_read(struct ip_head *h, const void *buf, size_t have);

/* Writes IP4_HLEN or IP6_HLEN octets: without options or extension headers, not a fragment. `hlen`
 * is not looked at. Returns how many. */
size_t ip_head_write(const struct ip_head *h, void *buf);
