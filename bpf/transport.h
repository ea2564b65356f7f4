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

/* A tunnel packet is believed when both outer addresses are the tunnel's (RFC 6275 10.4.5), and
 * what is between the outer header and the inner packet is what was agreed upon. */
pm_inline bool pm_through(const struct pm_pkt *p, __u32 index)
{
	const struct pm_tunnel *t = pm_get_tunnel(index);

	if (!t || t->encap != p->encap || !!(t->flags & PM_T_IP4) != p->outer_v4)
		return false;
	if (p->outer_v4) {
		const struct iphdr *o = pm_outer(p);

		return o->saddr == *(const pm_w32 *)(t->remote + 12) &&
		       o->daddr == *(const pm_w32 *)(t->local + 12);
	}
	const struct ipv6hdr *o = pm_outer(p);
	const pm_w64 *src = (const pm_w64 *)&o->saddr, *dst = (const pm_w64 *)&o->daddr;
	const pm_w64 *remote = (const pm_w64 *)t->remote, *local = (const pm_w64 *)t->local;

	return src[0] == remote[0] && src[1] == remote[1] && dst[0] == local[0] &&
	       dst[1] == local[1];
}

/* The node is behind the tunnel that packets to it go into: with its gateway, or, where we are that
 * ourselves, with the one that it changes to (RFC 5949 4.1). What it sent through the gateway that
 * it has just left may come to its anchor a little later. */
pm_inline bool pm_from_node(const struct pm_pkt *p, const struct pm_found *f)
{
	const bool anchored = pm_has(f, PM_F_ANCHORED);
	__u32 also;

	if (!(anchored ? pm_role_lma : pm_role_mag) || pm_has(f, PM_F_LINK))
		return false;
	if (pm_through(p, PM_DESC_TUNNEL(pm_way_down(f->desc))))
		return true;
	also = anchored ? READ_ONCE(f->s->also) : 0;
	return also && pm_through(p, also);
}

/* From the anchor, or from the gateway that the node comes from. What has waited was let in when it
 * came. */
pm_inline bool pm_from_anchor(struct pm_ctx *ctx, const struct pm_pkt *p, const struct pm_found *f)
{
	__u32 also;

	if (!pm_role_mag)
		return false;
	if (pm_through(p, READ_ONCE(f->s->up_tunnel)))
		return true;
	also = READ_ONCE(f->s->also);
	return (also && pm_through(p, also)) || (pm_buffer_packets && pm_hook_marked(ctx));
}

/* From a node, through its own tunnel: anchored here, or on its way to its anchor. */
pm_inline int pm_uplink(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a,
			struct pm_found *from)
{
	struct pm_found to;

	if (pm_has(from, PM_F_DROP))
		return pm_drop_for(a, PM_DROP_LINGERING);
	if (pm_target_link_scope(p))
		return pm_drop_for(a, PM_DROP_LINK_SCOPE);
	if (!pm_lengths_hold(ctx, p))
		return pm_drop_for(a, PM_DROP_MALFORMED);
	if (!pm_decap_ecn(p, a))
		return pm_drop_for(a, PM_DROP_ECN);
	a->up = from->slot;
	a->back = 1;
	if (pm_role_mag && !pm_has(from, PM_F_ANCHORED))
		return pm_to_tunnel(ctx, p, a, from, true);
	switch (pm_find_target(p, p->v4 ? READ_ONCE(from->s->domain) : 0, &to)) {
	case PM_STALE:
		return pm_drop_for(a, PM_DROP_STALE_SLOT);
	case PM_FOUND:
		if (pm_has(&to, PM_F_ANCHORED))
			return pm_to_node(ctx, p, a, &to);
		break;
	case PM_NONE:
		break;
	}
	if (READ_ONCE(from->s->up_tunnel))
		return pm_to_tunnel(ctx, p, a, from, true);
	a->as_from = pm_domain_routes(from);
	return pm_still(from) ? pm_to_route(ctx, p, a) : pm_drop_for(a, PM_DROP_STALE_SLOT);
}

/* To a node, through the tunnel that its own packets take. The anchor lets only nodes' packets out
 * of the tunnel, so an error goes beside it. */
