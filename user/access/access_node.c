/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The node table, and small things that all of access/ uses. */
#include <errno.h>
#include <stdlib.h>

#include "access/access_priv.h"
#include "base/util.h"

int access_send(struct access *a, unsigned ifindex, const uint8_t *frame, int len)
{
	int rc = len < 0 ? len : a->ops.send(a->ops.ctx, ifindex, frame, (size_t)len);

	if (rc < 0)
		a->counter[ACCESS_C_SEND_FAILED]++;
	return rc < 0 ? rc : 0;
}

uint64_t access_random(struct access *a, uint64_t lo, uint64_t hi)
{
	uint64_t v = 0;

	if (hi <= lo)
		return lo;
	a->ops.random(a->ops.ctx, &v, sizeof(v));
	return hi - lo == UINT64_MAX ? v : lo + v % (hi - lo + 1);
}

const struct mac *access_mac(const struct access *a, const struct access_link *l)
{
	return mac_is_zero(&a->cfg.mac) ? &l->cfg.mac : &a->cfg.mac;
}

const struct in6_addr *access_router_ll(const struct access *a, const struct access_node *n)
{
	if (n->advertised && !addr6_is_zero(&n->ad.link_local))
		return &n->ad.link_local;
	if (!addr6_is_zero(&n->link->link_local))
		return &n->link->link_local;
	/* Before the MAG named one: RFC 6543's is nobody else's. */
	return addr6_is_zero(&a->cfg.link_local) ? &nd_rfc6543_linklocal : &a->cfg.link_local;
}

const struct home4 *access_home4(const struct access_node *n)
{
	/* zero lifetimes: the service is ending */
	return n->advertised && n->ad.valid_s && home4_is_set(&n->ad.home4) ? &n->ad.home4 : NULL;
}

bool access_take_token(nsec_t *spent_until, uint32_t rate, nsec_t now)
{
	const nsec_t step = NSEC_PER_SEC / (rate ? rate : 1);

	if (*spent_until < now)
		*spent_until = now;
	if (*spent_until - now > step * (2 * (nsec_t)rate - 1))
		return false;
	*spent_until += step;
	return true;
}

void access_emit(struct access *a, enum event_type type, const struct access_node *n,
		 const char *cause, nsec_t now)
{
	struct event ev = {
		.type = type,
		.role = "access",
		.now = now,
		.mac = &n->id.mac,
		.ifname = n->link->cfg.name,
		.cause = cause,
	};

	event_emit(&a->sink, &ev);
}

/* ---- node table ---- */

struct access_link *access_link_find(const struct access *a, unsigned ifindex)
{
	struct access_link *l;

	HASH_FIND(hh, a->links, &ifindex, sizeof(ifindex), l);
	return l;
}

static uint32_t hash_node(const struct access *a, const struct link_node *id)
{
	return htable_hash(&a->nodes, id, ACCESS_NODE_KEYLEN);
}

struct access_node *access_node_find(struct access *a, const struct link_node *id)
{
	struct hnode *h;

	for (h = htable_find(&a->nodes, hash_node(a, id)); h; h = htable_next(h)) {
		struct access_node *n = container_of(h, struct access_node, hnode);

		if (n->id.ifindex == id->ifindex && mac_eq(&n->id.mac, &id->mac))
			return n;
	}
	return NULL;
}

void access_node_serve(struct access_node *n, bool served)
{
	struct access_link *l = n->link;

	if (n->served == served)
		return;
	if (served) {
		DL_DELETE(l->seen, n);
		DL_APPEND(l->served, n);
		l->n_seen--;
		l->n_served++;
	} else {
		DL_DELETE(l->served, n);
		DL_APPEND(l->seen, n);
		l->n_served--;
		l->n_seen++;
		n->announced = false;
	}
	n->served = served;
}

void access_node_free(struct access *a, struct access_node *n)
{
	struct access_link *l = n->link;

	deadline_cancel(&a->deadlines, &n->ra_timer);
	deadline_cancel(&a->deadlines, &n->nud_timer);
	deadline_cancel(&a->deadlines, &n->offer_timer);
	access_dhcp4_forget(a, n);
	if (n->served) {
		DL_DELETE(l->served, n);
		l->n_served--;
	} else {
		DL_DELETE(l->seen, n);
		l->n_seen--;
	}
	htable_del(&a->nodes, &n->hnode);
	free(n->prefixes);
	free(n);
}

/* Makes room by forgetting a node that the MAG does not serve, the oldest of the link that has
 * most of them. Served ones are never pushed out. */
static bool evict(struct access *a, struct access_link *l)
{
	if (l->n_seen + l->n_served < a->cfg.max_nodes_per_link) {
		struct access_link *i, *tmp;

		HASH_ITER (hh, a->links, i, tmp)
			if (i->n_seen > l->n_seen)
				l = i;
	}
	if (!l->seen)
		return false;
	access_node_free(a, l->seen);
	return true;
}

struct access_node *access_node_get(struct access *a, const struct link_node *id)
{
	struct access_node *n = access_node_find(a, id);
	struct access_link *l;

	if (n)
		return n;
	l = access_link_find(a, id->ifindex);
	if (!l)
		return NULL;
	if ((l->n_seen + l->n_served >= a->cfg.max_nodes_per_link ||
	     htable_count(&a->nodes) >= a->cfg.max_nodes) &&
	    !evict(a, l)) {
		a->counter[ACCESS_C_TABLE_FULL]++;
		return NULL;
	}
	n = calloc(1, sizeof(*n));
	if (!n) {
		a->counter[ACCESS_C_TABLE_FULL]++;
		return NULL;
	}
	n->id.ifindex = id->ifindex;
	n->id.mac = id->mac;
	n->link = l;
	access_ra_init(n);
	access_nud_init(n);
	access_offer_init(n);
	access_dhcp4_init(n);
	htable_add(&a->nodes, &n->hnode, hash_node(a, &n->id));
	DL_APPEND(l->seen, n);
	l->n_seen++;
	access_nud_idle(a, n);
	return n;
}

int access_node_gone(struct access *a, struct access_node *n, const char *cause, nsec_t now)
{
	int rc = -ENOENT;

	if (n->served) {
		access_emit(a, EV_DETACH, n, cause, now);
		/* The MAG answers with withdraw() for this node, so it must still be known. */
		if (a->triggers.detach)
			rc = a->triggers.detach(a->triggers.ctx, &n->id, cause, now);
	}
	access_node_free(a, n);
	return rc;
}
