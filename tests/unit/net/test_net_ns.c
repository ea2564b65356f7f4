/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets on a real kernel: a network namespace of our own, and a second one behind a veth
 * pair. Needs root; without it, every test says that it was skipped. Namespaces go with the
 *process.
 *
 *	[this process] v0 ------- v1 [child]	v0: 2001:db8:1::1/64, v1: 2001:db8:1::2/64
 */
#include "lib/cu.h"
#include "lib/kernel.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "net/ethtool.h"
#include "net/frame_sock.h"
#include "net/mh_sock.h"
#include "net/icmp_relay.h"
#include "net/icmp_sock.h"
#include "net/nexthop.h"
#include "net/tunnel_sock.h"
#include "wire/mh.h"

static bool have_ns;
static pid_t child;

/* f0 and f1, joined; the kernel itself sends nothing there. */
static void make_quiet_pair(void)
{
	CU_ASSERT_EQUAL_FATAL(sh("ip link add f0 type veth peer name f1"), 0);
	CU_ASSERT_EQUAL(nl_sysctl_ipv6("f0", "disable_ipv6", "1"), 0);
	CU_ASSERT_EQUAL(nl_sysctl_ipv6("f1", "disable_ipv6", "1"), 0);
	CU_ASSERT_EQUAL(sh("ip link set f0 up && ip link set f1 up"), 0);
}

static struct in6_addr a6(const char *s)
{
	struct in6_addr a = IN6ADDR_ANY_INIT;

	addr6_parse(s, &a);
	return a;
}

static void setup(void)
{
	int ready[2];
	char c;

	if (!kernel_enter_new_ns() || pipe(ready))
		return;
	child = fork();
	if (child == 0) {
		close(ready[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) || write(ready[1], "x", 1) != 1)
			_exit(1);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (child < 0 || read(ready[0], &c, 1) != 1)
		return;
	close(ready[0]);
	have_ns = !sh("ip link set lo up && ip addr add 2001:db8:9::1/128 dev lo nodad && "
		      "ip addr add 2001:db8:9::2/128 dev lo nodad && "
		      "ip link add v0 type veth peer name v1 netns %d && "
		      "ip link set v0 up && ip addr add 2001:db8:1::1/64 dev v0 nodad",
		      child) &&
		  !sh("nsenter -t %d -n sh -c 'ip link set lo up; ip link set v1 address "
		      "02:00:00:00:00:99; ip link set v1 up; "
		      "ip addr add 2001:db8:1::2/64 dev v1 nodad'",
		      child);
}

static void teardown(void)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}

/* ---- mh_sock ---- */

struct inbox {
	unsigned n;
	struct mh_rx last;
	uint8_t data[MH_MAX_LEN];
	struct mh_sock *reply; /* answer with a Parameter Problem */
};

static void on_mh(void *ctx, const struct mh_rx *rx, nsec_t now)
{
	struct inbox *in = ctx;

	in->n++;
	in->last = *rx;
	memcpy(in->data, rx->pkt.data, rx->pkt.len);
	if (in->reply)
		mh_sock_param_problem(in->reply, &rx->pkt, 0, now);
}

static struct mh_sock *open_mh(struct inbox *in)
{
	struct mh_sock_cfg cfg = {.dscp = -1, .ctx = in, .receive = on_mh};
	struct mh_sock *s = NULL;
	const char *why = "";

	CU_ASSERT_EQUAL_FATAL(mh_sock_new(&s, &cfg, &why), 0);
	return s;
}

/* Reads until `want` messages have come altogether, or nothing more comes. */
static unsigned hear(struct mh_sock *s, unsigned want)
{
	unsigned n = 0;

	KERNEL_WAIT(n >= want, {
		kernel_wait_fd(mh_sock_fd(s), 50);
		n += mh_sock_read(s, 0, 1);
	});
	return n;
}

static void test_mh_bad_checksum_reaches_us(void)
{
	/* Payload Proto 59, Header Len 1, type 5, a checksum that is wrong */
	static const uint8_t bu[16] = {59, 1, 5, 0, 0xde, 0xad};
	struct packet pkt = {.data = bu, .len = sizeof(bu)};
	struct inbox in = {0};
	struct mh_sock *s;

	KERNEL_NEEDED(have_ns);
	s = open_mh(&in);
	pkt.src = a6("2001:db8:9::2");
	pkt.dst = a6("2001:db8:9::1");
	CU_ASSERT_EQUAL(mh_sock_send(s, &pkt), 0);
	CU_ASSERT_EQUAL(mh_sock_flush(s), 0);
	CU_ASSERT_EQUAL(hear(s, 1), 1);
	CU_ASSERT_EQUAL(in.n, 1);
	CU_ASSERT_EQUAL(in.last.pkt.len, sizeof(bu));
	CU_ASSERT(!memcmp(in.data, bu, sizeof(bu))); /* nobody touched the checksum */
	CU_ASSERT(addr6_eq(&in.last.pkt.src, &pkt.src));
	CU_ASSERT(addr6_eq(&in.last.pkt.dst, &pkt.dst));
	CU_ASSERT_EQUAL(in.last.hop_limit, 64);
	CU_ASSERT_EQUAL(in.last.tclass, 48 << 2);
	CU_ASSERT_EQUAL(in.last.ifindex, if_nametoindex("lo"));
	mh_sock_free(&s);
}

static void test_mh_batches(void)
{
	/* Payload Proto 59: kernels with Mobile IPv6 answer anything else by themselves */
	static uint8_t msg[MH_MAX_LEN] = {59};
	struct packet pkt = {.data = msg, .len = 8};
	struct inbox in = {0};
	struct mh_sock *s;
	unsigned got = 0;
	bool full = false;

	KERNEL_NEEDED(have_ns);
	s = open_mh(&in);
	pkt.src = a6("2001:db8:9::2");
	pkt.dst = a6("2001:db8:9::1");
	/* more than the queue holds: it is flushed on the way */
	for (int i = 0; i < 1500; i++)
		CU_ASSERT_EQUAL(mh_sock_send(s, &pkt), 0);
	CU_ASSERT_EQUAL(mh_sock_flush(s), 0);
	CU_ASSERT_FALSE(mh_sock_want_write(s));
	/* as they come: the loopback may deliver later, on another processor */
	KERNEL_WAIT(got >= 1400, {
		const unsigned n = mh_sock_read(s, 100, 1);

		CU_ASSERT(n <= 100);
		full = full || n == 100;
		got += n;
		if (!n)
			kernel_wait_fd(mh_sock_fd(s), 50);
	});
	CU_ASSERT_TRUE(full);
	got += hear(s, 1500 - got);
	CU_ASSERT_EQUAL(got, 1500);
	CU_ASSERT_EQUAL(mh_sock_counters(s).value[MH_SOCK_C_SENT], 1500);
	CU_ASSERT_EQUAL(mh_sock_counters(s).value[MH_SOCK_C_RECEIVED], 1500);

	/* the longest passes; what is not sendable says so */
	pkt.len = MH_MAX_LEN;
	CU_ASSERT_EQUAL(mh_sock_send(s, &pkt), 0);
	mh_sock_flush(s);
	CU_ASSERT_EQUAL(hear(s, 1), 1);
	CU_ASSERT_EQUAL(in.last.pkt.len, MH_MAX_LEN);
	pkt.len = MH_MAX_LEN + 1;
	CU_ASSERT_EQUAL(mh_sock_send(s, &pkt), -EMSGSIZE);
	pkt.len = 8;
	pkt.dst = a6("ff02::1");
	CU_ASSERT_EQUAL(mh_sock_send(s, &pkt), -EINVAL);
	/* a source that is not ours: the kernel refuses, later ones still go */
	pkt.dst = a6("2001:db8:9::1");
	pkt.src = a6("2001:db8:dead::1");
	CU_ASSERT_EQUAL(mh_sock_send(s, &pkt), 0);
	pkt.src = a6("2001:db8:9::2");
	CU_ASSERT_EQUAL(mh_sock_send(s, &pkt), 0);
	CU_ASSERT_EQUAL(mh_sock_flush(s), 0);
	CU_ASSERT_EQUAL(mh_sock_counters(s).value[MH_SOCK_C_SEND_FAILED], 1);
	CU_ASSERT_EQUAL(hear(s, 1), 1);
	mh_sock_free(&s);
}

