/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 home addresses, IPv4 transport, DHCP and GRE (RFC 5844, 5845): what the keys become, and
 * what is refused. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "config/config.h"
#include "lib/cu.h"

// clang-format off
#define LMA \
	"transport:\n" \
	"  - {name: eth0, ipv4-domain: 3}\n" \
	"lma:\n" \
	"  addresses: [2001:db8:2::1]\n" \
	"  ipv4-addresses: [198.51.100.1, 198.51.100.2]\n" \
	"  ipv4-pools:\n" \
	"    - {name: p, prefix: 203.0.113.0/24}\n" /* ends with line 7 */
#define LMA6 \
	"transport:\n" \
	"  - {name: eth0, ipv4-domain: 3}\n" \
	"lma:\n" \
	"  addresses: [2001:db8:2::1]\n" \
	"  pools:\n" \
	"    - {name: p, prefix: 2001:db8:100::/44}\n" /* ends with line 6 */
#define MAG \
	"transport:\n" \
	"  - name: eth0\n" \
	"mag:\n" \
	"  ipv4-proxy-coa: 198.51.100.11\n" \
	"  lmas:\n" \
	"    - {name: l, address: 198.51.100.1}\n" \
	"  access:\n" \
	"    - {name: acc0, ipv4-domain: 7}\n" /* ends with line 8 */
#define MAG6 \
	"transport:\n" \
	"  - name: eth0\n" \
	"mag:\n" \
	"  proxy-coa: 2001:db8:11::1\n" \
	"  lmas:\n" \
	"    - {name: l, address: 2001:db8:2::1}\n" \
	"  access:\n" \
	"    - name: acc0\n" /* ends with line 8 */
#define TEN4 "10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, 10.0.0.6, 10.0.0.7, 10.0.0.8, 10.0.0.9"
#define TEN6 "2001:db8::1, 2001:db8::2, 2001:db8::3, 2001:db8::4, 2001:db8::5, 2001:db8::6, " \
	"2001:db8::7, 2001:db8::8"

