/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A TCP stream to a node in handover, as kernels handle it: merged into large packets before TC
 * sees it, with checksums that nobody has computed yet, or in frames longer than can be put back.
 * All of it must reach the node, once, in order, and as packets that are right by themselves.
 *
 * The stream comes through a tunnel into t1 while nodes' packets wait, and after that; see
 * handover.h.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/util.h"
#include "handover.h"
#include "lib/cu.h"

#define ETH	  14
#define IP6	  40
#define TCP	  20
#define INNER	  (ETH + IP6)
#define L4	  (INNER + IP6)
#define DATA	  (L4 + TCP)
#define FRAME_MAX 9100
#define STREAM	  600000 /* octets */
#define FIRST	  0xfffc0000u

/* ---- the stream */

static void put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static uint8_t letter(uint32_t i)
{
	return (uint8_t)(i * 11 + i / 253);
}

static uint32_t pseudo(const uint8_t *ip, size_t len)
{
	uint8_t b[4] = {0, IPPROTO_TCP};

	put16(b + 2, len);
	return csum_add(csum_add(0, ip + 8, 32), b, 4);
}

static void put_ip(uint8_t *at, const char *src, const char *dst, uint8_t next, size_t len)
{
	const struct in6_addr from = env_addr(src), to = env_addr(dst);

	memset(at, 0, IP6);
	at[0] = 0x60;
	put16(at + 4, len);
	at[6] = next;
	at[7] = 64;
	memcpy(at + 8, &from, sizeof(from));
	memcpy(at + 24, &to, sizeof(to));
}

/* `n` octets of the stream, from `from` on, in a tunnel packet. */
static size_t build(uint8_t *b, uint32_t from, size_t n, bool finished)
{
	const uint32_t seq = htonl(FIRST + from);

	memset(b, 0, DATA);
	memcpy(b, ho_own.b, 6);
	put16(b + 12, ETH_P_IPV6);
	put_ip(b + ETH, "2001:db8:2::1", "2001:db8:11::1", IPPROTO_IPV6, IP6 + TCP + n);
	put_ip(b + INNER, "2001:db8:c::1", "2001:db8:100:1::9", IPPROTO_TCP, TCP + n);
	put16(b + L4, 5001);
	put16(b + L4 + 2, 40000);
	memcpy(b + L4 + 4, &seq, 4);
	b[L4 + 12] = 0x50;
	b[L4 + 13] = 0x10;
	put16(b + L4 + 14, 1000);
	for (size_t i = 0; i < n; i++)
		b[DATA + i] = letter(from + (uint32_t)i);
	if (finished)
		put16(b + L4 + 16,
		      csum_fold(csum_add(pseudo(b + INNER, TCP + n), b + L4, TCP + n)));
	else
		put16(b + L4 + 16, (uint16_t)~csum_fold(pseudo(b + INNER, TCP + n)));
	return DATA + n;
}

static int sender = -1;

/* The checksum left to the device, or not. */
static void send_frame(uint8_t *b, size_t n, bool finished)
{
	struct virtio_net_hdr vnet = {.flags = finished ? 0 : VIRTIO_NET_HDR_F_NEEDS_CSUM,
				      .csum_start = finished ? 0 : L4,
				      .csum_offset = finished ? 0 : 16};
	struct iovec v[] = {
		{&vnet, sizeof(vnet)},
		       {b,	   n	    }
	     };

	while (writev(sender, v, 2) < 0) {
		CU_ASSERT_FATAL(errno == ENOBUFS || errno == EAGAIN);
		usleep(100);
	}
}

/* ---- the node */

static int ear = -1;
static uint32_t heard; /* octets of the stream, in order and right */
static uint32_t waits; /* of these, those that were sent while packets waited */
static unsigned wrong, longest;

