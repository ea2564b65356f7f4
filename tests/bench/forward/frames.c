/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/forward/frames.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/if_ether.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/forward/plan.h"
#include "bpf/dp_env.h"

#define ECHO_PORT 7

static void patch(struct frame_plan *f, struct bench_patch p)
{
	if (f->n_patches == BENCH_PATCHES)
		abort();
	f->patch[f->n_patches++] = p;
}

static void *append(struct frame_plan *f, size_t n)
{
	void *at = f->octet + f->len;

	if (f->len + n > sizeof(f->octet))
		abort();
	f->len += n;
	return at;
}

static uint64_t upper(const char *addr)
{
	const struct in6_addr a = env_addr(addr);
	uint64_t word;

	memcpy(&word, &a, sizeof(word));
	return be64toh(word);
}

/* How the numbers that are drawn become nodes: senders and receivers on links are even and odd. */
static void node_place(struct frame_plan *f, const struct bench_row *row, struct bench_patch p,
		       bool receiver)
{
	const bool local = row->way == BENCH_SHORT;

	p.mask = UINT32_MAX;
	p.shift = local;
	p.base += local && receiver;
	p.second = receiver && bench_ways[row->way].from_node;
	patch(f, p);
}

static void put_mac(uint8_t *at, const char *text)
{
	struct mac m;

	if (mac_parse(text, &m))
		abort();
	memcpy(at, m.b, sizeof(m.b));
}

static void put_eth(struct frame_plan *f, const struct bench_row *row)
{
	const enum bench_node node = bench_ways[row->way].node;
	const bool from_link = node == BENCH_MAG_UP || node == BENCH_MAG_LOCAL;
	struct ethhdr *eth = append(f, sizeof(*eth));

	put_mac(eth->h_dest, from_link ? PLAN_ROUTER_MAC : PLAN_D0_MAC);
	put_mac(eth->h_source, PLAN_PEER_MAC);
	eth->h_proto = htons(ETH_P_IPV6);
	if (!from_link)
		return;
	eth->h_source[0] = PLAN_NODE_MAC >> 8;
	eth->h_source[1] = PLAN_NODE_MAC & 0xff;
	node_place(f, row, (struct bench_patch){BENCH_BE32, ETH_ALEN + 2}, false);
}

static void put_ip6(struct frame_plan *f, const char *src, const char *dst, uint8_t next,
		    unsigned len)
{
	struct ip6_hdr *ip = append(f, sizeof(*ip));

	ip->ip6_flow = htonl(6u << 28);
	ip->ip6_plen = htons((uint16_t)len);
	ip->ip6_nxt = next;
	ip->ip6_hlim = 64;
	ip->ip6_src = env_addr(src);
	ip->ip6_dst = env_addr(dst);
}

/* From the MAG of the sender to the LMA, or from the LMA to the only MAG that is measured. */
static void put_outer(struct frame_plan *f, const struct bench_row *row, unsigned inner)
{
	const unsigned at = f->len;

	switch (row->encap) {
	case DP_ENCAP_IP:
		if (bench_ways[row->way].node != BENCH_LMA) {
			put_ip6(f, PLAN_LMAA, PLAN_PCOA, IPPROTO_IPV6, inner);
			break;
		}
		put_ip6(f, PLAN_MAG_NET "1", PLAN_LMAA, IPPROTO_IPV6, inner);
		patch(f, (struct bench_patch){BENCH_BE64, at + offsetof(struct ip6_hdr, ip6_src),
					      upper(PLAN_MAG_NET), PLAN_MAGS - 1, 0, 0});
		break;
	default:
		fprintf(stderr, "bench: no frames for this encapsulation\n");
		exit(2);
	}
}

static void put_inner(struct frame_plan *f, const struct bench_row *row, unsigned octets)
{
	const struct bench_way_info *way = &bench_ways[row->way];
	const unsigned at = f->len;
	struct bench_patch p = {BENCH_BE64, .base = upper(PLAN_NODE)};
	struct udphdr *udp;

	put_ip6(f, way->from_node ? PLAN_NODE : PLAN_CN, way->to_node ? PLAN_NODE : PLAN_CN,
		IPPROTO_UDP, octets - (unsigned)sizeof(struct ip6_hdr));
	p.at = at + offsetof(struct ip6_hdr, ip6_src);
	if (way->from_node)
		node_place(f, row, p, false);
	p.at = at + offsetof(struct ip6_hdr, ip6_dst);
	if (way->to_node)
		node_place(f, row, p, true);

	patch(f, (struct bench_patch){BENCH_RANDOM16, f->len});
	udp = append(f, sizeof(*udp));
	udp->dest = htons(ECHO_PORT);
	udp->len = htons((uint16_t)(octets - sizeof(struct ip6_hdr)));
	f->head = f->len;
	append(f, octets - (f->len - at));
}

void frame_build(struct frame_plan *f, const struct bench_row *row, const struct bench_point *at)
{
	const struct bench_way_info *way = &bench_ways[row->way];
	const unsigned overhead = bench_encap(row->encap)->octets;

	memset(f, 0, sizeof(*f));
	f->draw = row->way == BENCH_SHORT ? at->nodes / 2 : at->nodes;
	put_eth(f, row);
	if (way->tunnel_in)
		put_outer(f, row, at->octets);
	put_inner(f, row, at->octets);
	f->expected = f->len;
	if (way->tunnel_in)
		f->expected -= overhead;
	if (way->tunnel_out)
		f->expected += overhead;
}
