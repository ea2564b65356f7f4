/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a broken configuration is told: one line that names file, line, key and the remedy. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "config/config.h"
#include "lib/cu.h"

// clang-format off
#define TRANSPORT "transport:\n" "  - name: eth0\n"
#define LMA_SECTION \
	"lma:\n" \
	"  addresses: [2001:db8::1]\n" \
	"  pools:\n" \
	"    - {name: p, prefix: 2001:db8:100::/44}\n"
#define LMA TRANSPORT LMA_SECTION /* ends with line 6 */
#define MAG TRANSPORT \
	"mag:\n" \
	"  proxy-coa: 2001:db8::2\n" \
	"  lmas:\n" \
	"    - {name: l, address: 2001:db8::1}\n" \
	"  access:\n" \
	"    - name: acc0\n" /* ends with line 8 */

static const struct {
	const char *what, *yaml, *error;
} broken[] = {
	{"empty file",
	 "",
	 "f:1: file: is empty; a transport list and an lma or a mag section"},
	{"only comments",
	 "# nothing\n"
	 "\n",
	 "f:1: file: is empty; a transport list and an lma or a mag section"},
	{"a list",
	 "- a\n"
	 "- b\n",
	 "f:1: file: is a list, not a mapping; \"key: value\" lines"},
	{"one word",
	 "hello\n",
	 "f:1: file: is one value, not a mapping; \"key: value\" lines"},
	{"tab indentation",
	 "transport:\n"
	 "\t- name: eth0\n",
	 "f:2: syntax: found character that cannot start any token; indent with spaces, not tabs"},
	{"unclosed bracket",
	 LMA "  static-prefixes: [2001:db8::/48\n",
	 "f:8: syntax: did not find expected ',' or ']'; well-formed YAML, with equal indentation "
	 "on one level"},
	{"wrong indentation",
	 TRANSPORT "lma:\n"
	 "  addresses: [2001:db8::1]\n"
	 " pools: []\n",
	 "f:5: syntax: did not find expected key; well-formed YAML, with equal indentation on one "
	 "level"},
	{"binary",
	 TRANSPORT "\001\002\003",
	 "f:3: syntax: control characters are not allowed; text in UTF-8"},
	{"not UTF-8",
	 TRANSPORT "instance: \"\377\376\"\n",
	 "f:3: syntax: invalid leading UTF-8 octet; text in UTF-8"},
	{"zero octet in a value",
	 TRANSPORT "instance: \"a\\0b\"\n",
	 "f:3: instance: has a zero octet in it; a value of printable characters"},
	{"two documents",
	 LMA "---\n"
	 "instance: b\n",
	 "f:8: file: has a second document; one, without \"---\" in between"},
	{"duplicate key",
	 LMA "transport:\n"
	 "  - name: eth1\n",
	 "f:7: transport: is given again, first in line 1; one of them"},
	{"duplicate key inside",
	 MAG "  lifetime: 8\n"
	 "  lifetime: 12\n",
	 "f:10: mag.lifetime: is given again, first in line 9; one of them"},
	{"alias",
	 TRANSPORT "instance: &a x\n"
	 "control-group: *a\n",
	 "f:4: control-group: is an alias of line 3; the value itself, written out"},
	{"list as a key",
	 "? [a, b]\n"
	 ": 1\n",
	 "f:1: file: has a list or a mapping as a key; \"key: value\" lines"},
	{"no value",
	 LMA "instance:\n",
	 "f:7: instance: has no value; give one, or leave the key out"},
	{"null",
	 LMA "  mags: ~\n",
	 "f:7: lma.mags: has no value; give one, or leave the key out"},
	{"too deep",
	 "a: [[[[[[[[[[[1]]]]]]]]]]]\n",
	 "f:1: a[0][0][0][0][0][0][0][0]: is nested too deeply; only keys of docs/configuration.md"},
	{"neither role",
	 TRANSPORT,
	 "f:1: file: has neither lma nor mag; one of them, or both"},
	{"unknown key at the top",
	 LMA "instanse: a\n",
	 "f:7: instanse: is no key of the file; the nearest is \"instance\""},
	{"unknown key in lma",
	 LMA "  max-binding: 5\n",
	 "f:7: lma.max-binding: is no key of lma; the nearest is \"max-bindings\""},
	{"unknown key in an entry",
	 LMA "  mags:\n"
	 "    - {name: m, adress: 2001:db8::5}\n",
	 "f:8: lma.mags[0].adress: is no key of lma.mags[]; the nearest is \"address\""},
	{"unknown key, nothing near",
	 LMA "xyzzy: 5\n",
	 "f:7: xyzzy: is no key of the file; the nearest is \"bpffs\""},
	{"key of another section",
	 MAG "  max-lifetime: 100\n",
	 "f:9: mag.max-lifetime: is no key of mag; it is one of lma"},
	{"missing transport",
	 LMA_SECTION,
	 "f:1: transport: is missing; a list with at least one entry"},
	{"missing addresses",
	 TRANSPORT "lma:\n"
	 "  pools:\n"
	 "    - {name: p, prefix: 2001:db8:100::/44}\n",
	 "f:3: lma.addresses: is missing; addresses, ipv4-addresses, or both"},
	{"missing proxy-coa",
	 TRANSPORT "mag:\n"
	 "  lmas:\n"
	 "    - {name: l, address: 2001:db8::1}\n"
	 "  access:\n"
	 "    - name: a\n",
	 "f:3: mag.proxy-coa: is missing while lmas[0] has an IPv6 address; an address of this "
	 "machine"},
	{"missing access",
	 TRANSPORT "mag:\n"
	 "  proxy-coa: 2001:db8::2\n"
	 "  lmas:\n"
	 "    - {name: l, address: 2001:db8::1}\n",
	 "f:3: mag.access: is missing; a list with at least one entry"},
	{"empty access",
	 TRANSPORT "mag:\n"
	 "  proxy-coa: 2001:db8::2\n"
	 "  lmas:\n"
	 "    - {name: l, address: 2001:db8::1}\n"
	 "  access: []\n",
	 "f:7: mag.access: is empty; a list with at least one entry"},
	{"missing name in an entry",
	 LMA "  mags:\n"
	 "    - address: 2001:db8::5\n",
	 "f:8: lma.mags[0].name: is missing; letters, digits, '-', '_' and '.', such as mag1"},
	{"value for a section",
	 TRANSPORT "lma: 5\n",
	 "f:3: lma: is one value; \"key: value\" lines"},
	{"list for a section",
	 TRANSPORT "lma: [5]\n",
	 "f:3: lma: is a list; \"key: value\" lines"},
	{"value for a list",
	 TRANSPORT "lma:\n"
	 "  addresses: 2001:db8::1\n",
	 "f:4: lma.addresses: is one value; a list, each entry a routable IPv6 address such as "
	 "2001:db8::1"},
	{"mapping for a list",
	 "transport: {name: eth0}\n",
	 "f:1: transport: is a mapping; a list, each entry \"- key: value\" lines"},
	{"list for a value",
	 LMA "instance: [a]\n",
	 "f:7: instance: is a list; letters, digits, '-' and '_', such as lma1"},
	{"word for an entry",
	 LMA "  mags: [mag1]\n",
	 "f:7: lma.mags[0]: is one value; \"key: value\" lines"},
	{"list in a list",
	 TRANSPORT "lma:\n"
	 "  addresses: [[2001:db8::1]]\n",
	 "f:4: lma.addresses[0]: is a list; a routable IPv6 address such as 2001:db8::1"},
	{"too many entries",
	 TRANSPORT "lma:\n"
	 "  addresses: [2001:db8::1, 2001:db8::2, 2001:db8::3, 2001:db8::4, 2001:db8::5, 2001:db8::6, 2001:db8::7, 2001:db8::8, 2001:db8::9, 2001:db8::a, 2001:db8::b, 2001:db8::c, 2001:db8::d, 2001:db8::e, 2001:db8::f, 2001:db8::10, 2001:db8::11]\n",
	 "f:4: lma.addresses: has too many entries; at most 16"},
	{"number with a unit",
	 LMA "  max-lifetime: 10s\n",
	 "f:7: lma.max-lifetime: \"10s\" is not a whole number; a whole number from 4 to 262140 s"},
	{"hexadecimal number",
	 LMA "  max-bindings: 0x10\n",
	 "f:7: lma.max-bindings: \"0x10\" is not a whole number; a whole number from 1 to 10000000"},
	{"octal number",
	 LMA "  max-bindings: 010\n",
	 "f:7: lma.max-bindings: \"010\" is not a whole number; a whole number from 1 to 10000000"},
	{"negative number",
	 LMA "  max-bindings: -1\n",
	 "f:7: lma.max-bindings: \"-1\" is not a whole number; a whole number from 1 to 10000000"},
	{"number out of range",
	 LMA "  max-bindings: 0\n",
	 "f:7: lma.max-bindings: \"0\" is out of range; a whole number from 1 to 10000000"},
	{"huge number",
	 LMA "  max-bindings: 99999999999999999999999\n",
	 "f:7: lma.max-bindings: \"99999999999999999999999\" is out of range; a whole number from 1 "
	 "to 10000000"},
	{"not a truth value",
	 LMA "  hold-before-new-bce: flase\n",
	 "f:7: lma.hold-before-new-bce: \"flase\" is neither true nor false; true or false"},
	{"unknown word",
	 LMA "log-level: verbose\n",
	 "f:7: log-level: \"verbose\" is unknown; one of bug, local, auth, remote, info, debug"},
	{"unknown hook",
	 "transport:\n"
	 "  - {name: eth0, hook: native}\n",
	 "f:2: transport[0].hook: \"native\" is unknown; one of auto, xdp, tc, xdp-generic"},
	{"bad address",
	 TRANSPORT "lma:\n"
	 "  addresses: [2001:db8::zz]\n",
	 "f:4: lma.addresses[0]: \"2001:db8::zz\" is not an IPv6 address; a routable IPv6 address "
	 "such as 2001:db8::1"},
	{"IPv4 address",
	 TRANSPORT "lma:\n"
	 "  addresses: [192.0.2.1]\n",
	 "f:4: lma.addresses[0]: \"192.0.2.1\" is not an IPv6 address; a routable IPv6 address such "
	 "as 2001:db8::1"},
	{"address with a length",
	 TRANSPORT "lma:\n"
	 "  addresses: [2001:db8::1/64]\n",
	 "f:4: lma.addresses[0]: \"2001:db8::1/64\" has a prefix length; a routable IPv6 address "
	 "such as 2001:db8::1"},
	{"link-local LMAA",
	 TRANSPORT "lma:\n"
	 "  addresses: [fe80::1]\n",
	 "f:4: lma.addresses[0]: \"fe80::1\" is not routable; a routable IPv6 address "
	 "such as 2001:db8::1"},
	{"multicast Proxy-CoA",
	 TRANSPORT "mag:\n"
	 "  proxy-coa: ff02::1\n"
	 "  lmas:\n"
	 "    - {name: l, address: 2001:db8::1}\n"
	 "  access:\n"
	 "    - name: a\n",
	 "f:4: mag.proxy-coa: \"ff02::1\" is not routable; a routable IPv6 address "
	 "such as 2001:db8::1"},
	{"host bits in a prefix",
	 TRANSPORT "lma:\n"
	 "  addresses: [2001:db8::1]\n"
	 "  pools:\n"
	 "    - name: p\n"
	 "      prefix: 2001:db8::1/48\n",
	 "f:7: lma.pools[0].prefix: \"2001:db8::1/48\" has bits set beyond its length; 2001:db8::/48"},
	{"prefix without length",
	 TRANSPORT "lma:\n"
	 "  addresses: [2001:db8::1]\n"
	 "  pools:\n"
	 "    - {name: p, prefix: \"2001:db8::\"}\n",
	 "f:6: lma.pools[0].prefix: \"2001:db8::\" has no prefix length; an IPv6 prefix of 16 to 64 "
	 "bits such as 2001:db8:1::/48"},
	{"prefix too long",
	 TRANSPORT "lma:\n"
	 "  addresses: [2001:db8::1]\n"
	 "  pools:\n"
	 "    - {name: p, prefix: 2001:db8::/65}\n",
	 "f:6: lma.pools[0].prefix: \"2001:db8::/65\" has a length out of range; an IPv6 prefix of "
	 "16 to 64 bits such as 2001:db8:1::/48"},
	{"multicast pool",
	 TRANSPORT "lma:\n"
	 "  addresses: [2001:db8::1]\n"
	 "  pools:\n"
	 "    - {name: p, prefix: ff02::/16}\n",
	 "f:6: lma.pools[0].prefix: \"ff02::/16\" is not for unicast routing; an IPv6 prefix of 16 "
	 "to 64 bits such as 2001:db8:1::/48"},
	{"unknown access technology",
	 MAG "      access-technology-type: wifi7\n",
	 "f:9: mag.access[0].access-technology-type: \"wifi7\" is no access technology; a number "
	 "from 1 to 255 or one of virtual, ppp, ieee-802.3, ieee-802.11, ieee-802.16e, "
	 "3gpp-geran, 3gpp-utran, 3gpp-e-utran, 3gpp2-ehrpd, 3gpp2-hrpd, 3gpp2-1xrtt, 3gpp2-umb, "
	 "3gpp-nb-iot"},
	{"access technology 256",
	 MAG "      access-technology-type: 256\n",
	 "f:9: mag.access[0].access-technology-type: \"256\" is out of range; a number from 1 to "
	 "255 or one of virtual, ppp, ieee-802.3, ieee-802.11, ieee-802.16e, 3gpp-geran, "
	 "3gpp-utran, 3gpp-e-utran, 3gpp2-ehrpd, 3gpp2-hrpd, 3gpp2-1xrtt, 3gpp2-umb, 3gpp-nb-iot"},
	{"interface name too long",
	 "transport:\n"
	 "  - name: eth0123456789abc\n",
	 "f:2: transport[0].name: \"eth0123456789abc\" is longer than 15 characters; an interface "
	 "name such as eth0"},
	{"interface name with a slash",
	 "transport:\n"
	 "  - name: eth/0\n",
	 "f:2: transport[0].name: \"eth/0\" is not allowed here; an interface name such as eth0"},
	{"instance with a dot",
	 LMA "instance: lma.1\n",
	 "f:7: instance: \"lma.1\" is not allowed here; letters, digits, '-' and '_', such as lma1"},
	{"relative socket path",
	 LMA "control-socket: run/x.sock\n",
	 "f:7: control-socket: \"run/x.sock\" is not allowed here; an absolute path"},
	{"realm with a space",
	 LMA "domain:\n"
	 "  realm: \"exa mple\"\n",
	 "f:8: domain.realm: \"exa mple\" is not allowed here; a realm such as example.com"},
	{"realm with an empty label",
	 LMA "domain:\n"
	 "  realm: example..com\n",
	 "f:8: domain.realm: \"example..com\" is not allowed here; a realm such as example.com"},
	{"fixed link-local that is global",
	 LMA "domain:\n"
	 "  fixed-mag-link-local-address-on-all-access-links: 2001:db8::1\n",
	 "f:8: domain.fixed-mag-link-local-address-on-all-access-links: \"2001:db8::1\" is not "
	 "link-local; an IPv6 link-local address in fe80::/64, or \"::\""},
	{"fixed link-layer that is multicast",
	 LMA "domain:\n"
	 "  fixed-mag-link-layer-address-on-all-access-links: 01:00:5e:00:00:01\n",
	 "f:8: domain.fixed-mag-link-layer-address-on-all-access-links: \"01:00:5e:00:00:01\" is a "
	 "group address; a unicast link-layer address such as 02:00:00:00:00:01, or all zero"},
	{"node timestamps without timestamps",
	 LMA "domain:\n"
	 "  timestamp-based-approach-in-use: false\n"
	 "  mobile-node-generated-timestamp-in-use: true\n",
	 "f:9: domain.mobile-node-generated-timestamp-in-use: is true while "
	 "timestamp-based-approach-in-use is false (RFC 5213 9.3); false"},
	{"fixed link-layer without link-local",
	 MAG "domain:\n"
	 "  fixed-mag-link-local-address-on-all-access-links: \"::\"\n"
	 "  fixed-mag-link-layer-address-on-all-access-links: 00:00:5e:00:52:13\n",
	 "f:11: domain.fixed-mag-link-layer-address-on-all-access-links: is set while the fixed "
	 "link-local address is \"::\" (RFC 5213 9.3); 00:00:00:00:00:00, or both fixed"},
	{"transport twice",
	 "transport:\n"
	 "  - name: eth0\n"
	 "  - name: eth0\n" LMA_SECTION,
	 "f:3: transport[1].name: is the same as transport[0].name in line 2; each of them once"},
	{"access twice",
	 MAG "    - name: acc0\n",
	 "f:9: mag.access[1].name: is the same as mag.access[0].name in line 8; each of them once"},
	{"transport and access",
	 MAG "    - name: eth0\n",
	 "f:9: mag.access[1].name: \"eth0\" is a transport interface too; an interface for mobile "
	 "nodes alone"},
	{"LMAA twice",
	 TRANSPORT "lma:\n"
	 "  addresses: [2001:db8::1, 2001:db8::2, 2001:db8::1]\n"
	 "  static-prefixes: [2001:db8:f::/48]\n",
	 "f:4: lma.addresses[2]: is the same as lma.addresses[0] in line 4; each of them once"},
	{"pool name twice",
	 LMA "    - {name: p, prefix: 2001:db8:200::/48}\n",
	 "f:7: lma.pools[1].name: is the same as lma.pools[0].name in line 6; each of them once"},
	{"pools overlap",
	 LMA "    - {name: q, prefix: 2001:db8:100::/48}\n",
	 "f:7: lma.pools[1].prefix: 2001:db8:100::/48 overlaps 2001:db8:100::/44 of pool p; "
	 "prefixes apart"},
	{"pool and static prefix overlap",
	 LMA "  static-prefixes: [2001:db8:101::/48]\n",
	 "f:6: lma.pools[0].prefix: 2001:db8:100::/44 overlaps 2001:db8:101::/48 of "
	 "static-prefixes; prefixes apart"},
	{"static prefixes overlap",
	 LMA "  static-prefixes: [2001:db8:f00::/48, 2001:db8:f00:1::/64]\n",
	 "f:7: lma.static-prefixes[1]: 2001:db8:f00:1::/64 overlaps 2001:db8:f00::/48 of the same "
	 "list; prefixes apart"},
	{"pool in ::/8",
	 LMA "    - {name: q, prefix: \"47:0:1::/48\"}\n",
	 "f:7: lma.pools[1].prefix: \"47:0:1::/48\" is not for unicast routing; an IPv6 prefix of "
	 "16 to 64 bits such as 2001:db8:1::/48"},
	{"static prefix in ::/8",
	 LMA "  static-prefixes: [2001:db8:f00::/48, \"4:0:a00::/48\"]\n",
	 "f:7: lma.static-prefixes[1]: \"4:0:a00::/48\" is not for unicast routing; an IPv6 prefix "
	 "of 16 to 64 bits such as 2001:db8:1::/48"},
	{"profile prefix in ::/8",
	 MAG "profiles:\n"
	 "  - {mn-id: a@b, prefixes: [\"4:0:a00:1::/64\"]}\n",
	 "f:10: profiles[0].prefixes[0]: \"4:0:a00:1::/64\" is not for unicast routing; an IPv6 "
	 "prefix of 64 bits such as 2001:db8:1::/64"},
	{"host interface with a name too long for its other end",
	 LMA "  host-interface: pmip012345678\n",
	 "f:7: lma.host-interface: \"pmip012345678\" is not allowed here; an interface name of at "
	 "most 12 letters such as pmip0, or nothing"},
	{"host interface among the others",
	 LMA "  host-interface: eth0\n",
	 "f:2: transport[0].name: \"eth0\" is made by the daemon (lma.host-interface); an existing "
	 "interface, or another host-interface"},
	{"frames spread over no CPUs",
	 LMA "spread-cpus: []\n"
	 "mag:\n"
	 "  proxy-coa: 2001:db8::2\n"
	 "  lmas:\n"
	 "    - {name: l, address: 2001:db8::1}\n"
	 "  access:\n"
	 "    - {name: acc0, spread: true}\n",
	 "f:13: mag.access[0].spread: needs CPUs to spread over; name them in spread-cpus"},
	{"no prefixes",
	 TRANSPORT "lma:\n"
	 "  addresses: [2001:db8::1]\n",
	 "f:3: lma: has no home network prefixes; pools, static-prefixes, or ipv4-pools"},
	{"MAG name twice",
	 LMA "  mags:\n"
	 "    - {name: m, address: 2001:db8::5}\n"
	 "    - {name: m, address: 2001:db8::6}\n",
	 "f:9: lma.mags[1].name: is the same as lma.mags[0].name in line 8; each of them once"},
	{"MAG address twice",
	 LMA "  mags:\n"
	 "    - {name: m, address: 2001:db8::5}\n"
	 "    - name: n\n"
	 "      address: 2001:db8::5\n",
	 "f:10: lma.mags[1].address: is the same as lma.mags[0].address in line 8; each of them "
	 "once"},
	{"allow-prefixes elsewhere",
	 LMA "  mags:\n"
	 "    - {name: m, address: 2001:db8::5, allow-prefixes: [2001:db8:9::/48]}\n",
	 "f:8: lma.mags[0].allow-prefixes[0]: 2001:db8:9::/48 is outside of our pools and "
	 "static-prefixes; a part of them"},
	{"MAG realm",
	 LMA "  mags:\n"
	 "    - {name: m, address: 2001:db8::5, realms: [ok.org, -bad]}\n",
	 "f:8: lma.mags[0].realms[1]: \"-bad\" is not allowed here; a realm such as example.com"},
	{"lifetime no multiple of 4",
	 LMA "  max-lifetime: 10\n",
	 "f:7: lma.max-lifetime: 10 is no multiple of 4 s (RFC 6275 6.1.7); 8"},
	{"refresh advice above lifetime",
	 LMA "  max-lifetime: 100\n"
	 "  binding-refresh-advice: 100\n",
	 "f:8: lma.binding-refresh-advice: 100 s is not below max-lifetime (RFC 6275 6.2.4); less "
	 "than 100 s"},
	{"LMA name twice",
	 TRANSPORT "mag:\n"
	 "  proxy-coa: 2001:db8::2\n"
	 "  lmas:\n"
	 "    - {name: l, address: 2001:db8::1}\n"
	 "    - {name: l, address: 2001:db8::3}\n"
	 "  access:\n"
	 "    - name: a\n",
	 "f:7: mag.lmas[1].name: is the same as mag.lmas[0].name in line 6; each of them once"},
	{"neighbour twice",
	 MAG "  neighbours:\n"
	 "    - {name: n, address: 2001:db8::3}\n"
	 "    - {name: o, address: 2001:db8::3}\n",
	 "f:11: mag.neighbours[1].address: is the same as mag.neighbours[0].address in line 10; each "
	 "of them once"},
	{"neighbour at our own address",
	 MAG "  neighbours: [{name: n, address: 2001:db8::2}]\n",
	 "f:9: mag.neighbours[0].address: is our own; the address of another MAG, reached from "
	 "proxy-coa"},
	{"neighbour of a family that we have no address of",
	 MAG "  neighbours: [{name: n, address: 192.0.2.1}]\n",
	 "f:9: mag.neighbours[0].address: is of a family that this MAG has no address of; the address "
	 "of another MAG, reached from ipv4-proxy-coa"},
	{"sub-type of a vendor beyond its octet",
	 MAG "  fast-handover: {context-vendors: [1/0, 1/256]}\n",
	 "f:9: mag.fast-handover.context-vendors[1]: \"1/256\" is not allowed here; a vendor's number, "
	 "a slash and a sub-type up to 255, such as 31353/1"},
	{"vendor beyond its octets",
	 MAG "  fast-handover: {context-vendors: [4294967296/0]}\n",
	 "f:9: mag.fast-handover.context-vendors[0]: \"4294967296/0\" is not allowed here; a vendor's "
	 "number, a slash and a sub-type up to 255, such as 31353/1"},
	{"vendor without its sub-type",
	 MAG "  fast-handover: {context-vendors: [31353]}\n",
	 "f:9: mag.fast-handover.context-vendors[0]: \"31353\" is not allowed here; a vendor's number, a "
	 "slash and a sub-type up to 255, such as 31353/1"},
	{"access point of two neighbours",
	 MAG "  neighbours:\n"
	 "    - {name: n, address: 2001:db8::3, ap-ids: [a, b]}\n"
	 "    - {name: o, address: 2001:db8::4, ap-ids: [c, b]}\n",
	 "f:11: mag.neighbours[1].ap-ids: b is an access point of neighbours[0] already; each of them "
	 "once"},
	{"UDP to a neighbour over IPv6",
	 MAG "  neighbours: [{name: n, address: 2001:db8::3, encapsulation: udp}]\n",
	 "f:9: mag.neighbours[0].encapsulation: runs over IPv4 only; auto, ip, gre or gre-key"},
	{"link-local DHCPv6 server",
	 MAG "  dhcpv6-servers: [fe80::1]\n",
	 "f:9: mag.dhcpv6-servers[0]: \"fe80::1\" is not routable; a routable IPv6 address such as "
	 "2001:db8::1"},
	{"multicast DHCPv6 server",
	 MAG "  dhcpv6-servers: [2001:db8::5, \"ff05::1:3\"]\n",
	 "f:9: mag.dhcpv6-servers[1]: \"ff05::1:3\" is not routable; a routable IPv6 address such "
	 "as 2001:db8::1"},
	{"empty DHCPv6 server",
	 MAG "  dhcpv6-servers: [\"\"]\n",
	 "f:9: mag.dhcpv6-servers[0]: \"\" is not an IPv6 address; a routable IPv6 address such as "
	 "2001:db8::1"},
	{"DHCPv6 server twice",
	 MAG "  dhcpv6-servers: [2001:db8::5, 2001:db8::5]\n",
	 "f:9: mag.dhcpv6-servers[1]: is the same as mag.dhcpv6-servers[0] in line 9; each of them "
	 "once"},
	{"DHCPv6 server at the Proxy-CoA",
	 MAG "  dhcpv6-servers: [2001:db8::2]\n",
	 "f:9: mag.dhcpv6-servers[0]: is the Proxy-CoA, where the relay agent itself is; a server's "
	 "own address"},
	{"too many DHCPv6 servers",
	 MAG "  dhcpv6-servers: [2001:db8::11, 2001:db8::12, 2001:db8::13, 2001:db8::14, "
	 "2001:db8::15, 2001:db8::16, 2001:db8::17, 2001:db8::18, 2001:db8::19]\n",
	 "f:9: mag.dhcpv6-servers: has too many entries; at most 8"},
	{"first timeout above the last",
	 MAG "  initial-bindack-timeout: 2000\n"
	 "  max-bindack-timeout: 1000\n",
	 "f:9: mag.initial-bindack-timeout: 2000 ms is more than max-bindack-timeout; at most "
	 "1000 ms"},
	{"tunnel MTU below 1280",
	 MAG "  tunnel-mtu: 1279\n",
	 "f:9: mag.tunnel-mtu: 1279 is less than IPv6 needs (RFC 8200 5); 0, or 1280 and more"},
	{"RA interval",
	 MAG "  router-advertisements: {max-interval: 100, min-interval: 80}\n",
	 "f:9: mag.router-advertisements.min-interval: 80 s is more than 3/4 of max-interval (RFC "
	 "4861 6.2.1); at most 75 s"},
	{"router lifetime below the interval",
	 MAG "  router-advertisements: {router-lifetime: 100}\n",
	 "f:9: mag.router-advertisements.router-lifetime: 100 s is less than max-interval (RFC "
	 "4861 6.2.1); 0, or at least 600 s"},
	{"profile twice",
	 LMA "profiles:\n"
	 "  - mn-id: a@b\n"
	 "  - mn-id: a@b\n",
	 "f:9: profiles[1].mn-id: is the same as profiles[0].mn-id in line 8; each of them once"},
	{"MAC of two profiles",
	 LMA "profiles:\n"
	 "  - {mn-id: a@b, link-layer-addresses: [\"02:00:00:00:00:01\"]}\n"
	 "  - mn-id: c@b\n"
	 "    link-layer-addresses: [\"02-00-00-00-00-01\"]\n",
	 "f:10: profiles[1].link-layer-addresses[0]: is the same as "
	 "profiles[0].link-layer-addresses[0] in line 8; each of them once"},
	{"prefix of two profiles",
	 LMA "  static-prefixes: [2001:db8:f::/48]\n"
	 "profiles:\n"
	 "  - {mn-id: a@b, prefixes: [2001:db8:f:1::/64]}\n"
	 "  - {mn-id: c@b, prefixes: [2001:db8:f:1::/64]}\n",
	 "f:10: profiles[1].prefixes[0]: is the same as profiles[0].prefixes[0] in line 9; each "
	 "of them once"},
	{"profile prefix elsewhere",
	 LMA "profiles:\n"
	 "  - {mn-id: a@b, prefixes: [2001:db8:f:1::/64]}\n",
	 "f:8: profiles[0].prefixes[0]: 2001:db8:f:1::/64 is outside of lma.static-prefixes; a "
	 "/64 of them"},
	{"profile prefix is no /64",
	 LMA "profiles:\n"
	 "  - {mn-id: a@b, prefixes: [2001:db8:f::/56]}\n",
	 "f:8: profiles[0].prefixes[0]: \"2001:db8:f::/56\" has a length out of range; an IPv6 "
	 "prefix of 64 bits such as 2001:db8:1::/64"},
	{"unknown pool",
	 LMA "profiles:\n"
	 "  - {mn-id: a@b, pool: gold}\n",
	 "f:8: profiles[0].pool: \"gold\" is not among lma.pools; the name of one of them"},
	{"pool and prefixes",
	 LMA "  static-prefixes: [2001:db8:f::/48]\n"
	 "profiles:\n"
	 "  - {mn-id: a@b, pool: p, prefixes: [2001:db8:f:1::/64]}\n",
	 "f:9: profiles[0].pool: is given beside prefixes; one of the two"},
	{"unknown LMA in a profile",
	 MAG "profiles:\n"
	 "  - {mn-id: a@b, lma: 2001:db8::9}\n",
	 "f:10: profiles[0].lma: 2001:db8::9 is not among mag.lmas; the address of one of them"},
	{"MN-ID without a user",
	 LMA "profiles:\n"
	 "  - mn-id: \"@example.com\"\n",
	 "f:8: profiles[0].mn-id: \"@example.com\" is not allowed here; a network access identifier "
	 "such as mn1@example.com (RFC 4283 3.1)"},
	{"zero MAC",
	 LMA "profiles:\n"
	 "  - {mn-id: a@b, link-layer-addresses: [\"00:00:00:00:00:00\"]}\n",
	 "f:8: profiles[0].link-layer-addresses[0]: \"00:00:00:00:00:00\" is zero; a unicast "
	 "link-layer address such as 02:00:00:00:00:01"},
	{"profile lifetime",
	 LMA "profiles:\n"
	 "  - {mn-id: a@b, lifetime: 3}\n",
	 "f:8: profiles[0].lifetime: 3 is no multiple of 4 s (RFC 6275 6.1.7); 4"},
	{"fallback pattern",
	 LMA "fallback-profiles:\n"
	 "  - match: example.com\n",
	 "f:8: fallback-profiles[0].match: \"example.com\" is not allowed here; @ and a realm, or "
	 "\"*\" for everybody"},
	{"fallback twice",
	 LMA "fallback-profiles:\n"
	 "  - match: \"*\"\n"
	 "  - match: \"*\"\n",
	 "f:9: fallback-profiles[1].match: is the same as fallback-profiles[0].match in line 8; "
	 "each of them once"},
	{"unknown pool in a fallback",
	 LMA "fallback-profiles:\n"
	 "  - {match: \"*\", pool: gold}\n",
	 "f:8: fallback-profiles[0].pool: \"gold\" is not among lma.pools; the name of one of them"},
	{"MAG lifetime",
	 MAG "  lifetime: 5\n",
	 "f:9: mag.lifetime: 5 is no multiple of 4 s (RFC 6275 6.1.7); 4"},
	{"refresh advice no multiple of 4",
	 LMA "  binding-refresh-advice: 9\n",
	 "f:7: lma.binding-refresh-advice: 9 is no multiple of 4 s (RFC 6275 6.1.7); 8"},
	{"LMA address twice",
	 TRANSPORT "mag:\n"
	 "  proxy-coa: 2001:db8::2\n"
	 "  lmas:\n"
	 "    - {name: l, address: 2001:db8::1}\n"
	 "    - {name: k, address: 2001:db8::1}\n"
	 "  access:\n"
	 "    - name: a\n",
	 "f:7: mag.lmas[1].address: is the same as mag.lmas[0].address in line 6; each of them once"},
	{"fallback lifetime",
	 LMA "fallback-profiles:\n"
	 "  - {match: \"*\", lifetime: 7}\n",
	 "f:8: fallback-profiles[0].lifetime: 7 is no multiple of 4 s (RFC 6275 6.1.7); 4"},
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
		if (strcmp(err, broken[i].error))
			printf("\n%s:\n  said   %s\n  wanted %s\n", broken[i].what, err,
			       broken[i].error);
		CU_ASSERT_STRING_EQUAL(err, broken[i].error);
	}
}

