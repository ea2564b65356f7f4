/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/dhcp6_sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/in6.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sock_rx.h"

#define PORT	     547
#define DATAGRAM_MAX 4096
#define READ_BUDGET  256

struct dhcp6_sock {
	int fd;
	unsigned vrf; /* that it is bound to */
	dhcp6_rx_fn rx;
	void *ctx;
	uint64_t counter[DHCP6_SOCK_C_MAX];
};

static const struct counter_desc counter_desc[] = {DHCP6_SOCK_COUNTERS(COUNTER_DESC)};

static int set_int(int fd, int level, int opt, int v)
{
	return setsockopt(fd, level, opt, &v, sizeof(v));
}

static int open_sock(const struct in6_addr *local)
{
	const struct sockaddr_in6 addr = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(PORT),
		.sin6_addr = *local,
	};
	int rc, fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);

	if (fd < 0)
		return -errno;
	if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0 &&
	    set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1) == 0 &&
	    set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) == 0 &&
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int dhcp6_sock_new(struct dhcp6_sock **out, const struct in6_addr *local, dhcp6_rx_fn rx, void *ctx)
{
	struct dhcp6_sock *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->rx = rx;
	s->ctx = ctx;
	s->fd = open_sock(local);
	if (s->fd < 0) {
		rc = s->fd;
		free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void dhcp6_sock_free(struct dhcp6_sock **p)
{
	struct dhcp6_sock *s = *p;

	if (!s)
		return;
	close(s->fd);
	free(s);
	*p = NULL;
}

int dhcp6_sock_fd(const struct dhcp6_sock *s)
{
	return s->fd;
}

unsigned dhcp6_sock_read(struct dhcp6_sock *s, unsigned budget, nsec_t now)
{
	uint8_t buf[DATAGRAM_MAX];
	unsigned done;

	if (!budget)
		budget = READ_BUDGET;
	for (done = 0; done < budget; done++) {
		struct in6_pktinfo info = {0};
		struct sockaddr_in6 from;
		struct sock_rx rx;
		const ssize_t len = sock_rx_read(&rx, s->fd, &from, sizeof(from), buf, sizeof(buf));

		if (len < 0) {
			if (len == -EINTR)
				continue;
			if (len != -EAGAIN)
				s->counter[DHCP6_SOCK_C_RECV_FAILED]++;
			break;
		}
		if (sock_rx_truncated(&rx)) {
			s->counter[DHCP6_SOCK_C_TRUNCATED]++;
			continue;
		}
		sock_rx_control(&rx, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
		s->counter[DHCP6_SOCK_C_RECEIVED]++;
		s->rx(s->ctx,
		      &(const struct dhcp6_rx){from.sin6_addr, info.ipi6_ifindex, buf, (size_t)len},
		      now);
	}
	return done;
}

/* Bound to the VRF, for the kernel keeps what comes for UDP there from other sockets. */
static void settle_in(struct dhcp6_sock *s, unsigned vrf)
{
	if (s->vrf != vrf && set_int(s->fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)vrf) == 0)
		s->vrf = vrf;
}

int dhcp6_sock_send(struct dhcp6_sock *s, unsigned vrf, const struct in6_addr *server,
		    const void *msg, size_t len)
{
	const struct sockaddr_in6 to = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(PORT),
		.sin6_addr = *server,
	};

	settle_in(s, vrf);
	if (sendto(s->fd, msg, len, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		s->counter[DHCP6_SOCK_C_SEND_FAILED]++;
		return -errno;
	}
	s->counter[DHCP6_SOCK_C_SENT]++;
	return 0;
}

struct counter_set dhcp6_sock_counters(const struct dhcp6_sock *s)
{
	return (struct counter_set){"dhcpv6_sock", counter_desc, s->counter, DHCP6_SOCK_C_MAX};
}
