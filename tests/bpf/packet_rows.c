/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet_rows.h"

// clang-format off
/* the errors: by the LMA to the Internet; to a node in its tunnel; by the MAG to either side */
#define ERR_CN(t, p) {.type = t, .param = p, .src = LMAA, .dst = CN}
#define ERR_MN(t, p) {.type = t, .param = p, .src = LMAA, .dst = mn(MN_1), .osrc = LMAA, .odst = MAG1}
#define ERR_LINK(t, p) {.type = t, .param = p, .src = PCOA, .dst = mn(MN_LINK)}
#define ERR_MAG_CN(t, p) {.type = t, .param = p, .src = PCOA, .dst = CN}
#define PTB 2
#define TIME_EXCEEDED 3
#define PARAM_PROBLEM 4

#define ROW(...) rows[n++] = (struct row){__VA_ARGS__}
#define KERNEL(name_, prog_, ...) ROW(.name = name_, .prog = prog_, .in = __VA_ARGS__, \
	.verdict = PM_V_TO_KERNEL)
#define DROP(name_, prog_, reason_, ...) ROW(.name = name_, .prog = prog_, .in = __VA_ARGS__, \
	.verdict = PM_V_DROPPED, .reason = reason_)

size_t lma_down_rows(struct row *rows)
{
	size_t n = 0;
	const enum world_prog T = AT_TRANSPORT;
#define ENC(name_, in_, ...) ROW(.name = name_, .prog = T, .in = in_, .verdict = PM_V_ENCAP, \
	.down = MN_1, .out = __VA_ARGS__)

	ENC("enters the tunnel", DOWN(), INTO_MAG1());
	ENC("hop limit 2 leaves with 1", DOWN(.hl = 2), INTO_MAG1(.hl = 1));
	ENC("fits the tunnel exactly", DOWN(.len = 1460), INTO_MAG1(.len = 1460));
	ENC("smallest packet", DOWN(.len = 40, .nh = 59), INTO_MAG1(.len = 40, .nh = 59));
	ENC("Ethernet padding is not carried", DOWN(.len = 44, .nh = 59, .pad = 2), INTO_MAG1(.len = 44, .nh = 59));
	ENC("DSCP is copied outwards", DOWN(.tc = 0xb8), INTO_MAG1(.tc = 0xb8, .otc = 0xb8));
	ENC("ECT(0) is copied outwards", DOWN(.tc = 0x02), INTO_MAG1(.tc = 0x02, .otc = 0x02));
	ENC("ECT(1) is copied outwards", DOWN(.tc = 0x01), INTO_MAG1(.tc = 0x01, .otc = 0x01));
	ENC("CE is copied outwards", DOWN(.tc = 0x03), INTO_MAG1(.tc = 0x03, .otc = 0x03));
	ENC("inner flow label stays", DOWN(.flow = 0xabcde), INTO_MAG1(.flow = 0xabcde));
	ENC("hop-by-hop options", DOWN(.ext = EXT_HOPOPTS), INTO_MAG1(.ext = EXT_HOPOPTS));
	ENC("routing header", DOWN(.ext = EXT_ROUTING), INTO_MAG1(.ext = EXT_ROUTING));
	ENC("destination options", DOWN(.ext = EXT_DSTOPTS), INTO_MAG1(.ext = EXT_DSTOPTS));
	ENC("first fragment", DOWN(.ext = EXT_FRAG_FIRST), INTO_MAG1(.ext = EXT_FRAG_FIRST));
	ENC("later fragment", DOWN(.ext = EXT_FRAG_LATER), INTO_MAG1(.ext = EXT_FRAG_LATER));
	ENC("atomic fragment", DOWN(.ext = EXT_FRAG_ATOMIC), INTO_MAG1(.ext = EXT_FRAG_ATOMIC));
	ENC("ICMPv6 to a node", DOWN(.nh = 58, .l4 = {128}), INTO_MAG1(.nh = 58, .l4 = {128}));
	ENC("Mobility Header to a node", DOWN(.nh = 135), INTO_MAG1(.nh = 135));
	ENC("IPv6 in IPv6 addressed to the node is payload", DOWN(.nh = 41), INTO_MAG1(.nh = 41));
	ENC("alias slot leads to the primary", DOWN(.dst = mn(MN_ALIAS)), INTO_MAG1(.dst = mn(MN_ALIAS)));
	ROW(.name = "prefix outside the pools", .prog = T, .in = DOWN(.dst = MN_HASH_ADDR), .verdict = PM_V_ENCAP,
	    .down = MN_HASH, .out = INTO_MAG1(.dst = MN_HASH_ADDR));
	ROW(.name = "next hop not known: TC asks the routing table", .prog = T, .in = DOWN(.dst = mn(MN_UNRESOLVED)),
	    .verdict = PM_V_ENCAP, .down = MN_UNRESOLVED, .out = INTO_MAG1(.dst = mn(MN_UNRESOLVED)),
	    .xdp_leaves_it = 1);
	ROW(.name = "egress without XDP is left to TC", .prog = T, .in = DOWN(.dst = mn(MN_SLOW)),
	    .verdict = PM_V_ENCAP, .down = MN_SLOW, .out = INTO_MAG1(.dst = mn(MN_SLOW)), .xdp_leaves_it = 1);
	ROW(.name = "anchored and on our own link", .prog = T, .in = DOWN(.dst = mn(MN_BOTH)), .verdict = PM_V_LINK,
	    .down = MN_BOTH, .out = ON_LINK(.dmac = mn_mac(MN_BOTH), .dst = mn(MN_BOTH)));
