/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a table of packets cannot say, for every encapsulation: what the daemon is handed, what
 * differs between flows, what a change of one session or tunnel does, and programs with something
 * switched off. The sources of ICMP errors are left as they are by default.
 */
#include <bpf/bpf.h>
#include <string.h>

#include "combo.h"
#include "lib/cu.h"

#define MANY 1000000000

static struct world *worlds[PM_HOOK_MAX];
static const struct world_switches all = {.lma = true,
					  .mag = true,
					  .icmp_rate = MANY,
					  .icmp_burst = MANY,
					  .early_rate = MANY,
					  .fragment_rate = MANY};

static void run(struct world *w, const struct combo *c, struct row *r, const char *what)
{
	r->name = combo_name(c, "%s", what);
	packet_run(w, r);
}

static bool into(const struct combo *c)
{
	return combo_into(c);
}

#define SET(r, field, value) ((r)->in.field = (r)->out.field = (value))

/* ---- what the daemon is handed */

static void no_record(struct world *w)
{
	struct world_record rec;

	CU_ASSERT(!world_record(w, &rec));
}

static void expect_record(struct world *w, const struct pm_slow *head, const uint8_t *data)
{
	struct world_record rec;

	CU_ASSERT_FATAL(world_record(w, &rec));
	CU_ASSERT(!memcmp(&rec.head, head, sizeof(*head)));
	CU_ASSERT_EQUAL_FATAL(rec.data.n, head->len);
	CU_ASSERT(!memcmp(rec.data.b, data, head->len));
	no_record(w);
}

/* The inner packet as it shall leave, and where to. */
static void expect_fragment(struct world *w, const struct row *r, uint32_t tunnel, uint32_t key)
{
	struct spec inner = r->out;
	struct pm_slow head = {.kind = PM_SLOW_FRAGMENT,
			       .ifindex = world_ifindex(w, r->prog),
			       .len = (uint32_t)frame_inner_len(&r->out),
			       .tunnel = tunnel,
			       .key = key,
			       .class = r->out.tc};
	struct frame f;

	inner.osrc = NULL;
	frame_build(&f, &inner);
	expect_record(w, &head, f.b + 14);
}

static uint32_t tunnel_of(const struct combo *c)
{
	return (c->dir == LMA_DOWN ? TUN_K_MAG : TUN_K_LMA) + c->k;
}

/* IPv4 without DF that is larger than its tunnel; never the others. */
static void fragment4(struct world *w, const struct combo *c)
{
	const uint32_t key = kinds[c->k].keyed ? combo_row(c).out.key : 0;
	struct row r = combo_row(c);

	r.verdict = PM_V_FRAGMENT;
	SET(&r, len, KIND_MTU(c->k) + 1);
	SET(&r, tc, 0x2a);
	r.in.pad = 5;
	run(w, c, &r, "too big without DF");
	expect_fragment(w, &r, tunnel_of(c), key);
	SET(&r, ext, EXT_OPTIONS);
	run(w, c, &r, "too big without DF, with options");
	expect_fragment(w, &r, tunnel_of(c), key);
	SET(&r, ext, EXT_FRAG_LATER);
	run(w, c, &r, "too big without DF, itself a fragment");
	expect_fragment(w, &r, tunnel_of(c), key);
}

/* A tunnel narrower than what IPv6 promises. */
static void fragment6(struct world *w, const struct combo *c)
{
	const struct pm_tunnel was = world_tunnel(w, tunnel_of(c));
	const uint32_t key = kinds[c->k].keyed ? combo_row(c).out.key : 0;
	struct pm_tunnel narrow = was;
	struct row r = combo_row(c);

	narrow.mtu = 1200;
	world_set_tunnel(w, tunnel_of(c), &narrow);
	SET(&r, len, 1200);
	run(w, c, &r, "narrow tunnel, fits");
	no_record(w);
	r.verdict = PM_V_FRAGMENT;
	for (uint16_t len = 1201; len <= 1280; len += 79) {
		SET(&r, len, len);
		run(w, c, &r, "narrow tunnel, up to 1280 octets");
		expect_fragment(w, &r, tunnel_of(c), key);
	}
	if (!kinds[c->k].four) { /* else nobody is told, see below */
		r.in.len = 1281;
		r.error = combo_error(c);
		combo_too_big(&r, false, 1280);
		run(w, c, &r, "narrow tunnel, more than 1280 octets");
		no_record(w);
	}
	world_set_tunnel(w, tunnel_of(c), &was);
}

