/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/dhcp4_sock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT	     67
#define DATAGRAM_MAX 4096
#define READ_BUDGET  256

struct dhcp4_sock {
	int fd;
	dhcp4_rx_fn rx;
	void *ctx;
	uint64_t counter[DHCP4_SOCK_C_MAX];
};

static const struct counter_desc counter_desc[] = {DHCP4_SOCK_COUNTERS(COUNTER_DESC)};

static int set_int(int fd, int level, int opt, int v)
{
	return setsockopt(fd, level, opt, &v, sizeof(v));
}

static int open_sock(struct in_addr local)
{
	const struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr = local,
	};
	int rc, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);

	if (fd < 0)
		return -errno;
	if (set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0 &&
	    set_int(fd, IPPROTO_IP, IP_FREEBIND, 1) == 0 &&
	    set_int(fd, IPPROTO_IP, IP_PKTINFO, 1) == 0 &&
	    bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int dhcp4_sock_new(struct dhcp4_sock **out, struct in_addr local, dhcp4_rx_fn rx, void *ctx)
{
	struct dhcp4_sock *s = calloc(1, sizeof(*s));
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

void dhcp4_sock_free(struct dhcp4_sock **p)
{
	struct dhcp4_sock *s = *p;

	if (!s)
		return;
	close(s->fd);
	free(s);
	*p = NULL;
}

int dhcp4_sock_fd(const struct dhcp4_sock *s)
{
	return s->fd;
}

static unsigned ifindex_of(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return (unsigned)info.ipi_ifindex;
		}
	return 0;
}

unsigned dhcp4_sock_read(struct dhcp4_sock *s, unsigned budget, nsec_t now)
{
	uint8_t buf[DATAGRAM_MAX];
	unsigned done;

	if (!budget)
		budget = READ_BUDGET;
	for (done = 0; done < budget; done++) {
		union {
			struct cmsghdr align;
			char buf[CMSG_SPACE(sizeof(struct in_pktinfo))];
		} control;
		struct iovec iov = {buf, sizeof(buf)};
		struct sockaddr_in from;
		struct msghdr msg = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		const ssize_t len = recvmsg(s->fd, &msg, MSG_DONTWAIT);

		if (len < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				s->counter[DHCP4_SOCK_C_RECV_FAILED]++;
			break;
		}
		if (msg.msg_flags & MSG_TRUNC) {
			s->counter[DHCP4_SOCK_C_TRUNCATED]++;
			continue;
		}
		s->counter[DHCP4_SOCK_C_RECEIVED]++;
		s->rx(s->ctx,
		      &(const struct dhcp4_rx){from.sin_addr, ifindex_of(&msg), buf, (size_t)len},
		      now);
	}
	return done;
}

int dhcp4_sock_send(struct dhcp4_sock *s, struct in_addr server, const void *msg, size_t len)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr = server,
	};

	if (sendto(s->fd, msg, len, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		s->counter[DHCP4_SOCK_C_SEND_FAILED]++;
		return -errno;
	}
	s->counter[DHCP4_SOCK_C_SENT]++;
	return 0;
}

struct counter_set dhcp4_sock_counters(const struct dhcp4_sock *s)
{
	return (struct counter_set){"dhcpv4_sock", counter_desc, s->counter, DHCP4_SOCK_C_MAX};
}
