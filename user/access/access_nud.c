/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the node still there? (RFC 5213 6.9.1.3, 6.13; RFC 4861 7.3.) Any ND or MLD message from a
 * node is an answer. A node that was silent for a probe interval is asked with a unicast Neighbor
 * Solicitation for its link-local address; where that is unknown, or went unanswered, with an Echo
 * Request to all nodes in a frame to this one. A node without IPv6 prefixes, or of which no
 * link-local address is known, is asked by ARP for its IPv4 home address (RFC 826).
 */
#include "access/access_priv.h"
#include "base/util.h"

#define SEEN_EXPIRY                                                                        \
	nsec_from_s(30)	      /* how long a node that the MAG does not serve is remembered \
			       */
#define RETRANS_TIMER_MS 1000 /* RFC 4861 10: where idle nodes are not probed */

static nsec_t period(const struct access *a, const struct access_node *n)
{
	uint32_t ms = n->link->cfg.probe_interval_ms;

	if (n->probe == PROBE_SUSPECT)
		ms = a->cfg.suspect_probe_ms;
	return nsec_from_ms(ms ? ms : RETRANS_TIMER_MS);
}

static void send_probe(struct access *a, struct access_node *n)
{
	const struct in6_addr *ll = access_router_ll(a, n);
	const struct mac *mac = access_mac(a, n->link);
	const struct home4 *home = access_home4(n);
	const bool known = !addr6_is_zero(&n->link_local);
	const bool by_arp = home && (!known || !n->ad.n_prefixes);
	uint8_t buf[ND_FRAME_MAX];

	if (known)
		access_send(a, n->id.ifindex, buf,
			    nd_build_probe(buf, sizeof(buf), mac, &n->id.mac, ll, &n->link_local));
	if (by_arp)
		access_send(a, n->id.ifindex, buf,
			    arp_build_probe(buf, sizeof(buf), mac, &n->id.mac, home));
	if ((!known && !(by_arp && !n->ad.n_prefixes)) || n->unanswered)
		access_send(a, n->id.ifindex, buf,
			    nd_build_echo(buf, sizeof(buf), mac, &n->id.mac, ll, a->echo_id,
					  ++a->echo_seq));
	a->counter[ACCESS_C_PROBE]++;
}

static void watch_idle(struct access *a, struct access_node *n)
{
	nsec_t interval = nsec_from_ms(n->link->cfg.probe_interval_ms);

	if (interval)
		deadline_arm(&a->deadlines, &n->nud_timer, nsec_add(n->last_seen, interval));
	else
		deadline_cancel(&a->deadlines, &n->nud_timer);
}

static void nud_fire(struct deadline *d, void *ctx, nsec_t now)
{
	struct access_node *n = container_of(d, struct access_node, nud_timer);
	struct access *a = ctx;

	if (!n->last_seen) /* it came through a call without a clock */
		n->last_seen = now;
	if (!n->served) {
		if (now >= nsec_add(n->last_seen, SEEN_EXPIRY))
			access_node_free(a, n);
		else
			deadline_arm(&a->deadlines, d, nsec_add(n->last_seen, SEEN_EXPIRY));
		return;
	}
	if (n->probe_wanted != PROBE_NONE) {
		n->probe = n->probe_wanted;
		n->probe_wanted = PROBE_NONE;
		n->unanswered = 0;
	}
	if (n->probe == PROBE_NONE) {
		nsec_t interval = nsec_from_ms(n->link->cfg.probe_interval_ms);

		if (!interval || now < nsec_add(n->last_seen, interval)) {
			watch_idle(a, n);
			return;
		}
		if (n->held) { /* it waits for us, for a bounded time */
			deadline_arm(&a->deadlines, d, nsec_add(now, interval));
			return;
		}
		n->probe = PROBE_IDLE;
		n->probe_cause = "nud";
		n->unanswered = 0;
	}
	if (n->unanswered >= n->link->cfg.probe_count) {
		a->counter[ACCESS_C_PROBE_FAILED]++;
		access_node_gone(a, n, n->probe_cause, now);
		return;
	}
	send_probe(a, n);
	n->unanswered++;
	deadline_arm(&a->deadlines, d, nsec_add(now, period(a, n)));
}

void access_nud_init(struct access_node *n)
{
	n->nud_timer.fire = nud_fire;
}

void access_nud_alive(struct access *a, struct access_node *n, nsec_t now)
{
	bool was_probed = n->probe != PROBE_NONE || n->probe_wanted != PROBE_NONE;

	n->last_seen = now;
	n->unanswered = 0;
	n->probe = n->probe_wanted = PROBE_NONE;
	if (!n->served)
		return;
	/* While nothing is asked, the timer finds out by itself how far to move. */
	if (was_probed || !n->nud_timer.armed)
		watch_idle(a, n);
	if (a->triggers.confirmed)
		a->triggers.confirmed(a->triggers.ctx, &n->id, now);
}

void access_nud_start(struct access *a, struct access_node *n, enum probe_mode mode,
		      const char *cause)
{
	if (n->probe == mode || n->probe_wanted == mode)
		return; /* under way; asking again would only postpone the answer */
	if (n->probe == PROBE_SUSPECT || n->probe_wanted == PROBE_SUSPECT)
		return; /* quicker than anything */
	if (mode == PROBE_VERIFY && n->probe == PROBE_IDLE) {
		n->probe = PROBE_VERIFY; /* being asked already, at the same pace */
		return;
	}
	n->probe_wanted = mode;
	n->probe_cause = cause;
	deadline_arm(&a->deadlines, &n->nud_timer, 0);
}

void access_nud_idle(struct access *a, struct access_node *n)
{
	n->probe = n->probe_wanted = PROBE_NONE;
	n->unanswered = 0;
	deadline_arm(&a->deadlines, &n->nud_timer, 0);
}

void access_nud_rest(struct access *a, struct access_node *n)
{
	n->probe = n->probe_wanted = PROBE_NONE;
	n->unanswered = 0;
	deadline_cancel(&a->deadlines, &n->nud_timer);
}