static void test_mh_too_long(void)
{
	static uint8_t big[4096];
	struct sockaddr_in6 to = {.sin6_family = AF_INET6};
	struct inbox in = {0};
	struct mh_sock *s;
	int fd;

	KERNEL_NEEDED(have_ns);
	s = open_mh(&in);
	fd = socket(AF_INET6, SOCK_RAW, MH_PROTO);
	to.sin6_addr = a6("2001:db8:9::1");
	big[0] = 59;
	big[1] = 255;
	CU_ASSERT(sendto(fd, big, sizeof(big), 0, (struct sockaddr *)&to, sizeof(to)) > 0);
	KERNEL_WAIT(mh_sock_counters(s).value[MH_SOCK_C_TRUNCATED], {
		kernel_wait_fd(mh_sock_fd(s), 50);
		mh_sock_read(s, 0, 1);
	});
	CU_ASSERT_EQUAL(in.n, 0);
	CU_ASSERT_EQUAL(mh_sock_counters(s).value[MH_SOCK_C_TRUNCATED], 1);
	close(fd);
	mh_sock_free(&s);
}

static void test_param_problem(void)
{
	static const uint8_t bad_proto[16] = {17, 1, 5, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	struct packet pkt = {.data = bad_proto, .len = sizeof(bad_proto)};
	struct timeval patience = {.tv_sec = 1};
	struct icmp6_filter only;
	struct inbox in = {0};
	struct mh_sock *s;
	uint8_t buf[1500];
	int fd;

	KERNEL_NEEDED(have_ns);
	s = open_mh(&in);
	in.reply = s;
	fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	ICMP6_FILTER_SETBLOCKALL(&only);
	ICMP6_FILTER_SETPASS(ICMP6_PARAM_PROB, &only);
	setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &only, sizeof(only));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));

	pkt.src = a6("2001:db8:9::2");
	pkt.dst = a6("2001:db8:9::1");
	mh_sock_send(s, &pkt);
	mh_sock_flush(s);
	kernel_wait_fd(mh_sock_fd(s), 1000);
	if (mh_sock_read(s, 0, 1)) {
		/* RFC 6275 9.2: code 0, at Payload Proto, the first octet behind the IPv6 header */
		static const uint8_t head[] = {4, 0}, pointer[] = {0, 0, 0, 40};
		static const uint8_t ip[] = {0x6c, 0, 0, 0, 0, 16, 135, 64};

		CU_ASSERT_EQUAL(recv(fd, buf, sizeof(buf), 0), 8 + 40 + 16);
		CU_ASSERT(!memcmp(buf, head, 2) && !memcmp(buf + 4, pointer, 4));
		CU_ASSERT(!memcmp(buf + 8, ip, sizeof(ip)));
		CU_ASSERT(!memcmp(buf + 16, &pkt.src, 16) && !memcmp(buf + 32, &pkt.dst, 16));
		CU_ASSERT(!memcmp(buf + 48, bad_proto, sizeof(bad_proto)));
		CU_ASSERT_EQUAL(mh_sock_counters(s).value[MH_SOCK_C_PARAM_PROBLEM], 1);
	} else {
		/* a kernel with Mobile IPv6 has judged and answered by itself */
		CU_ASSERT(recv(fd, buf, sizeof(buf), 0) > 0);
	}
	in.reply = NULL;

	/* bursts of 10, then 10 per second (RFC 4443 2.4(f)) */
	for (int i = 0; i < 50; i++)
		mh_sock_param_problem(s, &pkt, 1, nsec_from_s(100));
	CU_ASSERT_EQUAL(mh_sock_counters(s).value[MH_SOCK_C_PARAM_PROBLEM_LIMITED], 40);
	mh_sock_param_problem(s, &pkt, 1, nsec_from_s(100) + nsec_from_ms(100));
	CU_ASSERT_EQUAL(mh_sock_counters(s).value[MH_SOCK_C_PARAM_PROBLEM_LIMITED], 40);

	/* never about multicast, never to nobody (RFC 4443 2.4(e)) */
	pkt.dst = a6("ff02::1");
	mh_sock_param_problem(s, &pkt, 0, nsec_from_s(200));
	pkt.dst = a6("2001:db8:9::1");
	pkt.src = a6("::");
	mh_sock_param_problem(s, &pkt, 0, nsec_from_s(200));
	pkt.src = a6("ff0e::1");
	mh_sock_param_problem(s, &pkt, 0, nsec_from_s(200));
	CU_ASSERT_EQUAL(mh_sock_counters(s).value[MH_SOCK_C_PARAM_PROBLEM_UNFIT], 3);
	close(fd);
	mh_sock_free(&s);
}

/* ---- netlink ---- */

#define FDB_MAC_END 0x77

struct seen {
	unsigned links, gone, addrs, routes, neighs, fdbs, fdb_gone, resyncs;
	struct nl_link last, last_old;
	struct nl_fdb fdb;
	struct nl_addr addr;
};

static void see_link(void *ctx, const struct nl_link *l, const struct nl_link *old, bool gone,
		     nsec_t now)
{
	struct seen *s = ctx;

	s->links++;
	s->gone += gone;
	s->last = *l;
	if (old)
		s->last_old = *old;
}

static void see_addr(void *ctx, const struct nl_addr *a, bool gone, nsec_t now)
{
	((struct seen *)ctx)->addrs++;
	((struct seen *)ctx)->addr = *a;
}

static void see_route(void *ctx, const struct prefix6 *dst, bool gone, nsec_t now)
{
	((struct seen *)ctx)->routes++;
}

static void see_neigh(void *ctx, const struct nl_neigh *n, bool gone, nsec_t now)
{
	((struct seen *)ctx)->neighs++;
}

static void see_fdb(void *ctx, const struct nl_fdb *f, bool gone, nsec_t now)
{
	struct seen *s = ctx;

	if (f->mac.b[5] != FDB_MAC_END) /* the ports' own */
		return;
	s->fdbs++;
	s->fdb_gone += gone;
	s->fdb = *f;
}

static void see_resync(void *ctx, nsec_t now)
{
	((struct seen *)ctx)->resyncs++;
}

static struct nl_listener listener_of(struct seen *s)
{
	return (struct nl_listener){
		.ctx = s,
		.link = see_link,
		.addr = see_addr,
		.route = see_route,
		.neigh = see_neigh,
		.fdb = see_fdb,
		.resync = see_resync,
	};
}

static void serve(struct nl *nl)
{
	kernel_wait_fd(nl_fd(nl), 20);
	nl_read(nl, kernel_now());
}

