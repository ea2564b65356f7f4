/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes and link-layer addresses: compare, parse, print. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDR6_STRLEN 46
#define PREFIX6_STRLEN 50
#define MAC_STRLEN 18

struct mac {
	uint8_t b[6];
};

/* Bits of addr beyond len are zero in every prefix that was parsed or stored. */
struct prefix6 {
	struct in6_addr addr;
	uint8_t len; /* 0..128 */
};

/* As prefix6. */
struct prefix4 {
	struct in_addr addr;
	uint8_t len; /* 0..32 */
};

bool addr6_eq(const struct in6_addr *a, const struct in6_addr *b);
int addr6_cmp(const struct in6_addr *a, const struct in6_addr *b);
bool addr6_is_zero(const struct in6_addr *a);
bool addr6_is_linklocal(const struct in6_addr *a);
bool addr6_is_multicast(const struct in6_addr *a);
/* Neither unspecified, loopback, multicast, link-local nor v4-mapped: fit to be a Proxy-CoA. */
bool addr6_is_unicast_routable(const struct in6_addr *a);
/* Writes into buf and returns it. */
const char *addr6_str(const struct in6_addr *a, char buf[ADDR6_STRLEN]);
int addr6_parse(const char *s, struct in6_addr *out); /* 0 or -EINVAL */

/* IPv4 addresses travel as IPv4-mapped IPv6 addresses (RFC 4291 2.5.5.2) where both may be. */
bool addr_is_ip4(const struct in6_addr *a);
struct in6_addr addr_from_ip4(struct in_addr a);
struct in_addr addr_to_ip4(const struct in6_addr *a); /* of one that is IPv4-mapped */
/* "192.0.2.1" for an IPv4-mapped one, else as addr6_str(). */
const char *addr_str(const struct in6_addr *a, char buf[ADDR6_STRLEN]);
int addr_parse(const char *s, struct in6_addr *out); /* of either family; 0 or -EINVAL */
/* Neither of this network or host, loopback, multicast, reserved nor link-local: RFC 6890 2.2.2. */
bool addr4_is_unicast_routable(struct in_addr a);

bool prefix6_eq(const struct prefix6 *a, const struct prefix6 *b);
int prefix6_cmp(const struct prefix6 *a, const struct prefix6 *b);
bool prefix6_is_zero(const struct prefix6 *p); /* the ALL_ZERO value of RFC 5213, any length */
bool prefix6_contains(const struct prefix6 *outer, const struct prefix6 *inner);
bool prefix6_has_addr(const struct prefix6 *p, const struct in6_addr *a);
void prefix6_mask(struct prefix6 *p);
const char *prefix6_str(const struct prefix6 *p, char buf[PREFIX6_STRLEN]);
/* "2001:db8::/64"; host bits set is -EINVAL, so that a typing slip does not pass. */
int prefix6_parse(const char *s, struct prefix6 *out);

#define PREFIX4_STRLEN 19
bool prefix4_eq(const struct prefix4 *a, const struct prefix4 *b);
bool prefix4_has_addr(const struct prefix4 *p, struct in_addr a);
bool prefix4_overlaps(const struct prefix4 *a, const struct prefix4 *b);
struct in_addr prefix4_mask(uint8_t len); /* 255.255.255.0 */
const char *prefix4_str(const struct prefix4 *p, char buf[PREFIX4_STRLEN]);
int prefix4_parse(const char *s, struct prefix4 *out); /* as prefix6_parse() */

bool mac_eq(const struct mac *a, const struct mac *b);
bool mac_is_zero(const struct mac *a);
bool mac_is_multicast(const struct mac *a);
const char *mac_str(const struct mac *m, char buf[MAC_STRLEN]);
int mac_parse(const char *s, struct mac *out); /* ':' or '-' between octets */
/* fe80::/64 with the modified EUI-64 of the address (RFC 4291 appendix A). */
struct in6_addr mac_linklocal(const struct mac *m);
