/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCPv4 messages of nodes (RFC 5844 3.4). One of a node without an IPv4 home address makes the MAG
 * ask for one, and waits: the newest of each node, for a bounded time, a bounded number in all. It
 * is answered when the MAG advertises the address, by the server or the relay agent, as the LMA
 * wants it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access/access_priv.h"
#include "base/util.h"

#define RATE	 5    /* of each node, per second, in bursts of twice that */
#define HELD_MAX 4096 /* in all */
/* Longer than clients wait before they repeat their message (RFC 2131 4.1: 4 s, then 8). */
#define HOLD_TIME nsec_from_s(10)
/* After the MAG advertised without an IPv4 home address: the one asked for may be under way. */
#define GRACE	 nsec_from_s(1)
#define MTU_NONE 1280 /* where neither tunnel nor link say: what every tunnel carries */

struct dhcp4_hold {
	nsec_t until;
	bool grace;
	size_t len;
	uint8_t frame[];
};

/* ---- to the server or the relay agent */

static void count(struct access *a, enum dhcp4_fate f)
{
	a->dhcp4_server_counter[f]++;
}

static struct in_addr server_id(const struct access *a, const struct home4 *home)
{
	return a->cfg.dhcp4_server_id.s_addr || !home ? a->cfg.dhcp4_server_id : home->router;
}

static struct dhcp4_terms terms_of(const struct access *a, const struct access_node *n)
{
	const uint32_t link_mtu = n->link->cfg.mtu;
	uint32_t mtu = n->ad.mtu4 ? n->ad.mtu4 : link_mtu;

	if (!mtu)
		mtu = MTU_NONE;
	if (link_mtu && link_mtu < mtu)
		mtu = link_mtu;
	return (struct dhcp4_terms){
		.home4 = n->ad.home4,
		.server_id = server_id(a, &n->ad.home4),
		.lease_s = n->ad.valid_s < a->cfg.dhcp4_max_lease_s ? n->ad.valid_s
								    : a->cfg.dhcp4_max_lease_s,
		.mtu = (uint16_t)(mtu < UINT16_MAX ? mtu : UINT16_MAX),
		.dns = n->ad.dns4,
		.n_dns = n->ad.n_dns4 < PROFILE_DNS_MAX ? n->ad.n_dns4 : PROFILE_DNS_MAX,
		.gateway = *access_mac(a, n->link),
		.point_to_point = n->link->cfg.point_to_point,
	};
}

static struct dhcp4_node relayed_node(const struct access *a, struct access_node *n)
{
	return (struct dhcp4_node){
		.ifname = n->link->cfg.name,
		.mtu = n->link->cfg.mtu,
		.point_to_point = n->link->cfg.point_to_point,
		.gateway = *access_mac(a, n->link),
		.home4 = n->ad.home4,
		.memory = &n->dhcp4,
	};
}

/* The node may be gone afterwards. */
static void release(struct access *a, struct access_node *n, bool declined, nsec_t now)
{
	const struct link_node id = n->id;
	const struct in_addr addr = n->ad.home4.addr;
	const struct in6_addr shown = addr_from_ip4(addr);
	char text[ADDR6_STRLEN], mac[MAC_STRLEN];

	if (declined) /* RFC 2131 4.3.3: the administrator is told */
		log_limited(&n->link->log, now, LOG_C_REMOTE,
			    "access[%s %s] declines %s: somebody else on its link uses it",
			    n->link->cfg.name, mac_str(&id.mac, mac), addr_str(&shown, text));
	n->lease_end = 0;
	n->wants_ipv4 = false;
	if (a->triggers.release_ipv4)
		a->triggers.release_ipv4(a->triggers.ctx, &id, addr,
					 declined ? "dhcp-decline" : "dhcp-release", now);
}

/* A message of a node that has an IPv4 home address. The node may be gone afterwards. */
static void serve(struct access *a, struct access_node *n, const struct dhcp4_request *q,
		  nsec_t now)
{
	const struct dhcp4_terms terms = terms_of(a, n);
	uint8_t frame[DHCP4_FRAME_MAX];
	enum dhcp4_fate fate;
	size_t len;

	if (n->ad.dhcp_relay) {
		const struct dhcp4_node node = relayed_node(a, n);

		if (dhcp4_relay_request(a->dhcp4_relay, &n->id, &node, q, now) == DHCP4_RELAYED &&
		    (q->m.type == DHCP4_RELEASE || q->m.type == DHCP4_DECLINE))
			release(a, n, q->m.type == DHCP4_DECLINE, now);
		return;
	}
	if (!terms.server_id.s_addr || !terms.lease_s) {
		count(a, DHCP4_UNSERVED);
		return;
	}
	fate = dhcp4_server_answer(q, &terms, frame, sizeof(frame), &len);
	if (len && access_send(a, n->id.ifindex, frame, (int)len) < 0)
		fate = DHCP4_SEND_FAILED;
	count(a, fate);
	switch (fate) {
	case DHCP4_ACKED_RAPID:
	case DHCP4_ACKED_SELECTING:
	case DHCP4_ACKED_REBOOT:
	case DHCP4_ACKED_RENEWING:
	case DHCP4_ACKED_REBINDING:
		n->lease_end = nsec_add(now, nsec_from_s(terms.lease_s));
		break;
	case DHCP4_RELEASED:
	case DHCP4_DECLINED:
		release(a, n, fate == DHCP4_DECLINED, now);
		break;
	default:
		break;
	}
}

