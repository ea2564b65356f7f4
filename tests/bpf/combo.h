/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The product that packets are judged by: role and direction, encapsulation, payload. For each of
 * these a row with a packet that is as it should be, and the error that it would deserve; cases
 * change what they are about.
 */
#pragma once

#include "packet_run.h"

enum dir {
	LMA_DOWN, /* plain, into the tunnel to the node's gateway */
	LMA_UP,	  /* out of that, by route */
	MAG_UP,	  /* from the node's link into the tunnel to its anchor */
	MAG_DOWN, /* out of that, onto the link */
	DIRS
};

struct combo {
	enum dir dir;
	enum kind k;
	bool four; /* payload */
};

static inline bool combo_into(const struct combo *c)
{
	return c->dir == LMA_DOWN || c->dir == MAG_UP;
}

/* The node, and its address. */
enum world_slot combo_node(const struct combo *c);
const char *combo_addr(enum world_slot slot, bool four);
/* The correspondent. */
const char *combo_cn(bool four);
/* Our end of the tunnels of a kind. */
const char *combo_lmaa(enum kind k);
const char *combo_pcoa(enum kind k);

struct row combo_row(const struct combo *c);
/* The same for a packet that comes through one tunnel and leaves through another. */
struct row combo_hairpin(enum kind from, enum kind to, bool four);

/* Where it would come from and how it would get to its source; type, code, param are the case's. */
struct frame_error combo_error(const struct combo *c);
struct frame_error combo_hairpin_error(enum kind from, enum kind to, bool four);
void combo_hop_limit(struct row *r, bool four);
void combo_too_big(struct row *r, bool four, uint16_t mtu);
void combo_drop(struct row *r, enum pm_drop_reason reason);
void combo_kernel(struct row *r);

/* "MAG up, GRE key/IPv4, IPv6: " and what the format makes; good until the next call. */
const char *combo_name(const struct combo *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Calls `fn` for each of them. */
void combo_each(void (*fn)(const struct combo *c));
