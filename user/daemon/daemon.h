/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: wires sockets, kernel, data plane and roles together on one libev loop.
 *
 *	main.c      command line
 *	daemon.c    start, stop, the message path, the event sink
 *	loop.c      libev: one timer for every deadline, descriptors, signals
 *	links.c     interfaces: they come, change and go; both hooks and the access side follow
 *	left.c      what a later run must know of what this one changed in the kernel
 *	flush.c     removes what a run left that is no more
 *	notify.c    what a service manager hears of us
 *	host.c      the interface by which this host reaches nodes; routes of the home networks
 *	dhcp6.c     the DHCPv6 relay agent and its socket
 *	dhcp4.c     the socket of the DHCPv4 relay agent
 *	preset.c    what the configuration alone puts into the data plane: ends, static sessions
 *	warm.c      tunnels that are there before their first node
 *	slow.c      what the fast path cannot do: the kernel's own stack at the tunnels' ends
 *	routing.c   routing tables and VLAN interfaces, as far as programs must know of them
 *	hops.c      next hops: netlink's view of a tunnel's path becomes the data plane's
 *	show.c      facts for the control socket
 *	reload.c    SIGHUP: all of a new configuration, or nothing of it
 *	restart.c   our Restart Counter
 *	durable.c   the store: what comes back after a restart
 *	unsaved.c   what does not, because it was killed too soon
 *	caps.c      what of root's power is kept
 *
 * This layer alone reads clocks. Everything runs in one thread.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>

#include "access/access.h"
#include "access/dhcp6_relay.h"
#include "base/counter.h"
#include "config/config.h"
#include "control/control.h"
#include "core/inbox.h"
#include "core/statics.h"
#include "core/tunnel.h"
#include "dataplane/dp_bpf.h"
#include "lma/lma.h"
#include "mag/mag.h"
#include "net/dhcp_sock.h"
#include "net/frame_sock.h"
#include "net/icmp_relay.h"
#include "net/icmp_sock.h"
#include "net/mh_sock.h"
#include "net/mh_udp.h"
#include "net/nexthop.h"
#include "net/nl.h"
#include "net/routes.h"
#include "net/tunnel_sock.h"
#include "store/store_lmdb.h"

#define DAEMON_ERRLEN 512

/* An interface of the configuration and what became of it. */
struct iface {
	char name[IFNAMSIZ];
	bool is_access;
	enum dp_bpf_want want;
	bool spread;
	uint16_t domain;	     /* of the IPv4 home addresses that are met there */
	struct config_access access; /* when is_access */
	unsigned ifindex;	     /* 0: not there now */
	bool attached;		     /* both hooks are as wanted */
	bool running;		     /* up, with carrier */
	bool mac_changed;
	struct mac original_mac, set_mac;
	uint32_t mtu;
	enum dp_bpf_mode mode;
	bool spreads;		  /* frames go to other CPUs */
	char note[DP_BPF_ERRLEN]; /* why it is not attached, or not as hoped */
};

/* A home network, or the default router's address of one. */
struct home_net {
	struct prefix6 net;
	bool router;
};

/* An access interface of an earlier run. */
struct left_link {
	char name[IFNAMSIZ];
	struct mac as, was; /* the address that it was given, and its own; zero: never changed */
};

/* What an earlier run has put into the kernel; left.c. */
struct left {
	struct home_net *home;
	unsigned n_home;
	struct left_link *link;
	unsigned n_links;
};

/* The interface by which this host reaches mobile nodes; host.c. */
struct host {
	char name[IFNAMSIZ]; /* "": none is wanted */
	unsigned ifindex;    /* the kernel's end; 0: not there */
	unsigned other;	     /* the data plane's end */
	bool up;	     /* routes lead there */
	uint32_t mtu;
	char note[DP_BPF_ERRLEN]; /* why it is not there, or not as wanted */
};

/* What a start after a crash has to know; unsaved.c. */
enum unsaved_state { UNSAVED_NOTHING, UNSAVED_CHANGES, UNSAVED_ENDED };

#define UNSAVED_BOOT_LEN 37

struct unsaved {
	int fd; /* -1: it cannot be kept */
	enum unsaved_state state;
	bool waits;
	char boot[UNSAVED_BOOT_LEN];
};

#define DAEMON_COUNTERS(X)                                                                        \
	X(DAEMON_C_WRONG_DESTINATION, "wrong_destination",                                        \
	  "messages to an address that is neither LMAA nor Proxy-CoA, discarded")                 \
	X(DAEMON_C_NOT_PROXY, "binding_update_not_proxy",                                         \
	  "Binding Updates without the P flag, discarded")                                        \
	X(DAEMON_C_STALE, "came_while_starting", "messages that waited for the start, discarded") \
	X(DAEMON_C_FROM_ACCESS, "from_access_link",                                               \
	  "messages that came from an access link, discarded")

enum daemon_counter { DAEMON_COUNTERS(COUNTER_ENUM) DAEMON_C_MAX };

