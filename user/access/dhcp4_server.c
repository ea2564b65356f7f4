/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "access/dhcp4_server.h"

#include <string.h>

#include "base/util.h"

#define MIN_MTU 68 /* RFC 2132 5.1 */

static const struct in_addr broadcast = {INADDR_BROADCAST};

static const char *const fate_names[] = {
#define FATE_NAME(sym, name, help) [sym] = name,
	DHCP4_FATES(FATE_NAME)};

const char *dhcp4_fate_name(enum dhcp4_fate f)
{
	return (unsigned)f < DHCP4_FATE_MAX ? fate_names[f] : "unknown";
}

static bool eq(struct in_addr a, struct in_addr b)
{
	return a.s_addr == b.s_addr;
}

/* ---- judgement */

enum dhcp4_state dhcp4_state_of(const struct dhcp4_request *q)
{
	if (q->m.server_id.s_addr)
		return DHCP4_SELECTING;
	if (!q->m.head.ciaddr.s_addr)
		return DHCP4_INIT_REBOOT;
	return eq(q->dst, broadcast) ? DHCP4_REBINDING : DHCP4_RENEWING;
}

static enum dhcp4_fate judge_request(const struct dhcp4_request *q, const struct dhcp4_terms *t)
{
	static const enum dhcp4_fate acked[] = {
		[DHCP4_SELECTING] = DHCP4_ACKED_SELECTING,
		[DHCP4_INIT_REBOOT] = DHCP4_ACKED_REBOOT,
		[DHCP4_RENEWING] = DHCP4_ACKED_RENEWING,
		[DHCP4_REBINDING] = DHCP4_ACKED_REBINDING,
	};
	const enum dhcp4_state state = dhcp4_state_of(q);
	const struct in_addr wanted = q->m.requested, current = q->m.head.ciaddr;

	if (state == DHCP4_SELECTING && !eq(q->m.server_id, t->server_id))
		return DHCP4_OTHER_SERVER;
	if (!wanted.s_addr && !current.s_addr)
		return DHCP4_NO_ADDRESS;
	/* RFC 5844 3.4.1 has renewing clients send both, RFC 2131 one of them: all that are named
	 * must be right. */
	if ((wanted.s_addr && !eq(wanted, t->home4.addr)) ||
	    (current.s_addr && !eq(current, t->home4.addr)))
		return DHCP4_NAKED_ADDRESS;
	return acked[state];
}

static enum dhcp4_fate judge(const struct dhcp4_request *q, const struct dhcp4_terms *t)
{
	const struct in_addr home = t->home4.addr, current = q->m.head.ciaddr;

	/* A node may well talk to somebody else's port 67. */
	if (!eq(q->dst, broadcast) && !eq(q->dst, t->server_id) && !eq(q->dst, t->home4.router))
		return DHCP4_OTHER_DESTINATION;
	switch (q->m.type) {
	case DHCP4_DISCOVER:
		return q->m.rapid_commit ? DHCP4_ACKED_RAPID : DHCP4_OFFERED;
	case DHCP4_REQUEST:
		return judge_request(q, t);
	case DHCP4_INFORM:
		return eq(current, home) ? DHCP4_ACKED_INFORM : DHCP4_FOREIGN_ADDRESS;
	case DHCP4_RELEASE:
		if (q->m.server_id.s_addr && !eq(q->m.server_id, t->server_id))
			return DHCP4_OTHER_SERVER;
		return eq(current, home) ? DHCP4_RELEASED : DHCP4_FOREIGN_ADDRESS;
	default: /* DECLINE, by dhcp4_parse_request() */
		if (q->m.server_id.s_addr && !eq(q->m.server_id, t->server_id))
			return DHCP4_OTHER_SERVER;
		return eq(q->m.requested, home) ? DHCP4_DECLINED : DHCP4_FOREIGN_ADDRESS;
	}
}

/* ---- replies */

struct reply {
	const struct dhcp4_request *q;
	const struct dhcp4_terms *t;
	enum dhcp4_type type;
	bool leases;	/* has a lease time */
	bool done[256]; /* options that are in */
	struct wr w;
};

/* The option as this node is to have it; nothing when there is nothing to say, or no room. */
static void put(struct reply *r, uint8_t code)
{
	const struct dhcp4_terms *t = r->t;
	const struct in_addr mask = prefix4_mask(t->home4.len);
	const uint16_t mtu = htons(t->mtu < MIN_MTU ? MIN_MTU : t->mtu);
	const uint32_t lease = t->lease_s;

	if (r->done[code])
		return;
	r->done[code] = true;
	switch (code) {
	case DHCP4_OPT_SUBNET_MASK:
		dhcp4_put_address(&r->w, code, mask);
		break;
	case DHCP4_OPT_ROUTER:
		if (t->home4.router.s_addr)
			dhcp4_put_address(&r->w, code, t->home4.router);
		break;
	case DHCP4_OPT_DNS:
		if (t->n_dns)
			dhcp4_put_option(&r->w, code, t->dns, t->n_dns * sizeof(*t->dns));
		break;
	case DHCP4_OPT_MTU:
		dhcp4_put_option(&r->w, code, &mtu, sizeof(mtu));
		break;
	case DHCP4_OPT_BROADCAST:
		if (t->home4.len < 31) /* RFC 3021: else there is none */
			dhcp4_put_address(&r->w, code,
					  (struct in_addr){t->home4.addr.s_addr | ~mask.s_addr});
		break;
	case DHCP4_OPT_T1:
		if (r->leases)
			dhcp4_put_u32(&r->w, code, lease / 2);
		break;
	case DHCP4_OPT_T2:
		if (r->leases)
			dhcp4_put_u32(&r->w, code, (uint32_t)((uint64_t)lease * 7 / 8));
		break;
	default:
		break;
	}
}

