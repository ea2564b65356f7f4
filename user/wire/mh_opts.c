/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mobility options, one row each, in the order of their numbers. An option with field rows
 * is decoded, encoded, printed and documented from them. One without is known by number and
 * name: its content stays raw, whatever its length, as RFC 6275 6.2.1 wants for what a receiver
 * does not understand.
 */
#include "wire/mh_table.h"

#include "base/util.h"

#define AT(member) \
	.off = offsetof(struct mh_opt, member), .size = sizeof(((struct mh_opt *)0)->member)

#define RESERVED(pos, octets)                                                        \
	{                                                                            \
		.name = "Reserved", .at = pos, .width = octets, .kind = MHF_RESERVED \
	}
#define UINT(text, pos, octets, member, how)                                             \
	{                                                                                \
		.name = text, .at = pos, .width = octets, .kind = MHF_UINT, .show = how, \
		AT(member)                                                               \
	}
#define NAMED(text, pos, member, fn)                                                     \
	{                                                                                \
		.name = text, .at = pos, .width = 1, .kind = MHF_UINT, .value_name = fn, \
		AT(member)                                                               \
	}
#define PREFIX_LEN(text, pos, member)                                                   \
	{                                                                               \
		.name = text, .at = pos, .width = 1, .kind = MHF_PREFIX_LEN, AT(member) \
	}
#define ADDR6(text, pos, member)                                                           \
	{                                                                                  \
		.name = text, .at = pos, .width = 16, .kind = MHF_ADDR6, .show = MHS_ADDR, \
		AT(member)                                                                 \
	}
#define ADDR4(text, pos, member)                                                          \
	{                                                                                 \
		.name = text, .at = pos, .width = 4, .kind = MHF_ADDR4, .show = MHS_ADDR, \
		AT(member)                                                                \
	}
#define BITS(text, pos, octets, from, n, greatest, member, how)                          \
	{                                                                                \
		.name = text, .at = pos, .width = octets, .kind = MHF_BITS, .show = how, \
		.shift = from, .bits = n, .max = greatest, AT(member)                    \
	}
#define UINT_IF(text, pos, octets, has, member, how)                                        \
	{                                                                                   \
		.name = text, .at = pos, .width = octets, .kind = MHF_UINT_IF, .show = how, \
		.off_len = offsetof(struct mh_opt, has), AT(member)                         \
	}
#define TAIL(text, pos, ptr, len, how)                                           \
	{                                                                        \
		.name = text, .at = pos, .kind = MHF_TAIL, .show = how, AT(ptr), \
		.off_len = offsetof(struct mh_opt, len)                          \
	}
#define TAIL_OF_FORM(text, pos, ptr, len, how, form)                             \
	{                                                                        \
		.name = text, .at = pos, .kind = MHF_TAIL, .show = how, AT(ptr), \
		.off_len = offsetof(struct mh_opt, len), .tail_ok = form         \
	}

