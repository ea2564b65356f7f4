/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Trigger Handler: which frames announce a node to the MAG, how often, and what follows from
 * the MAG's answer (RFC 5213 6.2, 6.9.1.1).
 */
#include <errno.h>
#include <string.h>

#include "access/access_priv.h"
#include "base/util.h"

int access_offer(struct access *a, struct access_node *n, const char *cause, uint8_t hint,
		 const struct mnid *mnid, const char *prev_ap, nsec_t now)
{
	const struct link_node id = n->id;
	struct mag_attachment at = {
		.node = id,
		.att = n->link->cfg.att,
		.handoff_hint = hint,
		.access_mtu = n->link->cfg.mtu,
		.domain = n->link->cfg.domain,
		.wants_ipv4 = n->wants_ipv4,
		.prev_ap = prev_ap,
		.mnid = mnid,
		.cause = cause,
	};
	char mac[MAC_STRLEN];
	int rc;

	n->last_offer = now;
	n->pending_cause = NULL;
	n->wants_ipv4 = false;
	deadline_cancel(&a->deadlines, &n->offer_timer);
	if (!a->triggers.attach)
		return -ENOTCONN;
	if (!n->announced) {
		n->announced = true;
		access_emit(a, EV_ATTACH, n, cause, now);
	}
	rc = a->triggers.attach(a->triggers.ctx, &at, now);
	n = access_node_find(a, &id); /* attach may have moved things */
	if (!n)
		return rc;
	if (rc == 0) {
		if (!n->served) {
			a->counter[ACCESS_C_ATTACH]++;
			access_node_serve(n, true);
			access_nud_idle(a, n);
		}
	} else {
		a->counter[ACCESS_C_REFUSED]++;
		access_ra_withdraw(a, n, false);
		access_node_serve(n, false);
		n->announced = true; /* told once; being refused again is no news */
		access_nud_idle(a, n);
		log_limited(&n->link->log, now, LOG_C_AUTH, "access[%s %s] not served: %s (%s)",
			    n->link->cfg.name, mac_str(&id.mac, mac), strerror(-rc), cause);
	}
	return rc;
}

/* A frame or the link's coming up says that the node is there, and the MAG does not advertise to
 * it yet, or not all that the node wants: tells the MAG, within the rates. */
static void offer_limited(struct access *a, struct access_node *n, const char *cause, nsec_t now)
{
	struct access_link *l = n->link;
	char mac[MAC_STRLEN];

	if (!l->up) {
		a->counter[ACCESS_C_LINK_DOWN]++;
		n->pending_cause = cause;
		return;
	}
	if (n->last_offer && now < nsec_add(n->last_offer, nsec_from_ms(a->cfg.retrigger_ms))) {
		if (!n->served)
			a->counter[ACCESS_C_RETRIGGER_LIMITED]++;
		return;
	}
	if (!access_take_token(&l->bucket, a->cfg.attach_rate, now)) {
		a->counter[ACCESS_C_RATE_LIMITED]++;
		log_limited(&l->log, now, LOG_C_REMOTE,
			    "access[%s %s] too many new nodes on this link", l->cfg.name,
			    mac_str(&n->id.mac, mac));
		return;
	}
	access_offer(a, n, cause, HI_RESERVED, NULL, NULL, now);
}

void access_offer_replace(struct access *a, struct access_link *l, const struct access_node *by,
			  nsec_t now)
{
	struct access_node *old, *tmp;

	DL_FOREACH_SAFE (l->seen, old, tmp)
		if (old != by)
			access_node_free(a, old);
	DL_FOREACH_SAFE (l->served, old, tmp) {
		if (old == by)
			continue;
		a->counter[ACCESS_C_REPLACED]++;
		access_node_gone(a, old, "replaced", now);
	}
}

