/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Static sessions and addresses of IPv4 transport: what they become, and what is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config/config.h"
#include "lib/cu.h"

// clang-format off
#define LMA \
	"transport:\n" \
	"  - {name: eth0, ipv4-domain: 3}\n" \
	"lma:\n" \
	"  addresses: [2001:db8:2::1, 2001:db8:2::2]\n" \
	"  ipv4-addresses: [198.51.100.1, 198.51.100.2]\n" \
	"  pools:\n" \
	"    - {name: p, prefix: 2001:db8:100::/44}\n" \
	"  static-sessions:\n" /* ends with line 8 */
#define LMA6 \
	"transport:\n" \
	"  - name: eth0\n" \
	"lma:\n" \
	"  addresses: [2001:db8:2::1]\n" \
	"  pools:\n" \
	"    - {name: p, prefix: 2001:db8:100::/44}\n" \
	"  static-sessions:\n" /* ends with line 7 */
#define MAG \
	"transport:\n" \
	"  - name: eth0\n" \
	"mag:\n" \
	"  proxy-coa: 2001:db8:11::1\n" \
	"  ipv4-proxy-coa: 198.51.100.11\n" \
	"  lmas:\n" \
	"    - {name: l, address: 2001:db8:2::1}\n" \
	"  access:\n" \
	"    - {name: acc0, ipv4-domain: 65535}\n" \
	"  static-sessions:\n" /* ends with line 10 */
#define MAG6 \
	"transport:\n" \
	"  - name: eth0\n" \
	"mag:\n" \
	"  proxy-coa: 2001:db8:11::1\n" \
	"  lmas:\n" \
	"    - {name: l, address: 2001:db8:2::1}\n" \
	"  access:\n" \
	"    - name: acc0\n" \
	"  static-sessions:\n" /* ends with line 9 */
#define LINK "interface: acc0, link-layer-address: \"02:00:00:00:00:01\""
#define A_PREFIX "prefixes: [2001:db8:e00:1::/64]"

