/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is shown of fast handovers: how long their steps took, what was kept, what onlookers hear. */
#include "fho_harness.h"

#include "mag/mag_fho.h"

/* What both sides tell, in order. */
static struct {
	struct {
		struct event ev;
		struct dp_buffered buffer;
		struct event_handover handover;
		char cause[64];
		uint8_t type; /* of a message */
	} heard[100];
	unsigned n;
} onlooker;

static void hear(void *ctx, const struct event *ev)
{
	unsigned i = onlooker.n;

	if (i == ARRAY_SIZE(onlooker.heard))
		return;
	onlooker.n++;
	onlooker.heard[i].ev = *ev;
	onlooker.heard[i].type = ev->msg ? ev->msg->type : 0;
	if (ev->buffer)
		onlooker.heard[i].buffer = *ev->buffer;
	if (ev->handover)
		onlooker.heard[i].handover = *ev->handover;
	snprintf(onlooker.heard[i].cause, sizeof(onlooker.heard[i].cause), "%s",
		 ev->cause ? ev->cause : "");
}

static void watch(struct bench *b)
{
	memset(&onlooker, 0, sizeof(onlooker));
	b->sink = (struct event_sink){.emit = hear};
}

static uint64_t dropped(const struct dp_buffered *b)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < DP_BUFFER_DROP_MAX; i++)
		n += b->dropped[i];
	return n;
}

static void expect_buffer(struct dp_buffered b, unsigned waiting, unsigned kept, unsigned handed_on,
			  unsigned lost)
{
	CU_ASSERT_EQUAL(b.packets, waiting);
	CU_ASSERT_EQUAL(b.kept, kept);
	CU_ASSERT_EQUAL(b.handed_on, handed_on);
	CU_ASSERT_EQUAL(dropped(&b), lost);
	CU_ASSERT_EQUAL(b.kept, b.packets + b.handed_on + dropped(&b));
}

/* Node 1 is announced by `a` to `b`, which keeps what comes for it. */
static void announce(struct pair *p)
{
	CU_ASSERT_EQUAL(trigger(p->a.bench, 1, AP_B), 0);
	carry(p);
	CU_ASSERT_TRUE(in_state(p->b.bench, 1, "EXPECTED"));
}

static void arrive(struct bench *b, unsigned packets)
{
	CU_ASSERT_EQUAL(dp_fake_arrive(b->fake, shown(b, 1).b.session, packets, 100), 0);
}

static void test_steps(void)
{
	struct mag_handover shown_first;
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	CU_ASSERT_EQUAL(seen(a).first.answer, NSEC_NEVER);
	CU_ASSERT_EQUAL(mag_handovers(a->m), 1);
	a->now += nsec_from_ms(7);
	b->now += nsec_from_ms(7);
	carry(&p);
	CU_ASSERT_EQUAL(seen(a).first.answer, nsec_from_ms(7));
	CU_ASSERT_EQUAL(seen(b).first.answer, NSEC_NEVER);
	shown_first = seen(a).first;
	CU_ASSERT_TRUE(addr6_eq(&shown_first.address, &b->cfg.proxy_coa));

	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	CU_ASSERT_EQUAL(seen(b).first.registration, NSEC_NEVER);
	b->now += nsec_from_ms(20);
	a->now += nsec_from_ms(20);
	accept_last_pbu(b);
	CU_ASSERT_EQUAL(seen(b).first.registration, nsec_from_ms(20));
	CU_ASSERT_EQUAL(seen(a).first.registration, NSEC_NEVER);
	/* a later registration is none of the handover's */
	pair_run(&p, 2000);
	CU_ASSERT_STRING_EQUAL(seen(b).result, "completed");
	CU_ASSERT_EQUAL(seen(b).first.registration, nsec_from_ms(20));
	CU_ASSERT_EQUAL(seen(b).first.answer, NSEC_NEVER);
	CU_ASSERT_EQUAL(seen(a).first.answer, nsec_from_ms(7));
	CU_ASSERT_EQUAL(ho_counter(a, "answer_10ms"), 1);
	CU_ASSERT_EQUAL(ho_counter(b, "register_30ms"), 1);
	CU_ASSERT_EQUAL(ho_counter(a, "whole_1s"), 1);
	CU_ASSERT_EQUAL(ho_counter(b, "whole_1s"), 1);
	CU_ASSERT_EQUAL(mag_handovers(a->m), 0);
	pair_free(&p);
}

