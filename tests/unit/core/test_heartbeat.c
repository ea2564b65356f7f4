/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/heartbeat.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "lib/cu.h"

#define SENT_MAX 64

struct sent {
	struct in6_addr src, dst;
	uint16_t port;
	uint32_t seq, counter;
	uint16_t flags;
	bool has_counter;
	nsec_t at;
};

struct bed {
	struct env env;
	struct deadlines deadlines;
	struct heartbeat *h;
	struct heartbeat_cfg cfg;
	nsec_t now;
	unsigned n;
	struct sent sent[SENT_MAX];
	unsigned downs, ups, doubts, restarts;
	nsec_t since;
	uint64_t rng;
	int send_result;
	bool drop_all; /* down() leaves no binding */
	struct in6_addr us, us2, peer, other;
};

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	CU_ASSERT_EQUAL_FATAL(addr_parse(s, &a), 0);
	return a;
}

static int net_send(void *ctx, const struct packet *p)
{
	struct bed *b = ctx;
	struct sent *s = &b->sent[b->n % SENT_MAX];
	const struct mh_opt *o;
	struct mh_msg m;

	if (b->send_result)
		return b->send_result;
	CU_ASSERT_EQUAL(mh_decode(&m, p->data, p->len, &p->src, &p->dst), MH_OK);
	CU_ASSERT_EQUAL(m.type, MH_HEARTBEAT);
	o = mh_opt(&m, MHO_RESTART_COUNTER);
	*s = (struct sent){.src = p->src,
			   .dst = p->dst,
			   .port = p->port,
			   .seq = m.hb.seq,
			   .flags = m.hb.flags,
			   .has_counter = o,
			   .at = b->now};
	if (o)
		s->counter = o->restart_counter;
	b->n++;
	return 0;
}

static void net_random(void *ctx, void *buf, size_t len)
{
	struct bed *b = ctx;
	uint8_t *p = buf;

	while (len--) {
		b->rng = b->rng * 6364136223846793005u + 1442695040888963407u;
		*p++ = (uint8_t)(b->rng >> 56);
	}
}

static void on_down(void *ctx, const struct in6_addr *peer, nsec_t now)
{
	struct bed *b = ctx;

	b->downs++;
	CU_ASSERT(addr6_eq(peer, &b->peer));
	if (b->drop_all)
		heartbeat_users(b->h, peer, &b->us, 0, now);
}

static void on_up(void *ctx, const struct in6_addr *peer, nsec_t now)
{
	((struct bed *)ctx)->ups++;
}

static void on_doubtful(void *ctx, const struct in6_addr *peer, nsec_t now)
{
	((struct bed *)ctx)->doubts++;
}

static void on_restarted(void *ctx, const struct in6_addr *peer, nsec_t since, nsec_t now)
{
	struct bed *b = ctx;

	b->restarts++;
	b->since = since;
}

static void bed_init(struct bed *b, const char *us, const char *peer, const char *other)
{
	const struct heartbeat_ops ops = {b, on_down, on_up, on_doubtful, on_restarted};

	memset(b, 0, sizeof(*b));
	b->us = addr(us);
	b->us2 = addr("2001:db8:2::2");
	b->peer = addr(peer);
	b->other = addr(other);
	b->now = 5 * NSEC_PER_SEC;
	b->env = (struct env){.ctx = b, .send = net_send, .random = net_random};
	b->cfg = (struct heartbeat_cfg){
		.interval_s = 60, .missing_allowed = 3, .restart_counter = 42};
	CU_ASSERT_EQUAL_FATAL(
		heartbeat_new(&b->h, "lma", &b->cfg, &ops, &b->env, &b->deadlines, NULL), 0);
	const struct heartbeat_peer peers[] = {
		{b->peer,  b->us},
		{b->other, b->us},
	};
	CU_ASSERT_EQUAL_FATAL(heartbeat_set_peers(b->h, peers, 2), 0);
}

static void begin(struct bed *b)
{
	bed_init(b, "2001:db8:2::1", "2001:db8:11::1", "2001:db8:12::1");
}

