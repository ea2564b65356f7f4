/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two MAGs on benches, `a` at 2001:db8:1::1 and `b` at 2001:db8:11::1, that are neighbours of each
 * other. What one sends to the other waits until a test carries it over.
 */
#pragma once

#include "mag_harness.h"

#define MAG_A "2001:db8:1::1"
#define MAG_B "2001:db8:11::1"
#define AP_A  "02:aa:00:00:00:01"
#define AP_B  "corridor-5GHz"

struct side {
	struct bench *bench;
	struct mag_neighbour_cfg neighbour;
	size_t carried; /* messages looked at by carry() */
};

struct pair {
	struct side a, b;
	unsigned lose;	  /* so many of the next messages between them are lost */
	unsigned carried; /* HI and HAck that arrived */
};

static struct mag_fho_cfg fho_defaults(void) UNUSED;
static struct mag_fho_cfg fho_defaults(void)
{
	return (struct mag_fho_cfg){.hi_timeout_ms = 100,
				    .hi_retries = 3,
				    .forwarding_ms = 10000,
				    .settle_ms = 500,
				    .leave_ms = 2000,
				    .max = 100};
}

static void side_init(struct side *s, const char *own, const char *name, const char *other,
		      const char *ap)
{
	struct bench *b = s->bench = bench_new();

	s->neighbour = (struct mag_neighbour_cfg){
		.addr = ADDR(other), .encap = DP_ENCAP_MAX, .n_ap_ids = 1};
	snprintf(s->neighbour.name, sizeof(s->neighbour.name), "%s", name);
	snprintf(s->neighbour.ap_ids[0], sizeof(s->neighbour.ap_ids[0]), "%s", ap);
	b->cfg.proxy_coa = ADDR(own);
	b->cfg.neighbours = &s->neighbour;
	b->cfg.n_neighbours = 1;
	b->cfg.fho = fho_defaults();
}

/* Tests may change the configurations before pair_start(). */
static void pair_init(struct pair *p) UNUSED;
static void pair_init(struct pair *p)
{
	memset(p, 0, sizeof(*p));
	side_init(&p->a, MAG_A, "mag-b", MAG_B, AP_B);
	side_init(&p->b, MAG_B, "mag-a", MAG_A, AP_A);
	dp_fake_set_first_key(p->b.bench->fake, 0x700);
}

static void pair_start(struct pair *p) UNUSED;
static void pair_start(struct pair *p)
{
	bench_start(p->a.bench);
	bench_start(p->b.bench);
}

static void pair_up(struct pair *p) UNUSED;
static void pair_up(struct pair *p)
{
	pair_init(p);
	pair_start(p);
}

static uint64_t ho_counter(const struct bench *b, const char *name) UNUSED;
static uint64_t ho_counter(const struct bench *b, const char *name)
{
	struct counter_set c = mag_handover_counters(b->m);
	size_t i;

	for (i = 0; i < c.n; i++) {
		if (!strcmp(c.desc[i].name, name))
			return c.value[i];
	}
	printf("no counter %s\n", name);
	CU_FAIL("no such counter");
	return 0;
}

static void pair_free(struct pair *p) UNUSED;
static void pair_free(struct pair *p)
{
	if (p->a.bench->m)
		CU_ASSERT_EQUAL(ho_counter(p->a.bench, "unexpected_event"), 0);
	if (p->b.bench->m)
		CU_ASSERT_EQUAL(ho_counter(p->b.bench, "unexpected_event"), 0);
	bench_free(p->a.bench);
	bench_free(p->b.bench);
}

static bool is_fho(const struct sent *s)
{
	return s->msg.type == MH_HI || s->msg.type == MH_HACK;
}

