/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a TCP connection learns at its start of the tunnel it enters. */
#include <string.h>

#include "lib/cu.h"
#include "packet_rows.h"

#define OUTER	   40
#define TUNNEL_MTU 1460

static struct world *worlds[PM_HOOK_MAX];

struct tcp {
	uint8_t flags;
	uint8_t options[40];
	unsigned n; /* of options; a multiple of 4 */
};

#define SYN 0x02
#define ACK 0x10

static uint32_t add16(const uint8_t *b, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? b[i] : (uint32_t)b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Of a TCP segment as it lies in a frame, with its own checksum: 0xffff when that is right. */
static uint32_t tcp_sum(const uint8_t *ip, bool v4, size_t len)
{
	const uint8_t *addr = v4 ? ip + 12 : ip + 8, *tcp = ip + (v4 ? 20 : 40);
	uint32_t sum = add16(addr, v4 ? 8 : 32, 6 + (uint32_t)len);

	return add16(tcp, len, sum);
}

static size_t put_tcp(struct frame *f, bool v4, const struct tcp *t)
{
	const size_t at = 14 + (v4 ? 20 : 40), len = f->n - at;
	uint8_t *tcp = f->b + at;
	uint32_t sum;

	memset(tcp, 0, 20);
	tcp[1] = 80;
	tcp[12] = (uint8_t)((20 + t->n) / 4 << 4);
	tcp[13] = t->flags;
	memcpy(tcp + 20, t->options, t->n);
	sum = ~tcp_sum(f->b + 14, v4, len);
	tcp[16] = (uint8_t)(sum >> 8);
	tcp[17] = (uint8_t)sum;
	CU_ASSERT_EQUAL(tcp_sum(f->b + 14, v4, len), 0xffff);
	return len;
}

/* Sends it down to a node and expects that nothing of TCP changed but the option's value. `at`: of
 * the value, behind the TCP header's fixed part; 0: nothing changes. */
static void expect(struct world *w, bool v4, const struct tcp *t, unsigned at)
{
	struct spec six = DOWN(.nh = 6, .len = 140), four = DOWN4(.nh = 6, .len = 120);
	const size_t head = v4 ? 20 : 40, tcp_at = 14 + OUTER + head;
	struct world_result res;
	struct frame in;
	size_t len;

	frame_build(&in, v4 ? &four : &six);
	len = put_tcp(&in, v4, t);
	world_run(w, AT_TRANSPORT, &in, NULL, &res);
	CU_ASSERT_EQUAL(res.verdict, PM_V_ENCAP);
	CU_ASSERT_EQUAL_FATAL(res.out.n, in.n + OUTER);
	CU_ASSERT_EQUAL(tcp_sum(res.out.b + 14 + OUTER, v4, len), 0xffff);
	if (at) {
		uint8_t *value = res.out.b + tcp_at + 20 + at;

		CU_ASSERT_EQUAL(value[0] << 8 | value[1], TUNNEL_MTU - (int)head - 20);
		memcpy(value, t->options + at, 2);
		memcpy(res.out.b + tcp_at + 16, in.b + 14 + head + 16, 2);
	}
	CU_ASSERT(!memcmp(res.out.b + tcp_at, in.b + 14 + head, len));
}

static void expect_everywhere(const struct tcp *t, unsigned at)
{
	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		expect(worlds[hook], false, t, at);
		expect(worlds[hook], true, t, at);
	}
}

static void test_clamped(void)
{
	static const struct {
		struct tcp tcp;
		unsigned at;
	} cases[] = {
		{{SYN, {2, 4, 0x05, 0xb4}, 4},				       2 },
		{{SYN | ACK, {2, 4, 0x05, 0xb4}, 4},				     2 },
		{{SYN, {2, 4, 0xff, 0xff, 1, 1, 1, 0}, 8},			   2 },
		{{SYN, {1, 2, 4, 0x23, 0x28, 1, 1, 0}, 8},			   3 }, /* at an odd place */
		{{SYN, {1, 1, 2, 4, 0x23, 0x28, 1, 0}, 8},			   4 },
		{{SYN, {3, 3, 7, 2, 4, 0x05, 0xb4, 0}, 8},			   5 },
		{{SYN, {4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4, 0x05, 0xb4}, 16}, 14},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect_everywhere(&cases[i].tcp, cases[i].at);
}

static void test_left_alone(void)
{
	static const struct tcp cases[] = {
		{SYN, {2, 4, 0x04, 0xc4},		  4}, /* 1220: fits */
		{SYN, {0},			     0}, /* no options */
		{SYN, {1, 1, 1, 0},		    4}, /* no such option */
		{SYN, {0, 0, 2, 4, 0x05, 0xb4, 0, 0},  8}, /* behind the end of options */
		{SYN, {2, 3, 0x05, 0xb4},		  4}, /* not the option's length */
		{SYN, {8, 0, 2, 4, 0x05, 0xb4, 0, 0},  8}, /* an option without a length */
		{SYN, {8, 40, 2, 4, 0x05, 0xb4, 0, 0}, 8}, /* longer than all options */
		{ACK, {2, 4, 0x05, 0xb4},		  4}, /* the connection has begun */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect_everywhere(&cases[i], 0);
}

static void test_cut_short(void)
{
	const struct tcp t = {
		SYN, {1, 1, 1, 2, 4, 0x05, 0xb4, 0},
		     8
	      };
	struct spec s = DOWN(.nh = 6, .len = 140);
	struct world_result res;
	struct frame in;

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		frame_build(&in, &s);
		put_tcp(&in, false, &t);
		for (in.n = 14 + 40; in.n < 14 + 140; in.n++) {
			const size_t len = in.n - 14 - 40;

			in.b[14 + 4] = 0;
			in.b[14 + 5] = (uint8_t)len;
			if (!len)
				continue; /* says that it is a jumbogram */
			world_run(worlds[hook], AT_TRANSPORT, &in, NULL, &res);
			CU_ASSERT_EQUAL(res.verdict, PM_V_ENCAP);
			CU_ASSERT_EQUAL(res.out.n, in.n + OUTER);
		}
	}
}

static void test_off(void)
{
	const struct world_switches off = {.lma = true, .mag = true};
	const struct tcp t = {
		SYN, {2, 4, 0x05, 0xb4},
		 4
	  };

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		struct world *w = world_new(hook, &off);

		CU_ASSERT_PTR_NOT_NULL_FATAL(w);
		expect(w, false, &t, 0);
		expect(w, true, &t, 0);
		world_free(&w);
	}
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"RFC 9293 3.7.1: a segment size too large for the tunnel is lowered",
		 test_clamped},
		{"everything else is left alone",								    test_left_alone},
		{"a header cut short is forwarded as it is",test_cut_short},
		{"switched off, nothing is lowered",			     test_off},
		{0								   },
	};
	const struct world_switches on = {.lma = true, .mag = true, .mss_clamp = true};
	int rc;

	for (int hook = 0; hook < PM_HOOK_MAX; hook++) {
		worlds[hook] = world_new(hook, &on);
		if (!worlds[hook])
			return 2;
	}
	rc = cu_main("mss", tests, argc, argv);
	for (int hook = 0; hook < PM_HOOK_MAX; hook++)
		world_free(&worlds[hook]);
	return rc;
}