static void end(struct bed *b)
{
	heartbeat_free(&b->h);
	CU_ASSERT_EQUAL(b->deadlines.n, 0);
}

static void run(struct bed *b, nsec_t time)
{
	const nsec_t until = b->now + time;

	while (deadline_next(&b->deadlines) <= until) {
		b->now = deadline_next(&b->deadlines);
		deadline_run(&b->deadlines, NULL, b->now);
	}
	b->now = until;
}

static uint64_t count(const struct bed *b, enum heartbeat_counter c)
{
	return heartbeat_counters(b->h).value[c];
}

static const struct sent *last(const struct bed *b)
{
	static const struct sent none;

	return b->n ? &b->sent[(b->n - 1) % SENT_MAX] : &none;
}

static void receive(struct bed *b, const struct in6_addr *from, uint16_t flags, uint32_t seq,
		    const uint32_t *counter)
{
	struct mh_msg m = {
		.type = MH_HEARTBEAT, .hb = {flags, seq}
	};
	const struct packet p = {.src = *from, .dst = b->us, .port = 4000};

	if (counter)
		mh_opt_add(&m, MHO_RESTART_COUNTER)->restart_counter = *counter;
	heartbeat_receive(b->h, &p, &m, b->now);
}

static void answer(struct bed *b, uint32_t counter)
{
	receive(b, &b->peer, MH_HB_R, last(b)->seq, &counter);
}

static void bindings(struct bed *b, uint32_t n)
{
	heartbeat_users(b->h, &b->peer, &b->us, n, b->now);
}

static struct heartbeat_info info(const struct bed *b)
{
	struct heartbeat_info i = {0};

	CU_ASSERT(heartbeat_info(b->h, &b->peer, &i));
	return i;
}

static enum heartbeat_state state(const struct bed *b)
{
	return info(b).state;
}

static void test_request_interval(void)
{
	struct bed b;
	nsec_t was = 0;
	uint32_t seq = 0;

	begin(&b);
	bindings(&b, 1);
	run(&b, NSEC_PER_SEC);
	CU_ASSERT_EQUAL(b.n, 1); /* within the first second */
	for (unsigned i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(last(&b)->flags, 0);
		CU_ASSERT_FALSE(last(&b)->has_counter); /* in responses only, RFC 5847 3.4 */
		CU_ASSERT(addr6_eq(&last(&b)->dst, &b.peer));
		CU_ASSERT(addr6_eq(&last(&b)->src, &b.us));
		if (was) {
			CU_ASSERT_EQUAL(last(&b)->seq, seq + 1);
			CU_ASSERT(last(&b)->at - was >= 60 * NSEC_PER_SEC);
			CU_ASSERT(last(&b)->at - was <= 64 * NSEC_PER_SEC);
		}
		seq = last(&b)->seq;
		was = last(&b)->at;
		answer(&b, 7);
		while (last(&b)->at == was)
			run(&b, NSEC_PER_SEC / 4);
	}
	CU_ASSERT_EQUAL(count(&b, HB_C_MISSED), 0);
	CU_ASSERT_EQUAL(count(&b, HB_C_RESPONSE_RECEIVED), 10);
	end(&b);
}

static void test_sequence_wraps(void)
{
	struct bed b;

	begin(&b);
	b.cfg.interval_s = 1;
	heartbeat_configure(b.h, &b.cfg, b.now);
	bindings(&b, 1);
	run(&b, NSEC_PER_SEC);
	/* whatever it began with, an answer to the number after the last is not believed */
	receive(&b, &b.peer, MH_HB_R, last(&b)->seq + 1, &(uint32_t){1});
	CU_ASSERT_EQUAL(state(&b), HB_UNKNOWN);
	answer(&b, 1);
	CU_ASSERT_EQUAL(state(&b), HB_UP);
	end(&b);
}

