/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access/dhcp4_relay.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CIRCUIT_MAX 64 /* of a circuit-id: ours are shorter */
#define AGENT_MAX   (CIRCUIT_MAX + 32)
/* A node's message, one hop on. */
#define RELAYED_MAX (DHCP4_MSG_MAX + 2 + AGENT_MAX)
#define HOPS_AT	    3
#define GIADDR_AT   24
#define ETH_IP_UDP  (DHCP4_FRAME_MAX - DHCP4_MSG_MAX)

/* RFC 3046 2.0, RFC 3527 3, RFC 5010 2, RFC 5107 4 */
enum sub_option {
	SUB_CIRCUIT_ID = 1,
	SUB_REMOTE_ID = 2,
	SUB_LINK_SELECTION = 5,
	SUB_FLAGS = 10,
	SUB_SERVER_ID_OVERRIDE = 11,
};
#define FLAG_UNICAST 0x80

static const struct in_addr broadcast = {INADDR_BROADCAST};

struct dhcp4_relay {
	struct dhcp4_relay_ops ops;
	struct in_addr address, servers[DHCP4_SERVERS_MAX];
	unsigned n_servers;
	struct log_limit node_log, server_log;
	uint64_t counter[DHCP4_RELAY_FATE_MAX];
};

static const struct counter_desc counter_desc[] = {DHCP4_RELAY_FATES(COUNTER_DESC)};

static const char *const fate_names[] = {
#define FATE_NAME(sym, name, help) [sym] = name,
	DHCP4_RELAY_FATES(FATE_NAME)};

const char *dhcp4_relay_fate_name(enum dhcp4_relay_fate f)
{
	return (unsigned)f < DHCP4_RELAY_FATE_MAX ? fate_names[f] : "unknown";
}

int dhcp4_relay_new(struct dhcp4_relay **out, const struct dhcp4_relay_ops *ops)
{
	struct dhcp4_relay *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->ops = *ops;
	*out = r;
	return 0;
}

void dhcp4_relay_free(struct dhcp4_relay **p)
{
	free(*p);
	*p = NULL;
}

void dhcp4_relay_servers(struct dhcp4_relay *r, struct in_addr relay, const struct in_addr *servers,
			 unsigned n)
{
	r->address = relay;
	r->n_servers = n < DHCP4_SERVERS_MAX ? n : DHCP4_SERVERS_MAX;
	for (unsigned i = 0; i < r->n_servers; i++)
		r->servers[i] = servers[i];
}

static bool eq(struct in_addr a, struct in_addr b)
{
	return a.s_addr == b.s_addr;
}

static bool is_server(const struct dhcp4_relay *r, struct in_addr a)
{
	for (unsigned i = 0; i < r->n_servers; i++)
		if (eq(r->servers[i], a))
			return true;
	return false;
}

/* ---- the agent's option */

static size_t make_circuit(char buf[CIRCUIT_MAX], const char *ifname, const struct mac *mac)
{
	char text[MAC_STRLEN];
	const int n = snprintf(buf, CIRCUIT_MAX, "%s/%s", ifname, mac_str(mac, text));

	return n < CIRCUIT_MAX ? (size_t)n : CIRCUIT_MAX - 1;
}

static void put_sub(struct wr *w, uint8_t code, const void *data, size_t len)
{
	wr_u8(w, code);
	wr_u8(w, (uint8_t)len);
	wr_bytes(w, data, len);
}

static size_t make_agent(uint8_t buf[AGENT_MAX], const struct link_node *id,
			 const struct dhcp4_node *n, const struct dhcp4_request *q)
{
	const struct in_addr network = {n->home4.addr.s_addr & prefix4_mask(n->home4.len).s_addr};
	const uint8_t flags = eq(q->dst, broadcast) ? 0 : FLAG_UNICAST;
	char circuit[CIRCUIT_MAX];
	struct wr w;

	wr_init(&w, buf, AGENT_MAX);
	put_sub(&w, SUB_CIRCUIT_ID, circuit, make_circuit(circuit, n->ifname, &id->mac));
	put_sub(&w, SUB_REMOTE_ID, &n->home4.addr, sizeof(n->home4.addr));
	put_sub(&w, SUB_LINK_SELECTION, &network, sizeof(network));
	put_sub(&w, SUB_FLAGS, &flags, sizeof(flags));
	if (n->home4.router.s_addr)
		put_sub(&w, SUB_SERVER_ID_OVERRIDE, &n->home4.router, sizeof(n->home4.router));
	return wr_len(&w);
}

/* Whom the option names; false unless its circuit-id is exactly what make_circuit() makes of
 * somebody. */
static bool read_agent(const struct dhcp4_relay *r, const struct dhcp4_octets *agent,
		       struct link_node *id)
{
	char text[CIRCUIT_MAX] = "", again[CIRCUIT_MAX];
	struct mac mac;
	size_t len = 0;
	struct rd rd;
	char *slash;

