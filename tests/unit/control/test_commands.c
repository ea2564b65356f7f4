/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every command on a real LMA and a real MAG that talk to each other inside this program, and on a
 * daemon that has neither.
 */
#include <arpa/inet.h>

#include "base/log.h"
#include "dataplane/dp_fake.h"
#include "unit/control/harness.h"

#define NODES 3

struct flight { /* a message under way */
	struct in6_addr src, dst;
	uint8_t data[1024];
	size_t len;
};

static struct world {
	struct flight queue[64];
	unsigned n_queue;
	struct env env;
	struct dp_fake *fake;
	struct tunnels *tunnels;
	struct profile_table *table;
	struct lma *lma;
	struct mag *mag;
	struct event_sink sink;
	struct link_ops links;
	struct loop loop;
	struct control_ctx ctx;
	struct in6_addr lmaa, coa;
	unsigned reloads, shutdowns;
	struct control_store store;
	bool flush;
	int reload_rc, attach_rc;
	struct link_node last;
	uint8_t last_hint;
	char last_mnid[64];
} w;

/* Dual-stack nodes, IPv4 between MAG and LMA, GRE with keys behind the TLV header. */
static bool four;

static int send_packet(void *ctx, const struct packet *pkt)
{
	struct flight *f;

	if (w.n_queue == ARRAY_SIZE(w.queue) || pkt->len > sizeof(f->data))
		return -ENOBUFS;
	f = &w.queue[w.n_queue++];
	f->src = pkt->src;
	f->dst = pkt->dst;
	f->len = pkt->len;
	memcpy(f->data, pkt->data, pkt->len);
	return 0;
}

static void deliver(void)
{
	static struct mh_msg msg;

	while (w.n_queue) {
		struct flight f = w.queue[0];
		const struct packet pkt = {f.src, f.dst, f.data, f.len};

		memmove(w.queue, w.queue + 1, --w.n_queue * sizeof(*w.queue));
		CU_ASSERT_EQUAL_FATAL(mh_decode(&msg, f.data, f.len, &f.src, &f.dst), MH_OK);
		if (msg.type == MH_BU)
			lma_receive(w.lma, &pkt, &msg, NOW);
		else
			mag_receive(w.mag, &pkt, &msg, NOW);
	}
}

static void no_param_problem(void *ctx, const struct packet *about, uint32_t at)
{
}

static void fill_random(void *ctx, void *buf, size_t len)
{
	memset(buf, 0x5a, len);
}

static uint64_t wallclock(void *ctx)
{
	return 1700000000ull * NSEC_PER_SEC;
}

/* ---- access links that agree to everything */

static void link_advertise(void *ctx, const struct link_node *n, const struct link_advert *ad)
{
}

static void link_withdraw(void *ctx, const struct link_node *n, bool deprecate)
{
}

static void link_node_call(void *ctx, const struct link_node *n)
{
}

static bool link_attached(void *ctx, const struct link_node *n)
{
	return true;
}

static void link_set(void *ctx, unsigned ifindex, const struct in6_addr *ll)
{
}

static void on_event(void *ctx, const struct event *ev)
{
	if (w.loop.c)
		control_emit(w.loop.c, ev);
}

/* ---- what the daemon would tell */

static void walk_interfaces(void *ctx, void (*cb)(void *arg, const struct control_iface *i),
			    void *arg)
{
	const struct control_iface up = {.name = "acc0",
					 .kind = "access",
					 .hook = "xdp+tc",
					 .state = "up",
					 .ifindex = 7,
					 .mtu = 1500,
					 .nodes = 2};
	const struct control_iface absent = {
		.name = "eth9", .kind = "transport", .hook = "none", .state = "absent"};

	cb(arg, &up);
	cb(arg, &absent);
}

static void walk_nodes(void *ctx, void (*cb)(void *arg, const struct control_node *n), void *arg)
{
	const struct control_node n = {.ifname = "acc0",
				       .mac = {{2, 0, 0, 0, 0, 1}},
				       .state = "served",
				       .seen = NOW - nsec_from_s(65)};
	const struct control_node dual = {
		.ifname = "acc0",
		.mac = {{2, 0, 0, 0, 0, 2}},
		.state = "served",
		.home4 = { .addr = {inet_addr("203.0.113.2")},	      .len = 24},
		.lease_end = NOW + nsec_from_s(61),
	};

	cb(arg, &n);
	if (four)
		cb(arg, &dual);
}

static void walk_profiles(void *ctx,
			  void (*cb)(void *arg, const char *pattern, const struct profile *p),
			  void *arg)
{
	static const struct profile p = {
		.mnid = {MNID_NAI,		   3, (const uint8_t *)"a@b"},
		.enabled = true,
		.pool = "default",
		.local_routing = -1,
		.n_macs = 1,
		.macs = {{{2, 0, 0, 0, 0, 9}}}
	      };

	static const struct profile dual = {
		.mnid = {MNID_NAI, 3, (const uint8_t *)"d@b"},
		.no_ipv6 = true,
		.ipv4 = true,
		.pool4 = "four",
		.n_dns4 = 1,
		.local_routing = -1,
	};
	struct profile d = dual;

	d.home4.s_addr = inet_addr("203.0.113.9");
	d.dns4[0].s_addr = inet_addr("203.0.113.53");
	cb(arg, NULL, &p);
	cb(arg, "@b", &p);
	if (four)
		cb(arg, NULL, &d);
}

static const struct counter_desc descs[] = {
	{"one", "the first" },
	      {"two", "the second"}
};
static const uint64_t values[] = {11, UINT64_C(1) << 40};

static size_t counters(void *ctx, struct counter_set *out, size_t max)
{
	CU_ASSERT_TRUE_FATAL(max >= 1);
	out[0] = (struct counter_set){"net", descs, values, 2};
	return 1;
}

static int drops(void *ctx, struct counter_set *out)
{
	*out = (struct counter_set){"drop", descs, values, 2};
	return 0;
}

static int nexthop(void *ctx, dp_ref peer, struct control_nexthop *out)
{
	*out = (struct control_nexthop){
		.state = "reachable", .ifname = "eth0", .mac = {{2, 1, 1, 1, 1, 1}}};
	return 0;
}

