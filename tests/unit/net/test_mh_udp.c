/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mobility Headers in UDP on a real kernel, over the loopback of a network namespace of our own.
 * Needs root; without it, every test says that it was skipped.
 */
#include "lib/cu.h"
#include "lib/kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/util.h"
#include "net/mh_udp.h"
#include "wire/mh.h"

static bool have_ns;

static void setup(void)
{
	have_ns = kernel_enter_new_ns() &&
		  !sh("ip link set lo up && ip addr add 192.0.2.1/32 dev lo && "
		      "ip addr add 192.0.2.2/32 dev lo && ip addr add 192.0.2.9/32 dev lo");
}

struct inbox {
	unsigned n;
	struct mh_udp_rx last;
	uint8_t data[MH_MAX_LEN];
	struct mh_udp *echo; /* answer each */
};

static void on_mh(void *ctx, const struct mh_udp_rx *rx, nsec_t now)
{
	struct inbox *in = ctx;

	in->n++;
	in->last = *rx;
	memcpy(in->data, rx->pkt.data, rx->pkt.len);
	if (in->echo) {
		struct packet back = rx->pkt;

		back.src = rx->pkt.dst;
		back.dst = rx->pkt.src;
		CU_ASSERT_EQUAL(mh_udp_send(in->echo, &back), 0);
	}
}

static struct in6_addr a4(const char *s)
{
	struct in6_addr a = IN6ADDR_ANY_INIT;

	addr_parse(s, &a);
	return a;
}

static bool is(const struct in6_addr *a, const char *s)
{
	char text[ADDR6_STRLEN];

	return !strcmp(addr_str(a, text), s);
}

/* On the two addresses, or on the second alone. */
static struct mh_udp *open_udp(struct inbox *in, bool both)
{
	const struct in6_addr addrs[] = {a4("192.0.2.2"), a4("192.0.2.1")};
	const struct mh_udp_cfg cfg = {
		.addrs = addrs,
		.n_addrs = both ? 2 : 1,
		.dscp = -1,
		.ctx = in,
		.receive = on_mh,
	};
	struct mh_udp *u = NULL;
	const char *why = "";

	CU_ASSERT_EQUAL_FATAL(mh_udp_new(&u, &cfg, &why), 0);
	return u;
}

static unsigned hear(struct mh_udp *u, unsigned want)
{
	unsigned n = 0;

	KERNEL_WAIT(n >= want, {
		kernel_wait_fd(mh_udp_fd(u), 50);
		n += mh_udp_read(u, 0, 1);
	});
	return n;
}

static uint64_t count(const struct mh_udp *u, enum mh_udp_counter c)
{
	return mh_udp_counters(u).value[c];
}

/* Another host's socket, which tells what the headers were. */
static int open_other(const char *addr, uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), one = 1;

	inet_pton(AF_INET, addr, &at.sin_addr);
	CU_ASSERT_FATAL(fd >= 0);
	setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &one, sizeof(one));
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void send_to(int fd, const char *addr, const void *data, size_t len)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(MH_UDP_PORT)};

	inet_pton(AF_INET, addr, &to.sin_addr);
	CU_ASSERT_EQUAL(sendto(fd, data, len, 0, (struct sockaddr *)&to, sizeof(to)), len);
}

