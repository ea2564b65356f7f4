/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reload may change, what it may not, and what it is told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config/config.h"
#include "lib/cu.h"

static const char base[] = "instance: a\n"
			   "log-level: info\n"
			   "transport:\n"
			   "  - name: eth0\n"
			   "  - name: eth1\n"
			   "domain:\n"
			   "  realm: example.com\n"
			   "lma:\n"
			   "  addresses: [2001:db8:2::1]\n"
			   "  pools:\n"
			   "    - {name: p, prefix: 2001:db8:100::/44}\n"
			   "  mags:\n"
			   "    - {name: m1, address: 2001:db8:11::1}\n"
			   "    - {name: m2, address: 2001:db8:12::1, realms: [b.org]}\n"
			   "  max-lifetime: 3600\n"
			   "mag:\n"
			   "  proxy-coa: 2001:db8:11::1\n"
			   "  lmas:\n"
			   "    - {name: l1, address: 2001:db8:2::1}\n"
			   "    - {name: l2, address: 2001:db8:3::1}\n"
			   "  access:\n"
			   "    - {name: acc0, probe-count: 3}\n"
			   "profiles:\n"
			   "  - {mn-id: a@example.com, pool: p}\n"
			   "  - {mn-id: b@example.com, pool: p}\n";

static struct config *load(const char *yaml)
{
	char err[CONFIG_ERR_LEN] = "";
	struct config *c = NULL;

	if (config_load_mem(&c, "f", yaml, strlen(yaml), err, sizeof(err)))
		printf("\n  %s\n", err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

/* The base file with one piece of text replaced. */
static struct config *edited(const char *from, const char *to)
{
	const char *at = strstr(base, from);
	char text[2 * sizeof(base)];

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - base), base, to, at + strlen(from));
	return load(text);
}

static void collect(void *ctx, const char *line)
{
	strcat(ctx, line);
	strcat(ctx, "\n");
}

static void expect(const char *from, const char *to, int rc, const char *lines, const char *why)
{
	struct config *old = load(base), *new = edited(from, to);
	char reason[CONFIG_ERR_LEN] = "", seen[4096] = "";

	CU_ASSERT_EQUAL(config_reload_diff(old, new, reason, sizeof(reason)), rc);
	CU_ASSERT_STRING_EQUAL(reason, why);
	config_walk_diff(old, new, collect, seen);
	CU_ASSERT_STRING_EQUAL(seen, lines);
	if (strcmp(seen, lines) || strcmp(reason, why))
		printf("\n  %s -> %s\n  said   %s  reason %s\n", from, to, seen, reason);
	config_free(&old);
	config_free(&new);
}

static void live(const char *from, const char *to, const char *line)
{
	char lines[512];

	snprintf(lines, sizeof(lines), "%s\n", line);
	expect(from, to, 1, lines, "");
}

static void refused(const char *from, const char *to, const char *line)
{
	char lines[512], why[600];

	snprintf(lines, sizeof(lines), "%s\n", line);
	snprintf(why, sizeof(why), "%s; cannot change while running, restart the daemon", line);
	expect(from, to, -EBUSY, lines, why);
}

static void test_same(void)
{
	expect("instance: a", "instance: a", 0, "", "");
	/* written differently, meaning the same */
	expect("2001:db8:2::1]", "2001:0db8:0002:0:0:0:0:1]", 0, "", "");
	expect("log-level: info\n", "", 0, "", "");
	expect("  - {mn-id: a@example.com, pool: p}", "  - pool: p\n    mn-id: a@example.com", 0,
	       "", "");
}

static void test_live(void)
{
	live("log-level: info", "log-level: debug", "log-level: info -> debug");
	live("realm: example.com", "realm: example.org",
	     "domain.realm: example.com -> example.org");
	live("  realm: example.com\n", "  {}\n", "domain.realm: example.com -> nothing");
	live("max-lifetime: 3600", "max-lifetime: 600", "lma.max-lifetime: 3600 -> 600");
	live("probe-count: 3", "probe-count: 5", "mag.access[acc0].probe-count: 3 -> 5");
	live("  proxy-coa: 2001:db8:11::1\n",
	     "  proxy-coa: 2001:db8:11::1\n  dhcpv6-servers: [2001:db8:5::1, 2001:db8:5::2]\n",
	     "mag.dhcpv6-servers: [] -> [2001:db8:5::1, 2001:db8:5::2]");
	live("realms: [b.org]", "realms: [b.org, c.org]",
	     "lma.mags[m2].realms: [b.org] -> [b.org, c.org]");
	live("    - {name: m1, address: 2001:db8:11::1}\n",
	     "    - {name: m1, address: 2001:db8:99::1}\n",
	     "lma.mags[m1].address: 2001:db8:11::1 -> 2001:db8:99::1");
}

