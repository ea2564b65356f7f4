/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	flow --bind ADDR --to ADDR [--port P] [--rate N] [--size N] [--nodes N]
 *	flow --tunnel ADDR --bind NODE --to ADDR ...
 *
 * One end of a stream of numbered UDP packets; the other end runs the same with addresses
 *exchanged. Each sends --rate packets per second (0: none) and counts what arrives: lost, doubled,
 *out of order, and the longest time without any.
 *
 * With --nodes N there are N mobile nodes: on the correspondent's side packets go to the addresses
 * --to, --to + 1 /64, --to + 2 /64 ... by turns that look random. Their side is the MAG, whose
 *other tunnel end is --tunnel: what a MAG would put into IPv6 and take out of it is made and read
 *here, from --bind and the following.
 *
 * Lines on standard input are answered by one line of JSON each:
 *	go	send
 *	mark	the longest silence begins anew
 *	show	what there is
 *	stop	send no more
 *	wait N	when N different packets have arrived, or none has for two seconds; then it ends
 * Packets are made every millisecond, as many as are due; one that is late is not made up for at
 * more than twice the rate, so that no queue on the way overflows because this program had to wait.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/nsec.h"
#include "tools/tool.h"

#define BATCH	   32
#define PACKET_MAX 1500
#define TURN	   1000000ull /* ns */
#define PATIENCE   (2 * NSEC_PER_SEC)
#define MAGIC	   0x666c6f77u
#define SOCKBUF	   (64 << 20)

/* What a UDP packet of ours holds; the rest is zero. */
struct payload {
	uint32_t magic, zero;
	uint64_t number;
};

struct inner {
	uint32_t flow;
	uint16_t len;
	uint8_t next, hops;
	struct in6_addr src, dst;
	struct udphdr udp;
};

struct flow {
	struct in6_addr local, to, tunnel; /* tunnel: ::, none */
	uint16_t port;
	uint64_t rate, nodes;
	size_t size; /* of UDP's payload */
	int fd;

	bool stopped;
	nsec_t started;
	uint64_t sent, refused; /* numbers used; by the kernel */

	uint8_t *seen; /* a bit for each number */
	uint64_t seen_cap;
	uint64_t received, distinct, doubled, disordered, next;
	uint32_t overflowed; /* lost by our own socket */
	nsec_t last, silence, silence_at;
};

static void die(const char *what)
{
	tool_die("flow", what);
}

/* ---- addresses */

static uint64_t node_of(const struct flow *f, uint64_t number)
{
	return number * 0x9e3779b97f4a7c15ull % f->nodes;
}

static struct in6_addr nth(const struct in6_addr *first, uint64_t n)
{
	struct in6_addr a = *first;

	for (int i = 7; i >= 0 && n; i--, n >>= 8) {
		n += a.s6_addr[i];
		a.s6_addr[i] = (uint8_t)n;
	}
	return a;
}

static socklen_t sockaddr_of(struct sockaddr_storage *s, const struct in6_addr *a, uint16_t port)
{
	memset(s, 0, sizeof(*s));
	if (addr_is_ip4(a)) {
		*(struct sockaddr_in *)s = (struct sockaddr_in){
			.sin_family = AF_INET, .sin_addr = addr_to_ip4(a), .sin_port = htons(port)};
		return sizeof(struct sockaddr_in);
	}
	*(struct sockaddr_in6 *)s = (struct sockaddr_in6){
		.sin6_family = AF_INET6, .sin6_addr = *a, .sin6_port = htons(port)};
	return sizeof(struct sockaddr_in6);
}

static void open_socket(struct flow *f)
{
	const bool raw = !addr6_is_zero(&f->tunnel);
	const int size = SOCKBUF, on = 1;
	struct sockaddr_storage s;
	socklen_t len;

	if (raw)
		f->fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_IPV6);
	else
		f->fd = socket(addr_is_ip4(&f->local) ? AF_INET : AF_INET6,
			       SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (f->fd < 0)
		die("socket");
	if (setsockopt(f->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(f->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(f->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)) ||
	    setsockopt(f->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)))
		die("setsockopt");
	if (raw)
		return;
	len = sockaddr_of(&s, &f->local, f->port);
	if (bind(f->fd, (struct sockaddr *)&s, len))
		die("bind");
}

/* ---- sending */

