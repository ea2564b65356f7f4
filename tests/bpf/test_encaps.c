/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every case for every role, direction, encapsulation and payload, at both hooks: once where one
 * node is anchor and gateway at the same time, once with programs that have the one role only.
 */
#include <string.h>

#include "combo.h"
#include "lib/cu.h"

enum { BOTH_ROLES, LMA_ROLE, MAG_ROLE, ROLES };
static struct world *worlds[ROLES][PM_HOOK_MAX];

static void run(const struct combo *c, struct row *r, const char *name)
{
	const int role = c->dir == LMA_DOWN || c->dir == LMA_UP ? LMA_ROLE : MAG_ROLE;

	r->name = name;
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		packet_run(worlds[BOTH_ROLES][hook], r);
		packet_run(worlds[role][hook], r);
	}
}

#define RUN(c, r, ...) run(c, r, combo_name(c, __VA_ARGS__))

static bool keyed(const struct combo *c)
{
	return kinds[c->k].keyed;
}

static bool in_gre(const struct combo *c)
{
	return strstr(kinds[c->k].name, "GRE");
}

static bool in_udp(const struct combo *c)
{
	return kinds[c->k].shim >= SHIM_UDP;
}

static bool in_tlv(const struct combo *c)
{
	return kinds[c->k].shim >= SHIM_TLV;
}

/* Both sides of the row. */
#define SET(r, field, value) ((r)->in.field = (r)->out.field = (value))

static void normal(const struct combo *c)
{
	static const uint8_t next[] = {6, 17, 1, 58, 4, 41, 47, 50, 132, 135};
	struct row r = combo_row(c);

	RUN(c, &r, "as it should be");
	for (size_t i = 0; i < sizeof(next); i++) {
		r = combo_row(c);
		SET(&r, nh, next[i]);
		SET(&r, l4[0], 128);
		RUN(c, &r, "protocol %u", next[i]);
	}
	r = combo_row(c);
	SET(&r, dport, 5437);
	RUN(c, &r, "the node's own UDP to port 5437");
	r = combo_row(c);
	SET(&r, flow, 0xabcde);
	SET(&r, sport, 1);
	if (!c->four)
		RUN(c, &r, "inner flow label stays");
	for (uint16_t len = 600; len < 604; len++) {
		r = combo_row(c);
		SET(&r, len, len);
		RUN(c, &r, "%u octets", len);
	}
	r = combo_row(c);
	r.in.vlan = 5;
	combo_kernel(&r);
	RUN(c, &r, "VLAN tag");
	r = combo_row(c);
	r.in.dmac = "02:00:00:00:09:09";
	combo_kernel(&r);
	RUN(c, &r, "frame to another station");
}

static void hop_limit(const struct combo *c)
{
	struct row r = combo_row(c);

	r.in.hl = 2;
	r.out.hl = 1;
	RUN(c, &r, "hop limit 2 leaves with 1");
	r = combo_row(c);
	r.in.hl = 255;
	r.out.hl = 254;
	RUN(c, &r, "hop limit 255");
	r = combo_row(c);
	r.in.ohl = 1;
	if (!combo_into(c))
		RUN(c, &r, "outer hop limit 1 does not matter");
	r = combo_row(c);
	r.error = combo_error(c);
	combo_hop_limit(&r, c->four);
	r.in.hl = 1;
	RUN(c, &r, "hop limit 1");
	r.in.hl_zero = 1;
	RUN(c, &r, "hop limit 0");
	r.in.hl_zero = 0;
	for (uint16_t len = 129; len < 132; len++) {
		r.in.len = len;
		RUN(c, &r, "hop limit 1, %u octets", len);
	}
	r.in.len = 1400;
	RUN(c, &r, "hop limit 1, larger than an error may quote");
	r.in.len = 0;
	r.in.pad = 11;
	RUN(c, &r, "hop limit 1, padded frame");
	r.in.pad = 0;
	r.in.ext = EXT_FRAG_FIRST;
	RUN(c, &r, "hop limit 1, first fragment");
	combo_drop(&r, PM_DROP_HOP_LIMIT);
	r.in.ext = EXT_FRAG_LATER;
	RUN(c, &r, "hop limit 1, later fragment: no error");
	r.in.ext = EXT_NONE;
	r.in.nh = c->four ? 1 : 58;
	r.in.l4[0] = c->four ? 3 : 1;
	RUN(c, &r, "hop limit 1, no error about an error");
	r.in.l4[0] = c->four ? 5 : 137;
	if (c->dir == MAG_UP && !c->four) /* Neighbor Discovery, which no node sends that far */
		r.reason = PM_DROP_LINK_SCOPE;
	RUN(c, &r, "hop limit 1, no error about a redirect");
	combo_hop_limit(&r, c->four);
	r.in.l4[0] = c->four ? 8 : 128;
	RUN(c, &r, "hop limit 1, an error about an echo request");
}