	rd_init(&rd, agent->b, agent->len);
	while (rd_left(&rd)) {
		const uint8_t code = rd_u8(&rd);
		const uint8_t body_len = rd_u8(&rd);
		struct rd body = rd_sub(&rd, body_len);

		if (rd_bad(&rd))
			return false;
		if (code != SUB_CIRCUIT_ID)
			continue;
		if (len || !body_len || body_len >= sizeof(text))
			return false;
		len = body_len;
		rd_copy(&body, text, len);
		text[len] = '\0';
	}
	slash = strchr(text, '/');
	if (!slash || slash - text >= IFNAMSIZ || mac_parse(slash + 1, &mac))
		return false;
	*slash = '\0';
	if (make_circuit(again, text, &mac) != len)
		return false;
	*slash = '/';
	if (memcmp(again, text, len) != 0)
		return false;
	*slash = '\0';
	*id = (struct link_node){.ifindex = r->ops.ifindex(r->ops.ctx, text), .mac = mac};
	return id->ifindex;
}

/* ---- node to servers */

/* RFC 5844 3.4.2: is the node negotiating the address that the LMA gave it? */
static bool address_fits(const struct dhcp4_request *q, const struct home4 *home)
{
	const struct in_addr wanted = q->m.requested, current = q->m.head.ciaddr;

	switch (q->m.type) {
	case DHCP4_REQUEST:
	case DHCP4_RELEASE:
	case DHCP4_DECLINE:
		return (wanted.s_addr || current.s_addr) &&
		       (!wanted.s_addr || eq(wanted, home->addr)) &&
		       (!current.s_addr || eq(current, home->addr));
	default: /* a wish, or none */
		return true;
	}
}

static unsigned send_to_servers(struct dhcp4_relay *r, const struct dhcp4_node *n,
				const struct dhcp4_request *q, const uint8_t *msg, size_t len)
{
	/* The choice of an offer, and what a client sends to the server that it has, concerns one:
	 * the others know nothing of the lease and would refuse it. */
	const bool one = eq(q->m.server_id, n->home4.router) || !eq(q->dst, broadcast);
	const bool chosen = one && q->m.type != DHCP4_DISCOVER && is_server(r, n->memory->server);
	unsigned sent = 0;

	for (unsigned i = 0; i < r->n_servers; i++)
		if ((!chosen || eq(r->servers[i], n->memory->server)) &&
		    r->ops.to_server(r->ops.ctx, r->servers[i], msg, len) == 0)
			sent++;
	return sent;
}

static enum dhcp4_relay_fate relay(struct dhcp4_relay *r, const struct link_node *id,
				   const struct dhcp4_node *n, const struct dhcp4_request *q)
{
	uint8_t buf[RELAYED_MAX], agent[AGENT_MAX];
	struct wr w;
	int options;

	if (!r->n_servers)
		return DHCP4_RELAY_NO_SERVER;
	if (!address_fits(q, &n->home4))
		return DHCP4_RELAY_ADDRESS;
	/* RFC 3046 2.1: the agent's option comes last */
	options = dhcp4_copy_options(buf + DHCP4_HEAD_LEN, sizeof(buf) - DHCP4_HEAD_LEN, q->msg,
				     q->len);
	if (options < 0)
		return DHCP4_RELAY_TOO_LONG;
	memcpy(buf, q->msg, DHCP4_HEAD_LEN);
	buf[HOPS_AT]++;
	memcpy(buf + GIADDR_AT, &r->address, sizeof(r->address));
	wr_init(&w, buf, sizeof(buf));
	w.p += DHCP4_HEAD_LEN + options;
	if (!dhcp4_put_option(&w, DHCP4_OPT_AGENT, agent, make_agent(agent, id, n, q)))
		return DHCP4_RELAY_TOO_LONG;
	dhcp4_put_end(&w);
	if (!n->memory->asked || n->memory->xid != q->m.head.xid) {
		n->memory->xid = q->m.head.xid;
		if (q->m.type == DHCP4_DISCOVER)
			n->memory->server.s_addr = 0;
	}
	n->memory->asked = true;
	return send_to_servers(r, n, q, buf, wr_len(&w)) ? DHCP4_RELAYED : DHCP4_RELAY_SEND_FAILED;
}

enum dhcp4_relay_fate dhcp4_relay_request(struct dhcp4_relay *r, const struct link_node *id,
					  const struct dhcp4_node *n, const struct dhcp4_request *q,
					  nsec_t now)
{
	const enum dhcp4_relay_fate fate = relay(r, id, n, q);
	char mac[MAC_STRLEN];

	r->counter[fate]++;
	if (fate != DHCP4_RELAYED)
		log_limited(&r->node_log, now,
			    fate == DHCP4_RELAY_SEND_FAILED ? LOG_C_LOCAL : LOG_C_REMOTE,
			    "dhcpv4[%s %s] %s not relayed: %s", n->ifname, mac_str(&id->mac, mac),
			    dhcp4_type_name(q->m.type), dhcp4_relay_fate_name(fate));
	return fate;
}

/* ---- server to node */

