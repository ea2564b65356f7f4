/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two access gateways and a node between them (RFC 5949 4.1, 4.2): what each forwards, through
 * every pair of tunnels, and what a program does with packets that have to wait.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "combo.h"
#include "lib/cu.h"

static struct world *worlds[PM_HOOK_MAX], *gateways[PM_HOOK_MAX]; /* LMA and MAG; MAG alone */

static void run(struct world *w, struct row *r, const char *what, enum kind to_lma,
		enum kind to_mag)
{
	char name[160];

	snprintf(name, sizeof(name), "%s: %s, %s", what, kinds[to_lma].name, kinds[to_mag].name);
	r->name = name;
	packet_run(w, r);
}

/* From the anchor, on to the gateway that the node went to. */
static struct row onward(enum kind l, enum kind g, bool four)
{
	const enum world_slot node = MN_LEFT + 10 * l + g;
	struct row r = {.prog = AT_TRANSPORT, .verdict = PM_V_HAIRPIN, .down = node};

	r.in = (struct spec){.dmac = T_MAC,
			     .smac = T_PEER,
			     .osrc = kinds[l].lma,
			     .odst = combo_pcoa(l),
			     .shim = kinds[l].shim,
			     .key = node,
			     .src = combo_cn(four),
			     .dst = combo_addr(node, four)};
	r.out = r.in;
	r.out.dmac = R_MAC;
	r.out.smac = T_MAC;
	r.out.osrc = combo_lmaa(g);
	r.out.odst = kinds[g].mag;
	r.out.shim = kinds[g].shim;
	r.out.key = world_peer_key(node, false);
	r.out.hl = 63;
	return r;
}

/* And from there to the anchor. */
static struct row back(enum kind l, enum kind g, bool four)
{
	const enum world_slot node = MN_LEFT + 10 * l + g;
	struct row r = {.prog = AT_TRANSPORT, .verdict = PM_V_HAIRPIN, .up = node};

	r.in = (struct spec){.dmac = T_MAC,
			     .smac = T_PEER,
			     .osrc = kinds[g].mag,
			     .odst = combo_lmaa(g),
			     .shim = kinds[g].shim,
			     .key = node,
			     .src = combo_addr(node, four),
			     .dst = combo_cn(four)};
	r.out = r.in;
	r.out.dmac = R_MAC;
	r.out.smac = T_MAC;
	r.out.osrc = combo_pcoa(l);
	r.out.odst = kinds[l].lma;
	r.out.shim = kinds[l].shim;
	r.out.key = world_peer_key(node, true);
	r.out.hl = 63;
	return r;
}

static const char *ours(const char *first, const char *second, bool four)
{
	if (frame_is4(first) == four)
		return first;
	if (frame_is4(second) == four)
		return second;
	return four ? ICMP4_SRC : ICMP6_SRC;
}

static void pair(struct world *w, enum kind l, enum kind g, bool four)
{
	struct row r = onward(l, g, four);

	run(w, &r, "from the anchor to the other gateway", l, g);
	r.in.tc = 0x2a;
	r.in.otc = 3;
	r.out.tc = r.out.otc = 0x2b;
	run(w, &r, "from the anchor to the other gateway, congestion", l, g);
	r = onward(l, g, four);
	r.in.len = r.out.len = KIND_MTU(g);
	run(w, &r, "from the anchor to the other gateway, fits exactly", l, g);
	r.in.len++;
	r.in.df = 1;
	r.down = 0;
	r.error = (struct frame_error){.src = ours(combo_pcoa(l), combo_lmaa(g), four),
				       .dst = combo_cn(four)};
	combo_too_big(&r, four, KIND_MTU(g));
	run(w, &r, "from the anchor to the other gateway, too big", l, g);

	r = back(l, g, four);
	run(w, &r, "from the other gateway to the anchor", l, g);
	r.in.len = r.out.len = KIND_MTU(l);
	run(w, &r, "from the other gateway to the anchor, fits exactly", l, g);
	r = back(l, g, four);
	r.in.dst = r.out.dst = combo_addr(MN_1, four);
	run(w, &r, "not straight to a node that is anchored here", l, g);

	r = back(l, g, four);
	r.up = 0;
	combo_drop(&r, PM_DROP_OUTER_SOURCE);
	r.in.osrc = frame_is4(r.in.osrc) ? "198.51.100.77" : OTHER;
	run(w, &r, "from the node, from a stranger", l, g);
	r = onward(l, g, four);
	r.down = 0;
	combo_drop(&r, PM_DROP_OUTER_SOURCE);
	r.in.osrc = frame_is4(r.in.osrc) ? "198.51.100.77" : OTHER;
	run(w, &r, "to the node, from a stranger", l, g);
}