/* RFC 5213 5.6.3, RFC 5844 4.1.4.2, RFC 6040 4: each combination, with DSCPs that must not mix. */
static void ecn(const struct combo *c)
{
	for (uint8_t inner = 0; inner < 4; inner++) {
		for (uint8_t outer = 0; outer < 4; outer++) {
			struct row r = combo_row(c);

			r.in.tc = 0x28 | inner;
			r.in.otc = 0xb8 | outer;
			r.out.tc = r.in.tc;
			r.out.otc = r.in.tc;
			if (combo_into(c) && outer)
				continue;
			if (!combo_into(c) && outer == 3) {
				r.out.tc |= inner ? 3 : 0;
				if (!inner)
					combo_drop(&r, PM_DROP_ECN);
			}
			RUN(c, &r, "ECN %u in a tunnel with %u", inner, outer);
		}
	}
}

static void extensions(const struct combo *c)
{
	for (int ext = EXT_NONE + 1; ext < EXT_MAX; ext++) {
		struct row r = combo_row(c);
		bool of4 = ext == EXT_OPTIONS || ext == EXT_FRAG_FIRST || ext == EXT_FRAG_LATER ||
			   ext == EXT_FRAG_ATOMIC;

		if (c->four ? !of4 : ext == EXT_OPTIONS)
			continue;
		SET(&r, ext, ext);
		if (ext == EXT_TEL_ZERO && combo_into(c)) {
			r.verdict = PM_V_REPLIED;
			r.error = combo_error(c);
			r.error.type = 4;
			r.error.param = 44;
		}
		RUN(c, &r, "inner extension %d", ext);
	}
}

static void padding(const struct combo *c)
{
	const uint16_t least = c->four ? 20 : 40;

	for (uint16_t len = least; len < least + 4; len++) {
		struct row r = combo_row(c);

		SET(&r, len, len);
		SET(&r, nh, 59);
		r.in.pad = 18;
		RUN(c, &r, "%u octets in a padded frame", len);
	}
}

static void mtu_into(const struct combo *c)
{
	const uint16_t mtu = KIND_MTU(c->k);
	struct row r = combo_row(c);

	SET(&r, len, mtu);
	RUN(c, &r, "fits exactly");
	SET(&r, df, 1);
	RUN(c, &r, "fits exactly, DF");
	r.in.len = mtu + 1;
	r.error = combo_error(c);
	combo_too_big(&r, c->four, mtu);
	RUN(c, &r, "one octet too big");
	r.in.len = 1700;
	RUN(c, &r, "much too big");
	r.in.nh = c->four ? 1 : 58;
	r.in.l4[0] = c->four ? 3 : 1;
	combo_drop(&r, PM_DROP_TOO_BIG);
	RUN(c, &r, "too big, an ICMP error");
	if (c->four) {
		r.in.nh = 0;
		r.in.df = 0;
		RUN(c, &r, "too big without DF, and nobody fragments");
	}
}