static void test_answers_requests(void)
{
	struct bed b;

	begin(&b);
	/* no binding whatever */
	receive(&b, &b.peer, 0, 0xfffffffe, NULL);
	CU_ASSERT_EQUAL_FATAL(b.n, 1);
	CU_ASSERT_EQUAL(last(&b)->flags, MH_HB_R);
	CU_ASSERT_EQUAL(last(&b)->seq, 0xfffffffe);
	CU_ASSERT(last(&b)->has_counter);
	CU_ASSERT_EQUAL(last(&b)->counter, 42);
	CU_ASSERT(addr6_eq(&last(&b)->dst, &b.peer));
	CU_ASSERT(addr6_eq(&last(&b)->src, &b.us));
	CU_ASSERT_EQUAL(last(&b)->port, 4000);
	end(&b);
}

static void test_only_with_bindings(void)
{
	struct bed b;

	begin(&b);
	run(&b, nsec_from_s(600));
	CU_ASSERT_EQUAL(b.n, 0);
	bindings(&b, 2);
	run(&b, nsec_from_s(1));
	CU_ASSERT_EQUAL(b.n, 1);
	bindings(&b, 1);
	bindings(&b, 0);
	run(&b, nsec_from_s(600));
	CU_ASSERT_EQUAL(b.n, 1);
	CU_ASSERT_EQUAL(count(&b, HB_C_MISSED), 0);
	CU_ASSERT_EQUAL(b.downs, 0);
	/* bindings that come and go do not make requests more frequent */
	for (unsigned i = 0; i < 59; i++) {
		bindings(&b, 1);
		run(&b, NSEC_PER_SEC / 2);
		bindings(&b, 0);
		run(&b, NSEC_PER_SEC / 2);
	}
	CU_ASSERT(b.n <= 2);
	end(&b);
}

static void test_missing(void)
{
	struct bed b;

	begin(&b);
	bindings(&b, 1);
	run(&b, nsec_from_s(1));
	answer(&b, 7);
	CU_ASSERT_EQUAL(state(&b), HB_UP);
	/* the next four find no answer; the fourth miss is noticed when the fifth is due */
	for (unsigned i = 1; b.n < 5; i++)
		run(&b, nsec_from_s(1));
	CU_ASSERT_EQUAL(info(&b).missing, 3);
	CU_ASSERT_EQUAL(b.downs, 0);
	CU_ASSERT_EQUAL(state(&b), HB_UP);
	while (b.n < 6)
		run(&b, nsec_from_s(1));
	CU_ASSERT_EQUAL(info(&b).missing, 4);
	CU_ASSERT_EQUAL(b.downs, 1);
	CU_ASSERT_EQUAL(state(&b), HB_DOWN);
	/* it is asked on, and told once */
	run(&b, nsec_from_s(600));
	CU_ASSERT(b.n > 10);
	CU_ASSERT_EQUAL(b.downs, 1);
	CU_ASSERT_EQUAL(b.ups, 0);
	answer(&b, 7);
	CU_ASSERT_EQUAL(b.ups, 1);
	CU_ASSERT_EQUAL(b.restarts, 0);
	CU_ASSERT_EQUAL(state(&b), HB_UP);
	CU_ASSERT_EQUAL(info(&b).missing, 0);
	end(&b);
}

static void test_answer_resets(void)
{
	struct bed b;

	begin(&b);
	bindings(&b, 1);
	for (unsigned round = 0; round < 5; round++) {
		const unsigned n = b.n;

		while (b.n < n + 3)
			run(&b, nsec_from_s(1));
		CU_ASSERT(info(&b).missing >= 2);
		answer(&b, 7);
		CU_ASSERT_EQUAL(info(&b).missing, 0);
	}
	CU_ASSERT_EQUAL(b.downs, 0);
	end(&b);
}

static void test_doubtful(void)
{
	struct bed b;

	begin(&b);
	bindings(&b, 1);
	for (unsigned miss = 0; miss <= 4; miss++) {
		const unsigned n = b.n;

		b.doubts = 0;
		while (b.n < n + miss + 1)
			run(&b, nsec_from_s(1));
		answer(&b, 7);
		CU_ASSERT_EQUAL(b.doubts, miss == 3);
		CU_ASSERT_EQUAL(b.ups, miss == 4);
	}
	end(&b);
}

