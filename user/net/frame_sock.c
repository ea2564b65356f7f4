/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/frame_sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#define HASH_NONFATAL_OOM	 1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>

#include "base/util.h"
#include "net/sock_rx.h"

#define FRAME_MAX   2048
#define RCVBUF	    (1 << 20)
#define READ_BUDGET 1024
#define EPOLL_BATCH 64

struct port {
	unsigned ifindex;
	int fd;
	UT_hash_handle hh;
	bool oom;
};

struct frame_sock {
	int epoll_fd;
	frame_rx_fn rx;
	void *ctx;
	struct port *ports;
	uint64_t counter[FRAME_SOCK_C_MAX];
};

static const struct counter_desc counter_desc[] = {FRAME_SOCK_COUNTERS(COUNTER_DESC)};

#define ETHERTYPE	12
#define IP4_OFFSET	(ETH_HLEN + 6)
#define IP4_PROTOCOL	(ETH_HLEN + 9)
#define IP6_NEXT_HEADER (ETH_HLEN + 6)
#define IP6_PAYLOAD	(ETH_HLEN + 40)
#define IP6_DST		(ETH_HLEN + 24)
#define NXT_HOPOPTS	0
#define NXT_UDP		17
#define NXT_ICMPV6	58
#define VLAN_ID		0x0fff

/*
 * Lets ARP through; of IPv4, UDP to port 67, first fragments included; of IPv6, Echo Reply (129),
 * MLD report and done (131, 132), RS, RA, NS, NA (133..136) and MLDv2 report (143), directly behind
 * the header or behind one hop-by-hop header, and UDP to port 547 of ff02::1:2. Nothing of a VLAN,
 * whose tag the kernel has taken out of the frame already.
 */
// clang-format off
static const struct sock_filter filter_code[] = {
	/*  0 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG),
	/*  1 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, VLAN_ID, 39, 0),
	/*  2 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, ETHERTYPE),
	/*  3 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 9, 0),
	/*  4 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 35, 0),
	/*  5 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 35),
	/*  6 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP4_PROTOCOL),
	/*  7 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NXT_UDP, 0, 33),
	/*  8 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, IP4_OFFSET),
	/*  9 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 31, 0),
	/* 10 */ BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, ETH_HLEN),
	/* 11 */ BPF_STMT(BPF_LD | BPF_H | BPF_IND, ETH_HLEN + 2),
	/* 12 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 67, 27, 28),
	/* 13 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP6_NEXT_HEADER),
	/* 14 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NXT_ICMPV6, 10, 0),
	/* 15 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NXT_UDP, 14, 0),
	/* 16 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NXT_HOPOPTS, 0, 24),
	/* 17 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP6_PAYLOAD),
	/* 18 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NXT_ICMPV6, 0, 22),
	/* 19 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP6_PAYLOAD + 1),
	/* 20 */ BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
	/* 21 */ BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 3),
	/* 22 */ BPF_STMT(BPF_MISC | BPF_TAX, 0),
	/* 23 */ BPF_STMT(BPF_LD | BPF_B | BPF_IND, IP6_PAYLOAD),
	/* 24 */ BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
	/* 25 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, IP6_PAYLOAD),
	/* 26 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 143, 13, 0),
	/* 27 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 129, 12, 0),
	/* 28 */ BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 131, 0, 12),
	/* 29 */ BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 136, 11, 10),
	/* 30 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, IP6_PAYLOAD + 2),
	/* 31 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 547, 0, 9),
	/* 32 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP6_DST),
	/* 33 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xff020000, 0, 7),
	/* 34 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP6_DST + 4),
	/* 35 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 5),
	/* 36 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP6_DST + 8),
	/* 37 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
	/* 38 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP6_DST + 12),
	/* 39 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x00010002, 0, 1),
	/* 40 */ BPF_STMT(BPF_RET | BPF_K, 0x40000),
	/* 41 */ BPF_STMT(BPF_RET | BPF_K, 0),
};
// clang-format on

int frame_sock_new(struct frame_sock **out, frame_rx_fn rx, void *ctx)
{
	struct frame_sock *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->rx = rx;
	s->ctx = ctx;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0) {
		int rc = -errno;

		free(s);
		return rc;
	}
	*out = s;
	return 0;
}

static struct port *find_port(const struct frame_sock *s, unsigned ifindex)
{
	struct port *p;

	HASH_FIND(hh, s->ports, &ifindex, sizeof(ifindex), p);
	return p;
}

static void collect_drops(struct frame_sock *s, const struct port *p)
{
	struct tpacket_stats st;
	socklen_t len = sizeof(st);

	/* Reading resets the kernel's numbers. */
	if (!getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len))
		s->counter[FRAME_SOCK_C_DROPPED] += st.tp_drops;
}

static void free_port(struct frame_sock *s, struct port *p)
{
	collect_drops(s, p);
	HASH_DEL(s->ports, p);
	close(p->fd); /* leaves the epoll set with it */
	free(p);
}

void frame_sock_free(struct frame_sock **pp)
{
	struct frame_sock *s = *pp;
	struct port *p, *tmp;

	if (!s)
		return;
	HASH_ITER (hh, s->ports, p, tmp)
		free_port(s, p);
	close(s->epoll_fd);
	free(s);
	*pp = NULL;
}

