/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: one YAML file in, one struct config out, or one line that says what is wrong.
 *
 * Every key is one row of the tables in config_rows.c (type, default, range, unit, RFC name,
 * whether it changes while running). Loading, checking, defaulting, the comparison for a reload and
 * docs/configuration.md all read those rows.
 *
 * A struct config owns everything it points to, the arrays that struct lma_cfg and struct mag_cfg
 * borrow included: keep it as long as a role runs on it. Strings are terminated and never NULL.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "access/access.h"
#include "base/addr.h"
#include "base/log.h"
#include "core/profile.h"
#include "core/statics.h"
#include "lma/lma.h"
#include "mag/mag.h"

#define CONFIG_IFNAME_LEN  16
#define CONFIG_HOST_SUFFIX "-dp"       /* of the data plane's end of the host interface */
#define CONFIG_PATH_LEN	   104	       /* fits sun_path */
#define CONFIG_ERR_LEN	   512	       /* room for any message of this module */
#define CONFIG_FILE_MAX	   (64u << 20) /* octets; a larger file is refused */

#define CONFIG_SPREAD_MAX 64 /* CPUs that frames are spread over */

enum config_hook { CONFIG_HOOK_AUTO, CONFIG_HOOK_XDP, CONFIG_HOOK_TC, CONFIG_HOOK_XDP_GENERIC };
enum config_link { CONFIG_LINK_SHARED, CONFIG_LINK_POINT_TO_POINT };

/* An interface towards the network, where tunnel packets come and go. */
struct config_transport {
	char name[CONFIG_IFNAME_LEN];
	enum config_hook hook;
	uint16_t domain; /* of the IPv4 home addresses that are met there */
	bool spread;	 /* over the CPUs of spread_cpu */
};

/* An interface towards mobile nodes. */
struct config_access {
	char name[CONFIG_IFNAME_LEN];
	enum config_link type;
	enum config_hook hook;
	bool spread;		    /* over the CPUs of spread_cpu */
	uint16_t domain;	    /* of the IPv4 home addresses that are met there */
	uint8_t att;		    /* Access Technology Type, RFC 5213 8.5 */
	uint32_t probe_interval_ms; /* between probes of a node; 0: never probe */
	uint32_t probe_count;	    /* unanswered probes until the node counts as gone */
	/* what counts as a node's arrival or departure */
	bool trigger_rs;	/* Router Solicitation */
	bool trigger_ns;	/* Neighbor Solicitation, DAD included */
	bool trigger_arp;	/* ARP of any kind */
	bool trigger_dhcp;	/* DHCPDISCOVER, DHCPREQUEST */
	bool trigger_link_down; /* the interface loses its carrier: everybody left */
	bool trigger_neighbour; /* the bridge forgets the node's address: it left */
};

/* What may wait for nodes that are about to change their MAG, and how it leaves. */
struct config_buffer {
	uint32_t nodes; /* 0: nothing is kept */
	uint32_t node_packets, node_octets;
	uint32_t total_packets, total_octets;
	uint32_t age_ms;
	uint32_t drain_rate;  /* packets per second; 0: by metering */
	uint32_t drain_speed; /* per cent of the metered rate */
};

struct config {
	char instance[32];
	enum log_class log_level;
	char control_socket[CONFIG_PATH_LEN];
	char control_group[32];	     /* group that may use the socket; "": root alone */
	char bpffs[CONFIG_PATH_LEN]; /* maps are pinned in <bpffs>/pmip/<instance>/ */
	char state_directory[CONFIG_PATH_LEN];
	uint32_t loss_window_ms; /* 0: replies wait for the disk */
	uint32_t heartbeat_interval_s;	     /* in lma.heartbeat and mag.heartbeat too */
	uint32_t missing_heartbeats_allowed; /* likewise */
	struct revocation_cfg revocation;    /* likewise */
	uint32_t signalling_dscp;	     /* of our Mobility Headers */
	bool tcp_mss_clamp;
	bool udp_fixed_port;   /* source port of tunnels in UDP */
	bool leave_forwarding; /* the data plane outlives the daemon */
	uint32_t spread_cpu[CONFIG_SPREAD_MAX];
	unsigned n_spread_cpus;

	struct config_transport *transport;
	unsigned n_transport;

	bool has_lma;
	struct lma_cfg lma;			/* complete, domain knobs included, when has_lma */
	char host_interface[CONFIG_IFNAME_LEN]; /* to mobile nodes, when has_lma; "": none */
	bool has_mag;
	struct mag_cfg mag;	      /* complete, domain knobs included, when has_mag */
	struct access_cfg access_cfg; /* complete when has_mag */
	struct config_buffer buffer;  /* likewise */
	struct config_access *access;
	unsigned n_access;
	struct in6_addr dhcp6_servers[DHCP6_SERVERS_MAX]; /* that the MAG relays to */
	unsigned n_dhcp6_servers;

	struct in_addr dhcp4_servers[DHCP4_SERVERS_MAX]; /* likewise */
	unsigned n_dhcp4_servers;
	struct in_addr dhcp4_relay_addr; /* ours towards these, when there are any */

	/* of both families, one of them IPv4-mapped; lma.addrs has all, those of IPv6 first */
	struct in6_addr lma_addrs6[LMA_ADDRS_MAX], lma_addrs4[LMA_ADDRS_MAX];
	unsigned n_lma_addrs6, n_lma_addrs4;
	/* complete: halves, addresses, defaults */
	struct static_session *lma_statics;
	unsigned n_lma_statics;
	struct static_session *mag_statics;
	unsigned n_mag_statics;

	struct profile_table *profiles; /* profiles and fallback-profiles; always there */
};

/*
 * Reads a file, or memory that `name` stands for in messages. 0, or -errno with one line in `err`
 * of the form "FILE:LINE: key.path: what is wrong; what would be right". *out is set on success
 * only. The file is read whole and at once; nothing else is opened.
 */
int config_load(struct config **out, const char *path, char *err, size_t cap);
int config_load_mem(struct config **out, const char *name, const void *buf, size_t len, char *err,
		    size_t cap);
void config_free(struct config **p);

/*
 * Whether a daemon that runs on `old` can change to `new` without a restart. Returns how many keys
 * differ (0: nothing to do), or -EBUSY with a reason in `why` that names the first key that cannot
 * change. Judges the configuration alone: the roles may still refuse in lma_reload(), mag_reload().
 */
int config_reload_diff(const struct config *old, const struct config *new, char *why, size_t cap);

/* Each key that differs, as "lma.max-bindings: 1000 -> 2000"; for the log of a reload. */
void config_walk_diff(const struct config *old, const struct config *new,
		      void (*cb)(void *ctx, const char *line), void *ctx);

/* An IPv6 address of ours, for what comes from no particular one; :: when there is none. */
struct in6_addr config_own_ip6(const struct config *c);
/* The MAG's end of what goes to that LMA. */
const struct in6_addr *config_coa(const struct config *c, const struct in6_addr *lmaa);

/* The profiles in file order; `pattern` is NULL for a profile, else the fallback's pattern. */
void config_walk_profiles(const struct config *c,
			  void (*cb)(void *ctx, const char *pattern, const struct profile *p),
			  void *ctx);

/* The reference as Markdown: every key, and a commented example that config_load() accepts. */
void config_print_schema(FILE *f);
