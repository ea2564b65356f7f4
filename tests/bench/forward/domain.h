/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane under test, filled with nodes through the interface that the daemon uses, and the
 * programs that can stand in its place.
 */
#pragma once

#include "bench/forward/rig.h"

enum domain_middle {
	DOMAIN_OURS,
	DOMAIN_BARE, /* a redirect and nothing else */
	DOMAIN_HEAD, /* XDP: room made or taken away, constant headers written, redirect */
};

struct domain;

/* The tables for a row, with that many nodes. Exits on trouble. */
struct domain *domain_new(struct rig *r, const struct bench_row *row, uint32_t nodes);
void domain_free(struct domain **d);
/* Whether the tables of the one serve the other. */
bool domain_serves(const struct bench_row *one, const struct bench_row *other);

/* The GRE key that packets to us must carry for node 0, those of node i being i more; 0: none. */
uint32_t domain_key(const struct domain *d);

/* Attaches to the rig's interfaces, at one hook only. */
void domain_attach(struct domain *d, enum bench_hook hook);
void domain_detach(struct domain *d);
/* While attached: which program runs on d0. */
void domain_middle(struct domain *d, enum domain_middle m, const struct bench_row *row);