static void test_none_allowed(void)
{
	struct bed b;

	begin(&b);
	b.cfg.missing_allowed = 0;
	heartbeat_configure(b.h, &b.cfg, b.now);
	bindings(&b, 1);
	while (b.n < 2)
		run(&b, nsec_from_s(1));
	CU_ASSERT_EQUAL(b.downs, 1);
	end(&b);
}

static void test_bindings_dropped(void)
{
	struct bed b;
	unsigned n;

	begin(&b);
	b.drop_all = true;
	bindings(&b, 9);
	while (!b.downs)
		run(&b, nsec_from_s(1));
	n = b.n;
	run(&b, nsec_from_s(600));
	CU_ASSERT_EQUAL(b.n, n);
	CU_ASSERT_EQUAL(state(&b), HB_DOWN);
	/* a new binding: asked again, and up when it answers, down no second time before */
	bindings(&b, 1);
	run(&b, nsec_from_s(600));
	CU_ASSERT(b.n > n);
	CU_ASSERT_EQUAL(b.downs, 1);
	answer(&b, 7);
	CU_ASSERT_EQUAL(b.ups, 1);
	end(&b);
}

static void test_restart(void)
{
	struct bed b;
	nsec_t asked;

	begin(&b);
	bindings(&b, 1);
	run(&b, nsec_from_s(1));
	answer(&b, 7); /* the first value is stored, RFC 5847 3.2 */
	CU_ASSERT_EQUAL(b.restarts, 0);
	CU_ASSERT_EQUAL(info(&b).restart_counter, 7);
	run(&b, nsec_from_s(64));
	answer(&b, 7);
	asked = last(&b)->at;
	CU_ASSERT_EQUAL(b.restarts, 0);
	run(&b, nsec_from_s(64));
	answer(&b, 8);
	CU_ASSERT_EQUAL(b.restarts, 1);
	CU_ASSERT_EQUAL(b.since, asked);
	CU_ASSERT_EQUAL(info(&b).restart_counter, 8);
	/* different is different, be it smaller */
	run(&b, nsec_from_s(64));
	answer(&b, 0);
	CU_ASSERT_EQUAL(b.restarts, 2);
	/* none at all says nothing */
	run(&b, nsec_from_s(64));
	receive(&b, &b.peer, MH_HB_R, last(&b)->seq, NULL);
	CU_ASSERT_EQUAL(b.restarts, 2);
	CU_ASSERT_EQUAL(info(&b).restart_counter, 0);
	end(&b);
}

static void test_restart_of_silent(void)
{
	struct bed b;

	begin(&b);
	bindings(&b, 1);
	run(&b, nsec_from_s(1));
	answer(&b, 7);
	run(&b, nsec_from_s(600));
	CU_ASSERT_EQUAL(state(&b), HB_DOWN);
	answer(&b, 8);
	CU_ASSERT_EQUAL(b.ups, 1);
	CU_ASSERT_EQUAL(b.restarts, 1);
	end(&b);
}

static void test_announce(void)
{
	struct bed b;

	begin(&b);
	heartbeat_announce(b.h, b.now);
	run(&b, nsec_from_s(1));
	CU_ASSERT_EQUAL_FATAL(b.n, 2); /* both peers */
	for (unsigned i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(b.sent[i].flags, MH_HB_R | MH_HB_U);
		CU_ASSERT(b.sent[i].has_counter);
		CU_ASSERT_EQUAL(b.sent[i].counter, 42);
	}
	CU_ASSERT_FALSE(addr6_eq(&b.sent[0].dst, &b.sent[1].dst));
	run(&b, nsec_from_s(600));
	CU_ASSERT_EQUAL(b.n, 2);
	end(&b);
}

static void test_unsolicited(void)
{
	struct bed b;
	uint32_t counter = 8;

	begin(&b);
	bindings(&b, 1);
	run(&b, nsec_from_s(1));
	answer(&b, 7);
	run(&b, nsec_from_s(5));
	/* its sequence number means nothing, and it gets no answer but a request of ours */
	receive(&b, &b.peer, MH_HB_R | MH_HB_U, 12345, &counter);
	CU_ASSERT_EQUAL(b.n, 2);
	CU_ASSERT_EQUAL(last(&b)->flags, 0);
	CU_ASSERT_EQUAL(b.restarts, 0);
	answer(&b, 8);
	CU_ASSERT_EQUAL(b.restarts, 1);
	/* what we know already causes nothing */
	run(&b, nsec_from_s(5));
	receive(&b, &b.peer, MH_HB_R | MH_HB_U, 12346, &counter);
	CU_ASSERT_EQUAL(b.n, 2);
	CU_ASSERT_EQUAL(b.restarts, 1);
	end(&b);
}

