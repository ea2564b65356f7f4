/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registries of values, by name: the Mobile IPv6 parameters registry of IANA. */
#include "wire/mh_table.h"

#include "base/util.h"

static const char *name_of(const char *const *names, size_t n, unsigned v)
{
	return v < n && names[v] ? names[v] : "UNKNOWN";
}

/* Wording of the registry; what it gives as a phrase is written as one word of capitals. */
const char *pba_status_name(uint8_t status)
{
	static const char *const names[256] = {
		/* RFC 6275 6.1.8 */
		[0] = "ACCEPTED",
		[1] = "ACCEPTED_PREFIX_DISCOVERY_NECESSARY",
		[128] = "REASON_UNSPECIFIED",
		[129] = "ADMINISTRATIVELY_PROHIBITED",
		[130] = "INSUFFICIENT_RESOURCES",
		[131] = "HOME_REGISTRATION_NOT_SUPPORTED",
		[132] = "NOT_HOME_SUBNET",
		[133] = "NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE",
		[134] = "DUPLICATE_ADDRESS_DETECTION_FAILED",
		[135] = "SEQUENCE_NUMBER_OUT_OF_WINDOW",
		[136] = "EXPIRED_HOME_NONCE_INDEX",
		[137] = "EXPIRED_CARE_OF_NONCE_INDEX",
		[138] = "EXPIRED_NONCES",
		[139] = "REGISTRATION_TYPE_CHANGE_DISALLOWED",
		[174] = "INVALID_CARE_OF_ADDRESS",
		/* RFC 5845 */
		[2] = "GRE_KEY_OPTION_NOT_REQUIRED",
		[3] = "GRE_TUNNELING_BUT_TLV_HEADER_NOT_SUPPORTED",
		[163] = "GRE_KEY_OPTION_REQUIRED",
		/* RFC 5648 */
		[4] = "MCOA_NOTCOMPLETE",
		[5] = "MCOA_RETURNHOME_WO_NDP",
		[164] = "MCOA_MALFORMED",
		[165] = "MCOA_NON_MCOA_BINDING_EXISTS",
		[166] = "MCOA_PROHIBITED",
		[167] = "MCOA_UNKNOWN_COA",
		[168] = "MCOA_BULK_REGISTRATION_PROHIBITED",
		[169] = "MCOA_SIMULTANEOUS_HOME_AND_FOREIGN_PROHIBITED",
		/* RFC 6058 */
		[6] = "PBU_ACCEPTED_TB_IGNORED_SETTINGSMISMATCH",
		/* RFC 3963 */
		[140] = "MOBILE_ROUTER_OPERATION_NOT_PERMITTED",
		[141] = "INVALID_PREFIX",
		[142] = "NOT_AUTHORIZED_FOR_PREFIX",
		[143] = "FORWARDING_SETUP_FAILED",
		/* RFC 4285 */
		[144] = "MIPV6_ID_MISMATCH",
		[145] = "MIPV6_MESG_ID_REQD",
		[146] = "MIPV6_AUTH_FAIL",
		/* RFC 4866 */
		[147] = "PERMANENT_HOME_KEYGEN_TOKEN_UNAVAILABLE",
		[148] = "CGA_AND_SIGNATURE_VERIFICATION_FAILED",
		[149] = "PERMANENT_HOME_KEYGEN_TOKEN_EXISTS",
		[150] = "NON_NULL_HOME_NONCE_INDEX_EXPECTED",
		/* RFC 5149 */
		[151] = "SERVICE_AUTHORIZATION_FAILED",
		/* RFC 5213 8.9 */
		[152] = "PROXY_REG_NOT_ENABLED",
		[153] = "NOT_LMA_FOR_THIS_MOBILE_NODE",
		[154] = "MAG_NOT_AUTHORIZED_FOR_PROXY_REG",
		[155] = "NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX",
		[156] = "TIMESTAMP_MISMATCH",
		[157] = "TIMESTAMP_LOWER_THAN_PREV_ACCEPTED",
		[158] = "MISSING_HOME_NETWORK_PREFIX_OPTION",
		[159] = "BCE_PBU_PREFIX_SET_DO_NOT_MATCH",
		[160] = "MISSING_MN_IDENTIFIER_OPTION",
		[161] = "MISSING_HANDOFF_INDICATOR_OPTION",
		[162] = "MISSING_ACCESS_TECH_TYPE_OPTION",
		/* RFC 5844 */
		[170] = "NOT_AUTHORIZED_FOR_IPV4_MOBILITY_SERVICE",
		[171] = "NOT_AUTHORIZED_FOR_IPV4_HOME_ADDRESS",
		[172] = "NOT_AUTHORIZED_FOR_IPV6_MOBILITY_SERVICE",
		[173] = "MULTIPLE_IPV4_HOME_ADDRESS_ASSIGNMENT_NOT_SUPPORTED",
		/* RFC 6602, 6618, 7148, 7222, 8278 */
		[175] = "INVALID_MOBILE_NODE_GROUP_IDENTIFIER",
		[176] = "REINIT_SA_WITH_HAC",
		[177] = "NOT_AUTHORIZED_FOR_DELEGATED_MNP",
		[178] = "REQUESTED_DMNP_IN_USE",
		[179] = "CANNOT_MEET_QOS_SERVICE_REQUEST",
		[180] = "CANNOT_SUPPORT_MULTIPATH_BINDING",
	};

	return name_of(names, ARRAY_SIZE(names), status);
}

