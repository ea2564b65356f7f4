/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames: which protocol's they are, and what Neighbor Discovery and MLD messages say. */
#include <string.h>

#include "access/access_priv.h"
#include "base/util.h"

/* ---- Neighbor Discovery */

static void discard(struct access *a, struct access_link *l, enum nd_verdict v,
		    const uint8_t *frame, size_t len, nsec_t now)
{
	struct mac src = {0};
	char mac[MAC_STRLEN];

	a->nd_counter[v]++;
	if (v == ND_NOT_ND)
		return;
	if (len >= 12)
		memcpy(src.b, frame + 6, sizeof(src.b));
	log_limited(&l->log, now, LOG_C_REMOTE, "access[%s %s] frame ignored: %s", l->cfg.name,
		    mac_str(&src, mac), nd_verdict_name(v));
}

static void count_kind(struct access *a, const struct nd_msg *m)
{
	static const enum access_counter by_kind[] = {
		[ND_RS] = ACCESS_C_RS,		 [ND_RA] = ACCESS_C_ROGUE_RA,
		[ND_NS] = ACCESS_C_NS,		 [ND_NA] = ACCESS_C_NA,
		[ND_MLD_REPORT] = ACCESS_C_MLD,	 [ND_MLD_DONE] = ACCESS_C_MLD,
		[ND_ECHO_REPLY] = ACCESS_C_ECHO,
	};
	bool dad = m->kind == ND_NS && addr6_is_zero(&m->src);

	a->counter[dad ? ACCESS_C_DAD : by_kind[m->kind]]++;
}

/* Where the router's link-local address is made per link, a node that has the same comes first.
 * A fixed one (RFC 6543) is defended instead. True: the message claims it. */
static bool claims_router_ll(struct access *a, const struct access_node *n, const struct nd_msg *m,
			     nsec_t now)
{
	bool dad = m->kind == ND_NS && addr6_is_zero(&m->src);
	const struct in6_addr *claimed = dad ? &m->target : &m->src;
	const struct in6_addr ll = *access_router_ll(a, n);

	if (!addr6_is_zero(&a->cfg.link_local) || !n->advertised || !addr6_eq(claimed, &ll))
		return false;
	a->counter[ACCESS_C_LL_IN_USE]++;
	if (a->triggers.link_local_in_use)
		a->triggers.link_local_in_use(a->triggers.ctx, &n->id, &ll, now);
	return true;
}

/* Which link-local address does this message show to be the node's? A DAD target is only wanted,
 * not owned yet, so it never replaces one that is. The router's own is never a node's. */
static void learn_address(const struct access *a, struct access_node *n, const struct nd_msg *m)
{
	bool dad = m->kind == ND_NS && addr6_is_zero(&m->src);
	const struct in6_addr *shown = dad ? &m->target : &m->src;

	if (!addr6_is_linklocal(shown) || addr6_eq(shown, access_router_ll(a, n)))
		return;
	if (!dad || addr6_is_zero(&n->link_local))
		n->link_local = *shown;
}
/* What hosts send when they come to a link, and seldom otherwise, is an arrival. */
static struct access_sign sign_of(const struct nd_msg *m)
{
	switch (m->kind) {
	case ND_RS:
		return (struct access_sign){ACCESS_TRIGGER_RS, "rs", .arrival = true,
					    .solicits = true};
	case ND_NS:
		if (addr6_is_zero(&m->src))
			return (struct access_sign){ACCESS_TRIGGER_DAD, "dad", .arrival = true};
		return (struct access_sign){ACCESS_TRIGGER_NS, "ns"};
	case ND_NA:
		return (struct access_sign){ACCESS_TRIGGER_NS, "na"};
	case ND_MLD_REPORT:
		return (struct access_sign){ACCESS_TRIGGER_MLD, "mld", .arrival = true};
	default:
		return (struct access_sign){0, "other"};
	}
}

static void nd_frame(struct access *a, struct access_link *l, const uint8_t *frame, size_t len,
		     bool csum_partial, nsec_t now)
{
	struct link_node id = {.ifindex = l->cfg.ifindex};
	char mac[MAC_STRLEN], claimed[MAC_STRLEN];
	struct access_sign sign;
	struct access_node *n;
	enum nd_verdict v;
	struct nd_msg m;

	v = nd_parse(&m, frame, len, csum_partial);
	if (v != ND_OK) {
		discard(a, l, v, frame, len, now);
		return;
	}
	a->nd_counter[ND_OK]++;
	if (access_is_own_mac(a, l, &m.eth_src, now))
		return;
	count_kind(a, &m);
	if (m.kind == ND_RA) {
		log_limited(&l->log, now, LOG_C_REMOTE,
			    "access[%s %s] Router Advertisement from an access link ignored",
			    l->cfg.name, mac_str(&m.eth_src, mac));
		return;
	}
	if (m.has_lladdr && !mac_eq(&m.lladdr, &m.eth_src)) {
		a->counter[ACCESS_C_LLADDR_MISMATCH]++;
		log_limited(&l->log, now, LOG_C_REMOTE,
			    "access[%s %s] %s claims link-layer address %s; not believed",
			    l->cfg.name, mac_str(&m.eth_src, mac), nd_kind_name(m.kind),
			    mac_str(&m.lladdr, claimed));
	}
	id.mac = m.eth_src;
	n = access_node_find(a, &id);
	if (!(n && claims_router_ll(a, n, &m, now)) && m.kind == ND_NS && addr6_is_zero(&m.src))
		access_ra_defend(a, l, &m);
	n = access_node_find(a, &id);
	if (m.kind == ND_ECHO_REPLY && (!n || m.echo_id != a->echo_id)) {
		a->counter[ACCESS_C_ECHO_FOREIGN]++;
		return;
	}
	sign = sign_of(&m);
	n = access_heard(a, l, &id, &sign, now);
	if (n)
		learn_address(a, n, &m);
}

/* ---- all */

bool access_is_own_mac(struct access *a, struct access_link *l, const struct mac *src, nsec_t now)
{
	char mac[MAC_STRLEN];

	if (!mac_eq(src, access_mac(a, l)))
		return false;
	a->counter[ACCESS_C_OWN_MAC]++;
	log_limited(&l->log, now, LOG_C_REMOTE,
		    "access[%s %s] somebody else uses the gateway's link-layer address",
		    l->cfg.name, mac_str(src, mac));
	return true;
}

void access_frame(struct access *a, unsigned ifindex, const uint8_t *frame, size_t len,
		  bool csum_partial, nsec_t now)
{
	struct access_link *l = access_link_find(a, ifindex);

	a->counter[ACCESS_C_FRAMES]++;
	if (!l)
		a->counter[ACCESS_C_UNKNOWN_LINK]++;
	else if (arp_is_arp(frame, len))
		access_arp_frame(a, l, frame, len, now);
	else if (dhcp4_is_request(frame, len))
		access_dhcp4_frame(a, l, frame, len, csum_partial, now);
	else
		nd_frame(a, l, frame, len, csum_partial, now);
}
