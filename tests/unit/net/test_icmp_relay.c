/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors about tunnel packets: RFC 2473 8, for each family outside and inside. */
#include "lib/cu.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "net/icmp_relay.h"

#define MSG_MAX 2048

struct msg {
	uint8_t b[MSG_MAX];
	size_t len;
};

/* What a message is made of. */
struct about {
	bool v4; /* outer */
	uint8_t type, code;
	uint32_t rest;
	enum dp_encap encap;
	bool inner_v4, df;
	uint8_t inner_proto;
	uint16_t inner_len;
	size_t quoted; /* octets of the tunnel packet */
};

static struct in6_addr at(const char *s)
{
	struct in6_addr a = {0};

	CU_ASSERT_EQUAL(addr_parse(s, &a), 0);
	return a;
}

static void seal(struct msg *m, bool v4)
{
	uint16_t sum;

	if (!v4)
		return; /* the kernel checks that of ICMPv6 */
	m->b[2] = m->b[3] = 0;
	sum = csum_fold(csum_add(0, m->b, m->len));
	m->b[2] = (uint8_t)(sum >> 8);
	m->b[3] = (uint8_t)sum;
}

static struct msg make(const struct about *a)
{
	const size_t shim = encap_len(a->encap), ohl = a->v4 ? IP4_HLEN : IP6_HLEN;
	const struct ip_head inner = {
		.src = at(a->inner_v4 ? "192.0.2.9" : "2001:db8:c::2"),
		.dst = at(a->inner_v4 ? "100.64.0.7" : "2001:db8:100::7"),
		.len = a->inner_len,
		.proto = a->inner_proto ? a->inner_proto : IPPROTO_UDP,
		.hop_limit = 63,
		.v4 = a->inner_v4,
		.df = a->df,
	};
	const struct ip_head outer = {
		.src = at(a->v4 ? "198.51.100.1" : "2001:db8:2::1"),
		.dst = at(a->v4 ? "203.0.113.1" : "2001:db8:11::1"),
		.len = (uint32_t)(ohl + shim + a->inner_len),
		.proto = encap_proto(a->encap, a->inner_v4),
		.hop_limit = 60,
		.v4 = a->v4,
	};
	struct msg m = {.len = 8 + (a->quoted ? a->quoted : 300)};
	uint8_t *p = m.b;
	struct wr w;

	wr_init(&w, p, 8);
	wr_u8(&w, a->type);
	wr_u8(&w, a->code);
	wr_u16(&w, 0);
	wr_u32(&w, a->rest);
	p += 8;
	p += ip_head_write(&outer, p);
	p += encap_shim(p, a->encap, a->inner_v4, 77, 50000, a->inner_len);
	p += ip_head_write(&inner, p);
	for (int i = 0; i < 900; i++)
		p[i] = (uint8_t)(i + 0x80);
	seal(&m, a->v4);
	return m;
}

static enum icmp_relay_verdict judge(const struct about *a, struct icmp_relay *r)
{
	const struct msg m = make(a);
	uint8_t *copy = malloc(m.len);
	enum icmp_relay_verdict v;

	memcpy(copy, m.b, m.len); /* so that a read beyond the end is found */
	v = icmp_relay_read(r, a->v4, copy, m.len);
	free(copy);
	return v;
}

/* ---- which messages, and what they become */

static const struct row {
	bool v4;
	uint8_t type, code;
	bool relayed;
} types[] = {
	{false, 1,   0,  true },
	{false, 1,   1,  true },
	      {false, 1,	 3,  true },
	    {false, 1,   4,  false},
	{false, 3,   0,  true },
	{false, 3,   1,  false},
	      {false, 4,	 0,  false},
	    {false, 4,   1,  false},
	{false, 128, 0,	false},
	{true,  3,	  0,  true },
	      {true,  3,	1,  true },
	    {true,  3,   2,	 false},
	{true,  3,	  3,  false},
	{true,  3,	  13, true },
	      {true,  11,	 0,  true },
	    {true,  11,  1,  false},
	{true,  12,  0,  false},
	{true,  5,	  0,  false},
};

static void test_types(void)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const struct row *t = &types[i];
		struct icmp_relay r;

		for (int inner_v4 = 0; inner_v4 < 2; inner_v4++) {
			const struct about a = {.v4 = t->v4,
						.type = t->type,
						.code = t->code,
						.inner_v4 = inner_v4,
						.inner_len = 200};

			CU_ASSERT_EQUAL(judge(&a, &r),
					t->relayed ? ICMP_RELAY_OK : ICMP_RELAY_TYPE);
			if (t->relayed)
				CU_ASSERT_EQUAL(r.kind, ICMP_RELAY_UNREACHABLE);
		}
	}
}

