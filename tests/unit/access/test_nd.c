/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/cu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access/nd.h"
#include "base/util.h"
#include "unit/access/frames.h"

#define ICMP_AT 54

static const struct mac node = {
	{0x02, 0, 0, 0, 0, 0x01}
};
static struct in6_addr node_ll;

static enum nd_verdict parse_hex(const char *hex, struct nd_msg *m)
{
	uint8_t buf[ND_FRAME_MAX];

	return nd_parse(m, buf, frame_from_hex(hex, buf, sizeof(buf)), false);
}

static void check_built(int len, const uint8_t *buf, const char *hex)
{
	uint8_t want[ND_FRAME_MAX];
	size_t n = frame_from_hex(hex, want, sizeof(want));

	CU_ASSERT_EQUAL(len, (int)n);
	CU_ASSERT(len > 0 && !memcmp(buf, want, n));
}

static void test_build_ra(void)
{
	struct prefix6 p[2];
	uint8_t buf[ND_FRAME_MAX];
	struct nd_ra ra = {
		.cur_hop_limit = 64,
		.router_lifetime = 1800,
		.slla = nd_rfc6543_mac,
		.mtu = 1460,
		.n_prefixes = 1,
		.prefixes = p,
		.valid = 3600,
		.preferred = 1800,
	};
	int len;

	CU_ASSERT_EQUAL(prefix6_parse("2001:db8:100:1::/64", &p[0]), 0);
	CU_ASSERT_EQUAL(prefix6_parse("2001:db8:100:2::/64", &p[1]), 0);
	len = nd_build_ra(buf, sizeof(buf), &nd_rfc6543_mac, &node, &nd_rfc6543_linklocal, &ra);
	check_built(len, buf, FRAME_RA);

	ra.managed = ra.other = true;
	ra.router_lifetime = 0;
	ra.mtu = 0;
	ra.n_prefixes = 2;
	ra.valid = ra.preferred = 0;
	len = nd_build_ra(buf, sizeof(buf), &nd_rfc6543_mac, &node, &nd_rfc6543_linklocal, &ra);
	check_built(len, buf, FRAME_RA_FINAL);
	CU_ASSERT_EQUAL(nd_build_ra(buf, (size_t)len - 1, &nd_rfc6543_mac, &node,
				    &nd_rfc6543_linklocal, &ra),
			-EMSGSIZE);
}

static void test_build_others(void)
{
	uint8_t buf[ND_FRAME_MAX];

	check_built(nd_build_probe(buf, sizeof(buf), &nd_rfc6543_mac, &node, &nd_rfc6543_linklocal,
				   &node_ll),
		    buf, FRAME_PROBE);
	check_built(
		nd_build_defence(buf, sizeof(buf), &nd_rfc6543_mac, &node, &nd_rfc6543_linklocal),
		buf, FRAME_DEFENCE);
	check_built(nd_build_echo(buf, sizeof(buf), &nd_rfc6543_mac, &node, &nd_rfc6543_linklocal,
				  0x5213, 7),
		    buf, FRAME_ECHO);
	CU_ASSERT_EQUAL(nd_build_echo(buf, 20, &nd_rfc6543_mac, &node, &nd_rfc6543_linklocal, 1, 1),
			-EMSGSIZE);
}

