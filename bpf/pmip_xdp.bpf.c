/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "maps.h"


SEC("xdp")
int xdp_transport(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int xdp_access(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
