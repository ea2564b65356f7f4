/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An LMA and two MAGs end to end, from the octets of a Mobility Header to the data plane, with
 * somebody on the path who delays, drops, repeats, changes and invents messages. The input is a
 * sequence of {1 octet: what to do, operands}; checksums are made right, so that mutation gets past
 * them. Besides memory errors it finds what the simulated data plane calls a violation. The first
 * octet decides on the configuration: both families or IPv6 alone, the second MAG over IPv4, GRE
 * keys.
 */
#include "fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "core/inbox.h"
#include "dataplane/dp_fake.h"
#include "lma/lma.h"
#include "mag/mag.h"

#define QUEUE_MAX 64
#define STEPS_MAX 400
#define WALL0	  1700000000500000000ull
#define HOSTS	  3 /* the LMA, two MAGs */
#define OFFICE	  7 /* domain of IPv4 addresses */

/* Of the first octet; the lower bits are about RFC 5213. */
#define DUAL_STACK	 0x20
#define SECOND_OVER_IPV4 0x40
#define GRE_KEYS	 0x80

enum { LMA_HOST, MAG_HOST };

struct message {
	struct in6_addr src, dst;
	uint16_t len, port;
	uint8_t data[MH_MAX_LEN];
};

struct host {
	struct in6_addr addr;
	struct env env;
	struct event_sink sink;
	struct inbox inbox;
	struct dp_fake *fake;
	struct tunnels *tunnels;
	struct link_ops links;
	struct lma *lma; /* of the first */
	struct mag *mag; /* of the others */
};

static struct {
	struct host host[HOSTS];
	struct message queue[QUEUE_MAX];
	unsigned queued;
	struct profile_table *table;
	struct profiles profiles;
	struct lma_cfg lma_cfg;
	struct mag_cfg mag_cfg;
	struct in6_addr lmaa4;
	uint8_t how;
	struct lma_pool_cfg pools[2];
	struct lma_pool4_cfg pools4[2];
	struct prefix6 statics[1];
	struct lma_mag_cfg mags[2];
	struct mag_lma_cfg lmas[1];
	struct mag_neighbour_cfg neighbour;
	nsec_t now;
	uint64_t seed;
} w;

static void demand(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_roles: %s\n", what);
	abort();
}

static struct in6_addr addr(uint32_t upper, uint8_t last)
{
	struct in6_addr a = {
		.s6_addr = {0x20, 0x01, 0x0d, 0xb8}
	   };

	a.s6_addr[4] = (uint8_t)(upper >> 24);
	a.s6_addr[5] = (uint8_t)(upper >> 16);
	a.s6_addr[6] = (uint8_t)(upper >> 8);
	a.s6_addr[7] = (uint8_t)upper;
	a.s6_addr[15] = last;
	return a;
}

static int env_send(void *ctx, const struct packet *pkt)
{
	struct message *m = &w.queue[w.queued];

	if (w.queued == QUEUE_MAX)
		return -ENOBUFS;
	m->src = pkt->src;
	m->dst = pkt->dst;
	m->len = (uint16_t)pkt->len;
	m->port = 5436;
	memcpy(m->data, pkt->data, pkt->len);
	w.queued++;
	return 0;
}

static void env_random(void *ctx, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len--) {
		w.seed = w.seed * 6364136223846793005ull + 1442695040888963407ull;
		*p++ = (uint8_t)(w.seed >> 56);
	}
}

static uint64_t env_wallclock(void *ctx)
{
	return WALL0 + w.now;
}

static void param_problem(void *ctx, const struct packet *about, uint32_t offset)
{
	demand(offset < about->len, "a Parameter Problem points behind the message");
}

/* Reads all that an event borrows. */
static void on_event(void *ctx, const struct event *ev)
{
	char text[2 * MH_NAI_MAX + 32];

	if (ev->mnid)
		mnid_str(ev->mnid, text, sizeof(text));
	for (unsigned i = 0; i < ev->n_prefixes; i++)
		demand(ev->prefixes[i].len <= 128, "an event with an impossible prefix");
	if (ev->msg)
		mh_summary(ev->msg, text, sizeof(text));
}

