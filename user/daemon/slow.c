/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fast path cannot do, with the kernel's own stack:
 *
 *	programs -> fragment -> tunnel socket		packets that only fit in fragments
 *	tunnel socket -> dp_bpf_receive -> programs	packets that came in fragments
 *	ICMP socket -> relay -> programs or kernel	errors from inside a tunnel, RFC 2473 8
 *	ICMP socket -> next hops			path MTU
 */
#include <arpa/inet.h>

#include "daemon/daemon.h"

/* RFC 4443 2.4 (f): errors, per second and at once. */
#define RELAY_RATE  100
#define RELAY_BURST 100

void slow_fragment(void *ctx, const struct dp_bpf_fragment *f)
{
	struct daemon *d = ctx;

	tunnel_sock_send(d->ends, f->peer, nl_vrf_of_addr(d->nl, &f->peer->local), f->key, f->class,
			 f->data, f->len);
}

static void on_tunnelled(void *ctx, const struct tunnel_rx *rx, nsec_t now)
{
	struct daemon *d = ctx;

	dp_bpf_receive(d->dp, &(const struct dp_bpf_tunnelled){.src = rx->src,
							       .dst = rx->dst,
							       .ifindex = rx->ifindex,
							       .proto = rx->proto,
							       .class = rx->class,
							       .port = rx->port,
							       .data = rx->data,
							       .len = rx->len});
}

/* ---- ICMP errors */

static bool rate_ok(struct daemon *d, nsec_t now)
{
	const nsec_t cost = NSEC_PER_SEC / RELAY_RATE;

	if (d->relays_spent_until < now)
		d->relays_spent_until = now;
	if (d->relays_spent_until >= now + cost * RELAY_BURST)
		return false;
	d->relays_spent_until += cost;
	return true;
}

/* RFC 2473 8.2, 8.3: the error comes from our end of the tunnel, or from another address of ours
 * where that is of the other family. */
static bool source(const struct daemon *d, const struct icmp_relay *r, struct in6_addr *src)
{
	const bool outer_v4 = addr_is_ip4(&r->peer.local);

	if (outer_v4 == r->inner.v4) {
		*src = r->peer.local;
		return true;
	}
	if (r->inner.v4) {
		*src = addr_from_ip4(
			(struct in_addr){htonl(0xc0000008)}); /* 192.0.0.8, RFC 7600 4.8 */
		return true;
	}
	*src = d->own_ip6;
	return !addr6_is_zero(src);
}

static enum icmp_relay_verdict relay(struct daemon *d, bool v4, const uint8_t *msg, size_t len,
				     nsec_t now)
{
	enum icmp_relay_verdict verdict;
	uint8_t packet[ICMP_RELAY_PACKET_MAX];
	struct dp_bpf_quote q;
	struct icmp_relay r;
	struct in6_addr src;
	size_t n;

	verdict = icmp_relay_read(&r, v4, msg, len);
	if (verdict != ICMP_RELAY_OK)
		return verdict;
	if (!rate_ok(d, now))
		return ICMP_RELAY_RATE;
	if (!source(d, &r, &src))
		return ICMP_RELAY_FAILED;
	n = icmp_relay_write(&r, &src, packet);
	q = (struct dp_bpf_quote){
		.peer = r.peer, .key = r.key, .src = r.inner.src, .dst = r.inner.dst};
	switch (dp_bpf_tell(d->dp, &q, packet, n)) {
	case DP_BPF_TOLD:
		return ICMP_RELAY_OK;
	case DP_BPF_NO_NODE:
		return icmp_sock_send(d->icmp, nl_vrf_of_addr(d->nl, &r.peer.local), packet, n)
			       ? ICMP_RELAY_FAILED
			       : ICMP_RELAY_OK;
	case DP_BPF_STRANGER:
		return ICMP_RELAY_STRANGER;
	case DP_BPF_NOT_TOLD:
		break;
	}
	return ICMP_RELAY_FAILED;
}

static void on_error(void *ctx, bool v4, const uint8_t *msg, size_t len, nsec_t now)
{
	struct daemon *d = ctx;
	struct in6_addr remote;

	if (icmp_relay_too_big(v4, msg, len, &remote))
		nexthops_path_changed(d->hops, &remote, now);
	d->relayed[relay(d, v4, msg, len, now)]++;
}

/* ---- start and stop */

int slow_start(struct daemon *d, const char **why)
{
	int rc = tunnel_sock_new(&d->ends, on_tunnelled, d);

	*why = "sockets for fragments";
	if (rc)
		return rc;
	*why = "ICMP sockets";
	return icmp_sock_new(&d->icmp, on_error, d);
}

void slow_stop(struct daemon *d)
{
	tunnel_sock_free(&d->ends);
	icmp_sock_free(&d->icmp);
}
