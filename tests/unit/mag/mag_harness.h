/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A MAG on a bench: fake clock, fake access links that record every call, an env that captures and
 * decodes what is sent, the fake data plane, and an LMA's mouth (answer()) that echoes the last
 * request except where a test says otherwise.
 */
#pragma once

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "dataplane/dp_fake.h"
#include "lib/cu.h"
#include "mag/mag.h"

#define MAX_SENT  400
#define MAX_CALLS 400
#define WALL0     1700000000500000000ull

#define UNUSED __attribute__((unused))

struct sent {
	nsec_t at;
	struct in6_addr src, dst;
	uint16_t port;
	uint8_t buf[MH_MAX_LEN];
	size_t len;
	struct mh_msg msg;
};

enum call_kind {
	CALL_ADVERTISE,
	CALL_WITHDRAW,
	CALL_VERIFY,
	CALL_TEARDOWN,
	CALL_LINK_LOCAL,
	CALL_RESUME, /* `ll` is the router's, `own` the node's */
};

struct call {
	enum call_kind kind;
	nsec_t at;
	struct link_node node;
	struct prefix6 prefixes[DP_PREFIXES_MAX];
	unsigned n_prefixes;
	uint32_t valid_s, preferred_s, mtu, mtu4;
	struct home4 home4;
	bool dhcp_relay;
	struct in_addr dns4[PROFILE_DNS_MAX];
	unsigned n_dns4;
	struct in6_addr ll, own;
	bool deprecate;
	size_t dp_sessions; /* in the data plane at that moment */
	size_t n_sent;
};

struct bench {
	nsec_t now;
	uint64_t wall_offset; /* added to WALL0 + now */
	bool wall_stopped;
	struct mag_cfg cfg;
	struct mag_lma_cfg lmas[2];
	struct env env;
	struct link_ops links;
	struct event_sink sink;
	struct profile_table *table;
	struct profiles profiles;
	struct dp_fake *fake;
	struct tunnels *tunnels;
	struct mag *m;
	struct sent sent[MAX_SENT];
	size_t n_sent;
	int send_error;
	struct call call[MAX_CALLS];
	size_t n_calls;
	bool attached;        /* what the link says */
	bool confirm_at_once; /* verify() answers while it is asked */
	unsigned no_such_link; /* links are named "acc" and their index; that one is missing */
	struct in6_addr node_address;
	unsigned ups, downs, refusals;
	char last_cause[64], last_to[32];
	struct home4 last_home4; /* of the last session event */
	uint8_t rnd;
	bool forgetful; /* start over when the records are full, instead of giving up */
};

static struct in6_addr ADDR(const char *s) UNUSED;
static struct in6_addr ADDR(const char *s)
{
	struct in6_addr a = {0};

	if (addr_parse(s, &a))
		abort();
	return a;
}

static struct in_addr ADDR4(const char *s) UNUSED;
static struct in_addr ADDR4(const char *s)
{
	struct in6_addr a = ADDR(s);

	return addr_to_ip4(&a);
}

static struct prefix6 PREFIX(const char *s) UNUSED;
static struct prefix6 PREFIX(const char *s)
{
	struct prefix6 p = {0};

	if (prefix6_parse(s, &p))
		abort();
	return p;
}