/* RFC 6275 6.1.9 */
const char *be_status_name(uint8_t v)
{
	static const char *const names[] = {
		[BE_UNKNOWN_BINDING] = "Unknown binding for Home Address destination option",
		[BE_UNKNOWN_MH_TYPE] = "Unrecognized MH type value",
	};

	return name_of(names, ARRAY_SIZE(names), v);
}

/* RFC 5844 3.3.2 */
const char *hoa4_status_name(uint8_t v)
{
	static const char *const names[] = {
		[HOA4_SUCCESS] = "Success",
		[HOA4_REASON_UNSPECIFIED] = "Failure, reason unspecified",
		[HOA4_NOT_AUTHORIZED] = "Administratively prohibited",
		[HOA4_INCORRECT] = "Incorrect IPv4 home address",
		[HOA4_INVALID] = "Invalid IPv4 address",
		[HOA4_NO_DYNAMIC] = "Dynamic IPv4 home address assignment not available",
	};

	return name_of(names, ARRAY_SIZE(names), v);
}

/* RFC 5846 5 */
const char *br_type_name(uint8_t v)
{
	static const char *const names[] = {
		[BR_INDICATION] = "Binding Revocation Indication",
		[BR_ACKNOWLEDGEMENT] = "Binding Revocation Acknowledgement",
	};

	return name_of(names, ARRAY_SIZE(names), v);
}

/* RFC 5846 5.1 */
const char *br_trigger_name(uint8_t v)
{
	static const char *const names[] = {
		[BR_UNSPECIFIED] = "Unspecified",
		[BR_ADMINISTRATIVE] = "Administrative Reason",
		[BR_HANDOVER_SAME_ATT] = "Inter-MAG Handover - same Access Type",
		[BR_HANDOVER_OTHER_ATT] = "Inter-MAG Handover - different Access Type",
		[BR_HANDOVER_UNKNOWN] = "Inter-MAG Handover - Unknown",
		[BR_USER_TERMINATION] = "User-Initiated Session(s) Termination",
		[BR_NETWORK_TERMINATION] = "Access Network Session(s) Termination",
		[BR_OUT_OF_SYNC] = "Possible Out-of-Sync BCE State",
		[BR_PER_PEER_POLICY] = "Per-Peer Policy",
		[BR_LOCAL_POLICY] = "Revoking Mobility Node Local Policy",
	};

	return name_of(names, ARRAY_SIZE(names), v);
}

/* RFC 5846 5.2; tshark 4.0 has these from an early draft, with other numbers */
const char *bra_status_name(uint8_t v)
{
	static const char *const names[] = {
		[BRA_SUCCESS] = "success",
		[BRA_PARTIAL_SUCCESS] = "partial success",
		[BRA_NO_BINDING] = "Binding Does NOT Exist",
		[BRA_IPV4_HOA_REQUIRED] = "IPv4 Home Address Option Required",
		[BRA_GLOBAL_NOT_AUTHORIZED] = "Global Revocation NOT Authorized",
		[BRA_IDENTITY_REQUIRED] = "Revoked Mobile Nodes Identity Required",
		[BRA_MN_IS_ATTACHED] = "Revocation Failed - MN is Attached",
		[BRA_TRIGGER_NOT_SUPPORTED] = "Revocation Trigger NOT Supported",
		[BRA_FUNCTION_NOT_SUPPORTED] = "Revocation Function NOT Supported",
		[BRA_PROXY_NOT_SUPPORTED] = "Proxy Binding Revocation NOT Supported",
	};

	return name_of(names, ARRAY_SIZE(names), v);
}

/* RFC 5949 6.1.1, 8 */
const char *hi_code_name(uint8_t v, bool proxy)
{
	static const char *const names[] = {
		[0] = "FBU with the PCoA as source IP address",
		[1] = "FBU whose source IP address is not PCoA",
		[HI_CODE_FORWARDING_DONE] = "Indicate the completion of forwarding",
		[HI_CODE_ALL_CONTEXT] = "All available context transferred",
	};

	return proxy && v == HI_CODE_DEFAULT ? "Default" : name_of(names, ARRAY_SIZE(names), v);
}

