/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: a server for the commands of include/pmip/ctl.h.
 *
 * Nothing here blocks or reads a clock. The caller watches the descriptors that struct control_io
 * tells it about and calls control_ready(). Every client costs a bounded amount of memory: a
 * request line is bounded, an answer is cut into pages, the next request is read when the last
 * answer is out, and a monitor that reads too slowly misses events and is told how many.
 *
 * Facts come from the roles (lma.h, mag.h), from core/dataplane.h and, for what lies outside of
 * those, from struct control_ops, which the daemon fills.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/counter.h"
#include "base/nsec.h"
#include "core/event.h"
#include "core/profile.h"
#include "core/store.h"
#include "core/tunnel.h"
#include "lma/lma.h"
#include "mag/mag.h"

/* How the server gets its descriptors watched. */
struct control_io {
	void *ctx;
	/* Starts to watch fd or changes for what. 0 or -errno. */
	int (*watch)(void *ctx, int fd, bool read, bool write);
	/* Stops; the descriptor is closed right after. */
	void (*unwatch)(void *ctx, int fd);
};

/* Facts that outlive the callback only when copied. Strings may be NULL where nothing is known. */
struct control_iface {
	const char *name;
	const char *kind;  /* "transport", "access", "host" */
	const char *hook;  /* what is attached: "xdp+tc", "xdp-spread+tc", "tc", "none", ... */
	const char *state; /* "up", "down", "absent" */
	const char *note;  /* why the hook is not what was asked for, ... */
	unsigned ifindex;  /* 0 while absent */
	uint32_t mtu;
	uint32_t nodes; /* access: how many */
};

struct control_node {
	const char *ifname;
	struct mac mac;
	const char *state;
	nsec_t seen;			/* when it last showed to be there */
	const struct prefix6 *prefixes; /* advertised to it */
	unsigned n_prefixes;
	struct home4 home4; /* not set: none */
	bool dhcp_relay;    /* its DHCP goes to a server behind us */
	nsec_t lease_end;   /* of the lease given here; 0: none */
};

struct control_nexthop {
	const char *state; /* "reachable", "resolving", "no-route", ... */
	char ifname[16];   /* egress; "" while unknown */
	struct in6_addr gateway;
	struct mac mac;
};

struct control_store {
	const char *file;
	bool open; /* else nothing is kept, and of the rest only `found` says something */
	struct store_status status;
	/* as it was at the start */
	const char *found; /* "sound", "new", "damaged (...)", or why it could not be opened */
	const char *aside; /* name of the damaged file; NULL: none */
	uint64_t records;  /* that were read */
	uint64_t missing;  /* that were there before the damage; 0 where that is not known */
	uint64_t restored, refused;
	nsec_t took;
	bool lost; /* peers were told that sessions are lost */
	uint32_t restart_counter;
};

struct control_ops {
	void *ctx;
	void (*walk_interfaces)(void *ctx, void (*cb)(void *arg, const struct control_iface *i),
				void *arg);
	void (*walk_nodes)(void *ctx, void (*cb)(void *arg, const struct control_node *n),
			   void *arg);
	void (*walk_profiles)(void *ctx,
			      void (*cb)(void *arg, const char *pattern, const struct profile *p),
			      void *arg);
	/* Counters of everything but the roles: net, access, wire, data-plane verdicts. Fills at
	 * most `max`; returns how many. The arrays stay valid until the next call. */
	size_t (*counters)(void *ctx, struct counter_set *out, size_t max);
	/* Packets discarded by the data plane, one counter per reason. 0 or -errno. */
	int (*drops)(void *ctx, struct counter_set *out);
	void (*store)(void *ctx, struct control_store *out);
	/* Where a tunnel's packets go. 0, or -ENOENT. */
	int (*nexthop)(void *ctx, dp_ref peer, struct control_nexthop *out);
	/* An external trigger. mnid and prev_ap are NULL and hint HI_RESERVED when not given. As
	 * mag_attach(), and -ENODEV when there is no such access interface. */
	int (*attach)(void *ctx, const char *ifname, const struct mac *mac, const struct mnid *mnid,
		      uint8_t hint, const char *prev_ap, nsec_t now);
	int (*detach)(void *ctx, const char *ifname, const struct mac *mac, nsec_t now);
	/* Name of an interface; NULL when it is gone. Valid until the next call. */
	const char *(*ifname)(void *ctx, unsigned ifindex);
	/* Reads the configuration again. 0 with a summary in msg, or -errno with the reason. */
	int (*reload)(void *ctx, char *msg, size_t cap, nsec_t now);
	/* Ends the daemon after this turn of its loop. With `flush` nothing of the data plane
	 * stays. 0 with what becomes of it in msg. */
	int (*shut_down)(void *ctx, bool flush, char *msg, size_t cap);
};

/* What the handlers work on. Borrowed; the daemon may change members between two calls. Any
 * pointer and any member of ops may be NULL: commands that need it say so. */
struct control_ctx {
	struct lma *lma;
	struct mag *mag;
	struct dataplane *dp;
	struct tunnels *tunnels;
	struct control_ops ops;
	const char *instance;
	const char *config_file;
	const char *version;
	const char *dataplane; /* one line about it: "bpf", "bpf, adopted", ... */
	nsec_t started_at;
	uint64_t (*wallclock)(void *ctx); /* of ops.ctx: for event times; NULL: left out */
};

struct control_opts {
	const char *path;	  /* of the socket; its directory is created (0755) when missing */
	const char *group;	  /* may use it too (mode 0660); NULL or "": mode 0600 */
	unsigned max_clients;	  /* 0: 128 */
	size_t max_monitor_bytes; /* queued per monitor before events are dropped; 0: 256 KiB */
};

struct control;

/*
 * Binds and listens. A socket file nobody answers on is replaced. 0, or -errno with one line in
 * `err`: -EADDRINUSE when another daemon answers, -EACCES, -ENOENT for an unknown group, ...
 * With path NULL it does not listen; clients come from control_adopt().
 */
int control_new(struct control **out, const struct control_opts *opts, const struct control_io *io,
		const struct control_ctx *ctx, char *err, size_t cap);
/* Closes all clients and removes the socket file. */
void control_free(struct control **p);

/* Takes over a connected stream socket as a client. 0 or -errno; on failure fd is the caller's. */
int control_adopt(struct control *c, int fd);
/* A watched descriptor is ready. Unknown descriptors are ignored. */
void control_ready(struct control *c, int fd, bool readable, bool writable, nsec_t now);

/* Tells every monitor. Never blocks; cheap when nobody listens. */
void control_emit(struct control *c, const struct event *ev);
unsigned control_monitors(const struct control *c);

struct counter_set control_counters(const struct control *c);