static const struct {
	const char *what, *yaml, *error;
} broken[] = {
	/* ---- home networks */
	{"a pool that would give a node the LMA's address",
	 LMA "    - {name: q, prefix: 198.51.100.0/24}\n",
	 "f:8: lma.ipv4-pools[1].prefix: 198.51.100.0/24 has 198.51.100.2 in it, the address of an LMA or "
	 "MAG; a network of nodes alone"},
	{"or a MAG's, in a domain of its own",
	 LMA "    - {name: q, prefix: 192.0.2.0/24, ipv4-domain: 1}\n"
	     "  gre-encapsulation: accept\n"
	     "  mags:\n"
	     "    - {name: m, address: 192.0.2.11}\n",
	 "f:8: lma.ipv4-pools[1].prefix: 192.0.2.0/24 has 192.0.2.11 in it, the address of an LMA or MAG; a "
	 "network of nodes alone"},
	{"prefixes with the LMA's own address",
	 LMA6 "    - {name: q, prefix: 2001:db8::/44}\n",
	 "f:7: lma.pools[1].prefix: 2001:db8::/44 has 2001:db8:2::1 in it, the address of an LMA or MAG; "
	 "prefixes of nodes alone"},
	{"static prefixes with a MAG's",
	 LMA "  static-prefixes: [2001:db8:11::/64]\n"
	     "  mags:\n"
	     "    - {name: m, address: \"2001:db8:11::1\"}\n",
	 "f:8: lma.static-prefixes[0]: 2001:db8:11::/64 has 2001:db8:11::1 in it, the address of an LMA or "
	 "MAG; prefixes of nodes alone"},
	/* ---- transport */
	{"a MAG of a family that the LMA has not",
	 LMA6 "  mags:\n"
	      "    - {name: m, address: 198.51.100.11}\n",
	 "f:8: lma.mags[0].address: is an IPv4 address while lma.ipv4-addresses is missing; both ends "
	 "of one family"},
	{"and the other way round",
	 "lma:\n"
	 "  ipv4-addresses: [198.51.100.1]\n"
	 "  ipv4-pools: [{name: p, prefix: 203.0.113.0/24}]\n"
	 "  mags:\n"
	 "    - {name: m, address: 2001:db8::11}\n"
	 "transport: [{name: e}]\n",
	 "f:5: lma.mags[0].address: is an IPv6 address while lma.addresses is missing; both ends of "
	 "one family"},
	{"too many addresses together",
	 "transport: [{name: e}]\n"
	 "lma:\n"
	 "  addresses: [" TEN6 "]\n"
	 "  ipv4-addresses: [" TEN4 "]\n"
	 "  ipv4-pools: [{name: p, prefix: 203.0.113.0/24}]\n",
	 "f:4: lma.ipv4-addresses: and addresses have 17 entries; at most 16 together"},
	{"an IPv4 address among those of IPv6",
	 MAG6 "  lifetime: 40\n"
	      "profiles: []\n"
	      "domain: {realm: a.b}\n"
	      "lma:\n"
	      "  addresses: [198.51.100.1]\n",
	 "f:13: lma.addresses[0]: \"198.51.100.1\" is not an IPv6 address; a routable IPv6 address such as "
	 "2001:db8::1"},
	{"an IPv4 LMA without an IPv4-Proxy-CoA",
	 "transport: [{name: e}]\n"
	 "mag:\n"
	 "  proxy-coa: 2001:db8:11::1\n"
	 "  lmas:\n"
	 "    - {name: k, address: 2001:db8:2::1}\n"
	 "    - {name: l, address: 198.51.100.1}\n"
	 "  access: [{name: acc0}]\n",
	 "f:2: mag.ipv4-proxy-coa: is missing while lmas[1] has an IPv4 address; an address of this "
	 "machine"},
	{"UDP without IPv4",
	 MAG6 "  force-ipv4-udp-encapsulation-support: true\n",
	 "f:9: mag.force-ipv4-udp-encapsulation-support: is true while mag.ipv4-proxy-coa is missing; "
	 "false, or an IPv4 transport"},
	{"TLV header without GRE",
	 MAG "  gre-tlv-header: true\n",
	 "f:9: mag.gre-tlv-header: is true while mag.gre-encapsulation is none; false, or without-keys "
	 "or keys"},
	{"TLV header without IPv4",
	 MAG6 "  gre-encapsulation: keys\n"
	      "  gre-tlv-header: true\n",
	 "f:10: mag.gre-tlv-header: is true while mag.ipv4-proxy-coa is missing; false, or an IPv4 "
	 "transport"},
	{"TLV header at an LMA without GRE",
	 LMA "  gre-tlv-header: true\n",
	 "f:8: lma.gre-tlv-header: is true while lma.gre-encapsulation is refuse; false, or accept or "
	 "require"},
	{"unknown GRE policy",
	 LMA "  gre-encapsulation: keys\n",
	 "f:8: lma.gre-encapsulation: \"keys\" is unknown; one of refuse, accept, require"},
	{"DHCPv6 servers without IPv6",
	 MAG "  dhcpv6-servers: [2001:db8::547]\n",
	 "f:9: mag.dhcpv6-servers: is given without mag.proxy-coa, from which they are reached; both, "
	 "or none"},
	/* ---- pools */
	{"pool beyond its length",
	 LMA "    - {name: q, prefix: 192.0.2.1/24}\n",
	 "f:8: lma.ipv4-pools[1].prefix: \"192.0.2.1/24\" has bits set beyond its length; 192.0.2.0/24"},
	{"pool of IPv6",
	 LMA "    - {name: q, prefix: 2001:db8::/64}\n",
	 "f:8: lma.ipv4-pools[1].prefix: \"2001:db8::/64\" is not an IPv4 prefix; an IPv4 prefix of 8 "
	 "to 31 bits such as 192.0.2.0/24"},
	{"pool without length",
	 LMA "    - {name: q, prefix: 192.0.2.0}\n",
	 "f:8: lma.ipv4-pools[1].prefix: \"192.0.2.0\" has no prefix length; an IPv4 prefix of 8 to 31 "
	 "bits such as 192.0.2.0/24"},
	{"pool of one address",
	 LMA "    - {name: q, prefix: 192.0.2.1/32}\n",
	 "f:8: lma.ipv4-pools[1].prefix: \"192.0.2.1/32\" has a length out of range; an IPv4 prefix of "
	 "8 to 31 bits such as 192.0.2.0/24"},
	{"pool of a length that is none",
	 LMA "    - {name: q, prefix: 192.0.2.0/33}\n",
	 "f:8: lma.ipv4-pools[1].prefix: \"192.0.2.0/33\" is not an IPv4 prefix; an IPv4 prefix of 8 to "
	 "31 bits such as 192.0.2.0/24"},
	{"pool of multicast addresses",
	 LMA "    - {name: q, prefix: 224.0.0.0/24}\n",
	 "f:8: lma.ipv4-pools[1].prefix: \"224.0.0.0/24\" is not for unicast routing; an IPv4 prefix of "
	 "8 to 31 bits such as 192.0.2.0/24"},
	{"pools of one domain overlap",
	 LMA "    - {name: q, prefix: 203.0.113.128/25}\n",
	 "f:8: lma.ipv4-pools[1].prefix: 203.0.113.128/25 overlaps 203.0.113.0/24 of pool p; prefixes "
	 "apart, or another ipv4-domain"},
	{"pools of one name",
	 LMA "    - {name: p, prefix: 192.0.2.0/24}\n",
	 "f:8: lma.ipv4-pools[1].name: \"p\" is the name of another pool; each of them once"},
	{"router elsewhere",
	 LMA "    - {name: q, prefix: 192.0.2.0/24, default-router: 203.0.113.1}\n",
	 "f:8: lma.ipv4-pools[1].default-router: 203.0.113.1 is no host address of 192.0.2.0/24; one of "
	 "them, or nothing"},
	{"router that is the network",
	 LMA "    - {name: q, prefix: 192.0.2.0/24, default-router: 192.0.2.0}\n",
	 "f:8: lma.ipv4-pools[1].default-router: 192.0.2.0 is no host address of 192.0.2.0/24; one of "
	 "them, or nothing"},
	{"router that is everybody",
	 LMA "    - {name: q, prefix: 192.0.2.0/24, default-router: 192.0.2.255}\n",
	 "f:8: lma.ipv4-pools[1].default-router: 192.0.2.255 is no host address of 192.0.2.0/24; one of "
	 "them, or nothing"},
	{"domain without keys",
	 LMA "    - {name: q, prefix: 192.0.2.0/24, ipv4-domain: 9}\n",
	 "f:8: lma.ipv4-pools[1].ipv4-domain: is 9 while lma.gre-encapsulation is refuse, and so no keys "
	 "tell domains apart (RFC 5845 3.1); 0, or accept or require"},
	{"domain of an access link without keys",
	 MAG "profiles:\n"
	     "  - {mn-id: a, ipv4: true}\n",
	 "f:8: mag.access[0].ipv4-domain: is 7 while profiles allow IPv4 and mag.gre-encapsulation is not "
	 "keys, which alone tell domains apart (RFC 5845 3.1); 0, or keys"},
	/* ---- DHCP */
	{"relay address without servers",
	 MAG "  dhcpv4-relay-address: 198.51.100.11\n",
	 "f:9: mag.dhcpv4-relay-address: is given without dhcpv4-servers; both, or none"},
	{"servers without an address of ours",
	 MAG6 "  dhcpv4-servers: [198.51.100.67]\n",
	 "f:9: mag.dhcpv4-servers: is given without an address to reach them from; dhcpv4-relay-address "
	 "or ipv4-proxy-coa"},
	{"server is the relay agent",
	 MAG "  dhcpv4-servers: [198.51.100.67, 198.51.100.11]\n",
	 "f:9: mag.dhcpv4-servers[1]: is our own address, where the relay agent itself is; a server's own "
	 "address"},
	{"server twice",
	 MAG "  dhcpv4-servers: [198.51.100.67, 198.51.100.67]\n",
	 "f:9: mag.dhcpv4-servers[1]: is there already; each of them once"},
	{"lease of no length",
	 MAG "  dhcpv4-lease-time: 9\n",
	 "f:9: mag.dhcpv4-lease-time: \"9\" is out of range; a whole number from 10 to 31536000 s"},
	{"server identifier of another kind",
	 MAG "  dhcpv4-server-identifier: 2001:db8::1\n",
	 "f:9: mag.dhcpv4-server-identifier: \"2001:db8::1\" is not an IPv4 address; an IPv4 unicast "
	 "address such as 192.0.2.1"},
	/* ---- profiles */
	{"address while not allowed",
	 LMA "profiles:\n"
	     "  - {mn-id: a, ipv4-home-address: 203.0.113.9}\n",
	 "f:9: profiles[0].ipv4-home-address: is given while ipv4 is false; ipv4: true"},
	{"name server while not allowed",
	 LMA "fallback-profiles:\n"
	     "  - {match: \"*\", dns-servers: [203.0.113.53]}\n",
	 "f:9: fallback-profiles[0].dns-servers: is given while ipv4 is false; ipv4: true"},
	{"prefixes while not allowed",
	 LMA "profiles:\n"
	     "  - {mn-id: a, ipv6: false, ipv4: true, prefixes: [2001:db8:100::/64]}\n",
	 "f:9: profiles[0].prefixes: is given while ipv6 is false; ipv6: true"},
	{"neither family",
	 LMA "profiles:\n"
	     "  - {mn-id: a, ipv6: false}\n",
	 "f:9: profiles[0].ipv6: is false, and ipv4 as well; one of them, or enabled: false"},
	{"no pool for it",
	 LMA6 "profiles:\n"
	      "  - {mn-id: a, ipv4: true}\n",
	 "f:8: profiles[0].ipv4: is true while lma.ipv4-pools is missing; false, or pools"},
	{"unknown pool",
	 LMA "profiles:\n"
	     "  - {mn-id: a, ipv4: true, ipv4-pool: q}\n",
	 "f:9: profiles[0].ipv4-pool: \"q\" is not among lma.ipv4-pools; the name of one of them"},
	{"address in no pool",
	 LMA "profiles:\n"
	     "  - {mn-id: a, ipv4: true, ipv4-home-address: 203.0.114.9}\n",
	 "f:9: profiles[0].ipv4-home-address: 203.0.114.9 is in no network of lma.ipv4-pools; an address "
	 "of one"},
	{"address in another pool than the one named",
	 LMA "    - {name: q, prefix: 192.0.2.0/24}\n"
	     "profiles:\n"
	     "  - {mn-id: a, ipv4: true, ipv4-pool: q, ipv4-home-address: 203.0.113.9}\n",
	 "f:10: profiles[0].ipv4-home-address: 203.0.113.9 is in no network of pool q; an address of one"},
	{"address of the router",
	 LMA "profiles:\n"
	     "  - {mn-id: a, ipv4: true, ipv4-home-address: 203.0.113.1}\n",
	 "f:9: profiles[0].ipv4-home-address: 203.0.113.1 is the network's own, its broadcast or its "
	 "default router's address; another of 203.0.113.0/24"},
	{"broadcast address",
	 LMA "profiles:\n"
	     "  - {mn-id: a, ipv4: true, ipv4-home-address: 203.0.113.255}\n",
	 "f:9: profiles[0].ipv4-home-address: 203.0.113.255 is the network's own, its broadcast or its "
	 "default router's address; another of 203.0.113.0/24"},
	{"address of two nodes",
	 LMA "profiles:\n"
	     "  - {mn-id: a, ipv4: true, ipv4-home-address: 203.0.113.9}\n"
	     "  - {mn-id: b, ipv4: true}\n"
	     "  - {mn-id: c, ipv4: true, ipv4-home-address: 203.0.113.9}\n",
	 "f:11: profiles[2].ipv4-home-address: is the same as profiles[0].ipv4-home-address in line 9; each "
	 "of them once"},
	{"address of a static session that is a MAG's",
	 LMA "  mags: [{name: m, address: 198.51.100.12}]\n"
	     "  static-sessions:\n"
	     "    - {mn-id: s, proxy-coa: 198.51.100.11, ipv4-home-address: 198.51.100.12}\n",
	 "f:10: lma.static-sessions[0].ipv4-home-address: 198.51.100.12 is the address of an LMA or MAG; a "
	 "node's own"},
	{"address of a static session in a pool",
	 LMA "  static-sessions:\n"
	     "    - {mn-id: s, proxy-coa: 198.51.100.11, ipv4-home-address: 203.0.113.7}\n",
	 "f:9: lma.static-sessions[0].ipv4-home-address: 203.0.113.7 is in pool p, which gives it to any "
	 "node; an address outside of the pools"},
};
// clang-format on