static struct mac MAC(unsigned i) UNUSED;
static struct mac MAC(unsigned i)
{
	return (struct mac){{2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};
}

static struct mnid NAI(const char *s) UNUSED;
static struct mnid NAI(const char *s)
{
	return (struct mnid){.subtype = MNID_NAI, .len = (uint8_t)strlen(s), .id = (const uint8_t *)s};
}

static int bench_send(void *ctx, const struct packet *pkt)
{
	struct bench *b = ctx;
	struct sent *s;

	if (b->send_error)
		return b->send_error;
	if (b->forgetful && b->n_sent == MAX_SENT)
		b->n_sent = 0;
	if (b->n_sent == MAX_SENT || pkt->len > sizeof(s->buf))
		abort();
	s = &b->sent[b->n_sent++];
	s->at = b->now;
	s->src = pkt->src;
	s->dst = pkt->dst;
	s->port = pkt->port;
	s->len = pkt->len;
	memcpy(s->buf, pkt->data, pkt->len);
	if (mh_decode(&s->msg, s->buf, s->len, &s->src, &s->dst) != MH_OK)
		abort();
	return 0;
}

static void bench_random(void *ctx, void *buf, size_t len)
{
	struct bench *b = ctx;
	uint8_t *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = ++b->rnd;
}

static uint64_t bench_wallclock(void *ctx)
{
	struct bench *b = ctx;

	return WALL0 + b->wall_offset + (b->wall_stopped ? 0 : b->now);
}

static struct call *bench_call(struct bench *b, enum call_kind kind, const struct link_node *n)
{
	struct call *c;

	if (b->forgetful && b->n_calls == MAX_CALLS)
		b->n_calls = 0;
	if (b->n_calls == MAX_CALLS)
		abort();
	c = &b->call[b->n_calls++];
	*c = (struct call){.kind = kind,
			   .at = b->now,
			   .dp_sessions = dp_fake_sessions(b->fake),
			   .n_sent = b->n_sent};
	if (n)
		c->node = *n;
	return c;
}

static struct call *bench_told(struct bench *b, enum call_kind kind, const struct link_node *n,
			       const struct link_advert *ad)
{
	struct call *c = bench_call(b, kind, n);
	unsigned i;

	for (i = 0; i < ad->n_prefixes; i++)
		c->prefixes[i] = ad->prefixes[i];
	c->n_prefixes = ad->n_prefixes;
	c->valid_s = ad->valid_s;
	c->preferred_s = ad->preferred_s;
	c->mtu = ad->mtu;
	c->mtu4 = ad->mtu4;
	c->home4 = ad->home4;
	c->dhcp_relay = ad->dhcp_relay;
	memcpy(c->dns4, ad->dns4, sizeof(c->dns4));
	c->n_dns4 = ad->n_dns4;
	c->ll = ad->link_local;
	c->own = ad->node;
	return c;
}

static void bench_advertise(void *ctx, const struct link_node *n, const struct link_advert *ad)
{
	bench_told(ctx, CALL_ADVERTISE, n, ad);
}

static void bench_resume(void *ctx, const struct link_node *n, const struct link_advert *ad,
			 const struct in6_addr *own)
{
	bench_told(ctx, CALL_RESUME, n, ad)->own = *own;
}

static struct in6_addr bench_address(void *ctx, const struct link_node *n)
{
	return ((struct bench *)ctx)->node_address;
}

static unsigned bench_ifindex(void *ctx, const char *name)
{
	const struct bench *b = ctx;
	unsigned i = 0;

	return sscanf(name, "acc%u", &i) == 1 && i != b->no_such_link ? i : 0;
}

static const char *bench_ifname(void *ctx, unsigned ifindex)
{
	static char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "acc%u", ifindex);
	return ifindex == ((struct bench *)ctx)->no_such_link ? NULL : name;
}

static void bench_withdraw(void *ctx, const struct link_node *n, bool deprecate)
{
	bench_call(ctx, CALL_WITHDRAW, n)->deprecate = deprecate;
}

static void bench_verify(void *ctx, const struct link_node *n)
{
	struct bench *b = ctx;

	bench_call(b, CALL_VERIFY, n);
	if (b->confirm_at_once)
		mag_confirmed(b->m, n, b->now);
}

static bool bench_attached(void *ctx, const struct link_node *n)
{
	return ((struct bench *)ctx)->attached;
}

static void bench_teardown(void *ctx, const struct link_node *n)
{
	bench_call(ctx, CALL_TEARDOWN, n);
}

static void bench_set_link_local(void *ctx, unsigned ifindex, const struct in6_addr *ll)
{
	bench_call(ctx, CALL_LINK_LOCAL, &(struct link_node){.ifindex = ifindex})->ll = *ll;
}