static void test_forged_unsolicited(void)
{
	struct bed b;
	unsigned n;

	begin(&b);
	bindings(&b, 1);
	run(&b, nsec_from_s(1));
	answer(&b, 7);
	n = b.n;
	for (uint32_t i = 0; i < 1000; i++) {
		receive(&b, &b.peer, MH_HB_R | MH_HB_U, i, &i);
		run(&b, nsec_from_ms(10));
	}
	/* ten seconds: a request a second at most, and the true answer decides */
	CU_ASSERT(b.n - n <= 11);
	answer(&b, 7);
	CU_ASSERT_EQUAL(b.restarts, 0);
	CU_ASSERT_EQUAL(count(&b, HB_C_MISSED), 0);
	end(&b);
}

static void test_binding_error(void)
{
	struct mh_msg be = {.type = MH_BE, .be = {.status = BE_UNKNOWN_MH_TYPE}};
	struct mh_msg be1 = {.type = MH_BE, .be = {.status = BE_UNKNOWN_BINDING}};
	struct packet p = {0};
	struct bed b;

	begin(&b);
	p.src = b.peer;
	p.dst = b.us;
	/* no request is open: it is about something else */
	CU_ASSERT_FALSE(heartbeat_binding_error(b.h, &p, &be, b.now));
	bindings(&b, 1);
	run(&b, nsec_from_s(1));
	CU_ASSERT_FALSE(heartbeat_binding_error(b.h, &p, &be1, b.now));
	p.src = b.other;
	CU_ASSERT_FALSE(heartbeat_binding_error(b.h, &p, &be, b.now));
	p.src = b.peer;
	CU_ASSERT_TRUE(heartbeat_binding_error(b.h, &p, &be, b.now));
	CU_ASSERT_EQUAL(state(&b), HB_UNSUPPORTED);
	run(&b, nsec_from_s(600));
	bindings(&b, 2);
	bindings(&b, 0);
	bindings(&b, 1);
	run(&b, nsec_from_s(600));
	CU_ASSERT_EQUAL(b.n, 1);
	CU_ASSERT_EQUAL(b.downs, 0);
	/* its own requests are answered as ever */
	receive(&b, &b.peer, 0, 1, NULL);
	CU_ASSERT_EQUAL(b.n, 2);
	run(&b, nsec_from_s(600));
	CU_ASSERT_EQUAL(b.n, 2);
	/* it shows a Restart Counter: it knows heartbeats now */
	receive(&b, &b.peer, MH_HB_R | MH_HB_U, 0, &(uint32_t){1});
	run(&b, nsec_from_s(61));
	CU_ASSERT(b.n > 2);
	end(&b);
}

static void test_unsupported_until_reload(void)
{
	struct mh_msg be = {.type = MH_BE, .be = {.status = BE_UNKNOWN_MH_TYPE}};
	struct packet p = {0};
	struct bed b;

	begin(&b);
	p.src = b.peer;
	bindings(&b, 1);
	run(&b, nsec_from_s(1));
	CU_ASSERT_TRUE(heartbeat_binding_error(b.h, &p, &be, b.now));
	const struct heartbeat_peer peers[] = {
		{b.peer, b.us},
	};
	CU_ASSERT_EQUAL(heartbeat_set_peers(b.h, peers, 1), 0);
	bindings(&b, 1);
	run(&b, nsec_from_s(61));
	CU_ASSERT_EQUAL(b.n, 2);
	/* the other one is a stranger now */
	receive(&b, &b.other, 0, 1, NULL);
	CU_ASSERT_EQUAL(b.n, 2);
	CU_ASSERT_EQUAL(count(&b, HB_C_STRANGER), 1);
	end(&b);
}

