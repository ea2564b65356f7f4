/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel knows about an interface. Does it take frames that XDP redirects to it? Since 6.3
 * the kernel says so (generic netlink family "netdev"); before, what is known about its driver
 * decides.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

struct mnl_socket;

struct dp_netdev {
	struct mnl_socket *nl;	   /* NULL: the kernel has no such family */
	struct mnl_socket *events; /* changes of these answers; NULL: the kernel does not tell */
	uint16_t family;
	uint32_t seq;
};

/* Never fails: without the family the driver's name is asked. */
void dp_netdev_open(struct dp_netdev *n);
void dp_netdev_close(struct dp_netdev *n);

/* 0 and the NETDEV_XDP_ACT_* bits; -EOPNOTSUPP without the family, -ENODEV, -errno. */
int dp_netdev_features(struct dp_netdev *n, unsigned ifindex, uint64_t *features);

/* `native`: our XDP program runs in its driver. `trusted`: the operator asked for XDP there, so a
 * veth about which the kernel says nothing is taken at their word. */
bool dp_netdev_takes_xdp(struct dp_netdev *n, unsigned ifindex, const char *ifname, bool native,
			 bool trusted);

/* Does it take such frames in several buffers, too? Before 6.3: not known, so no. */
bool dp_netdev_takes_pieces(struct dp_netdev *n, unsigned ifindex);

/* Whether the device leaves VLAN tags in the frames that it receives, or takes them out. 1:
 * changed; 0: so already; or -errno. */
int dp_netdev_leave_tags(const char *ifname, bool leave);

/* The interface's own link-layer address. False when it has none, or is gone. */
bool dp_netdev_mac(const char *ifname, struct mac *out);

/* Readable when an answer has changed somewhere; -1: the kernel does not tell. */
int dp_netdev_event_fd(const struct dp_netdev *n);
/* Reads what is there. `changed` gets each interface concerned, 0 for "perhaps any". */
void dp_netdev_events(struct dp_netdev *n, void (*changed)(void *ctx, unsigned ifindex), void *ctx);
