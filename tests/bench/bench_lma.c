/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *	bench_lma [N]
 *
 * How long one LMA with N bindings takes from a PBU's octets to the PBA's, and how much memory a
 * binding takes. The data plane is a stub, so that all of it is the control plane's own. Nodes
 * register in order; what follows meets them in random order. The two ends that need no message,
 * the deletion after a de-registration and the end of a lifetime, are measured one by one as well.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bench/latency.h"
#include "core/inbox.h"
#include "core/profile.h"
#include "core/tunnel.h"
#include "lma/lma.h"

#define N_MAGS	  64
#define EPOCH	  1700000000000000000ull
#define NODE_LEN  20
#define STATUS_AT 6	/* octet of a Binding Acknowledgement */
#define APART	  20000 /* ns between two messages */

struct bench {
	size_t n;
	nsec_t now;
	uint64_t rng;
	struct env env;
	struct inbox inbox;
	struct tunnels *tunnels;
	struct profile_table *table;
	struct lma *lma;
	struct lma_mag_cfg mags[N_MAGS];
	struct in6_addr lmaa;
	uint32_t *order;
	uint8_t *at; /* MAG of each node */
	struct latency latency;
	unsigned replies;
	int status;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_lma: %s\n", what);
	exit(2);
}

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	if (addr6_parse(s, &a))
		die(s);
	return a;
}