static void test_fragments(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (int k = 0; k < KINDS; k++) {
			fragment4(worlds[hook], &(struct combo){LMA_DOWN, k, true});
			fragment4(worlds[hook], &(struct combo){MAG_UP, k, true});
			fragment6(worlds[hook], &(struct combo){LMA_DOWN, k, false});
			fragment6(worlds[hook], &(struct combo){MAG_UP, k, false});
		}
	}
}

static void test_hairpin_fragments(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (int from = 0; from < KINDS; from++) {
			for (int to = 0; to < KINDS; to++) {
				const struct combo c = {LMA_UP, from, true};
				struct row r = combo_hairpin(from, to, true);

				r.verdict = PM_V_FRAGMENT;
				SET(&r, len, KIND_MTU(to) + 1);
				SET(&r, tc, 0x29);
				r.in.otc = 3; /* congestion on the way here is not forgotten */
				r.out.tc = 0x2b;
				run(worlds[hook], &c, &r, "too big for the other tunnel");
				expect_fragment(worlds[hook], &r, TUN_K_MAG + to,
						kinds[to].keyed ? r.out.key : 0);
			}
		}
	}
}

/* A tunnel packet whose registration is not answered yet: the whole frame. */
static void early(struct world *w, const struct combo *c)
{
	struct row r = combo_row(c);
	struct pm_slow head = {.kind = PM_SLOW_EARLY};
	struct frame in;

	r.verdict = PM_V_EARLY;
	if (kinds[c->k].keyed) {
		r.in.key = MN_K_WAIT + c->k;
		r.in.dst = combo_addr(MN_K_WAIT + c->k, c->four);
	} else {
		r.in.dst = combo_addr(MN_FREE, c->four);
	}
	for (unsigned pad = 0; pad < 3; pad++) {
		r.in.pad = pad;
		run(w, c, &r, "nobody here yet");
		frame_build(&in, &r.in);
		head.ifindex = world_ifindex(w, AT_TRANSPORT);
		head.len = (uint32_t)in.n;
		expect_record(w, &head, in.b);
	}
	r.in.odst = kinds[c->k].four ? OTHER4 : OTHER;
	combo_kernel(&r);
	run(w, c, &r, "nobody here, and not to us");
	no_record(w);
}

static void test_early(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++)
		for (int k = 0; k < KINDS; k++)
			for (int four = 0; four < 2; four++)
				early(worlds[hook], &(struct combo){MAG_DOWN, k, four});
}

/* ---- errors where the tunnel is of the other family */

static void other_family(const struct combo *c)
{
	if (kinds[c->k].four == c->four)
		return;
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct row r = combo_row(c);

		r.in.hl = 1;
		r.error = combo_error(c);
		r.error.src = "192.0.0.8"; /* RFC 7600 4.8 */
		combo_hop_limit(&r, c->four);
		if (!c->four) /* no address of ours is known */
			combo_drop(&r, PM_DROP_HOP_LIMIT);
		run(worlds[hook], c, &r, "hop limit 1, no source given");
	}
}

static void test_other_family(void)
{
	combo_each(other_family);
}

/* ---- interfaces */

/* What this host's own processes send to nodes comes in at an interface of its own. */
static void test_host_interface(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world_switches sw = all;
		struct world *w;

		sw.icmp6_source = ICMP6_SRC;
		sw.icmp4_source = ICMP4_SRC;
		w = world_new(hook, &sw);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		world_set_iface(w, AT_TRANSPORT, WORLD_IFACE_FLAGS | PM_I_HOST, 0);
		for (int four = 0; four < 2; four++) {
			const struct combo c = {LMA_DOWN, four ? K4_IP : K6_IP, four};
			const enum world_slot absent[] = {MN_FREE, MN_NONE, MN_LINK};
			struct row r = combo_row(&c);

			run(w, &c, &r, "from this host to a node");
			r.verdict = PM_V_REPLIED;
			r.error = (struct frame_error){.type = four ? 3 : 1,
						       .code = four ? 1 : 3,
						       .src = four ? ICMP4_SRC : ICMP6_SRC,
						       .dst = combo_cn(four)};
			for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++) {
				r.in.dst = combo_addr(absent[i], four);
				run(w, &c, &r, "from this host to nobody");
			}
			r.in.ext = four ? EXT_FRAG_LATER : EXT_NONE;
			combo_drop(&r, PM_DROP_NO_SESSION);
			if (four)
				run(w, &c, &r, "from this host to nobody, a later fragment");
			r.in.ext = EXT_NONE;
			r.in.nh = four ? 1 : 58;
			r.in.l4[0] = 3;
			run(w, &c, &r, "from this host to nobody, an ICMP error");
			r = combo_row(&c);
			r.in.dst = four ? "224.0.0.1" : "ff02::1";
			combo_kernel(&r);
			run(w, &c, &r, "from this host to a group");
		}
		world_free(&w);
	}
}

