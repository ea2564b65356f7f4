/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the LMA counts. */
#pragma once

/* (SYMBOL, "name", "help") */
// clang-format off
#define LMA_COUNTERS(X)                                                                                       \
	X(LMA_C_PBU_RECEIVED, "pbu_received", "Proxy Binding Updates received")                               \
	X(LMA_C_PBA_0, "pba_accepted", "replies with status 0")                                               \
	X(LMA_C_PBA_2, "pba_gre_key_not_required", "replies with status 2")                                   \
	X(LMA_C_PBA_3, "pba_gre_tlv_not_supported", "replies with status 3")                                  \
	X(LMA_C_PBA_128, "pba_reason_unspecified", "replies with status 128")                                 \
	X(LMA_C_PBA_129, "pba_administratively_prohibited", "replies with status 129")                        \
	X(LMA_C_PBA_130, "pba_insufficient_resources", "replies with status 130")                             \
	X(LMA_C_PBA_135, "pba_sequence_out_of_window", "replies with status 135")                             \
	X(LMA_C_PBA_151, "pba_service_authorization_failed", "replies with status 151")                       \
	X(LMA_C_PBA_152, "pba_proxy_reg_not_enabled", "replies with status 152")                              \
	X(LMA_C_PBA_153, "pba_not_lma_for_this_mobile_node", "replies with status 153")                       \
	X(LMA_C_PBA_154, "pba_mag_not_authorized", "replies with status 154")                                 \
	X(LMA_C_PBA_155, "pba_not_authorized_for_prefix", "replies with status 155")                          \
	X(LMA_C_PBA_156, "pba_timestamp_mismatch", "replies with status 156")                                 \
	X(LMA_C_PBA_157, "pba_timestamp_lower", "replies with status 157")                                    \
	X(LMA_C_PBA_158, "pba_missing_prefix_option", "replies with status 158")                              \
	X(LMA_C_PBA_159, "pba_prefix_set_mismatch", "replies with status 159")                                \
	X(LMA_C_PBA_160, "pba_missing_mn_id_option", "replies with status 160")                               \
	X(LMA_C_PBA_161, "pba_missing_handoff_indicator", "replies with status 161")                          \
	X(LMA_C_PBA_162, "pba_missing_access_technology", "replies with status 162")                          \
	X(LMA_C_PBA_163, "pba_gre_key_required", "replies with status 163")                                   \
	X(LMA_C_PBA_170, "pba_not_authorized_for_ipv4", "replies with status 170")                            \
	X(LMA_C_PBA_171, "pba_not_authorized_for_ipv4_address", "replies with status 171")                    \
	X(LMA_C_PBA_172, "pba_not_authorized_for_ipv6", "replies with status 172")                            \
	X(LMA_C_PBA_173, "pba_multiple_ipv4_addresses", "replies with status 173")                            \
	X(LMA_C_IGNORED_NOT_PROXY, "ignored_not_proxy", "Binding Updates without the P flag")                 \
	X(LMA_C_IGNORED_ADDRESS, "ignored_not_our_address", "PBUs to an address that is no LMA address")      \
	X(LMA_C_IGNORED_SOURCE, "ignored_bad_source", "PBUs from an address that is not unicast routable")    \
	X(LMA_C_IGNORED_UNKNOWN_MAG, "ignored_unknown_mag", "PBUs from an address that is no configured MAG") \
	X(LMA_C_IGNORED_COA, "ignored_bad_coa", "PBUs with a care-of address that is not unicast routable")   \
	X(LMA_C_IGNORED_NO_SESSION, "ignored_no_session", "de-registrations without a session")               \
	X(LMA_C_IGNORED_OTHER_COA, "ignored_other_coa", "de-registrations from another than the serving MAG") \
	X(LMA_C_IGNORED_OLDER_HELD, "ignored_older_than_held", "requests older than the one already held")    \
	X(LMA_C_IGNORED_REVOKING, "ignored_revoking", "requests of a MAG whose binding is being revoked")       \
	X(LMA_C_IGNORED_HELD_GONE, "ignored_held_mag_gone", "held requests whose MAG was unconfigured")       \
	X(LMA_C_CREATED, "sessions_created", "bindings created")                                              \
	X(LMA_C_EXTENDED, "sessions_extended", "bindings extended by their MAG")                              \
	X(LMA_C_HANDOVERS, "handovers", "bindings moved to another MAG")                                      \
	X(LMA_C_OVERTAKEN, "overtaken", "re-registrations by the MAG that the node had left, refused with 157") \
	X(LMA_C_IPV4_ADDED, "ipv4_added", "bindings that got an IPv4 home address later")                     \
	X(LMA_C_IPV4_RELEASED, "ipv4_released", "bindings that lost their IPv4 home address alone")           \
	X(LMA_C_IPV6_ADDED, "ipv6_added", "bindings that got home network prefixes later")                    \
	X(LMA_C_IPV6_RELEASED, "ipv6_released", "bindings that lost their home network prefixes alone")       \
	X(LMA_C_DEREGISTERED, "deregistrations", "de-registrations accepted")                                 \
	X(LMA_C_REVIVED, "revived", "bindings registered again while their deletion waited")                  \
	X(LMA_C_EXPIRED, "expired", "bindings whose lifetime ended")                                          \
	X(LMA_C_DELAY_OVER, "deletion_delay_over", "bindings deleted after MinDelayBeforeBCEDelete")          \
	X(LMA_C_DELETED, "deleted_by_operator", "bindings deleted by the operator")                           \
	X(LMA_C_MAG_LOST, "dropped_with_mag", "bindings dropped because their MAG failed or restarted")       \
	X(LMA_C_REVOKED, "revoked", "bindings that ended when their MAG was told, or given up")               \
	X(LMA_C_WITHDRAWN, "withdrawn", "bindings that their MAG revoked")                                    \
	X(LMA_C_WITHDRAWAL_REFUSED, "withdrawal_refused", "revocations by MAGs that were refused")            \
	X(LMA_C_REVOCATION_OWED, "revocations_owed", "revocations that had to wait for their MAG")            \
	X(LMA_C_REVOCATION_FORGONE, "revocations_forgone", "revocations that were not sent: no memory, or no MAG of theirs configured any more")       \
	X(LMA_C_REVOCATION_VOID, "revocations_void", "revocations given up because the node registered there again") \
	X(LMA_C_REVOCATION_RESUMED, "revocations_resumed", "revocations of an earlier run that go on")        \
	X(LMA_C_REVOCATION_UNNOTED, "revocations_unnoted", "revocations without a record: no memory")         \
	X(LMA_C_LOST, "lost", "bindings that ended because no memory was left to undo a change")              \
	X(LMA_C_HELD, "held", "requests held for another MAG's de-registration")                              \
	X(LMA_C_HOLD_REPLACED, "hold_replaced", "held requests replaced by a retransmission")                 \
	X(LMA_C_HOLD_RELEASED, "hold_released", "held requests that took over the de-registered binding")     \
	X(LMA_C_HOLD_TIMEOUT, "hold_timeout", "held requests that became a new session")                      \
	X(LMA_C_HOLD_DROPPED, "hold_dropped", "held requests overtaken by a later message")                   \
	X(LMA_C_DP_FAILED, "dataplane_failures", "requests refused because the data plane failed")            \
	X(LMA_C_RESTORED, "restored", "bindings that came back from the store")                               \
	X(LMA_C_NOT_RESTORED, "not_restored", "bindings in the store that fit no longer, dropped")            \
	X(LMA_C_REPLY_WAITED, "replies_waited", "replies that waited until their change was on disk")         \
	X(LMA_C_REPLY_DROPPED, "replies_dropped", "replies for which there was no room to wait")              \
	X(LMA_C_SEND_FAILED, "send_failed", "replies that could not be handed to the network")                \
	X(LMA_C_UNSENDABLE, "reply_too_large", "replies that do not fit a Mobility Header")                   \
	X(LMA_C_UNEXPECTED, "unexpected_events", "events a binding's state has no rule for")
// clang-format on
