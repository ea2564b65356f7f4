/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mobile node's IPv4 home address as an LMA assigns it (RFC 5844 3.1.1). */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct home4 {
	struct in_addr addr;   /* 0.0.0.0: none */
	struct in_addr router; /* IPv4 default router; 0.0.0.0: none */
	uint8_t len;	       /* prefix length of the home network */
	uint16_t domain; /* tells equal addresses of several operators apart; 0: the only one */
};

static inline bool home4_is_set(const struct home4 *h)
{
	return h && h->addr.s_addr;
}

static inline bool home4_eq(const struct home4 *a, const struct home4 *b)
{
	return a->addr.s_addr == b->addr.s_addr && a->router.s_addr == b->router.s_addr &&
	       a->len == b->len && a->domain == b->domain;
}