// clang-format off
static const struct mh_field f_refresh_advice[] = {
	UINT("Refresh interval", 2, 2, refresh_interval, MHS_UNITS),
};
static const struct mh_field f_alt_coa[] = {
	ADDR6("Alternate Care-of Address", 2, addr),
};
static const struct mh_field f_nonce_indices[] = {
	UINT("Home nonce index", 2, 2, nonce.home, MHS_DEC),
	UINT("Care-of nonce index", 4, 2, nonce.careof, MHS_DEC),
};
static const struct mh_field f_auth_data[] = {
	TAIL("Authenticator", 2, bytes.data, bytes.len, MHS_OCTETS),
};
static const struct mh_field f_mn_id[] = {
	NAMED("Subtype", 2, mnid.subtype, mnid_subtype_name),
	TAIL("Identifier", 3, mnid.id, mnid.len, MHS_TEXT),
};
static const struct mh_field f_vendor[] = {
	UINT("Vendor Id", 2, 4, vendor.id, MHS_DEC),
	UINT("Subtype", 6, 1, vendor.subtype, MHS_DEC),
	TAIL("Data", 7, vendor.data, vendor.len, MHS_OCTETS),
};
static const struct mh_field f_service_selection[] = {
	TAIL("Identifier", 2, bytes.data, bytes.len, MHS_TEXT),
};
static const struct mh_field f_hnp[] = {
	UINT("Flags", 2, 1, hnp.flags, MHS_HEX),
	PREFIX_LEN("Prefix length", 3, hnp.prefix.len),
	ADDR6("Home Network Prefix", 4, hnp.prefix.addr),
};
static const struct mh_field f_handoff_ind[] = {
	RESERVED(2, 1),
	NAMED("Handoff Indicator", 3, value, handoff_ind_name),
};
static const struct mh_field f_att[] = {
	RESERVED(2, 1),
	NAMED("Access Technology Type", 3, value, att_name),
};
static const struct mh_field f_mn_llid[] = {
	RESERVED(2, 2),
	TAIL("Link-layer Identifier", 4, llid.id, llid.len, MHS_OCTETS),
};
static const struct mh_field f_link_local[] = {
	ADDR6("Link-local Address", 2, addr),
};
static const struct mh_field f_timestamp[] = {
	UINT("Timestamp", 2, 8, timestamp, MHS_TIME),
};
static const struct mh_field f_restart_counter[] = {
	UINT("Restart Counter", 2, 4, restart_counter, MHS_DEC),
};
static const struct mh_field f_nat_detection[] = {
	BITS("Force UDP encapsulation", 2, 2, 15, 1, 1, nat.force, MHS_YES_NO),
	UINT("Refresh time", 4, 4, nat.refresh_s, MHS_DEC),
};
static const struct mh_field f_gre_key[] = {
	RESERVED(2, 2),
	UINT_IF("GRE Key Identifier", 4, 4, gre.has_key, gre.key, MHS_DEC),
};
static const struct mh_field f_ipv4_hoa_request[] = {
	BITS("Prefix length", 2, 2, 10, 6, 32, hoa4.len, MHS_DEC),
	ADDR4("IPv4 home address", 4, hoa4.addr),
};
static const struct mh_field f_ipv4_hoa_reply[] = {
	NAMED("Status", 2, hoa4.status, hoa4_status_name),
	BITS("Prefix length", 3, 1, 2, 6, 32, hoa4.len, MHS_DEC),
	ADDR4("IPv4 home address", 4, hoa4.addr),
};
static const struct mh_field f_ipv4_default_router[] = {
	RESERVED(2, 2),
	ADDR4("IPv4 Default-Router Address", 4, addr4),
};
static const struct mh_field f_ipv4_dhcp_mode[] = {
	BITS("DHCP server", 2, 2, 0, 1, 1, server, MHS_YES_NO),
};
static const struct mh_field f_context_request[] = {
	RESERVED(2, 2),
	TAIL_OF_FORM("Options", 4, requests.data, requests.len, MHS_CONTEXT, mh_context_ok),
};
static const struct mh_field f_lma_address[] = {
	NAMED("Option-Code", 2, lma.code, lma_addr_code_name),
	RESERVED(3, 1),
	TAIL_OF_FORM("Local Mobility Anchor Address", 4, lma.octets, lma.len, MHS_IP,
		     mh_lma_addr_ok),
};
static const struct mh_field f_mn_lla_iid[] = {
	RESERVED(2, 2),
	UINT("Interface Identifier", 4, 8, iid, MHS_HEX),
};

#define FIELDS(f) .has_layout = true, .fields = f, .n_fields = ARRAY_SIZE(f)
#define ONCE false
#define MANY true

/* A row with layout: number, name, Length from..to, alignment xn+y, how often, reference. */
#define LAYOUT(num, text, lo, hi, x, y, often, f, doc) \
	[num] = {.type = num, .name = text, .min_len = lo, .max_len = hi, .align_x = x, \
		 .align_y = y, .repeatable = often, .ref = doc, FIELDS(f)}
#define BY_NAME(num, text, doc) \
	[num] = {.type = num, .name = text, .min_len = 0, .max_len = 255, .align_x = 1, \
		 .repeatable = true, .ref = doc}
#define PADDING(num, text, hi, doc) \
	[num] = {.type = num, .name = text, .max_len = hi, .align_x = 1, .repeatable = true, \
		 .has_layout = true, .ref = doc}

