/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/mh_udp.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/util.h"
#include "wire/mh.h"

#define BATCH	    64
#define QUEUE	    512
#define BUF_DEFAULT (4 << 20)
#define READ_BUDGET 1024
#define DSCP_CS6    48

struct end {
	int fd;
	struct in6_addr addr;
	unsigned vrf;
	bool full; /* waits for room to send */
};

struct slot_out {
	struct in_addr dst;
	uint16_t port;
	uint16_t len;
	unsigned end; /* index */
	uint8_t data[MH_MAX_LEN];
};

union rx_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

struct mh_udp {
	struct mh_udp_cfg cfg;
	int epoll_fd;
	struct end *ends;
	unsigned n_ends;
	uint64_t counter[MH_UDP_C_MAX];

	struct slot_out *queue; /* ring of QUEUE */
	unsigned head, queued;

	uint8_t (*rx_data)[MH_MAX_LEN];
	union rx_control rx_control[BATCH];
};

static const struct counter_desc counter_desc[] = {MH_UDP_COUNTERS(COUNTER_DESC)};

/* Offsets count from the UDP header. What has no checksum keeps its header alone: for the receiver
 * it is empty. */
// clang-format off
static const struct sock_filter filter_code[] = {
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct udphdr, uh_sum)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, sizeof(struct udphdr)),
	BPF_STMT(BPF_RET | BPF_K, 0x40000),
};
// clang-format on

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

static int open_end(const struct mh_udp_cfg *cfg, const struct in6_addr *addr, const char **why)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(MH_UDP_PORT),
		.sin_addr = addr_to_ip4(addr),
	};
	const struct sock_fprog prog = {ARRAY_SIZE(filter_code), (struct sock_filter *)filter_code};
	const int dscp = cfg->dscp < 0 ? DSCP_CS6 : cfg->dscp;
	int fd, rc;

	*why = "UDP socket";
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	*why = "filter of a UDP socket";
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		goto fail;
	*why = "TTL, type of service and packet information of a UDP socket";
	if (set_int(fd, IPPROTO_IP, IP_TTL, cfg->ttl ? cfg->ttl : 64) ||
	    set_int(fd, IPPROTO_IP, IP_TOS, dscp << 2) || set_int(fd, IPPROTO_IP, IP_PKTINFO, 1) ||
	    set_int(fd, IPPROTO_IP, IP_FREEBIND, 1))
		goto fail;
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, cfg->rcvbuf);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, cfg->sndbuf);
	*why = "UDP port 5436";
	if (bind(fd, (const struct sockaddr *)&to, sizeof(to)))
		goto fail;
	return fd;
fail:
	rc = -errno;
	close(fd);
	return rc;
}

static int watch(const struct mh_udp *u, unsigned i, int op)
{
	struct epoll_event ev = {
		.events = EPOLLIN | (u->ends[i].full ? EPOLLOUT : 0),
		.data.u32 = i,
	};

	return epoll_ctl(u->epoll_fd, op, u->ends[i].fd, &ev) ? -errno : 0;
}

static int open_ends(struct mh_udp *u, const struct mh_udp_cfg *cfg, const char **why)
{
	for (unsigned i = 0; i < cfg->n_addrs; i++) {
		struct end *e = &u->ends[i];
		int rc;

		if (!addr_is_ip4(&cfg->addrs[i]))
			return -EINVAL;
		rc = open_end(cfg, &cfg->addrs[i], why);
		if (rc < 0)
			return rc;
		*e = (struct end){.fd = rc, .addr = cfg->addrs[i]};
		u->n_ends++;
		rc = watch(u, i, EPOLL_CTL_ADD);
		if (rc)
			return rc;
	}
	return 0;
}

