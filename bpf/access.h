/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that arrive on an access interface (RFC 5213 6.10.3, 6.10.5). What belongs to the link
 * itself (anything link-local, multicast) is the kernel's. All else must come from a node that is
 * bound to this link, with the link-layer address of that node: the kernel would forward the rest.
 */
#pragma once

#include "route.h"

/* A message of the link between addresses that routers pass on: the kernel would do so. */
pm_inline bool pm_is_stray_control(const struct pm_pkt *p)
{
	const struct icmp6hdr *icmp = p->ip + sizeof(struct ipv6hdr);

	if (p->v4 || pm_ip6(p)->nexthdr != IPPROTO_ICMPV6 || (void *)(icmp + 1) > p->end)
		return false;
	/* MLD 130-132, ND 133-137, MLDv2 143 */
	return (icmp->icmp6_type >= 130 && icmp->icmp6_type <= 137) || icmp->icmp6_type == 143;
}

/*
 * From a DHCP client, to whomever (RFC 2131 4.1): broadcast, or to the server that it got its
 * address from, which a MAG is or stands in for (RFC 5844 3.4). The daemon reads it from its packet
 * socket, which has it before TC.
 */
pm_inline bool pm_is_dhcp_request(const struct pm_pkt *p)
{
	const struct udphdr *udp;

	if (!pm_use_ip4 || !p->v4 || pm_ip4(p)->protocol != IPPROTO_UDP ||
	    pm_ip4(p)->frag_off & bpf_htons(PM_IP4_LATER))
		return false;
	udp = p->ip + ((pm_ip4(p)->ihl & 0xf) << 2);
	return (void *)(udp + 1) <= p->end && udp->source == bpf_htons(68) &&
	       udp->dest == bpf_htons(67);
}

pm_inline int pm_judge_access(struct pm_ctx *ctx, struct pm_pkt *p, struct pm_act *a)
{
	__u32 ifindex = pm_hook_ifindex(ctx), up;
	enum pm_lookup r_to = PM_NONE;
	const struct pm_access *access;
	const struct pm_iface *iface;
	struct pm_found from, to;
	union pm_l2 l2;

	if (!pm_hook_untag(ctx))
		return pm_drop_for(a, PM_DROP_MALFORMED);
	iface = pm_get_iface(ifindex);
	if (!iface || !pm_parse(ctx, p) || (p->v4 && !pm_use_ip4))
		return pm_kernel(a);
	access = pm_get_access(iface->access);
	if (!access)
		return pm_kernel(a);
	/* a unicast packet in such a frame could only be meant to get past us */
	if (pm_to_group(p)) {
		if (!pm_multicast(p))
			return pm_drop_for(a, PM_DROP_LINK_SCOPE);
	} else if (!pm_mac_is(p->eth->h_dest, access->smac) &&
		   !pm_mac_is(p->eth->h_dest, iface->mac) && !pm_mac_none(iface->mac)) {
		return pm_kernel(a);
	}
	if (pm_is_dhcp_request(p))
		return a->verdict = PM_AT_XDP ? PM_V_TO_TC : PM_V_TO_DAEMON;
	if (pm_source_link_scope(p) || pm_target_link_scope(p))
		return pm_kernel(a);
	if (pm_is_stray_control(p))
		return pm_drop_for(a, PM_DROP_LINK_SCOPE);

	switch (pm_find_source(p, iface->domain, &from)) {
	case PM_STALE:
		return pm_drop_for(a, PM_DROP_STALE_SLOT);
	case PM_NONE:
		return pm_drop_for(a, PM_DROP_UNKNOWN_NODE);
	case PM_FOUND:
		break;
	}
	pm_get_l2(&l2, &from);
	up = READ_ONCE(from.s->up_tunnel);
	if (!pm_still(&from))
		return pm_drop_for(a, PM_DROP_STALE_SLOT);
	if (!pm_has(&from, PM_F_LINK | PM_F_STILL) || l2.access != iface->access ||
	    !pm_mac_is(p->eth->h_source, l2.mac))
		return pm_drop_for(a, PM_DROP_SPOOFED);
	if (pm_has(&from, PM_F_DROP))
		return pm_drop_for(a, PM_DROP_LINGERING);
	if (pm_for_us(p->ip, p->v4))
		return pm_kernel(a);
	if (!pm_lengths_hold(ctx, p))
		return pm_drop_for(a, PM_DROP_MALFORMED);

	a->up = from.slot;
	if (pm_has(&from, PM_F_LOCAL_ROUTING) || !up) {
		r_to = pm_find_target(p, iface->domain, &to);
		if (r_to == PM_STALE)
			return pm_drop_for(a, PM_DROP_STALE_SLOT);
	}
	if (r_to == PM_FOUND && pm_has(&to, PM_F_LINK) &&
	    (pm_has(&from, PM_F_LOCAL_ROUTING) || pm_has(&to, PM_F_ANCHORED))) {
		a->down = to.slot;
		if (!pm_may_go_on(ctx, a, &to))
			return a->verdict;
		return pm_to_link(ctx, p, a, &to, PM_V_LOCAL);
	}
	if (up)
		return pm_to_tunnel(ctx, p, a, &from, true);
	if (r_to == PM_FOUND && pm_has(&to, PM_F_ANCHORED))
		return pm_to_node(ctx, p, a, &to);
	a->as_from = pm_domain_routes(&from);
	return pm_still(&from) ? pm_to_route(ctx, p, a) : pm_drop_for(a, PM_DROP_STALE_SLOT);
}
