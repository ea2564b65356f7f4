/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/forward/frames.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/forward/plan.h"
#include "bpf/dp_env.h"

#define ECHO_PORT 7
#define DATA_PORT 5437 /* RFC 5844 4 */

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

static uint16_t frame_ethertype(const struct bench_row *row)
{
	if (bench_ways[row->way].tunnel_in)
		return row->carrier == BENCH_OVER4 ? ETH_P_IP : ETH_P_IPV6;
	return row->payload == BENCH_IP4 ? ETH_P_IP : ETH_P_IPV6;
}

static void put_eth(struct frame_plan *f, const struct bench_row *row)
{
	const enum bench_node node = bench_ways[row->way].node;
	const bool from_link = node == BENCH_MAG_UP || node == BENCH_MAG_LOCAL;
	struct ethhdr *eth = append(f, sizeof(*eth));

	put_mac(eth->h_dest, from_link ? PLAN_ROUTER_MAC : PLAN_D0_MAC);
	put_mac(eth->h_source, PLAN_PEER_MAC);
	eth->h_proto = htons(frame_ethertype(row));
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

static void put_ip4(struct frame_plan *f, const char *src, const char *dst, uint8_t next,
		    unsigned len)
{
	struct iphdr *ip = append(f, sizeof(*ip));

	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = htons((uint16_t)(sizeof(*ip) + len));
	ip->frag_off = htons(IP_DF);
	ip->ttl = 64;
	ip->protocol = next;
	ip->saddr = inet_addr(src);
	ip->daddr = inet_addr(dst);
}

/* The outer IP header: from the MAG of the sender to the LMA, or from the LMA to the only MAG that
 * is measured. `len` is what follows it. */
static void put_carrier(struct frame_plan *f, const struct bench_row *row, uint8_t next,
			unsigned len)
{
	const bool to_lma = bench_ways[row->way].node == BENCH_LMA;
	const unsigned at = f->len;
	struct bench_patch mag = {.mask = PLAN_MAGS - 1};

	if (row->carrier == BENCH_OVER4) {
		put_ip4(f, to_lma ? PLAN_MAG4 : PLAN_LMAA4, to_lma ? PLAN_LMAA4 : PLAN_PCOA4, next,
			len);
		mag.kind = BENCH_BE32;
		mag.at = at + offsetof(struct iphdr, saddr);
		mag.base = ntohl(inet_addr(PLAN_MAG4));
	} else {
		put_ip6(f, to_lma ? PLAN_MAG_NET "1" : PLAN_LMAA, to_lma ? PLAN_LMAA : PLAN_PCOA,
			next, len);
		mag.kind = BENCH_BE64;
		mag.at = at + offsetof(struct ip6_hdr, ip6_src);
		mag.base = upper(PLAN_MAG_NET);
	}
	if (to_lma)
		patch(f, mag);
	if (row->carrier == BENCH_OVER4)
		patch(f, (struct bench_patch){BENCH_IP4_SUM, at});
}

static void put32(struct frame_plan *f, uint32_t word)
{
	*(uint32_t *)append(f, sizeof(word)) = htonl(word);
}

static void put_udp(struct frame_plan *f, uint16_t port, unsigned len)
{
	struct udphdr *udp;

	patch(f, (struct bench_patch){BENCH_RANDOM16, f->len});
	udp = append(f, sizeof(*udp));
	udp->dest = htons(port);
	udp->len = htons((uint16_t)(sizeof(*udp) + len));
}

/* RFC 2784, RFC 2890; a keyed packet has the key that the receiver chose for the sender's session.
 */
static void put_gre(struct frame_plan *f, const struct bench_row *row, uint32_t key, bool keyed)
{
	put32(f, (keyed ? 0x20000000u : 0) | (row->payload == BENCH_IP4 ? ETH_P_IP : ETH_P_IPV6));
	if (!keyed)
		return;
	patch(f, (struct bench_patch){BENCH_BE32, f->len, key, UINT32_MAX});
	put32(f, 0);
}

/* The TLV header of RFC 5845 7.2. */
static void put_tlv(struct frame_plan *f, uint8_t next, unsigned len)
{
	put32(f, (uint32_t)next << 16 | len);
}

static void put_outer(struct frame_plan *f, const struct bench_row *row, uint32_t key,
		      unsigned inner)
{
	const uint8_t ip = row->payload == BENCH_IP4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	const unsigned shim = bench_encap_octets(row) - (row->carrier == BENCH_OVER4 ? 20 : 40);
	const bool keyed = dp_encap_keyed(row->encap);

	switch (row->encap) {
	case DP_ENCAP_IP:
		put_carrier(f, row, ip, inner);
		break;
	case DP_ENCAP_GRE:
	case DP_ENCAP_GRE_KEY:
		put_carrier(f, row, IPPROTO_GRE, shim + inner);
		put_gre(f, row, key, keyed);
		break;
	case DP_ENCAP_UDP:
	case DP_ENCAP_UDP_TLV:
		put_carrier(f, row, IPPROTO_UDP, shim + inner);
		put_udp(f, DATA_PORT, shim - 8 + inner);
		if (row->encap == DP_ENCAP_UDP_TLV)
			put_tlv(f, ip, inner);
		break;
	case DP_ENCAP_UDP_GRE:
	case DP_ENCAP_UDP_GRE_KEY:
		put_carrier(f, row, IPPROTO_UDP, shim + inner);
		put_udp(f, DATA_PORT, shim - 8 + inner);
		put_tlv(f, IPPROTO_GRE, shim - 12 + inner);
		put_gre(f, row, key, keyed);
		break;
	default:
		abort();
	}
}

static void put_inner6(struct frame_plan *f, const struct bench_row *row, unsigned len)
{
	const struct bench_way_info *way = &bench_ways[row->way];
	const unsigned at = f->len;
	struct bench_patch p = {BENCH_BE64, .base = upper(PLAN_NODE)};

	put_ip6(f, way->from_node ? PLAN_NODE : PLAN_CN, way->to_node ? PLAN_NODE : PLAN_CN,
		IPPROTO_UDP, len);
	p.at = at + offsetof(struct ip6_hdr, ip6_src);
	if (way->from_node)
		node_place(f, row, p, false);
	p.at = at + offsetof(struct ip6_hdr, ip6_dst);
	if (way->to_node)
		node_place(f, row, p, true);
}

static void put_inner4(struct frame_plan *f, const struct bench_row *row, unsigned len)
{
	const struct bench_way_info *way = &bench_ways[row->way];
	const unsigned at = f->len;
	struct bench_patch p = {BENCH_BE32, .base = ntohl(inet_addr(PLAN_NODE4))};

	put_ip4(f, way->from_node ? PLAN_NODE4 : PLAN_CN4, way->to_node ? PLAN_NODE4 : PLAN_CN4,
		IPPROTO_UDP, len);
	p.at = at + offsetof(struct iphdr, saddr);
	if (way->from_node)
		node_place(f, row, p, false);
	p.at = at + offsetof(struct iphdr, daddr);
	if (way->to_node)
		node_place(f, row, p, true);
	patch(f, (struct bench_patch){BENCH_IP4_SUM, at});
}

static void put_inner(struct frame_plan *f, const struct bench_row *row, unsigned octets)
{
	const unsigned head =
		row->payload == BENCH_IP4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	const unsigned at = f->len;

	if (row->payload == BENCH_IP4)
		put_inner4(f, row, octets - head);
	else
		put_inner6(f, row, octets - head);
	put_udp(f, ECHO_PORT, octets - head - (unsigned)sizeof(struct udphdr));
	f->head = f->len;
	append(f, octets - (f->len - at));
}

void frame_build(struct frame_plan *f, const struct bench_row *row, const struct bench_point *at,
		 uint32_t key)
{
	const struct bench_way_info *way = &bench_ways[row->way];
	const unsigned overhead = bench_encap_octets(row);

	memset(f, 0, sizeof(*f));
	f->draw = row->way == BENCH_SHORT ? at->nodes / 2 : at->nodes;
	put_eth(f, row);
	if (way->tunnel_in)
		put_outer(f, row, key, at->octets);
	put_inner(f, row, at->octets);
	f->expected = f->len;
	if (way->tunnel_in)
		f->expected -= overhead;
	if (way->tunnel_out)
		f->expected += overhead;
}