struct daemon {
	const char *config_path;
	struct config *cfg;
	struct profiles profiles;
	struct in6_addr own_ip6; /* source of ICMPv6 errors where no tunnel has one; ::, none */

	struct ev_loop *loop;
	ev_timer timer;
	ev_timer watchdog;
	ev_prepare prepare;
	ev_signal on_hup, on_term, on_int;
	ev_io mh_io, udp_io, nl_io, frame_io, dp_io, slow_io, buffer_io, ends_io, icmp_io, dhcp6_io,
		dhcp4_io;
	struct control_watch *watches; /* loop.c */

	struct dp_bpf *dp;
	struct tunnels *tunnels;
	struct statics *statics;
	struct nl *nl;
	struct nl_listener nl_listener;
	struct nexthops *hops;
	struct routes *routes;
	struct nl_listener vlan_listener;
	struct mh_sock *mh;
	struct mh_udp *udp; /* NULL without addresses of IPv4 */
	struct frame_sock *frames;
	struct tunnel_sock *ends;
	struct icmp_sock *icmp;
	nsec_t relays_spent_until; /* slow.c: rate of relayed errors */
	uint64_t relayed[ICMP_RELAY_MAX];
	struct access *access;
	struct dhcp6_relay *dhcp6;
	struct dhcp_sock *dhcp6_sock; /* NULL while no server is configured; the next too */
	struct dhcp_sock *dhcp4_sock;
	struct link_ops links; /* the MAG borrows it */
	struct lma *lma;
	struct mag *mag;
	struct control *control;
	struct control_ctx control_ctx;

	struct store_lmdb *store_file; /* both NULL: nothing can be kept */
	struct store *store;
	struct store_lmdb_report store_report;
	uint64_t restored, refused; /* records, at the start */
	nsec_t restore_took;
	struct unsaved unsaved;
	ev_io store_io;
	unsigned store_generation;
	bool state_lost; /* sessions of the time before the start are not all there */

	struct inbox inbox;
	struct env env;
	struct event_sink sink;

	struct iface *ifaces;
	unsigned n_ifaces;
	struct host host;
	struct home_net *home; /* what routes are there for */
	unsigned n_home;
	dp_ref *warm; /* tunnels to configured peers, held so that their next hops are known */
	unsigned n_warm;

	nsec_t started_at;
	uint32_t restart_counter; /* RFC 5847 3.2 */
	bool starting;		  /* no message is heard yet */
	uint64_t counter[DAEMON_C_MAX];
	bool serving; /* all that is to run has been started */
	bool flush;   /* asked to leave nothing, whatever the configuration says */
	bool leave;   /* ending, and what forwards is to stay */
	struct left left;
	bool left_changed;
	char status[96]; /* as the service manager was told last */
	int exit_code;
};

/* Exit code of who was asked to end by the control socket: no service manager is to start it
 * again. */
#define DAEMON_EXIT_SHUTDOWN 80

/* daemon.c */
/* Starts everything on cfg, which it takes over. On failure -errno, one line in err; what was
 * started is stopped again. */
int daemon_start(struct daemon **out, struct config *cfg, const char *config_path, char *err,
		 size_t cap);
int daemon_run(struct daemon *d); /* until SIGTERM, SIGINT or `shutdown`; the exit code */
/* Ends daemon_run(). With `flush` daemon_stop() then leaves nothing. */
void daemon_shutdown(struct daemon *d, bool flush);
void daemon_stop(struct daemon **d);
nsec_t daemon_now(void);
struct counter_set daemon_counters(const struct daemon *d);

/* warm.c */
/* Holds a tunnel to every peer that is configured, so that a first packet finds its way. */
void warm_start(struct daemon *d);
void warm_stop(struct daemon *d);

/* loop.c */
int loop_start(struct daemon *d);
void loop_stop(struct daemon *d);
struct control_io loop_control_io(struct daemon *d);

/* links.c */
int links_start(struct daemon *d, char *err, size_t cap);
void links_stop(struct daemon *d); /* with d->leave nothing is taken back */
/* An access interface's settings become what they are by default. Its link-layer address comes
 * before: the kernel then makes a link-local one from it. */
void links_give_back(struct daemon *d, const char *name, unsigned ifindex);
/* Brings the interfaces to what d->cfg says now; those that stay are not interrupted. */
int links_reload(struct daemon *d, nsec_t now);
struct iface *link_by_name(const struct daemon *d, const char *name);
struct iface *link_by_index(const struct daemon *d, unsigned ifindex);
void links_set_link_local(struct daemon *d, unsigned ifindex, const struct in6_addr *ll);

/* host.c; what goes wrong is logged and shown, and the daemon goes on without */
void host_start(struct daemon *d); /* when the links are known */
void host_stop(struct daemon *d);
void host_flush(struct daemon *d);  /* for an earlier run that is no more; d has cfg and nl */
void host_reload(struct daemon *d); /* after the interfaces */
void host_link_changed(struct daemon *d, const struct nl_link *l, bool gone);
void host_transport_changed(struct daemon *d); /* perhaps: an interface, or its MTU */