static void test_parse_fields(void)
{
	struct nd_msg m;

	CU_ASSERT_EQUAL(parse_hex(FRAME_RS, &m), ND_OK);
	CU_ASSERT_EQUAL(m.kind, ND_RS);
	CU_ASSERT(mac_eq(&m.eth_src, &node));
	CU_ASSERT(addr6_eq(&m.src, &node_ll));
	CU_ASSERT(m.has_lladdr && mac_eq(&m.lladdr, &node));

	CU_ASSERT_EQUAL(parse_hex(FRAME_RS_UNSPECIFIED, &m), ND_OK);
	CU_ASSERT(addr6_is_zero(&m.src));
	CU_ASSERT_FALSE(m.has_lladdr);

	CU_ASSERT_EQUAL(parse_hex(FRAME_DAD, &m), ND_OK);
	CU_ASSERT_EQUAL(m.kind, ND_NS);
	CU_ASSERT(addr6_is_zero(&m.src));
	CU_ASSERT(addr6_eq(&m.target, &node_ll));

	CU_ASSERT_EQUAL(parse_hex(FRAME_NS, &m), ND_OK);
	CU_ASSERT(addr6_eq(&m.target, &nd_rfc6543_linklocal));
	CU_ASSERT(m.has_lladdr);

	CU_ASSERT_EQUAL(parse_hex(FRAME_NA, &m), ND_OK);
	CU_ASSERT_EQUAL(m.kind, ND_NA);
	CU_ASSERT(!m.na_router && m.na_solicited && m.na_override);
	CU_ASSERT(m.has_lladdr && mac_eq(&m.lladdr, &node));

	CU_ASSERT_EQUAL(parse_hex(FRAME_RA_ROGUE, &m), ND_OK);
	CU_ASSERT_EQUAL(m.kind, ND_RA);
	CU_ASSERT_EQUAL(parse_hex(FRAME_MLD2, &m), ND_OK);
	CU_ASSERT_EQUAL(m.kind, ND_MLD_REPORT);
	CU_ASSERT_EQUAL(parse_hex(FRAME_MLD1, &m), ND_OK);
	CU_ASSERT_EQUAL(m.kind, ND_MLD_REPORT);
	CU_ASSERT_EQUAL(parse_hex(FRAME_MLD_DONE, &m), ND_OK);
	CU_ASSERT_EQUAL(m.kind, ND_MLD_DONE);
	CU_ASSERT_EQUAL(parse_hex(FRAME_ECHO_REPLY, &m), ND_OK);
	CU_ASSERT_EQUAL(m.kind, ND_ECHO_REPLY);
	CU_ASSERT(m.echo_id == 0x5213 && m.echo_seq == 7);
}

static void test_parse_what_is_built(void)
{
	struct nd_msg m;

	CU_ASSERT_EQUAL(parse_hex(FRAME_RA, &m), ND_OK);
	CU_ASSERT_EQUAL(m.kind, ND_RA);
	CU_ASSERT(mac_eq(&m.eth_dst, &node)); /* RFC 6085: multicast packet, unicast frame */
	CU_ASSERT(addr6_eq(&m.dst, &nd_all_nodes));
	CU_ASSERT_EQUAL(parse_hex(FRAME_DEFENCE, &m), ND_OK);
	CU_ASSERT(m.na_router && !m.na_solicited && m.na_override);
	CU_ASSERT(addr6_eq(&m.src, &m.target));
	CU_ASSERT_EQUAL(parse_hex(FRAME_PROBE, &m), ND_OK);
	CU_ASSERT(addr6_eq(&m.dst, &m.target));
}

/* A frame to be damaged: changes are followed by a fresh checksum unless that is the damage. */
struct draft {
	uint8_t b[ND_FRAME_MAX];
	size_t len;
};

static struct draft draft(const char *hex)
{
	struct draft d;

	d.len = frame_from_hex(hex, d.b, sizeof(d.b));
	return d;
}

static void sign(struct draft *d)
{
	struct in6_addr src, dst;
	uint16_t sum;

	memcpy(&src, d->b + 22, 16);
	memcpy(&dst, d->b + 38, 16);
	d->b[18] = (uint8_t)((d->len - ICMP_AT) >> 8);
	d->b[19] = (uint8_t)(d->len - ICMP_AT);
	d->b[ICMP_AT + 2] = d->b[ICMP_AT + 3] = 0;
	sum = nd_checksum(&src, &dst, d->b + ICMP_AT, d->len - ICMP_AT);
	d->b[ICMP_AT + 2] = (uint8_t)(sum >> 8);
	d->b[ICMP_AT + 3] = (uint8_t)sum;
}

static enum nd_verdict verdict(struct draft *d, bool resign)
{
	struct nd_msg m;

	if (resign)
		sign(d);
	return nd_parse(&m, d->b, d->len, false);
}

