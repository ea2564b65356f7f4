/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ARP towards mobile nodes (RFC 826, RFC 5227, RFC 5844 3.2.4). Pure functions over bytes.
 *
 * A node's home subnet is shared by many nodes and lies behind the LMA, so the gateway answers for
 * everybody in it, and for the default router, with its own link-layer address. It never answers
 * for the node's own address; a node that claims any other one of that subnet is told that it is in
 * use. Answers go to the asking node alone. Who claims the default router's address on a shared
 * link is heard by all nodes there, so that all are told where it is (RFC 5227 2.4).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "core/home4.h"

#define ARP_FRAME_LEN 42

/* (SYMBOL, "name", "help"): what became of an ARP packet. */
#define ARP_FATES(X)                                                                               \
	X(ARP_OK, "well_formed", "packets that passed every check of form")                        \
	X(ARP_TRUNCATED, "truncated", "frame too short")                                           \
	X(ARP_BAD_ETHER, "bad_ether_source", "Ethernet source is multicast or zero")               \
	X(ARP_BAD_HEADER, "bad_header", "neither Ethernet nor IPv4 addresses, or not their size")  \
	X(ARP_BAD_OPERATION, "bad_operation", "neither request nor reply")                         \
	X(ARP_BAD_SENDER, "bad_sender",                                                            \
	  "sender's link-layer address differs from the Ethernet source")                          \
	X(ARP_BAD_ADDRESS, "bad_address", "sender or target is no unicast address")                \
	X(ARP_NO_IPV4, "no_ipv4",                                                                  \
	  "of nodes without an IPv4 home address, not answered before they have one")              \
	X(ARP_OWN, "own_address", "requests and claims for the node's own address, not answered")  \
	X(ARP_HEARD, "reply", "replies of nodes about their own address")                          \
	X(ARP_FOREIGN_SENDER, "foreign_sender",                                                    \
	  "requests from another address than the node's, not answered")                           \
	X(ARP_OUTSIDE, "outside_subnet",                                                           \
	  "about addresses outside of the node's home subnet, not answered")                       \
	X(ARP_RATE_LIMITED, "rate_limited", "requests of a node over its rate")                    \
	X(ARP_ANSWERED_ROUTER, "answered_router", "requests for the default router answered")      \
	X(ARP_ANSWERED_PROXY, "answered_proxy", "requests for others in the home subnet answered") \
	X(ARP_DEFENDED, "defended", "claims of an address that is not the node's, answered")       \
	X(ARP_SEND_FAILED, "send_failed", "answers that could not be sent")

#define ARP_FATE_ENUM(sym, name, help) sym,
enum arp_fate { ARP_FATES(ARP_FATE_ENUM) ARP_FATE_MAX };
const char *arp_fate_name(enum arp_fate f);

struct arp_msg {
	bool request; /* else a reply */
	struct mac eth_src;
	struct in_addr sender, target;
};

/* The node wants to know whether it may use `target` (RFC 5227 1.1), or says that it does. */
bool arp_is_probe(const struct arp_msg *m);
bool arp_is_announcement(const struct arp_msg *m);

/* Whether the frame's EtherType is ARP, so that arp_parse() is to judge it. */
bool arp_is_arp(const uint8_t *frame, size_t len);
/* `out` is untouched on anything but ARP_OK. */
enum arp_fate arp_parse(struct arp_msg *out, const uint8_t *frame, size_t len);

/* What to do about a packet of a node with that home address (not set: none). An answer is due on
 * ARP_ANSWERED_ROUTER, ARP_ANSWERED_PROXY and ARP_DEFENDED. */
enum arp_fate arp_judge(const struct arp_msg *m, const struct home4 *home);
bool arp_is_answer(enum arp_fate f);

/* All write ARP_FRAME_LEN octets and return that, or -EMSGSIZE. */

/* To the packet's sender: what it asked for, or claimed, is at `gateway`. */
int arp_build_answer(uint8_t *buf, size_t cap, const struct mac *gateway, const struct arp_msg *m);
/* Asks `node`, and nobody else, whether it still has its address. */
int arp_build_probe(uint8_t *buf, size_t cap, const struct mac *gateway, const struct mac *node,
		    const struct home4 *home);
/* Tells everybody on the link that the default router's address is at `gateway`. */
int arp_build_announcement(uint8_t *buf, size_t cap, const struct mac *gateway,
			   struct in_addr router);