/* ---- messages that wait */

static void drop(struct access *a, struct access_node *n)
{
	if (!n->held)
		return;
	free(n->held);
	n->held = NULL;
	a->n_held--;
	deadline_cancel(&a->deadlines, &n->hold_timer);
}

static void hold(struct access *a, struct access_node *n, const uint8_t *frame, size_t len,
		 nsec_t now)
{
	struct dhcp4_hold *h;

	if (!n->held && a->n_held >= HELD_MAX) {
		count(a, DHCP4_HOLD_FULL);
		return;
	}
	h = malloc(sizeof(*h) + len);
	if (!h) {
		count(a, DHCP4_HOLD_FULL);
		return;
	}
	if (n->held)
		count(a, DHCP4_REPLACED);
	drop(a, n);
	*h = (struct dhcp4_hold){.until = nsec_add(now, HOLD_TIME), .len = len};
	memcpy(h->frame, frame, len);
	n->held = h;
	a->n_held++;
	count(a, DHCP4_HELD);
	deadline_arm(&a->deadlines, &n->hold_timer, h->until);
}

/*
 * The node waited in vain. RFC 5844 3.4.1: a client that asks for an address which the MAG could
 * not obtain gets a NAK, when the registration is there without IPv4 and the server's identifier is
 * known without the LMA's answer. Otherwise RFC 2131 4.3.2: no record of this client, silence.
 */
static enum dhcp4_fate refuse(struct access *a, struct access_node *n,
			      const struct dhcp4_request *q)
{
	struct dhcp4_terms terms = {
		.server_id = server_id(a, NULL),
		.gateway = *access_mac(a, n->link),
		.point_to_point = n->link->cfg.point_to_point,
	};
	uint8_t frame[DHCP4_FRAME_MAX];
	size_t len;

	if (!terms.server_id.s_addr && q->dst.s_addr != INADDR_BROADCAST)
		terms.server_id = q->dst;
	if (q->m.type != DHCP4_REQUEST || !n->advertised || n->ad.dhcp_relay ||
	    !terms.server_id.s_addr)
		return DHCP4_EXPIRED;
	if (q->m.server_id.s_addr && q->m.server_id.s_addr != terms.server_id.s_addr)
		return DHCP4_OTHER_SERVER;
	len = dhcp4_server_nak(q, &terms, frame, sizeof(frame));
	return access_send(a, n->id.ifindex, frame, (int)len) < 0 ? DHCP4_SEND_FAILED
								  : DHCP4_NAKED_NO_IPV4;
}

static void hold_fire(struct deadline *d, void *ctx, nsec_t now)
{
	struct access_node *n = container_of(d, struct access_node, hold_timer);
	struct dhcp4_hold *h = n->held;
	struct access *a = ctx;
	struct dhcp4_request q;
	const bool has_address = access_home4(n);

	if (!has_address && now < h->until && !h->grace) {
		h->grace = n->advertised;
		deadline_arm(&a->deadlines, d,
			     h->grace ? nsec_min(nsec_add(now, GRACE), h->until) : h->until);
		return;
	}
	n->held = NULL; /* first: serving can free the node */
	a->n_held--;
	/* it was well-formed when it came */
	if (dhcp4_parse_request(&q, h->frame, h->len, true) == DHCP4_OK) {
		if (has_address)
			serve(a, n, &q, now);
		else
			count(a, refuse(a, n, &q));
	}
	free(h);
}

void access_dhcp4_advertised(struct access *a, struct access_node *n, const struct home4 *before)
{
	const struct home4 *home = access_home4(n);

	if (!home || home->addr.s_addr != before->addr.s_addr)
		n->lease_end = 0;
	if (n->held) /* in the next tick, which knows the time */
		deadline_arm(&a->deadlines, &n->hold_timer, 0);
}

void access_dhcp4_init(struct access_node *n)
{
	n->hold_timer.fire = hold_fire;
}