/* A node that nobody knew. */
static struct access_node *announce(struct access *a, struct access_link *l,
				    const struct link_node *id, const struct access_sign *s,
				    nsec_t now)
{
	struct access_node *n;
	char mac[MAC_STRLEN];

	if (!(s->trigger & l->cfg.triggers)) {
		a->counter[ACCESS_C_TRIGGER_OFF]++;
		return NULL;
	}
	if (!access_take_token(&l->bucket, a->cfg.attach_rate, now)) {
		a->counter[ACCESS_C_RATE_LIMITED]++;
		log_limited(&l->log, now, LOG_C_REMOTE,
			    "access[%s %s] too many new nodes on this link", l->cfg.name,
			    mac_str(&id->mac, mac));
		return NULL;
	}
	n = access_node_get(a, id);
	if (!n) {
		log_limited(&l->log, now, LOG_C_REMOTE, "access[%s %s] no room for another node",
			    l->cfg.name, mac_str(&id->mac, mac));
		return NULL;
	}
	n->last_seen = now;
	if (l->cfg.point_to_point)
		access_offer_replace(a, l, n, now);
	n->rs_waiting = s->solicits;
	n->wants_ipv4 = s->wants_ipv4;
	if (l->up) {
		access_offer(a, n, s->cause, HI_RESERVED, NULL, NULL, now);
	} else {
		a->counter[ACCESS_C_LINK_DOWN]++;
		n->pending_cause = s->cause;
	}
	n = access_node_find(a, id);
	if (n && s->solicits && !n->advertised)
		a->counter[ACCESS_C_RS_WAITING]++;
	return n;
}

/* Between two offers of a served node; MAX_UPDATE_RATE is 3 per second (RFC 6275 12). */
#define OFFER_PACE nsec_from_ms(350)

/*
 * A served node behaves as if it had just come (`cause`), or was heard at all (NULL). It may have
 * been at another MAG for less time than it takes to miss it, and the LMA then points there: the
 * MAG has to register it anew (RFC 5213 6.9.1.1). What came too soon after the last time is not
 * lost, but the node may have left again when that time is over: it is asked first, and its answer
 * is the trigger. The pace is short, because what is asked late can take the binding away from a
 * MAG that the node moves to with both links up.
 */
static void offer_again(struct access *a, struct access_node *n, const char *cause, nsec_t now)
{
	const nsec_t due = nsec_add(n->last_offer, OFFER_PACE);

	if (cause)
		n->pending_cause = cause;
	if (!n->pending_cause || !n->link->up)
		return;
	if (now >= due)
		access_offer(a, n, n->pending_cause, HI_RESERVED, NULL, NULL, now);
	else if (!n->offer_timer.armed)
		deadline_arm(&a->deadlines, &n->offer_timer, due);
}

static void offer_fire(struct deadline *d, void *ctx, nsec_t now)
{
	struct access_node *n = container_of(d, struct access_node, offer_timer);

	if (n->advertised && n->pending_cause)
		access_nud_start(ctx, n, PROBE_VERIFY, "nud");
}

void access_offer_init(struct access_node *n)
{
	n->offer_timer.fire = offer_fire;
}

struct access_node *access_heard(struct access *a, struct access_link *l,
				 const struct link_node *id, const struct access_sign *s,
				 nsec_t now)
{
	const bool told = s->trigger & l->cfg.triggers;
	struct access_node *n = access_node_find(a, id);
	bool wants;

	if (!n)
		return announce(a, l, id, s, now);
	access_nud_alive(a, n, now);
	if (s->solicits)
		access_ra_solicited(a, n, now);
	wants = told && s->wants_ipv4;
	if (wants && (s->arrival || !access_home4(n)))
		n->wants_ipv4 = true;
	if (n->advertised && !(wants && !access_home4(n)))
		offer_again(a, n, told && s->arrival ? s->cause : NULL, now);
	else if (told)
		offer_limited(a, n, s->cause, now);
	return access_node_find(a, id);
}
