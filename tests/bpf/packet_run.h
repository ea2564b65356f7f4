/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs one row of a table and looks at everything that came of it; keeps what left for scapy. */
#pragma once

#include "packet_rows.h"

/* Verdict, reason, return value, every octet, and the counters of every session. */
void packet_run(struct world *w, const struct row *r);
/* The same; what came out is left in `res`. */
void packet_run_result(struct world *w, const struct row *r, struct world_result *res);
/* Runs a frame as a row says it is built, and expects nothing. */
struct world_result packet_try(struct world *w, enum world_prog prog, const struct spec *s);

/* Every forwarded or answered packet goes to a file, which scapy_packets.py judges. */
void packet_witness_open(void);
void packet_witness_close(void);
bool packet_witness_agrees(void);

/* Does the account of all packets of this process balance, at both hooks? */
bool packet_account_holds(void);
