/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of packets for both hooks: what comes in, what becomes of it, every byte of what goes
 * out, and whose counters move.
 */
#pragma once

#include "world.h"

/* A base packet and what the case changes about it: the later initialiser is meant to win. */
#pragma GCC diagnostic ignored "-Woverride-init"

struct row {
	const char *name;
	enum world_prog prog;
	struct spec in;
	enum pm_verdict verdict;
	enum pm_drop_reason reason; /* with PM_V_DROPPED */
	struct spec out;            /* with a verdict that forwards */
	struct frame_error error;   /* with PM_V_REPLIED */
	enum world_slot up, down;   /* whose counters move; 0: nobody's */
	int xdp_leaves_it;          /* at XDP the verdict is PM_V_TO_TC */
};

#define ROWS_MAX 128

/* Each fills `rows` and returns how many. */
size_t lma_down_rows(struct row *rows);
size_t lma_up_rows(struct row *rows);
size_t mag_rows(struct row *rows);
size_t ip4_rows(struct row *rows);

// clang-format off
/* LMA: from the Internet to a node behind MAG1; and what leaves */
#define DOWN(...) {.dmac = T_MAC, .smac = T_PEER, .src = CN, .dst = mn(MN_1), __VA_ARGS__}
#define INTO_MAG1(...) {.dmac = R_MAC, .smac = T_MAC, .osrc = LMAA, .odst = MAG1, \
	.src = CN, .dst = mn(MN_1), .hl = 63, __VA_ARGS__}
/* LMA: from a node through MAG1; routed, or back into the tunnel to MAG2 */
#define UP(...) {.dmac = T_MAC, .smac = T_PEER, .osrc = MAG1, .odst = LMAA, \
	.src = mn(MN_1), .dst = CN, __VA_ARGS__}
#define ROUTED(...) {.dmac = R_MAC, .smac = T_MAC, .src = mn(MN_1), .dst = CN, .hl = 63, __VA_ARGS__}
#define HAIR(...) UP(.dst = mn(MN_2), __VA_ARGS__)
#define INTO_MAG2(...) {.dmac = R_MAC, .smac = T_MAC, .osrc = LMAA, .odst = MAG2, \
	.src = mn(MN_1), .dst = mn(MN_2), .hl = 63, __VA_ARGS__}
/* MAG: from the LMA to a node on the link */
#define MDOWN(...) {.dmac = T_MAC, .smac = T_PEER, .osrc = LMA2, .odst = PCOA, \
	.src = CN, .dst = mn(MN_LINK), __VA_ARGS__}
#define ON_LINK(...) {.dmac = mn_mac(MN_LINK), .smac = A_MAC, .src = CN, .dst = mn(MN_LINK), \
	.hl = 63, __VA_ARGS__}
/* MAG: from a node on the link */
#define ACC(...) {.dmac = A_MAC, .smac = mn_mac(MN_LINK), .src = mn(MN_LINK), .dst = CN, __VA_ARGS__}
#define INTO_LMA2(...) {.dmac = R_MAC, .smac = T_MAC, .osrc = PCOA, .odst = LMA2, \
	.src = mn(MN_LINK), .dst = CN, .hl = 63, __VA_ARGS__}
/* IPv4: from the Internet to a node behind MAG1, and from a node on the link */
#define DOWN4(...) {.dmac = T_MAC, .smac = T_PEER, .src = CN4, .dst = mn4(MN_1), __VA_ARGS__}
#define ACC4(...) {.dmac = A_MAC, .smac = mn_mac(MN_LINK), .src = mn4(MN_LINK), .dst = CN4, __VA_ARGS__}
#define ACC4_BOTH(...) ACC4(.smac = mn_mac(MN_BOTH), .src = mn4(MN_BOTH), __VA_ARGS__)
#define ACC_LR(...) ACC(.smac = mn_mac(MN_LINK_LR), .src = mn(MN_LINK_LR), __VA_ARGS__)
#define ACC_BOTH(...) ACC(.smac = mn_mac(MN_BOTH), .src = mn(MN_BOTH), __VA_ARGS__)
// clang-format on
