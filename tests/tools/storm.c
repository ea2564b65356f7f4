/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	storm --mag ADDR --lma ADDR [--count N] [--first K] [--window N] [--lifetime S] [--acks
 *FILE] storm --mag ADDR --lma ADDR --probe PREFIX [--first K] ...
 *
 * Plays a MAG at whose access links many nodes come up at once: registers nodes K to K + N - 1
 * (0000123@example.com), no more than --window of them unanswered, again after a second without an
 * answer. Ends when all are answered, or at SIGTERM. Prints what happened as one line of JSON, and
 * writes those that were accepted into FILE: number, prefix, timestamp of the registration.
 *
 * With --probe registers node K, which has that prefix, anew every two milliseconds until one of
 * these is answered, and prints when that was.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
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
#include "core/env.h"
#include "wire/mh.h"

#define BATCH	 32
#define AGAIN	 NSEC_PER_SEC
#define SOCKBUF	 (64 << 20)
#define NAME_LEN 20 /* 0000123@example.com */

struct node {
	uint8_t answered : 1, accepted : 1;
	nsec_t sent_at;
	uint64_t timestamp; /* of the registration that was accepted */
	struct prefix6 prefix;
};

struct storm {
	struct in6_addr mag, lma;
	uint32_t first, count, window;
	uint16_t lifetime; /* s */
	const char *acks;
	bool probing;
	struct prefix6 probe;
	int fd;
	struct node *node;
	uint32_t *queue; /* unanswered, as they were sent; a ring */
	uint32_t head, tail;
	uint32_t begun, accepted, refused, again;
	uint16_t seq;
	int status; /* of the last refusal */
};

static volatile sig_atomic_t ended;

static void on_signal(int sig)
{
	ended = 1;
}

static void die(const char *what)
{
	tool_die("storm", what);
}

static void open_socket(struct storm *s)
{
	const struct sockaddr_in6 mag = {.sin6_family = AF_INET6, .sin6_addr = s->mag},
				  lma = {.sin6_family = AF_INET6, .sin6_addr = s->lma};
	const int size = SOCKBUF;

	s->fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_MH);
	if (s->fd < 0)
		die("socket");
	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    bind(s->fd, (const struct sockaddr *)&mag, sizeof(mag)) ||
	    connect(s->fd, (const struct sockaddr *)&lma, sizeof(lma)))
		die("socket");
}

/* ---- messages */

static struct mh_opt *option(struct mh_msg *m, uint8_t type)
{
	struct mh_opt *o = mh_opt_add(m, type);

	if (!o)
		abort();
	return o;
}

static size_t make_pbu(struct storm *s, uint32_t i, uint8_t *buf)
{
	const uint32_t number = s->first + i;
	const uint8_t mac[6] = {2,
				1,
				(uint8_t)(number >> 24),
				(uint8_t)(number >> 16),
				(uint8_t)(number >> 8),
				(uint8_t)number};
	char name[NAME_LEN + 1];
	struct mh_msg m;
	int len;

	m.n_opts = 0;
	m.type = MH_BU;
	m.bu.seq = ++s->seq;
	m.bu.flags = MH_BU_A | MH_BU_P;
	m.bu.lifetime = s->lifetime / 4;
	snprintf(name, sizeof(name), "%07u@example.com", number % 10000000);
	option(&m, MHO_MN_ID)->mnid =
		(struct mnid){MNID_NAI, (uint8_t)strlen(name), (const uint8_t *)name};
	option(&m, MHO_HNP)->hnp.prefix = s->probe;
	option(&m, MHO_HANDOFF_IND)->value = s->probing ? HI_NO_CHANGE : HI_NEW_INTERFACE;
	option(&m, MHO_ATT)->value = ATT_WIFI;
	option(&m, MHO_MN_LLID)->llid = (struct llid){sizeof(mac), mac};
	option(&m, MHO_TIMESTAMP)->timestamp = timestamp_from_wallclock(tool_clock(CLOCK_REALTIME));
	len = mh_encode(&m, buf, MH_MAX_LEN, &s->mag, &s->lma);
	if (len < 0)
		abort();
	return (size_t)len;
}

static void send_nodes(struct storm *s, const uint32_t *nodes, unsigned n)
{
	static uint8_t buf[BATCH][MH_MAX_LEN];
	struct mmsghdr m[BATCH] = {0};
	struct iovec v[BATCH];
	const nsec_t t = tool_now();
	int done;

	for (unsigned i = 0; i < n; i++) {
		v[i] = (struct iovec){buf[i], make_pbu(s, nodes[i], buf[i])};
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
		s->node[nodes[i]].sent_at = t;
		s->queue[s->tail++ % s->count] = nodes[i];
	}
	/* what does not go is sent again like what gets no answer */
	for (unsigned at = 0; at < n; at += (unsigned)done) {
		done = sendmmsg(s->fd, m + at, n - at, 0);
		if (done <= 0)
			return;
	}
}

/* Who was told; false: nobody of ours. */
static bool node_of(const struct storm *s, const struct mh_msg *m, uint32_t *i)
{
	const struct mh_opt *o = mh_opt(m, MHO_MN_ID);
	uint32_t number = 0;

	if (!o || o->mnid.len < 7)
		return false;
	for (unsigned k = 0; k < 7; k++)
		number = 10 * number + (uint32_t)(o->mnid.id[k] - '0');
	*i = number - s->first;
	return number >= s->first && *i < s->begun;
}

