/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/tunnel_sock.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/ip_head.h"
#include "base/util.h"

#define READ_BUDGET 64
#define PACKET_MAX  65536
#define RCVBUF	    (1 << 20)
#define HOP_LIMIT   64

/* Received packets: what a fragmenting peer may ask of one thread that has other things to do. */
#define RATE  5000
#define BURST 1000

/* In the order of `kinds`. */
enum kind { IP6_IP6, IP6_IP4, IP6_GRE, IP4_IP6, IP4_IP4, IP4_GRE, IP4_UDP, IP4_UDP_ERRORS, KINDS };

static const struct {
	bool v4;
	uint8_t type; /* SOCK_RAW, SOCK_DGRAM */
	uint8_t proto;
	bool deaf; /* hears of errors alone */
} kinds[KINDS] = {
	[IP6_IP6] = {false, SOCK_RAW,   IPPROTO_IPV6, false},
	[IP6_IP4] = {false, SOCK_RAW,   IPPROTO_IPIP, false},
	[IP6_GRE] = {false, SOCK_RAW,   IPPROTO_GRE,  false},
	[IP4_IP6] = {true,  SOCK_RAW,   IPPROTO_IPV6, false},
	[IP4_IP4] = {true,  SOCK_RAW,   IPPROTO_IPIP, false},
	[IP4_GRE] = {true,  SOCK_RAW,   IPPROTO_GRE,  false},
	[IP4_UDP] = {true,  SOCK_DGRAM, IPPROTO_UDP,  false},
 /* The programs send from other ports: such an error finds no UDP socket, but a raw one. */
	[IP4_UDP_ERRORS] = {true,  SOCK_RAW,   IPPROTO_UDP,	 true },
};

struct tunnel_sock {
	int epoll;
	struct {
		int fd;
		unsigned users;
	} sock[KINDS];
	nsec_t spent_until; /* the rate: one packet costs a second / RATE */
	tunnel_rx_fn rx;
	void *ctx;
	uint64_t counter[TUNNEL_SOCK_C_MAX];
	uint8_t buf[PACKET_MAX];
};

static const struct counter_desc desc[] = {TUNNEL_SOCK_COUNTERS(COUNTER_DESC)};

/* ---- opening */

static int set_int(int fd, int level, int opt, int v)
{
	return setsockopt(fd, level, opt, &v, sizeof(v));
}

static int set_up4(int fd, enum kind k)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(ENCAP_DATA_PORT)};

	/* fragments are wanted here: no DF, and the path MTU that the kernel has learnt */
	if (set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT) ||
	    set_int(fd, IPPROTO_IP, IP_TTL, HOP_LIMIT) || set_int(fd, IPPROTO_IP, IP_PKTINFO, 1) ||
	    set_int(fd, IPPROTO_IP, IP_RECVTOS, 1))
		return -errno;
	if (k == IP4_UDP && bind(fd, (const struct sockaddr *)&any, sizeof(any)))
		return -errno;
	return 0;
}

static int set_up6(int fd)
{
	/* with IPV6_RECVERR the kernel takes Packet Too Big to heart */
	if (set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT) ||
	    set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, HOP_LIMIT) ||
	    set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) ||
	    set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) ||
	    set_int(fd, IPPROTO_IPV6, IPV6_RECVERR, 1))
		return -errno;
	return 0;
}

static int make_deaf(int fd)
{
	struct sock_filter none[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	const struct sock_fprog prog = {ARRAY_SIZE(none), none};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

static int open_kind(struct tunnel_sock *s, enum kind k)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = k};
	const int family = kinds[k].v4 ? AF_INET : AF_INET6;
	int fd = socket(family, kinds[k].type | SOCK_NONBLOCK | SOCK_CLOEXEC, kinds[k].proto);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (kinds[k].deaf)
		rc = make_deaf(fd);
	if (!rc)
		rc = kinds[k].v4 ? set_up4(fd, k) : set_up6(fd);
	if (!rc && set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF))
		set_int(fd, SOL_SOCKET, SO_RCVBUF, RCVBUF);
	if (!rc && epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev))
		rc = -errno;
	if (rc) {
		close(fd);
		return rc;
	}
	s->sock[k].fd = fd;
	return 0;
}

static int use(struct tunnel_sock *s, enum kind k)
{
	int rc = s->sock[k].fd < 0 ? open_kind(s, k) : 0;

	s->sock[k].users++; /* also where it failed: tunnel_sock_del() counts as well */
	return rc;
}