static bool is_running(struct nl *nl, unsigned ifindex)
{
	const struct nl_link *l = nl_link_by_index(nl, ifindex);

	return l && l->running;
}

static void test_nl_links(void)
{
	struct seen seen = {0};
	struct nl_listener l = listener_of(&seen);
	struct nl *nl = NULL;
	unsigned idx;

	KERNEL_NEEDED(have_ns);
	CU_ASSERT_EQUAL_FATAL(nl_new(&nl), 0);
	nl_listen(nl, &l);
	CU_ASSERT_EQUAL(nl_start(nl, 1), 0);
	CU_ASSERT_EQUAL(seen.links, 2); /* lo, v0 */
	CU_ASSERT(seen.addrs >= 4);
	CU_ASSERT_PTR_NOT_NULL(nl_link_by_name(nl, "v0"));
	CU_ASSERT_PTR_NULL(nl_link_by_name(nl, "late0"));

	/* an interface that appears later, is renamed, goes down, vanishes */
	sh("ip link add late0 address 02:00:00:00:00:55 type veth peer name late1");
	KERNEL_WAIT(nl_link_by_name(nl, "late0"), serve(nl));
	CU_ASSERT_PTR_NOT_NULL_FATAL(nl_link_by_name(nl, "late0"));
	idx = nl_link_by_name(nl, "late0")->ifindex;
	CU_ASSERT_EQUAL(nl_link_by_name(nl, "late0")->mac.b[5], 0x55);
	CU_ASSERT_STRING_EQUAL(nl_link_by_index(nl, idx)->kind, "veth");
	CU_ASSERT_FALSE(nl_link_by_index(nl, idx)->up);
	CU_ASSERT_EQUAL(nl_link_set_up(nl, idx, true), 0);
	sh("ip link set late1 up");
	KERNEL_WAIT(is_running(nl, idx), serve(nl));
	CU_ASSERT(nl_link_by_index(nl, idx)->running);
	sh("ip link set late1 down"); /* the carrier goes, late0 stays up */
	KERNEL_WAIT(!is_running(nl, idx), serve(nl));
	CU_ASSERT(nl_link_by_index(nl, idx)->up && !nl_link_by_index(nl, idx)->running);
	sh("ip link set late0 down && ip link set late0 name newname0");
	KERNEL_WAIT(nl_link_by_name(nl, "newname0"), serve(nl));
	CU_ASSERT_PTR_NULL(nl_link_by_name(nl, "late0"));
	CU_ASSERT_PTR_NOT_NULL(nl_link_by_name(nl, "newname0"));
	CU_ASSERT_EQUAL(seen.gone, 0);
	sh("ip link del newname0");
	KERNEL_WAIT(seen.gone == 2, serve(nl));
	CU_ASSERT_EQUAL(seen.gone, 2);
	CU_ASSERT_PTR_NULL(nl_link_by_index(nl, idx));
	nl_free(&nl);
}

static void test_nl_resync(void)
{
	struct seen seen = {0};
	struct nl_listener l = listener_of(&seen);
	struct nl *nl = NULL;
	int tiny = 1;

	KERNEL_NEEDED(have_ns);
	sh("ip link add away0 type veth peer name away1");
	CU_ASSERT_EQUAL_FATAL(nl_new(&nl), 0);
	nl_listen(nl, &l);
	CU_ASSERT_EQUAL(nl_start(nl, 1), 0);
	setsockopt(nl_fd(nl), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny));
	for (int i = 0; i < 10; i++)
		sh("ip addr add 2001:db8:77::%d/128 dev lo nodad; "
		   "ip addr del 2001:db8:77::%d/128 dev lo",
		   i + 1, i + 1);
	sh("ip link del away0; ip link add here0 type veth peer name here1");
	KERNEL_WAIT(seen.resyncs, serve(nl));
	CU_ASSERT(seen.resyncs >= 1);
	CU_ASSERT(nl_counters(nl).value[NL_C_OVERRUNS] >= 1);
	CU_ASSERT_EQUAL(seen.gone, 2); /* found by the dump, not by a notification */
	CU_ASSERT_PTR_NULL(nl_link_by_name(nl, "away0"));
	CU_ASSERT_PTR_NOT_NULL(nl_link_by_name(nl, "here0"));
	nl_free(&nl);
	sh("ip link del here0");
}

static void test_nl_requests(void)
{
	static const struct mac mac = {
		{0x00, 0x00, 0x5e, 0x00, 0x52, 0x13}
	    };
	struct in6_addr ll = a6("fe80::200:5eff:fe00:5213");
	struct nl_route r = {.type = NL_ROUTE_UNREACHABLE};
	struct seen seen = {0};
	struct nl_listener l = listener_of(&seen);
	struct nl *nl = NULL;
	struct in6_addr dst;
	struct nl_path path;
	unsigned v0;

	KERNEL_NEEDED(have_ns);
	CU_ASSERT_EQUAL_FATAL(nl_new(&nl), 0);
	nl_listen(nl, &l);
	nl_start(nl, 1);
	v0 = if_nametoindex("v0");
	CU_ASSERT_EQUAL(nl_link_set_mac(nl, v0, &mac), 0);
	KERNEL_WAIT(mac_eq(&nl_link_by_index(nl, v0)->mac, &mac), serve(nl));
	CU_ASSERT(mac_eq(&nl_link_by_index(nl, v0)->mac, &mac));
	CU_ASSERT_EQUAL(nl_link_set_mac(nl, v0, &mac), 0);

	CU_ASSERT_EQUAL(nl_addr_add(nl, v0, &ll, 64, true), 0);
	CU_ASSERT_EQUAL(nl_addr_add(nl, v0, &ll, 64, true), 0); /* already so */
	KERNEL_WAIT(addr6_eq(&seen.addr.addr, &ll), serve(nl));
	CU_ASSERT(addr6_eq(&seen.addr.addr, &ll) && !seen.addr.tentative);
	CU_ASSERT_EQUAL(nl_addr_del(nl, v0, &ll, 64), 0);
	CU_ASSERT_EQUAL(nl_addr_del(nl, v0, &ll, 64), 0); /* already gone */
	CU_ASSERT_EQUAL(nl_addr_add(nl, 9999, &ll, 64, true), -ENODEV);
	/* ours alone are forgotten, and of that interface alone */
	CU_ASSERT_EQUAL(nl_addr_add(nl, v0, &ll, 64, true), 0);
	CU_ASSERT_EQUAL(sh("ip addr add 2001:db8:77::1/64 dev v0 nodad"), 0);
	CU_ASSERT_EQUAL(nl_addrs_forget(nl, if_nametoindex("lo")), 0);
	CU_ASSERT_EQUAL(sh("ip -6 addr show dev v0 | grep -q fe80::200:5eff:fe00:5213"), 0);
	CU_ASSERT_EQUAL(nl_addrs_forget(nl, v0), 0);
	CU_ASSERT_NOT_EQUAL(sh("ip -6 addr show dev v0 | grep -q fe80::200:5eff:fe00:5213"), 0);
	CU_ASSERT_EQUAL(sh("ip -6 addr show dev v0 | grep -q 2001:db8:77::1"), 0);
	sh("ip addr del 2001:db8:77::1/64 dev v0");

	prefix6_parse("2001:db8:100::/44", &r.dst);
	dst = a6("2001:db8:100::1");
	CU_ASSERT_EQUAL(nl_route_put(nl, &r), 0);
	CU_ASSERT_EQUAL(nl_route_put(nl, &r), 0);
	CU_ASSERT_EQUAL(sh("ip -6 route show proto %d | grep -q 'unreachable 2001:db8:100::/44'",
			   NL_ROUTE_PROTO),
			0);
	CU_ASSERT(nl_route_get(nl, &dst, NULL, &path) < 0);
	CU_ASSERT_EQUAL(nl_route_del(nl, &r), 0);
	CU_ASSERT_EQUAL(nl_route_del(nl, &r), 0);

	r.type = NL_ROUTE_UNICAST;
	r.ifindex = v0;
	r.gateway = a6("2001:db8:1::2");
	CU_ASSERT_EQUAL(nl_route_put(nl, &r), 0);
	CU_ASSERT_EQUAL(nl_route_get(nl, &dst, NULL, &path), 0);
	CU_ASSERT(path.ifindex == v0 && addr6_eq(&path.gateway, &r.gateway) && !path.local);
	CU_ASSERT_EQUAL(nl_route_del(nl, &r), 0);
	dst = a6("2001:db8:9::1");
	CU_ASSERT_EQUAL(nl_route_get(nl, &dst, NULL, &path), 0);
	CU_ASSERT(path.local);

	CU_ASSERT_EQUAL(nl_sysctl_ipv6("v0", "accept_ra", "0"), 0);
	CU_ASSERT_EQUAL(sh("grep -qx 0 /proc/sys/net/ipv6/conf/v0/accept_ra"), 0);
	CU_ASSERT_EQUAL(nl_sysctl_ipv6("v0", "nosuchkey", "0"), -ENOENT);
	CU_ASSERT_EQUAL(nl_sysctl_ipv6("v0", "accept_ra", "many"), -EINVAL);
	nl_free(&nl);
}