#undef ENC

	ROW(.name = "hop limit 1", .prog = T, .in = DOWN(.hl = 1), .verdict = PM_V_REPLIED, .error = ERR_CN(TIME_EXCEEDED, 0));
	ROW(.name = "hop limit 0", .prog = T, .in = DOWN(.hl_zero = 1), .verdict = PM_V_REPLIED, .error = ERR_CN(TIME_EXCEEDED, 0));
	ROW(.name = "hop limit 1, odd length", .prog = T, .in = DOWN(.hl = 1, .len = 131), .verdict = PM_V_REPLIED,
	    .error = ERR_CN(TIME_EXCEEDED, 0));
	ROW(.name = "hop limit 1, two octets over a word", .prog = T, .in = DOWN(.hl = 1, .len = 214), .verdict = PM_V_REPLIED,
	    .error = ERR_CN(TIME_EXCEEDED, 0));
	ROW(.name = "hop limit 1, padded frame", .prog = T, .in = DOWN(.hl = 1, .len = 48, .pad = 12), .verdict = PM_V_REPLIED,
	    .error = ERR_CN(TIME_EXCEEDED, 0));
	ROW(.name = "one octet too big", .prog = T, .in = DOWN(.len = 1461), .verdict = PM_V_REPLIED, .error = ERR_CN(PTB, 1460));
	ROW(.name = "much too big", .prog = T, .in = DOWN(.len = 1900), .verdict = PM_V_REPLIED, .error = ERR_CN(PTB, 1460));
	ROW(.name = "one octet too big for 1280", .prog = T, .in = DOWN(.dst = mn(MN_SMALL), .len = 1281), .verdict = PM_V_REPLIED,
	    .error = ERR_CN(PTB, 1280));
	ROW(.name = "tunnel below 1280: nobody is told less than that", .prog = T, .in = DOWN(.dst = mn(MN_TINY), .len = 1281),
	    .verdict = PM_V_REPLIED, .error = ERR_CN(PTB, 1280));
	DROP("tunnel below 1280: too big for it, too small to complain about", T, PM_DROP_TOO_BIG, DOWN(.dst = mn(MN_TINY), .len = 1201));
	ROW(.name = "tunnel below 1280: fits", .prog = T, .in = DOWN(.dst = mn(MN_TINY), .len = 1200), .verdict = PM_V_ENCAP,
	    .down = MN_TINY, .out = INTO_MAG1(.dst = mn(MN_TINY), .len = 1200));
	ROW(.name = "encapsulation limit 0", .prog = T, .in = DOWN(.ext = EXT_TEL_ZERO), .verdict = PM_V_REPLIED,
	    .error = ERR_CN(PARAM_PROBLEM, 44));
	DROP("no error about an ICMPv6 error", T, PM_DROP_HOP_LIMIT, DOWN(.hl = 1, .nh = 58, .l4 = {1}));
	DROP("no error about a redirect", T, PM_DROP_HOP_LIMIT, DOWN(.hl = 1, .nh = 58, .l4 = {137}));
	DROP("no error about an ICMPv6 error behind options", T, PM_DROP_HOP_LIMIT,
	     DOWN(.hl = 1, .ext = EXT_HOPOPTS, .nh = 58, .l4 = {1}));
	ROW(.name = "an error about an echo request", .prog = T, .in = DOWN(.hl = 1, .nh = 58, .l4 = {128}),
	    .verdict = PM_V_REPLIED, .error = ERR_CN(TIME_EXCEEDED, 0));
	DROP("no error to an unspecified source", T, PM_DROP_HOP_LIMIT, DOWN(.hl = 1, .src = "::"));

	DROP("lingering binding", T, PM_DROP_LINGERING, DOWN(.dst = mn(MN_LINGER)));
	DROP("alias of an earlier owner", T, PM_DROP_STALE_SLOT, DOWN(.dst = mn(MN_ALIAS_OLD)));
	DROP("slot of another owner", T, PM_DROP_STALE_SLOT, DOWN(.dst = mn(MN_STALE)));
	DROP("hash leads to another owner's slot", T, PM_DROP_STALE_SLOT, DOWN(.dst = MN_HASH_STALE));
	DROP("tunnel to ourselves", T, PM_DROP_LOOP, DOWN(.dst = mn(MN_SELF)));
	DROP("session without a tunnel", T, PM_DROP_NO_NEXTHOP, DOWN(.dst = mn(MN_NOWHERE)));
	DROP("payload length beyond the frame", T, PM_DROP_MALFORMED, DOWN(.len_error = 1));
	DROP("payload length 0 with a payload", T, PM_DROP_MALFORMED, DOWN(.len_error = -88));

	KERNEL("nobody at this prefix", T, DOWN(.dst = mn(MN_FREE)));
	KERNEL("prefix beyond the pool's slots", T, DOWN(.dst = mn(MN_NONE)));
	KERNEL("another destination", T, DOWN(.dst = OTHER));
	KERNEL("node of another anchor, not in a tunnel", T, DOWN(.dst = mn(MN_LINK)));
	KERNEL("ARP", T, DOWN(.ethertype = 0x0806));
	KERNEL("IPv4", T, DOWN(.ethertype = 0x0800));
	KERNEL("VLAN tag", T, DOWN(.vlan = 5));
	KERNEL("not version 6", T, DOWN(.version = 4));
	KERNEL("multicast", T, DOWN(.dst = "ff0e::1"));
	KERNEL("link-local destination", T, DOWN(.dst = "fe80::1"));
	KERNEL("link-local source", T, DOWN(.src = "fe80::1"));
	KERNEL("neighbour solicitation", T, DOWN(.src = "fe80::1", .dst = "ff02::1:ff00:1", .hl = 255, .nh = 58, .l4 = {135}));
	KERNEL("MLD report", T, DOWN(.src = "fe80::1", .dst = "ff02::16", .hl = 1, .ext = EXT_HOPOPTS, .nh = 58, .l4 = {143}));
	KERNEL("Mobility Header for us", T, DOWN(.dst = LMAA, .nh = 135));
	KERNEL("frame to another station", T, DOWN(.dmac = "02:00:00:00:09:09"));
	KERNEL("Ethernet broadcast", T, DOWN(.dmac = "ff:ff:ff:ff:ff:ff"));
	return n;
}

