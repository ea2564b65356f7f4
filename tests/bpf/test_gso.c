/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that the kernel will cut into segments after our program has put them into a tunnel: real
 * ones, in by one TAP device, TC program, out by another, which takes segments only. Each segment
 * must be a tunnel packet as if it had come alone.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "combo.h"
#include "lib/cu.h"

#define SEGMENT	 600
#define SEGMENTS 3 /* the last one shorter */
#define PAYLOAD	 (2 * SEGMENT + 101)
#define ETH	 14
#define TCP	 20

static struct world *w;
static int tap_in, tap_out;
static unsigned out_ifindex;

static int make_tap(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	char cmd[200];

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr)) {
		fprintf(stderr, "cannot make %s: %s\n", name, strerror(errno));
		exit(2);
	}
	snprintf(cmd, sizeof(cmd),
		 "echo 1 >/proc/sys/net/ipv6/conf/%s/disable_ipv6; ip link set %s mtu 1600 up",
		 name, name);
	if (system(cmd))
		exit(2);
	return fd;
}

static void attach(const char *name)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts);

	hook.ifindex = (int)if_nametoindex(name);
	opts.prog_fd = world_prog_fd(w, AT_TRANSPORT);
	if (bpf_tc_hook_create(&hook) || bpf_tc_attach(&hook, &opts)) {
		fprintf(stderr, "cannot attach to %s: %s\n", name, strerror(errno));
		exit(2);
	}
}

static void put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Sum over the pseudo header of the TCP segment in `ip`, `len` octets of it. */
static uint16_t pseudo(const uint8_t *ip, bool four, size_t len)
{
	uint8_t b[40] = {0};
	size_t n = four ? 8 : 32;

	memcpy(b, ip + (four ? 12 : 8), n);
	put16(b + n, (unsigned)len);
	b[n + 3] = 6;
	return frame_sum(b, n + 4);
}

/* One large TCP packet, its checksum still to be completed. */
static void send_large(const struct spec *s, bool four)
{
	struct virtio_net_hdr vnet = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				      .gso_type = four ? VIRTIO_NET_HDR_GSO_TCPV4
						       : VIRTIO_NET_HDR_GSO_TCPV6,
				      .gso_size = SEGMENT};
	const size_t l4 = ETH + (four ? 20 : 40);
	uint8_t buffer[sizeof(vnet) + FRAME_MAX];
	struct frame f;

	frame_build(&f, s);
	memcpy(f.b + l4 + 4, "\0\0\x10\0\0\0\0\1\x50\x10\x20\0\0\0\0\0", 16);
	put16(f.b + l4 + 16, pseudo(f.b + ETH, four, f.n - l4));
	vnet.hdr_len = (uint16_t)(l4 + TCP);
	vnet.csum_start = (uint16_t)l4;
	vnet.csum_offset = 16;
	memcpy(buffer, &vnet, sizeof(vnet));
	memcpy(buffer + sizeof(vnet), f.b, f.n);
	CU_ASSERT_EQUAL(write(tap_in, buffer, sizeof(vnet) + f.n), (ssize_t)(sizeof(vnet) + f.n));
}