static int op_attach(void *ctx, const char *ifname, const struct mac *mac, const struct mnid *mnid,
		     uint8_t hint, const char *prev_ap, nsec_t now)
{
	struct mag_attachment a = {
		.node = {.ifindex = 7, .mac = *mac},
		.att = ATT_ETHERNET,
		.domain = four ? 5 : 0,
		.handoff_hint = hint,
		.prev_ap = prev_ap,
		.mnid = mnid,
		.cause = "control"
	  };

	if (strcmp(ifname, "acc0"))
		return -ENODEV;
	w.last = a.node;
	w.last_hint = hint;
	w.last_mnid[0] = '\0';
	if (mnid)
		mnid_str(mnid, w.last_mnid, sizeof(w.last_mnid));
	if (w.attach_rc)
		return w.attach_rc;
	return mag_attach(w.mag, &a, now);
}

static int op_detach(void *ctx, const char *ifname, const struct mac *mac, nsec_t now)
{
	const struct link_node n = {.ifindex = 7, .mac = *mac};

	return strcmp(ifname, "acc0") ? -ENODEV : mag_detach(w.mag, &n, "control", now);
}

static const char *op_ifname(void *ctx, unsigned ifindex)
{
	return ifindex == 7 ? "acc0" : NULL;
}

static int op_reload(void *ctx, char *msg, size_t cap, nsec_t now)
{
	w.reloads++;
	snprintf(msg, cap, w.reload_rc ? "lma.addresses: cannot change" : "2 keys changed");
	return w.reload_rc;
}

static void op_store(void *ctx, struct control_store *out)
{
	*out = w.store;
}

static int op_shut_down(void *ctx, bool flush, char *msg, size_t cap)
{
	w.shutdowns++;
	w.flush = flush;
	snprintf(msg, cap, "the daemon ends");
	return 0;
}

/* ---- */

static void make_lma(void)
{
	static struct lma_pool_cfg pool = {.name = "default"};
	static struct lma_mag_cfg mag = {.name = "mag1"};
	static struct lma_pool4_cfg pool4 = {.name = "four", .domain = 5};
	struct lma_cfg cfg = {
		.pools4 = &pool4,
		.n_pools4 = four,
		.gre = LMA_GRE_ACCEPT,
		.gre_tlv = true,
		.n_addrs = 1,
		.pools = &pool,
		.n_pools = 1,
		.mags = &mag,
		.n_mags = 1,
		.max_bindings = 100,
		.max_lifetime = 3600,
		.min_delay_before_bce_delete_ms = 10000,
		.max_delay_before_new_bce_assign_ms = 1500,
		.timestamp_validity_window_ms = 300,
		.timestamp_based_approach_in_use = true,
	};
	const struct profiles p = profile_table_profiles(w.table);
	static struct profiles profiles;

	profiles = p;
	cfg.addrs[0] = w.lmaa;
	mag.addr = w.coa;
	prefix6_parse("2001:db8:100::/48", &pool.prefix);
	prefix4_parse("203.0.113.0/24", &pool4.prefix);
	addr6_parse("fe80::200:5eff:fe00:5213",
		    &cfg.fixed_mag_link_local_address_on_all_access_links);
	CU_ASSERT_EQUAL_FATAL(lma_new(&w.lma, &cfg, &w.env, dp_fake_dataplane(w.fake), w.tunnels,
				      &profiles, &w.sink),
			      0);
}

static void make_mag(void)
{
	static struct mag_lma_cfg lma = {.name = "lma1"};
	static const struct mag_neighbour_cfg neighbour = {
		.name = "mag2",
		.addr = {{{0x20, 1, 0xd, 0xb8, 0, 0x12, [15] = 1}}},
		.encap = DP_ENCAP_MAX,
		.ap_ids = {"corridor"},
		.n_ap_ids = 1,
	};
	struct mag_cfg cfg = {
		.neighbours = &neighbour,
		.n_neighbours = four ? 0 : 1,
		.fho = {.hi_timeout_ms = 100, .hi_retries = 3, .forwarding_ms = 10000,
			.leave_ms = 2000, .max = 10},
		.identity = "mag1",
		.gre = four ? MAG_GRE_KEYS : MAG_GRE_NONE,
		.gre_tlv = four,
		.lmas = &lma,
		.n_lmas = 1,
		.max_bindings = 100,
		.lifetime = 3600,
		.refresh_percent = 75,
		.initial_bindack_timeout_ms = 1000,
		.max_bindack_timeout_ms = 32000,
		.timestamp_based_approach_in_use = true,
		.realm = "example.com",
	};
	const struct profiles p = profile_table_profiles(w.table);
	static struct profiles profiles;

	profiles = p;
	*(four ? &cfg.ipv4_proxy_coa : &cfg.proxy_coa) = w.coa;
	lma.addr = w.lmaa;
	addr6_parse("fe80::200:5eff:fe00:5213",
		    &cfg.fixed_mag_link_local_address_on_all_access_links);
	mac_parse("00:00:5e:00:52:13", &cfg.fixed_mag_link_layer_address_on_all_access_links);
	CU_ASSERT_EQUAL_FATAL(mag_new(&w.mag, &cfg, &w.env, dp_fake_dataplane(w.fake), w.tunnels,
				      &profiles, &w.links, &w.sink),
			      0);
}

static void build(void)
{
	const struct profile everybody = {
		.enabled = true, .prefix_count = 1, .ipv4 = four, .local_routing = -1};
	const struct control_opts opts = {0};

	w = (struct world){0};
	log_set_level(LOG_C_BUG);
	addr_parse(four ? "198.51.100.1" : "2001:db8:2::1", &w.lmaa);
	addr_parse(four ? "198.51.100.11" : "2001:db8:11::1", &w.coa);
	w.env = (struct env){NULL, send_packet, no_param_problem, fill_random, wallclock};
	w.links = (struct link_ops){NULL,	   link_advertise, link_withdraw, link_node_call,
				    link_attached, link_node_call, link_set};
	w.sink.emit = on_event;
	CU_ASSERT_EQUAL_FATAL(dp_fake_new(&w.fake), 0);
	CU_ASSERT_EQUAL_FATAL(tunnels_new(&w.tunnels, dp_fake_dataplane(w.fake)), 0);
	CU_ASSERT_EQUAL_FATAL(profile_table_new(&w.table), 0);
	CU_ASSERT_EQUAL_FATAL(profile_table_add_fallback(w.table, "*", &everybody), 0);
	make_lma();
	make_mag();
	w.ctx = (struct control_ctx){
		.lma = w.lma,
		.mag = w.mag,
		.dp = dp_fake_dataplane(w.fake),
		.tunnels = w.tunnels,
		.ops = {NULL, walk_interfaces, walk_nodes, walk_profiles, counters, drops, op_store,
			nexthop, op_attach, op_detach, op_ifname, op_reload, op_shut_down},
		.instance = "test",
		.config_file = "/etc/pmipd.yaml",
		.version = "1.0",
		.dataplane = "fake",
		.started_at = NOW - nsec_from_s(60),
		.wallclock = wallclock,
	};
	start(&w.loop, &w.ctx, &opts);
}