size_t lma_up_rows(struct row *rows)
{
	size_t n = 0;
	const enum world_prog T = AT_TRANSPORT;
#define DEC(name_, in_, ...) ROW(.name = name_, .prog = T, .in = in_, .verdict = PM_V_DECAP_ROUTE, \
	.up = MN_1, .out = __VA_ARGS__)

	DEC("leaves the tunnel by route", UP(), ROUTED());
	DEC("outer hop limit does not matter", UP(.ohl = 1), ROUTED());
	DEC("Ethernet padding is cut", UP(.len = 44, .nh = 59, .pad = 9), ROUTED(.len = 44, .nh = 59));
	DEC("outer payload longer than the inner packet", UP(.len = 100, .pad = 8, .olen_error = 8), ROUTED(.len = 100));
	DEC("later fragment inside", UP(.ext = EXT_FRAG_LATER), ROUTED(.ext = EXT_FRAG_LATER));
	DEC("options inside", UP(.ext = EXT_DSTOPTS), ROUTED(.ext = EXT_DSTOPTS));
	DEC("alias source", UP(.src = mn(MN_ALIAS)), ROUTED(.src = mn(MN_ALIAS)));
	DEC("DSCP of the tunnel is not taken over", UP(.otc = 0xb8, .tc = 0x20), ROUTED(.tc = 0x20));
	/* RFC 5213 5.6.3, every combination: outer Not-ECT, ECT(1), ECT(0), CE by inner */
	DEC("ECN inner Not-ECT outer Not-ECT", UP(.tc = 0, .otc = 0), ROUTED(.tc = 0));
	DEC("ECN inner Not-ECT outer ECT(1)", UP(.tc = 0, .otc = 1), ROUTED(.tc = 0));
	DEC("ECN inner Not-ECT outer ECT(0)", UP(.tc = 0, .otc = 2), ROUTED(.tc = 0));
	DROP("ECN inner Not-ECT outer CE", T, PM_DROP_ECN, UP(.tc = 0, .otc = 3));
	DEC("ECN inner ECT(1) outer Not-ECT", UP(.tc = 1, .otc = 0), ROUTED(.tc = 1));
	DEC("ECN inner ECT(1) outer ECT(1)", UP(.tc = 1, .otc = 1), ROUTED(.tc = 1));
	DEC("ECN inner ECT(1) outer ECT(0)", UP(.tc = 1, .otc = 2), ROUTED(.tc = 1));
	DEC("ECN inner ECT(1) outer CE", UP(.tc = 1, .otc = 3), ROUTED(.tc = 3));
	DEC("ECN inner ECT(0) outer Not-ECT", UP(.tc = 2, .otc = 0), ROUTED(.tc = 2));
	DEC("ECN inner ECT(0) outer ECT(1)", UP(.tc = 2, .otc = 1), ROUTED(.tc = 2));
	DEC("ECN inner ECT(0) outer ECT(0)", UP(.tc = 2, .otc = 2), ROUTED(.tc = 2));
	DEC("ECN inner ECT(0) outer CE", UP(.tc = 2, .otc = 3), ROUTED(.tc = 3));
	DEC("ECN inner CE outer Not-ECT", UP(.tc = 3, .otc = 0), ROUTED(.tc = 3));
	DEC("ECN inner CE outer ECT(1)", UP(.tc = 3, .otc = 1), ROUTED(.tc = 3));
	DEC("ECN inner CE outer ECT(0)", UP(.tc = 3, .otc = 2), ROUTED(.tc = 3));
	DEC("ECN inner CE outer CE", UP(.tc = 3, .otc = 3), ROUTED(.tc = 3));
	DEC("nested tunnel of the node is payload", UP(.nh = 41), ROUTED(.nh = 41));
