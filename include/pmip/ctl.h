/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol: what pmipd answers and pmipctl asks and shows.
 *
 * Over a Unix stream socket, one JSON object per line each way:
 *
 *	{"cmd":"bindings","args":{"mn_id":"mn1@example.com"}}
 *	{"ok":true,"data":[{...},...]}		and "next":N when there are more: ask again with
 *						{"args":{...,"offset":N}}
 *	{"ok":false,"error":"..."}
 *
 * `monitor` answers {"ok":true,"data":{}} and from then on one event object per line, until the
 * client hangs up. A client sends its next request when it has read the answer to the last one.
 *
 * A command is one row of CTL_COMMANDS; its arguments and the columns of its table are rows too.
 */
#pragma once

#define CTL_LINE_MAX 65536 /* octets of a request, newline included */
#define CTL_RUN_DIR  "/run/pmipd"

enum ctl_arg_kind {
	CTL_POS,     /* positional, must be there */
	CTL_POS_OPT, /* positional, may be left out */
	CTL_OPTION,  /* --name VALUE */
	CTL_NEEDED,  /* --name VALUE, must be there */
	CTL_FLAG,    /* --name */
};

enum ctl_shape {
	CTL_LIST,   /* data is an array of objects: a table */
	CTL_OBJECT, /* data is one object: "key: value" lines */
	CTL_STREAM, /* events until the client leaves */
};

enum ctl_format {
	CTL_TEXT,    /* strings; arrays joined by a comma */
	CTL_NUMBER,  /* right-aligned */
	CTL_SECONDS, /* 1h02m03s */
	CTL_MS,	     /* milliseconds, right-aligned with their unit: 0.4ms, 503ms, 12.3s */
	CTL_BAR,     /* right-aligned, and a bar; the largest of its column has the longest */
	CTL_YESNO,
};

// clang-format off
/* A(json name, kind, what it is) */
#define CTL_ARGS_NONE(A)
#define CTL_ARGS_MNID(A) \
	A("mn_id", CTL_POS_OPT, "only this node")
#define CTL_ARGS_MODULE(A) \
	A("module", CTL_POS_OPT, "lma, mag, drops, ...: only this one")
#define CTL_ARGS_LEVEL(A) \
	A("level", CTL_POS_OPT, "bug, local, auth, remote, info or debug; none: show it")
#define CTL_ARGS_HELP(A) \
	A("command", CTL_POS_OPT, "only this one")
#define CTL_ARGS_ATTACH(A) \
	A("ifname", CTL_POS, "access interface") \
	A("mac", CTL_POS, "the node's link-layer address") \
	A("mn_id", CTL_OPTION, "identity, when the trigger knows it") \
	A("hint", CTL_OPTION, "Handoff Indicator 1..5, when the trigger knows it (RFC 5213 8.4)") \
	A("previous_ap", CTL_OPTION, "access point that it came from: its MAG is asked for it (RFC 5949)")
#define CTL_ARGS_HANDOVER(A) \
	A("mn_id", CTL_POS, "the node that is about to leave") \
	A("to", CTL_NEEDED, "access point that it goes to, as neighbours name it, or that MAG's name")
#define CTL_ARGS_DETACH(A) \
	A("node", CTL_POS, "MN-ID, or the access interface when a MAC follows") \
	A("mac", CTL_POS_OPT, "the node's link-layer address")
#define CTL_ARGS_DELETE(A) \
	A("mn_id", CTL_POS, "the node whose bindings go")
#define CTL_ARGS_SHUTDOWN(A) \
	A("flush", CTL_FLAG, "and leave nothing: programs, maps, routes, addresses; the store stays")
#define CTL_ARGS_REVOKE(A) \
	A("mn_id", CTL_POS_OPT, "the node whose bindings are revoked") \
	A("prefix", CTL_OPTION, "only the binding with this home network prefix") \
	A("ipv4", CTL_FLAG, "only the IPv4 home address") \
	A("trigger", CTL_OPTION, "what the MAG is told, 0..7; none: 1, administrative reason (RFC 5846 5.1)") \
	A("mag", CTL_OPTION, "instead of a node: all bindings of this MAG") \
	A("realm", CTL_OPTION, "all nodes of this realm, at every MAG or at that one") \
	A("all", CTL_FLAG, "at a MAG: all its sessions") \
	A("lma", CTL_OPTION, "with --all: only those with this LMA")
