/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames from an access link: the parser, and the Trigger Handler behind it. The input is a
 * sequence of {1 octet: what to do, 2 octets: length, frame}; the frame is given both as it is and
 * to the whole of access/ without the checksum, so that mutation gets past it.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "base/bytes.h"
#include "base/log.h"

#define LINK 7u

static int send_frame(void *ctx, unsigned ifindex, const void *frame, size_t len)
{
	struct nd_msg m;

	/* whatever is sent must be readable, except for echo requests */
	if (nd_parse(&m, frame, len, false) != ND_OK && ((const uint8_t *)frame)[54] != 128)
		abort();
	return 0;
}

static void fixed_random(void *ctx, void *buf, size_t len)
{
	memset(buf, 0x42, len);
}

static struct access *under_test;

static int attach(void *ctx, const struct mag_attachment *a, nsec_t now)
{
	struct link_ops ops = access_link_ops(under_test);
	struct prefix6 p = {
		.len = 64, .addr.s6_addr = {0x20, 0x01, 0x0d, 0xb8}
	   };
	struct link_advert ad = {&p, 1, 3600, 1800, 1460, nd_rfc6543_linklocal};

	if (a->node.mac.b[5] & 1)
		return -1;
	if (a->node.mac.b[5] & 2)
		ops.advertise(ops.ctx, &a->node, &ad);
	return 0;
}

static int detach(void *ctx, const struct link_node *n, const char *cause, nsec_t now)
{
	struct link_ops ops = access_link_ops(under_test);

	ops.withdraw(ops.ctx, n, true);
	return 0;
}

static unsigned detach_link(void *ctx, unsigned ifindex, const char *cause, nsec_t now)
{
	return 0;
}

static void confirmed(void *ctx, const struct link_node *n, nsec_t now)
{
}

static void no_log(void *ctx, enum log_class cls, const char *line)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct access_ops ops = {.send = send_frame, .random = fixed_random};
	static const struct access_triggers triggers = {NULL, attach, detach, detach_link,
							confirmed};
	struct access_link_cfg link = {
		.ifindex = LINK,
		.name = "acc0",
		.mtu = 1500,
		.probe_interval_ms = 1000,
		.probe_count = 3,
		.triggers = ACCESS_TRIGGER_ALL,
	};
	nsec_t now = NSEC_PER_SEC;
	struct access_cfg cfg;
	struct rd r;

	log_set_sink(no_log, NULL);
	access_cfg_init(&cfg);
	cfg.max_nodes = 8;
	if (access_new(&under_test, &cfg, &ops, NULL))
		return 0;
	access_bind(under_test, &triggers);
	link.point_to_point = size & 1;
	access_link_put(under_test, &link);
	access_link_up(under_test, LINK, now);

	rd_init(&r, data, size);
	while (rd_left(&r) > 3) {
		uint8_t what = rd_u8(&r);
		uint16_t len = rd_u16(&r);
		struct link_node node = {.ifindex = LINK};
		uint8_t *frame;
		struct nd_msg m;

		if (len > rd_left(&r))
			len = rd_left(&r);
		frame = malloc(len ? len : 1); /* of exactly that size, so that an overrun shows */
		rd_copy(&r, frame, len);
		nd_parse(&m, frame, len, false);
		access_frame(under_test, LINK, frame, len, true, now);
		if (len >= 12)
			memcpy(node.mac.b, frame + 6, 6);
		free(frame);
		now += nsec_from_ms(what * 16);
		if (what & 1)
			access_tick(under_test, now);
		if (what & 2)
			access_fdb_gone(under_test, LINK, &node.mac, now);
		if (what & 4)
			access_confirm(under_test, &node, now);
		if (what & 8)
			access_detach(under_test, &node, "control", now);
		if (what == 0xf0)
			access_link_down(under_test, LINK, now);
		if (what == 0xf1)
			access_link_up(under_test, LINK, now);
	}
	access_free(&under_test);
	return 0;
}