static void domain_up(struct world *w, enum world_slot node, enum world_slot key, bool four,
		      bool own)
{
	const struct combo c = {LMA_UP, K6_GRE_KEY, four};
	struct row r = combo_row(&c);

	SET(&r, src, combo_addr(node, four));
	r.in.key = key;
	r.up = node;
	if (!own)
		combo_drop(&r, PM_DROP_KEY);
	run(w, &c, &r, own ? "own key" : "key of the other domain");
}

static void domain_down(struct world *w, enum world_slot node, uint16_t domain)
{
	const struct combo c = {LMA_DOWN, K6_GRE_KEY, true};
	struct row r = combo_row(&c);

	world_set_iface(w, AT_TRANSPORT, WORLD_IFACE_FLAGS, domain);
	SET(&r, dst, DOM_ADDR4);
	r.out.key = node ? world_peer_key(node, false) : 0;
	r.down = node;
	if (!node)
		combo_kernel(&r);
	run(w, &c, &r, "by the interface's domain");
	world_set_iface(w, AT_TRANSPORT, WORLD_IFACE_FLAGS, 0);
}

/* Two operators' nodes with one IPv4 address between them, behind one gateway. */
static void test_domains(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world *w = worlds[hook];

		for (int four = 0; four < 2; four++) {
			domain_up(w, MN_DOM1, MN_DOM1, four, true);
			domain_up(w, MN_DOM2, MN_DOM2, four, true);
		}
		domain_up(w, MN_DOM1, MN_DOM_ADDR4, true, true);
		domain_up(w, MN_DOM2, MN_DOM_ADDR4 + 1, true, true);
		domain_up(w, MN_DOM1, MN_DOM2, false, false);
		domain_up(w, MN_DOM1, MN_K + K6_GRE_KEY, true, false);
		domain_down(w, MN_DOM1, 1);
		domain_down(w, MN_DOM2, 2);
		domain_down(w, 0, 0);
		domain_down(w, 0, 3);
	}
}

static void test_only4(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct combo c = {LMA_DOWN, K4_GRE_KEY, true};
		struct row r = combo_row(&c);

		SET(&r, dst, ONLY4_ADDR);
		r.out.key = world_peer_key(MN_ONLY4, false);
		r.down = MN_ONLY4;
		run(worlds[hook], &c, &r, "no prefix at all");
		c.dir = LMA_UP;
		r = combo_row(&c);
		SET(&r, src, ONLY4_ADDR);
		r.in.key = r.up = MN_ONLY4;
		run(worlds[hook], &c, &r, "no prefix at all");
	}
}

/* ---- changes of a session and of a tunnel */

/* One store to the primary moves prefix and IPv4 address, tunnel and key. */
static void test_move(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (int from = 0; from < KINDS; from++) {
			for (int to = 0; to < KINDS; to++) {
				struct pm_session *s = world_session(worlds[hook], MN_K + from);
				const uint64_t old = s->desc;
				const uint32_t slot = MN_K + from;
				struct pm_keys was, keys;
				int map = world_map(worlds[hook], "pm_keys"), next;

				CU_ASSERT_EQUAL(bpf_map_lookup_elem(map, &slot, &was), 0);
				keys = was;
				next = PM_DESC_FLAGS(old) & PM_F_KEYS ? 0 : 1;
				keys.down[next].tunnel = (uint32_t)(TUN_K_MAG + to);
				keys.down[next].key = 0x12345678;
				CU_ASSERT_EQUAL(bpf_map_update_elem(map, &slot, &keys, BPF_ANY), 0);
				__atomic_store_n(&s->desc,
						 PM_DESC(TUN_K_MAG + to,
							 PM_DESC_FLAGS(old) ^ PM_F_KEYS,
							 PM_DESC_GEN(old)),
						 __ATOMIC_RELEASE);
				for (int four = 0; four < 2; four++) {
					struct combo c = {LMA_DOWN, to, four};
					struct row r = combo_row(&c);

					r.down = slot;
					SET(&r, dst, combo_addr(slot, four));
					r.out.key = 0x12345678;
					run(worlds[hook], &c, &r, "after a move");
					c.dir = LMA_UP;
					r = combo_row(&c);
					r.up = slot;
					SET(&r, src, combo_addr(slot, four));
					r.in.key = slot;
					run(worlds[hook], &c, &r, "after a move");
					c.k = from;
					r = combo_row(&c);
					combo_drop(&r, PM_DROP_OUTER_SOURCE);
					if (from != to)
						run(worlds[hook], &c, &r,
						    "through the tunnel of before");
				}
				__atomic_store_n(&s->desc, old, __ATOMIC_RELEASE);
				CU_ASSERT_EQUAL(bpf_map_update_elem(map, &slot, &was, BPF_ANY), 0);
			}
		}
	}
}