static const struct {
	const char *what, *yaml, *error;
} broken[] = {
	{"no address at all",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1}\n",
	 "f:9: lma.static-sessions[0]: has no address; prefixes, ipv4-home-address, or both"},
	{"same node twice",
	 LMA "    - {mn-id: b, proxy-coa: 2001:db8:11::1, prefixes: [2001:db8:e00:2::/64]}\n"
	     "    - {mn-id: a, proxy-coa: 2001:db8:11::1, prefixes: [2001:db8:e00:3::/64]}\n"
	     "    - {mn-id: b, proxy-coa: 2001:db8:11::1, " A_PREFIX "}\n",
	 "f:11: lma.static-sessions[2].mn-id: is the same as lma.static-sessions[0].mn-id in line 9; "
	 "each of them once"},
	{"same prefix twice",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, " A_PREFIX "}\n"
	     "    - {mn-id: b, proxy-coa: 2001:db8:11::1, prefixes: [2001:db8:e00:3::/64, 2001:db8:e00:1::/64]}\n",
	 "f:10: lma.static-sessions[1].prefixes[1]: is the same as lma.static-sessions[0].prefixes[0] "
	 "in line 9; each of them once"},
	{"same IPv4 address twice in a domain",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, ipv4-home-address: 10.0.0.1, ipv4-domain: 4, encapsulation: gre-key}\n"
	     "    - {mn-id: b, proxy-coa: 2001:db8:11::1, ipv4-home-address: 10.0.0.1, ipv4-domain: 5, encapsulation: gre-key}\n"
	     "    - {mn-id: c, proxy-coa: 2001:db8:11::1, ipv4-home-address: 10.0.0.1, ipv4-domain: 4, encapsulation: gre-key}\n",
	 "f:11: lma.static-sessions[2].ipv4-home-address: is the same as "
	 "lma.static-sessions[0].ipv4-home-address in line 9; each of them once"},
	{"UDP over IPv6",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, encapsulation: udp-tlv, " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].encapsulation: runs over IPv4 only (RFC 5844 4) while the tunnel "
	 "is over IPv6; ip, gre or gre-key, or IPv4 addresses"},
	{"UDP over IPv6 at a MAG",
	 MAG "    - {mn-id: a, lmaa: 2001:db8:2::1, encapsulation: udp, " A_PREFIX ", " LINK "}\n",
	 "f:11: mag.static-sessions[0].encapsulation: runs over IPv4 only (RFC 5844 4) while the tunnel "
	 "is over IPv6; ip, gre or gre-key, or IPv4 addresses"},
	{"unknown encapsulation",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, encapsulation: vxlan, " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].encapsulation: \"vxlan\" is unknown; one of ip, gre, gre-key, udp, "
	 "udp-tlv, udp-gre, udp-gre-key"},
	{"a key without keys",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, encapsulation: gre, downlink-gre-key: 7, " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].downlink-gre-key: is given while the encapsulation has no keys; "
	 "gre-key or udp-gre-key, or no key"},
	{"a key without keys at a MAG",
	 MAG "    - {mn-id: a, lmaa: 2001:db8:2::1, uplink-gre-key: 7, " A_PREFIX ", " LINK "}\n",
	 "f:11: mag.static-sessions[0].uplink-gre-key: is given while the encapsulation has no keys; "
	 "gre-key or udp-gre-key, or no key"},
	{"a key of 33 bits",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, encapsulation: gre-key, downlink-gre-key: 4294967296, " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].downlink-gre-key: \"4294967296\" is out of range; a whole number "
	 "from 0 to 4294967295"},
	{"a domain without keys",
	 LMA "    - {mn-id: a, proxy-coa: 198.51.100.11, encapsulation: udp, ipv4-domain: 7, ipv4-home-address: 10.0.0.1}\n",
	 "f:9: lma.static-sessions[0].ipv4-domain: is 7 while the encapsulation has no keys to tell domains "
	 "apart (RFC 5845 3.1); 0, or gre-key or udp-gre-key"},
	{"a domain without an IPv4 address",
	 LMA "    - {mn-id: a, proxy-coa: 198.51.100.11, encapsulation: gre-key, ipv4-domain: 7, " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].ipv4-domain: is given without ipv4-home-address; both, or none"},
	{"a domain of 17 bits",
	 LMA "    - {mn-id: a, proxy-coa: 198.51.100.11, ipv4-domain: 65536, " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].ipv4-domain: \"65536\" is out of range; a whole number from 0 to 65535"},
	{"a prefix of a pool",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, prefixes: [2001:db8:e00:1::/64, 2001:db8:101:1::/64]}\n",
	 "f:9: lma.static-sessions[0].prefixes[1]: 2001:db8:101:1::/64 is in pool p, which gives it to any "
	 "node; a prefix outside of the pools"},
	{"a prefix that is no /64",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, prefixes: [2001:db8:e00::/56]}\n",
	 "f:9: lma.static-sessions[0].prefixes[0]: \"2001:db8:e00::/56\" has a length out of range; an IPv6 "
	 "prefix of 64 bits such as 2001:db8:1::/64"},
	{"a reserved prefix",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, prefixes: [\"4:3:a00:1::/64\"]}\n",
	 "f:9: lma.static-sessions[0].prefixes[0]: \"4:3:a00:1::/64\" is not for unicast routing; an IPv6 "
	 "prefix of 64 bits such as 2001:db8:1::/64"},
	{"IPv4 MAG without an address of ours",
	 LMA6 "    - {mn-id: a, proxy-coa: 198.51.100.11, " A_PREFIX "}\n",
	 "f:8: lma.static-sessions[0].proxy-coa: 198.51.100.11 is an IPv4 address while lma.ipv4-addresses "
	 "is missing; an IPv6 address, or both ends IPv4"},
	{"IPv4 LMA without an address of ours",
	 MAG6 "    - {mn-id: a, lmaa: 198.51.100.1, " A_PREFIX ", " LINK "}\n",
	 "f:10: mag.static-sessions[0].lmaa: 198.51.100.1 is an IPv4 address while mag.ipv4-proxy-coa is "
	 "missing; an IPv6 address, or both ends IPv4"},
	{"ends of two families",
	 LMA "    - {mn-id: a, proxy-coa: 198.51.100.11, lmaa: 2001:db8:2::1, " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].lmaa: 2001:db8:2::1 is of another family than proxy-coa; two addresses "
	 "of one family"},
	{"our end is none of ours",
	 LMA "    - {mn-id: a, proxy-coa: 198.51.100.11, lmaa: 198.51.100.3, " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].lmaa: 198.51.100.3 is not among lma.ipv4-addresses; one of them, or "
	 "nothing"},
	{"our IPv6 end is none of ours",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, lmaa: 2001:db8:2::3, " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].lmaa: 2001:db8:2::3 is not among lma.addresses; one of them, or nothing"},
	{"a link-local other end",
	 LMA "    - {mn-id: a, proxy-coa: fe80::1, " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].proxy-coa: \"fe80::1\" is not routable; a routable IPv6 or IPv4 address "
	 "such as 2001:db8::1 or 192.0.2.1"},
	{"an IPv4-mapped other end",
	 LMA "    - {mn-id: a, proxy-coa: \"::ffff:198.51.100.11\", " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].proxy-coa: \"::ffff:198.51.100.11\" is not routable; a routable IPv6 or "
	 "IPv4 address such as 2001:db8::1 or 192.0.2.1"},
	{"no other end",
	 LMA "    - {mn-id: a, " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].proxy-coa: is missing; a routable IPv6 or IPv4 address such as "
	 "2001:db8::1 or 192.0.2.1"},
	{"an IPv6 home address for IPv4",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, ipv4-home-address: 2001:db8::1}\n",
	 "f:9: lma.static-sessions[0].ipv4-home-address: \"2001:db8::1\" is not an IPv4 address; an IPv4 "
	 "unicast address such as 192.0.2.1"},
	{"a multicast home address",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, ipv4-home-address: 224.0.0.9}\n",
	 "f:9: lma.static-sessions[0].ipv4-home-address: \"224.0.0.9\" is not routable; an IPv4 unicast "
	 "address such as 192.0.2.1"},
	{"a home network for a home address",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, ipv4-home-address: 10.0.0.1/24}\n",
	 "f:9: lma.static-sessions[0].ipv4-home-address: \"10.0.0.1/24\" has a prefix length; an IPv4 unicast "
	 "address such as 192.0.2.1"},
	{"an interface that is no access link",
	 MAG "    - {mn-id: a, lmaa: 2001:db8:2::1, " A_PREFIX ", interface: eth0, link-layer-address: \"02:00:00:00:00:01\"}\n",
	 "f:11: mag.static-sessions[0].interface: \"eth0\" is not among mag.access; the name of one of them"},
	{"a group link-layer address",
	 MAG "    - {mn-id: a, lmaa: 2001:db8:2::1, " A_PREFIX ", interface: acc0, link-layer-address: \"03:00:00:00:00:01\"}\n",
	 "f:11: mag.static-sessions[0].link-layer-address: \"03:00:00:00:00:01\" is a group address; a unicast "
	 "link-layer address such as 02:00:00:00:00:01"},
	{"no link-layer address",
	 MAG "    - {mn-id: a, lmaa: 2001:db8:2::1, " A_PREFIX ", interface: acc0}\n",
	 "f:11: mag.static-sessions[0].link-layer-address: is missing; a unicast link-layer address such as "
	 "02:00:00:00:00:01"},
	{"a MAG's key at an LMA",
	 LMA "    - {mn-id: a, proxy-coa: 2001:db8:11::1, encapsulation: gre-key, uplink-gre-key: 7, " A_PREFIX "}\n",
	 "f:9: lma.static-sessions[0].uplink-gre-key: is no key of lma.static-sessions[]; it is one of "
	 "mag.static-sessions[]"},
	{"IPv4 address twice",
	 "transport:\n"
	 "  - name: eth0\n"
	 "lma:\n"
	 "  addresses: [2001:db8:2::1]\n"
	 "  ipv4-addresses: [198.51.100.1, 198.51.100.1]\n"
	 "  static-prefixes: [2001:db8:f00::/48]\n",
	 "f:5: lma.ipv4-addresses[1]: is the same as lma.ipv4-addresses[0] in line 5; each of them once"},
	{"IPv6 address for IPv4",
	 "transport:\n"
	 "  - name: eth0\n"
	 "lma:\n"
	 "  addresses: [2001:db8:2::1]\n"
	 "  ipv4-addresses: [2001:db8:2::2]\n"
	 "  static-prefixes: [2001:db8:f00::/48]\n",
	 "f:5: lma.ipv4-addresses[0]: \"2001:db8:2::2\" is not an IPv4 address; an IPv4 unicast address such "
	 "as 192.0.2.1"},
};
// clang-format on