static void test_rfc4861_checks(void)
{
	struct draft d;
	struct nd_msg m;

	d = draft(FRAME_RS);
	d.b[21] = 254;
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_HOP_LIMIT);
	d = draft(FRAME_MLD2);
	d.b[21] = 2;
	CU_ASSERT_EQUAL(verdict(&d, false), ND_BAD_HOP_LIMIT);

	d = draft(FRAME_RS);
	d.b[ICMP_AT + 3] ^= 1;
	CU_ASSERT_EQUAL(verdict(&d, false), ND_BAD_CHECKSUM);
	CU_ASSERT_EQUAL(nd_parse(&m, d.b, d.len, true), ND_OK); /* kernel: not filled in yet */

	d = draft(FRAME_NS);
	d.b[ICMP_AT + 1] = 1;
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_CODE);

	d = draft(FRAME_RS_UNSPECIFIED);
	d.len -= 1;
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_LENGTH);
	d = draft(FRAME_DAD);
	d.len -= 1;
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_LENGTH);

	d = draft(FRAME_NS);
	d.b[ICMP_AT + 25] = 0;
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_OPTION);
	d.b[ICMP_AT + 25] = 2;
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_OPTION);
	d = draft(FRAME_NS);
	d.b[d.len++] = 14; /* a lone type octet behind the options */
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_OPTION);

	d = draft(FRAME_NS);
	d.b[ICMP_AT + 8] = 0xff;
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_TARGET);

	d = draft(FRAME_NS); /* :: with SLLA option */
	memset(d.b + 22, 0, 16);
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_DAD);
	d = draft(FRAME_RS);
	memset(d.b + 22, 0, 16);
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_DAD);
	d = draft(FRAME_DAD); /* DAD to all nodes */
	memcpy(d.b + 38, &nd_all_nodes, 16);
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_DAD);

	d = draft(FRAME_NA); /* solicited, but to all nodes */
	memcpy(d.b + 38, &nd_all_nodes, 16);
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_SOLICITED);

	d = draft(FRAME_NA);
	memset(d.b + 22, 0, 16);
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_SOURCE);
	d = draft(FRAME_RS);
	d.b[22] = 0xff;
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_SOURCE);
	d = draft(FRAME_RA_ROGUE);
	d.b[22] = 0x20;
	CU_ASSERT_EQUAL(verdict(&d, true), ND_BAD_SOURCE);

	d = draft(FRAME_RS);
	d.b[6] |= 1;
	CU_ASSERT_EQUAL(verdict(&d, false), ND_BAD_ETHER);
	d = draft(FRAME_RS);
	memset(d.b + 6, 0, 6);
	CU_ASSERT_EQUAL(verdict(&d, false), ND_BAD_ETHER);
	d = draft(FRAME_RS);
	d.b[14] = 0x40;
	CU_ASSERT_EQUAL(verdict(&d, false), ND_BAD_HEADER);
	d = draft(FRAME_MLD2); /* hop-by-hop header longer than the packet */
	d.b[55] = 200;
	CU_ASSERT_EQUAL(verdict(&d, false), ND_BAD_HEADER);
	d = draft(FRAME_RS);
	d.b[20] = 17;
	CU_ASSERT_EQUAL(verdict(&d, false), ND_NOT_ND);
	d = draft(FRAME_RS);
	d.b[13] = 0;
	CU_ASSERT_EQUAL(verdict(&d, false), ND_NOT_ND);
}

static void test_options_that_mean_nothing(void)
{
	struct nd_msg m;
	struct draft d;

	/* unknown option before the real one */
	d = draft(FRAME_NS);
	memmove(d.b + ICMP_AT + 40, d.b + ICMP_AT + 24, 8);
	memset(d.b + ICMP_AT + 24, 0, 16);
	d.b[ICMP_AT + 24] = 253;
	d.b[ICMP_AT + 25] = 2;
	d.len += 16;
	sign(&d);
	CU_ASSERT_EQUAL(nd_parse(&m, d.b, d.len, false), ND_OK);
	CU_ASSERT(m.has_lladdr && mac_eq(&m.lladdr, &node));

	/* the first of two counts */
	d = draft(FRAME_NS);
	memcpy(d.b + d.len, d.b + d.len - 8, 8);
	d.b[d.len + 7] = 0x77;
	d.len += 8;
	sign(&d);
	CU_ASSERT_EQUAL(nd_parse(&m, d.b, d.len, false), ND_OK);
	CU_ASSERT(mac_eq(&m.lladdr, &node));

	/* a TLLA in a solicitation, and an SLLA too long for Ethernet */
	d = draft(FRAME_NS);
	d.b[ICMP_AT + 24] = 2;
	sign(&d);
	CU_ASSERT_EQUAL(nd_parse(&m, d.b, d.len, false), ND_OK);
	CU_ASSERT_FALSE(m.has_lladdr);
	d = draft(FRAME_NS);
	d.b[ICMP_AT + 25] = 2;
	memset(d.b + d.len, 0, 8);
	d.len += 8;
	sign(&d);
	CU_ASSERT_EQUAL(nd_parse(&m, d.b, d.len, false), ND_OK);
	CU_ASSERT_FALSE(m.has_lladdr);
}

