/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VRFs on a real kernel: two of them in a namespace of our own, joined by a veth pair, so that one
 * is the other's neighbour. Needs root and a kernel with VRFs; without, every test says so.
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "core/encap.h"
#include "lib/cu.h"
#include "lib/kernel.h"
#include "net/dhcp_sock.h"
#include "net/icmp_sock.h"
#include "net/mh_sock.h"
#include "net/nexthop.h"
#include "net/nl.h"
#include "net/tunnel_sock.h"
#include "wire/mh.h"

#define RED  "2001:db8:1::1"
#define BLUE "2001:db8:1::2"

static bool have_vrf;
static unsigned red, blue;

static struct in6_addr addr(const char *s)
{
	struct in6_addr a = IN6ADDR_ANY_INIT;

	addr_parse(s, &a);
	return a;
}

static void setup(void)
{
	if (!kernel_enter_new_ns())
		return;
	if (sh("ip link set lo up; ip addr add 2001:db8:9::1/128 dev lo nodad; "
	       "ip link add red type vrf table 10 2>/dev/null && ip link add blue type vrf table "
	       "20"))
		return;
	have_vrf = !sh(
		"ip link add r0 type veth peer name b0 && ip link set red up && "
		"ip link set blue up && ip link set r0 master red && ip link set b0 master blue && "
		"ip link set r0 up && ip link set b0 up && "
		"ip addr add " RED "/64 dev r0 nodad && ip addr add 192.0.2.1/24 dev r0 && "
		"ip addr add " BLUE "/64 dev b0 nodad && ip addr add 192.0.2.2/24 dev b0 && "
		"ip route add 2001:db8:3::/64 via " BLUE " vrf red && "
		"ip rule add pref 32765 table local && ip rule del pref 0 && "
		"ip -6 rule add pref 32765 table local && ip -6 rule del pref 0");
	red = if_nametoindex("red");
	blue = if_nametoindex("blue");
}

static struct nl *open_nl(void)
{
	struct nl *nl = NULL;

	CU_ASSERT_EQUAL_FATAL(nl_new(&nl), 0);
	nl_start(nl, kernel_now());
	return nl;
}

static void test_links_and_addresses(void)
{
	const struct in6_addr r = addr(RED), b = addr(BLUE), own = addr("2001:db8:9::1"),
			      r4 = addr("192.0.2.1"), b4 = addr("192.0.2.2"),
			      nobody = addr("2001:db8:99::1"), later = addr("2001:db8:1::5"),
			      later4 = addr("192.0.2.5");
	struct nl *nl;

	KERNEL_NEEDED(have_vrf);
	nl = open_nl();
	CU_ASSERT_EQUAL(nl_vrf_of_link(nl, red), red);
	CU_ASSERT_EQUAL(nl_vrf_of_link(nl, if_nametoindex("r0")), red);
	CU_ASSERT_EQUAL(nl_vrf_of_link(nl, if_nametoindex("b0")), blue);
	CU_ASSERT_EQUAL(nl_vrf_of_link(nl, if_nametoindex("lo")), 0);
	CU_ASSERT_EQUAL(nl_vrf_of_link(nl, 9999), 0);
	for (int i = 0; i < 2; i++) { /* asked, and remembered */
		CU_ASSERT_EQUAL(nl_vrf_of_addr(nl, &r), red);
		CU_ASSERT_EQUAL(nl_vrf_of_addr(nl, &b), blue);
		CU_ASSERT_EQUAL(nl_vrf_of_addr(nl, &r4), red);
		CU_ASSERT_EQUAL(nl_vrf_of_addr(nl, &b4), blue);
		CU_ASSERT_EQUAL(nl_vrf_of_addr(nl, &own), 0);
		CU_ASSERT_EQUAL(nl_vrf_of_addr(nl, &nobody), 0);
		CU_ASSERT_EQUAL(nl_vrf_of_addr(nl, &later), 0);
		CU_ASSERT_EQUAL(nl_vrf_of_addr(nl, &later4), 0);
	}
	/* what is remembered is forgotten when it may have changed */
	must_sh("ip addr add 2001:db8:1::5/64 dev r0 nodad; ip addr add 192.0.2.5/24 dev b0");
	KERNEL_WAIT(nl_vrf_of_addr(nl, &later) && nl_vrf_of_addr(nl, &later4), {
		kernel_wait_fd(nl_fd(nl), 5);
		nl_read(nl, kernel_now());
	});
	CU_ASSERT_EQUAL(nl_vrf_of_addr(nl, &later), red);
	CU_ASSERT_EQUAL(nl_vrf_of_addr(nl, &later4), blue);
	must_sh("ip addr del 2001:db8:1::5/64 dev r0; ip addr del 192.0.2.5/24 dev b0");
	nl_free(&nl);
}

