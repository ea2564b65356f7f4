/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DHCPv4 server of a MAG (RFC 5844 3.4.1, 3.4.3; RFC 2131; RFC 6842; RFC 4039). Pure logic:
 * a node's message and what the LMA assigned to the node in, a frame out.
 *
 * The server has no leases of its own: the LMA's assignment is the lease database, and the MAG
 * knows one address per node. It offers and acknowledges that address and refuses every other. A
 * lease is bounded by the binding's granted lifetime; the MAG extends the binding for as long as
 * the node is there, the client renews its lease at half time.
 *
 * The server identifier is the node's default router or one address for the domain, hence the same
 * on every MAG: a client that renews after it moved, knowing nothing of it, is answered by the MAG
 * at hand.
 *
 * Where a reply goes (RFC 2131 4.1): to ciaddr, else to 255.255.255.255 where the client set the
 * broadcast flag, else to yiaddr; a NAK always to 255.255.255.255. On a shared link the frame goes
 * to the node's own link-layer address all the same, so that no other node sees it (as RFC 6085
 * has it for IPv6 multicast); hosts take it, as the IP destination is what they compare. On a
 * point-to-point link what IP broadcasts is an Ethernet broadcast too.
 */
#pragma once

#include "access/dhcp4.h"
#include "core/home4.h"
#include "core/profile.h"

/* (SYMBOL, "name", "help"): what became of a node's well-formed message at the server. */
#define DHCP4_FATES(X)                                                                        \
	X(DHCP4_OFFERED, "offered", "DISCOVER answered by OFFER")                             \
	X(DHCP4_ACKED_RAPID, "acked_rapid_commit", "DISCOVER answered by ACK (RFC 4039)")     \
	X(DHCP4_ACKED_SELECTING, "acked_selecting", "REQUEST after an offer, ACK")            \
	X(DHCP4_ACKED_REBOOT, "acked_init_reboot", "REQUEST to verify an address, ACK")       \
	X(DHCP4_ACKED_RENEWING, "acked_renewing", "REQUEST to renew, ACK")                    \
	X(DHCP4_ACKED_REBINDING, "acked_rebinding", "REQUEST to rebind, ACK")                 \
	X(DHCP4_ACKED_INFORM, "acked_inform", "INFORM, ACK")                                  \
	X(DHCP4_NAKED_ADDRESS, "naked_address", "REQUEST for an address not the node's, NAK") \
	X(DHCP4_NAKED_NO_IPV4, "naked_no_ipv4",                                               \
	  "REQUEST of a node that got no IPv4 home address, NAK")                             \
	X(DHCP4_RELEASED, "released", "RELEASE of the node's address")                        \
	X(DHCP4_DECLINED, "declined", "DECLINE of the node's address")                        \
	X(DHCP4_FOREIGN_ADDRESS, "foreign_address",                                           \
	  "RELEASE, DECLINE or INFORM about an address not the node's, ignored")              \
	X(DHCP4_OTHER_SERVER, "other_server", "names another server, ignored")                \
	X(DHCP4_OTHER_DESTINATION, "other_destination", "sent to another server, ignored")    \
	X(DHCP4_NO_ADDRESS, "no_address", "REQUEST that names no address, ignored")           \
	X(DHCP4_HELD, "held", "messages that wait for the node's IPv4 home address")          \
	X(DHCP4_REPLACED, "held_replaced", "of these, replaced by a later one")               \
	X(DHCP4_EXPIRED, "held_expired", "of these, given up")                                \
	X(DHCP4_HOLD_FULL, "hold_full", "messages dropped, too many are waiting")             \
	X(DHCP4_UNSERVED, "unserved", "messages of nodes that are not served, ignored")       \
	X(DHCP4_NO_IPV4, "no_ipv4", "RELEASE or DECLINE of a node without IPv4, ignored")     \
	X(DHCP4_RATE_LIMITED, "rate_limited", "messages of a node over its rate")             \
	X(DHCP4_SEND_FAILED, "send_failed", "replies that could not be sent")

#define DHCP4_FATE_ENUM(sym, name, help) sym,
enum dhcp4_fate { DHCP4_FATES(DHCP4_FATE_ENUM) DHCP4_FATE_MAX };
const char *dhcp4_fate_name(enum dhcp4_fate f);

/* What a node may be told. */
struct dhcp4_terms {
	struct home4 home4;
	struct in_addr server_id;
	uint32_t lease_s;
	uint16_t mtu;
	const struct in_addr *dns;
	unsigned n_dns;
	struct mac gateway; /* Ethernet source of replies */
	bool point_to_point;
};

/* What a REQUEST is about, by the state that its sender is in (RFC 2131 4.3.2). */
enum dhcp4_state { DHCP4_SELECTING, DHCP4_INIT_REBOOT, DHCP4_RENEWING, DHCP4_REBINDING };
enum dhcp4_state dhcp4_state_of(const struct dhcp4_request *q);

/* Judges a message of a node that has an address. *len is the length of the reply frame written to
 * `frame` (cap >= DHCP4_FRAME_MAX), 0 where none is due. */
enum dhcp4_fate dhcp4_server_answer(const struct dhcp4_request *q, const struct dhcp4_terms *t,
				    uint8_t *frame, size_t cap, size_t *len);
/* A NAK for a node without an address; of `t` the server identifier and the link are used. Returns
 * the length of the frame. */
size_t dhcp4_server_nak(const struct dhcp4_request *q, const struct dhcp4_terms *t, uint8_t *frame,
			size_t cap);