#define CTL_ARGS_MONITOR(A) \
	A("verbose", CTL_FLAG, "with every field of the messages")

/* C(header, JSON key, format); "a.b" is b of the object a */
#define CTL_COLS_NONE(C)
#define CTL_COLS_BINDINGS(C) \
	C("MN-ID", "mn_id", CTL_TEXT) \
	C("PREFIXES", "prefixes", CTL_TEXT) \
	C("IPV4", "ipv4", CTL_TEXT) \
	C("MAG", "mag", CTL_TEXT) \
	C("PROXY-COA", "proxy_coa", CTL_TEXT) \
	C("ENCAP", "encapsulation", CTL_TEXT) \
	C("ATT", "att", CTL_TEXT) \
	C("STATE", "state", CTL_TEXT) \
	C("REVOCATION", "revocation", CTL_TEXT) \
	C("REMAINING", "remaining", CTL_SECONDS) \
	C("HANDOVERS", "handovers", CTL_NUMBER)
#define CTL_COLS_UPDATE_LIST(C) \
	C("MN-ID", "mn_id", CTL_TEXT) \
	C("IFNAME", "ifname", CTL_TEXT) \
	C("MAC", "mac", CTL_TEXT) \
	C("PREFIXES", "prefixes", CTL_TEXT) \
	C("IPV4", "ipv4", CTL_TEXT) \
	C("LMA", "lma", CTL_TEXT) \
	C("ENCAP", "encapsulation", CTL_TEXT) \
	C("STATE", "state", CTL_TEXT) \
	C("REMAINING", "remaining", CTL_SECONDS) \
	C("STATUS", "last_status", CTL_TEXT)
#define CTL_COLS_SESSIONS(C) \
	C("SESSION", "session", CTL_NUMBER) \
	C("HALF", "half", CTL_TEXT) \
	C("MN-ID", "mn_id", CTL_TEXT) \
	C("PREFIXES", "prefixes", CTL_TEXT) \
	C("IPV4", "ipv4", CTL_TEXT) \
	C("GRE KEY", "gre_key", CTL_NUMBER) \
	C("MODE", "mode", CTL_TEXT) \
	C("TO NODE", "down", CTL_TEXT) \
	C("PKTS", "down_packets", CTL_NUMBER) \
	C("BYTES", "down_bytes", CTL_NUMBER) \
	C("FROM NODE", "up", CTL_TEXT) \
	C("PKTS", "up_packets", CTL_NUMBER) \
	C("BYTES", "up_bytes", CTL_NUMBER)
#define CTL_COLS_PEERS(C) \
	C("KIND", "kind", CTL_TEXT) \
	C("NAME", "name", CTL_TEXT) \
	C("ADDRESS", "address", CTL_TEXT) \
	C("LOCAL", "local", CTL_TEXT) \
	C("ENCAP", "encapsulation", CTL_TEXT) \
	C("BINDINGS", "bindings", CTL_NUMBER) \
	C("PBU", "pbu", CTL_NUMBER) \
	C("REJECTED", "rejected", CTL_NUMBER) \
	C("HEARTBEAT", "heartbeat", CTL_TEXT) \
	C("MISSING", "missing", CTL_NUMBER) \
	C("RTT", "rtt", CTL_NUMBER) \
	C("RESTARTS", "restart_counter", CTL_NUMBER) \
	C("NEXT HOP", "next_hop", CTL_TEXT) \
	C("MTU", "mtu", CTL_NUMBER) \
	C("ACCESS POINTS", "access_points", CTL_TEXT)
#define CTL_COLS_INTERFACES(C) \
	C("IFNAME", "ifname", CTL_TEXT) \
	C("KIND", "kind", CTL_TEXT) \
	C("IFINDEX", "ifindex", CTL_NUMBER) \
	C("STATE", "state", CTL_TEXT) \
	C("HOOK", "hook", CTL_TEXT) \
	C("MTU", "mtu", CTL_NUMBER) \
	C("NODES", "nodes", CTL_NUMBER) \
	C("NOTE", "note", CTL_TEXT)
