/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One LMA in a glass: fake data plane, fake clock, three MAGs and two more with IPv4 addresses, and
 * PBUs that go through the codec on their way in. The bytes of a message are freed when
 *lma_receive() returns, so that the sanitizer sees whoever keeps a pointer into them.
 *
 *	struct bed b;
 *	bed_up(&b);
 *	struct pbu p = pbu(&b, MAG1);          attach: mn1, HI 4, ATT 4, LLID ..:01, HNP ::/0
 *	CU_ASSERT_EQUAL(bed_send(&b, &p), 0);  the PBA's status; NO_REPLY for silence
 *	bed_wait(&b, 1500);                    ms pass, deadlines fire
 *	bed_down(&b);                          checks that nothing leaked
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "core/env.h"
#include "dataplane/dp_fake.h"
#include "lib/cu.h"
#include "lma/lma.h"
#include "lma/lma_priv.h"

#define NO_REPLY (-1)

enum { MAG1, MAG2, MAG3, MAG4A, MAG4B, N_MAGS };

struct pbu {
	struct in6_addr src, dst;
	uint16_t seq, flags, lifetime;
	const char *mnid; /* NULL: no option */
	struct prefix6 hnp[40];
	unsigned n_hnp;
	int hi, att; /* -1: no option */
	bool has_llid;
	uint8_t llid[32];
	uint8_t llid_len;
	bool has_timestamp;
	uint64_t timestamp;
	bool has_link_local;
	struct in6_addr link_local;
	bool has_alt_coa;
	struct in6_addr alt_coa;
	struct in_addr hoa4[3]; /* IPv4 Home Address Request options */
	uint8_t hoa4_len;
	unsigned n_hoa4;
	bool has_gre, has_key;
	uint32_t key;
	uint16_t port; /* UDP source port */
	const char *service;
	uint8_t twice;	       /* option type that is repeated; 0 none */
	uint8_t mnid_raw[254]; /* used when mnid_raw_len is set */
	uint8_t mnid_raw_len, mnid_subtype;
};

struct seen {
	enum event_type type;
	char from[16], to[16], cause[64], clause[80];
};

struct bed {
	struct dp_fake *dp;
	struct tunnels *tunnels;
	struct profile_table *profiles;
	struct env env;
	struct event_sink sink;
	struct lma_pool_cfg pools[4];
	struct lma_pool4_cfg pools4[4];
	struct prefix6 statics[2];
	struct lma_mag_cfg mags[N_MAGS];
	struct lma_cfg cfg;
	struct lma *l;
	nsec_t now;
	uint64_t wall0;
	int64_t skew_ns; /* of the LMA's time of day */
	uint16_t seq;
	uint16_t port; /* of the message on its way */
	uint64_t last_ts;
	unsigned n_br; /* Binding Revocation messages sent, and the latest of them */
	struct bed_br {
		struct packet pkt;
		uint8_t data[MH_MAX_LEN];
		struct mh_msg msg;
		nsec_t at;
	} br[4];
	unsigned n_sent;
	struct packet last; /* the latest PBA */
	uint8_t last_buf[MH_MAX_LEN];
	struct mh_msg pba;
	struct seen seen[64];
	unsigned n_seen;
	int send_err;
	uint8_t random_next;
};

static inline struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	CU_ASSERT_EQUAL_FATAL(addr_parse(s, &a), 0);
	return a;
}

static inline struct in_addr ip4(const char *s)
{
	const struct in6_addr a = addr(s);

	CU_ASSERT_FATAL(addr_is_ip4(&a));
	return addr_to_ip4(&a);
}

static inline struct prefix4 prefix4(const char *s)
{
	struct prefix4 p;

	CU_ASSERT_EQUAL_FATAL(prefix4_parse(s, &p), 0);
	return p;
}

static inline struct prefix6 prefix(const char *s)
{
	struct prefix6 p;

	CU_ASSERT_EQUAL_FATAL(prefix6_parse(s, &p), 0);
	return p;
}

