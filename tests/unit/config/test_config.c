/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a right configuration becomes, and that the table of rows is consistent. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "config/config_rows.h"
#include "config/config_value.h"
#include "lib/cu.h"

static struct config *load(const char *yaml)
{
	char err[CONFIG_ERR_LEN] = "";
	struct config *c = NULL;

	if (config_load_mem(&c, "f", yaml, strlen(yaml), err, sizeof(err)))
		printf("\n  %s\n", err);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

static bool addr_is(const struct in6_addr *a, const char *s)
{
	char buf[ADDR6_STRLEN];

	return !strcmp(addr6_str(a, buf), s);
}

static bool prefix_is(const struct prefix6 *p, const char *s)
{
	char buf[PREFIX6_STRLEN];

	return !strcmp(prefix6_str(p, buf), s);
}

static const char full[] =
	"instance: lma1\n"
	"log-level: debug\n"
	"control-socket: /tmp/x/lma1.sock\n"
	"control-group: pmip\n"
	"bpffs: /mnt/bpf\n"
	"signalling-dscp: 46\n"
	"transport:\n"
	"  - {name: eth0, hook: xdp}\n"
	"  - {name: eth1, hook: xdp-generic}\n"
	"  - name: eth2\n"
	"domain:\n"
	"  realm: example.com\n"
	"  timestamp-based-approach-in-use: yes\n"
	"  mobile-node-generated-timestamp-in-use: on\n"
	"  fixed-mag-link-local-address-on-all-access-links: fe80::1\n"
	"  fixed-mag-link-layer-address-on-all-access-links: 02:00:00:00:00:99\n"
	"lma:\n"
	"  addresses: [2001:db8:2::1, 2001:db8:2::2]\n"
	"  pools:\n"
	"    - {name: default, prefix: 2001:db8:100::/44}\n"
	"    - {name: gold, prefix: 2001:db8:200::/48}\n"
	"  static-prefixes: [2001:db8:f00::/48]\n"
	"  host-interface: nodes0\n"
	"  mags:\n"
	"    - name: mag1\n"
	"      address: 2001:db8:11::1\n"
	"      realms: [example.com, example.org]\n"
	"      allow-prefixes: [2001:db8:100::/44, 2001:db8:f00:1::/64]\n"
	"    - {name: mag2, address: 2001:db8:12::1}\n"
	"  max-bindings: 7\n"
	"  max-lifetime: 400\n"
	"  binding-refresh-advice: 100\n"
	"  min-delay-before-bce-delete: 1\n"
	"  max-delay-before-new-bce-assign: 2\n"
	"  timestamp-validity-window: 3\n"
	"  hold-before-new-bce: no\n"
	"mag:\n"
	"  proxy-coa: 2001:db8:11::1\n"
	"  lmas:\n"
	"    - {name: lma1, address: 2001:db8:2::1}\n"
	"    - {name: lma2, address: 2001:db8:3::1}\n"
	"  neighbours:\n"
	"    - name: mag2\n"
	"      address: 2001:db8:12::1\n"
	"      ap-ids: [\"02:00:00:00:12:01\", \"corridor 5 GHz\"]\n"
	"      encapsulation: gre-key\n"
	"    - {name: mag3, address: 2001:db8:13::1}\n"
	"  fast-handover:\n"
	"    {buffer-at: old-mag, hi-timeout: 50, hi-retries: 2, forwarding-time: 3000,\n"
	"     settle-time: 100, leave-time: 200, max-handovers: 9, hi-rate: 0,\n"
	"     context-vendors: [31353/1, \"4294967295/255\"]}\n"
	"  access:\n"
	"    - name: acc0\n"
	"      type: point-to-point\n"
	"      hook: tc\n"
	"      access-technology-type: IEEE-802.11\n"
	"      probe-interval: 250\n"
	"      probe-count: 5\n"
	"      attach-on-rs: false\n"
	"      attach-on-ns: true\n"
	"      detach-on-link-down: false\n"
	"      detach-on-neighbour: false\n"
	"    - {name: acc1, access-technology-type: 200}\n"
	"  router-advertisements:\n"
	"    {router-lifetime: 9000, max-interval: 100, min-interval: 75, max-delay: 0,\n"
	"     min-delay-between: 30, hop-limit: 255, managed: true, other: true}\n"
	"  dhcpv6-servers: [2001:db8:5::547, 2001:db8:6::547]\n"
	"  max-nodes: 10\n"
	"  max-nodes-per-interface: 5\n"
	"  attach-rate: 3\n"
	"  retry-refused: 4\n"
	"  suspect-probe-interval: 50\n"
	"  max-bindings: 8\n"
	"  lifetime: 404\n"
	"  refresh-percent: 50\n"
	"  initial-bindack-timeout: 500\n"
	"  max-bindack-timeout: 5000\n"
	"  tunnel-mtu: 1460\n"
	"  enable-mag-local-routing: true\n"
	"  deprecate-on-detach: false\n"
	"profiles:\n"
	"  - mn-id: mn1@example.com\n"
	"    link-layer-addresses: [02:00:00:00:00:01, \"02-00-00-00-00-02\"]\n"
	"    prefixes: [2001:db8:f00:1::/64, 2001:db8:f00:2::/64]\n"
	"    lma: 2001:db8:3::1\n"
	"    lifetime: 40\n"
	"    local-routing: true\n"
	"  - {mn-id: mn2@example.com, enabled: false, pool: gold, prefix-count: 3, local-routing: "
	"false}\n"
	"fallback-profiles:\n"
	"  - {match: \"@example.com\", pool: default}\n"
	"  - {match: \"*\", enabled: false}\n";

static void check_full_lma(const struct lma_cfg *l)
{
	CU_ASSERT_EQUAL_FATAL(l->n_addrs, 2);
	CU_ASSERT_TRUE(addr_is(&l->addrs[1], "2001:db8:2::2"));
	CU_ASSERT_EQUAL_FATAL(l->n_pools, 2);
	CU_ASSERT_STRING_EQUAL(l->pools[1].name, "gold");
	CU_ASSERT_TRUE(prefix_is(&l->pools[1].prefix, "2001:db8:200::/48"));
	CU_ASSERT_EQUAL_FATAL(l->n_static_prefixes, 1);
	CU_ASSERT_TRUE(prefix_is(&l->static_prefixes[0], "2001:db8:f00::/48"));
	CU_ASSERT_EQUAL_FATAL(l->n_mags, 2);
	CU_ASSERT_STRING_EQUAL(l->mags[0].name, "mag1");
	CU_ASSERT_TRUE(addr_is(&l->mags[0].addr, "2001:db8:11::1"));
	CU_ASSERT_EQUAL_FATAL(l->mags[0].n_realms, 2);
	CU_ASSERT_STRING_EQUAL(l->mags[0].realms[1], "example.org");
	CU_ASSERT_EQUAL_FATAL(l->mags[0].n_allow, 2);
	CU_ASSERT_TRUE(prefix_is(&l->mags[0].allow[1], "2001:db8:f00:1::/64"));
	CU_ASSERT_EQUAL(l->mags[1].n_realms, 0);
	CU_ASSERT_EQUAL(l->mags[1].n_allow, 0);
	CU_ASSERT_EQUAL(l->max_bindings, 7);
	CU_ASSERT_EQUAL(l->max_lifetime, 400);
	CU_ASSERT_EQUAL(l->refresh_advice, 100);
	CU_ASSERT_EQUAL(l->min_delay_before_bce_delete_ms, 1);
	CU_ASSERT_EQUAL(l->max_delay_before_new_bce_assign_ms, 2);
	CU_ASSERT_EQUAL(l->timestamp_validity_window_ms, 3);
	CU_ASSERT_FALSE(l->hold_before_new_bce);
	CU_ASSERT_TRUE(l->timestamp_based_approach_in_use);
	CU_ASSERT_TRUE(l->mobile_node_generated_timestamp_in_use);
	CU_ASSERT_TRUE(addr_is(&l->fixed_mag_link_local_address_on_all_access_links, "fe80::1"));
}

static void check_full_mag(const struct mag_cfg *m)
{
	char mac[MAC_STRLEN];

	CU_ASSERT_TRUE(addr_is(&m->proxy_coa, "2001:db8:11::1"));
	CU_ASSERT_EQUAL_FATAL(m->n_lmas, 2);
	CU_ASSERT_STRING_EQUAL(m->lmas[1].name, "lma2");
	CU_ASSERT_TRUE(addr_is(&m->lmas[1].addr, "2001:db8:3::1"));
	CU_ASSERT_EQUAL_FATAL(m->n_neighbours, 2);
	CU_ASSERT_STRING_EQUAL(m->neighbours[0].name, "mag2");
	CU_ASSERT_TRUE(addr_is(&m->neighbours[1].addr, "2001:db8:13::1"));
	CU_ASSERT_EQUAL_FATAL(m->neighbours[0].n_ap_ids, 2);
	CU_ASSERT_STRING_EQUAL(m->neighbours[0].ap_ids[1], "corridor 5 GHz");
	CU_ASSERT_EQUAL(m->neighbours[0].encap, DP_ENCAP_GRE_KEY);
	CU_ASSERT_EQUAL(m->neighbours[1].encap, DP_ENCAP_MAX);
	CU_ASSERT_TRUE(m->fho.buffer_at_old);
	CU_ASSERT_EQUAL(m->fho.hi_timeout_ms, 50);
	CU_ASSERT_EQUAL(m->fho.hi_retries, 2);
	CU_ASSERT_EQUAL(m->fho.forwarding_ms, 3000);
	CU_ASSERT_EQUAL(m->fho.settle_ms, 100);
	CU_ASSERT_EQUAL(m->fho.leave_ms, 200);
	CU_ASSERT_EQUAL(m->fho.max, 9);
	CU_ASSERT_EQUAL(m->fho.hi_rate, 0);
	CU_ASSERT_EQUAL_FATAL(m->fho.n_vendors, 2);
	CU_ASSERT_EQUAL(m->fho.vendors[0].id, 31353);
	CU_ASSERT_EQUAL(m->fho.vendors[0].subtype, 1);
	CU_ASSERT_EQUAL(m->fho.vendors[1].id, UINT32_MAX);
	CU_ASSERT_EQUAL(m->fho.vendors[1].subtype, 255);
	CU_ASSERT_EQUAL(m->max_bindings, 8);
	CU_ASSERT_EQUAL(m->lifetime, 404);
	CU_ASSERT_EQUAL(m->refresh_percent, 50);
	CU_ASSERT_EQUAL(m->tunnel_mtu, 1460);
	CU_ASSERT_EQUAL(m->initial_bindack_timeout_ms, 500);
	CU_ASSERT_EQUAL(m->max_bindack_timeout_ms, 5000);
	CU_ASSERT_TRUE(m->enable_mag_local_routing);
	CU_ASSERT_TRUE(m->timestamp_based_approach_in_use);
	CU_ASSERT_TRUE(m->mobile_node_generated_timestamp_in_use);
	CU_ASSERT_TRUE(addr_is(&m->fixed_mag_link_local_address_on_all_access_links, "fe80::1"));
	CU_ASSERT_STRING_EQUAL(mac_str(&m->fixed_mag_link_layer_address_on_all_access_links, mac),
			       "02:00:00:00:00:99");
	CU_ASSERT_STRING_EQUAL(m->realm, "example.com");
	CU_ASSERT_FALSE(m->deprecate_on_detach);
}

static void check_full_access(const struct config *c)
{
	const struct access_cfg *a = &c->access_cfg;
	char mac[MAC_STRLEN];

	CU_ASSERT_EQUAL_FATAL(c->n_access, 2);
	CU_ASSERT_STRING_EQUAL(c->access[0].name, "acc0");
	CU_ASSERT_EQUAL(c->access[0].type, CONFIG_LINK_POINT_TO_POINT);
	CU_ASSERT_EQUAL(c->access[0].hook, CONFIG_HOOK_TC);
	CU_ASSERT_EQUAL(c->access[0].att, ATT_WIFI);
	CU_ASSERT_EQUAL(c->access[0].probe_interval_ms, 250);
	CU_ASSERT_EQUAL(c->access[0].probe_count, 5);
	CU_ASSERT_FALSE(c->access[0].trigger_rs);
	CU_ASSERT_TRUE(c->access[0].trigger_ns);
	CU_ASSERT_FALSE(c->access[0].trigger_link_down);
	CU_ASSERT_FALSE(c->access[0].trigger_neighbour);
	CU_ASSERT_EQUAL(c->access[1].att, 200);
	CU_ASSERT_EQUAL(a->router_lifetime_s, 9000);
	CU_ASSERT_EQUAL(a->max_rtr_adv_interval_s, 100);
	CU_ASSERT_EQUAL(a->min_rtr_adv_interval_s, 75);
	CU_ASSERT_EQUAL(a->max_ra_delay_ms, 0);
	CU_ASSERT_EQUAL(a->min_delay_between_ras_ms, 30);
	CU_ASSERT_EQUAL(a->cur_hop_limit, 255);
	CU_ASSERT_TRUE(a->managed && a->other);
	CU_ASSERT_EQUAL_FATAL(c->n_dhcp6_servers, 2);
	CU_ASSERT_EQUAL(c->dhcp6_servers[1].s6_addr[5], 6);
	CU_ASSERT_EQUAL(a->max_nodes, 10);
	CU_ASSERT_EQUAL(a->max_nodes_per_link, 5);
	CU_ASSERT_EQUAL(a->attach_rate, 3);
	CU_ASSERT_EQUAL(a->retrigger_ms, 4);
	CU_ASSERT_EQUAL(a->suspect_probe_ms, 50);
	CU_ASSERT_TRUE(addr_is(&a->link_local, "fe80::1"));
	CU_ASSERT_STRING_EQUAL(mac_str(&a->mac, mac), "02:00:00:00:00:99");
}

static struct mnid nai(const char *s)
{
	return (struct mnid){MNID_NAI, (uint8_t)strlen(s), (const uint8_t *)s};
}

static void check_full_profiles(const struct config *c)
{
	const struct profiles ps = profile_table_profiles(c->profiles);
	const struct mnid mn1 = nai("mn1@example.com"), mn2 = nai("mn2@example.com");
	const struct mnid guest = nai("guest@example.com"), other = nai("x@elsewhere.org");
	const struct profile *p;
	struct mac mac;

	CU_ASSERT_EQUAL(profile_table_count(c->profiles), 2);
	p = ps.by_mnid(ps.ctx, &mn1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(p->enabled);
	CU_ASSERT_EQUAL_FATAL(p->n_prefixes, 2);
	CU_ASSERT_TRUE(prefix_is(&p->prefixes[1], "2001:db8:f00:2::/64"));
	CU_ASSERT_TRUE(addr_is(&p->lmaa, "2001:db8:3::1"));
	CU_ASSERT_EQUAL(p->lifetime, 40);
	CU_ASSERT_EQUAL(p->local_routing, 1);
	CU_ASSERT_EQUAL(mac_parse("02:00:00:00:00:02", &mac), 0);
	CU_ASSERT_PTR_EQUAL(ps.by_mac(ps.ctx, &mac), p);
	p = ps.by_mnid(ps.ctx, &mn2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_FALSE(p->enabled);
	CU_ASSERT_STRING_EQUAL(p->pool, "gold");
	CU_ASSERT_EQUAL(p->prefix_count, 3);
	CU_ASSERT_EQUAL(p->local_routing, 0);
	p = ps.fallback(ps.ctx, &guest);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_STRING_EQUAL(p->pool, "default");
	CU_ASSERT_EQUAL(p->local_routing, -1);
	p = ps.fallback(ps.ctx, &other);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_FALSE(p->enabled);
}

static void test_full(void)
{
	struct config *c = load(full);

	CU_ASSERT_STRING_EQUAL(c->instance, "lma1");
	CU_ASSERT_EQUAL(c->log_level, LOG_C_DEBUG);
	CU_ASSERT_STRING_EQUAL(c->control_socket, "/tmp/x/lma1.sock");
	CU_ASSERT_STRING_EQUAL(c->control_group, "pmip");
	CU_ASSERT_STRING_EQUAL(c->bpffs, "/mnt/bpf");
	CU_ASSERT_EQUAL(c->signalling_dscp, 46);
	CU_ASSERT_EQUAL_FATAL(c->n_transport, 3);
	CU_ASSERT_STRING_EQUAL(c->transport[1].name, "eth1");
	CU_ASSERT_EQUAL(c->transport[0].hook, CONFIG_HOOK_XDP);
	CU_ASSERT_EQUAL(c->transport[1].hook, CONFIG_HOOK_XDP_GENERIC);
	CU_ASSERT_EQUAL(c->transport[2].hook, CONFIG_HOOK_AUTO);
	CU_ASSERT_TRUE(c->has_lma && c->has_mag);
	check_full_lma(&c->lma);
	CU_ASSERT_STRING_EQUAL(c->host_interface, "nodes0");
	check_full_mag(&c->mag);
	check_full_access(c);
	check_full_profiles(c);
	config_free(&c);
	CU_ASSERT_PTR_NULL(c);
}

static void count_profile(void *ctx, const char *pattern, const struct profile *p)
{
	char *out = ctx;

	strcat(out, pattern ? pattern : "");
	if (!pattern)
		strncat(out, (const char *)p->mnid.id, p->mnid.len);
	strcat(out, " ");
}

static void test_walk_profiles(void)
{
	struct config *c = load(full);
	char seen[256] = "";

	config_walk_profiles(c, count_profile, seen);
	CU_ASSERT_STRING_EQUAL(seen, "mn1@example.com mn2@example.com @example.com * ");
	config_free(&c);
}

/* RFC 5213 9.1 to 9.3 and RFC 6543 4 say what these must be. */
static void test_lma_defaults(void)
{
	struct config *c = load("transport: [{name: eth0}]\n"
				"lma:\n"
				"  addresses: [2001:db8::1]\n"
				"  static-prefixes: [2001:db8:1::/48]\n");

	CU_ASSERT_TRUE(c->has_lma);
	CU_ASSERT_STRING_EQUAL(c->host_interface, "pmip0");
	CU_ASSERT_FALSE(c->has_mag);
	CU_ASSERT_STRING_EQUAL(c->instance, "pmipd");
	CU_ASSERT_STRING_EQUAL(c->control_socket, "/run/pmipd/pmipd.sock");
	CU_ASSERT_STRING_EQUAL(c->control_group, "");
	CU_ASSERT_STRING_EQUAL(c->bpffs, "/sys/fs/bpf");
	CU_ASSERT_EQUAL(c->log_level, LOG_C_INFO);
	CU_ASSERT_EQUAL(c->lma.min_delay_before_bce_delete_ms, 10000);
	CU_ASSERT_EQUAL(c->lma.max_delay_before_new_bce_assign_ms, 1500);
	CU_ASSERT_EQUAL(c->lma.timestamp_validity_window_ms, 300);
	CU_ASSERT_TRUE(c->lma.timestamp_based_approach_in_use);
	CU_ASSERT_FALSE(c->lma.mobile_node_generated_timestamp_in_use);
	CU_ASSERT_TRUE(c->lma.hold_before_new_bce);
	CU_ASSERT_TRUE(addr_is(&c->lma.fixed_mag_link_local_address_on_all_access_links,
			       "fe80::200:5eff:fe00:5213"));
	CU_ASSERT_EQUAL(c->lma.n_mags, 0);
	CU_ASSERT_EQUAL(profile_table_count(c->profiles), 0);
	config_free(&c);
}

static void test_mag_defaults(void)
{
	struct config *c = load("transport: [{name: eth0}]\n"
				"mag:\n"
				"  proxy-coa: 2001:db8::2\n"
				"  lmas: [{name: l, address: 2001:db8::1}]\n"
				"  access: [{name: a}]\n");
	struct access_cfg a;
	char mac[MAC_STRLEN];

	CU_ASSERT_FALSE(c->has_lma);
	CU_ASSERT_TRUE(c->has_mag);
	CU_ASSERT_FALSE(c->mag.enable_mag_local_routing);
	CU_ASSERT_EQUAL(c->mag.initial_bindack_timeout_ms, 1000);
	CU_ASSERT_EQUAL(c->mag.max_bindack_timeout_ms, 32000);
	CU_ASSERT_EQUAL(c->mag.n_neighbours, 0);
	CU_ASSERT_FALSE(c->mag.fho.buffer_at_old);
	CU_ASSERT_EQUAL(c->mag.fho.hi_timeout_ms, 100); /* RFC 5568 6.2.1.1, 9 */
	CU_ASSERT_EQUAL(c->mag.fho.hi_retries, 3);
	CU_ASSERT_EQUAL(c->mag.fho.n_vendors, 0);
	CU_ASSERT_EQUAL(c->mag.fho.forwarding_ms, 10000);
	CU_ASSERT_EQUAL(c->mag.tunnel_mtu, 0);
	CU_ASSERT_STRING_EQUAL(
		mac_str(&c->mag.fixed_mag_link_layer_address_on_all_access_links, mac),
		"00:00:5e:00:52:13");
	CU_ASSERT_EQUAL(c->access[0].type, CONFIG_LINK_SHARED);
	CU_ASSERT_EQUAL(c->access[0].hook, CONFIG_HOOK_AUTO);
	CU_ASSERT_EQUAL(c->access[0].att, ATT_ETHERNET);
	CU_ASSERT_EQUAL(c->access[0].probe_count, 3);
	CU_ASSERT_TRUE(c->access[0].trigger_rs && c->access[0].trigger_ns &&
		       c->access[0].trigger_link_down && c->access[0].trigger_neighbour);

	/* two places know these defaults; they must not part */
	access_cfg_init(&a);
	CU_ASSERT_EQUAL(c->access_cfg.router_lifetime_s, a.router_lifetime_s);
	CU_ASSERT_EQUAL(c->access_cfg.max_rtr_adv_interval_s, a.max_rtr_adv_interval_s);
	CU_ASSERT_EQUAL(c->access_cfg.min_rtr_adv_interval_s, a.min_rtr_adv_interval_s);
	CU_ASSERT_EQUAL(c->access_cfg.max_ra_delay_ms, a.max_ra_delay_ms);
	CU_ASSERT_EQUAL(c->access_cfg.min_delay_between_ras_ms, a.min_delay_between_ras_ms);
	CU_ASSERT_EQUAL(c->access_cfg.cur_hop_limit, a.cur_hop_limit);
	CU_ASSERT_EQUAL(c->access_cfg.managed, a.managed);
	CU_ASSERT_EQUAL(c->access_cfg.other, a.other);
	CU_ASSERT_EQUAL(c->access_cfg.max_nodes, a.max_nodes);
	CU_ASSERT_EQUAL(c->access_cfg.max_nodes_per_link, a.max_nodes_per_link);
	CU_ASSERT_EQUAL(c->access_cfg.attach_rate, a.attach_rate);
	CU_ASSERT_EQUAL(c->access_cfg.retrigger_ms, a.retrigger_ms);
	CU_ASSERT_EQUAL(c->access_cfg.suspect_probe_ms, a.suspect_probe_ms);
	CU_ASSERT_TRUE(addr6_eq(&c->access_cfg.link_local, &a.link_local));
	CU_ASSERT_TRUE(mac_eq(&c->access_cfg.mac, &a.mac));
	config_free(&c);
}

/* ---- the rows */

static void each_row(const struct config_section *s,
		     void (*fn)(const struct config_section *s, const struct config_row *r))
{
	for (size_t i = 0; i < s->n_rows; i++) {
		fn(s, &s->rows[i]);
		if (s->rows[i].sub)
			each_row(s->rows[i].sub, fn);
	}
}

static int parse(const struct config_row *r, const char *text, int64_t *v)
{
	uint8_t value[1024] = {0};
	char why[CONFIG_WHY_LEN] = "", shown[CONFIG_VALUE_LEN];
	int rc = config_value_parse(r, text, value, why);

	CU_ASSERT_EQUAL(rc == 0, why[0] == '\0');
	if (!rc)
		*v = strtoll(config_value_str(r, value, shown), NULL, 10);
	return rc;
}

static void edges(const struct config_section *s, const struct config_row *r)
{
	char text[32];
	int64_t v = -1;

	if (r->kind != CONFIG_UINT)
		return;
	CU_ASSERT_TRUE(r->min < r->max);
	snprintf(text, sizeof(text), "%" PRId64, r->min);
	CU_ASSERT_EQUAL(parse(r, text, &v), 0);
	CU_ASSERT_EQUAL(v, r->min);
	snprintf(text, sizeof(text), "%" PRId64, r->max);
	CU_ASSERT_EQUAL(parse(r, text, &v), 0);
	CU_ASSERT_EQUAL(v, r->max);
	snprintf(text, sizeof(text), "%" PRId64, r->max + 1);
	CU_ASSERT_EQUAL(parse(r, text, &v), -EINVAL);
	snprintf(text, sizeof(text), "%" PRId64, r->min - 1);
	CU_ASSERT_EQUAL(parse(r, text, &v), -EINVAL);
	CU_ASSERT_EQUAL(parse(r, "", &v), -EINVAL);
	CU_ASSERT_EQUAL(v, r->max);
}

static void test_edges(void)
{
	each_row(&config_root, edges);
}

static void prefix_edges(const struct config_section *s, const struct config_row *r)
{
	char text[64];
	int64_t v;

	if (r->kind != CONFIG_PREFIX)
		return;
	for (int64_t len = 0; len <= 128; len++) {
		snprintf(text, sizeof(text), "%s/%" PRId64, len < 16 ? "::" : "2001::", len);
		CU_ASSERT_EQUAL(
			parse(r, text, &v),
			len >= r->min && len <= r->max && (len == 0 || len >= 16) ? 0 : -EINVAL);
	}
}

static void test_prefix_edges(void)
{
	each_row(&config_root, prefix_edges);
}

static void lint(const struct config_section *s, const struct config_row *r)
{
	char buf[CONFIG_VALUE_LEN];
	int64_t v;

	for (const char *c = r->key; *c; c++)
		CU_ASSERT_TRUE(islower((unsigned char)*c) || isdigit((unsigned char)*c) ||
			       *c == '-');
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->help);
	CU_ASSERT_TRUE(strlen(r->help) > 10 && r->help[strlen(r->help) - 1] == '.');
	CU_ASSERT_TRUE(strlen(config_value_expected(r, buf)) > 5);
	CU_ASSERT_TRUE(r->offset + (r->list == CONFIG_HEAP ? sizeof(void *) : r->size) <= s->size ||
		       r->kind == CONFIG_SECTION);
	CU_ASSERT_EQUAL(r->list != CONFIG_ONE, r->max_n > 0);
	CU_ASSERT_EQUAL(r->kind == CONFIG_STRING, r->syntax != NULL);
	CU_ASSERT_EQUAL(r->kind == CONFIG_NAME || r->kind == CONFIG_ATT, r->names != NULL);
	CU_ASSERT_EQUAL(r->kind == CONFIG_SECTION, r->sub != NULL);
	if (r->kind == CONFIG_SECTION && r->list != CONFIG_ONE) {
		/* entries are told apart by their first key */
		CU_ASSERT_EQUAL(r->sub->rows[0].kind, CONFIG_STRING);
		CU_ASSERT_TRUE(config_row_required(&r->sub->rows[0]));
	}
	if (r->def && *r->def && r->kind != CONFIG_SECTION)
		CU_ASSERT_EQUAL(parse(r, r->def, &v), 0);
	for (const struct config_row *q = s->rows; q < r; q++)
		CU_ASSERT_STRING_NOT_EQUAL(q->key, r->key);
}

static void test_rows_lint(void)
{
	each_row(&config_root, lint);
}

static void names_parse(const struct config_section *s, const struct config_row *r)
{
	char why[CONFIG_WHY_LEN], shown[CONFIG_VALUE_LEN];
	uint8_t value[8];

	for (const struct config_name *n = r->names; n && n->name; n++) {
		CU_ASSERT_EQUAL(config_value_parse(r, n->name, value, why), 0);
		CU_ASSERT_STRING_EQUAL(config_value_str(r, value, shown), n->name);
	}
}

static void test_names(void)
{
	each_row(&config_root, names_parse);
}

/* ---- the reference */

static char *schema(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	config_print_schema(f);
	fclose(f);
	return text;
}

static const char *schema_text;

static void in_schema(const struct config_section *s, const struct config_row *r)
{
	char cell[80];

	snprintf(cell, sizeof(cell), "| `%s` |", r->key);
	CU_ASSERT_PTR_NOT_NULL(strstr(schema_text, cell));
	CU_ASSERT_PTR_NOT_NULL(strstr(schema_text, r->help));
}

static void test_schema(void)
{
	static const char *const rfc[] = {
		"MinDelayBeforeBCEDelete",
		"MaxDelayBeforeNewBCEAssign",
		"TimestampValidityWindow",
		"EnableMAGLocalRouting",
		"TimestampBasedApproachInUse",
		"MobileNodeGeneratedTimestampInUse",
		"FixedMAGLinkLocalAddressOnAllAccessLinks",
		"FixedMAGLinkLayerAddressOnAllAccessLinks",
	};
	char *text = schema();

	schema_text = text;
	each_row(&config_root, in_schema);
	for (size_t i = 0; i < ARRAY_SIZE(rfc); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, rfc[i]));
	free(text);
}

static void test_schema_example_loads(void)
{
	char *text = schema(), *start = strstr(text, "```yaml\n"), *end;
	struct config *c;

	CU_ASSERT_PTR_NOT_NULL_FATAL(start);
	start += strlen("```yaml\n");
	end = strstr(start, "```");
	CU_ASSERT_PTR_NOT_NULL_FATAL(end);
	*end = '\0';
	c = load(start);
	CU_ASSERT_TRUE(c->has_lma && c->has_mag);
	config_free(&c);
	free(text);
}

/* `make docs` writes it. */
static void test_reference_is_current(void)
{
	char *text = schema(), *file = NULL;
	FILE *f = fopen("docs/configuration.md", "r");
	size_t cap = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_TRUE(getdelim(&file, &cap, EOF, f) > 0);
	CU_ASSERT_STRING_EQUAL(file, text);
	fclose(f);
	free(file);
	free(text);
}

static void test_example_files_load(void)
{
	static const char *const files[] = {"lma", "mag", "chain", "lma-ipv4", "mag-ipv4"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[64], err[CONFIG_ERR_LEN] = "";
		struct config *c = NULL;

		snprintf(path, sizeof(path), "docs/examples/%s.yaml", files[i]);
		CU_ASSERT_EQUAL(config_load(&c, path, err, sizeof(err)), 0);
		CU_ASSERT_STRING_EQUAL(err, "");
		config_free(&c);
	}
}

static void test_many_profiles(void)
{
	enum { N = 4000 };
	char *yaml = malloc(N * 128 + 400), err[CONFIG_ERR_LEN] = "";
	struct config *c = NULL;
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(yaml);
	n = (size_t)sprintf(yaml, "transport: [{name: e}]\nlma:\n  addresses: [2001:db8::1]\n"
				  "  static-prefixes: [2001:db8:1::/48]\nprofiles:\n");
	for (unsigned i = 0; i < N; i++)
		n += (size_t)sprintf(
			yaml + n,
			"  - {mn-id: mn%u@x, link-layer-addresses: "
			"[\"02:00:00:00:%02x:%02x\"], prefixes: [2001:db8:1:%x::/64]}\n",
			i, i >> 8, i & 0xff, i);
	CU_ASSERT_EQUAL(config_load_mem(&c, "f", yaml, n, err, sizeof(err)), 0);
	CU_ASSERT_STRING_EQUAL(err, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_EQUAL(profile_table_count(c->profiles), N);
	config_free(&c);
	free(yaml);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"every key of a full file arrives",			     test_full},
		{"profiles are walked in file order",						       test_walk_profiles},
		{"a minimal LMA gets the defaults of RFC 5213 section 9",test_lma_defaults},
		{"a minimal MAG gets the defaults of its RFCs", test_mag_defaults},
		{"every number is taken at its edges and refused beyond",							  test_edges},
		{"every prefix is taken at its edges and refused beyond",					  test_prefix_edges},
		{"the rows are consistent", test_rows_lint},
		{"every word is parsed and printed the same",							      test_names},
		{"the reference has every key and every RFC name", test_schema},
		{"the example in the reference loads",			       test_schema_example_loads},
		{"docs/configuration.md is what the rows say",						       test_reference_is_current},
		{"the example files load",test_example_files_load},
		{"four thousand profiles load",	test_many_profiles},
		{0						      },
	};

	return cu_main("config", tests, argc, argv);
}