/* XDP leaves it to TC, which asks the routing table. */
static void test_next_hop_unknown(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (int k = 0; k < KINDS; k++) {
			for (int four = 0; four < 2; four++) {
				const struct combo c = {LMA_DOWN, k, four};
				struct row r = combo_row(&c);

				r.down = MN_K_NEXT + k;
				SET(&r, dst, combo_addr(r.down, four));
				r.out.odst = kinds[k].four ? "198.51.100.99" : MAG1;
				r.out.key = world_peer_key(r.down, false);
				r.xdp_leaves_it = 1;
				run(worlds[hook], &c, &r, "next hop not known");
			}
		}
	}
}

/* XDP does not make an error that it cannot send through the node's tunnel. */
static void test_way_back_unknown(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (int k = 0; k < KINDS; k++) {
			const struct combo c = {LMA_UP, k, kinds[k].four};
			const enum world_slot node = MN_K_NEXT + k;
			struct row r = combo_row(&c);

			r.in.osrc = kinds[k].four ? "198.51.100.99" : MAG1;
			r.in.key = node;
			r.in.src = combo_addr(node, c.four);
			r.in.hl = 1;
			r.error = combo_error(&c);
			r.error.odst = r.in.osrc;
			r.error.key = world_peer_key(node, false);
			r.error.dst = r.in.src;
			combo_hop_limit(&r, c.four);
			r.xdp_leaves_it = 1;
			run(worlds[hook], &c, &r, "hop limit 1, way back not known");
		}
	}
}

/* ---- from node to node */

static void local(struct world *w, bool four, enum world_slot from, enum world_slot to,
		  bool straight)
{
	const struct combo c = {MAG_UP, K6_IP, four};
	const bool far = from == MN_LINK_LR2;
	struct row r = combo_row(&c);

	r.prog = far ? AT_ACCESS2 : AT_ACCESS;
	r.in.smac = mn_mac(from);
	SET(&r, src, combo_addr(from, four));
	SET(&r, dst, combo_addr(to, four));
	r.up = from;
	r.out.odst = LMA2;
	if (straight) {
		r.verdict = PM_V_LOCAL;
		r.down = to;
		r.out.osrc = NULL;
		r.out.dmac = mn_mac(to);
		r.out.smac = A_MAC;
	}
	run(w, &c, &r, straight ? "straight to the other node" : "through the anchor");
}

static void test_short_circuit(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (int four = 0; four < 2; four++) {
			struct world *w = worlds[hook];

			local(w, four, MN_LINK_LR, MN_LINK, true);
			local(w, four, MN_LINK_LR, MN_LINK_FAR, true);
			local(w, four, MN_LINK_LR, MN_LINK_LR2, true);
			local(w, four, MN_LINK_LR2, MN_LINK_LR, true);
			local(w, four, MN_LINK_LR2, MN_LINK, true);
			local(w, four, MN_LINK, MN_LINK_LR, false);
			local(w, four, MN_LINK, MN_LINK_FAR, false);
			local(w, four, MN_LINK_LR, MN_1, false);
			local(w, four, MN_LINK_LR, MN_FREE, false);
		}
	}
}

/* ---- what differs between flows */

/* Outer flow label, or UDP source port. */
static uint32_t entropy(struct world *w, const struct combo *c, const struct spec *s)
{
	struct world_result res = packet_try(w, combo_row(c).prog, s);

	CU_ASSERT_EQUAL(res.verdict, PM_V_ENCAP);
	if (kinds[c->k].four)
		return (uint32_t)res.out.b[34] << 8 | res.out.b[35];
	return (uint32_t)(res.out.b[15] & 0xf) << 16 | (uint32_t)res.out.b[16] << 8 | res.out.b[17];
}

