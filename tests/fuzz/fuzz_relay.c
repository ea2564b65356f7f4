/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors about tunnel packets, and what is inside of these. The first octet says the family,
 * the rest is the message; an IPv4 one gets its checksum, so that mutation gets past it.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "net/icmp_relay.h"

static void check(bool v4, const uint8_t *msg, size_t len)
{
	uint8_t out[ICMP_RELAY_PACKET_MAX];
	struct in6_addr remote;
	struct icmp_relay r, again;
	struct ip_head h;
	size_t n;

	icmp_relay_too_big(v4, msg, len, &remote);
	if (icmp_relay_read(&r, v4, msg, len) != ICMP_RELAY_OK)
		return;
	if (r.quote < msg || r.quote + r.quote_len > msg + len || r.quote_len > r.inner.len)
		abort();
	if (r.kind == ICMP_RELAY_TOO_BIG &&
	    (r.mtu >= r.inner.len || r.mtu < (r.inner.v4 ? 68 : 1280)))
		abort();
	n = icmp_relay_write(&r, &r.inner.dst, out);
	if (n > sizeof(out) || !ip_head_read(&h, out, n) || h.len != n || h.v4 != r.inner.v4)
		abort();
	/* what we send is an error; none is sent about it */
	if (icmp_relay_read(&again, h.v4, out + h.hlen, n - h.hlen) == ICMP_RELAY_OK &&
	    again.quote_len >= r.quote_len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct encap_inside in;
	uint8_t *msg;
	bool v4;

	if (size < 9 || size > 4096)
		return 0;
	v4 = data[0] & 1;
	encap_look(&in, v4, data[1], data + 2, size - 2, size - 2);
	msg = malloc(size - 1);
	if (!msg)
		return 0;
	memcpy(msg, data + 1, size - 1);
	if (v4) {
		uint16_t sum;

		msg[2] = msg[3] = 0;
		sum = csum_fold(csum_add(0, msg, size - 1));
		msg[2] = (uint8_t)(sum >> 8);
		msg[3] = (uint8_t)sum;
	}
	check(v4, msg, size - 1);
	free(msg);
	return 0;
}