#undef DEC
	ROW(.name = "to the node's anchor itself", .prog = T, .in = UP(.dst = LMAA), .verdict = PM_V_DECAP_ROUTE, .up = MN_1,
	    .out = {.dmac = T_MAC, .smac = T_PEER, .src = mn(MN_1), .dst = LMAA, .hl = 64});
	ROW(.name = "neighbour not resolved: TC lets the kernel resolve it", .prog = T, .in = UP(.dst = CN_NEIGH),
	    .verdict = PM_V_DECAP_ROUTE, .up = MN_1, .xdp_leaves_it = 1,
	    .out = {.dmac = "00:00:00:00:00:00", .smac = "00:00:00:00:00:00", .src = mn(MN_1), .dst = CN_NEIGH, .hl = 63});
	ROW(.name = "hairpin to the other gateway", .prog = T, .in = HAIR(), .verdict = PM_V_HAIRPIN, .up = MN_1, .down = MN_2,
	    .out = INTO_MAG2());
	ROW(.name = "hairpin, congestion in the first tunnel", .prog = T, .in = HAIR(.tc = 0x2a, .otc = 3), .verdict = PM_V_HAIRPIN,
	    .up = MN_1, .down = MN_2, .out = INTO_MAG2(.tc = 0x2b, .otc = 0x2b));
	ROW(.name = "hairpin, padded frame", .prog = T, .in = HAIR(.len = 60, .pad = 30), .verdict = PM_V_HAIRPIN,
	    .up = MN_1, .down = MN_2, .out = INTO_MAG2(.len = 60));
	ROW(.name = "hairpin to a node on our own link", .prog = T, .in = UP(.dst = mn(MN_BOTH)), .verdict = PM_V_DECAP_LINK,
	    .up = MN_1, .down = MN_BOTH,
	    .out = {.dmac = mn_mac(MN_BOTH), .smac = A_MAC, .src = mn(MN_1), .dst = mn(MN_BOTH), .hl = 63});
	ROW(.name = "onward along the chain", .prog = T, .in = UP(.src = mn(MN_CHAIN)), .verdict = PM_V_HAIRPIN, .up = MN_CHAIN,
	    .out = {.dmac = R_MAC, .smac = T_MAC, .osrc = PCOA, .odst = LMA2, .src = mn(MN_CHAIN), .dst = CN, .hl = 63});
	ROW(.name = "down the chain", .prog = T, .in = MDOWN(.dst = mn(MN_CHAIN)), .verdict = PM_V_HAIRPIN, .down = MN_CHAIN,
	    .out = INTO_MAG1(.dst = mn(MN_CHAIN)));

	ROW(.name = "inner hop limit 1", .prog = T, .in = UP(.hl = 1), .verdict = PM_V_REPLIED, .error = ERR_MN(TIME_EXCEEDED, 0));
	ROW(.name = "hairpin, hop limit 1", .prog = T, .in = HAIR(.hl = 1), .verdict = PM_V_REPLIED, .error = ERR_MN(TIME_EXCEEDED, 0));
	ROW(.name = "hairpin, too big for the other tunnel", .prog = T, .in = UP(.dst = mn(MN_SMALL), .len = 1281),
	    .verdict = PM_V_REPLIED, .error = ERR_MN(PTB, 1280));
	ROW(.name = "too big for the route", .prog = T, .in = UP(.dst = CN_SMALL, .len = 1301), .verdict = PM_V_REPLIED,
	    .error = ERR_MN(PTB, 1300));
	DROP("unreachable route", T, PM_DROP_NO_ROUTE, UP(.dst = CN_NOWHERE));
	DROP("another gateway's address", T, PM_DROP_OUTER_SOURCE, UP(.osrc = MAG2));
	DROP("unregistered outer source", T, PM_DROP_OUTER_SOURCE, UP(.osrc = OTHER));
	DROP("to an address of ours that is not the tunnel's", T, PM_DROP_OUTER_SOURCE, UP(.odst = PCOA));
	DROP("inner source without a session", T, PM_DROP_NO_SESSION, UP(.src = OTHER));
	DROP("inner source of a free prefix", T, PM_DROP_NO_SESSION, UP(.src = mn(MN_FREE)));
	DROP("inner source of a node on a link here", T, PM_DROP_SPOOFED, UP(.src = mn(MN_LINK)));
	DROP("inner source of another owner's slot", T, PM_DROP_STALE_SLOT, UP(.src = mn(MN_STALE)));
	DROP("lingering binding, from the node", T, PM_DROP_LINGERING, UP(.src = mn(MN_LINGER)));
	DROP("lingering binding of the other node", T, PM_DROP_LINGERING, UP(.dst = mn(MN_LINGER)));
	DROP("destination in another owner's slot", T, PM_DROP_STALE_SLOT, UP(.dst = mn(MN_STALE)));
	DROP("multicast in the tunnel", T, PM_DROP_LINK_SCOPE, UP(.dst = "ff0e::1"));
	DROP("link-local destination in the tunnel", T, PM_DROP_LINK_SCOPE, UP(.dst = "fe80::1"));
	DROP("link-local source in the tunnel", T, PM_DROP_LINK_SCOPE, UP(.src = "fe80::1"));
	DROP("no IPv6 in the tunnel", T, PM_DROP_MALFORMED, UP(.version = 4));
	DROP("inner packet longer than the outer payload", T, PM_DROP_MALFORMED, UP(.len_error = 1));
	DROP("outer payload longer than the frame", T, PM_DROP_MALFORMED, UP(.olen_error = 1));
	KERNEL("outer fragment for us", T, UP(.oext = EXT_FRAG_FIRST));
	KERNEL("later outer fragment for us", T, UP(.oext = EXT_FRAG_LATER));
	KERNEL("options between outer and inner header", T, UP(.oext = EXT_DSTOPTS));
	KERNEL("somebody else's tunnel", T, UP(.odst = OTHER));
	KERNEL("tunnel packet with a VLAN tag", T, UP(.vlan = 7));
	return n;
}

