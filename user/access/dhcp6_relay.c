/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access/dhcp6_relay.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct dhcp6_relay {
	struct dhcp6_relay_ops ops;
	struct in6_addr servers[DHCP6_SERVERS_MAX];
	unsigned n_servers;
	struct log_limit node_log, server_log;
	uint64_t counter[DHCP6_FATE_MAX];
};

static const struct counter_desc counter_desc[] = {DHCP6_FATES(COUNTER_DESC)};

int dhcp6_relay_new(struct dhcp6_relay **out, const struct dhcp6_relay_ops *ops)
{
	struct dhcp6_relay *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->ops = *ops;
	*out = r;
	return 0;
}

void dhcp6_relay_free(struct dhcp6_relay **p)
{
	free(*p);
	*p = NULL;
}

void dhcp6_relay_servers(struct dhcp6_relay *r, const struct in6_addr *servers, unsigned n)
{
	r->n_servers = n < DHCP6_SERVERS_MAX ? n : DHCP6_SERVERS_MAX;
	for (unsigned i = 0; i < r->n_servers; i++)
		r->servers[i] = servers[i];
}

/* The node's first prefix and the gateway's interface identifier (RFC 4862 5.5.3 d). */
static struct in6_addr link_address(const struct dhcp6_node *n)
{
	struct in6_addr a = n->hnp.addr;

	memcpy(&a.s6_addr[8], &n->gateway_ll.s6_addr[8], 8);
	return a;
}

static size_t make_ifid(char buf[DHCP6_IFID_MAX], const char *ifname, const struct mac *mac)
{
	char text[MAC_STRLEN];
	const int n = snprintf(buf, DHCP6_IFID_MAX, "%s/%s", ifname, mac_str(mac, text));

	return n < DHCP6_IFID_MAX ? (size_t)n : DHCP6_IFID_MAX - 1;
}

/* Who that is; false unless it is exactly what make_ifid() makes of somebody. */
static bool read_ifid(const struct dhcp6_relay *r, const struct dhcp6_relay_msg *m,
		      struct link_node *id)
{
	char text[DHCP6_IFID_MAX], again[DHCP6_IFID_MAX];
	struct mac mac;
	char *slash;

	if (m->ifid_len >= sizeof(text))
		return false;
	memcpy(text, m->ifid, m->ifid_len);
	text[m->ifid_len] = '\0';
	slash = strchr(text, '/');
	if (!slash || slash - text >= IFNAMSIZ || mac_parse(slash + 1, &mac))
		return false;
	*slash = '\0';
	if (make_ifid(again, text, &mac) != m->ifid_len || memcmp(again, m->ifid, m->ifid_len) != 0)
		return false;
	*id = (struct link_node){.ifindex = r->ops.ifindex(r->ops.ctx, text), .mac = mac};
	return id->ifindex;
}

static bool take_token(struct dhcp6_memory *m, nsec_t now)
{
	const nsec_t step = NSEC_PER_SEC / DHCP6_RATE;

	if (m->spent_until < now)
		m->spent_until = now;
	if (m->spent_until - now > step * (DHCP6_BURST - 1))
		return false;
	m->spent_until += step;
	return true;
}

/* ---- node to servers */

static enum dhcp6_fate relay(struct dhcp6_relay *r, const struct link_node *id,
			     const struct dhcp6_request *q, nsec_t now)
{
	struct dhcp6_relay_msg m = {.peer = q->src, .msg = q->msg, .len = q->len};
	uint8_t buf[DHCP6_FORW_MAX];
	char ifid[DHCP6_IFID_MAX];
	struct dhcp6_node n;
	unsigned sent = 0;
	int len;

	if (!r->ops.find(r->ops.ctx, id, &n))
		return DHCP6_UNSERVED;
	if (addr6_eq(&q->src, &n.gateway_ll))
		return DHCP6_BAD_SOURCE;
	if (!take_token(n.memory, now))
		return DHCP6_RATE_LIMITED;
	n.memory->client = q->src;
	m.link = link_address(&n);
	m.ifid_len = make_ifid(ifid, n.ifname, &id->mac);
	m.ifid = (const uint8_t *)ifid;
	len = dhcp6_build_forw(buf, sizeof(buf), &m, &id->mac);
	if (len < 0)
		return DHCP6_TOO_LONG;
	for (unsigned i = 0; i < r->n_servers; i++)
		if (r->ops.to_server(r->ops.ctx, &r->servers[i], buf, (size_t)len) == 0)
			sent++;
	return sent ? DHCP6_RELAYED : DHCP6_SEND_FAILED;
}