static void bench_event(void *ctx, const struct event *ev)
{
	struct bench *b = ctx;

	if (ev->home4)
		b->last_home4 = *ev->home4;
	switch (ev->type) {
	case EV_SESSION_UP:
		b->ups++;
		break;
	case EV_SESSION_DOWN:
		b->downs++;
		break;
	case EV_REFUSED:
		b->refusals++;
		snprintf(b->last_cause, sizeof(b->last_cause), "%s", ev->cause);
		break;
	case EV_STATE:
		CU_ASSERT_PTR_NOT_NULL(ev->clause);
		snprintf(b->last_to, sizeof(b->last_to), "%s", ev->to);
		break;
	default:
		break;
	}
}

static void quiet_log(void *ctx, enum log_class cls, const char *line) UNUSED;
static void quiet_log(void *ctx, enum log_class cls, const char *line)
{
}

/* Everything but the MAG itself; tests may change b->cfg before bench_start(). */
static struct bench *bench_new(void) UNUSED;
static struct bench *bench_new(void)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b || profile_table_new(&b->table) || dp_fake_new(&b->fake) ||
	    tunnels_new(&b->tunnels, dp_fake_dataplane(b->fake)))
		abort();
	log_set_sink(quiet_log, NULL);
	b->now = nsec_from_s(1000);
	b->attached = true;
	b->lmas[0] = (struct mag_lma_cfg){.name = "lma1", .addr = ADDR("2001:db8:2::1")};
	b->lmas[1] = (struct mag_lma_cfg){.name = "lma2", .addr = ADDR("2001:db8:2::2")};
	b->cfg = (struct mag_cfg){
		.proxy_coa = ADDR("2001:db8:1::1"),
		.lmas = b->lmas,
		.n_lmas = 2,
		.max_bindings = 100,
		.lifetime = 3600,
		.refresh_percent = 75,
		.tunnel_mtu = 1460,
		.initial_bindack_timeout_ms = 1000,
		.max_bindack_timeout_ms = 32000,
		.timestamp_based_approach_in_use = true,
		.fixed_mag_link_local_address_on_all_access_links = ADDR("fe80::200:5eff:fe00:5213"),
		.fixed_mag_link_layer_address_on_all_access_links = {{0, 0, 0x5e, 0, 0x52, 0x13}},
		.realm = "example.com",
		.deprecate_on_detach = true,
	};
	b->env = (struct env){
		.ctx = b, .send = bench_send, .random = bench_random, .wallclock = bench_wallclock};
	b->links = (struct link_ops){
		.ctx = b,
		.advertise = bench_advertise,
		.withdraw = bench_withdraw,
		.verify = bench_verify,
		.attached = bench_attached,
		.teardown = bench_teardown,
		.set_link_local = bench_set_link_local,
		.resume = bench_resume,
		.address = bench_address,
		.ifindex = bench_ifindex,
		.ifname = bench_ifname,
	};
	b->sink = (struct event_sink){.ctx = b, .emit = bench_event};
	b->profiles = profile_table_profiles(b->table);
	dp_fake_set_mtu(b->fake, 1460);
	return b;
}

static void bench_start(struct bench *b) UNUSED;
static void bench_start(struct bench *b)
{
	CU_ASSERT_EQUAL_FATAL(mag_new(&b->m, &b->cfg, &b->env, dp_fake_dataplane(b->fake), b->tunnels,
				      &b->profiles, &b->links, &b->sink),
			      0);
}

static struct bench *bench_up(void) UNUSED;
static struct bench *bench_up(void)
{
	struct bench *b = bench_new();

	bench_start(b);
	return b;
}

static uint64_t counter(const struct bench *b, const char *name) UNUSED;
static uint64_t counter(const struct bench *b, const char *name)
{
	struct counter_set c = mag_counters(b->m);
	size_t i;

	for (i = 0; i < c.n; i++) {
		if (!strcmp(c.desc[i].name, name))
			return c.value[i];
	}
	printf("no counter %s\n", name);
	CU_FAIL("no such counter");
	return 0;
}