static void hand_over_message(struct bench *to, const struct sent *s) UNUSED;
static void hand_over_message(struct bench *to, const struct sent *s)
{
	struct mh_msg *in = malloc(sizeof(*in));
	struct packet pkt = {.src = s->src, .dst = s->dst, .data = s->buf, .len = s->len};

	CU_ASSERT_EQUAL_FATAL(mh_decode(in, s->buf, s->len, &s->src, &s->dst), MH_OK);
	mag_receive(to->m, &pkt, in, to->now);
	free(in);
}

static unsigned carry_from(struct pair *p, struct side *from, struct side *to)
{
	unsigned n = 0;

	for (; from->carried < from->bench->n_sent; from->carried++) {
		const struct sent s = from->bench->sent[from->carried];

		if (!is_fho(&s) || !addr6_eq(&s.dst, &to->bench->cfg.proxy_coa))
			continue;
		n++;
		if (p->lose) {
			p->lose--;
			continue;
		}
		p->carried++;
		hand_over_message(to->bench, &s);
	}
	return n;
}

/* All that waits, and what comes of it. */
static void carry(struct pair *p) UNUSED;
static void carry(struct pair *p)
{
	while (carry_from(p, &p->a, &p->b) + carry_from(p, &p->b, &p->a))
		;
}

/* One way only, as far as it goes now. */
static void carry_a(struct pair *p) UNUSED;
static void carry_a(struct pair *p)
{
	carry_from(p, &p->a, &p->b);
}

static void carry_b(struct pair *p) UNUSED;
static void carry_b(struct pair *p)
{
	carry_from(p, &p->b, &p->a);
}

/* Nothing of this is carried. */
static void lose_all(struct pair *p) UNUSED;
static void lose_all(struct pair *p)
{
	p->a.carried = p->a.bench->n_sent;
	p->b.carried = p->b.bench->n_sent;
}

/* Time passes for both, messages take none. */
static void pair_run(struct pair *p, uint64_t ms) UNUSED;
static void pair_run(struct pair *p, uint64_t ms)
{
	const nsec_t until = p->a.bench->now + nsec_from_ms(ms);

	for (;;) {
		nsec_t next = nsec_min(mag_next(p->a.bench->m), mag_next(p->b.bench->m));

		if (next > until)
			break;
		if (next < p->a.bench->now)
			next = p->a.bench->now;
		run_to(p->a.bench, next);
		run_to(p->b.bench, next);
		carry(p);
	}
	p->a.bench->now = p->b.bench->now = until;
}

/* The newest message of that type that was sent. */
static const struct sent *sent_last(const struct bench *b, uint8_t type) UNUSED;
static const struct sent *sent_last(const struct bench *b, uint8_t type)
{
	for (size_t i = b->n_sent; i-- > 0;) {
		if (b->sent[i].msg.type == type)
			return &b->sent[i];
	}
	CU_FAIL_FATAL("nothing of that type was sent");
	return NULL;
}

static unsigned sent_count(const struct bench *b, uint8_t type) UNUSED;
static unsigned sent_count(const struct bench *b, uint8_t type)
{
	unsigned n = 0;

	for (size_t i = 0; i < b->n_sent; i++)
		n += b->sent[i].msg.type == type;
	return n;
}

static void accept_last_pbu(struct bench *b) UNUSED;
static void accept_last_pbu(struct bench *b)
{
	answer(b, &(struct reply){.to = sent_last(b, MH_BU)});
}

/* The identifier that the realm gives to node `i`. */
static struct mnid id_of(unsigned i) UNUSED;
static struct mnid id_of(unsigned i)
{
	static char buf[64];

	snprintf(buf, sizeof(buf), "02-00-00-00-%02x-%02x@example.com", i >> 8, i & 0xff);
	return NAI(buf);
}

static int trigger(struct bench *b, unsigned i, const char *ap) UNUSED;
static int trigger(struct bench *b, unsigned i, const char *ap)
{
	const struct mnid id = id_of(i);

	return mag_handover(b->m, &id, ap, b->now);
}