/* splitmix64 */
static uint64_t draw(struct bench *b)
{
	uint64_t z = (b->rng += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* ---- what is around the LMA */

static int take_reply(void *ctx, const struct packet *p)
{
	struct bench *b = ctx;

	b->replies++;
	b->status = p->data[STATUS_AT];
	return 0;
}

static void random_octets(void *ctx, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len--)
		*p++ = (uint8_t)draw(ctx);
}

static uint64_t wallclock(void *ctx)
{
	const struct bench *b = ctx;

	return EPOCH + b->now;
}

static int stub_pool(struct dataplane *dp, const struct prefix6 *p, uint32_t n)
{
	return 0;
}

static int stub_peer(struct dataplane *dp, const struct dp_peer *p, dp_ref *out)
{
	static dp_ref last;

	*out = ++last;
	return 0;
}

static int stub_put(struct dataplane *dp, const struct dp_session *s, dp_ref *ref)
{
	*ref = 1;
	return 0;
}

static int stub_move(struct dataplane *dp, dp_ref ref, const struct dp_path *down)
{
	return 0;
}

static int stub_mode(struct dataplane *dp, dp_ref ref, enum dp_mode mode)
{
	return 0;
}

static void stub_del(struct dataplane *dp, dp_ref ref)
{
}

static void to_lma(void *ctx, const struct packet *p, const struct mh_msg *m, nsec_t now)
{
	struct bench *b = ctx;

	lma_receive(b->lma, p, m, now);
}

static void set_up(struct bench *b)
{
	static const struct dataplane_ops ops = {
		.pool_put = stub_pool,
		.peer_put = stub_peer,
		.peer_del = stub_del,
		.session_put = stub_put,
		.session_move = stub_move,
		.session_mode = stub_mode,
		.session_del = stub_del,
	};
	static struct dataplane dp = {.ops = &ops};
	const struct profile everybody = {.enabled = true, .prefix_count = 1, .local_routing = -1};
	static struct lma_pool_cfg pool = {.name = "default", .prefix = {.len = 32}};
	struct profiles profiles;
	struct lma_cfg cfg;

	b->now = nsec_from_s(1000);
	b->lmaa = addr("2001:db8:ffff::1");
	b->env = (struct env){
		.ctx = b, .send = take_reply, .random = random_octets, .wallclock = wallclock};
	pool.prefix.addr = addr("2001:dba::");
	for (unsigned i = 0; i < N_MAGS; i++) {
		snprintf(b->mags[i].name, sizeof(b->mags[i].name), "mag%u", i);
		b->mags[i].addr = addr("2001:db8:11::1");
		b->mags[i].addr.s6_addr[7] = (uint8_t)i;
	}
	cfg = (struct lma_cfg){
		.addrs = {b->lmaa},
		.n_addrs = 1,
		.pools = &pool,
		.n_pools = 1,
		.mags = b->mags,
		.n_mags = N_MAGS,
		.max_bindings = (uint32_t)b->n,
		.max_lifetime = 3600,
		.min_delay_before_bce_delete_ms = 10000,
		.max_delay_before_new_bce_assign_ms = 1500,
		.timestamp_validity_window_ms = 300,
		.hold_before_new_bce = true,
		.timestamp_based_approach_in_use = true,
	};
	if (profile_table_new(&b->table) || profile_table_add_fallback(b->table, "*", &everybody) ||
	    tunnels_new(&b->tunnels, &dp))
		die("no memory");
	profiles = profile_table_profiles(b->table);
	if (lma_new(&b->lma, &cfg, &b->env, &dp, b->tunnels, &profiles, NULL))
		die("lma_new() failed");
	inbox_init(&b->inbox, &b->env, NULL);
	inbox_on(&b->inbox, MH_BU, to_lma, b);
}

/* ---- messages */

static struct mh_opt *option(struct mh_msg *m, uint8_t type)
{
	struct mh_opt *o = mh_opt_add(m, type);

	if (!o)
		die("too many options");
	return o;
}

static struct prefix6 prefix_of(uint32_t node)
{
	struct prefix6 p = {.addr = addr("2001:dba::"), .len = 64};

	for (unsigned i = 0; i < 4; i++)
		p.addr.s6_addr[4 + i] = (uint8_t)(node >> (24 - 8 * i));
	return p;
}

/* The node's MAG sends a PBU; with the node's prefix where `hi` says that the MAG knows it. */
static void send_pbu(struct bench *b, uint32_t node, uint16_t lifetime, enum handoff_ind hi)
{
	uint8_t buf[MH_MAX_LEN];
	char name[NODE_LEN];
	const uint8_t mac[6] = {2,
				0,
				(uint8_t)(node >> 24),
				(uint8_t)(node >> 16),
				(uint8_t)(node >> 8),
				(uint8_t)node};
	static uint16_t seq;
	struct mh_msg m;
	struct packet p = {.src = b->mags[b->at[node]].addr, .dst = b->lmaa, .data = buf};
	int len;

	b->now += APART;
	m.n_opts = 0;
	m.type = MH_BU;
	m.bu.seq = ++seq;
	m.bu.flags = MH_BU_A | MH_BU_P;
	m.bu.lifetime = lifetime;
	snprintf(name, sizeof(name), "%07u@example.com", node % 10000000);
	option(&m, MHO_MN_ID)->mnid =
		(struct mnid){MNID_NAI, (uint8_t)strlen(name), (const uint8_t *)name};
	option(&m, MHO_HNP)->hnp.prefix =
		hi == HI_NO_CHANGE ? prefix_of(node) : (struct prefix6){.len = 0};
	option(&m, MHO_HANDOFF_IND)->value = (uint8_t)hi;
	option(&m, MHO_ATT)->value = ATT_WIFI;
	option(&m, MHO_MN_LLID)->llid = (struct llid){sizeof(mac), mac};
	option(&m, MHO_TIMESTAMP)->timestamp = timestamp_from_wallclock(EPOCH + b->now);
	len = mh_encode(&m, buf, sizeof(buf), &p.src, &p.dst);
	if (len < 0)
		die("a message does not encode");
	p.len = (size_t)len;

	b->replies = 0;
	latency_start(&b->latency);
	inbox_receive(&b->inbox, &p, b->now);
	latency_stop(&b->latency);
	if (b->replies != 1 || b->status != PBA_ACCEPTED) {
		fprintf(stderr, "node %u: %u replies, status %d\n", node, b->replies, b->status);
		die("a PBU was not accepted");
	}
}

static void shuffle(struct bench *b)
{
	for (size_t i = b->n; i > 1; i--) {
		const size_t k = draw(b) % i;
		const uint32_t t = b->order[i - 1];

		b->order[i - 1] = b->order[k];
		b->order[k] = t;
	}
}

static void run_out(struct bench *b, const char *what)
{
	nsec_t next;

	while ((next = lma_next(b->lma)) != NSEC_NEVER) {
		if (b->now < next)
			b->now = next;
		latency_start(&b->latency);
		lma_tick(b->lma, next);
		latency_stop(&b->latency);
	}
	latency_tell(&b->latency, what);
}

static void see(void *ctx, const struct lma_binding *binding)
{
	size_t *n = ctx;

	*n += binding->n_prefixes;
}

/* What an operator's question about all bindings holds up. */
static void walk(struct bench *b)
{
	size_t n = 0;

	latency_start(&b->latency);
	lma_walk(b->lma, b->now, see, &n);
	latency_stop(&b->latency);
	latency_tell(&b->latency, "walk over all");
	if (n != b->n)
		die("a walk met not all of them");
}

static size_t heap(void)
{
	const struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

int main(int argc, char **argv)
{
	struct bench b = {.n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000, .rng = 1};
	size_t before;

	if (!b.n || b.n > 10000000)
		die("N is 1 to 10000000");
	log_set_level(LOG_C_BUG);
	b.order = calloc(b.n, sizeof(*b.order));
	b.at = calloc(b.n, sizeof(*b.at));
	if (!b.order || !b.at)
		die("no memory");
	latency_init(&b.latency, b.n);
	before = heap();
	set_up(&b);
	latency_head();

	for (uint32_t i = 0; i < b.n; i++) {
		b.order[i] = i;
		b.at[i] = (uint8_t)(draw(&b) % N_MAGS);
		send_pbu(&b, i, 900, HI_UNKNOWN);
	}
	latency_tell(&b.latency, "registration");
	printf("%zu octets per binding\n", (heap() - before) / b.n);

	shuffle(&b);
	for (size_t i = 0; i < b.n; i++)
		send_pbu(&b, b.order[i], 900, HI_NO_CHANGE);
	latency_tell(&b.latency, "refresh");
	walk(&b);

	shuffle(&b);
	for (size_t i = 0; i < b.n; i++) {
		const uint32_t node = b.order[i];

		b.at[node] = (uint8_t)((b.at[node] + 1) % N_MAGS);
		send_pbu(&b, node, 900, HI_BETWEEN_MAGS);
	}
	latency_tell(&b.latency, "handover");

	shuffle(&b);
	for (size_t i = 0; i < b.n / 2; i++)
		send_pbu(&b, b.order[i], 0, HI_NO_CHANGE);
	latency_tell(&b.latency, "de-registration");
	if (lma_count(b.lma) != b.n)
		die("bindings went too soon");
	run_out(&b, "deletion");
	if (lma_count(b.lma))
		die("bindings are left");

	for (size_t i = 0; i < b.n; i++)
		send_pbu(&b, b.order[i], 900, HI_UNKNOWN);
	latency_tell(&b.latency, "registration, random order");

	lma_free(&b.lma);
	tunnels_free(&b.tunnels);
	profile_table_free(&b.table);
	latency_free(&b.latency);
	free(b.order);
	free(b.at);
	return 0;
}