static const struct mh_opt_info opts[] = {
	PADDING(0, "Pad1", 0, "RFC 6275 6.2.2"),
	PADDING(1, "PadN", 255, "RFC 6275 6.2.3"),
	LAYOUT(2, "Binding Refresh Advice", 2, 2, 2, 0, ONCE, f_refresh_advice, "RFC 6275 6.2.4"),
	LAYOUT(3, "Alternate Care-of Address", 16, 16, 8, 6, ONCE, f_alt_coa, "RFC 6275 6.2.5"),
	LAYOUT(4, "Nonce Indices", 4, 4, 2, 0, ONCE, f_nonce_indices, "RFC 6275 6.2.6"),
	[5] = {.type = 5, .name = "Binding Authorization Data", .min_len = 0, .max_len = 255,
	       .align_x = 8, .align_y = 2, .align_rule = MH_ALIGN_ENDS_AT_8N,
	       .ref = "RFC 6275 6.2.7", FIELDS(f_auth_data)},
	BY_NAME(6, "Mobile Network Prefix", "RFC 3963"),
	BY_NAME(7, "Mobility Header Link-Layer Address", "RFC 5568"),
	LAYOUT(8, "Mobile Node Identifier", 1, 255, 1, 0, ONCE, f_mn_id, "RFC 4283 3"),
	BY_NAME(9, "Authentication", "RFC 4285"),
	BY_NAME(10, "Message Identification", "RFC 4285"),
	BY_NAME(11, "CGA Parameters Request", "RFC 4866"),
	BY_NAME(12, "CGA Parameters", "RFC 4866"),
	BY_NAME(13, "Signature", "RFC 4866"),
	BY_NAME(14, "Permanent Home Keygen Token", "RFC 4866"),
	BY_NAME(15, "Care-of Test Init", "RFC 4866"),
	BY_NAME(16, "Care-of Test", "RFC 4866"),
	BY_NAME(17, "DNS Update", "RFC 5026"),
	BY_NAME(18, "Experimental", "RFC 5096"),
	LAYOUT(19, "Vendor Specific", 5, 255, 4, 2, MANY, f_vendor, "RFC 5094 3"),
	LAYOUT(20, "Service Selection", 1, 255, 1, 0, ONCE, f_service_selection, "RFC 5149 3"),
	BY_NAME(21, "Binding Authorization Data for FMIPv6", "RFC 5568"),
	LAYOUT(22, "Home Network Prefix", 18, 18, 8, 4, MANY, f_hnp, "RFC 5213 8.3"),
	LAYOUT(23, "Handoff Indicator", 2, 2, 1, 0, ONCE, f_handoff_ind, "RFC 5213 8.4"),
	LAYOUT(24, "Access Technology Type", 2, 2, 1, 0, ONCE, f_att, "RFC 5213 8.5"),
	[25] = {.type = 25, .name = "Mobile Node Link-layer Identifier", .min_len = 2,
		.max_len = 255, .align_x = 2, .align_y = 0, .align_rule = MH_ALIGN_BY_TAIL,
		.ref = "RFC 5213 8.6", FIELDS(f_mn_llid)},
	LAYOUT(26, "Link-local Address", 16, 16, 8, 6, ONCE, f_link_local, "RFC 5213 8.7"),
	LAYOUT(27, "Timestamp", 8, 8, 8, 2, ONCE, f_timestamp, "RFC 5213 8.8"),
	LAYOUT(28, "Restart Counter", 4, 4, 4, 2, ONCE, f_restart_counter, "RFC 5847 3.4"),
	BY_NAME(29, "IPv4 Home Address", "RFC 5555"),
	BY_NAME(30, "IPv4 Address Acknowledgement", "RFC 5555"),
	LAYOUT(31, "NAT Detection", 6, 6, 4, 0, ONCE, f_nat_detection, "RFC 5555 3.2.2"),
	BY_NAME(32, "IPv4 Care-of Address", "RFC 5555"),
	LAYOUT(33, "GRE Key", 2, 6, 4, 0, ONCE, f_gre_key, "RFC 5845 6.1"),
	BY_NAME(34, "Mobility Header IPv6 Address/Prefix", "RFC 5568"),
	BY_NAME(35, "Binding Identifier", "RFC 5648"),
	LAYOUT(36, "IPv4 Home Address Request", 6, 6, 4, 0, ONCE, f_ipv4_hoa_request,
	       "RFC 5844 3.3.1"),
	LAYOUT(37, "IPv4 Home Address Reply", 6, 6, 4, 0, ONCE, f_ipv4_hoa_reply,
	       "RFC 5844 3.3.2"),
	LAYOUT(38, "IPv4 Default-Router Address", 6, 6, 4, 0, ONCE, f_ipv4_default_router,
	       "RFC 5844 3.3.3"),
	LAYOUT(39, "IPv4 DHCP Support Mode", 2, 2, 1, 0, ONCE, f_ipv4_dhcp_mode,
	       "RFC 5844 3.3.4"),
	/* RFC 5949 states no alignment: words as in its figures */
	LAYOUT(40, "Context Request", 2, 255, 4, 0, ONCE, f_context_request, "RFC 5949 6.2.1"),
	LAYOUT(41, "Local Mobility Anchor Address", 6, 18, 4, 0, MANY, f_lma_address,
	       "RFC 5949 6.2.2"),
	LAYOUT(42, "Mobile Node Link-local Address Interface Identifier", 10, 10, 4, 0, ONCE,
	       f_mn_lla_iid, "RFC 5949 6.2.3"),
	BY_NAME(43, "Transient Binding", "RFC 6058"),
	BY_NAME(44, "Flow Summary", "RFC 6089"),
	BY_NAME(45, "Flow Identification", "RFC 6089"),
	BY_NAME(46, "Redirect-Capability", "RFC 6463"),
	BY_NAME(47, "Redirect", "RFC 6463"),
	BY_NAME(48, "Load Information", "RFC 6463"),
	BY_NAME(49, "Alternate IPv4 Care-of Address", "RFC 6463"),
	BY_NAME(50, "Mobile Node Group Identifier", "RFC 6602"),
	BY_NAME(51, "MAG IPv6 Address", "RFC 6705"),
	BY_NAME(52, "Access Network Identifier", "RFC 6757"),
	BY_NAME(53, "IPv4 Traffic Offload Selector", "RFC 6909"),
	BY_NAME(54, "Dynamic IP Multicast Selector", "RFC 7028"),
	BY_NAME(55, "Delegated Mobile Network Prefix", "RFC 7148"),
	BY_NAME(56, "Active Multicast Subscription IPv4", "RFC 7161"),
	BY_NAME(57, "Active Multicast Subscription IPv6", "RFC 7161"),
	BY_NAME(58, "Quality of Service", "RFC 7222"),
	BY_NAME(59, "LMA User-Plane Address", "RFC 7389"),
	BY_NAME(60, "Multicast Mobility", "RFC 7411"),
	BY_NAME(61, "Multicast Acknowledgement", "RFC 7411"),
	BY_NAME(62, "LMA-Controlled MAG Parameters", "RFC 8127"),
	BY_NAME(63, "MAG Multipath Binding", "RFC 8278"),
	BY_NAME(64, "MAG Identifier", "RFC 8278"),
	BY_NAME(65, "Anchored Prefix", "RFC 8885"),
	BY_NAME(66, "Local Prefix", "RFC 8885"),
	BY_NAME(67, "Previous MAAR", "RFC 8885"),
	BY_NAME(68, "Serving MAAR", "RFC 8885"),
	BY_NAME(69, "DLIF Link-Local Address", "RFC 8885"),
	BY_NAME(70, "DLIF Link-Layer Address", "RFC 8885"),
};
// clang-format on

size_t mh_opt_infos(const struct mh_opt_info **rows)
{
	*rows = opts;
	return ARRAY_SIZE(opts);
}

const struct mh_opt_info *mh_opt_row(uint8_t type)
{
	return type < ARRAY_SIZE(opts) ? &opts[type] : NULL;
}

const char *mh_opt_name(uint8_t type)
{
	const struct mh_opt_info *row = mh_opt_row(type);

	return row ? row->name : "Unknown";
}
