/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunnel packets that overtake the answer to a registration.
 *
 *	t0 [xdp_transport] = t1		the anchor's side: frames go in by test run
 *	a0 [xdp_access]    = a1		the node's side: a packet socket hears what arrives
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/util.h"
#include "dp_env.h"
#include "lib/cu.h"

#define FRAME 158 /* Ethernet, outer, inner, 64 octets */

static struct dp_bpf *dp;
static struct dataplane *d;
static dp_ref anchor;
static unsigned t0, a0;
static int heard = -1;
static nsec_t clock_ns = NSEC_PER_SEC;
static const struct mac node = {{2, 0, 0, 0, 0, 1}};
static const struct mac own = {{2, 0, 0, 0, 0, 0xaa}};
static const struct mac gateway = {{0, 0, 0x5e, 0, 0x52, 0x13}};

static void attach(const char *name, enum dp_bpf_kind kind, struct mac mac)
{
	const struct dp_bpf_attach a = {.ifindex = env_ifindex(name), .ifname = name, .kind = kind,
					.want = DP_BPF_XDP, .mac = mac, .mtu = 1500};
	char err[DP_BPF_ERRLEN] = "";

	if (dp_bpf_attach(dp, &a, NULL, err, sizeof(err)))
		fprintf(stderr, "%s\n", err);
}

static void setup(unsigned roles)
{
	const struct dp_bpf_cfg cfg = {.instance = "early", .roles = roles, .max_sessions = 64,
				       .max_peers = 16};
	const struct dp_peer peer = {.local = env_addr("2001:db8:11::1"),
				     .remote = env_addr("2001:db8:2::1")};

	dp = env_dp(&cfg);
	d = dp_bpf_dataplane(dp);
	attach("t0", DP_BPF_TRANSPORT, (struct mac){{0}});
	attach("a0", DP_BPF_ACCESS, gateway);
	CU_ASSERT_EQUAL_FATAL(dp_bpf_local_add(dp, &peer.local), 0);
	CU_ASSERT_EQUAL_FATAL(d->ops->peer_put(d, &peer, &anchor), 0);
	dp_bpf_slow(dp, clock_ns);
}

static void teardown(void)
{
	dp_bpf_free(&dp, true);
}

static void header(uint8_t *p, const char *src, const char *dst, uint8_t next, uint16_t len)
{
	const struct in6_addr s = env_addr(src), t = env_addr(dst);

	p[0] = 0x60;
	p[4] = (uint8_t)(len >> 8);
	p[5] = (uint8_t)len;
	p[6] = next;
	p[7] = 64;
	memcpy(p + 8, &s, sizeof(s));
	memcpy(p + 24, &t, sizeof(t));
}

/* A numbered tunnel packet arrives at t0. */
static void arrive(const char *outer_src, const char *home, uint8_t number)
{
	uint8_t in[FRAME] = {0}, out[FRAME + 256];
	struct xdp_md md = {.data_end = FRAME, .ingress_ifindex = t0};
	int prog;
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = in, .data_size_in = sizeof(in), .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &md, .ctx_size_in = sizeof(md), .repeat = 1);

	memcpy(in, own.b, sizeof(own.b));
	in[12] = 0x86;
	in[13] = 0xdd;
	header(in + 14, outer_src, "2001:db8:11::1", 41, FRAME - 54);
	header(in + 54, "2001:db8:c::2", home, 59, FRAME - 94);
	in[94] = number;
	prog = env_prog(t0);
	CU_ASSERT_EQUAL(bpf_prog_test_run_opts(prog, &o), 0);
	close(prog);
	CU_ASSERT_EQUAL(o.retval, XDP_DROP);
}

/* The number of the next packet that reaches the node; -1: none within a moment. */
static int arrived(void)
{
	struct pollfd p = {.fd = heard, .events = POLLIN};
	uint8_t frame[2048];

	while (poll(&p, 1, 100) > 0) {
		const ssize_t n = recv(heard, frame, sizeof(frame), 0);

		if (n >= 55 && frame[20] == 59 && !memcmp(frame, node.b, 6) &&
		    !memcmp(frame + 6, gateway.b, 6) && frame[21] == 63)
			return frame[54];
	}
	return -1;
}

static uint64_t count(const char *name)
{
	const struct counter_set s = dp_bpf_early_counters(dp);

	for (size_t i = 0; i < s.n; i++)
		if (!strcmp(s.desc[i].name, name))
			return s.value[i];
	CU_FAIL("no such counter");
	return 0;
}

static uint64_t dropped(const char *name)
{
	struct counter_set s;

	CU_ASSERT_EQUAL_FATAL(dp_bpf_drops(dp, &s), 0);
	for (size_t i = 0; i < s.n; i++)
		if (!strcmp(s.desc[i].name, name))
			return s.value[i];
	CU_FAIL("no such reason");
	return 0;
}