static void unuse(struct tunnel_sock *s, enum kind k)
{
	if (!s->sock[k].users || --s->sock[k].users || s->sock[k].fd < 0)
		return;
	close(s->sock[k].fd);
	s->sock[k].fd = -1;
}

/* The two sockets that a tunnel needs, for inner IPv6 and IPv4 or for data and errors. Where it is
 * one, twice the same. */
static void needs(const struct dp_peer *p, enum kind k[2])
{
	const bool v4 = addr_is_ip4(&p->local);

	if (encap_is_udp(p->encap)) {
		k[0] = IP4_UDP;
		k[1] = IP4_UDP_ERRORS;
	} else if (p->encap == DP_ENCAP_IP) {
		k[0] = v4 ? IP4_IP6 : IP6_IP6;
		k[1] = v4 ? IP4_IP4 : IP6_IP4;
	} else {
		k[0] = k[1] = v4 ? IP4_GRE : IP6_GRE;
	}
}

int tunnel_sock_add(struct tunnel_sock *s, const struct dp_peer *peer)
{
	enum kind k[2];
	int rc, rc2;

	needs(peer, k);
	rc = use(s, k[0]);
	rc2 = use(s, k[1]);
	return rc ? rc : rc2;
}

void tunnel_sock_del(struct tunnel_sock *s, const struct dp_peer *peer)
{
	enum kind k[2];

	needs(peer, k);
	unuse(s, k[0]);
	unuse(s, k[1]);
}

int tunnel_sock_new(struct tunnel_sock **out, tunnel_rx_fn rx, void *ctx)
{
	struct tunnel_sock *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->rx = rx;
	s->ctx = ctx;
	for (int k = 0; k < KINDS; k++)
		s->sock[k].fd = -1;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0) {
		const int rc = -errno;

		free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void tunnel_sock_free(struct tunnel_sock **p)
{
	struct tunnel_sock *s = *p;

	if (!s)
		return;
	for (int k = 0; k < KINDS; k++)
		if (s->sock[k].fd >= 0)
			close(s->sock[k].fd);
	close(s->epoll);
	free(s);
	*p = NULL;
}

int tunnel_sock_fd(const struct tunnel_sock *s)
{
	return s->epoll;
}

/* ---- receiving */

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

static void read_control(struct msghdr *msg, struct tunnel_rx *rx)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct in6_pktinfo info6;
		struct in_pktinfo info4;
		int class;

		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info6, CMSG_DATA(c), sizeof(info6));
			rx->dst = info6.ipi6_addr;
			rx->ifindex = info6.ipi6_ifindex;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&class, CMSG_DATA(c), sizeof(class));
			rx->class = (uint8_t) class;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&info4, CMSG_DATA(c), sizeof(info4));
			rx->dst = addr_from_ip4(info4.ipi_addr);
			rx->ifindex = (unsigned)info4.ipi_ifindex;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			rx->class = *CMSG_DATA(c);
		}
	}
}

static bool rate_ok(struct tunnel_sock *s, nsec_t now)
{
	const nsec_t cost = NSEC_PER_SEC / RATE;

	if (s->spent_until < now)
		s->spent_until = now;
	if (s->spent_until > now + cost * BURST)
		return false;
	s->spent_until += cost;
	return true;
}

/* A raw socket of IPv4 hears the IP header as well. */
static bool strip4(struct tunnel_rx *rx)
{
	struct ip_head h;

	if (!ip_head_read(&h, rx->data, rx->len) || h.fragment)
		return false;
	rx->data += h.hlen;
	rx->len = h.len - h.hlen < rx->len - h.hlen ? h.len - h.hlen : rx->len - h.hlen;
	return true;
}

/* False: nothing (more) there. */
static bool receive(struct tunnel_sock *s, enum kind k, nsec_t now)
{
	struct tunnel_rx rx = {.proto = kinds[k].proto, .data = s->buf};
	struct iovec iov = {s->buf, sizeof(s->buf)};
	union control control;
	union {
		struct sockaddr_in6 six;
		struct sockaddr_in four;
	} from = {0};
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const ssize_t n = recvmsg(s->sock[k].fd, &msg, MSG_DONTWAIT);

	if (n < 0) {
		/* an error that waits for us counts as one, and is gone */
		if (errno != EAGAIN)
			s->counter[TUNNEL_SOCK_C_RECV_FAILED]++;
		return errno != EAGAIN;
	}
	s->counter[TUNNEL_SOCK_C_RECEIVED]++;
	if (!rate_ok(s, now)) {
		s->counter[TUNNEL_SOCK_C_RATE]++;
		return true;
	}
	rx.len = (size_t)n;
	read_control(&msg, &rx);
	if (kinds[k].v4) {
		rx.src = addr_from_ip4(from.four.sin_addr);
		rx.port = ntohs(from.four.sin_port);
		if (kinds[k].type == SOCK_RAW && !strip4(&rx))
			return true;
	} else {
		rx.src = from.six.sin6_addr;
	}
	s->rx(s->ctx, &rx, now);
	return true;
}

