/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/config_rows.h"

#include <ctype.h>
#include <string.h>

#include "base/util.h"

/* ---- which strings are accepted */

static bool chars_ok(const char *s, const char *extra)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(extra, *s))
			return false;
	return true;
}

static bool instance_ok(const char *s)
{
	/* bpffs takes no dots in names */
	return *s && chars_ok(s, "_-");
}

static bool word_ok(const char *s)
{
	return *s && *s != '-' && chars_ok(s, "_-.");
}

static bool word_or_empty_ok(const char *s)
{
	return !*s || word_ok(s);
}

static bool path_ok(const char *s)
{
	return s[0] == '/' && s[1];
}

static bool path_or_empty_ok(const char *s)
{
	return !*s || path_ok(s);
}

static bool ifname_ok(const char *s)
{
	if (!*s || !strcmp(s, ".") || !strcmp(s, ".."))
		return false;
	for (; *s; s++)
		if (!isgraph((unsigned char)*s) || *s == '/' || *s == ':')
			return false;
	return true;
}

static bool host_ifname_ok(const char *s)
{
	return !*s || (ifname_ok(s) && strlen(s) + strlen(CONFIG_HOST_SUFFIX) < CONFIG_IFNAME_LEN);
}

/* The realm of RFC 7542 2.2, without internationalised names. */
static bool realm_ok(const char *s)
{
	while (*s) {
		size_t n = strcspn(s, ".");

		if (!n || n > 63 || s[0] == '-' || s[n - 1] == '-')
			return false;
		for (size_t i = 0; i < n; i++)
			if (!isalnum((unsigned char)s[i]) && s[i] != '-')
				return false;
		s += n;
		if (*s == '.' && !*++s)
			return false;
	}
	return true;
}

static bool realm_given_ok(const char *s)
{
	return *s && realm_ok(s);
}

static bool nai_ok(const char *s)
{
	const char *at = strchr(s, '@');

	if (!*s || at == s)
		return false;
	for (const char *c = s; *c; c++)
		if (!isgraph((unsigned char)*c))
			return false;
	return !at || realm_given_ok(at + 1);
}

static bool nai_or_empty_ok(const char *s)
{
	return !*s || nai_ok(s);
}