pm_inline int pm_downlink(struct pm_ctx *ctx, const struct pm_pkt *p, struct pm_act *a,
			  struct pm_found *to)
{
	if (pm_source_link_scope(p))
		return pm_drop_for(a, PM_DROP_LINK_SCOPE);
	if (!pm_lengths_hold(ctx, p))
		return pm_drop_for(a, PM_DROP_MALFORMED);
	if (!pm_decap_ecn(p, a))
		return pm_drop_for(a, PM_DROP_ECN);
	return pm_to_node(ctx, p, a, to);
}

/* For nobody here. */
pm_inline int pm_nobody(struct pm_act *a)
{
	a->reason = PM_DROP_NO_SESSION;
	return a->verdict = pm_role_mag && pm_early_rate ? PM_V_EARLY : PM_V_DROPPED;
}

/* Nobody's tunnel, but our end point: says what is wrong with it. */
pm_inline int pm_refuse_tunnel(const struct pm_pkt *p, struct pm_act *a, enum pm_lookup r_from,
			       const struct pm_found *from, enum pm_lookup r_to,
			       const struct pm_found *to)
{
	if (pm_source_link_scope(p) || pm_target_link_scope(p))
		return pm_drop_for(a, PM_DROP_LINK_SCOPE);
	if (r_from == PM_STALE || r_to == PM_STALE)
		return pm_drop_for(a, PM_DROP_STALE_SLOT);
	if (r_from == PM_FOUND && !pm_has(from, PM_F_LINK))
		return pm_drop_for(a, PM_DROP_OUTER_SOURCE);
	if (r_to == PM_FOUND && READ_ONCE(to->s->up_tunnel))
		return pm_drop_for(a, PM_DROP_OUTER_SOURCE);
	if (r_from == PM_FOUND)
		return pm_drop_for(a, PM_DROP_SPOOFED);
	return pm_nobody(a);
}

/* With a GRE key of ours: the key names the session (RFC 5845 4.2, 5.2), the addresses must be its
 * own. Negative: not our end point. */
pm_inline int pm_judge_keyed(struct pm_ctx *ctx, struct pm_pkt *p, struct pm_act *a)
{
	struct pm_found f;
	enum pm_lookup r = pm_find_key(p->key, &f);

	if (r == PM_FOUND && pm_from_node(p, &f)) {
		if (!pm_owns(&f, p, false))
			return pm_drop_for(a, PM_DROP_KEY);
		return pm_uplink(ctx, p, a, &f);
	}
	if (r == PM_FOUND && pm_from_anchor(ctx, p, &f)) {
		if (!pm_owns(&f, p, true))
			return pm_drop_for(a, PM_DROP_KEY);
		return pm_downlink(ctx, p, a, &f);
	}
	if (!pm_for_us(pm_outer(p), p->outer_v4))
		return -1;
	if (r != PM_FOUND)
		return pm_drop_for(a, PM_DROP_KEY);
	/* a key that was announced, and no answer to the announcement yet */
	if (!pm_has(&f, PM_F_ANCHORED) && !READ_ONCE(f.s->up_tunnel))
		return pm_nobody(a);
	return pm_drop_for(a, PM_DROP_OUTER_SOURCE);
}

/* Something in a tunnel, `ip6`: see pm_enter(). Negative: not one of ours. */
pm_inline int pm_judge_inside(struct pm_ctx *ctx, struct pm_pkt *p, struct pm_act *a, bool ip6)
{
	enum pm_lookup r_from = PM_NONE, r_to = PM_NONE;
	struct pm_found from = {0}, to = {0};
	const void *ip = p->ip;
	const bool v4 = p->v4;
	int verdict = -1;

	switch (pm_enter(ctx, p, ip6)) {
	case PM_TUNNEL:
		break;
	case PM_BAD_TUNNEL:
		return pm_for_us(ip, v4) ? pm_drop_for(a, PM_DROP_MALFORMED) : -1;
	default:
		return -1;
	}
	if (pm_use_gre && PM_ENCAP_KEYED(p->encap)) {
		verdict = pm_judge_keyed(ctx, p, a);
	} else {
		if (pm_role_lma) {
			r_from = pm_find_source(p, 0, &from);
			if (r_from == PM_FOUND && pm_from_node(p, &from))
				return pm_uplink(ctx, p, a, &from);
		}
		if (pm_role_mag) {
			r_to = pm_find_target(p, 0, &to);
			if (r_to == PM_FOUND && pm_from_anchor(ctx, p, &to))
				return pm_downlink(ctx, p, a, &to);
		}
		if (!pm_role_lma) {
			r_from = pm_find_source(p, 0, &from);
			if (r_from == PM_FOUND && pm_from_node(p, &from))
				return pm_uplink(ctx, p, a, &from);
			/* a node's packet to another one may come before that one's session */
			if (r_from != PM_FOUND || pm_has(&from, PM_F_LINK | PM_F_ANCHORED))
				r_from = PM_NONE;
		}
		if (pm_for_us(pm_outer(p), p->outer_v4))
			return pm_refuse_tunnel(p, a, r_from, &from, r_to, &to);
	}
	if (verdict < 0)
		pm_step_out(p);
	return verdict;
}