size_t mag_rows(struct row *rows)
{
	size_t n = 0;
	const enum world_prog T = AT_TRANSPORT, A = AT_ACCESS;

	ROW(.name = "leaves the tunnel onto the link", .prog = T, .in = MDOWN(), .verdict = PM_V_DECAP_LINK, .down = MN_LINK,
	    .out = ON_LINK());
	ROW(.name = "congestion in the tunnel reaches the node", .prog = T, .in = MDOWN(.tc = 2, .otc = 3), .verdict = PM_V_DECAP_LINK,
	    .down = MN_LINK, .out = ON_LINK(.tc = 3));
	ROW(.name = "onto the link, padded frame", .prog = T, .in = MDOWN(.len = 44, .nh = 59, .pad = 20), .verdict = PM_V_DECAP_LINK,
	    .down = MN_LINK, .out = ON_LINK(.len = 44, .nh = 59));
	ROW(.name = "full size for the link", .prog = T, .in = MDOWN(.len = 1500), .verdict = PM_V_DECAP_LINK, .down = MN_LINK,
	    .out = ON_LINK(.len = 1500));
	ROW(.name = "node on an interface without XDP", .prog = T, .in = MDOWN(.dst = mn(MN_LINK_SLOW)), .verdict = PM_V_DECAP_LINK,
	    .down = MN_LINK_SLOW, .out = ON_LINK(.dmac = mn_mac(MN_LINK_SLOW), .dst = mn(MN_LINK_SLOW)), .xdp_leaves_it = 1);
	ROW(.name = "hop limit 1 towards the node", .prog = T, .in = MDOWN(.hl = 1), .verdict = PM_V_REPLIED,
	    .error = ERR_MAG_CN(TIME_EXCEEDED, 0));
	ROW(.name = "too big for the link", .prog = T, .in = MDOWN(.len = 1501), .verdict = PM_V_REPLIED, .error = ERR_MAG_CN(PTB, 1500));
	DROP("not from the anchor", T, PM_DROP_OUTER_SOURCE, MDOWN(.osrc = OTHER));
	DROP("not to the Proxy-CoA", T, PM_DROP_OUTER_SOURCE, MDOWN(.odst = LMAA));
	DROP("node unknown to the gateway", T, PM_DROP_NO_SESSION, MDOWN(.dst = mn(MN_FREE)));
	DROP("node gone, lingering on the link", T, PM_DROP_LINGERING, MDOWN(.dst = mn(MN_LINGER_LINK)));
	DROP("multicast from the anchor", T, PM_DROP_LINK_SCOPE, MDOWN(.dst = "ff0e::1"));
	DROP("link-local source from the anchor", T, PM_DROP_LINK_SCOPE, MDOWN(.src = "fe80::1"));
	DROP("congestion mark that the packet cannot carry", T, PM_DROP_ECN, MDOWN(.otc = 3));

#define ENC(name_, in_, ...) ROW(.name = name_, .prog = A, .in = in_, .verdict = PM_V_ENCAP, \
	.up = MN_LINK, .out = __VA_ARGS__)
	ENC("node's packet enters the tunnel", ACC(), INTO_LMA2());
	ENC("node's packet, DSCP and ECN", ACC(.tc = 0xbb), INTO_LMA2(.tc = 0xbb, .otc = 0xbb));
	ENC("node's packet fits exactly", ACC(.len = 1460), INTO_LMA2(.len = 1460));
	ENC("node's padded frame", ACC(.len = 41, .nh = 59, .pad = 5), INTO_LMA2(.len = 41, .nh = 59));
	ENC("node's fragment", ACC(.ext = EXT_FRAG_LATER), INTO_LMA2(.ext = EXT_FRAG_LATER));
	ENC("node's own Mobility Header", ACC(.nh = 135), INTO_LMA2(.nh = 135));
	ENC("node's own tunnel", ACC(.nh = 41), INTO_LMA2(.nh = 41));
	ENC("to the interface's own link-layer address", ACC(.dmac = "02:00:00:00:02:01"), INTO_LMA2());
	ENC("no short cut without permission", ACC(.dst = mn(MN_LINK_LR)), INTO_LMA2(.dst = mn(MN_LINK_LR)));
	ENC("no short cut to a node that is anchored here either", ACC(.dst = mn(MN_BOTH)), INTO_LMA2(.dst = mn(MN_BOTH)));
	ENC("no short cut to another interface either", ACC(.dst = mn(MN_LINK_FAR)), INTO_LMA2(.dst = mn(MN_LINK_FAR)));
