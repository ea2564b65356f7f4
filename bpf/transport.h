/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that arrive on a transport interface (RFC 5213 5.6.2, 6.10.5):
 *
 *	in a tunnel, from a node	we are its anchor: onward to the other node or by route
 *	in a tunnel, to a node		we are its gateway (or one link of a chain): deliver
 *	plain, to a node		we are its anchor: into the tunnel
 *	anything else			the kernel's
 */
#pragma once

#include "decap.h"
#include "route.h"

/* A tunnel packet is believed when both outer addresses are the tunnel's (RFC 6275 10.4.5). */
pm_inline bool pm_through(const struct pm_pkt *p, __u32 index)
{
	const struct pm_tunnel *t = pm_get_tunnel(index);

	return t && pm_addr_equal(&p->outer->saddr, t->remote) &&
	       pm_addr_equal(&p->outer->daddr, t->local);
}

/* From a node anchored here, through its own tunnel. */
pm_inline int pm_uplink(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a,
			const struct pm_found *from)
{
	struct pm_found to;
	__u32 chain;

	if (pm_has(from, PM_F_DROP))
		return pm_drop_for(a, PM_DROP_LINGERING);
	if (pm_link_scope(&p->ip->daddr))
		return pm_drop_for(a, PM_DROP_LINK_SCOPE);
	if (!pm_lengths_hold(ctx, p))
		return pm_drop_for(a, PM_DROP_MALFORMED);
	if (!pm_decap_ecn(p, a))
		return pm_drop_for(a, PM_DROP_ECN);
	a->up = from->s;
	switch (pm_find(&p->ip->daddr, &to)) {
	case PM_STALE:
		return pm_drop_for(a, PM_DROP_STALE_SLOT);
	case PM_FOUND:
		if (pm_has(&to, PM_F_ANCHORED))
			return pm_to_node(ctx, p, a, &to);
		break;
	case PM_NONE:
		break;
	}
	chain = READ_ONCE(from->s->up_tunnel);
	if (!pm_still(from))
		return pm_drop_for(a, PM_DROP_STALE_SLOT);
	return chain ? pm_to_tunnel(ctx, p, a, chain) : pm_to_route(ctx, p, a);
}

/* To a node, through the tunnel that its own packets take. */
pm_inline int pm_downlink(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a,
			  const struct pm_found *to)
{
	if (pm_link_scope(&p->ip->saddr))
		return pm_drop_for(a, PM_DROP_LINK_SCOPE);
	if (!pm_lengths_hold(ctx, p))
		return pm_drop_for(a, PM_DROP_MALFORMED);
	if (!pm_decap_ecn(p, a))
		return pm_drop_for(a, PM_DROP_ECN);
	/* the anchor lets only nodes' packets out of the tunnel, so an error goes beside it */
	a->reply_plain = 1;
	return pm_to_node(ctx, p, a, to);
}

/* Nobody's tunnel, but our end point: says what is wrong with it. */
pm_inline int pm_refuse_tunnel(const struct pm_pkt *p, struct pm_act *a, enum pm_lookup r_from,
			       const struct pm_found *from, enum pm_lookup r_to,
			       const struct pm_found *to)
{
	if (pm_link_scope(&p->ip->saddr) || pm_link_scope(&p->ip->daddr))
		return pm_drop_for(a, PM_DROP_LINK_SCOPE);
	if (r_from == PM_STALE || r_to == PM_STALE)
		return pm_drop_for(a, PM_DROP_STALE_SLOT);
	if (r_from == PM_FOUND && pm_has(from, PM_F_ANCHORED) && !pm_has(from, PM_F_LINK))
		return pm_drop_for(a, PM_DROP_OUTER_SOURCE);
	if (r_to == PM_FOUND && READ_ONCE(to->s->up_tunnel))
		return pm_drop_for(a, PM_DROP_OUTER_SOURCE);
	if (r_from == PM_FOUND)
		return pm_drop_for(a, PM_DROP_SPOOFED);
	a->reason = PM_DROP_NO_SESSION;
	return a->verdict = pm_role_mag && pm_early_rate ? PM_V_EARLY : PM_V_DROPPED;
}

/* IPv6 in IPv6. Negative: not a tunnel of ours. */
pm_inline int pm_judge_tunnelled(struct pm_ctx *ctx, struct pm_pkt *p, struct pm_act *a)
{
	enum pm_lookup r_from = PM_NONE, r_to = PM_NONE;
	struct pm_found from = {0}, to = {0};

	if (!pm_parse_inner(p))
		return pm_is_local(&p->ip->daddr) ? pm_drop_for(a, PM_DROP_MALFORMED) : -1;
	if (pm_role_lma) {
		r_from = pm_find(&p->ip->saddr, &from);
		if (r_from == PM_FOUND && pm_has(&from, PM_F_ANCHORED) &&
		    !pm_has(&from, PM_F_LINK) && pm_through(p, PM_DESC_TUNNEL(from.desc)))
			return pm_uplink(ctx, p, a, &from);
	}
	if (pm_role_mag) {
		r_to = pm_find(&p->ip->daddr, &to);
		if (r_to == PM_FOUND && pm_through(p, READ_ONCE(to.s->up_tunnel)))
			return pm_downlink(ctx, p, a, &to);
	}
	if (pm_is_local(&p->outer->daddr))
		return pm_refuse_tunnel(p, a, r_from, &from, r_to, &to);
	p->ip = p->outer;
	p->outer = NULL;
	p->len = sizeof(*p->ip) + bpf_ntohs(p->ip->payload_len);
	return -1;
}

pm_inline int pm_judge_plain(struct pm_ctx *ctx, struct pm_pkt *p, struct pm_act *a)
{
	struct pm_found to;

	if (!pm_role_lma || pm_link_scope(&p->ip->daddr) || pm_link_scope(&p->ip->saddr))
		return pm_kernel(a);
	switch (pm_find(&p->ip->daddr, &to)) {
	case PM_STALE:
		return pm_drop_for(a, PM_DROP_STALE_SLOT);
	case PM_NONE:
		return pm_kernel(a);
	case PM_FOUND:
		break;
	}
	if (!pm_has(&to, PM_F_ANCHORED))
		return pm_kernel(a);
	if (!pm_lengths_hold(ctx, p))
		return pm_drop_for(a, PM_DROP_MALFORMED);
	return pm_to_node(ctx, p, a, &to);
}

pm_inline int pm_judge_transport(struct pm_ctx *ctx, struct pm_pkt *p, struct pm_act *a)
{
	__u32 ifindex = pm_hook_ifindex(ctx);
	const struct pm_iface *iface;
	int verdict;

	if (!pm_hook_untag(ctx))
		return pm_drop_for(a, PM_DROP_MALFORMED);
	if (!pm_parse(ctx, p) || pm_to_group(p))
		return pm_kernel(a);
	iface = bpf_map_lookup_elem(&pm_iface, &ifindex);
	if (iface && !pm_mac_is(p->eth->h_dest, iface->mac) && !pm_mac_none(iface->mac))
		return pm_kernel(a);
	if (p->ip->nexthdr == IPPROTO_IPV6) {
		verdict = pm_judge_tunnelled(ctx, p, a);
		if (verdict >= 0)
			return verdict;
	}
	return pm_judge_plain(ctx, p, a);
}