static void test_live_lists(void)
{
	live("    - {name: m1, address: 2001:db8:11::1}\n", "", "lma.mags[m1]: removed");
	live("  mags:\n", "  mags:\n    - {name: m0, address: 2001:db8:10::1}\n",
	     "lma.mags[m0]: added");
	live("  - name: eth1\n", "", "transport[eth1]: removed");
	live("    - {name: acc0, probe-count: 3}\n",
	     "    - {name: acc0, probe-count: 3}\n    - {name: acc1}\n", "mag.access[acc1]: added");
	live("  - {mn-id: b@example.com, pool: p}\n",
	     "  - {mn-id: b@example.com, pool: p, enabled: false}\n",
	     "profiles[b@example.com].enabled: true -> false");
	live("    - {name: l1, address: 2001:db8:2::1}\n    - {name: l2, address: 2001:db8:3::1}\n",
	     "    - {name: l2, address: 2001:db8:3::1}\n    - {name: l1, address: 2001:db8:2::1}\n",
	     "mag.lmas: other order");
}

static void test_refused(void)
{
	refused("instance: a\n", "instance: a\ncontrol-socket: /tmp/x.sock\n",
		"control-socket: /run/pmipd/a.sock -> /tmp/x.sock");
	refused("proxy-coa: 2001:db8:11::1", "proxy-coa: 2001:db8:11::2",
		"mag.proxy-coa: 2001:db8:11::1 -> 2001:db8:11::2");
	refused("addresses: [2001:db8:2::1]", "addresses: [2001:db8:2::1, 2001:db8:2::2]",
		"lma.addresses: [2001:db8:2::1] -> [2001:db8:2::1, 2001:db8:2::2]");
	refused("{name: p, prefix: 2001:db8:100::/44}", "{name: p, prefix: 2001:db8:200::/44}",
		"lma.pools[p].prefix: 2001:db8:100::/44 -> 2001:db8:200::/44");
	refused("  realm: example.com\n",
		"  realm: example.com\n  timestamp-based-approach-in-use: false\n",
		"domain.timestamp-based-approach-in-use: true -> false");
	refused("  max-lifetime: 3600\n", "  max-bindings: 5\n", "lma.max-bindings: 100000 -> 5");
}

static void test_role_removed(void)
{
	struct config *old = load(base), *new;
	char text[sizeof(base)], why[CONFIG_ERR_LEN] = "";
	const char *mag = strstr(base, "mag:\n"), *profiles = strstr(base, "profiles:\n");

	snprintf(text, sizeof(text), "%.*s%s", (int)(mag - base), base, profiles);
	new = load(text);
	CU_ASSERT_EQUAL(config_reload_diff(old, new, why, sizeof(why)), -EBUSY);
	CU_ASSERT_STRING_EQUAL(why,
			       "mag: removed; cannot change while running, restart the daemon");
	CU_ASSERT_EQUAL(config_reload_diff(new, old, why, sizeof(why)), -EBUSY);
	CU_ASSERT_STRING_EQUAL(why, "mag: added; cannot change while running, restart the daemon");
	config_free(&old);
	config_free(&new);
}

/* One change that cannot be made refuses the ones that could. */
static void test_mixed(void)
{
	expect("instance: a\nlog-level: info\n", "instance: b\nlog-level: debug\n", -EBUSY,
	       "instance: a -> b\nlog-level: info -> debug\n"
	       "control-socket: /run/pmipd/a.sock -> /run/pmipd/b.sock\n"
	       "state-directory: /var/lib/pmipd/a -> /var/lib/pmipd/b\n"
	       "mag.identity: a -> b\n",
	       "instance: a -> b; cannot change while running, restart the daemon");
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"what means the same is no change",	     test_same},
		{"single values change live",					      test_live},
		{"entries of live lists come, go and change",test_live_lists},
		{"what cannot change is refused and named", test_refused},
		{"a role cannot come or go",					     test_role_removed},
		{"one refusal refuses the whole reload",				 test_mixed},
		{0		  },
	};

	return cu_main("config_reload", tests, argc, argv);
}