static void attach_nodes(int fd)
{
	char req[128];

	for (unsigned i = 1; i <= NODES; i++) {
		snprintf(req, sizeof(req),
			 "{\"cmd\":\"attach\",\"args\":{\"ifname\":\"acc0\",\"mac\":"
			 "\"02:00:00:00:00:%02x\"}}",
			 i);
		json_decref(ask(&w.loop, fd, req));
		deliver();
	}
}

static void destroy(void)
{
	stop(&w.loop);
	mag_free(&w.mag);
	lma_free(&w.lma);
	profile_table_free(&w.table);
	tunnels_free(&w.tunnels);
	dp_fake_free(&w.fake);
	log_set_level(LOG_C_INFO);
}

static const char *str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "(none)";
}

static json_int_t num(const json_t *o, const char *key)
{
	CU_ASSERT_TRUE(json_is_integer(json_object_get(o, key)));
	return json_integer_value(json_object_get(o, key));
}

/* Every column that pmipctl shows is in every row. */
// clang-format off
#define KEY_ROW(header, key, format) key,
#define KEYS(sym, name, shape, args, cols, help) [CTL_##sym] = (const char *const[]){ cols(KEY_ROW) NULL },
static const char *const *const column_keys[] = { CTL_COMMANDS(KEYS) };
// clang-format on

static json_t *value_at(const json_t *row, const char *key)
{
	const char *dot = strchr(key, '.');
	char outer[64];

	if (!dot)
		return json_object_get(row, key);
	snprintf(outer, sizeof(outer), "%.*s", (int)(dot - key), key);
	return json_object_get(json_object_get(row, outer), dot + 1);
}

static json_t *list(int fd, enum ctl_command cmd, const char *request, size_t rows, json_t **answer)
{
	json_t *data = ask_granted(&w.loop, fd, request, answer), *row;
	size_t i;

	CU_ASSERT_TRUE_FATAL(json_is_array(data));
	CU_ASSERT_EQUAL_FATAL(json_array_size(data), rows);
	json_array_foreach(data, i, row)
	{
		for (const char *const *k = column_keys[cmd]; *k; k++)
			if (!value_at(row, *k)) {
				printf("\n  %s: no %s\n", request, *k);
				CU_FAIL("a column has no value");
			}
	}
	return data;
}

static void test_bindings(void)
{
	json_t *a, *data, *row;
	int fd;

	build();
	fd = client(&w.loop);
	data = list(fd, CTL_BINDINGS, "{\"cmd\":\"bindings\"}", 0, &a);
	json_decref(a);
	attach_nodes(fd);
	data = list(fd, CTL_BINDINGS, "{\"cmd\":\"bindings\"}", NODES, &a);
	json_decref(a);
	data = list(fd, CTL_BINDINGS,
		    "{\"cmd\":\"bindings\",\"args\":{\"mn_id\":\"02-00-00-00-00-02@example.com\"}}",
		    1, &a);
	row = json_array_get(data, 0);
	CU_ASSERT_STRING_EQUAL(str(row, "mn_id"), "02-00-00-00-00-02@example.com");
	CU_ASSERT_STRING_EQUAL(str(row, "mag"), "mag1");
	CU_ASSERT_STRING_EQUAL(str(row, "proxy_coa"), "2001:db8:11::1");
	CU_ASSERT_STRING_EQUAL(str(row, "lma_address"), "2001:db8:2::1");
	CU_ASSERT_EQUAL(num(row, "att_number"), ATT_ETHERNET);
	CU_ASSERT_EQUAL(num(row, "lifetime"), 3600);
	CU_ASSERT_EQUAL(num(row, "remaining"), 3600);
	CU_ASSERT_EQUAL(num(row, "handovers"), 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(row, "prefixes")), 1);
	CU_ASSERT_DOUBLE_EQUAL(json_number_value(json_object_get(row, "timestamp")), 1.7e9, 1);
	json_decref(a);
	list(fd, CTL_BINDINGS, "{\"cmd\":\"bindings\",\"args\":{\"mn_id\":\"x@y\"}}", 0, &a);
	json_decref(a);
	close(fd);
	destroy();
}

static void test_update_list(void)
{
	json_t *a, *row;
	int fd;

	build();
	fd = client(&w.loop);
	attach_nodes(fd);
	list(fd, CTL_UPDATE_LIST, "{\"cmd\":\"update-list\"}", NODES, &a);
	json_decref(a);
	row = json_array_get(list(fd, CTL_UPDATE_LIST,
				  "{\"cmd\":\"update-list\",\"args\":{\"mn_id\":"
				  "\"02-00-00-00-00-01@example.com\"}}",
				  1, &a),
			     0);
	CU_ASSERT_STRING_EQUAL(str(row, "ifname"), "acc0");
	CU_ASSERT_STRING_EQUAL(str(row, "mac"), "02:00:00:00:00:01");
	CU_ASSERT_STRING_EQUAL(str(row, "lma"), "lma1");
	CU_ASSERT_EQUAL(num(row, "last_status_number"), 0);
	CU_ASSERT_EQUAL(num(row, "lifetime"), 3600);
	json_decref(a);
	close(fd);
	destroy();
}

static void test_sessions(void)
{
	json_t *a, *data, *row;
	unsigned anchors = 0;
	size_t i;
	int fd;

	build();
	fd = client(&w.loop);
	attach_nodes(fd);
	data = list(fd, CTL_SESSIONS, "{\"cmd\":\"sessions\"}", 2 * NODES, &a);
	json_array_foreach(data, i, row)
	{
		bool anchor = !strcmp(str(row, "half"), "anchor");

		anchors += anchor;
		CU_ASSERT_STRING_EQUAL(str(row, "mode"), "forward");
		if (!anchor)
			CU_ASSERT_EQUAL(strncmp(str(row, "down"), "acc0 02:", 8), 0);
		CU_ASSERT_EQUAL(num(row, "down_packets"), 0);
	}
	CU_ASSERT_EQUAL(anchors, NODES);
	json_decref(a);
	close(fd);
	destroy();
}