static void on_bu(void *ctx, const struct packet *pkt, const struct mh_msg *msg, nsec_t now)
{
	struct host *h = ctx;

	if (msg->bu.flags & MH_BU_P && lma_serves_addr(h->lma, &pkt->dst))
		lma_receive(h->lma, pkt, msg, now);
}

static void on_ba(void *ctx, const struct packet *pkt, const struct mh_msg *msg, nsec_t now)
{
	struct host *h = ctx;

	if (mag_serves_addr(h->mag, &pkt->dst))
		mag_receive(h->mag, pkt, msg, now);
}

static void on_revocation(void *ctx, const struct packet *pkt, const struct mh_msg *msg, nsec_t now)
{
	struct host *h = ctx;

	if (h->lma && lma_serves_addr(h->lma, &pkt->dst))
		lma_receive(h->lma, pkt, msg, now);
	else if (h->mag && mag_serves_addr(h->mag, &pkt->dst))
		mag_receive(h->mag, pkt, msg, now);
}

static void advertise(void *ctx, const struct link_node *n, const struct link_advert *ad)
{
	for (unsigned i = 0; i < ad->n_prefixes; i++)
		demand(ad->prefixes[i].len <= 128, "an impossible prefix is advertised");
	demand(ad->home4.len <= 32, "an impossible IPv4 home network is offered");
	demand(ad->n_prefixes || ad->home4.addr.s_addr, "nothing is advertised");
}

static void withdraw(void *ctx, const struct link_node *n, bool deprecate)
{
}

static void on_node(void *ctx, const struct link_node *n)
{
}

static bool attached(void *ctx, const struct link_node *n)
{
	return n->mac.b[5] & 1;
}

static void set_link_local(void *ctx, unsigned ifindex, const struct in6_addr *ll)
{
}

static void no_log(void *ctx, enum log_class cls, const char *line)
{
}

/* Both MAGs are configured alike but for the addresses. */
static void address_mag(unsigned i)
{
	const bool ip4 = addr_is_ip4(&w.host[i].addr);

	w.mag_cfg.proxy_coa = ip4 ? in6addr_any : w.host[i].addr;
	w.mag_cfg.ipv4_proxy_coa = ip4 ? w.host[i].addr : in6addr_any;
	w.lmas[0].addr = ip4 ? w.lmaa4 : w.host[LMA_HOST].addr;
	w.neighbour.addr = w.host[HOSTS - i].addr;
}

static void host_start(unsigned i)
{
	struct host *h = &w.host[i];

	h->env = (struct env){h, env_send, param_problem, env_random, env_wallclock};
	h->sink = (struct event_sink){.ctx = h, .emit = on_event};
	h->links = (struct link_ops){h,	       advertise, withdraw,	 on_node,
				     attached, on_node,	  set_link_local};
	inbox_init(&h->inbox, &h->env, &h->sink);
	inbox_on(&h->inbox, MH_BINDING_REVOCATION, on_revocation, h);
	demand(!dp_fake_new(&h->fake), "no memory");
	demand(!tunnels_new(&h->tunnels, dp_fake_dataplane(h->fake)), "no memory");
	if (i == LMA_HOST) {
		demand(!lma_new(&h->lma, &w.lma_cfg, &h->env, dp_fake_dataplane(h->fake),
				h->tunnels, &w.profiles, &h->sink),
		       "the LMA does not start");
		inbox_on(&h->inbox, MH_BU, on_bu, h);
	} else {
		address_mag(i);
		demand(!mag_new(&h->mag, &w.mag_cfg, &h->env, dp_fake_dataplane(h->fake),
				h->tunnels, &w.profiles, &h->links, &h->sink),
		       "a MAG does not start");
		inbox_on(&h->inbox, MH_BA, on_ba, h);
		inbox_on(&h->inbox, MH_BRR, on_ba, h);
		inbox_on(&h->inbox, MH_BE, on_ba, h);
		inbox_on(&h->inbox, MH_HI, on_ba, h);
		inbox_on(&h->inbox, MH_HACK, on_ba, h);
	}
}