static inline void bed_keep_br(struct bed *b, const struct packet *p)
{
	struct bed_br *br = &b->br[b->n_br++ % 4];

	br->pkt = *p;
	br->at = b->now;
	CU_ASSERT_FATAL(p->len <= sizeof(br->data));
	memcpy(br->data, p->data, p->len);
	CU_ASSERT_EQUAL(mh_decode(&br->msg, br->data, p->len, &p->src, &p->dst), MH_OK);
}

static inline int bed_env_send(void *ctx, const struct packet *p)
{
	struct bed *b = ctx;

	if (b->send_err)
		return b->send_err;
	if (p->len > 2 && p->data[2] == MH_BINDING_REVOCATION) {
		bed_keep_br(b, p);
		return 0;
	}
	b->n_sent++;
	b->last = *p;
	CU_ASSERT_FATAL(p->len <= sizeof(b->last_buf));
	memcpy(b->last_buf, p->data, p->len);
	b->last.data = b->last_buf;
	CU_ASSERT_EQUAL_FATAL(mh_decode(&b->pba, b->last_buf, p->len, &p->src, &p->dst), MH_OK);
	CU_ASSERT_EQUAL(b->pba.type, MH_BA);
	return 0;
}

static inline void bed_env_random(void *ctx, void *buf, size_t len)
{
	struct bed *b = ctx;
	uint8_t *p = buf;

	while (len--)
		*p++ = ++b->random_next;
}

static inline uint64_t bed_env_wallclock(void *ctx)
{
	const struct bed *b = ctx;

	return b->wall0 + b->now + (uint64_t)b->skew_ns;
}

static inline void bed_see(void *ctx, const struct event *ev)
{
	struct bed *b = ctx;
	struct seen *s = &b->seen[b->n_seen % 64];

	b->n_seen++;
	memset(s, 0, sizeof(*s));
	s->type = ev->type;
	snprintf(s->from, sizeof(s->from), "%s", ev->from ? ev->from : "");
	snprintf(s->to, sizeof(s->to), "%s", ev->to ? ev->to : "");
	snprintf(s->cause, sizeof(s->cause), "%s", ev->cause ? ev->cause : "");
	snprintf(s->clause, sizeof(s->clause), "%s", ev->clause ? ev->clause : "");
	CU_ASSERT_STRING_EQUAL(ev->role, "lma");
	CU_ASSERT_EQUAL(ev->now, b->now);
}

/* How many of the events seen since bed_forget() are of the type. */
static inline unsigned bed_saw(const struct bed *b, enum event_type t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->n_seen && i < 64; i++)
		n += b->seen[i].type == t;
	return n;
}

static inline bool bed_saw_state(const struct bed *b, const char *from, const char *to)
{
	for (unsigned i = 0; i < b->n_seen && i < 64; i++)
		if (b->seen[i].type == EV_STATE && !strcmp(b->seen[i].from, from) &&
		    !strcmp(b->seen[i].to, to) && b->seen[i].clause[0])
			return true;
	return false;
}

static inline void bed_forget(struct bed *b)
{
	b->n_seen = 0;
}

static inline void bed_profile(struct bed *b, const char *id, const char *const *prefixes,
			       const char *pool, unsigned count)
{
	struct profile p = {.enabled = true, .prefix_count = count, .local_routing = -1};

	p.mnid = (struct mnid){MNID_NAI, (uint8_t)strlen(id), (const uint8_t *)id};
	if (pool)
		snprintf(p.pool, sizeof(p.pool), "%s", pool);
	for (; prefixes && *prefixes; prefixes++)
		p.prefixes[p.n_prefixes++] = prefix(*prefixes);
	CU_ASSERT_EQUAL_FATAL(profile_table_add(b->profiles, &p), 0);
}

static inline void bed_add_profile(struct bed *b, const char *id, struct profile p)
{
	p.mnid = (struct mnid){MNID_NAI, (uint8_t)strlen(id), (const uint8_t *)id};
	p.enabled = true;
	p.prefix_count = 1;
	p.local_routing = -1;
	CU_ASSERT_EQUAL_FATAL(profile_table_add(b->profiles, &p), 0);
}

