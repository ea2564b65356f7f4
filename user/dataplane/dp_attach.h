/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interfaces: which programs run where, and the tables the programs read about them.
 *
 *	pm_iface   for every interface with our programs: the hooks that run there
 *	pm_access  the access links; sessions name them by index
 *
 * An access index lives as long as a session or an attachment uses it, so that a session may be
 * put before its interface is attached and survives when the interface goes.
 */
#pragma once

#include "dataplane/dp_bpf.h"
#include "dataplane/dp_index.h"
#include "dataplane/dp_netdev.h"
#include "dataplane/dp_vlan.h"

#define DP_TC_PLACE 0x706d /* handle and priority of our filter */

struct dp_access {
	unsigned ifindex; /* 0: free */
	uint32_t users;	  /* sessions, and the attachment */
};

struct dp_iface {
	struct dp_bpf_iface pub;
	struct mac own;	  /* link-layer address; zero: none, or any */
	bool host;	  /* this host's own packets come in there */
	uint32_t access;  /* into dp_ifaces.access; 0: transport */
	int link;	  /* the XDP link's descriptor, -1 none */
	uint32_t tc_prog; /* id of the attached TC program */
	bool written;	  /* in pm_iface */
	bool want_spread;
	bool leaves_tags; /* in frames that it receives, as it did not before */
	bool adopted;	  /* as an earlier run left it */
};

struct dp_ifaces {
	struct dp_iface *iface; /* [n] */
	unsigned n;
	struct dp_access *access; /* [PM_MAX_ACCESS] */
	struct dp_fifo free;
	struct dp_index by_ifindex; /* access indices */
	struct dp_netdev netdev;
	struct dp_vlan *vlan; /* [n_vlans] */
	unsigned n_vlans;
};

int dp_attach_init(struct dp_ifaces *x);
/* With `flush` detaches everything, otherwise leaves what is pinned in place. */
void dp_attach_free(struct dp_bpf *dp, bool flush);

/* Takes over what pins and tables say of interfaces. */
void dp_attach_adopt(struct dp_bpf *dp);
/* A session on the interface has this access index; false when that cannot be. */
bool dp_access_adopt(struct dp_bpf *dp, unsigned ifindex, uint32_t access);
/* That were all: the other indices are free. */
void dp_access_adopted(struct dp_bpf *dp);
/* Detaches what is still as an earlier run left it. */
void dp_attach_sweep(struct dp_bpf *dp);

/* Detaches what a pin called `name` in the instance's directory holds; the caller unlinks it. */
void dp_attach_forget(const char *name, const char *path);

/* The access index of an interface, one user more. 0 when all are in use. */
uint32_t dp_access_get(struct dp_bpf *dp, unsigned ifindex);
void dp_access_put(struct dp_bpf *dp, uint32_t access); /* 0 is ignored */

/* Nothing is attached there yet. NULL: out of memory. */
struct dp_iface *dp_iface_new(struct dp_bpf *dp);
bool dp_iface_xdp_alive(const struct dp_iface *f);
/* NULL: not attached. */
struct dp_iface *dp_iface_find(const struct dp_bpf *dp, unsigned ifindex);
/* Enters what is known of an interface, attached or a VLAN interface, into pm_iface and pm_access,
 * or removes it. 0 or the map's -errno. */
int dp_iface_write(struct dp_bpf *dp, unsigned ifindex);

/* Whether redirected XDP frames may go out there, or through the interface below; false for an
 * interface that is neither attached nor a VLAN interface. */
bool dp_iface_takes_xdp(const struct dp_bpf *dp, unsigned ifindex);