static void test_broken_files(void)
{
	char err[CONFIG_ERR_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		struct config *c = NULL;
		int rc = config_load_mem(&c, "f", broken[i].yaml, strlen(broken[i].yaml), err,
					 sizeof(err));

		CU_ASSERT_EQUAL(rc, -EINVAL);
		CU_ASSERT_PTR_NULL(c);
		if (c)
			config_free(&c);
		else if (strcmp(err, broken[i].error))
			printf("\n%s:\n  said   %s\n  wanted %s\n", broken[i].what, err,
			       broken[i].error);
		CU_ASSERT_STRING_EQUAL(err, broken[i].error);
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

static bool is4(struct in_addr a, const char *s)
{
	return a.s_addr == inet_addr(s);
}

static const struct profile *profile(const struct config *c, const char *id)
{
	const struct profiles ps = profile_table_profiles(c->profiles);
	const struct mnid mnid = {MNID_NAI, (uint8_t)strlen(id), (const uint8_t *)id};
	const struct profile *p = ps.by_mnid(ps.ctx, &mnid);

	return p ? p : ps.fallback(ps.ctx, &mnid);
}

static void test_lma(void)
{
	struct config *c =
		load(LMA "    - {name: q, prefix: 10.0.0.0/8, default-router: 10.255.0.1}\n"
			 "    - {name: r, prefix: 203.0.113.0/25, ipv4-domain: 9}\n"
			 "  mags:\n"
			 "    - {name: m6, address: 2001:db8:11::1}\n"
			 "    - {name: m4, address: 198.51.100.11}\n"
			 "  accept-forced-ipv4-udp-encapsulation-request: true\n"
			 "  gre-encapsulation: require\n"
			 "  gre-tlv-header: true\n"
			 "  ipv4-dhcp-support-mode: relay\n"
			 "profiles:\n"
			 "  - {mn-id: a, ipv4: true, ipv4-pool: q, ipv4-home-address: 10.0.0.1,\n"
			 "     dns-servers: [203.0.113.53, 203.0.113.54, 203.0.113.55]}\n"
			 "  - {mn-id: b, ipv6: false, ipv4: true, ipv4-pool: r, "
			 "ipv4-home-address: 203.0.113.9}\n"
			 "  - {mn-id: c, ipv4: true, ipv4-home-address: 203.0.113.9}\n"
			 "  - {mn-id: d, enabled: false, ipv6: false}\n");
	const struct lma_cfg *l = &c->lma;
	const struct profile *p;

	CU_ASSERT_EQUAL_FATAL(l->n_addrs, 3);
	CU_ASSERT_TRUE(is(&l->addrs[0], "2001:db8:2::1"));
	CU_ASSERT_TRUE(is(&l->addrs[1], "198.51.100.1"));
	CU_ASSERT_TRUE(is(&l->addrs[2], "198.51.100.2"));
	CU_ASSERT_EQUAL_FATAL(l->n_pools4, 3);
	CU_ASSERT_STRING_EQUAL(l->pools4[0].name, "p");
	CU_ASSERT_TRUE(is4(l->pools4[0].prefix.addr, "203.0.113.0"));
	CU_ASSERT_EQUAL(l->pools4[0].prefix.len, 24);
	CU_ASSERT_EQUAL(l->pools4[0].router.s_addr, 0);
	CU_ASSERT_TRUE(is4(l->pools4[1].router, "10.255.0.1"));
	CU_ASSERT_EQUAL(l->pools4[2].domain, 9);
	CU_ASSERT_TRUE(is(&l->mags[1].addr, "198.51.100.11"));
	CU_ASSERT_TRUE(l->accept_forced_ipv4_udp_encapsulation_request);
	CU_ASSERT_EQUAL(l->gre, LMA_GRE_REQUIRE);
	CU_ASSERT_TRUE(l->gre_tlv);
	CU_ASSERT_TRUE(l->dhcp_relay);

	p = profile(c, "a");
	CU_ASSERT_TRUE(p->ipv4 && !p->no_ipv6);
	CU_ASSERT_TRUE(is4(p->home4, "10.0.0.1"));
	CU_ASSERT_STRING_EQUAL(p->pool4, "q");
	CU_ASSERT_EQUAL_FATAL(p->n_dns4, 3);
	CU_ASSERT_TRUE(is4(p->dns4[2], "203.0.113.55"));
	/* equal addresses of two domains are two addresses */
	CU_ASSERT_TRUE(profile(c, "b")->no_ipv6);
	CU_ASSERT_TRUE(is4(profile(c, "c")->home4, "203.0.113.9"));
	CU_ASSERT_TRUE(profile(c, "d")->no_ipv6);
	config_free(&c);
}

/* RFC 5844 5.1, 5.2: both switches are 0 by default. */
static void test_defaults(void)
{
	struct config *c = load(LMA "fallback-profiles:\n"
				    "  - match: \"*\"\n");

	CU_ASSERT_FALSE(c->lma.accept_forced_ipv4_udp_encapsulation_request);
	CU_ASSERT_EQUAL(c->lma.gre, LMA_GRE_REFUSE);
	CU_ASSERT_FALSE(c->lma.gre_tlv);
	CU_ASSERT_FALSE(c->lma.dhcp_relay);
	CU_ASSERT_FALSE(profile(c, "x")->ipv4);
	CU_ASSERT_FALSE(profile(c, "x")->no_ipv6);
	CU_ASSERT_EQUAL(profile(c, "x")->home4.s_addr, 0);
	config_free(&c);

	c = load(MAG);
	CU_ASSERT_FALSE(c->mag.force_ipv4_udp_encapsulation_support);
	CU_ASSERT_EQUAL(c->mag.gre, MAG_GRE_NONE);
	CU_ASSERT_FALSE(c->mag.gre_tlv);
	CU_ASSERT_EQUAL(c->access_cfg.dhcp4_max_lease_s, 3600);
	CU_ASSERT_EQUAL(c->n_dhcp4_servers, 0);
	CU_ASSERT_EQUAL(c->access_cfg.dhcp4_server_id.s_addr, 0);
	CU_ASSERT_TRUE(c->access[0].trigger_arp && c->access[0].trigger_dhcp);
	config_free(&c);
}

static void test_mag(void)
{
	struct config *c = load(MAG "  force-ipv4-udp-encapsulation-support: true\n"
				    "  gre-encapsulation: keys\n"
				    "  gre-tlv-header: true\n"
				    "  dhcpv4-servers: [198.51.100.67, 198.51.100.68]\n"
				    "  dhcpv4-lease-time: 60\n"
				    "  dhcpv4-server-identifier: 192.0.0.8\n"
				    "profiles:\n"
				    "  - {mn-id: a, ipv4: true, ipv4-home-address: 10.0.0.1, lma: "
				    "198.51.100.1}\n");

	CU_ASSERT_TRUE(addr6_is_zero(&c->mag.proxy_coa));
	CU_ASSERT_TRUE(is(&c->mag.ipv4_proxy_coa, "198.51.100.11"));
	CU_ASSERT_TRUE(is(&c->mag.lmas[0].addr, "198.51.100.1"));
	CU_ASSERT_TRUE(is(&profile(c, "a")->lmaa, "198.51.100.1"));
	CU_ASSERT_TRUE(c->mag.force_ipv4_udp_encapsulation_support);
	CU_ASSERT_EQUAL(c->mag.gre, MAG_GRE_KEYS);
	CU_ASSERT_TRUE(c->mag.gre_tlv);
	CU_ASSERT_EQUAL_FATAL(c->n_dhcp4_servers, 2);
	CU_ASSERT_TRUE(is4(c->dhcp4_servers[1], "198.51.100.68"));
	CU_ASSERT_TRUE(is4(c->dhcp4_relay_addr, "198.51.100.11")); /* where none is given */
	CU_ASSERT_EQUAL(c->access_cfg.dhcp4_max_lease_s, 60);
	CU_ASSERT_TRUE(is4(c->access_cfg.dhcp4_server_id, "192.0.0.8"));
	CU_ASSERT_EQUAL(c->access[0].domain, 7);
	config_free(&c);

	c = load(MAG6 "  ipv4-proxy-coa: 198.51.100.11\n"
		      "  gre-encapsulation: without-keys\n"
		      "  dhcpv4-servers: [198.51.100.67]\n"
		      "  dhcpv4-relay-address: 198.51.100.12\n");
	CU_ASSERT_EQUAL(c->mag.gre, MAG_GRE_PLAIN);
	CU_ASSERT_TRUE(is4(c->dhcp4_relay_addr, "198.51.100.12"));
	config_free(&c);
}

static int reload(const char *from, const char *to, char *why)
{
	struct config *a = load(from), *b = load(to);
	int n = config_reload_diff(a, b, why, CONFIG_ERR_LEN);

	config_free(&a);
	config_free(&b);
	return n;
}

/* What sockets, programs and home networks are made for stays; policies and pools may come. */
static void test_reload(void)
{
	char why[CONFIG_ERR_LEN] = "";

	CU_ASSERT_EQUAL(reload(LMA,
			       LMA "    - {name: q, prefix: 192.0.2.0/24}\n"
				   "  gre-encapsulation: accept\n"
				   "  ipv4-dhcp-support-mode: relay\n"
				   "fallback-profiles: [{match: \"*\", ipv4: true}]\n",
			       why),
			4);
	CU_ASSERT_EQUAL(reload(LMA, LMA6, why), -EBUSY);
	CU_ASSERT_STRING_EQUAL(why,
			       "lma.ipv4-addresses: [198.51.100.1, 198.51.100.2] -> []; cannot "
			       "change while running, restart the daemon");
	CU_ASSERT_EQUAL(reload(MAG,
			       MAG "  dhcpv4-servers: [198.51.100.67]\n"
				   "  dhcpv4-lease-time: 60\n"
				   "  force-ipv4-udp-encapsulation-support: true\n"
				   "  gre-encapsulation: keys\n"
				   "  gre-tlv-header: true\n",
			       why),
			5);
	CU_ASSERT_EQUAL(reload(MAG6, MAG6 "  ipv4-proxy-coa: 198.51.100.11\n", why), -EBUSY);
	CU_ASSERT_STRING_EQUAL(why, "mag.ipv4-proxy-coa: nothing -> 198.51.100.11; cannot change "
				    "while running, restart the daemon");
}

// clang-format off
int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"what makes no sense is named with file, line and key", test_broken_files},
		{"the LMA's keys reach its configuration, addresses of both families in one list", test_lma},
		{"defaults are those of RFC 5844 5", test_defaults},
		{"the MAG's keys reach its configuration, IPv4 alone suffices", test_mag},
		{"policies and pools change while running, transport does not", test_reload},
		{0},
	};
	return cu_main("IPv4 in the configuration", tests, argc, argv);
}