static void count_early(void *ctx, dp_ref ref, const struct dp_session *s)
{
	*(unsigned *)ctx += !s->n_prefixes && !s->addr4.s_addr;
}

/* Halves in the data plane that have a key and no address. */
static unsigned early_halves(struct bench *b) UNUSED;
static unsigned early_halves(struct bench *b)
{
	unsigned n = 0;
	struct dp_walk w = {.ctx = &n, .session = count_early};

	dp_fake_dataplane(b->fake)->ops->walk(dp_fake_dataplane(b->fake), &w);
	return n;
}

/* No test may end with a broken data-plane contract, an event that no rule took, or a half in the
 * data plane that nobody uses. */
static void bench_free(struct bench *b) UNUSED;
static void bench_free(struct bench *b)
{
	const char *what = "";

	if (b->m)
		CU_ASSERT_EQUAL(counter(b, "unexpected_event"), 0);
	if (dp_fake_violations(b->fake, &what)) {
		printf("data plane: %s\n", what);
		CU_FAIL("data-plane contract broken");
	}
	mag_free(&b->m);
	CU_ASSERT_EQUAL(early_halves(b), 0);
	tunnels_free(&b->tunnels);
	dp_fake_free(&b->fake);
	profile_table_free(&b->table);
	log_set_sink(NULL, NULL);
	free(b);
}

/* Time passes up to and including `at`, every deadline on its own moment. */
static void run_to(struct bench *b, nsec_t at) UNUSED;
static void run_to(struct bench *b, nsec_t at)
{
	while (mag_next(b->m) <= at) {
		if (mag_next(b->m) > b->now)
			b->now = mag_next(b->m);
		mag_tick(b->m, b->now);
	}
	b->now = at;
}

static void run_ms(struct bench *b, uint64_t ms) UNUSED;
static void run_ms(struct bench *b, uint64_t ms)
{
	run_to(b, b->now + nsec_from_ms(ms));
}

static struct link_node node_at(unsigned ifindex, unsigned i) UNUSED;
static struct link_node node_at(unsigned ifindex, unsigned i)
{
	return (struct link_node){.ifindex = ifindex, .mac = MAC(i)};
}

static struct mag_attachment attachment(unsigned ifindex, unsigned i) UNUSED;
static struct mag_attachment attachment(unsigned ifindex, unsigned i)
{
	return (struct mag_attachment){.node = node_at(ifindex, i),
				       .att = ATT_WIFI,
				       .handoff_hint = HI_RESERVED,
				       .access_mtu = 1500,
				       .cause = "rs"};
}

static int attach(struct bench *b, unsigned ifindex, unsigned i) UNUSED;
static int attach(struct bench *b, unsigned ifindex, unsigned i)
{
	struct mag_attachment a = attachment(ifindex, i);

	return mag_attach(b->m, &a, b->now);
}

static int detach_node(struct bench *b, unsigned ifindex, unsigned i) UNUSED;
static int detach_node(struct bench *b, unsigned ifindex, unsigned i)
{
	struct link_node n = node_at(ifindex, i);

	return mag_detach(b->m, &n, "gone", b->now);
}

static void confirm(struct bench *b, unsigned ifindex, unsigned i) UNUSED;
static void confirm(struct bench *b, unsigned ifindex, unsigned i)
{
	struct link_node n = node_at(ifindex, i);

	mag_confirmed(b->m, &n, b->now);
}

static struct sent *last_sent(struct bench *b) UNUSED;
static struct sent *last_sent(struct bench *b)
{
	CU_ASSERT_FATAL(b->n_sent > 0);
	return &b->sent[b->n_sent - 1];
}

static uint8_t opt_value(const struct mh_msg *m, uint8_t type) UNUSED;
static uint8_t opt_value(const struct mh_msg *m, uint8_t type)
{
	const struct mh_opt *o = mh_opt(m, type);

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	return o->value;
}

/* A Vendor Specific option. */
struct told_vendor {
	uint32_t id;
	uint8_t subtype, len;
	const char *data;
};