int mh_udp_new(struct mh_udp **out, const struct mh_udp_cfg *cfg, const char **why)
{
	struct mh_udp *u = calloc(1, sizeof(*u));
	const char *step = "memory";
	int rc = -ENOMEM;

	if (!u)
		goto fail;
	u->cfg = *cfg;
	u->cfg.addrs = NULL;
	u->epoll_fd = -1;
	u->ends = calloc(cfg->n_addrs + 1, sizeof(*u->ends));
	u->queue = calloc(QUEUE, sizeof(*u->queue));
	u->rx_data = calloc(BATCH, sizeof(*u->rx_data));
	if (!u->ends || !u->queue || !u->rx_data)
		goto fail;
	step = "addresses";
	rc = -EINVAL;
	if (!cfg->n_addrs)
		goto fail;
	step = "epoll descriptor";
	u->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	rc = u->epoll_fd < 0 ? -errno : open_ends(u, cfg, &step);
	if (rc)
		goto fail;
	mh_udp_settle(u);
	*out = u;
	return 0;
fail:
	if (why)
		*why = step;
	mh_udp_free(&u);
	return rc;
}

void mh_udp_free(struct mh_udp **p)
{
	struct mh_udp *u = *p;

	if (!u)
		return;
	for (unsigned i = 0; i < u->n_ends; i++)
		close(u->ends[i].fd);
	if (u->epoll_fd >= 0)
		close(u->epoll_fd);
	free(u->ends);
	free(u->queue);
	free(u->rx_data);
	free(u);
	*p = NULL;
}

void mh_udp_settle(struct mh_udp *u)
{
	for (unsigned i = 0; u->cfg.vrf && i < u->n_ends; i++) {
		struct end *e = &u->ends[i];
		const unsigned vrf = u->cfg.vrf(u->cfg.ctx, &e->addr);

		if (vrf == e->vrf)
			continue;
		/* unlike raw sockets, those of UDP hear nothing from a VRF that they are not in */
		if (set_int(e->fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)vrf))
			u->counter[MH_UDP_C_VRF_FAILED]++;
		else
			e->vrf = vrf;
	}
}

int mh_udp_fd(const struct mh_udp *u)
{
	return u->epoll_fd;
}

/* ---- receive */

static unsigned arrived_on(struct msghdr *msg)
{
	struct in_pktinfo info;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			return (unsigned)info.ipi_ifindex;
		}
	return 0;
}

static void take(struct mh_udp *u, const struct end *e, struct mmsghdr *m,
		 const struct sockaddr_in *from, const uint8_t *data, nsec_t now)
{
	const struct mh_udp_rx rx = {
		.pkt = {.src = addr_from_ip4(from->sin_addr),
			.dst = e->addr,
			.data = data,
			.len = m->msg_len,
			.port = ntohs(from->sin_port)},
		.ifindex = arrived_on(&m->msg_hdr),
	};

	if (m->msg_hdr.msg_flags & MSG_TRUNC) {
		u->counter[MH_UDP_C_TRUNCATED]++;
	} else if (!m->msg_len) {
		u->counter[MH_UDP_C_NO_CHECKSUM]++;
	} else if (!rx.pkt.port) {
		u->counter[MH_UDP_C_NO_PORT]++;
	} else {
		u->counter[MH_UDP_C_RECEIVED]++;
		u->cfg.receive(u->cfg.ctx, &rx, now);
	}
}

/* How many datagrams came; fewer than `want` when there are no more. */
static unsigned read_batch(struct mh_udp *u, const struct end *e, unsigned want, nsec_t now)
{
	struct sockaddr_in from[BATCH];
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];
	int n;

	for (unsigned i = 0; i < want; i++) {
		iov[i] = (struct iovec){u->rx_data[i], sizeof(u->rx_data[i])};
		msg[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i],
			.msg_namelen = sizeof(from[i]),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
			.msg_control = &u->rx_control[i],
			.msg_controllen = sizeof(u->rx_control[i]),
		};
	}
	do
		n = recvmmsg(e->fd, msg, want, MSG_DONTWAIT, NULL);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno != EAGAIN)
			u->counter[MH_UDP_C_RECV_FAILED]++;
		return 0;
	}
	for (int i = 0; i < n; i++)
		take(u, e, &msg[i], &from[i], u->rx_data[i], now);
	return (unsigned)n;
}

static unsigned read_end(struct mh_udp *u, const struct end *e, unsigned budget, nsec_t now)
{
	unsigned done = 0, want, n;

	do {
		want = budget - done < BATCH ? budget - done : BATCH;
		n = read_batch(u, e, want, now);
		done += n;
	} while (n == want && done < budget);
	return done;
}