static void flows(const struct combo *c)
{
	struct spec a = combo_row(c).in, b, fa, fb;

	if (!into(c) || (kinds[c->k].four && kinds[c->k].shim < SHIM_UDP))
		return; /* plain IPv4 and GRE over it have nothing that could vary */
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world *w = worlds[hook];
		unsigned different = 0, bucket[8] = {0};

		b = a;
		b.len = 700;
		b.tc = 0x28;
		b.hl = 33;
		CU_ASSERT_EQUAL(entropy(w, c, &a), entropy(w, c, &b));
		for (uint16_t port = 1; port <= 80; port++) {
			b.sport = port;
			different += entropy(w, c, &a) != entropy(w, c, &b);
			bucket[entropy(w, c, &b) % 8]++;
		}
		CU_ASSERT(different >= 79);
		for (int i = 0; i < 8; i++)
			CU_ASSERT(bucket[i] > 1 && bucket[i] < 30);
		b = a;
		b.dport = 9;
		CU_ASSERT_NOT_EQUAL(entropy(w, c, &a), entropy(w, c, &b));
		/* no port is read in a fragment, the first included */
		for (int ext = EXT_FRAG_FIRST; ext <= EXT_FRAG_LATER; ext++) {
			fa = fb = a;
			fa.ext = fb.ext = ext;
			fb.sport = 77;
			CU_ASSERT_EQUAL(entropy(w, c, &fa), entropy(w, c, &fb));
		}
		fb.ext = EXT_FRAG_FIRST;
		CU_ASSERT_EQUAL(entropy(w, c, &fa), entropy(w, c, &fb));
		if (c->four) { /* behind options neither */
			fa = fb = a;
			fa.ext = fb.ext = EXT_OPTIONS;
			fb.sport = 77;
			CU_ASSERT_EQUAL(entropy(w, c, &fa), entropy(w, c, &fb));
		} else { /* the label that the source chose goes before ports */
			fa = fb = a;
			fa.flow = fb.flow = 7;
			fb.sport = 77;
			CU_ASSERT_EQUAL(entropy(w, c, &fa), entropy(w, c, &fb));
			fb.flow = 8;
			CU_ASSERT_NOT_EQUAL(entropy(w, c, &fa), entropy(w, c, &fb));
		}
	}
	CU_ASSERT_EQUAL(entropy(worlds[0], c, &a), entropy(worlds[1], c, &a));
}

static void test_flows(void)
{
	combo_each(flows);
}

/* For middleboxes that want to see 5437 on both sides. */
static void test_fixed_port(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (int k = K4_UDP; k < KINDS; k++) {
			const struct pm_tunnel was = world_tunnel(worlds[hook], TUN_K_MAG + k);
			struct pm_tunnel fixed = was;
			const struct combo c = {LMA_DOWN, k, true};
			struct spec s = combo_row(&c).in;

			fixed.flags |= PM_T_UDP_FIXED;
			world_set_tunnel(worlds[hook], TUN_K_MAG + k, &fixed);
			for (s.sport = 1; s.sport < 20; s.sport++)
				CU_ASSERT_EQUAL(entropy(worlds[hook], &c, &s), 5437);
			world_set_tunnel(worlds[hook], TUN_K_MAG + k, &was);
		}
	}
}

/* ---- segments to come, at TC */

static struct world_result segments(const struct combo *c, uint16_t len, uint32_t size)
{
	struct world_meta meta = {.gso_size = size, .gso_segs = 2};
	struct row r = combo_row(c);
	struct world_result res;
	struct frame in;

	r.in.nh = 6;
	r.in.len = len;
	r.in.df = 1;
	frame_build(&in, &r.in);
	in.b[frame_inner_at(&r.in) + (c->four ? 20 : 40) + 12] = 0x50; /* TCP header of 20 octets */
	world_run(worlds[PM_HOOK_TC], r.prog, &in, &meta, &res);
	return res;
}

/*
 * Each segment has to fit. The test run cannot say that the segments are TCP's, so that the kernel
 * refuses to enlarge the packet where we would: what is judged here is what comes before that.
 */
static void gso(const struct combo *c)
{
	const uint32_t most = KIND_MTU(c->k) - (c->four ? 40 : 60);
	struct world_result res;

	if (!into(c))
		return;
	res = segments(c, 1900, most + 1);
	if (c->four || kinds[c->k].four == c->four)
		CU_ASSERT_EQUAL(res.verdict, PM_V_REPLIED);
	res = segments(c, 1900, most);
	CU_ASSERT_EQUAL(res.verdict, PM_V_DROPPED);
	/* segmentation does not write the length in each TLV header */
	CU_ASSERT_EQUAL(res.reason, kinds[c->k].shim >= SHIM_TLV ? PM_DROP_GSO : PM_DROP_HEADROOM);
	no_record(worlds[PM_HOOK_TC]);
}

