/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 on an access link between hostile nodes and hostile DHCPv4 servers. The input is a sequence
 * of {1 octet: what, 2 octets: length, octets}; what & 7:
 *
 *	0, 1	a node's frame; 1: its IPv4 header checksum and chaddr are made right first
 *	2	a server's datagram
 *	3	the MAG advertises: bits 3 to 6 of `what` say what
 *	4	the MAG withdraws
 *	5	time passes
 *	6, 7	a client's message with those options, else as it should be; 7: without the address
 */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "base/bytes.h"
#include "base/log.h"

#define LINK   7
#define MSG_AT 42

static const uint8_t node_mac[6] = {2, 0, 0, 0, 0, 1};

struct world {
	struct access *access;
	struct link_ops mag;
	nsec_t now;
	struct in_addr home, router, relay, server;
};

static int send_frame(void *ctx, unsigned ifindex, const void *frame, size_t len)
{
	const uint8_t *f = frame;

	if (ifindex != LINK || len < 42 || len > DHCP4_FRAME_MAX)
		abort();
	if (f[12] == 8 && f[13] == 0) {
		struct dhcp4_msg m;

		/* nothing leaves that we would not take; and never option 82 to a node */
		if (len < MSG_AT + DHCP4_MSG_MIN ||
		    dhcp4_parse(&m, f + MSG_AT, len - MSG_AT) != DHCP4_OK || !m.head.reply ||
		    m.agent.len || csum_fold(csum_add(0, f + 14, 20)))
			abort();
	}
	return 0;
}

static int to_server(void *ctx, struct in_addr server, const void *msg, size_t len)
{
	struct dhcp4_msg m;

	if (dhcp4_parse(&m, msg, len) != DHCP4_OK || m.head.reply || !m.agent.len ||
	    !m.head.giaddr.s_addr || m.head.hops < 1)
		abort();
	return 0;
}

static void random_octets(void *ctx, void *buf, size_t len)
{
	memset(buf, 0, len);
}

static int attach(void *ctx, const struct mag_attachment *at, nsec_t now)
{
	return 0;
}

static void no_log(void *ctx, enum log_class cls, const char *line)
{
}

static void advertise(struct world *w, uint8_t bits)
{
	static const struct prefix6 prefix = {
		.addr.s6_addr = {0x20, 1, 0xd, 0xb8},
		      .len = 64
	       };
	const struct link_node id = {LINK, {{2, 0, 0, 0, 0, 1}}};
	const struct link_advert ad = {
		.prefixes = &prefix,
		.n_prefixes = bits & 1,
		.valid_s = 3600,
		.preferred_s = 3600,
		.link_local = nd_rfc6543_linklocal,
		.home4 = {.addr = bits & 2 ? w->home : (struct in_addr){0},
			  .router = w->router,
			  .len = bits & 8 ? 32 : 16},
		.mtu4 = 1420,
		.dhcp_relay = bits & 4,
		.dns4 = {w->server			  },
		.n_dns4 = 1,
	};

	w->mag.advertise(w->mag.ctx, &id, &ad);
}

/* So that inputs get behind the first checks. */
static void repair(uint8_t *f, size_t len)
{
	size_t ihl;
	uint16_t sum;

	if (len < 34)
		return;
	ihl = (f[14] & 0xfu) * 4;
	if (ihl < 20 || 14 + ihl + 8 + 34 > len)
		return;
	memcpy(f + 14 + ihl + 8 + 28, f + 6, 6);
	f[24] = f[25] = 0;
	sum = csum_fold(csum_add(0, f + 14, ihl));
	f[24] = (uint8_t)(sum >> 8);
	f[25] = (uint8_t)sum;
}

static void options(struct world *w, const uint8_t *p, size_t len, bool unconfigured)
{
	uint8_t f[MSG_AT + DHCP4_HEAD_LEN + 1024], *exact;
	uint8_t *msg = f + MSG_AT;
	const struct in_addr broadcast = {INADDR_BROADCAST};
	size_t total;

	if (len > 1024)
		len = 1024;
	memset(f, 0, sizeof(f));
	memset(f, 0xff, 6);
	memcpy(f + 6, node_mac, 6);
	f[12] = 8;
	f[14] = 0x45;
	total = 28 + DHCP4_HEAD_LEN + len;
	f[16] = (uint8_t)(total >> 8);
	f[17] = (uint8_t)total;
	f[22] = 64;
	f[23] = 17;
	if (!unconfigured)
		memcpy(f + 26, &w->home, 4);
	memcpy(f + 30, unconfigured ? &broadcast : &w->router, 4);
	f[35] = 68;
	f[37] = 67;
	total -= 20;
	f[38] = (uint8_t)(total >> 8);
	f[39] = (uint8_t)total;
	msg[0] = msg[1] = 1;
	msg[2] = 6;
	if (!unconfigured)
		memcpy(msg + 12, &w->home, 4);
	memcpy(msg + 236, (const uint8_t[]){0x63, 0x82, 0x53, 0x63}, 4);
	memcpy(msg + DHCP4_HEAD_LEN, p, len);
	total = MSG_AT + DHCP4_HEAD_LEN + len;
	repair(f, total);
	exact = malloc(total);
	memcpy(exact, f, total);
	access_frame(w->access, LINK, exact, total, true, w->now);
	free(exact);
}

static void step(struct world *w, uint8_t what, uint8_t *octets, size_t len)
{
	const struct link_node id = {LINK, {{2, 0, 0, 0, 0, 1}}};

	switch (what & 7) {
	case 1:
		repair(octets, len);
		/* fall through */
	case 0:
		access_frame(w->access, LINK, octets, len, true, w->now);
		break;
	case 2:
		access_dhcp4_reply(w->access, w->server, octets, len, w->now);
		break;
	case 3:
		advertise(w, what >> 3);
		break;
	case 4:
		w->mag.withdraw(w->mag.ctx, &id, what & 8);
		break;
	case 5:
		w->now += nsec_from_ms(50u * (what >> 3));
		break;
	default:
		options(w, octets, len, what & 1);
		break;
	}
	access_tick(w->access, w->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct access_ops ops = {
		.send = send_frame, .random = random_octets, .to_dhcp4_server = to_server};
	static const struct access_triggers triggers = {.attach = attach};
	struct access_link_cfg link = {
		.ifindex = LINK, .name = "acc0", .mtu = 1500, .triggers = ACCESS_TRIGGER_ALL};
	struct world w = {
		.now = NSEC_PER_SEC,
		.home = {htonl(0x0a010007)},
		.router = {htonl(0x0a010001)},
		.relay = {htonl(0xc0000201)},
		.server = {htonl(0xc0000243)},
	};
	struct access_cfg cfg;
	struct rd r;

	log_set_sink(no_log, NULL);
	access_cfg_init(&cfg);
	if (access_new(&w.access, &cfg, &ops, NULL))
		return 0;
	access_bind(w.access, &triggers);
	w.mag = access_link_ops(w.access);
	access_dhcp4_servers(w.access, w.relay, &w.server, 1);
	access_link_put(w.access, &link);
	access_link_up(w.access, LINK, w.now);
	rd_init(&r, data, size);
	while (rd_left(&r) > 3) {
		const uint8_t what = rd_u8(&r);
		uint16_t len = rd_u16(&r);
		uint8_t *octets;

		if (len > rd_left(&r))
			len = (uint16_t)rd_left(&r);
		octets = malloc(len ? len : 1); /* of exactly that size, so that an overrun shows */
		rd_copy(&r, octets, len);
		step(&w, what, octets, len);
		free(octets);
	}
	access_free(&w.access);
	return 0;
}