static void mtu_out(const struct combo *c)
{
	const bool routed = c->dir == LMA_UP;
	const uint16_t mtu = routed ? 1300 : 1500;
	struct row r = combo_row(c);

	if (routed)
		SET(&r, dst, c->four ? CN4_SMALL : CN_SMALL);
	SET(&r, len, mtu);
	RUN(c, &r, "fits exactly");
	r.in.len = mtu + 1;
	r.in.df = 1;
	r.error = combo_error(c);
	if (!routed)
		r.error.dst = r.in.src;
	combo_too_big(&r, c->four, mtu);
	RUN(c, &r, "one octet too big");
	if (!c->four)
		return;
	r.in.df = 0;
	combo_drop(&r, PM_DROP_TOO_BIG);
	if (routed) { /* the kernel fragments */
		r.verdict = PM_V_DECAP_ROUTE;
		r.out = r.in;
		r.out.osrc = NULL;
	}
	RUN(c, &r, "one octet too big without DF");
}

static void mtu(const struct combo *c)
{
	if (combo_into(c))
		mtu_into(c);
	else
		mtu_out(c);
}

/* The lengths that headers state, and IPv4 header checksums. */
static void lengths(const struct combo *c)
{
	struct row r = combo_row(c);

	r.in.len_error = 1;
	combo_drop(&r, PM_DROP_MALFORMED);
	RUN(c, &r, "inner packet longer than the frame");
	r.in.len_error = c->four ? -128 + 19 : -128 + 40;
	RUN(c, &r, "inner length below the header's");
	if (c->four) {
		r = combo_row(c);
		combo_drop(&r, PM_DROP_MALFORMED);
		r.in.sum_error = 1;
		RUN(c, &r, "wrong inner header checksum");
		r.in.ext = EXT_OPTIONS;
		RUN(c, &r, "wrong inner header checksum, with options");
	}
	if (combo_into(c))
		return;
	r = combo_row(c);
	combo_drop(&r, PM_DROP_MALFORMED);
	r.in.olen_error = 1;
	if (in_udp(c)) /* both agree on too much */
		r.in.ulen_error = 1;
	if (in_tlv(c))
		r.in.tlv_error = 1;
	RUN(c, &r, "outer packet longer than the frame");
	r.in.olen_error = -1;
	r.in.ulen_error = in_udp(c) ? -1 : 0;
	r.in.tlv_error = in_tlv(c) ? -1 : 0;
	RUN(c, &r, "inner packet longer than the outer one");
	r = combo_row(c);
	r.in.version = 5;
	combo_drop(&r, PM_DROP_MALFORMED);
	RUN(c, &r, "neither IPv4 nor IPv6 inside");
	if (c->four) {
		r = combo_row(c);
		r.in.ihl_error = -1;
		combo_drop(&r, PM_DROP_MALFORMED);
		RUN(c, &r, "inner header length below 5");
	}
	r = combo_row(c);
	r.in.osum_error = 1;
	if (kinds[c->k].four) {
		combo_drop(&r, PM_DROP_MALFORMED);
		RUN(c, &r, "wrong outer header checksum");
		r = combo_row(c);
		r.in.oid = 0x1111;
		r.in.odf_clear = 1;
		RUN(c, &r, "outer packet that could have been fragmented");
	}
}

/* Whatever is missing, nothing of it is forwarded or answered. */
static void truncated(const struct combo *c)
{
	struct row r = combo_row(c);
	struct frame whole, cut;

	r.in.len = c->four ? 40 : 60;
	frame_build(&whole, &r.in);
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		bool six = !frame_is4(r.in.osrc ? r.in.osrc : r.in.src);
		/* a test run at TC takes no frame that is shorter than its IP header */
		size_t n = hook == PM_HOOK_XDP ? 14 : six ? 54 : 34;
		size_t outer = r.in.osrc ? (six ? 54 : 34) : 14 + (c->four ? 20 : 40);

		for (; n < whole.n; n++) {
			struct world_result res;

			cut = whole;
			cut.n = n;
			world_run(worlds[BOTH_ROLES][hook], r.prog, &cut, NULL, &res);
			if (res.verdict == PM_V_TO_KERNEL) {
				/* the UDP header is read together with what tells the inside */
				CU_ASSERT(n < outer + (in_udp(c) && !combo_into(c) ? 12 : 0));
				CU_ASSERT(res.out.n == n && !memcmp(res.out.b, cut.b, n));
			} else {
				CU_ASSERT_EQUAL(res.verdict, PM_V_DROPPED);
				CU_ASSERT_EQUAL(res.reason, PM_DROP_MALFORMED);
			}
		}
	}
}

