/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "maps.h"
#include <linux/pkt_cls.h>

SEC("tc")
int tc_transport(struct __sk_buff *ctx)
{
	return TC_ACT_OK;
}

SEC("tc")
int tc_access(struct __sk_buff *ctx)
{
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
