/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory runs out at each allocation that either MAG makes at each step of a fast handover, in turn.
 * Once there is memory again the node is served where it is, retransmissions and triggers being all
 * the help there is, and nothing is left behind. The data planes under test keep their own memory.
 */
#include "fho_harness.h"

#include "lib/oom.h"
#include "oom_plane.h"

static const struct told_vendor vendors[] = {
	{31353, 1, 5, "alpha"},
	{31353, 2, 4, "beta"},
};

struct scene {
	struct pair p;
	struct oom_plane plane_a, plane_b;
	size_t answered_a, answered_b; /* messages looked at by anchor() */
};

static void start_on(struct bench *b, struct oom_plane *plane)
{
	*plane = (struct oom_plane){.dp = {.ops = &oom_plane_ops}, .below = dp_fake_dataplane(b->fake)};
	tunnels_free(&b->tunnels);
	CU_ASSERT_EQUAL_FATAL(tunnels_new(&b->tunnels, &plane->dp), 0);
	CU_ASSERT_EQUAL_FATAL(mag_new(&b->m, &b->cfg, &b->env, &plane->dp, b->tunnels, &b->profiles,
				      &b->links, &b->sink),
			      0);
}

/* Answers what that MAG has asked since the last time; with memory. */
static void anchor(struct bench *b, size_t *answered)
{
	for (; *answered < b->n_sent; ++*answered) {
		const struct sent s = b->sent[*answered];

		if (s.msg.type == MH_BU)
			answer(b, &(struct reply){.to = &s, .vendors = vendors, .n_vendors = 2});
	}
}

static void scene_up(struct scene *x, enum mag_gre gre)
{
	pair_init(&x->p);
	x->answered_a = x->answered_b = 0;
	x->p.a.bench->cfg.gre = x->p.b.bench->cfg.gre = gre;
	x->p.a.bench->node_address = ADDR("fe80::77");
	start_on(x->p.a.bench, &x->plane_a);
	start_on(x->p.b.bench, &x->plane_b);
	CU_ASSERT_EQUAL_FATAL(attach(x->p.a.bench, 7, 1), 0);
	anchor(x->p.a.bench, &x->answered_a);
	CU_ASSERT_FATAL(in_state(x->p.a.bench, 1, "ACTIVE"));
}

/* As carry() does, without an allocation of its own. */
static void deliver(struct side *from, struct side *to)
{
	static struct mh_msg in;

	for (; from->carried < from->bench->n_sent; from->carried++) {
		const struct sent *s = &from->bench->sent[from->carried];
		const struct packet pkt = {.src = s->src, .dst = s->dst, .data = s->buf, .len = s->len};

		if (!is_fho(s) || mh_decode(&in, s->buf, s->len, &s->src, &s->dst) != MH_OK)
			continue;
		mag_receive(to->bench->m, &pkt, &in, to->bench->now);
	}
}

/* The LMA's last answer of that kind comes to `b`, where memory is scarce; the harness has it. */
static void pba(struct scene *x)
{
	const unsigned left = oom.left;

	/* the harness allocates once for itself */
	if (left)
		oom.left = left + 1;
	for (; x->answered_b < x->p.b.bench->n_sent; x->answered_b++) {
		const struct sent *s = &x->p.b.bench->sent[x->answered_b];

		if (s->msg.type != MH_BU)
			continue;
		answer(x->p.b.bench,
		       &(struct reply){.to = s, .vendors = vendors, .n_vendors = 2});
		x->answered_b++;
		return;
	}
}

static void settle(struct scene *x)
{
	struct bench *b = x->p.b.bench;

	run_to(b, b->now + nsec_from_ms(500));
	x->p.a.bench->now = b->now;
}

static void step_trigger(struct scene *x)
{
	const int err = trigger(x->p.a.bench, 1, AP_B);

	CU_ASSERT_TRUE(!err || err == -ENOMEM);
}

static void step_to_b(struct scene *x)
{
	deliver(&x->p.a, &x->p.b);
}

static void step_to_a(struct scene *x)
{
	deliver(&x->p.b, &x->p.a);
}

static void step_arrive(struct scene *x)
{
	const int err = attach(x->p.b.bench, 9, 1);

	CU_ASSERT_TRUE(!err || err == -ENOMEM);
}

static void step_arrive_from(struct scene *x)
{
	const int err = attach_from(x->p.b.bench, 9, 1, AP_A);

	CU_ASSERT_TRUE(!err || err == -ENOMEM);
}

/* Whatever came of it, in the end the node is at `b` alone. */
static void comes_to_rest(struct scene *x)
{
	struct bench *a = x->p.a.bench, *b = x->p.b.bench;

	(void)detach_node(a, 7, 1);
	for (unsigned i = 0; i < 40; i++) {
		if (!shown(b, 1).found || in_state(b, 1, "EXPECTED"))
			CU_ASSERT_EQUAL(attach(b, 9, 1), 0);
		pair_run(&x->p, 500);
		anchor(a, &x->answered_a);
		anchor(b, &x->answered_b);
	}
	CU_ASSERT_TRUE(in_state(b, 1, "ACTIVE"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(forwarding(b, HNP1));
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->down.kind, DP_TO_LINK);
	CU_ASSERT_STRING_EQUAL(far_end(b, forwarding(b, HNP1)->up.peer), LMA1);
	CU_ASSERT_EQUAL(forwarding(b, HNP1)->also_from, 0);
	CU_ASSERT_EQUAL(mag_count(a->m), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(a->fake), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(a->fake), 0);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->fake), 1);
	CU_ASSERT_EQUAL(dp_fake_peers(b->fake), 1);
	CU_ASSERT_EQUAL(seen(a).open + seen(b).open, 0);
}