static int attach_from(struct bench *b, unsigned ifindex, unsigned i, const char *ap) UNUSED;
static int attach_from(struct bench *b, unsigned ifindex, unsigned i, const char *ap)
{
	struct mag_attachment at = attachment(ifindex, i);

	at.prev_ap = ap;
	return mag_attach(b->m, &at, b->now);
}

/* Node 1 is at `a`, registered with 2001:db8:100:1::/64. */
static void pair_active(struct pair *p) UNUSED;
static void pair_active(struct pair *p)
{
	CU_ASSERT_EQUAL_FATAL(attach(p->a.bench, 7, 1), 0);
	accept_it(p->a.bench);
	CU_ASSERT_FATAL(in_state(p->a.bench, 1, "ACTIVE"));
}

/* The tunnel's other end, "" for none. */
static const char *far_end(const struct bench *b, dp_ref ref) UNUSED;
static const char *far_end(const struct bench *b, dp_ref ref)
{
	static char buf[ADDR6_STRLEN];
	const struct dp_peer *p = ref ? dp_fake_peer(b->fake, ref) : NULL;

	return p ? addr6_str(&p->remote, buf) : "";
}

#define LMA1 "2001:db8:2::1"

/* A message of `from`, which need not be a MAG at all. */
static void receive_ho(struct bench *b, const char *from, const struct mh_msg *m) UNUSED;
static void receive_ho(struct bench *b, const char *from, const struct mh_msg *m)
{
	struct in6_addr src = ADDR(from);
	struct sent s = {.src = src, .dst = b->cfg.proxy_coa};
	int len = mh_encode(m, s.buf, sizeof(s.buf), &s.src, &s.dst);

	CU_ASSERT_FATAL(len > 0);
	s.len = (size_t)len;
	hand_over_message(b, &s);
}

static struct mh_msg hi_msg(uint16_t seq, uint8_t flags, uint8_t code, unsigned i) UNUSED;
static struct mh_msg hi_msg(uint16_t seq, uint8_t flags, uint8_t code, unsigned i)
{
	static struct mh_msg m;

	m = (struct mh_msg){
		.type = MH_HI, .ho = {seq, flags, code}
	       };
	mh_opt_add(&m, MHO_MN_ID)->mnid = id_of(i);
	return m;
}

static struct mh_msg *with_context(struct mh_msg *m, const char *prefix, const char *lma,
				   const struct mac *mac) UNUSED;
static struct mh_msg *with_context(struct mh_msg *m, const char *prefix, const char *lma,
				   const struct mac *mac)
{
	static struct in6_addr a;
	struct mh_opt *o;

	if (prefix)
		mh_opt_add(m, MHO_HNP)->hnp.prefix = PREFIX(prefix);
	if (lma) {
		a = ADDR(lma);
		o = mh_opt_add(m, MHO_LMA_ADDRESS);
		o->lma.code = LMA_ADDR_IPV6;
		o->lma.len = 16;
		o->lma.octets = a.s6_addr;
	}
	if (mac)
		mh_opt_add(m, MHO_MN_LLID)->llid = (struct llid){.len = 6, .id = mac->b};
	return m;
}

struct seen_handover {
	unsigned n, open;
	struct mag_handover first;
	char result[64], id[MAG_HANDOVER_ID_MAX];
};

static void seen_cb(void *ctx, const struct mag_handover *h) UNUSED;
static void seen_cb(void *ctx, const struct mag_handover *h)
{
	struct seen_handover *s = ctx;

	if (!s->n++) {
		s->first = *h;
		snprintf(s->result, sizeof(s->result), "%s", h->result ? h->result : "");
		snprintf(s->id, sizeof(s->id), "%s", h->mn_id);
	}
	s->open += !h->result;
}

/* The handover that is shown first: one in progress, or the last that is over. */
static struct seen_handover seen(const struct bench *b) UNUSED;
static struct seen_handover seen(const struct bench *b)
{
	struct seen_handover s = {0};

	mag_walk_handovers(b->m, b->now, seen_cb, &s);
	return s;
}