static uint16_t checksum(const struct inner *p, size_t len)
{
	const uint16_t *w = (const uint16_t *)&p->src;
	uint32_t sum = htons((uint16_t)len) + htons(IPPROTO_UDP);

	for (size_t i = 0; i < (2 * sizeof(p->src) + len) / 2; i++)
		sum += w[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff ? 0xffff : (uint16_t)~sum;
}

static size_t make_inner(const struct flow *f, uint8_t *buf, uint64_t number)
{
	const size_t len = sizeof(struct udphdr) + f->size;
	struct inner *p = (struct inner *)buf;

	*p = (struct inner){
		.flow = htonl(6u << 28),
		.len = htons((uint16_t)len),
		.next = IPPROTO_UDP,
		.hops = 64,
		.src = nth(&f->local, node_of(f, number)),
		.dst = f->to,
		.udp = {.source = htons(f->port),
			.dest = htons(f->port),
			.len = htons((uint16_t)len)},
	};
	p->udp.check = checksum(p, len);
	return sizeof(*p) + f->size;
}

static size_t make(const struct flow *f, uint8_t *buf, uint64_t number, struct sockaddr_storage *to,
		   socklen_t *to_len)
{
	const struct payload load = {.magic = htonl(MAGIC), .number = htobe64(number)};
	struct in6_addr node;

	if (!addr6_is_zero(&f->tunnel)) {
		memcpy(buf + sizeof(struct inner), &load, sizeof(load));
		*to_len = sockaddr_of(to, &f->tunnel, 0);
		return make_inner(f, buf, number);
	}
	memcpy(buf, &load, sizeof(load));
	node = addr_is_ip4(&f->to) ? f->to : nth(&f->to, node_of(f, number));
	*to_len = sockaddr_of(to, &node, f->port);
	return f->size;
}

static void send_some(struct flow *f, unsigned n)
{
	static uint8_t buf[BATCH][PACKET_MAX];
	struct sockaddr_storage to[BATCH];
	struct mmsghdr m[BATCH] = {0};
	struct iovec v[BATCH];
	int done;

	for (unsigned i = 0; i < n; i++) {
		v[i].iov_base = buf[i];
		v[i].iov_len = make(f, buf[i], f->sent + i, &to[i], &m[i].msg_hdr.msg_namelen);
		m[i].msg_hdr.msg_name = &to[i];
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	done = sendmmsg(f->fd, m, n, 0);
	if (done > 0) {
		f->sent += (uint64_t)done;
	} else {
		/* no route, no link: the number is used up */
		f->refused++;
		f->sent++;
	}
}

static void send_due(struct flow *f)
{
	const nsec_t t = tool_now();
	const uint64_t most = 1 + 2 * f->rate * TURN / NSEC_PER_SEC;
	uint64_t due;

	if (f->stopped || !f->rate)
		return;
	due = (t - f->started) * f->rate / NSEC_PER_SEC;
	if (due <= f->sent)
		return;
	due -= f->sent;
	if (due > f->rate) /* it stood still: what is more than a second late is left out */
		f->started = t - f->sent * NSEC_PER_SEC / f->rate;
	if (due > most)
		due = most;
	for (; due; due -= due < BATCH ? due : BATCH)
		send_some(f, (unsigned)(due < BATCH ? due : BATCH));
}

/* ---- receiving */

static void note(struct flow *f, uint64_t number, nsec_t at)
{
	const uint8_t bit = (uint8_t)(1u << number % 8);

	if (number >= 1ull << 32)
		return;
	if (number / 8 >= f->seen_cap) {
		const uint64_t cap = 2 * (number / 8) + 65536;

		f->seen = realloc(f->seen, cap);
		if (!f->seen)
			die("memory");
		memset(f->seen + f->seen_cap, 0, cap - f->seen_cap);
		f->seen_cap = cap;
	}
	f->received++;
	if (f->seen[number / 8] & bit) {
		f->doubled++;
	} else {
		f->seen[number / 8] |= bit;
		f->distinct++;
		f->disordered += number < f->next;
	}
	if (number >= f->next)
		f->next = number + 1;
	if (f->last && at > f->last && at - f->last > f->silence) {
		f->silence = at - f->last;
		f->silence_at = f->last;
	}
	f->last = at;
}

/* What came in the tunnel for one of the nodes; NULL: something else. */
static const uint8_t *take_inner(const struct flow *f, const uint8_t *buf, size_t len)
{
	const struct inner *p = (const struct inner *)buf;

	if (len < sizeof(*p) + sizeof(struct payload) || buf[0] >> 4 != 6 ||
	    p->next != IPPROTO_UDP || p->udp.dest != htons(f->port) || !addr6_eq(&p->src, &f->to))
		return NULL;
	return buf + sizeof(*p);
}

static void take(struct flow *f, const uint8_t *buf, size_t len, struct msghdr *h)
{
	struct payload load;
	nsec_t at = tool_clock(CLOCK_REALTIME); /* as the kernel's time stamps */

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
			struct timespec ts;

			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			at = (nsec_t)ts.tv_sec * NSEC_PER_SEC + (nsec_t)ts.tv_nsec;
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&f->overflowed, CMSG_DATA(c), sizeof(f->overflowed));
		}
	if (!addr6_is_zero(&f->tunnel))
		buf = take_inner(f, buf, len);
	else if (len < sizeof(load))
		buf = NULL;
	if (!buf)
		return;
	memcpy(&load, buf, sizeof(load));
	if (load.magic == htonl(MAGIC))
		note(f, be64toh(load.number), at);
}

