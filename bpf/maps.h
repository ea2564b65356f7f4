/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The maps and switches of the data plane. Both objects define all of them; the loader creates
 * each map once and lets the second object reuse it. Sizes marked "loader" are defaults that the
 * loader replaces before it loads. Layouts: pmip/abi.h.
 */
#pragma once

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "pmip/abi.h"

/* clang-format off */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 65536); /* loader */
	__type(key, __u32);         /* slot */
	__type(value, struct pm_session);
} pm_session SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536); /* loader */
	__type(key, __be64);        /* upper half of a home network prefix */
	__type(value, __u32);       /* slot */
} pm_prefix6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536); /* loader */
	__type(key, struct pm_owner4); /* IPv4 home address and its domain */
	__type(value, __u32);       /* slot */
} pm_addr4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 65536); /* loader */
	__type(key, __u32);         /* primary slot */
	__type(value, struct pm_keys);
} pm_keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536); /* loader */
	__type(key, struct pm_mnid_key);
	__type(value, __u32);       /* slot */
} pm_mnid SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096);
	__type(key, struct pm_framed_key);
	__type(value, struct pm_framed);
} pm_framed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PM_MAX_TUNNELS);
	__type(key, __u32);
	__type(value, struct pm_tunnel);
} pm_tunnel SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PM_MAX_ACCESS);
	__type(key, __u32);
	__type(value, struct pm_access);
} pm_access SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PM_IFACE_SLOTS);
	__type(key, __u32);         /* ifindex % PM_IFACE_SLOTS */
	__type(value, struct pm_iface);
} pm_iface SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pm_hints);
} pm_hints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024);  /* loader: a power of two */
	__type(key, __u32);
	__type(value, __u64);
} pm_seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pm_global);
} pm_global SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);     /* loader: PM_DOMAINS, where domains have routes of their own */
	__type(key, __u32);         /* domain of a session */
	__type(value, __u32);       /* ifindex */
} pm_domain SEC(".maps");

/* No per-CPU map, which scatters its elements. Mapped memory begins at a cache line. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PM_ROUTE_SETS); /* loader: for each CPU */
	__type(key, __u32);         /* CPU * PM_ROUTE_SETS + set */
	__type(value, struct pm_routes);
} pm_route SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PM_MAX_LOCAL);
	__type(key, struct pm_addr6); /* LMAA or Proxy-CoA */
	__type(value, __u32);         /* 1 */
} pm_local SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PM_MAX_POOLS);
	__type(key, __u32);
	__type(value, struct pm_pool);
} pm_pool SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pm_meta);
} pm_meta SEC(".maps");

/* The daemon's own: no program reads them. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);     /* loader: session halves, if they are kept */
	__type(key, __u32);         /* reference */
	__type(value, struct pm_half);
} pm_half SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);     /* loader */
	__type(key, __u32);         /* 2 * reference + copy */
	__type(value, struct pm_more);
} pm_more SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PM_DROP_MAX);
	__type(key, __u32);         /* enum pm_drop_reason */
	__type(value, __u64);
} pm_drop SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PM_HOOK_MAX * PM_V_MAX);
	__type(key, __u32);         /* hook * PM_V_MAX + enum pm_verdict */
	__type(value, __u64);
} pm_verdict SEC(".maps");

/* Token buckets per CPU. */
enum pm_rate { PM_RATE_ICMP, PM_RATE_EARLY, PM_RATE_FRAGMENT, PM_RATE_MAX };

struct pm_bucket {
	__u64 last;                 /* ns */
	__u64 tokens;               /* in ns: one costs 1 s / rate */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PM_RATE_MAX);
	__type(key, __u32);         /* enum pm_rate */
	__type(value, struct pm_bucket);
} pm_rate SEC(".maps");

/* Queues of the CPUs that frames are spread over; filled only then. */
struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);     /* loader: CPUs */
	__type(key, __u32);         /* CPU */
	__type(value, struct bpf_cpumap_val);
} pm_cpus_transport SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);     /* loader: CPUs */
	__type(key, __u32);         /* CPU */
	__type(value, struct bpf_cpumap_val);
} pm_cpus_access SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PM_SLOW_RING);
} pm_slow SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PM_BUFFERS); /* loader: 1, where nothing is kept */
	__type(key, __u32);
	__type(value, struct pm_buffer);
} pm_buffer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PM_KEPT_RING); /* loader: a page, where nothing is kept */
} pm_kept SEC(".maps");

/* Where a packet is put together before it goes into pm_slow. */
struct pm_scratch {
	struct pm_slow head;
	__u8 data[PM_SLOW_DATA];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pm_scratch);
} pm_scratch SEC(".maps");

/* The same for pm_kept. No per-CPU map, whose elements may not be that large. */
struct pm_keep {
	struct pm_slow head;
	__u8 data[PM_KEPT_DATA];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);     /* loader: CPUs, where anything is kept */
	__type(key, __u32);         /* CPU */
	__type(value, struct pm_keep);
} pm_keep SEC(".maps");
/* clang-format on */

/* Words of pm_seen, less one. */
const volatile __u32 pm_seen_mask = 1023;

/* Switches, fixed at load time; the verifier removes what is off. */
const volatile _Bool pm_role_lma = 1;	   /* sessions may be anchored here */
const volatile _Bool pm_role_mag = 1;	   /* sessions may be on a link here */
const volatile _Bool pm_use_pools = 1;	   /* pm_pool has entries */
const volatile _Bool pm_use_ip4 = 1;	   /* sessions may have IPv4 home addresses */
const volatile _Bool pm_use_ip4_outer = 1; /* tunnels may be over IPv4 */
const volatile _Bool pm_use_gre = 1;	   /* tunnels may use GRE */
const volatile _Bool pm_use_domains = 0;   /* domains may have routes of their own */
const volatile _Bool pm_decap_flags = 1;   /* bpf_skb_adjust_room() knows of decapsulation: 6.3 */
const volatile _Bool pm_mss_clamp = 0;	   /* TCP learns at its start what fits a tunnel */
const volatile __u32 pm_icmp_rate = 1000;  /* ICMP errors per second and CPU; 0: none */
const volatile __u32 pm_icmp_burst = 100;
const volatile __u32 pm_early_rate = 0; /* early tunnel packets per second and CPU; 0: none */
const volatile __u32 pm_early_burst = 100;
const volatile __u32 pm_fragment_rate = 0; /* packets to fragment per second and CPU; 0: none */
const volatile __u32 pm_fragment_burst = 1000;
const volatile __u32 pm_buffer_packets =
	0;			  /* that may wait for one node; 0: nothing is ever kept */
const volatile __u64 pm_mark = 0; /* pm_meta.mark */
/* Sources of ICMP errors where the tunnel is of the other family; zero: none are sent. */
const volatile __u8 pm_icmp6_source[16] = {0};
const volatile __u8 pm_icmp4_source[4] = {192, 0, 0, 8}; /* RFC 7600 4.8 */
/* CPUs that frames are spread over. */
const volatile __u32 pm_spread_cpus = 0;
const volatile __u32 pm_spread_cpu[PM_SPREAD_MAX] = {0};