/* RFC 6275 10.4.5, RFC 5213 5.6.2: the outer addresses are those of the tunnel. */
static void outer(const struct combo *c)
{
	const struct kind_info *k = &kinds[c->k];
	struct row r = combo_row(c);

	if (combo_into(c))
		return;
	r.in.osrc = k->four ? OTHER4 : OTHER;
	combo_drop(&r, PM_DROP_OUTER_SOURCE);
	RUN(c, &r, "outer source is nobody's");
	r.in.osrc = c->dir == LMA_UP ? kinds[k->four ? K4_IP : K6_IP].mag
				     : kinds[k->four ? K4_IP : K6_IP].lma;
	if (c->k != K4_IP && c->k != K6_IP)
		RUN(c, &r, "outer source of another peer");
	r = combo_row(c);
	r.in.odst = c->dir == LMA_UP ? combo_pcoa(c->k) : combo_lmaa(c->k);
	combo_drop(&r, PM_DROP_OUTER_SOURCE);
	RUN(c, &r, "to an address of ours that is not the tunnel's");
	r.in.odst = k->four ? OTHER4 : OTHER;
	combo_kernel(&r);
	RUN(c, &r, "somebody else's tunnel");
	for (int e = SHIM_NONE; e < (k->four ? SHIM_MAX : SHIM_UDP); e++) {
		r = combo_row(c);
		r.in.shim = e;
		combo_drop(&r, PM_DROP_OUTER_SOURCE);
		if (r.in.shim != k->shim)
			RUN(c, &r, "encapsulation %d, which is not the tunnel's", e);
	}
}

/* RFC 5213 6.10.5, RFC 5845 4.2, 5.2: whose packets may come through the tunnel. */
static void inner(const struct combo *c)
{
	const bool up = c->dir == LMA_UP;
	struct row r = combo_row(c);
	const char **mine = up ? &r.in.src : &r.in.dst, **other = up ? &r.in.dst : &r.in.src;
	const char *const groups[] = {
		c->four ? "224.0.0.9" : "ff0e::1", c->four ? "169.254.1.1" : "fe80::1",
		c->four ? "127.0.0.1" : "ff02::1", c->four ? "255.255.255.255" : "ff05::2"};

	if (combo_into(c))
		return;
	*mine = combo_addr(up ? MN_1 : MN_LINK, c->four);
	combo_drop(&r, keyed(c) ? PM_DROP_KEY : PM_DROP_OUTER_SOURCE);
	RUN(c, &r, "a node behind another peer");
	*mine = combo_addr(MN_FREE, c->four);
	combo_drop(&r, keyed(c) ? PM_DROP_KEY : PM_DROP_NO_SESSION);
	RUN(c, &r, "address of a pool that nobody has");
	*mine = c->four ? OTHER4 : OTHER;
	RUN(c, &r, "address that nobody has");
	*mine = combo_addr(MN_STALE, c->four);
	combo_drop(&r, keyed(c) ? PM_DROP_KEY : PM_DROP_STALE_SLOT);
	RUN(c, &r, "slot of another owner");
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		r = combo_row(c);
		*other = groups[i];
		combo_drop(&r, PM_DROP_LINK_SCOPE);
		RUN(c, &r, "%s inside", groups[i]);
	}
	r = combo_row(c);
	if (!up)
		return;
	r.in.dst = c->four ? CN4_NOWHERE : CN_NOWHERE;
	combo_drop(&r, PM_DROP_NO_ROUTE);
	RUN(c, &r, "unreachable route");
	r = combo_row(c);
	SET(&r, dst, c->four ? CN4_NEIGH : CN_NEIGH);
	r.xdp_leaves_it = 1;
	r.out.dmac = r.out.smac = "00:00:00:00:00:00";
	RUN(c, &r, "neighbour not resolved");
	r = combo_row(c);
	SET(&r, dst, c->four ? LMAA4 : LMAA);
	r.out.dmac = T_MAC;
	r.out.smac = T_PEER;
	r.out.hl = 64;
	RUN(c, &r, "to the anchor itself");
}