/* Of an access point: link-layer address, SSID, or whatever else triggers say. */
static bool ap_ok(const char *s)
{
	for (const char *c = s; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return *s;
}

static bool vendor_ok(const char *s)
{
	struct mag_vendor_cfg v;

	return config_vendor(s, &v);
}

static bool match_ok(const char *s)
{
	return !strcmp(s, "*") || (s[0] == '@' && realm_given_ok(s + 1));
}

static const struct config_syntax syn_instance = {instance_ok,
						  "letters, digits, '-' and '_', such as lma1"};
static const struct config_syntax syn_word = {word_ok,
					      "letters, digits, '-', '_' and '.', such as mag1"};
static const struct config_syntax syn_word_or_empty = {word_or_empty_ok,
						       "a name such as default, or nothing"};
static const struct config_syntax syn_path = {path_ok, "an absolute path"};
static const struct config_syntax syn_path_or_empty = {path_or_empty_ok, "an absolute path"};
static const struct config_syntax syn_ifname = {ifname_ok, "an interface name such as eth0"};
static const struct config_syntax syn_host_ifname = {
	host_ifname_ok, "an interface name of at most 12 letters such as pmip0, or nothing"};
static const struct config_syntax syn_realm = {realm_ok, "a realm such as example.com"};
static const struct config_syntax syn_realm_given = {realm_given_ok, "a realm such as example.com"};
static const struct config_syntax syn_nai = {
	nai_ok, "a network access identifier such as mn1@example.com (RFC 4283 3.1)"};
static const struct config_syntax syn_nai_or_empty = {
	nai_or_empty_ok, "a network access identifier such as mag1@example.com, or nothing"};
static const struct config_syntax syn_ap = {
	ap_ok, "an access point's identifier without control characters"};
static const struct config_syntax syn_vendor = {
	vendor_ok, "a vendor's number, a slash and a sub-type up to 255, such as 31353/1"};
static const struct config_syntax syn_match = {match_ok, "@ and a realm, or \"*\" for everybody"};

/* ---- words */

static const struct config_name names_log[] = {
	{"bug",	LOG_C_BUG	 },
	{"local",  LOG_C_LOCAL },
	{"auth",	 LOG_C_AUTH  },
	{"remote", LOG_C_REMOTE},
	{"info",	 LOG_C_INFO  },
	{"debug",  LOG_C_DEBUG },
	{NULL,     0		},
};

static const struct config_name names_hook[] = {
	{"auto",	 CONFIG_HOOK_AUTO	 },
	{"xdp",		CONFIG_HOOK_XDP	       },
	{"tc",	       CONFIG_HOOK_TC	     },
	{"xdp-generic", CONFIG_HOOK_XDP_GENERIC},
	{NULL,	       0		      },
};

static const struct config_name names_link[] = {
	{"shared",	   CONFIG_LINK_SHARED	     },
	{"point-to-point", CONFIG_LINK_POINT_TO_POINT},
	{NULL,	       0			 },
};

static const struct config_name names_inherit[] = {
	{"inherit", -1},
	{"true",	 1 },
	{"false",	  0 },
	{NULL,      0 },
};

static const struct config_name names_mag_encap[] = {
	{"auto",	 DP_ENCAP_MAX	     },
	{"ip",	       DP_ENCAP_IP	  },
	{"gre",		DP_ENCAP_GRE	    },
	{"gre-key",	    DP_ENCAP_GRE_KEY    },
	{"udp",		DP_ENCAP_UDP	    },
	{"udp-tlv",	    DP_ENCAP_UDP_TLV    },
	{"udp-gre",	    DP_ENCAP_UDP_GRE    },
	{"udp-gre-key", DP_ENCAP_UDP_GRE_KEY},
	{NULL,	       0		   },
};
static const struct config_name names_buffer_at[] = {
	{"new-mag", false},
	{"old-mag", true },
	{NULL,      0	},
};
static const struct config_name names_encap[] = {
	{"ip",	       DP_ENCAP_IP	  },
	{"gre",		DP_ENCAP_GRE	    },
	{"gre-key",	    DP_ENCAP_GRE_KEY    },
	{"udp",		DP_ENCAP_UDP	    },
	{"udp-tlv",	    DP_ENCAP_UDP_TLV    },
	{"udp-gre",	    DP_ENCAP_UDP_GRE    },
	{"udp-gre-key", DP_ENCAP_UDP_GRE_KEY},
	{NULL,	       0		   },
};

static const struct config_name names_lma_gre[] = {
	{"refuse",  LMA_GRE_REFUSE },
	{"accept",  LMA_GRE_ACCEPT },
	{"require", LMA_GRE_REQUIRE},
	{NULL,      0		},
};

static const struct config_name names_mag_gre[] = {
	{"none",	 MAG_GRE_NONE },
	{"without-keys", MAG_GRE_PLAIN},
	{"keys",	 MAG_GRE_KEYS },
	{NULL,	       0		},
};

static const struct config_name names_orphans[] = {
	{"hold", LMA_ORPHANS_HOLD},
	{"drop", LMA_ORPHANS_DROP},
	{NULL,   0		},
};

static const struct config_name names_dhcp4[] = {
	{"server", false},
	{"relay",  true },
	{NULL,     0	},
};

/* RFC 5213 8.5 and the registry it founded */
static const struct config_name names_att[] = {
	{"virtual",	    1 },
	     {"ppp",	     2 },
	 {"ieee-802.3",	3 },
	      {"ieee-802.11",  4 },
	{"ieee-802.16e", 5 },
	     {"3gpp-geran",   6 },
	 {"3gpp-utran",	7 },
	      {"3gpp-e-utran", 8 },
	{"3gpp2-ehrpd",	9 },
	     {"3gpp2-hrpd",   10},
	 {"3gpp2-1xrtt",	 11},
	      {"3gpp2-umb",    12},
	{"3gpp-nb-iot",	13},
	     {NULL,	    0 },
};

/* ---- rows */

// clang-format off
#define SIZE_OF(type, member) sizeof(((type *)0)->member)
#define ONE(type, member) .offset = offsetof(type, member), .size = SIZE_OF(type, member)
#define ARRAY(type, member, n_member) \
	.list = CONFIG_ARRAY, .offset = offsetof(type, member), .count = offsetof(type, n_member), \
	.size = SIZE_OF(type, member[0]), .max_n = sizeof(((type *)0)->member) / SIZE_OF(type, member[0])
#define HEAP(type, member, n_member, most) \
	.list = CONFIG_HEAP, .offset = offsetof(type, member), .count = offsetof(type, n_member), \
	.size = SIZE_OF(type, member[0]), .max_n = (most)
#define SECTION(name_, title_, type, rows_) \
	{.name = (name_), .title = (title_), .size = sizeof(type), .rows = (rows_), .n_rows = ARRAY_SIZE(rows_)}
#define RANGE(lo, hi) .min = (lo), .max = (hi)
#define LIVE .live = true

#define LIFETIME_MAX 262140 /* 65535 units of 4 s, RFC 6275 6.1.7 */

/* lma.pools[] */
static const struct config_row rows_pool[] = {
	{"name", CONFIG_STRING, ONE(struct lma_pool_cfg, name), .syntax = &syn_word, .example = "default",
	 .help = "How profiles refer to the pool."},
	{"prefix", CONFIG_PREFIX, ONE(struct lma_pool_cfg, prefix), RANGE(16, 64), .example = "2001:db8:100::/44",
	 .rfc = "RFC 5213 5.3.2", .help = "Each node gets its own /64 from it."},
};
static const struct config_section sec_pool =
	SECTION("lma.pools[]", "Where home network prefixes come from", struct lma_pool_cfg, rows_pool);

/* lma.ipv4-pools[] */
static const struct config_row rows_pool4[] = {
	{"name", CONFIG_STRING, ONE(struct lma_pool4_cfg, name), .syntax = &syn_word, .example = "default",
	 .help = "How profiles refer to the pool."},
	{"prefix", CONFIG_PREFIX4, ONE(struct lma_pool4_cfg, prefix), RANGE(8, 31), .example = "203.0.113.0/24",
	 .rfc = "RFC 5844 3.1.2.2", .help = "The home network: each node gets an address of it. Its first and last address are nobody's."},
	{"default-router", CONFIG_INADDR, ONE(struct lma_pool4_cfg, router), .def = "", .example = "203.0.113.1",
	 .rfc = "IPv4 Default-Router Address, RFC 5844 3.3.3",
	 .help = "Where its nodes send everything; every MAG answers for it. None: the network's first usable address."},
	{"ipv4-domain", CONFIG_UINT, ONE(struct lma_pool4_cfg, domain), .def = "0", RANGE(0, 65535), .rfc = "RFC 5845 3.1",
	 .help = "Equal addresses of another domain are other addresses. Other than 0: its nodes need GRE keys."},
};
static const struct config_section sec_pool4 =
	SECTION("lma.ipv4-pools[]", "Where IPv4 home addresses come from", struct lma_pool4_cfg, rows_pool4);

/* lma.mags[] */
static const struct config_row rows_lma_mag[] = {
	{"name", CONFIG_STRING, ONE(struct lma_mag_cfg, name), .syntax = &syn_word, LIVE, .example = "mag1",
	 .help = "For the log and `pmipctl`."},
	{"address", CONFIG_ADDR_ANY, ONE(struct lma_mag_cfg, addr), LIVE, .example = "2001:db8:11::1",
	 .rfc = "Proxy-CoA, IPv4-Proxy-CoA, RFC 5844 2.2",
	 .help = "Source of its signalling and other end of its tunnel. A MAG with both families has two entries."},
	{"realms", CONFIG_STRING, ARRAY(struct lma_mag_cfg, realms, n_realms), .def = "", .syntax = &syn_realm_given,
	 LIVE, .example = "[example.com]", .rfc = "RFC 5213 4",
	 .help = "Realms of the nodes it may register; none: all."},
	{"allow-prefixes", CONFIG_PREFIX, ARRAY(struct lma_mag_cfg, allow, n_allow), .def = "", RANGE(0, 64), LIVE,
	 .example = "[2001:db8:100::/44, 2001:db8:f00::/48]", .rfc = "RFC 5213 4",
	 .help = "Home network prefixes it may serve; none: all of ours."},
	{"may-revoke", CONFIG_BOOL, ONE(struct lma_mag_cfg, may_revoke), .def = "false", LIVE, .rfc = "RFC 5846 13",
	 .help = "It may end all its bindings by one message (`pmipctl revoke --all` there)."},
	{"identity", CONFIG_STRING, ONE(struct lma_mag_cfg, identity), .def = "", .syntax = &syn_nai_or_empty, LIVE,
	 .example = "mag1@example.com", .rfc = "RFC 5846 9.2",
	 .help = "What it must call itself in that message; none: anything. Two entries of one identity are one MAG, which may speak for both."},
};
static const struct config_section sec_lma_mag =
	SECTION("lma.mags[]", "Mobile Access Gateways that may register nodes here", struct lma_mag_cfg, rows_lma_mag);

/* lma.static-sessions[] */
#define S(member) ONE(struct static_session, member)
#define STATIC_OWNER_ROWS \
	{"mn-id", CONFIG_STRING, S(mnid), .syntax = &syn_nai, LIVE, .example = "mn9@example.com", \
	 .rfc = "MN-Identifier, RFC 4283 3.1", .help = "Who the node is."}, \
	{"prefixes", CONFIG_PREFIX, ARRAY(struct static_session, prefixes, n_prefixes), .def = "", RANGE(64, 64), LIVE, \
	 .example = "[2001:db8:e00:9::/64]", .rfc = "RFC 5213 2.2", .help = "Its home network prefixes."}, \
	{"ipv4-home-address", CONFIG_ADDR4, S(addr4), .def = "", LIVE, .example = "192.0.2.9", \
	 .rfc = "IPv4-MN-HoA, RFC 5844 2.2", .help = "Its IPv4 home address; none: IPv6 alone."}, \
	{"ipv4-domain", CONFIG_UINT, S(domain), .def = "0", RANGE(0, 65535), LIVE, .rfc = "RFC 5845 3.1", \
	 .help = "Tells equal IPv4 home addresses of several operators apart; other than 0 needs GRE keys."}
#define STATIC_ENCAP_ROW \
	{"encapsulation", CONFIG_NAME, S(encap), .def = "ip", .names = names_encap, LIVE, \
	 .rfc = "RFC 5213 6.10.2, RFC 5844 4, RFC 5845", \
	 .help = "Of its tunnel; the other end must use the same. Those with UDP run over IPv4 only."}
#define KEY_MAX 4294967295ll
static const struct config_row rows_lma_static[] = {
	STATIC_OWNER_ROWS,
	{"proxy-coa", CONFIG_ADDR_ANY, S(remote), LIVE, .example = "2001:db8:11::1",
	 .rfc = "Proxy-CoA, IPv4-Proxy-CoA, RFC 5844 2.2", .help = "The MAG's end of the tunnel."},
	{"lmaa", CONFIG_ADDR_ANY, S(local), .def = "", LIVE, .rfc = "LMAA, IPv4-LMAA, RFC 5844 2.2",
	 .help = "Our end, one of addresses or ipv4-addresses; none: the first of the MAG's family."},
	STATIC_ENCAP_ROW,
	{"downlink-gre-key", CONFIG_UINT, S(peer_key), .def = "0", RANGE(0, KEY_MAX), LIVE, .rfc = "RFC 5845 3.3",
	 .help = "That the MAG chose for packets to it; 0: not known yet, then nothing passes. Ours is in `pmipctl sessions`."},
};
static const struct config_section sec_lma_static = SECTION("lma.static-sessions[]",
	"Nodes that are anchored here without signalling", struct static_session, rows_lma_static);

/* lma */
#define L(member) ONE(struct config_file, c.lma.member)
static const struct config_row rows_lma[] = {
	{"addresses", CONFIG_ADDR, ARRAY(struct config_file, c.lma_addrs6, c.n_lma_addrs6), .def = "",
	 .example = "[2001:db8:2::1]", .rfc = "LMAA, RFC 5213 2.2",
	 .help = "Addresses that signalling and tunnels come to. The operator configures them on an interface."},
	{"ipv4-addresses", CONFIG_ADDR4, ARRAY(struct config_file, c.lma_addrs4, c.n_lma_addrs4), .def = "",
	 .example = "[198.51.100.1]", .rfc = "IPv4-LMAA, RFC 5844 2.2",
	 .help = "The same over IPv4, with signalling in UDP; none: there is no such transport. 16 addresses in all."},
	{"pools", CONFIG_SECTION, HEAP(struct config_file, c.lma.pools, c.lma.n_pools, 16), .def = "", .sub = &sec_pool,
	 LIVE, .rfc = "RFC 5213 5.3.2", .help = "Pools can be added while running, not changed or removed."},
	{"ipv4-pools", CONFIG_SECTION, HEAP(struct config_file, c.lma.pools4, c.lma.n_pools4, 64), .def = "", .sub = &sec_pool4,
	 LIVE, .rfc = "RFC 5844 3.1.2.2",
	 .help = "Home networks of IPv4 nodes, of static addresses too. They can be added while running, not changed or removed."},
	{"static-prefixes", CONFIG_PREFIX, HEAP(struct config_file, c.lma.static_prefixes, c.lma.n_static_prefixes, 256),
	 .def = "", RANGE(16, 64), LIVE, .example = "[2001:db8:f00::/48]", .rfc = "RFC 5213 5.3.2",
	 .help = "Aggregates of the prefixes that stand in profiles and are anchored here."},
	{"host-interface", CONFIG_STRING, ONE(struct config_file, c.host_interface), .def = "pmip0",
	 .syntax = &syn_host_ifname, LIVE,
	 .help = "Made by the daemon: by it this host, and what it forwards from other interfaces, reaches the nodes; \"\": none."},
	{"mags", CONFIG_SECTION, HEAP(struct config_file, c.lma.mags, c.lma.n_mags, 65535), .def = "", .sub = &sec_lma_mag,
	 LIVE, .rfc = "RFC 5213 4", .help = "Who may register nodes; nobody else is answered."},
	{"binding-revocation", CONFIG_BOOL, L(binding_revocation), .def = "true", LIVE, .rfc = "RFC 5846 8.1",
	 .help = "A MAG is told when a binding that it has ends or moves, and asked when a handover is of unknown kind; false: as in RFC 5213 alone."},
	{"on-mag-failure", CONFIG_NAME, L(on_mag_failure), .def = "hold", .names = names_orphans, LIVE, .rfc = "RFC 5847 3",
	 .help = "Bindings of a MAG that answers no heartbeats: hold them until their lifetime ends, or drop them at once."},
	{"on-mag-restart", CONFIG_NAME, L(on_mag_restart), .def = "drop", .names = names_orphans, LIVE, .rfc = "RFC 5847 3",
	 .help = "Bindings of a MAG that restarted without its sessions: hold them, or drop those that it does not register again."},
	{"mag-restart-grace", CONFIG_UINT, L(mag_restart_grace_s), .def = "60", RANGE(0, 86400), .unit = "s", LIVE,
	 .rfc = "RFC 5847 3", .help = "How long that MAG has to register its nodes again."},
	{"max-bindings", CONFIG_UINT, L(max_bindings), .def = "100000", RANGE(1, 10000000), .rfc = "RFC 5213 5.1",
	 .help = "Size of the binding cache; beyond it registrations get status 130."},
	{"max-lifetime", CONFIG_UINT, L(max_lifetime), .def = "3600", RANGE(4, LIFETIME_MAX), .unit = "s", LIVE,
	 .rfc = "RFC 5213 5.3.1", .help = "Granted at most; a multiple of 4."},
	{"binding-refresh-advice", CONFIG_UINT, L(refresh_advice), .def = "0", RANGE(0, LIFETIME_MAX), .unit = "s", LIVE,
	 .rfc = "Refresh Interval, RFC 6275 6.2.4", .help = "Sent in acknowledgements; a multiple of 4; 0: not sent."},
	{"min-delay-before-bce-delete", CONFIG_UINT, L(min_delay_before_bce_delete_ms), .def = "10000",
	 RANGE(0, 3600000), .unit = "ms", LIVE, .rfc = "MinDelayBeforeBCEDelete, RFC 5213 9.1",
	 .help = "How long a de-registered node's binding waits for another MAG; its packets are dropped meanwhile."},
	{"max-delay-before-new-bce-assign", CONFIG_UINT, L(max_delay_before_new_bce_assign_ms), .def = "1500",
	 RANGE(0, 60000), .unit = "ms", LIVE, .rfc = "MaxDelayBeforeNewBCEAssign, RFC 5213 9.1",
	 .help = "How long a registration that may be a handover waits for the old MAG's de-registration."},
	{"uplink-grace", CONFIG_UINT, L(uplink_grace_ms), .def = "500", RANGE(0, 10000), .unit = "ms", LIVE,
	 .help = "How long after a handover packets of the node are still taken from the MAG that it left; 0: not at all."},
	{"timestamp-validity-window", CONFIG_UINT, L(timestamp_validity_window_ms), .def = "300", RANGE(1, 3600000),
	 .unit = "ms", LIVE, .rfc = "TimestampValidityWindow, RFC 5213 9.1",
	 .help = "How far a MAG's clock may be off."},
	{"hold-before-new-bce", CONFIG_BOOL, L(hold_before_new_bce), .def = "true", LIVE, .rfc = "RFC 5213 5.4.1.2, 5.4.1.3",
	 .help = "Wait as MaxDelayBeforeNewBCEAssign says; false: create a new binding at once."},
	{"accept-forced-ipv4-udp-encapsulation-request", CONFIG_BOOL, L(accept_forced_ipv4_udp_encapsulation_request),
	 .def = "false", LIVE, .rfc = "AcceptForcedIPv4UDPEncapsulationRequest, RFC 5844 5.1",
	 .help = "A MAG may ask for tunnels in UDP; false: status 129."},
	{"gre-encapsulation", CONFIG_NAME, L(gre), .def = "refuse", .names = names_lma_gre, LIVE, .rfc = "RFC 5845 5.2",
	 .help = "What a MAG's wish for GRE gets: status 2, or GRE; require: status 163 for MAGs without it."},
	{"gre-tlv-header", CONFIG_BOOL, L(gre_tlv), .def = "false", LIVE, .rfc = "T flag, RFC 5845 7.2",
	 .help = "A MAG may ask for GRE in UDP with the TLV header; false: status 3, plain GRE."},
	{"ipv4-dhcp-support-mode", CONFIG_NAME, L(dhcp_relay), .def = "server", .names = names_dhcp4, LIVE,
	 .rfc = "IPv4 DHCP Support Mode, RFC 5844 3.3.4", .help = "Whether MAGs are the DHCP servers of their nodes, or relay to one."},
	{"static-sessions", CONFIG_SECTION, HEAP(struct config_file, c.lma_statics, c.n_lma_statics, 65536), .def = "",
	 .sub = &sec_lma_static, LIVE, .help = "Sessions that nobody signals, with any encapsulation."},
};
static const struct config_section sec_lma =
	SECTION("lma", "The Local Mobility Anchor; absent: this daemon is none", struct config_file, rows_lma);

/* mag.lmas[] */
static const struct config_row rows_mag_lma[] = {
	{"name", CONFIG_STRING, ONE(struct mag_lma_cfg, name), .syntax = &syn_word, LIVE, .example = "lma1",
	 .help = "For the log and `pmipctl`."},
	{"address", CONFIG_ADDR_ANY, ONE(struct mag_lma_cfg, addr), LIVE, .example = "2001:db8:2::1",
	 .rfc = "LMAA, IPv4-LMAA, RFC 5844 2.2",
	 .help = "Where registrations go and the tunnel ends. Over IPv4 both are between here and ipv4-proxy-coa."},
};
static const struct config_section sec_mag_lma =
	SECTION("mag.lmas[]", "Local Mobility Anchors; the first is the default", struct mag_lma_cfg, rows_mag_lma);

/* mag.neighbours[] */
#define N(member) ONE(struct mag_neighbour_cfg, member)
static const struct config_row rows_neighbour[] = {
	{"name", CONFIG_STRING, N(name), .syntax = &syn_word, LIVE, .example = "mag2",
	 .help = "For the log and `pmipctl`; triggers may name it instead of an access point."},
	{"address", CONFIG_ADDR_ANY, N(addr), LIVE, .example = "2001:db8:12::1", .rfc = "RFC 5949 6.1.1",
	 .help = "Its Proxy-CoA or IPv4-Proxy-CoA: messages come from there and go there, and the tunnel ends there."},
	{"ap-ids", CONFIG_STRING, ARRAY(struct mag_neighbour_cfg, ap_ids, n_ap_ids), .def = "", .syntax = &syn_ap, LIVE,
	 .example = "[\"02:00:00:00:12:01\", corridor]", .rfc = "[AP-ID, AR-Info] tuple, RFC 5949 4.1 (c)",
	 .help = "Its access points as triggers name them: link-layer address, SSID, or any other text."},
	{"encapsulation", CONFIG_NAME, N(encap), .def = "auto", .names = names_mag_encap, LIVE, .rfc = "RFC 5949 4.2",
	 .help = "Between the two MAGs, the same at both; auto: as between LMA and MAG. Those with UDP run over IPv4 only."},
};
static const struct config_section sec_neighbour = SECTION("mag.neighbours[]",
	"Other MAGs that nodes come from and go to by fast handover", struct mag_neighbour_cfg, rows_neighbour);

/* mag.fast-handover */
#define F(member) ONE(struct config_file, c.mag.fho.member)
static const struct config_row rows_fho[] = {
	{"buffer-at", CONFIG_NAME, F(buffer_at_old), .def = "new-mag", .names = names_buffer_at, LIVE, .rfc = "U flag, RFC 5949 4.1 (e)",
	 .help = "Where packets wait in a handover that is announced here: at the new MAG, or here until that asks for them."},
	{"hi-timeout", CONFIG_UINT, F(hi_timeout_ms), .def = "100", RANGE(1, 60000), .unit = "ms", LIVE, .rfc = "RFC 5568 6.2.1.1",
	 .help = "Until a Handover Initiate is sent again, doubled each time. A node that came unannounced is registered without its context after that."},
	{"hi-retries", CONFIG_UINT, F(hi_retries), .def = "3", RANGE(0, 10), LIVE, .rfc = "HI_RETRIES, RFC 5568 9",
	 .help = "How often it is sent again."},
	{"forwarding-time", CONFIG_UINT, F(forwarding_ms), .def = "10000", RANGE(100, 600000), .unit = "ms", LIVE, .rfc = "RFC 5949 4.1",
	 .help = "An announced node is waited for so long, and forwarding between MAGs ends after that in any case."},
	{"settle-time", CONFIG_UINT, F(settle_ms), .def = "500", RANGE(0, 60000), .unit = "ms", LIVE, .rfc = "RFC 5949 4.1",
	 .help = "Packets that come by way of the old MAG are taken so long after the registration."},
	{"leave-time", CONFIG_UINT, F(leave_ms), .def = "2000", RANGE(0, 60000), .unit = "ms", LIVE,
	 .help = "A node that nobody saw leave, and is heard here later than that, has come back. Longer than a Handover Initiate is repeated, 700 ms by default."},
	{"max-handovers", CONFIG_UINT, F(max), .def = "1000", RANGE(1, 4096), LIVE, .rfc = "RFC 5949 4.2",
	 .help = "At a time; more are refused with code 130. Half of them is divided among the neighbours and kept for each."},
	{"hi-rate", CONFIG_UINT, F(hi_rate), .def = "1000", RANGE(0, 1000000), .unit = "messages/s", LIVE,
	 .help = "Handover Initiates that each neighbour may send; more are ignored and counted. 0: no limit."},
	{"context-vendors", CONFIG_STRING, ARRAY(struct config_file, context_vendors, n_context_vendors), .def = "",
	 .syntax = &syn_vendor, LIVE, .example = "[\"31353/1\"]", .rfc = "Context Request, RFC 5949 6.2.1",
	 .help = "Vendor Specific options to ask the old MAG for when a node comes unannounced: Vendor ID and Sub-Type (RFC 5094). An announcement carries all that there are."},
};
static const struct config_section sec_fho =
	SECTION("mag.fast-handover", "Fast handover between MAGs (RFC 5949)", struct config_file, rows_fho);

/* mag.access[] */
#define A(member) ONE(struct config_access, member)
static const struct config_row rows_access[] = {
	{"name", CONFIG_STRING, A(name), .syntax = &syn_ifname, LIVE, .example = "acc0",
	 .help = "The interface; it may appear later."},
	{"type", CONFIG_NAME, A(type), .def = "shared", .names = names_link, LIVE, .rfc = "RFC 5213 6.3, RFC 6085",
	 .help = "Whether several nodes are on it (a bridge, an access point) or one."},
	{"hook", CONFIG_NAME, A(hook), .def = "auto", .names = names_hook, LIVE,
	 .help = "Where packets are taken: auto uses native XDP where the driver has it, else TC."},
	{"spread", CONFIG_BOOL, A(spread), .def = "false", LIVE,
	 .help = "Hand its frames to the CPUs of spread-cpus, by flow; where XDP runs."},
	{"ipv4-domain", CONFIG_UINT, A(domain), .def = "0", RANGE(0, 65535), LIVE,
	 .help = "Whose IPv4 home addresses are met here; see static-sessions."},
	{"access-technology-type", CONFIG_ATT, A(att), .def = "ieee-802.3", RANGE(1, 255), .names = names_att, LIVE,
	 .rfc = "Access Technology Type, RFC 5213 8.5", .help = "Told to the LMA; a name or the number."},
	{"probe-interval", CONFIG_UINT, A(probe_interval_ms), .def = "1000", RANGE(0, 3600000), .unit = "ms", LIVE,
	 .rfc = "RFC 5213 6.13", .help = "Between Neighbor Unreachability probes of an idle node; 0: never probe."},
	{"probe-count", CONFIG_UINT, A(probe_count), .def = "3", RANGE(1, 100), LIVE, .rfc = "RFC 5213 6.13",
	 .help = "So many probes without an answer mean that the node left."},
	{"attach-on-rs", CONFIG_BOOL, A(trigger_rs), .def = "true", LIVE, .rfc = "RFC 5213 6.9.1.1",
	 .help = "A Router Solicitation announces a node."},
	{"attach-on-ns", CONFIG_BOOL, A(trigger_ns), .def = "true", LIVE, .rfc = "RFC 5213 6.9.1.1",
	 .help = "A Neighbor Solicitation, duplicate address detection included, announces a node."},
	{"attach-on-arp", CONFIG_BOOL, A(trigger_arp), .def = "true", LIVE, .rfc = "RFC 5844 3.2.1",
	 .help = "An ARP request, probe or announcement announces a node."},
	{"attach-on-dhcp", CONFIG_BOOL, A(trigger_dhcp), .def = "true", LIVE, .rfc = "RFC 5844 3.4.3",
	 .help = "A DHCPDISCOVER or DHCPREQUEST announces a node."},
	{"detach-on-link-down", CONFIG_BOOL, A(trigger_link_down), .def = "true", LIVE, .rfc = "RFC 5213 6.13",
	 .help = "When the interface loses its carrier everybody on it left."},
	{"detach-on-neighbour", CONFIG_BOOL, A(trigger_neighbour), .def = "true", LIVE, .rfc = "RFC 5213 6.13",
	 .help = "When the bridge forgets the node's address it left."},
};
static const struct config_section sec_access =
	SECTION("mag.access[]", "Interfaces towards mobile nodes", struct config_access, rows_access);

/* mag.static-sessions[] */
static const struct config_row rows_mag_static[] = {
	STATIC_OWNER_ROWS,
	{"lmaa", CONFIG_ADDR_ANY, S(remote), LIVE, .example = "2001:db8:2::1",
	 .rfc = "LMAA, IPv4-LMAA, RFC 5844 2.2", .help = "The LMA's end of the tunnel; ours is proxy-coa or ipv4-proxy-coa, of the same family."},
	STATIC_ENCAP_ROW,
	{"uplink-gre-key", CONFIG_UINT, S(peer_key), .def = "0", RANGE(0, KEY_MAX), LIVE, .rfc = "RFC 5845 3.3",
	 .help = "That the LMA chose for packets to it; 0: not known yet, then nothing passes. Ours is in `pmipctl sessions`."},
	{"interface", CONFIG_STRING, S(ifname), .syntax = &syn_ifname, LIVE, .example = "acc0",
	 .help = "Where the node is: one of access."},
	{"link-layer-address", CONFIG_MAC, S(mac), LIVE, .example = "\"02:00:00:00:00:09\"",
	 .help = "The node's, on that interface."},
	{"local-routing", CONFIG_BOOL, S(local_routing), .def = "false", LIVE,
	 .rfc = "EnableMAGLocalRouting, RFC 5213 9.2", .help = "Its packets to other nodes here do not go through the LMA."},
};
static const struct config_section sec_mag_static = SECTION("mag.static-sessions[]",
	"Nodes that are served here without signalling", struct static_session, rows_mag_static);

/* mag.router-advertisements */
#define RA(member) ONE(struct config_file, c.access_cfg.member)
static const struct config_row rows_ra[] = {
	{"router-lifetime", CONFIG_UINT, RA(router_lifetime_s), .def = "1800", RANGE(0, 9000), .unit = "s", LIVE,
	 .rfc = "AdvDefaultLifetime, RFC 4861 6.2.1", .help = "How long a node keeps us as its default router."},
	{"max-interval", CONFIG_UINT, RA(max_rtr_adv_interval_s), .def = "600", RANGE(4, 1800), .unit = "s", LIVE,
	 .rfc = "MaxRtrAdvInterval, RFC 4861 6.2.1", .help = "At most so long between unsolicited advertisements to a node."},
	{"min-interval", CONFIG_UINT, RA(min_rtr_adv_interval_s), .def = "200", RANGE(3, 1350), .unit = "s", LIVE,
	 .rfc = "MinRtrAdvInterval, RFC 4861 6.2.1", .help = "And at least; not above 3/4 of max-interval."},
	{"max-delay", CONFIG_UINT, RA(max_ra_delay_ms), .def = "500", RANGE(0, 500), .unit = "ms", LIVE,
	 .rfc = "MAX_RA_DELAY_TIME, RFC 4861 10", .help = "An answer to a solicitation waits for a random part of it."},
	{"min-delay-between", CONFIG_UINT, RA(min_delay_between_ras_ms), .def = "3000", RANGE(30, 3000), .unit = "ms", LIVE,
	 .rfc = "MinDelayBetweenRAs, RFC 6275 13", .help = "Between two advertisements to one node."},
	{"hop-limit", CONFIG_UINT, RA(cur_hop_limit), .def = "64", RANGE(0, 255), LIVE,
	 .rfc = "AdvCurHopLimit, RFC 4861 6.2.1", .help = "Hop limit that nodes shall use; 0: not told."},
	{"managed", CONFIG_BOOL, RA(managed), .def = "false", LIVE, .rfc = "AdvManagedFlag, RFC 4861 6.2.1",
	 .help = "Tells nodes that addresses are available by DHCPv6; has no effect on the relay agent (dhcpv6-servers)."},
	{"other", CONFIG_BOOL, RA(other), .def = "false", LIVE, .rfc = "AdvOtherConfigFlag, RFC 4861 6.2.1",
	 .help = "Tells nodes that other configuration is available by DHCPv6; no effect on the relay agent."},
};
static const struct config_section sec_ra = SECTION("mag.router-advertisements",
	"What nodes are told; the same at every MAG of the domain", struct config_file, rows_ra);

/* mag.handover-buffer */
#define B(member) ONE(struct config_file, c.buffer.member)
static const struct config_row rows_buffer[] = {
	{"max-nodes", CONFIG_UINT, B(nodes), .def = "1024", RANGE(0, 2048),
	 .help = "Nodes whose packets may be kept at the same time; 0: none are ever kept, and it costs nothing."},
	{"node-packets", CONFIG_UINT, B(node_packets), .def = "2000", RANGE(1, 1000000),
	 .help = "Packets that may wait for one node; further ones are dropped."},
	{"node-octets", CONFIG_UINT, B(node_octets), .def = "2097152", RANGE(1500, 1073741824), .unit = "octets",
	 .help = "Octets that may wait for one node."},
	{"total-packets", CONFIG_UINT, B(total_packets), .def = "100000", RANGE(1, 10000000),
	 .help = "Packets that may wait for all nodes together."},
	{"total-octets", CONFIG_UINT, B(total_octets), .def = "67108864", RANGE(1500, 2147483647), .unit = "octets",
	 .help = "Octets that may wait for all nodes together."},
	{"max-age", CONFIG_UINT, B(age_ms), .def = "2000", RANGE(10, 600000), .unit = "ms",
	 .help = "A packet that has waited so long for its node to come is dropped."},
	{"drain-rate", CONFIG_UINT, B(drain_rate), .def = "0", RANGE(0, 10000000), .unit = "packets/s",
	 .help = "At which a node gets what was kept, after 5 packets back to back; 0: by the rate at which it came."},
	{"drain-speed", CONFIG_UINT, B(drain_speed), .def = "400", RANGE(100, 100000), .unit = "%", .rfc = "RFC 5568 5.4",
	 .help = "Of the rate at which packets came; with 100 a node never catches up while as many still come."},
};
static const struct config_section sec_buffer = SECTION("mag.handover-buffer",
	"Packets that wait for a node in a fast handover", struct config_file, rows_buffer);

/* mag */
#define M(member) ONE(struct config_file, c.mag.member)
static const struct config_row rows_mag[] = {
	{"proxy-coa", CONFIG_ADDR, M(proxy_coa), .def = "", .example = "2001:db8:11::1", .rfc = "Proxy-CoA, RFC 5213 2.2",
	 .help = "Our end of signalling and tunnels over IPv6; may be missing where all LMAs have IPv4 addresses. The operator configures it on an interface."},
	{"ipv4-proxy-coa", CONFIG_ADDR4, M(ipv4_proxy_coa), .def = "", .example = "198.51.100.11",
	 .rfc = "IPv4-Proxy-CoA, RFC 5844 2.2", .help = "The same over IPv4; may be missing where no LMA has an IPv4 address."},
	{"force-ipv4-udp-encapsulation-support", CONFIG_BOOL, M(force_ipv4_udp_encapsulation_support), .def = "false", LIVE,
	 .rfc = "ForceIPv4UDPEncapsulationSupport, RFC 5844 5.2", .help = "Ask LMAs over IPv4 for tunnels in UDP (F flag)."},
	{"gre-encapsulation", CONFIG_NAME, M(gre), .def = "none", .names = names_mag_gre, LIVE, .rfc = "GRE Key option, RFC 5845 4.2",
	 .help = "Ask LMAs for GRE tunnels; with keys, a session has one in each direction."},
	{"gre-tlv-header", CONFIG_BOOL, M(gre_tlv), .def = "false", LIVE, .rfc = "T flag, RFC 5845 7.2",
	 .help = "Ask LMAs over IPv4 for GRE in UDP with the TLV header."},
	{"lmas", CONFIG_SECTION, HEAP(struct config_file, c.mag.lmas, c.mag.n_lmas, 1024), .sub = &sec_mag_lma, LIVE,
	 .rfc = "RFC 5213 4", .help = "Anchors whose acknowledgements are believed."},
	{"neighbours", CONFIG_SECTION, HEAP(struct config_file, c.mag.neighbours, c.mag.n_neighbours, 1024), .def = "",
	 .sub = &sec_neighbour, LIVE, .rfc = "RFC 5949 4.1", .help = "MAGs that fast handover is done with; none: it is not done."},
	{"fast-handover", CONFIG_SECTION, .size = sizeof(struct config_file), .def = "{}", .sub = &sec_fho, LIVE,
	 .rfc = "RFC 5949", .help = "With neighbours."},
	{"access", CONFIG_SECTION, HEAP(struct config_file, c.access, c.n_access, 4095), .sub = &sec_access, LIVE,
	 .help = "Where mobile nodes attach."},
	{"router-advertisements", CONFIG_SECTION, .size = sizeof(struct config_file), .def = "{}", .sub = &sec_ra,
	 .rfc = "RFC 5213 6.8", .help = "What nodes are told."},
	{"handover-buffer", CONFIG_SECTION, .size = sizeof(struct config_file), .def = "{}", .sub = &sec_buffer,
	 .rfc = "RFC 5949 4.1, RFC 5568 5.4", .help = "What may wait for nodes that are about to come."},
	{"dhcpv6-servers", CONFIG_ADDR, ARRAY(struct config_file, c.dhcp6_servers, c.n_dhcp6_servers), .def = "", LIVE,
	 .example = "[2001:db8:5::547]", .rfc = "RFC 5213 6.11, RFC 8415 19",
	 .help = "Where DHCPv6 messages of served nodes are relayed to, each of them; the same on all MAGs. None: nothing is relayed."},
	{"dhcpv4-servers", CONFIG_INADDR, ARRAY(struct config_file, c.dhcp4_servers, c.n_dhcp4_servers), .def = "", LIVE,
	 .example = "[198.51.100.67]", .rfc = "RFC 5844 3.4.2",
	 .help = "Where DHCP messages go of nodes whose LMA says that MAGs relay; the same on all MAGs. None: nothing is relayed."},
	{"dhcpv4-relay-address", CONFIG_INADDR, ONE(struct config_file, c.dhcp4_relay_addr), .def = "",
	 .example = "198.51.100.11", .rfc = "giaddr, RFC 2131 4.1, RFC 5844 3.4.2",
	 .help = "Of this machine: servers answer to it; none: ipv4-proxy-coa."},
	{"dhcpv4-lease-time", CONFIG_UINT, RA(dhcp4_max_lease_s), .def = "3600", RANGE(10, 31536000),
	 .unit = "s", LIVE, .rfc = "RFC 5844 3.4.3", .help = "Of addresses that this MAG leases; no longer than the lifetime that the LMA grants."},
	{"dhcpv4-server-identifier", CONFIG_INADDR, RA(dhcp4_server_id), .def = "", LIVE,
	 .example = "192.0.0.8", .rfc = "RFC 5844 3.4.1",
	 .help = "Of the DHCP server in this MAG, the same on all MAGs; none: the default router's address."},
	{"max-nodes", CONFIG_UINT, RA(max_nodes), .def = "100000", RANGE(1, 10000000), LIVE,
	 .help = "Nodes tracked on all access interfaces; more are ignored and counted."},
	{"max-nodes-per-interface", CONFIG_UINT, RA(max_nodes_per_link), .def = "65536", RANGE(1, 10000000), LIVE,
	 .help = "And on one of them."},
	{"attach-rate", CONFIG_UINT, RA(attach_rate), .def = "100", RANGE(1, 1000000), .unit = "nodes/s", LIVE,
	 .help = "New link-layer addresses per interface that are looked at; bursts of twice that."},
	{"retry-refused", CONFIG_UINT, RA(retrigger_ms), .def = "1000", RANGE(0, 3600000), .unit = "ms", LIVE,
	 .help = "A node that was refused is looked at again at most this often."},
	{"suspect-probe-interval", CONFIG_UINT, RA(suspect_probe_ms), .def = "100", RANGE(10, 60000), .unit = "ms", LIVE,
	 .rfc = "RFC 5213 6.13", .help = "Between probes of a node that may have left, when something hints at it."},
	{"max-bindings", CONFIG_UINT, M(max_bindings), .def = "100000", RANGE(1, 10000000), .rfc = "RFC 5213 6.1",
	 .help = "Size of the binding update list; beyond it nodes are refused."},
	{"lifetime", CONFIG_UINT, M(lifetime), .def = "3600", RANGE(4, LIFETIME_MAX), .unit = "s", LIVE,
	 .rfc = "RFC 5213 6.9.1.1", .help = "Asked for in registrations; a multiple of 4."},
	{"refresh-percent", CONFIG_UINT, M(refresh_percent), .def = "75", RANGE(10, 95), .unit = "%", LIVE,
	 .rfc = "RFC 5213 6.9.1.3", .help = "Registers anew when this part of the granted lifetime is over."},
	{"identity", CONFIG_STRING, M(identity), .def = "", .syntax = &syn_nai_or_empty, LIVE, .example = "mag1@example.com",
	 .rfc = "RFC 5846 9.2", .help = "What this MAG calls itself when it revokes all its bindings; none: the name of the instance."},
	{"reregister-rate", CONFIG_UINT, M(reregister_rate), .def = "500", RANGE(1, 1000000), .unit = "nodes/s", LIVE,
	 .rfc = "RFC 5847 3", .help = "How fast all nodes are registered again when an LMA restarted or is reachable again."},
	{"initial-bindack-timeout", CONFIG_UINT, M(initial_bindack_timeout_ms), .def = "1000", RANGE(100, 60000),
	 .unit = "ms", LIVE, .rfc = "INITIAL_BINDACK_TIMEOUT, RFC 6275 12",
	 .help = "First wait for an acknowledgement; doubles with each retransmission."},
	{"max-bindack-timeout", CONFIG_UINT, M(max_bindack_timeout_ms), .def = "32000", RANGE(100, 3600000), .unit = "ms",
	 LIVE, .rfc = "MAX_BINDACK_TIMEOUT, RFC 6275 12", .help = "The wait does not grow beyond this."},
	{"tunnel-mtu", CONFIG_UINT, M(tunnel_mtu), .def = "0", RANGE(0, 65495), .unit = "octets", .rfc = "RFC 5213 6.9.5",
	 .example = "1460", .help = "Advertised to the nodes; 0: from the path to the LMA; else 1280 or more."},
	{"enable-mag-local-routing", CONFIG_BOOL, M(enable_mag_local_routing), .def = "false", LIVE,
	 .rfc = "EnableMAGLocalRouting, RFC 5213 9.2",
	 .help = "Packets between two nodes here do not go through the LMA. A profile may say otherwise."},
	{"deprecate-on-detach", CONFIG_BOOL, M(deprecate_on_detach), .def = "true", LIVE, .rfc = "RFC 5213 6.12",
	 .help = "A final advertisement with zero lifetimes when the session ends here."},
	{"static-sessions", CONFIG_SECTION, HEAP(struct config_file, c.mag_statics, c.n_mag_statics, 65536), .def = "",
	 .sub = &sec_mag_static, LIVE, .help = "Sessions that nobody signals, with any encapsulation."},
};
static const struct config_section sec_mag =
	SECTION("mag", "The Mobile Access Gateway; absent: this daemon is none", struct config_file, rows_mag);

/* domain */
#define D(member) ONE(struct config_file, domain.member)
static const struct config_row rows_domain[] = {
	{"realm", CONFIG_STRING, D(realm), .def = "", .syntax = &syn_realm, LIVE, .example = "example.com",
	 .rfc = "RFC 5213 6.6", .help = "A node without a profile is known by its link-layer address, @ and this realm; absent: it is refused."},
	{"timestamp-based-approach-in-use", CONFIG_BOOL, D(timestamp_based_approach_in_use), .def = "true",
	 .rfc = "TimestampBasedApproachInUse, RFC 5213 9.3",
	 .help = "Order registrations by time; false: by sequence number."},
	{"mobile-node-generated-timestamp-in-use", CONFIG_BOOL, D(mobile_node_generated_timestamp_in_use), .def = "false",
	 .rfc = "MobileNodeGeneratedTimestampInUse, RFC 5213 9.3",
	 .help = "Timestamps come from the nodes; needs timestamp-based-approach-in-use."},
	{"fixed-mag-link-local-address-on-all-access-links", CONFIG_LINKLOCAL, D(fixed_link_local),
	 .def = "fe80::200:5eff:fe00:5213", .rfc = "FixedMAGLinkLocalAddressOnAllAccessLinks, RFC 5213 9.3, RFC 6543",
	 .help = "The default router of every node on every MAG; \"::\": the LMA assigns one per node."},
	{"fixed-mag-link-layer-address-on-all-access-links", CONFIG_MAC_OR_ZERO, D(fixed_link_layer),
	 .def = "00:00:5e:00:52:13", .rfc = "FixedMAGLinkLayerAddressOnAllAccessLinks, RFC 5213 9.3, RFC 6543",
	 .help = "Its link-layer address; all zero: each interface's own."},
};
static const struct config_section sec_domain = SECTION(
	"domain", "What every LMA and MAG of the domain must have in common", struct config_file, rows_domain);

/* profiles[], fallback-profiles[] */
#define P(member) ONE(struct config_profile, profile.member)
#define PROFILE_ROWS \
	{"enabled", CONFIG_BOOL, P(enabled), .def = "true", LIVE, .rfc = "RFC 5213 5.3.1", \
	 .help = "Entitled to network-based mobility; false: status 152."}, \
	{"ipv6", CONFIG_BOOL, ONE(struct config_profile, ipv6), .def = "true", LIVE, .rfc = "RFC 5844 3.1.2", \
	 .help = "May have home network prefixes; false: status 172."}, \
	{"ipv4", CONFIG_BOOL, P(ipv4), .def = "false", LIVE, .example = "true", .rfc = "RFC 5844 3.1.2, 3.2.1", \
	 .help = "May have an IPv4 home address; false: status 170."}, \
	{"ipv4-pool", CONFIG_STRING, P(pool4), .def = "", .syntax = &syn_word_or_empty, LIVE, \
	 .help = "Which of lma.ipv4-pools its address comes from or lies in; none: any."}, \
	{"dns-servers", CONFIG_INADDR, ARRAY(struct config_profile, profile.dns4, profile.n_dns4), .def = "", LIVE, \
	 .example = "[203.0.113.53]", .rfc = "RFC 2132 3.8", .help = "Told to it by the DHCP server in the MAG."}, \
	{"pool", CONFIG_STRING, P(pool), .def = "", .syntax = &syn_word_or_empty, LIVE, \
	 .help = "Pool that its prefixes come from; none: any."}, \
	{"prefix-count", CONFIG_UINT, P(prefix_count), .def = "1", RANGE(1, DP_PREFIXES_MAX), LIVE, \
	 .rfc = "RFC 5213 5.3.2", .help = "How many /64 prefixes it gets from the pool."}, \
	{"lma", CONFIG_ADDR_ANY, P(lmaa), .def = "", LIVE, .rfc = "RFC 5213 6.2", \
	 .help = "Address of its anchor, one of mag.lmas; none: the first of them."}, \
	{"lifetime", CONFIG_UINT, P(lifetime), .def = "0", RANGE(0, LIFETIME_MAX), .unit = "s", LIVE, \
	 .rfc = "RFC 5213 6.2", .help = "Binding lifetime, a multiple of 4; 0: as the role says."}, \
	{"local-routing", CONFIG_NAME, P(local_routing), .def = "inherit", .names = names_inherit, LIVE, \
	 .rfc = "EnableMAGLocalRouting, RFC 5213 9.2", .help = "Overrides the MAG's setting for this node."}
static const struct config_row rows_profile[] = {
	{"mn-id", CONFIG_STRING, ONE(struct config_profile, id), .syntax = &syn_nai, LIVE, .example = "mn1@example.com",
	 .rfc = "MN-Identifier, RFC 4283 3.1", .help = "Who the node is."},
	{"link-layer-addresses", CONFIG_MAC, ARRAY(struct config_profile, profile.macs, profile.n_macs), .def = "", LIVE,
	 .example = "[\"02:00:00:00:00:01\"]", .rfc = "RFC 5213 6.6", .help = "By which a MAG recognises it."},
	{"prefixes", CONFIG_PREFIX, ARRAY(struct config_profile, profile.prefixes, profile.n_prefixes), .def = "",
	 RANGE(64, 64), LIVE, .rfc = "RFC 5213 6.2", .help = "Its own home network prefixes; none: from the pool."},
	{"ipv4-home-address", CONFIG_INADDR, P(home4), .def = "", LIVE, .example = "203.0.113.9",
	 .rfc = "IPv4-MN-HoA, RFC 5844 2.2", .help = "Its own IPv4 home address, in one of lma.ipv4-pools; none: any of them."},
	PROFILE_ROWS,
};
static const struct config_section sec_profile = SECTION(
	"profiles[]", "What the domain knows of its nodes (RFC 5213 6.2)", struct config_profile, rows_profile);
static const struct config_row rows_fallback[] = {
	{"match", CONFIG_STRING, ONE(struct config_profile, id), .syntax = &syn_match, LIVE, .example = "\"@example.com\"",
	 .help = "Nodes of that realm, or \"*\"."},
	PROFILE_ROWS,
};
static const struct config_section sec_fallback = SECTION(
	"fallback-profiles[]", "For nodes without a profile of their own", struct config_profile, rows_fallback);

/* transport[] */
static const struct config_row rows_transport[] = {
	{"name", CONFIG_STRING, ONE(struct config_transport, name), .syntax = &syn_ifname, LIVE, .example = "eth0",
	 .help = "The interface; it may appear later."},
	{"hook", CONFIG_NAME, ONE(struct config_transport, hook), .def = "auto", .names = names_hook, LIVE,
	 .help = "Where packets are taken: auto uses native XDP where the driver has it, else TC."},
	{"spread", CONFIG_BOOL, ONE(struct config_transport, spread), .def = "false", LIVE,
	 .help = "Hand its frames to the CPUs of spread-cpus, by inner flow; where XDP runs."},
	{"ipv4-domain", CONFIG_UINT, ONE(struct config_transport, domain), .def = "0", RANGE(0, 65535), LIVE,
	 .help = "Whose IPv4 home addresses are met here in packets outside of tunnels; in a VRF, its routes are that domain's."},
};
static const struct config_section sec_transport = SECTION(
	"transport[]", "Interfaces towards the network, the LMA's to the Internet included", struct config_transport,
	rows_transport);

/* the file */
#define R(member) ONE(struct config_file, c.member)
static const struct config_row rows_root[] = {
	{"instance", CONFIG_STRING, R(instance), .def = "pmipd", .syntax = &syn_instance, .example = "lma1",
	 .help = "Tells daemons on one machine apart; names the directory of the pinned maps."},
	{"log-level", CONFIG_NAME, R(log_level), .def = "info", .names = names_log, LIVE,
	 .help = "The least important class that is logged."},
	{"control-socket", CONFIG_STRING, R(control_socket), .def = "", .syntax = &syn_path_or_empty,
	 .example = "/run/pmipd/lma1.sock", .help = "Where `pmipctl` connects; none: /run/pmipd/INSTANCE.sock."},
	{"control-group", CONFIG_STRING, R(control_group), .def = "", .syntax = &syn_word_or_empty,
	 .help = "Group that may use the control socket; none: root alone."},
	{"bpffs", CONFIG_STRING, R(bpffs), .def = "/sys/fs/bpf", .syntax = &syn_path,
	 .help = "BPF file system; maps and programs are pinned in pmip/INSTANCE/ there."},
	{"state-directory", CONFIG_STRING, R(state_directory), .def = "", .syntax = &syn_path_or_empty,
	 .example = "/var/lib/pmipd/lma1", .help = "Made by the daemon, for what outlives it: the store of its sessions and the Restart Counter; none: /var/lib/pmipd/INSTANCE."},
	{"loss-window", CONFIG_UINT, R(loss_window_ms), .def = "100", RANGE(0, 60000), .unit = "ms", LIVE,
	 .help = "What changed within it may be lost when the daemon or the machine dies; 0: no reply leaves before its change is on disk."},
	{"heartbeat-interval", CONFIG_UINT, R(heartbeat_interval_s), .def = "60", RANGE(0, 3600), .unit = "s", LIVE,
	 .rfc = "HEARTBEAT_INTERVAL, RFC 5847 5", .help = "Between requests to a peer that has bindings with us; 30 and more is recommended; 0: none are sent, those of peers are answered."},
	{"missing-heartbeats-allowed", CONFIG_UINT, R(missing_heartbeats_allowed), .def = "3", RANGE(0, 1000), LIVE,
	 .rfc = "MISSING_HEARTBEATS_ALLOWED, RFC 5847 5", .help = "More unanswered requests in a row, and the peer counts as unreachable."},
	{"init-min-delay-bris", CONFIG_UINT, R(revocation.init_min_delay_ms), .def = "1000",
	 RANGE(REVOCATION_MIN_DELAY_MS, 60000), .unit = "ms", LIVE, .rfc = "InitMINDelayBRIs, RFC 5846 11",
	 .help = "First wait for the acknowledgement of a binding revocation; doubles with each repetition."},
	{"max-brack-timeout", CONFIG_UINT, R(revocation.max_timeout_ms), .def = "2000", RANGE(REVOCATION_MIN_DELAY_MS, 600000),
	 .unit = "ms", LIVE, .rfc = "MAX_BRACK_TIMEOUT, RFC 5846 11", .help = "The wait does not grow beyond this."},
	{"bri-max-retries-number", CONFIG_UINT, R(revocation.max_retries), .def = "1", RANGE(0, 100), LIVE,
	 .rfc = "BRIMaxRetriesNumber, RFC 5846 11",
	 .help = "Repetitions of a binding revocation; after them what it was about ends without an answer."},
	{"signalling-dscp", CONFIG_UINT, R(signalling_dscp), .def = "48", RANGE(0, 63), .rfc = "CS6, RFC 4594 3.2",
	 .help = "Differentiated Services code point of our Mobility Headers."},
	{"tcp-mss-clamp", CONFIG_BOOL, R(tcp_mss_clamp), .def = "false", .rfc = "MSS, RFC 9293 3.7.1",
	 .help = "TCP connections learn at their start what fits the tunnel: for paths that lose Packet Too Big."},
	{"udp-fixed-port", CONFIG_BOOL, R(udp_fixed_port), .def = "false", .rfc = "RFC 5844 4.1.4.1",
	 .help = "Tunnel packets in UDP leave from port 5437; false: from a port per flow, which receivers can spread over queues."},
	{"leave-forwarding", CONFIG_BOOL, R(leave_forwarding), .def = "true",
	 .help = "The data plane goes on when the daemon ends, and the next one goes on with it; false: nothing of it stays, but after a crash."},
	{"spread-cpus", CONFIG_UINT, ARRAY(struct config_file, c.spread_cpu, c.n_spread_cpus), .def = "", RANGE(0, 4095),
	 .example = "[1, 2, 3]", .help = "CPUs for the frames of interfaces with spread: true."},
	{"transport", CONFIG_SECTION, HEAP(struct config_file, c.transport, c.n_transport, 256), .sub = &sec_transport, LIVE,
	 .help = "Interfaces that tunnel packets come and go by."},
	{"domain", CONFIG_SECTION, .size = sizeof(struct config_file), .def = "{}", .sub = &sec_domain,
	 .help = "What every LMA and MAG of the domain must have in common."},
	{"lma", CONFIG_SECTION, .size = sizeof(struct config_file), .count = offsetof(struct config_file, c.has_lma),
	 .def = "", .sub = &sec_lma, .help = "The Local Mobility Anchor; absent: this daemon is none."},
	{"mag", CONFIG_SECTION, .size = sizeof(struct config_file), .count = offsetof(struct config_file, c.has_mag),
	 .def = "", .sub = &sec_mag, .help = "The Mobile Access Gateway; absent: this daemon is none."},
	{"profiles", CONFIG_SECTION, HEAP(struct config_file, profiles, n_profiles, 1000000), .def = "", .sub = &sec_profile,
	 LIVE, .rfc = "RFC 5213 6.2", .help = "What the domain knows of its nodes."},
	{"fallback-profiles", CONFIG_SECTION, HEAP(struct config_file, fallbacks, n_fallbacks, 4096), .def = "",
	 .sub = &sec_fallback, LIVE, .rfc = "RFC 5213 6.2", .help = "For nodes without a profile of their own."},
};
const struct config_section config_root = SECTION("", "The file", struct config_file, rows_root);
// clang-format on
