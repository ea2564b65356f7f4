/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A place of its own for tests of the loaded data plane: new network and mount namespaces, a
 * bpffs of its own at /sys/fs/bpf, and shorthands. Everything vanishes with the process.
 */
#pragma once

#include <pmip/abi.h>

#include "dataplane/dp_bpf.h"

void env_enter(void); /* exits with a message when not root */
/* Runs a shell command; its exit status. Output is shown only when it fails and `must`. */
int env_sh(bool must, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
unsigned env_ifindex(const char *ifname);

struct dp_bpf *env_dp(const struct dp_bpf_cfg *cfg);	/* exits when it cannot be made */
int env_pin(const struct dp_bpf *dp, const char *name); /* descriptor of a pinned map */
/* pm_session or pm_tunnel as a program sees it; mapped read-only for the process' life. */
const void *env_map(int fd);

/* A veth pair, both ends up. */
void env_veth(const char *one, const char *other);

/* An XDP program that passes everything: a veth takes XDP frames when its other end runs one. */
void env_pass_xdp(const char *ifname);

/* Attaches the XDP programs of a transport interface; its index. */
unsigned env_attach(struct dp_bpf *dp, const char *ifname);

/* An anchored session of the node "n": this prefix, through the tunnel to `peer`. */
dp_ref env_anchor(struct dp_bpf *dp, struct prefix6 p, dp_ref peer);

/* A packet of `len` octets comes in at an interface that runs our XDP program: what it did, without
 * anything being sent. `frame` begins with the Ethernet header. */
int env_judge(unsigned ifindex, const void *frame, uint32_t len);
/* Writes Ethernet, outer and inner IPv6 header and a number, 128 octets; the lengths are right. */
#define ENV_TUNNELLED 128
struct env_tunnelled {
	struct mac dst;
	struct in6_addr outer_src, outer_dst, src, dst_addr;
	uint32_t number;
};
void env_tunnelled(uint8_t frame[ENV_TUNNELLED], const struct env_tunnelled *t);

/* Descriptor of the XDP program that runs on an interface. */
int env_prog(unsigned ifindex);

struct in6_addr env_addr(const char *s);
struct prefix6 env_prefix(const char *s);