static struct mh_msg *add_vendor(struct mh_msg *m, const struct told_vendor *v) UNUSED;
static struct mh_msg *add_vendor(struct mh_msg *m, const struct told_vendor *v)
{
	struct mh_opt *o = mh_opt_add(m, MHO_VENDOR);

	o->vendor.id = v->id;
	o->vendor.subtype = v->subtype;
	o->vendor.len = v->len;
	o->vendor.data = (const uint8_t *)v->data;
	return m;
}

/* What an answer says where it does not echo. Zero-initialised is a plain echo of `to`. */
struct reply {
	uint8_t status;
	const struct sent *to;      /* the request; NULL: the last one */
	uint32_t lifetime_s;        /* 0: as requested */
	bool no_lifetime;
	const char *prefix[DP_PREFIXES_MAX + 2]; /* none: 2001:db8:100:1::/64 unless named or rejected */
	bool no_prefix;
	bool host_bits;             /* set behind the length of each prefix */
	int seq;                    /* > 0: this number */
	uint8_t hi, att;            /* != 0: this value */
	const char *mnid;
	const struct mac *llid;
	bool bare;                  /* neither HI, ATT nor LLID */
	const char *link_local;
	int64_t clock_ms;           /* 156, 157: LMA's clock minus ours, in the Timestamp option */
	uint16_t advice_s;
	bool not_proxy;
	const char *from, *at;
	bool no_mnid;
	uint16_t port;              /* UDP source port; 0: as it should be */
	/* IPv4: where a Request asked for it, the named address or 10.1.0.5, with len4 or 24 */
	const char *home4;
	bool no_home4;
	uint8_t home4_status, len4;
	const char *router;         /* NULL: 10.1.0.1 */
	bool no_router;
	enum { MODE_SERVER, MODE_RELAY, MODE_ABSENT } dhcp;
	/* encapsulation: what was asked for, with uplink key 0x5000 */
	bool no_gre, gre_plain, gre_keyed, no_tlv, tlv, no_nat, nat;
	uint32_t up_key;
	const struct told_vendor *vendors;
	unsigned n_vendors;
};

/* RFC 5844 3.1.2.6 */
static void answer_home4(struct mh_msg *m, const struct reply *r, const struct mh_msg *q)
{
	const struct mh_opt *ask = mh_opt(q, MHO_IPV4_HOA_REQUEST);
	struct mh_opt *o;

	if (r->no_home4 || !(ask ? q->bu.lifetime : r->home4 && r->status < 128))
		return;
	o = mh_opt_add(m, MHO_IPV4_HOA_REPLY);
	o->hoa4.status = r->home4_status;
	if (r->status >= 128) {
		o->hoa4.status = HOA4_REASON_UNSPECIFIED;
		o->hoa4.addr = ask->hoa4.addr;
		o->hoa4.len = ask->hoa4.len;
		return;
	}
	if (r->home4)
		o->hoa4.addr = ADDR4(r->home4);
	else
		o->hoa4.addr = ask->hoa4.addr.s_addr ? ask->hoa4.addr : ADDR4("10.1.0.5");
	o->hoa4.len = r->len4 ? r->len4 : 24;
	if (!r->no_router)
		mh_opt_add(m, MHO_IPV4_DEFAULT_ROUTER)->addr4 = ADDR4(r->router ? r->router : "10.1.0.1");
	if (r->dhcp != MODE_ABSENT)
		mh_opt_add(m, MHO_IPV4_DHCP_MODE)->server = r->dhcp == MODE_SERVER;
}