typedef void (*step_fn)(struct scene *x);

/* How often memory was missed in all. */
static unsigned each_step(const step_fn *step, unsigned n_steps, enum mag_gre gre)
{
	unsigned failures = 0;

	for (unsigned at = 0; at < n_steps; at++) {
		bool failed = true;

		for (unsigned n = 1; failed; n++) {
			struct scene x;

			scene_up(&x, gre);
			for (unsigned i = 0; i < n_steps; i++) {
				if (i == at)
					fail_at(n);
				step[i](&x);
				if (i == at)
					failed = memory_again();
			}
			failures += failed;
			comes_to_rest(&x);
			pair_free(&x.p);
		}
	}
	return failures;
}

static void test_predictive(void)
{
	static const step_fn steps[] = {step_trigger, step_to_b, step_to_a, step_arrive,
					pba,	      settle,    step_to_a, step_to_b};

	CU_ASSERT_TRUE(each_step(steps, ARRAY_SIZE(steps), MAG_GRE_NONE) > 8);
	CU_ASSERT_TRUE(each_step(steps, ARRAY_SIZE(steps), MAG_GRE_KEYS) > 8);
}

static void test_reactive(void)
{
	static const step_fn steps[] = {step_arrive_from, step_to_a, step_to_b, pba,
					settle,		  step_to_a, step_to_b};

	CU_ASSERT_TRUE(each_step(steps, ARRAY_SIZE(steps), MAG_GRE_NONE) > 8);
	CU_ASSERT_TRUE(each_step(steps, ARRAY_SIZE(steps), MAG_GRE_KEYS) > 8);
}

/* What cannot be made is not sent, not even as nothing, and is no message without an answer. */
static void test_message_not_made(void)
{
	struct scene x;
	struct bench *a;
	bool made = false;
	unsigned not_made = 0;

	for (unsigned n = 1; !made; n++) {
		scene_up(&x, MAG_GRE_NONE);
		a = x.p.a.bench;
		lose_all(&x.p);
		fail_at(n);
		made = !trigger(a, 1, AP_B);
		made &= !memory_again();
		for (size_t i = 0; i < a->n_sent; i++)
			CU_ASSERT_TRUE(a->sent[i].len > 0);
		CU_ASSERT_EQUAL(sent_count(a, MH_HI), made);
		CU_ASSERT_EQUAL(ho_counter(a, "hi_sent"), made);
		if (ho_counter(a, "not_made")) {
			not_made++;
			run_ms(a, 0);
			CU_ASSERT_EQUAL(seen(a).open, 0);
			CU_ASSERT_EQUAL(ho_counter(a, "unanswered"), 0);
			CU_ASSERT_TRUE(in_state(a, 1, "ACTIVE"));
			CU_ASSERT_EQUAL(trigger(a, 1, AP_B), 0);
			CU_ASSERT_EQUAL(sent_count(a, MH_HI), 1);
		}
		pair_free(&x.p);
	}
	CU_ASSERT_EQUAL(not_made, 1);
}

/* The handover goes on without them. */
static void test_vendors_without_memory(void)
{
	const struct mac mac = MAC(1);
	static struct mh_msg m, in;
	struct scene x;
	struct bench *b;
	uint8_t buf[MH_MAX_LEN];
	unsigned lost = 0;
	bool failed = true;

	for (unsigned n = 1; failed; n++) {
		struct in6_addr src = ADDR(MAG_A), dst = ADDR(MAG_B);
		struct packet pkt = {.src = src, .dst = dst, .data = buf};
		struct mag_vendor v;
		unsigned at = 0;
		int len;

		scene_up(&x, MAG_GRE_NONE);
		b = x.p.b.bench;
		m = hi_msg(1, MH_HI_P | MH_HI_F, HI_CODE_ALL_CONTEXT, 1);
		add_vendor(with_context(&m, HNP1, LMA1, &mac), &vendors[0]);
		len = mh_encode(&m, buf, sizeof(buf), &src, &dst);
		CU_ASSERT_FATAL(len > 0);
		pkt.len = (size_t)len;
		CU_ASSERT_EQUAL_FATAL(mh_decode(&in, buf, pkt.len, &src, &dst), MH_OK);
		fail_at(n);
		mag_receive(b->m, &pkt, &in, b->now);
		failed = memory_again();
		/* it is expected with its addresses, or not at all */
		CU_ASSERT_TRUE(!mag_count(b->m) || forwarding(b, HNP1));
		if (ho_counter(b, "vendor_not_kept")) {
			lost++;
			CU_ASSERT_TRUE(in_state(b, 1, "EXPECTED"));
			CU_ASSERT_EQUAL(counter(b, "vendor_options_not_kept"), 1);
			CU_ASSERT_FALSE(mag_vendors_next(shown(b, 1).b.vendors, &at, &v));
		}
		pair_free(&x.p);
	}
	CU_ASSERT_EQUAL(lost, 1);
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"without memory at any step a predictive handover ends well all the same", test_predictive},
		{"without memory at any step a reactive handover ends well all the same", test_reactive},
		{"a Handover Initiate that cannot be made is not sent", test_message_not_made},
		{"without memory for Vendor Specific options the handover goes on", test_vendors_without_memory},
		{0},
	};
	// clang-format on
	return cu_main("fho_oom", tests, argc, argv);
}