/* Errors are here for the kernel's sake. What they tell is heard elsewhere; what stays queued would
 * fail the next call. */
static void forget_errors(struct tunnel_sock *s, enum kind k)
{
	uint8_t octet;

	for (int i = 0; i < READ_BUDGET; i++)
		if (recv(s->sock[k].fd, &octet, sizeof(octet), MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return;
}

void tunnel_sock_read(struct tunnel_sock *s, nsec_t now)
{
	struct epoll_event ev[KINDS];
	const int n = epoll_wait(s->epoll, ev, KINDS, 0);

	for (int i = 0; i < n; i++) {
		const enum kind k = ev[i].data.u32;

		if (ev[i].events & EPOLLERR)
			forget_errors(s, k);
		for (int j = 0; j < READ_BUDGET && receive(s, k, now); j++)
			;
	}
}

/* ---- sending */

static enum kind way_out(const struct dp_peer *p, bool inner_v4)
{
	enum kind k[2];

	needs(p, k);
	return p->encap == DP_ENCAP_IP && inner_v4 ? k[1] : k[0];
}

static void put_control(struct msghdr *msg, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c =
		(struct cmsghdr *)(void *)((char *)msg->msg_control + msg->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	msg->msg_controllen += CMSG_SPACE(len);
}

int tunnel_sock_send(struct tunnel_sock *s, const struct dp_peer *peer, unsigned vrf, uint32_t key,
		     uint8_t class, const void *inner, size_t len)
{
	const bool v4 = addr_is_ip4(&peer->remote);
	const bool inner_v4 = len && *(const uint8_t *)inner >> 4 == 4;
	const enum kind k = way_out(peer, inner_v4);
	const size_t skip = encap_is_udp(peer->encap) ? ENCAP_UDP_HLEN : 0; /* the kernel's */
	const struct in6_pktinfo info6 = {.ipi6_addr = peer->local, .ipi6_ifindex = vrf};
	const struct in_pktinfo info4 = {.ipi_spec_dst.s_addr = peer->local.s6_addr32[3],
					 .ipi_ifindex = (int)vrf};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_addr = peer->remote};
	struct sockaddr_in to4 = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = peer->remote.s6_addr32[3],
		.sin_port = skip ? htons(ENCAP_DATA_PORT) : 0,
	};
	const int value = class;
	uint8_t shim[ENCAP_SHIM_MAX];
	struct iovec iov[2] = {
		{shim + skip, encap_shim(shim, peer->encap, inner_v4, key, 0, len) - skip},
		{(void *)(uintptr_t)inner,   len	      },
	};
	union control control = {0};
	struct msghdr msg = {
		.msg_name = v4 ? (void *)&to4 : (void *)&to6,
		.msg_namelen = v4 ? sizeof(to4) : sizeof(to6),
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = &control,
	};

	if (s->sock[k].fd < 0) {
		s->counter[TUNNEL_SOCK_C_SEND_FAILED]++;
		return -ENOTCONN;
	}
	if (v4) {
		put_control(&msg, IPPROTO_IP, IP_PKTINFO, &info4, sizeof(info4));
		put_control(&msg, IPPROTO_IP, IP_TOS, &value, sizeof(value));
	} else {
		put_control(&msg, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof(info6));
		put_control(&msg, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
	}
	/* the first call may only deliver an error about another packet */
	if (sendmsg(s->sock[k].fd, &msg, MSG_DONTWAIT) < 0 &&
	    sendmsg(s->sock[k].fd, &msg, MSG_DONTWAIT) < 0) {
		s->counter[TUNNEL_SOCK_C_SEND_FAILED]++;
		return -errno;
	}
	s->counter[TUNNEL_SOCK_C_SENT]++;
	return 0;
}

struct counter_set tunnel_sock_counters(const struct tunnel_sock *s)
{
	return (struct counter_set){"tunnel_sock", desc, s->counter, TUNNEL_SOCK_C_MAX};
}