/* Everything but the LMA itself; a test may change b->cfg before bed_start(). */
static inline void bed_init(struct bed *b)
{
	static const char *const mag_addr[N_MAGS] = {"2001:db8:11::1", "2001:db8:12::1",
						     "2001:db8:13::1", "192.0.2.11", "192.0.2.12"};
	const struct profile fallback = {.enabled = true, .prefix_count = 1, .local_routing = -1};

	memset(b, 0, sizeof(*b));
	log_set_level(LOG_C_BUG);
	b->now = nsec_from_s(1000);
	b->wall0 = 1700000000ull * NSEC_PER_SEC;
	CU_ASSERT_EQUAL_FATAL(dp_fake_new(&b->dp), 0);
	CU_ASSERT_EQUAL_FATAL(tunnels_new(&b->tunnels, dp_fake_dataplane(b->dp)), 0);
	CU_ASSERT_EQUAL_FATAL(profile_table_new(&b->profiles), 0);
	CU_ASSERT_EQUAL_FATAL(profile_table_add_fallback(b->profiles, "@example.com", &fallback),
			      0);
	b->env = (struct env){
		.ctx = b,
		.send = bed_env_send,
		.random = bed_env_random,
		.wallclock = bed_env_wallclock,
	};
	b->sink = (struct event_sink){.ctx = b, .emit = bed_see};
	strcpy(b->pools[0].name, "default");
	b->pools[0].prefix = prefix("2001:db8:100::/44");
	b->statics[0] = prefix("2001:db8:f00::/48");
	strcpy(b->pools4[0].name, "four");
	b->pools4[0].prefix = prefix4("10.0.0.0/24");
	for (unsigned i = 0; i < N_MAGS; i++) {
		snprintf(b->mags[i].name, sizeof(b->mags[i].name), "mag%u", i + 1);
		b->mags[i].addr = addr(mag_addr[i]);
	}
	b->cfg = (struct lma_cfg){
		.addrs = {addr("2001:db8:2::1"), addr("2001:db8:2::2"), addr("192.0.2.1")},
		.n_addrs = 3,
		.pools = b->pools,
		.n_pools = 1,
		.pools4 = b->pools4,
		.n_pools4 = 1,
		.static_prefixes = b->statics,
		.n_static_prefixes = 1,
		.mags = b->mags,
		.n_mags = N_MAGS,
		.max_bindings = 1000,
		.max_lifetime = 3600,
		.min_delay_before_bce_delete_ms = 10000,
		.max_delay_before_new_bce_assign_ms = 1500,
		.timestamp_validity_window_ms = 300,
		.hold_before_new_bce = true,
		.timestamp_based_approach_in_use = true,
	};
}

static inline void bed_start(struct bed *b)
{
	const struct profiles p = profile_table_profiles(b->profiles);

	CU_ASSERT_EQUAL_FATAL(lma_new(&b->l, &b->cfg, &b->env, dp_fake_dataplane(b->dp), b->tunnels,
				      &p, &b->sink),
			      0);
}

static inline void bed_up(struct bed *b)
{
	bed_init(b);
	bed_start(b);
}

/* mn1 and mn2 may have IPv4. */
static inline void bed_up4(struct bed *b)
{
	bed_init(b);
	bed_add_profile(b, "mn1@example.com", (struct profile){.ipv4 = true});
	bed_add_profile(b, "mn2@example.com", (struct profile){.ipv4 = true});
	bed_start(b);
}

static inline void bed_down(struct bed *b)
{
	const char *what = NULL;

	lma_free(&b->l);
	CU_ASSERT_EQUAL(dp_fake_sessions(b->dp), 0);
	CU_ASSERT_EQUAL(dp_fake_peers(b->dp), 0);
	CU_ASSERT_EQUAL(dp_fake_violations(b->dp, &what), 0);
	tunnels_free(&b->tunnels);
	profile_table_free(&b->profiles);
	dp_fake_free(&b->dp);
}

/* The MAG's time of day, always a little later than in the message before. */
static inline uint64_t bed_timestamp(struct bed *b)
{
	uint64_t ts = timestamp_from_wallclock(b->wall0 + b->now);

	if (ts <= b->last_ts)
		ts = b->last_ts + 1;
	b->last_ts = ts;
	return ts;
}