/* What has waited is whole and finished; what has not comes as kernels hand it on. */
static void hear(const struct virtio_net_hdr *vnet, const uint8_t *b, size_t n)
{
	uint32_t seq, from;
	size_t len;

	if (n < ETH + IP6 + TCP || memcmp(b, ho_node.b, 6) || b[ETH + 6] != IPPROTO_TCP)
		return;
	memcpy(&seq, b + ETH + IP6 + 4, 4);
	from = ntohl(seq) - FIRST;
	len = get16(b + ETH + 4);
	if (n != ETH + IP6 + len || from != heard) {
		wrong++;
		return;
	}
	if (from < waits && n > longest)
		longest = (unsigned)n;
	if (from < waits || !(vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		wrong += csum_fold(csum_add(pseudo(b + ETH, len), b + ETH + IP6, len)) != 0;
	for (size_t i = 0; i < len - TCP; i++)
		wrong += b[ETH + IP6 + TCP + i] != letter(from + (uint32_t)i);
	heard = from + (uint32_t)(len - TCP);
}

static void hear_all(void)
{
	static uint8_t b[sizeof(struct virtio_net_hdr) + 70000];
	ssize_t n;

	while ((n = recv(ear, b, sizeof(b), MSG_DONTWAIT)) > (ssize_t)sizeof(struct virtio_net_hdr))
		hear((const void *)b, b + sizeof(struct virtio_net_hdr),
		     (size_t)n - sizeof(struct virtio_net_hdr));
}

/* Until that many octets have come, or a moment after nothing does. */
static void await(uint32_t octets)
{
	const nsec_t end = ho_now() + nsec_from_s(20);

	hear_all();
	while (heard < octets && ho_now() < end) {
		ho_run_for(nsec_from_ms(2));
		hear_all();
	}
	CU_ASSERT_EQUAL(heard, octets);
}

/* ---- */

static uint64_t kept_frames(enum pm_hook hook)
{
	const int n = libbpf_num_possible_cpus(), fd = env_pin(ho_dp, "pm_verdict");
	uint64_t *v = calloc((size_t)n, sizeof(*v)), sum = 0;
	uint32_t key = (uint32_t)(hook * PM_V_MAX + PM_V_BUFFER);

	CU_ASSERT_EQUAL(bpf_map_lookup_elem(fd, &key, v), 0);
	for (int i = 0; i < n; i++)
		sum += v[i];
	free(v);
	close(fd);
	return sum;
}

struct stream {
	enum dp_bpf_want want;
	enum pm_hook hook; /* that keeps it */
	size_t payload;	   /* of each packet */
	uint16_t mtu;
	bool unfinished; /* checksums */
	bool merge;
};

static void open_sockets(void)
{
	const int on = 1, room = 64 << 20;

	heard = wrong = longest = 0;
	waits = STREAM * 2 / 3;
	ear = ho_packet_socket("a1", ETH_P_IPV6);
	sender = ho_packet_socket("t1", 0);
	CU_ASSERT_EQUAL(setsockopt(sender, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
	CU_ASSERT_EQUAL(setsockopt(ear, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)), 0);
	CU_ASSERT_EQUAL(setsockopt(sender, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)), 0);
}

static void close_sockets(void)
{
	close(ear);
	close(sender);
}

/* Some of it while packets wait, and the rest while those leave. The number of frames that were
 * kept. */
static uint64_t run(const struct stream *s)
{
	const struct dp_bpf_buffer_cfg bounds = ho_bounds();
	const uint64_t before = ho_dp ? kept_frames(s->hook) : 0;
	uint8_t frame[FRAME_MAX];
	uint32_t at = 0;
	uint64_t kept;

	ho_begin(&bounds, s->want, s->mtu);
	/* a1 is to show each packet as it comes; t0 merges what a device sends that cannot segment
	 */
	env_sh(true,
	       "ethtool -K a1 gro %s; for i in t0 t1 a0 a1; do ip link set $i mtu %u; done;"
	       "ethtool -K t1 tso off; ethtool -K t0 gro %s; echo %u "
	       ">/sys/class/net/t0/gro_flush_timeout",
	       s->want == DP_BPF_XDP ? "on" : "off", s->mtu, s->merge ? "on" : "off",
	       s->merge ? 2000000 : 0);
	open_sockets();
	ho_mode(DP_BUFFER);
	while (at < STREAM) {
		const size_t n = STREAM - at < s->payload ? STREAM - at : s->payload;
		const bool switches = at < waits && at + n >= waits;

		send_frame(frame, build(frame, at, n, !s->unfinished), !s->unfinished);
		at += (uint32_t)n;
		if (switches) {
			ho_run_for(nsec_from_ms(5));
			CU_ASSERT_EQUAL(ho_buffered().handed_on, 0);
			ho_mode(DP_FORWARD);
		}
		dp_bpf_buffer(ho_dp, ho_now());
		hear_all();
	}
	await(STREAM);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(ho_buffered().handed_on, ho_buffered().kept);
	ho_run_until_drained(nsec_from_s(5));
	kept = kept_frames(s->hook) - before;
	printf("%u octets in %lu frames, %lu packets, up to %u octets ", heard, (unsigned long)kept,
	       (unsigned long)ho_buffered().kept, longest);
	close_sockets();
	return kept;
}

static void test_merged(void)
{
	const struct stream s = {
		.want = DP_BPF_TC, .hook = PM_HOOK_TC, .payload = 1200, .mtu = 1500, .merge = true};
	const uint64_t frames = run(&s);

	/* the kernel has merged many, and the node gets them as they were sent */
	CU_ASSERT(frames > 0 && frames * 3 < ho_buffered().kept);
	CU_ASSERT_EQUAL(longest, ETH + IP6 + TCP + s.payload);
	ho_end();
}

static void test_unfinished(void)
{
	static const enum dp_bpf_want want[] = {DP_BPF_XDP_GENERIC, DP_BPF_TC};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const struct stream s = {.want = want[i],
					 .hook = PM_HOOK_TC,
					 .payload = 1200,
					 .mtu = 1500,
					 .unfinished = true};

		CU_ASSERT(run(&s) > 0);
		ho_end();
	}
}

/* Longer than can be put back: TCP is cut. */
static void test_jumbo(void)
{
	static const enum dp_bpf_want want[] = {DP_BPF_XDP, DP_BPF_TC};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const struct stream s = {.want = want[i],
					 .hook = want[i] == DP_BPF_XDP ? PM_HOOK_XDP : PM_HOOK_TC,
					 .payload = 6000,
					 .mtu = 9000};
		const uint64_t frames = run(&s);

		CU_ASSERT(frames > 0 && ho_buffered().kept >= 2 * frames);
		ho_end();
	}
}

