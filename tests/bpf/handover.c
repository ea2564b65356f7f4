/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handover.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/util.h"
#include "lib/cu.h"

const struct mac ho_node = {
	{2, 0, 0, 0, 0, 1}
};
const struct mac ho_own = {
	{2, 0, 0, 0, 0, 0xaa}
};
static const struct mac gateway = {
	{0, 0, 0x5e, 0, 0x52, 0x13}
};

struct dp_bpf *ho_dp;
struct dataplane *ho_d;
dp_ref ho_session;
unsigned ho_t0, ho_a0;
const struct event_sink *ho_sink;
static dp_ref lma, other; /* tunnels to the anchor and to the node's former gateway */

void ho_links(void)
{
	env_sh(true,
	       "ip link add t0 address 02:00:00:00:00:aa numrxqueues 4 numtxqueues 4 type veth "
	       "peer name t1 numrxqueues 4 numtxqueues 4 && ip link add a0 type veth peer name a1 "
	       "&& ethtool -K a1 gro on >/dev/null && "
	       "for i in t0 t1 a0 a1; do ip link set $i up; done");
	ho_t0 = env_ifindex("t0");
	ho_a0 = env_ifindex("a0");
}

nsec_t ho_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return nsec_from_s((uint64_t)t.tv_sec) + (uint64_t)t.tv_nsec;
}

/* ---- the data plane */

struct dp_bpf_buffer_cfg ho_bounds(void)
{
	return (struct dp_bpf_buffer_cfg){.sessions = 16,
					  .node_packets = 20000,
					  .node_octets = 64 << 20,
					  .all_packets = 50000,
					  .all_octets = 128 << 20,
					  .age = nsec_from_s(5),
					  .drain_speed = 400,
					  .mark = 0x6d61726b6d61726b};
}

static dp_ref peer_to(const char *remote)
{
	const struct dp_peer p = {.local = env_addr("2001:db8:11::1"), .remote = env_addr(remote)};
	dp_ref ref = 0;

	CU_ASSERT_EQUAL_FATAL(ho_d->ops->peer_put(ho_d, &p, &ref), 0);
	return ref;
}

static void load(void)
{
	const struct in6_addr coa = env_addr("2001:db8:11::1");
	const struct dp_bpf_cfg cfg = {
		.instance = "buffer",
		.roles = DP_BPF_MAG,
		.max_sessions = 64,
		.max_peers = 16,
		.buffer = ho_bounds(),
		.sink = ho_sink,
	};

	ho_dp = env_dp(&cfg);
	ho_d = dp_bpf_dataplane(ho_dp);
	CU_ASSERT_EQUAL_FATAL(dp_bpf_local_add(ho_dp, &coa), 0);
	lma = peer_to("2001:db8:2::1");
	other = peer_to("2001:db8:12::1");
}

static void attach(const char *name, enum dp_bpf_kind kind, enum dp_bpf_want want, struct mac mac,
		   uint16_t mtu)
{
	const struct dp_bpf_attach a = {.ifindex = env_ifindex(name),
					.ifname = name,
					.kind = kind,
					.want = want,
					.mac = mac,
					.mtu = mtu};
	char err[DP_BPF_ERRLEN] = "";

	if (dp_bpf_attach(ho_dp, &a, NULL, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		CU_FAIL("attach");
	}
}

struct dp_session ho_at_link(const struct prefix6 *p)
{
	return (struct dp_session){
		.half = DP_ACCESS,
		.mnid = {MNID_NAI,	   3,   (const uint8_t *)"a@b"},
		.n_prefixes = 1,
		.prefixes = p,
		.down = {.kind = DP_TO_LINK,		     .ifindex = ho_a0, .mac = ho_node},
		.up = {.kind = DP_TO_PEER, .peer = lma   },
		.also_from = other,
	};
}

void ho_begin(const struct dp_bpf_buffer_cfg *b, enum dp_bpf_want want, uint16_t mtu)
{
	const struct prefix6 p = env_prefix("2001:db8:100:1::/64");
	struct dp_session s;

	if (!ho_dp)
		load();
	/* the programs know of nothing but how many may wait, and here the daemon is told of less
	 */
	ho_dp->cfg.buffer = *b;
	memset(ho_dp->buffers.counter, 0, sizeof(ho_dp->buffers.counter));
	attach("t0", DP_BPF_TRANSPORT, want, (struct mac){{0}}, mtu);
	attach("a0", DP_BPF_ACCESS, want, gateway, mtu);
	s = ho_at_link(&p);
	ho_session = 0;
	CU_ASSERT_EQUAL_FATAL(ho_d->ops->session_put(ho_d, &s, &ho_session), 0);
	dp_bpf_buffer(ho_dp, ho_now());
}

void ho_end(void)
{
	ho_d->ops->session_del(ho_d, ho_session);
	CU_ASSERT_EQUAL(ho_counter("packets"), 0);
	CU_ASSERT_EQUAL(ho_counter("octets"), 0);
	CU_ASSERT_EQUAL(ho_counter("stray"), 0);
	dp_bpf_detach(ho_dp, ho_t0);
	dp_bpf_detach(ho_dp, ho_a0);
}

void ho_free(void)
{
	dp_bpf_free(&ho_dp, true);
}

void ho_mode(enum dp_mode m)
{
	CU_ASSERT_EQUAL(ho_d->ops->session_mode(ho_d, ho_session, m), 0);
}

struct dp_buffered ho_buffered(void)
{
	struct dp_buffered b = {0};

	CU_ASSERT_EQUAL(ho_d->ops->buffered(ho_d, ho_session, &b), 0);
	return b;
}

uint64_t ho_counter(const char *name)
{
	const struct counter_set s = dp_bpf_buffer_counters(ho_dp);

	for (size_t i = 0; i < s.n; i++)
		if (!strcmp(s.desc[i].name, name))
			return s.value[i];
	CU_FAIL("no such counter");
	return 0;
}

/* ---- the daemon */

void ho_run_for(nsec_t time)
{
	struct pollfd p = {.fd = dp_bpf_buffer_fd(ho_dp), .events = POLLIN};
	const nsec_t end = ho_now() + time;
	nsec_t t;

	while ((t = ho_now()) < end) {
		nsec_t next = nsec_min(dp_bpf_buffer_next(ho_dp), end);

		if (next > t)
			poll(&p, 1, (int)((next - t) / 1000000) + 1);
		dp_bpf_buffer(ho_dp, ho_now());
	}
}

nsec_t ho_run_until_drained(nsec_t at_most)
{
	const nsec_t begin = ho_now();

	while (ho_buffered().draining && ho_now() - begin < at_most)
		ho_run_for(nsec_from_ms(2));
	CU_ASSERT_FALSE(ho_buffered().draining);
	return ho_now() - begin;
}

int ho_packet_socket(const char *ifname, int protocol)
{
	struct sockaddr_ll sll = {.sll_family = AF_PACKET,
				  .sll_protocol = htons((uint16_t)protocol),
				  .sll_ifindex = (int)env_ifindex(ifname)};
	int fd = socket(AF_PACKET, SOCK_RAW, htons((uint16_t)protocol)), room = 64 << 20;

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&sll, sizeof(sll)), 0);
	return fd;
}
