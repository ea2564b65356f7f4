/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DHCPv6 relay agent of a MAG (RFC 5213 6.11, RFC 8415 19). Pure logic: octets in, octets out.
 *
 * Nodes are heard through the frames of the access links and not through a UDP socket there: a
 * frame has the sender's link-layer address, which is what a session is found by; the interface is
 * known to be up and served; and what access links may say comes in through one door. In the other
 * direction a frame goes to the node's own link-layer address, so that no other node on the link
 * sees it. Towards the servers there is a UDP socket of the Proxy-CoA (net/dhcp_sock.h).
 *
 * A node is relayed while the MAG advertises a home network prefix to it, that is, has an accepted
 * binding. The link-address is formed from the first of its prefixes and the interface identifier
 * of the gateway's link-local address: the same at every MAG, so that servers find the same link
 * wherever the node is. The Interface-Id is "INTERFACE/LINK-LAYER-ADDRESS"; it names the session,
 * is stable, and can be read in a server's log. RFC 6939's option tells the server the link-layer
 * address as well.
 *
 * A reply is believed from the address of a configured server alone, and delivered when its
 * Interface-Id names a served node, its link-address is that of the node's present session and its
 * peer-address is the one that this node last asked from. So what remembers nothing of a node but
 * its rate and last address is enough, and lies where the node does: struct dhcp6_memory.
 *
 * Messages that a node sends in fragments are not relayed; those of DHCPv6 fit a packet.
 */
#pragma once

#include "access/dhcp6.h"
#include "base/counter.h"
#include "base/nsec.h"
#include "mag/link.h"

#define DHCP6_SERVERS_MAX 8
/* Of each node; beyond it messages are dropped, and clients repeat theirs (RFC 8415 15). */
#define DHCP6_RATE  5  /* per second */
#define DHCP6_BURST 10 /* at once */

/* What is kept of a node as long as it is known; zero-initialised is ready to use. */
struct dhcp6_memory {
	nsec_t spent_until; /* its token bucket */
	struct in6_addr client;
};

/* A node that is served now. Pointers are valid until the callback that got them returns. */
struct dhcp6_node {
	const char *ifname;
	uint32_t mtu; /* of its link; 0: unknown */
	struct mac gateway_mac;
	struct in6_addr gateway_ll;
	struct prefix6 hnp; /* the first one */
	struct dhcp6_memory *memory;
};

struct dhcp6_relay_ops {
	void *ctx;
	/* False: nobody there has a session. */
	bool (*find)(void *ctx, const struct link_node *id, struct dhcp6_node *out);
	unsigned (*ifindex)(void *ctx, const char *ifname); /* of an access interface; 0: none */
	int (*to_server)(void *ctx, const struct in6_addr *server, const void *msg, size_t len);
	int (*to_link)(void *ctx, unsigned ifindex, const void *frame, size_t len);
};

struct dhcp6_relay;

int dhcp6_relay_new(struct dhcp6_relay **out, const struct dhcp6_relay_ops *ops); /* copies ops */
void dhcp6_relay_free(struct dhcp6_relay **p);
/* Whom to relay to, all of them, and whom to believe; n <= DHCP6_SERVERS_MAX, 0: relay nothing. */
void dhcp6_relay_servers(struct dhcp6_relay *r, const struct in6_addr *servers, unsigned n);

/* A frame that dhcp6_is_request() took. */
void dhcp6_relay_frame(struct dhcp6_relay *r, unsigned ifindex, const uint8_t *frame, size_t len,
		       bool csum_partial, nsec_t now);
/* A datagram to our port 547 on the network's side. */
void dhcp6_relay_reply(struct dhcp6_relay *r, const struct in6_addr *from, const uint8_t *msg,
		       size_t len, nsec_t now);

struct counter_set dhcp6_relay_counters(const struct dhcp6_relay *r);