static void test_errors(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		char err[CONFIG_ERR_LEN] = "";
		struct config *c = NULL;
		int rc = config_load_mem(&c, "f", broken[i].yaml, strlen(broken[i].yaml), err,
					 sizeof(err));

		CU_ASSERT_EQUAL(rc, -EINVAL);
		CU_ASSERT_STRING_EQUAL(err, broken[i].error);
		if (strcmp(err, broken[i].error) != 0)
			printf("\n  %s\n  said   %s\n  wanted %s\n", broken[i].what, err,
			       broken[i].error);
		config_free(&c);
	}
}

static struct config *load(const char *yaml)
{
	char err[CONFIG_ERR_LEN] = "";
	struct config *c = NULL;

	if (config_load_mem(&c, "f", yaml, strlen(yaml), err, sizeof(err)))
		printf("\n  %s\n", err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

static bool is(const struct in6_addr *a, const char *s)
{
	char buf[ADDR6_STRLEN];

	return !strcmp(addr_str(a, buf), s);
}

static void test_lma_values(void)
{
	struct config *c = load(
		LMA "    - {mn-id: a@b.org, proxy-coa: 2001:db8:11::1, " A_PREFIX "}\n"
		    "    - {mn-id: b, proxy-coa: 198.51.100.11, ipv4-home-address: 10.0.0.1, "
		    "encapsulation: udp-gre-key, ipv4-domain: 9, downlink-gre-key: 4294967295}\n"
		    "    - {mn-id: c, proxy-coa: 198.51.100.11, ipv4-home-address: 10.0.0.2, "
		    "lmaa: 198.51.100.2, encapsulation: gre}\n");
	const struct static_session *s = c->lma_statics;

	CU_ASSERT_EQUAL(c->transport[0].domain, 3);
	CU_ASSERT(c->n_lma_addrs4 == 2 && is(&c->lma_addrs4[1], "198.51.100.2"));
	CU_ASSERT_EQUAL_FATAL(c->n_lma_statics, 3);
	CU_ASSERT_STRING_EQUAL(s[0].mnid, "a@b.org");
	CU_ASSERT(s[0].half == DP_ANCHOR && s[0].encap == DP_ENCAP_IP && s[0].n_prefixes == 1);
	CU_ASSERT(is(&s[0].local, "2001:db8:2::1") && is(&s[0].remote, "2001:db8:11::1"));
	CU_ASSERT(addr6_is_zero(&s[0].addr4) && !s[0].peer_key && !s[0].domain);
	CU_ASSERT(is(&s[1].local, "198.51.100.1") && is(&s[1].remote, "198.51.100.11"));
	CU_ASSERT(is(&s[1].addr4, "10.0.0.1") && s[1].domain == 9 && !s[1].n_prefixes);
	CU_ASSERT(s[1].encap == DP_ENCAP_UDP_GRE_KEY && s[1].peer_key == 4294967295u);
	CU_ASSERT(is(&s[2].local, "198.51.100.2") && s[2].encap == DP_ENCAP_GRE);
	config_free(&c);
}

static void test_mag_values(void)
{
	struct config *c =
		load(MAG "    - {mn-id: a, lmaa: 198.51.100.1, ipv4-home-address: 10.0.0.1, " LINK
			 ", local-routing: true, encapsulation: gre-key, uplink-gre-key: 12}\n"
			 "    - {mn-id: b, lmaa: 2001:db8:2::1, " A_PREFIX ", " LINK "}\n");
	const struct static_session *s = c->mag_statics;

	CU_ASSERT_EQUAL(c->access[0].domain, 65535);
	CU_ASSERT_EQUAL_FATAL(c->n_mag_statics, 2);
	CU_ASSERT(s[0].half == DP_ACCESS && s[0].local_routing && s[0].peer_key == 12);
	CU_ASSERT(is(&s[0].local, "198.51.100.11") && is(&s[0].remote, "198.51.100.1"));
	CU_ASSERT(!strcmp(s[0].ifname, "acc0") && s[0].mac.b[5] == 1);
	CU_ASSERT(is(&s[1].local, "2001:db8:11::1") && !s[1].local_routing);
	config_free(&c);
}

static void collect(void *ctx, const char *line)
{
	strcat(ctx, line);
	strcat(ctx, "\n");
}

static void differ(const char *a, const char *b, int rc, const char *lines)
{
	struct config *old = load(a), *new = load(b);
	char why[CONFIG_ERR_LEN] = "", seen[4096] = "";

	CU_ASSERT_EQUAL(config_reload_diff(old, new, why, sizeof(why)), rc);
	config_walk_diff(old, new, collect, seen);
	CU_ASSERT_STRING_EQUAL(seen, lines);
	if (strcmp(seen, lines) != 0)
		printf("\n  said %s\n", seen);
	config_free(&old);
	config_free(&new);
}

#define ONE_KEYED "    - {mn-id: a, proxy-coa: 198.51.100.11, encapsulation: gre-key, " A_PREFIX

static void test_reload(void)
{
	differ(LMA ONE_KEYED "}\n", LMA ONE_KEYED ", downlink-gre-key: 7}\n", 1,
	       "lma.static-sessions[a].downlink-gre-key: 0 -> 7\n");
	differ(LMA ONE_KEYED "}\n", LMA ONE_KEYED ", lmaa: 198.51.100.2}\n", 1,
	       "lma.static-sessions[a].lmaa: 198.51.100.1 -> 198.51.100.2\n");
	/* the default, written out */
	differ(LMA ONE_KEYED "}\n", LMA ONE_KEYED ", lmaa: 198.51.100.1}\n", 0, "");
	differ(LMA ONE_KEYED "}\n",
	       LMA ONE_KEYED "}\n    - {mn-id: b, proxy-coa: 2001:db8:11::1, "
			     "ipv4-home-address: 10.0.0.1}\n",
	       1, "lma.static-sessions[b]: added\n");
	differ(LMA6 "    - {mn-id: a, proxy-coa: 2001:db8:11::1, " A_PREFIX "}\n",
	       "transport:\n"
	       "  - {name: eth0, ipv4-domain: 4}\n"
	       "lma:\n"
	       "  addresses: [2001:db8:2::1]\n"
	       "  pools:\n"
	       "    - {name: p, prefix: 2001:db8:100::/44}\n",
	       2, "transport[eth0].ipv4-domain: 0 -> 4\nlma.static-sessions[a]: removed\n");
	/* end points are registered with the data plane at the start */
	differ(LMA6 "    - {mn-id: a, proxy-coa: 2001:db8:11::1, " A_PREFIX "}\n",
	       "transport:\n"
	       "  - name: eth0\n"
	       "lma:\n"
	       "  addresses: [2001:db8:2::1]\n"
	       "  ipv4-addresses: [198.51.100.1]\n"
	       "  pools:\n"
	       "    - {name: p, prefix: 2001:db8:100::/44}\n"
	       "  static-sessions:\n"
	       "    - {mn-id: a, proxy-coa: 2001:db8:11::1, " A_PREFIX "}\n",
	       -EBUSY, "lma.ipv4-addresses: [] -> [198.51.100.1]\n");
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"what makes no sense is named with file, line and key", test_errors},
		{"an LMA's static sessions and their defaults",							test_lma_values},
		{"a MAG's static sessions and their defaults",test_mag_values},
		{"static sessions come, change and go with a reload",	      test_reload},
		{0						     },
	};
	return cu_main("static sessions", tests, argc, argv);
}