/* The registration was faster than the context. */
static void test_registered_before_the_context(void)
{
	struct pair p;
	struct bench *b;

	pair_up(&p);
	b = p.b.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(attach_from(b, 9, 1, AP_A), 0);
	lose_all(&p);
	run_to(b, b->now + nsec_from_ms(100));
	CU_ASSERT_TRUE(in_state(b, 1, "REGISTERING"));
	b->now += nsec_from_ms(30);
	accept_last_pbu(b);
	CU_ASSERT_EQUAL(seen(b).first.registration, nsec_from_ms(130));
	CU_ASSERT_EQUAL(ho_counter(b, "register_300ms"), 1);
	CU_ASSERT_EQUAL(seen(b).first.retransmissions, 1);
	pair_free(&p);
}

struct nth {
	unsigned left;
	struct mag_handover h;
};

static void take_nth(void *ctx, const struct mag_handover *h)
{
	struct nth *n = ctx;

	if (!n->left--)
		n->h = *h;
}

static struct mag_handover seen_nth(const struct bench *b, unsigned left)
{
	struct nth n = {.left = left};

	mag_walk_handovers(b->m, b->now, take_nth, &n);
	return n.h;
}

static void test_buffer_of_its_own(void)
{
	const char *why;
	struct pair p;
	struct bench *a, *b;

	pair_up(&p);
	a = p.a.bench;
	b = p.b.bench;
	dp_fake_limit_buffer(b->fake, 10, 0, 0);
	pair_active(&p);
	announce(&p);
	arrive(b, 12);
	expect_buffer(seen(b).first.buffered, 10, 12, 0, 2);
	CU_ASSERT_EQUAL(seen(b).first.buffered.max_packets, 10);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	accept_last_pbu(b);
	pair_run(&p, 1000);
	expect_buffer(seen(b).first.buffered, 0, 12, 10, 2);
	CU_ASSERT_EQUAL(seen(b).first.buffered.dropped[DP_BUFFER_NODE_PACKETS], 2);
	expect_buffer(seen(a).first.buffered, 0, 0, 0, 0);

	/* the same session in another handover begins at nothing; what was stays as it was */
	b->cfg.fho.buffer_at_old = true;
	CU_ASSERT_EQUAL(mag_reload(b->m, &b->cfg, &b->profiles, &why, b->now), 0);
	CU_ASSERT_EQUAL(trigger(b, 1, AP_A), 0);
	carry(&p);
	CU_ASSERT_STRING_EQUAL(seen(b).first.state, "BUFFERING");
	expect_buffer(seen(b).first.buffered, 0, 0, 0, 0);
	arrive(b, 3);
	expect_buffer(seen(b).first.buffered, 3, 3, 0, 0);
	expect_buffer(seen_nth(b, 1).buffered, 0, 12, 10, 2);
	CU_ASSERT_EQUAL(detach_node(b, 9, 1), 0);
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	carry(&p);
	accept_last_pbu(a);
	pair_run(&p, 2000);
	/* they went to the other gateway */
	CU_ASSERT_STRING_EQUAL(seen(b).result, "completed");
	expect_buffer(seen(b).first.buffered, 0, 3, 3, 0);
	expect_buffer(seen_nth(b, 1).buffered, 0, 12, 10, 2);
	pair_free(&p);
}

