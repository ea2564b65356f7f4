/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/revocation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "lib/cu.h"

#define SENT_MAX 32

struct sent {
	struct in6_addr src, dst;
	uint16_t port;
	nsec_t at;
	size_t len;
	uint8_t data[256];
};

struct outcome {
	unsigned calls;
	struct revocation_result last;
	nsec_t at;
	unsigned n_opts;
};

struct bed {
	struct env env;
	struct deadlines deadlines;
	struct revocation *r;
	nsec_t now, born;
	unsigned n, refused;
	struct sent sent[SENT_MAX];
	uint64_t rng;
	int send_result;
	struct outcome got[4];
	struct in6_addr us, peer, other;
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

	if (b->send_result)
		return b->send_result;
	CU_ASSERT_FATAL(p->len <= sizeof(s->data));
	*s = (struct sent){
		.src = p->src, .dst = p->dst, .port = p->port, .at = b->now, .len = p->len};
	memcpy(s->data, p->data, p->len);
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

static void on_event(void *ctx, const struct event *ev)
{
	struct bed *b = ctx;

	b->refused += ev->type == EV_REFUSED;
}

static const struct event_sink *sink(struct bed *b)
{
	static struct event_sink s;

	s = (struct event_sink){b, on_event};
	return &s;
}

static void begin_with(struct bed *b, uint64_t rng, const char *us, const char *peer)
{
	const struct revocation_cfg cfg = {REVOCATION_INIT_MIN_DELAY_MS, REVOCATION_MAX_TIMEOUT_MS,
					   REVOCATION_MAX_RETRIES};

	memset(b, 0, sizeof(*b));
	b->rng = rng;
	b->us = addr(us);
	b->peer = addr(peer);
	b->other = addr("2001:db8:12::1");
	b->born = b->now = 5 * NSEC_PER_SEC;
	b->env = (struct env){.ctx = b, .send = net_send, .random = net_random};
	CU_ASSERT_EQUAL_FATAL(revocation_new(&b->r, "lma", &cfg, &b->env, &b->deadlines, sink(b)),
			      0);
	const struct in6_addr peers[] = {b->peer, b->other};
	CU_ASSERT_EQUAL_FATAL(revocation_set_peers(b->r, peers, 2), 0);
}

static void begin(struct bed *b)
{
	begin_with(b, 1, "2001:db8:2::1", "2001:db8:11::1");
}

static void end(struct bed *b)
{
	revocation_free(&b->r);
	CU_ASSERT_EQUAL(b->deadlines.n, 0);
}

static void run(struct bed *b, nsec_t for_)
{
	const nsec_t until = b->now + for_;

	while (deadline_next(&b->deadlines) <= until) {
		b->now = deadline_next(&b->deadlines);
		deadline_run(&b->deadlines, NULL, b->now);
	}
	b->now = until;
}

static uint64_t count(const struct bed *b, enum revocation_counter c)
{
	return revocation_counters(b->r).value[c];
}

static void on_done(void *arg, const struct revocation_result *res, nsec_t now)
{
	struct outcome *o = arg;

	o->calls++;
	o->last = *res;
	o->at = now;
	o->n_opts = res->msg ? res->msg->n_opts : 0;
}

static const struct mnid node = {MNID_NAI, 15, (const uint8_t *)"mn1@example.com"};

static int order_as(struct bed *b, const struct in6_addr *peer, uint8_t trigger, uint16_t flags,
		    struct outcome *o)
{
	const struct revocation_path path = {b->us, *peer, 0};
	struct mh_msg m = {
		.br = {.code = trigger, .flags = flags}
	       };