/* More addresses than are remembered. */
static void test_many_addresses(void)
{
	const struct in6_addr r = addr(RED);
	struct in6_addr a = addr("2001:db8:99::1");
	struct nl *nl;

	KERNEL_NEEDED(have_vrf);
	nl = open_nl();
	for (int i = 0; i < 100; i++) {
		a.s6_addr[15] = (uint8_t)i;
		CU_ASSERT_EQUAL(nl_vrf_of_addr(nl, &a), 0);
		CU_ASSERT_EQUAL(nl_vrf_of_addr(nl, &r), red);
	}
	nl_free(&nl);
}

/* ---- next hops, path MTU */

struct told {
	unsigned n;
	struct nexthop nh;
};

static void on_nexthop(void *ctx, uint32_t id, const struct nexthop *nh, nsec_t now)
{
	struct told *t = ctx;

	t->n++;
	t->nh = *nh;
}

static void no_tunnelled(void *ctx, const struct tunnel_rx *rx, nsec_t now)
{
}

struct errors {
	struct nexthops *hops;
	unsigned n;
	uint8_t type;
};

static void on_icmp(void *ctx, bool v4, const uint8_t *msg, size_t len, nsec_t now)
{
	const struct in6_addr remote = addr("2001:db8:3::1");
	struct errors *e = ctx;

	e->n++;
	e->type = msg[0];
	if (e->hops)
		nexthops_path_changed(e->hops, &remote, now);
}