int frame_sock_fd(const struct frame_sock *s)
{
	return s->epoll_fd;
}

static int open_port(unsigned ifindex)
{
	struct sock_fprog prog = {ARRAY_SIZE(filter_code), (struct sock_filter *)filter_code};
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		/* all, which is before TC: DHCP does not get past the program there */
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)ifindex,
	};
	struct packet_mreq mreq = {.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_ALLMULTI};
	int one = 1, rcvbuf = RCVBUF, rc, fd;

	/* Protocol 0 until bound: nothing slips in before the filter is there. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    /* Solicited-node and MLD groups that this machine has not joined must reach us. */
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof(mreq)))
		goto fail;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf)); /* a wish */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		goto fail;
	return fd;
fail:
	rc = -errno;
	close(fd);
	return rc;
}

int frame_sock_add(struct frame_sock *s, unsigned ifindex)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct port *p = find_port(s, ifindex);
	int rc;

	if (p)
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->ifindex = ifindex;
	p->fd = open_port(ifindex);
	if (p->fd < 0) {
		rc = p->fd;
		free(p);
		return rc;
	}
	ev.data.ptr = p;
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, p->fd, &ev)) {
		rc = -errno;
		close(p->fd);
		free(p);
		return rc;
	}
	HASH_ADD(hh, s->ports, ifindex, sizeof(p->ifindex), p);
	if (p->oom) {
		close(p->fd);
		free(p);
		return -ENOMEM;
	}
	return 0;
}

void frame_sock_del(struct frame_sock *s, unsigned ifindex)
{
	struct port *p = find_port(s, ifindex);

	if (p)
		free_port(s, p);
}

/* One frame of the port. False when there is none left. */
static bool read_one(struct frame_sock *s, struct port *p, nsec_t now)
{
	struct tpacket_auxdata aux = {0};
	uint8_t buf[FRAME_MAX];
	struct sockaddr_ll from;
	struct frame_rx f;
	struct sock_rx rx;
	const ssize_t len = sock_rx_read(&rx, p->fd, &from, sizeof(from), buf, sizeof(buf));

	if (len < 0) {
		/* An interface that goes down says so once; the socket lives on. */
		if (len == -EINTR || len == -ENETDOWN)
			return true;
		if (len != -EAGAIN)
			s->counter[FRAME_SOCK_C_RECV_FAILED]++;
		return false;
	}
	if (from.sll_pkttype == PACKET_OUTGOING || len < ETH_HLEN)
		return true;
	if (sock_rx_truncated(&rx)) {
		s->counter[FRAME_SOCK_C_TRUNCATED]++;
		return true;
	}
	sock_rx_control(&rx, SOL_PACKET, PACKET_AUXDATA, &aux, sizeof(aux));
	s->counter[FRAME_SOCK_C_RECEIVED]++;
	f = (struct frame_rx){
		.ifindex = p->ifindex,
		.data = buf,
		.len = (size_t)len,
		.csum_partial = aux.tp_status & TP_STATUS_CSUMNOTREADY,
	};
	memcpy(f.src.b, buf + ETH_ALEN, ETH_ALEN);
	s->rx(s->ctx, &f, now);
	return true;
}

unsigned frame_sock_read(struct frame_sock *s, unsigned budget, nsec_t now)
{
	struct epoll_event ev[EPOLL_BATCH];
	unsigned done = 0;
	int n = epoll_wait(s->epoll_fd, ev, EPOLL_BATCH, 0);

	if (!budget)
		budget = READ_BUDGET;
	for (int i = 0; i < n; i++) {
		unsigned share = budget / (unsigned)n + 1; /* no interface starves the others */

		while (share-- && done < budget && read_one(s, ev[i].data.ptr, now))
			done++;
	}
	return done;
}

int frame_sock_send(struct frame_sock *s, unsigned ifindex, const void *frame, size_t len)
{
	struct port *p = find_port(s, ifindex);
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)ifindex,
		.sll_halen = ETH_ALEN,
	};

	if (!p)
		return -ENODEV;
	if (len < ETH_HLEN)
		return -EINVAL;
	memcpy(to.sll_addr, frame, ETH_ALEN);
	memcpy(&to.sll_protocol, (const uint8_t *)frame + ETHERTYPE, sizeof(to.sll_protocol));
	for (int i = 0;
	     sendto(p->fd, frame, len, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0; i++) {
		/* It may be an old error that waits on the socket: the interface was down once. */
		if (errno == ENETDOWN && i == 0)
			continue;
		s->counter[FRAME_SOCK_C_SEND_FAILED]++;
		return -errno;
	}
	s->counter[FRAME_SOCK_C_SENT]++;
	return 0;
}

struct counter_set frame_sock_counters(struct frame_sock *s)
{
	struct port *p, *tmp;

	HASH_ITER (hh, s->ports, p, tmp)
		collect_drops(s, p);
	return (struct counter_set){"frame_sock", counter_desc, s->counter, FRAME_SOCK_C_MAX};
}
