/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the MAG makes of answers, and what it counts. */
#pragma once

// clang-format off
/* (Status, SYMBOL, "counter", event, "clause"): what the MAG makes of an answer. */
#define MAG_STATUS_ROWS(X)                                                                             \
	X(0, ACCEPTED, "pba_0_accepted", MEV_ACCEPTED, "RFC 5213 6.9.1.2 (12)")                            \
	X(1, ACCEPTED_DISCOVERY, "pba_1_accepted_prefix_discovery", MEV_ACCEPTED, "RFC 6275 11.7.3")       \
	X(2, GRE_UNWANTED, "pba_2_gre_key_option_not_required", MEV_ACCEPTED, "RFC 5845 4.2")              \
	X(3, GRE_NO_TLV, "pba_3_gre_without_tlv_header", MEV_ACCEPTED, "RFC 5845 7.3")                     \
	X(128, UNSPECIFIED, "pba_128_reason_unspecified", MEV_LATER, "RFC 6275 11.7.3")                    \
	X(129, PROHIBITED, "pba_129_administratively_prohibited", MEV_DENIED, "RFC 6275 6.1.8")            \
	X(130, RESOURCES, "pba_130_insufficient_resources", MEV_LATER, "RFC 6275 11.7.3")                  \
	X(131, NO_HOME_REG, "pba_131_home_reg_not_supported", MEV_REFUSED, "RFC 6275 11.7.3")              \
	X(132, NOT_HOME_SUBNET, "pba_132_not_home_subnet", MEV_REFUSED, "RFC 6275 11.7.3")                 \
	X(133, NOT_HOME_AGENT, "pba_133_not_home_agent", MEV_REFUSED, "RFC 6275 11.7.3")                   \
	X(134, DAD_FAILED, "pba_134_dad_failed", MEV_REFUSED, "RFC 6275 11.7.3")                           \
	X(135, SEQUENCE, "pba_135_sequence_out_of_window", MEV_AGAIN, "RFC 6275 11.7.3")                   \
	X(151, SERVICE, "pba_151_service_authorization_failed", MEV_REFUSED, "RFC 6275 11.7.3")            \
	X(152, NOT_ENABLED, "pba_152_proxy_reg_not_enabled", MEV_DENIED, "RFC 5213 6.9.1.2 (7)")           \
	X(153, NOT_LMA, "pba_153_not_lma_for_this_mn", MEV_REFUSED, "RFC 5213 8.9")                        \
	X(154, NOT_AUTHORIZED, "pba_154_mag_not_authorized", MEV_REFUSED, "RFC 5213 8.9")                  \
	X(155, HNP_DENIED, "pba_155_not_authorized_for_hnp", MEV_ANY_PREFIX, "RFC 5213 6.9.1.2 (10)")      \
	X(156, TS_MISMATCH, "pba_156_timestamp_mismatch", MEV_CLOCK, "RFC 5213 6.9.1.2 (9)")               \
	X(157, TS_LOWER, "pba_157_timestamp_lower", MEV_AGAIN, "RFC 5213 6.9.1.2 (8)")                     \
	X(158, MISSING_HNP, "pba_158_missing_hnp", MEV_REFUSED, "RFC 5213 8.9")                            \
	X(159, PREFIX_SET, "pba_159_prefix_set_mismatch", MEV_ANY_PREFIX, "RFC 5213 8.9")                  \
	X(160, MISSING_MN_ID, "pba_160_missing_mn_id", MEV_REFUSED, "RFC 5213 8.9")                        \
	X(161, MISSING_HI, "pba_161_missing_handoff_indicator", MEV_REFUSED, "RFC 5213 8.9")               \
	X(162, MISSING_ATT, "pba_162_missing_access_tech_type", MEV_REFUSED, "RFC 5213 8.9")               \
	X(163, GRE_REQUIRED, "pba_163_gre_key_option_required", MEV_GRE_KEYS, "RFC 5845 4.2")              \
	X(170, NO_IPV4, "pba_170_not_authorized_for_ipv4", MEV_ADDRESSES, "RFC 5844 3.2.3.2")              \
	X(171, HOA4_DENIED, "pba_171_not_authorized_for_ipv4_hoa", MEV_ADDRESSES, "RFC 5844 3.2.3.2")      \
	X(172, NO_IPV6, "pba_172_not_authorized_for_ipv6", MEV_ADDRESSES, "RFC 5844 3.2.3.2")              \
	X(173, MULTIPLE_HOA4, "pba_173_multiple_ipv4_hoa", MEV_REFUSED, "RFC 5844 3.3.5")

/* (Status, SYMBOL, "counter"): answers to revocations, RFC 5846 5.2. */
#define MAG_BRA_ROWS(X)                                                                                \
	X(0, SUCCESS, "bra_0_success")                                                           \
	X(1, PARTIAL, "bra_1_partial_success")                                           \
	X(128, NO_BINDING, "bra_128_no_binding")                                                \
	X(129, HOA4_REQUIRED, "bra_129_ipv4_hoa_required")                               \
	X(131, IDENTITY_REQUIRED, "bra_131_identity_required")                           \
	X(132, ATTACHED, "bra_132_mn_is_attached")                                          \
	X(133, TRIGGER, "bra_133_trigger_not_supported")                             \
	X(134, FUNCTION, "bra_134_function_not_supported")