/* RFC 5845 4.2, 5.2: the key is a selector of the session, besides the addresses. */
static void key(const struct combo *c)
{
	const enum world_slot node = combo_node(c);
	static const struct {
		const char *name;
		uint32_t key;
	} bad[] = {
		{"0",				0	       },
		{"of a free slot",		   MN_FREE	  },
		{"beyond all slots",		     MN_SLOTS    },
		{"with high bits",		   0x80000000  },
		{"all ones",			     0xffffffff  },
		{"of an alias whose owner has gone", MN_ALIAS_OLD},
	};
	struct row r = combo_row(c);

	if (combo_into(c) || !keyed(c))
		return;
	r.in.key = MN_ADDR4 + node;
	RUN(c, &r, "key of the session's alias");
	combo_drop(&r, PM_DROP_KEY);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		r.in.key = bad[i].key;
		RUN(c, &r, "key %s", bad[i].name);
	}
	r.in.key = node | 0x10000;
	RUN(c, &r, "key with a bit too many");
	r.in.key = world_peer_key(node, c->dir == MAG_DOWN);
	RUN(c, &r, "key that the peer chose for us to use");
	if (c->dir == LMA_UP) {
		r.in.key = MN_K_OTHER + c->k;
		RUN(c, &r, "key of another node behind the same gateway");
		combo_drop(&r, PM_DROP_OUTER_SOURCE);
		r.in.key = MN_1;
		RUN(c, &r, "key of a node behind another gateway");
	} else {
		combo_drop(&r, PM_DROP_OUTER_SOURCE);
		r.in.key = MN_LINK;
		RUN(c, &r, "key of a node of another anchor");
	}
}

/* Nothing of a fragment is taken for a header; the kernel reassembles. */
static void outer_extensions(const struct combo *c)
{
	const bool four = kinds[c->k].four;

	if (combo_into(c))
		return;
	for (int ext = EXT_NONE + 1; ext < EXT_MAX; ext++) {
		struct row r = combo_row(c);
		bool of4 = ext == EXT_OPTIONS || ext == EXT_FRAG_FIRST || ext == EXT_FRAG_LATER ||
			   ext == EXT_FRAG_ATOMIC;

		if (four ? !of4 : ext == EXT_OPTIONS)
			continue;
		r.in.oext = ext;
		/* accepted: a Tunnel Encapsulation Limit; IPv4 that is no fragment */
		if (ext != EXT_TEL && ext != EXT_TEL_ZERO && !(four && ext == EXT_FRAG_ATOMIC))
			combo_kernel(&r);
		RUN(c, &r, "outer extension %d", ext);
	}
}

/* RFC 2784 2.1 to 2.3, RFC 2890 2 */
static void gre(const struct combo *c)
{
	static const uint16_t bad[] = {0x8000, 0x4000, 0x1000, 0x0800, 0x0400, 1, 7};

	if (combo_into(c) || !in_gre(c))
		return;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct row r = combo_row(c);

		r.in.gre_flags = bad[i];
		combo_drop(&r, PM_DROP_MALFORMED);
		RUN(c, &r, "GRE flags %04x", bad[i]);
	}
	for (uint16_t bit = 0x0008; bit <= 0x0200; bit <<= 1) {
		struct row r = combo_row(c);

		r.in.gre_flags = bit;
		RUN(c, &r, "reserved GRE bit %04x is ignored", bit);
	}
	struct row r = combo_row(c);

	combo_drop(&r, PM_DROP_MALFORMED);
	r.in.gre_proto = 0x6558;
	RUN(c, &r, "Ethernet in GRE");
	r.in.gre_proto = c->four ? 0x86dd : 0x0800;
	RUN(c, &r, "GRE protocol of the other family");
}

