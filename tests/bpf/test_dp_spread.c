/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of one interface spread over CPUs, then judged as ever:
 *
 *	g0 ~ g1 [spread_transport -> CPUs: cpu_transport], tunnel by e0 ~ f0
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/ipv6.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/dp_netdev.h"
#include "dp_env.h"
#include "lib/cu.h"

#define FLOWS 64
#define EACH  50

static struct dp_bpf *dp;

struct packet {
	struct ethhdr eth;
	struct ipv6hdr ip;
	uint32_t flow, number;
} __attribute__((packed));

static struct dp_bpf_iface attach(const char *ifname, bool spread)
{
	const struct dp_bpf_attach a = {.ifindex = env_ifindex(ifname),
					.ifname = ifname,
					.kind = DP_BPF_TRANSPORT,
					.want = DP_BPF_XDP,
					.spread = spread,
					.mtu = 1500};
	struct dp_bpf_iface got = {0};
	char err[DP_BPF_ERRLEN];

	CU_ASSERT_EQUAL_FATAL(dp_bpf_attach(dp, &a, &got, err, sizeof(err)), 0);
	return got;
}

static unsigned cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 4 ? 4 : (unsigned)n;
}

static void setup(unsigned n_cpus)
{
	static const uint32_t cpu[] = {0, 1, 2, 3};
	const struct dp_bpf_cfg cfg = {.instance = "spread",
				       .roles = DP_BPF_LMA,
				       .max_sessions = 64,
				       .max_peers = 16,
				       .spread_cpu = cpu,
				       .n_spread_cpus = n_cpus};
	const struct in6_addr ours = env_addr("2001:db8:2::1");
	const struct dp_peer peer = {ours, env_addr("2001:db8:11::1"), DP_ENCAP_IP};
	struct dp_bpf_nexthop nh = {
		.valid = true, .smac = {{2, 0x50}}, .dmac = {{2, 0xd0}}, .mtu = 1500};
	struct dataplane *d;
	dp_ref ref;

	dp = env_dp(&cfg);
	d = dp_bpf_dataplane(dp);
	env_veth("g0", "g1");
	env_veth("e0", "f0");
	env_pass_xdp("f0");
	CU_ASSERT_EQUAL(dp_bpf_local_add(dp, &ours), 0);
	CU_ASSERT_EQUAL_FATAL(d->ops->peer_put(d, &peer, &ref), 0);
	attach("e0", false);
	nh.ifindex = env_ifindex("e0");
	CU_ASSERT_EQUAL(dp_bpf_nexthop(dp, ref, &nh), 0);
	env_anchor(dp, env_prefix("2001:db8:f00::/64"), ref);
}

static int socket_at(const char *ifname, int proto)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET,
				 .sll_protocol = htons((uint16_t)proto),
				 .sll_ifindex = (int)env_ifindex(ifname)};
	int size = 8 << 20, fd = socket(AF_PACKET, SOCK_RAW, htons((uint16_t)proto));

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&ll, sizeof(ll)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

static void send_all(void)
{
	struct packet f = {.eth.h_proto = htons(ETH_P_IPV6)};
	int fd = socket_at("g0", ETH_P_LOOP);
	struct mac m;

	CU_ASSERT_TRUE(dp_netdev_mac("g1", &m));
	memcpy(f.eth.h_dest, m.b, ETH_ALEN);
	f.eth.h_source[0] = 2;
	f.ip.version = 6;
	f.ip.payload_len = htons(8);
	f.ip.nexthdr = IPPROTO_NONE;
	f.ip.hop_limit = 64;
	f.ip.saddr = env_addr("2001:db8:cc::1");
	f.ip.daddr = env_addr("2001:db8:f00::1");
	for (f.number = 0; f.number < EACH; f.number++) {
		for (f.flow = 0; f.flow < FLOWS; f.flow++) {
			f.ip.daddr.s6_addr[15] = (uint8_t)f.flow;
			CU_ASSERT_EQUAL(send(fd, &f, sizeof(f), 0), sizeof(f));
		}
		usleep(1000); /* the queues are short */
	}
	close(fd);
}