/* RFC 5844 4.1.3, RFC 5845 5.2 */
static void answer_encap(struct mh_msg *m, const struct reply *r, const struct mh_msg *q)
{
	const struct mh_opt *ask = mh_opt(q, MHO_GRE_KEY);
	struct mh_opt *o;

	if (r->status >= 128 || !q->bu.lifetime)
		return;
	if (((q->bu.flags & MH_BU_T) || r->tlv) && !r->no_tlv)
		m->ba.flags |= MH_BA_T;
	if (((q->bu.flags & MH_BU_F) || r->nat) && !r->no_nat) {
		o = mh_opt_add(m, MHO_NAT_DETECTION);
		o->nat.force = true;
		o->nat.refresh_s = UINT32_MAX;
	}
	if ((!ask && !r->gre_plain && !r->gre_keyed) || r->no_gre)
		return;
	o = mh_opt_add(m, MHO_GRE_KEY);
	o->gre.has_key = !r->gre_plain && (r->gre_keyed || ask->gre.has_key);
	if (o->gre.has_key)
		o->gre.key = r->up_key ? r->up_key : 0x5000;
}

static void answer(struct bench *b, const struct reply *r) UNUSED;
static void answer(struct bench *b, const struct reply *r)
{
	const struct sent *to = r->to ? r->to : last_sent(b);
	const struct mh_msg *q = &to->msg;
	struct in6_addr src = r->from ? ADDR(r->from) : to->dst;
	struct in6_addr dst = r->at ? ADDR(r->at) : to->src;
	struct mnid other = r->mnid ? NAI(r->mnid) : (struct mnid){0};
	struct mh_msg m = {.type = MH_BA};
	struct mh_msg *in = malloc(sizeof(*in));
	uint8_t buf[MH_MAX_LEN];
	struct packet pkt = {.src = src, .dst = dst, .data = buf, .port = r->port};
	const struct mh_opt *o;
	unsigned i;
	int len;

	m.ba.status = r->status;
	m.ba.flags = r->not_proxy ? 0 : MH_BA_P;
	m.ba.seq = r->seq > 0 ? (uint16_t)r->seq : q->bu.seq;
	m.ba.lifetime = q->bu.lifetime;
	if (r->lifetime_s)
		m.ba.lifetime = (uint16_t)(r->lifetime_s / 4);
	if (r->no_lifetime || r->status >= 128)
		m.ba.lifetime = 0;
	if (!r->no_mnid)
		mh_opt_add(&m, MHO_MN_ID)->mnid = r->mnid ? other : mh_opt(q, MHO_MN_ID)->mnid;
	for (i = 0; r->prefix[i]; i++)
		mh_opt_add(&m, MHO_HNP)->hnp.prefix = PREFIX(r->prefix[i]);
	for (i = 0; !r->prefix[0] && !r->no_prefix && (o = mh_opt_nth(q, MHO_HNP, i)); i++) {
		if (r->status < 128 && prefix6_is_zero(&o->hnp.prefix))
			mh_opt_add(&m, MHO_HNP)->hnp.prefix = PREFIX("2001:db8:100:1::/64");
		else
			mh_opt_add(&m, MHO_HNP)->hnp.prefix = o->hnp.prefix;
	}
	for (i = 0; r->host_bits && i < m.n_opts; i++) {
		if (m.opt[i].type == MHO_HNP)
			m.opt[i].hnp.prefix.addr.s6_addr[15] = 1;
	}
	answer_home4(&m, r, q);
	answer_encap(&m, r, q);
	if (!r->bare) {
		mh_opt_add(&m, MHO_HANDOFF_IND)->value = r->hi ? r->hi : opt_value(q, MHO_HANDOFF_IND);
		mh_opt_add(&m, MHO_ATT)->value = r->att ? r->att : opt_value(q, MHO_ATT);
		if (r->llid)
			mh_opt_add(&m, MHO_MN_LLID)->llid = (struct llid){.len = 6, .id = r->llid->b};
		else if (mh_opt(q, MHO_MN_LLID))
			mh_opt_add(&m, MHO_MN_LLID)->llid = mh_opt(q, MHO_MN_LLID)->llid;
	}
	if (r->link_local)
		mh_opt_add(&m, MHO_LINK_LOCAL)->addr = ADDR(r->link_local);
	else if (mh_opt(q, MHO_LINK_LOCAL))
		mh_opt_add(&m, MHO_LINK_LOCAL)->addr = mh_opt(q, MHO_LINK_LOCAL)->addr;
	if (mh_opt(q, MHO_TIMESTAMP))
		mh_opt_add(&m, MHO_TIMESTAMP)->timestamp =
			r->status == PBA_TIMESTAMP_MISMATCH || r->status == PBA_TIMESTAMP_LOWER
				? timestamp_from_wallclock(bench_wallclock(b) +
							   (uint64_t)r->clock_ms * 1000000)
				: mh_opt(q, MHO_TIMESTAMP)->timestamp;
	for (i = 0; i < r->n_vendors; i++)
		add_vendor(&m, &r->vendors[i]);
	if (r->advice_s)
		mh_opt_add(&m, MHO_BINDING_REFRESH_ADVICE)->refresh_interval = r->advice_s / 4;
	len = mh_encode(&m, buf, sizeof(buf), &src, &dst);
	CU_ASSERT_FATAL(len > 0);
	pkt.len = (size_t)len;
	CU_ASSERT_EQUAL_FATAL(mh_decode(in, buf, pkt.len, &src, &dst), MH_OK);
	mag_receive(b->m, &pkt, in, b->now);
	free(in);
}