#define MAG_COUNTERS(X)                                                                                \
	X(MAG_C_ATTACH, "attach", "new nodes")                                                             \
	X(MAG_C_ATTACH_MOVED, "attach_moved", "nodes that moved between our own access links")             \
	X(MAG_C_ATTACH_INVALID, "attach_invalid", "triggers without a usable place or identifier")         \
	X(MAG_C_ATTACH_NO_IDENTITY, "attach_no_identity", "nodes refused: no profile and no realm")        \
	X(MAG_C_ATTACH_NOT_ENTITLED, "attach_not_entitled", "nodes refused: profile not enabled")          \
	X(MAG_C_ATTACH_NO_LMA, "attach_no_lma", "nodes refused: the profile's LMA is not configured")      \
	X(MAG_C_ATTACH_FULL, "attach_full", "nodes refused: max-bindings reached or out of memory")        \
	X(MAG_C_ATTACH_QUIET, "attach_quiet", "triggers of nodes whose registration was rejected")         \
	X(MAG_C_ATTACH_ASK4_PACED, "ipv4_ask_paced", "triggers for IPv4 soon after it was not granted")    \
	X(MAG_C_DETACH, "detach", "nodes that left or were removed")                                       \
	X(MAG_C_PBU_SENT, "pbu_sent", "Proxy Binding Updates sent, retransmissions included")              \
	X(MAG_C_PBU_REGISTER, "pbu_register", "first or renewed registrations started")                    \
	X(MAG_C_REREGISTERED, "reregistered", "sessions registered anew for an LMA that came back")        \
	X(MAG_C_RESTORED, "restored", "sessions that an earlier run of the MAG had")                       \
	X(MAG_C_RESTORE_REFUSED, "restore_refused", "records of sessions that nobody can read")            \
	X(MAG_C_RESTORE_DROPPED, "restore_dropped", "records of sessions that the configuration has no place for") \
	X(MAG_C_RESTORE_LAPSED, "restore_lapsed", "restored too late, or without the same GRE key")        \
	X(MAG_C_FOUND, "found", "restored sessions whose node was still there")                            \
	X(MAG_C_NOT_FOUND, "not_found", "restored sessions whose node was not found")        \
	X(MAG_C_STORE_FAILED, "store_failed", "sessions without a record: out of memory, or link unknown") \
	X(MAG_C_PBU_REFRESH, "pbu_refresh", "re-registrations started")                                    \
	X(MAG_C_PBU_DEREGISTER, "pbu_deregister", "de-registrations started")                              \
	X(MAG_C_PBU_RETURN4, "pbu_return_ipv4", "selective de-registrations of IPv4 home addresses")       \
	X(MAG_C_PBU_RETRANSMITTED, "pbu_retransmitted", "retransmissions")                                 \
	X(MAG_C_PBU_SEND_FAILED, "pbu_send_failed", "Proxy Binding Updates that could not be sent")        \
	X(MAG_C_PBU_RATE_LIMITED, "pbu_rate_limited", "delayed by MAX_UPDATE_RATE")                        \
	X(MAG_C_GONE_BEFORE_RETRANSMIT, "gone_before_retransmit", "node gone when a retransmission was due") \
	X(MAG_C_VERIFY_TIMEOUT, "verify_timeout", "presence not confirmed, binding not extended")          \
	X(MAG_C_EXPIRED, "expired", "bindings that ran out while a refresh was unanswered")                \
	X(MAG_C_DEREG_UNANSWERED, "deregister_unanswered", "de-registrations without an answer")           \
	X(MAG_C_SUPERSEDED, "superseded", "sessions whose prefixes moved to another interface of the node") \
	X(MAG_C_RENUMBERED, "renumbered", "refreshes that changed prefixes or IPv4 home address")          \
	X(MAG_C_HOME4_RETURNED, "ipv4_returned", "IPv4 home addresses that nodes gave back")               \
	X(MAG_C_HOME4_REFUSED, "ipv4_refused", "accepted without the IPv4 home address asked for")         \
	X(MAG_C_HOME4_UNFIT, "ipv4_unfit", "IPv4 home address or default router not fit for use")          \
	X(MAG_C_HOME4_NO_KEY, "ipv4_without_key", "IPv4 home address unused: its domain needs GRE keys")   \
	X(MAG_C_ASKED_ANEW, "asked_anew", "requests changed as a rejection demanded")                      \
	X(MAG_C_GRE_UNKNOWN, "gre_unknown", "LMAs found not to know the GRE Key option")                   \
	X(MAG_C_EARLY_KEY_FAILED, "early_key_failed", "no downlink GRE key to be had, nothing sent")       \
	X(MAG_C_DP_FAILED, "dataplane_failed", "accepted registrations the data plane could not take")     \
	X(MAG_C_CLOCK_SKEW, "clock_skew", "LMA answered that our clock is off")                            \
	X(MAG_C_TIMESTAMP_LATE, "timestamp_late", "LMA refused a timestamp although the clocks agree")     \
	X(MAG_C_LINK_LOCAL_CONFLICT, "link_local_conflict", "LMA's link-local address in use by the node") \
	X(MAG_C_LINK_LOCAL_MADE, "link_local_made", "LMA gave no link-local address, made one")            \
	X(MAG_C_PBA_RECEIVED, "pba_received", "Binding Acknowledgements received")                         \
	X(MAG_C_PBA_FOREIGN, "pba_ignored_source", "ignored: source is not a configured LMA")              \
	X(MAG_C_PBA_DESTINATION, "pba_ignored_destination", "ignored: not sent to our Proxy-CoA")          \
	X(MAG_C_PBA_PORT, "pba_ignored_port", "ignored: over UDP, but not from port 5436")                 \
	X(MAG_C_PBA_NOT_PROXY, "pba_ignored_not_proxy", "ignored: P flag not set")                         \
	X(MAG_C_PBA_NO_MN_ID, "pba_ignored_no_mn_id", "ignored: no Mobile Node Identifier option")         \
	X(MAG_C_PBA_UNMATCHED, "pba_ignored_unmatched", "ignored: answers no open request")                \
	X(MAG_C_PBA_MISMATCH_MN_ID, "pba_ignored_mn_id_differs", "ignored: MN-Identifier not echoed")      \
	X(MAG_C_PBA_MISMATCH_HI, "pba_ignored_handoff_differs", "ignored: Handoff Indicator not echoed")   \
	X(MAG_C_PBA_MISMATCH_ATT, "pba_ignored_att_differs", "ignored: Access Technology Type not echoed") \
	X(MAG_C_PBA_MISMATCH_LLID, "pba_ignored_llid_differs", "ignored: link-layer identifier not echoed") \
	X(MAG_C_PBA_BAD_PREFIX, "pba_ignored_prefixes", "ignored: accepted without usable addresses")      \
	X(MAG_C_PBA_BAD_GRE, "pba_ignored_gre", "ignored: a GRE key that has no counterpart")              \
	X(MAG_C_PBA_NO_LIFETIME, "pba_zero_lifetime", "registration accepted for no time at all")          \
	X(MAG_C_VENDOR_KEPT, "vendor_options_kept", "Vendor Specific options kept with sessions")          \
	X(MAG_C_VENDOR_NOT_KEPT, "vendor_options_not_kept", "Vendor Specific options without room or memory") \
	X(MAG_C_BRR, "brr_received", "Binding Refresh Requests that started a refresh")                    \
	X(MAG_C_BRR_IGNORED, "brr_ignored", "Binding Refresh Requests from strangers or without a node")   \
	X(MAG_C_BE, "be_received", "Binding Errors from LMAs")                                             \
	X(MAG_C_BE_FOREIGN, "be_ignored", "Binding Errors from strangers")                                 \
	X(MAG_C_BRI_MISDIRECTED, "bri_ignored_path", "revocations ignored: not to our Proxy-CoA, or over UDP not from port 5436") \
	X(MAG_C_BRI_REPEATED, "bri_repeated", "revocations that were answered as before")                  \
	X(MAG_C_BRI_LIMITED, "bri_rate_limited", "revocations that change nothing, and too many, not answered") \
	X(MAG_C_BRI_ASKED, "bri_node_asked", "revocations that waited for the node to answer a probe")     \
	X(MAG_C_BRI_IMPATIENT, "bri_repeated_early", "revocations repeated while the node was being asked") \
	X(MAG_C_BRA_WAITED, "bra_waited", "answers to revocations that waited for the disk")              \
	X(MAG_C_BRA_LOST, "bra_lost", "answers to revocations that waited in vain: no room, or not sent")       \
	X(MAG_C_REVOKED, "revoked", "sessions that their LMA revoked")                                     \
	X(MAG_C_REVOKED4, "revoked_ipv4", "IPv4 home addresses that the LMA revoked alone")                \
	X(MAG_C_REVOKE_ALL, "global_revocation_sent", "global revocations ordered here")                   \
	X(MAG_C_REVOKE_ALL_DONE, "global_revocation_done", "of these, accepted or never answered: sessions ended") \
	X(MAG_C_REVOKE_ALL_FORBIDDEN, "global_revocation_not_authorized", "of these, refused with status 130") \
	X(MAG_C_REVOKE_ALL_REFUSED, "global_revocation_refused", "of these, refused otherwise")            \
	X(MAG_C_UNEXPECTED_MESSAGE, "unexpected_message", "other Mobility Headers")                        \
	X(MAG_C_UNEXPECTED_EVENT, "unexpected_event", "events that a session's state has no rule for")     \
	X(MAG_C_PBA_OTHER_ACCEPTED, "pba_other_accepted", "status below 128 without a row of its own")     \
	X(MAG_C_PBA_OTHER_REJECTED, "pba_other_rejected", "status from 128 without a row of its own")
// clang-format on