/* RFC 2473 8.1: the Tunnel Encapsulation Limit of the outer header, and nothing else. */
static void test_encap_limit(void)
{
	struct ip_head outer = {.src = at("2001:db8:2::1"),
				.dst = at("2001:db8:11::1"),
				.len = IP6_HLEN + 8 + 200,
				.proto = IPPROTO_DSTOPTS,
				.hop_limit = 9};
	const struct ip_head inner = {.src = at("2001:db8:c::2"),
				      .dst = at("2001:db8:100::7"),
				      .len = 200,
				      .proto = IPPROTO_UDP,
				      .hop_limit = 9};
	static const uint8_t tel[8] = {41, 0, 4, 1, 0, 1, 1, 0};
	struct msg m = {
		.b = {4, 0, 0, 0, 0, 0, 0, 44},
			.len = 200
	  };
	struct icmp_relay r;

	ip_head_write(&outer, m.b + 8);
	memcpy(m.b + 48, tel, sizeof(tel));
	ip_head_write(&inner, m.b + 56);
	CU_ASSERT_EQUAL(icmp_relay_read(&r, false, m.b, m.len), ICMP_RELAY_OK);
	CU_ASSERT_EQUAL(r.kind, ICMP_RELAY_UNREACHABLE);
	m.b[52] = 1; /* not used up */
	CU_ASSERT_EQUAL(icmp_relay_read(&r, false, m.b, m.len), ICMP_RELAY_TYPE);
	m.b[52] = 0;
	m.b[7] = 43;
	CU_ASSERT_EQUAL(icmp_relay_read(&r, false, m.b, m.len), ICMP_RELAY_TYPE);
}

static void test_what_is_found(void)
{
	for (int e = 0; e < DP_ENCAP_MAX; e++)
		for (int v4 = encap_is_udp(e); v4 < 2; v4++) {
			const struct about a = {.v4 = v4,
						.type = v4 ? 3 : 1,
						.code = v4 ? 1 : 3,
						.encap = e,
						.inner_len = 200};
			const struct msg m = make(&a);
			const struct in6_addr local = at(v4 ? "198.51.100.1" : "2001:db8:2::1");
			const struct in6_addr remote = at(v4 ? "203.0.113.1" : "2001:db8:11::1");
			struct icmp_relay r;

			CU_ASSERT_EQUAL_FATAL(icmp_relay_read(&r, v4, m.b, m.len), ICMP_RELAY_OK);
			CU_ASSERT(addr6_eq(&r.peer.local, &local));
			CU_ASSERT(addr6_eq(&r.peer.remote, &remote));
			CU_ASSERT_EQUAL(r.peer.encap, e);
			CU_ASSERT_EQUAL(r.key, dp_encap_keyed(e) ? 77 : 0);
			CU_ASSERT_EQUAL(r.quote_len, 200); /* the rest is not the packet's */
			CU_ASSERT_EQUAL(r.quote[0] >> 4, 6);
		}
}