static void start(uint8_t how)
{
	static const uint8_t id[] = "mn1@example.com";
	struct profile any = {.enabled = true, .prefix_count = 1, .local_routing = -1};
	struct profile one = any;

	memset(&w, 0, sizeof(w));
	w.now = nsec_from_s(1000);
	w.seed = how;
	w.host[0].addr = addr(0x20000, 1);
	w.host[1].addr = addr(0x110000, 1);
	w.host[2].addr = addr(0x120000, 1);
	w.how = how;
	addr_parse("198.51.100.1", &w.lmaa4);
	if (how & SECOND_OVER_IPV4)
		addr_parse("192.0.2.1", &w.host[2].addr);
	any.ipv4 = one.ipv4 = how & DUAL_STACK;
	snprintf(any.pool4, sizeof(any.pool4), "home");
	snprintf(one.pool4, sizeof(one.pool4), how & GRE_KEYS ? "office" : "home");
	demand(!profile_table_new(&w.table), "no memory");
	one.mnid = (struct mnid){.subtype = MNID_NAI, .len = sizeof(id) - 1, .id = id};
	one.n_macs = 1;
	one.macs[0] = (struct mac){
		{2, 0, 0, 0, 0, 1}
	  };
	one.n_prefixes = 2;
	one.prefixes[0] = (struct prefix6){addr(0xf000001, 0), 64};
	one.prefixes[1] = (struct prefix6){addr(0x1000003, 0), 64};
	profile_table_add(w.table, &one);
	profile_table_add_fallback(w.table, "*", &any);
	w.profiles = profile_table_profiles(w.table);
	w.pools[0] = (struct lma_pool_cfg){
		"a", {addr(0x1000000, 0), 62}
	     };
	w.pools[1] = (struct lma_pool_cfg){
		"b", {addr(0x2000000, 0), 48}
	     };
	w.statics[0] = (struct prefix6){addr(0xf000000, 0), 48};
	for (unsigned i = 0; i < 2; i++) {
		w.mags[i].addr = w.host[1 + i].addr;
		w.mags[i].may_revoke = !i;
		snprintf(w.mags[i].name, sizeof(w.mags[i].name), "m%u", i);
	}
	/* two operators with the same few addresses */
	w.pools4[0] = (struct lma_pool4_cfg){.name = "home"};
	w.pools4[1] = (struct lma_pool4_cfg){.name = "office", .domain = OFFICE};
	for (unsigned i = 0; i < 2; i++)
		prefix4_parse("10.0.0.0/29", &w.pools4[i].prefix);
	w.lma_cfg = (struct lma_cfg){
		.addrs = {w.host[0].addr, w.lmaa4},
		.n_addrs = 2,
		.pools4 = w.pools4,
		.n_pools4 = how & GRE_KEYS ? 2 : 1,
		.gre = LMA_GRE_ACCEPT,
		.gre_tlv = true,
		.accept_forced_ipv4_udp_encapsulation_request = true,
		.pools = w.pools,
		.n_pools = 2,
		.static_prefixes = w.statics,
		.n_static_prefixes = 1,
		.mags = w.mags,
		.n_mags = 2,
		.max_bindings = 12,
		.max_lifetime = 3600,
		.binding_revocation = true,
		.min_delay_before_bce_delete_ms = 10000,
		.max_delay_before_new_bce_assign_ms = 1500,
		.timestamp_validity_window_ms = how & 2 ? 300 : UINT32_MAX,
		.hold_before_new_bce = !(how & 4),
		.timestamp_based_approach_in_use = how & 1,
		.fixed_mag_link_local_address_on_all_access_links = {.s6_addr = {0xfe,
										 0x80, [15] = 1}		},
	};
	w.neighbour = (struct mag_neighbour_cfg){
		.name = "other", .encap = how & 8 ? DP_ENCAP_GRE_KEY : DP_ENCAP_MAX};
	w.mag_cfg = (struct mag_cfg){
		.gre = how & GRE_KEYS ? MAG_GRE_KEYS : MAG_GRE_NONE,
		.gre_tlv = how & 1,
		.force_ipv4_udp_encapsulation_support = how & 2,
		.lmas = w.lmas,
		.n_lmas = 1,
		.neighbours = &w.neighbour,
		.n_neighbours = how & SECOND_OVER_IPV4 ? 0 : 1,
		.fho = {.buffer_at_old = how & 4,
			.hi_timeout_ms = 100,
			.hi_retries = 3,
			.forwarding_ms = 10000,
			.settle_ms = 500,
			.leave_ms = 2000,
			.max = 4,
			.hi_rate = 50},
		.max_bindings = 12,
		.lifetime = 3600,
		.refresh_percent = 75,
		.tunnel_mtu = 1460,
		.initial_bindack_timeout_ms = 1000,
		.max_bindack_timeout_ms = 32000,
		.timestamp_based_approach_in_use = how & 1,
		.realm = "example.com",
		.identity = "mag@example.com",
		.deprecate_on_detach = how & 8,
	};
	if (!(how & 16))
		w.mag_cfg.fixed_mag_link_local_address_on_all_access_links =
			w.lma_cfg.fixed_mag_link_local_address_on_all_access_links;
	for (unsigned i = 0; i < HOSTS; i++)
		host_start(i);
}