/* What `ethtool -k` says about a feature of h0. */
static bool feature_is(const char *feature, const char *value)
{
	return !sh("ethtool -k h0 | grep -q '^[[:space:]]*%s: %s'", feature, value);
}

static void test_nl_veth(void)
{
	struct nl *nl = NULL;
	struct nl_link l, other;
	struct nl_route r = {.type = NL_ROUTE_UNICAST};

	KERNEL_NEEDED(have_ns);
	CU_ASSERT_EQUAL_FATAL(nl_new(&nl), 0);
	CU_ASSERT_EQUAL(nl_link_get(nl, "h0", &l), -ENODEV);
	CU_ASSERT_EQUAL(nl_counters(nl).value[NL_C_REQUESTS_FAILED], 0);
	CU_ASSERT_EQUAL(nl_veth_add(nl, "h0", "h0-dp", 1460), 0);
	CU_ASSERT_EQUAL(nl_veth_add(nl, "h0", "h1-dp", 1460), -EEXIST);
	CU_ASSERT_EQUAL(nl_veth_add(nl, "h1", "h0-dp", 1460), -EEXIST);
	CU_ASSERT_EQUAL(nl_veth_add(nl, "a-very-long-name", "h1-dp", 1460), -EINVAL);
	CU_ASSERT_EQUAL(nl_link_get(nl, "h1", &l), -ENODEV);
	CU_ASSERT_EQUAL_FATAL(nl_link_get(nl, "h0", &l), 0);
	CU_ASSERT_EQUAL_FATAL(nl_link_get(nl, "h0-dp", &other), 0);
	CU_ASSERT(l.mtu == 1460 && other.mtu == 1460 && !l.up && !other.up);
	CU_ASSERT(l.peer == other.ifindex && other.peer == l.ifindex && !l.alias[0]);
	CU_ASSERT_EQUAL(sh("ip link show h0 | grep -q NOARP && ip link show h0-dp | grep -q NOARP"),
			0);

	CU_ASSERT_EQUAL(nl_link_set_alias(nl, l.ifindex, "pmipd test"), 0);
	CU_ASSERT_EQUAL(nl_link_set_mtu(nl, l.ifindex, 8960), 0);
	CU_ASSERT_EQUAL(nl_link_get(nl, "h0", &l), 0);
	CU_ASSERT(l.mtu == 8960 && !strcmp(l.alias, "pmipd test"));

	CU_ASSERT(feature_is("tx-checksumming", "on"));
	CU_ASSERT_EQUAL(ethtool_send_complete("h0"), 0);
	CU_ASSERT(feature_is("tx-checksumming", "off"));
	CU_ASSERT(feature_is("tx-checksum-sctp", "off"));
	CU_ASSERT(feature_is("tx-tcp6-segmentation", "off"));
	CU_ASSERT_EQUAL(ethtool_send_complete("h9"), -ENODEV);

	CU_ASSERT_EQUAL(nl_sysctl_ipv6("h0", "disable_ipv6", "1"), 0);
	CU_ASSERT_EQUAL(nl_sysctl_ipv6("h0-dp", "disable_ipv6", "1"), 0);
	CU_ASSERT_EQUAL(nl_link_set_up(nl, l.ifindex, true), 0);
	CU_ASSERT_EQUAL(nl_link_set_up(nl, other.ifindex, true), 0);
	r.ifindex = l.ifindex;
	r.dst.addr = addr_from_ip4((struct in_addr){htonl(0x0a010000)});
	r.dst.len = 96 + 16;
	CU_ASSERT_EQUAL(nl_route_put(nl, &r), 0);
	CU_ASSERT_EQUAL(nl_route_put(nl, &r), 0);
	CU_ASSERT_EQUAL(
		sh("ip route show proto %d | grep -q '^10.1.0.0/16 dev h0'", NL_ROUTE_PROTO), 0);
	CU_ASSERT_EQUAL(nl_route_del(nl, &r), 0);
	CU_ASSERT_EQUAL(nl_route_del(nl, &r), 0);

	CU_ASSERT_EQUAL(nl_link_del(nl, l.ifindex), 0);
	CU_ASSERT_EQUAL(nl_link_del(nl, l.ifindex), 0); /* already gone */
	CU_ASSERT_EQUAL(nl_link_get(nl, "h0-dp", &l), -ENODEV);
	nl_free(&nl);
}

static void test_nl_bridge(void)
{
	struct seen seen = {0};
	struct nl_listener l = listener_of(&seen);
	const struct nl_link *l_br = NULL, *l_p = NULL;
	struct nl *nl = NULL;
	unsigned br;

	KERNEL_NEEDED(have_ns);
	CU_ASSERT_EQUAL_FATAL(nl_new(&nl), 0);
	nl_listen(nl, &l);
	nl_start(nl, 1);
	if (sh("ip link add br9 type bridge 2>/dev/null")) {
		printf("  %s skipped: no bridge in this kernel\n", __func__);
		nl_free(&nl);
		return;
	}
	sh("ip link add p0 master br9 type veth peer name p1; ip link set br9 up; "
	   "ip link set p0 up; ip link set p1 up");
	KERNEL_WAIT((l_br = nl_link_by_name(nl, "br9")) && (l_p = nl_link_by_name(nl, "p0")) &&
			    l_p->master == l_br->ifindex,
		    serve(nl));
	CU_ASSERT_FATAL(l_br && l_p);
	br = l_br->ifindex;
	CU_ASSERT_EQUAL(l_p->master, br);
	CU_ASSERT_STRING_EQUAL(nl_link_by_name(nl, "br9")->kind, "bridge");
	sh("bridge fdb add 02:00:00:00:00:77 dev p0 master dynamic");
	KERNEL_WAIT(seen.fdbs, serve(nl));
	CU_ASSERT(seen.fdbs >= 1 && seen.fdb.bridge == br);
	CU_ASSERT_EQUAL(seen.fdb_gone, 0);
	sh("bridge fdb del 02:00:00:00:00:77 dev p0 master");
	KERNEL_WAIT(seen.fdb_gone, serve(nl));
	/* a bridge that knows VLANs has the address twice, without and in the default one */
	CU_ASSERT(seen.fdb_gone >= 1);
	sh("ip link del br9; ip link del p0");
	nl_free(&nl);
}