#undef ENC
	ROW(.name = "short cut to a neighbour", .prog = A, .in = ACC_LR(.dst = mn(MN_LINK)), .verdict = PM_V_LOCAL,
	    .up = MN_LINK_LR, .down = MN_LINK, .out = ON_LINK(.src = mn(MN_LINK_LR)));
	ROW(.name = "short cut to another interface", .prog = A, .in = ACC_LR(.dst = mn(MN_LINK_FAR)), .verdict = PM_V_LOCAL,
	    .up = MN_LINK_LR, .down = MN_LINK_FAR,
	    .out = ON_LINK(.dmac = mn_mac(MN_LINK_FAR), .src = mn(MN_LINK_LR), .dst = mn(MN_LINK_FAR)));
	ROW(.name = "permission, but the other is not here", .prog = A, .in = ACC_LR(), .verdict = PM_V_ENCAP, .up = MN_LINK_LR,
	    .out = INTO_LMA2(.src = mn(MN_LINK_LR)));
	ROW(.name = "anchor and gateway in one: routed", .prog = A, .in = ACC_BOTH(), .verdict = PM_V_ROUTE, .up = MN_BOTH,
	    .out = ROUTED(.src = mn(MN_BOTH)));
	ROW(.name = "anchor and gateway in one: to a node behind MAG1", .prog = A, .in = ACC_BOTH(.dst = mn(MN_1)), .verdict = PM_V_ENCAP,
	    .up = MN_BOTH, .down = MN_1, .out = INTO_MAG1(.src = mn(MN_BOTH)));
	KERNEL("anchor and gateway in one: no short cut to a node of another anchor", A, ACC_BOTH(.dst = mn(MN_LINK)));
	KERNEL("anchor and gateway in one: to ourselves", A, ACC_BOTH(.dst = "2001:db8:9999::1"));

	ROW(.name = "node's packet too big", .prog = A, .in = ACC(.len = 1461), .verdict = PM_V_REPLIED, .error = ERR_LINK(PTB, 1460));
	ROW(.name = "node's packet, hop limit 1", .prog = A, .in = ACC(.hl = 1), .verdict = PM_V_REPLIED, .error = ERR_LINK(TIME_EXCEEDED, 0));
	DROP("node without a binding", A, PM_DROP_UNKNOWN_NODE, ACC(.src = OTHER));
	DROP("prefix that nobody has", A, PM_DROP_UNKNOWN_NODE, ACC(.src = mn(MN_FREE)));
	DROP("prefix of a neighbour", A, PM_DROP_SPOOFED, ACC(.src = mn(MN_LINK_LR)));
	DROP("prefix of a node on another interface", A, PM_DROP_SPOOFED, ACC(.src = mn(MN_LINK_FAR)));
	DROP("right node, wrong interface", AT_ACCESS2, PM_DROP_SPOOFED, ACC());
	DROP("prefix of a node behind another gateway", A, PM_DROP_SPOOFED, ACC(.src = mn(MN_1)));
	DROP("wrong link-layer address", A, PM_DROP_SPOOFED, ACC(.smac = "02:00:00:00:00:99"));
	DROP("another owner's slot", A, PM_DROP_STALE_SLOT, ACC(.src = mn(MN_STALE)));
	DROP("node whose binding is being deleted", A, PM_DROP_LINGERING,
	     ACC(.smac = mn_mac(MN_LINGER_LINK), .src = mn(MN_LINGER_LINK)));
	DROP("unspecified source, routed destination", A, PM_DROP_UNKNOWN_NODE, ACC(.src = "::"));
	DROP("forged tunnel packet from a node", A, PM_DROP_UNKNOWN_NODE,
	     {.dmac = A_MAC, .smac = mn_mac(MN_LINK), .osrc = LMA2, .odst = PCOA, .src = CN, .dst = mn(MN_LINK_LR)});
	DROP("forged signalling from a node", A, PM_DROP_UNKNOWN_NODE, ACC(.src = LMA2, .dst = PCOA, .nh = 135));
	DROP("node's packet with a false length", A, PM_DROP_MALFORMED, ACC(.len_error = 1));
	KERNEL("node to the gateway itself", A, ACC(.dst = PCOA));
	KERNEL("router solicitation", A, ACC(.src = "fe80::1", .dst = "ff02::2", .hl = 255, .nh = 58, .l4 = {133}));
	DROP("neighbour solicitation between routed addresses", A, PM_DROP_LINK_SCOPE,
	     ACC(.hl = 255, .nh = 58, .l4 = {135}, .dst = mn(MN_LINK_LR)));
	DROP("neighbour solicitation in another's name", A, PM_DROP_LINK_SCOPE, ACC(.src = OTHER, .nh = 58, .l4 = {135}));
	DROP("MLD query to a routed address", A, PM_DROP_LINK_SCOPE, ACC(.src = OTHER, .nh = 58, .l4 = {130}));
	DROP("redirect to a routed address", A, PM_DROP_LINK_SCOPE, ACC(.src = OTHER, .nh = 58, .l4 = {137}));
	DROP("MLDv2 report to a routed address", A, PM_DROP_LINK_SCOPE, ACC(.src = OTHER, .nh = 58, .l4 = {143}));
	DROP("packet to the gateway in a broadcast frame", A, PM_DROP_LINK_SCOPE,
	     ACC(.dmac = "ff:ff:ff:ff:ff:ff", .src = LMA2, .dst = PCOA, .nh = 135));
	DROP("packet to a node in a multicast frame", A, PM_DROP_LINK_SCOPE,
	     ACC(.dmac = "33:33:00:00:00:01", .dst = mn(MN_LINK_LR)));
	DROP("link-local packet in a broadcast frame", A, PM_DROP_LINK_SCOPE,
	     ACC(.dmac = "ff:ff:ff:ff:ff:ff", .src = "fe80::1", .dst = PCOA));
	KERNEL("multicast in a multicast frame", A,
	       ACC(.dmac = "33:33:00:00:00:02", .src = "fe80::1", .dst = "ff02::2", .hl = 255, .nh = 58, .l4 = {133}));
	KERNEL("duplicate address detection", A, ACC(.src = "::", .dst = "ff02::1:ff00:1", .hl = 255, .nh = 58, .l4 = {135}));
	KERNEL("MLDv2 report", A, ACC(.src = "fe80::1", .dst = "ff02::16", .hl = 1, .ext = EXT_HOPOPTS, .nh = 58, .l4 = {143}));
	KERNEL("MLD done", A, ACC(.dst = "ff02::2", .hl = 1, .nh = 58, .l4 = {132}));
	KERNEL("link-local to link-local", A, ACC(.src = "fe80::1", .dst = "fe80::200:5eff:fe00:5213"));
	KERNEL("link-local source, global destination", A, ACC(.src = "fe80::1"));
	KERNEL("multicast from the node", A, ACC(.dst = "ff0e::1"));
	KERNEL("ARP from the node", A, ACC(.ethertype = 0x0806));
	KERNEL("VLAN tag from the node", A, ACC(.vlan = 3));
	KERNEL("frame to another station of the link", A, ACC(.dmac = "02:00:00:00:09:09"));
	return n;
}