static void come(const char *prefix)
{
	const struct prefix6 p = env_prefix(prefix);
	const struct dp_session s = {
		.half = DP_ACCESS,
		.mnid = {MNID_NAI, 3, (const uint8_t *)"a@b"},
		.n_prefixes = 1,
		.prefixes = &p,
		.down = {.kind = DP_TO_LINK, .ifindex = a0, .mac = node},
		.up = {.kind = DP_TO_PEER, .peer = anchor},
	};
	dp_ref ref = 0;

	CU_ASSERT_EQUAL(d->ops->session_put(d, &s, &ref), 0);
}

static void test_delivery(void)
{
	setup(DP_BPF_MAG);
	for (uint8_t i = 1; i <= 5; i++)
		arrive("2001:db8:2::1", "2001:db8:100:1::9", i);
	arrive("2001:db8:2::1", "2001:db8:100:2::9", 99); /* another node's */
	dp_bpf_slow(dp, clock_ns);
	arrive("2001:db8:2::1", "2001:db8:100:1::9", 6); /* still in the ring when the session comes */
	CU_ASSERT_EQUAL(arrived(), -1);
	come("2001:db8:100:1::/64");
	for (int i = 1; i <= 6; i++)
		CU_ASSERT_EQUAL(arrived(), i);
	CU_ASSERT_EQUAL(arrived(), -1);
	CU_ASSERT_EQUAL(count("kept"), 7);
	CU_ASSERT_EQUAL(count("delivered"), 6);
	CU_ASSERT_EQUAL(dropped("no_session"), 0);
	teardown();
}

static void test_expiry(void)
{
	setup(DP_BPF_MAG);
	arrive("2001:db8:2::1", "2001:db8:100:1::9", 1);
	dp_bpf_slow(dp, clock_ns);
	CU_ASSERT_EQUAL(dp_bpf_slow_next(dp), clock_ns + nsec_from_ms(100));
	dp_bpf_slow(dp, clock_ns + nsec_from_ms(99));
	CU_ASSERT_EQUAL(count("expired"), 0);
	dp_bpf_slow(dp, clock_ns + nsec_from_ms(100));
	CU_ASSERT_EQUAL(count("expired"), 1);
	CU_ASSERT_EQUAL(dp_bpf_slow_next(dp), NSEC_NEVER);
	come("2001:db8:100:1::/64");
	CU_ASSERT_EQUAL(arrived(), -1);
	teardown();
}

static void test_strangers(void)
{
	setup(DP_BPF_MAG);
	arrive("2001:db8:66::6", "2001:db8:100:1::9", 1);
	dp_bpf_slow(dp, clock_ns);
	come("2001:db8:100:1::/64");
	CU_ASSERT_EQUAL(arrived(), -1);
	CU_ASSERT_EQUAL(count("stranger"), 1);
	CU_ASSERT_EQUAL(count("kept"), 0);
	teardown();
}

static void test_flood(void)
{
	setup(DP_BPF_MAG);
	for (int i = 0; i < 5000; i++) {
		arrive("2001:db8:2::1", "2001:db8:100:1::9", 1);
		if (i % 16 == 0)
			dp_bpf_slow(dp, clock_ns);
	}
	dp_bpf_slow(dp, clock_ns);
	/* what the rate does not let through is dropped under its name; what waits is bounded */
	CU_ASSERT(dropped("no_session") > 0);
	CU_ASSERT_EQUAL(count("kept") + dropped("no_session"), 5000);
	CU_ASSERT(count("kept") - count("overflow") <= 256);
	teardown();
}

static void test_anchor_alone(void)
{
	setup(DP_BPF_LMA);
	arrive("2001:db8:2::1", "2001:db8:100:1::9", 1);
	CU_ASSERT_EQUAL(dropped("no_session"), 1);
	CU_ASSERT_EQUAL(dp_bpf_slow_next(dp), NSEC_NEVER);
	teardown();
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"packets that overtake the answer reach the node, in order", test_delivery},
		{"without a session they are discarded after a moment", test_expiry},
		{"only packets of our own tunnels are kept", test_strangers},
		{"a flood is bounded in rate and number", test_flood},
		{"an anchor keeps nothing", test_anchor_alone},
		{0},
	};
	struct sockaddr_ll sll = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6)};

	env_enter();
	env_sh(true, "ip link add t0 type veth peer name t1 && ip link add a0 type veth peer name a1 && "
		     "ip link set t0 address 02:00:00:00:00:aa && ethtool -K a1 gro on >/dev/null && ethtool -K t1 gro on >/dev/null && "
		     "for i in t0 t1 a0 a1; do ip link set $i up; done");
	t0 = env_ifindex("t0");
	a0 = env_ifindex("a0");
	heard = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IPV6));
	sll.sll_ifindex = (int)env_ifindex("a1");
	if (heard < 0 || bind(heard, (struct sockaddr *)&sll, sizeof(sll))) {
		perror("packet socket");
		return 1;
	}
	return cu_main("early packets", tests, argc, argv);
}