/* ---- next hops ---- */

struct told {
	unsigned n;
	struct nexthop nh;
};

static void on_nexthop(void *ctx, uint32_t id, const struct nexthop *nh, nsec_t now)
{
	struct told *t = ctx;

	CU_ASSERT_EQUAL(id, 7);
	t->n++;
	t->nh = *nh;
}

/* Runs the loop until the condition holds. */
#define RUN_UNTIL(nl, nhs, cond)                  \
	KERNEL_WAIT(cond, {                       \
		kernel_wait_fd(nl_fd(nl), 5);     \
		nl_read(nl, kernel_now());        \
		nexthops_tick(nhs, kernel_now()); \
	})

static void test_nexthop(void)
{
	struct in6_addr remote = a6("2001:db8:2::1"), local = a6("2001:db8:1::1");
	struct told told = {0};
	struct nexthops *t = NULL;
	struct nl *nl = NULL;
	unsigned v0;

	KERNEL_NEEDED(have_ns);
	v0 = if_nametoindex("v0");
	sh("nsenter -t %d -n ip addr add 2001:db8:2::1/128 dev v1 nodad", child);
	CU_ASSERT_EQUAL_FATAL(nl_new(&nl), 0);
	nl_start(nl, kernel_now());
	CU_ASSERT_EQUAL_FATAL(nexthops_new(&t, nl, on_nexthop, &told), 0);
	CU_ASSERT_EQUAL(nexthop_add(t, 7, &remote, &local, kernel_now()), 0);

	/* no route: told once that there is nothing */
	RUN_UNTIL(nl, t, told.n);
	CU_ASSERT(told.n == 1 && !told.nh.valid && !told.nh.ifindex);

	/* a route appears: resolved through the gateway, without any traffic */
	sh("ip route add 2001:db8:2::/64 via 2001:db8:1::2");
	RUN_UNTIL(nl, t, told.nh.valid);
	CU_ASSERT_FATAL(told.nh.valid);
	CU_ASSERT_EQUAL(told.nh.ifindex, v0);
	CU_ASSERT(told.nh.dmac.b[0] == 2 && told.nh.dmac.b[5] == 0x99);
	CU_ASSERT(mac_eq(&told.nh.smac, &nl_link_by_index(nl, v0)->mac));
	CU_ASSERT_EQUAL(told.nh.mtu, 1500);
	CU_ASSERT_EQUAL(nl_neigh_keep(nl, v0, &told.nh.gateway), NL_KEPT_MANAGED);

	/* the gateway changes its address */
	sh("nsenter -t %d -n ip link set v1 address 02:00:00:00:00:9a", child);
	sh("ip -6 neigh replace 2001:db8:1::2 lladdr 02:00:00:00:00:9a dev v0 nud reachable");
	RUN_UNTIL(nl, t, told.nh.dmac.b[5] == 0x9a);
	CU_ASSERT_EQUAL(told.nh.dmac.b[5], 0x9a);

	/* the interface's MTU, the route's MTU */
	sh("ip link set v0 mtu 1450");
	RUN_UNTIL(nl, t, told.nh.mtu == 1450);
	CU_ASSERT_EQUAL(told.nh.mtu, 1450);
	sh("ip route replace 2001:db8:2::/64 via 2001:db8:1::2 mtu 1400");
	RUN_UNTIL(nl, t, told.nh.mtu == 1400);
	CU_ASSERT_EQUAL(told.nh.mtu, 1400);
	sh("ip route replace 2001:db8:2::/64 via 2001:db8:1::2; ip link set v0 mtu 1500");
	RUN_UNTIL(nl, t, told.nh.mtu == 1500);
	CU_ASSERT_EQUAL(told.nh.mtu, 1500);

	/* carrier loss and return */
	sh("nsenter -t %d -n ip link set v1 down", child);
	RUN_UNTIL(nl, t, !told.nh.valid);
	CU_ASSERT_FALSE(told.nh.valid);
	sh("nsenter -t %d -n sh -c 'ip link set v1 up; ip addr replace 2001:db8:1::2/64 dev v1 "
	   "nodad'",
	   child);
	sh("ip route replace 2001:db8:2::/64 via 2001:db8:1::2 dev v0");
	RUN_UNTIL(nl, t, told.nh.valid);
	CU_ASSERT_TRUE(told.nh.valid);

	/* the route goes */
	sh("ip route del 2001:db8:2::/64");
	RUN_UNTIL(nl, t, !told.nh.valid);
	CU_ASSERT_FALSE(told.nh.valid);

	/* an operator's permanent neighbour is used and left as it is */
	sh("ip -6 neigh replace 2001:db8:1::2 lladdr 02:00:00:00:00:9b dev v0 nud permanent");
	sh("ip route add 2001:db8:2::/64 via 2001:db8:1::2");
	RUN_UNTIL(nl, t, told.nh.valid);
	CU_ASSERT(told.nh.valid && told.nh.dmac.b[5] == 0x9b);
	sh("ip route del 2001:db8:2::/64");
	RUN_UNTIL(nl, t, !told.nh.valid);
	CU_ASSERT_EQUAL(sh("ip -6 neigh show dev v0 nud permanent | grep -q 2001:db8:1::2"), 0);
	sh("ip -6 neigh del 2001:db8:1::2 dev v0");

	/* our own address */
	remote = a6("2001:db8:9::1");
	CU_ASSERT_EQUAL(nexthop_add(t, 7, &remote, &local, kernel_now()), 0);
	RUN_UNTIL(nl, t, told.nh.local);
	CU_ASSERT(told.nh.local && !told.nh.valid);
	nexthop_del(t, 7);
	CU_ASSERT_PTR_NULL(nexthop_get(t, 7));
	nexthops_free(&t);
	nl_free(&nl);
}