static void test_pairs(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++)
		for (int l = 0; l < KINDS; l++)
			for (int g = 0; g < KINDS; g++)
				for (int four = 0; four < 2; four++)
					pair(gateways[hook], l, g, four);
}

/* Where an anchor runs as well, the way is the same. */
static void test_pairs_anchor(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (int k = 0; k < KINDS; k++) {
			struct row r = onward(k, (k + 3) % KINDS, false);

			run(worlds[hook], &r, "gateway and anchor in one, onward", k,
			    (k + 3) % KINDS);
			r = back(k, (k + 3) % KINDS, true);
			run(worlds[hook], &r, "gateway and anchor in one, back", k,
			    (k + 3) % KINDS);
		}
	}
}

/* The node's new gateway hears both. */
static void test_both_tunnels(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (int k = 0; k < KINDS; k++) {
			const enum world_slot node = MN_K_COMES + k;
			struct row r = {
				.prog = AT_TRANSPORT, .verdict = PM_V_DECAP_LINK, .down = node};

			for (int four = 0; four < 2; four++) {
				r.in = (struct spec){.dmac = T_MAC,
						     .smac = T_PEER,
						     .osrc = kinds[k].lma,
						     .odst = combo_pcoa(k),
						     .shim = kinds[k].shim,
						     .key = node,
						     .src = combo_cn(four),
						     .dst = combo_addr(node, four)};
				r.out = (struct spec){.dmac = mn_mac(node),
						      .smac = A_MAC,
						      .src = combo_cn(four),
						      .dst = combo_addr(node, four),
						      .hl = 63};
				run(gateways[hook], &r, "through the anchor's tunnel", k, k);
				r.in.osrc = kinds[k].mag;
				r.in.odst = combo_lmaa(k);
				run(gateways[hook], &r, "through the other gateway's tunnel", k, k);
			}
			world_session(gateways[hook], node)->also = 0;
			r.down = 0;
			combo_drop(&r, PM_DROP_OUTER_SOURCE);
			run(gateways[hook], &r, "no longer from there", k, k);
			world_session(gateways[hook], node)->also = (uint16_t)(TUN_K_MAG + k);
		}
	}
}

/* A binding has moved to a gateway, and packets that the node sent through the former one come. */
static void test_late_uplink(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (int i = 0; i < 2 * KINDS; i++) {
			const struct combo c = {
				.dir = LMA_UP, .k = (enum kind)(i / 2), .four = i % 2};
			const enum kind old = (c.k + 3) % KINDS;
			const enum world_slot node = combo_node(&c);
			struct pm_session *s = world_session(worlds[hook], node);
			struct row r = combo_row(&c), none;

			run(worlds[hook], &r, "from its gateway", c.k, c.k);
			r.in.osrc = kinds[old].mag;
			r.in.odst = combo_lmaa(old);
			r.in.shim = kinds[old].shim;
			none = r;
			none.up = 0;
			combo_drop(&none, PM_DROP_OUTER_SOURCE);
			run(worlds[hook], &none, "from a gateway that it never had", old, c.k);
			s->also = (uint16_t)(TUN_K_MAG + old);
			run(worlds[hook], &r, "from its former gateway", old, c.k);
			s->also = 0;
			run(worlds[hook], &none, "from there too late", old, c.k);
		}
	}
}

