/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/mh_sock.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "wire/mh.h"

#define BATCH	    64
#define QUEUE	    512
#define BUF_DEFAULT (4 << 20)
#define READ_BUDGET 1024
#define DSCP_CS6    48
#define IP6_LEN	    40

/* RFC 4443 2.4(f) */
#define ERRORS_PER_SEC 10
#define ERRORS_BURST   10
/* RFC 4443 2.4(c): as much of the packet as fits the minimum IPv6 MTU */
#define ERROR_ROOM (1280 - IP6_LEN - 8)

struct slot_out {
	struct in6_addr src, dst;
	uint16_t len;
	uint8_t data[MH_MAX_LEN];
};

union rx_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int))];
};

union tx_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct mh_sock {
	int fd, icmp_fd;
	struct mh_sock_cfg cfg;
	uint64_t counter[MH_SOCK_C_MAX];

	struct slot_out *queue; /* ring of QUEUE */
	unsigned head, queued;
	bool want_write;

	const struct mh_rx *current; /* during the receive callback */
	nsec_t errors_spent_until;

	uint8_t (*rx_data)[MH_MAX_LEN];
	union rx_control rx_control[BATCH];
};

static const struct counter_desc counter_desc[] = {MH_SOCK_COUNTERS(COUNTER_DESC)};

static void set_buffer(int fd, int force, int plain, uint32_t want)
{
	int v = (int)(want ? want : BUF_DEFAULT);

	/* Beyond the system's limit with CAP_NET_ADMIN, else up to it. */
	if (setsockopt(fd, SOL_SOCKET, force, &v, sizeof(v)))
		setsockopt(fd, SOL_SOCKET, plain, &v, sizeof(v));
}

static int set_int(int fd, int level, int opt, int v)
{
	return setsockopt(fd, level, opt, &v, sizeof(v));
}

static int open_mh(const struct mh_sock_cfg *cfg, const char **why)
{
	int dscp = cfg->dscp < 0 ? DSCP_CS6 : cfg->dscp;
	int fd, rc;

	*why = "raw socket for protocol 135";
	fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, MH_PROTO);
	if (fd < 0)
		return -errno;
	*why = "IPV6_CHECKSUM off";
	if (set_int(fd, IPPROTO_IPV6, IPV6_CHECKSUM, -1))
		goto fail;
	*why = "IPV6_RECVPKTINFO";
	if (set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1))
		goto fail;
	*why = "IPV6_RECVHOPLIMIT";
	if (set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) ||
	    set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1))
		goto fail;
	*why = "hop limit and traffic class";
	if (set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, cfg->hop_limit ? cfg->hop_limit : 64) ||
	    set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, dscp << 2))
		goto fail;
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, cfg->rcvbuf);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, cfg->sndbuf);
	return fd;
fail:
	rc = -errno;
	close(fd);
	return rc;
}

static int open_icmp(const char **why)
{
	struct icmp6_filter none;
	int fd;

	*why = "raw socket for ICMPv6";
	fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	if (fd < 0)
		return -errno;
	ICMP6_FILTER_SETBLOCKALL(&none);
	if (setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &none, sizeof(none))) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

int mh_sock_new(struct mh_sock **out, const struct mh_sock_cfg *cfg, const char **why)
{
	const char *step = "memory";
	struct mh_sock *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	if (!s)
		goto fail;
	s->cfg = *cfg;
	s->fd = s->icmp_fd = -1;
	s->queue = calloc(QUEUE, sizeof(*s->queue));
	s->rx_data = calloc(BATCH, sizeof(*s->rx_data));
	if (!s->queue || !s->rx_data)
		goto fail;
	rc = s->fd = open_mh(cfg, &step);
	if (rc < 0)
		goto fail;
	rc = s->icmp_fd = open_icmp(&step);
	if (rc < 0)
		goto fail;
	*out = s;
	return 0;
fail:
	if (why)
		*why = step;
	mh_sock_free(&s);
	return rc;
}

void mh_sock_free(struct mh_sock **p)
{
	struct mh_sock *s = *p;

	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	if (s->icmp_fd >= 0)
		close(s->icmp_fd);
	free(s->queue);
	free(s->rx_data);
	free(s);
	*p = NULL;
}

