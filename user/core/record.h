/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a binding is written down as, so that it comes back when the LMA starts again: everything
 * of RFC 5213 5.1, RFC 5844 3.1.1 and RFC 5845 5.1 that a restart must not lose. And what an entry
 * of a MAG's Binding Update List is: RFC 5213 6.1, RFC 5844 3.2.1, RFC 5845 4.1.
 *
 * A record is octets in network order behind a version octet; docs/store.md has the layout. There
 * is one way to write something down, and the reader takes no other. Times are of the wall clock,
 * since a monotonic one means nothing after a restart. The store guards the octets with a checksum;
 * the reader trusts neither it nor the disk.
 */
#pragma once

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "core/dataplane.h"
#include "core/home4.h"
#include "wire/mh.h"

#define RECORD_BINDING_VERSION 2
#define RECORD_BINDING_MAX     1024 /* octets */

enum record_state {
	RECORD_ACTIVE = 1,   /* `deadline` ends the lifetime */
	RECORD_DEREGISTERED, /* `deadline` ends MinDelayBeforeBCEDelete */
	RECORD_REVOKING,     /* ended, and its MAG is told; `deadline` ends the lifetime */
};

struct record_binding {
	enum record_state state;
	struct mnid mnid; /* borrowed, at both ends */
	struct llid llid; /* borrowed; length 0: none */
	unsigned n_prefixes;
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	struct home4 home4; /* all zero: none */
	struct in6_addr proxy_coa;
	struct in6_addr lmaa;
	struct in6_addr link_local;
	uint64_t deadline;    /* ns since 1970-01-01 UTC */
	uint64_t timestamp;   /* of the last accepted registration, in option format */
	uint64_t node_newest; /* newest accepted in any session of the node, RFC 5213 5.5 */
	uint32_t lifetime_s;  /* granted */
	uint32_t handovers;
	uint32_t down_key; /* the MAG's GRE key */
	uint32_t up_key;   /* ours, which is the session's for life; 0: none */
	uint16_t seq;
	uint16_t port; /* UDP source port of the registration */
	uint8_t encap; /* enum dp_encap */
	uint8_t att;
	uint8_t trigger; /* enum br_trigger, of what is being revoked; else 0 */
	bool revokes4;	 /* RECORD_ACTIVE: its IPv4 home address is being revoked */
	bool keyed;
	bool proxy;
};

/* Returns the length, or 0 for what cannot be written down: no identifier, no address, a field
 * out of its range, or more than `cap` octets. */
size_t record_binding_write(const struct record_binding *b, uint8_t *buf, size_t cap);

/* `out` borrows from the octets. Of earlier versions, too. 0; -EPROTONOSUPPORT: of another one;
 * -EBADMSG: not one that record_binding_write() makes, or made then. */
int record_binding_read(struct record_binding *out, const uint8_t *data, size_t len);

#define RECORD_UPDATE_VERSION 3
#define RECORD_UPDATE_MAX     768 /* octets */

enum record_update_state {
	RECORD_BOUND = 1, /* the node was there; it may have none of its service */
	RECORD_LEAVING,	  /* it had left, and the LMA has not confirmed that */
	RECORD_BARRED,	  /* it is there, and is not served until administrative action */
};

/* `expires` 0: the LMA holds no binding, as far as the MAG knew. */
struct record_update {
	enum record_update_state state;
	struct mnid mnid;      /* borrowed, at both ends */
	char ifname[IFNAMSIZ]; /* of the access link; an index means nothing after a restart */
	struct mac mac;	       /* the node's; zero: not known */
	unsigned n_prefixes;
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	struct home4 home4;	 /* all zero: none */
	struct home4 returned4;	 /* given back, and the LMA has not confirmed that; zero: none */
	struct in6_addr coa;	 /* our end; IPv4-mapped for an IPv4-Proxy-CoA */
	struct in6_addr lmaa;	 /* the LMA; of the same family */
	struct in6_addr router;	 /* our link-local address on the link; ::, a fixed one */
	struct in6_addr node;	 /* the node's link-local address; ::, not known */
	uint64_t expires;	 /* ns since 1970-01-01 UTC */
	uint64_t timestamp;	 /* last one sent, in option format */
	uint32_t lifetime_s;	 /* granted */
	uint32_t access_mtu;	 /* 0: unknown */
	uint32_t down_key;	 /* our GRE key */
	uint32_t up_key;	 /* the LMA's */
	uint32_t peer_restarts;	 /* the LMA's Restart Counter, where has_peer_restarts */
	uint16_t seq;		 /* last one sent */
	uint16_t domain;	 /* of IPv4 home addresses on the link */
	uint8_t encap;		 /* enum dp_encap */
	uint8_t gre;		 /* what registrations ask for, 0 to 2 as in enum mag_gre */
	uint8_t att, reg_att;	 /* the link's; what the LMA knows */
	bool tlv, force_udp;	 /* as `gre` */
	bool asks6;		 /* prefixes were asked for at first, RFC 5844 3.2.3.3 */
	bool any_addr4;		 /* not the profile's IPv4 home address, RFC 5844 3.2.3.2 */
	bool released4;		 /* the node gave its IPv4 address back and wants none */
	bool refused4, refused6; /* status 170, 172: until administrative action */
	bool gre_demanded;	 /* status 163, RFC 5845 4.2 */
	bool gre_unwanted;	 /* status 2, RFC 5845 4.2 */
	bool dhcp_relay;	 /* RFC 5844 3.2.3.2 */
	bool has_peer_restarts;
	bool revoking; /* the LMA was asked to end it with all others of ours, RFC 5846 9.2 */
};

/* As those of a binding. */
size_t record_update_write(const struct record_update *u, uint8_t *buf, size_t cap);
int record_update_read(struct record_update *out, const uint8_t *data, size_t len);