static void test_peers(void)
{
	static const char *const kinds[] = {"mag", "lma", "neighbour", "tunnel", "tunnel"};
	json_t *a, *data, *row;
	size_t i;
	int fd;

	build();
	fd = client(&w.loop);
	attach_nodes(fd);
	data = ask_granted(&w.loop, fd, "{\"cmd\":\"peers\"}", &a);
	CU_ASSERT_EQUAL_FATAL(json_array_size(data), 5);
	json_array_foreach(data, i, row) CU_ASSERT_STRING_EQUAL(str(row, "kind"), kinds[i]);
	row = json_array_get(data, 0);
	CU_ASSERT_STRING_EQUAL(str(row, "name"), "mag1");
	CU_ASSERT_EQUAL(num(row, "bindings"), NODES);
	CU_ASSERT_EQUAL(num(row, "pbu"), NODES);
	CU_ASSERT_EQUAL(num(row, "rejected"), 0);
	row = json_array_get(data, 1);
	CU_ASSERT_STRING_EQUAL(str(row, "name"), "lma1");
	CU_ASSERT_EQUAL(num(row, "pba"), NODES);
	row = json_array_get(data, 2);
	CU_ASSERT_STRING_EQUAL(str(row, "name"), "mag2");
	CU_ASSERT_STRING_EQUAL(
		json_string_value(json_array_get(json_object_get(row, "access_points"), 0)),
		"corridor");
	CU_ASSERT_EQUAL(num(row, "handovers"), 0);
	row = json_array_get(data, 3);
	CU_ASSERT_STRING_EQUAL(str(row, "next_hop"), "reachable eth0 02:01:01:01:01:01");
	CU_ASSERT_EQUAL(num(row, "users"), NODES);
	json_decref(a);
	close(fd);
	destroy();
}

static void test_interfaces_nodes_pools_profiles(void)
{
	json_t *a, *row;
	int fd;

	build();
	fd = client(&w.loop);
	attach_nodes(fd);
	row = json_array_get(list(fd, CTL_INTERFACES, "{\"cmd\":\"interfaces\"}", 2, &a), 0);
	CU_ASSERT_STRING_EQUAL(str(row, "hook"), "xdp+tc");
	CU_ASSERT_TRUE(json_is_null(json_object_get(row, "note")));
	json_decref(a);
	row = json_array_get(list(fd, CTL_NODES, "{\"cmd\":\"nodes\"}", 1, &a), 0);
	CU_ASSERT_EQUAL(num(row, "seen"), 65);
	json_decref(a);
	row = json_array_get(list(fd, CTL_POOLS, "{\"cmd\":\"pools\"}", 1, &a), 0);
	CU_ASSERT_STRING_EQUAL(str(row, "name"), "default");
	CU_ASSERT_STRING_EQUAL(str(row, "prefix"), "2001:db8:100::/48");
	CU_ASSERT_EQUAL(num(row, "used"), NODES);
	CU_ASSERT_EQUAL(num(row, "free"), num(row, "size") - NODES);
	json_decref(a);
	row = json_array_get(list(fd, CTL_PROFILES, "{\"cmd\":\"profiles\"}", 2, &a), 0);
	CU_ASSERT_STRING_EQUAL(str(row, "node"), "a@b");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(json_object_get(row, "macs"), 0)),
			       "02:00:00:00:00:09");
	json_decref(a);
	close(fd);
	destroy();
}

static void expect_home4(const json_t *row)
{
	CU_ASSERT_STRING_EQUAL(str(row, "ipv4"), "203.0.113.2");
	CU_ASSERT_STRING_EQUAL(str(row, "ipv4_router"), "203.0.113.1");
	CU_ASSERT_EQUAL(num(row, "ipv4_prefix_len"), 24);
	CU_ASSERT_STRING_EQUAL(str(row, "encapsulation"), "udp-gre-key");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(row, "prefixes")), 1);
}

static void test_ipv4(void)
{
	json_t *a, *b, *row, *other;
	char *text;
	int fd, mon;

	four = true;
	build();
	fd = client(&w.loop);
	mon = client(&w.loop);
	json_decref(ask(&w.loop, mon, "{\"cmd\":\"monitor\"}"));
	attach_nodes(fd);
	row = json_array_get(list(fd, CTL_BINDINGS, "{\"cmd\":\"bindings\"}", NODES, &a), 0);
	other = json_array_get(list(fd, CTL_UPDATE_LIST, "{\"cmd\":\"update-list\"}", NODES, &b),
			       0);
	expect_home4(row);
	expect_home4(other);
	CU_ASSERT_EQUAL(num(row, "ipv4_domain"), 5);
	CU_ASSERT_STRING_EQUAL(str(row, "proxy_coa"), "198.51.100.11");
	CU_ASSERT_STRING_EQUAL(str(row, "lma_address"), "198.51.100.1");
	CU_ASSERT_STRING_EQUAL(str(other, "dhcp"), "server");
	/* both ends speak of the same keys */
	CU_ASSERT(num(row, "down_gre_key") != 0 && num(row, "up_gre_key") != 0);
	CU_ASSERT_EQUAL(num(row, "down_gre_key"), num(other, "down_gre_key"));
	CU_ASSERT_EQUAL(num(row, "up_gre_key"), num(other, "up_gre_key"));
	json_decref(a);
	json_decref(b);

	row = json_array_get(list(fd, CTL_POOLS, "{\"cmd\":\"pools\"}", 2, &a), 1);
	CU_ASSERT_STRING_EQUAL(str(row, "name"), "four");
	CU_ASSERT_STRING_EQUAL(str(row, "prefix"), "203.0.113.0/24");
	CU_ASSERT_EQUAL(num(row, "ipv4_domain"), 5);
	CU_ASSERT_EQUAL(num(row, "used"), NODES);
	CU_ASSERT_EQUAL(num(row, "size"), 253); /* neither network, broadcast nor router */
	CU_ASSERT_TRUE(json_is_null(
		json_object_get(json_array_get(json_object_get(a, "data"), 0), "ipv4_domain")));
	json_decref(a);

	row = json_array_get(list(fd, CTL_NODES, "{\"cmd\":\"nodes\"}", 2, &a), 1);
	CU_ASSERT_STRING_EQUAL(str(row, "ipv4"), "203.0.113.2");
	CU_ASSERT_STRING_EQUAL(str(row, "dhcp"), "server");
	CU_ASSERT_EQUAL(num(row, "lease"), 61);
	row = json_array_get(json_object_get(a, "data"), 0);
	CU_ASSERT_TRUE(json_is_null(json_object_get(row, "ipv4")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(row, "lease")));
	json_decref(a);

	row = json_array_get(list(fd, CTL_PROFILES, "{\"cmd\":\"profiles\"}", 3, &a), 2);
	CU_ASSERT_TRUE(json_is_true(json_object_get(row, "ipv4")));
	CU_ASSERT_TRUE(json_is_false(json_object_get(row, "ipv6")));
	CU_ASSERT_STRING_EQUAL(str(row, "ipv4_home_address"), "203.0.113.9");
	CU_ASSERT_STRING_EQUAL(str(row, "ipv4_pool"), "four");
	CU_ASSERT_STRING_EQUAL(
		json_string_value(json_array_get(json_object_get(row, "dns_servers"), 0)),
		"203.0.113.53");
	json_decref(a);

	text = hear(&w.loop, mon, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"ipv4\":\"203.0.113.2\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"peer\":\"198.51.100.1\""));
	free(text);
	close(fd);
	close(mon);
	destroy();
	four = false;
}