int mh_sock_fd(const struct mh_sock *s)
{
	return s->fd;
}

/* Reads destination, interface, hop limit and traffic class. False without a destination. */
static bool read_control(struct msghdr *msg, struct mh_rx *rx)
{
	bool found = false;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct in6_pktinfo info;
		int v;

		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		switch (c->cmsg_type) {
		case IPV6_PKTINFO:
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			rx->pkt.dst = info.ipi6_addr;
			rx->ifindex = info.ipi6_ifindex;
			found = true;
			break;
		case IPV6_HOPLIMIT:
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			rx->hop_limit = (uint8_t)v;
			break;
		case IPV6_TCLASS:
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			rx->tclass = (uint8_t)v;
			break;
		}
	}
	return found;
}

static void take(struct mh_sock *s, struct mmsghdr *m, const struct sockaddr_in6 *from,
		 const uint8_t *data, nsec_t now)
{
	struct mh_rx rx = {
		.pkt = {.src = from->sin6_addr, .data = data, .len = m->msg_len}
	};

	if (m->msg_hdr.msg_flags & MSG_TRUNC) {
		s->counter[MH_SOCK_C_TRUNCATED]++;
		return;
	}
	if (!read_control(&m->msg_hdr, &rx)) {
		s->counter[MH_SOCK_C_NO_DESTINATION]++;
		return;
	}
	s->counter[MH_SOCK_C_RECEIVED]++;
	s->current = &rx;
	s->cfg.receive(s->cfg.ctx, &rx, now);
	s->current = NULL;
}

unsigned mh_sock_read(struct mh_sock *s, unsigned budget, nsec_t now)
{
	struct sockaddr_in6 from[BATCH];
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	unsigned done = 0;

	if (!budget)
		budget = READ_BUDGET;
	while (done < budget) {
		unsigned want = budget - done < BATCH ? budget - done : BATCH;
		int n;

		for (unsigned i = 0; i < want; i++) {
			iov[i] = (struct iovec){s->rx_data[i], sizeof(s->rx_data[i])};
			msg[i].msg_hdr = (struct msghdr){
				.msg_name = &from[i],
				.msg_namelen = sizeof(from[i]),
				.msg_iov = &iov[i],
				.msg_iovlen = 1,
				.msg_control = &s->rx_control[i],
				.msg_controllen = sizeof(s->rx_control[i]),
			};
		}
		n = recvmmsg(s->fd, msg, want, MSG_DONTWAIT, NULL);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				s->counter[MH_SOCK_C_RECV_FAILED]++;
			break;
		}
		for (int i = 0; i < n; i++)
			take(s, &msg[i], &from[i], s->rx_data[i], now);
		done += (unsigned)n;
		if ((unsigned)n < want)
			break;
	}
	return done;
}

static void set_source(const struct mh_sock *s, struct msghdr *msg, union tx_control *control,
		       const struct in6_addr *src)
{
	struct in6_pktinfo info = {
		.ipi6_addr = *src,
		.ipi6_ifindex = s->cfg.vrf ? s->cfg.vrf(s->cfg.ctx, src) : 0,
	};
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	msg->msg_control = control;
	msg->msg_controllen = sizeof(*control);
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = IPV6_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
}

int mh_sock_flush(struct mh_sock *s)
{
	union tx_control control[BATCH];
	struct sockaddr_in6 to[BATCH];
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];

	while (s->queued) {
		unsigned n = s->queued < BATCH ? s->queued : BATCH;
		int sent;

		for (unsigned i = 0; i < n; i++) {
			struct slot_out *o = &s->queue[(s->head + i) % QUEUE];

			to[i] = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = o->dst};
			iov[i] = (struct iovec){o->data, o->len};
			msg[i].msg_hdr = (struct msghdr){
				.msg_name = &to[i],
				.msg_namelen = sizeof(to[i]),
				.msg_iov = &iov[i],
				.msg_iovlen = 1,
			};
			if (!addr6_is_zero(&o->src))
				set_source(s, &msg[i].msg_hdr, &control[i], &o->src);
		}
		sent = sendmmsg(s->fd, msg, n, MSG_DONTWAIT);
		if (sent < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN) {
				s->want_write = true;
				return -EAGAIN;
			}
			/* The first one is at fault; it is lost like on the way. */
			s->counter[MH_SOCK_C_SEND_FAILED]++;
			sent = 1;
		} else {
			s->counter[MH_SOCK_C_SENT] += (unsigned)sent;
		}
		s->head = (s->head + (unsigned)sent) % QUEUE;
		s->queued -= (unsigned)sent;
	}
	s->want_write = false;
	return 0;
}