static void test_base_files_are_right(void)
{
	/* else the table above could be right for a wrong reason */
	static const char *const good[] = {LMA, MAG, TRANSPORT LMA_SECTION};
	char err[CONFIG_ERR_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct config *c = NULL;

		CU_ASSERT_EQUAL(
			config_load_mem(&c, "f", good[i], strlen(good[i]), err, sizeof(err)), 0);
		config_free(&c);
	}
}

static void expect_unreadable(const char *path, int rc, const char *why)
{
	struct config *c = NULL;
	char err[CONFIG_ERR_LEN], want[CONFIG_ERR_LEN];

	CU_ASSERT_EQUAL(config_load(&c, path, err, sizeof(err)), rc);
	CU_ASSERT_PTR_NULL(c);
	snprintf(want, sizeof(want), "%s:1: file: %s", path, why);
	CU_ASSERT_STRING_EQUAL(err, want);
}

static void test_unreadable_files(void)
{
	char dir[] = "/tmp/config-XXXXXX", path[64];

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/none", dir);
	expect_unreadable(path, -ENOENT,
			  "cannot be read: No such file or directory; "
			  "the path of an existing file");
	expect_unreadable(dir, -EISDIR,
			  "cannot be read: Is a directory; the file, not its directory");
	snprintf(path, sizeof(path), "%s/fifo", dir);
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	expect_unreadable(path, -EINVAL,
			  "cannot be read: it is not a regular file; a regular file");
	unlink(path);
	rmdir(dir);
}

