/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/icmp_sock.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ip_head.h"

#define READ_BUDGET 64
#define MESSAGE_MAX 2048 /* what lies beyond is quotation that nobody needs */

enum { V6, V4, FAMILIES };

struct icmp_sock {
	int epoll;
	int in[FAMILIES], out[FAMILIES];
	icmp_rx_fn rx;
	void *ctx;
	uint64_t counter[ICMP_SOCK_C_MAX];
};

static const struct counter_desc desc[] = {ICMP_SOCK_COUNTERS(COUNTER_DESC)};

static int open_raw(int family, int proto)
{
	const int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, proto);

	return fd < 0 ? -errno : fd;
}

static int let_in(int fd, int family)
{
	if (family == V4) {
		const struct icmp_filter f = {~(1u << ICMP_DEST_UNREACH | 1u << ICMP_TIME_EXCEEDED |
						1u << ICMP_PARAMETERPROB)};

		return setsockopt(fd, SOL_RAW, ICMP_FILTER, &f, sizeof(f)) ? -errno : 0;
	}
	struct icmp6_filter f;

	ICMP6_FILTER_SETBLOCKALL(&f);
	ICMP6_FILTER_SETPASS(ICMP6_DST_UNREACH, &f);
	ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &f);
	ICMP6_FILTER_SETPASS(ICMP6_TIME_EXCEEDED, &f);
	ICMP6_FILTER_SETPASS(ICMP6_PARAM_PROB, &f);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &f, sizeof(f)) ? -errno : 0;
}

static int open_family(struct icmp_sock *s, int which)
{
	const int family = which == V4 ? AF_INET : AF_INET6;
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = (uint32_t)which};
	int rc;

	s->in[which] = open_raw(family, which == V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (s->in[which] < 0)
		return s->in[which];
	rc = let_in(s->in[which], which);
	if (rc)
		return rc;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->in[which], &ev))
		return -errno;
	s->out[which] = open_raw(family, IPPROTO_RAW);
	return s->out[which] < 0 ? s->out[which] : 0;
}

int icmp_sock_new(struct icmp_sock **out, icmp_rx_fn rx, void *ctx)
{
	struct icmp_sock *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (!s)
		return -ENOMEM;
	*s = (struct icmp_sock){
		.in = {-1, -1},
			.out = {-1, -1},
			 .rx = rx, .ctx = ctx
	     };
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		rc = -errno;
	for (int f = 0; f < FAMILIES && !rc; f++)
		rc = open_family(s, f);
	if (rc) {
		icmp_sock_free(&s);
		return rc;
	}
	*out = s;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void icmp_sock_free(struct icmp_sock **p)
{
	struct icmp_sock *s = *p;

	if (!s)
		return;
	for (int f = 0; f < FAMILIES; f++) {
		close_fd(s->in[f]);
		close_fd(s->out[f]);
	}
	close_fd(s->epoll);
	free(s);
	*p = NULL;
}

int icmp_sock_fd(const struct icmp_sock *s)
{
	return s->epoll;
}

static void read_family(struct icmp_sock *s, int which, nsec_t now)
{
	for (int i = 0; i < READ_BUDGET; i++) {
		uint8_t buf[MESSAGE_MAX];
		const ssize_t n = recv(s->in[which], buf, sizeof(buf), MSG_DONTWAIT);
		size_t skip = 0;

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			s->counter[ICMP_SOCK_C_RECV_FAILED]++;
			return;
		}
		s->counter[ICMP_SOCK_C_RECEIVED]++;
		if (which == V4) { /* with its IP header */
			struct ip_head h;

			if (!ip_head_read(&h, buf, (size_t)n))
				continue;
			skip = h.hlen;
		}
		s->rx(s->ctx, which == V4, buf + skip, (size_t)n - skip, now);
	}
}

void icmp_sock_read(struct icmp_sock *s, nsec_t now)
{
	for (int f = 0; f < FAMILIES; f++)
		read_family(s, f, now);
}

/* Where the packet shall leave; its source is in its header. */
static void set_vrf(struct msghdr *msg, bool v4, unsigned vrf)
{
	const struct in6_pktinfo info6 = {.ipi6_ifindex = vrf};
	const struct in_pktinfo info4 = {.ipi_ifindex = (int)vrf};
	const size_t len = v4 ? sizeof(info4) : sizeof(info6);
	struct cmsghdr *c = msg->msg_control;

	c->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	c->cmsg_type = v4 ? IP_PKTINFO : IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), v4 ? (const void *)&info4 : (const void *)&info6, len);
	msg->msg_controllen = CMSG_SPACE(len);
}

int icmp_sock_send(struct icmp_sock *s, unsigned vrf, const void *packet, size_t len)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)packet, len};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
	struct sockaddr_in to4 = {.sin_family = AF_INET};
	struct msghdr msg;
	struct ip_head h;
	ssize_t n;

	if (!ip_head_read(&h, packet, len))
		return -EINVAL;
	to6.sin6_addr = h.dst;
	to4.sin_addr.s_addr = h.dst.s6_addr32[3];
	msg = (struct msghdr){
		.msg_name = h.v4 ? (void *)&to4 : (void *)&to6,
		.msg_namelen = h.v4 ? sizeof(to4) : sizeof(to6),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = vrf ? &control : NULL,
	};
	if (vrf)
		set_vrf(&msg, h.v4, vrf);
	n = sendmsg(s->out[h.v4 ? V4 : V6], &msg, MSG_DONTWAIT);
	if (n < 0) {
		s->counter[ICMP_SOCK_C_SEND_FAILED]++;
		return -errno;
	}
	s->counter[ICMP_SOCK_C_SENT]++;
	return 0;
}

struct counter_set icmp_sock_counters(const struct icmp_sock *s)
{
	return (struct counter_set){"icmp_sock", desc, s->counter, ICMP_SOCK_C_MAX};
}