#define CTL_COLS_POOLS(C) \
	C("POOL", "name", CTL_TEXT) \
	C("PREFIX", "prefix", CTL_TEXT) \
	C("DOMAIN", "ipv4_domain", CTL_NUMBER) \
	C("SIZE", "size", CTL_NUMBER) \
	C("USED", "used", CTL_NUMBER) \
	C("FREE", "free", CTL_NUMBER)
#define CTL_COLS_PROFILES(C) \
	C("NODE", "node", CTL_TEXT) \
	C("ENABLED", "enabled", CTL_YESNO) \
	C("LINK-LAYER", "macs", CTL_TEXT) \
	C("PREFIXES", "prefixes", CTL_TEXT) \
	C("POOL", "pool", CTL_TEXT) \
	C("IPV4", "ipv4", CTL_YESNO) \
	C("HOME ADDRESS", "ipv4_home_address", CTL_TEXT) \
	C("IPV4 POOL", "ipv4_pool", CTL_TEXT) \
	C("LMA", "lma", CTL_TEXT)
#define CTL_COLS_COUNTERS(C) \
	C("MODULE", "module", CTL_TEXT) \
	C("COUNTER", "name", CTL_TEXT) \
	C("VALUE", "value", CTL_NUMBER) \
	C("MEANING", "help", CTL_TEXT)
#define CTL_COLS_DROPS(C) \
	C("REASON", "name", CTL_TEXT) \
	C("PACKETS", "value", CTL_NUMBER) \
	C("MEANING", "help", CTL_TEXT)
#define CTL_COLS_NODES(C) \
	C("IFNAME", "ifname", CTL_TEXT) \
	C("MAC", "mac", CTL_TEXT) \
	C("STATE", "state", CTL_TEXT) \
	C("SEEN", "seen", CTL_SECONDS) \
	C("PREFIXES", "prefixes", CTL_TEXT) \
	C("IPV4", "ipv4", CTL_TEXT) \
	C("DHCP", "dhcp", CTL_TEXT) \
	C("LEASE", "lease", CTL_SECONDS)
#define CTL_COLS_HANDOVERS(C) \
	C("MN-ID", "mn_id", CTL_TEXT) \
	C("ROLE", "role", CTL_TEXT) \
	C("NEIGHBOUR", "neighbour", CTL_TEXT) \
	C("MODE", "mode", CTL_TEXT) \
	C("STATE", "state", CTL_TEXT) \
	C("TIME", "age_ms", CTL_MS) \
	C("ANSWER", "answer_ms", CTL_MS) \
	C("REGISTER", "register_ms", CTL_MS) \
	C("WAITING", "buffer.packets", CTL_NUMBER) \
	C("OCTETS", "buffer.octets", CTL_NUMBER) \
	C("OLDEST", "buffer.oldest_ms", CTL_MS) \
	C("FULL%", "buffer.fill_percent", CTL_NUMBER) \
	C("KEPT", "buffer.kept", CTL_NUMBER) \
	C("HANDED ON", "buffer.handed_on", CTL_NUMBER) \
	C("DROPPED", "buffer.dropped", CTL_TEXT) \
	C("RESULT", "result", CTL_TEXT) \
	C("AGO", "ago", CTL_SECONDS)
#define CTL_COLS_HANDOVER_LATENCY(C) \
	C("TIME", "time", CTL_TEXT) \
	C("HI TO HACK", "answer", CTL_BAR) \
	C("ARRIVAL TO REGISTRATION", "register", CTL_BAR) \
	C("WHOLE HANDOVER", "whole", CTL_BAR)
#define CTL_COLS_HELP(C) \
	C("COMMAND", "synopsis", CTL_TEXT) \
	C("", "help", CTL_TEXT)

