/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DHCPv4 relay agent of a MAG (RFC 5844 3.4.2; RFC 1542 4; RFC 3046; RFC 3527; RFC 5010; RFC
 * 5107). Pure logic: octets in, octets out.
 *
 * Servers see the relay address as giaddr and answer to it. What they need to know besides is in
 * the relay agent information option:
 *
 *	circuit-id (1)		"INTERFACE/LINK-LAYER-ADDRESS": names the session, can be read
 *	remote-id (2)		the IPv4 home address, four octets: what the server is to assign
 *	link selection (5)	the home network: which subnet to choose from
 *	flags (10)		whether the client sent by unicast
 *	server-id override (11)	the node's default router, the same at every MAG: where the client
 *				renews, so that we stay on the way
 *
 * A node is relayed while it has an IPv4 home address. A REQUEST for any other address is dropped.
 * A reply is believed from a configured server alone, and delivered when its circuit-id names a
 * served node, it answers that node's last request, and what it assigns is the home address; the
 * option is taken out. As every server goes by the same identifier towards the client, the one
 * whose offer came first is the one that the client's choice is relayed to.
 */
#pragma once

#include "access/dhcp4.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/nsec.h"
#include "core/home4.h"
#include "mag/link.h"

#define DHCP4_SERVERS_MAX 8

/* (SYMBOL, "name", "help"): what became of a relayed message. */
#define DHCP4_RELAY_FATES(X)                                                                       \
	X(DHCP4_RELAYED, "relayed", "messages of nodes relayed to servers")                        \
	X(DHCP4_RELAY_NO_SERVER, "no_server", "message of a node, but no server is configured")    \
	X(DHCP4_RELAY_ADDRESS, "foreign_address",                                                  \
	  "REQUEST, RELEASE or DECLINE about an address not the node's, dropped")                  \
	X(DHCP4_RELAY_TOO_LONG, "too_long", "message without room for the agent's option")         \
	X(DHCP4_DELIVERED, "delivered", "messages of servers delivered to nodes")                  \
	X(DHCP4_REPLY_SERVER, "reply_foreign_server", "from an address that is no server's")       \
	X(DHCP4_REPLY_MALFORMED, "reply_malformed", "no well-formed message of a server")          \
	X(DHCP4_REPLY_GIADDR, "reply_giaddr", "for another relay agent")                           \
	X(DHCP4_REPLY_AGENT, "reply_agent_option",                                                 \
	  "without our relay agent option, or with one that we did not make")                      \
	X(DHCP4_REPLY_UNSERVED, "reply_unserved", "for a node without IPv4 here")                  \
	X(DHCP4_REPLY_CHADDR, "reply_chaddr", "for another link-layer address than the circuit's") \
	X(DHCP4_REPLY_XID, "reply_xid", "answers none of the node's requests")                     \
	X(DHCP4_REPLY_ADDRESS, "reply_address", "assigns another address than the LMA did")        \
	X(DHCP4_REPLY_SECOND, "reply_second_server", "offer of another server after the first")    \
	X(DHCP4_REPLY_TOO_LONG, "reply_too_long", "longer than the node's link carries")           \
	X(DHCP4_RELAY_SEND_FAILED, "send_failed",                                                  \
	  "messages that could not be sent to a server or node")

#define DHCP4_RELAY_FATE_ENUM(sym, name, help) sym,
enum dhcp4_relay_fate { DHCP4_RELAY_FATES(DHCP4_RELAY_FATE_ENUM) DHCP4_RELAY_FATE_MAX };
const char *dhcp4_relay_fate_name(enum dhcp4_relay_fate f);

/* What is kept of a node as long as it is known; zero-initialised is ready to use. */
struct dhcp4_memory {
	uint32_t xid; /* of its last request */
	bool asked;
	struct in_addr server; /* whose offer it got; 0.0.0.0: none yet */
};

/* A node that is served now. Pointers are valid until the callback that got them returns. */
struct dhcp4_node {
	const char *ifname;
	uint32_t mtu; /* of its link; 0: unknown */
	bool point_to_point;
	struct mac gateway;
	struct home4 home4;
	struct dhcp4_memory *memory;
};

struct dhcp4_relay_ops {
	void *ctx;
	/* False: nobody there has an IPv4 home address and is to be relayed. */
	bool (*find)(void *ctx, const struct link_node *id, struct dhcp4_node *out);
	unsigned (*ifindex)(void *ctx, const char *ifname); /* of an access interface; 0: none */
	int (*to_server)(void *ctx, struct in_addr server, const void *msg, size_t len);
	int (*to_link)(void *ctx, unsigned ifindex, const void *frame, size_t len);
};

struct dhcp4_relay;

int dhcp4_relay_new(struct dhcp4_relay **out, const struct dhcp4_relay_ops *ops); /* copies ops */
void dhcp4_relay_free(struct dhcp4_relay **p);
/* Our address and whom to relay to and believe; n <= DHCP4_SERVERS_MAX, 0: relay nothing. */
void dhcp4_relay_servers(struct dhcp4_relay *r, struct in_addr relay, const struct in_addr *servers,
			 unsigned n);

/* A message of the node `id`, which is `n`. Counts what it returns. */
enum dhcp4_relay_fate dhcp4_relay_request(struct dhcp4_relay *r, const struct link_node *id,
					  const struct dhcp4_node *n, const struct dhcp4_request *q,
					  nsec_t now);
/* A datagram to port 67 of the relay address. */
void dhcp4_relay_reply(struct dhcp4_relay *r, struct in_addr from, const uint8_t *msg, size_t len,
		       nsec_t now);

struct counter_set dhcp4_relay_counters(const struct dhcp4_relay *r);
