/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The octets of a DHCPv6 relay agent (RFC 8415 8, 9, 19, 21.10, 21.18; RFC 6939): strict parsing of
 * what a node sends to All_DHCP_Relay_Agents_and_Servers and of what a server answers, construction
 * of what goes to either. Pure functions; parsed messages borrow the buffer they were parsed from.
 *
 * A relayed message is never looked into beyond its header and the bounds of its outermost options,
 * and never changed (RFC 8415 19.2).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define DHCP6_MSG_MAX 1452 /* of a node or for one: what a 1500-octet link carries in one packet \
			    */
#define DHCP6_FORW_MAX	(DHCP6_MSG_MAX + 128)
#define DHCP6_ETH_LEN	14
#define DHCP6_FRAME_MAX (DHCP6_MSG_MAX + DHCP6_ETH_LEN + 40 + 8)
#define DHCP6_IFID_MAX	64 /* of an Interface-Id: ours are shorter */

extern const struct in6_addr dhcp6_all_agents; /* ff02::1:2 */

/* (SYMBOL, "name", "help"): what became of a message. */
#define DHCP6_FATES(X)                                                                            \
	X(DHCP6_OK, "well_formed",                                                                \
	  "messages of nodes and servers that passed every check of form")                        \
	X(DHCP6_RELAYED, "relayed", "messages of nodes relayed to the servers")                   \
	X(DHCP6_NO_SERVER, "no_server", "message of a node, but no server is configured")         \
	X(DHCP6_BAD_ETHER, "bad_ether_source", "Ethernet source is multicast or zero")            \
	X(DHCP6_BAD_HEADER, "bad_header", "IPv6 or UDP header inconsistent, or frame too short")  \
	X(DHCP6_BAD_SOURCE, "bad_ip_source", "source is no link-local address, or the gateway's") \
	X(DHCP6_BAD_CHECKSUM, "bad_checksum", "UDP checksum wrong or missing")                    \
	X(DHCP6_TOO_LONG, "too_long", "message of a node longer than an access link carries")     \
	X(DHCP6_MALFORMED, "malformed", "header cut short, or option beyond the message")         \
	X(DHCP6_FROM_RELAY, "from_relay", "Relay-forward or Relay-reply from an access link")     \
	X(DHCP6_FROM_SERVER, "from_server", "message of a server from an access link")            \
	X(DHCP6_RELAY_OPTION, "relay_option", "message of a node with an option of relay agents") \
	X(DHCP6_UNSERVED, "unserved", "message of a node without a session here")                 \
	X(DHCP6_RATE_LIMITED, "rate_limited", "message of a node over its rate")                  \
	X(DHCP6_DELIVERED, "delivered", "messages of servers delivered to nodes")                 \
	X(DHCP6_FOREIGN_SERVER, "reply_foreign_server", "from an address that is no server's")    \
	X(DHCP6_REPLY_TYPE, "reply_type", "no Relay-reply")                                       \
	X(DHCP6_REPLY_MALFORMED, "reply_malformed",                                               \
	  "Relay-reply cut short, with an option beyond it, or without what must be in it")       \
	X(DHCP6_REPLY_NESTED, "reply_nested", "Relay-reply for a relay agent behind this one")    \
	X(DHCP6_REPLY_INTERFACE, "reply_interface_id", "Interface-Id that is none of ours")       \
	X(DHCP6_REPLY_UNSERVED, "reply_unserved", "for a node without a session here")            \
	X(DHCP6_REPLY_LINK, "reply_link_address", "link-address is not of the node's session")    \
	X(DHCP6_REPLY_PEER, "reply_peer_address", "peer-address did not ask")                     \
	X(DHCP6_REPLY_TOO_LONG, "reply_too_long", "longer than the node's link carries")          \
	X(DHCP6_SEND_FAILED, "send_failed", "messages that could not be sent to a server or node")

#define DHCP6_FATE_ENUM(sym, name, help) sym,
enum dhcp6_fate { DHCP6_FATES(DHCP6_FATE_ENUM) DHCP6_FATE_MAX };
const char *dhcp6_fate_name(enum dhcp6_fate f);

/* A node's message. */
struct dhcp6_request {
	struct mac eth_src;
	struct in6_addr src; /* link-local */
	const uint8_t *msg;
	size_t len;
};

/* Whether a frame goes to UDP port 547 of ff02::1:2, so that dhcp6_parse_request() is to judge it.
 */
bool dhcp6_is_request(const uint8_t *frame, size_t len);
/* `out` is untouched on anything but DHCP6_OK. csum_partial: do not check the checksum. */
enum dhcp6_fate dhcp6_parse_request(struct dhcp6_request *out, const uint8_t *frame, size_t len,
				    bool csum_partial);

/* Relay-forward and Relay-reply. */
struct dhcp6_relay_msg {
	struct in6_addr link, peer;
	const uint8_t *ifid; /* Interface-Id */
	size_t ifid_len;
	const uint8_t *msg; /* Relay Message */
	size_t len;
};

/* A Relay-forward of hop count 0 with Interface-Id, Client Link-Layer Address and Relay Message
 * options. Its length, or -EMSGSIZE. */
int dhcp6_build_forw(uint8_t *buf, size_t cap, const struct dhcp6_relay_msg *m,
		     const struct mac *node);
/* A Relay-reply, the payload of a UDP datagram. */
enum dhcp6_fate dhcp6_parse_reply(struct dhcp6_relay_msg *out, const uint8_t *buf, size_t len);
/* The frame that brings a server's message to a node: from port 547 to port 546. Its length, or
 * -EMSGSIZE. */
int dhcp6_build_frame(uint8_t *buf, size_t cap, const struct mac *eth_src, const struct mac *node,
		      const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *msg,
		      size_t len);