static void test_ethernet_padding_ignored(void)
{
	struct draft d = draft(FRAME_RS_UNSPECIFIED);
	struct nd_msg m;

	memset(d.b + d.len, 0xa5, 10);
	CU_ASSERT_EQUAL(nd_parse(&m, d.b, d.len + 10, false), ND_OK);
}

static const char *const all_frames[] = {
	FRAME_RA,	FRAME_RA_FINAL,	      FRAME_PROBE, FRAME_DEFENCE,     FRAME_RS,
	FRAME_RA_ROGUE, FRAME_RS_UNSPECIFIED, FRAME_DAD,   FRAME_DAD_GATEWAY, FRAME_NS,
	FRAME_NA,	FRAME_MLD2,	      FRAME_MLD1,  FRAME_MLD_DONE,    FRAME_ECHO_REPLY,
};

static void test_truncated_everywhere(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_frames); i++) {
		struct draft d = draft(all_frames[i]);

		for (size_t len = 0; len < d.len; len++) {
			uint8_t *exact = malloc(len ? len : 1); /* so that ASan sees an overrun */
			struct nd_msg m, before;

			memset(&m, 0x5a, sizeof(m));
			before = m;
			memcpy(exact, d.b, len);
			CU_ASSERT_EQUAL(nd_parse(&m, exact, len, false), ND_TRUNCATED);
			CU_ASSERT(!memcmp(&m, &before, sizeof(m)));
			/* the same with lengths and checksum made to fit */
			if (len > ICMP_AT + 4 && exact[20] == 58) {
				struct draft s = d;

				s.len = len;
				sign(&s);
				memcpy(exact, s.b, len);
				nd_parse(&m, exact, len, false);
			}
			free(exact);
		}
	}
}

static void test_mutated_everywhere(void)
{
	static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	unsigned taken = 0, refused = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all_frames); i++) {
		struct draft d = draft(all_frames[i]);

		for (size_t at = 0; at < d.len; at++)
			for (size_t v = 0; v < ARRAY_SIZE(values) + 8; v++) {
				uint8_t *exact = malloc(d.len);
				struct nd_msg m;

				memcpy(exact, d.b, d.len);
				exact[at] = v < ARRAY_SIZE(values)
						    ? values[v]
						    : exact[at] ^ (1u << (v - ARRAY_SIZE(values)));
				/* without the checksum to reach what is behind it */
				if (nd_parse(&m, exact, d.len, true) == ND_OK)
					taken++;
				else
					refused++;
				/* with it, no change of the message itself passes */
				if (memcmp(exact, d.b, d.len) && at >= ICMP_AT && d.b[20] == 58)
					CU_ASSERT_NOT_EQUAL(nd_parse(&m, exact, d.len, false),
							    ND_OK);
				free(exact);
			}
	}
	CU_ASSERT(taken > 0 && refused > 0);
}

static void test_every_verdict_has_a_name(void)
{
	for (int v = 0; v < ND_VERDICT_MAX; v++)
		for (int w = 0; w < v; w++)
			CU_ASSERT_STRING_NOT_EQUAL(nd_verdict_name(v), nd_verdict_name(w));
	CU_ASSERT_STRING_EQUAL(nd_verdict_name(ND_VERDICT_MAX), "unknown");
}

static void test_rfc6543_addresses(void)
{
	struct in6_addr ll = mac_linklocal(&nd_rfc6543_mac);

	CU_ASSERT(addr6_eq(&ll, &nd_rfc6543_linklocal));
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"RFC 6543 link-local address is the EUI-64 of its MAC",	 test_rfc6543_addresses},
		{"Router Advertisements equal scapy's, octet for octet",								 test_build_ra},
		{"probe, defence and echo equal scapy's",test_build_others},
		{"every message kind parses into its fields",			      test_parse_fields},
		{"what is built parses, and is framed for one node (RFC 6085)",
		 test_parse_what_is_built},
		{"each validity check of RFC 4861 6.1 and 7.1 has its verdict",
		 test_rfc4861_checks},
		{"options without a meaning are skipped", test_options_that_mean_nothing},
		{"Ethernet padding is not part of the message",								test_ethernet_padding_ignored},
		{"a frame cut anywhere is refused and leaves the output alone",
		 test_truncated_everywhere},
		{"a frame changed anywhere harms nothing; the checksum catches it",
		 test_mutated_everywhere},
		{"verdicts have distinct names",							     test_every_verdict_has_a_name},
		{0},
	};

	node_ll = mac_linklocal(&node); /* fe80::ff:fe00:1 */
	return cu_main("nd", tests, argc, argv);
}