/* How many of our packets come, each flow's in order. */
static unsigned receive_all(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint32_t next[FLOWS] = {0};
	unsigned n = 0;

	while (n < FLOWS * EACH && poll(&p, 1, 2000) > 0) {
		struct {
			struct ethhdr eth;
			struct ipv6hdr outer, inner;
			uint32_t flow, number;
		} __attribute__((packed)) f;
		ssize_t len = recv(fd, &f, sizeof(f), 0);

		if (len != sizeof(f) || f.outer.nexthdr != IPPROTO_IPV6)
			continue;
		CU_ASSERT_TRUE_FATAL(f.flow < FLOWS);
		CU_ASSERT_EQUAL(f.number, next[f.flow]);
		next[f.flow] = f.number + 1;
		n++;
	}
	return n;
}

/* On how many CPUs packets were encapsulated. */
static unsigned busy_cpus(void)
{
	int n = libbpf_num_possible_cpus(), fd = env_pin(dp, "pm_verdict");
	uint64_t *v = calloc((size_t)n, sizeof(*v));
	uint32_t key = PM_HOOK_XDP * PM_V_MAX + PM_V_ENCAP;
	unsigned busy = 0;

	CU_ASSERT_EQUAL(bpf_map_lookup_elem(fd, &key, v), 0);
	for (int i = 0; i < n; i++)
		busy += v[i] > 0;
	free(v);
	return busy;
}

static uint64_t verdict(enum pm_verdict which)
{
	struct counter_set xdp, tc;

	CU_ASSERT_EQUAL(dp_bpf_verdicts(dp, &xdp, &tc), 0);
	return xdp.value[which];
}

static void test_spread(void)
{
	int fd;

	setup(cpus());
	CU_ASSERT_TRUE(attach("g1", true).spread);
	fd = socket_at("f0", ETH_P_ALL);
	send_all();
	CU_ASSERT_EQUAL(receive_all(fd), FLOWS * EACH);
	close(fd);
	CU_ASSERT_EQUAL(verdict(PM_V_ENCAP), FLOWS * EACH);
	CU_ASSERT_EQUAL(verdict(PM_V_DROPPED), 0);
	/* MLD of the interfaces themselves besides */
	CU_ASSERT_EQUAL(verdict(PM_V_RECEIVED), FLOWS * EACH + verdict(PM_V_TO_KERNEL));
	CU_ASSERT_EQUAL(busy_cpus(), cpus());
}

/* Off and on again while it runs; the same program as ever when it is off. */
static void test_switched(void)
{
	CU_ASSERT_FALSE(attach("g1", false).spread);
	CU_ASSERT_TRUE(attach("g1", true).spread);
	CU_ASSERT_FALSE(attach("g1", false).spread);
	dp_bpf_free(&dp, true);
	env_sh(true, "ip link del g0; ip link del e0");
}

static void test_no_cpus(void)
{
	setup(0);
	CU_ASSERT_FALSE(attach("g1", true).spread);
	dp_bpf_free(&dp, true);
}

static void test_no_such_cpu(void)
{
	const uint32_t cpu = 4095;
	const struct dp_bpf_cfg cfg = {.instance = "spread",
				       .roles = DP_BPF_LMA,
				       .max_sessions = 64,
				       .max_peers = 16,
				       .spread_cpu = &cpu,
				       .n_spread_cpus = 1};
	char err[DP_BPF_ERRLEN] = "";

	CU_ASSERT_EQUAL(dp_bpf_new(&dp, &cfg, err, sizeof(err)), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err, "CPU 4095"));
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"flows on several CPUs, each in order, nothing lost or counted twice",
		 test_spread},
		{"switched off and on",								     test_switched},
		{"without CPUs to spread over, the ordinary program runs",test_no_cpus},
		{"a CPU that is not there is refused",	       test_no_such_cpu},
		{0								    }
	   };

	env_enter();
	return cu_main("dp_spread", tests, argc, argv);
}