/* left.c */
void left_load(struct daemon *d);
void left_settle_links(struct daemon *d); /* those that are not what they were; before nl_start() */
const struct left_link *left_link(const struct daemon *d, const char *name); /* or NULL */
void left_free(struct daemon *d);
void left_save(struct daemon *d);
void left_remove(struct daemon *d);

/* flush.c */
/* Removes from the kernel all that a run of this configuration left that is no more. */
int daemon_flush(struct config *cfg, char *err, size_t cap);

/* notify.c */
void notify_ready(struct daemon *d);
void notify_reloading(void);
void notify_reloaded(void);
void notify_stopping(const struct daemon *d);
void notify_stop(struct daemon *d);

/* dhcp6.c */
int dhcp6_start(struct daemon *d); /* with a MAG only */
void dhcp6_stop(struct daemon *d);
/* Gets what a configuration needs that is to take force; dhcp6_settle() brings the relay agent to
 * what d->cfg says, and gives back what was got in vain. */
int dhcp6_prepare(struct daemon *d, const struct config *cfg, const char **why);
void dhcp6_settle(struct daemon *d);

/* dhcp4.c; as above */
int dhcp4_prepare(struct daemon *d, const struct config *cfg, const char **why);
void dhcp4_settle(struct daemon *d);
void dhcp4_stop(struct daemon *d);
int dhcp4_to_server(void *ctx, struct in_addr server, const void *msg, size_t len);

/* preset.c */
/* What the programs must be made for, to do what a configuration asks. */
struct preset_features {
	bool ip4, ip4_outer, gre, domains;
};
struct preset_features preset_features(const struct config *c);
/* Slots of the data plane: for sessions outside of pools, with some for static ones that a reload
 * brings; session halves; and slots for what the pools hold. */
uint32_t preset_slots(const struct config *c);
uint32_t preset_halves(const struct config *c);
uint32_t preset_pool_slots(const struct config *c);
int preset_start(struct daemon *d, char *err, size_t cap); /* end points; before the roles */
void preset_stop(struct daemon *d);
/* 0, or -EBUSY when the running programs were not made for it. */
int preset_judge(const struct daemon *d, const struct config *c, const char **why);
void preset_settle(struct daemon *d, nsec_t now); /* the sessions of d->cfg take force */

/* hops.c */
struct dp_bpf_hooks hops_hooks(struct daemon *d);
void hops_changed(void *ctx, uint32_t id, const struct nexthop *nh, nsec_t now);

/* slow.c */
int slow_start(struct daemon *d, const char **why); /* the sockets; 0 or -errno */
void slow_stop(struct daemon *d);
void slow_fragment(void *ctx, const struct dp_bpf_fragment *f);

/* routing.c */
int routing_prepare(struct daemon *d); /* before links_start() */
void routing_start(struct daemon *d);  /* after it */
/* Interfaces, or the VRFs that they are in, have changed: which routes each domain has. */
void routing_domains(struct daemon *d);
void routing_forget_domain(struct daemon *d, uint16_t domain); /* unless it is still there */
void routing_stop(struct daemon *d);

/* show.c */
struct control_ops show_ops(struct daemon *d);

/* reload.c */
int daemon_reload(struct daemon *d, char *msg, size_t cap, nsec_t now);

/* durable.c */
/* Opens the store, before anything else is started. A store that cannot be had is logged, and
 * d->store stays NULL; but not when another daemon has it, or it is another's: then -errno. */
int durable_open(struct daemon *d, char *err, size_t cap);
/* The roles get back what is theirs: when the links are known, before the data plane is swept, and
 * any message is heard. */
int durable_restore(struct daemon *d, char *err, size_t cap);
void durable_tell(struct daemon *d); /* before a message is queued: it may leave within the turn */
void durable_turn(struct daemon *d,
		  nsec_t now); /* at the end of each turn, before messages leave */
nsec_t durable_next(const struct daemon *d);
void durable_drain(struct daemon *d); /* at the end, before the roles go */
void durable_close(struct daemon *d); /* after them */
/* unsaved.c; with a store alone */
/* Whether an earlier run ended with changes that others had heard of and the store had not. */
bool unsaved_open(struct daemon *d);
/* Before messages leave that tell of changes. */
void unsaved_note(struct daemon *d, enum unsaved_state state);
void unsaved_close(struct daemon *d);

size_t durable_counters(const struct daemon *d,
			struct counter_set *out); /* how many sets, 2 at most */

/* restart.c */
/* Makes the directory, and those above it. 0 or -errno. */
int restart_make_directory(const char *path);
/*
 * The Restart Counter that `dir` holds, one more than before when sessions were lost (RFC 5847
 * 3.2), and kept there for the next time. Where there is none to be had, or none that can be kept,
 * it is made from the wall clock, so that it differs from whatever was said before; an
 * error is logged, and the daemon goes on.
 */
uint32_t restart_counter_load(const char *dir, bool lost, uint64_t wallclock);

/* caps.c */
int caps_drop(char *err, size_t cap);
