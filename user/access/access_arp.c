/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ARP packets: signs of life, triggers, and questions about the home subnet. A node that moved asks
 * for its router first, before the MAG knows its home address; it is answered then, for hosts
 * repeat their question a second later (RFC 1122 2.3.2.1).
 */
#include <string.h>

#include "access/access_priv.h"

/* Answers to a node, per second, in bursts of twice that. */
#define ANSWER_RATE 50
/* Packets from other addresses than the node's that are looked into, per second and link. */
#define DEFENCE_RATE 10

static void discard(struct access *a, struct access_link *l, enum arp_fate f, const uint8_t *frame,
		    size_t len, nsec_t now)
{
	struct mac src = {0};
	char mac[MAC_STRLEN];

	a->arp_counter[f]++;
	if (len >= 12)
		memcpy(src.b, frame + 6, sizeof(src.b));
	log_limited(&l->log, now, LOG_C_REMOTE, "access[%s %s] ARP packet ignored: %s", l->cfg.name,
		    mac_str(&src, mac), arp_fate_name(f));
}

static enum arp_fate judge(const struct access_node *n, const struct arp_msg *m)
{
	static const struct home4 none;
	const struct home4 *home = access_home4(n);

	return arp_judge(m, home ? home : &none);
}

static enum arp_fate answer(struct access *a, const struct access_node *n, const struct arp_msg *m,
			    enum arp_fate f)
{
	uint8_t buf[ARP_FRAME_LEN];

	return access_send(a, n->id.ifindex, buf,
			   arp_build_answer(buf, sizeof(buf), access_mac(a, n->link), m)) == 0
		       ? f
		       : ARP_SEND_FAILED;
}

void access_arp_advertised(struct access *a, struct access_node *n)
{
	enum arp_fate f;

	if (!n->arp_waits || !access_home4(n))
		return;
	n->arp_waits = false;
	f = judge(n, &n->arp_asked);
	if (arp_is_answer(f))
		a->arp_counter[answer(a, n, &n->arp_asked, f)]++;
}

static bool is_router(const struct access_link *l, struct in_addr addr)
{
	const struct access_node *n;

	DL_FOREACH (l->served, n) {
		const struct home4 *home = access_home4(n);

		if (home && home->router.s_addr == addr.s_addr)
			return true;
	}
	return false;
}

/* On a shared link the others heard the claim, and believe it. `n`: who claims, NULL: a stranger.
 */
static void defend_router(struct access *a, struct access_link *l, const struct access_node *n,
			  const struct arp_msg *m, nsec_t now)
{
	const struct home4 *home = n ? access_home4(n) : NULL;
	uint8_t buf[ARP_FRAME_LEN];
	char mac[MAC_STRLEN];

	if (l->cfg.point_to_point || !m->sender.s_addr ||
	    (home && m->sender.s_addr == home->addr.s_addr) ||
	    !access_take_token(&l->arp_defence_spent_until, DEFENCE_RATE, now) ||
	    !is_router(l, m->sender))
		return;
	log_limited(&l->log, now, LOG_C_REMOTE, "access[%s %s] claims the default router's address",
		    l->cfg.name, mac_str(&m->eth_src, mac));
	if (access_send(a, l->cfg.ifindex, buf,
			arp_build_announcement(buf, sizeof(buf), access_mac(a, l), m->sender)) == 0)
		a->counter[ACCESS_C_ROUTER4_DEFENCE]++;
}

void access_arp_frame(struct access *a, struct access_link *l, const uint8_t *frame, size_t len,
		      nsec_t now)
{
	struct access_sign sign = {.trigger = ACCESS_TRIGGER_ARP, .cause = "arp"};
	struct link_node id = {.ifindex = l->cfg.ifindex};
	struct access_node *n;
	struct arp_msg m;
	enum arp_fate f;

	f = arp_parse(&m, frame, len);
	if (f != ARP_OK) {
		discard(a, l, f, frame, len, now);
		return;
	}
	a->arp_counter[ARP_OK]++;
	if (access_is_own_mac(a, l, &m.eth_src, now))
		return;
	sign.arrival = arp_is_probe(&m) || arp_is_announcement(&m);
	id.mac = m.eth_src;
	n = access_heard(a, l, &id, &sign, now);
	defend_router(a, l, n, &m, now);
	if (!n)
		return;
	f = judge(n, &m);
	if (arp_is_answer(f))
		f = access_take_token(&n->arp_spent_until, ANSWER_RATE, now) ? answer(a, n, &m, f)
									     : ARP_RATE_LIMITED;
	n->arp_waits = f == ARP_NO_IPV4 && n->served;
	n->arp_asked = m;
	a->arp_counter[f]++;
}