/* From an address in a VRF, bound to it. */
static int send_in(const char *vrf, int proto, const struct in6_addr *to, const void *data,
		   size_t len)
{
	const struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_addr = *to};
	int fd = socket(AF_INET6, SOCK_RAW, proto), rc;

	rc = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, vrf, strlen(vrf));
	if (!rc && sendto(fd, data, len, 0, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

#define RUN_UNTIL(nl, nhs, cond)                  \
	KERNEL_WAIT(cond, {                       \
		kernel_wait_fd(nl_fd(nl), 5);     \
		nl_read(nl, kernel_now());        \
		nexthops_tick(nhs, kernel_now()); \
	})

static void test_next_hop(void)
{
	/* Packet Too Big, MTU 1400, quoting IPv6-in-IPv6 */
	uint8_t ptb[8 + 40 + 40] = {2,	  0, 0, 0, 0,	 0,    0x05, 0x78,
				    0x60, 0, 0, 0, 0x05, 0xb4, 41,   64};
	const struct in6_addr remote = addr("2001:db8:3::1"), local = addr(RED);
	const struct dp_peer peer = {.local = local, .remote = remote};
	struct tunnel_sock *ends = NULL;
	struct icmp_sock *icmp = NULL;
	struct errors errors = {0};
	struct nexthops *t = NULL;
	struct told told = {0};
	struct nl *nl;

	KERNEL_NEEDED(have_vrf);
	nl = open_nl();
	CU_ASSERT_EQUAL_FATAL(nexthops_new(&t, nl, on_nexthop, &told), 0);
	errors.hops = t;
	CU_ASSERT_EQUAL_FATAL(tunnel_sock_new(&ends, no_tunnelled, NULL), 0);
	CU_ASSERT_EQUAL(tunnel_sock_add(ends, &peer), 0);
	CU_ASSERT_EQUAL_FATAL(icmp_sock_new(&icmp, on_icmp, &errors), 0);
	CU_ASSERT_EQUAL(nexthop_add(t, 7, &remote, &local, kernel_now()), 0);
	RUN_UNTIL(nl, t, told.nh.valid);
	CU_ASSERT_FATAL(told.nh.valid);
	CU_ASSERT_EQUAL(told.nh.vrf, red);
	CU_ASSERT_EQUAL(told.nh.ifindex, if_nametoindex("r0"));
	CU_ASSERT_EQUAL(told.nh.mtu, 1500);
	CU_ASSERT(mac_eq(&told.nh.dmac, &nl_link_by_index(nl, if_nametoindex("b0"))->mac));

	memcpy(ptb + 16, &local, 16);
	memcpy(ptb + 32, &remote, 16);
	ptb[48] = 0x60;
	CU_ASSERT_EQUAL(send_in("blue", IPPROTO_ICMPV6, &local, ptb, sizeof(ptb)), 0);
	RUN_UNTIL(nl, t, (icmp_sock_read(icmp, kernel_now()), told.nh.mtu == 1400));
	CU_ASSERT_EQUAL(told.nh.mtu, 1400);

	/* the route goes: nothing is found in another table, but the VRF is known */
	must_sh("ip route add 2001:db8:3::/64 dev lo; ip route del 2001:db8:3::/64 vrf red");
	RUN_UNTIL(nl, t, !told.nh.valid);
	CU_ASSERT_FALSE(told.nh.valid);
	CU_ASSERT_EQUAL(told.nh.vrf, red);
	must_sh("ip route del 2001:db8:3::/64 dev lo; "
		"ip route add 2001:db8:3::/64 via " BLUE " vrf red");
	RUN_UNTIL(nl, t, told.nh.valid);
	CU_ASSERT_TRUE(told.nh.valid);
	tunnel_sock_free(&ends);
	icmp_sock_free(&icmp);
	nexthops_free(&t);
	nl_free(&nl);
}

/* ---- sockets */

static unsigned vrf_of(void *ctx, const struct in6_addr *src)
{
	const struct in6_addr r = addr(RED);

	return addr6_eq(src, &r) ? red : blue;
}

static void on_mh(void *ctx, const struct mh_rx *rx, nsec_t now)
{
	const struct in6_addr r = addr(RED), b = addr(BLUE);
	unsigned *n = ctx;

	++*n;
	CU_ASSERT(addr6_eq(&rx->pkt.src, &r) && addr6_eq(&rx->pkt.dst, &b));
}

static void test_signalling(void)
{
	static const uint8_t bu[16] = {59, 1, 5, 0, 0xde, 0xad};
	const struct packet pkt = {
		.src = addr(RED), .dst = addr(BLUE), .data = bu, .len = sizeof(bu)};
	unsigned n = 0;

	KERNEL_NEEDED(have_vrf);
	for (int told = 1; told >= 0; told--) {
		const struct mh_sock_cfg cfg = {
			.dscp = -1, .ctx = &n, .receive = on_mh, .vrf = told ? vrf_of : NULL};
		struct mh_sock *s = NULL;

		CU_ASSERT_EQUAL_FATAL(mh_sock_new(&s, &cfg, NULL), 0);
		CU_ASSERT_EQUAL(mh_sock_send(s, &pkt), 0);
		mh_sock_flush(s);
		n = 0;
		if (told) {
			KERNEL_WAIT(n, {
				kernel_wait_fd(mh_sock_fd(s), 50);
				mh_sock_read(s, 0, 1);
			});
			CU_ASSERT_EQUAL(n, 1);
		} else {
			CU_ASSERT_EQUAL(mh_sock_counters(s).value[MH_SOCK_C_SEND_FAILED], 1);
		}
		mh_sock_free(&s);
	}
}

static void on_tunnelled(void *ctx, const struct tunnel_rx *rx, nsec_t now)
{
	size_t *len = ctx;

	*len = rx->len;
}

static void test_fragments(void)
{
	uint8_t inner[1400] = {0x60};

	KERNEL_NEEDED(have_vrf);
	must_sh("ip link set r0 mtu 1300");
	/* without it the kernel keeps what comes for UDP out of VRFs */
	must_sh("echo 1 >/proc/sys/net/ipv4/udp_l3mdev_accept");
	for (int e = 0; e < DP_ENCAP_MAX; e++) {
		const bool v4 = encap_is_udp(e);
		const struct dp_peer p = {.local = addr(v4 ? "192.0.2.1" : RED),
					  .remote = addr(v4 ? "192.0.2.2" : BLUE),
					  .encap = e};
		struct tunnel_sock *s = NULL;
		size_t len = 0;

		CU_ASSERT_EQUAL_FATAL(tunnel_sock_new(&s, on_tunnelled, &len), 0);
		CU_ASSERT_EQUAL(tunnel_sock_add(s, &p), 0);
		CU_ASSERT_EQUAL(tunnel_sock_send(s, &p, red, 77, 0, inner, sizeof(inner)), 0);
		KERNEL_WAIT(len, {
			kernel_wait_fd(tunnel_sock_fd(s), 5);
			tunnel_sock_read(s, kernel_now());
		});
		CU_ASSERT_TRUE(len >= sizeof(inner));
		tunnel_sock_free(&s);
	}
	must_sh("ip link set r0 mtu 1500");
}

static void test_errors(void)
{
	/* an IPv6 packet with a Packet Too Big, and an IPv4 one with Fragmentation Needed; the IPv4
	 * header's checksum is filled in by the kernel */
	uint8_t six[40 + 8 + 40] = {0x60, 0, 0, 0, 0, 48, 58, 64};
	uint8_t four[20 + 8 + 28] = {0x45, 0, 0, sizeof(four), 0, 0, 0, 0, 64, 1};
	const struct in6_addr r = addr(RED), b = addr(BLUE), r4 = addr("192.0.2.1"),
			      b4 = addr("192.0.2.2");
	struct errors errors = {0};
	struct icmp_sock *s = NULL;
	uint32_t sum = 0;

	KERNEL_NEEDED(have_vrf);
	CU_ASSERT_EQUAL_FATAL(icmp_sock_new(&s, on_icmp, &errors), 0);
	memcpy(four + 12, &r4.s6_addr[12], 4);
	memcpy(four + 16, &b4.s6_addr[12], 4);
	four[20] = 3;
	four[21] = 4;
	four[28] = 0x45;
	/* the kernel checks ICMP's sum before sockets hear of it */
	for (size_t i = 20; i < sizeof(four); i += 2)
		sum += (uint32_t)four[i] << 8 | four[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16));
	four[22] = (uint8_t)(sum >> 8);
	four[23] = (uint8_t)sum;
	CU_ASSERT_EQUAL(icmp_sock_send(s, red, four, sizeof(four)), 0);
	KERNEL_WAIT(errors.n, icmp_sock_read(s, kernel_now()));
	CU_ASSERT_EQUAL(errors.n, 1);
	CU_ASSERT_EQUAL(errors.type, 3);

	memcpy(six + 8, &r, 16);
	memcpy(six + 24, &b, 16);
	six[40] = 2;
	six[46] = 0x05;
	six[48] = 0x60;
	sum = 48 + 58;
	for (size_t i = 8; i < sizeof(six); i += 2)
		sum += (uint32_t)six[i] << 8 | six[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16));
	six[42] = (uint8_t)(sum >> 8);
	six[43] = (uint8_t)sum;
	CU_ASSERT_EQUAL(icmp_sock_send(s, red, six, sizeof(six)), 0);
	KERNEL_WAIT(errors.n > 1, icmp_sock_read(s, kernel_now()));
	CU_ASSERT_EQUAL(errors.n, 2);
	CU_ASSERT_EQUAL(errors.type, 2);
	CU_ASSERT_TRUE(icmp_sock_send(s, 0, six, sizeof(six)) < 0); /* no way there without */
	icmp_sock_free(&s);
}