void dhcp6_relay_frame(struct dhcp6_relay *r, unsigned ifindex, const uint8_t *frame, size_t len,
		       bool csum_partial, nsec_t now)
{
	struct link_node id = {.ifindex = ifindex};
	struct dhcp6_request q;
	enum dhcp6_fate fate;
	char mac[MAC_STRLEN];

	if (!r->n_servers) {
		r->counter[DHCP6_NO_SERVER]++;
		return;
	}
	fate = dhcp6_parse_request(&q, frame, len, csum_partial);
	if (fate == DHCP6_OK) {
		r->counter[DHCP6_OK]++;
		id.mac = q.eth_src;
		fate = relay(r, &id, &q, now);
	} else if (len >= 12) {
		memcpy(id.mac.b, frame + 6, sizeof(id.mac.b));
	}
	r->counter[fate]++;
	if (fate != DHCP6_RELAYED)
		log_limited(&r->node_log, now,
			    fate == DHCP6_SEND_FAILED ? LOG_C_LOCAL : LOG_C_REMOTE,
			    "dhcpv6[%s] message not relayed: %s", mac_str(&id.mac, mac),
			    dhcp6_fate_name(fate));
}

/* ---- server to node */

static bool is_server(const struct dhcp6_relay *r, const struct in6_addr *a)
{
	for (unsigned i = 0; i < r->n_servers; i++)
		if (addr6_eq(&r->servers[i], a))
			return true;
	return false;
}

static enum dhcp6_fate deliver(struct dhcp6_relay *r, const struct dhcp6_relay_msg *m)
{
	uint8_t frame[DHCP6_FRAME_MAX];
	struct in6_addr link;
	struct dhcp6_node n;
	struct link_node id;
	int len;

	if (!read_ifid(r, m, &id))
		return DHCP6_REPLY_INTERFACE;
	if (!r->ops.find(r->ops.ctx, &id, &n))
		return DHCP6_REPLY_UNSERVED;
	link = link_address(&n);
	if (!addr6_eq(&m->link, &link))
		return DHCP6_REPLY_LINK;
	if (addr6_is_zero(&m->peer) || !addr6_eq(&m->peer, &n.memory->client))
		return DHCP6_REPLY_PEER;
	len = dhcp6_build_frame(frame, sizeof(frame), &n.gateway_mac, &id.mac, &n.gateway_ll,
				&m->peer, m->msg, m->len);
	if (len < 0 || (n.mtu && (size_t)len - DHCP6_ETH_LEN > n.mtu))
		return DHCP6_REPLY_TOO_LONG;
	return r->ops.to_link(r->ops.ctx, id.ifindex, frame, (size_t)len) == 0 ? DHCP6_DELIVERED
									       : DHCP6_SEND_FAILED;
}

void dhcp6_relay_reply(struct dhcp6_relay *r, const struct in6_addr *from, const uint8_t *msg,
		       size_t len, nsec_t now)
{
	enum dhcp6_fate fate = DHCP6_FOREIGN_SERVER;
	struct dhcp6_relay_msg m;
	char addr[ADDR6_STRLEN];

	if (is_server(r, from))
		fate = dhcp6_parse_reply(&m, msg, len);
	if (fate == DHCP6_OK) {
		r->counter[DHCP6_OK]++;
		fate = deliver(r, &m);
	}
	r->counter[fate]++;
	if (fate != DHCP6_DELIVERED)
		log_limited(&r->server_log, now,
			    fate == DHCP6_SEND_FAILED ? LOG_C_LOCAL : LOG_C_REMOTE,
			    "dhcpv6[%s] message not delivered: %s", addr6_str(from, addr),
			    dhcp6_fate_name(fate));
}

struct counter_set dhcp6_relay_counters(const struct dhcp6_relay *r)
{
	return (struct counter_set){"dhcpv6", counter_desc, r->counter, DHCP6_FATE_MAX};
}