static void test_file_too_large(void)
{
	char path[] = "/tmp/config-XXXXXX";
	int fd = mkstemp(path);

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(ftruncate(fd, (off_t)CONFIG_FILE_MAX + 1), 0);
	close(fd);
	expect_unreadable(path, -EFBIG, "cannot be read: File too large; a file of at most 64 MiB");
	unlink(path);
}

static void test_too_many_keys(void)
{
	static char text[8192];
	char err[CONFIG_ERR_LEN];
	struct config *c = NULL;
	size_t n = 0;

	for (unsigned i = 0; i < 100; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "k%u: 1\n", i);
	CU_ASSERT_EQUAL(config_load_mem(&c, "f", text, n, err, sizeof(err)), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err, "f:1: file: has more than 64 keys; only those of "
				    "docs/configuration.md");
}

static void test_message_of_hostile_value_is_one_line(void)
{
	static const char yaml[] =
		"instance: \"a\\nb\\x1b[31m\\t"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"\n" LMA;
	char err[CONFIG_ERR_LEN];
	struct config *c = NULL;

	CU_ASSERT_EQUAL(config_load_mem(&c, "f", yaml, strlen(yaml), err, sizeof(err)), -EINVAL);
	CU_ASSERT_STRING_EQUAL(err,
			       "f:1: instance: \"a?b?[31m?xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
			       "...\" is longer than 31 characters; letters, digits, '-' "
			       "and '_', such as lma1");
}

static void test_small_error_buffer(void)
{
	char err[8] = "xxxxxxx";
	struct config *c = NULL;

	CU_ASSERT_EQUAL(config_load_mem(&c, "f", "a: 1\n", 5, err, sizeof(err)), -EINVAL);
	CU_ASSERT_EQUAL(strlen(err), 7);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"every broken file gets exactly its line",	    test_broken_files},
		{"the files that the broken ones are made from are right",
		 test_base_files_are_right},
		{"what is no readable file is refused with a reason",			      test_unreadable_files},
		{"a file beyond 64 MiB is refused", test_file_too_large},
		{"a mapping with too many keys is refused",						    test_too_many_keys},
		{"a hostile value is quoted, cut and printable",
		 test_message_of_hostile_value_is_one_line},
		{"a short error buffer is not overrun",		test_small_error_buffer},
		{0						  },
	};

	return cu_main("config_errors", tests, argc, argv);
}