/* The same over IPv4: a gateway, and then an IPv6 router for an IPv4 route. */
static void test_nexthop_ip4(void)
{
	struct told told = {0};
	struct in6_addr remote, local;
	struct nexthops *t = NULL;
	struct nl *nl = NULL;
	char text[ADDR6_STRLEN];
	unsigned v0;

	KERNEL_NEEDED(have_ns);
	CU_ASSERT_EQUAL(addr_parse("198.51.100.1", &remote), 0);
	CU_ASSERT_EQUAL(addr_parse("192.0.2.1", &local), 0);
	v0 = if_nametoindex("v0");
	sh("ip addr add 192.0.2.1/24 dev v0");
	sh("nsenter -t %d -n sh -c 'ip link set v1 address 02:00:00:00:00:99; "
	   "ip addr add 192.0.2.2/24 dev v1'",
	   child);
	CU_ASSERT_EQUAL_FATAL(nl_new(&nl), 0);
	nl_start(nl, kernel_now());
	CU_ASSERT_EQUAL_FATAL(nexthops_new(&t, nl, on_nexthop, &told), 0);
	CU_ASSERT_EQUAL(nexthop_add(t, 7, &remote, &local, kernel_now()), 0);
	RUN_UNTIL(nl, t, told.n);
	CU_ASSERT(told.n == 1 && !told.nh.valid && !told.nh.ifindex);

	sh("ip route add 198.51.100.0/24 via 192.0.2.2 mtu 1400");
	RUN_UNTIL(nl, t, told.nh.valid);
	CU_ASSERT_FATAL(told.nh.valid);
	CU_ASSERT(told.nh.ifindex == v0 && told.nh.mtu == 1400);
	CU_ASSERT(told.nh.dmac.b[0] == 2 && told.nh.dmac.b[5] == 0x99);
	CU_ASSERT_STRING_EQUAL(addr_str(&told.nh.gateway, text), "192.0.2.2");
	CU_ASSERT_EQUAL(nl_neigh_keep(nl, v0, &told.nh.gateway), NL_KEPT_MANAGED);

	sh("nsenter -t %d -n ip link set v1 address 02:00:00:00:00:9a", child);
	sh("ip neigh replace 192.0.2.2 lladdr 02:00:00:00:00:9a dev v0 nud reachable");
	RUN_UNTIL(nl, t, told.nh.dmac.b[5] == 0x9a);
	CU_ASSERT_EQUAL(told.nh.dmac.b[5], 0x9a);

	sh("nsenter -t %d -n ip link set v1 address 02:00:00:00:00:99", child);
	sh("ip route replace 198.51.100.0/24 via inet6 2001:db8:1::2 dev v0");
	sh("ip -6 neigh replace 2001:db8:1::2 lladdr 02:00:00:00:00:99 dev v0 nud reachable");
	RUN_UNTIL(nl, t, told.nh.valid && told.nh.dmac.b[5] == 0x99);
	CU_ASSERT(told.nh.valid && told.nh.dmac.b[5] == 0x99);
	CU_ASSERT_STRING_EQUAL(addr_str(&told.nh.gateway, text), "2001:db8:1::2");

	sh("ip route del 198.51.100.0/24");
	RUN_UNTIL(nl, t, !told.nh.valid);
	CU_ASSERT_FALSE(told.nh.valid);
	CU_ASSERT_EQUAL(nexthop_add(t, 7, &local, &local, kernel_now()), 0);
	RUN_UNTIL(nl, t, told.nh.local);
	CU_ASSERT_TRUE(told.nh.local);
	nexthops_free(&t);
	nl_free(&nl);
	sh("ip addr del 192.0.2.1/24 dev v0");
}

static void hear_icmp(void *ctx, bool v4, const uint8_t *msg, size_t len, nsec_t now)
{
	struct in6_addr remote;

	if (icmp_relay_too_big(v4, msg, len, &remote))
		nexthops_path_changed(ctx, &remote, now);
}

static void no_tunnelled(void *ctx, const struct tunnel_rx *rx, nsec_t now)
{
	CU_FAIL("nothing comes through a tunnel here");
}

/* The router behind the gateway says Packet Too Big about a tunnel packet that no socket sent. */
static void test_path_mtu(void)
{
	struct in6_addr remote = a6("2001:db8:3::1"), local = a6("2001:db8:1::1");
	/* Packet Too Big, MTU 1400, quoting IPv6-in-IPv6 from local to remote */
	uint8_t ptb[8 + 40 + 40] = {2,	  0, 0, 0, 0,	 0,    0x05, 0x78,
				    0x60, 0, 0, 0, 0x05, 0xb4, 41,   64};
	struct sockaddr_in6 to = {.sin6_family = AF_INET6};
	const struct dp_peer peer = {.local = local, .remote = remote};
	struct tunnel_sock *ends = NULL;
	struct icmp_sock *icmp = NULL;
	struct told told = {0};
	struct nexthops *t = NULL;
	struct nl *nl = NULL;
	pid_t sender;

	KERNEL_NEEDED(have_ns);
	memcpy(ptb + 16, &local, 16);
	memcpy(ptb + 32, &remote, 16);
	ptb[48] = 0x60;
	to.sin6_addr = local;
	sh("ip route replace 2001:db8:3::/64 via 2001:db8:1::2 dev v0");
	CU_ASSERT_EQUAL_FATAL(nl_new(&nl), 0);
	nl_start(nl, kernel_now());
	CU_ASSERT_EQUAL_FATAL(nexthops_new(&t, nl, on_nexthop, &told), 0);
	CU_ASSERT_EQUAL_FATAL(tunnel_sock_new(&ends, no_tunnelled, NULL), 0);
	CU_ASSERT_EQUAL(tunnel_sock_add(ends, &peer), 0);
	CU_ASSERT_EQUAL_FATAL(icmp_sock_new(&icmp, hear_icmp, t), 0);
	nexthop_add(t, 7, &remote, &local, kernel_now());
	RUN_UNTIL(nl, t, told.nh.valid);
	CU_ASSERT_EQUAL(told.nh.mtu, 1500);
	sender = fork();
	if (sender == 0) {
		char path[64];
		FILE *f;
		int fd;

		/* into the other namespace, and out of its ICMPv6 socket */
		snprintf(path, sizeof(path), "/proc/%d/ns/net", child);
		f = fopen(path, "r");
		if (!f || setns(fileno(f), CLONE_NEWNET))
			_exit(1);
		fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
		_exit(sendto(fd, ptb, sizeof(ptb), 0, (struct sockaddr *)&to, sizeof(to)) < 0);
	}
	waitpid(sender, NULL, 0);
	RUN_UNTIL(nl, t, (icmp_sock_read(icmp, kernel_now()), told.nh.mtu == 1400));
	CU_ASSERT_EQUAL(told.nh.mtu, 1400);
	tunnel_sock_free(&ends);
	icmp_sock_free(&icmp);
	nexthops_free(&t);
	nl_free(&nl);
}

/* ---- tunnel sockets ---- */

struct heard {
	unsigned n;
	struct tunnel_rx rx;
	uint8_t data[4096];
};

static void on_tunnelled(void *ctx, const struct tunnel_rx *rx, nsec_t now)
{
	struct heard *h = ctx;

	h->n++;
	h->rx = *rx;
	CU_ASSERT_FATAL(rx->len <= sizeof(h->data));
	memcpy(h->data, rx->data, rx->len);
}

