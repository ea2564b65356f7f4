/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VLAN interfaces, which programs send to through the interface below. Their part of pm_iface;
 * dp_attach.c writes the element together with what it knows of the same interface.
 */
#pragma once

#include "dataplane/dp_bpf.h"

struct dp_vlan {
	struct dp_bpf_vlan pub;
	bool takes_xdp; /* the parent takes XDP frames */
};

struct pm_iface;

/* NULL: no VLAN interface, as far as is known. */
const struct dp_vlan *dp_vlan_find(const struct dp_bpf *dp, unsigned ifindex);
void dp_vlan_describe(const struct dp_vlan *v, struct pm_iface *e);
/* Where XDP runs below a VLAN interface, the device must leave tags in frames: without them they
 * look like those of no VLAN. To be called when either comes or goes. */
struct dp_iface;
void dp_vlan_keep_tags(struct dp_bpf *dp, struct dp_iface *f);
/* What an interface can do has perhaps changed; 0: of any. */
void dp_vlan_parent_changed(struct dp_bpf *dp, unsigned parent);
