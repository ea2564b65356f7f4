/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that hold between keys; each value alone is right already. Private to config/. */
#pragma once

#include "config/config_rows.h"
#include "config/config_yaml.h"

/* 0, or -EINVAL with the error line made. */
int config_check(const struct config_file *f, struct config_yaml *y);
/* The addresses between which signalling and tunnels run: LMAs', MAGs'. `k` counts from 0; NULL behind
 * the last one. Those that are not set are zero. */
const struct in6_addr *config_end(const struct config *c, unsigned k);
/* The part of it about static sessions (config_statics.c). */
int config_check_statics(const struct config_file *f, struct config_yaml *y);
/* And about IPv4 home addresses, IPv4 transport and GRE (config_ipv4.c). */
int config_check_ipv4(const struct config_file *f, struct config_yaml *y);