unsigned mh_udp_read(struct mh_udp *u, unsigned budget, nsec_t now)
{
	struct epoll_event ev[BATCH];
	unsigned done = 0;
	int n = epoll_wait(u->epoll_fd, ev, BATCH, 0);

	if (!budget)
		budget = READ_BUDGET;
	for (int i = 0; i < n; i++) {
		struct end *e = &u->ends[ev[i].data.u32];
		/* no address starves the others */
		const unsigned share = (budget - done + (unsigned)(n - i) - 1) / (unsigned)(n - i);

		if (ev[i].events & EPOLLOUT) {
			e->full = false;
			watch(u, ev[i].data.u32, EPOLL_CTL_MOD);
		}
		if (share && ev[i].events & ~(uint32_t)EPOLLOUT)
			done += read_end(u, e, share, now);
	}
	mh_udp_flush(u);
	return done;
}

/* ---- send */

/* As many from the head of the queue as go out by one socket. */
static unsigned next_batch(struct mh_udp *u, struct mmsghdr *msg, struct sockaddr_in *to,
			   struct iovec *iov)
{
	const unsigned end = u->queue[u->head].end;
	unsigned n = 0;

	for (; n < u->queued && n < BATCH; n++) {
		struct slot_out *o = &u->queue[(u->head + n) % QUEUE];

		if (o->end != end)
			break;
		to[n] = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons(o->port),
			.sin_addr = o->dst,
		};
		iov[n] = (struct iovec){o->data, o->len};
		msg[n].msg_hdr = (struct msghdr){
			.msg_name = &to[n],
			.msg_namelen = sizeof(to[n]),
			.msg_iov = &iov[n],
			.msg_iovlen = 1,
		};
	}
	return n;
}

int mh_udp_flush(struct mh_udp *u)
{
	struct sockaddr_in to[BATCH];
	struct mmsghdr msg[BATCH];
	struct iovec iov[BATCH];

	while (u->queued) {
		struct end *e = &u->ends[u->queue[u->head].end];
		const unsigned n = next_batch(u, msg, to, iov);
		int sent = sendmmsg(e->fd, msg, n, MSG_DONTWAIT);

		if (sent < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN) {
				if (!e->full) {
					e->full = true;
					watch(u, (unsigned)(e - u->ends), EPOLL_CTL_MOD);
				}
				return -EAGAIN;
			}
			/* The first one is at fault; it is lost like on the way. */
			u->counter[MH_UDP_C_SEND_FAILED]++;
			sent = 1;
		} else {
			u->counter[MH_UDP_C_SENT] += (unsigned)sent;
		}
		u->head = (u->head + (unsigned)sent) % QUEUE;
		u->queued -= (unsigned)sent;
	}
	return 0;
}

static bool is_unicast(const struct in6_addr *a)
{
	const struct in_addr four = addr_is_ip4(a) ? addr_to_ip4(a) : (struct in_addr){0};

	return four.s_addr && four.s_addr != INADDR_BROADCAST && !IN_MULTICAST(ntohl(four.s_addr));
}

int mh_udp_send(struct mh_udp *u, const struct packet *pkt)
{
	struct slot_out *o;
	unsigned end = 0;

	if (pkt->len > MH_MAX_LEN)
		return -EMSGSIZE;
	if (!is_unicast(&pkt->dst))
		return -EINVAL;
	while (end < u->n_ends && !addr6_eq(&u->ends[end].addr, &pkt->src))
		end++;
	if (end == u->n_ends)
		return -EADDRNOTAVAIL;
	if (u->queued == QUEUE)
		mh_udp_flush(u);
	if (u->queued == QUEUE) {
		u->counter[MH_UDP_C_QUEUE_FULL]++;
		return -ENOBUFS;
	}
	o = &u->queue[(u->head + u->queued++) % QUEUE];
	o->dst = addr_to_ip4(&pkt->dst);
	o->port = pkt->port ? pkt->port : MH_UDP_PORT;
	o->end = end;
	o->len = (uint16_t)pkt->len;
	memcpy(o->data, pkt->data, pkt->len);
	return 0;
}

struct counter_set mh_udp_counters(const struct mh_udp *u)
{
	return (struct counter_set){"mh_udp", counter_desc, u->counter, MH_UDP_C_MAX};
}
