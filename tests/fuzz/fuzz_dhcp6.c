/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The DHCPv6 relay agent between hostile nodes and hostile servers. The input is a sequence of
 * {1 octet: what, 2 octets: length, octets}; what & 1: a server's datagram, else a node's frame.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "access/dhcp6_relay.h"
#include "access/nd.h"
#include "base/bytes.h"
#include "base/log.h"

static struct dhcp6_memory memory;

static bool find(void *ctx, const struct link_node *id, struct dhcp6_node *out)
{
	if (id->ifindex != 7 || id->mac.b[0] != 2)
		return false;
	*out = (struct dhcp6_node){
		.ifname = "acc0",
		.mtu = 1500,
		.gateway_mac = nd_rfc6543_mac,
		.gateway_ll = nd_rfc6543_linklocal,
		.hnp = {.addr.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0x01, 0, 0, 1}, .len = 64},
		.memory = &memory,
	};
	return true;
}

static unsigned ifindex(void *ctx, const char *ifname)
{
	return strcmp(ifname, "acc0") == 0 ? 7 : 0;
}

static int to_server(void *ctx, const struct in6_addr *server, const void *msg, size_t len)
{
	/* a Relay-forward of hop count 0, which fits a packet or two */
	if (len < 34 || len > DHCP6_FORW_MAX || memcmp(msg, "\14\0", 2) != 0)
		abort();
	return 0;
}

static int to_link(void *ctx, unsigned link, const void *frame, size_t len)
{
	if (len < 62 + 4 || len > DHCP6_FRAME_MAX || *(const uint8_t *)frame & 1)
		abort();
	return 0;
}

static void no_log(void *ctx, enum log_class cls, const char *line)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dhcp6_relay_ops ops = {NULL, find, ifindex, to_server, to_link};
	static const struct in6_addr server = {
		.s6_addr = {0x20, 0x01, [15] = 1}
	 };
	nsec_t now = NSEC_PER_SEC;
	struct dhcp6_relay *relay;
	struct rd r;

	log_set_sink(no_log, NULL);
	memset(&memory, 0, sizeof(memory));
	if (dhcp6_relay_new(&relay, &ops))
		return 0;
	dhcp6_relay_servers(relay, &server, 1);
	rd_init(&r, data, size);
	while (rd_left(&r) > 3) {
		const uint8_t what = rd_u8(&r);
		uint16_t len = rd_u16(&r);
		uint8_t *octets;

		if (len > rd_left(&r))
			len = (uint16_t)rd_left(&r);
		octets = malloc(len ? len : 1); /* of exactly that size, so that an overrun shows */
		rd_copy(&r, octets, len);
		if (what & 1) {
			dhcp6_relay_reply(relay, &server, octets, len, now);
		} else {
			struct dhcp6_request q;

			dhcp6_parse_request(&q, octets, len, false);
			if (dhcp6_is_request(octets, len))
				dhcp6_relay_frame(relay, 7, octets, len, true, now);
		}
		free(octets);
		now += nsec_from_ms(what);
	}
	dhcp6_relay_free(&relay);
	return 0;
}