pm_inline int pm_judge_tunnelled(struct pm_ctx *ctx, struct pm_pkt *p, struct pm_act *a)
{
	if (pm_is_ip6_in_ip6(p))
		return pm_judge_inside(ctx, p, a, true);
	return pm_judge_inside(ctx, p, a, false);
}

pm_inline int pm_judge_plain(struct pm_ctx *ctx, struct pm_pkt *p, struct pm_act *a,
			     const struct pm_iface *iface)
{
	bool host = iface && iface->flags & PM_I_HOST;
	struct pm_found to;

	if (!pm_role_lma || pm_source_link_scope(p) || pm_target_link_scope(p))
		return pm_kernel(a);
	switch (pm_find_target(p, iface ? iface->domain : 0, &to)) {
	case PM_STALE:
		return pm_drop_for(a, PM_DROP_STALE_SLOT);
	case PM_NONE:
		/* the kernel sent it here, and would again */
		return host ? pm_refuse(a, PM_DROP_NO_SESSION, 0) : pm_kernel(a);
	case PM_FOUND:
		break;
	}
	if (!pm_has(&to, PM_F_ANCHORED))
		return host ? pm_refuse(a, PM_DROP_NO_SESSION, 0) : pm_kernel(a);
	if (!pm_lengths_hold(ctx, p))
		return pm_drop_for(a, PM_DROP_MALFORMED);
	return pm_to_node(ctx, p, a, &to);
}

/* Headers that a tunnel's outer header may announce; the others are not worth a closer look. */
pm_inline bool pm_may_be_tunnel(const struct pm_pkt *p)
{
	switch (pm_next_header(p)) {
	case IPPROTO_IPV6:
	case IPPROTO_DSTOPTS:
		return true;
	case IPPROTO_IPIP:
		return pm_use_ip4;
	case IPPROTO_GRE:
		return pm_use_gre;
	case IPPROTO_UDP:
		return p->v4;
	default:
		return false;
	}
}

/* Of the family that `p` says. */
pm_inline int pm_judge_ip(struct pm_ctx *ctx, struct pm_pkt *p, struct pm_act *a,
			  const struct pm_iface *iface)
{
	int verdict;

	if (pm_may_be_tunnel(p)) {
		verdict = pm_judge_tunnelled(ctx, p, a);
		if (verdict >= 0)
			return verdict;
	}
	if (p->v4 && !pm_use_ip4)
		return pm_kernel(a);
	return pm_judge_plain(ctx, p, a, iface);
}

pm_inline int pm_judge_transport(struct pm_ctx *ctx, struct pm_pkt *p, struct pm_act *a)
{
	__u32 ifindex = pm_hook_ifindex(ctx);
	const struct pm_iface *iface;

	if (!pm_hook_untag(ctx))
		return pm_drop_for(a, PM_DROP_MALFORMED);
	if (!pm_parse(ctx, p) || pm_to_group(p))
		return pm_kernel(a);
	iface = pm_get_iface(ifindex);
	if (iface && !pm_mac_is(p->eth->h_dest, iface->mac) && !pm_mac_none(iface->mac))
		return pm_kernel(a);
	/* each family by itself: as a constant it needs no asking in all that follows */
	if (p->v4) {
		p->v4 = 1;
		return pm_judge_ip(ctx, p, a, iface);
	}
	p->v4 = 0;
	return pm_judge_ip(ctx, p, a, iface);
}