static json_int_t counter(const json_t *data, const char *module, const char *name)
{
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)data, i, row)
	{
		if (!strcmp(str(row, "module"), module) && !strcmp(str(row, "name"), name))
			return num(row, "value");
	}
	return -1;
}

static void test_counters_and_drops(void)
{
	json_t *a, *data, *row;
	int fd;

	build();
	fd = client(&w.loop);
	attach_nodes(fd);
	data = ask_granted(&w.loop, fd, "{\"cmd\":\"counters\"}", &a);
	CU_ASSERT_TRUE(json_array_size(data) > 20);
	CU_ASSERT_EQUAL(counter(data, "net", "two"), (json_int_t)1 << 40);
	CU_ASSERT_EQUAL(counter(data, "drop", "one"), 11);
	/* the attachments and this very request */
	CU_ASSERT_EQUAL(counter(data, "control", "requests"), NODES + 1);
	json_decref(a);
	list(fd, CTL_COUNTERS, "{\"cmd\":\"counters\",\"args\":{\"module\":\"net\"}}", 2, &a);
	json_decref(a);
	ask_refused(
		&w.loop, fd, "{\"cmd\":\"counters\",\"args\":{\"module\":\"nat\"}}",
		"no module \"nat\"; there are lma lma-heartbeat lma-revocation mag mag-heartbeat "
		"mag-revocation handover control drop net");
	row = json_array_get(list(fd, CTL_DROPS, "{\"cmd\":\"drops\"}", 2, &a), 1);
	CU_ASSERT_STRING_EQUAL(str(row, "name"), "two");
	json_decref(a);
	close(fd);
	destroy();
}

static void test_status_and_version(void)
{
	json_t *a, *o;
	int fd;

	build();
	fd = client(&w.loop);
	attach_nodes(fd);
	o = ask_granted(&w.loop, fd, "{\"cmd\":\"status\"}", &a);
	CU_ASSERT_STRING_EQUAL(str(o, "instance"), "test");
	CU_ASSERT_STRING_EQUAL(str(o, "config_file"), "/etc/pmipd.yaml");
	CU_ASSERT_EQUAL(num(o, "uptime"), 60);
	CU_ASSERT_EQUAL(num(o, "bindings"), NODES);
	CU_ASSERT_EQUAL(num(o, "update_list"), NODES);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(o, "roles")), 2);
	json_decref(a);
	o = ask_granted(&w.loop, fd, "{\"cmd\":\"version\"}", &a);
	CU_ASSERT_STRING_EQUAL(str(o, "version"), "1.0");
	json_decref(a);
	close(fd);
	destroy();
}

static void test_log_level(void)
{
	json_t *a;
	int fd;

	build();
	fd = client(&w.loop);
	ask_granted(&w.loop, fd, "{\"cmd\":\"log-level\",\"args\":{\"level\":\"remote\"}}", &a);
	json_decref(a);
	CU_ASSERT_EQUAL(log_level(), LOG_C_REMOTE);
	CU_ASSERT_STRING_EQUAL(
		str(ask_granted(&w.loop, fd, "{\"cmd\":\"log-level\"}", &a), "log_level"),
		"remote");
	json_decref(a);
	ask_refused(&w.loop, fd, "{\"cmd\":\"log-level\",\"args\":{\"level\":\"loud\"}}",
		    "\"loud\" is no log level; bug, local, auth, remote, info or debug");
	CU_ASSERT_EQUAL(log_level(), LOG_C_REMOTE);
	close(fd);
	destroy();
}

#define ATTACH(args) "{\"cmd\":\"attach\",\"args\":{" args "}}"
#define DETACH(args) "{\"cmd\":\"detach\",\"args\":{" args "}}"

static void test_attach(void)
{
	json_t *a;
	int fd;

	build();
	fd = client(&w.loop);
	ask_granted(&w.loop, fd,
		    ATTACH("\"ifname\":\"acc0\",\"mac\":\"02-00-00-00-00-07\",\"mn_id\":\"x@y\","
			   "\"hint\":\"3\""),
		    &a);
	json_decref(a);
	CU_ASSERT_EQUAL(w.last.mac.b[5], 7);
	CU_ASSERT_EQUAL(w.last_hint, HI_BETWEEN_MAGS);
	CU_ASSERT_STRING_EQUAL(w.last_mnid, "x@y");
	deliver();
	CU_ASSERT_EQUAL(mag_count(w.mag), 1);
	CU_ASSERT_EQUAL(lma_count(w.lma), 1);

	ask_refused(&w.loop, fd, ATTACH("\"ifname\":\"nope\",\"mac\":\"02:00:00:00:00:07\""),
		    "\"nope\" is no access interface that is up");
	ask_refused(&w.loop, fd, ATTACH("\"ifname\":\"acc0\",\"mac\":\"01:00:5e:00:00:01\""),
		    "\"01:00:5e:00:00:01\" is no unicast link-layer address such as "
		    "02:00:00:00:00:01");
	ask_refused(&w.loop, fd,
		    ATTACH("\"ifname\":\"acc0\",\"mac\":\"02:00:00:00:00:07\",\"hint\":\"9\""),
		    "\"9\" is no Handoff Indicator; 1 to 5 (RFC 5213 8.4)");
	ask_refused(&w.loop, fd,
		    ATTACH("\"ifname\":\"acc0\",\"mac\":\"02:00:00:00:00:07\",\"mn_id\":\"\""),
		    "an MN-ID has 1 to 254 characters");
	ask_refused(&w.loop, fd, ATTACH("\"ifname\":\"acc0\""),
		    "attach needs mac: the node's link-layer address");
	w.attach_rc = -EPERM;
	ask_refused(&w.loop, fd, ATTACH("\"ifname\":\"acc0\",\"mac\":\"02:00:00:00:00:08\""),
		    "the node is not entitled to service: no profile, or it is disabled");
	close(fd);
	destroy();
}