/* RFC 5844 4.1.3.1, V-47: the reply goes to the source port of the request, whichever it was. */
static void test_request_and_reply(void)
{
	static const uint8_t bu[] = {59, 1, 5, 0, 0, 0, 0, 1};
	struct inbox in = {0};
	struct sockaddr_in from;
	uint8_t buf[64];
	union {
		struct cmsghdr align;
		char buf[128];
	} control;
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr msg = {.msg_name = &from,
			     .msg_namelen = sizeof(from),
			     .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	struct mh_udp *u;
	int fd, ttl = 0;
	unsigned tos = 0;

	KERNEL_NEEDED(have_ns);
	u = open_udp(&in, true);
	in.echo = u;
	fd = open_other("192.0.2.9", 40001);
	send_to(fd, "192.0.2.1", bu, sizeof(bu));
	CU_ASSERT_EQUAL(hear(u, 1), 1);
	CU_ASSERT_EQUAL(in.last.pkt.len, sizeof(bu));
	CU_ASSERT(!memcmp(in.data, bu, sizeof(bu)));
	CU_ASSERT_EQUAL(in.last.pkt.port, 40001);
	CU_ASSERT(is(&in.last.pkt.src, "192.0.2.9"));
	CU_ASSERT(is(&in.last.pkt.dst, "192.0.2.1"));
	CU_ASSERT_EQUAL(in.last.ifindex, if_nametoindex("lo"));

	CU_ASSERT_EQUAL(mh_udp_flush(u), 0);
	kernel_wait_fd(fd, KERNEL_PATIENCE_MS);
	CU_ASSERT_EQUAL(recvmsg(fd, &msg, MSG_DONTWAIT), sizeof(bu));
	CU_ASSERT_EQUAL(from.sin_port, htons(MH_UDP_PORT));
	CU_ASSERT_EQUAL(from.sin_addr.s_addr, inet_addr("192.0.2.1"));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_type == IP_TTL)
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
		if (c->cmsg_type == IP_TOS)
			tos = *CMSG_DATA(c);
	}
	CU_ASSERT_EQUAL(ttl, 64);
	CU_ASSERT_EQUAL(tos, 48 << 2);
	close(fd);
	mh_udp_free(&u);
}

/* V-41: the UDP checksum is mandatory. */
static void test_without_checksum(void)
{
	static const uint8_t bu[] = {59, 1, 5, 0, 0, 0, 0, 1};
	struct inbox in = {0};
	struct mh_udp *u;
	int fd, one = 1;

	KERNEL_NEEDED(have_ns);
	u = open_udp(&in, true);
	fd = open_other("192.0.2.9", 40002);
	setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one));
	send_to(fd, "192.0.2.2", bu, sizeof(bu));
	CU_ASSERT_EQUAL(hear(u, 1), 1);
	CU_ASSERT_EQUAL(in.n, 0);
	CU_ASSERT_EQUAL(count(u, MH_UDP_C_NO_CHECKSUM), 1);
	one = 0;
	setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one));
	send_to(fd, "192.0.2.2", bu, sizeof(bu));
	CU_ASSERT_EQUAL(hear(u, 1), 1);
	CU_ASSERT_EQUAL(in.n, 1);
	CU_ASSERT_EQUAL(in.last.pkt.len, sizeof(bu));
	CU_ASSERT_EQUAL(count(u, MH_UDP_C_RECEIVED), 1);
	close(fd);
	mh_udp_free(&u);
}

/* A datagram whose source port is 0 may be sent by a raw socket alone. */
static void test_odd_datagrams(void)
{
	static uint8_t big[MH_MAX_LEN + 1];
	struct {
		struct udphdr h;
		uint8_t data[8];
	} __attribute__((packed)) raw = {0};
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct inbox in = {0};
	struct mh_udp *u;
	uint32_t sum;
	int fd;

	KERNEL_NEEDED(have_ns);
	u = open_udp(&in, true);
	fd = open_other("192.0.2.9", 40003);
	send_to(fd, "192.0.2.1", big, sizeof(big));
	CU_ASSERT_EQUAL(hear(u, 1), 1);
	CU_ASSERT_EQUAL(count(u, MH_UDP_C_TRUNCATED), 1);
	send_to(fd, "192.0.2.1", big, MH_MAX_LEN);
	CU_ASSERT_EQUAL(hear(u, 1), 1);
	CU_ASSERT_EQUAL(in.last.pkt.len, MH_MAX_LEN);
	CU_ASSERT_EQUAL(in.n, 1);
	close(fd);

	fd = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
	inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
	raw.h.uh_dport = htons(MH_UDP_PORT);
	raw.h.uh_ulen = htons(sizeof(raw));
	/* from and to 192.0.2.1, protocol, length, header: all else is zero */
	sum = 2 * (0xc000 + 0x0201) + IPPROTO_UDP + 2 * sizeof(raw) + MH_UDP_PORT;
	sum = (sum & 0xffff) + (sum >> 16);
	raw.h.uh_sum = htons((uint16_t) ~(sum + (sum >> 16)));
	CU_ASSERT_EQUAL(sendto(fd, &raw, sizeof(raw), 0, (struct sockaddr *)&to, sizeof(to)),
			sizeof(raw));
	CU_ASSERT_EQUAL(hear(u, 1), 1);
	CU_ASSERT_EQUAL(in.n, 1);
	CU_ASSERT_EQUAL(count(u, MH_UDP_C_NO_PORT), 1);
	close(fd);
	mh_udp_free(&u);
}