static enum dhcp4_relay_fate judge_reply(const struct dhcp4_relay *r, const struct dhcp4_msg *m,
					 const struct link_node *id, const struct dhcp4_node *n,
					 struct in_addr from)
{
	if (!mac_eq(&m->head.chaddr, &id->mac))
		return DHCP4_REPLY_CHADDR;
	if (!n->memory->asked || m->head.xid != n->memory->xid)
		return DHCP4_REPLY_XID;
	/* An answer to INFORM assigns nothing. */
	if (m->type != DHCP4_NAK && !eq(m->head.yiaddr, n->home4.addr) &&
	    !(m->type == DHCP4_ACK && !m->head.yiaddr.s_addr && eq(m->head.ciaddr, n->home4.addr)))
		return DHCP4_REPLY_ADDRESS;
	if (m->type == DHCP4_OFFER && is_server(r, n->memory->server) &&
	    !eq(n->memory->server, from))
		return DHCP4_REPLY_SECOND;
	return DHCP4_DELIVERED;
}

static enum dhcp4_relay_fate hand_over(struct dhcp4_relay *r, const struct dhcp4_msg *m,
				       const struct link_node *id, const struct dhcp4_node *n,
				       const uint8_t *msg, size_t len)
{
	static const struct mac all = {
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	    };
	uint8_t buf[DHCP4_MSG_MAX], frame[DHCP4_FRAME_MAX];
	struct in_addr dst = m->head.yiaddr;
	struct wr w;
	int n_octets;

	if (len > sizeof(buf))
		return DHCP4_REPLY_TOO_LONG;
	n_octets = dhcp4_copy_options(buf + DHCP4_HEAD_LEN, sizeof(buf) - DHCP4_HEAD_LEN, msg, len);
	if (n_octets < 0)
		return DHCP4_REPLY_TOO_LONG;
	memcpy(buf, msg, DHCP4_HEAD_LEN);
	wr_init(&w, buf, sizeof(buf));
	w.p += DHCP4_HEAD_LEN + n_octets;
	dhcp4_put_end(&w);
	/* RFC 1542 4.1.2, RFC 2131 4.1 */
	if (m->type != DHCP4_NAK && m->head.ciaddr.s_addr)
		dst = m->head.ciaddr;
	else if (m->type == DHCP4_NAK || m->head.flags & DHCP4_BROADCAST)
		dst = broadcast;
	if (wr_bad(&w) || (n->mtu && wr_len(&w) + ETH_IP_UDP - DHCP4_ETH_LEN > n->mtu))
		return DHCP4_REPLY_TOO_LONG;
	n_octets = dhcp4_build_frame(frame, sizeof(frame), &n->gateway,
				     n->point_to_point && eq(dst, broadcast) ? &all : &id->mac,
				     n->home4.router.s_addr ? n->home4.router : r->address, dst,
				     buf, wr_len(&w));
	if (n_octets < 0)
		return DHCP4_REPLY_TOO_LONG;
	return r->ops.to_link(r->ops.ctx, id->ifindex, frame, (size_t)n_octets) == 0
		       ? DHCP4_DELIVERED
		       : DHCP4_RELAY_SEND_FAILED;
}

static enum dhcp4_relay_fate deliver(struct dhcp4_relay *r, struct in_addr from, const uint8_t *msg,
				     size_t len)
{
	enum dhcp4_relay_fate fate;
	struct dhcp4_node n;
	struct link_node id;
	struct dhcp4_msg m;

	if (!is_server(r, from))
		return DHCP4_REPLY_SERVER;
	if (dhcp4_parse(&m, msg, len) != DHCP4_OK || !m.head.reply ||
	    (m.type != DHCP4_OFFER && m.type != DHCP4_ACK && m.type != DHCP4_NAK))
		return DHCP4_REPLY_MALFORMED;
	if (!eq(m.head.giaddr, r->address))
		return DHCP4_REPLY_GIADDR;
	if (!read_agent(r, &m.agent, &id))
		return DHCP4_REPLY_AGENT;
	if (!r->ops.find(r->ops.ctx, &id, &n))
		return DHCP4_REPLY_UNSERVED;
	fate = judge_reply(r, &m, &id, &n, from);
	if (fate == DHCP4_DELIVERED)
		fate = hand_over(r, &m, &id, &n, msg, len);
	if (fate == DHCP4_DELIVERED && m.type != DHCP4_NAK)
		n.memory->server = from;
	return fate;
}

void dhcp4_relay_reply(struct dhcp4_relay *r, struct in_addr from, const uint8_t *msg, size_t len,
		       nsec_t now)
{
	const enum dhcp4_relay_fate fate = deliver(r, from, msg, len);
	const struct in6_addr shown = addr_from_ip4(from);
	char addr[ADDR6_STRLEN];

	r->counter[fate]++;
	if (fate != DHCP4_DELIVERED)
		log_limited(&r->server_log, now,
			    fate == DHCP4_RELAY_SEND_FAILED ? LOG_C_LOCAL : LOG_C_REMOTE,
			    "dhcpv4[%s] message not delivered: %s", addr_str(&shown, addr),
			    dhcp4_relay_fate_name(fate));
}

struct counter_set dhcp4_relay_counters(const struct dhcp4_relay *r)
{
	return (struct counter_set){"dhcpv4_relay", counter_desc, r->counter, DHCP4_RELAY_FATE_MAX};
}
