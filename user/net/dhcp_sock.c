/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/dhcp_sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/in6.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sock_rx.h"

#define PORT4	     67
#define PORT6	     547
#define DATAGRAM_MAX 4096
#define READ_BUDGET  256

struct dhcp_sock {
	int fd;
	bool v4;
	unsigned vrf; /* that it is bound to */
	dhcp_rx_fn rx;
	void *ctx;
	uint64_t counter[DHCP_SOCK_C_MAX];
};

/* An address of either family, and the port of its DHCP. */
struct end {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
};

static const struct counter_desc counter_desc[] = {DHCP_SOCK_COUNTERS(COUNTER_DESC)};

static struct end end_of(const struct in6_addr *a)
{
	if (addr_is_ip4(a))
		return (struct end){
			.v4 = {.sin_family = AF_INET,
			       .sin_port = htons(PORT4),
			       .sin_addr = addr_to_ip4(a)},
			.len = sizeof(struct sockaddr_in),
		};
	return (struct end){
		.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT6), .sin6_addr = *a},
		.len = sizeof(struct sockaddr_in6),
	};
}

static int set_int(int fd, int level, int opt, int v)
{
	return setsockopt(fd, level, opt, &v, sizeof(v));
}

/* The address may come later; datagrams tell the interface that they came in by. */
static int set_family_options(int fd, bool v4)
{
	if (v4)
		return set_int(fd, IPPROTO_IP, IP_FREEBIND, 1) ||
		       set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
	return set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1) ||
	       set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

static int open_sock(const struct in6_addr *local)
{
	const struct end end = end_of(local);
	int rc, fd = socket(end.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    IPPROTO_UDP);

	if (fd < 0)
		return -errno;
	if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0 &&
	    set_family_options(fd, addr_is_ip4(local)) == 0 && bind(fd, &end.any, end.len) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int dhcp_sock_new(struct dhcp_sock **out, const struct in6_addr *local, dhcp_rx_fn rx, void *ctx)
{
	struct dhcp_sock *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->v4 = addr_is_ip4(local);
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

void dhcp_sock_free(struct dhcp_sock **p)
{
	struct dhcp_sock *s = *p;

	if (!s)
		return;
	close(s->fd);
	free(s);
	*p = NULL;
}

int dhcp_sock_fd(const struct dhcp_sock *s)
{
	return s->fd;
}

/* 0: the kernel did not tell. */
static unsigned arrived_on(struct sock_rx *rx, bool v4)
{
	struct in_pktinfo info4 = {0};
	struct in6_pktinfo info6 = {0};

	if (v4) {
		sock_rx_control(rx, IPPROTO_IP, IP_PKTINFO, &info4, sizeof(info4));
		return (unsigned)info4.ipi_ifindex;
	}
	sock_rx_control(rx, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof(info6));
	return info6.ipi6_ifindex;
}

unsigned dhcp_sock_read(struct dhcp_sock *s, unsigned budget, nsec_t now)
{
	uint8_t buf[DATAGRAM_MAX];
	unsigned done;

	if (!budget)
		budget = READ_BUDGET;
	for (done = 0; done < budget; done++) {
		struct sock_rx rx;
		struct end from;
		const ssize_t len =
			sock_rx_read(&rx, s->fd, &from.v6, sizeof(from.v6), buf, sizeof(buf));

		if (len < 0) {
			if (len == -EINTR)
				continue;
			if (len != -EAGAIN)
				s->counter[DHCP_SOCK_C_RECV_FAILED]++;
			break;
		}
		if (sock_rx_truncated(&rx)) {
			s->counter[DHCP_SOCK_C_TRUNCATED]++;
			continue;
		}
		s->counter[DHCP_SOCK_C_RECEIVED]++;
		s->rx(s->ctx,
		      &(const struct dhcp_rx){
			      .src = s->v4 ? addr_from_ip4(from.v4.sin_addr) : from.v6.sin6_addr,
			      .ifindex = arrived_on(&rx, s->v4),
			      .data = buf,
			      .len = (size_t)len,
		      },
		      now);
	}
	return done;
}

/* Bound to the VRF, for the kernel keeps what comes for UDP there from other sockets. */
static void settle_in(struct dhcp_sock *s, unsigned vrf)
{
	if (s->vrf != vrf && set_int(s->fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)vrf) == 0)
		s->vrf = vrf;
}

int dhcp_sock_send(struct dhcp_sock *s, unsigned vrf, const struct in6_addr *server,
		   const void *msg, size_t len)
{
	const struct end to = end_of(server);

	settle_in(s, vrf);
	if (sendto(s->fd, msg, len, MSG_DONTWAIT, &to.any, to.len) < 0) {
		s->counter[DHCP_SOCK_C_SEND_FAILED]++;
		return -errno;
	}
	s->counter[DHCP_SOCK_C_SENT]++;
	return 0;
}

struct counter_set dhcp_sock_counters(const struct dhcp_sock *s)
{
	return (struct counter_set){s->v4 ? "dhcpv4_sock" : "dhcpv6_sock", counter_desc, s->counter,
				    DHCP_SOCK_C_MAX};
}
