/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that wait for a node in handover: real frames, real time, and a daemon's thread that
 * takes them in and hands them on while others come.
 *
 * Each flow is sent by a thread of its own, pinned to a CPU, and numbers its packets. What arrives
 * must be every number once and in order, whatever the buffer did meanwhile.
 */
#include <net/ethernet.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "core/event.h"
#include "handover.h"
#include "lib/cu.h"

#define FLOWS 4

/* ---- the node's ear */

static struct {
	int fd;
	pthread_t thread;
	atomic_bool stop;
	atomic_uint next[FLOWS]; /* number that is expected */
	atomic_uint wrong, heard;
	unsigned first_wrong[3]; /* flow, number, expected */
} ear;

static void hear(const uint8_t *frame, ssize_t n)
{
	uint32_t number, expected;
	unsigned flow;

	if (n < 62 || frame[20] != 59 || memcmp(frame, ho_node.b, 6) || frame[21] != 63)
		return;
	flow = frame[37] & (FLOWS - 1); /* last octet of the source */
	memcpy(&number, frame + 54, sizeof(number));
	expected = ear.next[flow];
	if (number != expected) {
		if (!ear.wrong) {
			ear.first_wrong[0] = flow;
			ear.first_wrong[1] = number;
			ear.first_wrong[2] = expected;
		}
		ear.wrong++;
	}
	ear.next[flow] = number + 1;
	ear.heard++;
}

static void *listen_on(void *arg)
{
	struct pollfd p = {.fd = ear.fd, .events = POLLIN};
	uint8_t frame[2048];

	while (!ear.stop || poll(&p, 1, 0) > 0) {
		ssize_t n;

		if (poll(&p, 1, 20) <= 0)
			continue;
		while ((n = recv(ear.fd, frame, sizeof(frame), MSG_DONTWAIT)) > 0)
			hear(frame, n);
	}
	return arg;
}

static void ear_open(void)
{
	memset(&ear, 0, sizeof(ear));
	ear.fd = ho_packet_socket("a1", ETH_P_IPV6);
	pthread_create(&ear.thread, NULL, listen_on, NULL);
}

/* Everything has arrived, and the socket has lost nothing. */
static void ear_close(void)
{
	struct tpacket_stats st;
	socklen_t len = sizeof(st);

	ear.stop = true;
	pthread_join(ear.thread, NULL);
	CU_ASSERT_EQUAL(getsockopt(ear.fd, SOL_PACKET, PACKET_STATISTICS, &st, &len), 0);
	CU_ASSERT_EQUAL(st.tp_drops, 0);
	close(ear.fd);
	if (ear.wrong)
		fprintf(stderr, "%u of %u out of place; first: flow %u number %u, expected %u\n",
			ear.wrong, ear.heard, ear.first_wrong[0], ear.first_wrong[1],
			ear.first_wrong[2]);
	CU_ASSERT_EQUAL(ear.wrong, 0);
}

/* ---- who sends */

struct sender {
	pthread_t thread;
	unsigned flow;
	nsec_t each; /* between two packets */
	atomic_uint sent;
};

static struct sender sender[FLOWS];
static atomic_bool quiet;