int mh_sock_send(struct mh_sock *s, const struct packet *pkt)
{
	struct slot_out *o;

	if (pkt->len > MH_MAX_LEN)
		return -EMSGSIZE;
	if (addr6_is_multicast(&pkt->dst) || addr6_is_zero(&pkt->dst))
		return -EINVAL;
	if (s->queued == QUEUE)
		mh_sock_flush(s);
	if (s->queued == QUEUE) {
		s->counter[MH_SOCK_C_QUEUE_FULL]++;
		return -ENOBUFS;
	}
	o = &s->queue[(s->head + s->queued++) % QUEUE];
	o->src = pkt->src;
	o->dst = pkt->dst;
	o->len = (uint16_t)pkt->len;
	memcpy(o->data, pkt->data, pkt->len);
	return 0;
}

bool mh_sock_want_write(const struct mh_sock *s)
{
	return s->want_write;
}

static bool error_allowed(struct mh_sock *s, nsec_t now)
{
	const nsec_t step = NSEC_PER_SEC / ERRORS_PER_SEC;

	if (s->errors_spent_until < now)
		s->errors_spent_until = now;
	if (s->errors_spent_until - now > step * (ERRORS_BURST - 1))
		return false;
	s->errors_spent_until += step;
	return true;
}

void mh_sock_param_problem(struct mh_sock *s, const struct packet *about, uint32_t mh_offset,
			   nsec_t now)
{
	const struct mh_rx *rx =
		s->current && s->current->pkt.data == about->data ? s->current : NULL;
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = about->src};
	union tx_control control;
	uint8_t buf[1280];
	struct iovec iov;
	struct msghdr msg = {
		.msg_name = &to,
		.msg_namelen = sizeof(to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	size_t quoted = about->len;
	struct wr w;

	if (addr6_is_multicast(&about->src) || addr6_is_zero(&about->src) ||
	    addr6_is_multicast(&about->dst) || addr6_is_zero(&about->dst)) {
		s->counter[MH_SOCK_C_PARAM_PROBLEM_UNFIT]++;
		return;
	}
	if (!error_allowed(s, now)) {
		s->counter[MH_SOCK_C_PARAM_PROBLEM_LIMITED]++;
		return;
	}
	if (quoted > ERROR_ROOM - IP6_LEN)
		quoted = ERROR_ROOM - IP6_LEN;
	wr_init(&w, buf, sizeof(buf));
	wr_u8(&w, ICMP6_PARAM_PROB);
	wr_u8(&w, ICMP6_PARAMPROB_HEADER);
	wr_u16(&w, 0); /* checksum: the kernel's, for ICMPv6 */
	/* The kernel hands over no IPv6 header, so it is put together again from what is known;
	 * extension headers, if there were any, are gone. */
	wr_u32(&w, IP6_LEN + mh_offset);
	wr_u32(&w, 6u << 28 | (uint32_t)(rx ? rx->tclass : 0) << 20);
	wr_u16(&w, (uint16_t)about->len);
	wr_u8(&w, MH_PROTO);
	wr_u8(&w, rx ? rx->hop_limit : 64);
	wr_bytes(&w, &about->src, sizeof(about->src));
	wr_bytes(&w, &about->dst, sizeof(about->dst));
	wr_bytes(&w, about->data, quoted);
	iov = (struct iovec){buf, wr_len(&w)};
	set_source(s, &msg, &control, &about->dst); /* RFC 4443 2.2(a) */
	if (sendmsg(s->icmp_fd, &msg, MSG_DONTWAIT) < 0)
		s->counter[MH_SOCK_C_SEND_FAILED]++;
	else
		s->counter[MH_SOCK_C_PARAM_PROBLEM]++;
}

struct counter_set mh_sock_counters(const struct mh_sock *s)
{
	return (struct counter_set){"mh_sock", counter_desc, s->counter, MH_SOCK_C_MAX};
}