static inline struct pbu pbu(struct bed *b, unsigned mag)
{
	return (struct pbu){
		.src = b->mags[mag].addr,
		.dst = b->cfg.addrs[mag >= MAG4A ? 2 : 0],
		.port = mag >= MAG4A ? 5436 : 0,
		.seq = ++b->seq,
		.flags = MH_BU_A | MH_BU_P,
		.lifetime = 900,
		.mnid = "mn1@example.com",
		.n_hnp = 1,
		.hi = HI_UNKNOWN,
		.att = ATT_WIFI,
		.has_llid = true,
		.llid = {2, 0, 0, 0, 0, 1},
		.llid_len = 6,
		.has_timestamp = true,
		.timestamp = bed_timestamp(b),
	};
}

/* The same message as its sender would send it later: G-22 wants a fresh timestamp. */
static inline void pbu_again(struct bed *b, struct pbu *p)
{
	p->seq = ++b->seq;
	p->timestamp = bed_timestamp(b);
}

static inline void pbu_prefix(struct pbu *p, const char *s)
{
	p->hnp[0] = prefix(s);
	p->n_hnp = 1;
}

/* Asks for this IPv4 home address; "0.0.0.0": for any. */
static inline void pbu_ask4(struct pbu *p, const char *s)
{
	p->hoa4[p->n_hoa4++] = ip4(s);
	p->hoa4_len = p->hoa4[0].s_addr ? 24 : 0;
}

static inline void pbu_key(struct pbu *p, uint32_t key)
{
	p->has_gre = p->has_key = true;
	p->key = key;
}

static inline void pbu_encode_option(struct mh_msg *m, const struct pbu *p, uint8_t type,
				     unsigned i)
{
	struct mh_opt *o = mh_opt_add(m, type);

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	switch (type) {
	case MHO_MN_ID:
		if (p->mnid_raw_len)
			o->mnid = (struct mnid){p->mnid_subtype, p->mnid_raw_len, p->mnid_raw};
		else
			o->mnid = (struct mnid){MNID_NAI, (uint8_t)strlen(p->mnid),
						(const uint8_t *)p->mnid};
		break;
	case MHO_HNP:
		o->hnp.prefix = p->hnp[i];
		break;
	case MHO_HANDOFF_IND:
		o->value = (uint8_t)p->hi;
		break;
	case MHO_ATT:
		o->value = (uint8_t)p->att;
		break;
	case MHO_MN_LLID:
		o->llid = (struct llid){p->llid_len, p->llid};
		break;
	case MHO_LINK_LOCAL:
		o->addr = p->link_local;
		break;
	case MHO_ALT_COA:
		o->addr = p->alt_coa;
		break;
	case MHO_TIMESTAMP:
		o->timestamp = p->timestamp;
		break;
	case MHO_IPV4_HOA_REQUEST:
		o->hoa4.addr = p->hoa4[i];
		o->hoa4.len = p->hoa4_len;
		break;
	case MHO_GRE_KEY:
		o->gre.has_key = p->has_key;
		o->gre.key = p->key;
		break;
	case MHO_SERVICE_SELECTION:
		o->bytes.data = (const uint8_t *)p->service;
		o->bytes.len = (uint8_t)strlen(p->service);
		break;
	}
}

/* Into buf[MH_MAX_LEN]; returns the length. */
static inline int pbu_encode(const struct pbu *p, uint8_t *buf)
{
	struct mh_msg *m = calloc(1, sizeof(*m));
	const struct {
		uint8_t type;
		bool there;
	} opts[] = {
		{MHO_MN_ID,		    p->mnid || p->mnid_raw_len},
		{MHO_HANDOFF_IND,	  p->hi >= 0		    },
		{MHO_ATT,		  p->att >= 0		     },
		{MHO_MN_LLID,	      p->has_llid		 },
		{MHO_LINK_LOCAL,	 p->has_link_local	  },
		{MHO_ALT_COA,	      p->has_alt_coa	    },
		{MHO_TIMESTAMP,		p->has_timestamp		},
		{MHO_GRE_KEY,	      p->has_gre		},
		{MHO_SERVICE_SELECTION, p->service		  },
	};
	int len;

	m->type = MH_BU;
	m->bu.seq = p->seq;
	m->bu.flags = p->flags;
	m->bu.lifetime = p->lifetime;
	for (unsigned i = 0; i < sizeof(opts) / sizeof(opts[0]); i++) {
		if (opts[i].there)
			pbu_encode_option(m, p, opts[i].type, 0);
		for (unsigned k = 0; i == 0 && k < p->n_hnp; k++)
			pbu_encode_option(m, p, MHO_HNP, k);
		for (unsigned k = 0; i == 0 && k < p->n_hoa4; k++)
			pbu_encode_option(m, p, MHO_IPV4_HOA_REQUEST, k);
	}
	if (p->twice)
		pbu_encode_option(m, p, p->twice, 0);
	len = mh_encode(m, buf, MH_MAX_LEN, &p->src, &p->dst);
	free(m);
	return len;
}

