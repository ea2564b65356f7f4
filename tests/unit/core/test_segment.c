/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames that stand for several packets: each packet must be whole by itself, in every tunnel. */
#include "lib/cu.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/ip_head.h"
#include "core/encap.h"
#include "core/segment.h"

#define ETH	14
#define EACH	100
#define PAYLOAD 350 /* three segments and a half */
#define SEQ	0xffffff80
#define ID	0xfffe

/* What to build; encap DP_ENCAP_MAX: no tunnel. */
struct shape {
	int encap;
	bool outer_v4, v4, tcp;
	bool limit;   /* outer IPv6: a Tunnel Encapsulation Limit, RFC 2473 4.1.1 */
	bool udp_sum; /* UDP tunnel with a checksum */
	bool no_sum;  /* UDP in IPv4 without one */
	uint32_t payload;
};

static uint8_t frame[2048];
static uint32_t inner, l4, data; /* where they are in it */

static void put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

static uint32_t pseudo(const uint8_t *ip, uint8_t proto, size_t len)
{
	const bool v4 = *ip >> 4 == 4;
	uint8_t b[4] = {0, proto};

	put16(b + 2, len);
	return csum_add(csum_add(0, ip + (v4 ? 12 : 8), v4 ? 8 : 32), b, 4);
}

static size_t put_ip(uint8_t *at, bool v4, uint8_t proto, size_t len, uint8_t tag)
{
	struct ip_head h = {.v4 = v4, .df = true, .hop_limit = 64, .proto = proto};
	size_t n;

	memset(&h.src, tag, sizeof(h.src));
	memset(&h.dst, tag + 1, sizeof(h.dst));
	h.len = (uint32_t)(len + (v4 ? IP4_HLEN : IP6_HLEN));
	n = ip_head_write(&h, at);
	if (v4) {
		put16(at + 4, ID);
		put16(at + 10, 0);
		put16(at + 10, csum_fold(csum_add(0, at, n)));
	}
	return n;
}