/* What every reply has (RFC 2131 table 3, RFC 6842 3). */
static void put_basics(struct reply *r)
{
	const uint8_t type = r->type;

	dhcp4_put_option(&r->w, DHCP4_OPT_TYPE, &type, 1);
	dhcp4_put_address(&r->w, DHCP4_OPT_SERVER_ID, r->t->server_id);
	if (r->q->m.client_id.len)
		dhcp4_put_option(&r->w, DHCP4_OPT_CLIENT_ID, r->q->m.client_id.b,
				 r->q->m.client_id.len);
}

static void put_parameters(struct reply *r)
{
	/* RFC 5844 3.4.3 demands them; RFC 2132 3.3 has the mask come before the router */
	static const uint8_t always[] = {DHCP4_OPT_SUBNET_MASK, DHCP4_OPT_ROUTER, DHCP4_OPT_MTU};
	static const uint8_t others[] = {DHCP4_OPT_T1, DHCP4_OPT_T2, DHCP4_OPT_DNS,
					 DHCP4_OPT_BROADCAST};
	const struct dhcp4_octets *wanted = &r->q->m.parameters;

	if (r->leases)
		dhcp4_put_u32(&r->w, DHCP4_OPT_LEASE, r->t->lease_s);
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		put(r, always[i]);
	/* RFC 2132 9.8: in the order that the client gave */
	for (unsigned i = 0; i < wanted->len; i++)
		put(r, wanted->b[i]);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		put(r, others[i]);
}

/* Where a reply goes, see dhcp4_server.h. */
static struct in_addr destination(const struct dhcp4_request *q, const struct dhcp4_head *h,
				  enum dhcp4_type type)
{
	if (type == DHCP4_NAK)
		return broadcast;
	if (q->m.head.ciaddr.s_addr)
		return q->m.head.ciaddr;
	return h->flags & DHCP4_BROADCAST ? broadcast : h->yiaddr;
}

static size_t build(struct reply *r, const char *message, uint8_t *frame, size_t cap)
{
	const struct dhcp4_request *q = r->q;
	const struct dhcp4_terms *t = r->t;
	struct dhcp4_head h = {
		.reply = true,
		.xid = q->m.head.xid,
		.flags = q->m.head.flags,
		.chaddr = q->m.head.chaddr,
	};
	static const struct mac all = {
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	    };
	uint8_t msg[DHCP4_MSG_MAX];
	struct in_addr dst;
	int len;

	if (r->type != DHCP4_NAK && q->m.type != DHCP4_INFORM)
		h.yiaddr = t->home4.addr;
	if (r->type == DHCP4_ACK)
		h.ciaddr = q->m.head.ciaddr;
	wr_init(&r->w, msg, dhcp4_limit(&q->m));
	dhcp4_put_head(&r->w, &h);
	put_basics(r);
	if (r->type != DHCP4_NAK)
		put_parameters(r);
	if (q->m.type == DHCP4_DISCOVER && r->type == DHCP4_ACK)
		dhcp4_put_option(&r->w, DHCP4_OPT_RAPID_COMMIT, NULL, 0);
	if (message)
		dhcp4_put_option(&r->w, DHCP4_OPT_MESSAGE, message, strlen(message));
	dhcp4_put_end(&r->w);
	if (wr_bad(&r->w))
		return 0;
	dst = destination(q, &h, r->type);
	len = dhcp4_build_frame(frame, cap, &t->gateway,
				t->point_to_point && eq(dst, broadcast) ? &all : &q->eth_src,
				t->server_id, dst, msg, wr_len(&r->w));
	return len < 0 ? 0 : (size_t)len;
}

size_t dhcp4_server_nak(const struct dhcp4_request *q, const struct dhcp4_terms *t, uint8_t *frame,
			size_t cap)
{
	struct reply r = {.q = q, .t = t, .type = DHCP4_NAK};

	return build(&r,
		     t->home4.addr.s_addr ? "that is not the address of this node"
					  : "no IPv4 home address was assigned",
		     frame, cap);
}

enum dhcp4_fate dhcp4_server_answer(const struct dhcp4_request *q, const struct dhcp4_terms *t,
				    uint8_t *frame, size_t cap, size_t *len)
{
	const enum dhcp4_fate fate = judge(q, t);
	struct reply r = {.q = q, .t = t, .type = DHCP4_ACK, .leases = true};

	*len = 0;
	switch (fate) {
	case DHCP4_OFFERED:
		r.type = DHCP4_OFFER;
		break;
	case DHCP4_ACKED_RAPID:
	case DHCP4_ACKED_SELECTING:
	case DHCP4_ACKED_REBOOT:
	case DHCP4_ACKED_RENEWING:
	case DHCP4_ACKED_REBINDING:
		break;
	case DHCP4_ACKED_INFORM:
		r.leases = false;
		break;
	case DHCP4_NAKED_ADDRESS:
		*len = dhcp4_server_nak(q, t, frame, cap);
		return fate;
	default:
		return fate;
	}
	*len = build(&r, NULL, frame, cap);
	return fate;
}