/* X(SYMBOL, "name", shape, arguments, columns, help) */
#define CTL_COMMANDS(X) \
	X(STATUS, "status", CTL_OBJECT, CTL_ARGS_NONE, CTL_COLS_NONE, \
	  "what runs here, since when, how many nodes") \
	X(BINDINGS, "bindings", CTL_LIST, CTL_ARGS_MNID, CTL_COLS_BINDINGS, \
	  "the LMA's binding cache") \
	X(UPDATE_LIST, "update-list", CTL_LIST, CTL_ARGS_MNID, CTL_COLS_UPDATE_LIST, \
	  "the MAG's binding update list") \
	X(SESSIONS, "sessions", CTL_LIST, CTL_ARGS_MNID, CTL_COLS_SESSIONS, \
	  "what the data plane forwards, with packet counts") \
	X(PEERS, "peers", CTL_LIST, CTL_ARGS_NONE, CTL_COLS_PEERS, \
	  "MAGs, LMAs, neighbours, and the tunnels to them with their next hops") \
	X(INTERFACES, "interfaces", CTL_LIST, CTL_ARGS_NONE, CTL_COLS_INTERFACES, \
	  "transport, access and host interfaces with their hook mode") \
	X(NODES, "nodes", CTL_LIST, CTL_ARGS_NONE, CTL_COLS_NODES, \
	  "mobile nodes seen on the access interfaces") \
	X(POOLS, "pools", CTL_LIST, CTL_ARGS_NONE, CTL_COLS_POOLS, \
	  "pools of prefixes and IPv4 home addresses, and how full they are") \
	X(PROFILES, "profiles", CTL_LIST, CTL_ARGS_NONE, CTL_COLS_PROFILES, \
	  "policy profiles of the configuration") \
	X(COUNTERS, "counters", CTL_LIST, CTL_ARGS_MODULE, CTL_COLS_COUNTERS, \
	  "every counter, one per status and per drop reason") \
	X(DROPS, "drops", CTL_LIST, CTL_ARGS_NONE, CTL_COLS_DROPS, \
	  "packets the data plane discarded, by reason") \
	X(STORE, "store", CTL_OBJECT, CTL_ARGS_NONE, CTL_COLS_NONE, \
	  "what is on disk, what waits for it, and what was found there at the start") \
	X(MONITOR, "monitor", CTL_STREAM, CTL_ARGS_MONITOR, CTL_COLS_NONE, \
	  "messages, states and handovers as they happen") \
	X(ATTACH, "attach", CTL_OBJECT, CTL_ARGS_ATTACH, CTL_COLS_NONE, \
	  "tell the MAG that a node arrived on an access interface") \
	X(DETACH, "detach", CTL_OBJECT, CTL_ARGS_DETACH, CTL_COLS_NONE, \
	  "tell the MAG that a node left") \
	X(HANDOVER, "handover", CTL_OBJECT, CTL_ARGS_HANDOVER, CTL_COLS_NONE, \
	  "tell the MAG that a node is about to leave for another MAG's access point (RFC 5949)") \
	X(HANDOVERS, "handovers", CTL_LIST, CTL_ARGS_MNID, CTL_COLS_HANDOVERS, \
	  "fast handovers in progress with what waits for their nodes, and the last that are over") \
	X(HANDOVER_LATENCY, "handover-latency", CTL_LIST, CTL_ARGS_NONE, CTL_COLS_HANDOVER_LATENCY, \
	  "how long fast handovers take: a histogram of each of their steps") \
	X(DELETE, "delete", CTL_OBJECT, CTL_ARGS_DELETE, CTL_COLS_NONE, \
	  "end a node's bindings at the LMA: revoke them for administrative reason") \
	X(REVOKE, "revoke", CTL_OBJECT, CTL_ARGS_REVOKE, CTL_COLS_NONE, \
	  "end bindings and tell the other end (RFC 5846)") \
	X(LOG_LEVEL, "log-level", CTL_OBJECT, CTL_ARGS_LEVEL, CTL_COLS_NONE, \
	  "show or change how much is logged") \
	X(RELOAD, "reload", CTL_OBJECT, CTL_ARGS_NONE, CTL_COLS_NONE, \
	  "read the configuration file again, as SIGHUP does") \
	X(SHUTDOWN, "shutdown", CTL_OBJECT, CTL_ARGS_SHUTDOWN, CTL_COLS_NONE, \
	  "end the daemon; packets are forwarded on as leave-forwarding says") \
	X(VERSION, "version", CTL_OBJECT, CTL_ARGS_NONE, CTL_COLS_NONE, \
	  "the daemon's version") \
	X(HELP, "help", CTL_LIST, CTL_ARGS_HELP, CTL_COLS_HELP, \
	  "this list, or a command and its arguments")
// clang-format on

#define CTL_ENUM(sym, name, shape, args, cols, help) CTL_##sym,
enum ctl_command { CTL_COMMANDS(CTL_ENUM) CTL_COMMAND_MAX };