/* The next frame that left; false: none within a moment. */
static bool receive(struct frame *f, int ms)
{
	struct pollfd p = {.fd = tap_out, .events = POLLIN};
	struct virtio_net_hdr vnet;
	uint8_t buffer[sizeof(vnet) + FRAME_MAX];
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return false;
	n = read(tap_out, buffer, sizeof(buffer));
	if (n < (ssize_t)sizeof(vnet))
		return false;
	memcpy(&vnet, buffer, sizeof(vnet));
	CU_ASSERT_EQUAL(vnet.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	f->n = (size_t)n - sizeof(vnet);
	memcpy(f->b, buffer + sizeof(vnet), f->n);
	return true;
}

/* Identifications may be counted up by the kernel, so checksums over them are only verified. */
static void check_ip4(uint8_t *got, const uint8_t *want)
{
	CU_ASSERT_EQUAL(frame_sum(got, 20), 0xffff);
	memcpy(got + 4, want + 4, 2);
	memcpy(got + 10, want + 10, 2);
}

static void check_segment(const struct row *r, const struct combo *c, struct frame *got, unsigned i)
{
	const size_t data = i + 1 < SEGMENTS ? SEGMENT : PAYLOAD - (SEGMENTS - 1) * SEGMENT;
	const size_t head = c->four ? 20 : 40, inner = frame_inner_at(&r->out), l4 = inner + head;
	const bool four = kinds[c->k].four;
	struct spec s = r->out;
	struct frame want, whole;
	uint32_t sum;

	frame_build(&whole, &r->in);
	s.len = (uint16_t)(head + TCP + data);
	frame_build(&want, &s);
	CU_ASSERT_EQUAL_FATAL(got->n, want.n);
	if (four)
		check_ip4(got->b + ETH, want.b + ETH);
	if (c->four)
		check_ip4(got->b + inner, want.b + inner);
	if (!four) /* flow label */
		memcpy(want.b + ETH + 1, got->b + ETH + 1, 3);
	else if (kinds[c->k].shim >= SHIM_UDP)
		memcpy(want.b + ETH + 20, got->b + ETH + 20, 2);
	CU_ASSERT_EQUAL(want.b[ETH + 1] & 0xf0, got->b[ETH + 1] & 0xf0);
	CU_ASSERT(!memcmp(got->b, want.b, l4 + 4));
	CU_ASSERT_EQUAL(get32(got->b + l4 + 4), 0x1000 + i * SEGMENT);
	sum = pseudo(got->b + inner, c->four, TCP + data) + frame_sum(got->b + l4, TCP + data);
	CU_ASSERT_EQUAL((sum & 0xffff) + (sum >> 16), 0xffff);
	CU_ASSERT(
		!memcmp(got->b + l4 + TCP, whole.b + ETH + head + TCP + (size_t)i * SEGMENT, data));
}

static void large(const struct combo *c)
{
	const uint32_t index = TUN_K_MAG + c->k;
	struct pm_tunnel t = world_tunnel(w, index);
	struct row r = combo_row(c);
	struct pm_session before;
	struct frame got;

	if (c->dir != LMA_DOWN)
		return;
	t.ifindex = out_ifindex;
	world_set_tunnel(w, index, &t);
	before = *world_session(w, r.down);
	r.in.nh = r.out.nh = 6;
	r.in.tc = r.out.tc = r.out.otc = 0x2a;
	r.in.df = r.out.df = 1;
	r.in.len = (uint16_t)((c->four ? 20 : 40) + TCP + PAYLOAD);
	send_large(&r.in, c->four);
	if (kinds[c->k].shim >= SHIM_TLV) {
		CU_ASSERT(!receive(&got, 20)); /* counted as `gso` */
		CU_ASSERT_EQUAL(world_session(w, r.down)->down_packets, before.down_packets);
		return;
	}
	for (unsigned i = 0; i < SEGMENTS; i++) {
		bool came = receive(&got, 1000);

		if (!came)
			fprintf(stderr, "  ^ %ssegment %u does not come\n", combo_name(c, "%s", ""),
				i);
		CU_ASSERT(came);
		if (came)
			check_segment(&r, c, &got, i);
	}
	CU_ASSERT(!receive(&got, 5));
	CU_ASSERT_EQUAL(world_session(w, r.down)->down_packets - before.down_packets, SEGMENTS);
	CU_ASSERT_EQUAL(world_session(w, r.down)->down_bytes - before.down_bytes,
			SEGMENTS * ((c->four ? 20u : 40u) + TCP) + PAYLOAD);
}

static void test_large(void)
{
	combo_each(large);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"large packets leave in segments, each a tunnel packet of its own", test_large},
		{0								 },
	};
	int rc;

	w = world_new(PM_HOOK_TC, NULL);
	if (!w)
		return 2;
	tap_in = make_tap("gso0");
	tap_out = make_tap("gso1");
	out_ifindex = if_nametoindex("gso1");
	attach("gso0");
	rc = cu_main("segmentation", tests, argc, argv);
	close(tap_in);
	close(tap_out);
	world_free(&w);
	return rc;
}