static void test_ip4(void)
{
	struct bed b;

	bed_init(&b, "192.0.2.1", "192.0.2.11", "192.0.2.12");
	bindings(&b, 1);
	run(&b, nsec_from_s(1));
	CU_ASSERT_EQUAL(b.n, 1);
	CU_ASSERT_EQUAL(last(&b)->port, 0); /* 5436 */
	CU_ASSERT(addr6_eq(&last(&b)->dst, &b.peer));
	answer(&b, 7);
	CU_ASSERT_EQUAL(state(&b), HB_UP);
	receive(&b, &b.peer, 0, 9, NULL);
	CU_ASSERT_EQUAL(last(&b)->port, 4000);
	end(&b);
}

static void test_strangers(void)
{
	struct bed b;
	const struct in6_addr stranger = addr("2001:db8:66::1");

	begin(&b);
	bindings(&b, 1);
	run(&b, nsec_from_s(1));
	receive(&b, &stranger, 0, 1, NULL);
	receive(&b, &stranger, MH_HB_R, last(&b)->seq, &(uint32_t){9});
	receive(&b, &stranger, MH_HB_R | MH_HB_U, 0, &(uint32_t){9});
	CU_ASSERT_EQUAL(b.n, 1);
	CU_ASSERT_EQUAL(count(&b, HB_C_STRANGER), 3);
	CU_ASSERT_EQUAL(state(&b), HB_UNKNOWN);
	/* another peer's answer is not the peer's */
	receive(&b, &b.other, MH_HB_R, last(&b)->seq, &(uint32_t){9});
	CU_ASSERT_EQUAL(state(&b), HB_UNKNOWN);
	CU_ASSERT_EQUAL(count(&b, HB_C_UNMATCHED), 1);
	end(&b);
}

static void test_unmatched(void)
{
	struct bed b;
	uint32_t first;

	begin(&b);
	receive(&b, &b.peer, MH_HB_R, 0, &(uint32_t){9}); /* nothing was asked */
	bindings(&b, 1);
	run(&b, nsec_from_s(1));
	first = last(&b)->seq;
	run(&b, nsec_from_s(64));
	receive(&b, &b.peer, MH_HB_R, first, &(uint32_t){9}); /* late */
	CU_ASSERT_EQUAL(count(&b, HB_C_UNMATCHED), 2);
	CU_ASSERT_FALSE(info(&b).has_counter);
	CU_ASSERT_EQUAL(info(&b).missing, 1);
	answer(&b, 7);
	answer(&b, 8); /* twice: the second could be anybody's */
	CU_ASSERT_EQUAL(count(&b, HB_C_UNMATCHED), 3);
	CU_ASSERT_EQUAL(info(&b).restart_counter, 7);
	CU_ASSERT_EQUAL(b.restarts, 0);
	end(&b);
}

static void test_answers_limited(void)
{
	struct bed b;

	begin(&b);
	for (uint32_t i = 0; i < 1000; i++)
		receive(&b, &b.peer, 0, i, NULL);
	CU_ASSERT_EQUAL(b.n, 10);
	CU_ASSERT_EQUAL(count(&b, HB_C_LIMITED), 990);
	/* another peer has its own measure */
	receive(&b, &b.other, 0, 1, NULL);
	CU_ASSERT_EQUAL(b.n, 11);
	run(&b, nsec_from_s(1));
	for (uint32_t i = 0; i < 1000; i++)
		receive(&b, &b.peer, 0, i, NULL);
	CU_ASSERT_EQUAL(b.n, 21);
	end(&b);
}

static void test_off(void)
{
	struct bed b;

	begin(&b);
	b.cfg.interval_s = 0;
	heartbeat_configure(b.h, &b.cfg, b.now);
	bindings(&b, 1);
	run(&b, nsec_from_s(600));
	CU_ASSERT_EQUAL(b.n, 0);
	receive(&b, &b.peer, 0, 1, NULL);
	CU_ASSERT_EQUAL(b.n, 1);
	b.cfg.interval_s = 1;
	heartbeat_configure(b.h, &b.cfg, b.now);
	run(&b, nsec_from_s(1));
	CU_ASSERT_EQUAL(b.n, 2);
	b.cfg.interval_s = 0;
	heartbeat_configure(b.h, &b.cfg, b.now);
	run(&b, nsec_from_s(600));
	CU_ASSERT_EQUAL(b.n, 2);
	end(&b);
}