size_t ip4_rows(struct row *rows)
{
	size_t n = 0;
	const enum world_prog T = AT_TRANSPORT, A = AT_ACCESS;

	ROW(.name = "IPv4 into IPv6", .prog = T, .in = DOWN4(), .verdict = PM_V_ENCAP, .down = MN_1,
	    .out = INTO_MAG1(.src = CN4, .dst = mn4(MN_1)));
	ROW(.name = "IPv4, anchored and on our own link", .prog = T, .in = DOWN4(.dst = mn4(MN_BOTH)), .verdict = PM_V_LINK,
	    .down = MN_BOTH, .out = ON_LINK(.dmac = mn_mac(MN_BOTH), .src = CN4, .dst = mn4(MN_BOTH)));
	DROP("IPv4, lingering binding", T, PM_DROP_LINGERING, DOWN4(.dst = mn4(MN_LINGER)));
	DROP("IPv4, slot of another owner", T, PM_DROP_STALE_SLOT, DOWN4(.dst = mn4(MN_STALE)));
	DROP("IPv4, tunnel to ourselves", T, PM_DROP_LOOP, DOWN4(.dst = mn4(MN_SELF)));
	DROP("IPv4, session without a tunnel", T, PM_DROP_NO_NEXTHOP, DOWN4(.dst = mn4(MN_NOWHERE)));
	DROP("IPv4, total length beyond the frame", T, PM_DROP_MALFORMED, DOWN4(.len_error = 1));
	DROP("IPv4, total length 0", T, PM_DROP_MALFORMED, DOWN4(.len_error = -128));
	DROP("IPv4, wrong header checksum", T, PM_DROP_MALFORMED, DOWN4(.sum_error = 1));
	DROP("IPv4, no error about an ICMP error", T, PM_DROP_HOP_LIMIT, DOWN4(.hl = 1, .nh = 1, .l4 = {11}));
	DROP("IPv4, no error about ICMP behind options", T, PM_DROP_HOP_LIMIT,
	     DOWN4(.hl = 1, .ext = EXT_OPTIONS, .nh = 1, .l4 = {8}));
	KERNEL("IPv4, nobody at this address", T, DOWN4(.dst = mn4(MN_FREE)));
	KERNEL("IPv4, address beyond the pool", T, DOWN4(.dst = mn4(MN_NONE)));
	KERNEL("IPv4, another destination", T, DOWN4(.dst = OTHER4));
	KERNEL("IPv4, node of another anchor", T, DOWN4(.dst = mn4(MN_LINK)));
	KERNEL("IPv4, home address of another domain", T, DOWN4(.dst = DOM_ADDR4));
	KERNEL("IPv4, multicast", T, DOWN4(.dst = "239.1.2.3"));
	KERNEL("IPv4, broadcast", T, DOWN4(.dst = "255.255.255.255"));
	KERNEL("IPv4, link-local source", T, DOWN4(.src = "169.254.7.7"));
	KERNEL("IPv4, loopback source", T, DOWN4(.src = "127.0.0.1"));
	KERNEL("IPv4, source of no host", T, DOWN4(.src = "0.0.0.0"));
	KERNEL("IPv4, source is a group", T, DOWN4(.src = "224.0.0.1"));
	KERNEL("IPv4, version 6 in an IPv4 frame", T, DOWN4(.version = 6));
	KERNEL("IPv4, header length below 5", T, DOWN4(.ihl_error = -1));
	KERNEL("IPv4, VLAN tag", T, DOWN4(.vlan = 5));
	KERNEL("IPv4, for us", T, DOWN4(.dst = LMAA4));
	KERNEL("IPv4, signalling for us", T, DOWN4(.dst = LMAA4, .dport = 5436));

	ROW(.name = "IPv4 of a node into IPv6", .prog = A, .in = ACC4(), .verdict = PM_V_ENCAP, .up = MN_LINK,
	    .out = INTO_LMA2(.src = mn4(MN_LINK), .dst = CN4));
	ROW(.name = "IPv4, anchor and gateway in one: routed", .prog = A, .in = ACC4_BOTH(), .verdict = PM_V_ROUTE, .up = MN_BOTH,
	    .out = {.dmac = R_MAC, .smac = T_MAC, .src = mn4(MN_BOTH), .dst = CN4, .hl = 63});
	ROW(.name = "IPv4, anchor and gateway in one: to a node behind MAG1", .prog = A, .in = ACC4_BOTH(.dst = mn4(MN_1)),
	    .verdict = PM_V_ENCAP, .up = MN_BOTH, .down = MN_1, .out = INTO_MAG1(.src = mn4(MN_BOTH), .dst = mn4(MN_1)));
	DROP("IPv4, node without a binding", A, PM_DROP_UNKNOWN_NODE, ACC4(.src = OTHER4));
	DROP("IPv4, address that nobody has", A, PM_DROP_UNKNOWN_NODE, ACC4(.src = mn4(MN_FREE)));
	DROP("IPv4, home address in another domain", A, PM_DROP_UNKNOWN_NODE, ACC4(.src = DOM_ADDR4));
	DROP("IPv4, address of a neighbour", A, PM_DROP_SPOOFED, ACC4(.src = mn4(MN_LINK_LR)));
	DROP("IPv4, address of a node on another interface", A, PM_DROP_SPOOFED, ACC4(.src = mn4(MN_LINK_FAR)));
	DROP("IPv4, right node, wrong interface", AT_ACCESS2, PM_DROP_SPOOFED, ACC4());
	DROP("IPv4, address of a node behind another gateway", A, PM_DROP_SPOOFED, ACC4(.src = mn4(MN_1)));
	DROP("IPv4, wrong link-layer address", A, PM_DROP_SPOOFED, ACC4(.smac = "02:00:00:00:00:99"));
	DROP("IPv4, another owner's slot", A, PM_DROP_STALE_SLOT, ACC4(.src = mn4(MN_STALE)));
	DROP("IPv4, node whose binding is being deleted", A, PM_DROP_LINGERING,
	     ACC4(.smac = mn_mac(MN_LINGER_LINK), .src = mn4(MN_LINGER_LINK)));
	DROP("IPv4, forged tunnel packet from a node", A, PM_DROP_UNKNOWN_NODE,
	     {.dmac = A_MAC, .smac = mn_mac(MN_LINK), .osrc = "203.0.113.16", .odst = PCOA4, .shim = SHIM_UDP, .src = CN4,
	      .dst = mn4(MN_LINK_LR)});
	DROP("IPv4, unicast in a broadcast frame", A, PM_DROP_LINK_SCOPE, ACC4(.dmac = "ff:ff:ff:ff:ff:ff"));
	DROP("IPv4, a node's packet with a false length", A, PM_DROP_MALFORMED, ACC4(.len_error = 1));
	DROP("IPv4, a node's packet with a wrong checksum", A, PM_DROP_MALFORMED, ACC4(.sum_error = 1));
#define DAEMON(name_, ...) ROW(.name = name_, .prog = A, .in = ACC4(.sport = 68, .dport = 67, __VA_ARGS__), \
	.verdict = PM_V_TO_DAEMON, .xdp_leaves_it = 1)
