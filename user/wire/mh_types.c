/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Mobility Header types, one row each, in the order of their numbers, and the letters of the
 * Binding Update and Acknowledgement flags. A type without layout is known by name only; whoever
 * receives one answers as RFC 6275 9.2 wants for an unrecognized type.
 */
#include "wire/mh_table.h"

#include "base/util.h"

#define AT(member) \
	.off = offsetof(struct mh_msg, member), .size = sizeof(((struct mh_msg *)0)->member)

/* RFC 5846 5: the octet is a trigger or a status. */
static const char *br_code_name(const struct mh_msg *m, uint8_t v)
{
	return m->br.type == BR_ACKNOWLEDGEMENT ? bra_status_name(v) : br_trigger_name(v);
}

/* RFC 5949 6.1 */
static const char *hi_code(const struct mh_msg *m, uint8_t v)
{
	return hi_code_name(v, m->ho.flags & MH_HI_P);
}

static const char *hack_code(const struct mh_msg *m, uint8_t v)
{
	return hack_code_name(v, m->ho.flags & MH_HACK_P);
}

// clang-format off
static const struct mh_field f_brr[] = {
	{"Reserved", 6, 2, MHF_RESERVED},
};
static const struct mh_field f_bu[] = {
	{"Sequence number", 6, 2, MHF_UINT, MHS_DEC, AT(bu.seq)},
	{"Flags", 8, 2, MHF_UINT, MHS_BU_FLAGS, AT(bu.flags)},
	{"Lifetime", 10, 2, MHF_UINT, MHS_UNITS, AT(bu.lifetime)},
};
static const struct mh_field f_ba[] = {
	{"Status", 6, 1, MHF_UINT, MHS_DEC, AT(ba.status), .value_name = pba_status_name},
	{"Flags", 7, 1, MHF_UINT, MHS_BA_FLAGS, AT(ba.flags)},
	{"Sequence number", 8, 2, MHF_UINT, MHS_DEC, AT(ba.seq)},
	{"Lifetime", 10, 2, MHF_UINT, MHS_UNITS, AT(ba.lifetime)},
};
static const struct mh_field f_be[] = {
	{"Status", 6, 1, MHF_UINT, MHS_DEC, AT(be.status), .value_name = be_status_name},
	{"Reserved", 7, 1, MHF_RESERVED},
	{"Home Address", 8, 16, MHF_ADDR6, MHS_ADDR, AT(be.hoa)},
};

static const struct mh_field f_hb[] = {
	{"Flags", 6, 2, MHF_UINT, MHS_HB_FLAGS, AT(hb.flags)},
	{"Sequence number", 8, 4, MHF_UINT, MHS_DEC, AT(hb.seq)},
};
static const struct mh_field f_br[] = {
	{"B.R. Type", 6, 1, MHF_UINT, MHS_DEC, AT(br.type), .value_name = br_type_name},
	{"Trigger or status", 7, 1, MHF_UINT, MHS_DEC, AT(br.code), .value_name_in = br_code_name},
	{"Sequence number", 8, 2, MHF_UINT, MHS_DEC, AT(br.seq)},
	{"Flags", 10, 2, MHF_UINT, MHS_BR_FLAGS, AT(br.flags)},
};
static const struct mh_field f_hi[] = {
	{"Sequence number", 6, 2, MHF_UINT, MHS_DEC, AT(ho.seq)},
	{"Flags", 8, 1, MHF_UINT, MHS_HI_FLAGS, AT(ho.flags)},
	{"Code", 9, 1, MHF_UINT, MHS_DEC, AT(ho.code), .value_name_in = hi_code},
};
static const struct mh_field f_hack[] = {
	{"Sequence number", 6, 2, MHF_UINT, MHS_DEC, AT(ho.seq)},
	{"Flags", 8, 1, MHF_UINT, MHS_HACK_FLAGS, AT(ho.flags)},
	{"Code", 9, 1, MHF_UINT, MHS_DEC, AT(ho.code), .value_name_in = hack_code},
};

/* number, name, short name, offset of the first option, reference [, fields] */
#define LAYOUT(num, text, abbr, opts_at, hdr, f, doc) \
	[num] = {.type = num, .name = text, .short_name = abbr, .has_layout = true, \
		 .min_hdr_len = hdr, .fixed_len = opts_at, .ref = doc, .fields = f, \
		 .n_fields = ARRAY_SIZE(f)}
#define BY_NAME(num, text, abbr, hdr, doc) \
	[num] = {.type = num, .name = text, .short_name = abbr, .min_hdr_len = hdr, .ref = doc}