/* What waits when nobody comes is discarded, and shown as that. */
static void test_buffer_of_who_never_came(void)
{
	struct pair p;
	struct bench *b;

	pair_up(&p);
	b = p.b.bench;
	pair_active(&p);
	announce(&p);
	arrive(b, 5);
	pair_run(&p, 12000);
	CU_ASSERT_STRING_EQUAL(seen(b).result, "node never arrived");
	expect_buffer(seen(b).first.buffered, 0, 5, 0, 5);
	CU_ASSERT_EQUAL(seen(b).first.buffered.dropped[DP_BUFFER_DISCARDED], 5);
	CU_ASSERT_EQUAL(seen(b).first.session, 0);
	pair_free(&p);
}

/* With U the old gateway keeps them; what goes back to the node was delivered. */
static void test_buffer_at_the_old_one(void)
{
	struct pair p;
	struct bench *a;

	pair_init(&p);
	p.a.bench->cfg.fho.buffer_at_old = true;
	pair_start(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	carry(&p);
	CU_ASSERT_STRING_EQUAL(seen(a).first.state, "BUFFERING");
	arrive(a, 3);
	expect_buffer(seen(a).first.buffered, 3, 3, 0, 0);
	CU_ASSERT_EQUAL(detach_node(a, 7, 1), 0);
	CU_ASSERT_EQUAL(attach(a, 7, 1), 0);
	expect_buffer(seen(a).first.buffered, 0, 3, 3, 0);
	pair_run(&p, 1000);
	CU_ASSERT_STRING_EQUAL(seen(a).result, "node returned");
	expect_buffer(seen(a).first.buffered, 0, 3, 3, 0);
	pair_free(&p);
}

static void add_latency(void *ctx, const struct mag_latency *l)
{
	struct mag_latency *sum = ctx;

	/* without gaps, and open at the end */
	CU_ASSERT_EQUAL(l->from_ms, sum->below_ms);
	CU_ASSERT_TRUE(!l->below_ms || l->below_ms > l->from_ms);
	sum->below_ms = l->below_ms;
	sum->answer += l->answer;
	sum->registration += l->registration;
	sum->whole += l->whole;
	if (l->answer)
		sum->from_ms = l->from_ms;
}

static void test_histogram(void)
{
	struct mag_latency sum = {0};
	struct pair p;
	struct bench *a;

	pair_up(&p);
	a = p.a.bench;
	pair_active(&p);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	a->now += nsec_from_ms(10);
	p.b.bench->now += nsec_from_ms(10);
	carry(&p);
	mag_walk_latencies(a->m, add_latency, &sum);
	CU_ASSERT_EQUAL(sum.below_ms, 0);
	CU_ASSERT_EQUAL(sum.answer, 1);
	/* a bound belongs to the bucket above it */
	CU_ASSERT_EQUAL(sum.from_ms, 10);
	CU_ASSERT_EQUAL(sum.registration, 0);
	CU_ASSERT_EQUAL(sum.whole, 0);
	pair_free(&p);
}

static void test_repetitions_are_told(void)
{
	unsigned nth = 0, in = 0, out = 0;
	struct pair p;
	struct bench *a, *b;

	pair_init(&p);
	a = p.a.bench;
	b = p.b.bench;
	pair_start(&p);
	pair_active(&p);
	watch(a);
	CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
	lose_all(&p);
	run_to(a, a->now + nsec_from_ms(100));
	run_to(a, a->now + nsec_from_ms(200));
	CU_ASSERT_EQUAL_FATAL(sent_count(a, MH_HI), 3);
	for (unsigned i = 0; i < onlooker.n; i++) {
		if (onlooker.heard[i].ev.type != EV_MSG_SENT)
			continue;
		CU_ASSERT_EQUAL(onlooker.heard[i].type, MH_HI);
		CU_ASSERT_EQUAL(onlooker.heard[i].ev.repeat, nth++);
	}
	CU_ASSERT_EQUAL(nth, 3);
	CU_ASSERT_EQUAL(seen(a).first.retransmissions, 2);

	/* the last two of them arrive, and both are answered */
	watch(b);
	b->now = a->now;
	hand_over_message(b, &a->sent[a->n_sent - 2]);
	hand_over_message(b, &a->sent[a->n_sent - 1]);
	for (unsigned i = 0; i < onlooker.n; i++) {
		if (onlooker.heard[i].ev.type == EV_MSG_RCVD)
			CU_ASSERT_EQUAL(onlooker.heard[i].ev.repeat, in++);
		if (onlooker.heard[i].ev.type == EV_MSG_SENT)
			CU_ASSERT_EQUAL(onlooker.heard[i].ev.repeat, out++);
	}
	CU_ASSERT_EQUAL(in, 2);
	CU_ASSERT_EQUAL(out, 2);
	CU_ASSERT_EQUAL(ho_counter(b, "hi_repeated"), 1);
	pair_free(&p);
}

static void test_end_is_told(void)
{
	unsigned over = 0;
	struct pair p;
	struct bench *b;

	pair_up(&p);
	b = p.b.bench;
	pair_active(&p);
	announce(&p);
	arrive(b, 4);
	CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
	b->now += nsec_from_ms(2);
	p.a.bench->now = b->now;
	accept_last_pbu(b);
	watch(b);
	pair_run(&p, 1000);
	for (unsigned i = 0; i < onlooker.n; i++) {
		const struct event *ev = &onlooker.heard[i].ev;

		if (ev->type == EV_STATE && !strcmp(onlooker.heard[i].ev.role, "mag") &&
		    ev->machine)
			CU_ASSERT_STRING_EQUAL(ev->machine, "handover");
		if (ev->type != EV_HANDOVER_OVER)
			continue;
		over++;
		CU_ASSERT_STRING_EQUAL(onlooker.heard[i].cause, "completed");
		CU_ASSERT_STRING_EQUAL(onlooker.heard[i].handover.side, "new");
		CU_ASSERT_STRING_EQUAL(onlooker.heard[i].handover.mode, "predictive");
		CU_ASSERT_EQUAL(onlooker.heard[i].handover.registration, nsec_from_ms(2));
		CU_ASSERT_EQUAL(onlooker.heard[i].handover.answer, NSEC_NEVER);
		CU_ASSERT_EQUAL(ev->took, nsec_from_ms(502));
		expect_buffer(onlooker.heard[i].buffer, 0, 4, 4, 0);
	}
	CU_ASSERT_EQUAL(over, 1);
	pair_free(&p);
}

static void count_neighbour(void *ctx, const struct mag_neighbour_info *i)
{
	unsigned *handovers = ctx;

	CU_ASSERT_STRING_EQUAL(i->cfg->name, "mag-b");
	CU_ASSERT_STRING_EQUAL(i->cfg->ap_ids[0], AP_B);
	CU_ASSERT_FALSE(i->no_fho);
	*handovers = i->handovers;
}

static void test_neighbours(void)
{
	unsigned handovers = 0;
	struct pair p;

	pair_up(&p);
	pair_active(&p);
	announce(&p);
	mag_walk_neighbours(p.a.bench->m, p.a.bench->now, count_neighbour, &handovers);
	CU_ASSERT_EQUAL(handovers, 1);
	pair_free(&p);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"each step of a handover has its time, and its bucket", test_steps},
		{"a registration that is faster than the context has its time, too", test_registered_before_the_context},
		{"a handover counts the packets of its own time, also when it is over", test_buffer_of_its_own},
		{"packets for a node that never came are shown as discarded", test_buffer_of_who_never_came},
		{"packets kept at the old gateway are shown there", test_buffer_at_the_old_one},
		{"the histogram has no gaps, and every answer once", test_histogram},
		{"RFC 5568 6.2.1.1 repeated messages are told as what they are", test_repetitions_are_told},
		{"the end of a handover is told with its result", test_end_is_told},
		{"neighbours are shown with what goes on with them", test_neighbours},
		{0},
	};
	// clang-format on
	return cu_main("fho_views", tests, argc, argv);
}
