/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/dhcp4_sock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sock_rx.h"

#define PORT	     67
#define DATAGRAM_MAX 4096
#define READ_BUDGET  256

struct dhcp4_sock {
	int fd;
	unsigned vrf; /* that it is bound to */
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

unsigned dhcp4_sock_read(struct dhcp4_sock *s, unsigned budget, nsec_t now)
{
	uint8_t buf[DATAGRAM_MAX];
	unsigned done;

	if (!budget)
		budget = READ_BUDGET;
	for (done = 0; done < budget; done++) {
		struct in_pktinfo info = {0};
		struct sockaddr_in from;
		struct sock_rx rx;
		const ssize_t len = sock_rx_read(&rx, s->fd, &from, sizeof(from), buf, sizeof(buf));

		if (len < 0) {
			if (len == -EINTR)
				continue;
			if (len != -EAGAIN)
				s->counter[DHCP4_SOCK_C_RECV_FAILED]++;
			break;
		}
		if (sock_rx_truncated(&rx)) {
			s->counter[DHCP4_SOCK_C_TRUNCATED]++;
			continue;
		}
		sock_rx_control(&rx, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
		s->counter[DHCP4_SOCK_C_RECEIVED]++;
		s->rx(s->ctx,
		      &(const struct dhcp4_rx){from.sin_addr, (unsigned)info.ipi_ifindex, buf,
					       (size_t)len},
		      now);
	}
	return done;
}

/* Bound to the VRF, for the kernel keeps what comes for UDP there from other sockets. */
static void settle_in(struct dhcp4_sock *s, unsigned vrf)
{
	if (s->vrf != vrf && set_int(s->fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)vrf) == 0)
		s->vrf = vrf;
}

int dhcp4_sock_send(struct dhcp4_sock *s, unsigned vrf, struct in_addr server, const void *msg,
		    size_t len)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr = server,
	};

	settle_in(s, vrf);
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