/* RFC 5949 6.1.2, 8 */
const char *hack_code_name(uint8_t v, bool proxy)
{
	static const char *const names[] = {
		[0] = "Handover Accepted with NCoA valid",
		[1] = "Handover Accepted, NCoA not valid",
		[2] = "Handover Accepted, NCoA assigned",
		[3] = "Handover Accepted, use PCoA",
		[4] = "Message sent unsolicited",
		[HACK_CONTEXT_ACCEPTED] = "Context Transfer Accepted or Successful",
		[HACK_ALL_CONTEXT] = "All available Context Transferred",
		[HACK_UNSPECIFIED] = "Handover Not Accepted, reason unspecified",
		[HACK_PROHIBITED] = "Administratively prohibited",
		[HACK_RESOURCES] = "Insufficient resources",
		[HACK_NO_CONTEXT] = "Requested Context Not Available",
		[HACK_NO_FORWARDING] = "Forwarding Not Available",
	};

	return proxy && v == HACK_ACCEPTED ? "Handover Accepted or Successful"
					   : name_of(names, ARRAY_SIZE(names), v);
}

/* RFC 5949 6.2.2 */
const char *lma_addr_code_name(uint8_t v)
{
	static const char *const names[] = {
		[0] = "Reserved",
		[LMA_ADDR_IPV6] = "IPv6 address of the local mobility anchor",
		[LMA_ADDR_IPV4] = "IPv4 address of the local mobility anchor",
	};

	return name_of(names, ARRAY_SIZE(names), v);
}

/* RFC 4283 3, RFC 8371 */
const char *mnid_subtype_name(uint8_t v)
{
	static const char *const names[] = {
		[1] = "Network Access Identifier (NAI)",
		[2] = "IPv6 Address",
		[3] = "IMSI",
		[4] = "P-TMSI",
		[5] = "EUI-48 address",
		[6] = "EUI-64 address",
		[7] = "GUTI",
		[8] = "DUID",
	};

	return name_of(names, ARRAY_SIZE(names), v);
}

/* RFC 5213 8.4, RFC 7864 */
const char *handoff_ind_name(uint8_t v)
{
	static const char *const names[] = {
		[HI_RESERVED] = "Reserved",
		[HI_NEW_INTERFACE] = "Attachment over a new interface",
		[HI_BETWEEN_INTERFACES] =
			"Handoff between two different interfaces of the mobile node",
		[HI_BETWEEN_MAGS] = "Handoff between mobile access gateways for the same interface",
		[HI_UNKNOWN] = "Handoff state unknown",
		[HI_NO_CHANGE] = "Handoff state not changed (Re-registration)",
		[HI_NEW_INTERFACE_SHARED] = "Attachment over a new interface sharing prefixes",
	};

	return name_of(names, ARRAY_SIZE(names), v);
}

/* RFC 5213 8.5 and the registry of IANA for 6 and above */
const char *att_name(uint8_t v)
{
	static const char *const names[] = {
		[ATT_RESERVED] = "Reserved",
		[ATT_VIRTUAL] = "Virtual",
		[ATT_PPP] = "PPP",
		[ATT_ETHERNET] = "IEEE 802.3",
		[ATT_WIFI] = "IEEE 802.11a/b/g",
		[5] = "IEEE 802.16e",
		[6] = "3GPP GERAN",
		[7] = "3GPP UTRAN",
		[8] = "3GPP E-UTRAN",
		[9] = "3GPP2 eHRPD",
		[10] = "3GPP2 HRPD",
		[11] = "3GPP2 1xRTT",
		[12] = "3GPP2 UMB",
		[13] = "3GPP NB-IoT",
	};

	return name_of(names, ARRAY_SIZE(names), v);
}

const char *mh_verdict_name(enum mh_verdict v)
{
	static const char *const names[] = {
		[MH_OK] = "ok",
		[MH_TOO_SHORT] = "too_short",
		[MH_BAD_CHECKSUM] = "bad_checksum",
		[MH_BAD_PROTO] = "bad_payload_proto",
		[MH_BAD_HDRLEN] = "bad_header_len",
		[MH_TRUNCATED] = "truncated",
		[MH_UNKNOWN_TYPE] = "unknown_type",
		[MH_BAD_OPTION] = "bad_option",
		[MH_TOO_MANY_OPTIONS] = "too_many_options",
	};

	return name_of(names, ARRAY_SIZE(names), v);
}
