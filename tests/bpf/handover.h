/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An access gateway whose node changes over, for tests of what waits meanwhile: real interfaces,
 *real frames, and the data plane as the daemon has it.
 *
 *	t1 = [transport] t0	the gateways' side: packet sockets send tunnel packets into t1
 *	a0 [access] = a1	the node's side: a packet socket hears what arrives
 *
 * The programs are loaded once for all tests of a program, since that takes an emulated machine
 *half a minute.
 */
#pragma once

#include "dataplane/dp_state.h"
#include "dp_env.h"

extern const struct mac ho_node; /* and the gateway's, towards the network */
extern const struct mac ho_own;

extern struct dp_bpf *ho_dp;
extern struct dataplane *ho_d;
extern dp_ref ho_session;
extern unsigned ho_t0, ho_a0;

/* Is told of packets that are kept; to be set before the first test begins. */
extern const struct event_sink *ho_sink;

void ho_links(void); /* makes them; first of all */

/* What may wait: much, and drained at four times the rate at which it came. */
struct dp_bpf_buffer_cfg ho_bounds(void);
/* Interfaces with this hook, and a node's session, forwarding. */
void ho_begin(const struct dp_bpf_buffer_cfg *b, enum dp_bpf_want want, uint16_t mtu);
void ho_end(void);
void ho_free(void); /* last of all */

struct dp_session ho_at_link(const struct prefix6 *p);
void ho_mode(enum dp_mode m);
struct dp_buffered ho_buffered(void);
uint64_t ho_counter(const char *name); /* of this test, by the name that an operator sees */

nsec_t ho_now(void);
void ho_run_for(nsec_t time); /* the daemon does what it does */
/* Until what was kept has left; how long it took. */
nsec_t ho_run_until_drained(nsec_t at_most);

int ho_packet_socket(const char *ifname, int protocol);