static uint8_t letter(uint32_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

/* As the kernel leaves it: the sum over the pseudo header where the checksum is to be. */
static uint32_t build(const struct shape *s)
{
	const uint32_t head = s->tcp ? 20 : 8;
	const size_t packet = (s->v4 ? IP4_HLEN : IP6_HLEN) + head + s->payload;
	size_t at = ETH;

	memset(frame, 0, sizeof(frame));
	memset(frame, 0xee, 12);
	if (s->encap != DP_ENCAP_MAX) {
		const size_t option = s->limit ? 8 : 0, n = encap_len(s->encap) + option;
		const uint8_t proto = encap_proto(s->encap, s->v4);
		const size_t ip = at;

		at += put_ip(frame + at, s->outer_v4, s->limit ? IPPROTO_DSTOPTS : proto,
			     n + packet, 0x20);
		if (s->limit)
			memcpy(frame + at, (uint8_t[]){proto, 0, 4, 1, 4, 1, 0, 0}, 8);
		at += option;
		encap_shim(frame + at, s->encap, s->v4, 0x1234, 50000, packet);
		if (s->udp_sum)
			put16(frame + at + 6, 0xbeef); /* somebody has filled it in */
		at += encap_len(s->encap);
		CU_ASSERT_EQUAL(ip, ETH);
	}
	inner = (uint32_t)at;
	at += put_ip(frame + at, s->v4, s->tcp ? IPPROTO_TCP : IPPROTO_UDP, head + s->payload,
		     0x30);
	l4 = (uint32_t)at;
	data = l4 + head;
	put16(frame + l4, 80);
	put16(frame + l4 + 2, 5437);
	if (s->tcp) {
		put16(frame + l4 + 4, SEQ >> 16);
		put16(frame + l4 + 6, SEQ & 0xffff);
		frame[l4 + 12] = 0x50;
		frame[l4 + 13] = 0x80 | 0x10 | 0x08 | 0x01; /* CWR ACK PSH FIN */
	} else {
		put16(frame + l4 + 4, head + s->payload);
	}
	for (uint32_t i = 0; i < s->payload; i++)
		frame[data + i] = letter(i);
	if (!s->no_sum)
		put16(frame + l4 + (s->tcp ? 16 : 6),
		      (uint16_t)~csum_fold(pseudo(frame + inner, s->tcp ? IPPROTO_TCP : IPPROTO_UDP,
						  head + s->payload)));
	return data + s->payload;
}

static void check_ip(const uint8_t *ip, size_t len, uint32_t i)
{
	if (*ip >> 4 == 6) {
		CU_ASSERT_EQUAL(get16(ip + 4) + IP6_HLEN, len);
		return;
	}
	CU_ASSERT_EQUAL(get16(ip + 2), len);
	CU_ASSERT_EQUAL(get16(ip + 4), (ID + i) & 0xffff);
	CU_ASSERT_EQUAL(csum_fold(csum_add(0, ip, IP4_HLEN)), 0);
}

static void check_l4(const struct shape *s, const uint8_t *b, size_t len)
{
	const uint8_t proto = s->tcp ? IPPROTO_TCP : IPPROTO_UDP;

	if (!s->tcp)
		CU_ASSERT_EQUAL(get16(b + l4 + 4), len - l4);
	if (s->no_sum) {
		CU_ASSERT_EQUAL(get16(b + l4 + 6), 0);
		return;
	}
	CU_ASSERT_NOT_EQUAL(get16(b + l4 + (s->tcp ? 16 : 6)), 0);
	CU_ASSERT_EQUAL(csum_fold(csum_add(pseudo(b + inner, proto, len - l4), b + l4, len - l4)),
			0);
}

static void check_tunnel(const struct shape *s, const uint8_t *b, size_t len)
{
	const uint8_t *udp = b + ETH + IP4_HLEN;

	if (s->encap == DP_ENCAP_MAX || !encap_is_udp(s->encap))
		return;
	CU_ASSERT_EQUAL(get16(udp + 4), len - ETH - IP4_HLEN);
	if (s->encap >= DP_ENCAP_UDP_TLV)
		CU_ASSERT_EQUAL(get16(udp + 10), get16(udp + 4) - 12);
	if (!s->udp_sum) {
		CU_ASSERT_EQUAL(get16(udp + 6), 0);
		return;
	}
	CU_ASSERT_EQUAL(csum_fold(csum_add(pseudo(b + ETH, IPPROTO_UDP, get16(udp + 4)), udp,
					   get16(udp + 4))),
			0);
}

static void check_segment(const struct shape *s, const struct segments *g, uint32_t i,
			  uint32_t each)
{
	const uint32_t from = i * each, n = i + 1 < g->n ? each : s->payload - from;
	const size_t len = segment_len(g, i);
	uint8_t *b = malloc(len); /* for the sanitizer to see the ends of it */

	CU_ASSERT_EQUAL_FATAL(len, data + n);
	segment_make(g, i, b);
	CU_ASSERT(!memcmp(b, frame, 12));
	check_ip(b + ETH, len - ETH, i);
	check_ip(b + inner, len - inner, i);
	check_tunnel(s, b, len);
	check_l4(s, b, len);
	if (s->tcp) {
		const uint8_t flags = (i ? 0 : 0x80) | 0x10 | (i + 1 < g->n ? 0 : 0x09);

		CU_ASSERT_EQUAL(get32(b + l4 + 4), SEQ + from);
		CU_ASSERT_EQUAL(b[l4 + 13], flags);
	}
	for (uint32_t k = 0; k < n; k++)
		CU_ASSERT_EQUAL_FATAL(b[data + k], letter(from + k));
	free(b);
}

/* Every tunnel that there is, and none, around each family and protocol. */
static void each_shape(void (*fn)(const struct shape *s))
{
	for (int e = 0; e <= DP_ENCAP_MAX; e++)
		for (unsigned bits = 0; bits < 64; bits++) {
			const struct shape s = {
				.encap = e,
				.outer_v4 = bits & 1,
				.v4 = bits & 2,
				.tcp = bits & 4,
				.limit = bits & 8,
				.udp_sum = bits & 16,
				.no_sum = bits & 32,
				.payload = PAYLOAD,
			};
			const bool udp = e != DP_ENCAP_MAX && encap_is_udp(e);

			if ((e == DP_ENCAP_MAX || s.outer_v4) && s.limit)
				continue;
			if ((udp && !s.outer_v4) || (s.udp_sum && !udp) ||
			    (s.no_sum && (s.tcp || !s.v4)))
				continue;
			fn(&s);
		}
}

static unsigned shapes;

static void cut(const struct shape *s)
{
	const uint32_t len = build(s);
	struct segments g;

	shapes++;
	/* padding is not in the packets */
	CU_ASSERT_EQUAL_FATAL(segments_find(&g, frame, len + 3, ETH, EACH, 1000), 0);
	CU_ASSERT_EQUAL_FATAL(g.n, 4);
	for (uint32_t i = 0; i < g.n; i++)
		check_segment(s, &g, i, EACH);
}

static void test_cut(void)
{
	each_shape(cut);
	CU_ASSERT(shapes > 80);
}

/* Longer than can be sent in one piece: TCP is cut smaller, UDP is not. */
static void cut_smaller(const struct shape *s)
{
	const uint32_t len = build(s);
	struct segments g = {.n = 4711};

	for (int merged = 0; merged < 2; merged++) {
		const int r = segments_find(&g, frame, len, ETH, merged ? 200 : 0, data + 175);

		if (!s->tcp) {
			CU_ASSERT_EQUAL(r, -EMSGSIZE);
			CU_ASSERT_EQUAL(g.n, 4711);
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(r, 0);
		CU_ASSERT_EQUAL_FATAL(g.n, 2);
		check_segment(s, &g, 0, 175);
		check_segment(s, &g, 1, 175);
	}
	/* what has no room for its headers alone */
	CU_ASSERT_EQUAL(segments_find(&g, frame, len, ETH, EACH, data), -EMSGSIZE);
}

static void test_cut_smaller(void)
{
	each_shape(cut_smaller);
}

static void finish(const struct shape *s)
{
	const uint32_t len = build(s) + 3;
	uint8_t got[sizeof(frame)], again[sizeof(frame)];
	struct segments g;

	frame[len - 1] = 0x5a; /* padding, as it came */
	CU_ASSERT_EQUAL_FATAL(segments_find(&g, frame, len, ETH, 0, sizeof(frame)), 0);
	CU_ASSERT_EQUAL(g.n, 1);
	CU_ASSERT_EQUAL_FATAL(segment_len(&g, 0), len);
	segment_make(&g, 0, got);
	check_l4(s, got, len - 3);
	/* nothing else has changed, and what is right already stays */
	memcpy(again, got, len);
	memcpy(again + l4 + (s->tcp ? 16 : 6), frame + l4 + (s->tcp ? 16 : 6), 2);
	CU_ASSERT(!memcmp(again, frame, len));
	CU_ASSERT_EQUAL_FATAL(segments_find(&g, got, len, ETH, 0, sizeof(frame)), 0);
	segment_make(&g, 0, again);
	CU_ASSERT(!memcmp(again, got, len));
	/* nor is anything made right that came wrong */
	got[l4 + (s->tcp ? 16 : 6)] ^= 0x40;
	CU_ASSERT_EQUAL_FATAL(segments_find(&g, got, len, ETH, 0, sizeof(frame)), 0);
	segment_make(&g, 0, again);
	CU_ASSERT(!memcmp(again, got, len));
}

static void test_finish(void)
{
	each_shape(finish);
}

static int find(uint32_t len, size_t each)
{
	struct segments g;

	return segments_find(&g, frame, len, ETH, each, 1000);
}

/* What cannot be cut is left whole where it can be, and refused where not. */
static void test_refused(void)
{
	const struct shape six = {.encap = DP_ENCAP_IP, .tcp = true, .payload = PAYLOAD};
	const struct shape four = {
		.encap = DP_ENCAP_MAX, .v4 = true, .tcp = true, .payload = PAYLOAD};
	uint32_t len = build(&six);

	frame[inner + 6] = 58; /* ICMPv6 */
	CU_ASSERT_EQUAL(find(len, EACH), -EMSGSIZE);
	CU_ASSERT_EQUAL(find(len, 0), 0);
	frame[inner + 6] = 60; /* destination options, which take in all that follows */
	frame[l4] = 6;
	frame[l4 + 1] = 0;
	CU_ASSERT_EQUAL(find(len, EACH), -EMSGSIZE);
	len = build(&six);
	put16(frame + inner + 4, 2000); /* longer than the frame */
	CU_ASSERT_EQUAL(find(len, EACH), -EMSGSIZE);
	len = build(&six);
	frame[l4 + 12] = 0x40; /* shorter than a TCP header */
	CU_ASSERT_EQUAL(find(len, EACH), -EMSGSIZE);
	len = build(&four);
	put16(frame + inner + 6, 0x2000); /* the first part of a packet */
	CU_ASSERT_EQUAL(find(len, EACH), -EMSGSIZE);
	CU_ASSERT_EQUAL(find(ETH, EACH), -EMSGSIZE);
	CU_ASSERT_EQUAL(find(0, EACH), -EMSGSIZE);
}

/* Whatever is in a frame, nothing beyond its end is touched. */
static void test_hostile(void)
{
	struct shape s = {.payload = 40};

	srand(1);
	for (unsigned n = 0; n < 40000; n++) {
		uint8_t *in, *out;
		struct segments g;
		uint32_t len;

		s.encap = rand() % (DP_ENCAP_MAX + 1);
		s.outer_v4 = s.encap >= DP_ENCAP_UDP || rand() & 1;
		s.v4 = rand() & 1;
		s.tcp = rand() & 1;
		len = build(&s);
		for (int k = rand() % 4; k >= 0; k--)
			frame[ETH + rand() % (int)(data - ETH)] = (uint8_t)rand();
		len -= (uint32_t)rand() % 8 ? 0 : (uint32_t)rand() % len;
		in = malloc(len ? len : 1);
		memcpy(in, frame, len);
		if (segments_find(&g, in, len, ETH, (size_t)rand() % 60, 90) == 0) {
			size_t total = 0;

			for (uint32_t i = 0; i < g.n; i++) {
				const size_t each = segment_len(&g, i);

				CU_ASSERT_FATAL(each <= 90);
				out = malloc(each ? each : 1);
				segment_make(&g, i, out);
				free(out);
				total += each;
			}
			CU_ASSERT_FATAL(total <= (size_t)g.n * 90);
		}
		free(in);
	}
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"a merged frame becomes the packets that it stands for, in any tunnel", test_cut},
		{"TCP is cut smaller where it must be, UDP never", test_cut_smaller},
		{"a checksum left to a device is completed, any other left alone", test_finish},
		{"what cannot be cut is refused, or left whole", test_refused},
		{"nothing beyond a hostile frame is touched", test_hostile},
		{0},
	};
	// clang-format on

	return cu_main("segment", tests, argc, argv);
}