/* Sends the octets; returns the reply's status or NO_REPLY. */
static inline int bed_send_raw(struct bed *b, const struct in6_addr *src,
			       const struct in6_addr *dst, const uint8_t *buf, size_t len)
{
	const unsigned before = b->n_sent;
	uint8_t *data = malloc(len);
	struct mh_msg *m = malloc(sizeof(*m));
	const struct packet pkt = {
		.src = *src, .dst = *dst, .data = data, .len = len, .port = b->port};

	memcpy(data, buf, len);
	CU_ASSERT_EQUAL_FATAL(mh_decode(m, data, len, src, dst), MH_OK);
	lma_receive(b->l, &pkt, m, b->now);
	free(m);
	free(data);
	return b->n_sent == before ? NO_REPLY : b->pba.ba.status;
}

static inline int bed_send(struct bed *b, const struct pbu *p)
{
	uint8_t buf[MH_MAX_LEN];
	const int len = pbu_encode(p, buf);

	CU_ASSERT_FATAL(len > 0);
	b->port = p->port;
	return bed_send_raw(b, &p->src, &p->dst, buf, (size_t)len);
}

/* Time passes; every deadline fires at its time. */
static inline void bed_wait(struct bed *b, uint64_t ms)
{
	const nsec_t end = b->now + nsec_from_ms(ms);

	while (lma_next(b->l) <= end) {
		if (lma_next(b->l) > b->now)
			b->now = lma_next(b->l);
		lma_tick(b->l, b->now);
	}
	b->now = end;
}

static inline uint64_t bed_counter(const struct bed *b, const char *name)
{
	const struct counter_set c = lma_counters(b->l);

	for (size_t i = 0; i < c.n; i++)
		if (!strcmp(c.desc[i].name, name))
			return c.value[i];
	CU_FAIL("no such counter");
	return 0;
}

/* The only binding of a node, or the n-th in the cache's order; false when there is none. */
struct bed_pick {
	const char *mnid;
	unsigned skip;
	bool found;
	struct lma_binding b;
	struct prefix6 prefixes[DP_PREFIXES_MAX];
};

static inline void bed_pick_cb(void *ctx, const struct lma_binding *b)
{
	struct bed_pick *p = ctx;
	const struct mnid id = {MNID_NAI, (uint8_t)strlen(p->mnid), (const uint8_t *)p->mnid};

	if (p->found || !mnid_eq(&id, &b->mnid) || p->skip-- > 0)
		return;
	p->found = true;
	p->b = *b;
	memcpy(p->prefixes, b->prefixes, b->n_prefixes * sizeof(p->prefixes[0]));
	p->b.prefixes = p->prefixes;
}

static inline bool bed_binding(const struct bed *b, const char *mnid, unsigned nth,
			       struct bed_pick *out)
{
	*out = (struct bed_pick){.mnid = mnid, .skip = nth};
	lma_walk(b->l, b->now, bed_pick_cb, out);
	out->b.prefixes = out->prefixes;
	return out->found;
}

static inline bool bed_at(const struct bed *b, unsigned mag)
{
	struct bed_pick p;

	return bed_binding(b, "mn1@example.com", 0, &p) &&
	       addr6_eq(&p.b.proxy_coa, &b->mags[mag].addr);
}

static inline bool bed_state(const struct bed *b, const char *state)
{
	struct bed_pick p;

	return bed_binding(b, "mn1@example.com", 0, &p) && !strcmp(p.b.state, state);
}

