/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is who in the benchmark: addresses that the tables, the frames and the kernel's routes share.
 */
#pragma once

#define PLAN_D0_MAC	"02:00:00:00:01:01" /* of d0, where frames come in */
#define PLAN_D1_MAC	"02:00:00:00:01:02" /* of d1, where they leave */
#define PLAN_PEER_MAC	"02:00:00:00:01:03" /* whoever sends to d0 from the network */
#define PLAN_HOP_MAC	"02:00:00:00:01:ff" /* next hop behind d1 */
#define PLAN_ROUTER_MAC "00:00:5e:00:52:13" /* the gateway on its access links */
#define PLAN_NODE_MAC	0x0200		    /* 02:00, then the node's number in 4 octets */

#define PLAN_LMAA      "2001:db8:2::1"
#define PLAN_PCOA      "2001:db8:11::1"
#define PLAN_CN	       "2001:db8:cafe::1"
#define PLAN_HOP       "2001:db8:2::ff" /* address of the next hop behind d1 */
#define PLAN_MAG_NET   "2001:db8:11::"	/* MAG i is 2001:db8:11:i::1 */
#define PLAN_MAG       "2001:db8:11:%x::1"
#define PLAN_MAG_ROUTE "2001:db8:11::/48"
#define PLAN_CN_ROUTE  "2001:db8:cafe::/48"
#define PLAN_POOL      "2001:db8:100::/44" /* node i has its /64 number i */
#define PLAN_NODE      "2001:db8:100::1"   /* an address of node 0 */
#define PLAN_MAGS      64		   /* node i is behind MAG i modulo this; a power of two */
#define PLAN_MTU       1500

/* The same in IPv4. */
#define PLAN_LMAA4     "192.0.2.1"
#define PLAN_PCOA4     "198.51.100.1"
#define PLAN_MAG4      "198.18.0.0" /* MAG i is 198.18.0.i */
#define PLAN_CN4       "203.0.113.1"
#define PLAN_HOP4      "192.0.2.254"
#define PLAN_CN4_ROUTE "203.0.113.0/24"
#define PLAN_POOL4     "10.0.0.0" /* with the prefix length below */
#define PLAN_POOL4_LEN 8
#define PLAN_NODE4     "10.0.0.1" /* node 0; node i is i addresses behind it */