#define HANDOVER(args) "{\"cmd\":\"handover\",\"args\":{" args "}}"
#define NODE1	       "02-00-00-00-00-01@example.com"

/* The neighbour is not there. */
static void no_answer(void)
{
	nsec_t next = mag_next(w.mag);

	for (unsigned i = 0; i < 100 && mag_handovers(w.mag); i++, next = mag_next(w.mag))
		mag_tick(w.mag, next);
	CU_ASSERT_EQUAL(mag_handovers(w.mag), 0);
}

/* HI after 100, 200, 400, and given up after 800 ms more. */
static void latencies(int fd)
{
	json_t *a, *row;
	json_t *data = list(fd, CTL_HANDOVER_LATENCY, "{\"cmd\":\"handover-latency\"}", 9, &a);
	size_t i;

	json_array_foreach(data, i, row)
	{
		CU_ASSERT_EQUAL(num(row, "answer"), 0);
		CU_ASSERT_EQUAL(num(row, "register"), 0);
		CU_ASSERT_EQUAL(num(row, "whole"), i == 7);
	}
	CU_ASSERT_STRING_EQUAL(str(json_array_get(data, 0), "time"), "below 1 ms");
	CU_ASSERT_STRING_EQUAL(str(json_array_get(data, 6), "time"), "300 ms to 1 s");
	CU_ASSERT_STRING_EQUAL(str(json_array_get(data, 8), "time"), "3 s and more");
	CU_ASSERT_EQUAL(num(json_array_get(data, 7), "below_ms"), 3000);
	CU_ASSERT_TRUE(json_is_null(json_object_get(json_array_get(data, 8), "below_ms")));
	json_decref(a);
}

static void test_handover(void)
{
	json_t *a, *data, *h;
	int fd;

	build();
	fd = client(&w.loop);
	attach_nodes(fd);
	ask_refused(&w.loop, fd, HANDOVER("\"mn_id\":\"" NODE1 "\""),
		    "handover needs to: access point that it goes to, as neighbours name it, or "
		    "that MAG's name");
	ask_refused(&w.loop, fd, HANDOVER("\"mn_id\":\"" NODE1 "\",\"to\":\"cellar\""),
		    "\"cellar\" is no access point of a neighbour");
	ask_refused(&w.loop, fd, HANDOVER("\"mn_id\":\"x@y\",\"to\":\"corridor\""),
		    "no node \"x@y\" is registered here");
	list(fd, CTL_HANDOVERS, "{\"cmd\":\"handovers\"}", 0, &a);
	json_decref(a);
	ask_granted(&w.loop, fd, HANDOVER("\"mn_id\":\"" NODE1 "\",\"to\":\"corridor\""), &a);
	json_decref(a);
	ask_refused(&w.loop, fd, HANDOVER("\"mn_id\":\"" NODE1 "\",\"to\":\"mag2\""),
		    "that handover is in progress");
	data = list(fd, CTL_HANDOVERS, "{\"cmd\":\"handovers\"}", 1, &a);
	h = json_array_get(data, 0);
	CU_ASSERT_STRING_EQUAL(str(h, "mn_id"), NODE1);
	CU_ASSERT_STRING_EQUAL(str(h, "state"), "OFFERED");
	CU_ASSERT_STRING_EQUAL(str(h, "role"), "old");
	CU_ASSERT_STRING_EQUAL(str(h, "neighbour"), "mag2");
	CU_ASSERT_STRING_EQUAL(str(h, "neighbour_address"), "2001:db8:12::1");
	CU_ASSERT_STRING_EQUAL(str(h, "mode"), "predictive");
	CU_ASSERT_TRUE(json_is_null(json_object_get(h, "result")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(h, "answer_ms")));
	CU_ASSERT_TRUE(json_is_null(json_object_get(h, "register_ms")));
	CU_ASSERT_EQUAL(json_object_size(value_at(h, "buffer.dropped")), DP_BUFFER_DROP_MAX);
	json_decref(a);
	data = ask_granted(&w.loop, fd, "{\"cmd\":\"status\"}", &a);
	CU_ASSERT_EQUAL(num(data, "handovers"), 1);
	json_decref(a);
	no_answer();
	data = list(fd, CTL_HANDOVERS, "{\"cmd\":\"handovers\"}", 1, &a);
	h = json_array_get(data, 0);
	CU_ASSERT_STRING_EQUAL(str(h, "result"), "no answer");
	CU_ASSERT_EQUAL(num(h, "retransmissions"), 3);
	json_decref(a);
	latencies(fd);
	list(fd, CTL_HANDOVERS, "{\"cmd\":\"handovers\",\"args\":{\"mn_id\":\"x@y\"}}", 0, &a);
	json_decref(a);
	close(fd);
	destroy();
}

static void test_detach(void)
{
	json_t *a;
	int fd;

	build();
	fd = client(&w.loop);
	attach_nodes(fd);
	ask_granted(&w.loop, fd, DETACH("\"node\":\"02-00-00-00-00-01@example.com\""), &a);
	json_decref(a);
	ask_granted(&w.loop, fd, DETACH("\"node\":\"acc0\",\"mac\":\"02:00:00:00:00:02\""), &a);
	json_decref(a);
	deliver();
	CU_ASSERT_EQUAL(mag_count(w.mag), NODES - 2);
	ask_refused(&w.loop, fd, DETACH("\"node\":\"nobody@example.com\""),
		    "no node \"nobody@example.com\" is attached here");
	ask_refused(&w.loop, fd, DETACH("\"node\":\"acc0\",\"mac\":\"02:00:00:00:00:77\""),
		    "no such node on acc0");
	ask_refused(&w.loop, fd, DETACH("\"node\":\"eth7\",\"mac\":\"02:00:00:00:00:77\""),
		    "\"eth7\" is no access interface that is there");
	close(fd);
	destroy();
}

static void test_delete(void)
{
	json_t *a, *o;
	int fd;

	build();
	fd = client(&w.loop);
	attach_nodes(fd);
	o = ask_granted(
		&w.loop, fd,
		"{\"cmd\":\"delete\",\"args\":{\"mn_id\":\"02-00-00-00-00-03@example.com\"}}", &a);
	CU_ASSERT_EQUAL(num(o, "deleted"), 1);
	json_decref(a);
	CU_ASSERT_EQUAL(lma_count(w.lma), NODES - 1);
	ask_refused(&w.loop, fd,
		    "{\"cmd\":\"delete\",\"args\":{\"mn_id\":\"02-00-00-00-00-03@example.com\"}}",
		    "no binding of \"02-00-00-00-00-03@example.com\"");
	close(fd);
	destroy();
}