/* RFC 5844 4, RFC 5845 7.2 */
static void udp(const struct combo *c)
{
	struct row r = combo_row(c);

	if (combo_into(c) || !in_udp(c))
		return;
	r.in.usum = 0xbeef;
	RUN(c, &r, "UDP checksum is not zero");
	r.in.usum = 0;
	r.in.usport = 5437;
	RUN(c, &r, "UDP source port 5437");
	r.in.usport = 1;
	RUN(c, &r, "UDP source port 1");
	combo_drop(&r, PM_DROP_MALFORMED);
	r.in.ulen_error = 1;
	RUN(c, &r, "UDP length too large");
	r.in.ulen_error = -1;
	RUN(c, &r, "UDP length too small");
	r.in.ulen_error = -100000;
	RUN(c, &r, "UDP length of nothing sensible");
	r = combo_row(c);
	combo_kernel(&r);
	r.in.udport = 5436;
	RUN(c, &r, "signalling port");
	r.in.udport = 53;
	RUN(c, &r, "another port");
	r.in.udport = 0;
	r.in.odst = OTHER4;
	RUN(c, &r, "data port, but not to us");
	if (!in_tlv(c))
		return;
	r = combo_row(c);
	r.in.tlv_type = 0x0f;
	RUN(c, &r, "reserved bits of the TLV header are ignored");
	combo_drop(&r, PM_DROP_MALFORMED);
	r.in.tlv_type = 0x10;
	RUN(c, &r, "another type of TLV header");
	r.in.tlv_type = 0;
	r.in.tlv_error = 1;
	RUN(c, &r, "K-31 TLV length larger than UDP's");
	r.in.tlv_error = -1;
	RUN(c, &r, "K-31 TLV length smaller than UDP's");
	r.in.tlv_error = 0;
	r.in.tlv_next = 6;
	RUN(c, &r, "TLV next header that is none of ours");
	r.in.tlv_next = 17;
	RUN(c, &r, "TLV next header UDP");
	r.in.tlv_next = c->four ? 41 : 4;
	RUN(c, &r, "TLV next header of the other family");
}

/* Each pair of tunnels, of one family or of two. */
static void hairpin(enum kind from, enum kind to, bool four)
{
	const struct combo c = {.dir = LMA_UP, .k = from, .four = four};
	const char *name = kinds[to].name;
	struct row r = combo_hairpin(from, to, four);

	RUN(&c, &r, "into %s", name);
	SET(&r, len, 61);
	r.in.pad = 20;
	RUN(&c, &r, "into %s, padded frame", name);
	r = combo_hairpin(from, to, four);
	r.in.tc = 0x2a;
	r.in.otc = 3;
	r.out.tc = r.out.otc = 0x2b;
	RUN(&c, &r, "into %s, congestion in the first tunnel", name);
	r = combo_hairpin(from, to, four);
	SET(&r, len, KIND_MTU(to));
	RUN(&c, &r, "into %s, fits exactly", name);
	r.in.len++;
	r.in.df = 1;
	r.error = combo_hairpin_error(from, to, four);
	combo_too_big(&r, four, KIND_MTU(to));
	RUN(&c, &r, "into %s, too big", name);
	r.in.len = 0;
	r.in.hl = 1;
	r.error = combo_hairpin_error(from, to, four);
	combo_hop_limit(&r, four);
	RUN(&c, &r, "into %s, hop limit 1", name);
}

static void test_hairpin(void)
{
	for (int from = 0; from < KINDS; from++)
		for (int to = 0; to < KINDS; to++)
			for (int four = 0; four < 2; four++)
				hairpin(from, to, four);
}

#define EACH(name, fn)                \
	static void test_##name(void) \
	{                             \
		combo_each(fn);       \
	}
EACH(normal, normal)
EACH(hop_limit, hop_limit)
EACH(ecn, ecn)
EACH(extensions, extensions)
EACH(padding, padding)
EACH(mtu, mtu)
EACH(lengths, lengths)
EACH(truncated, truncated)
EACH(outer, outer)
EACH(inner, inner)
EACH(key, key)
EACH(outer_extensions, outer_extensions)
EACH(gre, gre)
EACH(udp, udp)

