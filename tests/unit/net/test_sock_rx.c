/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On a pair of local sockets: they need no root, and pass credentials as control messages. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/cu.h"
#include "net/sock_rx.h"

static int pair[2];

static void setup(void)
{
	const int on = 1;

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	CU_ASSERT_EQUAL_FATAL(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
}

static void teardown(void)
{
	close(pair[0]);
	close(pair[1]);
}

static void test_read(void)
{
	struct sockaddr_un from;
	struct sock_rx rx;
	char buf[8];

	setup();
	CU_ASSERT_EQUAL(sock_rx_read(&rx, pair[1], &from, sizeof(from), buf, sizeof(buf)), -EAGAIN);
	CU_ASSERT_EQUAL(send(pair[0], "abcdefgh", 8, 0), 8);
	CU_ASSERT_EQUAL(send(pair[0], "ABCDEFGHI", 9, 0), 9);
	CU_ASSERT_EQUAL(sock_rx_read(&rx, pair[1], &from, sizeof(from), buf, sizeof(buf)), 8);
	CU_ASSERT_FALSE(sock_rx_truncated(&rx));
	CU_ASSERT_EQUAL(memcmp(buf, "abcdefgh", 8), 0);
	CU_ASSERT_EQUAL(sock_rx_read(&rx, pair[1], &from, sizeof(from), buf, sizeof(buf)), 8);
	CU_ASSERT_TRUE(sock_rx_truncated(&rx));
	teardown();
	CU_ASSERT_EQUAL(sock_rx_read(&rx, -1, &from, sizeof(from), buf, sizeof(buf)), -EBADF);
}

static void test_control(void)
{
	struct ucred who = {0}, longer[2] = {{.pid = -7}};
	struct sockaddr_un from;
	struct sock_rx rx;
	char c;

	setup();
	CU_ASSERT_EQUAL(send(pair[0], "x", 1, 0), 1);
	CU_ASSERT_EQUAL(sock_rx_read(&rx, pair[1], &from, sizeof(from), &c, 1), 1);
	CU_ASSERT_TRUE(sock_rx_control(&rx, SOL_SOCKET, SCM_CREDENTIALS, &who, sizeof(who)));
	CU_ASSERT_EQUAL(who.pid, getpid());
	CU_ASSERT_FALSE(sock_rx_control(&rx, SOL_SOCKET, SCM_CREDENTIALS, longer, sizeof(longer)));
	CU_ASSERT_EQUAL(longer[0].pid, -7);
	CU_ASSERT_FALSE(sock_rx_control(&rx, SOL_SOCKET, SCM_RIGHTS, &who, sizeof(who)));
	CU_ASSERT_FALSE(sock_rx_control(&rx, IPPROTO_IPV6, SCM_CREDENTIALS, &who, sizeof(who)));
	teardown();
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"datagrams whole and cut short, none, and a bad socket", test_read},
		{"control messages by level, type and length",						       test_control},
		{0},
	};

	return cu_main("sock_rx", tests, argc, argv);
}