#define TO_ALL .dmac = "ff:ff:ff:ff:ff:ff", .dst = "255.255.255.255"
	DAEMON("DHCPv4 discovery", TO_ALL, .src = "0.0.0.0");
	DAEMON("DHCPv4 rebinding, in a broadcast", TO_ALL);
	DAEMON("DHCPv4 renewal, to the default router", .dst = mn4(MN_FREE));
	DAEMON("DHCPv4 renewal, to a server elsewhere", .dst = OTHER4);
	DAEMON("DHCPv4 of a node without a binding", .src = OTHER4, .dst = mn4(MN_FREE));
	DAEMON("DHCPv4 to an address of ours", .dst = PCOA4);
	DAEMON("DHCPv4 behind options", TO_ALL, .src = "0.0.0.0", .ext = EXT_OPTIONS);
	DAEMON("DHCPv4, first fragment", TO_ALL, .src = "0.0.0.0", .ext = EXT_FRAG_FIRST);
	KERNEL("DHCPv4, later fragment in a broadcast", A,
	       ACC4(TO_ALL, .src = "0.0.0.0", .sport = 68, .dport = 67, .ext = EXT_FRAG_LATER));
	KERNEL("DHCPv4 in a VLAN", A, ACC4(TO_ALL, .src = "0.0.0.0", .sport = 68, .dport = 67, .vlan = 3));
	KERNEL("DHCPv4 to another station of the link", A,
	       ACC4(.dmac = "02:00:00:00:09:09", .sport = 68, .dport = 67));
	KERNEL("a broadcast to another port", A, ACC4(TO_ALL, .src = "0.0.0.0", .sport = 68, .dport = 69));
	DROP("DHCPv4 to one node in a broadcast frame", A, PM_DROP_LINK_SCOPE,
	     ACC4(.dmac = "ff:ff:ff:ff:ff:ff", .sport = 68, .dport = 67));
	ROW(.name = "another DHCP relay agent behind a node is payload", .prog = A, .in = ACC4(.sport = 67, .dport = 67),
	    .verdict = PM_V_ENCAP, .up = MN_LINK,
	    .out = INTO_LMA2(.src = mn4(MN_LINK), .dst = CN4, .sport = 67, .dport = 67));
	KERNEL("ARP of a node", A, ACC4(.ethertype = 0x0806));
#undef DAEMON
#undef TO_ALL
	KERNEL("IGMP report", A, ACC4(.dmac = "01:00:5e:00:00:16", .dst = "224.0.0.22", .hl = 1, .nh = 2));
	KERNEL("IPv4, node to the gateway itself", A, ACC4(.dst = PCOA4));
	KERNEL("IPv4, link-local to link-local", A, ACC4(.src = "169.254.0.1", .dst = "169.254.0.2"));
	KERNEL("IPv4, VLAN tag from the node", A, ACC4(.vlan = 3));
	KERNEL("IPv4, frame to another station of the link", A, ACC4(.dmac = "02:00:00:00:09:09"));
	return n;
}
// clang-format on