/* ---- packets that wait */

#define BUFFER 5

struct caught {
	unsigned n;
	struct pm_slow head;
	uint8_t data[4096];
};

static int catch (void *ctx, void *data, size_t size)
{
	struct caught *c = ctx;

	c->n++;
	memcpy(&c->head, data, sizeof(c->head));
	CU_ASSERT_FATAL(size - sizeof(c->head) <= sizeof(c->data) + 8);
	memcpy(c->data, (const uint8_t *)data + sizeof(c->head), c->head.len);
	return 0;
}

static struct caught caught(struct world *w)
{
	struct caught c = {0};
	struct ring_buffer *ring = ring_buffer__new(world_map(w, "pm_kept"), catch, &c, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(ring);
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return c;
}

static struct pm_buffer get(struct world *w)
{
	const uint32_t key = BUFFER;
	struct pm_buffer b;

	CU_ASSERT_EQUAL(bpf_map_lookup_elem(world_map(w, "pm_buffer"), &key, &b), 0);
	return b;
}

static void put(struct world *w, uint64_t queued, uint64_t delivered, bool open, uint64_t then)
{
	const uint32_t key = BUFFER;
	const struct pm_buffer b = {
		.queued = queued, .delivered = delivered, .then = then, .open = open};

	CU_ASSERT_EQUAL(bpf_map_update_elem(world_map(w, "pm_buffer"), &key, &b, BPF_ANY), 0);
}

static void waits(struct world *w, struct row *r, enum world_slot node, const char *what)
{
	const uint64_t queued = get(w).queued;
	struct caught c;
	struct frame f;

	r->verdict = PM_V_BUFFER;
	r->up = r->down = 0;
	run(w, r, what, K6_IP, K6_IP);
	frame_build(&f, &r->in);
	c = caught(w);
	CU_ASSERT_EQUAL(c.n, 1);
	CU_ASSERT_EQUAL(c.head.kind, PM_SLOW_KEPT);
	CU_ASSERT_EQUAL(c.head.buffer, BUFFER);
	CU_ASSERT_EQUAL(c.head.slot, node);
	CU_ASSERT_EQUAL(c.head.ifindex, world_ifindex(w, r->prog));
	CU_ASSERT_EQUAL(c.head.len, f.n);
	CU_ASSERT(!memcmp(c.data, f.b, f.n));
	CU_ASSERT_EQUAL(get(w).queued, queued + 1);
}

static void hold(struct world *w, const struct row *good, enum world_slot node)
{
	struct pm_session *s = world_session(w, node);
	const uint64_t then = s->desc;
	const uint16_t keep = PM_DESC_FLAGS(then) | PM_F_BUFFER;
	struct row r = *good;

	s->desc = PM_DESC(BUFFER, keep, PM_DESC_GEN(then));
	put(w, 7, 7, false, then);
	waits(w, &r, node, "kept while the buffer is closed");
	put(w, 7, 6, true, then);
	waits(w, &r, node, "kept while somebody waits");
	r = *good;
	put(w, 7, 7, true, then);
	run(w, &r, "goes when nobody waits", K6_IP, K6_IP);
	CU_ASSERT_EQUAL(get(w).queued, 7);
	combo_drop(&r, PM_DROP_BUFFER);
	r.up = r.down = 0;
	put(w, 1007, 7, true, then);
	run(w, &r, "dropped when as many wait as may", K6_IP, K6_IP);
	CU_ASSERT_EQUAL(get(w).full, 1);
	CU_ASSERT_EQUAL(get(w).queued, 1007);
	combo_drop(&r, PM_DROP_STALE_SLOT);
	put(w, 7, 7, true, then ^ 1ull << 48);
	run(w, &r, "dropped when the buffer is another owner's", K6_IP, K6_IP);
	combo_drop(&r, PM_DROP_LINGERING);
	put(w, 7, 7, true, then | (uint64_t)PM_F_DROP << 32);
	run(w, &r, "dropped when there is no way", K6_IP, K6_IP);
	put(w, 7, 7, false, then);
	CU_ASSERT_EQUAL(caught(w).n, 0);
	s->desc = then;
}

static void test_waits(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world *w = gateways[hook];
		const struct combo down = {MAG_DOWN, K4_UDP_GRE_KEY, true};
		struct row r = combo_row(&down);

		hold(w, &r, combo_node(&down));
		r = onward(K6_GRE_KEY, K4_GRE_KEY, false);
		hold(w, &r, MN_LEFT + 10 * K6_GRE_KEY + K4_GRE_KEY);
		r = onward(K4_IP, K6_IP, true);
		hold(w, &r, MN_LEFT + 10 * K4_IP + K6_IP);
		/* straight from a neighbour */
		r = (struct row){.prog = AT_ACCESS,
				 .verdict = PM_V_LOCAL,
				 .up = MN_LINK_LR,
				 .down = MN_LINK,
				 .in = ACC_LR(.dst = mn(MN_LINK)),
				 .out = ON_LINK(.src = mn(MN_LINK_LR))};
		hold(w, &r, MN_LINK);
		/* anchored here and on a link here, from the Internet */
		r = (struct row){.prog = AT_TRANSPORT,
				 .verdict = PM_V_LINK,
				 .down = MN_BOTH,
				 .in = DOWN(.dst = mn(MN_BOTH)),
				 .out = ON_LINK(.dmac = mn_mac(MN_BOTH), .dst = mn(MN_BOTH))};
		hold(worlds[hook], &r, MN_BOTH);
	}
}