/* The other way to make an IPv4 packet of an IPv6 one, for kernels before 6.3. */
static void test_old_kernel(void)
{
	struct world_switches sw = {.lma = true,
				    .mag = true,
				    .icmp_rate = 1000,
				    .icmp_burst = 1000,
				    .no_decap_flags = true};
	struct world *w = world_new(PM_HOOK_TC, &sw);

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	for (int from = 0; from < KINDS; from++) {
		for (int four = 0; four < 2; four++) {
			struct combo c = {.dir = LMA_UP, .k = from, .four = four};
			struct row r = combo_row(&c);

			r.name = combo_name(&c, "without the flags of 6.3");
			packet_run(w, &r);
			c.dir = MAG_DOWN;
			r = combo_row(&c);
			r.name = combo_name(&c, "without the flags of 6.3");
			packet_run(w, &r);
			for (int to = 0; to < KINDS; to++) {
				r = combo_hairpin(from, to, four);
				r.name = combo_name(&c, "without the flags of 6.3, hairpin");
				packet_run(w, &r);
			}
		}
	}
	world_free(&w);
}

static void test_scapy(void)
{
	CU_ASSERT(packet_witness_agrees());
}

static void test_account(void)
{
	CU_ASSERT(packet_account_holds());
}

static bool make_worlds(void)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		for (int role = 0; role < ROLES; role++) {
			struct world_switches sw = {.lma = role != MAG_ROLE,
						    .mag = role != LMA_ROLE,
						    .icmp_rate = 1000000000,
						    .icmp_burst = 1000000000,
						    .icmp6_source = ICMP6_SRC,
						    .icmp4_source = ICMP4_SRC};

			worlds[role][hook] = world_new(hook, &sw);
			if (!worlds[role][hook])
				return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"L-61 G-50 G-52 (RFC 5213 5.6.2, 6.10.5): every encapsulation both ways",
		 test_normal},
		{"RFC 2473 3.1: one step takes one from the hop limit, the last one is answered",
		 test_hop_limit},
		{"L-65 V-46 (RFC 5213 5.6.3, 5844 4.1.4.2, 6040 4): ECN and DSCP",								   test_ecn},
		{"every extension header and every kind of fragment inside",	     test_extensions},
		{"Ethernet padding stays outside of tunnels",									    test_padding},
		{"L-66 (RFC 2473 7.1, 7.2): what fits, and one octet more",						    test_mtu},
		{"lengths and checksums of IP headers hold",				     test_lengths},
		{"frames cut at every octet are never forwarded",									    test_truncated},
		{"L-62 (RFC 6275 10.4.5): outer addresses and encapsulation are the tunnel's",
		 test_outer},
		{"G-55 L-63 (RFC 5213 6.10.5): inner addresses are the session's",				   test_inner},
		{"K-15 (RFC 5845 4.2, 5.2): a GRE key selects one session",									    test_key},
		{"nothing of an outer fragment is taken for a header",test_outer_extensions},
		{"RFC 2784 2, 2890 2: what a GRE header may say", test_gre},
		{"K-30 K-31 K-32 (RFC 5845 7.2): UDP and TLV headers",									    test_udp},
		{"RFC 5213 5.6.2: from each tunnel into each other one",				 test_hairpin},
		{"kernels before 6.3 change the family as well",			 test_old_kernel},
		{"scapy agrees with every packet that left",									    test_scapy},
		{"received is the sum of all verdicts, dropped the sum of all reasons",
		 test_account},
		{0			     },
	};
	int rc;

	if (!make_worlds())
		return 2;
	packet_witness_open();
	rc = cu_main("encapsulations", tests, argc, argv);
	packet_witness_close();
	for (int role = 0; role < ROLES; role++)
		for (int hook = 0; hook < PM_HOOK_MAX; hook++)
			world_free(&worlds[role][hook]);
	return rc;
}