static void *send_flow(void *arg)
{
	struct sender *s = arg;
	struct env_tunnelled t = {
		.dst = ho_own,
		.outer_src = env_addr(s->flow & 1 ? "2001:db8:12::1" : "2001:db8:2::1"),
		.outer_dst = env_addr("2001:db8:11::1"),
		.src = env_addr("2001:db8:c::"),
		.dst_addr = env_addr("2001:db8:100:1::9"),
	};
	int fd = ho_packet_socket("t1", 0);
	uint8_t frame[ENV_TUNNELLED];
	nsec_t next = ho_now();
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(s->flow % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	t.src.s6_addr[15] = (uint8_t)s->flow;
	while (!quiet) {
		struct timespec nap = {0, 200000};

		if (ho_now() < next) {
			nanosleep(&nap, NULL);
			continue;
		}
		next += s->each;
		t.number = s->sent;
		env_tunnelled(frame, &t);
		if (send(fd, frame, sizeof(frame), 0) == sizeof(frame))
			s->sent++;
	}
	close(fd);
	return NULL;
}

static void senders_start(double rate)
{
	quiet = false;
	for (unsigned i = 0; i < FLOWS; i++) {
		sender[i].flow = i;
		sender[i].each = (nsec_t)(NSEC_PER_SEC / rate);
		sender[i].sent = 0;
		pthread_create(&sender[i].thread, NULL, send_flow, &sender[i]);
	}
}

static void senders_stop(void)
{
	quiet = true;
	for (unsigned i = 0; i < FLOWS; i++)
		pthread_join(sender[i].thread, NULL);
}

/* ---- under load */

#define HANDOVERS 20
#define RATE	  1500 /* packets per second of each flow */

/* How many times slower all has to go here than on a machine that does nothing else: under
 * emulation a packet takes milliseconds, and more would come than could ever leave. */
static double slow = 1;

static nsec_t ms(unsigned n)
{
	return (nsec_t)(slow * (double)nsec_from_ms(n));
}

static void under_load(enum dp_bpf_want want, uint32_t drain_rate)
{
	struct dp_bpf_buffer_cfg bounds = ho_bounds();
	nsec_t longest = 0, begin = ho_now();
	uint64_t sent = 0;
	struct dp_buffered b;
	unsigned n;

	bounds.drain_rate = drain_rate;
	bounds.age += ms(100);
	ho_begin(&bounds, want, 1500);
	ear_open();
	senders_start(RATE / slow);
	ho_run_for(ms(30));
	for (n = 0; n < HANDOVERS && (n < 4 || ho_now() - begin < nsec_from_s(10)); n++) {
		nsec_t took;

		ho_mode(DP_BUFFER);
		ho_run_for(ms(10 + (slow > 1 ? 3 : 7) * (n % 6)));
		ho_mode(DP_FORWARD);
		took = ho_run_until_drained(ms(5000));
		longest = took > longest ? took : longest;
		/* the next one begins while the buffer is still open, or after it has closed */
		ho_run_for(nsec_from_ms(n % 3 * 60));
	}
	senders_stop();
	ho_run_for(ms(150));
	ear_close();
	b = ho_buffered();
	for (unsigned i = 0; i < FLOWS; i++) {
		CU_ASSERT_EQUAL(ear.next[i], sender[i].sent);
		sent += sender[i].sent;
	}
	CU_ASSERT(b.kept > n * 20);
	CU_ASSERT_EQUAL(b.handed_on, b.kept);
	printf("%lu packets, %lu of them kept in %u handovers, longest drain %.1f ms ",
	       (unsigned long)sent, (unsigned long)b.kept, n, (double)longest / 1e6);
	ho_end();
}

static void test_load_xdp(void)
{
	under_load(DP_BPF_XDP, 0);
}

static void test_load_tc(void)
{
	under_load(DP_BPF_TC, 0);
}

static void test_load_generic(void)
{
	under_load(DP_BPF_XDP_GENERIC, 0);
	/* no frames from XDP any more */
	env_sh(true, "ethtool -K a1 gro off");
	under_load(DP_BPF_XDP_GENERIC, 1000000);
	env_sh(true, "ethtool -K a1 gro on");
}

static void test_load_fast(void)
{
	under_load(DP_BPF_XDP, 1000000);
	under_load(DP_BPF_TC, 1000000);
}

/* ---- an onlooker */

static struct {
	struct {
		enum event_type type;
		char cause[32];
		nsec_t took;
		struct dp_buffered buffer;
	} heard[8];
	unsigned n;
} told;

static void be_told(void *ctx, const struct event *ev)
{
	if (told.n == ARRAY_SIZE(told.heard))
		return;
	CU_ASSERT_EQUAL(ev->mnid->len, 3);
	CU_ASSERT_EQUAL(memcmp(ev->mnid->id, "a@b", 3), 0);
	told.heard[told.n].type = ev->type;
	told.heard[told.n].took = ev->took;
	told.heard[told.n].buffer = *ev->buffer;
	snprintf(told.heard[told.n++].cause, sizeof(told.heard[0].cause), "%s",
		 ev->cause ? ev->cause : "");
}

static const struct event_sink sink = {.emit = be_told};

/* ---- bounds and pace: frames come one by one, and time is a number */

static nsec_t at;

static unsigned kept_of(unsigned n)
{
	struct env_tunnelled t = {.dst = ho_own,
				  .outer_src = env_addr("2001:db8:2::1"),
				  .outer_dst = env_addr("2001:db8:11::1"),
				  .src = env_addr("2001:db8:c::"),
				  .dst_addr = env_addr("2001:db8:100:1::9")};
	uint8_t frame[ENV_TUNNELLED];
	unsigned kept = 0;

	for (; n--; t.number++) {
		env_tunnelled(frame, &t);
		kept += env_judge(ho_t0, frame, sizeof(frame)) == 1;
	}
	dp_bpf_buffer(ho_dp, at);
	return kept;
}

static void come(unsigned n)
{
	CU_ASSERT_EQUAL(kept_of(n), n);
}

static void start(const struct dp_bpf_buffer_cfg *b)
{
	ho_begin(b, DP_BPF_XDP, 1500);
	at = NSEC_PER_SEC;
	dp_bpf_buffer(ho_dp, at);
	ho_mode(DP_BUFFER);
}

#define TRIAL 200

/* What a packet costs here that is kept and put back, and how much of that may come. First of all
 * tests. */
static void test_cost(void)
{
	struct dp_bpf_buffer_cfg b = ho_bounds();
	nsec_t begin, each;

	b.drain_rate = 1000000000;
	start(&b);
	begin = ho_now();
	come(TRIAL);
	ho_mode(DP_FORWARD);
	while (ho_buffered().draining && ho_now() - begin < nsec_from_s(60))
		dp_bpf_buffer(ho_dp, at += NSEC_PER_SEC / 1000);
	each = (ho_now() - begin) / TRIAL;
	CU_ASSERT_EQUAL(ho_buffered().handed_on, TRIAL);
	/* a quarter of a processor */
	if (each * FLOWS * RATE > NSEC_PER_SEC / 4)
		slow = (double)(each * FLOWS * RATE) / (NSEC_PER_SEC / 4.);
	printf("%.1f us for each, so %.1f times slower ", (double)each / 1e3, slow);
	ho_end();
}

static void test_octets(void)
{
	struct dp_bpf_buffer_cfg b = ho_bounds();

	b.node_octets = 10 * ENV_TUNNELLED + 1;
	start(&b);
	come(14);
	CU_ASSERT_EQUAL(ho_buffered().packets, 10);
	CU_ASSERT_EQUAL(ho_buffered().octets, 10 * ENV_TUNNELLED);
	CU_ASSERT_EQUAL(ho_buffered().dropped[DP_BUFFER_NODE_OCTETS], 4);
	ho_end();
}

static void test_total(void)
{
	const struct prefix6 p = env_prefix("2001:db8:100:2::/64");
	struct dp_bpf_buffer_cfg b = ho_bounds();
	struct dp_session s;
	dp_ref second = 0;

	b.all_packets = 6;
	start(&b);
	s = ho_at_link(&p);
	s.mode = DP_BUFFER;
	CU_ASSERT_EQUAL(ho_d->ops->session_put(ho_d, &s, &second), 0);
	come(8);
	CU_ASSERT_EQUAL(ho_buffered().dropped[DP_BUFFER_ALL_PACKETS], 2);
	CU_ASSERT_EQUAL(ho_counter("packets"), 6);
	CU_ASSERT_EQUAL(ho_counter("all_packets"), 2);
	CU_ASSERT_EQUAL(ho_counter("sessions"), 2);
	ho_d->ops->session_del(ho_d, ho_session);
	CU_ASSERT_EQUAL(ho_counter("packets"), 0);
	CU_ASSERT_EQUAL(ho_counter("octets"), 0);
	CU_ASSERT_EQUAL(ho_counter("discarded"), 6);
	CU_ASSERT_EQUAL(ho_counter("sessions"), 1);
	ho_d->ops->session_del(ho_d, second);
	ho_end();
}

/* A node with two prefixes loses one, or gets another one: what waits for those that stay waits on.
 */
static void test_other_prefixes(void)
{
	for (int more = 0; more < 2; more++) {
		const struct prefix6 p[2] = {env_prefix("2001:db8:100:3::/64"),
					     env_prefix("2001:db8:100:1::/64")};
		struct dp_bpf_buffer_cfg b = ho_bounds();
		struct dp_session s;

		start(&b);
		s = ho_at_link(more ? &p[1] : p);
		s.n_prefixes = more ? 1 : 2;
		s.mode = DP_BUFFER;
		CU_ASSERT_EQUAL(ho_d->ops->session_put(ho_d, &s, &ho_session), 0);
		come(3);
		CU_ASSERT_EQUAL(ho_buffered().packets, 3);
		s.prefixes = more ? p : &p[1];
		s.n_prefixes = more ? 2 : 1;
		CU_ASSERT_EQUAL(ho_d->ops->session_put(ho_d, &s, &ho_session), 0);
		CU_ASSERT_EQUAL(ho_buffered().packets, 3);
		CU_ASSERT_EQUAL(ho_buffered().dropped[DP_BUFFER_DISCARDED], 0);
		ho_end();
	}
}

static void test_age(void)
{
	struct dp_bpf_buffer_cfg b = ho_bounds();

	b.age = nsec_from_ms(500);
	start(&b);
	come(3);
	CU_ASSERT_EQUAL(ho_buffered().oldest, at);
	at += nsec_from_ms(300);
	come(2);
	at += nsec_from_ms(199);
	dp_bpf_buffer(ho_dp, at);
	CU_ASSERT_EQUAL(ho_buffered().packets, 5);
	at += nsec_from_ms(1);
	dp_bpf_buffer(ho_dp, at);
	CU_ASSERT_EQUAL(ho_buffered().packets, 2);
	CU_ASSERT_EQUAL(ho_buffered().dropped[DP_BUFFER_TOO_OLD], 3);
	/* what is being handed on does not grow old */
	ho_mode(DP_FORWARD);
	at += nsec_from_s(1);
	dp_bpf_buffer(ho_dp, at);
	CU_ASSERT_EQUAL(ho_buffered().handed_on, 2);
	ho_end();
}

/* RFC 5568 5.4: five at once, the others at the rate that was metered, here that itself. */
static void test_pace(void)
{
	struct dp_bpf_buffer_cfg b = ho_bounds();

	b.drain_speed = 100;
	start(&b);
	for (unsigned i = 0; i < 200; i++) {
		come(1); /* 500 a second */
		at += nsec_from_ms(2);
	}
	ho_mode(DP_FORWARD);
	dp_bpf_buffer(ho_dp, at);
	CU_ASSERT_EQUAL(ho_buffered().handed_on, 5);
	for (unsigned i = 0; i < 10; i++) {
		at += nsec_from_ms(2);
		CU_ASSERT(dp_bpf_buffer_next(ho_dp) <= at);
		dp_bpf_buffer(ho_dp, at);
	}
	CU_ASSERT(ho_buffered().handed_on >= 14 && ho_buffered().handed_on <= 16);
	/* a late timer is made up for, within reason */
	at += nsec_from_ms(100);
	dp_bpf_buffer(ho_dp, at);
	CU_ASSERT(ho_buffered().handed_on <= 16 + 6);
	/* and back: what has not left yet goes on waiting */
	ho_mode(DP_BUFFER);
	at += nsec_from_ms(100);
	dp_bpf_buffer(ho_dp, at);
	CU_ASSERT_EQUAL(ho_buffered().packets + ho_buffered().handed_on, 200);
	CU_ASSERT(ho_buffered().packets > 170);
	ho_end();
}

/* A configured rate, and the session's own descriptor again when all is quiet. */
static void test_rate(void)
{
	struct dp_bpf_buffer_cfg b = ho_bounds();
	struct dp_bpf_session_info info;

	b.drain_rate = 1000;
	start(&b);
	come(30);
	CU_ASSERT_EQUAL(dp_bpf_session_info(ho_dp, ho_session, &info), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(info.text, " buffer"));
	ho_mode(DP_FORWARD);
	dp_bpf_buffer(ho_dp, at);
	CU_ASSERT_EQUAL(ho_buffered().handed_on, 5);
	at += nsec_from_ms(5);
	dp_bpf_buffer(ho_dp, at);
	CU_ASSERT_EQUAL(ho_buffered().handed_on, 10);
	at += nsec_from_ms(10);
	dp_bpf_buffer(ho_dp, at);
	at += nsec_from_ms(10);
	dp_bpf_buffer(ho_dp, at);
	CU_ASSERT_EQUAL(ho_buffered().handed_on, 30);
	CU_ASSERT_FALSE(ho_buffered().draining);
	CU_ASSERT(dp_bpf_buffer_next(ho_dp) != NSEC_NEVER);
	at += nsec_from_ms(100);
	dp_bpf_buffer(ho_dp, at);
	CU_ASSERT_EQUAL(dp_bpf_buffer_next(ho_dp), NSEC_NEVER);
	CU_ASSERT_EQUAL(dp_bpf_session_info(ho_dp, ho_session, &info), 0);
	CU_ASSERT_PTR_NULL(strstr(info.text, " buffer"));
	ho_end();
}

static bool is_buffered(void)
{
	struct dp_bpf_session_info info;

	CU_ASSERT_EQUAL(dp_bpf_session_info(ho_dp, ho_session, &info), 0);
	return strstr(info.text, " buffer");
}

/* Packets that come faster than the pace, and faster than any, do not keep a node waiting for
 * ever. */
static void test_never_catches_up(void)
{
	static const struct {
		unsigned each, number;
		bool given_up;
	} rows[] = {
		{5,  1,   false}, /* twice the pace */
		{20, 300, true }, /* more than is handed on in a turn */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dp_bpf_buffer_cfg b = ho_bounds();
		nsec_t end;

		b.drain_rate = 100;
		b.age = nsec_from_ms(100);
		b.node_packets = 10;
		if (rows[i].given_up) {
			b.drain_rate = 100000;
			b.node_packets = 1000;
		}
		start(&b);
		come(10);
		ho_mode(DP_FORWARD);
		dp_bpf_buffer(ho_dp, at);
		/* 2 * (age + packets / pace), and what the buffer stays open after that */
		end = at + nsec_from_ms(600);
		while (at < end) {
			at += nsec_from_ms(rows[i].each);
			(void)kept_of(rows[i].number);
		}
		CU_ASSERT_EQUAL(kept_of(1), 0);
		CU_ASSERT_FALSE(ho_buffered().draining);
		CU_ASSERT_FALSE(is_buffered());
		CU_ASSERT_EQUAL(ho_buffered().dropped[DP_BUFFER_TOO_OLD] > 0, rows[i].given_up);
		CU_ASSERT_EQUAL(ho_counter("packets"), 0);
		ho_end();
	}
}

static void expect_told(unsigned i, enum event_type type, const char *cause, unsigned waiting)
{
	CU_ASSERT_FATAL(i < told.n);
	CU_ASSERT_EQUAL(told.heard[i].type, type);
	CU_ASSERT_STRING_EQUAL(told.heard[i].cause, cause);
	CU_ASSERT_EQUAL(told.heard[i].buffer.packets, waiting);
}

/* That it fills, overflows, is emptied and empty: each once. */
static void test_told(void)
{
	struct dp_bpf_buffer_cfg b = ho_bounds();

	b.node_packets = 10;
	b.drain_rate = 100;
	start(&b);
	told.n = 0;
	come(13);
	come(2);
	CU_ASSERT_EQUAL(told.n, 2);
	expect_told(0, EV_BUFFER_KEEPING, "", 1);
	expect_told(1, EV_BUFFER_DROPPING, "node_packets", 10);
	CU_ASSERT_EQUAL(told.heard[1].buffer.max_packets, 10);
	ho_mode(DP_FORWARD);
	/* five at once, five in 10 ms each, and a while to be sure */
	for (unsigned i = 0; i < 30; i++, at += nsec_from_ms(10))
		dp_bpf_buffer(ho_dp, at);
	CU_ASSERT_EQUAL(told.n, 4);
	expect_told(2, EV_BUFFER_DRAINING, "", 10);
	expect_told(3, EV_BUFFER_EMPTY, "", 0);
	CU_ASSERT_EQUAL(told.heard[3].buffer.handed_on, 10);
	CU_ASSERT_EQUAL(told.heard[3].took, nsec_from_ms(50));
	/* nothing came: nothing to tell */
	ho_mode(DP_BUFFER);
	ho_mode(DP_FORWARD);
	for (unsigned i = 0; i < 30; i++, at += nsec_from_ms(10))
		dp_bpf_buffer(ho_dp, at);
	CU_ASSERT_EQUAL(told.n, 4);
	ho_mode(DP_BUFFER);
	come(3);
	ho_d->ops->session_del(ho_d, ho_session);
	CU_ASSERT_EQUAL(told.n, 6);
	expect_told(4, EV_BUFFER_KEEPING, "", 1);
	expect_told(5, EV_BUFFER_DROPPING, "discarded", 0);
	CU_ASSERT_EQUAL(told.heard[5].buffer.dropped[DP_BUFFER_DISCARDED], 3);
	ho_end();
}

/* A daemon that ends hands on what it may, and leaves no buffer behind that nobody would empty. The
 * last of all tests. */
static void test_leaves(void)
{
	struct dp_bpf_buffer_cfg b = ho_bounds();
	struct dp_bpf_session_info info;

	b.drain_rate = 10;
	start(&b);
	come(30);
	ho_mode(DP_FORWARD);
	dp_bpf_leave(ho_dp);
	CU_ASSERT_EQUAL(ho_buffered().handed_on, 30);
	CU_ASSERT_EQUAL(dp_bpf_session_info(ho_dp, ho_session, &info), 0);
	CU_ASSERT_PTR_NULL(strstr(info.text, " buffer"));
	ho_free();
}

/* What is still in the ring when a busy daemon looks is not lost to those who are emptied. */
static void test_behind_others(void)
{
	const struct prefix6 p = env_prefix("2001:db8:100:2::/64");
	struct env_tunnelled t = {.dst = ho_own,
				  .outer_src = env_addr("2001:db8:2::1"),
				  .outer_dst = env_addr("2001:db8:11::1"),
				  .src = env_addr("2001:db8:c::"),
				  .dst_addr = env_addr("2001:db8:100:2::9")};
	struct dp_bpf_buffer_cfg b = ho_bounds();
	uint8_t frame[ENV_TUNNELLED];
	struct dp_session s;
	dp_ref second = 0;

	start(&b);
	s = ho_at_link(&p);
	s.mode = DP_BUFFER;
	CU_ASSERT_EQUAL(ho_d->ops->session_put(ho_d, &s, &second), 0);
	for (unsigned i = 0; i < 2503; i++, t.number++) {
		/* the last three are the first node's */
		if (i == 2500)
			t.dst_addr = env_addr("2001:db8:100:1::9");
		env_tunnelled(frame, &t);
		CU_ASSERT_EQUAL(env_judge(ho_t0, frame, sizeof(frame)), 1);
	}
	ho_mode(DP_FORWARD);
	dp_bpf_buffer(ho_dp, at);
	at += nsec_from_ms(101);
	dp_bpf_buffer(ho_dp, at);
	for (unsigned i = 0; i < 10; i++) {
		at += nsec_from_ms(10);
		dp_bpf_buffer(ho_dp, at);
	}
	CU_ASSERT_EQUAL(ho_buffered().kept, 3);
	CU_ASSERT_EQUAL(ho_buffered().handed_on, 3);
	CU_ASSERT_EQUAL(ho_counter("stray"), 0);
	ho_d->ops->session_del(ho_d, second);
	ho_end();
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"what waits can be put back, at some cost", test_cost},
		{"XDP: nothing is lost, doubled or overtaken in handovers under load", test_load_xdp},
		{"TC: nothing is lost, doubled or overtaken in handovers under load", test_load_tc},
		{"generic XDP: nothing is lost, doubled or overtaken in handovers under load",
		 test_load_generic},
		{"neither when all that waits is handed on at once", test_load_fast},
		{"what a node's packets may hold in octets is bounded", test_octets},
		{"what all nodes' packets may be together is bounded", test_total},
		{"other prefixes do not cost what waits for those that stay", test_other_prefixes},
		{"packets that have waited too long are dropped, oldest first", test_age},
		{"RFC 5568 5.4: five packets back to back, the others at the metered rate", test_pace},
		{"a configured rate, and then no trace of the buffer", test_rate},
		{"a node does not wait for ever, however fast its packets come", test_never_catches_up},
		{"onlookers are told once that a buffer fills, overflows, is emptied and empty", test_told},
		{"a daemon that ends empties what it may", test_leaves},
		{"what is in the ring behind others' packets is handed on, too", test_behind_others},
		{0},
	};
	// clang-format on
	env_enter();
	ho_links();
	ho_sink = &sink;
	return cu_main("buffer", tests, argc, argv);
}