static void receive(struct flow *f)
{
	static uint8_t buf[BATCH][PACKET_MAX], control[BATCH][128];
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];
	int n;

	do {
		memset(m, 0, sizeof(m));
		for (unsigned i = 0; i < BATCH; i++) {
			v[i] = (struct iovec){buf[i], PACKET_MAX};
			m[i].msg_hdr.msg_iov = &v[i];
			m[i].msg_hdr.msg_iovlen = 1;
			m[i].msg_hdr.msg_control = control[i];
			m[i].msg_hdr.msg_controllen = sizeof(control[i]);
		}
		n = recvmmsg(f->fd, m, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			take(f, buf[i], m[i].msg_len, &m[i].msg_hdr);
	} while (n == BATCH);
}

/* ---- talk */

static void show(const struct flow *f)
{
	printf("{\"sent\": %llu, \"refused\": %llu, \"received\": %llu, \"distinct\": %llu, "
	       "\"doubled\": %llu, \"disordered\": %llu, \"highest\": %lld, \"overflowed\": %u, "
	       "\"silence_ms\": %.3f, \"silence_at_ns\": %llu}\n",
	       (unsigned long long)f->sent, (unsigned long long)f->refused,
	       (unsigned long long)f->received, (unsigned long long)f->distinct,
	       (unsigned long long)f->doubled, (unsigned long long)f->disordered,
	       (long long)f->next - 1, f->overflowed, (double)f->silence / 1e6,
	       (unsigned long long)f->silence_at);
	fflush(stdout);
}

static void turn(struct flow *f)
{
	struct pollfd p[] = {
		{.fd = f->fd, .events = POLLIN},
		{.fd = 0,	  .events = POLLIN},
	};
	const struct timespec wait = {.tv_nsec = TURN};

	if (ppoll(p, 2, &wait, NULL) < 0 && errno != EINTR)
		die("poll");
	/* a packet that is there does not make the next turn come sooner */
	if (p[0].revents)
		nanosleep(&(struct timespec){.tv_nsec = TURN / 2}, NULL);
	receive(f);
	send_due(f);
}

static void wait_for(struct flow *f, uint64_t n)
{
	uint64_t had = f->distinct;
	nsec_t since = tool_now();

	while (f->distinct < n && tool_now() - since < PATIENCE) {
		turn(f);
		if (f->distinct != had) {
			had = f->distinct;
			since = tool_now();
		}
	}
	/* one that is doubled may still be on its way */
	for (since = tool_now(); tool_now() - since < NSEC_PER_SEC / 10;)
		turn(f);
}

/* False: it ends. */
static bool obey(struct flow *f)
{
	char line[128];
	ssize_t n = read(0, line, sizeof(line) - 1);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	line[n] = 0;
	if (!strncmp(line, "go", 2)) {
		f->stopped = false;
		f->started = tool_now();
	} else if (!strncmp(line, "stop", 4)) {
		f->stopped = true;
	} else if (!strncmp(line, "mark", 4)) {
		f->silence = f->silence_at = 0;
	} else if (!strncmp(line, "wait ", 5)) {
		wait_for(f, strtoull(line + 5, NULL, 10));
		show(f);
		return false;
	}
	show(f);
	return true;
}

static bool parse(struct flow *f, int argc, char **argv)
{
	static const struct option options[] = {
		{"bind",		 required_argument, NULL, 'b'},
		  {"to",		 required_argument, NULL, 't'},
		{"tunnel",		   required_argument, NULL, 'T'},
		  {"port",required_argument, NULL, 'p'},
		{"rate",		 required_argument, NULL, 'r'},
		  {"size",	   required_argument, NULL, 's'},
		{"nodes",		  required_argument, NULL, 'n'},
		  {0		    }
	     };
	bool bound = false, to = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'b':
			bound = !addr_parse(optarg, &f->local);
			break;
		case 't':
			to = !addr_parse(optarg, &f->to);
			break;
		case 'T':
			if (addr_parse(optarg, &f->tunnel))
				return false;
			break;
		case 'p':
			f->port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			f->rate = strtoull(optarg, NULL, 10);
			break;
		case 's':
			f->size = strtoul(optarg, NULL, 10);
			break;
		case 'n':
			f->nodes = strtoull(optarg, NULL, 10);
			break;
		default:
			return false;
		}
	}
	return bound && to && optind == argc && f->nodes && f->size % 2 == 0 &&
	       f->size >= sizeof(struct payload) && f->size <= PACKET_MAX - sizeof(struct inner);
}

int main(int argc, char **argv)
{
	struct flow f = {.port = 9000, .rate = 10000, .nodes = 1, .size = 64, .stopped = true};

	if (!parse(&f, argc, argv)) {
		fprintf(stderr, "usage: flow --bind ADDR --to ADDR [--tunnel ADDR] [--port P] "
				"[--rate N] [--size N] [--nodes N]\n");
		return 2;
	}
	open_socket(&f);
	fcntl(0, F_SETFL, O_NONBLOCK);
	show(&f);
	while (obey(&f))
		turn(&f);
	return 0;
}