#define REVOKE(args) "{\"cmd\":\"revoke\",\"args\":{" args "}}"

static void test_revoke(void)
{
	json_t *a, *o;
	int fd;

	build();
	fd = client(&w.loop);
	attach_nodes(fd);
	ask_refused(&w.loop, fd, REVOKE(""), "either a node, or --mag or --realm, or --all");
	ask_refused(&w.loop, fd, REVOKE("\"mn_id\":\"a\",\"all\":true"),
		    "either a node, or --mag or --realm, or --all");
	ask_refused(&w.loop, fd, REVOKE("\"mn_id\":\"nobody@example.com\""),
		    "no bindings to revoke");
	ask_refused(&w.loop, fd, REVOKE("\"mn_id\":\"a\",\"trigger\":\"8\""),
		    "a trigger is a number from 0 to 7");
	ask_refused(&w.loop, fd, REVOKE("\"mn_id\":\"a\",\"prefix\":\"x\""),
		    "\"x\" is no prefix such as 2001:db8::/64");
	ask_refused(&w.loop, fd,
		    REVOKE("\"mn_id\":\"a\",\"prefix\":\"2001:db8::/64\",\"ipv4\":true"),
		    "a prefix or the IPv4 home address, not both");
	ask_refused(&w.loop, fd, REVOKE("\"mag\":\"mag9\""), "no mags to revoke");
	ask_refused(&w.loop, fd, REVOKE("\"realm\":\"a@b\""),
		    "\"a@b\" is no realm such as example.com");
	ask_refused(&w.loop, fd, REVOKE("\"realm\":\"example.org\",\"trigger\":7"),
		    "trigger is no string");
	ask_refused(&w.loop, fd, REVOKE("\"all\":true,\"lma\":\"lma1\""), "\"lma1\" is no address");
	ask_refused(&w.loop, fd, REVOKE("\"all\":true,\"lma\":\"2001:db8:77::1\""),
		    "no lmas to revoke");

	o = ask_granted(&w.loop, fd,
			REVOKE("\"mn_id\":\"02-00-00-00-00-03@example.com\",\"trigger\":\"5\""),
			&a);
	CU_ASSERT_EQUAL(num(o, "bindings"), 1);
	json_decref(a);
	CU_ASSERT_EQUAL(lma_count(w.lma), NODES - 1);
	o = ask_granted(&w.loop, fd, REVOKE("\"realm\":\"example.com\""), &a);
	CU_ASSERT_EQUAL(num(o, "mags"), 1);
	json_decref(a);
	close(fd);
	destroy();
}

static void test_reload(void)
{
	json_t *a;
	int fd;

	build();
	fd = client(&w.loop);
	CU_ASSERT_STRING_EQUAL(str(ask_granted(&w.loop, fd, "{\"cmd\":\"reload\"}", &a), "result"),
			       "2 keys changed");
	json_decref(a);
	w.reload_rc = -EBUSY;
	ask_refused(&w.loop, fd, "{\"cmd\":\"reload\"}", "lma.addresses: cannot change");
	CU_ASSERT_EQUAL(w.reloads, 2);
	close(fd);
	destroy();
}

static void test_store(void)
{
	json_t *a, *d;
	int fd;

	build();
	fd = client(&w.loop);
	w.store = (struct control_store){
		.file = "/var/lib/pmipd/lma1",
		.open = true,
		.status = {.items = 7, .dirty = 3, .in_flight = 2, .window_ms = 100},
		.found = "sound",
		.records = 6,
		.restored = 5,
		.refused = 1,
		.took = nsec_from_ms(12),
		.restart_counter = 4000000000,
	};
	d = ask_granted(&w.loop, fd, "{\"cmd\":\"store\"}", &a);
	CU_ASSERT_STRING_EQUAL(str(d, "file"), "/var/lib/pmipd/lma1");
	CU_ASSERT_STRING_EQUAL(str(d, "state"), "writing");
	CU_ASSERT_STRING_EQUAL(str(d, "found"), "sound");
	CU_ASSERT_EQUAL(num(d, "loss_window_ms"), 100);
	CU_ASSERT_EQUAL(num(d, "items"), 7);
	CU_ASSERT_EQUAL(num(d, "dirty"), 3);
	CU_ASSERT_EQUAL(num(d, "in_flight"), 2);
	CU_ASSERT_EQUAL(num(d, "records_found"), 6);
	CU_ASSERT_EQUAL(num(d, "records_missing"), 0);
	CU_ASSERT_EQUAL(num(d, "restored"), 5);
	CU_ASSERT_EQUAL(num(d, "refused"), 1);
	CU_ASSERT_EQUAL(num(d, "restore_ms"), 12);
	CU_ASSERT_EQUAL(num(d, "restart_counter"), 4000000000);
	CU_ASSERT(json_is_false(json_object_get(d, "sessions_lost")));
	CU_ASSERT(json_is_null(json_object_get(d, "last_error")));
	CU_ASSERT(json_is_null(json_object_get(d, "damaged_file")));
	json_decref(a);
	w.store.status.error = -ENOSPC;
	w.store.found = "damaged (a page is missing)";
	w.store.aside = "store.damaged-20260101T000000Z";
	w.store.missing = 2;
	w.store.lost = true;
	d = ask_granted(&w.loop, fd, "{\"cmd\":\"store\"}", &a);
	CU_ASSERT_STRING_EQUAL(str(d, "state"), "failing");
	CU_ASSERT_STRING_EQUAL(str(d, "last_error"), strerror(ENOSPC));
	CU_ASSERT_STRING_EQUAL(str(d, "damaged_file"), w.store.aside);
	CU_ASSERT_EQUAL(num(d, "records_missing"), 2);
	CU_ASSERT(json_is_true(json_object_get(d, "sessions_lost")));
	json_decref(a);
	w.store = (struct control_store){.file = "/proc", .found = "cannot be opened: no"};
	d = ask_granted(&w.loop, fd, "{\"cmd\":\"store\"}", &a);
	CU_ASSERT_STRING_EQUAL(str(d, "state"), "none");
	CU_ASSERT_STRING_EQUAL(str(d, "found"), "cannot be opened: no");
	CU_ASSERT_PTR_NULL(json_object_get(d, "items"));
	json_decref(a);
	close(fd);
	destroy();
}

