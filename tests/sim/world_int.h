/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the simulated world share: events to come, places, and the faces that its roles
 * see of it. */
#pragma once

#include "sim/world.h"

#define SIM_ACCESS_IFINDEX 10

enum sim_event_kind { SIM_DELIVER, SIM_VERIFIED, SIM_DETACH, SIM_COMMITTED, SIM_START };

struct sim_event {
	struct deadline d;
	enum sim_event_kind kind;
	/* SIM_DELIVER */
	struct in6_addr src, dst;
	uint16_t port; /* the sender's */
	size_t len;
	/* SIM_VERIFIED, SIM_DETACH; SIM_COMMITTED, SIM_START: SIM_LMA too */
	int mag;
	struct link_node node;
	uint8_t data[];
};

/* Takes place at `at`; `len` octets of data are the caller's to fill. */
struct sim_event *sim_schedule(struct world *w, nsec_t at, enum sim_event_kind kind, size_t len);

/* Where that interface is when it is on an access link, and back. */
struct link_node sim_place(const struct world *w, unsigned node, unsigned iface);
struct sim_node *sim_node_of(struct world *w, const struct mac *mac, unsigned *node,
			     unsigned *iface);
bool sim_node_is_at(struct world *w, const struct link_node *ln, int mag);

/* What is to come: all of it, or what is in flight alone. */
void sim_drop_events(struct world *w, bool all);

struct sim_life *sim_life_of(struct world *w, int who);
/* The end of what a role does at a time: it is on its way to the disk, or was killed meanwhile. */
void sim_end_turn(struct world *w);
/* The LMA answers a node. */
void sim_note_reply(struct world *w, const struct packet *p);

struct env sim_lma_env(struct sim_lma *l);
struct env sim_mag_env(struct sim_mag *m);
struct link_ops sim_links(struct sim_mag *m);