/* The first prefix of the latest PBA. */
static inline struct prefix6 bed_hnp(const struct bed *b)
{
	const struct mh_opt *o = mh_opt(&b->pba, MHO_HNP);

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	return o->hnp.prefix;
}

static inline int bed_leads(const struct bed *b, const struct dp_fake_session *s)
{
	const struct dp_peer *peer;

	if (!s || s->s.mode != DP_FORWARD || s->s.down.kind != DP_TO_PEER)
		return -1;
	peer = dp_fake_peer(b->dp, s->s.down.peer);
	for (int i = 0; peer && i < N_MAGS; i++)
		if (addr6_eq(&peer->remote, &b->mags[i].addr))
			return i;
	return -1;
}

/* Where the data plane sends the prefix: the MAG's number, or -1. */
static inline int bed_forwards(const struct bed *b, const struct prefix6 *p)
{
	return bed_leads(b, dp_fake_by_prefix(b->dp, DP_ANCHOR, p));
}

/* The same for an IPv4 home address of domain 0. */
static inline int bed_forwards4(const struct bed *b, struct in_addr a)
{
	return bed_leads(b, dp_fake_by_addr4(b->dp, DP_ANCHOR, 0, a));
}

/* The IPv4 home address in the latest PBA; its Reply must have that status. */
static inline struct in_addr bed_hoa4(const struct bed *b, uint8_t status)
{
	const struct mh_opt *o = mh_opt(&b->pba, MHO_IPV4_HOA_REPLY);

	CU_ASSERT_EQUAL_FATAL(mh_opt_count(&b->pba, MHO_IPV4_HOA_REPLY), 1);
	CU_ASSERT_EQUAL(o->hoa4.status, status);
	return o->hoa4.addr;
}

static inline bool bed_has(const struct bed *b, uint8_t type)
{
	return mh_opt(&b->pba, type);
}

static inline void bed_used4_cb(void *ctx, const struct lma_pool4_info *i)
{
	uint64_t *sum = ctx;

	*sum += i->used;
}

/* Addresses that the IPv4 pools have handed out. */
static inline uint64_t bed_used4(const struct bed *b)
{
	uint64_t sum = 0;

	lma_walk_pools4(b->l, bed_used4_cb, &sum);
	return sum;
}

static inline void bed_used6_cb(void *ctx, const struct lma_pool_info *i)
{
	uint64_t *sum = ctx;

	*sum += i->used;
}

static inline uint64_t bed_used6(const struct bed *b)
{
	uint64_t sum = 0;

	lma_walk_pools(b->l, bed_used6_cb, &sum);
	return sum;
}

/* mn1 attaches with a link-layer identifier at the MAG and gets its first binding. */
static inline struct prefix6 bed_attach(struct bed *b, unsigned mag)
{
	struct pbu p = pbu(b, mag);

	p.hi = HI_NEW_INTERFACE;
	CU_ASSERT_EQUAL_FATAL(bed_send(b, &p), PBA_ACCEPTED);
	return bed_hnp(b);
}

/* The same without one. */
static inline struct prefix6 bed_attach_unnamed(struct bed *b, unsigned mag)
{
	struct pbu p = pbu(b, mag);

	p.hi = HI_NEW_INTERFACE;
	p.has_llid = false;
	CU_ASSERT_EQUAL_FATAL(bed_send(b, &p), PBA_ACCEPTED);
	return bed_hnp(b);
}

/* mn1 attaches and gets a prefix and an IPv4 home address. */
static inline struct in_addr bed_attach_dual(struct bed *b, unsigned mag)
{
	struct pbu p = pbu(b, mag);

	p.hi = HI_NEW_INTERFACE;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL_FATAL(bed_send(b, &p), PBA_ACCEPTED);
	return bed_hoa4(b, HOA4_SUCCESS);
}

/* The same without prefixes. */
static inline struct in_addr bed_attach4(struct bed *b, unsigned mag)
{
	struct pbu p = pbu(b, mag);

	p.hi = HI_NEW_INTERFACE;
	p.n_hnp = 0;
	pbu_ask4(&p, "0.0.0.0");
	CU_ASSERT_EQUAL_FATAL(bed_send(b, &p), PBA_ACCEPTED);
	return bed_hoa4(b, HOA4_SUCCESS);
}