static void test_local_address(void)
{
	struct bed b;

	begin(&b);
	heartbeat_users(b.h, &b.peer, &b.us2, 1, b.now);
	run(&b, nsec_from_s(1));
	CU_ASSERT(addr6_eq(&last(&b)->src, &b.us2));
	end(&b);
}

static void test_send_fails(void)
{
	struct bed b;

	begin(&b);
	b.send_result = -12;
	bindings(&b, 1);
	run(&b, nsec_from_s(600));
	CU_ASSERT(count(&b, HB_C_SEND_FAILED) > 5);
	CU_ASSERT_EQUAL(count(&b, HB_C_REQUEST_SENT), 0);
	CU_ASSERT_EQUAL(b.downs, 1);
	end(&b);
}

static void test_rtt(void)
{
	struct bed b;

	begin(&b);
	bindings(&b, 1);
	while (!b.n)
		run(&b, nsec_from_ms(1));
	CU_ASSERT_FALSE(info(&b).has_rtt);
	b.now = last(&b)->at + nsec_from_ms(30);
	answer(&b, 7);
	CU_ASSERT(info(&b).has_rtt);
	CU_ASSERT_EQUAL(info(&b).rtt, nsec_from_ms(30));
	end(&b);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"B-1 RFC 5847 3: a request every HEARTBEAT_INTERVAL, numbers count up",
		 test_request_interval},
		{"B-1 RFC 5847 3: numbers wrap and only the last is answered",										  test_sequence_wraps},
		{"B-1 B-4 RFC 5847 3.2: the answer copies the number and holds our Restart Counter",
		 test_answers_requests},
		{"B-2 RFC 5847 3: requests only while there are bindings", test_only_with_bindings},
		{"B-3 RFC 5847 3.1: down on the fourth miss, up with an answer",										  test_missing},
		{"B-3 RFC 5847 3.1: an answer resets MISSING_HEARTBEAT",								 test_answer_resets},
		{"B-3 an answer after as many misses as are allowed is told as doubtful",
		 test_doubtful},
		{"B-3 RFC 5847 3.1: with none allowed the first miss is enough",										  test_none_allowed},
		{"B-3 down() may end all bindings; the peer is asked again with the next",
		 test_bindings_dropped},
		{"B-5 RFC 5847 3.2: another Restart Counter is a restart, the first is stored",
		 test_restart},
		{"B-5 RFC 5847 3.2: a peer that was down may have restarted as well",
		 test_restart_of_silent},
		{"B-6 RFC 5847 3.2: every peer is told of our restart, unsolicited",test_announce},
		{"B-6 RFC 5847 3.2: an unsolicited response is verified by a request at once",
		 test_unsolicited},
		{"B-6 forged unsolicited responses cause a request a second, and no restart",
		 test_forged_unsolicited},
		{"B-8 RFC 5847 3: Binding Error status 2 ends requests, till a Restart Counter",
		 test_binding_error},
		{"B-8 RFC 5847 3: ... or till the configuration is read again",
		 test_unsupported_until_reload},
		{"B-9 RFC 5847 4: IPv4 peers by UDP, answered to their port",										  test_ip4},
		{"strangers' heartbeats are counted and not answered",										      test_strangers},
		{"answers that are late, twice or unasked are counted and not believed",
		 test_unmatched},
		{"answers are rate-limited for each peer",										  test_answers_limited},
		{"interval 0 sends no requests and answers; a reload turns it on and off",
		 test_off},
		{"requests come from the address that the bindings use",	 test_local_address},
		{"what cannot be sent counts as lost",										  test_send_fails},
		{"the round trip is measured",						      test_rtt},
		{0		       },
	};
	return cu_main("heartbeat", tests, argc, argv);
}