static void test_batches(void)
{
	static uint8_t msg[MH_MAX_LEN] = {59};
	struct packet pkt = {.data = msg, .len = 8};
	struct inbox in = {0};
	struct mh_udp *u;

	KERNEL_NEEDED(have_ns);
	u = open_udp(&in, true);
	pkt.dst = a4("192.0.2.1");
	/* more than the queue holds, from the two addresses in turns of different length */
	for (int i = 0; i < 1500; i++) {
		pkt.src = a4(i % 100 < 30 ? "192.0.2.2" : "192.0.2.1");
		CU_ASSERT_EQUAL(mh_udp_send(u, &pkt), 0);
	}
	CU_ASSERT_EQUAL(mh_udp_flush(u), 0);
	CU_ASSERT_EQUAL(count(u, MH_UDP_C_SENT), 1500);
	CU_ASSERT(mh_udp_read(u, 100, 1) <= 100);
	hear(u, 1500 - in.n);
	CU_ASSERT_EQUAL(in.n, 1500);
	CU_ASSERT_EQUAL(in.last.pkt.port, MH_UDP_PORT);

	/* what is not sendable says so */
	pkt.src = a4("192.0.2.1");
	pkt.len = MH_MAX_LEN + 1;
	CU_ASSERT_EQUAL(mh_udp_send(u, &pkt), -EMSGSIZE);
	pkt.len = 8;
	pkt.src = a4("192.0.2.9");
	CU_ASSERT_EQUAL(mh_udp_send(u, &pkt), -EADDRNOTAVAIL);
	pkt.src = a4("192.0.2.1");
	pkt.dst = a4("224.0.0.1");
	CU_ASSERT_EQUAL(mh_udp_send(u, &pkt), -EINVAL);
	pkt.dst = a4("255.255.255.255");
	CU_ASSERT_EQUAL(mh_udp_send(u, &pkt), -EINVAL);
	addr6_parse("2001:db8::1", &pkt.dst);
	CU_ASSERT_EQUAL(mh_udp_send(u, &pkt), -EINVAL);
	/* without a route: the kernel refuses, later ones still go */
	pkt.dst = a4("203.0.113.1");
	CU_ASSERT_EQUAL(mh_udp_send(u, &pkt), 0);
	pkt.dst = a4("192.0.2.1");
	CU_ASSERT_EQUAL(mh_udp_send(u, &pkt), 0);
	CU_ASSERT_EQUAL(mh_udp_flush(u), 0);
	CU_ASSERT_EQUAL(count(u, MH_UDP_C_SEND_FAILED), 1);
	CU_ASSERT_EQUAL(hear(u, 1), 1);
	mh_udp_free(&u);
}