static void test_segments(void)
{
	combo_each(gso);
}

/* ---- switched off */

static bool has_gre(enum kind k)
{
	return kinds[k].shim != SHIM_NONE && kinds[k].shim != SHIM_UDP && kinds[k].shim != SHIM_TLV;
}

/* What becomes of a packet that needs what is off. False: nobody has a tunnel of that kind. */
static bool without_it(const struct combo *c, const struct world_switches *sw, struct row *r)
{
	const enum frame_shim shim = kinds[c->k].shim;

	if ((sw->no_ip4_outer && kinds[c->k].four) || (sw->no_gre && has_gre(c->k))) {
		if (into(c))
			return false;
		/* the TLV header has been read by then */
		if (shim >= SHIM_TLV && !sw->no_ip4_outer)
			combo_drop(r, PM_DROP_MALFORMED);
		else
			combo_kernel(r);
	} else if (sw->no_ip4 && c->four) {
		if (into(c) || shim == SHIM_NONE)
			combo_kernel(r);
		else
			combo_drop(r, PM_DROP_MALFORMED);
	}
	return true;
}

static void without(bool no_ip4, bool no_ip4_outer, bool no_gre)
{
	struct world_switches sw = all;

	sw.no_ip4 = no_ip4;
	sw.no_ip4_outer = no_ip4_outer;
	sw.no_gre = no_gre;
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world *w = world_new(hook, &sw);

		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		for (int i = 0; i < DIRS * KINDS * 2; i++) {
			const struct combo c = {i / 2 / KINDS, i / 2 % KINDS, i % 2};
			struct row r = combo_row(&c);

			if (without_it(&c, &sw, &r))
				run(w, &c, &r, "something is switched off");
		}
		world_free(&w);
	}
}

static void test_without_ip4(void)
{
	without(true, false, false);
}

static void test_without_ip4_outer(void)
{
	without(false, true, false);
}

static void test_without_gre(void)
{
	without(false, false, true);
}

static void test_only_ip6(void)
{
	without(true, true, true);
}

static void test_scapy(void)
{
	CU_ASSERT(packet_witness_agrees());
}

static void test_account(void)
{
	CU_ASSERT(packet_account_holds());
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"L-66 (RFC 2473 7.1, 7.2): what is to be fragmented, octet for octet",
		 test_fragments},
		{"what is to be fragmented on its way from tunnel to tunnel",
		 test_hairpin_fragments},
		{"early packets of every encapsulation, octet for octet",						  test_early},
		{"errors have a source of ours of their family, or are not sent",
		 test_other_family},
		{"a host's own traffic to nobody is answered",								     test_host_interface},
		{"K-15 (RFC 5845 4.2): one IPv4 address in two domains",							 test_domains},
		{"RFC 5844 3.1: a session with an IPv4 address alone",			       test_only4},
		{"one store moves prefix and IPv4 address, tunnel and key",									    test_move},
		{"next hops that are not known are asked for at TC",     test_next_hop_unknown},
		{"errors whose way back is not known are made at TC",		      test_way_back_unknown},
		{"G-53 (RFC 5213 6.10.3): node to node, IPv4 and IPv6, across links",
		 test_short_circuit},
		{"RFC 6438: flow label and UDP port follow the inner flow",test_flows},
		{"UDP source port 5437 where it is wanted",		    test_fixed_port},
		{"segments to come are judged one by one, and none in a TLV header",								     test_segments},
		{"without IPv4 home addresses",				test_without_ip4},
		{"without IPv4 tunnels",	 test_without_ip4_outer},
		{"without GRE",								     test_without_gre},
		{"IPv6 alone",								    test_only_ip6},
		{"scapy agrees with every packet that left",			     test_scapy},
		{"received is the sum of all verdicts, dropped the sum of all reasons",
		 test_account},
		{0},
	};
	int rc;

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		worlds[hook] = world_new(hook, &all);
		if (!worlds[hook])
			return 2;
	}
	packet_witness_open();
	rc = cu_main("paths of every encapsulation", tests, argc, argv);
	packet_witness_close();
	for (int hook = 0; hook < PM_HOOK_MAX; hook++)
		world_free(&worlds[hook]);
	return rc;
}