static void test_shutdown(void)
{
	json_t *a;
	int fd;

	build();
	fd = client(&w.loop);
	CU_ASSERT_STRING_EQUAL(
		str(ask_granted(&w.loop, fd, "{\"cmd\":\"shutdown\"}", &a), "result"),
		"the daemon ends");
	json_decref(a);
	CU_ASSERT(w.shutdowns == 1 && !w.flush);
	ask_granted(&w.loop, fd, "{\"cmd\":\"shutdown\",\"args\":{\"flush\":true}}", &a);
	json_decref(a);
	CU_ASSERT(w.shutdowns == 2 && w.flush);
	ask_refused(&w.loop, fd, "{\"cmd\":\"shutdown\",\"args\":{\"flush\":1}}",
		    "flush is no truth value");
	ask_refused(&w.loop, fd, "{\"cmd\":\"shutdown\",\"args\":{\"flsh\":true}}",
		    "shutdown takes no argument \"flsh\"");
	CU_ASSERT_EQUAL(w.shutdowns, 2);
	close(fd);
	destroy();
}

static void test_help(void)
{
	json_t *a, *data;
	int fd;

	build();
	fd = client(&w.loop);
	data = list(fd, CTL_HELP, "{\"cmd\":\"help\"}", CTL_COMMAND_MAX, &a);
	CU_ASSERT_STRING_EQUAL(
		str(json_array_get(data, CTL_ATTACH), "synopsis"),
		"attach IFNAME MAC [--mn-id MN-ID] [--hint HINT] [--previous-ap PREVIOUS-AP]");
	json_decref(a);
	data = list(fd, CTL_HELP, "{\"cmd\":\"help\",\"args\":{\"command\":\"drops\"}}", 1, &a);
	CU_ASSERT_STRING_EQUAL(str(json_array_get(data, 0), "synopsis"), "drops");
	json_decref(a);
	close(fd);
	destroy();
}

static void test_pages(void)
{
	char req[96];
	json_int_t offset = 0;
	size_t rows = 0;
	json_t *a, *data, *next;
	unsigned pages = 0;
	int fd;

	build();
	fd = client(&w.loop);
	do {
		snprintf(req, sizeof(req),
			 "{\"cmd\":\"help\",\"args\":{\"offset\":%lld,\"limit\":4}}",
			 (long long)offset);
		data = ask_granted(&w.loop, fd, req, &a);
		CU_ASSERT_TRUE(json_array_size(data) <= 4);
		rows += json_array_size(data);
		next = json_object_get(a, "next");
		if (next)
			CU_ASSERT_EQUAL(json_integer_value(next), offset + 4);
		offset = json_integer_value(next);
		json_decref(a);
		pages++;
	} while (offset && pages < 100);
	CU_ASSERT_EQUAL(rows, CTL_COMMAND_MAX);
	CU_ASSERT_EQUAL(pages, (CTL_COMMAND_MAX + 3) / 4);
	json_decref(
		ask(&w.loop, fd, "{\"cmd\":\"help\",\"args\":{\"offset\":9223372036854775807}}"));
	close(fd);
	destroy();
}

static void test_monitor_sees_signalling(void)
{
	static const char *const wanted[] = {"\"event\":\"sent\"", "\"event\":\"received\"",
					     "\"event\":\"session-up\"", "\"name\":\"PBU\"",
					     "\"name\":\"PBA\""};
	int fd, mon;
	char *text;

	build();
	fd = client(&w.loop);
	mon = client(&w.loop);
	json_decref(ask(&w.loop, mon, "{\"cmd\":\"monitor\",\"args\":{\"verbose\":true}}"));
	attach_nodes(fd);
	text = hear(&w.loop, mon, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, wanted[i]));
	free(text);
	close(fd);
	close(mon);
	destroy();
}

/* A daemon that has nothing says so, command by command, and does not fall over. */
static void test_nothing_there(void)
{
	static const char *const requests[] = {
		"{\"cmd\":\"status\"}",
		"{\"cmd\":\"bindings\"}",
		"{\"cmd\":\"update-list\"}",
		"{\"cmd\":\"sessions\"}",
		"{\"cmd\":\"peers\"}",
		"{\"cmd\":\"interfaces\"}",
		"{\"cmd\":\"nodes\"}",
		"{\"cmd\":\"pools\"}",
		"{\"cmd\":\"profiles\"}",
		"{\"cmd\":\"counters\"}",
		"{\"cmd\":\"drops\"}",
		ATTACH("\"ifname\":\"a\",\"mac\":\"02:00:00:00:00:07\""),
		DETACH("\"node\":\"a\""),
		DETACH("\"node\":\"a\",\"mac\":\"02:00:00:00:00:07\""),
		"{\"cmd\":\"delete\",\"args\":{\"mn_id\":\"a\"}}",
		"{\"cmd\":\"reload\"}",
		"{\"cmd\":\"version\"}",
	};
	const struct control_ctx empty = {0};
	const struct control_opts opts = {0};
	struct loop l;
	int fd;

	start(&l, &empty, &opts);
	fd = client(&l);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		json_decref(ask(&l, fd, requests[i]));
	ask_refused(&l, fd, "{\"cmd\":\"bindings\"}", "this daemon is no LMA");
	ask_refused(&l, fd, "{\"cmd\":\"update-list\"}", "this daemon is no MAG");
	ask_refused(&l, fd, "{\"cmd\":\"shutdown\"}", "this daemon cannot be shut down from here");
	close(fd);
	stop(&l);
}

int main(int argc, char **argv)
{
	static const struct cu_test tests[] = {
		{"bindings",					   test_bindings},
		{"update-list",						    test_update_list},
		{"sessions",test_sessions},
		{"peers shows MAGs, LMAs and tunnels",					       test_peers},
		{"interfaces, nodes, pools, profiles",						       test_interfaces_nodes_pools_profiles},
		{"IPv4 home addresses, their pools, leases and profiles; tunnels and GRE keys",
		 test_ipv4},
		{"counters and drops",		       test_counters_and_drops},
		{"status and version",						    test_status_and_version},
		{"log-level",					    test_log_level},
		{"attach",				 test_attach},
		{"RFC 5949 4.1 a handover is triggered and shown",							   test_handover},
		{"detach by MN-ID and by place",test_detach},
		{"delete",					  test_delete},
		{"revoke says what, and refuses what it cannot",							 test_revoke},
		{"store: what is on disk, what waits, what was found",	       test_store},
		{"shutdown, with and without flush",     test_shutdown},
		{"reload",						    test_reload},
		{"help lists every command, or one",								test_help},
		{"a list comes in pages, each row once",						 test_pages},
		{"monitor sees the signalling of an attachment",							 test_monitor_sees_signalling},
		{"commands on a daemon that has nothing",test_nothing_there},
		{0},
	};

	return cu_main("control_commands", tests, argc, argv);
}