/* What comes from the node flows meanwhile, to the anchor and from the other gateway. */
static void test_flows(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world *w = gateways[hook];
		const enum world_slot node = MN_LEFT + 10 * K4_GRE_KEY + K6_GRE_KEY;
		struct pm_session *s = world_session(w, node), *l = world_session(w, MN_LINK);
		struct row r = back(K4_GRE_KEY, K6_GRE_KEY, false);
		uint64_t was = s->desc;

		put(w, 7, 7, false, was);
		s->desc = PM_DESC(BUFFER, PM_DESC_FLAGS(was) | PM_F_BUFFER, PM_DESC_GEN(was));
		run(w, &r, "from the other gateway while packets to the node wait", K4_GRE_KEY,
		    K6_GRE_KEY);
		s->desc = was;
		was = l->desc;
		put(w, 7, 7, false, was);
		l->desc = PM_DESC(BUFFER, PM_DESC_FLAGS(was) | PM_F_BUFFER, PM_DESC_GEN(was));
		r = (struct row){.prog = AT_ACCESS,
				 .verdict = PM_V_ENCAP,
				 .up = MN_LINK,
				 .in = ACC(),
				 .out = INTO_LMA2()};
		run(w, &r, "from the link while packets to the node wait", K6_IP, K6_IP);
		/* a number of a buffer is no tunnel: its sender may not be taken for the node */
		l->desc = PM_DESC(TUN_MAG1, (PM_DESC_FLAGS(was) & ~PM_F_LINK) | PM_F_BUFFER,
				  PM_DESC_GEN(was));
		r = (struct row){.prog = AT_TRANSPORT,
				 .verdict = PM_V_DROPPED,
				 .reason = PM_DROP_OUTER_SOURCE,
				 .in = UP(.src = mn(MN_LINK))};
		run(w, &r, "the number of a buffer is no tunnel", K6_IP, K6_IP);
		l->desc = was;
	}
}

/* RFC 5949 4.1 (f), (g): what is for the node goes to its new gateway already, and it sends on its
 * old link until it leaves. */
