/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The relay agent's socket towards DHCPv4 servers on a real kernel, over the loopback of a network
 * namespace of our own. Needs root; without it, every test says that it was skipped.
 */
#include "lib/cu.h"
#include "lib/kernel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/dhcp_sock.h"

static bool have_ns;

static struct {
	struct dhcp_rx last;
	uint8_t data[4096];
	unsigned n;
} got;

static void setup(void)
{
	have_ns = kernel_enter_new_ns() &&
		  !sh("ip link set lo up && ip addr add 192.0.2.1/32 dev lo && "
		      "ip addr add 192.0.2.67/32 dev lo");
}

static struct in_addr ip(const char *s)
{
	struct in_addr a = {0};

	inet_pton(AF_INET, s, &a);
	return a;
}

/* Valid until the next call. */
static const struct in6_addr *mapped(const char *s)
{
	static struct in6_addr a;

	a = addr_from_ip4(ip(s));
	return &a;
}

static void on_datagram(void *ctx, const struct dhcp_rx *rx, nsec_t now)
{
	CU_ASSERT_EQUAL(now, 5);
	CU_ASSERT_FATAL(rx->len <= sizeof(got.data));
	got.last = *rx;
	memcpy(got.data, rx->data, rx->len);
	got.n++;
}

static uint64_t count(const struct dhcp_sock *s, enum dhcp_sock_counter c)
{
	return dhcp_sock_counters(s).value[c];
}

/* A server: port 67 of another address, beside the agent's. */
static void test_there_and_back(void)
{
	struct dhcp_sock *agent = NULL, *server = NULL;

	KERNEL_NEEDED(have_ns);
	got.n = 0;
	CU_ASSERT_EQUAL_FATAL(dhcp_sock_new(&agent, mapped("192.0.2.1"), on_datagram, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(dhcp_sock_new(&server, mapped("192.0.2.67"), on_datagram, NULL), 0);
	CU_ASSERT_EQUAL(dhcp_sock_read(agent, 0, 5), 0);
	CU_ASSERT_EQUAL(dhcp_sock_send(agent, 0, mapped("192.0.2.67"), "ask", 3), 0);
	kernel_wait_fd(dhcp_sock_fd(server), KERNEL_PATIENCE_MS);
	CU_ASSERT_EQUAL(dhcp_sock_read(server, 0, 5), 1);
	CU_ASSERT_EQUAL(got.n, 1);
	CU_ASSERT_EQUAL(addr_to_ip4(&got.last.src).s_addr, ip("192.0.2.1").s_addr);
	CU_ASSERT_EQUAL(got.last.ifindex, if_nametoindex("lo"));
	CU_ASSERT(got.last.len == 3 && !memcmp(got.data, "ask", 3));
	CU_ASSERT_EQUAL(dhcp_sock_send(server, 0, mapped("192.0.2.1"), "tell", 4), 0);
	kernel_wait_fd(dhcp_sock_fd(agent), KERNEL_PATIENCE_MS);
	CU_ASSERT_EQUAL(dhcp_sock_read(agent, 0, 5), 1);
	CU_ASSERT_EQUAL(addr_to_ip4(&got.last.src).s_addr, ip("192.0.2.67").s_addr);
	CU_ASSERT_EQUAL(count(agent, DHCP_SOCK_C_SENT), 1);
	CU_ASSERT_EQUAL(count(agent, DHCP_SOCK_C_RECEIVED), 1);
	dhcp_sock_free(&agent);
	dhcp_sock_free(&server);
	CU_ASSERT_PTR_NULL(agent);
}

static void test_too_long(void)
{
	static uint8_t big[5000];
	struct dhcp_sock *agent = NULL, *server = NULL;

	KERNEL_NEEDED(have_ns);
	got.n = 0;
	CU_ASSERT_EQUAL_FATAL(dhcp_sock_new(&agent, mapped("192.0.2.1"), on_datagram, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(dhcp_sock_new(&server, mapped("192.0.2.67"), on_datagram, NULL), 0);
	CU_ASSERT_EQUAL(dhcp_sock_send(server, 0, mapped("192.0.2.1"), big, sizeof(big)), 0);
	CU_ASSERT_EQUAL(dhcp_sock_send(server, 0, mapped("192.0.2.1"), big, 4096), 0);
	KERNEL_WAIT(got.n, dhcp_sock_read(agent, 0, 5));
	CU_ASSERT_EQUAL(got.n, 1);
	CU_ASSERT_EQUAL(got.last.len, 4096);
	CU_ASSERT_EQUAL(count(agent, DHCP_SOCK_C_TRUNCATED), 1);
	CU_ASSERT_EQUAL(count(agent, DHCP_SOCK_C_RECV_FAILED), 0);
	/* at most as many as asked for */
	for (int i = 0; i < 5; i++)
		dhcp_sock_send(server, 0, mapped("192.0.2.1"), "x", 1);
	CU_ASSERT_EQUAL(dhcp_sock_read(agent, 2, 5), 2);
	CU_ASSERT_EQUAL(dhcp_sock_read(agent, 0, 5), 3);
	dhcp_sock_free(&agent);
	dhcp_sock_free(&server);
	dhcp_sock_free(&server); /* nothing is there any more */
}

/* The address comes to an interface later; until then nothing can be sent. */
static void test_address_later(void)
{
	struct dhcp_sock *agent = NULL;

	KERNEL_NEEDED(have_ns);
	CU_ASSERT_EQUAL_FATAL(dhcp_sock_new(&agent, mapped("198.51.100.1"), on_datagram, NULL), 0);
	CU_ASSERT(dhcp_sock_send(agent, 0, mapped("203.0.113.1"), "x", 1) < 0);
	CU_ASSERT_EQUAL(count(agent, DHCP_SOCK_C_SEND_FAILED), 1);
	must_sh("ip addr add 198.51.100.1/32 dev lo");
	CU_ASSERT_EQUAL(dhcp_sock_send(agent, 0, mapped("198.51.100.1"), "x", 1), 0);
	dhcp_sock_free(&agent);
}

static void test_occupied(void)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons(67), .sin_addr = ip("192.0.2.1")};
	struct dhcp_sock *agent = NULL;
	int fd;

	KERNEL_NEEDED(have_ns);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CU_ASSERT_EQUAL(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	CU_ASSERT_EQUAL(dhcp_sock_new(&agent, mapped("192.0.2.1"), on_datagram, NULL), -EADDRINUSE);
	CU_ASSERT_PTR_NULL(agent);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"datagrams go from port 67 to port 67 and tell whence", test_there_and_back},
		{"what is longer than the buffer is discarded",							test_too_long},
		{"the relay address may come later",test_address_later},
		{"an occupied port is reported",			 test_occupied},
		{0						     },
	};

	setup();
	return cu_main("dhcp_sock", tests, argc, argv);
}