/* Through the loopback interface, whose MTU asks for fragments: what is sent comes back whole. */
static void check_loop(const struct dp_peer *p, bool inner_v4, size_t len)
{
	const size_t skip = encap_is_udp(p->encap) ? ENCAP_UDP_HLEN : 0;
	uint8_t inner[2048], shim[ENCAP_SHIM_MAX];
	struct heard heard = {0};
	struct tunnel_sock *s = NULL;
	size_t n;

	CU_ASSERT_EQUAL_FATAL(tunnel_sock_new(&s, on_tunnelled, &heard), 0);
	CU_ASSERT_EQUAL(tunnel_sock_send(s, p, 0, 77, 0xba, inner, len), -ENOTCONN);
	CU_ASSERT_EQUAL(tunnel_sock_add(s, p), 0);
	CU_ASSERT_EQUAL(tunnel_sock_add(s, p), 0);
	tunnel_sock_del(s, p);
	for (size_t i = 0; i < len; i++)
		inner[i] = (uint8_t)(i * 7);
	inner[0] = inner_v4 ? 0x45 : 0x60;
	CU_ASSERT_EQUAL(tunnel_sock_send(s, p, 0, 77, 0xba, inner, len), 0);
	KERNEL_WAIT(heard.n, {
		kernel_wait_fd(tunnel_sock_fd(s), 5);
		tunnel_sock_read(s, kernel_now());
	});
	CU_ASSERT_EQUAL_FATAL(heard.n, 1);
	CU_ASSERT(addr6_eq(&heard.rx.src, &p->local) && addr6_eq(&heard.rx.dst, &p->remote));
	CU_ASSERT_EQUAL(heard.rx.ifindex, 1);
	CU_ASSERT_EQUAL(heard.rx.proto, encap_proto(p->encap, inner_v4));
	CU_ASSERT_EQUAL(heard.rx.class, 0xba);
	CU_ASSERT_EQUAL(heard.rx.port, skip ? ENCAP_DATA_PORT : 0);
	n = encap_shim(shim, p->encap, inner_v4, 77, 0, len) - skip;
	CU_ASSERT_EQUAL_FATAL(heard.rx.len, n + len);
	CU_ASSERT_EQUAL(memcmp(heard.data, shim + skip, n), 0);
	CU_ASSERT_EQUAL(memcmp(heard.data + n, inner, len), 0);
	tunnel_sock_del(s, p);
	CU_ASSERT_EQUAL(tunnel_sock_send(s, p, 0, 77, 0, inner, len), -ENOTCONN);
	tunnel_sock_free(&s);
}

static void test_tunnel_sock(void)
{
	KERNEL_NEEDED(have_ns);
	sh("ip link set lo up mtu 1280");
	for (int e = 0; e < DP_ENCAP_MAX; e++)
		for (int v4 = encap_is_udp(e); v4 < 2; v4++)
			for (int inner_v4 = 0; inner_v4 < 2; inner_v4++) {
				struct dp_peer p = {.encap = e};

				CU_ASSERT_EQUAL(addr_parse(v4 ? "127.0.0.1" : "::1", &p.local), 0);
				p.remote = p.local;
				check_loop(&p, inner_v4, 200);
				check_loop(&p, inner_v4, 1400);
			}
	sh("ip link set lo mtu 65536");
}

/* ---- frames ---- */

static struct frame_box {
	unsigned n;
	struct frame_rx last;
	uint8_t data[2048];
} box;

static void on_frame(void *ctx, const struct frame_rx *f, nsec_t now)
{
	box.n++;
	box.last = *f;
	memcpy(box.data, f->data, f->len);
}

static void put_frame(uint8_t *b, uint8_t next, uint8_t type)
{
	memset(b, 0, 100);
	memset(b, 0xff, 6); /* dst */
	b[6] = 0x02;
	b[11] = 0x42;
	b[12] = 0x86;
	b[13] = 0xdd;
	b[14] = 0x60;
	b[19] = 46;
	b[20] = next;
	b[54] = next == 0 ? 58 : type;
	b[62] = type; /* behind a hop-by-hop header */
}

/* UDP from port 546 to port 547 of ff02::1:2 */
static void put_client_frame(uint8_t *b)
{
	static const uint8_t to[] = {0xff, 2, 0, 0, 0, 0, 0, 0,	 0, 0,
				     0,	   0, 0, 1, 0, 2, 2, 34, 2, 35};

	put_frame(b, 17, 0);
	memcpy(b + 38, to, sizeof(to));
}

/* The kernel drops what is sent before it has dealt with the carrier that came back. */
static bool arrives(struct frame_sock *from, unsigned ifindex, struct frame_sock *at,
		    const uint8_t *frame, size_t len)
{
	unsigned tries = 0;

	box.n = 0;
	KERNEL_WAIT(box.n, {
		CU_ASSERT_EQUAL(frame_sock_send(from, ifindex, frame, len), 0);
		tries++;
		kernel_wait_fd(frame_sock_fd(at), 200);
		frame_sock_read(at, 0, 1);
	});
	return box.n && box.n <= tries;
}

/* How many of the frames sent since `box.n = 0` came: frames stay in order, so one more is sent. */
static unsigned arrived(struct frame_sock *from, unsigned ifindex, struct frame_sock *at)
{
	uint8_t last[101] = {0};

	put_client_frame(last);
	last[100] = 0xe5;
	CU_ASSERT_EQUAL(frame_sock_send(from, ifindex, last, sizeof(last)), 0);
	KERNEL_WAIT(box.n && box.last.len == sizeof(last), {
		kernel_wait_fd(frame_sock_fd(at), 50);
		frame_sock_read(at, 0, 1);
	});
	CU_ASSERT_FATAL(box.n && box.last.len == sizeof(last));
	return box.n - 1;
}