static void on_dhcp(void *ctx, const struct dhcp_rx *rx, nsec_t now)
{
	unsigned *n = ctx;

	CU_ASSERT_EQUAL(rx->len, 4);
	++*n;
}

static void test_relay(void)
{
	const struct in6_addr r = addr(RED), b = addr(BLUE);
	struct dhcp_sock *one = NULL, *two = NULL;
	unsigned at_one = 0, at_two = 0;

	KERNEL_NEEDED(have_vrf);
	must_sh("echo 0 >/proc/sys/net/ipv4/udp_l3mdev_accept");
	CU_ASSERT_EQUAL_FATAL(dhcp_sock_new(&one, &r, on_dhcp, &at_one), 0);
	CU_ASSERT_EQUAL_FATAL(dhcp_sock_new(&two, &b, on_dhcp, &at_two), 0);
	CU_ASSERT_TRUE(dhcp_sock_send(one, 0, &b, "none", 4) < 0);
	CU_ASSERT_EQUAL(dhcp_sock_send(two, blue, &r, "lost", 4), 0);
	CU_ASSERT_EQUAL(dhcp_sock_send(one, red, &b, "ask.", 4), 0);
	KERNEL_WAIT(at_two, dhcp_sock_read(two, 0, 1));
	CU_ASSERT_EQUAL(at_two, 1);
	CU_ASSERT_EQUAL(dhcp_sock_send(two, blue, &r, "tell", 4), 0);
	KERNEL_WAIT(at_one, dhcp_sock_read(one, 0, 1));
	CU_ASSERT_EQUAL(at_one, 1);
	dhcp_sock_free(&one);
	dhcp_sock_free(&two);
}