	if (!(flags & MH_BR_G))
		mh_opt_add(&m, MHO_MN_ID)->mnid = node;
	return revocation_send(b->r, &path, &m, on_done, o, b->now);
}

static int order(struct bed *b, struct outcome *o)
{
	return order_as(b, &b->peer, BR_ADMINISTRATIVE, MH_BR_P, o);
}

static void ack_as(struct bed *b, const struct in6_addr *from, uint16_t seq, uint8_t status,
		   uint16_t flags)
{
	const struct packet p = {.src = *from, .dst = b->us};
	struct mh_msg m = {
		.type = MH_BINDING_REVOCATION, .br = {BR_ACKNOWLEDGEMENT, status, seq, flags}
	     };

	if (status == BRA_PARTIAL_SUCCESS)
		mh_opt_add(&m, MHO_MN_ID)->mnid = node;
	CU_ASSERT_FALSE(revocation_receive(b->r, &p, &m, b->now));
}

static void ack(struct bed *b, int id, uint8_t status)
{
	ack_as(b, &b->peer, (uint16_t)id, status, MH_BR_P);
}

static bool binding_error(struct bed *b, uint8_t status)
{
	const struct packet p = {.src = b->peer, .dst = b->us};
	struct mh_msg m = {.type = MH_BE};

	m.be.status = status;
	return revocation_binding_error(b->r, &p, &m, b->now);
}

/* ---- */

static void test_answer_settles(void)
{
	struct bed b;
	struct mh_msg m;
	int id;

	begin(&b);
	id = order(&b, &b.got[0]);
	CU_ASSERT_FATAL(id >= 0);
	CU_ASSERT_EQUAL_FATAL(b.n, 1);
	CU_ASSERT(addr6_eq(&b.sent[0].dst, &b.peer));
	CU_ASSERT(addr6_eq(&b.sent[0].src, &b.us));
	CU_ASSERT_EQUAL_FATAL(mh_decode(&m, b.sent[0].data, b.sent[0].len, &b.us, &b.peer), MH_OK);
	CU_ASSERT_EQUAL(m.type, MH_BINDING_REVOCATION);
	CU_ASSERT_EQUAL(m.br.type, BR_INDICATION);
	CU_ASSERT_EQUAL(m.br.code, BR_ADMINISTRATIVE);
	CU_ASSERT_EQUAL(m.br.seq, id);
	CU_ASSERT_EQUAL(m.br.flags, MH_BR_P);
	CU_ASSERT(mnid_eq(&mh_opt(&m, MHO_MN_ID)->mnid, &node));
	CU_ASSERT_EQUAL(b.got[0].calls, 0);

	b.now += nsec_from_ms(20);
	ack(&b, id, BRA_PARTIAL_SUCCESS);
	CU_ASSERT_EQUAL(b.got[0].calls, 1);
	CU_ASSERT_EQUAL(b.got[0].last.outcome, REV_ANSWERED);
	CU_ASSERT_EQUAL(b.got[0].last.status, BRA_PARTIAL_SUCCESS);
	CU_ASSERT_EQUAL(b.got[0].n_opts, 1);
	CU_ASSERT(addr6_eq(&b.got[0].last.peer, &b.peer));
	CU_ASSERT_EQUAL(revocation_outstanding(b.r), 0);
	CU_ASSERT_EQUAL(count(&b, REV_C_ACKED), 1);
	run(&b, 10 * NSEC_PER_SEC);
	CU_ASSERT_EQUAL(b.n, 1);
	CU_ASSERT_EQUAL(b.got[0].calls, 1);
	/* the same answer again answers nothing */
	ack(&b, id, BRA_SUCCESS);
	CU_ASSERT_EQUAL(count(&b, REV_C_UNMATCHED), 1);
	end(&b);
}

static void test_repetition(void)
{
	struct bed b;

	begin(&b);
	order(&b, &b.got[0]);
	run(&b, 20 * NSEC_PER_SEC);
	CU_ASSERT_EQUAL_FATAL(b.n, 2);
	CU_ASSERT_EQUAL(b.sent[1].at - b.born, NSEC_PER_SEC);
	CU_ASSERT_EQUAL_FATAL(b.sent[0].len, b.sent[1].len);
	CU_ASSERT(!memcmp(b.sent[0].data, b.sent[1].data, b.sent[0].len));
	CU_ASSERT(addr6_eq(&b.sent[1].dst, &b.peer));
	CU_ASSERT_EQUAL(b.got[0].calls, 1);
	CU_ASSERT_EQUAL(b.got[0].last.outcome, REV_NO_ANSWER);
	CU_ASSERT_PTR_NULL(b.got[0].last.msg);
	CU_ASSERT_EQUAL(b.got[0].at - b.born, 3 * NSEC_PER_SEC);
	CU_ASSERT_EQUAL(count(&b, REV_C_NO_ANSWER), 1);
	CU_ASSERT_EQUAL(count(&b, REV_C_REPEATED), 1);
	end(&b);
}

static void test_backoff(void)
{
	const struct revocation_cfg cfg = {500, 3000, 4};
	static const unsigned at_ms[] = {0, 500, 1500, 3500, 6500};
	struct bed b;

	begin(&b);
	revocation_configure(b.r, &cfg);
	order(&b, &b.got[0]);
	run(&b, 60 * NSEC_PER_SEC);
	CU_ASSERT_EQUAL_FATAL(b.n, ARRAY_SIZE(at_ms));
	for (unsigned i = 0; i < b.n; i++)
		CU_ASSERT_EQUAL(b.sent[i].at - b.born, nsec_from_ms(at_ms[i]));
	CU_ASSERT_EQUAL(b.got[0].at - b.born, nsec_from_ms(9500));
	end(&b);
}

static void test_floor(void)
{
	const struct revocation_cfg cfg = {10, 20, 1};
	struct bed b;

	begin(&b);
	revocation_configure(b.r, &cfg);
	order(&b, &b.got[0]);
	run(&b, 60 * NSEC_PER_SEC);
	CU_ASSERT_EQUAL(b.sent[1].at - b.born, nsec_from_ms(500));
	CU_ASSERT_EQUAL(b.got[0].at - b.born, nsec_from_ms(1000));
	end(&b);
}

static void test_late_answer(void)
{
	struct bed b;
	int id;

	begin(&b);
	id = order(&b, &b.got[0]);
	run(&b, nsec_from_ms(2900));
	ack(&b, id, BRA_MN_IS_ATTACHED);
	CU_ASSERT_EQUAL(b.got[0].calls, 1);
	CU_ASSERT_EQUAL(b.got[0].last.status, BRA_MN_IS_ATTACHED);
	CU_ASSERT_EQUAL(count(&b, REV_C_REFUSED), 1);
	run(&b, 10 * NSEC_PER_SEC);
	CU_ASSERT_EQUAL(b.got[0].calls, 1);
	end(&b);
}

static void test_numbers_differ(void)
{
	struct bed b;
	bool used[65536] = {0};
	int first, id;

	begin_with(&b, 99, "2001:db8:2::1", "2001:db8:11::1");
	first = id = order(&b, &b.got[0]);
	for (unsigned i = 0; i < REVOCATION_OUTSTANDING_MAX; i++) {
		if (i)
			id = order(&b, &b.got[0]);
		CU_ASSERT_FATAL(id >= 0 && id < 65536);
		CU_ASSERT_FALSE_FATAL(used[id]);
		used[id] = true;
	}
	CU_ASSERT_EQUAL(order(&b, &b.got[0]), -ENOBUFS);
	CU_ASSERT_EQUAL(count(&b, REV_C_FULL), 1);
	/* round the whole space: what is still open is left out */
	for (unsigned i = 0; i < 65536; i++) {
		if (used[i] && (int)i != first)
			revocation_cancel(b.r, (int)i);
	}
	for (unsigned i = 0; i < 70000; i++) {
		id = order(&b, &b.got[1]);
		CU_ASSERT_FATAL(id >= 0 && id != first);
		revocation_cancel(b.r, id);
	}
	CU_ASSERT_EQUAL(b.got[0].calls + b.got[1].calls, 0);
	end(&b);
	/* another start for another life */
	begin_with(&b, 100, "2001:db8:2::1", "2001:db8:11::1");
	CU_ASSERT_NOT_EQUAL(order(&b, &b.got[0]), first);
	end(&b);
}

static void test_no_match(void)
{
	struct bed b;
	int id;

	begin(&b);
	id = order(&b, &b.got[0]);
	ack_as(&b, &b.peer, (uint16_t)(id + 1), BRA_SUCCESS, MH_BR_P);
	ack_as(&b, &b.other, (uint16_t)id, BRA_SUCCESS, MH_BR_P); /* another peer's */
	ack_as(&b, &b.peer, (uint16_t)id, BRA_SUCCESS, 0);
	ack_as(&b, &b.peer, (uint16_t)id, BRA_SUCCESS, MH_BR_P | MH_BR_V);
	ack_as(&b, &b.peer, (uint16_t)id, BRA_SUCCESS, MH_BR_P | MH_BR_G);
	CU_ASSERT_EQUAL(b.got[0].calls, 0);
	CU_ASSERT_EQUAL(count(&b, REV_C_UNMATCHED), 5);
	/* reserved bits are to be ignored */
	ack_as(&b, &b.peer, (uint16_t)id, BRA_SUCCESS, MH_BR_P | 0x1fff);
	CU_ASSERT_EQUAL(b.got[0].calls, 1);
	end(&b);
}

static void test_strangers(void)
{
	struct bed b;
	const struct in6_addr stranger = addr("2001:db8:bad::1");
	const struct packet p = {.src = stranger, .dst = addr("2001:db8:2::1")};
	const struct packet q = {.src = addr("2001:db8:11::1"), .dst = addr("2001:db8:2::1")};
	struct mh_msg m = {
		.type = MH_BINDING_REVOCATION, .br = {BR_INDICATION, 1, 7, MH_BR_P}
	   };
	int id;

	begin(&b);
	id = order(&b, &b.got[0]);
	CU_ASSERT_FALSE(revocation_receive(b.r, &p, &m, b.now));
	ack_as(&b, &stranger, (uint16_t)id, BRA_SUCCESS, MH_BR_P);
	CU_ASSERT_EQUAL(count(&b, REV_C_STRANGER), 2);
	CU_ASSERT_EQUAL(b.refused, 2);
	CU_ASSERT_EQUAL(b.got[0].calls, 0);
	CU_ASSERT_EQUAL(b.n, 1);

	CU_ASSERT_TRUE(revocation_receive(b.r, &q, &m, b.now));
	CU_ASSERT_EQUAL(count(&b, REV_C_RECEIVED), 1);
	m.br.type = 3;
	CU_ASSERT_FALSE(revocation_receive(b.r, &q, &m, b.now));
	m.br.type = 0;
	CU_ASSERT_FALSE(revocation_receive(b.r, &q, &m, b.now));
	CU_ASSERT_EQUAL(count(&b, REV_C_MALFORMED), 2);
	CU_ASSERT_EQUAL(b.n, 1);
	end(&b);
}

static void test_cancel(void)
{
	struct bed b;
	int id;

	begin(&b);
	id = order(&b, &b.got[0]);
	revocation_cancel(b.r, id);
	revocation_cancel(b.r, id);
	ack(&b, id, BRA_SUCCESS);
	run(&b, 10 * NSEC_PER_SEC);
	CU_ASSERT_EQUAL(b.got[0].calls, 0);
	CU_ASSERT_EQUAL(b.n, 1);
	CU_ASSERT_EQUAL(count(&b, REV_C_CANCELLED), 1);
	end(&b);
}

static void test_send_failure_is_loss(void)
{
	struct bed b;
	int id;

	begin(&b);
	b.send_result = -ENOBUFS;
	id = order(&b, &b.got[0]);
	CU_ASSERT_FATAL(id >= 0);
	CU_ASSERT_EQUAL(count(&b, REV_C_SEND_FAILED), 1);
	b.send_result = 0;
	run(&b, NSEC_PER_SEC);
	CU_ASSERT_EQUAL(b.n, 1);
	ack(&b, id, BRA_SUCCESS);
	CU_ASSERT_EQUAL(b.got[0].calls, 1);
	end(&b);
}

static void test_binding_error(void)
{
	struct bed b;
	int other;

	begin(&b);
	CU_ASSERT_FALSE(binding_error(&b, BE_UNKNOWN_MH_TYPE));
	order(&b, &b.got[0]);
	order(&b, &b.got[1]);
	other = order_as(&b, &b.other, BR_ADMINISTRATIVE, MH_BR_P, &b.got[2]);
	CU_ASSERT_FALSE(binding_error(&b, BE_UNKNOWN_BINDING));
	CU_ASSERT_TRUE(binding_error(&b, BE_UNKNOWN_MH_TYPE));
	run(&b, 0);
	CU_ASSERT_EQUAL(b.got[0].calls, 1);
	CU_ASSERT_EQUAL(b.got[0].last.outcome, REV_UNSUPPORTED);
	CU_ASSERT_EQUAL(b.got[1].calls, 1);
	CU_ASSERT_EQUAL(b.got[2].calls, 0);
	CU_ASSERT_EQUAL(order(&b, &b.got[0]), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(b.n, 3);
	ack_as(&b, &b.other, (uint16_t)other, BRA_SUCCESS, MH_BR_P);
	CU_ASSERT_EQUAL(b.got[2].last.outcome, REV_ANSWERED);
	/* until the configuration is read again */
	const struct in6_addr peers[] = {b.peer};
	CU_ASSERT_EQUAL(revocation_set_peers(b.r, peers, 1), 0);
	CU_ASSERT(order(&b, &b.got[0]) >= 0);
	end(&b);
}

static void test_unsupported_status(void)
{
	struct bed b;
	int id;

	begin(&b);
	id = order_as(&b, &b.peer, BR_HANDOVER_UNKNOWN, MH_BR_P, &b.got[0]);
	ack(&b, id, BRA_TRIGGER_NOT_SUPPORTED);
	CU_ASSERT_EQUAL(order_as(&b, &b.peer, BR_HANDOVER_UNKNOWN, MH_BR_P, &b.got[0]),
			-EOPNOTSUPP);
	CU_ASSERT(order(&b, &b.got[0]) >= 0);

	id = order_as(&b, &b.peer, BR_PER_PEER_POLICY, MH_BR_P | MH_BR_G, &b.got[1]);
	ack_as(&b, &b.peer, (uint16_t)id, BRA_FUNCTION_NOT_SUPPORTED, MH_BR_P | MH_BR_G);
	CU_ASSERT_EQUAL(order_as(&b, &b.peer, BR_LOCAL_POLICY, MH_BR_P | MH_BR_G, &b.got[1]),
			-EOPNOTSUPP);
	CU_ASSERT(order_as(&b, &b.peer, BR_ADMINISTRATIVE, MH_BR_P | MH_BR_V, &b.got[0]) >= 0);

	id = order(&b, &b.got[2]);
	ack(&b, id, BRA_PROXY_NOT_SUPPORTED);
	CU_ASSERT_EQUAL(b.got[2].last.status, BRA_PROXY_NOT_SUPPORTED);
	CU_ASSERT_EQUAL(order(&b, &b.got[2]), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(order_as(&b, &b.peer, BR_ADMINISTRATIVE, MH_BR_P | MH_BR_V, &b.got[0]),
			-EOPNOTSUPP);
	/* other refusals are about the binding, and of other peers it says nothing */
	id = order_as(&b, &b.other, BR_ADMINISTRATIVE, MH_BR_P, &b.got[3]);
	ack_as(&b, &b.other, (uint16_t)id, BRA_NO_BINDING, MH_BR_P);
	CU_ASSERT(order_as(&b, &b.other, BR_ADMINISTRATIVE, MH_BR_P, &b.got[3]) >= 0);
	end(&b);
}

static void test_peer_gone(void)
{
	struct bed b;
	int id;

	begin(&b);
	id = order(&b, &b.got[0]);
	CU_ASSERT_EQUAL(revocation_set_peers(b.r, &b.other, 1), 0);
	run(&b, 10 * NSEC_PER_SEC);
	CU_ASSERT_EQUAL(b.got[0].calls, 1);
	CU_ASSERT_EQUAL(b.got[0].last.outcome, REV_NO_ANSWER);
	/* it may answer what it was asked, and say nothing else */
	CU_ASSERT_EQUAL(revocation_set_peers(b.r, &b.peer, 1), 0);
	id = order(&b, &b.got[1]);
	CU_ASSERT_EQUAL(revocation_set_peers(b.r, &b.other, 1), 0);
	ack(&b, id + 1, BRA_SUCCESS);
	CU_ASSERT_EQUAL(b.got[1].calls, 0);
	ack(&b, id, BRA_TRIGGER_NOT_SUPPORTED);
	CU_ASSERT_EQUAL(b.got[1].calls, 1);
	CU_ASSERT_EQUAL(b.got[1].last.outcome, REV_ANSWERED);
	CU_ASSERT_EQUAL(b.got[1].last.status, BRA_TRIGGER_NOT_SUPPORTED);
	ack(&b, id, BRA_SUCCESS);
	CU_ASSERT_EQUAL(b.got[1].calls, 1);
	CU_ASSERT_EQUAL(revocation_counters(b.r).value[REV_C_STRANGER], 2);
	end(&b);
}

static void test_over_udp(void)
{
	struct bed b;
	struct mh_msg bri = {
		.type = MH_BINDING_REVOCATION,
		.br = {BR_INDICATION, BR_ADMINISTRATIVE, 77, MH_BR_P}
	     };
	struct mh_msg bra;
	struct packet in;

	begin_with(&b, 1, "192.0.2.1", "192.0.2.11");
	const struct revocation_path path = {b.us, b.peer, 40001};
	struct mh_msg m = {
		.br = {.code = BR_ADMINISTRATIVE, .flags = MH_BR_P}
	   };
	mh_opt_add(&m, MHO_MN_ID)->mnid = node;
	CU_ASSERT(revocation_send(b.r, &path, &m, on_done, &b.got[0], b.now) >= 0);
	run(&b, NSEC_PER_SEC);
	CU_ASSERT_EQUAL_FATAL(b.n, 2);
	CU_ASSERT_EQUAL(b.sent[0].port, 40001);
	CU_ASSERT_EQUAL(b.sent[1].port, 40001);
	CU_ASSERT_EQUAL(b.sent[0].data[4] | b.sent[0].data[5], 0); /* RFC 5844 4.1 */

	in = (struct packet){.src = b.peer, .dst = b.us, .port = 40002};
	CU_ASSERT_TRUE(revocation_receive(b.r, &in, &bri, b.now));
	revocation_bra(&bra, &bri, BRA_SUCCESS);
	revocation_answer(b.r, &in, &bra, b.now);
	CU_ASSERT_EQUAL(b.sent[2].port, 40002);
	CU_ASSERT(addr6_eq(&b.sent[2].dst, &b.peer));
	end(&b);
}

static void test_bra_copies(void)
{
	struct bed b;
	const struct packet in = {.src = addr("2001:db8:11::1"), .dst = addr("2001:db8:2::9")};
	struct mh_msg bri = {
		.type = MH_BINDING_REVOCATION,
		.br = {BR_INDICATION, BR_PER_PEER_POLICY, 4711, 0xffff}
	       };
	struct mh_msg bra, m;

	begin(&b);
	revocation_bra(&bra, &bri, BRA_GLOBAL_NOT_AUTHORIZED);
	revocation_answer(b.r, &in, &bra, b.now);
	CU_ASSERT_EQUAL_FATAL(b.n, 1);
	CU_ASSERT(addr6_eq(&b.sent[0].src, &in.dst));
	CU_ASSERT(addr6_eq(&b.sent[0].dst, &in.src));
	CU_ASSERT_EQUAL(mh_decode(&m, b.sent[0].data, b.sent[0].len, &in.dst, &in.src), MH_OK);
	CU_ASSERT_EQUAL(m.br.type, BR_ACKNOWLEDGEMENT);
	CU_ASSERT_EQUAL(m.br.code, BRA_GLOBAL_NOT_AUTHORIZED);
	CU_ASSERT_EQUAL(m.br.seq, 4711);
	CU_ASSERT_EQUAL(m.br.flags, MH_BR_P | MH_BR_V | MH_BR_G);
	CU_ASSERT_EQUAL(count(&b, REV_C_ACK_SENT), 1);
	end(&b);
}

static void test_check(void)
{
	static const struct {
		uint8_t trigger;
		uint16_t flags;
		uint8_t status;
	} t[] = {
		{0,   MH_BR_P,		     BRA_SUCCESS		},
		{7,   MH_BR_P,		     BRA_SUCCESS		},
		{8,   MH_BR_P,		     BRA_TRIGGER_NOT_SUPPORTED },
		{127, MH_BR_P,		       BRA_TRIGGER_NOT_SUPPORTED },
		{130, MH_BR_P | MH_BR_G,		 BRA_TRIGGER_NOT_SUPPORTED },
		{250, MH_BR_P,		       BRA_TRIGGER_NOT_SUPPORTED },
		{255, MH_BR_P | MH_BR_G,		 BRA_TRIGGER_NOT_SUPPORTED },
		{1,   MH_BR_P | MH_BR_V,	       BRA_SUCCESS		  },
		{1,   MH_BR_P | MH_BR_G,	       BRA_FUNCTION_NOT_SUPPORTED},
		{128, MH_BR_P,		       BRA_FUNCTION_NOT_SUPPORTED},
		{129, MH_BR_P,		       BRA_FUNCTION_NOT_SUPPORTED},
		{128, MH_BR_P | MH_BR_G,		 BRA_SUCCESS		    },
		{129, MH_BR_P | MH_BR_G,		 BRA_SUCCESS		    },
		{129, MH_BR_P | MH_BR_G | MH_BR_V, BRA_FUNCTION_NOT_SUPPORTED},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		const struct mh_msg m = {
			.type = MH_BINDING_REVOCATION,
			.br = {BR_INDICATION, t[i].trigger, 1, t[i].flags},
		};

		CU_ASSERT_EQUAL(revocation_check(&m), t[i].status);
	}
}

static struct mnid nai(const char *s)
{
	return (struct mnid){MNID_NAI, (uint8_t)strlen(s), (const uint8_t *)s};
}

static void test_realm(void)
{
	static const struct {
		const char *id, *realm;
		bool in;
	} t[] = {
		{"1234abdelta@example.com",	    "@example.com",   true },
		{"axxxyzd@EXAMPLE.com",		"@example.COM",	true },
		{"1234abdelta@foo.example.com", "@example.com",	false},
		{"a@example.com",		  "@ample.com",	false},
		{"a@example.com",		  "example.com",	 false},
		{"a@example.com",		  "b@example.com",  false},
		{"a@b@example.com",		    "@b@example.com", false},
		{"a@b@example.com",		    "@example.com",   true },
		{"example.com",			"@example.com",	false},
		{"a@",			  "@",		    false},
		{"",			    "@example.com",   false},
		{"a@example.com",		  "",		      false},
	};
	struct mnid id, realm;

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		id = nai(t[i].id);
		realm = nai(t[i].realm);
		CU_ASSERT_EQUAL(revocation_in_realm(&id, &realm), t[i].in);
	}
	id = nai("a@example.com");
	realm = nai("@example.com");
	realm.subtype = 2;
	CU_ASSERT_FALSE(revocation_names_realm(&realm));
	CU_ASSERT_FALSE(revocation_in_realm(&id, &realm));
	realm.subtype = MNID_NAI;
	id.subtype = 3;
	CU_ASSERT_FALSE(revocation_in_realm(&id, &realm));
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"an acknowledgement settles its indication, once",			    test_answer_settles},
		{"an indication is repeated octet by octet and given up after 3 s",
		 test_repetition},
		{"waits double up to MAX_BRACK_TIMEOUT for BRIMaxRetriesNumber repetitions",
		 test_backoff},
		{"the first wait is half a second at least", test_floor},
		{"an acknowledgement counts until the last wait is over",									  test_late_answer},
		{"outstanding indications have different numbers, and there is a limit",
		 test_numbers_differ},
		{"an acknowledgement counts with number, peer and flags of its indication",
		 test_no_match},
		{"strangers and types that do not exist are counted and not heard",									    test_strangers},
		{"a cancelled indication is neither repeated nor answered",							    test_cancel},
		{"a network that refuses counts as loss",  test_send_failure_is_loss},
		{"a peer that answers with a Binding Error gets no more indications",
		 test_binding_error},
		{"statuses 133 to 135 are remembered for trigger, kind and peer",
		 test_unsupported_status},
		{"an indication to who is no peer any more ends with its answer, or without",
		 test_peer_gone},
		{"over IPv4 both directions use the other end's port",									  test_over_udp},
		{"an answer copies number and flags and goes where the indication came from",
		 test_bra_copies},
		{"triggers are judged by registry and by the G flag",	      test_check},
		{"a realm is exactly that realm",									  test_realm},
		{0						   },
	};

	return cu_main("revocation", tests, argc, argv);
}