static void take(struct storm *s, const uint8_t *data, size_t len)
{
	const struct mh_opt *o;
	struct mh_msg m;
	struct node *n;
	uint32_t i;

	if (mh_decode(&m, data, len, &s->lma, &s->mag) != MH_OK || m.type != MH_BA ||
	    !node_of(s, &m, &i))
		return;
	n = &s->node[i];
	if (n->answered)
		return;
	n->answered = true;
	if (m.ba.status >= 128) {
		s->status = m.ba.status;
		s->refused++;
		return;
	}
	n->accepted = true;
	s->accepted++;
	o = mh_opt(&m, MHO_HNP);
	if (o)
		n->prefix = o->hnp.prefix;
	o = mh_opt(&m, MHO_TIMESTAMP);
	if (o)
		n->timestamp = o->timestamp;
}

static void receive(struct storm *s)
{
	static uint8_t buf[BATCH][MH_MAX_LEN];
	struct mmsghdr m[BATCH];
	struct iovec v[BATCH];
	int n;

	do {
		memset(m, 0, sizeof(m));
		for (unsigned i = 0; i < BATCH; i++) {
			v[i] = (struct iovec){buf[i], MH_MAX_LEN};
			m[i].msg_hdr.msg_iov = &v[i];
			m[i].msg_hdr.msg_iovlen = 1;
		}
		n = recvmmsg(s->fd, m, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++)
			take(s, buf[i], m[i].msg_len);
	} while (n == BATCH);
}

static void wait_some(struct storm *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};

	if (poll(&p, 1, 1) < 0 && errno != EINTR)
		die("poll");
	receive(s);
}

/* ---- the two ways to run */

/* The next to be sent: one that waits for too long, else a new one. */
static bool next_node(struct storm *s, uint32_t *out)
{
	const nsec_t t = tool_now();

	for (; s->head != s->tail; s->head++) {
		const uint32_t i = s->queue[s->head % s->count];

		if (s->node[i].answered)
			continue;
		if (t - s->node[i].sent_at < AGAIN)
			break;
		s->head++;
		s->again++;
		*out = i;
		return true;
	}
	if (s->begun == s->count || s->begun - s->accepted - s->refused >= s->window)
		return false;
	*out = s->begun++;
	return true;
}

static void write_acks(const struct storm *s)
{
	char text[PREFIX6_STRLEN];
	FILE *f;

	if (!s->acks)
		return;
	f = fopen(s->acks, "w");
	if (!f)
		die(s->acks);
	for (uint32_t i = 0; i < s->begun; i++)
		if (s->node[i].accepted)
			fprintf(f, "%u %s %llu\n", s->first + i,
				prefix6_str(&s->node[i].prefix, text),
				(unsigned long long)s->node[i].timestamp);
	if (fclose(f))
		die(s->acks);
}

static void run_storm(struct storm *s)
{
	const nsec_t start = tool_now();

	while (!ended && s->accepted + s->refused < s->count) {
		uint32_t nodes[BATCH];
		unsigned n;

		do {
			for (n = 0; n < BATCH && next_node(s, &nodes[n]);)
				n++;
			if (n)
				send_nodes(s, nodes, n);
			receive(s);
		} while (n == BATCH && !ended);
		wait_some(s);
	}
	write_acks(s);
	printf("{\"accepted\": %u, \"refused\": %u, \"status\": %d, \"sent_again\": %u, "
	       "\"seconds\": %.3f}\n",
	       s->accepted, s->refused, s->status, s->again, (double)(tool_now() - start) / 1e9);
}

static void run_probe(struct storm *s)
{
	unsigned sent = 0;

	s->begun = 1;
	for (; !ended && !s->node[0].answered; sent++) {
		send_nodes(s, &(uint32_t){0}, 1);
		s->head = s->tail;
		for (nsec_t t = tool_now(); !s->node[0].answered && tool_now() - t < nsec_from_ms(2);)
			wait_some(s);
	}
	printf("{\"accepted\": %u, \"status\": %d, \"sent\": %u, \"at_ns\": %llu}\n", s->accepted,
	       s->status, sent, (unsigned long long)tool_now());
}

static bool parse(struct storm *s, int argc, char **argv)
{
	// clang-format off
	static const struct option options[] = {
		{"mag", required_argument, NULL, 'm'},
		{"lma", required_argument, NULL, 'l'},
		{"count", required_argument, NULL, 'n'},
		{"first", required_argument, NULL, 'f'},
		{"window", required_argument, NULL, 'w'},
		{"lifetime", required_argument, NULL, 's'},
		{"acks", required_argument, NULL, 'a'},
		{"probe", required_argument, NULL, 'p'},
		{0},
	};
	// clang-format on
	bool mag = false, lma = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'm':
			mag = !addr6_parse(optarg, &s->mag);
			break;
		case 'l':
			lma = !addr6_parse(optarg, &s->lma);
			break;
		case 'n':
			s->count = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			s->first = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'w':
			s->window = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 's':
			s->lifetime = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'a':
			s->acks = optarg;
			break;
		case 'p':
			s->probing = true;
			if (prefix6_parse(optarg, &s->probe))
				return false;
			break;
		default:
			return false;
		}
	}
	return mag && lma && s->count && s->window && optind == argc;
}

int main(int argc, char **argv)
{
	struct storm s = {.count = 1, .window = 512, .lifetime = 3600};

	if (!parse(&s, argc, argv)) {
		fprintf(stderr, "usage: storm --mag ADDR --lma ADDR [--count N] [--first K] "
				"[--window N] [--lifetime S] [--acks FILE] [--probe PREFIX]\n");
		return 2;
	}
	s.node = calloc(s.count, sizeof(*s.node));
	s.queue = calloc(s.count, sizeof(*s.queue));
	if (!s.node || !s.queue)
		die("memory");
	signal(SIGTERM, on_signal);
	open_socket(&s);
	if (s.probing)
		run_probe(&s);
	else
		run_storm(&s);
	free(s.node);
	free(s.queue);
	return 0;
}