static const struct mh_type_info types[] = {
	LAYOUT(0, "Binding Refresh Request", "BRR", 8, 0, f_brr, "RFC 6275 6.1.2"),
	BY_NAME(1, "Home Test Init", "HoTI", 1, "RFC 6275 6.1.3"),
	BY_NAME(2, "Care-of Test Init", "CoTI", 1, "RFC 6275 6.1.4"),
	BY_NAME(3, "Home Test", "HoT", 2, "RFC 6275 6.1.5"),
	BY_NAME(4, "Care-of Test", "CoT", 2, "RFC 6275 6.1.6"),
	LAYOUT(5, "Binding Update", "BU", 12, 1, f_bu, "RFC 6275 6.1.7, RFC 5213 8.1"),
	LAYOUT(6, "Binding Acknowledgement", "BA", 12, 1, f_ba, "RFC 6275 6.1.8, RFC 5213 8.2"),
	LAYOUT(7, "Binding Error", "BE", 24, 2, f_be, "RFC 6275 6.1.9"),
	BY_NAME(8, "Fast Binding Update", "FBU", 1, "RFC 5568 6.2.2"),
	BY_NAME(9, "Fast Binding Acknowledgment", "FBack", 1, "RFC 5568 6.2.3"),
	BY_NAME(10, "Fast Neighbor Advertisement", "FNA", 0, "RFC 5568"),
	BY_NAME(11, "Experimental Mobility Header", "EXP", 0, "RFC 5096"),
	BY_NAME(12, "Home Agent Switch", "HAS", 0, "RFC 5142 4"),
	LAYOUT(13, "Heartbeat", "HB", 12, 1, f_hb, "RFC 5847 3.3"),
	LAYOUT(14, "Handover Initiate", "HI", 10, 1, f_hi, "RFC 5568 6.2.1.1, RFC 5949 6.1.1"),
	LAYOUT(15, "Handover Acknowledge", "HAck", 10, 1, f_hack,
	       "RFC 5568 6.2.1.2, RFC 5949 6.1.2"),
	LAYOUT(16, "Binding Revocation", "BR", 12, 1, f_br, "RFC 5846 5"),
	BY_NAME(17, "Localized Routing Initiation", "LRI", 1, "RFC 6705 10.1"),
	BY_NAME(18, "Localized Routing Acknowledgment", "LRA", 1, "RFC 6705 10.2"),
	BY_NAME(19, "Update Notification", "UPN", 1, "RFC 7077 4.1"),
	BY_NAME(20, "Update Notification Acknowledgement", "UPA", 1, "RFC 7077 4.2"),
	BY_NAME(21, "Flow Binding", "FB", 1, "RFC 7109 6"),
	BY_NAME(22, "Subscription Query", "SUBQ", 0, "RFC 7161 4.3.1"),
	BY_NAME(23, "Subscription Response", "SUBR", 0, "RFC 7161 4.3.2"),
};

static const struct mh_flag bu_flags[] = {
	{MH_BU_A, 'A'}, {MH_BU_H, 'H'}, {MH_BU_L, 'L'}, {MH_BU_K, 'K'},
	{MH_BU_M, 'M'}, {MH_BU_R, 'R'}, {MH_BU_P, 'P'}, {MH_BU_F, 'F'},
	{MH_BU_T, 'T'}, {MH_BU_B, 'B'}, {MH_BU_S, 'S'}, {MH_BU_D, 'D'},
};
static const struct mh_flag ba_flags[] = {
	{MH_BA_K, 'K'}, {MH_BA_R, 'R'}, {MH_BA_P, 'P'}, {MH_BA_T, 'T'},
	{MH_BA_B, 'B'}, {MH_BA_S, 'S'}, {MH_BA_D, 'D'},
};
static const struct mh_flag hb_flags[] = {
	{MH_HB_U, 'U'}, {MH_HB_R, 'R'},
};
static const struct mh_flag br_flags[] = {
	{MH_BR_P, 'P'}, {MH_BR_V, 'V'}, {MH_BR_G, 'G'},
};
static const struct mh_flag hi_flags[] = {
	{MH_HI_S, 'S'}, {MH_HI_U, 'U'}, {MH_HI_P, 'P'}, {MH_HI_F, 'F'},
};
static const struct mh_flag hack_flags[] = {
	{MH_HACK_U, 'U'}, {MH_HACK_P, 'P'}, {MH_HACK_F, 'F'},
};
// clang-format on

size_t mh_type_infos(const struct mh_type_info **rows)
{
	*rows = types;
	return ARRAY_SIZE(types);
}

const struct mh_type_info *mh_type_row(uint8_t type)
{
	return type < ARRAY_SIZE(types) ? &types[type] : NULL;
}

const char *mh_type_name(uint8_t type)
{
	const struct mh_type_info *row = mh_type_row(type);

	return row ? row->name : "Unknown";
}

const char *mh_msg_name(const struct mh_msg *m)
{
	const struct mh_type_info *row = mh_type_row(m->type);

	if (m->type == MH_BU && m->bu.flags & MH_BU_P)
		return "PBU";
	if (m->type == MH_BA && m->ba.flags & MH_BA_P)
		return "PBA";
	if (m->type == MH_BINDING_REVOCATION && m->br.type == BR_INDICATION)
		return "BRI";
	if (m->type == MH_BINDING_REVOCATION && m->br.type == BR_ACKNOWLEDGEMENT)
		return "BRA";
	return row ? row->short_name : "Unknown";
}

static void flags_str(const struct mh_flag *row, size_t n, uint16_t flags, char *p)
{
	for (size_t i = 0; i < n; i++) {
		if (flags & row[i].bit)
			*p++ = row[i].letter;
	}
	*p = '\0';
}

const char *mh_bu_flags_str(uint16_t flags, char buf[17])
{
	flags_str(bu_flags, ARRAY_SIZE(bu_flags), flags, buf);
	return buf;
}

const char *mh_ba_flags_str(uint8_t flags, char buf[9])
{
	flags_str(ba_flags, ARRAY_SIZE(ba_flags), flags, buf);
	return buf;
}

const char *mh_hb_flags_str(uint16_t flags, char buf[17])
{
	flags_str(hb_flags, ARRAY_SIZE(hb_flags), flags, buf);
	return buf;
}

const char *mh_br_flags_str(uint16_t flags, char buf[17])
{
	flags_str(br_flags, ARRAY_SIZE(br_flags), flags, buf);
	return buf;
}

const char *mh_hi_flags_str(uint16_t flags, char buf[17])
{
	flags_str(hi_flags, ARRAY_SIZE(hi_flags), flags, buf);
	return buf;
}

const char *mh_hack_flags_str(uint16_t flags, char buf[17])
{
	flags_str(hack_flags, ARRAY_SIZE(hack_flags), flags, buf);
	return buf;
}