/* Several instances, each with its own addresses; an address that comes later. */
static void test_addresses(void)
{
	static const uint8_t bu[] = {59, 1, 5, 0, 0, 0, 0, 1};
	struct in6_addr addr = a4("192.0.2.1");
	struct inbox in = {0}, other = {0};
	struct mh_udp_cfg cfg = {
		.addrs = &addr, .n_addrs = 1, .dscp = 0, .ctx = &other, .receive = on_mh};
	struct mh_udp *u, *v = NULL;
	const char *why = "";
	int fd;

	KERNEL_NEEDED(have_ns);
	u = open_udp(&in, false); /* 192.0.2.2 */
	CU_ASSERT_EQUAL(mh_udp_new(&v, &cfg, &why), 0);
	fd = open_other("192.0.2.9", 40004);
	send_to(fd, "192.0.2.1", bu, sizeof(bu));
	CU_ASSERT_EQUAL(hear(v, 1), 1);
	CU_ASSERT_EQUAL(mh_udp_read(u, 0, 1), 0);
	mh_udp_free(&v);

	addr = a4("192.0.2.2");
	CU_ASSERT_EQUAL(mh_udp_new(&v, &cfg, &why), -EADDRINUSE);
	CU_ASSERT_PTR_NULL(v);
	CU_ASSERT_STRING_EQUAL(why, "UDP port 5436");
	cfg.n_addrs = 0;
	CU_ASSERT_EQUAL(mh_udp_new(&v, &cfg, NULL), -EINVAL);
	cfg.n_addrs = 1;
	addr6_parse("2001:db8::1", &addr);
	CU_ASSERT_EQUAL(mh_udp_new(&v, &cfg, NULL), -EINVAL);

	addr = a4("192.0.2.77");
	CU_ASSERT_EQUAL_FATAL(mh_udp_new(&v, &cfg, &why), 0);
	CU_ASSERT_EQUAL(sh("ip addr add 192.0.2.77/32 dev lo"), 0);
	send_to(fd, "192.0.2.77", bu, sizeof(bu));
	CU_ASSERT_EQUAL(hear(v, 1), 1);
	CU_ASSERT_EQUAL(other.n, 2);
	close(fd);
	mh_udp_free(&u);
	mh_udp_free(&v);
}

static unsigned device;

static unsigned vrf_of(void *ctx, const struct in6_addr *addr)
{
	return device;
}

/* Any device does for this: what comes in by others is not heard. */
static void test_vrf(void)
{
	static const uint8_t bu[] = {59, 1, 5, 0, 0, 0, 0, 1};
	struct in6_addr addr = a4("192.0.2.1");
	struct inbox in = {0};
	const struct mh_udp_cfg cfg = {.addrs = &addr,
				       .n_addrs = 1,
				       .dscp = -1,
				       .ctx = &in,
				       .vrf = vrf_of,
				       .receive = on_mh};
	struct mh_udp *u = NULL;
	int fd;

	KERNEL_NEEDED(have_ns);
	CU_ASSERT_EQUAL_FATAL(sh("ip link add f0 type veth peer name f1"), 0);
	device = if_nametoindex("f0");
	CU_ASSERT_EQUAL_FATAL(mh_udp_new(&u, &cfg, NULL), 0);
	fd = open_other("192.0.2.9", 40005);
	send_to(fd, "192.0.2.1", bu, sizeof(bu));
	kernel_wait_fd(mh_udp_fd(u), 100);
	CU_ASSERT_EQUAL(mh_udp_read(u, 0, 1), 0);
	device = 0;
	mh_udp_settle(u);
	send_to(fd, "192.0.2.1", bu, sizeof(bu));
	CU_ASSERT_EQUAL(hear(u, 1), 1);
	close(fd);
	mh_udp_free(&u);
	sh("ip link del f0");
}

// clang-format off
int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"a request from any port is answered to that port", test_request_and_reply},
		{"a datagram without UDP checksum is refused and counted", test_without_checksum},
		{"too long a datagram, and one from no port, are refused and counted", test_odd_datagrams},
		{"messages are sent and received in batches, by the socket of their source", test_batches},
		{"each instance has its own addresses, which may come later", test_addresses},
		{"a socket is in the VRF of its address", test_vrf},
		{0},
	};

	setup();
	return cu_main("mh_udp", tests, argc, argv);
}