static void answer_status(struct bench *b, uint8_t status) UNUSED;
static void answer_status(struct bench *b, uint8_t status)
{
	answer(b, &(struct reply){.status = status});
}

static void accept_it(struct bench *b) UNUSED;
static void accept_it(struct bench *b)
{
	answer(b, &(struct reply){0});
}

#define LMA1 "2001:db8:2::1"
#define LMA2 "2001:db8:2::2"

/* A Binding Revocation Indication of an LMA; zero: of LMA 1 to our Proxy-CoA, trigger 0, P flag. */
struct bri {
	uint8_t trigger;
	bool no_p, v, g;
	const char *id; /* none: no MN-ID option */
	uint8_t subtype; /* 0: NAI */
	const char *hnp[4], *hoa, *alt;
	const char *from, *at; /* NULL: LMA 1, our Proxy-CoA */
	uint16_t port, seq;
	uint8_t type; /* 0: indication */
};

static void hear_bri(struct bench *b, const struct bri *a) UNUSED;
static void hear_bri(struct bench *b, const struct bri *a)
{
	struct in6_addr src = ADDR(a->from ? a->from : LMA1);
	struct in6_addr dst = a->at ? ADDR(a->at) : b->cfg.proxy_coa;
	struct mh_msg *m = calloc(1, sizeof(*m));
	uint8_t buf[MH_MAX_LEN];
	struct packet pkt = {.src = src, .dst = dst, .data = buf, .port = a->port};
	int len;

	m->type = MH_BINDING_REVOCATION;
	m->br.type = a->type ? a->type : BR_INDICATION;
	m->br.code = a->trigger;
	m->br.seq = a->seq;
	m->br.flags = (a->no_p ? 0 : MH_BR_P) | (a->v ? MH_BR_V : 0) | (a->g ? MH_BR_G : 0);
	if (a->id) {
		struct mh_opt *o = mh_opt_add(m, MHO_MN_ID);

		o->mnid = NAI(a->id);
		if (a->subtype)
			o->mnid.subtype = a->subtype;
	}
	for (unsigned i = 0; a->hnp[i]; i++)
		mh_opt_add(m, MHO_HNP)->hnp.prefix = PREFIX(a->hnp[i]);
	if (a->hoa) {
		struct mh_opt *o = mh_opt_add(m, MHO_IPV4_HOA_REQUEST);

		o->hoa4.addr = ADDR4(a->hoa);
		o->hoa4.len = 32;
	}
	if (a->alt)
		mh_opt_add(m, MHO_ALT_COA)->addr = ADDR(a->alt);
	len = mh_encode(m, buf, sizeof(buf), &src, &dst);
	CU_ASSERT_FATAL(len > 0);
	pkt.len = (size_t)len;
	CU_ASSERT_EQUAL_FATAL(mh_decode(m, buf, pkt.len, &src, &dst), MH_OK);
	mag_receive(b->m, &pkt, m, b->now);
	free(m);
}