static void test_relay4(void)
{
	const struct in6_addr r = addr_from_ip4((struct in_addr){htonl(0xc0000201)}),
			      b = addr_from_ip4((struct in_addr){htonl(0xc0000202)});
	struct dhcp_sock *one = NULL, *two = NULL;
	unsigned at_one = 0, at_two = 0;

	KERNEL_NEEDED(have_vrf);
	must_sh("echo 0 >/proc/sys/net/ipv4/udp_l3mdev_accept");
	CU_ASSERT_EQUAL_FATAL(dhcp_sock_new(&one, &r, on_dhcp, &at_one), 0);
	CU_ASSERT_EQUAL_FATAL(dhcp_sock_new(&two, &b, on_dhcp, &at_two), 0);
	CU_ASSERT_TRUE(dhcp_sock_send(one, 0, &b, "none", 4) < 0);
	CU_ASSERT_EQUAL(dhcp_sock_send(two, blue, &r, "lost", 4), 0);
	CU_ASSERT_EQUAL(dhcp_sock_send(one, red, &b, "ask.", 4), 0);
	KERNEL_WAIT(at_two, dhcp_sock_read(two, 0, 1));
	CU_ASSERT_EQUAL(at_two, 1);
	CU_ASSERT_EQUAL(dhcp_sock_send(two, blue, &r, "tell", 4), 0);
	KERNEL_WAIT(at_one, dhcp_sock_read(one, 0, 1));
	CU_ASSERT_EQUAL(at_one, 1);
	dhcp_sock_free(&one);
	dhcp_sock_free(&two);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"links and addresses know their VRF, also when it changes", test_links_and_addresses},
		{"more addresses than are remembered", test_many_addresses},
		{"a tunnel's next hop and path MTU are those of its VRF", test_next_hop},
		{"signalling leaves in the VRF of its source", test_signalling},
		{"fragments of tunnel packets leave in the tunnel's VRF", test_fragments},
		{"ICMP errors leave in the VRF that they are for", test_errors},
		{"a DHCPv6 relay agent asks and hears in its VRF", test_relay},
		{"a DHCPv4 relay agent asks and hears in its VRF", test_relay4},
		{0},
	};
	// clang-format on

	setup();
	return cu_main("VRFs", tests, argc, argv);
}