void access_dhcp4_forget(struct access *a, struct access_node *n)
{
	drop(a, n);
}

/* ---- frames */

static void discard(struct access *a, struct access_link *l, enum dhcp4_verdict v,
		    const uint8_t *frame, size_t len, nsec_t now)
{
	struct mac src = {0};
	char mac[MAC_STRLEN];

	a->dhcp4_counter[v]++;
	if (len >= 12)
		memcpy(src.b, frame + 6, sizeof(src.b));
	log_limited(&l->log, now, LOG_C_REMOTE, "access[%s %s] DHCP message ignored: %s",
		    l->cfg.name, mac_str(&src, mac), dhcp4_verdict_name(v));
}

static struct access_sign sign_of(const struct dhcp4_request *q)
{
	const bool asks = q->m.type != DHCP4_RELEASE && q->m.type != DHCP4_DECLINE;

	return (struct access_sign){
		.trigger = asks ? ACCESS_TRIGGER_DHCP : 0,
		.cause = "dhcp",
		.arrival = q->m.type == DHCP4_DISCOVER ||
			   (q->m.type == DHCP4_REQUEST && dhcp4_state_of(q) == DHCP4_INIT_REBOOT),
		.wants_ipv4 = asks,
	};
}

void access_dhcp4_frame(struct access *a, struct access_link *l, const uint8_t *frame, size_t len,
			bool csum_partial, nsec_t now)
{
	struct link_node id = {.ifindex = l->cfg.ifindex};
	struct dhcp4_request q;
	struct access_sign sign;
	struct access_node *n;
	enum dhcp4_verdict v;

	v = dhcp4_parse_request(&q, frame, len, csum_partial);
	if (v != DHCP4_OK) {
		discard(a, l, v, frame, len, now);
		return;
	}
	a->dhcp4_counter[DHCP4_OK]++;
	if (access_is_own_mac(a, l, &q.eth_src, now))
		return;
	id.mac = q.eth_src;
	sign = sign_of(&q);
	n = access_heard(a, l, &id, &sign, now);
	if (!n) {
		count(a, DHCP4_UNSERVED);
	} else if (!access_take_token(&n->dhcp4_spent_until, RATE, now)) {
		count(a, DHCP4_RATE_LIMITED);
	} else if (access_home4(n)) {
		drop(a, n); /* what is newer is answered instead */
		serve(a, n, &q, now);
	} else if (!sign.wants_ipv4) {
		count(a, DHCP4_NO_IPV4);
	} else if (n->served || n->pending_cause) {
		hold(a, n, frame, len, now);
	} else {
		count(a, DHCP4_UNSERVED);
	}
}

/* ---- the relay agent's other side */

static bool relay_find(void *ctx, const struct link_node *id, struct dhcp4_node *out)
{
	struct access *a = ctx;
	struct access_node *n = access_node_find(a, id);

	if (!n || !access_home4(n) || !n->ad.dhcp_relay)
		return false;
	*out = relayed_node(a, n);
	return true;
}

static unsigned relay_ifindex(void *ctx, const char *ifname)
{
	const struct access *a = ctx;
	struct access_link *l, *tmp;

	HASH_ITER (hh, a->links, l, tmp)
		if (strcmp(l->cfg.name, ifname) == 0)
			return l->cfg.ifindex;
	return 0;
}

static int relay_to_server(void *ctx, struct in_addr server, const void *msg, size_t len)
{
	const struct access *a = ctx;

	return a->ops.to_dhcp4_server ? a->ops.to_dhcp4_server(a->ops.ctx, server, msg, len)
				      : -ENOTCONN;
}

static int relay_to_link(void *ctx, unsigned ifindex, const void *frame, size_t len)
{
	return access_send(ctx, ifindex, frame, (int)len);
}

int access_dhcp4_new(struct access *a)
{
	const struct dhcp4_relay_ops ops = {
		.ctx = a,
		.find = relay_find,
		.ifindex = relay_ifindex,
		.to_server = relay_to_server,
		.to_link = relay_to_link,
	};

	return dhcp4_relay_new(&a->dhcp4_relay, &ops);
}

void access_dhcp4_free(struct access *a)
{
	dhcp4_relay_free(&a->dhcp4_relay);
}

void access_dhcp4_servers(struct access *a, struct in_addr relay, const struct in_addr *servers,
			  unsigned n)
{
	dhcp4_relay_servers(a->dhcp4_relay, relay, servers, n);
}

void access_dhcp4_reply(struct access *a, struct in_addr from, const uint8_t *msg, size_t len,
			nsec_t now)
{
	dhcp4_relay_reply(a->dhcp4_relay, from, msg, len, now);
}