/* UDP is not: it is counted as what it is. */
static void test_jumbo_udp(void)
{
	const struct dp_bpf_buffer_cfg bounds = ho_bounds();
	uint8_t b[FRAME_MAX];
	size_t n;

	ho_begin(&bounds, DP_BPF_XDP, 9000);
	ho_mode(DP_BUFFER);
	n = build(b, 0, 3600, true);
	b[INNER + 6] = IPPROTO_UDP;
	put16(b + L4 + 4, TCP + 3600);
	open_sockets();
	send_frame(b, n, true);
	ho_run_for(nsec_from_ms(50));
	close_sockets();
	CU_ASSERT_EQUAL(ho_buffered().dropped[DP_BUFFER_NO_ROOM], 1);
	CU_ASSERT_EQUAL(ho_buffered().packets, 0);
	CU_ASSERT_EQUAL(ho_counter("no_room"), 1);
	/* and nobody is taken to wait still */
	ho_mode(DP_FORWARD);
	dp_bpf_buffer(ho_dp, ho_now());
	CU_ASSERT_FALSE(ho_buffered().draining);
	ho_end();
	ho_free();
}

int main(int argc, char **argv)
{
	// clang-format off
	static const struct cu_test tests[] = {
		{"nothing of a TCP stream that the kernel merges is lost in a handover", test_merged},
		{"checksums that were left to a device are there when TC puts back", test_unfinished},
		{"TCP in frames that are too long to be put back arrives in shorter ones", test_jumbo},
		{"UDP in such frames is counted", test_jumbo_udp},
		{0},
	};
	// clang-format on

	env_enter();
	ho_links();
	return cu_main("merged", tests, argc, argv);
}