static void test_frame_sock(void)
{
	static const uint8_t pass[] = {129, 131, 132, 133, 134, 135, 136, 143};
	struct frame_sock *s = NULL, *other = NULL;
	unsigned f0, f1, passed = 0;
	uint64_t before;
	uint8_t b[100];

	KERNEL_NEEDED(have_ns);
	make_quiet_pair();
	f0 = if_nametoindex("f0");
	f1 = if_nametoindex("f1");
	CU_ASSERT_EQUAL_FATAL(frame_sock_new(&s, on_frame, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(frame_sock_new(&other, on_frame, NULL), 0);
	CU_ASSERT_EQUAL(frame_sock_add(s, f0), 0);
	CU_ASSERT_EQUAL(frame_sock_add(s, f0), 0);
	CU_ASSERT_EQUAL(frame_sock_add(s, 9999), -ENODEV);
	CU_ASSERT_EQUAL(frame_sock_add(other, f1), 0);

	put_client_frame(b);
	CU_ASSERT(arrives(other, f1, s, b, sizeof(b)));
	arrived(other, f1, s); /* the last of those */
	before = frame_sock_counters(s).value[FRAME_SOCK_C_RECEIVED];

	/* the filter: each ICMPv6 type, directly and behind a hop-by-hop header; other protocols */
	for (unsigned type = 0; type < 256; type++) {
		unsigned n;

		box.n = 0;
		put_frame(b, 58, (uint8_t)type);
		CU_ASSERT_EQUAL(frame_sock_send(other, f1, b, sizeof(b)), 0);
		put_frame(b, 0, (uint8_t)type);
		CU_ASSERT_EQUAL(frame_sock_send(other, f1, b, sizeof(b)), 0);
		put_frame(b, 17, (uint8_t)type);
		CU_ASSERT_EQUAL(frame_sock_send(other, f1, b, sizeof(b)), 0);
		n = arrived(other, f1, s);
		CU_ASSERT_EQUAL(n, memchr(pass, (int)type, sizeof(pass)) ? 2 : 0);
		passed += n;
	}
	CU_ASSERT_EQUAL(passed, 16);
	/* with the last frame of each round */
	CU_ASSERT_EQUAL(frame_sock_counters(s).value[FRAME_SOCK_C_RECEIVED] - before, 16 + 256);

	/* of UDP, port 547 of ff02::1:2 alone: any octet of the two that differs is one too many */
	put_client_frame(b);
	CU_ASSERT(arrives(other, f1, s, b, sizeof(b)));
	box.n = 0;
	for (unsigned at = 38; at < 58; at++) {
		if (at == 54 || at == 55)
			continue; /* the source port */
		put_client_frame(b);
		b[at] ^= 0x80;
		CU_ASSERT_EQUAL(frame_sock_send(other, f1, b, sizeof(b)), 0);
	}
	CU_ASSERT_EQUAL(arrived(other, f1, s), 0);

	/* what arrives is the frame as it was, with its source */
	put_frame(b, 58, 133);
	CU_ASSERT(arrives(other, f1, s, b, sizeof(b)));
	CU_ASSERT(box.last.ifindex == f0 && box.last.len == sizeof(b));
	CU_ASSERT(!memcmp(box.data, b, sizeof(b)) && box.last.src.b[5] == 0x42);

	/* own frames are not shown */
	box.n = 0;
	CU_ASSERT_EQUAL(frame_sock_send(s, f0, b, sizeof(b)), 0);
	CU_ASSERT_EQUAL(arrived(other, f1, s), 0);

	/* the interface goes down and comes back: same socket */
	sh("ip link set f0 down");
	CU_ASSERT(frame_sock_send(s, f0, b, sizeof(b)) < 0);
	frame_sock_read(s, 0, 1);
	sh("ip link set f0 up; ip link set f0 down; ip link set f0 up");
	CU_ASSERT_EQUAL(frame_sock_send(s, f0, b, sizeof(b)), 0); /* the old error is no more */
	frame_sock_read(other, 0, 1);
	CU_ASSERT(arrives(other, f1, s, b, sizeof(b)));

	/* it is deleted and made anew: another index, added again */
	sh("ip link del f0");
	make_quiet_pair();
	frame_sock_read(s, 0, 1);
	frame_sock_del(s, f0);
	frame_sock_del(other, f1);
	CU_ASSERT_EQUAL(frame_sock_send(s, f0, b, sizeof(b)), -ENODEV);
	f0 = if_nametoindex("f0");
	f1 = if_nametoindex("f1");
	CU_ASSERT_EQUAL(frame_sock_add(s, f0), 0);
	CU_ASSERT_EQUAL(frame_sock_add(other, f1), 0);
	CU_ASSERT(arrives(other, f1, s, b, sizeof(b)));
	frame_sock_free(&s);
	frame_sock_free(&other);
	sh("ip link del f0");
}

/* An IPv4 packet with a header of `ihl` words, UDP to that port, in a broadcast. */
static void put_ip4_frame(uint8_t *b, unsigned ihl, uint8_t protocol, uint16_t offset,
			  uint16_t port)
{
	memset(b, 0, 100);
	memset(b, 0xff, 6);
	b[6] = 0x02;
	b[11] = 0x42;
	b[12] = 0x08;
	b[14] = (uint8_t)(0x40 | ihl);
	b[20] = (uint8_t)(offset >> 8);
	b[21] = (uint8_t)offset;
	b[23] = protocol;
	b[14 + 4 * ihl + 2] = (uint8_t)(port >> 8);
	b[14 + 4 * ihl + 3] = (uint8_t)port;
}

static void test_frame_sock_ip4(void)
{
	static const struct {
		unsigned ihl;
		uint8_t protocol;
		uint16_t offset, port;
		bool passes;
	} rows[] = {
		{5,  17, 0,	   67,     true },
		   {15, 17, 0,      67,	   true },
		      {6,  17, 0x2000, 67,	  true },
		{5,  17, 0x4000, 67,	    true },
		   {5,  17, 1,      67,	  false},
		      {5,  17, 0x2001, 67,	  false},
		{5,  6,  0,	  67,     false},
		   {5,  17, 0,      68,	  false},
		      {5,  17, 0,	 66,     false},
		{5,  17, 0,	   5436,	 false},
		   {5,  17, 0,      0x4300, false},
		      {6,  17, 0x1fff, 67,	  false},
	};
	struct frame_sock *s = NULL, *other = NULL;
	unsigned f0, f1;
	uint8_t b[100];

	KERNEL_NEEDED(have_ns);
	make_quiet_pair();
	f0 = if_nametoindex("f0");
	f1 = if_nametoindex("f1");
	CU_ASSERT_EQUAL_FATAL(frame_sock_new(&s, on_frame, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(frame_sock_new(&other, on_frame, NULL), 0);
	CU_ASSERT_EQUAL(frame_sock_add(s, f0), 0);
	CU_ASSERT_EQUAL(frame_sock_add(other, f1), 0);
	put_client_frame(b);
	CU_ASSERT(arrives(other, f1, s, b, sizeof(b)));
	arrived(other, f1, s);

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned n;

		put_ip4_frame(b, rows[i].ihl, rows[i].protocol, rows[i].offset, rows[i].port);
		box.n = 0;
		CU_ASSERT_EQUAL(frame_sock_send(other, f1, b, sizeof(b)), 0);
		n = arrived(other, f1, s);
		if (n != rows[i].passes)
			printf("  row %u\n", i);
		CU_ASSERT_EQUAL(n, rows[i].passes);
	}
	/* ARP, whatever it says; other EtherTypes near to it */
	for (unsigned type = 0x0805; type < 0x0808; type++) {
		put_ip4_frame(b, 5, 17, 0, 67);
		b[12] = (uint8_t)(type >> 8);
		b[13] = (uint8_t)type;
		box.n = 0;
		CU_ASSERT_EQUAL(frame_sock_send(other, f1, b, sizeof(b)), 0);
		CU_ASSERT_EQUAL(arrived(other, f1, s), type == 0x0806);
	}
	/* with a tag: of a VLAN, and of none */
	for (unsigned vlan = 0; vlan < 2; vlan++) {
		put_ip4_frame(b, 5, 17, 0, 67);
		memmove(b + 16, b + 12, sizeof(b) - 16);
		b[12] = 0x81;
		b[13] = 0;
		b[14] = 0xe0;
		b[15] = (uint8_t)vlan;
		box.n = 0;
		CU_ASSERT_EQUAL(frame_sock_send(other, f1, b, sizeof(b)), 0);
		CU_ASSERT_EQUAL(arrived(other, f1, s), !vlan);
	}
	frame_sock_free(&s);
	frame_sock_free(&other);
	sh("ip link del f0");
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a Mobility Header with a bad checksum reaches us unchanged",
		 test_mh_bad_checksum_reaches_us},
		{"Mobility Headers are sent and received in batches",							      test_mh_batches},
		{"a datagram longer than any Mobility Header is counted",test_mh_too_long},
		{"Parameter Problem is well formed, limited and never unfit",      test_param_problem},
		{"links are known as they come, change, and go",								 test_nl_links},
		{"lost notifications are repaired by a dump",				      test_nl_resync},
		{"addresses, routes, link-layer address, sysctl are set",		  test_nl_requests},
		{"veth pairs are made, named, changed, found and removed",								   test_nl_veth},
		{"a bridge tells whom it learnt and forgot",	     test_nl_bridge},
		{"tunnel packets leave in fragments and come back whole",	  test_tunnel_sock},
		{"a next hop follows routes, neighbours, links and MTU",								 test_nexthop},
		{"a next hop over IPv4 may be a router of either family",test_nexthop_ip4},
		{"Packet Too Big about a tunnel packet lowers the path MTU",		     test_path_mtu},
		{"frame filter, own frames, interfaces that come and go",								  test_frame_sock},
		{"frame filter: ARP and DHCP of IPv4, nothing of VLANs",					 test_frame_sock_ip4},
		{0	  },
	};
	int rc;

	setup();
	rc = cu_main("net in a namespace", tests, argc, argv);
	teardown();
	return rc;
}