static void check(bool over)
{
	for (unsigned i = 0; i < HOSTS; i++) {
		const char *what = "";
		unsigned n = dp_fake_violations(w.host[i].fake, &what);

		demand(!n, what);
		if (over)
			demand(!dp_fake_peers(w.host[i].fake), "a tunnel is left over");
	}
}

static void end(void)
{
	check(false);
	for (unsigned i = 0; i < HOSTS; i++) {
		struct host *h = &w.host[i];

		lma_free(&h->lma);
		mag_free(&h->mag);
		tunnels_free(&h->tunnels);
	}
	demand(!dp_fake_sessions(w.host[LMA_HOST].fake), "a session is left over");
	for (unsigned i = 0; i < HOSTS; i++)
		dp_fake_free(&w.host[i].fake);
	profile_table_free(&w.table);
}

static void deliver(const struct message *m)
{
	struct packet pkt = {.src = m->src, .dst = m->dst, .len = m->len, .port = m->port};

	for (unsigned i = 0; i < HOSTS; i++) {
		const bool second = i == LMA_HOST && addr6_eq(&w.lmaa4, &m->dst);
		uint8_t *copy;

		if (!addr6_eq(&w.host[i].addr, &m->dst) && !second)
			continue;
		copy = malloc(m->len ? m->len : 1); /* of its size, and gone after the call */
		memcpy(copy, m->data, m->len);
		pkt.data = copy;
		inbox_receive(&w.host[i].inbox, &pkt, w.now);
		free(copy);
	}
}

static void fix_checksum(struct message *m)
{
	size_t total = m->len > 1 ? (m->data[1] + 1u) * 8 : 0;
	uint16_t sum;

	if (m->len < 8 || total > m->len || addr_is_ip4(&m->dst))
		return;
	sum = mh_checksum(m->data, total, &m->src, &m->dst);
	m->data[4] = (uint8_t)(sum >> 8);
	m->data[5] = (uint8_t)sum;
}

/* Any of those that are under way: as it is, or with some octets changed. */
static void from_queue(struct rd *r, bool change, bool keep)
{
	unsigned which = rd_u8(r) % (w.queued ? w.queued : 1);
	struct message m;

	if (!w.queued)
		return;
	m = w.queue[which];
	if (!keep)
		memmove(&w.queue[which], &w.queue[which + 1],
			(--w.queued - which) * sizeof(w.queue[0]));
	for (unsigned n = change ? 1 + rd_u8(r) % 8 : 0; n; n--) {
		unsigned at = rd_u8(r) % m.len;

		m.data[at] ^= rd_u8(r);
	}
	fix_checksum(&m);
	deliver(&m);
}

static void invent(struct rd *r)
{
	uint8_t path = rd_u8(r), len = rd_u8(r);
	struct message m = {.src = addr(0x990000, 1), .dst = w.host[path % HOSTS].addr};

	if (path >> 4 < HOSTS)
		m.src = w.host[path >> 4].addr;
	if (addr_is_ip4(&m.src) && path % HOSTS == LMA_HOST)
		m.dst = w.lmaa4;
	m.port = len & 1 ? len : MH_UDP_PORT;
	m.len = len < rd_left(r) ? len : (uint16_t)rd_left(r);
	rd_copy(r, m.data, m.len);
	fix_checksum(&m);
	deliver(&m);
}