/* RFC 2473 8.2, 8.3: MTU without the tunnel's headers, where the source needs to send less. */
static void test_too_big(void)
{
	static const struct {
		bool v4;
		uint32_t mtu;
		enum dp_encap encap;
		bool inner_v4, df;
		uint16_t len;
		uint32_t told; /* 0: not */
	} rows[] = {
		{false, 1400, DP_ENCAP_IP,	   false, false, 1460, 1360},
		{false, 1400, DP_ENCAP_GRE_KEY,	false, false, 1460, 1352},
		{false, 1400, DP_ENCAP_IP,	   false, false, 1360, 0	}, /* it fits */
		{false, 1280, DP_ENCAP_IP,	   false, false, 1460, 1280},
		{false, 1280, DP_ENCAP_IP,	   false, false, 1281, 1280},
		{false, 1280, DP_ENCAP_IP,	   false, false, 1280, 0	}, /* in fragments */
		{false, 68,   DP_ENCAP_IP,		 false, false, 1460, 1280}, /* no such path */
		{false, 1400, DP_ENCAP_IP,	   true,	 true,  1460, 1360},
		{false, 1400, DP_ENCAP_IP,	   true,	 false, 1460, 0   },
		{true,  1400, DP_ENCAP_IP,	  true,	true,  1460, 1380},
		{true,  1400, DP_ENCAP_UDP,	   true,	 true,  1460, 1372},
		{true,  1400, DP_ENCAP_UDP_GRE_KEY, false, false, 1460, 1360},
		{true,  1290, DP_ENCAP_GRE,	   false, false, 1460, 1280},
		{true,  68,   DP_ENCAP_IP,		true,  true,  1460, 556 },
		{true,  0,	  DP_ENCAP_IP,	       true,  true,  1460,
		 556							}, /* RFC 1191 5: a router that does not say */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct about a = {.v4 = rows[i].v4,
					.type = rows[i].v4 ? 3 : 2,
					.code = rows[i].v4 ? 4 : 0,
					.rest = rows[i].mtu,
					.encap = rows[i].encap,
					.inner_v4 = rows[i].inner_v4,
					.df = rows[i].df,
					.inner_len = rows[i].len};
		struct icmp_relay r;

		if (!rows[i].told) {
			CU_ASSERT_EQUAL(judge(&a, &r), ICMP_RELAY_SIZE);
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(judge(&a, &r), ICMP_RELAY_OK);
		CU_ASSERT_EQUAL(r.kind, ICMP_RELAY_TOO_BIG);
		CU_ASSERT_EQUAL(r.mtu, rows[i].told);
	}
}

/* ---- what is not relayed */

static void test_no_errors_about_errors(void)
{
	struct about a = {.type = 1, .inner_len = 200, .inner_proto = IPPROTO_ICMPV6};
	struct msg m = make(&a);
	struct icmp_relay r;
	uint8_t *type = &m.b[8 + 40 + 40];

	for (int t = 0; t < 256; t++) {
		*type = (uint8_t)t;
		CU_ASSERT_EQUAL(icmp_relay_read(&r, false, m.b, m.len),
				t < 128 || t == 137 ? ICMP_RELAY_ABOUT_ERROR : ICMP_RELAY_OK);
	}
	a.inner_v4 = true;
	a.inner_proto = IPPROTO_ICMP;
	m = make(&a);
	m.b[8 + 40 + 20] = 8;
	CU_ASSERT_EQUAL(icmp_relay_read(&r, false, m.b, m.len), ICMP_RELAY_OK);
	m.b[8 + 40 + 20] = 3;
	CU_ASSERT_EQUAL(icmp_relay_read(&r, false, m.b, m.len), ICMP_RELAY_ABOUT_ERROR);
	m.b[8 + 40 + 20] = 8;
	m.b[8 + 40 + 7] = 1; /* a later fragment */
	CU_ASSERT_EQUAL(icmp_relay_read(&r, false, m.b, m.len), ICMP_RELAY_ABOUT_ERROR);
	/* its type was not quoted */
	a = (struct about){
		.type = 1, .inner_len = 200, .inner_proto = IPPROTO_ICMPV6, .quoted = 80};
	CU_ASSERT_EQUAL(judge(&a, &r), ICMP_RELAY_ABOUT_ERROR);
}

static void test_sources(void)
{
	static const char *const bad6[] = {"::", "::1", "fe80::1", "ff02::1"};
	static const char *const bad4[] = {"0.0.0.0", "127.0.0.1", "169.254.0.1", "224.0.0.1",
					   "255.255.255.255"};
	struct about a = {.type = 1, .inner_len = 200};
	struct msg m = make(&a);
	struct icmp_relay r;
	struct in6_addr addr;

	for (size_t i = 0; i < sizeof(bad6) / sizeof(bad6[0]); i++) {
		addr = at(bad6[i]);
		memcpy(&m.b[8 + 40 + 8], &addr, 16);
		CU_ASSERT_EQUAL(icmp_relay_read(&r, false, m.b, m.len), ICMP_RELAY_ABOUT_ERROR);
	}
	a.inner_v4 = true;
	m = make(&a);
	for (size_t i = 0; i < sizeof(bad4) / sizeof(bad4[0]); i++) {
		addr = at(bad4[i]);
		memcpy(&m.b[8 + 40 + 12], &addr.s6_addr[12], 4);
		CU_ASSERT_EQUAL(icmp_relay_read(&r, false, m.b, m.len), ICMP_RELAY_ABOUT_ERROR);
	}
}

static void test_not_ours(void)
{
	const struct about a = {.type = 1, .inner_len = 200};
	const struct about b = {
		.v4 = true, .type = 3, .code = 1, .encap = DP_ENCAP_UDP, .inner_len = 200};
	struct msg m = make(&a);
	struct icmp_relay r;

	m.b[8 + 6] = IPPROTO_TCP;
	CU_ASSERT_EQUAL(icmp_relay_read(&r, false, m.b, m.len), ICMP_RELAY_NOT_OURS);
	m = make(&b);
	m.b[8 + 20 + 3] = 53;
	seal(&m, true);
	CU_ASSERT_EQUAL(icmp_relay_read(&r, true, m.b, m.len), ICMP_RELAY_NOT_OURS);
	m = make(&a);
	m.b[8] = 0x45; /* an IPv4 packet quoted by ICMPv6 */
	CU_ASSERT_NOT_EQUAL(icmp_relay_read(&r, false, m.b, m.len), ICMP_RELAY_OK);
	m = make(&b);
	m.b[40]++; /* without sealing it again */
	CU_ASSERT_EQUAL(icmp_relay_read(&r, true, m.b, m.len), ICMP_RELAY_MALFORMED);
}

/* RFC 792 demands 8 octets behind the header: too little for most tunnels. */
static void test_cut(void)
{
	for (int e = 0; e < DP_ENCAP_MAX; e++) {
		const size_t enough = IP4_HLEN + encap_len(e) + IP6_HLEN;

		for (size_t quoted = 1; quoted < enough + 8; quoted++) {
			const struct about a = {.v4 = true,
						.type = 3,
						.code = 1,
						.encap = e,
						.inner_len = 200,
						.quoted = quoted};
			struct icmp_relay r;
			const enum icmp_relay_verdict v = judge(&a, &r);

			CU_ASSERT_EQUAL(v == ICMP_RELAY_OK, quoted >= enough);
			if (quoted < enough)
				CU_ASSERT(v == ICMP_RELAY_SHORT || v == ICMP_RELAY_NOT_OURS);
		}
	}
}

/* ---- the message to the source */

static uint32_t sum6(const uint8_t *p, size_t len)
{
	uint32_t sum = csum_add(0, p + 8, 32);

	return csum_add(sum + (uint32_t)(len - IP6_HLEN) + IPPROTO_ICMPV6, p + IP6_HLEN,
			len - IP6_HLEN);
}

static void test_message6(void)
{
	const struct about a = {.type = 2, .rest = 1400, .inner_len = 1460, .quoted = 1280 - 48};
	const struct in6_addr src = at("2001:db8:2::1"), dst = at("2001:db8:c::2");
	struct msg m = make(&a);
	uint8_t out[ICMP_RELAY_PACKET_MAX];
	struct icmp_relay r;
	struct ip_head h;
	size_t n;

	CU_ASSERT_EQUAL_FATAL(icmp_relay_read(&r, false, m.b, m.len), ICMP_RELAY_OK);
	n = icmp_relay_write(&r, &src, out);
	CU_ASSERT_FATAL(ip_head_read(&h, out, n));
	CU_ASSERT(addr6_eq(&h.src, &src) && addr6_eq(&h.dst, &dst));
	CU_ASSERT(h.len == n && n == 48 + 1280 - 48 - 40 && h.proto == IPPROTO_ICMPV6);
	CU_ASSERT(out[40] == 2 && out[41] == 0 && out[46] == 0x05 && out[47] == 0x50);
	CU_ASSERT_EQUAL(memcmp(out + 48, m.b + 8 + 40, n - 48), 0);
	CU_ASSERT_EQUAL(csum_fold(sum6(out, n)), 0);
	/* never more than the least MTU, RFC 4443 2.4 (c) */
	r.quote_len = 1460;
	CU_ASSERT_EQUAL(icmp_relay_write(&r, &src, out), 1280);
	CU_ASSERT_EQUAL(csum_fold(sum6(out, 1280)), 0);
	r.kind = ICMP_RELAY_UNREACHABLE;
	icmp_relay_write(&r, &src, out);
	CU_ASSERT(out[40] == 1 && out[41] == 3 && !out[46] && !out[47]);
}

static void test_message4(void)
{
	const struct about a = {.v4 = true,
				.type = 3,
				.code = 4,
				.rest = 1400,
				.inner_v4 = true,
				.df = true,
				.inner_len = 1460,
				.quoted = 700};
	const struct in6_addr src = at("198.51.100.1"), dst = at("192.0.2.9");
	struct msg m = make(&a);
	uint8_t out[ICMP_RELAY_PACKET_MAX];
	struct icmp_relay r;
	struct ip_head h;
	size_t n;

	CU_ASSERT_EQUAL_FATAL(icmp_relay_read(&r, true, m.b, m.len), ICMP_RELAY_OK);
	n = icmp_relay_write(&r, &src, out);
	CU_ASSERT_EQUAL(n, 576); /* RFC 1812 4.3.2.3 */
	CU_ASSERT_FATAL(ip_head_read(&h, out, n));
	CU_ASSERT(addr6_eq(&h.src, &src) && addr6_eq(&h.dst, &dst));
	CU_ASSERT(h.proto == IPPROTO_ICMP && h.class == 0xc0);
	CU_ASSERT_EQUAL(csum_fold(csum_add(0, out, 20)), 0);
	CU_ASSERT_EQUAL(csum_fold(csum_add(0, out + 20, n - 20)), 0);
	CU_ASSERT(out[20] == 3 && out[21] == 4 && out[26] == 0x05 && out[27] == 0x64);
	r.kind = ICMP_RELAY_UNREACHABLE;
	icmp_relay_write(&r, &src, out);
	CU_ASSERT(out[20] == 3 && out[21] == 1 && !out[26] && !out[27]);
}

static void test_path_mtu_is_heard(void)
{
	const struct about big6 = {.type = 2, .rest = 1280, .inner_len = 100};
	const struct about big4 = {.v4 = true,
				   .type = 3,
				   .code = 4,
				   .rest = 900,
				   .inner_len = 100,
				   .encap = DP_ENCAP_UDP,
				   .quoted = 28};
	const struct about other = {.type = 1, .inner_len = 100};
	const struct in6_addr want6 = at("2001:db8:11::1"), want4 = at("203.0.113.1");
	struct in6_addr remote;
	struct msg m = make(&big6);

	CU_ASSERT(icmp_relay_too_big(false, m.b, m.len, &remote) && addr6_eq(&remote, &want6));
	m = make(&big4);
	CU_ASSERT(icmp_relay_too_big(true, m.b, m.len, &remote) && addr6_eq(&remote, &want4));
	m = make(&other);
	CU_ASSERT_FALSE(icmp_relay_too_big(false, m.b, m.len, &remote));
}

/* Every octet of every kind of message in ways that have found bugs before. */
static void test_mutated(void)
{
	for (int e = 0; e < DP_ENCAP_MAX; e++)
		for (int k = 0; k < 4; k++) {
			const struct about a = {.v4 = k & 1 || encap_is_udp(e),
						.type = k & 1 || encap_is_udp(e) ? 3 : 2,
						.code = 4,
						.rest = 1400,
						.encap = e,
						.inner_v4 = k & 2,
						.df = true,
						.inner_len = 1400,
						.quoted = 120};
			const struct msg whole = make(&a);

			for (size_t i = 0; i < whole.len; i++)
				for (int bit = 0; bit < 9; bit++) {
					uint8_t out[ICMP_RELAY_PACKET_MAX], *b = malloc(whole.len);
					struct msg m = whole;
					struct icmp_relay r;
					struct ip_head h;

					m.b[i] = bit == 8 ? 0xff : m.b[i] ^ (uint8_t)(1 << bit);
					seal(&m, a.v4);
					memcpy(b, m.b, m.len);
					if (icmp_relay_read(&r, a.v4, b, m.len) == ICMP_RELAY_OK) {
						const size_t n =
							icmp_relay_write(&r, &r.inner.dst, out);

						CU_ASSERT(ip_head_read(&h, out, n) && h.len == n);
						CU_ASSERT(r.kind != ICMP_RELAY_TOO_BIG ||
							  r.inner.v4 || r.mtu >= 1280);
					}
					free(b);
				}
		}
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"unreachable node and hop limit are relayed, ports and options are not",
		 test_types},
		{"a used up encapsulation limit makes the node unreachable",									     test_encap_limit},
		{"tunnel, key and inner packet are found in each encapsulation",
		 test_what_is_found},
		{"too big is relayed without the tunnel's headers where it must be",	     test_too_big},
		{"no error is about an error or a later fragment",								       test_no_errors_about_errors},
		{"no error goes to what is no unicast address",							test_sources},
		{"what is no tunnel packet, or damaged, is left alone",			test_not_ours},
		{"what is quoted too shortly is left alone",								       test_cut},
		{"the IPv6 message",	     test_message6},
		{"the IPv4 message",		     test_message4},
		{"path MTUs are heard of in short quotations too",								       test_path_mtu_is_heard},
		{"messages changed at every octet do no harm",test_mutated},
		{0						     },
	};

	return cu_main("icmp_relay", tests, argc, argv);
}