static void test_still_on_link(void)
{
	const enum kind l = K6_IP, g = K6_IP;
	const enum world_slot node = MN_LEFT + 10 * l + g;

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world *w = gateways[hook];
		struct pm_session *s = world_session(w, node);
		const struct pm_session was = *s, *link = world_session(w, MN_LINK);
		struct row r, from = {.prog = AT_ACCESS, .verdict = PM_V_ENCAP, .up = node};

		from.in = (struct spec){
			.dmac = A_MAC, .smac = mn_mac(MN_LINK), .src = mn(node), .dst = CN};
		from.out = (struct spec){.dmac = R_MAC,
					 .smac = T_MAC,
					 .osrc = combo_pcoa(l),
					 .odst = kinds[l].lma,
					 .src = mn(node),
					 .dst = CN,
					 .hl = 63};
		memcpy(s->mac, link->mac, sizeof(s->mac));
		s->access = link->access;
		r = from;
		r.up = 0;
		combo_drop(&r, PM_DROP_SPOOFED);
		run(w, &r, "from a link that the node has left", l, g);
		s->desc = PM_DESC(was.tunnel, was.flags | PM_F_STILL, was.generation);
		run(w, &from, "from the link that the node has not left yet", l, g);
		put(w, 7, 7, false, was.desc);
		s->desc = PM_DESC(BUFFER, was.flags | PM_F_STILL | PM_F_BUFFER, was.generation);
		run(w, &from, "from the link while packets to the node wait here", l, g);
		s->desc = PM_DESC(was.tunnel, was.flags | PM_F_STILL, was.generation);
		r = onward(l, g, false);
		run(w, &r, "to the node that has not left yet", l, g);
		r = back(l, g, false);
		run(w, &r, "from the node where it went", l, g);
		r = from;
		r.up = 0;
		combo_drop(&r, PM_DROP_SPOOFED);
		r.in.smac = "02:00:00:00:00:99";
		run(w, &r, "from another station of its link", l, g);
		r.in.smac = from.in.smac;
		r.prog = AT_ACCESS2;
		run(w, &r, "from another link", l, g);
		*s = was;
	}
}

static void test_account(void)
{
	CU_ASSERT(packet_account_holds());
}

static void test_scapy(void)
{
	CU_ASSERT(packet_witness_agrees());
}

static void open_worlds(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world_switches sw = {.mag = true,
					    .icmp_rate = 1000000,
					    .icmp_burst = 100000,
					    .icmp6_source = ICMP6_SRC,
					    .icmp4_source = ICMP4_SRC};

		gateways[hook] = world_new(hook, &sw);
		sw.lma = true;
		worlds[hook] = world_new(hook, &sw);
		CU_ASSERT_PTR_NOT_NULL_FATAL(gateways[hook]);
		CU_ASSERT_PTR_NOT_NULL_FATAL(worlds[hook]);
	}
}

static void close_worlds(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		world_free(&gateways[hook]);
		world_free(&worlds[hook]);
	}
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"programs load", open_worlds},
		{"RFC 5949 4.1: the former gateway forwards both ways, through each pair of tunnels", test_pairs},
		{"RFC 5949 4.1: also where an anchor runs in the same daemon", test_pairs_anchor},
		{"RFC 5949 4.1: the new gateway hears the anchor and the former gateway", test_both_tunnels},
		{"RFC 5213 5.6.2: an anchor hears a node's former gateway for a moment", test_late_uplink},
		{"packets to a node in handover wait, on every way down", test_waits},
		{"packets from a node in handover flow", test_flows},
		{"RFC 5949 4.1: a node that has not left its link sends there, and is sent nothing", test_still_on_link},
		{"scapy reads every packet that left as it was meant", test_scapy},
		{"every packet has one verdict, every drop one reason", test_account},
		{"programs go", close_worlds},
		{0},
	};
	// clang-format on
	int r;

	packet_witness_open();
	r = cu_main("gateways", tests, argc, argv);
	packet_witness_close();
	return r;
}