static struct link_node node_of(uint8_t b)
{
	return (struct link_node){.ifindex = 1 + (b >> 4 & 1), .mac = {{2, 0, 0, 0, 0, b & 7}}};
}

static void attach(struct mag *m, uint8_t which, uint8_t how, uint8_t what)
{
	static const uint8_t other[] = "other@example.com";
	const struct mnid id = {MNID_NAI, sizeof(other) - 1, other};
	struct mag_attachment a = {
		.node = node_of(which),
		.att = 1 + (how & 3),
		.handoff_hint = how >> 2 & 7,
		.access_mtu = 1500,
		.domain = w.how & GRE_KEYS && (which & 7) == 1 ? OFFICE : 0,
		.wants_ipv4 = what & 32,
		.prev_ap = what & 64 ? "other" : NULL,
		.mnid = how & 0x40 ? &id : NULL,
		.cause = how & 0x80 ? MAG_CAUSE_CONTROL : "rs",
	};

	mag_attach(m, &a, w.now);
}

static void reload(uint8_t how)
{
	const char *why = NULL;
	struct profiles passing = w.profiles;

	w.lma_cfg.n_mags = how & 1 ? 1 : 2;
	w.lma_cfg.n_pools = how & 2 ? 1 : 2;
	w.lma_cfg.n_static_prefixes = how & 4 ? 0 : 1;
	w.lma_cfg.max_bindings = how & 8 ? 2 : 12;
	w.lma_cfg.gre = how & 64 ? LMA_GRE_REQUIRE : LMA_GRE_ACCEPT;
	w.lma_cfg.gre_tlv = !(how & 128);
	w.mag_cfg.gre = (enum mag_gre)(how >> 6);
	if (w.mag_cfg.gre > MAG_GRE_KEYS || w.how & GRE_KEYS)
		w.mag_cfg.gre = MAG_GRE_KEYS;
	w.lma_cfg.timestamp_based_approach_in_use = how & 16;
	w.mag_cfg.timestamp_based_approach_in_use = how & 16;
	lma_reload(w.host[LMA_HOST].lma, &w.lma_cfg, &passing, &why, w.now);
	for (unsigned i = MAG_HOST; i < HOSTS; i++) {
		address_mag(i);
		w.mag_cfg.enable_mag_local_routing = how & 32;
		mag_reload(w.host[i].mag, &w.mag_cfg, &passing, &why, w.now);
	}
	memset(&passing, 0xa5, sizeof(passing));
}

static void pass_time(uint8_t how)
{
	static const uint32_t ms[] = {1, 100, 1000, 1500, 3000, 10000, 100000, 4000000};

	w.now = nsec_add(w.now, nsec_from_ms(ms[how & 7]));
	if (lma_next(w.host[LMA_HOST].lma) <= w.now)
		lma_tick(w.host[LMA_HOST].lma, w.now);
	for (unsigned i = MAG_HOST; i < HOSTS; i++)
		if (mag_next(w.host[i].mag) <= w.now)
			mag_tick(w.host[i].mag, w.now);
}

static void shown_binding(void *ctx, const struct lma_binding *b)
{
	char text[2 * MH_NAI_MAX + 32];

	mnid_str(&b->mnid, text, sizeof(text));
	llid_str(&b->llid, text, sizeof(text));
}

static void shown_entry(void *ctx, const struct mag_binding *b)
{
	char text[2 * MH_NAI_MAX + 32];

	mnid_str(&b->mnid, text, sizeof(text));
}

struct name {
	uint8_t len, id[MH_NAI_MAX];
};

static void name_of_last(void *ctx, const struct lma_binding *b)
{
	struct name *n = ctx;

	n->len = b->mnid.subtype == MNID_NAI ? b->mnid.len : 0;
	memcpy(n->id, b->mnid.id, n->len);
}

struct find4 {
	struct link_node node;
	struct in_addr addr;
};