struct shown {
	bool found;
	struct mag_binding b;
	struct prefix6 prefix[DP_PREFIXES_MAX];
	char mnid[256];
	unsigned n;
	struct mac want;
	const char *want_state;
};

static void shown_cb(void *ctx, const struct mag_binding *mb)
{
	struct shown *s = ctx;

	s->n++;
	if (!mac_eq(&mb->node.mac, &s->want) || (s->want_state && strcmp(mb->state, s->want_state)))
		return;
	s->found = true;
	s->b = *mb;
	if (mb->n_prefixes)
		memcpy(s->prefix, mb->prefixes, mb->n_prefixes * sizeof(s->prefix[0]));
	mnid_str(&mb->mnid, s->mnid, sizeof(s->mnid));
}

/* The newest entry with that link-layer address, as pmipctl would show it. */
static struct shown shown(struct bench *b, unsigned i) UNUSED;
static struct shown shown(struct bench *b, unsigned i)
{
	struct shown s = {.want = MAC(i)};

	mag_walk(b->m, b->now, shown_cb, &s);
	return s;
}

static bool in_state(struct bench *b, unsigned i, const char *state) UNUSED;
static bool in_state(struct bench *b, unsigned i, const char *state)
{
	struct shown s = {.want = MAC(i), .want_state = state};

	mag_walk(b->m, b->now, shown_cb, &s);
	return s.found;
}

static unsigned calls(const struct bench *b, enum call_kind kind) UNUSED;
static unsigned calls(const struct bench *b, enum call_kind kind)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < b->n_calls; i++)
		n += b->call[i].kind == kind;
	return n;
}

static const struct call *last_call(const struct bench *b, enum call_kind kind) UNUSED;
static const struct call *last_call(const struct bench *b, enum call_kind kind)
{
	size_t i;

	for (i = b->n_calls; i-- > 0;) {
		if (b->call[i].kind == kind)
			return &b->call[i];
	}
	CU_FAIL_FATAL("no such call");
	return NULL;
}

/* Forwarding of that prefix in the data plane, or NULL. */
static const struct dp_session *forwarding(struct bench *b, const char *prefix) UNUSED;
static const struct dp_session *forwarding(struct bench *b, const char *prefix)
{
	struct prefix6 p = PREFIX(prefix);
	const struct dp_fake_session *s = dp_fake_by_prefix(b->fake, DP_ACCESS, &p);

	return s ? &s->s : NULL;
}

static void add_profile(struct bench *b, struct profile *p, const char *id, unsigned mac) UNUSED;
static void add_profile(struct bench *b, struct profile *p, const char *id, unsigned mac)
{
	p->mnid = NAI(id);
	p->prefix_count = 1;
	if (mac) {
		p->n_macs = 1;
		p->macs[0] = MAC(mac);
	}
	CU_ASSERT_EQUAL_FATAL(profile_table_add(b->table, p), 0);
}

/* Forwarding of that IPv4 home address, or NULL. */
static const struct dp_session *forwarding4(struct bench *b, uint16_t domain, const char *addr) UNUSED;
static const struct dp_session *forwarding4(struct bench *b, uint16_t domain, const char *addr)
{
	const struct dp_fake_session *s = dp_fake_by_addr4(b->fake, DP_ACCESS, domain, ADDR4(addr));

	return s ? &s->s : NULL;
}

/* Attached and accepted: node `i` on interface 7 with 2001:db8:100:1::/64. */
static struct bench *bench_active(void) UNUSED;
static struct bench *bench_active(void)
{
	struct bench *b = bench_up();

	CU_ASSERT_EQUAL_FATAL(attach(b, 7, 1), 0);
	accept_it(b);
	CU_ASSERT_FATAL(in_state(b, 1, "ACTIVE"));
	return b;
}

#define HNP1 "2001:db8:100:1::/64"
#define HNP2 "2001:db8:100:2::/64"
#define HNP3 "2001:db8:100:3::/64"