static void find_home4(void *ctx, const struct mag_binding *b)
{
	struct find4 *f = ctx;

	if (b->node.ifindex == f->node.ifindex && mac_eq(&b->node.mac, &f->node.mac))
		f->addr = b->home4.addr;
}

struct find_id {
	struct link_node node;
	struct name name;
};

static void find_id(void *ctx, const struct mag_binding *b)
{
	struct find_id *f = ctx;

	if (!mac_eq(&b->node.mac, &f->node.mac) || b->mnid.subtype != MNID_NAI)
		return;
	f->name.len = b->mnid.len;
	memcpy(f->name.id, b->mnid.id, b->mnid.len);
}

static void shown_handover(void *ctx, const struct mag_handover *h)
{
	demand(h->mn_id && h->neighbour && h->state, "a handover without a name");
}

/* A trigger of a predictive handover. */
static void hand_over(struct mag *m, const struct link_node *n)
{
	struct find_id f = {.node = *n};
	struct mnid id = {.subtype = MNID_NAI, .id = f.name.id};

	mag_walk(m, w.now, find_id, &f);
	id.len = f.name.len;
	if (id.len)
		mag_handover(m, &id, "other", w.now);
	mag_walk_handovers(m, w.now, shown_handover, NULL);
}

static void release_ipv4(struct mag *m, const struct link_node *n)
{
	struct find4 f = {.node = *n};

	mag_walk(m, w.now, find_home4, &f);
	mag_release_ipv4(m, n, f.addr, "dhcp-release", w.now);
}

static void revoke_one(struct lma *l, uint8_t how)
{
	struct name n = {0};
	struct lma_revoke_order o = {
		.id = {.subtype = MNID_NAI, .id = n.id},
		.trigger = how & 15,
		.ipv4_only = how & 16,
	};

	lma_walk(l, w.now, name_of_last, &n);
	o.id.len = n.len;
	if (n.len)
		lma_revoke(l, &o, w.now);
}

/* An operator's order, at either end. */
static void revoke(struct mag *m, uint8_t how)
{
	struct lma *l = w.host[LMA_HOST].lma;

	switch (how >> 5) {
	case 0:
		mag_revoke_all(m, NULL, w.now);
		break;
	case 1:
		lma_revoke_all(l, how & 1 ? "m1" : "m0", how & 2 ? "example.com" : NULL, w.now);
		break;
	default:
		revoke_one(l, how);
	}
}

static void step(struct rd *r)
{
	uint8_t what = rd_u8(r), arg = rd_u8(r);
	struct mag *m = w.host[MAG_HOST + (arg >> 7)].mag;
	struct link_node node = node_of(arg);

	switch (what % 16) {
	case 0:
	case 1:
		attach(m, arg, rd_u8(r), what);
		break;
	case 2:
		mag_detach(m, &node, what & 16 ? MAG_CAUSE_CONTROL : "nud", w.now);
		break;
	case 3:
		if (what & 32)
			release_ipv4(m, &node);
		mag_confirmed(m, &node, w.now);
		break;
	case 4:
	case 5:
		pass_time(arg);
		break;
	case 6:
	case 7:
		from_queue(r, false, false);
		break;
	case 8:
		from_queue(r, true, false);
		break;
	case 9:
		from_queue(r, true, true);
		break;
	case 10:
		invent(r);
		break;
	case 11:
		reload(arg);
		break;
	case 12:
		dp_fake_fail(w.host[arg % HOSTS].fake, (arg >> 4) % DP_FAKE_OP_MAX, 1, ENOSPC);
		break;
	case 13:
		revoke(m, rd_u8(r));
		break;
	case 14:
		if (what & 64)
			hand_over(m, &node);
		lma_walk(w.host[LMA_HOST].lma, w.now, shown_binding, NULL);
		mag_walk(m, w.now, shown_entry, NULL);
		break;
	default:
		if (w.queued)
			w.queued--;
		mag_detach_link(m, 1 + (arg & 1), "link-down", w.now);
	}
	check(false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd r;

	log_set_sink(no_log, NULL);
	rd_init(&r, data, size);
	start(rd_u8(&r));
	for (unsigned i = 0; i < STEPS_MAX && rd_left(&r) && !rd_bad(&r); i++)
		step(&r);
	end();
	return 0;
}
